"""Is what is shown what the layer computes, whatever it is made of? Else one sentence must say how the two differ."""

import copy
import functools
import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations, prune

from pooling_course.explorer.explorer import PoolingExplorer
from pooling_course.maths import layers
from pooling_course.maths.kinds import settings_of
from pooling_course.maths.trace import trace

FIVE = torch.arange(25.0).reshape(1, 5, 5)


def sentence(error):
    text = str(error)
    assert "\n" not in text and text.endswith(".") and len(text) < 520 and text[0] != " ", text
    return text


def refused(call, *said):
    with warnings.catch_warnings(), pytest.raises((TypeError, ValueError)) as error:
        warnings.simplefilter("error")
        call()
    text = sentence(error.value)
    assert [part for part in said if part not in text] == [], text


# --- layers with ways of their own ------------------------------------------------------------------------------------


def pad_same(x, kernel, stride, value=0.0):
    """As timm pads: so that the output has ceil(size / stride) cells, more on the right where it is odd."""
    need = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(x.shape[-2:], kernel, stride, strict=True)]
    return F.pad(x, (need[1] // 2, need[1] - need[1] // 2, need[0] // 2, need[0] - need[0] // 2), value=value)


class AvgPool2dSame(nn.AvgPool2d):
    def forward(self, x):
        x = pad_same(x, (self.kernel_size,) * 2, (self.stride,) * 2)
        return F.avg_pool2d(x, self.kernel_size, self.stride, 0, self.ceil_mode, self.count_include_pad)


class MaxPool2dSame(nn.MaxPool2d):
    def forward(self, x):
        x = pad_same(x, (self.kernel_size,) * 2, (self.stride,) * 2, -math.inf)
        return F.max_pool2d(x, self.kernel_size, self.stride)


class Conv2dSame(nn.Conv2d):
    def forward(self, x):
        x = pad_same(x, self.kernel_size, self.stride)
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class Standardized(nn.Conv2d):
    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, weight - weight.mean(), bias)


class Spelled(nn.MaxPool2d):
    """Harmless: it only says more about itself."""

    def extra_repr(self):
        return "the largest of " + super().extra_repr()


class Cheerful(nn.MaxPool2d):
    """A forward of its own that does just the same."""

    def forward(self, x):
        return super().forward(x)


class Detached(nn.AvgPool2d):
    def forward(self, x):
        return super().forward(x).detach()


class Doubled(torch.autograd.Function):
    """The same numbers forwards, twice the gradient backwards."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


class Steep(nn.AvgPool2d):
    def forward(self, x):
        return Doubled.apply(super().forward(x))


class Failing(nn.MaxPool2d):
    def forward(self, x):
        raise KeyError("mask")


class Both(nn.MaxPool2d):
    def forward(self, x):
        return {"out": super().forward(x)}


class Called(nn.AvgPool2d):
    def __call__(self, x):
        return -super().__call__(x)


def patched(layer, forward):
    layer.forward = forward
    return layer


def hooked(layer, add, hook):
    getattr(layer, f"register_{add}")(hook)
    return layer


OWN = [
    (
        lambda: AvgPool2dSame(3, 2),
        ["from AvgPool2dSame", "gives 3 x 3", "gives 2 x 2", "nn.AvgPool2d(kernel_size=3, stride=2)"],
    ),
    (lambda: MaxPool2dSame(3, 2), ["from MaxPool2dSame", "gives 3 x 3", "gives 2 x 2"]),
    (lambda: Conv2dSame(1, 1, 3, 2), ["from Conv2dSame", "gives 3 x 3"]),
    (lambda: Standardized(1, 1, 3), ["a _conv_forward of its own, from Standardized", "at [0, 0, 0]"]),
    (lambda: Failing(2), ["from Failing", "fails on an input of shape (1, 5, 5) (KeyError: 'mask')"]),
    (lambda: Both(2), ["gives a dict"]),
    (lambda: Detached(2), ["lets no gradient through"]),
    (lambda: Steep(2), ["another gradient"]),
    (lambda: Called(2), ["a __call__ of its own, from Called", "gives -3 at [0, 0, 0]", "gives 3"]),
    (lambda: patched(nn.MaxPool2d(2), lambda x: x[..., ::2, ::2]), ["a forward of its own", "gives 3 x 3"]),
    (lambda: patched(nn.AvgPool2d(2), lambda x: F.avg_pool2d(x.half(), 2)), ["of float16", "of float32"]),
    (lambda: hooked(nn.AvgPool2d(2), "forward_hook", lambda m, i, out: out + 1), ["a forward hook", "gives 4 at"]),
    (lambda: hooked(nn.AvgPool2d(2), "forward_pre_hook", lambda m, i: (-i[0],)), ["a forward pre-hook", "gives -3"]),
    (
        lambda: hooked(nn.AvgPool2d(2), "full_backward_hook", lambda m, back, up: (back[0] * 3,)),
        ["a backward hook", "another gradient"],
    ),
    (
        lambda: hooked(nn.AvgPool2d(2), "full_backward_pre_hook", lambda m, up: (up[0] * 3,)),
        ["a backward pre-hook", "another gradient"],
    ),
]


@pytest.mark.parametrize("make, said", OWN)
def test_is_a_layer_that_computes_something_else_refused_with_the_difference(make, said):
    refused(lambda: trace(make(), FIVE), *said)
    refused(lambda: settings_of(make()), "so it may compute something else", "trace(layer, x)")
    refused(lambda: PoolingExplorer(FIVE, make()), "so it may compute something else")


SAME = [
    lambda: Spelled(2),
    lambda: Cheerful(2),
    lambda: AvgPool2dSame(5, 5),
    lambda: MaxPool2dSame(1, 2),
    lambda: hooked(nn.MaxPool2d(2), "forward_hook", lambda m, i, out: None),
    lambda: hooked(nn.AvgPool2d(2), "forward_pre_hook", lambda m, i: None),
    lambda: hooked(nn.AvgPool2d(2), "full_backward_hook", lambda m, back, up: None),
    lambda: parametrizations.weight_norm(nn.Conv2d(1, 1, 3)),
    lambda: prune.l1_unstructured(nn.Conv2d(1, 1, 3), "weight", 4),
    lambda: nn.MaxPool2d(2, return_indices=True),
    lambda: nn.AdaptiveMaxPool2d(2, return_indices=True),
    lambda: copy.deepcopy(nn.AvgPool2d(2)).eval(),
]


@pytest.mark.parametrize("make", SAME)
def test_is_a_layer_taken_that_computes_what_its_settings_say(make):
    layer = make()
    want = layer(FIVE)
    assert trace(layer, FIVE).output.equal(want[0] if isinstance(want, tuple) else want)


def test_are_harmless_classes_and_parametrizations_shown():
    assert PoolingExplorer("worked", Spelled(3)).pooling == settings_of(nn.MaxPool2d(3))
    layer = parametrizations.weight_norm(nn.Conv2d(1, 1, 3))
    assert PoolingExplorer("worked", layer).trace.output.shape == (4, 4)


def test_are_weights_that_change_whenever_they_are_read_refused():
    class Noise(nn.Module):
        def forward(self, weight):
            return weight + torch.rand_like(weight)

    layer = nn.Conv2d(1, 1, 3)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", Noise())
    refused(lambda: trace(layer, FIVE), "a weight that is another whenever it is read")


def test_is_a_gradient_of_nan_another_than_one_of_0():
    x = torch.tensor([[[-1.0, 0, 2], [-3, -2, -6]]])
    flipping = remade(nn.LPPool2d(0.5, 2), Turned)
    assert flipping(x).isnan().all() and trace(nn.LPPool2d(0.5, 2), x).output.isnan().all()
    refused(lambda: trace(flipping, x), "another gradient")


def test_does_a_hook_of_all_modules_count():
    handle = nn.modules.module.register_module_forward_hook(lambda m, i, out: out * 2)
    try:
        refused(lambda: trace(nn.AvgPool2d(2), FIVE), "a forward hook that all modules have")
    finally:
        handle.remove()
    assert trace(nn.AvgPool2d(2), FIVE).output[0, 0, 0] == 3


def test_does_running_a_layer_leave_no_trace():
    noisy = hooked(nn.MaxPool2d(2), "forward_hook", lambda m, i, out: (torch.rand(3), None)[1])
    x, before = FIVE.clone().requires_grad_(), torch.get_rng_state()
    trace(noisy, x)
    assert x.grad is None and x.equal(FIVE) and torch.get_rng_state().equal(before)
    inplace = hooked(nn.MaxPool2d(2), "forward_pre_hook", lambda m, i: (i[0].mul(0),))
    refused(lambda: trace(inplace, x), "gives 0 at")
    assert x.equal(FIVE)


# --- what is no layer of two dimensions -------------------------------------------------------------------------------

NET = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2))


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: NET, ["Sequential is made of several layers", 'layer.get_submodule("2")']),
        (lambda: nn.Sequential(nn.ReLU()), ["several layers", "if it has one"]),
        (lambda: nn.ModuleList([nn.AvgPool2d(2)]), ["several layers", 'layer.get_submodule("0")']),
        (lambda: torch.fx.symbolic_trace(nn.MaxPool2d(2)), ["torch.fx", "that it was made of"]),
        (lambda: torch.fx.symbolic_trace(NET), ["torch.fx", 'layer.get_submodule("2")']),
        (lambda: torch.jit.script(nn.MaxPool2d(2)), ["MaxPool2d was compiled by TorchScript"]),
        (lambda: torch.jit.trace(nn.MaxPool2d(2), FIVE), ["MaxPool2d was compiled by TorchScript"]),
        (lambda: torch.compile(nn.MaxPool2d(2)), ["compiled by torch.compile", "layer._orig_mod"]),
        (lambda: nn.DataParallel(nn.MaxPool2d(2)), ["wrapped around", "layer.module"]),
        (lambda: F.max_pool2d, ["max_pool2d is a function", "nn.MaxPool2d(2)"]),
        (lambda: F.avg_pool2d, ["nn.AvgPool2d(2)"]),
        (lambda: F.adaptive_avg_pool2d, ["nn.AdaptiveAvgPool2d(2)"]),
        (lambda: F.lp_pool2d, ["nn.LPPool2d(2)"]),
        (lambda: torch.conv2d, ["nn.Conv2d(2)"]),
        (lambda: functools.partial(F.max_pool2d, kernel_size=2), ["max_pool2d is a function", "nn.MaxPool2d(2)"]),
        (lambda: lambda x: x, ["is a function", "nn.MaxPool2d or nn.AvgPool2d"]),
        (lambda: nn.MaxPool1d(2), ["MaxPool1d", "1-D", "give nn.MaxPool2d", "x[..., None, :]"]),
        (lambda: nn.AvgPool3d(2), ["3-D", "give nn.AvgPool2d"]),
        (lambda: nn.AdaptiveAvgPool1d(2), ["1-D", "give nn.AdaptiveAvgPool2d"]),
        (lambda: nn.LPPool1d(2, 2), ["1-D", "give nn.LPPool2d"]),
        (lambda: nn.LazyConv1d(2, 2), ["1-D", "give nn.Conv2d"]),
        (lambda: nn.MaxUnpool2d(2), ["MaxUnpool2d is not a 2-D pooling"]),
        (lambda: nn.ConvTranspose2d(1, 1, 2), ["ConvTranspose2d is not a 2-D pooling"]),
        (lambda: nn.LazyConv2d(1, 3), ["no weights yet"]),
        (lambda: nn.Conv2d(1, 1, 2, device="meta"), ["weight", "meta device"]),
        (lambda: nn.Conv2d(1, 1, 2, dtype=torch.complex64), ["weight is complex"]),
        (lambda: nn.MaxPool2d, ["a class, no layer yet"]),
        (lambda: "nn.MaxPool2d(2)", ["but a string"]),
        (lambda: None, ["NoneType is not a 2-D pooling"]),
        (lambda: 2, ["int is not a 2-D pooling"]),
        (lambda: FIVE, ["the input comes first"]),
        (lambda: nn.MaxPool2d.__new__(nn.MaxPool2d), ["MaxPool2d is incomplete"]),
        (lambda: nn.MaxPool2d("2"), ["kernel_size='2'"]),
        (lambda: nn.AvgPool2d(2, padding=2), ["padding=2"]),
    ],
)
def test_is_what_is_no_layer_of_two_dimensions_refused(make, said):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript says that it is old
        layer = make()
    refused(lambda: trace(layer, FIVE), *said)
    refused(lambda: settings_of(layer), *said)


def test_do_weights_of_another_dtype_count():
    refused(lambda: trace(nn.Conv2d(1, 1, 2), FIVE.double()), "float32", "float64", "x.to(torch.float32)")


# --- weights that are no numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0])
def test_are_odd_weights_shown_as_they_are(value):
    layer = nn.Conv2d(1, 1, 2)
    with torch.no_grad():
        layer.weight[0, 0, 0, 1] = layer.bias[0] = value
    assert settings_of(layer) == settings_of(copy.deepcopy(layer))
    assert hash(settings_of(layer)) == hash(settings_of(copy.deepcopy(layer)))
    want = layer(FIVE).detach()
    for found in (trace(layer, FIVE), PoolingExplorer(FIVE, layer).trace):
        assert torch.equal(found.output.nan_to_num(), want.nan_to_num()) and found.output.isnan().equal(want.isnan())
    explorer = PoolingExplorer(FIVE)
    explorer.layer = layer
    explorer.layer = copy.deepcopy(layer)
    assert explorer.kind == "conv"


# --- whatever is drawn ------------------------------------------------------------------------------------------------

DTYPES = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
]
SIZES = st.sampled_from([1, 2, 2, 3, (1, 2), (2, 1), (2, 3), 4])


@st.composite
def some_layer(draw):
    kind = draw(st.sampled_from(["max", "avg", "adaptive max", "adaptive avg", "lp", "conv"]))
    pads = draw(st.sampled_from([0, 0, 0, 1, 2]))
    stride, ceil = draw(st.none() | SIZES), draw(st.booleans())
    if kind == "max":
        return nn.MaxPool2d(draw(SIZES), stride, pads, draw(st.integers(1, 2)), draw(st.booleans()), ceil)
    if kind == "avg":
        override = draw(st.none() | st.sampled_from([-3, 1, 7]))
        return nn.AvgPool2d(draw(SIZES), stride, pads, ceil, draw(st.booleans()), override)
    if kind.startswith("adaptive"):
        return (nn.AdaptiveMaxPool2d if kind.endswith("max") else nn.AdaptiveAvgPool2d)(draw(SIZES))
    if kind == "lp":
        return nn.LPPool2d(draw(st.sampled_from([1, 2, 3, 0.5])), draw(SIZES), stride, ceil)
    channels = draw(st.integers(1, 3))
    layer = nn.Conv2d(channels, channels, draw(SIZES), stride or 1, pads, groups=channels, bias=draw(st.booleans()))
    with torch.no_grad():
        layer.weight.flatten()[0] = draw(st.sampled_from([0.5, math.nan, math.inf]))
    return layer.to(draw(st.sampled_from([torch.float32, torch.float64])))


def remade(layer, cls):
    """The same settings in another class."""
    found = copy.deepcopy(layer)
    found.__class__ = type(f"{cls.__name__}{type(layer).__name__}", (cls, type(layer)), {})
    return found


class Quiet(nn.Module):
    def extra_repr(self):
        return ""


class Passing(nn.Module):
    def forward(self, x):
        return super().forward(x)


class Turned(nn.Module):
    def forward(self, x):
        return super().forward(x.flip(-1))


WRAPPERS = {
    "as it is": lambda layer: layer,
    "a class that says more": lambda layer: remade(layer, Quiet),
    "a forward that does the same": lambda layer: remade(layer, Passing),
    "a forward that flips": lambda layer: remade(layer, Turned),
    "a hook that looks": lambda layer: hooked(layer, "forward_hook", lambda m, i, out: None),
    "a hook that adds": lambda layer: hooked(
        layer, "forward_hook", lambda m, i, out: None if isinstance(out, tuple) else out + 1
    ),
    "a hook before": lambda layer: hooked(layer, "forward_pre_hook", lambda m, i: (i[0].roll(1, -1),)),
    "a hook backwards": lambda layer: hooked(layer, "full_backward_hook", lambda m, back, up: (back[0] * 2,)),
    "a patched forward": lambda layer: patched(layer, lambda x: x[..., :1, :1]),
    "a sequence": nn.Sequential,
    "a function": lambda layer: layer.forward,
    "a graph": torch.fx.symbolic_trace,
}


def quiet(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def of_numpy(turn):
    return lambda x: turn(x.numpy()) if x.dtype != torch.bfloat16 else x


FORMS = {
    "a tensor": lambda x: x,
    "with a gradient": lambda x: x.clone().requires_grad_(x.is_floating_point()),
    "transposed in memory": lambda x: x.mT.contiguous().mT,
    "every second cell": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "a parameter": lambda x: nn.Parameter(x, x.is_floating_point()),
    "an array": of_numpy(np.asarray),
    "flipped twice": of_numpy(lambda a: a[..., ::-1].copy()[..., ::-1]),
    "big-endian": of_numpy(lambda a: a.astype(a.dtype.newbyteorder(">"))),
    "Fortran's order": of_numpy(np.asfortranarray),
    "masked": of_numpy(lambda a: np.ma.masked_equal(a, a.flat[0]) if a.size else a),
    "objects": of_numpy(lambda a: a.astype(object)),
    "lists": lambda x: x.tolist(),
    "a list of tensors": lambda x: list(x),
    "with a label": lambda x: (x, 3),
    "sparse": lambda x: x.to_sparse(),
    "sparse by rows": lambda x: x.to_sparse_csr() if x.ndim == 2 else x,
    "meta": lambda x: x.to("meta"),
    "complex": lambda x: x.to(torch.complex64),
}


@st.composite
def some_input(draw):
    sizes = st.sampled_from([1, 3, 4, 5, 6, 7])
    shape = draw(
        st.tuples(sizes, sizes)
        | st.tuples(st.integers(1, 3), sizes, sizes)
        | st.tuples(st.integers(0, 2), st.integers(1, 3), sizes, sizes)
        | st.sampled_from([(), (5,), (0, 4), (2, 0, 3, 3), (1, 1, 1, 4, 4), (9, 9, 3), (28, 28, 1)])
    )
    random = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    x = torch.randint(-9, 9, shape, generator=random).to(draw(st.sampled_from(DTYPES + DTYPES[:4] * 3)))
    if x.is_floating_point() and x.numel() and draw(st.booleans()):
        x.view(-1)[-1] = draw(st.sampled_from([math.nan, math.inf, -math.inf, 0.1]))
    return x


def same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and bool(((a == b) | (a.isnan() & b.isnan())).all())


COUNT = {"taken": 0, "refused": 0}


@pytest.mark.slow
@settings(max_examples=1500, derandomize=True, database=None, deadline=None)
@given(
    some_layer(),
    st.sampled_from([*WRAPPERS] + ["as it is"] * 6),
    some_input(),
    st.sampled_from([*FORMS] + ["a tensor", "an array"] * 5),
)
def test_whatever_is_passed_is_right_or_refused_in_a_sentence(layer, wrapper, x, form):
    wrapped, passed = quiet(lambda: WRAPPERS[wrapper](layer)), quiet(lambda: FORMS[form](x) if x.ndim > 1 else x)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = trace(wrapped, passed)
    except (TypeError, ValueError) as error:
        COUNT["refused"] += 1
        sentence(error)
        return
    COUNT["taken"] += 1
    assert same(found.x, x.float() if form == "lists" and x.ndim > 1 else x)
    want = wrapped(found._x)  # whatever it raises, torch would have refused what we took
    want = want[0] if isinstance(want, tuple) else want
    assert same(found._output, want)
    if found.output.numel():
        at = [n - 1 for n in found.output.shape[-2:]]
        window = found.window(*at)
        assert same(
            torch.tensor(window.output, dtype=want.dtype),
            found._output.reshape(-1, *found._output.shape[-2:])[0][tuple(at)],
        )
        if found.x.is_floating_point():
            given = found._x.clone().requires_grad_()
            out = wrapped(given)
            (gradient,) = torch.autograd.grad((out[0] if isinstance(out, tuple) else out).sum(), given)
            assert same(found.backward().reshape(gradient.shape), gradient)


@pytest.mark.slow
def test_were_many_of_both_sorts_drawn():
    test_whatever_is_passed_is_right_or_refused_in_a_sentence() if not COUNT["taken"] else None
    assert COUNT["taken"] > 300 and COUNT["refused"] > 300, COUNT


@pytest.mark.parametrize("fault", ["own ways", "comparison", "gradient"])
def test_is_a_fault_in_the_way_in_noticed(fault, monkeypatch):
    if fault == "own ways":
        monkeypatch.setattr(layers, "own_ways", lambda layer: [])
    elif fault == "comparison":
        monkeypatch.setattr(layers, "_difference", lambda *_: "")
    else:
        monkeypatch.setattr(torch.autograd, "grad", lambda loss, x: (torch.zeros_like(x),))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        for make, said in OWN:
            refused(lambda make=make: trace(make(), FIVE), *said)
