"""Do the relatives of the two poolings say what torch does: sizes, windows, shares, sums and refusals?"""

import math
import random

import pytest
import torch
from torch import nn

from harness import key
from harness.together import together
from pooling_course.explorer.states import Packer, ahead, is_name
from pooling_course.maths.kinds import from_key, settings_of
from pooling_course.maths.kinds.adaptive import Adaptive
from pooling_course.maths.kinds.depthwise import Depthwise
from pooling_course.maths.kinds.lp import LP
from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.maths.trace import trace
from pooling_course.maths.windows import NOTHING


def some_layers(seed=0, number=150):
    """Layers and inputs that torch takes, of every relative."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    while number:
        channels, h, w = rng.randint(1, 3), rng.randint(1, 9), rng.randint(1, 9)
        size = rng.choice([rng.randint(1, 11), (rng.randint(1, 6), rng.randint(1, 6)), (None, 3), (None, None)])
        kernel, stride = (rng.randint(1, 4), rng.randint(1, 4)), rng.choice([1, 2, 3, (1, 3)])
        dilation, padding = rng.choice([1, 2, (3, 1)]), rng.choice([0, 1, (2, 5)])
        conv = nn.Conv2d(channels, channels, kernel, stride, padding, dilation, channels, bias=rng.random() < 0.5)
        layer = rng.choice(
            [
                nn.AdaptiveMaxPool2d(size),
                nn.AdaptiveAvgPool2d(size),
                nn.LPPool2d(rng.choice([1, 2, 3, 1.5]), kernel, rng.choice([None, stride]), rng.random() < 0.5),
                conv,
            ]
        )
        x = torch.rand(channels, h, w, dtype=torch.float64) + 0.1
        try:
            layer.double()(x)
        except RuntimeError:
            continue
        number -= 1
        yield layer, x


LAYERS = list(some_layers())
KINDS = {settings_of(layer).kind for layer, _ in LAYERS}
every_layer = together("layer, x", LAYERS)


def test_every_relative_is_among_them():
    assert {"adaptive max", "adaptive avg", "lp", "conv"} == KINDS


@every_layer
def test_the_output_is_the_layers_own_and_so_is_its_size(layer, x):
    t = trace(layer, x)
    with torch.no_grad():
        expected = layer(x)
    torch.testing.assert_close(t.output, expected)
    assert t.pooling.output_size(*x.shape[-2:]) == tuple(expected.shape[-2:])


@every_layer
def test_the_layer_made_from_the_settings_does_the_same(layer, x):
    made = settings_of(layer).layer().double()
    with torch.no_grad():
        torch.testing.assert_close(made(x), layer(x))
    assert settings_of(made.float()).code() == settings_of(layer).code()


@every_layer
def test_shares_give_the_output_forwards_and_the_gradient_backwards(layer, x):
    check_shares(layer, x)


def check_shares(layer, x):
    t = trace(layer, x)
    upstream = torch.rand_like(t.output)
    summed, gradient = torch.zeros_like(t.output), torch.zeros_like(x)
    bias = getattr(layer, "bias", None)
    for channel in range(len(x)):
        for row in range(t.output.shape[-2]):
            for col in range(t.output.shape[-1]):
                window = t.window(row, col, channel)
                assert [x[channel][at].item() for at in window.cells] == window.values
                for at, share, value in zip(window.cells, window.shares, window.values, strict=True):
                    summed[channel, row, col] += share * value
                    gradient[channel][at] += share * upstream[channel, row, col]
        if bias is not None:
            summed[channel] += bias[channel].item()
    torch.testing.assert_close(summed, t.output)  # for LP, too: it grows with its input, as a sum does
    torch.testing.assert_close(gradient, t.backward(upstream))


def test_wrong_windows_and_wrong_shares_are_caught(monkeypatch):
    x = torch.arange(1.0, 36).reshape(1, 5, 7).double()
    layers = {"a": nn.AdaptiveAvgPool2d(3), "b": nn.AdaptiveMaxPool2d(2), "c": nn.LPPool2d(2, 3, 1)}
    true = Adaptive.taps

    def even(self, i, size, out):  # one kernel and one stride, as many believe
        k, stride = size - (size // out) * (out - 1), size // out
        return torch.arange(out)[:, None] * stride + torch.arange(k)

    for layer in layers.values():
        check_shares(layer, x)
    monkeypatch.setattr(Adaptive, "taps", even)
    with pytest.raises(AssertionError):
        check_shares(layers["a"], x)
    monkeypatch.setattr(Adaptive, "taps", true)
    monkeypatch.setattr("pooling_course.maths.trace.apart", lambda taps: 1)  # windows that overlap, asked in one go
    with pytest.raises(AssertionError):
        check_shares(layers["c"], x)


def test_windows_of_adaptive_pooling_are_uneven_where_the_size_does_not_divide():
    taps = Adaptive("adaptive max", 3).taps(0, 5, 3).tolist()
    assert [[at for at in window if at != NOTHING] for window in taps] == [[0, 1], [1, 2, 3], [3, 4]]
    t = trace(nn.AdaptiveAvgPool2d(3), torch.ones(5, 4))
    assert t.divisors.tolist() == [[4, 4, 4], [6, 6, 6], [4, 4, 4]]
    assert t.reads.tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]]


@pytest.mark.parametrize(
    "layer, x, text",
    [
        (nn.AdaptiveAvgPool2d(2), [[1, 3, 5]], "(1 + 3) / 2 = 2"),
        (nn.AdaptiveMaxPool2d(1), [[1, 3], [5, 6]], "max(1, 3, 5, 6) = 6"),
        (nn.LPPool2d(2, 2), [[0, 3], [-4, 0]], "(0^2 + 3^2 + (-4)^2 + 0^2)^(1/2) = 5"),
        (nn.LPPool2d(2, 2, ceil_mode=True), [[3]], "((3^2) * 4/1)^(1/2) = 6"),
        (nn.LPPool2d(1, 2), [[1, 2], [3, -4]], "1 + 2 + 3 + (-4) = 2"),
    ],
)
def test_the_first_window_in_words(layer, x, text):
    assert trace(layer, x).window(0, 0).text == text


def test_a_convolution_in_words():
    p = Depthwise([[[0.5, -1]]], [0.25], padding=(0, 1))
    t = trace(p, [[3, 2]])
    assert t.window(0, 1).text == "0.5*3 + (-1)*2 + 0.25 (bias) = -0.25"
    assert t.window(0, 0).text == "(-1)*3 + 0.25 (bias) = -2.75"  # padding adds 0
    assert t.window(0, 1).shares == [0.5, -1]


NO_ROOT = "norm_type must be a finite number above 0"


@pytest.mark.parametrize(
    "error, says, make",
    [
        (ValueError, "output_size=0: a map of no cells", lambda: settings_of(nn.AdaptiveMaxPool2d(0))),
        (ValueError, "3 entries", lambda: settings_of(nn.AdaptiveAvgPool2d((1, 2, 3)))),
        (TypeError, "output_size=2.5", lambda: settings_of(nn.AdaptiveAvgPool2d(2.5))),
        (ValueError, "no adaptive pooling", lambda: Adaptive("max", 2)),
        (ValueError, f"norm_type=0: {NO_ROOT}", lambda: LP(0, 2)),  # torch 2.14 refuses to make such a layer
        (ValueError, "nn.MaxPool2d on x.abs()", lambda: settings_of(nn.LPPool2d(math.inf, 2))),
        (ValueError, NO_ROOT, lambda: LP(math.nan, 2)),
        (TypeError, "norm_type='2' is of type str", lambda: LP("2", 2)),
        (ValueError, "kernel_size=0", lambda: settings_of(nn.LPPool2d(2, 0))),
        (ValueError, "one window reaches over 5 cells", lambda: trace(nn.LPPool2d(2, 5), torch.ones(4, 4))),
        (ValueError, "mixes channels", lambda: settings_of(nn.Conv2d(4, 4, 3))),
        (ValueError, "mixes channels", lambda: settings_of(nn.Conv2d(4, 4, 3, groups=2))),
        (ValueError, "makes several outputs of each channel", lambda: settings_of(nn.Conv2d(2, 4, 3, groups=2))),
        (ValueError, "only padding with zeros", lambda: settings_of(nn.Conv2d(1, 1, 3, padding_mode="reflect"))),
        (ValueError, "take an odd kernel_size", lambda: settings_of(nn.Conv2d(1, 1, 2, padding="same"))),
        (ValueError, "it has weights for 2", lambda: trace(nn.Conv2d(2, 2, 3, groups=2), torch.ones(1, 4, 4))),
        (ValueError, "weight of shape (2,)", lambda: Depthwise([1.0, 2.0])),
        (ValueError, "bias=(1, 2) for 1 channels", lambda: Depthwise([[[1.0]]], [1, 2])),
        (ValueError, "stride=0: stride must be at least 1", lambda: Depthwise([[[1.0]]], stride=0)),
        (TypeError, "takes float16, bfloat16", lambda: trace(nn.LPPool2d(2, 2), torch.ones(4, 4, dtype=torch.long))),
        (TypeError, "MaxPool2d is a class, no layer yet", lambda: settings_of(nn.MaxPool2d)),
        (ValueError, "nn.LazyConv2d has no weights yet", lambda: settings_of(nn.LazyConv2d(1, 3))),
        (
            TypeError,
            "the input comes first, then the pooling",
            lambda: settings_of(torch.ones(4, 4)),
        ),
        (TypeError, "on the meta device", lambda: trace(nn.MaxPool2d(2), torch.ones(4, 4, device="meta"))),
        (TypeError, "Softmax2d is not a 2-D pooling", lambda: settings_of(nn.Softmax2d())),
    ],
)
def test_a_refusal_is_a_sentence(error, says, make):
    with pytest.raises(error) as refused:
        make()
    assert says in str(refused.value) and str(refused.value).endswith(".")


def test_padding_in_words_is_read_as_torch_reads_it():
    assert settings_of(nn.Conv2d(1, 1, (3, 5), padding="same", dilation=2)).padding == (2, 4)
    assert settings_of(nn.Conv2d(1, 1, 3, padding="valid")).padding == (0, 0)


def test_a_padded_convolution_may_miss_the_input_altogether():
    t = trace(nn.Conv2d(1, 1, 2, padding=3, bias=False), torch.ones(1, 2, 2))
    assert t.window(0, 0).cells == [] and t.window(0, 0).text == "0 = 0" and t.output[0, 0, 0] == 0


def test_keys_name_relatives_and_lead_back_to_them():
    weights = Depthwise([[[1.0, 2.0]]])
    for layer, _ in LAYERS:
        p = settings_of(layer)
        lent = p if isinstance(p, Depthwise) else weights
        twin = from_key(key(p), lent)
        assert key(twin) == key(p) and twin == p


@pytest.mark.parametrize(
    "name", ["adaptive-max", "adaptive-sum 1 1", "lp 2 2 2 2 0 nan", "lp 1", "conv 1 1 0 0 1 1", "lp"]
)
def test_a_name_that_stands_for_nothing_is_none(name):
    assert not is_name(name)


def test_states_hold_outputs_winners_divisors_and_shares():
    for layer, x in LAYERS[:60]:
        p, t = settings_of(layer), trace(layer, x)
        packer = Packer(x, lender=p if isinstance(p, Depthwise) else None)
        forward, backward = packer.pack([key(p), f"grad0 {key(p)}"])["entries"]
        assert (forward["h"], forward["w"]) == tuple(t.output.shape[-2:])
        assert ("winners" in forward) == (p.kind == "adaptive max")
        assert ("divisor" in forward or "divisors" in forward) == (p.kind == "adaptive avg")
        assert ("spread" in backward) == (p.kind in ("lp", "conv"))
        expected = [t.output[c].numel() for c in range(len(x))]
        assert [up for up, _ in backward["totals"]] == expected


def test_an_output_too_large_to_show_is_refused_before_torch_makes_it():
    (entry,) = Packer(torch.ones(1, 2, 2)).pack(["adaptive-avg 100000 100000"])["entries"]
    assert "100000 x 100000, too large to be shown" in entry["error"]


def test_what_sliders_reach_comes_ahead():
    most = {"kernel_size": 3, "stride": 2, "output_size": 4, "norm_type": 3}
    sizes = {key(p) for p in ahead([Adaptive("adaptive max", 2), Adaptive("adaptive avg", 2)], most)}
    assert sizes == {f"adaptive-{kind} {n} {n}" for kind in ("max", "avg") for n in range(1, 5)}
    norms = [key(p) for p in ahead([LP(2, 2), Pooling("avg", 2)], most)]
    assert {f"lp {k} {k} {s} {s} {c} 2" for k in (1, 2, 3) for s in (1, 2) for c in (0, 1)} <= set(norms)
    assert {f"lp 2 2 2 2 0 {n}" for n in (1, 2, 3)} <= set(norms[:8])
    conv = Depthwise([[[1.0] * 3] * 3], stride=2)
    names = {key(p) for p in ahead([conv, Pooling("avg", 3, 2)], most)}
    assert {f"conv {s} {s} {p} {p} {d} {d}" for s in (1, 2) for p in (0, 1) for d in (1, 2, 3)} <= names
    assert not any(name.startswith("avg 2 2") for name in names)  # its window is the convolution's
