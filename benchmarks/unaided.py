"""How long does a page without Python take to pool? Run: python benchmarks/unaided.py [--rounds 20] [--json]

The page's engine answers for one state, forwards or backwards, in Node, whose JavaScript is Chromium's; Python answers
for the same in the same run, as it does in a notebook: torch pools, and the state is packed. Neither way to the page
is in these times, nor the picture. What takes the page longer than a frame or so it leaves to a worker.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.engine import median_times
from benchmarks.result import NotHere, claim, growth, main
from pooling_course.explorer.states import Packer
from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.web import assets

SIDES = (6, 28, 128, 512)
POOLED = {"max": Pooling("max", 3, 2, 1), "average": Pooling("avg", 3, 2, 1)}
FRAME = 1000 / 60  # ms


def names():
    for kind, pooling in POOLED.items():
        yield kind, pooling.key()
        yield f"{kind}, backwards", f"grad0 {pooling.key()}"


def by_page(cases):
    node = shutil.which("node")
    if not node:
        raise NotHere("It needs Node to run the page's engine: https://nodejs.org, or apt-get install nodejs.")
    with tempfile.TemporaryDirectory() as folder:
        module, asked = Path(folder) / "engine.mjs", Path(folder) / "cases.json"
        module.write_text(assets.script("explorer/engine.js", "explorer/kinds/kinds.js"), "utf-8")
        asked.write_text(json.dumps(cases), "utf-8")
        command = [node, Path(__file__).with_suffix(".mjs"), module.as_uri(), asked]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def by_python(case):
    packer = Packer(torch.rand(1, case["side"], case["side"]))
    packs = (None, lambda _: packer.pack([case["name"]]))
    return median_times([packs], case["rounds"], wait=lambda: None)[0]


def measure(given):
    whats = dict(names())
    cases = [{"name": name, "side": side, "rounds": given.rounds} for name in whats.values() for side in SIDES]
    page = iter(by_page(cases))
    python = iter([by_python(case) for case in cases])
    series = {}
    for what in whats:
        series[f"page, {what}"] = [next(page) for _ in SIDES]
        series[f"Python, {what}"] = [next(python) for _ in SIDES]
    upto = SIDES.index(128)
    slowest = max(whats, key=lambda what: series[f"page, {what}"][upto])
    says = "A page without Python pools 128 × 128 cells within one frame"
    figure = series[f"page, {slowest}"][upto]
    peer = f"{slowest}; Python takes {series[f'Python, {slowest}'][upto]:.2g} ms"
    cells = [side * side for side in SIDES]
    grown = [
        growth(title, "cells of the input", cells, "ms", {name: series[name] for name in series if name.endswith(end)})
        for title, end in (("One state, by the page and by Python", tuple(POOLED)), ("One gradient", "backwards"))
    ]
    return {"claims": [claim(says, figure, "ms", at_most=FRAME, peer=peer)], "tables": [], "growth": grown}


OPTIONS = {"--rounds": {"type": int, "default": 20}}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
