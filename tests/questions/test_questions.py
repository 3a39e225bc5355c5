"""Is every question whole, is its right answer torch's, and would a wrong answer meet its own reason?

Each check takes a question, or the questions of one lesson, and fails with an AssertionError. In test_spoilt.py every
one of them is shown a question that somebody spoilt, and must reject it.
"""

import json
import re
from collections import Counter
from dataclasses import fields
from itertools import permutations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.answering import typed
from harness.questions import (
    ANOTHER_WAY,
    DATA,
    FACTS,
    FILES,
    WRITTEN,
    check_title,
    every_file,
    every_question,
    made,
    right_places,
)
from pooling_course.questions import ON_CARDS, ROLES, Question, all_questions, answers, question
from pooling_course.questions.lessons import LESSONS, STEPS

NEEDS = {"one": "choices", "several": "choices", "order": "steps"} | dict.fromkeys(
    ("number", "shape", "cells", "fill"), "mistakes"
)


# ---- is it whole? ------------------------------------------------------------------------------------------------


def check_whole(data):
    assert set(data) <= {f.name for f in fields(Question)} - {"lesson"}
    assert data["kind"] in ON_CARDS and data["role"] in ROLES
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", data["id"])
    check_title(data)
    assert data["prompt"] and data["why"] and data.get("source")
    assert data.get(NEEDS[data["kind"]])
    assert not {"choices", "steps", "mistakes"} & set(data) - {NEEDS[data["kind"]]}
    assert ("answer" in data) or data["kind"] in ("one", "several", "order")
    assert set(data.get("case", ())) <= {"input", "pooling", "shift"}
    assert "case" not in data or {"input", "pooling"} <= set(data["case"])
    assert data["kind"] not in ("cells", "fill", "shape") or "case" in data


def check_reasons(data):
    """A reason for everything that can be chosen, a misconception for everything wrong."""
    q = made(data)
    for place, choice in enumerate(q.choices):
        right = place in right_places(q)
        assert set(choice) <= {"text", "reason", "value", "right", "misconception"}
        assert choice["text"] and choice["reason"]
        assert bool(choice.get("misconception")) != right
    for mistake in q.mistakes:
        assert set(mistake) == {"value", "reason", "misconception"} and all(map(str, mistake.values()))
    names = [found["misconception"] for found in (*q.choices, *q.mistakes) if "misconception" in found]
    for name in (*names, *filter(None, [q.misconception])):
        assert re.fullmatch(r"[a-z0-9_ ,]+", name), name


def check_how_many_are_right(data):
    q = made(data)
    values = [q.choices[place].get("value") for place in right_places(q)]
    right = [c for c in q.choices if (c["value"] in values if "value" in c else c.get("right"))]
    assert len({c["text"] for c in q.choices}) == len(q.choices) >= 3
    assert len(right) == 1 if q.kind == "one" else 1 <= len(right) < len(q.choices)


def check_not_typed_in(data):
    """Where torch can say what is right, nobody else does."""
    for choice in data.get("choices", ()):
        assert ("value" in choice) == ("answer" in data) and ("right" in choice) <= ("answer" not in data)


def check_reads_well(data):
    assert data["prompt"][-1] in "?:." and data["prompt"].count("?") <= 2
    assert len(re.findall(r"[.!?](?=\s|$)", data["why"])) <= 3
    for found in (*data.get("choices", ()), *data.get("mistakes", ())):
        assert len(found["reason"]) <= 180 and found["reason"][-1] == "."
    assert "..." not in json.dumps(data) and "…" not in json.dumps(data, ensure_ascii=False)


@every_question
def test_is_it_whole(lesson, data):
    check_whole(data)
    check_reads_well(data)


@every_question
def test_has_everything_a_reason(lesson, data):
    check_reasons(data)
    check_not_typed_in(data)
    if data["kind"] in ("one", "several"):
        check_how_many_are_right(data)


def check_unique(files):
    assert max(Counter(data["id"] for questions in files.values() for data in questions).values()) == 1
    for questions in files.values():
        assert len({data["title"] for data in questions}) == len(questions)


def test_does_every_question_have_a_name_of_its_own():
    check_unique(WRITTEN)
    assert set(all_questions()) == {data["id"] for questions in WRITTEN.values() for data in questions}


# ---- is the right answer torch's? --------------------------------------------------------------------------------


def check_right_answer(data):
    q = made(data)
    if q.kind == "order" or q.answer is None:
        return
    expected = ANOTHER_WAY[q.answer](q) if q.answer in ANOTHER_WAY else FACTS[q.answer]
    if q.kind == "one":
        assert q.choices[q.truth]["value"] == expected
    elif q.kind == "several":
        assert [q.choices[i]["value"] for i in q.truth] == expected
    else:
        assert torch.allclose(torch.tensor(q.truth).double(), torch.tensor(expected).double(), atol=1e-6)


@every_question
def test_is_the_right_answer_torchs(lesson, data):
    known = data.get("answer") in {None, *ANOTHER_WAY, *FACTS}
    assert known or lesson.startswith("08"), "compute it here in another way, too"
    if known:
        check_right_answer(data)


SIZE_STEPS = {
    "Take the number of input rows, with the padding above and below": lambda _, rows, k, s, p: rows + 2 * p,
    "Subtract the rows over which one window reaches": lambda n, rows, k, s, p: n - k,
    "Divide by the stride, and round down to a whole number": lambda n, rows, k, s, p: n // s,
    "Add 1 for the first window": lambda n, rows, k, s, p: n + 1,
}


def orders_that_give(size, steps):
    """The orders of these steps that give torch's size on every setting."""

    def follow(order, *setting):
        n = float("nan")  # before the rows are taken there is nothing to work on
        for step in order:
            n = steps[step](n, *setting)
        return n

    settings = [(rows, k, s, p) for rows in (7, 8, 9) for k in (2, 3) for s in (1, 2, 3) for p in (0, 1)]
    return [order for order in permutations(steps) if all(follow(order, *s) == size(*s) for s in settings)]


def test_have_the_steps_to_a_size_one_order():
    def size(rows, k, s, p):
        return nn.MaxPool2d(k, stride=s, padding=p)(torch.zeros(1, rows, 9)).shape[1]

    assert orders_that_give(size, SIZE_STEPS) == [tuple(question("size-steps").steps)]

    split = {step: do for step, do in SIZE_STEPS.items() if not step.startswith("Divide")}
    split |= {"Divide": lambda n, rows, k, s, p: n / s, "Round": lambda n, *_: n // 1}
    assert len(orders_that_give(size, split)) == 2  # the 1 may then be added before the rounding


# ---- does a wrong way lead to a wrong answer? ----------------------------------------------------------------------
# A question whose right answer a misconception gives, too, teaches the misconception.


def _settings(**changes):
    """The same input with other settings; None takes a setting away."""

    def misread(q):
        settings = {**q.case["pooling"], **changes}
        return {**q.case, "pooling": {name: value for name, value in settings.items() if value is not None}}

    return misread


def _input(change):
    def misread(q):
        return {**q.case, "input": change(q.input).tolist()}

    return misread


def _other_kind(q):
    shared = ("kernel_size", "stride", "padding", "ceil_mode")
    settings = {name: value for name, value in q.case["pooling"].items() if name in shared}
    return {**q.case, "pooling": settings | {"kind": {"max": "avg", "avg": "max"}[q.pooling.kind]}}


def _zeros_around(q):
    settings = {name: value for name, value in q.case["pooling"].items() if name != "padding"}
    return {"input": F.pad(q.input, (q.case["pooling"]["padding"],) * 4).tolist(), "pooling": settings}


def _zeros_beyond(q):
    """What hangs over the edge taken for zeros that count."""
    settings = {name: value for name, value in q.case["pooling"].items() if name != "ceil_mode"}
    k = q.case["pooling"]["kernel_size"]
    return {"input": F.pad(q.input, (0, k - 1, 0, k - 1)).tolist(), "pooling": settings}


def _ceil_everywhere(q):
    """A size that is only rounded up: as if there were rows and columns enough for one more window."""
    settings, sizes = q.case["pooling"], q.input.shape[-2:]
    k, stride = settings["kernel_size"], settings["stride"]
    up = [-(-(n - k) // stride) * stride + k for n in sizes]
    return {"input": {"shape": [*q.input.shape[:-2], *up]}, "pooling": settings}


MISREADINGS = {
    "strongest means magnitude": _input(torch.abs),
    "average of magnitudes": _input(torch.abs),
    "negative values become 0": _input(torch.relu),
    "max and average confused": _other_kind,
    "average is a sum": _settings(divisor_override=1),
    "stride defaults to 1": _settings(stride=1),
    "stride is ignored": _settings(stride=1),
    "padding never counts": _settings(count_include_pad=False),
    "padding always counts": _settings(count_include_pad=None),
    "padding leaves the windows in place": _settings(padding=None),
    "max pads with zeros": _zeros_around,
    "overhang counts": _zeros_beyond,
    "ceil adds a window everywhere": _ceil_everywhere,
    "sizes are rounded up": _settings(ceil_mode=True),
    "sizes are rounded down": _settings(ceil_mode=None),
    "divisor_override is ignored": _settings(divisor_override=None),
}
SET = ("stride", "padding", "dilation", "ceil_mode", "count_include_pad", "divisor_override")
SAME = {  # settings that are there so that the learner sees that they do not matter
    ("myth-any-padding", "dilation"),
    ("myth-any-padding", "stride"),
    ("myth-adaptive", "stride"),
    ("myth-zeros", "stride"),  # of a corner only, as in the next two
    ("real-cells", "stride"),
    ("peak-stride-again", "stride"),
}


def named_in(data):
    return (
        {data.get("misconception")}
        | {m["misconception"] for m in data.get("mistakes", ())}
        | {choice.get("misconception") for choice in data.get("choices", ())}
    )


def check_misconceptions_miss(data):
    """What a misconception named here makes of the same numbers is not the key."""
    q = made(data)
    if not q.case or q.answer is None or q.kind in ("several", "order"):
        return
    for name in sorted(named_in(data) & set(MISREADINGS)):
        misread = made({**data, "case": MISREADINGS[name](q)})
        assert computed(misread) != computed(q), f"{name!r} leads to the right answer"


def check_every_setting_matters(data):
    """Whoever overlooks a setting of the layer gets another answer."""
    q = made(data)
    if not q.case or q.answer is None or q.kind == "several":
        return
    for name in set(SET) & set(q.case["pooling"]):
        if (data["id"], name) not in SAME:
            overlooked = made({**data, "case": _settings(**{name: None})(q)})
            assert computed(overlooked) != computed(q), f"without {name} the answer is the same"


def computed(q):
    """The computed answer itself, which for a choice may be none of the choices; None where there is no such cell."""
    try:
        return answers.ANSWERS[q.answer](q)
    except IndexError:
        return None


@every_question
def test_does_a_wrong_way_lead_to_a_wrong_answer(lesson, data):
    check_misconceptions_miss(data)
    check_every_setting_matters(data)


def test_are_misreadings_tried_in_every_lesson():
    tried = {lesson for lesson, data in DATA if named_in(data) & set(MISREADINGS) and "case" in data}
    assert {*STEPS[1:], "08_myths_and_pitfalls"} <= tried
    assert set(MISREADINGS) <= set().union(*(named_in(data) for _, data in DATA))  # each is somebody's


# ---- does every answer meet its own reason? ----------------------------------------------------------------------


def check_grading(data):
    q = made(data)
    assert q.grade(q.parse(typed(q.kind, q.truth)))["right"]
    assert "mistake" not in q.grade(q.truth)
    for place, choice in enumerate(q.choices):
        if place in right_places(q):
            if q.kind == "several" and len(q.truth) > 1:  # one of the right ones is missing
                assert not q.grade(q.parse([i for i in q.truth if i != place]))["right"]
            continue
        graded = q.grade(q.parse(place if q.kind == "one" else [*q.truth, place]))
        assert not graded["right"]
        assert (graded["mistake"], graded["misconception"]) == (choice["reason"], choice["misconception"])
    for mistake in q.mistakes:
        graded = q.grade(q.parse(typed(q.kind, mistake["value"])))
        assert not graded["right"]
        assert (graded["mistake"], graded["misconception"]) == (mistake["reason"], mistake["misconception"])
    if q.kind == "order":
        assert not q.grade([n for n, _ in q.public()["steps"]])["right"]


@every_question
def test_does_every_wrong_answer_meet_its_own_reason(lesson, data):
    check_grading(data)


# ---- does nothing give it away? ----------------------------------------------------------------------------------


def check_nothing_leaks(q):
    """What the page gets before the commitment holds no key."""
    public = q.public()
    text = json.dumps(public, ensure_ascii=False)
    assert set(public) <= {
        "id",
        "role",
        "kind",
        "prompt",
        "unit",
        "choices",
        "steps",
        "code",
        "explorable",
        "grid",
        "size",
        "whole",
    }
    assert public["choices"] == [c["text"] for c in q.choices]
    for found in (*q.choices, *q.mistakes):
        assert json.dumps(found["reason"], ensure_ascii=False)[1:-1] not in text
    assert json.dumps(q.why, ensure_ascii=False)[1:-1] not in text
    if q.kind == "order":
        assert [n for n, _ in public["steps"]] == list(range(len(q.steps))) != q.truth
        shown = [step for _, step in public["steps"]]
        assert shown != q.steps and sorted(shown) == sorted(q.steps)
        assert [shown[n] for n in q.truth] == q.steps


@every_question
def test_does_the_page_get_no_key(lesson, data):
    check_nothing_leaks(made(data))


def check_length_tells_nothing(questions):
    """Choosing the longest text must be no better than guessing."""
    longest, ratios = 0, []
    for q in map(made, questions):
        if q.kind not in ("one", "several"):
            continue
        lengths = [len(c["text"]) for c in q.choices]
        right = max(lengths[i] for i in right_places(q))
        wrong = [n for i, n in enumerate(lengths) if i not in right_places(q)]
        longest += right > max(wrong)
        ratios.append(right / max(wrong))
    assert longest <= max(1, len(ratios) // 2)
    assert sum(ratio > 1.25 for ratio in ratios) <= len(ratios) // 4


def check_place_tells_nothing(questions):
    places = [q.truth for q in map(made, questions) if q.kind == "one"]
    assert len(places) < 3 or len(set(places)) > 1


@every_file
def test_does_neither_length_nor_place_tell(lesson):
    check_length_tells_nothing(FILES[lesson])
    check_place_tells_nothing(FILES[lesson])


def test_does_the_right_choice_change_its_place_over_the_course():
    places = Counter(q.truth for q in all_questions().values() if q.kind == "one")
    assert max(places.values()) <= places.total() / 2 and len(places) >= 3


# ---- is there enough of everything? ------------------------------------------------------------------------------


def check_enough(lesson, questions):
    roles = Counter(data["role"] for data in questions)
    assert roles["predict"] >= 1 and roles["check"] >= 2 and len(questions) >= 5
    assert roles["return"] >= (lesson != STEPS[0])
    assert questions[0]["role"] == "predict"  # it opens the lesson
    assert not roles["pre"] + roles["post"]


@pytest.mark.parametrize("lesson", STEPS)
def test_has_a_lesson_enough_questions(lesson):
    check_enough(lesson, FILES[lesson])


def test_are_all_kinds_used():
    assert {data["kind"] for _, data in DATA} == set(ON_CARDS)


def check_parallel(before, after):
    """The same ideas in the same order, with other numbers."""
    assert [data["id"].removeprefix("pre-") for data in before] == [data["id"].removeprefix("post-") for data in after]
    assert [data["id"][:4] for data in before] == ["pre-"] * 6
    for first, second in zip(before, after, strict=True):
        for same in ("title", "kind", "answer", "misconception"):
            assert first.get(same) == second.get(same)
        assert first["case"] != second["case"] and made(first).truth != made(second).truth
        for several in ("choices", "mistakes"):
            assert len(first.get(several, ())) == len(second.get(several, ()))


def test_are_the_two_tests_parallel():
    check_parallel(
        [data for _, data in DATA if data["role"] == "pre"], [data for _, data in DATA if data["role"] == "post"]
    )
    for role in ("pre", "post", "myth"):
        asking = {lesson.name for lesson in LESSONS.values() if lesson.asks == role}
        assert {lesson for lesson, data in DATA if data["role"] == role} == asking and len(asking) == 1
