"""Lesson 08: what people often say, and what holds."""

import torch

from ..draw import a, draws, hold, layer, listed, minus, ordinal, spelled
from ..misconceptions import key

TILED = [(4, 2), (6, 2), (6, 3), (8, 2), (8, 4), (9, 3)]  # maps that windows fill, side by side


def _any(rows, columns):
    return lambda d: d.table(d[rows], d[columns], range(10))


@draws(h=range(48, 161, 16), w=range(48, 161, 16), out=[8, 16, 32])
def myth_channels(h=128, w=128, out=16):
    return {
        "prompt": f"Claim: max pooling shrinks a stack of maps in every direction, channels included. A photo, 3 × {h} "
        f"× {w}, goes through nn.MaxPool2d(2) and then into nn.Conv2d(?, {out}, 3). Which number belongs in place of "
        "the question mark?",
        "case": {"input": {"shape": [3, h, w]}, "pooling": {"kind": "max", "kernel_size": 2}},
    }


@draws(n=range(7, 18), k=[3, 4, 5], what=["map"])
def myth_stride(n=8, k=3, what="digit"):
    fit, over = divmod(n, k)
    hold(over)
    rest = "one row is left over" if over == 1 else f"{spelled(over)} rows are left over"
    return {
        "prompt": "Claim: a pooling window moves one cell at a time unless you say otherwise, as in nn.Conv2d. Nothing "
        f"is said here: nn.MaxPool2d({k}) on {a(n)} × {n} {what}. How large is the output?",
        "case": {"input": {"shape": [1, n, n]}, "pooling": {"kind": "max", "kernel_size": k}},
        "texts": ["{size}"] * 3,
        "reasons": {
            2: f"The stride left out is {k}, like the kernel: {spelled(fit)} window{'s fit' if fit > 1 else ' fits'}, "
            f"and {rest}."
        },
    }


@draws(h=[3, 5, 7, 9], w=[3, 5, 7, 9], grid=_any("h", "w"))
def myth_halves(grid, h=5, w=7):
    halves = f"{h} and {w} is rounded down to {h // 2} and {w // 2}, and doubling gives {h - 1} and {w - 1}"
    same = f"{h} is rounded down to {h // 2}, and doubling gives {h - 1}"
    return {
        "prompt": f"Claim: nn.MaxPool2d(2) halves a map, so doubling it again restores the size. This map of {h} × {w} "
        "is pooled and then goes through nn.Upsample(scale_factor=2). What size arrives?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}},
        "values": {1: [h, w], 2: [h + 1, w + 1]},
        "texts": ["{size}"] * 3,
        "reasons": [f"Half of {same if h == w else halves}."],
    }


@draws(h=range(5, 10), w=range(5, 10), k=[2, 3], grid=_any("h", "w"))
def myth_arguments(grid, h=5, w=7, k=2):
    hold(h % k and w % k)
    return {
        "prompt": "Claim: F.max_pool2d takes its arguments in the order of nn.MaxPool2d, where the sixth setting is "
        f"ceil_mode and the fifth return_indices. The map has {h} × {w} cells. What does F.max_pool2d(x, {k}, {k}, 0, "
        "1, True) return?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": k}},
        "texts": {
            0: f"Two tensors of {h // k} × {w // k}, the maxima and their indices",
            2: "One tensor of {size}",
        },
        "reasons": [f"nn.MaxPool2d({k}, {k}, 0, 1, True) would do that. In the function the last two are swapped."],
    }


@draws(k=[2, 3, 4], s=range(3, 6), grid=lambda d: d.table(d["s"] + 1, d["s"] + d["k"] + 1, range(10)))
def myth_ceil(grid, k=2, s=4):
    hold(k < s)
    h, w = s + 1, s + k + 1
    return {
        "prompt": "Claim: ceil_mode=True rounds the size up, and so every row and column gets a window. By the "
        f"formula, ceil(({h} - {k}) / {s}) + 1 = 2 and ceil(({w} - {k}) / {s}) + 1 = 3. What size does the output of "
        f"this layer have on {h} × {w}?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": k, "stride": s, "ceil_mode": True}},
        "values": {1: [2, 3]},
        "texts": [
            f"{{size}}, from windows in rows 0 and {s}, columns 0 and {s}",
            f"{{size}}, with windows in columns 0, {s} and {2 * s}, too",
            f"{{size}}, from windows in row 0, columns 0 and {s}",
        ],
        "reasons": [
            f"A third column of windows would start in column {2 * s}, beyond the map, and is dropped. Column {s + k} "
            "stays unread.",
            f"The formula says so, but column {2 * s} lies outside: that window would read nothing.",
            f"That is the size without ceil_mode. With it, the windows that start in row {s} are kept, although "
            f"{'half' if k == 2 else 'most'} of each hangs over.",
        ],
    }


@draws(n=[5, 8, 11], grid=_any("n", "n"))
def myth_adaptive(grid, n=5):
    s = n // 3
    k = n - 2 * s
    starts, ends = [i * n // 3 for i in range(3)], [-(-(i + 1) * n // 3) for i in range(3)]
    rows = listed([f"{start}-{end - 1}" for start, end in zip(starts, ends, strict=True)])
    cut = [len(chunk) for chunk in torch.arange(n).chunk(3)]
    true = [end - start for start, end in zip(starts, ends, strict=True)]
    return {
        "prompt": f"Claim: adaptive pooling is ordinary pooling with settings worked out from the sizes. From {n} rows "
        f"to 3, a common recipe gives stride {n} // 3 = {s} and kernel {n} - 2 · {s} = {k}, the layer shown. How many "
        "rows do the three windows of nn.AdaptiveAvgPool2d(3) really read?",
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": k, "stride": s}},
        "values": [[k] * 3, true, cut],
        "texts": [f"{k}, {k} and {k}", listed(true), listed(cut)],
        "reasons": {1: f"Window i reads from floor(i · {n} / 3) to just before ceil((i + 1) · {n} / 3): rows {rows}."},
    }


@draws(grid=lambda d: d.table(6, 6, range(-10, 0)))
def myth_zeros(grid):
    corner = [*grid[0][:2], *grid[1][:2]]
    hold(len(set(corner)) == 4)
    return {
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 3, "stride": 2, "padding": 1}},
        "texts": {2: "{value}"},
        "reasons": {
            2: f"The window reads {listed(corner)} in the corner of the map; against a real cell the padding never "
            "wins."
        },
    }


@draws(n=range(7, 17), k=[3, 5], d=[2, 3])
def myth_any_padding(n=8, k=3, d=2):
    span = d * (k - 1) + 1
    hold(span <= n)
    return {
        "prompt": "Claim: with enough padding any layer keeps the size of its input. By the size formula, the layer "
        f"shown needs padding={span // 2} to turn {n} × {n} into {n} × {n}. What is the largest padding that torch "
        "lets it have?",
        "case": {
            "input": {"shape": [1, n, n]},
            "pooling": {"kind": "max", "kernel_size": k, "stride": 1, "dilation": d},
        },
        "values": {0: span // 2},
        "texts": [f"{{value}}, half of the {span} rows it spans", "{value}, half of kernel_size, rounded down"],
    }


@draws(windows=range(2, 7), kind=["max", "avg"])
def myth_edges(windows=2, kind="max"):
    n = 3 * windows
    rows = listed([f"{max(0, 3 * i - 1)}-{3 * i + 1}" for i in range(windows)])
    return {
        "prompt": "Claim: without padding the edges are ignored, and padding gets them covered. So somebody adds "
        f"padding=1 to {layer(kind, 3)} on {a(n)} × {n} map. Which rows does the layer shown never read?",
        "case": {"input": {"shape": [1, n, n]}, "pooling": {"kind": kind, "kernel_size": 3, "padding": 1}},
        "values": {1: [0, n - 1], 2: [n - 1]},
        "texts": [
            f"None; rows 0 to {n - 1} are all read",
            f"Rows 0 and {n - 1}, at the top and bottom",
            f"Row {n - 1}, at the bottom",
        ],
        "reasons": {
            2: f"The windows read rows {rows}. A {ordinal(windows + 1)} would need one more row than there is."
        },
    }


@draws(h=[3, 5, 7], w=[3, 5, 7], grid=lambda d: d.table(d["h"], d["w"], range(1, 10)))
def myth_overhang(grid, h=5, w=7):
    last = grid[-1][-1]
    return {
        "prompt": "Claim: what a window reads outside the map counts as zeros in an average. With ceil_mode=True the "
        f"last window of this layer reaches beyond the map; of its four places one lies inside and holds {last}. What "
        "is its average?",
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": 2, "ceil_mode": True}},
        "at": [h // 2, w // 2],
        "values": {1: last / 4},
        "texts": ["{value}", "{value}"],
        "reasons": [
            f"The window is cut at the border of the map, and one cell is left: {last} / 1.",
            f"That is ({last} + 0 + 0 + 0) / 4. Declared padding counts like this, overhang does not.",
        ],
    }


@draws(grid=lambda d: d.table(4, 4, range(-12, 0)))
def myth_never_above(grid):
    corner = grid[0][0]
    hold(corner != -4)  # which times 4 would read as its square
    return {
        "prompt": "Claim: average pooling never gives more than max pooling with the same settings, whatever these "
        f"are. At row 0, column 0 of the layer shown the window holds one real cell, {minus(corner)}, and "
        f"nn.MaxPool2d(2, padding=1) gives {minus(corner)}. What does the average give?",
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": 2, "padding": 1}},
        "values": {2: 4 * corner},
        "texts": ["{value}, just like the maximum", "{value}, more than the maximum", "{value}, less than the maximum"],
        "reasons": {1: f"(0 + 0 + 0 - {-corner}) / 4: three counted zeros lift the average above {minus(corner)}."},
    }


@draws(tiled=TILED, grid=lambda d: d.table(d["tiled"][0], d["tiled"][0], range(10)))
def myth_all_cells(grid, tiled=(6, 2)):
    n, k = tiled
    return {
        "prompt": "Claim: max pooling spreads the gradient evenly over the cells of a window. Every output of the "
        f"layer shown sends back a gradient of 1. How many of the {n * n} input cells receive any?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": k}},
        "values": {0: n * n, 2: 1},
        "texts": ["{value}", "{value}", "{value}"],
        "reasons": [
            f"That is average pooling, where each cell gets 1/{k * k}. Here a cell that lost had no part in the "
            "output.",
            f"One winner in each of {spelled((n // k) ** 2)} windows; the other {spelled(k * k - 1)} cells of each get "
            "0.",
        ],
    }


def _all_alike(d):
    x = d.table(4, 4, range(10))
    x[0][:2] = x[1][:2] = [d.one(range(1, 10))] * 2
    return x


@draws(grid=_all_alike)
def myth_ties(grid):
    return {
        "prompt": "Claim: if several cells share the maximum, they share the gradient. In the top left window of this "
        f"map all four cells hold {grid[0][0]}. Its output sends back 1. What do the four cells receive, in reading "
        "order?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}},
    }


@draws(tiled=TILED, grid=lambda d: d.table(d["tiled"][0], d["tiled"][0], range(-10, 0)))
def myth_unpooling(grid, tiled=(6, 2)):
    n, k = tiled
    windows = (n // k) ** 2
    return {
        "prompt": "Claim: nn.MaxUnpool2d undoes nn.MaxPool2d. This map is pooled with return_indices=True and unpooled "
        f"with the same indices. At how many of its {n * n} cells does the result hold the original number?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": k}},
        "values": {0: n * n},
        "texts": ["{value}", "{value}"],
        "reasons": [
            f"The losers were never stored. All that is known is {spelled(windows)} values and where they stood.",
            f"The {spelled(windows)} winners return to their places. Everywhere else there is now 0.",
        ],
    }


@draws(tiled=TILED, peak=range(2, 10), place=range(16))
def myth_position(tiled=(6, 2), peak=8, place=14):
    (n, k), windows = tiled, (tiled[0] // tiled[1]) ** 2
    x = [[peak if r * n + c == place else 0 for c in range(n)] for r in range(n)]
    return {
        "prompt": f"Claim: pooling destroys all spatial information. {'An' if n == 8 else 'A'} {n} × {n} map holds one "
        f"{peak}, the rest is 0; as the {peak} may stand anywhere, there are {n * n} such maps. The layer shown pools "
        "each of them. How many different outputs are there?",
        "case": {"input": x, "pooling": {"kind": "max", "kernel_size": k}},
        "values": [key, 1, n * n],
        "texts": ["{value}", "{value}", "{value}"],
        "reasons": [
            f"The output tells in which of {spelled(windows)} windows the {peak} stood, and not where in that window.",
            f"That would need one window over the whole map. {spelled(windows).capitalize()} windows give "
            f"{spelled(windows)} outputs.",
            f"Move the {peak} within its window: the maximum of that window stays {peak}.",
        ],
    }
