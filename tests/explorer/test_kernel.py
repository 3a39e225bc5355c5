"""What does an explorer say when its kernel is busy, begins anew or is shut down, and does it go on?"""

import pytest
from playwright.sync_api import expect

from harness.explorers import check, new_page, run_cell
from pooling_course import Pooling

pytestmark = pytest.mark.browser
SAID = "No kernel here: this page pools by itself"
NOTES = """() => {
  window.notes = new Set();
  const look = () => {
    for (const el of document.querySelectorAll(".pc-notice")) if (el.checkVisibility()) notes.add(el.textContent);
    requestAnimationFrame(look);
  };
  look();
}"""
CONTEXT = "window.jupyterapp.shell.currentWidget.sessionContext"
BUSY = "from time import sleep\ndisplay(PoolingExplorer())\nsleep(9)"  # as beside a network that is trained


@pytest.fixture(scope="module")
def page(lab, chromium):
    lab.write("kernel.ipynb", "from pooling_course import PoolingExplorer", "PoolingExplorer()", BUSY)
    page = new_page(chromium, height=1600)
    lab.open(page, "kernel.ipynb")
    lab.run_all(page)
    yield page
    page.context.close()


def test_while_the_kernel_is_busy_nothing_is_said_that_nobody_waits_for(page):
    page.evaluate(NOTES)
    one = run_cell(page, 2)  # what lies a slider step away is asked for, and not answered in time
    page.wait_for_timeout(4000)
    one.go(1, 1)
    expect(one.sentence).to_contain_text("row 1, column 1")
    assert page.evaluate("[...notes]") == []


def test_a_kernel_that_begins_anew_is_told_of_quietly_and_the_explorer_goes_on(page):
    one = run_cell(page, 1)
    height = one.root.bounding_box()["height"]
    page.evaluate(f"() => {CONTEXT}.restartKernel()")
    expect(one.notice).to_contain_text(SAID)
    expect(one.notice).to_have_attribute("role", "status")
    assert one.root.bounding_box()["height"] == height
    one.slide("kernel_size", 5)
    one.slide("stride", 1)
    check(one, Pooling("max", 5, 1))
    expect(one.notice).to_contain_text(SAID)


def test_run_again_with_the_new_kernel_it_says_nothing(lab, page):
    lab.wait_for_kernel(page)
    lab.run_all(page)
    one = run_cell(page, 1)
    one.slide("kernel_size", 3)
    check(one, Pooling("max", 3, 2))
    expect(one.notice).to_be_hidden()


def test_a_kernel_that_is_shut_down_is_told_of_when_somebody_comes(lab, page):
    one = run_cell(page, 1)
    page.mouse.move(0, 0)
    page.evaluate(f"() => {CONTEXT}.shutdown()")
    one.root.hover()
    expect(one.notice).to_contain_text(SAID)
    one.root.get_by_role("combobox", name="Input").select_option("edge")
    expect(one.notice).to_contain_text("another input would come from there")
