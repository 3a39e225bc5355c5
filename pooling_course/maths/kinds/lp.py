"""LP pooling: larger values have larger shares."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import torch
import torch.nn.functional as F

from .. import rules, words
from ..windows import SWITCHED, Sliding


@dataclass(frozen=True, repr=False)
class LP(Sliding):
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

    OWN = {"lp": ("norm_type", "kernel_size", "stride", "ceil_mode")}
    LAYERS = {"lp": torch.nn.LPPool2d}
    TWINS = ("lp", "avg")
    DEFAULTS = {"norm_type": 2}
    MOST = {"norm_type": 10}

    norm_type: float
    kernel_size: Any  # an int or a pair, like the stride; read back as a pair
    stride: Any = None
    ceil_mode: bool = False
    kind = "lp"
    shares = "varied"

    def __post_init__(self):
        norm = self.norm_type
        if isinstance(norm, bool) or not isinstance(norm, Real):
            raise TypeError(f"norm_type={norm!r} is of type {type(norm).__name__}: norm_type is a number, such as 2.")
        if not 0 < norm < math.inf:
            also = "; with inf, nn.LPPool2d is nn.MaxPool2d on x.abs(), so look at that" if norm == math.inf else ""
            raise ValueError(f"norm_type={norm}: norm_type must be a finite number above 0{also}.")
        object.__setattr__(self, "norm_type", int(norm) if norm == int(norm) else float(norm))
        if self.stride is None:
            object.__setattr__(self, "stride", self.kernel_size)
        for name in ("kernel_size", "stride"):
            object.__setattr__(self, name, rules.pair(name, getattr(self, name)))
        rules.flag("ceil_mode", self.ceil_mode)
        rules.check_sliding(self)

    @classmethod
    def of(cls, layer: Any) -> LP:
        return cls(**{name: getattr(layer, name) for name in cls.OWN["lp"]})

    def layer(self) -> torch.nn.Module:
        return torch.nn.LPPool2d(self.norm_type, self.kernel_size, self.stride, self.ceil_mode)

    def code(self) -> str:
        settings: dict[str, Any] = {"norm_type": self.norm_type, "kernel_size": self.kernel_size}
        if self.stride != self.kernel_size:
            settings["stride"] = self.stride
        return self.listed(settings | ({"ceil_mode": True} if self.ceil_mode else {}))

    @classmethod
    def made(cls, kind: str, settings: dict[str, Any]) -> LP:
        return cls(**{name: settings[name] for name in cls.OWN["lp"]})

    def key(self) -> str:
        """The name of its state.

        >>> LP(2, 3, 1).key()
        'lp 3 3 1 1 0 2'
        """
        return f"lp {' '.join(map(str, (*self.kernel_size, *self.stride, int(self.ceil_mode), self.norm_type)))}"

    @classmethod
    def from_key(cls, kind, numbers, lender):
        kh, kw, sh, sw, ceil = map(int, numbers[:5])
        return cls(float(numbers[5]), (kh, kw), (sh, sw), bool(ceil))

    def reach(self, most: dict[str, int]) -> Iterator[tuple[float, LP]]:
        for n in range(1, most["norm_type"] + 1):
            yield abs(n - self.norm_type), replace(self, norm_type=n)
        for steps, (k, s, _) in self._places(most, pads=False):
            placed = replace(self, kernel_size=k, stride=s)
            yield steps, placed
            yield SWITCHED + steps, replace(placed, ceil_mode=not self.ceil_mode)

    def pool(self, x):
        return F.lp_pool2d(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode), None

    def says(self, read, divisor, output, channel, dtype) -> str:
        held = [held for what, held in read if what == "cell"]
        return words.norm_sum(held, self.norm_type, len(read), output, dtype)
