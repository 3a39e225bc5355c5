"""New numbers for a question: what may vary, what must hold, and torch for the key and for every wrong answer.

A draw is a function named as its question, with _ for -. The decorator says what may vary; the defaults are the
lesson's own numbers, of which the table of the case (`grid`) is read from the question. The function returns what is
said with them::

    @draws(n=range(6, 13), k=[2, 3])
    def stride_one_rows(n=8, k=2):
        hold(n // k > 1)
        return {
            "prompt": f"nn.MaxPool2d({k}, stride=1) pools a map of {n} × {n}. How many rows does the output have?",
            ...
        }

Its parts are those of a question where they change: prompt, why, case, at; and numbers, which an answer reads that has
no case. The rest stands in lists, or in dictionaries by place: `values` of choices or mistakes, or functions of the
question that compute them; `texts` and `reasons`, in which {value} is what that choice or mistake comes to ({size}:
2 × 3), and {key} the right answer. What is left out stays, and a wrong answer without a value here is what its
misconception makes of the case (misconceptions.py).

What must hold in every draw: the same choices are right as in the lesson, all answers differ, and the right one can be
typed. What does not hold is drawn again, and after TRIES times there is an error: no draw goes on for ever. With its
own numbers a draw says what the lesson says, word for word: a test holds this.
"""

import inspect
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ..maths import words
from . import Question, all_questions, question
from .misconceptions import MISCONCEPTIONS, key

TRIES = 1000
DRAWS: dict[str, "Draw"] = {}


class Unfit(Exception):
    """These numbers do not serve: draw others."""


def hold(condition) -> None:
    """What must hold of the numbers drawn."""
    if not condition:
        raise Unfit


@dataclass(frozen=True)
class Draw:
    """What may vary in a question, and what is said with it."""

    name: str
    vary: dict[str, Any]
    say: Callable[..., dict]

    def numbers(self, rng: random.Random) -> dict:
        """Numbers for everything that may vary; what is a function draws from a Dice, which knows those before."""
        dice = Dice(rng)
        for name, source in self.vary.items():
            dice[name] = source(dice) if callable(source) else rng.choice(source)
        return dict(dice)

    def own(self) -> dict:
        """The lesson's own numbers."""
        defaults = inspect.signature(self.say).parameters
        x = question(self.name).input
        table = {} if x is None else {"grid": [[_plain(v) for v in row] for row in x.tolist()] if x.ndim == 2 else None}
        return {name: table[name] if p.default is p.empty else p.default for name, p in defaults.items()}

    def ask(self, numbers: dict, seed: int | None = None) -> Question:
        """The question with these numbers.

        Raises:
            Unfit: something does not hold with them.
        """
        asked = question(self.name)
        said = self.say(**numbers)
        parts = {part: said[part] for part in ("case", "at", "numbers") if part in said}
        q = replace(asked, seed=seed, **parts)
        found = "choices" if q.choices else "mistakes"
        listed = [dict(entry) for entry in getattr(q, found)]
        right = ([asked.truth] if q.kind == "one" else asked.truth) if q.choices else []
        values, texts, reasons = (_places(said.get(name)) for name in ("values", "texts", "reasons"))
        for place, entry in enumerate(listed):
            if place in values:
                value = values[place]
                entry["value"] = value(q) if callable(value) else value
            elif not q.choices or re.search(r"{(value|size)}", texts.get(place, "")):
                entry["value"] = key(q) if place in right else MISCONCEPTIONS[entry["misconception"]](q)
            entry["value"] = _plain(entry["value"], digits=None if q.choices else 6)
        more: dict[str, Any] = {found: listed}
        q = replace(q, **more)
        truth = key(q)
        for place, entry in enumerate(listed):
            for name, text in (("text", texts.get(place)), ("reason", reasons.get(place))):
                if text is not None:
                    entry[name] = _filled(text, value=entry["value"], key=truth)
        more = {part: _filled(said[part], key=truth) for part in ("prompt", "why") if part in said}
        q = replace(q, **more)
        _check(q, truth, right)
        return q


def _places(given) -> dict[int, Any]:
    listed = given.items() if isinstance(given, dict) else enumerate(given or ())
    return {place: value for place, value in listed if value is not None}


def _plain(value, digits=None):
    """Whole numbers without their .0, as people write them; and with `digits`, without the tail of float32."""
    if isinstance(value, list):
        return [_plain(v, digits) for v in value]
    if not isinstance(value, float):
        return value
    return int(value) if value.is_integer() else round(value, digits) if digits else value


def _filled(text: str, **named) -> str:
    for name, value in named.items():
        if f"{{{name}}}" in text:
            text = text.replace(f"{{{name}}}", written(value))
    return text.replace("{size}", " × ".join(map(str, named["value"]))) if "{size}" in text else text


def _check(q: Question, truth, right: list[int]) -> None:
    """What must hold in every draw."""
    if q.choices:
        several = truth if q.kind == "several" else [truth]
        hold([i for i, choice in enumerate(q.choices) if choice["value"] in several] == right)
        hold(len({repr(c["value"]) for c in q.choices}) == len({c["text"] for c in q.choices}) == len(q.choices))
        return
    answers = [truth, *(mistake["value"] for mistake in q.mistakes)]
    hold(all(_apart(a, b, q.tolerance) for i, a in enumerate(answers) for b in answers[:i]))
    hold(q.tolerance > 1e-3 or all(words.is_exact(v) for v in flat(truth)))


def flat(value) -> list:
    """The numbers of a table, in reading order."""
    return [v for part in value for v in flat(part)] if isinstance(value, list) else [value]


def _apart(a, b, tolerance):
    """Whether two answers differ by so much that nobody who rounds takes one for the other."""
    x, y = flat(a), flat(b)
    near = 4 * max(tolerance, 5e-4)
    return len(x) != len(y) or any(abs(u - v) > near * max(1, abs(v)) for u, v in zip(x, y, strict=True))


class Dice(dict):
    """What was drawn so far, by name, and ways to draw more."""

    def __init__(self, rng: random.Random):
        super().__init__()
        self.rng = rng

    def one(self, values):
        return self.rng.choice(values)

    def table(self, rows: int, columns: int, values) -> list[list[int]]:
        return [[self.one(values) for _ in range(columns)] for _ in range(rows)]

    def different(self, rows: int, columns: int, values) -> list[list[int]]:
        """A table that holds no number twice."""
        drawn = self.rng.sample(values, rows * columns)
        return [drawn[row * columns : (row + 1) * columns] for row in range(rows)]

    def peaked(self, size: int, row: int, column: int, values, peaks) -> list[list[int]]:
        """A square table in which one cell is larger than all the others."""
        x = self.table(size, size, values)
        x[row][column] = self.one(peaks)
        return x

    def tied(self, ties: int) -> list[list[int]]:
        """A table of four windows of 2 x 2, of which so many hold their maximum more than once."""
        x = [[0] * 4 for _ in range(4)]
        more = self.rng.sample(range(4), ties)
        for n in range(4):
            top = self.one(range(3, 10))
            window = [self.one(range(top)) for _ in range(4)]
            for place in self.rng.sample(range(4), self.one((2, 2, 3)) if n in more else 1):
                window[place] = top
            for place, value in enumerate(window):
                x[n // 2 * 2 + place // 2][n % 2 * 2 + place % 2] = value
        return x


def draws(**vary):
    """Register a draw: a list or a range to choose from for each of its numbers, or a function of the Dice."""

    def register(say):
        name = say.__name__.replace("_", "-")
        DRAWS[name] = Draw(name, {n: v if callable(v) else list(v) for n, v in vary.items()}, say)
        return say

    return register


# ---- what others ask for -----------------------------------------------------------------------------------------


def drawable() -> list[str]:
    """The ids of the questions that have a draw, in the order of the course."""
    from . import draws as _  # noqa: F401  which registers them

    return [name for name in all_questions() if name in DRAWS]


def drawn(name: str, seed: int) -> Question:
    """The question of that id with new numbers, the same for the same seed; choices in an order of their own.

    >>> drawn("rows-out", 1).prompt != drawn("rows-out", 2).prompt
    True

    Raises:
        ValueError: there is no such question, or its numbers cannot vary.
    """
    asked = question(name)
    if name not in drawable():
        raise ValueError(f"the numbers of the question {asked.id!r} cannot vary: no draw is declared for it.")
    return _drawn(name, seed)


@lru_cache(maxsize=256)  # a large class is drawn for one by one
def _drawn(name: str, seed: int) -> Question:
    rng = random.Random(f"{name} {seed}")
    for _ in range(TRIES):
        try:
            q = DRAWS[name].ask(DRAWS[name].numbers(rng), seed)
        except Unfit:
            continue
        return replace(q, choices=rng.sample(q.choices, len(q.choices)))
    raise RuntimeError(
        f"{TRIES} draws for the question {name!r} gave no numbers that serve: what must hold, never does."
    )


def fresh(name: str, answered: list) -> Question:
    """The question with numbers that are new to whoever answered it with these seeds (None: with the lesson's own).

    The lesson's own come first, then one draw after the other; only where all have been met, the own once more.
    """
    if None not in answered or name not in drawable():
        return question(name)
    met = {_numbers(question(name)), *(_numbers(drawn(name, seed)) for seed in answered if type(seed) is int)}
    draws = (drawn(name, seed) for seed in range(len(answered) + TRIES))
    return next((q for q in draws if _numbers(q) not in met), question(name))


def variants(name: str, most: int, seed: int = 0) -> Iterator[Question]:
    """At most `most` draws of a question that differ from each other and from the lesson's own."""
    met = {_numbers(question(name))}
    for n in range(20 * most):
        if len(met) > most:
            return
        q = drawn(name, seed * 100_000 + n)
        if _numbers(q) not in met:
            met.add(_numbers(q))
            yield q


def _numbers(q: Question) -> str:
    """What tells two draws apart."""
    return repr((q.prompt, q.case, q.at))


# ---- words -------------------------------------------------------------------------------------------------------

_WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_WORDS += ["thirteen", "fourteen", "fifteen", "sixteen"]
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_PARTS = {4: "a quarter", 9: "a ninth", 16: "a sixteenth"}


def minus(value) -> str:
    """A number with a true minus, for running text.

    >>> minus(-2.50), minus(-0.0)
    ('−2.5', '0')
    """
    return words.number(value).replace("-", "−")


def written(value) -> str:
    """An answer as a text says it: a number, a shape, or a table.

    >>> written(-4.0), written([2, 8, 10, 8]), written([[7.0, 0.0], [0.0, 0.5]])
    ('−4', '(2, 8, 10, 8)', '[[7, 0], [0, 0.5]]')
    """
    if not isinstance(value, list):
        return minus(value) if isinstance(value, (int, float)) else str(value)
    if not any(isinstance(row, list) for row in value):
        return f"({', '.join(map(written, value))})"
    return f"[{', '.join('[' + ', '.join(map(written, row)) + ']' for row in value)}]"


def spelled(n: int) -> str:
    """Small numbers as words.

    >>> spelled(9), spelled(25)
    ('nine', '25')
    """
    return _WORDS[n] if 0 < n < len(_WORDS) else str(n)


def ordinal(n: int) -> str:
    """
    >>> ordinal(4)
    'fourth'
    """
    return _ORDINALS[n - 1]


def some(n: int, what: str) -> str:
    """
    >>> some(1, "column"), some(3, "column")
    ('1 column', '3 columns')
    """
    return f"{n} {what}{'' if n == 1 else 's'}"


def listed(values, last: str = "and") -> str:
    """
    >>> listed([0, 4, 8]), listed([1, 2], "or"), listed([-3])
    ('0, 4 and 8', '1 or 2', '−3')
    """
    texts = [v if isinstance(v, str) else minus(v) for v in values]
    return f" {last} ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def layer(kind: str, kernel_size: int, **settings) -> str:
    """The layer as a prompt names it.

    >>> layer("avg", 3, stride=1, count_include_pad=False)
    'nn.AvgPool2d(3, stride=1, count_include_pad=False)'
    """
    name = {"max": "nn.MaxPool2d", "avg": "nn.AvgPool2d"}[kind]
    return f"{name}({', '.join([str(kernel_size), *(f'{n}={v}' for n, v in settings.items())])})"


def summed(values) -> str:
    """A sum with its signs.

    >>> summed([2, -9, 0])
    '2 − 9 + 0'
    """
    first, *rest = values
    return minus(first) + "".join(f" {'−' if v < 0 else '+'} {minus(abs(v))}" for v in rest)


def a(n: int) -> str:
    """The number with its article.

    >>> a(8), a(11), a(6)
    ('an 8', 'an 11', 'a 6')
    """
    return f"{'an' if n in (8, 11, 18) or 80 <= n < 90 else 'a'} {n}"


def part(n: int) -> str:
    """
    >>> part(9)
    'a ninth'
    """
    return _PARTS[n]
