"""Does the explorer hold in corners: there and back, on the way, strange pages, lost focus, its memory, its end?"""

from contextlib import contextmanager

import pytest
import torch
from playwright.sync_api import expect
from torch import nn

from harness import plain
from harness.hands import PLAY, SETTLED, grid, is_painted, middle, press
from pooling_course import GradientFlow, PoolingExplorer, images

pytestmark = pytest.mark.browser
WORKED = images.preset("worked")


# --- there and back ---------------------------------------------------------------------------------------------------

PIXELS = """() => {
  window.painted = 0;
  for (const { prototype } of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
    const own = prototype.putImageData;
    prototype.putImageData = function (...given) { window.painted++; return own.apply(this, given); };
  }
}"""
PICTURES = """(el) => [...el.querySelectorAll(".pc-stage canvas")].filter((one) => one.checkVisibility())
    .map((one) => one.toDataURL())"""


@pytest.mark.parametrize("widget", [PoolingExplorer, GradientFlow])
def test_there_and_back_a_slider_shows_the_same_pictures_and_paints_them_no_more(page, mount, widget):
    page.evaluate(PIXELS)
    root = mount(widget(torch.rand(64, 64), nn.AvgPool2d(2, 1)))
    stride = root.get_by_role("slider", name="stride")
    pictures, painted = {}, []
    for key in [*["ArrowRight"] * 3, *["ArrowLeft"] * 3] * 2 + ["ArrowRight"] * 3:
        stride.press(key)
        expect(root).not_to_have_attribute("aria-busy", "true")
        root.evaluate(SETTLED)
        seen = root.evaluate(PICTURES)
        assert pictures.setdefault(stride.input_value(), seen) == seen
        painted.append(page.evaluate("window.painted"))
    assert len({tuple(seen) for seen in pictures.values()}) == 4  # each stride has its own
    assert painted[0] < painted[2] and painted[12] == painted[-1]


def test_a_theme_an_input_another_setting_or_what_cells_show_brings_no_earlier_picture_back(page, mount):
    explorer = PoolingExplorer(torch.rand(64, 64), nn.AvgPool2d(3, 1, 1))
    root = mount(explorer)
    seen = []

    def look():
        root.evaluate(SETTLED)
        seen.append(tuple(root.evaluate(PICTURES)))

    look()
    page.evaluate("document.body.style.background = '#16181d'")
    page.evaluate("document.body.dataset.theme = 'dark'")
    look()
    plain.in_python(root, lambda: setattr(explorer, "x", torch.rand(64, 64)))
    look()
    root.get_by_role("combobox", name="Cells show").select_option("reads")
    look()
    assert len({pictures[0] for pictures in seen}) == 4
    plain.in_python(root, lambda: setattr(explorer, "count_include_pad", False))
    look()
    assert seen[-1][1] != seen[-2][1]


# --- memory -----------------------------------------------------------------------------------------------------------


def nodes(page):
    """How many there are, in the page or kept by the browser."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    for _ in range(2):  # what the first one finalizes, the second one frees
        session.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(50)
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}["Nodes"]


def test_tables_that_are_closed_leave_nothing_behind(page, mount):
    root = mount(PoolingExplorer("photo", nn.MaxPool2d(2)))
    summary = root.locator("summary", has_text="Numbers as tables")
    before = nodes(page)
    summary.click()
    expect(root.locator("table").first).to_be_visible()
    opened = nodes(page)
    summary.click()
    expect(root.locator("table")).to_have_count(0)
    root.evaluate(SETTLED)
    assert nodes(page) < before + 0.01 * (opened - before)


# --- backwards and on the way -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("upstream", [None, "chosen", torch.ones(3, 3)])
@pytest.mark.parametrize("compare", [False, True])
def test_whole_numbers_have_no_gradient_and_the_explorer_goes_on(page, mount, upstream, compare):
    explorer = PoolingExplorer("worked", "max", compare=compare, direction="backward", upstream=upstream)
    root = mount(explorer)
    plain.in_python(root, lambda: setattr(explorer, "x", WORKED.long()))
    expect(root.get_by_role("alert")).to_contain_text("integers have no gradient")
    root.get_by_role("slider", name="stride").first.press("ArrowLeft")
    expect(root.locator(".pc-code code").first).to_have_text("nn.MaxPool2d(kernel_size=2, stride=1)")
    plain.in_python(root, lambda: setattr(explorer, "x", "ramp"))
    expect(root.locator(".pc-notice")).not_to_contain_text("integers")


@pytest.mark.parametrize("before", [None, torch.full((3, 3), 2.0)])
def test_where_no_upstream_gradient_is_typed_in_ones_stand_in_for_it_and_this_is_said(page, mount, before):
    flow = GradientFlow("worked", nn.AvgPool2d(2), upstream=before)
    root = mount(flow)

    def typed_in_and_empty():
        flow.own, flow.upstream_mode = {}, "own"

    plain.in_python(root, typed_in_and_empty)
    expect(root.locator(".pc-notice")).to_have_text("No upstream gradient has been typed in: ones stand in for it.")
    expect(root).not_to_have_attribute("aria-busy", "true")
    root.get_by_role("slider", name="stride").press("ArrowLeft")
    expect(root.locator(".pc-code code")).to_have_text("nn.AvgPool2d(kernel_size=2, stride=1)")
    expect(root.locator(".pc-totals")).to_contain_text("upstream gradient 25 in all")


@pytest.mark.parametrize("width", [736, 934])
def test_what_is_said_under_a_gradient_takes_one_line(page, mount, width):
    """A second one would lie under the sums."""
    page.set_viewport_size({"width": width, "height": 768})
    explorer = GradientFlow("digit", nn.MaxPool2d(3, stride=2))
    explorer.compare = True
    root = mount(explorer)
    root.evaluate(SETTLED)
    under = root.locator(".pc-under:visible")
    expect(under.filter(has_text="unread")).to_have_count(2)
    assert {el.bounding_box()["height"] for el in under.all()} == {18}


@pytest.mark.parametrize("start", ["Next window", "Play"])
@pytest.mark.parametrize("by_hand", [True, False])
def test_what_is_under_way_ends_with_its_picture(page, mount, start, by_hand):
    """Numbers on their way to a grid that is gone; the step itself takes most of a second."""
    explorer = GradientFlow("worked", "max")
    explorer.compare = True
    root = mount(explorer)
    root.get_by_role("button", name=start).click()
    page.wait_for_timeout(400)
    if by_hand:
        root.get_by_role("radio", name="Average").check(force=True)
    else:
        plain.in_python(root, lambda: explorer.set_trait("compare", False))
    root.evaluate(SETTLED)
    expect(root.get_by_role("button", name=PLAY)).to_be_visible()
    page.wait_for_timeout(600)


# --- controls ---------------------------------------------------------------------------------------------------------


def test_channels_are_called_what_they_are_on_every_input(page, mount):
    explorer = PoolingExplorer(torch.randn(3, 6, 6), nn.MaxPool2d(2))
    root = mount(explorer)
    options = root.get_by_role("combobox", name="Channel").locator("option")
    expect(options).to_have_text(["0", "1", "2"])
    plain.in_python(root, lambda: setattr(explorer, "x", "photo"))
    expect(options).to_have_text(["red", "green", "blue"])
    plain.in_python(root, lambda: setattr(explorer, "x", torch.randn(3, 6, 6)))
    expect(options).to_have_text(["0", "1", "2"])


def test_a_divisor_that_is_no_number_at_all_is_refused_and_does_not_stay(page, mount):
    explorer = PoolingExplorer("worked", nn.AvgPool2d(2, divisor_override=3), settings=["divisor_override"])
    root = mount(explorer)
    field = root.get_by_role("spinbutton")
    field.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("2-")
    page.keyboard.press("Tab")
    expect(root.locator(".pc-notice")).to_have_text(
        "divisor_override: torch takes whole numbers only; leave it empty for the usual divisor."
    )
    assert field.evaluate("(el) => [el.value, el.validity.badInput]") == ["3", False]
    assert explorer.divisor_override == 3


def test_two_sliders_that_are_swept_at_once_go_back_each_to_its_own_place(page, mount):
    explorer = PoolingExplorer("worked", nn.MaxPool2d((2, 3), 1))
    root = mount(explorer)
    height, width = (root.get_by_role("slider", name=f"kernel_size, {side}") for side in ("height", "width"))
    for type in ("pointerdown", "pointercancel"):  # two fingers that zoom
        for slider in (height, width):
            slider.dispatch_event(type)
    root.evaluate(SETTLED)
    expect(root.locator(".pc-code code")).to_have_text(["nn.MaxPool2d(kernel_size=(2, 3), stride=1)"])


def test_the_focus_stays_where_it_is_whatever_width_the_page_takes(page, mount):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    choice = root.get_by_role("combobox", name="Input")
    choice.focus()
    order = root.locator(".pc-bar").evaluate("(el) => [...el.children].map((child) => child.className)")
    for width in (700, 400, 900, 736):  # magnified, a page is narrower
        root.evaluate("(el, width) => (el.parentElement.style.width = `${width}px`)", width)
        page.wait_for_timeout(150)
        expect(choice).to_be_focused()
    assert root.locator(".pc-bar").evaluate("(el) => [...el.children].map((child) => child.className)") == order


# --- hands ------------------------------------------------------------------------------------------------------------


def test_keys_walk_from_the_chosen_cell_wherever_the_pointer_rests(page, mount):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    grid(root, "Max output").focus()
    for key in ["Home", "PageUp"]:
        page.keyboard.press(key)
    page.mouse.move(*middle(root, "Input", 5, 5, 6, 6))
    page.wait_for_timeout(100)
    page.keyboard.press("ArrowRight")
    expect(root.locator(".pc-sentence")).to_contain_text("Max output at row 0, column 1")
    page.mouse.move(*middle(root, "Input", 4, 5, 6, 6))
    page.wait_for_timeout(100)
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")  # who comes back by keyboard is told of the chosen cell
    expect(root.locator(".pc-sentence")).to_contain_text("Max output at row 0, column 1")


@contextmanager
def awaited(root, kernel_size):
    """While torch is awaited, for another kernel_size."""
    root.page.evaluate("() => { window.held = new Promise((done) => (window.goOn = done)); }")
    root.get_by_role("slider", name="kernel_size").evaluate(
        "(el, size) => { el.value = size; el.dispatchEvent(new Event('input')); }", kernel_size
    )
    expect(root).to_have_attribute("aria-busy", "true")
    yield
    root.page.evaluate("() => { window.goOn(); }")


def test_while_torch_is_awaited_a_drag_does_nothing(page, mount):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    with awaited(root, 5):
        page.mouse.move(*middle(root, "Input", 0, 0, 6, 6))
        page.mouse.down()
        page.mouse.move(*middle(root, "Input", 3, 3, 6, 6), steps=4)
        page.mouse.up()
    expect(root).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize(
    "name, times, place", [("Next window", 1, "row 1, column 1"), ("Previous window", 2, "row 0, column 0")]
)
def test_while_torch_is_awaited_buttons_wait_for_its_picture(page, mount, name, times, place):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    sentence = root.locator(".pc-sentence")
    expect(sentence).to_contain_text("row 2, column 0")
    with awaited(root, 4):
        for _ in range(times):
            press(root, name)
        page.wait_for_timeout(100)
        expect(sentence).to_contain_text("row 2, column 0")
    expect(sentence).to_contain_text(f"Max output at {place}")


@pytest.mark.parametrize("times", [1, 2])
def test_so_does_play_and_pause_takes_it_back(page, mount, times):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    with awaited(root, 4):
        for _ in range(times):
            press(root, PLAY)
    expect(root).not_to_have_attribute("aria-busy", "true")
    expect(root.get_by_role("button", name=PLAY)).to_have_count(times - 1)


def test_what_is_done_before_the_first_picture_does_no_harm(page):
    plain.mount(page, PoolingExplorer("worked", nn.MaxPool2d(2)), 736)
    page.evaluate("() => { window.requestAnimationFrame = () => 0; window.setTimeout = () => 0; }")
    explorer = PoolingExplorer("worked", nn.MaxPool2d(2))
    with pytest.raises(Exception, match="Timeout"):
        plain.mount(page, explorer, 736, within=500)
    root = page.locator("#w1 .pc-explorer")
    root.evaluate("""(el) => {
      el.querySelector(".pc-stage").focus();
      for (const key of ["ArrowDown", "Enter", "5"]) {
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      }
      for (const button of el.querySelectorAll("button:not(.pc-code button)")) button.click();
    }""")


# --- Play -------------------------------------------------------------------------------------------------------------


def test_play_ends_where_another_input_comes(page, mount):
    explorer = PoolingExplorer("worked", nn.MaxPool2d(2))
    root = mount(explorer)
    root.get_by_role("button", name=PLAY).click()
    page.wait_for_timeout(300)
    plain.in_python(root, lambda: setattr(explorer, "x", torch.rand(9, 9)))
    expect(root.get_by_role("button", name=PLAY)).to_have_text("▶ Play")
    expect(root.locator("figcaption").first).to_have_text("Input 9 × 9")
    assert is_painted(root, "Max output", 4)


# --- strange pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ground, theme",
    [
        ("oklch(0.98 0.01 240)", "light"),
        ("oklch(0.25 0.02 240)", "dark"),
        ("lab(96 0 0)", "light"),
        ("lab(9 0 0)", "dark"),
        ("color(srgb 1 1 1)", "light"),  # marimo's white page
        ("color(srgb 0.1 0.1 0.1)", "dark"),
        ("color(display-p3 1 1 1)", "light"),
        ("rgb(0 0 0 / 0.3)", "light"),  # over white paper
        ("color-mix(in oklab, black 80%, white)", "dark"),
        ("rgb(20 20 20 / 0.9)", "dark"),
    ],
)
def test_any_colour_behind_the_explorer_tells_light_from_dark(page, mount, ground, theme):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    page.evaluate("(ground) => (document.body.style.background = ground)", ground)
    expect(root).to_have_attribute("data-theme", theme)


def test_on_a_page_that_is_read_from_right_to_left_numbers_keep_their_signs_and_grids_their_places(page, mount):
    root = mount(PoolingExplorer(-WORKED - 0.5, nn.MaxPool2d(2)))
    before = root.evaluate(PICTURE)
    page.evaluate("document.documentElement.dir = 'rtl'")
    root.get_by_role("slider", name="kernel_size").press("ArrowRight")
    root.get_by_role("slider", name="kernel_size").press("ArrowLeft")
    root.evaluate(SETTLED)
    assert root.evaluate(PICTURE) == before


# Where grids stand in the explorer, and their pixels.
PICTURE = """(root) => [...root.querySelectorAll(".pc-stage")].filter((el) => el.checkVisibility()).map((el) => [
  el.getBoundingClientRect().left - root.getBoundingClientRect().left,
  el.querySelector("canvas").toDataURL(),
])"""


def test_where_no_worker_may_run_the_page_pools_what_takes_long_itself(page):
    page.route("http://course.test/", lambda route: route.fulfill(body=WITHOUT_WORKERS, content_type="text/html"))
    page.goto("http://course.test/")
    explorer = PoolingExplorer(torch.rand(500, 500), nn.AvgPool2d(3, 1))
    explorer.set_trait("book", explorer.book | {"entries": []})
    root = plain.mount(page, explorer, 736, alone=True)
    for _ in range(2):
        expect(root).not_to_have_attribute("aria-busy", "true")
        expect(root.locator(".pc-notice")).to_be_hidden()
        root.get_by_role("slider", name="kernel_size").press("ArrowRight")
    expect(root.locator(".pc-code code")).to_have_text(["nn.AvgPool2d(kernel_size=5, stride=1)"])


WITHOUT_WORKERS = """<!doctype html><meta charset=utf-8>
<meta http-equiv="Content-Security-Policy" content="worker-src 'none'"><body></body>"""


# --- the end ----------------------------------------------------------------------------------------------------------


def test_an_explorer_that_has_gone_draws_asks_and_waits_no_more(page, mount):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    page.evaluate(COUNTING)
    root.evaluate("""(el) => {
      const slider = el.querySelector('input[type=range]');
      slider.value = 3;
      slider.dispatchEvent(new Event('input'));
      leaveAll();
      window.counting = true;
    }""")
    page.wait_for_timeout(800)
    assert page.evaluate("window.counted") == []


# What is drawn, and what is still going to happen.
COUNTING = """() => {
  window.counted = [];
  const count = (owner, name) => {
    const own = owner[name];
    owner[name] = function (...given) {
      if (window.counting) window.counted.push(name + new Error().stack);
      return own.apply(this, given);
    };
  };
  count(CanvasRenderingContext2D.prototype, "clearRect");
  for (const name of ["setTimeout", "requestAnimationFrame"]) count(window, name);
}"""


def test_whoever_waits_for_a_style_sheet_that_never_comes_waits_once_and_not_beyond_the_end(page):
    plain.mount(page, PoolingExplorer("worked", nn.MaxPool2d(2)), 736)
    page.evaluate("document.querySelectorAll('style').forEach((el) => el.remove())")
    page.evaluate(COUNTING)
    with pytest.raises(Exception, match="Timeout"):
        plain.mount(page, PoolingExplorer("worked", nn.MaxPool2d(2)), 736, within=500)
    for name in ("a", "b", "c"):  # a theme may have changed
        page.evaluate("(name) => (document.body.dataset.theme = name)", name)
        page.wait_for_timeout(50)
    page.evaluate("leaveAll()")
    page.wait_for_timeout(100)
    page.evaluate("window.counting = true")
    page.wait_for_timeout(300)
    assert page.evaluate("window.counted") == []
