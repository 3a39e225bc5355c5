"""Are the assignments what their definitions say, in nbgrader's format, and what is released without the answers?"""

import ast
import copy
import html
import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

from harness.answers import cell as notebook_cell
from pooling_course.exercises import attempt, definition, load
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
