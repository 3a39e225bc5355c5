"""The still picture of an explorer: grids as tables of coloured cells or as small images, and what one window does."""

import html
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from io import BytesIO

import torch
from torch import Tensor

from ..maths import words
from ..maths.trace import Trace, Window
from ..web.look import ink_on, shade

MOST_NUMBERS = 12  # rows or columns of a grid that is a table; a larger one is an image
IMAGE = 128  # px of the longer side of an image
QUALITY = 80  # of JPEG: 2 to 8 kB for an image
MOST_LOOKED_AT = 200  # windows among which the most telling one is looked for
ABOVE, BELOW = "224,130,20", "128,115,172"  # in the middle of each half of the signed map, and see-through: zero is
# the page's own ground, light or dark

Cell = tuple[int, int]


def picture(name: str, traces: Sequence[Trace], chosen: Sequence[int], sent: Callable[[Tensor], Tensor] | None) -> str:
    """The explorer of this name as HTML: forwards input and outputs, backwards what `sent` gives for each output.

    Args:
        name: what stands for it in words.
        traces: one for each kind that can be shown, all of one input.
        chosen: the output cell (row, col) that was picked; where it is the first, the most telling one is shown.
        sent: from an output to its upstream gradient; None for the forward direction.
    """
    if not traces:
        return f"<p>{html.escape(name)}</p>"
    x, head = traces[0].x, f"<p>{' '.join(f'<code>{html.escape(t.pooling.code())}</code>' for t in traces)}</p>"
    large = max(x.shape[-2:]) > MOST_NUMBERS or max(max(t.output.shape[-2:]) for t in traces) > 2 * MOST_NUMBERS
    if large:
        head = f"<p>{html.escape(name)}</p>"
    at = _telling(traces[0]) if not any(chosen) and not large else nearest(chosen, traces[0].output)
    windows = [None if large else _window(t, at) for t in traces]
    grids: Iterable[str]
    if sent and x.is_floating_point():
        grids = (grid for t, w in zip(traces, windows, strict=True) for grid in _gradients(t, w, at, sent(t.output)))
    else:
        held = x if x.ndim == 3 else x[None]
        low, high = _range(x)
        outputs = (
            _grid(f"{_layer(t)} {_size(t.output)}", t.output, low, high, [at] if w else [])
            for t, w in zip(traces, windows, strict=True)
        )
        first = windows[0]
        seen = first.cells if first else []
        winner = first.winner if first else None
        grids = (_grid(f"Input {_size(x)}", held, low, high, seen, winner), *outputs)
    backward = sent is not None and x.is_floating_point()
    said = "; ".join(_sends(t, w) if backward else w.text for t, w in zip(traces, windows, strict=True) if w)
    told = f"<p>Window at row {at[0]}, column {at[1]}: {html.escape(said)}.</p>" if said else ""
    return f'{head}<div class="pc-grids">{"".join(grids)}</div>{told}'


def nearest(chosen: Sequence[int], output: Tensor) -> Cell:
    """The cell of an output (..., H, W) that was chosen, or the nearest that it has: sliders make it smaller."""
    row, col = (min(at, size - 1) for at, size in zip(chosen, output.shape[-2:], strict=True))
    return row, col


def _sends(traced: Trace, window: Window) -> str:
    """Where the upstream gradient of one window goes."""
    found = [(cell, share) for cell, share in zip(window.cells, window.shares, strict=True) if share]
    if window.winner:
        return f"{_layer(traced)} sends all of it to row {window.winner[0]}, column {window.winner[1]}"
    if not found:
        return f"{_layer(traced)} passes nothing on"
    shares = sorted({words.number(share) for _, share in found}, key=float)
    each = f"{shares[0]} of it each" if len(shares) == 1 else f"from {shares[0]} to {shares[-1]} of it"
    return f"{_layer(traced)} gives {len(found)} cells {each}"


def _gradients(traced: Trace, window: Window | None, at: Cell, upstream: Tensor) -> Iterable[str]:
    gradient = traced.backward(upstream)
    finite = torch.cat([upstream.flatten(), gradient.flatten()]).double()
    finite = finite[finite.isfinite()]
    most = finite.abs().max().item() if len(finite) else 0
    layer = _layer(traced)
    cells, winner = (window.cells, window.winner) if window else ([], None)
    for what, tensor, seen, won in (
        (f"Upstream gradient of {layer}", upstream, [at] if window else [], None),
        (f"Input gradient of {layer}", gradient, cells, winner),
    ):
        total = words.number(_first(tensor).double().sum().item())
        yield _grid(f"{what} {_size(tensor)}, sum {total}", tensor, -(most or 1), most or 1, seen, won, signed=True)


def _window(traced: Trace, at: Cell) -> Window | None:
    h, w = traced.output.shape[-2:]
    return traced.window(*at) if at[0] < h and at[1] < w else None


def _telling(traced: Trace) -> Cell:
    """The window to show, by the rule of `mostTelling` in pointing.js."""
    h, w = traced.output.shape[-2:]
    if h * w > MOST_LOOKED_AT:
        return 0, 0

    def merits(at: Cell) -> tuple:
        window = traced.window(*at)
        values = window.values or [0]
        alone = values.count(max(values)) == 1
        return bool(window.padded), alone, len(set(values)), max(values) - sum(values) / len(values)

    return max(((row, col) for row in range(h) for col in range(w)), key=merits)


def _grid(
    caption: str,
    tensor: Tensor,
    low: float,
    high: float,
    seen: Iterable[Cell],
    winner: Cell | None = None,
    signed: bool = False,
) -> str:
    plane = _first(tensor)
    if max(plane.shape) > 2 * MOST_NUMBERS:
        return _image(caption, tensor, low, high, signed)
    marked = set(seen)
    rows = []
    for r, row in enumerate(plane.tolist()):
        cells = []
        for c, value in enumerate(row):
            number = words.number(value)
            text = f'<b class="pc-won">{number}</b>' if (r, c) == winner else number
            style = _signed(value, high) if signed else _filled((value - low) / (high - low) if high > low else 0.5)
            cells.append(f"<td{' class=pc-seen' if (r, c) in marked else ''}{style}>{text}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><caption>{html.escape(caption)}</caption>{''.join(rows)}</table>"


def _filled(share: float) -> str:
    if share != share:
        return ""
    colour = shade("values", min(1, max(0, share)))
    return f' style="background:{colour};color:{ink_on(colour)}"'


def _signed(value: float, most: float) -> str:
    share = min(1, abs(value) / most) if value == value else 0
    return f' style="background:rgba({ABOVE if value > 0 else BELOW},{0.1 + 0.4 * share:.2f})"' if share else ""


def _image(caption: str, tensor: Tensor, low: float, high: float, signed: bool) -> str:
    from PIL import Image

    photo = tensor.ndim == 3 and len(tensor) == 3 and not signed and low >= 0 and high <= 1
    shown = (tensor if photo else _first(tensor)[None]).float().nan_to_num()
    size = shown.shape[-2:]
    if max(size) > IMAGE:
        fitting = (max(1, round(size[0] * IMAGE / max(size))), max(1, round(size[1] * IMAGE / max(size))))
        shown = torch.nn.functional.adaptive_avg_pool2d(shown[None], fitting)[0]
    factor = max(1, IMAGE // max(size))
    shown = shown.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
    if not photo:
        stops = _stops("signed" if signed else "values")
        places = ((shown[0] - low) / ((high - low) or 1)).clamp(0, 1).mul(255).round().long()
        shown = stops[places].permute(2, 0, 1) / 255
    pixels = Image.fromarray(shown.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).contiguous().numpy())
    file = BytesIO()
    pixels.save(file, "JPEG", quality=QUALITY)
    source = f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode()}"
    alt = html.escape(caption)
    return f'<figure><figcaption>{alt}</figcaption><img src="{source}" alt="{alt}" width="{IMAGE}"></figure>'


@lru_cache(maxsize=2)
def _stops(name: str) -> Tensor:
    return torch.tensor([[int(shade(name, i / 255)[j : j + 2], 16) for j in (1, 3, 5)] for i in range(256)])


def _layer(traced: Trace) -> str:
    return traced.pooling.code().partition("(")[0]


def _first(tensor: Tensor) -> Tensor:
    return tensor if tensor.ndim == 2 else tensor[0]


def _size(tensor: Tensor) -> str:
    return " × ".join(map(str, tensor.shape if tensor.ndim == 2 or len(tensor) > 1 else tensor.shape[1:]))


def _range(x: Tensor) -> tuple[float, float]:
    finite = x[x.isfinite()]
    return (finite.min().item(), finite.max().item()) if finite.numel() else (0, 1)
