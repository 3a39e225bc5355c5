"""Your own map, averaged on paper."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "06"
LEVEL = "own"
RULE = "numpy"
TASK = """
This map `x` is yours alone: it has 3 rows and 4 columns. What does `nn.AvgPool2d(2, padding=1)` make of it? Work it out
on paper, and write the numbers down as nested lists, row by row: `return [[0.5, 2], [3, -4.25]]` is an output of two
rows.
"""
HINTS = (
    "Draw the map with a border of one cell on each side. Where does the first window lie, and where the second?",
    "The windows lie side by side, and the first starts in the corner of the border. There are 2 rows of 3 windows. By "
    "default the padding counts, so every sum is divided by 4.",
)


def truth(x):
    return by_torch(x, 2, padding=1)


def own(random):
    yield (random.integers(-8, 9, (3, 4)).astype(float),)


def by_torch(x, *settings, **more):
    return F.avg_pool2d(torch.from_numpy(x)[None], *settings, **more)[0].numpy()


class Mistakes:
    def not_counted(x):
        """you divide by the real cells: by default the padding counts, and every sum here is divided by 4."""
        return by_torch(x, 2, padding=1, count_include_pad=False)

    def no_padding(x):
        """you leave the padding out: the first window starts one row above and one column left of the map."""
        return by_torch(x, 2)

    def one_step(x):
        """you move the window by one cell, as in a convolution: left out, the stride is the kernel_size."""
        return by_torch(x, 2, 1, padding=1)

    def sums(x):
        """you leave the sums undivided: an average divides, here by 4."""
        return by_torch(x, 2, padding=1, divisor_override=1)

    def maximum(x):
        """you take the largest number of each window: the average is asked for."""
        return F.max_pool2d(torch.from_numpy(x)[None], 2, padding=1)[0].numpy()

    def padded_below(x):
        """you put the border at the bottom and right only: it lies on all four sides."""
        return by_torch(np.pad(x, ((0, 1), (0, 2))), 2)
