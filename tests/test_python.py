"""Is the Python free of lint and type errors, and laid out by ruff? ruff and mypy say in their words what is not."""

import shutil
import subprocess
import sys

import pytest

from harness import ROOT


def ran(*command, cwd=ROOT):
    """(exit status, what it said) of a module of Python's."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, encoding="utf-8")
    return done.returncode, done.stdout + done.stderr


def lint(cwd=ROOT):
    return ran("ruff", "check", "--no-cache", "--output-format=concise", cwd=cwd)


def layout(cwd=ROOT):
    return ran("ruff", "format", "--check", "--no-cache", cwd=cwd)


def types(cwd=ROOT):
    return ran("mypy", "--no-color-output", cwd=cwd)


def test_there_is_no_lint():
    status, said = lint()
    assert status == 0, said


def test_it_is_laid_out_by_ruff():
    status, said = layout()
    assert status == 0, said + "\nRun `ruff format`."


def test_there_is_no_type_error():
    status, said = types()
    assert status == 0, said


@pytest.fixture
def house(tmp_path):
    """A small one under the settings of this; `write(name, text)` adds a file."""
    for name in ("pyproject.toml", "tools/mypy_plugin.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    for folder in ("", "exercises/", "exercises/tasks/", "maths/"):
        write(f"pooling_course/{folder}__init__.py", "")
    write("course.py", "")
    write.root = tmp_path
    return write


def test_planted_lint_is_named(house):
    assert lint(house.root)[0] == layout(house.root)[0] == 0
    house("pooling_course/maths/planted.py", "import sys\nimport os\n\nprint(os.name)\n")
    status, said = lint(house.root)
    assert status != 0 and "planted.py:1:8: F401" in said and "planted.py:1:1: I001" in said
    assert layout(house.root)[0] == 0
    house("tools/planted.py", "print( 'two spaces too many' )\n")
    status, said = layout(house.root)
    assert status != 0 and "planted.py" in said


@pytest.mark.slow
def test_planted_type_errors_are_named_wherever_they_stand(house):
    names = ["course.py", "pooling_course/maths/planted.py", "tools/planted.py"]
    for name in names:
        house(name, "def half(width):\n    n: int = 'no number'\n    return n + width\n")  # without annotations, too
    status, said = types(house.root)
    assert status != 0 and "Found 3 errors in 3 files" in said
    assert all(f"{name}:2: error: Incompatible types in assignment" in said for name in names)


TASK = """
def shares(window):
    return len(window.shape) + {model}


class Mistakes:
    def first(window, kind=None):
        return window.max() + window[0] + len(window) + {mistake}
"""


@pytest.mark.slow
def test_known_mistakes_may_treat_what_they_are_given_as_they_like_and_model_answers_may_not(house):
    house("pooling_course/exercises/tasks/shares.py", TASK.format(model=1, mistake=2))
    house("pooling_course/exercises/clinic.py", "ill: int = 'on purpose'\n")
    status, said = types(house.root)
    assert status == 0, said
    house("pooling_course/exercises/tasks/shares.py", TASK.format(model="len(5)", mistake=2))
    house("pooling_course/maths/shares.py", TASK.format(model=1, mistake=2))  # another class of that name is no excuse
    status, said = types(house.root)
    assert status != 0 and 'tasks/shares.py:3: error: Argument 1 to "len"' in said
    assert 'maths/shares.py:8: error: "Mistakes" has no attribute "max"' in said and "tasks/shares.py:8" not in said
