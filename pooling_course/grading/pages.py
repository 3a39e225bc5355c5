"""Marks as pages: one for each student, and a report on the class for the instructor.

A page is one file that needs nothing else. Whatever a student wrote is escaped; no script stands in any page.
"""

import hashlib
import os
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape as html_escape
from pathlib import Path
from statistics import median

from ..exercises import load
from ..questions.journal import entries
from ..web.assets import style
from .alike import look_alikes
from .assignments import ASSIGNMENTS, Asked, Written, named, title
from .book import GRADES, Book
from .measures import FEWEST_GAIN, FEWEST_ITEMS, gain, items, paired, took
from .submissions import Entry
from .tables import TOTAL, Row, visible

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # what Windows takes for a device
MOST_ALIKE = 100  # groups that are listed
MOST_TOLD = 20  # names in a sentence
LONG = 60  # characters, from which a cell of a table is not squeezed on a phone
STATES = {
    "solved": "✓ solved",
    "wrong": "✗ not right",
    "refused": "✗ does not keep the rule",
    "untouched": "○ not attempted",
    "missing": "✗ not in the notebook",
    "lost": "✗ no answer",
    "unreadable": "✗ no notebook",
}
LOOK = """
body { margin: 0; background: var(--pc-paper); color: var(--pc-ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 1rem }
h2 { margin: 2em 0 0.5em; border-bottom: 1px solid var(--pc-line) }
.wide { overflow-x: auto }
.wide table { border-collapse: collapse }
.wide > table > * > tr > *, .wide > table > caption { padding: 2px 10px; text-align: left }
.wide > table > * > tr > * { border: 1px solid var(--pc-hairline) }
.number { text-align: right !important; font-variant-numeric: tabular-nums }
figure { margin: 1em 0 }
.comment { white-space: pre-line; border-left: 3px solid var(--pc-line); padding-left: 0.8em }
.long { min-width: 16rem }
.bars { display: grid; grid-template-columns: fit-content(45%) minmax(0, 24rem); gap: 3px 0.6em; align-items: center }
.bars { margin: 0.5em 0; font-size: 0.85rem; line-height: 1.3 }
.bars > :nth-child(odd) { text-align: right; overflow-wrap: anywhere }
.bars > :nth-child(even) { display: flex; align-items: center; gap: 0.4em; padding-right: 2.5em }
.bars i { background: var(--pc-reader); height: 1.2em; flex: none }
.bars i { print-color-adjust: exact; forced-color-adjust: none }
"""


def escape(text: str) -> str:
    return html_escape(visible(text))


def page(title: str, body: str) -> str:
    """A whole page; the browser is told to run nothing and to load nothing."""
    return (
        '<!doctype html>\n<html lang="en" class="pooling-course"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_colours()}{LOOK}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>\n{body}</main></body></html>\n"
    )


def _colours():
    """The colours of the course, light or dark as the reader's system is."""
    look = style("web/look.css")
    dark = look[look.index('.pooling-course[data-theme="dark"]') :].replace('[data-theme="dark"]', "")
    return f"{look}@media (prefers-color-scheme: dark) {{ {dark} }}"


def table(caption: str, head: list[str], lines: list[list]) -> str:
    """Rows of text and numbers, escaped."""

    def cell(value):
        if isinstance(value, (int, float)):
            return f'<td class="number">{_minus(f"{value:g}")}</td>'
        kind = ' class="long"' if len(str(value)) > LONG else ""
        return f"<td{kind}>{escape(str(value))}</td>"

    tops = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "\n".join(f"<tr>{''.join(map(cell, line))}</tr>" for line in lines)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{tops}</tr></thead><tbody>{body}</tbody></table></div>\n"
    )


def _minus(number):
    return number.replace("-", "−")


def bars(alt: str, values: Mapping[str, float]) -> str:
    """A bar for each name. The numbers stand in the table beside it; `alt` says what is seen."""
    most = max([*values.values(), 1])
    lines = [
        f'<span>{escape(name)}</span><span><i style="width: {100 * value / most:.1f}%"></i>{value:g}</span>'
        for name, value in values.items()
    ]
    plot = f'<div class="bars" role="img" aria-label="{escape(alt)}">{"".join(lines)}</div>'
    return f"<figure><figcaption>{escape(alt)}</figcaption>{plot}</figure>\n"


# ---- For a student ---------------------------------------------------------------------------------------------------


def feedback_pages(assignment: str, rows: list[Row], book: Book | None = None) -> Iterator[tuple[str, bytes]]:
    """The pages for students, one at a time: the name of its file, and what it holds. The book has the records."""
    for name, row in zip(names(rows), rows, strict=True):
        whole = replace(row, record=book.get(row.key)) if book and row.key else row
        yield f"{name}.html", feedback(assignment, whole).encode("utf-8", "replace")


def names(rows: list[Row]) -> list[str]:
    """What each student's page is called; no two are called alike, on any system."""
    people = [row.student for row in rows]
    shared = Counter(map(_alike_to_systems, map(file_name, people)))
    numbered = [
        file_name(name if shared[_alike_to_systems(file_name(name))] == 1 else f"{name} {row.number}".strip())
        for name, row in zip(people, rows, strict=True)
    ]
    shared = Counter(map(_alike_to_systems, numbered))
    told_apart = []
    for name, row in zip(numbered, rows, strict=True):
        only = shared[_alike_to_systems(name)] == 1
        told_apart.append(name if only else f"{name}-{_digest(f'{row.student}/{row.number}')}")
    return told_apart


def _alike_to_systems(name):
    """The same for names that some system takes for one: case, and how an accent is written, do not count there."""
    return unicodedata.normalize("NFKC", name).casefold()


def file_name(student: str) -> str:
    """A name that every system takes as that of a file; where it had to be changed, two students' still differ.

    A name that looks as if it had been changed is changed, too: nobody can be called like another's page.

    >>> file_name("Ada Doe"), file_name("O'Brien"), file_name("O_Brien-e6e62496")
    ('Ada Doe', 'O_Brien-e6e624964c83', 'O_Brien-e6e62496')
    """
    safe = re.sub(r"[^\w .@-]", "_", student)
    try:
        safe = os.fsencode(safe)[:150].decode(sys.getfilesystemencoding(), "ignore").strip(" .")
    except UnicodeEncodeError:  # a system in which names of files are ASCII
        safe = re.sub(r"[^\x00-\x7f]", "_", safe)[:150].strip(" .")
    safe = f"_{safe}" if RESERVED.fullmatch(safe) else safe
    changed = safe != student or re.search(r"-[0-9a-f]{12}$", safe)
    return f"{safe or 'student'}-{_digest(student)}" if changed or not safe else safe


def _digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def feedback(assignment: str, row: Row) -> str:
    parts = named(assignment)
    full, unread, total = ASSIGNMENTS[assignment].points, row.unread(assignment), row.decided.get(TOTAL)
    points = f"<strong>{row.points:g} of {full:g} points</strong>{' so far' * bool(unread)}"
    late = f" ({row.days_late} day{'s' * (row.days_late > 1)} late: {row.share:.0%} of the points count)"
    body = [f"<p>{escape(row.student)}: {points}{late if row.days_late else ''}</p>\n"]
    if total:
        body += ["<p>A person has set these points.</p>\n" * (total.points is not None), _comment(total)]
    body += [f"<p>{_with_code(sentence)}</p>\n" for sentence in (row.record or {}).get("told", [])]
    if unread:
        names = ", ".join(title(parts[name]) for name in unread)
        body.append(f"<p>Points are still to come from a person, who reads: {escape(names)}.</p>\n")
    machine = {part["exercise"]: part for part in row.parts}
    lines = []
    for name, part in parts.items():
        made, state = row.decided.get(name), _state(machine[name]) if name in machine else "○ not read yet"
        if made and made.points is not None:
            state = f"{state}; a person gave the points" if name in machine else "✓ read"
        lines.append([title(part), state, row.marks.get(name, ""), part.points])
    body.append(table("Your points", ["task", "", "points", "out of"], lines))
    for name, part in parts.items():
        found, made = machine.get(name), row.decided.get(name)
        if (found and found["state"] != "solved") or made:
            body.append(f"<h2>{escape(title(part))}</h2>\n{_comment(made, getattr(part, 'rubric', {}))}")
        if found and found["state"] != "solved":
            body += [f"<p>{_with_code(sentence)}</p>\n" for sentence in found["says"]]
            if found["html"]:  # made by exercises.report, which escapes what it shows
                lead = "" if isinstance(part, Asked) else "<p>What your own check says:</p>\n"
                body.append(f"{lead}{found['html']}\n")
            elif found.get("case"):
                body.append(f"<p>These are your own numbers:</p>\n{found['case']}\n")
    if row.record and row.record["cells"]:
        lines = [[int(number), text] for number, text in row.record["cells"].items()]
        body.append("<h2>Cells that did not go through</h2>\n<p>The cells below them ran all the same.</p>\n")
        body.append(table("Code cells, counted from the top", ["cell", "what happened"], lines))
    return page(ASSIGNMENTS[assignment].title, "".join(body))


def _state(part):
    return "✗ not right" if part["state"] == "wrong" and part["total"] == 1 else STATES[part["state"]]


def _comment(made, rubric=None):
    """What a person wrote for the student, below what the rubric says to these points."""
    says = (rubric or {}).get(made.points, "") if made else ""
    parts = [f"<p>{made.points:g} point{'s' * (made.points != 1)}: {escape(says)}.</p>\n"] if says else []
    if made and made.comment:
        parts.append(f'<p class="comment">{escape(made.comment)}</p>\n')
    return "".join(parts)


def _with_code(sentence):
    parts = escape(sentence).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


# ---- For the instructor ----------------------------------------------------------------------------------------------


def report(
    assignment: str,
    rows: list[Row],
    progress: Path | None = None,
    entries: Sequence[Entry] = (),
    said: Sequence[str] = (),
    decided: Sequence[tuple] = (),
    earlier: Sequence[tuple] = (),
    gained: str = "",
) -> str:
    """The page on the class.

    Args:
        assignment: its name.
        rows: of all students.
        progress: a folder with learners' progress files.
        entries: what became of every file.
        said: what the instructor should know about the whole.
        decided: all that people ever decided, as `Book.decisions` has it.
        earlier: shapes of answers in earlier classes, as `alike.earlier_classes` gives them.
        gained: what `gained` says of this test and one before.
    """
    graded = [row for row in rows if row.record]
    sections = [_points(assignment, graded), _gained(gained), _tasks(assignment, graded), _items(assignment, graded)]
    sections.append(_mistakes(assignment, graded))
    if progress:
        sections.append(_slips(progress))
    sections += [_decided(assignment, decided, graded), _alike(assignment, graded, earlier)]
    sections += [_notes(rows, said), _files(entries)]
    title = f"{ASSIGNMENTS[assignment].title}: {len(graded)} of {len(rows)} submissions graded"
    return page(title, "".join(sections))


def _points(assignment, rows):
    full = ASSIGNMENTS[assignment].points
    tenths = Counter(min(int(10 * row.points / full), 9) for row in rows)
    counts = {f"{10 * i} to {10 * i + 10} %": tenths[i] for i in range(10)}
    middle = median(row.points for row in rows) if rows else 0
    said = f"{_people(len(rows))}; the median is {middle:g} of {full:g} points."
    lines = [[name, count] for name, count in counts.items()]
    plot = bars("How many students have which share of the points.", counts)
    counted = table("Students by share of the points", ["points", "students"], lines)
    return f"<h2>Points</h2><p>{said}</p>\n{plot}{counted}"


def _tasks(assignment, rows):
    lines, solved = [], {}
    stand = {name: Counter[str]() for name in named(assignment)}
    for row in rows:
        for part in row.parts:
            stand[part["exercise"]][part["state"]] += 1
    shown = [state for state in STATES if state == "solved" or any(states[state] for states in stand.values())]
    for name, part in named(assignment).items():
        marks = [row.marks[name] for row in rows if name in row.marks]
        mean = round(sum(marks) / max(len(marks), 1), 2)
        states = stand[name]
        if not isinstance(part, Written):
            solved[title(part)] = states["solved"]
        lines.append([title(part), name, mean, part.points, len(marks), *(states[state] for state in shown)])
    head = ["task", f"in {GRADES}", "mean", "out of", "marked", *(STATES[state].partition(" ")[2] for state in shown)]
    plot = bars(f"How many of {_people(len(rows))} solved each task.", solved)
    return f"<h2>Tasks</h2>{plot}{table('Each task: its mean, and how many students stand where', head, lines)}"


def scores(assignment: str, rows: list[Row]) -> list[tuple[str, str, float]]:
    """Who took a test: name, number and share of the points, whenever it was handed in; of a group who handed in."""
    full = ASSIGNMENTS[assignment].points
    return [(row.student, row.number, sum(row.marks.values()) / full) for row in _took(rows)]


def _took(rows):
    return [row for row in rows if row.through is None and took(part["state"] for part in row.parts)]


def gained(before: Sequence[tuple], after: Sequence[tuple]) -> str:
    """What a class gained from one test to another, in sentences; scores are as `scores` gives them."""
    pairs, only_before, only_after = paired(before, after)
    alone = _only_in("first", only_before) + _only_in("second", only_after)
    if len(pairs) < FEWEST_GAIN:
        return (
            f"{_people(len(pairs))} took both tests. What they gained is told from {FEWEST_GAIN} on: the interval of "
            f"fewer says next to nothing.{alone}"
        )
    found = gain(*zip(*pairs, strict=True))
    change, low, high = (_minus(f"{100 * share:.1f}") for share in (found.difference, found.low, found.high))
    normal = (
        "There is no normalised gain, as the mean fell."
        if found.difference < 0
        else "There is no normalised gain, as nothing was left to gain."
        if found.normalised is None
        else f"The normalised gain is {found.normalised:.2f}: that part of what was missing before."
    )
    return (
        f"{_people(found.count)} took both tests: {100 * found.before:.0f} % of the points before, "
        f"{100 * found.after:.0f} % after. On average each gained {change} percentage points "
        f"(95 % interval {low} to {high}). {normal}{alone}"
    )


def _only_in(which, names):
    more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    return f" Only in the {which}: {', '.join(names[:MOST_TOLD])}{more}." if names else ""


def _people(count):
    return _counted(count, "student")


def _counted(count, what):
    return f"{count} {what}{'s' * (count != 1)}"


def _gained(sentences):
    if not sentences:
        return ""
    how = (
        "The interval is Student's for paired differences, d ± t s / √n. The normalised gain is (after − before) / "
        "(1 − before) of the two means (Hake, American Journal of Physics 66, 1998). Without a class that did not take "
        "the course, it cannot be told how much of a gain the course brought."
    )
    return f"<h2>What the class gained</h2><p>{escape(sentences)}</p>\n<p>{how}</p>\n"


def _items(assignment, rows):
    """What each item is worth as a test; one that somebody's answer has no mark in is left out."""
    rows = _took(rows)
    full = {name: part.points for name, part in named(assignment).items() if all(name in row.marks for row in rows)}
    unread = [title(part) for name, part in named(assignment).items() if name not in full]
    if not rows or not full:
        return ""
    tells = len(rows) >= FEWEST_ITEMS
    lines = []
    for item in items([{name: row.marks[name] for name in full} for row in rows], full):
        found = Counter(p["mistake"] for row in rows for p in row.parts if p["exercise"] == item.name and p["mistake"])
        said = "; ".join(f"{name}: {count}" for name, count in found.most_common())
        lines.append([_title(assignment, item.name), round(item.difficulty, 2), _discrimination(item, tells), said])
    how = (
        f"{_people(len(rows))} who answered something; a group counts once. Difficulty is the mean share of the "
        "points, 1 where everybody has all. Discrimination is the correlation of a task's points with those for all "
        "other tasks, from −1 to 1. One that is 0 in truth comes out with a standard error of 1/√(n − 1)"
    )
    how += (
        f", which is {1 / (len(rows) - 1) ** 0.5:.2f} here. As a rule of thumb, what is below 0.2 tells little about "
        "who knows more; below 0, look at the task itself."
        if tells
        else f": it is shown from {FEWEST_ITEMS} students on, where that is 0.2 or less."
    )
    how += f" Not in here, as not all are read: {', '.join(unread)}." * bool(unread)
    head = ["task", "difficulty", "discrimination", "known mistakes, and how many made them"]
    return f"<h2>The tasks as a test</h2><p>{how}</p>\n{table('What each task tells about the class', head, lines)}"


def _discrimination(item, tells):
    if item.difficulty in (0, 1):
        return f"none: everybody has {'all' if item.difficulty else 'no'} points"
    if not tells:
        return "too few students"
    return "none: nothing varies" if item.discrimination is None else round(item.discrimination, 2)


def _decided(assignment, decided, rows):
    """Who changed what, and when."""
    if not decided:
        return ""
    held: dict[tuple, float | None] = {
        (row.student, row.number, part["exercise"]): part["points"] for row in rows for part in row.parts
    }
    lines = []
    for when, who, student, number, task, points, comment in decided:
        was = held.get((student, number, task))
        marks = ["" if value is None else value for value in (was, points)]
        lines.append([when, who, student, number, _title(assignment, task), *marks, comment])
        if points is not None:
            held[student, number, task] = points
    head = ["when", "who", "student", "number", "task", "was", "is", "comment"]
    return f"<h2>Decided by hand</h2>{table('What people decided, in its order', head, lines)}"


def _mistakes(assignment, rows):
    who = defaultdict(list)
    for row in rows:
        for part in row.parts:
            if part["mistake"]:
                who[part["exercise"], part["mistake"]].append(row.student)
    found = Counter({mistake: len(students) for mistake, students in who.items()})
    if not found:
        return "<h2>Misconceptions</h2><p>No answer matches a known mistake.</p>"
    lines = []
    for (task, mistake), count in found.most_common():
        whose = ", ".join(sorted(who[task, mistake]))
        lines.append([_title(assignment, task), mistake, count, _says(assignment, task, mistake), whose])
    counts = {f"{line[0]}: {line[1]}": line[2] for line in lines}
    plot = bars("How many students made which known mistake.", counts)
    head = ["task", "mistake", "students", "what it is", "who"]
    if not any(line[3] for line in lines):  # of questions, whose misconceptions have names that say it
        head, *lines = ([*line[:3], line[4]] for line in (head, *lines))
    return f"<h2>Misconceptions</h2>{plot}{table('Answers that match a known mistake in every case', head, lines)}"


def _title(assignment, name):
    """What people call a task; all of the points, and what an assignment no longer asks, have no other name."""
    part = named(assignment).get(name)
    return title(part) if part else name


def _says(assignment, exercise, name):
    if isinstance(named(assignment)[exercise], Asked):
        return ""  # its name says it
    return next((mistake.says for mistake in load(exercise).mistakes if mistake.name == name), "")


def _slips(folder):
    """Misconceptions in the questions of the lessons, from the files that learners handed in."""
    files = sorted(path for path in folder.rglob("*.jsonl") if path.is_file() and not path.is_symlink())
    found: Counter[str] = Counter()
    damaged = 0
    for path in files:
        answers, bad = entries(path)
        damaged += len(bad)
        found.update({str(entry["misconception"]) for entry in answers if entry["misconception"]})
    said = f"<p>{_counted(len(files), 'progress file')}; {_counted(damaged, 'line')} could not be read.</p>"
    if not found:
        return f"<h2>In the questions of the lessons</h2>{said}"
    plot = bars("How many learners showed which misconception in the lessons' questions.", dict(found.most_common()))
    lines = [list(item) for item in found.most_common()]
    tabled = table("Misconceptions in the questions of the lessons", ["misconception", "learners"], lines)
    return f"<h2>In the questions of the lessons</h2>{said}{plot}{tabled}"


def _alike(assignment, rows, earlier):
    found = look_alikes(assignment, rows, earlier)
    said = (
        "<h2>A place to look</h2><p>These answers are built alike, whatever their names and comments, in a way that "
        "few others of the class are. That is no finding: short answers to one task are often alike, and people who "
        "learn together write alike. Read them before you think anything.</p>"
    )
    if not found:
        return (
            "<h2>A place to look</h2><p>No two submissions share answers that are built alike "
            "in a way that few others are.</p>"
        )

    def titles(each):
        return [_title(assignment, name) for name in each.tasks]

    lines = [
        [len(each.students), ", ".join(each.students), "; ".join(titles(each)), "; ".join(each.earlier)]
        for each in found[:MOST_ALIKE]
    ]
    more = f"<p>And {_counted(len(found) - MOST_ALIKE, 'more group')}.</p>" if len(found) > MOST_ALIKE else ""
    head = ["students", "who", "tasks", "in earlier classes"]
    return said + table("Groups with answers in common", head, lines) + more


def _notes(rows, said):
    lines = [["everybody", sentence] for sentence in said]
    lines += [[row.student, note] for row in rows for note in row.notes]
    late = [[row.student, f"{row.days_late} day{'s' * (row.days_late > 1)} late"] for row in rows if row.days_late]
    if not lines + late:
        return ""
    return "<h2>To know</h2>" + table("What is odd or late", ["student", "note"], lines + late)


def _files(entries):
    loud = [[entry.path, entry.student, entry.why] for entry in entries if entry.loud]
    if not loud:
        return ""
    caption = "What is no submission, though somebody may have meant it so; files.csv has every file"
    return "<h2>Left out</h2>" + table(caption, ["file", "student", "why"], loud)
