"""What lies in a folder or a .zip: every entry once, and its bytes when they are asked for.

Nothing is unpacked, no link is followed, and what cannot be read costs itself and nothing beside it. A .zip inside
counts as a folder, since students hand in folders that way; a .zip in that one is a file like any other.
"""

import io
import os
import re
import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

LARGEST = 100 << 20  # bytes of a file: pictures in outputs make some notebooks large
LONGEST, LONGEST_NAME = 4096, 255  # characters of a path, and of a name in it
MOST_ENTRIES = 1 << 20  # bytes of the list of entries in a .zip that a student made: some 10,000
SYSTEMS_OWN = re.compile(
    r"\..*|__MACOSX|__pycache__|(?:ehthumbs|ehthumbs_vista|Thumbs)\.db|desktop\.ini|Icon\r|~\$.*"
    r"|\$RECYCLE\.BIN|System Volume Information|lost\+found|@eaDir|#recycle",  # of whole drives, and of network drives
    re.IGNORECASE,
)


class Broken(Exception):
    """A sentence for the student or the instructor: why something cannot be graded."""


@dataclass(frozen=True, slots=True)
class File:
    """An entry: a file, or a folder of which only the whole is of interest.

    Attributes:
        path: below the place; it stands for all that lies below it, too.
        read: gives the bytes, or raises Broken.
        why: why it can be nobody's work, or "".
        loud: whether somebody should look at that.
        account: the number of the user whose it is; None in a .zip.
    """

    path: PurePosixPath
    read: Callable[[], bytes]
    why: str = ""
    loud: bool = False
    account: int | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        return self.path.parts


def is_notebook(name: str) -> bool:
    """Whether that is what a notebook is called, with what browsers and phones add to it.

    >>> [is_notebook(name) for name in ("ps1.ipynb", "PS1.IPYNB", "ps1.ipynb.txt", "ps1.ipynb (1).json", "ps1.html")]
    [True, True, True, True, False]
    """
    return bool(re.search(r"\.ipynb[ .]*(\(\d+\))?(\.(txt|json|download))?[ .]*$", name, re.IGNORECASE))


def entries(place: Path, leave: Path | None = None) -> list[File]:
    """All that lies in a folder or a .zip, but for the folder `leave`, which is named and not entered.

    Raises:
        Broken: it is neither, or cannot be read.
    """
    try:
        if place.is_dir():
            return _numbered(_in_folder(place, leave))
        if place.is_file() and zipfile.is_zipfile(place):
            archive = zipfile.ZipFile(place)  # stays open: to read its list for each of 10,000 entries would take hours
            return _numbered(_in_zip(archive, PurePosixPath(), lambda info: _unzip(lambda: archive, info)))
    except Exception as error:  # what a damaged archive raises, no list holds
        raise Broken(f"{place} cannot be read ({_reason(error)}).") from None
    raise Broken(f"{place} is neither a folder nor a .zip with submissions.")


def _numbered(found) -> list[File]:
    """In order; two entries of one name, as a .zip may hold them, are told apart."""
    seen: Counter = Counter()
    files = []
    for file in sorted(found, key=lambda file: file.parts):
        seen[file.path] += 1
        if seen[file.path] > 1:
            again = PurePosixPath(f"{file.path} (entry {seen[file.path]} of this name)")
            file = replace(
                file, path=again, why=file.why or "another entry of a name that its .zip has twice", loud=True
            )
        files.append(file)
    return files


# ---- Folders ---------------------------------------------------------------------------------------------------------


def _in_folder(place, leave) -> Iterator[File]:
    waiting = [(os.fspath(place), PurePosixPath())]  # a list, for somebody may hand in a thousand folders in each other
    while waiting:
        folder, at = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                found = list(listing)
        except OSError as error:
            if not at.parts:
                raise
            yield _nothing(at, f"a folder that cannot be read ({error.strerror})", loud=True)
            continue
        if not found and at.parts:
            yield _nothing(at, "an empty folder", loud=True)
        for entry in found:
            path = os.path.join(folder, entry.name)
            name = os.fsencode(entry.name).decode("utf-8", "surrogateescape")  # as it is, whatever the locale thinks
            inside = at / name
            if SYSTEMS_OWN.fullmatch(name):
                yield _nothing(inside, "the system's own, or hidden")
            elif leave is not None and entry.is_dir() and _is_same(path, leave):
                yield _nothing(inside, "the folder of the results")
            elif entry.is_symlink() and not is_notebook(name):
                yield _nothing(inside, "a link, and links are not followed", loud=True)
            elif entry.is_dir(follow_symlinks=False) and not is_notebook(name):
                waiting.append((path, inside))
            else:
                yield from _opened(File(inside, partial(_read, path), account=_account(entry)))


def _is_same(path, other):
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def _account(entry):
    try:
        return entry.stat(follow_symlinks=False).st_uid
    except OSError:
        return None


def _read(path):
    """The bytes of a plain file, and of no link that could lead to another's."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise Broken(f"The notebook cannot be opened ({error.strerror}); links are not followed.") from None
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise Broken("What is called a notebook is no file.")
        _refuse_large(found.st_size)
        with open(file, "rb", closefd=False) as opened:
            return _bounded(opened)
    except OSError as error:
        raise Broken(f"The notebook cannot be read ({error.strerror}).") from None
    finally:
        os.close(file)


def _bounded(opened):
    data = opened.read(LARGEST + 1)  # what a file or an archive says of its size need not be true
    _refuse_large(len(data))
    return data


def _refuse_large(size):
    if size > LARGEST:
        raise Broken(f"The notebook has {size >> 20} MB; more than {LARGEST >> 20} MB are not read.")


# ---- Archives --------------------------------------------------------------------------------------------------------


def _in_zip(archive, at, reader) -> Iterator[File]:
    folders, seen = set(), set()
    for info in archive.infolist():
        name = _name(info)
        parts = tuple(part for part in re.split(r"[/\\]", name) if part not in ("", "."))
        own = next((i for i, part in enumerate(parts) if SYSTEMS_OWN.fullmatch(part) and part != ".."), None)
        path = at.joinpath(*parts)
        if ".." in parts or re.match(r"[/\\]|\w:", name):
            yield _nothing(at / name.lstrip("/"), "an entry whose path leads out of its .zip", loud=True)
        elif own is not None:
            hidden = at.joinpath(*parts[: own + 1])
            if hidden not in seen:
                yield _nothing(hidden, "the system's own, or hidden")
            seen.add(hidden)
        elif name.endswith(("/", "\\")):
            folders.add(path)
        elif len(name) > LONGEST or any(len(part) > LONGEST_NAME for part in parts):
            why = f"an entry whose path is longer than {LONGEST:,} characters, or a name in it than {LONGEST_NAME}"
            yield _nothing(at / f"{name[:80]}...", why, loud=True)
        elif not parts:
            yield _nothing(at / "(no name)", "an entry without a name", loud=True)
        elif stat.S_ISLNK(info.external_attr >> 16):
            yield _nothing(path, "a link, and links are not followed", loud=True)
        else:
            seen.add(path)
            file = File(path, partial(reader, info))
            yield from _opened(file) if not at.parts else [file]
    full = {parent for path in seen for parent in path.parents} | {up for one in folders for up in one.parents}
    for path in sorted(folders - full - seen):
        yield _nothing(path, "an empty folder", loud=True)


def _name(info):
    """An entry's name; macOS writes UTF-8 and forgets to say so."""
    try:
        return info.filename if info.flag_bits & 0x800 else info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _opened(file) -> Iterator[File]:
    """What a .zip holds that lies among the submissions; other files as they are."""
    if file.path.suffix.casefold() != ".zip":
        yield file
        return

    def archive():
        data = file.read()
        end = data.rfind(b"PK\5\6", -(1 << 16) - 22)
        wide = data[max(end - 20, 0) : end].startswith(b"PK\6\7")  # the form for more than four gigabytes
        if end >= 0 and (wide or struct.unpack_from("<I", data, end + 12)[0] > MOST_ENTRIES):
            raise Broken("The .zip lists too many files.")
        return zipfile.ZipFile(io.BytesIO(data))

    try:
        held = list(_in_zip(archive(), file.path, lambda info: _unzip(archive, info)))
    except Exception:  # what a damaged archive raises, no list holds
        held = []
    yield from held if any(not inside.why for inside in held) else [file]  # else it is a file like any other


def _unzip(archive, info):
    _refuse_large(info.file_size)
    try:
        with archive().open(info) as opened:
            return _bounded(opened)
    except Broken:
        raise
    except Exception as error:  # zlib, lzma, a wrong checksum, a password, an unknown method, a cut-off end
        raise Broken(f"The notebook cannot be unpacked ({_reason(error)}).") from None


def _reason(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _nothing(path, why, loud=False):
    def read():
        raise Broken(f"This is {why}.")

    return File(path, read, why, loud)
