"""Does the site, built once and read with the network cut, do what the notebooks do, and give nothing away?"""

import contextlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import nbformat
import pytest
import torch
from PIL import Image
from playwright.sync_api import TimeoutError, expect
from torch import nn

import pooling_course
from harness.answering import answered, enter, secrets_of, wrong_answers
from harness.axe import AT_REST
from harness.explorers import (
    NAMES,
    STICKING_OUT,
    Explorer,
    cell,
    check,
    check_sentences,
    new_page,
    numbers_in,
    opened,
    pool,
    soon,
    type_into,
    written,
)
from harness.pages import faults
from pooling_course import Pooling, exercises, expert, images, import_progress, progress
from pooling_course.exercises.clinic import PATIENTS
from pooling_course.maths.words import read_number
from pooling_course.questions import all_questions, lessons, question
from tools import links

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
LESSONS = list(lessons.LESSONS)
WORKED = images.preset("worked")
HOME = "http://course.test/"  # answered from the folder; nobody else answers


@pytest.fixture(scope="session")
def site():
    """The folder of the pages, as `python course.py site` makes it."""
    done = subprocess.run([sys.executable, ROOT / "site" / "build.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "site" / "_build" / "html"


@pytest.fixture(scope="session")
def pages(site):
    """{file name: text} of every page."""
    return {path.name: path.read_text(encoding="utf-8") for path in site.glob("*.html")}


def models(text):
    """The widgets that a page holds."""
    return json.loads(
        re.search(r'<script type="application/json" id="course-widgets">(.*?)</script>', text, re.DOTALL)[1]
    )


def quizzes(text):
    return [model["state"] for model in models(text).values() if "question" in model.get("state", {})]


# --- links ----------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page refers to, loads and can be pointed at."""

    def __init__(self, text):
        super().__init__()
        self.refers, self.loads, self.names = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.names |= {attributes.get("id")}
        target = attributes.get("src") or attributes.get("href")
        if target:
            (self.refers if tag == "a" else self.loads).append(target)


def broken(pages, site):
    """Every reference within the site that leads nowhere, and every file that would come from elsewhere."""
    parsed = {name: Page(text) for name, text in pages.items()}
    for name, page in parsed.items():
        for target in page.refers + page.loads:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in page.loads and parts.scheme != "data":
                    yield f"{name} loads {target}"
                continue
            file = unquote(parts.path) or name
            if not (site / file).is_file():
                yield f"{name}: no file {target}"
            elif parts.fragment and file in parsed and unquote(parts.fragment) not in parsed[file].names:
                yield f"{name}: no place {target}"


def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(pages, site):
    assert {"index.html", "search.html", *(f"{name}.html" for name in LESSONS)} <= set(pages)
    assert list(broken(pages, site)) == []


@pytest.mark.parametrize(
    "planted, said",
    [
        ('<a href="09_nowhere.html">', "no file 09_nowhere.html"),
        ('<a href="01_what_is_pooling.html#nowhere">', "no place 01_what_is_pooling.html#nowhere"),
        ('<a href="#nowhere">', "no place #nowhere"),
        ('<img src="_static/nowhere.png">', "no file _static/nowhere.png"),
        ('<script src="https://cdn.example/require.js">', "loads https://cdn.example/require.js"),
        ('<link href="//fonts.example/a.css">', "loads //fonts.example/a.css"),
    ],
)
def test_a_broken_link_is_noticed(pages, site, planted, said):
    assert list(broken(pages | {"index.html": pages["index.html"] + planted}, site)) == [
        f"index.html: {said}".replace(": loads", " loads")
    ]


def test_each_lesson_leads_to_binder_colab_and_its_notebook(pages, site):
    repository, ref = links.home()
    for name in LESSONS:
        refers = Page(pages[f"{name}.html"]).refers
        path = f"notebooks/{name}.ipynb"
        assert f"https://mybinder.org/v2/gh/{repository}/{ref}?urlpath=lab/tree/{path}" in refers
        assert f"https://colab.research.google.com/github/{repository}/blob/{ref}/{path}" in refers
        assert path in refers and (site / path).read_bytes() == (ROOT / path).read_bytes()


# --- what the pages hold --------------------------------------------------------------------------------------------


def test_each_widgets_code_is_in_the_site_once(pages, site):
    script = (site / "_static" / "widgets.js").read_text(encoding="utf-8")
    assert script.count("class Explorer {") == script.count("class Quiz {") == 1
    for text in pages.values():
        assert "_esm" not in text and "class Explorer {" not in text


def test_the_first_page_brings_its_styles_along(pages, site):
    def sheets(name):
        return re.findall(r'<link rel="stylesheet"[^>]* href="([^"?]+)', pages[name])

    assert len(sheets("00_start_here.html")) > 3
    assert not sheets("index.html")
    for sheet in sheets("00_start_here.html"):
        assert f"<style>{(site / sheet).read_text(encoding='utf-8')}</style>" in pages["index.html"], sheet


def test_a_page_carries_inputs_and_no_states(pages, site):
    """What was pooled when the site was built is in the notebooks' outputs alone."""
    found = 0
    for name in LESSONS:
        for state in (model["state"] for model in models(pages[f"{name}.html"]).values() if "state" in model):
            if "book" not in state:
                continue
            found += 1
            if isinstance(state["book"], str):
                assert (site / "_static" / "input" / f"{state['book']}.js").is_file()
            else:
                assert {"shape", "data", "dtype"} <= state["book"].keys() and "entries" not in state["book"]
    assert found > 20 and not (site / "_static" / "state").exists()


def test_a_lesson_says_that_the_page_pools_and_leads_to_how_that_was_compared(pages):
    command = "python course.py test -- -m long tests/explorer/test_engine.py"
    assert command in re.sub(r"<[^>]+>", "", pages["how-true.html"])
    for name in LESSONS:
        (launch,) = re.findall(r'<div class="course-launch">(.*?)</div>', pages[f"{name}.html"], re.DOTALL)
        assert "the page pools by itself" in launch and "100,000" in launch and 'href="how-true.html' in launch
        before, _, after = pages[f"{name}.html"].partition(f'<div class="course-launch">{launch}</div>')
        assert before.count("<h2>") == 1, name
        assert re.match(r"\s*(?:</\w+>\s*)*<section[^>]*>\s*(?:<span[^>]*></span>\s*)*<h2>", after), (
            f"{name}: it interrupts"
        )


def test_the_answers_of_whoever_built_the_site_are_not_in_it(pages):
    for name in LESSONS:
        assert quizzes(pages[f"{name}.html"])
        for state in quizzes(pages[f"{name}.html"]):
            assert state["attempts"] == [] and state.get("answering", True) and state["key"]["why"]


def test_every_question_of_the_notebooks_is_asked(pages):
    for name in LESSONS:
        text = (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        calls = re.findall(r"\bquiz\(([^)]*)\)", text)
        asked = [n for call in calls for n in re.findall(r'\\"([\w-]+)\\"', call)]
        assert sorted(state["question"]["id"] for state in quizzes(pages[f"{name}.html"])) == sorted(asked)


WAITS = re.compile(r"^(patient|check)\(|not attempted yet", re.MULTILINE | re.IGNORECASE)


def waiting(name):
    """Cells of a lesson that wait for the learner's own code."""
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code" and WAITS.search(cell.source)]


def sections(text):
    """The source of each section of a page, under its heading of the second rank; not what opens the page elsewhere."""
    text = re.sub(r'<div class="course-launch">.*?</div>', "", text, flags=re.DOTALL)
    return re.split(r"<h2>", text.partition('<article role="main"')[2])[1:]


def test_where_python_is_needed_it_is_said_before_the_tasks(pages):
    assert len(waiting("08_myths_and_pitfalls")) >= 10
    for name in LESSONS:
        asking = [part for part in sections(pages[f"{name}.html"]) if "you need Python: open" in part]
        assert bool(waiting(name)) == bool(asking), name
        for part in asking:
            assert part.index("you need Python: open") < part.index('<div class="highlight'), name
            assert "mybinder.org" in part and "colab.research" in part, name
        assert "not attempted yet" not in re.sub(r"<pre>.*?</pre>", "", pages[f"{name}.html"], flags=re.DOTALL).lower()


RUNNING = re.compile(
    r"Shift \+ Enter|[Rr]un (the|this|these|that|all|each)( next| setup)?( two)? cells?|Shut Down|Restart"
)


def test_nothing_speaks_of_running_cells_where_nothing_runs(pages):
    for name in LESSONS:
        for part in sections(pages[f"{name}.html"]):
            prose = re.sub(r"<pre.*?</pre>|<[^>]+>", "", part, flags=re.DOTALL)
            if "you need Python: open" not in part and "In a notebook" not in prose:
                assert RUNNING.findall(prose) == [], (name, prose[:60])
    assert RUNNING.search("Shift + Enter runs a cell") and RUNNING.search("First run the setup cell")


MODULES = {"charts", "figures", "images"}


def test_every_public_name_has_its_place_in_the_api(pages):
    names = [f"pooling_course.{name}" for name in pooling_course.__all__ if name not in MODULES]
    names += [f"pooling_course.images.{name}" for name in ("preset", "photo", "digits", "as_image")]
    names += [f"pooling_course.expert.{name}" for name in expert.__all__]
    page = Page(pages["api.html"])
    assert {name for name in names if name not in page.names} <= {"pooling_course.expert.WAYS"}
    assert "*args" not in pages["api.html"]


def test_every_page_of_the_manual_is_in_the_contents_of_every_page(pages):
    manual = {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")} | {"api.html"}
    for name, text in pages.items():
        assert manual - {name} <= {target.partition("#")[0] for target in Page(text).refers}, name


def test_what_is_said_in_place_of_a_cell_stands_for_one_that_exists():
    said = re.findall(r"^=== (\S+)$", (ROOT / "site" / "instead.txt").read_text(encoding="utf-8"), re.MULTILINE)
    books = [nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4) for name in LESSONS]
    assert said and set(said) <= {cell.id for book in books for cell in book.cells}


def test_pictures_keep_their_words(pages):
    found = [tag for text in pages.values() for tag in re.findall(r"<img [^>]*_static/\w{12}\.(?:png|svg)[^>]*>", text)]
    assert found and all(re.search(r'alt="[^"]{20,}"', tag) for tag in found)


def test_pictures_are_whole(site):
    drawn = [path for path in (site / "_static").glob("*.svg") if re.fullmatch(r"\w{12}", path.stem)]
    assert drawn and all(ElementTree.parse(path).getroot().tag.endswith("svg") for path in drawn)


# --- in a browser, with the network cut -------------------------------------------------------------------------------

browsers = pytest.mark.browser


@pytest.fixture(scope="module")
def new_tab(site, chromium):
    """new_tab() -> a page that reads the site with the network cut; page.foreign is what it asked of anybody else."""
    contexts = []

    def make():
        page = new_page(chromium, height=900)
        page.foreign, page.cdp = [], page.context.new_cdp_session(page)
        page.route("**/*", lambda route: answer(route, page.foreign))
        contexts.append(page.context)
        return page

    def answer(route, foreign):
        url = urlsplit(route.request.url)
        file = site / url.path.lstrip("/")
        if not route.request.url.startswith(HOME):
            foreign.append(route.request.url)
            return route.abort()
        return route.fulfill(path=file) if file.is_file() else route.fulfill(status=404)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def tab(new_tab):
    """The page in which one test after the other begins: to make one takes longer than most tests."""
    return new_tab()


@pytest.fixture
def visit(tab, new_tab):
    """visit(name) -> the page with its widgets there, as for somebody who was never here; another for every call.

    visit(name, page) goes on in that one.
    """
    clean(tab)
    unused = [tab]

    def open_page(name, page=None, width=1280, theme="light", end=""):
        if page is None:
            page = unused.pop() if unused else new_tab()
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme)
        page.goto(f"{HOME}{name}.html{end}")
        expect(page.locator("html")).to_have_attribute("data-course", "ready")
        return page

    return open_page


def clean(page):
    """As new: nothing kept, asked for, complained of, or pointed at."""
    page.goto("about:blank")
    page.mouse.move(0, 0)
    page.emulate_media(media="null", color_scheme="null", reduced_motion="null", forced_colors="null")
    page.cdp.send("Storage.clearDataForOrigin", {"origin": HOME.rstrip("/"), "storageTypes": "all"})
    page.foreign.clear()
    page.complaints.clear()


def in_sight(page):
    """All that a reader can see without opening anything."""
    return page.locator("body").inner_text()


def given_away(text, questions):
    """Sentences of these questions' keys that stand in a text."""
    return [said for q in questions for said in secrets_of(q) if said in text]


@browsers
def test_what_these_pages_must_not_do_is_noticed(visit, pages):
    page = visit(LESSONS[1])
    asked = [question(state["question"]["id"]) for state in quizzes(pages[f"{LESSONS[1]}.html"])]
    page.evaluate("(said) => document.querySelector('article').append(said)", asked[0].why)
    assert given_away(in_sight(page), asked) == [asked[0].why]
    with page.expect_console_message():
        page.evaluate("fetch('https://cdn.example/x.js').catch(() => 0)")
    assert page.foreign == ["https://cdn.example/x.js"] and page.complaints
    page.evaluate("document.querySelector('article').append(new Image())")
    page.add_style_tag(content=".highlight .mi { color: #ccc !important }")  # the numbers in code
    found = faults(unfolded(page))
    assert any("image-alt" in fault for fault in found)
    assert any("color-contrast" in fault and 'class="mi"' in fault for fault in found)


# --- each page, opened once -------------------------------------------------------------------------------------------

MANUAL = [path.stem for path in sorted((ROOT / "docs").glob("*.md"))]
JUDGED = ["index", *LESSONS, "measurements", "api", "grading", "hub"]  # by axe
PAGES = [*JUDGED, *(name for name in [*MANUAL, "playground", "search"] if name not in JUDGED)]
DARK = {"api", "grading", "hub", *LESSONS[1::2]}  # the others are looked at in light
MAGNIFIED = {"index", "playground", LESSONS[0]}


@pytest.fixture(scope="module")
def walker(new_tab):
    return new_tab()


@pytest.fixture(scope="module")
def standing(request, walker):
    """A page for all tests that only look, one after the other: to open it takes longer than most of these looks."""
    clean(walker)
    walker.name = request.param
    walker.emulate_media(color_scheme="dark" if walker.name in DARK else "light")
    walker.goto(f"{HOME}{walker.name}.html")
    expect(walker.locator("html")).to_have_attribute("data-course", "ready")
    return walker


def each(names):
    """The tests that look at these pages. pytest puts those of one page together, by its place in PAGES."""
    assert names == PAGES[: len(names)]
    return pytest.mark.parametrize("standing", names, indirect=True)


def test_every_page_is_looked_at(pages):
    assert {f"{name}.html" for name in PAGES} == set(pages)


@browsers
@each(["index", *LESSONS])
def test_a_page_is_alive_alone_and_tells_nothing_before_the_commitment(standing, pages):
    page, name = standing, standing.name
    asked = [question(state["question"]["id"]) for state in quizzes(pages[f"{name}.html"])] if name in LESSONS else []
    expect(page.locator(".pc-quiz .pc-commit, .pc-reach .pc-strip")).to_have_count(len(asked))
    assert page.locator(".course-still").count() == page.locator("details.hide .course-widget").count()
    assert page.locator(".pc-verdict").count() == 0 and page.locator("details.hide[open]").count() == 0
    assert given_away(in_sight(page), asked) == []
    assert page.foreign == [] and page.complaints == []


@browsers
@each(PAGES)
def test_nothing_sticks_out_on_any_screen(standing):
    page = unfolded(standing)
    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert lasting(page, TOO_WIDE) == [], width
    if page.name in MAGNIFIED:  # four times as large
        page.set_viewport_size({"width": 320, "height": 256})
        assert lasting(page, TOO_WIDE) == []
        page.set_viewport_size({"width": 1280, "height": 900})
    assert page.foreign == [] and page.complaints == []  # a file that is not there is a complaint, too


# What sticks out of the page, where it cannot be scrolled to, or of a widget; the table of nine ways never scrolls. And
# words of titles that are too long for their line.
TOO_WIDE = f"""() => {{
  const broken = (titles) => [...titles].flatMap((title) => [...title.childNodes]).filter((node) => node.data).flatMap(
    (node) => [...node.data.matchAll(/[^\\s-]+/g)].filter((word) => {{
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      return new Set([...range.getClientRects()].map((box) => box.top)).size > 1;
    }}).map((word) => `${{word[0]}} is broken in a title`));
  const scrolled = "pre, .table-wrapper, .text_html:has(> table), .course-still, .course-table, [role=region]";
  const scrolls = (el) => el.closest(scrolled) || el.parentElement.closest(".pooling-course");
  const out = [...document.querySelectorAll("article *")].filter((el) => el.checkVisibility() && !scrolls(el))
    .filter((el) => el.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5);
  const tables = [...document.querySelectorAll(".course-wide")].map((table) => table.parentElement);
  out.push(...tables.filter((box) => box.scrollWidth > box.clientWidth));
  return [...out.map((el) => el.outerHTML.slice(0, 120)),
          ...broken(document.querySelectorAll("article :is(h1, h2, h3)")),
          ...[...document.querySelectorAll(".pooling-course")].flatMap({STICKING_OUT})];
}}"""


def lasting(page, script):
    """What a script finds to say: nothing, once it does, or what it still says after a while."""
    found = page.evaluate(TWO_FRAMES_ON, script)
    if found:
        with contextlib.suppress(TimeoutError):
            page.wait_for_function(f"!({script})().length", timeout=10_000)
        found = page.evaluate(script)
    return found


# What draws itself anew when the page gets another width has done so.
TWO_FRAMES_ON = """async (script) => {
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
  return (0, eval)(script)();
}"""


def unfolded(page):
    page.locator("details.hide").evaluate_all("(all) => all.forEach((el) => (el.open = true))")
    expect(page.locator(".course-still")).to_have_count(0)
    expect(page.locator(".pc-explorer[aria-busy], .pc-explorer .pc-code:empty")).to_have_count(0)
    return page


@browsers
@each(JUDGED)
def test_axe_finds_no_fault_in_either_theme(standing):
    assert faults(unfolded(standing)) == []


@browsers
@each(["index", *LESSONS])
def test_each_explorer_shows_torchs_numbers(standing):
    page = standing
    page.evaluate("document.querySelectorAll('details').forEach((el) => (el.open = true))")
    expect(page.locator(".course-widget:not(:has(.pooling-course)), .course-still")).to_have_count(0)
    for root in page.locator(".pc-explorer:visible").all():
        root.evaluate("(el) => el.querySelectorAll('details').forEach((one) => (one.open = true))")  # new with its fold
        expect(root.locator("table").first).to_be_visible()
        seen = Explorer(root).read()
        (_, rows), *tables = seen["tables"]
        if "3 × " in seen["captions"][0] or not tables or "Conv2d" in seen["code"][0]:
            continue  # a photo, whose tables are cut; a convolution, whose code is without its weights
        x = torch.tensor([[read_number(number) for number in row] for row in rows])
        outputs = [written(eval(code, {"nn": nn, "torch": torch})(x[None])[0]) for code in seen["code"]]
        shown = [rows for caption, rows in tables if " output, " in caption]
        if any(is_rounded(number) for row in rows for number in row):  # then so are averages of what stands there
            outputs, shown = (
                [[list(map(read_number, row)) for row in table] for table in all] for all in (outputs, shown)
            )
            outputs = pytest.approx(torch.tensor(outputs).numpy(), rel=0.01)
            shown = torch.tensor(shown).numpy()
        assert shown == outputs, seen["code"]


def is_rounded(number):
    """Whether a number may stand for one that has more digits: three are shown."""
    return len(number.strip("-−").replace(".", "").lstrip("0")) >= 3 and "." in number


# --- the explorer -----------------------------------------------------------------------------------------------------


@pytest.fixture
def one(visit):
    """The explorer of the first lesson, with every detail open."""
    page = visit(LESSONS[0])
    return opened(page.locator(".pc-explorer").first)


@browsers
def test_every_number_is_torchs_for_every_place_of_the_sliders(one):
    for k in range(1, 6):
        one.slide("kernel_size", k)
        for stride, padding in [(1, 0), (2, k // 2), (5, 0)]:
            one.slide("stride", stride)
            one.slide("padding", padding)
            check(one, *(Pooling(kind, k, stride, padding) for kind in ("max", "avg")))
    one.slide("padding", 1)
    one.tick("count_include_pad", False)
    one.tick("ceil_mode", True)
    check(one, Pooling("max", 5, 5, 1, ceil_mode=True), Pooling("avg", 5, 5, 1, 1, True, False))


@browsers
def test_what_lessons_ask_for_beyond_the_sliders_is_there_too(one):
    one.choose("Max")
    one.tick("height and width apart", True)
    one.slide("kernel_size, height", 4)
    one.slide("stride, height", 4)
    check(one, Pooling("max", (4, 2), (4, 2)))
    one.tick("height and width apart", False)
    one.slide("dilation", 2)
    one.slide("kernel_size", 2)
    one.slide("stride", 2)
    check(one, Pooling("max", 2, 2, 0, 2))
    one.choose("Average")
    one.divide_by(1)
    check(one, Pooling("avg", 2, divisor_override=1))


@browsers
def test_backwards_every_cell_gets_what_autograd_gives_it(one):
    one.choose("Backward")
    for k, stride, padding in [(2, 2, 0), (3, 1, 1)]:
        one.slide("kernel_size", k)
        one.slide("stride", stride)
        one.slide("padding", padding)
        expect(one.code.first).to_have_text(Pooling("max", k, stride, padding).code())
        tables = dict(one.read()["tables"])
        for kind in ("max", "avg"):
            x = WORKED.clone().requires_grad_()
            pool(Pooling(kind, k, stride, padding), x).sum().backward()
            assert tables[f"Input gradient of {NAMES[kind].lower()}, 6 × 6"] == written(x.grad)


@browsers
def test_pointing_at_a_cell_tells_its_sum(one):
    for row, col in [(0, 1), (2, 2), (1, 0)]:
        grid, middle = cell(one, "Max output", row, col, cols=3)
        grid.hover(position=middle)
        check_sentences(one, Pooling("max", 2), Pooling("avg", 2), at=(row, col))


@browsers
def test_every_input_is_there_too(one):
    select = one.root.get_by_role("combobox", name="Input")
    values = select.locator("option").evaluate_all("(all) => all.map((o) => o.value)")
    assert values == list(images.PRESETS)
    for name in ("odd", "digit", "worked"):
        select.select_option(name)
        check(one, Pooling("max", 2), Pooling("avg", 2), x=images.preset(name))
    select.select_option("photo")
    expect(one.root.locator("figcaption").filter(has_text="Max output 3 × 64 × 64")).to_be_visible()
    shown = dict(one.read()["tables"])
    (table,) = (rows for caption, rows in shown.items() if caption.startswith("Average output"))
    output = pool(Pooling("avg", 2), images.preset("photo"))[0]
    assert table == written(output[: len(table), : len(table[0])])


@browsers
def test_any_setting_and_any_number_is_pooled_by_the_page(one):
    one.choose("Average")
    one.divide_by(7)
    check(one, Pooling("avg", 2, divisor_override=7))
    one.choose("Both")
    x = WORKED.clone()
    for row, col, text in [(1, 2, "-7.5"), (0, 0, "nan"), (5, 5, "1/3")]:
        type_into(one, row, col, text)
        x[row, col] = read_number(text)
        check(one, Pooling("max", 2), Pooling("avg", 2, divisor_override=7), x=x)
    expect(one.root.get_by_role("combobox", name="Input")).to_have_value("")
    type_into(one, 0, 1, "three")
    expect(one.told).to_have_text("'three' is not a number, such as -1.5, 1/3 or nan: type one, or Esc.")
    one.root.get_by_role("combobox", name="Input").select_option("worked")
    check(one, Pooling("max", 2), Pooling("avg", 2, divisor_override=7))
    expect(one.notice).to_be_hidden()


@browsers
def test_an_upstream_gradient_is_typed_into_the_page(one):
    one.choose("Max")
    one.choose("Backward")
    type_into(one, 1, 2, "-4", grid="Upstream gradient")
    gradient = torch.ones(3, 3)
    gradient[1, 2] = -4
    x = WORKED.clone().requires_grad_()
    pool(Pooling("max", 2), x).backward(gradient)
    expect(one.root.get_by_role("combobox", name="Upstream gradient")).to_have_value("own")
    tables = dict(one.read()["tables"])
    assert tables["Upstream gradient of max, 3 × 3"] == written(gradient)
    assert tables["Input gradient of max, 6 × 6"] == written(x.grad)


# After each turn of the event loop: what is seen where a widget stands, until its explorer is, and for some turns more.
TURNS = """(place) => new Promise((done) => {
  const seen = (el) => el?.checkVisibility({ visibilityProperty: true }) ?? false;
  const { port1, port2 } = new MessageChannel();
  const turns = [];
  port1.onmessage = () => {
    const [still, root] = [".course-still", ".pc-explorer"].map((name) => place.querySelector(name));
    const sentence = root?.querySelector(".pc-sentence").textContent;
    const laidOut = Boolean(root?.querySelector(".pc-code code"));
    const now = { built: Boolean(root), laidOut, sentence, explorer: seen(root) };
    turns.push({ ...now, still: seen(still), high: root?.offsetHeight });
    if (turns.at(-1).explorer && turns.length > 20 && turns.at(-20).explorer) done(turns);
    else port2.postMessage(0);
  };
  place.closest("details").open = true;
  port2.postMessage(0);
})"""


@browsers
def test_an_explorer_in_a_fold_is_drawn_in_parts_and_seen_when_it_is_whole(visit):
    page = visit("07_internals_and_backprop")
    place = page.locator("details.hide .course-widget:has(.course-still)").first
    turns = place.evaluate(TURNS)
    assert all(turn["still"] != turn["explorer"] for turn in turns)  # the one or the other, and never both
    assert all(turn["sentence"] for turn in turns if turn["explorer"])
    assert len({turn["high"] for turn in turns if turn["explorer"]}) == 1  # and it does not grow or jump then
    parts = [(turn["built"], turn["laidOut"], bool(turn["sentence"]), turn["explorer"]) for turn in turns]
    assert {sum(done) for done in parts} == {0, 1, 2, 3, 4}  # the page answers in between


@browsers
def test_a_click_on_a_fold_selects_no_text(visit):
    """The browser would count all letters before it, which takes long on a long page."""
    page = visit("07_internals_and_backprop")
    for fold in page.locator("article details:not([open]) > summary:visible").all()[:3]:
        fold.click()
        assert page.evaluate("getSelection().type") == "None"


@browsers
def test_a_page_opened_from_disk_is_alive_too(site, chromium):
    page = new_page(chromium, height=900)
    page.goto((site / f"{LESSONS[0]}.html").as_uri())
    explorer = opened(page.locator(".pc-explorer").first)
    explorer.slide("stride", 1)
    check(explorer, Pooling("max", 2, 1), Pooling("avg", 2, 1))
    assert page.complaints == []
    page.context.close()


# --- questions, and what they leave behind ----------------------------------------------------------------------------


def commit(root, answer, sure="certain"):
    enter(root, question_in(root), answer)
    root.get_by_label(sure).check()
    root.get_by_role("button", name="Commit").press("Enter")


def question_in(root):
    prompt = root.locator(".pc-prompt").inner_text()
    return next(q for q in map(question, ASKED) if q.prompt == prompt)


ASKED = ["conv-work", "max-channels", "signed-window", "myth-channels", "myth-ties", "myth-stride", "default-stride"]


@browsers
def test_a_prediction_opens_what_stands_below_and_is_kept(visit):
    page = visit("03_maxpool2d_in_pytorch")
    q = question("max-channels")
    below = page.locator(".cell.tag_after-max-channels details")
    assert below.count() >= 5 and page.locator(".pc-explorer:not(.pc-reach)").count() == 0
    said = "Opens when you commit to your answer above, or by a click"
    assert set(below.locator("summary").all_inner_texts()) <= {said, f"{said} (in code)"}
    fold = below.first
    fold.locator("summary").first.click()
    expect(fold).to_have_attribute("open", "")
    fold.locator("summary").first.click()
    expect(fold).not_to_have_attribute("open", "")
    wrong, reason = wrong_answers(q)[0]
    commit(page.locator(".pc-quiz").first, wrong)
    for _ in range(2):  # at once, and when one comes back
        root = page.locator(".pc-quiz").first
        expect(root.locator(".pc-verdict")).to_have_text("✗ Not quite. You said: certain.")
        expect(root).to_contain_text(reason)
        opened_by_it = page.locator(".tag_after-max-channels details.hide, details.tag_after-max-channels")
        assert opened_by_it.count() >= 6
        assert opened_by_it.and_(page.locator("details:not([open])")).count() == 0
        expect(page.locator(".pc-explorer .pc-code code").first).to_have_text("nn.MaxPool2d(kernel_size=2)")
        page = visit("03_maxpool2d_in_pytorch", page)
    visit("index", page)
    row = page.locator(".course-progress tr", has_text="03 · MaxPool2d in PyTorch")
    expect(row).to_have_text(re.compile(r"PyTorch1 of \d+01$"))
    expect(page.locator(".course-progress li", has_text=q.prompt)).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Clear my answers").click()
    expect(page.locator(".course-progress")).to_contain_text("Nothing answered yet.")
    visit("03_maxpool2d_in_pytorch", page)
    expect(page.locator(".pc-verdict")).to_have_count(0)
    assert page.foreign == [] and page.complaints == []


@browsers
def test_a_lesson_can_be_taken_by_keyboard_alone(visit):
    page = visit("01_what_is_pooling")
    keys, asked = page.keyboard, page.locator(".pc-quiz:not(:has(.pc-check-goal))")  # a challenge is not committed to
    for i in range(asked.count()):
        while stop(page, asked.nth(i).locator("input, button")) != "Commit":
            keys.type("1") if page.evaluate(TAKES_TEXT) else keys.press("Space")
        keys.press("Enter")
        expect(asked.nth(i).locator(".pc-verdict")).to_be_focused()
        if not i:  # what it opened lies further down
            expect(page.locator(".pc-explorer .pc-code code").first).to_be_visible()
            assert stop(page, page.locator(".pc-explorer input[type=range]")) == "kernel_size"
            keys.press("ArrowRight")
            expect(page.locator(".pc-explorer .pc-code code").first).to_contain_text("kernel_size=3")
            while stop(page, page.locator(".pc-stage")) != "Max output, 5 rows by 5 columns. Arrow keys walk.":
                pass
            keys.press("ArrowRight")
            expect(page.locator(".pc-explorer .pc-sentence").first).to_contain_text("row 2, column 3")  # from 2, 2 on
            assert stop(page, page.locator("details.course-told > summary")).startswith("Tried it?")
            keys.press("Enter")
            expect(page.locator("details.course-told").first).to_have_attribute("open", "")
    assert stop(page, page.locator("a.next-page")).startswith("Next")
    keys.press("Enter")
    expect(page).to_have_url(re.compile("02_max_versus_average"))
    assert page.complaints == []


def stop(page, wanted):
    """Tab on to the next of what is wanted; what it is called. Every stop on the way shows that it has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        if wanted.and_(page.locator(":focus")).count():
            return page.evaluate(NAME_OF_FOCUSED)
    raise AssertionError("Tab does not lead there")


TAKES_TEXT = "document.activeElement.matches('input:not([type=radio], [type=checkbox], [type=range])')"
NAME_OF_FOCUSED = """() => {
  const el = document.activeElement;
  return (el.getAttribute("aria-label") ?? (el.labels?.[0] ?? el).textContent).trim();
}"""


@browsers
def test_the_explorer_of_a_question_opens_when_asked_for_after_the_commitment(visit):
    page = visit("08_myths_and_pitfalls")
    root = page.locator(".pc-quiz", has_text=question("myth-stride").prompt)
    expect(root.get_by_role("button", name="Commit")).to_be_visible()
    assert root.get_by_role("button", name="Open this case in the explorer").count() == 0
    proof = page.locator(".cell.tag_after-myth-stride")
    expect(proof.locator("pre")).to_be_hidden()
    commit(root, question("myth-stride").truth)
    expect(proof.locator("pre")).to_be_visible()
    assert page.locator(".pc-explorer").count() == 0
    code = page.locator(".pc-explorer .pc-code code")
    for _ in range(2):
        root.get_by_role("button", name="Open this case in the explorer").press("Enter")
        expect(code).to_have_text("nn.MaxPool2d(kernel_size=3)")
        root.get_by_role("button", name="Close the explorer").press("Enter")
        expect(code).to_be_hidden()
    root.get_by_role("button", name="Open this case in the explorer").press("Enter")
    check(opened(page.locator(".pc-explorer")), Pooling("max", 3), x=images.preset("digit"))


@browsers
def test_what_torch_says_of_a_myth_opens_with_the_commitment(visit):
    page = visit("08_myths_and_pitfalls")
    told = page.locator(".cell.tag_after-myth-ties .pc-told p")
    expect(told).to_be_hidden()
    commit(page.locator(".pc-quiz", has_text=question("myth-ties").prompt), question("myth-ties").truth)
    expect(told).to_be_visible()
    moving = page.locator(".cell.tag_after-myth-stride .pc-flipbook")
    expect(moving).to_be_hidden()
    commit(page.locator(".pc-quiz", has_text=question("myth-stride").prompt), question("myth-stride").truth)
    expect(moving.locator("figcaption")).to_have_text("stride=1: 6 × 6")


@browsers
def test_kept_answers_that_are_damaged_or_older_than_their_question_cost_nothing(visit, pages):
    lesson, q = "05_kernel_size_and_stride", question("never-read")
    asked = [state["question"]["id"] for state in quizzes(pages[f"{lesson}.html"])]
    entry = {"v": 1, "time": 1, "confidence": 1, "right": False}
    odd = [{"id": name, "answer": answer} for name in asked for answer in (None, "x", {}, [5, "x"], {"moved": 5})]
    lines = ["null", "5", "[]", "{half", *(json.dumps(entry | one) for one in [{"id": "__proto__"}, *odd])]
    kept = "".join(f"{line}\n" for line in lines)
    page = visit("index")
    page.evaluate("(text) => localStorage.setItem('pooling-course-progress', text)", kept)
    visit(lesson, page)
    expect(page.locator(".pc-quiz .pc-prompt, .pc-reach .pc-prompt")).to_have_count(len(asked))
    root = page.locator(".pc-quiz", has_text=q.prompt)
    enter(root, q, q.truth)
    root.get_by_label("certain").check()
    root.get_by_role("button", name="Commit").press("Enter")
    expect(root.locator(".pc-verdict")).to_be_visible()
    assert page.evaluate("localStorage.getItem('pooling-course-progress')").startswith(kept)
    visit("index", page)
    expect(page.locator(".course-progress tr", has_text="05 · Kernel size")).to_be_visible()
    assert page.complaints == []


@browsers
def test_the_answers_can_be_taken_to_a_notebook(visit, tmp_path, monkeypatch):
    page = visit("02_max_versus_average")
    q = question("signed-window")
    root = page.locator(".pc-quiz").first
    commit(root, wrong_answers(q)[0][0], sure="a guess")
    root.get_by_role("button", name="Try again").click()
    commit(root, q.truth)
    visit("index", page)
    with page.expect_download() as file:
        page.get_by_role("button", name="Download my answers").click()
    file.value.save_as(tmp_path / "mine.jsonl")
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "journal.jsonl"))
    assert import_progress(tmp_path / "mine.jsonl").startswith("2 answers taken over")
    first, second = progress().answers["signed-window"]
    assert (first["right"], second["right"]) == (False, True) and (first["attempt"], second["attempt"]) == (1, 2)
    assert first["misconception"] == q.grade(wrong_answers(q)[0][0])["misconception"] and first["lesson"] == q.lesson
    assert first["seconds"] > 0


# --- the playground, and links to explorers ---------------------------------------------------------------------------


def play(visit, end="", **given):
    return visit("playground", end=end, **given)


def bring(page, text):
    """Numbers, typed or pasted into the field for them."""
    if not page.locator("#play-numbers").is_visible():
        page.get_by_role("button", name="Numbers", exact=True).click()
    page.get_by_label("Numbers from a spreadsheet").fill(text)
    page.get_by_role("button", name="Pool these numbers").click()


def link_of(page, button="Copy a link"):
    """The address that is given to be copied; these pages, which are no secure ones, may not copy by themselves."""
    page.get_by_role("button", name=button).first.click()
    return page.get_by_label("To be copied").input_value()


def python_of(page, layer=""):
    """The Python that the playground shows, of this layer, run: the explorer it makes."""
    fold = page.locator("details", has_text="In Python")
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()
    expect(fold.locator("pre")).to_contain_text(layer or "pooling_course")
    *needs, last = fold.locator("pre").inner_text().splitlines()
    given = {}
    exec("\n".join(needs), given)
    return eval(last, given)


MINE = torch.tensor([[1.5, -2, 3, 0], [4, 0.25, 9, 1], [7, 8, -1, 2]])


@browsers
def test_numbers_from_a_spreadsheet_are_pooled_as_torch_pools_them(visit):
    page = play(visit)
    bring(page, "1,5\t-2\t3\t0\n4\t0,25\t9\t1\n7\t8\t-1\t2")
    expect(page.locator(".play-said")).to_have_text("Read as 3 × 4 numbers, 1,5 as 1.5.")
    one = opened(page.locator(".pc-explorer"))
    check(one, Pooling("max", 2), Pooling("avg", 2), x=MINE)
    bring(page, "1;2\n3;x")
    expect(page.locator("#play-wrong")).to_have_text("Line 2, number 2: 'x' is not a number, such as -1.5, 1/3 or nan.")
    check(one, Pooling("max", 2), Pooling("avg", 2), x=MINE)
    page.evaluate("""() => {
      const data = new DataTransfer();
      data.setData("text/plain", "5 6\\n7 8");
      const pasted = { clipboardData: data, bubbles: true, cancelable: true };
      document.body.dispatchEvent(new ClipboardEvent("paste", pasted));
    }""")
    check(one, Pooling("max", 2), Pooling("avg", 2), x=torch.tensor([[5.0, 6], [7, 8]]))
    assert page.foreign == [] and page.complaints == []


FAMILIES = {
    "lp": "LPPool2d",
    "conv": "Conv2d",
    "adaptive max": "AdaptiveMaxPool2d",
    "fractional max": "FractionalMaxPool2d",
}


def outputs_in(one):
    """The rows of each output, from the tables, which are open from now on."""
    one.root.locator(".pc-numbers").evaluate("(el) => (el.open = true)")
    expect(one.root.locator("table caption", has_text="output").first).to_be_visible()
    return [rows for caption, rows in one.read()["tables"] if " output, " in caption]


def outputs_of(explorer):
    """The same rows of an explorer in Python, from its layers."""
    with torch.no_grad():
        return [written(p.layer()(explorer.x[None].float())[0]) for p in poolings_of(explorer)]


@browsers
def test_every_kind_is_there_and_pools_as_the_python_beside_it(visit):
    page = play(visit)
    one = Explorer(page.locator(".pc-explorer"))
    for numbers in ("", "1 2 3 4 5\n6 7 8 9 1\n2 3 4 5 6\n7 8 9 1 2"):
        if numbers:
            bring(page, numbers)
        for family, layer in FAMILIES.items():
            page.get_by_role("combobox", name=re.compile("^Pooling")).select_option(family)
            expect(one.code.first).to_contain_text(f"nn.{layer}(")
            assert outputs_in(one) == outputs_of(python_of(page, layer)), family
    page.wait_for_timeout(1000)  # what is chosen at once is undone at once
    page.get_by_role("combobox", name=re.compile("^Pooling")).select_option("lp")
    page.get_by_role("button", name="Undo (Ctrl+Z)").click()
    expect(one.code.first).to_contain_text("nn.FractionalMaxPool2d(")
    page.get_by_role("button", name="Reset").click()
    expect(one.code).to_have_text(["nn.MaxPool2d(kernel_size=2)", "nn.AvgPool2d(kernel_size=2)"])
    assert page.complaints == []


WEIGHTS = {  # typed in: what stands there afterwards
    "1 2\n3 4": "1  2\n3  4",
    "0,1;-2": "0.1  -2",
    "-1 0 1\n-2 0 2\n-1 0 1": "-1  0  1\n-2  0  2\n-1  0  1",
    "5": "5",
}
NO_WEIGHTS = {
    "": "There is nothing here yet",
    "x": "Line 1, number 1: 'x' is not a number",
    "1 2\n3": "Line 2 has 1 number, and line 1 has 2",
    "inf 1": "Weights are finite numbers.",
    "1e39": "'1e39' does not fit into torch.float32",
    "1 " * 12: "Weights have at most 11 rows and columns.",
}


@browsers
def test_weights_that_are_typed_in_are_used_told_undone_and_redone(visit):
    page = play(visit)
    one = Explorer(page.locator(".pc-explorer"))
    page.get_by_role("combobox", name=re.compile("^Pooling")).select_option("conv")
    field = page.get_by_label("Weights, row by row")
    undo, redo = (one.root.get_by_role("button", name=name) for name in ("Undo (Ctrl+Z)", "Redo (Ctrl+Shift+Z)"))

    def judged():
        one.at_rest()
        assert outputs_in(one) == outputs_of(python_of(page, "Conv2d"))

    stood = [field.input_value()]
    for text, written_out in WEIGHTS.items():
        page.wait_for_timeout(1000)  # what is chosen at once is undone at once
        field.fill(text)
        field.blur()
        expect(field).to_have_value(written_out)
        stood.append(written_out)
        judged()
    expect(page.get_by_label("Weights of")).to_have_value("")
    for wrong, why in NO_WEIGHTS.items():
        field.fill(wrong)
        field.blur()
        expect(page.locator(".play-wrong").last).to_contain_text(why)
        judged()
    for button, then in ((undo, stood[-2::-1]), (redo, stood[1:])):
        for text in then:
            button.click()
            expect(field).to_have_value(text)
            expect(page.locator(".play-wrong").last).to_be_hidden()
            judged()
    for _ in stood:
        undo.click()
    expect(one.code).to_have_text(["nn.MaxPool2d(kernel_size=2)", "nn.AvgPool2d(kernel_size=2)"])
    redo.click()
    expect(field).to_have_value(stood[0])
    judged()
    assert page.complaints == []


def test_weights_fit_each_input_and_a_press_that_leaves_them_is_a_click(visit):
    page = play(visit)
    one = Explorer(page.locator(".pc-explorer"))
    page.get_by_role("combobox", name=re.compile("^Pooling")).select_option("conv")
    field = page.get_by_label("Weights, row by row")
    field.fill("1 2\n3 4")
    field.blur()
    one.root.get_by_role("combobox", name="Input").select_option("photo")
    expect(one.code.first).to_contain_text("in_channels=3")
    expect(field).to_have_value("1  2\n3  4")
    field.fill("x")
    both = one.root.get_by_role("radio", name="Average", exact=True)
    box = both.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(200)
    page.mouse.up()
    expect(both).to_be_checked()
    expect(page.locator(".play-wrong").last).to_contain_text("'x' is not a number")
    assert both.bounding_box()["y"] > box["y"] and page.complaints == []


def test_numbers_that_were_brought_come_back_through_inputs_that_were_typed_into(visit):
    page = play(visit)
    bring(page, "1 2 3\n4 5 6\n7 8 9")
    one = Explorer(page.locator(".pc-explorer"))
    one.root.locator(".pc-numbers").evaluate("(el) => (el.open = true)")
    brought = numbers_in(torch.arange(1.0, 10).reshape(3, 3))
    expect(one.root.locator("tbody").first).to_have_text(brought)
    page.wait_for_timeout(1000)  # what is chosen at once is undone at once
    choice = one.root.get_by_role("combobox", name="Input")
    for name in ("edge", "ties"):
        choice.select_option(name)
        expect(one.root.locator("tbody").first).to_have_text(numbers_in(images.preset(name)))
        type_into(one, 0, 0, "50")
        expect(choice).to_have_value("")
    for named in ("ties", "", "edge", ""):
        page.get_by_role("button", name="Undo (Ctrl+Z)").click()
        expect(choice).to_have_value(named)
    expect(one.root.locator("tbody").first).to_have_text(brought)
    assert page.complaints == []


def poolings_of(explorer):
    kinds = explorer.kinds if explorer.compare else [explorer.kind]
    return [explorer._of_kind(kind) for kind in kinds]


@browsers
def test_a_link_brings_all_of_it_back(visit):
    page = play(visit)
    bring(page, "1,5\t-2\t3\t0\n4\t0,25\t9\t1\n7\t8\t-1\t2")
    one = Explorer(page.locator(".pc-explorer"))
    one.slide("kernel_size", 3)
    one.slide("stride", 1)
    one.slide("padding", 1)
    one.choose("Backward")
    type_into(one, 1, 2, "-4", grid="Upstream gradient")
    one.go(2, 1)
    expect(one.sentence).to_contain_text("output row 2, column 1")
    link = link_of(page)
    ours = python_of(page)
    expect(page.locator(".play-panel")).to_contain_text(["What you bring stays in this page: it is sent nowhere.", ""])
    before = one.read()
    there = play(visit, urlsplit(link)._replace(scheme="", netloc="", path="").geturl())
    other = Explorer(there.locator(".pc-explorer"))
    expect(other.sentence).to_have_text(before["sentence"])
    after = other.read()
    assert {name: after[name] for name in ("code", "formula", "captions", "drawn")} == {
        name: before[name] for name in ("code", "formula", "captions", "drawn")
    }
    gradient = torch.ones(3, 4)
    gradient[1, 2] = -4
    assert torch.equal(ours.x.reshape(3, 4), MINE) and torch.equal(ours.upstream.reshape(3, 4), gradient)
    assert ours.pooling == Pooling("max", 3, 1, 1) and ours.direction == "backward" and ours.compare
    assert there.complaints == []


@browsers
def test_a_link_whose_signs_were_encoded_on_its_way_is_followed_too(visit):
    page = play(visit, "#explorer%3D1%26kernel_size%3D3%26stride%3D1")
    check(opened(page.locator(".pc-explorer")), Pooling("max", 3, 1))


@browsers
@pytest.mark.parametrize(
    "end, said",
    [
        ("#explorer=1&kernel_size=0", "This link is damaged: 'kernel_size=0'"),
        ("#explorer=1&kernel_size=99999999999999999999", "This link is damaged"),
        ("#explorer=1&x=6x6.float32.i1.AQMCBA", "This link is damaged"),  # it was cut off
        ("#explorer=1&x=2x2.float32.i1.%%%%%%", "This link is damaged"),
        ("#explorer=2", "made by a later version of the course"),
        ("#explorer=1&__proto__=polluted", "This link is damaged"),
        ("#explorer=1&constructor=1", "This link is damaged"),
        ('#explorer=1&"><script>window.harm=1</script>=1', "This link is damaged"),
        ("#explorer=1&preset=<img src=x onerror=harm=1>", "This link is damaged"),
        ("#explorer=1&x=javascript:harm=1", "This link is damaged"),
        (f"#explorer=1&x={'A' * 30_000}", "more than the 20,000 that a link may have"),
        ("#explorer=1&at=gone-cell.0", "an explorer that this page does not have"),
        ("#explorer=1&large=300x200", "with an input of 300 × 200 that is too large for a link"),
    ],
)
def test_a_link_that_cannot_be_followed_says_so_and_harms_nothing(visit, end, said):
    page = play(visit, end)
    expect(page.get_by_role("alert").filter(has_text=said)).to_be_visible()
    both = [Pooling("max", 2), Pooling("avg", 2)]
    check(opened(page.locator(".pc-explorer")), *both[: 1 if "large" in end else 2])  # it speaks of one alone
    assert page.evaluate(
        "[window.harm, {}.polluted, document.querySelectorAll('article script[src], article img').length]"
    ) == [
        None,
        None,
        0,
    ]
    assert page.foreign == [] and page.complaints == []


@browsers
def test_a_photo_is_read_as_python_reads_it_and_stays_in_the_page(visit, tmp_path):
    page = play(visit)
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (48, 60, 3), generator=rng, dtype=torch.uint8).numpy()
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    page.locator("input[type=file]").set_input_files(tmp_path / "mine.png")
    expect(page.locator(".play-said")).to_have_text("mine.png: 3 × 48 × 60.")
    one = opened(page.locator(".pc-explorer"))
    x = images.as_image(tmp_path / "mine.png")
    assert dict(one.read()["tables"])["Input, 48 × 60, the first 32 × 32"] == written(x[0, :32, :32])
    outputs = [rows for caption, rows in one.read()["tables"] if " output, " in caption]
    assert outputs == [written(pool(Pooling(kind, 2), x)[0]) for kind in ("max", "avg")]
    link = link_of(page)
    expect(page.locator(".play-panel").last).to_contain_text("The photo is in the link: whoever has it sees it.")
    there = play(visit, f"#{urlsplit(link).fragment}")
    assert dict(opened(there.locator(".pc-explorer")).read()["tables"]) == dict(one.read()["tables"])
    page.get_by_label("grey").check()
    expect(page.locator(".play-said")).to_have_text("mine.png: 48 × 60.")
    grey = images.as_image(Image.fromarray(pixels).convert("L"))
    assert dict(one.read()["tables"])["Input, 48 × 60, the first 32 × 32"] == written(grey[0, :32, :32])
    (tmp_path / "no.png").write_bytes(b"no picture")
    page.locator("input[type=file]").set_input_files(tmp_path / "no.png")
    expect(page.locator(".play-said")).to_contain_text("no.png cannot be read as a picture")
    assert page.foreign == [] and page.complaints == []


@browsers
def test_a_photo_too_large_for_a_link_is_left_out_of_it_and_this_is_said(visit, tmp_path):
    page = play(visit)
    Image.effect_noise((300, 200), 90).convert("RGB").save(tmp_path / "large.png")
    page.locator("input[type=file]").set_input_files(tmp_path / "large.png")
    expect(page.locator(".play-said")).to_have_text("large.png: 3 × 85 × 128.")
    link = link_of(page)
    assert len(link) < 200 and "large=85x128" in link


@browsers
def test_a_photo_can_be_dropped_anywhere(visit):
    page = play(visit)
    page.evaluate("""async () => {
      const canvas = new OffscreenCanvas(20, 10);
      canvas.getContext("2d").fillRect(0, 0, 20, 10);
      const data = new DataTransfer();
      data.items.add(new File([await canvas.convertToBlob()], "black.png", { type: "image/png" }));
      const dropped = { dataTransfer: data, bubbles: true, cancelable: true };
      document.querySelector("footer").dispatchEvent(new DragEvent("drop", dropped));
    }""")
    expect(page.locator(".play-said")).to_have_text("black.png: 3 × 10 × 20.")


@browsers
def test_a_table_that_cannot_be_read_is_told(visit):
    page = visit("playground")
    page.evaluate("""() => {
      Blob.prototype.text = () => Promise.reject(new DOMException("gone", "NotFoundError")); // as of a folder
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["1"], "numbers.csv"));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
    }""")
    expect(page.locator(".play-said")).to_have_text("numbers.csv cannot be read.")
    assert page.complaints == []


@browsers
def test_of_two_photos_the_last_one_stays_however_long_the_first_takes(visit, tmp_path):
    page = play(visit)
    for name, size in [("slow.png", (30, 20)), ("quick.png", (12, 10))]:
        Image.new("RGB", size).save(tmp_path / name)
    page.evaluate("""() => {
      const own = window.createImageBitmap;
      window.createImageBitmap = async (file) => {
        if (file.name === "slow.png") await new Promise((done) => setTimeout(done, 500));
        return own(file);
      };
    }""")
    for name in ("slow.png", "quick.png"):
        page.locator("input[type=file]").set_input_files(tmp_path / name)
    page.wait_for_timeout(1000)
    expect(page.locator(".play-said")).to_have_text("quick.png: 3 × 10 × 12.")
    expect(page.locator("figcaption").first).to_have_text("Input 3 × 10 × 12")
    page.locator("input[type=file]").set_input_files(tmp_path / "slow.png")
    bring(page, "1 2\n3 4")
    page.wait_for_timeout(1000)
    expect(page.locator("figcaption").first).to_have_text("Input 2 × 2")


@browsers
def test_numbers_stay_where_another_input_was_on_its_way(visit):
    page = play(visit)
    held = []
    page.route("**/input/*.js*", lambda route: held.append(route))
    page.locator(".pc-explorer").get_by_role("combobox", name="Input").select_option("photo")
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Numbers", exact=True).click()
    page.get_by_label("Numbers from a spreadsheet").fill("1 2\n3 4")
    page.evaluate("""() => {
      window.frames = window.requestAnimationFrame;
      window.requestAnimationFrame = () => 0; // on a busy page the explorer tells later what was set
    }""")
    page.get_by_role("button", name="Pool these numbers").click()
    page.unroute("**/input/*.js*")
    held[0].fallback()
    page.evaluate("() => { window.requestAnimationFrame = window.frames; }")
    page.wait_for_timeout(800)
    expect(page.locator("figcaption").first).to_have_text("Input 2 × 2")
    expect(page.locator(".pc-explorer")).not_to_have_attribute("aria-busy", "true")


CAMERA = """
  window.streams = [];
  const getUserMedia = async () => {
    await new Promise((done) => setTimeout(done, 200)); // somebody is asked
    const canvas = Object.assign(document.createElement("canvas"), { width: 20, height: 10 });
    canvas.getContext("2d").fillRect(0, 0, 20, 10);
    window.streams.push(canvas.captureStream());
    return window.streams.at(-1);
  };
  Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia } });
"""
ON = "window.streams.flatMap((stream) => stream.getTracks()).filter((track) => track.readyState === 'live').length"


@browsers
def test_a_camera_that_was_asked_for_twice_is_off_when_it_is_closed(visit, new_tab):
    page = new_tab()
    page.add_init_script(CAMERA)
    play(visit, page=page)
    camera = page.get_by_role("button", name="Camera")
    camera.click()
    camera.click()
    page.wait_for_timeout(600)
    camera.click()
    assert soon(page, lambda: page.evaluate(ON) == 1)
    page.get_by_role("button", name="Close").click()
    assert page.evaluate(ON) == 0
    expect(camera).to_be_focused()
    assert page.complaints == []


@browsers
def test_a_photo_of_the_camera_is_pooled_and_the_camera_is_off(visit, new_tab):
    page = new_tab()
    page.add_init_script(CAMERA)
    play(visit, page=page)
    for name in ("Camera", "Take the photo"):
        page.get_by_role("button", name=name).click()
    expect(page.locator(".play-said")).to_have_text("camera.png: 3 × 10 × 20.")
    expect(page.locator("figcaption").first).to_have_text("Input 3 × 10 × 20")
    expect(page.get_by_role("button", name="Camera")).to_be_focused()
    assert page.evaluate(ON) == 0 and page.complaints == []


@browsers
def test_where_no_camera_may_be_used_this_is_said(visit, new_tab):
    page = new_tab()
    page.add_init_script("""
      const getUserMedia = async () => { throw new DOMException("no", "NotAllowedError"); };
      Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia } });
    """)
    play(visit, page=page)
    camera = page.get_by_role("button", name="Camera")
    camera.click()
    expect(page.locator(".play-said")).to_contain_text("There is no camera here")
    expect(camera).to_be_focused()
    assert page.complaints == []


@browsers
@pytest.mark.parametrize("mime", ["text/csv", "application/vnd.ms-excel", ""])  # the second on Windows, with Excel
def test_a_table_can_be_dropped_whatever_the_system_calls_it(visit, mime):
    page = play(visit)
    page.evaluate(
        """(type) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["1,2\\n3,4"], "mine.CSV", { type }));
          for (const name of ["dragover", "drop"]) {
            const event = new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true });
            document.querySelector("footer").dispatchEvent(event);
          }
        }""",
        mime,
    )
    expect(page.locator("figcaption").first).to_have_text("Input 2 × 2")
    assert page.locator(".play-over").count() == 0 and page.complaints == []


@browsers
@pytest.mark.parametrize("plane", ["vertical edges", "1 2\n3 4"])
def test_a_link_carries_the_weights_of_a_convolution(visit, plane):
    page = play(visit)
    page.get_by_role("combobox", name=re.compile("^Pooling")).select_option("conv")
    field = page.get_by_label("Weights, row by row")
    if "\n" in plane:
        field.fill(plane)
        field.blur()
    else:
        page.get_by_label("Weights of").select_option(plane)
    one = Explorer(page.locator(".pc-explorer"))
    one.at_rest()
    stood = field.input_value()
    there = play(visit, urlsplit(link_of(page))._replace(scheme="", netloc="", path="").geturl())
    expect(there.get_by_label("Weights, row by row")).to_have_value(stood)
    expect(there.get_by_label("Weights of")).to_have_value(plane if "\n" not in plane else "")
    other = Explorer(there.locator(".pc-explorer"))
    wanted = outputs_of(python_of(there, "Conv2d"))
    assert outputs_in(one) == outputs_in(other) == wanted and there.complaints == page.complaints == []


@browsers
def test_what_no_link_can_say_is_neither_copied_nor_embedded(visit):
    page = play(visit)
    one = opened(page.locator(".pc-explorer"))
    one.choose("Average")
    one.divide_by(2_000_000)
    expect(one.code).to_have_text(["nn.AvgPool2d(kernel_size=2, divisor_override=2000000)"])
    page.get_by_role("button", name="Copy a link").click()
    said = "No link can say this: This link is damaged: 'divisor_override=2000000'"
    expect(page.locator(".play-panel").last).to_contain_text(said)
    expect(page.get_by_label("To be copied")).to_have_count(0)
    fold = page.locator("details", has_text="In a course page or a blog")
    fold.locator("summary").click()
    expect(fold.locator("pre")).to_contain_text(said)
    assert "<iframe" not in fold.locator("pre").inner_text()


COUNT_WORKERS = """
  const Theirs = window.Worker;
  window.made = 0;
  window.Worker = function (...given) {
    window.made++;
    return new Theirs(...given);
  };
"""


@browsers
def test_what_takes_long_is_pooled_beside_the_page(visit, tmp_path):
    """By a worker; meanwhile the last picture stays."""
    page = play(visit)
    page.add_script_tag(content=COUNT_WORKERS)
    Image.effect_noise((600, 600), 90).convert("RGB").save(tmp_path / "large.png")
    page.locator("input[type=file]").set_input_files(tmp_path / "large.png")
    page.get_by_label("Longer side").select_option("256")
    expect(page.locator(".play-said")).to_have_text("large.png: 3 × 256 × 256.")
    one = Explorer(page.locator(".pc-explorer"))
    one.slide("kernel_size", 5)
    one.slide("stride", 1)
    expect(page.locator("figcaption", has_text="Max output 3 × 252 × 252")).to_be_visible()
    one.read()
    assert page.evaluate("window.made") == 1 and page.complaints == []


@browsers
def test_pictures_are_taken_away_with_their_words(visit, tmp_path):
    page = play(visit)
    one = Explorer(page.locator(".pc-explorer"))
    for direction, most in [("Forward", 54), ("Backward", 54)]:
        one.choose(direction)
        one.read()
        files = {}
        for kind in ("SVG", "PNG"):
            with page.expect_download() as file:
                page.get_by_role("button", name=f"Download {kind}").click()
            files[kind] = tmp_path / file.value.suggested_filename
            file.value.save_as(files[kind])
        drawing = ElementTree.parse(files["SVG"]).getroot()
        texts = [el.text for el in drawing.iter("{http://www.w3.org/2000/svg}text")]
        numbers = [text for name, values in one.read()["drawn"] for text in values]
        assert len(numbers) >= most and sorted(set(numbers) - set(texts)) == []
        words = drawing.find("{http://www.w3.org/2000/svg}desc").text
        assert (
            "nn.MaxPool2d(kernel_size=2) and nn.AvgPool2d(kernel_size=2)" in words
            and one.sentence.inner_text() in words
        )
        assert drawing.get("role") == "img" and not list(drawing.iter("{http://www.w3.org/2000/svg}script"))
        picture = Image.open(files["PNG"])
        assert (
            picture.text["Description"] == words
            and picture.width > 600
            and len(picture.convert("RGB").getcolors(10**6)) > 20
        )


OVERLAPPING = """(svg) => {
  document.body.innerHTML = svg;
  const texts = [...document.querySelectorAll("svg text")].map((el) => [el.textContent, el.getBoundingClientRect()]);
  const shared = (a, b, from, to) => Math.min(a[to], b[to]) - Math.max(a[from], b[from]);
  const over = (a, b) => shared(a, b, "left", "right") > 2 && shared(a, b, "top", "bottom") > 6;
  const all = document.querySelector("svg").getBoundingClientRect();
  const isOut = ({ left, right, bottom }) => left < all.left || right > all.right || bottom > all.bottom;
  const out = texts.filter(([, box]) => isOut(box)).map(([text]) => text);
  return texts.reduce((found, [text, a], i) => {
    const others = texts.slice(i + 1).filter(([, b]) => over(a, b));
    return [...found, ...others.map(([other]) => [text, other])];
  }, out);
}"""


@pytest.mark.parametrize("width", [1366, 390])
@pytest.mark.parametrize("shown", ["Photo", "Convolution", "Convolution backwards", "all windows"])
def test_a_picture_tells_all_that_the_page_does_and_nothing_lies_on_anything(visit, new_tab, tmp_path, shown, width):
    page = new_tab()
    page.set_viewport_size({"width": width, "height": 768})
    play(visit, page=page)
    one = Explorer(page.locator(".pc-explorer"))
    told = [one.sentence]
    if "Convolution" in shown:
        page.get_by_role("combobox", name=re.compile("^Pooling")).select_option("conv")
        told.append(one.root.locator(".pc-weights td").last)
    if "backwards" in shown:
        one.choose("Backward")
        told += one.root.locator(".pc-totals div").all()
    if shown == "Photo":
        one.root.get_by_role("combobox", name="Input").select_option("photo")
    if shown == "all windows":
        one.root.get_by_role("combobox", name="Cells show").select_option(shown)
    one.at_rest()
    with page.expect_download() as file:
        page.get_by_role("button", name="Download SVG").click()
    text = file.value.path().read_text("utf-8")
    drawing = ElementTree.fromstring(text)
    written = " ".join(el.text or "" for el in drawing.iter("{http://www.w3.org/2000/svg}text"))
    words = drawing.find("{http://www.w3.org/2000/svg}desc").text
    for what in [el.inner_text() for el in told]:
        assert what in written and what in words
    for caption in one.root.locator(".pc-grid figcaption:visible").all_text_contents():
        assert caption in written.replace("\u00a0", " ")
    assert new_tab().evaluate(OVERLAPPING, text) == [] and page.complaints == []


@browsers
def test_an_iframe_line_embeds_the_explorer_alone(visit, site):
    page = play(visit)
    Explorer(page.locator(".pc-explorer")).slide("kernel_size", 3)
    fold = page.locator("details", has_text="In a course page or a blog")
    fold.locator("summary").click()
    line = fold.locator("pre").inner_text()
    expect(fold.locator("pre")).to_contain_text("kernel_size=3")
    line = fold.locator("pre").inner_text()
    page.evaluate("(text) => { document.open(); document.write(text); document.close(); }", f"<h1>A blog</h1>{line}")
    frame = page.frame_locator("iframe")
    one = frame.locator(".pc-explorer")
    expect(one.locator(".pc-code code").first).to_have_text("nn.MaxPool2d(kernel_size=3, stride=2)")
    assert (
        page.locator("iframe")
        .get_attribute("title")
        .startswith("Pooling explorer: nn.MaxPool2d(kernel_size=3, stride=2)")
    )
    inner = page.frames[1]
    assert inner.evaluate("document.body.innerText.includes('Pooling Course')") is False
    assert inner.evaluate("document.documentElement.scrollHeight <= innerHeight + 1")
    one.get_by_role("slider", name="kernel_size").press("ArrowLeft")
    expect(one.locator(".pc-code code").first).to_have_text("nn.MaxPool2d(kernel_size=2)")
    assert page.foreign == []


@browsers
def test_the_playground_opened_from_disk_works_too(site, chromium):
    page = new_page(chromium, height=900)
    page.goto((site / "playground.html").as_uri() + "#explorer=1&kernel_size=3&stride=1")
    one = opened(page.locator(".pc-explorer"))
    check(one, Pooling("max", 3, 1), Pooling("avg", 3, 1)) if one.code.count() == 2 else check(
        one, Pooling("max", 3, 1)
    )
    bring(page, "1 2\n3 4")
    one.slide("kernel_size", 2)
    expect(one.sentence).to_contain_text("max(1, 2, 3, 4) = 4")
    assert page.complaints == []
    page.context.close()


@browsers
def test_back_and_forward_show_the_playground_as_each_address_says(visit):
    page = play(visit)
    shown = page.locator(".pc-explorer .pc-code code").first
    expect(shown).to_have_text("nn.MaxPool2d(kernel_size=2)")
    for k in (3, 4):
        page.evaluate(f"location.hash = '#explorer=1&kernel_size={k}&stride=1'")
        expect(shown).to_have_text(f"nn.MaxPool2d(kernel_size={k}, stride=1)")
    for go, wanted in [("back", "3, stride=1"), ("back", "2"), ("forward", "3, stride=1"), ("forward", "4, stride=1")]:
        page.evaluate(f"history.{go}()")
        expect(shown).to_have_text(f"nn.MaxPool2d(kernel_size={wanted})")
        expect(page.locator("html")).to_have_attribute("data-course", "ready")
    page.evaluate("location.hash = '#challenges'")  # a link within the page changes nothing
    expect(page.locator("#challenges")).to_be_in_viewport()
    expect(shown).to_have_text("nn.MaxPool2d(kernel_size=4, stride=1)")
    assert page.complaints == []


@browsers
def test_the_playground_leads_to_every_challenge(visit):
    page = play(visit)
    rungs = page.locator(".course-challenges li")
    wanted = [q.prompt for q in all_questions().values() if q.kind == "reach"]
    expect(rungs).to_have_text([f"Not reached yet: {prompt}" for prompt in wanted])
    headed = [row["title"] for row in progress().lessons() if row["challenges"]]
    heads = page.locator(".course-challenges p").all_inner_texts()
    assert [head.replace(" · ", " ") for head in heads][:4] == headed[:4] and len(heads) == len(headed)
    rungs.first.get_by_role("link").click()
    expect(page.locator("html")).to_have_attribute("data-course", "ready")
    expect(page.locator(".pc-reach").first).to_be_attached()


@browsers
def test_links_of_one_name_lead_to_one_place(visit):
    """In the table of nine ways, whose cells say the same in every row."""
    page = visit("ways")
    named = "(all) => all.map((a) => [a.ariaLabel ?? a.textContent, a.href])"
    links = {tuple(link) for link in page.locator(".course-wide a").evaluate_all(named)}
    found = [name for name, _ in links]
    assert len(found) > 80 and len(found) == len(set(found)) and "Play: Lesson 05" in found


@browsers
def test_a_hint_is_read_where_there_is_no_python(visit):
    page = visit("05_kernel_size_and_stride")
    asked = [
        exercise
        for exercise in map(exercises.load, exercises.names())
        if exercise.lesson == "05" and exercise.level != "own"
    ]
    buttons = page.locator("summary", has_text="Hint 1 of 3")
    expect(buttons).to_have_count(len(asked))
    for i, exercise in enumerate(asked):
        buttons.nth(i).press("Enter")
        expect(page.get_by_text(exercise.hints[0], exact=True)).to_be_visible()
        expect(page.get_by_text(exercise.hints[1], exact=True)).to_be_hidden()
    visit("08_myths_and_pitfalls", page)
    expect(page.locator("summary", has_text="Hint 1 of 2")).to_have_count(len(PATIENTS))
    page.locator("summary", has_text="Hint 1 of 2").first.press("Enter")
    expect(page.get_by_text(PATIENTS["stride-one"].hint, exact=True)).to_be_visible()
    expect(page.locator("pre", has_text="def my_shrink(x):\n    return nn.MaxPool2d(kernel_size=3)(x)")).to_be_hidden()


@browsers
@pytest.mark.parametrize("name", ["grading", "05_kernel_size_and_stride"])
def test_every_entry_of_the_contents_is_large_enough_to_be_hit(visit, name):
    page = visit(name, width=1400)
    heights = "(all) => all.filter((a) => a.checkVisibility()).map((a) => a.getBoundingClientRect().height)"
    found = page.locator(".toc-tree a, .sidebar-tree a").evaluate_all(heights)
    assert len(found) > 20 and min(found) >= 24


@browsers
def test_an_explorer_of_a_lesson_is_shared_as_it_stands(visit):
    page = visit(LESSONS[0])
    one = Explorer(page.locator(".pc-explorer").first)
    one.slide("kernel_size", 3)
    type_into(one, 0, 0, "-7.5")
    link = link_of(page, "Share")
    assert re.search(r"#explorer=1&at=start-here-[a-z-]+\.0&", link)
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator("html")).to_have_attribute("data-course", "ready")
    other = opened(page.locator(".pc-explorer").first)
    x = WORKED.clone()
    x[0, 0] = -7.5
    check(other, Pooling("max", 3, 2), Pooling("avg", 3, 2), x=x)
    expect(page.locator(".pc-explorer").first).to_be_in_viewport()
    page.get_by_role("combobox", name="Input").first.select_option("worked")
    check(other, Pooling("max", 3, 2), Pooling("avg", 3, 2))


@browsers
def test_a_link_to_what_waits_for_a_prediction_opens_nothing_before_it(visit):
    page = visit("03_maxpool2d_in_pytorch")
    cell = page.locator("details.hide .course-widget[data-cell]").first.get_attribute("data-cell")
    page.goto("about:blank")
    page.goto(f"{HOME}03_maxpool2d_in_pytorch.html#explorer=1&at={cell}.0&kernel_size=4&stride=4")
    expect(page.get_by_role("alert").filter(has_text="opens below, when you have committed")).to_be_visible()
    assert page.locator("details.hide[open]").count() == 0
    wrong, _ = wrong_answers(question("max-channels"))[0]
    commit(page.locator(".pc-quiz").first, wrong)
    expect(page.locator(f'[data-cell="{cell}"] .pc-code code').first).to_have_text("nn.MaxPool2d(kernel_size=4)")


# --- the front page ---------------------------------------------------------------------------------------------------


@browsers
@pytest.mark.parametrize("width, height", [(1366, 768), (390, 844)])
def test_the_front_page_shows_a_picture_at_once_that_moves_by_itself_once(visit, width, height):
    page = visit("index", width=width)
    page.set_viewport_size({"width": width, "height": height})
    page.reload()
    stage = page.locator(".pc-input .pc-stage")
    expect(stage).to_be_in_viewport(ratio=0.4)
    box = stage.bounding_box()
    assert box["y"] + 0.4 * box["height"] < height
    for name in ("Start", "Play", "For instructors"):
        way = page.locator("a.course-way", has_text=re.compile(f"^{name}$"))
        assert way.bounding_box()["height"] >= 44 and way.bounding_box()["y"] < height
    play = page.get_by_role("button", name=re.compile("the sliding window"))
    expect(play).to_have_attribute("title", "Pause the sliding window")
    expect(play).to_have_attribute("title", "Play the sliding window", timeout=30_000)
    page.wait_for_timeout(1500)
    expect(play).to_have_attribute("title", "Play the sliding window")


@browsers
def test_it_does_not_move_by_itself_where_less_motion_is_wished_for_or_somebody_is_at_it(visit):
    page = visit("index")
    for still in (True, False):
        page.emulate_media(reduced_motion="reduce" if still else "no-preference")
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-course", "ready")
        if not still:
            page.get_by_role("slider", name="kernel_size").press("ArrowRight")
        page.wait_for_timeout(1500)
        expect(page.get_by_role("button", name="Play the sliding window")).to_be_visible()


@browsers
def test_the_path_of_lessons_shows_what_is_done(visit):
    page = visit("03_maxpool2d_in_pytorch")
    commit(page.locator(".pc-quiz").first, question("max-channels").truth)
    visit("index", page)
    path = page.locator(".course-path li")
    expect(path).to_have_count(len(LESSONS))
    expect(path.nth(3)).to_have_attribute("data-state", "begun")
    expect(path.nth(3)).to_contain_text("1 of")
    expect(path.nth(2)).to_have_attribute("data-state", "open")
    assert path.nth(3).locator("a").get_attribute("href") == "03_maxpool2d_in_pytorch.html"


@browsers
def test_a_lesson_is_done_once_its_challenges_are_reached(visit):
    page, name = visit("01_what_is_pooling"), "01_what_is_pooling"
    card = page.locator(".pc-quiz").first
    others = ["first-windows", "stride-one-rows", "peak-moves", "reach-four-windows"]
    for reached in (False, True):
        given = [answered(id, id != others[-1] or reached, answer=question(id).truth) for id in others]
        lines = [{**line, "lesson": name, "time": 1} for line in given]
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        page.evaluate("(text) => localStorage.setItem('pooling-course-progress', text)", text)
        page.reload()
        commit(card, question("conv-work").truth)
        expect(card.locator(".pc-verdict")).to_be_visible()
        expect(card.locator(".pc-done")).to_have_count(int(reached))
        visit("index", page)
        row = page.locator(".course-path li").nth(1)
        expect(row).to_have_attribute("data-state", "done" if reached else "begun")
        expect(row).to_contain_text(f"{4 + reached} of 5 questions done")
        visit(name, page)


# --- for everyone -----------------------------------------------------------------------------------------------------


@browsers
def test_what_sticks_out_is_noticed(visit):
    page = visit(LESSONS[0], width=360)
    assert lasting(page, TOO_WIDE) == []
    page.evaluate("document.querySelector('article h1').style.width = '400px'")
    page.evaluate("document.querySelector('.pc-quiz p').style.width = '390px'")
    page.evaluate("document.querySelector('.pc-explorer').style.width = '400px'")
    heading, card, prompt = page.evaluate(TOO_WIDE)
    assert heading.startswith("<h1") and "pc-explorer" in card and prompt.startswith('<p class="pc-prompt"')


@browsers
def test_on_paper_all_is_open_in_light_but_what_awaits_an_answer_and_after_that_all_is_as_before(visit):
    page = visit(LESSONS[1], theme="dark")
    awaited = page.locator("[class*=tag_after-] details.hide, details[class*=tag_after-]")
    others = page.locator("details.hide, details.course-told").and_(page.locator(":not([class*=tag_after-] *)"))
    others = others.and_(page.locator(":not([class*=tag_after-])"))
    assert awaited.count() > 2 and others.count() > 0
    shown = "(all) => all.map((el) => el.open)"
    before = others.evaluate_all(shown)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert awaited.evaluate_all(shown) == [False] * awaited.count() and all(others.evaluate_all(shown))
    expect(page.locator(".pooling-course[data-theme=light]")).to_have_count(page.locator(".pooling-course").count())
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert others.evaluate_all(shown) == before and not any(before)
    expect(page.locator(".pooling-course[data-theme=light]")).to_have_count(0)
    assert len(page.pdf()) > 50_000 and others.evaluate_all(shown) == before


# Whether what has the focus can be seen: within the screen, and under nothing else.
SEEN = """() => {
  const el = document.activeElement;
  if (el === document.body) return "";
  const icons = [...document.querySelectorAll(`label[for=${el.id || "none"}]:not(.overlay)`)];
  const target = el.matches(".sidebar-toggle") ? icons.find((icon) => icon.offsetWidth) : el.labels?.[0] ?? el;
  const boxes = [...target.getClientRects()].filter(({ width, height }) => width && height);
  const inside = ({ left, top, right, bottom }) => {
    const x = (Math.max(left, 0) + Math.min(right, innerWidth)) / 2;
    const y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
    if (x < 0 || y < 0 || x > innerWidth || y > innerHeight || left >= innerWidth || right <= 0) return false;
    const at = document.elementFromPoint(x, y);
    return target.contains(at) || at?.contains(target) || el.contains(at);
  };
  return boxes.some(inside) ? "" : `${el.outerHTML.slice(0, 100)} ${JSON.stringify(target.getBoundingClientRect())}`;
}"""


@browsers
def test_nothing_lies_over_the_text_and_code_is_seen_to_the_end_of_its_lines(visit):
    page = visit("05_kernel_size_and_stride")
    page.set_viewport_size({"width": 1366, "height": 768})
    for y in (4000, 3000):  # upwards: there the theme offers a way back to the top
        page.evaluate(f"scrollTo({{ top: {y}, behavior: 'instant' }})")
        page.wait_for_timeout(200)
        expect(page.locator(".back-to-top")).to_be_hidden()
    unfolded(page)
    wide = "(found) => found.filter((el) => el.scrollWidth > el.clientWidth).map((el) => el.textContent)"
    code = page.locator("article .highlight pre")
    assert code.count() > 10 and code.evaluate_all(wide) == []


@browsers
@pytest.mark.parametrize("zoom", [2, 4])
@pytest.mark.parametrize("keys", ["Tab", "Shift+Tab"])
def test_magnified_every_stop_of_the_keyboard_is_seen(visit, zoom, keys):
    page = visit(LESSONS[0])
    page.set_viewport_size({"width": 1280 // zoom, "height": 800 // zoom})
    page.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    page.wait_for_timeout(300)
    hidden = []
    for _ in range(60):
        page.keyboard.press(keys)
        page.wait_for_timeout(20)
        page.wait_for_function(AT_REST)  # the way past the contents slides in
        hidden += [found for found in [page.evaluate(SEEN)] if found]
    assert hidden == []


@browsers
def test_on_a_phone_the_icons_of_the_header_stand_apart(visit):
    page = visit("01_what_is_pooling", width=390)
    theme, contents = (page.locator(f".header-right .{name}").bounding_box() for name in ("theme-toggle", "icon"))
    assert contents["x"] - theme["x"] - theme["width"] >= 12


@browsers
def test_on_a_narrow_screen_the_contents_open_by_keyboard(visit):
    page = visit(LESSONS[0], width=640)
    menu = page.get_by_role("checkbox", name="Toggle site navigation sidebar")
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "__navigation":
            break
    expect(menu).to_be_focused()
    contents = page.get_by_role("navigation", name="Contents")
    expect(contents).to_be_hidden()
    page.keyboard.press("Space")
    expect(contents.get_by_role("link", name="Playground")).to_be_in_viewport()


# What WCAG 1.4.12 lets a reader set.
SPACED = "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }"


@browsers
@pytest.mark.parametrize("name", ["index", "playground", LESSONS[5]])
def test_with_wider_text_nothing_sticks_out(visit, name):
    page = unfolded(visit(name))
    page.add_style_tag(content=f"{SPACED} p {{ margin-bottom: 2em !important; }}")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert lasting(page, TOO_WIDE) == [], width


@browsers
def test_colours_that_the_reader_forces_hide_nothing(visit):
    page = visit("playground")
    page.emulate_media(forced_colors="active")
    one = Explorer(page.locator(".pc-explorer"))
    chosen = one.root.locator(".pc-segments label:has(:checked)").first
    ground = "(el) => getComputedStyle(el).backgroundColor"
    assert chosen.evaluate(ground) != one.root.evaluate(ground)
    one.slide("kernel_size", 3)
    check(opened(page.locator(".pc-explorer")), Pooling("max", 3, 2), Pooling("avg", 3, 2))


@browsers
def test_an_input_that_did_not_come_can_be_asked_for_again(visit):
    page = visit(LESSONS[0])
    one = opened(page.locator(".pc-explorer").first)
    page.route("**/input/*.js*", lambda route: route.abort())
    select = one.root.get_by_role("combobox", name="Input")
    select.select_option("photo")
    expect(one.notice).to_contain_text("This input could not be loaded, so the one before stays.")
    expect(select).to_have_value("worked")
    check(one, Pooling("max", 2), Pooling("avg", 2))
    page.unroute("**/input/*.js*")
    select.select_option("photo")
    expect(one.root.locator("figcaption").filter(has_text="Max output 3 × 64 × 64")).to_be_visible()
    expect(one.notice).to_be_hidden()


@browsers
def test_while_an_input_is_on_its_way_the_explorer_says_that_it_is_busy(visit):
    page = visit(LESSONS[0])
    one = opened(page.locator(".pc-explorer").first)
    held = []
    page.route("**/input/*.js*", lambda route: held.append(route))
    one.root.get_by_role("combobox", name="Input").select_option("photo")
    page.wait_for_timeout(300)
    expect(one.root).to_have_attribute("aria-busy", "true")
    page.unroute("**/input/*.js*")
    held[0].fallback()
    expect(one.root.locator("figcaption").filter(has_text="Max output 3 × 64 × 64")).to_be_visible()
    expect(one.root).not_to_have_attribute("aria-busy", "true")


@browsers
def test_what_changes_by_a_button_or_a_switch_is_said(visit):
    page = visit(LESSONS[0])
    one = opened(page.locator(".pc-explorer").first)
    live = one.root.locator("[aria-live=polite]")
    one.choose("Max")
    expect(live).to_have_text(re.compile("^Max output 3 by 3"))
    one.slide("kernel_size", 4)
    one.slide("stride", 3)
    one.tick("ceil_mode", True)
    expect(live).to_contain_text("Max output 2 by 2")
    live.evaluate("(el) => (el.textContent = '')")
    one.root.get_by_role("combobox", name="Input").select_option("odd")
    expect(live).to_contain_text("Max output 2 by 2")
    grid = one.grid("Max output")
    grid.focus()
    page.keyboard.press("ArrowRight")
    expect(live).to_contain_text("Max output at row")
    page.get_by_role("slider", name="stride").first.focus()
    live.evaluate("(el) => (el.textContent = 'something else')")
    grid.focus()
    expect(live).to_contain_text("Max output at row")


def test_every_page_says_what_it_is_to_those_who_list_it(pages):
    for name, text in pages.items():
        description = re.search(r'<meta name="description" content="([^"]{20,})">', text)
        assert description and "`" not in description[1], name
        for tag in ("og:title", "og:description", "og:type"):
            assert f'<meta property="{tag}" content="' in text, (name, tag)
        assert text.count("<h1>") == 1, name
        assert '<nav class="sidebar-tree" aria-label="Contents">' in text, name


@browsers
def test_the_search_finds_a_page(visit, site):
    page = visit("index")
    page.goto(f"{HOME}search.html?q=neocognitron")
    expect(page.locator("#search-results a", has_text="07 · Internals and backpropagation")).to_be_visible()
    assert page.foreign == []
