"""What each average is divided by."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "06"
LEVEL = "gaps"
RULE = "numpy"
TASK = """
Divided by what? Return an array of ints that holds, for every output of an `nn.AvgPool2d`, what the sum of its window
is divided by.

- `shape` and `out_shape` are (rows, columns) of the map and of the output. The output may have been rounded up by
  `ceil_mode=True`; then the last windows can hang over the edge of the padded map.
- `kernel_size`, `stride` and `padding` are whole numbers, the same for rows and columns.
- `count_include_pad` is True or False.
- `divisor_override` is a whole number, or None.

Rows and columns do not mix: the cells of a window that count are its rows that count, times its columns that count. The
function below already multiplies. Its two gaps can be tried one by one.
"""
OWN = """
These settings are yours alone: three poolings, which differ only where you see several values. Write down the divisors
of each, one after the other, as nested lists: `return [[[4, 2], [4, 2]], [[4, 2], [4, 2]], [[3, 3], [3, 3]]]`, say.
"""
HINTS = (
    "Take one window, and only its rows: from which row to which does it reach? Which of these rows count?",
    "A window covers the rows from row * stride - padding on. Those that count end at shape[0] + padding if the "
    "padding counts, else they lie between 0 and shape[0]. `size` is shape[0] for rows, and shape[1] for columns.",
)


def average_divisors(shape, out_shape, kernel_size, stride, padding, count_include_pad, divisor_override):
    """The divisor of every output, an array of ints of shape out_shape."""
    divisors = np.zeros(out_shape, dtype=int)
    if divisor_override is not None:
        # Gap 1: the divisors are not counted, but given.
        ### BEGIN SOLUTION
        divisors[:, :] = divisor_override
        ### END SOLUTION
        return divisors

    def counted(place, size):
        """How many rows under window number `place` count, on a map of `size` rows; columns likewise."""
        # Gap 2: from where to where do they count?
        ### BEGIN SOLUTION
        start = place * stride - padding
        stop = min(start + kernel_size, size + padding)  # what lies beyond is overhang, and never counts
        if not count_include_pad:
            start, stop = max(start, 0), min(stop, size)
        return stop - start
        ### END SOLUTION

    for row in range(out_shape[0]):
        for col in range(out_shape[1]):
            divisors[row, col] = counted(row, shape[0]) * counted(col, shape[1])
    return divisors


def truth(shape, out_shape, kernel_size, stride, padding, count_include_pad, divisor_override):
    if divisor_override is not None:
        return np.full(out_shape, divisor_override)
    for ceil_mode in (False, True):
        pool = torch.nn.AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad)
        real = F.avg_pool2d(torch.ones(1, *shape), kernel_size, stride, padding, ceil_mode, divisor_override=1)
        if tuple(real.shape[1:]) == tuple(out_shape):  # the average of ones is real / divisor
            return (real / pool(torch.ones(1, *shape))).round().int()[0].numpy()


def cases(random):
    for settings in [
        ((4, 4), 2, 2, 0, False, True, None),
        ((4, 4), 2, 2, 1, False, True, None),
        ((4, 4), 2, 2, 1, False, False, None),
        ((5, 7), 2, 2, 0, True, True, None),
        ((6, 6), 3, 2, 1, True, True, None),
        ((6, 5), 3, 2, 1, True, False, None),
        ((1, 3), 2, 2, 1, False, True, None),
        ((8, 8), 3, 3, 0, True, False, None),
        ((4, 5), 2, 2, 1, True, True, 1),
        ((3, 3), 3, 3, 0, False, False, -2),
        ((7, 4), 2, 3, 1, True, True, None),
        ((6, 3), 3, 2, 1, True, False, 5),
    ]:
        yield case(*settings)
    for _ in range(4):
        height, width, kernel_size, stride = map(int, random.integers((4, 4, 2, 1), (9, 9, 5, 4)))
        padding = int(random.integers(1, kernel_size // 2 + 1))
        yield case((height, width), kernel_size, stride, padding, True, bool(random.integers(2)), None)


def own(random):
    """One geometry with six outputs, of which the last row or column hangs over."""
    while True:
        height, width, kernel_size, stride = map(int, random.integers((3, 3, 2, 2), (8, 8, 5, 4)))
        geometry = (height, width), kernel_size, stride, int(random.integers(1, kernel_size // 2 + 1))
        up, down = (case(*geometry, ceil_mode, True, None)[1] for ceil_mode in (True, False))
        if up in ((2, 3), (3, 2)) and up != down:
            break
    override = int(random.integers(2, 20))
    for settings in ((True, None), (False, None), (True, override)):
        yield case(*geometry, True, *settings)


def case(shape, kernel_size, stride, padding, ceil_mode, *settings):
    out = F.avg_pool2d(torch.ones(1, *shape), kernel_size, stride, padding, ceil_mode)
    return shape, tuple(out.shape[1:]), kernel_size, stride, padding, *settings


def divisors(shape, out_shape, kernel_size, stride, padding, before, beyond, override=None):
    """Counting `before` rows of padding at the top and left, and `beyond` at the bottom and right."""
    if override is not None:
        return np.full(out_shape, override)
    along = []
    for size, out in zip(shape, out_shape, strict=True):
        start = np.arange(out) * stride - padding
        along.append(np.minimum(start + kernel_size, size + beyond) - np.maximum(start, -before))
    return np.outer(*along)


class Mistakes:
    def always_all(shape, out_shape, kernel_size, stride, padding, count_include_pad, divisor_override):
        """you divide by kernel_size * kernel_size everywhere: at the border fewer cells may count."""
        return np.full(out_shape, divisor_override or kernel_size * kernel_size)

    def overhang_counted(shape, out_shape, kernel_size, stride, padding, count_include_pad, divisor_override):
        """you count what hangs over the edge: only declared padding can count, and overhang never does."""
        pad, far = (padding, padding + kernel_size) if count_include_pad else (0, 0)
        return divisors(shape, out_shape, kernel_size, stride, padding, pad, far, divisor_override)

    def padding_never_counted(shape, out_shape, kernel_size, stride, padding, count_include_pad, divisor_override):
        """you count real cells only: unless count_include_pad is False, a padded cell counts, too."""
        return divisors(shape, out_shape, kernel_size, stride, padding, 0, 0, divisor_override)

    def padding_always_counted(shape, out_shape, kernel_size, stride, padding, count_include_pad, divisor_override):
        """you count padded cells even where count_include_pad is False: then only the real ones count."""
        return divisors(shape, out_shape, kernel_size, stride, padding, padding, padding, divisor_override)

    def first_border_only(shape, out_shape, kernel_size, stride, padding, count_include_pad, divisor_override):
        """you count the padding at the top and left only: it lies at the bottom and right, too."""
        pad = padding if count_include_pad else 0
        return divisors(shape, out_shape, kernel_size, stride, padding, pad, 0, divisor_override)

    def no_override(shape, out_shape, kernel_size, stride, padding, count_include_pad, divisor_override):
        """you leave divisor_override out: where it is given, it is the divisor, whatever else is set."""
        pad = padding if count_include_pad else 0
        return divisors(shape, out_shape, kernel_size, stride, padding, pad, pad)

    def override_per_cell(shape, out_shape, kernel_size, stride, padding, count_include_pad, divisor_override):
        """you multiply divisor_override with the cells of the window: it is the divisor just as it stands."""
        pad = padding if count_include_pad else 0
        return divisors(shape, out_shape, kernel_size, stride, padding, pad, pad) * (divisor_override or 1)
