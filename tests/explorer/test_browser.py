"""Does the explorer, in a real JupyterLab, show what torch computes, and obey keyboard, pointer, links and reload?

Run order matters in one place: the kernel is shut down last. Every other test starts from a cell run anew.
"""

import itertools
import json
import math
import shutil

import pytest
import torch
from playwright.sync_api import expect

from harness import browser
from harness.explorers import (
    NAMES,
    STICKING_OUT,
    WORKED,
    cell,
    check,
    check_sentences,
    copied,
    drawn,
    faults,
    new_page,
    numbered,
    numbers_in,
    opened,
    pool,
    run_cell,
    type_into,
    written,
)
from pooling_course import Pooling, images, trace
from pooling_course.maths import words

pytestmark = pytest.mark.browser


# --- one notebook for all tests ------------------------------------------------------------------------------------


CELLS = [
    "import ipywidgets, torch\nfrom pooling_course import PoolingExplorer",
    "one = PoolingExplorer()\none",
    "two = PoolingExplorer('worked', 'avg')\ntwo",
    "slider = ipywidgets.IntSlider(min=1, max=5, value=2, description='linked')\n"
    "three = PoolingExplorer()\nlink = ipywidgets.jslink((slider, 'value'), (three, 'kernel_size'))\n"
    "ipywidgets.VBox([slider, three])",
    "four = PoolingExplorer(torch.ones(3, 4, 4), direction='backward', upstream=torch.full((3, 2, 2), 5))\nfour",
]


@pytest.fixture(scope="module")
def page(lab, chromium):
    """A JupyterLab page with the notebook of CELLS run; what its console complained about is in page.complaints."""
    lab.write("explorers.ipynb", *CELLS)
    page = new_page(chromium)
    lab.open(page, "explorers.ipynb")
    lab.run_all(page)
    expect(page.locator(".pc-explorer")).to_have_count(4, timeout=browser.START)
    yield page
    page.context.close()


@pytest.fixture
def one(page):
    """The first explorer, its cell run anew, with every detail open."""
    return run_cell(page, 1)


# --- sliders -------------------------------------------------------------------------------------------------------


def test_the_keyboard_alone_moves_a_slider_and_every_number_follows(one):
    check(one, Pooling("max", 2))
    one.slide("kernel_size", 3)
    check(one, Pooling("max", 3, 2))
    check_sentences(one, Pooling("max", 3, 2), at=(0, 0))


def test_every_number_of_both_kinds_is_torchs_in_jupyterlab(one):
    one.choose("Both")
    for k, s, padding, ceil_mode in [(3, 1, 1, False), (5, 2, 2, True), (1, 3, 0, True), (4, 3, 1, False)]:
        one.tick("ceil_mode", ceil_mode)
        one.slide("kernel_size", k)
        one.slide("stride", s)
        one.slide("padding", padding)
        check(one, *(Pooling(kind, k, s, padding, ceil_mode=ceil_mode) for kind in ("max", "avg")))


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_every_number_is_torchs_where_one_kind_stands_alone(one, kind):
    one.choose(NAMES[kind])
    one.slide("kernel_size", 3)
    for stride, padding in itertools.product((1, 2, 3), (0, 1)):
        one.slide("stride", stride)
        one.slide("padding", padding)
        check(one, Pooling(kind, 3, stride, padding))


def test_every_number_is_torchs_whatever_the_average_divides_by(one):
    one.choose("Average")
    one.slide("kernel_size", 3)
    one.slide("padding", 1)
    for counted, divisor, ceil_mode in itertools.product((False, True), (None, 3, -2), (False, True)):
        one.tick("count_include_pad", counted)
        one.tick("ceil_mode", ceil_mode)
        one.divide_by(divisor)
        p = Pooling("avg", 3, 2, 1, 1, ceil_mode, counted, divisor)
        check(one, p)
        check_sentences(one, p, at=(0, 0))


def test_every_number_is_torchs_with_dilation(one):
    for k, dilation, padding in [(2, 2, 0), (2, 3, 1), (3, 2, 1), (1, 3, 0)]:
        one.slide("dilation", dilation)
        one.slide("kernel_size", k)
        one.slide("padding", padding)
        check(one, Pooling("max", k, 2, padding, dilation))
        check_sentences(one, Pooling("max", k, 2, padding, dilation), at=(0, 0))


def test_height_and_width_may_differ(one):
    one.tick("height and width apart", True)
    one.slide("kernel_size, width", 3)
    one.slide("stride, height", 1)
    one.slide("padding, width", 1)
    check(one, Pooling("max", (2, 3), (1, 2), (0, 1)))
    one.tick("height and width apart", False)
    check(one, Pooling("max", 2, 1))


def test_a_window_that_does_not_fit_says_so_and_the_next_one_is_shown_again(one):
    one.slide("dilation", 3)
    one.slide("kernel_size", 2)
    expect(one.slider("kernel_size")).to_have_attribute("max", "2")
    one.page.keyboard.press("ArrowRight")
    check(one, Pooling("max", 2, 2, 0, 3))


def test_the_focus_stays_where_tab_has_put_it(one):
    one.choose("Average")
    one.root.get_by_role("spinbutton", name="divisor_override").focus()
    one.page.keyboard.type("3")
    one.page.keyboard.press("Tab")
    check(one, Pooling("avg", 2, divisor_override=3))
    expect(one.root.get_by_role("button", name="Copy nn.AvgPool2d(kernel_size=2, divisor_override=3)")).to_be_focused()


def test_a_divisor_that_is_none_is_refused_in_a_sentence(one):
    one.choose("Average")
    for typed, rule in [("0", "nothing can be divided by 0"), ("2.5", "torch takes whole numbers only")]:
        one.divide_by(3)
        one.divide_by(typed)
        expect(one.notice).to_contain_text(f"divisor_override={typed}: {rule}; leave it empty")
        expect(one.root.get_by_role("spinbutton", name="divisor_override")).to_have_value("3")
        check(one, Pooling("avg", 2, divisor_override=3))


def test_copy_gives_the_code(one):
    one.choose("Both")
    one.slide("kernel_size", 3)
    assert [copied(one, i) for i in (0, 1)] == [f"nn.{kind}Pool2d(kernel_size=3, stride=2)" for kind in ("Max", "Avg")]


def test_grids_stand_level_whatever_is_said_of_them(one):
    one.choose("Both")
    one.slide("kernel_size", 3)
    unread = int((trace(Pooling("max", 3, 2), WORKED).reads == 0).sum())
    assert unread > 0
    expect(one.root.locator(".pc-under:visible").first).to_have_text(f"{unread} of 36 cells never read (hatched)")
    tops = {stage.bounding_box()["y"] for stage in one.root.locator(".pc-stage:visible").all()}
    assert len(tops) == 1


def test_closed_tables_take_no_room_and_come_back(one):
    numbers = one.root.locator("summary", has_text="Numbers as tables")
    numbers.click()
    expect(one.root.locator(".pc-numbers table")).to_have_count(0)
    one.slide("kernel_size", 3)
    expect(one.root.locator(".pc-numbers table")).to_have_count(0)
    numbers.click()
    check(one, Pooling("max", 3, 2))


def test_a_slider_step_leaves_alone_what_stays_the_same(one):
    """What is set again, even to the same, the browser lays out again: that was most of the time of a step."""
    for summary in one.root.locator("summary").all():
        summary.click()  # closed: the tables are made anew while they are open
    one.slide("kernel_size", 3)
    one.slide("stride", 3)
    one.slider("stride").focus()
    one.at_rest()
    one.root.evaluate(WATCH)
    one.page.keyboard.press("ArrowLeft")
    expect(one.code).to_have_text("nn.MaxPool2d(kernel_size=3, stride=2)")
    touched = one.root.evaluate("() => window.touched()")
    allowed = {"#text in output.pc-value", "#text in div.pc-hint", "#text in code", "aria-label of button"}
    allowed |= {"title of div.pc-hint", "title of code", "#text in span", "class of p.pc-sentence"}
    allowed |= {
        "#text in div",
        "#text in figcaption",
        "#text in div.pc-under",
        "style of div.pc-stage",
        "aria-label of div.pc-stage",
    }
    assert set(touched) <= allowed | {"children of div.pc-hidden"}
    assert touched.count("#text in output.pc-value") == 1


WATCH = """(root) => {
  const name = (el) => [el.localName, ...el.classList].join(".");
  const seen = [];
  const note = (changes) => seen.push(...changes.map(({ type, target, attributeName }) => ({
    characterData: () => `#text in ${name(target.parentNode)}`,
    attributes: () => `${attributeName} of ${name(target)}`,
    childList: () => `children of ${name(target)}`,
  })[type]()));
  const observer = new MutationObserver(note);
  observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
  window.touched = () => {
    note(observer.takeRecords());
    observer.disconnect();
    return seen;
  };
}"""


@pytest.mark.parametrize("direction", ["Forward", "Backward"])
def test_a_slider_step_has_nothing_laid_out_but_what_it_changes(one, direction):
    """Else all that is around it is laid out, too: one part that reaches out of its box is enough."""
    one.choose(direction)
    for summary in one.root.locator("summary").all():
        summary.click()  # closed, as above
    one.slide("kernel_size", 2)
    one.slide("stride", 3)
    one.go(1, 1)  # whose sentence changes, too
    one.slider("stride").focus()
    one.page.wait_for_timeout(300)  # what has been set before is told, and asked for
    running = one.page.context.browser
    running.start_tracing(page=one.page, categories=["devtools.timeline"])
    one.page.keyboard.press("ArrowLeft")
    one.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    events = json.loads(running.stop_tracing())["traceEvents"]
    expect(one.code).to_have_text("nn.MaxPool2d(kernel_size=2)")
    pressed = next(e["ts"] for e in events if e["name"] == "EventDispatch" and e["args"]["data"]["type"] == "keydown")
    first = min((e for e in events if e["name"] == "Layout" and e["ts"] > pressed), key=lambda e: e["ts"])
    laid_out = {root["nodeName"] for root in first["args"]["endData"]["layoutRoots"]}
    assert laid_out and "#document" not in laid_out


def test_backwards_every_cell_gets_what_autograd_gives_it(one):
    one.choose("Both")
    one.choose("Backward")
    for k, stride, padding in [(2, 2, 0), (3, 1, 1), (3, 2, 0)]:
        one.slide("kernel_size", k)
        one.slide("stride", stride)
        one.slide("padding", padding)
        poolings = [Pooling(kind, k, stride, padding) for kind in ("max", "avg")]
        expect(one.code).to_have_text([p.code() for p in poolings])
        tables = dict(one.read()["tables"])
        for p in poolings:
            x = WORKED.clone().requires_grad_()
            pool(p, x).sum().backward()
            assert tables[f"Input gradient of {NAMES[p.kind].lower()}, 6 × 6"] == written(x.grad), p


def test_what_max_alone_leaves_unread_is_said_of_max(one):
    under = one.root.locator(".pc-under").first
    one.slide("dilation", 2)
    one.slide("kernel_size", 2)
    one.slide("stride", 4)
    expect(under).to_contain_text("cells never read (hatched)")
    one.choose("Both")
    expect(under).to_contain_text("cells never read by max (hatched)")
    one.slide("dilation", 1)
    expect(under).to_contain_text("cells never read (hatched)")


def test_an_upstream_gradient_for_other_channels_is_kept_and_ones_stand_in(page):
    four = run_cell(page, 4)

    def upstream():
        return dict(four.read()["tables"])["Upstream gradient of max, 2 × 2"]

    assert upstream() == [["5", "5"], ["5", "5"]]
    four.root.get_by_role("combobox", name="Input").select_option("worked")
    four.slide("kernel_size", 3)
    four.slide("stride", 3)
    expect(four.code).to_have_text("nn.MaxPool2d(kernel_size=3)")
    expect(four.root.locator(".pc-grid:visible figcaption").last).to_have_text("Upstream gradient 2 × 2")
    expect(four.notice).to_have_text(
        "Your upstream gradient is for an output of 3 × 2 × 2: here ones stand in for it, and it is kept."
    )
    assert upstream() == [["1", "1"], ["1", "1"]]
    x = WORKED.clone().requires_grad_()
    pool(Pooling("max", 3), x).sum().backward()
    assert dict(four.read()["tables"])["Input gradient of max, 6 × 6"] == written(x.grad)


# --- grids ---------------------------------------------------------------------------------------------------------


def test_arrow_keys_walk_the_grids_and_jupyterlab_does_not_take_them(one):
    page, p = one.page, Pooling("max", 2)
    active = page.locator(".jp-Notebook .jp-Cell.jp-mod-active")
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    before = active.get_attribute("data-windowed-list-index")
    one.grid("Max output").focus()
    at = [0, 0]
    for press, step in [("ArrowRight", (0, 1)), ("ArrowDown", (1, 0)), ("ArrowRight", (0, 1)), ("ArrowUp", (-1, 0))]:
        page.keyboard.press(press)
        at = [at[0] + step[0], at[1] + step[1]]
        check_sentences(one, p, at=at)
    page.keyboard.press("End")
    page.keyboard.press("PageDown")
    check_sentences(one, p, at=(2, 2))
    one.grid("Input").focus()
    page.keyboard.press("Home")
    expect(one.sentence).to_contain_text("Input at row 2, column 0 is 4.")
    for taken in "abdmy":  # in JupyterLab: a cell above, below, deleted, made Markdown, made code
        page.keyboard.press(taken)
    expect(one.grid("Input")).to_be_focused()
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells
    assert active.get_attribute("data-windowed-list-index") == before


def test_every_window_is_put_into_the_words_of_the_trace(one):
    one.choose("Both")
    one.slide("kernel_size", 3)
    one.slide("padding", 1)
    one.tick("ceil_mode", True)
    both = [Pooling(kind, 3, 2, 1, ceil_mode=True) for kind in ("max", "avg")]
    forward = one.root.get_by_role("button", name="Next window")
    for row, col in itertools.product(range(4), range(4)):
        check_sentences(one, *both, at=(row, col))
        forward.click()
    check_sentences(one, *both, at=(0, 0))


def test_the_pointer_shows_a_window_and_leaving_gives_the_chosen_one_back(one):
    p = Pooling("max", 2)
    grid, middle = cell(one, "Max output", 2, 1, cols=3)
    grid.hover(position=middle)
    check_sentences(one, p, at=(2, 1))
    one.slider("stride").hover()
    check_sentences(one, p, at=(0, 0))
    grid, middle = cell(one, "Max output", 1, 2, cols=3)
    grid.click(position=middle)
    one.slider("stride").hover()
    check_sentences(one, p, at=(1, 2))
    grid, middle = cell(one, "Input", 4, 0, cols=6)
    grid.hover(position=middle)
    expect(one.sentence).to_contain_text("Input at row 4, column 0 is 8.")
    expect(one.sentence).to_contain_text("1 window reads it; it wins 1: output (2, 0).")


def test_a_cell_is_edited_by_typing_and_torch_pools_again(one):
    one.choose("Both")
    x = WORKED.clone()
    for row, col, text in [(1, 2, "-7.5"), (0, 0, "inf"), (5, 5, "0,25"), (3, 3, "nan"), (2, 0, "1e9")]:
        type_into(one, row, col, text)
        x[row, col] = float(text.replace(",", "."))
        expect(one.root.locator("table").first.locator("tbody tr").nth(row).locator("td").nth(col)).to_have_text(
            words.number(x[row, col].item())
        )
        check(one, Pooling("max", 2), Pooling("avg", 2), x=x)
        expect(one.grid("Input")).to_be_focused()
    expect(one.root.get_by_role("combobox", name="Input")).to_have_value("")


def test_a_wrong_text_gives_a_friendly_sentence_and_the_cell_keeps_its_value(one):
    for _ in range(2):
        type_into(one, 2, 2, "five")
        expect(one.told).to_have_text("'five' is not a number, such as -1.5, 1/3 or nan: type one, or Esc.")
        check(one, Pooling("max", 2))
    type_into(one, 2, 2, "5")
    expect(one.notice).to_be_hidden()


def test_a_screen_reader_hears_of_a_new_number_and_of_a_new_direction(one):
    told = one.root.locator("div[role=status]")
    type_into(one, 0, 0, "-2.5")
    expect(told).to_contain_text("Input at row 0, column 0 is -2.5.")
    one.choose("Backward")
    expect(told).to_contain_text("gets")
    one.choose("Forward")
    expect(told).to_contain_text("Input at row 0, column 0 is -2.5.")


def test_escape_leaves_the_cell_as_it_was(one):
    one.grid("Input").focus()
    one.page.keyboard.press("Enter")
    one.page.keyboard.type("99")
    one.page.keyboard.press("Escape")
    expect(one.grid("Input")).to_be_focused()
    check(one, Pooling("max", 2))


# Moves a slider, and types a number into a cell of the upstream gradient, quicker than any answer can come.
AT_ONCE = """async (root) => {
  const slider = root.querySelector("[aria-label=kernel_size]");
  slider.value = 1;
  slider.dispatchEvent(new Event("input"));
  const stage = [...root.querySelectorAll(".pc-stage")].find((el) => el.ariaLabel.startsWith("Upstream gradient"));
  stage.focus();
  for (const key of ["ArrowRight", "ArrowDown", "-", "4"]) {
    stage.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    await new Promise(queueMicrotask);
  }
  return root.getAttribute("aria-busy") === "true" && !root.querySelector(".pc-edit");
}"""


def test_what_is_typed_before_torch_has_answered_waits_for_it(page):
    four = run_cell(page, 4)
    assert four.root.evaluate(AT_ONCE), "torch's answer was there already"
    expect(four.root.get_by_role("textbox", name="New value at row 1, column 1")).to_have_value("-4")
    page.keyboard.press("Enter")
    expect(four.root.locator(".pc-totals")).to_contain_text("11")
    assert dict(four.read()["tables"])["Upstream gradient of max, 2 × 2"] == [["5", "5"], ["5", "-4"]]


# --- inputs --------------------------------------------------------------------------------------------------------


def test_every_preset_is_shown_with_torchs_numbers(one):
    one.choose("Both")
    presets = one.root.get_by_role("combobox", name="Input")
    for name in [n for n in images.PRESETS if n != "photo"]:
        presets.select_option(name)
        x = images.preset(name)
        expect(one.root.locator("caption").first).to_have_text("Input, {} × {}".format(*x.shape))
        expect(one.root.locator("tbody").first).to_have_text(numbers_in(x))
        check(one, Pooling("max", 2), Pooling("avg", 2), x=x)


def test_a_photo_has_channels_and_a_lens(one):
    photo = images.preset("photo")
    one.root.get_by_role("combobox", name="Input").select_option("photo")
    output = pool(Pooling("max", 2), photo)
    for channel, colour in enumerate(["red", "green", "blue"]):
        one.root.get_by_role("combobox", name="Channel").select_option(label=colour)
        expect(one.root.locator("tbody").nth(0)).to_have_text(numbers_in(photo[channel, :32, :32]))
        expect(one.root.locator("tbody").nth(1)).to_have_text(numbers_in(output[channel, :32, :32]))
        one.grid("Input").focus()
        expect(one.root.locator(".pc-lens-box figcaption")).to_contain_text(f"{colour} channel")
    one.grid("Input").focus()
    one.page.keyboard.press("End")
    last = photo.shape[-1] - 1
    value = words.number(photo[2, 0, last].item())
    expect(one.sentence).to_contain_text(f"Input at row 0, column {last} is ≈ {value}.")
    one.page.keyboard.press("Enter")
    expect(one.notice).to_contain_text("too small to edit")


# --- among others --------------------------------------------------------------------------------------------------


def test_two_explorers_on_one_page_do_not_disturb_each_other(one):
    two = run_cell(one.page, 2)
    one.slide("kernel_size", 4)
    two.slide("stride", 1)
    type_into(two, 0, 0, "9")
    x = WORKED.clone()
    x[0, 0] = 9
    expect(two.root.locator("td", has_text="9").first).to_be_visible()
    check(one, Pooling("max", 4, 2))
    expect(two.root.locator("tbody").first).to_have_text(numbers_in(x))
    check(two, Pooling("avg", 2, 1), x=x)
    two.choose("Max")
    expect(one.root.get_by_role("radio", name="Max")).to_be_checked()


def test_a_slider_of_ipywidgets_drives_a_linked_explorer(page):
    three = run_cell(page, 3)
    handle = page.locator(".jp-Notebook .jp-CodeCell").nth(3).get_by_role("slider").first
    for k in (3, 4):
        handle.focus()
        page.keyboard.press("ArrowRight")
        check(three, Pooling("max", k, 2))
    three.slide("kernel_size", 2)
    expect(handle).to_have_attribute("aria-valuenow", "2.0")


# A step every 8 ms; the values that did not stay until the next one.
QUICK = """async (slider) => {
  const lost = [];
  for (let i = 0; i < 60; i++) {
    const value = `${2 + (i % 3)}`;
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((done) => setTimeout(done, 8));
    if (slider.value !== value) lost.push([i, value, slider.value]);
  }
  return lost;
}"""


def test_steps_quicker_than_python_answers_are_kept_and_python_has_the_last(page):
    three = run_cell(page, 3)
    assert three.slider("kernel_size").evaluate(QUICK) == []
    handle = page.locator(".jp-Notebook .jp-CodeCell").nth(3).get_by_role("slider").first
    expect(handle).to_have_attribute("aria-valuenow", "4.0")
    check(three, Pooling("max", 4, 2))


# --- looks, and access for everybody ---------------------------------------------------------------------------------


def picture(explorer, name):
    browser.ARTIFACTS.mkdir(exist_ok=True)
    explorer.root.screenshot(path=browser.ARTIFACTS / f"{name}.png")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_no_fault_in_either_theme(lab, one, theme):
    page = one.page
    try:
        if theme == "Dark":
            lab.choose(page, "Settings", "Theme", "JupyterLab Dark")
        expect(one.root).to_have_attribute("data-theme", theme.lower())
        one.choose("Both")
        one.slide("kernel_size", 3)
        one.slide("padding", 1)
        picture(one, f"explorer-{theme.lower()}")
        assert faults(page) == []
        one.root.get_by_role("combobox", name="Input").select_option("photo")
        expect(one.root.locator(".pc-lens-box")).to_be_visible()
        type_into_nothing(one)
        picture(one, f"explorer-{theme.lower()}-photo")
        assert faults(page) == []
    finally:
        if theme == "Dark":
            lab.choose(page, "Settings", "Theme", "JupyterLab Light")
            expect(one.root).to_have_attribute("data-theme", "light")


def type_into_nothing(explorer):
    explorer.grid("Input").focus()
    explorer.page.keyboard.press("Enter")
    expect(explorer.notice).to_be_visible()


def test_axe_would_find_a_fault(one):
    one.root.evaluate("(el) => el.append(document.createElement('input'))")  # its own it labels anew when it draws
    one.sentence.evaluate("(el) => (el.style.color = '#999')")
    found = " ".join(faults(one.page))
    assert "label" in found and "color-contrast" in found


@pytest.mark.parametrize("preset", ["worked", "digit", "photo"])
@pytest.mark.parametrize("width", [360, 700])
def test_in_a_narrow_place_nothing_sticks_out(one, width, preset):
    one.root.evaluate("(el, width) => (el.parentElement.style.width = `${width}px`)", width)
    one.choose("Both")
    one.root.get_by_role("combobox", name="Input").select_option(preset)
    expect(one.root.locator("tbody").first).to_have_text(numbers_in(first_plane(preset)))
    expect(one.root).to_have_js_property("offsetWidth", width)
    one.page.wait_for_function(f"(root) => !({STICKING_OUT})(root).length", arg=one.root.element_handle())
    assert one.root.evaluate(STICKING_OUT) == []
    picture(one, f"explorer-{width}-{preset}")


def first_plane(name):
    x = images.preset(name)
    return (x if x.ndim == 2 else x[0])[:32, :32]


def test_play_walks_until_it_is_paused(one):
    one.root.get_by_role("combobox", name="Speed").select_option("fast")
    one.root.get_by_role("button", name="Play the sliding window").click()
    for _ in range(3):
        now = one.sentence.text_content()
        expect(one.sentence).not_to_have_text(now)
    one.root.get_by_role("button", name="Pause").click()
    expect(one.root.get_by_role("button", name="Play the sliding window")).to_be_visible()


# --- life and death ------------------------------------------------------------------------------------------------


def test_after_saving_and_reloading_a_cell_run_again_is_alive(lab, one):
    page = one.page
    one.slide("stride", 1)
    page.keyboard.press("Control+s")
    page.reload()
    lab.wait_for_kernel(page)
    lab.run_all(page)
    again = run_cell(page, 1)
    # ipywidgets complains of what an earlier run has left in the saved outputs, until they are run again
    page.complaints[:] = [said for said in page.complaints if "widget model not found" not in said]
    again.slide("kernel_size", 3)
    check(again, Pooling("max", 3, 2))


def test_the_first_lesson_runs_and_its_explorer_is_alive(lab, chromium):
    shutil.copy(browser.ROOT / "notebooks" / "01_what_is_pooling.ipynb", lab.folder)
    page = new_page(chromium)
    lab.open(page, "01_what_is_pooling.ipynb")
    lab.run_all(page)
    explorer = opened(page.locator(".pc-explorer").first)
    explorer.root.get_by_role("combobox", name="Input").select_option("worked")
    expect(explorer.root.locator("tbody").first).to_have_text(numbers_in(WORKED))
    explorer.slide("kernel_size", 3)
    check(explorer, Pooling("max", 3, 2))
    assert page.complaints == []
    assert page.locator(".jp-Notebook [data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    page.context.close()


def test_nothing_in_the_console_is_an_error(page):
    assert page.complaints == []


ACTIVE = """() => {
  const cells = [...document.querySelectorAll(".jp-Notebook .jp-Cell")];
  return cells.findIndex((el) => el.matches(".jp-mod-active"));
}"""
COUNT_SAVES = """() => {
  window.saved = 0;
  window.jupyterapp.commands.commandExecuted.connect((_, { id }) => (window.saved += id === "docmanager:save"));
}"""


@pytest.mark.parametrize("stand", ["slider", "button", "grid"])
def test_shift_enter_still_runs_the_cell_and_moves_on(one, stand):
    page, before = one.page, one.page.evaluate(ACTIVE)
    places = {"slider": one.slider("stride"), "button": one.root.get_by_role("button", name="Next window")}
    places.get(stand, one.grid("Input")).focus()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(f"({ACTIVE})() > {before}")
    expect(page.locator(".pc-edit")).to_have_count(0)


def test_escape_leads_from_the_widget_back_to_its_cell(one):
    one.slider("stride").focus()
    one.page.keyboard.press("Escape")
    one.page.wait_for_function("document.activeElement.matches('.jp-Cell, .jp-Notebook')")


def test_save_is_still_save(one):
    one.slider("stride").focus()
    one.page.evaluate(COUNT_SAVES)
    one.page.keyboard.press("Control+s")
    one.page.wait_for_function("window.saved > 0")


def test_without_a_kernel_the_page_pools_by_itself_and_says_so(lab, one):
    lab.ask(f"kernels/{lab.kernel('explorers.ipynb')}", "DELETE")
    one.slide("kernel_size", 3)
    one.slide("stride", 1)
    check(one, Pooling("max", 3, 1))
    one.tick("height and width apart", True)
    one.slide("kernel_size, width", 1)
    expect(one.notice).to_contain_text("this page pools by itself")
    check(one, Pooling("max", (3, 1), 1))
    type_into(one, 0, 0, "99")
    x = WORKED.clone()
    x[0, 0] = 99
    check(one, Pooling("max", (3, 1), 1), x=x)
    one.root.get_by_role("combobox", name="Input").select_option("edge")
    expect(one.notice).to_contain_text("another input would come from there")
    expect(one.root.get_by_role("combobox", name="Input")).to_have_value("")
    one.slide("stride, height", 2)
    expect(one.notice).to_contain_text("this page pools by itself")
    check(one, Pooling("max", (3, 1), (2, 1)), x=x)


def test_the_checks_here_reject_a_wrong_number():
    """The comparison itself: a table that is off by one digit is no match."""
    assert written(pool(Pooling("avg", 2), WORKED)) != written(pool(Pooling("avg", 2), WORKED + 0.01))
    assert drawn(torch.tensor([-math.inf, 1 / 3])) == ["−∞", "0.333"]
    row = torch.tensor([[-0.383, 11.25, 0.125]])
    assert numbered(["0", "1", "2", "0", "−0.383", "11.25", "0.125"], row)
    assert numbered(["0", "1", "2", "0", "−.38", "11.3", ".13"], row)
    assert not numbered(["0", "1", "2", "0", "−.39", "11.3", ".13"], row)
    assert not numbered(["0", "1", "2", "0", "−.38", "11.25", ".13"], row)
