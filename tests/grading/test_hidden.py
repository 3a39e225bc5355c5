"""What is hidden reaches the sandbox last: no answer before it knows of it, and what was answered before stands."""

import os

import pytest

from pooling_course.exercises import Outcome
from pooling_course.grading import inside, sandbox, wire

pytestmark = pytest.mark.slow

LOOKS = """
import gc, os, select
def reads(fd):
    try: return os.read(fd, 1 << 20) if select.select([fd], [], [], 0)[0] else b""
    except OSError: return b""
def f(x):
    number = 900000000 + x
    held = [[*each.values()] if type(each) is dict else each for each in gc.get_objects() if type(each) in HOLD]
    waits = any(str(number).encode() in reads(fd) for fd in range(3, 64))
    return waits or any(type(value) is int and value == number for each in held for value in each)
HOLD = (dict, list, tuple)
early = f(1)
def g(x): return early
"""


@pytest.fixture
def replies(walls, monkeypatch):
    """What came back from each run."""
    kept, ask = [], walls._ask
    monkeypatch.setattr(walls, "_ask", lambda *parts: kept.append(ask(*parts)) or kept[-1])
    return kept


def question(name, known, hidden):
    return sandbox.Question(name, wire.encode(known), hidden=wire.encode(hidden))


def values(said, count):
    return [outcome.value for outcome in wire.outcomes(said, count)]


def test_no_cell_and_no_answer_finds_what_is_hidden(walls):
    ran = walls.run([LOOKS], [question(name, [(1,)], [(1,), (900000001,)]) for name in "fg"])
    assert [values(said, 1) for said in ran.said] == [[False], [False]]
    assert [values(said, 2)[0] for said, _ in ran.hidden] == [True, False]  # so it would have found it


def test_hidden_cells_run_before_hidden_cases(walls):
    """A probe is another one then, and finds the notebook as its cells left it."""
    asks = [question("probe", [()], [()]), sandbox.Question("f", wire.encode([(1,)]))]
    cells = ["n = 1", "def f(x): return x + n", "def probe(): return ['shown', n]"]
    ran = walls.run(cells, asks, probes=["n += 1\ndef probe(): return ['hidden', n]"])
    assert values(ran.said[0], 1) == [["shown", 1]] and values(ran.hidden[0][0], 1) == [["hidden", 2]]
    assert values(ran.said[1], 1) == [2] and ran.hidden[1] == (ran.said[1], "")  # nothing of it is hidden


BURNS = (
    "import signal, time\nleft, end = signal.alarm(0), time.process_time() + 1.5\nwhile time.process_time() < end: pass"
)


def test_hidden_cells_spend_none_of_the_time_of_an_answer(walls, monkeypatch):
    limits = sandbox.Limits(seconds=1)
    vars(limits)["wall_seconds"] = 30
    monkeypatch.setattr(walls, "limits", limits)
    asks = [question("f", [(1,)], [(1,)]), sandbox.Question("probe", [[]], hidden=[[]])]
    ran = walls.run(["def f(x): return x"], asks, probes=[f"{BURNS}\ndef probe(): return left"])
    assert values(ran.said[0], 1) == [1] and values(ran.hidden[1][0], 1) == [0]


RANDOM = "import os\nseen = os.urandom(8).hex()"
BREAKS = "def f(x):\n    if x == 2: os.write(3, b'x\\n')\n    return seen"


def test_what_was_said_before_stands_when_a_hidden_case_ends_the_run(walls, replies):
    """The next run could know that there was one before, and so something of what is hidden."""
    ran = walls.run([RANDOM, "raise ValueError(seen)", BREAKS], [question("f", [(1,)], [(1,), (2,)])])
    first, second = (reply["said"] for reply in replies)
    assert ran.said == [first["3"]] and ran.cells[1] in first["1"] and ran.cells[1] not in second["1"]
    assert ran.hidden == [("", "it wrote where only the grader writes")] and ran.odd == [sandbox.SPOKEN]


HANGS = """
import sys, time
def asks(frame):
    jobs = [getattr(value, "job", None) for value in list(frame.f_locals.values())]
    return next((job["asks"] for job in jobs if type(job) is dict), None) or frame.f_back and asks(frame.f_back)
while not asks(sys._getframe()): time.sleep(9)
"""


def test_a_cell_that_hangs_after_that_is_not_told_and_spends_its_time_once(walls, replies, monkeypatch):
    monkeypatch.setattr(walls, "limits", sandbox.Limits(seconds=1))
    ran = walls.run([RANDOM, HANGS, BREAKS], [question("f", [(1,)], [(1,), (2,)])])
    assert ran.cells == {} and [reply["opened"] for reply in replies] == [True, False, True]


def test_who_gives_no_answer_is_not_asked_again(walls):
    cells = ["def f(x):\n    open('asked', 'a').write('x')\n    import os\n    os._exit(1)"]
    cells += ["def g(x): return len(open('asked').read())"]
    ran = walls.run(cells, [question(name, [(1,)], [(1,), (2,)]) for name in "fg"])
    assert ran.ended[0] == "it ended Python" and ran.hidden[0] == ("", "it ended Python")
    assert values(ran.said[1], 1) == [1] and values(ran.hidden[1][0], 2) == [1, 1]


def test_answers_that_keep_a_state_begin_anew(walls):
    """All cases are asked again, in a process that knows of no earlier ones."""
    cells = ["calls = []\ndef f(x):\n    calls.append(x)\n    return calls[:]"]
    ran = walls.run(cells, [question("f", [(1,), (2,)], [(1,), (2,), (3,)])])
    assert values(ran.said[0], 2) == [[1], [1, 2]] and values(ran.hidden[0][0], 3) == [[1], [1, 2], [1, 2, 3]]


def test_much_that_is_hidden_arrives_whole(walls):
    """It is more than a pipe takes at once."""
    ran = walls.run(["def f(x): return sum(x)"], [question("f", [([1],)], [([1] * 300_000,), ([2],)])])
    assert values(ran.said[0], 1) == [1] and values(ran.hidden[0][0], 2) == [300_000, 2]


@pytest.mark.parametrize("cell", ["import os\nos.close(4)", "import os\nos.dup2(os.pipe()[0], 4)"])
def test_a_notebook_that_cannot_take_it_keeps_what_it_said_and_harms_no_other(walls, monkeypatch, cell):
    monkeypatch.setattr(walls, "limits", sandbox.Limits(seconds=1))
    monkeypatch.setattr(sandbox, "RERUNS", 2)
    ran = walls.run([cell, "def f(x): return x"], [question("f", [(1,)], [(1,), (2,)])])
    assert values(ran.said[0], 1) == [1] and ran.hidden[0][0] == "" and ran.hidden[0][1]
    ran = walls.run(["def f(x): return x"], [question("f", [(1,)], [(2,)])])
    assert wire.outcomes(ran.hidden[0][0], 1) == [Outcome("value", 2)]


# ---- What the keeper hears: cells 0 and 1, question 2, a hidden cell 3, the hidden cases 4 ---------------------------

NUMBERS = {"steps": 5, "first": 2, "hidden": 3, "first_hidden": 4}
CELLS = ["> 0", '< 0 ""', "= 0 ", "> 1", '< 1 ""', "= 1 "]
KNOWN = ["> 2", "~ 2 1 last", "< 2 []", "= 2 "]
HIDDEN = ["> 3", '< 3 ""', "= 3 ", "> 4", "< 4 []", "= 4 "]


def heard(lines):
    """How a run ends that says so."""
    ends = os.pipe()
    run = inside.Watched(ends[0], ends[1], b"", NUMBERS, "word", None)
    for line in lines:
        run.why or run.hear(f"word {line}".encode())
    for end in ends:
        os.close(end)
    return run.why, run.opened


def test_a_run_in_its_order_is_heard_to_its_end():
    assert heard([*CELLS, *KNOWN, "/", *HIDDEN, "."]) == ("done", True)
    assert heard([*CELLS[3:], "/", "."]) == ("done", True)  # what is left out is no disorder


DISORDER = {
    "a cell, when what is hidden may have been read": ([*CELLS[:3], "/", *CELLS[3:]], True),
    "an answer then": ([*CELLS, "/", *KNOWN], True),
    "another answer then": ([*CELLS, *KNOWN, "/", *KNOWN], True),
    "more to an answer then": ([*CELLS, *KNOWN, "/", "< 2 [1]"], True),
    "asked for it within a cell": ([*CELLS[:4], "/"], False),
    "asked for it within an answer": ([*CELLS, *KNOWN[:2], "/"], False),
    "asked for it twice": ([*CELLS, *KNOWN, "/", "/"], True),
    "a cell again": ([*CELLS, "> 0"], False),
    "a hidden cell before": ([*CELLS, *KNOWN, *HIDDEN], False),
    "the end before": ([*CELLS, *KNOWN, "."], False),
}


@pytest.mark.parametrize("what", DISORDER)
def test_what_comes_out_of_its_order_ends_the_run(what):
    lines, opened = DISORDER[what]
    assert heard(lines) == ("order", opened)
