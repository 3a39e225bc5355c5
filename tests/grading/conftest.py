"""A sandbox, or a class in which everything is right."""

import threading

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
def in_walls(walls, monkeypatch):
    """Grading runs in that sandbox, notebook by notebook: one for each worker takes longer to start than to mark."""
    turn = threading.Lock()

    def work(job, trust):
        with turn:
            return mark.mark(job, walls)

    monkeypatch.setattr(mark, "work", work)


@pytest.fixture
def all_right(monkeypatch):
    """Whatever is handed in gets full marks, and runs nowhere."""
    monkeypatch.setattr(mark, "work", lambda job, trust: classroom.solved(job.assignment))
