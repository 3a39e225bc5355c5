"""Does every hostile submission get the mark it should, and its neighbour too, where root grades?"""

import pytest

from harness.hostile_class import *  # noqa: F403 - the fixture `batch`, and the tests

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def as_root():
    return True
