"""The share of each cell in the output."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "02"
LEVEL = "gaps"
RULE = "numpy"
TASK = """
Max and average pooling read the same windows, and differ in the **share** that each cell has in the output. `window`
is one window, an array of rows and columns, and `kind` is `"max"` or `"avg"`. Return an array shaped like `window`
that holds the share of each cell. If several cells hold the maximum, the first of them in reading order (row by row,
each from left to right) has the whole share of 1.

So for finite numbers the output is `(shares(window, kind) * window).sum()`, apart from rounding.

The function below has two gaps, one for each kind. Either can be tried alone.
"""
OWN = """
These three windows are yours alone: two of them are for `"max"`, and one is for `"avg"`. Which shares do their cells
have? Write them down, one window after the other, each as nested lists, row by row: `[[0, 1], [0, 0]]` would be the
shares of a window of 2 × 2. So what you return is a list of three.
"""
HINTS = (
    "What do the shares of a window add up to, in either kind of pooling?",
    "In an average, all cells have the same share: 1 divided by their number. In a maximum one cell has it all: "
    "window.argmax() finds the first of the largest and counts through the rows; np.unravel_index or divmod by the "
    "width makes row and column of that.",
)


def shares(window, kind):
    """The share of each cell in the output, an array shaped like window."""
    share = np.zeros(window.shape)
    if kind == "avg":
        # Gap 1: what does each cell get?
        ### BEGIN SOLUTION
        share[:, :] = 1 / window.size
        ### END SOLUTION
    else:
        # Gap 2: which cell gets something, and how much?
        ### BEGIN SOLUTION
        row, col = divmod(window.argmax(), window.shape[1])
        share[row, col] = 1
        ### END SOLUTION
    return share


def truth(window, kind):
    x = torch.from_numpy(window)[None].requires_grad_()
    pool = F.max_pool2d if kind == "max" else F.avg_pool2d
    pool(x, window.shape).sum().backward()
    return x.grad[0].numpy()


def cases(random):
    windows = [[[1, 3], [5, 6]], [[2, -9], [0, -1]], [[-4, -3], [-7, -8]], [[7, 2], [7, 7]], [[0, 0], [0, 0]]]
    for window in (np.array(window, dtype=float) for window in windows):
        yield from [(window, "max"), (window, "avg")]
    yield np.array([[5.0]]), "max"
    yield np.array([[1.0, 5.0], [5.0, 0.0]]), "max"  # rows are read before columns
    yield np.array([[1.0, 4.0, 2.0, 4.0]]), "max"
    for shape, kind in [((2, 3), "max"), ((3, 2), "max"), ((2, 4), "max"), ((3, 2), "avg")]:
        yield random.integers(-1, 2, shape).astype(float), kind


def own(random):
    """A window with three equal maxima, one with a single maximum, and one to be averaged."""
    for shape, tied in (((3, 3), 3), ((2, 5), 1)):
        top = random.integers(2, 6)
        window = random.integers(-9, top, shape).astype(float)
        window.flat[random.choice(window.size, tied, replace=False)] = top
        yield window, "max"
    shape = [(2, 2), (2, 4), (4, 2), (2, 5), (5, 2)][random.integers(5)]
    yield random.integers(1, 10, shape).astype(float), "avg"


def average(window):
    return np.full(window.shape, 1 / window.size)


def one_at(window, flat):
    return np.eye(1, window.size, flat).reshape(window.shape)


class Mistakes:
    def ties_share(window, kind):
        """you divide the share of a maximum among all that hold it: the first in reading order has it all."""
        tied = window == window.max()
        return tied / tied.sum() if kind == "max" else average(window)

    def all_ties(window, kind):
        """you give every cell that holds the maximum a share of 1: only the first in reading order has one."""
        return (window == window.max()).astype(float) if kind == "max" else average(window)

    def last_tie(window, kind):
        """you let the last of several equal maxima win: it is the first in reading order."""
        last = window.size - 1 - window.ravel()[::-1].argmax()
        return one_at(window, last) if kind == "max" else average(window)

    def down_the_columns(window, kind):
        """you look for the first of several equal maxima column by column: reading order goes row by row."""
        col, row = divmod(window.T.argmax(), len(window))
        return one_at(window, row * window.shape[1] + col) if kind == "max" else average(window)

    def magnitude(window, kind):
        """you let the number farthest from 0 win: the largest is meant with its sign, and 2 is larger than -9."""
        return one_at(window, np.abs(window).argmax()) if kind == "max" else average(window)

    def value_for_share(window, kind):
        """you put the maximum itself where its share should be: the winner's share is 1, whatever its value."""
        return one_at(window, window.argmax()) * window.max() if kind == "max" else average(window)

    def undivided(window, kind):
        """you give each cell of an average a share of 1: that is a sum. The shares add up to 1."""
        return one_at(window, window.argmax()) if kind == "max" else np.ones(window.shape)

    def by_value(window, kind):
        """you share an average out by the values: all cells have the same share, large or small."""
        return one_at(window, window.argmax()) if kind == "max" else window / window.sum()

    def by_height(window, kind):
        """you divide an average by the number of rows: it is made of all cells, rows times columns."""
        return one_at(window, window.argmax()) if kind == "max" else np.full(window.shape, 1 / len(window))
