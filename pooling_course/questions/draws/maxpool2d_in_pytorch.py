"""Lesson 03: shapes, channels and winners."""

from ..draw import draws, flat, hold, minus, summed


@draws(n=[4, 8, 16, 32], h=[12, 24, 36, 48], w=[12, 24, 36, 48], k=[2, 3, 4])
def max_channels(n=16, h=32, w=48, k=2):
    smaller = "halved" if k == 2 else f"divided by {k}"
    return {
        "prompt": f"A batch of {n} colour pictures has the shape ({n}, 3, {h}, {w}). Which shape comes out of "
        f"nn.MaxPool2d({k})?",
        "case": {"input": {"shape": [n, 3, h, w]}, "pooling": {"kind": "max", "kernel_size": k}},
        "values": {1: [n, 1, h // k, w // k]},
        "texts": [
            f"{{value}}: rows and columns are {smaller}, the channels stay.",
            f"{{value}}: rows and columns are {smaller}, and of the channels only the strongest is left.",
            "{value}: the window moves one cell at a time, as in a convolution.",
        ],
        "reasons": {
            2: f"A pooling whose stride is left out moves by its kernel_size, here {k}. In nn.Conv2d the default is 1."
        },
    }


@draws(n=[1, 2, 4], c=range(4, 17), high=range(4, 13), wide=range(4, 13), k=range(3, 6))
def default_stride(n=2, c=8, high=10, wide=8, k=3):
    h, w = k * high, k * wide
    return {
        "prompt": f"A batch of shape ({n}, {c}, {h}, {w}) goes through nn.MaxPool2d({k}). What is the shape of the "
        "output?",
        "case": {"input": {"shape": [n, c, h, w]}, "pooling": {"kind": "max", "kernel_size": k}},
        "reasons": {
            1: f"A pooling does not always halve. The stride is {k} here, because kernel_size is {k}.",
            2: f"Height and width are right. Nothing is taken across channels, so all {c} come out.",
        },
        "why": f"Left out, the stride is kernel_size: nn.MaxPool2d({k}) is nn.MaxPool2d({k}, stride={k}). "
        + (f"So {h} and {w} become {high} and {wide}." if h != w else f"So {h} becomes {high}, both ways."),
    }


WHERE = {
    (0, 1): "one column to the right",
    (1, 0): "one row below",
    (1, 1): "one row below and one column to the right",
}


@draws(n=[4, 6], grid=lambda d: d.table(d["n"], d["n"], range(10)), r=range(3), c=range(3))
def winner_number(grid, n=6, r=1, c=1):
    hold(max(r, c) < n // 2)
    cells = {(i, j): grid[2 * r + i][2 * c + j] for i in (0, 1) for j in (0, 1)}
    (i, j), top = max(cells.items(), key=lambda cell: cell[1])
    hold(list(cells.values()).count(top) == 1 and (i, j) != (0, 0))
    row, column = 2 * r + i, 2 * c + j
    return {
        "prompt": "nn.MaxPool2d(2, return_indices=True) pools the grid. Which index does it return for the output in "
        f"row {r}, column {c}?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}},
        "at": [r, c],
        "values": {0: 2 * i + j, 3: 2 * r * n + 2 * c},
        "reasons": {
            3: f"That is where the window starts. The index belongs to the winner, the {top} {WHERE[i, j]}.",
            4: f"Rows, columns and cells count from 0: row {row}, column {column} is {row} · {n} + {column}.",
        },
        "why": f"The window reads rows {2 * r} and {2 * r + 1}, columns {2 * c} and {2 * c + 1}, and the {top} in row "
        f"{row}, column {column} wins. The map has {n} columns, so its index is {row} · {n} + {column} = {{key}}.",
    }


@draws(grid=lambda d: d.tied(2))
def winner_cells(grid):
    return {"case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}}}


@draws(h=[32, 48, 64, 96, 128, 240], w=[48, 72, 96, 120, 240, 480], k=[2, 3])
def channels_last(h=128, w=128, k=2):
    hold(h % k == 0)
    high, wide = h // k, w // k
    return {
        "prompt": f"A colour photo of shape ({h}, {w}, 3), channels last, goes through nn.MaxPool2d({k}) as it is. "
        "What comes out?",
        "case": {"input": {"shape": [h, w, 3]}, "pooling": {"kind": "max", "kernel_size": k}},
        "values": {0: [high, wide, 3], 1: [high, wide, 1]},
        "texts": ["Shape {value}", "Shape {value}", "Shape {value}"],
        "reasons": {
            1: f"Only two dimensions are pooled. The first one of three is taken for the channels and stays {h}.",
            2: f"The last two dimensions are pooled: {w} columns become {wide}, and 3 colours become 1. No error tells "
            "you.",
        },
    }


@draws(grid=lambda d: d.different(2, 2, range(1, 10)))
def unpool(grid):
    x = flat(grid)
    top, place = max(x), x.index(max(x))
    hold(place > 0)
    where = {1: "in the second column", 2: "in the second row", 3: "in the second row and column"}[place]
    return {
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}},
        "values": [grid, [[top, top], [top, top]], [[top, 0], [0, 0]]],
        "texts": [
            "{value}, the grid itself",
            "{value}, the maximum everywhere",
            "{value}, the maximum first",
            f"{{value}}, the {top} in its place",
        ],
        "reasons": {
            2: f"The index says where the maximum stood: {where}.",
            3: f"The index says where the {top} stood. All other cells are 0.",
        },
    }


@draws(grid=lambda d: d.different(2, 2, range(-12, 0)))
def below_zero_again(grid):
    x = flat(grid)
    top, mean = max(x), sum(x) / 4
    hold(sum(x) % 2 == 0)
    return {
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}},
        "values": {0: min(x) - mean, 2: -mean, 3: top + mean},
        "reasons": [
            f"With the largest magnitude, {minus(min(x))}, it would be {{value}}. Max pooling takes the largest value "
            f"with its sign, {minus(top)}.",
            f"Without the signs it would be {summed([-min(x), mean])} = {{value}}. Both poolings take the numbers with "
            "their signs.",
            f"That takes the maximum to be 0. Max pooling returns one of the numbers in the window, here {minus(top)}.",
            f"Minus a negative number adds: {minus(top)} − ({minus(mean)}).",
        ],
        "why": f"The maximum is {minus(top)} and the average {minus(mean)}, so the difference is {{key}}. Over the "
        "same real cells it is never negative, rounding and overflow aside.",
    }
