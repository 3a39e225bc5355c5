"""Are the tables that Canvas and Moodle export filled in for the right people, and left alone in every other byte?

The tables are made up. Their shape is the platforms' own, as Canvas's gradebook_exporter.rb and Moodle's
assign/gradingtable.php write it: what is quoted, the lines before the students, the columns that may be there.
"""

import csv
import doctest
import io
import re
from datetime import datetime, timedelta, timezone

import pytest

from harness import classroom
from pooling_course.grading import __main__ as command
from pooling_course.grading import pages, roster, tables
from pooling_course.grading.roster import Roster
from pooling_course.grading.submissions import Rule, Submission, one_each

CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,ps1 (4710),ps2 (4711),Quiz: Strides (4712),"
    "Assignments Current Score,Assignments Unposted Current Score,Current Score,Final Score\n"
    ",,,,,,Manual Posting,,,,,\n"
    "    Points Possible,,,,,13.00,15.00,5.00,(read only),(read only),(read only),(read only)\n"
    '"Doe, Ada",12345,S001,adoe,POOL-101 and POOL-102,13.00,,4.50,97.22,97.22,97.22,48.61\n'
    '"Müller, Jörg",12346,S002,jmueller,POOL-101,9.50,,EX,73.08,73.08,73.08,39.58\n'
    '"O\'Neil ""Al"", Alan",12347,S003,aoneil,POOL-101,,3.00,,,,,\n'
    '"Doe, Ada",12348,S004,adoe2,POOL-102,11.00,,,84.62,84.62,84.62,33.33\n'
    '"Zed, Zoe",12349,S005,zzed,POOL-102,,EX,,,,,\n'
    '"Ng, Li",12350,S006,lng,POOL-102,,N/A,,,,,\n'
    '"Quist, Åsa",12351,S007,aquist,POOL-102,,,,,,,\n'
    '"Student, Test",12399,,6b1f2c,POOL-101,,,,,,,\n'
)
CANVAS_IN_GERMANY = (
    "Student;ID;SIS Login ID;Section;ps2 (4711);Notizen;Current Score\n"
    "    Points Possible;;;;15,00;;(read only)\n"
    "Doe, Ada;12345;adoe;POOL;;mag; \n"
    '"Müller; Jörg";12346;jmueller;POOL;;;73,08\n'
)
CANVAS_FIRST_LAST = (
    "LastName,FirstName,ID,SIS Login ID,Section,ps2 (4711)\n    Points Possible,,,,,15.00\nDoe,Ada,12345,adoe,POOL,\n"
)
MOODLE = (
    'Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\n'
    '"Participant 71","Ada Doe",ada@example.org,"Submitted for grading - ",,15.00,Yes,'
    '"Sunday, 1 March 2026, 10:58 PM",-,\n'
    '"Participant 72","Ada Doe",doe@example.org,"Submitted for grading - ",,15.00,Yes,'
    '"Sunday, 1 March 2026, 11:02 PM",-,"<p>Well\ndone, ""Ada""</p>"\n'
    '"Participant 73","Jörg Müller",jm@example.org,"Submitted for grading - Graded - ",4.00,15.00,Yes,'
    '"Monday, 2 March 2026, 1:02 AM","Monday, 2 March 2026, 9:00 AM",\n'
    '"Participant 74","Zoe Zed",zz@example.org,"No submission - ",,15.00,Yes,-,-,\n'
)
MOODLE_IN_GERMANY = (
    'ID;"Vollständiger Name";Matrikelnummer;E-Mail-Adresse;Status;Gruppe;Bewertung;Bestwertung;'
    '"Bewertung kann geändert werden";"Zuletzt geändert (Abgabe)";"Feedback als Kommentar"\n'
    'Teilnehmer/in71;"Ada Doe";100001;ada@example.org;Abgegeben;"Gruppe 1";;15,00;Ja;-;\n'
    'Teilnehmer/in73;"Jörg Müller";100003;jm@example.org;Abgegeben;"Gruppe 2";;15,00;Ja;-;"gut; weiter so"\n'
)
MOODLE_IN_FRANCE = (
    'Identifiant,"Nom complet","Adresse de courriel",Statut,Note,"Note maximale"\n'
    '"Participant 71","Ada Doe",ada@example.org,Remis,,"15,00"\n"Participant 73","Jörg Müller",,Remis,,"15,00"\n'
)
MOODLE_GRADEBOOK = (
    '"First name","Last name","ID number",Institution,Department,"Email address","Assignment: ps1 (Real)",'
    '"Assignment: ps2 (Real)","Course total (Real)","Last downloaded from this course"\n'
    "Ada,Doe,100001,,,ada@example.org,13.00,-,13.00,1772409600\n"
    "Jörg,Müller,100003,,,jm@example.org,9.50,-,9.50,1772409600\n"
)


def table(path, text, bom=False, ends="\n"):
    path.write_bytes(("\ufeff" * bom + text.replace("\n", ends)).encode())
    return path


def submission(student, number=""):
    return Submission(student, number, "", None, False, lambda: b"")


def row(student, number="", points=2.5, share=1.0):
    record = {"parts": [{"points": points}], "cells": {}}
    return tables.Row(submission(student, number), 1, 0, share, record)


def filled(tmp_path, text, rows, column=None, **form):
    """The table with the marks in, and what is said; that nothing else has changed is checked here, for all."""
    path = table(tmp_path / "export.csv", text, **form)
    made = Roster(path, "ps2", column)
    said = list(made.fill(tmp_path / "filled.csv", rows))
    before, after = path.read_bytes(), (tmp_path / "filled.csv").read_bytes()
    assert blank(after, made) == blank(before, made)
    again = list(Roster(tmp_path / "filled.csv", "ps2", column).fill(tmp_path / "again.csv", rows))
    assert (tmp_path / "again.csv").read_bytes() == after
    assert again[1:] == said[1:]
    return after.decode("utf-8-sig"), said


def blank(data, made):
    """The bytes with the column of the marks cut out, by a reader of our own: line for line, then cell for cell."""
    text = data.decode()
    kept, at = [], 0
    for line in roster.cells(text.removeprefix("\ufeff"), made.delimiter):
        if len(line) == len(made.head):
            cell, shift = line[made.column], text.startswith("\ufeff")
            kept.append(text[at : cell.start + shift])
            at = cell.end + shift
    return [*kept, text[at:]]


def marks(text, column, delimiter=","):
    lines = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    return [line[column] for line in lines]


HANDED_IN = [
    row("doeada", "12345", points=15),
    row("müllerjörg", "12346"),
    row("oneilalalan", "12347", points=0),
    row("doeada", "12348", points=4, share=0.8),
    row("zedzoe", "12349", points=7),
    row("stranger", "99"),
]


@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_canvas_gradebook(tmp_path, bom, ends):
    text, said = filled(tmp_path, CANVAS, HANDED_IN, bom=bom, ends=ends)
    assert marks(text, "ps2 (4711)") == ["Manual Posting", "15.00", "15", "2.5", "0", "3.2", "EX", "N/A", "", ""]
    assert said == [
        f"4 marks are filled into {tmp_path / 'filled.csv'}, column 'ps2 (4711)'.",
        "Not in that table, or twice: stranger 99.",
        "In the table without a submission: Ng, Li 12350, Quist, Åsa 12351.",
        "Left as they are, since the table says EX or N/A: zedzoe.",
    ]
    assert (tmp_path / "filled.csv").read_bytes().startswith(b"\xef\xbb\xbf") == bom


def test_canvas_where_commas_are_decimal(tmp_path):
    text, said = filled(tmp_path, CANVAS_IN_GERMANY, [row("doeada", "12345"), row("müllerjörg", "12346", points=15)])
    assert marks(text, "ps2 (4711)", ";") == ["15,00", "2,5", "15"]
    assert len(said) == 1


def test_canvas_with_first_and_last_names(tmp_path):
    text, said = filled(tmp_path, CANVAS_FIRST_LAST, [row("Ada Doe")])
    assert marks(text, "ps2 (4711)") == ["15.00", "2.5"] and len(said) == 1


@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_moodle_worksheet(tmp_path, bom, ends):
    people = [
        row("Ada Doe", "72"),
        row("Ada Doe", "71", points=15, share=0.9),
        row("Jörg Müller", "73"),
        row("Ada Doe"),
        row("jm@example.org"),  # who is there already
    ]
    text, said = filled(tmp_path, MOODLE, people, bom=bom, ends=ends)
    assert marks(text, "Grade") == ["13.5", "2.5", "2.5", ""]
    assert said[1:] == [
        "Not in that table, or twice: Ada Doe, jm@example.org.",
        "In the table without a submission: Zoe Zed Participant 74.",
    ]


def test_moodle_in_german(tmp_path):
    text, said = filled(tmp_path, MOODLE_IN_GERMANY, [row("Ada Doe", "71"), row("Jo\u0308rg Mu\u0308ller")])
    assert marks(text, "Bewertung", ";") == ["2,5", "2,5"] and len(said) == 1


def test_moodle_in_another_language_with_its_column_named(tmp_path):
    with pytest.raises(ValueError, match="columns are Identifiant, .*Say which takes the marks, with --column"):
        filled(tmp_path, MOODLE_IN_FRANCE, [])
    text, said = filled(tmp_path, MOODLE_IN_FRANCE, [row("Ada Doe", "71"), row("Jörg Müller")], column="Note")
    assert marks(text, "Note") == ["2,5", "2,5"] and len(said) == 1
    assert '"Participant 71","Ada Doe",ada@example.org,Remis,"2,5","15,00"\n' in text


def test_moodle_gradebook(tmp_path):
    text, said = filled(tmp_path, MOODLE_GRADEBOOK, [row("Ada Doe", "71"), row("100003", points=15)])
    assert marks(text, "Assignment: ps2 (Real)") == ["2.5", "15"] and len(said) == 1


@pytest.mark.parametrize("column", ["Quiz: Strides", "quiz: strides (4712)", "Strides", "ps1"])
def test_a_column_can_be_named(tmp_path, column):
    text, said = filled(tmp_path, CANVAS, [row("doeada", "12345", points=4)], column=column)
    found = next(name for name in CANVAS.partition("\n")[0].split(",") if column.lower() in name.lower())
    assert marks(text, found)[2] == "4" and found in said[0]


@pytest.mark.parametrize("text", [CANVAS.replace("15.00", "100.00"), MOODLE.replace("15.00", "100.00")])
def test_another_maximum_is_told(tmp_path, text):
    _, said = filled(tmp_path, text, [row("doeada", "12345"), row("Ada Doe", "71")])
    assert said[-1] == "In that table the column counts to 100; the marks filled in count to 15."


@pytest.mark.parametrize(
    "student, number, whose",
    [
        ("doeada", "12348", "12348"),  # by number, where two have the name
        ("doeada", "", None),
        ("Jörg Müller", "", "12346"),
        ("jmueller", "", "12346"),
        ("MULLER JORG", "", "12346"),
        ("S002", "", "12346"),
        ("quiståsa", "", "12351"),
        ("Jörg", "", None),
        ("zedzoe", "555", "12349"),  # a number that the table does not have
    ],
)
def test_whose_line_it_is(tmp_path, student, number, whose):
    made = Roster(table(tmp_path / "canvas.csv", CANVAS), "ps2")
    names = made.names_of(submission(student, number))
    assert whose in names if whose else names == []


def test_names_by_which_a_student_may_go(tmp_path):
    made = Roster(table(tmp_path / "moodle.csv", MOODLE), "ps2")
    assert set(made.names_of(submission("Ada Doe", "72"))) == {"Ada Doe", "doe@example.org", "72"}


@pytest.mark.parametrize(
    "data, says",
    [
        (b"Name;Weight\nada;3\n", "no gradebook of Canvas or Moodle.*Name, Weight"),
        (b"Student,ID,ps3 (1)\nada,3,\n", "with a column for 'ps2'"),
        (b"", "no gradebook"),
        ("Student,ID,ps2\nMüller,1,\n".encode("latin-1"), "cannot be read as a table in UTF-8"),
    ],
)
def test_another_table_is_refused_in_a_sentence(tmp_path, data, says):
    (tmp_path / "other.csv").write_bytes(data)
    with pytest.raises(ValueError, match=says):
        Roster(tmp_path / "other.csv", "ps2")


def test_docstring_examples():
    assert doctest.testmod(roster).failed == 0


# ---- From a platform's download to its table -------------------------------------------------------------------------

DUE = datetime(2026, 3, 1, 22, 0, tzinfo=timezone.utc)
DOWNLOADS = {
    "canvas": (
        CANVAS,
        [
            "doeada_12345_778001_ps2.ipynb",
            "müllerjörg_LATE_12346_778002_ps2-1.ipynb",
            "oneilalalan_12347_778003_my work (2).ipynb",
            "doeada_LATE_12348_778004_ps2.ipynb",
        ],
        ["15.00", "15", "12", "15", "12"],
    ),
    "moodle": (
        MOODLE,
        [
            "Ada Doe_71_assignsubmission_file_/ps2.ipynb",
            "Ada Doe_72_assignsubmission_file_/my work.ipynb",
            "Jörg Müller_73_assignsubmission_file_ps2.ipynb",
        ],
        ["15", "15", "15", ""],
    ),
}


@pytest.mark.parametrize("platform", DOWNLOADS)
def test_a_download_is_graded_into_the_platforms_table(tmp_path, platform, capsys, monkeypatch):
    """The whole way but for the sandbox, which test_grading.py has: every submission is right here."""
    export, files, expected = DOWNLOADS[platform]
    for name in files:
        classroom.write(tmp_path / "download" / name, ["x = 1"])
    table(tmp_path / "export.csv", export)
    monkeypatch.setattr(command.mark, "work", lambda job, trust: right())
    line = [tmp_path / "download", "--assignment", "ps2", "--out", tmp_path / "out", "--fill", tmp_path / "export.csv"]
    assert command.main([*map(str, line), "--late-penalty", "20"]) == 0
    text = (tmp_path / "out" / "export.csv").read_text("utf-8")
    column = "Grade" if platform == "moodle" else "ps2 (4711)"
    found = marks(text, column)
    assert [mark for mark in found if mark != "Manual Posting"][: len(expected)] == expected
    assert "Not in that table" not in capsys.readouterr().out
    pages_made = sorted(path.stem for path in (tmp_path / "out" / "feedback").iterdir())
    assert len(pages_made) == len(files) and all(re.match(r"(doeada|Ada Doe) \d+$", name) for name in pages_made[:1])


def right():
    parts = []
    for task in command.mark.tasks("ps2"):
        part = {"exercise": task.exercise, "points": float(task.points), "full": task.points, "passed": 1, "total": 1}
        parts.append(part | {"state": "solved", "mistake": None, "says": [], "html": "", "shape": None})
    return {"parts": parts, "cells": {}}


def test_a_late_mark_by_the_clock_goes_into_the_table(tmp_path):
    late = Submission("Ada Doe", "71", "", DUE + timedelta(hours=30), False, bytes)
    rule = Rule(DUE, penalty=20)
    ((counted, attempts),) = one_each([late], rule)
    made = tables.Row.of(counted, attempts, rule)
    made.record = right()
    text, _ = filled(tmp_path, MOODLE, [made])
    assert marks(text, "Grade")[0] == "9"  # 15 less two days at 20 %


def test_people_of_one_name_have_pages_of_their_own(tmp_path):
    people = [row("Ada Doe", "71"), row("ada doe", "72"), row("Zoe Zed", "74")]
    for each in people:
        each.record = right()
    pages.write_feedback(tmp_path / "feedback", "ps2", people)
    names = {path.stem for path in (tmp_path / "feedback").iterdir()}
    assert names == {"Ada Doe 71", "ada doe 72", "Zoe Zed"}
