"""Questions with a student's own numbers: how a notebook shows them, and what a value that answers one is worth.

An answer is looked at as plain data (`exercises.plain`), whether it comes from a notebook's kernel or from the sandbox:
so both get the same verdict.
"""

import re
from string import ascii_lowercase

from ..exercises import Verdict
from ..exercises.definition import nobodys, seed_of
from ..exercises.plain import brief, plain
from ..exercises.report import Report, Value
from ..questions import ON_CARDS, Question, question
from ..questions.draw import drawable, drawn, written

WRITE = {
    "one": 'Write a letter, such as `"{letter}"`.',
    "several": 'Write the letters of all that are right, such as `"{letter}{next}"`.',
    "number": "Write a number, such as `-3`, `0.25` or `1/9`.",
    "shape": "Write whole numbers, such as `(8, 16, 32, 32)`.",
    "cells": "Write a list of cells, each (row, column), such as `[(0, 1), (2, 0)]`.",
    "fill": "Write a list for each row, such as `[[1, 0.5], [0, -2]]`.",
    "order": 'Write the letters in the right order, such as `"cab"`.',
}
SAYS = {
    "untouched": "○ Not attempted yet.",
    "given": "○ Your answer is {answer}. Whether it is right you learn when your work is graded.",
    "solved": "✓ {answer} is right.",
    "wrong": "✗ {answer} is not right.",
    "lost": "✗ {answer} cannot be read as an answer. {write}",
}


def your_question(name: str, seed: int | str) -> Report:
    """A question of the course with one student's own numbers, where they can vary, and how to write its answer.

    Args:
        name: its id, such as "pre-sign".
        seed: the student's name.

    Raises:
        ValueError: there is no such question, or it is answered in the explorer.
        TypeError: name is no text, or seed neither a name nor a number from 0 on.

    >>> your_question("pre-sign", "ada")
    nn.MaxPool2d(2) pools the four numbers of the grid. What number comes out?
      input:
         -11   -2
          -7   -6
    Write a number, such as `-3`, `0.25` or `1/9`.
    """
    q = question_for(name, seed)
    return Report(*_shown(q), _write(q), *nobodys(seed))


def your_answer(name: str, answer: object, seed: int | str, graded: bool = False) -> Verdict:
    """How an answer to such a question is read; whether it is right only where that is to be graded.

    Args:
        name, seed: as in `your_question`.
        answer: a number, a text, or tuples or lists of them, as the question says; None where none is given yet.
        graded: whether the verdict says what is right, and counts.

    Returns:
        A Verdict: `.points(1)` turns it into a mark, which is 0.0 as long as it is not graded.

    Raises:
        ValueError, TypeError: as `your_question`.

    >>> your_answer("pre-sign", -11, "ada")
    ○ Your answer is −11. Whether it is right you learn when your work is graded.
    """
    q = question_for(name, seed)
    verdict = judged(q, plain(answer))
    if graded or verdict.state not in ("solved", "wrong"):
        return verdict
    return Verdict(name, 0, 1, "given", None, Report(SAYS["given"].format(answer=_said(q, plain(answer)))))


def question_for(name: str, seed: int | str) -> Question:
    """The question as one student gets it."""
    number, q = seed_of(seed), question(name)
    if q.kind not in ON_CARDS:
        raise ValueError(f"the question {name!r} is answered in the explorer: no notebook can hand in its answer.")
    return drawn(name, number) if name in drawable() else q


def judged(q: Question, value) -> Verdict:
    """The verdict on an answer as plain data: with all points, or none."""
    if value is None:
        return Verdict(q.id, 0, 1, "untouched", None, Report(SAYS["untouched"]))
    answer = read(q, value)
    if answer is None:
        return Verdict(q.id, 0, 1, "lost", None, Report(_sentence(q, value, "lost")))
    found = q.grade(answer)
    if found["right"]:
        return Verdict(q.id, 1, 1, "solved", None, Report(_sentence(q, value, "solved")))
    why = [*filter(None, [found.get("mistake")]), f"The right answer is {_named(q, q.truth)}. {q.why}"]
    report = Report(_sentence(q, value, "wrong"), *_shown(q), *why)
    return Verdict(q.id, 0, 1, "wrong", found["misconception"] or None, report)


def read(q: Question, value):
    """Plain data as `Question.grade` takes an answer; None where it is none.

    >>> read(question("pre-shape"), "4, 8, 6, 6"), read(question("pre-shift"), "B"), read(question("pre-shift"), "z")
    ([4, 8, 6, 6], 1, None)
    """
    if isinstance(value, dict):  # an array, or what has no plain form
        value = value.get("array")
    try:
        if q.kind in ("one", "several", "order"):
            value = _places(q, value)
        if q.kind == "cells" and not all(type(n) is int for cell in value for n in cell):
            return None
        return q.parse(value)
    except (TypeError, ValueError):
        return None


def _places(q, value):
    """The places of the choices or steps that letters name; of one choice, its place."""
    letters = re.sub(r"[\s,;.()]", "", "".join(value)).lower()
    places = [ascii_lowercase[: len(q.choices or q.steps)].index(letter) for letter in letters]
    if q.kind != "one":
        return places
    (place,) = places
    return place


def _shown(q):
    """What is asked, without its key."""
    public = q.public()
    yield public["prompt"]
    if public["code"]:
        yield f"`{public['code']}`"
    if "grid" in public:
        yield Value("input", public["grid"])
    texts = public["choices"] or [text for _, text in public["steps"]]
    yield from (f"{letter}) {text}" for letter, text in zip(ascii_lowercase, texts, strict=False))


def _write(q):
    letters = ascii_lowercase[: len(q.choices or q.steps)]
    return WRITE[q.kind].format(letter=letters[:1], next=letters[-1:])


def _sentence(q, value, state):
    return SAYS[state].format(answer=_said(q, value), write=_write(q))


def _said(q, value):
    """An answer in words: as it was read, or else as it was given."""
    answer = read(q, value)
    return f"`{brief(value)}`" if answer is None else _named(q, answer)


def _named(q, answer):
    if q.kind == "one":
        return f"{ascii_lowercase[answer]} ({q.choices[answer]['text']})"
    if q.kind in ("several", "order"):
        return ", ".join(ascii_lowercase[place] for place in answer)
    return written(answer)
