"""Lesson 04: smoothing, and what it divides by."""

from ..draw import a, draws, flat, hold, layer

ONES = ["ones", "twos", "threes", "fours", "fives", "sixes", "sevens", "eights", "nines"]


@draws(value=range(1, 10), level=[False, True], place=range(4))
def line_average(value=1, level=False, place=1):
    x = [[value if (r if level else c) == place else 0 for c in range(4)] for r in range(4)]
    line = "A level line one cell high" if level else "An upright line one cell wide"
    return {
        "prompt": f"{line}, {ONES[value - 1]} on zeros, goes through nn.AvgPool2d(4). What number comes out?",
        "case": {"input": x, "pooling": {"kind": "avg", "kernel_size": 4}},
        "values": {1: value / 16, 3: value / 2},
        "reasons": [
            f"Max pooling keeps the {value}. An average also counts the twelve zeros outside the line.",
            f"That is right for a lone {value}. The line fills four of the sixteen cells.",
            "That is the sum. It is still divided, by the 16 cells of the window.",
            f"The sum of {4 * value} is divided by 4 · 4 cells. Dividing by 8 would need a window half as large.",
        ],
        "why": f"Four of the sixteen cells hold {a(value)}: {4 * value} / 16. What an average keeps of a feature is "
        "the part of the window that the feature fills.",
    }


@draws(k=range(2, 6), left=range(2, 8))
def noise_left(k=3, left=2):
    noise = k * left
    return {
        "prompt": "The grid shows the standard deviation of the noise in each cell; the noise of different cells is "
        f"independent. What is the standard deviation of the output of nn.AvgPool2d({k})?",
        "case": {"input": [[noise] * k for _ in range(k)], "pooling": {"kind": "avg", "kernel_size": k}},
        "values": [noise / k**2, noise, left**2],
        "reasons": {
            0: f"The variance falls to 1/{k**2}. The standard deviation is its square root and falls to 1/{k}.",
            2: f"The variance of the mean is {noise**2} / {k**2} = {{value}}. The standard deviation is its square "
            "root.",
        },
    }


@draws(grid=lambda d: d.table(2, 2, range(10)))
def divisor_one(grid):
    total = sum(flat(grid))
    hold(total)
    return {
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": 2, "divisor_override": 1}},
        "values": {2: total / 5},
        "why": f"The sum, {total}, is divided by 1. So divisor_override=1 turns averages into sums.",
    }


@draws(n=[1, 2, 4], c=range(3, 9), high=range(4, 11), wide=range(4, 11), k=range(3, 6))
def average_shape_again(n=2, c=3, high=8, wide=5, k=4):
    h, w = k * high, k * wide
    return {
        "prompt": f"A batch of shape ({n}, {c}, {h}, {w}) goes through {layer('avg', k)}. What is the shape of the "
        "output?",
        "case": {"input": {"shape": [n, c, h, w]}, "pooling": {"kind": "avg", "kernel_size": k}},
        "reasons": {2: f"A pooling does not always halve. Here the stride is {k}."},
        "why": f"The windows lie where those of nn.MaxPool2d({k}) lie: stride {k}, each channel on its own.",
    }
