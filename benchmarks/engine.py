"""What does a trace cost beside the bare torch call? Run: python benchmarks/engine.py [--json] [--rounds 60]

Both are called in turn in the same run, each round in another order, and the medians compared. On a CUDA device each
call is waited for. The claim: the output and the winners cost at most 1.1 times the bare call that returns both.
"""

import argparse
import json
import platform
import random
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parents[1]))

from pooling_course.pooling import Pooling, trace

SHAPE = (8, 64, 112, 112)
SETTINGS = {"kernel_size": 3, "stride": 2, "padding": 1}


def bare(kind, x):
    if kind == "max":
        return F.max_pool2d(x, **SETTINGS, return_indices=True)
    return F.avg_pool2d(x, **SETTINGS)


def bare_backward(kind, x, upstream):
    x = x.clone().requires_grad_()
    output = bare(kind, x)
    return torch.autograd.grad(output[0] if kind == "max" else output, x, upstream)


def contests(kind, x):
    """{what: (ours, torch's own or None)}; the part that reads a fresh trace makes that trace without timing it."""
    pooling = Pooling(kind, **SETTINGS)
    fresh = lambda: trace(pooling, x)  # noqa: E731
    upstream = torch.ones_like(fresh().output)
    yield "trace(...)", (None, lambda _: fresh()), (None, lambda _: bare(kind, x))
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


def measure(device, rounds):
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    x = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)).to(device)
    for kind in ("max", "avg"):
        for what, ours, torchs in contests(kind, x):
            ms, *peer = median_times([c for c in (ours, torchs) if c], rounds, wait)
            row = {"device": device, "kind": kind, "what": what, "ms": ms}
            yield row | ({"torch_ms": peer[0], "ratio": ms / peer[0]} if peer else {})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    random.seed(0)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    rows = [row for device in devices for row in measure(device, given.rounds)]
    about = {"torch": torch.__version__, "threads": torch.get_num_threads(), "machine": platform.machine()}
    about |= {"shape": SHAPE, "settings": SETTINGS, "rounds": given.rounds}
    if given.json:
        print(json.dumps(about | {"rows": rows}, indent=1))
        return
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    print(f"{'device':6} {'kind':4} {'what':22} {'ours ms':>9} {'torch ms':>9} {'ratio':>6}")
    for row in rows:
        peer = f" {row['torch_ms']:9.3f} {row['ratio']:6.3f}" if "ratio" in row else ""
        print(f"{row['device']:6} {row['kind']:4} {row['what']:22} {row['ms']:9.3f}{peer}")


if __name__ == "__main__":
    main()
