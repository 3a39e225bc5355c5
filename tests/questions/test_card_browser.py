"""Can everybody answer in a real JupyterLab, and can nobody, from the page, see the key before the commitment?"""

import json
import time
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from harness import browser
from harness.answering import enter, leaks, secrets_of, typed, wrong_answers
from harness.explorers import SOON, STICKING_OUT, faults, new_page
from pooling_course import Quiz
from pooling_course.questions import question
from pooling_course.web import assets

pytestmark = pytest.mark.browser
NAMES = {
    "one": "max-channels",
    "cells": "winner-cells",
    "fill": "first-windows",
    "order": "size-steps",
    "number": "winner-number",
    "shape": "default-stride",
    "several": "peak-moves",
}
KINDS = list(NAMES)
PROGRESS = "quiz-answers.jsonl"
CELLS = [
    f"import os\nos.environ['POOLING_COURSE_PROGRESS'] = '{PROGRESS}'\nfrom pooling_course import quiz",
    *(f"quiz({name!r})" for name in NAMES.values()),
]
# anywidget loads a module from a Blob: here each question's model is kept where a script in the page could find it.
EXPOSE = """() => {
  window.models = [];
  const Real = Blob;
  window.Blob = function (parts, options) {
    return new Real(parts.map((p) => (typeof p === "string" ? p.replace("const quiz = new Quiz(model, el);",
      "const quiz = new Quiz(model, el); quiz.root.dataset.model = window.models.push(model) - 1;") : p)), options);
  };
}"""


@pytest.fixture(scope="module")
def page(lab, chromium):
    """A JupyterLab page with a question of each kind, and in page.received what came from the kernel."""
    lab.write("questions.ipynb", *CELLS)
    page = new_page(chromium)
    page.add_init_script(f"({EXPOSE})()")
    page.received = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: page.received.append(frame)))
    lab.open(page, "questions.ipynb")
    lab.run_all(page)
    expect(page.locator(".pc-quiz")).to_have_count(len(KINDS), timeout=browser.START)
    yield page
    page.context.close()


@pytest.fixture
def ask(page, lab):
    """ask(kind) -> the question of that kind, its cell run anew; nothing was answered yet."""
    (lab.folder / PROGRESS).unlink(missing_ok=True)
    return lambda kind: Asked(page, kind)


def run(page, kind):
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(1 + KINDS.index(kind))
    page.evaluate("document.querySelectorAll('.pc-quiz').forEach((el) => (el.dataset.run = 'earlier'))")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    root = cell.locator(".pc-quiz:not([data-run])")
    expect(root.locator(".pc-prompt")).to_be_visible(timeout=browser.START)
    root.evaluate("(el) => (el.dataset.run = 'latest')")
    return page.locator(LATEST)


LATEST = ".pc-quiz[data-run=latest]"


class Asked:
    """What a learner does with one question, by keyboard alone once it is there."""

    def __init__(self, page, kind):
        self.page, self.q = page, question(NAMES[kind])
        self.received_before = len(page.received)
        self.root, self.keys = run(page, kind), page.keyboard

    @property
    def focused(self):
        """What a screen reader calls the focused element; None outside of the question."""
        return self.root.evaluate(NAME)

    def tab(self, *starts, key="Tab"):
        """Tab on until the focused element is called like one of these; every stop on the way shows its focus."""
        for _ in range(80):
            self.keys.press(key)
            name = self.focused
            if name is not None:
                assert self.root.evaluate(RING), f"no visible focus on {name}"
            if name is not None and name.startswith(starts):
                return name
        raise AssertionError(f"Tab reaches nothing called {starts}; the last was {name}")

    def say_how_sure(self, confidence):
        self.tab("a guess")
        self.keys.press("Space")
        for _ in range(confidence):
            self.keys.press("ArrowRight")
        self.tab("Commit")

    def commit(self, confidence=1):
        self.say_how_sure(confidence)
        self.keys.press("Enter")
        expect(self.verdict).to_be_focused()

    @property
    def verdict(self):
        return self.root.locator(".pc-verdict")

    @property
    def alert(self):
        return self.root.get_by_role("alert")

    def choose(self, place):
        self.tab(self.q.choices[0]["text"])
        self.keys.press("Space")
        for _ in range(place):
            self.keys.press("ArrowDown")

    def fill(self, rows):
        for r, row in enumerate(rows):
            for c, text in enumerate(row):
                self.tab(f"output row {r}, column {c}")
                self.keys.type(text)

    def evaluate(self, script, *given):
        """In the page, as any script there could: `model` is the question's."""
        return self.root.evaluate(f"(el, given) => {{ const model = models[el.dataset.model]; {script} }}", [*given])

    def state(self):
        names = ["question", "draft", "attempts", "answering", "message", "notice", "key"]
        return self.evaluate("return Object.fromEntries(given.map((n) => [n, model.get(n)]))", *names)

    def received(self):
        frames = self.page.received[self.received_before :]
        return "".join(f if isinstance(f, str) else f.decode("utf-8", "replace") for f in frames)

    def leaks(self):
        """What of the key stands in the model, in the page, or in what came from the kernel."""
        page, came = self.root.inner_html() + self.root.inner_text(), self.received()
        said = [s for s in secrets_of(self.q) if s in page or s in came or json.dumps(s)[1:-1] in came]
        return leaks(self.q, {k: v for k, v in self.state().items() if k != "draft"}) + said


NAME = """(root) => {
  const el = document.activeElement;
  if (!root.contains(el)) return null;
  return el.getAttribute("aria-label") ?? (el.labels?.[0] ?? el).textContent.trim();
}"""
RING = """(root) => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return outlineStyle === "solid" && parseFloat(outlineWidth) >= 2;
}"""


# --- by keyboard alone ----------------------------------------------------------------------------------------------


def test_a_choice_is_made_by_keyboard(ask):
    asked = ask("one")
    wrong = next(i for i in range(len(asked.q.choices)) if i != asked.q.truth and i)
    asked.choose(wrong)
    asked.commit(confidence=2)
    expect(asked.verdict).to_have_text("✗ Not quite. You said: certain.")
    for choice in asked.q.choices:
        expect(asked.root).to_contain_text(choice["reason"])
    expect(asked.root.locator("li", has_text=asked.q.choices[wrong]["text"])).to_contain_text("your choice")
    asked.tab("Try again")
    asked.keys.press("Enter")
    expect(asked.root.get_by_role("radio").first).to_be_focused()
    asked.keys.press("Shift+Tab")
    asked.choose(asked.q.truth)
    asked.commit(confidence=0)
    expect(asked.verdict).to_have_text("✓ Right. You said: a guess.")
    expect(asked.root).to_contain_text("Your first answer stays on record: ✗ not quite, certain.")


def test_cells_are_marked_by_keyboard(ask):
    asked = ask("cells")
    asked.tab("row 0, column 0")
    at = [0, 0]
    for r, c in asked.q.truth:
        while at != [r, c]:
            axis = 0 if at[0] != r else 1
            step = 1 if at[axis] < [r, c][axis] else -1
            asked.keys.press(
                {(0, 1): "ArrowDown", (0, -1): "ArrowUp", (1, 1): "ArrowRight", (1, -1): "ArrowLeft"}[axis, step]
            )
            at[axis] += step
        asked.keys.press("Space")
        assert asked.focused.startswith(f"row {r}, column {c}, value") and asked.focused.endswith(", marked")
    asked.keys.press("Space")
    assert not asked.focused.endswith(", marked")
    asked.keys.press("Space")
    expect(asked.root.locator(".pc-cell[aria-pressed=true]")).to_have_count(len(asked.q.truth))
    asked.commit()
    expect(asked.verdict).to_have_text("✓ Right. You said: fairly sure.")


def test_home_and_end_lead_to_the_ends_of_a_row_of_cells(ask):
    asked = ask("cells")
    asked.tab("row 0, column 0")
    last = asked.q.input.shape[1] - 1
    for keys, wanted in [(["ArrowDown", "End"], (1, last)), (["Home"], (1, 0)), (["ArrowRight", "Home"], (1, 0))]:
        for key in keys:
            asked.keys.press(key)
        assert asked.focused.startswith(f"row {wanted[0]}, column {wanted[1]}, value"), keys
    asked.keys.press("End")
    asked.keys.press("End")
    assert asked.focused.startswith(f"row 1, column {last}, value")  # there is nothing farther


def test_a_grid_is_filled_in_by_keyboard(ask):
    asked = ask("fill")
    asked.fill([["one", "2"], ["3", ""]])
    asked.say_how_sure(2)
    asked.keys.press("Enter")
    expect(asked.alert).to_have_text("1 of 4 cells are still empty: fill them all, a guess will do.")
    assert asked.focused == "Commit"
    asked.tab("output row 1, column 1", key="Shift+Tab")
    asked.keys.type("4,5")
    asked.keys.press("Enter")
    expect(asked.alert).to_have_text("'one' is not a number; write one such as 0.25, -3 or 1/9.")
    assert asked.focused == "output row 1, column 1"
    asked.tab("output row 0, column 0", key="Shift+Tab")
    for row in typed("fill", asked.q.truth):
        for text in row:
            asked.keys.press("Control+a")
            asked.keys.type(text)
            asked.keys.press("Tab")
    asked.tab("Commit")
    asked.keys.press("Space")
    expect(asked.verdict).to_have_text("✓ Right. You said: certain.")
    expect(asked.verdict).to_be_focused()


def test_steps_are_put_in_order_by_keyboard(ask):
    asked = ask("order")
    order = [asked.q.steps[i] for i in asked.q.shown_order]
    for place, step in enumerate(asked.q.steps):
        moves = order.index(step) - place
        for _ in range(moves):
            if not (asked.focused or "").startswith(f"Earlier: {step}"):
                asked.tab(f"Earlier: {step}")
            asked.keys.press("Space")
        order.insert(place, order.pop(order.index(step)))
        expect(asked.root.locator(".pc-steps li span")).to_have_text(order)
        if moves:
            direction = "Earlier" if place else "Later"
            assert asked.focused == f"{direction}: {step}, now step {place + 1} of {len(order)}"
    asked.commit()
    expect(asked.verdict).to_have_text("✓ Right. You said: fairly sure.")


@pytest.mark.parametrize("kind, nonsense", [("number", "many"), ("shape", "small")])
def test_letters_for_a_number_get_a_sentence_and_cost_nothing(ask, lab, kind, nonsense):
    asked = ask(kind)
    asked.tab(asked.q.unit or {"number": "Your number", "shape": "Shape"}[kind])
    asked.keys.type(nonsense)
    asked.keys.press("Enter")
    expect(asked.alert).to_contain_text(f"'{nonsense}' is not a {kind}; write ")
    asked.say_how_sure(1)
    for _ in range(2):
        asked.keys.press("Enter")
        expect(asked.alert).to_contain_text(f"'{nonsense}' is not a {kind}; write ")
    assert asked.focused == "Commit" and asked.leaks() == [] and not (lab.folder / PROGRESS).exists()
    expect(asked.root.get_by_role("textbox")).to_have_value(nonsense)
    asked.tab(asked.q.unit or {"number": "Your number", "shape": "Shape"}[kind], key="Shift+Tab")
    asked.keys.press("Control+a")
    asked.keys.type(typed(kind, asked.q.truth))
    asked.keys.press("Enter")
    expect(asked.verdict).to_have_text("✓ Right. You said: fairly sure.")
    expect(asked.alert).to_have_count(0)


def test_no_answer_gets_a_sentence(ask):
    asked = ask("several")
    asked.say_how_sure(0)
    asked.keys.press("Enter")
    expect(asked.alert).to_have_text("No answer yet: give one, even if it is a guess.")
    asked.choose(0)
    expect(asked.alert).to_be_hidden()


def test_an_answer_needs_a_word_on_how_sure_one_is(ask):
    asked = ask("one")
    asked.choose(0)
    asked.tab("Commit")
    asked.keys.press("Enter")
    expect(asked.alert).to_have_text("Say how sure you are, then commit: a guess is fine.")


def test_letters_stay_in_the_question(ask):
    """In JupyterLab a letter or an arrow outside of a field is a command: b adds a cell, d d deletes one."""
    asked = ask("one")
    cells = asked.page.locator(".jp-Notebook .jp-Cell").count()
    asked.choose(0)
    for taken in ["a", "b", "d", "d", "m", "ArrowDown"]:
        asked.keys.press(taken)
    asked.commit()
    for taken in ["a", "b", "d", "d", "m", "ArrowDown"]:
        asked.keys.press(taken)
    expect(asked.verdict).to_be_focused()
    expect(asked.page.locator(".jp-Notebook .jp-Cell")).to_have_count(cells)


# --- nothing before the commitment -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_key_is_in_the_page_before_the_commitment(ask, kind):
    asked = ask(kind)
    assert asked.leaks() == [] and asked.state()["key"] == {}
    wrong, _ = wrong_answers(asked.q)[0]
    asked.evaluate("model.send({type: 'commit', answer: given[0], confidence: 1})", wrong)
    expect(asked.verdict).to_contain_text("Not quite")
    assert asked.q.why in asked.leaks() and "feedback" in asked.leaks()  # what is looked for would be seen


BYPASSES = [
    "model.send({type: 'again'})",
    "model.send({type: 'explore'})",
    "model.send({type: 'commit'})",
    "model.send({type: 'commit', answer: 0, confidence: 9})",
    "model.send({type: 'commit', answer: 'abc', confidence: 1})",
    "model.send(null); model.send([]); model.send('reveal')",
    "model.set('attempts', [{answer: 0, confidence: 0, feedback: {}}]); model.save_changes(); "
    "model.send({type: 'explore'})",
    "model.set('answering', false); model.save_changes(); model.send({type: 'again'})",
    "model.set('key', {}); model.set('question', {...model.get('question'), code: 'x'}); model.save_changes()",
]


def test_no_script_in_the_page_can_bypass_the_commitment(ask, lab):
    for script in BYPASSES:
        asked = ask("one")
        asked.evaluate(script)
        asked.evaluate("model.send({type: 'commit', answer: 'still alive?', confidence: 1})")
        deadline = time.monotonic() + SOON / 1000
        while "That is not an answer" not in asked.received() and time.monotonic() < deadline:
            asked.page.wait_for_timeout(50)
        said = asked.received()
        assert "That is not an answer" in said, script  # Python has heard the script, and goes on
        assert not [secret for secret in secrets_of(asked.q) if secret in said or secret in asked.root.inner_text()], (
            script
        )
        assert asked.page.locator(".pc-explorer").count() == 0 and not (lab.folder / PROGRESS).exists(), script


def test_the_explorer_opens_after_the_commitment_on_the_case_and_closes_again(ask):
    asked = ask("cells")
    asked.evaluate("model.send({type: 'commit', answer: [[0, 0]], confidence: 1})")
    expect(asked.verdict).to_be_visible()
    assert asked.page.locator(".pc-explorer").count() == 0
    asked.root.get_by_role("button", name="Open this case in the explorer").focus()
    asked.keys.press("Enter")
    code = asked.page.locator(".pc-explorer .pc-code code")
    expect(code).to_have_text(asked.q.pooling.code(), timeout=browser.START)
    asked.page.get_by_role("slider", name="stride").press("End")
    expect(code).not_to_have_text(asked.q.pooling.code())  # torch may have to be asked
    changed = code.text_content()
    asked.root.get_by_role("button", name="Close the explorer").press("Enter")
    expect(code).to_be_hidden()
    assert asked.focused == "Open this case in the explorer"
    asked.keys.press("Enter")
    expect(code).to_be_visible()
    expect(code).to_have_text(changed)
    expect(asked.page.locator(".pc-explorer")).to_have_count(1)


@contextmanager
def slowed(page, times):
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": times})
    try:
        yield
    finally:
        session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        session.detach()


def test_the_explorer_of_a_case_is_brought_into_sight_and_given_the_focus(ask):
    asked = ask("cells")
    asked.evaluate("model.send({type: 'commit', answer: [[0, 0]], confidence: 1})")
    button = asked.root.get_by_role("button", name="Open this case in the explorer")
    height = asked.page.viewport_size["height"]
    asked.page.set_viewport_size({"width": 1280, "height": 700})
    button.evaluate("(el) => el.scrollIntoView({ block: 'end' })")  # so that what opens lies below the fold
    button.focus()
    with slowed(asked.page, 20):  # it is focused before it is drawn, and grows
        asked.keys.press("Enter")
        explorer = asked.page.locator(".pc-explorer")
        expect(explorer).to_be_focused(timeout=browser.START)
    expect(explorer.locator(".pc-grids")).to_be_in_viewport(ratio=0.9)
    asked.keys.press("Tab")
    assert explorer.evaluate("(el) => el.contains(document.activeElement)")
    asked.page.set_viewport_size({"width": 1280, "height": height})


def test_another_question_does_not_take_the_focus(ask):
    """Two questions have fields of the same name; what is said about one leaves the learner in the other."""
    number, shape = ask("number"), ask("shape")
    other = shape.page.locator(".pc-quiz", has_text=number.q.prompt[:60])
    shape.tab(shape.q.unit or "Shape")
    other.evaluate("(el) => models[el.dataset.model].send({type: 'commit', answer: 'abc', confidence: 1})")
    expect(other.get_by_role("alert")).to_contain_text("'abc' is not a number")
    expect(shape.root.get_by_role("textbox")).to_be_focused()


# --- it stays --------------------------------------------------------------------------------------------------------


def test_a_committed_answer_is_there_after_a_reload(ask, lab, page):
    asked = ask("one")
    asked.choose(asked.q.truth)
    asked.commit(confidence=2)
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    lab.wait_for_kernel(page)
    lab.run_all(page)
    expect(page.locator(".pc-quiz")).to_have_count(len(KINDS), timeout=browser.START)
    # ipywidgets complains of what an earlier run has left in the saved outputs, until they are run again
    page.complaints[:] = [said for said in page.complaints if "widget model not found" not in said]
    again = Asked(page, "one")
    expect(again.verdict).to_have_text("✓ Right. You said: certain.")
    expect(again.root.get_by_role("radio")).to_have_count(0)
    assert [a["confidence"] for a in again.state()["attempts"]] == [2]


# --- looks, and access for everybody ---------------------------------------------------------------------------------


@pytest.fixture
def everything(page, lab):
    """Every question in the page, unanswered; everything.commit(answer of a question) commits to all of them."""
    (lab.folder / PROGRESS).unlink(missing_ok=True)
    page.evaluate("document.querySelectorAll('.pc-quiz').forEach((el) => (el.dataset.run = 'earlier'))")
    lab.run_all(page)
    expect(page.locator(".pc-quiz:not([data-run]) .pc-commit")).to_have_count(len(KINDS), timeout=browser.START)
    expect(page.locator(".pc-quiz")).to_have_count(len(KINDS))
    return Everything(page)


class Everything:
    def __init__(self, page):
        self.page, self.roots = page, dict(zip(KINDS, page.locator(".pc-quiz").all(), strict=True))

    def tell(self, message, **more):
        for kind, root in self.roots.items():
            given = {name: make(question(NAMES[kind])) for name, make in more.items()}
            root.evaluate("(el, content) => models[el.dataset.model].send(content)", {"type": message, **given})

    def commit(self, answer, shows):
        self.tell("commit", answer=answer, confidence=lambda q: 2)
        expect(self.page.locator(f".pc-quiz {shows}:visible")).to_have_count(len(KINDS))

    def picture(self, name):
        browser.ARTIFACTS.mkdir(exist_ok=True)
        for kind, root in self.roots.items():
            root.screenshot(path=browser.ARTIFACTS / f"quiz-{name.format(kind)}.png")


def wrongly(q):
    return wrong_answers(q)[-1][0]


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_no_fault_before_and_after_in_either_theme(lab, page, everything, theme):
    try:
        if theme == "Dark":
            lab.choose(page, "Settings", "Theme", "JupyterLab Dark")
        expect(page.locator(f".pc-quiz[data-theme={theme.lower()}]")).to_have_count(len(KINDS))
        everything.commit(lambda q: None, shows="[role=alert]")
        everything.picture(f"{theme.lower()}-{{}}-open")
        assert faults(page, ".pc-quiz") == []
        everything.commit(wrongly, shows=".pc-verdict.pc-wrong")
        everything.picture(f"{theme.lower()}-{{}}-wrong")
        assert faults(page, ".pc-quiz") == []
        everything.tell("again")
        everything.commit(lambda q: typed(q.kind, q.truth), shows=".pc-verdict.pc-right")
        everything.picture(f"{theme.lower()}-{{}}-right")
        assert faults(page, ".pc-quiz") == []
    finally:
        if theme == "Dark":
            lab.choose(page, "Settings", "Theme", "JupyterLab Light")
            expect(page.locator(".pc-quiz").first).to_have_attribute("data-theme", "light")


def test_axe_would_find_a_fault(ask):
    asked = ask("fill")
    asked.root.locator(".pc-fill").first.evaluate("(el) => el.removeAttribute('aria-label')")
    asked.root.locator(".pc-commit").evaluate("(el) => (el.style.color = '#7aa')")
    found = " ".join(faults(asked.page, LATEST))
    assert "label" in found and "color-contrast" in found


def test_in_a_narrow_place_nothing_sticks_out(everything):
    for root in everything.roots.values():
        root.evaluate("(el) => (el.parentElement.style.width = '360px')")
        expect(root).to_have_js_property("offsetWidth", 360)
    everything.picture("360-{}-open")
    out = {kind: root.evaluate(STICKING_OUT) for kind, root in everything.roots.items()}
    everything.commit(wrongly, shows=".pc-verdict")
    everything.picture("360-{}-wrong")
    out |= {f"{kind}, committed": root.evaluate(STICKING_OUT) for kind, root in everything.roots.items()}
    assert {where: found for where, found in out.items() if found} == {}


def test_the_look_is_the_same_beside_an_explorer(ask):
    """Whose style sheet holds base.css as well, and may come later."""
    asked = ask("fill")
    look = """(root) => [root, ...root.querySelectorAll("*")].map((el) => {
      const { borderLeft, margin, padding, width, alignItems, color, background } = getComputedStyle(el);
      return [el.tagName, borderLeft, margin, padding, width, alignItems, color, background].join(" ");
    })"""
    before = asked.root.evaluate(look)
    added = asked.page.add_style_tag(content=assets.style("web/look.css", "web/base.css", "explorer/explorer.css"))
    assert asked.root.evaluate(look) == before
    added.evaluate("(el) => el.remove()")


def test_nothing_in_the_console_is_an_error(page):
    assert page.complaints == []


# --- a page without a kernel -----------------------------------------------------------------------------------------

STATIC_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Questions</title>
<style>body { background: white; } %s</style><h1>Questions</h1><div id="here"></div>
<script type="module">
%s
const state = %s, heard = {};
window.sent = [];
const model = {
  get: (name) => state[name],
  set(name, value) { state[name] = value; (heard[`change:${name}`] ?? []).forEach((f) => f()); },
  on: (name, f) => (heard[name] ??= []).push(f),
  off: (name, f) => (heard[name] = heard[name].filter((g) => g !== f)),
  save_changes() {},
  send: (content) => window.sent.push(content),
};
render({ model, el: document.getElementById("here") });
</script></html>"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_static_page_grades_itself(chromium, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "none.jsonl"))
    monkeypatch.setenv("POOLING_COURSE_STATIC", "1")
    quiz = Quiz(NAMES[kind])
    q = question(NAMES[kind])
    state = {name: quiz.get_state()[name] for name in quiz.keys if not name.startswith("_") and name != "layout"}
    text = STATIC_PAGE % (quiz._css, assets.script("questions/card.js"), json.dumps(state))
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page = new_page(chromium, height=900)
    asked_for = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.goto((tmp_path / "page.html").as_uri())
    root = page.locator(".pc-quiz")
    commit = root.get_by_role("button", name="Commit")
    commit.click()
    missing = "Say how sure you are" if kind == "order" else "No answer yet: give one, even if it is a guess."
    expect(root.get_by_role("alert")).to_contain_text(missing)  # some order there is from the start
    assert not [s for s in secrets_of(q) if s in root.inner_text()]
    for answer, word in ((wrong_answers(q)[0][0], "✗ Not quite"), (typed(kind, q.truth), "✓ Right")):
        enter(root, q, answer)
        root.get_by_label("certain").check()
        commit.focus()
        page.keyboard.press("Enter")
        expect(root.locator(".pc-verdict")).to_have_text(f"{word}. You said: certain.")
        expect(root.locator(".pc-verdict")).to_be_focused()
        expect(root.locator(".pc-why")).to_have_text(q.why)
        assert faults(page, ".pc-quiz") == []
        root.get_by_role("button", name="Try again").click()
    assert page.evaluate("window.sent") == [] and page.complaints == []
    assert asked_for == [(tmp_path / "page.html").as_uri()]
    page.context.close()
