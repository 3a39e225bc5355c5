"""The outside of the sandbox: starts it with bubblewrap, proves that it holds, and has notebooks run in it.

Inside stands a server with torch imported (`inside.py`). This side sends it code and inputs, and gets text back.
"""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .frames import read_frame, write_frame
from .inside import SCRATCH

PACKAGE = Path(__file__).resolve().parents[1]
MASKED = ("exercises/tasks", "questions", "grading")  # answers and seeds, in folders of the package; empty inside
# but for these files of this folder
SHOWN = ("__init__.py", "computing.py", "frames.py", "inside.py", "shell.py", "text.py", "walls.py", "wire.py")
SYSTEM = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime"]
SYSTEM += ["/nix/store", "/gnu/store"]
LOCAL = "/usr/local"  # where a machine keeps what is its own, such as the folder that nbgrader collects work in
PYTHON = ("bin", "lib", "lib64", "pyvenv.cfg")  # of the folder that a Python is installed in
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage"  # libc looks there whether the kernel has them
START = "import sys; sys.path.insert(0, {path!r}); from pooling_course.grading.inside import serve; serve({isolated})"
TOTAL = 60  # seconds that a notebook has at least
RERUNS = 10  # steps that may end or hang the whole process before the rest is given up
PATIENCE = 120  # seconds for the server to start, and beyond all limits for it to answer
TRUST = "--trust-submissions runs them without it: for code of people you trust as you trust your own."
MANUAL = "docs/grading.md shows other ways, such as WSL and containers."


class NoSandbox(Exception):
    """A sentence for the instructor: why there is no sandbox here, and what to do about it."""


class Lost(Exception):
    """The sandbox itself failed, and not the notebook in it."""


@dataclass(frozen=True)
class Limits:
    """What one notebook may use.

    Attributes:
        seconds: of processor time for one question; a step may last twice as long on the clock.
        total_seconds: on the clock for all that is done with a notebook: cells, questions, what is hidden, and all once
            more where a step ended or hung the process. Whoever sleeps spends them, too.
        memory: in megabytes, for each process, beyond what torch itself takes.
        total_memory: for all its processes together.
        processes: and threads.
        disk: in megabytes, in its own folder, which is its /tmp, too, unless Python or this package lies in /tmp.
    """

    seconds: int = 5
    total_seconds: int = field(init=False)
    memory: int = 512
    total_memory: int = 1536
    processes: int = 16
    disk: int = 64
    start_seconds: int = 30
    wall_seconds: int = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "wall_seconds", 2 * self.seconds)
        object.__setattr__(self, "total_seconds", max(TOTAL, 12 * self.seconds))


@dataclass(frozen=True)
class Question:
    """A function by its name, the arguments to try it with as `wire.encode` makes them, and the rule for its source.

    Attributes:
        hidden: more to try it with, which reach the sandbox once no answer to any `cases` can change; None for nothing.
    """

    function: str
    cases: list
    rule: str = "any"
    hidden: list | None = None


@dataclass
class Ran:
    """What came of one notebook.

    Attributes:
        said: for each question what came out, as text for `wire.outcomes`, or "" where nothing did.
        ended: for each question why that is so, in a few words, or "".
        hidden: for each question both of these for its hidden cases, where it has some.
        stood: for each question the cell that its function was of, by number, and whether it was asked as it is at the
            end ("last"), as it stood at its "check", or as it was "before"; (-1, "") where it was not.
        texts: for each question what the source of that cell says: {"faults": sentences, "shape": see `text.shape`}.
        near: for each question a name that may be meant by its function's, where there is none; or "".
        cells: for cells that did not go through, by their number, what happened; words of the student's among them.
        passed: what only a Jupyter kernel could have done.
        odd: what an instructor should look at, in sentences.
    """

    said: list = field(default_factory=list)
    ended: list = field(default_factory=list)
    hidden: list = field(default_factory=list)
    stood: list = field(default_factory=list)
    texts: list = field(default_factory=list)
    near: list = field(default_factory=list)
    cells: dict = field(default_factory=dict)
    passed: list = field(default_factory=list)
    odd: list = field(default_factory=list)


class Sandbox:
    """A server in its sandbox; `run` has one notebook run. Use it from one thread at a time.

    Args:
        trust: without walls: submissions then run with this account's rights.
        limits: for each notebook.

    Raises:
        NoSandbox: it cannot be had here.
    """

    process: Any = None  # the server's, while there is one

    def __init__(self, trust: bool = False, limits: Limits | None = None):
        self.trust, self.limits, self.proven = trust, limits or Limits(), False
        refuse_unsupported(trust)
        self.start()

    def start(self):
        self.close()
        self.proven = False
        try:
            self.process, self.words, self.folder = _ahead.pop() if _ahead and not self.trust else launch(self.trust)
        except OSError as error:
            raise NoSandbox(f"The sandbox does not start ({error}). {REMEDY} {TRUST}") from None
        if self._reply(PATIENCE) != "ready":
            said = self._last_words()
            self.close()
            raise NoSandbox(f"The sandbox does not start ({said}). {REMEDY} {TRUST}")
        if not self.trust:
            self._prove()
        self.proven = True

    def _last_words(self):
        self.process.kill()
        self.process.wait()
        self.words.seek(0)
        return "".join(self.words.read().decode(errors="replace").strip().splitlines()[-1:]) or "without a word"

    def close(self):
        if self.process:
            self.process.kill()  # with bubblewrap, which started it, everything inside ends
            self.process.communicate()
            self.words.close()
            if self.folder:
                self.folder.cleanup()
            self.process = None

    def __del__(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def run(
        self, cells: list[str], questions: list[Question], until: float | None = None, probes: Sequence[str] = ()
    ) -> Ran:
        """Run a notebook's cells and the questions, then the probes and what the questions hide.

        A step that ends or hangs the process is left out, and the rest runs again without it. What was said before
        anything hidden was in the sandbox stands: no later run changes it.

        Args:
            cells, questions: what is run.
            until: when it must be over, as time.monotonic() says it; None for as long as the limits allow.
            probes: cells that are hidden, too.

        Raises:
            Lost: the sandbox failed twice, so that nothing can be said about the notebook.
            NoSandbox: it failed, and cannot be had again.
        """
        until = until or time.monotonic() + self.limits.total_seconds
        steps = Steps(cells, questions, list(probes))
        odd: set[str] = set()
        read, look = "", True
        nothing = "it ended Python"
        for run in range(RERUNS):
            left = until - time.monotonic()
            if left <= 0:
                nothing = SPENT.format(self.limits.total_seconds)
                break
            job = {**asdict(self.limits), "total_seconds": left, "look": look and not read, "forks": run > 0}
            job |= steps.open_part()
            reply = self._ask(job, steps.hidden_part())
            steps.take(reply, self.limits)
            read = read or reply["read"]
            odd |= {TAMPERED} if reply["tampered"] else set()
            step = reply["step"]
            if step is None:
                break
            if step == -1 and look and not read:
                look = False  # the text itself brings Python's parser down
                continue
            if step == -1:
                raise Lost(f"the notebook's process ended before its first cell ({reply['why']}, {reply['status']})")
            reason = why(reply, self.limits)
            steps.end(step, reason)
            odd |= {SPOKEN} if reply["why"] == "order" else set()
            if reply["why"] == "total":
                nothing = reason
                break
        looked = json.loads(read) if read else {"questions": [{"cells": {}, "near": ""}] * len(questions), "passed": []}
        return steps.ran(looked, nothing, sorted(odd))

    def _ask(self, job, hidden):
        for attempt in (1, 2):
            try:
                write_frame(self.process.stdin.fileno(), job)
                write_frame(self.process.stdin.fileno(), hidden)
            except OSError:
                reply = None
            else:
                reply = self._reply(job["total_seconds"] + PATIENCE)
            if isinstance(reply, dict) and "said" in reply:
                return reply
            failed = (reply or {}).get("failed", "it ended")
            if attempt == 2 or not self.proven:  # one that fails at its trial would fail at the next
                raise Lost(f"the sandbox failed: {failed}")
            self.start()

    def _reply(self, seconds):
        try:
            return read_frame(self.process.stdout.fileno(), time.monotonic() + seconds)
        except (OSError, ValueError):  # among them TimeoutError
            return None

    def _prove(self):
        """Run two notebooks that try the doors: one leaves what it can, the next looks for it.

        A sandbox that lets them out, or keeps them from computing, is none.
        """
        from .wire import encode, outcomes

        for notebook in (PROBE, AFTER):
            try:
                found = self.run([notebook], [Question("probe", encode([([1.0, 2.0],)]))])
            except Lost as reason:
                said = self._last_words() if str(reason).endswith("it ended") else ""
                self.close()
                raise NoSandbox(
                    f"The sandbox starts, but its walls do not stand: {said or reason}. {REMEDY} {TRUST}"
                ) from None
            if [outcome.value for outcome in outcomes(found.said[0], 1)] != [[3.0]]:
                self.close()
                got = found.cells or found.ended[0] or found.said[0]
                raise NoSandbox(f"The sandbox starts, but does not hold: {got}. {REMEDY} {TRUST}")


class Steps:
    """The steps of a notebook by their numbers, and what came of them: its cells and questions, then what is hidden.

    Attributes:
        said, stood, ended: for a step, what came of it, the cell that an answer was in, and why nothing came.
        left_out: those that ended or hung the process, so that it runs without them.
        opened: what is hidden was in the sandbox.
    """

    def __init__(self, cells: list[str], questions: list[Question], probes: list[str]):
        self.questions = questions
        self.first, self.hidden = len(cells), len(cells) + len(questions)
        self.first_hidden = self.hidden + len(probes)
        self.cells, self.probes = dict(enumerate(cells)), dict(enumerate(probes, self.hidden))
        self.left_out: set[int] = set()
        self.opened = False
        self.said: dict[int, str] = {}
        self.stood: dict[int, tuple[int, str]] = {}
        self.ended: dict[int, str] = {}

    def open_part(self) -> dict:
        """What a run is told at first; what is over is left out."""
        asks = [(self.first + i, q, q.cases) for i, q in enumerate(self.questions)]
        looks = [{"function": q.function, "rule": q.rule} for q in self.questions]
        ends = self.first_hidden + len(self.questions)
        numbers = {"first": self.first, "hidden": self.hidden, "first_hidden": self.first_hidden, "steps": ends}
        return numbers | {"questions": looks, **self._left(self.cells, asks)}

    def hidden_part(self) -> dict:
        """What it is told when no answer to that can change any more."""
        asks = [(self.first_hidden + i, q, q.hidden) for i, q in enumerate(self.questions) if q.hidden is not None]
        return self._left(self.probes, asks)

    def _left(self, cells, asks):
        return {
            "cells": [[step, code] for step, code in cells.items() if step not in self.left_out],
            "asks": [
                [step, question.function, question.rule, cases]
                for step, question, cases in asks
                if not self._over(step) and step not in self.left_out
            ],
        }

    def take(self, reply: dict, limits: Limits) -> None:
        """What came of one run."""
        said = {int(step): text for step, text in reply["said"].items()}
        for step, text in said.items():
            if not self._over(step):
                self.said[step] = text
                if str(step) in reply["stood"]:
                    cell, how = reply["stood"][str(step)]
                    self.stood[step] = int(cell), how
        for step, end in reply["ended"].items():
            self.end(int(step), END[end].format(limits))
        self.opened = self.opened or reply["opened"]

    def end(self, step: int, why: str) -> None:
        """Why nothing came of a step; a function that gave no answer is not asked again."""
        same = [step - self.first + self.first_hidden] if self.first <= step < self.hidden else []
        for each in (step, *same):
            self.left_out.add(each)
            if not self._over(each):
                self.ended.setdefault(each, why)

    def _over(self, step):
        """Whether what came of a step stands."""
        return step in self.said or self.opened and step < self.hidden

    def ran(self, looked: dict, nothing: str, odd: list[str]) -> Ran:
        """All that came of the notebook; looked: what was found in its text."""
        from .text import unread

        ran = Ran(passed=looked["passed"], odd=odd)
        for step in self.cells:
            text = _error(self.said[step]) if step in self.said else self.ended.get(step)
            if text:
                ran.cells[step] = text
        for i, (question, text) in enumerate(zip(self.questions, looked["questions"], strict=True)):
            known, hidden = self.first + i, self.first_hidden + i
            found = [(self.said.get(step, ""), self._why(step, nothing)) for step in (known, hidden)]
            ran.said.append(found[0][0])
            ran.ended.append(found[0][1])
            ran.hidden.append(found[question.hidden is not None])
            stood = self.stood.get(hidden) or self.stood.get(known)
            ran.stood.append(stood or (-1, ""))
            last = next(iter([*text["cells"].values()][-1:]), None)
            ran.texts.append((text["cells"].get(str(stood[0])) if stood else last) or unread(question.rule))
            ran.near.append(text["near"])
        return ran

    def _why(self, step, nothing):
        return "" if step in self.said else self.ended.get(step, nothing)


PROBE = f"""
import os, socket, subprocess, sys
import torch

def opens(what):
    try:
        what()
    except (OSError, ImportError, ValueError):
        return False
    return True

FOLDERS = {{"/", "/etc", "/dev", "/usr", "/var", *sys.path[:-1], {str(PACKAGE)!r}}}
FOLDERS |= {{os.path.dirname(folder) for folder in FOLDERS}} - {{""}}

def write(folder):
    with open(os.path.join(folder, "left_behind"), "w"):
        pass

def written():
    if not any(opens(lambda folder=folder: write(folder)) for folder in sorted(FOLDERS)):
        raise OSError

DOORS = {{
    "programs": lambda: subprocess.run([sys.executable, "-c", ""]),
    "network": lambda: socket.socket(socket.AF_INET),
    "home": lambda: os.listdir({str(Path.home())!r}) and open({str(Path.home() / ".profile")!r}),
    "tasks": lambda: __import__("pooling_course.exercises.tasks.output_size"),
    "seeds": lambda: open({str(Path(__file__).with_name("assignments.py"))!r}),
    "processes": lambda: os.stat("/proc/self"),
    "folders": written,
}}
for folder in (".", "/dev/shm"):
    write(folder)

def probe(numbers):
    return [name for name in DOORS if opens(DOORS[name])] or [torch.tensor(numbers).sum().item()]
"""
AFTER = """
import os, sys

def probe(numbers):
    places = (*sys.path, ".", "/", "/dev/shm", "/tmp")
    return [place for place in places if os.path.exists(os.path.join(place, "left_behind"))] or [sum(numbers)]
"""
REMEDY = (
    "It needs Linux 5.14 or newer, the packages bubblewrap and libseccomp2, and leave for unprivileged users to make "
    "namespaces (on Ubuntu 24.04: `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`; a container must be "
    f"started with --privileged); {MANUAL}"
)


def refuse_unsupported(trust):
    if not hasattr(os, "fork"):
        raise NoSandbox(f"Windows has no fork, which grading is built on: use WSL; {MANUAL}")
    if trust:
        return
    if platform.system() != "Linux":
        raise NoSandbox(f"Submissions run in a sandbox, which needs Linux; {MANUAL} {TRUST}")
    if not shutil.which("bwrap"):
        raise NoSandbox(
            "Submissions run in a sandbox made by bubblewrap, which is not installed: on Debian or Ubuntu run "
            f"`sudo apt install bubblewrap`; {MANUAL} {TRUST}"
        )


def see_to_surroundings() -> None:
    """Before torch is imported, which ends where the working folder is gone; and before any file is opened, which would
    get the number of a standard stream that somebody closed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))
    try:
        os.getcwd()
    except OSError:
        sys.exit("The folder that you are in is gone. Change to one that is there, and run the command again.")


_ahead: list[tuple] = []  # servers that were started before anybody asked


def ahead() -> None:
    """Start a server for the first Sandbox: it imports torch while this side does, and the first mark comes sooner."""
    with contextlib.suppress(NoSandbox, OSError):  # whoever asks for it is told
        refuse_unsupported(trust=False)
        _ahead.append(launch())


def launch(trust: bool = False) -> tuple:
    """A server that has just been started, the file with what it says on stderr, and its folder without walls."""
    words = _anonymous_file()
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True) if trust else None
    scratch = folder.name if folder else SCRATCH  # the sandbox has one of its own
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": words}
    line, place = command(trust), folder.name if folder else "/"
    return subprocess.Popen(line, **pipes, cwd=place, env=environment(scratch), bufsize=0), words, folder


def environment(scratch):
    """All that the inside sees of an environment.

    With all of Python's memory in huge pages there are fewer pages to copy, and a fork takes a third of the time.
    """
    paths = dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR"), scratch)
    quick = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "OMP_NUM_THREADS": "1"}
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **paths, **quick}


def command(trust=False) -> list[str]:
    """How the server is started: only what it must read is there, and nothing else of this machine."""
    python = [sys.executable, "-s", "-c", START.format(path=str(PACKAGE.parent), isolated=not trust)]
    if trust:
        return python
    room = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if os.getuid() == 0:  # root builds the room as root, and the server becomes nobody in it: see walls.become_nobody
        room += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        room += ["--unshare-user"]
    room += ["--die-with-parent", "--new-session", "--hostname", "sandbox"]
    room += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", SCRATCH]
    prefixes = dict.fromkeys((sys.base_prefix, sys.prefix))
    parts = [f"{LOCAL}/lib", *(f"{prefix}/{part}" for prefix in prefixes for part in PYTHON), str(PACKAGE)]
    if not any(path.startswith("/tmp/") for path in parts):
        room += ["--symlink", SCRATCH, "/tmp"]
    for path in (*SYSTEM, HUGE_PAGES):
        room += shown(path)
    room += ["--tmpfs", LOCAL]
    for path in parts:
        room += shown(path)
    for folder in others():
        room += ["--tmpfs", str(folder)]
    for masked in MASKED:
        room += ["--tmpfs", str(PACKAGE / masked)]
    for name in SHOWN:
        room += shown(str(Path(__file__).with_name(name)))
    return [shutil.which("bwrap") or "bwrap", *room, "--", *python]


def shown(path) -> list[str]:
    """How bubblewrap shows a path, if it is there. The folders above it, bubblewrap would make for root alone."""
    above = [word for folder in list(Path(path).parents)[-2::-1] for word in ("--dir", str(folder))]
    return [*above, "--ro-bind-try", path, path]


def others() -> list[Path]:
    """Other copies of this course that Python could import, such as an installed one: they hold the answers, too."""
    found = {Path(place or ".", PACKAGE.name).resolve() for place in sys.path}
    return sorted(path for path in found if path != PACKAGE and path.is_dir())


SPENT = "the notebook took longer than {} s"
END = {
    "slept": "it took longer than {0.wall_seconds} s on the clock, and slept or waited for most of them",
    "late": "it took longer than {0.wall_seconds} s",
    "processor": "it took more than {0.seconds} s of processor time",
    "crashed": "it crashed Python, or took too much memory",
    "ended": "it ended Python",
}
SPOKEN = "Code in it wrote where only the grader writes, as if to send results of its own: look at it by hand."
TAMPERED = "Code in it replaced parts of the grader, such as what watches for torch: look at it by hand."


def why(reply, limits):
    """In a few words, why a step did not come to its end."""
    if reply["why"] == "end" and reply["how"]:
        return END[reply["how"]].format(limits)
    if reply["why"] == "end":
        killed = reply["status"] < 0
        return "it crashed Python, or took too much time or memory" if killed else "it ended Python"
    return {
        "time": f"it took longer than {limits.wall_seconds} s",
        "total": SPENT.format(limits.total_seconds),
        "memory": f"it took more than {limits.total_memory} MB of memory",
        "output": "it wrote too much",
        "order": "it wrote where only the grader writes",
    }[reply["why"]]


def _anonymous_file():
    """In memory where the system can: a full disk must keep nobody from grading."""
    return os.fdopen(os.memfd_create("words"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


def _error(text):
    try:
        return str(json.loads(text or '""'))
    except (ValueError, RecursionError):
        return "what came back cannot be read"
