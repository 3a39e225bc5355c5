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
from dataclasses import dataclass
from typing import Any

import torch

from ..maths import rules
from ..maths.kinds import made
from ..maths.kinds.pooling import Pooling
from ..maths.trace import Trace, trace
from ..maths.windows import Windows

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


# ---- settings as the page sends them ------------------------------------------------------------------------------


def setting(name: str, value: Any) -> Any:
    """A setting in one form: a pair as short as it can be.

    Raises:
        TypeError, ValueError, KeyError: it is none.
    """
    if name in PAIRS:
        height, width = rules.pair(name, value)
        return height if height == width else [height, width]
    if name in FLAGS:
        return rules.flag(name, value)
    if name == "kind":
        if value not in Pooling.OWN:
            raise KeyError(value)
        return value
    return value if value is None else rules.integer(name, value)


def both(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value, value)
