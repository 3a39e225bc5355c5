"""How near do 2 x 2 poolings come to the speed of memory? Run: python benchmarks/bandwidth.py [--json] [--seconds 1]

Peer in the same run: a copy of the same tensor. Measured on the CPU, and on a CUDA device where there is one; nothing
is claimed about such a device, because none could be had when the course was written.
"""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.result import claim, main, table
from pooling_course.expert.bandwidth import SHAPE, about, bandwidth


def measure(given):
    shape = tuple(given.shape)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    found = {device: bandwidth(device, shape, given.seconds) for device in devices}
    tables = [table(about(device, shape), rows[0], (row.values() for row in rows)) for device, rows in found.items()]
    said = [each for device, rows in found.items() for each in claims(device, rows)]
    return {"claims": said, "tables": tables, "growth": []}


def claims(device, rows, dtype=torch.float32):
    copy, of = rows[0]["GB/s"], "" if dtype == torch.float32 else f", {str(dtype).removeprefix('torch.')}"
    for row in rows:
        if row["direction"] == "forward":
            which = f"{row['what']} pooling, {row['layout']}{of}, on the {device.upper()}"
            says = f"Forward {which}: its share of a copy's speed"
            yield claim(says, 100 * row["GB/s"] / copy, "%", peer=f"a copy moves {copy:.1f} GB/s")


OPTIONS = {
    "--seconds": {"type": float, "default": 1.0, "help": "at least so long for each line"},
    "--shape": {"type": int, "nargs": 4, "default": SHAPE, "metavar": ("N", "C", "H", "W")},
}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
