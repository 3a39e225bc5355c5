"""Max and average pooling: nn.MaxPool2d and nn.AvgPool2d."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F

from .. import rules
from ..windows import SWITCHED, Sliding, layer_name

WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
DTYPES = {
    ("max", "cpu"): (*WHOLE, *rules.FLOATS),
    ("avg", "cpu"): (torch.int64, *rules.FLOATS),
    ("max", "mps"): (*WHOLE, *rules.FLOATS[:3]),
    ("avg", "mps"): rules.FLOATS[:3],
}


@dataclass(frozen=True, repr=False)
class Pooling(Sliding):
    """The settings of one pooling layer; immutable, hashable and comparable.

    Args:
        kind: "max" for `nn.MaxPool2d`, "avg" for `nn.AvgPool2d`.
        kernel_size, stride, padding, dilation: in cells, an int or (height, width); read back as pairs.
            `stride=None` means kernel_size. `dilation` belongs to max alone.
        ceil_mode: round the output size up, so that what is left over at the right and bottom gets a window too.
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

    OWN = {
        "max": ("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
        "avg": ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    }
    LAYERS = {"max": torch.nn.MaxPool2d, "avg": torch.nn.AvgPool2d}
    TWINS = ("max", "avg")
    DEFAULTS = {
        "kernel_size": 2,
        "stride": 2,
        "padding": 0,
        "dilation": 1,
        "ceil_mode": False,
        "count_include_pad": True,
        "divisor_override": None,
    }
    MOST = {"kernel_size": 5, "stride": 5}

    kind: str
    kernel_size: Any  # an int or a pair, like the three below; read back as a pair
    stride: Any = None
    padding: Any = 0
    dilation: Any = 1
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None

    def __post_init__(self):
        check_kind(self.kind)
        if self.stride is None or isinstance(self.stride, (tuple, list)) and not self.stride:
            object.__setattr__(self, "stride", self.kernel_size)
        for name in ("kernel_size", "stride", "padding", "dilation"):
            object.__setattr__(self, name, rules.pair(name, getattr(self, name)))
        for name in ("ceil_mode", "count_include_pad"):
            rules.flag(name, getattr(self, name))
        if self.divisor_override is not None:
            divisor = rules.integer("divisor_override", self.divisor_override, largest=2**63 - 1)
            object.__setattr__(self, "divisor_override", divisor)
        check_settings(self)

    def changed(self) -> list[str]:
        """The names of the settings, behind the stride, that are not at their default."""
        named = {name: getattr(self, name) for name in tuple(self.DEFAULTS)[2:]}
        return [name for name, value in named.items() if rules.short(value) != self.DEFAULTS[name]]

    @classmethod
    def of(cls, layer: Any) -> Pooling:
        """The settings of an `nn.MaxPool2d` or `nn.AvgPool2d`; a Pooling passes through.

        >>> Pooling.of(torch.nn.AvgPool2d(2, ceil_mode=True))
        nn.AvgPool2d(kernel_size=2, ceil_mode=True)
        """
        if isinstance(layer, Pooling):
            return layer
        for kind, of_torch in cls.LAYERS.items():
            if isinstance(layer, of_torch):
                return cls(kind, **{name: getattr(layer, name) for name in cls.OWN[kind]})
        raise TypeError(f"{type(layer).__name__} is not a 2-D pooling: give a Pooling, nn.MaxPool2d or nn.AvgPool2d.")

    def layer(self) -> torch.nn.Module:
        """The torch layer that these settings stand for."""
        return self.LAYERS[self.kind](**{name: getattr(self, name) for name in self.OWN[self.kind]})

    def code(self) -> str:
        """The line of Python that makes the layer, without what is default anyway."""
        names = ["kernel_size", *(["stride"] if self.stride != self.kernel_size else []), *self.changed()]
        return self.listed({name: getattr(self, name) for name in names})

    @classmethod
    def made(cls, kind: str, settings: dict[str, Any]) -> Pooling:
        return cls(kind, **{name: settings[name] for name in cls.OWN[kind]})

    def key(self) -> str:
        """The name of its state; settings that cannot matter are dropped, so that twins share it.

        >>> Pooling("max", 2).key(), Pooling("avg", 3, 1, count_include_pad=False).key()
        ('max 2 2 2 2 0 0 0 1 1', 'avg 3 3 1 1 0 0 0 1 -')
        """
        numbers = " ".join(map(str, (*self.kernel_size, *self.stride, *self.padding, int(self.ceil_mode))))
        if self.kind == "max":
            dilation = (d if k > 1 else 1 for k, d in zip(self.kernel_size, self.dilation, strict=True))
            return f"max {numbers} {' '.join(map(str, dilation))}"
        counted = self.count_include_pad or self.divisor_override is not None or max(self.padding) == 0
        return f"avg {numbers} {int(counted)} {'-' if self.divisor_override is None else self.divisor_override}"

    @classmethod
    def from_key(cls, kind, numbers, lender):
        kh, kw, sh, sw, ph, pw, ceil, a, b = numbers
        kernel, stride, padding = ((int(u), int(v)) for u, v in ((kh, kw), (sh, sw), (ph, pw)))
        if kind == "max":
            return cls(kind, kernel, stride, padding, (int(a), int(b)), bool(int(ceil)))
        return cls(kind, kernel, stride, padding, 1, bool(int(ceil)), a == "1", None if b == "-" else int(b))

    def reach(self, most: dict[str, int]) -> Iterator[tuple[float, Pooling]]:
        for steps, (k, s, p) in self._places(most):
            placed = replace(self, kernel_size=k, stride=s, padding=p)
            yield steps, placed
            yield from ((SWITCHED + steps, switched) for switched in placed._switched())

    def _switched(self) -> Iterator[Pooling]:
        yield replace(self, ceil_mode=not self.ceil_mode)
        if self.kind == "avg":
            yield replace(self, count_include_pad=not self.count_include_pad)
            yield replace(self, ceil_mode=not self.ceil_mode, count_include_pad=not self.count_include_pad)
        else:
            yield from (replace(self, dilation=d) for d in (1, 2, 3) if self.dilation != (d, d))

    shares = property(lambda self: "winner" if self.kind == "max" else "equal")
    counts_padding = property(lambda self: self.count_include_pad and self.divisor_override is None)

    def pool(self, x):
        p = self
        if p.kind == "max":
            return F.max_pool2d(x, p.kernel_size, p.stride, p.padding, p.dilation, p.ceil_mode, return_indices=True)
        settings = (p.ceil_mode, p.count_include_pad, p.divisor_override)
        return F.avg_pool2d(x, p.kernel_size, p.stride, p.padding, *settings), None

    def counts(self, h: int, w: int) -> torch.Tensor:
        """How many cells each window reads, of shape (h_out, w_out); torch says it: the sum over a plane of ones."""
        ones = torch.ones(1, h, w, dtype=torch.float64, device="cpu")
        return F.avg_pool2d(ones, self.kernel_size, self.stride, self.padding, self.ceil_mode, divisor_override=1)[0]

    def accepts(self, device: str) -> tuple[torch.dtype, ...]:
        return DTYPES.get((self.kind, device), rules.FLOATS)


def check_kind(kind):
    if not isinstance(kind, str) or kind not in Pooling.OWN:
        raise ValueError(f"kind={kind!r} is not a pooling: use 'max' (nn.MaxPool2d) or 'avg' (nn.AvgPool2d).")


def check_settings(p):
    """Refuse settings that torch refuses for every input; kernel_size first, as it is the default stride too."""
    for name in p.changed():
        if name not in p.OWN[p.kind]:
            raise ValueError(
                f"{name}={rules.short(getattr(p, name))} does not belong to {layer_name(p.kind)}: "
                f"leave it out, or use kind={'avg' if p.kind == 'max' else 'max'!r}."
            )
    rules.check_sliding(p)
    rules.check_padding(p)
    if p.divisor_override == 0:
        raise ValueError("divisor_override=0: nothing can be divided by 0; use another whole number, or None.")
