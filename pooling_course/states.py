"""Slider states, pooled by torch ahead and packed for the browser, which only looks them up.

A state is one pooling of one input: for max the winners (the output is what the winners hold), for average the
outputs and the divisors. `geometry.js` names states as `key` does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

import torch

from .pooling import Pooling, trace

AHEAD = 300_000  # bytes sent with the widget itself; what is beyond is asked for when needed
CHUNK = 1_000_000  # bytes of one answer


def key(p: Pooling) -> str:
    """The name of a state; settings that cannot matter are dropped, so that twins share it.

    >>> key(Pooling("max", 2)), key(Pooling("avg", 3, 1, count_include_pad=False))
    ('max 2 2 2 2 0 0 0 1 1', 'avg 3 3 1 1 0 0 0 1 -')
    """
    numbers = " ".join(map(str, (*p.kernel_size, *p.stride, *p.padding, int(p.ceil_mode))))
    if p.kind == "max":
        dilation = (d if k > 1 else 1 for k, d in zip(p.kernel_size, p.dilation, strict=True))
        return f"max {numbers} {' '.join(map(str, dilation))}"
    counted = p.count_include_pad or p.divisor_override is not None or max(p.padding) == 0
    return f"avg {numbers} {int(counted)} {'-' if p.divisor_override is None else p.divisor_override}"


def from_key(name: str) -> Pooling:
    """The pooling that a key stands for."""
    kind, *numbers = name.split()
    kh, kw, sh, sw, ph, pw, ceil = map(int, numbers[:7])
    if kind == "max":
        dilation = tuple(map(int, numbers[7:9]))
        return Pooling("max", (kh, kw), (sh, sw), (ph, pw), dilation, bool(ceil))
    divisor = None if numbers[8] == "-" else int(numbers[8])
    return Pooling("avg", (kh, kw), (sh, sw), (ph, pw), 1, bool(ceil), numbers[7] == "1", divisor)


def ahead(poolings: list[Pooling], most_kernel: int, most_stride: int) -> Iterator[Pooling]:
    """Every state the sliders reach from these settings, nearest first; then those behind one more switch."""
    grid = list(product(range(1, most_kernel + 1), range(1, most_stride + 1), range(most_kernel // 2 + 1)))
    here = (poolings[0].kernel_size[0], poolings[0].stride[0], poolings[0].padding[0])
    grid.sort(key=lambda at: sum(abs(a - b) for a, b in zip(at, here, strict=True)))
    yield from poolings
    for base in (poolings, [v for p in poolings for v in _switched(p)]):
        for k, s, p in grid:
            if p <= k // 2:
                yield from (replace(b, kernel_size=k, stride=s, padding=p) for b in base)


def _switched(p):
    p = replace(p, kernel_size=1, stride=1, padding=0)
    yield replace(p, ceil_mode=not p.ceil_mode)
    if p.kind == "avg":
        yield replace(p, count_include_pad=not p.count_include_pad)
        yield replace(p, ceil_mode=not p.ceil_mode, count_include_pad=not p.count_include_pad)
    else:
        yield from (replace(p, dilation=d) for d in (1, 2, 3) if p.dilation != (d, d))


class Packer:
    """Packs states of one input (C, H, W) into entries (plain data) and one buffer."""

    def __init__(self, x: torch.Tensor):
        self.x = x
        self.float = "f4" if x.dtype in (torch.float16, torch.bfloat16, torch.float32) else "f8"
        self.index = "u2" if x.shape[-1] * x.shape[-2] <= 2**16 else "u4"

    def pack(self, poolings: Iterable[Pooling], budget: float = float("inf"), known: Iterable[str] = ()) -> dict:
        """`{"entries": [...], "data": bytes}` of as many states as fit the budget (in bytes), the first in any case."""
        entries, parts, used, known = [], [], 0, set(known)
        for p in poolings:
            if (name := key(p)) in known:
                continue
            if entries and used + self.cost(p) > budget:
                break
            known.add(name)
            entry, arrays = self._state(p)
            for field, raw in arrays.items():
                entry[field] = used
                parts.append(raw + bytes(-len(raw) % 8))
                used += len(parts[-1])
            entries.append({"key": name, **entry})
        return {"entries": entries, "data": b"".join(parts)}

    def cost(self, p) -> int:
        """Bytes of one state, without torch."""
        h, w = (max(0, n) for n in p.raw_output_size(*self.x.shape[-2:]))
        return int((self.index if p.kind == "max" else self.float)[1]) * self.x.shape[0] * h * w

    def _state(self, p):
        try:
            t = trace(p, self.x)
        except (TypeError, ValueError) as error:
            return {"error": str(error)}, {}
        h, w = t.output.shape[-2:]
        if p.kind == "max":
            return {"h": h, "w": w}, {"winners": _raw(t.winners, self.index)}
        divisors = t.divisors.unique()
        if len(divisors) == 1:
            return {"h": h, "w": w, "divisor": divisors.item()}, {"values": _raw(t.output, self.float)}
        return {"h": h, "w": w}, {"values": _raw(t.output, self.float), "divisors": _raw(t.divisors, "u4")}

    def cells(self) -> dict:
        """The input itself."""
        shape, whole = list(self.x.shape), not self.x.is_floating_point()
        data = _raw(self.x, self.float)
        return {"shape": shape, "float": self.float, "index": self.index, "whole": whole, "data": data}


def _raw(tensor, dtype):
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return tensor.cpu().numpy().astype(f"<{dtype}").tobytes()
