"""Hands the lessons out: copies what the course has into a learner's folder, and never touches a learner's work.

    python handout.py [FOLDER]      by default ~/pooling-course; a hub does this whenever a server starts

A file that is not there is copied. One that still is as it was handed out follows the course, so that a correction
reaches who has not begun yet. One that the learner has changed stays theirs, for good. Whoever wants a lesson anew
renames their own, and gets a fresh one at the next start.
"""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (ROOT / "notebooks", ROOT / "handout")  # the lessons; and what the instructor adds, assignments for example
FOLDER = "pooling-course"
RECORD = ".handed_out.json"  # {name: digest of what was handed out last}


def hand_out(folder: Path, sources: tuple[Path, ...] = SOURCES) -> list[str]:
    """The names of the files that were written. Notebooks lie directly in each source; later sources win.

    >>> hand_out(Path("/tmp/ada"))                                                           # doctest: +SKIP
    ['00_start_here.ipynb', '01_what_is_pooling.ipynb', ...]
    >>> hand_out(Path("/tmp/ada"))                                                           # doctest: +SKIP
    []

    Raises OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = read(folder / RECORD)
    handed = []
    for name, path in {path.name: path for source in sources for path in sorted(source.glob("*.ipynb"))}.items():
        text, mine = path.read_bytes(), folder / name
        if os.path.lexists(mine) and (digest(text) == record.get(name) or not is_untouched(mine, record.get(name))):
            continue
        write(mine, text)
        record[name] = digest(text)
        handed.append(name)
    if handed:
        write(folder / RECORD, json.dumps(record, indent=1).encode())
    return handed


def is_untouched(mine: Path, handed_out: str | None) -> bool:
    return mine.is_file() and not mine.is_symlink() and digest(mine.read_bytes()) == handed_out


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def read(record: Path) -> dict[str, str]:
    """A record that is gone or damaged vouches for nothing: then every file that is there counts as the learner's."""
    try:
        found = json.loads(record.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(path: Path, text: bytes):
    """In one step, so that a full disk or a killed server leaves no half file."""
    handle, half_written = tempfile.mkstemp(dir=path.parent, prefix=".handing-out-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        os.chmod(half_written, 0o644)
        os.replace(half_written, path)
    except BaseException:
        os.unlink(half_written)
        raise


if __name__ == "__main__":
    print(*hand_out(Path(sys.argv[1]) if sys.argv[1:] else Path.home() / FOLDER), sep="\n")
