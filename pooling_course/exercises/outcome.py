"""What a function does with the cases it is tried on: values, errors and prints, kept as plain data."""

import copy
import io
import warnings
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from .plain import plain


@dataclass(frozen=True)
class Outcome:
    """What a function did with one case.

    Attributes:
        state: "value" where it returned, "error" where it raised, "todo" where nothing is written yet.
        value: what it returned, as plain data.
        error: what it raised, such as "IndexError: ..."; or what else kept it from returning.
        printed: what it printed.
    """

    state: str
    value: object = None
    error: str = ""
    printed: str = ""


def run(function: Callable, args: Iterable) -> Outcome:
    """What a function does with its arguments; it gets copies, and what it prints is kept."""
    printed = _Kept()
    try:
        with warnings.catch_warnings(), redirect_stdout(printed), redirect_stderr(printed):
            warnings.simplefilter("ignore")
            value = plain(function(*copy.deepcopy(list(args))))
    except NotImplementedError:
        return Outcome("todo", printed=printed.getvalue())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, too: exit() in an answer must not end the notebook
        return Outcome("error", error=f"{type(error).__name__}: {_first_line(error)}", printed=printed.getvalue())
    return Outcome("value", value, printed=printed.getvalue())


class _Kept(io.StringIO):
    """What is printed; an answer that closes sys.stdout closes nothing."""

    def close(self):
        pass


def _first_line(error):
    try:
        return (str(error).splitlines() or ["no reason given"])[0]
    except Exception:  # an exception of the learner's own, with a __str__ that fails
        return "no reason given"
