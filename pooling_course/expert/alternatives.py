"""Layers that can stand where a pooling stands: next to each other in pictures, and what each costs."""

import torch
from torch import nn

from ..maths import rules, words
from ..maths.data import as_tensor
from ..pictures.canvas import (
    GAP,
    LINE,
    MARGIN,
    MOST_NUMBERS,
    Canvas,
    Panel,
    Picture,
    Values,
    columns_of,
    in_words,
    row_width,
    rows_of,
)
from ..web.look import look
from .shifts import BlurPool2d
from .table import Table

DEEDS = {  # what happens to each number that a layer reads
    nn.Conv2d: "multiplied, added",
    BlurPool2d: "multiplied, added",
    nn.MaxPool2d: "compared",
    nn.AvgPool2d: "added",
    nn.LPPool2d: "raised, added",
    nn.FractionalMaxPool2d: "compared",
    nn.AdaptiveMaxPool2d: "compared",
    nn.AdaptiveAvgPool2d: "added",
    nn.Linear: "multiplied, added",
}
ADAPTIVE = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


def adaptive_windows(size, output_size) -> list[tuple[int, int]]:
    """(first row, row after the last) of each window of adaptive pooling, as torch's gradient tells.

    Args:
        size: rows of the map, 1 or more.
        output_size: rows asked for, 1 or more.

    Raises:
        TypeError, ValueError: one of them is no whole number from 1 on.

    >>> adaptive_windows(5, 3)
    [(0, 2), (1, 4), (3, 5)]
    """
    size, output_size = rules.integer("size", size), rules.integer("output_size", output_size)
    if min(size, output_size) < 1:
        raise ValueError(f"size={size}, output_size={output_size}: both are 1 or more.")
    with torch.enable_grad():
        x = torch.zeros(1, size, 1, requires_grad=True)
        out = nn.functional.adaptive_avg_pool2d(x, (output_size, 1)).flatten()
        read = [torch.autograd.grad(cell, x, retain_graph=True)[0].flatten().nonzero() for cell in out]
    return [(int(rows.min()), int(rows.max()) + 1) for rows in read]


def costs(layers, x) -> Table:
    """What each layer makes of the same input, what it has to learn and what it has to do.

    Args:
        layers: a dict of modules by name.
        x: (N, C, H, W) or (C, H, W).

    Returns:
        A Table with the columns layer, output (its shape), parameters, reads (how many numbers all windows together
        read, padding included) and each is (what is done with each number read). A Sequential adds its parts up.

    Raises:
        TypeError: a layer of which nobody here knows what it does.

    >>> costs({"max": nn.MaxPool2d(2), "convolution": nn.Conv2d(3, 3, 2, stride=2)}, torch.zeros(3, 8, 8))
    layer        output     parameters  reads  each is
    max          3 × 4 × 4  0           192    compared
    convolution  3 × 4 × 4  39          576    multiplied, added
    """
    rows = []
    for name, layer in layers.items():
        with torch.no_grad():
            steps = list(_calls(layer, x))
        deeds = dict.fromkeys(_deed(part) for part, *_ in steps if _deed(part))
        rows.append(
            {
                "layer": name,
                "output": tuple(steps[-1][2].shape),
                "parameters": sum(p.numel() for p in layer.parameters()),
                "reads": sum(_reads(*step) for step in steps),
                "each is": "; then ".join(deeds),
            }
        )
    return Table(rows)


def layer_by_layer(model, x) -> Table:
    """The layers of a Sequential one after the other: output shape, parameters, numbers read.

    >>> layer_by_layer(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2)), torch.zeros(1, 3, 8, 8))
    layer      output         parameters  reads
    Conv2d     1 × 8 × 6 × 6  224         7776
    ReLU       1 × 8 × 6 × 6  0           288
    MaxPool2d  1 × 8 × 3 × 3  0           288
    """
    rows = []
    with torch.no_grad():
        for layer, given, out in _calls(model, x):
            row = {"layer": type(layer).__name__, "output": tuple(out.shape)}
            row["parameters"] = sum(p.numel() for p in layer.parameters())
            rows.append(row | {"reads": _reads(layer, given, out)})
    return Table(rows)


def _calls(model, x):
    """(layer, input, output) of every layer in turn."""
    if isinstance(model, nn.Sequential):
        for part in model:
            for call in _calls(part, x):
                yield call
                x = call[2]
    else:
        yield model, x, model(x)


def _deed(layer):
    return next((deed for kind, deed in DEEDS.items() if isinstance(layer, kind)), None)


def _reads(layer, x, out):
    if isinstance(layer, (nn.Flatten, nn.Identity)):
        return 0
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        return out.numel() * layer.weight[0].numel()
    if isinstance(layer, ADAPTIVE):
        sizes = zip(x.shape[-2:], out.shape[-2:], strict=True)
        rows, cols = (sum(end - start for start, end in adaptive_windows(*size)) for size in sizes)
        return x.shape[:-2].numel() * rows * cols
    if _deed(layer):
        kernel = rules.pair("kernel_size", layer.kernel_size)
        return out.numel() * kernel[0] * kernel[1]
    if out.shape == x.shape:  # a layer that works cell by cell, such as an activation
        return x.numel()
    raise TypeError(f"{type(layer).__name__}: nobody here knows how many numbers it reads; give layers of torch.nn.")


def side_by_side(maps, same_scale=True) -> Picture:
    """Maps next to each other, in one colour scale or each in its own.

    Small maps (12 rows and columns at most) show their numbers if all of them do.

    Args:
        maps: a dict of tensors by title, each (H, W) or (1, H, W).
        same_scale: False colours each map from its own smallest to its own largest value.

    Raises:
        ValueError: a map of another shape, or none at all.

    >>> print(side_by_side({"before": [[1, 3], [5, 6]], "after": [[6]]}))
    before, 2 by 2: 1, 3; 5, 6. after, 1 by 1: 6.
    """
    tensors = {title: as_tensor(m).detach().cpu() for title, m in maps.items()}
    tensors = {title: m[0] if m.ndim == 3 and len(m) == 1 else m for title, m in tensors.items()}
    for title, m in tensors.items():
        if m.ndim != 2 or not m.numel():
            raise ValueError(f"{title!r} has shape {tuple(m.shape)}: this picture takes (H, W) or (1, H, W).")
    if not tensors:
        raise ValueError("there is no map to show: give a dict of at least one.")
    shared = Values(*tensors.values())
    numbered = all(max(m.shape) <= MOST_NUMBERS for m in tensors.values())
    rows = rows_of([Panel(title, m, shared, numbered, 2.4) for title, m in tensors.items()])
    heights = [max(len(p.title) for p in row) * LINE + max(p.height for p in row) for row in rows]
    canvas = Canvas(max(map(row_width, rows)) + 2 * MARGIN, sum(heights) + GAP * (len(rows) - 1) + 2 * MARGIN)
    y = MARGIN
    for row, height in zip(rows, heights, strict=True):
        left, top = MARGIN, y + max(len(p.title) for p in row) * LINE + 0.04
        for panel in row:
            _titled(canvas, left, top, panel)
            values = shared if same_scale else Values(panel.tensor)
            values.cell = shared.cell
            (canvas.grid if numbered else canvas.image)(left, top, panel.tensor, values)
            left += panel.width + GAP
        y += height + GAP
    spoken = [f"{title}, {in_words(m) if numbered else _told(m)}." for title, m in tensors.items()]
    return Picture(canvas.figure, " ".join(spoken), columns_of(rows))


def _titled(canvas, left, top, panel):
    for i, line in enumerate(panel.title):
        last = i == len(panel.title) - 1
        style = {"color": look()["muted"]} if last else {"weight": "bold"}
        canvas.text(left, top - (len(panel.title) - i - 0.4) * LINE, line, **style)


def _told(m):
    low, high, mean = (words.number(v.item()) for v in (m.min(), m.max(), m.double().mean()))
    return f"an image of {m.shape[0]} by {m.shape[1]}: values from {low} to {high}, mean {mean}"
