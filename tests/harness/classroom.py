"""A class to be graded: notebooks as students hand them in, made from the assignments' own definitions; its marks."""

import csv
import inspect
import json
import re
import zipfile
from pathlib import Path
from string import ascii_lowercase
from textwrap import dedent

from pooling_course.exercises import load, plain, run
from pooling_course.grading import __main__ as command
from pooling_course.grading import mark
from pooling_course.grading.asked import question_for
from pooling_course.grading.assignments import Asked, Written, named

HIDDEN_TESTS = re.compile(r"### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS\n", re.DOTALL)
SETUP = "import numpy as np\nimport torch\nfrom torch import nn\n\nfrom pooling_course import check, your_case\n"


def notebook(cells: list[str]) -> dict:
    """A notebook with these code cells."""
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": c} for c in cells]
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def answer(exercise: str, mistake: str | None = None, student: str = "ada") -> str:
    """A right answer, or the code of one of its known mistakes, as a student would write it."""
    e = load(exercise)
    if e.level == "own":
        return on_paper(exercise, mistake, student)
    if mistake is None:
        return helpers(e.model) + e.solution
    found = next(m for m in e.mistakes if m.name == mistake).function
    code = dedent(inspect.getsource(found))
    return helpers(found) + re.sub(r"def \w+", f"def {e.function}", code, count=1)


def on_paper(exercise: str, mistake: str | None, student: str) -> str:
    """What a student writes down for numbers of their own: what is right, or what a known mistake makes of them."""
    e = load(exercise)
    functions = {None: e.truth} | {m.name: m.function for m in e.mistakes}
    found = plain.written(plain.plain(functions[mistake](*e.cases(student)[0])))
    return f"def {e.function}():\n    return {found}\n".replace("inf", 'float("inf")')


def possible(exercise: str, student: str) -> list[str]:
    """The names of the known mistakes that a student can make: those that stop with an error, nobody writes down."""
    e = load(exercise)
    case = e.cases(student)[0]
    return [m.name for m in e.mistakes if e.level != "own" or run(m.function, case).state == "value"]


def helpers(function) -> str:
    """What else a function needs, from its file: the course's own answers lean on a few lines beside them."""
    module = inspect.getmodule(function)
    source = inspect.getsource(module)
    wanted = [name for name in function.__code__.co_names if name in vars(module)]
    imports = "\n".join(re.findall(r"^(?:import|from) [^.\n]+$", source, re.MULTILINE))
    local = [vars(module)[name] for name in wanted]
    code = [inspect.getsource(f) for f in local if inspect.isfunction(f) and f.__module__ == module.__name__]
    return "\n\n".join([imports, *code]) + "\n\n\n"


def value(ask: Asked, student: str, misconception: str | None = None) -> str:
    """The right value for a student's own question, or what that misconception makes of it, as code."""
    q = question_for(ask.question, student)
    known = [*enumerate(q.choices)] if q.choices else [(mistake["value"], mistake) for mistake in q.mistakes]
    return literal(
        q, next((v for v, each in known if each.get("misconception") == misconception and misconception), q.truth)
    )


def literal(q, answer) -> str:
    """An answer, as `Question.grade` takes it, as a student would write it into a cell."""
    if q.kind == "one":
        return repr(ascii_lowercase[answer])
    if q.kind in ("several", "order"):
        return repr("".join(ascii_lowercase[place] for place in answer))
    return repr(tuple(answer) if q.kind == "shape" else answer)


def misconceptions(ask: Asked) -> list[str]:
    q = question_for(ask.question, "anybody")
    return [each["misconception"] for each in q.choices or q.mistakes if each.get("misconception")]


def cells(assignment: str, student: str, mistakes: dict[str, str] | None = None) -> list[str]:
    """All cells of one student's notebook: right but for the mistakes, by exercise."""
    made = [SETUP, f'STUDENT = "{student}"']
    for task in mark.tasks(assignment):
        function = load(task.exercise).function
        made += [answer(task.exercise, (mistakes or {}).get(task.exercise), student)]
        shown = f"display(verdict.report)\nverdict.points({task.points:g})"
        made += [f'verdict = check("{task.exercise}", {function})\n{shown}']
    for ask in mark.asks(assignment):
        made += [f"{ask.variable} = {value(ask, student, (mistakes or {}).get(ask.name))}"]
        made += [f'from pooling_course import your_answer\nyour_answer("{ask.name}", {ask.variable}, STUDENT)']
    return made


def write(path: Path, content) -> Path:
    """A submission: a notebook as a list of cells or a dictionary, or bytes as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, list):
        content = notebook(content)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def solved(assignment: str) -> dict:
    """The record of a submission in which everything is right, as `mark.mark` gives it."""
    parts = []
    for name, asked in named(assignment).items():
        if isinstance(asked, Written):
            continue
        part = {"exercise": name, "points": float(asked.points), "full": asked.points, "passed": 1, "total": 1}
        parts.append(part | {"state": "solved", "mistake": None, "says": [], "html": "", "shape": None})
    return {"parts": parts, "cells": {}}


def grade(submissions: Path, out: Path, *more, assignment: str = "ps2") -> int:
    """`python -m pooling_course.grading`, and the status with which it ends."""
    return command.main([str(submissions), "--assignment", assignment, "--out", str(out), *map(str, more)])


def grade_in(folder: Path, *more, assignment: str = "ps2") -> int:
    """The same for the class in `folder`/class, with the results in `folder`/out."""
    return grade(folder / "class", folder / "out", *more, assignment=assignment)


def grades(out: Path) -> dict[str, dict[str, str]]:
    """The lines of grades.csv by student."""
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def the_part(record: dict, exercise: str) -> dict:
    return next(part for part in record["parts"] if part["exercise"] == exercise)


# ---- Whole downloads -------------------------------------------------------------------------------------------------

FIRST = ["Ada", "Bob", "Cy", "Dot", "Eve", "Fay", "Gus", "Hal", "Ivy", "Jörg"]
LAST = ["Doe", "O'Brien", "Müller", "Ng", "Quist", "Zed"]


def people(count: int) -> list[tuple[str, int]]:
    """Names and the numbers that a platform has for them, no two alike."""
    return [(f"{FIRST[i % 10]} {LAST[i // 10 % 6]}{f' {i // 60}' * (i >= 60)}", 7000 + i) for i in range(count)]


def login(name: str) -> str:
    return re.sub(r"\W", "", name).casefold()


DOWNLOADS = {  # how each platform calls a notebook of that person's, by `forms.FORMS`
    "exchange": lambda name, n, file: f"{login(name)}+ps2+2026-03-01 20:{n % 60:02}:00.000000 UTC+b2R{n}/{file}",
    "moodle": lambda name, n, file: f"{name}_{n}_assignsubmission_file_/{file}",
    "canvas": lambda name, n, file: f"{login(' '.join(reversed(name.split())))}_{n}_{n + 70_000}_{file}",
    "clones": lambda name, n, file: f"ps2-{login(name)}/{file}",
    "nbgrader": lambda name, n, file: f"{login(name)}/ps2/{file}",
    "folders": lambda name, n, file: f"{name}/{file}",
    "files": lambda name, n, file: f"{login(name)}_{file}",
}


def download(form: str, count: int, content) -> dict[str, bytes]:
    """The files of a class's download: `content(name)` makes the cells of each."""
    made = {}
    for name, number in people(count):
        path = DOWNLOADS[form](name, number, "ps2.ipynb")
        made[path] = json.dumps(notebook(content(name))).encode()
        if form == "nbgrader":
            stamp = f"2026-03-01 20:{number % 60:02}:00.000000 UTC"
            made[f"{path.rpartition('/')[0]}/timestamp.txt"] = stamp.encode()
        if form == "clones":
            made[f"{path.rpartition('/')[0]}/.git/config"] = b"[core]"
            made[f"{path.rpartition('/')[0]}/README.md"] = b"# Problem set 2"
    return made


def lay_out(place: Path, files: dict[str, bytes]) -> Path:
    """These files as a folder, or as a .zip if it is called so."""
    if place.suffix != ".zip":
        for path, data in files.items():
            write(place / path, data)
        place.mkdir(parents=True, exist_ok=True)
        return place
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return place
