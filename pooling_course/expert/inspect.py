"""What the poolings of a whole network do to one of its inputs: a table, and what is worth a look."""

import inspect
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves, tree_map

from ..maths import rules, words
from ..maths.data import as_tensor
from ..maths.kinds.depthwise import Depthwise
from .bar import Bar
from .findings import Finding, Met, fails_when_small, findings_of
from .measure import measure
from .probe import first_line, gradients, output_of, untouched
from .report import percent, size
from .watch import Call, Strided, Watch

PATIENCE = 1.0  # seconds until a bar says how far it is
KINDS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d, nn.LPPool2d, nn.FractionalMaxPool2d)
MOST_CELLS = 2**16  # of an explorer for which no channel was picked


@dataclass(frozen=True)
class Row:
    """What one call of a pooling, or of a convolution with a stride, did; None where it cannot be said.

    Attributes:
        name: the layer's name in its model, such as "features.4", or where a function is called, such as
            "block.F.max_pool2d"; " #2" and so on for further calls.
        code: the line of Python, with the settings that are not default.
        input, output: shapes, batch included.
        sees, step: rows and columns of the picture that one of its cells sees, and that lie between two neighbours.
        never_read: the share of its map that it never reads.
        padding, overhang: the shares of all window positions that lie in the padding, and beyond it.
        counted: the share of what an average divides by that is padding; None but for averages.
        ties: the share of windows whose maximum stands in more than one cell.
        reached: the share of its input that gets a gradient; None where no backward pass was asked for.
        indices: the bytes of the places that a maximum keeps for its backward pass, int64.
        shifted: how far its output moves beside how much it varies, when its input moves by one cell.
        seconds: the time of this one call.
    """

    name: str
    code: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    sees: tuple[int, int] | None
    step: tuple[int, int] | None
    never_read: float | None
    padding: float | None
    overhang: float | None
    counted: float | None
    ties: float | None
    reached: float | None
    indices: int | None
    shifted: float | None
    seconds: float


def inspect_poolings(
    model: nn.Module,
    x: Any,
    *,
    backward: bool | Callable = False,
    smallest: int | tuple[int, int] | None = None,
    steady: bool = False,
) -> "PoolingReport":
    """Run a network once, and see what each of its poolings does to the very numbers that it meets.

    It finds max, average, adaptive, LP and fractional pooling, and convolutions with a stride, as layers or as
    functions such as `F.max_pool2d`, wherever the model calls them and however often.

    Args:
        model: an `nn.Module`. It runs in the mode it is in, training or not.
        x: its input: floats of shape (N, C, H, W), or what else it takes. A tuple is taken for its arguments, and so
            is a dict of them by name. Real pictures tell more than noise.
        backward: True sends a gradient back, too, of the sum of all outputs; a function takes the output to the loss.
        smallest: the height and width of the smallest picture that the model will meet: then it runs once more, on
            that much of the input's top left corner.
        steady: say True where the answer should not change as the picture moves: shifts are then judged more strictly.

    Returns:
        A PoolingReport: `.rows` and `.findings` as plain data, a table in a notebook, text elsewhere.

    Model and input stay as they are: no hook is left behind, and neither mode, `.grad`, buffers such as the statistics
    of a batch norm, nor the state of torch's random numbers is changed.

    Raises:
        TypeError: no `nn.Module`, one that is scripted, compiled or spread over devices, or no tensor to give to it.
        ValueError: an empty input, a model or loss that fails, `smallest` larger than the input.

    >>> report = inspect_poolings(nn.Sequential(nn.MaxPool2d(2)), torch.arange(9.0).reshape(1, 1, 3, 3))
    >>> report.rows[0].code, report.rows[0].never_read
    ('nn.MaxPool2d(kernel_size=2)', 0.5555555555555556)
    >>> [finding.kind for finding in report.findings]
    ['lost rows']
    """
    _refuse(model)
    args, kwargs = _arguments(model, x)
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
    _check(tensors)
    small = None if smallest is None else _cut(tensors, smallest)
    told = " and ".join(f"shape {tuple(t.shape)}" for t in tensors)
    with untouched(model, "the model", tensors[0].device) as handles, _eager():
        progress = _Progress(model)
        watch = Watch(model, _measured, progress)
        _pass(model, watch, handles, (args, kwargs), f"input of {told}", backward)
        progress.end()
        smaller, failed = _smaller(model, handles, (args, kwargs), small) if small else ([], "")
    return PoolingReport(type(model).__name__, watch, smaller, failed, bool(backward), steady)


class PoolingReport:
    """What `inspect_poolings` found.

    Attributes:
        rows: a list of Row, in the order of the calls.
        findings: a list of Finding: `kind`, `name` of the row, `severity` ("mistake", "check" or "note"), `what` was
            found, `why` it matters, a `remedy`, and the lesson as `link`; the gravest first.
    """

    def __init__(self, model: str, watch: Watch, smaller: list[Call], failed: str, backward: bool, steady: bool):
        self._model, self._backward, self._others = model, backward, watch.others
        self._calls = dict(zip(_numbered(watch.calls), watch.calls, strict=True))
        self.rows = [_row(name, call) for name, call in self._calls.items()]
        twins = dict(zip(_numbered(smaller), smaller, strict=True))
        self.findings: list[Finding] = []
        for name, call in self._calls.items():
            self.findings += findings_of(name, Met(call, twins.get(name), backward, steady))
        if failed and not any(finding.kind == "too small a map" for finding in self.findings):
            self.findings.append(fails_when_small(failed, list(twins.items())))
        order = ("mistake", "check", "note")
        self.findings.sort(key=lambda finding: order.index(finding.severity))

    def __repr__(self):
        lines = [self._title(), ""]
        if self.rows:
            table = [self._heads(), *(self._cells(row) for row in self.rows)]
            widths = [max(map(len, column)) for column in zip(*table, strict=True)]
            for line in table:
                lines.append("  ".join(t.ljust(wide) for t, wide in zip(line, widths, strict=True)).rstrip())
            lines.append("")
        lines += [self._headline(), *(f"- {finding}" for finding in self.findings)]
        return "\n".join(lines).strip()

    def _repr_html_(self):
        from .inspect_page import page

        cells = [self._cells(row) for row in self.rows]
        pictured = [
            (call.measured, call.readers.unread(*call.shape[-2:], call.tag.pads)) for call in self._calls.values()
        ]
        return page(self._title(), self._heads(), cells, pictured, self._headline(), self.findings)

    def explorer(self, name: str, channel: int | None = None):
        """A PoolingExplorer on the first picture of what this layer itself met; its channels are picked there.

        Args:
            name: as in `rows`, such as "features.4".
            channel: shows this one alone; None shows them all, or as many as a page can bear.

        Raises:
            ValueError: a name or channel that is not there, or a layer that cannot be shown as windows with shares.

        >>> report = inspect_poolings(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), torch.rand(1, 3, 8, 8))
        >>> report.explorer("1", channel=2)
        PoolingExplorer(8 x 8, nn.MaxPool2d(kernel_size=2))
        """
        from ..explorer.explorer import PoolingExplorer

        if name not in self._calls:
            there = ", ".join(map(repr, self._calls)) or "none"
            raise ValueError(f"{name!r} is none of the poolings that were called: {there}.")
        call = self._calls[name]
        x = call.measured.x
        if channel is not None:
            if not 0 <= rules.integer("channel", channel) < len(x):
                raise ValueError(f"channel={channel}: {name} met {len(x)} channels, 0 to {len(x) - 1}.")
            chosen = slice(channel, channel + 1)
        else:
            chosen = slice(0, max(1, MOST_CELLS // x[0].numel()))
        shown = x[chosen]
        return PoolingExplorer(shown[0] if len(shown) == 1 else shown, _shown(name, call, chosen))

    # ---- words -------------------------------------------------------------------------------------------------------

    def _title(self):
        n, s = len(self.rows), "s" * (len(self.rows) != 1)
        others = "".join(f"; F.{name} is called, too ({count}), and not shown" for name, count in self._others.items())
        return f"{n} pooling{s} or strided convolution{s} in {self._model}{others}"

    def _headline(self):
        n = len(self.findings)
        if not self.rows:
            return "Nothing to see: the model called no 2-D pooling, and no convolution with a stride."
        return f"{n} finding{'s' * (n != 1)}" if n else "No findings."

    def _heads(self):
        heads = ["layer", "settings", "input", "output", "sees", "step", "never read", "padding", "beyond", "ties"]
        heads += ["gets a gradient"] * self._backward
        return [*heads, "indices", "moved by a shift", "ms"]

    def _cells(self, row):
        padding = _share(row.padding) + (" counted" if row.counted else "")
        cells = [row.name, row.code, size(row.input), size(row.output), _pair(row.sees), _pair(row.step)]
        cells += [_share(row.never_read), padding, _share(row.overhang), _share(row.ties)]
        cells += [_share(row.reached)] * self._backward
        shifted = NONE if row.shifted is None else f"{row.shifted:.2f}"
        return [*cells, _bytes(row.indices), shifted, words.number(float(f"{1000 * row.seconds:.2g}"))]


NONE = "–"


def _share(share):
    return NONE if share is None else percent(share)


def _pair(value):
    return NONE if value is None else size(value) if value[0] != value[1] else str(value[0])


def _bytes(count):
    if count is None:
        return NONE
    for unit, each in (("MB", 1e6), ("kB", 1e3)):
        if count >= each:
            return f"{words.number(float(f'{count / each:.3g}'))} {unit}"
    return f"{count} B"


def _numbered(calls):
    """Their names, each once: further calls of one name are counted."""
    met: Counter[str] = Counter()
    names = []
    for call in calls:
        met[call.name] += 1
        names.append(call.name if met[call.name] == 1 else f"{call.name} #{met[call.name]}")
    return names


def _row(name, call):
    found = call.measured
    field = call.field
    reached = None if call.reached is None else call.reached / max(1, torch.Size(call.shape).numel())
    return Row(
        name=name,
        code=call.code(),
        input=call.shape,
        output=call.output,
        sees=field and field.sees,
        step=field and field.step,
        never_read=found.never_read,
        padding=found.padding,
        overhang=found.overhang,
        counted=found.counted,
        ties=found.ties,
        reached=reached,
        indices=8 * torch.Size(call.output).numel() if found.negative is not None else None,
        shifted=found.shifted,
        seconds=call.seconds,
    )


def _shown(name, call, chosen):
    if isinstance(call.windows, Strided):
        if call.depthwise is None:
            made, read = call.windows.channels
            raise ValueError(
                f"{name} makes each of its {made} outputs of {read // call.windows.groups} channels: as windows with "
                f"shares, only a convolution that keeps its channels apart can be shown."
            )
        weight, bias = call.depthwise
        p = call.windows
        bias = None if bias is None else bias[chosen].tolist()
        return Depthwise(weight[chosen, 0].tolist(), bias, p.stride, p.padding, p.dilation)
    if call.windows is None:
        raise ValueError(f"{name} has no windows of a fixed place, so the explorer cannot show it: {call.code()}.")
    return call.windows


# ---- One pass --------------------------------------------------------------------------------------------------------


def _measured(call, x, output, run):
    call.measured = measure(call.windows, call.kind, x, output, run)


def _pass(model, watch, handles, inputs, told, backward):
    leaves = []

    def given(value):
        if not isinstance(value, torch.Tensor):
            return value
        value = value.detach().clone()
        if backward and value.is_floating_point():
            leaves.append(value.requires_grad_())
            value = value.clone()  # the first layer may work in place
        return value

    args, kwargs = tree_map(given, inputs)
    watch.begin((args, kwargs))
    try:
        watch.hook(model)
        with torch.set_grad_enabled(bool(backward)), watch:
            output = output_of(model, "the model", told, *args, **kwargs)
        watch.end((output, [vars(module) for module in model.modules()]))
        if backward:
            loss = _loss(backward, output)
            gradients("the model", loss, [*leaves, *(p for p in model.parameters() if p.requires_grad)])
    finally:
        handles += watch.hooks


def _loss(backward, output):
    if callable(backward):
        try:
            loss = backward(output)
        except Exception as error:
            raise ValueError(f"the loss fails on the model's output: {first_line(error)}") from error
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            raise TypeError("the loss is no single number: backward takes a function from the output to one.")
    else:
        sums = [t.sum() for t in tree_leaves(output) if isinstance(t, torch.Tensor) and t.requires_grad]
        loss = sum(s for s in sums) if sums else torch.zeros(())
    if not loss.requires_grad:
        raise ValueError("the output takes no gradient: it was cut off, or depends neither on input nor weights.")
    return loss


def _smaller(model, handles, inputs, cut):
    """(the calls of a pass with the smallest input, why it failed or "")."""
    watch = Watch(model)
    try:
        _pass(model, watch, handles, tree_map(cut, inputs), "it", False)
    except ValueError as error:
        return watch.calls, first_line(error.__cause__ or error)
    return watch.calls, ""


class _Progress:
    """A bar, once it takes long."""

    def __init__(self, model):
        self.steps = sum(isinstance(m, KINDS) or _strides(m) for m in model.modules())
        self.begun, self.bar, self.met = time.perf_counter(), None, 0

    def __call__(self, name):
        self.met += 1
        if self.bar is None and time.perf_counter() - self.begun > PATIENCE:
            self.bar = Bar(max(self.steps, self.met), "poolings")
            self.bar.begun = self.met - 1
        if self.bar is not None:
            self.bar.step(name or "(model)")

    def end(self):
        if self.bar is not None:
            self.bar.begun = max(self.bar.begun, self.bar.steps)
            self.bar.end()


def _strides(module):
    return isinstance(module, nn.Conv2d) and max(module.stride) > 1


def _eager():
    """Functions that torch.compile has made run as Python, where they can be seen."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


# ---- What is given ---------------------------------------------------------------------------------------------------


def _refuse(model):
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is of type {type(model).__name__}: give an nn.Module.")
    for name, module in model.named_modules():
        why = _hidden(module)
        if why:
            raise TypeError(f"the model{f' has a part, {name!r}, that' if name else ''} {why}")


def _hidden(module):
    """Why Python does not see what a module calls, and what would work; None where it does."""
    if isinstance(module, torch.jit.ScriptModule):
        return "is scripted and runs outside of Python: give the nn.Module that it was made of."
    if hasattr(module, "_orig_mod"):
        return "is compiled and may call no pooling at all: give what it was made of, its ._orig_mod."
    if module._compiled_call_impl is not None:
        return "was compiled by .compile() and may call no pooling at all: give a copy that was not."
    if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return f"is spread over devices by nn.{type(module).__name__}: give its .module."
    return None


def _arguments(model, x):
    """(args, kwargs) of the model: a tuple or a dict holds its arguments where its forward takes them so."""
    takes = inspect.signature(model.forward)
    if isinstance(x, (tuple, Mapping)):
        x = tree_map(lambda v: as_tensor(v) if hasattr(v, "__array__") else v, x)
        args, kwargs = (x, {}) if isinstance(x, tuple) else ((), x)
        try:
            takes.bind(*args, **kwargs)
        except TypeError:
            return (x,), {}
        return tuple(args), dict(kwargs)
    if isinstance(x, list) and any(isinstance(leaf, torch.Tensor) for leaf in tree_leaves(x)):
        return (x,), {}
    return (as_tensor(x),), {}


def _check(tensors):
    if not tensors:
        raise TypeError("the input holds no tensor: give what the model takes, such as floats of shape (N, C, H, W).")
    for t in tensors:
        if t.is_meta:
            raise TypeError(f"input of shape {tuple(t.shape)} on the meta device: it has no numbers to pool.")
        if not t.numel():
            raise ValueError(f"the input of shape {tuple(t.shape)} is empty: there is nothing to measure.")


def _cut(tensors, smallest):
    """A function that leaves the top left corner of every picture."""
    h, w = rules.pair("smallest", smallest)
    sizes = next((tuple(t.shape[-2:]) for t in tensors if t.ndim in (3, 4)), None)
    if sizes is None or not (1 <= h <= sizes[0] and 1 <= w <= sizes[1]):
        raise ValueError(f"smallest={(h, w)}: give a height and width from 1 up to those of the input, {sizes}.")

    def cut(t):
        return t[..., :h, :w] if isinstance(t, torch.Tensor) and t.ndim > 2 and tuple(t.shape[-2:]) == sizes else t

    return cut
