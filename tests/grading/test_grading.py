"""Does every submission get the mark it should, hostile ones included, and does none of them harm another?"""

import csv
import ctypes
import dataclasses
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from harness import ROOT, classroom
from harness.hostile import ATTACKS, EVERY, RIGHT, TASK
from pooling_course import exercises
from pooling_course.exercises import Outcome, load
from pooling_course.grading import __main__ as command
from pooling_course.grading import mark, pages, sandbox, tables, text, wire
from pooling_course.grading.assignments import ASSIGNMENTS, HIDDEN
from pooling_course.grading.book import Book
from pooling_course.grading.submissions import Rule, Submission, named_in, one_each
from pooling_course.maths.kinds.pooling import Pooling

PS2 = {task.exercise: task.points for task in mark.tasks("ps2")}
FULL = sum(PS2.values())


@pytest.fixture(scope="module")
def walls():
    """A sandbox; where there is none, tests that need one are skipped, but never in CI."""
    try:
        with sandbox.Sandbox() as made:
            yield made
    except sandbox.NoSandbox as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))


def grades(out):
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def grade(submissions, out, *more, assignment="ps2"):
    return command.main([str(submissions), "--assignment", assignment, "--out", str(out), *map(str, more)])


# ---- Hostile submissions ---------------------------------------------------------------------------------------------


def without_rule(name):
    return dataclasses.replace(load(name), rule="any")


def cells_of(attack, port):
    """The cells of a perfect notebook with the attack in its place."""
    cells = classroom.cells("ps2", "someone")
    at = next(i for i, cell in enumerate(cells) if "def output_size" in cell)
    if attack.where == "answer":
        body = "\n".join(f"    {line}" for line in attack.code.replace("{port}", str(port)).splitlines())
        cells[at] = (
            f"import threading\ndef output_size(size, kernel_size, stride, padding):\n{body}" if body else "x = 1"
        )
    elif attack.where == "cell":
        cells.insert(1, attack.code)
    elif attack.where == "edited":
        cells = [cell.replace("check(", "max(9, 9) or (") if "verdict" in cell else cell for cell in cells]
        cells[at] = attack.code
    elif attack.where == "deleted":
        cells = [cell for cell in cells if "verdict" not in cell]
    return cells


def hand_in(path, attack, port):
    if attack.where != "file":
        classroom.write(path, cells_of(attack, port))
    elif isinstance(attack.code, bytes):
        classroom.write(path, attack.code)
    elif attack.code == "many":
        classroom.write(path, ["x = 1"] * 100_000)
    elif attack.code == "large":
        large = classroom.notebook(classroom.cells("ps2", "someone"))
        large["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}]
        classroom.write(path, large)
    elif attack.code == "folder":
        path.mkdir(parents=True)
    elif attack.code == "pipe":
        path.parent.mkdir(parents=True)
        os.mkfifo(path)
    elif attack.code == "link":
        path.parent.mkdir(parents=True)
        path.symlink_to(path.parents[2] / "link-neighbour" / "ps2" / "ps2.ipynb")


@pytest.fixture(scope="module")
def batch(walls, tmp_path_factory):
    """One batch of all attacks, a perfect neighbour beside each."""
    place = tmp_path_factory.mktemp("class")
    server = socket.create_server(("127.0.0.1", 0))
    for name, attack in ATTACKS.items():
        hand_in(place / "submitted" / name / "ps2" / "ps2.ipynb", attack, server.getsockname()[1])
        neighbour = place / "submitted" / f"{name}-neighbour" / "ps2" / "ps2.ipynb"
        classroom.write(neighbour, classroom.cells("ps2", f"{name}-neighbour"))
    with pytest.MonkeyPatch.context() as patch:
        for cached in (mark._question, mark._verdict):
            cached.cache_clear()
        patch.setattr(mark, "load", without_rule)
        status = grade(place / "submitted", place / "results", "--seconds", 1)
    for cached in (mark._question, mark._verdict):
        cached.cache_clear()
    server.close()
    return status, grades(place / "results"), place / "results"


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_its_mark_and_its_neighbour_too(batch, name):
    _, marks, _ = batch
    loses = set(PS2) if ATTACKS[name].loses == EVERY else ATTACKS[name].loses
    given = {exercise: float(marks[name][exercise]) for exercise in PS2}
    assert given == {exercise: 0 if exercise in loses else points for exercise, points in PS2.items()}
    assert float(marks[f"{name}-neighbour"]["points"]) == FULL


def test_there_are_attacks_enough_and_every_one_is_graded(batch):
    status, marks, _ = batch
    assert len(ATTACKS) >= 30 and len(marks) == 2 * len(ATTACKS)
    assert status == 0


def test_pages_are_escaped_and_run_nothing(batch):
    _, _, out = batch
    shown = {path.stem: path.read_text("utf-8") for path in (out / "feedback").glob("*.html")}
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in shown["script"] and "alert(1)" in shown["script"]
    for page in [*shown.values(), (out / "report.html").read_text("utf-8")]:
        assert "<script" not in page and "\0" not in page and "default-src 'none'" in page


def test_nothing_is_left_running_or_lying_about(batch):
    assert len([child for child in psutil.Process().children() if child.name() == "bwrap"]) <= 1  # that of `walls`
    assert not Path("/scratch").exists() and not Path("/dev/shm/left").exists()


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
    mark._question.cache_clear()
    cells = classroom.cells("ps2", "ada")
    cells[next(i for i, cell in enumerate(cells) if "def output_size" in cell)] = LEAK
    record = mark.mark(mark.Job("ps2", "ada", tuple(cells), (4711, 4712)), walls)
    mark._question.cache_clear()
    row = tables.Row(Submission("ada", "", "", None, False, bytes), 1, 0, 1.0, record)
    page = pages.feedback("ps2", row)
    visible, both = load(TASK).cases(0), load(TASK).cases((0, 4711, 4712))
    hidden = [case for case in both if case not in visible]
    assert len(hidden) > 10 and record["parts"][2]["state"] == "wrong"
    assert not [case for case in hidden if re.search(r"\D+".join(map(str, case)), page)]
    assert re.search(r"\D+".join(map(str, visible[0])), page)  # what the student's own check shows may be shown


def test_a_rule_cannot_be_got_round_by_hiding_the_code(walls):
    for hidden in (
        "exec('def output_size(size, kernel_size, stride, padding): RIGHT')",
        "(output_size := lambda *a: 1)",
    ):
        cells = classroom.cells("ps2", "ada")
        at = next(i for i, cell in enumerate(cells) if "def output_size" in cell)
        cells[at] = hidden.replace("RIGHT", RIGHT)
        part = mark.mark(mark.Job("ps2", "ada", tuple(cells), (0,)), walls)["parts"][2]
        assert (part["state"], part["says"]) == ("refused", [text.HIDDEN_CODE])


HIDDEN_TORCH = """
exec("import torch\\ndef by_torch(n, *how): return torch.nn.MaxPool2d(*how)(torch.empty(1, n, n)).shape[1]")
def output_size(size, kernel_size, stride, padding):
    return by_torch(size, kernel_size, stride, padding)
"""


def test_torch_that_no_text_shows_is_seen_in_the_sandbox_too(walls):
    cells = classroom.cells("ps2", "ada")
    at = next(i for i, cell in enumerate(cells) if "def output_size" in cell)
    cells[at] = HIDDEN_TORCH
    parts = mark.mark(mark.Job("ps2", "ada", tuple(cells), (0,)), walls)["parts"]
    assert parts[2]["state"] == "refused" and parts[2]["points"] == 0
    assert "it called torch" in parts[2]["says"][0] and "plain Python and NumPy only" in parts[2]["says"][0]
    assert [part["state"] for part in parts].count("solved") == len(parts) - 1


# ---- The sandbox itself ----------------------------------------------------------------------------------------------


def question(name="f", cases=((1,),), rule="any"):
    return sandbox.Question(name, wire.encode(list(cases)), rule)


def test_a_server_that_dies_is_started_again(walls):
    walls.process.kill()
    ran = walls.run(["def f(x): return x + 1"], [question()])
    assert wire.outcomes(ran.said[0], 1) == [Outcome("value", 2)]


def test_cells_run_in_order_and_what_they_raise_is_told(walls):
    ran = walls.run(["x = 1", "1 / 0", "def f(y): return x + y", "raise NotImplementedError()"], [question()])
    assert wire.outcomes(ran.said[0], 1) == [Outcome("value", 2)]
    assert ran.cells == {1: "ZeroDivisionError: division by zero", 3: "NotImplementedError: "}


def test_a_sandbox_that_shows_the_tasks_is_refused(walls, monkeypatch):
    monkeypatch.setattr(sandbox, "MASKED", ())
    with pytest.raises(sandbox.NoSandbox, match="does not hold.*tasks"):
        sandbox.Sandbox()


can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork, and grading says so")


@can_fork
@pytest.mark.parametrize(
    "change, says",
    [
        (lambda patch: patch.setattr(sandbox.platform, "system", lambda: "Darwin"), "needs Linux"),
        (lambda patch: patch.setattr(sandbox.shutil, "which", lambda name: None), "apt install bubblewrap"),
        (lambda patch: patch.delattr(sandbox.os, "fork"), "use WSL"),
        (lambda patch: patch.setattr(sandbox, "command", lambda trust: ["false"]), "does not start"),
    ],
)
def test_without_a_sandbox_nothing_runs_and_a_sentence_says_why(tmp_path, monkeypatch, capsys, change, says):
    classroom.write(tmp_path / "class" / "ada.ipynb", [f"open({str(tmp_path / 'ran')!r}, 'w')"])
    change(monkeypatch)
    assert grade(tmp_path / "class", tmp_path / "out") == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "ran").exists() and not (tmp_path / "out" / "grades.csv").exists()


@can_fork
def test_trusted_submissions_run_without_a_sandbox_when_asked(tmp_path):
    cells = [*classroom.cells("ps2", "ada"), f"open({str(tmp_path / 'ran')!r}, 'w')", "import os; os._exit(0)"]
    classroom.write(tmp_path / "class" / "ada.ipynb", cells)
    assert grade(tmp_path / "class", tmp_path / "out", "--trust-submissions", "--seconds", 1) == 0
    assert float(grades(tmp_path / "out")["ada"]["points"]) == FULL
    assert (tmp_path / "ran").exists()


# ---- What goes in and out of it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", exercises.names())
def test_every_case_goes_in_as_it_is(name):
    cases = load(name).cases((0, HIDDEN[0]))
    assert same(wire.decode(wire.encode(cases)), cases)


def same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (np.ndarray, np.generic)):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.requires_grad == other.requires_grad and torch.equal(one, other)
    return repr(one) == repr(other) if isinstance(one, nn.Module) else one == other


@pytest.mark.parametrize(
    "value",
    [
        {"a": (1, [2.5, None])},
        np.float32(0.5),
        np.zeros((0, 3), dtype="int8"),
        torch.ones(2, 2, requires_grad=True),
        Pooling("max", 3, padding=1),
        nn.AvgPool2d(2, divisor_override=3),
        nn.MaxPool2d((2, 3), ceil_mode=True),
    ],
)
def test_other_values_go_in_as_they_are(value):
    assert same(wire.decode(wire.encode(value)), value)


def test_what_cannot_go_in_is_named():
    with pytest.raises(TypeError, match="no way into the sandbox for the type object"):
        wire.encode([object()])


@pytest.mark.parametrize("value", [None, True, 3, -0.5, "text", [1, [2]], {"other": "set"}])
def test_plain_values_come_out_as_they_are(value):
    assert wire.safe(value) == value


@pytest.mark.parametrize(
    "value",
    [
        2**64,
        {"array": [1, 2], "dtype": "int64", "shape": [3], "of": "numpy"},
        {"array": [1], "dtype": "O", "shape": [1], "of": "numpy"},
        {"array": [1], "dtype": "float64", "shape": [-1], "of": "numpy"},
        {"array": 0, "dtype": "float64", "shape": [10**6, 10**6], "of": "numpy"},
        {"array": [[1], 2], "dtype": "float64", "shape": [2], "of": "torch"},
        {"array": [1], "dtype": "f8,i4", "shape": [1], "of": "numpy"},
        {"array": [1], "dtype": ["f8"], "shape": [1], "of": "numpy"},
        {"pooling": {"kind": "max", "kernel_size": "x"}},
        {"pooling": 3},
        {"array": 1},
        {},
    ],
)
def test_forged_values_come_out_as_nothing(value):
    assert set(wire.safe(value)) == {"other"}


def test_results_that_are_none_of_ours_are_none():
    for said in ("", "[", "[" * 100_000, "3", "[]", '[["value", 1, "", ""]]' * 2, "1e", "9" * 10_000):
        assert wire.outcomes(said, 1) == []
    assert wire.outcomes('[["lie", 1, "", ""]]', 1)[0].state == "error"
    assert wire.outcomes('[["value", -Infinity, "\\ud800\\u0000", 3]]', 1) == [
        Outcome("value", float("-inf"), "\N{REPLACEMENT CHARACTER}" * 2)
    ]


# ---- Which attempt counts --------------------------------------------------------------------------------------------


def submission(student="ada", when=None, late=False, path="", number=""):
    return Submission(student, number, path, when, late, lambda: b"")


DUE = datetime(2026, 3, 1, 23, 59, tzinfo=timezone.utc)


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


@pytest.mark.parametrize(
    "code, says",
    [("STUDENT = 'ada'", "ada"), ('x = 1\nSTUDENT = "a b"  # me', "a b"), ("STUDENT = 4711", 4711), ("x = 1", None)],
)
def test_a_notebook_says_who_wrote_it(code, says):
    assert named_in([code]) == says


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


def test_a_page_names_the_mistake_and_shows_the_students_own_check(small_results):
    page = (small_results / "feedback" / "bob.html").read_text("utf-8")
    assert "you leave out the + 1" in page and "The first case that fails" in page
    assert "not attempted" in (small_results / "feedback" / "dot.html").read_text("utf-8")


def test_the_report_has_plots_with_words_and_tables(small_results):
    page = (small_results / "report.html").read_text("utf-8")
    assert page.count('<svg role="img" aria-label=') == 3
    assert "output-size: no-plus-one" in page and "unpool: added-up" in page
    assert "<td>bob</td><td>cy</td><td>unpool, average-divisors</td>" in page
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


@pytest.mark.parametrize("assignment, told", [("ps1", True), ("ps2", False)])
def test_a_missing_name_is_told_only_where_it_matters(tmp_path, monkeypatch, assignment, told):
    """Only ps1 and ps3 give everyone their own numbers, and ask for a name."""
    monkeypatch.setattr(mark, "work", lambda job, trust: mark.unreadable(assignment, "done"))
    classroom.write(tmp_path / "class" / "ada.ipynb", ["x = 1"])
    classroom.write(tmp_path / "class" / "bob.ipynb", ['STUDENT = "your name or number"'])
    assert grade(tmp_path / "class", tmp_path / "out", assignment=assignment) == 0
    assert [bool(row["notes"]) for row in grades(tmp_path / "out").values()] == [told, told]


def test_the_same_notebook_from_several_people_counts_for_each(tmp_path, monkeypatch):
    """As the one that was handed out, and never touched."""
    ran = []
    monkeypatch.setattr(mark, "work", lambda job, trust: ran.append(job) or mark.unreadable("ps2", "done"))
    for name in ("ada", "bob", "cy"):
        classroom.write(tmp_path / "class" / f"{name}.ipynb", ['STUDENT = "your name or number"'])
    assert grade(tmp_path / "class", tmp_path / "out") == 0
    assert len(ran) == 1 and [row["points"] for row in grades(tmp_path / "out").values()] == ["0", "0", "0"]


def test_files_for_students_have_names_that_systems_take():
    assert pages.file_name("Ada Doe") == "Ada Doe"
    odd = [pages.file_name(name) for name in ("a/b", "a:b", "..", "x" * 500)]
    assert len(set(odd)) == 4 and all(re.fullmatch(r"[\w .@-]{13,170}", name) for name in odd)


def test_only_assignments_with_tasks_can_be_graded(capsys):
    with pytest.raises(SystemExit):
        grade("x", "y", assignment="project")
    assert "ps1" in capsys.readouterr().err
    assert all(mark.tasks(name) for name in ("ps1", "ps2", "ps3")) and "project" in ASSIGNMENTS


def test_progress_files_are_counted_by_misconception(tmp_path):
    entry = '{"v": 1, "time": 1, "id": "q", "right": false, "confidence": 2, "misconception": "<b>sum</b>"}\n'
    for name in ("ada", "bob"):
        (tmp_path / f"{name}.jsonl").write_text(entry * 2 + "damaged\n")
    page = pages.report("ps2", [], tmp_path)
    assert '<td>&lt;b&gt;sum&lt;/b&gt;</td><td class="number">2</td>' in page and "2 lines" in page


# ---- The filter of system calls, on processors of both kinds ---------------------------------------------------------

ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def filter_for(arch, tmp_path):
    """The filter as the kernel of that processor would get it: instructions (code, jump if true, if false, number)."""
    walls = pytest.importorskip("pooling_course.grading.walls")
    made = walls.Filter.__new__(walls.Filter)
    try:
        made.library = library = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        pytest.skip(str(error))
    library.seccomp_init.restype = ctypes.c_void_p
    made.rules = ctypes.c_void_p(library.seccomp_init(walls.ALLOW))
    native = library.seccomp_arch_native() & 0xFFFFFFFF
    if native != ARCHES[arch]:
        assert library.seccomp_arch_add(made.rules, ctypes.c_uint32(ARCHES[arch])) == 0
        assert library.seccomp_arch_remove(made.rules, ctypes.c_uint32(native)) == 0
    made.add_rules()
    with open(tmp_path / "filter", "wb") as file:
        assert library.seccomp_export_bpf(made.rules, file.fileno()) == 0
    return walls, library, list(struct.iter_unpack("<HBBI", (tmp_path / "filter").read_bytes()))


def verdict_of(program, arch, number, *arguments):
    """What the kernel would do: a run of the filter's few kinds of instructions."""
    data = struct.pack("<iIQ6Q", number, ARCHES[arch], 0, *(*arguments, *[0] * 6)[:6])
    at, held = 0, 0
    while True:
        code, yes, no, k = program[at]
        at += 1
        if code == 0x20:  # load
            held = struct.unpack_from("<I", data, k)[0]
        elif code == 0x54:  # and
            held &= k
        elif code == 0x06:  # return
            return k
        elif code == 0x05:  # jump
            at += k
        else:
            compare = {0x15: held == k, 0x25: held > k, 0x35: held >= k, 0x45: bool(held & k)}
            at += yes if compare[code] else no


@pytest.mark.parametrize("arch", ARCHES)
def test_the_filter_refuses_what_it_should_on_either_processor(arch, tmp_path):
    walls, library, program = filter_for(arch, tmp_path)

    def number(name):
        return library.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(ARCHES[arch]), name.encode())

    numbers = {name: number(name) for name in walls.REFUSED}
    assert -1 not in numbers.values()  # no name is misspelt
    there = {name: n for name, n in numbers.items() if n >= 0}
    assert len(there) >= len(numbers) - 3  # arm64 has no ioperm, iopl and uselib
    assert {verdict_of(program, arch, n) for n in there.values()} == {walls.DENY}
    for name in ("read", "write", "mmap", "futex", "openat", "exit_group", "getpid"):
        assert verdict_of(program, arch, number(name)) == walls.ALLOW
    assert verdict_of(program, arch, number("socket"), 1) == walls.ALLOW  # between a student's own processes
    assert {verdict_of(program, arch, number("socket"), family) for family in (2, 10, 16, 17)} == {walls.DENY}
    assert verdict_of(program, arch, number("clone3")) == walls.MISSING
    assert verdict_of(program, arch, number("clone"), 17) == walls.ALLOW  # a plain fork
    for bit in walls.NEW_NAMESPACES.values():
        assert verdict_of(program, arch, number("clone"), bit | 17) == walls.DENY
    other = next(name for name in ARCHES if name != arch)
    assert verdict_of(program, other, 0) not in (walls.ALLOW, walls.DENY)  # calls of another kind end the process
