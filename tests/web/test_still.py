"""What is seen of a widget where it cannot live: the next day in JupyterLab, or on exported pages with no network?"""

import subprocess
import sys

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from playwright.sync_api import expect
from torch import nn

from harness import ROOT, browser, plain
from harness.explorers import new_page
from pooling_course import Flipbook, GradientFlow, PoolingExplorer, figures, images, quiz
from pooling_course.explorer.still import MOST_LOOKED_AT, picture
from pooling_course.maths.trace import trace
from pooling_course.web import still
from pooling_course.web.look import ink_on, look, shade

FLIPBOOK = 'Flipbook([("first", figures.mental_model([[1, 3], [5, 6]]), "One window.")], "picture")'
CELLS = [
    "from pooling_course import Flipbook, GradientFlow, PoolingExplorer, figures, quiz",
    'PoolingExplorer("digit", compare=True)',
    "GradientFlow()",
    'quiz("max-channels", "stride-overlap")',
    FLIPBOOK,
    'display(PoolingExplorer("photo"))',
]
WIDGETS = len(CELLS) - 1
# The names of stills that can be seen.
SEEN = """() => [...document.querySelectorAll("[data-still]")]
    .filter((el) => el.checkVisibility() && el.offsetHeight > 20).map((el) => el.dataset.still)"""
NOT_FOUND = """() => [...document.querySelectorAll(".jp-OutputArea-output")]
    .filter((el) => el.checkVisibility() && el.textContent.includes("model not found")).length"""
WATCH = f"""() => {{
  window.everSeen = new Set();
  const look = () => {{
    for (const name of ({SEEN})()) everSeen.add(name);
    requestAnimationFrame(look);
  }};
  look();
}}"""


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))


def widgets():
    book = Flipbook([("first", figures.mental_model([[1, 3], [5, 6]]), "One window.")], "picture")
    return [PoolingExplorer(), GradientFlow(), quiz("max-channels"), quiz("max-channels", "stride-overlap"), book]


def displayed(widget, monkeypatch):
    """The bundles that a notebook gets of it."""
    found = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: found.append(data))
    widget._ipython_display_()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("i", range(5))
def test_a_widget_is_shown_with_a_still_picture_before_it(i, monkeypatch):
    monkeypatch.delenv(still.STATIC, raising=False)
    widget = widgets()[i]
    first, second = displayed(widget, monkeypatch)
    assert first["text/plain"] == repr(widget) and list(second) == [still.VIEW]
    assert widget._as_html() in first["text/html"] and "Run the cell to wake it" in first["text/html"]
    assert f'data-still="{widget.still}"' in first["text/html"]
    assert f'[data-alive="{widget.still}"]' in first["text/html"]


@pytest.mark.parametrize("i", range(5))
def test_a_page_that_keeps_a_place_for_the_picture_gets_one_output(i, monkeypatch):
    monkeypatch.setenv(still.STATIC, "1")
    (bundle,) = displayed(widgets()[i], monkeypatch)
    assert {"text/plain", "text/html", still.VIEW} <= bundle.keys() and "Run the cell" not in bundle["text/html"]


def test_no_two_widgets_have_the_same_name():
    assert len({PoolingExplorer().still for _ in range(20)}) == 20


@pytest.mark.parametrize("name", ["worked", "digit", "negative", "photo"])
def test_an_explorer_saves_30_kb_at_most_beside_its_script(name):
    for explorer in (PoolingExplorer(name, compare=True), GradientFlow(name, compare=True)):
        assert len(explorer._still()) < 30_000, explorer


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.77, 1])
@pytest.mark.parametrize("name", ["values", "signed"])
def test_a_shade_lies_between_its_stops_and_its_ink_can_be_read(name, share):
    colour, stops = shade(name, share), look()[name]
    light, dark = sorted((luminance(colour), luminance(ink_on(colour) + ink_on(colour)[1:])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
    assert (colour in (stops[0], stops[-1])) == (share in (0, 1))


def luminance(colour):
    channels = [int(colour.lstrip("#")[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


# ---- JupyterLab ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def next_day(lab, chromium):
    """The page of a notebook that was run, saved and opened again with another kernel."""
    lab.write("still.ipynb", *CELLS)
    page = new_page(chromium, height=6000)
    lab.open(page, "still.ipynb")
    page.evaluate(WATCH)
    lab.run_all(page)
    expect(page.locator("[data-alive]")).to_have_count(WIDGETS + 1, timeout=browser.START)  # one cell has two questions
    page.wait_for_timeout(3000)  # longer than a still picture waits
    page.in_use = page.evaluate("[...everSeen]")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    lab.ask(f"kernels/{lab.kernel('still.ipynb')}", "DELETE")
    page.goto(f"{lab.url}/lab/tree/still.ipynb?token={lab.token}&reset")
    page.wait_for_function(f"({SEEN})().length === {WIDGETS}", timeout=browser.START)
    yield page
    page.context.close()


@pytest.mark.browser
def test_in_use_no_still_picture_is_seen_for_a_moment(next_day):
    assert next_day.in_use == []


@pytest.mark.browser
def test_the_next_day_jupyterlab_shows_still_pictures_and_no_error(next_day):
    assert len(next_day.evaluate(SEEN)) == WIDGETS
    next_day.wait_for_timeout(1000)
    assert next_day.evaluate(NOT_FOUND) == 0
    expect(next_day.get_by_text("Window at row 1, column 1: max(15, 2, 12, 0) = 15")).to_be_visible()
    expect(next_day.get_by_text("Run the cell to wake it").first).to_be_visible()


@pytest.mark.browser
def test_run_again_the_cell_wakes_up(lab, next_day):
    next_day.evaluate("() => document.querySelectorAll('[data-still] style').forEach((el) => el.remove())")
    assert next_day.evaluate(NOT_FOUND) == WIDGETS  # it was the style that hid them
    lab.wait_for_kernel(next_day)
    lab.run_all(next_day)
    expect(next_day.locator("[data-alive]")).to_have_count(WIDGETS + 1, timeout=browser.START)
    assert next_day.evaluate(SEEN) == []


# ---- exported pages --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A folder with the notebook run, its widgets' states in it."""
    folder = tmp_path_factory.mktemp("exported")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Page")])
    book.cells += [nbformat.v4.new_code_cell(text) for text in CELLS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.delenv(still.STATIC, raising=False)
        patch.setenv("POOLING_COURSE_PROGRESS", str(folder / "none.jsonl"))
        NotebookClient(book, kernel_name="python3", timeout=300, shutdown_kernel="immediate").execute()
    nbformat.write(book, folder / "index.ipynb")
    return folder


def nbconverted(folder):
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(folder / "nbconvert")]
    subprocess.run([*command, str(folder / "index.ipynb")], check=True, capture_output=True)
    return folder / "nbconvert" / "index.html"


def by_myst_nb(folder):
    pytest.importorskip("myst_nb")
    (folder / "conf.py").write_text('extensions = ["myst_nb"]\nnb_execution_mode = "off"\n')
    command = [sys.executable, "-m", "sphinx", "-q", "-W", str(folder), str(folder / "myst")]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "myst" / "index.html"


@pytest.mark.browser
@pytest.mark.parametrize("exported", [nbconverted, by_myst_nb])
def test_an_exported_page_without_its_network_shows_still_pictures(exported, executed, chromium):
    page = chromium.new_context(viewport={"width": 1000, "height": 900}).new_page()
    page.route("http*://**", lambda route: route.abort())
    page.goto(exported(executed).as_uri())
    page.wait_for_function(f"({SEEN})().length === {WIDGETS}", timeout=browser.START)
    expect(page.get_by_text("Window at row 1, column 1: max(15, 2, 12, 0) = 15")).to_be_visible()
    page.context.close()


# ---- the same window -------------------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize("name", [name for name in images.PRESETS if name != "photo"])
def test_a_still_picture_shows_the_window_that_the_page_begins_with(name, chromium):
    page = chromium.new_context().new_page()
    for kernel_size, padding in ((2, 0), (3, 1)):
        explorer = PoolingExplorer(name, nn.MaxPool2d(kernel_size, padding=padding))
        root = plain.mount(page, explorer, 934)
        said = root.locator(".pc-sentence").text_content().partition(": ")[0].partition(" at ")[2]
        assert f"Window at {said}: " in explorer._as_html(), (name, kernel_size)
        plain.leave(page)
    page.context.close()


def test_a_window_that_passes_nothing_on_says_so():
    x = torch.tensor([[float("inf"), 1.0], [float("-inf"), 0.0]])
    explorer = PoolingExplorer(x, nn.LPPool2d(1, 2), direction="backward")
    assert "passes nothing on." in explorer._as_html()


def test_a_picked_window_is_the_one_that_is_shown():
    explorer = PoolingExplorer()
    assert explorer.trace.output.numel() <= MOST_LOOKED_AT
    explorer.chosen = [0, 2]
    assert "Window at row 0, column 2: " + explorer.trace.window(0, 2).text in explorer._as_html()
    assert "row 0, column 2" not in picture("", [trace(explorer.pooling, explorer.x)], (0, 0), None)
