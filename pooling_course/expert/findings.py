"""What is worth a look in the poolings of a network: each finding a sentence with its numbers, and what would work.

A finding is about this network on these activations. A rule stands in one function: it gives what was found and what
would work, or None. Why it matters, how grave it is and where the course explains it stand above it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ..maths import rules, words
from ..maths.windows import Sliding
from .report import percent, size
from .watch import Call, Strided

MISTAKE, CHECK, NOTE = "mistake", "check", "note"
# On independent noise, 2 x 2 windows move by about 1: far more than that says that the map is finer than the new grid.
SHIFTED, STEADY = 1.2, 0.5
ENOUGH = 256  # outputs; of fewer, chance alone may say so
HELPS = 0.75  # a blur is proposed where it leaves at most so much of the change
DEAD = 0.9
FEW = 0.05  # cells that are lost: fewer than that are a note


@dataclass(frozen=True)
class Finding:
    """One thing that is worth a look.

    Attributes:
        kind: a word for it, such as "lost rows".
        name: the layer or function, as in the report's rows.
        severity: "mistake" for what can hardly be meant, "check" for what depends on what you meant, "note" for what
            is good to know.
        what: what was found, with its numbers.
        why: why it matters.
        remedy: what would work.
        lesson: where the course explains it: a notebook and the heading in it.
    """

    kind: str
    name: str
    severity: str
    what: str
    why: str
    remedy: str
    lesson: tuple[str, str]

    def __str__(self):
        notebook, heading = self.lesson
        return f"{self.severity}: {self.name} {self.what} {self.why} {self.remedy} (Lesson {notebook[:2]}, {heading})"

    @property
    def link(self) -> str:
        """The heading in its notebook, as a link that works beside the lessons."""
        notebook, heading = self.lesson
        return f"{notebook}.ipynb#{heading.replace('`', '').replace(' ', '-')}"


@dataclass(frozen=True)
class Met:
    """What the rules look at: one call, and what was asked of the report."""

    call: Call
    smaller: Call | None  # the same call in the pass with the smallest input
    backward: bool
    steady: bool

    @property
    def map(self) -> str:
        return " × ".join(map(str, self.call.shape[-2:]))


@dataclass(frozen=True)
class Rule:
    kind: str
    severity: str
    why: str
    lesson: tuple[str, str]
    look: Callable[[Met], Any]  # (what, remedy) or (what, remedy, severity), or None

    def __call__(self, name: str, met: Met) -> Finding | None:
        found = self.look(met)
        if found is None:
            return None
        what, remedy, severity = (*found, self.severity)[:3]
        return Finding(self.kind, name, severity, what, self.why, remedy, self.lesson)


RULES: list[Rule] = []


def rule(kind: str, severity: str, why: str, notebook: str, heading: str):
    def add(look):
        RULES.append(Rule(kind, severity, why, (notebook, heading), look))
        return look

    return add


def findings_of(name: str, met: Met) -> list[Finding]:
    return [found for each in RULES if (found := each(name, met)) is not None]


# ---- Cells that nothing reads ----------------------------------------------------------------------------------------


def unread(call):
    """(rows and columns at the end that nothing reads, all cells between windows that nothing reads, all unread)."""
    never = call.readers.unread(*call.shape[-2:], call.tag.pads)
    total = int(never.sum())
    if not isinstance(call.windows, (Sliding, Strided)):  # where adaptive ones read all, and fractional ones draw lots
        return (0, 0), 0, 0
    if total and _leaves_gaps(call.windows):
        return (0, 0), total, total
    left, right, top, bottom = call.tag.pads
    own = never[top : never.shape[0] - bottom, left : never.shape[1] - right]
    ends = tuple(_at_the_end(own.all(1 - i)) for i in (0, 1))
    between = own[: own.shape[0] - ends[0], : own.shape[1] - ends[1]]
    return ends, int(between.sum()), total


def _leaves_gaps(windows):
    reaches = zip(windows.kernel_size, windows.dilation, windows.stride, strict=True)
    return any(d * (k - 1) + 1 < stride for k, d, stride in reaches)


def _at_the_end(lost):
    """How many of the last entries are True; none where all are."""
    kept = (~lost).nonzero()
    return len(lost) - 1 - int(kept[-1]) if len(kept) else 0


@rule(
    "lost rows",
    CHECK,
    "What stands there has no say in any output.",
    "05_kernel_size_and_stride",
    "`nn.MaxPool2d(2)` halves even sizes; odd ones lose their last row and column",
)
def _lost(met):
    call = met.call
    (rows, cols), _, never = unread(call)
    if not rows and not cols:
        return None
    cells = call.shape[-2] * call.shape[-1]
    lost = " and ".join(f"{n} {what}s" if n > 1 else what for n, what in ((rows, "row"), (cols, "column")) if n)
    kernel = "a kernel_size that divides the map, or padding" if call.kind == "conv" else "ceil_mode=True, padding"
    fit = [_next_fit(call.windows, i, call.shape[-2 + i]) for i in (0, 1)]
    sizes = f", or maps of a size that it fits, such as {fit[0]} × {fit[1]}" if all(fit) else ""
    severity = NOTE if never / cells < FEW else CHECK
    what = f"never reads the last {lost} of its {met.map} map, and nothing else does: {percent(never / cells)} of it."
    return what, f"What reads all: {kernel}{sizes}.", severity


def _next_fit(windows, i, size):
    """The next larger size of the map, along axis `i`, all of which is read."""
    reach = windows.dilation[i] * (windows.kernel_size[i] - 1) + 1
    sizes = range(size, size + windows.stride[i])
    return next((n for n in sizes if (n + 2 * windows.padding[i] - reach) % windows.stride[i] == 0), None)


@rule(
    "skipped cells",
    CHECK,
    "It pays for a map of which the next layers only see a part, and the smallest shift shows them another part.",
    "05_kernel_size_and_stride",
    "Gaps between windows open only where the stride exceeds the kernel size",
)
def _skipped(met):
    call = met.call
    _, between, _ = unread(call)
    if not between:
        return None
    kernel, stride = rules.short(call.windows.kernel_size), rules.short(call.windows.stride)
    gone = percent(between / (call.shape[-2] * call.shape[-1]))
    what = f"leaves {gone} of its {met.map} map unread, between its windows, and nothing else reads "
    what += f"them: kernel_size={kernel} with stride={stride}."
    average = f"nn.AvgPool2d({stride}) before a convolution of stride 1, or a kernel_size of at least the stride"
    return what, f"What reads all: {average}." if call.kind == "conv" else "Take a kernel_size of at least the stride."


# ---- Axes and settings -----------------------------------------------------------------------------------------------


@rule(
    "axes",
    MISTAKE,
    "A pooling takes the last two dimensions for rows and columns, whatever they mean.",
    "03_maxpool2d_in_pytorch",
    "The last two dimensions are pooled, whatever they mean",
)
def _axes(met):
    axes = met.call.tag.axes
    if not axes or met.call.kind == "conv" or set(axes[-2:]) == {"H", "W"}:
        return None
    names = {"N": "images", "C": "channels", "H": "rows", "W": "columns"}
    pooled = " and ".join(names[axis] for axis in axes[-2:])
    what = f"pools {pooled}: its input of shape {size(met.call.shape)} has its dimensions in the order {axes}."
    order = ", ".join(str(axes.index(axis)) for axis in "NCHW"[-len(axes) :])
    return what, f"x.permute({order}) brings rows and columns to the end."


@rule(
    "transposed map",
    CHECK,
    "Settings that differ in height and width then act the wrong way round.",
    "03_maxpool2d_in_pytorch",
    "The last two dimensions are pooled, whatever they mean",
)
def _transposed(met):
    call = met.call
    if call.tag.axes[-2:] != "WH" or call.windows is None:
        return None
    pairs = ("kernel_size", "stride", "padding", "dilation", "size")
    unlike = [n for n in pairs if len(set(getattr(call.windows, n, (0, 0)))) > 1]
    if not unlike:
        return None
    value, told = getattr(call.windows, unlike[0]), "output_size" if unlike[0] == "size" else unlike[0]
    what = f"meets a map of shape {size(call.shape)} whose rows and columns were exchanged, with {told}={value}."
    return what, f"Pool before the transpose, or write {told}={value[::-1]}."


@rule(
    "default stride",
    NOTE,
    "A stride that is left out is the kernel_size, not 1: the windows do not overlap.",
    "03_maxpool2d_in_pytorch",
    "Leave the stride out, and it is the kernel size",
)
def _stride(met):
    call, p = met.call, met.call.windows
    if call.kind not in ("max", "avg", "lp") or p is None or call.output is None:
        return None
    if not all(k == s and k > 2 and k % 2 and out > 1 for k, s, out in _axes_of(call)):
        return None
    k = p.kernel_size
    what = f"moves by {rules.short(p.stride)} and takes its {met.map} map to {size(call.output[-2:])}, with "
    what += f"kernel_size={rules.short(k)} and the same stride."
    if p.padding == tuple(n // 2 for n in k):
        what += f" Its padding={rules.short(p.padding)} would keep the size at stride=1."
        return what, "If the size should stay, say stride=1; if it should halve, stride=2.", CHECK
    return (
        what,
        "If that is meant, nothing; if windows should overlap, say stride=2; if the size should stay, stride=1.",
    )


def _axes_of(call):
    return zip(call.windows.kernel_size, call.windows.stride, call.output[-2:], strict=True)


@rule(
    "one size",
    NOTE,
    "A larger picture then gives more than one number a channel or loses its last rows, and a smaller one fails.",
    "04_avgpool2d_in_pytorch",
    "A whole map in one number",
)
def _one_size(met):
    call = met.call
    if not call.is_layer or call.kind not in ("max", "avg") or call.windows is None:
        return None
    whole = call.shape[-2:]
    if call.windows.kernel_size != whole or min(whole) < 2 or any(call.windows.padding):
        return None
    adaptive = "nn.AdaptiveAvgPool2d(1)" if call.kind == "avg" else "nn.AdaptiveMaxPool2d(1)"
    what = f"has a window of {met.map}, just as large as its map: it fits pictures of this one size."
    return what, f"{adaptive} takes the whole map at every size."


@rule(
    "changes nothing",
    NOTE,
    "It costs time and memory for a copy.",
    "05_kernel_size_and_stride",
    "Two questions, two effects",
)
def _nothing(met):
    call, found = met.call, met.call.measured
    if call.kind.startswith("adaptive") or not found.same or found.most != 1:
        return None
    if call.shape[-2:] == (1, 1):
        return (
            "changes nothing: its map is 1 × 1, so each window has a single cell.",
            "Take a larger picture, or fewer steps that shrink the map before it.",
        )
    return f"changes nothing: each of its windows on its {met.map} map has a single cell.", "Leave it out."


@rule(
    "divisor",
    CHECK,
    "An average is then no average: all that follows meets different numbers.",
    "04_avgpool2d_in_pytorch",
    "What it divides by",
)
def _divisor(met):
    p = met.call.windows
    if met.call.kind != "avg" or p is None or p.divisor_override is None:
        return None
    area = p.kernel_size[0] * p.kernel_size[1]
    if p.divisor_override == area:
        return None
    what = f"divides sums over {area} cells by divisor_override={p.divisor_override}: outputs are "
    what += f"{words.number(area / p.divisor_override)} times the average."
    return what, "Leave divisor_override out, unless sums of this scale are meant."


# ---- Padding and rounding --------------------------------------------------------------------------------------------


@rule(
    "padding counted",
    NOTE,
    "The zeros of the padding are averaged in, so a flat map gets a border of smaller magnitude.",
    "06_padding",
    "`count_include_pad` decides what is in the divisor",
)
def _padding(met):
    found = met.call.measured
    if not found.lowered:
        return None
    area = met.call.windows.kernel_size[0] * met.call.windows.kernel_size[1]
    what = f"counts padding: {percent(found.counted)} of what it averages on its {met.map} map are zeros from outside, "
    what += f"and {percent(found.lowered)} of its outputs differ because of it; some windows divide "
    what += f"{found.fewest} cell{'s' * (found.fewest != 1)} by {area}."
    return what, "count_include_pad=False divides by the cells there are."


@rule(
    "ONNX",
    CHECK,
    "Runtimes for ONNX have kept that window, so an exported model gives another shape (pytorch issue 131272).",
    "05_kernel_size_and_stride",
    "ceil_mode adds a window, if there is something left for it",
)
def _onnx(met):
    call = met.call
    if (
        not isinstance(call.windows, Sliding)
        or not call.windows.ceil_mode
        or not any(call.windows.drops_last(*call.shape[-2:]))
    ):
        return None
    what = f"has ceil_mode=True on its {met.map} map, and torch drops a last window that would start in the padding: "
    what += f"{size(call.output[-2:])} come out."
    return what, "ceil_mode=False, or padding=0, gives the same shape everywhere; compare the exported model's."


@rule(
    "ONNX divisor",
    CHECK,
    "Runtimes for ONNX have divided by the whole window there, so an exported model gives different numbers at the "
    "border (pytorch issue 183528).",
    "04_avgpool2d_in_pytorch",
    "What it divides by",
)
def _onnx_divisor(met):
    call, p = met.call, met.call.windows
    if call.kind != "avg" or p is None or not (p.ceil_mode and p.count_include_pad and p.divisor_override is None):
        return None
    if not call.measured.overhang:
        return None
    what = f"has ceil_mode=True and windows that reach beyond the {met.map} map and its padding; torch leaves that "
    what += "overhang out of the divisor."
    return what, "count_include_pad=False says it the same way to both; compare the exported model's numbers."


@rule(
    "too small a map",
    MISTAKE,
    "The model cannot run on the smallest picture that it is said to meet.",
    "05_kernel_size_and_stride",
    "The size, with the numbers put in",
)
def _too_small(met):
    found = _over_the_edge(met, runs=False)
    return (found, "Give it larger pictures, or put an adaptive pooling in its place.") if found else None


@rule(
    "wide window",
    NOTE,
    "Each window then holds all the cells there are, and pools nothing away but what is padding.",
    "05_kernel_size_and_stride",
    "The size, with the numbers put in",
)
def _wide(met):
    found = _over_the_edge(met, runs=True)
    if not found:
        return None
    return f"{found} Only its padding lets it run.", "Larger pictures, or fewer steps that shrink the map before it."


def _over_the_edge(met, runs):
    """That a window is larger than the map at the smallest picture, where the pooling runs all the same or does not."""
    small = met.smaller
    if small is None or small.kind not in ("max", "avg", "lp") or small.windows is None:
        return ""
    p = small.windows
    reach = [d * (k - 1) + 1 for k, d in zip(p.kernel_size, p.dilation, strict=True)]
    fits = all(n <= cells for n, cells in zip(reach, small.shape[-2:], strict=True))
    if fits or runs is (small.output is None):
        return ""
    return (
        f"meets a map of {size(small.shape[-2:])} at the smallest picture, and its window reaches over "
        f"{reach[0]} × {reach[1]} cells."
    )


# ---- The numbers it meets --------------------------------------------------------------------------------------------


@rule(
    "negative maximum",
    CHECK,
    "With no activation on either side, the maximum is the only step between two sums, and keeps the least negative.",
    "08_myths_and_pitfalls",
    "Claim 13: ReLU has to come before the pooling",
)
def _negative(met):
    call = met.call
    if not call.followed or not call.measured.negative:
        return None
    what = f"takes the maximum of what a layer with weights made, and hands it to {call.followed} with no activation "
    what += f"between; {percent(call.measured.negative)} of its outputs are negative."
    return what, "Put the activation before it or behind it; for ReLU both give the same."


@rule(
    "dead windows",
    CHECK,
    "The gradient of such a window goes to the first of its zeros, and behind a ReLU it ends there.",
    "07_internals_and_backprop",
    "One winner for each window, whatever the tie",
)
def _dead(met):
    found = met.call.measured
    if met.call.tag.origin != "active" or (found.dead or 0) < DEAD:
        return None
    what = f"finds nothing but zeros in {percent(found.dead)} of its windows."
    return what, "See what the layers before it give: weights, bias and learning rate, or a leaky ReLU."


@rule(
    "whole numbers",
    MISTAKE,
    "The fraction of every average is dropped.",
    "04_avgpool2d_in_pytorch",
    "On the CPU averages of whole numbers lose their fraction, and bytes are refused",
)
def _whole(met):
    found = met.call.measured
    if not (met.call.kind == "avg" and met.call.windows is not None and not found.x.is_floating_point()):
        return None
    return f"averages {str(found.x.dtype).removeprefix('torch.')}.", "x.float() before it."


@rule(
    "not finite",
    MISTAKE,
    "From there on, every layer that reads them gives infinities or NaN.",
    "08_myths_and_pitfalls",
    "Claim 14: both layers pool whatever numbers there are",
)
def _burst(met):
    found = met.call.measured
    if not found.burst:
        return None
    dtype = str(found.output.dtype).removeprefix("torch.")
    what = f"gives {found.burst} of {found_total(met.call)} numbers as infinite or NaN ({dtype}), of finite ones."
    if met.call.kind == "lp":
        return (
            what,
            "A power of large numbers overflows, and an odd root of a negative sum is NaN: take x.abs().float().",
        )
    return what, "Take x.float() before it, or smaller numbers."


@rule(
    "NaN",
    MISTAKE,
    "NaN wins every maximum and spoils every average that it is in.",
    "03_maxpool2d_in_pytorch",
    "Ties go to the first, nan beats everything",
)
def _nan(met):
    call = met.call
    if not call.measured.nans:
        return None
    what = f"meets {call.measured.nans} NaN among the {torch.Size(call.shape).numel()} numbers of its input."
    return what, "Look for the layer that made the first one; torch.autograd.set_detect_anomaly helps in training."


@rule(
    "unused indices",
    NOTE,
    "They take eight bytes for each output, twice as much as a float32 itself.",
    "03_maxpool2d_in_pytorch",
    "Where the maximum stood",
)
def _indices(met):
    if met.call.indices != "asked":
        return None
    numbers = found_total(met.call)
    what = f"returns the places of its {numbers} maxima, {numbers * 8:,} bytes, and nothing uses them."
    return what, "return_indices=False, unless you unpool later."


@rule(
    "shift",
    NOTE,
    "A picture that moves by one cell then looks like another one to the layers behind it.",
    "09_expert_zone",
    "Part 1: Shift and aliasing",
)
def _shift(met):
    found = met.call.measured
    if found.shifted is None or found.blurred is None:
        return None
    if found_total(met.call) < ENOUGH:
        return None
    if met.call.kind == "conv" and not met.steady:  # its weights may learn to be calm
        return None
    if found.shifted < (STEADY if met.steady else SHIFTED) or found.blurred > HELPS * found.shifted:
        return None
    what = f"changes its output by {words.number(float(f'{found.shifted:.2g}'))} of the output's own deviation when "
    what += "its input moves by one cell."
    blur = f"stride=1 and then BlurPool2d(3, stride={met.call.windows.stride[0]})"
    return what, f"With {blur} it would be {words.number(float(f'{found.blurred:.2g}'))}."


# ---- Gradients -------------------------------------------------------------------------------------------------------


@rule(
    "no gradient",
    NOTE,
    "The layers before it learn nothing from this loss.",
    "07_internals_and_backprop",
    "Sparse for activations, seldom for weights",
)
def _cut(met):
    call = met.call
    if not met.backward or not call.measured.x.is_floating_point():
        return None
    if call.reached:
        return None
    why = "was cut off, or the loss does not depend on it" if call.reached is None else "is 0 everywhere"
    return f"hands no gradient back to its input: it {why}.", "Look for detach(), torch.no_grad() or dead activations."


@rule(
    "broken gradient",
    MISTAKE,
    "One step of an optimizer with it makes every weight before it NaN.",
    "07_internals_and_backprop",
    "It is the true derivative, except at ties",
)
def _broken(met):
    if not met.call.broken:
        return None
    what = f"hands back {met.call.broken} numbers that are infinite or NaN."
    return what, "In half precision, scale the loss; for nn.LPPool2d, keep its input away from 0."


def found_total(call):
    return torch.Size(call.output).numel()


def fails_when_small(failed: str, calls: list[tuple[str, Call]]) -> Finding:
    """The pass with the smallest picture failed, for another reason than the size of a window."""
    done = [(name, call.output) for name, call in calls if call.output is not None]
    last = f"after {done[-1][0]}, which gave {size(done[-1][1])}," if done else "before any pooling,"
    return Finding(
        "fails when small",
        "(model)",
        MISTAKE,
        f"fails on the smallest picture, {last} with {failed}.",
        "A layer behind the poolings may have weights for one size of map only.",
        "nn.AdaptiveAvgPool2d before that layer gives it the same size for every picture.",
        ("04_avgpool2d_in_pytorch", "A whole map in one number"),
    )
