"""Grade a class: python course.py grade SUBMISSIONS --assignment ps1 --out results/

docs/grading.md is the manual: how submissions may lie, what comes out, what the sandbox protects from and what not.
"""

import argparse
import os
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from . import sandbox

if __name__ == "__main__" and not {"--scheduler", "--trust-submissions", "--help", "-h"} & set(sys.argv):
    sandbox.ahead()  # torch takes seconds to import: at the same time here and in there

from . import mark, pages, tables
from .assignments import ASSIGNMENTS, HIDDEN
from .book import GRADES, Book
from .files import Broken
from .forms import FORMS
from .roster import HANDED_IN, Gradebook, Roster, Times
from .run import run_all
from .sandbox import Limits, NoSandbox
from .submissions import DUPLICATE, GRADED, Rule, look

FILES, REPORT, KEPT = "files.csv", "report.html", "results.sqlite"
MOST_TOLD = 20


def main(argv=None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a console that has no ü must not cost the marks
    args = parse(argv)
    try:
        status = grade(args)
        sys.stdout.flush()
        return status
    except (Broken, NoSandbox, ValueError) as reason:
        return failed(str(reason))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return failed(f"{where}{error.strerror or error}. {KEPT_SAFE.format(args.out)}")
    except KeyboardInterrupt:
        print(f"\nStopped. What is graded is kept in {args.out}; the same command goes on from there.", file=sys.stderr)
        return 130


KEPT_SAFE = "What is graded is kept in {}; see to it, and run the same command again: it goes on from there."


def failed(sentence) -> int:
    with suppress(OSError):
        print(f"\n{sentence}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads it any more, or its disk is full: Python would say so again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def parse(argv):
    parser = argparse.ArgumentParser(prog="course.py grade", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("submissions", type=Path, help="a folder or a .zip: nbgrader's submitted/, or a platform's download")
    graded = [name for name in ASSIGNMENTS if mark.tasks(name)]
    add("--assignment", required=True, choices=graded, help="what they are for")
    add("--out", type=Path, required=True, metavar="FOLDER", help="for marks, pages and what is kept between runs")
    add("--seed", type=int, nargs="+", default=list(HIDDEN), help="of hidden cases; without it those of assignments.py")
    add("--deadline", type=_time, help='such as "2026-03-01 23:59"; the latest attempt before it counts')
    add("--late-penalty", type=_percent, default=0, metavar="PERCENT", help="of the points, for each day begun; 0")
    add("--times", type=Path, metavar="CSV", help="when everyone handed in, such as Moodle's grading worksheet")
    add("--fill", type=Path, metavar="CSV", help="the gradebook that Canvas or Moodle exported: a copy is filled in")
    add(
        "--column", metavar="HEADING", help="or number of the column that --fill fills: else the assignment's, or Grade"
    )
    add(
        "--roster",
        type=Path,
        metavar="CSV",
        help="who is in the class, where there is no --fill: names, logins, numbers",
    )
    add("--form", choices=[form.name for form in FORMS], help="how submissions lie, where that cannot be told")
    add("--progress", type=Path, metavar="FOLDER", help="learners' progress files, if you collected them")
    add("--workers", type=_count, default=_cores(), help="submissions at a time; as many as there are cores")
    add("--seconds", type=_count, default=Limits.seconds, help=f"of processor time for one task; {Limits.seconds}")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster that does the work, such as tcp://10.0.0.1:8786")
    add("--trust-submissions", action="store_true", help="run them without a sandbox, with your own rights")
    return parser.parse_args(argv)


def _time(text):
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; one looks like 2026-03-01 23:59") from None


def _percent(text):
    try:
        if 0 <= float(text) <= 100:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")


def _count(text):
    if text.isdecimal() and int(text[:9]) > 0:
        return int(text[:9])
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def grade(args) -> int:
    """All submissions of a class; 0 where every one has its marks."""
    refuse_own_files(args)
    rule = Rule(args.deadline, args.late_penalty)
    gradebook = Gradebook(args.fill, args.assignment, args.column) if args.fill else None
    people = [*filter(None, (gradebook, Roster(args.roster) if args.roster else None))]
    times = Times(args.times) if args.times else None
    account = look(
        args.submissions,
        args.assignment,
        rule,
        args.form,
        (lambda name: any(table.knows(name) for table in people)) if people else None,
        times.when if times else None,
        args.out,
    )
    submissions = [submission for submission, _ in account.counted]
    account.said += lateness(args, submissions, times, gradebook)
    account.said += [sentence for table in people for sentence in table.doubts(submissions)]
    tell_files(account)
    args.out.mkdir(parents=True, exist_ok=True)
    book = Book(args.out / KEPT, args.assignment)
    try:
        rows = [tables.Row.of(submission, attempts, rule) for submission, attempts in account.counted]
        if before := run_all(rows, args, people, book):
            print(f"{before} of {len(rows)} submissions were graded before, and have not changed.")
        return write(args, rows, account, gradebook, book)
    finally:
        book.close()


def refuse_own_files(args):
    """An instructor's file that is called like one of this program's, in the folder of the results, would be lost."""
    own = [args.out / name for name in (GRADES, FILES, REPORT, KEPT)]
    for flag in ("submissions", "fill", "times", "roster"):
        given = getattr(args, flag)
        if given and _is_one_of(given, [*own, args.out]):
            raise ValueError(f"{given} is what this program itself writes: move it, or give another --out.")
    if args.progress and not args.progress.is_dir():
        raise ValueError(f"--progress {args.progress} is no folder.")
    if args.out.exists() and not args.out.is_dir():
        raise ValueError(f"--out {args.out} is no folder.")


def _is_one_of(path, others):
    return any(path.exists() and other.exists() and path.samefile(other) for other in others)


def lateness(args, submissions, times, gradebook):
    """Sentences about what is not known of the times."""
    unknown = [submission for submission in submissions if submission.when is None]
    if not args.deadline or not unknown:
        return
    late = " Who is called LATE loses one day." * any(submission.late for submission in submissions)
    if len(unknown) < len(submissions) or times:
        names = ", ".join(submission.student for submission in unknown[:MOST_TOLD])
        yield f"Nothing says when {len(unknown)} handed in, so they count as in time: {names}.{late}"
        return
    sheet = f" Such a column is in {args.fill}: give it to both." * any(
        head in HANDED_IN for head in (gradebook.heads if gradebook else ())
    )
    yield (
        "--deadline: this download does not say when work was handed in (times of files are those of zipping or "
        f"copying), so lateness is not known, and nobody loses points for it.{late} Give a table of times with "
        f"--times: Moodle's grading worksheet, or any with a column of names and one called `submitted`.{sheet}"
    )


def tell_files(account):
    """What lies there, and what is left out, before anything is graded."""
    graded, same = (sum(entry.fate == fate for entry in account.entries) for fate in (GRADED, DUPLICATE))
    left = len(account.entries) - graded - same
    print(
        f"{len(account.entries)} files of {len(account.counted)} students: {graded} to be graded, {same} duplicates, "
        f"{left} no submissions."
    )
    loud = [entry for entry in account.entries if entry.loud]
    for entry in loud[:MOST_TOLD]:
        print(f"Left out: {entry.path}: {entry.why}.")
    if len(loud) > MOST_TOLD:
        print(f"Left out: {len(loud) - MOST_TOLD} more; {FILES} has every file.")
    for sentence in account.said:
        print(sentence)


def write(args, rows, account, gradebook, book) -> int:
    """Everything that comes out, from the rows."""
    graded = [row for row in rows if row.record]
    filled, said = filled_name(args), []

    def made():
        nonlocal said
        yield GRADES, tables.grades(args.assignment, rows)
        yield FILES, tables.files(account.entries)
        report = pages.report(args.assignment, rows, args.progress, account.entries, account.said)
        yield REPORT, report.encode("utf-8", "replace")
        if gradebook:
            copy, said = gradebook.fill(graded)
            yield filled, copy
        for name, page in pages.feedback_pages(args.assignment, graded, book):
            yield f"feedback/{name}", page

    aside = book.write(made())
    print(f"{len(graded)} of {len(rows)} submissions have their marks: {args.out / GRADES}")
    print(f"A page for each student is in {args.out / 'feedback'}; for you, {args.out / REPORT}.")
    for row in rows:
        for note in row.notes:
            print(f"{row.student}: {note}")
    if said:
        print(f"{args.out / filled}: {said[0]}")
    pages_now = {f"{name}.html" for name in pages.names(graded)}
    old = sorted(path.name for path in (args.out / "feedback").glob("*.html") if path.name not in pages_now)
    if old:
        print(f"Pages of an earlier run, for nobody of this one: {', '.join(old[:MOST_TOLD])}.")
    for sentence in [*said[1:], *aside]:
        print(sentence)
    return 0 if len(graded) == len(rows) else 1


def filled_name(args):
    """What the copy of the gradebook is called: like it, unless that is its own place or a name of this program's."""
    if not args.fill:
        return ""
    stem, suffix = args.fill.stem, args.fill.suffix
    ours = {GRADES, FILES, REPORT, KEPT, "feedback"}
    while f"{stem}{suffix}".casefold() in ours or _is_one_of(args.fill, [args.out / f"{stem}{suffix}"]):
        stem += "-filled"
    return f"{stem}{suffix}"


if __name__ == "__main__":
    sys.exit(main())
