"""How near do 2 x 2 poolings come to the speed of memory? Run: python benchmarks/bandwidth.py [--json] [--seconds 1]

Peers in the same run: a copy of the same tensor into memory that is there, and one that gets new memory, as a pooling
does. Of a map that lies in the caches, and of one beyond them. Measured on the CPU, and on a CUDA device where there is
one; nothing is claimed about such a device, because none could be had when the course was written.
"""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.result import claim, main, table
from pooling_course.expert.bandwidth import CACHED, SHAPE, about, bandwidth


def measure(given):
    tables, said = [], []
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        for shape in [tuple(given.shape)] if given.shape else [CACHED, SHAPE]:
            rows = bandwidth(device, shape, given.seconds)
            tables.append(table(about(device, shape), rows[0], (row.values() for row in rows)))
            said += claims(device, shape, rows)
    return {"claims": said, "tables": tables, "growth": []}


def claims(device, shape, rows, dtype=torch.float32):
    copy, new = (row["GB/s"] for row in rows[:2])
    of = f"{str(dtype).removeprefix('torch.')}, {' × '.join(map(str, shape))}"
    for row in rows:
        if row["direction"] == "forward":
            which = f"{row['what']} pooling, {row['layout']}, {of}, on the {device.upper()}"
            peer = f"a copy moves {copy:.1f} GB/s, one that gets new memory {new:.1f}"
            yield claim(f"Forward {which}: its share of a copy's speed", 100 * row["GB/s"] / copy, "%", peer=peer)


OPTIONS = {
    "--seconds": {"type": float, "default": 1.0, "help": "at least so long for each line"},
    "--shape": {"type": int, "nargs": 4, "metavar": ("N", "C", "H", "W"), "help": "of the input, in place of two"},
}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
