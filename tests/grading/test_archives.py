"""Is an archive read for what can be read in it, however it is damaged, and nothing outside of it?"""

import io
import os
import struct
import zipfile

import pytest

from harness import classroom
from harness.downloads import BOOK, OTHER, seen
from pooling_course.grading import files
from pooling_course.grading.files import Broken
from pooling_course.grading.submissions import GRADED, NOTHING, code_of, look


def damaged(place, how):
    """A .zip of Canvas's with Ada's and Bob's work, and what is wrong with Ada's."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bob_3_4_ps1.ipynb", BOOK)
        archive.writestr("ada_1_2_ps1.ipynb", BOOK * 20 if how != "many" else " " * 100_000)
    data = bytearray(place.read_bytes())
    local, central = data.index(b"PK\3\4", 10), data.rindex(b"PK\1\2")
    name = len("ada_1_2_ps1.ipynb")
    if how == "checksum":
        data[central + 16] ^= 255
    elif how == "deflate":
        data[local + 30 + name : local + 40 + name] = b"\xff" * 10
    elif how == "encrypted":
        for at in (local + 6, central + 8):
            data[at] |= 1
    elif how == "method":
        for at in (local + 8, central + 10):
            struct.pack_into("<H", data, at, 77)
    elif how == "date":
        struct.pack_into("<HH", data, central + 12, 0xFFFF, 0)
        struct.pack_into("<HH", data, local + 10, 0xFFFF, 0)
    elif how == "header":
        data[local : local + 4] = b"XXXX"
    elif how == "offset":
        struct.pack_into("<I", data, central + 42, 1 << 30)
    elif how == "size":
        struct.pack_into("<I", data, central + 24, 1 << 31)
    place.write_bytes(data)


@pytest.mark.parametrize("how", ["checksum", "deflate", "encrypted", "method", "header", "offset", "size", "many"])
def test_one_damaged_entry_costs_itself_only(tmp_path, how, monkeypatch):
    damaged(tmp_path / "all.zip", how)
    if how == "many":
        monkeypatch.setattr(files, "LARGEST", 1000)
    account = look(tmp_path / "all.zip", "ps1")
    ada, bob = (submission for submission, _ in account.counted)
    assert (ada.student, bob.student) == ("ada", "bob") and code_of(bob.read()) == ["x = 1"]
    with pytest.raises(Broken, match="cannot be unpacked|are not read"):
        ada.read()


@pytest.mark.parametrize(
    "fits, is_longer",
    [
        (f"{'a' * 249}.ipynb", f"{'a' * 250}.ipynb"),
        (f"{'a' * 255}/ps1.ipynb", f"{'a' * 256}/ps1.ipynb"),
        (f"{'a/' * 2043}ps1.ipynb", f"{'a/' * 2044}ps1.ipynb"),
    ],
    ids=["the name", "a folder's", "the path"],
)
def test_what_no_folder_could_hold_is_left_out_and_told(tmp_path, fits, is_longer):
    """Names of 255 characters, and paths of 4,096, are the longest that Linux has."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr(fits, BOOK)
        archive.writestr(is_longer, BOOK)
    found = {bool(file.why): file for file in files.entries(tmp_path / "all.zip")}
    assert found[False].path.as_posix() == fits
    assert "longer than 4,096 characters, or a name in it than 255" in found[True].why and found[True].loud


def test_a_date_that_never_was_costs_nothing(tmp_path):
    damaged(tmp_path / "all.zip", "date")
    account = look(tmp_path / "all.zip", "ps1")
    assert all(submission.when is None and submission.read() for submission, _ in account.counted)


@pytest.mark.parametrize("data", [b"PK\5\6" + b"\0" * 18, b"PK\3\4" + b"x" * 100, b"", b"PK\5\6" + b"\xff" * 18])
def test_a_damaged_zip_gives_a_sentence(tmp_path, data):
    (tmp_path / "all.zip").write_bytes(data)
    with pytest.raises(Broken):
        look(tmp_path / "all.zip", "ps1")


@pytest.mark.parametrize(
    "name", ["../../../bob_3_4_ps1.ipynb", "/tmp/bob_3_4_ps1.ipynb", "C:\\bob_3_4_ps1.ipynb", "a/../bob_3_4_x.ipynb"]
)
def test_a_path_out_of_a_zip_is_nobodys(tmp_path, name):
    _, fates, counted = seen(tmp_path / "all.zip", {"ada_1_2_ps1.ipynb": BOOK, name: OTHER})
    assert list(counted) == ["ada"] and len(fates) == 2
    assert sorted(tmp_path.iterdir()) == [tmp_path / "all.zip"]


def test_what_systems_add_to_a_zip_is_nobodys(tmp_path):
    content = dict.fromkeys(["ada/ps1.ipynb", "bob/ps1.ipynb"], BOOK)
    more = [
        "__MACOSX/ada/._ps1.ipynb",
        "ada/.ipynb_checkpoints/ps1-checkpoint.ipynb",
        "ada/._ps1.ipynb",
        "ada/.DS_Store",
    ]
    more += ["System Volume Information/x.dat", "$RECYCLE.BIN/S-1-5/ps1.ipynb", "@eaDir/ada/ps1.ipynb", "ehthumbs.db"]
    more += ["bob/__MACOSX/._ps1.ipynb", "Thumbs.db", "ada/~$ps1.ipynb", ".git/config"]
    account, fates, counted = seen(tmp_path / "all.zip", content | dict.fromkeys(more, OTHER))
    assert [attempts for _, attempts in account.counted] == [1, 1] and len(fates) == 14
    assert not any(entry.loud for entry in account.entries)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_have_a_line_each(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for data in (BOOK, OTHER, BOOK):
            archive.writestr("ada_1_2_ps1.ipynb", data)
    account = look(tmp_path / "all.zip", "ps1")
    assert [entry.fate for entry in account.entries] == [GRADED, NOTHING, NOTHING]
    assert [entry.loud for entry in account.entries] == [False, True, True]


def test_a_zip_of_macos_or_windows_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("Jörg\\ps1.ipynb", BOOK)
        archive.writestr("Ada/ps1.ipynb", BOOK)
    data = (tmp_path / "all.zip").read_bytes()
    central = data.index(b"PK\1\2")
    forgets = bytearray(data)
    forgets[central + 9] &= ~0x08  # that it is UTF-8
    forgets[data.index(b"PK\3\4") + 7] &= ~0x08
    (tmp_path / "all.zip").write_bytes(forgets)
    assert {s.student for s, _ in look(tmp_path / "all.zip", "ps1").counted} == {"Ada", "Jörg"}


def test_a_zip_among_the_files_is_a_folder(tmp_path):
    inner = classroom.lay_out(
        tmp_path / "inner.zip", {"homework/ps1.ipynb": BOOK, "__MACOSX/homework/._ps1.ipynb": b"x"}
    )
    deeper = classroom.lay_out(tmp_path / "deeper.zip", {"inner.zip": inner.read_bytes()})
    content = {
        "ada_1_2_work.zip": inner.read_bytes(),
        "bob_3_4_work.zip": deeper.read_bytes(),
        "cy_5_6_ps1.ipynb": BOOK,
    }
    account, fates, counted = seen(tmp_path / "class", content)
    assert counted == {
        "ada": "ada_1_2_work.zip/homework/ps1.ipynb",
        "bob": "bob_3_4_work.zip/inner.zip",
        "cy": "cy_5_6_ps1.ipynb",
    }
    assert code_of(account.counted[0][0].read()) == ["x = 1"]
    with pytest.raises(Broken, match="No notebook"):
        account.counted[1][0].read()


@pytest.mark.parametrize("wide", [False, True])
def test_a_zip_with_a_list_too_long_is_not_opened(tmp_path, monkeypatch, wide):
    monkeypatch.setattr(files, "MOST_ENTRIES", 1000)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for i in range(30):
            archive.writestr(f"{i}.txt", b"")
    data = held.getvalue()
    if wide:  # as if it were larger than four gigabytes, and said no size
        end = data.index(b"PK\5\6")
        data = data[:end] + b"PK\6\7" + b"\0" * 16 + data[end : end + 12] + b"\0" * 4 + data[end + 16 :]
    opened = []
    monkeypatch.setattr(files, "_in_zip", lambda *a: opened.append(a) or [])
    account, fates, counted = seen(tmp_path / "class", {"ada_1_2_x.zip": data, "cy_5_6_ps1.ipynb": BOOK})
    assert not opened and counted["ada"] == "ada_1_2_x.zip" and fates["ada_1_2_x.zip"][0] == NOTHING


@pytest.mark.skipif(os.name == "nt", reason="Windows makes links for administrators only, and no pipes")
def test_what_is_no_plain_file_is_named_and_not_followed(tmp_path):
    place = classroom.lay_out(
        tmp_path / "class", {"ada/ps1/ps1.ipynb": BOOK, "bob/ps1/x.txt": b"", "cy/ps1/ps1.ipynb": BOOK}
    )
    secret = classroom.write(tmp_path / "secret.ipynb", OTHER)
    (place / "bob/ps1/ps1.ipynb").symlink_to(secret)
    (place / "ada/ps1/timestamp.txt").symlink_to("/dev/zero")
    (place / "cy/ps1/more").symlink_to(tmp_path)
    os.mkfifo(place / "cy/ps1/timestamp.txt")
    (place / "di").mkdir()
    account = look(place, "ps1")
    ada, bob, cy = (submission for submission, _ in account.counted)
    assert ada.when is None and cy.when is None
    with pytest.raises(Broken, match="links are not followed"):
        bob.read()
    whys = {entry.path: entry.why for entry in account.entries}
    assert whys["cy/ps1/more"] == "a link, and links are not followed" and whys["di"] == "an empty folder"


def test_a_thousand_folders_in_each_other_stop_nobody(tmp_path):
    place = classroom.lay_out(tmp_path / "class", {"ada/ps1.ipynb": BOOK, "bob/ps1.ipynb": BOOK})
    here = os.getcwd()
    os.chdir(place / "bob")
    try:
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)
    try:
        assert len(look(place, "ps1").counted) == 2
    finally:
        unmake(place / "bob")


def unmake(folder):
    """Remove what no path is short enough to name."""
    here, depth = os.getcwd(), 0
    os.chdir(folder)
    while os.path.isdir("d"):
        os.chdir("d")
        depth += 1
    for _ in range(depth):
        os.chdir("..")
        os.rmdir("d")
    os.chdir(here)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_named(tmp_path):
    place = classroom.lay_out(tmp_path / "class", {"ada/ps1.ipynb": BOOK, "bob/ps1.ipynb": BOOK})
    (place / "bob").chmod(0)
    try:
        account = look(place, "ps1")
    finally:
        (place / "bob").chmod(0o700)
    assert [entry.why for entry in account.entries if entry.loud] == [
        "a folder that cannot be read (Permission denied)"
    ]
