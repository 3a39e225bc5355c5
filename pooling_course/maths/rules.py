"""What torch's two pooling layers accept, checked before torch is called, each refusal one sentence.

The rules are those of torch 2.13: ATen/native/Pool.h for the order of the checks and the output size,
the two CPU kernels for dtypes, and `torch.nn.functional` for types.
"""

from numbers import Integral

import torch

LARGEST = 2**31 - 1  # torch narrows every setting to a 32-bit int, but for divisor_override

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def integer(name, value, largest=LARGEST) -> int:
    """`value` as an int, as torch takes it: ints, NumPy integers and 0-d integer tensors; never bool or float."""
    if isinstance(value, torch.Tensor) and value.ndim == 0 and not value.is_floating_point() and not value.is_meta:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}={value!r} is of type {type(value).__name__}: {name} takes whole numbers only.")
    if not -largest - 1 <= value <= largest:
        raise ValueError(f"{name}={value} is too large: torch takes at most {largest}.")
    return int(value)


def pair(name, value) -> tuple[int, int]:
    """An int or one or two of them in a tuple or list, as (height, width)."""
    if not isinstance(value, (tuple, list)):
        return (integer(name, value),) * 2
    if len(value) not in (1, 2):
        raise ValueError(f"{name}={value!r} has {len(value)} entries: give one int, or two as (height, width).")
    height, width = (integer(name, v) for v in (value * 2 if len(value) == 1 else value))
    return height, width


def flag(name, value) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name}={value!r} is of type {type(value).__name__}: {name} is True or False.")
    return value


def check_sliding(p):
    """Refuse sizes and steps that are too small; kernel_size first, as it is the default stride too."""
    for name, least in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
        if min(getattr(p, name)) < least:
            raise ValueError(f"{name}={short(getattr(p, name))}: {name} must be at least {least}.")


def check_padding(p):
    """Refuse more padding than torch's poolings take."""
    for axis, k, pad in zip(("height", "width"), p.kernel_size, p.padding, strict=True):
        if pad > k // 2:
            dilated = " (dilation does not raise the limit)" if max(p.dilation) > 1 else ""
            raise ValueError(
                f"padding={short(p.padding)} with kernel_size={short(p.kernel_size)}: in {axis}, padding may be "
                f"at most kernel_size // 2 = {k // 2}{dilated}; for more, pad first with torch.nn.functional.pad."
            )


def check_size(p, h, w):
    """Refuse an input size at which torch has no window to place, or one that would read no cell at all."""
    for axis, size, out in zip(("height", "width"), (h, w), p.raw_output_size(h, w), strict=True):
        i = axis == "width"
        reach = p.dilation[i] * (p.kernel_size[i] - 1) + 1
        if out < 1:
            raise ValueError(
                f"{p.code()} on an input of {h} x {w}: in {axis} one window reaches over {reach} cells, but there are "
                f"{size}{f' + 2 * {p.padding[i]} padding' if p.padding[i] else ''}; "
                f"take a smaller kernel_size{' or dilation' if p.dilation[i] > 1 else ''} or a larger input."
            )
        if p.shares == "winner" and p.padding[i] and p.dilation[i] > size and misses(p, i, size, out):
            raise ValueError(
                f"{p.code()} on an input of {h} x {w}: in {axis}, dilation={p.dilation[i]} is larger than the input "
                f"({size}) and padding={p.padding[i]}, so a window would read no cell at all, and torch's backward "
                f"pass would then write outside its memory; take dilation <= {size}, or padding=0."
            )


def misses(p, i, size, out):
    """Whether some window has no tap inside 0 .. size-1 along axis `i`."""
    taps = [j * p.dilation[i] - p.padding[i] for j in range(p.kernel_size[i])]
    return any(not any(0 <= o * p.stride[i] + t < size for t in taps) for o in range(out))


def check_input(x, accepted, layer, cast="x.float()"):
    """Refuse tensors of a rank, emptiness or dtype that a layer does not take, where torch pools with it."""
    shape = tuple(x.shape)
    if x.ndim not in (3, 4):
        raise ValueError(f"input of shape {shape} has {x.ndim} dimensions: give (H, W), (C, H, W) or (N, C, H, W).")
    if 0 in shape[-3:]:
        raise ValueError(f"input of shape {shape} is empty: only the batch N may be 0, not channels, height or width.")
    if x.dtype not in accepted:
        names = ", ".join(str(d).removeprefix("torch.") for d in accepted)
        raise TypeError(
            f"input of dtype {str(x.dtype).removeprefix('torch.')} on {x.device.type}: "
            f"{layer} takes {names} there; convert first, for example with {cast}."
        )


def check_index(name, value, size):
    value = integer(name, value)
    if not 0 <= value < size:
        raise ValueError(f"{name}={value} is outside the output: there are {size}, so 0 to {size - 1}.")
    return value


def short(value):
    """A pair as one int where both are equal."""
    return value[0] if isinstance(value, tuple) and value[0] == value[1] else value
