"""Explorers on a page: opened, read, moved, and compared with torch."""

import re
from decimal import ROUND_HALF_UP, Context
from itertools import compress, count

import torch.nn.functional as F
from playwright.sync_api import expect

from harness import axe, browser
from pooling_course import images, trace
from pooling_course.maths import words

WORKED = images.preset("worked")


NAMES = {"max": "Max", "avg": "Average"}


SOON = 30_000  # ms for what takes one trip to the kernel on a busy machine


LATE = "[anywidget] Failed to initialize model"  # on a page as slow as a loaded machine makes it: see once.py


def new_page(chromium, height=1200):
    page = chromium.new_context(viewport={"width": 1280, "height": height}).new_page()
    page.set_default_timeout(SOON)
    page.add_init_script(f"({browser.REMEMBER})()")
    page.complaints = []

    def complain(text):
        if LATE not in text:
            page.complaints.append(text)

    page.on("pageerror", lambda error: complain(error.stack or f"{error}"))
    page.on("console", lambda said: complain(said.text) if said.type == "error" else None)
    return page


RUNS = count()


def run_cell(page, i):
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(i)
    name = f"run{next(RUNS)}"
    page.evaluate("document.querySelectorAll('.pc-explorer').forEach((el) => (el.dataset.run ??= 'earlier'))")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    fresh = cell.locator(".pc-explorer:not([data-run])")
    expect(fresh.locator(".pc-code code").first).to_be_visible(timeout=browser.START)
    fresh.evaluate("(el, name) => (el.dataset.run = name)", name)
    return opened(page.locator(f".pc-explorer[data-run={name}]"))


def opened(root):
    """The explorer there, once it has drawn, with every detail open."""
    expect(root.locator(".pc-code code").first).to_be_visible(timeout=browser.START)
    root.evaluate("(el) => el.querySelectorAll('details').forEach((one) => (one.open = true))")
    expect(root.locator("table").first).to_be_visible()
    found = Explorer(root)
    found.go(0, 0)  # it begins with its most telling window
    return found


def soon(page, holds):
    """Whether it holds at last: once Python has heard of what was done, or what moves has come to rest."""
    for _ in range(SOON // 50):
        if holds():
            return True
        page.wait_for_timeout(50)
    return False


class Explorer:
    """What a learner does with one explorer, and reads off it."""

    def __init__(self, root):
        self.root, self.page = root, root.page

    def slider(self, name):
        return self.root.get_by_role("slider", name=name, exact=True)

    def slide(self, name, value):
        """Move a slider by keyboard alone."""
        slider = self.slider(name)
        slider.focus()
        while (now := int(slider.input_value())) != value:
            self.page.keyboard.press("ArrowRight" if value > now else "ArrowLeft")
            assert int(slider.input_value()) != now, f"{name} stays at {now}"

    def tick(self, name, wanted):
        box = self.root.get_by_role("checkbox", name=name, exact=True)
        if box.is_checked() != wanted:
            box.focus()
            self.page.keyboard.press("Space")

    def divide_by(self, divisor):
        self.root.get_by_role("spinbutton", name="divisor_override").focus()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.type("" if divisor is None else str(divisor))
        self.page.keyboard.press("Enter")

    def choose(self, kind):
        self.root.get_by_role("radio", name=kind, exact=True).check()

    def grid(self, name):
        return self.root.get_by_role("application", name=name)

    def go(self, row, col):
        """Walk to a cell of the first output there is, by keyboard."""
        self.at_rest()
        grid = self.root.locator(".pc-first:visible .pc-stage:visible, .pc-second:visible .pc-stage:visible").first
        for key in ["Home", "PageUp", *["ArrowDown"] * row, *["ArrowRight"] * col]:
            grid.press(key)

    @property
    def code(self):
        return self.root.locator(".pc-code code")

    @property
    def sentence(self):
        return self.root.locator(".pc-sentence")

    @property
    def notice(self):
        return self.root.locator(".pc-notice")

    @property
    def told(self):
        """What is said beside a cell."""
        return self.root.locator(".pc-told")

    def at_rest(self):
        """Wait until nothing is awaited: till then keys and buttons belong to the picture before."""
        expect(self.root).not_to_have_attribute("aria-busy", "true")

    def read(self):
        """Code, formula, sentence, captions, tables and what is written on the canvases, once nothing is awaited."""
        self.at_rest()
        return self.root.evaluate(READ)


READ = """(root) => {
  const texts = (query, at = root) => [...at.querySelectorAll(query)].map((el) => el.textContent);
  const rows = (table) => [...table.querySelectorAll("tbody tr")].map((tr) => texts("td", tr));
  const stages = [...root.querySelectorAll(".pc-stage")].filter((el) => el.checkVisibility());
  return {
    code: texts(".pc-code code"),
    formula: texts(".pc-formula div"),
    sentence: root.querySelector(".pc-sentence").textContent,
    captions: texts("figcaption"),
    tables: [...root.querySelectorAll("table")].map((t) => [t.caption.textContent, rows(t)]),
    drawn: stages.map((el) => [el.getAttribute("aria-label").split(",")[0], el.querySelector("canvas").texts]),
  };
}"""


def pool(p, x):
    if p.kind == "max":
        return F.max_pool2d(x[None], p.kernel_size, p.stride, p.padding, p.dilation, p.ceil_mode)[0]
    settings = (p.ceil_mode, p.count_include_pad, p.divisor_override)
    return F.avg_pool2d(x[None], p.kernel_size, p.stride, p.padding, *settings)[0]


def written(x):
    return [[words.number(v) for v in row] for row in x.tolist()]


def drawn(x):
    """As the canvas writes numbers: a true minus, a sign for infinity."""
    return [words.number(v).replace("inf", "∞").replace("-", "−") for v in x.flatten().tolist()]


def shortened(text, v):
    """As a small cell writes them: 11.25 with three digits, 0.383 with two and without the 0 before the point."""
    if "." not in text or "e" in text:
        return text
    if len(text) > 4:
        digits = Context(prec=2 if abs(v) < 1 else 3, rounding=ROUND_HALF_UP)
        text = f"{float(digits.create_decimal(v)):g}".replace("-", "−")
    return re.sub(r"^(−?)0\.", r"\1.", text)


def check(explorer, *poolings, x=WORKED):
    """The code lines, the formula, the sizes and every number, in tables and on canvases, are torch's."""
    expect(explorer.code).to_have_text([p.code() for p in poolings])
    expect(explorer.root.locator("tbody").first).to_have_text(numbers_in(x))
    seen = explorer.read()
    lines = []
    for height, width in (p.formula(*x.shape) for p in poolings):
        lines += [f"height and width: {height}"] if height == width else [f"height: {height}", f"width: {width}"]
    assert seen["formula"] == list(dict.fromkeys(lines))
    tables = [["Input, {} × {}".format(*x.shape), written(x)]]
    for p in poolings:
        size = "{} × {}".format(*pool(p, x).shape)
        tables.append([f"{NAMES[p.kind]} output, {size}", written(pool(p, x))])
        assert f"{NAMES[p.kind]} output {size}" in seen["captions"]
    assert seen["tables"] == tables
    pictures = dict(seen["drawn"])
    for name, values in [("Input", x), *((f"{NAMES[p.kind]} output", pool(p, x)) for p in poolings)]:
        assert numbered(pictures[name], values), (name, pictures[name])


def numbered(texts, values):
    """Whether a canvas shows these numbers, whole or as small cells write them; indices come first, padding last."""
    rows, cols = values.shape
    on = texts[rows + cols : rows + cols + rows * cols]
    whole, v = drawn(values), values.flatten().tolist()
    small = [shortened(*each) for each in zip(whole, v, strict=True)]
    fits = [len(text) <= 6 for text in whole]  # what is longer has a form of its own
    return any(list(compress(on, fits)) == list(compress(form, fits)) for form in (whole, small))


def check_sentences(explorer, *poolings, x=WORKED, at):
    explorer.at_rest()
    for p in poolings:
        text = trace(p, x).window(*at).text
        expect(explorer.sentence).to_contain_text(f"{NAMES[p.kind]} output at row {at[0]}, column {at[1]}: {text}.")


def copied(explorer, i=0):
    """What is on the clipboard after the Copy button of this line of code."""
    explorer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    explorer.at_rest()
    button = explorer.root.get_by_role("button", name="Copy").nth(i)
    button.click()
    expect(button).to_have_text("Copied")
    return explorer.page.evaluate("() => navigator.clipboard.readText()")


def cell(explorer, name, row, col, cols):
    """(a grid, the middle of one of its cells in px): the canvas writes `cols` indices above, then those of rows."""
    grid, places = explorer.grid(name), "(el) => el.querySelector('canvas').places ?? []"
    explorer.page.wait_for_function(f"(el) => ({places})(el).length > {cols + row}", arg=grid.element_handle())
    places = grid.evaluate(places)
    return grid, {"x": places[col][0], "y": places[cols + row][1]}


def type_into(explorer, row, col, text, grid="Input"):
    keys = explorer.page.keyboard
    explorer.grid(grid).focus()
    for key in ["Home", "PageUp", *["ArrowDown"] * row, *["ArrowRight"] * col, "Enter"]:
        keys.press(key)
    expect(explorer.root.get_by_label(f"New value at row {row}, column {col}")).to_be_focused()
    keys.type(text)
    keys.press("Enter")


def numbers_in(x):
    return "".join(f"{i}{''.join(row)}" for i, row in enumerate(written(x)))


def faults(page, query=".pc-explorer"):
    # JupyterLab's body has no height and hides what overflows: axe then takes text for clipped, and skips its contrast
    page.evaluate("document.body.style.minHeight = '100vh'")
    size = page.viewport_size
    if page.locator(NOTEBOOK).count():  # what is scrolled out of sight in it, axe would skip as well
        page.set_viewport_size(size | {"height": 4200})
        page.wait_for_function(GROWN)
    found = axe.violations(page, query)
    page.set_viewport_size(size)
    return [
        f"{fault['id']}: {fault['help']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in found
        for node in fault["nodes"]
    ]


NOTEBOOK = ".jp-Notebook"
# JupyterLab gives a notebook the height of the window a moment after that has changed; it is to begin at the top.
GROWN = """() => {
  const el = document.querySelector(".jp-WindowedPanel-outer");
  el.scrollTop = 0;
  return el.clientHeight > 0.9 * innerHeight;
}"""


STICKING_OUT = """(root) => {
  const { left, right } = root.getBoundingClientRect();
  const cut = (el) => el.closest(".pc-tables, .pc-hidden, .pc-parts img"); // and so not seen out there
  return [...root.querySelectorAll("*")].filter((el) => el.checkVisibility() && !cut(el)).filter((el) => {
    const box = el.getBoundingClientRect();
    return box.right > right + 0.5 || box.left < left - 0.5;
  }).map((el) => el.outerHTML.slice(0, 120));
}"""
