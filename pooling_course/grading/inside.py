"""What runs inside the sandbox: a server that forks, and in each fork one student's notebook.

Three kinds of processes, from trusted to not:

    server    has torch imported. It reads nothing; when the judge outside has a job, it forks a keeper.
    keeper    reads the job, raises the walls, forks the student, watches the clock and passes on what comes back.
    student   runs the cells of one notebook, then asks each question in a fork; those that can leave nothing behind
              need none, unless one of them has ended an earlier run. Nothing here is scored.

What is hidden, cells and cases, comes in a frame of its own. The keeper takes it once the student has been forked, and
hands it on when the student has said that all other questions are over: from then on it hears no more of those.

The student writes lines to a pipe that nobody else writes to. Each begins with a word that the keeper drew, so that
code which finds the pipe still says nothing by it. Then comes `@ ...` with what our code found in the text of the
cells, before any runs; `> 3` when step 3 begins, `< 3 ...` with what came of it, `~ 3 ...` with the cell that an answer
was in, `= 3 ...` when it is over, and how it ended where nothing came; `/` when what is hidden may come. Steps are
cells, then questions, then both of what is hidden. Other lines end the run, as do too many of them, too much memory, or
a step that takes too long; the judge then asks again without that step.
"""

import contextlib
import ctypes
import gc
import itertools
import json
import os
import secrets
import select
import shutil
import signal
import sys
import tempfile
import time
import types
from functools import partial
from typing import Any

from .computing import only_computes
from .frames import frame, read_frame, write_frame
from .shell import Quiet, Shell, as_python

LINE, LINES = 1 << 19, 4 << 20  # bytes in one line of a student's, and in all of one run
SCRATCH = "/submission"  # the one folder that can be written
LOOK_AGAIN = 0.25  # seconds until memory is looked at
AGAIN = 1  # seconds that cells may take to run again, where a question ended their process
ANSWERED = 4  # exit status of a fork that answered
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
FIRST = 4  # notebooks that need not wait for the rest: two of the trial, and the first submissions
encode = json.JSONEncoder().encode  # made before any student could put another in its place
clock = time.monotonic  # likewise


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
        if os.waitpid(keeper, 0)[1]:  # it found the channel closed, or left there what the next would take for a job
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
    (pipe, end), (later, way) = os.pipe(), os.pipe()
    student = os.fork()
    if student == 0:
        inside = Student(job, end, later, rules, word, folder)
        try:
            inside.run()
        except BaseException as error:
            inside.say(f"! {described(error)}")
        finally:
            os._exit(0)
    os.close(end)
    os.close(later)
    run = Watched(pipe, way, frame(channel_in), job, word, memory)
    run.watch()
    if not rules:
        kill(os.killpg, student)
    kill(os.kill, student)
    _, status, used = os.wait4(student, 0)
    status = os.waitstatus_to_exitcode(status)
    late = status in (signal.SIGALRM, signal.SIGXCPU)
    how = ended(-status if late else status, used, job) if run.step in run.questions else ""
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    told = {
        name: getattr(run, name) for name in ("read", "said", "stood", "ended", "opened", "tampered", "step", "why")
    }
    write_frame(channel_out, {**told, "status": status, "how": how})
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
        opened: all questions that hide nothing are over, and what is hidden may come.
        tampered: what watches for torch was not the same after the cells as before.
        step: the step it was in when it stopped; -1 before the first, None when it went through all.
        why: "end" (it stopped by itself), "time", "total" (time for all steps), "memory", "output" or "order" (of
            lines); before the first step, what kept the walls from standing.
    """

    def __init__(self, pipe, way, hidden, job, word, memory):
        self.pipe, self.job, self.word, self.memory = pipe, job, word.encode() + b" ", memory
        self.way, self.hidden = way, memoryview(hidden)
        os.set_blocking(way, False)  # whoever does not read it keeps nobody waiting
        self.steps = {str(step): step for step in range(job["steps"])}
        self.questions = {*range(job["first"], job["hidden"]), *range(job["first_hidden"], job["steps"])}
        self.read, self.said, self.stood, self.ended, self.opened, self.tampered = "", {}, {}, {}, False, False
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
            due = [self.way] if self.opened and self.hidden else []
            heard, asked, _ = select.select([self.pipe], due, [], min(left, LOOK_AGAIN))
            if asked:
                self.hand_over()
            if not heard:
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

    def hand_over(self):
        """Some of what is hidden."""
        try:
            self.hidden = self.hidden[os.write(self.way, self.hidden) :]
        except OSError:  # nobody is there who would read it
            self.hidden = memoryview(b"")

    def patience(self):
        """Seconds for the step; a question's own alarm comes first, and says more."""
        if self.step == -1:
            return self.job["start_seconds"]
        return self.job["wall_seconds"] + (self.step in self.questions)

    def hear(self, line):
        if not line.startswith(self.word):
            self.why = "order"
            return
        sign, _, rest = line[len(self.word) :].decode("ascii", "replace").partition(" ")
        number, _, text = rest.partition(" ")
        asked = self.open and number == str(self.step) and self.step in self.questions
        if sign == "@" and self.step == -1 and not self.read:
            self.read = rest
        elif sign == "!" and self.step == -1:  # the walls did not stand; nothing of the student's has run yet
            self.why = rest
        elif sign == "/" and not self.open and not self.opened:
            self.opened = True
        elif sign == "." and not self.open and self.opened:
            self.step, self.why = None, "done"
        elif sign == ">" and not self.open and self.may_begin(step := self.steps.get(number, -1)):
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

    def may_begin(self, step):
        return self.step < step and (step >= self.job["hidden"]) == self.opened


# ---- The student -----------------------------------------------------------------------------------------------------


class Student:
    """One notebook: first the walls, then its cells, then the questions in forks; then what is hidden, likewise."""

    def __init__(self, job, pipe, later, rules, word, folder):
        self.job, self.pipe, self.later, self.rules, self.word, self.folder = job, pipe, later, rules, word, folder
        self.step = -1
        self.forks = job["forks"]  # each question gets one
        self.failed: set[str] = set()  # functions that gave no answer, and are not asked again
        # what each function was, and at its checks: (object, cell) in their order
        self.was: dict[str, list] = {q["function"]: [] for q in job["questions"]}
        self.checked: dict[str, list] = {name: [] for name in self.was}

    def run(self):
        self.shut_in()
        from ..exercises.outcome import run
        from . import text
        from .wire import decode

        self.tools = run, decode, what_watches()  # as they are before any cell has run
        if self.job["look"]:
            self.say(f"@ {encode(text.look(self.job['cells'], self.job['questions']))}")
        module = types.ModuleType("__main__")
        vars(module)["display"] = NoAnswer()  # what IPython puts into every notebook
        sys.modules["__main__"] = module
        self.names = vars(module)
        CHECK.heard = self.check
        self.shell = Shell(self.names)
        self.take(self.job)
        self.say("/")
        self.take(read_frame(self.later))
        self.say(".")

    def take(self, part):
        """Its cells, then what is asked in it."""
        run, decode, watching = self.tools
        left = [
            (step, function, decode(cases), partial(run, rule=rule))
            for step, function, rule, cases in part["asks"]
            if function not in self.failed
        ]
        before, began = fingerprint(watching), clock()
        for step, code in part["cells"]:
            self.step = step
            self.say(f"> {step}")
            error = execute(self.shell, code, step)
            self.note(self.was)
            self.say(f"< {step} {encode(error)}", f"= {step} ")
        if fingerprint(watching) != before:
            self.say("*")
        self.forks = self.forks or clock() - began > AGAIN
        for question in left:
            if self.forks or not self.leaves_nothing(question[1]):
                self.ask_fork(*question)
            else:
                self.ask(*question)

    def shut_in(self):
        from . import walls

        job = self.job
        os.setsid()  # signals to the own group must not reach the keeper
        os.dup2(self.pipe, 3)
        os.dup2(self.later, 4)
        self.pipe, self.later = 3, 4
        nothing = os.open(os.devnull, os.O_RDWR)  # no file of the server's, which could carry locks to the next
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.closerange(5, 4096)
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

    def leaves_nothing(self, name):
        return all(only_computes(function) for function, _ in self.stood(name))

    def ask(self, step, name, cases, run):
        """A function that only computes, on its cases."""
        self.say(f"> {step}")
        self.limit()
        self.answer(step, name, cases, run)
        self.lift_limit()
        self.say(f"= {step} ")

    def ask_fork(self, step, name, cases, run):
        """Another, in a fork: what it breaks, it breaks for itself alone."""
        self.say(f"> {step}")
        child = os.fork()
        if child == 0:
            try:
                self.limit(alone=True)
                self.answer(step, name, cases, run)
                os._exit(ANSWERED)
            finally:
                os._exit(0)
        _, status, used = os.wait4(child, 0)
        if self.rules:  # as the first process of its namespace it means its own descendants by -1
            kill(os.kill, -1)
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-1, 0)
        status = os.waitstatus_to_exitcode(status)
        how = "" if status == ANSWERED else ended(status, used, self.job)
        self.say(f"= {step} {how}")
        if how:
            self.failed.add(name)

    def limit(self, alone=False):
        """The time of one question; alone: in a fork, which ends with it."""
        import resource

        from .walls import let_end

        all_of_it = resource.getrlimit(resource.RLIMIT_CPU)[1]
        most = min(round(time.process_time()) + self.job["seconds"], all_of_it)
        resource.setrlimit(resource.RLIMIT_CPU, (most, most if alone else all_of_it))
        for number in (signal.SIGALRM, signal.SIGXCPU):
            signal.signal(number, signal.SIG_DFL)
            if not alone:
                let_end(number)
        signal.alarm(self.job["wall_seconds"])

    def lift_limit(self):
        import resource

        signal.alarm(0)
        all_of_it = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (all_of_it, all_of_it))

    def stood(self, name):
        """What a function was, and in which cell, in the order in which it counts: last at its checks, then at all."""
        return [*reversed(self.checked[name]), *reversed(self.was[name])]

    def answer(self, step, name, cases, run):
        """Say what came of a function as it stood at its last check, or was before, if that was only what was given."""
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
        self.say(*[f"~ {step} {cell}" for cell in stood], f"< {step} {text}")

    def say(self, *lines):
        data = memoryview("".join(f"{self.word} {line}\n" for line in lines).encode("ascii", "replace"))
        while data:
            data = data[os.write(self.pipe, data) :]


def ended(status, used, job):
    """How a process ended that answered a question, one of ENDS; status: an exit code, used: what wait4 says of it."""
    seconds = used.ru_utime + used.ru_stime
    if status == -signal.SIGALRM:
        return "slept" if seconds < job["wall_seconds"] / 10 else "late"
    if status == -signal.SIGXCPU or status == -signal.SIGKILL and seconds > job["seconds"] - 0.5:
        return "processor"
    return "crashed" if status < 0 else "ended"


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
