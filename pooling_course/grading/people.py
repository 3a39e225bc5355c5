"""The list of a class: who is in it, who works with whom, and who has until when."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo

from .files import Broken
from .roster import Cell, Roster
from .submissions import GRADED, NOTHING, Account, Rule, Submission, Terms
from .tables import Row

GROUP = ("group", "groups", "group name", "group_name", "gruppe", "gruppen")
EXTENSION = ("extension", "extended until", "verlängerung", "verlängert bis")
GRACE = ("grace", "grace minutes", "karenz")
ZONE = ("time zone", "timezone", "time_zone", "zeitzone")
LONGER = re.compile(r"\+? ?(\d{1,4}) ?(minute|hour|day|week)s?", re.IGNORECASE)
MOST_TOLD = 10


class ClassList(Roster):
    """A roster with columns for more than names; each may be missing, and each cell empty.

    - `group`: who is in one hands in, and gets marks, together with the others in it.
    - `extension`: that student's own deadline, such as 2026-03-08 23:59, or how much later it is: 3 days, 12 hours.
    - `grace`: minutes after the deadline that do not count.
    - `time zone`: in which the clock of that student's deadline runs, such as America/New_York.

    Raises:
        ValueError: it is no table of names, or a cell cannot be read; all of those are named with their rows.
    """

    def _columns(self):
        super()._columns()
        self.own: dict[str, int | None] = {}
        for name, heads in (("group", GROUP), ("extension", EXTENSION), ("grace", GRACE), ("time zone", ZONE)):
            found = [i for i, head in enumerate(self.heads) if head in heads]
            if len(found) > 1:
                raise ValueError(f"{self.path} has {len(found)} columns that could say the {name}: leave one of them.")
            self.own[name] = found[0] if found else None
        self.terms_of, wrong = {}, []
        for row, line in enumerate(self.lines, self.saved.first):
            try:
                self.terms_of[id(line)] = self._terms(line)
            except ValueError as sentence:
                wrong.append(f"row {row}: {sentence}")
        if wrong:
            more = f" And {len(wrong) - MOST_TOLD} more." if len(wrong) > MOST_TOLD else ""
            raise ValueError(f"{self.path}, {'; '.join(wrong[:MOST_TOLD])}.{more} Nothing was graded.")

    def _cell(self, line, name):
        at = self.own[name]
        return line[at].text.strip() if at is not None and at < len(line) else ""

    def _terms(self, line) -> Terms:
        grace = self._cell(line, "grace")
        if grace and not re.fullmatch(r"\d{1,5}", grace):
            raise ValueError(f"{grace[:40]!r} is no number of minutes of grace")
        return Terms(
            extension(self._cell(line, "extension")),
            timedelta(minutes=int(grace)) if grace else None,
            zone(self._cell(line, "time zone")) if self._cell(line, "time zone") else None,
        )

    def group_of(self, line: list[Cell] | None) -> str:
        return self._cell(line, "group") if line is not None else ""

    def terms(self, submission: Submission) -> list[Terms]:
        """What holds for a student, and for all who work with that one."""
        line = self._line(submission.student, submission.number)
        if line is None:
            return []
        group = self.group_of(line)
        return [self.terms_of[id(each)] for each in (self.members[group] if group else [line])]

    @cached_property
    def members(self) -> dict[str, list]:
        """The lines of every group."""
        found: dict[str, list] = {}
        for line in self.students:
            if group := self.group_of(line):
                found.setdefault(group, []).append(line)
        return found

    # ---- Groups ------------------------------------------------------------------------------------------------------

    def share(self, account: Account, rule: Rule) -> list[Row]:
        """The rows of a class: one submission of each group counts for all who are in it."""
        lines = self.lines_of(submission for submission, _ in account.counted)
        rows: list[Row] = []
        handed: dict[str, list] = {}
        for (submission, attempts), line in zip(account.counted, lines, strict=True):
            if group := self.group_of(line):
                handed.setdefault(group, []).append((submission, attempts, line))
            else:
                rows.append(Row.of(submission, attempts, rule))
        for group, those in handed.items():
            mine = {id(line): submission for submission, _, line in those}
            counts = _best(list(mine.values()), rule)
            row = Row.of(counts, sum(attempts for _, attempts, _ in those), rule)
            row.group = [name for line in self.members[group] for name in (*self._names(line), *self._numbers(line))]
            rows.append(row)
            for each in self.members[group]:
                if mine.get(id(each)) is not counts:
                    rows.append(self._of_group(row, group, each, mine.get(id(each))))
            _leave_out(account, [one for one in mine.values() if one is not counts], counts, group)
        return rows

    def _of_group(self, row, group, line, own) -> Row:
        number = next(iter(self._numbers(line)), "")
        student = own.student if own else self._names(line)[0]
        whose = replace(row.submission, student=student, number=own.number if own else number)
        notes = [f"Handed in by {row.student}, for the group {group}."]
        return Row(whose, row.attempts, row.days_late, row.share, notes=notes, through=row)


def _best(those: list[Submission], rule: Rule) -> Submission:
    """Of a group's submissions the one that counts; one that is no notebook only where there is no other."""
    readable = [each for each in those if _is_readable(each)]
    return rule.counts(readable or those)


def _is_readable(submission):
    try:
        return bool(submission.read())
    except Broken:
        return False


def _leave_out(account: Account, others: Iterable[Submission], counts: Submission, group: str) -> None:
    paths = {each.path for each in others}
    why = f"{counts.path} counts for the group {group}"
    account.entries[:] = [
        replace(entry, fate=NOTHING, why=why, loud=True) if entry.fate == GRADED and entry.path in paths else entry
        for entry in account.entries
    ]


def extension(text: str) -> datetime | timedelta | None:
    """When somebody's work is due, or how much later than others'.

    >>> extension("3 days"), extension("2026-03-08 23:59"), extension("")
    (datetime.timedelta(days=3), datetime.datetime(2026, 3, 8, 23, 59), None)
    """
    if not text:
        return None
    if found := LONGER.fullmatch(text):
        return timedelta(**{f"{found[2].lower()}s": int(found[1])})
    try:
        if re.search(r"\d:\d\d", text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{text[:40]!r} is no extension; one looks like 2026-03-08 23:59, 3 days or 12 hours")


def zone(text: str) -> tzinfo:
    """A time zone by its name, such as Europe/Berlin."""
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # among them ZoneInfoNotFoundError; a name of a folder
        raise ValueError(f"{text[:40]!r} is no time zone; one looks like Europe/Berlin or UTC") from None
