"""Where the time of a pooling goes: bytes that must move, the time they took, and what a plain copy reaches."""

import platform
from collections.abc import Callable

import torch
import torch.nn.functional as F

from .table import Table

SHAPE = (4, 64, 224, 224)  # 51 MB of float32, and a copy moves twice as much: beyond most processors' caches
CACHED = (8, 64, 56, 56)  # 6.4 MB, within the last of them
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
POOLINGS: dict[str, Callable] = {"max": F.max_pool2d, "average": F.avg_pool2d}


def bytes_moved(kind, shape, backward=False, dtype=torch.float32) -> int:
    """The fewest bytes that a 2 x 2 pooling with stride 2 has to read and write.

    Forward: the input is read and the output written; max writes 8 bytes of index for each output too. Backward: the
    upstream gradient (and the indices) are read, and the gradient of the input is written. The two are equal.

    >>> bytes_moved("average", (1, 1, 4, 4)), bytes_moved("max", (1, 1, 4, 4), backward=True)
    (80, 112)
    """
    n, c, h, w = shape
    numbers, outputs = n * c * h * w, n * c * (h // 2) * (w // 2)
    return dtype.itemsize * (numbers + outputs) + (8 * outputs if kind == "max" else 0)


def bandwidth(device="cpu", shape=SHAPE, seconds=0.2, dtype=torch.float32) -> Table:
    """Time 2 x 2 poolings beside a copy of the same tensor, in the same run, with `torch.utils.benchmark`.

    Args:
        device: "cpu" or "cuda" (which the timer waits for).
        shape: (N, C, H, W) of the input: one that lies in the processor's caches tells nothing of its memory.
        seconds: how long each line is measured at least.
        dtype: of the input, one with fractions.

    Returns:
        A Table with the columns what, layout, direction, MB (that must move at least), ms (median), GB/s, and GB/s as a
        share of two copies: of copy, into memory that is already there, and of new copy, which also has to get the
        memory that it writes to, as the poolings have.

    >>> [row["what"] for row in bandwidth(shape=(1, 1, 8, 8), seconds=0.001)][:3]
    ['copy', 'copy, new memory', 'max']
    """
    x = torch.rand(shape, device=device, dtype=dtype)
    rows = [_row("copy", "contiguous", "", 2 * x.nbytes, _time("y.copy_(x)", seconds, x=x, y=torch.empty_like(x)))]
    rows += [_row("copy, new memory", "contiguous", "", 2 * x.nbytes, _time("x.clone()", seconds, x=x))]
    for kind, pool in POOLINGS.items():
        for layout, memory_format in LAYOUTS.items():
            given = x.detach().contiguous(memory_format=memory_format).requires_grad_()
            with torch.no_grad():
                forward = _time("pool(x, 2)", seconds, pool=pool, x=given)
            rows.append(_row(kind, layout, "forward", bytes_moved(kind, shape, dtype=dtype), forward))
            out = pool(given, 2)
            call = "torch.autograd.grad(out, x, upstream, retain_graph=True)"
            backward = _time(call, seconds, torch=torch, out=out, x=given, upstream=torch.ones_like(out))
            rows.append(_row(kind, layout, "backward", bytes_moved(kind, shape, True, dtype), backward))
    copy, new = (row["GB/s"] for row in rows[:2])
    shares = [{"of copy": f"{row['GB/s'] / copy:.0%}", "of new copy": f"{row['GB/s'] / new:.0%}"} for row in rows]
    return Table([row | share for row, share in zip(rows, shares, strict=True)], about(device, shape, dtype))


def about(device, shape, dtype=torch.float32) -> str:
    """One line on what was measured where."""
    name = torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()}, {_threads()}"
    name_of = str(dtype).removeprefix("torch.")
    return f"{name_of}, {' × '.join(map(str, shape))}; {device} ({name}); torch {torch.__version__}"


def _threads():
    count = torch.get_num_threads()
    return "1 thread" if count == 1 else f"{count} threads"


def _time(call, seconds, **given):
    """Median seconds of a call, with as many threads as torch uses here."""
    from torch.utils.benchmark import Timer

    timer = Timer(call, globals=given, num_threads=torch.get_num_threads())
    return timer.blocked_autorange(min_run_time=seconds).median


def _row(what, layout, direction, moved, seconds):
    row = {"what": what, "layout": layout, "direction": direction, "MB": moved / 1e6}
    return row | {"ms": seconds * 1e3, "GB/s": moved / seconds / 1e9}
