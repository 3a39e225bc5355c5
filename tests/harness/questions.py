"""The questions as the lessons' files hold them, and their right answers once more, without Trace and answers.py."""

import json
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pooling_course import images
from pooling_course.questions import FOLDER, ON_CARDS, Question
from pooling_course.questions.lessons import LESSONS

WRITTEN = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in LESSONS}
# Those that are answered on cards; test_goals.py has the others.
FILES = {name: [data for data in questions if data["kind"] in ON_CARDS] for name, questions in WRITTEN.items()}
DATA = [(lesson, data) for lesson, questions in FILES.items() for data in questions]

every_question = pytest.mark.parametrize("lesson, data", DATA, ids=lambda v: v["id"] if isinstance(v, dict) else None)
every_file = pytest.mark.parametrize("lesson", FILES)


def made(data, lesson="99_test"):
    return Question(lesson=lesson, **data)


def check_title(data):
    """It is for people, stands for any numbers that are drawn, and says nothing of the answer."""
    assert re.fullmatch(r"[A-Z][A-Za-z_, ]{5,48}\??", data["title"]) and data["title"] != data["id"]
    said = data["title"].casefold()
    for choice in data.get("choices", ()):
        assert choice["text"].casefold().rstrip(".") not in said


def right_places(q):
    return [q.truth] if q.kind == "one" else q.truth


# ---- The right answers once more -------------------------------------------------------------------------------------
# From nn layers and autograd, without Trace and without answers.py.


def input_of(q):
    given = q.case["input"]
    x = images.preset(given) if isinstance(given, str) else given
    x = torch.zeros(x["shape"]) if isinstance(x, dict) else torch.as_tensor(x, dtype=torch.float32)
    return x[None] if x.ndim == 2 else x


def layer_of(settings, **more):
    settings = {n: tuple(v) if isinstance(v, list) else v for n, v in settings.items()}
    kind = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}[settings.pop("kind")]
    return kind(**settings, **more)


def pooled(q, **more):
    return layer_of(q.case["pooling"], **more)(input_of(q))


def flat(q, result):
    """As the question counts: a table is one channel, so the channel goes again."""
    return result[0] if q.input.ndim == 2 else result


def gradient(q):
    x = input_of(q).clone().requires_grad_()
    layer_of(q.case["pooling"])(x).sum().backward()
    return flat(q, x.grad)


def reads(q):
    """How often each cell is read: the gradient of a pooling that adds up (no dilation)."""
    layer, x = layer_of(q.case["pooling"]), input_of(q).clone().requires_grad_()
    assert getattr(layer, "dilation", 1) == 1
    sums = F.avg_pool2d(x, layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode, divisor_override=1)
    sums.sum().backward()
    return x.grad[0]


def shifted(q):
    x = torch.rand(input_of(q).shape, generator=torch.Generator().manual_seed(7))
    layer, shift = layer_of(q.case["pooling"]), q.case["shift"]
    before, after = layer(x)[0], layer(x.roll(shift, 2))[0]
    inner = slice(2, -2)
    if torch.equal(before[:, inner], after[:, inner]):
        return "same"
    return "moved" if torch.equal(before[:, 1:-3], after[:, inner]) else "other"


def moves(q):
    x, found = input_of(q)[0], []
    ((row, col),) = x.nonzero().tolist()
    for choice in q.choices:
        moved = torch.zeros_like(x)
        moved[row + choice["value"][0], col + choice["value"][1]] = x[row, col]
        if not torch.equal(layer_of(q.case["pooling"])(moved[None]), pooled(q)):
            found.append(choice["value"])
    return found


def unpooled(q):
    values, indices = pooled(q, return_indices=True)
    return nn.MaxUnpool2d(q.case["pooling"]["kernel_size"])(values, indices)[0].tolist()


ANOTHER_WAY = {
    "shape": lambda q: list(pooled(q).shape),
    "size": lambda q: list(pooled(q).shape)[-2:],
    "channels": lambda q: pooled(q).shape[-3],
    "height": lambda q: pooled(q).shape[-2],
    "output": lambda q: flat(q, pooled(q)).tolist(),
    "value": lambda q: flat(q, pooled(q))[tuple(q.at)].item(),
    "largest": lambda q: pooled(q).max().item(),
    "winner": lambda q: flat(q, pooled(q, return_indices=True)[1])[tuple(q.at)].item(),
    "winners": lambda q: gradient(q).nonzero().tolist(),
    "gradient": lambda q: gradient(q)[tuple(q.at)].item(),
    "gradient_map": lambda q: gradient(q).tolist(),
    "gradient_cells": lambda q: gradient(q).nonzero().tolist(),
    "gradient_count": lambda q: len(gradient(q).nonzero()),
    "gradient_total": lambda q: gradient(q).sum().item(),
    "reads": lambda q: int(reads(q)[tuple(q.at)]),
    "unread": lambda q: (reads(q) == 0).nonzero().tolist(),
    "unread_rows": lambda q: (reads(q) == 0).all(1).nonzero().flatten().tolist(),
    "max_and_average": lambda q: [input_of(q).max().item(), input_of(q).mean().item()],
    "max_minus_average": lambda q: (input_of(q).max() - input_of(q).mean()).item(),
    "noise": lambda q: input_of(q).square().sum().sqrt().item() / input_of(q).numel(),
    "unpooled": unpooled,
    "after_shift": shifted,
    "changing_moves": moves,
    "shrinking": lambda q: [
        c["value"] for c in q.choices if layer_of(c["value"])(input_of(q)).numel() < input_of(q).numel()
    ],
    "keeping": lambda q: [
        c["value"] for c in q.choices if layer_of(c["value"])(input_of(q)).shape == input_of(q).shape
    ],
}
# What no case belongs to: known facts about pooling.
FACTS = {
    "pooling_parameters": 0,
    "averages_beside_maxima": [False, True],
    "average_ever_exceeds_max": False,
    "conv_after_pooling": [1, 0.25, 0],
    "relu_commutes": ["max"],
    "activations_that_commute": ["tanh", "sigmoid"],  # those that never fall
    "linear_kinds": ["avg"],
    "average_of_bytes": "error",
    "overlap_and_gaps": [[True, False], [False, True]],
    "max_border": "-inf before",
    "too_much_padding": "called",
    "conv_weights_without_gradient": 0,
    "share_changed": "2/3",  # 1 - (k - 1) / (k + 1)
    "rows_seen": 18,  # 1 + 2 + 1 + 2 * 2 + 1 * 2 + 2 * 4
    "rows_seen_dilated": 26,  # 1 + 2 + 1 + 2 * 2 + 1 * 2 + 2 * 4 * 2
    "alias_period": 5,  # 2 / 2.5 is 4/5 of the way, and so 1/5 backwards
    "corner_difference": 1 - 6,
    "lp_of_threes": 6,
    "heads_that_run": ["average 8", "global average"],
    "most_parameters": "same",
    "bytes_written": 3,
    "gain_at_quarter": 2**-0.5,
    "calmest": "avg 3",
    "clear_difference": "undecided",
}
