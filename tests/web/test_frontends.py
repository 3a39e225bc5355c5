"""Does the course work in front ends other than JupyterLab? Notebook 7 in a browser; for the rest, what it rests on."""

import re

import pytest
from playwright.sync_api import TimeoutError, expect

from harness import ROOT, browser
from harness.explorers import check, new_page, opened, soon
from pooling_course import Pooling

PACKAGE = ROOT / "pooling_course"
CELLS = ["from pooling_course import PoolingExplorer, quiz", "PoolingExplorer()", 'quiz("stride-overlap")']


@pytest.fixture(scope="module")
def notebook7(lab, chromium):
    """The page of Notebook 7 for a notebook of CELLS, run by its own menu; the server is JupyterLab's."""
    lab.write("seven.ipynb", *CELLS)
    page = new_page(chromium, height=1600)
    page.goto(f"{lab.url}/notebooks/seven.ipynb?token={lab.token}")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=browser.START)
    expect(page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute(
        "data-status", "idle", timeout=browser.START
    )  # so it is before there is a kernel, too, and whoever runs a cell then is asked for one
    assert soon(
        page, lambda: [s for s in lab.ask("sessions") if s["path"] == "seven.ipynb" and s["kernel"]["connections"]]
    )
    for attempts_left in (2, 1, 0):  # a kernel may be called idle before it hears, and what is run then is lost
        lab.choose(page, "Run", "Run All Cells")
        try:
            page.wait_for_function(browser.DONE_BY_PROMPTS, timeout=browser.START / 2)
            break
        except TimeoutError:
            if not attempts_left:
                raise
    yield page
    page.context.close()


@pytest.mark.browser
def test_an_explorer_in_notebook_7_shows_torchs_numbers(notebook7):
    explorer = opened(notebook7.locator(".pc-explorer").first)
    check(explorer, Pooling("max", 2))
    explorer.slide("kernel_size", 3)
    check(explorer, Pooling("max", 3, 2))


@pytest.mark.browser
def test_a_question_in_notebook_7_reveals_after_the_commitment(notebook7):
    question = notebook7.locator(".pc-quiz").first
    expect(question.get_by_text("stride smaller than the kernel, overlap")).to_have_count(0)
    question.get_by_role("radio").first.check()
    question.get_by_role("radio", name="certain").check()
    question.get_by_role("button", name="Commit").click()
    expect(question.get_by_text("stride smaller than the kernel, overlap")).to_be_visible()


@pytest.mark.browser
def test_notebook_7_reports_no_error(notebook7):
    assert not [text for text in notebook7.complaints if "pooling" in text.lower()]


# VS Code, Colab and marimo cannot be had here. What they lack and JupyterLab has, the widgets must not lean on.


def styles():
    return {path.name: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.css")}


def undefined(text, defined):
    """CSS variables of other programs that are used without a value to fall back on."""
    return [name for name in re.findall(r"var\((--[\w-]+)\s*\)", text) if name not in defined]


def test_styles_lean_on_no_variable_of_jupyterlab():
    defined = set(re.findall(r"(--pc-[\w-]+)\s*:", "".join(styles().values())))
    scripts = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.js"))
    defined |= set(re.findall(r'setProperty\("(--pc-[\w-]+)"', scripts))
    for name, text in styles().items():
        assert undefined(text, defined) == [], name


def test_styles_and_scripts_name_nothing_of_jupyterlabs():
    """But an attribute that keeps its keys away, and the cell to which Escape leads; others pass over both."""
    for path in [*PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.css")]:
        named = re.findall(r"[\w-]*\b(?:jp|lm|vscode)-[\w-]+", path.read_text(encoding="utf-8"))
        assert set(named) <= {"data-lm-suppress-shortcuts", "jp-Cell"}, path.name


def test_a_variable_of_jupyterlab_would_be_noticed():
    assert undefined("a { color: var(--jp-ui-font-color1); top: var(--x, 0) }", set()) == ["--jp-ui-font-color1"]


def test_scripts_ask_for_nothing_from_elsewhere():
    for path in PACKAGE.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org)|\bfetch\(|XMLHttpRequest|import\(", text), path.name
