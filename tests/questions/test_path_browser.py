"""Do the map and the ladder lead into the lessons, in JupyterLab, by pointer and by keyboard?"""

import pytest
from playwright.sync_api import expect

from harness.explorers import faults
from pooling_course.questions.lessons import LESSONS

pytestmark = pytest.mark.browser
LESSON, OTHER = list(LESSONS.values())[2:4]
ANSWERED = """
import os
os.environ["POOLING_COURSE_PROGRESS"] = "path.jsonl"
from pooling_course import challenges, progress
from pooling_course.questions.journal import record
record({"id": "pre-sign", "right": False, "misconception": "max and average confused", "confidence": 2})
"""


@pytest.fixture(scope="module")
def page(lab, chromium):
    """A notebook that shows both, with an answer that was wrong, beside two of the lessons."""
    for lesson in (LESSON, OTHER):
        lab.write(lesson.file, "1")
    lab.write("path.ipynb", ANSWERED, "progress()", "challenges()")
    page = chromium.new_context(viewport={"width": 1366, "height": 768}).new_page()
    lab.open(page, "path.ipynb")
    lab.run_all(page)
    yield page
    page.context.close()


def test_both_are_shown_and_nothing_is_an_error(page):
    """JupyterLab turns every link of an output into one of its own, and an output whose links it cannot turn red."""
    expect(page.locator(".jp-OutputArea-output").get_by_role("group", name="Map of the course")).to_be_visible()
    expect(page.locator(".pc-ladder")).to_be_visible()
    assert "Error" not in " ".join(page.locator(".jp-OutputArea-output").all_inner_texts())


def test_a_station_can_be_pointed_at_where_it_is_drawn(page):
    page.locator(".pc-map").scroll_into_view_if_needed()
    for lesson in LESSONS.values():
        box = page.locator(".pc-map svg").get_by_text(lesson.number, exact=True).bounding_box()
        at = "([x, y]) => document.elementFromPoint(x, y).closest('a')?.getAttribute('aria-label')"
        said = page.evaluate(at, [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
        assert said and lesson.title in said


def test_on_a_phone_all_of_the_map_is_in_sight(page):
    """As wide as a notebook's output is there."""
    station = page.locator(".pc-map a")
    page.locator(".pc-map").evaluate("(el) => (el.style.width = '250px')")
    boxes = [station.nth(i).bounding_box() for i in range(station.count())]
    page.locator(".pc-map").evaluate("(el) => (el.style.width = '')")
    left = page.locator(".pc-map").bounding_box()["x"]
    assert all(left <= box["x"] and box["x"] + box["width"] <= left + 250 for box in boxes)
    assert len({box["y"] for box in boxes}) == -(-len(LESSONS) // 2)  # two in a row


@pytest.mark.parametrize("lesson, way", [(LESSON, "click"), (OTHER, "Enter")])
def test_a_station_opens_its_lesson(page, lesson, way):
    station = page.get_by_role("link", name=lesson.title).first
    station.click() if way == "click" else station.press(way)
    expect(page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")).to_contain_text(lesson.file)
    page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text="path.ipynb").click()


def test_axe_finds_no_fault_in_either_theme(lab, page):
    assert faults(page, ".jp-RenderedHTMLCommon") == []
    lab.choose(page, "Settings", "Theme", "JupyterLab Dark")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    assert faults(page, ".jp-RenderedHTMLCommon") == []
    lab.choose(page, "Settings", "Theme", "JupyterLab Light")
