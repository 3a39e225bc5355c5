"""Does an explorer show torch's numbers for every place of its sliders? In a page without JupyterLab."""

import itertools

import pytest

from harness import plain
from harness.explorers import check, new_page, opened
from pooling_course import Pooling, PoolingExplorer

pytestmark = pytest.mark.browser


@pytest.fixture
def bare(chromium):
    """An explorer in a page of its own, where a step takes a third of what it takes in JupyterLab."""
    page = new_page(chromium)
    page.goto("about:blank")  # from here on the canvases remember
    yield opened(plain.mount(page, PoolingExplorer(), width=934))
    assert page.complaints == []
    page.context.close()


def test_every_number_is_torchs_for_every_kernel_stride_and_padding(bare):
    bare.choose("Both")
    for ceil_mode, k in itertools.product((False, True), range(1, 6)):
        bare.tick("ceil_mode", ceil_mode)
        bare.slide("kernel_size", k)
        for s in (1, 2, 3):
            bare.slide("stride", s)
            for padding in range(k // 2 + 1):
                bare.slide("padding", padding)
                check(bare, *(Pooling(kind, k, s, padding, ceil_mode=ceil_mode) for kind in ("max", "avg")))
