"""Does a class get the marks, notes and pages it should, the same on every run, and each run only what is new?"""

import dataclasses
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from harness import ROOT, classroom
from harness.answers import cell
from harness.classroom import grade, grades, the_part
from harness.hostile import TASK
from pooling_course.exercises import check, load
from pooling_course.exercises.definition import EXAMPLE_NAME
from pooling_course.exercises.verdict import given
from pooling_course.grading import __main__ as command
from pooling_course.grading import mark, pages, sandbox, tables
from pooling_course.grading.assignments import HIDDEN
from pooling_course.grading.book import Book
from pooling_course.grading.run import job_for
from pooling_course.grading.submissions import Rule, Submission, one_each

pytestmark = pytest.mark.slow
PS2 = {task.exercise: task.points for task in mark.tasks("ps2")}
FULL = sum(PS2.values())


def without_rule(name):
    return dataclasses.replace(load(name), rule="any")


LEAK = """
def output_size(size, kernel_size, stride, padding):
    asked.append((size, kernel_size, stride, padding))
    with open("asked", "w") as file:
        file.write(repr(asked))
    print(asked)
    raise ValueError(asked[::-1])
asked = []
class Case(tuple):
    pass
import gc, os
raise KeyError(os.listdir("."), [x for x in gc.get_objects() if type(x) is list and x and type(x[0]) is tuple][-1])
"""


def test_a_page_shows_no_hidden_case(walls, monkeypatch):
    monkeypatch.setattr(mark, "load", without_rule)
    cells = classroom.cells("ps2", "ada")
    cells[next(i for i, cell in enumerate(cells) if "def output_size" in cell)] = LEAK
    record = mark.mark(mark.Job("ps2", "ada", tuple(cells), (4711, 4712)), walls)
    row = tables.Row(Submission("ada", "", "", None, False, bytes), 1, 0, 1.0, record)
    page = pages.feedback("ps2", row)
    visible, both = load(TASK).cases("ada"), load(TASK).cases(("ada", 4711, 4712))
    hidden = [case for case in both if case not in visible]
    assert len(hidden) > 10 and the_part(record, TASK)["state"] == "wrong"
    assert not [case for case in hidden if re.search(r"\D+".join(map(str, case)), page)]
    assert re.search(r"\D+".join(map(str, visible[0])), page)  # what the student's own check shows may be shown


@pytest.mark.parametrize(
    "stands, why",
    [
        ("STUDENT = str(4711)", "STUDENT is empty or could not be read"),
        ("", "There is no STUDENT = ... in your notebook"),
        (f'STUDENT = "{EXAMPLE_NAME}"', "STUDENT was left as it was"),
        (f'STUDENT = " {EXAMPLE_NAME.title()}"', "STUDENT was left as it was"),  # those are the same numbers
    ],
)
def test_where_no_name_stands_numbers_are_drawn_from_that_of_the_submission(stands, why, tmp_path, in_walls, capsys):
    """The example's own answers stand in the notebooks with solutions, for everybody to copy."""
    for who, numbers in (("ada", "ada"), ("copied", EXAMPLE_NAME)):
        cells = [cell.replace(f'STUDENT = "{numbers}"', stands) for cell in classroom.cells("ps1", numbers)]
        classroom.write(tmp_path / "class" / f"{who}.ipynb", cells)
    assert grade(tmp_path / "class", tmp_path / "out", assignment="ps1") == 0
    marks = grades(tmp_path / "out")
    assert marks["ada"]["points"] == "13" and why in marks["ada"]["notes"] and why in capsys.readouterr().out
    own = {name: float(points) for name, points in marks["copied"].items() if name.startswith("my-")}
    assert len(own) == 4 and not any(own.values()) and marks["copied"]["points"] == f"{13 - 5}"
    page = (tmp_path / "out" / "feedback" / "copied.html").read_text("utf-8")
    assert f"{why}: write STUDENT = &quot;Ada Lovelace&quot;" in page and "worked out for other numbers" in page


# ---- Which attempt counts --------------------------------------------------------------------------------------------


def submission(student="ada", when=None, late=False, path="", number=""):
    return Submission(student, number, path, when, late, lambda: b"")


DUE = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)


def test_the_latest_attempt_in_time_counts_and_late_work_costs_by_the_day():
    rule = Rule(DUE, penalty=20)
    first, second = (submission(when=DUE - timedelta(hours=h), path=str(h)) for h in (5, 1))
    late, very_late = (submission(when=DUE + timedelta(hours=h)) for h in (1, 25))
    assert one_each([second, late, first], rule) == [(second, 3)]
    assert one_each([late, very_late], rule) == [(very_late, 2)]
    assert [(rule.days_late(s), rule.share(s)) for s in (second, late, very_late)] == [(0, 1), (1, 0.8), (2, 0.6)]
    assert rule.share(submission(when=DUE + timedelta(days=30))) == 0
    assert Rule(penalty=20).share(submission(late=True)) == 0.8
    assert Rule().share(late) == 1


def test_two_of_one_name_are_two_people():
    """Moodle calls everyone Participant where marking is blind."""
    found = [submission("Participant", number="71"), submission("Participant", number="72"), submission("Participant")]
    assert one_each(found, Rule()) == [(each, 1) for each in found]


# ---- Runs ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_class(tmp_path_factory):
    """Five students: right, wrong in known ways, wrong in an unknown way, and one who has done nothing."""
    place = tmp_path_factory.mktemp("small")
    wrong = {"output-size": "no-plus-one", "unpool": "added-up", "average-divisors": "overhang-counted"}
    untouched = [load(task.exercise).stub for task in mark.tasks("ps2")]
    odd = [*classroom.cells("ps2", "someone else"), "def output_size(*a): return sum(a)"]
    for name, cells in {
        "ada": classroom.cells("ps2", "ada"),
        "bob": classroom.cells("ps2", "bob", wrong),
        "cy": classroom.cells("ps2", "cy", wrong),
        "dot": untouched,
        "=eve": odd,
    }.items():
        classroom.write(place / "class" / f"{name}.ipynb", cells)
    return place / "class"


@pytest.fixture(scope="module")
def small_results(walls, small_class):
    out = small_class.parent / "results"
    assert grade(small_class, out, "--workers", 2) == 0
    return out


def test_marks_mistakes_and_notes_are_in_the_tables(small_results):
    marks = grades(small_results)
    assert float(marks["ada"]["points"]) == FULL and float(marks["dot"]["points"]) == 0
    assert 0 < float(marks["bob"]["points"]) < FULL and float(marks["bob"]["ceil-size"]) == PS2["ceil-size"]
    assert "STUDENT = 'someone else'" in marks["'=eve"]["notes"]  # and no spreadsheet takes it for a formula


def test_numbers_on_paper_are_wrong_for_a_friend_who_is_told_so(in_walls, tmp_path):
    """In the notes, which are the instructor's; the page shows whose numbers they should be."""
    own = [task.exercise for task in mark.tasks("ps2") if load(task.exercise).level == "own"]
    cells = {name: classroom.cells("ps2", name) for name in ("ada", "bob", "cy")}
    for exercise in own:  # bob takes ada's, and cy errs in a known way and has forgotten one
        at = next(i for i, code in enumerate(cells["bob"]) if f"def {load(exercise).function}(" in code)
        cells["bob"][at] = cells["ada"][at]
        cells["cy"][at] = classroom.answer(exercise, classroom.possible(exercise, "cy")[0], "cy")
    cells["cy"] = [code for code in cells["cy"] if "def my_unpool" not in code]
    for name in cells:
        classroom.write(tmp_path / "class" / f"{name}.ipynb", cells[name])
    assert grade(tmp_path / "class", tmp_path / "out", "--anonymous") == 0
    marks = grades(tmp_path / "out")
    for exercise in own:
        assert [float(marks[name][exercise]) for name in cells] == [PS2[exercise], 0, 0]
    says = "What is written down is wrong for its own numbers, and right for those of ada: "
    assert marks["bob"]["notes"] == f"{says}{'; '.join(load(name).title for name in own)}."
    assert marks["ada"]["notes"] == "" and "right for those" not in marks["cy"]["notes"]
    told = [(tmp_path / "out" / "feedback" / f"{name}.html").read_text("utf-8") for name in ("bob", "cy")]
    told.append((tmp_path / "out" / "anonymous.csv").read_text("utf-8"))
    assert not any(re.search(r"\bada\b", text) for text in told)
    assert "These are your own numbers:" in told[1]
    for page, name in zip(told, ("bob", "cy"), strict=False):
        for value in given(load("my-unpool"), load("my-unpool").cases(name)[0]):
            assert value.html in page


def test_the_sandbox_and_the_notebooks_own_check_agree_on_everybodys_numbers(walls):
    """A right answer, each mistake that can be written down, and a friend's, in all three problem sets."""
    writes = {
        "dot": lambda name: classroom.answer(name, None, "dot"),
        "eve": lambda name: classroom.answer(name, classroom.possible(name, "eve")[-1], "eve"),
        "fay": lambda name: classroom.answer(name, None, "ada"),
    }
    for assignment, who in itertools.product(("ps1", "ps2", "ps3"), writes):
        tasks = [task for task in mark.tasks(assignment) if load(task.exercise).level == "own"]
        answers = {task.exercise: writes[who](task.exercise) for task in tasks}
        cells = [f"STUDENT = {who!r}", "import numpy as np", *answers.values()]
        record = mark.mark(mark.Job(assignment, who, tuple(cells), HIDDEN), walls)
        for task in tasks:
            function = cell(answers[task.exercise])[load(task.exercise).function]
            verdict, part = check(task.exercise, function, who), the_part(record, task.exercise)
            assert (verdict.state, verdict.mistake) == (part["state"], part["mistake"])
            assert verdict.points(task.points) == part["points"]
            assert verdict.state == ("solved" if who == "dot" else "wrong")


def test_a_page_names_the_mistake_and_shows_the_students_own_check(small_results):
    page = (small_results / "feedback" / "bob.html").read_text("utf-8")
    assert "you leave out the + 1" in page and "The first case that fails" in page
    assert "not attempted" in (small_results / "feedback" / "dot.html").read_text("utf-8")


def test_the_report_has_plots_with_words_and_tables(small_results):
    page = (small_results / "report.html").read_text("utf-8")
    assert page.count('<div class="bars" role="img" aria-label=') == 3
    size, unpool, divisors = (load(name).title for name in ("output-size", "unpool", "average-divisors"))
    assert f"{size}: no-plus-one" in page and f"{unpool}: added-up" in page
    assert re.search(rf'<td class="number">2</td><td>bob, cy</td><td[^>]*>{unpool}; {divisors}</td>', page)
    tables = re.findall(r"<table>.*?</table>", page, re.DOTALL)
    named = [table for table in tables if re.search(r"<td>(my-)?(output-size|unpool)</td>", table)]
    assert len(named) == 1 and "in grades.csv" in named[0]  # else a person reads titles
    assert "<td>ada</td>" not in page  # who is right has answers like others


def test_marks_are_the_same_on_every_run(small_class, small_results, tmp_path):
    assert grade(small_class, tmp_path, "--workers", 1) == 0
    for name in ("grades.csv", "report.html", "feedback/bob.html"):
        assert (tmp_path / name).read_bytes() == (small_results / name).read_bytes()


def test_what_is_graded_is_not_run_again_unless_something_changed(small_class, small_results, monkeypatch, capsys):
    monkeypatch.setattr(mark, "work", None)  # nothing runs
    assert grade(small_class, small_results) == 0
    assert "5 of 5 submissions were graded before" in capsys.readouterr().out
    job = mark.Job("ps2", "ada", ("x = 1",), HIDDEN)
    others = [dataclasses.replace(job, **change) for change in ({"hidden": (1,)}, {"cells": ()}, {"assignment": "ps1"})]
    assert len({job.key, *(other.key for other in others)}) == 4


def test_a_run_killed_at_any_moment_goes_on_where_it_stopped(walls, tmp_path, monkeypatch, capsys):
    for i in range(6):
        slow = f"import time\ntime.sleep({0.1 if i == 0 else 0.7})"  # time for the kill on a busy machine, too
        classroom.write(tmp_path / "class" / f"s{i}.ipynb", [slow, *classroom.cells("ps2", f"s{i}")])
    line = [sys.executable, "-m", "pooling_course.grading", "class", "--assignment", "ps2", "--out", "out"]
    line += ["--workers", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(line, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    kept = 0
    while not kept and running.poll() is None:
        time.sleep(0.05)
        if (tmp_path / "out" / "results.sqlite").exists():
            book = Book(tmp_path / "out" / "results.sqlite")
            kept = book.connection.execute("SELECT count(*) FROM records").fetchone()[0]
            book.close()
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert 0 < kept < 6
    monkeypatch.chdir(tmp_path)
    assert command.main(line[3:]) == 0
    assert int(re.search(r"(\d) of 6 submissions were graded before", capsys.readouterr().out)[1]) >= kept
    assert [float(row["points"]) for row in grades(tmp_path / "out").values()] == 6 * [FULL]


def test_a_file_that_is_no_book_gives_a_sentence(tmp_path, capsys, small_class):
    (tmp_path / "results.sqlite").write_bytes(b"x" * 1000)
    assert grade(small_class, tmp_path) == 1
    assert "holds no results of this program" in capsys.readouterr().err


def test_a_submission_that_the_sandbox_loses_is_not_marked(small_class, tmp_path, monkeypatch, capsys):
    def work(job, trust):
        raise sandbox.Lost("the sandbox failed: it ended")

    monkeypatch.setattr(mark, "work", work)
    assert grade(small_class, tmp_path) == 1
    assert grades(tmp_path)["ada"]["points"] == "" and "Not graded" in grades(tmp_path)["ada"]["notes"]


# ---- Around it -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("assignment, told", [("ps2", True), ("pre", True), ("project", False)])
def test_a_missing_name_is_told_only_where_it_matters(walls, assignment, told):
    """Only the problem sets and the tests give everyone their own numbers, and ask for a name."""
    for code in ("x = 1", f'STUDENT = "{EXAMPLE_NAME}"'):
        record = mark.mark(mark.Job(assignment, "ada", (code,), (0,)), walls)
        assert bool(record["told"]) == bool(record["notes"]) == told


@pytest.mark.parametrize(
    "says, drawn", [("0", 0), ("'Ada '", "Ada "), ("''", "doeada"), (repr(EXAMPLE_NAME), "doeada")]
)
def test_numbers_are_drawn_from_what_stands_in_student_if_that_is_a_name(says, drawn):
    """A number of 0 is one: the notebook drew from it."""
    data = json.dumps(classroom.notebook([f"STUDENT = {says}"])).encode()
    handed_in = dataclasses.replace(submission("doeada"), read=lambda: data)
    args = SimpleNamespace(assignment="ps1", seed=[0], seconds=5)
    assert job_for(handed_in, args, tables.Row(handed_in, 1, 0, 1.0), []).student == drawn


@pytest.mark.parametrize(
    "student, path, told",
    [
        ("aB3cD", "class.zip/anon_aB3cD_678_ps1.ipynb", False),
        ("aB3cD", "anon_LATE_aB3cD_678_mine.ipynb", False),
        ("Participant", "Participant_4711_assignsubmission_file_/ps1.ipynb", False),
        ("mallory", "mallory/anon_aB3cD_678_ps1.ipynb", True),  # whom a file's own name does not hide
    ],
)
def test_where_the_platform_hides_names_no_note_shows_them(student, path, told):
    data = json.dumps(classroom.notebook(["STUDENT = 'Ada Doe'"])).encode()
    handed_in = dataclasses.replace(submission(student, path=path), read=lambda: data)
    row = tables.Row(handed_in, 1, 0, 1.0)
    job_for(handed_in, SimpleNamespace(assignment="ps1", seed=[0], seconds=5), row, [])
    assert [note.startswith("Is it theirs?") for note in row.notes] == [True] * told


def test_the_same_notebook_from_several_people_counts_for_each(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(mark, "work", lambda job, trust: ran.append(job) or mark.unreadable("ps2", "done"))
    for name in ("ada", "bob", "cy"):
        classroom.write(tmp_path / "class" / f"{name}.ipynb", ['STUDENT = "ada"'])
    assert grade(tmp_path / "class", tmp_path / "out") == 0
    assert len(ran) == 1 and [row["points"] for row in grades(tmp_path / "out").values()] == ["0", "0", "0"]


def test_files_for_students_have_names_that_systems_take():
    assert pages.file_name("Ada Doe") == "Ada Doe"
    odd = [pages.file_name(name) for name in ("a/b", "a:b", "..", "x" * 500)]
    assert len(set(odd)) == 4 and all(re.fullmatch(r"[\w .@-]{13,170}", name) for name in odd)


def test_progress_files_are_counted_by_misconception(tmp_path):
    entry = '{"v": 1, "time": 1, "id": "q", "right": false, "confidence": 2, "misconception": "<b>sum</b>"}\n'
    for name in ("ada", "bob"):
        (tmp_path / f"{name}.jsonl").write_text(entry * 2 + "damaged\n")
    page = pages.report("ps2", [], tmp_path)
    assert '<td>&lt;b&gt;sum&lt;/b&gt;</td><td class="number">2</td>' in page and "2 lines" in page


@pytest.mark.parametrize("file", ["maths/words.py", "maths/rules.py", "images.py", "exercises/tasks/unpool.py"])
def test_a_mark_is_kept_only_while_all_that_computed_it_is_the_same(file, tmp_path, monkeypatch):
    before = mark.version("ps1")
    shutil.copytree(mark.PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(mark, "PACKAGE", tmp_path / "package")
    assert mark.version.__wrapped__("ps1") == before != mark.version("ps2")
    with (tmp_path / "package" / file).open("a") as code:
        code.write("# another\n")
    assert mark.version.__wrapped__("ps1") != before
