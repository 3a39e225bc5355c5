"""Does the browser write numbers as Python does?

numbers.js runs under plain Node. The last test shows the check a wrong numbers.js and sees it fail.
"""

import math
import random
import struct
from functools import cache
from pathlib import Path

import pytest

from harness.node import agree, answers, node
from pooling_course.maths import words
from pooling_course.web import assets

DRIVER = Path(__file__).with_name("numbers.mjs")
INF = math.inf


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """ask(cases, source) -> what numbers.js, or the source given in its place, answers to each case."""
    node()
    return lambda cases, source=None: answers(
        tmp_path_factory.mktemp("numbers"), DRIVER, source or assets.script("web/numbers.js"), cases
    )


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


@cache
def hard_numbers():
    """Ties, powers of ten, float32 values, extremes, and many at random."""
    rng = random.Random(2)
    ties = [0.125, 0.03125, 0.5, 2.5, 0.25, 0.00005, 0.00015, 1.005, 1.00005, 0.0625, 0.03125 / 2, 12.34565, 8.5e-4]
    large = [1e5, 99999.5, 999999.5, 999999.94, 1e6, 1.125e6, 1.005e6, 1.015e6, 1234567, 2**24 + 1, 2**31, 2**52 + 0.5]
    small = [1e-3, 1e-4, 1e-5, 9.995e-4, 9.9995e-4, 0.00099999, 5e-324, 1e-45, 1.17e-38]
    extremes = [0.0, -0.0, INF, -INF, math.nan, 3e38, 3.4028234e38, 2.9999999e38, 1e308, 1.7e308]
    thirds = [n / d for d in (3, 7, 9, 11) for n in range(1, 60)]
    exact = [rng.randint(-(10**k), 10**k) / 2**j for k in (1, 3, 5) for j in range(12) for _ in range(20)]
    reals = [rng.uniform(-1, 1) * 10 ** rng.uniform(-12, 12) for _ in range(3000)]
    nearly = [math.nextafter(10.0**k, to) for k in range(-7, 9) for to in (0.0, INF)]
    listed = [*ties, *large, *small, *extremes, *thirds, *exact, *reals, *nearly, *range(-30, 30)]
    as_float32 = [float32(v) for v in listed if abs(v) < 3.4e38 or math.isnan(v)]
    return [v for value in (*listed, *as_float32) for v in (value, -value)]


def check_numbers(ask, source=None):
    cases = [["number", v] for v in hard_numbers()]
    agree(ask(cases, source), cases, [words.number(v) for _, v in cases])


def check_equals(ask, source=None):
    lists = [[1, 2], [1 / 3, 2], [0.25, INF], [math.nan], [-1, 1e-7 / 3], []]
    cases = [["equals", values, output] for values in lists for output in (3, 1 / 3, -INF, math.nan)]
    agree(ask(cases, source), cases, [words.equals(values, output) for _, values, output in cases])


def check_lists(ask, source=None):
    """Long sums are cut short as the sums of Python are, and negative terms are bracketed."""
    lists = [[i - 3 for i in range(n)] for n in (1, 2, 15, 16, 17, 40)]
    cases = [["listed", values, separator] for values in lists for separator in (" + ", ", ")]
    listed = {", ": lambda v: words.max_sum(v, 1)[4:-5]}
    listed[" + "] = lambda v: words.average_sum(v, 1, 1).rpartition(") / ")[0][1:]
    agree(ask(cases, source), cases, [listed[separator](values) for _, values, separator in cases])


def check_about(ask, source=None):
    cases = [["about", v] for v in hard_numbers()]
    agree(ask(cases, source), cases, [("" if words.is_exact(v) else "≈ ") + words.number(v) for _, v in cases])


def test_numbers_are_written_as_in_python(ask):
    check_numbers(ask)


@pytest.mark.slow
def test_what_is_not_the_whole_number_says_so_as_in_python(ask):
    check_about(ask)


def test_equals_only_where_python_says_equals(ask):
    check_equals(ask)


def test_sums_and_lists_are_cut_short_as_in_python(ask):
    check_lists(ask)


WRONG = {
    check_numbers: [
        ("DECIMALS = 4", "DECIMALS = 3"),
        ("size >= 1e-3", "size >= 1e-2"),
        ("(Math.abs(value) < 3e38 && Math.fround", "(Math.abs(value) < 1 && Math.fround"),
        ("2 - Math.floor", "3 - Math.floor"),
    ],
    check_about: [
        ('isExact(value) ? "" : "≈ "', 'isExact(value) ? "" : ""'),
        ("Number.isNaN(value) || isSame", "isSame"),
    ],
    check_equals: [("[...values, output].every", "[output].every"), ("every(isExact)", "some(isExact)")],
    check_lists: [
        ("LONGEST_SUM = 16", "LONGEST_SUM = 15"),
        ('number(value).startsWith("-")', "false"),
        ("texts.length - 5", "texts.length - 4"),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [(check, right, wrong) for check, pairs in WRONG.items() for right, wrong in pairs],
    ids=lambda v: v.__name__ if callable(v) else None,
)
def test_wrong_numbers_are_caught(ask, check, right, wrong):
    source = assets.script("web/numbers.js")
    assert right in source, f"numbers.js no longer says {right!r}: change this list, too."
    with pytest.raises(AssertionError):
        check(ask, source.replace(right, wrong))
