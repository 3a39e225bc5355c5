"""Marks as a table: a student's line in the results, grades.csv, and files.csv beside it."""

import csv
import hmac
import io
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

from .assignments import ASSIGNMENTS, named
from .submissions import Entry, Rule, Submission

MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
UNMARKED = ("utf-8", "cp1252", "latin-1")  # the second is what Excel calls just CSV; the last takes any byte
DELIMITERS = ",;\t"
SEPARATED = re.compile(r"\s*\"?sep=([,;|\t])\"?\s*", re.IGNORECASE)  # Excel's first line, which names the delimiter
COMPUTED = r"(?=[\"\s]*[=+\-@＝＋－＠])"  # what makes a spreadsheet compute a cell instead of showing it
# Which delimiter a spreadsheet takes is its country's, so text behind any of them may become a cell.
FORMULA = re.compile(rf"(?:^|(?<=[,;|\t\r\n])){COMPUTED}|^(?=[\t\r\n])")
SHOWN = re.compile(rf"(?:^|(?<=[,;|\t\r\n]))'{COMPUTED}|^'(?=[\t\r\n])")
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")  # by a screen, and not shown
WHOLE = re.compile(r"(\d+)[.,]0{1,2}")  # what a spreadsheet may make of a number
TOTAL = "total"  # among what is decided: all points of a student, which nothing takes away from
KEPT = ("exercise", "points", "full", "state", "mistake")  # of a part


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
        notes = [*submission.notes, *([f"Due {f'{due:%Y-%m-%d %H:%M %Z}'.rstrip()}."] if due else [])]
        return cls(submission, attempts, rule.days_late(submission), share, notes=notes)

    def take(self, record: dict | None) -> None:
        """Keep of a record what tables and the report are made of, and of one that is in no book all."""
        self.notes += (record or {}).get("notes", [])
        if record and self.key:
            parts, shapes = record["parts"], [part.get("shape") for part in record["parts"]]
            record = {"parts": tuple(_alike(*map(part.get, KEPT)) for part in parts)}
            record["shapes"] = tuple(shape and sys.intern(shape) for shape in shapes)
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
    def shapes(self) -> dict[str, str]:
        """How answers are built, by task (see `text.shape`)."""
        kept = (self.record or {}).get("shapes") or [part.get("shape") for part in self.parts]
        return {part["exercise"]: shape for part, shape in zip(self.parts, kept, strict=True) if shape}

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
        write(text, lines)
        text.flush()
        return data.getvalue()


def write(text: TextIO, lines: Iterable[Iterable], delimiter: str = ",", end: str = "\n") -> None:
    """Write lines of a table in which nothing is computed. A name can hold what ends a line on some systems, which
    Python's own writer leaves without quotes."""
    for line in lines:
        cells = [*map(harmless, line)]
        split = any("\r" in str(cell) for cell in cells)
        quoting: Literal[0, 1] = csv.QUOTE_ALL if split else csv.QUOTE_MINIMAL
        csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerow(cells)


def harmless(cell: object) -> object:
    """Text that a spreadsheet shows: students choose names of files, and could choose a formula.

    >>> harmless("=1+1"), harmless("a;=1+1"), harmless("a-b"), harmless(3)
    ("'=1+1", "a;'=1+1", 'a-b', 3)
    """
    return FORMULA.sub("'", cell) if isinstance(cell, str) else cell


def plain(cell: str) -> str:
    """A cell without what keeps a spreadsheet from computing it.

    >>> plain("'=1+1"), plain("a;'=1+1 "), plain("'a")
    ('=1+1', 'a;=1+1', "'a")
    """
    return SHOWN.sub("", cell.strip()).strip()


def visible(text: str) -> str:
    """Text of which a screen shows all: students choose names, which could clear it, or be read backwards.

    >>> print(visible("Ada\\x1b[2J"), visible("\\u202eadA"), visible("Jörg"))
    Ada\\x1b[2J \\u202eadA Jörg
    """
    return OBEYED.sub(lambda found: repr(found[0])[1:-1], text)


def whole(cell: str) -> str:
    """A cell as it was where a spreadsheet took it for a number and gave it decimals.

    >>> whole("1234.0"), whole("1,00"), whole("1,000"), whole("ada")
    ('1234', '1', '1,000', 'ada')
    """
    return WHOLE.sub(r"\1", cell.strip()) if WHOLE.fullmatch(cell.strip()) else cell.strip()


# ---- Tables that others saved ----------------------------------------------------------------------------------------


class Saved(NamedTuple):
    """The text of a table, as a platform or a spreadsheet saved it.

    Attributes:
        text: without the mark; `mark + text.encode(coding)` is the file.
        mark: says at the beginning of the file how it is coded, or b"".
        coding: as Python calls it.
        delimiter: between its cells.
        above: how many lines stand above the headings: empty ones, and Excel's `sep=;`.
    """

    text: str
    mark: bytes
    coding: str
    delimiter: str
    above: int

    @property
    def first(self) -> int:
        """The number of the row below the headings, as a spreadsheet counts."""
        return self.above + 2


def saved(path: Path) -> Saved:
    """Read a table in UTF-8, UTF-16 or the coding of Windows.

    Raises:
        ValueError: it cannot be read, or is no text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from None
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    for coding in [MARKS[mark]] if mark else UNMARKED:
        try:
            text = data[len(mark) :].decode(coding)
            break
        except UnicodeError:
            continue
    else:
        text = "\0"
    if "\0" in text:  # a workbook, or UTF-16 that does not say so
        raise ValueError(f"{path} is no table in text: save it in your spreadsheet as CSV, in UTF-8.")
    above, delimiter, head = 0, "", ""
    for head in re.split(r"\r\n|\r|\n", text):
        named = SEPARATED.fullmatch(head)
        if head.strip() and not named:
            break
        above += 1
        delimiter = named[1] if named else delimiter
    bare = re.sub(r'"(?:[^"]|"")*"', "", head)  # a delimiter in quotes is none
    return Saved(text, mark, coding, delimiter or max(DELIMITERS, key=bare.count), above)
