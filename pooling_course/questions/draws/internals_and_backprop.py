"""Lesson 07: which cells receive the gradient."""

from ..draw import draws, flat, hold, layer, listed, spelled

EDGES = {(0, 1): "first row", (1, 0): "first column", (1, 2): "last column", (2, 1): "last row"}


@draws(grid=lambda d: d.different(2, 2, range(1, 10)))
def grad_winner(grid):
    x = flat(grid)
    top, total = max(x), sum(x)
    others = [v for v in x if v != top]
    return {
        "prompt": f"A 2 × 2 window holds {listed(x)}, and max pooling takes the {top}. On the way back, a gradient of "
        "1 arrives at this output. What do the four cells get?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}},
        "values": {
            1: [[float(v == top) for v in row] for row in grid],
            2: [[v / total for v in row] for row in grid],
        },
        "texts": {
            1: f"The {top} gets 1, the others get 0.",
            2: f"Each gets a part in proportion to its value: {listed([f'{v}/{total}' for v in x])}.",
        },
        "reasons": [
            f"That is average pooling. A small change of {listed([f'the {v}' for v in others], 'or')} does not change "
            "the maximum.",
            f"Only the {top} is in the output. The others could be a little larger and nothing would follow.",
        ],
        "why": f"The output is the {top}, and small changes of the others do not move it. So the whole gradient "
        f"goes to the {top}.",
    }


@draws(at=list(EDGES), grid=lambda d: d.peaked(3, *d["at"], range(7), range(7, 10)))
def grad_overlap(grid, at=(1, 2)):
    peak, edge = grid[at[0]][at[1]], EDGES[at]
    sides = "above and below" if "column" in edge else "left and right"
    return {
        "prompt": "nn.MaxPool2d(2, stride=1) pools the grid, and the loss is the sum of the output. What gradient does "
        f"the {peak} receive?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2, "stride": 1}},
        "at": list(at),
        "values": {1: 2 / 4, 2: 4, 3: peak},
        "reasons": [
            f"The {peak} wins two windows, {sides}, and each sends a gradient of 1. They add up.",
            f"In a window that it wins, the {peak} gets the whole gradient, not a quarter.",
            f"Four windows would read a cell in the middle. The {peak} is in the {edge}, so only two do.",
        ],
        "why": f"Two windows read the {peak}, and it wins both. Gradients from several windows add up: "
        "1 + 1 = {key}.",
    }


@draws(grid=lambda d: d.tied(d.one([2, 3])))
def grad_tie(grid):
    return {"case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2}}}


@draws(at=list(EDGES), grid=lambda d: d.table(3, 3, range(10)))
def average_grad(grid, at=(0, 1)):
    return {
        "prompt": "nn.AvgPool2d(2, stride=1) pools the grid, and the loss is the sum of the output. What gradient does "
        f"the cell in row {at[0]}, column {at[1]} receive?",
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": 2, "stride": 1}},
        "at": list(at),
        "values": {1: 1, 2: 0, 3: 2},
        "reasons": {
            1: f"Four windows would read the cell in the middle. This one is in the {EDGES[at]}, so only two do."
        },
    }


@draws(n=[2, 3, 4], grid=lambda d: d.table(d["n"], d["n"], range(10)))
def pad_loss(grid, n=2):
    cells, sent = n * n, (n + 1) ** 2
    middle = "the one in the middle" if n == 2 else "those in the middle"
    return {
        "prompt": f"{layer('avg', 2, stride=1, padding=1)} pools the grid to {n + 1} × {n + 1}. Each output receives a "
        f"gradient of 1, {sent} in all. How much of it reaches the {spelled(cells)} cells together?",
        "case": {"input": grid, "pooling": {"kind": "avg", "kernel_size": 2, "stride": 1, "padding": 1}},
        "values": [sent, 1, sent / 4],
        "reasons": [
            "Padded positions have a share in each average, and what goes to them is lost. With "
            f"count_include_pad=False all {sent} would arrive.",
            f"That is what one cell receives, a quarter from each of four windows. There are {spelled(cells)} cells.",
            f"Only the windows in the corners pass on a quarter. Those at the edges pass on a half, {middle} all.",
        ],
        "why": f"Each real cell lies in four windows and gets 1/4 from each, so {cells} · 1 arrive. The other "
        f"{sent - cells} go to padded positions, where nobody takes them.",
    }


@draws(n=[4, 6], grid=lambda d: d.table(d["n"], d["n"], range(10)), r=[1, 2], c=[1, 2])
def padded_index_again(grid, n=4, r=1, c=1):
    hold(max(r, c) < n // 2)
    top, left = 2 * r - 1, 2 * c - 1
    cells = {(i, j): grid[top + i][left + j] for i in (0, 1) for j in (0, 1)}
    (i, j), peak = max(cells.items(), key=lambda cell: cell[1])
    hold(list(cells.values()).count(peak) == 1)
    row, column = top + i, left + j
    return {
        "prompt": "nn.MaxPool2d(2, padding=1, return_indices=True) pools the grid. Which index does it return for the "
        f"output in row {r}, column {c}?",
        "case": {"input": grid, "pooling": {"kind": "max", "kernel_size": 2, "padding": 1}},
        "at": [r, c],
        "values": {0: (row + 1) * (n + 2) + column + 1, 1: 2 * i + j},
        "reasons": [
            f"That counts in the padded map of {n + 2} × {n + 2}. Indices count in the map without its border."
        ],
        "why": f"The window reads rows {top} and {top + 1}, columns {left} and {left + 1}, and the {peak} in row "
        f"{row}, column {column} wins. Without the border the map has {n} columns, so its index is {row} · {n} + "
        f"{column} = {{key}}.",
    }
