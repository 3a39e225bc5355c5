"""How many windows read each cell."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "05"
LEVEL = "gaps"
RULE = "numpy"
TASK = """
How many windows read each cell of a map with `height` rows and `width` columns? The windows are
`kernel_size` × `kernel_size` and move by `stride`; there is no padding, dilation is 1, and ceil_mode is off. Return an
array of ints of shape `(height, width)`, with a 0 where no window reads.

Rows and columns do not mix: count how many windows reach over a cell's row, and how many over its column, and multiply.
The function below already multiplies. Write the part that counts along one axis: how many windows, each `kernel_size`
long, read each of `size` places.
"""
OWN = """
These two maps and their windows are yours alone, a row for each. How many windows read each cell? Write down both
arrays, one after the other, as nested lists, row by row: `return [[[1, 1], [1, 1]], [[1, 2, 1], [1, 2, 1]]]`, say.
"""
HINTS = (
    "Draw 7 places in a line, with windows of 3 and a stride of 2. Make a tick under each place that a window reads.",
    "Start with zeros. The windows start at 0, stride, 2 * stride, ... and the last one at size - kernel_size or "
    "before. Each adds 1 to the places it reads.",
)


def overlap_count(height, width, kernel_size, stride):
    """How many windows read each cell, an array of ints of shape (height, width)."""

    def along(size):
        """How many windows read each of `size` places, an array of ints."""
        ### BEGIN SOLUTION
        count = np.zeros(size, dtype=int)
        for start in range(0, size - kernel_size + 1, stride):
            count[start : start + kernel_size] += 1
        return count
        ### END SOLUTION

    return np.outer(along(height), along(width))


def truth(height, width, kernel_size, stride):
    x = torch.zeros(1, height, width, requires_grad=True)
    F.avg_pool2d(x, kernel_size, stride, divisor_override=1).sum().backward()  # every window pays each cell a 1
    return x.grad[0].int().numpy()


def cases(random):
    yield from [(4, 4, 2, 2), (3, 3, 2, 1), (5, 7, 2, 2), (8, 8, 3, 1), (7, 8, 3, 2), (6, 8, 2, 3), (3, 5, 3, 1)]
    yield from [(4, 3, 1, 1), (1, 1, 1, 4), (6, 6, 4, 1)]
    for _ in range(4):
        yield tuple(map(int, random.integers((4, 4, 2, 1), (10, 10, 5, 5))))


def own(random):
    """Windows that overlap, and others that do not, each on a map of 12 to 20 cells."""
    for overlap in (True, False):
        kernel_size, stride = [(2, 1), (3, 1), (3, 2)][random.integers(3)] if overlap else (2, random.integers(2, 4))
        maps = [(h, w) for h in range(3, 6) for w in range(3, 6) if 12 <= h * w <= 20 and min(h, w) > kernel_size]
        yield *maps[random.integers(len(maps))], kernel_size, int(stride)


def outer(height, width, kernel_size, starts, add=1):
    """`starts` says from a size where windows start."""
    along = []
    for size in (height, width):
        count = np.zeros(size, dtype=int)
        for start in starts(size):
            count[start : start + kernel_size] = count[start : start + kernel_size] * add + 1
        along.append(count)
    return np.outer(*along)


class Mistakes:
    def not_added(height, width, kernel_size, stride):
        """you write a 1 where you should add one: where windows overlap, a place is read more than once."""
        return outer(height, width, kernel_size, lambda size: range(0, size - kernel_size + 1, stride), add=0)

    def last_missing(height, width, kernel_size, stride):
        """you miss the last window: it may start at size - kernel_size, and range stops before its end."""
        return outer(height, width, kernel_size, lambda size: range(0, size - kernel_size, stride))

    def hanging_over(height, width, kernel_size, stride):
        """you count windows that hang over the edge: without ceil_mode there are only those that fit."""
        return outer(height, width, kernel_size, lambda size: range(0, size, stride))

    def no_stride(height, width, kernel_size, stride):
        """your windows move by one cell: they move by the stride."""
        return outer(height, width, kernel_size, lambda size: range(size - kernel_size + 1))

    def kernel_as_stride(height, width, kernel_size, stride):
        """your windows lie side by side: that is only the stride torch takes when none is given. Here one is given."""
        return outer(height, width, kernel_size, lambda size: range(0, size - kernel_size + 1, kernel_size))

    def starts_only(height, width, kernel_size, stride):
        """you count where windows start: each reads all the places from there, kernel_size of them."""
        return outer(height, width, 1, lambda size: range(0, size - kernel_size + 1, stride))

    def by_number(height, width, kernel_size, stride):
        """you count the windows there are, the same for every cell: each reads only its own part of the map."""
        rows, cols = ((size - kernel_size) // stride + 1 for size in (height, width))
        return np.full((height, width), rows * cols)
