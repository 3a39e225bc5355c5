"""What goes into the sandbox and what comes out of it: JSON on both ways, never pickles.

In go the arguments of cases, which come from us: `encode` and `decode` keep every type. Out come outcomes, which come
from a student: `outcomes` believes nothing and lets pass only what `plain` could have made.
"""

import json
import math
from typing import Any

import numpy as np
import torch

from ..exercises import Outcome
from ..exercises.plain import LARGEST
from ..maths.kinds.pooling import Pooling

STATES = ("value", "error", "todo", "torch")
ERROR, PRINTED, TEXT = 300, 2000, 2000  # characters that are kept of an error, of prints, of text that is returned
DEEPEST = 12  # lists in lists
POOLINGS = {"max": torch.nn.MaxPool2d, "avg": torch.nn.AvgPool2d}


# ---- In --------------------------------------------------------------------------------------------------------------


def encode(value):
    """An argument of a case as JSON can carry it.

    Raises:
        TypeError: there is no way for values of this type; exercises that are graded must do without.

    >>> encode((2, [0.5]))
    {'tuple': [2, [0.5]]}
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [encode(item) for item in value]
    if type(value) is tuple:
        return {"tuple": [encode(item) for item in value]}
    if type(value) is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, torch.Tensor):
        return {"tensor": encode(value.detach().numpy()), "requires_grad": value.requires_grad}
    if isinstance(value, (np.ndarray, np.generic)):
        return {"numpy": value.tolist(), "dtype": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, Pooling):
        return {"pooling": encode(vars(value))}
    if type(value) in POOLINGS.values():
        kind = next(kind for kind, layer in POOLINGS.items() if layer is type(value))
        return {"layer": kind, "settings": encode({key: getattr(value, key) for key in value.__constants__})}
    raise TypeError(f"a case holds {value!r}: there is no way into the sandbox for the type {type(value).__name__}.")


def decode(value):
    """The argument that `encode` was given."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(decode(value["tuple"]))
    if "dict" in value:
        return {decode(key): decode(item) for key, item in value["dict"]}
    if "tensor" in value:
        return torch.from_numpy(np.asarray(decode(value["tensor"]))).requires_grad_(value["requires_grad"])
    if "numpy" in value:
        array = np.array(value["numpy"], dtype=value["dtype"]).reshape(value["shape"])
        return array if value["shape"] else array[()]
    if "pooling" in value:
        return Pooling(**decode(value["pooling"]))
    return POOLINGS[value["layer"]](**decode(value["settings"]))


# ---- Out -------------------------------------------------------------------------------------------------------------


def outcomes(text: str, count: int) -> list[Outcome]:
    """The outcomes of `count` cases, read from what came out of the sandbox; [] where it holds none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(found, list) or len(found) != count:
        return []
    return [_outcome(item) for item in found]


def _outcome(item):
    if not (isinstance(item, list) and len(item) == 4 and item[0] in STATES):
        return Outcome("error", error="what came back cannot be read")
    state, value, error, printed = item
    return Outcome(state, safe(value), clean(error, ERROR), clean(printed, PRINTED))


def clean(text, length=TEXT) -> str:
    """Text of a student's: no longer than `length`, without characters that files and pages cannot hold."""
    kept = (text if isinstance(text, str) else "")[:length]
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in kept)


def safe(value, deep=0):
    """`value` where `plain` could have made it, else {"other": what it is not}.

    >>> safe({"array": [1, 2], "dtype": "int64", "shape": [3], "of": "numpy"})
    {'other': 'malformed array'}
    """
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else {"other": "int of more than 64 bits"}
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [safe(item, deep + 1) for item in value] if deep < DEEPEST else {"other": "list nested too deep"}
    if set(value) == {"array", "dtype", "shape", "of"}:
        return value if _is_array(**value) else {"other": "malformed array"}
    if set(value) == {"pooling"}:
        return value if _is_pooling(value["pooling"]) else {"other": "malformed pooling"}
    return {"other": clean(value.get("other"), 200)}


def _is_array(array, dtype, shape, of):
    """Whether nested lists are the numbers of that shape and type, and no more than can be looked at."""
    try:
        sized = isinstance(shape, list) and len(shape) <= DEEPEST and all(type(n) is int and n >= 0 for n in shape)
        named = isinstance(dtype, str) and len(dtype) < 12 and of in ("numpy", "torch")
        if not (sized and named and math.prod(shape) <= LARGEST):
            return False
        kind = np.dtype(dtype)
        return kind.kind in "biuf" and kind.itemsize <= 8 and np.array(array, dtype=kind).shape == tuple(shape)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False


def _is_pooling(settings):
    try:
        given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
        Pooling(**given)
    except Exception:  # whatever a forged setting leads to
        return False
    return True
