"""Does every file of a download end in exactly one line, and as the right person's?"""

import dataclasses
import doctest
import json
import os
import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness import ROOT, classroom
from harness.downloads import BOOK, OTHER, seen
from pooling_course.grading import files, forms, submissions
from pooling_course.grading.files import Broken
from pooling_course.grading.forms import FORMS, layout
from pooling_course.grading.submissions import DUPLICATE, GRADED, NOTHING, Rule, code_of, look

MEANT = json.dumps(classroom.notebook(["def output_size(size, kernel_size, stride, padding): pass"])).encode()


def books(*paths):
    return {path: json.dumps(classroom.notebook([f"x = {path!r}"])).encode() for path in paths}


# ---- The table of forms ----------------------------------------------------------------------------------------------

EXAMPLES = [(form, path, whose) for form in FORMS for path, whose in form.examples]


@pytest.mark.parametrize("form, path, whose", EXAMPLES, ids=[path for _, path, _ in EXAMPLES])
def test_the_examples_are_read_as_they_say(form, path, whose):
    assert layout([PurePosixPath(path)], "ps1", form=form.name).whose(PurePosixPath(path)) == whose


@pytest.mark.parametrize("form, path, whose", EXAMPLES, ids=[path for _, path, _ in EXAMPLES])
def test_a_form_is_told_without_being_said(form, path, whose):
    """Two people are enough, in a folder that somebody has put around them, too."""
    other = path.replace("ada", "zoe").replace("Ada", "Zoe").replace("-cy", "-zoe")
    if other == path:
        other = "zoe" + path
    for around in ("", "2026/ps1 submissions/"):
        paths = [PurePosixPath(around + each) for each in (path, other)]
        assert layout(paths, "ps1").whose(paths[0]) == whose


def test_the_manual_lists_the_forms():
    manual = (ROOT / "docs" / "grading.md").read_text("utf-8")
    for form in FORMS:
        assert f"| `{form.name}` | {form.title} | `{form.examples[0][0]}` | {form.times} |" in manual


@pytest.mark.parametrize("form", classroom.DOWNLOADS)
@pytest.mark.parametrize("place", ["class", "class.zip"])
def test_a_class_of_sixty(tmp_path, form, place):
    account, fates, counted = seen(tmp_path / place, classroom.download(form, 60, lambda name: [name]), "ps2")
    assert len(account.counted) == len(counted) == 60
    assert sum(fate == GRADED for fate, _ in fates.values()) == 60
    named = {"canvas", "moodle"} & {form}
    assert {bool(submission.number) for submission, _ in account.counted} == {bool(named)}
    timed = {"exchange", "nbgrader"} & {form}
    assert {bool(submission.when) for submission, _ in account.counted} == {bool(timed)}
    for submission, _ in account.counted:  # each has the notebook that was made for it
        written = code_of(submission.read())[0]
        assert {*classroom.login(written)} == {*classroom.login(submission.student)}


def test_where_names_are_hidden_people_are_told_by_what_canvas_calls_them(tmp_path):
    content = {f"anon_{who}_{n}_ps1.ipynb": BOOK for who, n in (("aB3cD", 11), ("ab3cd", 12), ("12345", 13))}
    content |= {"anon_LATE_zZ9zZ_14_my work.ipynb": BOOK, "anon_aB3cD_10_old.ipynb": OTHER}
    account, fates, counted = seen(tmp_path / "class.zip", content)
    assert sorted(counted) == ["12345", "aB3cD", "ab3cd", "zZ9zZ"] and len(fates) == 5
    assert {submission.student for submission, _ in account.counted if submission.late} == {"zZ9zZ"}


@pytest.mark.parametrize("around", ["", "all/"])
@pytest.mark.parametrize(
    "folders", [("ps1-monday", "ps1-tuesday"), ("monday", "tuesday"), ("ps1_2026_03_01", "ps1_2026_03_02")]
)
@pytest.mark.parametrize("form", ["moodle", "canvas", "clones", "nbgrader", "files"])
def test_downloads_side_by_side_are_no_people(tmp_path, around, folders, form):
    content = {}
    for folder, people in zip(folders, (("Ada", "Bob"), ("Cy", "Dot")), strict=True):
        for n, name in enumerate(people, 70):
            path = classroom.DOWNLOADS[form](name, n, "ps1.ipynb").replace("ps2", "ps1")
            content[f"{around}{folder}/{path}"] = json.dumps(classroom.notebook([name])).encode()
    with pytest.raises(Broken, match="Whose are they.*monday" if "monday" in folders[0] else "Whose are they"):
        seen(tmp_path / "class", content)
    for folder in folders:
        _, _, counted = seen(tmp_path / "class" / around / folder, {})
        assert len(counted) == 2


@pytest.mark.parametrize(
    "own", [("part1.ipynb", "part2.ipynb"), ("ada.ipynb", "bob.ipynb", "ps1.ipynb"), ("ps1.ipynb", "a/x.ipynb")]
)
def test_clones_that_all_hold_what_was_handed_out_are_people(tmp_path, own):
    content = {f"ps1-{who}/{name}": BOOK for who in ("ada", "bob", "cy") for name in own}
    assert set(seen(tmp_path / "class", content)[2]) == {"ada", "bob", "cy"}


def test_who_is_in_the_class_is_no_download(tmp_path):
    content = {f"ps1-{who}/{who}{n}.ipynb": BOOK for who in ("ada", "bob") for n in "xy"}
    with pytest.raises(Broken, match="--form clones, if each is one student's"):
        seen(tmp_path / "class", content)
    assert set(seen(tmp_path / "class", {}, known={"ada", "bob"}.__contains__)[2]) == {"ada", "bob"}
    assert set(seen(tmp_path / "class", {}, form="clones")[2]) == {"ada", "bob"}


# ---- A student's own name for a file decides nothing -----------------------------------------------------------------

LIES = [
    "bob_1_2_x.ipynb",
    "bob_LATE_1_2_ps1.ipynb",
    "Bob Doe_71_assignsubmission_file_ps1.ipynb",
    "x_71_assignsubmission_file_.ipynb",
    "bob_ps1.ipynb",
    "bob+ps1+2026-03-01 22:58:23 UTC+x.ipynb",
    "bob.ipynb",
    "ps1..ipynb",
]


@pytest.mark.parametrize("form", [form for form in classroom.DOWNLOADS if form != "files"])
@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_is_called_like_another_persons_is_its_owners(tmp_path, form, lie):
    content = {classroom.DOWNLOADS[form](name, n, "ps1.ipynb").replace("ps2", "ps1"): BOOK for name, n in PAIR}
    mallory = classroom.DOWNLOADS[form]("Mallory", 666, lie).replace("ps2", "ps1")
    if form == "folders":  # where people are told by folders, one file with another in it is a question
        content[classroom.DOWNLOADS[form]("Mallory", 666, "ps1.ipynb")] = OTHER
    content[mallory] = OTHER
    account, fates, counted = seen(tmp_path / "class", content)
    assert len(counted) == 3
    assert fates.get(mallory, ("", "mallory"))[1].casefold() in ("mallory", "")
    for submission, attempts in account.counted:
        assert code_of(submission.read()) == code_of(OTHER if submission.student.casefold() == "mallory" else BOOK)
        assert attempts == 1 or submission.student.casefold() == "mallory"


PAIR = [("Bob Doe", 71), ("Cy Ng", 1)]


@pytest.mark.parametrize("lie", LIES[:4])
def test_one_file_makes_no_form(tmp_path, lie):
    _, _, counted = seen(tmp_path / "class", {"ada.ipynb": BOOK, "eve.ipynb": BOOK, lie: OTHER})
    assert sorted(counted) == sorted(["ada", "eve", forms.called(lie, "ps1").rest])
    _, _, counted = seen(tmp_path / "alone", {f"mallory/{lie}": OTHER})
    assert list(counted) == ["mallory"]


@pytest.mark.parametrize(
    "folder", ["bob/ps1/ps1.ipynb", "bob/ps1.ipynb", "Bob Doe_71_assignsubmission_file_/ps1.ipynb"]
)
def test_folders_in_somebodys_folder_decide_nothing(tmp_path, folder):
    content = {"ada/ps1.ipynb": BOOK, "mallory/ps1.ipynb": OTHER, f"mallory/{folder}": OTHER, "bob/ps1.ipynb": BOOK}
    _, fates, counted = seen(tmp_path / "class", content)
    assert counted == {name: f"{name}/ps1.ipynb" for name in ("ada", "bob", "mallory")}
    assert fates[f"mallory/{folder}"] == (DUPLICATE, "mallory")


def test_what_another_account_wrote_into_the_exchange_is_nobodys(tmp_path, monkeypatch):
    pwd = pytest.importorskip("pwd")
    content = {f"{name}+ps1+2026-03-01 22:58:23.9 UTC+x/ps1.ipynb": BOOK for name in ("ada", "bob", "mallory")}
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: type("entry", (), {"pw_name": "mallory"}))
    account, fates, counted = seen(tmp_path / "inbound", content)
    assert list(counted) == ["mallory"]
    assert [entry.why for entry in account.entries if entry.loud] == [
        f"the account of mallory wrote it, and not that of {name}" for name in ("ada", "bob")
    ]


# ---- Names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names, students",
    [
        (["group-1", "group-2", "group-10"], ["group-1", "group-10", "group-2"]),
        (["2026-101", "2026-102"], ["2026-101", "2026-102"]),
        (["s-1_ps1", "s-2_ps1"], ["s-1", "s-2"]),
        (["group (1)", "group (2)"], ["group (1)", "group (2)"]),
        (["ada_ps1-1", "ada_ps1-2"], ["ada_ps1-1", "ada_ps1-2"]),  # nobody knows, so nobody is lost
        (["ada", "ada (1)", "bob"], ["ada", "bob"]),
        (["ada_ps1", "ada_ps1-Copy1", "Copy of bob_ps1"], ["ada", "bob"]),
        (["ps1_ada", "PS1-bob", "cy.ps1"], ["ada", "bob", "cy"]),
        (["ada_ps1-1", "bob_ps1"], ["ada", "bob"]),
        (["ada", "ADA"], ["ADA", "ada"]),
    ],
)
@pytest.mark.parametrize("around", ["", "ps1 submissions/", "a/b/"])
def test_plain_files_are_people(tmp_path, names, students, around):
    _, fates, counted = seen(tmp_path / "class.zip", books(*(f"{around}{name}.ipynb" for name in names)))
    assert sorted(counted) == students and len(fates) == len(names)


@pytest.mark.parametrize("own", ["PS1.ipynb", "ps1.IPYNB", "ps1 (2).ipynb", "ps1-Copy1.ipynb", "solution.ipynb"])
@pytest.mark.parametrize("suffix", ["", ".txt", ".json"])
@pytest.mark.parametrize("form", ["nbgrader", "moodle", "canvas", "clones", "folders"])
def test_a_notebook_by_another_name_is_graded(tmp_path, form, own, suffix):
    content = {classroom.DOWNLOADS[form]("Ada Doe", 1, own + suffix).replace("ps2", "ps1"): BOOK}
    content[classroom.DOWNLOADS[form]("Bob Ng", 2, "ps1.ipynb").replace("ps2", "ps1")] = BOOK
    account, fates, counted = seen(tmp_path / "class", content)
    assert set(fates.values()) == {(GRADED, student) for student in counted} and len(counted) == 2
    odd = [s for s, _ in account.counted if s.path.endswith(own + suffix)][0]
    assert code_of(odd.read()) == ["x = 1"]
    assert bool(odd.notes) == (form == "nbgrader" or bool(suffix) or own == "ps1.IPYNB")


def test_a_notebook_with_no_suffix_of_one_is_found_where_there_is_no_other(tmp_path):
    content = {"ada/ps1.json": BOOK, "ada/notes.txt": b"see you", "bob/ps1.ipynb": BOOK, "bob/data.json": OTHER}
    _, fates, counted = seen(tmp_path / "class", content)
    assert counted == {"ada": "ada/ps1.json", "bob": "bob/ps1.ipynb"}
    assert fates["bob/data.json"][0] == NOTHING


@pytest.mark.parametrize("file", ["work.pdf", "ps1.html", "x.docx", "ps1.ipynb.html", "broken.zip", "._ps1.ipynb"])
@pytest.mark.parametrize("form", ["nbgrader", "moodle", "canvas", "clones", "folders"])
def test_who_hands_in_no_notebook_has_a_line_and_a_sentence(tmp_path, form, file):
    if form != "canvas" and file.startswith("."):
        pytest.skip("a hidden file by itself is nothing that anybody handed in")
    path = classroom.DOWNLOADS[form]("Ada Doe", 1, file).replace("ps2", "ps1")
    content = {path: b"x", classroom.DOWNLOADS[form]("Bob Ng", 2, "ps1.ipynb").replace("ps2", "ps1"): BOOK}
    account, fates, counted = seen(tmp_path / "class", content)
    assert fates[path][0] == NOTHING and [entry.loud for entry in account.entries if entry.path == path] == [True]
    assert len(counted) == 2
    with pytest.raises(Broken, match=f"No notebook .* but .*{re.escape(file)}"):
        next(s for s, _ in account.counted if s.path == path).read()


def test_of_several_notebooks_the_one_that_is_meant_counts(tmp_path):
    content = {
        "Ada_1_assignsubmission_file_/ps1.ipynb": BOOK,
        "Ada_1_assignsubmission_file_/ps1 (2).ipynb": OTHER,
        "Ada_1_assignsubmission_file_/ps1-Copy1.ipynb": BOOK,
        "Bob_2_assignsubmission_file_/scratch.ipynb": OTHER,
        "Bob_2_assignsubmission_file_/answers.ipynb": json.dumps(
            classroom.notebook([classroom.answer("max-by-hand")])
        ).encode(),
        "Cy_3_assignsubmission_file_/ps1.ipynb": b"damaged",
        "Cy_3_assignsubmission_file_/ps1-1.ipynb": BOOK,
    }
    account, fates, counted = seen(tmp_path / "class", content)
    assert {student: PurePosixPath(path).name for student, path in counted.items()} == {
        "Ada": "ps1.ipynb",
        "Bob": "answers.ipynb",
        "Cy": "ps1-1.ipynb",
    }
    assert fates["Ada_1_assignsubmission_file_/ps1-Copy1.ipynb"] == (DUPLICATE, "Ada")
    left = [(entry.why, entry.loud) for entry in account.entries if entry.fate == NOTHING]
    assert left == [("ps1.ipynb counts", True), ("answers.ipynb counts", True), ("ps1-1.ipynb counts", True)]
    assert [submission.notes for submission, _ in account.counted] == [
        ("2 notebooks differ: ps1.ipynb counts, and not ps1 (2).ipynb.",),
        ("2 notebooks differ: answers.ipynb counts, and not scratch.ipynb.",),
        ("2 notebooks differ: ps1-1.ipynb counts, and not ps1.ipynb.",),
    ]


def test_what_lies_in_a_folder_of_nearly_that_name_is_told(tmp_path):
    content = books("ada/ps1/ps1.ipynb", "bob/ps1/ps1.ipynb", "cy/ps 1/ps1.ipynb", "di/ps2/ps2.ipynb", "di/ps2/x.ipynb")
    account, fates, counted = seen(tmp_path / "class", content)
    assert set(counted) == {"ada", "bob"} and len(fates) == len(content)
    assert [entry.path for entry in account.entries if entry.loud] == ["cy/ps 1/ps1.ipynb"]


@pytest.mark.parametrize("limit, most, named", [("MOST_BOOKS", 3, ".ipynb"), ("LARGEST", 2 * len(BOOK) + 1, ".json")])
def test_no_more_is_read_of_one_student_than_is_needed(tmp_path, monkeypatch, limit, most, named):
    """Those with the best names are: thousands in a .zip, or a few large ones, would keep the class waiting."""
    read = []
    monkeypatch.setattr(submissions, limit, most)
    monkeypatch.setattr(submissions, "code_of", lambda data: read.append(data) or ["x = 1"])
    content = {f"Ada_1_assignsubmission_file_/{i}{named}": BOOK for i in range(20)}
    content |= {f"Ada_1_assignsubmission_file_/ps1{named}": OTHER, "Bob_2_assignsubmission_file_/x.ipynb": BOOK}
    account, fates, counted = seen(tmp_path / "class", content)
    assert len(read) == 3 and OTHER in read
    assert counted["Ada"] == f"Ada_1_assignsubmission_file_/ps1{named}" and len(fates) == len(content)
    assert "18 more files were not read: there are too many, or they are too large." in account.counted[0][0].notes


def test_empty_lines_without_end_stop_nobody(tmp_path):
    """Each was once tried as the beginning of all that follow it: these took an hour."""
    lines = json.dumps(classroom.notebook(["\n" * 290_000])).encode()
    _, _, counted = seen(tmp_path / "class", {"ada/ps1.ipynb": BOOK, "ada/b.ipynb": lines, "bob/ps1.ipynb": BOOK})
    assert set(counted) == {"ada", "bob"}


def test_who_typed_into_canvas_has_a_line_too(tmp_path):
    content = {"doeada_1_text.html": b"x", "ngcy_LATE_2_link.html": b"x", "ohmdi_3_4_text.html": b"x"}
    account, fates, counted = seen(tmp_path / "c", content | {"zed_5_6_ps1.ipynb": BOOK})
    assert sorted(counted) == ["doeada", "ngcy", "ohmdi", "zed"]
    assert [(s.number, s.late) for s, _ in account.counted] == [("1", False), ("2", True), ("3", False), ("5", False)]
    with pytest.raises(Broken, match="No notebook .* but doeada_1_text.html"):
        account.counted[0][0].read()


def test_the_last_upload_to_canvas_counts(tmp_path):
    _, fates, counted = seen(tmp_path / "c", {"doeada_1_99_ps1.ipynb": BOOK, "doeada_1_100_ps1-1.ipynb": OTHER})
    assert counted == {"doeada": "doeada_1_100_ps1-1.ipynb"}


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("Jörg Müller", "muellerjörg", False),
        ("Jo\u0308rg Müller", "MULLER, Jörg", True),
        ("🙂", "🙂", True),
        ("🙂", "🎉", False),
        ("राम", "राम", True),
        ("राम", "रमा", False),  # Ram and Rama: signs of vowels are letters
        ("かき", "がき", False),
        ("ก่า", "ก้า", False),
        ("مُحَمَّد", "محمد", True),
        ("group-1-11", "Group 1 11", True),
        ("group-1-11", "group-11-1", False),
        ("group-1-11", "group-11-11", False),
        ("12345", "12345.0", False),
        ("123450", "12345.0", False),
    ],
)
def test_names_are_the_same_where_only_their_writing_differs(one, other, same):
    assert submissions.same_name(one, other) is submissions.same_name(other, one) is same
    assert bool({*submissions.spellings(one)} & {*submissions.spellings(other)}) is same


# ---- Folders around and between --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, students",
    [
        (
            ["course/submitted/ada/ps1/ps1.ipynb", "course/source/ps1/ps1.ipynb", "course/release/ps1/ps1.ipynb"],
            ["ada"],
        ),
        (["submitted/ada/ps1/ps1.ipynb", "autograded/ada/ps1/ps1.ipynb", "gradebook.db"], ["ada"]),
        (
            ["exchange/c/inbound/ada+ps1+2026-03-01 22:58:23.9 UTC/a.ipynb", "exchange/c/outbound/ps1/ps1.ipynb"],
            ["ada"],
        ),
        (["ada/ps1/ps1.ipynb", "bob/ps2/ps2.ipynb", "cy/ps2/ps2.ipynb"], ["ada"]),
        (["ps1/doea_1_2_a.ipynb", "ps1/doeb_3_4_a.ipynb", "slides/1.pdf", "slides/2.ipynb"], ["doea", "doeb"]),
        (["ada/ps1.ipynb"], ["ada"]),
        (["ada/ps1.ipynb", "ada/notes.ipynb"], ["ada"]),
        (["x/ada/ps1.ipynb", "x/bob/ps1.ipynb", "x/README.md"], ["ada", "bob"]),
        (["x/ada/deep/er/ps1.ipynb", "x/bob/ps1.ipynb"], ["ada", "bob"]),
        (["ada.zip/ps1.ipynb", "bob_ps1.zip/homework/ps1.ipynb"], ["ada", "bob"]),
        (["ada/ps1.ipynb", "bob/work.pdf"], ["ada", "bob"]),
        (["ada/ps1.ipynb", "cy.ipynb", "ps1.ipynb"], ["ada", "cy"]),
        (["pset-1-submissions/pset-1-ada/a.ipynb", "pset-1-submissions/pset-1-bob/b.ipynb"], ["ada", "bob"]),
        (["ps1-ada/x/ps1.ipynb", "ps1-bob/ps1/ps1.ipynb", "ps1-cy/ps1.ipynb"], ["ada", "bob", "cy"]),
    ],
)
def test_folders_around_the_submissions_are_nobody(tmp_path, content, students):
    made, inner = {}, {}
    for path in content:
        folder, zipped, rest = path.partition(".zip/")
        if zipped:
            inner = classroom.lay_out(tmp_path / "inner.zip", {rest: BOOK}).read_bytes()
            made[f"{folder}.zip"] = inner
        else:
            made[path] = BOOK if path.endswith("ipynb") else b"x"
    _, fates, counted = seen(tmp_path / "class", made)
    assert sorted(counted) == students and len(fates) == len(content)


@pytest.mark.parametrize(
    "content",
    [
        ["a/ada_ps1.ipynb", "a/bob_ps1.ipynb", "b/cy_ps1.ipynb", "b/di_ps1.ipynb"],
        ["ada/first.ipynb", "ada/second.ipynb", "bob/ps1.ipynb"],
        ["ps1 all/ada_1_2_x.ipynb", "ps1 all/bob_3_4_x.ipynb", "ps2 all/bob_3_5_x.ipynb"],
        ["fall/ps1/ps1-ada/x.ipynb", "fall/ps1/ps1-bob/x.ipynb"],
        ["fall/ps1/ada/x.ipynb", "fall/ps1/bob/x.ipynb"],
        ["fall/ps1/ada.ipynb", "fall/ps1/bob.ipynb"],
        ["fall/ps1/ada_1_2_x.ipynb", "fall/ps1/bob_3_4_x.ipynb", "fall/ps2/bob_3_5_x.ipynb"],
    ],
)
def test_what_can_be_read_in_two_ways_stops_and_asks(tmp_path, content):
    with pytest.raises(Broken, match="Whose are they.*--form|Whose are they.*give that folder"):
        seen(tmp_path / "class", books(*content))


WRAPPERS = [
    "ps1-submissions",
    "PS1_all",
    "ps1-2026",
    "ps1_2026_03_01",
    "2026_03_01_ps1",
    "group_1_2_x",
    "Downloads/ps1-x",
]


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("form", classroom.DOWNLOADS)
def test_a_folder_around_all_is_no_student_whatever_it_is_called(tmp_path, wrapper, form):
    """A whole class must not become one student with many attempts."""
    files = [classroom.DOWNLOADS[form](name, n, "ps1.ipynb").replace("ps2", "ps1") for name, n in PAIR]
    content = books(*(f"{wrapper}/{file}" for file in files))
    by_login = form not in ("moodle", "folders")
    names = sorted(classroom.login(name if form != "canvas" else " ".join(reversed(name.split()))) for name, _ in PAIR)
    names = names if by_login else sorted(name for name, _ in PAIR)
    if form in ("folders", "files") and "/" not in wrapper:
        with pytest.raises(
            Broken, match="Whose are they.*the work of several people.*--form files.*one student's, called"
        ):
            seen(tmp_path / "class", content)
        known = names.__contains__
        assert sorted(seen(tmp_path / "class", content, known=known)[2]) == names
        assert sorted(seen(tmp_path / "class", content, form=form)[2]) == names
    else:
        assert sorted(seen(tmp_path / "class", content)[2]) == names


@pytest.mark.parametrize("path", ["ps1-ada/", "ada_1_2_work/", "ada/ps1/"])
def test_one_student_with_several_files_is_one(tmp_path, path):
    content = books(f"{path}ps1.ipynb", f"{path}old/ps1-Copy1.ipynb", f"{path}notes.ipynb")
    assert list(seen(tmp_path / "class", content)[2]) == ["ada"]


def test_a_form_that_is_said_is_taken(tmp_path):
    content = books("ada/first.ipynb", "ada/second.ipynb", "bob/ps1.ipynb", "x.ipynb")
    assert sorted(seen(tmp_path / "class", content, form="folders")[2]) == ["ada", "bob", "x"]
    assert sorted(seen(tmp_path / "class", content, form="files")[2]) == ["first", "second", "x"]
    with pytest.raises(Broken, match="does not look like --form moodle"):
        seen(tmp_path / "class", content, form="moodle")


def test_the_list_of_the_class_can_decide(tmp_path):
    content = books("a/ada_ps1.ipynb", "a/bob_ps1.ipynb", "b/cy_ps1.ipynb", "eve/x.ipynb", "eve/y.ipynb")
    known = {"ada", "bob", "cy", "eve"}.__contains__
    _, _, counted = seen(tmp_path / "class", content, known=known)
    assert sorted(counted) == ["ada", "b", "bob", "eve"]  # one file in a folder of its own is its folder's


def test_the_folder_of_the_results_is_passed_over(tmp_path):
    classroom.lay_out(tmp_path / "class" / "results", {"feedback/ada.html": b"x", "old.ipynb": BOOK})
    content = {"ada.ipynb": BOOK, "bob.ipynb": BOOK}
    _, fates, counted = seen(tmp_path / "class", content, leave=tmp_path / "class" / "results")
    assert sorted(counted) == ["ada", "bob"] and fates["results"] == (NOTHING, "")


# ---- Times -----------------------------------------------------------------------------------------------------------

DUE = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
STAMP = b"2026-03-01 23:58:59.123 UTC"
SAVED = b"\xef\xbb\xbf" + STAMP + b"\r\n"  # by an editor


@pytest.mark.parametrize("stamp", [STAMP, SAVED])
@pytest.mark.parametrize("place", ["class", "class.zip"])
def test_nbgraders_timestamp_says_when(tmp_path, place, stamp):
    account, _, _ = seen(tmp_path / place, {"ada/ps1/ps1.ipynb": BOOK, "ada/ps1/timestamp.txt": stamp})
    assert DUE - account.counted[0][0].when == timedelta(seconds=0.877)


@pytest.mark.parametrize(
    "path",
    [
        "Ada_1_assignsubmission_file_/",
        "Ada_1_assignsubmission_file_",
        "ada_1_2_",
        "ada/",
        "ps1-ada/",
        "ada/ps1/homework/",
    ],
)
@pytest.mark.parametrize("place", ["class", "class.zip"])
def test_a_students_own_timestamp_counts_for_nothing(tmp_path, path, place):
    content = {path + "ps1.ipynb": BOOK, path + "timestamp.txt": b"2020-01-01 00:00:00 UTC"}
    account, fates, _ = seen(tmp_path / place, content)
    assert account.counted[0][0].when is None
    assert fates[path + "timestamp.txt"][0] == NOTHING


def test_times_of_files_are_nobodys_word(tmp_path):
    classroom.lay_out(tmp_path / "class", {"ada/ps1.ipynb": BOOK})
    os.utime(tmp_path / "class" / "ada" / "ps1.ipynb", (0, 0))
    assert look(tmp_path / "class", "ps1").counted[0][0].when is None


def test_of_attempts_in_the_exchange_the_last_in_time_counts(tmp_path):
    content = books(*(f"ada+ps1+2026-03-0{day} 12:00:00.0 UTC+x/ps1.ipynb" for day in (1, 2, 3)))
    account, fates, _ = seen(tmp_path / "inbound", content, rule=Rule(DUE))
    assert account.counted[0][0].path.startswith("ada+ps1+2026-03-01") and account.counted[0][1] == 3
    assert [fate for fate, _ in fates.values()] == [GRADED, DUPLICATE, DUPLICATE]


def test_a_table_of_times_is_believed_before_anything_else(tmp_path):
    content = {"ada/ps1/ps1.ipynb": BOOK, "ada/ps1/timestamp.txt": STAMP, "bob/ps1/ps1.ipynb": BOOK}
    when = {"ada": DUE + timedelta(days=2)}
    account, _, _ = seen(tmp_path / "class", content, rule=Rule(DUE), when=lambda s: when.get(s.student))
    assert [submission.when for submission, _ in account.counted] == [when["ada"], None]


# ---- Every file ends in exactly one line -----------------------------------------------------------------------------

FOLDERS = """
ada bob ps1 ps2 submitted group-1 section __MACOSX .git ada_1_2_x bob_LATE_3_4_y ps1-ada ps1-bob x.zip notes.ipynb
Bob_7_assignsubmission_file_ ada+ps1+2026-03-01 é
"""
BOOKS = """
ps1.ipynb ps1-1.ipynb ps1-Copy1.ipynb PS1.IPYNB ps1.ipynb.txt ada.ipynb bob_ps1.ipynb bob_1_2_x.ipynb group-1.ipynb
Bob_7_assignsubmission_file_ps1.ipynb ._ps1.ipynb timestamp.txt work.pdf ps1.json .DS_Store README solution.ipynb
"""
ODD_FOLDERS = ["\udcff", "ada ps1", "bob+ps1+2026-03-01 22:58:23.9 UTC+x"]
ODD_BOOKS = ["ps1 (2).ipynb", "group (1).ipynb", "group (2).ipynb", "ada.ipynb ", "x\ny.ipynb"]
NAMES = st.sampled_from([*FOLDERS.split(), *ODD_FOLDERS])
FILES = st.sampled_from([*BOOKS.split(), *ODD_BOOKS])
DATA = st.sampled_from([BOOK, OTHER, MEANT, b"", b"{}", b"PK\5\6" + b"\0" * 18])
TREES = st.dictionaries(
    st.tuples(st.lists(NAMES, max_size=3), FILES).map(lambda t: "/".join([*t[0], t[1]])), DATA, min_size=1, max_size=12
)


def possible(tree):
    """The files of it that one folder can hold: none is a folder of another's."""
    return {
        path: data for path, data in tree.items() if not any(f"{path}/" == other[: len(path) + 1] for other in tree)
    }


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, st.sampled_from([None, None, *(form.name for form in FORMS)]), st.booleans())
@example({"ada/ps1.ipynb": BOOK, "bob/x.zip/ps1.ipynb": BOOK}, None, False)
def test_every_file_is_accounted_for_once(tree, form, zipped):
    tree = possible(tree)
    with tempfile.TemporaryDirectory() as folder:
        try:
            if zipped:
                tree = {path.encode("utf-8", "replace").decode(): data for path, data in tree.items()}
            place = classroom.lay_out(Path(folder, "class.zip" if zipped else "class"), tree)
            account = look(place, "ps1", form=form)
        except Broken as reason:  # it stopped before anything was graded, with a sentence
            assert re.search("Whose are they|holds no notebook|does not look like", str(reason))
            return
        lines = [entry.path for entry in account.entries]
        for path in tree:
            held = [line for line in lines if path == line or path.startswith(f"{line}/")]
            assert len(held) == 1, (path, held)
        assert all(any(path == line or path.startswith(f"{line}/") for path in tree) for line in lines)
        graded = [(entry.path, entry.student) for entry in account.entries if entry.fate == GRADED]
        counted = {(submission.path, submission.student) for submission, _ in account.counted}
        assert set(graded) <= counted and len({s for _, s in counted}) <= len(account.counted)
        for submission, _ in account.counted:
            if (submission.path, submission.student) not in graded:
                with pytest.raises(Broken, match="No notebook"):
                    submission.read()
        assert {entry.student for entry in account.entries} - {""} == {s.student for s, _ in account.counted}


def test_docstring_examples():
    assert all(doctest.testmod(module).failed == 0 for module in (files, forms, submissions))
    assert dataclasses.is_dataclass(FORMS[0])
