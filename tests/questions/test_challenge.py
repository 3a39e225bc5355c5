"""Does a challenge take what stands in the explorer, let torch judge, and keep its key until the goal is reached?"""

import json
import math

import pytest

from pooling_course import PoolingExplorer, quiz, review
from pooling_course.questions import Reach, all_questions
from pooling_course.questions.card import QuizBox
from pooling_course.questions.challenge import STATIC, Challenge
from pooling_course.questions.journal import due, entries, progress, record
from pooling_course.web import assets

pytestmark = pytest.mark.usefixtures("journal")
ALL = [q for q in all_questions().values() if isinstance(q, Reach)]
FOUR = "reach-four-windows"
RIGHT, WRONG = {"kernel_size": 4, "stride": 4}, {"kernel_size": 2, "stride": 4}
every_challenge = pytest.mark.parametrize("q", ALL, ids=lambda q: q.id)


def send(challenge, content):
    for callback in challenge._msg_callbacks.callbacks:  # ipywidgets would only log what they raise
        callback(challenge, content, [])


def check(challenge, answer, **more):
    send(challenge, {"type": "check", "answer": answer, **more})
    return challenge.attempts[-1]["feedback"] if challenge.attempts else None


def state(challenge):
    return {n: v for n, v in challenge.get_state().items() if not n.startswith("_") and n not in ("layout", "book")}


def secrets(q):
    return [q.why, *q.told, *(mistake["reason"] for mistake in q.mistakes)]


# --- the verdict ----------------------------------------------------------------------------------------------------


@every_challenge
def test_is_the_solution_accepted_and_each_slip_refused_with_its_own_reason(q):
    challenge = Challenge(q)
    for number, mistake in enumerate(q.mistakes, 1):
        feedback = check(challenge, mistake["value"])
        assert not feedback["right"] and feedback["mistake"] == mistake["reason"] and len(challenge.attempts) == number
        assert not [secret for secret in (q.why, *q.told) if secret in json.dumps(challenge.attempts)]
    feedback = check(challenge, q.truth)
    assert feedback["right"] and feedback["why"] == q.why and feedback["fewest"] == feedback["moves"]


@every_challenge
def test_is_what_stands_in_the_explorer_what_is_judged(q):
    """The widget's own traits, moved to the solution, are the answer that reaches the goal."""
    challenge = Challenge(q)
    assert isinstance(challenge, PoolingExplorer) and challenge.pooling == q.pooling
    assert challenge.x.equal(q.start.x) and challenge.compare == q.case.get("compare", False)
    assert challenge.direction == q.case.get("direction", "forward")
    challenge.set_state({n: v for n, v in q.truth.items() if n != "cells"})
    for row, col, value in q.truth.get("cells", []):
        send(challenge, {"type": "edit", "channel": 0, "row": row, "col": col, "text": repr(value)})
    stand = q.stand(q.truth)
    assert challenge.pooling == stand.pooling() and challenge.x.equal(stand.x)


@pytest.mark.parametrize(
    "raw", [None, "", [], 7, {"kernel_size": "wide"}, {"stride": 0}, {"kernel_size": 99}], ids=repr
)
def test_does_what_stands_nowhere_get_a_sentence_and_cost_nothing(raw, journal):
    challenge = Challenge(FOUR)
    assert check(challenge, raw) is None
    assert challenge.message.endswith(".") and "Traceback" not in challenge.message and not journal.exists()


@pytest.mark.parametrize("content", [None, [], "check", 7, {}, {"type": None}, {"type": ["check"]}, {"type": "key"}])
def test_does_a_garbled_message_change_nothing(content):
    challenge = Challenge(FOUR)
    before = state(challenge)
    send(challenge, content)
    assert state(challenge) == before


@pytest.mark.parametrize("seconds", ["soon", None, -5, math.nan, math.inf, [1], {}])
def test_does_a_garbled_time_not_cost_the_answer(seconds):
    check(Challenge(FOUR), RIGHT, seconds=seconds)
    assert entries()[0][0]["seconds"] == 0


# --- nothing before it is reached -----------------------------------------------------------------------------------


@every_challenge
def test_does_the_page_know_nothing_before_it_is_reached(q):
    challenge = Challenge(q)
    text = json.dumps(state(challenge), ensure_ascii=False) + assets.script("questions/challenge.js")
    assert challenge.key == {} and not [secret for secret in secrets(q) if secret in text]


def test_does_python_ignore_what_the_page_makes_up(journal):
    challenge = Challenge(FOUR)
    before = state(challenge)
    made_up = {"attempts": [{"answer": RIGHT, "feedback": {"right": True}}], "given": ["mine"], "key": {"why": "mine"}}
    challenge.set_state({**made_up, "notice": "hello", "question": {}})
    assert state(challenge) == before and not journal.exists()
    challenge.set_state({"kernel_size": 4})
    assert challenge.kernel_size == 4  # what is moved is the page's to set


def test_do_hints_come_one_at_a_time_and_the_last_is_the_whole_answer():
    challenge = Challenge(FOUR)
    told = challenge._question.told
    for count in range(1, len(told) + 1):
        send(challenge, {"type": "hint"})
        assert challenge.given == told[:count]
    send(challenge, {"type": "hint"})
    assert challenge.given == told and "nn.MaxPool2d(kernel_size=4)" in told[-1]
    assert entries() == ([], [])  # a hint is no answer, and nobody counts them


# --- the record, and another day ------------------------------------------------------------------------------------


def test_is_everything_noted_down_and_the_first_answer_the_one_that_counts():
    challenge = Challenge(FOUR)
    check(challenge, WRONG, seconds=12.345)
    check(challenge, RIGHT)
    first, second = entries()[0]
    assert first == {
        "v": 1,
        "time": first["time"],
        "id": FOUR,
        "lesson": "01_what_is_pooling",
        "attempt": 1,
        "answer": WRONG,
        "confidence": 1,
        "right": False,
        "misconception": "the stride alone decides",
        "seconds": 12.3,
    }
    assert (second["right"], second["attempt"], second["answer"]) == (True, 2, RIGHT)
    row = next(row for row in progress().lessons() if row["lesson"] == "01_what_is_pooling")
    assert (row["answered"], row["right"], row["sure_wrong"]) == (1, 0, 0)


def test_does_a_cell_run_again_show_what_was_checked():
    check(Challenge(FOUR), WRONG)
    again = Challenge(FOUR)
    assert [attempt["answer"] for attempt in again.attempts] == [WRONG] and again.kernel_size == 2
    check(again, RIGHT)
    assert [entry["attempt"] for entry in entries()[0]] == [1, 2]


def test_is_an_answer_left_out_that_the_question_no_longer_takes():
    for answer in (99, None, [1], {"kernel_size": "wide"}):
        record({"id": FOUR, "right": True, "answer": answer, "confidence": 1})
    assert Challenge(FOUR).attempts == []


def test_does_review_bring_a_challenge_back():
    check(Challenge(FOUR), WRONG)
    assert due(entries()[0])[:1] == [FOUR]
    shown = review(1).children[0]
    assert isinstance(shown, Challenge) and repr(shown) == f"Challenge({FOUR!r})"
    assert [attempt["answer"] for attempt in shown.attempts] == [WRONG]


def test_does_the_answer_count_where_it_cannot_be_saved(monkeypatch, tmp_path):
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path))  # a folder is no file
    challenge = Challenge(FOUR)
    assert check(challenge, RIGHT)["right"] and "The lesson goes on." in challenge.notice


# --- how it is shown ------------------------------------------------------------------------------------------------


def test_shows_quiz_each_question_where_it_is_answered():
    card, challenge = quiz("max-channels", FOUR).children
    assert isinstance(card, QuizBox) and isinstance(challenge, Challenge)
    assert repr(quiz("max-channels", FOUR)) == f"Quiz('max-channels')\nChallenge({FOUR!r})"
    with pytest.raises(ValueError, match="is answered on a card: show it with quiz"):
        Challenge("max-channels")
    from pooling_course import Quiz

    with pytest.raises(ValueError, match="is answered in the explorer: show it with quiz"):
        Quiz(FOUR)


@every_challenge
def test_does_the_text_in_place_of_a_widget_give_nothing_away(q):
    text = quiz(q.id, "max-channels")._repr_mimebundle_()[0]["text/html"]
    assert not [secret for secret in secrets(q) if secret in text] and "<script" not in text
    assert all(condition["says"].replace("'", "&#x27;") in text for condition in q.goal)


@every_challenge
def test_does_the_key_go_along_only_where_no_kernel_will_be(q, monkeypatch):
    assert Challenge(q).key == {}
    monkeypatch.setenv(STATIC, "1")
    assert Challenge(q).key == q.key() and q.key()["hints"] == q.told
