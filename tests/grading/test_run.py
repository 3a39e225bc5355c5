"""Does a class of any size take the memory of a small one, and is each notebook read only when its turn comes?

No sandbox runs: what comes out of it is made up, large as it may be.
"""

import threading
import tracemalloc
from concurrent.futures import Future
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from harness import classroom
from pooling_course.grading import book, cluster, forms, mark, run
from pooling_course.grading.tables import Row
from pooling_course.maths.device import threads

pytestmark = pytest.mark.slow

LARGE = "x" * 200_000  # what a part's own check may say, in HTML


def hand_in(place, count, cells=("x = 1",)):
    for i in range(count):
        classroom.write(place / f"s{i:03}_ps2.ipynb", [*cells, f"# {i}"])
    return place


def large(job, trust=False):
    record = classroom.solved(job.assignment)
    record["parts"][0] |= {"html": f"{LARGE}{job.student}", "state": "wrong"}
    return record


grade = classroom.grade


@contextmanager
def late(number):
    """A place in which a job is done only when somebody waits for it."""

    def first(futures):
        futures[0].set_result(large(futures[0].job))
        return futures[:1]

    def submit(job, trust):
        future = Future()
        future.job = job
        return future

    yield cluster.Place(submit, first, lambda: number)


@pytest.mark.parametrize("room", [1, 3])
def test_no_more_is_read_than_there_is_room_for(tmp_path, monkeypatch, room):
    """Jobs that wait hold a class's code; so do notebooks that are read before their turn."""
    monkeypatch.setattr(cluster, "threads", late)
    events = []
    monkeypatch.setattr(run, "code_of", lambda data, read=run.code_of: events.append(1) or read(data))
    monkeypatch.setattr(book.Book, "put", lambda *a, put=book.Book.put: events.append(-1) or put(*a))
    assert grade(hand_in(tmp_path / "class", 12), tmp_path / "out", "--workers", room) == 0
    held = [sum(events[: i + 1]) for i in range(len(events))]
    assert max(held) == room + 1 and len(events) == 24  # and the one whose place is waited for


def peak(place, out):
    tracemalloc.start()
    try:
        assert grade(place, out, "--workers", 1) == 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_more_submissions_hardly_take_more_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(mark, "work", large)
    few = peak(hand_in(tmp_path / "few", 40), tmp_path / "one")
    many = peak(hand_in(tmp_path / "many", 160), tmp_path / "two")
    assert many - few < 10 * len(LARGE)  # 120 more have twelve times that
    again = peak(tmp_path / "many", tmp_path / "two")  # all of them from the book
    assert again < few + 10 * len(LARGE)


def test_pages_have_all_that_the_book_has(tmp_path, monkeypatch):
    monkeypatch.setattr(mark, "work", large)
    assert grade(hand_in(tmp_path / "class", 40), tmp_path / "out") == 0
    for i in range(40):
        assert f"{LARGE}s{i:03}" in (tmp_path / "out" / "feedback" / f"s{i:03}.html").read_text("utf-8")


def test_what_is_kept_of_a_record_is_what_tables_need():
    row = Row(None, 1, 0, 1.0, key="there")
    row.take({"parts": [{**classroom.solved("ps2")["parts"][0], "html": LARGE}], "cells": {"1": LARGE}, "notes": ["n"]})
    assert "html" not in row.parts[0] and "cells" not in row.record and row.notes == ["n"]
    same, other = (Row(None, 1, 0, 1.0, key=key) for key in ("elsewhere", "there too"))
    same.take(classroom.solved("ps2"))
    record = classroom.solved("ps2")
    record["parts"][0]["shape"] = "0123456789abcdef"  # numbers of one's own are in it
    other.take(record)
    assert same.parts[0] is row.parts[0] is other.parts[0]  # one for all who have it
    assert same.shapes == {} and other.shapes == {other.parts[0]["exercise"]: "0123456789abcdef"}


def test_a_name_that_the_whole_class_shares_is_told_in_a_line_for_each(tmp_path, monkeypatch):
    """The names of all others, for each of 10,000, would be a gigabyte."""
    monkeypatch.setattr(mark, "work", lambda job, trust: classroom.solved(job.assignment))
    assert grade(hand_in(tmp_path / "class", 60, ['STUDENT = "Ada"']), tmp_path / "out") == 0
    lines = (tmp_path / "out" / "grades.csv").read_text("utf-8").splitlines()[1:]
    assert all("in the notebook of s00" in line and "and 39 more." in line and len(line) < 500 for line in lines)
    assert not any(line.startswith("s005") and line.count("s005") > 2 for line in lines)  # nobody is another of its own


class Counted(str):
    compared = 0

    def __eq__(self, other):
        Counted.compared += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("form", ["folders", "files"])
def test_the_form_of_a_large_class_is_found_in_linear_time(form):
    """Ten times as many, compared no more than some ten times as often."""

    def compared(count):
        names = [[f"s{i}", "ps2.ipynb"] if form == "folders" else [f"s{i}_ps2.ipynb"] for i in range(count)]
        paths = [SimpleNamespace(parts=tuple(map(Counted, name))) for name in names]  # all that is looked at
        Counted.compared = 0
        forms.layout(paths, "ps2")
        return Counted.compared

    few, many = compared(100), compared(1000)
    assert 0 < many < 20 * few + 1000


def test_a_submission_is_judged_by_one_thread(monkeypatch):
    """The maps are tiny, and threads would only wait for each other: longer than all else takes, on a busy machine."""
    monkeypatch.setattr(mark, "_own", threading.local())
    monkeypatch.setattr(mark, "Sandbox", lambda *_: None)
    monkeypatch.setattr(mark, "mark", lambda *_: torch.get_num_threads())
    with threads(2):
        assert mark.work(mark.Job("ps2", "ada", (), ())) == 1 and torch.get_num_threads() == 2
