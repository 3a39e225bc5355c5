"""What a function does with the cases it is tried on: values, errors and prints, kept as plain data."""

import copy
import io
import re
import signal
import threading
import warnings
from collections.abc import Callable, Iterable
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .plain import plain

LONGEST = 10  # seconds for one case, when a learner asks; benchmarks/checks.py says how long right answers take
POOLS = re.compile("pool|unfold|im2col|col2im|conv")  # in the names of torch's operations: what makes windows


@dataclass(frozen=True)
class Outcome:
    """What a function did with one case.

    Attributes:
        state: "value" where it returned, "error" where it raised, "todo" where nothing is written yet, "torch" where
            it let torch do what it was to do itself, "late" where it had not returned in time.
        value: what it returned, as plain data.
        error: what it raised, such as "IndexError: ..."; or what else kept it from returning.
        printed: what it printed.
    """

    state: str
    value: object = None
    error: str = ""
    printed: str = ""


def run_all(function: Callable, cases: list[tuple], rule: str = "any") -> list[Outcome]:
    """What a function does with each case; once it is late for one, it is not asked for more."""
    outcomes: list[Outcome] = []
    for case in cases:
        late = outcomes and outcomes[-1].state == "late"
        outcomes.append(Outcome("late") if late else run(function, case, rule, LONGEST))
    return outcomes


def run(function: Callable, args: Iterable, rule: str = "any", seconds: float = 0) -> Outcome:
    """What a function does with its arguments; it gets copies, and what it prints is kept.

    Args:
        function: the learner's.
        args: its arguments.
        rule: of the exercise; "numpy" has torch's operations watched while the function runs.
        seconds: after which it is stopped, where the system can do that; 0 for never.
    """
    printed, copies = _Kept(), copy.deepcopy(list(args))
    watch = NoTorch(copies) if rule == "numpy" else nullcontext()
    with warnings.catch_warnings(), redirect_stdout(printed), redirect_stderr(printed):
        warnings.simplefilter("ignore")
        outcome = _outcome(function, copies, watch, seconds)
    outcome = Outcome("torch") if getattr(watch, "saw", False) else outcome
    return replace(outcome, printed=printed.getvalue())


def run_own(function: Callable, args: Iterable) -> Outcome:
    """What a function of the course does, such as a known mistake. Threads may ask at the same time, as grading does:
    `run` changes for a while where the whole process prints, and of two that overlap, one would leave it changed."""
    with np.errstate(all="ignore"):
        return _outcome(function, copy.deepcopy(list(args)), nullcontext(), 0)


def _outcome(function, args, watch, seconds):
    try:
        with watch, _limit(seconds):
            returned = function(*args)
        return Outcome("value", plain(returned))
    except NotImplementedError:
        return Outcome("todo")
    except _Late:
        return Outcome("late")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, too: exit() in an answer must not end the notebook
        return Outcome("error", error=f"{type(error).__name__}: {_first_line(error)}")


class _Late(BaseException):
    """No Exception, so that an answer which catches those does not go on."""


@contextmanager
def _limit(seconds):
    """Raises _Late in the block after so many seconds, and every second from then on.

    It takes an alarm, which Windows does not have, and which only the main thread may set.
    """
    if not seconds or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(*_):
        raise _Late

    before = signal.signal(signal.SIGALRM, late)
    try:
        with suppress(OSError):  # a sandbox may forbid it
            signal.setitimer(signal.ITIMER_REAL, seconds, 1)
        yield
    finally:
        with suppress(OSError):
            signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class NoTorch(TorchDispatchMode):
    """Stops torch's operations in a `with` block, however they are called, and remembers that there were any.

    Where the task itself hands in tensors, only those that make windows are stopped. Another thread is not watched.
    """

    def __init__(self, args: list):
        super().__init__()
        self.saw, self.only_pools = False, any(isinstance(arg, torch.Tensor) for arg in args)

    @classmethod
    def _should_skip_dynamo(cls):
        """No: to skip its compiler torch would first import it, for a second or two."""
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if self.only_pools and not POOLS.search(func.overloadpacket.__name__):
            return func(*args, **(kwargs or {}))
        self.saw = True
        raise RuntimeError("torch does the work here")


class _Kept(io.StringIO):
    """What is printed; an answer that closes sys.stdout closes nothing."""

    def close(self):
        pass


def _first_line(error):
    try:
        return (str(error).splitlines() or ["no reason given"])[0]
    except Exception:  # an exception of the learner's own, with a __str__ that fails
        return "no reason given"
