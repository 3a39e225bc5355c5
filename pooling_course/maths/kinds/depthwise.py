"""A depthwise convolution has learned its shares: the same in each window, but not the same for each cell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F

from .. import rules, words
from ..data import as_tensor
from ..windows import SWITCHED, Sliding, Windows


@dataclass(frozen=True, repr=False)
class Depthwise(Sliding):
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

    OWN = {"conv": ("weights", "stride", "padding", "dilation")}
    LAYERS = {"conv": torch.nn.Conv2d}
    TWINS = ("conv", "avg")
    DEFAULTS = {"weights": None}
    LENDS = True

    weight: Any  # planes of numbers; read back as tuples
    bias: Any = None
    stride: Any = 1  # an int or a pair, like the two below; read back as a pair
    padding: Any = 0
    dilation: Any = 1
    kind = "conv"
    shares = "varied"

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
        for name in ("stride", "padding", "dilation"):
            object.__setattr__(self, name, rules.pair(name, getattr(self, name)))
        rules.check_sliding(self)

    @classmethod
    def of(cls, layer: Any) -> Depthwise:
        """The weights and settings of an `nn.Conv2d` that keeps its channels apart."""
        if isinstance(layer, torch.nn.LazyConv2d):
            raise ValueError("nn.LazyConv2d has no weights yet: run it on an input once, and it can be shown.")
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
        weight = as_tensor(layer.weight, "weight").cpu()[:, 0]
        bias = None if layer.bias is None else as_tensor(layer.bias, "bias").cpu().tolist()
        return cls(weight.tolist(), bias, layer.stride, padding, layer.dilation)

    @classmethod
    def made(cls, kind: str, settings: dict[str, Any]) -> Depthwise:
        weights = settings["weights"]
        if not weights:
            raise ValueError("kind='conv' needs weights: set layer to a depthwise nn.Conv2d.")
        return cls(weights["weight"], weights["bias"], settings["stride"], settings["padding"], settings["dilation"])

    def traits(self) -> dict[str, Any]:
        weights = {"weight": self.weight, "bias": self.bias}
        sides = {name: rules.short(getattr(self, name)) for name in ("kernel_size", "stride", "padding", "dilation")}
        return {"weights": weights} | sides

    @classmethod
    def follow(cls, name: str, settings: dict[str, Any]) -> dict[str, Any]:
        return {}  # it may pad as much as it likes

    @classmethod
    def check_choice(cls, settings: dict[str, Any]) -> None:
        """Its kernel_size is that of its weights."""
        if not settings["weights"]:
            return
        plane = settings["weights"]["weight"][0]
        kernel, asked = (len(plane), len(plane[0])), rules.pair("kernel_size", settings["kernel_size"])
        if kernel != asked:
            raise ValueError(
                f"kernel_size={rules.short(asked)}: the weights of this convolution are {kernel[0]} x {kernel[1]}; "
                f"for another size, set layer to another nn.Conv2d."
            )

    def key(self) -> str:
        """The name of its state, without the weights: they come with the widget."""
        return f"conv {' '.join(map(str, (*self.stride, *self.padding, *self.dilation)))}"

    @classmethod
    def from_key(cls, kind: str, numbers: list[str], lender: Windows | None) -> Depthwise:
        if not isinstance(lender, Depthwise):
            raise ValueError("a convolution has no state without its weights.")
        sh, sw, ph, pw, dh, dw = map(int, numbers)
        return replace(lender, stride=(sh, sw), padding=(ph, pw), dilation=(dh, dw))

    def reach(self, most: dict[str, int]) -> Iterator[tuple[float, Depthwise]]:
        for steps, (_, s, p) in self._places(most, kernels=[self.kernel_size[0]]):
            placed = replace(self, stride=s, padding=p)
            yield steps, placed
            for d in (1, 2, 3):
                if self.dilation != (d, d):
                    yield SWITCHED + steps, replace(placed, dilation=d)

    kernel_size = property(lambda self: (len(self.weight[0]), len(self.weight[0][0])))
    channels = property(lambda self: len(self.weight))

    def code(self) -> str:
        channels = len(self.weight)
        settings = {"in_channels": channels, "out_channels": channels, "kernel_size": self.kernel_size}
        settings |= {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        plain = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
        settings = {name: value for name, value in settings.items() if plain.get(name) != value}
        settings |= {"groups": channels} if channels > 1 else {}
        return self.listed(settings | ({"bias": False} if self.bias is None else {}))

    def layer(self) -> torch.nn.Module:
        channels, has_bias = len(self.weight), self.bias is not None
        settings = (self.kernel_size, self.stride, self.padding, self.dilation)
        layer = torch.nn.Conv2d(channels, channels, *settings, groups=channels, bias=has_bias)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(self.weight)[:, None])
            if layer.bias is not None:
                layer.bias.copy_(torch.tensor(self.bias))
        return layer

    def pool(self, x):
        channels = len(self.weight)
        if x.shape[-3] != channels:
            raise ValueError(
                f"{self.code()} on an input with channels={x.shape[-3]}: it has weights for {channels}; "
                f"make the layer with in_channels=out_channels=groups={x.shape[-3]}."
            )
        weight, bias = x.new_tensor(self.weight), None if self.bias is None else x.new_tensor(self.bias)
        return F.conv2d(x, weight[:, None], bias, self.stride, self.padding, self.dilation, channels), None

    def says(self, read, divisor, output, channel, dtype) -> str:
        weights = [w for row in self.weight[channel] for w in row]
        terms = [(w, held) for w, (what, held) in zip(weights, read, strict=True) if what == "cell"]
        return words.weighted_sum(terms, None if self.bias is None else self.bias[channel], output, dtype)


def _tuples(value):
    """Nested tuples, with one NaN for all, as it equals itself only where it is the same object."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_tuples, value))
    return math.nan if value != value else value
