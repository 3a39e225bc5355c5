"""Downloads as platforms give them, and what becomes of each file."""

import json

from harness import classroom
from pooling_course.grading.submissions import look

BOOK = json.dumps(classroom.notebook(["x = 1"])).encode()
OTHER = json.dumps(classroom.notebook(["x = 2"])).encode()


def seen(place, content, assignment="ps1", **how):
    """What becomes of these files: {path: (fate, student)} and {student: path of what counts}."""
    account = look(classroom.lay_out(place, content), assignment, **how)
    fates = {entry.path: (entry.fate, entry.student) for entry in account.entries}
    assert len(fates) == len(account.entries)
    return account, fates, {s.student: s.path for s, _ in account.counted}
