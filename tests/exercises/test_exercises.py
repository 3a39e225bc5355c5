"""Do the checks pass right answers, fail wrong ones, name known mistakes and keep to plain sentences whatever comes?"""

import doctest
import functools
import html
import itertools
import re
import signal
import subprocess
import sys
import types
from inspect import signature
from itertools import combinations, product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.answers import answer, cell, outcomes, verdict
from harness.mutants import mutants
from pooling_course.exercises import check, definition, hint, judge, load, names, outcome, plain, run, source, your_case
from pooling_course.exercises.definition import LEVELS, of_module
from pooling_course.exercises.report import Report, Value
from pooling_course.exercises.verdict import _alike as same_outcome
from pooling_course.exercises.verdict import fault
from pooling_course.questions.lessons import LESSONS, STEPS

NUMBERS = {LESSONS[name].number for name in STEPS}
SEEDS = (0, 1, 2, 3, 4, "ada")
OWN = [name for name in names() if load(name).level == "own"]
CODED = [name for name in names() if name not in OWN]
MISTAKES = [(name, mistake) for name in CODED for mistake in load(name).mistakes]


# ---- Every exercise --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("seed", SEEDS)
def test_the_model_answer_passes(name, seed):
    exercise = load(name)
    found = check(name, on_paper(exercise, seed) if exercise.level == "own" else exercise.model, seed)
    assert found.state == "solved" and found.passed == found.total and found.points(3) == 3, found
    assert found.mistake is None and found
    says = "that is right" if exercise.level == "own" else f"all {found.total} cases pass"
    assert repr(found) == f"✓ {name}: {says}."


def on_paper(exercise, student):
    """What that student writes down who is right."""
    return answer(exercise.paper(student), exercise.name)


@pytest.mark.parametrize("name, mistake", MISTAKES, ids=[f"{name}:{mistake.name}" for name, mistake in MISTAKES])
def test_every_mistake_fails_and_is_recognised(name, mistake):
    found = verdict(load(name), mistake.function)
    assert found.state == "wrong" and found.mistake == mistake.name
    assert found.points(10) < 10 and not found
    assert f"Its answers match a known mistake: {mistake.says}" in repr(found)


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_mistake_answers_as_another_or_as_it_should(name, seed):
    exercise = load(name)
    cases = exercise.cases(seed)
    answers = {mistake.name: outcomes(exercise, mistake.function, seed) for mistake in exercise.mistakes}
    for mistake, given in answers.items():
        assert any(fault(exercise, *pair) for pair in zip(cases, given, strict=True)), mistake
    for one, other in combinations(answers, 2):
        assert not all(map(same_outcome, answers[one], answers[other])), f"{one} answers as {other}"


# ---- Model answers with one slip of the pen --------------------------------------------------------------------------

EQUAL = {  # slips that change no answer, and why
    ("average-divisors", "(max(start, 0), min(stop, size)) the other way round"): "two counts below 0 multiply",
    ("overlap-count", "count[start:start + kernel_size] += 1 with Sub"): "two counts below 0 multiply",
    ("choose-a-pooling", "kernel_size for stride"): "where a sum is wanted, out divides size, and both are the same",
}


def slips(name):
    """(what was changed, the function) for each slip in the model answer, those that are no code left out."""
    exercise = load(name)
    for what, text in mutants(exercise.source.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")):
        yield what.partition(": ")[2], cell(text)[exercise.function]


def survives(name, function, seeds):
    exercise = load(name)
    return all(not fault(exercise, case, run(function, case)) for seed in seeds for case in exercise.cases(seed))


@pytest.mark.filterwarnings("ignore")  # of what slips compute on their way
@pytest.mark.parametrize("name", CODED)
def test_a_model_answer_with_one_slip_fails(name):
    """On the cases of every seed; where it does not, it answers as the model on the cases of many more."""
    count = 0
    for what, function in slips(name):
        count += 1
        for seed in (0, 1, 2) if (name, what) not in EQUAL else ():
            assert not survives(name, function, [seed]), f"{what}, seed {seed}"
        if (name, what) in EQUAL and survives(name, function, [0]):
            assert survives(name, function, range(1, 12)), what
    assert count >= 8


def test_the_first_maximum_down_the_columns_fails_whatever_is_drawn():
    """Of the case that tells it from the first in reading order, no seed may depend; without it, some seeds pass."""
    exercise = load("shares")
    mistake = next(m.function for m in exercise.mistakes if m.name == "down-the-columns")
    failing = [
        [i for i, case in enumerate(exercise.cases(seed)) if fault(exercise, case, run(mistake, case))]
        for seed in range(12)
    ]
    (at,) = set.intersection(*map(set, failing))
    assert [at] in failing


@pytest.mark.parametrize("name", [name for name in names() if load(name).level == "gaps"])
def test_every_gap_can_be_tried_alone_and_names_its_mistake(name):
    """With one gap filled wrongly and the others empty, the verdict speaks of what was written."""
    exercise = load(name)
    gaps = exercise.stub.count("NotImplementedError")
    if gaps == 1:
        return
    blocks = re.findall(r"^ *### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION\n", exercise.source, re.M | re.S)
    assert len(blocks) == gaps
    for filled in range(gaps):
        text = exercise.source
        for i, block in enumerate(blocks):
            if i != filled:
                text = text.replace(block, re.match(" *", block)[0] + "raise NotImplementedError()\n")
        right = verdict(exercise, cell(text)[exercise.function])
        assert 0 < right.passed < right.total and right.mistake is None
        named = {verdict(exercise, half_done(exercise, cell(text), m)).mistake for m in exercise.mistakes}
        assert len(named - {None}) >= 1, f"gap {filled + 1} alone names no mistake"


def half_done(exercise, space, mistake):
    """Answers as the mistake does wherever the half that is filled in gives any answer."""

    def answer(*case):
        space[exercise.function](*case)  # NotImplementedError where nothing is written
        return mistake.function(*case)

    return answer


def test_every_cell_divided_by_k_squared_is_named_once_the_override_is_right():
    code = """
def average_divisors(shape, out_shape, kernel_size, stride, padding, count_include_pad, divisor_override):
    if divisor_override is not None:
        return np.full(out_shape, divisor_override)
    return np.full(out_shape, kernel_size**2)
"""
    assert check("average-divisors", answer(code, "average-divisors")).mistake == "always-all"


@pytest.mark.parametrize(
    "name, mistake, right",
    [
        ("output-size", "no-kernel", [(size, k, k, 0) for k in range(1, 6) for size in range(k, 20)]),
        ("receptive-field", "product-of-kernels", [([(2, 2, 1)] * 3,), ([(3, 3, 1), (2, 2, 1), (3, 1, 1)],)]),
    ],
)
def test_a_mistake_is_right_where_its_sentence_says_so(name, mistake, right):
    wrong = mistaken(name, mistake)
    assert all(wrong(*case) == load(name).truth(*case) for case in right)


def mistaken(name, mistake):
    """The code of a known mistake."""
    return next(m.function for m in load(name).mistakes if m.name == mistake)


def test_a_window_is_dropped_that_would_start_in_row_size_plus_padding_or_below():
    rounded_up = mistaken("ceil-size", "only-rounded-up")
    for size, kernel_size, stride, padding in product(range(1, 10), range(1, 5), range(1, 6), range(3)):
        if padding <= kernel_size // 2 and size + 2 * padding >= kernel_size:
            rows = rounded_up(size, kernel_size, stride, padding)
            dropped = (rows - 1) * stride >= size + padding
            assert load("ceil-size").truth(size, kernel_size, stride, padding) == rows - dropped


ROWS, COLUMNS = "row * stride : row * stride + kernel_size", "col * stride : col * stride + kernel_size"


@pytest.mark.parametrize(
    "name, line, mistake",
    [
        ("read-a-window", f"return x[{ROWS}][{COLUMNS}]", "cut-twice"),
        ("read-a-window", f"return x[{ROWS}, {COLUMNS}].T", None),
        ("max-by-hand", f"output[row, col] = x[{ROWS}][{COLUMNS}].max()", "cut-twice"),
        ("max-by-hand", f"output[row, col] = max(x[{ROWS}, {COLUMNS}])", "builtin-max"),
        ("max-by-hand", f"output[row, col] = x[{ROWS}, {COLUMNS}]", None),
    ],
)
def test_a_slip_in_slices_has_a_name(name, line, mistake):
    stub = load(name).stub.replace("raise NotImplementedError()", line)
    assert check(name, answer(stub, name)).mistake == mistake


def test_a_class_in_place_of_a_layer_is_told_in_words():
    said = repr(check("choose-a-pooling", lambda size, out, need: nn.MaxPool2d))
    assert "type type" not in said and "write MaxPool2d(...)" in said


@pytest.mark.parametrize("name", names())
def test_an_untouched_stub_is_not_attempted(name):
    exercise = load(name)
    space = cell(exercise.stub)
    found = check(name, space[exercise.function])
    assert found.state == "untouched" and found.points(5) == 0
    assert repr(found).startswith(f"○ {name}: not attempted yet.") and "raises" not in repr(found)
    assert exercise.function in repr(found)


@pytest.mark.parametrize("name", names())
def test_an_exercise_is_well_made(name):
    exercise = load(name)
    assert exercise.function == name.replace("-", "_")
    assert cell(exercise.stub)[exercise.function].__doc__
    assert exercise.lesson in NUMBERS
    says = [mistake.says for mistake in exercise.mistakes]
    assert len(says) == len(set(says)) >= 4
    assert all(re.match(r"your? \w.*\.$", said) for said in says)
    assert all(signature(m.function).parameters.keys() == set(exercise.parameters) for m in exercise.mistakes)
    assert "SOLUTION" not in exercise.stub + exercise.solution and "YOUR CODE HERE" in exercise.stub
    assert source.RULE["numpy"][:20] not in exercise.task  # whoever lays out the cell shows the rule
    assert ("```python" in exercise.task) == (exercise.level == "worked")
    before = exercise.source[: exercise.source.index("### BEGIN")].partition('"""\n')[2]
    assert bool(before.strip()) == (exercise.level == "gaps"), "gaps, and only they, have code given"
    assert bool(signature(cell(exercise.stub)[exercise.function]).parameters) == (exercise.level != "own")


@pytest.mark.parametrize("name", names())
def test_cases_are_few_small_and_the_same_each_time(name):
    exercise = load(name)
    cases = exercise.cases(3)
    assert repr(plain.plain(cases)) == repr(plain.plain(exercise.cases(3)))
    assert len(cases) == 1 if exercise.level == "own" else 12 <= len(cases) <= 18
    for case in cases[0] if exercise.level == "own" else cases:
        assert len(case) == len(exercise.parameters)
        for value in case:
            numbers = plain.as_array(plain.plain(value))
            assert numbers is None or numbers.size <= 150 and (numbers == numbers.round()).all()


def test_every_step_of_the_course_has_exercises():
    found = [load(name) for name in names()]
    lessons = [exercise for exercise in found if exercise.level != "own"]
    assert len(lessons) >= 12 and {exercise.lesson for exercise in lessons} == NUMBERS
    order = [(exercise.lesson, LEVELS.index(exercise.level)) for exercise in found]
    assert order == sorted(order)
    assert {exercise.level for exercise in found} == set(LEVELS)
    assert len({exercise.title for exercise in found}) == len(found)


def test_the_exercises_are_a_ladder_in_each_lesson_and_through_the_course():
    """First one that is solved, then with gaps, then free: where there are two, none begins free or ends with gaps."""
    steps = {}
    for exercise in map(load, names()):
        steps.setdefault(exercise.lesson, []).append(exercise.level)
    ladders = {lesson: [level for level in levels if level != "own"] for lesson, levels in steps.items()}
    assert ladders["01"] == ["worked", "gaps"]
    assert all(ladders[lesson] == ["gaps", "free"] for lesson in ("02", "03"))
    later = [levels for lesson, levels in ladders.items() if lesson > "01" and len(levels) > 1]
    assert all(levels[0] != "free" and levels[-1] == "free" for levels in later)


def test_gaps_are_filled_one_by_one():
    """A verdict on one that is filled does not wait for the others."""
    several = {name: load(name) for name in names() if load(name).stub.count("YOUR CODE HERE") > 1}
    assert several and all(exercise.level == "gaps" for exercise in several.values())
    for name, exercise in several.items():
        gaps = list(definition.SOLUTION.finditer(exercise.source))
        assert [f"# Gap {i + 1}:" in exercise.source[: gap.start()] for i, gap in enumerate(gaps)] == [True] * len(gaps)
        for only in gaps:
            kept = iter(gaps)
            part = definition.SOLUTION.sub(
                lambda found: found[0] if next(kept) is only else f"{found[1]}raise NotImplementedError()\n",  # noqa: B023
                exercise.source,
            )
            found = check(name, answer(definition.MARKER.sub("", part), name))
            assert found.state == "wrong" and 0 < found.passed < found.total
            assert "for this case nothing is written yet" in repr(found)


# ---- Numbers of a student's own --------------------------------------------------------------------------------------

STUDENTS = [f"student {n}" for n in range(200)]
PAIRS = list(combinations(range(len(STUDENTS)), 2))


@functools.cache
def drawn(name):
    """The case of every student."""
    return [load(name).cases(who)[0] for who in STUDENTS]


def digest(function, case):
    """What somebody writes down who thinks so; None where that stops with an error, which nobody writes down."""
    found = run(function, case)
    return repr(plain.written(found.value)) if found.state == "value" else None


@pytest.mark.parametrize("name", OWN)
def test_what_is_written_down_is_right_for_its_student_and_wrong_for_a_friend(name):
    """Of a hundred friends, one at most has the same answer; that takes few numbers to write."""
    exercise = load(name)
    wanted = [plain.plain(exercise.truth(*case)) for case in drawn(name)]
    wrote = [plain.plain(on_paper(exercise, who)()) for who in STUDENTS]
    assert not any(map(plain.differs, wanted, wrote))
    said = [repr(plain.written(answer)) for answer in wanted]
    lent = {(i, j) for i, j in PAIRS if said[i] == said[j]}
    assert len(lent) < len(PAIRS) / 100
    i, j = next(pair for pair in PAIRS if pair not in lent)
    friend = check(name, on_paper(exercise, STUDENTS[i]), STUDENTS[j])
    assert friend.state == "wrong" and friend.points(3) == 0


@pytest.mark.parametrize("name", OWN)
def test_on_everybodys_numbers_the_typical_mistakes_are_told_apart(name):
    """From what is right, and from each other."""
    exercise = load(name)
    functions = [exercise.truth, *(mistake.function for mistake in exercise.mistakes)]
    for who, case in zip(STUDENTS, drawn(name), strict=True):
        wrote = [said for function in functions if (said := digest(function, case))]
        assert 5 <= len(wrote) == len(set(wrote)), who
    for mistake in exercise.mistakes:
        outcome = run(mistake.function, case)
        if outcome.state == "value":
            found = judge(exercise, [case], [outcome])
            assert found.state == "wrong" and found.mistake == mistake.name


@pytest.mark.parametrize("name", CODED)
def test_on_everybodys_cases_the_model_passes_and_typical_mistakes_fail(name):
    """Most mistakes fail on those cases already that all have in common."""
    exercise = load(name)
    everybodys = [{repr(plain.plain(case)): case for case in exercise.cases(who)} for who in STUDENTS]
    assert {11 <= len(each) <= 18 for each in everybodys} == {True}  # a case that is drawn twice is tried once
    cases = {key: case for each in everybodys for key, case in each.items()}
    assert len(cases) > 70
    assert [key for key, case in cases.items() if fault(exercise, case, run(exercise.model, case))] == []
    common = set.intersection(*map(set, everybodys))
    for mistake in exercise.mistakes:
        fails = functools.cache(lambda key, wrong=mistake.function: fault(exercise, cases[key], run(wrong, cases[key])))
        assert any(map(fails, common)) or all(any(map(fails, each)) for each in everybodys), mistake.name


def ties(window):
    return int((window == window.max()).sum())


FAIR = {  # what holds of everybody's numbers, so that nobody has an easier task
    "my-read-a-window": lambda x, row, col, k, s: x.shape == (7, 8) and {row, col} == {1, 2} and (k, s) == (3, 2),
    "my-max-map": lambda x: x.shape == (4, 5),
    "my-shares": lambda window, kind: 4 <= window.size <= 10 and (kind == "avg" or ties(window) in (1, 3)),
    "my-pool-channels": lambda x, k: x.shape == (2, 4, 5) and k == 2,
    "my-unpool": lambda values, indices, h, w: (h, w) == (4, 5) and len(np.unique(indices)) in (3, 4),
    "my-average-divisors": lambda shape, out, k, s, p, *_: sorted(out) == [2, 3] and max(shape) <= 7 and p and s > 1,
    "my-output-size": lambda size, k, s, p: 4 <= size <= 51 and 2 <= k <= 5 and 2 <= s <= 4 and 1 <= p <= k // 2,
    "my-ceil-size": lambda size, k, s, p: 8 <= size <= 29 and 2 <= k <= 5 and 2 <= s <= 6 and p <= k // 2,
    "my-overlap-count": lambda h, w, k, s: 12 <= h * w <= 20 and min(h, w) > k and k in (2, 3),
    "my-average-map": lambda x: x.shape == (3, 4),
    "my-padding-choice": lambda size, k, s: 8 <= size <= 14 and 4 <= k <= 6 and 2 <= s <= k + 1,
    "my-unet-skip": lambda encoder, decoder: encoder.numel() == 10 and sorted(decoder.shape) == [1, 1, 1, 2],
    "my-gradient": lambda x, upstream: x.shape == (3, 3) and upstream.shape == (2, 2) and upstream.all(),
    "my-average-backward": lambda up, h, w, k, s, p, counted: up.all() and 9 <= h * w <= 12 and (k, s, p) == (3, 2, 1),
}
ROWS = {  # and how often what makes them hard
    "my-output-size": lambda size, k, s, p: (size + 2 * p - k) % s > 0,
    "my-overlap-count": lambda h, w, k, s: s < k,
    "my-padding-choice": lambda size, k, s: s > k,
    "my-ceil-size": lambda size, k, s, p: (size + 2 * p - k) % s == 0,
    "my-average-divisors": lambda *settings: settings[-1] is None and settings[-2],
    "my-shares": lambda window, kind: kind == "max",
    "my-average-backward": lambda *settings: settings[-1],
}


@pytest.mark.parametrize("name", FAIR)
def test_everybodys_numbers_are_equally_hard(name):
    assert all(FAIR[name](*row) for rows in drawn(name) for row in rows)
    assert len({len(rows) for rows in drawn(name)}) == 1
    assert len({sum(bool(ROWS[name](*row)) for row in rows) for rows in drawn(name) if name in ROWS}) <= 1
    answers = [plain.written(plain.plain(load(name).truth(*rows))) for rows in drawn(name)]
    sizes = [len(re.findall(r"\d+(?:\.\d+)?", repr(answer))) for answer in answers]
    assert max(sizes) <= 40 and max(sizes) - min(sizes) <= 16, "numbers to write down"


def test_ties_signs_and_overlap_are_in_everybodys_maps():
    for ((x, _),) in drawn("my-gradient"):
        windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2)).reshape(4, 2, 2)
        assert any(ties(window) > 1 for window in windows)
    for ((x,),) in drawn("my-max-map"):
        assert any(x[row : row + 2, col : col + 2].max() < 0 for row in (0, 2) for col in (0, 2))


def test_draws_that_tell_nothing_apart_end_in_a_sentence():
    exercise = load("output-size")
    own = definition.with_own_numbers(exercise, lambda random: [(6, 2, 2, 0)])
    with pytest.raises(RuntimeError, match="1000 draws of own numbers for 'output-size' gave none that tell its"):
        own.cases("ada")


def test_own_numbers_are_not_given_away_by_their_check():
    """Neither as a value nor as what is wanted: only where to look again."""
    exercise = load("my-average-map")
    right = exercise.truth(*exercise.cases("ada")[0])
    wrong = answer("def my_average_map():\n    return [[99, 99, 99], [99, 99, 99]]", "my-average-map")
    said = repr(check("my-average-map", wrong, "ada"))
    assert "Look again: at [0, 0] it gives 99, which is not right." in said and "wanted" not in said
    assert said.count("≠") == 6 and f"{right[0, 1]:g} " not in said.partition("yours")[2]


def test_wrong_numbers_on_paper_are_recognised_without_their_decimal_points():
    exercise = load("my-max-map")
    ((x,),) = exercise.cases("ada")[0]
    wrong = F.max_pool2d(torch.from_numpy(x)[None], 2, 1)[0].int().tolist()
    function = answer(f"def my_max_map():\n    return {wrong}", "my-max-map")
    assert check("my-max-map", function, "ada").mistake == "one-step"


# ---- Whatever an answer does -----------------------------------------------------------------------------------------

SELF = "    found = [1]\n    found.append(found)\n    return found"
ODD = {  # what the function does: what the learner reads
    "    1 / 0": "it raises ZeroDivisionError: division by zero.",
    "    exit(3)": "it raises SystemExit: 3.",
    "    raise SystemExit('bye')": "it raises SystemExit: bye.",
    "    def f(): f()\n    f()": "it raises RecursionError: maximum recursion depth exceeded",
    "    raise MemoryError": "it raises MemoryError: no reason given.",
    "    raise ValueError('first line\\nsecond')": "it raises ValueError: first line.",
    "    class Odd(Exception):\n        def str(self): 1 / 0\n    setattr(Odd, '_' '_str__', Odd.str)\n    raise Odd": (
        "it raises Odd: no reason given."
    ),
    "    pass": "it returns nothing: is there a return?",
    "    return size / 1": "it gives the float 6.0 instead of the whole number 3, an int.",
    "    return [3]": "it returns a list of 1 number instead of one number.",
    "    return []": "it returns an empty list instead of one number.",
    "    return [[1, 2], [3]]": "it returns a list of unlike things instead of one number.",
    "    return float('nan')": "it gives the float nan instead of the whole number 3, an int.",
    "    return np.full(10**7, 1.0)": "it returns an array of 10,000,000 values of type float64 instead of one number.",
    "    return [0] * 10**6": "it returns a list of more than 100,000 items instead of one number.",
    "    return [[0] * 1000] * 1000": "it returns a list of more than 100,000 items instead of one number.",
    SELF: "it returns a list of unlike things instead of one number.",
    "    return 10**400": "it returns an int of more than 64 bits instead of one number.",
    "    return [10**400]": "it returns a list of unlike things instead of one number.",
    "    return 'three'": "it returns text instead of one number.",
    "    return {size: 3}": "it returns something of type dict instead of one number.",
    "    return {3}": "it returns something of type set instead of one number.",
    "    return (n for n in range(3))": "it returns something of type generator instead of one number.",
    "    return 3j": "it returns something of type complex instead of one number.",
    "    return np.array(['three'])": "it returns an array of 1 values of type <U5 instead of one number.",
    "    return output_size": "it returns something of type function instead of one number.",
    "    yield 3": "it returns something of type generator instead of one number.",
    "    return np.longdouble(3)": "it gives the float 3.0 instead of the whole number 3, an int.",
}


@pytest.mark.parametrize("body", ODD)
def test_odd_answers_get_a_sentence(body):
    found = check("output-size", answer(f"def output_size(size, kernel_size, stride, padding):\n{body}\n"))
    expected = ODD[body]
    assert found.state == "wrong" and found.passed == 0 and found.total == 14
    assert any(line.startswith(f"The first case that fails: {expected}") for line in repr(found).splitlines())
    assert html.escape(expected) in found._repr_html_() or "`" in expected
    assert repr(found).splitlines()[-1] == 'A hint, if you want one: `hint("output-size")`'


MAPS = {
    "return x": "it returns an array of shape (2, 2) instead of an array of shape (1, 1).",
    "return x.max()": "it returns one number instead of an array of shape (1, 1).",
    "return np.array([[np.nan]])": "at [0, 0] it gives nan instead of -2.",
    "return [[-2.0], [1.0, 2.0]]": "it returns a list of unlike things instead of an array of shape (1, 1).",
    "return [[np.inf]]": "at [0, 0] it gives inf instead of -2.",
    "return x.astype(str)": "it returns an array of 4 values of type <U32 instead of an array of shape (1, 1).",
    "return torch.ones(1, device='meta')": "it returns a Tensor of torch.float32 instead of an array of shape (1, 1).",
    "return torch.ones(2, 2).to_sparse()": "it returns a Tensor of torch.float32 instead of an array of shape (1, 1).",
}


@pytest.mark.parametrize("body", MAPS)
def test_odd_maps_get_a_sentence(body):
    exercise = load("max-by-hand")
    function = cell(f"def f(x, kernel_size, stride):\n    {body}\n")["f"]
    case = (np.array([[-4.0, -9.0], [-2.0, -7.0]]), 2, 2)
    found = judge(exercise, [case], [run(function, case)])
    assert f"The first case that fails: {MAPS[body]}" in repr(found).splitlines()
    assert found._repr_html_()


@pytest.mark.parametrize(
    "body, expected",
    {
        "return None": "it returns None: is there a return?",
        "return 3": "it returns 3, of which the check makes nothing: int is not a 2-D pooling: give a Pooling, "
        "nn.MaxPool2d or nn.AvgPool2d.",
        "return nn.MaxPool2d('a')": "it returns a MaxPool2d that torch would refuse (",
        "return nn.MaxPool2d(3, padding=2)": "it returns a MaxPool2d that torch would refuse (",
        "return nn.Conv2d(1, 1, 2)": "it returns something of type Conv2d.",
        "return nn.MaxPool2d(7)": "it returns nn.MaxPool2d(kernel_size=7), of which the check makes nothing: ",
        "return nn.MaxPool2d(3, stride=1)": "`nn.MaxPool2d(kernel_size=3, stride=1)` makes an output of 4 × 4 "
        "instead of 3 × 3.",
    }.items(),
)
def test_odd_layers_get_a_sentence(body, expected):
    found = check("choose-a-pooling", answer(f"def choose_a_pooling(size, out, need):\n    {body}", "choose-a-pooling"))
    assert f"The first case that fails: {expected}" in repr(found) and ".." not in repr(found)
    assert found.passed == 0 and found._repr_html_()


@pytest.mark.parametrize(
    "need, layers",
    {
        "largest": [nn.MaxPool2d(2), nn.MaxPool2d(4, 1), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, ceil_mode=True)],
        "level": [nn.AvgPool2d(2), nn.AvgPool2d(4, 1), nn.AvgPool2d(3, 2, 1, count_include_pad=False)],
        "mean": [nn.AvgPool2d(2), nn.AvgPool2d(2, divisor_override=4), nn.AvgPool2d((2, 2), (2, 2))],
        "sum": [nn.AvgPool2d(2, divisor_override=1), nn.AvgPool2d(2, 2, count_include_pad=False, divisor_override=1)],
    }.items(),
)
def test_every_layer_that_does_what_is_needed_is_accepted(need, layers):
    accepts = load("choose-a-pooling").accepts
    for layer in layers:
        assert accepts(6, 3, need, layer) == ""
    rest = {"largest": nn.AvgPool2d(2), "level": nn.MaxPool2d(2), "mean": nn.AvgPool2d(4, 1), "sum": nn.AvgPool2d(2)}
    assert accepts(6, 3, need, rest[need])
    assert accepts(7, 3, "level", nn.AvgPool2d(2)) == "`nn.AvgPool2d(kernel_size=2)` leaves cells of the map unread."


@pytest.mark.parametrize("thing", [3, None, "output_size", [1], np.zeros(3)])
def test_what_is_no_function_is_refused_in_a_sentence(thing):
    found = check("output-size", thing)
    assert found.state == "refused" and found.points(3) == 0 and found.total == 14
    assert "The check needs the function itself" in repr(found)


def test_a_function_of_too_few_parameters_is_told_so():
    found = check("output-size", answer("def output_size(size, kernel_size):\n    return size // kernel_size"))
    assert "takes 2 positional arguments but 4 were given" in repr(found)


def test_keys_that_interrupt_an_endless_answer_still_do():
    with pytest.raises(KeyboardInterrupt):
        check("output-size", answer("def output_size(*args):\n    raise KeyboardInterrupt"))


ENDLESS = {
    "plainly": "while True: pass",
    "catching what it can": "while True:\n        try:\n            while True: pass\n        except Exception: pass",
}


@pytest.mark.parametrize("how", ENDLESS)
def test_an_endless_answer_is_stopped_and_told_so(how, monkeypatch):
    monkeypatch.setattr("pooling_course.exercises.outcome.LONGEST", 0.3)
    made = {}
    exec(f"def output_size(size, kernel_size, stride, padding):\n    {ENDLESS[how]}", made)
    handler = signal.getsignal(signal.SIGALRM)
    verdict = check("output-size", made["output_size"])
    assert verdict.state == "wrong" and verdict.passed == 0
    assert "after 10 seconds it has returned nothing: is there a loop that never ends?" in str(verdict)
    assert signal.getsignal(signal.SIGALRM) is handler and signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_answer_that_is_slow_for_one_case_alone_keeps_what_came_before(monkeypatch):
    monkeypatch.setattr("pooling_course.exercises.outcome.LONGEST", 0.3)
    asked = itertools.count()

    def output_size(size, kernel_size, stride, padding):
        while next(asked) >= 3:
            pass
        return (size + 2 * padding - kernel_size) // stride + 1

    assert check("output-size", output_size).passed == 3


def test_an_answer_may_change_what_it_is_given():
    """Each run gets copies: neither the next check nor the report sees the change."""
    spoilt = load("max-by-hand").solution.replace("return output", "x[:] = 0\n    return output")
    assert check("max-by-hand", answer(spoilt, "max-by-hand")).state == "solved"
    case = (np.ones((2, 2)), 2, 2)
    run(lambda x, *_: x.fill(7), case)
    assert (case[0] == 1).all()


def test_a_half_finished_answer_counts_for_what_it_does():
    code = "def output_size(size, kernel_size, stride, padding):\n    if padding:\n        raise NotImplementedError\n"
    found = check("output-size", answer(f"{code}    return (size - kernel_size) // stride + 1"))
    assert found.state == "wrong" and 0 < found.passed < found.total
    assert "raises NotImplementedError: for this case nothing is written yet." in repr(found)
    assert found.points(3) == round(3 * found.passed / found.total, 2) and type(found.points(3)) is float


def test_what_is_printed_is_kept_short_and_closing_stdout_closes_nothing(capsys):
    body = "    print('row', size)\n    print('y' * 10**6)\n    import sys\n    print('on stderr', file=sys.stderr)\n"
    signature = "def output_size(size, kernel_size, stride, padding):\n"
    found = verdict(load("output-size"), answer(f"{signature}{body}    sys.stdout.close()\n    return 0"))
    assert "It printed: `row 6 / yyy" in repr(found) and len(repr(found)) < 900
    assert capsys.readouterr() == ("", "")
    print("still open")
    assert capsys.readouterr().out == "still open\n"


def test_warnings_stay_out_of_the_notebook():
    code = "def shares(window, kind):\n    return window / 0"
    with pytest.warns(UserWarning) as caught:
        import warnings

        check("shares", answer(code, "shares"))
        warnings.warn("the only one", UserWarning, stacklevel=1)
    assert len(caught) == 1


# ---- The report ------------------------------------------------------------------------------------------------------


def test_differing_cells_and_only_they_are_marked():
    exercise = load("max-by-hand")
    mistake = next(m for m in exercise.mistakes if m.name == "from-zero")
    found = verdict(exercise, mistake.function)
    first = next(c for c in exercise.cases() if (mistake.function(*c) != exercise.truth(*c)).any())
    wrong = mistake.function(*first) != exercise.truth(*first)

    shown = Value("yours", plain.plain(mistake.function(*first)), plain.plain(exercise.truth(*first)))
    assert [[marked for _, marked in row] for row in shown.rows()] == wrong.tolist()
    assert repr(found).count("≠") == found._repr_html_().count("≠ ") == wrong.sum() > 0
    assert found._repr_html_().count("<table") == 3  # x, wanted, yours
    assert all("<caption" in table for table in found._repr_html_().split("<table")[1:])
    assert repr(found).splitlines()[3:6] == ["  x:", "     -4  -9", "     -2  -7"]


def test_grids_follow_the_shape():
    stack = Value("x", plain.plain(torch.arange(12.0).reshape(2, 3, 2)))
    assert len(stack.rows()) == 6 and stack.html.count("<tr>") == 6
    assert Value("x", plain.plain(np.zeros((2, 13)))).rows() is None  # too wide: named by its shape
    assert Value("x", plain.plain(np.zeros((2, 13)))).text == "  x: an array of shape (2, 13)"
    assert Value("x", plain.plain(np.zeros((99, 12)))).text == "  x: an array of shape (99, 12)"
    unlike = Value("yours", plain.plain(np.ones((2, 2))), plain.plain(np.zeros((3, 3))))
    assert "≠" not in unlike.text  # of another shape: the sentence says so, and no cell is to blame


def test_what_a_learner_prints_and_raises_is_shown_as_text():
    code = "def output_size(*args):\n    print('<script>alert(1)</script>')\n"
    code += "    raise ValueError('<script>alert(2)</script> & `x`')"
    found = check("output-size", answer(code))
    assert "<script>alert(2)</script>" in repr(found) and "<script>alert(1)</script>" in repr(found)
    assert "<script" not in found._repr_html_() and found._repr_html_().count("&lt;script&gt;") == 2
    returned = check("output-size", answer("def output_size(*args):\n    return '<script>'"))
    assert "<script" not in returned._repr_html_() and "&#x27;&lt;script&gt;&#x27;" in returned._repr_html_()


def test_code_between_backticks_is_code_in_html():
    assert "<code>hint(&quot;shares&quot;)</code>" in Report("x", 'Try `hint("shares")`.')._repr_html_()


def test_a_head_is_bold_and_every_word_of_the_text_is_in_the_html():
    found = check("shares", answer("def shares(window, kind):\n    return window * 0", "shares"))
    page = found._repr_html_()
    assert page.count("<strong>") == 1 and "<strong>✗ shares: 0 of 17 cases pass.</strong>" in page
    words = re.sub(r"<[^>]*>", " ", html.unescape(page)).split()
    text = re.sub(r"[`≠:]", " ", repr(found.report)).split()
    assert not set(text) - set(re.sub(r"[≠:]", " ", " ".join(words)).split())


# ---- Hints, own numbers, names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names())
def test_hints_come_one_by_one(name, monkeypatch):
    monkeypatch.setattr("pooling_course.exercises._asked", {})
    exercise = load(name)
    ladder = [str(hint(name)) for _ in range(4)]
    assert ladder[0].startswith(f"Nudge: {exercise.hints[0]}") and f'hint("{name}")' in ladder[0]
    assert ladder[1].startswith(f"Idea: {exercise.hints[1]}")
    if exercise.level == "own":
        assert ladder[1] == ladder[2] == ladder[3] == hint(name, 2) == f"Idea: {exercise.hints[1]}"
        with pytest.raises(ValueError, match=r"are 1 \(a nudge\) and 2 \(the idea\)\."):
            hint(name, 3)
        return
    assert ladder[2] == ladder[3] == f"Model answer:\n{exercise.solution}"
    assert [hint(name, step) for step in (1, 2, 3)] == ladder[:3] and repr(hint(name, 3)) == ladder[2]
    assert exercise.solution not in "".join(ladder[:2])
    assert check(name, answer(exercise.solution, name)).state == "solved"  # what the last hint shows works in a cell


@pytest.mark.parametrize(
    "body, state",
    [("return 0", "wrong"), ("raise NotImplementedError", "untouched"), ("return torch.arange(3)", "refused")],
)
def test_who_has_not_solved_it_gets_hints_and_a_graded_report_has_none(body, state):
    found = check("output-size", answer(f"def output_size(size, kernel_size, stride, padding):\n    {body}\n"))
    assert found.state == state and found.ladder == load("output-size").ladder
    assert found._repr_html_().startswith(found.report._repr_html_()) and "Hint 1 of 3" in found._repr_html_()
    assert repr(found) == f'{found.report!r}\nA hint, if you want one: `hint("output-size")`'
    assert "hint" not in found.report._repr_html_().lower()


def test_who_has_solved_it_gets_none():
    found = check("output-size", load("output-size").model)
    assert found._repr_html_() == found.report._repr_html_() and repr(found) == repr(found.report)


@pytest.mark.parametrize("step", [0, 4, "2", True and 1.5])
def test_a_step_that_no_ladder_has_is_refused(step):
    with pytest.raises(ValueError, match="1 \\(a nudge\\), 2 \\(the idea\\) and 3 \\(a model answer\\)"):
        hint("shares", step)


@pytest.mark.parametrize("name", ["no-such", "", "output_sizes", "../plain", "__init__", "_own"])
def test_an_unknown_name_lists_those_there_are(name):
    for ask in (load, hint, lambda name: check(name, len), lambda name: your_case(name, "ada")):
        with pytest.raises(ValueError, match="no exercise is called .*; there is average-backward, .*winners"):
            ask(name)


def test_your_case_shows_a_students_own_numbers():
    exercise = load("my-gradient")
    ((x, upstream),) = exercise.cases("Ada ")[0]
    shown = your_case("my-gradient", "ada")
    assert repr(shown) == repr(your_case("my-gradient", " ADA")) != repr(your_case("my-gradient", "grace"))
    numbers = [float(word) for word in re.findall(r"-?\d+", repr(shown))]
    assert numbers == [*x.ravel(), *upstream.ravel()]
    assert shown._repr_html_().count("<table") == 2 and "<strong>" not in shown._repr_html_()


def test_several_seeds_try_every_case_once():
    exercise = load("output-size")
    together = exercise.cases((0, 1))
    assert len(together) == len(set(map(str, together))) == len({*exercise.cases(0), *exercise.cases(1)})


# ---- Files of exercises ----------------------------------------------------------------------------------------------


def made_up(**changes):
    """The module of an exercise with changes; None takes a name away."""
    module = types.ModuleType("made_up")
    space = {k: v for k, v in vars(sys.modules[load("shares").model.__module__]).items() if not k.startswith("__")}
    space |= {"__doc__": "A title.\n\nMore.", "made_up": space["shares"]} | changes
    vars(module).update({key: value for key, value in space.items() if value is not None})
    if changes.get("__doc__", "") is None:
        module.__doc__ = None
    return module


def unmarked(window, kind):
    return window


class Silent:
    def no_words(window, kind):
        return window


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"LESSON": None}, "it lacks LESSON; definition.py says what it is."),
        ({"TASK": None}, "it lacks TASK;"),
        ({"HINTS": None}, "it lacks HINTS;"),
        ({"made_up": None}, "it lacks made_up;"),
        ({"cases": None}, "it lacks cases;"),
        ({"Mistakes": None}, "it lacks Mistakes;"),
        ({"LEVEL": "hard"}, "LEVEL is 'hard'; it is one of worked, gaps, free, own."),
        ({"RULE": "no torch"}, "RULE is 'no torch'; it is one of any, numpy."),
        ({"HINTS": ("one",)}, "HINTS has 1 entries; give a nudge and the idea."),
        ({"truth": None}, "give either truth or accepts, and not both."),
        ({"accepts": unmarked}, "give either truth or accepts, and not both."),
        ({"made_up": unmarked}, "made_up marks no solution with ### BEGIN SOLUTION and ### END SOLUTION."),
        ({"Mistakes": Silent}, "the mistake no_words has no docstring to tell the learner."),
        ({"__doc__": None}, "its first line is no docstring, which gives the title."),
    ],
)
def test_a_broken_file_is_refused_in_a_sentence(changes, sentence):
    assert of_module("made-up", "made_up", made_up()).title == "A title"
    with pytest.raises(ValueError, match=f"tasks/made_up.py: {re.escape(sentence)}"):
        of_module("made-up", "made_up", made_up(**changes))


# ---- The package -----------------------------------------------------------------------------------------------------


def test_checks_import_no_widget_and_no_plot():
    code = "import sys, pooling_course.exercises as e; e.check('shares', len); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in found and not {"ipywidgets", "anywidget", "matplotlib", "IPython"} & set(found)


def test_docstring_examples():
    modules = {sys.modules["pooling_course.exercises"]: 2, plain: 2, definition: 0, outcome: 0, source: 0}
    for module, least in modules.items():
        found = doctest.testmod(module, extraglobs={"torch": torch, "__name__": "__main__"})
        assert found.attempted >= least and found.failed == 0


# --- questions that make no sense ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [3, None, [], {}, 2.5, b"output-size"], ids=repr)
def test_is_what_is_no_name_of_an_exercise_refused(name):
    for call in (lambda: check(name, len), lambda: hint(name), lambda: your_case(name, "ada")):
        with pytest.raises(TypeError, match="an exercise has a name, such as 'output-size'"):
            call()


@pytest.mark.parametrize("seed", [None, 2.5, -1, [1], {}, b"ada", (1, None)], ids=repr)
def test_is_what_is_no_seed_refused(seed):
    for call in (lambda: check("output-size", len, seed), lambda: your_case("output-size", seed)):
        with pytest.raises(TypeError, match="a seed is a number from 0 on, a student's name, or several in a tuple"):
            call()


@pytest.mark.parametrize(
    "result",
    [
        lambda: torch.complex(torch.ones(2, 2), -torch.ones(2, 2)).conj().imag,
        lambda: np.ma.masked_array([1.0, 2], [False, False]),
        lambda: torch.ones(2, requires_grad=True),
    ],
)
def test_is_an_odd_result_compared_by_its_numbers(result):
    assert set(np.ravel(plain.plain(result())["array"])) <= {1.0, 2.0}
    hidden = plain.plain(np.ma.masked_array([1.0, 2], [False, True]))
    assert hidden == {"other": "MaskedArray of float64"}


@pytest.mark.parametrize("wanted", [1, 1.0, [1, 1], np.ones(2), np.ones((2, 2), dtype=int)])
def test_true_is_no_number(wanted):
    """Python counts True as 1, and a mask would pass where only ones and zeros are wanted."""
    assert plain.differs(plain.plain(wanted), plain.plain(wanted)) == ""
    mask = np.asarray(wanted, dtype=bool)
    for given in (mask, mask.tolist(), torch.from_numpy(mask) if mask.ndim else mask[()]):
        assert "it gives True" in plain.differs(plain.plain(wanted), plain.plain(given))
    if mask.ndim == 1:
        assert "it gives True" in plain.differs(plain.plain(wanted), plain.plain([True, 1]))
    assert plain.differs(plain.plain(mask), plain.plain(mask)) == ""
