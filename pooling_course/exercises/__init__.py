"""The exercises: tasks to be solved in code, and checks that name the mistake.

One file in `tasks` is one exercise: the task, a model answer, cases whose right results torch computes, and typical
mistakes as real code. A learner's function is run on the cases. Where it fails and answers just as a known mistake
does, the verdict says which.
"""

import traceback
from collections.abc import Callable

import numpy as np

from .definition import Exercise, load, names, nobodys
from .outcome import Outcome, run, run_all
from .report import Report
from .source import faults, meaning_of
from .verdict import Verdict, given, judge, tried

__all__ = ["Exercise", "Outcome", "Verdict", "attempt", "check", "hint", "judge", "load", "names", "run", "your_case"]

_asked: dict[str, int] = {}  # how far down the hint ladder this session has gone, by exercise


def check(name: str, function: Callable, seed: int | str | tuple = 0) -> Verdict:
    """Run a learner's function on the cases of an exercise.

    Args:
        name: of the exercise, such as "output-size"; `names()` lists them.
        function: the learner's.
        seed: of the cases that are drawn, a number or a student's name, or several in a tuple; those at the edges are
            always the same.

    Returns:
        A Verdict: shown at the end of a cell it is a report with a button for hints, which `.report` has not;
        `.points(3)` turns it into a mark.

    What the function raises, prints or returns never stops the notebook: it is reported.

    Raises:
        ValueError: there is no exercise of that name; the sentence lists those there are.

    >>> check("output-size", lambda size, kernel_size, stride, padding: size // stride).mistake
    'no-kernel'
    """
    exercise = load(name)
    cases = exercise.cases(seed)
    if not callable(function):
        called = f"{exercise.function}, without parentheses" if function is not None else "the name of your function"
        return judge(exercise, cases, [], [f"The check needs the function itself ({called}), and got {function!r}."])
    outcomes = run_all(function, exercise.asks(cases), exercise.rule)
    return judge(exercise, cases, outcomes, faults(exercise.rule, exercise.function, meaning_of(function)))


def attempt(name: str, tests: Callable[[], None]) -> Verdict:
    """Run tests that are written as asserts, for code that one assignment alone asks for.

    Args:
        name: of what is tested, as the report calls it.
        tests: a function that raises AssertionError, or any other error, where the code is not right.

    Returns:
        A Verdict, as from `check`: `.points(4)` gives all points where nothing is raised, and else none.

    >>> def tests():
    ...     assert 1 + 1 == 3, "three is wanted"
    >>> attempt("adding", tests)
    ✗ adding: three is wanted.
    """
    try:
        tests()
    except NotImplementedError:
        return tried(name, "untouched")
    except AssertionError as error:
        line = traceback.extract_tb(error.__traceback__)[-1].line
        return tried(name, "wrong", str(error) or f"this does not hold: `{line}`")
    except Exception as error:
        return tried(name, "wrong", f"it raises {type(error).__name__}: {error}")
    return tried(name, "solved")


def your_case(name: str, seed: int | str) -> Report:
    """The numbers that an exercise gives to one student, who works them out on paper.

    Args:
        name: of the exercise, such as "my-output-size"; of any other, its first case is shown.
        seed: the student's name, as in `check(name, function, seed)`.

    >>> your_case("output-size", "ada")
      size: 6
      kernel_size: 2
      stride: 2
      padding: 0
    """
    exercise = load(name)
    return Report(*given(exercise, exercise.cases(seed)[0]), *nobodys(seed))


class Hint(str):
    """Text that a notebook shows as it is, line breaks and all."""

    def __repr__(self):
        return str(self)


def hint(name: str, step: int | None = None) -> Hint:
    """A hint for an exercise: at the first call a nudge, then the idea, then the model answer, which is announced.

    Own numbers, such as those of "my-output-size", have no model answer.

    Args:
        name: of the exercise.
        step: 1, 2 or 3 for one hint of the ladder; None for the next one.

    Raises:
        ValueError: no such exercise or step.

    >>> print(hint("output-size", step=1).splitlines()[0])
    Nudge: Put a window of 3 on a map of 5, stride 1, and count the places where it can start.
    """
    exercise = load(name)
    ladder = exercise.ladder
    if step is None:
        step = _asked[name] = min(_asked.get(name, 0) + 1, len(ladder))
    if not isinstance(step, (int, np.integer)) or not 1 <= step <= len(ladder):
        are = ["1 (a nudge)", "2 (the idea)", "3 (a model answer)"][: len(ladder)]
        raise ValueError(f"step={step!r}: the hints of {name!r} are {', '.join(are[:-1])} and {are[-1]}.")
    title = ("Nudge: ", "Idea: ", "Model answer:\n")[step - 1]
    on = ("goes one step further", "shows the whole answer")[step == 2]
    more = f'\n\nStill stuck? hint("{name}") {on}.' if step < len(ladder) else ""
    return Hint(f"{title}{ladder[step - 1]}{more}")
