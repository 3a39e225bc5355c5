"""What do the checks cost? Run: python benchmarks/checks.py [--json] [--rounds 20]

First the import. Each run is a fresh process, which times `import torch`, then `import pooling_course.exercises`, then
the files of all exercises (a check loads one). The claim: beside torch, the import costs less than 50 ms.

Then one check of the model answer of each exercise, beside running that answer on the same cases without any judging.
In each round the two are called in shuffled order, and the medians compared. torch gets one thread: maps this small
need no more, and threads that wait for a busy core would be measured instead.
"""

import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.result import claim, main, table
from pooling_course.exercises import check, load, names

ROOT = Path(__file__).parents[1]
IMPORT = """
import time
start = time.perf_counter()
import torch
torch_done = time.perf_counter()
import pooling_course.exercises
done = time.perf_counter()
pooling_course.exercises.names()
all_done = time.perf_counter()
print(torch_done - start, done - torch_done, all_done - done)
"""


def import_times(rounds):
    """Medians in ms: torch, the checks after it, and the files of all exercises after these."""
    runs = []
    for _ in range(rounds):
        said = subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, capture_output=True, text=True, check=True)
        runs.append([float(word) * 1e3 for word in said.stdout.split()])
    return dict(zip(("torch", "checks", "files"), map(statistics.median, zip(*runs, strict=True)), strict=True))


def timed(function):
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1e3


def check_times(name, rounds):
    """Medians in ms of a check and of the model answer alone; the first round, which warms up, is left out."""
    exercise = load(name)
    cases = exercise.cases()
    ways = {"check": lambda: check(name, exercise.model), "answer": lambda: [exercise.model(*case) for case in cases]}
    times = {way: [] for way in ways}
    for _ in range(rounds + 1):
        for way in random.sample(list(ways), len(ways)):
            times[way].append(timed(ways[way]))
    return {way: statistics.median(found[1:]) for way, found in times.items()} | {"cases": len(cases)}


def measure(given):
    torch.set_num_threads(1)
    imports = import_times(given.rounds)
    rows = {name: check_times(name, given.rounds) for name in names() if load(name).level != "own"}
    peer = f"`import torch` takes {imports['torch']:.0f} ms in the same process"
    slowest = max(rows, key=lambda name: rows[name]["check"])
    beside = f"{slowest}, whose answer alone takes {rows[slowest]['answer']:.2f} ms"
    claims = [
        claim("Importing the checks costs little beside torch", imports["checks"], "ms", at_most=50, peer=peer),
        claim("The slowest check of a right answer", rows[slowest]["check"], "ms", peer=beside),
    ]
    labels = {"torch": "torch", "checks": "and then the checks", "files": "and then every exercise"}
    costs = [[name, r["cases"], r["check"], r["answer"], r["check"] / r["answer"]] for name, r in rows.items()]
    tables = [
        table(
            "Imports in a fresh process", ["import", "ms"], [[label, imports[what]] for what, label in labels.items()]
        ),
        table("One check of the model answer", ["exercise", "cases", "check, ms", "answer alone, ms", "times"], costs),
    ]
    return {"claims": claims, "tables": tables, "growth": [], "imports_ms": imports, "checks_ms": rows}


OPTIONS = {"--rounds": {"type": int, "default": 20}}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
