"""Does every case go into the sandbox as it is, and come nothing out of it but plain values?"""

import numpy as np
import pytest
import torch
from torch import nn

from pooling_course import exercises
from pooling_course.exercises import Outcome, load
from pooling_course.grading import wire
from pooling_course.grading.assignments import HIDDEN
from pooling_course.maths.kinds.pooling import Pooling


@pytest.mark.parametrize("name", exercises.names())
def test_every_case_goes_in_as_it_is(name):
    cases = load(name).cases((0, HIDDEN[0]))
    assert same(wire.decode(wire.encode(cases)), cases)


def same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (np.ndarray, np.generic)):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.requires_grad == other.requires_grad and torch.equal(one, other)
    return repr(one) == repr(other) if isinstance(one, nn.Module) else one == other


@pytest.mark.parametrize(
    "value",
    [
        {"a": (1, [2.5, None])},
        np.float32(0.5),
        np.zeros((0, 3), dtype="int8"),
        torch.ones(2, 2, requires_grad=True),
        Pooling("max", 3, padding=1),
        nn.AvgPool2d(2, divisor_override=3),
        nn.MaxPool2d((2, 3), ceil_mode=True),
    ],
)
def test_other_values_go_in_as_they_are(value):
    assert same(wire.decode(wire.encode(value)), value)


def test_what_cannot_go_in_is_named():
    with pytest.raises(TypeError, match="no way into the sandbox for the type object"):
        wire.encode([object()])


@pytest.mark.parametrize("value", [None, True, 3, -0.5, "text", [1, [2]], {"other": "set"}])
def test_plain_values_come_out_as_they_are(value):
    assert wire.safe(value) == value


@pytest.mark.parametrize(
    "value",
    [
        2**64,
        {"array": [1, 2], "dtype": "int64", "shape": [3], "of": "numpy"},
        {"array": [1], "dtype": "O", "shape": [1], "of": "numpy"},
        {"array": [1], "dtype": "float64", "shape": [-1], "of": "numpy"},
        {"array": 0, "dtype": "float64", "shape": [10**6, 10**6], "of": "numpy"},
        {"array": [[1], 2], "dtype": "float64", "shape": [2], "of": "torch"},
        {"array": [1], "dtype": "f8,i4", "shape": [1], "of": "numpy"},
        {"array": [1], "dtype": ["f8"], "shape": [1], "of": "numpy"},
        {"pooling": {"kind": "max", "kernel_size": "x"}},
        {"pooling": 3},
        {"array": 1},
        {},
    ],
)
def test_forged_values_come_out_as_nothing(value):
    assert set(wire.safe(value)) == {"other"}


def test_results_that_are_none_of_ours_are_none():
    for said in ("", "[", "[" * 100_000, "3", "[]", '[["value", 1, "", ""]]' * 2, "1e", "9" * 10_000):
        assert wire.outcomes(said, 1) == []
    assert wire.outcomes('[["lie", 1, "", ""]]', 1)[0].state == "error"
    assert wire.outcomes('[["value", -Infinity, "\\ud800\\u0000", 3]]', 1) == [
        Outcome("value", float("-inf"), "\N{REPLACEMENT CHARACTER}" * 2)
    ]
