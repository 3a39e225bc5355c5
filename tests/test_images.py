"""The inputs of the lessons: are they what they say, and do wrong ones get a sentence?"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from pooling_course import images
from pooling_course.images import PRESETS, WORKED, as_image, digits, photo, preset

SHAPES = {
    "worked": (6, 6),
    "ramp": (6, 6),
    "checkerboard": (6, 6),
    "edge": (6, 6),
    "peak": (6, 6),
    "negative": (6, 6),
    "ties": (6, 6),
    "odd": (5, 7),
    "digit": (8, 8),
    "photo": (3, 128, 128),
}


def sentence(error):
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text and 20 < len(text) < 250, text
    return text


@pytest.mark.slow
def test_does_importing_leave_matplotlib_alone():
    code = (
        "import sys, pooling_course.images as i, pooling_course.pictures.figures;"
        "i.digits(2); i.preset('ties'); print([m for m in ('matplotlib', 'PIL') if m in sys.modules])"
    )
    root = Path(images.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_does_a_photo_leave_pyplot_alone():
    code = "import sys, pooling_course.images as i; i.photo(8); print('matplotlib.pyplot' in sys.modules)"
    root = Path(images.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "False"


def test_is_the_worked_map_the_one_of_the_course():
    assert WORKED.dtype == torch.float32
    assert WORKED.int().flatten().tolist() == [int(d) for d in "132468561237427810359421876352104789"]
    assert F.max_pool2d(WORKED[None], 2)[0].tolist() == [[6, 4, 8], [5, 9, 2], [8, 7, 9]]
    assert F.avg_pool2d(WORKED[None], 2)[0].tolist() == [[3.75, 2.25, 6], [3.5, 7, 1], [4, 5, 6]]


@pytest.mark.parametrize("name", PRESETS)
def test_has_each_preset_the_shape_that_its_label_says(name):
    x, label = preset(name), PRESETS[name][0]
    assert tuple(x.shape) == SHAPES[name]
    assert x.dtype == torch.float32 and x.isfinite().all() and x.is_contiguous()
    if "×" in label:
        assert tuple(map(int, re.findall(r"\d+", label))) == tuple(x.shape)


@pytest.mark.parametrize("name", PRESETS)
def test_can_a_preset_be_changed_without_changing_the_next(name):
    kept = preset(name).clone()
    preset(name).fill_(-77)
    assert preset(name).equal(kept)
    assert WORKED[0, 0] == 1


def test_are_the_presets_what_their_labels_promise():
    assert preset("worked").equal(WORKED)
    assert preset("negative").max() < 0
    board = preset("checkerboard")
    assert (board[1:] != board[:-1]).all() and (board[:, 1:] != board[:, :-1]).all()
    assert preset("ramp").flatten().diff().unique().tolist() == [1]
    assert (preset("edge").diff(dim=0) == 0).all() and (preset("edge").diff(dim=1) != 0).any(dim=0).sum() == 1
    straddling = F.avg_pool2d(preset("edge")[None], 2)[0, 0]
    assert straddling.tolist() == [0, 4, 8]
    assert preset("peak").count_nonzero() == 1
    assert all(size % 2 for size in preset("odd").shape)
    windows = F.unfold(preset("ties")[None, None], 2, stride=2)[0]
    assert ((windows == windows.amax(0)).sum(0) > 1).all()
    assert preset("digit").equal(digits(1)[0][0, 0])
    assert preset("photo").equal(photo(128))


@pytest.mark.parametrize("name", ["ramps", "", None, 3, ["worked"]])
def test_does_an_unknown_preset_name_those_there_are(name):
    with pytest.raises(ValueError) as error:
        preset(name)
    assert all(known in sentence(error) for known in PRESETS) and repr(name) in str(error.value)


def test_are_the_digits_the_test_set_of_the_data_set():
    x, y = digits()
    assert x.shape == (1797, 1, 8, 8) and x.dtype == torch.float32 and x.min() == 0 and x.max() == 16
    assert y.shape == (1797,) and y.dtype == torch.int64
    # the counts that the UCI page states for its testing set
    assert y.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    read = hashlib.sha256(x.to(torch.uint8).numpy().tobytes() + y.to(torch.uint8).numpy().tobytes()).hexdigest()
    assert read == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def test_is_the_digits_file_small_and_free_of_pickles():
    path = Path(images.__file__).parent / "data" / "digits.npz"
    assert path.stat().st_size < 80_000
    with np.load(path, allow_pickle=False) as data:
        assert {name: data[name].dtype for name in data} == {"images": np.uint8, "labels": np.uint8}


def test_do_digits_come_in_order_and_by_label():
    x, y = digits()
    some, labels = digits(12)
    assert some.equal(x[:12]) and labels.equal(y[:12])
    sevens, labels = digits(20, label=7)
    assert sevens.equal(x[y == 7][:20]) and labels.tolist() == [7] * 20
    assert digits(label=0)[0].shape == (178, 1, 8, 8) and digits(0)[0].shape == (0, 1, 8, 8)
    some.fill_(-1)
    assert digits(12)[0].equal(x[:12])


@pytest.mark.parametrize(
    "arguments, kind, said",
    [
        ({"n": 1798}, ValueError, "1797"),
        ({"n": 175, "label": 8}, ValueError, "174 digits with label 8"),
        ({"n": -1}, ValueError, "n=-1"),
        ({"n": 2.5}, TypeError, "n=2.5"),
        ({"label": 10}, ValueError, "0 to 9"),
        ({"label": -1}, ValueError, "0 to 9"),
        ({"label": "7"}, TypeError, "label='7'"),
    ],
)
def test_do_wrong_digits_get_a_sentence(arguments, kind, said):
    with pytest.raises(kind) as error:
        digits(**arguments)
    assert said in sentence(error)


@pytest.mark.parametrize("size, gray", [(None, False), (128, False), (64, True), (1, True), (448, False)])
def test_is_the_photo_in_whole_255ths(size, gray):
    x = photo(size, gray)
    height, width = (size, size) if size else (600, 512)
    assert x.shape == (1 if gray else 3, height, width) and x.dtype == torch.float32 and x.is_contiguous()
    levels = (x.double() * 255).round()
    assert levels.min() >= 0 and levels.max() <= 255
    assert x.equal(levels.float() / 255)


def test_is_a_small_photo_the_average_pooling_of_the_crop():
    left, top, right, bottom = images.PHOTO_CROP
    crop = photo()[:, top:bottom, left:right]
    assert photo(448).equal(crop)
    assert (photo(112) - F.avg_pool2d(crop, 4)).abs().max() <= 1.01 / 255


def test_is_the_photo_real_and_right_way_round():
    x = photo(128)
    red, green, blue = x
    assert len(x.flatten(1).T.unique(dim=0)) > 5000  # no drawing has that many colours
    assert blue[:40, 100:].mean() > red[:40, 100:].mean() + 0.2  # blue backdrop at the upper right
    assert red[70:90, 50:80].mean() > blue[70:90, 50:80].mean() + 0.2  # the face in the middle
    photo(128).zero_()
    assert photo(128).equal(x)


@pytest.mark.parametrize(
    "arguments, kind",
    [((0,), ValueError), ((449,), ValueError), ((-3,), ValueError), ((2.5,), TypeError), ((8, "yes"), TypeError)],
)
def test_do_wrong_photos_get_a_sentence(arguments, kind):
    with pytest.raises(kind) as error:
        photo(*arguments)
    sentence(error)


def test_does_a_matplotlib_without_its_sample_data_get_a_sentence(monkeypatch, tmp_path):
    import matplotlib.cbook

    monkeypatch.setattr(matplotlib.cbook, "get_sample_data", lambda name, asfileobj: str(tmp_path / name))
    with pytest.raises(FileNotFoundError) as error:
        photo(7)
    assert "sample data" in sentence(error)


PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)


def expected(array):
    array = array[..., None] if array.ndim == 2 else array
    return torch.tensor(array.transpose(2, 0, 1).astype(np.float32)) / 255


@pytest.mark.parametrize("array", [PIXELS[..., :3], PIXELS[..., 0], PIXELS[..., :1]], ids=["rgb", "grey", "one"])
def test_does_as_image_keep_every_value(array, tmp_path):
    want = expected(array)
    saved = Image.fromarray(array.squeeze())
    saved.save(tmp_path / "picture.png")
    for source in (array, saved, tmp_path / "picture.png", str(tmp_path / "picture.png")):
        got = as_image(source)
        assert got.dtype == torch.float32 and got.is_contiguous() and got.equal(want)


def test_is_transparency_laid_on_white(tmp_path):
    alpha = PIXELS[..., 3:] / 255
    want = torch.tensor((PIXELS[..., :3] * alpha / 255 + 1 - alpha).transpose(2, 0, 1))
    Image.fromarray(PIXELS).save(tmp_path / "picture.png")
    for source in (PIXELS, tmp_path / "picture.png"):
        got = as_image(source)
        assert got.shape == (3, 5, 7) and (got - want).abs().max() <= 1.01 / 255
    clear = np.zeros((2, 2, 4), dtype=np.uint8)
    assert (as_image(clear) == 1).all()
    grey = as_image(Image.fromarray(clear).convert("LA"))
    assert grey.shape == (1, 2, 2) and (grey == 1).all()


def test_are_other_kinds_of_image_read_too(tmp_path):
    rgb = Image.fromarray(PIXELS[..., :3])
    rgb.convert("CMYK").save(tmp_path / "print.jpg")
    assert as_image(tmp_path / "print.jpg").shape == (3, 5, 7)
    rgb.quantize(4).save(tmp_path / "palette.gif")
    assert as_image(tmp_path / "palette.gif").shape == (3, 5, 7)
    bits = as_image(Image.fromarray(PIXELS[..., 0]).convert("1"))
    assert bits.shape == (1, 5, 7) and set(bits.unique().tolist()) == {0, 1}
    flat = Image.new("P", (2, 1))
    flat.putpalette([255, 0, 0, 0, 0, 255])
    flat.putpixel((1, 0), 1)
    flat.save(tmp_path / "hole.png", transparency=1)
    assert as_image(tmp_path / "hole.png")[:, 0].T.tolist() == [[1, 0, 0], [1, 1, 1]]


def test_is_a_photo_turned_upright_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees clockwise
    array = PIXELS[..., :3]
    Image.fromarray(array).save(tmp_path / "phone.png", exif=exif)
    assert as_image(tmp_path / "phone.png").equal(expected(np.rot90(array, -1)))


def test_is_what_as_image_gives_independent_of_its_source():
    array = PIXELS[..., :3].copy()
    got = as_image(array)
    array[:] = 0
    assert got.equal(expected(PIXELS[..., :3]))


@pytest.mark.parametrize(
    "source, kind, said",
    [
        ("no_such_picture.png", FileNotFoundError, "no_such_picture.png"),
        (".", ValueError, "folder"),
        (__file__, ValueError, "no image"),
        (3, TypeError, "int"),
        (None, TypeError, "NoneType"),
        ([[1, 2], [3, 4]], TypeError, "list"),
        (np.full((2, 2, 3), 2.0), ValueError, "from 2 to 2"),
        (torch.full((2, 2, 3), -1.0), ValueError, "from -1 to -1"),
        (np.zeros((2, 2, 3), dtype=np.int32), TypeError, "int32"),
        (np.zeros((3, 9, 9), dtype=np.uint8), ValueError, "(3, 9, 9)"),
        (np.zeros((2, 2, 2), dtype=np.uint8), ValueError, "1, 3 or 4"),
        (np.zeros(4, dtype=np.uint8), ValueError, "(4,)"),
        (np.zeros((0, 4), dtype=np.uint8), ValueError, "(0, 4)"),
        (Image.new("I", (2, 2), 2), ValueError, "mode 'I'"),
        (Image.new("F", (2, 2), 2), ValueError, "mode 'F'"),
    ],
)
def test_do_wrong_images_get_a_sentence(source, kind, said):
    with pytest.raises(kind) as error:
        as_image(source)
    text = str(error.value)
    assert said in text and text.endswith(".") and "\n" not in text


def test_does_a_truncated_file_get_a_sentence(tmp_path):
    Image.fromarray(PIXELS[..., :3].repeat(20, 0).repeat(20, 1)).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError) as error:
        as_image(tmp_path / "half.png")
    sentence(error)
