"""Where a class's submissions are, whose they are, and what code they hold. Nothing here runs or unpacks anything.

Whose a notebook is, its place says, as the platforms write it:

    nbgrader    submitted/<student>/<assignment>/<assignment>.ipynb
    Canvas      <name>_<number>_<number>_<file>.ipynb, or <name>_LATE_<number>_<number>_<file>.ipynb
    Moodle      <Name>_<number>_assignsubmission_file_/<any>.ipynb, or without folders
                <Name>_<number>_assignsubmission_file_<any>.ipynb
    a folder    <student>/<any>.ipynb
    flat        <student>.ipynb or <student>_<assignment>.ipynb

or a .zip of any of these.
"""

import json
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import permutations
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LARGEST = 100 << 20  # bytes of a notebook: pictures in outputs make some large
MOST_CODE = 300_000  # characters in all code cells
MOST_CELLS = 1000

MOODLE = re.compile(r"(?P<student>.+)_(?P<number>\d+)_assignsubmission_file(_.*)?$")
CANVAS = re.compile(r"(?P<student>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_(?P<attempt>\d+)_.+$")
STUDENT = re.compile(r"""^STUDENT\s*=\s*(?:(["'])(?P<text>.*?)\1|(?P<number>\d{1,18}))\s*(?:#.*)?$""", re.MULTILINE)
COPIED = re.compile(r"(-\d+| \(\d+\))$")  # what browsers and platforms add to the name of a second copy


class Broken(Exception):
    """A sentence for the student: why the notebook cannot be graded."""


@dataclass(frozen=True)
class Submission:
    """One student's notebook.

    Attributes:
        student: whose it is; the name that everything about this student goes by.
        number: what the platform numbers the student by, or "".
        path: where it was found, in words.
        when: when it was handed in; None where nothing says so.
        late: the platform says that it is late.
        read: gives the bytes, or raises Broken.
    """

    student: str
    number: str
    path: str
    when: datetime | None
    late: bool
    read: Callable[[], bytes]


# ---- Where they are --------------------------------------------------------------------------------------------------


def find(place: Path, assignment: str) -> list[Submission]:
    """All notebooks for an assignment in a folder or a .zip, by student; several of one student are attempts.

    Raises:
        Broken: there is no such place, or nothing in it.
    """
    if place.is_file() and zipfile.is_zipfile(place):
        found = list(_in_zip(place, assignment))
    elif place.is_dir():
        found = list(_in_folder(place, assignment))
    else:
        raise Broken(f"{place} is neither a folder nor a .zip with submissions.")
    if not found:
        raise Broken(f"{place} holds no notebook (.ipynb) for {assignment}; docs/grading.md lists how they may lie.")
    return sorted(found, key=lambda s: (s.student, s.path))


def _in_folder(place, assignment):
    for folder, folders, files in os.walk(place):
        for name in sorted(name for name in [*folders, *files] if name.endswith(".ipynb")):
            path = Path(folder, name)
            when = _timestamp(path.parent / "timestamp.txt") or datetime.fromtimestamp(
                path.lstat().st_mtime, timezone.utc
            )
            yield from _one(path.relative_to(place), assignment, when, lambda path=path: _read(path))
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not name.endswith(".ipynb"))


def _in_zip(place, assignment):
    with zipfile.ZipFile(place) as archive:
        for info in archive.infolist():
            path = PurePosixPath(info.filename)
            hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
            if path.suffix == ".ipynb" and not info.is_dir() and not hidden:
                when = datetime(*info.date_time).astimezone()
                yield from _one(path, assignment, when, lambda info=info: _read_zipped(place, info))


def _one(path, assignment, when, read) -> Iterator[Submission]:
    whose = owner(path, assignment)
    if whose and ".ipynb_checkpoints" not in path.parts:
        student, number, late = whose
        yield Submission(student, number, str(path), when, late, read)


def owner(path, assignment) -> tuple[str, str, bool] | None:
    """(student, the platform's number, whether the platform calls it late); None where it is another assignment's.

    >>> owner(PurePosixPath("doeada_LATE_12_345_ps1-1.ipynb"), "ps1")
    ('doeada', '12', True)
    """
    *folders, name = path.parts
    stem = name.removesuffix(".ipynb")
    for part in (*folders, stem):
        if found := MOODLE.match(part):
            return found["student"], found["number"], False
    if found := CANVAS.match(stem):
        return found["student"], found["number"], bool(found["late"])
    if len(folders) >= 2:  # nbgrader: a folder for each assignment, in which other notebooks are nobody's business
        return (folders[-2], "", False) if folders[-1] == assignment and stem == assignment else None
    if folders:
        return folders[-1], "", False
    return COPIED.sub("", re.sub(rf"[_-]{re.escape(assignment)}(?=$|-\d+$| \(\d+\)$)", "", stem)), "", False


def _timestamp(path):
    """The time in nbgrader's timestamp.txt, such as `2026-03-01 22:58:23.948203 UTC`."""
    try:
        day, time, *zone = path.read_text("utf-8", errors="replace").split()
        naive = datetime.fromisoformat(f"{day} {time}")
        return naive if naive.tzinfo else naive.replace(tzinfo=ZoneInfo(zone[0]) if zone else timezone.utc)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return None


# ---- Which attempt counts --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """When work is due, and what being late costs: percent of the points for each day begun."""

    deadline: datetime | None = None
    penalty: float = 0

    def days_late(self, submission: Submission) -> int:
        """Days begun after the deadline; 0 in time. Where only the platform says that it is late, one."""
        if self.deadline and submission.when and submission.when > self.deadline:
            return (submission.when - self.deadline).days + 1
        return int(submission.late)

    def share(self, submission: Submission) -> float:
        """The share of the points that is left."""
        return max(0.0, 1 - self.penalty / 100 * self.days_late(submission))

    def counts(self, attempts: list[Submission]) -> Submission:
        """The latest attempt in time; where there is none, the latest."""
        in_time = [attempt for attempt in attempts if not self.days_late(attempt)]
        return max(in_time or attempts, key=lambda a: (a.when is not None and a.when.timestamp(), a.path))


def one_each(found: list[Submission], rule: Rule) -> list[tuple[Submission, int]]:
    """For each student the attempt that counts, and how many there are; two of one name differ by their numbers."""
    attempts: dict[tuple, list[Submission]] = {}
    for submission in found:
        attempts.setdefault((submission.student, submission.number), []).append(submission)
    return [(rule.counts(those), len(those)) for those in attempts.values()]


# ---- What they hold --------------------------------------------------------------------------------------------------


def _read(path):
    """The bytes of a notebook: a plain file, and no link that could lead to another's."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise Broken(f"The notebook cannot be opened ({error.strerror}); links are not followed.") from None
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise Broken("What is called a notebook is no file.")
        _refuse_large(found.st_size)
        with open(file, "rb", closefd=False) as opened:
            return opened.read(LARGEST + 1)
    finally:
        os.close(file)


def _read_zipped(place, info):
    _refuse_large(info.file_size)
    try:
        with zipfile.ZipFile(place) as archive, archive.open(info) as opened:
            data = opened.read(LARGEST + 1)  # what the archive says of its size need not be true
    except (OSError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile) as error:
        raise Broken(f"The notebook cannot be unpacked ({error}).") from None
    _refuse_large(len(data))
    return data


def _refuse_large(size):
    if size > LARGEST:
        raise Broken(f"The notebook has {size >> 20} MB; more than {LARGEST >> 20} MB are not read.")


def code_of(data: bytes) -> list[str]:
    """The code cells of a notebook.

    Raises:
        Broken: it is no notebook of version 4, or holds more code than anybody writes.
    """
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError, MemoryError):  # ValueError: also bytes that are no UTF-8
        raise Broken("The file is no notebook: it cannot be read as JSON.") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Broken("The file is no notebook of version 4: it has no list of cells.")
    sources = [_source(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    if len(sources) > MOST_CELLS or sum(map(len, sources)) > MOST_CODE:
        raise Broken(f"The notebook holds more than {MOST_CELLS} code cells or {MOST_CODE:,} characters of code.")
    return sources


def _source(cell):
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    text = "".join(line for line in lines if isinstance(line, str))
    return text.encode("utf-8", "replace").decode()  # half characters, which no file can hold


def named_in(cells: list[str]) -> str | int | None:
    """What the notebook says its author is called: the last literal in `STUDENT = ...`, text or a whole number."""
    found = [match for cell in cells for match in STUDENT.finditer(cell)]
    if not found:
        return None
    return int(found[-1]["number"]) if found[-1]["number"] else found[-1]["text"] or ""


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
    return re.findall(r"[^\W_]+", _bare(name))


def _orders(name):
    words = _words(name)
    return permutations(words) if len(words) <= 4 else [words]


def _joined(name):
    return re.sub(r"[\W_]", "", _bare(name))


def _bare(name):
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).casefold()
