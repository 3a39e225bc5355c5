"""Inspecting a network: is each number what a slow, other way gives, is each finding seen where it is due?"""

import contextlib
import json
import re
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.networks import SOUND, inception
from pooling_course import images, inspect_poolings, trace
from pooling_course.expert import BlurPool2d, bar, findings, receptive_field
from pooling_course.expert.shifts import relative_change
from pooling_course.maths.kinds import settings_of

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def normal(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class Does(nn.Module):
    """A model that does what a function says, with layers of its own."""

    def __init__(self, does, **layers):
        super().__init__()
        self.does = does
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, *args, **kwargs):
        return self.does(self, *args, **kwargs)


def row_of(layer, x, **asked):
    return inspect_poolings(layer, x, **asked).rows[0]


def kinds(model, x, **asked):
    return [finding.kind for finding in inspect_poolings(model, x, **asked).findings]


# ---- The numbers of a row --------------------------------------------------------------------------------------------

LAYERS = [
    nn.MaxPool2d(2),
    nn.MaxPool2d(3, 2, 1),
    nn.MaxPool2d(2, 2, 1, ceil_mode=True),
    nn.MaxPool2d(3, 2, 1, dilation=2),
    nn.MaxPool2d((2, 1), (1, 3)),
    nn.MaxPool2d(7, 1, 3),
    nn.AvgPool2d(3, 2, 1),
    nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    nn.AdaptiveMaxPool2d(3),
    nn.AdaptiveAvgPool2d((2, 5)),
    nn.AdaptiveMaxPool2d(1),
    nn.LPPool2d(2, 3, 2, ceil_mode=True),
    nn.FractionalMaxPool2d(2, output_size=3, _random_samples=torch.full((2, 2, 2), 0.5)),
]


def by_loops(layer, x):
    """The shares of a row, window by window, from what `trace` says of each."""
    traced = trace(layer, x)
    h, w = traced.output.shape[-2:]
    windows = [traced.window(r, c, k, i) for i in range(len(x)) for k in range(2) for r in range(h) for c in range(w)]
    read = {at for window in windows for at in window.cells}
    cells, padded, beyond = (sum(len(getattr(v, n)) for v in windows) for n in ("cells", "padded", "overhang"))
    total = cells + padded + beyond
    ties = sum(v.values.count(v.output) > 1 for v in windows) / len(windows)
    averages = isinstance(layer, (nn.AvgPool2d, nn.AdaptiveAvgPool2d))
    counted = padded / (cells + padded) if getattr(layer, "count_include_pad", True) else 0
    return {
        "never_read": 1 - len(read) / x[0, 0].numel(),
        "padding": padded / total,
        "overhang": beyond / total,
        "counted": counted if averages else None,
        "ties": ties if "Max" in type(layer).__name__ else None,
    }


def agrees(row, right):
    return all(
        getattr(row, name) is None if value is None else getattr(row, name) == pytest.approx(value)
        for name, value in right.items()
    )


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_shares_are_those_of_the_windows_one_by_one(layer):
    x = (2 * normal(2, 2, 7, 8)).round()  # whole numbers, so that there are ties
    row, right = row_of(layer, x), by_loops(layer, x)
    assert agrees(row, right)
    for name in ("never_read", "padding", "overhang"):  # the comparison refuses another number
        assert not agrees(row, right | {name: right[name] + 0.01})
    assert row.code == settings_of(layer).code()
    assert (row.input, row.output) == (x.shape, layer(x).shape)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.MaxPool2d(3, 2, 1),
        lambda: nn.AvgPool2d(2),
        lambda: nn.AdaptiveMaxPool2d(2),
        lambda: nn.Conv2d(2, 3, 1, 2),
    ],
)
def test_the_share_with_a_gradient_is_autograds(make):
    torch.manual_seed(0)  # with some weights nothing passes the last ReLU, and no gradient comes back
    model = nn.Sequential(nn.Conv2d(2, 2, 3), nn.ReLU(), make(), nn.ReLU())
    x = normal(2, 2, 9, 9)
    (row,) = inspect_poolings(model, x, backward=True).rows
    middle = model[:2](x).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model[2:](middle).sum(), middle)
    assert row.reached == (gradient != 0).double().mean() > 0
    other = row_of(model, x, backward=lambda out: out[:1].sum())
    assert other.reached == (gradient[:1] != 0).sum() / gradient.numel()
    assert row_of(model, x).reached is None


def test_fields_are_those_of_the_rule():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 2, (5, 3), 2, dilation=(1, 2)),
        nn.BatchNorm2d(2), BlurPool2d(3), nn.AvgPool2d(3, 1, 1),
    )  # fmt: skip
    rows = inspect_poolings(model, normal(2, 1, 50, 50)).rows
    right = receptive_field(model[:4] + nn.Sequential(model[5], model[6]))[1:]
    shown = [(r.sees[0] if r.sees[0] == r.sees[1] else r.sees, r.step[0]) for r in rows]
    assert shown == [(r["sees"], r["step"]) for r in right]


def reach(model, x):
    """Rows of the picture that the gradient of the output's middle cell reaches."""
    x = x.clone().requires_grad_()
    out = model(x)
    (gradient,) = torch.autograd.grad(out[..., out.shape[-2] // 2, out.shape[-1] // 2].sum(), x)
    return int((gradient != 0).any(0).any(0).any(1).sum())


def test_the_field_of_ways_side_by_side_is_where_the_gradient_goes():
    ways = {"wide": nn.Conv2d(1, 1, 5, padding=2), "narrow": nn.Conv2d(1, 1, 1)}
    for join in (lambda m, x: m.wide(x) + m.narrow(x), lambda m, x: torch.cat([m.narrow(x), m.wide(x)], 1)):
        model = Does(lambda m, x, join=join: F.avg_pool2d(join(m, x), 2), **ways)
        row, x = row_of(model, normal(1, 1, 24, 24)), normal(1, 1, 24, 24)
        assert row.sees == (6, 6) and reach(model, x) == 6
    unlike = Does(lambda m, x: F.avg_pool2d(F.max_pool2d(x, 2) + m.step(x), 2), step=nn.Conv2d(1, 1, 1, 2))
    assert row_of(unlike, x, steady=True).sees and inspect_poolings(unlike, x).rows[2].sees == (4, 4)


@pytest.mark.parametrize("between", [torch.fft.fft2, lambda x: x.flip(-1), lambda x: x @ x, lambda x: x[:, :, 1:]])
def test_a_field_is_not_said_where_it_is_not_known(between):
    model = Does(lambda m, x: F.avg_pool2d(between(x).abs(), 2))
    assert row_of(model, normal(1, 1, 8, 8)).sees is None


def test_margins_shift_a_field_and_are_no_lost_rows():
    def margins(*pads):
        return nn.Sequential(nn.ZeroPad2d(pads), nn.MaxPool2d(3, 2), nn.AvgPool2d(3, 1))

    report = inspect_poolings(margins(1, 1, 1, 1), normal(1, 1, 12, 12))  # of 14 rows the last is a margin
    row, after = report.rows
    assert report.findings == [] and row.never_read > 0 and (row.sees, after.sees) == ((3, 3), (7, 7))
    assert kinds(margins(1, 0, 1, 0), normal(1, 1, 13, 13)) == ["lost rows"]  # here the last is none


def test_indices_shift_and_time():
    x = normal(2, 3, 12, 12)
    row = row_of(nn.MaxPool2d(2), x)
    assert (
        row.indices == F.max_pool2d(x, 2, return_indices=True)[1].nbytes and row_of(nn.AvgPool2d(2), x).indices is None
    )
    both = [relative_change(nn.MaxPool2d(2), x, shift) for shift in ((0, 1), (1, 0))]
    assert row.shifted == max(both) and row.seconds > 0
    assert row_of(nn.MaxPool2d(2, 1), x).shifted is None


# ---- Where poolings are called ---------------------------------------------------------------------------------------


def test_layers_functions_and_repeated_calls_have_names_of_their_own():
    def does(m, x):
        for _ in range(2):
            x = F.max_pool2d(m.pool(x), kernel_size=2, stride=1)
        x = m.inner(x)
        return torch.ops.aten.avg_pool2d.default(x, [2, 2]), F.lp_pool2d(x, 2, 2), m.blur(x)

    inner = nn.Sequential(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2, 1)), Does(lambda m, x: torch.max_pool2d(x, 2, 1)))
    model = Does(does, pool=nn.MaxPool2d(2, 1), inner=inner, blur=BlurPool2d(3))
    report = inspect_poolings(model, normal(1, 2, 16, 16))
    assert [row.name for row in report.rows] == [
        "pool", "F.max_pool2d", "pool #2", "F.max_pool2d #2", "inner.0.1", "inner.1.F.max_pool2d", "F.avg_pool2d",
        "F.lp_pool2d", "blur.F.conv2d",
    ]  # fmt: skip
    assert report.rows[1].code == "F.max_pool2d(x, kernel_size=2, stride=1)"
    assert report.rows[-1].code == "F.conv2d(x, torch.empty(2, 1, 3, 3), stride=2, groups=2)"
    for row in report.rows:
        scope = {"nn": nn, "F": F, "torch": torch, "x": normal(*row.input)}
        made = eval(row.code, scope)  # settings as code are code
        assert (made(scope["x"]) if isinstance(made, nn.Module) else made).shape[-2:] == row.output[-2:]


def test_what_a_subclass_really_does_is_shown():
    class Same(nn.MaxPool2d):  # as timm has it: the same size by padding of its own
        def forward(self, x):
            return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), self.kernel_size, self.stride)

    row = row_of(Same(2, 1), normal(1, 1, 6, 6))
    assert (row.name, row.code) == (
        "F.max_pool2d",
        "F.max_pool2d(x, kernel_size=2, stride=1)",
    )
    assert row.output[-2:] == (6, 6) and row.padding == 0


def test_inputs_by_place_by_name_in_a_dict_and_unbatched():
    x = normal(1, 2, 8, 8)
    pool = nn.MaxPool2d(2)
    cases = [
        (Does(lambda m, a, b: m.pool(a) + m.pool(b), pool=pool), (x, x)),
        (Does(lambda m, a=None, b=None: m.pool(a), pool=pool), {"a": x, "b": None}),
        (Does(lambda m, pair: m.pool(pair[0]), pool=pool), [x, x]),
        (pool, x[0]),
        (pool, x[0].numpy()),
    ]
    for model, given in cases:
        assert inspect_poolings(model, given).rows[0].output[-3:] == (2, 4, 4)

    class Dict(nn.Module):
        def forward(self, batch):
            return F.max_pool2d(batch["image"] if isinstance(batch, dict) else batch[0], 2)

    for given in ({"image": x}, (x, 3)):
        assert len(inspect_poolings(Dict(), given).rows) == 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats(dtype):
    model = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(3, 2, 1)).to(dtype)
    rows = inspect_poolings(model, normal(1, 3, 16, 16).to(dtype), backward=True).rows
    assert [row.output[-1] for row in rows] == [8, 4, 2] and 0 < rows[0].reached <= 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda():
    rows = inspect_poolings(SOUND["ResNet"][0]().cuda(), normal(1, 3, 64, 64).cuda(), backward=True).rows
    assert len(rows) == 9 and all(row.seconds > 0 for row in rows)


def test_poolings_without_windows_of_a_fixed_place_and_of_other_ranks():
    report = inspect_poolings(nn.FractionalMaxPool2d(2, output_size=3), normal(1, 2, 8, 8))
    (row,) = report.rows
    assert row.code == "nn.FractionalMaxPool2d(kernel_size=2, output_size=3)" and row.ties is row.sees is None
    assert row.output == (1, 2, 3, 3) and row.indices == 2 * 9 * 8
    with pytest.raises(ValueError, match=r"\(model\) has no windows of a fixed place"):
        report.explorer("(model)")
    other = inspect_poolings(nn.MaxPool1d(2), normal(1, 2, 8))
    assert other.rows == [] and "F.max_pool1d is called, too (1)" in str(other) and "Nothing to see" in str(other)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fails", [False, True])
def test_model_input_and_random_numbers_stay_as_they_are(training, backward, fails):
    def moody(m, x):
        m.eval()
        m.register_buffer("extra", torch.zeros(1))
        return x / 0 if not fails else x.reshape(-1, 7)

    first = nn.ReLU(inplace=True)
    model = nn.Sequential(first, nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.Dropout(), Does(moody)).train(training)
    model[1].weight.grad = torch.ones(2)
    tensors = dict(model.state_dict(keep_vars=True))
    before = {name: t.detach().clone() for name, t in tensors.items()}
    x, random = normal(2, 2, 8, 8), torch.get_rng_state()
    kept = x.clone()
    with pytest.raises(ValueError, match="fails on input of shape") if fails else contextlib.nullcontext():
        inspect_poolings(model, x, backward=backward, smallest=4)
    assert torch.equal(torch.get_rng_state(), random) and torch.equal(x, kept) and not x.requires_grad
    assert all(m.training is training for m in model.modules())
    after = model.state_dict(keep_vars=True)
    assert after.keys() == tensors.keys()
    assert all(after[name] is t and torch.equal(t, before[name]) for name, t in tensors.items())
    assert torch.equal(model[1].weight.grad, torch.ones(2)) and model[1].bias.grad is None
    hooks = ("_forward_pre_hooks", "_forward_hooks", "_forward_hooks_always_called", "_backward_hooks")
    assert not any(getattr(m, name) for m in model.modules() for name in hooks)


def test_frozen_models_and_gradients_that_are_off():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2)).requires_grad_(False)
    x = normal(1, 1, 8, 8)
    for mode in (contextlib.nullcontext(), torch.no_grad(), torch.inference_mode()):
        with mode:
            assert row_of(model, x, backward=True).reached > 0
    assert not any(p.requires_grad for p in model.parameters())


def test_a_compiled_function_inside_is_run_as_python():
    compiled = torch.compile(lambda x: F.max_pool2d(x, 2))
    assert len(inspect_poolings(Does(lambda m, x: compiled(x)), normal(1, 1, 4, 4)).rows) == 1


X = normal(1, 1, 8, 8)


def scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would have people export instead, and they still have such models
        return torch.jit.trace(nn.MaxPool2d(2), X)


def compiled():
    return nn.Sequential(torch.compile(nn.MaxPool2d(2)))


def compiled_in_place():
    model = nn.Sequential(nn.MaxPool2d(2))
    model[0].compile()
    return model


@pytest.mark.parametrize(
    "make, sentence",  # made in the test alone: torch's compiler takes seconds to start
    [
        (scripted, "the model is scripted and runs outside of Python"),
        (compiled, "has a part, '0', that is compiled"),
        (compiled_in_place, "has a part, '0', that was compiled by .compile()"),
    ],
)
def test_what_runs_outside_of_python_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(TypeError) as caught:
        inspect_poolings(make(), X)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "model, x, asked, error, sentence",
    [
        (F.relu, X, {}, TypeError, "model is of type function: give an nn.Module"),
        (nn.DataParallel(nn.MaxPool2d(2)), X, {}, TypeError, "nn.DataParallel: give its .module"),
        (nn.LazyConv2d(2, 3), X, {}, ValueError, "has lazy layers"),
        (nn.MaxPool2d(2), "zebra", {}, TypeError, "of type str is no table of numbers"),
        (nn.MaxPool2d(2), ({},), {}, TypeError, "the input holds no tensor"),
        (nn.MaxPool2d(2), torch.zeros(0, 1, 4, 4), {}, ValueError, "is empty"),
        (nn.MaxPool2d(2), X.to("meta"), {}, TypeError, "on the meta device"),
        (nn.MaxPool2d(9), X, {}, ValueError, "the model fails on input of shape (1, 1, 8, 8): RuntimeError"),
        (nn.MaxPool2d(2), X, {"smallest": 9}, ValueError, "smallest=(9, 9): give a height and width from 1 up to"),
        (nn.MaxPool2d(2), X, {"smallest": 2.5}, TypeError, "smallest=2.5"),
        (Does(lambda m, x: x.detach()), X, {"backward": True}, ValueError, "takes no gradient"),
        (nn.MaxPool2d(2), X, {"backward": lambda out: out}, TypeError, "the loss is no single number"),
        (nn.MaxPool2d(2), X, {"backward": lambda out: out.nonsense}, ValueError, "the loss fails"),
    ],
)  # fmt: skip
def test_refusals_are_sentences(model, x, asked, error, sentence):
    with pytest.raises(error) as caught:
        inspect_poolings(model, x, **asked)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


# ---- Findings --------------------------------------------------------------------------------------------------------

PHOTO = images.photo(64)[None]
NOISE, ODD, SMALL = normal(2, 2, 16, 16), normal(1, 2, 7, 7), normal(1, 2, 1, 1)
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


# ---- Telling ---------------------------------------------------------------------------------------------------------


def reported():
    torch.manual_seed(0)
    layers = {"<stem>": nn.Conv2d(3, 4, 3, padding=1), "relu": nn.ReLU(), "pool": nn.MaxPool2d(2)}
    return inspect_poolings(nn.Sequential(torch.nn.modules.container.OrderedDict(layers)), PHOTO[..., :31, :30])


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def test_the_page_is_a_table_with_heads_pictures_with_words_and_links():
    report = inspect_poolings(SOUND["DenseNet"][0](), normal(1, 3, 70, 70), backward=True)
    tags, rows = Tags(report._repr_html_()), len(report.rows)
    assert len(tags.all("caption")) == 1 and len(tags.all("tr")) == rows + 1
    scopes = [th["scope"] for th in tags.all("th")]
    assert scopes.count("row") == rows and scopes.count("col") == len(scopes) - rows == 14
    assert len(tags.all("td")) == rows * 13 and len(tags.all("img")) == rows
    for row, picture in zip(report.rows, tags.all("img"), strict=True):
        assert picture["alt"].startswith(f"{row.name}, channel ") and "input" in picture["alt"]
        assert picture["src"].startswith("data:image/png;base64,")
    assert {a["href"] for a in tags.all("a")} == {finding.link for finding in report.findings} != set()
    assert "hatched" in next(p["alt"] for p in tags.all("img") if "cells" in p["alt"])


def test_the_page_says_what_the_text_says():
    report = reported()
    text, page = str(report), report._repr_html_()
    assert text == repr(report) and "pool" in text and "&lt;" not in text
    row = report.rows[0]
    for shown in (row.name, row.code, findings.size(row.input), findings.percent(row.never_read)):
        assert shown in text and shown in page
    for finding in report.findings:
        assert f"- {finding.severity}: {finding.name} {finding.what}" in text and finding.what in page


def test_names_from_a_model_are_escaped():
    model = nn.Sequential(torch.nn.modules.container.OrderedDict({"<b>": nn.MaxPool2d(2)}))
    page = inspect_poolings(model, ODD)._repr_html_()
    assert "<b>" not in page and "&lt;b&gt;" in page


@pytest.mark.parametrize("rule", findings.RULES, ids=lambda rule: rule.kind)
def test_each_lesson_has_the_heading_that_a_finding_leads_to(rule):
    notebook, heading = rule.lesson
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "markdown" for line in "".join(cell["source"]).splitlines()]
    assert re.sub(r"^#+ ", "", next(line for line in lines if line.endswith(heading) and line[0] == "#")) == heading


def test_a_report_without_findings_says_so():
    report = inspect_poolings(nn.MaxPool2d(2), PHOTO)
    assert "No findings" in str(report) and "No findings" in report._repr_html_()
    assert str(report).startswith("1 pooling or strided convolution in MaxPool2d\n")


def test_the_explorer_shows_what_the_layer_met():
    report = reported()
    explorer = report.explorer("pool", channel=2)
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, 3, padding=1)
    met = conv(PHOTO[..., :31, :30]).relu()[0]
    assert torch.equal(explorer.x, met[2]) and explorer.pooling == settings_of(nn.MaxPool2d(2))
    assert torch.equal(explorer.trace.output, F.max_pool2d(met[2:3], 2)[0])
    assert torch.equal(report.explorer("pool").x, met)  # all channels, to be picked there
    with pytest.raises(ValueError, match="'none' is none of the poolings that were called: 'pool'"):
        report.explorer("none")
    with pytest.raises(ValueError, match="channel=4: pool met 4 channels, 0 to 3"):
        report.explorer("pool", channel=4)


def test_the_explorer_shows_depthwise_convolutions_and_says_which_it_cannot_show():
    depthwise, mixing = nn.Conv2d(2, 2, 3, 2, groups=2), nn.Conv2d(2, 3, 3, 2)
    report = inspect_poolings(nn.Sequential(depthwise, mixing), normal(1, 2, 11, 11))
    explorer = report.explorer("0", channel=1)
    assert torch.allclose(explorer.trace.output, depthwise(normal(1, 2, 11, 11))[0, 1], atol=1e-6)
    with pytest.raises(ValueError, match="1 makes each of its 3 outputs of 2 channels"):
        report.explorer("1")


def test_large_maps_open_with_as_many_channels_as_a_page_can_bear():
    report = inspect_poolings(nn.MaxPool2d(2), normal(1, 40, 64, 64))
    assert report.explorer("(model)").x.shape == (16, 64, 64)
    assert report.explorer("(model)", channel=39).x.shape == (64, 64)


def test_a_bar_is_shown_where_it_takes_long(monkeypatch):
    shown = []

    class Handle:
        def update(self, html):
            shown.append(html.data)

    monkeypatch.setattr(bar, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda html, display_id: shown.append(html.data) or Handle())
    model = nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(2))
    inspect_poolings(model, NOISE)
    assert shown == []
    monkeypatch.setattr("pooling_course.expert.inspect.PATIENCE", -1)
    inspect_poolings(model, NOISE)
    assert [text.split("> ")[1] for text in shown] == [
        "0 of 2 poolings, starting", "0 of 2 poolings, 0", "1 of 2 poolings, 1", "2 of 2 poolings, done",
    ]  # fmt: skip


def test_the_text_needs_no_matplotlib():
    code = (
        "import sys, torch, pooling_course as p;"
        "str(p.inspect_poolings(torch.nn.MaxPool2d(2), torch.rand(1, 1, 4, 4)));"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.browser
@pytest.mark.parametrize("ground, ink", [("#ffffff", "#212121"), ("#111111", "#ffffff")], ids=["light", "dark"])
def test_the_page_is_read_in_light_and_in_dark(chromium, ground, ink):
    from axe_playwright_python.sync_playwright import Axe

    report = inspect_poolings(SOUND["DenseNet"][0](), normal(1, 3, 70, 70), backward=True)
    links = "#1565c0" if ink == "#212121" else "#64b5f6"  # the front end's own
    style = f"body {{ background: {ground}; color: {ink} }} a {{ color: {links} }}"
    page = chromium.new_page()
    head = f'<!doctype html><html lang="en"><title>report</title><style>{style}</style>'
    page.set_content(f"{head}<main><h1>A report</h1>{report._repr_html_()}</main></html>")
    found = Axe().run(page).response
    assert found["violations"] == []
    assert "color-contrast" in [rule["id"] for rule in found["passes"]]
    page.close()
