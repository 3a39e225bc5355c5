"""What one pooling does to the very numbers it met: which it never reads, pads, ties, and how it takes a shift."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from ..maths.device import usual
from ..maths.windows import NOTHING
from .shifts import BlurPool2d, relative_change

IMAGES = 4  # of a batch are shifted
MOST_WORK = 9  # a convolution is asked without its stride only where that is at most so many times the work


@dataclass
class Measured:
    """One call of a pooling; shares are from 0 to 1, and None where they cannot be said.

    Attributes:
        never_read: the share of the input's rows x columns that no window reads.
        padding, overhang: the shares of all window positions that lie in the padding, and beyond it.
        counted: of what an average divides by, the share that is padding; None but for averages.
        lowered: the share of averages that differ because padding is counted.
        fewest, most: the fewest and the most cells that one window reads.
        ties: the share of windows whose maximum stands in more than one cell.
        dead: the share of windows in which all is 0, so that the first cell wins.
        negative: the share of maxima below 0.
        shifted: how far the output moves beside how much it varies, when the input moves by one cell.
        blurred: the same for stride 1 and a blur that takes the stride; None where that is not to be had.
        same: whether the output is the input, cell for cell.
        nans: how many numbers of the input are NaN.
        burst: how many outputs are infinite or NaN although no number of the input is.
        x, output: the first image, (C, H, W), on the CPU.
    """

    x: torch.Tensor
    output: torch.Tensor
    never_read: float | None = None
    padding: float | None = None
    overhang: float | None = None
    counted: float | None = None
    lowered: float | None = None
    fewest: int | None = None
    most: int | None = None
    ties: float | None = None
    dead: float | None = None
    negative: float | None = None
    shifted: float | None = None
    blurred: float | None = None
    same: bool = False
    nans: int = 0
    burst: int = 0


@torch.no_grad()
def measure(windows: Any, kind: str, x: torch.Tensor, output: torch.Tensor, run) -> Measured:
    """Everything that one call says.

    Args:
        windows: the settings, `Windows` or `Strided`; None where windows have no fixed place.
        kind: "max", "avg", "conv", ...
        x, output: (N, C, H, W) or (C, H, W).
        run: a function of (x, other settings) that pools again.
    """
    x, output = (_plain(t) if t.ndim == 4 else _plain(t).unsqueeze(0) for t in (x, output))
    kept, made = (t[0].cpu().clone() if len(t) else t.new_zeros(t.shape[1:]).cpu() for t in (x, output))
    found = Measured(kept, made)
    if not output.numel():
        return found
    found.same = x.shape == output.shape and torch.equal(x, output)
    if x.is_floating_point():
        found.nans = int(x.isnan().sum())
        found.burst = 0 if not x.isfinite().all() else int((~output.isfinite()).sum())
    if "max" in kind:
        found.negative = (output < 0).double().mean().item()
    if windows is None:
        return found
    taps = [windows.taps(i, *sizes) for i, sizes in enumerate(zip(x.shape[-2:], output.shape[-2:], strict=True))]
    _places(found, windows, taps, x.shape[-2:])
    if found.counted and kind == "avg":
        found.lowered = (run(x, count_include_pad=False) != output).double().mean().item()
    if "max" in kind:
        holders = _holders(x, output, taps)
        tied = holders > 1
        found.ties = tied.double().mean().item()
        found.dead = (tied & (output == 0)).double().mean().item()
    if x.is_floating_point() and getattr(windows, "stride", (1, 1)) != (1, 1) and not found.nans:
        found.shifted, found.blurred = _shifts(windows, x[:IMAGES], run)
    return found


def _plain(t):
    """The numbers of a tensor that holds them in another way than torch's usual one."""
    return t.dequantize() if t.is_quantized else t if t.layout is torch.strided else t.to_dense()


def _places(found, windows, taps, sizes):
    """The windows' places, axis by axis: what lies inside, in the declared padding, and beyond."""
    inside = [(t >= 0) & (t < size) for t, size in zip(taps, sizes, strict=True)]
    declared = [
        (t >= -p) & (t < size + p) & (t != NOTHING) for t, size, p in zip(taps, sizes, windows.padding, strict=True)
    ]
    total = [t != NOTHING for t in taps]
    cells, padded, all_ = (math.prod(int(mask.sum()) for mask in masks) for masks in (inside, declared, total))
    read = math.prod(len(t[mask].unique()) for t, mask in zip(taps, inside, strict=True))
    found.never_read = 1 - read / math.prod(sizes)
    found.padding, found.overhang = (padded - cells) / all_, (all_ - padded) / all_
    found.fewest = math.prod(int(mask.sum(1).min()) for mask in inside)
    found.most = math.prod(int(mask.sum(1).max()) for mask in inside)
    if windows.shares == "equal":
        counts = windows.counts_padding and windows.divisor_override is None
        found.counted = (padded - cells) / padded if counts else 0.0


def _holders(x, output, taps):
    """How many cells of its window hold each maximum, shaped like output.

    Windows are compared position by position, or, where there are fewer windows than positions, one by one.
    """
    (rows, cols), count = taps, torch.zeros_like(output, dtype=torch.long)
    if rows.shape[1] * cols.shape[1] <= len(rows) * len(cols):
        for row in rows.T:
            for col in cols.T:
                (at, inside_h), (to, inside_w) = (_inside(i, n) for i, n in zip((row, col), x.shape[-2:], strict=True))
                there = (inside_h[:, None] & inside_w).to(x.device)
                count += (x[..., at.to(x.device), :][..., to.to(x.device)] == output) & there
        return count
    for i, row in enumerate(rows):
        for j, col in enumerate(cols):
            (at, inside_h), (to, inside_w) = (_inside(k, n) for k, n in zip((row, col), x.shape[-2:], strict=True))
            window = x[..., at[inside_h].to(x.device), :][..., to[inside_w].to(x.device)]
            count[..., i, j] = (window == output[..., i, j, None, None]).sum((-2, -1))
    return count


def _inside(taps, size):
    mask = (taps >= 0) & (taps < size)
    return taps.clamp(0, size - 1), mask


def _shifts(windows, x, run):
    """(how far the output moves, the same with a blur before the stride), the larger of one row and one column."""
    shifts = [shift for shift, stride in zip(((1, 0), (0, 1)), windows.stride, strict=True) if stride > 1]
    moved = _largest(run, x, shifts)
    down, right = windows.stride
    if moved is None or down != right or windows.kind == "conv" and down * right > MOST_WORK:
        return moved, None
    with usual():
        blur = BlurPool2d(3, down)
    blur = blur.to(x.device)
    try:
        return moved, _largest(lambda x: blur(run(x, stride=1)), x, shifts)
    except (RuntimeError, ValueError):  # there is no such window: the map is too small for it
        return moved, None


def _largest(layer, x, shifts):
    changes = [relative_change(layer, x, shift) for shift in shifts]
    return max(changes) if all(map(math.isfinite, changes)) else None
