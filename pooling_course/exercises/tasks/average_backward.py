"""The gradient of an average pooling."""

import numpy as np
import torch
import torch.nn.functional as F

LESSON = "07"
LEVEL = "free"
RULE = "numpy"
TASK = """
The gradient of an average pooling. A map with `height` rows and `width` columns was pooled by
`nn.AvgPool2d(kernel_size, stride, padding, count_include_pad=count_include_pad)`, where `kernel_size`, `stride` and
`padding` are whole numbers; ceil_mode is off, and there is no divisor_override. `upstream` is the upstream gradient, an
array with one number for each output. Return the gradient of the input, an array of shape `(height, width)`.

What a window's padding would get goes nowhere. (All upstream numbers are multiples of 36, so that nothing needs
rounding.)
"""
OWN = """
This `upstream` is yours alone, for two poolings that differ only in `count_include_pad`. What is the gradient of the
input of each? Work it out on paper, and write both down, one after the other, as nested lists, row by row:
`return [[[9, 9], [9, 9]], [[36, 36], [36, 36]]]`, say.
"""
HINTS = (
    "The map itself is not given, and you do not need it. Why?",
    "Each window adds upstream / divisor to every real cell it reads. Its first row is row * stride - padding, which "
    "may lie above the map: cut it off at 0 and at height. The divisor counts the padding, or only what is left after "
    "that cut.",
)


def average_backward(upstream, height, width, kernel_size, stride, padding, count_include_pad):
    """The gradient of the input, an array of shape (height, width)."""
    ### BEGIN SOLUTION
    gradient = np.zeros((height, width))
    for row in range(upstream.shape[0]):
        for col in range(upstream.shape[1]):
            first_row = row * stride - padding
            first_col = col * stride - padding
            top, bottom = max(first_row, 0), min(first_row + kernel_size, height)
            left, right = max(first_col, 0), min(first_col + kernel_size, width)
            divisor = kernel_size * kernel_size if count_include_pad else (bottom - top) * (right - left)
            gradient[top:bottom, left:right] += upstream[row, col] / divisor
    return gradient
    ### END SOLUTION


def truth(upstream, height, width, kernel_size, stride, padding, count_include_pad):
    x = torch.zeros(1, height, width, dtype=torch.float64, requires_grad=True)
    pooled = F.avg_pool2d(x, kernel_size, stride, padding, count_include_pad=count_include_pad)
    pooled.backward(torch.from_numpy(upstream)[None])
    return x.grad[0].numpy()


def cases(random):
    yield np.array([[36.0]]), 2, 2, 2, 2, 0, True
    yield np.array([[36.0, 72.0], [-36.0, 0.0]]), 3, 3, 2, 1, 0, True
    yield np.array([[36.0, 36.0], [36.0, 36.0]]), 2, 2, 2, 2, 1, True
    yield np.array([[36.0, 36.0], [36.0, 36.0]]), 2, 2, 2, 2, 1, False
    yield np.array([[-72.0]]), 1, 1, 3, 1, 1, True
    yield np.array([[-72.0]]), 1, 1, 3, 1, 1, False
    for height, width, *settings in [
        (5, 4, 2, 2, 0, True),
        (4, 6, 3, 3, 1, True),
        (4, 5, 3, 1, 1, False),
        (7, 4, 2, 3, 1, True),
    ]:
        yield drawn(random, height, width, *settings)
    for _ in range(4):
        height, width, kernel_size, stride, counted = map(int, random.integers((3, 3, 2, 1, 0), (7, 7, 4, 4, 2)))
        yield drawn(random, height, width, kernel_size, stride, 1, bool(counted))


def own(random):
    """Four windows of 3 x 3 that overlap, on a map with a border."""
    height, width = [(3, 3), (3, 4), (4, 3)][random.integers(3)]
    upstream = 36.0 * random.choice([-3, -2, -1, 1, 2, 3], (2, 2))
    for counted in (True, False):
        yield upstream, height, width, 3, 2, 1, counted


def drawn(random, height, width, kernel_size, stride, padding, count_include_pad):
    out = [(size + 2 * padding - kernel_size) // stride + 1 for size in (height, width)]
    upstream = 36.0 * random.integers(-3, 4, out)
    return upstream, height, width, kernel_size, stride, padding, count_include_pad


def paid(upstream, height, width, kernel_size, stride, padding, divisor, add=1):
    """`divisor` of None is the number of real cells. The border of the result is still on."""
    gradient = np.zeros((height + 2 * padding, width + 2 * padding))
    real = np.pad(np.ones((height, width)), padding)
    for row, col in np.ndindex(*upstream.shape):
        cells = np.s_[row * stride : row * stride + kernel_size, col * stride : col * stride + kernel_size]
        gradient[cells] = gradient[cells] * add + upstream[row, col] / (divisor or real[cells].sum())
    return gradient


def right(kernel_size, count_include_pad):
    return kernel_size**2 if count_include_pad else None


def inside(gradient, padding):
    return gradient[padding : gradient.shape[0] - padding, padding : gradient.shape[1] - padding]


class Mistakes:
    def padding_always_counted(upstream, height, width, kernel_size, stride, padding, count_include_pad):
        """you always divide by kernel_size * kernel_size: without count_include_pad, only real cells are divided by."""
        return inside(paid(upstream, height, width, kernel_size, stride, padding, kernel_size**2), padding)

    def padding_never_counted(upstream, height, width, kernel_size, stride, padding, count_include_pad):
        """you always divide by the real cells: by default the padding counts, and its part of the gradient is lost."""
        return inside(paid(upstream, height, width, kernel_size, stride, padding, None), padding)

    def not_added(upstream, height, width, kernel_size, stride, padding, count_include_pad):
        """you overwrite what a cell got before: where windows overlap, a cell gets the sum of what they send."""
        return inside(
            paid(upstream, height, width, kernel_size, stride, padding, right(kernel_size, count_include_pad), add=0),
            padding,
        )

    def undivided(upstream, height, width, kernel_size, stride, padding, count_include_pad):
        """you pay every cell the whole upstream number: its share is 1 / divisor."""
        return inside(paid(upstream, height, width, kernel_size, stride, padding, 1), padding)

    def border_left_on(upstream, height, width, kernel_size, stride, padding, count_include_pad):
        """you return the gradient with its border: the input has none, and what its padding would get goes nowhere."""
        return paid(upstream, height, width, kernel_size, stride, padding, right(kernel_size, count_include_pad))

    def padding_left_on(upstream, height, width, kernel_size, stride, padding, count_include_pad):
        """you start the first window at row 0: with padding it starts above the map, at -padding."""
        return paid(upstream, height, width, kernel_size, stride, padding, right(kernel_size, count_include_pad))[
            :height, :width
        ]

    def by_kernel_size(upstream, height, width, kernel_size, stride, padding, count_include_pad):
        """you divide by kernel_size: a window has kernel_size * kernel_size cells."""
        return inside(paid(upstream, height, width, kernel_size, stride, padding, kernel_size), padding)
