"""The one way in for data: whatever people pass, as a tensor that torch can pool, or a sentence that says what would.

Nothing here imports a package that the caller may not have: what is somebody's has imported it already.
"""

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence, Set
from numbers import Number
from typing import Any, NoReturn

import numpy as np
import torch

from .picture import as_image, is_image, table_of

DEEPEST = 8  # lists in lists
READERS = {  # of files that hold numbers
    ".npy": "np.load({0!r})",
    ".npz": "np.load({0!r})['name']",
    ".pt": "torch.load({0!r})",
    ".pth": "torch.load({0!r})",
    ".csv": "np.loadtxt({0!r}, delimiter=',')",
    ".txt": "np.loadtxt({0!r})",
    ".pkl": "pickle.load(open({0!r}, 'rb'))",
    ".json": "json.load(open({0!r}))",
}
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".avif", ".ico")


def as_tensor(x: Any, name: str = "input") -> torch.Tensor:
    """A plain tensor of x, without gradient: dense, with numbers of its own that torch can read.

    Tensors and arrays keep their dtype and, where torch can view them, their memory; nested lists become torch's
    default float; a picture, or the path of one, becomes what `images.as_image` makes of it.

    Args:
        x: a tensor; an array of any stride and byte order; nested lists of numbers, or lists of tensors of one shape;
            a table of pandas with columns of numbers; a Pillow image or the path of a picture; or (image, label).
        name: what x is called in a refusal.

    Raises:
        TypeError, ValueError: x has no numbers, or not as a table; the sentence says what would do.

    >>> as_tensor([[1, 2], [3, 4]])
    tensor([[1., 2.],
            [3., 4.]])
    >>> as_tensor(np.arange(4).reshape(2, 2)[::-1])
    tensor([[2, 3],
            [0, 1]])
    """
    if isinstance(x, torch.Tensor):
        return _of_tensor(x, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they are about is taken care of here
        return _tensor(x, name)


def as_input(x: Any) -> torch.Tensor:
    """As `as_tensor`, for what is to be pooled: maps that lie as (H, W), (C, H, W) or (N, C, H, W).

    Raises:
        TypeError, ValueError: as `as_tensor`, and where the channels stand last, told by the shape alone.

    >>> as_input(np.zeros((24, 24, 4)))
    Traceback (most recent call last):
    ValueError: input of shape (24, 24, 4) looks like (H, W, C), of which pooling would pool width and channels: pass \
torch.tensor(x).permute(2, 0, 1), or images.as_image(x) for a picture. If these are 24 channels of 24 x 4, pass one \
at a time, x[0].
    """
    found = as_tensor(x)
    which, x = ("x[0]", x[0]) if isinstance(x, (list, tuple)) and _is_labelled(x) else ("x", x)
    if not isinstance(x, AsItLies) and channels_last(tuple(found.shape), isinstance(x, torch.Tensor)):
        _refuse_channels_last(x, tuple(found.shape), which)
    return found


class AsItLies(torch.Tensor):
    """Maps that are to be pooled as they lie, though they look like pictures with their channels last."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]


def as_it_lies(x: torch.Tensor) -> AsItLies:
    """x, for `as_input` to take whatever its shape looks like: where the mistake itself is to be seen, for example.

    >>> as_input(as_it_lies(torch.zeros(9, 9, 3))).shape
    torch.Size([9, 9, 3])
    """
    return x.as_subclass(AsItLies)


def channels_last(shape: tuple[int, ...], of_torch: bool = False) -> bool:
    """Whether maps of this shape have their channels last, as pictures have in NumPy but not in torch.

    >>> channels_last((480, 640, 3)), channels_last((64, 4, 4)), channels_last((512, 7, 3), of_torch=True)
    (True, False, False)
    """
    if len(shape) not in (3, 4) or shape[-1] not in (1, 3, 4) or min(shape[-3:-1]) <= 4:
        return False
    if not of_torch:
        return True
    # A tensor has its channels first, unless the map would be a strange one and the picture is a likely one.
    low, high = sorted(shape[-3:-1])
    if shape[-1] == 1:  # sequences are pooled as maps of one column
        return low >= 16 and 3 * high <= 4 * low
    return high < 2 * low and low >= (16 if len(shape) == 4 else 5) or low >= 64


def smaller(x: torch.Tensor, most: int, channels: int | None = None) -> tuple[torch.Tensor, str]:
    """(x with at most `most` cells, what it is of the whole); where x is small enough, x and "".

    A picture, numbers in 0..1 or uint8 in one or three channels, becomes a smaller copy, each cell the mean of a block.
    Of other maps the first channels are taken, if they need not be `channels`, or the middle is cut out, so that their
    numbers stay what they are.

    Raises:
        ValueError: there are more channels than cells allowed.

    >>> smaller(torch.zeros(3, 40, 30), 300)[1], smaller(torch.full((40, 30), 7.0), 300)[1]
    ('a smaller copy of 3 x 40 x 30, each cell the mean of 4 x 4', 'the middle of 40 x 30')
    """
    if x.numel() <= most:
        return x, ""
    size, (h, w) = " x ".join(map(str, x.shape)), x.shape[-2:]
    needed, channels = channels, x.numel() // (h * w)
    if channels > 3 and needed is None and h * w <= most:
        some = most // (h * w)
        return x[:some].contiguous(), f"the first {some} channels of {size}"
    if channels > most:
        raise ValueError(f"input of shape {tuple(x.shape)} has too many channels to be shown: pass some, x[:64].")
    if channels in (1, 3) and (x.dtype == torch.uint8 or x.is_floating_point() and x.min() >= 0 and x.max() <= 1):
        block = 2
        while channels * -(-h // block) * -(-w // block) > most:
            block += 1
        found = torch.nn.functional.avg_pool2d(x.reshape(1, channels, h, w).double(), block, ceil_mode=True)
        found = found.reshape(*x.shape[:-2], *found.shape[-2:])
        found = (found if x.is_floating_point() else found.round()).to(x.dtype)
        return found, f"a smaller copy of {size}, each cell the mean of {block} x {block}"
    rows = min(h, max(1, int(h * (most / x.numel()) ** 0.5)))
    cols = min(w, most // (channels * rows))
    top, left = (h - rows) // 2, (w - cols) // 2
    return x[..., top : top + rows, left : left + cols].contiguous(), f"the middle of {size}"


def cast(x: Any) -> str:
    """The line that makes floats of what was passed: arrays are not cast as tensors are.

    >>> cast(torch.zeros(1)), cast(np.zeros(1))
    ('x.float()', 'x.astype("float32")')
    """
    if isinstance(x, (list, tuple)):
        return "x[0].float()" if _is_labelled(x) else "torch.stack(x).float()"
    if is_image(x):
        return 'x.convert("F")'
    return 'x.astype("float32")' if hasattr(x, "astype") else "x.float()"


def is_path(text: str) -> bool:
    """Whether text is the path of a file, by its ending or because it is there, and no other name.

    >>> is_path("cat.jpg"), is_path("worked")
    (True, False)
    """
    named = os.path.splitext(text)[1].lower() in (*PICTURES, *READERS) or "://" in text
    return named or os.path.isfile(os.path.expanduser(text))


def _tensor(x, name, deep=0):
    if isinstance(x, torch.Tensor):
        return _of_tensor(x, name)
    if is_image(x):
        table = table_of(x)
        return as_image(x) if table is None else torch.from_numpy(table)
    if isinstance(x, (str, os.PathLike)):
        return _of_path(x, name)
    if isinstance(x, (list, tuple)) and _is_labelled(x):
        return _tensor(x[0], name)
    if isinstance(x, (list, tuple, range)):
        return _of_list(x, name, deep)
    if isinstance(x, Number):
        return _complex(name) if isinstance(x, complex) else _of_number(x, name)
    if hasattr(x, "toarray") and hasattr(x, "nnz"):  # SciPy's
        raise TypeError(f"{name} is a sparse {type(x).__name__}, without the zeros: pass x.toarray().")
    if _is(x, "pandas", "DataFrame") or _is(x, "pandas", "Series"):
        return _of_pandas(x, name)
    if hasattr(x, "__array__") or isinstance(x, memoryview) or type(x).__module__ == "array":
        return _of_array(x, name)
    if hasattr(x, "__dlpack__"):
        return _of_tensor(_from_dlpack(x, name), name)
    _refuse(x, name)


def _of_number(x, name):
    try:
        return torch.tensor(float(x), dtype=torch.get_default_dtype())
    except Exception as error:  # too large, or of a class that is no number for torch
        raise TypeError(f"{name} of type {type(x).__name__} is no number for torch ({_line(error)}).") from None


def _from_dlpack(x, name):
    try:
        return torch.from_dlpack(x)
    except Exception as error:  # of whatever package it is
        kind = type(x).__name__
        raise TypeError(f"{name} of type {kind} gives no tensor ({_line(error)}): make one of it.") from None


# ---- tensors -----------------------------------------------------------------------------------------------------


def _of_tensor(x, name):
    with torch._C.DisableTorchFunctionSubclass():  # or a subclass would answer itself
        return _plain(x, name)


def _plain(x, name):
    kind = type(x).__name__
    if torch.nn.parameter.is_lazy(x):
        raise TypeError(f"{name} is an {kind} of a lazy layer: it has no numbers yet; run the model once first.")
    if x.is_nested:
        raise TypeError(f"{name} is a nested tensor, of parts with shapes of their own: pass one, x.unbind()[0].")
    if x.layout is not torch.strided:
        layout = str(x.layout).removeprefix("torch.").removeprefix("_").replace("_", " ")
        raise TypeError(f"{name} of layout {layout}: pooling takes dense tensors; pass x.to_dense().")
    if x.is_quantized:
        raise TypeError(f"{name} is quantized, {str(x.dtype).removeprefix('torch.')}: pass x.dequantize().")
    if x.is_meta or type(x).__name__ == "FakeTensor":
        raise TypeError(f"{name} of shape {tuple(x.shape)} on the meta device: it has no numbers to pool.")
    if type(x).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__ or _is_wrapped(x):
        raise TypeError(f"{name} is a {kind}, which stands for another tensor: pass the plain one that it was made of.")
    if x.is_complex():
        _complex(name)
    x = x.detach().as_subclass(torch.Tensor).resolve_neg()
    if x.numel() and not x.untyped_storage().nbytes():
        raise TypeError(f"{name} of shape {tuple(x.shape)} was freed: it has no numbers any more.")
    return x


def _is_wrapped(x):
    return torch._C._functorch.is_functorch_wrapped_tensor(x)


def _complex(name) -> NoReturn:
    raise TypeError(f"{name} is complex, and complex numbers have no maximum: pass x.abs(), x.real or x.imag.")


# ---- arrays and tables -------------------------------------------------------------------------------------------


def _of_array(x, name):
    if isinstance(x, np.ma.MaskedArray):
        if np.ma.is_masked(x):
            masked = int(np.ma.count_masked(x))
            raise TypeError(
                f"{name} is a masked array, {masked} of its {x.size} cells without a value: say what they hold, "
                f"x.filled(0) or x.filled(np.nan)."
            )
        x = x.data
    try:
        array = np.asarray(x)
    except Exception as error:  # of whatever package it is
        raise TypeError(f"{name} of type {type(x).__name__} gives no array ({_line(error)}): make one of it.") from None
    dtype, kind = array.dtype, array.dtype.kind
    if dtype.names:
        fields = ", ".join(map(repr, dtype.names[:5]))
        raise TypeError(f"{name} is a structured array with the fields {fields}: pass one, x[{dtype.names[0]!r}].")
    if kind == "c":
        raise TypeError(f"{name} is complex, and complex numbers have no maximum: pass np.abs(x), x.real or x.imag.")
    if kind == "O":
        raise TypeError(
            f"{name} is an array of objects ({_sorts(array)}): where all are numbers pass x.astype(float), and rows of "
            f"different lengths make no table."
        )
    if kind not in "biuf" or dtype.itemsize > 8 or dtype.itemsize == 1 and kind == "f":
        what = {"U": "text", "S": "text", "T": "text", "M": "dates", "m": "times"}.get(
            kind, f"{dtype}, unknown to torch"
        )
        raise TypeError(f'{name} is an array of {what}: where it can be read as numbers, pass x.astype("float64").')
    viewable = dtype.isnative and array.flags.writeable and array.flags.aligned
    if not viewable or any(step < 0 or step % dtype.itemsize for step in array.strides):
        array = np.array(array, dtype.newbyteorder("="), order="C", subok=False)
    return torch.from_numpy(array)


def _sorts(array):
    return ", ".join(sorted({type(item).__name__ for item in array.flat[:100].tolist()})[:3]) or "none"


def _of_pandas(x, name):
    if x.ndim == 1:
        raise ValueError(f"{name} is a Series of {len(x)}, one column: pass the table, or x.to_numpy().reshape(H, W).")
    odd = [column for column, dtype in x.dtypes.items() if getattr(dtype, "kind", "O") not in "biuf"]
    if odd:
        raise TypeError(
            f"{name} is a DataFrame whose column {odd[0]!r} holds no numbers ({x.dtypes[odd[0]]}): "
            f'pass x.select_dtypes("number").'
        )
    array = x.to_numpy()
    if array.dtype.kind == "O":  # dtypes that can do without a value, or numbers beside True and False
        if x.isna().to_numpy().any():
            raise TypeError(f'{name} is a DataFrame with cells without a value: pass x.astype("float64").fillna(0).')
        array = x.to_numpy("float64")
    return _of_array(array, name)


def _is(x, module, name):
    return module in sys.modules and isinstance(x, getattr(sys.modules[module], name, ()))


# ---- lists -------------------------------------------------------------------------------------------------------


def _is_labelled(x):
    """Whether x is an (image, label), as datasets give it."""
    if len(x) != 2 or not (is_image(x[0]) or getattr(x[0], "ndim", 0) >= 2):
        return False
    return isinstance(x[1], (Number, str, Mapping, type(None))) or getattr(x[1], "ndim", None) == 0


def _of_list(x, name, deep):
    if _batch(x):
        images, labels = (tuple(part.shape) for part in x)
        raise ValueError(
            f"{name} is a pair of {type(x[0]).__name__}s, {images} and {labels}, as a DataLoader gives images and "
            f"labels: pass the images, x[0]."
        )
    if deep > DEEPEST:
        raise TypeError(f"{name} is a list nested too deep: give one table of numbers.")
    first = x
    for _ in range(DEEPEST):
        if not isinstance(first, (list, tuple)) or not first:
            break
        first = first[0]
    tables = hasattr(first, "__array__") and bool(getattr(first, "ndim", 0)) or is_image(first)
    if not tables:
        return _of_numbers(x, name)
    parts = [_tensor(part, name, deep + 1) for part in x]
    shapes = list(dict.fromkeys(tuple(part.shape) for part in parts))
    if len(shapes) > 1:
        raise ValueError(
            f"{name} is a list of {len(parts)} tables with different shapes, {shapes[0]} and {shapes[1]}: "
            f"pass one at a time, x[0]."
        )
    dtypes = list(dict.fromkeys(str(part.dtype).removeprefix("torch.") for part in parts))
    if len(dtypes) > 1:  # such as an output and its indices
        raise TypeError(
            f"{name} is a list of {len(parts)} tables, of {dtypes[0]} and {dtypes[1]}: pass one at a time, x[0]."
        )
    return torch.stack(parts)


def _batch(x):
    shapes = [tuple(part.shape) for part in x if hasattr(part, "shape")]
    return len(x) == 2 == len(shapes) and len(shapes[0]) == 4 and shapes[1] == shapes[0][:1]


def _of_numbers(x, name):
    try:
        return torch.tensor(x, dtype=torch.get_default_dtype())
    except (TypeError, ValueError, RuntimeError, OverflowError, RecursionError) as error:
        odd = _odd_one(x)
        if odd is not None:
            why = f"it holds {odd}"
        elif "expected sequence of length" in str(error):
            why = "its rows have different lengths"
        else:
            why = _line(error)
        raise TypeError(
            f"{name} of type {type(x).__name__} is no table of numbers ({why}): give a tensor, array or lists."
        ) from None


def _odd_one(x, deep=0):
    """What in nested lists is no number, in words; None where nothing is."""
    if isinstance(x, (list, tuple)) and deep <= DEEPEST:
        return next((odd for item in x if (odd := _odd_one(item, deep + 1)) is not None), None)
    if isinstance(x, complex):
        return "complex numbers, which have no maximum"
    if isinstance(x, Number) or getattr(x, "ndim", None) == 0:
        return None
    return repr(x) if isinstance(x, (str, type(None))) else f"a {type(x).__name__}"


# ---- what is no table --------------------------------------------------------------------------------------------


def _of_path(path, name):
    text = os.fspath(path)
    text = text if isinstance(text, str) else os.fsdecode(text)
    suffix = os.path.splitext(text)[1].lower()
    if "://" in text:
        raise ValueError(f"{name}={text!r} is an address: download the picture first, then pass its path.")
    if suffix in READERS:
        raise TypeError(f"{name}={text!r} is a file of numbers, not a picture: pass {READERS[suffix].format(text)}.")
    if isinstance(path, str) and not is_path(path):
        also = ", the path of a picture, or images.preset(name)" if name == "input" else ""
        raise TypeError(f"{name} of type str is no table of numbers ({text!r}): give a tensor, array or lists{also}.")
    try:
        return as_image(text)
    except FileNotFoundError as error:
        raise ValueError(f"{name}: {error}") from None


def _refuse(x, name) -> NoReturn:
    """What is passed by mistake, and the line that would do."""
    kind, data = type(x).__name__, torch.utils.data
    if x is None:
        what, then = (
            f"{name} of type NoneType is no table of numbers",
            "did a function return nothing? Give a tensor, array or lists",
        )
    elif isinstance(x, torch.nn.Module):
        what, then = f"a layer, {kind}, stands where the {name} belongs", "swap the two"
    elif isinstance(x, data.DataLoader):
        what, then = f"{name} is a DataLoader", "take a batch of it, next(iter(x)), and pass its images"
    elif isinstance(x, data.Dataset):
        what, then = f"{name} is a dataset, {kind}", "pass one of its images, x[0][0]"
    elif isinstance(x, Mapping):
        keys = list(map(repr, x))
        what = f"{name} is a {kind} with the keys {', '.join(keys[:4]) or 'none'}"
        then = f"pass what belongs to one of them, x[{keys[0]}]" if keys else "give a tensor, array or lists"
    elif isinstance(x, (bytes, bytearray)):
        what, then = f"{name} is {len(x)} bytes", "open a picture with PIL.Image.open(io.BytesIO(x))"
    elif isinstance(x, (Iterator, Set)) or hasattr(x, "__iter__") and not isinstance(x, Sequence):
        what, then = f"{name} of type {kind} is no table of numbers", "make a list of it, list(x)"
    elif hasattr(x, "get_array"):
        what, then = f"{name} is what matplotlib drew, {kind}", "pass its numbers, x.get_array()"
    elif callable(x):
        what, then = f"{name} of type {kind} is no table of numbers", "call it, and pass what it returns"
    else:
        what, then = f"{name} of type {kind} is no table of numbers", "give a tensor, array or lists"
    raise TypeError(f"{what}: {then}.")


def _refuse_channels_last(x, shape, which) -> NoReturn:
    batch, (h, w, c) = len(shape) == 4, shape[-3:]
    axes = ", ".join("0312" if batch else "201")
    tensor = which if isinstance(x, torch.Tensor) else f"torch.tensor({which})"
    lines = f"pass {tensor}.permute({axes})" + ("" if batch else f", or images.as_image({which}) for a picture")
    one = f"If these are {h} channels of {w} x {c}, pass one at a time, {which}[{'0, ' * batch}0]."
    raise ValueError(
        f"input of shape {shape} looks like ({'N, ' * batch}H, W, C), of which pooling would pool width and channels: "
        f"{lines}. {one}"
    )


def _line(error):
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
