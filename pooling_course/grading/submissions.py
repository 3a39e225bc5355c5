"""Which submissions there are, whose, and which of a student's counts; and what became of every other file.

`files` says what lies there, `forms` whose a path is. Here each file ends in exactly one line: it is graded, it is a
duplicate of another, or it is no submission, and why. Nothing here runs or unpacks anything.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import permutations
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..exercises import load
from .assignments import ASSIGNMENTS, Asked, Task
from .files import LARGEST, Broken, File, entries, is_notebook
from .forms import Layout, Whose, called, layout
from .reading import code_of

STAMP = "timestamp.txt"  # nbgrader's, beside what was handed in
MOST_BOOKS = 50  # of one student that are read, to find the one that is meant

GRADED, DUPLICATE, NOTHING = "graded", "a duplicate of", "not a submission because"


@dataclass(frozen=True, slots=True)
class Submission:
    """One student's notebook.

    Attributes:
        student: whose it is; the name that everything about this student goes by.
        number: what the platform numbers the student by, or "".
        path: where it was found, in words.
        when: when it was handed in; None where nothing trustworthy says so.
        late: the platform says that it is late.
        read: gives the bytes, or raises Broken.
        notes: what is odd about where and how it lies.
    """

    student: str
    number: str
    path: str
    when: datetime | None
    late: bool
    read: Callable[[], bytes]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a file, or of a folder of which only the whole is of interest.

    Attributes:
        path: below the place; it stands for all that lies below it, too.
        fate: GRADED, DUPLICATE or NOTHING.
        why: of which other one it is a duplicate, or why it is no submission.
        student: whose it is, or "".
        loud: whether the instructor should look at it.
    """

    path: str
    fate: str
    why: str = ""
    student: str = ""
    loud: bool = False


@dataclass
class Account:
    """All that lies in a place.

    Attributes:
        counted: for each student the submission that counts, and how many attempts there are.
        entries: a line for every file.
        said: what the instructor should know about the whole.
    """

    counted: list[tuple[Submission, int]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


# ---- Which attempt counts --------------------------------------------------------------------------------------------


class Terms(NamedTuple):
    """What holds for one student.

    Attributes:
        extension: when their work is due, or how much later than the others'.
        grace: how long after that it still counts as in time.
        zone: in which the clock of their deadline runs.
    """

    extension: datetime | timedelta | None = None
    grace: timedelta | None = None
    zone: tzinfo | None = None


@dataclass(frozen=True)
class Rule:
    """When work is due, and what being late costs: percent of the points for each day begun.

    Attributes:
        deadline: with its time zone.
        penalty: percent of the points.
        grace: how long after the deadline work still counts as in time.
        terms: what else holds for who handed in, and for the others of a group; the one with most time counts.
    """

    deadline: datetime | None = None
    penalty: float = 0
    grace: timedelta = timedelta()
    terms: Callable[[Submission], list[Terms]] = lambda submission: []

    def due(self, submission: Submission) -> tuple[datetime | None, timedelta]:
        """When this one's work is due, and the grace after it."""
        if not self.deadline:
            return None, self.grace
        found = [
            (_due(self.deadline, each), self.grace if each.grace is None else each.grace)
            for each in self.terms(submission) or [Terms()]
        ]
        return max(found, key=lambda each: (each[0].timestamp(), each[1]))

    def extended(self, submission: Submission) -> datetime | None:
        """The deadline of who has another than the class."""
        due, _ = self.due(submission)
        return due if self.deadline and due != self.deadline else None

    def days_late(self, submission: Submission) -> int:
        """Days begun after the deadline; 0 in time. Where only the platform says that it is late, one, but for who has
        a deadline of their own, which the platform need not know."""
        due, grace = self.due(submission)
        if due and submission.when:
            late = timedelta(seconds=submission.when.timestamp() - due.timestamp())  # not what clocks show, which jump
            return late.days + 1 if late > grace else 0
        return int(submission.late and not self.extended(submission))

    def share(self, submission: Submission) -> float:
        """The share of the points that is left."""
        return max(0.0, 1 - self.penalty / 100 * self.days_late(submission))

    def counts(self, attempts: list[Submission]) -> Submission:
        """The latest attempt in time; where there is none, the latest."""
        in_time = [attempt for attempt in attempts if not self.days_late(attempt)]
        return max(in_time or attempts, key=lambda a: (a.when is not None and a.when.timestamp(), a.path))


def _due(deadline: datetime, terms: Terms) -> datetime:
    zone = terms.zone or deadline.tzinfo
    if isinstance(terms.extension, timedelta):
        return deadline.replace(tzinfo=zone) + terms.extension
    due = terms.extension or deadline
    return due if terms.extension and due.tzinfo else due.replace(tzinfo=zone)


def one_each(found: list[Submission], rule: Rule) -> list[tuple[Submission, int]]:
    """For each student the attempt that counts, and how many there are; two of one name differ by their numbers."""
    attempts: dict[tuple, list[Submission]] = {}
    for submission in found:
        attempts.setdefault((submission.student, submission.number), []).append(submission)
    return [(rule.counts(those), len(those)) for those in attempts.values()]


# ---- What became of every file ---------------------------------------------------------------------------------------


def look(
    place: Path,
    assignment: str,
    rule: Rule = Rule(),
    form: str | None = None,
    known: Callable[[str], bool] | None = None,
    when: Callable[[Submission], datetime | None] | None = None,
    leave: Path | None = None,
) -> Account:
    """What lies in a folder or a .zip: the submissions for an assignment, by student, and every other file.

    Args:
        place: the folder or .zip.
        assignment: its name.
        rule: which of several attempts counts.
        form: the name of the one it has (`forms.FORMS`), where that must be said.
        known: whether a name is that of one student of the class.
        when: when a submission was handed in, by a table of the platform's; None where that does not say.
        leave: a folder that is passed over.

    Raises:
        Broken: there is no such place, nothing in it, or it can be read in more than one way.
    """
    found = entries(place, leave)
    laid = layout([file.path for file in found if not file.why], assignment, place.stem, form, known)
    account = Account(said=[*laid.said])
    people: dict = {}
    if laid.form.name == "files" and not known:
        account.said.append(
            "Whose a file is, only its own name says: hold them against a list of the class, with --roster or --fill."
        )
    for file in found:
        whose = file.why or laid.whose(file.path)
        if isinstance(whose, str):
            beside = laid.root and file.parts[: len(laid.root)] != laid.root
            other = "it lies in " in whose and not called(file.parts[-1], assignment).mentions  # of another assignment
            loud = file.loud or (not file.why and not beside and not other)
            account.entries.append(Entry(str(file.path), NOTHING, whose, loud=loud))
        else:
            upload = file.parts[len(laid.root)] if laid.form.name == "exchange" else ""
            people.setdefault((whose.student, whose.number), {}).setdefault(upload, []).append((file, whose))
    logins = {student for student, _ in people}
    some = False
    for (student, _), uploads in sorted(people.items()):
        attempts = []
        for those in uploads.values():
            if laid.form.name == "exchange" and (writer := _another(those, student, logins)):
                why = f"the account of {writer} wrote it, and not that of {student}"
                account.entries += [Entry(str(file.path), NOTHING, why, loud=True) for file, _ in those]
            else:
                attempts.append(Attempt(those, laid, assignment))
        if attempts:
            made = [attempt.submission(when) for attempt in attempts]
            counts = rule.counts(made)
            account.counted.append((counts, sum(attempt.size for attempt in attempts)))
            for attempt, submission in zip(attempts, made, strict=True):
                account.entries += attempt.entries(None if submission is counts else counts.path)
            some |= any(attempt.book is not None for attempt in attempts)
    account.entries.sort(key=lambda entry: entry.path)
    if not some:
        there = "; ".join(f"{entry.path}: {entry.why}" for entry in account.entries[:3] if entry.why)
        raise Broken(
            f"{place} holds no notebook (.ipynb) for {assignment}; docs/grading.md lists how they may lie."
            + f" What is there: {there}." * bool(there)
        )
    return account


def _another(those, student, logins):
    """The student whose account wrote what lies in the exchange as another's."""
    try:
        from pwd import getpwuid

        names = {getpwuid(file.account).pw_name for file, _ in those if file.account is not None}
    except (ImportError, KeyError):  # Windows; an account of another machine
        return None
    return next(iter(sorted((names & logins) - {student})), None)


class Attempt:
    """What a student handed in at one time: the notebook that is meant, and what lies beside it."""

    def __init__(self, those: list[tuple[File, Whose]], laid: Layout, assignment: str):
        self.those, self.laid, self.assignment = those, laid, assignment
        self.whose = those[0][1]
        self.book: File | None = None
        self.others: list[File] = []
        self.same: list[File] = []
        self.unread: list[File] = []
        books = [each for each in those if _is_book(each[1])]
        if len(books) == 1:
            ((self.book, self.whose),) = books
        elif ranked := self._ranked(books) or self._disguised():
            (_, self.book, self.whose, mine, _), *rest = ranked
            for _, file, _, digest, _ in rest:
                (self.same if mine and digest == mine else self.others).append(file)

    @property
    def size(self) -> int:
        """How many notebooks there are that could be meant."""
        return 1 + len(self.same) + len(self.others) + len(self.unread) if self.book else 1

    def _disguised(self):
        """Those that hold a notebook, of files with another suffix or none."""
        may_be = [each for each in self.those if PurePosixPath(each[1].own).suffix.casefold() in ("", ".json", ".txt")]
        return [each for each in self._ranked(may_be) if each[-1]]

    def _ranked(self, books):
        """Files as (rank, file, whose, digest, whether there is code in it), the one that is meant first. No more are
        read than MOST_BOOKS, and some LARGEST bytes: those whose names fit best."""
        found, left = [], LARGEST
        for i, (says, file, whose) in enumerate(sorted(((self._says(*each), *each) for each in books), reverse=True)):
            if i >= MOST_BOOKS or left <= 0:
                self.unread.append(file)
                continue
            cells, digest = None, None
            with suppress(Broken):
                data = file.read()
                digest, left = hashlib.sha256(data).digest(), left - len(data)
                cells = code_of(data)
            found.append((self._rank(says, cells), file, whose, digest, bool(cells)))
        return sorted(found, key=lambda each: each[0], reverse=True)

    def _says(self, file, whose):
        """What names say of which notebook is meant: it is called like the assignment or its owner. Then the last
        uploaded, and the one without a mark of a copy."""
        says = called(PurePosixPath(whose.own).name, self.assignment)
        mine = says.mentions and (not says.rest or same_name(says.rest, whose.student))
        upload = int(whose.upload) if whose.upload.isdecimal() else 0
        return mine, says.mentions, -len(file.parts), upload, not says.copy, says.copy, str(file.path)

    def _rank(self, says, cells):
        """Before all, that it can be read; of those that are not called so, the one with the most answers that are
        asked for."""
        mine, mentions, *rest = says
        parts = ASSIGNMENTS[self.assignment].parts
        names = {load(part.exercise).function for part in parts if isinstance(part, Task)}
        names |= {part.variable for part in parts if isinstance(part, Asked)}
        made = re.findall(r"^[ \t]*(?:(?:async )?def +|(?=\w+ *=[^=]))(\w+)", "\n".join(cells or []), re.MULTILINE)
        held = 0 if mine else len(names & set(made))
        return cells is not None, mine, mentions, held, *rest

    def submission(self, when) -> Submission:
        whose = self.whose
        if self.book is None:
            names = ", ".join(file.path.name for file, _ in self.those[:3])
            sentence = f"No notebook (.ipynb) was handed in, but {names}."

            def read():
                raise Broken(sentence)

            path = str(self.those[0][0].path)
        else:
            path, read = str(self.book.path), self.book.read
        made = Submission(whose.student, whose.number, path, self._when(), whose.late, read, tuple(self._notes()))
        known = when(made) if when else None
        return replace(made, when=known or made.when)

    def _when(self):
        """What nbgrader says, in its own place; a file of that name elsewhere is a student's word."""
        if self.laid.form.name == "exchange":
            return _time(self.whose.upload)
        if self.laid.form.name == "nbgrader":
            for file, whose in self.those:
                if whose.own == STAMP:
                    try:
                        return _time(file.read()[:100].decode("utf-8-sig", "replace"))
                    except Broken:
                        return None
        return None

    def _notes(self):
        if self.book is None:
            return
        own = PurePosixPath(self.whose.own).name
        if self.others:
            others = ", ".join(file.path.name for file in self.others[:5])
            yield f"{1 + len(self.others)} notebooks differ: {self.book.path.name} counts, and not {others}."
        elif self.laid.form.name in ("nbgrader", "exchange") and self.whose.own != f"{self.assignment}.ipynb":
            yield f"The notebook is called {self.whose.own}, and not {self.assignment}.ipynb."
        elif not own.endswith(".ipynb"):
            yield f"The notebook is called {own}."
        if self.unread:
            yield f"{len(self.unread)} more files were not read: there are too many, or they are too large."

    def entries(self, counts: str | None):
        """A line for each file; `counts` is the path of the attempt that counts, where it is another."""
        same, others = set(self.same), {*self.others, *filter(lambda file: is_notebook(file.path.name), self.unread)}
        for file, whose in self.those:
            line = Entry(str(file.path), NOTHING, student=whose.student)
            if file is self.book:
                line = replace(
                    line, fate=DUPLICATE if counts else GRADED, why=f"{counts}, the attempt that counts" * bool(counts)
                )
            elif self.book and file in same:
                line = replace(line, fate=DUPLICATE, why=str(self.book.path))
            elif self.book and file in others:
                line = replace(line, why=f"{self.book.path.name} counts", loud=True)
            elif whose.own == STAMP and self.laid.form.name in ("nbgrader", "exchange"):
                line = replace(line, why="it says when the work was handed in")
            elif is_notebook(file.path.name):
                line = replace(line, why="it is macOS's half of a file", loud=self.book is None)
            else:
                line = replace(line, why="it is no notebook", loud=self.book is None)
            yield line


def _is_book(whose):
    return is_notebook(whose.own) and not PurePosixPath(whose.own).name.startswith("._")


def _time(text):
    """A time as nbgrader writes it, such as `2026-03-01 22:58:23.948203 UTC`."""
    try:
        day, time, *zone = text.split()
        naive = datetime.fromisoformat(f"{day} {time}")
        return naive if naive.tzinfo else naive.replace(tzinfo=ZoneInfo(zone[0]) if zone else UTC)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return None


# ---- What they hold --------------------------------------------------------------------------------------------------


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same but for case, accents, spaces and commas, and which part of it comes first.

    >>> same_name("Ada Lovelace", "lovelaceada"), same_name("Lovelace, Ada", "Ada Lovelace"), same_name("Ada", "Bob")
    (True, True, False)
    """
    return any(_joined(a) == "".join(order) for a, b in ((one, other), (other, one)) for order in _orders(b))


def spellings(name: str) -> list[str]:
    """What names have in common that `same_name` calls the same, to look them up by.

    >>> spellings("Doe, Jörg"), spellings("Jörg Doe"), spellings("doejörg")
    (['doejorg', 'doe jorg'], ['jorgdoe', 'doe jorg'], ['doejorg', 'doejorg'])
    """
    return [_joined(name), " ".join(sorted(_words(name)))]


def _words(name):
    """The words of a name; one without any, such as an emoji, is its own. Numbers stay apart, and in their order: group
    1-11 is not 11-1."""
    bare = _bare(name)
    if not any(map(str.isalnum, bare)):
        return bare.split()
    marked = ("Mc", "Mn")
    spaced = "".join(c if c.isalnum() or unicodedata.category(c) in marked else " " for c in bare)
    return re.sub(r"(?<=\d) +(?=\d)", "-", spaced).split()


def _orders(name):
    words = _words(name)
    return permutations(words) if len(words) <= 4 else [words]


def _joined(name):
    return "".join(_words(name))


def _bare(name):
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not _is_accent(c)).casefold()


def _is_accent(character):
    """Whether a name is the same without that mark. What stands for a vowel or a tone, as in Hindi and Thai, or tells
    two Japanese sounds apart, is part of a letter; Unicode's classes of marks say which is which."""
    return unicodedata.combining(character) in range(10, 37) or unicodedata.combining(character) >= 200
