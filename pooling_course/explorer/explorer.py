"""The explorer: sliders and linked grids over torch's own numbers, forwards and backwards."""

import html
from contextlib import suppress
from typing import Any, NamedTuple

import anywidget
import torch
import traitlets as t

from ..maths import rules, words
from ..maths.data import as_input, as_it_lies, as_tensor, cast, is_path, smaller
from ..maths.device import threads
from ..maths.kinds import made, settings_of
from ..maths.kinds.pooling import Pooling
from ..maths.trace import Trace, trace
from ..maths.windows import KINDS, Windows
from ..web import live
from ..web.once import Once
from ..web.still import Named
from . import still
from .states import CHUNK, SENT, SMALL, Packer, fits, is_name, received, sendable

MOST_BYTES = 1_200_000  # of the input; with its states a saved notebook stays below 10 MB
PAIRS = ("kernel_size", "stride", "padding", "dilation")
DEFAULTS = {name: value for kind in KINDS.values() for name, value in kind.DEFAULTS.items()}
NAMED = {*map(repr, DEFAULTS)}
DIRECTIONS = ("forward", "backward")
MOST = {name: most for kind in KINDS.values() for name, most in kind.MOST.items()}
MOST_OWNS = 20  # inputs of the learner's own that an undo can come back to
CHECKED = (*DEFAULTS, "kind", "kinds", "compare", "pooling", "layer")


class Checked(t.Any):
    """Any value that its validator takes; traitlets would let None pass by it."""

    allow_none = False


class ByIdentity(Checked):
    """A tensor, which is another value where it is another object: == of tensors gives a tensor."""

    def set(self, obj, value):
        new = self._validate(obj, value)
        old = obj._trait_values.get(self.name, self.default_value)
        obj._trait_values[self.name] = new
        if new is not old:
            obj._notify_trait(self.name, old, new)


class Own(NamedTuple):
    """An input of the learner's own: given, or typed into one by `name`, which was `of`."""

    x: torch.Tensor
    part: str
    name: str = ""
    of: torch.Tensor | None = None

    def taken_back(self, x):
        """Whether x is again what the first number was typed into."""
        return self.of is not None and bool(((x == self.of) | (x.isnan() & self.of.isnan())).all())


# A trait for each setting that a kind declares.
SYNCED = {
    "sync": True,
    "to_json": lambda value, widget: sendable(value),
    "from_json": lambda value, widget: received(value),
}
Settings: Any = t.MetaHasTraits(
    "Settings", (t.HasTraits,), {name: Checked(value).tag(**SYNCED) for name, value in DEFAULTS.items()}
)


class PoolingExplorer(Once, Named, Settings, anywidget.AnyWidget):
    """See what a pooling does to an input: move a slider, point at a cell, read the sum.

    Args:
        x: what is pooled: a preset's name ("worked", "digit", "photo", ...), a tensor, array or nested lists of
            shape (H, W), (C, H, W) or (1, C, H, W), or a PIL image or the path of one. Three channels in 0..1 are
            drawn as colours. Of more than 300,000 cells a smaller copy or the middle is shown, and this is said.
        pooling: a Pooling, `nn.MaxPool2d`, `nn.AvgPool2d`, or just "max" or "avg" (2 x 2, stride 2); or a relative:
            `nn.AdaptiveMaxPool2d`, `nn.AdaptiveAvgPool2d`, `nn.LPPool2d`, or a depthwise `nn.Conv2d`.
        compare: show max and average side by side, or a relative beside its twin (LP and convolution: the average).
        direction: "forward", or "backward" for the gradient; a switch in the widget, too.
        upstream: the upstream gradient, for the backward direction: None for ones, "chosen" for 1 at the chosen
            output cell and 0 elsewhere, or a table shaped like the output.
        settings: the names of the settings that stand in front, such as ("kernel_size", "stride"); the others are
            under "More settings". None for the usual ones: kernel_size, stride and padding, or what a relative has.

    The settings are traits and can be read, set, observed and linked: `kind`, `kernel_size`, `stride`, `padding`,
    `dilation`, `ceil_mode`, `count_include_pad`, `divisor_override`; an int, or (height, width) where they differ.
    Relatives have `output_size` (adaptive) or `norm_type` (LP); the `weights` of a convolution come with its layer.
    `pooling` and `layer` are the same settings as one object; `chosen` is the output cell (row, col) that was picked.
    Setting kernel_size lowers a padding that has become
    too large, as the slider does. `dilation` belongs to max, the last two to average: switching kind keeps them.

    Raises:
        TypeError, ValueError: an input that cannot be shown.
        traitlets.TraitError: a setting that torch refuses, with the reason.

    >>> explorer = PoolingExplorer("worked", torch.nn.MaxPool2d(3, stride=2))
    >>> explorer.padding = 1
    >>> explorer.pooling
    nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    >>> explorer.trace.output.shape
    torch.Size([3, 3])
    """

    _esm = live.script("explorer/explorer.js")
    _css = live.style("web/look.css", "web/base.css", "explorer/explorer.css")

    kind = Checked("max").tag(sync=True)
    compare = t.Bool(False).tag(sync=True)
    kinds = t.List(["max", "avg"]).tag(sync=True)
    pooling = Checked()
    layer = Checked()
    x = ByIdentity()

    direction = t.Enum(DIRECTIONS, "forward").tag(sync=True)
    upstream = ByIdentity(None, allow_none=True)
    upstream_mode = t.Enum(("ones", "chosen", "own"), "ones").tag(sync=True)
    own = t.Dict().tag(sync=True)
    chosen = t.List([0, 0]).tag(sync=True)

    preset = t.Unicode().tag(sync=True)
    presets: t.List = t.List().tag(sync=True)
    most = t.Dict(MOST).tag(sync=True)
    book = t.Dict().tag(sync=True)
    message = t.Unicode().tag(sync=True)
    front = t.List(t.Enum(tuple(DEFAULTS))).tag(sync=True)

    def __init__(self, x="worked", pooling="max", *, compare=False, direction="forward", upstream=None, settings=None):
        from ..images import PRESETS

        pooling = Pooling(pooling, 2) if isinstance(pooling, str) else settings_of(pooling)
        compare = rules.flag("compare", compare)
        if not isinstance(direction, str) or direction not in DIRECTIONS:
            raise ValueError(f"direction={direction!r}: the directions are {' and '.join(map(repr, DIRECTIONS))}.")
        if settings is not None and not (isinstance(settings, (list, tuple)) and {*map(repr, settings)} <= NAMED):
            raise ValueError(f"settings={settings!r}: give a list of some of {', '.join(DEFAULTS)}.")
        presets = [[name, label] for name, (label, _) in PRESETS.items()]
        if pooling.channels not in (None, 3):
            presets.remove(["photo", PRESETS["photo"][0]])  # it has three channels
        self._serial, self._upstreams, self._made = 0, {0: None}, {}
        self._part, self._edited, self._named, self._owns = "", None, "", []
        self._settled = DEFAULTS | {"kind": "max", "kinds": ["max", "avg"], "compare": False, "pooling": None}
        self._settled = self._planned = self._planned_or_refused(pooling=pooling, compare=compare)
        super().__init__(**self._settled, x=x, presets=presets, direction=direction, front=list(settings or ()))
        self.upstream = upstream
        self.on_msg(self._answer)

    def __repr__(self):
        part = f", {self._part}" if self._part else ""
        return f"{type(self).__name__}({' x '.join(map(str, self.x.shape))}{part}, {self.pooling.code()})"

    @property
    def trace(self) -> Trace:
        """torch's pooling of `x` by the settings shown."""
        return trace(self.pooling, as_it_lies(self.x))

    @property
    def gradient(self) -> torch.Tensor:
        """torch's input gradient for the upstream gradient shown; of the shape of `x`."""
        traced = self.trace
        return traced.backward(self._sent(traced.output))

    def _sent(self, output):
        """The upstream gradient that is shown, shaped like `output`."""
        if self.upstream_mode == "chosen":
            one = torch.zeros_like(output)
            row, col = still.nearest(self.chosen, output)
            one[..., row, col] = 1
            return one
        own = self._typed_in if self.upstream_mode == "own" else None
        if own is None or not fits(own, _planes(output)):  # then ones stand in, as on the page
            return torch.ones_like(output)
        return own.expand(_planes(output).shape).reshape(output.shape)

    # ---- settings: traits one by one, and the same as `pooling` and `layer` ----------------------------------------

    # Whatever is set is one change of a whole: `_plan` finds the consistent set that it leads to, or refuses it, and
    # `_apply` writes that set at once. `_settled` is the set that holds.

    @t.validate(*CHECKED)
    def _legal(self, proposal):
        name = proposal.trait.name
        set_too = {n: getattr(self, n) for n in CHECKED if n != name}  # under one hold several traits change together
        changes = {n: v for n, v in (set_too | {name: proposal.value}).items() if not _same(v, self._settled[n])}
        self._planned = self._planned_or_refused(**changes) if changes else self._settled
        return self._planned[name]

    @t.observe(*CHECKED)
    def _apply(self, _):
        if self._planned is self._settled:
            return
        self._settled = self._planned
        with self.hold_sync(), self.hold_trait_notifications():  # the page hears of all of it in one message
            for name, value in self._settled.items():
                setattr(self, name, value)

    def _planned_or_refused(self, **changes):
        try:
            return self._plan(**changes)
        except (TypeError, ValueError) as error:
            raise t.TraitError(str(error)) from None

    def _plan(self, **changes):
        """The settings that hold once `changes` are made: {name of a trait: value}.

        Raises:
            TypeError, ValueError: what a kind on view, or the kind that a setting belongs to, refuses.
        """
        now = self._settled | changes
        given = [changes[name] for name in ("layer", "pooling") if name in changes]
        if given:
            now |= self._brought(settings_of(given[0]), now)
        else:
            for name in changes.keys() & PAIRS:
                now[name] = rules.short(rules.pair(name, now[name]))
            for name in changes:
                now |= KINDS[now["kind"]].follow(name, now) if "padding" not in changes and now["kind"] in KINDS else {}
        now["kinds"] = self._choice(now, changes)
        now["kind"] = now["kind"] if now["kind"] in now["kinds"] else now["kinds"][0]
        for kind in now["kinds"]:
            KINDS[kind].check_choice(now)
        on_view = [now["kind"], *(now["kinds"] if now["compare"] else ())]
        owners = [kind for kind, cls in KINDS.items() if cls.OWN[kind][0] in changes]  # not on view, and yet theirs
        for pooling in (self._of_kind(kind, now) for kind in (*on_view, *owners)):
            now |= {name: value for name, value in pooling.traits().items() if name in changes}
        now["pooling"] = self._of_kind(now["kind"], now)
        if now["pooling"] != self._settled["pooling"] or "layer" in changes:
            now["layer"] = changes.get("layer") or now["pooling"].layer()
        return now

    def _brought(self, pooling, now):
        """The settings that a pooling brings along: its own, and for its twin a padding that fits its kernel_size."""
        own = {"kind": pooling.kind} | pooling.traits()
        self._made[pooling.kind] = _own(pooling.kind, now | own), pooling
        return Windows.follow("kernel_size", now | own) | own if "kernel_size" in own else own

    def _choice(self, now, changes):
        """The two kinds to choose from."""
        choices = [list(cls.TWINS) for cls in KINDS.values()]
        if "kinds" in changes and now["kinds"] not in choices:
            raise ValueError(f"kinds={now['kinds']}: give two that stand side by side, such as {choices[0]}.")
        if "kinds" in changes and "kind" not in changes:
            return now["kinds"]
        try:
            for kind in now["kinds"]:
                KINDS[kind].check_choice(now)
        except ValueError:
            if not {"layer", "pooling"} & changes.keys():
                raise
        else:
            if now["kind"] in now["kinds"]:
                return now["kinds"]
        return list(made(now).TWINS)

    def _of_kind(self, kind, settings=None):
        """The pooling of a kind with these settings; made once, for as long as they stay."""
        settings = settings or self._settled
        own = _own(kind, settings)
        if kind not in self._made or not _same(self._made[kind][0], own):
            self._made[kind] = own, made(settings | {"kind": kind})
        return self._made[kind][1]

    def observe(self, handler, names=t.All, type="change"):
        """As traitlets observes; `traitlets.link` of a tensor is refused, as it compares with == what it links."""
        tensor = {"x", "upstream"} & set(
            [names] if isinstance(names, str) else names if isinstance(names, list) else ()
        )
        if tensor and isinstance(getattr(handler, "__self__", None), t.link):
            name = tensor.pop()
            raise t.TraitError(
                f"{name} holds a tensor, which traitlets.link cannot compare: link it in one direction, "
                f"traitlets.dlink((a, {name!r}), (b, {name!r})), or in both by a second one."
            )
        super().observe(handler, names, type)

    def set_state(self, sync_data):
        """What the browser, or a linked widget, has changed; a refusal is shown in the widget."""
        try:
            super().set_state(sync_data)
            self.message = ""
        except t.TraitError as error:
            self.message = str(error)
            self.send_state([name for name in sync_data if name in self.keys])

    # ---- input ---------------------------------------------------------------------------------------------------

    @t.validate("x")
    def _as_input(self, proposal):
        x, name = _input(proposal.value)
        most = MOST_BYTES // (4 if x.itemsize < 8 and x.is_floating_point() else 8)
        x, part = smaller(x, most, self._settled["pooling"].channels)
        if proposal.value is self._edited:
            self._part, name = self._owned(x)
        elif self._owns and proposal.value is self._owns[-1].x:
            self._part = self._owns[-1].part
        else:
            self._part, self._owns = part, self._owns if name else [Own(x, part)]
        self._named = name
        return x

    def _owned(self, x):
        """(part, name) of an input that was typed into: one by name is the learner's own until all is taken back."""
        if self._named:
            self._owns = [*self._owns[-MOST_OWNS:], Own(x, self._part, self._named, self.x)]
        elif self._owns[-1].taken_back(x):
            return self._part, self._owns.pop().name
        else:
            self._owns[-1] = self._owns[-1]._replace(x=x)
        return self._part, ""

    @t.observe("x")
    def _fill(self, _):
        self.preset = self._named
        self._serial += 1
        self._packer = packer = Packer(_planes(self.x), self._upstreams, self._lender, self._serial)
        # one trait for the input and its states, so that the browser never pairs old ones with new ones
        states = packer.pack(self._names(), SENT)
        if packer is self._packer:
            self.book = {"input": packer.cells() | {"part": self._part}, **states}

    @t.observe("weights")
    def _fill_anew(self, _):
        if hasattr(self, "_packer") and self._packer.lender != self._lender:
            self._fill(None)  # no state with the weights of before

    @property
    def _lender(self):
        """The pooling whose weights its states leave out, if there is one."""
        return next((p for kind, cls in KINDS.items() if cls.LENDS for p in self._possible(kind)), None)

    def _names(self):
        """The states that are sent with the widget: those that it opens with. The page asks for the rest."""
        found = self._possible(self.kind, *self.kinds)
        names = list(dict.fromkeys(p.key() for p in found if min(p.raw_output_size(*self.x.shape[-2:])) > 0))
        backward = self.direction == "backward" and self.x.is_floating_point()
        return names + [f"grad0 {name}" for name in names if backward]

    @t.validate("preset")
    def _is_preset(self, proposal):
        names = [name for name, _ in self.presets]
        if proposal.value and proposal.value not in names:
            raise t.TraitError(f"there is no preset {proposal.value!r}: use one of {', '.join(names)}.")
        return proposal.value

    @t.observe("preset")
    def _from_preset(self, change):
        if change.new and change.new != self._named:
            self.x = change.new
        elif not change.new and self._named and self._owns:
            self.x = self._owns[-1].x

    def _possible(self, *kinds):
        """The poolings of these kinds; a convolution may pad more than an average can, and is alone then."""
        found = []
        for kind in kinds:
            with suppress(ValueError):
                found.append(self._of_kind(kind))
        return found

    # ---- upstream gradient ---------------------------------------------------------------------------------------

    @t.validate("chosen")
    def _is_cell(self, proposal):
        if len(proposal.value) != 2 or any(type(at) is not int or at < 0 for at in proposal.value):
            rule = "give row and column of an output cell, such as [0, 2]; both count from 0."
            raise t.TraitError(f"chosen={proposal.value!r}: {rule}")
        return proposal.value

    @t.validate("upstream")
    def _as_upstream(self, proposal):
        value = proposal.value
        if value is None or isinstance(value, str) and value == "chosen":
            return value
        try:
            value = as_tensor(value, "upstream").detach()
            shape = tuple(self.trace.output.shape)
        except (TypeError, ValueError) as error:
            raise t.TraitError(str(error)) from None
        if tuple(value.shape) == (1, *shape):
            value = value[0]
        if tuple(value.shape) not in (shape, shape[-2:]):
            raise t.TraitError(
                f"upstream of shape {tuple(value.shape)} does not fit the output of {self.pooling.code()}, {shape}: "
                f'give one number for each output cell, None for ones, or "chosen" for 1 at the chosen cell.'
            )
        return value

    @t.observe("upstream")
    def _take_upstream(self, change):
        if isinstance(change.new, torch.Tensor):
            planes = _planes(change.new).double()
            serial = max(self._upstreams) + 1
            for earlier in set(self._upstreams) - {0}:
                del self._upstreams[earlier]  # nothing leads back to it
            self._upstreams[serial] = planes
            data = planes.numpy().astype("<f8").tobytes()
            packer = self._packer  # one and the same: JupyterLab's messages are heard in a thread of their own
            book = packer.pack(f"grad{serial} {p.key()}" for p in self._possible(*self.kinds))
            shape = list(planes.shape)
            self.own = {"serial": serial, "shape": shape, "data": data, "input": packer.serial, "book": book}
            self.upstream_mode = "own"
        else:
            self.upstream_mode = change.new or "ones"

    @property
    def _typed_in(self):
        """The upstream gradient of the learner's own, shown or not: float64 of shape (1 or C, H, W), or None."""
        return self._upstreams[self.own["serial"]] if self.own else None

    @t.observe("upstream_mode")
    def _mode_changed(self, change):
        if change.new != "own":
            self.upstream = {"ones": None, "chosen": "chosen"}[change.new]
        elif not isinstance(self.upstream, torch.Tensor) and self._typed_in is not None:
            with suppress(t.TraitError):  # where it does not fit, ones stand in, and it is kept
                self.upstream = self._typed_in

    # ---- what the browser asks for -----------------------------------------------------------------------------

    def _answer(self, _, content, __):
        if not isinstance(content, dict):
            return
        if content.get("type") == "want":
            self._send_states(content.get("keys"))
        elif content.get("type") == "edit":
            self._edit(content)
        elif content.get("type") == "upstream":
            self._edit_upstream(content)

    def _send_states(self, keys):
        asked = keys if isinstance(keys, list) else ()
        packer = self._packer  # one and the same, although x may change meanwhile, in another thread
        left = list(dict.fromkeys(name for name in asked if is_name(name, packer.lender)))
        while left:
            part = packer.pack(left, CHUNK)
            left = left[len(part["entries"]) :]
            self.send({"type": "have", "serial": packer.serial, "entries": part["entries"]}, [part["data"]])

    def _edit(self, content):
        x = self.x.clone()
        at, text = _typed(content, _planes(x).shape)
        if at is None:
            return
        self.message = ""  # so that the same sentence, said twice, is sent twice
        try:
            value = words.read_number(text) if x.is_floating_point() else int(text)
        except ValueError:
            kind = "number, such as -1.5, 1/3 or nan" if x.is_floating_point() else "whole number"
            self.message = f"{text!r} is not a {kind}; the cell keeps its value."
            return
        try:
            _planes(x)[at] = value
        except (ValueError, OverflowError, RuntimeError):
            self.message = f"{text!r} does not fit into {x.dtype}; the cell keeps its value."
            return
        self._edited = x  # still the part that it was
        self.x = x

    def _edit_upstream(self, content):
        """Type one number of the upstream gradient; the rest stays what it was."""
        self.message = ""
        try:
            shape = _planes(self.trace.output).shape
        except ValueError as error:  # beside it, a window of the other kind may fit
            self.message = str(error)
            return
        other = next(kind for kind in self.kinds if kind != self.kind)
        if content.get("kind") == other and self._of_kind(other).raw_output_size(*self.x.shape[-2:]) != shape[-2:]:
            size = "{} x {}".format(*shape[-2:])
            self.message = f"The upstream gradient is that of {self.pooling.code()}, {size}: type it in there."
            return
        own, output = self._typed_in, _planes(self.trace.output)
        ones = torch.ones(shape, dtype=torch.float64, device="cpu")
        values = own.expand(shape).clone() if own is not None and fits(own, output) else ones
        at, text = _typed(content, shape)
        if at is None:
            return
        try:
            values[at] = words.read_number(text)
        except ValueError:
            self.message = f"{text!r} is not a number, such as -1.5 or 1/3; the upstream gradient stays as it is."
            return
        self.upstream = values.reshape(self.trace.output.shape)

    def _as_html(self):
        """What stands in the widget's place where it cannot live: the same numbers, standing still."""
        traces, refused = [], []
        with threads(1 if self.x.numel() < SMALL else None):
            for pooling in self._possible(*(self.kinds if self.compare else [self.kind])):
                try:
                    if self._packer.cost(pooling.key()) <= SENT:  # adaptive pooling makes any number of cells
                        traces.append(trace(pooling, as_it_lies(self.x)))
                except (TypeError, ValueError) as error:
                    refused.append(f"<p>{html.escape(str(error))}</p>")
            sent = self._sent if self.direction == "backward" else None
            shown = still.picture(repr(self), traces, self.chosen, sent)
        return shown + "".join(refused)


class GradientFlow(PoolingExplorer):
    """The explorer read backwards: where the upstream gradient goes, and what each input cell gets.

    Args:
        x, pooling, compare, settings: as for PoolingExplorer; x must hold floats.
        upstream: None for ones, "chosen" for 1 at the chosen output cell, or a table shaped like the output.

    >>> flow = GradientFlow("worked", torch.nn.MaxPool2d(2, stride=1))
    >>> flow.gradient[3]
    tensor([0., 1., 4., 0., 1., 0.])
    """

    def __init__(self, x="worked", pooling="max", *, upstream=None, compare=False, settings=None):
        super().__init__(x, pooling, compare=compare, direction="backward", upstream=upstream, settings=settings)


def _typed(content, shape):
    """((channel, row, col), text) of a cell typed into; (None, None) where a message names no cell or holds no text."""
    at, text = tuple(content.get(name) for name in ("channel", "row", "col")), content.get("text")
    inside = all(type(i) is int and 0 <= i < size for i, size in zip(at, shape, strict=True))
    return (at, text) if inside and isinstance(text, str) else (None, None)


def _own(kind, settings):
    """The settings that belong to a kind."""
    return [settings[name] for name in KINDS[kind].OWN[kind]]


def _same(value, other):
    """Whether two values of a trait are one; False and 0, 1 and 1.0 are not."""
    return value is other or type(value) is type(other) and bool(value == other)


def _input(x):
    """(tensor, name of the preset or "") of whatever a learner may pass."""
    if isinstance(x, str) and not is_path(x):
        from ..images import preset

        return preset(x), x
    given, x = x, as_input(x)
    x = x[0] if x.ndim == 4 and len(x) == 1 else x
    shape = tuple(x.shape)
    if x.ndim not in (2, 3):
        wanted = "the explorer shows one image, (H, W) or (C, H, W)"
        raise ValueError(f"input of shape {shape}: {wanted}{'; pass x[0]' if x.ndim == 4 and len(x) else ''}.")
    if 0 in shape:
        raise ValueError(f"input of shape {shape} is empty: every size must be at least 1.")
    rules.check_input(_planes(x), Pooling("max", 2).accepts("cpu"), "nn.MaxPool2d", cast(given))
    return x, ""


def _planes(x):
    return x if x.ndim == 3 else x.unsqueeze(0)
