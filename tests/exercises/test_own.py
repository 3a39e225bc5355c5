"""Are everybody's own numbers as hard as a friend's, told apart by each mistake, and no friend's answer?"""

import functools
import re
from itertools import combinations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from harness.answers import CODED, OWN, answer, right_on_paper
from pooling_course.exercises import check, definition, judge, load, plain, run, your_case
from pooling_course.exercises.verdict import fault
from pooling_course.grading.asked import your_question

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


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN)
def test_what_is_written_down_is_right_for_its_student_and_wrong_for_a_friend(name):
    """Of a hundred friends, one at most has the same answer; that takes few numbers to write."""
    exercise = load(name)
    wanted = [plain.plain(exercise.truth(*case)) for case in drawn(name)]
    wrote = [plain.plain(right_on_paper(exercise, who)()) for who in STUDENTS]
    assert not any(map(plain.differs, wanted, wrote))
    said = [repr(plain.written(answer)) for answer in wanted]
    lent = {(i, j) for i, j in PAIRS if said[i] == said[j]}
    assert len(lent) < len(PAIRS) / 100
    i, j = next(pair for pair in PAIRS if pair not in lent)
    friend = check(name, right_on_paper(exercise, STUDENTS[i]), STUDENTS[j])
    assert friend.state == "wrong" and friend.points(3) == 0


@pytest.mark.slow
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


@pytest.mark.slow
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
HARD = {  # and how often what makes them hard
    "my-output-size": lambda size, k, s, p: (size + 2 * p - k) % s > 0,
    "my-overlap-count": lambda h, w, k, s: s < k,
    "my-padding-choice": lambda size, k, s: s > k,
    "my-ceil-size": lambda size, k, s, p: (size + 2 * p - k) % s == 0,
    "my-average-divisors": lambda *settings: settings[-1] is None and settings[-2],
    "my-shares": lambda window, kind: kind == "max",
    "my-average-backward": lambda *settings: settings[-1],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAIR)
def test_everybodys_numbers_are_equally_hard(name):
    assert all(FAIR[name](*row) for rows in drawn(name) for row in rows)
    assert len({len(rows) for rows in drawn(name)}) == 1
    assert len({sum(bool(HARD[name](*row)) for row in rows) for rows in drawn(name) if name in HARD}) <= 1
    answers = [plain.written(plain.plain(load(name).truth(*rows))) for rows in drawn(name)]
    sizes = [len(re.findall(r"\d+(?:\.\d+)?", repr(answer))) for answer in answers]
    assert max(sizes) <= 40 and max(sizes) - min(sizes) <= 16, "numbers to write down"


@pytest.mark.slow
def test_nobody_works_out_the_same_map_twice():
    """Two tasks that draw alike would share their numbers: the answer to one would be half of the other's."""
    for i in range(len(STUDENTS)):
        met: set[bytes] = set()
        for name in OWN:
            given = [np.asarray(part) for row in drawn(name)[i] for part in row if np.ndim(part) > 1]
            maps = {one.astype(float).tobytes() for part in given for one in part.reshape(-1, *part.shape[-2:])}
            large = {one for one in maps if len(one) >= 6 * 8}  # bytes: smaller ones are alike by chance
            assert not met & large, (STUDENTS[i], name)
            met |= large


@pytest.mark.slow
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


def test_numbers_of_no_name_yet_say_so():
    """Who works them out before a name stands there has worked for nothing."""
    example = definition.EXAMPLE_NAME
    for shown in (your_case("my-max-map", example), your_question("pre-sign", f"{example.upper()} ")):
        assert "These numbers are nobody's yet" in repr(shown) and "<code>STUDENT</code>" in shown._repr_html_()
    assert "nobody's" not in repr(your_case("my-max-map", "ada")) + repr(your_question("pre-sign", "ada"))


def test_channels_are_shown_apart():
    shown = your_case("my-pool-channels", "ada")
    lines = repr(shown).splitlines()
    assert lines[5] == "" and len(lines) == 11 and shown._repr_html_().count("<tbody") == 2
    assert your_case("my-max-map", "ada")._repr_html_().count("<tbody") == 1


def test_maps_of_several_sizes_are_shown_one_by_one_and_counted_as_the_student_sees_them():
    exercise = load("my-shares")
    wrong = exercise.mistakes[1].function(*exercise.cases("ada")[0])
    found = check("my-shares", lambda: wrong, "ada")
    assert "in part 1 of what it returns, at [1, 0] it gives 1" in repr(found)
    assert [f"yours {i}:" in repr(found) for i in (1, 2, 3)] == [True] * 3 and "≠1  0 ≠1" in repr(found)


def test_your_case_shows_a_students_own_numbers():
    exercise = load("my-gradient")
    ((x, upstream),) = exercise.cases("Ada ")[0]
    shown = your_case("my-gradient", "ada")
    assert repr(shown) == repr(your_case("my-gradient", " ADA")) != repr(your_case("my-gradient", "grace"))
    numbers = [float(word) for word in re.findall(r"-?\d+", repr(shown))]
    assert numbers == [*x.ravel(), *upstream.ravel()]
    assert shown._repr_html_().count("<table") == 2 and "<strong>" not in shown._repr_html_()
