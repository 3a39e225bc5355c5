"""Is every exercise well made: does its check pass the model, and fail and name each mistake?"""

import doctest
import re
import subprocess
import sys
import types
from inspect import signature
from itertools import combinations, product

import pytest
import torch
from torch import nn

from harness.answers import CODED, answer, cell, outcomes, right_on_paper, verdict
from harness.mutants import mutants
from harness.together import together
from pooling_course.exercises import check, definition, load, names, outcome, plain, run, source
from pooling_course.exercises.definition import LEVELS, of_module
from pooling_course.exercises.verdict import _alike as same_outcome
from pooling_course.exercises.verdict import fault
from pooling_course.questions.lessons import LESSONS, STEPS

NUMBERS = {LESSONS[name].number for name in STEPS}
SEEDS = (0, 1, 2, 3, 4, "ada")
MISTAKES = [(name, mistake) for name in CODED for mistake in load(name).mistakes]


# ---- Every exercise --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names())
@together("seed", SEEDS)
def test_the_model_answer_passes(name, seed):
    exercise = load(name)
    found = check(name, right_on_paper(exercise, seed) if exercise.level == "own" else exercise.model, seed)
    assert found.state == "solved" and found.passed == found.total and found.points(3) == 3, found
    assert found.mistake is None and found
    says = "that is right" if exercise.level == "own" else f"all {found.total} cases pass"
    assert repr(found) == f"✓ {name}: {says}."


@pytest.mark.parametrize("name, mistake", MISTAKES, ids=[f"{name}:{mistake.name}" for name, mistake in MISTAKES])
def test_every_mistake_fails_and_is_recognised(name, mistake):
    found = verdict(load(name), mistake.function)
    assert found.state == "wrong" and found.mistake == mistake.name
    assert found.points(10) < 10 and not found
    assert f"Its answers match a known mistake: {mistake.says}" in repr(found)


@pytest.mark.parametrize("name", CODED)
@together("seed", SEEDS)
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


@pytest.mark.slow
def test_checks_import_no_widget_no_plot_and_no_compiler():
    code = """
import sys, torch, pooling_course.exercises as e
e.check("shares", len)
assert e.check("output-size", lambda *given: torch.arange(3)).state == "refused"
print(*sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in found and not {"ipywidgets", "anywidget", "matplotlib", "IPython", "torch._dynamo"} & set(found)


def test_docstring_examples():
    modules = {sys.modules["pooling_course.exercises"]: 2, plain: 2, definition: 0, outcome: 0, source: 0}
    for module, least in modules.items():
        found = doctest.testmod(module, extraglobs={"torch": torch, "__name__": "__main__"})
        assert found.attempted >= least and found.failed == 0
