"""One sandbox for every test of a process that asks for it."""

import pytest

from harness.walls import sandboxed


@pytest.fixture(scope="session")
def walls():
    with sandboxed() as made:
        yield made
