"""What this learner has answered, on this machine only: a small file beside the notebooks, and pages made from it.

The file is append-only, one JSON object a line; a line is written in one piece, so that two notebooks lose nothing and
a killed kernel can damage at most the line it was writing, which is skipped and said so.
"""

import html
import json
import math
import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from . import SURE, all_questions
from .lessons import LESSONS

NAME = ".pooling_course_progress.jsonl"
VERSION = 1
SPACING = (0, 1, 3, 7, 21)  # days until a question comes back, by how often in a row it was right and not a guess
DAY = 86_400


def journal_path() -> Path:
    """The file: `$POOLING_COURSE_PROGRESS`, or one in the folder that the notebook runs in."""
    return Path(os.environ.get("POOLING_COURSE_PROGRESS") or Path.cwd() / NAME)


def record(entry: dict, path: Path | None = None) -> str:
    """Append one answer; returns "" or, where that failed, the sentence to show. Never raises for a full disk."""
    path = path or journal_path()
    line = json.dumps({"v": VERSION, "time": round(time.time(), 3), **entry})
    try:
        with open(path, "ab") as file:
            half = file.tell() and not _ends_whole(path)
            file.write(("\n" * half + line + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = error.strerror or str(error)
        return (
            f"Your answer counts here, but it could not be saved for later ({reason}: {path.name}). The lesson goes on."
        )
    return ""


def _ends_whole(path):
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def entries(path: Path | None = None) -> tuple[list[dict], int]:
    """(answers in the order they were given, number of lines that could not be read); none of a file out of reach."""
    path = path or journal_path()
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return [], 0
    found, damaged = [], 0
    for line in lines:
        try:
            entry = _upgrade(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            damaged += bool(line.strip())
            continue
        found.append(entry)
    return sorted(found, key=lambda entry: entry["time"]), damaged  # what was imported may be older than what is here


def _upgrade(entry):
    """Today's form of an entry: files of version 0 had no confidence and called the time `t`."""
    if entry.get("v", 0) < 1:
        entry = {"time": entry.pop("t", 0), **entry}
    entry = {"confidence": 0, "seconds": 0, "misconception": "", "attempt": 1, **entry}
    if entry["confidence"] not in range(len(SURE)) or not math.isfinite(entry["time"]):
        raise ValueError("no confidence, or no time, that this course could have written")
    return {**entry, "id": str(entry["id"]), "right": bool(entry["right"]), "time": float(entry["time"])}


# ---- what the answers say ----------------------------------------------------------------------------------------


def by_question(found: list[dict]) -> dict[str, list[dict]]:
    """The answers to each question that still exists, in order; the first is the one that counts."""
    grouped = defaultdict(list)
    for entry in found:
        if entry["id"] in all_questions():
            grouped[entry["id"]].append(entry)
    return dict(grouped)


@dataclass(frozen=True)
class Progress:
    """A page on what was answered; made by `progress`.

    Attributes:
        answers: question id -> the answers given, the first one first.
        damaged: lines of the file that could not be read and were skipped.
    """

    answers: dict[str, list[dict]]
    damaged: int

    def lessons(self) -> list[dict]:
        """Per lesson: title, link, questions, answered, right at first, sure and wrong."""
        rows = []
        for lesson in dict.fromkeys(q.lesson for q in all_questions().values()):
            names = [q.id for q in all_questions().values() if q.lesson == lesson]
            first = [self.answers[n][0] for n in names if n in self.answers]
            rows.append(
                {
                    "lesson": lesson,
                    "title": title(lesson),
                    "questions": len(names),
                    "answered": len(first),
                    "right": sum(e["right"] for e in first),
                    "sure_wrong": sum(not e["right"] and e["confidence"] == 2 for e in first),
                }
            )
        return rows

    def sure_and_wrong(self) -> list[str]:
        """Ids answered wrong at first and with certainty: the most useful list there is."""
        return [n for n, given in self.answers.items() if not given[0]["right"] and given[0]["confidence"] == 2]

    def to_revisit(self) -> list[str]:
        """Ids whose last answer was wrong or a guess."""
        return [n for n, given in self.answers.items() if not given[-1]["right"] or given[-1]["confidence"] == 0]

    def gain(self) -> tuple[int, int, int] | None:
        """(pairs answered both before and after the course, right before, right after), None while there are none."""
        pairs = [(n, n.replace("pre-", "post-", 1)) for n in self.answers if n.startswith("pre-")]
        both = [(self.answers[a][0], self.answers[b][0]) for a, b in pairs if b in self.answers]
        return (len(both), sum(a["right"] for a, _ in both), sum(b["right"] for _, b in both)) if both else None

    @property
    def figure(self):
        """The same as a picture, with alt text."""
        from ..pictures.figures import progress_bars

        return progress_bars(self.lessons())

    def __repr__(self):
        rows = [
            f"{r['title']}: {r['answered']} of {r['questions']} answered, {r['right']} right" for r in self.lessons()
        ]
        return "\n".join([*rows, *self._notes()])

    def _notes(self):
        notes = []
        if gain := self.gain():
            pairs, before, after = gain
            notes.append(f"Before and after the course, on {pairs} parallel questions: {before} right, then {after}.")
        notes.append("The pages ask some of the questions; review() brings the others, and what was wrong or a guess.")
        if self.damaged:
            lines = "line" if self.damaged == 1 else "lines"
            notes.append(f"{self.damaged} {lines} of the progress file could not be read and were skipped.")
        return notes

    def _repr_html_(self):
        head = "".join(f"<th>{h}</th>" for h in ("Lesson", "Answered", "Right at first", "Sure and wrong"))
        body = "".join(
            f'<tr><td><a href="{r["lesson"]}.ipynb">{html.escape(r["title"])}</a></td>'
            f"<td>{r['answered']} of {r['questions']}</td><td>{r['right']}</td><td>{r['sure_wrong']}</td></tr>"
            for r in self.lessons()
        )
        parts = [f"<table><caption>Your answers so far</caption><tr>{head}</tr>{body}</table>"]
        sure = self.sure_and_wrong()
        others = [name for name in self.to_revisit() if name not in sure]
        for heading, names in (("Sure, and wrong", sure), ("Worth another look: wrong, or a guess", others)):
            items = "".join(_item(name, self.answers[name]) for name in names) or "<li>nothing at the moment</li>"
            parts.append(f"<p><b>{heading}</b></p><ul>{items}</ul>")
        parts += [f"<p>{html.escape(note)}</p>" for note in self._notes()]
        return "".join(parts)


def _item(name, given):
    q = all_questions()[name]
    slip = next((entry["misconception"] for entry in given if not entry["right"] and entry["misconception"]), "")
    about = f" <i>The slip behind it: “{html.escape(slip)}”.</i>" if slip else ""
    return f'<li><a href="{q.lesson}.ipynb">{title(q.lesson)}</a>: {html.escape(q.prompt)}{about}</li>'


def title(lesson: str) -> str:
    """`03_maxpool2d_in_pytorch` as people read it.

    >>> title("03_maxpool2d_in_pytorch")
    '03 MaxPool2d in PyTorch'
    """
    return f"{LESSONS[lesson].number} {LESSONS[lesson].title}"


def progress() -> Progress:
    """What you have answered so far, as a page; `.figure` is the same as a picture. Nothing leaves this machine.

    >>> print(str(progress()).splitlines()[0])
    00 Start here: 0 of 6 answered, 0 right
    """
    found, damaged = entries()
    return Progress(by_question(found), damaged)


# ---- carry it elsewhere, come back to it -------------------------------------------------------------------------


def export_progress(file) -> str:
    """Write everything answered so far into one file, to carry on elsewhere; returns what was done in a sentence.

    Args:
        file: its name or path; one that is there is overwritten.

    Raises:
        OSError: the file cannot be written.

    >>> export_progress("my-progress.jsonl")
    '0 answers written to my-progress.jsonl.'
    """
    found, _ = entries()
    Path(file).write_text("".join(json.dumps(e) + "\n" for e in found), encoding="utf-8")
    return f"{len(found)} answers written to {file}."


def import_progress(file) -> str:
    """Take over the answers of an exported file; those already here are left alone.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no answers.

    >>> import_progress("of-another-machine.jsonl")
    Traceback (most recent call last):
    FileNotFoundError: there is no file 'of-another-machine.jsonl' here: upload it beside the notebook first.
    """
    path = Path(file)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {str(file)!r} here: upload it beside the notebook first.")
    theirs, damaged = entries(path)
    if not theirs:
        raise ValueError(
            f"{str(file)!r} holds no answers of this course: take a file that export_progress has written."
        )
    ours = {(e["id"], e["time"]) for e in entries()[0]}
    new = [e for e in theirs if (e["id"], e["time"]) not in ours]
    for entry in new:
        if problem := record(entry):
            raise OSError(problem)
    skipped = f" {damaged} lines could not be read." if damaged else ""
    return f"{len(new)} answers taken over, {len(theirs) - len(new)} were here already.{skipped}"


def due(found: list[dict], now: float | None = None) -> list[str]:
    """Ids of questions to bring back now: wrong or unsure ones first, right ones after growing pauses."""
    now = time.time() if now is None else now
    waiting = []
    for name, given in by_question(found).items():
        streak = 0
        for entry in given:
            streak = streak + 1 if entry["right"] and entry["confidence"] > 0 else 0
        never_wrong = streak == len(given) and given[0]["confidence"] == len(SURE) - 1
        since = now - given[-1]["time"]
        if not never_wrong and since >= SPACING[min(streak, len(SPACING) - 1)] * DAY:
            waiting.append((streak, given[-1]["time"], name))
    return [name for *_, name in sorted(waiting)]


def unasked(found: list[dict]) -> list[str]:
    """Ids of the check questions not answered yet, in lessons that were begun; a page asks only some of them."""
    answered = by_question(found)
    begun = {all_questions()[name].lesson for name in answered}
    return [q.id for q in all_questions().values() if q.role == "check" and q.lesson in begun and q.id not in answered]
