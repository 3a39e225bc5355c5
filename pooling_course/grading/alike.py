"""Answers that are built alike, in this class and in earlier ones: places to look, and no findings.

Every answer has a shape, a fingerprint of what stays when names, texts and comments are taken away (`text.shape`). Many
who are right have the same one. So a group is named where its shapes are rare, or where many more share some than if
people chose each answer by itself: of 27, four have one shape in two tasks, where 27 * (4 / 27)**2 = 0.6 would.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from .assignments import Written, named
from .tables import Row

RARE = 3  # a shape that more than this have is not rare by itself
USUAL = 2.5  # who are expected to share some shapes; where there are more, it is just what answers look like
MORE = 3  # times as many as are expected: who can do one task can do others, too
CHANCE = 0.01  # how likely so many are where answers are chosen by themselves
FINGERPRINTS = "fingerprints.csv"
MARK = "fingerprints 2"  # at the head of such a table; the number changes when shapes are made in another way
LARGEST = 10 << 20


@dataclass(frozen=True)
class Alike:
    """A group whose answers are alike.

    Attributes:
        students: of this class, at least one.
        earlier: submissions of earlier classes, as the file and its row.
        tasks: in which they are.
    """

    students: tuple[str, ...]
    earlier: tuple[str, ...]
    tasks: tuple[str, ...]


def look_alikes(
    assignment: str, rows: Sequence[Row], earlier: Sequence[tuple[str, dict[str, str]]] = ()
) -> list[Alike]:
    """The groups of a class; a group that handed in together is one of it.

    Args:
        assignment: its name.
        rows: of the class.
        earlier: of each submission of an earlier class where it stands, and its shapes by task.
    """
    own = [row for row in rows if row.through is None]
    count = len(own) + len(earlier)

    def every():  # made anew, since all at once would be what takes most memory in a large class
        yield from (row.shapes for row in own)
        yield from (each for _, each in earlier)

    all_shapes = Counter(item for each in every() for item in each.items())
    have = Counter({item: number for item, number in all_shapes.items() if number > 1})
    del all_shapes
    needed = min(2, len(_tasks(assignment)))
    sharing: dict[tuple, list[int]] = {}
    for i, each in enumerate(every()):
        for some in _sets(each, have, needed):
            if _expected(some, have, count) < USUAL:
                sharing.setdefault(some, []).append(i)
    tasks_of: dict[tuple[int, ...], set[str]] = {}
    for some, those in sharing.items():
        if len(those) > 1 and those[0] < len(own) and _says_something(some, have, count, len(those)):
            tasks_of.setdefault(tuple(those), set()).update(task for task, _ in some)
    found = [
        Alike(
            tuple(sorted(own[i].student for i in those if i < len(own))),
            tuple(earlier[i - len(own)][0] for i in those if i >= len(own)),
            tuple(task for task in _tasks(assignment) if task in tasks),
        )
        for those, tasks in tasks_of.items()
    ]
    return sorted(found, key=lambda each: (-len(each.tasks), each.students, each.earlier))


def _sets(each, have, needed):
    """Of a submission's shapes those that others have: all pairs, and more, the rarest first."""
    shared = sorted((item for item in each.items() if have[item] > 1), key=lambda item: (have[item], item))
    for some in combinations(shared, needed):
        yield tuple(sorted(some))
    for size in range(needed + 1, len(shared) + 1):
        yield tuple(sorted(shared[:size]))


def _expected(some, have, count):
    """How many would have all of some shapes, if each answer were chosen by itself."""
    return count * math.prod(have[item] / count for item in some)


def _says_something(some, have, count, sharing):
    if all(have[item] <= RARE for item in some):
        return True
    expected = _expected(some, have, count)
    fewer = sum(math.exp(-expected) * expected**i / math.factorial(i) for i in range(min(sharing, 100)))
    return sharing >= MORE * expected and 1 - fewer < CHANCE


def _tasks(assignment):
    return [name for name, part in named(assignment).items() if not isinstance(part, Written)]


# ---- Other classes ---------------------------------------------------------------------------------------------------


def fingerprints(assignment: str, rows: Iterable[Row]) -> bytes:
    """A table of a class's shapes, for the next class's sake: without names or marks, and in an order that says
    nothing."""
    tasks = _tasks(assignment)
    lines = sorted([row.shapes.get(task, "") for task in tasks] for row in rows if row.through is None)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[MARK, *tasks], *(["", *line] for line in lines if any(line))])
    return text.getvalue().encode()


def earlier_classes(folder: Path, assignment: str) -> tuple[list[tuple[str, dict[str, str]]], list[str]]:
    """The submissions in a folder of such tables, and sentences about files that say nothing here.

    Raises:
        ValueError: there is no such folder, or no such table in it.
    """
    found: list[tuple[str, dict[str, str]]] = []
    said, read = [], 0
    for path in sorted(folder.glob("**/*.csv")) if folder.is_dir() else ():
        name = path.relative_to(folder).as_posix()
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError("it is too large")
            head, *lines = csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""))
        except (OSError, ValueError, csv.Error):
            head, lines = [""], []
        tasks = [task for task in head[1:] if task in _tasks(assignment)]
        if head[0] != MARK:
            said.append(f"{path} holds no fingerprints of this version of the course ({MARK}), and was passed over.")
        elif not tasks:
            said.append(f"{path} holds the fingerprints of another assignment, and was passed over.")
        else:
            read += 1
            for number, line in enumerate(lines, 2):
                shape = dict(zip(head[1:], line[1:], strict=False))
                found.append((f"{name}, row {number}", {task: shape[task] for task in tasks if shape.get(task)}))
    if not read:
        raise ValueError(
            f"--earlier {folder} holds no fingerprints of {assignment}: put earlier {FINGERPRINTS} there."
            + "".join(f" {sentence}" for sentence in said[:3])
        )
    return found, said
