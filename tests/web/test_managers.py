"""Do the widgets live where other programs show them, by those programs' own widget managers, with the network cut?

The managers are fetched once, by npm, as managers.json has them: those of exported pages and of Colab's generation, and
VS Code's. There is no kernel in any of them, so the page itself pools once Python has not answered.
"""

import json
import re
from pathlib import Path

import nbformat
import pytest
from ipywidgets import embed
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from harness.explorers import Explorer, check, opened
from pooling_course import Flipbook, GradientFlow, Pooling, PoolingExplorer, Quiz
from pooling_course.pictures.figures import mental_model
from pooling_course.questions import question
from pooling_course.questions.challenge import Challenge
from pooling_course.web import once

pytestmark = pytest.mark.browser
HOME = "http://course.test/"
LOCK = json.loads(Path(__file__).with_name("managers.json").read_text(encoding="utf-8"))  # what `scripts` brings
OLD, NEW = (f"@jupyter-widgets/html-manager {version}" for version in ("0.20.1", "1.0.15"))
REACH, LOW, HIGH = "reach-four-windows", [[1, 3], [5, 6]], [[7, 8], [9, 9]]
VSCODE = "@vscode/jupyter-ipywidgets8 1.0.9"


@pytest.fixture
def managed(show, scripts):
    """managed(page's text, manager) -> the page; what its scripts ask of anybody is answered from `scripts` alone."""

    def managed(text, manager):
        def answers(url):
            if url == HOME:
                return text
            if "require.js" in url or "require.min.js" in url:
                return next(scripts[name] for name in LOCK if name.startswith("requirejs"))
            name = manager if "manager" in url else next((n for n in LOCK if n.split()[0] in url), None)
            return scripts.get(name)

        return show(HOME, answers)

    return managed


@pytest.fixture(params=[False, True], ids=["own script", "one for all"], autouse=True)
def held(request, monkeypatch):
    """Whether a kernel holds the script of all widgets, or each has its own."""
    monkeypatch.setattr(once, "_has_kernel", lambda: request.param)


def widgets():
    book = Flipbook([("first", mental_model(LOW), "Lower."), ("second", mental_model(HIGH), "Higher.")], "map")
    return [PoolingExplorer("worked", compare=True), GradientFlow(), Quiz("max-channels"), Challenge(REACH), book]


def lives(page):
    """The explorer slides and shows torch's numbers, the gradient flow is drawn, the question can be answered, the
    challenge is moved to its goal, and the flipbook turns its page."""
    one = opened(page.locator(".pc-explorer").first)
    check(one, Pooling("max", 2), Pooling("avg", 2))
    one.slide("kernel_size", 3)
    check(one, Pooling("max", 3, 2), Pooling("avg", 3, 2))
    expect(page.locator(".pc-explorer").nth(1).locator("figcaption", has_text="Input gradient")).to_be_visible()
    expect(page.locator(".pc-quiz .pc-commit")).to_be_visible()
    reach = Explorer(page.locator(".pc-explorer").nth(2))
    for name, places in question(REACH).solution.items():
        reach.slide(name, places)
    reach.root.get_by_role("button", name="Check").press("Enter")
    expect(reach.root.get_by_role("alert")).to_contain_text("No answer from Python")  # who alone knows the goal here
    expect(reach.root.locator("figcaption", has_text="Max output 2 × 2")).to_be_visible()
    book = page.locator(".pc-flipbook")
    book.get_by_role("slider").press("End")
    expect(book).to_contain_text("Higher.")
    for styled in (one.root, reach.root, page.locator(".pc-quiz"), book):
        expect(styled.first).to_have_css("padding-left", "12px")
    assert page.complaints == []


def embedded():
    """What ipywidgets writes of widgets and their state, in a page."""
    shown = widgets()
    state = embed.dependency_state(shown, drop_defaults=False)
    text = embed.embed_snippet(views=shown, state=state, cors=False)
    return re.sub(r'integrity="[^"]*"', "", text)  # of another build of require.js


@pytest.mark.parametrize("manager", [OLD, NEW])
def test_in_a_page_that_was_exported_with_its_state(managed, manager):
    page = managed(f"<!doctype html><meta charset=utf-8><title>exported</title><body>{embedded()}", manager)
    lives(page)


def test_in_a_page_that_nbconvert_made_of_a_notebook_with_its_state(managed):
    shown = widgets()
    state = embed.dependency_state(shown, drop_defaults=False)
    view = [nbformat.v4.new_output("display_data", widget._repr_mimebundle_()[0]) for widget in shown]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=view)])
    saved = {"version_major": 2, "version_minor": 0, "state": state}
    book.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": saved}
    page = managed(HTMLExporter(exclude_input=True).from_notebook_node(book)[0], NEW)
    page.complaints = [said for said in page.complaints if "ERR_FAILED" not in said]
    assert all("mathjax" in url.lower() for url in page.foreign)  # it draws formulas, and no widget
    lives(page)


# VS Code gives its manager a kernel, which here says nothing, and a way to load modules, which here is requirejs alone.
VSCODE_PAGE = """<!doctype html><meta charset="utf-8"><title>VS Code</title>
<script src="require.js"></script><div id="here"></div>
<script type="application/json" id="saved">SAVED</script>
<script type="module">
  import { activate } from "./vscode-manager.js";
  activate();
  window.vscIPyWidgets8.load();
  requirejs.config({ paths: { anywidget: "/anywidget" } });
  const nothing = () => {};
  const heard = { connect: nothing };
  const kernel = { registerCommTarget: nothing, statusChanged: heard, connectionStatusChanged: heard };
  kernel.requestCommInfo = async () => ({ content: { comms: {} } });
  kernel.createComm = () => ({ open: nothing, send: () => ({}), close: nothing });
  const loader = { widgetsRegisteredInRequireJs: new Set(), errorHandler: nothing, successHandler: nothing };
  loader.loadWidgetScriptsFromThirdPartySource = true;
  loader.loadWidgetScript = async () => {};
  const kept = { setState: nothing, getState: nothing };
  const { state, shown } = JSON.parse(document.getElementById("saved").textContent);
  const here = document.getElementById("here");
  const manager = new window.vscIPyWidgets.WidgetManager(kernel, here, loader, nothing, kept);
  const models = await manager.set_state(state);
  for (const id of shown) {
    const view = await manager.create_view(models.find((model) => model.model_id === id));
    await manager.display_view({}, view, { node: here });
  }
</script>"""


def of_vscode():
    shown = widgets()
    state = {"version_major": 2, "version_minor": 0, "state": embed.dependency_state(shown, drop_defaults=False)}
    saved = json.dumps({"state": state, "shown": [widget.model_id for widget in shown]})
    return VSCODE_PAGE.replace("SAVED", saved.replace("</", "<\\/"))


def test_by_the_manager_of_vs_code(managed):
    lives(managed(of_vscode(), VSCODE))
