"""Do progress, map, ladder and review tell the truth about the answers, and what to ask again?"""

import math
import re
from html.parser import HTMLParser

import pytest

from harness import ROOT
from harness.answering import NAMES, answered
from pooling_course import challenges, progress, review
from pooling_course.questions import all_questions
from pooling_course.questions import journal as module
from pooling_course.questions.journal import DAY, Progress, due, entries, record, title, unasked
from pooling_course.questions.lessons import LESSONS
from pooling_course.questions.path import RADIUS, RIGHT, WRONG, course_map

pytestmark = pytest.mark.usefixtures("journal")


# --- the page ------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser finds: links, list items by heading, table rows; every tag closed in order."""

    def __init__(self, text):
        super().__init__()
        self.links, self.text, self.open, self.tags = [], "", [], set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name == "href"]
        self.text += "\n" * (tag in ("tr", "li", "p"))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += "\t" * (tag in ("td", "th"))

    def handle_data(self, data):
        self.text += data


def test_does_the_page_count_first_answers_lesson_by_lesson():
    lesson = all_questions()[NAMES[0]].lesson
    names = [q.id for q in all_questions().values() if q.lesson == lesson]
    for name, right, confidence in [(names[0], False, 2), (names[1], False, 1), (names[2], True, 2)]:
        record(answered(name, right, confidence))
    record(answered(names[0], True, 2))
    row = next(row for row in progress().lessons() if row["lesson"] == lesson)
    assert [row[n] for n in ("questions", "answered", "right", "sure_wrong")] == [len(names), 3, 1, 1]
    assert f"{title(lesson)}\t3 of {len(names)}\t1\t1\t" in Page(progress()._repr_html_()).text
    assert f"{title(lesson)}: 3 of {len(names)} answered, 1 right" in repr(progress())
    assert sum(row["answered"] for row in progress().lessons()) == 3


def test_does_what_was_sure_and_wrong_come_first():
    record(answered(NAMES[1], False, 0))
    record(answered(NAMES[2], True, 0))
    record(answered(NAMES[3], True, 2))
    record(answered(NAMES[4], False, 2))
    record(answered(NAMES[4], True, 2))
    assert progress().sure_and_wrong() == [NAMES[4]] and progress().to_revisit() == NAMES[1:3]
    text = Page(progress()._repr_html_()).text
    sure, rest = text.index("Sure, and wrong\n"), text.index("Worth another look: wrong, or a guess\n")
    places = [text.index(all_questions()[name].prompt) for name in (NAMES[4], NAMES[1], NAMES[2])]
    assert sure < places[0] < rest < places[1] < places[2]
    assert all_questions()[NAMES[3]].prompt not in text


def test_is_an_empty_page_a_page():
    text = Page(progress()._repr_html_()).text
    assert text.count("nothing at the moment") == 2 and "could not be read" not in text


def test_is_the_page_escaped(monkeypatch):
    from dataclasses import replace

    nasty = '<img src=x onerror=alert(1)> & "more"'
    q = replace(all_questions()[NAMES[0]], prompt=nasty, misconception=nasty)
    monkeypatch.setitem(all_questions(), NAMES[0], q)
    record(answered(right=False, confidence=2, misconception=nasty))
    record(answered("<script>alert(2)</script>", right=False, confidence=2))
    page = Page(progress()._repr_html_())
    assert page.text.count(nasty) == 2 and not page.tags & {"img", "script"}


def test_is_a_slip_named_only_to_those_who_made_it():
    record(answered(NAMES[1], False, 2, misconception="max pads with zeros"))
    record(answered(NAMES[2], False, 2))
    record(answered(NAMES[3], True, 0, misconception="never made"))
    text = Page(progress()._repr_html_()).text
    assert text.count("The slip behind it") == 1 and "The slip behind it: “max pads with zeros”." in text


def test_do_the_links_lead_to_lessons_that_exist():
    for name in NAMES:
        record(answered(name, right=False, confidence=2))
    links = Page(progress()._repr_html_()).links
    assert len(set(links)) == len(progress().lessons()) and all(
        re.fullmatch(r"\d\d_\w+\.ipynb", link) for link in links
    )
    assert [link for link in sorted(set(links)) if not (ROOT / "notebooks" / link).is_file()] == []


@pytest.mark.slow
def test_is_the_figure_made_of_the_same_numbers():
    record(answered(NAMES[0], False, 2))
    for row in progress().lessons():
        said = f"{row['title']}: {row['answered']} of {row['questions']} answered, {row['right']} right at first, "
        assert said + f"{row['sure_wrong']} sure and wrong." in progress().figure.alt


def test_is_the_gain_counted_on_pairs_answered_both_times():
    pre, post = ([n for n in NAMES if n.startswith(kind)] for kind in ("pre-", "post-"))
    assert progress().gain() is None
    for name in pre[:3]:
        record(answered(name, right=name == pre[0]))
    assert progress().gain() is None
    for name in post[:2]:
        record(answered(name))
    assert progress().gain() == (2, 1, 2)
    assert "on 2 parallel questions: 1 right, then 2." in progress()._repr_html_()


# --- coming back -----------------------------------------------------------------------------------------------------


def given(*tries, name=NAMES[0]):
    """Answers on given days: (day, right, confidence)."""
    return [answered(name, right, confidence, time=day * DAY) for day, right, confidence in tries]


@pytest.mark.parametrize(
    "tries, days",
    [
        ([(0, False, 2)], 0),  # wrong: at once
        ([(0, True, 0)], 0),  # a guess, though right: at once
        ([(0, True, 1)], 1),
        ([(0, False, 1), (0, True, 1)], 1),
        ([(0, False, 1), (0, True, 1), (1, True, 2)], 3),
        ([(0, False, 1), (0, True, 1), (1, True, 2), (4, True, 2)], 7),
        ([(0, False, 1), (0, True, 1), (1, True, 2), (4, True, 2), (11, True, 2)], 21),
        ([(0, False, 1), (0, True, 1), (1, True, 2), (4, True, 2), (11, True, 2), (32, True, 2)], 21),
        ([(0, True, 1), (1, False, 2)], 0),  # forgotten again
        ([(0, True, 1), (1, True, 0)], 0),
    ],
)
def test_does_a_question_come_back_after_growing_pauses(tries, days):
    found, last = given(*tries), tries[-1][0]
    assert due(found, now=(last + days) * DAY) == [NAMES[0]]
    if days:
        assert due(found, now=(last + days) * DAY - 1) == []


def test_does_what_was_certain_and_right_never_come_back():
    assert due(given((0, True, 2)), now=1000 * DAY) == []
    assert due(given((0, True, 2), (1, True, 2)), now=1000 * DAY) == []


def test_do_wrong_ones_come_first_then_the_longest_ago():
    found = given((2, True, 1), name=NAMES[0]) + given((3, False, 1), name=NAMES[1])
    found += given((1, True, 1), name=NAMES[2]) + given((0, False, 1), name=NAMES[3])
    assert due(found, now=9 * DAY) == [NAMES[3], NAMES[1], NAMES[2], NAMES[0]]


def test_does_review_follow_the_clock(monkeypatch):
    monkeypatch.setattr("pooling_course.questions.card.unasked", lambda found: [])
    for i, name in enumerate(NAMES[:7]):
        record(answered(name, right=True, confidence=1, time=i))
    monkeypatch.setattr(module.time, "time", lambda: DAY / 2)
    assert "Nothing to review" in review().value
    monkeypatch.setattr(module.time, "time", lambda: 2 * DAY)
    assert [box.quiz.question["id"] for box in review().children] == NAMES[:5]
    assert [box.quiz.question["id"] for box in review(2).children] == NAMES[:2]


def test_does_review_offer_what_the_pages_of_begun_lessons_do_not_ask():
    assert unasked([]) == [] and "Nothing to review" in review().value
    record(answered("max-channels", right=True, confidence=2))
    expected = [q.id for q in all_questions().values() if q.role == "review" and q.lesson.startswith("03")]
    assert unasked(entries()[0]) == expected
    assert expected and [box.quiz.question["id"] for box in review(3).children] == expected[:3]
    record(answered(expected[0], right=True, confidence=2))
    assert expected[0] not in unasked(entries()[0])


@pytest.mark.parametrize(
    "lesson, read",
    [
        ("03_maxpool2d_in_pytorch", "03 MaxPool2d in PyTorch"),
        ("00_start_here", "00 Start here"),
        ("06_padding", "06 Padding"),
    ],
)
def test_is_a_lesson_called_as_people_read_it(lesson, read):
    assert title(lesson) == read


def test_is_a_page_without_questions_whole():
    assert repr(Progress({}, [])) and Page(Progress({}, [1, 2, 3])._repr_html_()).text.count("3 lines") == 1


# --- the path --------------------------------------------------------------------------------------------------------


def test_says_the_map_in_words_what_it_shows():
    lesson = "02_max_versus_average"
    names = [q.id for q in all_questions().values() if q.lesson == lesson and q.role != "review"]
    reach = next(name for name in names if name.startswith("reach-"))
    record(answered(names[0], right=True))
    record(answered(names[1], right=False))
    record(answered(reach, right=True))
    drawn = progress()._repr_html_()
    count = sum(name.startswith("reach-") for name in names)
    said = f"02 Max versus average: 3 of {len(names)} answered, 2 right at first, 1 of {count} challenges reached"
    assert f'aria-label="{said}; go on here"' in drawn and f'title="{said}; go on here"' in drawn
    assert drawn.count(" title=") == len(LESSONS) and drawn.count("go on here<") == 1  # of the legend
    assert drawn.index("<svg") < drawn.index("<table>") < drawn.index("Sure, and wrong")


def test_draws_the_map_what_it_says():
    """A share of the ring for what was right at first, another for what was not; a finished lesson is filled."""
    rows = progress().lessons()
    rows[3] |= {"questions": 8, "answered": 6, "right": 4}
    rows[4] |= {"questions": 5, "answered": 5, "right": 5, "done": True}
    around = 2 * math.pi * RADIUS
    drawn = course_map(rows)
    right, wrong = (
        re.findall(rf'stroke="{colour}" stroke-width="7" stroke-dasharray="([\d.]+) ', drawn)
        for colour in (RIGHT, WRONG)
    )
    assert [float(n) for n in right] == pytest.approx([around / 2, around], abs=0.1)
    assert [float(n) for n in wrong] == pytest.approx([around / 4], abs=0.1)
    assert drawn.count("✓") == 1 and "go on here;" not in drawn


def test_shows_the_ladder_what_is_reached_and_in_how_many_moves():
    first, second = challenges().rungs[:2]
    record({"id": first["id"], "right": True, "answer": {"kernel_size": 5, "stride": 3}, "confidence": 1})
    record({"id": second["id"], "right": False, "answer": {"cells": []}, "confidence": 1})
    record({"id": second["id"], "right": True, "answer": "of another day", "confidence": 1})
    rungs = challenges().rungs
    assert [rung["moves"] for rung in rungs[:3]] == [first["fewest"], None, None] and len(rungs) >= 12
    page = Page(challenges()._repr_html_())
    assert "run its cells, come back and click once more" in page.text
    assert f"1 of {len(rungs)} challenges reached" in page.text and page.text.count("Not reached yet") == len(rungs) - 1
    assert "reached 4 moves from the start" in page.text and len(page.links) == len(rungs)
    assert str(challenges()).splitlines()[0].startswith("◆ ") and str(challenges()).splitlines()[1].startswith("◇ ")


@pytest.mark.parametrize("lesson", ["02_max_versus_average", "00_start_here"])
def test_is_a_lesson_done_when_nothing_it_asks_is_left(lesson):
    its = [q for q in all_questions().values() if q.lesson == lesson]
    asked = [q.id for q in its if q.role != "review"]
    for name in asked:
        assert module.finished(lesson) == "" and progress().next() == (lesson if name != asked[0] else "00_start_here")
        record(answered(name, right=name != asked[0]))
    text = module.finished(lesson)
    assert f"is done: {len(asked)} of {len(asked)} answered, {len(asked) - 1} right at first." in text
    following = list(LESSONS.values())[list(LESSONS).index(lesson) + 1]
    assert f"Next: {following.heading}" in text
    row = next(row for row in progress().lessons() if row["lesson"] == lesson)
    assert row["done"] and row["answered"] == row["questions"] == len(asked)
    assert progress().next() == following.name
    for q in its:
        if q.role == "review":  # counts, once it is answered
            record(answered(q.id))
            row = next(row for row in progress().lessons() if row["lesson"] == lesson)
            assert row["done"] and row["answered"] == row["questions"] == len(asked) + 1


def test_is_a_lesson_done_only_once_its_challenges_are_reached():
    lesson = "02_max_versus_average"
    asked = [q.id for q in all_questions().values() if q.lesson == lesson and q.role != "review"]
    for name in asked:
        record(answered(name, right=name != "reach-agreement"))
    assert module.finished(lesson) == "" and progress().next() == lesson
    record(answered("reach-agreement"))
    assert f"{len(asked) - 1} right at first" in module.finished(lesson) and progress().next() > lesson
