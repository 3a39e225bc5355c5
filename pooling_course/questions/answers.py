"""Right answers, computed by torch: each function takes a Question and returns what `parse` would.

The first ones read the question's case; those under "proofs" settle a statement about pooling as such.
"""

import torch
import torch.nn.functional as F
from torch import nn

ANSWERS = {}


def answer(function):
    ANSWERS[function.__name__] = function
    return function


def _cells(mask):
    return mask.nonzero().tolist()


@answer
def shape(q):
    return list(q.trace.output.shape)


@answer
def channels(q):
    return q.trace.output.shape[-3]


@answer
def height(q):
    return q.trace.output.shape[-2]


@answer
def output(q):
    return q.trace.output.tolist()


@answer
def value(q):
    return q.trace.output[tuple(q.at)].item()


@answer
def winner(q):
    """The flat index of the winner of window `at`, as return_indices gives it."""
    return q.trace.winners[tuple(q.at)].item()


@answer
def winners(q):
    """The cells that win at least one window."""
    mask = torch.zeros(q.input.numel(), dtype=torch.bool)
    mask[q.trace.winners.flatten()] = True
    return _cells(mask.reshape(q.input.shape))


@answer
def window_cells(q):
    """The input cells that window `at` reads."""
    return [list(cell) for cell in q.trace.window(*q.at).cells]


@answer
def divisor(q):
    return q.trace.divisors[tuple(q.at)].item()


@answer
def reads(q):
    return q.trace.reads[tuple(q.at)].item()


@answer
def unread(q):
    return _cells(q.trace.reads == 0)


@answer
def gradient(q):
    return q.trace.backward()[tuple(q.at)].item()


@answer
def gradient_cells(q):
    """The cells that get any gradient when the upstream gradient is ones."""
    return _cells(q.trace.backward() != 0)


@answer
def gradient_total(q):
    return q.trace.backward().sum().item()


# ---- proofs ------------------------------------------------------------------------------------------------------


@answer
def average_ever_exceeds_max(q):
    """On windows that lie wholly inside the input, with the default divisor."""
    x = torch.randn(64, 3, 16, 16, generator=torch.Generator().manual_seed(0)).double()
    return bool((F.avg_pool2d(x, 3, 2) > F.max_pool2d(x, 3, 2)).any())


@answer
def pooling_parameters(q):
    return sum(p.numel() for layer in (nn.MaxPool2d(2), nn.AvgPool2d(2)) for p in layer.parameters())
