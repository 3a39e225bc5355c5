"""What people decide: points, comments and changed marks, in one table in the folder of the results.

Any spreadsheet opens it, and every run reads it. It belongs to people: this program adds lines at its end, for answers
that a person has to read, and changes nothing that stands there. What was decided when, and by whom, the book keeps.
"""

import csv
import getpass
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .assignments import ASSIGNMENTS, Written, named
from .book import Book, put
from .submissions import spellings
from .tables import TOTAL, Row, plain, saved, whole, write

TABLE = "decisions.csv"
HEADS = ("student", "number", "task", "points", "out_of", "comment", "by")
NEEDED = ("student", "task", "points", "comment")
POINTS = re.compile(r"\d{1,6}([.,]\d{1,6})?")


@dataclass(frozen=True)
class Decision:
    """What a person decided about a task of a student.

    Attributes:
        row: of the table, as a spreadsheet counts them.
        points: None where there is only a comment.
        comment: for the student.
        by: who decided.
    """

    row: int
    points: float | None
    comment: str
    by: str


class Decisions:
    """The table of an assignment. Where there is none, it is begun, with all that the book knows to be decided.

    Attributes:
        wrong: sentences about lines that do not count, each with its row.
        again: how many decisions were written into a table that was gone.

    Raises:
        ValueError: it cannot be read as a table, or a column is missing.
    """

    def __init__(self, path: Path, assignment: str, book: Book):
        self.path, self.assignment, self.again = path, assignment, 0
        self.wrong: list[str] = []
        self.there: set[tuple] = set()  # the students and tasks that have a line, whatever stands in it
        self.parts = named(assignment)
        if not path.is_symlink() and not (path.exists() and (path.is_dir() or path.stat().st_size)):
            self._begin(book)
        lines = self._read()
        head = lines[0] if lines else []
        self.heads = [name.strip().casefold() for name in head]
        if missing := [head for head in NEEDED if head not in self.heads]:
            raise ValueError(
                f"{path} has no column {' and none '.join(map(repr, missing))}: its columns are "
                f"{', '.join(head[:12])}. Give them back their names; nothing in it was changed."
            )
        if twice := [head for head in HEADS if self.heads.count(head) > 1]:
            raise ValueError(f"{path} has two columns {twice[0]!r}: take one out; nothing in it was changed.")
        first = self.saved.first
        self.lines = [(i, dict(zip(self.heads, line, strict=False))) for i, line in enumerate(lines[1:], first)]

    def _begin(self, book):
        text = io.StringIO()
        write(text, [HEADS])
        for (student, number, task), (points, comment, by) in book.decided().items():
            most = ASSIGNMENTS[self.assignment].points if task == TOTAL else self.parts[task].points
            cells = [student, number, task, "" if points is None else f"{points:g}", f"{most:g}", comment, by]
            write(text, [cells])
            self.again += 1
        put(self.path, text.getvalue().encode("utf-8-sig", "replace"))  # the mark tells Excel that it is UTF-8

    def _read(self) -> list[list[str]]:
        self.saved = saved(self.path)
        self.end = "\r\n" if "\r\n" in self.saved.text else "\n"
        text = io.StringIO(self.saved.text, newline="")
        try:
            return list(csv.reader(text, delimiter=self.saved.delimiter))[self.saved.above :]
        except csv.Error as error:
            raise ValueError(f"{self.path} cannot be read as a table ({error}).") from None

    # ---- What is decided ---------------------------------------------------------------------------------------------

    def join(self, rows: Sequence[Row]) -> None:
        """Give every row what was decided about it; a group's line is that of who handed in."""
        people = _People(rows)
        found: dict[tuple, list[Decision]] = {}
        for number, line in self.lines:
            cells = {head: plain(line.get(head, "")) for head in HEADS}
            if not any(cells.values()):
                continue
            try:
                row, task = people.one(cells["student"], cells["number"]), self._task(cells["task"], cells["points"])
                self.there.add((id(row), task))
                points = self._points(cells["points"], task)
            except ValueError as sentence:
                if cells["points"] or cells["comment"]:
                    self.wrong.append(f"{self.path.name}, row {number}: {sentence}")
                continue
            if points is not None or cells["comment"]:
                decision = Decision(number, points, cells["comment"], cells["by"] or _who())
                found.setdefault((id(row), task), []).append(decision)
        for row in rows:
            for task in (*self.parts, TOTAL):
                own = found.get((id(row), task), [])
                if len({(each.points, each.comment) for each in own}) > 1:
                    where = " and ".join(str(each.row) for each in own)
                    self.wrong.append(
                        f"{self.path.name}, rows {where}: they decide differently about {task} of {row.student}; leave "
                        "one of them. None counts."
                    )
                elif own:
                    row.decided[task] = own[0]
        for row in rows:
            if row.through is not None:
                row.decided = row.through.decided | row.decided

    def _task(self, name, points):
        if not name and not points:
            return TOTAL  # a comment on all of it
        known = {task.casefold(): task for task in (*self.parts, TOTAL)}
        if name.casefold() not in known:
            raise ValueError(f"{self.assignment} has no task {name[:40]!r}, but {', '.join(known)}.")
        return known[name.casefold()]

    def _points(self, text, task):
        if not text:
            return None
        most = ASSIGNMENTS[self.assignment].points if task == TOTAL else self.parts[task].points
        if not POINTS.fullmatch(text) or float(text.replace(",", ".")) > most:
            raise ValueError(f"{text[:40]!r} is no number of points from 0 to {most:g}, which {task} gives.")
        return float(text.replace(",", "."))

    # ---- The table, and what the book keeps of it --------------------------------------------------------------------

    def add(self, rows: Sequence[Row]) -> int:
        """Add a line for every answer that a person has to read, where there is none; how many were added."""
        written = [name for name, part in self.parts.items() if isinstance(part, Written)]
        new = [
            [row.student, row.number, name, "", f"{self.parts[name].points:g}", "", ""]
            for row in sorted(rows, key=lambda row: (row.student, row.number))
            if row.record and row.through is None
            for name in written
            if (id(row), name) not in self.there
        ]
        if not new:
            return 0
        made = io.StringIO()
        for line in new:
            held = dict(zip(HEADS, line, strict=True))
            write(made, [[held.get(head, "") for head in self.heads]], self.saved.delimiter, self.end)
        before = self.saved.text
        between = "" if before.endswith(("\n", "\r")) else self.end
        text = before + between + made.getvalue()
        put(self.path, self.saved.mark + text.encode(self.saved.coding, "replace"))
        return len(new)

    def log(self, rows: Iterable[Row], book: Book) -> None:
        """Have the book keep what has changed since the last run, as of when the table was saved."""
        now = {
            (_written(row.student), row.number, task): (made.points, made.comment, made.by)
            for row in rows
            if row.through is None or row.decided != row.through.decided
            for task, made in row.decided.items()
        }
        saved = datetime.fromtimestamp(self.path.stat().st_mtime).astimezone()
        book.decide(now, saved.isoformat(" ", "minutes"), gone=not self.wrong)


class _People:
    """Whom a line may mean."""

    def __init__(self, rows):
        self.rows = rows
        self.by_both = {(row.student, row.number): row for row in rows}
        self.by_number: dict[str, list] = {}
        self.by_name: dict[str, list] = {}
        for row in rows:
            self.by_number.setdefault(row.number, []).append(row)
            for spelling in dict.fromkeys(spellings(row.student)):
                self.by_name.setdefault(spelling, []).append(row)

    def one(self, student, number) -> Row:
        number = whole(number)
        for each in (student, whole(student)):
            if (each, number) in self.by_both:
                return self.by_both[each, number]
        names = [*spellings(student), *spellings(whole(student))] if student else []
        found = next((self.by_name[each] for each in names if each in self.by_name), [])
        if not found and number and not student:
            found = self.by_number.get(number, [])
        if number and len(found) > 1:
            found = [row for row in found if row.number == number]
        if len(found) == 1 and number in ("", found[0].number):
            return found[0]
        who = " ".join(filter(None, (student, number))) or "nobody"
        raise ValueError(
            f"{len(found)} students are called {who}: give the number, too."
            if len(found) > 1
            else f"no submission is from {who[:60]!r}; names and numbers are as in grades.csv."
        )


def _written(name):
    """A name as the table has it: one from a folder in no known coding holds what no file can."""
    return name.encode("utf-8", "replace").decode()


def _who():
    """Who runs this, where a line does not say who decided."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def told(row: Row) -> Iterator[str]:
    """For grades.csv: what was decided by hand."""
    machine = {part["exercise"]: part["points"] for part in row.parts}
    for task, made in row.decided.items():
        if made.points is not None and (task in machine or task == TOTAL):
            was = f", was {machine[task]:g}" if task in machine else ""
            yield f"By hand: {task} {made.points:g}{was}{f' ({made.by})' * bool(made.by)}."
