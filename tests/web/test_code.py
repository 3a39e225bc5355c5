"""Is the JavaScript free of type errors and lint, and laid out by Biome? The tools are those of package-lock.json."""

import contextlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.node import node

ROOT = Path(__file__).parents[2]
INSTALL = "run `npm ci` in the folder of the course; npm comes with Node (https://nodejs.org, or apt-get install npm)."


@pytest.fixture(scope="session")
def tools():
    """The folder of tsc and biome, as package-lock.json has them; where npm is, they are installed first."""
    node()
    installed = ROOT / "node_modules" / ".package-lock.json"
    npm = shutil.which("npm")
    if npm and not is_current(installed):
        done = subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=ROOT, capture_output=True, text=True)
        if done.returncode and os.environ.get("CI"):
            pytest.fail(f"npm ci ended in an error: {done.stderr}")
    if not is_current(installed):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"the JavaScript is unchecked: {INSTALL}")
    return ROOT / "node_modules" / ".bin"


def is_current(installed):
    """Whether what is installed is what package-lock.json says; npm keeps a copy, of what this system needs."""
    if not installed.exists():
        return False
    wanted = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    found = json.loads(installed.read_text("utf-8"))["packages"]
    return found.items() <= wanted.items() and all(
        f"node_modules/{name}" in found for name in wanted[""]["devDependencies"]
    )


def ran(tools, name, *args, cwd=ROOT):
    """(exit status, what it said) of tsc or biome."""
    command = [shutil.which(name, path=tools), *args]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8")
    return done.returncode, done.stdout + done.stderr


def types(tools, cwd=ROOT):
    return ran(tools, "tsc", "--noEmit", "--pretty", "false", cwd=cwd)


def lint(tools, cwd=ROOT):
    return ran(tools, "biome", "ci", "--error-on-warnings", "--colors=off", cwd=cwd)


def test_there_is_no_type_error(tools):
    status, said = types(tools)
    assert status == 0, said


def test_lint_and_layout_are_as_biome_wants_them(tools):
    status, said = lint(tools)
    assert status == 0, f"{said}\n`npm run format` lays the files out, and mends what is safe to mend."


def scripts(folder=ROOT):
    found = [path for place in ("pooling_course", "site") for path in sorted((folder / place).rglob("*.js"))]
    return [path for path in found if "_build" not in path.parts]


def test_every_script_is_checked_and_nothing_is_passed_over(tools):
    _, listed = ran(tools, "tsc", "--noEmit", "--listFilesOnly")
    checked = {Path(line) for line in listed.splitlines()}
    for path in scripts():
        text = path.read_text("utf-8")
        assert path in checked and text.startswith("// @ts-check\n"), path
        assert not re.search(r"@ts-(?:ignore|nocheck|expect-error)|biome-ignore", text), path


TYPE_FAULTS = [
    ("pooling_course/questions/card.js", "number(value)", "number(`${value}`)"),
    ("pooling_course/web/dom.js", "luminance([r, g, b])", "luminance()"),
    ("pooling_course/explorer/kinds/lp.js", "s.norm", "s.nrom"),
    ("pooling_course/explorer/kinds/pooling.js", "  ghost: () => ", "  gohst: () => "),
    ("site/progress.js", "entry.confidence === SURE", "entry.confidnce === SURE"),
]
LINT_FAULTS = [
    ("pooling_course/web/numbers.js", "const DECIMALS", "const UNUSED = 3;\nconst DECIMALS"),
    ("pooling_course/web/numbers.js", "const DECIMALS = 4;", "const DECIMALS   = 4"),
]


@pytest.fixture(scope="module")
def copy(tools, tmp_path_factory):
    """A copy of all that is checked."""
    folder = tmp_path_factory.mktemp("code")
    for name in ("package.json", "package-lock.json", "tsconfig.json", "biome.json", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    for place in ("pooling_course", "site", "benchmarks", "tests"):
        shutil.copytree(
            ROOT / place, folder / place, ignore=shutil.ignore_patterns("*.py", "*.npz", "_build", "__pycache__")
        )
    (folder / "node_modules").symlink_to(ROOT / "node_modules", target_is_directory=True)
    return folder


@contextlib.contextmanager
def planted(folder, *faults):
    before = {file: (folder / file).read_text("utf-8") for file, _, _ in faults}
    for file, right, wrong in faults:
        assert right in before[file], f"{file} no longer says {right!r}: change this list, too."
        (folder / file).write_text(before[file].replace(right, wrong), "utf-8")
    yield
    for file, text in before.items():
        (folder / file).write_text(text, "utf-8")


@pytest.mark.slow
def test_type_errors_are_seen_where_they_are_and_nowhere_else(tools, copy):
    with planted(copy, *TYPE_FAULTS):
        _, said = types(tools, copy)
    found = re.findall(r"^(\S+)\(\d+,\d+\): error", said, re.MULTILINE)
    assert set(found) == {file for file, _, _ in TYPE_FAULTS}, said


@pytest.mark.slow
@pytest.mark.parametrize("fault", LINT_FAULTS)
def test_lint_is_seen(tools, copy, fault):
    with planted(copy, fault):
        status, said = lint(tools, copy)
    assert status and "numbers.js" in said, said


@pytest.mark.slow
def test_the_copy_has_no_lint_of_its_own(tools, copy):
    assert lint(tools, copy)[0] == 0


def test_the_lock_file_gives_exact_versions_and_names_no_registry():
    asked = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    for name, version in asked.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version) and lock[f"node_modules/{name}"]["version"] == version, name
    for name, package in lock.items():
        assert not name or ("resolved" not in package and package["integrity"].startswith("sha512-")), name
