"""Inputs for the lessons: small maps to work through by hand, real digits, a real photo, and pictures of your own."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from .maths import rules
from .maths.device import usual
from .maths.picture import as_image as as_image

WORKED = torch.tensor(
    [
        [1, 3, 2, 4, 6, 8],
        [5, 6, 1, 2, 3, 7],
        [4, 2, 7, 8, 1, 0],
        [3, 5, 9, 4, 2, 1],
        [8, 7, 6, 3, 5, 2],
        [1, 0, 4, 7, 8, 9],
    ],
    dtype=torch.float32,
)
PHOTO_CROP = (42, 0, 490, 448)  # left, top, right, bottom: a square around the face


@usual()
def preset(name) -> torch.Tensor:
    """The input of that name, new at each call: float32, (H, W) for a map, (3, H, W) for a photo.

    Args:
        name: a key of `PRESETS`, which also holds a label for people.

    Raises:
        ValueError: there is no such preset; the message names those there are.

    >>> preset("edge")[0]
    tensor([0., 0., 0., 8., 8., 8.])
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}: use one of {', '.join(PRESETS)}.")
    return PRESETS[name][1]()


def photo(size=None, gray=False) -> torch.Tensor:
    """A real photo: Commodore Grace Hopper in front of a flag, in colour.

    Args:
        size: None for the whole photo, 600 x 512; else a square of size x size pixels around the face, 1 to 448.
            Each of its pixels is the mean of the block it stands for, which is average pooling where 448 divides.
        gray: one channel of luminance instead of red, green and blue.

    Returns:
        float32 (3, H, W), or (1, H, W) for gray, in 0..1: whole 255ths.

    Raises:
        TypeError, ValueError: size is no whole number, or outside 1 to 448.
        FileNotFoundError: this matplotlib was installed without its sample data.

    Source: `grace_hopper.jpg`, which matplotlib ships; an official photo of the U.S. Navy, in the public domain.

    >>> photo(128).shape, photo().shape, photo(32, gray=True).shape
    (torch.Size([3, 128, 128]), torch.Size([3, 600, 512]), torch.Size([1, 32, 32]))
    """
    if size is not None:
        size, largest = rules.integer("size", size), PHOTO_CROP[2] - PHOTO_CROP[0]
        if not 1 <= size <= largest:
            raise ValueError(f"size={size}: the square around the face has 1 to {largest} pixels; None is all of it.")
    return as_image(_photo_pixels(size, rules.flag("gray", gray)))


def digits(n=None, label=None) -> tuple[torch.Tensor, torch.Tensor]:
    """Real handwritten digits of 13 writers, in the order of the data set: (images, labels).

    Each image was 32 x 32 pixels of black or white; each value counts the black ones in a block of 4 x 4, so these
    digits are themselves the work of average pooling (times 16).

    Args:
        n: how many, from the first on; None for all (1797, or 174 to 183 of one label).
        label: a digit from 0 to 9 to take alone; None for every digit.

    Returns:
        images: float32 (n, 1, 8, 8), whole numbers from 0 (paper) to 16 (ink), as in the data set.
        labels: int64 (n,), 0 to 9.

    Raises:
        TypeError: n or label is no whole number.
        ValueError: label is not a digit, or there are fewer than n.

    Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, https://doi.org/10.24432/C50P49, CC BY 4.0: its test set, unchanged.

    >>> images, labels = digits(3)
    >>> images.shape, labels
    (torch.Size([3, 1, 8, 8]), tensor([0, 1, 2]))
    """
    images, labels = _digit_arrays()
    if label is not None:
        label = rules.integer("label", label)
        if not 0 <= label <= 9:
            raise ValueError(f"label={label} is not a digit: use 0 to 9, or None for every digit.")
        images, labels = images[labels == label], labels[labels == label]
    if n is not None:
        n = rules.integer("n", n)
        if not 0 <= n <= len(labels):
            which = "" if label is None else f" with label {label}"
            raise ValueError(f"n={n}: there are {len(labels)} digits{which}, so n is 0 to {len(labels)}.")
    images = torch.tensor(images[:n], dtype=torch.float32)
    return images.unsqueeze(1), torch.tensor(labels[:n], dtype=torch.int64)


@lru_cache(maxsize=16)
def _photo_pixels(size, gray):
    from matplotlib.cbook import get_sample_data
    from PIL import Image

    try:
        image = Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False))
    except FileNotFoundError:
        raise FileNotFoundError(
            "matplotlib was installed without its sample data, so the photo is missing: "
            "run pip install --force-reinstall --no-deps matplotlib, or use as_image on a photo of yours."
        ) from None
    with image:
        picture = image.convert("L" if gray else "RGB")
    if size is not None:
        picture = picture.resize((size, size), Image.Resampling.BOX, box=PHOTO_CROP)
    return np.asarray(picture)


@lru_cache(maxsize=1)
def _digit_arrays():
    with np.load(Path(__file__).parent / "data" / "digits.npz", allow_pickle=False) as data:
        return data["images"], data["labels"]


def _ramp():
    return torch.arange(36, dtype=torch.float32).reshape(6, 6)


def _checkerboard():
    return torch.arange(6).add(torch.arange(6)[:, None]).remainder(2).float()


def _edge():
    return torch.tensor([[0.0, 0, 0, 8, 8, 8]]).repeat(6, 1)  # in column 3, so that 2 x 2 windows straddle it


def _negative():
    return WORKED - 10


def _ties():
    # every 2 x 2 window has its maximum more than once
    rows = ["330014", "330042", "512766", "517206", "881193", "289939"]
    return torch.tensor([[float(digit) for digit in row] for row in rows])


def _peak():
    peak = torch.zeros(6, 6)
    peak[2, 2] = 8
    return peak


def _odd():
    rows = ["2071356", "8134609", "5629073", "1740852", "3956184"]
    return torch.tensor([[float(digit) for digit in row] for row in rows])


PRESETS = {
    "worked": ("Worked example, 6 × 6", WORKED.clone),
    "ramp": ("Ramp, 6 × 6", _ramp),
    "checkerboard": ("Checkerboard, 6 × 6", _checkerboard),
    "edge": ("Vertical edge, 6 × 6", _edge),
    "peak": ("Lone peak, 6 × 6", _peak),
    "negative": ("All negative, 6 × 6", _negative),
    "ties": ("A tie in every window, 6 × 6", _ties),
    "odd": ("Odd size, 5 × 7", _odd),
    "digit": ("Handwritten digit, 8 × 8", lambda: digits(1)[0][0, 0]),
    "photo": ("Photo, 3 × 128 × 128", lambda: photo(128)),
}
