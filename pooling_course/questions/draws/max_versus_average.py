"""Lesson 02: two ways to make one number of a window."""

from ..draw import draws, flat, hold, layer, listed, minus, spelled, summed


@draws(grid=lambda d: d.different(2, 2, range(-12, 10)))
def signed_window(grid):
    x = flat(grid)
    strongest, total = min(x), sum(x)
    hold(0 < max(x) < -strongest and total % 2 == 0 and x[0] >= 0)
    return {
        "prompt": f"A 2 × 2 window holds {listed(x)}. What do max pooling and average pooling make of it?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}},
        "values": [[strongest, total / 4], [max(x), total / 4], [max(x), sum(map(abs, x)) / 4]],
        "texts": [
            f"max {minus(strongest)}, because that is the strongest value; average {minus(total / 4)}",
            f"max {minus(max(x))}; average {minus(total / 4)}",
            f"max {minus(max(x))}; average {minus(sum(map(abs, x)) / 4)}, because the signs do not count",
        ],
        "reasons": [
            f"{minus(strongest)} has the largest magnitude, but it is the smallest value. Max pooling looks at the "
            "value with its sign.",
            f"{max(x)} is the largest value, and ({summed(x)}) / 4 = {minus(total / 4)}.",
            f"The average adds up with signs: ({summed(x)}) / 4.",
        ],
    }


@draws(k=[2, 3, 4], left=range(1, 8), row=range(4), column=range(4))
def lone_average(k=3, left=1, row=1, column=2):
    hold(max(row, column) < k)
    peak = left * k * k
    x = [[peak if (r, c) == (row, column) else 0 for c in range(k)] for r in range(k)]
    return {
        "prompt": f"nn.AvgPool2d({k}) pools the grid. What number comes out?",
        "case": {"input": x, "pooling": {"kind": "avg", "kernel_size": k}},
        "reasons": [
            f"Max pooling would keep the {peak}. An average shares it out over all {spelled(k * k)} cells.",
            f"The sum is divided by the number of cells, {k} · {k}, not by the side of the window.",
        ],
        "why": f"{peak} / ({k} · {k}) = {{key}}. In a k × k window of zeros, a lone positive number keeps 1/k² of "
        "itself under average pooling and all of it under max pooling.",
    }


def _with_a_negative_window(d):
    x = d.table(4, 4, range(-6, 10))
    for row in (2, 3):
        x[row][:2] = [d.one(range(-8, 0)) for _ in range(2)]
    return x


@draws(grid=_with_a_negative_window)
def average_fill(grid):
    windows = [[grid[r][c] + grid[r][c + 1] + grid[r + 1][c] + grid[r + 1][c + 1] for c in (0, 2)] for r in (0, 2)]
    hold(grid[0][1] < 0 and all(total % 2 == 0 for row in windows for total in row))
    return {
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": 2}},
        "reasons": {
            1: f"The signs count: {minus(grid[0][1])} takes away from the sum, and a window of negative numbers has a "
            "negative average."
        },
    }


COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}
MIXED = {(1, 0, 1): ("Magenta", "Dark purple"), (1, 1, 0): ("Yellow", "Olive"), (0, 1, 1): ("Cyan", "Teal")}


@draws(first=list(COLOURS), second=list(COLOURS), level=[False, True])
def red_and_blue(first="red", second="blue", level=False):
    hold(first != second)
    one, two = COLOURS[first], COLOURS[second]
    both = (max(one[0], two[0]), max(one[1], two[1]), max(one[2], two[2]))
    half = [(a + b) / 2 for a, b in zip(one, two, strict=True)]
    x = [[[a, a], [b, b]] if level else [[a, b], [a, b]] for a, b in zip(one, two, strict=True)]
    places = ("the top row", "the bottom row") if level else ("the left column", "the right column")
    origin = ("the top", "the bottom") if level else ("the left", "the right")
    lone = "There is no winning pixel. Each of the three channels is pooled alone, and {} has a 1 as well."
    bright, dark = MIXED[both]
    return {
        "prompt": f"In a 2 × 2 window of a colour image, {places[0]} is {first} {one} and {places[1]} {second} {two}. "
        "What colour does nn.MaxPool2d(2) return?",
        "case": {"input": x, "pooling": {"kind": "max", "kernel_size": 2}},
        "values": [[[[v]] for v in colour] for colour in (both, one, half, two)],
        "texts": [
            f"{bright} {both}",
            f"{first.capitalize()} {one}, the first",
            f"{dark} ({', '.join(map(minus, half))})",
            f"{second.capitalize()} {two}, the last",
        ],
        "reasons": [
            f"Each channel has its own winner: the 1 in {first} comes from {origin[0]}, the 1 in {second} from "
            f"{origin[1]}.",
            lone.format(second),
            f"That is the average of {first} and {second}. The largest value in each channel is {listed(both)}.",
            lone.format(first),
        ],
        "why": f"Pooling treats each channel by itself. The maxima of {first} and {second} come from different pixels, "
        "so the result can be a colour that no pixel has.",
    }


@draws(n=range(7, 21), k=[3, 5])
def stride_one_again(n=10, k=3):
    return {
        "prompt": f"{layer('avg', k, stride=1)} pools a map of {n} × {n}. How many rows does the output have?",
        "case": {"input": {"shape": [1, n, n]}, "pooling": {"kind": "avg", "kernel_size": k, "stride": 1}},
        "values": {1: n},
        "reasons": [
            f"That would be stride {k}. Here the window moves one cell at a time.",
            f"A window of {k} that starts in row {n - k + 1} would need a row {n}, which is not there.",
        ],
        "why": f"The window can start in rows 0 to {n - k}, so there are {{key}}. Moved one cell at a time, a window "
        f"of {k} costs {k - 1} rows; in lesson 01 one of 2 cost one row.",
    }
