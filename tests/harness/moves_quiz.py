"""What a soak does to each control of a question, QUIZ, and of a flipbook, BOOK; moves.py says how."""

import itertools

from playwright.sync_api import expect

from harness.answering import typed, wrong_answers
from harness.moves import LATE, attempt, drag, move, press
from pooling_course.questions import question

QUESTIONS = {
    "one": "max-channels",
    "several": "peak-moves",
    "number": "winner-number",
    "shape": "default-stride",
    "cells": "winner-cells",
    "fill": "first-windows",
    "order": "size-steps",
}
NONSENSE = ["", "many", "1/0", "(2, three)"]
QUIZ, BOOK = {}, {}


# ---- the questions ---------------------------------------------------------------------------------------------------


def form(soak, kind):
    """The form of a question, asked anew where it was answered."""
    place = soak.place(kind)
    if place.get_by_role("button", name="Try again").is_visible():
        push(place, "Try again")
    expect(place.locator("form")).to_be_visible()
    return place


def push(place, name):
    """By keyboard: where an explorer above grows, the page moves away under a pointer between down and up."""
    place.get_by_role("button", name=name).press("Enter")


def answers(q):
    return [typed(q.kind, q.truth), *(raw for raw, _ in wrong_answers(q))]


def answer(soak, kind, dice, nonsense=True):
    place, q = form(soak, kind), question(QUESTIONS[kind])
    if kind in ("one", "several"):
        choices = place.locator(".pc-choices input")
        choices.nth(int(dice.random() * choices.count())).click()
        return "a choice"
    if kind in ("number", "shape"):
        text = dice.choice(answers(q) + NONSENSE * nonsense)
        place.locator(".pc-field input").fill(text)
        return repr(text)
    if kind == "fill":
        rows = dice.choice(answers(q))
        for field, text in zip(place.locator(".pc-fill").all(), itertools.chain(*rows), strict=True):
            field.fill(dice.choice(NONSENSE) if nonsense and dice.random() < 0.1 else text)
        return f"{rows}"
    if kind == "cells":
        cells = place.locator(".pc-cell")
        for _ in range(dice.randint(1, 4)):
            cells.nth(int(dice.random() * cells.count())).click()
        return f"{cells.locator('[aria-pressed=true]').count()} cells"
    for _ in range(dice.randint(1, 4)):
        buttons = place.locator(".pc-steps button:enabled")
        buttons.nth(int(dice.random() * buttons.count())).click()
    return "some steps moved"


QUIZ["answer"] = answer


@move(QUIZ, "how sure")
def sure(soak, kind, dice):
    radios = form(soak, kind).locator(".pc-sure input")
    at = int(dice.random() * radios.count())
    radios.nth(at).click()
    return f"{at}"


@move(QUIZ, "Commit")
def _(soak, kind, dice):
    place = form(soak, kind)
    place.get_by_role("alert").evaluate_all("(all) => all.forEach((el) => (el.hidden = true))")
    push(place, "Commit")
    said = place.locator(".pc-verdict, [role=alert]:visible").first
    expect(said).to_be_visible()
    return said.text_content()


def answered(soak, kind, dice):
    """The verdict on an answer; a complete one is given where there is none yet."""
    place = soak.place(kind)
    if not place.locator(".pc-verdict").is_visible():
        answer(soak, kind, dice, nonsense=False)
        if kind in ("several", "cells"):  # what was marked before may have been unmarked
            marks = place.locator(".pc-choices input:checked, .pc-cell[aria-pressed=true]")
            while not marks.count():
                answer(soak, kind, dice)
        sure(soak, kind, dice)
        push(place, "Commit")
    expect(place.locator(".pc-verdict")).to_be_visible(timeout=LATE)
    return place


@move(QUIZ, "Try again")
def _(soak, kind, dice):
    place = answered(soak, kind, dice)
    verdict = place.locator(".pc-verdict").text_content()
    push(place, "Try again")
    expect(place.locator("form")).to_be_visible()
    return f"after {verdict}"


@move(QUIZ, "Open this case in the explorer")
def _(soak, kind, dice):
    place = answered(soak, kind, dice)
    opens = "Open" in place.get_by_role("button", name="explorer").text_content()
    push(place, "explorer")
    code = soak.cell(kind).locator(".pc-explorer .pc-code code").first
    expect(code).to_be_visible() if opens else expect(code).to_be_hidden()
    return "opened" if opens else "closed"


# ---- the flipbook ----------------------------------------------------------------------------------------------------


@move(BOOK, "slider by keyboard")
def _(soak, w, dice):
    w.root.get_by_role("slider").focus()
    return press(dice, w, ["ArrowRight", "ArrowLeft", "Home", "End"])


@move(BOOK, "slider by pointer")
def _(soak, w, dice):
    return drag(dice, w, w.root.get_by_role("slider"))


@move(BOOK, "Play and Pause")
def _(soak, w, dice):
    w.root.get_by_role("button").click()
    return w.root.get_by_role("button").text_content()


@move(BOOK, "page from Python")
def _(soak, w, dice):
    return attempt(soak, w, "at", dice.choice(["0", "2", "4", "5"]))
