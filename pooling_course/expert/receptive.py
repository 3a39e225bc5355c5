"""How much of the picture one cell of a deep layer sees: by the rule, and by where its gradient goes."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from ..maths.data import as_tensor
from ..maths.rules import pair, short
from ..maths.windows import Pair
from ..pictures.canvas import LINE, MARGIN, Canvas, Picture, Values
from ..web.look import look
from .shifts import BlurPool2d
from .table import Table

WINDOWS = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d, BlurPool2d)
CELLWISE = (
    *(nn.Identity, nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Threshold, nn.Hardtanh),
    *(nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Softplus),
)
BOX = 3.2  # inches of a drawn field


@dataclass(frozen=True)
class Field:
    """What a cell of a map sees of the picture, each as (rows, columns).

    Attributes:
        sees: how many rows of the picture a cell sees.
        step: how many rows lie between two neighbouring cells.
        start: the first row that cell 0 sees; below 0 in the padding.
    """

    sees: Pair = (1, 1)
    step: Pair = (1, 1)
    start: Pair = (0, 0)

    def through(self, kernel_size: Pair, stride: Pair, padding: Pair = (0, 0), dilation: Pair = (1, 1)) -> "Field":
        """The field after one more layer, by the rule of `receptive_field`.

        >>> Field().through((3, 3), (2, 2)).through((3, 3), (1, 1))
        Field(sees=(7, 7), step=(2, 2), start=(0, 0))
        """
        return Field(
            _both(self.sees[i] + (kernel_size[i] - 1) * dilation[i] * self.step[i] for i in range(2)),
            _both(self.step[i] * stride[i] for i in range(2)),
            _both(self.start[i] - padding[i] * self.step[i] for i in range(2)),
        )

    def beside(self, other: "Field") -> "Field | None":
        """What a cell sees that two ways lead to, as the box around both; None where they move by unlike steps.

        >>> Field().through((3, 3), (1, 1), (1, 1)).beside(Field()).sees
        (3, 3)
        """
        if self.step != other.step:
            return None
        start = _both(map(min, self.start, other.start))
        ends = (max(a + n, b + m) for a, n, b, m in zip(self.start, self.sees, other.start, other.sees, strict=True))
        return Field(_both(end - first for end, first in zip(ends, start, strict=True)), self.step, start)


def _both(numbers: Iterable[int]) -> Pair:
    rows, cols = numbers
    return rows, cols


def receptive_field(layers) -> Table:
    """The receptive field after each layer that has a window, by the rule::

        sees += (kernel_size - 1) * dilation * step,  then  step *= stride

    Args:
        layers: an `nn.Sequential` or a list of modules, from the first to the last: convolutions and poolings, and
            layers that work cell by cell, which are passed over. Sequentials may lie inside each other.

    Returns:
        A Table with the columns layer, sees (rows of the picture), step (rows between neighbouring cells) and
        from (the first row that cell 0 sees; below 0 in the padding). Where height and width differ: pairs.

    Raises:
        TypeError: a layer without a fixed window, such as `nn.Linear` or adaptive pooling, which see everything, or a
            block of another kind, in which there may be more than one way through.

    >>> receptive_field([nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3)])
    layer                  sees  step  from
    Conv2d 3, stride 1     3     1     0
    MaxPool2d 2, stride 2  4     2     0
    Conv2d 3, stride 1     8     2     0
    """
    field, rows = Field(), []
    for layer in _flat(layers):
        if isinstance(layer, CELLWISE):
            continue
        if not isinstance(layer, WINDOWS) or isinstance(layer, nn.Conv2d) and isinstance(layer.padding, str):
            raise TypeError(
                f"{type(layer).__name__} has no window of a fixed place: give convolutions (padding in numbers) and "
                f"poolings, one after the other, and stop before adaptive pooling, nn.Flatten or nn.Linear."
            )
        field = field.through(*_settings(layer))
        seen = {"sees": short(field.sees), "step": short(field.step), "from": short(field.start)}
        rows.append({"layer": _name(layer)} | seen)
    return Table(rows)


def effective_field(model, x) -> torch.Tensor:
    """How strongly the cell in the middle of the output depends on each cell of the input.

    The cell's channels are added up, and the gradient of that sum goes back to the input; its magnitude is averaged
    over the images and channels of the batch, and the whole is scaled so that it adds up to 1.

    Args:
        model: an `nn.Module` from (N, C, H, W) to (N, C', H', W'). Put one with batch norm into eval mode.
        x: floats of shape (N, C, H, W). Max pooling depends on the values, so take many real ones.

    Returns:
        float64 of shape (H, W), on the CPU; all 0 if nothing reaches the input.

    Raises:
        ValueError: x or the output is not of rank 4.

    >>> effective_field(nn.AvgPool2d(2), torch.rand(5, 1, 2, 2))
    tensor([[0.2500, 0.2500],
            [0.2500, 0.2500]], dtype=torch.float64)
    """
    x = as_tensor(x).detach().clone().requires_grad_()
    if x.ndim != 4:
        raise ValueError(f"input of shape {tuple(x.shape)}: give a batch, (N, C, H, W).")
    with torch.enable_grad():
        out = model(x)
        if out.ndim != 4:
            raise ValueError(f"output of shape {tuple(out.shape)}: give the part of the model that makes maps.")
        (gradient,) = torch.autograd.grad(out[..., out.shape[-2] // 2, out.shape[-1] // 2].sum(), x)
    field = gradient.abs().double().mean((0, 1)).cpu()
    return field / field.sum().clamp(min=1e-300)


def rows_holding(field, share=0.95) -> int:
    """The fewest neighbouring rows that hold at least this share of an effective field.

    >>> rows_holding(torch.tensor([[0.02], [0.48], [0.48], [0.02]]))
    2
    """
    below = torch.cat([torch.zeros(1).double(), field.double().sum(1).cumsum(0)])
    wanted = share * below[-1] * (1 - 1e-9)
    return next(n for n in range(1, len(below)) if (below[n:] - below[:-n]).max() >= wanted)


def field_pages(model, x) -> list[tuple[str, Picture, str]]:
    """Pages for a `Flipbook`: the field of the cell in the middle, grown layer by layer.

    The box is the field by the rule, as far as it lies in the picture; colours show the effective field.

    Args:
        model: an `nn.Sequential` that `receptive_field` takes.
        x: floats of shape (N, C, H, W).

    >>> pages = field_pages(nn.Sequential(nn.Conv2d(1, 1, 3), nn.MaxPool2d(2)), torch.rand(4, 1, 9, 9))
    >>> [name for name, _, _ in pages]
    ['Conv2d 3, stride 1', 'MaxPool2d 2, stride 2']
    """
    pages, layers, table = [], list(_flat(model)), receptive_field(model)
    deep = [i for i, layer in enumerate(layers, 1) if not isinstance(layer, CELLWISE)]
    for row, depth in zip(table, deep, strict=True):
        part = nn.Sequential(*layers[:depth])
        field = effective_field(part, x)
        with torch.no_grad():
            middle = [size // 2 for size in part(x[:1]).shape[-2:]]
        sees, step, start = (pair(name, row[name]) for name in ("sees", "step", "from"))
        first = [s + m * j for s, m, j in zip(start, middle, step, strict=True)]
        held = rows_holding(field)
        said = f"After {row['layer']} a cell sees {sees[0]} rows; {held} rows hold 95% of its gradient."
        picture = Picture(_draw_field(row["layer"], field, first, sees), said)
        pages.append((row["layer"], picture, said))
    return pages


def _draw_field(name, field, first, sees):
    h, w = field.shape
    cell = BOX / max(h, w)
    top = MARGIN + 2 * LINE
    canvas = Canvas(2 * MARGIN + max(w * cell, BOX), MARGIN + top + h * cell + LINE)
    canvas.heading(MARGIN, MARGIN, f"After {name}", f"box: sees {sees[0]} × {sees[1]}", look()["window"])
    values = Values(field)
    extent = (MARGIN, MARGIN + w * cell, top + h * cell, top)
    canvas.axes.imshow(values.colours(field), extent=extent, interpolation="none", aspect="auto", zorder=1)
    canvas.axes.set(**canvas.limits)
    ends = [(max(0, at), min(size, at + seen)) for at, seen, size in zip(first, sees, (h, w), strict=True)]
    (y, below), (x, right) = ends
    canvas.outline(MARGIN + x * cell, top + y * cell, (right - x) * cell, (below - y) * cell)
    canvas.text(MARGIN, top + h * cell + 0.8 * LINE, "bright: strong influence", look()["muted"])
    return canvas.figure


def _flat(layers):
    if isinstance(layers, nn.Module) and not isinstance(layers, nn.Sequential):
        layers = [layers]
    for layer in layers:
        if isinstance(layer, nn.Sequential):
            yield from _flat(layer)
        else:
            yield layer


def _settings(layer):
    stride = layer.kernel_size if layer.stride is None else layer.stride
    named = {"kernel_size": layer.kernel_size, "stride": stride}
    named |= {"padding": getattr(layer, "padding", 0), "dilation": getattr(layer, "dilation", 1)}
    return [pair(name, value) for name, value in named.items()]


def _name(layer):
    kernel, stride, _, dilation = map(short, _settings(layer))
    text = f"{type(layer).__name__} {kernel}, stride {stride}"
    return text if dilation == 1 else f"{text}, dilation {dilation}"
