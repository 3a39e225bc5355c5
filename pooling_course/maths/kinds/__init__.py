"""The kinds of pooling that can be shown as windows with shares. Each has a file here, which is all that names it."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from .. import layers
from ..windows import KINDS, Windows, layer_name
from .pooling import Pooling, check_kind

for _found in iter_modules(__path__):
    import_module(f".{_found.name}", __name__)


def settings_of(layer: Any, runs: bool = False) -> Windows:
    """The settings of a layer: those of a Pooling, or of one of its relatives.

    Args:
        runs: whether the caller runs the layer on an input and compares; if not, one with a forward or hooks of its
            own is refused, as it may compute something else than its settings say.

    Raises:
        TypeError: a layer that has no windows and shares.
        ValueError: one that cannot be shown as windows with shares.

    >>> from torch import nn
    >>> settings_of(nn.AdaptiveAvgPool2d(3))
    nn.AdaptiveAvgPool2d(output_size=3)
    """
    if isinstance(layer, Windows):
        return layer
    for kind in KINDS.values():
        if any(isinstance(layer, of_torch) for of_torch in kind.LAYERS.values()):
            return layers.settings(layer, kind.of, runs)
    first, *relatives = (" or ".join(map(layer_name, of.OWN)) for of in sorted({*KINDS.values()}, key=_poolings_first))
    layers.refuse(layer, f"{first}, or one of their relatives: {', '.join(relatives)}")


def _poolings_first(kind: type[Windows]) -> tuple[bool, str]:
    return kind is not Pooling, kind.__name__


def made(settings: dict[str, Any]) -> Windows:
    """The pooling that the explorer's traits stand for, without what belongs to other kinds.

    >>> made({"kind": "adaptive max", "output_size": 3, "stride": 2})
    nn.AdaptiveMaxPool2d(output_size=3)
    """
    kind = settings["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        check_kind(kind)
    return KINDS[kind].made(kind, settings)


def from_key(name: str, lender: Windows | None = None) -> Windows:
    """The pooling that a key stands for; `lender` has what the key leaves out, such as the weights of a convolution.

    >>> from_key("avg 3 3 1 1 0 0 0 1 -")
    nn.AvgPool2d(kernel_size=3, stride=1)
    """
    word, *numbers = name.split()
    kind = word.replace("-", " ")
    return KINDS[kind].from_key(kind, numbers, lender)
