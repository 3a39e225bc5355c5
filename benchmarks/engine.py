"""What does a trace cost beside the bare torch call? Run: python benchmarks/engine.py [--json] [--rounds 60]

Both are called in turn in the same run, each round in another order, and the medians compared. On a CUDA device each
call is waited for. The claim: the output and the winners of a large map cost at most 1.1 times the bare call that
returns both. How both grow is measured from 6 x 6 cells on; on so small a map the ratio is that of two Python calls.
"""

import random
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.result import claim, growth, main, table
from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.maths.trace import trace

SIZES = ((1, 1, 6, 6), (1, 1, 28, 28), (1, 1, 128, 128), (1, 1, 512, 512))
SHAPE = (8, 64, 112, 112)  # what a network pools after its first layer
SETTINGS = {"kernel_size": 3, "stride": 2, "padding": 1}
NAMES = {"max": "max", "avg": "average"}


def bare(kind, x):
    if kind == "max":
        return F.max_pool2d(x, **SETTINGS, return_indices=True)
    return F.avg_pool2d(x, **SETTINGS)


def bare_backward(kind, x, upstream):
    x = x.clone().requires_grad_()
    output = bare(kind, x)
    return torch.autograd.grad(output[0] if kind == "max" else output, x, upstream)


def whole(kind, x):
    """The claim's own contest: a trace against the bare call."""
    pooling = Pooling(kind, **SETTINGS)
    return "trace(...)", (None, lambda _: trace(pooling, x)), (None, lambda _: bare(kind, x))


def parts(kind, x):
    """(what, ours, torch's own or None); the part that reads a fresh trace makes that trace without timing it."""
    pooling = Pooling(kind, **SETTINGS)
    fresh = lambda: trace(pooling, x)  # noqa: E731
    upstream = torch.ones_like(fresh().output)
    yield (
        ".backward(upstream)",
        (fresh, lambda t: t.backward(upstream)),
        (None, lambda _: bare_backward(kind, x, upstream)),
    )
    yield ".reads", (fresh, lambda t: t.reads), None
    if kind == "avg":
        yield ".divisors", (fresh, lambda t: t.divisors), None
    yield ".window(0, 0), first", (fresh, lambda t: t.window(0, 0)), None
    known = fresh()
    yield ".window(0, 0), again", (None, lambda _: known.window(0, 0)), None


def timed(contender, wait):
    prepare, run = contender
    given = prepare() if prepare else None
    wait()
    start = time.perf_counter()
    run(given)
    wait()
    return time.perf_counter() - start


def median_times(contenders, rounds, wait):
    """The median of each contender in ms, all run in every round, in shuffled order."""
    times = [[] for _ in contenders]
    for round_ in range(-5, rounds):
        for i in random.sample(range(len(contenders)), len(contenders)):
            seconds = timed(contenders[i], wait)
            if round_ >= 0:
                times[i].append(seconds * 1e3)
    return [statistics.median(t) for t in times]


def contests(device, rounds):
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    for shape in (*SIZES, SHAPE):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device)
        for kind in NAMES:
            for what, ours, torchs in (whole(kind, x), *(parts(kind, x) if shape == SHAPE else ())):
                ms, *peer = median_times([c for c in (ours, torchs) if c], rounds, wait)
                row = {"device": device.upper(), "shape": shape, "kind": kind, "what": what, "ms": ms}
                yield row | ({"torch_ms": peer[0], "ratio": ms / peer[0]} if peer else {})


def measure(given):
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    rows = [row for device in devices for row in contests(device, given.rounds)]
    traces = [row for row in rows if row["what"] == "trace(...)"]
    return {"claims": list(claims(traces)), "tables": [written(rows)], "growth": list(lines(traces)), "rows": rows}


def claims(traces):
    for row in traces:
        if row["shape"] == SHAPE:
            pooling = f"torch's own {NAMES[row['kind']]} pooling"
            says = f"A trace of {by(SHAPE)} on the {row['device']} costs little more than {pooling}"
            peer = f"{row['ms']:.1f} ms beside {row['torch_ms']:.1f} ms"
            yield claim(says, row["ratio"], "times", at_most=1.1, peer=peer)


def lines(traces):
    for device in dict.fromkeys(row["device"] for row in traces):
        own = [row for row in traces if row["device"] == device]
        series = {}
        for kind, name in NAMES.items():
            of_kind = [row for row in own if row["kind"] == kind]
            series |= {f"trace, {name}": [row["ms"] for row in of_kind]}
            series |= {f"torch, {name}": [row["torch_ms"] for row in of_kind]}
        cells = [torch.Size(row["shape"]).numel() for row in own if row["kind"] == "max"]
        yield growth(f"A trace against bare torch on the {device}", "cells of the input", cells, "ms", series)


def written(rows):
    head = ("device", "input", "kind", "what", "ours, ms", "torch, ms", "times")
    keys = ("device", "shape", "kind", "what", "ms", "torch_ms", "ratio")
    cells = [[by(row[key]) if key == "shape" else row.get(key) for key in keys] for row in rows]
    settings = ", ".join(f"{name}={value}" for name, value in SETTINGS.items())
    threads = torch.get_num_threads()
    return table(f"Pooling with {settings}; torch uses {threads} thread{'s' * (threads > 1)}", head, cells)


def by(shape):
    return " × ".join(map(str, shape))


OPTIONS = {"--rounds": {"type": int, "default": 60}}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
