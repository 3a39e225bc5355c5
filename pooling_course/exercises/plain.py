"""Results as plain data: what can be compared, shown, and sent from a sandbox to the judge as JSON."""

import dataclasses
from typing import Any

import numpy as np
import torch

from ..maths.data import as_tensor
from ..maths.kinds.pooling import Pooling
from ..maths.words import number

LARGEST = 100_000  # numbers in one result; more are not looked at
DEEPEST = 12  # lists in lists
WRONG = ", which is not right"
TOLERANCE = 1e-5  # relative to the wanted value, at least absolute; answers in float32 pass


def plain(value):
    """`value` as numbers, text, lists and dicts only.

    Arrays and tensors become {"array": nested lists, "dtype", "shape", "of": "numpy" or "torch"}, a pooling layer
    {"pooling": its settings}, and what has no plain form {"other": the name of its type}.

    >>> plain((1, np.float32(0.5)))
    [1, 0.5]
    >>> plain(torch.nn.MaxPool2d(2))["pooling"]["kernel_size"]
    [2, 2]
    """
    try:
        return _plain(value, iter(range(LARGEST)), 0)
    except StopIteration:
        return {"other": f"list of more than {LARGEST:,} items"}


def _plain(value, budget, deep):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) or isinstance(value, np.generic) and value.dtype.kind in "iu":
        value = int(value)  # no subclass with an __eq__ of its own
        return value if -(2**63) <= value < 2**63 else {"other": "int of more than 64 bits"}
    if isinstance(value, float) or isinstance(value, np.generic) and value.dtype.kind == "f":
        return float(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return _array(value)
    if isinstance(value, Pooling | torch.nn.MaxPool2d | torch.nn.AvgPool2d):
        return _pooling(value)
    if isinstance(value, (tuple, list)):
        return _list(value, budget, deep) if deep < DEEPEST else {"other": "list nested too deep"}
    if isinstance(value, type):
        return {"other": f"class {value.__name__}, not a layer made with it: write {value.__name__}(...)"}
    return {"other": type(value).__name__}


def _list(value, budget, deep):
    found = []
    for item in value:
        next(budget)  # raises StopIteration where there are too many
        found.append(_plain(item, budget, deep + 1))
    return found


def _array(value):
    of = "torch" if isinstance(value, torch.Tensor) else "numpy"
    try:
        array = as_tensor(value).cpu().numpy() if of == "torch" or np.ma.is_masked(value) else np.asarray(value)
    except (RuntimeError, TypeError, ValueError):  # a sparse, quantised or bfloat16 tensor, or a masked array
        return {"other": f"{type(value).__name__} of {getattr(value, 'dtype', 'unknown type')}"}
    if array.dtype.kind not in "biuf" or array.size > LARGEST:
        return {"other": f"array of {array.size:,} values of type {array.dtype}"}
    if array.dtype == np.longdouble:
        array = array.astype(float)  # JSON has no more digits
    return {"array": array.tolist(), "dtype": str(array.dtype), "shape": list(array.shape), "of": of}


def _pooling(value):
    try:
        settings = dataclasses.asdict(Pooling.of(value))
    except (TypeError, ValueError) as error:
        return {"other": f"{type(value).__name__} that torch would refuse ({error})"}
    return {"pooling": {key: list(v) if isinstance(v, tuple) else v for key, v in settings.items()}}


def rich(value):
    """The value that `plain` was given, as nearly as its form allows; what has no plain form stays as it is."""
    if isinstance(value, list):
        return [rich(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        array = np.array(value["array"], dtype=value["dtype"]).reshape(value["shape"])
        return torch.from_numpy(array) if value["of"] == "torch" else array
    if "pooling" in value:
        settings: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in value["pooling"].items()}
        return Pooling(**settings)
    return value


def as_array(value):
    """A plain number, array or even nesting of numbers as a NumPy array; None for anything else."""
    if isinstance(value, dict):
        return np.array(value["array"], dtype=value["dtype"]).reshape(value["shape"]) if "array" in value else None
    if isinstance(value, list) and all(isinstance(item, (int, float)) for item in value):
        return np.array(value, dtype=None if value else float)
    if isinstance(value, list):
        parts = [as_array(item) for item in value]
        if any(part is None for part in parts) or len({part.shape for part in parts}) > 1:
            return None
        return np.stack(parts)
    return np.array(value) if isinstance(value, (bool, int, float)) else None


def written(value):
    """A plain result as people write it down: lists, and whole numbers without their .0.

    >>> written(plain(np.array([[2.0, -0.5]])))
    [[2, -0.5]]
    """
    if isinstance(value, dict) and "array" in value:
        value = value["array"]
    if isinstance(value, list):
        return [written(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def differs(wanted, got, tell=True) -> str:
    """What is wrong with a plain result: its kind, its shape or a value; "" where nothing is.

    Unless `tell`, it is not said which value would be right.

    >>> differs(plain(4), plain(3))
    'it gives 3 instead of 4.'
    >>> differs(plain(4), plain(4.0))
    'it gives the float 4.0 instead of the whole number 4, an int.'
    """
    if _very_same(wanted, got):
        return ""
    if got is None and wanted is not None:
        return "it returns nothing: is there a return?"
    right, given = as_array(wanted), as_array(got)
    if right is None and isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        said = ((i, differs(*pair, tell)) for i, pair in enumerate(zip(wanted, got, strict=True), 1))
        return next((f"in part {i} of what it returns, {sentence}" for i, sentence in said if sentence), "")
    if right is None:
        return "" if wanted == got else f"it returns {brief(got)}{f' instead of {brief(wanted)}' if tell else WRONG}."
    if given is None:
        return f"it returns {kind(got)} instead of {kind(wanted)}."
    if given.shape != right.shape:
        return f"it returns {kind(got)} instead of {kind(wanted)}."
    if right.dtype.kind != "b" and holds_truth(got):  # Python counts True as 1, and a mask is no answer
        if right.ndim:
            return "it gives True or False instead of numbers."
        return f"it gives {bool(given)} instead of {f'the number {number(right.item())}' if tell else 'a number'}."
    if right.dtype.kind in "iu" and given.dtype.kind == "f" and given.size:
        if given.ndim:
            return "it returns floats instead of whole numbers, ints."
        whole = f"the whole number {right}" if tell else "a whole number"
        return f"it gives the float {float(given)!r} instead of {whole}, an int."
    wrong = unequal(right, given)
    if not wrong.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = f"at {list(at)} " if at else ""
    right_there = f" instead of {number(right[at].item())}" if tell else WRONG
    return f"{where}it gives {number(given[at].item())}{right_there}."


def _very_same(wanted, got):
    """Whether both hold the same numbers of the same kinds, as nearly all answers do: no array need be made of them."""
    left, right = repr(_bare(wanted)), repr(_bare(got))
    return left == right and "[]" not in left  # what is empty has more to its shape than its lists


def _bare(value):
    return value["array"] if isinstance(value, dict) and "array" in value else value


def holds_truth(value) -> bool:
    """Whether there is a True or False in a plain result."""
    if isinstance(value, dict):
        return value.get("dtype") == "bool"
    return isinstance(value, bool) or isinstance(value, list) and any(map(holds_truth, value))


def unequal(right, given):
    """Where two arrays of one shape differ; NaN equals NaN, and an infinity itself."""
    right, given = np.asarray(right, dtype=float), np.asarray(given, dtype=float)
    with np.errstate(invalid="ignore"):
        apart = np.abs(given - right) > TOLERANCE * np.maximum(np.abs(right), 1)
    infinite = np.isinf(right) | np.isinf(given)
    return np.where(infinite, right != given, apart) | (np.isnan(right) != np.isnan(given))


def alike(a, b) -> bool:
    """Whether two plain results are the same answer, in shape and values; 2 and 2.0 are."""
    left, right = as_array(a), as_array(b)
    if left is None and right is None and isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    if left is None or right is None:
        return left is None and right is None and a == b
    return left.shape == right.shape and not unequal(left, right).any()


def kind(value) -> str:
    """What sort of thing a plain result is, in words."""
    array = as_array(value)
    if array is not None and array.ndim:
        return _row(len(array), value) if array.ndim == 1 else f"an array of shape {array.shape}"
    if array is not None:
        return "True or False" if array.dtype.kind == "b" else "one number"
    if value is None:
        return "None"
    if isinstance(value, dict):
        return "a pooling" if "pooling" in value else _other(value.get("other", "dict"))
    return "text" if isinstance(value, str) else "a list of unlike things"


def _row(count, value):
    what = "a list" if isinstance(value, list) else "an array"
    return f"{what} of {count} number{'' if count == 1 else 's'}" if count else f"an empty {what.split()[1]}"


def _other(what):
    """The name of a type, or some words about a value."""
    article = "an" if what[:1].lower() in set("aeiou") else "a"
    return f"{article} {what}" if " " in what else f"something of type {what}"


def brief(value) -> str:
    """A plain value on one line, cut where it is long."""
    array = as_array(value)
    if array is not None and array.size <= 24:
        return _nested(array) if array.ndim else _single(array.item())
    text = repr(rich(value)) if array is None else kind(value)
    return text if len(text) <= 100 else f"{text[:99]}…"


def _nested(array):
    if array.ndim == 0:
        return _single(array.item())
    return f"[{', '.join(_nested(part) for part in array)}]"


def _single(value):
    return str(value) if isinstance(value, bool) else number(value)
