"""The pitfall clinic: broken pieces of code, and what tells a repair from a change.

A patient is a broken function, a model repair, wrong repairs that people try, and the inputs on which they all differ.
A learner's function is cured if it returns what the model returns, on every one of these inputs.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from html import escape
from itertools import product
from textwrap import dedent

import torch
import torch.nn.functional as F
from torch import nn

from ..maths.words import number
from .report import hint_buttons


@dataclass(frozen=True)
class Finding:
    """What the clinic says about a function: "cured", "ill" or "untouched", and why in one sentence.

    Shown at the end of a cell it has a button for its `ladder`: a hint, then a repair as code; () where it is cured.
    """

    state: str
    sentence: str
    ladder: tuple[str, ...] = field(default=(), compare=False)

    def __repr__(self):
        return f"{MARKS[self.state]}: {self.sentence}"

    def _repr_html_(self):
        said = f"<p><strong>{MARKS[self.state]}:</strong> {escape(self.sentence)}</p>"
        return said + (hint_buttons(self.ladder, words=1) if self.ladder else "")


MARKS = {"cured": "✓ Cured", "ill": "✗ Still ill", "untouched": "○ Not attempted yet"}


@dataclass(frozen=True)
class Patient:
    """One patient; its functions take one tensor.

    Attributes:
        broken: as the notebook shows it, word for word: a function with the same code counts as untouched.
        model: a repair, which says what is right.
        inputs: gives the inputs on which a repair is tried; the notebook shows only what happens on one of them.
        hint: what to do about the cause that the notebook asks for.
        wrong: repairs that do not cure, each with the sentence to say.
        differs: what is wrong with a result, given (input, result, model's result): a sentence, or "".
    """

    broken: Callable
    model: Callable
    inputs: Callable
    hint: str
    wrong: dict = field(default_factory=dict)
    differs: Callable = None

    def examine(self, function) -> Finding:
        if not callable(function):
            return Finding("ill", f"the clinic needs the function itself, and got {_kind(function)}.")
        ladder = self.ladder(getattr(function, "__name__", ""))
        if same_code(function, self.broken):
            return Finding("untouched", "repair the function above, then run the cell again.", ladder)
        sentence = self.fault(function)
        if not sentence:
            return Finding("cured", "right on every input tried, here and behind the scenes.")
        for wrong, said in self.wrong.items():
            if self.alike(function, wrong):
                return Finding("ill", said, ladder)
        return Finding("ill", sentence, ladder)

    def ladder(self, called: str) -> tuple[str, str]:
        """The hint, and a repair as code, with the name of the learner's function."""
        name = called if called.isidentifier() else "repaired"
        code = dedent(inspect.getsource(self.model)).strip()
        return self.hint, code.replace("def model(", f"def {name}(", 1)

    def fault(self, function) -> str:
        """What is wrong on the first input where something is; "" where nothing is."""
        for x in self.inputs():
            on = f"on an input of shape {tuple(x.shape)}"
            try:
                result = function(x.clone())
            except Exception as error:
                return f"{on} it raises {type(error).__name__}: {_first_line(error)}"
            if not isinstance(result, torch.Tensor):
                return f"{on} it returns {_kind(result)} instead of one tensor."
            said = (self.differs or differs)(x, result, self.model(x.clone()))
            if said:
                return f"{on} {said}"
        return ""

    def alike(self, function, wrong) -> bool:
        """Whether both fail in the same way on every input."""
        return all(_outcome(function, x) == _outcome(wrong, x) for x in self.inputs())


def patient(name: str, function) -> Finding:
    """Examine a learner's repair of the patient of that name.

    Raises:
        ValueError: there is no such patient; the sentence names those there are.

    >>> patient("stride-one", lambda x: nn.MaxPool2d(3)(x))
    ✓ Cured: right on every input tried, here and behind the scenes.
    """
    if not isinstance(name, str) or name not in PATIENTS:
        raise ValueError(f"no patient is called {name!r}; there is {', '.join(map(repr, PATIENTS))}.")
    return PATIENTS[name].examine(function)


def differs(x, result, right) -> str:
    """What is wrong with a result: its shape, its kind of numbers, or a value; "" where nothing is."""
    if result.shape != right.shape:
        return f"it returns shape {tuple(result.shape)} instead of {tuple(right.shape)}."
    if result.is_floating_point() != right.is_floating_point():
        return f"it returns numbers of {_dtype(result)} instead of {_dtype(right)}."
    wrong = (result.double() - right.double()).abs() > 1e-5 * right.double().abs().clamp(min=1)
    wrong |= result.double().isnan() != right.double().isnan()
    if wrong.any():
        at = tuple(wrong.nonzero()[0].tolist())
        has, wants = (number(tensor[at].item()) for tensor in (result, right))
        return f"the shape is right, but at {list(at)} it gives {has} instead of {wants}."
    return ""


def same_code(a, b) -> bool:
    """Whether two functions are the same but for names, comments and layout."""
    a, b = (getattr(function, "__code__", None) for function in (a, b))
    parts = ("co_code", "co_consts", "co_names", "co_argcount")
    return None not in (a, b) and all(getattr(a, part) == getattr(b, part) for part in parts)


def _as_in_a_cell(function):
    """Compiled by itself: where `nn` is imported in the same module, Python calls `nn.MaxPool2d` in another way."""
    found = {"torch": torch, "nn": nn, "F": F}
    exec(dedent(inspect.getsource(function)), found)
    return found[function.__name__]


def _outcome(function, x):
    try:
        result = function(x.clone())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if isinstance(result, (tuple, list)):
        return [_kind(result), *map(_numbers, result)]
    return _numbers(result)


def _numbers(result):
    if not isinstance(result, torch.Tensor):
        return _kind(result)
    return [*result.shape, str(result.dtype), *(number(v) for v in result.flatten().tolist())]


def _kind(value):
    if value is None:
        return "None (is there a return?)"
    name = type(value).__name__
    return f"a {name} of {len(value)}" if isinstance(value, (tuple, list)) else f"something of type {name}"


def _dtype(tensor):
    return str(tensor.dtype).removeprefix("torch.")


def _first_line(error):
    return (str(error).splitlines() or ["no reason given"])[0].rstrip(".") + "."


# ---- inputs ------------------------------------------------------------------------------------------------------


def _maps(*shapes, shift=0.0):
    """Maps of whole numbers from -9 to 9, the same at each call, and `shift` added to them."""
    generator = torch.Generator().manual_seed(8)
    return [torch.randint(-9, 10, shape, generator=generator).float() + shift for shape in shapes]


# ---- patients ----------------------------------------------------------------------------------------------------

PATIENTS = {}


def admit(name, inputs, **more):
    """Make a patient of a class: `hint`, `broken`, `model`, and the wrong repairs, whose docstrings are the reason."""

    def from_class(found):
        functions = {key: value for key, value in vars(found).items() if not key.startswith("__")}
        broken, model = _as_in_a_cell(functions.pop("broken")), functions.pop("model")
        hint = functions.pop("hint")
        wrong = {function: function.__doc__ for function in functions.values()}
        PATIENTS[name] = Patient(broken, model, cache(inputs), hint, wrong, **more)
        return found

    return from_class


@admit("stride-one", lambda: _maps((1, 9, 9), (2, 3, 10, 11), (1, 12, 7)))
class StrideOne:
    """A third of the rows and columns is wanted, whole windows only."""

    hint = (
        "The stride says how far the window moves. Left out, it equals kernel_size, and the windows lie side by side."
    )

    def broken(x):
        return nn.MaxPool2d(kernel_size=3, stride=1)(x)

    def model(x):
        return nn.MaxPool2d(kernel_size=3)(x)

    def half(x):
        """stride=2 halves the map; to leave a third, the window has to move further."""
        return nn.MaxPool2d(kernel_size=3, stride=2)(x)

    def kept(x):
        """padding=1 keeps the size as it is; to leave a third, the window has to move further."""
        return nn.MaxPool2d(kernel_size=3, stride=1, padding=1)(x)

    def rounded_up(x):
        """ceil_mode=True adds a cut window where 3 does not divide the size; only whole windows are wanted."""
        return nn.MaxPool2d(kernel_size=3, ceil_mode=True)(x)


@admit("transposed", lambda: _maps((2, 4, 8, 8), (1, 6, 10, 8), (3, 2, 4, 12)))
class Transposed:
    """Rows and columns are to be halved; the channels stay where they are."""

    hint = "After transpose(1, 2) the last two axes are channels and columns. Before it they were rows and columns."

    def broken(x):
        return nn.MaxPool2d(2)(x.transpose(1, 2))

    def model(x):
        return nn.MaxPool2d(2)(x)

    def back(x):
        """transposing back repairs the order of the axes, but channels were pooled all the same, and rows were not."""
        return nn.MaxPool2d(2)(x.transpose(1, 2)).transpose(1, 2)

    def other_axes(x):
        """now rows and columns are pooled, but they have changed places and stay so."""
        return nn.MaxPool2d(2)(x.transpose(2, 3))


@admit("edges", lambda: _maps((1, 4, 4), (1, 5, 7), (2, 3, 6, 9)))
class Edges:
    """Half the size, rounded up; every cell counts once, and nothing that is no cell counts."""

    hint = (
        "The padding moves every window. Without it, ceil_mode=True gives what is left over a window of its own, "
        "whose mean divides by the cells that it holds."
    )

    def broken(x):
        return nn.AvgPool2d(2, stride=2, padding=1)(x)

    def model(x):
        return nn.AvgPool2d(2, ceil_mode=True)(x)

    def bare(x):
        """even sizes are right now; of an odd one, the last row or column is still lost."""
        return nn.AvgPool2d(2)(x)

    def uncounted(x):
        """the zeros count no longer, but the padding still shifts the windows, and an even size gets one too many."""
        return nn.AvgPool2d(2, padding=1, count_include_pad=False)(x)

    def padded_right(x):
        """the windows are in the right places now; but to the layer, the zeros of F.pad are cells, and they count."""
        return nn.AvgPool2d(2)(F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2)))


@admit("swapped", lambda: _maps((1, 5, 7), (2, 3, 6, 6), (1, 9, 8)))
class Swapped:
    """The size is to be rounded up; one tensor is to come back."""

    hint = (
        "The last two arguments are ceil_mode and return_indices, in this order. Give the one you mean by its "
        "name, and leave the other out."
    )

    def broken(x):
        return F.max_pool2d(x, 2, 2, 0, 1, False, True)

    def model(x):
        return F.max_pool2d(x, 2, ceil_mode=True)

    def first_of_two(x):
        """one tensor, but still rounded down: ceil_mode is not on yet; name it, to be sure which one is meant."""
        return F.max_pool2d(x, 2, 2, 0, 1, False, True)[0]

    def both(x):
        """rounded up, and still two results: the last True asks for indices."""
        return F.max_pool2d(x, 2, 2, 0, 1, True, True)


_FOREIGN = "in the second half of the channels, row {}, column {} holds a number of no window around that place."


def _skip_fault(x, result, _):
    """Any way to bring the map back to size will do, as long as even sizes come out as before and the skip is whole.

    Each cell then holds the maximum of the window it lies in, or of the one that stretching puts there; what has no
    window of its own, the last row or column of an odd size, may also be 0.
    """
    channels = x.shape[1]
    wanted = (len(x), 2 * channels, *x.shape[2:])
    if tuple(result.shape) != wanted:
        return f"it returns shape {tuple(result.shape)} instead of {wanted}, with no row or column of x lost."
    if not torch.equal(result[:, :channels], x):
        return "the first half of the channels is not x as it was."
    if x.shape[2] % 2 == 0 and x.shape[3] % 2 == 0:
        return differs(x, result, UNetSkip.broken(x))
    up, low = result[:, channels:], nn.MaxPool2d(2, ceil_mode=True)(x)
    for row, col in product(range(x.shape[2]), range(x.shape[3])):
        cell = up[:, :, row, col]
        may_be = [low[:, :, i, j] for i, j in product(_windows_at(row, x.shape[2]), _windows_at(col, x.shape[3]))]
        if row // 2 >= x.shape[2] // 2 or col // 2 >= x.shape[3] // 2:
            may_be.append(torch.zeros_like(cell))
        if not any(torch.equal(cell, value) for value in may_be):
            return _FOREIGN.format(row, col)
    return ""


def _windows_at(place, size):
    """Windows of 2 that may fill a place again: the one it lies in, and those that nearest neighbours stretch to it."""
    half = size // 2
    return {place // 2, place * half // size, (2 * place + 1) * half // (2 * size)}


@admit("skip", lambda: _maps((1, 2, 5, 7), (1, 2, 4, 6), (2, 1, 9, 8)), differs=_skip_fault)
class UNetSkip:
    """Pooled and brought back, the map is to be joined to the original, whose every row is to stay."""

    hint = (
        "Pooling rounded an odd size down, and twice that is one too few. nn.Upsample takes size=... in the place "
        "of scale_factor."
    )

    def broken(x):
        low = nn.MaxPool2d(2)(x)
        up = nn.Upsample(scale_factor=2)(low)
        return torch.cat([x, up], dim=1)

    def model(x):
        low = nn.MaxPool2d(2)(x)
        up = nn.Upsample(size=x.shape[-2:])(low)
        return torch.cat([x, up], dim=1)

    def crop(x):
        """they fit now because x was cut; its last row or column is lost, where it should stay."""
        up = nn.Upsample(scale_factor=2)(nn.MaxPool2d(2)(x))
        return torch.cat([x[..., : up.shape[-2], : up.shape[-1]], up], dim=1)

    def rounded_up(x):
        """with ceil_mode=True the doubled map is one row or column too large instead of too small."""
        return torch.cat([x, nn.Upsample(scale_factor=2)(nn.MaxPool2d(2, ceil_mode=True)(x))], dim=1)

    def other_axis(x):
        """dim=1 was right: this joins the maps below each other instead of channel to channel."""
        up = nn.Upsample(size=x.shape[-2:])(nn.MaxPool2d(2)(x))
        return torch.cat([x, up], dim=2)


@admit("channels-last", lambda: _maps((8, 6, 3), (10, 4, 3), (6, 6, 4)))
class ChannelsLast:
    """An image of (rows, columns, channels) is to be halved, and to stay in that order."""

    hint = (
        "The last two axes are columns and channels here. Bring the channels to the front with permute, pool, and "
        "bring them back with another permute."
    )

    def broken(image):
        return nn.MaxPool2d(2)(image)

    def model(image):
        return nn.MaxPool2d(2)(image.permute(2, 0, 1)).permute(1, 2, 0)

    def one_way(image):
        """rows and columns are pooled now; the result still has its channels in front, where they should be last."""
        return nn.MaxPool2d(2)(image.permute(2, 0, 1))

    def reshaped(image):
        """reshape changes the shape and leaves the numbers in their order, so colours and places are mixed up."""
        h, w, c = image.shape
        return nn.MaxPool2d(2)(image.reshape(c, h, w)).permute(1, 2, 0)

    def turned(image):
        """the image comes back turned: what goes in as columns has to come out as columns."""
        return nn.MaxPool2d(2)(image.transpose(0, 2)).permute(1, 2, 0)


@admit("unpooled", lambda: _maps((1, 1, 5, 7), (1, 1, 6, 6), (2, 3, 7, 4), shift=0.5))
class Unpooled:
    """The maxima are to return to their places in a map of the size of x, with 0 elsewhere."""

    hint = (
        "Of the two sizes it takes the smaller, 4 × 6. F.max_unpool2d has an output_size, which says how large "
        "the map is to be."
    )

    def broken(x):
        values, indices = F.max_pool2d(x, 2, return_indices=True)
        return F.max_unpool2d(values, indices, 2)

    def model(x):
        values, indices = F.max_pool2d(x, 2, return_indices=True)
        return F.max_unpool2d(values, indices, 2, output_size=x.shape[-2:])

    def clamped(x):
        """no error any more, but indices are places in a map as wide as x; in a narrower one they lead elsewhere."""
        values, indices = F.max_pool2d(x, 2, return_indices=True)
        room = (x.shape[-2] // 2 * 2) * (x.shape[-1] // 2 * 2)
        out = F.max_unpool2d(values, indices.clamp(max=room - 1), 2)
        return F.pad(out, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))

    def upsampled(x):
        """this spreads each maximum over its whole window; it should stand in its one place, with 0 elsewhere."""
        return F.interpolate(F.max_pool2d(x, 2), size=x.shape[-2:])


_WHOLE = (torch.int64, torch.uint8)


@admit(
    "bytes", lambda: [(x.abs() * 25).to(dtype) for x, dtype in zip(_maps((1, 4, 4), (3, 6, 8)), _WHOLE, strict=True)]
)
class Bytes:
    """Averages of whole numbers, of any integer type, are to keep their fractions."""

    hint = "Whole numbers stay whole within the pooling, and the fractions are lost there. Make floats of them before."

    def broken(pixels):
        return nn.AvgPool2d(2)(pixels.long())

    def model(pixels):
        return nn.AvgPool2d(2)(pixels.float())

    def too_late(pixels):
        """float after the pooling comes too late: the fractions are dropped inside."""
        return nn.AvgPool2d(2)(pixels.long()).float()

    def as_they_are(pixels):
        """average pooling takes no uint8 at all, and of int64 it drops the fractions."""
        return nn.AvgPool2d(2)(pixels)


@admit("zero-border", lambda: [*_maps((1, 6, 6), shift=-10.0), *_maps((2, 2, 7, 5)), *_maps((1, 8, 8), shift=-5000.0)])
class ZeroBorder:
    """Half the size, the border included, and every output a number that stands in x."""

    hint = (
        "F.pad writes zeros, and 0 wins against negative numbers. nn.MaxPool2d has a padding of its own, of −∞, "
        "which never wins."
    )

    def broken(x):
        return nn.MaxPool2d(3, stride=2)(F.pad(x, (1, 1, 1, 1)))

    def model(x):
        return nn.MaxPool2d(3, stride=2, padding=1)(x)

    def bare(x):
        """no zeros any more, but the output has become smaller; the windows should still reach beyond the border."""
        return nn.MaxPool2d(3, stride=2)(x)

    def low(x):
        """-100 is low, but not low enough for every map: a border has to lose against any number."""
        return nn.MaxPool2d(3, stride=2)(F.pad(x, (1, 1, 1, 1), value=-100.0))

    def rectified(x):
        """the ReLU hides the zeros by setting every negative cell to 0; the cells of x should stay as they are."""
        return nn.MaxPool2d(3, stride=2, padding=1)(F.relu(x))


@admit("dark-border", lambda: [torch.ones(1, 5, 5), *_maps((2, 3, 6, 8), (1, 3, 9))])
class DarkBorder:
    """The size stays, and every output is the mean of the cells in its window."""

    hint = (
        "The window in the corner reads 4 cells of the image, and their sum is divided by 9. count_include_pad "
        "says whether padding is counted."
    )

    def broken(x):
        return nn.AvgPool2d(3, stride=1, padding=1)(x)

    def model(x):
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)(x)

    def bare(x):
        """without padding the border is not dark, it is gone: the output has two rows and columns fewer."""
        return nn.AvgPool2d(3, stride=1)(x)

    def by_nine(x):
        """dividing by 9 everywhere is what made the border dark; a corner window holds 4 cells."""
        return nn.AvgPool2d(3, stride=1, padding=1, divisor_override=9)(x)

    def by_four(x):
        """dividing by 4 is right in the corners alone; other windows hold 6 or 9 cells."""
        return nn.AvgPool2d(3, stride=1, padding=1, divisor_override=4)(x)
