"""Would the tests notice a broken engine? Each mutant is a mistake that people make; some check must reject it."""

import dataclasses
import math

import pytest
import test_pooling as checks
import test_rules
import torch
import torch.nn.functional as F

from pooling_course.maths import rules
from pooling_course.maths.kinds import pooling
from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.maths.trace import Trace, Window
from pooling_course.maths.windows import Sliding

pytestmark = pytest.mark.slow

NAN = math.nan
RAMP = torch.arange(36.0).reshape(6, 6) - 40  # all negative, no ties
TIES = torch.ones(4, 4)


def pads_with_zero(true):
    """Max pooling pads with 0."""

    def pool(p, x):
        wide = F.pad(x, (p.padding[1], p.padding[1], p.padding[0], p.padding[0]))
        return true(p, x)[0].maximum(F.max_pool2d(wide, p.kernel_size, p.stride, 0)), true(p, x)[1]

    return pool


def last_tie_wins(true):
    """Of equal values the last wins (for windows side by side)."""

    def pool(p, x):
        output, winners = true(p, x.flip(-1, -2))
        return output.flip(-1, -2), x.shape[-2] * x.shape[-1] - 1 - winners.flip(-1, -2)

    return pool


def counts_overhang(true):
    """What lies beyond the padding is averaged in."""
    return lambda p, x: (true(dataclasses.replace(p, divisor_override=math.prod(p.kernel_size)), x)[0], None)


def ignores_padding(true):
    """Padding never enters the divisor."""
    return lambda p, x: true(dataclasses.replace(p, count_include_pad=False), x)


def swaps_height_and_width(true):
    """Pairs are read as (width, height)."""
    return lambda p, x: true(dataclasses.replace(p, kernel_size=p.kernel_size[::-1]), x)


def counts_the_padded_plane(true):
    """Winners are indices into the padded plane."""

    def pool(p, x):
        output, winners = true(p, x)
        row, col = winners // x.shape[-1], winners % x.shape[-1]
        return output, (row + p.padding[0]) * (x.shape[-1] + 2 * p.padding[1]) + col + p.padding[1]

    return pool


def counts_within_the_window(true):
    """Winners are indices into their own window (for windows side by side)."""

    def pool(p, x):
        output, winners = true(p, x)
        row, col = winners // x.shape[-1], winners % x.shape[-1]
        return output, row % p.kernel_size[0] * p.kernel_size[1] + col % p.kernel_size[1]

    return pool


def first_nan_wins(true):
    """NaN is compared as if it were infinity."""
    return lambda p, x: (true(p, x)[0], true(p, x.nan_to_num(nan=math.inf))[1])


def skips_nan(true):
    """NaN never wins."""
    return lambda p, x: true(p, x.nan_to_num(nan=-math.inf))


def takes_the_absolute_value(true):
    """The strongest is the largest in magnitude."""
    return lambda p, x: true(p, x.abs())


def drops_the_override(true):
    """divisor_override is ignored."""
    return lambda p, x: true(dataclasses.replace(p, divisor_override=None), x)


def forgets_dilation(true):
    """Dilated windows read neighbours, as many as there are windows."""

    def pool(p, x):
        output, winners = true(p, x)
        plain, index = true(dataclasses.replace(p, dilation=1), x)
        h, w = output.shape[-2:]
        return plain[..., :h, :w], index[..., :h, :w]

    return pool


def shares_among_ties(true):
    """Equal values share the gradient, as amax does."""

    def pool(p, x):
        rows = x.unfold(-2, p.kernel_size[0], p.stride[0]).unfold(-2, p.kernel_size[1], p.stride[1])
        return rows.amax((-1, -2)), true(p, x)[1]

    return pool


def loses_the_zero_sign(true):
    """-0.0 becomes 0.0."""
    return lambda p, x: (true(p, x)[0] + 0.0, true(p, x)[1])


PAIR = {"kernel_size": 2}
ONE_SIDE = {"kernel_size": (1, 2), "stride": 2}
PADDED = {"kernel_size": 3, "stride": 2, "padding": 1}
IN_POOL = [
    (pads_with_zero, "max", PADDED, RAMP, ["check_output", "check_windows"]),
    (last_tie_wins, "max", PAIR, TIES, ["check_winners", "check_windows"]),
    (counts_overhang, "avg", PAIR | {"ceil_mode": True}, RAMP[:5, :5], ["check_output", "check_divisors"]),
    (ignores_padding, "avg", PADDED, RAMP, ["check_output", "check_divisors", "check_passes", "check_gradient"]),
    (swaps_height_and_width, "max", ONE_SIDE, RAMP.T, ["check_output", "check_winners", "check_gradient"]),
    (swaps_height_and_width, "avg", ONE_SIDE, RAMP, ["check_output", "check_gradient"]),
    (counts_the_padded_plane, "max", PADDED, RAMP, ["check_winners"]),
    (counts_within_the_window, "max", PAIR, RAMP, ["check_winners", "check_windows"]),
    (first_nan_wins, "max", PAIR, torch.full((4, 4), NAN), ["check_winners", "check_windows"]),
    (skips_nan, "max", PAIR, RAMP.where(RAMP % 5 > 0, NAN), ["check_output", "check_winners"]),
    (takes_the_absolute_value, "max", PAIR, RAMP, ["check_output", "check_winners"]),
    (drops_the_override, "avg", PAIR | {"divisor_override": 3}, RAMP, ["check_output", "check_gradient"]),
    (forgets_dilation, "max", PAIR | {"dilation": 2}, RAMP, ["check_output", "check_winners", "check_gradient"]),
    (shares_among_ties, "max", PAIR, TIES, ["check_gradient"]),
    (loses_the_zero_sign, "max", PAIR, TIES * -0.0, ["check_output"]),
]


def name_of(case):
    return getattr(case, "__name__", None) if callable(case) else "" if not isinstance(case, str) else case


@pytest.mark.parametrize("mutant, kind, given, x, caught_by", IN_POOL, ids=name_of)
def test_a_mistaken_pooling_is_caught(mutant, kind, given, x, caught_by, monkeypatch):
    every = [getattr(checks, name) for name in caught_by]
    for check in every:
        check(kind, given, x)
    monkeypatch.setattr(Pooling, "pool", mutant(Pooling.pool))
    for check in every:
        with pytest.raises(AssertionError):
            check(kind, given, x)


# --- mistakes around torch ------------------------------------------------------------------------------------------


def steps_by_one(true):
    """stride=None means 1, as in Conv2d."""

    def post_init(self):
        if self.stride is None:
            object.__setattr__(self, "stride", 1)
        true(self)

    return post_init


def plain_ceil(true):
    """ceil_mode keeps the window that starts in the right padding."""

    def axis(self, i, size):
        reach, steps, _, _ = true(self, i, size)
        return reach, steps, False, steps + 1

    return axis


def plain_floor(true):
    """ceil_mode is ignored."""
    return lambda self, i, size: true(dataclasses.replace(self, ceil_mode=False), i, size)


def width_first(true):
    """The output size comes as (width, height)."""
    return lambda self, h, w: true(self, h, w)[::-1]


def taps_without_padding(true):
    """Windows start at 0."""
    return property(lambda self: tuple(t + p for t, p in zip(true.func(self), self.pooling.padding, strict=True)))


def taps_without_dilation(true):
    """Windows read neighbours."""

    def taps(self):
        return tuple(t[:, :1] + torch.arange(t.shape[1]) for t in true.func(self))

    return property(taps)


def reads_once(true):
    """A cell is read or not."""
    return property(lambda self: true.func(self).clamp(max=1))


def divides_by_the_kernel(true):
    """The divisor is always k * k."""
    return property(lambda self: torch.full_like(true.func(self), math.prod(self.pooling.kernel_size)))


def passes_everything(true):
    """No gradient is lost in the padding."""
    return property(lambda self: torch.ones_like(true.func(self)))


def gives_ones(true):
    """The upstream gradient is forgotten."""
    return lambda self, upstream=None: true(self)


def changed(**change):
    """Window.read, with fields of its result replaced."""

    def mutant(true):
        def read(*args):
            window = true(*args)
            return dataclasses.replace(window, **{name: to(window) for name, to in change.items()})

        return read

    mutant.__name__ = "window's " + ", ".join(change)
    return mutant


AROUND = [
    (Pooling, "__post_init__", steps_by_one, "max", PAIR, RAMP, ["check_size", "check_output", "check_reads"]),
    (Sliding, "_axis", plain_ceil, "max", {"kernel_size": 1, "stride": 2, "ceil_mode": True}, RAMP, ["check_size"]),
    (Sliding, "_axis", plain_floor, "avg", PAIR | {"ceil_mode": True}, RAMP[:5], ["check_size"]),
    (Sliding, "output_size", width_first, "avg", PAIR, RAMP[:4], ["check_size"]),
    (Trace, "taps", taps_without_padding, "avg", PADDED, RAMP, ["check_reads", "check_windows"]),
    (Trace, "taps", taps_without_dilation, "max", PAIR | {"dilation": 2}, RAMP, ["check_reads", "check_windows"]),
    (Trace, "reads", reads_once, "max", {"kernel_size": 3, "stride": 1}, RAMP, ["check_reads"]),
    (Trace, "divisors", divides_by_the_kernel, "avg", PAIR | {"ceil_mode": True}, RAMP[:5], ["check_divisors"]),
    (Trace, "passes", passes_everything, "avg", PADDED, RAMP, ["check_passes", "check_divisors"]),
    (Trace, "backward", gives_ones, "avg", PAIR, RAMP, ["check_gradient"]),
    *(
        (Window, "read", mutant, kind, PADDED | {"ceil_mode": True}, RAMP, ["check_windows"])
        for kind in ("max", "avg")
        for mutant in (
            changed(cells=lambda w: w.cells[::-1]),
            changed(values=lambda w: w.values[::-1]),
            changed(padded=lambda w: w.padded + w.overhang),
            changed(overhang=lambda w: []),
            changed(shares=lambda w: [1 / len(w.cells)] * len(w.cells)),
            changed(shares=lambda w: [1.0] * len(w.cells)),
            changed(output=lambda w: w.output + 1),
            changed(winner=lambda w: w.winner and w.winner[::-1], divisor=lambda w: w.divisor and w.divisor + 1),
            changed(text=lambda w: w.text.replace("-", "", 1)),
            changed(text=lambda w: w.text.replace("≈", "=") if "≈" in w.text else w.text.replace("=", "= 1")),
        )
    ),
]


@pytest.mark.parametrize("owner, name, mutant, kind, given, x, caught_by", AROUND, ids=name_of)
def test_a_mistake_around_torch_is_caught(owner, name, mutant, kind, given, x, caught_by, monkeypatch):
    every = [getattr(checks, check) for check in caught_by]
    for check in every:
        check(kind, given, x)
    true = vars(owner)[name]
    true = true.__func__.__get__(owner) if isinstance(true, classmethod) else true
    monkeypatch.setattr(owner, name, mutant(true))
    for check in every:
        with pytest.raises((AssertionError, RuntimeError)):
            check(kind, given, x)


# --- refusals left out ------------------------------------------------------------------------------------------------

BARE = {"pair": lambda name, value: value if isinstance(value, tuple) else (value, value)}
RULES = {"check_kind": pooling, "check_settings": pooling} | dict.fromkeys(
    ("check_sliding", "check_padding", "check_size", "check_input", "pair", "flag", "misses"), rules
)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_left_out_is_caught(name, monkeypatch):
    monkeypatch.setattr(RULES[name], name, BARE.get(name, lambda *_: False))
    caught = []
    for case in test_rules.REFUSALS:
        try:
            test_rules.check_refused(*case)
        except Exception:  # a refusal that falls out of Python or torch by chance is as bad as none
            caught.append(case)
    assert caught


@pytest.mark.parametrize("name", ["check_settings", "check_size", "check_input", "misses"])
def test_a_rule_left_out_is_caught_by_the_drawn_settings_too(name, monkeypatch):
    monkeypatch.setattr(RULES[name], name, lambda *_: False)
    with pytest.raises(Exception, match="torch refuses|distinct failures|ZeroDivisionError"):
        checks.test_whatever_torch_refuses_we_refuse_before_asking_it()


@pytest.mark.parametrize("case", ["an answer", "another error", "two lines", "a missing part", "no full stop"])
def test_a_poor_refusal_is_caught(case):
    def call():
        if case != "an answer":
            texts = {"two lines": "stride=0 is\nwrong.", "a missing part": "wrong.", "no full stop": "stride=0"}
            raise (TypeError if case == "another error" else ValueError)(texts.get(case, "stride=0 is wrong."))

    with pytest.raises(AssertionError):
        test_rules.check_sentence(ValueError, ["stride=0"], call)


def test_too_strict_a_rule_is_caught(monkeypatch):
    true = pooling.check_settings

    def no_ceil_mode(p):
        if p.ceil_mode:
            raise ValueError("ceil_mode=True: no.")
        true(p)

    monkeypatch.setattr(pooling, "check_settings", no_ceil_mode)
    with pytest.raises(AssertionError, match="torch takes"):
        checks.check_accepted("max", PAIR | {"ceil_mode": True}, RAMP[None])
