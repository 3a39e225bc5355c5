"""What a shift of the input does to a pooling: how much of the output changes, and a layer that blurs first."""

import torch
import torch.nn.functional as F
from torch import nn

from ..maths import rules, words
from ..maths.data import as_tensor
from ..pictures.canvas import GAP, LINE, MARGIN, Canvas, Picture, Values, in_words
from ..web.look import look


class BlurPool2d(nn.Module):
    """Blur with a fixed filter, then keep every `stride`-th cell (Zhang, ICML 2019). It has nothing to learn.

    The filter is binomial, row times column: 1 2 1 for kernel_size 3, 1 4 6 4 1 for 5, divided by its sum. The border
    repeats the outermost cells, so that a flat map stays flat.

    Args:
        kernel_size: 1 or more cells; 1 does not blur.
        stride: 1 or more.

    Shape:
        (N, C, H, W) or (C, H, W) to the same with H_out = floor((H - 1) / stride) + 1, and W_out likewise.

    Raises:
        TypeError, ValueError: a setting that is no whole number from 1 on, an input of another rank or of integers.

    >>> BlurPool2d(3)(torch.tensor([[[0.0, 0, 8, 0]]]))
    tensor([[[0., 4.]]])
    """

    weight: torch.Tensor

    def __init__(self, kernel_size=3, stride=2):
        super().__init__()
        self.kernel_size = rules.integer("kernel_size", kernel_size)
        self.stride = rules.integer("stride", stride)
        if min(self.kernel_size, self.stride) < 1:
            raise ValueError(f"kernel_size={kernel_size}, stride={stride}: both are 1 or more.")
        line = torch.ones(1, dtype=torch.float64)
        for _ in range(self.kernel_size - 1):  # each step is a mean of two neighbours
            line = (F.pad(line, (0, 1)) + F.pad(line, (1, 0))) / 2
        self.register_buffer("weight", torch.outer(line, line)[None, None].float(), persistent=False)

    @property
    def padding(self) -> int:
        return (self.kernel_size - 1) // 2

    def forward(self, x):
        if x.ndim not in (3, 4) or not x.is_floating_point():
            raise ValueError(f"input of shape {tuple(x.shape)}, {x.dtype}: give floats, (C, H, W) or (N, C, H, W).")
        before, after = self.padding, self.kernel_size // 2
        padded = F.pad(x, (before, after) * 2, mode="replicate") if self.kernel_size > 1 else x
        channels = x.shape[-3]
        weight = self.weight.to(x).expand(channels, 1, -1, -1)
        return F.conv2d(padded, weight, stride=self.stride, groups=channels)

    def extra_repr(self):
        return f"{self.kernel_size}, stride={self.stride}"


def changed(layer, x, shift=(0, 1)) -> float:
    """The share of a layer's outputs that change when the input moves, 0 to 1.

    The input moves in a circle: what leaves at one side comes back at the other, so that no cell is lost. On a map with
    an empty border that is an ordinary shift.

    Args:
        layer: a module or function on (N, C, H, W).
        x: floats of shape (N, C, H, W).
        shift: (rows down, columns right).

    >>> peak = torch.zeros(1, 1, 6, 6).index_fill(3, torch.tensor(2), 8.0)  # a bright column
    >>> changed(torch.nn.MaxPool2d(2), peak), changed(torch.nn.AvgPool2d(2), peak, (0, -1))
    (0.0, 0.6666666666666666)
    """
    before, after = _twice(layer, x, shift)
    return (before != after).double().mean().item()


def relative_change(layer, x, shift=(0, 1)) -> float:
    """How far the output moves beside how much it varies: the root mean square of the change over the deviation.

    0 for an output that stays, the square root of 2 where before and after have nothing to do with each other.
    The arguments are those of `changed`.

    >>> row = torch.tensor([0.0, 1, 2, 3]).repeat(1, 1, 4, 1)
    >>> round(relative_change(torch.nn.Identity(), row), 3)
    1.549
    """
    before, after = _twice(layer, x, shift)
    return ((after - before).square().mean().sqrt() / before.std(correction=0)).item()


def _twice(layer, x, shift):
    with torch.no_grad():
        return layer(x).double(), layer(x.roll(tuple(shift), (-2, -1))).double()


def shift_pages(layers, x, shifts) -> list[tuple[str, Picture, str]]:
    """Pages for a `Flipbook`: a map, shifted to the right step by step, and what each layer makes of it.

    An output that the shift has changed carries a diamond. The sentence under a page says how many
    outputs stayed, and which outputs are the first ones moved along as a whole.

    Args:
        layers: a dict of layers by name, each from (1, 1, H, W) to a smaller map.
        x: (H, W), floats; outputs should have 12 rows and columns at most, to be read.
        shifts: whole numbers of columns, such as range(5).

    >>> name, picture, said = shift_pages({"max": torch.nn.MaxPool2d(2)}, images.preset("peak"), [1])[0]
    >>> name, said
    ('1', 'Moved by 1: of 9 outputs, max keeps 9.')
    >>> shift_pages({"max": torch.nn.MaxPool2d(2)}, images.preset("peak"), [2])[0][2]
    'Moved by 2: of 9 outputs, max keeps 7. Moved along as a whole: max.'
    """
    x = as_tensor(x).detach()
    maps = [x.roll(shift, 1) for shift in shifts]
    outputs = [[layer(m[None, None])[0, 0] for layer in layers.values()] for m in maps]
    first = [layer(x[None, None])[0, 0] for layer in layers.values()]
    values = Values(x, *(out for row in outputs for out in row))
    pages = []
    for shift, moved, row in zip(shifts, maps, outputs, strict=True):
        kept = [int((out == start).sum()) for out, start in zip(row, first, strict=True)]
        counts = ", ".join(f"{name} keeps {count}" for name, count in zip(layers, kept, strict=True))
        along = [name for name, out, start in zip(layers, row, first, strict=True) if _moved_along(out, start)]
        said = f"Moved by {shift}: of {first[0].numel()} outputs, {counts}."
        said += f" Moved along as a whole: {', '.join(along)}." if along else ""
        figure, second = _draw_shift(moved, dict(zip(layers, zip(row, first, kept, strict=True), strict=True)), values)
        spoken = " ".join(f"{name} gives {in_words(out)}." for name, out in zip(layers, row, strict=True))
        pages.append((words.number(shift), Picture(figure, f"{said} {spoken}", [second]), said))
    return pages


def _moved_along(out, start):
    """Whether an output is another one, moved by one or more whole columns."""
    if torch.equal(out, start):
        return False
    return any(torch.allclose(start.roll(columns, 1), out) for columns in range(1, out.shape[1]))


def _draw_shift(moved, rows, values):
    h, w = next(iter(rows.values()))[0].shape
    width, height = w * values.cell, h * values.cell
    top, across = MARGIN + 2 * LINE, 2
    lines = -(-(len(rows) + 1) // across)
    canvas = Canvas(
        2 * MARGIN + across * width + (across - 1) * GAP,
        2 * MARGIN + lines * (height + 2 * LINE) + (lines - 1) * GAP + LINE,
    )
    canvas.heading(MARGIN, MARGIN, "Input", f"{moved.shape[0]} × {moved.shape[1]}, without its numbers")
    extent = (MARGIN, MARGIN + width, top + height, top)
    canvas.axes.imshow(values.colours(moved), extent=extent, interpolation="nearest", aspect="auto", zorder=1)
    canvas.axes.set(**canvas.limits)
    for i, (name, (out, start, kept)) in enumerate(rows.items(), 1):
        x = MARGIN + i % across * (width + GAP)
        y = MARGIN + i // across * (height + 2 * LINE + GAP)
        canvas.heading(x, y, name, f"{kept} of {out.numel()} as before")
        canvas.grid(x, y + 2 * LINE, out, values)
        for r, c in (out != start).nonzero().tolist():
            at = x + (c + 0.85) * values.cell, y + 2 * LINE + (r + 0.17) * values.cell
            ink = values.ink(out[r, c])
            canvas.axes.plot(*at, marker="D", markersize=3.6, color=ink, markeredgewidth=0, zorder=6, gid="changed")
    canvas.axes.set(**canvas.limits)
    bottom = canvas.limits["ylim"][0] - MARGIN
    canvas.text(MARGIN, bottom, "◆ changed by the shift", look()["muted"])
    return canvas.figure, MARGIN + width + GAP
