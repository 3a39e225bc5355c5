"""The outside of the sandbox: starts it with bubblewrap, proves that it holds, and has notebooks run in it.

Inside stands a server with torch imported (`inside.py`). This side sends it code and inputs, and gets text back.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .inside import SCRATCH, read_frame, write_frame
from .text import unread
from .wire import encode, outcomes

PACKAGE = Path(__file__).resolve().parents[1]
MASKED = ("exercises/tasks", "questions")  # answers, in folders of the package; inside they are empty
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime")
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage"  # libc looks there whether the kernel has them
START = "import sys; sys.path.insert(0, {path!r}); from pooling_course.grading.inside import serve; serve({isolated})"
RERUNS = 10  # steps that may end or hang the whole process before the rest is given up
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
        total_seconds: for all cells and questions.
        memory: in megabytes, for each process, beyond what torch itself takes.
        processes: and threads.
        disk: in megabytes, in its own /tmp.
    """

    seconds: int = 5
    total_seconds: int = 60
    memory: int = 512
    processes: int = 16
    disk: int = 64
    start_seconds: int = 30
    wall_seconds: int = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "wall_seconds", 2 * self.seconds)


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
        cells: for cells that did not go through, by their number, what happened; words of the student's among them.
        texts: for each question what its source says: {"faults": sentences, "shape": see `text.shape`}.
    """

    said: list = field(default_factory=list)
    ended: list = field(default_factory=list)
    cells: dict = field(default_factory=dict)
    texts: list = field(default_factory=list)


class Sandbox:
    """A server in its sandbox; `run` has one notebook run. Use it from one thread at a time.

    Args:
        trust: without walls: submissions then run with this account's rights.
        limits: for each notebook.

    Raises:
        NoSandbox: it cannot be had here.
    """

    process = None

    def __init__(self, trust: bool = False, limits: Limits | None = None):
        self.trust, self.limits = trust, limits or Limits()
        refuse_unsupported(trust)
        self.start()

    def start(self):
        self.close()
        self.words = tempfile.TemporaryFile()  # open as long as the server runs  # noqa: SIM115
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.words}
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        scratch = self.folder.name if self.trust else SCRATCH  # the sandbox has one of its own
        self.process = subprocess.Popen(
            command(self.trust), **pipes, cwd=self.folder.name, env=environment(scratch), bufsize=0
        )
        if self._reply() != "ready":
            self.words.seek(0)
            said = self.words.read().decode(errors="replace").strip().splitlines()[-1:]
            self.close()
            raise NoSandbox(f"The sandbox does not start ({''.join(said) or 'without a word'}). {REMEDY} {TRUST}")
        if not self.trust:
            self._prove()

    def close(self):
        if self.process:
            self.process.kill()  # with bubblewrap, which started it, everything inside ends
            self.process.communicate()
            self.words.close()
            self.folder.cleanup()
            self.process = None

    def __del__(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def run(self, cells: list[str], questions: list[Question]) -> Ran:
        """Run a notebook's cells, then the questions.

        A step that ends or hangs the process is left out, and the rest runs again without it.

        Raises:
            Lost: the sandbox failed twice, so that nothing can be said about the notebook.
        """
        first = len(cells)
        steps = first + len(questions)
        said, ended, read, look = {}, {}, "", True
        for _ in range(RERUNS):
            without = {step for step in range(steps) if step in ended or step >= first and step in said}
            reply = self._ask(
                {
                    **asdict(self.limits),
                    "cells": [[step, code] for step, code in enumerate(cells) if step not in without],
                    "questions": [vars(q) for q in questions],
                    "first_question": first,
                    "look": look and not read,
                    "without": sorted(without),
                }
            )
            said |= {int(step): text for step, text in reply["said"].items()}
            read = read or reply["read"]
            step = reply["step"]
            if step is None:
                break
            if step == -1 and reply["why"] in ("end", "time") and look and not read:
                look = False  # the text itself brings Python's parser down
                continue
            if step == -1:
                raise Lost(f"the notebook's process ended before its first cell ({reply['why']}, {reply['status']})")
            ended[step] = why(reply, self.limits)
            if reply["why"] == "total":
                break
        ran = Ran(texts=json.loads(read) if read else [unread(q.rule) for q in questions])
        for step in range(first):
            text = ended.get(step) or _error(said.get(step))
            if text:
                ran.cells[step] = text
        nothing = f"it ended Python, or took more than {self.limits.seconds} s of processor time or too much memory"
        for step in range(first, steps):
            ran.said.append(said.get(step, ""))
            ran.ended.append("" if step in said else ended.get(step, nothing))
        return ran

    def _ask(self, job):
        for attempt in (1, 2):
            try:
                write_frame(self.process.stdin.fileno(), job)
                reply = self._reply()
            except OSError:
                reply = None
            if isinstance(reply, dict) and "said" in reply:
                return reply
            if attempt == 2:
                raise Lost(f"the sandbox failed: {(reply or {}).get('failed', 'it ended')}")
            self.start()

    def _reply(self):
        try:
            return read_frame(self.process.stdout.fileno())
        except (OSError, ValueError):
            return None

    def _prove(self):
        """Run a notebook that tries the doors. A sandbox that lets it out, or keeps it from computing, is none."""
        found = self.run([PROBE], [Question("probe", encode([([1.0, 2.0],)]))])
        if [outcome.value for outcome in outcomes(found.said[0], 1)] != [[3.0]]:
            self.close()
            got = found.cells or found.ended[0] or found.said[0]
            raise NoSandbox(f"The sandbox started, but does not hold: {got}. {REMEDY} {TRUST}")


PROBE = f"""
import os, socket, subprocess
import torch

def opens(what):
    try:
        what()
    except (OSError, ImportError, ValueError):
        return False
    return True

DOORS = {{
    "programs": lambda: subprocess.run(["/bin/true"]),
    "network": lambda: socket.socket(socket.AF_INET),
    "home": lambda: os.listdir({str(Path.home())!r}) and open({str(Path.home() / ".profile")!r}),
    "tasks": lambda: __import__("pooling_course.exercises.tasks.output_size"),
    "processes": lambda: os.stat("/proc/self"),
    "system": lambda: open("/usr/written", "w"),
}}

def probe(numbers):
    return [name for name in DOORS if opens(DOORS[name])] or [torch.tensor(numbers).sum().item()]
"""
REMEDY = (
    "It needs Linux 5.14 or newer, the packages bubblewrap and libseccomp2, and leave for unprivileged users to make "
    f"namespaces (on Ubuntu 24.04: `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`); {MANUAL}"
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
    needed = (*SYSTEM, HUGE_PAGES, sys.base_prefix, sys.prefix, str(PACKAGE))
    if not any(path.startswith("/tmp/") for path in needed):
        room += ["--symlink", SCRATCH, "/tmp"]
    for path in needed:
        for folder in list(Path(path).parents)[-2::-1]:  # bubblewrap would make them for root alone
            room += ["--dir", str(folder)]
        room += ["--ro-bind-try", path, path]
    for folder in MASKED:
        room += ["--tmpfs", str(PACKAGE / folder)]
    return [shutil.which("bwrap"), *room, "--", *python]


def why(reply, limits):
    """In a few words, why a step did not come to its end."""
    if reply["why"] == "end":
        killed = reply["status"] < 0
        return "it crashed Python, or took too much time or memory" if killed else "it ended Python"
    return {
        "time": f"it took longer than {limits.wall_seconds} s",
        "total": f"the notebook took longer than {limits.total_seconds} s",
        "output": "it wrote too much",
        "order": "it wrote where only the grader writes",
    }[reply["why"]]


def _error(text):
    try:
        return str(json.loads(text or '""'))
    except (ValueError, RecursionError):
        return "what came back cannot be read"
