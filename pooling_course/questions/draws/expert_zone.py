"""Lesson 09. Where a question has the lesson's own numbers, it says what stands there: a draw says only the rest."""

from fractions import Fraction

from ...maths import words
from ..answers import restlessness
from ..draw import draws, hold, layer, minus, ordinal, spelled

PARTS = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 6: "a sixth", 7: "a seventh", 8: "an eighth"}


@draws(k=[2, 3, 4, 5], shift=[1, 2, 3, 4, -1, -2, -3, -4])
def noise_moves(k=2, shift=1):
    moved = abs(shift)
    hold(moved < k)
    asked = {"case": {"input": {"shape": [1, 24, 24]}, "pooling": {"kind": "max", "kernel_size": k}, "shift": shift}}
    if (k, shift) == (2, 1):
        return asked
    left, changed = Fraction(moved, k), 1 - Fraction(k - moved, k + moved)
    columns, way = "one column" if moved == 1 else f"{spelled(moved)} columns", "right" if shift > 0 else "left"
    return asked | {
        "prompt": "Each cell of a large map holds noise of its own, no two numbers alike. It goes through "
        f"nn.MaxPool2d({k}), is moved {way} by {columns}, and goes through again. What share of the outputs changes?",
        "values": [str(left**2), str(left), str(changed), "1"],
        "texts": ["About {value} of them"] * 3 + ["All of them, or nearly so"],
        "reasons": {
            0: f"{left} of the cells of each window are new. The maximum stays only if the largest of old and new "
            f"cells lies in both windows, in {1 - changed} of the cases.",
            1: f"The maximum leaves {left} of the windows. In some of the others, a larger number comes in.",
            2: f"Old and new window hold {k * (k + moved)} cells together and share {k * (k - moved)}. If the largest "
            "is one of those they share, the output stays.",
        },
        "why": f"Of the {k * (k + moved)} cells in both windows, the {k * (k - moved)} that are shared keep the "
        f"output, if the largest is among them: {1 - changed}. For windows of k × k that move by {columns}, "
        f"(k - {moved}) / (k + {moved}) of the outputs stay.",
    }


@draws(s=[2, 3, 4], n=range(3, 12))
def alias_period(s=2, n=5):
    period = s * n / (n - 1)
    hold(words.is_exact(period))
    every = ordinal(s)
    return {
        "prompt": f"A wave repeats every {minus(period)} columns. A stride of {s} keeps every {every} column of it. "
        "After how many of the columns that are left does it repeat?",
        "numbers": {"s": s, "n": n},
        "values": [period, period / s, s * n],
        "reasons": {
            0: f"That is the wave before the stride. Of its columns, only every {every} is left.",
            2: f"That counts the columns of the map before. Only every {every} of them is left.",
        },
        "why": f"From one column that is left to the next, the wave goes {n - 1}/{n} of its way, which looks like "
        f"1/{n} of it backwards. So it repeats after {{key}} columns: a slow wave that was never there, an alias.",
    }


@draws(c=[3, 5, 7], k=[2, 3], s=[2, 3])
def rows_seen(c=3, k=2, s=2):
    def steps(n, step):
        return f"{n * step}" if n == 1 or step == 1 else f"{n}·{step}"

    seen = [steps(c - 1, 1), steps(k - 1, 1), steps(c - 1, s), steps(k - 1, s), steps(c - 1, s * s)]
    return {
        "prompt": f"Three convolutions of {c} × {c} with stride 1; after the first and after the second a pooling of "
        f"{k} × {k} with stride {s}. How many rows of the picture does one cell of the last map see?",
        "numbers": {"c": c, "k": k, "s": s},
        "values": [
            1 + 3 * (c - 1) + 2 * (k - 1),
            3 * c + 2 * k,
            1 + (c - 1) + (k - 1) * s + (c - 1) * s + (k - 1) * s * s + (c - 1) * s * s,
            c * s * s,
        ],
        "reasons": {
            0: f"That adds up as if no layer had a stride. After a pooling, one cell further means {spelled(s)} rows "
            "further in the picture.",
            1: f"That is the sum of the kernel sizes. A window of {c} adds {spelled(c - 1)} cells to the one that was "
            "seen before, each as wide as the product of the strides so far.",
            3: f"That is the last convolution alone, {spelled(c)} cells of {spelled(s * s)} rows each. What these "
            "cells see reaches further and overlaps.",
        },
        "why": "Each layer adds (kernel_size - 1) steps, and a step is the product of the strides before it: 1 + "
        f"{' + '.join(seen)} = {{key}}.",
    }


@draws(c=[3, 5, 7], k=[2, 3], s=[2, 3], d=[2, 3, 4])
def dilated_field(c=3, k=2, s=2, d=2):
    before = 1 + (c - 1) * (1 + s) + (k - 1) * (1 + s)
    hold(before >= d * s * s)  # with wider gaps, rows between the steps would be seen by nobody
    plain, step = before + (c - 1) * s * s, spelled(s * s)
    return {
        "prompt": f"Three convolutions of {c} × {c} with stride 1; after the first and after the second a pooling of "
        f"{k} × {k} with stride {s}. The last convolution has dilation={d}. How many rows of the picture does one cell "
        "of the last map see?",
        "numbers": {"c": c, "k": k, "s": s, "d": d},
        "values": [plain, plain + (c - 1) * (d - 1), d * plain],
        "reasons": {
            0: f"That is the field without the dilation. The window still reads {spelled(c)} rows, but they are now "
            f"{spelled(d)} steps apart.",
            1: f"That adds the steps as if they were rows of the picture. After two poolings, each is {step} rows.",
        },
        "why": f"Its window spans {c - 1} · {d} steps instead of {c - 1}, and by now a step is {step} rows of the "
        f"picture: {plain} + {(c - 1) * (d - 1)} · {s * s} = {{key}}.",
    }


@draws(kind=["max", "avg"], k=[2, 3, 4], n=[2, 3])
def who_has_more(kind="max", k=2, n=2):
    asked = {"numbers": {"kind": kind, "k": k, "n": n}}
    if (kind, k, n) == ("max", 2, 2):
        return asked
    return asked | {
        "prompt": f"The same small network three times: with {layer(kind, k)} after {spelled(n)} of its convolutions, "
        f"with stride {k} in these convolutions instead, and with neither. At its end, each map is averaged as a "
        "whole. Which has the most parameters?"
    }


@draws(k=[2, 3, 4], period=range(3, 13))
def quarter_wave(k=2, period=4):
    hold(k < period)
    asked = {"numbers": {"k": k, "period": period}, "values": [0, 0.5, 1]}
    if (k, period) == (2, 4):
        return asked
    return asked | {
        "prompt": f"A sine wave repeats every {spelled(period)} columns. It goes through {layer('avg', k, stride=1)}, "
        "which leaves a sine wave. What part of its amplitude is left? Two decimals will do.",
        "reasons": {
            0: f"That is what is left of a wave that repeats every {spelled(k)} columns. This one is slower, and "
            f"{spelled(k)} neighbours do not cancel everywhere.",
            1: f"How much is left depends on the wave: of one that repeats every {spelled(period)} columns, a window "
            f"of {k} does not leave just half.",
            2: f"No wave passes whole: neighbours {PARTS.get(period, f'1/{period}')} of a wave apart are never "
            "both at the top.",
        },
        "why": f"The window leaves sin({k}π/{period}) / ({k} · sin(π/{period})) = {{key}} of it. The wider the window "
        "beside the wave, the less is left.",
    }


@draws(s=[2, 3, 4], wider=range(1, 5))
def calmest(s=2, wider=1):
    k = s + wider
    change = restlessness(s, k)
    hold(change[f"max {s}"] > change[f"avg {s}"])
    most, middle, least = (minus(round(change[name], 2)) for name in (f"max {s}", f"avg {s}", f"avg {k}"))
    asked = {
        "numbers": {"s": s, "k": k},
        "values": [f"max {s}", f"avg {k}", f"avg {s}"],
        "why": f"Measured on bell-shaped noise: about {most} for max, {middle} for the average of {s} × {s} and "
        f"{least} for the average of {k} × {k} with stride {s}. Wider windows exchange a smaller part of themselves, "
        "whatever their stride.",
    }
    if (s, k) == (2, 3):
        return asked
    stay = {2: "A third", 3: "Half", 4: "Three fifths"}[s]
    return asked | {
        "prompt": f"A map of noise moves by one column. Each of these layers shrinks it by {s}, before and after, one "
        f"with windows of {k} × {k}. Which output changes least, compared with how much it varies?",
        "texts": [
            f"nn.MaxPool2d({s}), whose maxima tend to stay",
            f"nn.AvgPool2d({k}, stride={s}), with larger windows",
            f"nn.AvgPool2d({s}), in which each cell counts",
        ],
        "reasons": [
            f"{stay} of its outputs stay, but the others change so much that the change is the largest of the three.",
            f"A window of {k} columns moved by one keeps {spelled(k - 1)} of them, so old and new output are the most "
            "alike.",
            f"{PARTS[s].capitalize()} of its window is exchanged. A window of {k} exchanges only {PARTS[k]}.",
        ],
    }
