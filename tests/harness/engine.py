"""The page's engine beside torch: cases drawn, the engine asked under plain Node, each number of its answers judged.

Bit for bit: max, average, adaptive pooling, fractional max, LP with norm_type=1, and their gradients. Where torch's own
order of operations depends on the processor (powers, convolutions, the mean that a 1 x 1 adaptive average is, totals),
a difference is measured against the sum of the terms' magnitudes: where terms cancel, no digit of the rest means much.
"""

import json
import math
import random
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from harness.node import node
from pooling_course.explorer.states import Packer
from pooling_course.maths.kinds.adaptive import Adaptive
from pooling_course.maths.kinds.depthwise import Depthwise
from pooling_course.maths.kinds.fractional import Fractional
from pooling_course.maths.kinds.lp import LP
from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.maths.windows import Windows
from pooling_course.web import assets

ENGINE = ("explorer/engine.js", "explorer/kinds/kinds.js")
DRIVER = Path(__file__).with_name("engine.mjs")
INF, NAN = math.inf, math.nan


class Case(NamedTuple):
    """A pooling, an input (C, H, W), and an upstream gradient typed in: float64 (1 or C, h, w), or None."""

    pooling: Windows
    x: torch.Tensor
    upstream: torch.Tensor | None = None


# --- cases ------------------------------------------------------------------------------------------------------------


def drawn(n, seed=0, largest=12):
    """n cases that torch takes."""
    rng, found = random.Random(seed), []
    while len(found) < n:
        channels, h, w = rng.choice([1, 1, 2, 3]), rng.randint(1, largest), rng.randint(1, largest)
        try:
            p = any_pooling(rng, channels, h, w)
            out = p.output_size(h, w)
        except ValueError:  # no window fits, or one would read no cell
            continue
        upstream = any_numbers(rng, (rng.choice([1, channels]), *out)).double()
        x = any_numbers(rng, (channels, h, w))
        if x.dtype not in p.accepts("cpu"):
            continue
        found.append(Case(p, x, upstream.nan_to_num(0.5, 3, -3).clamp(-1e30, 1e30)))
    return found


def any_pooling(rng, channels, h, w):
    kind = rng.choices(["max", "avg", "adaptive", "fractional", "lp", "conv"], [6, 6, 4, 2, 2, 2])[0]
    kernel = (rng.randint(1, 6), rng.randint(1, 6)) if rng.random() < 0.5 else (rng.randint(1, 5),) * 2
    stride = rng.choice([None, None, rng.randint(1, 4), (rng.randint(1, 6), rng.randint(1, 6))])
    padding = tuple(rng.randint(0, k // 2) for k in kernel)
    ceil = rng.random() < 0.5
    if kind == "max":
        return Pooling("max", kernel, stride, padding, rng.choice([1, 1, 2, 3, (1, 3), (2, 1)]), ceil)
    if kind == "avg":
        divisor = rng.choice([None, None, None, 1, 3, -2, 2**25 + 1])
        return Pooling("avg", kernel, stride, padding, 1, ceil, rng.random() < 0.5, divisor)
    if kind == "adaptive":
        size = rng.choice([rng.randint(1, 6), (rng.randint(1, 9), rng.randint(1, 9)), (None, rng.randint(1, 5))])
        return Adaptive(rng.choice(["adaptive max", "adaptive avg"]), size)
    if kind == "fractional":
        return Fractional(
            kernel, (rng.randint(1, 6), rng.randint(1, 6)), (rng.random(), rng.choice([0, 0.5, rng.random()]))
        )
    if kind == "lp":
        return LP(rng.choice([1, 1, 2, 2, 3, 0.5, 1.5, 4, 5, 10]), kernel, stride, ceil)
    weight = [[[rng.choice([0.25, -1, 0, rng.uniform(-1, 1)]) for _ in range(kernel[1])] for _ in range(kernel[0])]]
    bias = rng.choice([None, [rng.uniform(-1, 1) for _ in range(channels)]])
    return Depthwise(weight * channels, bias, stride or 1, rng.choice([0, 1, (3, 2)]), rng.choice([1, 1, 2]))


HARD = [INF, -INF, NAN, 0.0, -0.0, 1e-45, -1e-45, -1e-40, 3e38, -3e38, 1.0, 1.0, -1.0, 0.1]
STYLES = {
    "digits": lambda rng, n: rng.integers(0, 10, n),
    "quarters": lambda rng, n: rng.integers(-20, 21, n) / 4,
    "pixels": lambda rng, n: rng.integers(0, 256, n).astype("f4") / np.float32(255),
    "reals": lambda rng, n: rng.normal(size=n),
    "scales": lambda rng, n: rng.normal(size=n) * 10 ** rng.uniform(-6, 6, n),
    "ties": lambda rng, n: rng.choice([0.0, -0.0, 1.0], n),
    "negative": lambda rng, n: -rng.exponential(size=n),
    "hard": lambda rng, n: rng.choice(HARD, n),
    "some nan": lambda rng, n: np.where(rng.random(n) < 0.2, NAN, rng.normal(size=n)),
}


def any_numbers(rng, shape):
    style = STYLES[rng.choice(list(STYLES))]
    values = style(np.random.default_rng(rng.getrandbits(32)), math.prod(shape))
    dtype = torch.float64 if rng.random() < 0.1 else torch.float32
    return torch.tensor(np.asarray(values, "f8"), dtype=dtype).reshape(shape)


# --- asking -----------------------------------------------------------------------------------------------------------


def pooled(cases, folder, source=None):
    """What the engine, or the source given in its place, answers to each case: (entries, bytes), as `Packer.pack`."""
    module, asked, numbers, answers = (folder / n for n in ("engine.mjs", "cases.json", "numbers", "answers.json"))
    module.write_text(source or assets.script(*ENGINE), "utf-8")
    told, held = [], bytearray()

    def put(tensor):
        held.extend(bytes(-len(held) % 8))
        held.extend(tensor.contiguous().numpy().tobytes())
        return len(held) - tensor.numel() * tensor.element_size()

    for case in cases:
        packer, (channels, h, w) = packer_of(case), case.x.shape
        x = case.x.double() if packer.float == "f8" else case.x
        input = {"channels": channels, "h": h, "w": w, "float": packer.float, "index": packer.index, "at": put(x)}
        upstream = None if case.upstream is None else [put(case.upstream), case.upstream.numel()]
        names = [[name, upstream if name.startswith("grad1") else None] for name in names_of(case)]
        weights = case.pooling.traits()["weights"] if case.pooling.kind == "conv" else None
        whole = not case.x.is_floating_point()
        told.append({"input": {**input, "whole": whole}, "asked": names, "weights": weights})
    asked.write_text(json.dumps(told), "utf-8")
    numbers.write_bytes(held)
    done = subprocess.run([node(), DRIVER, module.as_uri(), asked, numbers, answers], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    data = memoryview(Path(f"{answers}.bin").read_bytes())
    found = [(a["entries"], data[a["from"] : a["to"]]) for a in json.loads(answers.read_text("utf-8"))]
    assert len(found) == len(cases)
    return found


def packer_of(case):
    return Packer(case.x, {0: None, 1: case.upstream}, case.pooling)


def names_of(case):
    name = case.pooling.key()
    gradients = () if not case.x.is_floating_point() else ("grad0",) if case.upstream is None else ("grad0", "grad1")
    return [name, *(f"{gradient} {name}" for gradient in gradients)]


def unpacked(entries, data, case):
    """{name: entry}, with its lists in place of where they lie."""
    packer, channels, found = packer_of(case), len(case.x), {}
    for entry in entries:
        out = (entry.get("h"), entry.get("w"))
        lists = {"winners": (packer.index, (channels, *out)), "values": (packer.float, (channels, *out))}
        lists |= {"divisors": ("f8", out), "passed": ("f8", out), "gradient": (packer.float, case.x.shape)}
        lists |= {"nothing": (packer.float, case.x.shape)}
        lists |= {"spread": (packer.float, (*entry.get("apart", ()), *case.x.shape))}
        found[entry["key"]] = entry | {
            field: np.frombuffer(data, f"<{dtype}", math.prod(shape), entry[field]).reshape(shape)
            for field, (dtype, shape) in lists.items()
            if field in entry
        }
    return found


# --- judging ----------------------------------------------------------------------------------------------------------

UNITS = 16  # roundings that an order of operations may be apart by, each relative to the sum of the terms' magnitudes


class Judge:
    """Compares answers with torch: `wrong` has what differs, `compared` and `skipped` how many numbers there were.

    `worst` says how much of its slack the worst number of each kind took, where numbers need not be equal.
    """

    def __init__(self):
        self.settings, self.compared, self.skipped, self.worst, self.wrong = Counter(), Counter(), Counter(), {}, []

    def __str__(self):
        counts = (self.settings, self.compared, self.skipped)
        return "{:,} settings, {:,} numbers compared, {:,} of those skipped".format(*(c.total() for c in counts))

    def judge(self, case, answer):
        right = packer_of(case).pack(names_of(case))
        theirs, ours = unpacked(right["entries"], right["data"], case), unpacked(*answer, case)
        self.settings[case.pooling.kind] += 1
        for name, its in theirs.items():
            mine = ours.get(name, {})
            if mine.keys() != its.keys():
                self.wrong.append((case, name, sorted(mine), sorted(its)))
                continue
            slack = slacks(case, name, its)
            for field in its.keys() - {"key"}:
                self.field(case, name, field, mine[field], its[field], slack.get(field))
            if "winners" in its and np.array_equal(mine["winners"], its["winners"]):
                self.field(case, name, "maxima", held(case, mine["winners"]), case.pooling.pool(case.x)[0].numpy())
        return self

    def field(self, case, name, field, ours, theirs, slack=None):
        ours, theirs = (np.asarray(v) if isinstance(v, np.ndarray) else np.array(v, "f8") for v in (ours, theirs))
        self.compared[field] += theirs.size
        if slack is None:
            if not np.array_equal(bits(ours), bits(theirs)):
                self.wrong.append((case, name, field, ours, theirs))
            return
        with np.errstate(all="ignore"):
            off = np.where((ours == theirs) | np.isnan(ours) & np.isnan(theirs), 0, np.abs(ours - theirs))
            unsure = np.isinf(slack)  # too large for the dtype in one order of operations, or all of it cancelled
            share = np.where(unsure | (off == 0), 0, off / slack)
        if not (share <= 1).all():  # nan is none, either
            self.wrong.append((case, name, field, ours, theirs, share))
        self.skipped[field] += int((unsure & (off > 0)).sum())
        kind = f"{case.pooling.kind} {field}"
        self.worst[kind] = max(self.worst.get(kind, 0), float(np.nanmax(share, initial=0)))


def bits(values):
    """The bits of numbers, those of every nan alike."""
    if values.dtype.kind != "f":
        return values
    return np.where(np.isnan(values), np.array(NAN, values.dtype), values).view(f"u{values.dtype.itemsize}")


def held(case, winners):
    """What the winners hold."""
    flat = case.x.numpy().reshape(len(case.x), -1)
    return np.take_along_axis(flat, winners.reshape(len(flat), -1).astype(int), 1).reshape(winners.shape)


def slacks(case, name, entry):
    """{field: by how much each number may differ} of a state, for those fields that are not compared bit for bit."""
    p, x, backward = case.pooling, case.x.double(), name.startswith("grad")
    found, info = {}, torch.finfo(case.x.dtype) if case.x.is_floating_point() else None
    upstream = case.upstream if name.startswith("grad1") else None
    if p.kind == "conv":
        found = of_weights(p, x, upstream, info)
    elif p.kind == "lp" and p.norm_type != 1:
        found = of_roots(p, x, upstream, info)
    elif p.kind == "adaptive avg" and p.raw_output_size(*x.shape[-2:]) == (1, 1):
        found = {"values": bounded(magnitude(x).sum((1, 2), keepdim=True), info) / x[0].numel()}
    if backward:
        got = bounded(magnitude(torch.tensor(entry["gradient"]).double()).sum((1, 2)), info)
        got = got + np.broadcast_to(found.get("gradient", 0), x.shape).sum((1, 2))
        sent = np.zeros(1) if upstream is None else bounded(upstream.abs().sum((1, 2)), torch.finfo(torch.float64))
        found["totals"] = np.stack([np.broadcast_to(sent, got.shape), got], 1)
    return found


def magnitude(x):
    """What is finite in x; the rest must be the same here and there, whatever the slack."""
    return x.abs().nan_to_num(0, 0, 0)


def bounded(magnitudes, info):
    """The slack of sums whose terms have these magnitudes in all; infinite where that is too large for the dtype."""
    return torch.where(magnitudes > info.max / 2, INF, UNITS * (info.eps * magnitudes + info.tiny)).numpy()


def pulled(layer, x, upstream):
    """The input gradient of a layer."""
    x = x.clone().requires_grad_()
    output = layer(x)
    return torch.autograd.grad(output, x, torch.ones_like(output) if upstream is None else upstream.expand_as(output))[
        0
    ]


def of_weights(p, x, upstream, info):
    weight, bias = (None if v is None else torch.tensor(v, dtype=torch.float64).abs() for v in (p.weight, p.bias))

    def layer(x):
        return F.conv2d(x, weight[:, None], bias, p.stride, p.padding, p.dilation, len(weight))

    gradient = pulled(layer, x, None if upstream is None else upstream.abs())
    return {"values": bounded(layer(magnitude(x)), info), "gradient": bounded(gradient, info)}


def of_roots(p, x, upstream, info):
    """Powers and roots have errors of their own, more where exponents are large and where terms under a root cancel."""

    def sums(x):
        return F.avg_pool2d(x, p.kernel_size, p.stride, 0, p.ceil_mode, divisor_override=1)

    def relative(base, exponent):
        return UNITS * info.eps * (1 + (exponent * base.abs().log()).abs().nan_to_num(0, 0, 0))

    root, count = 1 / p.norm_type, sums(torch.ones_like(x))
    area, powers = math.prod(p.kernel_size), x.pow(p.norm_type)
    scaled = sums(powers) / count * area
    terms = sums(magnitude(powers) * relative(x, p.norm_type)) / count * area + UNITS * info.tiny
    unsure = (terms > scaled.abs() / 4) & (scaled != 0) | (sums(magnitude(powers)) * area > info.max / 2)
    lost = torch.where(unsure, INF, torch.where(scaled.isfinite() & (scaled != 0), terms / scaled.abs(), 0))
    values = 2 * magnitude(scaled.pow(root)) * (root * lost + relative(scaled, root))

    def gradient(upstream):
        slopes = torch.where(scaled == 0, 0, root * scaled.pow(root - 1) * area)
        sent = (slopes if upstream is None else slopes * upstream).abs()
        doubt = torch.where(unsure, INF, sent * (abs(root - 1) * lost + relative(scaled, root - 1)))
        off = pulled(lambda x: sums(x) / count, x, torch.where(sent == 0, 0, doubt))
        off = off + pulled(lambda x: sums(x) / count, x, torch.where(unsure, 0, sent)) * relative(x, p.norm_type - 1)
        inner = (p.norm_type * x.pow(p.norm_type - 1)).abs()
        return (2 * off * inner + UNITS * info.tiny).nan_to_num(INF, INF).numpy()  # unsure times 0 is unsure, too

    return {"values": values.numpy(), "gradient": gradient(upstream), "spread": gradient(None), "nothing": 0}
