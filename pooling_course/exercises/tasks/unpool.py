"""The maxima, put back where they stood."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "03"
LEVEL = "free"
RULE = "numpy"
TASK = """
Do by hand what `nn.MaxUnpool2d` does. A map with `height` rows and `width` columns was max-pooled with
`return_indices=True`: `values` is the pooled map, and `indices`, an array of ints of the same shape, says for each
value in which cell of the input it stood. Cells are numbered from 0, row by row.

Return an array of shape `(height, width)` that holds each value in its old place, and 0 everywhere else. Where windows
overlapped, several outputs may name the same cell; they then hold the same value, and it stands there once.
"""
OWN = """
These `values` and `indices` are yours alone: a map with `height` rows and `width` columns was max-pooled with windows
of 3 × 3 and a stride of 1. Put the values back on paper, and write the map down as nested lists, row by row:
`return [[0, 7, 0], [0, 0, 4]]` is a map of two rows.
"""
HINTS = (
    "In which row and column is cell 19 of a map with 8 columns?",
    "The number of a cell is its place in the map laid out as one long row. Start with a row of zeros, height * width "
    "of them, write each value to its index, and make rows and columns of it: .reshape(height, width).",
)


def unpool(values, indices, height, width):
    """The map of maxima in their old places, an array of shape (height, width)."""
    ### BEGIN SOLUTION
    restored = np.zeros(height * width)
    restored[indices.flatten()] = values.flatten()
    return restored.reshape(height, width)
    ### END SOLUTION


def truth(values, indices, height, width):
    values, indices = torch.from_numpy(values)[None], torch.from_numpy(indices)[None]
    return torch.ops.aten.max_unpool2d(values, indices, (height, width))[0].numpy()


def cases(random):
    yield pooled(np.array([[1.0, 3.0, 2.0, 4.0], [5.0, 6.0, 1.0, 2.0]]), 2)
    yield pooled(np.array([[-4.0, -9.0], [-2.0, -7.0]]), 2)
    yield pooled(np.array([[5.0]]), 1)
    yield pooled(np.array([[1.0, 2.0, 1.0], [2.0, 8.0, 2.0], [1.0, 2.0, 1.0]]), 2, 1)
    for height, width, *settings in [(5, 7, 2), (4, 6, 2), (6, 4, 2, 3), (4, 5, 3, 1), (5, 4, 3, 2, 1), (7, 3, 3)]:
        yield pooled(random.integers(-9, 10, (height, width)).astype(float), *settings)
    for _ in range(4):
        height, width, kernel_size, stride = map(int, random.integers((3, 3, 2, 1), (8, 8, 4, 3)))
        yield pooled(random.integers(-9, 10, (height, width)).astype(float), kernel_size, stride)


def own(random):
    """Six windows that have three or four winners between them."""
    while True:
        x = random.permutation(np.arange(-9.0, 11.0)).reshape(4, 5)
        case = pooled(x, 3, 1)
        if len(np.unique(case[1])) in (3, 4):
            return [case]


def pooled(x, *settings):
    values, indices = F.max_pool2d(torch.from_numpy(x)[None], *settings, return_indices=True)
    return values[0].numpy(), indices[0].numpy(), *x.shape


class Mistakes:
    def added_up(values, indices, height, width):
        """you add up where several outputs name one cell: they are the same maximum, seen from several windows."""
        restored = np.zeros(height * width)
        np.add.at(restored, indices.ravel(), values.ravel())
        return restored.reshape(height, width)

    def by_output_width(values, indices, height, width):
        """you divide the indices by the width of the pooled map: they count through rows of the input."""
        restored = np.zeros((height, width))
        restored[indices // values.shape[1], indices % values.shape[1]] = values
        return restored

    def by_height(values, indices, height, width):
        """you divide the indices by the height: a row has as many cells as the map is wide."""
        restored = np.zeros((height, width))
        restored[indices // height, indices % height] = values
        return restored

    def by_columns(values, indices, height, width):
        """you count down the columns: the cells are numbered row by row."""
        restored = np.zeros((height, width))
        restored[indices % height, indices // height] = values
        return restored

    def filled_up(values, indices, height, width):
        """you fill the whole map with the nearest maxima: every cell that did not win is 0."""
        rows, cols = (np.arange(n) * m // n for n, m in zip((height, width), values.shape, strict=True))
        return values[np.ix_(rows, cols)]

    def guessed_size(values, indices, height, width):
        """you double the size of the output: maps of several sizes pool to the same one, so use height and width."""
        rows, cols = 2 * values.shape[0], 2 * values.shape[1]
        restored = np.zeros(rows * cols)
        restored[indices.ravel()] = values.ravel()
        return restored.reshape(rows, cols)

    def minus_infinity(values, indices, height, width):
        """you put -inf where no maximum stood: torch puts 0 there. Only the padding of max pooling is -inf."""
        restored = np.full(height * width, -np.inf)
        restored[indices.ravel()] = values.ravel()
        return restored.reshape(height, width)
