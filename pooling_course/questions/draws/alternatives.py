"""Lesson 10, and the questions after the course: those of start_here.py with other numbers."""

from ..draw import draws, hold, listed, spelled
from . import start_here as before


@draws(value=range(2, 13), k=[2, 3])
def threes_to_the_power(value=3, k=2):
    square = value * value
    squares = " + ".join([str(square)] * 4) if k == 2 else f"{k * k} · {square}"
    larger = "twice" if k == 2 else "three times"
    return {
        "prompt": f"nn.LPPool2d(norm_type=2, kernel_size={k}) takes the cells of each window as the coordinates of a "
        f"vector, and gives its length, the norm. Every cell of a map holds {value}. What number comes out everywhere?",
        "numbers": {"value": value, "k": k},
        "values": [value, k * k * square, k * k * value],
        "reasons": [
            f"A mean or a maximum would give {value}. This layer takes the root of a sum, and nothing is divided by "
            "the number of cells.",
            f"That is the sum of the {spelled(k * k)} squares. Its square root is still to be taken.",
        ],
        "why": f"The layer gives the square root of {squares}, which is {{key}}. A flat map of positive numbers "
        f"comes out {larger} as large with windows of {k} × {k}; dividing by {k} would make it a mean of squares under "
        "a root.",
    }


@draws(window=lambda d: d.different(2, 2, range(1, 10)))
def corner_weights(window=((1, 3), (5, 6))):
    (a, b), (c, d) = window
    return {
        "prompt": "A convolution has a window of 2 × 2: weight 1 in the upper left, −1 in the lower right, 0 for the "
        f"other two. Its first window holds {a} and {b}, and below them {c} and {d}. What is its first output?",
        "numbers": {"window": [[a, b], [c, d]]},
        "values": [a + d, a, (a - d) / 4],
        "why": f"1 · {a} + 0 · {b} + 0 · {c} − 1 · {d} = {{key}}. With a weight below 0, a larger cell makes the "
        "output smaller: no share of max does that, nor one of average with its usual divisor.",
    }


@draws(c=[8, 16, 32], n=[6, 8, 10, 12], m=range(8, 23, 2))
def heads_that_run(c=16, n=8, m=12):
    hold(n < m < 2 * n)
    lost, half = spelled(m - n), n // 2
    return {
        "prompt": f"A network makes {c} maps of {n} × {n} from its images, and then follows one of these heads, its "
        f"last layers, built for that size. Now larger images give {c} maps of {m} × {m}. Which heads still run "
        "without an error?",
        "numbers": {"c": c, "n": n, "m": m},
        "texts": [
            f"nn.Flatten(), nn.Linear({c * n * n}, 10)",
            f"nn.AvgPool2d({n}), nn.Flatten(), nn.Linear({c}, 10)",
            f"nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear({c}, 10)",
            f"nn.AvgPool2d(2), nn.Flatten(), nn.Linear({c * half * half}, 10)",
        ],
        "reasons": {
            0: f"{c} maps of {m} × {m} are {c * m * m} numbers, and the linear layer has weights for {c * n * n}.",
            1: f"It runs, without a word: one window of {n} × {n} fits into {m} × {m}. It never reads the last {lost} "
            "rows and columns.",
            3: f"It leaves {m // 2} × {m // 2} instead of {half} × {half}, {c * (m // 2) ** 2} numbers, and the linear "
            f"layer has weights for {c * half * half}.",
        },
    }


@draws(size=range(4, 101, 4))
def bytes_written(size=4):
    return {
        "prompt": f"A stack of float32 maps with even sides takes {size} MB. On the CPU, nn.MaxPool2d(2, "
        "return_indices=True) pools it. How many MB does it write, output and indices together?",
        "numbers": {"size": size},
        "values": [size // 4, size / 2, size],
        "why": f"A quarter of the numbers is {size // 4} MB, and an int64 for each of them {size // 2} MB more. torch "
        "on the CPU writes these notes even if nobody asks for them, as lesson 06 measured.",
    }


@draws(k=range(3, 6), tenths=range(1, 10))
def global_noise_again(k=4, tenths=2):
    noise = k * tenths / 10
    return {
        "prompt": "The grid shows the standard deviation of the noise in each cell; the noise of different cells is "
        f"independent. What is the standard deviation of the output of nn.AvgPool2d({k})?",
        "case": {"input": [[noise] * k for _ in range(k)], "pooling": {"kind": "avg", "kernel_size": k}},
        "values": [noise, noise / k**2, noise / 2],
        "reasons": {
            1: f"That divides by the {k * k} cells. The variance falls to 1/{k * k}, and so the deviation to its root, "
            f"1/{k}.",
            2: f"That divides by 2. A window of k × k leaves 1/k of the deviation, and here k is {k}.",
        },
        "why": f"The average of k² independent cells has 1/k of their standard deviation: {listed([noise])} / {k} = "
        f"{listed([tenths / 10])}. A blur filter with unequal weights of the same width leaves more.",
    }


@draws(n=[2, 4, 8], c=range(6, 17), k=range(2, 6), out=range(3, 9))
def post_shape(n=2, c=12, k=4, out=6):
    return before.shape(n, c, k, out)


@draws(grid=before.negative)
def post_sign(grid):
    return before.sign(grid)


@draws(grid=before.negative)
def post_border(grid):
    return before.border(grid)


@draws(grid=before.quarters)
def post_divisor(grid):
    hold(grid[0][0])
    return before.divisor(grid)


@draws(k=[2, 3], grid=before.middle)
def post_overlap(grid, k=3):
    peak = grid[k - 1][k - 1]
    return before.overlap(k, grid) | {
        "reasons": {
            0: f"Each window that it wins sends a gradient of 1, and the {peak} wins all {k * k} windows. They add up."
        }
    }


@draws(k=range(2, 10), kind=["max", "avg"])
def post_shift(k=3, kind="max"):
    return before.shift(kind, k, k)
