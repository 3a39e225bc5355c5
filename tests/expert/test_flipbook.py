"""Do tables, charts and flipbooks of the expert lesson say in words what they show, on a page of any width?"""

import json
from urllib.parse import unquote

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from playwright.sync_api import expect
from torch import nn

from harness.explorers import STICKING_OUT
from pooling_course import PoolingExplorer, digit_reader, images
from pooling_course.expert.alternatives import side_by_side
from pooling_course.expert.reader import reading_pages
from pooling_course.expert.shifts import BlurPool2d, shift_pages
from pooling_course.expert.table import Folded, Table
from pooling_course.expert.training import digit_task
from pooling_course.pictures import charts, figures
from pooling_course.pictures.flipbook import Flipbook
from pooling_course.web import assets


def test_a_table_is_data_and_text():
    table = Table([{"a": 0.25, "b": "<i>"}, {"a": 12345, "b": (1, 2)}], "What & why")
    assert table.column("a") == [0.25, 12345] and json.loads(json.dumps(table))[0]["a"] == 0.25
    assert repr(table) == "What & why\na       b\n0.25    <i>\n12,345  1 × 2"
    assert "<td>&lt;i&gt;</td>" in table._repr_html_() and "What &amp; why" in table._repr_html_()
    assert repr(Table([])) == ""


def test_what_is_folded_is_closed_and_holds_what_it_says():
    line, table = Folded("2 < 3"), Folded(Table([{"a": 1}], "One"))
    assert line._repr_html_().startswith("<details ") and " open" not in line._repr_html_().partition(">")[0]
    assert "<p>2 &lt; 3</p></details>" in line._repr_html_() and repr(line) == "2 < 3"
    assert table.told._repr_html_() in table._repr_html_() and repr(table) == "One\na\n1"


def test_lines_end_beside_their_names():
    picture = charts.lines([0, 1], {"up": [0, 1], "down": [1, 0], "same": [0, 1]}, "x", "y")
    assert picture.alt == "y over x. up: 0 at 0, 1 at 1. down: 1 at 0, 0 at 1. same: 0 at 0, 1 at 1."
    names = {text.get_text(): text.get_position()[1] for text in picture.figure.axes[0].texts}
    assert names["same"] < names["up"] < names["down"]  # measured from the top; two equal ends are set apart
    assert len({line.get_linestyle() for line in picture.figure.axes[1].lines if line.get_gid()}) == 3
    for series in ({}, {"a": [1]}, dict.fromkeys("abcdef", [1, 2])):
        with pytest.raises(ValueError, match="one to 5 series"):
            charts.lines([0, 1], series, "x", "y")


def test_on_axes_of_factors_lines_keep_their_gaps_and_their_ends():
    series = {"all": [1, 10, 100], "gap": [2, float("nan"), 1000], "short": [3, 30, float("nan")]}
    picture = charts.lines([6, 28, 512], series, "side", "ms", log=True)
    assert (
        picture.alt
        == "ms over side. all: 1 at 6, 10 at 28, 100 at 512. gap: 2 at 6, 1000 at 512. short: 3 at 6, 30 at 28."
    )
    names = {text.get_text(): text.get_position()[1] for text in picture.figure.axes[0].texts}
    assert names["gap"] < names["all"] < names["short"]
    axes = picture.figure.axes[1]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["6", "28", "512"]


def test_every_number_is_a_dot():
    figure = charts.dots({"a": [1, 2, 2], "b": [3]}, "Title").figure
    found = {line.get_gid(): line.get_xdata() for line in figure.axes[1].lines}
    assert list(found["a"]) == [1, 2, 2] and list(found["b"]) == [3]


# ---- flipbooks -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages():
    digit = F.pad(images.preset("digit"), (2, 4))
    layers = {"max": nn.MaxPool2d(2), "average": nn.AvgPool2d(2), "blur": BlurPool2d(3)}
    return digit, layers, shift_pages(layers, digit, range(5))


@pytest.mark.slow
def test_pages_of_shifts_say_what_stays_and_what_moves_along(pages):
    digit, layers, pages = pages
    first = {name: layer(digit[None, None]) for name, layer in layers.items()}
    for shift, (name, picture, said) in enumerate(pages):
        assert name == str(shift) and picture.alt.startswith(said)
        marks = [a for a in picture.figure.axes[0].lines if a.get_gid() == "changed"]
        changes = 0
        for which, layer in layers.items():
            moved = torch.cat([digit.new_zeros(8, shift), digit[:, : 14 - shift]], 1)  # its last columns are empty
            out = layer(moved[None, None])
            stays = int((out == first[which]).sum())
            changes += out.numel() - stays
            assert f"{which} keeps {stays}" in said
        assert len(marks) == changes
        assert ("Moved along as a whole: max, average, blur." in said) == (shift in (2, 4))
        assert ("Moved along" in said) == (shift in (2, 4))


@pytest.fixture(scope="module")
def flipbook(pages):
    return Flipbook(pages[2], "columns")


@pytest.fixture
def book(flipbook):
    flipbook.at = 0
    return flipbook


@pytest.mark.slow
def test_a_flipbook_holds_pictures_with_words(book):
    assert [page["name"] for page in book.pages] == list("01234") and repr(book) == "Flipbook('columns', 5 pages)"
    for page in book.pages:
        assert page["alt"].startswith(page["said"])
        assert unquote(page["src"]).startswith("data:image/svg+xml,<svg ")
    assert sum(len(page["src"]) for page in book.pages) < 700_000
    data, _ = book._repr_mimebundle_()
    assert data["text/html"].count("<li>") == 5 and f'alt="{book.pages[0]["said"]}' in data["text/html"]


@pytest.mark.slow
def test_a_flipbook_has_no_other_place(book):
    book.at = 4
    for at in (-1, 5):
        with pytest.raises(traitlets.TraitError, match="there are 5 pages"):
            book.at = at
    assert book.at == 4
    with pytest.raises(ValueError, match="no pages"):
        Flipbook([], "x")


SHIM = """
const state = STATE, heard = {};
globalThis.model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; (heard[`change:${name}`] ?? []).forEach((call) => call()); },
  on: (name, call) => (heard[name] ??= []).push(call), off: () => {}, save_changes: () => {},
};
widget.render({ model, el: document.body });
"""


def open_book(page, book, style=""):
    page.set_content(f"<!doctype html><style>{Flipbook._css}{style}</style><body></body>")
    state = {"pages": book.pages, "label": book.label, "at": 0}
    module = assets.script("pictures/flipbook.js").replace("export default", "const widget =")
    page.add_script_tag(type="module", content=module + SHIM.replace("STATE", json.dumps(state)))
    page.get_by_role("slider").wait_for()


@pytest.mark.browser
def test_a_flipbook_turns_its_pages(chromium, book):
    page = chromium.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    open_book(page, book)
    slider, image = page.get_by_role("slider", name="columns"), page.get_by_role("img")
    for at in (0, 1, 2):
        assert (
            image.get_attribute("src") == book.pages[at]["src"] and image.get_attribute("alt") == book.pages[at]["alt"]
        )
        assert (
            slider.get_attribute("aria-valuetext") == str(at) and page.get_by_text(book.pages[at]["said"]).count() == 1
        )
        slider.press("ArrowRight")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("model.get('at') === 4")
    page.get_by_role("button", name="Play").wait_for()  # it stops at the end, ready to play again
    page.evaluate("model.set('at', 0)")
    assert image.get_attribute("src") == book.pages[0]["src"] and not problems
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "rows"), [(360, 2), (800, 1), (1300, 1)])
def test_a_flipbook_stays_within_its_page_and_stacks_its_panels_on_a_phone(chromium, pages, width, rows):
    """Also where the style of another widget comes last, as on the site."""
    reading = reading_pages(digit_reader(), {"first": digit_task(8).test_x[0]})
    for given in (reading, pages[2]):
        name, picture, _ = given[0]
        page = chromium.new_page(viewport={"width": width, "height": 800})
        book = Flipbook([(name, picture, "A sentence that is wider than a phone. " * 3)] * 2, "place")
        open_book(page, book, PoolingExplorer._css)
        root = page.locator(".pc-flipbook")
        assert root.evaluate(STICKING_OUT) == [] and root.bounding_box()["width"] <= width - 16
        boxes = [part.bounding_box() for part in page.locator(".pc-parts > div").all()]
        assert len(boxes) == 2 and len({round(box["y"]) for box in boxes}) == rows
        if rows == 1:
            share = min(1, (width - 16 - 26) / picture.width)
            assert [box["width"] for box in boxes] == pytest.approx([share * n for n in picture.parts], abs=0.1)
        page.close()


@pytest.mark.slow
def test_a_picture_is_parted_between_its_panels(pages):
    """No ink within the two columns of pixels on which it is parted."""
    x = images.preset("worked")
    pictures = [figures.pooled(x, nn.MaxPool2d(2), nn.AvgPool2d(2)), side_by_side({"one": x, "two": x, "three": x})]
    for picture, count in zip([*pictures, pages[2][0][1]], (3, 3, 2), strict=True):
        assert len(picture.parts) == count and sum(picture.parts) == picture.width
        canvas = FigureCanvasAgg(picture.figure)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())
        for cut in np.cumsum(picture.parts)[:-1]:
            assert (pixels[:, 2 * cut - 1 : 2 * cut + 1] == pixels[0, 0]).all()  # DPI is 200
    assert len(figures.pooled(x).parts) == 1


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_flipbook_is_dark_where_its_page_is_also_if_it_is_put_there_later(chromium, book, theme):
    """As JupyterLab does: a widget is drawn first, and then put into the page."""
    state = {"pages": book.pages, "label": "columns", "at": 0}
    page = chromium.new_page()
    ground = {"light": "#fff", "dark": "#111"}[theme]
    page.set_content(f"<!doctype html><style>{Flipbook._css}</style><body style='background: {ground}'></body>")
    module = assets.script("pictures/flipbook.js").replace("export default", "const widget =")
    later = SHIM.replace("el: document.body", "el: apart") + "setTimeout(() => document.body.append(apart), 50);"
    script = f"{module}const apart = document.createElement('div');{later}".replace("STATE", json.dumps(state))
    page.add_script_tag(type="module", content=script)
    expect(page.locator(".pc-flipbook")).to_have_attribute("data-theme", theme)
    page.close()
