"""Relatives of the two poolings: other layers that are windows with shares, and so open in the explorer, too.

Adaptive pooling finds its windows from the output size. LP pooling gives larger values larger shares. A depthwise
convolution has learned its shares: the same in each window, but not the same for each cell.
"""

import math
from dataclasses import dataclass
from numbers import Real

import torch
import torch.nn.functional as F

from . import rules, words
from .pooling import NOTHING, Pair, Pooling, Windows, as_tensor


def relative_of(layer) -> Windows:
    """The settings of an adaptive or LP pooling or a depthwise convolution.

    Raises:
        TypeError, ValueError: another layer, or one that cannot be shown as windows with shares.

    >>> relative_of(torch.nn.LPPool2d(2, 3, stride=1))
    nn.LPPool2d(norm_type=2, kernel_size=3, stride=1)
    """
    nn = torch.nn
    if isinstance(layer, nn.AdaptiveMaxPool2d):
        return Adaptive("adaptive max", layer.output_size)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return Adaptive("adaptive avg", layer.output_size)
    if isinstance(layer, nn.LPPool2d):
        return LP(layer.norm_type, layer.kernel_size, layer.stride, layer.ceil_mode)
    if isinstance(layer, nn.LazyConv2d):
        raise ValueError("nn.LazyConv2d has no weights yet: run it on an input once, and it can be shown.")
    if isinstance(layer, nn.Conv2d):
        return Depthwise.of(layer)
    if isinstance(layer, type):
        raise TypeError(f"{layer.__name__} is a class, no layer yet: make one with it, such as nn.MaxPool2d(2).")
    if isinstance(layer, torch.Tensor):
        raise TypeError("A tensor stands where the pooling belongs: the input comes first, then the pooling.")
    raise TypeError(
        f"{type(layer).__name__} is not a 2-D pooling: give a Pooling, nn.MaxPool2d or nn.AvgPool2d, or one of their "
        f"relatives: nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d, nn.LPPool2d, a depthwise nn.Conv2d."
    )


@dataclass(frozen=True)
class Adaptive(Windows):
    """Pooling to a given output size: window i of n reads the rows from floor(i * H / n) up to ceil((i + 1) * H / n).

    Args:
        kind: "adaptive max" for `nn.AdaptiveMaxPool2d`, "adaptive avg" for `nn.AdaptiveAvgPool2d`.
        output_size: an int or (height, width), 1 or more; None keeps the size of the input.

    Raises:
        TypeError, ValueError: an output_size that torch refuses, or 0, which leaves nothing.

    Source of the rule: ATen/native/AdaptivePooling.h of torch 2.13.

    >>> Adaptive("adaptive avg", 3).taps(0, 5, 3).tolist()[1]
    [1, 2, 3]
    """

    kind: str
    size: int | Pair
    padding = (0, 0)

    def __post_init__(self):
        if self.kind not in ("adaptive max", "adaptive avg"):
            raise ValueError(f"kind={self.kind!r} is no adaptive pooling: use 'adaptive max' or 'adaptive avg'.")
        both = tuple(self.size) if isinstance(self.size, (tuple, list)) else (self.size, self.size)
        if len(both) != 2:
            raise ValueError(f"output_size={self.size!r} has {len(both)} entries: give one int, or (height, width).")
        both = tuple(n if n is None else rules.integer("output_size", n) for n in both)
        if any(n is not None and n < 1 for n in both):
            raise ValueError(f"output_size={rules.short(both)}: a map of no cells is no map; give 1 or more.")
        object.__setattr__(self, "size", both)

    divides = property(lambda self: self.kind == "adaptive avg")

    def code(self) -> str:
        return self.listed({"output_size": self.size})

    __repr__ = code

    def layer(self) -> torch.nn.Module:
        make = torch.nn.AdaptiveAvgPool2d if self.divides else torch.nn.AdaptiveMaxPool2d
        return make(self.size)

    def raw_output_size(self, h: int, w: int) -> Pair:
        return tuple(size if asked is None else asked for asked, size in zip(self.size, (h, w), strict=True))

    output_size = raw_output_size  # each fits: windows overlap, or repeat, where more is asked for than there is

    def taps(self, i: int, size: int, out: int) -> torch.Tensor:
        """As for `Windows`; windows differ in length, so shorter ones end in `NOTHING`."""
        o = torch.arange(out)[:, None]
        start, end = o * size // out, -(-(o + 1) * size // out)
        taps = start + torch.arange(int((end - start).max()))
        return taps.where(taps < end, NOTHING)

    def formula(self, h: int, w: int) -> tuple[str, str]:
        """Where the windows lie in (height, width).

        >>> Adaptive("adaptive max", 3).formula(5, 6)[0]
        'window i of 3 reads floor(i * 5 / 3) up to, not including, ceil((i + 1) * 5 / 3)'
        """
        rule = "window i of {0} reads floor(i * {1} / {0}) up to, not including, ceil((i + 1) * {1} / {0})"
        return tuple(rule.format(*sizes) for sizes in zip(self.raw_output_size(h, w), (h, w), strict=True))

    def pool(self, x):
        if self.divides:
            return F.adaptive_avg_pool2d(x, self.size), None
        return F.adaptive_max_pool2d(x, self.size, return_indices=True)

    def counts(self, h: int, w: int) -> torch.Tensor:
        rows, cols = (
            (self.taps(i, size, out) != NOTHING).sum(1)
            for i, (size, out) in enumerate(zip((h, w), self.raw_output_size(h, w), strict=True))
        )
        return (rows[:, None] * cols).double()

    says = Pooling.says
    count_include_pad = True


@dataclass(frozen=True)
class LP(Windows):
    """Power-average pooling, `nn.LPPool2d`: the p-th root of the sum of p-th powers; p is norm_type.

    With norm_type=1 it is the sum. A window that ceil_mode lets reach beyond the input is scaled up to a full one.

    Args:
        norm_type: a finite number above 0. torch also takes inf, by which it is the maximum of magnitudes.
        kernel_size, stride, ceil_mode: as in `Pooling`; there is no padding.

    Raises:
        TypeError, ValueError: what torch refuses, or a norm_type that has no power and root.

    Source of the rule: `torch.nn.functional.lp_pool2d` of torch 2.13.

    >>> LP(2, 2).pool(torch.tensor([[[0.0, 3], [4, 0]]]))[0]
    tensor([[[5.]]])
    """

    norm_type: float
    kernel_size: int | Pair
    stride: int | Pair | None = None
    ceil_mode: bool = False
    kind = "lp"
    padding, dilation = (0, 0), (1, 1)
    shares_vary = True

    def __post_init__(self):
        norm = self.norm_type
        if isinstance(norm, bool) or not isinstance(norm, Real):
            raise TypeError(f"norm_type={norm!r} is of type {type(norm).__name__}: norm_type is a number, such as 2.")
        if not 0 < norm < math.inf:
            also = "; with inf, nn.LPPool2d is nn.MaxPool2d on x.abs(), so look at that" if norm == math.inf else ""
            raise ValueError(f"norm_type={norm}: norm_type must be a finite number above 0{also}.")
        object.__setattr__(self, "norm_type", int(norm) if norm == int(norm) else float(norm))
        like = Pooling(
            "avg", self.kernel_size, self.stride, ceil_mode=self.ceil_mode
        )  # the same windows, the same rules
        object.__setattr__(self, "kernel_size", like.kernel_size)
        object.__setattr__(self, "stride", like.stride)

    def code(self) -> str:
        settings = {"norm_type": self.norm_type, "kernel_size": self.kernel_size}
        if self.stride != self.kernel_size:
            settings["stride"] = self.stride
        return self.listed(settings | ({"ceil_mode": True} if self.ceil_mode else {}))

    __repr__ = code

    def layer(self) -> torch.nn.Module:
        return torch.nn.LPPool2d(self.norm_type, self.kernel_size, self.stride, self.ceil_mode)

    def pool(self, x):
        return F.lp_pool2d(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode), None

    def says(self, read, divisor, output, channel) -> str:
        return words.norm_sum([held for what, held in read if what == "cell"], self.norm_type, len(read), output)


@dataclass(frozen=True)
class Depthwise(Windows):
    """A depthwise convolution: one window of weights for each channel, `nn.Conv2d` with groups=channels.

    Args:
        weight: one table of weights for each channel, nested tuples of shape (C, height, width).
        bias: one number for each channel, or None.
        stride, padding, dilation: in cells, an int or (height, width); padding is 0s, and may be of any size.

    Raises:
        TypeError, ValueError: settings that torch refuses.

    >>> Depthwise((((0.25, 0.25), (0.25, 0.25)),), stride=2)
    nn.Conv2d(in_channels=1, out_channels=1, kernel_size=2, stride=2, bias=False)
    """

    weight: tuple
    bias: tuple | None = None
    stride: int | Pair = 1
    padding: int | Pair = 0
    dilation: int | Pair = 1
    kind = "conv"
    ceil_mode = False
    shares_vary = True

    def __post_init__(self):
        object.__setattr__(self, "weight", _tuples(self.weight))
        object.__setattr__(self, "bias", _tuples(self.bias))
        weight = as_tensor(self.weight, "weight")
        if weight.ndim != 3 or 0 in weight.shape:
            raise ValueError(
                f"weight of shape {tuple(weight.shape)}: give one table for each channel, (C, height, width)."
            )
        if self.bias is not None and as_tensor(self.bias, "bias").shape != weight.shape[:1]:
            raise ValueError(f"bias={self.bias!r} for {len(weight)} channels: give one number for each, or None.")
        for name, least in (("stride", 1), ("padding", 0), ("dilation", 1)):
            value = rules.pair(name, getattr(self, name))
            if min(value) < least:
                raise ValueError(f"{name}={rules.short(value)}: {name} must be at least {least}.")
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, layer) -> "Depthwise":
        """The weights and settings of an `nn.Conv2d` that keeps its channels apart."""
        channels, groups = layer.in_channels, layer.groups
        if not channels == groups == layer.out_channels:
            why = "mixes channels" if groups != channels else "makes several outputs of each channel"
            raise ValueError(
                f"nn.Conv2d({channels}, {layer.out_channels}, groups={groups}) {why}: as windows with shares "
                f"it can be shown only if in_channels, out_channels and groups are the same number."
            )
        if layer.padding_mode != "zeros":
            raise ValueError(f"padding_mode={layer.padding_mode!r}: only padding with zeros can be shown.")
        padding = layer.padding
        if isinstance(padding, str):
            reach = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
            if padding == "same" and any(r % 2 for r in reach):
                raise ValueError("padding='same' pads more on one side here: take an odd kernel_size, or a number.")
            padding = tuple(r // 2 for r in reach) if padding == "same" else 0
        weight = layer.weight.detach().cpu()[:, 0]
        bias = None if layer.bias is None else layer.bias.detach().cpu().tolist()
        return cls(weight.tolist(), bias, layer.stride, padding, layer.dilation)

    kernel_size = property(lambda self: (len(self.weight[0]), len(self.weight[0][0])))

    def code(self) -> str:
        channels = len(self.weight)
        settings = {"in_channels": channels, "out_channels": channels, "kernel_size": self.kernel_size}
        settings |= {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        plain = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
        settings = {name: value for name, value in settings.items() if plain.get(name) != value}
        settings |= {"groups": channels} if channels > 1 else {}
        return self.listed(settings | ({"bias": False} if self.bias is None else {}))

    __repr__ = code

    def layer(self) -> torch.nn.Module:
        channels, has_bias = len(self.weight), self.bias is not None
        settings = (self.kernel_size, self.stride, self.padding, self.dilation)
        layer = torch.nn.Conv2d(channels, channels, *settings, groups=channels, bias=has_bias)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(self.weight)[:, None])
            if has_bias:
                layer.bias.copy_(torch.tensor(self.bias))
        return layer

    def pool(self, x):
        channels = len(self.weight)
        if x.shape[-3] != channels:
            raise ValueError(
                f"{self.code()} on an input with channels={x.shape[-3]}: it has weights for {channels}; "
                f"make the layer with in_channels=out_channels=groups={x.shape[-3]}."
            )
        weight, bias = (None if v is None else x.new_tensor(v) for v in (self.weight, self.bias))
        return F.conv2d(x, weight[:, None], bias, self.stride, self.padding, self.dilation, channels), None

    def says(self, read, divisor, output, channel) -> str:
        weights = [w for row in self.weight[channel] for w in row]
        terms = [(w, held) for w, (what, held) in zip(weights, read, strict=True) if what == "cell"]
        return words.weighted_sum(terms, None if self.bias is None else self.bias[channel], output)


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value
