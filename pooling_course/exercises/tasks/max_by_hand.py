"""Max pooling of one map, window by window."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "01"
LEVEL = "gaps"
RULE = "numpy"
TASK = """
Max pooling by hand: from a map `x`, a NumPy array of rows and columns, make the pooled map, for a window of
`kernel_size` × `kernel_size` that moves by `stride`. There is no border around the map, and what is left over at its
end, too small for a window, is left out.

The function below already makes an output of the right size, and visits each of its cells. Say what goes into one
of them.
"""
HINTS = (
    "Which cells of `x` does the output in (row, col) read? Write down the answer for (0, 0), (0, 1) and (1, 0).",
    "Cut the window out of x: it starts at row * stride and col * stride. Its largest value is the output.",
)


def max_by_hand(x, kernel_size, stride):
    """The max-pooled map, an array of rows and columns."""
    height = (x.shape[0] - kernel_size) // stride + 1
    width = (x.shape[1] - kernel_size) // stride + 1
    output = np.zeros((height, width))
    for row in range(height):
        for col in range(width):
            ### BEGIN SOLUTION
            top = row * stride
            left = col * stride
            window = x[top : top + kernel_size, left : left + kernel_size]
            output[row, col] = window.max()
            ### END SOLUTION
    return output


def truth(x, kernel_size, stride):
    return F.max_pool2d(torch.from_numpy(x)[None], kernel_size, stride)[0].numpy()


def cases(random):
    worked = [[1, 3, 2, 4, 0, 8], [5, 6, 1, 2, 7, 3], [4, 2, 9, 5, 1, 0], [3, 5, 6, 8, 2, 1]]
    yield np.array(worked, dtype=float), 2, 2
    yield np.array([[-4.0, -9.0], [-2.0, -7.0]]), 2, 2
    yield np.array([[-7.0, 2.0, 3.0], [1.0, -8.0, 0.0], [5.0, -1.0, -6.0]]), 2, 1
    yield np.array([[6.0]]), 1, 1
    for height, width, kernel_size, stride in [(3, 3, 3, 3), (5, 7, 2, 2), (7, 5, 3, 2), (5, 6, 1, 2), (7, 7, 2, 3)]:
        yield random.integers(-9, 1, (height, width)).astype(float), kernel_size, stride
    for _ in range(4):
        kernel_size, stride, height, width = map(int, random.integers((2, 1, 4, 4), (4, 4, 8, 8)))
        yield random.integers(-9, 10, (height, width)).astype(float), kernel_size, stride


def windows(x, kernel_size, stride, step, read):
    """Right but for the step between windows, or for what is made of one."""
    output = np.zeros([(size - kernel_size) // stride + 1 for size in x.shape])
    for row, col in np.ndindex(*output.shape):
        top, left = row * step, col * step
        output[row, col] = read(x[top : top + kernel_size, left : left + kernel_size])
    return output


class Mistakes:
    def no_stride(x, kernel_size, stride):
        """your windows move by one cell: each step of row or col is a whole stride in x."""
        return windows(x, kernel_size, stride, 1, np.max)

    def kernel_as_stride(x, kernel_size, stride):
        """your windows move by kernel_size: that is only the stride torch takes when none is given."""
        return windows(x, kernel_size, stride, kernel_size, np.max)

    def from_zero(x, kernel_size, stride):
        """your search for the largest starts at 0, so a window of negative numbers gives 0: start at its first cell."""
        return windows(x, kernel_size, stride, stride, lambda window: max(0, window.max()))

    def magnitude(x, kernel_size, stride):
        """you take the number farthest from 0: the largest is meant with its sign, and 2 is larger than -9."""
        return windows(x, kernel_size, stride, stride, lambda window: window.flat[np.abs(window).argmax()])

    def absolute(x, kernel_size, stride):
        """you drop the signs before you compare: -9 is smaller than 2, not larger."""
        return windows(x, kernel_size, stride, stride, lambda window: np.abs(window).max())

    def average(x, kernel_size, stride):
        """you take the average of each window: max pooling keeps its largest value."""
        return windows(x, kernel_size, stride, stride, np.mean)

    def builtin_max(x, kernel_size, stride):
        """you call Python's own max: it compares whole rows of the window. window.max() looks at every cell."""
        return windows(x, kernel_size, stride, stride, max)

    def cut_twice(x, kernel_size, stride):
        """you cut twice: the second brackets cut rows once more. Columns follow in the same ones, after a comma."""
        output = np.zeros([(size - kernel_size) // stride + 1 for size in x.shape])
        for row, col in np.ndindex(*output.shape):
            top, left = row * stride, col * stride
            output[row, col] = x[top : top + kernel_size][left : left + kernel_size].max()
        return output

    def first_cell(x, kernel_size, stride):
        """you take the first cell of each window: look at all of them."""
        return windows(x, kernel_size, stride, stride, lambda window: window[0, 0])
