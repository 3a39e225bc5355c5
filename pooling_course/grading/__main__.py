"""Grade a class: python course.py grade SUBMISSIONS --assignment ps1 --out results/

docs/grading.md is the manual: how submissions may lie, what comes out, what the sandbox protects from and what not.
"""

import argparse
import os
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from . import cluster, mark, pages, tables
from .assignments import ASSIGNMENTS, HIDDEN, is_own
from .book import Book
from .roster import Roster
from .sandbox import Limits, Lost, NoSandbox
from .submissions import Broken, Rule, code_of, find, named_in, one_each, same_name

EXAMPLE_NAME = "your name or number"  # what stands in STUDENT before anybody writes there
MISSING_NAME = ["The notebook has no STUDENT = ...: its own numbers were drawn from the name of the file."]
EXAMPLE_LEFT = ["STUDENT was left as it was: tasks with own numbers had those of everybody who left it."]


def main(argv=None) -> int:
    args = parse(argv)
    try:
        return grade(args)
    except (Broken, NoSandbox, ValueError) as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nStopped. What is graded is kept in {args.out}; the same command goes on from there.", file=sys.stderr)
        return 130


def parse(argv):
    parser = argparse.ArgumentParser(prog="course.py grade", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("submissions", type=Path, help="a folder or a .zip: nbgrader's submitted/, or a platform's download")
    graded = [name for name in ASSIGNMENTS if mark.tasks(name)]
    add("--assignment", required=True, choices=graded, help="what they are for")
    add("--out", type=Path, required=True, metavar="FOLDER", help="for marks, pages and what is kept between runs")
    add("--seed", type=int, nargs="+", default=list(HIDDEN), help="of hidden cases; without it those of assignments.py")
    add("--deadline", type=_time, help='such as "2026-03-01 23:59"; the latest attempt before it counts')
    add("--late-penalty", type=float, default=0, metavar="PERCENT", help="of the points, for each day begun; 0")
    add("--fill", type=Path, metavar="CSV", help="the gradebook that Canvas or Moodle exported: a copy is filled in")
    add("--column", metavar="HEADING", help="of the column that --fill fills: else the assignment's name, or Grade")
    add("--progress", type=Path, metavar="FOLDER", help="learners' progress files, if you collected them")
    add("--workers", type=int, default=_cores(), help="submissions at a time; as many as there are cores")
    add("--seconds", type=int, default=Limits.seconds, help=f"of processor time for one task; {Limits.seconds}")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster that does the work, such as tcp://10.0.0.1:8786")
    add("--trust-submissions", action="store_true", help="run them without a sandbox, with your own rights")
    return parser.parse_args(argv)


def _time(text):
    return datetime.fromisoformat(text).astimezone()


def _cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def grade(args) -> int:
    """All submissions of a class; 0 where every one has its marks."""
    rule = Rule(args.deadline, args.late_penalty)
    roster = Roster(args.fill, args.assignment, args.column) if args.fill else None
    args.out.mkdir(parents=True, exist_ok=True)
    book = Book(args.out / "results.sqlite")
    rows, waiting, known = [], defaultdict(list), 0  # the same work, handed in by two, is run once
    for submission, attempts in one_each(find(args.submissions, args.assignment), rule):
        row = tables.Row.of(submission, attempts, rule)
        rows.append(row)
        try:
            job = job_for(submission, args, row, roster)
        except Broken as reason:
            row.record = mark.unreadable(args.assignment, str(reason))
            row.notes.append(str(reason))
            continue
        row.record = book.get(job.key)
        known += row.record is not None
        if row.record is None:
            waiting[job].append(row)
    note_shared_names(rows)
    if known:
        print(f"{known} of {len(rows)} submissions were graded before, and have not changed.")
    try:
        run_all(waiting, book, args)
    finally:
        book.close()
    note_another_assignment(args, rows)
    return write(args, rows, roster)


def job_for(submission, args, row, roster) -> mark.Job:
    """What is to be run for a submission; what is odd about it is noted in its row."""
    cells = code_of(submission.read())
    says = named_in(cells)
    matters = any(map(is_own, mark.tasks(args.assignment)))  # else no notebook asks for a name
    if says is None or says == "":
        row.notes += MISSING_NAME if matters else []
    elif says == EXAMPLE_NAME:
        row.notes += EXAMPLE_LEFT if matters else []
    else:
        row.says = str(says)
        names = [submission.student, submission.number, *(roster.names_of(submission) if roster else [])]
        if not any(same_name(row.says, name) for name in names if name):
            row.notes.append(f"Is it theirs? The notebook says STUDENT = {row.says[:60]!r}.")
    seed = says or submission.student  # what the notebook drew its numbers from, so that an honest name costs nothing
    return mark.Job(args.assignment, seed, tuple(cells), tuple(args.seed), Limits(seconds=args.seconds))


def note_shared_names(rows):
    """One name in two notebooks means one set of numbers: one of the two is not its owner's."""
    users = defaultdict(list)
    for row in rows:
        if row.says:
            users[row.says.strip().lower()].append(row)
    for sharing in users.values():
        for row in sharing:
            others = ", ".join(other.student for other in sharing if other is not row)
            if others:
                row.notes.append(f"STUDENT = {row.says[:60]!r} also stands in the notebook of {others}.")


def note_another_assignment(args, rows):
    for row in rows:
        if row.parts and all(part["state"] == "missing" for part in row.parts):
            row.notes.append(f"Not one function of {args.assignment} is in this notebook: is it another assignment's?")


def run_all(waiting, book, args):
    """Have every job done, and keep each result the moment it is there."""
    if not waiting:
        return
    place = cluster.workers(args.scheduler) if args.scheduler else threads(args.workers)
    with place as (submit, completed), tqdm(total=sum(map(len, waiting.values())), unit="submission") as bar:
        doing = {submit(job, args.trust_submissions): job for job in waiting}
        for done in completed(doing):
            job = doing[done]
            try:
                record, sentence = done.result(), ""
            except NoSandbox:
                raise
            except Exception as reason:  # the others' marks must not wait for what is wrong with one
                why = str(reason) if isinstance(reason, Lost) else f"{type(reason).__name__}: {reason}"
                record, sentence = None, f"Not graded: {why}. Run the command again, or look at it by hand."
            if record:
                book.put(job.key, record)
            for row in waiting[job]:
                row.record = record
                row.notes += filter(None, [sentence])
            bar.update(len(waiting[job]))


@contextmanager
def threads(number: int):
    """Of this machine, each with a sandbox: what submits a job to them, and what gives the futures as they end."""
    with ThreadPoolExecutor(number) as pool:
        try:
            yield lambda job, trust: pool.submit(mark.work, job, trust), as_completed
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def write(args, rows, roster) -> int:
    """Everything that comes out, from the rows."""
    graded = [row for row in rows if row.record]
    tables.write_grades(args.out / "grades.csv", args.assignment, rows)
    pages.write_feedback(args.out / "feedback", args.assignment, graded)
    pages.write_report(args.out / "report.html", args.assignment, rows, args.progress)
    print(f"{len(graded)} of {len(rows)} submissions have their marks: {args.out / 'grades.csv'}")
    print(f"A page for each student is in {args.out / 'feedback'}; for you, {args.out / 'report.html'}.")
    for row in rows:
        for note in row.notes:
            print(f"{row.student}: {note}")
    if roster:
        for sentence in roster.fill(args.out / args.fill.name, graded):
            print(sentence)
    return 0 if len(graded) == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
