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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .inside import SCRATCH, read_frame, write_frame

PACKAGE = Path(__file__).resolve().parents[1]
MASKED = ("exercises/tasks", "questions", "grading")  # answers and seeds, in folders of the package; empty inside
SHOWN = ("__init__.py", "inside.py", "shell.py", "text.py", "walls.py", "wire.py")  # of this folder
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
        total_seconds: on the clock for all that is done with a notebook: cells, questions, and both once more where a
            step ended or hung the process. Whoever sleeps spends them, too.
        memory: in megabytes, for each process, beyond what torch itself takes.
        total_memory: for all its processes together.
        processes: and threads.
        disk: in megabytes, in its own /tmp.
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
    """A function by its name, the arguments to try it with as `wire.encode` makes them, and the rule for its source."""

    function: str
    cases: list
    rule: str = "any"


@dataclass
class Ran:
    """What came of one notebook.

    Attributes:
        said: for each question what came out, as text for `wire.outcomes`, or "" where nothing did.
        ended: for each question why that is so, in a few words, or "".
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

    def run(self, cells: list[str], questions: list[Question], until: float | None = None, look: bool = True) -> Ran:
        """Run a notebook's cells, then the questions.

        A step that ends or hangs the process is left out, and the rest runs again without it.

        Args:
            cells, questions: what is run.
            until: when it must be over, as time.monotonic() says it; None for as long as the limits allow.
            look: whether the text is read, too: else no answer's is known.

        Raises:
            Lost: the sandbox failed twice, so that nothing can be said about the notebook.
            NoSandbox: it failed, and cannot be had again.
        """
        until = until or time.monotonic() + self.limits.total_seconds
        first = len(cells)
        steps = first + len(questions)
        said: dict[int, str] = {}
        stood: dict[int, tuple[int, str]] = {}
        ended: dict[int, str] = {}
        odd: set[str] = set()
        read = ""
        nothing = "it ended Python"
        for _ in range(RERUNS):
            without = {step for step in range(steps) if step in ended or step >= first and step in said}
            left = until - time.monotonic()
            if left <= 0:
                nothing = SPENT.format(self.limits.total_seconds)
                break
            reply = self._ask(
                {
                    **asdict(self.limits),
                    "total_seconds": left,
                    "cells": [[step, code] for step, code in enumerate(cells) if step not in without],
                    "questions": [vars(q) for q in questions],
                    "first_question": first,
                    "look": look and not read,
                    "without": sorted(without),
                }
            )
            said |= {int(step): text for step, text in reply["said"].items()}
            stood |= {int(step): (int(cell), how) for step, (cell, how) in reply["stood"].items()}
            ended |= {
                int(step): END[end].format(self.limits)
                for step, end in reply["ended"].items()
                if step not in reply["said"]
            }
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
            ended[step] = why(reply, self.limits)
            odd |= {SPOKEN} if reply["why"] == "order" else set()
            if reply["why"] == "total":
                nothing = ended[step]
                break
        looked = json.loads(read) if read else {"questions": [{"cells": {}, "near": ""}] * len(questions), "passed": []}
        from .text import unread

        ran = Ran(passed=looked["passed"], odd=sorted(odd))
        for step in range(first):
            text = ended.get(step) or _error(said.get(step))
            if text:
                ran.cells[step] = text
        for step, question, text in zip(range(first, steps), questions, looked["questions"], strict=True):
            ran.said.append(said.get(step, ""))
            ran.ended.append("" if step in said else ended.get(step, nothing))
            ran.stood.append(stood.get(step, (-1, "")))
            here = (
                text["cells"].get(str(ran.stood[-1][0]))
                if step in stood
                else next(iter([*text["cells"].values()][-1:]), None)
            )
            ran.texts.append(here or unread(question.rule))
            ran.near.append(text["near"])
        return ran

    def _ask(self, job):
        for attempt in (1, 2):
            try:
                write_frame(self.process.stdin.fileno(), job)
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
