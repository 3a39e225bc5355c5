"""Does the list of the class say who has until when, and who shares a mark? Extensions, grace, time zones, groups."""

import csv
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from harness import classroom
from harness.classroom import grade_in as grade
from pooling_course.grading import mark
from pooling_course.grading.people import ClassList, extension
from pooling_course.grading.submissions import Rule, Submission, Terms

pytestmark = pytest.mark.usefixtures("all_right")
FULL = sum(task.points for task in mark.tasks("ps2"))
DUE = datetime(2026, 3, 1, 23, 59, tzinfo=ZoneInfo("Europe/Berlin"))


def hand_in(folder, *names, **more):
    for name in names:
        classroom.write(folder / "class" / f"{name}.ipynb", more.get(name, [f'STUDENT = "{name}"']))
    return folder


def roster(folder, text):
    (folder / "class.csv").write_text(text, "utf-8")
    return folder / "class.csv"


def times(folder, **when):
    lines = [f"{name},{time}" for name, time in when.items()]
    (folder / "times.csv").write_text("\n".join(["student,submitted", *lines]), "utf-8")
    return folder / "times.csv"


def table(folder, name="grades.csv"):
    with open(folder / "out" / name, encoding="utf-8", newline="") as file:
        return {line[next(iter(line))]: line for line in csv.DictReader(file)}


# ---- Until when ------------------------------------------------------------------------------------------------------


def at(*hours, **more):
    return Submission("ada", "", "", DUE + timedelta(hours=hours[0], **more), False, lambda: b"")


@pytest.mark.parametrize(
    "terms, grace, hours, days",
    [
        ([], 0, 0.1, 1),
        ([], 10, 0.1, 0),  # six minutes
        ([], 5, 0.1, 1),
        ([], 10, 24.1, 2),  # grace moves no deadline: days are counted from it
        ([Terms(timedelta(days=2))], 0, 47.9, 0),
        ([Terms(timedelta(days=2))], 0, 48.1, 1),
        ([Terms(datetime(2026, 3, 4, 12))], 0, 60, 0),
        ([Terms(datetime(2026, 3, 4, 12))], 0, 60.1, 1),  # noon of the fourth, by the class's clock
        ([Terms(datetime(2026, 3, 4, 12, tzinfo=UTC))], 0, 61, 0),
        ([Terms(grace=timedelta(hours=1))], 0, 1, 0),
        ([Terms(grace=timedelta())], 60, 1, 1),  # an own grace of 0 is less than the class's
        ([Terms(zone=ZoneInfo("America/New_York"))], 0, 6, 0),  # 23:59 is six hours later there
        ([Terms(zone=ZoneInfo("Asia/Tokyo"))], 0, -7, 1),
        ([Terms(timedelta(days=1), zone=ZoneInfo("America/New_York"))], 0, 30, 0),
        ([Terms(), Terms(timedelta(days=2))], 0, 40, 0),  # the longest of a group
    ],
)
def test_what_counts_as_late(terms, grace, hours, days):
    rule = Rule(DUE, 10, timedelta(minutes=grace), lambda submission: terms)
    assert rule.days_late(at(hours)) == days


def test_the_clock_of_a_deadline_changes_with_the_season():
    """Two days over the night in which clocks go forward are 47 hours."""
    due = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    rule = Rule(due, terms=lambda submission: [Terms(timedelta(days=2))])
    handed = [Submission("a", "", "", datetime(2026, 3, 30, h, 0, tzinfo=UTC), False, bytes) for h in (9, 10, 11)]
    assert [rule.days_late(each) for each in handed] == [0, 0, 1]


@pytest.mark.parametrize(
    "due, handed, fold, days",
    [
        ("2026-03-29 01:50", "2026-03-29 03:10", 0, 0),  # an hour that never was lies between: 20 minutes
        ("2026-03-29 01:50", "2026-03-29 03:21", 0, 1),
        ("2026-10-25 02:50", "2026-10-25 02:10", 1, 0),  # an hour that was twice: 20 minutes
        ("2026-10-25 02:50", "2026-10-25 02:30", 1, 1),
    ],
)
def test_lateness_is_time_that_went_by_and_not_what_clocks_show(due, handed, fold, days):
    berlin = ZoneInfo("Europe/Berlin")
    rule = Rule(datetime.fromisoformat(due).replace(tzinfo=berlin), grace=timedelta(minutes=30))
    when = datetime.fromisoformat(handed).replace(tzinfo=berlin, fold=fold)
    for each in (when, when.astimezone(UTC)):
        assert rule.days_late(Submission("ada", "", "", each, False, bytes)) == days


def test_two_columns_that_could_say_the_same_are_a_question(tmp_path, capsys):
    hand_in(tmp_path, "ada")
    people = roster(tmp_path, "name,group,Gruppe\nada,A,B\n")
    assert grade(tmp_path, "--roster", people) == 1
    assert "2 columns that could say the group: leave one of them" in capsys.readouterr().err


def test_canvas_calls_late_who_has_an_extension_that_it_does_not_know():
    late = Submission("ada", "", "", None, True, bytes)
    assert Rule(DUE).days_late(late) == 1
    assert Rule(DUE, terms=lambda submission: [Terms(timedelta(days=1))]).days_late(late) == 0


def test_columns_of_the_roster_move_deadlines(tmp_path, capsys):
    hand_in(tmp_path, "ada", "bob", "cy", "dot")
    people = roster(
        tmp_path, "name;extension;grace;time zone\nada;2026-03-04 10:00;;\nbob;;90;\ncy;;;America/New_York\ndot;;;\n"
    )
    when = times(
        tmp_path, ada="2026-03-04 10:00", bob="2026-03-02 01:00", cy="2026-03-02 05:00", dot="2026-03-02 01:00"
    )
    how = ["--roster", people, "--times", when, "--deadline", "2026-03-01 23:59", "--time-zone", "Europe/Berlin"]
    assert grade(tmp_path, *how, "--late-penalty", 20) == 0
    made = table(tmp_path)
    assert [made[name]["days_late"] for name in ("ada", "bob", "cy", "dot")] == ["0", "0", "0", "1"]
    assert "Due 2026-03-04 10:00 CET." in made["ada"]["notes"] and "Due" not in made["dot"]["notes"]
    assert grade(tmp_path, *how, "--late-penalty", 20, "--grace", 90) == 0
    assert table(tmp_path)["dot"]["days_late"] == "0"


def test_a_time_zone_is_that_of_all_times_without_one(tmp_path):
    hand_in(tmp_path, "ada", "bob")
    when = times(tmp_path, ada="2026-03-01 23:58", bob="2026-03-02T05:30+00:00")
    for zone, late in (("America/New_York", ["0", "1"]), ("Pacific/Honolulu", ["0", "0"])):
        assert grade(tmp_path, "--times", when, "--deadline", "2026-03-01 23:59", "--time-zone", zone) == 0
        assert [line["days_late"] for line in table(tmp_path).values()] == late


WRONG = {
    "a day that is none": ("ada,2026-02-30 10:00,,", "row 2: '2026-02-30 10:00' is no extension"),
    "a month first": ("ada,03/04/2026 10:00,,", "row 2: '03/04/2026 10:00' is no extension"),
    "no time of day": ("ada,2026-03-04,,", "row 2: '2026-03-04' is no extension"),
    "words": ("ada,,,\nbob,next week,,", "row 3: 'next week' is no extension; one looks like 2026-03-08 23:59, 3 days"),
    "no unit": ("ada,3,,", "row 2: '3' is no extension"),
    "a grace of words": ("ada,,an hour,", "row 2: 'an hour' is no number of minutes"),
    "a grace below none": ("ada,,-5,", "row 2: '-5' is no number of minutes"),
    "no zone": ("ada,,,Berlin", "row 2: 'Berlin' is no time zone; one looks like Europe/Berlin"),
    "a path": ("ada,,,../../etc/passwd", "is no time zone"),
    "two": (
        "ada,soon,,\nbob,,x,",
        "row 2: 'soon' is no extension; one looks like 2026-03-08 23:59, 3 days or 12 hours; row 3",
    ),
}


@pytest.mark.parametrize("rows, says", WRONG.values(), ids=WRONG)
def test_a_cell_that_cannot_be_read_stops_with_its_row(tmp_path, rows, says, capsys):
    hand_in(tmp_path, "ada", "bob")
    people = roster(tmp_path, f"name,extension,grace,time zone\n{rows}\n")
    assert grade(tmp_path, "--roster", people, "--deadline", "2026-03-01 23:59") == 1
    said = capsys.readouterr().err
    assert says in said and "Nothing was graded" in said and "Traceback" not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["1 day", "2 Days", "+3 weeks", "90 minutes", "12 hours"])
def test_how_much_later(text):
    number, unit = text.lower().removeprefix("+").split()
    assert extension(text) == timedelta(**{f"{unit.rstrip('s')}s": int(number)})


@pytest.mark.parametrize("flag, value", [("--time-zone", "Berlin"), ("--grace", "soon"), ("--grace", "-1")])
def test_flags_of_nonsense_are_refused(tmp_path, flag, value, capsys):
    with pytest.raises(SystemExit):
        grade(hand_in(tmp_path, "ada"), flag, value)
    assert repr(value) in capsys.readouterr().err


# ---- With whom -------------------------------------------------------------------------------------------------------


def test_one_submission_marks_all_of_a_group(tmp_path, capsys):
    hand_in(tmp_path, "ada", "dot", ada=['STUDENT = "bob"'])
    people = roster(tmp_path, "name,id,group\nada,1,A\nbob,2,A\ncy,3,A\ndot,4,\neve,5,B\n")
    (tmp_path / "export.csv").write_text(
        "Student,ID,ps2 (1)\n" + "".join(f"{n},{i},\n" for i, n in enumerate(["ada", "bob", "cy", "dot"], 1))
    )
    assert grade(tmp_path, "--roster", people, "--fill", tmp_path / "export.csv") == 0
    made = table(tmp_path)
    assert {name: float(line["points"]) for name, line in made.items()} == dict.fromkeys(
        ["ada", "bob", "cy", "dot"], FULL
    )
    assert "Handed in by ada, for the group A." in made["bob"]["notes"] and "Is it theirs" not in made["ada"]["notes"]
    filled = (tmp_path / "out" / "export.csv").read_text().splitlines()[1:]
    assert [float(line.split(",")[2]) for line in filled] == [FULL] * 4
    assert {path.stem for path in (tmp_path / "out" / "feedback").iterdir()} == {"ada", "bob", "cy", "dot"}
    assert "without a submission: eve" in capsys.readouterr().out


def test_of_two_of_a_group_one_counts_and_the_other_is_told(tmp_path, capsys):
    hand_in(tmp_path, "ada", "bob", bob=["x = 2"])
    people = roster(tmp_path, "name,group\nada,A\nbob,A\n")
    when = times(tmp_path, ada="2026-03-01 10:00", bob="2026-03-01 11:00")
    assert grade(tmp_path, "--roster", people, "--times", when, "--deadline", "2026-03-01 23:59") == 0
    assert "Handed in by bob" in table(tmp_path)["ada"]["notes"] and table(tmp_path)["ada"]["attempts"] == "2"
    line = table(tmp_path, "files.csv")["ada.ipynb"]
    assert (line["is"], line["why"]) == ("not a submission because", "bob.ipynb counts for the group A")
    assert "Left out: ada.ipynb: bob.ipynb counts for the group A." in capsys.readouterr().out


def test_what_is_no_notebook_does_not_count_where_another_of_the_group_has_one(tmp_path):
    hand_in(tmp_path, "ada")
    classroom.write(tmp_path / "class" / "bob_ps2.pdf", b"x")
    assert grade(tmp_path, "--roster", roster(tmp_path, "name,group\nada,A\nbob,A\n")) == 0
    assert float(table(tmp_path)["bob"]["points"]) == FULL


def test_an_extension_of_one_is_the_groups(tmp_path):
    hand_in(tmp_path, "ada")
    people = roster(tmp_path, "name,group,extension\nada,A,\nbob,A,1 day\n")
    when = times(tmp_path, ada="2026-03-02 10:00")
    how = ["--roster", people, "--times", when, "--deadline", "2026-03-01 23:59", "--late-penalty", 50]
    assert grade(tmp_path, *how) == 0
    assert [float(line["points"]) for line in table(tmp_path).values()] == [FULL, FULL]


def test_a_group_is_decided_about_once_and_one_of_it_may_be_by_name(tmp_path):
    hand_in(tmp_path, "ada")
    people = roster(tmp_path, "name,group\nada,A\nbob,A\ncy,A\n")
    assert grade(tmp_path, "--roster", people) == 0
    text = "student,task,points,comment\nada,unpool,1,all of you\ncy,unpool,0,did nothing\n"
    (tmp_path / "out" / "decisions.csv").write_text(text)
    assert grade(tmp_path, "--roster", people) == 0
    assert [table(tmp_path)[name]["unpool"] for name in ("ada", "bob", "cy")] == ["1", "1", "0"]
    assert "did nothing" in (tmp_path / "out" / "feedback" / "cy.html").read_text()


def test_groups_are_looked_up_once(tmp_path):
    people = roster(tmp_path, "name,group\n" + "".join(f"s{i},{i // 2}\n" for i in range(10)))
    made = ClassList(people)
    assert [len(made.terms(Submission(f"s{i}", "", "", None, False, bytes))) for i in (0, 9)] == [2, 2]
    assert made.members is made.members and len(made.members) == 5
    assert made.terms(Submission("nobody", "", "", None, False, bytes)) == []
