"""How heavy and how quick is a page of the site? Run: python benchmarks/site.py [--rounds 5] [--steps 40] [--json]

The first page and the first lesson are opened in Chromium, in turn, in shuffled order, each time in a fresh profile:

* as `python course.py site` makes them (which is run first),
* the first lesson the plain way, as nbconvert makes it of the same executed notebook: the widget manager and anywidget
  come from the npm registry, with `npm pack`; MathJax, which that page asks for too, is not even counted.

Then every lesson is opened once in both ways, for its bytes.

Everything is answered from disk at once, so the times are those of parsing, running and drawing. Bytes are those of all
that was asked for, pictures aside, as it is and gzipped file by file. Time to first interaction runs from the start of
the navigation until the explorer has drawn its first picture and the browser has painted it; on a page without an
explorer, until the progress table stands there.

On a phone: the first page comes from a server that gzips, over a line as slow as "Slow 3G" in DevTools (2 s until a
file begins to come, 50 kB/s), to a processor slowed four times; from the start of the navigation until its explorer is
seen with its numbers, which are a still picture at first, and until that has come alive.

Then slider steps on the site's first explorer, by real key presses, from the press to the painted picture (probe.js):
as fast as the machine is, and slowed four times by DevTools, as on a cheap laptop.

At last every fold of every lesson is opened by a click, one after the other, the processor slowed four times, and the
longest task (of 50 ms or more, as browsers report them) until the page has come to rest is told, with its fold.

The claims: below 1 MB beyond pictures, below 0.4 MB gzipped, below one second to the first interaction, a step within a
frame, and within 50 ms where the processor is slowed; on a phone the explorer is seen within 4 s, and no fold keeps the
page from answering for more than 200 ms.
"""

import contextlib
import gzip
import math
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from benchmarks.result import browser as find_browser  # noqa: E402
from benchmarks.result import claim, growth, main, shown, table  # noqa: E402
from harness.browser import ARGUMENTS  # noqa: E402
from pooling_course.questions.lessons import LESSONS  # noqa: E402

SITE = ROOT / "site" / "_build" / "html"
HOME = "http://course.test/"
PLAIN = {"@jupyter-widgets/html-manager": "dist/embed-amd.js", "requirejs": "require.js", "anywidget": "dist/index.js"}
PICTURES = (".png", ".svg", ".ico")
FRAME = 1000 / 60
SLOW_3G = {"offline": False, "latency": 2000, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
SEEN, ALIVE, TABLE = ".course-still table", ".pc-explorer .pc-code code", ".course-progress tbody tr"
SLOWED, SLOWEST = 4, 50  # times, and ms that a step may take then
LONGEST = 200  # ms that a task may take as a fold opens, slowed
HELD = 60  # ms that a finger holds a key: its release must not fall into the step

# When something stands there painted.
WHEN = """(drawn) => new Promise((done) => {
  const look = () => {
    if (!document.querySelector(drawn)?.getClientRects().length) return requestAnimationFrame(look);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done(performance.now());
    requestAnimationFrame(() => port2.postMessage(0));
  };
  look();
})"""


# Tasks of 50 ms or more, as they come.
TASKS = """
window.tasks = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries())).observe({ type: "longtask", buffered: true });
"""

# The next fold that can be opened, of those not met before; null after the last.
FOLD = """() => {
  const folds = [...document.querySelectorAll("article details:not([open], [data-met])")];
  const fold = folds.find((el) => el.checkVisibility());
  if (fold) fold.dataset.met = "";
  return fold ?? null;
}"""

# Once nothing has changed for a while: the longest task since then, in ms.
REST = """(since) => new Promise((done) => {
  let last = performance.now();
  const changes = new MutationObserver(() => { last = performance.now(); });
  changes.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const look = () => {
    const ends = tasks.map(({ startTime, duration }) => startTime + duration);
    if (performance.now() - Math.max(last, ...ends) < 300) return setTimeout(look, 50);
    changes.disconnect();
    done(Math.max(0, ...tasks.filter(({ startTime }) => startTime >= since).map(({ duration }) => duration)));
  };
  look();
})"""


def plain(folder):
    """{address: file} of the lessons as nbconvert makes them, and of what they load; empty without npm."""
    from nbconvert import HTMLExporter

    files = {}
    for name in LESSONS:
        notebook = nbformat.read(next((ROOT / "site" / "_build" / "executed").glob(f"{name}-*.ipynb")), as_version=4)
        page = files[f"plain_{name}.html"] = folder / f"plain_{name}.html"
        page.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    for package, file in PLAIN.items():
        done = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=folder, capture_output=True, text=True, check=True
        )
        with tarfile.open(folder / done.stdout.strip()) as archive:
            to = folder / package.replace("/", "-")
            to.write_bytes(archive.extractfile(f"package/{file}").read())
        files[package] = to
    return files


class Visit:
    """One page opened in a fresh profile; `bytes` of what it asked for, pictures aside."""

    def __init__(self, browser, name, files, timed=True):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.page = self.context.new_page()
        self.page.add_init_script(path=Path(__file__).with_name("probe.js"))
        self.page.add_init_script(TASKS)
        self.files, self.sent = files, {}
        self.page.route("**/*", self.answer)
        self.page.goto(f"{HOME}{name}.html", wait_until="commit")
        self.ready = self.page.evaluate(WHEN, ALIVE if "start_here" in name else TABLE) if timed else None
        self.page.locator(".pc-explorer, .pc-quiz, .course-progress").first.wait_for(state="attached")
        self.page.wait_for_load_state("networkidle")

    def answer(self, route):
        url = urlsplit(route.request.url)
        own = SITE / url.path.lstrip("/")
        if url.netloc == urlsplit(HOME).netloc and own.is_file():
            file = own
        else:
            words = route.request.url.replace("require.js", "requirejs")
            file = next((file for name, file in self.files.items() if name in words), None)
        if file is None:
            return route.abort()
        if file.suffix not in PICTURES:
            self.sent[route.request.url] = file.read_bytes()
        kind = {"content_type": "text/javascript"} if not file.suffix else {}
        return route.fulfill(path=file, **kind)

    @property
    def bytes(self):
        return sum(map(len, self.sent.values())), sum(len(gzip.compress(data)) for data in self.sent.values())

    def steps(self, count, slowed=1):
        """Milliseconds of slider steps to and fro, from key press to painted picture, shortest first.

        Whole walks of six, at least one: one that ended elsewhere would bring the next to the slider's end, where no
        picture is new.
        """
        self.slow(slowed)
        root = self.page.query_selector(".pc-explorer")
        slider = root.query_selector("input[aria-label=kernel_size]")
        times = []
        for i in range(max(6, count - count % 6)):
            self.page.evaluate("(given) => probe.arm(...given)", [root, slider, "canvas"])
            self.page.keyboard.press("ArrowRight" if i % 6 < 3 else "ArrowLeft", delay=HELD)
            times.append(self.page.evaluate("probe.read(60)")["ms"])
        return sorted(times)

    def folds(self):
        """[(longest task in ms, what its fold says)] of every fold, opened in turn, the processor slowed."""
        found = []
        self.slow(SLOWED)
        while fold := self.page.evaluate_handle(FOLD).as_element():
            summary = fold.query_selector("summary")
            summary.scroll_into_view_if_needed()
            since = self.page.evaluate(f"async () => {{ await ({REST})(0); return performance.now(); }}")
            summary.click()
            found.append((self.page.evaluate(REST, since), summary.inner_text()))
        return found

    def slow(self, times):
        self.context.new_cdp_session(self.page).send("Emulation.setCPUThrottlingRate", {"rate": times})


def visits(browser, files, rounds, steps):
    names = {
        "index": "first page",
        "00_start_here": "first lesson",
        "plain_00_start_here": "first lesson by nbconvert",
    }
    names = {name: way for name, way in names.items() if not name.startswith("plain") or files}
    ready, sizes, times, slow = {name: [] for name in names}, {}, [], []
    for _ in range(rounds):
        for name in random.sample(list(names), len(names)):
            visit = Visit(browser, name, files)
            ready[name].append(visit.ready)
            sizes[name] = visit.bytes
            if name == "00_start_here":
                times += visit.steps(steps // rounds)
                slow += visit.steps(steps // rounds, SLOWED)
            visit.context.close()
    for name, way in names.items():
        row = {
            "way": way,
            "bytes": sizes[name][0],
            "gzipped": sizes[name][1],
            "ready_ms": statistics.median(ready[name]),
        }
        if name == "00_start_here":
            for key, each in {"step": sorted(times), "slow_step": sorted(slow)}.items():
                row |= {f"{key}_ms": statistics.median(each), f"{key}_p95_ms": each[math.ceil(0.95 * len(each)) - 1]}
        yield row


class Gzipped(SimpleHTTPRequestHandler):
    """Serves the site as sites are served: text gzipped."""

    def __init__(self, *given):
        super().__init__(*given, directory=SITE)

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        data = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        if path.suffix != ".png":
            data = gzip.compress(data)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *given):
        pass


@contextlib.contextmanager
def served():
    """The address of the site on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Gzipped) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def phone(browser, rounds):
    """{"seen": ms, "alive": ms} of the first page's explorer, each the median."""
    found = {"seen": [], "alive": []}
    with served() as home:
        for _ in range(rounds):
            context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
            page = context.new_page()
            slow = context.new_cdp_session(page)
            slow.send("Network.enable")
            slow.send("Network.emulateNetworkConditions", SLOW_3G)
            slow.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
            page.goto(f"{home}index.html", wait_until="commit")
            for what, drawn in {"seen": SEEN, "alive": ALIVE}.items():
                found[what].append(page.evaluate(WHEN, drawn))
            context.close()
    return {what: statistics.median(times) for what, times in found.items()}


def unfolded(browser, files, lessons):
    """(lesson, folds, ms, words) of each lesson: how long its longest task was, as which fold opened."""
    for name in lessons:
        visit = Visit(browser, name, files, timed=False)
        found = visit.folds()
        visit.context.close()
        yield (name, len(found), *max(found, key=lambda each: each[0], default=(0, "")))


def weights(browser, files, lessons):
    """{lesson: bytes} of one visit to each lesson, as the site has it and as nbconvert does."""
    found = {"site": {}, "nbconvert": {}}
    for name in lessons:
        for way, page in {"site": name, "nbconvert": f"plain_{name}"}.items():
            if way == "site" or files:
                visit = Visit(browser, page, files, timed=False)
                found[way][name] = visit.bytes
                visit.context.close()
    return found


def claims(rows, sizes):
    pages = [row for row in rows if "nbconvert" not in row["way"]]
    plain = [row for row in rows if "nbconvert" in row["way"]]
    for row in pages:
        says, other = f"The {row['way']} is", plain[0] if plain and "lesson" in row["way"] else None
        for key, per, unit, most, words in CLAIMS:
            peer = f"by nbconvert {shown(other[key] / per)} {unit}" if other else ""
            yield claim(f"{says} {words}", row[key] / per, unit, at_most=most, peer=peer)
        if "step_ms" in row:
            peer = f"95th percentile {row['step_p95_ms']:.0f} ms"
            yield claim(
                "A slider step on it is painted within one frame", row["step_ms"], "ms", at_most=FRAME, peer=peer
            )
            peer = f"95th percentile {row['slow_step_p95_ms']:.0f} ms; unslowed {row['step_ms']:.0f} ms"
            says = f"With the processor slowed {SLOWED} times it is painted within {SLOWEST} ms"
            yield claim(says, row["slow_step_ms"], "ms", at_most=SLOWEST, peer=peer)
    if sizes["nbconvert"]:
        megabytes = [(ours[0] / 1e6, sizes["nbconvert"][name][0] / 1e6, name) for name, ours in sizes["site"].items()]
        ours, theirs, name = min(megabytes, key=lambda each: each[1] / each[0])
        peer = f"least for {name}: {ours:.2f} MB beside {theirs:.1f} MB"
        yield claim("Every lesson is lighter than nbconvert's default export of it", theirs / ours, "times", peer=peer)


CLAIMS = (
    ("bytes", 1e6, "MB", 1, "light"),
    ("gzipped", 1e6, "MB", 0.4, "light when gzipped"),
    ("ready_ms", 1e3, "s", 1, "ready within a second"),
)


def measure(given):
    path = find_browser()
    lessons = [name for name in LESSONS if not given.lessons or name[:2] in given.lessons]
    subprocess.run([sys.executable, str(ROOT / "site" / "build.py")], check=True, stdout=sys.stderr)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        try:
            files = plain(Path(folder))
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"without the plain way, for npm is needed: {error}", file=sys.stderr)
            files = {}
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        rows, sizes = list(visits(browser, files, given.rounds, given.steps)), weights(browser, files, lessons)
        slow, folds = phone(browser, given.rounds), list(unfolded(browser, files, lessons))
        version = browser.version
        browser.close()
    left_out = "" if files else "; nbconvert's way was left out, as npm could not fetch what it loads"
    says = f"On a phone, over slow 3G and {SLOWED} times slower, the first page shows its explorer within 4 s"
    seen = claim(says, slow["seen"] / 1e3, "s", at_most=4, peer=f"alive after {slow['alive'] / 1e3:.1f} s")
    name, count, worst, words = max(folds, key=lambda each: each[2])
    says = f"With the processor slowed {SLOWED} times no task is longer than {LONGEST} ms as a fold opens"
    peer = f"longest of {sum(each[1] for each in folds)} folds: “{words}” in {name}"
    opening = claim(says, worst, "ms", at_most=LONGEST, peer=peer)
    tables = [
        table(f"Pages without pictures{left_out}", HEAD, ([row.get(key) for key in KEYS] for row in rows)),
        table(
            "Bytes of each lesson",
            ["lesson", *(f"{way}{kind}" for way in sizes if sizes[way] for kind in ("", ", gzipped"))],
            ([name, *(n for found in sizes.values() if found for n in found[name])] for name in lessons),
        ),
        table("As folds open, slowed", ["lesson", "folds", "longest task, ms", "of the fold"], folds),
    ]
    lines = {way: [found[name][0] / 1e6 for name in lessons] for way, found in sizes.items() if found}
    numbers = [int(name[:2]) for name in lessons]
    grown = growth("What a visit loads", "lesson", numbers, "MB without pictures", lines, log=False)
    return {"claims": [*claims(rows, sizes), seen, opening], "tables": tables, "growth": [grown], "Chromium": version}


HEAD = ("page", "bytes", "gzipped", "ready after, ms", "a step, ms", "95th percentile, ms", "slowed", "95th percentile")
KEYS = ("way", "bytes", "gzipped", "ready_ms", "step_ms", "step_p95_ms", "slow_step_ms", "slow_step_p95_ms")
OPTIONS = {
    "--rounds": {"type": int, "default": 5},
    "--steps": {"type": int, "default": 40},
    "--lessons": {
        "nargs": "*",
        "default": [],
        "help": "numbers such as 01, of those to weigh; all where none is given",
    },
}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
