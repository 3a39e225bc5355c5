"""Do the lessons run on Colab: with its versions, from an installed copy of the course, on notebooks Colab has saved?

The environment holds the packages of Colab's own list that the course touches, in exactly those versions; torch alone
is the one of this machine. The notebooks are copies that look as if they had been through Colab and back.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest

from harness.environment_file import pins
from tools import links

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "tests" / "colab"
LESSONS = links.lessons()
FREEZE = pins(HERE / "pip-freeze.txt")

# What the course and its kernel import, by the names of Colab's list; nbval is the one thing Colab lacks.
TOUCHED = """
anywidget attrs backcall contourpy cycler debugpy decorator entrypoints fastjsonschema filelock fonttools fsspec
iniconfig ipykernel ipython ipython-genutils ipywidgets jinja2 jsonschema jsonschema-specifications jupyter-client
jupyter-core jupyterlab-widgets kiwisolver lazy-loader
markupsafe matplotlib matplotlib-inline mpmath nbformat nest-asyncio
networkx numpy packaging parso pexpect pickleshare pillow platformdirs pluggy prompt-toolkit psutil psygnal
ptyprocess pygments pyparsing pytest python-dateutil pyzmq referencing rpds-py setuptools six sympy tornado
traitlets typing-extensions wcwidth widgetsnbextension
"""
FROM_HERE = [
    "torch",
    "torch-*.dist-info",
    "torchgen",
    "functorch",
]  # as near to Colab's as can be had without another download
TEST_ONLY = ["nbval", "coverage"]
# What takes a minute of torch alone, and torch is this machine's: nbval does it in full, in the lessons themselves.
SHORTER = {
    "compare_ways(seeds=5, epochs=6)": "compare_ways(seeds=2, epochs=6)",
    "224, 224), seconds=0.2)": "224, 224), seconds=0.01)",
}


@pytest.fixture(scope="session")
def colab(tmp_path_factory):
    """The Python of an environment like Colab's, with the course installed as Colab installs it."""
    if os.name == "nt":
        pytest.skip("Colab's environment is Linux: its package list is not for Windows")
    folder = tmp_path_factory.mktemp("colab")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    wanted = [f"{name}=={FREEZE[name]}" for name in TOUCHED.split()]
    wanted += [f"{name}=={pins(ROOT / 'constraints.txt')[name]}" for name in TEST_ONLY]
    asked = pip(python, "--no-deps", *wanted)
    if asked.returncode and "No matching distribution" not in asked.stderr:
        pytest.skip("no package registry answers")
    assert asked.returncode == 0, asked.stderr
    site = Path(
        subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[0])"], text=True).strip()
    )
    for pattern in FROM_HERE:
        for path in Path(sysconfig.get_path("purelib")).glob(pattern):
            (site / path.name).symlink_to(path)
    source = tmp_path_factory.mktemp("source")  # as cloned: pip would leave its build folder in the repository
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "pooling_course", source / "pooling_course", ignore=shutil.ignore_patterns("__pycache__"))
    installed = pip(python, "--no-deps", str(source))
    assert installed.returncode == 0, installed.stderr
    return python


def pip(python, *what):
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", *what]
    return subprocess.run(command, capture_output=True, text=True)


def through_colab(notebook):
    """A copy as Colab saves it: an older format without ids, and keys of its own in every cell."""
    copy = nbformat.from_dict(notebook)
    copy.nbformat_minor = 0
    copy.metadata.update(colab={"provenance": [], "toc_visible": True}, accelerator="GPU")
    for i, cell in enumerate(copy.cells):
        cell.metadata.update(id=f"c0{i:010x}")
        del cell["id"]
        if cell.cell_type == "code":
            where = "https://localhost:8080/"
            cell.metadata.update(colab={"base_uri": where, "height": 34}, outputId=f"d{i:011x}")
            cell.metadata.update(
                executionInfo={"status": "ok", "timestamp": 1, "user": {"displayName": "A"}, "elapsed": 5}
            )
    return copy


@pytest.fixture(scope="session")
def run(colab, tmp_path_factory):
    """All lessons under nbval in that environment: (pytest's answer, what the notebooks asked of Colab and pip)."""
    folder = tmp_path_factory.mktemp("lessons")
    books = {lesson: through_colab(nbformat.read(lesson, as_version=4)) for lesson in LESSONS}
    for long, short in SHORTER.items():
        (cell,) = (cell for book in books.values() for cell in book.cells if long in cell.source)
        cell.source = cell.source.replace(long, short)
    for lesson, book in books.items():
        nbformat.write(book, folder / lesson.name)
    log = folder / "log.txt"
    environ = {**os.environ, "PYTHONPATH": str(HERE), "COLAB_LOG": str(log), "OMP_NUM_THREADS": "1"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what the first kernel imports is compiled for all
    environ.update(
        POOLING_COURSE_PROGRESS=str(folder / "progress.jsonl"), JUPYTER_PATH=str(colab.parent.parent / "share")
    )
    command = [colab, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"]
    answer = subprocess.run([*command, str(folder)], cwd=folder, env=environ, capture_output=True, text=True)
    return answer, log.read_text(encoding="utf-8") if log.exists() else ""


def test_every_cell_of_every_lesson_runs(run):
    answer, _ = run
    assert answer.returncode == 0, answer.stdout[-5000:] + answer.stderr[-2000:]
    cells = sum(cell.cell_type == "code" for path in LESSONS for cell in nbformat.read(path, as_version=4).cells)
    assert f"{cells} passed" in answer.stdout


def test_the_versions_are_colabs(colab):
    names = ["anywidget", "ipywidgets", "ipykernel", "IPython", "numpy", "matplotlib", "traitlets"]
    code = "\n".join(f"import {name}; print({name}.__version__.rstrip('*'))" for name in names)
    found = subprocess.check_output([colab, "-c", code], text=True).split()
    assert found == [FREEZE[name.lower()] for name in names]


def test_lessons_ask_colab_for_their_widgets_and_upgrade_nothing(run):
    _, log = run
    lines = log.splitlines()
    assert lines.count("widgets enabled") == len(LESSONS)  # anywidget asks, once in each kernel
    asked = [line for line in lines if line.startswith("pip ")]
    assert len(asked) == len(LESSONS)
    for line in asked:
        assert "--no-deps" in line and "--upgrade" not in line and " -U" not in line
        assert re.search(r"pooling-course @ git\+https://\S+$", line), line


def test_the_course_imports_nothing_that_colab_lacks():
    known = {name.replace("-", "_") for name in FREEZE} | set(sys.stdlib_module_names)
    known |= {"pooling_course", "ipython", "pil"}
    for path in (ROOT / "pooling_course").rglob("*.py"):
        if "grading" not in path.parts:  # an instructor's, never imported by a lesson
            assert imports(path.read_text(encoding="utf-8")) <= known, path


def imports(code):
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {module.partition(".")[0].lower() for module in modules}


def test_the_checks_here_catch_a_missing_package():
    assert imports("import comm\nfrom . import x") - {"comm"} == set()
    assert "comm" not in FREEZE and imports("import comm") - set(FREEZE)
