"""Every pooling that a model calls, as a layer or as a function, and what is known of each tensor on its way.

A `TorchFunctionMode` sees the calls of torch's functions. So it finds `F.max_pool2d` as well as `nn.MaxPool2d`, which
calls it, and what a layer of one's own in truth asks of torch. Hooks add the name of the module that is at work.
"""

import dataclasses
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle
from torch.utils.weak import WeakTensorKeyDictionary

from ..maths import rules
from ..maths.kinds.adaptive import Adaptive
from ..maths.kinds.fractional import Fractional
from ..maths.kinds.lp import LP
from ..maths.kinds.pooling import Pooling
from ..maths.windows import KINDS, Pair, Sliding, Windows, layer_name
from .probe import reached
from .receptive import Field

# what each function is, and its arguments in order; names as torch spells them, those of aten among them
POOL = ("x", "kernel_size", "stride", "padding")
MAX = (*POOL, "dilation", "ceil_mode", "return_indices")
AVERAGE = (*POOL, "ceil_mode", "count_include_pad", "divisor_override")
ADAPTIVE = ("x", "output_size", "return_indices")
FRACTIONAL = ("x", "kernel_size", "output_size", "output_ratio", "return_indices", "_random_samples")
FUNCTIONS = {
    "max_pool2d": ("max", MAX),
    "max_pool2d_with_indices": ("max", MAX),
    "avg_pool2d": ("avg", AVERAGE),
    "adaptive_max_pool2d": ("adaptive max", ADAPTIVE),
    "adaptive_max_pool2d_with_indices": ("adaptive max", ADAPTIVE),
    "adaptive_avg_pool2d": ("adaptive avg", ADAPTIVE),
    "lp_pool2d": ("lp", ("x", "norm_type", "kernel_size", "stride", "ceil_mode")),
    "fractional_max_pool2d": ("fractional max", FRACTIONAL),
    "fractional_max_pool2d_with_indices": ("fractional max", FRACTIONAL),
    "conv2d": ("conv", ("x", "weight", "bias", "stride", "padding", "dilation", "groups")),
}
WEIGHT = ("weight", "bias")
OTHERS = {f"{kind}_pool{n}d" for kind in ("max", "avg", "lp", "adaptive_max", "adaptive_avg") for n in (1, 3)}

MOVES = {"permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "mT", "T"}
WEIGHTS = {"conv2d", "conv_transpose2d", "linear", "bilinear", "matmul", "mm", "bmm", "einsum"}
CELLWISE = {"add", "sub", "rsub", "mul", "div", "neg", "cat", "concat", "batch_norm", "clone", "contiguous", "to"}
CELLWISE |= {"float", "half", "bfloat16", "double", "detach", "type_as", "cuda", "cpu", "alias", "layer_norm"}
CELLWISE |= {"group_norm", "instance_norm", "dropout", "dropout2d", "feature_dropout", "alpha_dropout", "requires_grad"}
ACTIVATIONS = {"relu", "relu6", "hardtanh", "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu"}
ACTIVATIONS |= {"mish", "sigmoid", "hardsigmoid", "hardswish", "logsigmoid", "tanh", "softplus", "softsign", "abs"}
ACTIVATIONS |= {"tanhshrink", "softshrink", "hardshrink", "threshold", "clamp", "clamp_min", "square", "exp", "pow"}
SHAPES = {"flatten", "view", "reshape", "squeeze", "unsqueeze", "mean", "amax", "max"}  # the numbers stay what they are


@dataclass(frozen=True)
class Strided:
    """A convolution that moves by more than one cell, as far as its windows go; it may mix its channels."""

    channels: Pair  # made, read
    groups: int
    has_bias: bool
    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    kind = "conv"
    shares = "varied"
    ceil_mode = False
    taps = Sliding.taps

    def code(self) -> str:
        (made, read), plain = self.channels, {"padding": (0, 0), "dilation": (1, 1), "groups": 1, "bias": True}
        settings = {"in_channels": read, "out_channels": made, "kernel_size": self.kernel_size, "stride": self.stride}
        more = {"padding": self.padding, "dilation": self.dilation, "groups": self.groups, "bias": self.has_bias}
        return line(self.kind, settings | {name: value for name, value in more.items() if value != plain[name]})

    def as_function(self) -> str:
        made, read = self.channels
        weight = ", ".join(map(str, (made, read // self.groups, *self.kernel_size)))
        settings = (
            self.code().partition(f"kernel_size={rules.short(self.kernel_size)}, ")[2].replace(", bias=False", "")
        )
        return f"F.conv2d(x, torch.empty({weight}), {settings}"


def line(kind: str, settings: dict[str, Any]) -> str:
    """The layer of a kind and its settings as a line of Python."""
    return f"{layer_name(kind)}({', '.join(f'{n}={rules.short(v)}' for n, v in settings.items())})"


class Readers:
    """Which cells of a map are read by anything at all."""

    def __init__(self):
        self.everything, self.masks = False, []

    def unread(self, h: int, w: int, pads: tuple[int, ...]) -> torch.Tensor:
        """bool of shape (h, w): True where nothing reads a cell; never in `pads`, the margins that were added to it."""
        left, right, top, bottom = pads
        open_ = torch.zeros(h, w, dtype=torch.bool, device="cpu")
        if not self.everything:
            open_[top : h - bottom, left : w - right] = True
            for rows, cols in self.masks:
                open_ &= ~(rows[:, None] & cols)
        return open_


@dataclass(frozen=True)
class Tag:
    """What is known of a tensor.

    Attributes:
        field: what one of its cells sees of the picture; None where that is not a box of a fixed place.
        axes: what its dimensions are, such as "NCHW"; "" where that is not known.
        origin: "input", "weights" for what a layer with weights made and no activation followed, "active", or "".
        pads: left, right, top and bottom margins that were added to it.
        awaiting: poolings over negative numbers that no activation has followed yet.
    """

    field: Field | None = None
    axes: str = ""
    origin: str = ""
    pads: tuple[int, ...] = (0, 0, 0, 0)
    awaiting: frozenset[int] = frozenset()


@dataclass
class Call:
    """One call of a pooling, or of a convolution with a stride."""

    place: str  # the module at work, "" for the model itself
    is_layer: bool
    kind: str
    windows: Windows | Strided | None
    given: dict[str, Any]  # the arguments by name, without the input
    tag: Tag
    shape: tuple[int, ...]
    readers: Readers = dataclasses.field(default_factory=Readers)
    output: tuple[int, ...] | None = None  # None where the call failed
    field: Field | None = None  # what a cell of its output sees
    seconds: float = 0.0
    indices: str = ""  # "asked", "used"
    followed: str = ""  # the function with weights that a maximum of negative numbers goes to, with nothing between
    measured: Any = None
    reached: int | None = None  # numbers of its input that get a gradient which is not 0
    broken: int = 0  # those that get an infinite one, or NaN
    depthwise: tuple | None = None  # weight and bias of a convolution that keeps its channels apart

    def code(self) -> str:
        """The line of Python, with what is not default."""
        if self.windows is not None:
            text = self.windows.code()
        else:
            told = {name: v for name, v in self.given.items() if v is not None and v is not False}
            text = line(self.kind, told)
        if self.is_layer:
            return text
        if isinstance(self.windows, Strided):
            return self.windows.as_function()
        return f"{self.function}(x, {text.partition('(')[2]}"

    def takes(self, gradient: torch.Tensor) -> None:
        """A hook on the input: how far the gradient reaches."""
        self.reached, self.broken = reached(gradient), int((~gradient.isfinite()).sum())

    @property
    def function(self) -> str:
        return "F.conv2d" if self.kind == "conv" else f"F.{self.kind.replace(' ', '_')}_pool2d"

    @property
    def name(self) -> str:
        """The layer's name in its model, or where the function is called."""
        if self.is_layer:
            return self.place or "(model)"
        return f"{self.place}.{self.function}" if self.place else self.function


class Watch(TorchFunctionMode):
    """Notes each pooling that is called while it is entered.

    Args:
        model: whose modules give the names.
        measure: called with (call, input, output, run) after each; `run(x, **other)` calls the same function again,
            with other arguments if need be.
        on_call: called with the name of each pooling before it runs.
    """

    def __init__(self, model: nn.Module, measure: Callable | None = None, on_call: Callable[[str], None] | None = None):
        super().__init__()
        self.calls: list[Call] = []
        self.others: Counter[str] = Counter()
        self._measure, self._on_call = measure, on_call
        self._stack: list[tuple[str, nn.Module]] = [("", model)]
        self._tags, self._readers = WeakTensorKeyDictionary(), WeakTensorKeyDictionary()
        self._places = WeakTensorKeyDictionary()  # the indices of a maximum, and whose they are
        self._constants = {id(t) for t in (*model.parameters(), *model.buffers())}
        self.hooks: list[RemovableHandle] = []

    def hook(self, model: nn.Module) -> None:
        """Hooks on every module, so that a call knows where it is made."""
        for name, module in model.named_modules():
            enter = module.register_forward_pre_hook(lambda module, _, name=name: self._stack.append((name, module)))
            leave = module.register_forward_hook(lambda *_: self._stack.pop() and None, always_call=True)
            self.hooks += [enter, leave]

    def begin(self, inputs: Any) -> None:
        """The inputs of the model, from which fields are counted."""
        for x in _tensors(inputs):
            self._tags[x] = Tag(Field() if x.ndim in (3, 4) else None, axes_of(x), "input")

    def end(self, output: Any) -> None:
        """What the model gives back is read by whoever called it, indices too."""
        for x in _tensors(output):
            self._read(x)

    # ---- each function of torch --------------------------------------------------------------------------------------

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = _name(func)
        if name in FUNCTIONS:
            call, given = self._note(name, args, kwargs)
            if call is not None:
                return self._pool(call, given, func, args, kwargs)
        if name in OTHERS:
            self.others[name] += 1
        result = func(*args, **kwargs)
        self._follow(name, func, args, kwargs, result)
        return result

    def _note(self, name, args, kwargs):
        """(the call, its input), or (None, None) for a convolution that does not move on by more than one cell."""
        kind, names = FUNCTIONS[name]
        spelled = {"input": "x", "self": "x"}
        given = dict(zip(names, args, strict=False)) | {spelled.get(n, n): v for n, v in kwargs.items()}
        x = given.pop("x", None)
        if not isinstance(x, torch.Tensor) or x.ndim not in (3, 4):
            return None, None  # torch will refuse it
        if kind == "conv" and (max(rules.pair("stride", given.get("stride", 1))) == 1):
            return None, None
        windows = None
        with suppress(TypeError, ValueError, KeyError):  # torch refuses it, too, or its windows have no fixed place
            windows = _windows(kind, given, x)
        place, module = self._stack[-1]
        tag = self._tags.get(x, Tag())
        layer = KINDS[kind].LAYERS[kind]
        is_layer = isinstance(module, layer) and type(module).forward is layer.forward
        return Call(place, is_layer, kind, windows, given, tag, tuple(x.shape)), x

    def _pool(self, call, x, func, args, kwargs):
        self.calls.append(call)
        index = len(self.calls) - 1
        if self._on_call:
            self._on_call(call.place)
        _wait(x)
        begun = time.perf_counter()
        result = func(*args, **kwargs)
        _wait(x)
        call.seconds = time.perf_counter() - begun
        output, *places = result if isinstance(result, (tuple, list)) else (result,)
        call.output = tuple(output.shape)
        call.readers = self._read(x, _masks(call.windows, x, output))
        if places:
            call.indices = "asked"
            self._places[places[0]] = call
        if self._measure:
            others = {n: v for n, v in call.given.items() if n != "return_indices"}
            self._measure(call, x.detach(), output.detach(), _runner(call.kind, others))
        if x.requires_grad and self._measure:
            self.hooks.append(x.register_hook(call.takes))
        if isinstance(call.windows, Strided) and call.windows.groups == x.shape[-3] == call.windows.channels[0]:
            call.depthwise = tuple(v if v is None else v.detach().cpu().clone() for v in map(call.given.get, WEIGHT))
        call.given = {n: v for n, v in call.given.items() if not isinstance(v, torch.Tensor)}  # the model's own
        self._tags[output] = self._after(call, index)
        return result

    def _after(self, call, index):
        tag = call.tag
        if tag.field and call.windows is not None:
            call.field = _passed(tag.field, call.windows, call.shape, call.output)
        if call.kind == "conv":
            self._fire(tag.awaiting, "a convolution")
            return Tag(call.field, "NCHW"[-len(call.shape) :], "weights")
        negative = "max" in call.kind and tag.origin == "weights" and getattr(call.measured, "negative", 0)
        awaiting = tag.awaiting | {index} if negative else tag.awaiting
        return Tag(call.field, tag.axes, tag.origin, awaiting=awaiting)

    def _fire(self, awaiting, by):
        for index in awaiting:
            self.calls[index].followed = by

    def _follow(self, name, func, args, kwargs, result):
        """Hand on what is known from the tensors that went in to those that come out."""
        results = _tensors(result)
        if not results and _is_plain(result):
            return  # a question about a tensor, such as its shape, reads none of its cells
        given = [t for t in _tensors((args, kwargs)) if id(t) not in self._constants]
        for t in given:
            self._read(t)
        known = [tag for t in given if (tag := self._tags.get(t, Tag())) is not CONSTANT]
        tag = self._tag(name, func, args, kwargs, known, results) if known else CONSTANT
        for t in results:
            if any(t is g for g in given):  # it worked in place: these are other numbers, which nothing has read yet
                self._readers.pop(t, None)
            self._tags[t] = tag

    def _tag(self, name, func, args, kwargs, known, results):
        origin = _together(tag.origin for tag in known)
        awaiting = frozenset().union(*(tag.awaiting for tag in known))
        axes = {tag.axes for tag in known}
        base = Tag(None, axes.pop() if len(axes) == 1 else "", origin, awaiting=awaiting)
        if name in WEIGHTS:
            self._fire(awaiting, "a convolution" if "conv" in name else "a layer with weights")
            base = replace(base, origin="weights", awaiting=frozenset())
            if name == "conv2d":
                return replace(base, axes="NCHW"[-results[0].ndim :], field=_convolved(known[0].field, args, kwargs))
            return base if name == "linear" else replace(base, axes="")
        if name in ACTIVATIONS:
            base = replace(base, origin="active", awaiting=frozenset())
        elif name in MOVES and isinstance(args[0], torch.Tensor):
            return replace(base, axes=_moved(base.axes, func, args, kwargs))
        elif name in SHAPES:
            return replace(base, axes="")
        elif name == "pad":
            return _padded(replace(base, field=known[0].field, pads=known[0].pads), args, kwargs)
        elif name not in CELLWISE:
            return Tag()
        pads = {tag.pads for tag in known}
        return replace(base, field=_beside(known), pads=pads.pop() if len(pads) == 1 else (0, 0, 0, 0))

    def _read(self, x, masks=None):
        """Note that the cells of `x` are read: those of the masks, or all."""
        readers = self._readers.get(x)
        if readers is None:
            readers = self._readers[x] = Readers()
        if masks is None:
            readers.everything = True
            if (call := self._places.get(x)) is not None:
                call.indices = "used"
        else:
            readers.masks.append(masks)
        return readers


CONSTANT = Tag(origin="constant")


def axes_of(x: torch.Tensor) -> str:
    """What the dimensions of a picture are: "NHWC" where no more than 4 numbers stand last, and a map before them.

    >>> axes_of(torch.zeros(1, 32, 32, 3)), axes_of(torch.zeros(1, 3, 32, 32))
    ('NHWC', 'NCHW')
    """
    if x.ndim not in (3, 4):
        return ""
    first, second, last = x.shape[-3:]
    last_are_channels = last in (1, 3, 4) and min(first, second) >= 8 and max(first, second) <= 2 * min(first, second)
    return ("NHWC" if last_are_channels else "NCHW")[-x.ndim :]


def _name(func):
    """A function's name without the marks of working in place; of a property, its own."""
    if getattr(func, "__name__", "") == "__get__":
        return getattr(getattr(func, "__self__", None), "__name__", "")
    return getattr(func, "__name__", "").partition(".")[0].strip("_")


def _tensors(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def _is_plain(result):
    kinds = (int, str, torch.Size, torch.dtype, torch.device, torch.layout, type(None))
    return isinstance(result, kinds) or isinstance(result, tuple) and all(isinstance(r, int) for r in result)


def _windows(kind, given, x):
    if kind in ("max", "avg"):
        names = ["kernel_size", "stride", "padding", "ceil_mode"]
        names += ["dilation"] if kind == "max" else ["count_include_pad", "divisor_override"]
        return Pooling(kind, **{name: given[name] for name in names if name in given})
    if kind.startswith("adaptive"):
        return Adaptive(kind, given["output_size"])
    if kind == "lp":
        names = ["norm_type", "kernel_size", "stride", "ceil_mode"]
        return LP(**{name: given[name] for name in names if name in given})
    if kind == "conv":
        made, read, *kernel = given["weight"].shape
        groups = given.get("groups", 1)
        padding = given.get("padding", 0)
        padding = 0 if padding == "valid" else padding
        pairs = (rules.pair(n, v) for n, v in (("stride", given["stride"]), ("padding", padding)))
        settings = (*pairs, rules.pair("dilation", given.get("dilation", 1)))
        return Strided((made, read * groups), groups, given.get("bias") is not None, tuple(kernel), *settings)
    if x.dtype != torch.float32:
        return None  # torch counts the steps in the dtype of the input, and the rule is that of float32
    plain = dict.fromkeys(("output_size", "output_ratio", "_random_samples"))
    return Fractional.of(SimpleNamespace(**plain | given))


def _masks(windows, x, output):
    """The rows and columns that windows read, as two masks; None for all of them."""
    if windows is None:
        return None
    masks = []
    for i, (size, out) in enumerate(zip(x.shape[-2:], output.shape[-2:], strict=True)):
        taps = windows.taps(i, size, out)
        mask = torch.zeros(size, dtype=torch.bool, device="cpu")
        mask[taps[(taps >= 0) & (taps < size)]] = True
        masks.append(mask)
    return tuple(masks)


def _runner(kind, given):
    """A function of (x, other arguments) that calls torch again, for the values alone."""
    functions: dict[str, Callable] = {"max": F.max_pool2d, "avg": F.avg_pool2d, "lp": F.lp_pool2d, "conv": F.conv2d}
    functions |= {"adaptive max": F.adaptive_max_pool2d, "adaptive avg": F.adaptive_avg_pool2d}
    return lambda x, **other: functions[kind](x, **(given | other))


def _wait(x):
    if x.device.type != "cpu":  # an accelerator goes on while Python reads the clock
        torch.accelerator.synchronize(x.device)


def _passed(seen, windows, shape, output):
    """The field after a pooling; adaptive windows have a fixed place only where they divide the map evenly."""
    if isinstance(windows, (Sliding, Strided)):
        return seen.through(windows.kernel_size, windows.stride, windows.padding, windows.dilation)
    if not isinstance(windows, Adaptive):
        return None
    sizes = list(zip(shape[-2:], output[-2:], strict=True))
    if any(size % out for size, out in sizes):
        return None
    each = tuple(size // out for size, out in sizes)
    return seen.through(each, each)


def _convolved(seen, args, kwargs):
    names = FUNCTIONS["conv2d"][1]
    given = dict(zip(names, args, strict=False)) | kwargs
    kernel, padding = tuple(given["weight"].shape[-2:]), given.get("padding", 0)
    dilation = rules.pair("dilation", given.get("dilation", 1))
    if seen is None:
        return None
    if padding == "same":
        padding = tuple((k - 1) * d // 2 for k, d in zip(kernel, dilation, strict=True))
    padding = rules.pair("padding", 0 if padding == "valid" else padding)
    return seen.through(kernel, rules.pair("stride", given.get("stride", 1)), padding, dilation)


def _together(origins):
    origins = set(origins)
    return "weights" if "weights" in origins else origins.pop() if len(origins) == 1 else ""


def _beside(known):
    first, *others = (tag.field for tag in known)
    for other in others:
        first = first.beside(other) if first and other else None
    return first


def _moved(axes, func, args, kwargs):
    """The axes after a permutation, which is asked what it does to a small tensor whose sizes all differ."""
    if len(axes) != args[0].ndim:
        return ""
    sizes = range(2, 2 + len(axes))
    moved = func(torch.empty(*sizes, device="cpu"), *args[1:], **kwargs)
    return "".join(axes[size - 2] for size in moved.shape)


def _padded(tag, args, kwargs):
    given = dict(zip(("input", "pad", "mode", "value"), args, strict=False)) | kwargs
    pad = list(given["pad"])
    if len(pad) > 4 and any(pad[4:]) or min(pad, default=0) < 0:
        return replace(tag, field=None, pads=(0, 0, 0, 0))
    left, right, top, bottom = (pad + [0] * 4)[:4]
    seen = tag.field
    if seen is not None:
        moved = (seen.start[0] - top * seen.step[0], seen.start[1] - left * seen.step[1])
        seen = replace(seen, start=moved)
    pads = tuple(map(sum, zip(tag.pads, (left, right, top, bottom), strict=True)))
    return replace(tag, field=seen, pads=pads)
