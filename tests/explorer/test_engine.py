"""Does the page pool as torch does? Its engine runs under plain Node, and every number of its answers is judged.

By default some thousand settings; `python course.py test -- -m long` compares more than 100,000. The last tests
plant mistakes in it, and each must be noticed.
"""

import re
from itertools import product

import numpy as np
import pytest
import torch

from harness import ROOT
from harness.engine import ENGINE, INF, NAN, Case, Judge, drawn, pooled
from pooling_course.images import PRESETS, preset
from pooling_course.maths import words
from pooling_course.maths.kinds.adaptive import Adaptive
from pooling_course.maths.kinds.depthwise import Depthwise
from pooling_course.maths.kinds.lp import LP
from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.web import assets

RAMP = torch.arange(36.0).reshape(1, 6, 6) - 40  # all negative, no ties
TIES = torch.ones(1, 4, 4)
ZEROS = torch.tensor([[[0.0, -0.0, -0.0, 0.0]]]).repeat(1, 4, 1)
NANS = RAMP.where(RAMP % 5 > 0, NAN)
TENTHS = (torch.arange(60).reshape(1, 6, 10) * 7 % 60).float() / 10


@pytest.fixture
def judge(tmp_path):
    """judge(cases, source) -> what a Judge says of the engine, or of the source given in its place."""

    def judged(cases, source=None):
        found = Judge()
        for case, answer in zip(cases, pooled(cases, tmp_path, source), strict=True):
            found.judge(case, answer)
        return found

    return judged


def agree(judged, *kinds):
    assert not judged.wrong, f"{len(judged.wrong)} differ; the first: {judged.wrong[0]}"
    assert judged.compared["winners"] + judged.compared["values"] > 0
    assert set(kinds) <= set(judged.settings)


def upstream(p, x):
    """One that tells every output cell from every other."""
    size = p.output_size(*x.shape[-2:])
    return (torch.arange(size[0] * size[1], dtype=torch.float64).reshape(1, *size) - 3) / 7


def case(kind, given, x=RAMP):
    p = Pooling(kind, **given)
    return Case(p, x, upstream(p, x) if x.is_floating_point() and not p.ceil_mode else None)


# --- drawn ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_settings_and_maps_drawn_at_random(judge):
    agree(judge(drawn(1500)), "max", "avg", "adaptive max", "adaptive avg", "fractional max", "lp", "conv")


def test_larger_maps(judge):
    agree(judge(drawn(40, seed=1, largest=60)))


SEEDS = range(100, 140)
EACH = (2500, 12), (60, 40)  # cases, and how large their maps may be


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_a_hundred_thousand_settings_and_maps(judge, seed):
    judged = judge([case for n, largest in EACH for case in drawn(n, seed, largest)])
    print(judged)  # seen with -s
    agree(judged)


def test_as_many_are_compared_as_the_pages_say():
    said = re.search(r'^COMPARED = "([\d,]+)"', (ROOT / "site" / "build.py").read_text(encoding="utf-8"), re.M)[1]
    assert len(SEEDS) * sum(n for n, _ in EACH) > int(said.replace(",", "")) == 100_000


# --- chosen -----------------------------------------------------------------------------------------------------------


def relatives(channels):
    weight = [[[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]] * channels
    yield from (Adaptive(kind, size) for kind in ("adaptive max", "adaptive avg") for size in (1, 2, 3, (4, None), 7))
    yield from (LP(norm, *at) for norm in (1, 2, 3, 0.5, 2.5) for at in ((2,), (3, 1), (2, 3, True)))
    yield from (
        Depthwise(weight, bias, *at) for bias in (None, [0.1] * channels) for at in ((1,), (2, 1), (1, (3, 2), 2))
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_at_every_place_of_the_sliders(judge, name):
    x = preset(name)
    x = x if x.ndim == 3 else x[None]
    sliders = [(k, s, p) for k, s, p in product(range(1, 6), range(1, 6), range(3)) if p <= k // 2]
    sliders = sliders[::29] if name == "photo" else sliders
    found = [Pooling(kind, *at) for kind in ("max", "avg") for at in sliders]
    found += [
        Pooling("avg", 3, 2, 1, 1, True, False),
        Pooling("avg", 2, divisor_override=7),
        Pooling("max", 2, 2, 1, 2, True),
    ]
    judged = judge(
        [Case(p, x, upstream(p, x)) for p in (*found, *relatives(len(x))) if min(p.raw_output_size(*x.shape[1:])) > 0]
    )
    agree(judged)
    assert not judged.skipped.total()


@pytest.mark.slow
def test_every_way_in_which_windows_can_meet_an_edge(judge):
    """Sizes, kernels, strides, paddings, ceil_mode, dilations: rest windows, overhang, windows that are dropped."""
    rng, cases = torch.Generator().manual_seed(0), []
    for size, k, s, p, ceil, d in product(range(1, 9), range(1, 5), range(1, 5), range(3), (False, True), (1, 2)):
        x = torch.rand(1, size, 9 - size, generator=rng)
        for kind, counted in (("max", True), ("avg", True), ("avg", False)):
            if p > k // 2 or (kind == "avg" and d > 1):
                continue
            pooling = Pooling(kind, (k, 2), (s, 1), (p, 1), d, ceil, counted)
            try:
                pooling.output_size(*x.shape[1:])
            except ValueError:
                continue
            cases.append(Case(pooling, x))
    assert len(cases) > 1500
    agree(judge(cases))


def test_whole_numbers(judge):
    x = torch.randint(-9, 10, (2, 5, 7), generator=torch.Generator().manual_seed(0))
    settings = [{"kernel_size": 2, "ceil_mode": True}, {"kernel_size": 3, "stride": 1, "padding": 1}]
    judged = judge([case(kind, s, x.to(dtype)) for s in settings for kind, dtype in WHOLE])
    agree(judged)


WHOLE = [("avg", torch.int64), *(("max", dtype) for dtype in (torch.int64, torch.int32, torch.int16, torch.int8))]


@pytest.mark.slow
def test_where_the_last_bits_may_differ_the_digits_shown_do_not(tmp_path):
    """Powers, convolutions, means and totals of the presets read as torch's, but for one number in 10,000."""
    names = ("worked", "negative", "edge", "ties", "peak", "odd", "digit")
    cases = [Case(p, preset(name)[None]) for name in names for p in relatives(1)]
    found = Shown()
    for one, answer in zip(cases, pooled(cases, tmp_path), strict=True):
        found.judge(one, answer)
    assert found.shown > 30_000 and len(found.otherwise) <= found.shown / 10_000, found.otherwise


class Shown(Judge):
    """Compares what is written."""

    shown, otherwise = 0, ()

    def field(self, case, name, field, ours, theirs, slack=None):
        if field in ("values", "gradient", "spread", "totals"):
            texts = [[words.number(float(v)) for v in np.array(side, float).ravel()] for side in (ours, theirs)]
            self.shown += len(texts[0])
            self.otherwise += tuple((case.pooling, name, a, b) for a, b in zip(*texts, strict=True) if a != b)


# --- mistakes planted in the engine -----------------------------------------------------------------------------------

PEAK = RAMP + 41
PEAK[0, 2, 2] = INF
PAIR = {"kernel_size": 2}
THREE = {"kernel_size": 3, "stride": 1}
PADDED = {"kernel_size": 3, "stride": 2, "padding": 1}
ONE_SIDE = {"kernel_size": (1, 2), "stride": 2}
SQUARE = [[1, 2], [3, 4]]
CEIL = PAIR | {"ceil_mode": True}
FIVES = RAMP[:, :5, :5]

MAXIMUM = "value > best || Number.isNaN(value)"
MISTAKES = [
    ("max pads with 0", "let best = -Infinity", "let best = 0", case("max", PADDED)),
    ("the last tie wins", "value > best", "value >= best", case("max", PAIR, TIES)),
    (
        "the first nan wins",
        MAXIMUM,
        "value > best || (value !== value && best === best)",
        case("max", PAIR, TIES * NAN),
    ),
    ("nan never wins", MAXIMUM, "value > best", case("max", PAIR, NANS)),
    (
        "the strongest is the largest in size",
        MAXIMUM,
        "Math.abs(value) > Math.abs(best === -Infinity ? 0 : best) || Number.isNaN(value)",
        case("max", PAIR),
    ),
    (
        "the sign of 0 decides",
        "value > best",
        "(value > best || (value === best && Object.is(best, -0)))",
        case("max", PAIR, ZEROS),
    ),
    ("winners lie in their window", "won = y * w + x;", "won = (y - rows.from[r]) * w + x;", case("max", PAIR)),
    ("winners lie in the padded plane", "found[o++] = won", "found[o++] = won + w", case("max", PADDED)),
    ("of two windows one gives its gradient", "+= sent[o]", "= sent[o]", case("max", THREE, TENTHS)),
    ("upstream is forgotten", "if (upstream) for", "if (!x) for", case("max", PAIR)),
    (
        "windows are read without dilation",
        "return { out, by,",
        "return { out, by: 1,",
        case("max", PAIR | {"dilation": 2}, TENTHS),
    ),
    ("dilation moves no start", "start + a.tap[o] * by", "start + a.tap[o]", case("max", PADDED | {"dilation": 2})),
    (
        "pairs are (width, height)",
        "kernel: [kh, kw], stride: [sh, sw], padding",
        "kernel: [kw, kh], stride: [sh, sw], padding",
        case("max", ONE_SIDE),
    ),
    (
        "sizes are (width, height)",
        "[h, w].map((size, i) => along",
        "[w, h].map((size, i) => along",
        case("avg", PAIR, RAMP[:, :4]),
    ),
    ("windows begin at 0", "const start = o * stride - padding", "const start = o * stride", case("avg", PADDED)),
    (
        "ceil_mode keeps a window in the padding",
        "* stride >= size + padding ? 0 : 1",
        "* stride > size + padding ? 0 : 1",
        case("max", {"kernel_size": 1, "stride": 2, "ceil_mode": True}),
    ),
    (
        "ceil_mode keeps every window",
        "(Math.ceil(steps) * stride >= size + padding ? 0 : 1)",
        "1",
        case("max", {"kernel_size": 1, "stride": 2, "ceil_mode": True}),
    ),
    ("ceil_mode is not heard", "if (!p.ceil)", "if (true)", case("avg", CEIL, FIVES)),
    ("overhang is averaged in", "Math.min(start + k, size + padding) - start", "k", case("avg", CEIL, FIVES)),
    ("padding is never counted", "p.counted ? rows.long[r]", "false ? rows.long[r]", case("avg", PADDED)),
    (
        "padding is always counted",
        "p.counted ? rows.long[r]",
        "true ? rows.long[r]",
        case("avg", PADDED | {"count_include_pad": False}),
    ),
    (
        "the divisor is that of the kernel",
        "p.counted ? rows.long[r] * cols.long[c]",
        "p.counted ? p.kernel[0] * p.kernel[1]",
        case("avg", CEIL, FIVES),
    ),
    (
        "divisor_override is dropped",
        "p.divisor ?? (",
        "(",
        case("avg", PAIR | {"divisor_override": 3}),
    ),
    ("-0 stays", "(value) => value + 0", "(value) => value", case("avg", PAIR | {"divisor_override": -3}, TIES * 0)),
    ("sums are kept in float64", "sum = round(sum + values", "sum = (sum + values", case("avg", THREE, TENTHS)),
    (
        "a reciprocal in place of a division",
        "found[o] = list[o] / round(divisorOf(p, rows, cols, r, c))",
        "found[o] = list[o] * round(1 / divisorOf(p, rows, cols, r, c))",
        case("avg", THREE, TENTHS),
    ),
    (
        "nothing is lost in the padding",
        "areaOf(rows, cols, r, c) / divisorOf(p, rows, cols, r, c)",
        "1",
        case("avg", PADDED),
    ),
    (
        "adaptive windows end too early",
        "Math.ceil(((o + 1) * size) / out)",
        "Math.floor(((o + 1) * size) / out)",
        Case(Adaptive("adaptive max", 4), RAMP),
    ),
    (
        "adaptive averages divide once",
        "round(value / rows.long[Math.floor(o / cols.out) % rows.out]) / cols.long[o % cols.out]",
        "value / (rows.long[Math.floor(o / cols.out) % rows.out] * cols.long[o % cols.out])",
        Case(Adaptive("adaptive avg", (2, 4)), TENTHS / 7),
    ),
    (
        "a mean gives -0 away",
        "toPlane(x, divided(p, x, sent, rows, cols))",
        "toAll(x, divided(p, x, sent, rows, cols), rows, cols)",
        Case(Adaptive("adaptive avg", 1), RAMP, torch.tensor([[[-0.0]]], dtype=torch.float64)),
    ),
    (
        "LP forgets the overhang",
        "p.counted ? rows.long[r] * cols.long[c] : areaOf(rows, cols, r, c)",
        "p.counted ? rows.long[r] * cols.long[c] : p.kernel ? p.kernel[0] * p.kernel[1] : areaOf(rows, cols, r, c)",
        Case(LP(2, 2, 2, True), FIVES),
    ),
    ("LP takes no root", "power(x.round, value, 1 / p.norm)", "value + 0", Case(LP(2, 2), RAMP)),
    ("LP forgets the slope of its power", "amount * inner[i]", "amount", Case(LP(3, 2), TENTHS)),
    (
        "where slopes are infinite, all windows share",
        "amountsOf(only(sent, some, rows, cols))",
        "amountsOf(sent)",
        Case(LP(0.5, 2, 1), PEAK),
    ),
    (
        "weights lie mirrored",
        "add(sum, weights[ch][i][j]",
        "add(sum, weights[ch][j][i]",
        Case(Depthwise([SQUARE]), RAMP),
    ),
    ("the bias is forgotten", "round(p.weights?.bias?.[ch] ?? 0)", "0", Case(Depthwise([[[1, 2]]], [0.5]), RAMP)),
    (
        "weights begin at the input's edge",
        "a.tap[o] = start < 0 ? Math.ceil(-start / by) : 0;",
        "",
        Case(Depthwise([[[1, 2, 3]]], padding=1), RAMP),
    ),
    ("shares overlap", "down: rows.apart", "down: 1", Case(Depthwise([SQUARE]), RAMP)),
    ("whole averages are rounded", "Math.trunc(sum /", "Math.round(sum /", case("avg", PAIR, (TENTHS * 10).long())),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "noticing"), [given[1:] for given in MISTAKES], ids=[given[0] for given in MISTAKES]
)
def test_a_mistake_in_the_engine_is_noticed(judge, right, wrong, noticing):
    source = assets.script(*ENGINE)
    assert right in source, f"the engine no longer says {right!r}: change this list, too."
    agree(judge([noticing]))
    assert judge([noticing], source.replace(right, wrong)).wrong
