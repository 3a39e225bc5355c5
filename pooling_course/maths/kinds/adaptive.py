"""Adaptive pooling: the windows are found from the output size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F

from .. import rules
from ..windows import NOTHING, Pair, Windows


@dataclass(frozen=True, repr=False)
class Adaptive(Windows):
    """Pooling to a given output size: window i of n reads the rows from floor(i * H / n) up to ceil((i + 1) * H / n).

    Args:
        kind: "adaptive max" for `nn.AdaptiveMaxPool2d`, "adaptive avg" for `nn.AdaptiveAvgPool2d`.
        size: the output size, an int or (height, width), 1 or more; None keeps the size of the input.

    Raises:
        TypeError, ValueError: an output_size that torch refuses, or 0, which leaves nothing.

    Source of the rule: ATen/native/AdaptivePooling.h of torch 2.13.

    >>> Adaptive("adaptive avg", 3).taps(0, 5, 3).tolist()[1]
    [1, 2, 3]
    """

    OWN = {"adaptive max": ("output_size",), "adaptive avg": ("output_size",)}
    LAYERS = {"adaptive max": torch.nn.AdaptiveMaxPool2d, "adaptive avg": torch.nn.AdaptiveAvgPool2d}
    TWINS = ("adaptive max", "adaptive avg")
    DEFAULTS = {"output_size": 2}
    MOST = {"output_size": 10}

    kind: str
    size: Any

    def __post_init__(self):
        if self.kind not in self.OWN:
            raise ValueError(f"kind={self.kind!r} is no adaptive pooling: use 'adaptive max' or 'adaptive avg'.")
        both = tuple(self.size) if isinstance(self.size, (tuple, list)) else (self.size, self.size)
        if len(both) != 2:
            raise ValueError(f"output_size={self.size!r} has {len(both)} entries: give one int, or (height, width).")
        both = tuple(n if n is None else rules.integer("output_size", n) for n in both)
        if any(n is not None and n < 1 for n in both):
            raise ValueError(f"output_size={rules.short(both)}: a map of no cells is no map; give 1 or more.")
        object.__setattr__(self, "size", both)

    @classmethod
    def of(cls, layer: Any) -> Adaptive:
        return cls(
            next(kind for kind, of_torch in cls.LAYERS.items() if isinstance(layer, of_torch)), layer.output_size
        )

    def layer(self) -> torch.nn.Module:
        return self.LAYERS[self.kind](self.size)

    def code(self) -> str:
        return self.listed({"output_size": self.size})

    @classmethod
    def made(cls, kind: str, settings: dict[str, Any]) -> Adaptive:
        return cls(kind, settings["output_size"])

    def traits(self) -> dict[str, Any]:
        return {"output_size": rules.short(self.size)}

    def key(self) -> str:
        """The name of its state.

        >>> Adaptive("adaptive max", (3, None)).key()
        'adaptive-max 3 -'
        """
        return f"{self.kind.replace(' ', '-')} {' '.join('-' if n is None else str(n) for n in self.size)}"

    @classmethod
    def from_key(cls, kind, numbers, lender):
        return cls(kind, tuple(None if n == "-" else int(n) for n in numbers))

    def reach(self, most: dict[str, int]) -> Iterator[tuple[float, Adaptive]]:
        here = self.size[0] or 1
        yield from ((abs(n - here), replace(self, size=n)) for n in range(1, most["output_size"] + 1))

    shares = property(lambda self: "winner" if self.kind == "adaptive max" else "equal")

    def raw_output_size(self, h: int, w: int) -> Pair:
        rows, cols = (size if asked is None else asked for asked, size in zip(self.size, (h, w), strict=True))
        return rows, cols  # each fits: windows overlap, or repeat, where more is asked for than there is

    def taps(self, i: int, size: int, out: int) -> torch.Tensor:
        """As for `Windows`; windows differ in length, so shorter ones end in `NOTHING`."""
        o = torch.arange(out, device="cpu")[:, None]
        start, end = o * size // out, -(-(o + 1) * size // out)
        taps = start + torch.arange(int((end - start).max()), device="cpu")
        return taps.where(taps < end, NOTHING)

    def formula(self, h: int, w: int) -> tuple[str, str]:
        """Where the windows lie in (height, width).

        >>> Adaptive("adaptive max", 3).formula(5, 6)[0]
        'window i of 3 reads floor(i * 5 / 3) up to, not including, ceil((i + 1) * 5 / 3)'
        """
        rule = "window i of {0} reads floor(i * {1} / {0}) up to, not including, ceil((i + 1) * {1} / {0})"
        rows, cols = (rule.format(out, size) for _, size, out in self._axes(h, w))
        return rows, cols

    def pool(self, x):
        if self.kind == "adaptive avg":
            return F.adaptive_avg_pool2d(x, self.size), None
        return F.adaptive_max_pool2d(x, self.size, return_indices=True)
