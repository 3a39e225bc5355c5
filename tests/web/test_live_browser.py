"""Does a changed module reach a notebook that is open in JupyterLab?"""

import shutil

import pytest
from playwright.sync_api import expect

from harness import browser
from harness.explorers import new_page, run_cell
from pooling_course.web import assets, live
from web.test_live import change


@pytest.mark.browser
def test_an_open_notebook_shows_a_changed_module_and_keeps_its_kernel_and_traits(lab, chromium):
    copy = lab.folder / "copy" / "pooling_course"
    shutil.copytree(assets.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    follow = f"import os, sys\nos.environ['{live.SWITCH}'] = '1'\nsys.path.insert(0, {str(copy.parent)!r})\n"
    lab.write("live.ipynb", follow + "from pooling_course import PoolingExplorer\nPoolingExplorer('worked')")
    page = new_page(chromium)
    lab.open(page, "live.ipynb")
    lab.run_all(page)
    expect(page.locator(".pc-explorer")).to_have_count(1, timeout=browser.START)
    explorer = run_cell(page, 0)
    explorer.slide("kernel_size", 3)
    change(copy / "explorer" / "kinds" / "pooling.js", "The winner is", "The champion is")
    changed = page.locator(".pc-explorer .pc-sentence")
    expect(changed).to_contain_text("The champion is", timeout=browser.START)
    expect(page.locator(".pc-explorer .pc-code code")).to_have_text("nn.MaxPool2d(kernel_size=3, stride=2)")
    page.context.close()
