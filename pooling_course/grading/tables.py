"""Marks as a table: a student's line in the results, grades.csv, and files.csv beside it."""

import csv
import hmac
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

from .assignments import ASSIGNMENTS, named
from .submissions import Entry, Rule, Submission

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet compute a cell instead of showing it
TOTAL = "total"  # among what is decided: all points of a student, which nothing takes away from
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
        decided: what a person decided, by task (see `decisions.Decision`).
        through: the row of who handed in, where that was another of a group.
        group: all names of those for whom it was handed in.
    """

    submission: Submission
    attempts: int
    days_late: int
    share: float
    record: dict | None = None
    notes: list[str] = field(default_factory=list)
    says: str = ""
    key: str = ""
    decided: dict = field(default_factory=dict)
    through: "Row | None" = None
    group: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, submission: Submission, attempts: int, rule: Rule) -> "Row":
        share = rule.share(submission)
        due = rule.extended(submission)
        notes = [*submission.notes, *([f"Due {due.isoformat(' ', 'minutes')}."] if due else [])]
        return cls(submission, attempts, rule.days_late(submission), share, notes=notes)

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
    def number(self) -> str:
        return self.submission.number

    @property
    def parts(self) -> Sequence[dict]:
        return self.record["parts"] if self.record else ()

    @property
    def marks(self) -> dict[str, float]:
        """Points by task: what a person decided, else the machine's. What nobody has read yet is not in there."""
        machine = {part["exercise"]: part["points"] for part in self.parts}
        return machine | {
            task: made.points for task, made in self.decided.items() if made.points is not None and task != TOTAL
        }

    @property
    def points(self) -> float:
        total = self.decided.get(TOTAL)
        if total and total.points is not None:
            return total.points
        return round(self.share * sum(self.marks.values()), 2)

    def unread(self, assignment: str) -> list[str]:
        """The tasks whose points a person has still to give."""
        total = self.decided.get(TOTAL)
        return (
            [] if total and total.points is not None else [name for name in named(assignment) if name not in self.marks]
        )


def grades(assignment: str, rows: list[Row]) -> bytes:
    """One line for each student, in the order of their names."""
    names = list(named(assignment))
    full = ASSIGNMENTS[assignment].points
    heads = ["student", "number", "points", "out_of", *names, "attempts", "days_late", "notebook", "notes"]

    def lines():
        yield heads
        for row in sorted(rows, key=lambda row: (row.student, row.number)):
            marks = [f"{row.marks[name]:g}" if name in row.marks else "" for name in names]
            points = f"{row.points:g}" if row.record else ""
            facts = [row.attempts, row.days_late, row.submission.path, " ".join(row.notes)]
            yield [row.student, row.number, points, f"{full:g}", *marks, *facts]

    return _written(lines())


def anonymous(assignment: str, rows: Iterable[Row], salt: bytes) -> bytes:
    """The marks without names: what each line is called is the same at every run, and only who has the salt can tell
    whose it is. No note, path or comment is in it."""
    names = list(named(assignment))
    full = ASSIGNMENTS[assignment].points
    lines = []
    for row in rows:
        parts = {part["exercise"]: part for part in row.parts}
        who = hmac.digest(salt, f"{row.student}/{row.number}".encode("utf-8", "surrogatepass"), "sha256").hex()[:12]
        line = [who, f"{row.points:g}", f"{full:g}"]
        for name in names:
            part = parts.get(name, {})
            line += [
                f"{row.marks[name]:g}" if name in row.marks else "",
                part.get("state", ""),
                part.get("mistake") or "",
            ]
        lines.append([*line, row.attempts, row.days_late])
    heads = [head for name in names for head in (name, f"{name} state", f"{name} mistake")]
    return _written(chain([["who", "points", "out_of", *heads, "attempts", "days_late"]], sorted(lines)))


def files(entries: list[Entry]) -> bytes:
    """One line for each file and folder that lies among the submissions: what became of it."""
    lines = ([entry.path, entry.fate, entry.why, entry.student] for entry in entries)
    return _written(chain([["file", "is", "why", "student"]], lines))


def _written(lines: Iterable[list]) -> bytes:
    data = io.BytesIO()
    with io.TextIOWrapper(data, "utf-8", "replace", newline="") as text:
        csv.writer(text, lineterminator="\n").writerows(map(harmless, line) for line in lines)
        text.flush()
        return data.getvalue()


def harmless(cell: object) -> object:
    """Text that a spreadsheet shows: students choose names of files, and could choose a formula."""
    return f"'{cell}" if str(cell).startswith(FORMULA) else cell
