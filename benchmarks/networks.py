"""What does a report on a whole network cost? Run: python benchmarks/networks.py [--rounds 3] [--json]

`inspect_poolings` on networks of ever more poolings, forwards alone and with a gradient sent back, beside the bare
network on the same pictures in the same run.
"""

import sys
from functools import partial
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.engine import median_times
from benchmarks.result import claim, growth, main
from pooling_course import inspect_poolings

POOLINGS = (1, 2, 4, 8, 16)
PICTURES = (2, 3, 32, 32)


def network(poolings):
    """Blocks of a convolution and a pooling; two poolings halve the map, the others keep its size."""
    layers, channels = [], PICTURES[1]
    for i in range(poolings):
        layers += [nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU()]
        layers.append(nn.MaxPool2d(2) if i in (1, 5) else nn.AvgPool2d(3, stride=1, padding=1))
        channels = 32
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def measure(given):
    ways = {
        "report": lambda model, x: inspect_poolings(model, x),
        "report, backwards too": lambda model, x: inspect_poolings(model, x, backward=True),
        "network, forwards": lambda model, x: model(x),
        "network, forwards and backwards": lambda model, x: model(x).sum().backward(),
    }
    series = {name: [] for name in ways}
    for poolings in POOLINGS:
        torch.manual_seed(0)
        model, x = network(poolings), torch.rand(PICTURES)
        contenders = [(partial(torch.clone, x), partial(way, model)) for way in ways.values()]
        for line, ms in zip(series.values(), median_times(contenders, given.rounds, wait=lambda: None), strict=True):
            line.append(ms)
    last = {name: line[-1] for name, line in series.items()}
    says = f"A report on a network of {POOLINGS[-1]} poolings, backwards too, beside one step of its training"
    figure = last["report, backwards too"] / last["network, forwards and backwards"]
    peer = f"{last['report, backwards too']:.0f} ms beside {last['network, forwards and backwards']:.0f} ms"
    grown = growth(
        "A report on a network, beside the network itself", "poolings of the network", POOLINGS, "ms", series
    )
    return {"claims": [claim(says, figure, "times", peer=peer)], "tables": [], "growth": [grown]}


OPTIONS = {"--rounds": {"type": int, "default": 3}}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
