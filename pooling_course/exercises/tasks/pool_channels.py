"""Max pooling of a picture with channels."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "02"
LEVEL = "free"
RULE = "numpy"
TASK = """
A picture has several channels: `x` is an array of shape `(C, H, W)`. Max-pool each channel on its own, with
windows of `kernel_size` × `kernel_size` that lie side by side: the stride is `kernel_size`, as in
`nn.MaxPool2d(kernel_size)`. What is left over at the bottom or right, too small for a window, is left out.

Return an array of shape `(C, H // kernel_size, W // kernel_size)`.
"""
OWN = """
This picture `x` is yours alone: two channels of 4 × 5, shown one below the other. What does max pooling with windows
of 2 × 2 make of it? Write it down as nested lists, one channel after the other, each row by row:
`return [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]` is a picture of two channels.
"""
HINTS = (
    "Think of a stack of sheets. What you do to one sheet, you do to each.",
    "A window is x[channel, rows, columns], or x[:, rows, columns] for all sheets at once; then take the maximum over "
    "rows and columns only: .max(axis=(1, 2)).",
)


def pool_channels(x, kernel_size):
    """The max-pooled picture, an array of shape (C, H // kernel_size, W // kernel_size)."""
    ### BEGIN SOLUTION
    channels, height, width = x.shape
    output = np.zeros((channels, height // kernel_size, width // kernel_size))
    for channel in range(channels):
        for row in range(height // kernel_size):
            for col in range(width // kernel_size):
                top = row * kernel_size
                left = col * kernel_size
                window = x[channel, top : top + kernel_size, left : left + kernel_size]
                output[channel, row, col] = window.max()
    return output
    ### END SOLUTION


def truth(x, kernel_size):
    return F.max_pool2d(torch.from_numpy(x), kernel_size).numpy()


def cases(random):
    yield np.array([[[1.0, 3.0], [5.0, 6.0]], [[-4.0, -9.0], [-2.0, -7.0]]]), 2
    yield np.array([[[4.0]]]), 1
    shapes = [(3, 4, 4, 2), (1, 2, 6, 2), (2, 5, 7, 2), (2, 3, 3, 3), (3, 7, 4, 3), (4, 2, 2, 2), (2, 2, 3, 1)]
    for *shape, kernel_size in shapes:
        yield random.integers(-9, 1, shape).astype(float), kernel_size
    for _ in range(4):
        channels, height, width, kernel_size = map(int, random.integers((2, 4, 4, 2), (4, 8, 8, 4)))
        yield random.integers(-9, 10, (channels, height, width)).astype(float), kernel_size


def own(random):
    yield random.integers(-9, 6, (2, 4, 5)).astype(float), 2


def tiles(x, kernel_size):
    """The windows that lie side by side: (C, rows out, columns out, kernel_size, kernel_size)."""
    height, width = (size // kernel_size for size in x.shape[1:])
    x = x[:, : height * kernel_size, : width * kernel_size]
    return x.reshape(len(x), height, kernel_size, width, kernel_size).swapaxes(2, 3)


class Mistakes:
    def mixed_channels(x, kernel_size):
        """you take the maximum over the channels, too: each channel is pooled as if it were alone, and all stay."""
        return tiles(x, kernel_size).max((0, 3, 4))

    def brightest_channel(x, kernel_size):
        """you give every channel the maximum of all of them: each channel has its own."""
        return np.broadcast_to(tiles(x, kernel_size).max((0, 3, 4)), tiles(x, kernel_size).shape[:3])

    def channels_last(x, kernel_size):
        """you pool the first two axes, as if the channels stood last: x has shape (C, H, W)."""
        return np.moveaxis(tiles(np.moveaxis(x, 2, 0), kernel_size).max((3, 4)), 0, 2)

    def one_step(x, kernel_size):
        """your windows move by one cell, as in a convolution: here they lie side by side, as in nn.MaxPool2d(2)."""
        windows = np.lib.stride_tricks.sliding_window_view(x, (kernel_size, kernel_size), (1, 2))
        return windows.max((3, 4))

    def rest_kept(x, kernel_size):
        """you give what is left over at the bottom and right a window: here it is left out."""
        down, right = (-size % kernel_size for size in x.shape[1:])
        return tiles(np.pad(x, ((0, 0), (0, down), (0, right)), constant_values=-np.inf), kernel_size).max((3, 4))

    def from_zero(x, kernel_size):
        """your search for the largest starts at 0, so a window of negative numbers gives 0: start at its first cell."""
        return np.maximum(tiles(x, kernel_size).max((3, 4)), 0)

    def average(x, kernel_size):
        """you take the average of each window: max pooling keeps its largest value."""
        return tiles(x, kernel_size).mean((3, 4))
