"""Your own map, max-pooled on paper."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "03"
LEVEL = "own"
RULE = "numpy"
TASK = """
This map `x` is yours alone: it has 4 rows and 5 columns. What does `nn.MaxPool2d(2)` make of it? Work it out on paper,
and write the numbers down as nested lists, row by row: `return [[1, 2], [3, 4]]` is an output of two rows.
"""
HINTS = (
    "How far do the windows of nn.MaxPool2d(2) move, and how many of them fit into 5 columns?",
    "The stride is the kernel_size, 2, so the output is 2 × 2 and the last column is not read. The largest number of "
    "each window is meant with its sign.",
)


def truth(x):
    return F.max_pool2d(torch.from_numpy(x)[None], 2)[0].numpy()


def own(random):
    yield (random.integers(-9, 6, (4, 5)).astype(float),)


def by_torch(pool, x, *settings, **more):
    return pool(torch.from_numpy(x)[None], *settings, **more)[0].numpy()


class Mistakes:
    def one_step(x):
        """you move the window by one cell, as in a convolution: left out, the stride is the kernel_size."""
        return by_torch(F.max_pool2d, x, 2, 1)

    def rest_kept(x):
        """you give the last column windows of its own: without ceil_mode, what is left over is not read."""
        return by_torch(F.max_pool2d, x, 2, ceil_mode=True)

    def magnitude(x):
        """you take the number farthest from 0: the largest is meant with its sign, and 2 is larger than -9."""
        most, least = by_torch(F.max_pool2d, x, 2), -by_torch(F.max_pool2d, -x, 2)
        return np.where(-least > most, least, most)

    def from_zero(x):
        """you never go below 0: where all four numbers are negative, the one closest to 0 is the largest."""
        return np.maximum(by_torch(F.max_pool2d, x, 2), 0)

    def average(x):
        """you average the four numbers: max pooling keeps the largest of them."""
        return by_torch(F.avg_pool2d, x, 2)

    def shifted(x):
        """you leave out the first column: what is left over lies at the end, and windows start at column 0."""
        return by_torch(F.max_pool2d, x[:, 1:], 2)
