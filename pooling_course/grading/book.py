"""What is kept in the folder of results: marks in one SQLite file, and beside it tables and pages made of them.

Each submission is one transaction, so that a run that is killed at any moment loses at most what it was working on,
and the next goes on from there. Nothing is ever half-written, and nothing that a person wrote is written over.
"""

import csv
import hashlib
import io
import json
import os
import secrets
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import contextmanager
from itertools import chain, count, islice
from pathlib import Path

ASIDE = "changed-by-hand"  # where files go that somebody changed
GRADES = "grades.csv"
MOST_TOLD = 10
TOGETHER = 16  # files in one transaction


class Book:
    """Records by key (`mark.Job.key`), and what this program has written beside them.

    Raises:
        ValueError: the file is no book of this program, holds another assignment's marks, or cannot be written.
    """

    def __init__(self, path: Path, assignment: str | None = None):
        self.path = path
        with self._said():
            self.connection = sqlite3.connect(path, timeout=30)
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA cache_size=-256")  # kilobytes: a record is written once, and read once
            with self.connection:
                self.connection.execute("CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, record TEXT)")
                self.connection.execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, fact TEXT)")
                self.connection.execute(
                    "CREATE TABLE IF NOT EXISTS written (file TEXT, digest TEXT, UNIQUE (file, digest))"
                )
                self.connection.execute(
                    "CREATE TABLE IF NOT EXISTS decided "
                    "(at TEXT, who TEXT, student TEXT, number TEXT, task TEXT, points REAL, comment TEXT)"
                )
        if assignment:
            before = self._fact("assignment") or assignment
            if before != assignment:
                self.close()
                raise ValueError(
                    f"{path.parent} holds the marks of {before}: give those of {assignment} another folder."
                )
            self._keep("assignment", assignment)

    def get(self, key: str) -> dict | None:
        with self._said():
            row = self.connection.execute("SELECT record FROM records WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, key: str, record: dict) -> None:
        with self._said(), self.connection:
            row = (key, json.dumps(record))
            self.connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?)", row)

    def decide(self, now: dict[tuple, tuple], at: str, gone: bool = True) -> None:
        """Keep what people have decided, where it is not what they had decided before.

        Args:
            now: (student, number, task) to (points or None, comment, by whom).
            at: when.
            gone: whether what is not in `now` is decided no longer.
        """
        before = self.decided()
        new = [
            (at, who, *whom, points, comment)
            for whom, (points, comment, who) in now.items()
            if before.get(whom, (None, "", ""))[:2] != (points, comment)
        ]
        if gone:
            new += [(at, "", *whom, None, "") for whom in before if whom not in now]
        with self._said(), self.connection:
            self.connection.executemany("INSERT INTO decided VALUES (?, ?, ?, ?, ?, ?, ?)", new)

    def decided(self) -> dict[tuple, tuple]:
        """What holds of that: (student, number, task) to (points or None, comment, by whom)."""
        last = {each[2:5]: (each[5], each[6], each[1]) for each in self.decisions()}
        return {whom: made for whom, made in last.items() if made[:2] != (None, "")}

    def decisions(self) -> list[tuple]:
        """All that was ever decided: (when, by whom, student, number, task, points or None, comment)."""
        with self._said():
            return self.connection.execute("SELECT * FROM decided ORDER BY rowid").fetchall()

    def write(self, files: Iterable[tuple[str, bytes | Path]]) -> list[str]:
        """Put files beside the book, each in one step, as they come; names are below its folder. A path is that of a
        file in there, which is moved.

        What stands there and is not as this program wrote it, somebody has changed: it is moved aside, never lost.

        Returns:
            Sentences about what was moved.
        """
        waiting, said = iter(files), []
        while few := dict(islice(waiting, TOGETHER)):
            said += self._write(few)
        return said

    def _write(self, files: dict[str, bytes | Path]) -> list[str]:
        folder, said = self.path.parent, []
        made = {name: _digest(data) for name, data in files.items()}
        stands = {name: _stands(folder / name) for name in files}
        changed = {
            name for name in files if stands[name] not in (None, made[name]) and not self._wrote(name, stands[name])
        }
        before = self._fact(GRADES)
        with self._said(), self.connection:  # before they are written, so that a run that is killed here is no person
            self.connection.executemany("INSERT OR IGNORE INTO written VALUES (?, ?)", made.items())
            if isinstance(grades := files.get(GRADES), bytes):
                row = (GRADES, grades.decode("utf-8", "replace"))
                self.connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", row)
        for name in files:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name in changed:
                aside = _free(folder / ASIDE / name)
                aside.parent.mkdir(parents=True, exist_ok=True)
                differs = _differences(before, path) if name == GRADES and stands[name] else ""  # "" is no plain file
                os.replace(path, aside)
                said.append(f"{path} is not as this program wrote it{differs}. It is kept as {aside}, and made anew.")
            if name in changed or stands[name] != made[name]:
                put(path, files[name])
            elif isinstance(unchanged := files[name], Path):
                unchanged.unlink()
        return said

    def keep_scores(self, scores: list[tuple[str, str, float]]) -> None:
        """Keep who took the test, by name and number, with what share of the points: for a later test to compare."""
        self._keep("scores", json.dumps(scores))

    def scores(self) -> list[tuple[str, str, float]]:
        return [tuple(score) for score in json.loads(self._fact("scores") or "[]")]

    @property
    def assignment(self) -> str | None:
        return self._fact("assignment")

    def salt(self) -> bytes:
        """What makes names that say nothing to who does not have this book, and are the same at every run."""
        if not (salt := self._fact("salt")):
            salt = secrets.token_hex(16)
            self._keep("salt", salt)
        return salt.encode()

    def close(self) -> None:
        self.connection.close()

    def _wrote(self, name, digest):
        with self._said():
            found = self.connection.execute("SELECT 1 FROM written WHERE file = ? AND digest = ?", (name, digest))
            return found.fetchone() is not None

    def _fact(self, name):
        with self._said():
            row = self.connection.execute("SELECT fact FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def _keep(self, name, fact):
        with self._said(), self.connection:
            self.connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, fact))

    @contextmanager
    def _said(self):
        """What SQLite raises, as a sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise ValueError(
                f"{self.path} cannot be read or written ({error}). What is in it is safe; see to the disk and its "
                "rights, and run the same command again: it goes on from there."
            ) from None
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{self.path} holds no results of this program ({error}): give another folder.") from None


def _digest(data):
    if isinstance(data, Path):
        with open(data, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(data).hexdigest()


def _stands(path):
    """The digest of what stands at a path: "" for what is no plain file, None for nothing."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return ""
    return _digest(path) if path.exists() else None


def _free(path):
    """That name, or with a number if it is taken."""
    ways = chain([path], (path.with_name(f"{path.stem}-{i}{path.suffix}") for i in count(2)))
    return next(way for way in ways if not os.path.lexists(way))


def put(path: Path, data: bytes | Path) -> None:
    """A file in one step; what is a file already is moved."""
    if isinstance(data, Path):
        os.chmod(data, 0o666 & ~_umask())
        os.replace(data, path)
        return
    file, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with open(file, "wb") as opened:
            opened.write(data)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _differences(before, path):
    """What somebody changed in a table of grades, in words."""
    try:
        old, new = (_by_student(text) for text in (before or "", path.read_text("utf-8-sig", errors="replace")))
    except (OSError, csv.Error):
        return ""
    found = [
        f"{student}: {column} {was!r} is now {new[student].get(column)!r}"
        for student, line in old.items()
        if student in new
        for column, was in line.items()
        if new[student].get(column) != was
    ]
    found += [f"no line for {student}" for student in old if student not in new]
    found += [f"a line for {student}" for student in new if old and student not in old]
    more = f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    return f" ({'; '.join(found[:MOST_TOLD])}{more})" if found else ""


def _by_student(text):
    lines = csv.DictReader(io.StringIO(text, newline=""))
    return {f"{line.get('student')} {line.get('number') or ''}".strip(): line for line in lines}
