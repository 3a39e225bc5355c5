"""Is the computing seen: the window dragged, an output filled cell by cell, and what each cell shows?"""

import pytest
import torch
from playwright.sync_api import expect
from torch import nn

from explorer.test_one_screen import of_lessons
from harness import browser, plain
from harness.explorers import soon
from harness.hands import PLAY, SETTLED, drag, grid, middle
from pooling_course import GradientFlow, Pooling, PoolingExplorer, images, trace

pytestmark = pytest.mark.browser
WORKED = images.preset("worked")


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_context(viewport={"width": 1000, "height": 700}).new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(error.stack or f"{error}"))
    yield page
    page.context.close()
    assert page.complaints == []


@pytest.fixture
def mount(page):
    def mounted(explorer):
        root = plain.mount(page, explorer, 736)
        root.evaluate(SETTLED)
        return root

    yield mounted
    plain.leave(page)


def reads(root, p, row, col, x=WORKED):
    expect(root.locator(".pc-sentence")).to_contain_text(
        f"row {row}, column {col}: {trace(p, x).window(row, col).text}."
    )


def test_the_window_is_dragged_over_the_input_and_snaps_to_the_stride(page, mount):
    explorer = PoolingExplorer("worked", nn.MaxPool2d(2))
    root = mount(explorer)
    at = [middle(root, "Input", row, col, 6, 6) for row, col in [(0, 0), (2, 2), (3, 5)]]
    drag(page, *at)
    reads(root, Pooling("max", 2), 1, 2)  # window rows 2 and 3, columns 4 and 5
    assert soon(page, lambda: explorer.chosen == [1, 2])
    drag(page, at[2], (at[2][0] + 400, at[2][1] + 400))
    reads(root, Pooling("max", 2), 2, 2)  # no farther than the last place
    drag(page, middle(root, "Max output", 2, 2, 3, 3), middle(root, "Max output", 0, 1, 3, 3))
    reads(root, Pooling("max", 2), 0, 1)


def test_a_press_that_does_not_move_chooses_the_cell(page, mount):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    page.mouse.click(*middle(root, "Input", 4, 0, 6, 6))
    expect(root.locator(".pc-sentence")).to_contain_text("Input at row 4, column 0 is 8.")


# --- by touch --------------------------------------------------------------------------------------------------------


@pytest.fixture
def phone(chromium):
    """phone(k) -> an explorer on a phone, on a page that can scroll, a window of k × k in its upper left corner."""
    context = chromium.new_context(viewport={"width": 390, "height": 700}, has_touch=True)
    page = context.new_page()

    def mounted(k=2):
        root = plain.mount(page, PoolingExplorer("worked", nn.MaxPool2d(k)), 390)
        page.evaluate("document.body.style.paddingBottom = '2000px'")
        root.evaluate(SETTLED)
        page.touchscreen.tap(*middle(root, "Max output", 0, 0, 6 // k, 6 // k))
        reads(root, Pooling("max", k), 0, 0)
        return root

    yield mounted
    context.close()


def swipe(page, *fingers):
    """Each finger goes from one place to another, all at the same time."""
    client = page.context.new_cdp_session(page)
    for step in range(17):
        at = [[start[i] + (end[i] - start[i]) * step / 16 for i in (0, 1)] for start, end in fingers]
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(at)]
        client.send("Input.dispatchTouchEvent", {"type": "touchMove" if step else "touchStart", "touchPoints": points})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(150)


def test_a_finger_on_the_window_drags_it_and_nothing_scrolls(phone):
    root = phone()
    corner, low = middle(root, "Input", 0.5, 0.5, 6, 6), middle(root, "Input", 4.5, 0.5, 6, 6)
    swipe(root.page, (corner, low))
    reads(root, Pooling("max", 2), 2, 0)
    swipe(root.page, (low, middle(root, "Input", 2.5, 4.5, 6, 6)))
    reads(root, Pooling("max", 2), 1, 2)
    swipe(root.page, (middle(root, "Max output", 1, 2, 3, 3), middle(root, "Max output", 0, 1, 3, 3)))
    reads(root, Pooling("max", 2), 0, 1)
    assert root.page.evaluate("scrollY") == 0


@pytest.mark.parametrize("name, cells, place", [("Input", 6, (4, 4)), ("Max output", 3, (2, 2))])
def test_a_swipe_from_elsewhere_on_a_grid_scrolls_and_changes_nothing(phone, name, cells, place):
    root = phone()
    x, y = middle(root, name, *place, cells, cells)
    swipe(root.page, ((x, y), (x, y - 200)))
    assert root.page.evaluate("scrollY") > 100
    reads(root, Pooling("max", 2), 0, 0)
    assert root.evaluate("(el) => el.classList.contains('pc-dragging')") is False


def test_a_swipe_from_elsewhere_lets_play_go_on_and_a_tap_stops_it(phone):
    root = phone()
    root.get_by_role("combobox", name="Speed").select_option("slow")
    root.get_by_role("button", name=PLAY).click()
    root.page.evaluate("scrollTo(0, 0)")
    x, y = middle(root, "Input", 4, 4, 6, 6)
    swipe(root.page, ((x, y), (x, y - 100)))
    expect(root.get_by_role("button", name=PLAY)).to_have_count(0)
    root.page.touchscreen.tap(*middle(root, "Input", 4, 4, 6, 6))
    expect(root.get_by_role("button", name=PLAY)).to_have_count(1)


@pytest.mark.parametrize("pause", [0, 1000])
def test_a_second_tap_on_a_cell_types_into_it(phone, pause):
    """At once or slowly; the first one shows its window."""
    root = phone()
    place, field = middle(root, "Input", 4, 0, 6, 6), root.get_by_label("New value at row 4, column 0")
    root.page.touchscreen.tap(*place)
    expect(root.locator(".pc-sentence")).to_contain_text("Input at row 4, column 0 is 8.")
    expect(field).to_have_count(0)
    root.page.wait_for_timeout(pause)
    root.page.touchscreen.tap(*place)
    expect(field).to_be_focused()
    root.page.keyboard.type("-2")
    root.page.keyboard.press("Enter")
    expect(root.locator(".pc-sentence")).to_contain_text("Input at row 4, column 0 is -2.")
    root.page.touchscreen.tap(*middle(root, "Input", 2, 2, 6, 6))
    root.page.touchscreen.tap(*middle(root, "Input", 4, 0, 6, 6))
    expect(root.locator(".pc-sentence")).to_contain_text("Input at row 4, column 0 is -2.")
    expect(field).to_have_count(0)


def test_a_finger_need_not_hit_a_small_cell(phone):
    root = phone(1)
    cell = (grid(root, "Input").bounding_box()["width"] - 22) / 6
    x, y = middle(root, "Input", 0, 0, 6, 6)
    miss = min(20, 0.9 * cell)
    swipe(root.page, ((x + miss, y), (x + miss, y + 3 * cell)))
    reads(root, Pooling("max", 1), 3, 0)
    assert root.page.evaluate("scrollY") == 0


@pytest.mark.parametrize("place", [(0.5, 0.5), (4, 4)])
def test_two_fingers_zoom_wherever_they_land(phone, place):
    root = phone()
    x, y = middle(root, "Input", *place, 6, 6)
    swipe(root.page, ((x, y), (x, y - 60)), ((x + 40, y + 30), (x + 110, y + 130)))
    assert root.page.evaluate("visualViewport.scale") > 1.2
    reads(root, Pooling("max", 2), 0, 0)


def test_a_swipe_beside_the_grids_scrolls(phone):
    root = phone()
    stride = root.get_by_role("slider", name="stride").bounding_box()
    x = stride["x"] + 0.9 * stride["width"]
    swipe(root.page, ((x, 600), (x, 400)))
    assert root.page.evaluate("scrollY") > 0


def colours(root, name, rows, cols):
    """The colour in a corner of each cell, row by row."""
    return grid(root, name).evaluate(CORNERS, [rows, cols])


CORNERS = """(el, [rows, cols]) => {
  const canvas = el.querySelector("canvas");
  const [width, context] = [parseFloat(el.style.width), canvas.getContext("2d")];
  const cell = (width - 22) / cols;
  const pixel = (x, y) => [...context.getImageData(18 + x * cell, 18 + y * cell, 1, 1).data].slice(0, 3).join();
  const at = (r, c) => pixel(c + 0.14, r + 0.86);
  return Array.from({ length: rows * cols }, (_, i) => at(Math.floor(i / cols), i % cols));
}"""


def test_play_begins_with_an_empty_output_fills_it_and_stops(page, mount):
    root = mount(PoolingExplorer("digit", nn.MaxPool2d(2), compare=True))
    whole = {name: colours(root, name, 4, 4) for name in ("Max output", "Average output")}
    root.get_by_role("combobox", name="Speed").select_option("fast")
    root.get_by_role("button", name=PLAY).click()
    filled = dict.fromkeys(whole, 0)
    for _ in range(400):
        stopped = root.get_by_role("button", name=PLAY).count()  # asked before, so that the last look is at the end
        for name, wanted in whole.items():
            now = colours(root, name, 4, 4)
            done = sum(colour != "255,255,255" for colour in now)
            assert filled[name] <= done and now[: max(0, done - 1)] == wanted[: max(0, done - 1)]
            filled[name] = done
        if stopped:
            break
        page.wait_for_timeout(30)
    assert set(filled.values()) == {16}
    root.evaluate(SETTLED)
    assert {name: colours(root, name, 4, 4)[:15] for name in whole} == {
        name: found[:15] for name, found in whole.items()
    }
    reads(root, Pooling("max", 2), 3, 3, images.preset("digit"))


def test_at_first_nothing_is_filled(page, mount):
    root = mount(PoolingExplorer("digit", nn.MaxPool2d(2)))
    root.get_by_role("combobox", name="Speed").select_option("slow")
    root.get_by_role("button", name=PLAY).click()
    assert set(colours(root, "Max output", 4, 4)[1:]) == {"255,255,255"}
    root.get_by_role("button", name="Pause").click()
    assert "255,255,255" not in colours(root, "Max output", 4, 4)


def test_backwards_cells_get_what_the_windows_so_far_have_sent(page, mount):
    root = mount(GradientFlow("digit", nn.AvgPool2d(3, stride=1)))
    root.get_by_role("combobox", name="Speed").select_option("slow")
    before = colours(root, "Input gradient", 8, 8)
    root.get_by_role("button", name=PLAY).click()
    page.wait_for_timeout(200)
    assert len(set(colours(root, "Input gradient", 8, 8)[24:])) == 1 < len(set(before[24:]))
    sums = root.locator(".pc-totals, .pc-under:not(:empty)")  # they are those of all windows
    for each in sums.all():
        expect(each).to_be_hidden()
    root.get_by_role("slider", name="stride").press("ArrowRight")  # a setting ends it
    expect(root.get_by_role("button", name=PLAY)).to_be_visible()
    expect(root.locator(".pc-totals")).to_be_visible()


def test_pointing_while_it_plays_does_not_fight_it(page, mount):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    page.mouse.move(*middle(root, "Max output", 2, 2, 3, 3))
    root.get_by_role("combobox", name="Speed").select_option("slow")
    root.get_by_role("button", name=PLAY).press("Enter")
    reads(root, Pooling("max", 2), 0, 0)
    page.mouse.move(*middle(root, "Max output", 2, 1, 3, 3))
    page.wait_for_timeout(100)
    reads(root, Pooling("max", 2), 0, 0)


def test_who_wants_less_motion_sees_steps_and_nothing_that_flies(page, mount):
    page.emulate_media(reduced_motion="reduce")
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    root.evaluate(FLIES)
    root.evaluate(SAYS)
    root.get_by_role("combobox", name="Speed").select_option("fast")
    root.get_by_role("button", name=PLAY).click()
    p = trace(Pooling("max", 2), WORKED)
    steps = [f"row {row}, column {col}: {p.window(row, col).text}." for row in range(3) for col in range(3)]
    expect(root.locator(".pc-sentence")).to_contain_text(steps[-1])
    said = page.evaluate("window.said")
    assert [step for text in said for step in steps if step in text] == steps
    assert not page.evaluate("window.flown")
    page.emulate_media(reduced_motion="no-preference")
    root.get_by_role("button", name="Next window").click()
    page.wait_for_function("window.flown")


BLANK = [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 7, 0], [0, 0, 0, 0, 0]]


def test_play_hurries_through_windows_that_are_as_blank_as_the_last(page, mount):
    """With less motion, so that each window is one timer; every window is shown all the same."""
    page.emulate_media(reduced_motion="reduce")
    root = mount(PoolingExplorer(torch.tensor([BLANK], dtype=torch.float32), nn.MaxPool2d(2, stride=1)))
    page.evaluate(TIMERS)
    root.get_by_role("button", name=PLAY).click()
    expect(root.get_by_role("button", name=PLAY)).to_be_visible(timeout=browser.START)
    waits = [ms for ms in page.evaluate("window.waits") if ms >= 160]
    page.emulate_media(reduced_motion="no-preference")
    full = [1000, 1000, 1000, 1000, 880, 774.4]  # what lasts its time: the first blank one, and after it what differs
    assert [ms for ms in waits if ms > 250] == pytest.approx(full) and len(waits) == 12
    assert waits[0] == 1000 and waits[1:6] == [250] * 5


TIMERS = """() => {
  window.waits = [];
  const { setTimeout } = window;
  window.setTimeout = (call, ms) => {
    if (`${call}`.includes("this.next")) window.waits.push(ms);
    return setTimeout(call, ms);
  };
}"""


SAYS = """(root) => {
  window.said = [];
  const sentence = root.querySelector(".pc-sentence");
  const hear = () => window.said.push(sentence.textContent);
  new MutationObserver(hear).observe(sentence, { subtree: true, childList: true, characterData: true });
}"""
FLIES = """(root) => {
  window.flown = false;
  const over = root.querySelector(".pc-over");
  new MutationObserver(() => (window.flown ||= !over.hidden)).observe(over, { attributes: true });
}"""


def test_every_lesson_begins_with_a_window_that_has_something_to_tell(page, mount):
    for lesson, explorer in of_lessons():
        root = mount(explorer)
        sentence = root.locator(".pc-sentence").text_content()
        assert "max(0, 0, 0, 0)" not in sentence and "(0 + 0 + 0 + 0)" not in sentence, lesson
        plain.leave(page)


def test_one_outlier_leaves_the_other_cells_their_colours(page, mount):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    before = colours(root, "Input", 6, 6)
    grid(root, "Input").focus()
    for key in ["Home", "PageUp", "Enter", "9", "9", "9", "Enter"]:
        page.keyboard.press(key)
    expect(root.locator(".pc-input .pc-under")).to_have_text("1 of the values lies beyond the colours")
    page.keyboard.press("Escape")
    root.get_by_role("button", name="Next window").click()

    def kept():
        return sum(a == b for a, b in zip(before[2:], colours(root, "Input", 6, 6)[2:], strict=True))

    assert len(set(before)) > 5 and soon(page, lambda: kept() > 30)


def test_cells_show_how_often_they_are_read_and_what_averages_divide_by(chromium):
    page = chromium.new_page()
    page.evaluate(f"({browser.REMEMBER})()")
    p = Pooling("avg", 3, 1, 1, count_include_pad=False)
    root = plain.mount(page, PoolingExplorer("worked", p), 736)
    root.evaluate(SETTLED)
    t = trace(p, WORKED)
    for shows, name, wanted in [
        ("reads", "Input", [f"×{n}" for n in t.reads.flatten().tolist()]),
        ("divisors", "Average output", [f"÷{n:g}" for n in t.divisors.flatten().tolist()]),
    ]:
        root.get_by_role("combobox", name="Cells show").select_option(shows)
        root.evaluate(SETTLED)
        texts = grid(root, name).evaluate("(el) => el.querySelector('canvas').texts")
        assert [text for text in texts if text[0] == wanted[0][0]] == wanted
    page.close()


COPIES = """Object.defineProperty(navigator, "clipboard", {
  configurable: true,
  value: { writeText: async (text) => (window.copied = text) },
})"""


@pytest.mark.parametrize("given", ["digit", WORKED / 4])
def test_copy_all_is_python_for_all_that_is_shown(page, mount, given):
    explorer = PoolingExplorer(given, nn.AvgPool2d(3, 2, 1), compare=True, direction="backward")
    root = mount(explorer)
    page.evaluate(COPIES)
    root.get_by_role("button", name="Copy all").click()
    page.wait_for_function("window.copied")
    *needs, last = page.evaluate("window.copied").splitlines()
    made = {}
    exec("\n".join(needs), made)
    again = eval(last, made)
    assert torch.equal(again.x, explorer.x) and again.pooling == explorer.pooling
    assert again.compare and again.direction == "backward"
    page.evaluate("delete window.copied")


def test_a_lens_that_nobody_looked_at_shows_where_one_is_when_it_is_seen(page, mount):
    root = mount(PoolingExplorer(torch.rand(64, 64), nn.MaxPool2d(2)))
    shown = root.locator(".pc-lens-box figcaption")
    page.mouse.move(1, 1)
    grid(root, "Max output").focus()
    page.keyboard.press("End")
    expect(shown).to_contain_text("columns 60 to 63")
    stride = root.get_by_role("slider", name="stride")
    stride.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    grid(root, "Max output").focus()  # the last column of 16, whose window reads columns 60 and 61
    expect(shown).to_contain_text("columns 58 to 63")


@pytest.mark.parametrize("side, most", [(28, 1000), (512, 20)])
def test_of_a_large_input_no_more_is_asked_for_ahead_than_can_be_kept(page, mount, side, most):
    explorer = GradientFlow(torch.rand(side, side), nn.MaxPool2d(2))
    root = mount(explorer)
    asked = []  # at once
    explorer.on_msg(lambda _, content, buffers: asked.append(len(content.get("keys", ()))))
    root.get_by_role("slider", name="kernel_size").focus()
    page.keyboard.press("ArrowRight")
    assert soon(page, lambda: max(asked, default=0) > 4)
    page.wait_for_timeout(1000)
    assert max(asked) <= most
