"""Slider states, pooled by torch ahead and packed for the browser, which only looks them up.

A state is one pooling of one input: where there are winners, these (the output is what they hold), otherwise the
outputs, for averages with the divisors and how much of its upstream gradient each window passes on. A gradient,
`grad<n> <key>`, is the input gradient of a state for upstream gradient n, where 0 stands for ones; where shares depend
on what the cells hold, they come with it. `geometry.js` names states as `key` does.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from itertools import product

import torch

from ..maths.kinds.adaptive import Adaptive
from ..maths.kinds.depthwise import Depthwise
from ..maths.kinds.lp import LP
from ..maths.kinds.pooling import Pooling
from ..maths.trace import Trace, trace
from ..maths.windows import Windows

AHEAD = 500_000  # bytes sent with the widget itself; what is beyond is asked for when needed
CHUNK = 1_000_000  # bytes of one answer
LARGEST = 2**22  # cells of an output; adaptive pooling makes any number of them
SMALL = 2**16  # cells up to which one thread is the fastest


def key(p: Windows) -> str:
    """The name of a state; settings that cannot matter are dropped, so that twins share it.

    >>> key(Pooling("max", 2)), key(Pooling("avg", 3, 1, count_include_pad=False))
    ('max 2 2 2 2 0 0 0 1 1', 'avg 3 3 1 1 0 0 0 1 -')
    >>> key(Adaptive("adaptive max", (3, None))), key(LP(2, 3, 1))
    ('adaptive-max 3 -', 'lp 3 3 1 1 0 2')
    """
    if isinstance(p, Adaptive):
        return f"{p.kind.replace(' ', '-')} {' '.join('-' if n is None else str(n) for n in p.size)}"
    if isinstance(p, LP):
        return f"lp {' '.join(map(str, (*p.kernel_size, *p.stride, int(p.ceil_mode), p.norm_type)))}"
    if isinstance(p, Depthwise):  # its weights come with the widget
        return f"conv {' '.join(map(str, (*p.stride, *p.padding, *p.dilation)))}"
    numbers = " ".join(map(str, (*p.kernel_size, *p.stride, *p.padding, int(p.ceil_mode))))
    if p.kind == "max":
        dilation = (d if k > 1 else 1 for k, d in zip(p.kernel_size, p.dilation, strict=True))
        return f"max {numbers} {' '.join(map(str, dilation))}"
    counted = p.count_include_pad or p.divisor_override is not None or max(p.padding) == 0
    return f"avg {numbers} {int(counted)} {'-' if p.divisor_override is None else p.divisor_override}"


@lru_cache(maxsize=4096)
def from_key(name: str, convolution: Depthwise | None = None) -> Windows:
    """The pooling that a key stands for; `convolution` lends its weights."""
    kind, *numbers = name.split()
    if kind.startswith("adaptive-"):
        return Adaptive(kind.replace("-", " "), tuple(None if n == "-" else int(n) for n in numbers))
    if kind == "lp":
        kh, kw, sh, sw, ceil = map(int, numbers[:5])
        return LP(float(numbers[5]), (kh, kw), (sh, sw), bool(ceil))
    if kind == "conv":
        sh, sw, ph, pw, dh, dw = map(int, numbers)
        return replace(convolution, stride=(sh, sw), padding=(ph, pw), dilation=(dh, dw))
    kh, kw, sh, sw, ph, pw, ceil = map(int, numbers[:7])
    if kind == "max":
        dilation = tuple(map(int, numbers[7:9]))
        return Pooling(kind, (kh, kw), (sh, sw), (ph, pw), dilation, bool(ceil))
    divisor = None if numbers[8] == "-" else int(numbers[8])
    return Pooling(kind, (kh, kw), (sh, sw), (ph, pw), 1, bool(ceil), numbers[7] == "1", divisor)


def split(name: str, convolution: Depthwise | None = None) -> tuple[int | None, Windows]:
    """(number of the upstream gradient, None for a forward state; the pooling) of a name."""
    if not name.startswith("grad"):
        return None, from_key(name, convolution)
    head, _, rest = name.partition(" ")
    return int(head.removeprefix("grad")), from_key(rest, convolution)


def is_name(name, convolution: Depthwise | None = None) -> bool:
    """Whether `name` stands for a state: what a page asks for may be anything."""
    try:
        return bool(split(name, convolution))
    except (AttributeError, IndexError, TypeError, ValueError, OverflowError):
        return False


def ahead(poolings: list[Windows], most: dict) -> Iterator[Windows]:
    """Every state the sliders reach from these settings, nearest first; then those behind one more switch.

    `most` says how far the sliders go: {"kernel_size", "stride", "output_size", "norm_type"}.
    """
    yield from poolings
    if isinstance(poolings[0], Adaptive):
        here = poolings[0].size[0] or 1
        for n in sorted(range(1, most["output_size"] + 1), key=lambda n: abs(n - here)):
            yield from (replace(p, size=n) for p in poolings)
        return
    yield from (n for p in poolings if isinstance(p, LP) for n in _norms(p, most))
    fixed = next((p.kernel_size[0] for p in poolings if isinstance(p, Depthwise)), None)
    kernels = [fixed] if fixed else range(1, most["kernel_size"] + 1)
    grid = [
        (k, s, p)
        for k, s, p in product(kernels, range(1, most["stride"] + 1), range(max(kernels) // 2 + 1))
        if p <= k // 2
    ]
    here = (poolings[0].kernel_size[0], poolings[0].stride[0], poolings[0].padding[0])
    grid.sort(key=lambda at: sum(abs(a - b) for a, b in zip(at, here, strict=True)))
    for base in (poolings, [v for p in poolings for v in _switched(p)]):
        for k, s, p in grid:
            for b in base:
                yield from _placed(b, k, s, p)


def _placed(base, k, s, p):
    """The settings of `base` with the sliders here, if it has such a place."""
    if isinstance(base, Pooling):
        yield replace(base, kernel_size=k, stride=s, padding=p)
    elif isinstance(base, Depthwise):
        yield replace(base, stride=s, padding=p)
    elif p == 0:
        yield replace(base, kernel_size=k, stride=s)


def _norms(p, most):
    yield from (replace(p, norm_type=n) for n in range(1, most["norm_type"] + 1) if n != p.norm_type)


def _switched(p):
    if isinstance(p, Depthwise):
        yield from (replace(p, dilation=d) for d in (1, 2, 3) if p.dilation != (d, d))
        return
    if isinstance(p, LP):
        yield replace(p, ceil_mode=not p.ceil_mode)
        return
    p = replace(p, kernel_size=1, stride=1, padding=0)
    yield replace(p, ceil_mode=not p.ceil_mode)
    if p.kind == "avg":
        yield replace(p, count_include_pad=not p.count_include_pad)
        yield replace(p, ceil_mode=not p.ceil_mode, count_include_pad=not p.count_include_pad)
    else:
        yield from (replace(p, dilation=d) for d in (1, 2, 3) if p.dilation != (d, d))


class Packer:
    """Packs states of one input (C, H, W) into entries (plain data) and one buffer.

    `upstreams` are the upstream gradients that gradients are asked for by number; 0 is None, which means ones.
    `convolution` has the weights of those states that are convolutions. `serial` tells the page which input it is.
    """

    def __init__(self, x: torch.Tensor, upstreams: dict | None = None, convolution: Depthwise | None = None, serial=0):
        self.x, self.upstreams, self.convolution, self.serial = x, upstreams or {0: None}, convolution, serial
        self.float = "f4" if x.dtype in (torch.float16, torch.bfloat16, torch.float32) else "f8"
        self.index = "u2" if x.shape[-1] * x.shape[-2] <= 2**16 else "u4"

    def pack(self, names: Iterable[str], budget: float = float("inf"), known: Iterable[str] = ()) -> dict:
        """`{"entries": [...], "data": bytes}` of as many states as fit the budget (in bytes), the first in any case."""
        known = set(known)
        with threads(1 if self.x.numel() < SMALL else None):
            return self._packed(names, budget, known)

    def _packed(self, names, budget, known):
        entries, parts, used = [], [], 0
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
        upstream, p = split(name, self.convolution)
        if upstream is not None:
            return int(self.float[1]) * self.x.numel()
        h, w = (max(0, n) for n in p.raw_output_size(*self.x.shape[-2:]))
        return int((self.index if p.kind.endswith("max") else self.float)[1]) * self.x.shape[0] * h * w

    def _state(self, name):
        try:
            upstream, p = split(name, self.convolution)
            _affordable(p, *p.raw_output_size(*self.x.shape[-2:]))
            t = trace(p, self.x)
            if upstream is not None and upstream not in self.upstreams:
                raise ValueError("this upstream gradient was replaced by another.")
            return self._forward(t) if upstream is None else self._gradient(t, self.upstreams[upstream])
        except (TypeError, ValueError) as error:
            return {"error": str(error)}, {}

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
        entry, arrays = {"totals": _plain(totals)}, {"gradient": _raw(gradient, self.float)}
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
        told = {"shape": shape, "float": self.float, "index": self.index, "whole": whole, "data": data}
        return told | {"serial": self.serial}


def fits(upstream, output) -> bool:
    """Whether an upstream gradient (1 or C, H, W) has a number for each cell of an output (C, H, W)."""
    return upstream.shape[-2:] == output.shape[-2:] and len(upstream) in (1, len(output))


def _affordable(p, h, w):
    if h > 0 and w > 0 and h * w > LARGEST:
        raise ValueError(f"{p.code()} makes an output of {h} x {w}, too large to be shown: at most {LARGEST:,} cells.")


@contextmanager
def threads(number):
    """Hundreds of tiny poolings wait for threads longer than they compute, many times so on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _raw(tensor, dtype):
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return tensor.cpu().numpy().astype(f"<{dtype}").tobytes()


def _plain(value):
    """Floats that JSON cannot hold as words."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value if abs(value) < float("inf") else str(value)
