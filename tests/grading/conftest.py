"""A sandbox, or a class in which everything is right."""

import pytest

from harness import classroom
from harness.walls import sandboxed
from pooling_course.grading import mark


@pytest.fixture(scope="session")
def walls():
    """One for every test of a process that asks for it."""
    with sandboxed() as made:
        yield made


@pytest.fixture
def all_right(monkeypatch):
    """Whatever is handed in gets full marks, and runs nowhere."""
    monkeypatch.setattr(mark, "work", lambda job, trust: classroom.solved(job.assignment))
