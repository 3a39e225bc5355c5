"""Would the checks of test_questions.py notice? Each is shown what somebody spoilt, and must reject it."""

import copy

import pytest
from test_questions import (
    check_enough,
    check_every_setting_matters,
    check_grading,
    check_how_many_are_right,
    check_length_tells_nothing,
    check_misconceptions_miss,
    check_not_typed_in,
    check_nothing_leaks,
    check_parallel,
    check_place_tells_nothing,
    check_reads_well,
    check_reasons,
    check_right_answer,
    check_unique,
    check_whole,
)

from harness.questions import ANOTHER_WAY, DATA, FACTS, FILES, every_file, made, right_places
from harness.spoiling import dropped, put
from pooling_course.questions import Question, answers
from pooling_course.questions.lessons import STEPS


def spoilt(name, change):
    data = copy.deepcopy(next(data for _, data in DATA if data["id"] == name))
    change(data)
    return data


def stretched(data):
    """The right choice says more than the others."""
    for place in right_places(made(data)):
        data["choices"][place]["text"] += ", since that is how pooling works in each and every case that there is"


def all_right(data):
    for choice in data["choices"]:
        choice["value"] = {"kind": "max", "kernel_size": 1}


LONG = "This reason goes on and on. " * 8
SPOILT = [
    ("an unknown key", check_whole, "lost-row", put(1, "points")),
    ("no title", check_whole, "lost-row", put("", "title")),
    ("its id for a title", check_whole, "lost-row", put("lost-row", "title")),
    ("a right answer in the title", check_whole, "who-has-more", put("All three have the same number", "title")),
    ("an unknown kind", check_whole, "lost-row", put("pick", "kind")),
    ("an unknown role", check_whole, "lost-row", put("quiz", "role")),
    ("no source", check_whole, "lost-row", dropped("source")),
    ("no choices", check_whole, "lost-row", dropped("choices")),
    ("no mistakes", check_whole, "rows-out", put([], "mistakes")),
    ("no answer", check_whole, "rows-out", dropped("answer")),
    ("steps for a choice", check_whole, "lost-row", put(["a", "b"], "steps")),
    ("an unknown part of the case", check_whole, "rows-out", put(1, "case", "device")),
    ("a choice without a reason", check_reasons, "lost-row", put("", "choices", 0, "reason")),
    ("a wrong choice without a misconception", check_reasons, "lost-row", dropped("choices", 0, "misconception")),
    ("a right choice with one", check_reasons, "lost-row", put("every cell is read", "choices", 3, "misconception")),
    ("a misconception as a sentence", check_reasons, "lost-row", put("Rows get lost!", "choices", 0, "misconception")),
    ("a mistake without a reason", check_reasons, "rows-out", dropped("mistakes", 0, "reason")),
    ("two right choices of one", check_how_many_are_right, "lost-row", put([8], "choices", 0, "value")),
    ("no wrong choice", check_how_many_are_right, "keep-size", all_right),
    ("two choices alike", check_how_many_are_right, "lost-row", put("Row 8, the last one", "choices", 0, "text")),
    ("too few choices", check_how_many_are_right, "peak-moves", lambda data: data.update(choices=data["choices"][:2])),
    ("an answer typed in", check_not_typed_in, "lost-row", put(True, "choices", 3, "right")),
    ("a choice without a value", check_not_typed_in, "lost-row", dropped("choices", 3, "value")),
    ("a prompt cut off", check_reads_well, "lost-row", put("Which rows are read", "prompt")),
    ("a lecture for a reason", check_reads_well, "lost-row", put(LONG, "choices", 0, "reason")),
    ("a lecture for a why", check_reads_well, "lost-row", put(LONG, "why")),
    (
        "signs that do not matter",
        check_misconceptions_miss,
        "below-zero-again",
        put([[-2, -8], [-6, -4]], "case", "input"),
    ),
    (
        "a ceil_mode that changes nothing",
        check_every_setting_matters,
        "ceil-window",
        put([1, 9, 9], "case", "input", "shape"),
    ),
    ("a padding that changes nothing", check_every_setting_matters, "pad-loss", dropped("case", "pooling", "stride")),
    ("a wrong mistake", check_grading, "rows-out", put(4, "mistakes", 0, "value")),
    ("a mistake met twice", check_grading, "rows-out", put(3, "mistakes", 0, "value")),
    ("a mistake that cannot be typed", check_grading, "rows-out", put("four", "mistakes", 0, "value")),
]


@pytest.mark.parametrize("check, name, change", [s[1:] for s in SPOILT], ids=[s[0] for s in SPOILT])
def test_is_a_spoilt_question_noticed(check, name, change):
    check(spoilt(name, lambda data: None))
    with pytest.raises((AssertionError, ValueError)):
        check(spoilt(name, change))


@pytest.mark.parametrize("name", sorted({data.get("answer") for _, data in DATA} & {*ANOTHER_WAY, *FACTS}))
def test_is_a_wrong_answer_function_noticed(monkeypatch, name):
    """If a function of answers.py gives a typical wrong answer, does each question that uses it fail?"""
    for data in (data for _, data in DATA if data.get("answer") == name):
        check_right_answer(data)
        q = made(data)
        if q.kind in ("one", "several"):
            wrong = next(c["value"] for i, c in enumerate(q.choices) if i not in right_places(q))
            wrong = [wrong] if q.kind == "several" else wrong
        else:
            wrong = q.mistakes[0]["value"]
        monkeypatch.setitem(answers.ANSWERS, name, lambda _, wrong=wrong: wrong)
        with pytest.raises((AssertionError, RuntimeError)):
            check_right_answer(data)
        monkeypatch.undo()


class Talkative(Question):
    """A question whose page learns too much."""

    def public(self):
        return {**super().public(), "hint": self.why}


class InOrder(Question):
    shown_order = property(lambda self: list(range(len(self.steps))))


class TellingNumbers(Question):
    def public(self):
        return {**super().public(), "steps": [[i, self.steps[i]] for i in self.shown_order]}


class Reasons(Question):
    def public(self):
        return {**super().public(), "choices": [c["reason"] for c in self.choices]}


@pytest.mark.parametrize(
    "leak, name",
    [(Talkative, "lost-row"), (Reasons, "lost-row"), (InOrder, "size-steps"), (TellingNumbers, "size-steps")],
)
def test_is_a_leak_noticed(leak, name):
    data = next(data for _, data in DATA if data["id"] == name)
    check_nothing_leaks(made(data))
    with pytest.raises(AssertionError):
        check_nothing_leaks(leak(lesson="99_test", **data))


@every_file
def test_is_a_long_right_choice_noticed(lesson):
    chosen = [copy.deepcopy(data) for data in FILES[lesson] if data["kind"] in ("one", "several")]
    for data in chosen:
        stretched(data)
    with pytest.raises(AssertionError):
        check_length_tells_nothing(chosen)


def test_is_a_right_choice_always_in_the_same_place_noticed():
    for lesson in STEPS:
        chosen = copy.deepcopy([data for data in FILES[lesson] if data["kind"] == "one"])
        for data in chosen:
            data["choices"].insert(0, data["choices"].pop(made(data).truth))
        if len(chosen) >= 3:
            with pytest.raises(AssertionError):
                check_place_tells_nothing(chosen)


def test_is_a_missing_question_noticed():
    lesson = STEPS[4]
    for role in ("predict", "check", "return"):
        with pytest.raises(AssertionError):
            check_enough(lesson, [data for data in FILES[lesson] if data["role"] != role])


def test_is_a_name_used_twice_noticed():
    with pytest.raises(AssertionError):
        check_unique({**FILES, "10_again": FILES["06_padding"]})


@pytest.mark.parametrize("change", [lambda a: a.pop(), lambda a: a.reverse(), lambda a: a[0].update(kind="number")])
def test_is_a_test_that_is_not_parallel_noticed(change):
    before, after = ([copy.deepcopy(data) for _, data in DATA if data["role"] == role] for role in ("pre", "post"))
    change(after)
    with pytest.raises((AssertionError, ValueError)):
        check_parallel(before, after)
    with pytest.raises(AssertionError):
        check_parallel(before, before)
