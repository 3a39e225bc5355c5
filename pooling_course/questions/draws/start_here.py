"""The questions before the course; those after it (alternatives.py) ask the same with other numbers."""

from ..draw import draws, flat, hold, layer, minus, some


def shape(n, c, k, out):
    size = k * out
    return {
        "prompt": f"A batch of shape ({n}, {c}, {size}, {size}) goes through nn.MaxPool2d({k}). What is the shape of "
        "the output?",
        "case": {"input": {"shape": [n, c, size, size]}, "pooling": {"kind": "max", "kernel_size": k}},
        "why": f"Batch and channels stay. Without a stride the window moves by its own {k} cells, so height and width "
        f"are divided by {k}.",
    }


def sign(grid):
    x = flat(grid)
    return {
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}},
        "values": {0: min(x), 1: -min(x)},
    }


def border(grid):
    return {
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2, "padding": 1}},
        "why": f"The first window reads three padded positions and the {minus(grid[0][0])}. Padding of a max pooling "
        "is minus infinity, so the real cell wins.",
    }


def divisor(grid):
    return {
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": 2, "padding": 1}},
        "why": f"The first window reads three padded zeros and the {grid[0][0]}. Padded cells count by default, so the "
        "sum is divided by 4.",
    }


def overlap(k, grid):
    peak = grid[k - 1][k - 1]
    return {
        "prompt": f"{layer('max', k, stride=1)} pools the grid, and the loss is the sum of the output. What gradient "
        f"does the {peak} in the middle receive?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": k, "stride": 1}},
        "at": [k - 1, k - 1],
        "values": {1: 1 / k**2, 2: peak},
        "why": f"With stride 1 the cell in the middle is in all {k**2} windows and wins every one. Each sends its "
        "gradient of 1, and they add up.",
    }


def shift(kind, k, by):
    what = {"max": "nn.MaxPool2d", "avg": "nn.AvgPool2d"}[kind]
    return {
        "prompt": f"A map of random numbers is pooled by {what}({k}). Then it is shifted right by {some(by, 'column')} "
        "and pooled again. What is the second output, away from the border?",
        "case": {
            "input": {"shape": [1, 8 * k, 8 * k]},
            "pooling": {"kind": kind, "kernel_size": k},
            "shift": by,
        },
    }


def negative(d):
    return d.different(2, 2, range(-12, 0))


def quarters(d):
    return d.different(2, 2, range(0, 25, 4))


def middle(d):
    k = d["k"]
    return d.peaked(2 * k - 1, k - 1, k - 1, range(7), range(7, 10))


@draws(n=[2, 4, 8], c=range(6, 17), k=range(2, 6), out=range(3, 9))
def pre_shape(n=4, c=8, k=3, out=6):
    return shape(n, c, k, out)


@draws(grid=negative)
def pre_sign(grid):
    return sign(grid)


@draws(grid=negative)
def pre_border(grid):
    return border(grid)


@draws(grid=quarters)
def pre_divisor(grid):
    hold(grid[0][0])
    return divisor(grid)


@draws(k=[2, 3], grid=middle)
def pre_overlap(grid, k=2):
    peak = grid[k - 1][k - 1]
    return overlap(k, grid) | {
        "reasons": {0: f"1 is what one window sends, and the {peak} is the largest in more than one."}
    }


@draws(k=range(2, 7), by=range(1, 6))
def pre_shift(k=2, by=1):
    hold(by < k)
    lost = "one column of cells and gains another" if by == 1 else f"{by} columns of cells and gains {by} others"
    return shift("max", k, by) | {"reasons": {2: f"The shift is smaller than the stride, so each window loses {lost}."}}
