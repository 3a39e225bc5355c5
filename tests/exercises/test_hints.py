"""Do hints come one by one, to those who need them, and is a name or seed refused that makes no sense?"""

import pytest

from harness.answers import answer
from pooling_course.exercises import check, hint, load, names, your_case


@pytest.mark.parametrize("name", names())
def test_hints_come_one_by_one(name, monkeypatch):
    monkeypatch.setattr("pooling_course.exercises._asked", {})
    exercise = load(name)
    ladder = [str(hint(name)) for _ in range(4)]
    assert ladder[0].startswith(f"Nudge: {exercise.hints[0]}") and f'hint("{name}")' in ladder[0]
    assert ladder[1].startswith(f"Idea: {exercise.hints[1]}")
    if exercise.level == "own":
        assert ladder[1] == ladder[2] == ladder[3] == hint(name, 2) == f"Idea: {exercise.hints[1]}"
        with pytest.raises(ValueError, match=r"are 1 \(a nudge\) and 2 \(the idea\)\."):
            hint(name, 3)
        return
    assert ladder[2] == ladder[3] == f"Model answer:\n{exercise.solution}"
    assert [hint(name, step) for step in (1, 2, 3)] == ladder[:3] and repr(hint(name, 3)) == ladder[2]
    assert exercise.solution not in "".join(ladder[:2])
    assert check(name, answer(exercise.solution, name)).state == "solved"  # what the last hint shows works in a cell


@pytest.mark.parametrize(
    "body, state",
    [("return 0", "wrong"), ("raise NotImplementedError", "untouched"), ("return torch.arange(3)", "refused")],
)
def test_who_has_not_solved_it_gets_hints_and_a_graded_report_has_none(body, state):
    found = check("output-size", answer(f"def output_size(size, kernel_size, stride, padding):\n    {body}\n"))
    assert found.state == state and found.ladder == load("output-size").ladder
    assert found._repr_html_().startswith(found.report._repr_html_()) and "Hint 1 of 3" in found._repr_html_()
    assert repr(found) == f'{found.report!r}\nA hint, if you want one: `hint("output-size")`'
    assert "hint" not in found.report._repr_html_().lower()


def test_who_has_solved_it_gets_none():
    found = check("output-size", load("output-size").model)
    assert found._repr_html_() == found.report._repr_html_() and repr(found) == repr(found.report)


@pytest.mark.parametrize("step", [0, 4, "2", 1.5])
def test_a_step_that_no_ladder_has_is_refused(step):
    with pytest.raises(ValueError, match="1 \\(a nudge\\), 2 \\(the idea\\) and 3 \\(a model answer\\)"):
        hint("shares", step)


@pytest.mark.parametrize("name", ["no-such", "", "output_sizes", "../plain", "__init__", "_own"])
def test_an_unknown_name_lists_those_there_are(name):
    for ask in (load, hint, lambda name: check(name, len), lambda name: your_case(name, "ada")):
        with pytest.raises(ValueError, match="no exercise is called .*; there is average-backward, .*winners"):
            ask(name)


@pytest.mark.parametrize("name", [3, None, [], {}, 2.5, b"output-size"], ids=repr)
def test_is_what_is_no_name_of_an_exercise_refused(name):
    for call in (lambda: check(name, len), lambda: hint(name), lambda: your_case(name, "ada")):
        with pytest.raises(TypeError, match="an exercise has a name, such as 'output-size'"):
            call()


@pytest.mark.parametrize("seed", [None, 2.5, -1, [1], {}, b"ada", (1, None)], ids=repr)
def test_is_what_is_no_seed_refused(seed):
    for call in (lambda: check("output-size", len, seed), lambda: your_case("output-size", seed)):
        with pytest.raises(TypeError, match="a seed is a number from 0 on, a student's name, or several in a tuple"):
            call()
