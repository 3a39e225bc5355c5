"""Have a class graded: a few submissions at a time, so that a large one takes no more memory than a small one.

A notebook is read when its turn comes and forgotten when its marks are kept. Of those a row holds what tables and the
report are made of; the rest is in the book.
"""

from collections import defaultdict
from contextlib import ExitStack
from itertools import groupby
from operator import itemgetter

from tqdm import tqdm

from ..exercises import load
from . import cluster, mark
from .book import Book
from .files import Broken
from .forms import is_hidden
from .reading import code_of, named_in, no_name
from .sandbox import Limits, Lost, NoSandbox
from .submissions import same_name
from .tables import Row

BORROWED = "What is written down is wrong for its own numbers, and right for those of {who}: {tasks}."
MOST_TOLD = 20


def run_all(rows: list[Row], args, people, book: Book) -> int:
    """Have every row graded that was not before, and keep each result the moment it is there.

    Returns:
        How many were graded before, and have not changed.
    """
    with ExitStack() as stack:
        run = Run(args, book, stack, sum(row.through is None for row in rows))
        for row in rows:
            if row.through:
                continue
            try:
                job = job_for(row.submission, args, row, people)
            except Broken as reason:
                row.take(mark.unreadable(args.assignment, str(reason)))
                row.notes.append(str(reason))
            else:
                run.take(row, job)
        run.end()
    for row in rows:
        if row.through:
            row.record, row.key = row.through.record, row.through.key
            row.notes += row.through.notes
    for row in rows:
        if row.parts and not row.through and all(part["state"] == "missing" for part in row.parts):
            row.notes.append(f"Not one answer to {args.assignment} is in this notebook: is it another assignment's?")
    note_shared_names(rows)
    note_borrowed(rows, book)
    return run.before


class Run:
    """Jobs on their way to where they are done, and back.

    Attributes:
        doing: the jobs there now, and the rows that each is for: the same work, handed in by two, is run once.
        before: how many rows had their marks before.
    """

    def __init__(self, args, book, stack, total):
        self.args, self.book, self.stack, self.total = args, book, stack, total
        self.doing: dict = {}
        self.rows: dict[str, list[Row]] = {}
        self.made: set[str] = set()
        self.before = 0
        self.place: cluster.Place | None = None

    def take(self, row: Row, job: mark.Job) -> None:
        """Give a row its marks, or have them made; wait until there is room for that."""
        row.key = job.key
        if row.key in self.rows:
            self.rows[row.key].append(row)
        elif record := self.book.get(row.key):
            row.take(record)
            self.before += row.key not in self.made
        else:
            place = self.there()
            while len(self.doing) >= place.room():
                self.collect()
            self.rows[row.key] = [row]
            self.doing[place.submit(job, self.args.trust_submissions)] = row.key

    def there(self) -> cluster.Place:
        """Where jobs are done, from the first one on."""
        if not self.place:
            way = cluster.workers(self.args.scheduler) if self.args.scheduler else cluster.threads(self.args.workers)
            self.place = self.stack.enter_context(way)
            self.bar = self.stack.enter_context(tqdm(total=self.total, initial=self.before, unit="submission"))
        return self.place

    def end(self) -> None:
        while self.doing:
            self.collect()

    def collect(self) -> None:
        """Wait for the first that is done, and give what came to its rows."""
        for done in self.there().first(list(self.doing)):
            key = self.doing.pop(done)
            rows = self.rows.pop(key)
            try:
                record, sentence = done.result(), ""
            except NoSandbox:
                raise
            except Exception as reason:  # the others' marks must not wait for what is wrong with one
                why = str(reason) if isinstance(reason, Lost) else f"{type(reason).__name__}: {reason}"
                record, sentence = None, f"Not graded: {why}. Run the command again, or look at it by hand."
            if record:
                self.book.put(key, record)
                self.made.add(key)
            for row in rows:
                row.take(record)
                row.notes += filter(None, [sentence])
            self.bar.update(len(rows))


def job_for(submission, args, row, people) -> mark.Job:
    """What is to be run for a submission; what is odd about it is noted in its row."""
    cells = code_of(submission.read())
    says = named_in(cells)
    seed: str | int = submission.student
    if says is not None and not no_name(says):  # where it is no name, `mark` tells
        seed = says  # what the notebook drew its numbers from, so that an honest name costs nothing
        row.says = str(says)
        names = [submission.student, submission.number, *row.group]
        names += [name for table in people for name in table.names_of(submission)]
        known = not is_hidden(submission.student, submission.path, args.assignment)
        if known and not any(same_name(row.says, name) for name in names if name):
            row.notes.append(f"Is it theirs? The notebook says STUDENT = {row.says[:60]!r}.")
    return mark.Job(args.assignment, seed, tuple(cells), tuple(args.seed), Limits(seconds=args.seconds))


def note_shared_names(rows):
    """One name in two notebooks means one set of numbers: one of the two is not its owner's."""
    users = defaultdict(list)
    for row in rows:
        if row.says:
            users[row.says.strip().lower()].append(row)
    for sharing in users.values():
        for row in sharing:
            others = [other.student for other in sharing[: MOST_TOLD + 1] if other is not row][:MOST_TOLD]
            if others:
                more = len(sharing) - 1 - len(others)
                names = f"{', '.join(others)}{f' and {more} more' * bool(more)}"
                row.notes.append(f"STUDENT = {row.says[:60]!r} also stands in the notebook of {names}.")


def note_borrowed(rows, book):
    """Who wrote down what is right for another's numbers; a known mistake needs no such reason."""
    own = [row for row in rows if not row.through]
    odd = [
        (row, part)
        for row in own
        if any(part["state"] == "wrong" for part in row.parts)
        for part in _written_down(row, book)
        if part["state"] == "wrong" and not part["mistake"]
    ]
    lent: dict[tuple, list[str]] = {(part["exercise"], part["wrote"]): [] for _, part in odd}
    for row in own if odd else ():
        for part in _written_down(row, book):
            owners = lent.get((part["exercise"], part["due"]), [])
            owners += [row.student] * (len(owners) < MOST_TOLD)
    for row, parts in groupby(odd, key=itemgetter(0)):
        tasks = defaultdict(list)
        for _, part in parts:
            for owner in lent[part["exercise"], part["wrote"]]:
                tasks[owner].append(load(part["exercise"]).title)
        row.notes += [BORROWED.format(who=who, tasks="; ".join(titles)) for who, titles in tasks.items()]


def _written_down(row, book):
    """The parts of a row that are answered on paper, whole as they are in the book."""
    record = book.get(row.key) if row.key else row.record
    return [part for part in (record or {}).get("parts", ()) if "due" in part]
