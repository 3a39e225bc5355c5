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
import torch.nn.functional as F

from . import rules, words

Pair = tuple[int, int]
NOTHING = -(2**40)  # in taps: no position, as this window is shorter than others


class Windows:
    """Where the windows of a layer lie, by its kernel_size, stride, padding, dilation (pairs) and ceil_mode.

    What `trace` and the explorer ask of the settings of a layer: those of a `Pooling`, or of one of its relatives
    (`relatives.py`). Each also has `kind`, `code()`, `layer()`, `pool(x)`, `says(...)`; averages have `counts(h, w)`.
    """

    divides = False  # whether it averages
    divisor_override = None
    shares_vary = False  # whether a share depends on the cell, or on what it holds

    def raw_output_size(self, h: int, w: int) -> Pair:
        """The output size by the formula alone, which is 0 or less where no window fits."""
        return tuple(self._axis(i, size)[-1] for i, size in enumerate((h, w)))

    def output_size(self, h: int, w: int) -> Pair:
        """(h_out, w_out) for an input of h x w cells.

            out = floor((H + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1

        `ceil_mode` rounds up instead, but drops a last window that would start beyond the input and its left
        padding (`pooling_output_shape` in ATen/native/Pool.h).

        Raises:
            ValueError: no window fits, or a dilated window would read no cell at all.

        >>> Pooling("max", 3, stride=2, padding=1).output_size(112, 112)
        (56, 56)
        """
        rules.check_size(self, h, w)
        return self.raw_output_size(h, w)

    def formula(self, h: int, w: int) -> tuple[str, str]:
        """The rule for (height, width) with the numbers put in.

        >>> Pooling("avg", 2, ceil_mode=True).formula(5, 6)[0]
        'ceil((5 + 2*0 - 2) / 2) + 1 = 3'
        """
        return tuple(self._axis_formula(i, size) for i, size in enumerate((h, w)))

    def _axis(self, i, size):
        reach = self.dilation[i] * (self.kernel_size[i] - 1) + 1
        room = size + 2 * self.padding[i] - reach
        steps = -(-room // self.stride[i]) if self.ceil_mode else room // self.stride[i]
        beyond = self.ceil_mode and steps * self.stride[i] >= size + self.padding[i]
        return reach, steps, beyond, steps + 1 - beyond

    def _axis_formula(self, i, size):
        reach, steps, beyond, out = self._axis(i, size)
        if self.dilation[i] > 1:
            reach = f"{self.dilation[i]}*({self.kernel_size[i]} - 1) - 1"
        rounding = "ceil" if self.ceil_mode else "floor"
        text = f"{rounding}(({size} + 2*{self.padding[i]} - {reach}) / {self.stride[i]}) + 1 = {steps + 1}"
        return f"{text}, less 1 (the last window would start in the right padding) = {out}" if beyond else text

    def taps(self, i: int, size: int, out: int) -> torch.Tensor:
        """The positions along axis `i` that each of `out` windows reads, int64 of shape (out, kernel_size)."""
        starts = torch.arange(out)[:, None] * self.stride[i] - self.padding[i]
        return starts + torch.arange(self.kernel_size[i]) * self.dilation[i]

    def listed(self, settings: dict) -> str:
        """The layer and its settings as a line of Python."""
        return f"{rules.LAYERS[self.kind]}({', '.join(f'{n}={rules.short(v)}' for n, v in settings.items())})"


@dataclass(frozen=True)
class Pooling(Windows):
    """The settings of one pooling layer; immutable, hashable and comparable.

    Args:
        kind: "max" for `nn.MaxPool2d`, "avg" for `nn.AvgPool2d`.
        kernel_size, stride, padding, dilation: in cells, an int or (height, width); read back as pairs.
            `stride=None` means kernel_size. `dilation` belongs to max alone.
        ceil_mode: round the output size up, so that a rest at the right and bottom gets a window too.
        count_include_pad, divisor_override: what an average divides by; they belong to average alone.

    Raises:
        TypeError: a setting of a type that torch refuses, such as a float kernel_size.
        ValueError: a value that torch refuses, or a setting that belongs to the other kind.

    Source of the rules: `torch.nn.MaxPool2d`, `torch.nn.AvgPool2d` and ATen/native/Pool.h of torch 2.13.

    >>> Pooling("max", 3, padding=1)
    nn.MaxPool2d(kernel_size=3, padding=1)
    >>> Pooling("max", 2) == Pooling("max", (2, 2), stride=2)
    True
    """

    kind: str
    kernel_size: int | Pair
    stride: int | Pair | None = None
    padding: int | Pair = 0
    dilation: int | Pair = 1
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None

    def __post_init__(self):
        rules.check_kind(self.kind)
        if self.stride is None or isinstance(self.stride, (tuple, list)) and not self.stride:
            object.__setattr__(self, "stride", self.kernel_size)
        for name in ("kernel_size", "stride", "padding", "dilation"):
            object.__setattr__(self, name, rules.pair(name, getattr(self, name)))
        for name in ("ceil_mode", "count_include_pad"):
            rules.flag(name, getattr(self, name))
        if self.divisor_override is not None:
            divisor = rules.integer("divisor_override", self.divisor_override, largest=2**63 - 1)
            object.__setattr__(self, "divisor_override", divisor)
        rules.check_settings(self)

    @classmethod
    def of(cls, layer) -> "Pooling":
        """The settings of an `nn.MaxPool2d` or `nn.AvgPool2d`; a Pooling passes through.

        >>> Pooling.of(torch.nn.AvgPool2d(2, ceil_mode=True))
        nn.AvgPool2d(kernel_size=2, ceil_mode=True)
        """
        if isinstance(layer, Pooling):
            return layer
        if isinstance(layer, torch.nn.MaxPool2d):
            return cls("max", layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.ceil_mode)
        if isinstance(layer, torch.nn.AvgPool2d):
            settings = (layer.ceil_mode, layer.count_include_pad, layer.divisor_override)
            return cls("avg", layer.kernel_size, layer.stride, layer.padding, 1, *settings)
        raise TypeError(f"{type(layer).__name__} is not a 2-D pooling: give a Pooling, nn.MaxPool2d or nn.AvgPool2d.")

    def layer(self) -> torch.nn.Module:
        """The torch layer that these settings stand for."""
        if self.kind == "max":
            return torch.nn.MaxPool2d(
                self.kernel_size, self.stride, self.padding, self.dilation, ceil_mode=self.ceil_mode
            )
        return torch.nn.AvgPool2d(
            self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override
        )

    def code(self) -> str:
        """The line of Python that makes the layer, without what is default anyway."""
        settings = {"kernel_size": self.kernel_size}
        if self.stride != self.kernel_size:
            settings["stride"] = self.stride
        for name in ("padding", "dilation", "ceil_mode", "count_include_pad", "divisor_override"):
            value, default = getattr(self, name), self.__dataclass_fields__[name].default
            if value != default and value != (default, default):
                settings[name] = value
        return self.listed(settings)

    __repr__ = code

    def pool(self, x):
        """(output, winners) by torch; winners None for average."""
        p = self
        if p.kind == "max":
            return F.max_pool2d(x, p.kernel_size, p.stride, p.padding, p.dilation, p.ceil_mode, return_indices=True)
        settings = (p.ceil_mode, p.count_include_pad, p.divisor_override)
        return F.avg_pool2d(x, p.kernel_size, p.stride, p.padding, *settings), None

    divides = property(lambda self: self.kind == "avg")

    def counts(self, h: int, w: int) -> torch.Tensor:
        """How many cells each window reads, of shape (h_out, w_out); torch says it: the sum over a plane of ones."""
        ones = torch.ones(1, h, w, dtype=torch.float64)
        return F.avg_pool2d(ones, self.kernel_size, self.stride, self.padding, self.ceil_mode, divisor_override=1)[0]

    def says(self, read, divisor, output, channel) -> str:
        """The maximum or the sum of one window in words; `read` lists what each of its positions is, and holds."""
        if divisor is None:
            return words.max_sum(
                [-torch.inf if held is None else held for what, held in read if what != "overhang"], output
            )
        counts = self.count_include_pad and self.divisor_override is None
        entries = [held or 0 for what, held in read if what == "cell" or what == "padded" and counts]
        return words.average_sum(entries, divisor, output, whole=isinstance(output, int))


def trace(pooling, x, device=None) -> "Trace":
    """Pool `x` with torch and keep what is needed to say where every number came from.

    Args:
        pooling: a Pooling, `nn.MaxPool2d` or `nn.AvgPool2d`, or one of their relatives (`settings_of`).
        x: tensor, array or nested lists, of shape (H, W), (C, H, W) or (N, C, H, W). Tensors and arrays keep
            their dtype; lists become torch's default float. Not copied: leave it unchanged while you use the trace.
        device: None computes where x lies; "auto" takes the best accelerator there is; or a torch device.

    Raises:
        TypeError, ValueError: what torch would refuse, and the one setting that corrupts memory in its CPU
            backward pass (a dilated, padded window with no cell inside the input), before torch is called.

    >>> trace(Pooling("max", 2), [[1, 3], [5, 6]]).output
    tensor([[6.]])
    """
    pooling = settings_of(pooling)
    x = as_tensor(x).detach()
    full = x.unsqueeze(0) if x.ndim == 2 else x
    full = full.to(pick_device(device)) if device is not None else full
    rules.check_input(pooling.kind, full)
    size = pooling.output_size(*full.shape[-2:])
    output, winners = pooling.pool(full)
    if tuple(output.shape[-2:]) != size:
        raise RuntimeError(
            f"{pooling.code()} on {tuple(full.shape)}: torch on {full.device.type} returned {tuple(output.shape[-2:])} "
            f"where its own rule gives {size}, a known fault of that backend; pass device='cpu'."
        )
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
        if not self.pooling.divides:
            return None
        if self.pooling.divisor_override is not None:  # as given: the quotient below would round it beyond 2**53
            return torch.full(self._output.shape[-2:], self.pooling.divisor_override)
        return (self.pooling.counts(*self._x.shape[-2:]) / self.passes).round().long()

    @cached_property
    def passes(self) -> torch.Tensor:
        """How much of a window's upstream gradient reaches the input, float64 of shape (h_out, w_out).

        All of it for max. For average it is the average of a plane of ones: less than 1 where padding is counted.

        >>> trace(Pooling("avg", 2, padding=1), torch.zeros(2, 2)).passes[0, 0]
        tensor(0.2500, dtype=torch.float64)
        """
        ones = torch.ones(1, *self._x.shape[-2:], dtype=torch.float64)
        return self.pooling.pool(ones)[0][0]

    @cached_property
    def spread(self) -> torch.Tensor | None:
        """Where shares vary from cell to cell: m x n planes shaped like x; None where winners or divisors say it all.

        The share of an input cell in window (row, col) is `spread[row % m, col % n][..., cell]`. torch's autograd
        says it, asked for every m-th row and n-th column of windows at a time, as those do not overlap.
        """
        if not self.pooling.shares_vary:
            return None
        apart = [min(int(_apart(taps)), len(taps)) for taps in self.taps]
        planes = []
        for i in range(apart[0]):
            for j in range(apart[1]):
                upstream = torch.zeros_like(self._output)
                upstream[..., i :: apart[0], j :: apart[1]] = 1
                planes.append(self.backward(self._shaped(upstream)).reshape(self._x.shape))
        return torch.stack(planes).reshape(*apart, *self._x.shape)

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
        value = output.item()
        return cls(
            cells=where["cell"],
            values=[held for what, _, held in read if what == "cell"],
            padded=where["padded"],
            overhang=where["overhang"],
            shares=shares,
            divisor=divisor,
            winner=winner,
            output=value,
            text=pooling.says([(what, held) for what, _, held in read], divisor, value, channel),
        )

    def __str__(self):
        return self.text


def _apart(taps):
    """How many windows further one starts after the last position that this one reads."""
    reach = taps[0].max() - taps[0].min() + 1
    return -(-reach // (taps[1, 0] - taps[0, 0])) if len(taps) > 1 else 1


def settings_of(layer) -> Windows:
    """The settings of a layer: a Pooling, or one of its relatives.

    Raises:
        TypeError: a layer that has no windows and shares.

    >>> settings_of(torch.nn.AdaptiveAvgPool2d(3))
    nn.AdaptiveAvgPool2d(output_size=3)
    """
    if isinstance(layer, Windows):
        return layer
    if isinstance(layer, (torch.nn.MaxPool2d, torch.nn.AvgPool2d)):
        return Pooling.of(layer)
    from .relatives import relative_of

    return relative_of(layer)


def as_tensor(x, name="input") -> torch.Tensor:
    """A tensor of x: tensors and arrays as they are, nested lists as torch's default float."""
    if isinstance(x, torch.Tensor):
        return x
    try:
        if hasattr(x, "__array__"):
            return torch.as_tensor(x)
        return torch.tensor(x, dtype=torch.get_default_dtype())
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        kind = type(x).__name__
        raise TypeError(
            f"{name} of type {kind} is no table of numbers ({error}): give a tensor, array or lists."
        ) from None


def best_device() -> str:
    """The accelerator this torch can use, "cuda" or "mps", else "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def pick_device(device) -> torch.device:
    """`device` as torch's, with "auto" for the best there is."""
    global _said
    if device == "auto":
        if best_device() == "cpu" and not _said:
            print("No accelerator found: pooling runs on the CPU.")
            _said = True
        return torch.device(best_device())
    try:
        device = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device={device!r}: {str(error).splitlines()[0]}; use 'auto', 'cpu', 'cuda' or 'mps'."
        ) from None
    if device.type in ("cuda", "mps") and best_device() != device.type:
        raise ValueError(f"device='{device}': this torch finds no such accelerator here; use device='auto' or 'cpu'.")
    return device


_said = False
