"""Trains the digit reader of the lessons, and takes every figure that they give with a spread.

`python -m tools.reader` writes `pooling_course/data/reader.npz`, the weights of seed 0, and `reader.json`, one number
for each training: right answers of the 597 test digits, in percent. It takes some six minutes on one core. Another
processor or another torch may round otherwise, and so train a little otherwise; the file says which one it was.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import nn

from pooling_course.expert import WAYS, BlurPool2d, compare_ways, digit_task, moved, right, small_reader, teach
from pooling_course.expert.reader import FOLDER, MARGIN_OF_PAPER
from pooling_course.expert.training import Comparison, Task

SEEDS = 8
Results = dict[str, list[float]]


class ChannelsLast(nn.Module):
    """The slip of lesson 03: (N, C, H, W) handed on as (N, H, W, C)."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1)


def trained(make: Callable[[], nn.Module], task: Task, **how) -> Iterator[Any]:
    """One model after another, from as many seeds."""
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        yield teach(make(), task, seed, **how)


def each(models, tasks: dict[str, Task]) -> Results:
    models = list(models)
    return {name: [round(right(model, task), 2) for model in models] for name, task in tasks.items()}


def one_pooling(pool: nn.Module) -> nn.Module:
    """The reader of lessons 02 and 06: a raw digit, pooled once to 4 x 4, and a linear layer."""
    return nn.Sequential(pool, nn.Flatten(), nn.BatchNorm1d(16, affine=False), nn.Linear(16, 10))


def inverted(task: Task) -> Task:
    """Ink 0 on paper 1."""
    return replace(task, x=1 - task.x, test_x=1 - task.test_x)


QUICK = {"epochs": 20, "rate": 0.05, "batch": 128}
SHEET, TIGHT = digit_task(MARGIN_OF_PAPER), digit_task(0)
PLACES = [(down, across) for down in (-1, 0, 1) for across in (-1, 0, 1)]


def by_moves(most: int) -> dict[str, Task]:
    return {("in its place" if not n else f"moved by {n}"): moved(SHEET, n) for n in range(most + 1)}


def everywhere(models) -> list[float]:
    """The mean over the nine places up to one cell away."""
    tasks = [moved(SHEET, *place) for place in PLACES]
    return [round(sum(right(model, task) for task in tasks) / len(tasks), 2) for model in models]


def paper() -> Results:
    kinds = {"max": nn.MaxPool2d(2), "average": nn.AvgPool2d(2), "first cell": nn.MaxPool2d(1, 2)}
    found: Results = {}
    for paper, task in (("dark", TIGHT), ("bright", inverted(TIGHT))):
        for name, pool in kinds.items():
            models = trained(partial(one_pooling, pool), task, **QUICK)
            found[f"{name}, {paper} paper"] = each(models, {"": task})[""]
    return dict(sorted(found.items(), key=lambda item: list(kinds).index(item[0].partition(",")[0])))


def channels_last() -> Results:
    models = list(trained(small_reader, TIGHT))
    slips = [nn.Sequential(*model[:2], ChannelsLast(), *model[2:]) for model in models]
    return {"channels first": each(models, {"": TIGHT})[""], "channels last": each(slips, {"": TIGHT})[""]}


def sheets() -> Results:
    tasks = {f"{size} × {size}": digit_task((size - 8) // 2) for size in (16, 32, 48, 64)}
    votes = {"average": nn.AdaptiveAvgPool2d(1), "max": nn.AdaptiveMaxPool2d(1)}
    found: Results = {}
    for name, rate in (("average", 0.1), ("max", 0.03)):
        make = partial(small_reader, vote=votes[name])
        models = list(trained(make, tasks["16 × 16"], epochs=16, rate=rate))
        found |= {f"{name}, {size}": values for size, values in each(models, tasks).items()}
        if name == "average":
            for model in models:
                model[5] = nn.AvgPool2d(24, divisor_override=64)
            found["average, 48 × 48, divided by 64"] = each(models, {"": tasks["48 × 48"]})[""]
    return found


def corner() -> Results:
    models = list(trained(lambda: small_reader(nn.MaxPool2d(3, stride=2)), SHEET))
    tasks = {"with room": SHEET, "in the lower right corner": moved(SHEET, MARGIN_OF_PAPER)}
    found = each(models, tasks)
    for model in models:
        model[2].ceil_mode = True
    return found | {"in the corner, ceil_mode": each(models, tasks)["in the lower right corner"]}


def rhythm() -> Results:
    found: Results = {}
    for stride in (2, 3):
        values = each(trained(partial(small_reader, nn.MaxPool2d(stride)), SHEET), by_moves(stride))
        found |= {f"stride {stride}, {name}": numbers for name, numbers in values.items()}
    return found


def overlap() -> Results:
    found: Results = {}
    for kernel in (1, 2, 3, 4):
        models = trained(partial(small_reader, nn.MaxPool2d(kernel, stride=2)), SHEET)
        found |= {f"kernel_size {kernel}, {name}": values for name, values in each(models, by_moves(1)).items()}
    return found


def counted() -> Results:
    found: Results = {}
    for paper, task in (("dark", TIGHT), ("bright", inverted(TIGHT))):
        models = list(trained(lambda: one_pooling(nn.AvgPool2d(3, 2, 1, count_include_pad=False)), task, **QUICK))
        found[f"as learnt, {paper} paper"] = each(models, {"": task})[""]
        for model in models:
            model[0].count_include_pad = True
        found[f"padding counted, {paper} paper"] = each(models, {"": task})[""]
    return found


def taught() -> Results:
    models = list(trained(small_reader, SHEET))
    found = each(models, by_moves(1)) | {"nine places": everywhere(models)}
    models = list(trained(small_reader, SHEET, shifts=1, epochs=16))
    again = each(models, by_moves(1)) | {"nine places": everywhere(models)}
    return found | {f"taught to move, {name}": values for name, values in again.items()}


def without_step() -> Results:
    models = list(trained(small_reader, SHEET))
    for model in models:
        model[2], model[3].dilation, model[3].padding = nn.MaxPool2d(2, stride=1), (2, 2), (2, 2)
    found = {f"no step, {name}": values for name, values in each(models, by_moves(1)).items()}
    blur = nn.Sequential(nn.MaxPool2d(2, stride=1), BlurPool2d(3))
    blurred = trained(partial(small_reader, blur), SHEET)
    return found | {f"max, then blur, {name}": values for name, values in each(blurred, by_moves(1)).items()}


@cache
def shrinking() -> Comparison:
    """Part 3 of lesson 09: its five ways to shrink, and a strided convolution in the place of the pooling."""
    added = {"added": lambda channels: nn.Conv2d(channels, channels, 3, 2, 1)}
    return compare_ways(WAYS | added, seeds=12, show=False)


def ways(measure: str) -> Results:
    return {way: [round(100 * value, 2) for value in shrinking().of(way, measure)] for way in shrinking().ways}


EXPERIMENTS: dict[str, Callable[[], Results]] = {
    "moved": lambda: each(trained(small_reader, SHEET), by_moves(2)),
    "paper": paper,
    "channels last": channels_last,
    "sheets": sheets,
    "corner": corner,
    "rhythm": rhythm,
    "overlap": overlap,
    "counted": counted,
    "taught": taught,
    "without step": without_step,
    "ways to shrink": lambda: ways("accuracy"),
    "ways to shrink, moved": lambda: ways("shifted"),
}


def weights() -> dict[str, Any]:
    """Of seed 0, in half precision: 6 kB, and the same answers."""
    torch.manual_seed(0)
    model = teach(small_reader(), SHEET)
    return {name: values.numpy().astype(np.float16) for name, values in model.state_dict().items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    np.savez(FOLDER / "reader.npz", **weights())
    record: dict = {"torch": torch.__version__, "seeds": SEEDS, "experiments": {}}
    for name, take in EXPERIMENTS.items():
        record["experiments"][name] = take()
        print(name, record["experiments"][name], flush=True)
    text = json.dumps(record, indent=1, ensure_ascii=False)
    (FOLDER / "reader.json").write_text(text + "\n", encoding="utf-8")
