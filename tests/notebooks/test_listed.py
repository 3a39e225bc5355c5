"""Is every notebook a lesson of lessons.json, and does every cell of it run?

That the cells run, and that what they assert is true, nbval shows: pyproject.toml hands it the folder notebooks.
"""

import re

from harness.lessons import ASKS_ALL, START
from pooling_course.questions import FOLDER
from pooling_course.questions.lessons import LESSONS
from tools import links


def test_the_list_of_lessons_is_whole():
    """Every notebook and every file of questions belongs to a lesson of lessons.json, and every lesson has both."""
    assert list(unlisted_files(links.NOTEBOOKS, FOLDER)) == []
    assert list(LESSONS) == sorted(LESSONS) and all(re.fullmatch(r"\d\d(_[a-z0-9]+)+", name) for name in LESSONS)
    assert {lesson.page for lesson in LESSONS.values()} == {"start", "step", "myths", "expert"}
    assert sorted(ASKS_ALL) == ["myth", "post", "pre"] and LESSONS[START].page == "start"


def unlisted_files(*folders):
    """Files that belong to no lesson, and lessons that lack theirs."""
    for folder, ending in zip(folders, (".ipynb", ".json"), strict=True):
        found = {path.stem for path in folder.glob(f"[0-9]*{ending}")}
        yield from (f"{name}{ending}: lessons.json does not list it" for name in sorted(found - set(LESSONS)))
        yield from (f"{name}{ending} is missing" for name in LESSONS if name not in found)


def test_a_file_of_no_lesson_is_noticed(tmp_path):
    for name in LESSONS:
        (tmp_path / f"{name}.json").touch()
    (tmp_path / "11_unlisted.json").touch()
    (tmp_path / f"{START}.json").unlink()
    found = list(unlisted_files(links.NOTEBOOKS, tmp_path))
    assert found == ["11_unlisted.json: lessons.json does not list it", f"{START}.json is missing"]


def test_nbval_runs_every_cell(request):
    assert request.config.getoption("nbval_lax"), "addopts in pyproject.toml must hold --nbval-lax"
    assert "notebooks" in request.config.getini("testpaths")
