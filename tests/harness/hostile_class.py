"""A class of all hostile submissions, a perfect neighbour beside each; graded as root, or as an ordinary user.

As a program it makes and grades the class: python tests/harness/hostile_class.py FOLDER [--runs 20] [--only stay]
"""

import argparse
import ctypes
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # as a program it is called by its path

import psutil  # noqa: E402
import pytest  # noqa: E402

from harness import classroom  # noqa: E402
from harness.hostile import ATTACKS, COMPUTING, EVERY, PLANTED  # noqa: E402
from pooling_course.exercises import load  # noqa: E402
from pooling_course.grading import __main__ as command  # noqa: E402
from pooling_course.grading import mark, sandbox  # noqa: E402

PS2 = {task.exercise: task.points for task in mark.tasks("ps2")}
FULL = sum(PS2.values())
USER = 12345  # no account has this number
SUBREAPER = 36  # prctl's number for: orphans become mine
SECONDS, TOTAL = 1, 20  # less than in a real class, so that the many who waste time waste less


# ---- The class -------------------------------------------------------------------------------------------------------


def cells_of(attack, port=0):
    """The cells of a perfect notebook with the attack in its place."""
    cells = classroom.cells("ps2", "someone")
    at = next(i for i, cell in enumerate(cells) if "def output_size" in cell)
    if attack.where == "answer":
        body = "\n".join(f"    {line}" for line in attack.code.replace("{port}", str(port)).splitlines())
        cells[at] = (
            f"import threading\ndef output_size(size, kernel_size, stride, padding):\n{body}" if body else "x = 1"
        )
    elif attack.where == "cell":
        cells.insert(1, attack.code)
    elif attack.where == "alone":
        cells = [attack.code]
    elif attack.where == "edited":
        cells = [cell.replace("check(", "max(9, 9) or (") if "verdict" in cell else cell for cell in cells]
        cells[at] = attack.code
    elif attack.where == "deleted":
        cells = [cell for cell in cells if "verdict" not in cell]
    return cells


def hand_in(path, attack, port):
    cells = classroom.cells("ps2", "someone")
    made = {
        "many": ["x = 1"] * 100_000,
        "errors": ["raise ValueError('x' * 1000)"] * 900 + cells,
        "definitions": ["def output_size(*a): return -1"] * 900 + cells,
        "sleeping": ["import time\ntime.sleep(60)"] * 12 + cells,
        "resting": [f"import time\ntime.sleep({1.8 * SECONDS})"] * 15 + cells,
    }
    if attack.where != "file":
        classroom.write(path, cells_of(attack, port))
    elif isinstance(attack.code, bytes):
        classroom.write(path, attack.code)
    elif attack.code in made:
        classroom.write(path, made[attack.code])
    elif attack.code == "large":
        large = classroom.notebook(cells)
        large["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}]
        classroom.write(path, large)
    elif attack.code == "folder":
        path.mkdir(parents=True)
    elif attack.code == "pipe":
        path.parent.mkdir(parents=True)
        os.mkfifo(path)
    elif attack.code == "link":
        path.parent.mkdir(parents=True)
        path.symlink_to(path.parents[2] / "link-neighbour" / "ps2" / "ps2.ipynb")


def make(place: Path, names, port: int) -> None:
    for name in names:
        hand_in(place / name / "ps2" / "ps2.ipynb", ATTACKS[name], port)
        cells = [f"import {', '.join(PLANTED)}", *classroom.cells("ps2", f"{name}-neighbour")]
        classroom.write(place / f"{name}-neighbour" / "ps2" / "ps2.ipynb", cells)


def grade(place: Path, out: Path) -> int:
    """All tasks without their rules, by which most attacks would not count at all: here the walls must hold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mark, "load", lambda name: dataclasses.replace(load(name), rule="any"))
        patch.setattr(sandbox, "TOTAL", TOTAL)
        return command.main([str(place), "--assignment", "ps2", "--out", str(out), "--seconds", str(SECONDS)])


def wrong_marks(out: Path) -> dict[str, str]:
    """Who has other marks than they should, and which."""
    wrong = {}
    for name, row in classroom.grades(out).items():
        attack = ATTACKS.get(name)
        loses = set(PS2) if attack and attack.loses == EVERY else attack.loses if attack else ()
        wanted = {exercise: 0 if exercise in loses else points for exercise, points in PS2.items()}
        marks = {exercise: float(row[exercise] or -1) for exercise in PS2}
        if marks != wanted:
            wrong[name] = f"{marks}, notes: {row['notes']}"
    return wrong


def left_running() -> list[int]:
    """The sandboxes that this process, or one that it adopted, still has a while after the last was closed."""
    walls = [child for child in psutil.Process().children(recursive=True) if child.name() == "bwrap"]
    return [child.pid for child in psutil.wait_procs(walls, timeout=5)[1]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--only", default="", help="attacks whose names begin so")
    args = parser.parse_args()
    names = [name for name in ATTACKS if name.startswith(tuple(args.only.split(",")))]
    found = {"user": os.getuid(), "runs": []}
    ctypes.CDLL(None).prctl(SUBREAPER, 1)  # what a process leaves behind becomes this one's, and is seen at the end
    with socket.create_server(("127.0.0.1", 0)) as server:
        make(args.folder / "submitted", names, server.getsockname()[1])
        for _ in range(args.runs):
            out, began = args.folder / "results", time.monotonic()
            shutil.rmtree(out, ignore_errors=True)
            status = grade(args.folder / "submitted", out)
            run = {"status": status, "wrong": wrong_marks(out), "seconds": time.monotonic() - began}
            found["runs"].append(run)
            print(run, file=sys.stderr, flush=True)
    found["left"] = left_running()
    (args.folder / "found.json").write_text(json.dumps(found))


# ---- As whom ---------------------------------------------------------------------------------------------------------


def as_whom(root: bool) -> list[str]:
    """What stands before a command so that root runs it, or an ordinary user.

    Root becomes a user without an account, by setpriv. Where Python lies in a folder that root alone may enter, such a
    user gets a view of the machine in which that folder holds nothing but Python.
    """
    if root == (os.getuid() == 0):
        return []
    if root:
        return ["sudo", "-n", "--preserve-env=PYTHONPATH,CI"]
    needed = dict.fromkeys(map(str, (sys.base_prefix, sys.prefix, ROOT)))
    view = ["bwrap", "--dev-bind", "/", "/", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    for path in needed:
        shut = next((p for p in [*Path(path).parents][-2::-1] if not p.stat().st_mode & 1), None)
        if shut:
            between = [p for p in [*Path(path).parents][::-1] if shut in p.parents]
            view += ["--tmpfs", str(shut), *(w for p in between for w in ("--dir", str(p))), "--ro-bind", path, path]
    return [*view, "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


def can_be(root: bool) -> bool:
    """Whether this account can run a command so."""
    try:
        return subprocess.run([*as_whom(root), sys.executable, "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False


def graded(root: bool, place: Path, *more) -> dict:
    """What `main` found, as root or as an ordinary user; `place` becomes that user's own."""
    if not root and os.getuid() == 0:
        shutil.chown(place, USER, USER)
    line = [*as_whom(root), sys.executable, __file__, str(place), *map(str, more)]
    done = subprocess.run(line, env=os.environ | {"HOME": str(place)}, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((place / "found.json").read_text())


# ---- Tests, for test_hostile_root.py and test_hostile_user.py --------------------------------------------------------


@pytest.fixture(scope="module")
def able(as_root):
    """Skips where this account cannot grade so, but never in CI."""
    if not os.environ.get("CI"):
        try:
            sandbox.Sandbox().close()
        except sandbox.NoSandbox as reason:
            pytest.skip(str(reason))
        if not can_be(as_root):
            pytest.skip(f"this account cannot run a command as {'root' if as_root else 'an ordinary user'}")


@pytest.fixture(scope="module")
def batch(able, as_root):
    """What came of one class, and where."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:  # pytest's own no other user may enter
        yield graded(as_root, Path(place)), Path(place, "results")


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_its_mark_and_its_neighbour_too(batch, name):
    wrong = batch[0]["runs"][0]["wrong"]
    assert wrong.get(name) is None
    assert wrong.get(f"{name}-neighbour") is None


def test_there_are_attacks_enough_and_every_one_is_graded(batch, as_root):
    found, out = batch
    assert len(ATTACKS) >= 100 and found["runs"][0]["status"] == 0
    assert len(classroom.grades(out)) == 2 * len(ATTACKS)
    assert (found["user"] == 0) == as_root


def test_nothing_is_left_running_or_lying_about(batch):
    assert batch[0]["left"] == []
    assert not Path(sandbox.SCRATCH).exists() and not Path("/dev/shm/left").exists()


def test_pages_are_escaped_and_run_nothing(batch):
    out = batch[1]
    shown = {path.stem: path.read_text("utf-8") for path in (out / "feedback").glob("*.html")}
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in shown["script"] and "alert(1)" in shown["script"]
    for page in [*shown.values(), (out / "report.html").read_text("utf-8")]:
        assert "<script" not in page and "\0" not in page and "default-src 'none'" in page


def test_what_looks_strange_is_told(batch):
    notes = {name: row["notes"] for name, row in classroom.grades(batch[1]).items()}
    assert sandbox.TAMPERED in notes["cell-judge"]
    assert sandbox.SPOKEN in notes["flood-steps"] and sandbox.SPOKEN in notes["forge-channels"]
    assert "`_getframe`" in notes["flood-steps-word"] and "It took all of its" in notes["sleep-within"]
    assert not any("look at it by hand" in note for name, note in notes.items() if name.endswith("-neighbour"))


ONCE = """
import json
from harness.hostile import COMPUTING
from pooling_course.grading import wire
from pooling_course.grading.sandbox import Limits, Question, Sandbox
walls, found = Sandbox(limits=Limits(seconds=1)), {}
ask = walls._ask
for name, code in COMPUTING.items():
    asked = []
    walls._ask = lambda *parts: asked.append(1) or ask(*parts)
    body = code.replace(chr(10), chr(10) + "    ")
    cells = ["import sys; sys.setrecursionlimit(10**9)", "import numpy as np", f"def bad(x):\\n    {body}"]
    asks = [Question(name, wire.encode([(1,)])) for name in ("good", "bad", "good")]
    ran = walls.run([*cells, "def good(x): return x"], asks)
    found[name] = [len(asked) <= 2, *(said[:12] for said in ran.said[::2])]
print(json.dumps(found))
"""


def test_what_only_computes_costs_one_task_and_at_most_one_more_run(able, as_root):
    """Though it has no fork of its own, and cannot be interrupted or ends the process."""
    line = [*as_whom(as_root), sys.executable, "-c", ONCE]
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    done = subprocess.run(line, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    right = '[["value", 1'
    assert json.loads(done.stdout) == {name: [True, right, right] for name in COMPUTING}


@pytest.mark.long
def test_no_run_of_many_changes_a_mark(able, as_root, pytestconfig):
    runs = pytestconfig.getoption("--hostile-runs")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        found = graded(as_root, Path(place), "--runs", runs)
    assert [run["wrong"] for run in found["runs"]] == [{}] * runs
    assert found["left"] == []


if __name__ == "__main__":
    main()
