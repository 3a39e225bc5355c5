"""Is every question whole, is its right answer torch's, and would a wrong answer meet its own reason?

Each check takes a question, or the questions of one lesson, and fails with an AssertionError. At the end every one of
them is shown a question that somebody spoilt, and must reject it.
"""

import copy
import json
import re
from collections import Counter
from dataclasses import fields
from itertools import permutations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.spoiling import dropped, put
from pooling_course import images
from pooling_course.questions import FOLDER, ON_CARDS, ROLES, Question, all_questions, answers, question
from pooling_course.questions.lessons import LESSONS, STEPS

WRITTEN = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in LESSONS}
# Those that are answered on cards; test_goals.py has the others.
FILES = {name: [data for data in questions if data["kind"] in ON_CARDS] for name, questions in WRITTEN.items()}
DATA = [(lesson, data) for lesson, questions in FILES.items() for data in questions]
NEEDS = {"one": "choices", "several": "choices", "order": "steps"} | dict.fromkeys(
    ("number", "shape", "cells", "fill"), "mistakes"
)

every_question = pytest.mark.parametrize("lesson, data", DATA, ids=lambda v: v["id"] if isinstance(v, dict) else None)
every_file = pytest.mark.parametrize("lesson", FILES)


def made(data, lesson="99_test"):
    return Question(lesson=lesson, **data)


def right_places(q):
    return [q.truth] if q.kind == "one" else q.truth


# ---- is it whole? ------------------------------------------------------------------------------------------------


def check_whole(data):
    assert set(data) <= {f.name for f in fields(Question)} - {"lesson"}
    assert data["kind"] in ON_CARDS and data["role"] in ROLES
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", data["id"])
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


def test_does_every_question_have_a_name_of_its_own():
    check_unique(WRITTEN)
    assert set(all_questions()) == {data["id"] for questions in WRITTEN.values() for data in questions}


# ---- is the right answer torch's? --------------------------------------------------------------------------------
# The same answers once more, from nn layers and autograd, without Trace and without answers.py.


def input_of(q):
    given = q.case["input"]
    x = images.preset(given) if isinstance(given, str) else given
    x = torch.zeros(x["shape"]) if isinstance(x, dict) else torch.as_tensor(x, dtype=torch.float32)
    return x[None] if x.ndim == 2 else x


def layer_of(settings, **more):
    settings = {n: tuple(v) if isinstance(v, list) else v for n, v in settings.items()}
    kind = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}[settings.pop("kind")]
    return kind(**settings, **more)


def pooled(q, **more):
    return layer_of(q.case["pooling"], **more)(input_of(q))


def flat(q, result):
    """As the question counts: a table is one channel, so the channel goes again."""
    return result[0] if q.input.ndim == 2 else result


def gradient(q):
    x = input_of(q).clone().requires_grad_()
    layer_of(q.case["pooling"])(x).sum().backward()
    return flat(q, x.grad)


def reads(q):
    """How often each cell is read: the gradient of a pooling that adds up (no dilation)."""
    layer, x = layer_of(q.case["pooling"]), input_of(q).clone().requires_grad_()
    assert getattr(layer, "dilation", 1) == 1
    sums = F.avg_pool2d(x, layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode, divisor_override=1)
    sums.sum().backward()
    return x.grad[0]


def shifted(q):
    x = torch.rand(input_of(q).shape, generator=torch.Generator().manual_seed(7))
    layer, shift = layer_of(q.case["pooling"]), q.case["shift"]
    before, after = layer(x)[0], layer(x.roll(shift, 2))[0]
    inner = slice(2, -2)
    if torch.equal(before[:, inner], after[:, inner]):
        return "same"
    return "moved" if torch.equal(before[:, 1:-3], after[:, inner]) else "other"


def moves(q):
    x, found = input_of(q)[0], []
    ((row, col),) = x.nonzero().tolist()
    for choice in q.choices:
        moved = torch.zeros_like(x)
        moved[row + choice["value"][0], col + choice["value"][1]] = x[row, col]
        if not torch.equal(layer_of(q.case["pooling"])(moved[None]), pooled(q)):
            found.append(choice["value"])
    return found


def unpooled(q):
    values, indices = pooled(q, return_indices=True)
    return nn.MaxUnpool2d(q.case["pooling"]["kernel_size"])(values, indices)[0].tolist()


ANOTHER_WAY = {
    "shape": lambda q: list(pooled(q).shape),
    "size": lambda q: list(pooled(q).shape)[-2:],
    "channels": lambda q: pooled(q).shape[-3],
    "height": lambda q: pooled(q).shape[-2],
    "output": lambda q: flat(q, pooled(q)).tolist(),
    "value": lambda q: flat(q, pooled(q))[tuple(q.at)].item(),
    "largest": lambda q: pooled(q).max().item(),
    "winner": lambda q: flat(q, pooled(q, return_indices=True)[1])[tuple(q.at)].item(),
    "winners": lambda q: gradient(q).nonzero().tolist(),
    "gradient": lambda q: gradient(q)[tuple(q.at)].item(),
    "gradient_map": lambda q: gradient(q).tolist(),
    "gradient_cells": lambda q: gradient(q).nonzero().tolist(),
    "gradient_count": lambda q: len(gradient(q).nonzero()),
    "gradient_total": lambda q: gradient(q).sum().item(),
    "reads": lambda q: int(reads(q)[tuple(q.at)]),
    "unread": lambda q: (reads(q) == 0).nonzero().tolist(),
    "unread_rows": lambda q: (reads(q) == 0).all(1).nonzero().flatten().tolist(),
    "max_and_average": lambda q: [input_of(q).max().item(), input_of(q).mean().item()],
    "max_minus_average": lambda q: (input_of(q).max() - input_of(q).mean()).item(),
    "noise": lambda q: input_of(q).square().sum().sqrt().item() / input_of(q).numel(),
    "unpooled": unpooled,
    "after_shift": shifted,
    "changing_moves": moves,
    "shrinking": lambda q: [
        c["value"] for c in q.choices if layer_of(c["value"])(input_of(q)).numel() < input_of(q).numel()
    ],
    "keeping": lambda q: [
        c["value"] for c in q.choices if layer_of(c["value"])(input_of(q)).shape == input_of(q).shape
    ],
}
# What no case belongs to: known facts about pooling.
FACTS = {
    "pooling_parameters": 0,
    "averages_beside_maxima": [False, True],
    "average_ever_exceeds_max": False,
    "conv_after_pooling": [1, 0.25, 0],
    "relu_commutes": ["max"],
    "activations_that_commute": ["tanh", "sigmoid"],  # those that never fall
    "linear_kinds": ["avg"],
    "average_of_bytes": "error",
    "overlap_and_gaps": [[True, False], [False, True]],
    "max_border": "-inf before",
    "too_much_padding": "called",
    "conv_weights_without_gradient": 0,
    "share_changed": "2/3",  # 1 - (k - 1) / (k + 1)
    "rows_seen": 18,  # 1 + 2 + 1 + 2 * 2 + 1 * 2 + 2 * 4
    "rows_seen_dilated": 26,  # 1 + 2 + 1 + 2 * 2 + 1 * 2 + 2 * 4 * 2
    "alias_period": 5,  # 2 / 2.5 is 4/5 of the way, and so 1/5 backwards
    "corner_difference": 1 - 6,
    "lp_of_threes": 6,
    "heads_that_run": ["average 8", "global average"],
    "most_parameters": "same",
    "bytes_written": 3,
    "gain_at_quarter": 2**-0.5,
    "calmest": "avg 3",
    "clear_difference": "undecided",
}


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
    "padding does not change the size": _settings(padding=None),
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


# ---- does every answer meet its own reason? ----------------------------------------------------------------------


def typed(q, value):
    """The value as the page would send it."""
    if q.kind == "shape":
        return " x ".join(map(str, value))
    if q.kind == "fill":
        return [[str(v) for v in row] for row in value]
    return str(value) if q.kind == "number" else value


def check_grading(data):
    q = made(data)
    assert q.grade(q.parse(typed(q, q.truth)))["right"]
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
        graded = q.grade(q.parse(typed(q, mistake["value"])))
        assert not graded["right"]
        assert (graded["mistake"], graded["misconception"]) == (mistake["reason"], mistake["misconception"])
    if q.kind == "order":
        assert not q.grade([n for n, _ in q.public()["steps"]])["right"]


@every_question
def test_does_every_wrong_answer_meet_its_own_reason(lesson, data):
    check_grading(data)


def test_is_a_whole_number_asked_for_where_something_is_counted():
    asked = {
        name: question(name).public() for name in ("stride-one-rows", "winner-number", "pre-divisor", "noise-left")
    }
    assert {name: public["whole"] for name, public in asked.items()} == {
        "stride-one-rows": True,
        "winner-number": True,
        "pre-divisor": False,  # 2.0: an average, which happens to be whole
        "noise-left": False,
    }


@pytest.mark.parametrize("raw", ["2.5", "7/2", "-0,1"])
def test_is_only_a_whole_number_taken_there(raw):
    q = question("winner-number")
    with pytest.raises(ValueError, match=f"'{raw}' is not a whole number, and one is asked for here."):
        q.parse(raw)
    assert q.parse("8/2") == 4 and question("pre-divisor").parse(raw)


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
        for same in ("kind", "answer", "misconception"):
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


# ---- does it understand what people type? ------------------------------------------------------------------------

BY_KIND = {kind: next(data for _, data in DATA if data["kind"] == kind) for kind in ON_CARDS}
TABLE = [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "kind, raw, parsed",
    [
        ("shape", "8x16x16x16", [8, 16, 16, 16]),
        ("shape", "(8, 16, 16, 16)", [8, 16, 16, 16]),
        ("shape", "[8,16,16,16]", [8, 16, 16, 16]),
        ("shape", "8 × 16 × 16 × 16", [8, 16, 16, 16]),
        ("shape", "8 16 16 16", [8, 16, 16, 16]),
        ("shape", "torch.Size([8, 16, 16, 16])", [8, 16, 16, 16]),
        ("shape", [8, 16, 16, 16], [8, 16, 16, 16]),
        ("number", "1/9", 1 / 9),
        ("number", " 2.50 ", 2.5),
        ("number", "2,5", 2.5),
        ("number", "−4", -4),
        ("number", -4, -4),
        ("several", [2, 0, 2], [0, 2]),
        ("one", "1", 1),
        ("fill", [["1", "2,0"], ["6/2", " 4"]], TABLE),
        ("cells", [[1, 0], [0, 1], [1, 0]], [[0, 1], [1, 0]]),
    ],
)
def test_is_the_same_answer_understood_however_it_is_typed(kind, raw, parsed):
    assert made(BY_KIND[kind]).parse(raw) == parsed


@pytest.mark.parametrize(
    "kind, raw, says",
    [
        *[(kind, nothing, "No answer yet") for kind in ON_CARDS for nothing in (None, "", [])],
        ("number", "nine", "'nine' is not a number"),
        ("number", "1/0", "'1/0' is not a number"),
        ("number", "   ", "is not a number"),
        ("number", [1], "is not a number"),
        ("shape", "large", "'large' is not a shape"),
        ("shape", "8, 1.5", "is not a shape"),
        ("shape", "()", "'()' is not a shape"),
        ("shape", "(4,8,6)x", "'(4,8,6)x' is not a shape"),
        ("shape", 7, "write a shape"),
        ("one", 99, "choose one of the choices"),
        ("one", -1, "choose one of the choices"),
        ("one", True, "choose one of the choices"),
        ("one", "first", "choose one of the choices"),
        ("several", [0, 99], "choose one or more"),
        ("several", 1, "choose one or more"),
        ("cells", [[0, 99]], "mark cells of the grid"),
        ("cells", [1, 2], "mark cells of the grid"),
        ("fill", [["1", ""], ["", "4"]], "2 of 4 cells are still empty"),
        ("fill", [["1", None], ["3", "4"]], "1 of 4 cells are still empty"),
        ("fill", [["1", "two"], ["3", "4"]], "'two' is not a number"),
        ("fill", [["1", "2"]], "write a number into every cell"),
        ("fill", [["1", "2", "3"], ["4", "5", "6"]], "write a number into every cell"),
        ("order", [0, 1], "put the steps in order"),
        ("order", [0, 0, 1, 2, 3], "put the steps in order"),
    ],
)
def test_is_nonsense_refused_in_a_sentence(kind, raw, says):
    with pytest.raises(ValueError) as error:
        made(BY_KIND[kind]).parse(raw)
    sentence = str(error.value)
    assert says in sentence and sentence.endswith(".") and "Traceback" not in sentence


def test_does_a_wrong_name_get_near_ones():
    with pytest.raises(ValueError, match="'max-channels'"):
        question("max-chanels")


# ---- would the checks notice? ------------------------------------------------------------------------------------


def spoilt(name, change):
    data = copy.deepcopy(next(data for _, data in DATA if data["id"] == name))
    change(data)
    return data


def stretched(data):
    """The right choice says more than the others."""
    for place in right_places(made(data)):
        data["choices"][place]["text"] += ", since that is how pooling works in each and every case that there is"


def all_right(data):
    for choice in data["choices"]:
        choice["value"] = {"kind": "max", "kernel_size": 1}


LONG = "This reason goes on and on. " * 8
SPOILT = [
    ("an unknown key", check_whole, "lost-row", put(1, "points")),
    ("an unknown kind", check_whole, "lost-row", put("pick", "kind")),
    ("an unknown role", check_whole, "lost-row", put("quiz", "role")),
    ("no source", check_whole, "lost-row", dropped("source")),
    ("no choices", check_whole, "lost-row", dropped("choices")),
    ("no mistakes", check_whole, "rows-out", put([], "mistakes")),
    ("no answer", check_whole, "rows-out", dropped("answer")),
    ("steps for a choice", check_whole, "lost-row", put(["a", "b"], "steps")),
    ("an unknown part of the case", check_whole, "rows-out", put(1, "case", "device")),
    ("a choice without a reason", check_reasons, "lost-row", put("", "choices", 0, "reason")),
    ("a wrong choice without a misconception", check_reasons, "lost-row", dropped("choices", 0, "misconception")),
    ("a right choice with one", check_reasons, "lost-row", put("every cell is read", "choices", 3, "misconception")),
    ("a misconception as a sentence", check_reasons, "lost-row", put("Rows get lost!", "choices", 0, "misconception")),
    ("a mistake without a reason", check_reasons, "rows-out", dropped("mistakes", 0, "reason")),
    ("two right choices of one", check_how_many_are_right, "lost-row", put([8], "choices", 0, "value")),
    ("no wrong choice", check_how_many_are_right, "keep-size", all_right),
    ("two choices alike", check_how_many_are_right, "lost-row", put("Row 8, the last one", "choices", 0, "text")),
    ("too few choices", check_how_many_are_right, "peak-moves", lambda data: data.update(choices=data["choices"][:2])),
    ("an answer typed in", check_not_typed_in, "lost-row", put(True, "choices", 3, "right")),
    ("a choice without a value", check_not_typed_in, "lost-row", dropped("choices", 3, "value")),
    ("a prompt cut off", check_reads_well, "lost-row", put("Which rows are read", "prompt")),
    ("a lecture for a reason", check_reads_well, "lost-row", put(LONG, "choices", 0, "reason")),
    ("a lecture for a why", check_reads_well, "lost-row", put(LONG, "why")),
    (
        "signs that do not matter",
        check_misconceptions_miss,
        "below-zero-again",
        put([[-2, -8], [-6, -4]], "case", "input"),
    ),
    (
        "a ceil_mode that changes nothing",
        check_every_setting_matters,
        "ceil-window",
        put([1, 9, 9], "case", "input", "shape"),
    ),
    ("a padding that changes nothing", check_every_setting_matters, "pad-loss", dropped("case", "pooling", "stride")),
    ("a wrong mistake", check_grading, "rows-out", put(4, "mistakes", 0, "value")),
    ("a mistake met twice", check_grading, "rows-out", put(3, "mistakes", 0, "value")),
    ("a mistake that cannot be typed", check_grading, "rows-out", put("four", "mistakes", 0, "value")),
]


@pytest.mark.parametrize("check, name, change", [s[1:] for s in SPOILT], ids=[s[0] for s in SPOILT])
def test_is_a_spoilt_question_noticed(check, name, change):
    check(spoilt(name, lambda data: None))
    with pytest.raises((AssertionError, ValueError)):
        check(spoilt(name, change))


@pytest.mark.parametrize("name", sorted({data["answer"] for _, data in DATA if "answer" in data}))
def test_is_a_wrong_answer_function_noticed(monkeypatch, name):
    """If a function of answers.py gives a typical wrong answer, does each question that uses it fail?"""
    uses = [data for _, data in DATA if data.get("answer") == name and name in {**ANOTHER_WAY, **FACTS}]
    for data in uses:
        check_right_answer(data)
        q = made(data)
        if q.kind in ("one", "several"):
            wrong = next(c["value"] for i, c in enumerate(q.choices) if i not in right_places(q))
            wrong = [wrong] if q.kind == "several" else wrong
        else:
            wrong = q.mistakes[0]["value"]
        monkeypatch.setitem(answers.ANSWERS, name, lambda _, wrong=wrong: wrong)
        with pytest.raises((AssertionError, RuntimeError)):
            check_right_answer(data)
        monkeypatch.undo()


class Talkative(Question):
    """A question whose page learns too much."""

    def public(self):
        return {**super().public(), "hint": self.why}


class InOrder(Question):
    shown_order = property(lambda self: list(range(len(self.steps))))


class TellingNumbers(Question):
    def public(self):
        return {**super().public(), "steps": [[i, self.steps[i]] for i in self.shown_order]}


class Reasons(Question):
    def public(self):
        return {**super().public(), "choices": [c["reason"] for c in self.choices]}


@pytest.mark.parametrize(
    "leak, name",
    [(Talkative, "lost-row"), (Reasons, "lost-row"), (InOrder, "size-steps"), (TellingNumbers, "size-steps")],
)
def test_is_a_leak_noticed(leak, name):
    data = next(data for _, data in DATA if data["id"] == name)
    check_nothing_leaks(made(data))
    with pytest.raises(AssertionError):
        check_nothing_leaks(leak(lesson="99_test", **data))


@every_file
def test_is_a_long_right_choice_noticed(lesson):
    chosen = [copy.deepcopy(data) for data in FILES[lesson] if data["kind"] in ("one", "several")]
    for data in chosen:
        stretched(data)
    with pytest.raises(AssertionError):
        check_length_tells_nothing(chosen)


def test_is_a_right_choice_always_in_the_same_place_noticed():
    for lesson in STEPS:
        chosen = copy.deepcopy([data for data in FILES[lesson] if data["kind"] == "one"])
        for data in chosen:
            data["choices"].insert(0, data["choices"].pop(made(data).truth))
        if len(chosen) >= 3:
            with pytest.raises(AssertionError):
                check_place_tells_nothing(chosen)


def test_is_a_missing_question_noticed():
    lesson = STEPS[4]
    for role in ("predict", "check", "return"):
        with pytest.raises(AssertionError):
            check_enough(lesson, [data for data in FILES[lesson] if data["role"] != role])


def test_is_a_name_used_twice_noticed():
    with pytest.raises(AssertionError):
        check_unique({**FILES, "10_again": FILES["06_padding"]})


@pytest.mark.parametrize("change", [lambda a: a.pop(), lambda a: a.reverse(), lambda a: a[0].update(kind="number")])
def test_is_a_test_that_is_not_parallel_noticed(change):
    before, after = ([copy.deepcopy(data) for _, data in DATA if data["role"] == role] for role in ("pre", "post"))
    change(after)
    with pytest.raises((AssertionError, ValueError)):
        check_parallel(before, after)
    with pytest.raises(AssertionError):
        check_parallel(before, before)
