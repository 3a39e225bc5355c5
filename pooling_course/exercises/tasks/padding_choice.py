"""The paddings that leave no row out."""

import torch
import torch.nn.functional as F

LESSON = "06"
LEVEL = "free"
RULE = "numpy"
TASK = """
Which paddings leave no row out? A map is `size` cells high, the window is `kernel_size` high and moves by `stride`.
Dilation is 1, and ceil_mode is off. Return a list of all values of `padding`, smallest first, for which

- torch takes the layer: `padding` is at most `kernel_size // 2`, and at least one window fits into the padded map, and
- every row of the map is read by at least one window.

Where there is none, the list is empty.
"""
OWN = """
These four poolings are yours alone, a row for each. Which paddings leave no row out? Write down the four lists from
the top: `return [[0, 1], [2], [], [1]]`, say.
"""
HINTS = (
    "Begin with one padding. Which rows do the windows read? Try 6 rows with kernel_size 3, stride 3 and padding 1.",
    "Try each padding from 0 to kernel_size // 2. Its windows start at -padding, stride - padding, ... and fit as long "
    "as they end at size + padding or before. Collect the rows they read, and see whether one is missing.",
)


def padding_choice(size, kernel_size, stride):
    """All legal paddings with which every row is read, a list of ints."""
    ### BEGIN SOLUTION
    good = []
    for padding in range(kernel_size // 2 + 1):
        rows_read = set()
        for start in range(-padding, size + padding - kernel_size + 1, stride):
            rows_read.update(range(start, start + kernel_size))
        if all(row in rows_read for row in range(size)):
            good.append(padding)
    return good
    ### END SOLUTION


def truth(size, kernel_size, stride):
    return [p for p in range(kernel_size // 2 + 1) if all_read(size, kernel_size, stride, p)]


def all_read(size, kernel_size, stride, padding):
    x = torch.zeros(1, size, 1, requires_grad=True)
    try:
        F.avg_pool2d(x, (kernel_size, 1), (stride, 1), (padding, 0)).sum().backward()
    except RuntimeError:  # no window fits
        return False
    return bool((x.grad > 0).all())


def cases(random):
    yield from [(6, 3, 3), (6, 2, 2), (7, 2, 2), (5, 2, 3), (7, 5, 2), (8, 4, 3), (1, 1, 1), (3, 5, 1), (6, 3, 2)]
    yield from [(8, 6, 4), (2, 7, 2), (12, 5, 7), (9, 1, 4)]
    for _ in range(4):
        kernel_size = int(random.integers(2, 8))
        yield int(random.integers(5, 15)), kernel_size, int(random.integers(1, kernel_size + 1))


def own(random):
    """A stride that jumps over rows, and three that do not."""
    for jumps in random.permutation([True, False, False, False]):
        kernel_size = int(random.integers(4, 7))
        stride = kernel_size + 1 if jumps else int(random.integers(2, kernel_size + 1))
        yield int(random.integers(8, 15)), kernel_size, stride


def ends(size, kernel_size, stride, padding):
    """The row after the last one that is read; None where no window fits."""
    room = size + 2 * padding - kernel_size
    return None if room < 0 else room // stride * stride + kernel_size - padding


def reads_all(size, kernel_size, stride, padding):
    starts = range(-padding, size + padding - kernel_size + 1, stride)
    return set(range(size)) <= {row for start in starts for row in range(start, start + kernel_size)}


class Mistakes:
    def any_legal(size, kernel_size, stride):
        """you take every padding that torch takes: padding moves the windows, and can lose a row that was read."""
        return [p for p in range(kernel_size // 2 + 1) if ends(size, kernel_size, stride, p) is not None]

    def largest_only(size, kernel_size, stride):
        """you take the largest legal padding only: more padding does not always read more, and less may do, too."""
        return [kernel_size // 2]

    def none_needed(size, kernel_size, stride):
        """you always answer [0]: without padding rows may be left over or lie in gaps, and other paddings may do."""
        return [0]

    def no_rest_at_all(size, kernel_size, stride):
        """you want the windows to end just with the padding: padding may be left over, but no row of the map."""
        fits = [p for p in range(kernel_size // 2 + 1) if size + 2 * p >= kernel_size]
        return [p for p in fits if (size + 2 * p - kernel_size) % stride == 0]

    def beyond_half(size, kernel_size, stride):
        """you try paddings of more than kernel_size // 2: torch refuses those."""
        return [p for p in range(kernel_size) if reads_all(size, kernel_size, stride, p)]

    def less_than_half(size, kernel_size, stride):
        """you stop before kernel_size // 2: range stops before its end, and half of the window is still allowed."""
        return [p for p in range(kernel_size // 2) if reads_all(size, kernel_size, stride, p)]

    def end_only(size, kernel_size, stride):
        """you look at the last row only: with a stride larger than the kernel, rows between two windows are lost."""
        found = [(p, ends(size, kernel_size, stride, p)) for p in range(kernel_size // 2 + 1)]
        return [p for p, end in found if end is not None and end >= size]
