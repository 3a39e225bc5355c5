"""The cells that one output reads."""

import numpy as np
import torch

LESSON = "01"
LEVEL = "worked"
RULE = "numpy"
TASK = """
Which cells does one output read? First the same question for a line of cells, solved:

```python
def read_a_stretch(line, place, kernel_size, stride):
    start = place * stride  # place 0 starts at 0, place 1 one stride further, ...
    return line[start : start + kernel_size]  # a slice stops before its end


read_a_stretch(np.array([3, 1, 4, 1, 5, 9, 2]), 2, 3, 2)  # array([5, 9, 2]): cells 4, 5 and 6
```

Now for a map. `x` is a NumPy array with rows and columns. A window of `kernel_size` × `kernel_size` moves over it by
`stride`, downwards and to the right. Return the window that the output cell in row `row`, column `col` reads, as an
array of `kernel_size` × `kernel_size`. Rows and columns count from 0. The window always lies
inside the map.
"""
OWN = """
The map `x` and the settings below are yours alone. Which window does the output cell in row `row`, column `col` read?
Find it on paper, and write it down as nested lists, row by row: `return [[1, 2, 3], [4, 5, 6], [7, 8, 9]]`, say.
"""
HINTS = (
    "The example again, once for the rows and once for the columns.",
    "Find the top row of the window and its left column. NumPy slices both at once: x[first : stop, first : stop].",
)


def read_a_window(x, row, col, kernel_size, stride):
    """The window that output (row, col) reads, an array of kernel_size x kernel_size."""
    ### BEGIN SOLUTION
    top = row * stride
    left = col * stride
    return x[top : top + kernel_size, left : left + kernel_size]
    ### END SOLUTION


def truth(x, row, col, kernel_size, stride):
    windows = torch.from_numpy(x).unfold(0, kernel_size, stride).unfold(1, kernel_size, stride)
    return windows[row, col].numpy()


def cases(random):
    counting = np.arange(42.0).reshape(6, 7)
    yield from [(counting, 0, 0, 2, 2), (counting, 1, 2, 2, 2), (counting, 2, 1, 3, 1), (counting, 1, 0, 2, 3)]
    yield from [(counting, 0, 1, 3, 4), (np.array([[-5.0]]), 0, 0, 1, 1), (np.arange(12.0).reshape(6, 2), 2, 0, 2, 2)]
    for _ in range(7):
        kernel_size, stride, row, col = map(int, random.integers((1, 1, 0, 0), (4, 4, 3, 3)))
        height, width = random.integers(2) + stride * np.array([row, col]) + kernel_size + random.integers(3)
        yield random.integers(-9, 10, (height, width)).astype(float), row, col, kernel_size, stride


def own(random):
    row = int(random.integers(1, 3))
    yield random.integers(-9, 10, (7, 8)).astype(float), row, 3 - row, 3, 2


class Mistakes:
    def no_stride(x, row, col, kernel_size, stride):
        """you start at (row, col): that is the output's place. Each of its steps is a whole stride in the input."""
        return x[row : row + kernel_size, col : col + kernel_size]

    def kernel_as_stride(x, row, col, kernel_size, stride):
        """you move by kernel_size: that is only the stride torch takes when none is given. Here one is given."""
        top, left = row * kernel_size, col * kernel_size
        return x[top : top + kernel_size, left : left + kernel_size]

    def one_too_many(x, row, col, kernel_size, stride):
        """you read one row and one column too many. Cells 4, 5 and 6 are the slice 4 : 4 + 3."""
        top, left = row * stride, col * stride
        return x[top : top + kernel_size + 1, left : left + kernel_size + 1]

    def end_left_out(x, row, col, kernel_size, stride):
        """you take one off the end, but a slice stops before its end already: 4 : 7 are the cells 4, 5 and 6."""
        top, left = row * stride, col * stride
        return x[top : top + kernel_size - 1, left : left + kernel_size - 1]

    def swapped(x, row, col, kernel_size, stride):
        """you swap rows and columns: x[rows, columns], rows first."""
        top, left = row * stride, col * stride
        return x[left : left + kernel_size, top : top + kernel_size]

    def flattened(x, row, col, kernel_size, stride):
        """you return the cells in one line: return the window as it lies, in rows and columns."""
        top, left = row * stride, col * stride
        return x[top : top + kernel_size, left : left + kernel_size].reshape(-1)

    def cut_twice(x, row, col, kernel_size, stride):
        """you cut twice: the second brackets cut rows once more. Columns follow in the same ones, after a comma."""
        top, left = row * stride, col * stride
        return x[top : top + kernel_size][left : left + kernel_size]

    def whole_rows(x, row, col, kernel_size, stride):
        """you cut out whole rows: the columns need a slice, too, after a comma."""
        return x[row * stride : row * stride + kernel_size]
