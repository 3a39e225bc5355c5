"""The size that comes out of a pooling."""

import torch
from torch import nn

LESSON = "05"
LEVEL = "gaps"
RULE = "numpy"
TASK = """
A map is `size` cells high. How many rows does the pooled map have, for a window of `kernel_size` that moves by
`stride`, with `padding` added on both sides? Dilation is 1, and ceil_mode is off.

The function below already finds the room that a window has to move in. Say in how many places it can stand.
"""
OWN = """
These four poolings are yours alone, a row for each. How many rows does each make? Work it out on paper, and write the
four numbers down from the top: `return [3, 8, 4, 11]`, say.
"""
HINTS = (
    "Put a window of 3 on a map of 5, stride 1, and count the places where it can start.",
    "A window can start at 0, stride, 2 * stride, ... as long as it does not leave the room. The place where it begins "
    "counts too.",
)


def output_size(size, kernel_size, stride, padding):
    """How many rows come out, an int."""
    room = size + 2 * padding - kernel_size
    ### BEGIN SOLUTION
    return room // stride + 1
    ### END SOLUTION


def truth(size, kernel_size, stride, padding):
    return nn.MaxPool2d((kernel_size, 1), (stride, 1), (padding, 0))(torch.zeros(1, size, 1)).shape[1]


def cases(random):
    yield from [(6, 2, 2, 0), (7, 2, 2, 0), (5, 3, 1, 1), (3, 3, 3, 0), (7, 3, 2, 1), (4, 4, 1, 2)]
    for _ in range(8):
        size, kernel_size, stride = map(int, random.integers((8, 1, 1), (60, 6, 5)))
        yield size, kernel_size, stride, int(random.integers(kernel_size // 2 + 1))


def own(random):
    """Two poolings that leave nothing over, and two that do."""
    for leaves in random.permutation([0, 0, 1, 1]):
        rows, kernel_size, stride = map(int, random.integers((4, 2, 2), (13, 6, 5)))
        padding = int(random.integers(1, kernel_size // 2 + 1))
        rest = int(leaves * random.integers(1, stride))
        yield (rows - 1) * stride + kernel_size - 2 * padding + rest, kernel_size, stride, padding


class Mistakes:
    def no_plus_one(size, kernel_size, stride, padding):
        """you leave out the + 1: the window's first place counts too."""
        return (size + 2 * padding - kernel_size) // stride

    def one_side(size, kernel_size, stride, padding):
        """you add the padding once: it stands on both sides, so the map grows by 2 * padding."""
        return (size + padding - kernel_size) // stride + 1

    def rounded_up(size, kernel_size, stride, padding):
        """you round up, as if rows left over at the bottom got a window: without ceil_mode the division rounds down."""
        return -(-(size + 2 * padding - kernel_size) // stride) + 1

    def true_division(size, kernel_size, stride, padding):
        """you divide with /, which gives a float: whole places come from //, which rounds down."""
        return (size + 2 * padding - kernel_size) / stride + 1

    def no_kernel(size, kernel_size, stride, padding):
        """you only divide the size by the stride: without padding that is right where kernel_size is the stride, and
        elsewhere only by luck."""
        return size // stride

    def no_padding(size, kernel_size, stride, padding):
        """you leave the padding out."""
        return (size - kernel_size) // stride + 1
