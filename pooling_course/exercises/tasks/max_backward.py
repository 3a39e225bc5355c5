"""The gradient of a max pooling."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "07"
LEVEL = "gaps"
RULE = "numpy"
TASK = """
A map `x`, an array of rows and columns, was max-pooled with windows of `kernel_size` × `kernel_size`
that move by `stride`; there is no padding, dilation is 1, and ceil_mode is off. `upstream` is the upstream gradient,
one number for each output. Return the gradient of the input, an array shaped like `x`.

Each window hands its upstream number to its winner; of several equal maxima, the first in reading order wins. A cell
that wins several windows gets the sum. The function below already visits every window. Say what happens in one.
"""
HINTS = (
    "Who is paid by a window, and how much? And what if the same cell was paid before?",
    "window.argmax() is the winner, counted through the window; divmod by kernel_size makes row and column of it. Add "
    "upstream[row, col] to the gradient of that cell, which lies at top and left plus those two.",
)


def max_backward(x, upstream, kernel_size, stride):
    """The gradient of the input, an array shaped like x."""
    gradient = np.zeros(x.shape)
    for row in range(upstream.shape[0]):
        for col in range(upstream.shape[1]):
            top = row * stride
            left = col * stride
            window = x[top : top + kernel_size, left : left + kernel_size]
            ### BEGIN SOLUTION
            down, right = divmod(window.argmax(), kernel_size)
            gradient[top + down, left + right] += upstream[row, col]
            ### END SOLUTION
    return gradient


def truth(x, upstream, kernel_size, stride):
    x = torch.from_numpy(x)[None].requires_grad_()
    F.max_pool2d(x, kernel_size, stride).backward(torch.from_numpy(upstream)[None])
    return x.grad[0].numpy()


def cases(random):
    yield np.array([[3.0, 8.0], [1.0, 4.0]]), np.array([[5.0]]), 2, 2
    yield np.array([[3.0, 8.0], [8.0, 8.0]]), np.array([[6.0]]), 2, 2
    yield np.zeros((2, 4)), np.array([[1.0, -2.0]]), 2, 2
    yield np.array([[0.0, 1.0, 0.0], [2.0, 8.0, 3.0], [0.0, 1.0, 0.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]), 2, 1
    yield np.array([[-4.0, -9.0, -6.0], [-2.0, -7.0, -8.0]]), np.array([[2.0, 5.0]]), 2, 1
    yield np.array([[7.0]]), np.array([[-3.0]]), 1, 1
    for height, width, kernel_size, stride in [(5, 7, 2, 2), (4, 6, 3, 1), (5, 4, 2, 1), (6, 3, 3, 3), (7, 5, 2, 3)]:
        yield drawn(random, height, width, kernel_size, stride)
    for _ in range(4):
        yield drawn(random, *map(int, random.integers((4, 4, 2, 1), (7, 7, 4, 3))))


def drawn(random, height, width, kernel_size, stride):
    """A map with ties, and whole numbers from upstream."""
    out = [(size - kernel_size) // stride + 1 for size in (height, width)]
    x, upstream = random.integers(-4, 4, (height, width)), random.integers(-5, 6, out)
    return x.astype(float), upstream.astype(float), kernel_size, stride


def paid(x, upstream, kernel_size, stride, shares, add=1):
    """`shares` says from a window how its upstream number is shared out."""
    gradient = np.zeros(x.shape)
    for row, col in np.ndindex(*upstream.shape):
        cells = np.s_[row * stride : row * stride + kernel_size, col * stride : col * stride + kernel_size]
        share = shares(x[cells])
        gradient[cells] = gradient[cells] * np.where(share > 0, add, 1) + share * upstream[row, col]
    return gradient


def first(window):
    return np.eye(1, window.size, window.argmax()).reshape(window.shape)


class Mistakes:
    def not_added(x, upstream, kernel_size, stride):
        """you overwrite what a cell got before: one that wins several windows gets the sum, so add with +=."""
        return paid(x, upstream, kernel_size, stride, first, add=0)

    def ties_share(x, upstream, kernel_size, stride):
        """you divide the gradient among equal maxima: the first in reading order gets it all."""

        def equally(window):
            tied = window == window.max()
            return tied / tied.sum()

        return paid(x, upstream, kernel_size, stride, equally)

    def all_ties(x, upstream, kernel_size, stride):
        """you pay every cell that holds the maximum: only the first in reading order is paid."""
        return paid(x, upstream, kernel_size, stride, lambda window: (window == window.max()).astype(float))

    def last_tie(x, upstream, kernel_size, stride):
        """you pay the last of several equal maxima: it is the first in reading order that wins."""
        return paid(x, upstream, kernel_size, stride, lambda window: first(window[::-1, ::-1])[::-1, ::-1])

    def as_average(x, upstream, kernel_size, stride):
        """you share the gradient out among all cells of a window: so does average pooling. Max pays its winner."""
        return paid(x, upstream, kernel_size, stride, lambda window: np.full(window.shape, 1 / window.size))

    def everyone(x, upstream, kernel_size, stride):
        """you pay the whole gradient to every cell of a window: only the winner has a share in the maximum."""
        return paid(x, upstream, kernel_size, stride, lambda window: np.ones(window.shape))

    def no_upstream(x, upstream, kernel_size, stride):
        """you pay a 1 for every window: what is paid is its upstream number."""
        return paid(x, np.ones_like(upstream), kernel_size, stride, first)

    def times_value(x, upstream, kernel_size, stride):
        """you multiply by the maximum: raise the winner a little, and the output rises as much, whatever its value."""
        return paid(x, upstream, kernel_size, stride, lambda window: first(window) * window.max())

    def in_the_window(x, upstream, kernel_size, stride):
        """you pay at the winner's place in the window: its place in the map is that plus top and left."""
        gradient = np.zeros(x.shape)
        for row, col in np.ndindex(*upstream.shape):
            top, left = row * stride, col * stride
            at = divmod(x[top : top + kernel_size, left : left + kernel_size].argmax(), kernel_size)
            gradient[at] += upstream[row, col]
        return gradient
