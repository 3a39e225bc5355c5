"""Marks as a table: a student's line in the results, grades.csv, and files.csv beside it."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

from .mark import tasks
from .submissions import Entry, Rule, Submission

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet compute a cell instead of showing it


KEPT = ("exercise", "points", "full", "state", "mistake", "shape")  # of a part


@lru_cache(maxsize=1024, typed=True)
def _alike(*values):
    """A part, once for all who have the same: of 10,000 students most are right."""
    return dict(zip(KEPT, values, strict=True))


@dataclass(slots=True)
class Row:
    """A student's line in the results.

    Attributes:
        submission: the attempt that counts; `attempts` says how many there are.
        days_late, share: by the rule; the share of the points that is left.
        record: the marks (see `mark.mark`), or what `take` kept of them; None where grading failed.
        notes: what the instructor should know.
        says: what the notebook says its author is called, "" where it does not.
        key: where the book has all of the record; "" where it is in no book.
    """

    submission: Submission
    attempts: int
    days_late: int
    share: float
    record: dict | None = None
    notes: list[str] = field(default_factory=list)
    says: str = ""
    key: str = ""

    @classmethod
    def of(cls, submission: Submission, attempts: int, rule: Rule) -> "Row":
        share = rule.share(submission)
        return cls(submission, attempts, rule.days_late(submission), share, notes=list(submission.notes))

    def take(self, record: dict | None) -> None:
        """Keep of a record what tables and the report are made of, and of one that is in no book all."""
        self.notes += (record or {}).get("notes", [])
        if record and self.key:
            record = {"parts": tuple(_alike(*map(part.get, KEPT)) for part in record["parts"])}
        self.record = record

    @property
    def student(self) -> str:
        return self.submission.student

    @property
    def parts(self) -> Sequence[dict]:
        return self.record["parts"] if self.record else ()

    @property
    def points(self) -> float:
        return round(self.share * sum(part["points"] for part in self.parts), 2)


def grades(assignment: str, rows: list[Row]) -> bytes:
    """One line for each student, in the order of their names."""
    names = [task.exercise for task in tasks(assignment)]
    full = sum(task.points for task in tasks(assignment))
    heads = ["student", "number", "points", "out_of", *names, "attempts", "days_late", "notebook", "notes"]

    def lines():
        yield heads
        for row in sorted(rows, key=lambda row: (row.student, row.submission.number)):
            marks = [f"{part['points']:g}" for part in row.parts] or [""] * len(names)
            points = f"{row.points:g}" if row.record else ""
            facts = [row.attempts, row.days_late, row.submission.path, " ".join(row.notes)]
            yield [row.student, row.submission.number, points, f"{full:g}", *marks, *facts]

    return _written(lines())


def files(entries: list[Entry]) -> bytes:
    """One line for each file and folder that lies among the submissions: what became of it."""
    lines = ([entry.path, entry.fate, entry.why, entry.student] for entry in entries)
    return _written(chain([["file", "is", "why", "student"]], lines))


def _written(lines: Iterable[list]) -> bytes:
    data = io.BytesIO()
    with io.TextIOWrapper(data, "utf-8", "replace", newline="") as text:
        csv.writer(text, lineterminator="\n").writerows(map(_harmless, line) for line in lines)
        text.flush()
        return data.getvalue()


def _harmless(cell):
    """Text that a spreadsheet shows: students choose names of files, and could choose a formula."""
    return f"'{cell}" if str(cell).startswith(FORMULA) else cell
