"""LP pooling: larger values have larger shares."""

import math
from dataclasses import dataclass
from numbers import Real

import torch
import torch.nn.functional as F

from .. import words
from ..windows import Pair, Windows
from .pooling import Pooling


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
