"""The gradient report: is every share and norm what plain autograd says, and is the model left as it was?"""

import re
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.networks import normal
from pooling_course import gradient_report
from pooling_course.expert.report import percent, size
from pooling_course.maths import words
from pooling_course.pictures.figures import Picture, look


def net(pool, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), pool, nn.Flatten(), nn.Linear(4 * 4 * 4, 5))


BATCH, TARGET = normal(3, 2, 8, 8), torch.tensor([0, 3, 4])
POOLS = {"max": nn.MaxPool2d(2), "average": nn.AvgPool2d(2), "overlap": nn.MaxPool2d(2, 2, padding=1, dilation=2)}


def by_autograd(layers, batch, target=None):
    """(count, norm) of every layer's input gradient and the share of its weights, with retain_grad and no hook."""
    x, inputs = batch.clone().requires_grad_(), []
    for layer in layers:
        x.retain_grad()
        inputs.append(x)
        x = layer(x)
    (x.sum() if target is None else F.cross_entropy(x, target)).backward()
    found = []
    for layer, given in zip(layers, inputs, strict=True):
        grads = [p.grad for p in layer.parameters()]
        weights = sum((g != 0).sum().item() for g in grads) / sum(g.numel() for g in grads) if grads else None
        found.append(((given.grad != 0).sum().item(), given.grad.double().norm().item(), weights))
        layer.zero_grad()
    return found


def agrees(rows, expected):
    got = [(row.reached, row.norm, row.weights) for row in rows]
    return len(got) == len(expected) and all(
        a[0] == b[0] and a[1] == pytest.approx(b[1]) and (a[2] is b[2] is None or a[2] == pytest.approx(b[2]))
        for a, b in zip(got, expected, strict=True)
    )


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("target", [None, TARGET], ids=["sum", "cross entropy"])
def test_every_row_is_what_autograd_says(pool, target):
    model = net(POOLS[pool])
    rows = gradient_report(model, BATCH, target).rows
    assert agrees(rows, by_autograd(model, BATCH, target))
    assert [row.shape for row in rows[:3]] == [(3, 2, 8, 8), (3, 4, 8, 8), (3, 4, 8, 8)]
    assert [(row.name, row.layer) for row in rows[:2]] == [("0", "Conv2d"), ("1", "ReLU")]
    assert all(row.share == row.reached / torch.Size(row.shape).numel() for row in rows)


def test_wrong_measurements_are_seen():
    """The comparison above refuses what a mistaken report would say."""
    model = net(nn.MaxPool2d(2))
    right = by_autograd(model, BATCH)
    rows = gradient_report(model, BATCH).rows
    outputs = by_autograd(model, BATCH)[1:] + [(15, 15**0.5, None)]  # of outputs instead of inputs
    average = by_autograd(net(nn.AvgPool2d(2)), BATCH)
    one_image = by_autograd(model, BATCH[:1])
    other_loss = by_autograd(model, BATCH, TARGET)
    for wrong in (outputs, average, one_image, other_loss, right[:-1], [(c, n * 2, w) for c, n, w in right]):
        assert not agrees(rows, wrong)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_max_reaches_one_in_a_window_and_average_all(k):
    after = nn.Conv2d(2, 3, 1)
    for pool, share in ((nn.MaxPool2d(k), 1 / k**2), (nn.AvgPool2d(k), 1.0)):
        first = gradient_report(nn.Sequential(pool, after), BATCH).rows[0]
        assert first.share == share
    assert gradient_report(nn.Sequential(nn.MaxPool2d(3, 2, 1), after), BATCH).rows[0].share > 1 / 9  # they overlap


def test_norm_is_one_per_window_for_max_and_half_for_average():
    upstream = (BATCH.numel() / 4) ** 0.5  # of as many ones
    for pool, norm in ((nn.MaxPool2d(2), upstream), (nn.AvgPool2d(2), upstream / 2)):
        assert gradient_report(pool, BATCH).rows[0].norm == pytest.approx(norm)


class Skip(nn.Module):
    """One tensor with two readers, a layer that works in place, a name inside a name, and one layer called twice."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(inplace=True))
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        x = self.features(x)
        return self.pool(self.pool(x)).sum() + x.sum()


def test_names_calls_in_place_and_skips():
    torch.manual_seed(0)
    model = Skip()
    rows = gradient_report(model, BATCH).rows
    assert [row.name for row in rows] == ["features.0", "features.1", "pool", "pool"]
    x = BATCH.clone().requires_grad_()
    before = model.features[0](x)
    after = before.relu()
    before.retain_grad(), after.retain_grad()
    (model.pool(model.pool(after)).sum() + after.sum()).backward()
    assert [row.norm for row in rows[:3]] == pytest.approx(
        [g.double().norm().item() for g in (x.grad, before.grad, after.grad)]
    )
    assert rows[2].share == 1.0  # what both readers hand back
    assert rows[1].reached == (before.grad != 0).sum() < before.numel()


def test_a_layer_that_works_in_place_may_come_first():
    x = BATCH.clone()
    assert gradient_report(nn.ReLU(inplace=True), x).rows[0].reached == (BATCH > 0).sum()
    assert torch.equal(x, BATCH)


def test_what_the_gradient_never_meets_counts_as_nothing():
    class Cut(nn.Module):
        def __init__(self):
            super().__init__()
            self.dead, self.live = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x):
            return self.dead(x.detach()).detach() + self.live(x)

    dead, live = gradient_report(Cut(), normal(4, 3)).rows
    assert (dead.reached, dead.share, dead.norm, dead.weights) == (0, 0.0, 0.0, 0.0)
    assert live.share == live.weights == 1.0


def test_frozen_weights_get_none_and_let_the_rest_through():
    model = net(nn.MaxPool2d(2)).requires_grad_(False)
    rows = gradient_report(model, BATCH).rows
    assert rows[0].weights == 0.0 and rows[0].share == 1.0
    assert not any(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fails", [False, True])
def test_model_batch_and_random_numbers_stay_as_they_are(training, fails):
    model = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(128, 5)).train(training)
    model[3].weight.grad = torch.ones_like(model[3].weight)
    tensors = {**model.state_dict(keep_vars=True)}
    before = {name: t.detach().clone() for name, t in tensors.items()}
    batch = BATCH.clone()
    random = torch.get_rng_state()
    if fails:
        with pytest.raises(ValueError):
            gradient_report(model, batch, torch.tensor([0, 1, 99]))
    else:
        gradient_report(model, batch)
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(batch, BATCH) and not batch.requires_grad and batch.grad is None
    assert model.training is training and all(m.training is training for m in model.modules())
    after = model.state_dict(keep_vars=True)
    assert all(after[name] is t and torch.equal(t, before[name]) for name, t in tensors.items())
    assert torch.equal(model[3].weight.grad, torch.ones_like(model[3].weight)) and model[3].bias.grad is None
    assert not any(m._forward_pre_hooks or m._forward_hooks or m._backward_hooks for m in model.modules())


def test_works_where_gradients_are_off():
    model = net(nn.MaxPool2d(2))
    expected = gradient_report(model, BATCH).rows
    for mode in (torch.no_grad(), torch.inference_mode()):
        with mode:
            assert gradient_report(model, BATCH).rows == expected
            assert not torch.is_grad_enabled()


def test_every_network_meets_the_same_random_numbers():
    report = gradient_report({"one": nn.Dropout(), "two": nn.Dropout()}, BATCH)
    assert report.rows[0].reached == report.rows[1].reached > 0
    assert report.rows[0].norm == report.rows[1].norm


# ---- Words and picture -----------------------------------------------------------------------------------------------


def compared():
    return gradient_report({name: net(pool) for name, pool in list(POOLS.items())[:2]}, BATCH)


def test_several_networks_are_rows_of_one_report():
    rows = compared().rows
    assert [row.network for row in rows] == ["max"] * 5 + ["average"] * 5
    single = gradient_report(net(POOLS["average"]), BATCH).rows
    assert [(r.name, r.share, r.norm, r.weights) for r in rows[5:]] == [
        (r.name, r.share, r.norm, r.weights) for r in single
    ]


def test_table_holds_every_number():
    lines = repr(compared()).splitlines()
    assert len(lines) == 11 and lines[0].startswith("network")
    for line, row in zip(lines[1:], compared().rows, strict=True):
        weights = "none" if row.weights is None else percent(row.weights)
        cells = [
            row.network,
            f"{row.name} {row.layer}",
            size(row.shape),
            percent(row.share),
            words.number(row.norm),
            weights,
        ]
        assert re.split(r"\s{2,}", line) == cells
    assert not repr(gradient_report(POOLS["max"], BATCH)).startswith("network")
    assert len({line.index("Conv2d") for line in lines if "Conv2d" in line}) == 1  # columns line up


def test_picture_says_and_draws_every_number():
    report = compared()
    assert isinstance(report.picture, Picture)
    (axes,) = report.picture.figure.axes
    drawn = [text.get_text() for text in axes.texts]
    for row in report.rows:
        said = f"{row.name} {row.layer}, input {size(row.shape)}: {percent(row.share)} gets a gradient"
        assert f"{said}, norm {words.number(row.norm)}" in report.picture.alt
        assert f"{row.name} {row.layer}" in drawn and percent(row.share) in drawn
        assert any(text.startswith(f"norm {words.number(row.norm)}") for text in drawn)
    assert report._repr_html_().startswith("<img") and report._repr_html_().count("alt=") == 1


def test_bars_are_as_long_as_the_shares_in_the_colours_of_the_course():
    from matplotlib.colors import to_hex

    report = compared()
    bars = report.picture.figure.axes[0].patches
    whole, shares = ([p for p in bars if p.get_gid() == gid] for gid in ("all", "share"))
    assert len(whole) == len(shares) == len(report.rows)
    for full, bar, row in zip(whole, shares, report.rows, strict=True):
        assert bar.get_width() == pytest.approx(row.share * full.get_width())
        assert (bar.get_x(), bar.get_y()) == (full.get_x(), full.get_y())
        assert to_hex(bar.get_facecolor()) == look()["reader"]


@pytest.mark.parametrize("count", [1, 3, 4])
def test_nothing_is_drawn_over_the_edge_or_over_each_other(count):
    deep = nn.Sequential()
    deep.add_module("a_rather_long_name_for_a_block", nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(2, 2, 1)))
    figure = gradient_report({f"network {i}": deep for i in range(count)}, BATCH).picture.figure
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    page = figure.bbox
    assert all(page.x0 <= b.x0 and b.x1 <= page.x1 and page.y0 <= b.y0 and b.y1 <= page.y1 for b in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize(
    "share, text",
    [
        (0, "0%"),
        (1, "100%"),
        (0.25, "25%"),
        (1 / 9, "11.1%"),
        (0.99949, "over 99.9%"),
        (0.9989, "99.9%"),
        (1e-9, "under 0.1%"),
    ],
)
def test_percent_never_lies(share, text):
    assert percent(share) == text


# ---- Refusals --------------------------------------------------------------------------------------------------------


class Returns(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.what = what

    def forward(self, x):
        return self.what(x)


@pytest.mark.parametrize(
    "arguments, error, sentence",
    [
        ((torch.relu, BATCH), TypeError, "model is of type builtin_function_or_method: give an nn.Module"),
        (({"max": nn.ReLU(), "none": None}, BATCH), TypeError, "model 'none' is of type NoneType"),
        (({}, BATCH), ValueError, "the dict of models is empty"),
        ((nn.ReLU(), torch.zeros(1, 1, 4, 4, dtype=torch.long)), TypeError, "the batch is torch.int64"),
        ((nn.ReLU(), torch.zeros(0, 1, 4, 4)), ValueError, "is empty"),
        ((nn.ReLU(), "zebra"), TypeError, "batch of type str is no table of numbers"),
        (
            (net(nn.MaxPool2d(9)), BATCH),
            ValueError,
            "the model fails on a batch of shape (3, 2, 8, 8): RuntimeError: Given",
        ),
        (({"big": net(nn.MaxPool2d(9))}, BATCH), ValueError, "model 'big' fails on a batch"),
        ((Returns(lambda x: (x, x)), BATCH), TypeError, "the model returns tuple"),
        ((Returns(lambda x: x.detach()), BATCH), ValueError, "takes no gradient"),
        ((Returns(lambda x: (y := x.exp()).mul_(2) + y), BATCH), ValueError, "the backward pass of the model fails"),
        ((nn.LazyConv2d(2, 3), BATCH), ValueError, "has lazy layers"),
        ((nn.Flatten(), BATCH, torch.zeros(3)), TypeError, "the target is torch.float32"),
        ((nn.Flatten(), BATCH, torch.tensor([1, 2])), ValueError, "cross entropy fails on outputs of shape (3, 128)"),
        ((nn.Flatten(), BATCH, torch.tensor([1, 2, 999])), ValueError, "cross entropy fails"),
    ],
)
def test_refusals_are_sentences(arguments, error, sentence):
    with pytest.raises(error) as caught:
        gradient_report(*arguments)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_import_draws_in_no_matplotlib():
    code = "import sys, pooling_course; pooling_course.gradient_report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.slow
def test_report_without_pyplot():
    code = (
        "import sys, torch, pooling_course as p;"
        "p.gradient_report(torch.nn.MaxPool2d(2), torch.rand(1, 1, 4, 4))._repr_html_();"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
