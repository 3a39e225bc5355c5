"""Does `python course.py bench` know every benchmark, say plainly what was met, and survive one that fails?

All figures here are made up, and a run is one of scripts that this file writes: no test measures a time.
"""

import doctest
import importlib
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

import course
from benchmarks import __main__ as bench
from benchmarks import gpu, page, record, result
from benchmarks.result import claim, growth, table

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SHARED = {"__main__", "page", "record", "result", "learner"}  # what is no benchmark
FAKE = {
    "about": {"date": "2001-01-01 00:00"},
    "claims": [
        claim("A made-up step is quick", 1.5, "ms", at_most=2, peer="a made-up `peer` takes 99 ms"),
        claim("A made-up step is <b>far</b> quicker", 3, "times", at_least=15),
        claim("A made-up peer is slower", 4, "times"),
    ],
    "tables": [table("Made-up figures", ["way", "ms"], [["ours", 1.5], ["theirs", None]])],
    "growth": [growth("A made-up step", "side", [6, 28], "ms", {"ours": [1, 2], "theirs": [9, None]})],
}
MACHINE = {"date": "2001-01-01 00:00", "processor": "made up", "cores": 2, "GPU": "none", "torch": "0.0", "load": 0.1}


def done(name, found=FAKE, load=0.1):
    about = {"title": bench.BENCHMARKS[name].title, "command": f"python benchmarks/{name}.py", "load": load}
    return about | {"seconds": 1.0, "state": "done", "why": "", "found": found}


@pytest.fixture
def given():
    """A run of made-up figures: two that were measured, one that failed, one that this machine cannot run."""
    failed = done("grading") | {"state": "failed", "why": "OSError: made up"}
    missing = done("site") | {"state": "left out", "why": "No Chromium found."}
    del failed["found"], missing["found"]
    benchmarks = {"latency": done("latency"), "engine": done("engine", FAKE | {"growth": []})}
    return {"machine": MACHINE, "quick": False, "benchmarks": benchmarks | {"grading": failed, "site": missing}}


class Texts(HTMLParser):
    """The rows of every table, the pictures' words, and what a page would load."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.alts, self.loads, self.cell = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "img":
            self.alts.append(attributes["alt"])
        if tag in ("img", "script", "link"):
            self.loads.append(attributes.get("src") or attributes.get("href"))

        self.cell = self.cell or tag in ("td", "th")

    def handle_endtag(self, tag):
        self.cell = self.cell and tag not in ("td", "th")

    def handle_data(self, data):
        if self.cell:
            self.rows[-1][-1] += data


# --- the runner -------------------------------------------------------------------------------------------------------


def forgotten(folder):
    return {path.stem for path in folder.glob("*.py")} - SHARED - set(bench.BENCHMARKS) - set(bench.ALONE)


def test_every_benchmark_is_run(tmp_path):
    assert forgotten(ROOT / "benchmarks") == set()
    assert {path.stem for path in (ROOT / "benchmarks").glob("*.py")} >= set(bench.BENCHMARKS)
    shutil.copytree(ROOT / "benchmarks", tmp_path, dirs_exist_ok=True, ignore=lambda *_: ["results"])
    (tmp_path / "novel.py").touch()
    assert forgotten(tmp_path) == {"novel"}


@pytest.mark.parametrize("name", bench.BENCHMARKS)
def test_each_takes_the_arguments_that_it_is_given(name):
    module = importlib.import_module(f"benchmarks.{name}")
    parser = result.arguments(module.__doc__, module.OPTIONS)
    for arguments in (bench.BENCHMARKS[name].arguments, bench.BENCHMARKS[name].quick):
        assert parser.parse_args([*arguments.split(), "--json"]).json
    with pytest.raises(SystemExit):
        parser.parse_args(["--made-up"])
    question, how = page.doc(name)
    assert question[-1] in "?." and how


def test_docstring_examples_say_what_happens():
    for module in (result, bench, gpu):
        found = doctest.testmod(module)
        assert found.attempted and not found.failed


def test_one_run_alone_prints_tables_or_json():
    script = [sys.executable, ROOT / "benchmarks" / "bandwidth.py", "--shape", "1", "1", "8", "8", "--seconds", "0.001"]
    tables = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert re.search(r"^what +layout +direction +MB", tables, re.MULTILINE) and "\nno target: Forward max" in tables
    found = json.loads(subprocess.run([*script, "--json"], capture_output=True, text=True, check=True).stdout)
    assert {"about", "claims", "tables", "growth"} <= found.keys()
    assert {key for one in found["claims"] for key in one} == claim("", 0).keys()


# --- on a GPU, tried on the CPU -------------------------------------------------------------------------------------


def test_two_devices_are_compared_in_every_dtype_and_layout():
    rows, faults = gpu.compare("cpu", 250)
    assert faults == [] and not any(row[4] for row in rows)
    for kind in ("max", "average", "adaptive max", "adaptive average", "LP"):
        of_kind = {row[1:3] for row in map(tuple, rows) if row[0] == f"{kind}: output"}
        assert len(of_kind) == 8, (kind, of_kind)


@pytest.mark.parametrize(
    "wrong, row, fault",
    [
        (lambda made: made | {"output": made["output"] * (1 + 2**-6)}, "max: output", "its output is not the layer's"),
        (lambda made: made | {"input gradient": -made["input gradient"]}, "average: input gradient", None),
        (
            lambda made: made | {"winners": made["winners"] * 0} if "winners" in made else made,
            "max: winners",
            "its winn",
        ),
    ],
)
def test_a_device_that_pools_otherwise_is_told(monkeypatch, wrong, row, fault):
    right, turn = gpu.pooled, [0]

    def pooled(layer, x):
        turn[0] += 1
        return wrong(right(layer, x)) if turn[0] % 2 == 0 else right(layer, x)

    monkeypatch.setattr(gpu, "pooled", pooled)
    monkeypatch.setattr(gpu, "drawn_layer", lambda draw: (row.partition(":")[0], LAYERS[row.partition(":")[0]]))
    rows, faults = gpu.compare("cpu", 20)
    assert [of[4] for of in rows if of[0] == row and of[4]] and not any(of[4] for of in rows if of[0] != row)
    assert bool(faults) == bool(fault) and all(fault in each for each in faults)


LAYERS = {"max": torch.nn.MaxPool2d(2), "average": torch.nn.AvgPool2d(2)}


def test_without_a_gpu_it_says_so_and_tried_on_the_cpu_it_ends(monkeypatch):
    monkeypatch.setattr(gpu.engine, "SIZES", ())
    monkeypatch.setattr(gpu.engine, "SHAPE", (1, 2, 9, 9))
    parser = result.arguments(gpu.__doc__, gpu.OPTIONS)
    if gpu.best_device() == "cpu":
        with pytest.raises(result.NotHere, match="needs a GPU"):
            gpu.measure(parser.parse_args([]))
    given = "--device cpu --draws 5 --rounds 1 --seconds 0.0001 --shape 1 1 8 8 --dtypes float32 bfloat16"
    found = gpu.measure(parser.parse_args(given.split()))
    assert [each["figure"] for each in found["claims"][:4]] == [0, 0, 0, 0] and len(found["tables"]) == 4
    assert "bfloat16, 1 × 1 × 8 × 8" in found["tables"][-1]["caption"]


def test_course_py_lists_it_and_hands_over(monkeypatch, capsys):
    assert "bench" in [name for name, *_ in course.COMMANDS] and "course.py bench" in course.__doc__
    handed = []
    monkeypatch.setattr(course, "refuse_unsupported", lambda: None)
    monkeypatch.setattr(course, "prepare", lambda gpu: None)
    monkeypatch.setattr(course, "hand_over", lambda command: handed.append(command[1:]) or 0)
    assert course.main(["bench", "--", "engine", "--quick"]) == 0
    assert course.main(["bench", "engine", "--quick"]) == 0
    assert handed == [["-m", "benchmarks", "engine", "--quick"]] * 2


def test_a_benchmark_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        bench.main(["engin"])
    assert "there is no benchmark engin: choose from latency, engine" in capsys.readouterr().err


SCRIPTS = {
    "latency": f"import json; print(json.dumps({FAKE!r}))",
    "engine": "raise OSError('made up')",
    "startup": "import sys; print('warning'); sys.exit('It needs a made-up thing.')",
    "checks": "import sys; print('No Chromium found.', file=sys.stderr); sys.exit(75)",
    "grading": "print('no JSON')",
    "site": "import time; time.sleep(600)",
}


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """Made-up scripts in place of the real ones, and where their results go."""
    for name, text in SCRIPTS.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(bench, "HERE", tmp_path)
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def test_one_that_fails_or_cannot_be_run_is_a_row_and_the_others_go_on(scripts, capsys):
    asked = ["latency", "engine", "startup", "checks", "grading"]
    assert bench.main(asked) == 1
    found = json.loads((scripts / "results.json").read_text(encoding="utf-8"))["benchmarks"]
    assert {name: (each["state"], each["why"]) for name, each in found.items()} == {
        "latency": ("done", ""),
        "engine": ("failed", "OSError: made up"),
        "startup": ("failed", "It needs a made-up thing."),
        "checks": ("left out", "No Chromium found."),
        "grading": ("failed", "it said nothing"),
        **dict.fromkeys(bench.BENCHMARKS.keys() - asked, ("left out", "it was not asked for in this run")),
        **{name: ("left out", why) for name, (_, why) in bench.ALONE.items()},
    }
    said = capsys.readouterr().out
    assert "[2/5] engine: about" in said and "failed after 0:0" in said
    assert "1 of 2 claims with a target are met, 1 not met. Failed: engine, startup, grading." in said
    assert "OSError: made up" in (scripts / "index.html").read_text(encoding="utf-8")


def test_one_that_hangs_is_ended(scripts, monkeypatch):
    def hangs(process, begun, expected, tell):
        raise subprocess.TimeoutExpired("made up", 1)

    monkeypatch.setattr(bench, "wait", hangs)
    scripts.mkdir()
    found = bench.one("site", True, 1, lambda text: None)
    assert found["state"] == "failed" and "far too long" in found["why"] and found["seconds"] < 60


def test_what_is_stopped_leaves_a_page_of_what_was_done(scripts, monkeypatch, capsys):
    ran = []

    def one(name, *rest):
        if ran:
            raise KeyboardInterrupt
        ran.append(name)
        return done(name)

    monkeypatch.setattr(bench, "one", one)
    assert bench.main(["latency", "engine", "--quick"]) == 0
    found = json.loads((scripts / "results.json").read_text(encoding="utf-8"))
    assert found["quick"] and found["benchmarks"]["latency"]["state"] == "done"
    assert found["benchmarks"]["engine"]["why"] == "the run was stopped before it was done"
    assert "Stopped." in capsys.readouterr().out


# --- the scripts ------------------------------------------------------------------------------------------------------


def test_what_a_machine_lacks_is_said_in_the_last_line(monkeypatch, capsys):
    def measure(given):
        raise result.NotHere("It needs a made-up thing.")

    monkeypatch.setattr(sys, "argv", ["made-up.py"])
    with pytest.raises(SystemExit, match=str(result.IMPOSSIBLE)):
        result.main("Made up?", {}, measure)
    assert capsys.readouterr().err == "It needs a made-up thing.\n"


def test_without_a_browser_or_a_sandbox_a_benchmark_says_so(monkeypatch):
    from benchmarks import grading
    from harness import browser
    from pooling_course.grading import sandbox

    monkeypatch.setattr(browser, "installed_browser", lambda: None)
    with pytest.raises(result.NotHere, match="^No Chromium found: install one"):
        result.browser()
    monkeypatch.setattr(sandbox.platform, "system", lambda: "Linux")
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(result.NotHere, match="bubblewrap, which is not installed"):
        grading.measure(None)


def step(size, way, ms, **ratios):
    return {"size": size, "way": way, "median_ms": ms, "p95_ms": 2 * ms, **ratios}


def test_the_worst_size_decides_whether_a_step_is_quick_enough():
    from benchmarks import latency

    quick = step("6x6", "explorer", 10, interact_ratio=20, ipympl_ratio=9)
    slow = step("28x28", "explorer", 17, interact_ratio=14, ipympl_ratio=10)
    large = step("512x512", "explorer", 99, interact_ratio=1, ipympl_ratio=1)
    colour = step("3x512x512", "explorer", 500)

    def verdicts(*rows):
        found = list(latency.claims([*rows, step("6x6", "interact", 200)]))
        return [(result.met(one), round(one["figure"])) for one in found]

    assert verdicts(quick) == [(True, 10), (True, 20), (None, 9)]
    assert verdicts(quick, slow) == [(False, 17), (False, 14), (None, 9)]
    assert verdicts(quick, large, colour) == verdicts(quick) + [(False, 99), (False, 1), (None, 1)]


@pytest.mark.parametrize(("size", "most"), [("28x28", 1.6), ("512x512", 2.5)])
def test_a_step_is_held_against_a_bare_slider(size, most):
    from benchmarks import latency

    def verdict(ratio):
        found = latency.claims([step(size, "explorer", 5, floor_ratio=ratio)])
        return next(result.met(one) for one in found if "bare slider" in one["says"])

    assert verdict(most) and not verdict(most + 0.1)


def test_what_moves_is_judged_by_its_95th_percentile():
    from benchmarks import latency

    quick, jerky = [5.0] * 99 + [90.0], [5.0] * 90 + [30.0] * 10
    found, claims = latency.motion({"Play": quick, "dragging": jerky})
    assert [result.met(one) for one in claims] == [True, False]
    assert [row[:2] for row in found["rows"]] == [["Play", 100], ["dragging", 100]]


FOLDS = """
<div class="course-progress"></div><article>
<details><summary>Quick</summary>at once</details>
<details><summary>Outer</summary>
  <details ontoggle="const end = performance.now() + 300; while (performance.now() < end);">
    <summary>Inner</summary>
  </details>
</details>
<details open><summary>Open</summary></details>
</article>"""


@pytest.mark.browser
def test_every_fold_is_opened_and_the_one_that_keeps_the_page_from_answering_is_named(chromium, tmp_path, monkeypatch):
    from benchmarks import site

    (tmp_path / "folds.html").write_text(FOLDS, encoding="utf-8")
    monkeypatch.setattr(site, "SITE", tmp_path)
    ((lesson, count, _, words),) = site.unfolded(chromium, {}, ["folds"])
    assert (lesson, count, words) == ("folds", 3, "Inner")


def test_a_line_leaves_out_what_was_not_measured():
    from benchmarks import latency

    rows = [step(size, way, 5) for size in ("6x6", "512x512", "3x512x512") for way in ("explorer", "interact")]
    (grown,) = latency.lines(rows[:3] + rows[4:])
    assert grown["x"] == [6, 512] and grown["series"] == {"explorer": [5, 5], "interact": [5, None]}
    assert list(latency.lines(rows[:2])) == []


def test_what_nbgrader_would_take_is_drawn_on_from_what_it_took():
    from benchmarks import grading

    took = {10: 30, 20: 60}
    assert grading.one_more(took) == 3 and grading.one_more({10: 5, 100: 14, 1000: 104}) == 0.1
    assert [grading.drawn_on(took, 3, count) for count in (10, 20, 1000)] == [None, 60, 3000]
    steps = {"ours": 0.1, "nbgrader": 3}

    def verdicts(ours):
        found = grading.claims({"ours": ours, "nbgrader": took}, steps)
        return [(result.met(one), round(one["figure"])) for one in found]

    assert verdicts({10: 5, 20: 6}) == [(None, 10)]
    assert verdicts({10: 5, 20: 6, 1000: 119}) == [(None, 10), (False, 30), (True, 119)]
    assert verdicts({10: 5, 20: 6, 1000: 121})[-1] == (False, 121)
    steps["ours"] = 0.05
    assert verdicts({10: 5, 20: 6, 1000: 119})[1] == (True, 60)


def test_the_first_mark_and_memory_are_claims():
    from benchmarks import grading

    def verdicts(first, memory):
        runs = {10: {"first": 2, "MB": 200}, 10_010: {"first": first, "MB": memory}}
        return [(result.met(one), one["figure"]) for one in grading.first_and_memory(runs)]

    assert verdicts(2.9, 230) == [(True, 2.9), (True, 3)]
    assert verdicts(3.1, 240) == [(False, 3.1), (False, 4)]
    assert len(list(grading.first_and_memory({10: {"first": 2, "MB": 200}}))) == 1


def test_the_first_kernel_is_the_measure_of_the_others():
    from benchmarks import startup

    assert [*startup.WAYS][:2] == ["import torch", "first picture"] and len(startup.WAYS) == 5
    rows = [
        ("bare", 2, 1, 0),
        ("first picture", 2.6, 1.3, 0.6),
        ("Run All of a", 4, 2, 2),
        ("Run All of b", 4.1, 2, 2.1),
    ]
    rows = [{"way": way, "s": s, "ratio": ratio, "more_s": more} for way, s, ratio, more in rows]
    assert [result.met(one) for one in startup.claims(rows)] == [False, True, False]


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target, figures",
    [({"at_most": 2}, (1.9, 2, 2.1)), ({"at_least": 2}, (2.1, 2, 1.9)), ({"at_most": -1}, (-2, -1, 0))],
)
def test_a_figure_on_the_other_side_of_its_target_is_not_met(given, target, figures):
    for figure, verdict, word in zip(figures, (True, True, False), ("✓ met", "✓ met", "✗ not met"), strict=True):
        one = claim("A made-up claim", figure, **target)
        assert result.met(one) is verdict
        given["benchmarks"]["latency"] = done("latency", FAKE | {"claims": [one]})
        row = next(row for row in Texts(page.html(given)).rows if row[0] == "A made-up claim")
        assert row[3] == word
    assert page.MARKS[result.met(claim("A comparison", 1))][1] == "no target"


def test_the_page_says_what_was_claimed_measured_and_found(given):
    text = page.html(given)
    read = Texts(text)
    assert ["A made-up step is quick", "1.5 ms", "at most 2 ms", "✓ met", "a made-up peer takes 99 ms"] in read.rows
    assert ["A made-up step is <b>far</b> quicker", "3 times", "at least 15 times", "✗ not met", ""] in read.rows
    assert ["A made-up peer is slower", "4 times", "", "– no target", ""] in read.rows
    assert ["Failed: OSError: made up"] in read.rows and ["Left out: No Chromium found."] in read.rows
    assert "2 of 4 claims with a target are met, 2 not met. Failed: grading. Left out: site." in text
    assert ["torch", "0.0"] in read.rows and "<b>" not in text and "<code>peer</code>" in text


def test_each_plot_has_its_numbers_in_words_and_in_a_table(given):
    read = Texts(page.html(given))
    assert read.alts == ["ms over side. ours: 1 at 6, 2 at 28. theirs: 9 at 6."]
    start = read.rows.index(["side", "ours", "theirs"])
    assert read.rows[start + 1 : start + 3] == [["6", "1", "9"], ["28", "2", ""]]


def test_the_page_is_one_file(given):
    assert all(source.startswith("data:") for source in Texts(page.html(given)).loads)
    assert "url(" not in page.CSS and "@import" not in page.CSS


def test_a_short_run_and_a_busy_machine_are_told(given):
    assert list(page.notes(given)) == []
    given["quick"], given["machine"] = True, MACHINE | {"load": 1.1}
    assert [head for head, _ in page.notes(given)] == ["A short run.", "A busy machine."]
    assert "The load was up to 1.1 on 2 cores" in page.html(given) and "A short run." in page.html(given)
    given["machine"] = MACHINE
    given["benchmarks"]["engine"]["load"] = 3.5
    assert "The load was up to 3.5 on 2 cores" in page.html(given)
    given["benchmarks"]["engine"]["load"] = 2  # of the one before it
    assert [head for head, _ in page.notes(given)] == ["A short run."]


@pytest.mark.browser
@pytest.mark.parametrize("theme, width", [("light", 1280), ("dark", 360)])
def test_axe_finds_no_fault(given, chromium, tmp_path, theme, width):
    from harness.pages import faults

    given["quick"] = True
    (tmp_path / "index.html").write_text(page.html(given), encoding="utf-8")
    shown = chromium.new_page(color_scheme=theme, viewport={"width": width, "height": 900})
    shown.goto((tmp_path / "index.html").as_uri())
    assert faults(shown) == []
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    dark = shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 29)"
    assert dark is (theme == "dark")
    shown.evaluate("document.querySelector('main').append(new Image())")
    assert any("image-alt" in fault for fault in faults(shown))
    shown.close()


# --- what is recorded -------------------------------------------------------------------------------------------------

MANUAL = """# Figures

<!-- bench machine -->
old
<!-- /bench -->

Words that stay.

<!-- bench latency -->
old
<!-- /bench -->

<!-- bench engine -->
<!-- /bench -->

<!-- bench site -->
as it was
<!-- /bench -->
"""


def test_a_whole_run_is_written_between_the_marks_and_nowhere_else(given, tmp_path):
    manual = tmp_path / "measurements.md"
    manual.write_text(MANUAL, encoding="utf-8")
    assert record.write(given, manual) == "Written to measurements.md. Left as recorded before: site."
    text = manual.read_text(encoding="utf-8")
    assert "\nWords that stay.\n" in text and "as it was" in text and "old" not in text
    assert "| A made-up step is quick | 1.5 ms | at most 2 ms | met | a made-up `peer` takes 99 ms |" in text
    assert "![ms over side. ours: 1 at 6, 2 at 28. theirs: 9 at 6.](measurements/latency.png)" in text
    assert [path.name for path in tmp_path.glob("measurements/*")] == ["latency.png"]
    assert "| side | ours | theirs |" in text and text.count("| ours | 1.5 |") == 1  # the table, where nothing grows
    assert "`python benchmarks/latency.py` on 2001-01-01; the load was 0.1" in text
    assert re.sub(record.PLACE, "", text) == re.sub(record.PLACE, "", MANUAL)
    record.write(given, manual)
    assert manual.read_text(encoding="utf-8") == text


def test_tables_with_the_same_columns_are_recorded_together():
    tables = [
        table("Small maps", ["way", "ms"], [["ours", 1.5]]),
        table("Large maps", ["way", "ms"], [["ours", 9.5]]),
        table("In bytes", ["way", "MB"], [["ours", 3]]),
    ]
    text = record.section("engine", done("engine", FAKE | {"growth": [], "tables": tables}))
    assert "Small maps:" in text and "Large maps:" in text and "9.5" in text and "In bytes" not in text


def test_what_should_not_be_recorded_is_refused(given, tmp_path, scripts, capsys):
    manual = tmp_path / "measurements.md"
    manual.write_text(MANUAL.replace("bench engine", "bench engines"), encoding="utf-8")
    with pytest.raises(ValueError, match="has no place for engine"):
        record.write(given, manual)
    with pytest.raises(ValueError, match="short one"):
        record.write(given | {"quick": True}, manual)
    assert bench.main(["--record"]) == 1
    assert capsys.readouterr().err == "Nothing was run yet: python course.py bench\n"


def test_the_manual_has_a_place_for_every_benchmark():
    places = [name for _, name, _ in record.PLACE.findall(record.MANUAL.read_text(encoding="utf-8"))]
    assert sorted(places) == sorted(["machine", *bench.BENCHMARKS])
