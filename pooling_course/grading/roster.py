"""Tables that a platform exports: who is in the class, when they handed in, and the gradebook that is filled in.

Nothing is guessed: a table has exactly one column that can be meant, or the instructor is asked to name it. In a
gradebook the marks change, and not a byte beside them.
"""

import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, tzinfo
from pathlib import Path
from typing import NamedTuple

from dateutil import parser

from .assignments import ASSIGNMENTS
from .submissions import Submission, same_name, spellings
from .tables import Row, saved, whole

# Headings as the platforms write them, Moodle in English and in German; in other languages, see `Gradebook`.
NUMBER = ("id", "identifier", "number")  # the last is that of grades.csv and decisions.csv
NAMES = ["student", "sis user id", "sis login id", "integration id", "full name", "id number", "email address"]
NAMES += ["username", "vollständiger name", "id-nummer", "matrikelnummer", "e-mail-adresse", "anmeldename"]
NAMES += ["name", "login", "login id", "email", "e-mail", "github_username"]  # of lists of other origins
FIRST, LAST = ("first name", "firstname", "vorname"), ("last name", "lastname", "surname", "nachname")
MARK = ("grade", "bewertung")
MOST = ("maximum grade", "bestwertung")  # a column of Moodle's; of Canvas a line, which begins so:
POINTS_POSSIBLE = "points possible"
READ_ONLY = "(read only)"  # what Canvas writes into that line for columns that it works out itself
MAY_CHANGE = ("grade can be changed", "bewertung kann geändert werden")
LOCKED = ("no", "nein")
TEST_STUDENT = "Student, Test"  # Canvas's own, which hands in nothing
SETTLED = ("EX", "N/A")  # what Canvas writes for who is excused, and for whom the assignment is not meant
# What Moodle's gradebook writes behind a column's name where it does not hold points; `(Real)`, `(Punkte)` do.
NO_POINTS = ["percentage", "letter", "feedback", "range", "weight", "prozentsatz"]
NO_POINTS += ["prozentwert", "prozent", "notenstufe", "buchstabe", "note", "rückmeldung", "wertebereich", "gewichtung"]
POINTS = re.compile(r"-|[-+]?\d[\d.,'’ \u00a0\u202f]*|[-+]?[.,]\d+")  # "-" is Moodle's for none
# "Participant 71", and what a spreadsheet makes of a number: 71.0. Of 7,1E+10, or of 1 234, nobody knows what it was.
ENDS_IN_NUMBER = re.compile(r"(?:.*[^\d.,'’\s])?\s*(?<![Ee][+-])(\d+)", re.DOTALL)
ROUNDED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
HANDED_IN = ["last modified (submission)", "zuletzt geändert (abgabe)", "submitted", "submitted at", "submission time"]
HANDED_IN += ["submission date", "date submitted", "timestamp", "time", "abgegeben", "abgabezeit", "abgabezeitpunkt"]


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
    apart = re.escape(delimiter)
    field = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^{apart}\r\n]*))({apart}|\r\n|\r|\n|\Z)')
    lines: list[list[Cell]] = []
    line: list[Cell] = []
    at = 0
    while at < len(text) or line:
        if found := field.match(text, at):  # always: an open quote is text like any other
            quoted, plain, end = found.groups()
            line.append(Cell(plain if quoted is None else quoted.replace('""', '"'), at, found.start(3)))
            at = found.end()
        if end != delimiter:
            lines.append(line)
            line = []
    return lines


class Roster:
    """A table with a line for each student.

    A line is a student's where its number is the one in the names of the platform's files, or else where a name or
    login is the submission's, but for case, accents, commas and which part comes first. A number counts for more than
    a name; and where two submissions have the same claim to a line, it is neither's.

    Args:
        path: the table; one of a single column needs no heading.

    Raises:
        ValueError: it is no such table.
    """

    def __init__(self, path: Path):
        self.path = path
        self.saved = saved(path)
        lines = cells(self.saved.text, self.saved.delimiter)[self.saved.above :]
        self.head = [cell.text for cell in lines[0]] if lines else []
        self.heads = [name.strip().casefold() for name in self.head]
        self.number = [i for i, name in enumerate(self.heads) if name in NUMBER]
        self.names: list[tuple[int, ...]] = [(i,) for i, name in enumerate(self.heads) if name in NAMES]
        first, last = ([i for i, name in enumerate(self.heads) if name in part] for part in (FIRST, LAST))
        self.names += [(first[0], last[0])] if first and last else []
        self.lines = lines[1:]
        if "github_username" in self.heads:  # GitHub Classroom's list, in which identifiers are the school's
            self.names += [(i,) for i in self.number]
        if not self.names and len(self.head) == 1:  # a list of names
            self.names, self.lines = [(0,)], lines
        self._columns()
        width = 1 + max([self.needed, *self.number, *(i for where in self.names for i in where)])
        below = enumerate(self.lines, self.saved.first)
        said = [(i, line) for i, line in below if any(cell.text.strip() for cell in line)]
        self.short = [i for i, line in said if len(line) < width]
        self.lines = [line for _, line in said if len(line) >= width]
        self.students = [line for line in self.lines if any(name.strip() for name in self._names(line))]
        self.by_number, self.by_name = defaultdict(list), defaultdict(list)
        for line in self.students:
            for number in self._numbers(line):
                self.by_number[number].append(line)
            for spelling in {spelling for name in self._names(line) for spelling in spellings(whole(name))}:
                self.by_name[spelling].append(line)

    needed = 0  # the column that a line must have to be of use

    def _columns(self):
        if not self.names:
            raise ValueError(
                f"{self.path} has no column with names of students: its columns are {', '.join(self.head[:12])}. "
                "Call one of them `student`."
            )

    def knows(self, name: str) -> bool:
        """Whether one student of the class, and only one, is called so."""
        return self._line(name, "") is not None

    def names_of(self, submission: Submission) -> list[str]:
        """What else this student is called."""
        line = self._line(submission.student, submission.number)
        return [] if line is None else [*self._names(line), *self._numbers(line)]

    def number_of(self, submission: Submission) -> str:
        """The number by which the platform knows this student, or ""."""
        line = self._line(submission.student, submission.number)
        return next(iter(self._numbers(line)), "") if line is not None else ""

    def lines_of(self, submissions: Iterable[Submission]) -> list[list[Cell] | None]:
        """The line of each submission; None where it has none, or where another has as good a claim to it."""
        submissions = list(submissions)
        found = [self._line(each.student, each.number) for each in submissions]
        strong = [
            bool(line and each.number in self._numbers(line)) for each, line in zip(submissions, found, strict=True)
        ]
        claims: dict[int, list[bool]] = defaultdict(list)
        for line, by_number in zip(found, strong, strict=True):
            claims[id(line)].append(by_number)
        best = {at: max(those) for at, those in claims.items() if those.count(max(those)) == 1}
        return [
            line if best.get(id(line)) is by_number else None for line, by_number in zip(found, strong, strict=True)
        ]

    def doubts(self, submissions: Iterable[Submission]) -> Iterator[str]:
        """Sentences about who is not in the table, or not for certain, and who in it has handed in nothing."""
        submissions = list(submissions)
        lines = self.lines_of(submissions)
        pairs = list(zip(submissions, lines, strict=True))
        missing = [_label(each) for each, line in pairs if line is None]
        by_number = [
            f"{_label(each)} (there {self._names(line)[0]!r})"
            for each, line in pairs
            if line is not None and self._names(line) and not any(same_name(each.student, n) for n in self._names(line))
        ]
        held = {id(line) for line in lines}
        empty = [self._label(line) for line in self.students if id(line) not in held]
        if missing:
            yield f"Not in {self.path.name}, or twice, so nobody's for certain: {', '.join(missing)}."
        if by_number:
            yield f"In {self.path.name} by number, under another name: {', '.join(by_number)}."
        if empty and len(empty) < len(self.students):
            yield f"In {self.path.name} without a submission: {', '.join(empty)}."
        elif empty:
            yield f"Nobody in {self.path.name} has handed in any of these: is it another class's?"
        known = {*self.number, *(i for where in self.names for i in where)}
        texts = [line[i].text.strip() for line in self.students for i in sorted(known)]
        if rounded := [text for text in texts if ROUNDED.fullmatch(text)]:
            yield (
                f"A spreadsheet has rounded {rounded[0]} in {self.path.name}, so whose number that was is not known: "
                "export the table again, and do not save it in between."
            )
        if self.short:
            yield f"Lines of {self.path.name} that are too short to be read: {', '.join(map(str, self.short))}."

    def _names(self, line):
        named = [" ".join(line[i].text for i in where if i < len(line)) for where in self.names]
        no_student = TEST_STUDENT in named or any(POINTS_POSSIBLE in name.casefold() for name in named)
        return [] if no_student else [name for name in named if name.strip()]

    def _numbers(self, line):
        found = (ENDS_IN_NUMBER.fullmatch(whole(line[i].text)) for i in self.number)
        return [match[1] for match in found if match]

    def _label(self, line):
        parts = [self._names(line)[0], *(line[i].text for i in self.number)]
        return " ".join(dict.fromkeys(parts))

    def _line(self, name, number):
        found = self.by_number.get(number) if number else None
        for spelling in () if found else spellings(name):
            found = found or self.by_name.get(spelling)
        return found[0] if found and len(found) == 1 else None


def _label(submission):
    return " ".join(filter(None, (submission.student, submission.number)))


class Gradebook(Roster):
    """A gradebook as Canvas or Moodle exports it.

    Args:
        path: the export.
        assignment: its name.
        column: the heading of the column for the marks, or its number from 1 on; None for the one that is called like
            the assignment (Canvas writes `ps1 (4711)`, Moodle's gradebook `Assignment: ps1 (Real)`), or else Moodle's
            `Grade`. With a column given, a table whose other headings are in an unknown language is read as Moodle
            lays out its worksheet: identifier, full name.

    Raises:
        ValueError: it is no such table, or not exactly one column can be meant.
    """

    def __init__(self, path: Path, assignment: str, column: str | None = None):
        self.assignment, self.asked = assignment, column
        super().__init__(path)

    def _columns(self):
        if self.asked and not self.names and len(self.heads) > 1:
            self.number, self.names = [0], [(1,)]
        named = self._named()
        if not named or not self.names:
            raise ValueError(
                f"{self.path} is no gradebook of Canvas or Moodle with a column for {self.asked or self.assignment!r}: "
                f"its columns are {', '.join(self.head[:12])}. Say which takes the marks, with --column."
            )
        counting = {i: self._counts_no_points(i) for i in named}
        left = [i for i, why in counting.items() if not why]
        if len(left) != 1:
            listed = "; ".join(f"{i + 1}: {self.head[i]!r}{counting[i]}" for i in named)
            raise ValueError(
                f"{self.path} has {'no column' if not left else f'{len(left)} columns'} that could take the points of "
                f"{self.asked or self.assignment!r} ({listed}). Say which does, with --column and its number."
            )
        self.column = self.needed = left[0]
        self.most = next((i for i, name in enumerate(self.heads) if name in MOST), None)
        self.may_change = next((i for i, name in enumerate(self.heads) if name in MAY_CHANGE), None)
        self.comma = self._writes_commas()

    def _named(self):
        """The columns that are called so: by the whole heading, else by what stands before the brackets."""
        if self.asked and self.asked.strip().isdecimal() and self.asked.strip() not in self.heads:
            at = int(self.asked.strip()[:9]) - 1
            return [at] if 0 <= at < len(self.heads) else []
        wanted = (self.asked or self.assignment).strip().casefold()
        if whole := [i for i, name in enumerate(self.heads) if name == wanted]:
            return whole
        bare = [re.sub(r" \([^()]*\)$", "", name) for name in self.heads]
        found = [i for i, name in enumerate(bare) if wanted in (name, self.heads[i], name.partition(": ")[2])]
        return found or ([] if self.asked else [i for i, name in enumerate(self.heads) if name in MARK])

    def _counts_no_points(self, column):
        """Why a column takes no points, or ""."""
        if (found := re.search(r"\(([^()]*)\)$", self.heads[column])) and found[1] in NO_POINTS:
            return f", which holds no points but is called {found[1]}"
        lines = [line for line in self.lines if len(line) > column]
        if any(READ_ONLY in line[column].text for line in lines):
            return ", which the platform works out itself"
        held = [line[column].text.strip() for line in lines if self._names(line)]
        odd = [text for text in held if text and text not in SETTLED and not POINTS.fullmatch(text)]
        few = self.asked and 2 * len(odd) < len(held) and not any("%" in text for text in odd)
        return f", which holds {odd[0][:20]!r}" if odd and not few else ""

    def fill(self, rows: list[Row]) -> tuple[bytes, list[str]]:
        """A copy with the marks in, and sentences about it."""
        kept, locked, missing, changes = [], [], [], []
        lines = self.lines_of(row.submission for row in rows)
        for row, line in zip(rows, lines, strict=True):
            if line is None:
                missing.append(_label(row.submission))
                continue
            mark = f"{row.points:g}".replace(".", "," if self.comma else ".")
            text = line[self.column].text.strip()
            if text and not POINTS.fullmatch(text):  # EX and N/A, and what a person wrote
                kept.append(f"{row.student} ({text[:20]})")
            elif self.may_change is not None and line[self.may_change].text.strip().casefold() in LOCKED:
                locked.append(row.student)
            else:
                changes.append((line[self.column], f'"{mark}"' if self.saved.delimiter in mark else mark))
        parts, at = [], 0
        for cell, mark in sorted(changes, key=lambda change: change[0].start):
            parts += [self.saved.text[at : cell.start], mark]
            at = cell.end
        said = [f"{len(changes)} marks are filled in, column {self.head[self.column]!r}."]
        if missing:
            said.append(f"Not in that table, or twice: {', '.join(missing)}.")
        if kept:
            said.append(f"Left as they are, for what stands there is no mark: {', '.join(kept)}.")
        if locked:
            said.append(f"Left as they are, since the table says that they cannot be changed: {', '.join(locked)}.")
        most, full = self._most(), ASSIGNMENTS[self.assignment].points
        if most not in (None, full):
            said.append(f"In that table the column counts to {most:g}; the marks filled in count to {full:g}.")
        text = "".join([*parts, self.saved.text[at:]])
        return self.saved.mark + text.encode(self.saved.coding), said

    def _writes_commas(self):
        """Whether points have a decimal comma: as in the column itself, else in that of the maximum, else anywhere. A
        comma before three digits says nothing, since it may part thousands."""
        commas, points = self._signs([self.column])
        if commas and points:
            raise ValueError(
                f"{self.path} writes {commas[0]} and {points[0]} in the column {self.head[self.column]!r}: which sign "
                "is the decimal one? Write all of them in one way."
            )
        if not commas and not points and self.most is not None:
            commas, points = self._signs([self.most])
        if not commas and not points:
            commas, points = self._signs(range(len(self.head)))
        return bool(commas) and not points

    def _signs(self, columns):
        text = [line[i].text.strip() for line in self.lines for i in columns if i < len(line)]
        commas = [each for each in text if re.fullmatch(r"\d+,(\d{1,2}|\d{4,})|0,\d+", each)]
        return commas, [each for each in text if re.fullmatch(r"\d+\.\d+", each)]

    def _most(self):
        """The points that the platform gives at most, or None where the table does not say."""
        possible = [line[self.column] for line in self.lines if POINTS_POSSIBLE in line[0].text.casefold()]
        possible += [line[self.most] for line in self.students[:1] if self.most is not None and self.most < len(line)]
        try:
            return float(possible[0].text.replace(",", ".")) if possible else None
        except ValueError:
            return None


# ---- When they handed in ---------------------------------------------------------------------------------------------


class Words(parser.parserinfo):
    """Months, days and fillers as Moodle writes them in English and in German."""

    MONTHS = [
        ("Jan", "January", "Januar"),
        ("Feb", "February", "Februar"),
        ("Mar", "March", "März", "Mär", "Mrz"),
        ("Apr", "April"),
        ("May", "Mai"),
        ("Jun", "June", "Juni"),
        ("Jul", "July", "Juli"),
        ("Aug", "August"),
        ("Sep", "Sept", "September"),
        ("Oct", "October", "Okt", "Oktober"),
        ("Nov", "November"),
        ("Dec", "December", "Dez", "Dezember"),
    ]
    WEEKDAYS = [
        ("Mon", "Monday", "Montag", "Mo"),
        ("Tue", "Tuesday", "Dienstag", "Di"),
        ("Wed", "Wednesday", "Mittwoch", "Mi"),
        ("Thu", "Thursday", "Donnerstag", "Do"),
        ("Fri", "Friday", "Freitag", "Fr"),
        ("Sat", "Saturday", "Samstag", "Sa"),
        ("Sun", "Sunday", "Sonntag", "So"),
    ]
    JUMP = [*parser.parserinfo.JUMP, "um", "uhr"]


class Times(Roster):
    """When everyone handed in, by a table that the platform exported: Moodle's grading worksheet, or any with a column
    of names or numbers and one of times.

    Raises:
        ValueError: it is no such table, or a time in it can be read in two ways.
    """

    def __init__(self, path: Path, zone: tzinfo | None = None):
        self.zone = zone
        super().__init__(path)

    def _columns(self):
        super()._columns()
        columns = [i for i, name in enumerate(self.heads) if name in HANDED_IN]
        columns = columns or [i for i, name in enumerate(self.heads) if self._all_times(i)]
        if len(columns) != 1:
            raise ValueError(
                f"{self.path} has {len(columns) or 'no'} column{'s' * (len(columns) > 1)} that could say when work "
                f"was handed in; its columns are {', '.join(self.head[:12])}. Call the one `submitted`, and no other."
            )
        self.column = self.needed = columns[0]
        self.times = {id(line): self._read(line[self.column].text) for line in self.lines if len(line) > self.column}

    def _all_times(self, column):
        texts = [line[column].text for line in self.lines if len(line) > column]
        try:
            return any(texts) and all(self._read(text) or not text.strip(" -") for text in texts)
        except ValueError:
            return False

    def when(self, submission: Submission) -> datetime | None:
        """The time in that student's line; None where there is no line, or no time in it."""
        return self.times.get(id(self._line(submission.student, submission.number)))

    def _read(self, text):
        """A time; one without a zone is of the class's, or else this machine's. None where there is none."""
        if not re.search(r"\d", text):
            return None
        try:
            ways = {_moment(text.strip(), dayfirst, self.zone) for dayfirst in (True, False)}
        except (ValueError, OverflowError, TypeError, Warning):
            raise ValueError(f"{self.path}: {text[:40]!r} is no time; write it as 2026-03-01 22:58.") from None
        if len(ways) > 1:
            raise ValueError(
                f"{self.path}: {text[:40]!r} can be read with the day or the month first; write it as 2026-03-01 22:58."
            )
        return ways.pop()


def _moment(text, dayfirst, zone):
    if not re.search(r"\d:\d\d", text):
        raise ValueError("a day without a time of day")
    with suppress(ValueError):
        return _placed(datetime.fromisoformat(re.sub(r" ?(Z|UTC)$", "+00:00", text)), zone)
    dayfirst = bool(re.match(r"\d{1,2}\.", text)) or (dayfirst and not re.match(r"\d{4}", text))
    text = re.sub(r"(?<=\d)\.(?=\s)", "", text)  # the German `1. März`
    text = re.sub(r"\b(?:GMT|UTC) ?(?=[-+]\d)", "", text)  # GMT+1 is an hour ahead; for dateutil it is one behind
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a zone that dateutil does not know
        found = {
            parser.parse(text, Words(dayfirst=dayfirst), default=day)
            for day in (datetime(2000, 1, 1), datetime(2001, 2, 2))
        }
    if len(found) > 1:
        raise ValueError("no day, month or year")
    return _placed(found.pop(), zone)


def _placed(time, zone):
    return time.replace(tzinfo=zone) if zone and not time.tzinfo else time.astimezone()
