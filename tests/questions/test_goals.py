"""Is every challenge whole, its solution as short as can be, and does it refuse what only looks right?

torch judges; the page's own judging is asked under Node, and must say the same. At the end each check is shown a
challenge that somebody spoilt, and must reject it.
"""

import copy
import itertools
import json
import math
import random
import re
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness import node
from harness.questions import check_title
from harness.spoiling import dropped, put
from pooling_course import PoolingExplorer
from pooling_course.explorer.explorer import MOST
from pooling_course.maths import rules
from pooling_course.questions import Reach, all_questions, goals
from pooling_course.questions.goals import COMPARISONS, MEASURES, MOVES, OVERS, PAIRS, Stand, holds, measured
from pooling_course.web import assets

ALL = [q for q in all_questions().values() if isinstance(q, Reach)]
DRIVER = Path(__file__).with_name("goals.mjs")
PARTS = {f.name for f in fields(Reach)} - {"choices", "steps", "answer", "at", "tolerance", "unit"}
every_challenge = pytest.mark.parametrize("q", ALL, ids=lambda q: q.id)


def data_of(q):
    return {name: copy.deepcopy(getattr(q, name)) for name in PARTS}


# ---- is it whole? --------------------------------------------------------------------------------------------------


def check_condition(condition, says):
    assert condition["of"] in MEASURES
    assert set(condition) <= {"of", "over", "says", *COMPARISONS} and ("says" in condition) == says
    assert len(set(condition) & set(COMPARISONS)) == 1
    over = condition.get("over")
    assert over is None or over in OVERS or len(over) == 2


def check_whole(data):
    assert set(data) <= PARTS
    assert set(data["case"]) <= {"input", "pooling", "direction", "compare"}
    assert set(data["moves"]) <= set(MOVES) and data["moves"] and data["hints"]
    assert ("apart" in data["moves"]) <= bool(set(PAIRS) & set(data["moves"]))
    assert re.fullmatch(r"reach-[a-z-]+", data["id"])  # by which a page without Python knows them
    check_title(data)
    assert data["prompt"] and data["why"] and data["source"]
    for condition in data["goal"]:
        check_condition(condition, says=True)
    assert len(data["mistakes"]) >= 3
    for mistake in data["mistakes"]:
        assert set(mistake) == {"when", "value", "reason", "misconception"} and mistake["when"]
        for condition in mistake["when"]:
            check_condition(condition, says=False)
    for text in (data["misconception"], *(mistake["misconception"] for mistake in data["mistakes"])):
        assert re.fullmatch(r"[a-z0-9_ ,]+", text), text


def check_reads_well(data):
    assert data["prompt"][-1] in "?." and len(data["prompt"]) <= 90
    assert len(re.findall(r"[.!?](?=\s|$)", data["why"])) <= 3 and len(data["why"]) <= 160
    for text in (*data["hints"], *(mistake["reason"] for mistake in data["mistakes"])):
        assert len(text) <= 130 and text[-1] in ".?:"
    assert sum(len(condition["says"]) for condition in data["goal"]) <= 50  # they stand in one line
    for condition in data["goal"]:
        (wanted,) = (condition[how] for how in COMPARISONS if how in condition)
        for number in wanted if isinstance(wanted, list) else [wanted]:
            assert number in (0, 1, 2, -0.01, 35) or f"{number:g}" in condition["says"], condition


@every_challenge
def test_is_it_whole(q):
    check_whole(data_of(q))
    check_reads_well(data_of(q))


def test_are_there_enough_and_in_every_lesson_that_moves_an_explorer():
    lessons = {q.lesson[:2] for q in ALL}
    assert len(ALL) >= 12 and lessons >= {"01", "02", "03", "04", "05", "06", "07", "09"}
    assert {"cells", "apart", "kernel_size", "stride", "padding", "ceil_mode"} <= {
        name for q in ALL for name in q.moves
    }


def test_is_each_idea_of_a_goal_there():
    """An output that reads all; max and average agreeing; an edit without effect; reads; where the gradient goes."""
    asked = {condition["of"] for q in ALL for condition in q.goal}
    assert asked >= {"size", "reads", "max - avg", "max moved", "output moved", "gradient", "output"}


# ---- is the shortest solution that, and is what looks right refused? -----------------------------------------------


def reach_of_hands(q):
    """{setting: all values that the challenge's controls can bring it to}; those of a divisor up to 40."""
    explorer = PoolingExplorer("worked", q.pooling)
    values = {"padding": range(3), "dilation": range(1, 4), "divisor_override": [None, *range(1, 41)]}
    values |= {name: range(1, max(MOST[name], explorer.most[name]) + 1) for name in ("kernel_size", "stride")}
    values |= {"ceil_mode": [False, True], "count_include_pad": [False, True], "kind": ["max", "avg"]}
    found = {}
    for name in [name for name in q.moves if name in values]:
        apart = itertools.permutations(values[name], 2) if name in PAIRS and "apart" in q.moves else ()
        found[name] = [*values[name], *map(list, apart)]
    return found


def settings_within(q, most):
    """Every answer without typing that is at most so many moves away, in one form."""
    hands = reach_of_hands(q)
    for chosen in itertools.product(*hands.values()):
        answer = dict(zip(hands, chosen, strict=True))
        if q.count(answer) <= most:
            with suppress(ValueError):  # more padding than torch takes, or a window that does not fit
                yield q.parse(answer)


def typed_within(q, most):
    """Answers of at most so many typed numbers: those that are there, a little more or less, and far ones."""
    h, w = q.start.x.shape
    there = sorted(set(q.start.x.flatten().tolist()))
    numbers = sorted({*there, *(value + 0.5 for value in there), -100.0, 100.0})
    for count in range(most + 1):
        for places in itertools.combinations(itertools.product(range(h), range(w)), count):
            if count > 1 and max(max(place) for place in places) > 2:
                continue  # of several, those in and around the first window: the others are like them
            few = numbers if count < 2 else [there[0] - 1, *there[::2], there[-1] + 1]
            for values in itertools.product(few, repeat=count):
                yield q.parse({"cells": [[*place, value] for place, value in zip(places, values, strict=True)]})


def is_reached(q, answer):
    now = q.stand(answer)
    return all(holds(condition, measured(condition, now, q.start)) for condition in q.goal)


def check_fewest(q):
    """The solution reaches the goal, and nothing with fewer moves does."""
    fewest = q.count(q.truth)
    assert is_reached(q, q.truth) and fewest >= 1
    answers = typed_within(q, fewest - 1) if "cells" in q.moves else settings_within(q, fewest - 1)
    assert next((answer for answer in answers if is_reached(q, answer)), None) is None


@pytest.mark.slow
@every_challenge
def test_does_a_search_find_nothing_shorter_than_the_solution(q):
    check_fewest(q)


def check_fits_every_way(q):
    """What is said of the solution holds for all others, too: it names every size of window, or none."""
    named = {int(digit) for found in re.findall(r"\bof (\d(?: or \d)*)", q.why) for digit in re.findall(r"\d", found)}
    if not named or "cells" in q.moves:
        return
    ways = [q.stand(answer) for answer in settings_within(q, math.inf) if is_reached(q, answer)]
    assert {side for way in ways for side in rules.pair("kernel_size", way.settings["kernel_size"])} <= named


@every_challenge
def test_does_the_reason_fit_every_way_to_the_goal(q):
    check_fits_every_way(q)


def check_refusals(q):
    """Each typical wrong answer is refused, in its own words, and nothing is told that would be the answer."""
    assert not q.grade(q.parse({}))["right"]
    for mistake in q.mistakes:
        graded = q.grade(q.parse(mistake["value"]))
        assert not graded["right"] and not {"why", "code", "fewest"} & set(graded)
        assert (graded["mistake"], graded["misconception"]) == (mistake["reason"], mistake["misconception"])
    assert len({mistake["reason"] for mistake in q.mistakes}) == len(q.mistakes)


@every_challenge
def test_is_what_looks_right_refused_with_its_own_reason(q):
    check_refusals(q)


def check_windows_named(q):
    """A reason that names a size of window is said of windows of that size only."""
    typed = {mistake["value"].get("divisor_override") for mistake in q.mistakes}
    for answer in () if "cells" in q.moves else settings_within(q, math.inf):
        if answer.get("divisor_override") not in typed | {None}:
            continue
        named = {int(side) for side in re.findall(r"[Ww]indows? of (\d)", q.grade(answer).get("mistake", ""))}
        sides = set(rules.pair("kernel_size", q.stand(answer).settings["kernel_size"]))
        assert not named or sides <= named, (answer, named)


@every_challenge
@pytest.mark.slow
def test_does_a_reason_name_the_window_that_stands_there(q):
    check_windows_named(q)


@every_challenge
def test_does_the_right_answer_get_its_reason_and_its_code(q):
    graded = q.grade(q.truth)
    assert graded["right"] and graded["why"] == q.why and graded["fewest"] == graded["moves"] == q.count(q.truth)
    assert eval(graded["code"], {"nn": nn})(q.stand(q.truth).x[None]).equal(q.stand(q.truth).trace().output[None])


def ways_to(name):
    q = next(q for q in ALL if q.id == name)
    return [q.stand(answer).settings for answer in settings_within(q, 99) if is_reached(q, answer)]


def test_do_reasons_that_tell_several_ways_tell_all():
    columns = {(way["kernel_size"], way["stride"]) for way in ways_to("reach-columns-alone")}
    assert columns == {((1, 2), (1, 2)), ((1, 5), 1)}  # two wide and moved by two, or five wide and moved by one
    ways = ways_to("reach-overlap")
    assert all(way["padding"] or way["ceil_mode"] or way["stride"] < 2 for way in ways)
    assert any(not (way["padding"] or way["ceil_mode"]) for way in ways)


@every_challenge
def test_does_the_last_hint_alone_hold_the_whole_answer(q):
    *steps, last = q.told
    assert steps == q.hints and last.startswith("The whole answer: ")
    assert q.code(q.truth) in last or all(str(int(value)) in last for _, _, value in q.truth["cells"])
    assert not [step for step in steps if "nn." in step]


@every_challenge
def test_does_the_page_get_no_key(q):
    text = json.dumps(q.public(), ensure_ascii=False)
    secrets = [q.why, *q.told, *(mistake["reason"] for mistake in q.mistakes)]
    assert not [secret for secret in secrets if secret in text]
    assert set(q.public()) == {"id", "role", "kind", "prompt", "goal", "moves", "case", "hints"}


# ---- is it torch that measures? ------------------------------------------------------------------------------------
# The same measures from nn layers and autograd, without Trace.


def layer_of(settings, kind=None):
    kind = kind or settings["kind"]
    own = {"max": ("dilation", "ceil_mode"), "avg": ("ceil_mode", "count_include_pad", "divisor_override")}[kind]
    names = ("kernel_size", "stride", "padding", *own)
    return {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}[kind](**{name: settings[name] for name in names})


def reads_of(settings, x):
    x = x.clone().requires_grad_()
    given = (settings[name] for name in ("kernel_size", "stride", "padding", "ceil_mode"))
    F.avg_pool2d(x[None], *given, divisor_override=1).sum().backward()
    return x.grad


def gradient_of(settings, x):
    x = x.clone().requires_grad_()
    layer_of(settings)(x[None]).sum().backward()
    return x.grad


def pooled(stand, kind=None):
    return layer_of(stand.settings, kind)(stand.x[None])[0]


ANOTHER_WAY = {
    "size": lambda now, start: torch.tensor(pooled(now).shape),
    "output": lambda now, start: pooled(now),
    "max": lambda now, start: pooled(now, "max"),
    "avg": lambda now, start: pooled(now, "avg"),
    "max - avg": lambda now, start: pooled(now, "max") - pooled(now, "avg"),
    "output moved": lambda now, start: (pooled(now) - pooled(start)).abs(),
    "max moved": lambda now, start: (pooled(now, "max") - pooled(start, "max")).abs(),
    "avg moved": lambda now, start: (pooled(now, "avg") - pooled(start, "avg")).abs(),
    "reads": lambda now, start: reads_of(now.settings, now.x),
    "gradient": lambda now, start: gradient_of(now.settings, now.x),
    "edits": lambda now, start: torch.tensor([int((now.x != start.x).sum())]),
} | {name: lambda now, start, name=name: torch.tensor([now.settings[name]] * 2) for name in PAIRS}


@pytest.mark.parametrize("name", MEASURES)
def test_does_torch_measure_the_same_in_another_way(name):
    rng = random.Random(name)
    for _ in range(20):
        kernel, stride = rng.randint(1, 4), rng.randint(1, 4)
        settings = {"kind": rng.choice(["max", "avg"]), "kernel_size": kernel, "stride": stride, "dilation": 1}
        settings |= {"padding": rng.randint(0, kernel // 2), "ceil_mode": rng.random() < 0.5}
        settings |= {"count_include_pad": rng.random() < 0.5, "divisor_override": rng.choice([None, 3])}
        x = torch.randint(5, (7, 6), generator=torch.Generator().manual_seed(rng.getrandbits(20))).float()
        moved = x.clone()
        moved[rng.randrange(7), rng.randrange(6)] = 9
        now, start = Stand(settings, moved), Stand(settings, x)
        assert MEASURES[name](now, start).double().allclose(ANOTHER_WAY[name](now, start).double())


TABLE = torch.tensor([[0.0, 3.0], [1.0, 3.0]])


@pytest.mark.parametrize(
    "condition, found",
    [
        ({"over": "smallest", "is": 0}, True),
        ({"over": "smallest", "at_least": 1}, False),
        ({"over": "largest", "at_most": 3}, True),
        ({"over": "largest", "at_most": 2.9}, False),
        ({"over": "total", "is": 7}, True),
        ({"over": "total", "not": 7}, False),
        ({"over": "zeros", "is": 1}, True),
        ({"over": [1, 0], "is": 1}, True),
        ({"over": [1, 1], "is": 1}, False),
        ({"over": [2, 0], "is": 1}, False),  # no such cell
        ({"at_least": 0}, True),
        ({"at_least": 1}, False),  # of every one
        ({"is": [2, 2]}, False),  # four numbers are not two
    ],
)
def test_says_a_condition_what_it_says(monkeypatch, condition, found):
    monkeypatch.setitem(MEASURES, "table", lambda now, start: TABLE)
    condition = {"of": "table", **condition}
    assert holds(condition, measured(condition, None, None)) is found


# ---- how many moves are they? --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer, moves",
    [
        ({}, 0),
        ({"kernel_size": 4}, 2),
        ({"kernel_size": 1}, 1),
        ({"kernel_size": [3, 3]}, 1),
        ({"kernel_size": [3, 2]}, 2),  # ticked apart, then a step
        ({"kernel_size": [1, 2], "stride": [1, 2]}, 3),
        ({"kernel_size": [1, 4]}, 4),
        ({"stride": 5, "padding": 1}, 4),
        ({"ceil_mode": True, "divisor_override": 7, "count_include_pad": False, "kind": "avg"}, 4),
        ({"cells": [[0, 0, 9], [1, 1, 9]]}, 2),
    ],
)
def test_counts_it_what_hands_do(answer, moves):
    q = next(q for q in ALL if q.pooling.kernel_size == (2, 2) == q.pooling.stride)
    assert q.count(answer) == moves


def test_does_wandering_not_count():
    """Moves are how far the answer is from the case, not how often something was tried."""
    q = next(q for q in ALL if "cells" in q.moves)
    same = q.start.x[0, 0].item()
    assert q.count(q.parse({"cells": [[0, 0, same]]})) == 0
    assert q.parse({"cells": [[0, 0, 5], [0, 0, 7]]})["cells"] == [[0, 0, 7.0]]


# ---- what is an answer? --------------------------------------------------------------------------------------------

SLIDING = next(q for q in ALL if "kernel_size" in q.moves and "stride" in q.moves)
TYPING = next(q for q in ALL if "cells" in q.moves)
NONSENSE = [None, "", [], "abc", 7, {"kernel_size": "wide"}, {"kernel_size": 2.5}, {"kernel_size": [1, 2, 3]}]
NONSENSE += [{"kernel_size": True}, {"kernel_size": 10**30}, {"stride": 0}, {"stride": -1}, {"kernel_size": 99}]
NONSENSE += [{"cells": [[0, 0, 1]]}, {"kernel_size": None}, {"stride": [[1], [2]]}]
TYPED = [{"cells": 3}, {"cells": [[0, 0]]}, {"cells": [[0, 99, 1]]}, {"cells": [[-1, 0, 1]]}, {"cells": [[0, 0, "x"]]}]
TYPED += [{"cells": [[0, 0, "nan"]]}, {"cells": [[0, 0, float("inf")]]}, {"cells": [[0.5, 0, 1]]}, {"cells": None}]


@pytest.mark.parametrize("q, raw", [*((SLIDING, raw) for raw in NONSENSE), *((TYPING, raw) for raw in TYPED)])
def test_is_what_stands_nowhere_refused_in_a_sentence(q, raw):
    with pytest.raises(ValueError) as error:
        q.parse(raw)
    assert str(error.value).endswith(".") and "Traceback" not in str(error.value)


def test_has_an_answer_one_form():
    q = next(q for q in ALL if "apart" in q.moves)
    assert q.parse({"stride": [2, 2], "kernel_size": [1, 2]}) == {"kernel_size": [1, 2], "stride": 2}
    assert json.loads(json.dumps(q.parse(q.solution))) == q.truth
    assert q.parse(q.truth) == q.truth


def test_is_what_may_not_move_left_where_it_is():
    assert "padding" not in SLIDING.moves
    assert SLIDING.parse({"padding": 1}) == SLIDING.parse({})


# ---- the page judges as torch does ---------------------------------------------------------------------------------


def of_all_measures(kind):
    """A challenge of no lesson, whose goal measures everything in every way, and in which everything may move."""
    over = {name: [*OVERS, [1, 2], [4, 6]] for name in MEASURES if name not in ("size", "edits", *PAIRS)}
    goal = [{"of": name, "over": how, "is": 1} for name, overs in over.items() for how in overs]
    goal += [{"of": name, "at_least": 2} for name in MEASURES] + [{"of": "size", "not": [3, 4]}]
    case = {"input": "odd", "pooling": {"kind": kind, "kernel_size": 2}}
    told = {"prompt": "?", "why": "!", "case": case, "solution": {"kernel_size": 3}}
    return Reach(f"all-{kind}", "All measures", "99_test", "check", "reach", **told, goal=goal, moves=list(MOVES))


JUDGED = [*ALL, of_all_measures("max"), of_all_measures("avg")]


def cases_of(q):
    """Answers near and far, right, wrong, and none."""
    many = 12 if q in ALL else 60
    rng = random.Random(q.id)
    answers = [{}, q.solution, *(mistake["value"] for mistake in q.mistakes)]
    hands = reach_of_hands(q)
    for _ in range(many):
        answer = {name: rng.choice(values) for name, values in hands.items()}
        if "cells" in q.moves:
            h, w = q.start.x.shape
            spots = rng.sample(list(itertools.product(range(h), range(w))), rng.randint(1, 3))
            answer["cells"] = [[*at, rng.choice([0.0, 2.0, 3.0, 5.5, 7.0, 100.0, -1.0, 0.1])] for at in sorted(spots)]
        answers.append(answer)
    return answers


def stands_for(q, answer):
    """As the page sends it: of all that may move, whether it was moved or not."""
    stands = {name: q.start.settings[name] for name in q.moves if name in q.start.settings} | answer
    if "cells" in q.moves:
        stands["cells"] = [c for c in answer.get("cells", []) if c[2] != q.start.x[c[0], c[1]].item()]
    return stands


@cache
def judged_by_torch():
    """[(challenge, answer, verdict, or the refusal)]"""
    found = []
    for q, answer in [(asked, stands_for(asked, answer)) for asked in JUDGED for answer in cases_of(asked)]:
        try:
            ours = q.grade(q.parse(answer))
        except ValueError as error:
            ours = {"refused": str(error)}
        found.append((q, answer, rounded(json.loads(json.dumps(ours)))))
    return found


def differences(folder, source=None):
    cases = [[q.public(), q.key(), answer] for q, answer, _ in judged_by_torch()]
    found = node.answers(folder, DRIVER, source or assets.script("questions/goals.js"), cases)
    judged = [
        (q.id, answer, rounded(theirs), ours)
        for (q, answer, ours), theirs in zip(judged_by_torch(), found, strict=True)
    ]
    return [case for case in judged if case[2] != case[3]]


def rounded(value):
    """Measured numbers to six digits, as a total depends on the order; a state's name drops what cannot matter."""
    if isinstance(value, str):
        return value.replace(" (dilation does not raise the limit)", "")
    if isinstance(value, dict):
        return {name: rounded(v) for name, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


@pytest.mark.slow
def test_does_the_page_judge_as_torch_does(tmp_path):
    assert differences(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "good, bad",
    [
        ("at += by) counts[at]++", "at += by + 1) counts[at]++"),
        ("a >= b - slack", "a > b + slack"),
        ("a <= b + slack", "true"),
        ("!(Math.abs(a - b) <= slack)", "Math.abs(a - b) <= slack"),
        ("over[0] * w + over[1]", "over[1] * w + over[0]"),
        ("value === 0).length", "value !== 0).length"),
        ("Math.min(...list)", "Math.max(...list)"),
        ("down === across ? down : down + across", "Math.max(down, across)"),
        ("uneven ? 1 : 0", "0"),
        ("let moves = cells.length", "let moves = 0"),
        ('pooled(now, "max")?.table, pooled(now, "avg")', 'pooled(now, "max")?.table, pooled(now, "max")'),
        ('pooled(start, "avg")?.table, apart', 'pooled(start, "avg")?.table, minus'),
        ("values[row * w + col] = value", "values[col * w + row] = value"),
        ("when.every(", "when.some("),
        ("goal.every(({ met }) => met)", "goal.some(({ met }) => met)"),
        ("a.h === b.h && a.w === b.w", "true"),
        ("gradient ? `grad0 ${key}` : key", "key"),
        ("code: codeOfStand(now)", "code: codeOfStand(start)"),
    ],
)  # fmt: skip
def test_is_a_page_that_judges_otherwise_noticed(good, bad, tmp_path):
    source = assets.script("questions/goals.js")
    assert source.count(good) >= 1, good
    assert differences(tmp_path, source.replace(good, bad))


# ---- would the checks notice? --------------------------------------------------------------------------------------


def spoilt(name, change):
    data = data_of(all_questions()[name])
    change(data)
    return data


def fewest(data):
    check_fewest(Reach(**data))


def refusals(data):
    check_refusals(Reach(**data))


def fits(data):
    check_fits_every_way(Reach(**data))


def windows(data):
    check_windows_named(Reach(**data))


FOUR, AGREE, TYPE, TWO = "reach-four-windows", "reach-agreement", "reach-average-alone", "reach-two-again"
UNMOVED = {"of": "edits", "is": 0, "says": "nothing typed"}
SMALL = {"of": "size", "is": [2, 2], "says": "output 2 × 2"}
SPOILT = [
    ("an unknown measure", check_whole, FOUR, put("area", "goal", 0, "of")),
    ("an unknown comparison", check_whole, FOUR, put({"of": "size", "is about": 2, "says": "2"}, "goal", 0)),
    ("two comparisons", check_whole, FOUR, put([1, 1], "goal", 0, "at_least")),
    ("a goal without words", check_whole, FOUR, dropped("goal", 0, "says")),
    ("an unknown move", check_whole, FOUR, put(["size"], "moves")),
    ("nothing to move", check_whole, FOUR, put([], "moves")),
    ("too few wrong answers", check_whole, FOUR, lambda data: data.update(mistakes=data["mistakes"][:2])),
    ("a wrong answer without a sign", check_whole, FOUR, put([], "mistakes", 0, "when")),
    ("no hints", check_whole, FOUR, put([], "hints")),
    ("a misconception as a sentence", check_whole, FOUR, put("It shrinks!", "mistakes", 0, "misconception")),
    ("a prompt cut off", check_reads_well, FOUR, put("Shrink the digit", "prompt")),
    ("a goal that says another number", check_reads_well, FOUR, put([3, 3], "goal", 0, "is")),
    ("a lecture for a reason", check_reads_well, FOUR, put("It goes on and on. " * 9, "mistakes", 0, "reason")),
    ("a way round", fewest, FOUR, put({"kernel_size": 5, "stride": 4}, "solution")),
    ("a solution that is none", fewest, FOUR, put({"kernel_size": 3}, "solution")),
    ("a solution longer than need be", fewest, AGREE, put({"kernel_size": 1, "stride": 1}, "solution")),
    ("more numbers than need be", fewest, TYPE, put({"cells": [[0, 0, 2], [0, 1, 2.5]]}, "solution")),
    ("a goal reached from the start", fewest, FOUR, put([UNMOVED], "goal")),
    ("a reason for one way of two", fits, FOUR, put("Two windows of 4 lie side by side on 8 cells.", "why")),
    ("a reason that speaks of another window", windows, TWO, dropped("mistakes", 2, "when", 1)),
    ("a wrong answer that is right", refusals, FOUR, put({"kernel_size": 5, "stride": 3}, "mistakes", 0, "value")),
    ("another slip's answer", refusals, FOUR, put({"kernel_size": 5, "stride": 5}, "mistakes", 0, "value")),
    ("a goal that a wrong answer reaches", refusals, FOUR, put([SMALL], "goal")),
]


@pytest.mark.parametrize("check, name, change", [s[1:] for s in SPOILT], ids=[s[0] for s in SPOILT])
def test_is_a_spoilt_challenge_noticed(check, name, change):
    check(spoilt(name, lambda data: None))
    with pytest.raises((AssertionError, ValueError)):
        check(spoilt(name, change))


def test_is_a_measure_that_is_wrong_noticed(monkeypatch):
    for q in ALL:
        of, never = q.goal[0]["of"], 0.0 if q.goal[0].get("over") == "zeros" else torch.nan
        monkeypatch.setitem(goals.MEASURES, of, lambda now, start, never=never: torch.full((8, 8), never))
        with pytest.raises(AssertionError):
            check_fewest(q)
        monkeypatch.undo()
