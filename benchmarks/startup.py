"""How long until the first picture in a cold kernel? Run: python benchmarks/startup.py [--rounds 5] [--json]

A kernel starts in a new process and runs one line. In turn, in shuffled order, that line is

* `import torch`: done when the kernel says so,
* `from pooling_course import PoolingExplorer; PoolingExplorer()`: done when the message that displays the widget is
  here, and with it the widget's numbers, which came before it.

The clock runs from before the kernel process starts; beside it, the part after the kernel was ready. The ratio is ours
to torch's. Then: what `pooling_course` imports beyond torch and the widget libraries (`python -X importtime`), and how
many bytes a widget sends when it is shown.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

WAYS = {
    "torch": "import torch",
    "explorer": "from pooling_course import PoolingExplorer; PoolingExplorer()",
}
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
    return os.environ | {"PYTHONPATH": path}


class Kernel:
    """A kernel in a process of its own; `ready` is how many seconds it took to answer."""

    def __init__(self):
        from jupyter_client.manager import KernelManager

        self.start = time.perf_counter()
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=environment())
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


def first_picture(way):
    """(seconds from nothing to done, seconds from a ready kernel to done)"""
    with Kernel() as kernel:
        heard = kernel.run(WAYS[way])
        done = heard[-1][0]
        if way == "explorer":
            done = next(s for s, m in heard if WIDGET in m["content"].get("data", {}))
        return done, done - kernel.ready


def races(rounds):
    times = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in random.sample(list(WAYS), len(WAYS)):
            times[way].append(first_picture(way))
    medians = {way: [statistics.median(part) for part in zip(*found, strict=True)] for way, found in times.items()}
    return [
        {"way": way, "s": total, "after_ready_s": after, "ratio": total / medians["torch"][0]}
        for way, (total, after) in medians.items()
    ]


def imports():
    """[(module, ms)]: what pooling_course imports at the top level of its own, beyond BASE, with all that is below."""
    code = f"import {', '.join(BASE)}; import pooling_course.explorer"
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
    """What a widget sends when it is shown, module and style apart."""
    rows = []
    with Kernel() as kernel:
        kernel.run("from pooling_course import PoolingExplorer, images")
        for size, x in INPUTS.items():
            start = time.perf_counter()
            heard = kernel.run(f"PoolingExplorer({x})")
            seconds = time.perf_counter() - start
            opened = [m for _, m in heard if m["msg_type"] == "comm_open"]
            state = max((m["content"]["data"]["state"] for m in opened), key=lambda s: len(json.dumps(s)))
            code = sum(len(state.get(name, "").encode()) for name in ("_esm", "_css"))
            plain = sum(len(json.dumps(m["content"])) for m in opened) - len(json.dumps(state["_esm"] + state["_css"]))
            binary = sum(len(b) for m in opened for b in m["buffers"])
            entries = len(state["book"]["entries"])
            rows.append({"size": size, "states": entries, "binary": binary, "plain": plain, "code": code, "s": seconds})
    return rows


def report(about, ways, modules, bytes_):
    yield ", ".join(f"{name} {value}" for name, value in about.items())
    yield f"\n{'cold kernel, median':22} {'s':>6} {'after ready':>12} {'ratio':>6}"
    yield from (f"{r['way']:22} {r['s']:6.2f} {r['after_ready_s']:12.2f} {r['ratio']:6.2f}" for r in ways)
    yield f"\n{'beyond ' + ', '.join(BASE):44} {'ms':>7}"
    yield from (f"{r['module']:44} {r['ms']:7.1f}" for r in modules)
    yield f"\n{'sent, bytes':12} {'states':>7} {'numbers':>10} {'as JSON':>9} {'code':>9} {'shown in ms':>12}"
    for r in bytes_:
        line = f"{r['size']:12} {r['states']:7} {r['binary']:10,} {r['plain']:9,} {r['code']:9,}"
        yield f"{line} {1e3 * r['s']:12.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    given = parser.parse_args()
    random.seed(0)
    packages = ("torch", "ipykernel", "anywidget", "ipywidgets")
    about = {name: importlib.metadata.version(name) for name in packages}
    about |= {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    parts = {"ways": races(given.rounds), "imports": imports(), "sent": sent()}
    if given.json:
        print(json.dumps(about | parts, indent=1))
        return
    print(*report(about, *parts.values()), sep="\n")


if __name__ == "__main__":
    main()
