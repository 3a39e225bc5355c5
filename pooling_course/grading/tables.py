"""Marks as a table: a student's line in the results, and grades.csv."""

import csv
import io
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
