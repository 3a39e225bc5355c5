"""Lesson 06: what is added at the border, and what is not."""

from ..draw import a, draws, flat, hold, layer, listed, minus, ordinal, spelled


@draws(value=range(-12, 0), k=[3, 5])
def pad_value(value=-5, k=3):
    v = minus(value)
    return {
        "prompt": f"A map in which every number is {v} is pooled by {layer('max', k, stride=1, padding=k // 2)}. What "
        "number is in the top left corner of the output?",
        "numbers": {"value": value, "k": k},
        "texts": [
            f"{v}: the border is there before pooling, and nothing in it can win.",
            f"0: the border is there before pooling, it holds zeros, and 0 beats {v}.",
        ],
        "why": f"Padding comes before pooling, and for max pooling it is minus infinity. The output is {v} everywhere.",
    }


@draws(grid=lambda d: d.different(2, 2, range(-12, 0)))
def below_zero_border(grid):
    top = max(flat(grid))
    return {
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2, "padding": 1}},
        "values": {1: [[top, top], [top, top]]},
    }


@draws(kind=["max", "avg"], k=range(2, 8), p=range(2, 8))
def too_much(kind="max", k=3, p=2):
    hold(k // 2 < p <= k)
    return {
        "prompt": f"A model contains {layer(kind, k, padding=p)}. When does torch refuse it?",
        "numbers": {"kind": kind, "k": k, "p": p},
        "reasons": [
            f"For kernel_size={k} the padding may be at most {k} // 2 = {k // 2}. For more, use "
            "torch.nn.functional.pad first."
        ],
    }


@draws(value=range(2, 61, 2))
def thin_border(value=8):
    corner = value / 4
    return {
        "case": {"input": [[value] * 4] * 4, "pooling": {"kind": "avg", "kernel_size": 2, "padding": 1}},
        "values": {1: [[corner] * 3, [corner, value, corner], [corner] * 3]},
        "reasons": {1: f"In the corners one of four cells is real, at the edges two: there it is {2 * value} / 4."},
        "why": f"Corner windows read one {value} and three counted zeros, edge windows two of each. Padding does not "
        "keep the edge here, it thins it out.",
    }


@draws(kind=["max", "avg"], k=[3, 4, 5], windows=[2, 3, 4])
def lost_row(kind="max", k=3, windows=3):
    n = k * windows
    ends = [k * i - 2 for i in range(1, windows + 1)]
    rows = listed([f"{max(0, end - k + 1)} to {end}" for end in ends])
    first = "rows 0 and 1" if k == 3 else f"rows 0 to {k - 2}"
    return {
        "prompt": f"{layer(kind, k, padding=1)} pools a map of {n} × {n}. Which rows of the map are read by no window?",
        "case": {"input": {"shape": [1, n, n]}, "pooling": {"kind": kind, "kernel_size": k, "padding": 1}},
        "values": [[], [0], [0, n - 1], [n - 1]],
        "texts": {2: f"Rows 0 and {n - 1}, one on each side", 3: f"Row {n - 1}, the last one"},
        "reasons": {
            1: f"The first window reads the border row and {first}.",
            2: f"The first window reads {first}. What is lost is lost at the end.",
            3: f"The windows read rows {rows}. A {ordinal(windows + 1)} would need a row {n + k - 2}, so row {n - 1} "
            "is left over.",
        },
        "why": f"The output has ({n} + 2 − {k}) // {k} + 1 = {windows} rows, and their windows end in row {n - 2}. "
        f"Without padding all {spelled(n)} rows would be read.",
    }


@draws(n=range(5, 17), left=[3, 5], keep=[5, 7], half=[2, 4, 6], odd=[3, 5])
def keep_size(n=7, left=3, keep=5, half=2, odd=3):
    hold(odd != keep)
    one = {"kind": "max", "kernel_size": left, "padding": 1}
    two, three, four = ({"kind": "max", "kernel_size": k, "stride": 1, "padding": k // 2} for k in (keep, half, odd))
    made_up = "the padding makes up for the window."
    return {
        "prompt": f"Which of these layers keep the size of {a(n)} × {n} map?",
        "case": {"input": {"shape": [1, n, n]}, "pooling": four},
        "values": [one, two, three, four],
        "texts": [layer(**settings) for settings in (one, two, three, four)],
        "reasons": [
            f"The stride is {left} here, because it equals kernel_size if left out: ({n} + 2 − {left}) // {left} + 1 = "
            f"{(n + 2 - left) // left + 1}.",
            f"{n} + {keep - 1} − {keep} + 1 = {n}: {made_up}",
            f"{n} + {half} − {half} + 1 = {n + 1}: an even kernel with half of it as padding makes the map larger.",
            f"{n} + {odd - 1} − {odd} + 1 = {n}: {made_up}",
        ],
    }


@draws(n=[4, 6], c=[1, 2], grid=lambda d: d.table(d["n"], d["n"], range(10)))
def edge_divisor(grid, n=4, c=1):
    hold(2 * c + 1 < n)
    first, second = grid[0][2 * c - 1 : 2 * c + 1]
    hold(first != second and min(first, second) > 0)
    return {
        "prompt": f"nn.AvgPool2d(2, padding=1) pools the grid. What number comes out in row 0, column {c} of the "
        "output?",
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": 2, "padding": 1}},
        "at": [0, c],
        "reasons": {
            1: f"That window reads columns {2 * c} and {2 * c + 1}, as without padding. With padding=1 all windows "
            "start one row and column earlier."
        },
        "why": f"The window reads two padded zeros, the {first} and the {second}. Padded cells count by default, so it "
        f"is {first + second} / 4 = {{key}}.",
    }


@draws(n=[3, 5], grid=lambda d: d.table(d["n"], d["n"], range(1, 10)))
def overhang_divisor(grid, n=3):
    first, second = grid[0][-1], grid[1][-1]
    hold(first != second)
    inside = [v for row in grid[:2] for v in row[-2:]]
    which = ordinal((n + 1) // 2)
    return {
        "prompt": f"nn.AvgPool2d(2, ceil_mode=True) pools the grid. What number comes out in row 0, column {n // 2} of "
        "the output?",
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": 2, "ceil_mode": True}},
        "at": [0, n // 2],
        "values": {1: sum(inside) / 4},
        "reasons": {
            1: f"ceil_mode does not move the last window back inside. It starts in column {n - 1} and reads {first} "
            f"and {second}."
        },
        "why": f"The {which} window starts in column {n - 1} and reads two cells, {first} and {second}: "
        f"{first + second} / 2. What hangs over the edge counts neither in the sum nor in the divisor.",
    }


@draws(grid=lambda d: d.table(3, 3, range(1, 10)))
def real_cells(grid):
    cells = [*grid[0][:2], *grid[1][:2]]
    hold(sum(cells) % 2 == 0)
    settings = {"kind": "avg", "kernel_size": 3, "stride": 1, "padding": 1, "count_include_pad": False}
    return {
        "case": {"input": grid, "pooling": settings},
        "values": {1: grid[0][0]},
        "why": f"The window reads {listed(cells)} and five padded positions. With count_include_pad=False it is "
        f"{sum(cells)} / 4 = {{key}}.",
    }


@draws(k=[2, 3], grid=lambda d: d.table(d["k"] + 1, d["k"] + 1, range(10)))
def rest_again(grid, k=2):
    edge = [[0, c] for c in range(k + 1)] + [[r, 0] for r in range(1, k + 1)]
    inside = "0 and 1" if k == 2 else f"0 to {k - 1}"
    return {
        "prompt": f"nn.AvgPool2d({k}) pools the grid. Mark the cells that no window reads.",
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": k}},
        "values": [edge, [[k, k]], [[r, k] for r in range(k)] + [[k, c] for c in range(k)]],
        "reasons": {1: f"Row {k} and column {k} as a whole belong to no window, not just the corner where they meet."},
        "why": f"One window fits, on rows and columns {inside}. What is left over, ({k + 1} − {k}) mod {k} = 1 row and "
        "column, is at the bottom and at the right.",
    }
