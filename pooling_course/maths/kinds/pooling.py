"""Max and average pooling: nn.MaxPool2d and nn.AvgPool2d."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .. import rules, words
from ..windows import Pair, Windows


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
