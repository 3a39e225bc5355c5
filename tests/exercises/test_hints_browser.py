"""Do hints come from a button, one at a time, by keyboard, with and without scripts, and in JupyterLab?"""

import pytest
from playwright.sync_api import expect

from harness import plain
from harness.explorers import faults
from harness.together import together
from pooling_course.exercises import check, load, names
from pooling_course.exercises.report import hint_buttons
from pooling_course.questions.challenge import Challenge

pytestmark = pytest.mark.browser
NAME = "overlap-count"
LADDER = load(NAME).ladder
BUTTONS = ["Hint 1 of 3", "Hint 2 of 3", "Show the whole answer"]
PAGE = "<!doctype html><html lang=en><title>x</title><body style='color: %s; background: %s'><main>%s"


@pytest.fixture
def shown(chromium):
    """shown(html, ...) -> a page that holds it, with scripts or without."""
    contexts = []

    def show(text, *look, width=736, **context):
        contexts.append(chromium.new_context(viewport={"width": width, "height": 900}, **context))
        return filled(contexts[-1].new_page(), text, *look)

    yield show
    for context in contexts:
        context.close()


def filled(page, text, ink="#111", paper="#fff"):
    page.set_content(PAGE % (ink, paper, text))
    return page


def climb(root):
    """From hint to hint by keyboard: what is told of each is there only once its button has been pressed."""
    for i, name in enumerate(BUTTONS):
        button = root.locator("summary", has_text=name)
        expect(root.locator("summary:visible")).to_have_text(BUTTONS[: i + 1])
        expect(root.get_by_text(LADDER[i], exact=True)).to_be_hidden()
        button.press(["Enter", "Space", "Enter"][i])
        expect(root.get_by_text(LADDER[i], exact=True)).to_be_visible()
        expect(button).to_be_focused()


def test_hints_come_one_at_a_time_by_keyboard_in_a_page_without_scripts(shown):
    climb(shown(hint_buttons(LADDER), java_script_enabled=False).locator("main"))


def test_what_opens_lies_in_what_is_read_out(shown):
    page = shown(hint_buttons(LADDER))
    assert page.locator("[aria-live=polite] details").count() == 3
    assert page.locator("details details details").count() == 1  # so that a button comes with the hint before it


@pytest.fixture
def narrow(shown):
    return shown("", width=360)


@together("name", [name for name in names() if load(name).level != "own"])  # which have none
def test_the_whole_answer_is_shown_as_it_is_written(narrow, name):
    page = filled(narrow, hint_buttons(load(name).ladder))
    for button in BUTTONS:
        page.get_by_text(button, exact=True).click()
    assert page.locator("pre").inner_text().rstrip("\n") == load(name).solution.rstrip("\n")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360  # long lines scroll in their own box


LOOK = "(el) => { const look = getComputedStyle(el); return %s.map((name) => look[name]); }"
ALIKE = LOOK % '["minHeight", "paddingLeft", "paddingTop", "borderTopWidth", "borderTopLeftRadius", "cursor"]'


def test_the_button_looks_as_in_a_challenge(shown):
    root = plain.mount(shown(""), Challenge("reach-four-windows"), 736)
    there = root.get_by_role("button", name="Hint 1 of 3")
    here = shown(hint_buttons(LADDER)).locator("summary").first
    assert here.evaluate(ALIKE) == there.evaluate(ALIKE)


@pytest.mark.parametrize("ink, paper", [("#111", "#fff"), ("#eee", "#111")])
def test_axe_finds_no_fault_with_every_hint_open(shown, ink, paper):
    page = shown(check(NAME, lambda *_: 0)._repr_html_(), ink, paper)
    for button in BUTTONS:
        page.get_by_text(button, exact=True).click()
    assert faults(page, "main") == []


def test_in_jupyterlab_a_check_brings_its_hints_and_keys_reach_them(lab, chromium):
    lab.write("hints.ipynb", "from pooling_course import check", f'check("{NAME}", lambda *_: 0)')
    page = chromium.new_context(viewport={"width": 1366, "height": 768}).new_page()
    lab.open(page, "hints.ipynb")
    lab.run_all(page)
    climb(page.locator(".jp-OutputArea"))
    page.context.close()
