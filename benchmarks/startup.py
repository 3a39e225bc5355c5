"""How long until the first picture in a cold kernel? Run: python benchmarks/startup.py [--rounds 5] [--json]

A kernel starts in a new process and runs one line. In turn, in shuffled order, that line is

* `import torch`: done when the kernel says so,
* `from pooling_course import PoolingExplorer; PoolingExplorer()`: done when the message that displays the widget is
  here, and with it the widget's numbers, which came before it.

Or it is Run All of one of the first lessons: every code cell in turn, without a browser, until the last one is done.

The clock runs from before the kernel process starts; beside it, the part after the kernel was ready. The ratio is ours
to torch's. Then: what `pooling_course` imports beyond torch and the widget libraries (`python -X importtime`), and how
many bytes a widget sends when it is shown. torch gets all the threads it wants.

The claims: the first picture takes at most 1.25 times what starting the kernel and importing torch take, and Run All of
one of the first three lessons at most 2 seconds more than these.
"""

import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.result import claim, main, table  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"


def code_of(lesson):
    return [cell.source for cell in nbformat.read(lesson, as_version=4).cells if cell.cell_type == "code"]


WAYS = {
    "import torch": ["import torch"],
    "first picture": ["from pooling_course import PoolingExplorer; PoolingExplorer()"],
} | {f"Run All of {path.stem}": code_of(path) for path in sorted(NOTEBOOKS.glob("0[0-2]_*.ipynb"))}
BASE = ("torch", "anywidget", "ipywidgets")
INPUTS = {
    "6x6": "'worked'",
    "28x28": "images.photo(28, gray=True)[0]",
    "128x128": "images.photo(128, gray=True)[0]",
    "3x128x128": "images.photo(128)",
    "3x512x512": "images.photo()[:, :512]",
}
WIDGET = "application/vnd.jupyter.widget-view+json"


def environment():
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    own = {"POOLING_COURSE_PROGRESS": os.path.join(tempfile.gettempdir(), "no-answers", "none.jsonl")}  # nobody's
    return os.environ | {"PYTHONPATH": path} | own


class Kernel:
    """A kernel in a process of its own; `ready` is how many seconds it took to answer."""

    def __init__(self):
        from jupyter_client.manager import KernelManager

        self.start = time.perf_counter()
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=environment(), cwd=str(NOTEBOOKS))
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)
        self.ready = time.perf_counter() - self.start

    def run(self, code):
        """[(seconds since the start, message)] of running `code`; what it displays and sends to widgets is in it."""
        heard = []
        reply = self.client.execute_interactive(
            code, timeout=120, output_hook=lambda m: heard.append((time.perf_counter() - self.start, m))
        )
        if reply["content"]["status"] != "ok":
            raise RuntimeError("\n".join(reply["content"]["traceback"]))
        return [*heard, (time.perf_counter() - self.start, reply)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def done(way):
    """(seconds from nothing to done, seconds from a ready kernel to done)"""
    with Kernel() as kernel:
        for code in WAYS[way]:
            heard = kernel.run(code)
        end = heard[-1][0]
        if way == "first picture":
            end = next(s for s, m in heard if WIDGET in m["content"].get("data", {}))
        return end, end - kernel.ready


def races(rounds):
    times = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in random.sample(list(WAYS), len(WAYS)):
            times[way].append(done(way))
    medians = {way: [statistics.median(part) for part in zip(*found, strict=True)] for way, found in times.items()}
    bare = medians["import torch"][0]
    return [
        {"way": way, "s": total, "after_ready_s": after, "ratio": total / bare, "more_s": total - bare}
        for way, (total, after) in medians.items()
    ]


def imports():
    """[(module, ms)]: what pooling_course imports at the top level of its own, beyond BASE, with all that is below."""
    code = f"import {', '.join(BASE)}; import pooling_course.explorer.explorer"
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    lines = re.findall(r"^import time:\s+\d+ \|\s+(\d+) \| ( *)(\S+)$", ran.stderr, re.MULTILINE)
    found = []
    for micros, indent, name in reversed(lines):  # a module's own imports stand before it, further in
        if not indent and not name.startswith("pooling_course"):
            break
        if len(indent) // 2 <= 2:
            found.append({"module": "  " * (len(indent) // 2) + name, "ms": int(micros) / 1e3})
    return found


def sent():
    """What a widget sends when it is shown, module and style apart, which come with the first."""
    rows = []
    with Kernel() as kernel:
        kernel.run("from pooling_course import PoolingExplorer, images")
        for size, x in INPUTS.items():
            start = time.perf_counter()
            heard = kernel.run(f"PoolingExplorer({x})")
            seconds = time.perf_counter() - start
            opened = [m for _, m in heard if m["msg_type"] == "comm_open"]
            states = [m["content"]["data"]["state"] for m in opened]
            texts = [state[name] for state in states for name in ("_esm", "_css", "module") if name in state]
            plain = sum(len(json.dumps(m["content"])) for m in opened) - sum(len(json.dumps(text)) for text in texts)
            binary = sum(len(b) for m in opened for b in m["buffers"])
            (entries,) = (len(state["book"]["entries"]) for state in states if "book" in state)
            code = sum(len(text.encode()) for text in texts)
            rows.append({"size": size, "states": entries, "binary": binary, "plain": plain, "code": code, "s": seconds})
    return rows


def measure(given):
    parts = {"ways": races(given.rounds), "imports": imports(), "sent": sent()}
    ways = [list(row.values()) for row in parts["ways"]]
    sizes = [[r["size"], r["states"], r["binary"], r["plain"], r["code"], 1e3 * r["s"]] for r in parts["sent"]]
    tables = [
        table(f"A cold kernel, median of {given.rounds}", ["what", "s", "s after ready", "times", "s more"], ways),
        table(
            f"Imports beyond {', '.join(BASE)}", ["module", "ms"], ([m["module"], m["ms"]] for m in parts["imports"])
        ),
        table("Bytes sent", ["input", "states", "numbers", "as JSON", "code", "shown after, ms"], sizes),
    ]
    return {"claims": list(claims(parts["ways"])), "tables": tables, "growth": []} | parts


def claims(ways):
    bare, first, *lessons = ways
    peer = f"kernel and torch alone {bare['s']:.2f} s"
    beside = f"{first['s']:.2f} s; {peer}"
    yield claim(
        "The first picture in a cold kernel takes little longer than `import torch` in one",
        first["ratio"],
        "times",
        at_most=1.25,
        peer=beside,
    )
    for row in lessons:
        beside = f"{row['s']:.2f} s in all; {peer}"
        yield claim(
            f"{row['way']} takes little more than starting the kernel and `import torch`",
            row["more_s"],
            "s",
            at_most=2,
            peer=beside,
        )


OPTIONS = {"--rounds": {"type": int, "default": 5}}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
