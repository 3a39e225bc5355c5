"""Are marks, and what an instructor wrote, safe in the folder of results? Are bad input and bad disks sentences?

Every submission is right here, and no sandbox runs: test_grading.py has that.
"""

import csv
import io
import json
import os
import re
import subprocess
import sys
import unicodedata

import pytest

from harness import ROOT, classroom
from pooling_course.grading import __main__ as command
from pooling_course.grading import book, mark, pages, tables
from pooling_course.grading.book import Book
from pooling_course.grading.submissions import Entry, Submission

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("all_right")]

FULL = sum(task.points for task in mark.tasks("ps2"))
DUE = "2026-03-01 23:59"


@pytest.fixture
def two(tmp_path):
    """Ada's and Bob's work."""
    return classroom.lay_out(tmp_path / "class", classroom.download("files", 2, lambda name: [name]))


grade = classroom.grade


def points(out):
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return {line["student"]: line["points"] for line in csv.DictReader(file)}


# ---- Late or not -----------------------------------------------------------------------------------------------------


def canvas(tmp_path):
    files = classroom.download("canvas", 2, lambda name: [name])
    first, second = files
    files[re.sub(r"_(\d+)_", r"_LATE_\1_", second, count=1)] = files.pop(second)
    return classroom.lay_out(tmp_path / "all.zip", files)  # its entries have the time of now, long after


def test_a_zip_of_canvas_says_who_is_late_and_not_when(tmp_path, capsys):
    assert grade(canvas(tmp_path), tmp_path / "out", "--deadline", DUE, "--late-penalty", 20) == 0
    said = capsys.readouterr().out
    assert "lateness is not known" in said and "called LATE loses one day" in said and "--times" in said
    assert sorted(map(float, points(tmp_path / "out").values())) == [0.8 * FULL, FULL]
    assert "lateness is not known" in (tmp_path / "out" / "report.html").read_text("utf-8")


@pytest.mark.parametrize("form", ["moodle", "folders", "clones"])
def test_a_timestamp_of_the_students_own_saves_nobody(tmp_path, form, capsys):
    files = classroom.download(form, 2, lambda name: [name])
    first, *_ = files
    files[first.rpartition("/")[0] + "/timestamp.txt"] = b"2020-01-01 00:00:00 UTC"
    classroom.lay_out(tmp_path / "class", files)
    names = [name if form != "clones" else classroom.login(name) for name, _ in classroom.people(2)]
    lines = [f"{name},2026-03-04 1{i}:00" for i, name in enumerate(names)]
    (tmp_path / "times.csv").write_text("\n".join(["student,submitted", *lines]), encoding="utf-8")
    how = ["--deadline", DUE, "--late-penalty", 20, "--times", tmp_path / "times.csv"]
    assert grade(tmp_path / "class", tmp_path / "out", *how) == 0
    assert [*map(float, points(tmp_path / "out").values())] == [pytest.approx(0.4 * FULL)] * 2
    assert "lateness" not in capsys.readouterr().out


def test_who_is_not_in_the_table_of_times_is_named(tmp_path, two, capsys):
    (tmp_path / "times.csv").write_text("student,submitted\nadadoe,2026-03-01 10:00\n")
    assert grade(two, tmp_path / "out", "--deadline", DUE, "--times", tmp_path / "times.csv") == 0
    assert "Nothing says when 1 handed in, so they count as in time: bobdoe." in capsys.readouterr().out


# ---- Before a mark is written ----------------------------------------------------------------------------------------


def test_what_is_left_out_and_who_is_unknown_is_said_before_anything_runs(tmp_path, two, capsys, monkeypatch):
    classroom.lay_out(two, {"cy_ps2.pdf": b"x", "mallory.ipynb": b"x", "notes.docx": b"x", ".DS_Store": b"x"})
    (tmp_path / "class.csv").write_text("adadoe\nbobdoe\nzoe\n")

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run_all", stop)
    assert grade(two, tmp_path / "out", "--roster", tmp_path / "class.csv") == 130
    said = capsys.readouterr().out
    assert "6 files of 4 students: 3 to be graded, 0 duplicates, 3 no submissions." in said
    assert "only its own name says" not in said
    assert "Left out: notes.docx: it is no notebook." in said and "Left out: cy_ps2.pdf: it is no notebook." in said
    assert "Not in class.csv, or twice, so nobody's for certain: cy, mallory." in said
    assert "In class.csv without a submission: zoe." in said
    assert ".DS_Store" not in said and not (tmp_path / "out" / "grades.csv").exists()


def test_every_file_is_in_the_table_of_files(tmp_path, two, capsys):
    classroom.lay_out(two, {"cy_ps2.pdf": b"x", "=cmd.docx": b"x"})
    assert grade(two, tmp_path / "out") == 0
    assert "only its own name says: hold them against a list of the class, with --roster" in capsys.readouterr().out
    with open(tmp_path / "out" / "files.csv", encoding="utf-8", newline="") as file:
        lines = {line["file"]: line["is"] for line in csv.DictReader(file)}
    no = "not a submission because"
    assert lines == {"'=cmd.docx": no, "adadoe_ps2.ipynb": "graded", "bobdoe_ps2.ipynb": "graded", "cy_ps2.pdf": no}
    assert points(tmp_path / "out")["cy"] == "0"
    assert "No notebook (.ipynb) was handed in, but cy_ps2.pdf." in (tmp_path / "out/feedback/cy.html").read_text()


# ---- What an instructor wrote ----------------------------------------------------------------------------------------

EXPORT = "Student,ID,ps2 (1)\nadadoe,1,\nbobdoe,2,\n"


@pytest.mark.parametrize("name", ["gradebook.csv", "grades.csv", "Report.html", "results.sqlite", "FILES.csv"])
@pytest.mark.parametrize("how", ["in the results", "a link there", "another name there", "elsewhere"])
def test_an_export_is_never_written_to(tmp_path, two, name, how, capsys):
    out, export = tmp_path / "out", tmp_path / name
    out.mkdir()
    if how == "in the results":
        export = out / name
    export.write_text(EXPORT)
    if how == "a link there":
        (out / name).symlink_to(export)
    if how == "another name there":
        os.link(export, out / name)
    status = grade(two, out, "--fill", export)
    assert export.read_text() == EXPORT
    if name in ("grades.csv", "results.sqlite") and how != "elsewhere":
        assert status == 1 and "is what this program itself writes: move it" in capsys.readouterr().err
        return
    if status:  # nothing was written where its name is one of this program's
        assert how != "elsewhere"
        return
    copies = [path for path in out.glob("*.csv") if path.read_text() == EXPORT.replace(",\n", f",{FULL}\n")]
    copies += [path for path in out.glob("*-filled.*") if path not in copies]
    assert len(copies) == 1 and not copies[0].samefile(export)
    assert grade(two, out, "--fill", export) == 0 and export.read_text() == EXPORT
    assert not (out / book.ASIDE).exists()


def test_results_do_not_go_among_the_submissions(tmp_path, two, capsys):
    assert grade(two, two) == 1 and "give another --out" in capsys.readouterr().err
    assert grade(two, two / "results") == 0 and grade(two, two / "results") == 0
    assert sorted(points(two / "results")) == ["adadoe", "bobdoe"]
    assert "results,not a submission because,the folder of the results," in (two / "results/files.csv").read_text()
    assert "results/" not in (two / "results" / "files.csv").read_text("utf-8").replace("results/files", "")


def test_a_mark_changed_by_hand_is_told_and_kept(tmp_path, two, capsys):
    out = tmp_path / "out"
    assert grade(two, out) == 0 and grade(two, out) == 0
    assert "by this program" not in capsys.readouterr().out and not (out / book.ASIDE).exists()
    written = (out / "grades.csv").read_text("utf-8")
    changed = written.replace(f"adadoe,,{FULL}", "adadoe,,3.5")
    (out / "grades.csv").write_text(changed, "utf-8")
    (out / "feedback" / "adadoe.html").write_text("Well done!")
    assert grade(two, out) == 0
    said = capsys.readouterr().out
    assert f"(adadoe: points '{FULL}' is now '3.5')" in said
    assert "feedback/adadoe.html is not as this program wrote it." in said.replace(os.sep, "/")
    assert (out / "grades.csv").read_text("utf-8") == written
    assert (out / book.ASIDE / "grades.csv").read_text("utf-8") == changed
    assert (out / book.ASIDE / "feedback" / "adadoe.html").read_text() == "Well done!"
    assert grade(two, out) == 0 and "is not as" not in capsys.readouterr().out
    (out / "grades.csv").write_bytes(b"\xff\0")  # a second one beside the first, whatever it is
    assert grade(two, out) == 0
    assert (out / book.ASIDE / "grades-2.csv").read_bytes() == b"\xff\0"
    assert (out / book.ASIDE / "grades.csv").read_text("utf-8") == changed


def test_lines_added_and_removed_by_hand_are_told(tmp_path, two, capsys):
    out = tmp_path / "out"
    grade(two, out)
    lines = (out / "grades.csv").read_text("utf-8").splitlines()
    (out / "grades.csv").write_text("\ufeff" + "\r\n".join([lines[0], lines[2], "zoe,,9"]), "utf-8")
    grade(two, out)
    assert "(no line for adadoe; a line for zoe)" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_in_place_of_a_table_is_put_aside_and_not_read(tmp_path, two, capsys):
    """To read it would wait for ever."""
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / "grades.csv")
    assert grade(two, tmp_path / "out") == 0 and len(points(tmp_path / "out")) == 2
    assert (tmp_path / "out" / "changed-by-hand" / "grades.csv").is_fifo()


def test_a_table_that_was_there_before_is_kept(tmp_path, two, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "grades.csv").write_text("mine")
    (tmp_path / "out" / "report.html").mkdir()
    assert grade(two, tmp_path / "out") == 0
    assert (tmp_path / "out" / book.ASIDE / "grades.csv").read_text() == "mine"
    assert (tmp_path / "out" / book.ASIDE / "report.html").is_dir()


def test_a_run_that_is_killed_while_it_writes_is_no_person(tmp_path, two, capsys, monkeypatch):
    out = tmp_path / "out"
    grade(two, out)
    classroom.write(two / "zoe_ps2.ipynb", ["x = 1"])

    def killed(path, data, put=book.put):
        put(path, data)
        raise KeyboardInterrupt

    monkeypatch.setattr(book, "put", killed)
    assert grade(two, out) == 130
    monkeypatch.undo()
    monkeypatch.setattr(mark, "work", None)
    assert grade(two, out) == 0
    assert "is not as" not in capsys.readouterr().out and len(points(out)) == 3


def test_another_assignments_marks_are_not_written_over(tmp_path, two, capsys):
    out = tmp_path / "out"
    assert grade(two, out) == 0
    before = {path: path.read_bytes() for path in out.rglob("*.*") if path.suffix in (".csv", ".html")}
    assert grade(two, out, assignment="ps1") == 1
    assert "holds the marks of ps2: give those of ps1 another folder" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


def test_pages_of_somebody_who_is_gone_are_told(tmp_path, two, capsys):
    grade(two, tmp_path / "out")
    (two / "adadoe_ps2.ipynb").unlink()
    grade(two, tmp_path / "out")
    assert "Pages of an earlier run, for nobody of this one: adadoe.html." in capsys.readouterr().out


def row(student, number=""):
    return tables.Row(Submission(student, number, "", None, False, bytes), 1, 0, 1.0, classroom.solved("ps2"))


def test_nobody_can_be_called_like_another_page():
    assert pages.file_name(pages.file_name("O'Brien")) != pages.file_name("O'Brien")


@pytest.mark.parametrize(
    "people",
    [
        ["O'Brien", "O_Brien-e6e62496", "O_Brien-e6e624964c83", "O_Brien"],
        ["ada", "Ada", "ADA", "ada "],
        ["J\u00f6rg", "Jo\u0308rg", "JÖRG"],
        ["a/b", "a\\b", "a:b", "a?b", "a_b"],
        ["x" * 300, "x" * 301, "ü" * 300, "𝒳" * 300, "x" * 150],
        ["..", ".", "", " ", "con", "CON", "con.x", "nul"],
        ["ﬁ", "fi", "\udcff", "\udcfe"],
        ["\uac00", "\u1100\u1161", "a", "\uff41"],  # one syllable in Korean, written in two ways; a wide a
    ],
)
def test_no_two_pages_are_called_alike_on_any_system(tmp_path, people):
    rows = [row(name) for name in people] + [row(people[0], "71"), row(people[0], "72")]
    made = dict(pages.feedback_pages("ps2", rows))
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in made}) == len(rows)
    for name, page in made.items():
        assert len(os.fsencode(name)) < 230 and not re.match(r"(con|nul)(\.|$)|\.", name, re.IGNORECASE)
        (tmp_path / name).write_bytes(page)
    again = dict(zip(pages.names(rows[::-1]), rows[::-1], strict=True))
    assert all(again[name] is each for name, each in zip(pages.names(rows), rows, strict=True))


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "+1",
        "-1",
        "@x",
        "\t=1",
        "\n=1",
        "＝1+1",
        "a;=1+1",
        "a,@x",
        "a|-1",
        'a;"=1+1"',
        " =1",
        "a, @x",
        "\u3000=1",
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_no_spreadsheet_computes_what_a_student_wrote(name, delimiter):
    """A table with commas is cut at semicolons where those are the country's, and the other way round."""
    lines = csv.reader(
        io.StringIO(tables.files([Entry(f"{name}/ps1.ipynb", "graded", name, name)]).decode(), newline="")
    )
    cells = [cell for line in lines for own in line for cell in re.split(rf"[{re.escape(delimiter)}\n]", own)]
    assert not [cell for cell in cells if re.match(r"[\"\s]*[=+\-@＝＋－＠]", cell)]
    assert tables.plain(str(tables.harmless(name))) == name.strip()


def test_no_name_commands_a_screen(tmp_path, capsys):
    """A file that is called so cannot clear what was said before, say more lines, or have them read backwards."""
    book = json.dumps(classroom.notebook(["x = 1"])).encode()
    names = ["a\x1b[2Jb", "c\nd: 12 of 12 points", "\u202ee", "f\x9b1A", "g\rh"]
    classroom.lay_out(tmp_path / "class", {f"{name}/ps2.ipynb": book for name in names} | {"i/\x07\u2029.pdf": b""})
    grade(tmp_path / "class", tmp_path / "out")
    said = capsys.readouterr()
    lines = (said.out + said.err.rpartition("\r")[2]).split("\n")
    assert not [line for line in lines if not line.isprintable() or line.startswith("d: 12")]
    assert r"Left out: i/\x07\u2029.pdf: it is no notebook." in lines
    shown = (tmp_path / "out" / "report.html").read_text("utf-8")
    shown += "".join(path.read_text("utf-8") for path in (tmp_path / "out" / "feedback").iterdir())
    assert not set(shown) & {"\x1b", "\x07", "\x9b", "\u202e", "\u2029"} and r"a\x1b[2Jb" in shown
    assert set(names) < set(classroom.grades(tmp_path / "out"))


# ---- Bad input, odd consoles, bad disks ------------------------------------------------------------------------------

BAD = {
    "no such place": (["nowhere"], "neither a folder nor a .zip"),
    "a deadline of nonsense": (["class", "--deadline", "soon"], "'soon' is no time"),
    "the first of all years": (["class", "--deadline", "0001-01-01"], "is no time"),
    "the last of all years": (["class", "--deadline", "9999-12-31 23:59"], None),
    "a negative penalty": (["class", "--late-penalty", "-5"], "no number from 0 to 100"),
    "no penalty at all": (["class", "--late-penalty", "nan"], "no number from 0 to 100"),
    "no workers": (["class", "--workers", "0"], "no whole number from 1"),
    "no time": (["class", "--seconds", "-1"], "no whole number from 1"),
    "a form of nobody's": (["class", "--form", "blackboard"], "invalid choice"),
    "a seed of nonsense": (["class", "--seed", "x"], "invalid int"),
    "no such table": (["class", "--fill", "nowhere.csv"], "nowhere.csv cannot be read (No such file"),
    "a folder as a table": (["class", "--roster", "class"], "class cannot be read (Is a directory"),
    "a zip as a table": (["class", "--times", "bytes"], "no table in text: save it in your spreadsheet as CSV"),
    "a file as results": (["class", "--out", "bytes"], "is no folder"),
    "results below a file": (["class", "--out", "bytes/x"], "bytes"),
    "a file as progress": (["class", "--progress", "bytes"], "is no folder"),
    "an address of nobody": (["class", "--scheduler", "nobody"], "an address looks like"),
}


@pytest.mark.parametrize("more, says", BAD.values(), ids=BAD)
def test_bad_input_gives_a_sentence(tmp_path, two, more, says, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    line = [*more, "--assignment", "ps2", *([] if "--out" in more else ["--out", "out"])]
    try:
        status = command.main(line)
    except SystemExit as error:
        status = error.code
    said = capsys.readouterr().err
    assert status == 0 if says is None else status and says in said, said
    assert "Traceback" not in said


STUB = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from harness import ROOT, classroom
from pooling_course.grading import __main__ as command, mark
mark.work = lambda job, trust: classroom.solved(job.assignment)
{before}
sys.exit(command.main(sys.argv[1:]))
"""


def run(folder, *line, before="", **how):
    stub = STUB.format(root=str(ROOT), tests=str(ROOT / "tests"), before=before)
    command = [sys.executable, "-c", stub, *line]
    return subprocess.run(command, cwd=folder, capture_output="stdout" not in how, timeout=120, **how)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such consoles")
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_a_console_of_ascii_costs_no_marks(tmp_path, environment):
    files = {f"{name}.ipynb": data for name, data in zip(["Jörg", "Zoë", "ada"], [b"{}"] * 3, strict=True)}
    classroom.lay_out(tmp_path / "class", files)
    done = run(tmp_path, "class", "--assignment", "ps2", "--out", "out püt", env=os.environ | environment)
    assert done.returncode == 0 and done.stderr == b"" and b"3 of 3" in done.stdout
    assert len([*(tmp_path / "out püt" / "feedback").iterdir()]) == 3
    assert "Jörg" in (tmp_path / "out püt" / "grades.csv").read_text("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")
def test_a_full_disk_costs_no_marks(tmp_path, two):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"
    assert grade(two, tmp_path / "room") == 0
    sizes = {path.stat().st_size for path in (tmp_path / "room").rglob("*.*")}
    for most in (0, min(sizes) - 1, 5_000, max(sizes) - 1):
        done = run(tmp_path, "class", "--assignment", "ps2", "--out", "out", before=limit.format(most))
        said = done.stderr.decode()
        kept = (tmp_path / "out" / "results.sqlite").exists()
        assert done.returncode == 1 and "Traceback" not in said, said
        assert ("goes on from there" in said) is kept and ("Nothing is graded yet" in said) is not kept, said
    assert not list((tmp_path / "out").rglob("*.part"))
    done = run(tmp_path, "class", "--assignment", "ps2", "--out", "out")
    assert done.returncode == 0 and [*map(float, points(tmp_path / "out").values())] == [FULL, FULL]
    assert not (tmp_path / "out" / book.ASIDE).exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_results_that_may_not_be_written_give_a_sentence(tmp_path, two):
    if os.geteuid() == 0:  # root may write everywhere, but not be another user
        for path in (tmp_path, *tmp_path.parents[:2]):
            path.chmod(0o755)
    as_other = "import os; os.geteuid() == 0 and (os.setgroups([]), os.setgid(65534), os.setuid(65534))"
    (tmp_path / "out").mkdir(mode=0o555)
    for out in ("out", "out/deeper"):
        done = run(tmp_path, "class", "--assignment", "ps2", "--out", out, before=as_other)
        said = done.stderr.decode()
        assert done.returncode == 1 and "Traceback" not in said and re.search("cannot be|denied", said), said
        assert "is kept in" not in said, said  # for nothing is
    grade(two, tmp_path / "kept")
    (tmp_path / "kept" / "feedback").chmod(0o555)
    (tmp_path / "kept" / "results.sqlite").chmod(0o444)
    done = run(tmp_path, "class", "--assignment", "ps2", "--out", "kept", before=as_other)
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    assert len(points(tmp_path / "kept")) == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a disk that is always full")
def test_an_output_that_is_full_gives_a_sentence(tmp_path, two):
    with open("/dev/full", "w") as full:
        done = run(tmp_path, "class", "--assignment", "ps2", "--out", "out", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"No space left" in done.stderr and b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_a_file_that_cannot_be_put_leaves_no_part(tmp_path):
    (tmp_path / "grades.csv").mkdir()
    with pytest.raises(OSError):
        book.put(tmp_path / "grades.csv", b"x")
    assert list(tmp_path.iterdir()) == [tmp_path / "grades.csv"]


def test_a_book_says_what_its_disk_says(tmp_path):
    made = Book(tmp_path / "results.sqlite", "ps2")
    made.connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(ValueError, match="cannot be read or written .*full.*goes on from there"):
        made.put("key", {"x": "y" * 100_000})
    made.close()
