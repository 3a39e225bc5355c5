"""How long from a key press on a slider to the painted picture? Run: python benchmarks/latency.py [--steps 40] [--json]

In a real JupyterLab in Chromium, the same walk over kernel_size and stride is taken by real key presses in

* the explorer, forwards,
* the gradient flow, which is the explorer backwards,
* `ipywidgets.interact` with a matplotlib figure of input and output, as tutorials do it (with the numbers in the cells
  where the explorer shows them, too), and
* a bare slider that paints one small canvas: the floor, which no way can beat.

All of them live in one notebook with one kernel, and each step of the walk is taken by all, in shuffled order, with a
rest in between.

The clock is the browser's own: from the time stamp of the keydown event to the end of the first frame in which the new
picture was painted. That end is the same for every way: once the picture is there, a frame is asked for, and a task
posted in its callback; the browser runs that task when the frame has been laid out and painted. The picture is there
when a canvas has been drawn on, or, for interact, when the new <img> stands in the page and has been decoded. Each
picture is compared afterwards: a step only counts if it shows something new, and if nothing changes any more once the
clock has stopped. `presented` is a second opinion: the browser's own Event Timing, which knows only steps of 8 ms, and
only what is drawn at once.

Three parts make up the time, and their medians stand in the table: until the new picture is `drawn`, until the next
frame begins (at once, for the page is at rest when a key is pressed, as a learner's is; with a key held down, frames
follow each other, and it would be up to 17 ms later), and until that frame is `painted`.

The claim: the explorer paints within one frame, 16.7 ms, in the median; at least 15 times as fast as interact.

At 3 x 512 x 512 there is too much to send ahead, and the explorer asks for the slider's neighbours while nobody moves
it. So there it is measured twice: with a rest between the steps, and with a jump to a state that must be asked for.
"""

import argparse
import contextlib
import importlib.metadata
import json
import math
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import ARGUMENTS, START, find_browser, jupyterlab  # noqa: E402

FRAME = 1000 / 60
INPUTS = {
    "6x6": "images.preset('worked')",
    "28x28": "images.photo(28, gray=True)[0]",
    "128x128": "images.photo(128, gray=True)[0]",
    "3x128x128": "images.photo(128)",
    "3x512x512": "images.photo()[:, :512]",
}
LARGE = "3x512x512"
# From kernel_size 2, stride 2, round and round: every step changes the output, at every size.
RIGHT, LEFT = "ArrowRight", "ArrowLeft"
WALK = [(0, RIGHT)] * 3 + [(1, LEFT)] + [(0, LEFT)] * 3 + [(1, RIGHT)]
HELD = 60  # ms that a finger holds a key: its release must not fall into the step
SETTLE = 350  # ms: longer than the explorer waits before it asks for neighbours

SETUP = "%matplotlib inline\nfrom pooling_course import GradientFlow, PoolingExplorer, images\nx = {}"
INTERACT = """
import matplotlib.pyplot as plt
import torch.nn.functional as F
from ipywidgets import IntSlider, interact

def show(kernel_size, stride):
    output = F.max_pool2d(x if x.ndim == 3 else x[None], kernel_size, stride)
    fig, axes = plt.subplots(1, 2, figsize=(8, 4))
    for ax, title, image in zip(axes, ("Input", "Output"), (x, output if x.ndim == 3 else output[0])):
        ax.imshow(image.permute(1, 2, 0) if image.ndim == 3 else image)
        ax.set_title(f"{title} {tuple(image.shape)}")
        if x.numel() <= 100:
            for (r, c), value in __import__("numpy").ndenumerate(image.numpy()):
                ax.text(c, r, f"{value:g}", ha="center", va="center")
    plt.show()

interact(show, kernel_size=IntSlider(2, 1, 5), stride=IntSlider(2, 1, 5));
"""
# What stands in a cell of the notebook; where the picture is, where its sliders are, and how a new picture shows.
OURS = (".pc-explorer", ["input[aria-label=kernel_size]", "input[aria-label=stride]"], "canvas")
WAYS = {
    "explorer": ("explorer = PoolingExplorer(x); explorer", *OURS),
    "gradient flow": ("flow = GradientFlow(x); flow", *OURS),
    "interact": (INTERACT, ".jp-OutputArea", [".noUi-handle >> nth=0", ".noUi-handle >> nth=1"], "image"),
    "bare slider": ("0", None, ["#floor input"] * 2, "canvas"),
}
NAMES = {"explorer": "explorer", "gradient flow": "flow"}


class Notebook:
    """A notebook with one input and several ways to look at it."""

    def __init__(self, page, lab, size, ways):
        self.page, self.lab, self.size = page, lab, size
        file = f"{size}.ipynb"
        lab.write(file, SETUP.format(INPUTS[size]), *(WAYS[way][0] for way in ways))
        lab.open(page, file)
        # asked to run before its kernel is there, JupyterLab asks which kernel to take
        page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(state="attached", timeout=START)
        lab.run_all(page)
        page.evaluate("probe.floor()")
        cells = page.locator(".jp-Notebook .jp-CodeCell")
        self.roots, self.sliders = {}, {}
        for i, way in enumerate(ways):
            _, picture, sliders, _ = WAYS[way]
            cell = cells.nth(i + 1) if picture else page
            self.roots[way] = cell.locator(picture or "#floor").first
            self.sliders[way] = [cell.locator(slider).first for slider in sliders]
            self.roots[way].locator("canvas, img").first.wait_for(state="attached", timeout=START)
        self.client = _client(lab, file)
        self.rest()

    def step(self, way, slider, key):
        """The milliseconds of one step."""
        elements = [self.roots[way].element_handle(), self.sliders[way][slider].element_handle(), WAYS[way][-1]]
        self.page.evaluate("(given) => probe.arm(...given)", elements)
        self.page.keyboard.press(key, delay=HELD)
        found = self.page.evaluate("(ms) => probe.read(ms)", SETTLE)
        self.rest()
        return found

    def walk(self, ways, steps):
        """{way: its steps}, in turn."""
        found = {way: [] for way in ways}
        for i in range(-len(WALK), steps):  # one round to warm up
            for way in random.sample(ways, len(ways)):
                at = self.step(way, *self.where(way, i))
                if i >= 0:
                    found[way].append(at)
        return found

    def where(self, way, i):
        return WALK[i % len(WALK)] if way != "bare slider" else (0, (RIGHT, LEFT)[i % 2])

    def jump(self, way, steps):
        """Steps to a state that is not there yet: after a new input, from kernel_size 2 straight to the last one."""
        found = []
        for _ in range(steps):
            self.execute(f"w = {NAMES[way]}; w.stride = w.kernel_size = 2; w.x = w.x.clone()")
            self.page.wait_for_timeout(2 * SETTLE)
            self.rest()
            found.append(self.step(way, 0, "End"))
        return found

    def sent(self, way):
        """Bytes of numbers that come with the widget."""
        code = f"w = {NAMES[way]}; [len(w.book['input']['data']), len(w.book['data']), len(w.book['entries'])]"
        return dict(zip(("input", "ahead", "states"), json.loads(self.execute(code)), strict=True))

    def execute(self, code):
        """Run code in the notebook's kernel, as another client of it; the text of its value."""
        texts = []

        def hear(message):
            if message["msg_type"] == "execute_result":
                texts.append(message["content"]["data"]["text/plain"])

        reply = self.client.execute_interactive(code, store_history=False, output_hook=hear, timeout=60)
        if reply["content"]["status"] != "ok":
            raise RuntimeError("\n".join(reply["content"]["traceback"]))
        return texts[0] if texts else None

    def rest(self):
        """Until the kernel has nothing left to do."""
        self.client.kernel_info(reply=True, timeout=60)
        self.page.wait_for_timeout(30)
        self.client.kernel_info(reply=True, timeout=60)

    def close(self):
        self.client.stop_channels()
        self.lab.ask(f"kernels/{self.lab.kernel(f'{self.size}.ipynb')}", "DELETE")


def _client(lab, file):
    from jupyter_client import BlockingKernelClient

    client = BlockingKernelClient(
        connection_file=str(lab.folder.parent / "runtime_dir" / f"kernel-{lab.kernel(file)}.json")
    )
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    return client


def measure(page, lab, size, steps, jumps):
    ways = [way for way in WAYS if size != LARGE or way != "interact"]
    notebook = Notebook(page, lab, size, ways)
    found = notebook.walk(ways, steps)
    rows = [summary(size, way, found[way]) for way in ways]
    for row in rows:
        if "interact" in found:
            row["ratio"] = statistics.median(s["ms"] for s in found["interact"]) / row["median_ms"]
        if row["way"] in NAMES:
            row["sent"] = notebook.sent(row["way"])
    if size == LARGE:
        rows += [summary(size, f"{way}, asked for", notebook.jump(way, jumps)) for way in NAMES]
    notebook.close()
    return rows


def summary(size, way, found):
    times = sorted(s["ms"] for s in found)
    seen = [s["presented"] or 16 for s in found]  # those under 16 ms go unreported
    row = {"size": size, "way": way, "steps": len(times), "median_ms": statistics.median(times)}
    row |= {"p95_ms": times[math.ceil(0.95 * len(times)) - 1]}
    row |= {f"{part}_ms": statistics.median(s[part] for s in found) for part in ("drawn", "waited", "painted")}
    return row | ({} if way == "interact" or "asked" in way else {"presented_ms": statistics.median(seen)})


def about(browser):
    packages = ("jupyterlab", "ipywidgets", "anywidget", "matplotlib", "torch")
    found = {name: importlib.metadata.version(name) for name in packages}
    found |= {"python": platform.python_version(), "chromium": browser.version}
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return found | {"machine": platform.machine(), "cores": os.cpu_count(), "load at the start": load}


def run(sizes, steps, jumps):
    """(about the machine, rows)"""
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        lab = stack.enter_context(jupyterlab(Path(home)))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        facts, rows = about(browser), []
        for size in sizes:
            page = browser.new_page(viewport={"width": 1280, "height": 1100})
            page.add_init_script(path=Path(__file__).with_name("probe.js"))
            rows += measure(page, lab, size, steps, jumps)
            page.close()
        browser.close()
    return facts, rows


def table(rows):
    head = ["median", "p95", "drawn", "waited", "painted", "presented"]
    yield f"{'input, ms':10} {'way':24} " + " ".join(f"{h:>9}" for h in head) + f" {'interact is':>12}  sent ahead"
    for row in rows:
        times = " ".join(f"{row[f'{h}_ms']:9.1f}" if f"{h}_ms" in row else " " * 9 for h in head)
        ratio = f"{row['ratio']:.1f} x" if "ratio" in row else ""
        sent = "{ahead:,} bytes, {states} states".format(**row["sent"]) if "sent" in row else ""
        yield f"{row['size']:10} {row['way']:24} {times} {ratio:>12}  {sent}".rstrip()


def verdict(rows):
    for row in rows:
        if row["way"] in NAMES and "ratio" in row:
            frame, fast = ("yes" if held else "NO" for held in (row["median_ms"] <= FRAME, row["ratio"] >= 15))
            yield f"{row['size']:10} {row['way']:14} within one frame: {frame:3}  15 times as fast: {fast}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--jumps", type=int, default=10, help="steps to states that must be asked for")
    parser.add_argument("--sizes", nargs="+", choices=INPUTS, default=list(INPUTS))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    random.seed(0)
    start = time.monotonic()
    facts, rows = run(given.sizes, given.steps, given.jumps)
    facts["minutes"] = round((time.monotonic() - start) / 60, 1)
    if given.json:
        print(json.dumps(facts | {"rows": rows}, indent=1))
        return
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print(*table(rows), *verdict(rows), sep="\n")


if __name__ == "__main__":
    main()
