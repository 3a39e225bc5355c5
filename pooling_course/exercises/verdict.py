"""The judge: outcomes of a function against the right results.

The judge never runs the learner's code. It gets plain data, from this notebook or from a sandbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .definition import Exercise, Mistake
from .outcome import LONGEST, Outcome, run_own
from .plain import alike, as_array, brief, differs, kind, plain, rich
from .report import Report, Value, hint_buttons
from .source import RULE

PRINTED = 300  # characters of what the function printed that are shown
HEADS = {
    "solved": "✓ {name}: all {total} cases pass.",
    "wrong": "✗ {name}: {passed} of {total} cases pass.",
    "untouched": "○ {name}: not attempted yet.",
    "refused": "✗ {name}: does not count yet.",
}
ON_PAPER = {"solved": "✓ {name}: that is right.", "wrong": "✗ {name}: not right yet."}
CALLED = "While your code ran, it called torch."


@dataclass(frozen=True)
class Verdict:
    """What the check of one exercise found.

    Attributes:
        exercise: its name, such as "output-size".
        passed, total: cases; passed is 0 where the answer breaks the rule of the exercise.
        state: "solved", "wrong", "untouched" (nothing written yet) or "refused" (no function, or a broken rule).
        mistake: the name of the known mistake that the function makes, such as "no-plus-one"; else None.
        report: what the learner reads.
        ladder: the hints of the exercise, the last of which is the model answer; () where it is solved.

    A verdict at the end of a cell shows its report, with a button for the hints.

    At the end of a graded cell write `verdict.points(3)`: nbgrader counts a bare verdict as full marks.
    """

    exercise: str
    passed: int
    total: int
    state: str
    mistake: str | None
    report: Report
    ladder: tuple[str, ...] = ()

    def points(self, full: float) -> float:
        """The mark: `full` for all cases, else the share of them that passed, in hundredths of a point."""
        return round(float(full) * self.passed / self.total, 2) if self.total else 0.0

    def __repr__(self):
        return repr(self.report) + (f'\nA hint, if you want one: `hint("{self.exercise}")`' if self.ladder else "")

    def _repr_html_(self):
        return self.report._repr_html_() + (hint_buttons(self.ladder) if self.ladder else "")

    def __bool__(self):
        return self.state == "solved"


def judge(exercise: Exercise, cases: list[tuple], outcomes: list[Outcome], faults: Sequence[str] = ()) -> Verdict:
    """The verdict on a function that did `outcomes` with `cases`.

    Args:
        exercise: what was to be done.
        cases: the arguments, as `exercise.cases(seed)` gives them.
        outcomes: one for each case; [] where the function was not run.
        faults: why the answer does not count, in sentences: how its source breaks the rule of the exercise. What
            breaks it only while it runs, the outcomes say.
    """
    if outcomes and all(outcome.state == "todo" for outcome in outcomes):
        advice = f"Write your code in `{exercise.function}` above, run that cell, then this one."
        return _verdict(exercise, 0, cases, "untouched", None, advice)
    if not faults and any(outcome.state == "torch" for outcome in outcomes):
        faults = [f"{RULE[exercise.rule]} {CALLED}"]
    if faults:
        return _verdict(exercise, 0, cases, "refused", None, *faults)
    said = [fault(exercise, case, outcome) for case, outcome in zip(cases, outcomes, strict=True)]
    passed = said.count("")
    if passed == len(cases):
        return _verdict(exercise, passed, cases, "solved")
    mistake = recognised(exercise, cases, outcomes)
    parts = [f"Its answers match a known mistake: {mistake.says}"] if mistake else []
    wrong = [i for i, sentence in enumerate(said) if sentence]
    first = min(wrong, key=lambda i: outcomes[i].state == "todo")  # rather one that was written than one that was not
    where = "Look again" if exercise.level == "own" else "The first case that fails"
    parts += [f"{where}: {said[first]}", *_shown(exercise, cases[first], outcomes[first])]
    return _verdict(exercise, passed, cases, "wrong", mistake, *parts)


def _verdict(exercise, passed, cases, state, mistake=None, *parts):
    total, name = len(cases), mistake.name if mistake else None
    heads = HEADS | (ON_PAPER if exercise.level == "own" else {})
    head = heads[state].format(name=exercise.name, passed=passed, total=total)
    ladder = exercise.ladder if state != "solved" else ()
    return Verdict(exercise.name, passed, total, state, name, Report(head, *parts), ladder)


def tried(name: str, state: str, why: str = "") -> Verdict:
    """The verdict on code that one function tests; it holds as a whole, or not."""
    heads = {"solved": "✓ {name}: it passes.", "wrong": "✗ {name}: {why}."}
    head = heads.get(state, HEADS[state]).format(name=name, why=why.rstrip("."))
    return Verdict(name, int(state == "solved"), 1, state, None, Report(head))


def fault(exercise: Exercise, case: tuple, outcome: Outcome) -> str:
    """What is wrong with one outcome: a sentence, or ""."""
    if outcome.state == "todo":
        return "it raises NotImplementedError: for this case nothing is written yet."
    if outcome.state == "late":
        return f"after {LONGEST} seconds it has returned nothing: is there a loop that never ends?"
    if outcome.state == "error":
        return f"it raises {outcome.error.rstrip('.')}."
    if not exercise.accepts:
        return differs(wanted(exercise, case), outcome.value, tell=exercise.level != "own")
    if outcome.value is None or isinstance(outcome.value, dict) and "other" in outcome.value:
        return f"it returns {kind(outcome.value)}{': is there a return?' if outcome.value is None else '.'}"
    try:
        return exercise.accepts(*case, rich(outcome.value))
    except (TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
        return f"it returns {brief(outcome.value)}, of which the check makes nothing: {str(error).rstrip('.')}."


def wanted(exercise: Exercise, case: tuple):
    """The right result, as plain data; where many are right, the one of the model answer."""
    return _wanted(exercise.truth or exercise.model, _Same(case))


@dataclass(frozen=True, eq=False)
class _Same:
    """A case as a key: no other is the same, though it may be equal."""

    case: tuple

    def __hash__(self):
        return id(self.case)

    def __eq__(self, other):
        return self.case is other.case


@lru_cache(maxsize=512)  # a class has most of its cases in common; the others come once
def _wanted(right, same):
    return plain(right(*same.case))


def given(exercise: Exercise, case: tuple) -> list[Value]:
    """The arguments of a case, by their names; where it has several tuples of them, a table of numbers, or for each
    name what all have in common, or what they have in turn."""
    rows = case if exercise.level == "own" else (case,)
    if len(rows) > 1 and as_array(plain(rows)) is not None:
        return [Value("a row for each", plain(rows), heads=exercise.parameters)]
    columns = zip(exercise.parameters, zip(*rows, strict=True), strict=True)
    return [value for name, values in columns for value in _in_turn(name, values)]


def _in_turn(name, values):
    if all(repr(value) == repr(values[0]) for value in values):
        return [Value(name, plain(values[0]))]
    if hasattr(values[0], "shape"):
        return [Value(f"{name} {i}", plain(value)) for i, value in enumerate(values, 1)]
    return [Value(name, plain(values))]


def _shown(exercise, case, outcome):
    right = wanted(exercise, case) if exercise.truth else None  # where many answers are right, none is given away
    yield from given(exercise, case)
    if exercise.truth and exercise.level != "own":
        yield Value("wanted", right)
    if outcome.state == "value":
        yield from _yours(outcome.value, right)
    if outcome.printed.strip():
        yield f"It printed: `{' / '.join(outcome.printed.split(chr(10))).strip(' /')[:PRINTED]}`"


def _yours(value, right):
    """What was returned; where maps of several sizes are asked for, each by itself."""
    apart = isinstance(right, list) and as_array(right) is None and all(np.ndim(as_array(one)) == 2 for one in right)
    if apart and isinstance(value, list) and len(value) == len(right):
        return [Value(f"yours {i}", *pair) for i, pair in enumerate(zip(value, right, strict=True), 1)]
    return [Value("yours", value, right)]


def recognised(exercise: Exercise, cases: list[tuple], outcomes: list[Outcome]) -> Mistake | None:
    """The known mistake whose outcomes are the same in every case, left out those for which nothing is written yet."""
    written = [pair for pair in zip(cases, outcomes, strict=True) if pair[1].state != "todo"]
    if not any(fault(exercise, *pair) for pair in written):
        return None  # what is written is right

    def same(mistake):
        return all(_alike(_done(mistake.function, _Same(case)), outcome) for case, outcome in written)

    return next(filter(same, exercise.mistakes), None)


@lru_cache(maxsize=1024)  # as above
def _done(function, same):
    return run_own(function, same.case)


def _alike(a, b):
    if a.state != b.state:
        return False
    if a.state == "error":
        return a.error == b.error
    return alike(a.value, b.value)
