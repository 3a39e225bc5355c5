"""The U-Net skip that does not fit."""

import torch
import torch.nn.functional as F
from torch import nn

LESSON = "06"
LEVEL = "gaps"
RULE = "any"
TASK = """
A U-Net pools a map, works on the smaller one, enlarges it again, and joins the result to the map from before the
pooling: the skip. With an odd size that fails. 143 rows are pooled to 71, these become 142, and `torch.cat` refuses to
join 142 rows to 143.

`encoder` is the map from before an `nn.MaxPool2d(2)`, of shape `(N, C1, H, W)`. `decoder` has what came of the pooled
one, of shape `(N, C2, H // 2, W // 2)`. The function below enlarges `decoder` so that each of its cells lies over the
four that it came from. Make it fit: fill up with **zeros** what the pooling left out, which is the last row if `H` is
odd, and the last column if `W` is odd. Everything else stays where it is, and even sizes need nothing.
"""
OWN = """
These two maps are yours alone. What must `unet_skip` make of them? Write it down as nested lists, each channel row by
row: `return [[[[1, 2], [3, 4]], [[9, 9], [9, 9]]]]` has the shape (1, 2, 2, 2).
"""
HINTS = (
    "Print the shapes of encoder and up, for an encoder of 5 × 7. How many rows are missing, and at which end?",
    "encoder.shape[2] - up.shape[2] rows are missing at the bottom, and columns at the right in the same way. "
    "nn.functional.pad takes (left, right, top, bottom): the columns come first.",
)


def unet_skip(encoder, decoder):
    """Both maps joined, a tensor of shape (N, C1 + C2, H, W)."""
    up = nn.functional.interpolate(decoder, scale_factor=2)  # each cell becomes 2 x 2
    ### BEGIN SOLUTION
    rows = encoder.shape[2] - up.shape[2]
    cols = encoder.shape[3] - up.shape[3]
    up = nn.functional.pad(up, (0, cols, 0, rows))
    ### END SOLUTION
    return torch.cat([encoder, up], dim=1)


def truth(encoder, decoder):
    filled = torch.zeros(*decoder.shape[:2], *encoder.shape[2:])
    for channel in range(decoder.shape[1]):  # a cell of a map twice as fine is named by halving its row and column
        for row in range(decoder.shape[2] * 2):
            for col in range(decoder.shape[3] * 2):
                filled[:, channel, row, col] = decoder[:, channel, row // 2, col // 2]
    return torch.cat([encoder, filled], 1)


def cases(random):
    yield torch.arange(4.0).reshape(1, 1, 2, 2), torch.tensor([[[[9.0]]]])
    yield torch.arange(9.0).reshape(1, 1, 3, 3), torch.tensor([[[[9.0]]]])
    for shape, channels in [
        ((1, 1, 5, 4), 1),
        ((1, 1, 4, 5), 1),
        ((1, 2, 5, 7), 1),
        ((2, 1, 3, 5), 2),
        ((1, 1, 2, 6), 2),
    ]:
        yield maps(random, shape, channels)
    for _ in range(5):
        n, c1, c2, height, width = map(int, random.integers((1, 1, 1, 2, 2), (2, 3, 3, 8, 8)))
        yield maps(random, (n, c1, height, width), c2)


def own(random):
    """One of rows and columns is odd."""
    encoder, decoder = maps(random, (1, 1, 5, 2), 1)
    turned = bool(random.integers(2))
    yield tuple(x.transpose(2, 3).contiguous() if turned else x for x in (encoder, decoder))


def maps(random, shape, channels):
    small = (shape[0], channels, shape[2] // 2, shape[3] // 2)
    return tuple(torch.from_numpy(random.integers(1, 10, size)).float() for size in (shape, small))


def doubled(decoder):
    return F.interpolate(decoder, scale_factor=2)


def missing(encoder, decoder):
    return encoder.shape[2] - 2 * decoder.shape[2], encoder.shape[3] - 2 * decoder.shape[3]


class Mistakes:
    def as_it_was(encoder, decoder):
        """you leave the sizes as they are: an odd size comes back one short, since its last row was never pooled."""
        return torch.cat([encoder, doubled(decoder)], 1)

    def rows_first(encoder, decoder):
        """you give F.pad the rows first: it starts with the last dimension, (left, right, top, bottom)."""
        rows, cols = missing(encoder, decoder)
        return torch.cat([encoder, F.pad(doubled(decoder), (0, rows, 0, cols))], 1)

    def at_the_top(encoder, decoder):
        """you pad at the top and left: the pooling left out the last row and column, so every cell slips by one."""
        rows, cols = missing(encoder, decoder)
        return torch.cat([encoder, F.pad(doubled(decoder), (cols, 0, rows, 0))], 1)

    def cropped(encoder, decoder):
        """you cut the encoder's map down to size: it fits, but loses the last row and column for good."""
        up = doubled(decoder)
        return torch.cat([encoder[:, :, : up.shape[2], : up.shape[3]], up], 1)

    def stretched(encoder, decoder):
        """you stretch the small map to the size of the large one: that fits, but here each cell stays over its four."""
        return torch.cat([encoder, F.interpolate(decoder, size=encoder.shape[2:])], 1)

    def repeated(encoder, decoder):
        """you repeat the last row and column: here zeros are wanted, where nothing was pooled."""
        rows, cols = missing(encoder, decoder)
        return torch.cat([encoder, F.pad(doubled(decoder), (0, cols, 0, rows), mode="replicate")], 1)

    def always_one(encoder, decoder):
        """you always add a row and a column: even sizes need none."""
        return torch.cat([encoder, F.pad(doubled(decoder), (0, 1, 0, 1))], 1)

    def decoder_first(encoder, decoder):
        """you join them in the other order: the channels of encoder come first."""
        rows, cols = missing(encoder, decoder)
        return torch.cat([F.pad(doubled(decoder), (0, cols, 0, rows)), encoder], 1)
