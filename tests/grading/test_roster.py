"""Are the tables that Canvas and Moodle export filled in for the right people, and left alone in every other byte?

The tables are made up. Their shape is the platforms' own, as Canvas's gradebook_exporter.rb and Moodle's
assign/gradingtable.php write it: what is quoted, the lines before the students, the columns that may be there.
"""

import csv
import doctest
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from harness import classroom
from pooling_course.grading import __main__ as command
from pooling_course.grading import mark, pages, roster, tables
from pooling_course.grading.roster import Gradebook, Roster, Times
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
    record = {"parts": [{"exercise": "any", "points": points}], "cells": {}}
    return tables.Row(submission(student, number), 1, 0, share, record)


def filled(tmp_path, text, rows, column=None, **form):
    """The table with the marks in, and what is said; that nothing else has changed is checked here, for all."""
    path = table(tmp_path / "export.csv", text, **form)
    made = Gradebook(path, "ps2", column)
    after, said = made.fill(rows)
    assert blank(after, made) == blank(path.read_bytes(), made)
    (tmp_path / "filled.csv").write_bytes(after)
    assert Gradebook(tmp_path / "filled.csv", "ps2", column).fill(rows) == (after, said)
    return after.decode("utf-8-sig"), said


def blank(data, made):
    """The bytes with the column of the marks cut out, by a reader of our own: line for line, then cell for cell."""
    text = data.decode()
    kept, at = [], 0
    for line in roster.cells(text.removeprefix("\ufeff"), made.saved.delimiter):
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
        "4 marks are filled in, column 'ps2 (4711)'.",
        "Not in that table, or twice: stranger 99.",
        "Left as they are, for what stands there is no mark: zedzoe (EX).",
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
    assert said[1:] == ["Not in that table, or twice: Ada Doe, jm@example.org."]


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
    made = Gradebook(table(tmp_path / "canvas.csv", CANVAS), "ps2")
    names = made.names_of(submission(student, number))
    assert whose in names if whose else names == []


def test_names_by_which_a_student_may_go(tmp_path):
    made = Gradebook(table(tmp_path / "moodle.csv", MOODLE), "ps2")
    assert set(made.names_of(submission("Ada Doe", "72"))) == {"Ada Doe", "doe@example.org", "72"}


@pytest.mark.parametrize(
    "data, says",
    [
        (b"Name;Weight\nada;3\n", "no gradebook of Canvas or Moodle.*Name, Weight"),
        (b"Student,ID,ps3 (1)\nada,3,\n", "with a column for 'ps2'"),
        (b"", "no gradebook"),
        (b"PK\3\4\0\0\0\0", "no table in text: save it in your spreadsheet as CSV"),
        ("Student,ID,ps2\nMüller,1,\n".encode("utf-16-le"), "no table in text"),
    ],
)
def test_another_table_is_refused_in_a_sentence(tmp_path, data, says):
    (tmp_path / "other.csv").write_bytes(data)
    with pytest.raises(ValueError, match=says):
        Gradebook(tmp_path / "other.csv", "ps2")


# ---- What a spreadsheet makes of a table -----------------------------------------------------------------------------


@pytest.mark.parametrize("above", ["", "\r\n\r\n", "sep=;\r\n", '"sep=;"\r\n\r\n'])
@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("heads", ["Student;ID;ps2", '"Student";"ID";"ps2"', '"Student";ID;ps2;"a, b, c, and d"'])
def test_a_table_that_a_spreadsheet_saved_is_read_and_filled_to_the_byte(tmp_path, above, coding, heads):
    mark = "\ufeff" if coding == "utf-16-be" else ""
    text = f"{mark}{above}{heads}\r\nMüller, Jörg;7;{{}}\r\nDoe, Ada;8;\r\n"
    (tmp_path / "saved.csv").write_bytes(text.format("").encode(coding))
    made = Gradebook(tmp_path / "saved.csv", "ps2")
    jorg = row("Jörg Müller")
    jorg.record = classroom.solved("ps2")
    assert made.fill([jorg])[0] == text.format("15").encode(coding)


def test_bytes_that_no_coding_has_stay(tmp_path):
    data = b"Student;ID;ps2\r\nM\xfcller \x81;7;\r\n"
    (tmp_path / "saved.csv").write_bytes(data)
    assert Gradebook(tmp_path / "saved.csv", "ps2").fill([])[0] == data


@pytest.mark.parametrize(
    "cell, number",
    [
        ("71", "71"),
        (" 71 ", "71"),
        ("Participant 71", "71"),
        ("Participant 71 ", "71"),
        ("Teilnehmer/in71", "71"),
        ("71.0", "71"),
        ("71,00", "71"),
        ("71,000", ""),
        ("71 000", ""),
        ("7.1E+71", ""),
        ("7,1e+71", ""),
        ("7E+71", ""),
        ("", ""),
    ],
)
def test_a_number_is_as_it_was_before_a_spreadsheet_had_it(tmp_path, cell, number):
    other = Roster(table(tmp_path / "class.csv", f"Identifier;Name\n{cell};Ada\n9;Bob\n"))
    assert other.number_of(submission("Ada")) == number
    told = [sentence for sentence in other.doubts([submission("Ada")]) if "rounded" in sentence]
    assert bool(told) == ("e+" in cell.casefold())


def test_a_login_of_digits_stays_one_students(tmp_path):
    other = Roster(table(tmp_path / "class.csv", "login,name\n1234.0,Ada\n"))
    assert other.knows("1234") and not other.knows("12340")


def test_docstring_examples():
    assert all(doctest.testmod(module).failed == 0 for module in (roster, tables))


# ---- One column, or a question ---------------------------------------------------------------------------------------

PERCENT = MOODLE_GRADEBOOK.replace(
    '"Assignment: ps2 (Real)"', '"Assignment: ps2 (Percentage)","Assignment: ps2 (Real)"'
)
PERCENT = PERCENT.replace(",-,", ",86.67 %,-,")


def test_points_go_into_no_column_of_percentages(tmp_path):
    for kind in ("Percentage", "Letter", "Feedback", "Irgendwas"):
        text, _ = filled(tmp_path, PERCENT.replace("Percentage", kind), [row("Ada Doe", "71")])
        assert marks(text, "Assignment: ps2 (Real)")[0] == "2.5"
        assert marks(text, f"Assignment: ps2 ({kind})")[0] == "86.67 %"


ASKED = {
    "two of one name": CANVAS.replace("Quiz: Strides (4712)", "ps2 (4711)"),
    "two assignments of one name": CANVAS.replace("Quiz: Strides (4712)", "ps2 (4712)"),
    "only percentages": MOODLE_GRADEBOOK.replace("ps2 (Real)", "ps2 (Percentage)"),
    "only letters": MOODLE_GRADEBOOK.replace(",-,", ",B+,"),
    "only what Canvas works out": CANVAS.replace("ps2 (4711)", "x").replace("Final Score", "ps2"),
    "two grades": MOODLE.replace('"Maximum Grade"', "Grade"),
    "empty columns of unknown kinds": MOODLE_GRADEBOOK.replace("ps1 (Real)", "ps2 (X)")
    .replace("13.00", "")
    .replace("9.50", ""),
}


@pytest.mark.parametrize("text", ASKED.values(), ids=ASKED)
def test_where_not_exactly_one_column_counts_points_it_asks(tmp_path, text):
    with pytest.raises(ValueError, match="columns? that could take the points|with a column for.*Say which"):
        filled(tmp_path, text, [])


def test_the_question_can_be_answered_with_a_number(tmp_path):
    text = ASKED["two of one name"]
    with pytest.raises(
        ValueError, match="has 2 columns .*7: 'ps2 \\(4711\\)'; 8: 'ps2 \\(4711\\)'.*--column and its number"
    ):
        filled(tmp_path, text, [])
    after, said = filled(tmp_path, text, [row("doeada", "12345", points=4)], column="8")
    assert "POOL-102,13.00,,4," in after
    assert (
        marks(
            filled(tmp_path, ASKED["two assignments of one name"], [row("doeada", "12345")], "ps2 (4711)")[0],
            "ps2 (4711)",
        )[2]
        == "2.5"
    )
    for column in ("0", "99", "Percentage", "Assignment: ps2 (Percentage)"):
        with pytest.raises(ValueError, match="--column"):
            filled(tmp_path, ASKED["only percentages"], [], column)


def test_what_a_person_wrote_into_a_column_stays(tmp_path):
    wrote = CANVAS.replace("POOL-101,9.50,,EX", "POOL-101,9.50,see me,EX")
    with pytest.raises(ValueError, match="which holds 'see me'"):
        filled(tmp_path, wrote, [])
    text, said = filled(tmp_path, wrote, [row("müllerjörg", "12346")], column="7")
    assert marks(text, "ps2 (4711)")[3] == "see me"
    assert "Left as they are, for what stands there is no mark: müllerjörg (see me)." in said


def test_locked_lines_stay(tmp_path):
    for text, no in ((MOODLE, ",15.00,Yes,"), (MOODLE_IN_GERMANY, ";15,00;Ja;")):
        column = "Grade" if text is MOODLE else "Bewertung"
        locked = text.replace(no, no.replace("Yes", "No").replace("Ja", "Nein"), 1)
        after, said = filled(tmp_path, locked, [row("Ada Doe", "71"), row("Jörg Müller", "73")])
        assert [m for m in marks(after, column, ";" if ";" in no else ",") if m] in (["2.5"], ["2,5"])
        assert said[1:][-1].endswith("cannot be changed: Ada Doe.")


@pytest.mark.parametrize(
    "column, most, elsewhere, mark",
    [
        ("4.50", "", "1,5", "2.5"),
        ("4,50", "", "1.5", "2,5"),
        ("", "15,00", "1.5", "2,5"),
        ("", "15.00", "1,5", "2.5"),
        ("", "", "1,5", "2,5"),
        ("", "", "1,234", "2.5"),  # a thousand, not a fraction
        ("", "", "1,5 1.5", "2.5"),
        ("7", "15", "1,5", "2,5"),
    ],
)
def test_the_decimal_sign_is_the_columns_own(tmp_path, column, most, elsewhere, mark):
    one, two = (elsewhere.split() * 2)[:2]
    text = f"ID;Full name;Grade;Maximum Grade;Score\n1;Ada Doe;;{most};{one}\n2;Bob Ng;{column};{most};{two}\n"
    assert marks(filled(tmp_path, text, [row("Ada Doe")])[0], "Grade", ";")[0] == mark


def test_two_decimal_signs_in_the_column_are_a_question(tmp_path):
    with pytest.raises(ValueError, match="which sign is the decimal one"):
        filled(tmp_path, "ID;Full name;Grade\n1;Ada;2,5\n2;Bob;3.5\n", [])


# ---- Who is in a table -----------------------------------------------------------------------------------------------


def test_two_with_the_same_claim_to_a_line_both_go_without(tmp_path):
    for people in ([row("adoe", points=15), row("S001")], [row("doeada", "12345"), row("mallory", "12345")]):
        text, said = filled(tmp_path, CANVAS, people)
        assert marks(text, "ps2 (4711)")[2] == ""
        assert re.fullmatch("Not in that table, or twice: [^,]+, [^,]+", said[1])
    text, said = filled(tmp_path, CANVAS, [row("adoe"), row("doeada", "12345", points=15)])  # a number counts for more
    assert marks(text, "ps2 (4711)")[2] == "15" and "twice: adoe." in said[1]


def test_doubts_are_named(tmp_path):
    made = Gradebook(table(tmp_path / "canvas.csv", CANVAS + "Short,1\n"), "ps2")
    people = [submission("mallory", "12345"), submission("stranger"), submission("Müller, Jörg")]
    said = list(made.doubts(people))
    assert said[0] == "Not in canvas.csv, or twice, so nobody's for certain: stranger."
    assert said[1] == "In canvas.csv by number, under another name: mallory 12345 (there 'Doe, Ada')."
    assert said[2].startswith("In canvas.csv without a submission: O'Neil") and "Test" not in said[2]
    assert said[3] == "Lines of canvas.csv that are too short to be read: 12."
    assert list(made.doubts([submission("a"), submission("b")]))[-2].startswith("Nobody in canvas.csv has handed in")


@pytest.mark.parametrize(
    "text, name",
    [
        ("Ada Doe\nBob Ng\n", "Ada Doe"),
        ("student\nada\nbob\n", "ada"),
        ("First name,Last name,Email address\nAda,Doe,ada@example.org\nBob,Ng,b@example.org\n", "ada@example.org"),
        ('"identifier","github_username","github_id","name"\n"s-1","adadoe","1",""\n"s-2","bng","2",""\n', "adadoe"),
        ('"identifier","github_username","github_id","name"\n"Ada D","adadoe","1",""\n"s-2","bng","2",""\n', "Ada D"),
    ],
)
def test_a_list_of_the_class_may_be_any_table(tmp_path, text, name):
    made = Roster(table(tmp_path / "class.csv", text, bom=True, ends="\r\n"))
    assert made.knows(name) and not made.knows("stranger") and len(made.students) == 2
    with pytest.raises(ValueError, match="no column with names.*x, y.*`student`"):
        Roster(table(tmp_path / "class.csv", "x,y\n1,2\n"))


def test_a_number_may_be_called_as_in_the_courses_own_tables(tmp_path):
    made = Roster(table(tmp_path / "class.csv", "number,name\n7000,Ada Doe\n7001,Bob Ng\n"))
    assert made.number_of(submission("doe a", "7001")) == "7001" and made.number_of(submission("Ada Doe")) == "7000"


# ---- When they handed in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        MOODLE,
        MOODLE_IN_GERMANY.replace(";Ja;-", ";Ja;Sonntag, 1. März 2026, 22:58", 1).replace("22:58;", "22:58;"),
        "student;submitted\nAda Doe 71;2026-03-01 22:58\nZoe;\n",
        "ID,name,Abgabe\n71,Ada Doe,01.03.2026 22:58\n72,Zoe,-\n",
        "id,login,when,points\n71,ada,2026-03-01T22:58:00,3\n72,zoe,,4\n",
        "id,login,when\n71,ada,2026-03-01 22:58:00.000000 {utc}\n",
    ],
)
def test_tables_that_say_when(tmp_path, text):
    zone = datetime(2026, 3, 1, 22, 58).astimezone()
    made = Times(table(tmp_path / "times.csv", text.format(utc=zone.strftime("%z"))))
    assert made.when(submission("Ada Doe 71" if "submitted" in text else "Ada Doe", "71")) == zone
    assert made.when(submission("stranger", "99")) is None and made.when(submission("Zoe")) is None


@pytest.mark.parametrize("zone", ["+01:00", " +0100", " GMT+1", " GMT+01:00", " UTC+1", " UTC +01:00"])
def test_a_zone_ahead_is_ahead(tmp_path, zone):
    made = Times(table(tmp_path / "times.csv", f"student,submitted\nada,2026-03-01 22:58{zone}\n"))
    assert made.when(submission("ada")) == datetime(2026, 3, 1, 21, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    "text, says",
    [
        ("student,submitted\nada,03/04/2026 10:00\n", "day or the month first; write it as 2026"),
        ("student,submitted\nada,yesterday at 5\n", "'yesterday at 5' is no time"),
        ("student,submitted\nada,2026-03-04 10:00 EST\n", "is no time"),
        ("student,submitted\nada,2026-03-04\n", "is no time"),
        ("student,submitted\nada,10:00\n", "is no time"),
        ("student,submitted\nada,99999999999999999999:00 March\n", "is no time"),
        ("student,points\nada,3\n", "no column that could say when.*student, points"),
        ("student,a,b\nada,2026-03-04 10:00,2026-03-04 11:00\n", "has 2 columns that could say when"),
        ("student,submitted,timestamp\nada,,\n", "has 2 columns"),
        ("x,submitted\nada,2026-03-04 10:00\n", "no column with names"),
    ],
)
def test_a_time_that_is_not_certain_is_refused(tmp_path, text, says):
    with pytest.raises(ValueError, match=says):
        Times(table(tmp_path / "times.csv", text))


# ---- From a platform's download to its table -------------------------------------------------------------------------

DUE = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
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
    monkeypatch.setattr(mark, "work", lambda job, trust: classroom.solved("ps2"))
    line = [tmp_path / "download", "--assignment", "ps2", "--out", tmp_path / "out", "--fill", tmp_path / "export.csv"]
    assert command.main([*map(str, line), "--late-penalty", "20"]) == 0
    text = (tmp_path / "out" / "export.csv").read_text("utf-8")
    column = "Grade" if platform == "moodle" else "ps2 (4711)"
    found = marks(text, column)
    assert [mark for mark in found if mark != "Manual Posting"][: len(expected)] == expected
    assert "Not in that table" not in capsys.readouterr().out
    pages_made = sorted(path.stem for path in (tmp_path / "out" / "feedback").iterdir())
    assert len(pages_made) == len(files) and all(re.match(r"(doeada|Ada Doe) \d+$", name) for name in pages_made[:1])


def test_a_late_mark_by_the_clock_goes_into_the_table(tmp_path):
    late = Submission("Ada Doe", "71", "", DUE + timedelta(hours=30), False, bytes)
    rule = Rule(DUE, penalty=20)
    ((counted, attempts),) = one_each([late], rule)
    made = tables.Row.of(counted, attempts, rule)
    made.record = classroom.solved("ps2")
    text, _ = filled(tmp_path, MOODLE, [made])
    assert marks(text, "Grade")[0] == "9"  # 15 less two days at 20 %


def test_people_of_one_name_have_pages_of_their_own(tmp_path):
    people = [row("Ada Doe", "71"), row("ada doe", "72"), row("Zoe Zed", "74")]
    for each in people:
        each.record = classroom.solved("ps2")
    names = {name.removesuffix(".html") for name, _ in pages.feedback_pages("ps2", people)}
    assert names == {"Ada Doe 71", "ada doe 72", "Zoe Zed"}
