"""The pooling that does what is needed."""

import torch
from torch import nn

from ...maths.kinds.pooling import Pooling
from ...maths.trace import trace

LESSON = "04"
LEVEL = "free"
RULE = "any"
TASK = """
This time you choose the layer. It has to make an output of `out` × `out` from a map of `size` × `size`, and one thing
more, whatever numbers the map holds. `need` says which:

- `"largest"`: the largest number of the whole map is in the output.
- `"level"`: it is an average in which every cell of the map counts, and a map that holds one number throughout, say 6,
  comes out with this number throughout.
- `"mean"`: the mean of the output is the mean of the map. (Here `out` divides `size`.)
- `"sum"`: the numbers of the output add up to the sum of the map. (Here, too.)

Return an `nn.MaxPool2d` or `nn.AvgPool2d`. Often several do, and every right one passes. `out` is never larger than
`size`.
"""
HINTS = (
    "First the size: with 7 rows to start from and 3 wanted, where could three windows lie so that every row is in "
    "one?",
    "stride = size // out always works, if the last window, which starts at (out - 1) * stride, reaches to the end. "
    "For a sum, think about what an average is divided by.",
)


def choose_a_pooling(size, out, need):
    """A layer that makes out x out of size x size and does what is needed."""
    ### BEGIN SOLUTION
    stride = size // out
    kernel_size = size - (out - 1) * stride  # so that the last window ends with the map
    if need == "largest":
        return nn.MaxPool2d(kernel_size, stride)
    if need == "sum":
        return nn.AvgPool2d(kernel_size, stride, divisor_override=1)
    return nn.AvgPool2d(kernel_size, stride)
    ### END SOLUTION


def accepts(size, out, need, result):
    result = Pooling.of(result)
    line = f"`{result}`"
    x = torch.rand(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(size)) * 18 - 9
    made = trace(result, x)
    if tuple(made.output.shape) != (out, out):
        rows, cols = made.output.shape
        return f"{line} makes an output of {rows} × {cols} instead of {out} × {out}."
    if need == "largest":
        for at in range(x.numel()):  # wherever it stands, and though all is negative
            peaked = torch.full_like(x, -9).index_put(
                (torch.tensor(at // size), torch.tensor(at % size)), x.new_tensor(-1)
            )
            if trace(result, peaked).output.max() != -1:
                row, col = divmod(at, size)
                return f"{line} gives no -1 for a map of -9 with a -1 in row {row}, column {col}."
    if need == "level":
        level = trace(result, torch.full_like(x, 6)).output
        if not torch.allclose(level, torch.full_like(level, 6)):
            return f"{line} makes {level[(level - 6).abs() > 1e-6][0]:.4g} of a map of sixes in some place."
        if result.kind != "avg" or not made.reads.all():
            return f"{line} {'is no average.' if result.kind != 'avg' else 'leaves cells of the map unread.'}"
    if need in ("mean", "sum"):
        wanted, got = (getattr(t, need)().item() for t in (x, made.output))
        if abs(wanted - got) > 1e-6:
            return f"for a map with the {need} {wanted:.4g}, the output of {line} has the {need} {got:.4g}."
    return ""


def cases(random):
    yield from [(6, 3, "largest"), (6, 3, "level"), (6, 3, "mean"), (6, 3, "sum"), (7, 3, "largest"), (7, 3, "level")]
    yield from [(5, 5, "mean"), (8, 1, "sum"), (5, 4, "level"), (1, 1, "largest")]
    for need in ("largest", "level"):
        size = int(random.integers(7, 12))
        yield size, int(random.integers(2, 7)), need
    for need in ("mean", "sum"):
        out, times = map(int, random.integers(2, 5, 2))
        yield out * times, out, need


def tiles(size, out, need):
    """Right but for sizes that out does not divide."""
    if need == "largest":
        return nn.MaxPool2d(size // out)
    return nn.AvgPool2d(size // out, divisor_override=1 if need == "sum" else None)


def fitting(size, out, **settings):
    stride = size // out
    return {"kernel_size": size - (out - 1) * stride, "stride": stride, **settings}


class Mistakes:
    def tiles_only(size, out, need):
        """you lay windows side by side: where out does not divide size, rows are left over or windows are too many."""
        return tiles(size, out, need)

    def kernel_is_out(size, out, need):
        """you take the wanted size as kernel_size: a window of 2 gives 2 rows of 4, but not of 6."""
        if need == "largest":
            return nn.MaxPool2d(out)
        return nn.AvgPool2d(out, divisor_override=1 if need == "sum" else None)

    def always_average(size, out, need):
        """you never take the maximum: an average lies below the largest number, unless all are equal."""
        return nn.AvgPool2d(**fitting(size, out, divisor_override=1 if need == "sum" else None))

    def always_max(size, out, need):
        """you always take the maximum: it keeps neither the mean nor the sum, and of a window only one cell counts."""
        return nn.MaxPool2d(**fitting(size, out))

    def divided_sum(size, out, need):
        """you divide a sum by the number of cells: that is the average. A divisor_override of 1 leaves it alone."""
        return nn.MaxPool2d(**fitting(size, out)) if need == "largest" else nn.AvgPool2d(**fitting(size, out))

    def zero_divisor(size, out, need):
        """you switch the division off with divisor_override=0: torch refuses that. Dividing by 1 changes nothing."""
        if need == "largest":
            return nn.MaxPool2d(**fitting(size, out))
        return nn.AvgPool2d(**fitting(size, out, divisor_override=0 if need == "sum" else None))

    def padded_edges(size, out, need):
        """you pad to keep the edges: padding moves every window, and its zeros count in the averages."""
        if need == "largest":
            return nn.MaxPool2d(size // out, padding=size // out // 2)
        padding = size // out // 2
        return nn.AvgPool2d(size // out, padding=padding, divisor_override=1 if need == "sum" else None)
