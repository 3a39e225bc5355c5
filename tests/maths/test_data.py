"""Is whatever people pass pooled as they mean it, or refused in one sentence that fits, and without a warning?"""

import array
import decimal
import fractions
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from pooling_course.maths.data import as_input, as_tensor, cast, channels_last, smaller
from pooling_course.maths.picture import as_image
from pooling_course.maths.trace import trace

TABLE = np.arange(36.0).reshape(6, 6)
RAMP = torch.arange(36.0, dtype=torch.float64).reshape(6, 6)
COLOURS = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)


def quietly(make):
    """What torch itself warns of while a case is made is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def taken(x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return as_input(x)


def refused(x, *said, pooling=None):
    """The refusal, which must be one sentence of ours, raised without a warning."""
    with warnings.catch_warnings(), pytest.raises((TypeError, ValueError)) as error:
        warnings.simplefilter("error")
        trace(pooling or nn.MaxPool2d(1), x)
    text = str(error.value)
    assert "\n" not in text and text.endswith(".") and len(text) < 420, text
    assert [part for part in said if part not in text] == [], text
    return text


# --- arrays -----------------------------------------------------------------------------------------------------------


def misaligned():
    raw = np.zeros(36 * 8 + 1, dtype=np.uint8)
    found = raw[1:].view(np.float64).reshape(6, 6)
    found[:] = TABLE
    return found


def read_only(table):
    table = table.copy()
    table.flags.writeable = False
    return table


def mapped(folder):
    np.save(folder / "map.npy", TABLE)
    return np.load(folder / "map.npy", mmap_mode="r")


@pytest.mark.parametrize(
    "x",
    [
        TABLE[::-1][::-1],
        TABLE[:, ::-1][:, ::-1],
        np.rot90(np.rot90(TABLE), 3),
        TABLE.T.copy().T,
        np.asfortranarray(TABLE),
        read_only(TABLE),
        TABLE.astype(">f8"),
        read_only(TABLE.astype(">f8"))[::-1][::-1],
        misaligned(),
        np.rec.fromarrays([TABLE, TABLE], names="a,b")["a"],
        quietly(lambda: np.matrix(TABLE)),
        np.ma.array(TABLE),
        np.ma.masked_greater(TABLE, 99),
        memoryview(TABLE),
        TABLE.repeat(2, 1)[:, ::2],
    ],
    ids=lambda value: type(value).__name__,
)
def test_is_an_array_taken_however_it_lies(x):
    assert taken(x).equal(RAMP)


def test_is_a_flipped_array_pooled_as_it_reads():
    assert trace(nn.MaxPool2d(2), TABLE[::-1]).output[0, 0] == 31
    assert trace(nn.MaxPool2d(2), np.broadcast_to(TABLE[0], (6, 6))).output.tolist() == [[1, 3, 5]] * 3


def test_is_a_file_in_memory_taken_as_it_is(tmp_path):
    assert taken(mapped(tmp_path)).equal(RAMP)


@pytest.mark.parametrize("code", ["f2", "f4", "f8", "u1", "i1", "i2", "i4", "i8", ">i2", ">f4", "<i8", ">f2"])
def test_does_an_array_keep_its_dtype(code):
    found = taken(TABLE.astype(code))
    assert str(found.dtype) == f"torch.{np.dtype(code).name}" and found.double().equal(RAMP)


def test_is_what_torch_can_view_not_copied():
    table = TABLE.copy()
    found = as_tensor(table)
    table[0, 0] = 99
    assert found[0, 0] == 99


@pytest.mark.parametrize(
    "x, said",
    [
        (TABLE > 3, ["bool", 'x.astype("float32")']),
        (TABLE.astype("u2"), ["uint16", 'x.astype("float32")']),
        (TABLE + 1j, ["complex", "np.abs(x)"]),
        (np.ma.masked_greater(TABLE, 30), ["masked", "5 of its 36", "x.filled(0)"]),
        (np.zeros((4, 4), [("red", "f4"), ("green", "u1")]), ["'red', 'green'", "x['red']"]),
        (np.zeros((4, 4), [("red", "f4")]).view(np.recarray), ["x['red']"]),
        (np.array([[1, 2], [3, None]]), ["objects (NoneType, int)", "x.astype(float)"]),
        (np.array([[1, 2], [3]], dtype=object), ["objects (list)", "different lengths"]),
        (TABLE.astype(str), ["text", 'x.astype("float64")']),
        (TABLE.astype("S"), ["text"]),
        (TABLE.astype("M8[s]"), ["dates"]),
        (np.zeros((4, 4), "V3"), ["V3"]),
        (np.float32(3), ["0 dimensions"]),
        (np.bool_(True), ["0 dimensions"]),
    ],
    ids=lambda case: str(getattr(case, "dtype", "")),
)
def test_is_an_array_that_has_no_such_numbers_refused(x, said):
    refused(x, *said)


@pytest.mark.skipif(np.dtype("g").itemsize == 8, reason="no longer doubles here")
def test_is_a_number_that_torch_has_no_room_for_refused():
    refused(TABLE.astype("g"), "unknown to torch", 'x.astype("float64")')


# --- tensors ----------------------------------------------------------------------------------------------------------


class Tagged(torch.Tensor):
    pass


class Loud(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        raise RuntimeError("every call on it fails")


def inferred():
    with torch.inference_mode():
        return RAMP.clone()


@pytest.mark.parametrize(
    "x",
    [
        RAMP.clone().requires_grad_(),
        nn.Parameter(RAMP),
        RAMP.as_subclass(Tagged),
        RAMP.as_subclass(Loud),
        inferred(),
        torch.complex(RAMP, -RAMP).conj().imag,
        torch._neg_view(-RAMP),
        torch.complex(RAMP, RAMP).real,
        RAMP.T.contiguous().T,
        RAMP[None, None].to(memory_format=torch.channels_last)[0, 0],
        torch.stack([RAMP, RAMP], -1)[..., 0],
    ],
    ids=lambda x: type(x).__name__,
)
def test_is_a_tensor_taken_as_a_plain_one(x):
    found = taken(x)
    assert type(found) is torch.Tensor and not found.requires_grad and not found.is_neg() and found.equal(RAMP)
    traced = trace(nn.AvgPool2d(2), x)
    assert traced.backward().sum() == 9 and traced.window(0, 0).values == [0, 1, 6, 7]


def freed():
    x = torch.rand(4, 4)
    x.untyped_storage().resize_(0)
    return x


def fake():
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        return torch.rand(4, 4)


def masked():
    from torch.masked import masked_tensor

    return masked_tensor(torch.rand(4, 4), torch.rand(4, 4) > 0.5)


PARTS = [torch.rand(2, 2), torch.rand(3, 2)]
ODD = {
    "coo": (lambda: torch.eye(4).to_sparse(), ["sparse coo", "x.to_dense()"]),
    "csr": (lambda: torch.eye(4).to_sparse_csr(), ["sparse csr", "x.to_dense()"]),
    "csc": (lambda: torch.eye(4).to_sparse_csc(), ["sparse csc", "x.to_dense()"]),
    "bsr": (lambda: torch.eye(4).to_sparse_bsr((2, 2)), ["sparse bsr", "x.to_dense()"]),
    "bsc": (lambda: torch.eye(4).to_sparse_bsc((2, 2)), ["sparse bsc", "x.to_dense()"]),
    "hybrid": (lambda: torch.ones(4, 4, 4).to_sparse(1), ["sparse coo", "x.to_dense()"]),
    "mkldnn": (lambda: torch.eye(4).to_mkldnn(), ["mkldnn", "x.to_dense()"]),
    "quantized": (lambda: torch.quantize_per_tensor(torch.eye(4), 0.1, 0, torch.quint8), ["x.dequantize()"]),
    "by channel": (
        lambda: torch.quantize_per_channel(torch.eye(4), torch.ones(4), torch.zeros(4), 0, torch.qint8),
        ["x.dequantize()"],
    ),
    "meta": (lambda: torch.empty(4, 4, device="meta"), ["meta device", "no numbers"]),
    "fake": (fake, ["no numbers"]),
    "complex": (lambda: torch.ones(4, 4, dtype=torch.complex64), ["x.abs(), x.real or x.imag"]),
    "conjugated": (lambda: torch.ones(4, 4, dtype=torch.complex128).conj(), ["x.abs(), x.real or x.imag"]),
    "nested": (lambda: torch.nested.nested_tensor(PARTS), ["nested", "x.unbind()[0]"]),
    "jagged": (lambda: torch.nested.nested_tensor(PARTS, layout=torch.jagged), ["nested", "x.unbind()[0]"]),
    "masked": (masked, ["MaskedTensor", "pass the plain one"]),
    "lazy": (nn.UninitializedParameter, ["lazy layer", "run the model once"]),
    "freed": (freed, ["freed"]),
    "bool": (lambda: torch.ones(4, 4, dtype=torch.bool), ["dtype bool on cpu", "x.float()"]),
    "float8": (lambda: torch.ones(4, 4).to(torch.float8_e5m2), ["float8_e5m2", "x.float()"]),
    "uint64": (lambda: torch.ones(4, 4, dtype=torch.uint64), ["uint64", "x.float()"]),
}


@pytest.mark.parametrize("name", ODD)
def test_is_an_odd_tensor_refused_before_torch_is_asked(name, monkeypatch):
    make, said = ODD[name]
    x = quietly(make)
    monkeypatch.setattr("torch.nn.functional.max_pool2d", None)
    refused(x, *said)


def test_is_what_functorch_wraps_refused():
    said = []
    torch.func.vmap(lambda x: said.append(refused(x, "stands for another tensor")) or x)(torch.rand(2, 4, 4))
    assert len(said) == 1


# --- lists, tables, pairs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x, shape, dtype",
    [
        ([[1, 2], [3, 4]], (2, 2), torch.float32),
        (((True, False), (False, True)), (2, 2), torch.float32),
        ([range(3), range(3)], (2, 3), torch.float32),
        ([[fractions.Fraction(1, 2), decimal.Decimal("1.5")]], (1, 2), torch.float32),
        ([[np.int64(1), np.float32(2)]], (1, 2), torch.float32),
        ([[torch.tensor(1.0, requires_grad=True), torch.tensor(2)], [3, 4.5]], (2, 2), torch.float32),
        ([RAMP, RAMP], (2, 6, 6), torch.float64),
        ([RAMP.requires_grad_(False)[0], RAMP[1]], (2, 6), torch.float64),
        ([torch.ones(3, dtype=torch.int64)] * 2, (2, 3), torch.int64),
        ([TABLE, TABLE[::-1]], (2, 6, 6), torch.float64),
        ([[RAMP, RAMP], [RAMP, RAMP]], (2, 2, 6, 6), torch.float64),
        ([Image.new("L", (4, 3))] * 2, (2, 1, 3, 4), torch.float32),
        ((RAMP, 5), (6, 6), torch.float64),
        ([torch.ones(3, 8, 8), torch.tensor(2)], (3, 8, 8), torch.float32),
        ((Image.new("RGB", (4, 3)), "cat"), (3, 3, 4), torch.float32),
        ((torch.ones(3, 8, 8), {"boxes": []}), (3, 8, 8), torch.float32),
        ((torch.ones(3, 8, 8), None), (3, 8, 8), torch.float32),
        (array.array("d", [1, 2]), (2,), torch.float64),
    ],
    ids=lambda case: "",
)
def test_is_a_list_or_an_image_with_its_label_taken(x, shape, dtype):
    found = taken(x)
    assert tuple(found.shape) == shape and found.dtype == dtype


ENDLESS = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    "x, said",
    [
        ([[1, 2], [3]], ["its rows have different lengths"]),
        ([["1", "2"]], ["it holds '1'"]),
        ([[1, None]], ["it holds None"]),
        ([[1, 2j]], ["complex"]),
        ([[10**400]], ["no table of numbers"]),
        ([[{}]], ["it holds a dict"]),
        (ENDLESS, ["no table of numbers"]),
        ([], ["(0,)"]),
        ([torch.ones(4, 4), torch.ones(5, 5)], ["(4, 4) and (5, 5)", "x[0]"]),
        (torch.nn.functional.max_pool2d(torch.ones(1, 4, 4), 2, return_indices=True), ["float32 and int64", "x[0]"]),
        ([torch.ones(8, 1, 4, 4), torch.arange(8)], ["DataLoader", "pass the images, x[0]"]),
        ((torch.ones(4, 4) > 0, 3), ["bool", "x[0].float()"]),
        ([torch.ones(4, 4) > 0] * 2, ["bool", "torch.stack(x).float()"]),
        (None, ["did a function return nothing"]),
        ((row for row in TABLE), ["list(x)"]),
        (map(list, TABLE), ["list(x)"]),
        ({1, 2}, ["list(x)"]),
        ({"image": TABLE, "label": 3}, ["'image', 'label'", "x['image']"]),
        ({}, ["with the keys none"]),
        (b"\x89PNG", ["4 bytes", "PIL.Image.open"]),
        (3, ["0 dimensions"]),
        (3j, ["complex"]),
        (torch.rand, ["call it"]),
        (nn.MaxPool2d(2), ["MaxPool2d", "swap the two"]),
        (nn.MaxPool2d, ["call it"]),
        (torch.utils.data.TensorDataset(RAMP), ["TensorDataset", "x[0][0]"]),
        (torch.utils.data.DataLoader(torch.utils.data.TensorDataset(RAMP)), ["DataLoader", "next(iter(x))"]),
        (object(), ["type object"]),
    ],
    ids=lambda case: "",
)
def test_is_what_is_no_table_refused_with_the_line_that_would_work(x, said):
    refused(x, *said)


class Foreign:
    """An array of a package that refuses to give its numbers, as one on another device may."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("implicit conversion is not allowed.\nUse .get().")


def test_is_an_array_of_another_package_taken_or_refused():
    refused(Foreign(), "Foreign gives no array (implicit conversion is not allowed)")

    class Through:
        def __dlpack__(self, **_):
            return RAMP.__dlpack__()

        def __dlpack_device__(self):
            return RAMP.__dlpack_device__()

    assert taken(Through()).equal(RAMP)


def test_are_tables_of_pandas_taken():
    pd = pytest.importorskip("pandas")
    assert taken(pd.DataFrame(TABLE)).equal(RAMP)
    assert taken(pd.DataFrame({"a": [1, 2], "b": [True, False]})).tolist() == [[1, 1], [2, 0]]
    assert taken(pd.DataFrame({"a": pd.array([1, 2], dtype="Int64"), "b": [0.5, 1]})).tolist() == [[1, 0.5], [2, 1]]
    gaps = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [1, 2]})
    refused(gaps, "without a value", 'x.astype("float64").fillna(0)')
    assert taken(gaps.astype("float64").fillna(0)).tolist() == [[1, 1], [0, 2]]
    refused(pd.DataFrame({"a": [1], "b": ["x"]}), "column 'b'", 'x.select_dtypes("number")')
    refused(pd.DataFrame({"a": pd.Categorical([1, 2])}), "column 'a'")
    refused(pd.Series([1, 2, 3]), "Series of 3", "reshape(H, W)")
    refused(pd.DataFrame(TABLE > 3), "bool", 'x.astype("float32")')


def test_are_sparse_matrices_of_scipy_refused():
    sparse = pytest.importorskip("scipy.sparse")
    for make in (sparse.csr_matrix, sparse.coo_array, sparse.lil_matrix, sparse.dok_matrix, sparse.dia_array):
        refused(make(TABLE), "sparse", "x.toarray()")


@pytest.mark.slow
def test_does_it_import_nothing_that_the_caller_has_not():
    import subprocess

    code = (
        "import sys, numpy as np; from pooling_course.maths.data import as_input; as_input(np.ones((2, 2))[::-1]);"
        "as_input([[1]]); print([m for m in ('PIL', 'pandas', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


# --- pictures ---------------------------------------------------------------------------------------------------------


def stored(mode):
    """The same picture in a mode of Pillow's, and the modes it is reached by."""
    picture = Image.fromarray(COLOURS)
    if mode == "LAB":
        return Image.new("LAB", (7, 5), (128, 10, 20))
    if mode == "RGBX":
        return Image.merge("RGBX", [*picture.convert("RGB").split(), Image.new("L", (7, 5))])
    if mode.startswith("I;16"):
        return Image.new(mode, (7, 5), 30_000)
    by = {"La": ("LA",), "RGBa": (), "PA": ("P",), "LA": (), "RGBA": ()}.get(mode, ("RGB",))
    for step in (*by, mode):
        picture = picture.convert(step)
    return picture


COLOUR = ("P", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "PA")
GREY = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N")


@pytest.mark.parametrize("mode", COLOUR + GREY)
def test_is_a_picture_of_every_mode_taken(mode):
    found = taken(stored(mode))
    assert stored(mode).mode == mode and tuple(found.shape) == (3 if mode in COLOUR else 1, 5, 7)
    assert found.dtype == torch.float32 and 0 <= found.min() <= found.max() <= 1
    assert found.equal(as_image(stored(mode)))
    if mode.startswith("I;16"):
        assert found[0, 0, 0] == torch.tensor(30_000 / 65_535)
    if mode == "RGBX":
        assert found.equal(as_image(stored("RGB")))
    if mode in ("La", "RGBa", "PA"):
        straight = as_image(stored({"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}[mode]))
        assert mode == "PA" or (found - straight).abs().max() < 0.02


@pytest.mark.parametrize("mode, dtype", [("I", torch.int32), ("F", torch.float32)])
def test_is_a_picture_of_numbers_a_table_of_them(mode, dtype):
    x = Image.fromarray(COLOURS[..., 0]).convert(mode)
    assert taken(x).dtype == dtype and taken(x).tolist() == COLOURS[..., 0].tolist()
    if mode == "I":
        refused(x, "int32", 'x.convert("F")', pooling=nn.AvgPool2d(2))


def test_is_what_is_transparent_laid_on_white_whatever_the_mode():
    for mode in ("1", "L", "P", "RGB"):
        x = Image.new(mode, (2, 2))
        x.info["transparency"] = (0, 0, 0) if mode == "RGB" else 0
        assert (taken(x) == 1).all(), mode


def test_is_a_photo_upright_and_an_animation_at_its_frame(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    x = Image.fromarray(COLOURS[..., :3])
    x.save(tmp_path / "phone.png", exif=turned)
    want = torch.tensor(np.rot90(COLOURS[..., :3], -1).transpose(2, 0, 1).astype(np.float32)) / 255
    for given in (tmp_path / "phone.png", str(tmp_path / "phone.png"), Image.open(tmp_path / "phone.png")):
        assert taken(given).equal(want)
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "wave.gif", save_all=True, append_images=frames[1:])
    moving = Image.open(tmp_path / "wave.gif")
    assert taken(moving)[:, 0, 0].tolist() == taken(tmp_path / "wave.gif")[:, 0, 0].tolist() == [1, 0, 0]
    moving.seek(1)
    assert taken(moving)[:, 0, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    "x, said",
    [
        ("cat.jpg", ["no file 'cat.jpg'"]),
        (Path("cat"), ["no file 'cat'"]),
        ("~/no such picture.png", ["no file"]),
        ("maps.npy", ["np.load('maps.npy')"]),
        (Path("model.pt"), ["torch.load('model.pt')"]),
        ("table.csv", ["np.loadtxt('table.csv', delimiter=',')"]),
        ("https://example.org/cat.png", ["address", "download"]),
        (Path(__file__).parent, ["a folder"]),
        (Path(__file__), ["no image"]),
        ("worked", ["images.preset(name)"]),
        ("", ["str"]),
        (Image.new("L", (0, 3)), ["empty"]),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_is_a_path_that_leads_to_no_picture_refused(x, said):
    refused(x, *said)


def test_is_a_closed_picture_refused(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as x:
        pass
    refused(x, "cannot be read")


@pytest.mark.parametrize(
    "dtype, white", [(np.float32, 1), (np.float64, 1), (np.float16, 1), (np.uint16, 65_535), (bool, 1)]
)
def test_does_as_image_take_pixels_of_other_dtypes(dtype, white):
    pixels = (COLOURS[..., :3] > 100).astype(float) * white
    assert as_image(pixels.astype(dtype)).equal(torch.tensor(pixels / white).permute(2, 0, 1).float())
    clear = np.concatenate([pixels, np.zeros((5, 7, 1))], 2).astype(dtype)
    assert (as_image(clear) == 1).all()


def test_does_as_image_take_no_number_that_is_no_brightness():
    for x in (np.full((4, 4, 3), 2.0), np.full((4, 4), -0.1), np.full((4, 4), np.nan)):
        with pytest.raises(ValueError, match="a brightness from 0 to 1"):
            as_image(x)
    with pytest.raises(TypeError, match=r"x.astype\(\"uint8\"\)"):
        as_image(np.zeros((4, 4), dtype=np.int64))


# --- channels last ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8", "f2", "i8", "?"])
@pytest.mark.parametrize("shape", [(24, 24, 4), (480, 64, 3), (28, 28, 1), (5, 9, 3), (8, 32, 32, 3), (6, 28, 28, 1)])
def test_is_an_array_whose_channels_stand_last_told_so(shape, dtype):
    said = refused(np.zeros(shape, dtype), "looks like", "H, W, C)", "torch.tensor(x).permute(")
    line = said.split("pass ")[1].split(", or images")[0].split(". If")[0]
    fixed = eval(line, {"torch": torch, "x": np.zeros(shape, dtype)})
    assert tuple(taken(fixed).shape) == (*shape[:-3], shape[-1], *shape[-3:-1])
    one = eval(said.split("one at a time, ")[1].rstrip("."), {"x": np.zeros(shape, "f4")})
    assert taken(one).ndim == 2


@pytest.mark.parametrize("shape", [(24, 24, 4), (480, 640, 3), (1080, 1920, 3), (28, 28, 1), (8, 8, 3), (8, 32, 32, 3)])
def test_is_a_tensor_whose_channels_stand_last_told_so(shape):
    refused(torch.zeros(shape), "looks like", "x.permute(")


@pytest.mark.parametrize(
    "shape",
    [(64, 4, 4), (512, 3, 3), (16, 8, 4), (512, 7, 3), (3, 100, 1), (64, 100, 1), (2, 8, 8, 4), (1, 2048, 8, 4)],
)
def test_is_a_map_of_a_network_no_picture(shape):
    assert tuple(taken(torch.zeros(shape)).shape) == shape


def test_is_an_image_with_its_label_told_in_its_own_words():
    refused((np.zeros((9, 9, 3)), 4), "torch.tensor(x[0]).permute(2, 0, 1)", "x[0][0]")


def test_does_the_shape_alone_tell():
    assert channels_last((9, 9, 3)) and not channels_last((3, 9, 9)) and not channels_last((9, 9))
    assert channels_last((30, 10, 3)) and not channels_last(
        (30, 10, 3), of_torch=True
    )  # an array needs no likely shape


def test_does_the_cast_fit_what_was_passed():
    assert [cast(x) for x in (RAMP, TABLE, (RAMP, 1), [RAMP], Image.new("I", (2, 2)))] == [
        "x.float()",
        'x.astype("float32")',
        "x[0].float()",
        "torch.stack(x).float()",
        'x.convert("F")',
    ]


# --- what is too large to be shown ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(300, 400), (3, 300, 400), (1, 77, 3001), (1, 1, 9000), (64, 100, 90), (2, 5000, 1)])
@pytest.mark.parametrize("high", [1, 9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.uint8, torch.int64])
def test_is_what_is_too_large_made_smaller(shape, high, dtype):
    x = (torch.rand(shape, generator=torch.Generator().manual_seed(0)) * high).to(dtype)
    found, part = smaller(x, 1000)
    assert found.numel() <= 1000 and found.dtype == dtype and found.shape[:-2] == x.shape[:-2]
    size = " x ".join(map(str, shape))
    channels = x.numel() // (shape[-2] * shape[-1])
    picture = channels in (1, 3) and (dtype == torch.uint8 or dtype.is_floating_point and high == 1)
    assert part.startswith("a smaller copy of" if picture else "the middle of")
    if part == f"the middle of {size}":
        h, w = found.shape[-2:]
        rows, cols = (x.shape[-2] - h) // 2, (x.shape[-1] - w) // 2
        assert found.equal(x[..., rows : rows + h, cols : cols + w])
    else:
        assert part.startswith(f"a smaller copy of {size}, each cell the mean of ") and (
            len(shape) == 2 or shape[0] < 4
        )
        block = int(part.split()[-1])
        mean = x[..., :block, :block].double().mean((-1, -2))
        near = abs(found[..., 0, 0].double() - (mean if dtype.is_floating_point else mean.round()))
        assert near.max() < (1e-3 if dtype.is_floating_point else 0.5)
        assert (found.shape[-2] - 1) * block < x.shape[-2] <= found.shape[-2] * block


def test_are_the_first_of_many_channels_shown_whole():
    x = torch.arange(4000.0).reshape(1, 40, 10, 10)
    found, part = smaller(x[0], 1000)
    assert found.equal(x[0, :10]) and found.is_contiguous() and part == "the first 10 channels of 40 x 10 x 10"
    assert smaller(x[0], 1000, 40)[1] == "the middle of 40 x 10 x 10"  # all of them are needed
    assert smaller(x[0, :3], 50)[1] == "the middle of 3 x 10 x 10"


def test_is_what_is_small_enough_left_alone():
    x = torch.rand(10, 100)
    assert smaller(x, 1000) == (x, "") and smaller(x, 1000)[0] is x
    with pytest.raises(ValueError, match="too many channels"):
        smaller(torch.zeros(2000, 2, 2), 1000, 2000)
