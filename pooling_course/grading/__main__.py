"""Grade a class: python course.py grade SUBMISSIONS --assignment ps1 --out results/

docs/grading.md is the manual: how submissions may lie, what comes out, what the sandbox protects from and what not.
"""

import argparse
import gc
import os
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from . import sandbox

if __name__ == "__main__":
    sandbox.see_to_surroundings()
    gc.disable()  # what is imported stays, and to look for garbage in it takes a quarter of the time
    if not {"--scheduler", "--trust-submissions", "--help", "-h"} & set(sys.argv):
        sandbox.ahead()  # torch takes seconds to import: at the same time here and in there

from . import pages, tables
from .alike import FINGERPRINTS, earlier_classes, fingerprints
from .assignments import ASSIGNMENTS, HIDDEN, PROJECT
from .back import PLATFORMS, THROUGH, WHY, zipped
from .book import GRADES, Book
from .decisions import TABLE, Decisions, told
from .files import Broken
from .forms import FORMS
from .people import ClassList, zone
from .roster import HANDED_IN, Gradebook, Times
from .run import run_all
from .sandbox import Limits, NoSandbox
from .submissions import DUPLICATE, GRADED, Rule, look
from .tables import visible

if __name__ == "__main__":
    gc.freeze()
    gc.enable()

FILES, REPORT, KEPT, ANONYMOUS = "files.csv", "report.html", "results.sqlite", "anonymous.csv"
BACK = "feedback-{}.zip"
OWN = (GRADES, FILES, REPORT, KEPT, TABLE, ANONYMOUS, FINGERPRINTS, *map(BACK.format, PLATFORMS))
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
        return failed(f"{where}{error.strerror or error}. See to that first. {kept_in(args.out)}")
    except KeyboardInterrupt:
        failed(f"Stopped. {kept_in(args.out)}")
        return 130


def kept_in(out) -> str:
    if os.path.exists(out / KEPT):  # also where it may not be read
        return f"What is graded is kept in {out}; the same command goes on from there."
    return "Nothing is graded yet."


def say(sentence: str, stream=None) -> None:
    """Print it in one line, whatever is in it."""
    print(visible(sentence).replace("\n", r"\n").replace("\t", r"\t"), file=stream)


def failed(sentence) -> int:
    with suppress(OSError):
        print(file=sys.stderr)
        say(sentence, sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads it any more, or its disk is full: Python would say so again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def parse(argv):
    parser = argparse.ArgumentParser(prog="course.py grade", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("submissions", type=Path, help="a folder or a .zip: nbgrader's submitted/, or a platform's download")
    add("--assignment", required=True, choices=list(ASSIGNMENTS), help="what they are for")
    add("--out", type=Path, required=True, metavar="FOLDER", help="for marks, pages and what is kept between runs")
    add("--seed", type=int, nargs="+", default=list(HIDDEN), help="of hidden cases; without it those of assignments.py")
    add("--deadline", type=_time, help='such as "2026-03-01 23:59"; the latest attempt before it counts')
    add("--grace", type=_count, default=0, metavar="MINUTES", help="after it that do not count; 0")
    add("--time-zone", type=_zone, metavar="NAME", help="of times without one, such as Europe/Berlin; this machine's")
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
        help="who is in the class (names, logins, numbers), in which group, and until when",
    )
    add("--form", choices=[form.name for form in FORMS], help="how submissions lie, where that cannot be told")
    add("--feedback", choices=list(PLATFORMS), help="zip the students' pages as that platform takes them back")
    add("--anonymous", action="store_true", help=f"write {ANONYMOUS} too: the marks without names")
    add("--earlier", type=Path, metavar="FOLDER", help=f"with the {FINGERPRINTS} of earlier classes")
    add("--before", type=Path, metavar="FOLDER", help="results of a test before this one: what the class gained")
    add("--progress", type=Path, metavar="FOLDER", help="learners' progress files, if you collected them")
    add("--workers", type=_count, default=_cores(), help="submissions at a time; as many as there are cores")
    add("--seconds", type=_count, help=f"of processor time for one task; {Limits.seconds}, project: {PROJECT.seconds}")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster that does the work, such as tcp://10.0.0.1:8786")
    add("--trust-submissions", action="store_true", help="run them without a sandbox, with your own rights")
    args = parser.parse_args(argv)
    if args.deadline and not args.deadline.tzinfo:
        args.deadline = args.deadline.replace(tzinfo=args.time_zone) if args.time_zone else args.deadline.astimezone()
    args.seconds = args.seconds or ASSIGNMENTS[args.assignment].seconds
    return args


def _time(text):
    try:
        time = datetime.fromisoformat(text)
        time.astimezone()
        return time
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; one looks like 2026-03-01 23:59") from None


def _zone(text):
    try:
        return zone(text)
    except ValueError as sentence:
        raise argparse.ArgumentTypeError(str(sentence)) from None


def _percent(text):
    try:
        if 0 <= float(text) <= 100:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")


def _count(text, least=1):
    if text.isdecimal() and int(text[:9]) > 0:
        return int(text[:9])
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def grade(args) -> int:
    """All submissions of a class; 0 where every one has its marks."""
    refuse_own_files(args)
    roster = ClassList(args.roster) if args.roster else None
    rule = Rule(args.deadline, args.late_penalty, timedelta(minutes=args.grace))
    rule = replace(rule, terms=roster.terms) if roster else rule
    gradebook = Gradebook(args.fill, args.assignment, args.column) if args.fill else None
    people = [*filter(None, (gradebook, roster))]
    before = scores_of(args) if args.before else None
    earlier, passed = earlier_classes(args.earlier, args.assignment) if args.earlier else ([], [])
    times = Times(args.times, args.time_zone) if args.times else None
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
    account.said += passed
    rows = roster.share(account, rule) if roster else [tables.Row.of(*each, rule) for each in account.counted]
    account.said += [sentence for table in people for sentence in table.doubts(row.submission for row in rows)]
    tell_files(account)
    args.out.mkdir(parents=True, exist_ok=True)
    book = Book(args.out / KEPT, args.assignment)
    try:
        decisions = Decisions(args.out / TABLE, args.assignment, book)
        if known := run_all(rows, args, people, book):
            say(f"{known} of {len(rows)} submissions were graded before, and have not changed.")
        decide(rows, decisions, book)
        account.said += decisions.wrong
        return write(args, rows, account, people, book, earlier, before) or int(bool(decisions.wrong))
    finally:
        book.close()


def scores_of(args):
    """Who took the test before, and with what share of the points."""
    place = args.before / KEPT
    if not place.is_file():
        raise ValueError(f"--before {args.before} holds no results of this program: give the --out of the test before.")
    book = Book(place)
    try:
        if book.assignment == args.assignment:
            raise ValueError(
                f"--before {args.before} holds the marks of {args.assignment} itself: give another test's."
            )
        return book.scores()
    finally:
        book.close()


def refuse_own_files(args):
    """An instructor's file that is called like one of this program's, in the folder of the results, would be lost."""
    own = [args.out / name for name in OWN]
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
    say(
        f"{len(account.entries)} files of {len(account.counted)} students: {graded} to be graded, {same} duplicates, "
        f"{left} no submissions."
    )
    loud = [entry for entry in account.entries if entry.loud]
    for entry in loud[:MOST_TOLD]:
        say(f"Left out: {entry.path}: {entry.why}.")
    if len(loud) > MOST_TOLD:
        say(f"Left out: {len(loud) - MOST_TOLD} more; {FILES} has every file.")
    for sentence in account.said:
        say(sentence)


def decide(rows, decisions, book):
    """Join what people decided with what the machine says, and ask them for what is theirs to decide."""
    decisions.join(rows)
    decisions.log(rows, book)
    for row in rows:
        row.notes += told(row)
    if decisions.again:
        say(f"{decisions.path} was gone: what was decided ({decisions.again} lines) stands in it again.")
    if added := decisions.add(rows):
        say(f"{added} answers are for you to read: {decisions.path} has a line for each.")
    for sentence in decisions.wrong:
        say(sentence)


def write(args, rows, account, people, book, earlier, before=None) -> int:
    """Everything that comes out, from the rows."""
    graded = [row for row in rows if row.record]
    scores = pages.scores(args.assignment, graded)
    book.keep_scores(scores)
    gained = pages.gained(before, scores) if before is not None else ""
    filled, said = filled_name(args), []
    gradebook = people[0] if args.fill else None

    def made():
        nonlocal said
        yield GRADES, tables.grades(args.assignment, rows)
        yield FILES, tables.files(account.entries)
        report = pages.report(
            args.assignment,
            rows,
            args.progress,
            account.entries,
            account.said,
            book.decisions(),
            earlier,
            gained,
        )
        yield REPORT, report.encode("utf-8", "replace")
        yield FINGERPRINTS, fingerprints(args.assignment, graded)
        if args.anonymous:
            yield ANONYMOUS, tables.anonymous(args.assignment, graded, book.salt())
        if gradebook:
            copy, said = gradebook.fill(graded)
            yield filled, copy
        for name, page in pages.feedback_pages(args.assignment, graded, book):
            yield f"feedback/{name}", page

    aside = book.write(made())
    if any(GRADES in sentence for sentence in aside):
        aside.append(f"To change a mark so that it stays, write it into {args.out / TABLE}.")
    say(f"{len(graded)} of {len(rows)} submissions have their marks: {args.out / GRADES}")
    say(f"A page for each student is in {args.out / 'feedback'}; for you, {args.out / REPORT}.")
    if gained:
        say(gained)
    if unread := sum(bool(row.unread(args.assignment)) for row in graded):
        has = "has" if unread == 1 else "have"
        say(f"{unread} {has} answers that nobody has read yet; the points are without those.")
    for row in rows:
        for note in row.notes:
            say(f"{row.student}: {note}")
    if said:
        say(f"{args.out / filled}: {said[0]}")
    pages_now = {f"{name}.html" for name in pages.names(graded)}
    old = sorted(path.name for path in (args.out / "feedback").glob("*.html") if path.name not in pages_now)
    if old:
        say(f"Pages of an earlier run, for nobody of this one: {', '.join(old[:MOST_TOLD])}.")
    for sentence in [*said[1:], *aside, *(give_back(args, graded, people, book) if args.feedback else ())]:
        say(sentence)
    return 0 if len(graded) == len(rows) else 1


def give_back(args, rows, people, book):
    """Zip the pages for the platform they came from; sentences about it."""
    place = args.out / "feedback"
    where = [(row, place / f"{name}.html") for name, row in zip(pages.names(rows), rows, strict=True)]

    def number(row):  # one of another platform's download says nothing here
        own = row.number if row.through or "_assignsubmission_" in row.submission.path else ""
        return own or next(filter(None, (table.number_of(row.submission) for table in people)), "")

    made, left = zipped(args.feedback, args.assignment, where, args.out, number)
    name = BACK.format(args.feedback)
    yield from book.write([(name, made)])
    through = [row for row in rows if row.through is not None] if args.feedback == "canvas" else []
    yield f"{len(rows) - len(left) - len(through)} pages are in {args.out / name}. {PLATFORMS[args.feedback]}."
    for those, why in ((left, WHY[args.feedback]), (through, THROUGH)):
        if those:
            names = ", ".join(row.student for row in those[:MOST_TOLD])
            more = f" and {len(those) - MOST_TOLD} more" if len(those) > MOST_TOLD else ""
            yield f"Not in it: {names}{more}; {why}."


def filled_name(args):
    """What the copy of the gradebook is called: like it, unless that is its own place or a name of this program's."""
    if not args.fill:
        return ""
    stem, suffix = args.fill.stem, args.fill.suffix
    ours = {*OWN, "feedback"}
    while f"{stem}{suffix}".casefold() in ours or _is_one_of(args.fill, [args.out / f"{stem}{suffix}"]):
        stem += "-filled"
    return f"{stem}{suffix}"


if __name__ == "__main__":
    sys.exit(main())
