"""What a misconception makes of a case, as running code: each function takes a Question and returns a wrong answer.

torch computes these as it computes the key: with another setting, on another input, or from the key itself. What a
misconception means in one question alone stands beside that question's draw (draws/).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F

from .answers import ANSWERS

MISCONCEPTIONS: dict[str, Callable[[Any], Any]] = {}


def key(q):
    """The right answer itself."""
    return ANSWERS[q.answer](q)


def misread(q, **settings):
    """The answer with other settings; None takes a setting away."""
    pooling = {name: value for name, value in {**q.case["pooling"], **settings}.items() if value is not None}
    return key(replace(q, case={**q.case, "pooling": pooling}))


def mistaken(q, x, **settings):
    """The answer on another input."""
    return misread(replace(q, case={**q.case, "input": x.tolist()}), **settings)


def _with(**settings):
    return lambda q: misread(q, **settings)


def other_kind(q, **settings):
    """The answer of the other of the two layers, which has not all the settings of this one."""
    kind = {"max": "avg", "avg": "max"}[q.case["pooling"]["kind"]]
    return misread(q, kind=kind, divisor_override=None, count_include_pad=None, dilation=None, **settings)


def zeros_around(q):
    """Zeros in the border, as around a convolution."""
    return mistaken(q, F.pad(q.input, (q.case["pooling"]["padding"],) * 4), padding=None)


def zeros_beyond(q):
    """What hangs over the edge taken for zeros that count."""
    k = q.case["pooling"]["kernel_size"]
    return mistaken(q, F.pad(q.input, (0, k - 1, 0, k - 1)), ceil_mode=None)


def channels_pooled(q):
    """The shape, were the window as deep as it is wide."""
    k = q.case["pooling"]["kernel_size"]
    return list(F.max_pool3d(q.input, k).shape)


def one_window(q):
    """The most that one window sends to the cell."""
    ones = torch.eye(q.trace.output.numel()).reshape(-1, *q.trace.output.shape)
    return max(q.trace.backward(one)[tuple(q.at)].item() for one in ones)


def last_of_a_tie(q):
    """The winners, were each window searched from its end."""
    h, w = q.input.shape
    turned = key(replace(q, case={**q.case, "input": q.input.flip(0, 1).tolist()}))
    return sorted([h - 1 - r, w - 1 - c] for r, c in turned)


def every_maximum(q):
    """All cells that hold the maximum of a window (side by side, as wide as the stride)."""
    k = q.case["pooling"]["kernel_size"]
    maxima = F.max_pool2d(q.input[None], k).repeat_interleave(k, 1).repeat_interleave(k, 2)[0]
    return (q.input == maxima).nonzero().tolist()


MISCONCEPTIONS.update(
    {
        "stride defaults to 1": _with(stride=1),
        "stride defaults to 2": _with(stride=2),
        "stride is ignored": _with(stride=1),
        "pooling always halves": _with(kernel_size=2, stride=2),
        "sizes are rounded up": _with(ceil_mode=True),
        "sizes are rounded down": _with(ceil_mode=None),
        "the kernel size alone shrinks": _with(stride=None),
        "padding does not change the size": _with(padding=None),
        "padding leaves the windows in place": _with(padding=None),
        "padding never counts": _with(count_include_pad=False),
        "padding always counts": _with(count_include_pad=None),
        "divisor_override is ignored": _with(divisor_override=None),
        "average is a sum": _with(divisor_override=1),
        "average divides by the side": lambda q: misread(q, divisor_override=q.case["pooling"]["kernel_size"]),
        "max and average confused": other_kind,
        "average keeps peaks": other_kind,
        "average of magnitudes": lambda q: mistaken(q, q.input.abs()),
        "negative values become 0": lambda q: mistaken(q, q.input.relu()),
        "max pads with zeros": zeros_around,
        "overhang counts": zeros_beyond,
        "pooling reduces channels": channels_pooled,
        "pooling mixes channels": lambda q: [*key(q)[:-3], 1, *key(q)[-2:]],
        "overlapping gradients do not add": one_window,
        "the first window is forgotten": lambda q: key(q) - 1,
        "index and value confused": lambda q: q.trace.output[tuple(q.at)].item(),
        "indices count in the output": lambda q: q.at[0] * q.trace.output.shape[1] + q.at[1],
        "indices count from 1": lambda q: key(q) + 1,
        "ties have several winners": every_maximum,
        "ties share the gradient": every_maximum,
        "the last of a tie wins": last_of_a_tie,
    }
)
