"""Is every explorer of the course small enough to be seen at once, and does it stand still while a slider moves?

Each is taken from its lesson, or from the question that opens it, and drawn in a page of its own: 934 px wide, as in
JupyterLab on a laptop with its file browser open, 736 px as on the site, and 390 px as on a phone.
"""

import ast
import json

import pytest
import torch
from playwright.sync_api import expect
from torch import nn

from harness import ROOT, plain
from harness.browser import REMEMBER
from harness.explorers import STICKING_OUT
from harness.hands import SETTLED
from pooling_course import GradientFlow, PoolingExplorer, quiz
from pooling_course.questions import ON_CARDS, all_questions
from pooling_course.web.look import shade

pytestmark = pytest.mark.browser
HIGHEST = 600  # px: what is left of 768 below the bars of a browser and of JupyterLab
WIDTHS = [934, 736]
LONG = {  # layers whose formulas or code are long
    "adaptive": lambda: nn.AdaptiveAvgPool2d((3, 4)),
    "fractional": lambda: nn.FractionalMaxPool2d(2, 3, _random_samples=torch.tensor([[[0.25, 0.75]]])),
    "norm": lambda: nn.LPPool2d(2, (2, 3), (1, 2)),
    "apart": lambda: nn.MaxPool2d((2, 3), (1, 2), (1, 1), ceil_mode=True),
}
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


class Notebook(dict):
    """The names of a notebook; one that is asked for is made by the statement that binds it, and what that needs."""

    def __init__(self, path):
        self.cells = [
            ast.parse("".join(cell["source"]))
            for cell in json.loads(path.read_text("utf-8"))["cells"]
            if cell["cell_type"] == "code" and not "".join(cell["source"]).lstrip().startswith(("%", "!"))
        ]
        self.made = []
        for make in (PoolingExplorer, GradientFlow):
            self[make.__name__] = lambda *given, make=make, **named: self.made.append(make(*given, **named))

    def __missing__(self, name):
        for statement in (statement for cell in self.cells for statement in cell.body):
            if name in bound(statement):
                run(statement, self)
                if name in self:
                    return self[name]
        raise KeyError(name)

    def explorers(self):
        for cell in self.cells:
            if any(getattr(node, "id", "") in ("PoolingExplorer", "GradientFlow") for node in ast.walk(cell)):
                for statement in cell.body:
                    run(statement, self)
        return self.made


def bound(statement):
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {name.asname or name.name for name in statement.names}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def run(statement, names):
    kept = {name: names[name] for name in ("PoolingExplorer", "GradientFlow")}
    exec(compile(ast.Module([statement], []), "notebook", "exec"), {}, names)
    names.update(kept)


def of_lessons():
    return [(path.stem, explorer) for path in LESSONS for explorer in Notebook(path).explorers()]


def of_questions():
    """The explorers that questions open, each kind of them once."""
    found = {}
    for name, question in all_questions().items():
        if question.kind in ON_CARDS and question.public()["explorable"]:
            box = quiz(name)
            box._explore()
            explorer = box.children[1]
            found[explorer.direction, explorer.compare, tuple(explorer.x.shape), repr(explorer.pooling)] = (
                name,
                explorer,
            )
    return list(found.values())


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_context(viewport={"width": 1000, "height": HIGHEST}).new_page()
    yield page
    page.context.close()


# What should be in sight and is not: outside of the card, cut off, or over something else.
CUT = """(root) => {
  const card = root.getBoundingClientRect();
  const seen = (query) => [...root.querySelectorAll(query)].filter((el) => el.checkVisibility());
  const parts = seen(".pc-controls, .pc-line, .pc-stage, .pc-sentence, .pc-player");
  const box = (el) => el.getBoundingClientRect();
  const said = [];
  for (const el of parts) {
    const { top, bottom } = box(el);
    if (top < card.top || bottom > card.bottom) said.push(`${el.className} lies outside`);
  }
  const sentence = root.querySelector(".pc-sentence");
  if (sentence.scrollHeight > sentence.clientHeight + 1) said.push(`cut off: ${sentence.textContent}`);
  for (const select of seen(".pc-foot select")) {
    const whole = select.cloneNode(true);
    whole.style.cssText = "position: absolute; width: max-content; flex: none; min-width: 0";
    select.after(whole);
    if (whole.offsetWidth > select.offsetWidth + 1) said.push(`cut off: ${select.selectedOptions[0].text}`);
    whole.remove();
  }
  const apart = seen(".pc-grid, .pc-player, .pc-controls, .pc-said");
  for (const [i, a] of apart.entries()) for (const b of apart.slice(i + 1)) {
    const [p, q] = [box(a), box(b)];
    const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (across > 1 && down > 1) said.push(`${a.className} lies over ${b.className}`);
  }
  return said;
}"""


# Sentences on what is not on one screen, or not to be read there.
FAULTS = f"""async (root) => {{
  await ({SETTLED})(root);
  const {{ height }} = root.getBoundingClientRect();
  const high = height > {HIGHEST} ? [`${{Math.round(height)}} px high`] : [];
  return [...high, ...({STICKING_OUT})(root).map((part) => `sticks out: ${{part}}`), ...({CUT})(root)];
}}"""
# The same as it opens, and in each direction with one kind and with both; and how many ways that were.
FAULTS_IN_ALL_WAYS = f"""async (root) => {{
  const faults = {FAULTS};
  const found = [];
  const look = async (way) => found.push((await faults(root)).map((fault) => `${{way}}: ${{fault}}`));
  await look("as it opens");
  const radios = [...root.querySelectorAll("input[type=radio]")];
  const kinds = radios.filter((el) => el.closest("fieldset") === root.querySelector("fieldset"));
  const name = (el) => el.parentElement.textContent;
  for (const direction of ["Backward", "Forward"]) {{
    for (const kind of kinds) {{
      radios.find((el) => name(el) === direction).click();
      kind.click();
      if (!kind.checked) throw new Error(`${{name(kind)}} cannot be chosen`);
      await look(`${{direction}}, ${{name(kind)}}`);
    }}
  }}
  return [found.flat(), found.length];
}}"""


def faults_in_all_ways(root):
    found, ways = root.evaluate(FAULTS_IN_ALL_WAYS)
    assert ways > 2, "only one direction, or no kind, was found"
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_every_explorer_of_every_lesson_fits_one_screen(page, width):
    found = []
    for lesson, explorer in of_lessons():
        root = plain.mount(page, explorer, width)
        found += [f"{lesson}, {explorer!r}, {fault}" for fault in faults_in_all_ways(root)]
        plain.leave(page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("width", WIDTHS)
def test_so_does_every_explorer_that_a_question_opens(page, width):
    found = []
    for name, explorer in of_questions():
        root = plain.mount(page, explorer, width)
        found += [f"{name}, {explorer!r}: {fault}" for fault in root.evaluate(FAULTS)]
        plain.leave(page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_photo_fits_one_screen(page, width):
    root = plain.mount(page, PoolingExplorer("photo", "max"), width)
    assert faults_in_all_ways(root) == []
    plain.leave(page)


# Moves each slider through its range; returns by how many px anything that should stand still has moved at most.
MOVED = f"""async (root) => {{
  const settled = {SETTLED};
  const names = ["controls", "slider", "line", "grid", "totals", "player", "said"].map((name) => `.pc-${{name}}`);
  const parts = [root, ...root.querySelectorAll([...names, 'summary'])].filter((el) => el.checkVisibility());
  const edges = ({{ left, top, right, bottom }}) => [left, top, right, bottom];
  const places = () => parts.flatMap((el) => edges(el.getBoundingClientRect()));
  const found = [];
  for (const slider of root.querySelectorAll(".pc-controls > .pc-sliders input[type=range]")) {{
    if (!slider.checkVisibility() || slider.disabled) continue;
    const before = slider.value;
    const least = places();
    for (let value = +slider.min; value <= +slider.max; value += +slider.step) {{
      slider.value = value;
      slider.dispatchEvent(new Event("input", {{ bubbles: true }}));
      await settled(root);
      const now = places();
      const by = Math.max(...now.map((at, i) => Math.abs(at - least[i])));
      if (by > 1) {{
        const which = parts[Math.floor(now.findIndex((at, i) => Math.abs(at - least[i]) === by) / 4)];
        found.push(`${{slider.getAttribute("aria-label")}} = ${{value}} moves ${{which.className}} by ${{by}} px`);
      }}
    }}
    slider.value = before;
    slider.dispatchEvent(new Event("input", {{ bubbles: true }}));
    await settled(root);
  }}
  return found;
}}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_moves_while_a_slider_does(page, width):
    found = []
    for lesson, explorer in of_lessons():
        root = plain.mount(page, explorer, width)
        root.evaluate(SETTLED)
        found += [f"{lesson}, {explorer!r}: {fault}" for fault in root.evaluate(MOVED)]
        plain.leave(page)
    assert not found, "\n".join(found)


def test_on_a_phone_the_sliders_stay_while_the_grids_scroll(page):
    before = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 740})
    for _, explorer in of_lessons():
        root = plain.mount(page, explorer, 390)
        root.evaluate(SETTLED)
        assert root.evaluate(STICKING_OUT) == [], explorer
        last = root.locator(".pc-stage:visible").last
        last.evaluate("(el) => scrollTo(0, el.getBoundingClientRect().bottom + scrollY - innerHeight)")
        tops = root.locator(".pc-controls > .pc-sliders .pc-slider:visible").evaluate_all(
            "(found) => found.map((el) => [el.getBoundingClientRect().top, el.getBoundingClientRect().bottom])"
        )
        assert tops and all(top >= 0 and bottom <= HIGHEST / 3 for top, bottom in tops), explorer
        plain.leave(page)
    page.set_viewport_size(before)


LOOSE = ".pc-grid { height: auto !important }"
ADD_RULE = "(el, rule) => el.append(Object.assign(document.createElement('style'), { textContent: rule }))"


@pytest.mark.parametrize("width", [358, 328])  # a card on phones of 390 and 360 px
def test_on_a_phone_titles_names_and_hints_can_be_read_whole(page, width):
    for explorer in (
        PoolingExplorer("worked", compare=True),
        GradientFlow("worked", compare=True),
        PoolingExplorer("digit", nn.MaxPool2d((2, 3), (1, 2))),
        PoolingExplorer("odd", nn.MaxPool2d(5, 1, 2)),
    ):
        root = plain.mount(page, explorer, width)
        root.evaluate(SETTLED)
        assert root.evaluate(NOT_WHOLE) == [], explorer
        plain.leave(page)


# What is cut off, or runs into what stands beside it.
NOT_WHOLE = """(root) => {
  const texts = "figcaption, .pc-hint, .pc-slider-head";
  const parts = [...root.querySelectorAll(texts)].filter((el) => el.checkVisibility());
  const cut = (el) => el.scrollWidth > el.clientWidth + 1 || el.scrollHeight > el.clientHeight + 1;
  return parts.filter(cut).map((el) => el.textContent);
}"""


@pytest.mark.parametrize("width", [934, 328])
def test_two_sliders_of_a_setting_say_which_is_height(page, width):
    root = plain.mount(page, PoolingExplorer("digit", nn.MaxPool2d((2, 3), (1, 2))), width)
    for name in ("kernel_size", "stride", "padding"):
        for side, letter in (("height", "h"), ("width", "w")):
            slider = root.get_by_role("slider", name=f"{name}, {side}")
            assert slider.evaluate("(el) => el.previousElementSibling.innerText") == letter
    plain.leave(page)
    root = plain.mount(page, PoolingExplorer("digit"), width)
    expect(root.locator(".pc-side:visible")).to_have_count(0)
    plain.leave(page)


def test_these_checks_notice_what_is_wrong(page):
    root = plain.mount(page, PoolingExplorer("digit", compare=True), 736)
    root.evaluate(SETTLED)
    assert root.evaluate(FAULTS) == [] and root.evaluate(MOVED) == []
    rule = f".pc-explorer:has([value=backward]:checked):has([value=both]:checked) {{ min-height: {HIGHEST + 1}px }}"
    root.evaluate(ADD_RULE, rule)
    assert faults_in_all_ways(root) == [f"Backward, Both: {HIGHEST + 1} px high"]
    root.evaluate("(el) => (el.querySelector('.pc-slider:not([hidden]) .pc-hint').style.minHeight = '60px')")
    assert any("px high" in fault for fault in root.evaluate(FAULTS))
    root.evaluate("(el) => (el.querySelector('.pc-grid').style.marginRight = '-40px')")
    assert any("lies over" in fault for fault in root.evaluate(FAULTS))
    root.evaluate(ADD_RULE, LOOSE)
    assert root.evaluate(MOVED)
    plain.leave(page)


def test_a_sentence_of_two_kinds_is_not_tiny_and_stands_apart_from_the_totals(page):
    root = plain.mount(page, GradientFlow("peak", nn.MaxPool2d(2, 1, 1), compare=True), 736)
    grid = root.get_by_role("application", name="Upstream")
    for key in ("Home", "PageUp", "ArrowDown", "ArrowRight"):
        grid.press(key)
    sentence, totals = root.locator(".pc-sentence"), root.locator(".pc-totals")
    expect(sentence).to_contain_text("the first of 4 that tie")
    assert float(sentence.evaluate("(el) => getComputedStyle(el).fontSize").removesuffix("px")) >= 12.5
    assert sentence.bounding_box()["y"] - totals.bounding_box()["y"] - totals.bounding_box()["height"] >= 4
    assert root.evaluate(FAULTS) == []
    plain.leave(page)


# ---- what a lesson points at -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_padding_and_values_that_a_lesson_speaks_of_are_written_in_its_first_picture(chromium, width):
    page = chromium.new_context(viewport={"width": 1000, "height": HIGHEST}).new_page()
    of = dict(of_lessons()[::-1])  # the first of each lesson
    plain.mount(page, PoolingExplorer("worked"), width)
    page.evaluate(REMEMBER)  # from here on
    drawn = {}
    for lesson in ("06_padding", "07_internals_and_backprop"):
        root = plain.mount(page, of[lesson], width)
        root.evaluate(SETTLED)
        grids = root.locator(".pc-stage:visible").filter(has=page.locator("canvas"))
        drawn[lesson] = [grid.locator("canvas").first.evaluate("(el) => el.texts") for grid in grids.all()]
    padding, values = drawn["06_padding"][0], drawn["07_internals_and_backprop"][0]
    around = 10 * 10 - 8 * 8
    assert padding.count("−∞") == around and padding.count("0") == around + 2  # numbers of row and column, too
    assert len(values) == 2 * 8 * 8 + 16 and "15" in values  # gradient and value; rows and columns
    page.context.close()


# ---- what is beside the numbers ------------------------------------------------------------------------------------


# The widths of the hatched ends of the sliders on view, as parts of what slider and end take together.
HATCHED = """(root) => [...root.querySelectorAll(".pc-ranges")].filter((el) => el.checkVisibility()).map((el) => {
  const end = el.querySelector(".pc-refused");
  return end.hidden ? 0 : end.getBoundingClientRect().width / el.getBoundingClientRect().width;
})"""


def test_what_torch_refuses_of_a_slider_is_hatched_and_its_scale_stays(page):
    explorer = PoolingExplorer("digit", "max")
    root = plain.mount(page, explorer, 934)
    for kernel_size, part in ((1, 0.8), (2, 0.5), (3, 0.5), (4, 0), (5, 0)):  # padding 0, 1, 1, 2, 2 of at most 2
        slider = root.get_by_role("slider", name="kernel_size", exact=True)
        slider.fill(f"{kernel_size}")
        root.evaluate(SETTLED)
        *others, padding = root.evaluate(HATCHED)
        assert others == [0, 0] and padding == pytest.approx(part, abs=0.1), kernel_size
    plain.leave(page)


@pytest.mark.parametrize("width", [934, 736, 390])
@pytest.mark.parametrize("make", [PoolingExplorer, GradientFlow])
def test_a_wrong_number_is_told_at_the_cell_and_can_be_read_whole(page, make, width):
    root = plain.mount(page, make("digit", compare=True), width)
    grid = root.get_by_role("application", name="Upstream" if make is GradientFlow else "Input").first
    for keys in (["Home", "PageUp"], ["End", "PageDown"]):
        grid.focus()
        for key in [*keys, "Enter", "a", "b", "c", "Enter"]:
            page.keyboard.press(key)
        told = root.get_by_role("alert").filter(has_text="'abc' is not a number")
        expect(told).to_contain_text("type one, or Esc")
        box, cell, card = told.bounding_box(), root.locator(".pc-edit").bounding_box(), root.bounding_box()
        assert card["x"] <= box["x"] and box["x"] + box["width"] <= card["x"] + card["width"]
        apart = max(box["x"] - cell["x"] - cell["width"], cell["x"] - box["x"] - box["width"])
        below = max(box["y"] - cell["y"] - cell["height"], cell["y"] - box["y"] - box["height"])
        assert 0 <= max(apart, below) <= 12, "it lies over the cell, or far from it"
        assert told.evaluate(UNCOVERED)
        page.keyboard.press("Escape")
        expect(told).to_have_count(0)
        expect(root.locator(".pc-edit")).to_have_count(0)
    plain.leave(page)


# Whether an element is on top at its corners and in its middle, and not clipped there.
UNCOVERED = """(el) => {
  el.scrollIntoView({ block: "nearest" });
  const { left, right, top, bottom } = el.getBoundingClientRect();
  const places = [[left + 8, top + 4], [right - 8, bottom - 4], [(left + right) / 2, (top + bottom) / 2]];
  return places.every(([x, y]) => document.elementFromPoint(x, y) === el);
}"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("layer", LONG)
def test_a_long_formula_can_be_read_whole(page, layer, width):
    root = plain.mount(page, PoolingExplorer("odd", LONG[layer]()), width)
    root.evaluate(SETTLED)
    formula = root.locator(".pc-formula")
    high, room = formula.evaluate("(el) => [el.scrollHeight, el.clientHeight]")
    if high > room + 6:  # by a line, and not by the letters of a tall font
        assert formula.evaluate("(el) => getComputedStyle(el).overflowY") == "auto" and formula.get_attribute(
            "tabindex"
        )
    text, shown = root.locator(".pc-code code").evaluate("(el) => [el.scrollWidth, el.clientWidth]")
    assert (
        text <= shown
        or root.locator(".pc-code code").get_attribute("title") == root.locator(".pc-code code").text_content()
    )
    plain.leave(page)


def test_on_a_phone_a_formula_stands_whole_under_the_code_and_takes_no_room_from_it(page):
    root = plain.mount(page, PoolingExplorer("digit"), 340)
    root.evaluate(SETTLED)
    code, formula = (root.locator(f".pc-line {part}").bounding_box() for part in ("code", ".pc-formula"))
    assert formula["y"] >= code["y"] + code["height"] and root.locator(".pc-long").count() == 0
    assert root.locator(".pc-line code").evaluate("(el) => el.scrollWidth <= el.clientWidth")
    plain.leave(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_paper_an_explorer_is_light(page, theme):
    root = plain.mount(page, PoolingExplorer("digit"), 736)
    root.evaluate("(el, theme) => (el.parentElement.style.background = { light: '#fff', dark: '#111' }[theme])", theme)
    page.emulate_media(color_scheme=theme)
    page.evaluate("document.body.dataset.turn = 'x'")
    expect(root).to_have_attribute("data-theme", theme)
    page.emulate_media(media="print", color_scheme=theme)
    expect(root).to_have_attribute("data-theme", "light")
    page.emulate_media(media="screen", color_scheme="light")
    plain.leave(page)


# The colour in the middle of a cell of the first input, [r, g, b]; `at` is [row, column], of `cells` rows and columns.
PIXEL = """(root, [row, col, cells]) => {
  const canvas = root.querySelector(".pc-input canvas");
  const side = (parseFloat(canvas.parentElement.style.width) - 22) / cells;
  const [x, y] = [col, row].map((n) => Math.round((18 + (n + 0.5) * side) * devicePixelRatio));
  return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data].slice(0, 3);
}"""


@pytest.mark.parametrize("make", [lambda x: GradientFlow(x, nn.AvgPool2d(4, 2)), lambda x: PoolingExplorer(x, "max")])
def test_many_cells_have_the_colours_of_torchs_numbers(page, make):
    cells = 40
    x = torch.linspace(-1, 1, cells * cells).reshape(cells, cells).sin()
    explorer = make(x)
    root = plain.mount(page, explorer, 934)
    root.evaluate(SETTLED)
    page.mouse.move(0, 0)
    shown, name = (explorer.gradient, "signed") if explorer.direction == "backward" else (x, "values")
    high = max(1, shown.abs().max().item()) if name == "signed" else shown.max().item()
    low = -high if name == "signed" else shown.min().item()
    for row, col in ((1, 39), (20, 1), (37, 30), (11, 12), (30, 5)):
        share = round(255 * (shown[row, col].item() - low) / (high - low)) / 255
        wanted = [int(shade(name, share)[i : i + 2], 16) for i in (1, 3, 5)]
        found = root.evaluate(PIXEL, [row, col, cells])
        assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 2, (row, col, found, wanted)
    plain.leave(page)


# Which explorers are drawn on from now on, by their place in the page.
DRAWN = """() => {
  const { clearRect } = CanvasRenderingContext2D.prototype;
  const all = [...document.querySelectorAll(".pc-explorer")];
  window.drawn = new Set();
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    const root = this.canvas.closest?.(".pc-explorer");
    if (root) drawn.add(all.indexOf(root));
    return clearRect.apply(this, box);
  };
}"""


def test_of_forty_explorers_a_step_draws_one(page):
    makes = (PoolingExplorer, GradientFlow)
    roots = [plain.mount(page, makes[i % 2]("digit", compare=i % 3 == 0), 934) for i in range(40)]
    for root in roots:
        root.evaluate(SETTLED)
    page.evaluate(DRAWN)
    for i in (0, 17, 39):
        roots[i].get_by_role("slider", name="kernel_size", exact=True).fill("3")
        expect(roots[i].locator(".pc-code code").first).to_contain_text("kernel_size=3")
        roots[i].evaluate(SETTLED)
        assert page.evaluate("[...drawn]") == [i]
        page.evaluate("drawn.clear()")
    plain.leave(page)
