"""In JupyterLab, do widgets find their script and its styles, whatever becomes of cells, kernels and notebooks?"""

import pytest
from playwright.sync_api import expect

from harness import browser
from harness.explorers import new_page

CELLS = ["from pooling_course import PoolingExplorer, quiz", "PoolingExplorer()", 'quiz("stride-overlap")']
STYLES = """() => [...document.querySelectorAll("style")].filter((el) => el.textContent.includes("--pc-ink:")).length"""
SHOWN = """() => [...window.jupyterapp.shell.currentWidget.node.querySelectorAll("[data-alive]")]
    .map((el) => [el.classList.contains("pc-explorer"), getComputedStyle(el).paddingLeft])"""
ALIVE = [[True, "12px"], [False, "12px"]]


def shows(page):
    page.wait_for_function(f"({SHOWN})().length === {len(ALIVE)}", timeout=browser.START)
    assert page.evaluate(SHOWN) == ALIVE and page.evaluate(STYLES) == 1


def command(page, name):
    page.evaluate("(name) => window.jupyterapp.commands.execute(name)", name)


@pytest.mark.browser
def test_widgets_are_drawn_and_styled_whatever_happens_to_their_notebooks(lab, chromium):
    lab.write("first.ipynb", *CELLS)
    lab.write("second.ipynb", *CELLS)
    page = new_page(chromium, height=1600)
    lab.open(page, "first.ipynb")
    lab.run_all(page)
    shows(page)
    page.evaluate("() => document.querySelectorAll('[data-alive]').forEach((el) => el.classList.add('earlier'))")
    lab.run_all(page)
    expect(page.locator("[data-alive]:not(.earlier)")).to_have_count(len(ALIVE), timeout=browser.START)
    shows(page)
    command(page, "notebook:clear-all-cell-outputs")
    expect(page.locator("[data-alive]")).to_have_count(0)
    lab.run_all(page)
    shows(page)
    page.evaluate("void window.jupyterapp.commands.execute('docmanager:open', { path: 'second.ipynb' })")
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.context?.path === 'second.ipynb'", timeout=browser.START
    )
    page.evaluate(browser.ANSWERS)
    lab.run_all(page)
    shows(page)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    page.evaluate(browser.ANSWERS)
    shows(page)  # what stands there stays
    lab.run_all(page)
    shows(page)
    command(page, "docmanager:save-all")
    lab.open(page, "second.ipynb")
    shows(page)  # by the models of the kernel
    assert [text for text in page.complaints if "pool" in text.lower() or "widget" in text.lower()] == []
    page.context.close()


# A page so slow that the two seconds are over before the widget has been imported.
SLOW = """AbortSignal.timeout = () => {
  const late = new AbortController();
  queueMicrotask(() => late.abort());
  return late.signal;
}"""


@pytest.mark.browser
def test_on_a_page_slower_than_anywidget_waits_for_widgets_hear_of_python_all_the_same(lab, chromium):
    cells = ["from pooling_course import PoolingExplorer, quiz", "one = PoolingExplorer()\none", "one.stride = 1"]
    lab.write("slow.ipynb", *cells, 'quiz("pad-value")')  # which no other test answers here
    page = new_page(chromium, height=1600)
    page.add_init_script(SLOW)
    lab.open(page, "slow.ipynb")
    lab.run_all(page)
    expect(page.locator(".pc-explorer figcaption").nth(1)).to_have_text("Max output 5 × 5", timeout=browser.START)
    card = page.locator(".pc-quiz")
    card.get_by_role("radio").first.check()
    card.get_by_role("radio", name="a guess").check()
    card.get_by_role("button", name="Commit").click()
    expect(card.locator(".pc-verdict")).to_be_visible()
    page.context.close()
