"""An instructor's whole way with problem set 3: 30 students, two groups, three extensions, one override, one regrade.

The submissions come as Moodle gives them and the marks go back as Moodle takes them; in the sandbox they run for real.
"""

import csv
import io
import zipfile
from html import escape

import pytest

from harness import classroom
from pooling_course.grading import __main__ as command
from pooling_course.grading import mark
from pooling_course.grading.assignments import ASSIGNMENTS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_walls")]

PEOPLE = classroom.people(30)
NAMES = [name for name, _ in PEOPLE]
TEAM_A, TEAM_B = NAMES[0:3], NAMES[3:5]  # the first of each hands in
LATE = {
    NAMES[6]: "2026-03-03 10:00",
    NAMES[7]: "2026-03-02 09:00",
    NAMES[8]: "2026-03-02 11:00",
    NAMES[9]: "2026-03-02 00:10",
}
EXTENDED = {NAMES[6]: "2026-03-03 12:00", NAMES[7]: "1 day", NAMES[8]: "12 hours"}  # all but the last are in time so
MISTAKEN, COPIED = NAMES[10], NAMES[11:15]
ABSENT = [*TEAM_A[1:], *TEAM_B[1:]]
FULL = ASSIGNMENTS["ps3"].points
MACHINE = sum(task.points for task in mark.tasks("ps3"))


def sheet(marks=""):
    """Moodle's grading worksheet."""
    heads = 'Identifier,"Full name",Status,Grade,"Maximum grade","Grade can be changed","Last modified (submission)"'
    lines = []
    for name, number in PEOPLE:
        when = LATE.get(name, "2026-03-01 20:00") if name not in ABSENT else "-"
        lines.append(f'"Participant {number}","{name}",,{marks},{FULL}.00,Yes,"{when}"')
    return "\n".join([heads, *lines, ""])


def roster():
    lines = []
    for name, number in PEOPLE:
        group = "Team A" if name in TEAM_A else "Team B" if name in TEAM_B else ""
        lines.append(f"{number},{name},{group},{EXTENDED.get(name, '')}")
    return "\n".join(["identifier,name,group,extension", *lines, ""])


def hand_in(folder, name):
    number = dict(PEOPLE)[name]
    mistakes = {"unet-skip": classroom.load("unet-skip").mistakes[0].name} if name == MISTAKEN else {}
    cells = classroom.cells("ps3", name, mistakes)
    if name in COPIED:  # the same answers of their own, under other names
        for function in ("average_backward", "max_backward"):
            at = next(i for i, cell in enumerate(cells) if f"def {function}" in cell)
            own = ODD.replace("FUNCTION", function).replace("total", f"sum_of_{NAMES.index(name)}")
            cells[at] = f"{cells[at]}\n{own}"
    classroom.write(folder / "download" / f"{name}_{number}_assignsubmission_file_" / "ps3.ipynb", cells)


ODD = """
first_FUNCTION = FUNCTION
def FUNCTION(*args, **settings):
    total = first_FUNCTION(*args, **settings)
    for _ in range(7):
        total = total + 0 * 3
    for _ in range(5):
        total = total * 1 - 0
    return total
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("term")
    (folder / "class.csv").write_text(roster(), "utf-8")
    (folder / "sheet.csv").write_text(sheet(), "utf-8")
    for name in NAMES:
        if name not in ABSENT:
            hand_in(folder, name)
    return folder


def grade(folder, *more):
    line = [folder / "download", "--assignment", "ps3", "--out", folder / "out", "--roster", folder / "class.csv"]
    line += ["--times", folder / "sheet.csv", "--fill", folder / "sheet.csv", "--feedback", "moodle", "--anonymous"]
    line += ["--deadline", "2026-03-01 23:59", "--late-penalty", "10", *more]
    return command.main(list(map(str, line)))


def table(folder, name):
    text = (folder / "out" / name).read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def decide(folder, choose):
    """As in a spreadsheet: the lines that are there get points and comments, and some are added."""
    lines = table(folder, "decisions.csv")
    for line in lines:
        line |= choose(line["student"]) | {"by": "AB"}
    lines.append({"student": MISTAKEN, "task": "unet-skip", "points": "1,5", "comment": "Half.", "by": "CD"})
    with open(folder / "out" / "decisions.csv", "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]), delimiter=";", restval="")
        writer.writeheader()
        writer.writerows(lines)


def test_from_a_download_to_marks_comments_and_feedback(place, capsys):
    assert grade(place) == 0
    said = capsys.readouterr().out
    assert "30 of 30 submissions have their marks" in said and "27 answers are for you to read" in said
    marks = {line["student"]: line for line in table(place, "grades.csv")}
    assert len(marks) == 30
    assert [marks[name]["days_late"] for name in LATE] == ["0", "0", "0", "1"]
    assert float(marks[TEAM_A[0]]["points"]) == float(marks[TEAM_A[2]]["points"]) == MACHINE
    assert float(marks[NAMES[9]]["points"]) == round(0.9 * MACHINE, 2)
    lost = MACHINE - float(marks[MISTAKEN]["points"])
    assert 0 < lost <= 3

    # a person reads what was written, and one machine's mark is not what it should be
    decide(place, lambda name: {"points": "3", "comment": f"Dear {name}, which reason?"})
    assert grade(place) == 0
    said = capsys.readouterr().out
    assert "have answers that nobody" not in said and "graded before, and have not changed" in said
    marks = {line["student"]: line for line in table(place, "grades.csv")}
    assert float(marks[TEAM_B[1]]["points"]) == MACHINE + 3
    assert float(marks[MISTAKEN]["points"]) == MACHINE - 0.5 + 3 and "(CD)" in marks[MISTAKEN]["notes"]
    assert float(marks[NAMES[9]]["points"]) == round(0.9 * (MACHINE + 3), 2)

    # one hands in again, with leave: what was decided stays, and so does everybody else's mark
    before = dict(marks)
    hand_in(place, NAMES[20])
    at = place / "download" / f"{NAMES[20]}_{dict(PEOPLE)[NAMES[20]]}_assignsubmission_file_" / "ps3.ipynb"
    classroom.write(at, [cell for cell in classroom.cells("ps3", NAMES[20]) if "def max_backward" not in cell])
    assert grade(place) == 0
    marks = {line["student"]: line for line in table(place, "grades.csv")}
    assert float(marks[NAMES[20]]["points"]) == MACHINE + 3 - 4
    assert {name for name in NAMES if marks[name]["points"] != before[name]["points"]} == {NAMES[20]}

    # all of it where the students see it
    filled = list(csv.DictReader(io.StringIO((place / "out" / "sheet.csv").read_text("utf-8"))))
    assert [float(line["Grade"]) for line in filled] == [float(marks[line["Full name"]]["points"]) for line in filled]
    with zipfile.ZipFile(place / "out" / "feedback-moodle.zip") as archive:
        pages = {name.split("_")[0]: archive.read(name).decode() for name in archive.namelist()}
    assert set(pages) == set(NAMES)
    assert f"Dear {TEAM_A[0]}, which reason?" in pages[TEAM_A[1]] and "Half." in pages[MISTAKEN]
    report = (place / "out" / "report.html").read_text("utf-8")
    assert "Decided by hand" in report and "CD</td>" in report
    assert escape(", ".join(sorted(COPIED))) in report  # four with one odd answer each under another name
    text = (place / "out" / "anonymous.csv").read_text("utf-8")
    assert len(text.splitlines()) == 31 and not any(name in text for name in NAMES)
    assert not (place / "out" / "changed-by-hand").exists()
