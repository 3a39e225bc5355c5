"""Does a question keep its key until the commitment, grade every kind fairly, and forgive what is unclear?

The page is played by `Page`: it sends what a browser would, and sees what a browser would. JavaScript's own grading is
asked under Node.
"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ipywidgets
import pytest

from harness.answering import leaks, secrets_of, typed, wrong_answers
from harness.together import together
from pooling_course import Quiz, practice, progress, quiz, review
from pooling_course.explorer.explorer import PoolingExplorer
from pooling_course.questions import ON_CARDS, all_questions, draw, question
from pooling_course.questions.card import STATIC, QuizBox, question_of
from pooling_course.questions.draw import drawn, fresh
from pooling_course.questions.journal import answers_to, entries, journal_path, record
from pooling_course.questions.lessons import LESSONS
from pooling_course.web import assets

pytestmark = pytest.mark.usefixtures("journal")
ALL = [q for q in all_questions().values() if q.kind in ON_CARDS]
DRIVER = Path(__file__).with_name("card.mjs")
CARD = assets.script("questions/card.js")
SOME = {kind: next(q for q in ALL if q.kind == kind) for kind in ON_CARDS}
every_question = together("q", ALL, ids=lambda q: q.id)
every_kind = pytest.mark.parametrize("q", SOME.values(), ids=SOME)


class Page:
    """The browser's side of a question."""

    def __init__(self, q):
        self.box = q if isinstance(q, QuizBox) else QuizBox(Quiz(q))
        self.quiz = self.box.quiz

    def send(self, content):
        for callback in self.quiz._msg_callbacks.callbacks:  # ipywidgets would only log what they raise
            callback(self.quiz, content, [])

    def commit(self, answer, confidence=1, **more):
        self.send({"type": "commit", "answer": answer, "confidence": confidence, **more})
        return self

    @property
    def state(self):
        return {n: v for n, v in self.quiz.get_state().items() if not n.startswith("_") and n != "layout"}


# --- the verdict ---------------------------------------------------------------------------------------------------


@every_question
def test_is_the_right_answer_accepted(q):
    page = Page(q).commit(typed(q.kind, q.truth))
    (attempt,) = page.state["attempts"]
    assert attempt["feedback"]["right"] is True and attempt["feedback"]["why"] == q.why
    assert "mistake" not in attempt["feedback"] and not page.state["answering"]


@every_question
def test_is_every_wrong_answer_rejected_with_its_own_reason(q):
    page = Page(q)
    for number, (raw, reason) in enumerate(wrong_answers(q), 1):
        page.send({"type": "again"})
        *_, last = page.commit(raw).state["attempts"]
        feedback = last["feedback"]
        assert len(page.state["attempts"]) == number
        assert feedback["right"] is False and feedback.get("mistake") == reason and feedback["truth"] == q.truth


NONSENSE = [None, "", [], {}, "  ", "abc", "1/0", "nan", "inf", "1e999", "1_0", -1, 99, 1e308, True, 0.5, [None], [[]]]
NONSENSE += [[["a"]], [[1, 2], [3]], {"a": 1}, [-1], "🙂", "()", "-3, 4", "x" * 10_000, [[[[]]]], math.nan, math.inf]


@every_kind
@together("raw", NONSENSE, ids=lambda raw: repr(raw)[:20])
def test_does_an_unclear_answer_get_a_sentence_and_cost_nothing(q, raw, journal):
    if q.kind == "number" and isinstance(raw, (int, float)) and not isinstance(raw, bool) and math.isfinite(raw):
        return  # numbers are clear answers
    page = Page(q).commit(raw)
    said = page.state["message"]
    assert said.endswith(".") and "Traceback" not in said and said[0] in "'ANTSNB0123456789"
    assert page.state["answering"] and not page.state["attempts"] and not journal.exists()
    assert not [key for key in ("why", "truth") if key in json.dumps(page.state)]


@pytest.mark.parametrize("confidence", [None, -1, 3, "certain", True, 1.0, [], {}, math.nan, 10**30])
def test_must_one_say_how_sure_one_is(confidence, journal):
    page = Page(SOME["one"]).commit(SOME["one"].truth, confidence)
    assert page.state["message"].startswith("Say how sure you are") and page.state["answering"]
    assert not page.state["attempts"] and not journal.exists()


@pytest.mark.parametrize("content", [None, [], "commit", 7, {}, {"type": None}, {"type": ["commit"]}, {"type": "key"}])
def test_does_a_garbled_message_change_nothing(content):
    page = Page(SOME["one"])
    before = page.state
    page.send(content)
    assert page.state == before and len(page.box.children) == 1


@pytest.mark.parametrize("seconds", ["soon", None, -5, math.nan, math.inf, [1], {}])
def test_does_a_garbled_time_not_cost_the_answer(seconds):
    Page(SOME["one"]).commit(0, seconds=seconds)
    assert entries()[0][0]["seconds"] == 0


def test_is_the_same_sentence_sent_again_for_the_same_mistake():
    page, said = Page(SOME["number"]), []
    page.quiz.observe(lambda change: said.append(change["new"]), "message")
    page.commit("abc").commit("abc")
    assert [text for text in said if text] == ["'abc' is not a number; write one such as 0.25, -3 or 1/9."] * 2
    page.commit("1")
    assert page.state["message"] == ""


# --- nothing before the commitment ---------------------------------------------------------------------------------


@every_question
def test_does_the_page_know_nothing_before_the_commitment(q):
    state = Page(q).state
    assert state["key"] == {} and state["attempts"] == [] and leaks(q, state) == []
    assert not [text for text in secrets_of(q) if text in CARD]
    if q.kind == "order":
        assert [n for n, _ in state["question"]["steps"]] == list(range(len(q.steps)))


@every_question
def test_is_a_leak_noticed(q):
    assert leaks(q, {"question": q.public(), "key": q.key()})
    assert leaks(q, {"question": {**q.public(), "hint": q.why}})


@every_kind
@pytest.mark.parametrize(
    "content", [{"type": "again"}, {"type": "explore"}, {"type": "commit"}, {"type": "commit", "confidence": 2}]
)
def test_does_no_message_reveal_anything_before_the_commitment(q, content):
    page, draft = Page(q), {"confidence": 1}
    page.quiz.set_state({"draft": draft})
    page.send(content)
    assert leaks(q, page.state) == [] and page.state["answering"] and len(page.box.children) == 1
    assert page.state["draft"] == draft


MADE_UP = {"attempts": [{"answer": 0, "confidence": 2, "feedback": {}}], "answering": False, "key": {"why": "mine"}}
MADE_UP |= {"question": {"explorable": True}, "sure": [], "message": "hello", "notice": "hello"}


@every_kind
def test_does_python_ignore_what_the_page_makes_up(q, journal):
    page = Page(q)
    before = page.state
    page.quiz.set_state(MADE_UP)
    page.quiz.set_state({"draft": "no dictionary"})
    page.send({"type": "explore"})
    page.send({"type": "again"})
    assert page.state == before and len(page.box.children) == 1 and not journal.exists()
    page.commit(typed(q.kind, q.truth))
    (attempt,) = page.state["attempts"]
    assert attempt["feedback"]["why"] == q.why and entries()[0][0]["attempt"] == 1


def test_is_a_draft_kept():
    page = Page(SOME["fill"])
    page.quiz.set_state({"draft": {"answer": [["1", ""], ["", ""]], "confidence": 2}})
    assert page.state["draft"]["answer"][0] == ["1", ""]


# --- first answer, later tries, another day --------------------------------------------------------------------------


@every_kind
def test_is_a_second_commitment_ignored_until_one_tries_again(q):
    (wrong, _), right = wrong_answers(q)[0], typed(q.kind, q.truth)
    page = Page(q).commit(wrong, 2).commit(right, 0)
    assert [a["feedback"]["right"] for a in page.state["attempts"]] == [False]
    page.quiz.set_state({"draft": {"answer": wrong, "confidence": 2}})
    page.send({"type": "again"})
    assert page.state["answering"] and page.state["draft"] == {}
    page.commit(right, 0)
    assert [(a["feedback"]["right"], a["confidence"]) for a in page.state["attempts"]] == [(False, 2), (True, 0)]
    assert [(e["right"], e["attempt"], e["confidence"]) for e in entries()[0]] == [(False, 1, 2), (True, 2, 0)]


@every_kind
def test_does_a_cell_run_again_show_what_was_committed(q):
    wrong, _ = wrong_answers(q)[0]
    page = Page(q).commit(wrong, 2)
    again = Page(q)
    assert again.state["attempts"] == page.state["attempts"] and not again.state["answering"]
    page.send({"type": "again"})
    page.commit(typed(q.kind, q.truth), 1)
    assert [a["feedback"]["right"] for a in Page(q).state["attempts"]] == [False, True]
    assert Page(next(other for other in ALL if other != q)).state["attempts"] == []


def test_is_an_answer_left_out_that_the_question_no_longer_takes():
    q = SOME["one"]
    for answer in (99, None, [1], "abc"):
        record({"id": q.id, "right": True, "answer": answer, "confidence": 1})
    record({"id": q.id, "right": True})
    assert Page(q).state["attempts"] == [] and Page(q).state["answering"]


def test_is_everything_noted_down():
    q = SOME["number"]
    mistake = q.mistakes[0]
    Page(q).commit(typed("number", mistake["value"]), 2, seconds=12.345)
    (entry,) = entries()[0]
    assert entry.pop("time") > 1.7e9 and entry == {
        "v": 1,
        "id": q.id,
        "lesson": q.lesson,
        "attempt": 1,
        "answer": mistake["value"],
        "confidence": 2,
        "right": False,
        "misconception": mistake["misconception"],
        "seconds": 12.3,
    }


def test_does_the_answer_count_where_it_cannot_be_saved(monkeypatch, tmp_path):
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path))  # a folder is no file
    page = Page(SOME["one"]).commit(SOME["one"].truth)
    assert page.state["attempts"][0]["feedback"]["right"]
    assert "counts here" in page.state["notice"] and "The lesson goes on." in page.state["notice"]


BOTH = ("signed-window", "below-zero-again")  # about what either pooling makes of the same window


def test_does_a_question_about_both_poolings_name_neither_layer_as_its_own():
    assert [q.public()["code"] for q in ALL if q.id in BOTH] == ["", ""]


# --- the explorer under it ------------------------------------------------------------------------------------------


@every_question
def test_does_the_explorer_open_on_the_case_and_only_after_the_commitment(q):
    page = Page(q)
    page.send({"type": "explore"})
    assert len(page.box.children) == 1
    page.commit(typed(q.kind, q.truth))
    assert len(page.box.children) == 1
    page.send({"type": "explore"})
    opened = page.box.children
    assert page.state["opened"] == bool(q.case)
    page.send({"type": "explore"})
    assert page.box.children is opened  # hidden, not gone, or what was set in it would be, too
    assert not page.state["opened"] and all(child.layout.display == "none" for child in opened[1:])
    page.send({"type": "explore"})
    assert page.box.children is opened and all(child.layout.display is None for child in opened[1:])
    if not q.case:
        assert len(page.box.children) == 1 and not page.state["question"]["explorable"]
        return
    _, explorer = page.box.children
    assert isinstance(explorer, PoolingExplorer) and explorer.pooling == q.pooling
    x = q.input[0] if q.input.ndim == 4 else q.input  # of many channels the first
    assert explorer.x.shape[-2:] == x.shape[-2:] and explorer.x.equal(x[: len(explorer.x)])
    assert explorer.direction == ("backward" if (q.answer or "").startswith("gradient") else "forward")
    assert explorer.compare == (q.id in BOTH)


# --- what the notebook file gets -------------------------------------------------------------------------------------


def test_is_the_text_form_fixed(journal):
    name, other = SOME["one"].id, SOME["order"].id
    assert repr(quiz(name)) == repr(quiz(name).quiz) == f"Quiz('{name}')"
    assert repr(quiz(name, other)) == f"Quiz('{name}')\nQuiz('{other}')"
    Page(name).commit(0, 2)
    assert repr(quiz(name)) == f"Quiz('{name}')"


@pytest.mark.parametrize("version", [7, 8])
def test_can_a_notebook_show_it_under_ipywidgets_7_and_8(version, monkeypatch):
    if version == 7:  # whose boxes have no _repr_mimebundle_ of their own
        monkeypatch.delattr(ipywidgets.Widget, "_repr_mimebundle_", raising=False)
    for shown in (quiz(SOME["one"].id), quiz(*(q.id for q in SOME.values()))):
        bundle, _ = shown._repr_mimebundle_(include=None, exclude=None)
        assert bundle["text/plain"] == repr(shown)
        assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.model_id
        assert "<li>" in bundle["text/html"] and not [s for s in secrets_of(SOME["one"]) if s in bundle["text/html"]]


@every_question
def test_does_the_text_in_place_of_a_widget_give_nothing_away(q):
    text = QuizBox(Quiz(q))._as_html()
    assert not [secret for secret in secrets_of(q) if secret in text] and "<script" not in text
    if q.kind == "order":
        places = [text.index(step.replace("'", "&#x27;")) for step in q.steps]
        assert places != sorted(places)


def test_is_the_text_in_place_of_a_widget_escaped():
    from dataclasses import replace

    nasty = replace(SOME["one"], prompt="<script>alert(1)</script>")
    nasty.choices[0], before = {**nasty.choices[0], "text": "<b>&"}, nasty.choices[0]
    text = QuizBox(Quiz(nasty))._as_html()
    nasty.choices[0] = before
    assert "<script" not in text and "&lt;script&gt;" in text and "&lt;b&gt;&amp;" in text


def test_does_a_wrong_name_get_near_ones():
    with pytest.raises(ValueError, match="no question is called 'max-chanels'; there is 'max-channels'"):
        quiz("max-chanels")


def test_does_review_ask_again_without_losing_the_first_answer(monkeypatch):
    monkeypatch.setattr(sys.modules[review.__module__], "unasked", lambda found: [])
    q, right = SOME["one"], SOME["several"]
    wrong, _ = wrong_answers(q)[0]
    assert "Nothing to review" in review().value
    Page(q).commit(wrong, 2)
    Page(right).commit(right.truth, 2)
    (box,) = review().children
    assert repr(box) == f"Quiz({q.id!r})" and box.quiz.answering
    Page(box).commit(box.quiz._question.truth, 2)
    assert [entry["right"] for entry in answers_to(q.id)] == [False, True]
    assert "Nothing to review" in review().value


def test_does_review_never_ask_the_same_numbers_twice(monkeypatch):
    monkeypatch.setattr(sys.modules[review.__module__], "unasked", lambda found: [])
    q = question("rows-out")
    Page(q).commit("99", 0)
    met = [q.prompt]
    for _ in range(6):
        (box,) = review().children
        asked = box.quiz._question
        assert box.quiz.attempts == [] and asked.id == q.id and asked.prompt not in met
        assert question_of(asked).truth == asked.truth
        met.append(asked.prompt)
        Page(box).commit("99", 0)
        assert Quiz(asked).attempts and answers_to(q.id)[-1]["seed"] == asked.seed
    assert len(Quiz(q).attempts) == 1  # the lesson shows what was said to its own numbers, and no other
    assert progress().answers[q.id][0]["answer"] == 99 and "seed" not in answers_to(q.id)[0]


def test_does_a_question_whose_numbers_cannot_vary_come_back_as_it_was(monkeypatch):
    monkeypatch.setattr(sys.modules[review.__module__], "unasked", lambda found: [])
    q = question("byte-average")
    Page(q).commit(0, 0)
    (box,) = review().children
    assert box.quiz.answering and len(box.quiz.attempts) == 1 and box.quiz._question is q


def test_do_numbers_begin_anew_where_all_were_met():
    small = [draw._numbers(drawn("red-and-blue", seed)) for seed in range(200)]
    seeds = [small.index(numbers) for numbers in dict.fromkeys(small)]
    assert fresh("red-and-blue", []) is fresh("red-and-blue", [0]) is question("red-and-blue")
    assert fresh("red-and-blue", [None, *seeds]) is question("red-and-blue")
    assert fresh("red-and-blue", [None, "x", [2]]).seed is not None  # what an edited file may hold


def test_is_there_practice_without_end():
    met = set()
    for _ in range(12):
        (box,) = practice("05", 1).children
        asked = box.quiz._question
        assert asked.lesson == "05_kernel_size_and_stride" and draw._numbers(asked) not in met
        met.add(draw._numbers(asked))
        Page(box).commit(asked.truth, 2)
    assert len({numbers[:20] for numbers in met}) > 3  # one question after the other
    assert (
        repr(practice(5, 2))
        == repr(practice("05_kernel_size_and_stride", 2))
        == repr(practice("Kernel size and stride", 2))
    )


@pytest.mark.parametrize("lesson", [name for name in LESSONS if LESSONS[name].page != "start"])
def test_can_every_lesson_be_practised(lesson):
    asked = [box.quiz._question for box in practice(lesson, 99).children]
    assert asked and {q.lesson for q in asked} == {lesson}
    assert not {q.role for q in asked} & {"pre", "post"}  # their first answers measure what the course brings


@pytest.mark.parametrize(
    "arguments, says",
    [
        (("00",), "lesson='00' has nothing to practise: the numbers of its questions cannot vary"),
        (("99",), f"lesson='99': there is no such lesson; use a number from '00' to '{len(LESSONS) - 1:02d}'."),
        ((None,), "lesson=None: there is no such lesson"),
        (("05", "two"), "most='two'"),
    ],
)
def test_is_a_lesson_that_is_none_refused_in_a_sentence(arguments, says):
    with pytest.raises((TypeError, ValueError), match=re.escape(says)):
        practice(*arguments)


# --- without a kernel: the page grades itself ----------------------------------------------------------------------


@every_question
def test_does_the_key_go_along_only_where_no_kernel_will_be(q):
    assert Page(q).state["key"] == {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATIC, "1")
        page = Page(q)
    assert page.state["key"]["why"] == q.why and page.state["key"]["truth"] == q.truth
    assert [child.layout.display for child in page.box.children] == [None, "none"][: 2 if q.case else 1]


def ask(cases, folder, source=None):
    node = shutil.which("node")
    if not node:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Node: install it to run card.js.")
    module, asked = folder / "quiz.mjs", folder / "cases.mjs"
    module.write_text(source or CARD, encoding="utf-8")
    asked.write_text(f"export default {json.dumps(cases)}", encoding="utf-8")
    command = [node, str(DRIVER), module.as_uri(), asked.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


NUMBERS = ["1/9", "2,5", " 2.50 ", "−4", "+1", ".5", "5.", "1e3", "1E-2", "0x10", "0b1", "1_0", "nan", "Infinity"]
NUMBERS += ["1/0", "1/2/3", "1//2", "/2", "1 2", "--1", "１", "1e999", "abc", "", "  ", "1,000.5", "-", "1.5.2"]
SHAPES = ["8, 16", "8x16", "(8, 16)", "[8 16]", "torch.Size([8, 16])", "8 × 16", "8,,16", "()", "8, -1", "8.0", "a", ""]


def questions_and_answers():
    """Every question with its right answer, every wrong one, and the other ways to type a number or a shape."""
    for q in ALL:
        yield q, typed(q.kind, q.truth)
        for raw, _ in wrong_answers(q):
            yield q, raw
        yield q, ""
        yield q, None
        if q.kind == "cells":
            yield q, q.truth[::-1]
            yield q, q.truth[1:]
        if q.kind == "several":
            yield q, [q.truth[-1], *q.truth[:-1]]
            yield q, list(range(len(q.choices)))
            yield q, q.truth[1:]
        if q.kind == "number":  # close enough, and not
            for share in (0.5, 0.99, 1.01, 2):
                yield q, typed(q.kind, q.truth + share * q.tolerance * max(1, abs(q.truth)))
    for raw in NUMBERS:
        yield SOME["number"], raw
        yield question("winner-number"), raw  # a whole one
        yield SOME["fill"], [[raw, "1"], ["2", "3"]]
    for raw in SHAPES:
        yield SOME["shape"], raw


def by_python(q, raw):
    try:
        answer = q.parse(raw)
    except ValueError as error:
        return {"refused": str(error)}
    return {"answer": answer, **q.grade(answer)}


def differences(folder, source=None):
    """Where the page, grading by the key, and Python disagree."""
    pairs = list(questions_and_answers())
    by_page = ask([(q.kind, q.whole, json.loads(json.dumps(q.key())), raw) for q, raw in pairs], folder, source)
    found = []
    for (q, raw), page in zip(pairs, by_page, strict=True):
        python = by_python(q, raw)
        if page != python:
            found.append((q.id, raw, page, python))
    return found


def test_does_the_page_grade_as_python_does(tmp_path):
    assert len(list(questions_and_answers())) > 3 * len(ALL)
    assert differences(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "good, bad",
    [
        ("<= tolerance *", "< 0.4 * tolerance *"),
        ('wrong?.misconception ?? ""', '""'),
        ("m.value, key.tolerance", "key.truth, key.tolerance"),
        ("chosen.includes(i) && !c.right", "chosen.includes(i)"),
        ("[...raw].sort((a, b) => a - b)", "raw"),
        ("a[0] - b[0] || a[1] - b[1]", "a[0] - b[0]"),
        ('.replaceAll(",", ".")', ""),
        ("!Number.isFinite(value)", "false"),
        ("!trimmed.every((part) => NUMBER.test(part))", "false"),
        ("chosen.includes(i)", "true"),
        (r"[\s,x×]+", "[,x]"),
    ],
)
def test_is_a_page_that_grades_otherwise_noticed(good, bad, tmp_path):
    assert CARD.count(good) >= 1
    assert differences(tmp_path, CARD.replace(good, bad))


def test_is_the_journal_where_the_notebook_runs(monkeypatch, tmp_path):
    monkeypatch.delenv("POOLING_COURSE_PROGRESS")
    monkeypatch.setattr("pooling_course.place.STARTED_IN", str(tmp_path))
    assert journal_path() == tmp_path / ".pooling_course_progress.jsonl"
    assert question("max-channels").id == "max-channels"


@pytest.mark.parametrize("name", [3, None, [], {}, 2.5, b"max-channels"], ids=repr)
def test_is_what_is_no_name_of_a_question_refused(name):
    for call in (quiz, Quiz, question):
        with pytest.raises(TypeError, match="a question is called by its name, such as 'max-channels'"):
            call(name)


@pytest.mark.parametrize("most", [None, "5", 2.5, [3]])
def test_is_a_number_of_questions_to_review_a_number(most):
    with pytest.raises(TypeError, match="most takes whole numbers only"):
        review(most)
    assert review(-1) and review(0)


def test_has_every_widget_text_where_none_can_be_shown():
    from pooling_course import Flipbook, GradientFlow, figures

    book = Flipbook([("first", figures.mental_model([[1, 3], [5, 6]]), "One window.")], "picture")
    for widget in (
        Quiz("max-channels"),
        quiz("max-channels"),
        quiz("max-channels", list(all_questions())[0]),
        book,
        GradientFlow(),
    ):
        data, _ = widget._repr_mimebundle_()
        assert data["text/plain"] == repr(widget) and data["text/html"].startswith("<")
        assert "application/vnd.jupyter.widget-view+json" in data
