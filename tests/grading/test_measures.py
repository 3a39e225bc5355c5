"""Is a class's gain, and the worth of an item, what another way of computing says, and told only where it may be?"""

import csv
import json
import random
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from harness import classroom
from pooling_course.grading import __main__ as command
from pooling_course.grading import mark, measures, pages
from pooling_course.grading.book import Book
from pooling_course.grading.measures import FEWEST_GAIN, FEWEST_ITEMS, gain, items, paired, students_t
from pooling_course.grading.submissions import Submission
from pooling_course.grading.tables import Row

# Printed in tables of Student's distribution, two-sided, 5 %.
TABLE = {9: 2.262, 10: 2.228, 14: 2.145, 19: 2.093, 29: 2.045, 60: 2.000, 120: 1.980}
# Student's own example (1908): hours of sleep gained by ten patients under one drug, and under the other.
SLEEP = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0], [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


# ---- The gain --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees, t", TABLE.items())
def test_students_t_is_that_of_the_tables(degrees, t):
    assert students_t(degrees) == pytest.approx(t, abs=5.1e-4)


def test_the_interval_is_the_one_of_students_sleep():
    """R's t.test(..., paired = TRUE) gives 1.58 (0.7001142 to 2.4598858) for them."""
    found = gain(*SLEEP)
    assert (found.count, found.difference) == (10, pytest.approx(1.58))
    assert (found.low, found.high) == (pytest.approx(0.7001142, abs=1e-4), pytest.approx(2.4598858, abs=1e-4))


def test_the_interval_holds_what_is_true_in_95_of_100_classes():
    """And that with marks of six questions, which are far from a bell."""
    dice, hits = np.random.default_rng(0), 0
    for _ in range(2000):
        before, after = dice.binomial(6, 0.3, 12) / 6, dice.binomial(6, 0.7, 12) / 6
        found = gain(before.tolist(), after.tolist())
        hits += found.low <= 0.4 <= found.high
    assert 0.93 < hits / 2000 < 0.97


def test_the_normalised_gain_is_that_of_the_means():
    found = gain([0.3, 0.5], [0.6, 0.8])
    assert found.normalised == pytest.approx((70 - 40) / (100 - 40))
    assert gain([1.0, 1.0], [1.0, 1.0]).normalised is None and gain([0.5, 0.6], [0.4, 0.6]).normalised is None


def test_pairs_are_found_by_name_and_by_number_only_where_names_are_shared():
    before = [("Ada Doe", "1", 0.1), ("Bob", "2", 0.2), ("Cy", "3", 0.3), ("Cy", "4", 0.4), ("Dot", "", 0.5)]
    after = [("Doe, Ada", "91", 0.6), ("bob", "", 0.7), ("Cy", "4", 0.8), ("Cy", "9", 0.9), ("Eve", "", 1.0)]
    pairs, only_before, only_after = paired(before, after)
    assert pairs == [(0.1, 0.6), (0.2, 0.7), (0.4, 0.8)]
    assert (only_before, only_after) == (["Cy", "Dot"], ["Cy", "Eve"])
    assert paired([("Cy", "", 0.1)] * 1, [("Cy", "1", 0.2), ("Cy", "2", 0.3)])[0] == []
    assert paired([("Cy", "1", 0.1), ("Cy", "2", 0.1)], [("Cy", "7", 0.2)])[0] == []


def scores(count, shift=0.0):
    return [(f"student {n}", str(n), n % 5 / 10 + shift) for n in range(count)]


def test_below_ten_nothing_is_told_but_that():
    few = pages.gained(scores(FEWEST_GAIN - 1), scores(FEWEST_GAIN, 0.3))
    assert "9 students took both" in few and " %" not in few and "gain is" not in few
    assert "Only in the second: student 9." in few
    told = pages.gained(scores(FEWEST_GAIN), scores(FEWEST_GAIN, 0.4))
    assert "20 % of the points before, 60 % after" in told and "40.0 percentage points" in told
    assert "normalised gain is 0.50" in told and "Only" not in told
    fell = pages.gained(scores(12, 0.3), scores(12))
    assert "as the mean fell" in fell and "gained −30.0 percentage points (95 % interval −30.0 to −30.0)" in fell
    assert "nothing was left" in pages.gained(
        [(name, n, 1.0) for name, n, _ in scores(12)], [(name, n, 1.0) for name, n, _ in scores(12)]
    )


# ---- Items -----------------------------------------------------------------------------------------------------------


def by_hand(matrix):
    """Corrected item-total correlations by covariances of the whole: r = (cov(i, T) - var(i)) / (s_i s_(T - i))."""
    covariance = np.cov(matrix, rowvar=False)
    with_total, own = covariance.sum(0), np.diag(covariance)
    rest = covariance.sum() - 2 * with_total + own
    return (with_total - own) / np.sqrt(own * rest)


@pytest.mark.parametrize("seed", range(5))
def test_discrimination_is_what_covariances_say(seed):
    dice = np.random.default_rng(seed)
    able = dice.normal(size=(40, 1))
    matrix = (able + dice.normal(size=(40, 6)) > np.linspace(-1, 1, 6)).astype(float) * [1, 1, 2, 3, 4, 0.5]
    full = dict(zip("abcdef", [1, 1, 2, 3, 4, 0.5], strict=True))
    found = items([dict(zip("abcdef", row, strict=True)) for row in matrix.tolist()], full)
    assert [each.discrimination for each in found] == pytest.approx(by_hand(matrix).tolist(), abs=1e-9)
    assert [each.difficulty for each in found] == pytest.approx((matrix / [*full.values()]).mean(0).tolist())


def test_the_item_itself_is_not_in_what_it_is_held_against():
    """Six items of chance: with themselves in the total they would all look as if they told something."""
    dice = np.random.default_rng(1)
    matrix = dice.integers(2, size=(4000, 6)).astype(float)
    found = items([dict(zip("abcdef", row, strict=True)) for row in matrix.tolist()], dict.fromkeys("abcdef", 1))
    assert max(abs(each.discrimination) for each in found) < 0.06
    assert np.corrcoef(matrix[:, 0], matrix.sum(1))[0, 1] > 0.35


def test_an_item_without_variation_has_no_discrimination():
    marks = [{"all": 1.0, "none": 0.0, "some": float(n % 2)} for n in range(30)]
    assert [(each.difficulty, each.discrimination) for each in items(marks, dict.fromkeys(marks[0], 1))] == [
        (1.0, None),
        (0.0, None),
        (0.5, None),
    ]


def test_a_turned_item_is_negative():
    marks = [{"a": float(n < 15), "b": float(n < 12), "turned": float(n >= 14)} for n in range(30)]
    assert [each.discrimination < 0 for each in items(marks, dict.fromkeys(marks[0], 1))][2]


# ---- A class of thirty, before and after -----------------------------------------------------------------------------


def answered(assignment, wrong):
    """The record of a submission with these misconceptions, by question."""
    record = classroom.solved(assignment)
    for part in record["parts"]:
        if part["exercise"] in wrong:
            part.update(points=0.0, state="wrong", mistake=wrong[part["exercise"]])
    return record


def hand_in(place, assignment, people):
    for name in people:
        classroom.write(place / assignment / f"{name}.ipynb", [f'STUDENT = "{name}"'])
    return place / assignment


@pytest.fixture
def thirty(tmp_path, monkeypatch):
    """Both tests of thirty people, and how to grade them; what each answers is drawn, and better after the course."""
    people = [classroom.login(name) for name, _ in classroom.people(30)]
    made = {}
    for assignment, chance in (("pre", 0.7), ("post", 0.25)):
        for name in people:
            dice = random.Random(f"{assignment} {name}")
            asks = mark.asks(assignment)[1:]  # the first is solved by everybody
            made[assignment, name] = {
                ask.name: dice.choice(classroom.misconceptions(ask)) for ask in asks if dice.random() < chance
            }
    monkeypatch.setattr(mark, "work", lambda job, trust: answered(job.assignment, made[job.assignment, job.student]))

    def grade(assignment, who=people, *more):
        submitted = hand_in(tmp_path / "class", assignment, who)
        line = [submitted, "--assignment", assignment, "--out", tmp_path / assignment, "--form", "files", *more]
        return command.main([*map(str, line)])

    return grade, made, people


def report_of(place):
    return unescape((place / "report.html").read_text("utf-8"))


def cells_of(report, caption):
    """The lines of one table of a page."""
    (found,) = re.findall(rf"<caption>{re.escape(caption)}</caption>(.*?)</table>", report, re.DOTALL)
    found = found.replace("−", "-")  # which float() reads
    return [re.findall(r"<td[^>]*>(.*?)</td>", line) for line in re.findall(r"<tr>(<td.*?)</tr>", found)]


def test_a_class_sees_what_it_gained(tmp_path, thirty, capsys):
    grade, made, people = thirty
    assert grade("pre") == 0 and grade("post", people[2:], "--before", tmp_path / "pre") == 0
    said = capsys.readouterr().out
    shares = [[1 - len(made[name, who]) / 6 for who in people[2:]] for name in ("pre", "post")]
    each = np.subtract(*reversed(shares))
    half = 2.0518 * each.std(ddof=1) / 28**0.5  # Student's t for 27 degrees, from a table
    (low, high) = map(float, re.search(r"95 % interval ([\d.]+) to ([\d.]+)", said).groups())
    assert (low, high) == (
        pytest.approx(100 * (each.mean() - half), abs=0.06),
        pytest.approx(100 * (each.mean() + half), abs=0.06),
    )
    assert f"28 students took both tests: {100 * np.mean(shares[0]):.0f} % of the points before" in said
    assert f"Only in the first: {people[0]}, {people[1]}." in said
    assert said.split("28 students took")[1].splitlines()[0] in report_of(tmp_path / "post").replace("\n", " ")
    assert "Hake" in report_of(tmp_path / "post") and "What the class gained" not in report_of(tmp_path / "pre")


def test_a_class_sees_what_its_items_are_worth(tmp_path, thirty):
    grade, made, people = thirty
    assert grade("pre") == 0
    lines = cells_of(report_of(tmp_path / "pre"), "What each task tells about the class")
    names, titles = ([getattr(ask, which) for ask in mark.asks("pre")] for which in ("name", "title"))
    matrix = np.array([[float(name not in made["pre", who]) for name in names] for who in people])
    assert [line[0] for line in lines] == titles and lines[0][1:3] == ["1", "none: everybody has all points"]
    assert [float(line[1]) for line in lines] == pytest.approx(matrix.mean(0).tolist(), abs=0.006)
    assert [float(line[2]) for line in lines[1:]] == pytest.approx(by_hand(matrix[:, 1:]).tolist(), abs=0.006)
    for name, line in zip(names, lines, strict=True):
        found = dict(each.rsplit(": ", 1) for each in line[3].split("; ")) if line[3] else {}
        chosen = [made["pre", who].get(name) for who in people]
        assert found == {slip: str(chosen.count(slip)) for slip in set(chosen) - {None}}
    assert "which is 0.19 here" in report_of(tmp_path / "pre") and "nan" not in str(lines)


def test_a_small_class_sees_no_discrimination(tmp_path, thirty):
    grade, _, people = thirty
    assert grade("pre", people[: FEWEST_ITEMS - 1]) == 0
    report = report_of(tmp_path / "pre")
    lines = cells_of(report, "What each task tells about the class")
    assert {line[2] for line in lines[1:]} == {"too few students"} and lines[0][2].startswith("none")
    assert f"it is shown from {FEWEST_ITEMS} students on" in report and (FEWEST_ITEMS - 1) ** -0.5 <= 0.2
    assert grade("pre", people[:FEWEST_ITEMS]) == 0
    lines = cells_of(report_of(tmp_path / "pre"), "What each task tells about the class")
    assert all(-1 < float(line[2]) < 1 for line in lines[1:])


def test_who_answered_nothing_took_no_test(tmp_path, monkeypatch):
    record = classroom.solved("pre")
    untouched = {"parts": [{**part, "state": "untouched", "points": 0.0} for part in record["parts"]], "cells": {}}
    monkeypatch.setattr(mark, "work", lambda job, trust: untouched if job.student == "idle" else record)
    place = hand_in(tmp_path / "class", "pre", ["ada", "idle"])
    classroom.write(place / "pdf_pre.pdf", b"x")
    assert command.main([str(place), "--assignment", "pre", "--out", str(tmp_path / "out"), "--form", "files"]) == 0
    book = Book(tmp_path / "out" / "results.sqlite")
    assert book.scores() == [("ada", "", 1.0)] and book.assignment == "pre"
    book.close()
    assert "1 student who answered something" in report_of(tmp_path / "out")


def test_what_a_person_decides_counts(tmp_path, thirty):
    grade, made, people = thirty
    who = next(name for name in people if "pre-sign" in made["pre", name])
    assert grade("pre") == 0
    with open(tmp_path / "pre" / "decisions.csv", "a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow([who, "", "pre-sign", "1", "", "", "AB"])
    assert grade("pre") == 0
    book = Book(tmp_path / "pre" / "results.sqlite")
    share = {student: share for student, _, share in book.scores()}[who]
    book.close()
    assert share == pytest.approx(1 - (len(made["pre", who]) - 1) / 6)


def row(name, **how):
    made = Row(Submission(name, "", "", None, False, bytes), 1, 0, 1.0, classroom.solved("pre"))
    return replace(made, **how)


def test_lateness_takes_nothing_and_a_group_counts_once():
    late, one = row("ada", days_late=2, share=0.5), row("bob")
    rows = [late, one, row("cy", through=one), row("dot", record=None)]
    assert pages.scores("pre", rows) == [("ada", "", 1.0), ("bob", "", 1.0)]
    assert "2 students who answered something" in pages.report("pre", rows)


def test_the_median_of_an_even_class_lies_between_two():
    rows = [row("ada"), row("bob", share=0.5), row("cy", share=0), row("dot")]
    assert "4 students; the median is 4.5 of 6 points." in pages.report("pre", rows)
    assert "3 students; the median is 3 of 6 points." in pages.report("pre", rows[:3])


def test_the_report_shows_only_how_tasks_stand_that_stand_so_for_somebody():
    heads = re.compile("<th[^>]*>(solved|not right|no notebook)</th>")
    assert heads.findall(pages.report("pre", [row("ada")])) == ["solved"]
    nothing = row("bob", record=mark.unreadable("pre", "a PDF"))
    assert heads.findall(pages.report("pre", [row("ada"), nothing])) == ["solved", "no notebook"]


def test_an_answer_that_not_everybody_has_a_mark_for_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(mark, "work", lambda job, trust: classroom.solved(job.assignment))
    place = hand_in(tmp_path / "class", "ps3", ["ada", "bob"])
    assert command.main([str(place), "--assignment", "ps3", "--out", str(tmp_path / "out"), "--form", "files"]) == 0
    assert "Not in here, as not all are read: Two gradients, in your own words." in report_of(tmp_path / "out")


@pytest.mark.parametrize(
    "before, says",
    [
        ("nowhere", "holds no results of this program"),
        ("class", "holds no results"),
        ("post", "holds the marks of post"),
    ],
)
def test_a_folder_that_holds_no_test_before_is_refused_before_anything_runs(
    tmp_path, thirty, before, says, capsys, monkeypatch
):
    grade, _, people = thirty
    assert grade("post", people[:2]) == 0
    monkeypatch.setattr(command, "run_all", None)
    assert grade("post", people[:2], "--before", tmp_path / before) == 1
    assert says in capsys.readouterr().err


def test_scores_are_kept_as_plain_data(tmp_path):
    book = Book(tmp_path / "results.sqlite", "pre")
    assert book.scores() == []
    book.keep_scores([("Jörg", "7", 0.5)])
    book.keep_scores([("Jörg", "7", 0.75)])
    assert book.scores() == [("Jörg", "7", 0.75)] and json.dumps(book.scores())
    book.close()


def test_measures_name_the_class_sizes_that_they_stand_for():
    assert students_t(FEWEST_GAIN - 1) / FEWEST_GAIN**0.5 == pytest.approx(0.715, abs=0.001)
    assert measures.took(["wrong"]) and not measures.took([])
