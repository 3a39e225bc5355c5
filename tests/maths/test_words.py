"""Are numbers short, and is every sentence about them true?"""

import math
import struct
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.maths.trace import trace
from pooling_course.maths.words import average_sum, equals, is_exact, max_sum, norm_sum, number, weighted_sum

steady = settings(max_examples=500, derandomize=True, database=None, deadline=None)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
COMMON = st.integers(-(10**7), 10**7).map(lambda i: i / 10**4) | st.floats(-10, 10) | FLOATS
SINGLE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    "value, text, exact",
    [
        (3, "3", True),
        (3.0, "3", True),
        (-0.0, "0", True),
        (0.25, "0.25", True),
        (-0.2500, "-0.25", True),
        (100.0, "100", True),
        (0.0625, "0.0625", True),
        (0.03125, "0.0313", False),
        (-0.03125, "-0.0313", False),
        (2 / 3, "0.667", False),
        (1 / 3, "0.333", False),
        (12345.678, "12345.678", True),
        (12345.67891, "12346", False),
        (0.99996, "1", False),
        (1.005, "1.005", True),
        (0.0004, "0.0004", True),
        (0.00012, "1.2e-4", True),
        (0.000123456, "1.23e-4", False),
        (999999, "999999", True),
        (1000000, "1e6", True),
        (1234567, "1.23e6", False),
        (2**62, "4.61e18", False),
        (3e38, "3e38", True),
        (1e-45, "1e-45", True),
        (0.10000000149011612, "0.1", True),  # the float32 nearest to 0.1
        (math.inf, "inf", True),
        (-math.inf, "-inf", True),
        (math.nan, "nan", True),
    ],
)
def test_a_number_is_short_and_knows_whether_it_is_exact(value, text, exact):
    assert number(value) == text
    assert is_exact(value) is exact


def check_number(value):
    """Is the text within half a unit of its third digit, exact where it says so, and short?"""
    text = number(value)
    told = Fraction(text)
    assert abs(told - Fraction(value)) <= abs(Fraction(value)) * Fraction(1, 198)
    assert len(text) <= 11 or abs(value) < 1e6 and len(text.lstrip("-")) <= 11
    assert text != "-0" and not ("." in text and "e" not in text and text.endswith("0"))
    if is_exact(value):
        assert float(text) == value or struct.unpack("f", struct.pack("f", float(text)))[0] == value
    else:
        assert float(text) != value


@pytest.mark.slow
@steady
@given(COMMON)
def test_any_number_is_told_within_half_a_per_cent(value):
    check_number(value)


@steady
@given(st.integers(-(10**4), 10**4).map(lambda i: i / 16))
def test_four_decimals_are_always_told_in_full(value):
    assert Fraction(number(value)) == Fraction(value) and is_exact(value)


@steady
@given(SINGLE)
def test_any_single_is_told_within_half_a_per_cent(value):
    check_number(value)


def test_equals_only_where_every_number_is_exact():
    assert equals([1, 2], 3) == "= 3"
    assert equals([1, 2], 1 / 3) == "≈ 0.333"
    assert equals([1 / 3], 1) == "≈ 1"
    assert equals([math.nan], math.nan) == "= nan"


def test_a_maximum_in_words():
    assert max_sum([1, 3, 5, 6], 6) == "max(1, 3, 5, 6) = 6"
    assert max_sum([-math.inf, -1.5], -1.5) == "max(−∞, -1.5) = -1.5"
    assert max_sum([-math.inf, math.inf], math.inf) == "max(−∞, ∞) = ∞"


def test_an_average_in_words():
    assert average_sum([0, 0, 1, 3], 4, 1) == "(0 + 0 + 1 + 3) / 4 = 1"
    assert average_sum([-1, 2], 3, 1 / 3) == "((-1) + 2) / 3 ≈ 0.333"
    assert average_sum([4], -2, -2) == "(4) / -2 = -2"
    assert average_sum([1, 2], 2, 1, "int64") == "(1 + 2) / 2 gives 1 in whole numbers: the fraction is dropped"


@pytest.mark.parametrize(
    "values, divisor, dtype, told",
    [
        ([2, 2, 2, 2], 4, torch.int64, "(2 + 2 + 2 + 2) / 4 = 2"),
        ([-1, -2], 2, torch.int64, "((-1) + (-2)) / 2 gives -1 in whole numbers: the fraction is dropped"),
        ([7, 7], -2, torch.int64, "(7 + 7) / -2 = -7"),
        ([2**62] * 4, 4, torch.int64, "gives 0: the sum is beyond the range of int64, and wraps around"),
        ([2**62, 2**62], 2, torch.int64, "gives -4.61e18: the sum is beyond the range of int64, and wraps around"),
        ([2**62, -(2**62)], 2, torch.int64, "(4.61e18 + (-4.61e18)) / 2 ≈ 0"),
        ([2048, 1], 1, torch.float16, "(2048 + 1) / 1 ≈ 2048, rounded to float16"),
        ([256, 257], 2, torch.bfloat16, "(256 + 256) / 2 = 256"),
        ([256, 258], 4, torch.bfloat16, "(256 + 258) / 4 ≈ 128, rounded to bfloat16"),
        ([1e8, 1, -1e8], 1, torch.float32, "(1e8 + 1 + (-1e8)) / 1 ≈ 0, rounded to float32"),
        ([1e8, 1, -1e8], 1, torch.float64, "(1e8 + 1 + (-1e8)) / 1 = 1"),
        ([3e38, 3e38], 2, torch.float32, "(3e38 + 3e38) / 2 gives inf: the sum is beyond the range of float32"),
        ([math.inf, 1], 2, torch.float32, "(inf + 1) / 2 = inf"),
        ([0.1, 0.2], 2, torch.float32, "(0.1 + 0.2) / 2 = 0.15"),
        ([0.1, 0.2], 1, torch.float64, "(0.1 + 0.2) / 1 ≈ 0.3"),
        ([1, 1, 0], 3, torch.float32, "(1 + 1 + 0) / 3 ≈ 0.667"),
    ],
)
def test_is_an_average_told_by_what_torch_made_of_it(values, divisor, dtype, told):
    x = torch.tensor([values], dtype=dtype)
    window = trace(Pooling("avg", (1, len(values)), divisor_override=divisor), x).window(0, 0)
    assert window.text.endswith(told), window.text


def test_is_the_rounding_of_norms_and_weights_told_too():
    assert norm_sum([3, 4], 2, 2, 5) == "(3^2 + 4^2)^(1/2) = 5"
    assert norm_sum([4, 9], 0.5, 2, 25) == "(4^0.5 + 9^0.5)^(1/0.5) = 25"
    assert norm_sum([3, 4.5], 2, 2, 5.5, "float16") == "(3^2 + 4.5^2)^(1/2) ≈ 5.5, rounded to float16"
    assert norm_sum([1e30, 0], 2, 2, math.inf).endswith("gives inf: the sum is beyond the range of float32")
    assert norm_sum([-3, 0], 3, 2, math.nan).endswith("= nan") and norm_sum([1e300], 2, 1, math.inf).endswith("= inf")
    assert weighted_sum([(0.5, 3)], 0.25, 1.75) == "0.5*3 + 0.25 (bias) = 1.75"
    assert weighted_sum([(1, 2048)], 1, 2048, "float16").endswith("≈ 2048, rounded to float16")
    assert weighted_sum([(math.nan, 3)], None, math.nan) == "nan*3 = nan"


@pytest.mark.slow
@steady
@given(
    st.lists(st.integers(-9, 9) | st.sampled_from([2**62, -(2**62), 2**61]), min_size=1, max_size=6),
    st.sampled_from([-3, 1, 2, 4]),
)
def test_does_no_sentence_about_whole_numbers_lie(values, divisor):
    window = trace(Pooling("avg", (1, len(values)), divisor_override=divisor), torch.tensor([values])).window(0, 0)
    total = sum(values)
    dropped, wraps = "the fraction is dropped" in window.text, "wraps around" in window.text
    assert wraps == (not -(2**63) <= total < 2**63) and dropped == (not wraps and total % divisor != 0)
    assert wraps or window.output == math.trunc(Fraction(total, divisor))


@pytest.mark.slow
@steady
@given(
    st.lists(st.floats(-300, 300, width=16) | st.integers(-2048, 2048), min_size=1, max_size=5),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32]),
    st.sampled_from([1, 2, 3, 5]),
)
def test_does_no_equals_sign_lie(values, dtype, divisor):
    x = torch.tensor([values], dtype=dtype)
    window = trace(Pooling("avg", (1, len(values)), divisor_override=divisor), x).window(0, 0)
    if " = " in window.text:
        left, right = window.text.rsplit(" = ", 1)
        terms = left[1:].rsplit(") / ", 1)[0].split(" + ")
        assert sum(Fraction(term.strip("()")) for term in terms) / divisor == Fraction(right), window.text


@pytest.mark.parametrize(
    "entries, told", [(16, "12, 13, 14, 15"), (17, "0, 1, 2, 3, … 12 more …, 16"), (49, "3, … 44 more …, 48")]
)
def test_long_windows_are_abbreviated_and_say_by_how_much(entries, told):
    assert max_sum(list(range(entries)), entries - 1).split(")")[0].endswith(told)
    assert average_sum(list(range(entries)), entries, 1).split(")")[0].endswith(told.replace(",", " +"))


def test_what_is_left_out_still_counts_for_exactness():
    values = [1] * 8 + [1 / 3] + [1] * 16
    assert average_sum(values, 25, sum(values) / 25).endswith("≈ 0.973")
    assert average_sum(values, 25, 1).endswith("≈ 1, rounded to float32")


@pytest.mark.parametrize("wrong", [lambda v: f"{v:.1f}", lambda v: f"{v:.6g}", lambda v: str(round(v)), str])
def test_the_checks_see_a_wrong_number(monkeypatch, wrong):
    monkeypatch.setitem(check_number.__globals__, "number", wrong)
    with pytest.raises((AssertionError, ValueError)):
        for value in (0.126, 2 / 3, 1e-7 / 3, 123456.7891, 1e100, 0.1 + 0.2):
            check_number(value)
