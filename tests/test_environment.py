"""Can the environment of environment.yml, and the one of course.py, be made as they are written?"""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness import environment_file
from harness.environment_file import problems

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "environment.yml"
PINS = environment_file.pins(ROOT / "constraints.txt")


@pytest.fixture(scope="module")
def registry():
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("environment.yml is for Binder: its packages are looked up for Linux on x86_64 only")
    if environment_file.pip_dry_run([f"packaging=={PINS['packaging']}"]).returncode != 0:
        pytest.skip("no package registry answers")


@pytest.fixture
def broken(tmp_path):
    """A copy of environment.yml, and what it stands on, with one passage replaced."""
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)

    def write(old, new):
        text = ENVIRONMENT.read_text(encoding="utf-8")
        assert text.count(old) == 1
        copy = tmp_path / "environment.yml"
        copy.write_text(text.replace(old, new), encoding="utf-8")
        return copy

    return write


def test_is_well_formed():
    assert problems(ENVIRONMENT, ask_registry=False) == []


def test_can_be_made(registry):
    assert problems(ENVIRONMENT) == []


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("python=3.11", "python", "no exact python pin"),
        ("python=3.11", "python>=3.11", "no exact python pin"),
        ("  - pip\n", "", "pip itself is not among"),
        ("-c constraints.txt", "-c constraint.txt", "there is no such file"),
        ("-c constraints.txt", "-r requirements.txt", "there is no such file"),
        ("-e .[lab]", "-e .[labs]", "there is no extra labs"),
        ("-e .[lab]", "-e ./course[lab]", "there is no pyproject.toml"),
        ("torch==2.13.0+cpu", "torch=2.13.0", "not a requirement"),
        ("torch==2.13.0+cpu", "torch: 2.13.0", "a line of pip is not text"),
        ("  - pip:\n", "  - pips:\n", "neither a package nor a list of pip"),
        ("name: pooling-course", "name:", "no name"),
        ("  - conda-forge", "  - defaults", "channels"),
        ("name: pooling-course", "name: [pooling-course", "not YAML"),
    ],
)
def test_catches_what_is_malformed(broken, old, new, problem):
    assert any(problem in sentence for sentence in problems(broken(old, new), ask_registry=False))


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("- python=3.11\n", "not a mapping"),
        ("name: a\nchannels: [conda-forge]\n", "dependencies is a NoneType, not a list"),
        ("name: a\nchannels: [conda-forge]\ndependencies:\n  python: 3.11\n", "dependencies is a dict, not a list"),
        (
            "name: a\nchannels: [conda-forge]\ndependencies: [python=3.11, pip, {pip: {torch: 2.13.0}}]\n",
            "neither a package nor a list of pip",
        ),
    ],
)
def test_catches_a_file_of_the_wrong_shape(tmp_path, text, problem):
    path = tmp_path / "environment.yml"
    path.write_text(text, encoding="utf-8")
    assert any(problem in sentence for sentence in problems(path, ask_registry=False))


@pytest.mark.parametrize(
    "wrong, problem",
    [
        ("pooling-course-has-no-such-package==1.0", "No matching distribution found for pooling-course-has-no-such"),
        ("wheel==0.0.0", "No matching distribution found for wheel==0.0.0"),
        ("torch==2.13.99+cpu", "conflicting dependencies"),
    ],
)
def test_catches_what_no_registry_has(registry, broken, wrong, problem):
    found = problems(broken("torch==2.13.0+cpu", wrong))
    assert any(problem in sentence for sentence in found), found


def dockerfile(folder):
    """(exit code, what Binder would do with a folder, as a Dockerfile); needs no docker."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True)
    return answer.returncode, answer.stdout + answer.stderr


def test_binder_reads_it(broken):
    code, steps = dockerfile(broken("name: pooling-course", "name: pooling-course").parent)
    assert code == 0, steps
    assert "Building conda environment for python=3.11" in steps
    # -e . and -c constraints.txt need the repository, which must be there before the environment is made
    assert steps.index("COPY --chown=0:0 src/") < steps.index(
        'env update -p ${NB_PYTHON_PREFIX} --file "environment.yml"'
    )


@pytest.mark.parametrize(
    "old, new", [("  - python=3.11\n  - pip\n", "  python: 3.11\n"), ("  - conda-forge", "  - [conda-forge")]
)
def test_binder_refuses_what_we_refuse(broken, old, new):
    path = broken(old, new)
    code, steps = dockerfile(path.parent)
    assert code != 0 and problems(path, ask_registry=False), steps


def test_pins_are_those_of_constraints():
    lines = environment_file.pip_lines(yaml.safe_load(ENVIRONMENT.read_text(encoding="utf-8")))
    assert "-c constraints.txt" in lines
    named = [Requirement(line) for line in lines if not line.startswith("-")]
    assert [(pin.name, str(pin.specifier)) for pin in named] == [("torch", f"=={PINS['torch']}+cpu")]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("system", [("Linux", "linux"), ("Darwin", "darwin"), ("Windows", "win32")])
def test_constraints_pin_what_the_course_asks_for(python, system):
    machine = dict(environment_file.BINDER, python_version=python, python_full_version=f"{python}.9")
    machine.update(platform_system=system[0], sys_platform=system[1])
    pinned = environment_file.pins(ROOT / "constraints.txt", machine)
    project = environment_file._project(ROOT)
    asked = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement
    assert "setuptools" in pinned  # what installs the course itself, without build isolation


def test_constraints_hold_exact_versions_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line) for line in lines if not line.startswith("#")]
    assert all([clause.operator for clause in pin.specifier] == ["=="] and not pin.url for pin in pinned)
    assert not [pin.name for pin in pinned if pin.name.startswith(("nvidia", "cuda", "triton"))]


def test_this_environment_is_complete_and_free_of_conflicts():
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("not in the .venv that course.py made")
    check = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout
