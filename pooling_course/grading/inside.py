"""What runs inside the sandbox: a server that forks, and in each fork one student's notebook.

Three kinds of processes, from trusted to not:

    server    has torch imported. It reads nothing; when the judge outside has a job, it forks a keeper.
    keeper    reads the job, raises the walls, forks the student, watches the clock and passes on what comes back.
    student   runs the cells of one notebook, then each question in a fork; those that can leave nothing behind share
              one. Nothing here is scored.

The student writes lines to a pipe that nobody else writes to. Each begins with a word that the keeper drew, so that
code which finds the pipe still says nothing by it. Then comes `@ ...` with what our code found in the text of the
cells, before any runs; `> 3` when step 3 begins, `< 3 ...` with what came of it, `~ 3 ...` with the cell that an answer
was in, `= 3 ...` when it is over, and how it ended where nothing came. Steps are cells, then questions. Other lines end
the run, as do too many of them, too much memory, or a step that takes too long; the judge then asks again without that
step.
"""

import builtins
import contextlib
import ctypes
import dis
import gc
import itertools
import json
import mmap
import os
import re
import secrets
import select
import shutil
import signal
import struct
import sys
import tempfile
import time
import types
from functools import partial
from typing import Any

from .shell import Quiet, Shell, as_python

LINE, LINES = 1 << 19, 4 << 20  # bytes in one line of a student's, and in all of one run
FRAME = 2 * LINES  # bytes between judge and keeper
SCRATCH = "/submission"  # the one folder that can be written
LOOK_AGAIN = 0.25  # seconds until memory is looked at
ENDS = ("", "slept", "late", "processor", "crashed", "ended")  # how a question can come to its end
STOOD = ("last", "check", "before")  # where an answer was found: as it is at the end, at its check, or before that
WARM = (
    "numpy",
    "torch",
    "torch.nn.functional",
    "pooling_course.exercises.outcome",
    "pooling_course.grading.text",
    "pooling_course.grading.wire",
)
WARM_LATER = ("matplotlib.pyplot", "IPython.display", "pooling_course.images", "pooling_course.pictures.figures")
FIRST = 4  # notebooks that need not wait for the rest: two of the trial, and both runs of the first submission
CONSTANTS = (bool, int, float, complex, str, bytes, type(None), type(...))
COMPUTES: tuple = (abs, all, any, bool, dict, divmod, enumerate, float, int, isinstance, len, list, map, max, min, pow)
COMPUTES += (print, range, reversed, round, set, slice, sorted, str, sum, tuple, zip, NotImplementedError, ValueError)
ONLY = frozenset(map(id, COMPUTES))  # what in Python leaves nothing behind
MODULES = ("math", "numpy")  # nor do these, but for names that begin so
LEAVES = re.compile("_|set|random|seed|save|load|dump|tofile|memmap|test")
CHANGES = ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR", "IMPORT_NAME", "LOAD_BUILD_CLASS")
CHANGING = frozenset(dis.opmap[name] for name in CHANGES)  # steps of Python's that do
encode = json.JSONEncoder().encode  # made before any student could put another in its place


# ---- Frames between the judge and the keeper: eight bytes that say how long, then JSON -------------------------------


def read_frame(fd, until=None):
    """One frame, and not a byte more: the next belongs to another process. None at the end, or where it is too long.

    Raises:
        TimeoutError: it was not there by that time, as time.monotonic() says it.
    """
    head = _read(fd, 8, until)
    length = struct.unpack(">Q", head)[0] if len(head) == 8 else FRAME + 1
    return json.loads(_read(fd, length, until)) if length <= FRAME else None


def _read(fd, length, until):
    parts = []
    while length:
        if until is not None and not select.select([fd], [], [], max(0, until - time.monotonic()))[0]:
            raise TimeoutError
        part = os.read(fd, min(length, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def write_frame(fd, value):
    data = json.dumps(value).encode()
    left = memoryview(struct.pack(">Q", len(data)) + data)
    while left:
        left = left[os.write(fd, left) :]


# ---- The server ------------------------------------------------------------------------------------------------------


class NoAnswer(Quiet):
    """What check, quiz and the like give inside: here nothing is checked, and nothing can be read off.

    Attributes:
        heard: is told the arguments of each call.
    """

    def __init__(self, heard=None):
        self.heard = heard

    def points(self, full=0):
        return 0.0

    def __call__(self, *args, **kwargs):
        if self.heard:
            self.heard(*args, **kwargs)
        return self

    def __repr__(self):
        return "(The check runs when the course is graded.)"


CHECK = NoAnswer()


def serve(isolated=True):
    """Fork a keeper for each job until the judge closes the channel."""
    channel_in, channel_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    from . import walls

    if isolated:
        walls.become_nobody()
    rules = walls.Filter() if isolated else None
    warm_up(WARM)
    write_frame(channel_out, "ready")
    for number in itertools.count():
        if number == FIRST:
            warm_up(WARM_LATER)
        select.select([channel_in], [], [])
        keeper = os.fork()
        if keeper == 0:
            status = 1
            try:
                status = keep(channel_in, channel_out, rules)
            except BaseException as error:  # the judge must hear of it, whatever it is
                write_frame(channel_out, {"failed": f"{type(error).__name__}: {error}"})
            finally:
                os._exit(status)
        if os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1]) == END:
            return


END = 3  # exit status of a keeper that found the channel closed


def warm_up(names):
    gc.disable()  # what is imported stays, and to look for garbage in it takes a quarter of the time
    import importlib

    import torch

    import pooling_course.exercises

    torch.set_num_threads(1)
    os.environ.setdefault("MPLBACKEND", "agg")
    for name in names:
        importlib.import_module(name)
    answer = NoAnswer()
    for module, public in (
        (pooling_course, set(vars(pooling_course)["__all__"]) - {"Pooling", "Trace", "Window", "images", "trace"}),
        (pooling_course.exercises, ("attempt", "check", "hint", "judge", "load", "names", "your_case")),
    ):
        for name in public:
            setattr(module, name, CHECK if name == "check" else answer)
    gc.collect()
    fill_holes()
    gc.freeze()  # forks then share these pages for good
    gc.enable()


class Free(ctypes.Structure):
    """mallinfo2 of the GNU C library: of all it counts, the bytes that are free at the end of the heap matter here."""

    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", *"abcdefgh", "at_end")]


def fill_holes():
    """Take what is free between all that is in use, so that whatever is made from now on lies together behind it.

    A page that forks share is copied when one of them writes to it: in holes here and there, they would write to most.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):  # another C library
        return
    libc.mallinfo2.restype, libc.sbrk.restype, libc.malloc.restype = Free, ctypes.c_size_t, ctypes.c_size_t
    libc.malloc.argtypes = [ctypes.c_size_t]
    end = libc.sbrk(0) - libc.mallinfo2().at_end
    for size in (*(1 << n for n in range(17, 10, -1)), *range(1032, 8, -16)):
        while 0 < libc.malloc(size) < end:
            pass


# ---- The keeper ------------------------------------------------------------------------------------------------------


def keep(channel_in, channel_out, rules):
    job = read_frame(channel_in)
    if job is None:
        return END
    from . import walls

    folder = None if rules else tempfile.mkdtemp()  # where there are no walls, each at least begins in an empty folder
    if rules:
        walls.own_namespaces()
    memory = walls.Memory(job["total_memory"]) if rules else None
    word = secrets.token_hex(8)
    pipe, end = os.pipe()
    student = os.fork()
    if student == 0:
        inside = Student(job, end, rules, word, folder)
        try:
            inside.run()
        except BaseException as error:
            inside.say(f"! {described(error)}")
        finally:
            os._exit(0)
    os.close(end)
    run = Watched(student, pipe, job, word, memory)
    run.watch()
    if not rules:
        kill(os.killpg, student)
    kill(os.kill, student)
    status = os.waitstatus_to_exitcode(os.waitpid(student, 0)[1])
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    told = {name: getattr(run, name) for name in ("read", "said", "stood", "ended", "tampered", "step", "why")}
    write_frame(channel_out, {**told, "status": status})
    return 0


def kill(how, pid):
    with contextlib.suppress(OSError):  # it is gone already
        how(pid, signal.SIGKILL)


class Watched:
    """A student as the keeper sees it.

    Attributes:
        read: what was found in the text of the cells.
        said: what came of each step, by its number, as text that nobody has looked into.
        stood: for a question, the cell whose function was asked, and one of STOOD.
        ended: for a question without an answer, one of ENDS.
        tampered: what watches for torch was not the same after the cells as before.
        step: the step it was in when it stopped; -1 before the first, None when it went through all.
        why: "end" (it stopped by itself), "time", "total" (time for all steps), "memory", "output" or "order" (of
            lines); before the first step, what kept the walls from standing.
    """

    def __init__(self, student, pipe, job, word, memory):
        self.pipe, self.job, self.word, self.memory = pipe, job, word.encode() + b" ", memory
        self.first = job["first_question"]
        steps = [step for step, _ in job["cells"]] + list(range(self.first, self.first + len(job["questions"])))
        self.steps = {str(step): step for step in steps}
        self.read, self.said, self.stood, self.ended, self.tampered = "", {}, {}, {}, False
        self.step: Any = -1  # None once all is done
        self.why = ""
        self.open, self.rest, self.heard = False, b"", 0

    def watch(self):
        began = now = time.monotonic()
        while not self.why:
            until = min(now + self.patience(), began + self.job["total_seconds"])
            left = until - time.monotonic()
            if left <= 0:
                self.why = "total" if until == began + self.job["total_seconds"] else "time"
                return
            if not select.select([self.pipe], [], [], min(left, LOOK_AGAIN))[0]:
                if self.memory and self.memory.is_spent():
                    self.why = "memory"
                continue
            data = os.read(self.pipe, 1 << 16)
            if not data:
                self.why = "end"
                return
            self.heard += len(data)
            *lines, self.rest = (self.rest + data).split(b"\n")
            if self.heard > LINES or max(map(len, [self.rest, *lines])) > LINE:
                self.why = "output"
            for line in lines:
                if not self.why:
                    self.hear(line)
                    now = time.monotonic()

    def patience(self):
        """Seconds for the step; a question's own alarm comes first, and says more."""
        if self.step == -1:
            return self.job["start_seconds"]
        return self.job["wall_seconds"] + (self.step >= self.first)

    def hear(self, line):
        if not line.startswith(self.word):
            self.why = "order"
            return
        sign, _, rest = line[len(self.word) :].decode("ascii", "replace").partition(" ")
        number, _, text = rest.partition(" ")
        asked = self.open and number == str(self.step) and self.step >= self.first
        if sign == "@" and self.step == -1 and not self.read:
            self.read = rest
        elif sign == "!" and self.step == -1:  # the walls did not stand; nothing of the student's has run yet
            self.why = rest
        elif sign == "." and not self.open:
            self.step, self.why = None, "done"
        elif sign == ">" and not self.open and (step := self.steps.get(number, -1)) > self.step:
            self.step, self.open = step, True
        elif sign == "<" and self.open and number == str(self.step) and number not in self.said:
            self.said[number] = text
        elif sign == "~" and asked and number not in self.stood and text.partition(" ")[2] in STOOD:
            self.stood[number] = text.split(" ")
        elif sign == "=" and self.open and number == str(self.step) and text in ENDS:
            self.open = False
            if text:
                self.ended[number] = text
        elif sign == "*" and not self.open:
            self.tampered = True
        else:
            self.why = "order"


# ---- The student -----------------------------------------------------------------------------------------------------


class Student:
    """One notebook: first the walls, then its cells, then the questions in forks."""

    def __init__(self, job, pipe, rules, word, folder):
        self.job, self.pipe, self.rules, self.word, self.folder = job, pipe, rules, word, folder
        self.step = -1
        self.done = mmap.mmap(-1, mmap.PAGESIZE)  # how many questions of a fork are done, in memory that it shares
        # what each function was, and at its checks: (object, cell) in their order
        self.was: dict[str, list] = {q["function"]: [] for q in job["questions"]}
        self.checked: dict[str, list] = {name: [] for name in self.was}

    def run(self):
        self.shut_in()
        from ..exercises.outcome import run
        from . import text
        from .wire import decode

        questions = [(q["function"], q["rule"], decode(q["cases"])) for q in self.job["questions"]]
        if self.job["look"]:
            self.say(f"@ {encode(text.look(self.job['cells'], self.job['questions']))}")
        module = types.ModuleType("__main__")
        vars(module)["display"] = NoAnswer()  # what IPython puts into every notebook
        sys.modules["__main__"] = module
        self.names = vars(module)
        CHECK.heard = self.check
        shell, watching = Shell(self.names), what_watches()
        before = fingerprint(watching)
        for step, code in self.job["cells"]:
            self.step = step
            self.say(f"> {step}")
            error = execute(shell, code, step)
            self.note(self.was)
            self.say(f"< {step} {encode(error)}", f"= {step} ")
        if fingerprint(watching) != before:
            self.say("*")
        left = [
            (step, name, cases, partial(run, rule=rule))
            for step, (name, rule, cases) in enumerate(questions, start=self.job["first_question"])
            if step not in self.job["without"]
        ]
        while left:
            together = [*itertools.takewhile(self.leaves_nothing, left)] or left[:1]
            left = left[self.ask(together) :]
        self.say(".")

    def shut_in(self):
        from . import walls

        job = self.job
        os.setsid()  # signals to the own group must not reach the keeper
        os.dup2(self.pipe, 3)
        self.pipe = 3
        nothing = os.open(os.devnull, os.O_RDWR)  # no file of the server's, which could carry locks to the next
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.closerange(4, 4096)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        walls.limits(
            int(job["total_seconds"]) + 1, job["memory"], job["disk"], job["processes"] if self.rules else None
        )
        if self.rules:
            if os.getpid() != 1:  # `ask` ends all that it can see, which must be nobody else's
                raise OSError("no process namespace of its own")
            walls.own_files(SCRATCH, job["disk"])
            walls.no_way_back(self.rules)
        os.chdir(self.folder or SCRATCH)
        sys.path[:] = [place for place in sys.path if place] + [os.getcwd()]  # what it writes stands behind all else

    def check(self, name=None, *_, **__):
        """The notebook checks an answer."""
        function = str(name).replace("-", "_")
        if function in self.checked:
            self.note({function: self.was[function]})
            self.note({function: self.checked[function]})

    def note(self, lists):
        """Where a function is another than before, keep it, and in which cell that was."""
        for name, found in lists.items():
            value = self.names.get(name)
            if callable(value) and not (found and found[-1][0] is value):
                known = [cell for other, cell in self.was[name] if other is value]
                found.append((value, known[-1] if known else self.step))

    def leaves_nothing(self, question):
        return all(only_computes(function) for function, _ in self.stood(question[1]))

    def ask(self, together):
        """Some functions on their cases, in a fork: what it breaks, it breaks for one alone. How many are done with."""
        self.done[0] = 0
        child = os.fork()
        if child == 0:
            try:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                for step, name, cases, run in together:
                    self.say(f"> {step}")
                    self.limit(alone=len(together) == 1)
                    self.tell(step, *self.answer(name, cases, run))
                    self.done[0] += 1
            finally:
                os._exit(0)
        _, status, used = os.wait4(child, 0)
        if self.rules:  # as the first process of its namespace it means its own descendants by -1
            kill(os.kill, -1)
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-1, 0)
        done = self.done[0]
        if done < len(together):
            how = self.end(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime)
            self.say(f"= {together[done][0]} {how}")
        return min(done + 1, len(together))

    def limit(self, alone):
        """The time of one question, in a fork that may have answered others before."""
        import resource

        all_of_it = resource.getrlimit(resource.RLIMIT_CPU)[1]
        most = min(round(time.process_time()) + self.job["seconds"], all_of_it)
        resource.setrlimit(resource.RLIMIT_CPU, (most, most if alone else all_of_it))
        signal.alarm(self.job["wall_seconds"])

    def end(self, status, seconds):
        if status == 0:
            return ""
        if status == -signal.SIGALRM:
            return "slept" if seconds < self.job["wall_seconds"] / 10 else "late"
        if status == -signal.SIGXCPU or status == -signal.SIGKILL and seconds > self.job["seconds"] - 0.5:
            return "processor"
        return "crashed" if status < 0 else "ended"

    def stood(self, name):
        """What a function was, and in which cell, in the order in which it counts: last at its checks, then at all."""
        return [*reversed(self.checked[name]), *reversed(self.was[name])]

    def answer(self, name, cases, run):
        """What came of the function as it stood at its last check, or was before, if that was only what was given."""
        last, text = self.names.get(name), encode("missing")
        stood: list = []
        checked = {id(function) for function, _ in self.checked[name]}
        tried = set()
        for function, cell in self.stood(name):
            if id(function) in tried:
                continue
            tried.add(id(function))
            found = answers(function, cases, run)
            how = "last" if function is last else "check" if id(function) in checked else "before"
            if not stood or any(state != "todo" for state, *_ in found):
                stood, text = [f"{cell} {how}"], fitting(found)
            if any(state != "todo" for state, *_ in found):
                break
        return stood, text

    def tell(self, step, stood, text):
        self.say(*[f"~ {step} {word}" for word in stood], f"< {step} {text}", f"= {step} ")

    def say(self, *lines):
        data = memoryview("".join(f"{self.word} {line}\n" for line in lines).encode("ascii", "replace"))
        while data:
            data = data[os.write(self.pipe, data) :]


def execute(shell, code, step):
    """Run a cell; what it raised, as a line, or ""."""
    try:
        shell.run(as_python(code), f"<cell {step + 1}>")
    except BaseException as error:  # also exit(): the cells below still count
        return described(error)
    return ""


def described(error):
    try:
        return f"{type(error).__name__}: {error}"[:300]
    except BaseException:  # an error whose text is an error
        return "an error without a text"


def only_computes(function) -> bool:
    """Whether a function can leave nothing behind for another that is asked after it.

    It then uses its arguments, what it makes itself, NumPy, what in Python leaves nothing, and functions like it. One
    that only seems to be so harms no other student's answers: all that it can reach is its own notebook's.

    >>> only_computes(lambda x: [max(row) for row in x]), only_computes(lambda x: open(x))
    (True, False)
    """
    waiting, seen = [function], set(ONLY)
    while waiting:
        value = waiting.pop()
        if id(value) in seen or plain_constant(value):
            continue
        if type(value) is types.ModuleType and value.__name__ in MODULES:
            continue
        if type(value) is not types.FunctionType or value.__closure__ or value.__kwdefaults__ or vars(value):
            return False
        seen.add(id(value))
        waiting += value.__defaults__ or ()
        for code in codes(value.__code__):
            waiting += [const for const in code.co_consts if type(const) is not types.CodeType]
            found = {name: value.__globals__.get(name, vars(builtins).get(name)) for name in code.co_names}
            waiting += found.values()
            if any(LEAVES.match(name) for name in found if found[name] is None) or CHANGING & {*code.co_code[::2]}:
                return False
    return True


def codes(code):
    """A function's code, and that of all functions in it."""
    yield code
    for value in code.co_consts:
        if type(value) is types.CodeType:
            yield from codes(value)


def plain_constant(value) -> bool:
    """Nothing of a student's making, which a code object that was put together by hand could hold."""
    return all(map(plain_constant, value)) if type(value) is tuple else type(value) in CONSTANTS


def answers(function, cases, run):
    """What the function did with each case: [state, value, error, printed] each."""
    found = []
    for case in cases:
        try:
            outcome = run(function, case)
            found.append([outcome.state, outcome.value, outcome.error[:300], outcome.printed[:2000]])
        except BaseException as error:
            found.append(["error", None, described(error), ""])
    return found


def fitting(found):
    """Outcomes as text that goes into one line: of results which are too large for that, only that they are."""
    room, parts = LINE // 2, []
    for state, value, error, printed in found:
        text = encode([state, value, error, printed])
        if len(text) > room:
            text = encode([state, {"other": "a result that is too large to look at"}, error, ""])
        room -= len(text)
        parts.append(text)
    return f"[{', '.join(parts)}]"


def what_watches():
    """The namespaces of what watches an answer and reads its results."""
    from torch.utils import _python_dispatch

    from ..exercises import outcome, plain

    return [
        vars(each) for each in (outcome, plain, outcome.NoTorch, _python_dispatch, _python_dispatch.TorchDispatchMode)
    ]


def fingerprint(spaces):
    """Another one after somebody put other code into them."""
    items = [item for space in spaces for item in list(space.items())]
    return [(name, id(value), id(getattr(value, "__code__", None))) for name, value in items if callable(value)]
