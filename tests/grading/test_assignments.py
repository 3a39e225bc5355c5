"""Can an instructor hand out, collect and grade by nbgrader, and does every piece of work get the mark it should?

Seven people hand in: `perfect`, `empty` (untouched), `half` (every other task), `wrong` (known mistakes), `parrot` (the
right answers to the visible cases, by heart), `copy` (what `perfect` wrote) and `lost` (perfect, but a front end
dropped what nbgrader goes by).
"""

import ast
import copy
import csv
import html
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

from harness import classroom
from harness.answers import cell as notebook_cell
from pooling_course.exercises import attempt, check, definition, load
from pooling_course.exercises.plain import plain
from pooling_course.grading.assignments import ASSIGNMENTS, HIDDEN, Asked, Code, Task, Written
from tools import notebooks

pytestmark = pytest.mark.skipif(find_spec("nbgrader") is None, reason="the extra `grading` is not installed")
STUDENT = 'STUDENT = "your name or number"'
NOTHING = re.compile(r"(\w+) = None")  # the answer to a question, before there is one


# ---- What is stored is what the definitions say ----------------------------------------------------------------------


def test_notebooks_are_what_their_definitions_say():
    """If not: python course.py assignments"""
    assert list(notebooks.outdated()) == []


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The notebooks in another folder, free to be changed."""
    for path in notebooks.NOTEBOOKS.glob("[0-9]*.ipynb"):
        shutil.copy(path, tmp_path)
    shutil.copytree(notebooks.NOTEBOOKS / "assignments" / "source", tmp_path / "assignments" / "source")
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "page, old, new",
    [
        ("05_kernel_size_and_stride.ipynb", "room = size + 2 * padding", "room = size + padding"),
        ("05_kernel_size_and_stride.ipynb", r"check(\"output-size\", output_size)", r"check(\"output-size\", print)"),
        ("assignments/source/ps2/ps2.ipynb", "return room // stride + 1", "return room // stride"),
        ("assignments/source/ps2/ps2.ipynb", "seed=STUDENT", "seed=0"),
        ("assignments/source/ps2/ps2.ipynb", str(HIDDEN[0]), "0"),
        ("assignments/source/project/project.ipynb", "| 4 points |", "| 5 points |"),
    ],
)
def test_a_change_by_hand_is_noticed_and_made_good(elsewhere, page, old, new):
    path = elsewhere / page
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    assert notebooks.outdated() == {path: text}


def test_a_missing_assignment_is_noticed(elsewhere):
    (elsewhere / "assignments/source/ps1/ps1.ipynb").unlink()
    assert [path.stem for path in notebooks.outdated()] == ["ps1"]


def test_a_lesson_without_the_section_is_refused(elsewhere):
    path = elsewhere / "05_kernel_size_and_stride.ipynb"
    path.write_text(path.read_text("utf-8").replace("-write-it-yourself", "-write"), "utf-8")
    with pytest.raises(ValueError, match="no cell kernel-size-and-stride-write-it-yourself"):
        notebooks.outdated()


PAPER = {"max-by-hand": "my-max-map", "max-backward": "my-gradient"}  # else what is on paper is called "my-..."


@pytest.mark.parametrize("name", ["ps1", "ps2", "ps3"])
def test_every_task_has_numbers_of_a_students_own(name):
    """What is coded is tried on cases drawn from STUDENT, and beside it there is something to write down."""
    exercises = [part.exercise for part in ASSIGNMENTS[name].parts if isinstance(part, Task)]
    for exercise in exercises:
        if load(exercise).level != "own":
            assert PAPER.get(exercise, f"my-{exercise}") in exercises
    for cell in source(name).cells:
        for call in re.findall(r"\b(?:check|your_case)\(.*", cell.source):
            assert re.search(r", (seed=)?\(?STUDENT\b", call), call


SETS = [name for name, a in ASSIGNMENTS.items() if any(isinstance(part, Task) for part in a.parts)]


def lessons_said(name):
    """The lessons that an assignment's opening and the manual name, first and last."""
    manual = (Path(__file__).parents[2] / "docs" / "instructors.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{name}` \|.*", manual, re.MULTILINE)
    for text in (ASSIGNMENTS[name].intro, row):
        (found,) = re.findall(r"\((?:lessons )?(\d\d)\s(?:to|and)\s(\d\d)\)", text)
        yield found


@pytest.mark.parametrize("name", SETS)
def test_an_assignment_names_the_lessons_of_its_tasks(name):
    numbers = sorted(load(part.exercise).lesson for part in ASSIGNMENTS[name].parts if isinstance(part, Task))
    assert set(lessons_said(name)) == {(numbers[0], numbers[-1])}


def test_every_exercise_stands_in_its_lesson():
    for name in (exercise.name for exercise in notebooks.lesson_exercises()):
        (path,) = (path for path in notebooks.lessons() if path.stem.startswith(load(name).lesson))
        ids = [cell["id"] for cell in json.loads(path.read_text("utf-8"))["cells"]]
        assert [id for id in ids if re.search(rf"-exercise-{name}-(task|stub|check)$", id)], name


# ---- nbgrader's source format, and what is released ------------------------------------------------------------------


def source(name):
    return nbformat.reads(notebooks.text_of(notebooks.source_notebook(ASSIGNMENTS[name])), as_version=4)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_source_is_valid(name):
    from nbgrader.nbgraderformat import MetadataValidator

    nb = source(name)
    nbformat.validate(nb)
    MetadataValidator().validate_nb(nb)
    ids = [cell.id for cell in nb.cells]
    assert len(set(ids)) == len(ids)
    assert all(cell.id.startswith(f"{name}-") for cell in nb.cells)
    graded = [cell.metadata.nbgrader for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(meta.points for meta in graded) == ASSIGNMENTS[name].points


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_graded_code_ends_in_a_float(name):
    """Anything else, such as a verdict, False or a NumPy number, nbgrader counts as full points."""
    for cell in source(name).cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            for text in (cell.source, without_hidden(cell.source)):
                *_, last = (line for line in text.splitlines() if not line.startswith("###"))
                assert re.fullmatch(r"verdict\.points\([\d.]+\)", last), last


def without_hidden(text):
    return re.sub(r"### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS\n?", "", text, flags=re.S)


def leaks(assignment, released) -> list[str]:
    """What a released notebook gives away: lines of solutions, hidden cases, the grader's notes."""
    text = "\n".join(cell.source for cell in released.cells)
    found = re.findall(r"(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)", text)
    found += [str(seed) for seed in HIDDEN if re.search(rf"\b{seed}\b", text)]
    secrets, open_to_all = set(), set()
    for part in assignment.parts:
        if isinstance(part, Written):
            secrets |= set(part.answer.splitlines())
            continue
        if isinstance(part, Asked):
            secrets.add(f'verdict = your_answer("{part.name}", {part.variable}, STUDENT, graded=True)')
            continue
        whole = part.source if isinstance(part, Code) else load(part.exercise).source
        open_to_all |= set(definition.SOLUTION.sub("", whole).splitlines())
        secrets |= set("".join(found[0] for found in definition.SOLUTION.finditer(whole)).splitlines())
        if isinstance(part, Code):
            open_to_all |= set(part.tests.splitlines())
            secrets |= set(part.hidden.splitlines())
    lines = {line.strip() for line in text.splitlines()}
    # Lines such as `else:` say nothing, and may stand in any task.
    return found + [secret for secret in secrets - open_to_all if len(secret.strip()) > 12 and secret.strip() in lines]


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_leaks_are_found(name):
    """The source leaks all there is: solutions, hidden tests and notes."""
    found = leaks(ASSIGNMENTS[name], source(name))
    solved = any(not isinstance(part, Asked) for part in ASSIGNMENTS[name].parts)
    assert {"BEGIN HIDDEN TESTS", *(["BEGIN SOLUTION", "END SOLUTION"] if solved else [])} <= set(found)
    assert len(found) >= 3 * len(ASSIGNMENTS[name].parts)


def ran(nb):
    """The value of each graded cell of a notebook, run from top to bottom; an error in any cell stops it."""
    space, marks = {"display": print}, {}
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        body = ast.parse(cell.source).body
        value = ast.Expression(body.pop().value) if body and isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), "<cell>", "exec"), space)
        value = eval(compile(value, "<cell>", "eval"), space) if value else None
        if cell.metadata.get("nbgrader", {}).get("grade"):
            marks[cell.metadata.nbgrader.grade_id] = value
    return marks


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_an_untouched_notebook_runs_to_its_end_for_no_points(name, capsys):
    marks = ran(released(name))
    assert marks and set(marks.values()) == {0.0} and {type(mark) for mark in marks.values()} == {float}
    assert capsys.readouterr().out.casefold().count("not attempted yet") == len(marks)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_title_names_what_stands_where_answers_go(name):
    """nbgrader's own words are others for code and for text."""
    places = [re.findall("YOUR [A-Z]+ HERE", cell.source) for cell in released(name).cells]
    assert set(places[0]) == {words for found in places[1:] for words in found}


@pytest.mark.slow
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_model_answers_get_full_points(name):
    parts = [part.points for part in ASSIGNMENTS[name].parts if not isinstance(part, Written)]
    assert list(ran(hand_in("perfect", ASSIGNMENTS[name], source(name))).values()) == parts


@pytest.mark.parametrize(
    "body, says",
    [
        ("assert False", "✗ x: this does not hold: `assert False`."),
        ("assert 1 == 2, 'one is not two.'", "✗ x: one is not two."),
        ("1 / 0", "✗ x: it raises ZeroDivisionError: division by zero."),
        ("raise NotImplementedError", "○ x: not attempted yet."),
        ("pass", "✓ x: it passes."),
    ],
)
def test_asserts_end_in_a_verdict(body, says):
    found = attempt("x", notebook_cell(f"def tests():\n    {body}\n")["tests"])
    assert repr(found) == says and says.split("`")[0] in html.unescape(found._repr_html_())
    assert found.points(4) == (4.0 if body == "pass" else 0.0) and type(found.points(4)) is float


# ---- Metadata that was lost ------------------------------------------------------------------------------------------


def released(name):
    """What the learner gets: nbgrader's own steps, without its gradebook."""
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, ComputeChecksums, LockCells

    nb = source(name)
    for step in (LockCells, ClearSolutions, ComputeChecksums, ClearHiddenTests):
        nb, _ = step().preprocess(nb, {})
    return nb


def known_cells(name):
    from nbgrader.preprocessors import ClearSolutions

    from pooling_course.grading.restore import Known

    nb, _ = ClearSolutions().preprocess(source(name), {})
    cells = [cell for cell in nb.cells if "nbgrader" in cell.metadata]
    return [Known(cell.cell_type, cell.source, dict(cell.metadata.nbgrader)) for cell in cells]


def lose_metadata(nb):
    """What a front end may do: no metadata, no ids, an older format."""
    for cell in nb.cells:
        cell.metadata.clear()
        cell.pop("id", None)
    nb.metadata.clear()
    nb.nbformat_minor = 2
    return nb


def lose_some(nb):
    for cell in nb.cells[::2]:
        cell.metadata.clear()


def lose_and_move(nb):
    """The answers stand at the end, below their tests."""
    lose_metadata(nb)
    nb.cells.sort(key=lambda cell: cell.source.startswith("def "))


def lose_and_repeat(nb):
    lose_metadata(nb)
    nb.cells += copy.deepcopy([cell for cell in nb.cells if cell.source.startswith("def ")])


def lose_the_tests(nb):
    lose_metadata(nb)
    nb.cells = [cell for cell in nb.cells if not cell.source.startswith("# Graded")]


def lose_what_was_given(nb):
    lose_metadata(nb)
    del nb.cells[1]


def lose_headings(nb):
    lose_metadata(nb)
    for cell in nb.cells:
        cell.source = cell.source.replace(": your answer**", "**")


@pytest.mark.parametrize("name", ASSIGNMENTS)
@pytest.mark.parametrize(
    "lose", [lose_metadata, lose_some, lose_and_repeat, lose_the_tests, lose_what_was_given, lose_headings]
)
def test_metadata_is_put_back(name, lose):
    from nbgrader.nbgraderformat import MetadataValidator

    from pooling_course.grading.restore import restore

    nb = released(name)
    lose(nb)
    nb.cells = restore(nb.cells, known_cells(name))
    MetadataValidator().validate_nb(nb)
    wanted = {cell.metadata["grade_id"]: cell.metadata for cell in known_cells(name)}
    got = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader for cell in nb.cells if "nbgrader" in cell.metadata}
    assert set(got) == set(wanted)
    for grade_id, meta in got.items():
        assert {key: meta[key] for key in wanted[grade_id]} == wanted[grade_id]


def test_the_last_of_two_definitions_is_the_answer():
    from pooling_course.grading.restore import restore

    nb = released("ps1")
    lose_and_repeat(nb)
    cells = restore(nb.cells, known_cells("ps1"))
    answers = [i for i, cell in enumerate(cells) if cell.metadata.get("nbgrader", {}).get("solution")]
    assert answers == list(range(len(cells) - len(answers), len(cells)))


def test_a_cell_of_ones_own_is_left_alone():
    from pooling_course.grading.restore import restore

    nb = released("ps1")
    own = nbformat.v4.new_code_cell('check("output-size", print)  # Graded: not this one')
    nb.cells.append(own)
    assert restore(nb.cells, known_cells("ps1"))[-1].metadata == {}


# ---- The whole round -------------------------------------------------------------------------------------------------


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
        self.folder = folder
        self.api = NbGraderAPI(CourseDirectory(config=config, root=str(folder)), config=config)

    def command(self, *words):
        """nbgrader as it is typed in the folder."""
        ran = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words], cwd=self.folder, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

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
            course.command("zip_collect", name)
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
