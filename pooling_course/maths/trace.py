"""A pooling, and what it does to an input: windows and shares, forwards and backwards.

A pooling is a set of windows. Each window reads some input cells and gives one output cell; every cell has a
share in it: max gives the winner everything, average gives every cell the same.

    forward    output[w]     = sum over the window            of share * input
    backward   input_grad[i] = sum over the windows reading i of share * upstream

torch computes every value here. What this module adds is where the windows lie.
"""

from dataclasses import dataclass
from functools import cached_property

import torch

from . import layers, rules
from .data import as_input, as_tensor, cast
from .device import pick_device
from .kinds import settings_of
from .windows import NOTHING, Pair, layer_name


def trace(pooling, x, device=None) -> "Trace":
    """Pool `x` with torch and keep what is needed to say where every number came from.

    Args:
        pooling: a Pooling, `nn.MaxPool2d` or `nn.AvgPool2d`, or one of their relatives (`settings_of`). A layer with a
            forward or hooks of its own is run as well, and taken where it gives what its settings say.
        x: tensor, array or nested lists, of shape (H, W), (C, H, W) or (N, C, H, W). Tensors and arrays keep
            their dtype; lists become torch's default float. Not copied: leave it unchanged while you use the trace.
        device: None computes where x lies; "auto" takes the best accelerator there is; or a torch device.

    Raises:
        TypeError, ValueError: what torch would refuse, and the one setting that corrupts memory in its CPU
            backward pass (a dilated, padded window with no cell inside the input), before torch is called.

    >>> trace(Pooling("max", 2), [[1, 3], [5, 6]]).output
    tensor([[6.]])
    """
    layer, pooling = pooling, settings_of(pooling, runs=True)
    given, x = x, as_input(x)
    full = x.unsqueeze(0) if x.ndim == 2 else x
    full = full.to(pick_device(device)) if device is not None else full
    rules.check_input(full, pooling.accepts(full.device.type), layer_name(pooling.kind), cast(given))
    size = pooling.output_size(*full.shape[-2:])
    try:
        output, winners = pooling.pool(full)
    except RuntimeError:
        if full.is_floating_point():
            raise
        dtype = str(full.dtype).removeprefix("torch.")
        raise ValueError(
            f"torch on {full.device.type} does not pool {dtype} of shape {tuple(full.shape)} in the "
            "layout channels_last, where an index must fit into that dtype: give a copy in the usual one, "
            "x.clone(memory_format=torch.contiguous_format)."
        ) from None
    if tuple(output.shape[-2:]) != size:
        raise RuntimeError(
            f"{pooling.code()} on {tuple(full.shape)}: torch on {full.device.type} returned {tuple(output.shape[-2:])} "
            f"where its own rule gives {size}, a known fault of that backend; pass device='cpu'."
        )
    layers.compare(layer, pooling, full, output)
    return Trace(pooling, full, output, winners, flat=x.ndim == 2)


class Trace:
    """One pooling of one input. Made by `trace`.

    Attributes:
        pooling: the settings.
        x: the input, on the device that computed; shape as it was given.
        output: torch's own result; the rank of x, its dtype.
        winners: int64, shaped like output: for max, the flat index `row * W + col` of the winning cell in the
            unpadded plane of its channel (`return_indices=True`); None for average.

    >>> traced = trace(Pooling("max", 2), [[1, 3], [5, 6]])
    >>> traced.winners, traced.backward()
    (tensor([[3]]), tensor([[0., 0.],
            [0., 1.]]))
    """

    def __init__(self, pooling, x, output, winners, flat):
        self.pooling, self._x, self._output, self._winners, self._flat = pooling, x, output, winners, flat

    def _shaped(self, tensor):
        return tensor.squeeze(0) if self._flat and tensor is not None else tensor

    x = property(lambda self: self._shaped(self._x))
    output = property(lambda self: self._shaped(self._output))
    winners = property(lambda self: self._shaped(self._winners))

    def __repr__(self):
        return f"Trace({self.pooling.code()}, {tuple(self.x.shape)} -> {tuple(self.output.shape)})"

    def backward(self, upstream=None) -> torch.Tensor:
        """The input gradient for an upstream gradient, by torch's autograd.

        Args:
            upstream: tensor, array or nested lists shaped like output; ones where None.

        Returns:
            The gradient, with the shape, dtype and device of x.

        Raises:
            TypeError: x holds integers, which have no gradient.
            ValueError: upstream has another shape than output.

        >>> trace(Pooling("avg", 2), [[1, 3], [5, 6]]).backward()
        tensor([[0.2500, 0.2500],
                [0.2500, 0.2500]])
        """
        if not self._x.is_floating_point():
            raise TypeError(f"the input is {self._x.dtype}: integers have no gradient; pool x.float() instead.")
        if upstream is not None:
            upstream = as_tensor(upstream, "upstream").detach()
            if upstream.shape != self.output.shape:
                raise ValueError(
                    f"upstream of shape {tuple(upstream.shape)} does not fit the output of "
                    f"{self.pooling.code()}, {tuple(self.output.shape)}: one number for each output cell."
                )
            upstream = upstream.to(self._output).reshape(self._output.shape)
        with torch.inference_mode(False), torch.enable_grad():
            x = self._x.clone().requires_grad_()
            output, _ = self.pooling.pool(x)
            # down to one number first: with grad_outputs, torch would import sympy for 0.3 s
            loss = output.sum() if upstream is None else (output * upstream.clone()).sum()
            (gradient,) = torch.autograd.grad(loss, x)
        return self._shaped(gradient)

    @cached_property
    def taps(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows and columns that windows read: int64 of shape (h_out, k_h) and (w_out, k_w), outside positions too."""
        sizes = zip(self._x.shape[-2:], self._output.shape[-2:], strict=True)
        return tuple(self.pooling.taps(i, size, out) for i, (size, out) in enumerate(sizes))

    @cached_property
    def reads(self) -> torch.Tensor:
        """How many windows read each input cell, int64 of shape (H, W); 0 where none ever does.

        >>> trace(Pooling("max", 2, stride=1), torch.zeros(3, 3)).reads
        tensor([[1, 2, 1],
                [2, 4, 2],
                [1, 2, 1]])
        """
        rows, cols = (
            torch.bincount(taps[(taps >= 0) & (taps < size)], minlength=size)
            for taps, size in zip(self.taps, self._x.shape[-2:], strict=True)
        )
        return rows[:, None] * cols

    @cached_property
    def divisors(self) -> torch.Tensor | None:
        """What each average is divided by, int64 of shape (h_out, w_out); None where nothing is divided, as in max.

        On a plane of ones the sum counts the cells read, and the average is that sum / divisor.
        """
        if self.pooling.shares != "equal":
            return None
        if self.pooling.divisor_override is not None:  # as given: the quotient below would round it beyond 2**53
            return torch.full(self._output.shape[-2:], self.pooling.divisor_override, device="cpu")
        return (self.pooling.counts(*self._x.shape[-2:]) / self.passes).round().long()

    @cached_property
    def passes(self) -> torch.Tensor:
        """How much of a window's upstream gradient reaches the input, float64 of shape (h_out, w_out).

        All of it for max. For average it is the average of a plane of ones: less than 1 where padding is counted.

        >>> trace(Pooling("avg", 2, padding=1), torch.zeros(2, 2)).passes[0, 0]
        tensor(0.2500, dtype=torch.float64)
        """
        ones = torch.ones(1, *self._x.shape[-2:], dtype=torch.float64, device="cpu")
        return self.pooling.pool(ones)[0][0]

    @cached_property
    def spread(self) -> torch.Tensor | None:
        """Where shares vary from cell to cell: m x n planes shaped like x; None where winners or divisors say it all.

        The share of an input cell in window (row, col) is `spread[row % m, col % n][..., cell]`. torch's autograd
        says it, asked for every m-th row and n-th column of windows at a time, as those do not overlap.
        """
        if self.pooling.shares != "varied":
            return None
        by = [min(int(apart(taps)), len(taps)) for taps in self.taps]
        planes = []
        for i in range(by[0]):
            for j in range(by[1]):
                upstream = torch.zeros_like(self._output)
                upstream[..., i :: by[0], j :: by[1]] = 1
                planes.append(self.backward(self._shaped(upstream)).reshape(self._x.shape))
        return torch.stack(planes).reshape(*by, *self._x.shape)

    def window(self, row: int, col: int, channel: int = 0, image: int = 0) -> "Window":
        """What the window of output cell (row, col) reads, in one channel of one image.

        Raises:
            ValueError: row, col, channel or image is outside the output.

        >>> trace(Pooling("avg", 2, padding=1), [[1, 3], [5, 6]]).window(0, 0).text
        '(0 + 0 + 0 + 1) / 4 = 0.25'
        """
        batched = self._x.ndim == 4
        outer = {"image": (image, len(self._x) if batched else 1), "channel": (channel, self._x.shape[-3])}
        h_out, w_out = self._output.shape[-2:]
        for name, (value, size) in {"row": (row, h_out), "col": (col, w_out), **outer}.items():
            rules.check_index(name, value, size)
        plane = (image, channel) if batched else (channel,)
        winner = None if self._winners is None else divmod(self._winners[plane][row, col].item(), self._x.shape[-1])
        divisor = None if self.divisors is None else self.divisors[row, col].item()
        rows, cols = (taps[i][taps[i] != NOTHING].tolist() for taps, i in zip(self.taps, (row, col), strict=True))
        spread = self.spread
        if spread is not None:
            by = spread.shape[:2]
            spread = spread[row % by[0], col % by[1]][plane]
        output = self._output[plane][row, col]
        return Window.read(self.pooling, self._x[plane], rows, cols, output, winner, divisor, spread, channel)


@dataclass(frozen=True)
class Window:
    """What one window reads; rows and columns count from 0 in the unpadded input, so padding lies at -1.

    Attributes:
        cells: (row, col) of the input cells read, in reading order; `values`: what they hold.
        padded: positions read in the declared padding; `overhang`: those beyond it, where nothing is (ceil_mode).
        shares: the share of each cell in the output: 1 for the winner and 0 for the rest, or 1 / divisor.
        divisor: what an average divides by, None for max.
        winner: (row, col) of the cell that a max took, None for average.
        output: torch's value for this window.
        text: the maximum or the sum in words.

    >>> window = trace(Pooling("avg", 2), [[1, 3], [5, 6]]).window(0, 0)
    >>> window.cells, window.shares, window.text
    ([(0, 0), (0, 1), (1, 0), (1, 1)], [0.25, 0.25, 0.25, 0.25], '(1 + 3 + 5 + 6) / 4 = 3.75')
    """

    cells: list[Pair]
    values: list
    padded: list[Pair]
    overhang: list[Pair]
    shares: list[float]
    divisor: int | None
    winner: Pair | None
    output: float | int
    text: str

    @classmethod
    def read(cls, pooling, plane, rows, cols, output, winner, divisor, spread, channel):
        h, w = plane.shape
        pad = pooling.padding
        read = []
        for at in ((r, c) for r in rows for c in cols):
            inside = all(0 <= i < size for i, size in zip(at, (h, w), strict=True))
            declared = all(-p <= i < size + p for i, size, p in zip(at, (h, w), pad, strict=True))
            what = "cell" if inside else "padded" if declared else "overhang"
            read.append((what, at, plane[at].item() if inside else None))
        where = {what: [at for found, at, _ in read if found == what] for what in ("cell", "padded", "overhang")}
        if spread is not None:
            shares = [spread[at].item() for at in where["cell"]]
        else:
            shares = [float(at == winner) if divisor is None else 1 / divisor for at in where["cell"]]
        value, dtype = output.item(), str(output.dtype).removeprefix("torch.")
        return cls(
            cells=where["cell"],
            values=[held for what, _, held in read if what == "cell"],
            padded=where["padded"],
            overhang=where["overhang"],
            shares=shares,
            divisor=divisor,
            winner=winner,
            output=value,
            text=pooling.says([(what, held) for what, _, held in read], divisor, value, channel, dtype),
        )

    def __str__(self):
        return self.text


def apart(taps):
    """How many windows further one starts after the last position that this one reads."""
    reach = taps[0].max() - taps[0].min() + 1
    return -(-reach // (taps[1, 0] - taps[0, 0])) if len(taps) > 1 else 1
