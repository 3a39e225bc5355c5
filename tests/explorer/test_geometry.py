"""Does the browser lay out windows, name states and put them into words as Python does?

The kinds run under plain Node, on the same cases as Python. The checks are plain functions, so that the last test can
show each of them wrong kinds and see it fail.
"""

import math
import random
import re
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from harness import key
from harness.node import agree as compare
from harness.node import answers, node
from pooling_course.explorer.states import sendable
from pooling_course.maths.kinds import settings_of
from pooling_course.maths.kinds.adaptive import Adaptive
from pooling_course.maths.kinds.depthwise import Depthwise
from pooling_course.maths.kinds.fractional import Fractional
from pooling_course.maths.kinds.lp import LP
from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.maths.trace import trace
from pooling_course.maths.windows import KINDS, NOTHING
from pooling_course.web import assets

MODULE = "explorer/kinds/kinds.js"  # the kinds, and all they need
DRIVER = Path(__file__).with_name("geometry.mjs")
INF = math.inf


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """ask(cases, source) -> what the kinds, or the source given in their place, answer to each case."""
    node()
    return lambda cases, source=None: answers(
        tmp_path_factory.mktemp("geometry"), DRIVER, source or assets.script(MODULE), cases
    )


# --- cases -------------------------------------------------------------------------------------------------------


def any_pooling(rng):
    return any_relative(rng) if rng.random() < 0.3 else any_of_the_two(rng)


def any_relative(rng):
    kinds = ["adaptive max", "adaptive avg", "lp", "conv", "fractional max"]
    kind, two = rng.choice(kinds), [rng.randint(1, 5), rng.randint(1, 4)]
    if kind == "fractional max":
        samples = rng.choice([0, 0.5, (0.05, 0.95), (rng.random(), rng.random())])
        return Fractional(tuple(two), (rng.randint(1, 6), rng.randint(1, 6)), samples)
    if kind.startswith("adaptive"):
        return Adaptive(kind, rng.choice([two[0], tuple(two), (two[0] + 4, None), None]))
    stride = rng.choice([1, 2, 3, (1, 3)])
    if kind == "lp":
        return LP(rng.choice([1, 2, 2.0, 3, 0.5, 2.5]), tuple(two), rng.choice([None, stride]), rng.random() < 0.5)
    weight = [[[rng.choice([0.25, -1, 0, rng.uniform(-1, 1)]) for _ in range(two[1])] for _ in range(two[0])]]
    return Depthwise(weight, rng.choice([None, [0.5], [-1.3]]), stride, rng.choice([0, 1, (3, 2)]), rng.choice([1, 2]))


def any_of_the_two(rng):
    kind, kernel = rng.choice(["max", "avg"]), [rng.randint(1, 5), rng.randint(1, 5)]
    if rng.random() < 0.5:
        kernel[1] = kernel[0]
    stride = rng.choice([kernel, [rng.randint(1, 6), rng.randint(1, 6)], [rng.randint(1, 4)] * 2])
    padding = [rng.randint(0, k // 2) for k in kernel]
    given = (kind, tuple(kernel), tuple(stride), tuple(padding))
    if kind == "max":
        dilation = rng.choice([1, 1, 2, 3, (1, 3), (2, 1)])
        return Pooling(*given, dilation, ceil_mode=rng.random() < 0.5)
    divisor = rng.choice([None, None, 1, 3, 7, -2])
    return Pooling(*given, 1, rng.random() < 0.5, rng.random() < 0.5, divisor)


@cache
def poolings_and_sizes(n, seed=0):
    rng = random.Random(seed)
    return [(any_pooling(rng), rng.randint(1, 12), rng.randint(1, 12)) for _ in range(n)]


def settings(p):
    """A pooling as the browser holds it."""
    plain = {"kernel": (1, 1), "stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "ceil": False, "divisor": None}
    plain |= {"kind": p.kind, "countPad": True, "size": (None, None), "norm": None, "weights": None}
    if isinstance(p, Adaptive):
        return plain | {"size": p.size}
    if isinstance(p, Fractional):
        return plain | {"kernel": p.kernel_size, "size": p.size, "samples": p.samples}
    if isinstance(p, LP):
        return plain | {"norm": p.norm_type, "kernel": p.kernel_size, "stride": p.stride, "ceil": p.ceil_mode}
    if isinstance(p, Depthwise):
        names = {"kernel": p.kernel_size, "stride": p.stride, "padding": p.padding, "dilation": p.dilation}
        return plain | names | {"weights": {"weight": p.weight, "bias": p.bias}}
    return plain | {
        "kind": p.kind,
        "kernel": p.kernel_size,
        "stride": p.stride,
        "padding": p.padding,
        "dilation": p.dilation,
        "ceil": p.ceil_mode,
        "countPad": p.count_include_pad,
        "divisor": p.divisor_override,
    }


def traits(p):
    """A pooling as the widget's traits hold it: equal pairs as one int, and the other kinds' settings set, too."""
    others = {"kernel_size": 4, "stride": 3, "padding": (2, 1), "dilation": (2, 3), "ceil_mode": True}
    others |= {"count_include_pad": False, "divisor_override": 5, "output_size": 7, "norm_type": 9, "weights": None}
    others |= {"samples": (0.1, 0.2)}
    if not isinstance(p, Pooling):
        return others | {"kind": p.kind} | p.traits()
    short = {n: v[0] if v[0] == v[1] else v for n in ("kernel_size", "stride", "padding") for v in [getattr(p, n)]}
    of_max = {"dilation": p.dilation if p.kind == "max" else (2, 3)}
    of_avg = {"count_include_pad": p.count_include_pad, "divisor_override": p.divisor_override}
    of_avg = of_avg if p.kind == "avg" else {"count_include_pad": False, "divisor_override": 5}
    return others | {"kind": p.kind, **short, **of_max, **of_avg, "ceil_mode": p.ceil_mode}


@cache
def windows(n):
    """(pooling, input, trace, row, col): one window of many settings and inputs that torch takes."""
    rng, found = random.Random(1), []
    while len(found) < n:
        p, h, w = any_pooling(rng), rng.randint(1, 9), rng.randint(1, 9)
        try:
            t = trace(p, some_input(rng, h, w))
        except (TypeError, ValueError):  # relatives pool no whole numbers
            continue
        found.append((t, rng.randrange(t.output.shape[0]), rng.randrange(t.output.shape[1])))
    return found


def some_input(rng, h, w):
    hard = [INF, -INF, math.nan, -0.0, 1e-7, 3e38, 0.1]
    draw = {
        "digits": lambda: rng.randint(0, 9),
        "quarters": lambda: rng.randint(-20, 20) / 4,
        "reals": lambda: rng.uniform(-3, 3),
        "hard": lambda: rng.choice([*hard, rng.randint(-3, 3)]),
    }
    values = [[draw[style]() for _ in range(w)] for style in [rng.choice(list(draw))] for _ in range(h)]
    if all(isinstance(v, int) for row in values for v in row) and rng.random() < 0.5:
        return torch.tensor(values) * rng.choice([1, 2, 2**60])
    return torch.tensor(values, dtype=rng.choice([torch.float32, torch.float64, torch.float16, torch.bfloat16]))


# --- checks: each compares one thing with Python -------------------------------------------------------------------


def agree(ask, source, cases, expected):
    compare(ask(cases, source), cases, expected)


def check_names(ask, source=None):
    poolings = [p for p, _, _ in poolings_and_sizes(2000)]
    agree(ask, source, [["names", traits(p)] for p in poolings], [[key(p), p.code()] for p in poolings])


def check_sizes(ask, source=None):
    cases = poolings_and_sizes(4000, seed=3)
    agree(
        ask, source, [["sizes", settings(p), h, w] for p, h, w in cases], [p.raw_output_size(h, w) for p, h, w in cases]
    )


def check_formulas(ask, source=None):
    cases = poolings_and_sizes(2000, seed=4)
    agree(ask, source, [["formulas", settings(p), h, w] for p, h, w in cases], [p.formula(h, w) for p, h, w in cases])


def check_reads(ask, source=None):
    traces = [t for t, _, _ in windows(1500)[:600]]
    asked = [(settings(t.pooling), *t.x.shape) for t in traces]
    answers = ask([["counts", *case] for case in asked], source)
    for t, (rows, cols) in zip(traces, answers, strict=True):
        assert torch.equal(torch.tensor(rows)[:, None] * torch.tensor(cols), t.reads), t
    agree(ask, source, [["taps", *case] for case in asked], [read(t) for t in traces])
    agree(ask, source, [["readers", *case] for case in asked], [[readers(t, 0), readers(t, 1)] for t in traces])


def read(t):
    return [[[at for at in row if at != NOTHING] for row in taps.tolist()] for taps in t.taps]


def readers(t, side):
    """For each index along an axis, the output indices whose taps hold it."""
    taps = t.taps[side].tolist()
    return [[o for o, read in enumerate(taps) if at in read] for at in range(t.x.shape[side])]


def check_unread(ask, source=None):
    traces = [t for t, _, _ in windows(1500)[:600]]
    agree(ask, source, [["unread", settings(t.pooling), *t.x.shape] for t in traces], [unread(t) for t in traces])


def unread(t):
    rows, cols = ([at for at, read in enumerate(readers(t, side)) if not read] for side in (0, 1))
    return {"rows": rows, "cols": cols, "count": int((t.reads == 0).sum())}


def check_stride_hints(ask, source=None):
    cases = {
        "PyTorch's default": [((2, 2), (2, 2)), ((2, 3), (2, 3))],
        "windows overlap": [((3, 3), (2, 2)), ((3, 2), (3, 1)), ((2, 3), (3, 2))],
        "windows leave gaps": [((2, 2), (3, 3)), ((2, 3), (2, 4))],
    }
    for hint, pairs in cases.items():
        found = ask([["strideHint", {"kernel": kernel, "stride": stride}] for kernel, stride in pairs], source)
        assert all(hint in text for text in found), (hint, found)
    side_by_side = {"avg": "PyTorch's default: kernel_size", "conv": "windows side by side"}
    cases = [["hint", {"kind": kind, "kernel": [2, 2], "stride": [2, 2]}, "stride"] for kind in side_by_side]
    assert ask(cases, source) == list(side_by_side.values())  # the default of a convolution is 1


def check_windows(ask, source=None):
    found = windows(1500)
    agree(
        ask,
        source,
        [["positions", settings(t.pooling), *t.x.shape, row, col] for t, row, col in found],
        [positions(t.window(row, col)) for t, row, col in found],
    )


def positions(window):
    named = {"cell": window.cells, "pad": window.padded, "overhang": window.overhang}
    return sorted(([what, *at] for what, all_at in named.items() for at in all_at), key=lambda found: found[1:])


def check_sentences(ask, source=None):
    cases, expected = [], []
    for t, row, col in windows(1500):
        window = t.window(row, col)
        facts = (window.divisor, window.output, str(t.x.dtype).removeprefix("torch."))
        cases.append(["sentence", settings(t.pooling), t.x.tolist(), [row, col], *facts])
        expected.append(window.text)
    agree(ask, source, cases, expected)


def check_largest_kernel(ask, source=None):
    cases = [case for case in poolings_and_sizes(800, seed=7) if isinstance(case[0], Pooling)]
    asked = [["largestKernel", settings(p), h, w, 7] for p, h, w in cases]
    agree(ask, source, asked, [largest_kernel(p, h, w, 7) for p, h, w in cases])


def largest_kernel(p, h, w, most):
    found = [1, 1]
    for k in range(1, most + 1):
        padding = tuple(min(pad, k // 2) for pad in p.padding)
        out = Pooling("max", k, p.stride, padding, p.dilation, p.ceil_mode).raw_output_size(h, w)
        found = [k if n > 0 else at for n, at in zip(out, found, strict=True)]
    return found


def check_ways(ask, source=None):
    """An arrow runs along the lines between cells, and ends beside the number of its cell."""
    asked, places = [], []
    for side in ("above", "left", "right"):
        for row, col, cell in [(0, 0, 20), (2, 5, 33), (7, 1, 44)]:
            to = edges(300, 50, 8, row, col, cell)
            corner = {"above": (300, to["bottom"] + 60), "left": (to["right"] + 60, 80), "right": (60, 80)}[side]
            asked.append(["way", edges(*corner, 4, 1, 2, cell), to])
            places.append((side, *asked[-1][1:]))
    for (side, start, to), found in zip(places, ask(asked, source), strict=True):
        points = [(found[name]["x"], found[name]["y"]) for name in ("start", "out", "into", "corner")]
        stacked, on_right = side == "above", side == "right"
        along = 0 if stacked else 1  # what stays the same on the way through a grid
        assert found["stacked"] == stacked and points[0][along] == points[1][along] == start["xy"[along]]
        assert points[2][along] == points[3][along] == (to["x"] + to["cell"] if stacked else to["y"])
        assert points[1][1 - along] == start["top" if stacked else "right" if on_right else "left"]
        assert points[2][1 - along] == to["bottom" if stacked else "left" if on_right else "right"]
        x, y = ((found["tip"][at] - to[at]) / to["cell"] for at in "xy")
        assert (0 < x < 0.3 if on_right else 0.7 < x < 1) and (0.7 < y < 1 if stacked else 0 < y < 0.3)


def edges(left, top, cells, row, col, cell):
    """A cell of a grid of cells x cells, and the edges of the grid."""
    side = cells * cell
    at = {"x": left + col * cell, "y": top + row * cell, "cell": cell}
    return at | {"left": left, "top": top, "right": left + side, "bottom": top + side}


def test_states_and_code_lines_have_the_names_that_python_gives_them(ask):
    check_names(ask)


def test_output_sizes_are_those_of_python(ask):
    check_sizes(ask)


def test_arrows_keep_clear_of_numbers(ask):
    check_ways(ask)


def test_the_formula_reads_as_in_python(ask):
    check_formulas(ask)


@pytest.mark.slow
def test_taps_readers_and_read_counts_are_those_of_the_trace(ask):
    check_reads(ask)


def test_rows_columns_and_cells_never_read_are_those_of_the_trace(ask):
    check_unread(ask)


def test_the_hint_of_the_stride_says_how_windows_lie(ask):
    check_stride_hints(ask)


def test_windows_hold_the_cells_the_padding_and_the_overhang_of_the_trace(ask):
    check_windows(ask)


def test_sentences_are_word_for_word_those_of_the_trace(ask):
    check_sentences(ask)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("", ""), ("at * 255 + 0.5", "at * 255"), ("at < 0 ? colours[0]", "at < 0 ? missing"), ("r * width", "r * cols")],
)
def test_many_values_at_once_have_the_colours_that_each_has_alone(tmp_path, right, wrong):
    source = assets.script("explorer/paint.js").replace(right or "\0", wrong)
    values = [math.nan, INF, -INF, -0.0, *torch.linspace(-3, 4, 5000).tolist()]
    scales = [{"low": -2, "high": 3}, {"low": 0, "high": 0}, {"low": -1e308, "high": 1.7e308}]
    cases = [["miscoloured", values, rows, scale] for rows in (1, 6, 36) for scale in scales]
    found = answers(tmp_path, DRIVER, source, cases)
    assert (not any(found)) is not bool(right), [each[:5] for each in found]


@pytest.mark.parametrize("source", [None, "before"])
def test_what_is_written_into_a_cell_is_rounded_once(tmp_path, source):
    """-1.456e7 is nearer to -1e7 than to -2e7, though -1.5e7 is not."""
    text = assets.script("explorer/paint.js")
    if source:
        text = text.replace("v.toExponential(0)", "rounded.toExponential(0)")
    values = [-1.456e7, -2.4996e-8, -0.000146, -1.4962e20, -0.0009496]
    written = answers(tmp_path, DRIVER, text, [["label", v, 48] for v in values])
    wanted = [f"{v:.0e}".replace("e+", "e").replace("e-0", "e-").replace("e0", "e") for v in values]
    assert ([t.replace("−", "-") for t in written] == wanted) is not bool(source)


def test_a_copied_convolution_has_weights_that_json_cannot_hold(ask):
    layer = nn.Conv2d(1, 1, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[[math.nan, INF], [-INF, 0.1]]]]))
        layer.bias.copy_(torch.tensor([INF]))
    p = settings_of(layer)
    (recipe,) = ask([["recipe", sendable({"kind": "conv"} | p.traits())]])
    made = {"torch": torch, "nn": nn}
    exec(recipe, made)
    assert settings_of(made["layer"]) == p


def test_the_largest_kernel_offered_is_the_largest_that_fits(ask):
    check_largest_kernel(ask)


def check_fits(ask, source=None):
    """Cells fill a box and never leave it; padding gives way where the numbers would become too small."""
    boxes = [(180, 264), (262, 286), (346, 310), (336, 336)]
    margins = [dict.fromkeys(("top", "left", "bottom", "right"), n) for n in range(4)]
    cases = [["fit", *box, n, n + 1, margin] for box in boxes for n in (2, 6, 8, 28) for margin in margins]
    for case, found in zip(cases, ask(cases, source), strict=True):
        _, width, height, rows, cols, margin = case
        cell, pad = found["cell"], found["pad"]
        sizes = [n * cell + 2 * margin["top"] * pad for n in (rows, cols)]
        assert sizes[0] <= height - 22 and sizes[1] <= width - 22, case  # indices on the left, an edge on the right
        assert 0 < pad <= cell <= 48 and (pad == cell or cell > pad == 10), case
        filled = max((sizes[0] + rows) / (height - 22), (sizes[1] + cols) / (width - 22))
        assert cell == 48 or filled + 2 * margin["top"] / width > 0.99, case


def test_cells_fill_their_box_and_never_leave_it(ask):
    check_fits(ask)


WRONG = {
    check_names: [
        ("kernel[i] > 1 ? d : 1", "d"),
        ("${counted ? 1 : 0} ${s.divisor", "${s.countPad ? 1 : 0} ${s.divisor"),
        ("stride[0] !== usual[0] || ", ""),
        ('divisor: get("divisor_override")', "divisor: null"),
        ("norm: get", "padding: pair(get('padding')), norm: get"),
        ("s.norm].join", "2].join"),
        ('n ?? "-"', "n"),
        ('n ?? "None"', "n"),
        ("DEFAULT_STRIDE = [1, 1]", "DEFAULT_STRIDE = [2, 2]"),
        ("if (!s.weights.bias) parts", "parts"),
    ],
    check_sizes: [
        ("s.size[i] ?? size", "s.size[i] ?? 1"),
        ("steps * stride >= size + padding", "steps * stride > size + padding"),
        ("2 * padding", "padding"),
    ],
    check_formulas: [
        ("a.dilation > 1", "a.dilation > 2"),
        ("a.beyond ? `", "s.ceil ? `"),
        ("window i of ${out}", "window i of ${size}"),
    ],
    check_reads: [
        ("start / a.stride < a.out", "start / a.stride <= a.out"),
        ("let j = a.k - 1; j >= 0", "let j = a.k - 1; j > 0"),
        ("o * a.stride - a.padding", "o * a.stride"),
        ("Math.ceil(((o + 1) * size) / out)", "Math.ceil((o * size) / out) + 1"),
        ("at < a.windows[o][1]", "at <= a.windows[o][1]"),
    ],
    check_unread: [("n ? [] : [at]", "n ? [at] : []"), ("rows.size - unreadRows.length", "rows.size")],
    check_stride_hints: [
        ("by < kernel[i]", "by <= kernel[i]"),
        ("by > kernel[i]", "by > kernel[0]"),
        ('strideHint(s, "', 'strideHint(s); ("'),
    ],
    check_windows: [("at < a.size + a.padding", "at <= a.size + a.padding"), ("at >= 0 && at < a.size", "at < a.size")],
    check_sentences: [
        ("s.countPad && s.divisor === null", "s.countPad"),
        (": -Infinity)", ": 0)"),
        ("LONGEST_SUM = 16", "LONGEST_SUM = 15"),
        ("values.length === found.length", "true"),
        ('norm === 1 ? ""', 'norm === 2 ? ""'),
        ("bias?.[channel] ?? null", "null"),
        ("weights[i], at", "weights[0], at"),
        ('number(value).startsWith("-")', "false"),
        ("[...values, output].every", "[output].every"),
        ("if (full && same(", "if (full || same("),
        ("blame = full || far(", "blame = full && far("),
        ("200n * size", "2n * size"),
        ("total >= 2n ** 63n", "false"),
        ("if (total % BigInt(divisor))", "if (true)"),
        ("terms.map((_, i) => times", "terms.map((_, i) => plus"),
    ],
    check_ways: [
        ("to.bottom <= from.top", "false"),
        ("const [x, y] = [to.x + to.cell", "const [x, y] = [to.x"),
        ("const onRight = to.left >= from.right", "const onRight = false"),
        ("y: to.y + inset", "y: to.y + 2 * inset"),
        ("onRight ? from.right : from.left, y: from.y", "onRight ? from.right : from.left, y: to.y"),
    ],
    check_fits: [
        ("width - AXIS - EDGE", "width - EDGE"),
        ("(wide - THIN * across) / cols", "wide / cols"),
        ("LARGEST_CELL = 48", "LARGEST_CELL = 40"),
    ],
    check_largest_kernel: [("let k = most", "let k = most - 1"), ("Math.min(p, half(k))", "p")],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [(check, right, wrong) for check, pairs in WRONG.items() for right, wrong in pairs],
    ids=lambda v: v.__name__ if callable(v) else None,
)
def test_a_wrong_geometry_is_caught(ask, check, right, wrong):
    source = assets.script(MODULE)
    assert right in source, f"no kind says {right!r} any longer: change this list, too."
    with pytest.raises(AssertionError):
        check(ask, source.replace(right, wrong))


# --- kinds ---------------------------------------------------------------------------------------------------------

# What pools, refuses and reads an address on a page without Python: there each kind has code of its own.
POOLS = {"engine.js", "rules.js", "link.js"}
NAMED = "|".join(sorted({*KINDS, *(kind.replace(" ", "-") for kind in KINDS), "adaptive", "fractional"}))


def dispatches(text):
    """Lines of code that name a kind of pooling."""
    code = [line for line in text.splitlines() if not line.lstrip().startswith(("//", "*", "/*"))]
    return [line for line in code if re.search(rf"""["'`](?:{NAMED})["'`]""", line)]


@pytest.mark.parametrize("path", sorted((assets.PACKAGE / "explorer").glob("*.js")), ids=lambda path: path.name)
def test_no_script_but_a_kinds_own_asks_which_kind_it_is(path):
    assert path.name in POOLS or not dispatches(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "line", ["if (kind.endsWith('avg')) return 1;", 'const LAYERS = { "adaptive max": 1 };', 'x.kind === "lp"']
)
def test_a_line_that_asks_is_seen(line):
    assert dispatches(f"// max\n{line}\n") == [line]
