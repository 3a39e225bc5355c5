"""How far a stack of layers sees."""

import torch
import torch.nn.functional as F

LESSON = "05"
LEVEL = "free"
RULE = "numpy"
TASK = """
How many rows of the picture does one cell see, after a whole stack of convolutions and poolings? `layers` lists them
from the first to the last, each as `(kernel_size, stride, dilation)`. Return the receptive field, an int: how many
rows there are from the first to the last one that a cell of the final map can depend on, those in between included.
After no layer at all, a cell sees 1 row. The picture is large, so the border plays no part.

For example, `[(3, 1, 1), (2, 2, 1), (3, 1, 1)]`, two convolutions of 3 × 3 with a 2 × 2 pooling between them, see
8 rows. (*Why it matters*, below, tells the rule for a dilation of 1; try first without.)
"""
HINTS = (
    "Take the example, and go through it by hand. Where does a cell of the map after the pooling begin to look, and "
    "how many rows further down does the next one begin?",
    "Keep two numbers: what a cell sees, and the step between neighbours in rows of the picture; both start at 1. A "
    "layer adds (kernel_size - 1) * dilation steps to what is seen, and then its stride stretches the step.",
)


def receptive_field(layers):
    """How many rows one cell of the last map sees, an int."""
    ### BEGIN SOLUTION
    seen = 1
    step = 1
    for kernel_size, stride, dilation in layers:
        seen += (kernel_size - 1) * dilation * step
        step *= stride
    return seen
    ### END SOLUTION


def truth(layers):
    x = torch.zeros(1, 1, 2000, dtype=torch.float64, requires_grad=True)
    out = x
    for kernel_size, stride, dilation in layers:  # convolutions in which every cell counts
        out = F.conv1d(out, torch.ones(1, 1, kernel_size, dtype=torch.float64), stride=stride, dilation=dilation)
    (gradient,) = torch.autograd.grad(out[0, 0, 0], x)
    reached = gradient.flatten().nonzero()
    return int(reached.max() - reached.min()) + 1


def cases(random):
    yield from [([],), ([(3, 1, 1)],), ([(3, 1, 1), (3, 1, 1)],), ([(3, 1, 1), (2, 2, 1), (3, 1, 1)],)]
    yield from [([(2, 2, 1)] * 3,), ([(3, 1, 2)],), ([(7, 2, 1), (3, 2, 1), (3, 1, 1)],), ([(1, 3, 1), (2, 1, 1)],)]
    yield ([(3, 2, 2), (2, 2, 1), (3, 1, 4)],)
    for count in (2, 3, 3, 4, 5):
        yield ([tuple(map(int, layer)) for layer in random.integers(1, (5, 4, 4), (count, 3))],)


class Mistakes:
    def no_steps(layers):
        """you leave the strides out: after a stride of 2, one step to a neighbour is two rows of the picture."""
        return 1 + sum((kernel_size - 1) * dilation for kernel_size, _, dilation in layers)

    def sum_of_kernels(layers):
        """you add up the kernel sizes: a window of 3 sees 3 cells, but adds only 2 to the one that was seen before."""
        return sum(kernel_size for kernel_size, _, _ in layers)

    def stride_too_soon(layers):
        """you count a layer's own stride in its own window: it moves the cells of the next layers apart, not these."""
        seen = step = 1
        for kernel_size, stride, dilation in layers:
            step *= stride
            seen += (kernel_size - 1) * dilation * step
        return seen

    def last_stride_only(layers):
        """you take the stride of the layer before as the step: all strides so far multiply."""
        seen = step = 1
        for kernel_size, stride, dilation in layers:
            seen += (kernel_size - 1) * dilation * step
            step = stride
        return seen

    def no_dilation(layers):
        """you leave the dilation out: it pulls the cells of a window apart, so the window reaches farther."""
        seen = step = 1
        for kernel_size, stride, _ in layers:
            seen += (kernel_size - 1) * step
            step *= stride
        return seen

    def dilated_size(layers):
        """you make a dilated window kernel_size * dilation long: it spans (kernel_size - 1) * dilation + 1 cells."""
        seen = step = 1
        for kernel_size, stride, dilation in layers:
            seen += (kernel_size * dilation - 1) * step
            step *= stride
        return seen

    def product_of_kernels(layers):
        """you multiply the kernel sizes: without dilation that is right where every layer but the last moves by its
        own kernel_size, and elsewhere only by luck."""
        seen = 1
        for kernel_size, _, _ in layers:
            seen *= kernel_size
        return seen
