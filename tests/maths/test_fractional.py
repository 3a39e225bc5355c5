"""Does fractional max pooling lie where torch has it, forwards and backwards, and does it say so?"""

import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness import key
from pooling_course.explorer.states import is_name
from pooling_course.maths.kinds import from_key, settings_of
from pooling_course.maths.kinds.fractional import Fractional
from pooling_course.maths.trace import trace


def drawn(number, seed=0):
    """(settings, input) of `number` cases that torch takes."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    yield Fractional(2, 7, 0.6), torch.randn(1, 12, 12)  # counted in float64, its windows would lie elsewhere
    for _ in range(number):
        k, out = (rng.randint(1, 4), rng.randint(1, 4)), (rng.randint(1, 8), rng.randint(1, 8))
        h, w = (o + n - 1 + rng.randint(0, 9) for o, n in zip(out, k, strict=True))
        samples = rng.choice([(0.0, 0.0), (rng.random(), rng.random()), (0.05, 0.95), (0.5, 0.5)])
        yield Fractional(k, out, samples), torch.randint(-9, 9, (rng.randint(1, 3), h, w)).float()


def by_torch(p, x):
    samples = torch.tensor(p.samples[::-1], dtype=torch.float32).expand(1, len(x), 2)
    return F.fractional_max_pool2d(x, p.kernel_size, p.size, return_indices=True, _random_samples=samples)


def check(p, x):
    """Output, winners, gradient and every window are torch's; the largest value of each window read is its output."""
    t = trace(p, x)
    inside = x.clone().requires_grad_()
    output, winners = by_torch(p, inside)
    assert torch.equal(t.output, output) and torch.equal(t.winners, winners)
    output.sum().backward()
    assert torch.equal(t.backward(), inside.grad)
    assert t.passes.eq(1).all() and t.divisors is None and t.spread is None
    ramp = torch.arange(x[0].numel()).reshape(x.shape[1:]).float()[None]  # its winner is the last cell of a window
    last = by_torch(p, ramp)[1][0]
    for row in range(t.output.shape[1]):
        for col in range(t.output.shape[2]):
            window = t.window(row, col)
            assert window.output == max(window.values) and not window.padded + window.overhang
            assert len(window.cells) == p.kernel_size[0] * p.kernel_size[1]
            assert window.cells[-1] == divmod(last[row, col].item(), x.shape[2])


def test_windows_winners_and_gradients_are_torchs():
    for p, x in drawn(150):
        check(p, x)


@pytest.mark.parametrize("mistake", ["sides", "truncation", "last", "dtype"])
def test_windows_that_lie_elsewhere_are_caught(mistake, monkeypatch):
    true = Fractional.taps

    def taps(p, i, size, out):
        k, u = p.kernel_size[i], p.samples[i]
        if mistake == "sides":  # torch's samples are (width, height)
            return true(Fractional(p.kernel_size, p.size, p.samples[::-1]), i, size, out)
        dtype = torch.float64 if mistake == "dtype" else torch.float32
        alpha = torch.tensor(size - k, dtype=dtype) / max(out - 1, 1)
        starts = ((torch.arange(out) + torch.tensor(u, dtype=dtype)) * alpha).long()
        if mistake != "truncation":
            starts -= int(u * alpha)
        if mistake != "last":
            starts[-1] = size - k
        return starts[:, None] + torch.arange(k)

    monkeypatch.setattr(Fractional, "taps", taps)
    with pytest.raises((AssertionError, IndexError)):
        for p, x in drawn(100):
            check(p, x)


def test_a_layer_with_fixed_samples_has_settings_and_they_lead_back_to_it():
    layer = nn.FractionalMaxPool2d(2, output_size=(4, 3), _random_samples=torch.tensor([[[0.3, 0.7]]]))
    p = settings_of(layer)
    assert p == Fractional(2, (4, 3), (0.7, 0.3)) and settings_of(p.layer()) == p == from_key(key(p))
    x = torch.rand(1, 7, 6)
    assert torch.equal(trace(layer, x).output, layer(x)) and torch.equal(eval(p.code())(x), layer(x))
    assert trace(layer, torch.rand(2, 3, 7, 6)).output.shape == (2, 3, 4, 3)


@pytest.mark.parametrize(
    ("says", "make"),
    [
        ("draws other windows at each call", lambda: settings_of(nn.FractionalMaxPool2d(2, output_size=3))),
        ("give output_size instead", lambda: settings_of(nn.FractionalMaxPool2d(2, output_ratio=0.5))),
        ("from 0 up to, not including, 1", lambda: Fractional(2, 3, 1.0)),
        ("give one number from 0 up to 1", lambda: Fractional(2, 3, "half")),
        ("kernel_size must be at least 1", lambda: Fractional(0, 3)),
        ("output_size must be at least 1", lambda: Fractional(2, (3, 0))),
        ("too few for 6 different windows of 2, which take 7", lambda: trace(Fractional(2, (3, 6)), torch.ones(6, 6))),
        ("nn.FractionalMaxPool2d takes float32 there", lambda: trace(Fractional(2, 3), torch.ones(6, 6).double())),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(says, make):
    with pytest.raises((TypeError, ValueError)) as refused:
        make()
    assert says in str(refused.value) and str(refused.value).endswith(".")


def test_other_samples_for_each_channel_are_refused():
    layer = nn.FractionalMaxPool2d(2, output_size=3, _random_samples=torch.tensor([[[0.3, 0.7], [0.1, 0.7]]]))
    with pytest.raises(ValueError, match="only the same for all"):
        settings_of(layer)


@pytest.mark.parametrize("name", ["fractional-max 2 2 3 3 0.5", "fractional-max 2 2 3 3 1 0", "fractional-max"])
def test_a_name_that_stands_for_nothing_is_none(name):
    assert not is_name(name)
