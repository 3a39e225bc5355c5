"""Does a card hold in corners: committed twice, and walked to its edges? Each is drawn in a page of its own."""

import pytest
from playwright.sync_api import expect

from harness import plain
from harness.answering import wrong_answers
from harness.explorers import STICKING_OUT
from pooling_course import Quiz
from pooling_course.questions.challenge import STATIC

pytestmark = pytest.mark.browser


@pytest.fixture
def card(chromium, tmp_path, monkeypatch):
    """card(name, width) -> (the question, what is drawn of it)."""
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))
    monkeypatch.delenv(STATIC, raising=False)
    page = chromium.new_context(viewport={"width": 800, "height": 600}).new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(error.stack or f"{error}"))

    def shown(name, width=736):
        quiz = Quiz(name)
        return quiz, plain.mount(page, quiz, width)

    yield shown
    assert page.complaints == []
    page.context.close()


def test_what_is_committed_twice_before_python_answers_counts_once_and_was_answered(card):
    quiz, root = card("winner-number")
    root.get_by_role("textbox").fill("5")
    root.get_by_role("radio").first.check()
    page = root.page
    page.wait_for_timeout(200)
    page.evaluate("() => { window.held = new Promise((done) => (window.goOn = done)); }")
    for _ in range(2):
        root.get_by_role("button", name="Commit").click()
    page.evaluate("() => { window.goOn(); }")
    expect(root.locator(".pc-verdict")).to_be_visible()
    page.wait_for_timeout(3500)
    expect(root.locator(".pc-notice")).to_be_hidden()
    assert len(quiz.attempts) == 1


@pytest.mark.parametrize("key", ["Home", "End", "ArrowLeft", "ArrowUp"])
def test_keys_that_walk_move_the_page_nowhere_at_the_edges_either(card, key):
    _, root = card("winner-cells")
    root.evaluate("(el) => { el.style.marginBlock = '500px'; }")
    cell = root.locator(".pc-cell").first if key != "End" else root.locator("tr:first-child .pc-cell").last
    cell.focus()
    before = root.page.evaluate("scrollY")
    assert before > 0
    cell.press(key)
    root.page.wait_for_timeout(300)
    assert root.page.evaluate("scrollY") == before
    expect(cell).to_be_focused()


@pytest.mark.parametrize("name", ["never-read", "winner-cells", "first-windows", "what-shrinks", "size-steps"])
def test_in_jupyterlab_on_a_phone_nothing_of_a_wrong_answer_sticks_out(card, name):
    quiz, root = card(name, width=244)
    root.page.set_viewport_size({"width": 390, "height": 844})
    assert root.evaluate(STICKING_OUT) == []
    plain.in_python(root, lambda: quiz.commit(wrong_answers(quiz._question)[0][0], 1))
    expect(root.locator(".pc-verdict")).to_be_visible()
    assert root.evaluate(STICKING_OUT) == []
