"""Does the guide for contributors say all there is to do?

A question, an exercise and a lesson are added to a copy of the repository as its sections say, and their commands run.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from harness import ROOT
from pooling_course.questions import all_questions
from pooling_course.questions.lessons import LESSONS, STEPS

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "docs" / "contributors.md").read_text(encoding="utf-8")
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "_build", "results", "build", "node_modules", "*.egg-info")
MODEL = STEPS[1]  # the lesson that is copied
NEW = {"name": f"{len(LESSONS):02}_pooling_twice", "title": "Pooling twice", "page": "step", "time": "about 15 minutes"}
NEW |= {"before": "lesson 02", "about": "the same windows once more"}
NEW["ways"] = {"Debug": "[the clinic](08_myths_and_pitfalls.ipynb#The-pitfall-clinic)"}
NEW["ways"]["Measure"] = f"[noise]({NEW['name']}.ipynb#The-idea)"

# course.py as it is, but for the environment: it takes the one in which this test runs
HERE = (
    "import os, sys, pathlib, course; course.prepare = lambda gpu: None; course.venv_python = lambda *_: sys.executable"
)
COURSE = f"{HERE}; course.venv_environ = lambda base, *_: dict(base); sys.exit(course.main(sys.argv[1:]))"


@pytest.fixture
def house(tmp_path):
    """A copy of the repository, to be added to."""
    copy = tmp_path / "house"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    return copy


def commands(heading, **names):
    """What the fenced lines of a section of the guide say, with the names of what is added."""
    section = re.search(rf"^## {heading}\n(.*?)^## ", GUIDE, re.MULTILINE | re.DOTALL)[1]
    lines = "".join(re.findall(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    for placeholder, name in names.items():
        lines = lines.replace(placeholder.replace("_", "-"), name).replace(placeholder, name)
    return [line.removeprefix("python course.py ") for line in lines.splitlines()]


def run(house, command):
    """(whether it went well, what it said)."""
    words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', command)]
    more = ["-p", "no:cacheprovider", "-q"] if words[0] == "test" else []
    environ = os.environ | {"PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", COURSE, *words, *more],
        cwd=house,
        capture_output=True,
        text=True,
        env=environ,
        timeout=600,
    )
    return done.returncode == 0, done.stdout + done.stderr


def all_go_well(house, lines):
    for line in lines:
        well, said = run(house, line)
        assert well, f"{line}: {said[-3000:]}"
        if line.startswith("test"):
            assert re.search(r"[1-9]\d* passed", said), said[-500:]


# ---- What is added ---------------------------------------------------------------------------------------------------


def add_question(house, lesson, name, kind="one"):
    path = house / "pooling_course" / "questions" / f"{lesson}.json"
    questions = json.loads(path.read_text(encoding="utf-8"))
    model = next(data for data in questions if data["kind"] == kind)
    path.write_text(
        json.dumps([*questions, model | {"id": name, "title": "Another one"}], ensure_ascii=False), encoding="utf-8"
    )


def add_exercise(house, name, title, lesson):
    tasks = house / "pooling_course" / "exercises" / "tasks"
    text = (tasks / "output_size.py").read_text(encoding="utf-8").replace("output_size", name.replace("-", "_"))
    text = re.sub(r'\A""".*?\.?"""', f'"""{title}"""', text)
    text = re.sub(r'^LESSON = ".*"', f'LESSON = "{lesson}"', text, flags=re.MULTILINE)
    (tasks / f"{name.replace('-', '_')}.py").write_text(text, encoding="utf-8")


def list_lesson(house):
    path = house / "pooling_course" / "questions" / "lessons.json"
    path.write_text(json.dumps([*json.loads(path.read_text(encoding="utf-8")), NEW]), encoding="utf-8")


def add_notebook(house):
    """A copy of another lesson: cells and questions under names of their own, its exercises left behind."""
    old, new = (name.partition("_")[2].replace("_", "-") for name in (MODEL, NEW["name"]))
    notebook = json.loads((house / "notebooks" / f"{MODEL}.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if "-exercise-" not in cell["id"]]
    text = json.dumps({**notebook, "cells": cells}).replace(f'"id": "{old}-', f'"id": "{new}-')
    for name in [q.id for q in all_questions().values() if q.lesson == MODEL]:
        text = text.replace(f'\\"{name}\\"', f'\\"{name}-twice\\"')
    (house / "notebooks" / f"{NEW['name']}.ipynb").write_text(text, encoding="utf-8")


def add_questions(house):
    folder = house / "pooling_course" / "questions"
    questions = json.loads((folder / f"{MODEL}.json").read_text(encoding="utf-8"))
    for data in questions:
        data["id"] += "-twice"
    (folder / f"{NEW['name']}.json").write_text(json.dumps(questions, ensure_ascii=False), encoding="utf-8")


# ---- Is that all there is to do? -------------------------------------------------------------------------------------


def test_a_question_is_added_as_the_guide_says(house):
    add_question(house, STEPS[4], "rows-again")
    all_go_well(house, commands("Add a question", its_id="rows-again"))


def test_a_draw_is_added_as_the_guide_says(house):
    lesson = STEPS[4]
    questions = house / "pooling_course" / "questions"
    data = json.loads((questions / f"{lesson}.json").read_text(encoding="utf-8"))
    model = next(one for one in data if one["id"] == "rows-out")
    (questions / f"{lesson}.json").write_text(json.dumps([*data, model | {"id": "rows-again"}]), encoding="utf-8")
    draws = questions / "draws" / f"{lesson.partition('_')[2]}.py"
    text = draws.read_text(encoding="utf-8")
    copied = re.search(r"^@draws[^@]*?^def rows_out\(.*?^    }\n", text, re.MULTILINE | re.DOTALL)[0]
    draws.write_text(f"{text}\n\n{copied.replace('rows_out', 'rows_again')}", encoding="utf-8")
    all_go_well(house, commands("Let a question's numbers vary", its_id="rows-again"))


def test_a_challenge_is_added_as_the_guide_says(house):
    add_question(house, STEPS[4], "reach-rows-again", kind="reach")
    all_go_well(house, commands("Add a challenge", its_id="reach-rows-again"))


def test_an_exercise_is_added_as_the_guide_says(house):
    lesson = STEPS[4]
    add_exercise(house, "rows-again", "Rows once more", LESSONS[lesson].number)
    all_go_well(house, commands("Add an exercise", its_name="rows-again"))
    assert 'check(\\"rows-again\\", rows_again)' in (house / "notebooks" / f"{lesson}.ipynb").read_text(
        encoding="utf-8"
    )


def test_a_lesson_is_added_as_the_guide_says(house):
    list_lesson(house)
    add_notebook(house)
    add_questions(house)
    add_exercise(house, "rows-again", "Rows once more", NEW["name"][:2])
    all_go_well(house, commands("Add a lesson", its_name=NEW["name"]))
    start = (house / "notebooks" / f"{next(iter(LESSONS))}.ipynb").read_text(encoding="utf-8")
    last = (house / "notebooks" / f"{list(LESSONS)[-1]}.ipynb").read_text(encoding="utf-8")
    ways = (house / "docs" / "ways.md").read_text(encoding="utf-8")
    assert (
        f"({NEW['name']}.ipynb)" in start
        and ways.count(f"/{NEW['name']}.ipynb") >= 1 + 7
        and f"Next: [{NEW['name'][:2]} · Pooling twice" in last
    )
    code = "import sys; sys.path[:0] = ['.', 'site']; import build; from pooling_course import progress; "
    code += "print([path.name for path in build.LESSONS][-1]); print(progress())"
    done = subprocess.run([sys.executable, "-c", code], cwd=house, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{NEW['name']}.ipynb") and f"{NEW['name'][:2]} Pooling twice: 0 of" in done.stdout


def test_what_lacks_is_said(house):
    """A command that fails is no pass: the new notebook's questions are not there."""
    list_lesson(house)
    add_notebook(house)
    well, said = run(house, commands("Add a lesson", its_name=NEW["name"])[-1])
    assert not well and f"{NEW['name']}.json" in said
