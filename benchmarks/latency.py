"""How long from a key press on a slider to the painted picture? Run: python benchmarks/latency.py [--steps 40] [--json]

In a real JupyterLab in Chromium, the same walk over kernel_size and stride is taken by real key presses in

* the explorer, forwards,
* the gradient flow, which is the explorer backwards,
* `ipywidgets.interact` with a matplotlib figure of input and output, as tutorials do it (with the numbers in the cells
  where the explorer shows them, too),
* with --ipympl, the same figure kept alive by ipympl, which comes from the package index for this run only, and
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

The claims: explorer and gradient flow paint within one frame, 16.7 ms, in the median; at least 15 times as fast as
interact; and at most 1.6 times as long as the bare slider up to 128 x 128, 2.5 times at 512 x 512.

At 28 x 28 the window is dragged over the input as well, and Play runs: what each frame costs, from its start until it
has been laid out and painted. The claim: no more than a frame's time, in 95 of 100.

At 3 x 512 x 512 there is too much to send ahead, and the explorer asks for the slider's neighbours while nobody moves
it. So there it is measured twice: with a rest between the steps, and with a jump to a state that must be asked for.
"""

import contextlib
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from benchmarks.result import browser as find_browser  # noqa: E402
from benchmarks.result import claim, growth, main, table  # noqa: E402
from harness.browser import ARGUMENTS, START, jupyterlab  # noqa: E402

FRAME = 1000 / 60
INPUTS = {
    "6x6": "images.preset('worked')",
    "28x28": "images.photo(28, gray=True)[0]",
    "128x128": "images.photo(128, gray=True)[0]",
    "512x512": "images.photo()[:, :512].mean(0)",
    "3x128x128": "images.photo(128)",
    "3x512x512": "images.photo()[:, :512]",
}
ASKED = "512x512"  # so large that only the state in sight is sent ahead
LARGE = "3x512x512"
MOVED = "28x28"  # the input on which frames are counted
DRAGGED, PLAYED = 90, 4000  # places of the pointer, ms
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
IPYMPL = "ipympl==0.10.0"
KEPT_ALIVE = """
import torch.nn.functional as F
from ipympl.backend_nbagg import Canvas, FigureManager
from IPython.display import display
from ipywidgets import IntSlider, interact
from matplotlib.figure import Figure

canvas = Canvas(Figure(figsize=(8, 4)))
manager = FigureManager(canvas, 1)
canvas.header_visible = canvas.toolbar_visible = False
both = canvas.figure.subplots(1, 2)
display(canvas)

def redraw(kernel_size, stride):
    output = F.max_pool2d(x if x.ndim == 3 else x[None], kernel_size, stride)
    for ax, title, image in zip(both, ("Input", "Output"), (x, output if x.ndim == 3 else output[0])):
        ax.clear()
        ax.imshow(image.permute(1, 2, 0) if image.ndim == 3 else image)
        ax.set_title(f"{title} {tuple(image.shape)}")
        if x.numel() <= 100:
            for (r, c), value in __import__("numpy").ndenumerate(image.numpy()):
                ax.text(c, r, f"{value:g}", ha="center", va="center")
    canvas.draw_idle()

interact(redraw, kernel_size=IntSlider(2, 1, 5), stride=IntSlider(2, 1, 5));
%matplotlib inline
"""  # the last line, because ipympl takes over pyplot when it is imported
# What stands in a cell of the notebook; where the picture is, where its sliders are, and how a new picture shows.
OURS = (".pc-explorer", ["input[aria-label=kernel_size]", "input[aria-label=stride]"], "canvas")
WAYS = {
    "explorer": ("explorer = PoolingExplorer(x); explorer", *OURS),
    "gradient flow": ("flow = GradientFlow(x); flow", *OURS),
    "interact": (INTERACT, ".jp-OutputArea", [".noUi-handle >> nth=0", ".noUi-handle >> nth=1"], "image"),
    "ipympl": (KEPT_ALIVE, ".jp-OutputArea", [".noUi-handle >> nth=0", ".noUi-handle >> nth=1"], "canvas"),
    "bare slider": ("0", None, ["#floor input"] * 2, "canvas"),
}
NAMES = {"explorer": "explorer", "gradient flow": "flow"}
PEERS = ("interact", "ipympl")
FLOOR = "bare slider"


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
        try:
            found = self.page.evaluate("(ms) => probe.read(ms)", SETTLE)
        except Error as error:
            raise RuntimeError(f"{way}, {self.size}: {error.message}") from error
        self.rest()
        return found

    def walk(self, ways, steps, warm_up):
        """{way: its steps}, in turn; as many before them as warm it up."""
        found = {way: [] for way in ways}
        for i in range(-warm_up, steps):
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

    def frames(self, way):
        """{what is done: the ms that each of its frames cost, shortest first}."""
        root = self.roots[way]
        root.scroll_into_view_if_needed()
        stage = root.locator(".pc-input .pc-stage")
        box, mouse = stage.bounding_box(), self.page.mouse
        mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
        mouse.down()
        self.page.evaluate("probe.watch()")
        for i in range(DRAGGED):
            along = 0.2 + 0.6 * i / DRAGGED
            mouse.move(box["x"] + along * box["width"], box["y"] + (0.5 + 0.3 * math.sin(9 * along)) * box["height"])
            self.page.wait_for_timeout(16)
        found = {"dragging the window": self.page.evaluate("probe.frames()")}
        mouse.up()
        root.get_by_role("button", name="Play the sliding window").click()
        self.page.evaluate("probe.watch()")
        self.page.wait_for_timeout(PLAYED)
        found["Play"] = self.page.evaluate("probe.frames()")
        root.get_by_role("button", name="Pause").click()
        self.rest()
        return {what: sorted(costs) for what, costs in found.items()}

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
        """Until the kernel has nothing left to do. Its news is read: a queue that fills up loses what comes next."""
        self.client.kernel_info(reply=True, timeout=60)
        while self.client.iopub_channel.msg_ready():
            self.client.get_iopub_msg(timeout=1)
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


def measured(page, lab, size, ways, given):
    ways = [way for way in ways if size != LARGE or way not in PEERS]
    notebook = Notebook(page, lab, size, ways)
    found = notebook.walk(ways, given.steps, given.warm_up)
    rows = [summary(size, way, found[way]) for way in ways]
    for row in rows:
        for peer in PEERS:
            if peer in found:
                row[f"{peer}_ratio"] = statistics.median(s["ms"] for s in found[peer]) / row["median_ms"]
        if row["way"] in NAMES and FLOOR in found:
            row["floor_ratio"] = row["median_ms"] / statistics.median(s["ms"] for s in found[FLOOR])
        if row["way"] in NAMES:
            row["sent"] = notebook.sent(row["way"])
    if size == LARGE:
        rows += [summary(size, f"{way}, asked for", notebook.jump(way, given.jumps)) for way in NAMES]
    frames = {}
    if size == MOVED:
        for way in NAMES:
            frames |= {f"{what}, {way}": costs for what, costs in notebook.frames(way).items()}
    notebook.close()
    return rows, frames


def summary(size, way, found):
    times = sorted(s["ms"] for s in found)
    seen = [s["presented"] or 16 for s in found]  # those under 16 ms go unreported
    row = {"size": size, "way": way, "steps": len(times), "median_ms": statistics.median(times)}
    row |= {"p95_ms": p95(times)}
    row |= {f"{part}_ms": statistics.median(s[part] for s in found) for part in ("drawn", "waited", "painted")}
    return row | ({} if way == "interact" or "asked" in way else {"presented_ms": statistics.median(seen)})


def p95(times):
    """The 95th percentile of times, shortest first."""
    return times[math.ceil(0.95 * len(times)) - 1]


@contextlib.contextmanager
def peers(wanted):
    """A folder with ipympl, gone afterwards; None where it is not wanted or cannot be had."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "1"]
        command += ["--no-deps", "--target", folder, IPYMPL]
        had = wanted and subprocess.run(command, stdout=sys.stderr).returncode == 0
        yield Path(folder) if had else None


def run(given):
    """(the browser's version, rows, {what moves: what its frames cost})"""
    path = find_browser()
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        ipympl = stack.enter_context(peers(given.ipympl))
        lab = stack.enter_context(jupyterlab(Path(home), ipympl))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        version, rows, frames = browser.version, [], {}
        ways = [way for way in WAYS if way != "ipympl" or ipympl]
        for size in given.sizes:
            page = browser.new_page(viewport={"width": 1280, "height": 1100})
            page.add_init_script(path=Path(__file__).with_name("probe.js"))
            found = measured(page, lab, size, ways, given)
            rows += found[0]
            frames |= found[1]
            page.close()
        browser.close()
    return version, rows, frames


def times(rows, with_ipympl):
    """The table of all rows."""
    parts = ("median", "p95", "drawn", "waited", "painted", "presented")
    head = ["input", "way", *parts, "interact is", "ipympl is", "bare slider times", "bytes ahead", "states"]
    cells = []
    for row in rows:
        sent = row.get("sent", {})
        ratios = [f"{row[name]:.1f} x" if name in row and row["way"] in NAMES else None for name in RATIOS]
        cells.append([row["size"], row["way"], *(row.get(f"{part}_ms") for part in parts), *ratios])
        floor = f"{row['floor_ratio']:.1f} x" if "floor_ratio" in row else None
        cells[-1] += [floor, sent.get("ahead"), sent.get("states")]
    caption = "A slider step, from key press to painted picture, in ms"
    if not any(row["way"] == "ipympl" for row in rows):
        why = f"{IPYMPL} could not be had" if with_ipympl else "nobody asked for it"
        caption += f"; ipympl was left out, as {why}"
    return table(caption, head, cells)


RATIOS = tuple(f"{peer}_ratio" for peer in PEERS)


def motion(frames):
    """(the table, a claim for each) of what frames cost."""
    rows = [[what, len(costs), statistics.median(costs), p95(costs), costs[-1]] for what, costs in frames.items()]
    head = ["at 28x28", "frames", "median", "p95", "longest"]
    found = [
        claim(f"Of {what}, 95 of 100 frames take no longer than a frame", slow, "ms", at_most=FRAME)
        for what, _, _, slow, _ in rows
    ]
    return table("What a frame costs while something moves, in ms", head, rows), found


def claims(rows):
    """What holds at every size up to 128 x 128, and what at 512 x 512: the worst of each."""
    grey = [row for row in rows if row["size"].count("x") == 1 and row["way"] in NAMES]
    upto = {"up to 128 × 128": ([s for s in INPUTS if s != ASKED], 1.6), "at 512 × 512": ([ASKED], 2.5)}
    for words, (sizes, most) in upto.items():
        for way in NAMES:
            own = [row for row in grey if row["way"] == way and row["size"] in sizes]
            if own:
                yield from _claims(f"A step of the {way}, {words}, is", own, most)


def _claims(subject, own, most):
    slowest = max(own, key=lambda row: row["median_ms"])
    at = f"{slowest['size']} is the slowest; 95th percentile {slowest['p95_ms']:.0f} ms"
    yield claim(f"{subject} painted within one frame", slowest["median_ms"], "ms", at_most=FRAME, peer=at)
    if "floor_ratio" in own[0]:
        slowest = max(own, key=lambda row: row["floor_ratio"])
        says = f"{subject} hardly dearer than a bare slider that draws nothing"
        yield claim(says, slowest["floor_ratio"], "times", at_most=most, peer=f"most at {slowest['size']}")
    for peer, target in {"interact": 15, "ipympl": None}.items():
        if f"{peer}_ratio" in own[0]:
            least = min(own, key=lambda row: row[f"{peer}_ratio"])
            ms, ratio = least["median_ms"], least[f"{peer}_ratio"]
            at = f"least at {least['size']}: {ms:.1f} ms beside {ms * ratio:.0f} ms"
            yield claim(f"{subject} quicker than with {TITLES[peer]}", ratio, "times", at_least=target, peer=at)


TITLES = {"interact": "interact with matplotlib", "ipympl": "ipympl"}


def lines(rows):
    """A line for each way, over the sizes of one channel."""
    sizes = [size for size in dict.fromkeys(row["size"] for row in rows) if size.count("x") == 1]
    at = {(row["way"], row["size"]): row["median_ms"] for row in rows}
    series = {way: [at.get((way, size)) for size in sizes] for way in WAYS if (way, sizes[0]) in at} if sizes else {}
    if len(sizes) > 1:
        sides = [int(size.partition("x")[0]) for size in sizes]
        yield growth("A slider step", "side of the input, cells", sides, "ms from key press to painted picture", series)


def measure(given):
    start = time.monotonic()
    version, rows, frames = run(given)
    about = {"Chromium": version, "minutes": round((time.monotonic() - start) / 60, 1)}
    moved, smooth = motion(frames)
    tables = [times(rows, given.ipympl), *([moved] if frames else [])]
    return {"claims": [*claims(rows), *smooth], "tables": tables, "growth": list(lines(rows)), "rows": rows} | about


OPTIONS = {
    "--steps": {"type": int, "default": 40},
    "--warm-up": {"type": int, "default": len(WALK), "help": "steps before those that count"},
    "--jumps": {"type": int, "default": 10, "help": "steps to states that must be asked for"},
    "--sizes": {"nargs": "+", "choices": INPUTS, "default": list(INPUTS)},
    "--ipympl": {"action": "store_true", "help": "also measure ipympl, fetched for this run"},
}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
