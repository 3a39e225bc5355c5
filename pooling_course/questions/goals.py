"""Questions answered by doing: a goal over what an explorer shows, as data; torch says whether it is reached.

A challenge is a question of the kind "reach". Beside what every question has, it has::

    case        {"input", "pooling"} as it stands at first; "direction", "compare": how it is looked at
    moves       what may be moved: names of settings; "kind"; "apart" for height and width apart; "cells" for typing
                numbers into the input. All else stands still.
    goal        conditions, all of which must hold
    mistakes    {"when": conditions, "value": an answer in which they hold, "reason", "misconception"}: what a wrong
                answer looks like, the most telling first
    hints       steps towards a solution, the first the smallest
    solution    an answer with as few moves as there can be; tests/questions/test_goals.py searches for fewer

A condition says something about one measure, in a way that a page without Python can judge, too (goals.js)::

    of          what is measured: a name of MEASURES
    over        "smallest", "largest", "total", "zeros" (how many are 0), or one cell [row, col]; left out, every one
    is, at_least, at_most, not      what it is compared with: a number, or [height, width]
    says        the condition in a few words

An answer is what stands in the explorer: {name: value} of what may be moved; of "cells" those that differ from the
case, [[row, col, value], ...].
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from ..maths import rules, words
from ..maths.kinds import made
from ..maths.kinds.pooling import Pooling
from ..maths.trace import Trace, trace
from ..maths.windows import Windows
from . import Question, _number, _Unclear

PAIRS = ("kernel_size", "stride", "padding", "dilation")
FLAGS = ("ceil_mode", "count_include_pad")
SETTINGS = tuple(Pooling.DEFAULTS)
MOVES = ("kind", *SETTINGS, "apart", "cells")
OVERS = ("smallest", "largest", "total", "zeros")
COMPARISONS = ("is", "at_least", "at_most", "not")
SLACK = 1e-6  # as for other answers: by how much numbers may differ, relative to what they are compared with


@dataclass(frozen=True)
class Stand:
    """What stands in an explorer: its settings, kind included, and its input (H, W)."""

    settings: dict[str, Any]
    x: torch.Tensor

    def pooling(self, kind: str = "") -> Windows:
        return made(self.settings | {"kind": kind or self.settings["kind"]})

    def trace(self, kind: str = "") -> Trace:
        return trace(self.pooling(kind), self.x)


# ---- what can be measured; each function takes what stands now, and what stood at first ----------------------------

MEASURES: dict[str, Callable[[Stand, Stand], torch.Tensor]] = {
    "size": lambda now, _: torch.tensor(now.trace().output.shape),
    "output": lambda now, _: now.trace().output,
    "max": lambda now, _: now.trace("max").output,
    "avg": lambda now, _: now.trace("avg").output,
    "max - avg": lambda now, _: _less(now.trace("max"), now.trace("avg")),
    "output moved": lambda now, start: _less(now.trace(), start.trace()).abs(),
    "max moved": lambda now, start: _less(now.trace("max"), start.trace("max")).abs(),
    "avg moved": lambda now, start: _less(now.trace("avg"), start.trace("avg")).abs(),
    "reads": lambda now, _: now.trace().reads,
    "gradient": lambda now, _: now.trace().backward(),
    "edits": lambda now, start: (now.x != start.x).sum()[None],
} | {name: lambda now, _, name=name: torch.tensor(rules.pair(name, now.settings[name])) for name in PAIRS}

REDUCED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "smallest": torch.min,
    "largest": torch.max,
    "total": torch.sum,
    "zeros": lambda table: (table == 0).sum(),
}


def _less(one, other):
    if one.output.shape != other.output.shape:  # torch would repeat a row or a column
        raise ValueError("outputs of two sizes have no difference.")
    return one.output - other.output


def measured(condition: dict, now: Stand, start: Stand) -> list[float] | None:
    """What a condition is about, as numbers; None where there is nothing to measure, as sizes differ."""
    try:
        table = MEASURES[condition["of"]](now, start)
    except ValueError:  # outputs of two sizes; a window that does not fit
        return None
    over = condition.get("over")
    if isinstance(over, list):
        inside = all(0 <= at < size for at, size in zip(over, table.shape, strict=True))
        return [table[tuple(over)].item()] if inside else None
    return (REDUCED[over](table)[None] if over else table).flatten().tolist()


def holds(condition: dict, numbers: list[float] | None) -> bool:
    """Whether a condition holds for what was measured: for each number, if there are several."""
    how = next(name for name in COMPARISONS if name in condition)
    wanted = condition[how] if isinstance(condition[how], list) else [condition[how]] * len(numbers or ())
    if not numbers or len(numbers) != len(wanted):
        return False
    return all(_compares(how, a, b) for a, b in zip(numbers, wanted, strict=True))


def _compares(how, a, b):
    slack = SLACK * max(1, abs(b))
    if how in ("is", "not"):
        return (abs(a - b) <= slack) == (how == "is")
    return a >= b - slack if how == "at_least" else a <= b + slack


# ---- the question --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reach(Question):
    """A challenge: bring the explorer to a goal."""

    goal: list = field(default_factory=list)
    moves: list = field(default_factory=list)
    hints: list = field(default_factory=list)
    solution: dict = field(default_factory=dict)

    @cached_property
    def start(self) -> Stand:
        """The case: what stands before anything is moved."""
        settings = Pooling.DEFAULTS | {"stride": self.pooling.stride} | self.pooling.traits()
        short = {name: rules.short(value) for name, value in settings.items()}
        return Stand({**short, "kind": self.pooling.kind}, self.input)

    def stand(self, answer: dict) -> Stand:
        """The case, moved as an answer says."""
        x = self.start.x.clone()
        for row, col, value in answer.get("cells", ()):
            x[row, col] = value
        moved = {n: tuple(v) if isinstance(v, list) else v for n, v in answer.items() if n != "cells"}
        return Stand(self.start.settings | moved, x)

    @cached_property
    def truth(self):
        return self.parse(self.solution)

    def count(self, answer: dict) -> int:
        """How many moves an answer is away from the case.

        A slider's step is one, in one direction or in both at once, and so is a switch or a number typed in; height and
        width apart is a switch.
        """
        moves, apart = len(answer.get("cells", ())), False
        for name, value in answer.items():
            was = self.start.settings.get(name)
            if name in PAIRS:
                down, across = (abs(a - b) for a, b in zip(_both(value), _both(was), strict=True))
                moves += down if down == across else down + across
                apart |= down != across
            elif name != "cells":
                moves += value != was
        return moves + apart

    def parse(self, raw):
        """What stands in the explorer, as the page sends it, in one form: pairs as short as they can be.

        Raises:
            ValueError: it stands nowhere, or torch refuses to pool so; a sentence that says so.
        """
        if not isinstance(raw, dict):
            raise ValueError("That is not an answer to this question; move the explorer.")
        answer: dict[str, Any] = {}
        try:
            for name in [name for name in self.moves if name in MOVES[:-2]]:
                answer[name] = _setting(name, raw.get(name, self.start.settings[name]))
            if "cells" in self.moves:
                answer["cells"] = self._cells(raw.get("cells", []))
            elif raw.get("cells"):
                raise _Unclear("In this challenge the input stays as it is.")
            self.stand(answer).trace()
        except _Unclear:
            raise
        except (TypeError, KeyError, IndexError, OverflowError):
            raise ValueError("That is not an answer to this question; move the explorer.") from None
        return answer

    def _cells(self, raw):
        cells, (h, w) = {}, self.start.x.shape
        for cell in raw:
            row, col, value = cell if isinstance(cell, list) and len(cell) == 3 else (None,) * 3
            if not (type(row) is int and type(col) is int and 0 <= row < h and 0 <= col < w):
                raise IndexError
            cells[row, col] = _number(value)
        return [[r, c, value] for (r, c), value in sorted(cells.items()) if value != self.start.x[r, c]]

    def conditions(self, answer: dict) -> list[dict]:
        """For each condition of the goal whether it is met, and what was measured."""
        now = self.stand(answer)
        found = [measured(condition, now, self.start) for condition in self.goal]
        return [{"met": holds(c, numbers), "now": numbers} for c, numbers in zip(self.goal, found, strict=True)]

    def grade(self, answer: dict) -> dict:
        """What is shown after a check; as long as the goal is not reached, neither the way there nor why."""
        met = self.conditions(answer)
        right = all(condition["met"] for condition in met)
        feedback = {"right": right, "goal": met, "moves": self.count(answer), "misconception": ""}
        if right:
            return feedback | {"why": self.why, "fewest": self.count(self.truth), "code": self.code(answer)}
        now = self.stand(answer)
        for mistake in self.mistakes:
            if all(holds(c, measured(c, now, self.start)) for c in mistake["when"]):
                return feedback | {"misconception": mistake["misconception"], "mistake": mistake["reason"]}
        return feedback

    def code(self, answer: dict) -> str:
        """The layer that an answer stands for, as a line of Python."""
        return self.stand(answer).pooling().code()

    @property
    def told(self) -> list[str]:
        """The hints, and at last the whole answer."""
        x, settings = self.truth.get("cells", []), [n for n in self.truth if n != "cells"]
        parts = [self.code(self.truth)] if settings else []
        parts += [f"{words.number(value)} at row {row}, column {col}" for row, col, value in x]
        return [*self.hints, f"The whole answer: {', and '.join(parts)}."]

    def public(self) -> dict:
        """The question without its key."""
        shown = {name: getattr(self, name) for name in ("id", "role", "kind", "prompt", "goal", "moves")}
        settings = {n: list(v) if isinstance(v, tuple) else v for n, v in self.start.settings.items()}
        return shown | {"case": {"settings": settings, "input": self.start.x.tolist()}, "hints": len(self.told)}

    def key(self) -> dict:
        fewest, mistakes = self.count(self.truth), [{n: v for n, v in m.items() if n != "value"} for m in self.mistakes]
        return {"why": self.why, "fewest": fewest, "mistakes": mistakes, "hints": self.told}


def _setting(name, value):
    if name in PAIRS:
        both = rules.pair(name, value)
        return both[0] if both[0] == both[1] else list(both)
    if name in FLAGS:
        return rules.flag(name, value)
    if name == "kind":
        if value not in Pooling.OWN:
            raise KeyError(value)
        return value
    return value if value is None else rules.integer(name, value)


def _both(value):
    return value if isinstance(value, (list, tuple)) else (value, value)
