"""The size that comes out with ceil_mode."""

import torch
from torch import nn

LESSON = "05"
LEVEL = "free"
RULE = "numpy"
TASK = """
A map is `size` cells high. How many rows does the pooled map have, for a window of `kernel_size` that moves by
`stride`, with `padding` on both sides and **`ceil_mode=True`**? Dilation is 1.

Two things differ from the rule without it. The division is rounded up, so that rows left over at the bottom get a
window of their own, which hangs over the edge. And one window may be dropped again: the last one must start within the
map or the padding *above* it, so before row `size + padding`, counted from the first row of the padding. One that would
start in the padding below, or beyond it, is left out.
"""
OWN = """
These five poolings are yours alone, a row for each. How many rows does each make with `ceil_mode=True`? Work it out on
paper, and write the five numbers down from the top: `return [3, 8, 4, 11, 6]`, say.
"""
HINTS = (
    "Take a window of 1 and a stride of 2 on 4 rows, without padding. Rounded up that is 3 windows; where does each "
    "start?",
    "-(-a // b) divides whole numbers and rounds up. Then look at the last of the windows: it starts at (rows - 1) * "
    "stride.",
)


def ceil_size(size, kernel_size, stride, padding):
    """How many rows come out with ceil_mode=True, an int."""
    ### BEGIN SOLUTION
    room = size + 2 * padding - kernel_size
    rows = -(-room // stride) + 1  # rounded up
    if (rows - 1) * stride >= size + padding:
        rows -= 1
    return rows
    ### END SOLUTION


def truth(size, kernel_size, stride, padding):
    pool = nn.MaxPool2d((kernel_size, 1), (stride, 1), (padding, 0), ceil_mode=True)
    return pool(torch.zeros(1, size, 1)).shape[1]


def cases(random):
    yield from [(6, 2, 2, 0), (7, 2, 2, 0), (32, 8, 4, 0), (4, 1, 2, 0), (7, 5, 2, 2), (6, 7, 7, 0), (5, 2, 4, 1)]
    yield from [(6, 2, 2, 1), (7, 2, 2, 1), (6, 3, 3, 1), (9, 3, 5, 1), (1, 1, 1, 0), (5, 3, 1, 1)]
    for _ in range(3):
        kernel_size, stride = map(int, random.integers((2, 1), (6, 5)))
        yield int(random.integers(8, 40)), kernel_size, stride, int(random.integers(kernel_size // 2 + 1))


def own(random):
    """One pooling of each sort."""
    found: dict[str, tuple] = {}
    while len(found) < 5:
        size, kernel_size, stride = map(int, random.integers((8, 2, 2), (30, 6, 7)))
        case = size, kernel_size, stride, int(random.integers(kernel_size // 2 + 1))
        if sort(*case):
            found.setdefault(sort(*case), case)
    return [list(found.values())[i] for i in random.permutation(5)]


def sort(size, kernel_size, stride, padding):
    """Where the last window starts after rounding up, or "exact" where nothing is left over; "" for what tells little:
    a wrong rule comes to the same there."""
    room = size + 2 * padding - kernel_size
    last = room + -room % stride
    if last == room:
        return "exact" if kernel_size > stride + 2 * padding else ""  # else size / stride is as good
    if last < size:
        return "map" if room % stride <= padding else ""  # else one side of the padding is as good
    ends = {"padding above": size + padding, "padding below": size + 2 * padding}
    return next((sort for sort, end in ends.items() if last < end), "beyond")


class Mistakes:
    def rounded_down(size, kernel_size, stride, padding):
        """you round down: that is right without ceil_mode. With it, rows left over at the bottom get a window."""
        return (size + 2 * padding - kernel_size) // stride + 1

    def only_rounded_up(size, kernel_size, stride, padding):
        """you only round up: a last window that would start in row size + padding, or below it, is dropped again."""
        return -(-(size + 2 * padding - kernel_size) // stride) + 1

    def always_one_more(size, kernel_size, stride, padding):
        """you always add a window: it is added only where rows are left over."""
        return (size + 2 * padding - kernel_size) // stride + 2

    def dropped_too_soon(size, kernel_size, stride, padding):
        """you count the start of the last window from the first row of the map: it counts from the padding above."""
        rows = -(-(size + 2 * padding - kernel_size) // stride) + 1
        return rows - ((rows - 1) * stride >= size)

    def dropped_too_late(size, kernel_size, stride, padding):
        """you drop a last window only beyond the padding below: it must not start in that padding, either."""
        rows = -(-(size + 2 * padding - kernel_size) // stride) + 1
        return rows - ((rows - 1) * stride >= size + 2 * padding)

    def size_by_stride(size, kernel_size, stride, padding):
        """you divide the size by the stride and round up: the window must find room, so its kernel_size matters."""
        return -(-size // stride)

    def one_side(size, kernel_size, stride, padding):
        """you add the padding once: it stands on both sides, so the map grows by 2 * padding."""
        rows = -(-(size + padding - kernel_size) // stride) + 1
        return rows - ((rows - 1) * stride >= size + padding)
