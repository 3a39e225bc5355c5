"""What is wrong with an environment.yml? Reads it as conda, pip and Binder would, without installing anything."""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

# The markers of constraints.txt are read for this machine, Binder's, wherever the check itself runs.
BINDER = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.9",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def problems(path: Path, ask_registry: bool = True) -> list[str]:
    """Every problem as one sentence; none means that the environment can be made. Without the registry: form only."""
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        return [f"not YAML: {error}"]
    if not content:
        return ["the file is empty"]
    if not isinstance(content, dict):
        return [f"the file holds a {type(content).__name__}, not a mapping"]
    found = list(_form(content, path.parent))
    return found or (list(_unavailable(pip_lines(content), path.parent)) if ask_registry else [])


def pip_lines(content: dict) -> list[str]:
    return [line for entry in content["dependencies"] if isinstance(entry, dict) for line in entry["pip"]]


def _form(content: dict, folder: Path) -> Iterator[str]:
    if not isinstance(content.get("name"), str):
        yield "the environment has no name"
    if content.get("channels") != ["conda-forge"]:
        yield "channels is not just conda-forge"
    dependencies = content.get("dependencies")
    if not isinstance(dependencies, list):
        yield f"dependencies is a {type(dependencies).__name__}, not a list"
        return
    names = [entry for entry in dependencies if isinstance(entry, str)]
    if not any(re.fullmatch(r"python=3\.\d+(\.\d+)?", name) for name in names):
        yield "no exact python pin such as python=3.11"
    if "pip" not in names:
        yield "pip itself is not among the dependencies"
    for entry in dependencies:
        if isinstance(entry, dict) and set(entry) == {"pip"} and isinstance(entry["pip"], list):
            for line in entry["pip"]:
                yield from _line_form(line, folder)
        elif not isinstance(entry, str):
            yield f"neither a package nor a list of pip: {entry!r}"


def _line_form(line: object, folder: Path) -> Iterator[str]:
    if not isinstance(line, str):
        yield f"a line of pip is not text: {line!r}"
        return
    option, _, value = line.partition(" ")
    if option in ("-r", "-c"):
        if not (folder / value).is_file():
            yield f"{line}: there is no such file"
    elif option == "-e":
        yield from _course_form(value, folder)
    elif not option.startswith("-"):
        try:
            Requirement(line)
        except InvalidRequirement as error:
            yield f"not a requirement: {line!r} ({error})"


def _course_form(value: str, folder: Path) -> Iterator[str]:
    where, extras = _split_extras(value)
    if not (folder / where / "pyproject.toml").is_file():
        yield f"-e {value}: there is no pyproject.toml"
        return
    known = _project(folder / where).get("optional-dependencies", {})
    yield from (f"-e {value}: there is no extra {extra}" for extra in extras if extra not in known)


def _split_extras(value: str) -> tuple[str, list[str]]:
    where, _, extras = value.strip().removesuffix("]").partition("[")
    return where, [extra.strip() for extra in extras.split(",") if extra.strip()]


def _project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _unavailable(lines: list[str], folder: Path) -> Iterator[str]:
    """pip's own errors, from a dry run in which the course stands for its requirements and each pin for itself."""
    requirements: list[str] = []
    constraints: list[str] = []
    for line in lines:
        option, _, value = line.partition(" ")
        if option in ("-r", "-c"):
            listed = requirements if option == "-r" else constraints
            listed += [f"{name}=={version}" for name, version in pins(folder / value).items()]
        elif option == "-e":
            where, extras = _split_extras(value)
            project = _project(folder / where)
            requirements += project["dependencies"]
            requirements += [name for extra in extras for name in project["optional-dependencies"][extra]]
        else:
            requirements.append(line)
    answer = pip_dry_run(requirements, constraints)
    if answer.returncode != 0:
        errors = [line for line in answer.stderr.splitlines() if line.startswith("ERROR: ")]
        yield from errors or [answer.stderr]


def pins(constraints: Path, environment: dict[str, str] = BINDER) -> dict[str, str]:
    """{package: exact version} of the lines of a constraints file that count on such a machine."""
    lines = constraints.read_text(encoding="utf-8").splitlines()
    parsed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    counting = [pin for pin in parsed if pin.marker is None or pin.marker.evaluate(environment)]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in counting}


def pip_dry_run(requirements: list[str], constraints: Iterable[str] = ()) -> subprocess.CompletedProcess[str]:
    """Would pip find each of these for Python 3.11? What those require in turn is left to constraints.txt."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        command += ["--retries", "0", "--timeout", "20", "--python-version", BINDER["python_full_version"]]
        command += ["--only-binary", ":all:", "--target", folder]
        for option, lines in [("-r", requirements), ("-c", constraints)]:
            listed = Path(folder) / f"list{option}.txt"
            listed.write_text("\n".join(lines), encoding="utf-8")
            command += [option, str(listed)]
        return subprocess.run(command, capture_output=True, text=True)
