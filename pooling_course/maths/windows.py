"""What a kind of pooling is: settings, and where they put windows over an input. `kinds/` has a file for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import torch

from . import rules, words

Pair = tuple[int, int]
NOTHING = -(2**40)  # in taps: no position, as this window is shorter than others
KINDS: dict[str, type[Windows]] = {}  # by name; a class enters its kinds when it is made
SWITCHED = 1000  # steps away: behind every place of the sliders


class Windows(ABC):
    """The settings of a layer that is windows with shares: what `trace`, explorer and packer ask of every kind.

    A class makes one kind or two, and declares:

    Attributes:
        OWN: for each kind, the names of its settings, the one that is most its own first.
        LAYERS: for each kind, torch's layer.
        TWINS: the two kinds that stand side by side in the explorer.
        DEFAULTS: what its settings are before anything is set; what two classes share stands in one of them.
        MOST: how far the sliders of its settings go.
        LENDS: whether its keys leave out something that all of its states share.
        kind: the name of this one's kind.
        shares: "winner" where one cell has the whole share, "equal" where each has 1 / divisor, else "varied": then a
            share depends on the cell, or on what it holds.
        divisor_override: an average's divisor, where it is given.
        padding: in cells, (height, width).
        counts_padding: whether padding enters an average, and its divisor.
        channels: of an input that it can pool, None for any.
    """

    OWN: ClassVar[dict[str, tuple[str, ...]]]
    LAYERS: ClassVar[dict[str, type[torch.nn.Module]]]
    TWINS: ClassVar[tuple[str, str]]
    DEFAULTS: ClassVar[dict[str, Any]]
    MOST: ClassVar[dict[str, int]] = {}
    LENDS: ClassVar[bool] = False

    kind: str
    shares: Literal["winner", "equal", "varied"]
    divisor_override: int | None = None
    padding: Any = (0, 0)
    counts_padding: bool = True
    channels: int | None = None

    def __init_subclass__(cls) -> None:
        KINDS.update(dict.fromkeys(cls.__dict__.get("OWN", ()), cls))

    # ---- settings: of a layer, as a line of Python, as the explorer's traits, and as the name of a state ----

    @classmethod
    @abstractmethod
    def of(cls, layer: Any) -> Windows:
        """The settings of one of torch's layers; TypeError or ValueError where it cannot be shown."""

    @abstractmethod
    def layer(self) -> torch.nn.Module:
        """The torch layer that these settings stand for."""

    @abstractmethod
    def code(self) -> str:
        """The line of Python that makes the layer, without what is default anyway."""

    def __repr__(self) -> str:
        return self.code()

    def listed(self, settings: dict[str, Any]) -> str:
        """The layer and its settings as a line of Python."""
        return f"{layer_name(self.kind)}({', '.join(f'{n}={rules.short(v)}' for n, v in settings.items())})"

    @classmethod
    @abstractmethod
    def made(cls, kind: str, settings: dict[str, Any]) -> Windows:
        """The pooling that the explorer's traits stand for; what belongs to other kinds is passed over."""

    def traits(self) -> dict[str, Any]:
        """Its settings as the explorer's traits: pairs of equal numbers as one."""
        return {name: rules.short(getattr(self, name)) for name in self.OWN[self.kind]}

    @classmethod
    def follow(cls, name: str, settings: dict[str, Any]) -> dict[str, Any]:
        """What else changes where `name` was set: a smaller kernel_size lowers a padding that is too large for it."""
        if name != "kernel_size":
            return {}
        both = zip(rules.pair("padding", settings["padding"]), rules.pair(name, settings[name]), strict=True)
        return {"padding": rules.short(tuple(min(pad, k // 2) for pad, k in both))}

    @classmethod
    def check_choice(cls, settings: dict[str, Any]) -> None:
        """Refuse settings that its kinds could not have, chosen or not, while they can be chosen."""
        return None

    @abstractmethod
    def key(self) -> str:
        """The name of its state, kind first; settings that cannot matter are dropped, so that twins share it."""

    @classmethod
    @abstractmethod
    def from_key(cls, kind: str, numbers: list[str], lender: Windows | None) -> Windows:
        """The pooling that a key stands for; `lender` has what the key leaves out, such as weights."""

    @abstractmethod
    def reach(self, most: dict[str, int]) -> Iterator[tuple[float, Windows]]:
        """(steps away, settings) of every place that the sliders reach from here; one more switch is SWITCHED away."""

    # ---- the maths ----

    @abstractmethod
    def raw_output_size(self, h: int, w: int) -> Pair:
        """The output size by the formula alone, which is 0 or less where no window fits."""

    def output_size(self, h: int, w: int) -> Pair:
        """(h_out, w_out) for an input of h x w cells.

        Raises:
            ValueError: no window fits.
        """
        return self.raw_output_size(h, w)

    @abstractmethod
    def formula(self, h: int, w: int) -> tuple[str, str]:
        """Where the windows lie in (height, width), with the numbers put in."""

    @abstractmethod
    def taps(self, i: int, size: int, out: int) -> torch.Tensor:
        """The positions along axis `i` that each of `out` windows reads, int64 of shape (out, most that one reads)."""

    @abstractmethod
    def pool(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(output, winners) by torch, of x (C, H, W) or (N, C, H, W); winners None where there are none."""

    def counts(self, h: int, w: int) -> torch.Tensor:
        """How many cells each window reads, float64 of shape (h_out, w_out)."""
        rows, cols = (
            ((taps >= 0) & (taps < size)).sum(1)
            for size, taps in zip((h, w), (self.taps(i, s, o) for i, s, o in self._axes(h, w)), strict=True)
        )
        return (rows[:, None] * cols).double()

    def _axes(self, h: int, w: int) -> list[tuple[int, int, int]]:
        return [(i, size, out) for i, (size, out) in enumerate(zip((h, w), self.raw_output_size(h, w), strict=True))]

    def accepts(self, device: str) -> tuple[torch.dtype, ...]:
        """The dtypes that torch pools so on this type of device."""
        return rules.FLOATS

    def says(self, read: list, divisor: int | None, output: float | int, channel: int, dtype: str) -> str:
        """The maximum or the sum of one window in words; `read` lists what each of its positions is, and holds."""
        if self.shares == "winner":
            held = [-torch.inf if held is None else held for what, held in read if what != "overhang"]
            return words.max_sum(held, output)
        entries = [held or 0 for what, held in read if what == "cell" or what == "padded" and self.counts_padding]
        return words.average_sum(entries, divisor, output, dtype)


class Sliding(Windows):
    """Windows of one shape that move by equal steps: kernel_size, stride, padding, dilation (pairs) and ceil_mode."""

    kernel_size: Any
    stride: Any
    padding: Any = (0, 0)
    dilation: Any = (1, 1)
    ceil_mode: bool = False

    def raw_output_size(self, h: int, w: int) -> Pair:
        rows, cols = (self._axis(i, size)[-1] for i, size in enumerate((h, w)))
        return rows, cols

    def output_size(self, h: int, w: int) -> Pair:
        """(h_out, w_out) for an input of h x w cells.

            out = floor((H + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1

        `ceil_mode` rounds up instead, but drops a last window that would start beyond the input, in the padding
        after it or further on (`pooling_output_shape` in ATen/native/Pool.h).

        Raises:
            ValueError: no window fits, or a dilated window would read no cell at all.

        >>> from pooling_course import Pooling
        >>> Pooling("max", 3, stride=2, padding=1).output_size(112, 112)
        (56, 56)
        """
        rules.check_size(self, h, w)
        return self.raw_output_size(h, w)

    def formula(self, h: int, w: int) -> tuple[str, str]:
        """The rule for (height, width) with the numbers put in.

        >>> from pooling_course import Pooling
        >>> Pooling("avg", 2, ceil_mode=True).formula(5, 6)[0]
        'ceil((5 + 2*0 - 2) / 2) + 1 = 3'
        """
        rows, cols = (self._axis_formula(i, size) for i, size in enumerate((h, w)))
        return rows, cols

    def drops_last(self, h: int, w: int) -> tuple[bool, bool]:
        """Whether a last window that `ceil_mode` asks for is dropped, as it would start in the padding after the map.

        >>> from pooling_course import Pooling
        >>> Pooling("max", 2, padding=1, ceil_mode=True).drops_last(5, 4)
        (True, False)
        """
        rows, cols = (bool(self._axis(i, size)[2]) for i, size in enumerate((h, w)))
        return rows, cols

    def _axis(self, i, size):
        reach = self.dilation[i] * (self.kernel_size[i] - 1) + 1
        room = size + 2 * self.padding[i] - reach
        steps = -(-room // self.stride[i]) if self.ceil_mode else room // self.stride[i]
        beyond = self.ceil_mode and steps * self.stride[i] >= size + self.padding[i]
        return reach, steps, beyond, steps + 1 - beyond

    def _axis_formula(self, i, size):
        reach, steps, beyond, out = self._axis(i, size)
        if self.dilation[i] > 1:
            reach = f"{self.dilation[i]}*({self.kernel_size[i]} - 1) - 1"
        rounding = "ceil" if self.ceil_mode else "floor"
        text = f"{rounding}(({size} + 2*{self.padding[i]} - {reach}) / {self.stride[i]}) + 1 = {steps + 1}"
        return f"{text}, less 1 (the last window would start beyond the input) = {out}" if beyond else text

    def taps(self, i: int, size: int, out: int) -> torch.Tensor:
        starts = torch.arange(out, device="cpu")[:, None] * self.stride[i] - self.padding[i]
        return starts + torch.arange(self.kernel_size[i], device="cpu") * self.dilation[i]

    def _places(self, most: dict[str, int], kernels=None, pads=True) -> Iterator[tuple[int, tuple[int, int, int]]]:
        """(steps away, (kernel_size, stride, padding)) of the sliders, with both sides alike."""
        here = (self.kernel_size[0], self.stride[0], self.padding[0])
        for k in kernels or range(1, most["kernel_size"] + 1):
            for s in range(1, most["stride"] + 1):
                for p in range(k // 2 + 1 if pads else 1):
                    yield sum(abs(a - b) for a, b in zip((k, s, p), here, strict=True)), (k, s, p)


def layer_name(kind: str) -> str:
    """The layer of a kind as people write it.

    >>> layer_name("max")
    'nn.MaxPool2d'
    """
    return f"nn.{KINDS[kind].LAYERS[kind].__name__}"
