"""Does what people decide reach marks, pages and the platform's table and outlive every run, and is none of it lost?"""

import csv
import io
import os
import time
from functools import partial

import pytest

from harness import classroom
from pooling_course.grading import __main__ as command
from pooling_course.grading import mark
from pooling_course.grading.assignments import ASSIGNMENTS
from pooling_course.grading.book import Book
from pooling_course.grading.decisions import HEADS, TABLE, Decisions
from pooling_course.grading.submissions import Submission
from pooling_course.grading.tables import Row

pytestmark = pytest.mark.usefixtures("all_right")
WRITTEN = "two-gradients"
grade = partial(classroom.grade_in, assignment="ps3")
MACHINE = sum(task.points for task in mark.tasks("ps3"))  # 17, and 4 by a person


@pytest.fixture
def graded(tmp_path):
    """A class of three, graded once."""
    for name in ("ada", "bob", "Jörg"):
        classroom.write(tmp_path / "class" / f"{name}.ipynb", [f'STUDENT = "{name}"'])
    assert grade(tmp_path) == 0
    return tmp_path


def lines(folder):
    return list(csv.DictReader(io.StringIO((folder / "out" / TABLE).read_text("utf-8-sig"))))


def decide(folder, *rows, heads="student,task,points,comment,by", coding="utf-8"):
    text = "\n".join([heads, *rows, ""])
    (folder / "out" / TABLE).write_bytes(text.encode(coding))
    return text.encode(coding)


def points(folder):
    with open(folder / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        return {line["student"]: line for line in csv.DictReader(file)}


def page(folder, name):
    return (folder / "out" / "feedback" / f"{name}.html").read_text("utf-8")


def person(name):
    return Row(Submission(name, "", "", None, False, bytes), 1, 0, 1.0, classroom.solved("ps3"))


# ---- The table -------------------------------------------------------------------------------------------------------


def test_there_is_a_line_for_every_answer_that_a_person_reads(capsys, graded):
    found = [(line["student"], line["task"], line["points"], line["out_of"]) for line in lines(graded)]
    assert found == [(name, WRITTEN, "", "4") for name in ("Jörg", "ada", "bob")]
    said = capsys.readouterr().out
    assert "3 answers are for you to read" in said and "3 have answers that nobody has read yet" in said
    assert "17 of 21 points</strong> so far" in page(graded, "ada") and "○ not read yet" in page(graded, "ada")


def test_marks_and_comments_reach_gradebook_page_and_platform(graded, tmp_path, capsys):
    decide(
        graded,
        f"ada,{WRITTEN},3,Which reason is missing?,AB",
        'bob,unet-skip,1.5,"<b>Half</b>,\nsee lesson 6",AB',
        f"bob,{WRITTEN},4,,AB",
        "Jörg,total,12,spoken exam,CD",
    )
    (tmp_path / "export.csv").write_text("Student,ID,ps3 (1)\nada,1,\nbob,2,\nJörg,3,\n", "utf-8")
    assert grade(graded, "--fill", tmp_path / "export.csv") == 0
    made = points(graded)
    assert [made[name]["points"] for name in ("ada", "bob", "Jörg")] == ["20", "20.5", "12"]
    assert made["ada"][WRITTEN] == "3" and made["bob"]["unet-skip"] == "1.5" and made["Jörg"][WRITTEN] == ""
    assert "By hand: unet-skip 1.5, was 2 (AB)." in made["bob"]["notes"]
    assert (graded / "out" / "export.csv").read_text("utf-8").splitlines()[1:] == [
        "ada,1,20",
        "bob,2,20.5",
        "Jörg,3,12",
    ]
    assert "20 of 21 points</strong></p>" in page(graded, "ada") and "Which reason is missing?" in page(graded, "ada")
    assert "3 points: both routes and equal sums; one reason or the example is missing or not right." in page(
        graded, "ada"
    )
    assert "&lt;b&gt;Half&lt;/b&gt;" in page(graded, "bob") and "a person gave the points" in page(graded, "bob")
    assert "12 of 21 points" in page(graded, "Jörg") and "spoken exam" in page(graded, "Jörg")
    assert "nobody has read" not in capsys.readouterr().out


def test_a_comment_on_no_task_is_one_on_all(graded, capsys):
    decide(graded, "ada,,,Come and see me.,AB", "bob,,3,Which task?,AB")
    assert grade(graded) == 1
    assert "Come and see me." in page(graded, "ada") and "17 of 21 points</strong> so far" in page(graded, "ada")
    assert "row 3: ps3 has no task ''" in capsys.readouterr().out and "Which task?" not in page(graded, "bob")


def test_what_was_decided_outlives_a_regrade(graded, monkeypatch):
    decide(graded, f"ada,{WRITTEN},4,well said,AB")
    grade(graded)
    classroom.write(graded / "class" / "ada.ipynb", ['STUDENT = "ada"', "x = 2"])
    monkeypatch.setattr(mark, "work", lambda job, trust: mark.unreadable("ps3", "another record"))
    assert grade(graded, "--seed", "3") == 0
    assert points(graded)["ada"]["points"] == "4" and "well said" in page(graded, "ada")


def test_lateness_takes_from_the_marks_and_not_from_a_total(graded, tmp_path):
    decide(graded, f"ada,{WRITTEN},3,,", "bob,total,10,,")
    (tmp_path / "times.csv").write_text("student,submitted\nada,2026-03-02 10:00\nbob,2026-03-02 10:00\n")
    how = ["--deadline", "2026-03-01 23:59", "--late-penalty", "50", "--times", tmp_path / "times.csv"]
    assert grade(graded, *how) == 0
    assert (points(graded)["ada"]["points"], points(graded)["bob"]["points"]) == ("10", "10")


def test_who_changed_what_and_when_is_in_the_report(graded):
    for by, mark_ in (("AB", "2"), ("CD", "3,5")):
        decide(graded, f"ada;{WRITTEN};{mark_};because;{by}", heads="student;task;points;comment;by")
        os.utime(graded / "out" / TABLE, (1_800_000_000 + len(by + mark_),) * 2)
        grade(graded)
    report = (graded / "out" / "report.html").read_text("utf-8")
    for was, now, by in (("<td></td>", "2", "AB"), ('<td class="number">2</td>', "3.5", "CD")):
        told = f"{by}</td><td>ada</td><td></td><td>Two gradients, in your own words</td>{was}"
        assert f'{told}<td class="number">{now}</td>' in report
    assert time.strftime("%Y-%m-%d", time.localtime(1_800_000_000)) in report
    before = len(report)
    grade(graded)  # the same again is no change
    assert len((graded / "out" / "report.html").read_text("utf-8")) == before


def test_a_line_that_is_taken_out_is_no_mark_any_more_and_still_in_the_report(graded):
    decide(graded, "ada,unet-skip,0,cheated,AB")
    grade(graded)
    assert points(graded)["ada"]["unet-skip"] == "0"
    decide(graded)
    grade(graded)
    assert points(graded)["ada"]["unet-skip"] == "2"
    assert "cheated" in (graded / "out" / "report.html").read_text("utf-8")


# ---- Nothing of a person's is lost -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_lines_are_added_behind_what_stands_there(graded, coding, delimiter, end):
    """As any spreadsheet may save it, with a column of its own and a line that says nothing to us."""
    heads = delimiter.join(["mine", "student", "task", "points", "comment"])
    body = (
        f'{heads}\r\nx{delimiter}Jörg{delimiter}{WRITTEN}{delimiter}"3,5"{delimiter}gut\r\n{"so" + 4 * delimiter}{end}'
    )
    (graded / "out" / TABLE).write_bytes(body.encode(coding))
    assert grade(graded) == 0
    data = (graded / "out" / TABLE).read_bytes()
    assert data.startswith(body.encode(coding)) and points(graded)["Jörg"]["points"] == "20.5"
    added = list(csv.reader(io.StringIO(data.decode(coding), newline=""), delimiter=delimiter))[-2:]
    assert added == [["", "ada", WRITTEN, "", ""], ["", "bob", WRITTEN, "", ""]]
    assert grade(graded) == 0 and (graded / "out" / TABLE).read_bytes() == data


WRONG = {
    "nobody": ("zoe,two-gradients,3,,", "row 2: no submission is from 'zoe'"),
    "no task": ("ada,two-gradient,3,,", "row 2: ps3 has no task 'two-gradient', but my-average-map"),
    "no number": ("ada,two-gradients,four,,", "row 2: 'four' is no number of points from 0 to 4, which two-gradients"),
    "below none": ("ada,two-gradients,-1,,", "row 2: '-1' is no number"),
    "above all": ("ada,two-gradients,4.5,,", "row 2: '4.5' is no number of points from 0 to 4"),
    "above the total": ("ada,total,22,,", "row 2: '22' is no number of points from 0 to 21"),
    "not finite": ("ada,two-gradients,nan,,", "row 2: 'nan' is no number"),
    "two numbers": ('ada,two-gradients,"1,000,0",,', "row 2: '1,000,0' is no number"),
    "a formula": ("ada,two-gradients,=2+1,,", "row 2: '=2+1' is no number"),
    "no student": (",two-gradients,3,,", "row 2: no submission is from 'nobody'"),
    "two decisions": ("ada,two-gradients,3,,\nada,two-gradients,4,,", "rows 2 and 3: they decide differently"),
}


@pytest.mark.parametrize("row, says", WRONG.values(), ids=WRONG)
def test_a_bad_line_is_told_with_its_row_and_stays(graded, row, says, capsys):
    data = decide(graded, row, f"bob,{WRITTEN},2,fine,")
    assert grade(graded) == 1
    said = capsys.readouterr().out
    assert f"{TABLE}, {says}" in said and "Traceback" not in said
    assert points(graded)["ada"]["points"] == "17" and points(graded)["bob"]["points"] == "19"
    assert (graded / "out" / TABLE).read_bytes().startswith(data)
    assert says.partition(":")[0] in (graded / "out" / "report.html").read_text("utf-8")


@pytest.mark.parametrize("text", ["", "mine", "student;task\nada;x\n"])
def test_a_table_without_its_columns_stops_before_anything_is_written(graded, text, capsys):
    (graded / "out" / TABLE).write_text(text)
    before = points(graded)
    status = grade(graded)
    if text:
        assert status == 1 and "has no column" in capsys.readouterr().err
        assert (graded / "out" / TABLE).read_text() == text
    else:  # what is empty can be begun again
        assert status == 0 and len(lines(graded)) == 3
    assert points(graded) == before


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_table_that_is_gone_comes_back_with_what_was_decided(graded, how, capsys):
    decide(graded, f'ada,{WRITTEN},3,"\'=so,\n so",AB', "bob,total,7.5,,CD")
    grade(graded)
    decided = points(graded)
    (graded / "out" / TABLE).unlink() if how == "gone" else (graded / "out" / TABLE).write_text("")
    assert grade(graded) == 0
    assert "was gone: what was decided (2 lines) stands in it again" in capsys.readouterr().out
    assert points(graded) == decided
    again = [(line["student"], line["points"], line["comment"], line["by"]) for line in lines(graded) if line["points"]]
    assert again == [("ada", "3", "'=so,\n so", "AB"), ("bob", "7.5", "", "CD")]


def test_a_folder_in_its_place_gives_a_sentence(graded, capsys):
    (graded / "out" / TABLE).unlink()
    (graded / "out" / TABLE).mkdir()
    assert grade(graded) == 1 and "cannot be read" in capsys.readouterr().err


def test_an_export_of_that_name_is_never_written_to(graded, capsys):
    (graded / "out" / TABLE).write_text("Student,ID,ps3\nada,1,\n")
    assert grade(graded, "--fill", graded / "out" / TABLE) == 1
    assert "is what this program itself writes" in capsys.readouterr().err


def test_two_of_one_name_are_told_apart_by_number(tmp_path, capsys):
    files = {f"doeada_{n}_{n + 70}_ps3.ipynb": b"{}" for n in (11, 12)}
    classroom.lay_out(tmp_path / "class", {k: classroom.json.dumps(classroom.notebook([k])).encode() for k in files})
    assert grade(tmp_path) == 0
    decide(
        tmp_path, f"doeada,12.0,{WRITTEN},3,,", f"doeada,,{WRITTEN},1,,", heads="student,number,task,points,comment,by"
    )
    assert grade(tmp_path) == 1
    assert "row 3: 2 students are called doeada: give the number, too." in capsys.readouterr().out
    with open(tmp_path / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        assert [(line["number"], line["points"]) for line in csv.DictReader(file)] == [("11", "17"), ("12", "20")]


def test_a_name_that_a_spreadsheet_would_compute_is_found_again(tmp_path):
    classroom.write(tmp_path / "class" / "=eve.ipynb", ["x = 1"])
    grade(tmp_path)
    assert lines(tmp_path)[0]["student"] == "'=eve"
    decide(tmp_path, f"'=eve,{WRITTEN},2,'=1+1,")
    assert grade(tmp_path) == 0 and points(tmp_path)["'=eve"]["points"] == "19"


@pytest.mark.parametrize(
    "line, whose",
    [
        ("12345,,total,5,,", "12345"),
        ("12345.0,,total,5,,", "12345"),
        ('"12345,00",,total,5,,', "12345"),
        ("123450,,total,5,,", "123450"),
        ("'=1+1,,total,5,,", "=1+1"),
        ("a;'=1+1,,total,5,,", "a;=1+1"),
        ("J?rg,,total,5,,", "J\udcf6rg"),
        ("🎉,,total,5,,", "🎉"),
        ("🎊,,total,5,,", None),
        ("1.2E+05,,total,5,,", None),
    ],
)
def test_a_line_that_a_spreadsheet_saved_is_the_same_persons_or_nobodys(tmp_path, line, whose):
    people = [person(name) for name in ("12345", "123450", "=1+1", "a;=1+1", "J\udcf6rg", "🎉", "🙂")]
    (tmp_path / TABLE).write_text(f"{','.join(HEADS)}\n{line}\n", "utf-8")
    book = Book(tmp_path / "kept.sqlite", "ps3")
    made = Decisions(tmp_path / TABLE, "ps3", book)
    made.join(people)
    assert [row.student for row in people if row.decided] == [whose] * bool(whose)
    assert bool(made.wrong) == (whose is None)
    made.log(people, book)
    assert [student for student, _, _ in book.decided()] == [(whose or "").replace("\udcf6", "?")] * bool(whose)
    book.close()


@pytest.mark.parametrize("above", ["", "\n\n", "sep=;\n", "\r\nsep=;\r\n"])
def test_what_stands_above_the_headings_is_passed_over(tmp_path, above):
    text = f"{above}{';'.join(HEADS)}\nada;;total;5;;;\nzoe;;total;5;;;\n"
    (tmp_path / TABLE).write_bytes(text.encode())
    made = Decisions(tmp_path / TABLE, "ps3", Book(tmp_path / "kept.sqlite", "ps3"))
    ada = person("ada")
    made.join([ada])
    assert ada.decided["total"].points == 5
    assert made.wrong[0].startswith(f"{TABLE}, row {text[: text.index('zoe')].count(chr(10)) + 1}: ")


def test_two_columns_of_one_name_are_a_question(tmp_path):
    (tmp_path / TABLE).write_text("student,task,points,comment,Points\nada,total,5,,6\n")
    with pytest.raises(ValueError, match="two columns 'points'"):
        Decisions(tmp_path / TABLE, "ps3", Book(tmp_path / "kept.sqlite", "ps3"))


def test_an_assignment_without_written_answers_can_be_decided_about_too(tmp_path):
    classroom.write(tmp_path / "class" / "ada.ipynb", ["x = 1"])
    line = [str(tmp_path / "class"), "--assignment", "ps2", "--out", str(tmp_path / "out")]
    assert command.main(line) == 0 and lines(tmp_path) == []
    decide(tmp_path, "ada,output-size,0.5,,")
    assert command.main(line) == 0
    assert float(points(tmp_path)["ada"]["points"]) == ASSIGNMENTS["ps2"].points - 0.5


def test_only_changes_are_kept(tmp_path):
    book = Book(tmp_path / "results.sqlite", "ps3")
    book.decide({("ada", "", "total"): (3.0, "c", "AB")}, "1")
    book.decide({("ada", "", "total"): (3.0, "c", "AB")}, "2")
    book.decide({}, "3", gone=False)
    book.decide({}, "4")
    book.decide({}, "5")
    assert [each[0] for each in book.decisions()] == ["1", "4"]
    assert Decisions(tmp_path / TABLE, "ps3", book).lines == []
    book.close()
