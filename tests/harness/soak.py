"""Every control of every widget, moved at random but reproducibly, in one JupyterLab page with its kernel.

A soak goes in rounds. In a round every control is moved once, in an order that the seed gives; each move draws what it
does from the seed and its own number, so that a move which finds its control elsewhere changes no later one; a move
that finds its control out of reach is made again at home. In between stand checkpoints: every number drawn is torch's
for the settings that are shown, the settings shown are those that Python has, each verdict is the one the question
gives, and neither console nor kernel has complained. A round ends at home, with settings, inputs and answers as they
were at first: there memory is measured.
"""

import functools
import itertools
import json
import math
import queue
import random
import time
from collections import Counter, deque

import torch
from jupyter_client import BlockingKernelClient
from playwright.sync_api import Error, expect

from harness import browser
from harness.explorers import SOON, Explorer, new_page
from harness.moves import ADAPTIVE, CONV, EXPLORER, LP, pause
from harness.moves_quiz import BOOK, QUESTIONS, QUIZ
from harness.truth import differences
from pooling_course.questions import question

EVERY = 25  # moves from checkpoint to checkpoint
PATIENCE = 30  # seconds until what page and kernel disagree about is called a fault
SETUP = """
import gc, os, psutil, torch
from torch import nn
from ipywidgets import VBox
from traitlets import TraitError
os.environ["POOLING_COURSE_PROGRESS"] = "soak-answers.jsonl"
from pooling_course import GradientFlow, PoolingExplorer, images, quiz
from pooling_course.pictures.figures import mental_model
from pooling_course.pictures.flipbook import Flipbook

made, itself = {}, psutil.Process()

def close(widget):
    for child in getattr(widget, "children", ()):
        close(child)
    if widget is not None:
        widget.layout.close()
        widget.close()

def renew(name):
    # a new widget in the place of the old one, which is closed with all that belongs to it
    boxes[name].children = []
    close(made.get(name))
    made[name] = new[name]()
    boxes[name].children = [made[name]]

def home(times):
    for name, layers in HOME.items():
        w = made[name]
        w.upstream, w.upstream_mode, w.chosen, w.compare, w.x, w.message = None, "ones", [0, 0], False, "worked", ""
        torch.manual_seed(0)  # for the weights
        for layer in layers:  # what belongs to one kind is kept while the other is shown
            w.layer = eval(layer)
        w.direction, w.own = "backward" if name == "flow" else "forward", {}
    for name, box in made.items():
        if name in QUESTIONS:
            with box.quiz.hold_sync():
                box.quiz.attempts, box.quiz.draft, box.quiz.answering, box.quiz.message = [], {}, True, ""
                box.quiz.notice = f"Home for the {times}. time"  # drawn anew, a draft too, and seen on the page
    made["book"].at = 0

def tell(path):
    gc.collect()
    told = {"rss": itself.memory_info().rss, "at": made["book"].at, "pages": made["book"].pages}
    for name in HOME:
        w = made[name]
        poolings = [w._of_kind(kind) for kind in (w.kinds if w.compare else (w.kind,))]
        told[name] = {"x": w.x, "poolings": poolings, "backward": w.direction == "backward", "mode": w.upstream_mode}
        told[name] |= {"chosen": w.chosen, "upstream": w._typed_in}
    told["attempts"] = {name: box.quiz.attempts for name, box in made.items() if name in QUESTIONS}
    torch.save(told, path)
"""
HOME = {  # the layers of both kinds, the one that is shown last
    "explorer": ["nn.AvgPool2d(kernel_size=2)", "nn.MaxPool2d(kernel_size=2)"],
    "flow": ["nn.MaxPool2d(kernel_size=2)", "nn.AvgPool2d(kernel_size=2)"],
    "adaptive": ["nn.AdaptiveMaxPool2d(output_size=4)", "nn.AdaptiveAvgPool2d(output_size=4)"],
    "lp": ["nn.AvgPool2d(kernel_size=2)", "nn.LPPool2d(norm_type=2, kernel_size=2)"],
    "conv": [
        "nn.AvgPool2d(kernel_size=3, padding=1)",
        "nn.Conv2d(in_channels=1, out_channels=1, kernel_size=3, padding=1)",
    ],
}
# All in one cell: JupyterLab keeps what it makes for a cell that becomes active, 810 listeners and 260 nodes each time.
CELLS = [
    f"QUESTIONS, HOME = {QUESTIONS!r}, {HOME!r}\n{SETUP}",
    """
pages = [(f"{n} to {n + 3}", mental_model([[n, n + 1], [n + 2, n + 3]]), f"Window {n}.") for n in range(5)]
new = {"explorer": PoolingExplorer, "flow": lambda: GradientFlow("worked", "avg")}
new |= {name: lambda name=name: PoolingExplorer("worked", eval(HOME[name][-1])) for name in ("adaptive", "lp", "conv")}
new |= {kind: lambda name=name: quiz(name) for kind, name in QUESTIONS.items()}
new["book"] = lambda: Flipbook(pages, "picture")
boxes = {name: VBox() for name in new}
for name, box in boxes.items():
    box.add_class(f"soak-{name}")
    renew(name)
VBox(list(boxes.values()))
""",
]
PLACES = [*HOME, *QUESTIONS, "book"]

# Memory at home, after a garbage collection on both sides: at most so much more than at the end of the first round; for
# each widget made anew, what others keep of it: anywidget loads a module for each widget, and a page never forgets a
# module, and JupyterLab keeps its model with up to 0.7 MB of states; and for each explorer that a question has opened
# since, what an explorer takes. Elsewhere memory is as large as what is shown, and caches (states.js) may hold 48 MB.
# At home a page has 20,000 nodes, give or take 700 for tables of the last answers.
BOUNDS = {
    "nodes": (1500, 10, 800),
    "listeners": (60, 0, 75),
    "heap": (6e6, 1e6, 2e6),
    "buffers": (2e6, 0.7e6, 0.5e6),
    "kernel": (60e6, 1e6, 5e6),
}


class Shown(Explorer):
    """A widget on the page, and what it is called in Python."""

    def __init__(self, root, name):
        super().__init__(root)
        self.python = f"made[{name!r}]"


class Fault(AssertionError):
    """Something that a soak must not find."""


class Soak:
    """One page with all the widgets on it. `plant` replaces passages of their JavaScript, to see a fault found."""

    def __init__(self, lab, chromium, seed, plant=()):
        self.lab, self.seed, self.plant = lab, seed, plant
        self.moves, self.last, self.memory = Counter(), deque(maxlen=30), []
        self.done = self.again = self.checked = self.homes = 0
        lab.write("soak.ipynb", *CELLS)
        self.page = page = new_page(chromium, height=1100)
        page.add_init_script(f"({PLANT})({json.dumps(list(plant))})")
        lab.open(page, "soak.ipynb")
        lab.run_all(page)
        expect(page.locator(".pooling-course")).to_have_count(len(PLACES), timeout=browser.START)
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("Performance.enable")
        id = lab.kernel("soak.ipynb")
        self.kernel = BlockingKernelClient(connection_file=str(lab.folder.parent / "runtime_dir" / f"kernel-{id}.json"))
        self.kernel.load_connection_file()
        self.kernel.start_channels(stdin=False, hb=False, control=False)
        self.waiting = set()
        self.explorers = {name: Shown(self.place(name), name) for name in HOME}
        self.book = Shown(self.place("book"), "book")
        of = {"adaptive": ADAPTIVE, "lp": LP, "conv": CONV}
        places = [*((name, w, of.get(name, EXPLORER)) for name, w in self.explorers.items()), ("book", self.book, BOOK)]
        places += [(kind, kind, QUIZ) for kind in QUESTIONS]
        self.controls = {
            f"{name}: {what}": functools.partial(move, self, at) for name, at, of in places for what, move in of.items()
        }
        for kind, name in QUESTIONS.items():
            if not question(name).public()["explorable"]:
                del self.controls[f"{kind}: Open this case in the explorer"]
        self.controls["a widget made anew"] = lambda dice: self.renew(dice.choice(PLACES))

    def close(self):
        self.kernel.stop_channels()
        self.page.context.close()

    def cell(self, name):
        return self.page.locator(f".soak-{name}")

    def place(self, name):
        return self.cell(name).locator(".pooling-course").first

    # ---- the kernel, beside the page: what is done there does not wait for the page, nor the page for it

    def python(self, code, **more):
        """Run code in the kernel; it may be busy, so nothing is awaited."""
        self.waiting.add(self.kernel.execute(code, store_history=False, allow_stdin=False, **more))

    def settle(self):
        """Wait until the kernel has done all it was told."""
        while self.waiting:
            reply = self.kernel.get_shell_msg(timeout=SOON / 1000)
            self.waiting.discard(reply["parent_header"].get("msg_id"))
            if reply["content"]["status"] != "ok":
                raise Fault("in the kernel: " + "\n".join(reply["content"].get("traceback", [])))
            self.answer = reply["content"]["user_expressions"]

    def listen(self):
        """What the kernel has printed as an error, from whatever the page asked of it."""
        while True:
            try:
                said = self.kernel.get_iopub_msg(timeout=0)
            except queue.Empty:
                return
            if said["msg_type"] == "error":
                raise Fault("in the kernel: " + "\n".join(said["content"]["traceback"][-3:]))

    def value(self, expression):
        """What it is in the kernel now."""
        self.python("", user_expressions={"found": expression})
        self.settle()
        return eval(self.answer["found"]["data"]["text/plain"], {"nan": math.nan, "inf": math.inf})

    def expect_python(self, tensor, at, text):
        """Wait until some channel of this tensor (C, H, W), in Python, has this number there."""
        row, col = at
        for _ in range(SOON // 50):
            found = self.value(f"{tensor}[:, {row}, {col}].tolist()")
            if any(repr(float(value)) == repr(float(text)) for value in found):
                return
            self.page.wait_for_timeout(50)
        raise Fault(f"{text} was typed in at {at}, and Python has {found}")

    def told(self):
        path = self.lab.folder / "told.pt"
        self.python(f"tell({str(path)!r})")
        self.settle()
        return torch.load(path, weights_only=False)

    # ---- rounds

    def run(self, rounds=0, minutes=0):
        """So many rounds, or as many as begin within these minutes."""
        end = time.monotonic() + 60 * minutes
        try:
            self.go_home()
            for number in itertools.count():
                if number >= rounds and time.monotonic() >= end:
                    break
                names = list(self.controls)
                random.Random(f"{self.seed} {number}").shuffle(names)
                missed = []
                for name in names:
                    if self.move(name) is None:
                        missed.append(name)
                    if self.done % EVERY == 0:
                        self.check()
                self.check()
                self.go_home()
                for name in missed:  # at home every control is in reach
                    self.move(name, again=True)
                    self.check()
                    self.go_home()
                self.check()
                self.check_memory()
        except (Fault, Error, AssertionError) as fault:
            raise Fault("\n".join([f"{fault}", f"seed {self.seed}; the last moves were:", *self.last])) from fault

    def move(self, name, again=False):
        dice = random.Random(f"{self.seed} move {self.done}{' again' * again}")
        self.done += not again
        self.last.append(f"{self.done} {name}")
        did = self.controls[name](dice)
        self.last[-1] += f": {did}"
        self.moves[name] += did is not None
        self.listen()
        return did

    def go_home(self):
        """Everything as it was at first, as far as a page and a kernel can be."""
        self.page.mouse.move(5, 5)
        for w in self.explorers.values():
            pause(w)
            w.root.evaluate(RESTORE)
        self.page.keyboard.press("Control+s")  # JupyterLab keeps every key event until one is a command of its own
        book = self.book.root.get_by_role("button", name="Pause")
        if book.is_visible():
            book.click()
        self.homes += 1
        self.python(f"home({self.homes})")
        self.settle()
        for name, w in self.explorers.items():
            expect(w.code).to_have_text(HOME[name][-1:])
            expect(w.root).not_to_have_attribute("aria-busy", "true")
        for kind in QUESTIONS:
            expect(self.place(kind).get_by_role("status").last).to_have_text(f"Home for the {self.homes}. time")

    def renew(self, name):
        """A widget made anew: the old one goes, and takes with it whatever it listened to."""
        self.place(name).evaluate("(el) => (el.dataset.old = true)")
        self.python(f"renew({name!r})")
        self.settle()
        expect(self.cell(name).locator("[data-old]")).to_have_count(0)
        expect(self.place(name)).to_be_visible()
        if name in self.explorers:
            expect(self.explorers[name].code.first).to_be_visible()
        self.again += 1
        return name

    # ---- checkpoints

    def check(self):
        """Once page and kernel have settled, the page shows what Python has, in torch's numbers."""
        for w in self.explorers.values():
            pause(w)
        self.settle()
        end = time.monotonic() + PATIENCE
        while True:
            told = self.told()
            faults = [*self.compare(told), *self.page.complaints]
            if not faults:
                break
            if time.monotonic() > end:
                raise Fault("\n".join(faults))
            self.page.wait_for_timeout(100)
        self.checked += 1

    def compare(self, told):
        for name, w in self.explorers.items():
            for text in differences(w, **told[name]):
                yield f"{name}: {text}"
        for kind, attempts in told["attempts"].items():
            verdict = self.place(kind).locator(".pc-verdict")
            if attempts and verdict.is_visible():
                right = question(QUESTIONS[kind]).grade(attempts[-1]["answer"])["right"]
                if ("Right" if right else "Not quite") not in verdict.text_content():
                    yield f"{kind}: {verdict.text_content()!r} for {attempts[-1]['answer']}"
        page = told["pages"][told["at"]]
        book = self.book.root
        seen = [book.get_by_role("slider").get_attribute("aria-valuetext"), book.locator("figcaption").text_content()]
        if seen != [page["name"], page["said"]] or book.locator("img").get_attribute("src") != page["src"]:
            yield f"book: {seen} at page {told['at']}"

    def check_memory(self):
        for _ in range(2):  # what the first one finalizes, the second one frees
            self.cdp.send("HeapProfiler.collectGarbage")
            self.page.wait_for_timeout(50)
        found = {each["name"]: each["value"] for each in self.cdp.send("Performance.getMetrics")["metrics"]}
        heap = self.cdp.send("Runtime.getHeapUsage")
        now = {"nodes": found["Nodes"], "listeners": found["JSEventListeners"], "heap": heap["usedSize"]}
        now |= {"buffers": heap["backingStorageSize"], "kernel": self.told()["rss"], "again": self.again}
        now["opened"] = self.page.locator(".pc-explorer").count()
        self.memory.append(now)
        first, faults = self.memory[0], []
        more = {name: max(0, now[name] - first[name]) for name in ("again", "opened")}
        for name, (most, anew, opened) in BOUNDS.items():
            allowed = first[name] + most + anew * more["again"] + opened * more["opened"]
            if now[name] > allowed:
                faults.append(f"memory: {now[name]:,.0f} {name}, at first {first[name]:,.0f}: at most {allowed:,.0f}")
        if faults:
            raise Fault("\n".join(faults))

    def report(self):
        counts = [self.moves[name] for name in self.controls]
        yield f"seed {self.seed}: {self.done:,} moves, {self.checked} checkpoints, {len(self.memory)} rounds"
        yield f"{len(counts)} controls, each moved {min(counts)} to {max(counts)} times"
        yield from (f"  {self.moves[name]:5} {name}" for name in self.controls)
        for name in BOUNDS:
            yield f"{name}: " + " ".join(f"{each[name]:,.0f}" for each in self.memory)


RESTORE = """(root) => {
  root.parentElement.style.width = "";
  for (const el of root.querySelectorAll("details")) el.open = false;
  document.activeElement.blur();
}"""

# anywidget loads a module from a Blob: there passages of it are replaced, and window.planted counts them.
PLANT = """(plant) => {
  window.planted = 0;
  if (!plant.length) return;
  const Real = Blob;
  const change = (text) => plant.reduce((now, [old, planted]) => {
    if (!now.includes(old)) return now;
    window.planted++;
    return now.replace(old, planted);
  }, text);
  window.Blob = function (parts, options) {
    return new Real(parts.map((part) => (typeof part === "string" ? change(part) : part)), options);
  };
}"""
