"""Lesson 01: windows, and what pooling saves."""

from ..draw import draws, hold, layer, part, spelled


@draws(maps=[16, 32, 64, 128], out=[14, 16, 28, 32, 56, 112], k=[2, 3, 4])
def conv_work(maps=64, out=112, k=2):
    size, share = k * out, part(k * k)
    return {
        "prompt": f"A convolution gives {maps} maps of {size} × {size}. You put nn.MaxPool2d({k}) between it and the "
        "next convolution, a 3 × 3 with padding=1. What happens to that next convolution?",
        "numbers": {"k": k},
        "values": [[1 / k**2, 1 / k**2, 0], [1, 1 / k**2, 0]],
        "texts": [
            f"It has {share} of the weights to learn.",
            f"It has as many weights as before, and {share} of the work.",
        ],
        "reasons": {
            1: f"The same weights are used at {share} of the places: {out} × {out} instead of {size} × {size}."
        },
        "why": f"Pooling leaves {share} of the places, and the next convolution visits each of them with the same "
        "weights. The pooling itself learns nothing.",
    }


@draws(grid=lambda d: d.table(4, 4, range(10)))
def first_windows(grid):
    return {
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}},
        "values": {1: [row[::2] for row in grid[::2]]},
    }


@draws(n=range(6, 17), k=range(2, 5))
def stride_one_rows(n=8, k=2):
    hold(n // k > 1)
    return {
        "prompt": f"{layer('max', k, stride=1)} pools a map of {n} × {n}. How many rows does the output have?",
        "case": {"input": {"shape": [1, n, n]}, "pooling": {"kind": "max", "kernel_size": k, "stride": 1}},
        "values": {1: n},
        "reasons": [
            f"That would be stride {k}. A window of {k} that moves one cell at a time finds more than {{value}} "
            "places.",
            f"A window of {k} that starts in row {n - 1} would need a row {n + k - 2}, which is not there.",
        ],
        "why": f"The window can start in rows 0 to {n - k}, so there are {{key}}. It is mainly the stride that shrinks "
        "a map, not the window.",
    }


@draws(n=range(8, 21), keep=[3, 5, 7], less=[4, 6], more=[2, 4, 6], left=[2, 3, 4])
def what_shrinks(n=12, keep=5, less=4, more=4, left=3):
    one = {"kind": "max", "kernel_size": keep, "stride": 1, "padding": keep // 2}
    two = {"kind": "max", "kernel_size": less, "stride": 1, "padding": less // 2 - 1}
    three = {"kind": "max", "kernel_size": more, "stride": 1, "padding": more // 2}
    rows = "one row of padding on each side makes" if less == 4 else "two rows of padding on each side make"
    return {
        "prompt": f"Which of these layers give fewer rows and columns than the {n} × {n} map they are given?",
        "case": {"input": {"shape": [1, n, n]}, "pooling": two},
        "values": [one, two, three, {"kind": "max", "kernel_size": left}],
        "texts": [*(layer(**settings) for settings in (one, two, three)), f"nn.MaxPool2d({left})"],
        "reasons": [
            f"{n} + {keep - 1} − {keep} + 1 = {n} rows: with stride 1, this padding makes up for the window.",
            f"{n} + {less - 2} − {less} + 1 = {n - 1} rows: {rows} up for a window of {less - 1}, not of {less}.",
            f"{n} + {more} − {more} + 1 = {n + 1} rows: the output is even larger than the input.",
            f"The stride is {left} here, because it equals kernel_size if left out: {n // left} rows.",
        ],
    }


@draws(k=range(2, 6), s=range(1, 6))
def pool_parameters(k=2, s=2):
    hold(s <= k)
    first, second = (layer(kind, k, **({} if s == k else {"stride": s})) for kind in ("max", "avg"))
    return {
        "prompt": f"How many learnable parameters do {first} and {second} have, both together?",
        "numbers": {"k": k, "s": s},
        "values": [k * k, 2 * k * k, 2],
        "reasons": {
            1: f"A window has {spelled(k * k)} cells, but none of them has a weight to learn. The shares are fixed."
        },
    }


@draws(k=[3, 4], across=[2, 3], row=range(1, 10), column=range(1, 10), peak=range(1, 10))
def peak_moves(k=3, across=2, row=1, column=2, peak=7):
    n, left, top = k * across, column - column % k, row - row % k
    hold(max(row, column) < n and column % k == k - 1 and column < n - 1 and 0 < row % k < k - 1)
    x = [[0] * n for _ in range(n)]
    x[row][column] = peak
    rows, columns = f"{top} to {top + k - 1}", f"{left} to {left + k - 1}"
    where = f"rows and columns {rows}" if rows == columns else f"rows {rows} and columns {columns}"
    return {
        "prompt": f"The grid is pooled by nn.MaxPool2d({k}). Which moves of the {peak} change the output?",
        "case": {"input": x, "pooling": {"kind": "max", "kernel_size": k}},
        "reasons": [
            f"Columns {column - 1} and {column} belong to the same window, so its maximum stays {peak}.",
            f"The {peak} goes from column {column} to column {column + 1}, which belongs to the next window on the "
            "right.",
            f"Rows {row - 1} and {row} belong to the same window. Its maximum stays {peak}.",
            f"Row {row + 1} is still in the window, but column {column + 1} belongs to the next one.",
        ],
        "why": f"The output stays as long as the peak stays in its window, here {where}. That is so for 5 of the 8 "
        "one-cell moves.",
    }
