"""Is a challenge answered by hands and by keys: moved, checked, told, reached, and the way on found?

Each is drawn in a page of its own, with Python behind its model; one page has no Python, and judges by itself.
"""

import pytest
from playwright.sync_api import expect

from harness import plain
from harness.answering import answered
from harness.explorers import STICKING_OUT, faults
from pooling_course.questions import Reach, all_questions
from pooling_course.questions.challenge import STATIC, Challenge
from pooling_course.questions.journal import record

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("journal")]
ALL = [q.id for q in all_questions().values() if isinstance(q, Reach)]
FOUR = "reach-four-windows"
HIGHEST = 600  # px, as test_one_screen.py


@pytest.fixture
def shown(chromium):
    """shown(name, width, theme) -> the challenge, in a page of its own."""
    pages = []

    def show(name, width=736, theme="light", page=None, **context):
        if page is None:
            page = chromium.new_context(viewport={"width": max(width, 400), "height": 900}, **context).new_page()
            page.complaints = []
            page.on("pageerror", lambda error: page.complaints.append(error.stack or f"{error}"))
            pages.append(page)
        challenge = Challenge(name)
        return Shown(challenge, plain.mount(page, challenge, width, theme))

    yield show
    for page in pages:
        assert page.complaints == []
        page.context.close()


class Shown:
    """What a learner does with a challenge, and reads off it."""

    def __init__(self, challenge, root):
        self.challenge, self.root, self.page = challenge, root, root.page
        self.strip, self.told = root.locator(".pc-strip"), root.locator(".pc-saying")
        self.verdict, self.goals = root.locator(".pc-outcome"), root.locator(".pc-goals li")

    def press(self, name, key="Enter"):
        self.root.get_by_role("button", name=name, exact=True).press(key)

    def slide(self, name, value):
        slider = self.root.get_by_role("slider", name=name, exact=True)
        slider.focus()
        while (now := int(slider.input_value())) != value:
            self.page.keyboard.press("ArrowRight" if value > now else "ArrowLeft")

    def type(self, row, col, value):
        self.root.get_by_role("application", name="Input").focus()
        for key in ["Home", "PageUp", *["ArrowDown"] * row, *["ArrowRight"] * col, "Enter"]:
            self.page.keyboard.press(key)
        self.page.keyboard.type(f"{value:g}")
        self.page.keyboard.press("Enter")
        expect(self.root).not_to_have_attribute("aria-busy", "true")

    def move(self, answer):
        """To where an answer says, by keyboard alone."""
        apart = [name for name, value in answer.items() if isinstance(value, list) and name != "cells"]
        if apart:
            self.root.get_by_role("checkbox", name="height and width apart").press("Space")
        for name, value in answer.items():
            if name == "cells":
                for row, col, number in value:
                    self.type(row, col, number)
            elif isinstance(value, bool):
                box = self.root.get_by_role("checkbox", name=name, exact=True)
                if box.is_checked() != value:
                    box.press("Space")
            elif name == "divisor_override":
                if value is not None:
                    field = self.root.get_by_role("spinbutton", name=name)
                    field.fill(f"{value}")
                    field.press("Enter")
            elif apart:
                for side, number in zip(
                    ("height", "width"), value if isinstance(value, list) else [value] * 2, strict=True
                ):
                    self.slide(f"{name}, {side}", number)
            else:
                self.slide(name, value)


# --- every challenge, by keyboard ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_every_challenge_is_reached_by_keyboard_on_one_screen(shown, name):
    at = shown(name)
    q = at.challenge._question
    heights = [at.root.bounding_box()["height"]]
    at.press("Check")
    expect(at.strip).to_have_attribute("data-state", "missed")
    heights.append(at.root.bounding_box()["height"])
    at.move(q.truth)
    expect(at.goals.and_(at.page.locator(".pc-right"))).to_have_count(len(q.goal))
    at.press("Check")
    expect(at.strip).to_have_attribute("data-state", "reached")
    fewest = q.count(q.truth)
    expect(at.verdict.locator("b")).to_have_text(f"Reached {fewest} move{'s' * (fewest != 1)} from the start")
    expect(at.told).to_have_text(f"Why it works: {q.why}")
    expect(at.verdict).to_be_focused()
    expect(at.root.locator("[role=status]").last).to_have_text(f"Why it works: {q.why}")  # read out after the verdict
    heights.append(at.root.bounding_box()["height"])
    assert max(heights) <= HIGHEST and len(set(heights)) == 1, heights
    assert at.root.evaluate(STICKING_OUT) == []
    assert at.challenge.attempts[-1]["answer"] == q.truth


def test_one_stands_apart_from_the_next(shown):
    first = shown(FOUR)
    second = shown("reach-overlap", page=first.page)
    above, below = first.root.bounding_box(), second.root.bounding_box()
    assert below["y"] - above["y"] - above["height"] == 10  # px, as between questions


# --- one of them, closer ---------------------------------------------------------------------------------------------


def test_nothing_is_ticked_off_before_the_first_check_and_all_is_said_after_it(shown):
    at = shown(FOUR)
    at.slide("kernel_size", 4)
    at.slide("stride", 4)  # it is reached, but whoever has not checked has not said so
    expect(at.goals).to_have_text(["output 2 × 2", "every cell read"])
    assert at.root.locator(".pc-goals .pc-right, .pc-goals .pc-wrong").count() == 0
    at.slide("kernel_size", 2)
    at.press("Check")
    expect(at.verdict).to_have_text("✗Not yet")
    expect(at.told).to_have_text(at.challenge._question.mistakes[0]["reason"])
    expect(at.goals.nth(0)).to_have_class("pc-right")
    expect(at.goals.nth(1)).to_have_class("pc-wrong")
    expect(at.goals.nth(1)).to_contain_text("48 unread")
    expect(at.root.get_by_role("button", name="Check")).to_be_focused()
    expect(at.root.locator("[role=status]").last).to_contain_text("Not yet: every cell read, 48 unread.")
    at.slide("kernel_size", 4)  # from here on, what holds is said at once
    expect(at.told).to_be_hidden()
    expect(at.goals.nth(1)).to_have_class("pc-right")
    expect(at.root.locator("[role=status]").last).to_have_text("All of the goal holds: check.")


@pytest.mark.parametrize(
    ("name", "moved", "said"),
    [
        ("reach-last-of-tie", {"cells": [[1, 1, 9]]}, "output as it was, off by up to 6"),
        ("reach-maximum-alone", {"cells": [[0, 0, 3]]}, "every average as it was, off by up to 0.5"),
        ("reach-average-alone", {}, "an average changed, all as before"),
        ("reach-agreement", {}, "max = average in every window, off by up to 4.44"),
        ("reach-last-of-tie", {}, "row 1, column 1 wins 1 window, now 0"),
        ("reach-nine-reads", {}, "most reads 9, now up to 4 reads a cell"),
        ("reach-flat-sheet", {}, "every output 4, now 1.78 to 4"),
        ("reach-one-winner", {}, "35 of 36 cells get nothing, now 27"),
        ("reach-columns-alone", {}, "output 8 × 4, now 4 × 4"),
    ],
)
def test_a_goal_says_how_far_it_is_in_its_own_terms(shown, name, moved, said):
    at = shown(name)
    at.move(moved)
    at.press("Check")
    expect(at.strip).to_have_attribute("data-state", "missed")
    says, stands = said.rsplit(", ", 1)
    goal = at.goals.filter(has_text=says)
    expect(goal.locator(".pc-now")).to_have_text(stands)
    expect(at.root.locator("[role=status]").last).to_contain_text(said)


def test_what_the_goal_does_not_leave_free_is_not_there(shown):
    at = shown(FOUR)
    for role, name in (("slider", "padding"), ("checkbox", "ceil_mode"), ("radio", "Average"), ("radio", "Backward")):
        assert at.root.get_by_role(role, name=name, exact=True).count() == 0
    assert not at.root.locator("summary", has_text="More settings").is_visible()
    at.root.get_by_role("application", name="Input").press("7")
    expect(at.root.get_by_role("alert")).to_contain_text("the input stays as it is")
    assert at.root.locator(".pc-edit").count() == 0


def test_hints_come_from_a_button_and_the_last_says_that_it_is_the_answer(shown):
    at = shown(FOUR)
    told = at.challenge._question.told
    at.press("Hint 1 of 3")
    expect(at.told).to_have_text(f"Hint 1 of 3: {told[0]}")
    at.press("Hint 2 of 3")
    expect(at.told).to_have_text(f"Hint 2 of 3: {told[1]}")
    at.press("Show the whole answer")
    expect(at.told).to_have_text(told[2])
    at.slide("stride", 3)
    expect(at.told).to_be_hidden()
    at.press("The whole answer")
    expect(at.told).to_have_text(told[2])
    assert at.challenge.attempts == []


def test_the_way_to_the_next_challenge_is_one_tab_away(shown):
    first = shown(FOUR)
    second = shown("reach-agreement", page=first.page)
    first.move({"kernel_size": 4, "stride": 4})
    first.press("Check")
    expect(first.verdict).to_be_focused()
    first.page.keyboard.press("Tab")
    expect(first.root.get_by_role("button", name="Next challenge")).to_be_focused()
    first.page.keyboard.press("Enter")
    expect(second.root.locator(".pc-prompt")).to_be_focused()
    expect(second.root.locator(".pc-prompt")).to_be_in_viewport()
    assert second.root.get_by_role("button", name="Next challenge").count() == 0


def test_undo_and_reset_lead_back_to_the_case_and_redo_to_the_answer(shown):
    at = shown(FOUR)
    at.move({"kernel_size": 4, "stride": 4})
    at.press("Check")
    expect(at.strip).to_have_attribute("data-state", "reached")
    at.root.get_by_role("button", name="Reset").click()
    expect(at.strip).to_have_attribute("data-state", "open")
    expect(at.verdict).to_have_text("✓Reached before")
    expect(at.root.locator(".pc-moves")).to_have_text("0 moves from the start")


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_flourish_obeys_reduced_motion(shown, motion):
    at = shown(FOUR, reduced_motion=motion)
    at.move({"kernel_size": 4, "stride": 4})
    at.page.evaluate("document.addEventListener('animationstart', (e) => (window.moved ??= []).push(e.animationName))")
    at.press("Check")
    expect(at.verdict).to_contain_text("Reached 4 moves from the start")
    if motion == "reduce":
        at.page.wait_for_timeout(200)
        assert not at.page.evaluate("window.moved")
    else:
        at.page.wait_for_function("window.moved")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_fault_open_missed_and_reached(shown, theme):
    at = shown(FOUR, theme=theme)
    assert faults(at.page) == []
    at.press("Check")
    expect(at.verdict).to_be_visible()
    assert faults(at.page) == []
    at.move({"kernel_size": 4, "stride": 4})
    at.press("Check")
    expect(at.strip).to_have_attribute("data-state", "reached")
    assert faults(at.page) == []


@pytest.mark.parametrize("width", [736, 360])
@pytest.mark.parametrize("name", [FOUR, "reach-agreement", "reach-last-row"])
def test_axe_finds_no_fault_with_hints_told_and_a_number_refused(shown, name, width):
    at = shown(name, width=width)
    for button in ("Hint 1 of", "Show the whole answer"):
        while at.root.get_by_role("button", name=button).count():
            at.root.get_by_role("button", name=button).press("Enter")
            expect(at.told).to_be_visible()
    assert faults(at.page) == []
    at.press("Check")
    expect(at.verdict).to_be_visible()
    at.root.get_by_role("application", name="Input").press("7")
    assert faults(at.page) == []


@pytest.mark.parametrize("width", [360, 244])  # of the site, and of JupyterLab, on a phone
@pytest.mark.parametrize("name", [FOUR, "reach-average-alone", "reach-agreement", "reach-flat-sheet", "reach-last-row"])
def test_on_a_phone_nothing_sticks_out_and_what_is_told_stands_by_its_button(shown, name, width):
    at = shown(name, width=width)
    assert at.root.evaluate(STICKING_OUT) == []
    at.press("Check")
    expect(at.verdict).to_be_visible()
    assert at.root.evaluate(STICKING_OUT) == []
    at.press("Hint 1 of 3")
    expect(at.strip.locator(".pc-saying")).to_contain_text("Hint 1 of 3")
    expect(at.root.locator(".pc-sentence")).to_be_visible()
    at.move(at.challenge._question.truth)
    at.press("Check")
    expect(at.strip.locator(".pc-saying")).to_contain_text("Why it works")
    assert at.root.evaluate(STICKING_OUT) == []
    at.root.evaluate("(el) => (el.parentElement.style.width = '736px')")
    expect(at.root.locator(".pc-said .pc-saying")).to_contain_text("Why it works")
    expect(at.root.locator(".pc-sentence")).to_be_hidden()


def test_a_page_without_python_judges_by_itself(shown, monkeypatch):
    monkeypatch.setenv(STATIC, "1")
    at = shown(FOUR)
    heard = []
    at.challenge.on_msg(lambda _, content, __: heard.append(content))
    at.slide("stride", 4)
    at.press("Check")
    expect(at.told).to_have_text(at.challenge._question.mistakes[0]["reason"])
    at.press("Hint 1 of 3")
    expect(at.told).to_contain_text(at.challenge._question.told[0])
    at.slide("kernel_size", 4)
    at.press("Check")
    expect(at.verdict).to_contain_text("Reached 4 moves from the start")
    assert [message for message in heard if message["type"] in ("check", "hint")] == []


@pytest.mark.parametrize("width", [736, 244])
def test_that_a_lesson_is_done_stands_out_and_is_said(shown, width):
    others = [q.id for q in all_questions().values() if q.lesson[:2] == "01" and q.role != "review" and q.id != FOUR]
    for name in others:
        record(answered(name))
    at = shown(FOUR, width=width)
    at.press("Check")
    expect(at.verdict).to_be_visible()
    assert at.told.locator(".pc-done").count() == 0  # a wrong try ends nothing
    at.move({"kernel_size": 4, "stride": 4})
    at.press("Check")
    done = "Lesson 01 is done: 5 of 5 answered, 4 right at first. Next: 02 · Max versus average"
    expect(at.told.locator(".pc-done")).to_contain_text(done)
    expect(at.root.locator("[role=status]").last).to_contain_text(done)


SILENCE = "No answer from Python"


def test_an_answer_that_comes_late_is_an_answer_wherever_one_is_by_then(shown):
    at = shown(FOUR)
    at.page.evaluate("() => { window.held = new Promise((done) => (window.goOn = done)); }")
    at.press("Check")
    at.slide("stride", 1)
    at.page.evaluate("() => { window.goOn(); }")
    at.page.wait_for_timeout(3500)
    assert len(at.challenge.attempts) == 1
    assert SILENCE not in at.root.locator(".pc-notice").text_content()


def test_a_refusal_of_python_is_an_answer_too(shown, monkeypatch):
    at = shown(FOUR)

    def refuses(answer):
        raise ValueError("Nobody can judge that.")

    monkeypatch.setattr(at.challenge._question.__class__, "parse", lambda self, answer: refuses(answer))
    at.press("Check")
    expect(at.root.locator(".pc-notice")).to_have_text("Nobody can judge that.")
    at.page.wait_for_timeout(3500)
    expect(at.root.locator(".pc-notice")).to_have_text("Nobody can judge that.")


def test_a_key_that_is_held_checks_once_and_gives_one_hint(shown):
    at = shown(FOUR)
    hint, check = (at.root.locator(".pc-do button").nth(i) for i in (0, 1))
    for button, told in [(check, "attempts"), (hint, "given")]:
        button.focus()
        for _ in range(4):
            at.page.keyboard.down("Enter")
            at.page.wait_for_timeout(150)
        at.page.keyboard.up("Enter")
        assert len(getattr(at.challenge, told)) == 1
