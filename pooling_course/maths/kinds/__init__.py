"""The kinds of pooling that can be shown as windows with shares; one file each.

Adaptive pooling finds its windows from the output size. LP pooling gives larger values larger shares. A depthwise
convolution has learned its shares: the same in each window, but not the same for each cell.
"""

import torch

from ..windows import Windows
from .adaptive import Adaptive
from .depthwise import Depthwise
from .lp import LP
from .pooling import Pooling


def settings_of(layer) -> Windows:
    """The settings of a layer: a Pooling, or one of its relatives.

    Raises:
        TypeError: a layer that has no windows and shares.

    >>> settings_of(torch.nn.AdaptiveAvgPool2d(3))
    nn.AdaptiveAvgPool2d(output_size=3)
    """
    if isinstance(layer, Windows):
        return layer
    if isinstance(layer, (torch.nn.MaxPool2d, torch.nn.AvgPool2d)):
        return Pooling.of(layer)
    return relative_of(layer)


def relative_of(layer) -> Windows:
    """The settings of an adaptive or LP pooling or a depthwise convolution.

    Raises:
        TypeError, ValueError: another layer, or one that cannot be shown as windows with shares.

    >>> relative_of(torch.nn.LPPool2d(2, 3, stride=1))
    nn.LPPool2d(norm_type=2, kernel_size=3, stride=1)
    """
    nn = torch.nn
    if isinstance(layer, nn.AdaptiveMaxPool2d):
        return Adaptive("adaptive max", layer.output_size)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return Adaptive("adaptive avg", layer.output_size)
    if isinstance(layer, nn.LPPool2d):
        return LP(layer.norm_type, layer.kernel_size, layer.stride, layer.ceil_mode)
    if isinstance(layer, nn.LazyConv2d):
        raise ValueError("nn.LazyConv2d has no weights yet: run it on an input once, and it can be shown.")
    if isinstance(layer, nn.Conv2d):
        return Depthwise.of(layer)
    if isinstance(layer, type):
        raise TypeError(f"{layer.__name__} is a class, no layer yet: make one with it, such as nn.MaxPool2d(2).")
    if isinstance(layer, torch.Tensor):
        raise TypeError("A tensor stands where the pooling belongs: the input comes first, then the pooling.")
    raise TypeError(
        f"{type(layer).__name__} is not a 2-D pooling: give a Pooling, nn.MaxPool2d or nn.AvgPool2d, or one of their "
        f"relatives: nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d, nn.LPPool2d, a depthwise nn.Conv2d."
    )
