"""Your own map, and its gradient on paper."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "07"
LEVEL = "own"
RULE = "numpy"
TASK = """
This map `x` of 3 × 3 is yours alone, and so is `upstream`. `nn.MaxPool2d(2, stride=1)` makes a 2 × 2 output of `x`, and
`upstream` holds the upstream gradient, one number for each of the four outputs. What is the gradient of `x`? Work it
out on paper, and write it down as nested lists, row by row: `return [[1, 0, 0], [0, 2, 0], [0, 0, 0]]`, say.
"""
HINTS = (
    "Mark the winner of each of the four windows. If two cells are equal, which one is it?",
    "Each window pays its whole upstream number to its winner, the first in reading order. A cell that wins several "
    "windows gets the sum.",
)


def truth(x, upstream):
    x = torch.from_numpy(x)[None].requires_grad_()
    F.max_pool2d(x, 2, 1).backward(torch.from_numpy(upstream)[None])
    return x.grad[0].numpy()


def own(random):
    yield random.integers(-2, 4, (3, 3)).astype(float), random.integers(1, 7, (2, 2)).astype(float)


def paid(x, upstream, shares, add=1):
    """`shares` says from a window how its upstream number is shared out."""
    gradient = np.zeros(x.shape)
    for row, col in np.ndindex(2, 2):
        cells = np.s_[row : row + 2, col : col + 2]
        share = shares(x[cells])
        gradient[cells] = gradient[cells] * np.where(share > 0, add, 1) + share * upstream[row, col]
    return gradient


def first(window):
    return np.eye(1, 4, window.argmax()).reshape(2, 2)


class Mistakes:
    def not_added(x, upstream):
        """you let the last window decide: a cell that wins several windows gets the sum."""
        return paid(x, upstream, first, add=0)

    def ties_share(x, upstream):
        """you divide the gradient among equal maxima: the first in reading order gets it all."""
        return paid(x, upstream, lambda window: (window == window.max()) / (window == window.max()).sum())

    def last_tie(x, upstream):
        """you pay the last of several equal maxima: it is the first in reading order that wins."""
        return paid(x, upstream, lambda window: first(window[::-1, ::-1])[::-1, ::-1])

    def as_average(x, upstream):
        """you share the gradient out among all four cells: that is average pooling. Max pays its winner alone."""
        return paid(x, upstream, lambda window: np.full((2, 2), 1 / 4))

    def no_upstream(x, upstream):
        """you pay a 1 for every window: what is paid is its upstream number."""
        return paid(x, np.ones((2, 2)), first)

    def side_by_side(x, upstream):
        """you stop after the first window, as if the stride were 2: with stride 1 there are four, and they overlap."""
        return paid(x, upstream * [[1, 0], [0, 0]], first)
