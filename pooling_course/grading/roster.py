"""The gradebook that Canvas or Moodle exported, filled in: the marks change, and not a byte beside them."""

import re
from codecs import BOM_UTF8
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from .mark import tasks
from .submissions import Submission, spellings
from .tables import Row

# Headings as the platforms write them, Moodle in English and in German; in other languages, see `Roster`.
NUMBER = ("id", "identifier")
NAMES = ("student", "sis user id", "sis login id", "integration id", "full name", "id number", "email address")
NAMES += ("username", "vollständiger name", "id-nummer", "matrikelnummer", "e-mail-adresse", "anmeldename")
FIRST, LAST = ("first name", "firstname", "vorname"), ("last name", "lastname", "surname", "nachname")
MARK = ("grade", "bewertung")
MOST = ("maximum grade", "bestwertung")  # a column of Moodle's; of Canvas a line, which begins so:
POINTS_POSSIBLE = "points possible"
TEST_STUDENT = "Student, Test"  # Canvas's own, which hands in nothing
SETTLED = ("EX", "N/A")  # what Canvas writes for those who are excused, or to whom the assignment was not given


class Cell(NamedTuple):
    """A cell of a table, and where it stands in the file's text."""

    text: str
    start: int
    end: int


def cells(text: str, delimiter: str) -> list[list[Cell]]:
    """The lines of a table in CSV.

    >>> [[cell.text for cell in line] for line in cells('"a;""b"" c";d\\r\\n1;2', ";")]
    [['a;"b" c', 'd'], ['1', '2']]
    """
    field = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^{delimiter}\r\n]*))({delimiter}|\r\n|\r|\n|\Z)')
    lines, line, at = [], [], 0
    while at < len(text) or line:
        found = field.match(text, at)  # an open quote is text like any other
        quoted, plain, end = found.groups()
        line.append(Cell(plain if quoted is None else quoted.replace('""', '"'), at, found.start(3)))
        at = found.end()
        if end != delimiter:
            lines.append(line)
            line = []
    return lines


class Roster:
    """A gradebook as Canvas or Moodle exports it.

    A line is a student's where its number is the one in the names of the platform's files, or else where a name or
    login is the submission's, but for case, accents, commas and which part comes first.

    Args:
        path: the export.
        assignment: its name.
        column: the heading of the column for the marks; None for the one that is called like the assignment (Canvas
            writes `ps1 (4711)`, Moodle's gradebook `Assignment: ps1 (Real)`), or else Moodle's `Grade`. With a column
            given, a table whose other headings are in an unknown language is read as Moodle lays out its worksheet:
            identifier, full name.

    Raises:
        ValueError: it is no such table.
    """

    def __init__(self, path: Path, assignment: str, column: str | None = None):
        self.assignment = assignment
        try:
            data = path.read_bytes()
            self.text, self.coding = data.decode("utf-8-sig"), "utf-8-sig" if data.startswith(BOM_UTF8) else "utf-8"
            first = self.text.partition("\n")[0]
            self.delimiter = max(",;\t", key=first.count)
            lines = cells(self.text, self.delimiter)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} cannot be read as a table in UTF-8: {error}.") from None
        self.head = [cell.text for cell in lines[0]] if lines else []
        self.lines = [line for line in lines[1:] if len(line) == len(self.head)]
        self._columns(column)
        if self.column is None or not self.names:
            raise ValueError(
                f"{path} is no gradebook of Canvas or Moodle with a column for {column or assignment!r}: its columns "
                f"are {', '.join(self.head[:12])}. Say which takes the marks, with --column."
            )
        self.students = [line for line in self.lines if any(name.strip() for name in self._names(line))]
        self.by_number, self.by_name = defaultdict(list), defaultdict(list)
        for line in self.students:
            for number in self._numbers(line):
                self.by_number[number].append(line)
            for spelling in {spelling for name in self._names(line) for spelling in spellings(name)}:
                self.by_name[spelling].append(line)

    def _columns(self, column):
        heads = [name.strip().casefold() for name in self.head]
        bare = [re.sub(r" \([^()]*\)$", "", name) for name in heads]
        called = [(name, short, short.partition(": ")[2]) for name, short in zip(heads, bare, strict=True)]
        wanted = (column or self.assignment).strip().casefold()
        marks = [i for i, ways in enumerate(called) if wanted in ways]
        marks += [] if column else [i for i, name in enumerate(heads) if name in MARK]
        self.column = marks[0] if marks else None
        self.number = [i for i, name in enumerate(heads) if name in NUMBER]
        self.names = [(i,) for i, name in enumerate(heads) if name in NAMES]
        first, last = ([i for i, name in enumerate(heads) if name in part] for part in (FIRST, LAST))
        self.names += [(first[0], last[0])] if first and last else []
        self.most = next((i for i, name in enumerate(heads) if name in MOST), None)
        if column and not self.names:
            self.number, self.names = [0], [(1,)] if len(heads) > 1 else []

    def names_of(self, submission: Submission) -> list[str]:
        """What else this student is called."""
        line = self._line_of(submission)
        return [] if line is None else [*self._names(line), *self._numbers(line)]

    def fill(self, path: Path, rows: list[Row]) -> list[str]:
        """Write a copy with the marks in; sentences about who is missing on either side."""
        filled, missing, settled, changes = [], [], [], []
        comma = self._writes_commas()
        for row in rows:
            line = self._line_of(row.submission)
            if line is None or any(line is other for other in filled):
                missing.append(" ".join(filter(None, (row.student, row.submission.number))))
                continue
            filled.append(line)
            mark = f"{row.points:g}".replace(".", "," if comma else ".")
            if line[self.column].text.strip() in SETTLED:
                settled.append(row.student)
            else:
                changes.append((line[self.column], f'"{mark}"' if self.delimiter in mark else mark))
        text = self.text
        for cell, mark in sorted(changes, reverse=True, key=lambda change: change[0].start):
            text = text[: cell.start] + mark + text[cell.end :]
        path.write_bytes(text.encode(self.coding))
        empty = [line for line in self.students if not any(line is other for other in filled)]
        empty = [self._label(line) for line in empty if TEST_STUDENT not in self._names(line)]
        yield f"{len(changes)} marks are filled into {path}, column {self.head[self.column]!r}."
        if missing:
            yield f"Not in that table, or twice: {', '.join(missing)}."
        if empty:
            yield f"In the table without a submission: {', '.join(empty)}."
        if settled:
            yield f"Left as they are, since the table says {' or '.join(SETTLED)}: {', '.join(settled)}."
        most, full = self._most(), sum(task.points for task in tasks(self.assignment))
        if most not in (None, full):
            yield f"In that table the column counts to {most:g}; the marks filled in count to {full:g}."

    def _names(self, line):
        named = [" ".join(line[i].text for i in where) for where in self.names]
        return [] if any(POINTS_POSSIBLE in name.casefold() for name in named) else [n for n in named if n.strip()]

    def _numbers(self, line):
        found = (re.search(r"\d+$", line[i].text) for i in self.number)
        return [match[0] for match in found if match]

    def _label(self, line):
        parts = [self._names(line)[0], *(line[i].text for i in self.number)]
        return " ".join(dict.fromkeys(parts))

    def _line_of(self, submission):
        found = self.by_number.get(submission.number) if submission.number else None
        for spelling in () if found else spellings(submission.student):
            found = found or self.by_name.get(spelling)
        return found[0] if found and len(found) == 1 else None

    def _writes_commas(self):
        """Whether numbers have a decimal comma in this table."""
        text = [cell.text for line in self.lines for cell in line]
        return any(re.fullmatch(r"\d+,\d+", cell) for cell in text) and not any(
            re.fullmatch(r"\d+\.\d+", cell) for cell in text
        )

    def _most(self):
        """The points that the platform gives at most, or None where the table does not say."""
        possible = [line[self.column] for line in self.lines if POINTS_POSSIBLE in line[0].text.casefold()]
        possible += [line[self.most] for line in self.students[:1] if self.most is not None]
        try:
            return float(possible[0].text.replace(",", ".")) if possible else None
        except ValueError:
            return None
