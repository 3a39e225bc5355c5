"""Do the links that open a lesson elsewhere say what the one setting says, and lead to files that exist?"""

import json
import re
import shutil
import subprocess
import tomllib
from dataclasses import replace

import pytest

from harness import ROOT
from pooling_course.questions.lessons import LESSONS
from tools import links

ELSEWHERE = re.compile(r"https://(?:mybinder\.org/v2/gh|colab\.research\.google\.com/github)/[^)\s\"]+")


def test_nothing_is_stale():
    stale = [path.name for path in links.outdated()]
    assert not stale, f"run `python course.py links`: {stale}"


@pytest.mark.parametrize("path", links.lessons(), ids=lambda path: path.stem)
def test_every_lesson_says_first_that_its_cells_must_be_run_and_says_so_where_a_page_leaves_it_out(path):
    title, *others = ("".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"])
    assert "Run all cells first" in title.partition(links.OPEN)[2] and "come back up here" in title
    assert not any("Run all cells first" in text for text in others)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A copy of the setting, with another home in it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    copy = tmp_path / "pyproject.toml"
    copy.write_text(re.sub(r"(?m)^repository = .*$", 'repository = "someone/else"', text), encoding="utf-8")
    real = links.home
    monkeypatch.setattr(links, "home", lambda: real(copy))


def test_another_home_makes_everything_stale(elsewhere):
    changed = links.outdated()
    assert set(changed) == {*links.pages(), *links.lessons(), links.PYPROJECT}
    for path, text in changed.items():
        text = text.replace("`OWNER` is a placeholder", "").replace('repository = "OWNER/', "")  # the setting itself
        assert "someone/else" in text and "OWNER" not in text, path


# --- the repository that this copy belongs to -------------------------------------------------------------------------

ORIGINS = [
    ("https://github.com/someone/pooling-course.git", "someone/pooling-course"),
    ("https://github.com/someone/pooling.course", "someone/pooling.course"),
    ("https://token@github.com/some-one/course/", "some-one/course"),
    ("git@github.com:someone/course.git", "someone/course"),
    ("ssh://git@github.com/someone/course.git", "someone/course"),
    ("https://gitlab.com/someone/course.git", None),
    ("https://notgithub.com/someone/course.git", None),
    ("/srv/git/course.git", None),
]


@pytest.fixture
def nobody_says(monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)


@pytest.mark.skipif(not shutil.which("git"), reason="no git")
@pytest.mark.parametrize(("origin", "found"), ORIGINS)
def test_git_s_origin_says_whose_copy_this_is(tmp_path, nobody_says, monkeypatch, origin, found):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))  # that rewrites no addresses
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert links.whereabouts(tmp_path) is None
    subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", origin], check=True)
    assert links.whereabouts(tmp_path) == found


def test_in_a_workflow_github_says_it(monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/fork")
    assert links.whereabouts() == "someone/fork"


@pytest.mark.parametrize(
    ("setting", "told", "given", "after"),
    [
        ("OWNER/pooling-course", "someone/fork", [], "someone/fork"),
        ("someone/course", "another/fork", [], "someone/course"),  # what is set holds
        ("someone/course", "another/fork", ["--here"], "another/fork"),
        ("OWNER/pooling-course", None, [], "OWNER/pooling-course"),
    ],
)
def test_a_repository_that_is_found_is_written_into_the_setting(tmp_path, monkeypatch, setting, told, given, after):
    copy = tmp_path / "pyproject.toml"
    copy.write_text(f'[tool.pooling_course]\nrepository = "{setting}"\nref = "main"\n', encoding="utf-8")
    real_home, real_settle = links.home, links.settle
    monkeypatch.setattr(links, "home", lambda: real_home(copy))
    monkeypatch.setattr(links, "settle", lambda repository: real_settle(repository, copy))
    monkeypatch.setattr(links, "whereabouts", lambda: told)
    monkeypatch.setattr(links, "outdated", dict)
    links.main(given)
    assert real_home(copy) == (after, "main")


def test_a_copy_that_lies_nowhere_is_told_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(links, "whereabouts", lambda: None)
    with pytest.raises(SystemExit):
        links.main(["--here"])
    assert 'put repository = "owner/name" into [tool.pooling_course]' in capsys.readouterr().err


def test_the_workflow_of_a_copy_makes_it_lead_to_itself_before_its_site_is_made():
    steps = (ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    assert steps.index("python course.py links --here") < steps.index("git push") < steps.index("python course.py site")
    assert "contents: write" in steps


def test_the_package_s_own_addresses_follow(elsewhere):
    project = tomllib.loads(links.outdated()[links.PYPROJECT])
    assert project["project"]["urls"]["Homepage"] == "https://github.com/someone/else"
    assert all(address.startswith("https://github.com/someone/else") for address in project["project"]["urls"].values())
    before = tomllib.loads(links.PYPROJECT.read_text(encoding="utf-8"))
    for each in (project, before):
        del each["project"]["urls"]
    assert project == before  # and nothing else is touched


def test_a_link_changed_by_hand_is_stale(tmp_path, monkeypatch):
    for path in links.lessons():
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(links, "NOTEBOOKS", tmp_path)
    lesson = tmp_path / "01_what_is_pooling.ipynb"
    text = lesson.read_text(encoding="utf-8")
    lesson.write_text(text.replace("colab.research", "colab.elsewhere", 1), encoding="utf-8")
    assert links.outdated() == {lesson: text}


def test_another_order_reaches_every_page_that_tells_of_it(monkeypatch):
    """Lessons 02 and 03 change places: their neighbours' ways there and on, and the lists of the start page."""
    names = list(LESSONS)
    names[2:4] = names[3], names[2]
    monkeypatch.setattr(links, "LESSONS", {name: LESSONS[name] for name in names})
    changed = [path.stem for path in links.outdated()]
    assert sorted(changed) == sorted([names[0], *names[1:5], links.TABLES.stem])


def test_another_title_is_written_wherever_it_stands(monkeypatch):
    renamed = replace(LESSONS["01_what_is_pooling"], title="Windows", time="a week")
    monkeypatch.setattr(links, "LESSONS", LESSONS | {renamed.name: renamed})
    text = links.outdated()
    assert {path.stem for path in text} == {"00_start_here", "01_what_is_pooling", "02_max_versus_average", "instead"}
    assert all("Windows" in found and "What is pooling" not in found for found in text.values())
    assert "Time: about a week" in text[links.NOTEBOOKS / renamed.file]


def dead(text):
    """Launch links whose file the repository does not have."""
    for link in ELSEWHERE.findall(text):
        path = link.partition("urlpath=lab/tree/")[2] or link.partition("/blob/")[2].partition("/")[2]
        if not (ROOT / path).is_file():
            yield link


@pytest.mark.parametrize("path", [ROOT / "README.md", *links.lessons()], ids=lambda path: path.name)
def test_every_launch_link_leads_to_a_file(path):
    text = path.read_text(encoding="utf-8")
    assert len(set(ELSEWHERE.findall(text))) >= 2  # Colab and Binder
    assert not list(dead(text))


def test_a_launch_link_to_nowhere_is_noticed():
    assert list(dead(f"[Colab]({links.colab('notebooks/99_nowhere.ipynb')})"))
    assert not list(dead(f"[Binder]({links.binder('notebooks/00_start_here.ipynb')})"))


def test_the_install_cell_upgrades_nothing_and_comes_first():
    for path in links.lessons():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        assert code[0] == links.install()
    line = next(line for line in links.install().splitlines() if '"pip"' in line)
    assert "--no-deps" in line and "--upgrade" not in line


def test_a_page_keeps_its_time():
    """Half an hour at most; what takes longer says how it can be divided."""
    for lesson in LESSONS.values():
        assert links.minutes(lesson) <= 30 or lesson.pieces, lesson.name
        assert lesson.pieces or lesson.page in ("start", "step"), lesson.name


def test_the_time_is_counted(tmp_path, monkeypatch):
    """200 words a minute, links counted by their words; a minute a question, two an exercise; to the nearest five."""
    monkeypatch.setattr(links, "NOTEBOOKS", tmp_path)
    lesson = LESSONS["01_what_is_pooling"]

    def takes(words, *codes):
        cells = [{"cell_type": "markdown", "source": ["word " * words]}]
        cells += [{"cell_type": "code", "source": [code]} for code in codes]
        (tmp_path / lesson.file).write_text(json.dumps({"cells": cells}), encoding="utf-8")
        return links.minutes(lesson)

    assert takes(2000) == 10 and takes(2000, *['quiz("a", "b", "c-d")'] * 3) == 20
    assert takes(2000, *['check("a", a)'] * 5) == 20 and takes(1000, 'print("a")') == 5
