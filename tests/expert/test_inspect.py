"""Inspecting a network: is each number what a slow, other way gives, wherever a pooling is called?"""

import contextlib
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.networks import SOUND, Does, kinds, normal
from pooling_course import inspect_poolings, trace
from pooling_course.expert import BlurPool2d, receptive_field
from pooling_course.expert.shifts import relative_change
from pooling_course.maths.kinds import settings_of


def row_of(layer, x, **asked):
    return inspect_poolings(layer, x, **asked).rows[0]


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


@pytest.mark.slow
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


@pytest.mark.slow
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
