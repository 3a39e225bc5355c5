"""Does the sandbox hold, start and end as it should, and say in a sentence why there is none?"""

import ctypes
import math
import os
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from harness import ROOT, classroom
from harness.classroom import grade, grades
from harness.hostile import COMPUTING
from pooling_course.exercises import Outcome, load
from pooling_course.grading import computing, mark, sandbox, wire

pytestmark = pytest.mark.slow


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


HOLES = """
from pooling_course.grading import inside
before = [bytes(size) for size in range(2, 2000) for _ in range(20)]
del before[::2]
inside.fill_holes()
after = [bytes(size) for size in range(2, 2000)]
assert sum(id(one) < max(map(id, before)) for one in after) < 100, "they lie in holes"
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="another C library")
def test_what_is_made_after_the_warm_up_lies_together():
    subprocess.run([sys.executable, "-c", HOLES], env=os.environ | {"PYTHONMALLOC": "malloc"}, check=True)


def test_garbage_is_collected_in_it(walls):
    """It is not while torch is imported."""
    ran = walls.run(["import gc\ndef f(_): return gc.isenabled(), gc.get_freeze_count() > 0"], [question()])
    assert wire.outcomes(ran.said[0], 1) == [Outcome("value", [True, True])]


class Runs(tuple):
    """What a list is made of, and runs code."""

    def __iter__(self):
        raise AssertionError("it ran")


def by_hand(constant):
    """A function whose code holds a constant that no Python text makes."""

    def f():
        return [1, 2, 3]

    consts = tuple(constant if isinstance(value, tuple) else value for value in f.__code__.co_consts)
    f.__code__ = f.__code__.replace(co_consts=consts)
    return f


NUMBERS, MAP = [1], np.zeros(3)
FACTOR = 2


def twice(x, more=(1, None)):
    return FACTOR * x + len(more)


def calls_itself(x):
    def inner(y):
        return y if y < 1 else inner(y - 1)

    return math.floor(inner(twice(x))) if x > 1 else calls_itself(x + 1)


def calls_one_that_opens(x):
    return opens(x)


def opens(x):
    return open(x)


def keeps():
    return 1


keeps.found = []


def counts():
    global FACTOR
    FACTOR = 3


def closed_over(seen):
    return lambda: seen.append(1)


def remembers(x=[]):  # noqa: B006
    return x.append(1)


def imports():
    import os

    return os.getpid()


def marks_itself():
    marks_itself.calls = 1


class Callable:
    def __call__(self):
        return 1

    def __eq__(self, other):
        raise AssertionError("it ran")

    __hash__ = None


HARMFUL = {
    "what it calls opens a file": calls_one_that_opens,
    "what it keeps itself": keeps,
    "a class": lambda x: Runs(x),
    "an array outside": lambda: MAP.sort(),
    "a place of an array outside": lambda: np.put(MAP, 0, 1),
    "what runs code of its own": lambda x: sorted(x, key=NUMBERS.append),
    "a global": counts,
    "a list outside": lambda: NUMBERS.append(1),
    "a closure": closed_over([]),
    "a default": remembers,
    "a default by name": lambda *, x=[]: x.append(1),
    "import": imports,
    "attribute": marks_itself,
    "dunder": lambda x: x.__class__,
    "errors of NumPy": lambda: np.seterr(all="raise"),
    "numbers of chance": lambda: np.random.rand(),
    "a file": lambda: np.save("x", [1]),
    "open": lambda: open,
    "another module": lambda: os.getpid(),
    "a constant that runs code": by_hand(Runs((1, 2))),
    "one inside a constant": by_hand((1, Runs((2,)))),
    "no function": Runs,
    "what can be called": Callable(),
}


@pytest.mark.parametrize("what", HARMFUL)
def test_a_function_that_may_leave_something_behind_gets_a_fork(what):
    assert not computing.only_computes(HARMFUL[what])


@pytest.mark.parametrize(
    "function",
    [
        lambda: [[1, -2, 3], [4.0, None, True]],
        lambda: ([1, 2], "x"),
        by_hand((1, 2)),
        lambda x: {n for row in x if all(row) for n in row},
        lambda x: np.zeros(x.shape, dtype=int).flatten(),
        len,
        twice,
        calls_itself,
    ],
)
def test_functions_that_only_compute_need_no_fork(function):
    assert computing.only_computes(function)


@pytest.mark.parametrize("assignment", ["ps1", "ps2"])
def test_no_answer_of_the_course_needs_a_fork(assignment):
    """What grades a class quickly: answers that are right are like these."""
    for task in mark.tasks(assignment):
        names: dict = {"__name__": "notebook"}
        exec(classroom.answer(task.exercise), names)
        assert computing.only_computes(names[load(task.exercise).function]), task.exercise


@pytest.mark.parametrize("name", COMPUTING)
def test_what_only_computes_needs_no_fork_however_long_it_takes(name):
    """So test_what_only_computes_costs_one_task_and_at_most_one_more_run tries what it says."""
    names = {"np": np}
    exec(f"def f(x):\n    {COMPUTING[name].replace(chr(10), chr(10) + '    ')}", names)
    assert computing.only_computes(names["f"])


LEFT = {  # what stands before, what a function does, and what another finds; where each has its fork, nothing
    "a place of an array": ("kept = np.zeros(2)", "kept[0] = 1", "kept[0]", 0.0),
    "an array": ("kept = np.zeros(2)", "np.copyto(kept, 1)", "kept.sum()", 0.0),
    "an array that is sorted": ("kept = np.array([2, 1])", "np.ndarray.sort(kept)", "kept[0].item()", 2),
    "an array that is filled": ("kept = np.zeros((2, 2))", "np.fill_diagonal(kept, 1)", "kept.sum()", 0.0),
    "a place of a list": ("kept = [0]", "kept[0] = 1", "kept", [0]),
    "a list": ("kept = []", "kept.append(1)", "kept", []),
    "a default": ("def more(seen=[]):\n    seen.append(1)\n    return len(seen)", "more()", "more()", 1),
    "a closure": ("def make():\n    n = 0\n    def more():\n        nonlocal n\n        n += 1\n        return n\n"
                  "    return more\nmore = make()", "more()", "more()", 1),
    "a global": ("kept = 0", "global kept; kept = 1", "kept", 0),
    "a name of NumPy's": ("", "np.float64 = 1", "np.float64 == 1", False),
    "by a function that is called back": ("kept = []", "np.vectorize(kept.append)([1])", "kept", []),
    "by a class": ("class Kept: n = 0", "Kept.n = 1", "Kept.n", 0),
    "a printed page": ("", "print('x' * 100)", "1", 1),
    "its argument": ("", "x.append(1)", "x", [0]),
}  # fmt: skip


@pytest.mark.parametrize("what", LEFT)
def test_no_function_finds_what_another_left(walls, what):
    """And none of its own cases what another case changed in its arguments."""
    before, does, finds, found = LEFT[what]
    cells = ["import numpy as np", before, f"def f(x):\n    {does}\n    return x", f"def g(x):\n    return {finds}"]
    ran = walls.run(cells, [question("f", [([0],), ([0],)]), question("g", [([0],)])])
    told = [outcome.value for outcome in wire.outcomes(ran.said[0], 2)]
    assert [len(value) for value in told] == [2, 2] if what == "its argument" else told == [[0], [0]]
    assert [outcome.value for outcome in wire.outcomes(ran.said[1], 1)] == [found]


@pytest.mark.parametrize("slow, runs", [("", 2), ("import time\ntime.sleep(1.2)", 1)])
def test_answers_that_end_the_process_cost_one_more_run_and_none_where_cells_take_long(walls, monkeypatch, slow, runs):
    limits = sandbox.Limits(seconds=1)
    vars(limits)["wall_seconds"] = 30  # on a busy machine a second of the processor's may take a while
    monkeypatch.setattr(walls, "limits", limits)
    asked, ask = [], walls._ask
    monkeypatch.setattr(walls, "_ask", lambda *parts: asked.append(1) or ask(*parts))
    cells = [slow, *(f"def {name}(x):\n    while True: pass" for name in "fg"), "def h(x): return x"]
    ran = walls.run(cells, [question(name) for name in "fgh"])
    assert ran.ended == ["it took more than 1 s of processor time"] * 2 + [""] and len(asked) == runs
    assert wire.outcomes(ran.said[2], 1) == [Outcome("value", 1)]


def test_what_needs_no_fork_is_asked_as_it_stood_at_its_check_too(walls):
    """And what looks as if it could and ends Python costs itself, and no other."""
    evil = "import os\nclass T(tuple):\n    def __iter__(self): os._exit(0)\ndef g(): return [1, 2, 3]\n"
    evil += "g.__code__ = g.__code__.replace(co_consts=(None, T((1, 2, 3))))"
    cells = [evil, "def f(): return [1, 2]", "from pooling_course import check\ncheck('f', f)", "def f(): return 0"]
    ran = walls.run(cells, [question(name, [()]) for name in "gfh"])
    assert ran.ended == ["it ended Python", "", ""]
    assert wire.outcomes(ran.said[1], 1) == [Outcome("value", [1, 2])]
    assert ran.said[2] == mark.MISSING
    assert ran.stood[1:] == [(1, "check"), (-1, "")]


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


def test_no_file_that_a_submission_is_given_is_the_next_ones_too(walls):
    """The files 0, 1 and 2: a flag that one sets would say something to the next."""
    flag = "import fcntl, os\nfor fd in (0, 1, 2): fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)"
    code = "import fcntl, os\ndef f(fd): return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK"
    for cells in ([flag, code], [code]):
        ran = walls.run(cells, [question(cases=[(0,), (1,), (2,)])])
    assert wire.outcomes(ran.said[0], 3) == [Outcome("value", 0)] * 3


def test_a_database_in_a_file_works(walls):
    """Its locks are not held, but said to be: nobody else is there."""
    base = "import sqlite3\nbase = sqlite3.connect('x')\nbase.execute('create table t (x)')\nbase.commit()"
    ran = walls.run([base, "def f(x): return [*base.execute('select count(*) from t').fetchone()]"], [question()])
    assert ran.cells == {} and wire.outcomes(ran.said[0], 1) == [Outcome("value", [0])]


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
    places = [".", "/dev/shm", "/tmp"]
    if "/tmp" in map(str, sandbox.PACKAGE.parents):  # what is shown there is the package, and nothing can be written
        places.remove("/tmp")
    writes = f"for place in {places}:\n    open(place + '/left.py', 'w').write('x = 1')"
    looks = f"def f(_):\n    import os\n    return [os.path.exists(p + '/left.py') for p in {places}]"
    assert wire.outcomes(walls.run([writes, looks], [question()]).said[0], 1)[0].value == [True for _ in places]
    assert wire.outcomes(walls.run([looks], [question()]).said[0], 1)[0].value == [False for _ in places]


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


def test_memory_is_counted_over_all_processes(walls, monkeypatch):
    monkeypatch.setattr(walls, "limits", sandbox.Limits(total_memory=150))
    ran = walls.run([MANY, "held = b'x' * (90 << 20)", "def f(x): return x"], [question()])
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


PROGRAM = [sys.executable, "-m", "pooling_course.grading"]


@can_fork
@pytest.mark.parametrize("closed", [(2,), (0, 1, 2)])
def test_streams_that_are_closed_cost_no_marks(walls, tmp_path, closed):
    """As some schedulers close them: the next file that is opened would get such a number."""
    classroom.write(tmp_path / "class" / "ada.ipynb", classroom.cells("ps2", "ada"))
    line = [*PROGRAM, str(tmp_path / "class"), "--assignment", "ps2", "--out", str(tmp_path / "out")]
    close = f"import os, sys\nfor n in {closed}: os.close(n)\nos.execv(sys.argv[1], sys.argv[1:])"
    subprocess.run([sys.executable, "-c", close, *line], check=True, cwd=ROOT, capture_output=True)
    assert float(grades(tmp_path / "out")["ada"]["points"]) == sum(task.points for task in mark.tasks("ps2"))


@can_fork
def test_a_working_folder_that_is_gone_is_a_sentence(tmp_path):
    gone = (
        "import os, sys\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')\nos.execv(sys.argv[1], sys.argv[1:])"
    )
    line = [sys.executable, "-c", gone, *PROGRAM, "class", "--assignment", "ps2", "--out", "out"]
    done = subprocess.run(
        line, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith("The folder that you are in is gone.")


@can_fork
def test_trusted_submissions_run_without_a_sandbox_when_asked(tmp_path):
    cells = [*classroom.cells("ps2", "ada"), f"open({str(tmp_path / 'ran')!r}, 'w')", "import os; os._exit(0)"]
    classroom.write(tmp_path / "class" / "ada.ipynb", cells)
    assert grade(tmp_path / "class", tmp_path / "out", "--trust-submissions", "--seconds", 1) == 0
    assert float(grades(tmp_path / "out")["ada"]["points"]) == sum(task.points for task in mark.tasks("ps2"))
    assert (tmp_path / "ran").exists()


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
    assert len(there) >= len(numbers) - 4  # arm64 has no ioperm, iopl, uselib and inotify_init
    assert {verdict_of(program, arch, n) for n in there.values()} == {walls.DENY}
    for name in ("read", "write", "mmap", "futex", "openat", "exit_group", "getpid"):
        assert verdict_of(program, arch, number(name)) == walls.ALLOW
    assert verdict_of(program, arch, number("socket"), 1) == walls.ALLOW  # between a student's own processes
    assert {verdict_of(program, arch, number("socket"), family) for family in (2, 10, 16, 17)} == {walls.DENY}
    assert verdict_of(program, arch, number("clone3")) == walls.MISSING
    assert verdict_of(program, arch, number("clone"), 17) == walls.ALLOW  # a plain fork
    for bit in walls.NEW_NAMESPACES.values():
        assert verdict_of(program, arch, number("clone"), bit | 17) == walls.DENY
    for verdict, those in ((walls.DENY, walls.NEVER_IN_FCNTL), (walls.PRETENDED, walls.LOCKS_IN_FCNTL)):
        for what in those:
            assert verdict_of(program, arch, number("fcntl"), 3, what | 1 << 32) == verdict  # the kernel reads an int
    assert verdict_of(program, arch, number("fcntl"), 3, 1030) == walls.ALLOW  # to copy a file's number, as Python does
    other = next(name for name in ARCHES if name != arch)
    assert verdict_of(program, other, 0) not in (walls.ALLOW, walls.DENY)  # calls of another kind end the process
