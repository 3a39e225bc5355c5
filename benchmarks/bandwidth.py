"""How near do 2 x 2 poolings come to the speed of memory? Run: python benchmarks/bandwidth.py [--json] [--seconds 1]

Peer in the same run: a copy of the same tensor. Measured on the CPU, and on a CUDA device where there is one; nothing
is recorded here, because no such device could be had when the course was written.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from pooling_course.expert.bandwidth import SHAPE, about, bandwidth


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--seconds", type=float, default=1.0, help="at least so long for each line")
    parser.add_argument("--shape", type=int, nargs=4, default=SHAPE, metavar=("N", "C", "H", "W"))
    given = parser.parse_args()
    shape = tuple(given.shape)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    tables = {device: bandwidth(device, shape, given.seconds) for device in devices}
    if given.json:
        print(json.dumps({about(device, shape): table for device, table in tables.items()}, indent=1))
        return
    for table in tables.values():
        print(table, end="\n\n")


if __name__ == "__main__":
    main()
