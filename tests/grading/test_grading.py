"""Does every submission get the mark it should, hostile ones included, and does none of them harm another?"""

import csv
import ctypes
import dataclasses
import itertools
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import torch
from torch import nn

from harness import ROOT, classroom
from harness.answers import cell
from harness.hostile import RIGHT, TASK
from harness.walls import sandboxed
from pooling_course import exercises
from pooling_course.exercises import Outcome, check, load
from pooling_course.exercises.verdict import given
from pooling_course.grading import __main__ as command
from pooling_course.grading import cells as program
from pooling_course.grading import mark, pages, sandbox, tables, text, wire
from pooling_course.grading.assignments import HIDDEN
from pooling_course.grading.book import Book
from pooling_course.grading.files import Broken
from pooling_course.grading.reading import UNREAD_NAME, code_of, named_in
from pooling_course.grading.submissions import Rule, Submission, one_each
from pooling_course.maths.kinds.pooling import Pooling

PS2 = {task.exercise: task.points for task in mark.tasks("ps2")}
FULL = sum(PS2.values())


@pytest.fixture(scope="module")
def walls():
    with sandboxed() as made:
        yield made


def grades(out):
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def grade(submissions, out, *more, assignment="ps2"):
    return command.main([str(submissions), "--assignment", assignment, "--out", str(out), *map(str, more)])


# ---- What a page may show, and what a rule sees (the hostile class is in hostile_class.py) ---------------------------


def the_part(record, exercise):
    return next(part for part in record["parts"] if part["exercise"] == exercise)


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
    mark._question.cache_clear()
    cells = classroom.cells("ps2", "ada")
    cells[next(i for i, cell in enumerate(cells) if "def output_size" in cell)] = LEAK
    record = mark.mark(mark.Job("ps2", "ada", tuple(cells), (4711, 4712)), walls)
    mark._question.cache_clear()
    row = tables.Row(Submission("ada", "", "", None, False, bytes), 1, 0, 1.0, record)
    page = pages.feedback("ps2", row)
    visible, both = load(TASK).cases("ada"), load(TASK).cases(("ada", 4711, 4712))
    hidden = [case for case in both if case not in visible]
    assert len(hidden) > 10 and the_part(record, TASK)["state"] == "wrong"
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
        part = the_part(mark.mark(mark.Job("ps2", "ada", tuple(cells), (0,)), walls), TASK)
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
    record = mark.mark(mark.Job("ps2", "ada", tuple(cells), (0,)), walls)
    part, parts = the_part(record, TASK), record["parts"]
    assert part["state"] == "refused" and part["points"] == 0
    assert "it called torch" in part["says"][0] and "plain Python and NumPy only" in part["says"][0]
    assert [part["state"] for part in parts].count("solved") == len(parts) - 1


# ---- Answers as IPython sees them, where they stand ------------------------------------------------------------------


def with_answer(*cells):
    """A perfect notebook with these cells where TASK is answered; "check" stands for the cell of its check."""
    made = classroom.cells("ps2", "ada")
    at = next(i for i, cell in enumerate(made) if "def output_size" in cell)
    check = made[at + 1]
    there = [check if cell == "check" else cell for cell in cells] + ([] if "check" in cells else [check])
    return [*made[:at], *there, *made[at + 2 :]]


def marked(walls, cells):
    record = mark.mark(mark.Job("ps2", "ada", tuple(cells), (0,), walls.limits), walls)
    return next(part for part in record["parts"] if part["exercise"] == TASK), record


ANSWER = f"def output_size(size, kernel_size, stride, padding):\n    {RIGHT}\n"
WRONG = "def output_size(size, kernel_size, stride, padding): return 0\n"
STUB = "def output_size(size, kernel_size, stride, padding):\n    # YOUR CODE HERE\n    raise NotImplementedError()\n"
HELPER = ANSWER.replace("output_size", "size_of")
CHECKED = f"{ANSWER}check('output-size', output_size)\ndel output_size"


@pytest.mark.parametrize(
    "cells",
    [
        ["np.argmax?\n" + ANSWER],
        [ANSWER + "output_size??"],
        ["t = %timeit -o 1 + 1\n" + ANSWER],
        ["files = !ls -l\nfiles.n, files.s\n" + ANSWER],
        ["where = %pwd\n" + ANSWER + "assert isinstance(where, str)"],
        ["!pip install einops\n%matplotlib inline\n" + ANSWER],
        ["ip = get_ipython()\nip.run_line_magic('load_ext', 'autoreload')\n" + ANSWER],
        ["from IPython import get_ipython\nget_ipython().user_ns['x'] = 1\nassert x == 1\n" + ANSWER],
        ["import asyncio\nawait asyncio.sleep(0)\n" + ANSWER],
        [
            "import asyncio\nasync def one(): return 1\nassert await one() == 1\nasync with asyncio.Lock(): pass\n"
            + ANSWER
        ],
        ["%%time\n" + ANSWER],
        ["%%capture out\n" + ANSWER, "out.show()"],
        ["\n%%prun -q\n" + ANSWER],
        ["%%timeit -n 1\n" + ANSWER],
        ["%%capture\n%%time\n" + ANSWER],
        ["%time x = 3\ny = %time x + 1\nassert (x, y) == (3, 4)\n" + ANSWER],
        [">>> " + ANSWER.replace("\n    ", "\n...     ")],
        ["In [1]: " + ANSWER.replace("\n    ", "\n   ...:     ")],
        ["".join(f"    {line}\n" for line in ANSWER.splitlines())],
        ["%%writefile helper.py\n" + ANSWER, "from helper import output_size"],
        ["%%writefile helper.py\n" + HELPER, "from helper import size_of as output_size"],
        ["%%file two.py\nA = 1", "%%writefile -a two.py\nB = 2", "import two\nassert two.B == 2\n" + ANSWER],
        ["%%writefile part.py\n" + ANSWER, "%run part.py"],
        ["%%bash\nrm -rf /", ANSWER],
        ["%%html\n<b>x</b>", "%%javascript\n1", "%%latex\nx", ANSWER],
        ["from __future__ import annotations", "def f(x: nothing): return 1\n" + ANSWER],
        ["3 + 4", "assert _ == 7 and Out == {} and In\n" + ANSWER],
        ["import inspect\n" + ANSWER + "assert 'return' in inspect.getsource(output_size)"],
        ["%cd ..\n%env X=1\n%who\n%config InlineBackend.figure_format = 'retina'\n" + ANSWER],
    ],
)
def test_what_runs_in_jupyter_counts(walls, cells):
    part, record = marked(walls, with_answer(*cells))
    assert (part["state"], part["points"]) == ("solved", PS2[TASK]), (part, record["cells"])
    assert record["cells"] == {}


def test_what_only_a_kernel_can_do_is_told(walls):
    cells = with_answer("!ls\n%matplotlib inline\nx = !cat y", "%%bash\nls", "%load other.py\n" + ANSWER)
    (note,) = marked(walls, cells)[1]["notes"]
    assert re.findall(r"([!%]+\w+) in cell (\d+)", note) == [
        ("!ls", "11"),
        ("!cat", "11"),
        ("%%bash", "12"),
        ("%load", "13"),
    ]
    assert marked(walls, with_answer("%matplotlib inline\nnp.max?\n" + ANSWER))[1]["notes"] == []


@pytest.mark.parametrize(
    "cells, state, note",
    [
        ([ANSWER, "check", STUB], "solved", "as it stood at its check"),
        ([ANSWER, "check", "del output_size"], "solved", "as it stood at its check"),
        ([ANSWER, "check", "output_size = output_size(3, 2, 1, 0)"], "solved", "as it stood at its check"),
        ([ANSWER, "check", WRONG], "solved", "as it stood at its check"),
        ([WRONG, "check", ANSWER], "wrong", "as it stood at its check"),
        ([ANSWER, "check", STUB, "check"], "solved", "as it stood at its check"),
        ([CHECKED, "x = 2"], "solved", "as it stood at its check"),
        ([STUB, "check", ANSWER], "solved", ""),
        ([ANSWER, "check", "check('output-size', lambda *a: 0)"], "solved", ""),
        ([WRONG, "check", ANSWER, "check"], "solved", ""),
        ([STUB, "check"], "untouched", ""),
        (["check", ANSWER], "solved", ""),
    ],
)
def test_an_answer_counts_as_it_stood_at_its_check(walls, cells, state, note):
    cells = with_answer(*cells) if "check" in cells or cells[0] != CHECKED else with_answer(*cells)[:-1]
    part, record = marked(walls, cells)
    assert part["state"] == state
    assert [note in text for text in record["notes"]] == ([True] if note else [])


@pytest.mark.parametrize("last", [STUB, "del output_size", "output_size = None"])
def test_without_a_check_the_last_that_is_no_stub_counts(walls, last):
    cells = [cell for cell in classroom.cells("ps2", "ada") if "verdict" not in cell]
    part, record = marked(walls, [*cells, last])
    assert part["state"] == "solved" and "as it stood in cell" in record["notes"][0]


def test_the_rule_is_looked_up_in_the_answer_that_counts(walls):
    by_torch = "import torch\ndef output_size(*a): return int(torch.tensor(a[0])) * 0\n"
    assert marked(walls, with_answer(by_torch, ANSWER, "check"))[0]["state"] == "solved"
    part, _ = marked(walls, with_answer(by_torch, "check", ANSWER))
    assert part["state"] == "refused" and "`torch`" in part["says"][0]
    written = "%%writefile helper.py\nimport torch\ndef size_of(n): return int(torch.tensor(n)) * 0"
    cells = with_answer(written, "from helper import size_of\ndef output_size(*a): return size_of(a[0])")
    part, _ = marked(walls, cells)
    assert part["state"] == "refused" and "torch" in part["says"][0]


@pytest.mark.parametrize("name", ["outputSize", "Output_Size", "output_sizes", "out_put_size"])
def test_a_name_that_may_be_meant_is_told_to_both(walls, name):
    part, record = marked(walls, with_answer(ANSWER.replace("output_size", name)))
    assert part["state"] == "missing" and f"`{name}`: is that the one?" in part["says"][0]
    assert record["notes"] == [f"There is no `output_size`, but a `{name}`."]


@pytest.fixture(scope="module")
def quick(walls):
    """A sandbox that waits for less."""
    with sandbox.Sandbox(limits=sandbox.Limits(seconds=1)) as made:
        yield made


@pytest.mark.parametrize(
    "code, says",
    [
        ("import time; time.sleep(1e6)", "slept or waited"),
        ("while True: pass", "of processor time|longer than 2 s[.]"),
        ("import os; os._exit(0)", "it ended Python"),
        ("import os; os.abort()", "it crashed Python"),
    ],
)
def test_why_there_is_no_answer(quick, code, says):
    part, _ = marked(quick, with_answer(f"def output_size(*a):\n    {code}"))
    assert part["state"] == "lost" and re.search(says, part["says"][0])


def test_true_is_not_one(walls):
    cells = with_answer(
        ANSWER + "right = output_size\ndef output_size(*a): return right(*a) if right(*a) > 1 else True"
    )
    part, _ = marked(walls, cells)
    assert part["state"] == "wrong" and 0 < part["passed"] < part["total"]
    assert "it gives True instead of the number 1" in part["html"].replace("<code>", "").replace("</code>", "")
    assert "hint" not in part["html"].lower()  # the page of a mark gives no model answer away


@pytest.mark.parametrize(
    "code",
    [
        "from pooling_course.exercises import outcome\noutcome.NoTorch.__torch_dispatch__ = None",
        "from pooling_course.exercises import outcome\noutcome.NoTorch = type(None)",
        "from pooling_course.exercises import plain\nplain.plain = lambda value: 4",
        "from torch.utils._python_dispatch import TorchDispatchMode\nTorchDispatchMode.__enter__ = lambda self: self",
    ],
)
def test_a_watch_that_is_patched_is_told(walls, code):
    assert sandbox.TAMPERED in marked(walls, with_answer(code, ANSWER))[1]["notes"]
    assert sandbox.TAMPERED not in marked(walls, with_answer(ANSWER))[1]["notes"]


FORGES = r"""
import os
os.write(3, b'< AT ""\n= AT \n> ASKED\n< ASKED [["value", 4, "", ""]]\n= ASKED \n.\n')
os._exit(0)
"""


def test_who_speaks_to_the_grader_is_told(walls):
    """A cell that ends its own step, then sends an answer, all in the right order: it lacks the word."""
    made = with_answer(FORGES, WRONG)
    asked = len(made) + [task.exercise for task in mark.tasks("ps2")].index(TASK)
    made = [cell.replace("ASKED", str(asked)).replace("AT", str(made.index(FORGES))) for cell in made]
    part, record = marked(walls, made)
    assert part["state"] == "wrong" and sandbox.SPOKEN in record["notes"]
    assert "`os._exit`, `os.write`" in record["notes"][1]


def test_time_on_the_clock_is_for_the_whole_submission(quick):
    naps = ["import time\ntime.sleep(1.5)"] * 9
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick, "limits", dataclasses.replace(quick.limits))
        object.__setattr__(quick.limits, "total_seconds", 5)
        part, record = marked(quick, [*naps, *classroom.cells("ps2", "ada")])
    assert part["state"] == "lost" and "took longer than 5 s" in part["says"][0]
    assert "It took all of its 5 s" in record["notes"][-1] and time.monotonic() - began < 12


# ---- What a notebook says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code, says",
    [
        ("STUDENT = 'ada'", "ada"),
        ('x = 1\nSTUDENT = "a b"  # me', "a b"),
        ("STUDENT = 4711", 4711),
        ("STUDENT = 'O\\'Brien'", "O'Brien"),
        ('STUDENT = """x"""', "x"),
        ("STUDENT = '''a\nb'''", "a\nb"),
        ('STUDENT = "Ada " "Lovelace"', "Ada Lovelace"),
        ('STUDENT = (\n    "Ada "\n    "Lovelace"  # both\n)', "Ada Lovelace"),
        ('STUDENT = "a" + "b"', "ab"),
        ("STUDENT = 1_234_567", 1234567),
        ("STUDENT = 0x10", 16),
        ("STUDENT = 12345678901234567890", 12345678901234567890),
        ('STUDENT: str = "ada"', "ada"),
        ('x = STUDENT = "ada"', "ada"),
        ('x = 1; STUDENT = "ada"; y = 2', "ada"),
        ('if (STUDENT := "ada"): pass', "ada"),
        ('if True:\n    STUDENT = "ada"', "ada"),
        ('>>> STUDENT = "ada"', "ada"),
        ('STUDENT = \\\n    "ada"', "ada"),
        ('STUDENT = r"a\\b"', "a\\b"),
        ('STUDENT = f"ada"', "ada"),
        ('STUDENT = "a"\nSTUDENT = "b"', "b"),
        ("x = 1", None),
        ('# STUDENT = "ada"', None),
        ('STUDENT == "ada"', None),
        ('greet(STUDENT="ada")', None),
        ("STUDENT = input()", ""),
        ("STUDENT = str(4711)", ""),
        ('STUDENT = f"{name}"', ""),
        ("STUDENT = -3", ""),
        ("STUDENT = True", ""),
        ('STUDENT = "ada', ""),
        ("STUDENT = " + "(" * 100_000, ""),
    ],
)
def test_a_notebook_says_who_wrote_it(code, says):
    assert named_in([code]) == says


def test_a_name_that_cannot_be_read_is_told_to_both(walls):
    made = [cell.replace('"ada"', "str(4711)") for cell in classroom.cells("ps1", "ada")]
    record = mark.mark(mark.Job("ps1", "ada", tuple(made), (0,)), walls)
    assert record["notes"] == record["told"] == [UNREAD_NAME]
    row = tables.Row(submission("ada"), 1, 0, 1.0, record)
    assert "STUDENT is empty or could not be read" in pages.feedback("ps1", row)


def test_the_cells_of_older_notebooks_are_read_too():
    older = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"], "outputs": []}]}]}
    assert code_of(json.dumps(older).encode()) == ["x = 1"]


@pytest.mark.parametrize("large", [b"[], " * 1_000_000, b'{"a": [1]}, ' * 300_000, b"1.5, " * 1_000_000])
def test_a_file_that_costs_too_much_is_refused_in_a_process_of_its_own(large, monkeypatch):
    monkeypatch.setattr(program, "MEMORY", 50 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Broken, match="clear its outputs"):
        code_of(b'{"cells": [[' + large + b"[]]]}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 << 10


def test_large_notebooks_say_the_same_as_small_ones():
    large = classroom.notebook(["x = 1", "y = 'é'"])
    large["cells"][0]["outputs"] = ["x" * (3 << 20)]
    assert code_of(json.dumps(large).encode()) == ["x = 1", "y = 'é'"]
    with pytest.raises(Broken, match="more than 1000 code cells"):
        code_of(json.dumps(classroom.notebook(["x" * 3000] * 1001)).encode())


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


@pytest.mark.parametrize("missing, door", [("exercises/tasks", "tasks"), ("grading", "seeds")])
def test_a_sandbox_that_shows_what_is_private_is_refused(walls, monkeypatch, missing, door):
    monkeypatch.setattr(sandbox, "MASKED", tuple(name for name in sandbox.MASKED if name != missing))
    with pytest.raises(sandbox.NoSandbox, match=f"does not hold.*{door}"):
        sandbox.Sandbox()


def test_another_copy_of_the_course_is_hidden_too(walls, tmp_path, monkeypatch):
    copy = tmp_path / "pooling_course" / "exercises" / "tasks"
    copy.mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    assert sandbox.others() == [tmp_path / "pooling_course"]
    line = sandbox.command()
    assert line[line.index(str(tmp_path / "pooling_course")) - 1] == "--tmpfs"


SEES = """
import os
def f(_):
    seen = []
    for folder, below, names in os.walk("/"):
        below[:] = {*below} - {"usr", "lib", "lib64", "bin", "sys", "proc", "dev"}  # of the system and of Python
        seen += [os.path.join(folder, name) for name in names]
    return [name for name in seen if name.endswith((".ipynb", "assignments.py", "/output_size.py", ".git", "config"))]
"""


def test_nothing_private_is_in_it(walls):
    """What an instructor keeps: seeds, model answers, notebooks; and what nbgrader collects in /usr/local."""
    ran = walls.run([SEES], [question()])
    assert wire.outcomes(ran.said[0], 1) == [Outcome("value", [])]
    ran = walls.run(["import os\ndef f(_): return os.listdir('/usr/local')"], [question()])
    assert set(wire.outcomes(ran.said[0], 1)[0].value) <= {"lib", "lib64", "bin"}


def test_what_a_submission_writes_is_gone_for_the_next(walls):
    writes = "import os\nfor place in ('.', '/dev/shm', '/tmp'):\n    open(place + '/left.py', 'w').write('x = 1')"
    looks = "def f(_):\n    import os\n    return [os.path.exists(p + '/left.py') for p in ('.', '/dev/shm', '/tmp')]"
    assert wire.outcomes(walls.run([writes, looks], [question()]).said[0], 1)[0].value == [True, True, True]
    assert wire.outcomes(walls.run([looks], [question()]).said[0], 1)[0].value == [False, False, False]


def test_what_it_writes_stands_behind_all_else_that_can_be_imported(walls):
    cells = ["open('statistics.py', 'w').write('x = 1')\nopen('own.py', 'w').write('x = 2')"]
    ran = walls.run(
        [*cells, "import own, statistics\ndef f(_): return [own.x, hasattr(statistics, 'x')]"], [question()]
    )
    assert wire.outcomes(ran.said[0], 1)[0].value == [2, False]


MANY = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        held = bytearray(60 << 20)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(1e6)
time.sleep(1e6)
"""


def test_memory_is_counted_over_all_processes(walls):
    with sandbox.Sandbox(limits=sandbox.Limits(total_memory=150)) as made:
        ran = made.run([MANY, "held = b'x' * (90 << 20)", "def f(x): return x"], [question()])
    assert ran.cells == {0: "it took more than 150 MB of memory"}
    assert wire.outcomes(ran.said[0], 1) == [Outcome("value", 1)]


def test_results_that_are_too_large_are_told_and_cost_no_other(walls):
    cases = [(n,) for n in range(20)]
    ran = walls.run(["def f(n): return [0.123456789] * (50_000 if n % 2 else 1)"], [question(cases=cases)])
    values = [outcome.value for outcome in wire.outcomes(ran.said[0], 20)]
    assert values == [{"other": "a result that is too large to look at"} if n % 2 else [0.123456789] for n in range(20)]
    assert len(ran.said[0]) < 20_000


REFUSES = (
    "from pooling_course.grading import walls; walls.Filter.add_rules = lambda self: self.refuse({call!r}); "
    "walls.Filter().load(); serve("
)


@pytest.mark.parametrize("call", ["unshare", "mount", "mount_setattr", "capset", "fork, clone"])
def test_a_system_that_refuses_what_walls_need_gives_a_sentence_at_once(walls, tmp_path, monkeypatch, capsys, call):
    """As a container does, or AppArmor: the server starts, but no submission can be shut in."""
    refused = "".join(REFUSES.format(call=name).removesuffix("serve(") for name in call.split(", "))
    monkeypatch.setattr(sandbox, "START", sandbox.START.replace("serve({", f"{refused}serve({{"))
    classroom.write(tmp_path / "class" / "ada.ipynb", [f"open({str(tmp_path / 'ran')!r}, 'w')"])
    began = time.monotonic()
    assert grade(tmp_path / "class", tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert "The sandbox" in said and "--privileged" in said and "Traceback" not in said
    assert not (tmp_path / "ran").exists() and time.monotonic() - began < sandbox.PATIENCE


def test_a_server_that_says_nothing_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(sandbox, "PATIENCE", 0.5)
    monkeypatch.setattr(sandbox, "command", lambda trust: [sys.executable, "-c", "import time; time.sleep(1e6)"])
    with pytest.raises(sandbox.NoSandbox, match="does not start"):
        sandbox.Sandbox()


def test_a_server_that_was_started_ahead_is_the_first_to_be_used(walls):
    sandbox.ahead()
    (process, *_) = sandbox._ahead[0]
    with sandbox.Sandbox() as first, sandbox.Sandbox() as second:
        assert first.process is process and second.process is not process
        assert wire.outcomes(second.run(["def f(x): return x"], [question()]).said[0], 1) == [Outcome("value", 1)]


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


def test_numbers_on_paper_are_wrong_for_a_friend_who_is_told_so(walls, tmp_path):
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
    assert marks["bob"]["notes"] == f"{says}{', '.join(own)}."
    assert marks["ada"]["notes"] == "" and "right for those" not in marks["cy"]["notes"]
    told = [(tmp_path / "out" / "feedback" / f"{name}.html").read_text("utf-8") for name in ("bob", "cy")]
    told.append((tmp_path / "out" / "anonymous.csv").read_text("utf-8"))
    assert not any(re.search(r"\bada\b", text) for text in told)
    assert "These are your own numbers:" in told[1]
    for page, name in zip(told, ("bob", "cy"), strict=False):
        for value in given(load("my-unpool"), load("my-unpool").cases(name)[0]):
            assert value.html in page


def test_a_function_is_tried_on_its_own_students_cases(walls):
    """Beside the hidden ones: who is wrong there alone is not right."""
    case = next(case for case in load(TASK).cases("ada") if case not in load(TASK).cases((0, "bob", *HIDDEN)))
    code = f"{ANSWER}\nright = output_size\ndef output_size(*case): return right(*case) - (case == {case})"
    for who, state in {"ada": "wrong", "bob": "solved"}.items():
        record = mark.mark(mark.Job("ps2", who, (f"STUDENT = {who!r}", code), HIDDEN), walls)
        assert the_part(record, TASK)["state"] == state


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
    assert page.count('<svg role="img" aria-label=') == 3
    assert "output-size: no-plus-one" in page and "unpool: added-up" in page
    assert '<td class="number">2</td><td>bob, cy</td><td>unpool, average-divisors</td>' in page
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


@pytest.mark.parametrize("assignment, told", [("ps1", True), ("ps2", True), ("project", False)])
def test_a_missing_name_is_told_only_where_it_matters(tmp_path, monkeypatch, assignment, told):
    """Only the problem sets give everyone their own numbers, and ask for a name."""
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


@pytest.mark.parametrize("file", ["maths/words.py", "maths/rules.py", "images.py", "exercises/tasks/unpool.py"])
def test_a_mark_is_kept_only_while_all_that_computed_it_is_the_same(file, tmp_path, monkeypatch):
    before = mark.version("ps1")
    shutil.copytree(mark.PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(mark, "PACKAGE", tmp_path / "package")
    assert mark.version.__wrapped__("ps1") == before != mark.version("ps2")
    with (tmp_path / "package" / file).open("a") as code:
        code.write("# another\n")
    assert mark.version.__wrapped__("ps1") != before
