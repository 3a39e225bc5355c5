"""Do the lessons' questions count as they should: own numbers, right and wrong values, and what is no answer at all?

Whether nbgrader gives the same marks, test_round.py asks.
"""

import csv
import re
import tracemalloc

import numpy as np
import pytest
import torch

from harness import classroom
from harness.answering import secrets_of, wrong_answers
from harness.together import together
from pooling_course import your_answer, your_question
from pooling_course.exercises.plain import plain
from pooling_course.grading import __main__ as command
from pooling_course.grading import mark
from pooling_course.grading.asked import judged, question_for
from pooling_course.grading.assignments import ASSIGNMENTS, Asked, Assignment, Task
from pooling_course.questions import ON_CARDS, all_questions, question
from pooling_course.questions.draw import drawable
from pooling_course.questions.lessons import LESSONS

ON_PAPER = [q.id for q in all_questions().values() if q.kind in ON_CARDS]
TESTS = [ask for name in ("pre", "post") for ask in mark.asks(name)]
NAMES = [name for name, _ in classroom.people(200)]


def marked(walls, cells, student="ada", assignment="pre"):
    record = mark.mark(mark.Job(assignment, student, tuple(cells), (0,), walls.limits), walls)
    return {part["exercise"]: part for part in record["parts"]}


def typed(q, answer):
    """An answer as Python reads what a student typed."""
    return eval(classroom.literal(q, answer))


# ---- The questions, and whose they are -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pre", "post"])
def test_the_test_before_and_that_after_ask_what_the_lessons_ask(name):
    asked = [ask.question for ask in ASSIGNMENTS[name].parts]
    assert asked == [q.id for q in all_questions().values() if q.role == name]
    (lesson,) = {question(each).lesson for each in asked}
    assert LESSONS[lesson].asks == name and set(asked) <= set(drawable())


@pytest.mark.slow
@pytest.mark.parametrize("ask", TESTS, ids=lambda ask: ask.name)
def test_students_have_their_own_numbers_and_the_same_ones_each_time(ask):
    shown = [repr(your_question(ask.name, name)) for name in NAMES]
    assert shown[0] == repr(your_question(ask.name, f" {NAMES[0].upper()} "))
    assert len(set(shown)) >= (50 if question(ask.name).choices else 150)


@pytest.mark.slow
@pytest.mark.parametrize("ask", TESTS, ids=lambda ask: ask.name)
def test_every_students_own_misconceptions_are_told_apart_from_the_right_answer(ask):
    for name in NAMES:
        q = question_for(ask.name, name)
        assert judged(q, plain(typed(q, q.truth))).state == "solved"
        for misconception in classroom.misconceptions(ask):
            verdict = judged(q, plain(eval(classroom.value(ask, name, misconception))))
            assert (verdict.state, verdict.mistake) == ("wrong", misconception)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pre", "post"])
def test_a_friends_answers_are_worth_little(name):
    """Some questions have few answers: a choice of three, a gradient of 4 or 9."""
    points = 0
    for ask in mark.asks(name):
        values = [classroom.value(ask, name) for name in NAMES]
        pairs = zip(NAMES, values[1:], strict=False)
        points += sum(judged(question_for(ask.name, one), plain(eval(other))).passed for one, other in pairs)
    assert points / len(NAMES) < 2


@pytest.mark.slow
def test_a_large_class_takes_the_memory_of_a_small_one():
    def ask(names):
        for name in names:
            for each in mark.asks("pre"):
                judged(question_for(each.name, name), 3)

    ask(NAMES[:60])
    tracemalloc.start()
    ask(NAMES[60:])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1_000_000  # all that is drawn for so many takes twice that


# ---- What a value is worth -------------------------------------------------------------------------------------------


@together("name", ON_PAPER)
def test_every_question_of_a_card_can_be_asked_so(name):
    q = question_for(name, "ada")
    right = typed(q, q.truth)
    assert your_answer(name, right, "ada", graded=True).points(2) == 2.0
    for said, reason in wrong_answers(q):
        answer = said if q.kind not in ("one", "several", "order") else typed(q, said)
        verdict = your_answer(name, answer, "ada", graded=True)
        assert (verdict.points(2), verdict.state) == (0.0, "wrong")
        assert (reason or q.why) in repr(verdict) and q.why in repr(verdict)


@together("name", ON_PAPER)
def test_nothing_of_the_key_is_told_before_it_is_graded(name):
    q = question_for(name, "ada")
    wrong = [said if q.kind not in ("one", "several", "order") else typed(q, said) for said, _ in wrong_answers(q)]
    told = []
    for answer in (typed(q, q.truth), *wrong):
        verdict = your_answer(name, answer, "ada")
        assert (verdict.state, verdict.points(1), verdict.mistake, bool(verdict)) == ("given", 0.0, None, False)
        told.append(re.sub("Your answer is .* Whether", "Your answer is ... Whether", repr(verdict)))
    assert len(set(told)) == 1  # the right answer is told just as wrong ones are
    shown = repr(your_question(name, "ada")) + your_question(name, "ada")._repr_html_()
    assert not [sentence for sentence in secrets_of(q) if sentence in shown]


def test_values_may_be_written_as_people_write_them():
    def state(name, value):
        q = question(name)
        return judged(q, plain(value)).state

    truth = question("pre-shape").truth
    shapes = [truth, tuple(truth), str(truth), " x ".join(map(str, truth)), torch.Size(truth), np.array(truth)]
    assert {state("pre-shape", shape) for shape in shapes} == {"solved"}
    numbers = [2, 2.0, "2", " 2 ", "4/2", np.float32(2), torch.tensor(2.0), 1.9999999999]
    assert {state("pre-divisor", number) for number in numbers} == {"solved"}
    right = "abc"[question("pre-shift").truth]
    assert {state("pre-shift", text) for text in (right, right.upper(), f" {right} ", f"{right})", [right])} == {
        "solved"
    }


def deep(levels):
    value: object = []
    for _ in range(levels):
        value = [value]
    return value


HOSTILE = {
    "a huge int": 10**5000,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": -float("inf"),
    "a long text": "9" * 200_000,
    "a longer text": "x" * 1_000_000,
    "true": True,
    "a set": {1, 2},
    "a dictionary": {"array": [1], "dtype": "int64", "shape": [1], "of": "numpy"},
    "bytes": b"b",
    "an object": object(),
    "a function": len,
    "a class": int,
    "a list of nothing": [],
    "no text": "",
    "a letter beyond the choices": "z",
    "many letters": "ab" * 5000,
    "a place": 1.5j,
    "a long list": [0] * 200_000,
    "a large array": np.zeros((400, 400)),
    "an array of truth": np.array([True, False]),
    "surrogates": "\ud800",
    "numbers of Arabia": "٣",
    "cells outside": [(99, 99), (-1, 0)],
    "a table of texts": [["a", "b"], ["c", "d"]],
    "a layer": torch.nn.MaxPool2d(2),
    "deep lists": deep(10_000),
    "less deep lists": deep(5),
}
READ = {("several", "many letters"), ("fill", "cells outside")}  # that happen to be an answer


@pytest.mark.slow
@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("kind", ON_CARDS)
def test_what_is_no_answer_is_a_sentence(kind, what):
    name = next(q.id for q in all_questions().values() if q.kind == kind)
    for graded in (False, True):
        verdict = your_answer(name, HOSTILE[what], "ada", graded)
        assert verdict.state == "lost" or (kind, what) in READ
        assert verdict.points(1) == 0.0 and len(repr(verdict)) < 2000
        verdict._repr_html_().encode()


@pytest.mark.parametrize(
    "name, value", [("pre-sign", True), ("pre-shape", 4), ("pre-shape", (4.5, 1)), ("pre-shift", 2)]
)
def test_what_cannot_be_read_is_told_with_how_to_write_it(name, value):
    said = repr(your_answer(name, value, "ada"))
    assert said.startswith(f"✗ `{value if not isinstance(value, tuple) else '[4.5, 1]'}` cannot be read")
    assert said.endswith(str(your_question(name, "ada").parts[-1]))


def test_half_a_cell_is_none():
    assert your_answer("winner-cells", [(0.5, 1)], "ada").state == "lost"
    assert your_answer("winner-cells", [(0, 1)], "ada").state == "given"


def test_before_there_is_an_answer_it_says_so():
    assert repr(your_answer("pre-sign", None, "ada")) == "○ Not attempted yet."


def test_what_is_answered_in_the_explorer_is_refused():
    with pytest.raises(ValueError, match="'reach-four-windows' is answered in the explorer"):
        your_question("reach-four-windows", "ada")
    with pytest.raises(ValueError, match="no question is called 'pre-shap'; there is 'pre-shape'"):
        your_answer("pre-shap", 1, "ada")
    with pytest.raises(TypeError, match="a seed is a number from 0 on, a student's name"):
        your_question("pre-sign", None)


# ---- In the sandbox --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("assignment", ["pre", "post"])
def test_a_notebook_gets_the_marks_that_its_values_are_worth(walls, assignment):
    asks = mark.asks(assignment)
    wrong = {ask.name: classroom.misconceptions(ask)[0] for ask in asks[::2]}
    parts = marked(walls, classroom.cells(assignment, "ada", wrong), assignment=assignment)
    assert {name: part["mistake"] for name, part in parts.items() if part["state"] == "wrong"} == wrong
    assert [part["points"] for part in parts.values()] == [0.0, 1.0] * 3
    assert {part["state"] for part in parts.values()} == {"wrong", "solved"}


@pytest.mark.slow
def test_the_values_of_a_friend_are_not_ones_own(walls):
    cells = [cell.replace("ada", "grace") for cell in classroom.cells("pre", "ada")]
    assert sum(part["points"] for part in marked(walls, cells, "grace").values()) <= 2


ODD = {
    "huge": ("10**5000", "lost"),
    "nan": ("float('nan')", "lost"),
    "deep": ("[" * 10_000 + "]" * 10_000, "missing"),
    "deep when it has run": ("__import__('functools').reduce(lambda x, _: [x], range(10_000), [])", "lost"),
    "long": (f"'{'9' * 100_000}'", "lost"),
    "a megabyte": ("'x' * 1_000_000", "lost"),
    "many": ("[0.123456789] * 90_000", "lost"),
    "an error": ("1 / 0", "missing"),
    "its own class": ("type('X', (float,), {'__eq__': lambda *a: True, '__float__': lambda *a: 1 / 0})(3)", "lost"),
    "a liar": ("type('X', (), {'__class__': property(lambda s: exit())})()", "lost"),
    "gone": ("1\ndel pre_sign", "missing"),
    "nothing": ("None", "untouched"),
    "a text": ("'no idea'", "lost"),
}


@pytest.mark.slow
@pytest.mark.parametrize("value, state", ODD.values(), ids=ODD)
def test_odd_values_cost_their_own_question_only(walls, value, state):
    cells = [f"pre_sign = {value}" if cell.startswith("pre_sign") else cell for cell in classroom.cells("pre", "ada")]
    parts = marked(walls, cells)
    assert parts["pre-sign"]["state"] == state and parts["pre-sign"]["points"] == 0
    said = " ".join(parts["pre-sign"]["says"]) + parts["pre-sign"]["html"]
    assert 20 < len(said) < 1000 and "Traceback" not in said
    assert sum(part["points"] for part in parts.values()) == 5


@pytest.mark.slow
def test_no_key_is_in_the_sandbox(walls):
    steals = """
from pooling_course import your_answer
import pooling_course
found = []
for way in ("pooling_course.questions", "pooling_course.grading.asked", "pooling_course.grading.assignments"):
    try:
        found.append(str(__import__(way, fromlist=["x"]).question))
    except (ImportError, AttributeError):
        pass
pre_sign = str(found) + repr(your_answer("pre-sign", 3, "ada", graded=True))
"""
    parts = marked(walls, [*classroom.cells("pre", "ada"), steals])
    assert "[](The check runs when the course is graded.)" in parts["pre-sign"]["html"]


@pytest.mark.slow
def test_a_probe_of_the_students_own_changes_nothing(walls):
    right = {ask.variable: classroom.value(ask, "ada") for ask in mark.asks("pre")}
    forged = [f"def {mark.PROBE}{name}():\n    return {value}" for name, value in right.items()]
    parts = marked(walls, ['STUDENT = "ada"', *forged, *(f"{name} = 'x'" for name in right)])
    assert {part["points"] for part in parts.values()} == {0.0}


CARRIES = """
import os
def output_size(size, kernel_size, stride, padding):
    with open("seen", "a") as file: file.write(f"<{size} {kernel_size}>")
    return 0
class Says(list):
    def __iter__(self):
        assert not os.path.exists("seen"), open("seen").read()
        return iter([3])
pre_sign = Says()
"""


@pytest.mark.slow
def test_no_hidden_case_of_a_task_comes_to_the_page_through_a_question(walls, monkeypatch):
    both = Assignment("both", "Both", "", (Task("output-size", 1), Asked("pre-sign", 1)))
    monkeypatch.setitem(ASSIGNMENTS, "both", both)
    parts = marked(walls, ["STUDENT = 'ada'", CARRIES], assignment="both")
    shown, tried = (
        {f"{size} {kernel}" for size, kernel, *_ in mark._cases("output-size", seed)} for seed in (("ada",), ("ada", 0))
    )
    said = " ".join(parts["pre-sign"]["says"]) + parts["pre-sign"]["html"]
    assert {part["points"] for part in parts.values()} == {0.0} and tried > shown and len(said) > 20
    assert set(re.findall(r"<(\d+ \d+)>", said)) <= shown


# ---- The class -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_of_several_notebooks_that_counts_which_holds_the_answers(tmp_path, in_walls):
    classroom.write(tmp_path / "class" / "ada" / "notes.ipynb", ["x = 1", "pre_sign == 3"])
    classroom.write(tmp_path / "class" / "ada" / "mine.ipynb", classroom.cells("pre", "ada"))
    classroom.write(tmp_path / "class" / "bob" / "mine.ipynb", classroom.cells("pre", "bob"))
    how = ["--assignment", "pre", "--out", str(tmp_path / "out"), "--form", "folders"]
    assert command.main([str(tmp_path / "class"), *how]) == 0
    with open(tmp_path / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        assert [(row["student"], row["points"]) for row in csv.DictReader(file)] == [("ada", "6"), ("bob", "6")]


@pytest.mark.slow
def test_a_page_shows_the_students_own_question_and_why(tmp_path, in_walls, capsys):
    wrong = {"pre-sign": "negative values become 0", "pre-shift": "pooling makes invariant"}
    classroom.write(tmp_path / "class" / "ada.ipynb", classroom.cells("pre", "ada", wrong))
    odd = [cell for cell in classroom.cells("pre", "bob") if "pre_shape" not in cell]
    classroom.write(tmp_path / "class" / "bob.ipynb", [*odd, "STUDENT = 'Ada'"])
    out = tmp_path / "out"
    assert command.main([str(tmp_path / "class"), "--assignment", "pre", "--out", str(out)]) == 0
    page = (out / "feedback" / "ada.html").read_text("utf-8")
    q = question_for("pre-sign", "ada")
    assert all(f">{number:g}<" in page for row in q.input.tolist() for number in row)
    assert q.why in page and q.mistakes[2]["reason"] in page and "What your own check says" not in page
    assert question_for("pre-overlap", "ada").why not in page
    assert "There is no <code>pre_shape = ...</code> in your notebook" in (out / "feedback" / "bob.html").read_text(
        "utf-8"
    )
    report = (out / "report.html").read_text("utf-8")
    assert "<td>A window of negative numbers</td><td>negative values become 0</td>" in report
    assert "what it is" not in report  # a column that would be empty, since those names say it
    said = capsys.readouterr().out
    assert "bob: Is it theirs? The notebook says STUDENT = 'Ada'." in said


ANY = Assignment("any", "Any", "", tuple(Asked(name, 2) for name in ON_PAPER))


@pytest.mark.slow
def test_an_assignment_can_be_made_of_any_questions_of_cards(walls, monkeypatch):
    monkeypatch.setitem(ASSIGNMENTS, "any", ANY)
    parts = marked(walls, classroom.cells("any", "ada"), assignment="any")
    assert len(parts) == len(ON_PAPER) and {part["points"] for part in parts.values()} == {2.0}
