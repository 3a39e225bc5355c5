"""Can an instructor hand out, collect and grade by nbgrader, and does every piece of work get the mark it should?

Seven people hand in: `perfect`, `empty` (untouched), `half` (every other task), `wrong` (known mistakes), `parrot` (the
right answers to the visible cases, by heart), `copy` (what `perfect` wrote) and `lost` (perfect, but a front end
dropped what nbgrader goes by).
"""

import contextlib
import csv
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

import nbformat
import numpy as np
import pytest
import torch
from torch import nn

from grading.test_assignments import NOTHING, STUDENT, leaks, lose_metadata, ran, released, source
from harness import classroom
from pooling_course.exercises import check, definition, load
from pooling_course.exercises.plain import plain
from pooling_course.grading.assignments import ASSIGNMENTS, HIDDEN, Asked, Code, Task, Written
from tools import notebooks

pytestmark = pytest.mark.skipif(find_spec("nbgrader") is None, reason="the extra `grading` is not installed")


def key(part):
    return part.exercise if isinstance(part, Task) else part.name


def is_own(part):
    return isinstance(part, Task) and load(part.exercise).level == "own"


def right(part, who):
    """The model answer, as a learner would write it."""
    if isinstance(part, Asked):
        return f"{part.variable} = {classroom.value(part, who)}"
    if isinstance(part, Written):
        return f"**{part.title}: your answer**\n\n{part.answer.strip()}"
    text = load(part.exercise).paper(who) if is_own(part) else None
    return definition.MARKER.sub("", text or (load(part.exercise).source if isinstance(part, Task) else part.source))


def mistaken(part, who):
    """A known mistake, as a learner would write it."""
    if isinstance(part, Asked):
        return f"{part.variable} = {classroom.value(part, who, classroom.misconceptions(part)[0])}"
    if isinstance(part, Written):
        return f"**{part.title}: your answer**\n\nNo idea."
    if isinstance(part, Code):
        return f"def {part.name}(*args):\n    return {{}}\n"
    if is_own(part):
        return classroom.answer(part.exercise, classroom.possible(part.exercise, who)[0], who)
    exercise = load(part.exercise)
    for function in (mistake.function for mistake in exercise.mistakes):
        helpers = set(function.__globals__) - {"np", "__builtins__"}
        if not helpers & set(function.__code__.co_names):  # one that stands on its own
            text = dedent(inspect.getsource(function))
            return text.replace(f"def {function.__name__}(", f"def {exercise.function}(", 1)
    return f"def {exercise.function}(*args):\n    return 0\n"


def looked_up(part, who):
    """The right answers to the visible cases, by heart."""
    if not isinstance(part, Task):
        return None
    if is_own(part):
        return right(part, who)
    exercise = load(part.exercise)
    cases = exercise.cases(who)
    table = {repr(plain(case)): literal(exercise.model(*case)) for case in cases}
    rows = "".join(f"        {arguments!r}: {result},\n" for arguments, result in table.items())
    return f"{AS_TEXT}\n\ndef {exercise.function}(*args):\n    return {{\n{rows}    }}[as_text(args)]\n"


# What `repr(plain(args))` gives, without this package.
AS_TEXT = """
def as_text(value):
    if hasattr(value, "tolist") and hasattr(value, "shape") and value.shape != ():
        of = "torch" if hasattr(value, "numpy") else "numpy"
        dtype = str(value.numpy().dtype if of == "torch" else value.dtype)
        return repr({"array": value.tolist(), "dtype": dtype, "shape": list(value.shape), "of": of})
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(as_text(item) for item in value)}]"
    return repr(value)
"""


def literal(value):
    """A result as code."""
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()!r}, dtype={str(value.dtype)!r})"
    return f"nn.{value!r}" if isinstance(value, nn.Module) else repr(value)


def is_right(who, number):
    """Does this learner answer that part as one should?"""
    return who in ("perfect", "lost") or who == "half" and number % 2 == 0


def copied(part, who):
    """What `perfect` handed in, under another name."""
    return right(part, "perfect")


WRONG = {"wrong": mistaken, "parrot": looked_up, "copy": copied}


def hand_in(who, assignment, nb):
    """One learner's work, in the notebook that was released."""
    answers = {}
    for number, part in enumerate(assignment.parts):
        if is_right(who, number):
            answers[key(part)] = right(part, who)
        elif who in WRONG:
            answers[key(part)] = WRONG[who](part, who)
    for cell in nb.cells:
        if cell.source == STUDENT:
            cell.source = f'STUDENT = "{who}"'
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("solution") and answers.get(meta["grade_id"]):
            cell.source = answers[meta["grade_id"]]
        if asked := NOTHING.fullmatch(cell.source):
            cell.source = answers.get(asked[1].replace("_", "-"), cell.source)
    return lose_metadata(nb) if who == "lost" else nb


def intended(who, assignment, folder):
    """The mark that is due."""
    marks = []
    for number, part in enumerate(assignment.parts):
        if is_right(who, number):
            marks.append(part.points)
        elif who in WRONG and isinstance(part, Task):
            exercise, text = load(part.exercise), WRONG[who](part, who)
            function = written_down(text, folder / f"{who}_{exercise.function}.py")[exercise.function]
            seed = who if is_own(part) else (who, *HIDDEN)
            marks.append(check(part.exercise, function, seed).points(part.points))
    return sum(marks)


def written_down(text, path):
    """The names that code defines; it lies in a file, since the source rules read it."""
    path.write_text(text, "utf-8")
    found = {"np": np, "torch": torch, "nn": nn}
    exec(compile(text, path, "exec"), found)
    return found


PEOPLE = {  # who hands in what; each costs some seconds of a fresh kernel
    "pre": ("perfect", "empty", "half", "wrong", "lost"),
    "ps1": ("perfect", "empty", "half", "wrong", "parrot", "lost"),
    "ps2": ("perfect", "parrot", "copy"),
    "ps3": ("perfect", "half", "wrong", "lost"),
    "project": ("perfect", "half", "empty"),
    "post": ("perfect", "wrong"),
}
HANDED_IN = [(name, who) for name, people in PEOPLE.items() for who in people]


class Course:
    """A course folder as an instructor keeps it, with nbgrader's settings as they are in the repository."""

    def __init__(self, folder):
        from nbgrader.apps import NbGraderAPI
        from nbgrader.coursedir import CourseDirectory
        from traitlets.config import PyFileConfigLoader

        given = notebooks.NOTEBOOKS / "assignments"
        shutil.copytree(given / "source", folder / "source")
        shutil.copy(given / "nbgrader_config.py", folder)
        config = PyFileConfigLoader("nbgrader_config.py", str(folder)).load_config()
        config.Execute.shutdown_kernel = "immediate"  # a kernel's farewell takes nearly a second
        self.folder = folder
        self.api = NbGraderAPI(CourseDirectory(config=config, root=str(folder)), config=config)

    def command(self, *words):
        """nbgrader as it is typed in the folder."""
        ran = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words], cwd=self.folder, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def collect(self, name):
        """What `nbgrader zip_collect` does, in this process: to start another takes longer than all else."""
        from nbgrader.apps import ZipCollectApp

        with contextlib.chdir(self.folder):
            app = ZipCollectApp()
            app.initialize([name])
            app.start()

    def released(self, name):
        return nbformat.read(self.folder / "release" / name / f"{name}.ipynb", as_version=4)

    def hand_in(self, name):
        """As learning platforms give back what was uploaded: one file per learner, or one folder."""
        archive = self.folder / "downloaded" / name / "archive"
        archive.mkdir(parents=True)
        for who in PEOPLE[name]:
            work = hand_in(who, ASSIGNMENTS[name], self.released(name))
            path = archive / (
                f"{who}_12_assignsubmission_file/{name}.ipynb" if who == "lost" else f"{who}_{name}.ipynb"
            )
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(work), "utf-8")

    def read_and_grade(self, name):
        """What a person enters in formgrader, who gives full points to every right answer in words."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as gradebook:
            for who in PEOPLE[name]:
                for number, part in enumerate(ASSIGNMENTS[name].parts):
                    if isinstance(part, Written):
                        grade = gradebook.find_grade(part.name, name, name, who)
                        if grade.needs_manual_grade:
                            grade.manual_score = part.points if is_right(who, number) else 0
                            grade.needs_manual_grade = False
            gradebook.db.commit()

    def marks(self):
        """The marks of the exported table, by assignment and learner."""
        with open(self.folder / "grades.csv", encoding="utf-8") as file:
            return {(row["assignment"], row["student_id"]): float(row["score"]) for row in csv.DictReader(file)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_model_answers_get_full_points(name):
    parts = [part.points for part in ASSIGNMENTS[name].parts if not isinstance(part, Written)]
    assert list(ran(hand_in("perfect", ASSIGNMENTS[name], source(name))).values()) == parts


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course whose assignments were released, handed in, collected, graded and given back."""
    bin = str(Path(sys.executable).parent)  # where alembic is, which nbgrader calls
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([bin, os.environ["PATH"]]))
        patch.setenv("PYTHONPATH", str(notebooks.NOTEBOOKS.parent))
        course = Course(tmp_path_factory.mktemp("course") / "pooling")
        for name in ASSIGNMENTS:
            assert course.api.generate_assignment(name)["success"]
            course.hand_in(name)
            if name == "pre":
                course.command("zip_collect", name)
            else:
                course.collect(name)
            for who in PEOPLE[name]:
                result = course.api.autograde(name, who)
                assert result["success"], result
            course.read_and_grade(name)
            assert course.api.generate_feedback(name)["success"]
        course.command("export")
        yield course


@pytest.mark.nbgrader
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_what_is_released_gives_nothing_away(course, name):
    assert leaks(ASSIGNMENTS[name], course.released(name)) == []
    assert [cell.source for cell in course.released(name).cells] == [cell.source for cell in released(name).cells]


@pytest.mark.nbgrader
@pytest.mark.parametrize("name, who", HANDED_IN)
def test_everyone_gets_the_mark_that_is_due(course, name, who, tmp_path):
    assert course.marks()[name, who] == pytest.approx(intended(who, ASSIGNMENTS[name], tmp_path), abs=0.011)


@pytest.mark.nbgrader
@pytest.mark.parametrize("name", [name for name in PEOPLE if "parrot" in PEOPLE[name]])
def test_knowing_the_visible_cases_by_heart_loses_marks(course, name):
    tasks = [part for part in ASSIGNMENTS[name].parts if isinstance(part, Task)]
    own = sum(part.points for part in tasks if is_own(part))
    assert course.marks()[name, "perfect"] == sum(part.points for part in tasks)
    assert own <= course.marks()[name, "parrot"] < own + (course.marks()[name, "perfect"] - own) / 2


@pytest.mark.nbgrader
def test_a_friends_notebook_loses_what_is_written_down(course):
    own = sum(part.points for part in ASSIGNMENTS["ps2"].parts if is_own(part))
    assert course.marks()["ps2", "copy"] == course.marks()["ps2", "perfect"] - own


@pytest.mark.nbgrader
@pytest.mark.parametrize("name, who", HANDED_IN)
def test_everyone_gets_feedback(course, name, who):
    page = (course.folder / "feedback" / who / name / f"{name}.html").read_text("utf-8")
    (score, full) = re.search(r"Score: ([\d.]+) / ([\d.]+)", page).groups()
    assert (float(score), float(full)) == (pytest.approx(course.marks()[name, who]), ASSIGNMENTS[name].points)


@pytest.mark.parametrize(
    "path, who, what",
    [
        ("extracted/ada_ps1.ipynb", "ada", "ps1"),
        ("extracted/lovelaceada_123_456_ps1.ipynb", "lovelaceada", "ps1"),
        ("extracted/lovelaceada_LATE_123_456_ps1-2.ipynb", "lovelaceada", "ps1"),
        ("my_courses/extracted/Ada Lovelace_123_assignsubmission_file/project.ipynb", "Ada Lovelace", "project"),
    ],
)
def test_collected_files_are_assigned_to_their_authors(path, who, what, tmp_path):
    shutil.copy(notebooks.NOTEBOOKS / "assignments" / "nbgrader_config.py", tmp_path)
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", str(tmp_path)).load_config()
    found = re.match(config.FileNameCollectorPlugin.named_regexp, f"/home/me/{path}")
    assert (found["student_id"], found["file_id"]) == (who, what)
