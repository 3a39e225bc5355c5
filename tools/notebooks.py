"""Notebooks made of the definitions: the exercises of the lessons, and the assignments in nbgrader's source format.

`python course.py assignments` writes them. A test makes them again and compares, so they cannot drift apart.
"""

import argparse
import json
import re
from pathlib import Path
from textwrap import indent

from pooling_course.exercises import load, names
from pooling_course.exercises.definition import EXAMPLE_NAME
from pooling_course.exercises.source import RULE
from pooling_course.grading.assignments import ASSIGNMENTS, HIDDEN, Asked, Assignment, Code, Task, Written, is_own

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
EVERY_ASSIGNMENT = """
Write your answers where it says `YOUR CODE HERE`; the cell below each shows what you have so far, in points. When your
work is graded, your functions are tried on more cases than you see here. Cells of your own are welcome. Before you hand
in, restart the kernel and run all cells (menu *Kernel* → *Restart Kernel and Run All Cells*).
"""
EVERY_QUESTION = """
Each question is shown by a cell, with numbers of your own. Write your answer in place of `None`. The cell below shows
how it is read; its points stay 0.0 until your work is graded. Before you hand in, restart the kernel and run all cells
(menu *Kernel* → *Restart Kernel and Run All Cells*).
"""
RUNGS = {  # of the ladder that a lesson's exercises are, as `definition.LEVELS` orders them
    "worked": "*Step by step: one is solved, and yours is the next.*",
    "gaps": "*With gaps: most of the code is already there.*",
    "free": "*On your own.*",
}
PAPER = "Rule: return the numbers themselves. A call of torch does not count."
STUCK = "Stuck? A button below the check gives hints, whether or not you have written anything yet."
WHO = """
Who are you? Everyone gets numbers of their own, which depend on what you write here. Put the name or number that your
learning platform knows you by, do not change it later, and run the cell.
"""


def outdated() -> dict[Path, str]:
    """The notebooks that are not what the definitions say, and what they should hold."""
    made = {path: text_of(with_exercises(path)) for path in lessons()}
    made |= {source_path(name): text_of(source_notebook(a)) for name, a in ASSIGNMENTS.items()}
    return {path: text for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text}


def text_of(notebook: dict) -> str:
    """A notebook as Jupyter saves it."""
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


# ---- Cells -----------------------------------------------------------------------------------------------------------


def markdown(id, text, **metadata):
    return {"cell_type": "markdown", "id": id, "metadata": metadata, "source": _lines(text)}


def code(id, text, **metadata):
    return {**markdown(id, text, **metadata), "cell_type": "code", "execution_count": None, "outputs": []}


def _lines(text):
    return text.strip("\n").splitlines(keepends=True)


def _task(title, *texts):
    return "\n\n".join(text.strip() for text in (f"### {title}", *texts) if text)


# ---- Lessons ---------------------------------------------------------------------------------------------------------


def lessons() -> list[Path]:
    """The lessons that have exercises."""
    numbers = sorted({exercise.lesson for exercise in lesson_exercises()})
    return [next(NOTEBOOKS.glob(f"{number}_*.ipynb")) for number in numbers]


def lesson_exercises():
    """The exercises of the lessons: all but those that give each student own numbers."""
    return [exercise for exercise in map(load, names()) if exercise.level != "own"]


def with_exercises(path: Path) -> dict:
    """A lesson whose section "Write it yourself" holds its exercises; what opens that section is written by hand.

    Raises:
        ValueError: the lesson has no such section.
    """
    notebook = json.loads(path.read_text("utf-8"))
    stem = re.sub(r"^\d+_", "", path.stem).replace("_", "-")
    cells = [cell for cell in notebook["cells"] if f"{stem}-exercise-" not in cell["id"]]
    at = [i for i, cell in enumerate(cells) if cell["id"] == f"{stem}-write-it-yourself"]
    if not at:
        raise ValueError(f"{path.name} has exercises and no cell {stem}-write-it-yourself for them to follow.")
    made = [cell for e in lesson_exercises() if e.lesson == path.stem[:2] for cell in exercise_cells(stem, e)]
    return {**notebook, "cells": cells[: at[0] + 1] + made + cells[at[0] + 1 :]}


def exercise_cells(stem, exercise):
    name, id = exercise.name, f"{stem}-exercise-{exercise.name}"
    texts = (RUNGS[exercise.level], exercise.task, RULE[exercise.rule], STUCK)
    yield markdown(f"{id}-task", _task(exercise.title, *texts))
    yield code(f"{id}-stub", exercise.stub)
    yield code(f"{id}-check", f'check("{name}", {exercise.function})')


# ---- Assignments -----------------------------------------------------------------------------------------------------


def source_path(name):
    return NOTEBOOKS / "assignments" / "source" / name / f"{name}.ipynb"


def source_notebook(assignment: Assignment) -> dict:
    """An assignment as nbgrader's source: with solutions, and with the hidden tests."""
    return {"cells": list(_cells(assignment)), "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def _cells(assignment):
    id = assignment.name
    points = f"{assignment.points:g} points in all."
    how = ("" if _asks_only(assignment) else EVERY_ASSIGNMENT, EVERY_QUESTION if _asks(assignment) else "")
    opening = (f"# {assignment.title}", assignment.intro, *how, rubric(assignment), points)
    yield markdown(f"{id}-title", "\n\n".join(part.strip() for part in opening if part))
    yield code(f"{id}-setup", _imports(assignment), nbgrader=given("setup"))
    if any(is_own(part) for part in assignment.parts):
        yield markdown(f"{id}-who", WHO)
        yield code(f"{id}-student", f'STUDENT = "{EXAMPLE_NAME}"')
    if assignment.given:
        yield markdown(f"{id}-given-words", "The data, and what trains a network on it:")
        yield code(f"{id}-given", assignment.given, nbgrader=given("given"))
    for part in assignment.parts:
        yield from _MAKERS[type(part)](f"{id}-", part)


def _imports(assignment):
    wanted = {"attempt": any(isinstance(part, Code) for part in assignment.parts)}
    wanted |= {"check": any(isinstance(part, Task) for part in assignment.parts)}
    own = any(is_own(part) for part in assignment.parts if isinstance(part, Task))
    wanted |= {"images": "images." in assignment.given, "your_case": own}
    wanted |= dict.fromkeys(("your_answer", "your_question"), _asks(assignment))
    ours = ", ".join(name for name, is_wanted in wanted.items() if is_wanted)
    others = "" if _asks_only(assignment) else "import numpy as np\nimport torch\nfrom torch import nn\n\n"
    return f"{others}from pooling_course import {ours}\n"


def _asks(assignment):
    return any(isinstance(part, Asked) for part in assignment.parts)


def _asks_only(assignment):
    return all(isinstance(part, Asked) for part in assignment.parts)


def rubric(assignment: Assignment) -> str:
    """The table by which the written parts are graded, in Markdown; "" where there are none."""
    written = [part for part in assignment.parts if isinstance(part, Written)]
    if not written:
        return ""
    levels = list(written[0].rubric)
    rows = [["Your answer to", *(f"{n} point{'s' * (n != 1)}" for n in levels)], ["---"] * (len(levels) + 1)]
    rows += [[part.title, *part.rubric.values()] for part in written]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"What you write in words (`YOUR ANSWER HERE`) is read by a person, who goes by this table:\n\n{table}"


def _of_task(id, part):
    exercise, name = load(part.exercise), part.exercise
    rule = PAPER if is_own(part) else RULE[exercise.rule]
    yield markdown(f"{id}{name}-task", _task(exercise.title, exercise.task, rule))
    if is_own(part):
        yield code(f"{id}{name}-case", f'your_case("{name}", STUDENT)')
    yield code(f"{id}{name}", exercise.source, nbgrader=answer(name))
    test = f"""
{first_line(name, part.points)}
{own_test(exercise) if is_own(part) else task_test(exercise)}
display(verdict.report)
verdict.points({part.points:g})
"""
    yield code(f"{id}{name}-check", test, nbgrader=graded(f"{name}-check", part.points))


def task_test(exercise):
    """The check on the student's cases, and then on these and the hidden ones."""
    call, hidden = f'verdict = check("{exercise.name}", {exercise.function}, seed=', ", ".join(map(str, HIDDEN))
    return f"{call}STUDENT)\n### BEGIN HIDDEN TESTS\n{call}(STUDENT, {hidden}))\n### END HIDDEN TESTS"


def own_test(exercise):
    """The check on the student's own numbers: the answer is on paper, so there is nothing to hide."""
    return f'verdict = check("{exercise.name}", {exercise.function}, seed=STUDENT)'


def _of_code(id, part):
    tests = f"{part.tests.strip()}\n### BEGIN HIDDEN TESTS\n{part.hidden.strip()}\n### END HIDDEN TESTS"
    test = f"""
{first_line(part.name, part.points)}
def tests():
{indent(tests, "    ")}


verdict = attempt("{part.name}", tests)
display(verdict.report)
verdict.points({part.points:g})
"""
    yield markdown(f"{id}{part.name}-task", _task(part.title, part.task))
    yield code(f"{id}{part.name}", part.source, nbgrader=answer(part.name))
    yield code(f"{id}{part.name}-check", test, nbgrader=graded(f"{part.name}-check", part.points))


def _of_asked(id, part):
    name = part.question
    call = f'verdict = your_answer("{name}", {part.variable}, STUDENT'
    test = f"""
{first_line(name, part.points)}
{call})
### BEGIN HIDDEN TESTS
{call}, graded=True)
### END HIDDEN TESTS
display(verdict)
verdict.points({part.points:g})
"""
    yield markdown(f"{id}{name}-task", _task(part.title))
    yield code(f"{id}{name}-question", f'your_question("{name}", STUDENT)')
    yield code(f"{id}{name}", f"{part.variable} = None")
    yield code(f"{id}{name}-check", test, nbgrader=graded(f"{name}-check", part.points))


def _of_written(id, part):
    text = f"**{part.title}: your answer**\n\n### BEGIN SOLUTION\n{part.answer.strip()}\n### END SOLUTION\n"
    yield markdown(f"{id}{part.name}-task", _task(part.title, part.task))
    yield markdown(f"{id}{part.name}", text, nbgrader=graded(part.name, part.points, solution=True))


def first_line(name, points):
    """What a test cell begins with: the learner sees what it is worth, and `restore.py` knows it again."""
    return f"# Graded: {name}, {points:g} point{'s' * (points != 1)}"


_MAKERS = {Task: _of_task, Code: _of_code, Asked: _of_asked, Written: _of_written}


# ---- nbgrader's metadata ---------------------------------------------------------------------------------------------


def given(grade_id):
    return _nbgrader(grade_id, locked=True)


def answer(grade_id):
    return _nbgrader(grade_id, solution=True)


def graded(grade_id, points, solution=False):
    return _nbgrader(grade_id, grade=True, locked=not solution, solution=solution, points=points)


def _nbgrader(grade_id, grade=False, locked=False, solution=False, **points):
    kind = {"grade": grade, "grade_id": grade_id, "locked": locked, "solution": solution, "task": False}
    return {**kind, "schema_version": 3, **points}


if __name__ == "__main__":
    argparse.ArgumentParser(prog="course.py assignments", description=__doc__).parse_args()
    changed = outdated()
    for path, text in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(NOTEBOOKS.parent))
    print("Written." if changed else "Every notebook is what its definition says.")
