"""Is no answer ever lost, is a damaged file survived and said so, and does nothing leave the machine?"""

import errno
import json
import os
import random
import socket
import subprocess
import sys
import threading

import pytest

from harness import ROOT
from harness.answering import NAMES, answered
from pooling_course import export_progress, import_progress, progress, review
from pooling_course.questions import journal as module
from pooling_course.questions.card import Quiz
from pooling_course.questions.journal import by_question, due, entries, record

pytestmark = pytest.mark.usefixtures("journal")


def ids():
    return [entry["id"] for entry in entries()[0]]


# --- the file ------------------------------------------------------------------------------------------------------


def test_is_a_line_added_and_no_other_touched(journal):
    before = b""
    for name in NAMES[:5]:
        assert record(answered(name)) == ""
        now = journal.read_bytes()
        assert now.startswith(before) and now[len(before) :].count(b"\n") == 1 and now.endswith(b"\n")
        before = now
    assert entries()[1] == [] and ids() == NAMES[:5]


def test_are_there_no_answers_without_a_file(journal):
    assert entries() == ([], []) and not journal.exists()
    assert all(row["answered"] == 0 for row in progress().lessons())


@pytest.mark.parametrize("cut", [1, 2, 10, 40])
def test_is_a_half_written_line_skipped_and_the_next_one_whole(journal, cut):
    for name in NAMES[:3]:
        record(answered(name))
    journal.write_bytes(journal.read_bytes()[:-cut])  # the kernel was killed while it wrote
    whole = NAMES[:3] if cut == 1 else NAMES[:2]  # where only the line's end is missing, its answer is not
    assert ids() == whole and len(entries()[1]) == (cut > 1)
    assert ("1 line of the progress file could not be read" in repr(progress())) == (cut > 1)
    record(answered(NAMES[3]))
    assert ids() == [*whole, NAMES[3]] and bool(entries()[1]) == (cut > 1)


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"7",
        b"null",
        b"\xff\xfe\x00",
        b'{"id": "max-channels"}',
        b'{"v": 1, "id": "max-channels", "right": true}',
        b'{"v": "x", "id": "max-channels", "right": true, "time": 1}',
        b'{"v": 1, "id": "max-channels", "right": true, "time": "noon"}',
        b'{"v": 1, "id": "max-channels", "right": true, "time": NaN}',
        b'{"v": 1, "id": "max-channels", "right": true, "time": 1, "confidence": 9}',
        b'{"v": 1, "id": "max-channels", "right": true, "time": 1, "confidence": "very"}',
        b"[" * 100_000,
        b"\x00" * 500,
    ],
    ids=lambda line: line[:50].decode("latin1"),
)
def test_is_a_damaged_line_skipped_and_said_so(journal, line):
    record(answered(NAMES[0]))
    with open(journal, "ab") as file:
        file.write(line + b"\n\n")
    record(answered(NAMES[1]))
    assert ids() == NAMES[:2] and entries()[1] == [2]
    assert "1 line of the progress file could not be read" in progress()._repr_html_()
    with open(journal, "ab") as file:
        file.write(line + b"\n")
    assert "2 lines of the progress file could not be read" in repr(progress())


def test_is_a_file_of_version_0_understood(journal):
    journal.write_text(json.dumps({"id": NAMES[0], "right": 1, "t": 5, "answer": 2}) + "\n", "utf-8")
    record(answered(NAMES[1], time=6))
    old, new = entries()[0]
    assert (old["time"], old["confidence"], old["right"], old["answer"]) == (5.0, 0, True, 2)
    assert new["v"] == 1 and entries()[1] == []


def test_are_questions_that_no_longer_exist_ignored():
    record(answered("gone-for-good", right=False, confidence=2))
    record(answered(NAMES[0]))
    assert list(by_question(entries()[0])) == [NAMES[0]] and "gone" not in progress()._repr_html_()
    assert due(entries()[0]) == []


WRITER = """
import sys
from pooling_course.questions.journal import record
for i in range(200):
    assert record({"id": sys.argv[1], "right": True, "confidence": 1, "answer": [i, "x" * 300]}) == ""
"""


@pytest.mark.slow
def test_do_two_notebooks_that_write_at_once_lose_nothing():
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in NAMES[:2]]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    found, damaged = entries()
    assert damaged == [] and len(found) == 400
    for name in NAMES[:2]:
        assert [e["answer"][0] for e in found if e["id"] == name] == list(range(200))


# --- a disk that does not want to ------------------------------------------------------------------------------------


def counts_all_the_same(said, why):
    assert said.startswith(f"Your answer counts here, but it could not be saved for later ({why}: progress.jsonl in ")
    assert said.endswith("It is kept until it can be, as long as this notebook runs. The lesson goes on.")


@pytest.mark.parametrize("call", ["open", "fsync"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_does_a_disk_that_refuses_get_a_sentence(monkeypatch, call, code):
    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    record(answered(NAMES[0]))
    with monkeypatch.context() as patch:
        patch.setattr(*(("builtins.open", refuse) if call == "open" else ("os.fsync", refuse)))
        counts_all_the_same(record(answered(NAMES[1])), os.strerror(code))
    assert record(answered(NAMES[2])) == "" and ids() == NAMES[:3]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device here that is always full")
def test_does_a_full_disk_get_a_sentence(tmp_path):
    link = tmp_path / "progress.jsonl"
    link.symlink_to("/dev/full")
    said = record(answered())
    assert "could not be saved for later (" in said and said.endswith("The lesson goes on.")


def test_does_a_disk_full_in_the_middle_of_a_line_cost_that_line_only(journal, monkeypatch):
    record(answered(NAMES[0]))
    with open(journal, "ab") as file:
        file.write(b'{"v": 1, "id": "max-ch')  # what fitted
    record(answered(NAMES[1]))
    assert ids() == NAMES[:2] and entries()[1] == [2]


def test_does_a_folder_in_place_of_the_file_stop_nothing(journal):
    journal.mkdir()
    counts_all_the_same(record(answered()), os.strerror(errno.EISDIR))
    assert ids() == NAMES[:1] and "The progress file cannot be read (Is a directory" in repr(progress())


def test_does_a_missing_folder_stop_nothing(monkeypatch, journal):
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(journal.parent / "gone" / "progress.jsonl"))
    counts_all_the_same(record(answered()), os.strerror(errno.ENOENT))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="for root no folder is read-only")
def test_does_a_read_only_folder_get_a_sentence(journal):
    journal.parent.chmod(0o500)
    counts_all_the_same(record(answered()), os.strerror(errno.EACCES))
    journal.parent.chmod(0o700)


# --- its place -------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """The journal where it is without a setting: in the folder that this Python was started in."""
    monkeypatch.delenv("POOLING_COURSE_PROGRESS")
    monkeypatch.setattr("pooling_course.place.STARTED_IN", str(tmp_path / "lessons"))
    (tmp_path / "lessons").mkdir()
    return tmp_path / "lessons"


def test_does_a_lesson_that_moves_on_take_no_answers_along(at_home, tmp_path, monkeypatch):
    record(answered(NAMES[0]))
    monkeypatch.chdir(tmp_path)
    record(answered(NAMES[1]))
    assert ids() == NAMES[:2] and [path.parent for path in tmp_path.rglob("*.jsonl")] == [at_home]


@pytest.mark.slow
def test_is_the_place_where_the_kernel_was_started():
    code = "import os, pooling_course; os.chdir('/'); from pooling_course.questions.journal import journal_path as path"
    code += "; print(path())"
    environment = {**os.environ, "POOLING_COURSE_PROGRESS": "", "PYTHONPATH": str(ROOT)}
    for folder, named in ((ROOT / "notebooks", ""), (ROOT / "notebooks", "mine.jsonl")):
        environment["POOLING_COURSE_PROGRESS"] = named
        said = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)
        assert said.stdout.strip() == str(folder / (named or ".pooling_course_progress.jsonl")), said.stderr


def test_is_a_kernel_without_a_folder_no_error(tmp_path):
    code = "import os, sys; os.rmdir(os.getcwd()); sys.path.insert(0, sys.argv[1]); import pooling_course as course"
    code += "; print(course.place.STARTED_IN)"
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)], cwd=tmp_path / "gone", capture_output=True, text=True
    )
    assert done.stdout.strip() == os.path.expanduser("~"), done.stderr


def test_is_a_tilde_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", "~/answers.jsonl")
    record(answered())
    export_progress("~/mine.jsonl")
    assert (tmp_path / "answers.jsonl").is_file() and (tmp_path / "mine.jsonl").is_file()
    assert import_progress("~/mine.jsonl").startswith("0 answers taken over, 1 was here")


def test_does_a_folder_that_goes_and_comes_lose_nothing(at_home):
    record(answered(NAMES[0]))
    at_home.rename(at_home.with_name("moved"))
    for name in NAMES[1:3]:
        assert f"progress.jsonl in {at_home})" in record(answered(name))
    assert ids() == NAMES[1:3] and [e["id"] for e in module.answers_to(NAMES[2])] == [NAMES[2]]
    note = (
        f"The folder of the progress file is gone: {at_home}. 2 of your answers are kept only as long as this notebook"
    )
    assert note in repr(progress()) and note in progress()._repr_html_()
    at_home.with_name("moved").rename(at_home)
    assert ids() == NAMES[:3] and "could not be written" in repr(progress())
    assert record(answered(NAMES[3])) == "" and ids() == NAMES[:4] and progress().trouble == ""


def test_are_answers_that_wait_exported(at_home, tmp_path):
    at_home.rmdir()
    record(answered(NAMES[0]))
    assert export_progress(tmp_path / "mine.jsonl").startswith("1 answer written")


@pytest.mark.parametrize("file", [3, None, ["mine"], 2.5])
def test_is_a_file_that_has_no_name_refused(file):
    for call in (export_progress, import_progress):
        with pytest.raises(TypeError, match="give the name of a file, such as 'mine.jsonl'"):
            call(file)


# --- a long file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        {"misconception": 5},
        {"misconception": None},
        {"misconception": ["slip"]},
        {"misconception": "\ud800"},
        {"lesson": 3},
        {"confidence": True},
        {"confidence": 1.0},
        {"right": "no"},
        {"right": None},
        {"time": True},
        {"time": 10**400},
        {"seconds": "long"},
        {"seconds": {}},
        {"attempt": "2"},
        {"id": 5},
        {"id": None},
    ],
    ids=str,
)
def test_is_an_entry_of_wrong_types_passed_over_and_named(journal, odd):
    record(answered(NAMES[0]))
    with open(journal, "a") as file:
        file.write(json.dumps({"v": 1, "time": 1, **answered(NAMES[1]), **odd}) + "\n")
    record(answered(NAMES[1], False, 2))
    assert ids() == NAMES[:2] and entries()[1] == [2] and len(module.answers_to(NAMES[1])) == 1
    assert "could not be read and were skipped: line 2." in progress()._repr_html_()
    assert Quiz(NAMES[1]).attempts and review()


def lines(names, start=0):
    return "".join(json.dumps({"v": 1, "time": start + i, **answered(name)}) + "\n" for i, name in enumerate(names))


@pytest.fixture
def reads(monkeypatch):
    """The lines that are parsed."""
    seen, true = [], module._entry
    monkeypatch.setattr(module, "_entry", lambda line: seen.append(line) or true(line))
    return seen


def test_is_only_what_was_added_read_again(journal, reads):
    journal.write_text(lines(NAMES[:5] * 20))
    assert len(ids()) == len(reads) == 100
    with open(journal, "a") as file:  # by another kernel
        file.write(lines(NAMES[5:7], 100) + '{"v": 1, "id"')
    assert len(ids()) == 102 and len(reads) == 103 and entries()[1] == [103]
    with open(journal, "a") as file:
        file.write(f': "{NAMES[7]}", "right": true, "time": 103, "confidence": 1}}\n')
    del reads[:]
    assert ids()[-1] == NAMES[7] and len(reads) == 1 and entries()[1] == []


@pytest.mark.parametrize("change", ["replaced", "cut", "edited", "longer", "gone"])
def test_is_a_file_that_was_changed_otherwise_read_anew(journal, change):
    journal.write_text(lines(NAMES[:4]))
    assert ids() == NAMES[:4]
    os.utime(journal, (1, 1))
    if change == "replaced":
        (journal.parent / "new").write_text(lines(NAMES[4:8]))
        (journal.parent / "new").replace(journal)
    elif change == "cut":
        journal.write_text(lines(NAMES[:2]))
    elif change == "edited":
        journal.write_text(lines([NAMES[4], *NAMES[1:4]]).ljust(journal.stat().st_size)[: journal.stat().st_size])
    elif change == "longer":
        journal.write_text(lines(NAMES[4:10]))
    else:
        journal.unlink()
    want = {"replaced": NAMES[4:8], "cut": NAMES[:2], "longer": NAMES[4:10], "gone": []}
    assert ids() == want.get(change, ids()) and (change != "edited" or ids()[0] != NAMES[0])


def test_does_a_question_read_its_own_answers_only(journal, reads):
    journal.write_text(lines(NAMES[:20] * 50) + "{half")
    assert [e["id"] for e in module.answers_to(NAMES[3])] == [NAMES[3]] * 50 and len(reads) == 50
    quiz = Quiz(NAMES[3])
    assert len(quiz.attempts) == 20 and quiz.commit(0, 1) and entries()[0][-1]["attempt"] == 51
    assert module.answers_to("no-such") == []


def test_are_the_answers_found_the_ones_that_all_entries_say(journal):
    text = lines(random.Random(0).choices(NAMES[:9], k=200)).replace('": ', '":').replace("{", "{ ")
    journal.write_text(f"{text}junk\n")
    record(answered(NAMES[2], time=0.5))
    for name in NAMES[:10]:
        assert module.answers_to(name) == [e for e in entries()[0] if e["id"] == name]


# --- carried elsewhere -----------------------------------------------------------------------------------------------


def test_does_a_round_trip_keep_everything(tmp_path, monkeypatch):
    for i, name in enumerate(NAMES[:4]):
        record(answered(name, right=i % 2 == 0, confidence=i % 3, seconds=1.5, misconception="größer"))
    there = entries()[0]
    file = tmp_path / "mine.jsonl"
    assert export_progress(file) == f"4 answers written to {file}."
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "elsewhere.jsonl"))
    record(answered(NAMES[5]))
    assert import_progress(file) == "4 answers taken over, 0 were here already."
    assert sorted(ids()) == sorted([*NAMES[:4], NAMES[5]])
    assert [e for e in entries()[0] if e["id"] != NAMES[5]] == there
    assert import_progress(str(file)) == "0 answers taken over, 4 were here already." and len(ids()) == 5


def test_does_the_older_answer_stay_the_first_after_an_import(tmp_path, monkeypatch):
    record(answered(right=False, confidence=2, time=100))
    export_progress(tmp_path / "mine.jsonl")
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "elsewhere.jsonl"))
    record(answered(right=True, time=200))
    import_progress(tmp_path / "mine.jsonl")
    assert [e["right"] for e in progress().answers[NAMES[0]]] == [False, True]
    assert progress().sure_and_wrong() == [NAMES[0]]


def test_does_a_file_of_version_0_come_in_whole(tmp_path):
    old = tmp_path / "old.jsonl"
    old.write_text(json.dumps({"id": NAMES[0], "right": True, "t": 5}) + "\n{half", "utf-8")
    assert import_progress(old) == "1 answer taken over, 0 were here already. 1 line could not be read: line 2."
    assert import_progress(old).startswith("0 answers taken over, 1 was here already.")
    assert entries()[0][0]["time"] == 5


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\x00", b"hello\n", b'{"cells": []}', b"[1, 2]"])
def test_does_the_import_of_a_wrong_file_say_so(tmp_path, content, journal):
    (tmp_path / "wrong").write_bytes(content)
    with pytest.raises(ValueError, match="holds no answers of this course: take a file that export_progress has"):
        import_progress(tmp_path / "wrong")
    assert not journal.exists()


def test_does_the_import_of_a_folder_or_of_nothing_say_so(tmp_path):
    with pytest.raises(ValueError, match="holds no answers of this course"):
        import_progress(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no file 'gone.jsonl' here: upload it beside the notebook"):
        import_progress("gone.jsonl")


def test_does_an_import_onto_a_full_disk_say_so(tmp_path, monkeypatch):
    record(answered())
    export_progress(tmp_path / "mine.jsonl")
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path))
    with pytest.raises(OSError, match="could not be saved for later"):
        import_progress(tmp_path / "mine.jsonl")


# --- on this machine only --------------------------------------------------------------------------------------------


def test_does_nothing_leave_the_machine(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise AssertionError("somebody wants to go online")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    before = set(tmp_path.iterdir())
    record(answered(right=False))
    assert progress()._repr_html_() and progress().figure.png() and review().children
    export_progress(tmp_path / "mine.jsonl")
    import_progress(tmp_path / "mine.jsonl")
    assert {path.name for path in set(tmp_path.iterdir()) - before} == {"progress.jsonl", "mine.jsonl"}
    with pytest.raises(AssertionError):
        socket.create_connection(("127.0.0.1", 9))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_in_the_files_place_stops_nobody(tmp_path):
    """To open one waits for its other end, for ever."""
    path = tmp_path / "answers.jsonl"
    os.mkfifo(path)
    found = []

    def use():
        found.append(record({"id": "rows-out", "lesson": "06_padding", "right": True}, path))
        found.append(module.trouble(path))
        found.append(len(entries(path)[0]))

    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    thread.join(20)
    assert "could not be saved for later (it is no ordinary file" in found[0]
    assert "cannot be read (it is no ordinary file" in found[1] and found[2] == 1
