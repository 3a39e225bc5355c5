"""Fractional max pooling: windows of one size, at steps that differ by one and are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import torch
import torch.nn.functional as F

from .. import rules
from ..windows import Pair, Windows


@dataclass(frozen=True, repr=False)
class Fractional(Windows):
    """Fractional max pooling, `nn.FractionalMaxPool2d`, with its random samples fixed, the same for all channels.

    With alpha = (H - kernel_size) / (output_size - 1), window i of an axis starts at
    floor((i + u) * alpha) - floor(u * alpha), where u is the sample; the last one ends with the input.

    Args:
        kernel_size, size: of a window and of the output, in cells, an int or (height, width), 1 or more.
        samples: u, from 0 up to, not including, 1; a number or (height, width).

    Raises:
        TypeError, ValueError: what torch refuses, or a sample outside its range.

    Source of the rule: `generate_intervals` in ATen/native/FractionalMaxPooling.h of torch 2.13, which counts in the
    dtype of the input; so float32 alone is taken.

    >>> Fractional(2, 3, 0.5).taps(0, 6, 3).tolist()
    [[0, 1], [2, 3], [4, 5]]
    """

    OWN = {"fractional max": ("samples", "kernel_size", "output_size")}
    LAYERS = {"fractional max": torch.nn.FractionalMaxPool2d}
    TWINS = ("fractional max", "adaptive max")
    DEFAULTS = {"samples": 0.5}

    kernel_size: Any
    size: Any
    samples: Any = 0.5
    kind = "fractional max"
    shares = "winner"

    def __post_init__(self):
        for name, shown in (("kernel_size", "kernel_size"), ("size", "output_size")):
            both = rules.pair(shown, getattr(self, name))
            if min(both) < 1:
                raise ValueError(f"{shown}={rules.short(both)}: {shown} must be at least 1.")
            object.__setattr__(self, name, both)
        both = tuple(self.samples) if isinstance(self.samples, (tuple, list)) else (self.samples, self.samples)
        if len(both) != 2 or any(isinstance(u, bool) or not isinstance(u, Real) for u in both):
            raise TypeError(f"samples={self.samples!r}: give one number from 0 up to 1, or two as (height, width).")
        if not all(0 <= u < 1 for u in both):
            raise ValueError(f"samples={rules.short(both)}: a sample lies from 0 up to, not including, 1.")
        object.__setattr__(self, "samples", tuple(map(float, both)))

    @classmethod
    def of(cls, layer: Any) -> Fractional:
        name = "nn.FractionalMaxPool2d"
        if layer.output_size is None:
            raise ValueError(
                f"{name} with output_ratio={layer.output_ratio}: its windows follow the size of each input; "
                f"give output_size instead."
            )
        given = layer._random_samples
        if given is None:
            raise ValueError(
                f"{name} draws other windows at each call; fix them, for example with "
                f"_random_samples=torch.tensor([[[0.5, 0.5]]])."
            )
        pairs = given.reshape(-1, 2)
        if not (pairs == pairs[0]).all():
            raise ValueError(f"{name} with other samples for each channel: only the same for all can be shown.")
        width, height = (
            float(str(u)) for u in pairs[0].float().numpy()
        )  # torch's order, no more digits than float32 has
        return cls(layer.kernel_size, layer.output_size, (height, width))

    def layer(self) -> torch.nn.Module:
        """For one channel, as torch wants a pair of samples for each."""
        sizes = (self.kernel_size, self.size)
        return torch.nn.FractionalMaxPool2d(*sizes, _random_samples=self._drawn(1, 1))

    def _drawn(self, *outer: int) -> torch.Tensor:
        return torch.tensor(self.samples[::-1], dtype=torch.float32, device="cpu").expand(*outer, 2)

    def code(self) -> str:
        height, width = map(_short, self.samples)
        samples = f"torch.tensor([[[{width}, {height}]]])"
        return self.listed({"kernel_size": self.kernel_size, "output_size": self.size, "_random_samples": samples})

    @classmethod
    def made(cls, kind: str, settings: dict[str, Any]) -> Fractional:
        return cls(settings["kernel_size"], settings["output_size"], settings["samples"])

    def traits(self) -> dict[str, Any]:
        sizes = {"kernel_size": self.kernel_size, "output_size": self.size, "samples": self.samples}
        return {name: rules.short(value) for name, value in sizes.items()}

    def key(self) -> str:
        """The name of its state.

        >>> Fractional(2, 3, 0.25).key()
        'fractional-max 2 2 3 3 0.25 0.25'
        """
        numbers = (*self.kernel_size, *self.size, *map(_short, self.samples))
        return f"fractional-max {' '.join(map(str, numbers))}"

    @classmethod
    def from_key(cls, kind, numbers, lender):
        kh, kw, oh, ow = map(int, numbers[:4])
        return cls((kh, kw), (oh, ow), (float(numbers[4]), float(numbers[5])))

    def reach(self, most: dict[str, int]) -> Iterator[tuple[float, Fractional]]:
        k, n = self.kernel_size[0], self.size[0]
        yield from ((abs(other - k), replace(self, kernel_size=other)) for other in range(1, most["kernel_size"] + 1))
        yield from ((abs(o - n), replace(self, size=o)) for o in range(1, most["output_size"] + 1))

    def raw_output_size(self, h: int, w: int) -> Pair:
        rows, cols = (
            out if out + k - 1 <= size else 0 for out, k, size in zip(self.size, self.kernel_size, (h, w), strict=True)
        )
        return rows, cols

    def output_size(self, h: int, w: int) -> Pair:
        """(h_out, w_out), as asked for.

        Raises:
            ValueError: more windows than places: kernel_size + output_size - 1 is larger than the input.
        """
        raw = self.raw_output_size(h, w)
        for i, (axis, size) in enumerate((("height", h), ("width", w))):
            if not raw[i]:
                k, out = self.kernel_size[i], self.size[i]
                raise ValueError(
                    f"{self.code()} on an input of {h} x {w}: in {axis} there are {size} cells, too few for {out} "
                    f"different windows of {k}, which take {k + out - 1}; take a smaller output_size or kernel_size."
                )
        return raw

    def taps(self, i: int, size: int, out: int) -> torch.Tensor:
        k, u = self.kernel_size[i], torch.tensor(self.samples[i], dtype=torch.float32, device="cpu")
        alpha = torch.tensor(size - k, dtype=torch.float32, device="cpu") / max(out - 1, 1)
        starts = ((torch.arange(out, device="cpu") + u) * alpha).long() - (u * alpha).long()
        starts[-1] = size - k
        return starts[:, None] + torch.arange(k, device="cpu")

    def formula(self, h: int, w: int) -> tuple[str, str]:
        """Where the windows start in (height, width).

        >>> Fractional(2, 3, 0.5).formula(6, 6)[0]
        'window i of 3 starts at floor((i + 0.5) * 4/2) - floor(0.5 * 4/2), the last at 4'
        """
        rows, cols = (self._axis_formula(*axis) for axis in self._axes(h, w))
        return rows, cols

    def _axis_formula(self, i, size, out):
        last = size - self.kernel_size[i]
        if out < 2:
            return f"the one window starts at {last}" if out else "no window fits"
        alpha, u = f"{last}/{out - 1}", _short(self.samples[i])
        return f"window i of {out} starts at floor((i + {u}) * {alpha}) - floor({u} * {alpha}), the last at {last}"

    def accepts(self, device: str) -> tuple[torch.dtype, ...]:
        return (torch.float32,)

    def pool(self, x):
        outer = tuple(x.shape[:2]) if x.ndim == 4 else (1, x.shape[0])
        drawn = self._drawn(*outer).to(x)
        sizes = (self.kernel_size, self.size)
        return F.fractional_max_pool2d(x, *sizes, return_indices=True, _random_samples=drawn)


def _short(sample: float) -> float | int:
    return int(sample) if sample == int(sample) else sample
