"""Slider states, pooled by torch ahead and packed for the browser, which only looks them up.

A state is one pooling of one input: where there are winners, these (the output is what they hold), otherwise the
outputs, for averages with the divisors and how much of its upstream gradient each window passes on. A gradient,
`grad<n> <key>`, is the input gradient of a state for upstream gradient n, where 0 stands for ones; where shares depend
on what the cells hold, they come with it. `geometry.js` names states as `Windows.key` does.
"""

import math
from collections.abc import Iterable
from functools import lru_cache

import torch

from ..maths.data import as_it_lies
from ..maths.device import threads
from ..maths.kinds import from_key
from ..maths.trace import Trace, apart, trace
from ..maths.windows import Sliding, Windows

CHUNK = 1_000_000  # bytes of one answer
SENT = 6_000_000  # bytes of states that are saved with a notebook, and of the largest state
SMALL = 2**16  # cells up to which one thread is the fastest


def split(name: str, lender: Windows | None = None) -> tuple[int | None, Windows]:
    """(number of the upstream gradient, None for a forward state; the pooling) of a name."""
    if not name.startswith("grad"):
        return None, _from_key(name, lender)
    head, _, rest = name.partition(" ")
    return int(head.removeprefix("grad")), _from_key(rest, lender)


_from_key = lru_cache(maxsize=4096)(from_key)


def is_name(name, lender: Windows | None = None) -> bool:
    """Whether `name` stands for a state: what a page asks for may be anything."""
    try:
        return bool(split(name, lender))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError):
        return False


def ahead(poolings: Iterable[Windows], most: dict) -> list[Windows]:
    """Every state that the sliders reach from these settings, nearest first; then those behind one more switch.

    `most` says how far the sliders go, by setting.
    """
    poolings = list(poolings)
    fixed = {p.kernel_size for p in poolings if isinstance(p, Sliding) and p.LENDS}  # whose window is that of all
    found = [(steps, p) for pooling in poolings for steps, p in pooling.reach(most)]
    found = [(steps, p) for steps, p in found if not fixed or isinstance(p, Sliding) and p.kernel_size in fixed]
    return poolings + [p for _, p in sorted(found, key=lambda at: at[0])]


class Packer:
    """Packs states of one input (C, H, W) into entries (plain data) and one buffer.

    `upstreams` are the upstream gradients that gradients are asked for by number; 0 is None, which means ones.
    `lender` has what keys leave out, such as the weights of a convolution. `serial` tells the page which input it is.
    """

    def __init__(self, x: torch.Tensor, upstreams: dict | None = None, lender: Windows | None = None, serial=0):
        self.x, self.upstreams, self.lender, self.serial = x, upstreams or {0: None}, lender, serial
        self.float = "f4" if x.dtype in (torch.float16, torch.bfloat16, torch.float32) else "f8"
        self.index = "u2" if x.shape[-1] * x.shape[-2] <= 2**16 else "u4"

    def pack(self, names: Iterable[str], budget: float = float("inf"), known: Iterable[str] = ()) -> dict:
        """`{"entries": [...], "data": bytes}` of as many states as fit the budget (in bytes), the first in any case."""
        known = set(known)
        with threads(1 if self.x.numel() < SMALL else None):
            return self._packed(names, budget, known)

    def _packed(self, names, budget, known):
        entries: list[dict] = []
        parts, used = [], 0
        for name in names:
            if name in known:
                continue
            if entries and used + self.cost(name) > budget:
                break
            known.add(name)
            entry, arrays = self._state(name)
            for field, raw in arrays.items():
                entry[field] = used
                parts.append(raw + bytes(-len(raw) % 8))
                used += len(parts[-1])
            entries.append({"key": name, **entry})
        return {"entries": entries, "data": b"".join(parts)}

    def cost(self, name) -> int:
        """Bytes of one state, about, without torch."""
        upstream, p = split(name, self.lender)
        sizes = self.x.shape[-2:]
        h, w = (max(0, n) for n in p.raw_output_size(*sizes))
        if upstream is not None:
            planes = 1
            if p.shares == "varied" and h * w:  # the shares come along
                planes += math.prod(int(apart(p.taps(i, *of))) for i, of in enumerate(zip(sizes, (h, w), strict=True)))
            return int(self.float[1]) * self.x.numel() * planes
        each = int((self.index if p.shares == "winner" else self.float)[1]) * self.x.shape[0]
        return (each + 16 * (p.shares == "equal")) * h * w  # an average's divisors, and what they pass on

    def _state(self, name):
        try:
            upstream, p = split(name, self.lender)
            self._check_cost(p)
            t = trace(p, as_it_lies(self.x))
            if upstream is not None and upstream not in self.upstreams:
                raise ValueError("this upstream gradient was replaced by another.")
            return self._forward(t) if upstream is None else self._gradient(t, self.upstreams[upstream])
        except (TypeError, ValueError) as error:
            return {"error": str(error)}, {}

    def _check_cost(self, p):
        """Adaptive pooling makes any number of cells."""
        if self.cost(p.key()) > SENT:
            h, w = p.raw_output_size(*self.x.shape[-2:])
            size = f"{len(self.x)} x {h} x {w}"
            raise ValueError(f"{p.code()} makes an output of {size}, too large to be shown: at most {SENT:,} bytes.")

    def _forward(self, t: Trace):
        h, w = t.output.shape[-2:]
        if t.winners is not None:
            return {"h": h, "w": w}, {"winners": _raw(t.winners, self.index)}
        entry, arrays = {"h": h, "w": w}, {"values": _raw(t.output, self.float)}
        if t.divisors is None:
            return entry, arrays
        for one, many, tensor in (("divisor", "divisors", t.divisors), ("passes", "passed", t.passes)):
            if (tensor == tensor[0, 0]).all():
                entry[one] = tensor[0, 0].item()
            else:
                arrays[many] = _raw(tensor, "f8")
        return entry, arrays

    def _gradient(self, t: Trace, upstream):
        if upstream is not None:
            if not fits(upstream, t.output):
                raise ValueError(f"an upstream gradient of {tuple(upstream.shape)} does not fit this output.")
            upstream = upstream.expand(t.output.shape)
        gradient = t.backward(upstream)
        sent = t.output.new_ones(()).expand(t.output.shape) if upstream is None else upstream
        totals = [[a.item(), b.item()] for a, b in zip(sent.sum((1, 2)), gradient.sum((1, 2)), strict=True)]
        entry, arrays = {"totals": sendable(totals)}, {"gradient": _raw(gradient, self.float)}
        if t.spread is not None:
            entry["apart"], arrays["spread"] = list(t.spread.shape[:2]), _raw(t.spread, self.float)
            nothing = t.backward(torch.zeros_like(t.output))
            if nothing.isnan().any():  # 0 times an infinite slope
                arrays["nothing"] = _raw(nothing, self.float)
        return entry, arrays

    def cells(self) -> dict:
        """The input itself."""
        shape, whole = list(self.x.shape), not self.x.is_floating_point()
        data = _raw(self.x, self.float)
        dtype = str(self.x.dtype).removeprefix("torch.")
        told = {"shape": shape, "float": self.float, "index": self.index, "whole": whole, "dtype": dtype, "data": data}
        return told | {"serial": self.serial}


def fits(upstream, output) -> bool:
    """Whether an upstream gradient (1 or C, H, W) has a number for each cell of an output (C, H, W)."""
    return upstream.shape[-2:] == output.shape[-2:] and len(upstream) in (1, len(output))


def _raw(tensor, dtype):
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return tensor.cpu().numpy().astype(f"<{dtype}").tobytes()


def sendable(value):
    """A value for the page; floats that JSON cannot hold go as words.

    >>> sendable({"weight": ((0.5, float("nan")),)})
    {'weight': [[0.5, 'nan']]}
    """
    if isinstance(value, dict):
        return {name: sendable(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [sendable(v) for v in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def received(value):
    """What the page sends back, with its words as floats again."""
    if isinstance(value, dict):
        return {name: received(v) for name, v in value.items()}
    if isinstance(value, list):
        return [received(v) for v in value]
    return float(value) if value in ("nan", "inf", "-inf") else value
