"""Pages for students, zipped as a platform takes them back.

Canvas reads a file's name as it reads its own downloads: what stands before the file's own name must be as it was
given, with the numbers of the student and of the upload (`generate_comments_from_files` in its assignment model).
Moodle reads the name of a folder: a name, the participant's number, a plugin
(`mod/assign/feedback/file/importziplib.php`).
"""

import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from .forms import FORM
from .tables import Row

PLATFORMS = {
    "canvas": "Canvas takes it in the assignment, *Upload Submissions*",
    "moodle": "Moodle takes it in the assignment with *Feedback files* on: *Upload multiple feedback files in a zip*",
}
WHY = {
    "canvas": "Canvas takes back only what its own download gave, and these did not come from there",
    "moodle": "no participant's number is known of these; it is in the download's names, or the column *Identifier* of "
    "--roster or --fill",
}
THROUGH = "in an assignment for groups Canvas shows them the page of who handed in, else send them theirs"


def zipped(
    platform: str, assignment: str, pages: Iterable[tuple[Row, Path]], folder: Path, number: Callable[[Row], str]
) -> tuple[Path, list[Row]]:
    """A .zip with pages, as a file in a folder that is to be moved where it belongs; and whose are not in it.

    Args:
        platform: one of PLATFORMS.
        assignment: its name.
        pages: of each row where its page lies.
        folder: for the file.
        number: by which the platform knows a student, or "".
    """
    handle, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
    left = []
    try:
        with open(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for row, page in pages:
                at = _canvas(row, assignment) if platform == "canvas" else _moodle(row, assignment, number(row))
                if at:
                    archive.writestr(zipfile.ZipInfo(at), page.read_bytes(), zipfile.ZIP_DEFLATED)
                elif row.through is None or platform != "canvas":  # Canvas gives a group's to all in it
                    left.append(row)
    except BaseException:
        os.unlink(name)
        raise
    return Path(name), left


def _canvas(row, assignment):
    if row.through is not None:
        return ""
    for name in PurePosixPath(row.submission.path).parts:  # the notebook may lie in a .zip that was handed in
        for form in ("anonymous", "canvas"):
            found = FORM[form].read(name, assignment)
            if found and found.upload and (found.student.strip(), found.number) == (row.student, row.number):
                return f"{name.removesuffix(found.own)}{assignment}-feedback.html"
    return ""


def _moodle(row, assignment, number):
    name = re.sub(r"[\\/:*?\"<>|_\x00-\x1f]+", " ", row.student).strip() or "Participant"
    return f"{name}_{number}_assignsubmission_file_/{assignment}-feedback.html" if number else ""
