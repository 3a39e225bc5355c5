"""The questions, as data: one JSON file for each lesson of `lessons.json`, and what can be asked of a question.

A question is a dictionary::

    id, title       a name unique in the course; what people call it, for any numbers, and without a hint at the answer
    role            "predict", "check", "return", "myth", "pre" or "post" where its lesson asks it, and "review"
                    where no lesson does
    kind            "one", "several", "number", "shape", "cells", "fill" or "order"; or "reach", see goals.py
    prompt, why     what is asked; what is true, shown after the commitment
    choices         for one and several: {"text", "reason", "misconception" where wrong, and "value" or "right"}
    steps           for order: the steps in their right order
    mistakes        for number, shape, fill and cells: {"value", "reason", "misconception"} of typical wrong answers
    case            {"input": preset, table or {"shape": [...]}, "pooling": settings}, which the explorer opens too;
                    "shift" where the answer moves the input
    answer, at      the name of what torch computes (answers.py), for the cell `at`; never a typed-in result
    unit, source    what a number counts; where the rule stands
    misconception   what it is about, as a short name shared between questions

draw.py asks it with other numbers.

Right are the choices whose "value" equals the computed answer (for several: is one of those computed); only where
nothing is computed does "right" say it.
"""

import json
import math
import random
import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch

from ..maths import rules, words
from ..maths.data import as_it_lies, as_tensor
from ..maths.device import usual
from ..maths.kinds.pooling import Pooling
from ..maths.trace import Trace, trace
from .answers import ANSWERS
from .goals import MOVES, PAIRS, Stand, both, holds, measured, setting
from .lessons import LESSONS

FOLDER = Path(__file__).parent
ON_CARDS = ("one", "several", "number", "shape", "cells", "fill", "order")  # chosen, typed or marked on a card
KINDS = (*ON_CARDS, "reach")
ROLES = ("predict", "check", "return", "myth", "pre", "post", "review")
SURE = ("a guess", "fairly sure", "certain")


@dataclass(frozen=True)
class Question:
    """One question; `grade` takes what `parse` returns. Made from the data by `question` and `all_questions`."""

    id: str
    title: str
    lesson: str
    role: str
    kind: str
    prompt: str
    why: str
    choices: list = field(default_factory=list)
    steps: list = field(default_factory=list)
    mistakes: list = field(default_factory=list)
    case: dict = field(default_factory=dict)
    answer: str | None = None
    at: list | None = None
    tolerance: float = 1e-6
    unit: str = ""
    source: str = ""
    misconception: str = ""
    seed: int | None = None  # what its numbers were drawn from; None: they are the lesson's own
    numbers: dict = field(default_factory=dict)  # drawn for an answer that reads no case

    # ---- what torch says ---------------------------------------------------------------------------------------

    @property
    def pooling(self) -> Pooling | None:
        given = self.case.get("pooling", {})
        settings: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
        return Pooling(**settings) if settings else None

    @property
    @usual()
    def input(self) -> torch.Tensor | None:
        given = self.case.get("input")
        if isinstance(given, str):
            from ..images import preset

            return preset(given)
        if isinstance(given, dict):
            digits = torch.randint(10, given["shape"], generator=torch.Generator().manual_seed(0))
            return digits.float()
        return None if given is None else as_tensor(given)

    @property
    def trace(self) -> Trace:
        x = self.input
        if x is None:
            raise ValueError(f"the question {self.id!r} has no case to pool.")
        return trace(self.pooling, as_it_lies(x))

    @cached_property
    @usual()
    def truth(self):
        """The right answer in the form that `parse` gives: computed by torch wherever the data names an `answer`."""
        if self.kind == "order":
            return [self.shown_order.index(step) for step in range(len(self.steps))]
        computed: Any = ANSWERS[self.answer](self) if self.answer else None
        if self.kind not in ("one", "several"):
            return computed
        several = computed if self.kind == "several" else [computed]
        right = [i for i, c in enumerate(self.choices) if (c["value"] in several if "value" in c else c.get("right"))]
        return right[0] if self.kind == "one" else right

    @cached_property
    def whole(self) -> bool:
        """Whether the answer is a count, and so a whole number: not a value that comes out of the pooling."""
        return self.kind == "number" and isinstance(self.truth, int)

    @property
    def compares(self) -> bool:
        """Whether it asks what both poolings make of the same windows; its explorer then shows both."""
        return self.answer in ("max_and_average", "max_minus_average")

    # ---- what the learner says -----------------------------------------------------------------------------------

    def parse(self, raw):
        """The answer in `raw`, as the page sends it.

        Raises:
            ValueError: nothing was chosen, or what was typed is no answer of this kind; a sentence that says so.
        """
        if raw is None or raw in ("", [], {}):
            raise ValueError("No answer yet: give one, even if it is a guess.")
        try:
            return _PARSERS[self.kind](self, raw)
        except _Unclear:
            raise
        except (TypeError, ValueError, KeyError, IndexError, OverflowError):
            raise ValueError(f"That is not an answer to this question; {_WANTED[self.kind]}.") from None

    def grade(self, answer) -> dict:
        """What is shown after the commitment: right or not, the reason of every choice, the truth, and why."""
        feedback = {"right": self._is_right(answer), "why": self.why, "truth": self.truth, "misconception": ""}
        chosen = answer if isinstance(answer, list) else [answer]
        if self.kind in ("one", "several"):
            right = self.truth if self.kind == "several" else [self.truth]
            feedback["choices"] = [
                {"reason": c["reason"], "right": i in right, "chosen": i in chosen} for i, c in enumerate(self.choices)
            ]
            wrong = [self.choices[i] for i in chosen if i not in right]
        else:
            wrong = [m for m in self.mistakes if not feedback["right"] and _close(answer, m["value"], self.tolerance)]
        if wrong:
            feedback["misconception"] = wrong[0].get("misconception", "")
            feedback["mistake"] = wrong[0]["reason"]
        return feedback

    def _is_right(self, answer):
        if self.kind == "cells":
            return sorted(answer) == sorted(self.truth)
        return _close(answer, self.truth, self.tolerance)

    # ---- what the page gets --------------------------------------------------------------------------------------

    @property
    def shown_order(self) -> list[int]:
        """The steps as they are put before the learner: shuffled, the same for everyone, never in the right order.

        Answers number the steps as shown, so that the numbers do not give the order away.
        """
        order = list(range(len(self.steps)))
        shuffle = random.Random(self.id)
        while len(order) > 1 and order == sorted(order):
            shuffle.shuffle(order)
        return order

    @property
    def _speaks_of_its_layer(self):
        """Whether the case's layer belongs under the prompt; beside layers to choose from, it might give one away."""
        names_layers = "nn." in self.prompt or self.kind == "several" or self.compares
        return self.pooling is not None and (not names_layers or bool(re.search(r"\b(the|this) layer\b", self.prompt)))

    def public(self) -> dict:
        """The question without its key."""
        shown: dict[str, Any] = {"id": self.id, "role": self.role, "kind": self.kind}
        shown |= {"prompt": self.prompt, "unit": self.unit}
        shown["choices"] = [c["text"] for c in self.choices]
        shown["steps"] = [[n, self.steps[i]] for n, i in enumerate(self.shown_order)]
        pooling = self.pooling
        shown["explorable"] = pooling is not None
        shown["code"] = pooling.code() if pooling is not None and self._speaks_of_its_layer else ""
        x = self.input
        if x is not None and not isinstance(self.case["input"], dict) and x.ndim == 2:
            shown["grid"] = x.tolist()
        if self.kind == "number":
            shown["whole"] = self.whole
        if self.kind == "fill":
            shown["size"] = list(self.trace.output.shape)
        return shown

    def key(self) -> dict:
        """Everything a page without a kernel needs to grade by itself."""
        key = {"why": self.why, "truth": self.truth, "tolerance": self.tolerance, "mistakes": self.mistakes}
        if self.choices:
            shown = self.grade(self.truth)["choices"]
            slips = [{"misconception": choice.get("misconception", "")} for choice in self.choices]
            key["choices"] = [{**choice, **slip} for choice, slip in zip(shown, slips, strict=True)]
        return key


@dataclass(frozen=True)
class Reach(Question):
    """A challenge: bring the explorer to a goal. goals.py says what it is made of."""

    goal: list = field(default_factory=list)
    moves: list = field(default_factory=list)
    hints: list = field(default_factory=list)
    solution: dict = field(default_factory=dict)

    @cached_property
    def start(self) -> Stand:
        """The case: what stands before anything is moved."""
        pooling, x = self.pooling, self.input
        if pooling is None or x is None:
            raise ValueError(f"the challenge {self.id!r} has no case to begin with.")
        settings = Pooling.DEFAULTS | {"stride": pooling.stride} | pooling.traits()
        return Stand({name: rules.short(value) for name, value in settings.items()} | {"kind": pooling.kind}, x)

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
                down, across = (abs(a - b) for a, b in zip(both(value), both(was), strict=True))
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
                answer[name] = setting(name, raw.get(name, self.start.settings[name]))
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
        shown["hints"] = words.hint_names(len(self.told))
        return shown | {"case": {"settings": settings, "input": self.start.x.tolist()}}

    def key(self) -> dict:
        fewest, mistakes = self.count(self.truth), [{n: v for n, v in m.items() if n != "value"} for m in self.mistakes]
        return {"why": self.why, "fewest": fewest, "mistakes": mistakes, "hints": self.told}


@cache
def all_questions() -> dict[str, Question]:
    """Every question by its id, lesson after lesson.

    >>> question("max-channels").kind
    'one'
    """
    found: dict[str, Question] = {}
    for lesson in LESSONS:
        for data in json.loads((FOLDER / f"{lesson}.json").read_text(encoding="utf-8")):
            if data["id"] in found:
                raise ValueError(f"two questions are called {data['id']!r}: ids are unique in the course.")
            found[data["id"]] = (Reach if data["kind"] == "reach" else Question)(lesson=lesson, **data)
    return found


def question(name: str) -> Question:
    """The question of that id.

    Raises:
        ValueError: there is none; the sentence names near ones.
        TypeError: name is no text.
    """
    if not isinstance(name, str):
        kind = type(name).__name__
        raise TypeError(f"{name!r} is of type {kind}: a question is called by its name, such as 'max-channels'.")
    if name not in all_questions():
        from difflib import get_close_matches

        near = get_close_matches(name, all_questions(), n=3) or list(all_questions())[:3]
        raise ValueError(f"no question is called {name!r}; there is {', '.join(map(repr, near))}.")
    return all_questions()[name]


# ---- one parser a kind -------------------------------------------------------------------------------------------


class _Unclear(ValueError):
    """A sentence for the learner, passed on as it is."""


def _number(text, whole=False):
    try:
        value = words.read_number(str(text))
        if not math.isfinite(value):
            raise ValueError
    except ValueError:
        raise _Unclear(f"'{text}' is not a number; write one such as 0.25, -3 or 1/9.") from None
    if whole and not value.is_integer():
        raise _Unclear(f"'{text}' is not a whole number, and one is asked for here.")
    return value


def _choice(q, raw):
    if isinstance(raw, bool) or int(raw) != float(raw) or not 0 <= int(raw) < len(q.choices):
        raise ValueError
    return int(raw)


def _several(q, raw):
    return sorted({_choice(q, i) for i in raw})


def _shape(q, raw):
    typed = raw
    if isinstance(raw, str):
        raw = re.split(r"[\s,x×]+", raw.strip().removeprefix("torch.Size").strip("()[] "))
    sizes = [text for n in raw if (text := str(n).strip())]
    if not sizes or not all(text.isascii() and text.isdigit() for text in sizes):
        raise _Unclear(f"'{typed}' is not a shape; write whole numbers, such as 8, 16, 32, 32.")
    return [int(text) for text in sizes]


def _cells(q, raw):
    h, w = q.input.shape
    cells = sorted({(int(r), int(c)) for r, c in raw})
    if not all(0 <= r < h and 0 <= c < w for r, c in cells):
        raise ValueError
    return [list(cell) for cell in cells]


def _fill(q, raw):
    h, w = q.trace.output.shape
    blank = sum(v is None or str(v).strip() == "" for row in raw for v in row)
    if blank:
        raise _Unclear(f"{blank} of {h * w} cells are still empty: fill them all, a guess will do.")
    table = [[_number(v) for v in row] for row in raw]
    if len(table) != h or any(len(row) != w for row in table):
        raise ValueError
    return table


def _order(q, raw):
    order = [int(i) for i in raw]
    if sorted(order) != list(range(len(q.steps))):
        raise ValueError
    return order


_PARSERS = {
    "one": _choice,
    "several": _several,
    "number": lambda q, raw: _number(raw, q.whole),
    "shape": _shape,
    "cells": _cells,
    "fill": _fill,
    "order": _order,
}
_WANTED = {
    "one": "choose one of the choices",
    "several": "choose one or more of the choices",
    "number": "write one number",
    "shape": "write a shape, such as 8, 16, 32, 32",
    "cells": "mark cells of the grid",
    "fill": "write a number into every cell",
    "order": "put the steps in order",
}


def _close(a, b, tolerance):
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_close(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= tolerance * max(1, abs(b))
    return a == b
