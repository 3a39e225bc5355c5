"""Marks as tables: grades.csv, and the gradebook that a platform exported, filled in."""

import csv
import io
import re
from codecs import BOM_UTF8
from dataclasses import dataclass, field
from pathlib import Path

from .mark import tasks
from .submissions import Rule, Submission

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet compute a cell instead of showing it


@dataclass
class Row:
    """A student's line in the results.

    Attributes:
        submission: the attempt that counts; `attempts` says how many there are.
        days_late, share: by the rule; the share of the points that is left.
        record: the marks (see `mark.mark`); None where grading failed.
        notes: what the instructor should know.
        says: what the notebook says its author is called, "" where it does not.
    """

    submission: Submission
    attempts: int
    days_late: int
    share: float
    record: dict | None = None
    notes: list[str] = field(default_factory=list)
    says: str = ""

    @classmethod
    def of(cls, submission: Submission, attempts: int, rule: Rule) -> "Row":
        return cls(submission, attempts, rule.days_late(submission), rule.share(submission))

    @property
    def student(self) -> str:
        return self.submission.student

    @property
    def parts(self) -> list[dict]:
        return self.record["parts"] if self.record else []

    @property
    def points(self) -> float:
        return round(self.share * sum(part["points"] for part in self.parts), 2)


def write_grades(path: Path, assignment: str, rows: list[Row]) -> None:
    """One line for each student, in the order of their names."""
    names = [task.exercise for task in tasks(assignment)]
    full = sum(task.points for task in tasks(assignment))
    head = ["student", "number", "points", "out_of", *names, "attempts", "days_late", "notebook", "notes"]
    lines = [head]
    for row in sorted(rows, key=lambda row: row.student):
        marks = [f"{part['points']:g}" for part in row.parts] or [""] * len(names)
        points = f"{row.points:g}" if row.record else ""
        facts = [row.attempts, row.days_late, row.submission.path, " ".join(row.notes)]
        lines.append([row.student, row.submission.number, points, f"{full:g}", *marks, *facts])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[_harmless(cell) for cell in line] for line in lines])
    path.write_text(text.getvalue(), encoding="utf-8", errors="replace")


def _harmless(cell):
    """Text that a spreadsheet shows: students choose names of files, and could choose a formula."""
    return f"'{cell}" if str(cell).startswith(FORMULA) else cell


# ---- The platform's own export ---------------------------------------------------------------------------------------


class Roster:
    """A gradebook as Canvas or Moodle exports it.

    A line is a student's where its number is the one in the names of the platform's files, or else where a name or
    login is the submission's, but for case, spaces and commas. The marks go into the column of the assignment.

    Args:
        path: the export.
        assignment: its name; the column is that of the same name (Canvas writes `ps1 (4711)`), or Moodle's `Grade`.

    Raises:
        ValueError: it is no such table.
    """

    NUMBERS = ("ID", "Identifier")  # Canvas; Moodle, which writes `Participant 4711`
    NAMES = ("Student", "SIS User ID", "SIS Login ID", "Full name", "ID number", "Email address", "Username")

    def __init__(self, path: Path, assignment: str):
        try:
            data = path.read_bytes()
            self.text, self.coding = data.decode("utf-8-sig"), "utf-8-sig" if data.startswith(BOM_UTF8) else "utf-8"
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} cannot be read as a table in UTF-8: {error}.") from None
        first = self.text.partition("\n")[0]
        self.delimiter = max(",;\t", key=first.count)
        self.lines = list(csv.reader(io.StringIO(self.text), delimiter=self.delimiter))
        self.head = self.lines[0] if self.lines else []
        columns = [i for i, name in enumerate(self.head) if re.sub(r" \(\d+\)$", "", name).strip() == assignment]
        self.column = (columns or [i for i, name in enumerate(self.head) if name in ("Grade", "Points")] or [None])[0]
        if self.column is None or not set(self.head) & {*self.NUMBERS, *self.NAMES}:
            raise ValueError(
                f"{path} is no gradebook of Canvas or Moodle with a column for {assignment!r}: "
                f"its columns are {', '.join(self.head[:12])}. Give the column the assignment's name."
            )

    def names_of(self, submission: Submission) -> list[str]:
        """What else this student is called."""
        line = self._line_of(submission)
        return [] if line is None else [*self._names(line), *self._numbers(line)]

    def fill(self, path: Path, rows: list[Row]) -> list[str]:
        """Write a copy with the marks in; sentences about who is missing on either side."""
        filled, missing = [], []
        for row in rows:
            line = self._line_of(row.submission)
            if line is None or any(line is other for other in filled):
                missing.append(row.student)
                continue
            line[self.column] = f"{row.points:g}"
            filled.append(line)
        empty = [line[0] for line in self._students() if not any(line is other for other in filled)]
        text = io.StringIO()
        csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n").writerows(self.lines)
        path.write_text(text.getvalue(), encoding=self.coding, newline="")
        yield f"{len(filled)} marks are filled into {path}, column {self.head[self.column]!r}."
        if missing:
            yield f"Not in that table, or twice: {', '.join(missing)}."
        if empty:
            yield f"In the table without a submission: {', '.join(empty)}."

    def _students(self):
        return [line for line in self.lines[1:] if len(line) == len(self.head) and any(self._names(line))]

    def _numbers(self, line):
        found = (re.search(r"\d+$", line[self.head.index(name)]) for name in self.NUMBERS if name in self.head)
        return [match[0] for match in found if match]

    def _names(self, line):
        cells = dict(zip(self.head, line, strict=True))
        named = [cells[name] for name in self.NAMES if cells.get(name)]
        if "First name" in cells:
            last = cells.get("Last name") or cells.get("Surname") or ""
            named.append(f"{cells['First name']} {last}")
        return [name for name in named if "points possible" not in name.lower()]

    def _line_of(self, submission):
        by_number = [line for line in self._students() if submission.number in self._numbers(line)]
        wanted = _plain(submission.student)
        by_name = [line for line in self._students() if wanted in map(_plain, self._names(line))]
        found = by_number if submission.number and by_number else by_name
        return found[0] if len(found) == 1 else None


def _plain(name):
    """A name as Canvas writes it into files: `Doe, Ada` is doeada."""
    return re.sub(r"[\W_]", "", name).lower()
