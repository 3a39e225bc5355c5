"""Do pages go back as Canvas and Moodle read them, and do marks leave without names?

The names are read here as the platforms' own source code reads them (see `back.py`).
"""

import csv
import json
import re
import zipfile

import pytest

from harness import classroom
from harness.classroom import grade_in as grade
from pooling_course.grading import __main__ as command
from pooling_course.grading import back

pytestmark = pytest.mark.usefixtures("all_right")


def archive(folder, platform):
    with zipfile.ZipFile(folder / "out" / f"feedback-{platform}.zip") as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def as_canvas_reads(name):
    """app/models/assignment.rb: a name, perhaps LATE, the user's id, the attachment's id, the rest."""
    found = re.fullmatch(r"(?P<name>[^/]+?)(_LATE)?_(?P<user>\d+)_(?P<attachment>\d+)_(?P<file>[^/]+)", name)
    return found and (found["user"], found["attachment"], found["file"])


def as_moodle_reads(path):
    """mod/assign/feedback/file/importziplib.php: the first folder whose second word of five is a participant."""
    parts = path.split("/")
    while parts:
        words = parts.pop(0).split("_", 4)
        if len(words) >= 4 and words[1].isdecimal() and words[2] == "assignsubmission" and words[3] == "file":
            return words[1], "/".join([*words[4:], *parts]).lstrip("/")
    return None


def test_canvas_takes_back_what_it_gave(tmp_path):
    files = classroom.download("canvas", 4, lambda name: [name])
    first, second, *_ = files
    files[re.sub(r"_(\d+)_", r"_LATE_\1_", first, count=1)] = files.pop(first)
    files[second.replace("ps2.ipynb", "my_work_1_2.ipynb")] = files.pop(second)
    classroom.lay_out(tmp_path / "class", files)
    assert grade(tmp_path, "--feedback", "canvas") == 0
    made = archive(tmp_path, "canvas")
    given = {tuple(re.findall(r"_(\d+)_(\d+)_", name)[0]) for name in files}
    assert {as_canvas_reads(name)[:2] for name in made} == given and len(made) == 4
    assert {as_canvas_reads(name)[2] for name in made} == {"ps2-feedback.html"}
    pages = {path.read_bytes() for path in (tmp_path / "out" / "feedback").iterdir()}
    assert set(made.values()) == pages


@pytest.mark.parametrize("odd", ["Ada Doe", "de_la_Cruz, Ana", "O'Brien/Smith", "Ünal: Su"])
def test_moodle_takes_back_what_it_gave(tmp_path, odd, capsys):
    files = classroom.download("moodle", 3, lambda name: [name])
    classroom.lay_out(tmp_path / "class", files)
    assert grade(tmp_path, "--feedback", "moodle") == 0
    made = archive(tmp_path, "moodle")
    assert {as_moodle_reads(path) for path in made} == {(str(n), "ps2-feedback.html") for _, n in classroom.people(3)}
    assert "Upload multiple feedback files in a zip" in capsys.readouterr().out
    row = command.tables.Row(command.replace(_one(tmp_path), student=odd), 1, 0, 1.0)
    assert as_moodle_reads(back._moodle(row, "ps2", "71")) == ("71", "ps2-feedback.html")


def _one(folder):
    return command.look(folder / "class", "ps2").counted[0][0]


def test_the_number_may_come_from_the_worksheet(tmp_path, capsys):
    for name in ("ada", "bob", "cy"):
        classroom.write(tmp_path / "class" / f"{name}.ipynb", [name])
    (tmp_path / "sheet.csv").write_text("Identifier,Full name\nParticipant 71,ada\nParticipant 72,bob\n")
    assert grade(tmp_path, "--roster", tmp_path / "sheet.csv", "--feedback", "moodle") == 0
    assert {as_moodle_reads(path)[0] for path in archive(tmp_path, "moodle")} == {"71", "72"}
    assert "Not in it: cy; no participant's number is known" in capsys.readouterr().out


def test_a_number_of_another_platform_is_no_participant(tmp_path, capsys):
    classroom.lay_out(tmp_path / "class", classroom.download("canvas", 2, lambda name: [name]))
    assert grade(tmp_path, "--feedback", "moodle") == 0
    assert archive(tmp_path, "moodle") == {} and "0 pages are in" in capsys.readouterr().out


def test_what_did_not_come_from_canvas_is_named(tmp_path, capsys):
    classroom.write(tmp_path / "class" / "ada.ipynb", ["x = 1"])
    assert grade(tmp_path, "--feedback", "canvas") == 0
    assert "Not in it: ada; Canvas takes back only what its own download gave" in capsys.readouterr().out


def test_a_page_goes_back_by_the_name_of_the_zip_that_was_handed_in(tmp_path, capsys):
    inner = {"bob_3_4_hw/ps2.ipynb": json.dumps(classroom.notebook(["x = 1"])).encode()}
    work = classroom.lay_out(tmp_path / "work.zip", inner).read_bytes()
    files = {"fall_1_2_x/doeada_12_34_work.zip": work, "fall_1_2_x/ngcy_56_78_ps2.ipynb": b"{}"}
    classroom.lay_out(tmp_path / "class", files | {"fall_1_2_x/ohmdi_9_text.html": b"<p>see you"})
    assert grade(tmp_path, "--feedback", "canvas") == 0
    assert sorted(archive(tmp_path, "canvas")) == ["doeada_12_34_ps2-feedback.html", "ngcy_56_78_ps2-feedback.html"]
    assert "Not in it: ohmdi; Canvas takes back" in capsys.readouterr().out


def test_a_groups_page_goes_to_all_of_it(tmp_path, capsys):
    files = {"Ada Doe_71_assignsubmission_file_/ps2.ipynb": b"{}"}
    classroom.lay_out(tmp_path / "class", files)
    (tmp_path / "class.csv").write_text("Identifier,name,group\nParticipant 71,Ada Doe,A\nParticipant 72,Bob Doe,A\n")
    assert grade(tmp_path, "--roster", tmp_path / "class.csv", "--form", "moodle", "--feedback", "moodle") == 0
    made = {as_moodle_reads(path)[0]: page for path, page in archive(tmp_path, "moodle").items()}
    assert b"Ada Doe" in made["71"] and b"Bob Doe" in made["72"]


def test_of_a_group_canvas_takes_the_page_of_who_handed_in_and_the_others_are_named(tmp_path, capsys):
    classroom.lay_out(tmp_path / "class", classroom.download("canvas", 2, lambda name: [name]))
    (tmp_path / "class.csv").write_text("number,name,group\n7000,Ada Doe,A\n7001,Bob Doe,\n7002,Cy Doe,A\n")
    assert grade(tmp_path, "--roster", tmp_path / "class.csv", "--feedback", "canvas") == 0
    said = capsys.readouterr().out
    assert len(archive(tmp_path, "canvas")) == 2 and "2 pages are in" in said
    assert "Not in it: Cy Doe; in an assignment for groups Canvas shows them the page of who handed in" in said


def test_the_same_pages_make_the_same_archive_and_one_changed_by_hand_is_kept(tmp_path, capsys):
    classroom.lay_out(tmp_path / "class", classroom.download("canvas", 2, lambda name: [name]))
    at = tmp_path / "out" / "feedback-canvas.zip"
    assert grade(tmp_path, "--feedback", "canvas") == 0
    before = at.read_bytes()
    assert grade(tmp_path, "--feedback", "canvas") == 0
    assert at.read_bytes() == before and "is not as" not in capsys.readouterr().out
    at.write_bytes(b"mine")
    assert grade(tmp_path, "--feedback", "canvas") == 0
    assert (tmp_path / "out" / "changed-by-hand" / at.name).read_bytes() == b"mine" and at.read_bytes() == before
    assert not list((tmp_path / "out").rglob("*.part"))


def test_a_platform_of_nobodys_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        grade(tmp_path, "--feedback", "blackboard")
    assert "invalid choice: 'blackboard'" in capsys.readouterr().err


# ---- Without names ---------------------------------------------------------------------------------------------------


def test_marks_without_names(tmp_path):
    names = ["adalovelace", "bobdoe", "cyng"]
    for name in names:
        classroom.write(tmp_path / "class" / f"{name}.ipynb", [f'STUDENT = "not {name}"'])
    assert grade(tmp_path) == 0 and not (tmp_path / "out" / "anonymous.csv").exists()
    (tmp_path / "out" / "decisions.csv").write_text("student,task,points,comment\nadalovelace,unpool,1,dear Ada\n")
    assert grade(tmp_path, "--anonymous") == 0
    text = (tmp_path / "out" / "anonymous.csv").read_text("utf-8")
    assert not re.search(r"ada|bob|cy|ipynb|dear", text, re.IGNORECASE)
    lines = list(csv.DictReader(text.splitlines()))
    with open(tmp_path / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        marks = sorted(line["points"] for line in csv.DictReader(file))
    assert sorted(line["points"] for line in lines) == marks and len({line["who"] for line in lines}) == 3
    assert lines[0]["ceil-size state"] == "solved"
    assert grade(tmp_path, "--anonymous", "--seed", "3") == 0
    assert (tmp_path / "out" / "anonymous.csv").read_text("utf-8") == text
    line = [str(tmp_path / "class"), "--assignment", "ps2", "--out", str(tmp_path / "other"), "--anonymous"]
    assert command.main(line) == 0  # elsewhere the same people are called otherwise
    others = csv.DictReader((tmp_path / "other" / "anonymous.csv").read_text("utf-8").splitlines())
    assert not {line["who"] for line in others} & {line["who"] for line in lines}
