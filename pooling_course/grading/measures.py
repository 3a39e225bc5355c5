"""What the marks of a class measure: whether it gained, and what each item is worth as a test.

Marks are shares of the full points, from 0 to 1. These are the ordinary measures of classical test theory.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, correlation, fmean, stdev

from .submissions import spellings

FEWEST_GAIN = 10  # students: with fewer the interval reaches more than 0.75 deviations of a difference to either side
FEWEST_ITEMS = 26  # students: from here on a correlation near 0 has a standard error of 0.2 or less
UNTAKEN = ("untouched", "missing", "unreadable")  # states of answers that nobody gave

Score = tuple[str, str, float]  # a student's name and number, and the share of the points


# ---- Before and after ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gain:
    """What a class gained between two tests.

    Attributes:
        count: of students, who took both.
        before, after: their mean shares.
        difference, low, high: the mean of what each gained, and its 95 % interval.
        normalised: the part of what could be gained; None where nothing could, or the mean fell.
    """

    count: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    normalised: float | None


def gain(before: Sequence[float], after: Sequence[float]) -> Gain:
    """The gain of at least two students, whose shares stand at the same places.

    The normalised gain is that of the class's means, (after - before) / (1 - before) (Hake, American Journal of Physics
    66, 1998). The interval is Student's for paired differences, d ± t s / sqrt(n): it needs no drawing of lots, so
    that the same marks always have the same interval, and a bootstrap of so few differences would be too narrow.

    >>> found = gain([0.2, 0.4, 0.4, 0.6], [0.6, 0.6, 0.8, 1.0])
    >>> round(found.difference, 2), round(found.normalised, 2), round(found.low, 3), round(found.high, 3)
    (0.35, 0.58, 0.191, 0.509)
    """
    each = [late - early for early, late in zip(before, after, strict=True)]
    n, mean, start = len(each), fmean(each), fmean(before)
    half = students_t(n - 1) * stdev(each) / math.sqrt(n)
    normalised = mean / (1 - start) if start < 1 and mean >= 0 else None
    return Gain(n, start, fmean(after), mean, mean - half, mean + half, normalised)


def students_t(degrees: int) -> float:
    """What 2.5 % of Student's distribution lies above: Abramowitz and Stegun, 26.7.5, whose terms shrink fast.

    >>> round(students_t(9), 3), round(students_t(29), 3), round(students_t(10**9), 3)
    (2.262, 2.045, 1.96)
    """
    x = NormalDist().inv_cdf(0.975)
    terms = (
        x,
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return sum(term / degrees**power for power, term in enumerate(terms))


def paired(before: Sequence[Score], after: Sequence[Score]) -> tuple[list[tuple[float, float]], list[str], list[str]]:
    """The shares of all who took both tests, and the names of who took only the first, or only the second.

    Names are compared as everywhere in grading. Of two with one name the number decides, or neither counts: platforms
    give other numbers in each assignment.
    """
    ahead, back = _by_name(after), _by_name(before)
    pairs, met = [], set()
    for one in before:
        other = _only(one, ahead)
        if other and _only(other, back) == one:
            pairs.append((one, other))
            met |= {one, other}
    early, late = ([score[0] for score in scores if score not in met] for scores in (before, after))
    return [(one[2], other[2]) for one, other in pairs], early, late


def _by_name(scores):
    found = defaultdict(list)
    for score in scores:
        for spelling in dict.fromkeys(spellings(score[0])):
            found[spelling].append(score)
    return found


def _only(score, known):
    """The one in there of the same name, and where there are several, of the same number."""
    found = {each for spelling in spellings(score[0]) for each in known.get(spelling, ())}
    if len(found) > 1:
        found = {each for each in found if score[1] and each[1] == score[1]}
    return found.pop() if len(found) == 1 else None


# ---- Items -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """What one item is worth as a test.

    Attributes:
        name: of the task.
        difficulty: the mean share of its points: 1 where everybody has all of them.
        discrimination: how it goes with the rest of the test; None where it does not vary, or the rest does not.
    """

    name: str
    difficulty: float
    discrimination: float | None


def items(marks: Sequence[dict[str, float]], full: dict[str, float]) -> list[Item]:
    """What the items of a test are worth.

    The discrimination is the corrected item-total correlation: Pearson's, between an item's points and the sum of the
    points for all others. With the item itself in that sum it would always look better than it is.

    Args:
        marks: for each student the points by item; every item is in each.
        full: the full points by item.

    >>> [each.discrimination for each in items([{"a": 1, "b": 2}, {"a": 0, "b": 1}], {"a": 1, "b": 2})]
    [1.0, 1.0]
    """
    found = []
    for name, most in full.items():
        own = [each[name] for each in marks]
        rest = [math.fsum(points for other, points in each.items() if other != name) for each in marks]
        found.append(Item(name, fmean(own) / most, _correlation(own, rest)))
    return found


def _correlation(one, other):
    if any(max(values) - min(values) < 1e-9 for values in (one, other)):
        return None
    return round(correlation(one, other), 12)


def took(states: Iterable[str]) -> bool:
    """Whether somebody took a test: who handed in nothing, or an untouched notebook, did not.

    >>> took(["missing", "untouched"]), took(["untouched", "wrong"])
    (False, True)
    """
    return any(state not in UNTAKEN for state in states)
