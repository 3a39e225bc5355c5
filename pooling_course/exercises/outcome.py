"""What a function does with the cases it is tried on: values, errors and prints, kept as plain data."""

import copy
import io
import re
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .plain import plain

POOLS = re.compile("pool|unfold|im2col|col2im|conv")  # in the names of torch's operations: what makes windows


@dataclass(frozen=True)
class Outcome:
    """What a function did with one case.

    Attributes:
        state: "value" where it returned, "error" where it raised, "todo" where nothing is written yet, "torch" where
            it let torch do what it was to do itself.
        value: what it returned, as plain data.
        error: what it raised, such as "IndexError: ..."; or what else kept it from returning.
        printed: what it printed.
    """

    state: str
    value: object = None
    error: str = ""
    printed: str = ""


def run(function: Callable, args: Iterable, rule: str = "any") -> Outcome:
    """What a function does with its arguments; it gets copies, and what it prints is kept.

    Args:
        function: the learner's.
        args: its arguments.
        rule: of the exercise; "numpy" has torch's operations watched while the function runs.
    """
    printed, args = _Kept(), copy.deepcopy(list(args))
    watch = NoTorch(args) if rule == "numpy" else nullcontext()
    try:
        with warnings.catch_warnings(), redirect_stdout(printed), redirect_stderr(printed):
            warnings.simplefilter("ignore")
            with watch:
                returned = function(*args)
            outcome = Outcome("value", plain(returned), printed=printed.getvalue())
    except NotImplementedError:
        outcome = Outcome("todo", printed=printed.getvalue())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, too: exit() in an answer must not end the notebook
        text = f"{type(error).__name__}: {_first_line(error)}"
        outcome = Outcome("error", error=text, printed=printed.getvalue())
    return Outcome("torch", printed=printed.getvalue()) if getattr(watch, "saw", False) else outcome


class NoTorch(TorchDispatchMode):
    """Stops torch's operations in a `with` block, however they are called, and remembers that there were any.

    Where the task itself hands in tensors, only those that make windows are stopped. Another thread is not watched.
    """

    def __init__(self, args: list):
        super().__init__()
        self.saw, self.only_pools = False, any(isinstance(arg, torch.Tensor) for arg in args)

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
