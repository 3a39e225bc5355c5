"""An explorer as it opens, and a page for some."""

import pytest

from harness import plain
from harness.hands import SETTLED
from pooling_course import PoolingExplorer


@pytest.fixture
def explorer():
    return PoolingExplorer()


@pytest.fixture
def page(chromium):
    page = chromium.new_context(viewport={"width": 1000, "height": 700}).new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(error.stack or f"{error}"))
    yield page
    assert page.complaints == []
    page.context.close()


@pytest.fixture
def mount(page):
    def mounted(explorer, width=736, **more):
        root = plain.mount(page, explorer, width, **more)
        root.evaluate(SETTLED)
        return root

    return mounted
