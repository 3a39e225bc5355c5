"""Lesson 05: overlap, gaps and the output size."""

from ..draw import draws, hold, layer, listed, ordinal, spelled


@draws(k=[2, 3, 4], small=range(1, 4), gap=[2, 3, 4])
def stride_overlap(k=3, small=1, gap=2):
    large = k + gap
    n = 2 * large + k
    hold(small < k and 2 * large % small == 0)
    one, other = f"With stride {small}", f"With stride {large}"
    return {
        "prompt": f"A map of {n} × {n} cells is pooled with kernel_size={k}, once with stride {small} and once with "
        f"stride {large}. No padding. What do the windows read?",
        "numbers": {"n": n, "k": k, "strides": (small, large)},
        "texts": [
            f"{one} neighbouring windows share cells. {other} some cells between the windows are read by no window.",
            f"{one} neighbouring windows share cells. {other} they share none, and every cell is still read once.",
            f"{one} some cells are skipped. {other} neighbouring windows share cells.",
        ],
        "reasons": [
            f"Stride {small} is smaller than the kernel, so windows overlap. Stride {large} is larger, so it leaves "
            f"gaps of {spelled(gap)} cells.",
            f"A window of {k} cannot cover a step of {large}. Between two windows, {spelled(gap)} rows or columns are "
            "never read.",
        ],
    }


@draws(n=range(12, 31), k=range(3, 8), s=range(2, 6))
def rows_out(n=20, k=6, s=4):
    rows = (n - k) // s + 1
    hold((n - k) % s and 3 <= rows <= 6 and rows * s < n and s < k)
    return {
        "prompt": f"{layer('max', k, stride=s)} pools a map of {n} × {n}. How many rows does the output have?",
        "case": {"input": {"shape": [1, n, n]}, "pooling": {"kind": "max", "kernel_size": k, "stride": s}},
        "reasons": {
            0: f"A {ordinal(rows + 1)} window would start in row {rows * s} and reach row {rows * s + k - 1}, which is "
            "not there. The size is rounded down.",
            2: f"That is stride=1. With stride {s} the window moves {spelled(s)} rows at a time.",
        },
        "why": f"The windows start in rows {listed(range(0, rows * s, s))}: ({n} − {k}) / {s}, rounded down, plus 1 is "
        "{key}.",
    }


@draws(k=[2, 3], grid=lambda d: d.table(2 * d["k"] + 1, 2 * d["k"] + 1, range(10)))
def never_read(grid, k=2):
    n = 2 * k + 1
    last = [[r, c] for r in range(n) for c in range(n) if n - 1 in (r, c)]
    return {
        "prompt": f"{layer('max', k, stride=k + 1)} pools the grid. Mark the cells that no window reads.",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": k, "stride": k + 1}},
        "values": [last, [[k, k]]],
        "reasons": {
            0: f"The last row and column are read here: the second windows start in row and column {k + 1}. The gap "
            "lies between the windows."
        },
        "why": f"The windows start in rows and columns 0 and {k + 1} and are {k} wide. Row {k} and column {k} lie "
        "between them, whatever large numbers stand there.",
    }


@draws(n=range(5, 9), k=[3, 4], r=range(8), c=range(8), grid=lambda d: d.table(d["n"], d["n"], range(10)))
def how_often(grid, n=6, k=3, r=1, c=2):
    hold(max(r, c) < n)
    rows = range(max(0, r - k + 1), min(r, n - k) + 1)
    columns = range(max(0, c - k + 1), min(c, n - k) + 1)
    hold(1 < len(rows) < k == len(columns))
    return {
        "prompt": f"{layer('max', k, stride=1)} pools the grid. How many windows read the cell in row {r}, column {c}?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": k, "stride": 1}},
        "at": [r, c],
        "values": [k * k, 1, k],
        "reasons": {
            0: f"That is so further inside. Only windows that start in rows {listed(rows)} can read row {r}.",
            2: f"Those are the columns a window can start in. For each there are {spelled(len(rows))} rows to "
            "start in.",
        },
        "why": f"Those that read it start in row {listed(rows, 'or')} and in column {listed(columns, 'or')}, so there "
        f"are {len(rows)} · {len(columns)} = {{key}}.",
    }


@draws(n=[1, 2], c=[8, 16, 32], high=range(10, 50), wide=range(10, 50))
def odd_half(n=1, c=64, high=71, wide=40):
    h, w = 2 * high + 1, 2 * wide
    return {
        "prompt": f"A batch of shape ({n}, {c}, {h}, {w}) goes through nn.MaxPool2d(2). What is the shape of the "
        "output?",
        "case": {"input": {"shape": [n, c, h, w]}, "pooling": {"kind": "max", "kernel_size": 2}},
        "reasons": [f"The size is rounded down. With ceil_mode=True it would be {high + 1}."],
        "why": f"{h} / 2 is rounded down to {high}, and the last row is never read. Doubling gives {2 * high}, so the "
        "size does not come back.",
    }


@draws(c=[1, 3, 8], k=range(2, 5), s=range(3, 6), down=range(2, 6), across=range(2, 6))
def ceil_window(c=1, k=2, s=3, down=3, across=3):
    hold(k < s)
    h, w = down * s, across * s + 1
    fourth, more = ordinal(across + 1), ordinal(across + 2).capitalize()
    return {
        "prompt": f"{layer('max', k, stride=s, ceil_mode=True)} pools a map of shape ({c}, {h}, {w}). What is the "
        "shape of the output?",
        "case": {
            "input": {"shape": [c, h, w]},
            "pooling": {"kind": "max", "kernel_size": k, "stride": s, "ceil_mode": True},
        },
        "values": {0: [c, down + 1, across + 1], 2: [c, down, across + 2]},
        "reasons": [
            f"Rounding up gives {down + 1} and {across + 1}. But a {ordinal(down + 1)} row of windows would start in "
            f"row {h}, beyond the map, and is dropped.",
            f"That is without ceil_mode. With it, a {fourth} window starts in column {w - 1}, which is there, and is "
            "kept.",
            f"The windows start in columns {listed(range(0, w, s))}. A {more.lower()} would start beyond the map.",
        ],
        "why": "ceil_mode keeps a window that hangs over the edge if it starts inside the map (or the padding before "
        f"it). Column {w - 1} is the last of the map; row {h} would lie below its last.",
    }


@draws(k=[2, 3], left=range(1, 10), row=range(1, 5), column=range(1, 5))
def peak_stride_again(k=2, left=2, row=2, column=2):
    hold(k == 2 or {row, column} <= {2, 3})
    peak = left * k * k
    x = [[peak if (r, c) == (row, column) else 0 for c in range(6)] for r in range(6)]
    windows = spelled(k * k)
    return {
        "prompt": f"{layer('avg', k, stride=1)} pools the grid. What is the largest number in the output?",
        "case": {"input": x, "pooling": {"kind": "avg", "kernel_size": k, "stride": 1}},
        "values": {1: peak / k**4},
        "reasons": [
            f"Max pooling would keep the {peak}. Each average shares it out over the {windows} cells of its window.",
            f"{windows.capitalize()} windows read the {peak}, but each of them gets it whole and divides by its own "
            f"{k * k} cells.",
            f"The sum is divided by {k} · {k} cells, not by {k}.",
        ],
        "why": f"Every window that reads the {peak} gives {peak} / {k * k} = {{key}}. A smaller stride gives more such "
        "windows; how much each one smooths is set by the kernel.",
    }
