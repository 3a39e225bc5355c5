"""Is each finding about a network seen where it is due, only there, and is its remedy one?"""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.lessons import headings, read
from harness.networks import NOISE, ODD, PHOTO, SOUND, Does, inception, kinds, normal
from pooling_course import images, inspect_poolings
from pooling_course.expert import BlurPool2d, findings

SMALL = normal(1, 2, 1, 1)
STRIPES = torch.ones(1, 1, 32, 32).cumsum(3) % 2 + normal(1, 1, 32, 32) / 50
torch.manual_seed(0)  # what is made from here on is the same each time
CONV = nn.Conv2d(2, 2, 3, padding=1)
LAST = PHOTO.permute(0, 2, 3, 1)


def unpool(m, x):
    y, places = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(y, places, 2)


def keep(m, x):
    y, m.places = m.pool(x)
    return y


def block(m, x):
    return m.a(x) + m.b(x)


def skip(m, x):
    return F.interpolate(m.pool(x), size=x.shape[-2:]) + x


wide, narrow = nn.Conv2d(2, 2, 3, 2, 1), nn.Conv2d(2, 2, 1, 2)
net = nn.Sequential
# kind: a model that has it, its input, what is asked, and the same of one that has it not
CASES = {
    "lost rows": [
        (nn.MaxPool2d(2), ODD, {}, nn.MaxPool2d(2), NOISE, {}),
        (nn.Conv2d(2, 2, 2, 2), ODD, {}, nn.MaxPool2d(2, ceil_mode=True), ODD, {}),
        (nn.AvgPool2d(5), ODD, {}, Does(skip, pool=nn.MaxPool2d(2)), ODD, {}),  # the skip reads all of it
        (Does(lambda m, x: F.max_pool2d(x.relu_(), 2)), ODD, {}, nn.MaxPool2d(3, 2), ODD, {}),
    ],
    "skipped cells": [
        (nn.Conv2d(2, 2, 1, 2), NOISE, {}, Does(block, a=wide, b=narrow), NOISE, {}),  # as in a ResNet
        (nn.MaxPool2d(2, 3), NOISE, {}, nn.MaxPool2d(3, 2, 1), NOISE, {}),
        (nn.Conv2d(2, 2, 1, 2), ODD, {}, nn.Conv2d(2, 2, 2, 2), NOISE, {}),
    ],
    "axes": [
        (nn.MaxPool2d(2), LAST, {}, nn.MaxPool2d(2), PHOTO, {}),
        (net(nn.Conv2d(3, 2, 1), Does(lambda m, x: F.max_pool2d(x.permute(0, 2, 3, 1), 1, 2))), PHOTO, {},
         Does(lambda m, x: F.max_pool2d(x.permute(0, 3, 1, 2), 2)), LAST, {}),
        (Does(lambda m, x: F.avg_pool2d(x.transpose(1, 2), 2)), NOISE, {},
         Does(lambda m, x: F.avg_pool2d(x.transpose(1, 2).transpose(1, 2), 2)), NOISE, {}),
    ],
    "transposed map": [
        (Does(lambda m, x: F.max_pool2d(x.mT, (2, 1))), NOISE, {}, Does(lambda m, x: F.max_pool2d(x.mT, 2)), NOISE, {}),
        (Does(lambda m, x: F.adaptive_max_pool2d(x.transpose(2, 3), (2, 1))), NOISE, {},
         nn.MaxPool2d((2, 1)), NOISE, {}),
    ],
    "default stride": [
        (nn.MaxPool2d(3), NOISE, {}, nn.MaxPool2d(3, 2), NOISE, {}),
        (nn.MaxPool2d(3, padding=1), NOISE, {}, nn.MaxPool2d(3, 1, 1), NOISE, {}),
        (nn.AvgPool2d(5), NOISE, {}, nn.AvgPool2d(7), ODD, {}),  # one window: no stride to speak of
    ],
    "one size": [
        (nn.AvgPool2d(7), ODD, {}, nn.AdaptiveAvgPool2d(1), ODD, {}),
        (nn.MaxPool2d(16), NOISE, {}, Does(lambda m, x: F.avg_pool2d(x, x.shape[-2:])), ODD, {}),
    ],
    "changes nothing": [
        (nn.MaxPool2d(1, 1), NOISE, {}, nn.MaxPool2d(3, 1, 1), NOISE, {}),
        (nn.MaxPool2d(3, 2, 1), SMALL, {}, nn.AdaptiveAvgPool2d(7), ODD, {}),  # as in a VGG
        (nn.AvgPool2d(1), NOISE, {}, nn.MaxPool2d(2, 1), torch.zeros(1, 1, 4, 4), {}),
    ],
    "divisor": [
        (nn.AvgPool2d(2, divisor_override=1), NOISE, {}, nn.AvgPool2d(2, divisor_override=4), NOISE, {}),
        (nn.AvgPool2d(3, 2, 1, divisor_override=4), NOISE, {}, nn.AvgPool2d(3, 2, 1), NOISE, {}),
    ],
    "padding counted": [
        (nn.AvgPool2d(3, 1, 1), NOISE, {}, nn.AvgPool2d(3, 1, 1, count_include_pad=False), NOISE, {}),
        (nn.AvgPool2d(2, 2, 1), NOISE, {}, nn.AvgPool2d(3, 1, 1), torch.zeros(1, 1, 8, 8), {}),
        (inception(pool=lambda: nn.AvgPool2d(3, 1, 1)), normal(1, 3, 139, 139), {}, nn.AvgPool2d(2), NOISE, {}),
    ],
    "ONNX": [
        (nn.MaxPool2d(2, 2, 1, ceil_mode=True), ODD, {}, nn.MaxPool2d(2, 2, 1, ceil_mode=True), NOISE, {}),
        (nn.MaxPool2d(3, 3, 1, ceil_mode=True), normal(1, 1, 2, 2), {}, nn.MaxPool2d(3, 2, ceil_mode=True), NOISE, {}),
    ],
    "ONNX divisor": [
        (nn.AvgPool2d(3, 2, 1, ceil_mode=True), normal(1, 1, 4, 4), {}, nn.AvgPool2d(3, 2, 1, ceil_mode=True), ODD, {}),
        (nn.AvgPool2d(2, ceil_mode=True), ODD, {}, nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False), ODD, {}),
    ],
    "too small a map": [
        (net(nn.MaxPool2d(2), nn.MaxPool2d(3, 2)), NOISE, {"smallest": 4},
         net(nn.MaxPool2d(2), nn.MaxPool2d(3, 2)), NOISE, {"smallest": 6}),
        (nn.AvgPool2d(8), NOISE, {"smallest": (4, 16)}, nn.AvgPool2d(8), NOISE, {}),
    ],
    "wide window": [
        (nn.MaxPool2d(5, 1, 2), NOISE, {"smallest": 4}, nn.MaxPool2d(5, 1, 2), NOISE, {"smallest": 5}),
    ],
    "fails when small": [
        (net(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 2)), NOISE, {"smallest": 8},
         net(nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Linear(128, 2)), NOISE, {"smallest": 8}),
    ],
    "negative maximum": [
        (net(CONV, nn.MaxPool2d(2), CONV), NOISE, {}, net(CONV, nn.ReLU(), nn.MaxPool2d(2), CONV), NOISE, {}),
        (net(CONV, nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.Dropout(), CONV), NOISE, {},
         net(CONV, nn.MaxPool2d(2), nn.BatchNorm2d(2), nn.ReLU(), CONV), NOISE, {}),
        (net(CONV, nn.AdaptiveMaxPool2d(8), nn.Flatten(), nn.Linear(128, 2)), NOISE, {},
         net(CONV, nn.LeakyReLU(), nn.BatchNorm2d(2), nn.MaxPool2d(2), CONV), NOISE, {}),
        (net(CONV, nn.MaxPool2d(2), nn.MaxPool2d(2), CONV), NOISE, {}, net(nn.MaxPool2d(2), CONV), NOISE, {}),
    ],
    "dead windows": [
        (net(nn.ReLU(), nn.MaxPool2d(2)), -NOISE.abs(), {}, net(nn.ReLU(), nn.MaxPool2d(2)), NOISE, {}),
    ],
    "whole numbers": [
        (nn.AvgPool2d(2), NOISE.long(), {}, nn.MaxPool2d(2), NOISE.long(), {}),
    ],
    "not finite": [
        (nn.LPPool2d(2, 2), 300 * torch.ones(1, 1, 4, 4).half(), {}, nn.LPPool2d(2, 2), 300 * NOISE, {}),
        (nn.LPPool2d(3, 2), -NOISE.abs(), {}, nn.LPPool2d(3, 2), NOISE.abs(), {}),
        (nn.LPPool2d(1.5, 2), NOISE, {}, nn.MaxPool2d(2), NOISE / 0, {}),
    ],
    "NaN": [
        (nn.MaxPool2d(2), NOISE.clone().index_fill_(3, torch.tensor(0), torch.nan), {}, nn.MaxPool2d(2), NOISE / 0, {}),
    ],
    "unused indices": [
        (Does(lambda m, x: m.pool(x)[0], pool=nn.MaxPool2d(2, return_indices=True)), NOISE, {},
         Does(unpool), NOISE, {}),
        (Does(lambda m, x: F.adaptive_max_pool2d(x, 2, return_indices=True)[0]), NOISE, {},
         nn.MaxPool2d(2, return_indices=True), NOISE, {}),
        (Does(lambda m, x: F.max_pool2d(x, 2, return_indices=True)[0].relu()), NOISE, {},
         Does(keep, pool=nn.MaxPool2d(2, return_indices=True)), NOISE, {}),
    ],
    "shift": [
        (nn.MaxPool2d(1, 2), STRIPES, {}, nn.MaxPool2d(2), PHOTO, {}),
        (nn.MaxPool2d(1, 2), STRIPES.mT, {}, nn.MaxPool2d(1, 2), STRIPES[..., :16], {}),  # too few to tell
        (nn.MaxPool2d(2), normal(1, 1, 64, 64), {"steady": True}, BlurPool2d(5), PHOTO, {"steady": True}),
        (nn.Conv2d(2, 2, 1, 2), NOISE, {"steady": True}, nn.Conv2d(2, 2, 1, 2), NOISE, {}),
    ],
    "no gradient": [
        (Does(lambda m, x: F.max_pool2d(x.detach(), 2).sum() + x.sum()), NOISE, {"backward": True},
         nn.MaxPool2d(2), NOISE, {"backward": True}),
        (net(nn.MaxPool2d(2), nn.ReLU()), -NOISE.abs(), {"backward": True}, net(nn.MaxPool2d(2), nn.ReLU()),
         -NOISE.abs(), {}),
    ],
    "broken gradient": [
        (Does(lambda m, x: F.avg_pool2d(x, 2).sqrt()), torch.zeros(1, 1, 4, 4), {"backward": True},
         Does(lambda m, x: F.avg_pool2d(x, 2).sqrt()), torch.ones(1, 1, 4, 4), {"backward": True}),
    ],
}  # fmt: skip


def check(kind, case):
    """The finding of a kind is there in the first model, and not in the second."""
    has, x, asked, without, y, other = case
    found = [f for f in inspect_poolings(has, x, **asked).findings if f.kind == kind]
    assert found, f"{kind} is not seen"
    assert kind not in kinds(without, y, **other), f"{kind} is seen where it is not"
    return found


@pytest.mark.parametrize(
    "kind, case",
    [(k, case) for k, cases in CASES.items() for case in cases],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_finding_is_seen_where_it_is_due_and_only_there(kind, case):
    for finding in check(kind, case):
        assert finding.severity in ("mistake", "check", "note")
        assert finding.kind == "fails when small" or re.search(r"\d|whole|nothing|int64|no gradient", finding.what)
        for part in (finding.what, finding.why, finding.remedy):
            assert part.endswith(".") and "\n" not in part and "  " not in part


def test_every_rule_has_its_cases():
    assert set(CASES) == {rule.kind for rule in findings.RULES} | {"fails when small"} and len(CASES) >= 12


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind != "fails when small"])
def test_a_rule_that_always_or_never_speaks_is_caught(kind, monkeypatch):
    """The check above refuses a rule that is deaf, and one that cries wolf."""
    for look in (lambda met: None, lambda met: ("has 1 fault.", "Nothing.")):
        rules = [
            findings.Rule(r.kind, r.severity, r.why, r.lesson, look) if r.kind == kind else r for r in findings.RULES
        ]
        monkeypatch.setattr(findings, "RULES", rules)
        with pytest.raises(AssertionError, match=f"{kind} is"):
            check(kind, CASES[kind][0])


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", SOUND)
def test_sound_networks_are_left_in_peace(name, training):
    make, size = SOUND[name]
    torch.manual_seed(0)
    model = make().train(training)
    photo = F.interpolate(images.photo(224)[None], size=(size, size), mode="bilinear", antialias=True)
    for x in (photo, normal(2, 3, size, size)):
        report = inspect_poolings(model, x, backward=training)
        assert len(report.rows) >= 2 and report.findings == []


def test_a_fault_put_into_a_sound_network_is_found():
    model = SOUND["ResNet"][0]()
    model[1] = nn.MaxPool2d(3, padding=1)
    model[-3] = nn.AvgPool2d(2)
    assert set(kinds(model, normal(1, 3, 64, 64))) == {"default stride", "one size"}


@pytest.mark.parametrize("size", range(5, 12))
def test_what_would_read_all_does(size):
    """The remedies for lost rows hold: ceil_mode, and the sizes that are named."""
    for layer in (nn.MaxPool2d(2), nn.MaxPool2d(3, 2), nn.AvgPool2d(4), nn.MaxPool2d(3, dilation=1, stride=3)):
        found = [f for f in inspect_poolings(layer, normal(1, 1, size, size)).findings if f.kind == "lost rows"]
        if not found:
            continue
        fit = int(re.search(r"such as (\d+) × \1\b", found[0].remedy)[1])
        assert size < fit < size + 4 and "lost rows" not in kinds(layer, normal(1, 1, fit, fit))
        layer.ceil_mode = True
        assert "lost rows" not in kinds(layer, normal(1, 1, size, size))


def test_numbers_in_findings_are_measured():
    lost = inspect_poolings(nn.MaxPool2d(2), ODD).findings[0].what
    assert "7 × 7" in lost and "26.5%" in lost and pytest.approx(0.265, abs=1e-3) == 1 - 36 / 49
    padded = inspect_poolings(nn.AvgPool2d(3, 1, 1), torch.ones(1, 1, 4, 4)).findings[0].what
    assert "30.6%" in padded and "75% of its outputs" in padded and "divide 4 cells by 9" in padded
    model = nn.Sequential(CONV, nn.MaxPool2d(2), CONV)
    share = (model[:2](NOISE) < 0).double().mean().item()
    assert findings.percent(share) in inspect_poolings(model, NOISE).findings[0].what


@pytest.mark.parametrize("rule", findings.RULES, ids=lambda rule: rule.kind)
def test_each_lesson_has_the_heading_that_a_finding_leads_to(rule):
    notebook, heading = rule.lesson
    assert heading in [text for _, text in headings(read(notebook))]
