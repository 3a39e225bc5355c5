"""Where the maximum stood."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "03"
LEVEL = "gaps"
RULE = "numpy"
TASK = """
`nn.MaxPool2d(..., return_indices=True)` also says where each maximum stood. Do the same for one map `x`, an array of
rows and columns, with windows of `kernel_size` × `kernel_size`, a `stride`, and `padding` on all four sides; dilation
is 1, and ceil_mode is off. For every output give the number of the cell that won. Cells are numbered from 0 through
`x` itself, row by row and without the padding: row 2, column 3 of a map with 8 columns is 2 · 8 + 3 = 19. If several
cells of a window hold the maximum, the first of them in reading order wins.

The function below already puts a border of −∞ around the map and cuts out each window. Say which cell of `x` wins it.
"""
HINTS = (
    "Where in the padded map does the winner stand, and where is that in `x`? Try it with padding 1: what is cell (1, "
    "1) of the padded map called in `x`?",
    "window.argmax() is the first maximum, counted through the window. divmod by kernel_size makes row and column of "
    "it. Add where the window starts, take the padding off, and number the cell by the width of x.",
)


def winners(x, kernel_size, stride, padding):
    """The number of each window's winner in x, an array of ints."""
    height, width = x.shape
    padded = np.pad(x, padding, constant_values=-np.inf)
    rows = (height + 2 * padding - kernel_size) // stride + 1
    cols = (width + 2 * padding - kernel_size) // stride + 1
    numbers = np.zeros((rows, cols), dtype=int)
    for row in range(rows):
        for col in range(cols):
            top = row * stride
            left = col * stride
            window = padded[top : top + kernel_size, left : left + kernel_size]
            ### BEGIN SOLUTION
            down, right = divmod(window.argmax(), kernel_size)
            numbers[row, col] = (top + down - padding) * width + (left + right - padding)
            ### END SOLUTION
    return numbers


def truth(x, kernel_size, stride, padding):
    return F.max_pool2d(torch.from_numpy(x)[None], kernel_size, stride, padding, return_indices=True)[1][0].numpy()


def cases(random):
    yield np.array([[1.0, 3.0, 2.0], [5.0, 6.0, 1.0], [4.0, 2.0, 9.0], [3.0, 5.0, 6.0]]), 2, 2, 0
    yield np.array([[1.0, 7.0, 7.0], [7.0, 7.0, 0.0]]), 2, 1, 0
    yield np.array([[-4.0, -9.0, -2.0], [-7.0, -3.0, -8.0]]), 2, 2, 1
    yield np.zeros((3, 4)), 3, 2, 1
    yield np.array([[5.0]]), 3, 1, 1
    for height, width, *settings in [(5, 7, 2, 2, 0), (4, 6, 3, 3, 1), (6, 3, 2, 3, 1), (4, 5, 3, 1, 1)]:
        yield random.integers(-9, 3, (height, width)).astype(float), *settings
    for _ in range(5):
        height, width, kernel_size, stride = map(int, random.integers((3, 3, 2, 1), (7, 7, 4, 4)))
        padding = int(random.integers(kernel_size // 2 + 1))
        yield random.integers(-3, 4, (height, width)).astype(float), kernel_size, stride, padding


def wins(x, kernel_size, stride, padding, border=-np.inf, last=False):
    """For every window, row and column of its winner in the padded map, and the winner's number in the window."""
    padded = np.pad(x, padding, constant_values=border)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel_size, kernel_size))[::stride, ::stride]
    flat = windows.reshape(*windows.shape[:2], -1)
    at = flat.shape[2] - 1 - flat[..., ::-1].argmax(2) if last else flat.argmax(2)
    top, left = stride * np.indices(at.shape)
    return top + at // kernel_size, left + at % kernel_size, at


class Mistakes:
    def in_the_window(x, kernel_size, stride, padding):
        """you number the cells of each window anew: the numbers go through the whole map."""
        _, _, at = wins(x, kernel_size, stride, padding)
        return at

    def in_the_padded_map(x, kernel_size, stride, padding):
        """you count the padding as cells: a padded cell has no number, and a row is as long as a row of x."""
        rows, cols, _ = wins(x, kernel_size, stride, padding)
        return rows * (x.shape[1] + 2 * padding) + cols

    def padding_left_on(x, kernel_size, stride, padding):
        """you number by the width of x, but rows and columns still start in the padding: take it off."""
        rows, cols, _ = wins(x, kernel_size, stride, padding)
        return rows * x.shape[1] + cols

    def by_height(x, kernel_size, stride, padding):
        """you multiply by the height: the cells before row 2 are two whole rows, and a row has as many as the width."""
        rows, cols, _ = wins(x, kernel_size, stride, padding)
        return (rows - padding) * x.shape[0] + cols - padding

    def by_columns(x, kernel_size, stride, padding):
        """you count down the columns: the cells are numbered row by row."""
        rows, cols, _ = wins(x, kernel_size, stride, padding)
        return (cols - padding) * x.shape[0] + rows - padding

    def by_output_width(x, kernel_size, stride, padding):
        """you multiply by the width of the output: the winners are numbered in the input."""
        rows, cols, _ = wins(x, kernel_size, stride, padding)
        return (rows - padding) * rows.shape[1] + cols - padding

    def last_tie(x, kernel_size, stride, padding):
        """you let the last of several equal maxima win: it is the first in reading order."""
        rows, cols, _ = wins(x, kernel_size, stride, padding, last=True)
        return (rows - padding) * x.shape[1] + cols - padding

    def padded_with_zeros(x, kernel_size, stride, padding):
        """you pad with zeros, and one of them wins where all real cells are negative: max pooling pads with -inf."""
        rows, cols, _ = wins(x, kernel_size, stride, padding, border=0)
        return (rows - padding) * x.shape[1] + cols - padding
