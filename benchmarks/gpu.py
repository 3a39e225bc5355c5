"""Does an accelerator pool as the CPU does, and how fast? Run: python benchmarks/gpu.py [--json] [--device cuda]

The same drawn layers pool the same drawn maps through `trace` on both devices, forwards and backwards, in four dtypes
and both layouts, with ties, NaN, infinities and signed zeros among the numbers. Two things are counted. What is ours
must hold everywhere: a trace gives what the layer itself gives on that device, and its winners are the cells that the
output was taken from. Where torch's own devices differ from each other, that is a fact, and the table tells it.

Then the explorer and `inspect_poolings` are given the same tensors on both, and the device is timed: a trace beside the
bare call, and poolings beside a copy. All of it takes less than six minutes. `--device cpu` tries the script itself.
"""

import random
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import bandwidth, engine
from benchmarks.result import NotHere, claim, main, table
from pooling_course import PoolingExplorer, images, inspect_poolings, trace
from pooling_course.maths.device import best_device

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
SHAPE = (2, 3, 11, 9)
SPECIAL = {"nan": [float("nan")], "inf": [float("inf"), -float("inf")], "zeros": [0.0, -0.0]}
MAPS = ("numbers", "ties", *SPECIAL)
SHOWN = ("digit", "photo", "worked")


# ---- the same on both devices? ---------------------------------------------------------------------------------------


def drawn_layer(draw):
    """A layer with settings that torch takes."""
    kernel = draw.randint(1, 4), draw.randint(1, 4)
    moves = {"stride": draw.randint(1, 3), "padding": min(draw.randint(0, 2), min(kernel) // 2)}
    moves |= {"ceil_mode": draw.random() < 0.5}
    kinds = {
        "max": lambda: nn.MaxPool2d(kernel, **moves, dilation=draw.randint(1, 2)),
        "average": lambda: nn.AvgPool2d(
            kernel, **moves, count_include_pad=draw.random() < 0.5, divisor_override=draw.choice((None, None, 3))
        ),
        "adaptive max": lambda: nn.AdaptiveMaxPool2d(kernel),
        "adaptive average": lambda: nn.AdaptiveAvgPool2d(kernel),
        "LP": lambda: nn.LPPool2d(draw.choice((1, 2, 3)), kernel, stride=moves["stride"], ceil_mode=moves["ceil_mode"]),
    }
    kind = draw.choice(list(kinds))
    return kind, kinds[kind]()


def drawn_map(draw, sort):
    """A float64 map; every dtype gets it rounded."""
    made = torch.Generator().manual_seed(draw.getrandbits(32))
    x = torch.randn(SHAPE, generator=made, dtype=torch.float64)
    if sort != "numbers":
        x = (2 * x).round()
    for value in SPECIAL.get(sort, ()):
        x[torch.rand(SHAPE, generator=made) < 0.15] = value
    return x


def pooled(layer, x):
    """What a trace says, by name; the gradient is that of an upstream which grows from cell to cell."""
    traced = trace(layer, x)
    upstream = torch.arange(1, traced.output.numel() + 1).reshape(traced.output.shape) % 7 - 3.0
    parts = {"output": traced.output, "input gradient": traced.backward(upstream)}
    return parts if traced.winners is None else parts | {"winners": traced.winners}


def ours(layer, x, parts):
    """Sentences about what a trace gives and its own device does not."""
    bare = layer(x)
    if not torch.equal(bare.nan_to_num(7), parts["output"].nan_to_num(7)):
        yield "its output is not the layer's"
    if "winners" in parts:
        picked = x.flatten(-2).gather(-1, parts["winners"].flatten(-2)).reshape(bare.shape)
        if not torch.equal(picked.nan_to_num(7), bare.nan_to_num(7)):
            yield "its winners are not where the output came from"


def apart(one, other):
    """How far two tensors are, in units in the last place of the larger number.

    NaN is the same as NaN, and -0.0 is one step away from 0.0. Whole numbers: in how many places they differ.

    >>> one = torch.tensor([1.0, -0.0, float("nan")])
    >>> apart(one, one), apart(one, one + 0.0), round(apart(one, one * (1 + 2**-22))), apart(one.long(), one.long() + 1)
    (0.0, 1.0, 2, 3.0)
    """
    one, other = one.cpu(), other.cpu()
    if not one.is_floating_point():
        return float((one != other).sum())
    kind, larger = torch.finfo(one.dtype), torch.maximum(one.abs(), other.abs())
    far = (one.double() - other.double()).abs() / (kind.eps * larger.double().clamp(kind.tiny))
    far[(one == other) | (one.isnan() & other.isnan())] = 0
    far[(one == 0) & (other == 0) & (one.signbit() != other.signbit())] = 1
    return far.nan_to_num(float("inf")).max().item()


def compare(device, draws):
    """Rows of (what, dtype, layout, compared, differ, farthest, the first), and sentences on faults of ours."""
    draw = random.Random(0)
    dtypes = [dtype for dtype in DTYPES if device != "mps" or dtype != torch.float64]  # Apple's GPUs have no float64
    counts, faults = {}, []
    for number in range(draws):
        sort, dtype, layout = draw.choice(MAPS), draw.choice(dtypes), draw.choice(list(LAYOUTS))
        kind, layer = drawn_layer(draw)
        x = drawn_map(draw, sort).to(dtype).contiguous(memory_format=LAYOUTS[layout])
        where = f"draw {number}: {layer} on {sort}"
        try:
            here = pooled(layer, x)
        except ValueError:
            continue  # a window that does not fit, told in a sentence
        name = str(dtype).removeprefix("torch.")
        try:
            there = pooled(layer, x.to(device))
        except (TypeError, ValueError, RuntimeError) as reason:
            there, where = {}, f"{where}: {reason}"
        else:
            faults += [f"{where}, {name}, {layout}: {fault}" for fault in ours(layer, x.to(device), there)]
        for part in here:
            row = counts.setdefault((f"{kind}: {part}", name, layout), [0, 0, 0.0, ""])
            far = apart(here[part], there[part]) if there else float("inf")  # refused there
            row[0] += 1
            row[1] += far > 0
            row[2] = max(row[2], far)
            row[3] = row[3] or (where if far else "")
    return [[*what, *row] for what, row in sorted(counts.items())], faults


def agreement(device, draws):
    rows, faults = compare(device, draws)
    head = (
        "what",
        "dtype",
        "layout",
        "compared",
        "differ",
        "farthest, in last places (winners: cells)",
        "first",
    )
    caption = f"The same poolings on the CPU and on {named(device)}, {draws} draws of seed 0"
    says = f"A trace on {named(device)} says what the layer itself gives there"
    said = [claim(says, len(faults), "differ", at_most=0, peer="; ".join(faults[:3]))]
    differ, compared = sum(row[4] for row in rows), sum(row[3] for row in rows)
    said.append(claim(f"Between torch on the CPU and on {named(device)} there differ", differ, f"of {compared:,}"))
    return said, table(caption, head, rows)


# ---- explorer and report ---------------------------------------------------------------------------------------------


def shown_alike(device):
    """Whether the explorer shows the same numbers for a tensor of this device, and a report says the same."""
    differ = []
    for name in SHOWN:
        x = images.preset(name)
        for layer in (nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2)):
            here, there = (PoolingExplorer(x.to(place), layer) for place in ("cpu", device))
            if not torch.equal(here.trace.output.cpu(), there.trace.output.cpu()):
                differ.append(f"{layer} on {name}")
    yield claim(f"Explorers of tensors on {named(device)} that show other numbers", len(differ), "", at_most=0)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2))
    x = torch.randn(2, 3, 32, 32)
    found = [inspect_poolings(model.to(place), x.to(place), backward=True) for place in ("cpu", device)]
    kinds = [[finding.kind for finding in report.findings] + [row.code for row in report.rows] for report in found]
    says = f"Reports of `inspect_poolings` on {named(device)} that find something else"
    yield claim(says, int(kinds[0] != kinds[1]), "", at_most=0)


def named(device):
    return torch.cuda.get_device_name() if device == "cuda" else device.upper()


def measure(given):
    device = given.device or best_device()
    if device == "cpu" and not given.device:
        raise NotHere("This needs a GPU that torch can use (`python course.py lab --gpu` brings torch for one).")
    claims, found = agreement(device, given.draws)
    said, tables = [*claims, *shown_alike(device)], [found]
    traces = list(engine.contests(device, given.rounds))
    said += engine.claims([row for row in traces if row["what"] == "trace(...)"])
    tables.append(engine.written(traces))
    for dtype in [getattr(torch, name) for name in given.dtypes]:
        rows = bandwidth.bandwidth(device, tuple(given.shape), given.seconds, dtype)
        tables.append(
            table(bandwidth.about(device, tuple(given.shape), dtype), rows[0], (row.values() for row in rows))
        )
        said += bandwidth.claims(device, tuple(given.shape), rows, dtype)
    return {"claims": said, "tables": tables, "growth": []}


OPTIONS = {
    "--device": {"help": "cuda, mps or cpu; the best there is"},
    "--draws": {"type": int, "default": 2000, "help": "of a layer and a map"},
    "--rounds": {"type": int, "default": 30, "help": "of a trace beside the bare call"},
    "--seconds": {"type": float, "default": 1.0, "help": "at least so long for each line of the bandwidth"},
    "--shape": {"type": int, "nargs": 4, "default": (32, 64, 112, 112), "metavar": ("N", "C", "H", "W")},
    "--dtypes": {"nargs": "+", "default": ["float32", "float16", "bfloat16"], "help": "of the bandwidth"},
}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
