"""How heavy and how quick is a page of the site? Run: python benchmarks/site.py [--rounds 5] [--steps 40] [--json]

The first page and the first lesson are opened in Chromium, in turn, in shuffled order, each time in a fresh profile:

* as `python course.py site` makes them (which is run first),
* the first lesson the plain way, as nbconvert makes it of the same executed notebook: the widget manager and anywidget
  come from the npm registry, with `npm pack`; MathJax, which that page asks for too, is not even counted.

Everything is answered from disk at once, so the times are those of parsing, running and drawing. Bytes are those of all
that was asked for, pictures aside, as it is and gzipped file by file. Time to first interaction runs from the start of
the navigation until the explorer has drawn its first picture and the browser has painted it; on a page without an
explorer, until the progress table stands there.

Then slider steps on the site's first explorer, by real key presses, from the press to the painted picture (probe.js).

The claims: below 1 MB beyond pictures, below 0.4 MB gzipped, below one second to the first interaction, a step within a
frame.
"""

import argparse
import gzip
import json
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from browser import ARGUMENTS, find_browser  # noqa: E402

SITE = ROOT / "site" / "_build" / "html"
HOME = "http://course.test/"
PLAIN = {"@jupyter-widgets/html-manager": "dist/embed-amd.js", "requirejs": "require.js", "anywidget": "dist/index.js"}
PICTURES = (".png", ".svg", ".ico")
FRAME = 1000 / 60
HELD = 60  # ms that a finger holds a key: its release must not fall into the step

# When the first widget stands there painted, or the table where there is none.
READY = """() => new Promise((done) => {
  const look = () => {
    const drawn = location.pathname.includes("start_here") ? ".pc-explorer .pc-code code" : ".course-progress tbody tr";
    if (!document.querySelector(drawn)) return requestAnimationFrame(look);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done(performance.now());
    requestAnimationFrame(() => port2.postMessage(0));
  };
  look();
})"""


def plain(folder):
    """{address: file} of the first lesson as nbconvert makes it, and of what it loads."""
    from nbconvert import HTMLExporter

    notebook = nbformat.read(next((ROOT / "site" / "_build" / "executed").glob("00_*.ipynb")), as_version=4)
    (folder / "plain_start_here.html").write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    files = {"plain_start_here.html": folder / "plain_start_here.html"}
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

    def __init__(self, browser, name, files):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.page = self.context.new_page()
        self.page.add_init_script(path=Path(__file__).with_name("probe.js"))
        self.files, self.sent = files, {}
        self.page.route("**/*", self.answer)
        self.page.goto(f"{HOME}{name}.html", wait_until="commit")
        self.ready = self.page.evaluate(READY)
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

    def steps(self, count):
        """Milliseconds of slider steps to and fro, from key press to painted picture."""
        root = self.page.query_selector(".pc-explorer")
        slider = root.query_selector("input[type=range]")
        times = []
        for i in range(count):
            self.page.evaluate("(given) => probe.arm(...given)", [root, slider, "canvas"])
            self.page.keyboard.press("ArrowRight" if i % 6 < 3 else "ArrowLeft", delay=HELD)
            times.append(self.page.evaluate("probe.read(60)")["ms"])
        return sorted(times)


def measure(browser, files, rounds, steps):
    names = {
        "index": "site, first page",
        "00_start_here": "site, first lesson",
        "plain_start_here": "nbconvert, first lesson",
    }
    names = {name: way for name, way in names.items() if not name.startswith("plain") or files}
    ready, sizes, times = {name: [] for name in names}, {}, []
    for _ in range(rounds):
        for name in random.sample(list(names), len(names)):
            visit = Visit(browser, name, files)
            ready[name].append(visit.ready)
            sizes[name] = visit.bytes
            if name == "00_start_here":
                times += visit.steps(steps // rounds)
            visit.context.close()
    for name, way in names.items():
        row = {
            "way": way,
            "bytes": sizes[name][0],
            "gzipped": sizes[name][1],
            "ready_ms": statistics.median(ready[name]),
        }
        if name == "00_start_here":
            times.sort()
            row |= {"step_ms": statistics.median(times), "step_p95_ms": times[math.ceil(0.95 * len(times)) - 1]}
        yield row


def table(rows):
    print(f"\n{'':26}{'bytes':>12}{'gzipped':>12}{'ready':>10}{'a step (p95)':>18}")
    for row in rows:
        step = f"{row['step_ms']:.0f} ms ({row['step_p95_ms']:.0f})" if "step_ms" in row else ""
        print(f"{row['way']:26}{row['bytes']:12,}{row['gzipped']:12,}{row['ready_ms']:7.0f} ms{step:>18}")


def claims(rows):
    """(what is claimed, whether it holds)."""
    for row in rows:
        if row["way"].startswith("site"):
            light = row["bytes"] < 1e6 and row["gzipped"] < 4e5
            yield f"{row['way']}: below 1 MB, below 0.4 MB gzipped", light
            yield f"{row['way']}: ready within a second", row["ready_ms"] < 1000
        if "step_ms" in row:
            yield "a step within a frame in the median", row["step_ms"] < FRAME


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    subprocess.run([sys.executable, str(ROOT / "site" / "build.py")], check=True, stdout=sys.stderr)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        try:
            files = plain(Path(folder))
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"without the plain way, for npm is needed: {error}", file=sys.stderr)
            files = {}
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        rows = list(measure(browser, files, args.rounds, args.steps))
        machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Chromium {browser.version}"
        browser.close()
    found = dict(claims(rows))
    if args.json:
        print(json.dumps({"machine": machine, "rows": rows, "claims": found}))
    else:
        print(machine)
        table(rows)
        for words, holds in found.items():
            print(f"{'holds' if holds else 'FAILS'}: {words}")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
