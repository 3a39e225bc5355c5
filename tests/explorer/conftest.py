"""An explorer as it opens."""

import pytest

from pooling_course import PoolingExplorer


@pytest.fixture
def explorer():
    return PoolingExplorer()
