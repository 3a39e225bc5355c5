"""A sandbox for tests; where there is none, those that need one are skipped, but never in CI."""

import os
from contextlib import contextmanager

import pytest

from pooling_course.grading import sandbox


@contextmanager
def sandboxed(**given):
    """A Sandbox made with what is given."""
    try:
        made = sandbox.Sandbox(**given)
    except sandbox.NoSandbox as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))
    with made:
        yield made
