"""Lesson 09."""

from ..draw import draws, spelled


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
            "seen before, each as wide as the strides so far.",
            3: f"That is the last convolution alone, {spelled(c)} cells of {spelled(s * s)} rows each. What these "
            "cells see reaches further and overlaps.",
        },
        "why": "Each layer adds (kernel_size - 1) steps, and a step is the product of the strides before it: 1 + "
        f"{' + '.join(seen)} = {{key}}.",
    }
