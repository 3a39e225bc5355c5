"""Pictures as tensors: files, Pillow images and arrays, in whatever mode they are stored."""

import os
import sys
import warnings
from typing import Any

import numpy as np
import torch

GREY = ("1", "L", "LA", "La", "I", "F")  # and I;16 in its byte orders
SEE_THROUGH = ("LA", "La", "PA", "RGBA", "RGBa")
WHITE = {"?": 1, "B": 255, "H": 65_535}  # by the code of the dtype


def is_image(x: Any) -> bool:
    """Whether x is a Pillow image; without importing Pillow, as nobody has one who has not."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(x, pillow.Image)


def as_image(source: Any) -> torch.Tensor:
    """A picture of your own as a tensor that pooling takes.

    Args:
        source: a path to an image file, a Pillow image of any mode, or an array of shape (H, W) or (H, W, C) with 1,
            3 or 4 channels: uint8, uint16 or bool, or floats in 0..1. Transparent parts are laid on white, a photo is
            turned upright as its camera recorded, and of an animation the frame that it stands at is taken, which is
            the first of a file.

    Returns:
        float32 (3, H, W), or (1, H, W) for a grey picture, in 0..1: whole 255ths where it had 8 bits a channel.

    Raises:
        FileNotFoundError: no file lies at that path.
        TypeError: source is of another type, or an array of one.
        ValueError: the file is no image, the array has another shape, or numbers that are no brightness.

    >>> as_image(np.full((2, 2, 3), 255, dtype=np.uint8)).shape
    torch.Size([3, 2, 2])
    """
    if isinstance(source, (str, os.PathLike)):
        with _opened(source) as image:
            return as_image(image)
    if not is_image(source):
        source = _pixels(source)
        if source.dtype != np.uint8:
            return _unit(_on_white(source))
        from PIL import Image

        source = Image.fromarray(source)
    image = _upright(source)
    if image.mode[0] in "IF":
        white = 65_535 if image.mode.startswith("I;16") else 1
        return _unit(_within(np.asarray(image, np.float32) / white, f"the image has mode {image.mode!r}, and its"))
    grey = image.mode in GREY
    if image.mode in SEE_THROUGH or "transparency" in image.info:
        from PIL import Image

        straight = {"La": "LA", "PA": "RGBA"}.get(image.mode, image.mode)  # each to what Pillow turns into RGBA
        image = image.convert(straight).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = _from_lab(image) if image.mode == "LAB" else image.convert("RGB")
    return _unit(np.asarray(image.convert("L") if grey else image, np.float32) / 255)


def table_of(image: Any) -> np.ndarray | None:
    """The numbers of a Pillow image that stores numbers, modes I and F, and no colours; None of the others."""
    return np.array(_upright(image)) if image.mode in ("I", "F") else None


def _upright(image):
    from PIL import ImageOps

    if 0 in image.size:
        raise ValueError(f"the image is empty, {image.size[0]} x {image.size[1]} pixels: give one with pixels.")
    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:  # one plugin of Pillow raises this, another that
        raise ValueError(f"the image cannot be read ({_first_line(error)}): give another file.") from None


def _from_lab(image):
    from PIL import ImageCms

    lab, srgb = (ImageCms.createProfile(name) for name in ("LAB", "sRGB"))
    return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")


def _opened(path):
    from PIL import Image

    name = os.fspath(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # twice as large is refused
            return Image.open(os.path.expanduser(path))
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {name!r}: check the name and the folder.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        why = "a folder" if os.path.isdir(path) else "no image that Pillow can read"
        why = f"too large ({error})" if isinstance(error, Image.DecompressionBombError) else why
        raise ValueError(f"{name!r} is {why}: give a PNG or JPEG file.") from None


def _pixels(source):
    """An array of pixels: uint8 as it is, others as float32 in 0..1."""
    if not hasattr(source, "__array__"):
        raise TypeError(
            f"{type(source).__name__} is no image: give a path, a Pillow image or an array (height, width, channels)."
        )
    array = np.asarray(source.detach().cpu().resolve_neg() if isinstance(source, torch.Tensor) else source)
    white = WHITE.get(array.dtype.char)
    if white is None and array.dtype.kind != "f":
        raise TypeError(
            f"the array is {array.dtype}: an image array holds uint8, 0 to 255, uint16, bool, or floats from 0 to 1; "
            f'where these are 0 to 255, pass x.astype("uint8").'
        )
    if array.ndim not in (2, 3) or array.ndim == 3 and array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ValueError(
            f"array of shape {array.shape}: an image array is (height, width) or (height, width, channels) "
            f"with 1, 3 or 4 channels."
        )
    array = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    return _within(array, "the array's") if white is None else array.astype(np.float32) / white


def _within(array, whose):
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"{whose} values run from {low:g} to {high:g}, and a brightness from 0 to 1: divide by the largest, or "
            f"pass the numbers themselves, np.asarray(x), to trace or an explorer."
        )
    return array.astype(np.float32)


def _on_white(pixels):
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    alpha = pixels[..., 3:]
    return np.round((pixels[..., :3] * alpha + 1 - alpha) * 255) / np.float32(255)


def _unit(pixels) -> torch.Tensor:
    """(H, W) or (H, W, C) in 0..1 to float32 (C, H, W), in memory of its own."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return torch.tensor(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
