"""The same small network with different ways to shrink its maps, trained on real digits: what differs, how surely."""

import statistics
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from .. import images
from ..maths.device import threads
from ..pictures.canvas import Picture
from ..pictures.charts import dots
from .bar import Bar
from .report import gradient_report
from .shifts import BlurPool2d
from .table import Table

TRAIN = 1200  # the first digits are for learning, the other 597 for the test
WIDTHS = (8, 16)
BATCH, RATE = 64, 0.015
SHIFTS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]

# By name: what makes the layer that shrinks maps of so many channels; None lets the convolution before it move by 2.
WAYS = {
    "max": lambda channels: nn.MaxPool2d(2),
    "average": lambda channels: nn.AvgPool2d(2),
    "strided": None,
    "blur": lambda channels: BlurPool2d(3),
    "none": lambda channels: nn.Identity(),
}


@dataclass(frozen=True)
class Task:
    """Images and labels to learn from and to be tested on: (n, 1, H, W) floats and (n,) classes 0 to 9."""

    x: torch.Tensor
    y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor


def digit_task(margin=2) -> Task:
    """The real digits on an empty border of `margin` cells, so that a shift by one loses nothing; values 0 to 1.

    The first 1200 of the data set are for learning, the last 597 for the test.

    >>> task = digit_task()
    >>> task.x.shape, task.test_x.shape
    (torch.Size([1200, 1, 12, 12]), torch.Size([597, 1, 12, 12]))
    """
    x, y = images.digits()
    return _split(F.pad(x / 16, (margin,) * 4), y)


def scattered_task(noise=0.3, size=16, seed=0) -> Task:
    """The same digits, each at a random place of an empty map of size x size, with noise on every cell.

    Args:
        noise: standard deviation of the noise; the digits run from 0 to 1.
        size: rows and columns, 10 or more.
        seed: of the places and the noise.

    >>> scattered_task().x.shape
    torch.Size([1200, 1, 16, 16])
    """
    if size < 10:
        raise ValueError(f"size={size}: a digit of 8 x 8 and room around it need at least 10.")
    x, y = images.digits()
    draw = torch.Generator().manual_seed(seed)
    places = torch.randint(1, size - 8, (len(x), 2), generator=draw).tolist()
    maps = noise * torch.randn(len(x), 1, size, size, generator=draw)
    for place, digit, (row, col) in zip(maps, x / 16, places, strict=True):
        place[:, row : row + 8, col : col + 8] += digit
    return _split(maps, y)


def _split(x, y):
    return Task(x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:])


def small_network(shrink, classes=10) -> nn.Sequential:
    """Three convolutions of 3 x 3, each with batch norm and ReLU; the first two are followed by `shrink`.

    At the end each map is averaged as a whole, and a linear layer reads the averages. So the number of parameters does
    not depend on the size of the maps.

    Args:
        shrink: a function from the number of channels to a layer, or None: then the first two convolutions move by 2.
        classes: how many numbers come out for each image.

    Shape:
        (N, 1, H, W) to (N, classes).

    >>> [sum(p.numel() for p in small_network(way).parameters()) for way in WAYS.values()]
    [3778, 3778, 3778, 3778, 3778]
    """
    first, second = WIDTHS
    parts: dict[str, nn.Module] = {}
    for i, (before, after) in enumerate(((1, first), (first, second), (second, second)), 1):
        stride = 2 if shrink is None and i < 3 else 1
        parts[f"conv{i}"] = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        parts[f"norm{i}"] = nn.BatchNorm2d(after)
        parts[f"relu{i}"] = nn.ReLU()
        if shrink is not None and i < 3:
            parts[f"shrink{i}"] = shrink(after)
    parts |= {"mean": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(), "linear": nn.Linear(second, classes)}
    model = nn.Sequential()
    for name, part in parts.items():
        model.add_module(name, part)
    return model


@dataclass(frozen=True)
class Run:
    """One network, trained from one seed.

    Attributes:
        way, seed: which network, and the seed of its weights and of the order of the images.
        accuracy: share of test digits that it names right.
        shifted: the same on the test digits moved by one cell, over all eight directions.
        steady: share of test digits that it gives the same name in all eight, right or wrong.
        reached: share of the numbers before its second shrinking step that get a gradient (200 digits, trained).
        seconds: what the training took.
    """

    way: str
    seed: int
    accuracy: float
    shifted: float
    steady: float
    reached: float
    seconds: float


class Comparison:
    """What `compare_ways` found.

    Attributes:
        runs: a list of Run, seed by seed.
        table: mean and range of each measure, way by way.
    """

    def __init__(self, runs):
        self.runs = runs

    def of(self, way, measure="accuracy") -> list[float]:
        """The measure for each seed."""
        return [getattr(run, measure) for run in self.runs if run.way == way]

    @property
    def ways(self):
        return list(dict.fromkeys(run.way for run in self.runs))

    @property
    def table(self) -> Table:
        rows = []
        for way in self.ways:
            row = {"way": way}
            for measure, head in (("accuracy", "accuracy %"), ("shifted", "after a shift %"), ("steady", "steady %")):
                row[head] = _spread([100 * value for value in self.of(way, measure)])
            row["gets a gradient %"] = _spread([100 * value for value in self.of(way, "reached")])
            row["seconds"] = f"{statistics.median(self.of(way, 'seconds')):.2g}"
            rows.append(row)
        return Table(rows, f"Mean (smallest to largest) of {len(self.of(self.ways[0]))} seeds; seconds: median")

    def picture(self, measure="accuracy") -> Picture:
        """One dot for each seed, way by way."""
        titles = {"accuracy": "Right on the test digits", "shifted": "Right after a shift by one cell"}
        titles |= {"steady": "Same answer for all eight shifts", "reached": "Gets a gradient"}
        groups = {way: [100 * value for value in self.of(way, measure)] for way in self.ways}
        return dots(groups, titles[measure], "%")

    def difference(self, way, other, measure="accuracy") -> list[float]:
        """The measure of one way less that of the other, seed by seed.

        Raises:
            ValueError: a way that was not trained.
        """
        for name in (way, other):
            if name not in self.ways:
                raise ValueError(f"{name!r} is none of the ways that were compared: {', '.join(self.ways)}.")
        return [a - b for a, b in zip(self.of(way, measure), self.of(other, measure), strict=True)]

    def __repr__(self):
        return repr(self.table)

    def _repr_html_(self):
        return self.table._repr_html_()


def _spread(values):
    return f"{statistics.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def compare_ways(ways=None, task=None, seeds=5, epochs=6, show=True) -> Comparison:
    """Train the same small network with each way to shrink, from several seeds, on the same digits.

    Args:
        ways: a dict as WAYS; None for WAYS itself. All train on the same images in the same order.
        task: a Task; None for `digit_task()`.
        seeds: how many trainings for each way, 1 or more.
        epochs: how often each image is seen, 1 or more.
        show: a progress bar, where a notebook can show one.

    Returns:
        A Comparison. The ways take turns seed by seed, so that a busy machine slows all of them alike.

    The state of torch's random numbers is left as it was.

    >>> found = compare_ways({"max": WAYS["max"]}, seeds=1, epochs=1, show=False)
    >>> [run.way for run in found.runs], found.of("max", "reached")[0] <= 0.25
    (['max'], True)
    """
    ways = WAYS if ways is None else ways
    if not isinstance(ways, dict) or not all(way is None or callable(way) for way in ways.values()):
        raise TypeError("ways are a dict by name of functions that make a layer, as WAYS is.")
    task = digit_task() if task is None else task
    if seeds < 1 or epochs < 1:
        raise ValueError(f"seeds={seeds}, epochs={epochs}: both are 1 or more.")
    bar, runs = Bar(seeds * len(ways) if show else 0, "trainings"), []
    with torch.random.fork_rng([]), threads(1):  # so small a network gains nothing from more
        for seed in range(seeds):
            for way, shrink in ways.items():
                bar.step(f"seed {seed + 1} of {seeds}: {way}")
                runs.append(_run(way, shrink, task, seed, epochs))
    bar.end()
    return Comparison(runs)


def _run(way, shrink, task, seed, epochs):
    torch.manual_seed(seed)
    model = small_network(shrink)
    start = time.perf_counter()
    train(model, task, epochs, torch.Generator().manual_seed(seed))
    seconds = time.perf_counter() - start
    model.eval()
    with torch.no_grad():
        named = model(task.test_x).argmax(1)
        moved = torch.stack([model(task.test_x.roll(shift, (-2, -1))).argmax(1) for shift in SHIFTS])
    return Run(
        way=way,
        seed=seed,
        accuracy=(named == task.test_y).double().mean().item(),
        shifted=(moved == task.test_y).double().mean().item(),
        steady=(moved == moved[0]).all(0).double().mean().item(),
        reached=_reached(model, task),
        seconds=seconds,
    )


def train(model, task, epochs, draw, rate=RATE, batch=BATCH, shifts=0) -> None:
    """Adam in one cycle of rates, on images drawn in random order, each batch moved by up to `shifts` cells."""
    steps = epochs * -(-len(task.x) // batch)
    adam = torch.optim.Adam(model.parameters())
    rates = torch.optim.lr_scheduler.OneCycleLR(adam, rate, total_steps=steps)
    model.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(task.x), generator=draw).split(batch):
            x = task.x[chosen]
            if shifts:
                move = torch.randint(-shifts, shifts + 1, (2,), generator=draw).tolist()
                x = x.roll(tuple(move), (-2, -1))
            loss = F.cross_entropy(model(x), task.y[chosen])
            adam.zero_grad()
            loss.backward()
            adam.step()
            rates.step()


def _reached(model, task):
    """The gradient before whatever shrinks the second time: a pooling, or a convolution that moves by 2."""
    place = "shrink2" if hasattr(model, "shrink2") else "conv2"
    rows = gradient_report(model, task.test_x[:200], task.test_y[:200]).rows
    return next(row.share for row in rows if row.name.partition(".")[0] == place)
