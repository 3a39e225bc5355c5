"""Does an answer count as it stands in its notebook, by its rule, with all that IPython lets a cell do?"""

import ast
import dataclasses
import re
import time

import pytest

from harness import classroom
from harness.classroom import the_part
from harness.hostile import RIGHT, TASK
from pooling_course.exercises import load
from pooling_course.grading import mark, sandbox, shell, text
from pooling_course.grading.assignments import HIDDEN

pytestmark = pytest.mark.slow
WORTH = next(task.points for task in mark.tasks("ps2") if task.exercise == TASK)


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
    assert (part["state"], part["points"]) == ("solved", WORTH), (part, record["cells"])
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


@pytest.fixture
def quick(walls, monkeypatch):
    """The sandbox, which waits for less."""
    monkeypatch.setattr(walls, "limits", sandbox.Limits(seconds=1))
    return walls


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


def test_a_function_is_tried_on_its_own_students_cases(walls):
    """Beside the hidden ones: who is wrong there alone is not right."""
    case = next(case for case in load(TASK).cases("ada") if case not in load(TASK).cases((0, "bob", *HIDDEN)))
    code = f"{ANSWER}\nright = output_size\ndef output_size(*case): return right(*case) - (case == {case})"
    for who, state in {"ada": "wrong", "bob": "solved"}.items():
        record = mark.mark(mark.Job("ps2", who, (f"STUDENT = {who!r}", code), HIDDEN), walls)
        assert the_part(record, TASK)["state"] == state


@pytest.mark.parametrize(
    "cell", ["\n\nx = 1\n", "   \nx = 1", "\n\n  x = 1\n  y = 2", "\tx = 1", "\n%time x = 1", "\n?x"]
)
def test_a_cell_under_empty_lines_is_read_as_ipython_reads_it(cell):
    """Though IPython is asked only where something is its own."""
    assert ast.dump(ast.parse(shell.as_python(cell))) == ast.dump(ast.parse(shell.transform(cell)))
