"""Pooling once more, in plain loops, from what torch's documentation says: the second witness beside torch itself.

Sources: the pages of `torch.nn.MaxPool2d` and `torch.nn.AvgPool2d` (size, ceil_mode, padding, divisor), and the scan
`if value > best or isnan(value)` of torch's CPU kernel (ties, NaN). Nothing here comes from pooling_course.
"""

from math import inf, isnan, trunc
from typing import NamedTuple

DEFAULTS = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
DEFAULTS |= {"count_include_pad": True, "divisor_override": None}


class Read(NamedTuple):
    """What one window reads, and what it makes of it."""

    cells: list
    padded: list
    overhang: list
    divisor: int | None
    winner: tuple | None
    output: float | int


def both(value):
    return tuple(value) * (3 - len(value)) if isinstance(value, (tuple, list)) else (value, value)


def axes(settings):
    """(kernel, stride, padding, dilation) for height, and for width."""
    s = DEFAULTS | settings
    stride = s["kernel_size"] if s["stride"] is None else s["stride"]
    return zip(both(s["kernel_size"]), both(stride), both(s["padding"]), both(s["dilation"]), strict=True)


def windows_along(size, axis, ceil_mode=False):
    """The positions that each window reads along one axis.

    A window must end within the padded input. With ceil_mode one more may go off-bounds, where the last has left a
    rest, but only if it starts within the left padding or the input.
    """
    kernel, stride, padding, dilation = axis
    reach, found, start = dilation * (kernel - 1) + 1, [], -padding
    while start + reach <= size + padding or (ceil_mode and start < size and start - stride + reach < size + padding):
        found.append([start + i * dilation for i in range(kernel)])
        start += stride
    return found


def geometry(settings, h, w):
    """The rows that each row of windows reads, and the columns."""
    ceil_mode = settings.get("ceil_mode", False)
    return tuple(windows_along(size, axis, ceil_mode) for size, axis in zip((h, w), axes(settings), strict=True))


def output_size(settings, h, w):
    return tuple(map(len, geometry(settings, h, w)))


def reads(settings, h, w):
    """How many windows read each cell, as nested lists."""
    rows, cols = geometry(settings, h, w)
    return [[sum(r in a for a in rows) * sum(c in b for b in cols) for c in range(w)] for r in range(h)]


def pool(kind, settings, plane):
    """One plane (nested lists of numbers) pooled: rows of `Read`."""
    rows, cols = geometry(settings, len(plane), len(plane[0]))
    return [[read(kind, DEFAULTS | settings, plane, a, b) for b in cols] for a in rows]


def read(kind, settings, plane, rows, cols):
    (h, w), (pad_h, pad_w) = (len(plane), len(plane[0])), both(settings["padding"])
    cells, padded, overhang = [], [], []
    for r in rows:
        for c in cols:
            declared = -pad_h <= r < h + pad_h and -pad_w <= c < w + pad_w
            where = cells if 0 <= r < h and 0 <= c < w else padded if declared else overhang
            where.append((r, c))
    if kind == "max":
        winner = strongest(plane, cells)
        return Read(cells, padded, overhang, None, winner, plane[winner[0]][winner[1]])
    divisor = settings["divisor_override"] or len(cells) + settings["count_include_pad"] * len(padded)
    total = sum(plane[r][c] for r, c in cells)
    whole = isinstance(total, int)
    return Read(cells, padded, overhang, divisor, None, trunc(total / divisor) if whole else total / divisor)


def strongest(plane, cells):
    """The first largest in reading order; NaN beats all, and the last NaN beats the others."""
    winner, best = cells[0], -inf
    for r, c in cells:
        if plane[r][c] > best or isnan(plane[r][c]):
            winner, best = (r, c), plane[r][c]
    return winner


def input_gradient(kind, settings, plane, upstream):
    """Each window hands its upstream gradient back: all to the winner, or 1 / divisor to every cell read."""
    gradient = [[0.0] * len(plane[0]) for _ in plane]
    for windows, gifts in zip(pool(kind, settings, plane), upstream, strict=True):
        for window, gift in zip(windows, gifts, strict=True):
            for r, c in [window.winner] if kind == "max" else window.cells:
                gradient[r][c] += gift / (window.divisor or 1)
    return gradient
