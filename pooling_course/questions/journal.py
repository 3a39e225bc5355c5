"""What this learner has answered, on this machine only: a small file beside the notebooks, and pages made from it.

The file is append-only, one JSON object a line; a line is written in one piece, so that two notebooks lose nothing and
a killed kernel can damage at most the line it was writing, which is skipped and said so.
"""

import errno
import html
import json
import math
import os
import stat
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from .. import place
from . import SURE, Reach, all_questions
from .lessons import LESSONS
from .path import course_map, ladder

NAME = ".pooling_course_progress.jsonl"
VERSION = 1
SPACING = (0, 1, 3, 7, 21)  # days until a question comes back, by how often in a row it was right and not a guess
DAY = 86_400
LAST = 64  # bytes by which a file that has grown is known again
TEXTS = ("lesson", "misconception")


def journal_path() -> Path:
    """The file: `$POOLING_COURSE_PROGRESS`, or one in the folder that the notebook was started in."""
    named = os.environ.get("POOLING_COURSE_PROGRESS")
    return Path(place.STARTED_IN, os.path.expanduser(named) if named else NAME)


def record(entry: dict, path: Path | None = None) -> str:
    """Append one answer; returns "" or, where that failed, the sentence to show. Never raises for a full disk.

    What could not be written is kept, counts as answered, and is written with the next answer.
    """
    path = path or journal_path()
    line = json.dumps({"v": VERSION, "time": round(time.time(), 3), **entry}).encode()
    waiting = _WAITING.setdefault(path, [])
    waiting.append(line)
    try:
        _refuse_pipe(path)
        with open(path, "ab") as file:
            half = file.tell() and not _ends_whole(path)
            file.write(b"\n" * half + b"".join(line + b"\n" for line in waiting))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return (
            f"Your answer counts here, but it could not be saved for later ({_reason(error, path)}). It is kept "
            f"until it can be, as long as this notebook runs. The lesson goes on."
        )
    waiting.clear()
    return ""


def _refuse_pipe(path):
    """To open one is to wait for whoever is at its other end."""
    if path.is_fifo():
        raise OSError(errno.EINVAL, "it is no ordinary file", str(path))


def _reason(error, path):
    return f"{error.strerror or error}: {path.name} in {path.parent}"


def _ends_whole(path):
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


_WAITING: dict[Path, list[bytes]] = {}  # lines that could not be written yet


@dataclass
class _Read:
    """What was read of a file so far: whole lines up to `end`, the last bytes of which are `last`."""

    found: list = field(default_factory=list)
    damaged: list = field(default_factory=list)
    seen: set = field(default_factory=set)
    lines: int = 0
    end: int = 0
    last: bytes = b""
    stamp: tuple = ()

    def take(self, line: bytes):
        self.lines += 1
        entry = _entry(line) if line.strip() else None
        if entry is None:
            self.damaged += [self.lines] if line.strip() else []
        elif hash(line) not in self.seen:  # once more, where the disk refused only half of it
            self.seen.add(hash(line))
            self.found.append(entry)


_READ: dict[Path, _Read] = {}


def entries(path: Path | None = None) -> tuple[list[dict], list[int]]:
    """(answers in the order they were given, the lines that could not be read, from 1); none of a file out of reach.

    Only what was added since the last call is read, by whichever kernel; a file that was changed otherwise, anew.
    """
    path = path or journal_path()
    try:
        now, rest = _caught_up(path)
    except OSError:
        now, rest = _Read(), []
    whole = _Read(list(now.found), list(now.damaged), set(now.seen), now.lines)
    for line in [*rest, *_WAITING.get(path, ())]:
        whole.take(line)
    return sorted(whole.found, key=lambda entry: entry["time"]), whole.damaged  # what was imported may be older


def _caught_up(path):
    """(what was read of the file up to its last whole line, the line behind it that is none yet)."""
    _refuse_pipe(path)
    with path.open("rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
        read = _READ.get(path, _Read())
        file.seek(read.end - len(read.last))
        grown = about.st_size > read.end and read.stamp[:1] == (about.st_ino,)
        if (
            read.stamp != (about.st_ino, about.st_mtime_ns, about.st_size)
            and not grown
            or file.read(len(read.last)) != read.last
        ):
            read = _Read()
            file.seek(0)
        *whole, rest = file.read(about.st_size - read.end).split(b"\n")
    for line in whole:
        read.take(line)
    if whole:
        read.end += sum(map(len, whole)) + len(whole)
        read.last = (whole[-1] + b"\n")[-LAST:]
    read.stamp = about.st_ino, about.st_mtime_ns, about.st_size
    _READ[path] = read
    return read, [rest]


def answers_to(name: str, path: Path | None = None) -> list[dict]:
    """The answers to one question, the first one first: found without reading the rest of a long file."""
    path = path or journal_path()
    try:
        data = path.read_bytes() if path.is_file() else b""
    except OSError:
        data = b""
    needle, at = json.dumps(name).encode(), 0
    lines: dict[bytes, None] = {}
    while (at := data.find(needle, at)) >= 0:
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        lines[data[data.rfind(b"\n", 0, at) + 1 : end]] = None
        at = end
    found = [entry for line in [*lines, *_WAITING.get(path, ())] if (entry := _entry(line)) and entry["id"] == name]
    return sorted(found, key=lambda entry: entry["time"])


def trouble(path: Path | None = None) -> str:
    """Why the file of answers cannot be used as it should, in a sentence; "" where it can, or is still to be made."""
    path = path or journal_path()
    waiting = len(_WAITING.get(path, ()))
    kept = f" {waiting} of your answers are kept only as long as this notebook runs." if waiting else ""
    try:
        if not path.parent.is_dir():
            return f"The folder of the progress file is gone: {path.parent}.{kept}"
        _caught_up(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        return f"The progress file cannot be read ({_reason(error, path)}).{kept}"
    return f"The progress file could not be written: {path}.{kept}" if kept else ""


def _entry(line):
    """A line as today's form of an entry; None where it is damaged: no JSON, or of types that nothing here writes."""
    try:
        entry = json.loads(line)
        if entry.get("v", 0) < 1:  # had no confidence, and called the time `t`
            entry = {"time": entry.pop("t", 0), **entry}
        entry = {"confidence": 0, "seconds": 0, "misconception": "", "attempt": 1, **entry}
        whole = (
            type(entry["confidence"]) is int and entry["confidence"] in range(len(SURE)) and entry["right"] in (0, 1)
        )
        texts = all(isinstance(entry.get(name, ""), str) for name in TEXTS) and isinstance(entry["id"], str)
        counts = all(type(entry[name]) in (int, float) and math.isfinite(entry[name]) for name in ("time", "seconds"))
        if not (whole and texts and counts and type(entry["attempt"]) is int):
            return None
        entry["misconception"].encode()  # half a character would break the page
        return {**entry, "right": bool(entry["right"]), "time": float(entry["time"])}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


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
    """A page on what was answered, with a map of the course; made by `progress`.

    Attributes:
        answers: question id -> the answers given, the first one first.
        damaged: the lines of the file that could not be read and were skipped, from 1.
        trouble: why the file cannot be used as it should, in a sentence, or "".
    """

    answers: dict[str, list[dict]]
    damaged: list[int]
    trouble: str = ""

    def lessons(self) -> list[dict]:
        """Per lesson: title, questions, answered, right at first, sure and wrong; challenges, and those reached; done
        or not. What no lesson asks counts once it is answered.
        """
        rows = []
        for lesson in dict.fromkeys(q.lesson for q in all_questions().values()):
            its = [q for q in all_questions().values() if q.lesson == lesson]
            names = [q.id for q in its if q.role != "review" or q.id in self.answers]
            first = [self.answers[n][0] for n in names if n in self.answers]
            challenges = [n for n in names if all_questions()[n].kind == "reach"]
            rows.append(
                {
                    "lesson": lesson,
                    "title": title(lesson),
                    "questions": len(names),
                    "answered": len(first),
                    "right": sum(e["right"] for e in first),
                    "sure_wrong": sum(not e["right"] and e["confidence"] == 2 for e in first),
                    "challenges": len(challenges),
                    "reached": sum(any(e["right"] for e in self.answers.get(n, ())) for n in challenges),
                    "done": all(_is_done(n, self.answers) for n in names),
                }
            )
        return rows

    def sure_and_wrong(self) -> list[str]:
        """Ids answered wrong at first and with certainty: the most useful list there is."""
        return [n for n, given in self.answers.items() if not given[0]["right"] and given[0]["confidence"] == 2]

    def to_revisit(self) -> list[str]:
        """Ids whose last answer was wrong or a guess."""
        return [n for n, given in self.answers.items() if not given[-1]["right"] or given[-1]["confidence"] == 0]

    def next(self) -> str:
        """The lesson to go on with: the one answered last, or the next that is not done; "" where all are."""
        open_ones = [row["lesson"] for row in self.lessons() if not row["done"]]
        last = max(self.answers.items(), key=lambda given: given[1][-1]["time"], default=None)
        at = all_questions()[last[0]].lesson if last else ""
        return next((lesson for lesson in open_ones if lesson >= at), open_ones[0] if open_ones else "")

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
        notes.append(
            "The lessons ask some of the questions; review() brings what was wrong or unsure, and the others of the "
            "lessons that you have begun."
        )
        if self.damaged:
            lines, which = _lines(self.damaged), _named(self.damaged)
            notes.append(f"{lines} of the progress file could not be read and were skipped: {which}.")
        return [*notes, self.trouble] if self.trouble else notes

    def _repr_html_(self):
        head = "".join(f"<th>{h}</th>" for h in ("Lesson", "Answered", "Right at first", "Sure and wrong"))
        body = "".join(
            f'<tr><td><a href="{r["lesson"]}.ipynb">{html.escape(r["title"])}</a></td>'
            f"<td>{r['answered']} of {r['questions']}</td><td>{r['right']}</td><td>{r['sure_wrong']}</td></tr>"
            for r in self.lessons()
        )
        table = f"<table><caption>Your answers so far</caption><tr>{head}</tr>{body}</table>"
        parts = [
            course_map(self.lessons(), self.next()),
            f"<details style='margin:8px 0'><summary>The same as a table</summary>{table}</details>",
        ]
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
    link = f'<a href="{q.lesson}.ipynb" style="text-decoration:underline">{title(q.lesson)}</a>'
    return f"<li>{link}: {html.escape(q.prompt)}{about}</li>"


def _answers(count):
    return f"{count} answer{'' if count == 1 else 's'}"


def _lines(numbers):
    return f"{len(numbers)} line{'' if len(numbers) == 1 else 's'}"


def _named(numbers):
    more = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    return f"line {', '.join(map(str, numbers[:10]))}{more}"


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
    return Progress(by_question(found), damaged, trouble())


@dataclass(frozen=True)
class Challenges:
    """A page on the challenges of the course, as a ladder; made by `challenges`.

    Attributes:
        rungs: a dictionary for each, in the order of the course: id, lesson, title, prompt, fewest, and moves, the
            fewest in which it was reached, None where it was not.
    """

    rungs: list[dict]

    def __repr__(self):
        done = [f"{'◆' if rung['moves'] is not None else '◇'} {rung['id']}: {rung['prompt']}" for rung in self.rungs]
        return "\n".join(done)

    def _repr_html_(self):
        reached = sum(rung["moves"] is not None for rung in self.rungs)
        head = (
            f"<p>{reached} of {len(self.rungs)} challenges reached. Each is in its lesson, under Check yourself. Where "
            f"a link shows you only the top of a lesson, run its cells, come back and click once more.</p>"
        )
        return head + ladder(self.rungs)


def challenges() -> Challenges:
    """The challenges of the course, which are answered by moving an explorer: those reached, and where the others are.

    >>> print(str(challenges()).splitlines()[0])
    ◇ reach-four-windows: Shrink the digit to 2 × 2, and let no cell go unread.
    """
    given, rungs = by_question(entries()[0]), []
    for q in [q for q in all_questions().values() if isinstance(q, Reach)]:
        reached = [e["answer"] for e in given.get(q.id, ()) if e["right"] and "answer" in e]
        moves = [count for answer in reached if (count := _moves(q, answer)) is not None]
        told = {"id": q.id, "lesson": q.lesson, "title": title(q.lesson), "prompt": q.prompt}
        rungs.append(told | {"fewest": q.count(q.truth), "moves": min(moves, default=None)})
    return Challenges(rungs)


def _moves(q, answer):
    """How many moves an answer of some day was; None where the challenge has changed since."""
    try:
        return q.count(q.parse(answer))
    except ValueError:
        return None


# ---- where a lesson ends -----------------------------------------------------------------------------------------


def finished(lesson: str) -> str:
    """What to say where no question is left of those that a lesson asks: how it went, and the way on; "" until then."""
    asked = [q.id for q in all_questions().values() if q.lesson == lesson and q.role != "review"]
    given = by_question(entries()[0])
    if not all(_is_done(name, given) for name in asked):
        return ""
    right = sum(given[name][0]["right"] for name in asked)
    names = list(LESSONS)
    after = names[names.index(lesson) + 1 :][:1]
    on = (
        f"Next: {LESSONS[after[0]].heading}; the link is at the end of the page." if after else "That was the last one."
    )
    return (
        f"Lesson {LESSONS[lesson].number} is done: {len(asked)} of {len(asked)} answered, {right} right at first. {on}"
    )


def _is_done(name, given):
    """A question is done with its answer, a challenge once it is reached."""
    answers = given.get(name, ())
    return any(e["right"] or all_questions()[name].kind != "reach" for e in answers)


# ---- carry it elsewhere, come back to it -------------------------------------------------------------------------


def export_progress(file) -> str:
    """Write everything answered so far into one file, to carry on elsewhere; returns what was done in a sentence.

    Args:
        file: its name or path; one that is there is overwritten.

    Raises:
        OSError: the file cannot be written.
        TypeError: file is no name.

    >>> export_progress("my-progress.jsonl")
    '0 answers written to my-progress.jsonl.'
    """
    found, _ = entries()
    try:
        _path(file).write_text("".join(json.dumps(e) + "\n" for e in found), encoding="utf-8")
    except OSError as error:
        why = f"the answers cannot be written to {_short(file)} ({error.strerror}): give another name."
        raise OSError(why) from None
    return f"{_answers(len(found))} written to {file}."


def _path(file):
    """The path that is meant, which need not be where the answers of this notebook are."""
    if not isinstance(file, (str, os.PathLike)):
        raise TypeError(
            f"file={file!r} is of type {type(file).__name__}: give the name of a file, such as 'mine.jsonl'."
        )
    if "\0" in os.fspath(file):
        raise ValueError(f"file={file!r} is no name of a file: it holds a zero byte.")
    return Path(file).expanduser()


def _short(file):
    text = str(file)
    return repr(text if len(text) <= 200 else f"{text[:80]}...")


def import_progress(file) -> str:
    """Take over the answers of an exported file; those already here are left alone.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no answers.

    >>> import_progress("of-another-machine.jsonl")
    Traceback (most recent call last):
    FileNotFoundError: there is no file 'of-another-machine.jsonl' here: upload it beside the notebook first.
    """
    path = _path(file)
    try:
        if not path.exists():
            raise FileNotFoundError(f"there is no file {str(file)!r} here: upload it beside the notebook first.")
        theirs, damaged = entries(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OSError(f"{_short(file)} cannot be read ({error.strerror}): give another file.") from None
    if not theirs:
        raise ValueError(
            f"{str(file)!r} holds no answers of this course: take a file that export_progress has written "
            "when there were some."
        )
    ours = {(e["id"], e["time"]) for e in entries()[0]}
    new = [e for e in theirs if (e["id"], e["time"]) not in ours]
    for entry in new:
        if problem := record(entry):
            raise OSError(problem)
    skipped = f" {_lines(damaged)} could not be read: {_named(damaged)}." if damaged else ""
    known = len(theirs) - len(new)
    return f"{_answers(len(new))} taken over, {known} {'was' if known == 1 else 'were'} here already.{skipped}"


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
    """Ids of the questions that no page asks, not answered yet, in lessons that were begun."""
    answered = by_question(found)
    begun = {all_questions()[name].lesson for name in answered}
    return [q.id for q in all_questions().values() if q.role == "review" and q.lesson in begun and q.id not in answered]
