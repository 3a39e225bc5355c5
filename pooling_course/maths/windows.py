"""Where the windows of a layer lie: what a pooling and its relatives have in common."""

import torch

from . import rules

Pair = tuple[int, int]
NOTHING = -(2**40)  # in taps: no position, as this window is shorter than others


class Windows:
    """Where the windows of a layer lie, by its kernel_size, stride, padding, dilation (pairs) and ceil_mode.

    What `trace` and the explorer ask of the settings of a layer: those of a `Pooling`, or of one of its relatives
    (`relatives.py`). Each also has `kind`, `code()`, `layer()`, `pool(x)`, `says(...)`; averages have `counts(h, w)`.
    """

    divides = False  # whether it averages
    divisor_override = None
    shares_vary = False  # whether a share depends on the cell, or on what it holds

    def raw_output_size(self, h: int, w: int) -> Pair:
        """The output size by the formula alone, which is 0 or less where no window fits."""
        return tuple(self._axis(i, size)[-1] for i, size in enumerate((h, w)))

    def output_size(self, h: int, w: int) -> Pair:
        """(h_out, w_out) for an input of h x w cells.

            out = floor((H + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1

        `ceil_mode` rounds up instead, but drops a last window that would start beyond the input and its left
        padding (`pooling_output_shape` in ATen/native/Pool.h).

        Raises:
            ValueError: no window fits, or a dilated window would read no cell at all.

        >>> Pooling("max", 3, stride=2, padding=1).output_size(112, 112)
        (56, 56)
        """
        rules.check_size(self, h, w)
        return self.raw_output_size(h, w)

    def formula(self, h: int, w: int) -> tuple[str, str]:
        """The rule for (height, width) with the numbers put in.

        >>> Pooling("avg", 2, ceil_mode=True).formula(5, 6)[0]
        'ceil((5 + 2*0 - 2) / 2) + 1 = 3'
        """
        return tuple(self._axis_formula(i, size) for i, size in enumerate((h, w)))

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
        return f"{text}, less 1 (the last window would start in the right padding) = {out}" if beyond else text

    def taps(self, i: int, size: int, out: int) -> torch.Tensor:
        """The positions along axis `i` that each of `out` windows reads, int64 of shape (out, kernel_size)."""
        starts = torch.arange(out)[:, None] * self.stride[i] - self.padding[i]
        return starts + torch.arange(self.kernel_size[i]) * self.dilation[i]

    def listed(self, settings: dict) -> str:
        """The layer and its settings as a line of Python."""
        return f"{rules.LAYERS[self.kind]}({', '.join(f'{n}={rules.short(v)}' for n, v in settings.items())})"
