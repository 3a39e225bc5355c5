"""Does a wheel, installed away from the clone, hold all a course needs and nothing else?"""

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

import course
from harness import ROOT, classroom
from pooling_course import __version__
from pooling_course.exercises import load
from pooling_course.grading import mark, sandbox
from tools import links

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built as a clone is, without the network: pip leaves its build folder in a copy rather than here."""
    copy, made = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("no clone: what belongs to it is asked of git")
    for name in filter(lambda name: (ROOT / name).is_file(), tracked.stdout.splitlines()):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    pip("wheel", str(copy), "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(made))
    (found,) = made.glob("*.whl")
    return found


def pip(*what):
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *what]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """Run Python in a folder of its own, with the wheel installed there and this environment's torch and the rest."""
    folder = tmp_path_factory.mktemp("elsewhere")
    pip("install", "--no-deps", "--no-index", "--target", str(folder / "lib"), str(wheel))

    def run(*arguments):
        environ = {**os.environ, "PYTHONPATH": str(folder / "lib")}  # where this very clone, too, is found only later
        answer = subprocess.run([sys.executable, *arguments], cwd=folder, env=environ, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    run.folder = folder
    return run


def test_a_wheel_holds_the_package_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {Path(name).parts[0] for name in names} == {"pooling_course"}
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "pooling_course").rglob("*") if path.is_file()}
    # .d.ts: types by which the JavaScript is checked, in a clone
    assert names == {name for name in here if "__pycache__" not in name and not name.endswith(".d.ts")}


def test_the_metadata_is_complete_and_says_what_is_true(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    said = HeaderParser().parsestr(archive.read(name).decode())
    assert said["Version"] == __version__
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert said["License-Expression"] == "BSD-3-Clause AND CC-BY-4.0"
    assert said.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    assert said["Description-Content-Type"] == "text/markdown" and said["Keywords"] and said["Summary"]
    assert dict(url.split(", ") for url in said.get_all("Project-URL")) == links.urls()
    pythons = [f"{course.OLDEST[0]}.{minor}" for minor in range(course.OLDEST[1], course.NEWEST[1] + 1)]
    classifiers = said.get_all("Classifier")
    assert re.findall(r":: (3\.\d+)$", "\n".join(classifiers), re.MULTILINE) == pythons
    assert "Typing :: Typed" in classifiers and said["Requires-Python"] == f">={pythons[0]}"
    licences = {
        file: archive.read(name.replace("METADATA", f"licenses/{file}")) for file in said.get_all("License-File")
    }
    assert licences["LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert set(licences) == {"LICENSE", "pooling_course/data/README.md"}
    for text in licences.values():  # both name the data, and under which licence they are
        assert b"Kaynak" in text and b"CC BY 4.0" in text


ALL_OF_A_LESSON = """
import sys
from importlib.metadata import version
from pathlib import Path

import pooling_course, torch
from torch import nn
from pooling_course import PoolingExplorer, check, images, quiz, trace

assert pooling_course.__version__ == version("pooling-course")
x = torch.arange(36.0).reshape(6, 6)
assert torch.equal(trace(nn.MaxPool2d(3), x).output, nn.MaxPool2d(3)(x[None])[0])
explorer = PoolingExplorer(x, nn.AvgPool2d(3, stride=1), compare=True)
assert explorer.stride == 1 and "export" in explorer._esm and "{" in explorer._css
assert quiz("first-windows").children
right = check("output-size", lambda size, kernel, stride, padding: (size + 2 * padding - kernel) // stride + 1)
wrong = check("output-size", lambda size, kernel, stride, padding: (size + 2 * padding - kernel) // stride)
assert (right.state, wrong.state, wrong.mistake) == ("solved", "wrong", "no-plus-one"), (right, wrong)
assert images.photo(32).shape == (3, 32, 32) and len(images.digits()[0])
ours = {name: module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] == "pooling_course"}
assert all(Path(file).is_relative_to(Path.cwd() / "lib") for file in ours.values()), ours
assert "tools" not in sys.modules
"""


def test_explorer_trace_questions_and_checks_work_elsewhere(elsewhere):
    elsewhere("-c", ALL_OF_A_LESSON)


def test_a_class_is_graded_elsewhere(elsewhere):
    submitted = elsewhere.folder / "submitted"
    mistake = load("max-by-hand").mistakes[0].name
    for student, mistakes in [("ada", {}), ("bob", {"max-by-hand": mistake})]:
        classroom.write(submitted / student / "ps1" / "ps1.ipynb", classroom.cells("ps1", student, mistakes))
    try:
        sandbox.Sandbox().close()
        trust = []
    except sandbox.NoSandbox:
        trust = ["--trust-submissions"]
    out = elsewhere.folder / "results"
    elsewhere("-m", "pooling_course.grading", "submitted", "--assignment", "ps1", "--out", "results", *trust)
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    full = {task.exercise: task.points for task in mark.tasks("ps1")}
    ada, bob = ({name: float(rows[student][name]) for name in full} for student in ("ada", "bob"))
    assert ada == full
    assert bob.pop("max-by-hand") < full.pop("max-by-hand") and bob == full
