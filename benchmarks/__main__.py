"""Run the benchmarks one after the other, and write one page of what they found: benchmarks/results/index.html

    python course.py bench                        all of them, about half an hour
    python course.py bench latency engine         only these
    python course.py bench --quick                a short run, about four minutes; its page says so
    python course.py bench --record               run nothing: write the last whole run into docs/measurements.md

Leave the machine alone meanwhile: the page says how busy it was before each benchmark began. One that fails or that
this machine cannot run is a row in the page that says why, and the others go on. Ctrl-C ends the run and writes the
page of what there is.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import page, record, result

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


class Benchmark(NamedTuple):
    """What a script is about, and the arguments and seconds of a whole and of a short run on two cores."""

    title: str
    arguments: str
    seconds: int
    quick: str
    quick_seconds: int


BENCHMARKS = {
    "latency": Benchmark(
        "A slider step",
        "--ipympl --steps 20 --sizes 6x6 28x28 128x128 512x512",
        360,
        "--ipympl --steps 3 --warm-up 2 --sizes 6x6 128x128",
        50,
    ),
    "engine": Benchmark("Pooling", "", 25, "--rounds 8", 8),
    "unaided": Benchmark("Pooling without Python", "", 10, "--rounds 4", 5),
    "networks": Benchmark("A report on a network", "", 5, "--rounds 1", 5),
    "startup": Benchmark("Starting", "--rounds 4", 70, "--rounds 1", 25),
    "checks": Benchmark("Checking an answer", "", 40, "--rounds 2", 8),
    "grading": Benchmark("Marking a class", "--both 4 10 --sizes 100 1000 10000", 700, "--both 2 4 --sizes 10", 40),
    "site": Benchmark("The site", "", 480, "--rounds 1 --steps 8 --lessons 00 08", 100),
    "memory": Benchmark("Memory", "", 70, "--lessons 08", 15),
    "bandwidth": Benchmark("Pooling against the speed of memory", "", 15, "--seconds 0.1", 5),
}
ALONE = {  # too long and too large for a run of all: what it is about, and why it is left out
    "gpu": ("Pooling on a GPU", "it needs one: python benchmarks/gpu.py"),
    "hub": ("Learners on a JupyterHub", "it makes an environment of 2 GB of its own: python benchmarks/hub.py"),
}
RAISED = re.compile(r"[\w.]*(Error|Exception): ")  # what a traceback ends with; more lines may follow
PATIENCE = 10  # times as long as expected, and five minutes: then a benchmark hangs


def clock(seconds):
    """Minutes and seconds.

    >>> clock(83.4)
    '1:23'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def run(names, quick, tell=print):
    """All that a page is made of: {"machine", "quick", "benchmarks": {name: what became of it}}."""
    given = {"machine": result.machine(), "quick": quick, "benchmarks": {}}
    expected = {name: BENCHMARKS[name][4 if quick else 2] for name in names}
    begun, past = time.monotonic(), 0
    try:
        for number, name in enumerate(names, start=1):
            pace = (time.monotonic() - begun) / past if past else 1  # a slow machine is slow throughout
            left = pace * (sum(expected.values()) - past)
            words = f"about {clock(pace * expected[name])}, and {clock(left)} until all is done"
            tell(f"[{number}/{len(names)}] {name}: {words}")
            given["benchmarks"][name] = found = one(name, quick, pace * expected[name], tell)
            tell(f"      {found['state']} after {clock(found['seconds'])}{found['why'] and ': ' + found['why']}")
            past += expected[name]
    except KeyboardInterrupt:
        tell("Stopped.")
    for name, benchmark in BENCHMARKS.items():
        why = "the run was stopped before it was done" if name in names else "it was not asked for in this run"
        given["benchmarks"].setdefault(name, {"title": benchmark.title, "state": "left out", "why": why})
    given["benchmarks"] = {name: given["benchmarks"][name] for name in BENCHMARKS}
    for name, (title, why) in ALONE.items():
        given["benchmarks"][name] = {"title": title, "state": "left out", "why": why}
    return given


def one(name, quick, expected, tell):
    """Run one script; `state` is done, failed, or left out, and `why` says the latter two in words."""
    arguments = (BENCHMARKS[name].quick if quick else BENCHMARKS[name].arguments).split()
    script, log = HERE / f"{name}.py", RESULTS / f"{name}.log"
    command = " ".join(["python", f"benchmarks/{name}.py", *arguments])
    about = {"title": BENCHMARKS[name].title, "command": command, "load": result.load()}
    begun = time.monotonic()
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, str(script), "--json", *arguments],
            cwd=HERE.parent,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # so that all it started can be ended with it
        )
        try:
            out, hung = wait(process, begun, expected, tell), False
        except subprocess.TimeoutExpired:
            out, hung = "", True
        finally:
            end(process)
    about["seconds"] = round(time.monotonic() - begun, 1)
    return about | outcome(process.returncode, out, log, hung)


def outcome(code, out, log, hung=False):
    """{"state", "why", "found"} of a script that ended."""
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it said nothing"]
    last = next((line for line in reversed(said) if RAISED.match(line)), said[-1].strip())
    if hung:
        return {"state": "failed", "why": "it took far too long, and was ended"}
    if code == result.IMPOSSIBLE:
        return {"state": "left out", "why": last}
    try:
        found = json.loads(out)
    except ValueError:
        return {"state": "failed", "why": last}
    return {"state": "done", "why": "", "found": found} if code == 0 else {"state": "failed", "why": last}


def wait(process, begun, expected, tell):
    """What it prints, and every half minute a word that it still runs."""
    while True:
        try:
            return process.communicate(timeout=30)[0]
        except subprocess.TimeoutExpired:
            past = time.monotonic() - begun
            tell(f"      {clock(past)} of about {clock(expected)}")
            if past > PATIENCE * expected + 300:
                raise


def end(process):
    """End a script that still runs, with all that it started."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        os.killpg(process.pid, number) if hasattr(os, "killpg") else process.kill()
        try:
            process.wait(20)
            return
        except subprocess.TimeoutExpired:
            continue


def main(argv):
    parser = argparse.ArgumentParser(
        prog="course.py bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}; all where none is given")
    parser.add_argument("--quick", action="store_true", help="a short run")
    parser.add_argument("--record", action="store_true", help="write the last whole run into docs/measurements.md")
    given = parser.parse_args(argv)
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}: choose from {', '.join(BENCHMARKS)}")
    kept = RESULTS / "results.json"
    if given.record:
        try:
            print(record.write(json.loads(kept.read_text(encoding="utf-8"))))
        except (FileNotFoundError, ValueError) as reason:
            print(
                reason if type(reason) is ValueError else "Nothing was run yet: python course.py bench", file=sys.stderr
            )
            return 1
        return 0
    RESULTS.mkdir(exist_ok=True)
    found = run(given.names or list(BENCHMARKS), given.quick)
    kept.write_text(json.dumps(found, indent=1), encoding="utf-8")
    (RESULTS / "index.html").write_text(page.html(found), encoding="utf-8")
    print(f"\n{page.summary(found)}\nThe page is {(RESULTS / 'index.html').relative_to(HERE.parent)}.")
    return 1 if any(each["state"] == "failed" for each in found["benchmarks"].values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
