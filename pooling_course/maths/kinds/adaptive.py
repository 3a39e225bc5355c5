"""Adaptive pooling: the windows are found from the output size."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .. import rules
from ..windows import NOTHING, Pair, Windows
from .pooling import Pooling


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
