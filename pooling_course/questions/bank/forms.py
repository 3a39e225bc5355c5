"""What a platform can ask: every question as one of six forms, with its words as HTML.

Grids are tables with a caption and heads, so that no picture is needed and a screen reader can walk through them.
"""

import html
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...maths import words
from .. import Question, all_questions
from ..draw import drawable, variants, written
from ..journal import title
from ..lessons import LESSONS

FORMS = ("one", "several", "number", "text", "table", "order")
TYPED = 5e-4  # how far a typed number may be off, beside its size, where the question itself is stricter
MOVED = "no platform has a question that is answered by moving the explorer"
OTHER_WAYS = {"cells": "one", "shape": "text", "fill": "table"}


@dataclass(frozen=True)
class Answer:
    """One answer: what it says (a number, for tables a table of numbers, else a text), and what is said to it."""

    says: Any
    right: bool
    feedback: str = ""


@dataclass(frozen=True)
class Item:
    """A question in the form in which a platform asks it.

    Attributes:
        question: as it is here.
        name: what instructors read in the list of questions: lesson, title, and the number of the variant.
        form: one of FORMS. `order` has the steps in their right order as its answers.
        asks: the prompt, the layer and the grid, as HTML; what it asks for in a table stands behind it.
        answers: right ones and known mistakes.
        why: shown to everyone afterwards, as HTML.
    """

    question: Question
    name: str
    form: str
    asks: str
    answers: list[Answer]
    why: str


@dataclass(frozen=True)
class Pool:
    """One question of the course with its variants; and what cannot be carried over, with the reason."""

    id: str
    title: str
    lesson: str
    items: list[Item] = field(default_factory=list)
    left_out: str = ""

    @property
    def name(self) -> str:
        return f"{LESSONS[self.lesson].number} {self.title}"

    @property
    def category(self) -> str:
        return title(self.lesson)


def pools(most: int = 0, seed: int = 0) -> Iterator[Pool]:
    """Every question of the course, lesson after lesson, as up to `most` variants where it can be drawn.

    With most=0, and where a question has no draw, it has the lesson's own numbers.
    """
    can = drawable()
    for q in all_questions().values():
        if q.kind not in (*FORMS, *OTHER_WAYS):
            yield Pool(q.id, q.title, q.lesson, left_out=MOVED)
            continue
        asked = list(variants(q.id, most, seed)) if most and q.id in can else [q]
        yield Pool(q.id, q.title, q.lesson, [item(each, number) for number, each in enumerate(asked, start=1)])


def item(q: Question, number: int = 1) -> Item:
    """The question in the form of a platform."""
    form = OTHER_WAYS.get(q.kind, q.kind)
    name = f"{LESSONS[q.lesson].number} {q.title}{'' if q.seed is None else f' · {number}'}"
    return Item(q, name, form, _asked(q), _answers(q), f"<p>{_text(q.why)}</p>")


def _asked(q):
    shown = q.public()
    parts = [f"<p>{_text(q.prompt)}</p>"]
    if q.kind == "cells":
        parts = [f"<p>{_text(q.prompt)} Choose the list that does, each cell as (row, column).</p>"]
    if shown["code"]:
        parts.append(f"<p><code>{_text(shown['code'])}</code></p>")
    if "grid" in shown:
        parts.append(table("Input", shown["grid"]))
    hints = {
        "number": "Write a number, with a point before its decimals.",
        "shape": "Write whole numbers, such as (8, 16, 32, 32).",
        "fill": "Write numbers, with a point before their decimals.",
    }
    if q.kind in hints:
        parts.append(f"<p>{hints[q.kind]}{f' Unit: {_text(q.unit)}.' if q.unit else ''}</p>")
    return "".join(parts)


def _answers(q):
    if q.kind == "order":
        return [Answer(step, True) for step in q.steps]
    if q.choices:
        right = [q.truth] if q.kind == "one" else q.truth
        return [Answer(_text(c["text"]), i in right, feedback(c)) for i, c in enumerate(q.choices)]
    say = {"cells": _cells, "shape": written}.get(q.kind, lambda value: value)
    known = [Answer(say(m["value"]), False, feedback(m)) for m in q.mistakes]
    right = Answer(say(q.truth), True)
    # the key of a list to choose from must not always be the first
    at = sum(map(ord, q.id)) % (len(known) + 1) if q.kind == "cells" else 0
    return [*known[:at], right, *known[at:]]


def feedback(entry: dict) -> str:
    """What is said to a choice or a mistake: its reason, and the name of the misconception."""
    name = entry.get("misconception", "")
    behind = f" <em>Misconception: {_text(name)}.</em>" if name else ""
    return f"<p>{_text(entry['reason'])}{behind}</p>"


def table(caption: str, rows: list, cell=lambda value: words.number(value)) -> str:
    """A table as HTML, its rows and columns counted from 0."""
    head = "".join(f'<th scope="col">{column}</th>' for column in range(len(rows[0])))
    body = "".join(
        f'<tr><th scope="row">{number}</th>{"".join(f"<td>{cell(value)}</td>" for value in row)}</tr>'
        for number, row in enumerate(rows)
    )
    size = f"{len(rows)} × {len(rows[0])}"
    return (
        f'<table border="1" cellpadding="6"><caption>{caption}, {size}</caption>'
        f'<thead><tr><th scope="col">row</th>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def decimal(value) -> str:
    """A number as platforms take it.

    >>> decimal(4.0), decimal(-0.25), decimal(1 / 3), decimal(-0.0)
    ('4', '-0.25', '0.333333', '0')
    """
    return f"{round(float(value), 6) + 0:f}".rstrip("0").rstrip(".")


def off_by(q: Question, value) -> float:
    """How far from `value` a typed answer may be."""
    return max(q.tolerance, TYPED) * max(1, abs(float(value)))


def spellings(shape: str) -> list[str]:
    """The ways in which people write a shape; a platform compares letter by letter.

    >>> spellings("(2, 3)")
    ['(2, 3)', '2, 3', '(2,3)', '2,3', '[2, 3]', '[2,3]', '2 x 3', '2x3', '2 3', 'torch.Size([2, 3])']
    """
    sizes = shape.strip("()").split(", ")
    wide, tight = ", ".join(sizes), ",".join(sizes)
    return [
        shape,
        wide,
        f"({tight})",
        tight,
        f"[{wide}]",
        f"[{tight}]",
        *(by.join(sizes) for by in (" x ", "x", " ")),
    ] + [f"torch.Size([{wide}])"]


def numerals(value) -> list[str]:
    """The ways in which people write a number, for the platform that compares texts.

    >>> numerals(-2.5), numerals(3)
    (['-2.5', '-2,5', '−2.5', '−2,5'], ['3', '3.0'])
    """
    text = decimal(value)
    forms = [text, text.replace(".", ",") if "." in text else f"{text}.0"]
    return list(dict.fromkeys([*forms, *(form.replace("-", "−") for form in forms)]))


def places(rows: list) -> Iterator[tuple[int, int]]:
    return itertools.product(range(len(rows)), range(len(rows[0])))


def _cells(cells):
    return ", ".join(f"({row}, {column})" for row, column in cells)


def _text(text):
    return html.escape(text, quote=False)
