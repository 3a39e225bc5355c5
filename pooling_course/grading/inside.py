"""What runs inside the sandbox: a server that forks, and in each fork one student's notebook.

Three kinds of processes, from trusted to not:

    server    has torch imported. It reads nothing; when the judge outside has a job, it forks a keeper.
    keeper    reads the job, raises the walls, forks the student, watches the clock and passes on what comes back.
    student   runs the cells of one notebook, then each question in a fork of its own. Nothing here is scored.

The student writes lines to a pipe that nobody else writes to: `@ ...` with what our code found in the text of the
cells, before any runs; then `> 3` when step 3 begins, `< 3 ...` with what came of it, `= 3` when it is over. Steps are
cells, then questions. Lines in another order end the run, as does a step that takes too long; the judge then asks again
without that step.
"""

import contextlib
import gc
import json
import os
import select
import signal
import struct
import sys
import time
import types

LINE = 4 << 20  # bytes in one line of a student's
SCRATCH = "/scratch"  # the one folder that can be written
WARM = (
    "numpy",
    "torch",
    "torch.nn.functional",
    "matplotlib.pyplot",
    "pooling_course.images",
    "pooling_course.pictures.figures",
)
encode = json.JSONEncoder().encode  # made before any student could put another in its place


# ---- Frames between the judge and the keeper: eight bytes that say how long, then JSON -------------------------------


def read_frame(fd):
    """One frame, and not a byte more: the next belongs to another process. None at the end."""
    head = _read(fd, 8)
    return json.loads(_read(fd, struct.unpack(">Q", head)[0])) if len(head) == 8 else None


def _read(fd, length):
    parts = []
    while length:
        part = os.read(fd, min(length, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def write_frame(fd, value):
    data = json.dumps(value).encode()
    data = memoryview(struct.pack(">Q", len(data)) + data)
    while data:
        data = data[os.write(fd, data) :]


# ---- The server ------------------------------------------------------------------------------------------------------


class NoAnswer:
    """What check, quiz and the like give inside: here nothing is checked, and nothing can be read off."""

    def points(self, full=0):
        return 0.0

    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __bool__(self):
        return False

    def __repr__(self):
        return "(The check runs when the course is graded.)"


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
    warm_up()
    write_frame(channel_out, "ready")
    while True:
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


def warm_up():
    import importlib

    import torch

    import pooling_course.exercises

    torch.set_num_threads(1)
    os.environ.setdefault("MPLBACKEND", "agg")
    for name in WARM:
        importlib.import_module(name)
    answer = NoAnswer()
    for module, names in (
        (pooling_course, set(pooling_course.__all__) - {"Pooling", "Trace", "Window", "images", "trace"}),
        (pooling_course.exercises, ("attempt", "check", "hint", "judge", "load", "names", "your_case")),
    ):
        for name in names:
            setattr(module, name, answer)
    gc.collect()
    gc.freeze()  # forks then share these pages for good


# ---- The keeper ------------------------------------------------------------------------------------------------------


def keep(channel_in, channel_out, rules):
    job = read_frame(channel_in)
    if job is None:
        return END
    from . import walls

    if rules:
        walls.own_namespaces()
    pipe, end = os.pipe()
    student = os.fork()
    if student == 0:
        inside = Student(job, end, rules)
        try:
            inside.run()
        except BaseException as error:
            inside.say(f"! 0 {described(error)}")
        finally:
            os._exit(0)
    os.close(end)
    run = Watched(student, pipe, job)
    run.watch()
    if not rules:
        kill(os.killpg, student)
    kill(os.kill, student)
    status = os.waitstatus_to_exitcode(os.waitpid(student, 0)[1])
    write_frame(channel_out, {"read": run.read, "said": run.said, "step": run.step, "why": run.why, "status": status})
    return 0


def kill(how, pid):
    with contextlib.suppress(OSError):  # it is gone already
        how(pid, signal.SIGKILL)


class Watched:
    """A student as the keeper sees it.

    Attributes:
        read: what was found in the text of the cells.
        said: what came of each step, by its number, as text that nobody has looked into.
        step: the step it was in when it stopped; -1 before the first, None when it went through all.
        why: "end" (it stopped by itself), "time", "total" (time for all steps), "output" or "order" (of lines).
    """

    def __init__(self, student, pipe, job):
        self.pipe, self.job = pipe, job
        self.read, self.said, self.step, self.why = "", {}, -1, ""
        self.open = False
        self.rest = b""

    def watch(self):
        began = now = time.monotonic()
        wall = {False: self.job["start_seconds"], True: self.job["wall_seconds"]}
        while not self.why:
            left = min(now + wall[self.step != -1], began + self.job["total_seconds"]) - time.monotonic()
            if left <= 0 or not select.select([self.pipe], [], [], left)[0]:
                self.why = "time" if now + wall[self.step != -1] < began + self.job["total_seconds"] else "total"
                return
            data = os.read(self.pipe, 1 << 16)
            if not data:
                self.why = "end"
                return
            *lines, self.rest = (self.rest + data).split(b"\n")
            if len(self.rest) > LINE:
                self.why = "output"
            for line in lines:
                if not self.why:
                    self.hear(line)
                    now = time.monotonic()

    def hear(self, line):
        sign, _, rest = line.decode("ascii", "replace").partition(" ")
        number, _, text = rest.partition(" ")
        if sign == "@" and self.step == -1 and not self.read:
            self.read = rest
        elif sign == "!" and self.step == -1:  # the walls did not stand; nothing of the student's has run yet
            self.why = text
        elif sign == "." and not self.open:
            self.step, self.why = None, "done"
        elif sign == ">" and not self.open and number.isdecimal() and int(number) > self.step:
            self.step, self.open = int(number), True
        elif sign == "<" and self.open and number == str(self.step) and number not in self.said:
            self.said[number] = text
        elif sign == "=" and self.open and number == str(self.step):
            self.open = False
        else:
            self.why = "order"


# ---- The student -----------------------------------------------------------------------------------------------------


class Student:
    """One notebook: first the walls, then its cells, then each question in a fork."""

    def __init__(self, job, pipe, rules):
        self.job, self.pipe, self.rules = job, pipe, rules

    def run(self):
        self.shut_in()
        from ..exercises.outcome import run
        from . import text
        from .wire import decode

        questions = [(q["function"], q["rule"], decode(q["cases"])) for q in self.job["questions"]]
        cells = [(step, text.without_magics(code)) for step, code in self.job["cells"]]
        if self.job["look"]:
            self.say(f"@ {encode(text.look([code for _, code in cells], self.job['questions']))}")
        module = types.ModuleType("__main__")
        module.display = NoAnswer()  # what IPython puts into every notebook
        sys.modules["__main__"] = module
        for step, code in cells:
            self.say(f"> {step}")
            self.say(f"< {step} {encode(execute(code, step, vars(module)))}", f"= {step}")
        first = self.job["first_question"]
        for step, (name, rule, cases) in enumerate(questions, start=first):
            if step not in self.job["without"]:
                self.say(f"> {step}")
                self.ask(step, vars(module).get(name), cases, lambda *case, rule=rule: run(*case, rule))
                self.say(f"= {step}")
        self.say(".")

    def shut_in(self):
        from . import walls

        job = self.job
        os.setsid()  # signals to the own group must not reach the keeper
        os.dup2(self.pipe, 3)
        self.pipe = 3
        os.dup2(0, 2)
        os.closerange(4, 4096)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        walls.limits(job["total_seconds"], job["memory"], job["disk"], job["processes"] if self.rules else None)
        if self.rules:
            walls.own_files(SCRATCH, job["disk"])
            os.chdir(SCRATCH)
            walls.no_way_back(self.rules)

    def ask(self, step, function, cases, run):
        """The function on its cases, in a fork: what it breaks, it breaks for itself."""
        child = os.fork()
        if child == 0:
            try:
                import resource

                most = self.job["seconds"]
                resource.setrlimit(resource.RLIMIT_CPU, (most, most))
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(self.job["wall_seconds"])
                self.say(f"< {step} {encode(answers(function, cases, run))}")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        if self.rules:  # as the first process of its namespace it means its own descendants by -1
            kill(os.kill, -1)
            while True:
                try:
                    os.waitpid(-1, 0)
                except ChildProcessError:
                    return

    def say(self, *lines):
        data = memoryview("".join(f"{line}\n" for line in lines).encode("ascii", "replace"))
        while data:
            data = data[os.write(self.pipe, data) :]


def execute(code, step, names):
    """Run a cell; what it raised, as a line, or ""."""
    try:
        exec(compile(code, f"<cell {step + 1}>", "exec"), names)
    except BaseException as error:  # also exit(): the cells below still count
        return described(error)
    return ""


def described(error):
    try:
        return f"{type(error).__name__}: {error}"[:300]
    except BaseException:  # an error whose text is an error
        return "an error without a text"


def answers(function, cases, run):
    """What the function did with each case: [state, value, error, printed] each; or why there is nothing."""
    if not callable(function):
        return "missing"
    found = []
    for case in cases:
        try:
            outcome = run(function, case)
            found.append([outcome.state, outcome.value, outcome.error[:300], outcome.printed[:2000]])
        except BaseException as error:
            found.append(["error", None, described(error), ""])
    return found
