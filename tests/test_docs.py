"""Is what the docstrings and the manual say true: do the examples run, do the links lead somewhere?"""

import doctest
import importlib
import itertools
import pkgutil
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
import torch

import course
import pooling_course
from harness.together import together
from pooling_course import images
from pooling_course.expert import recorded
from pooling_course.pictures import figures
from pooling_course.questions import all_questions
from pooling_course.questions.draw import spelled
from pooling_course.questions.lessons import LESSONS, STEPS
from tools import links

ROOT = Path(__file__).resolve().parent.parent
PAGES = [path for folder in ("docs", "deploy", "") for path in sorted((ROOT / folder).glob("*.md"))]
MODULES = sorted(found.name for found in pkgutil.walk_packages(pooling_course.__path__, "pooling_course."))
GIVEN = {"__name__": "__main__", "torch": torch, "nn": torch.nn, "np": np, "images": images, "figures": figures}
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|\!\[[^\]]*\]\(([^)\s]+)\)")


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_say_what_happens(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(importlib.import_module(name), extraglobs=GIVEN | public())
    assert not found.failed


def public():
    return {name: getattr(pooling_course, name) for name in pooling_course.__all__}


@pytest.mark.parametrize("name", [n for n in pooling_course.__all__ if n != "images"])
def test_every_public_name_has_an_example(name):
    assert any(found.examples for found in doctest.DocTestFinder().find(getattr(pooling_course, name)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_in_the_manual_runs(page):
    for block in FENCE.findall(page.read_text(encoding="utf-8")):
        exec(compile(block, str(page), "exec"), {})


def dead_links(page, text):
    """Links of a page that lead to no file of the repository; those to other hosts are not followed."""
    for match in LINK.finditer(FENCE.sub("", text)):
        target = (match[1] or match[2]).partition("#")[0]
        if target and not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    assert not list(dead_links(page, page.read_text(encoding="utf-8")))


# ---- What is said in more than one place -----------------------------------------------------------------------------


def found_in(page, pattern):
    """The numbers that a page gives in a sentence like this; fails where it says no such thing."""
    text = " ".join((ROOT / page).read_text(encoding="utf-8").replace('\\n", "', " ").split())
    match = re.search(pattern, text)
    assert match, f"{page} says nothing like {pattern!r}"
    return tuple(map(float, match.groups()))


def test_the_time_of_a_lesson_is_said_alike():
    times = [links.minutes(LESSONS[name]) for name in STEPS]
    for page in ("docs/learners.md", "notebooks/00_start_here.ipynb"):
        assert found_in(page, r"[Ll]essons 1 to 7 take (\d+) to (\d+) minutes each") == (min(times), max(times))


def test_the_explorers_of_the_last_lessons_are_counted():
    pages = [(ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8") for name in list(LESSONS)[-2:]]
    nine, ten = (spelled(len(re.findall(r"PoolingExplorer\(|\.explorer\(", page))) for page in pages)
    opened = [q.input is not None for q in all_questions().values() if q.role == "myth"]
    assert sum(opened) > len(opened) / 2
    said = f"In lesson 08 most questions open an explorer, lesson 09 has {nine} of its own, and lesson 10 {ten}."
    for page in ("notebooks/00_start_here.ipynb", "site/instead.txt"):
        assert said in " ".join((ROOT / page).read_text(encoding="utf-8").split())


def test_trainings_are_repeated_as_often_as_is_said():
    times = {len(values) for name in recorded() for values in recorded(name).values()}
    assert f"at least {spelled(min(times))} times each" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_speed_of_grading_is_said_alike():
    ours, theirs = found_in("docs/measurements.md", r"one more submission \|.*?([\d.]+) s beside ([\d.]+) s")
    assert found_in("docs/grading.md", r"([\d.]+) s for one\s+more") == (round(ours, 2),)
    assert found_in("docs/grading.md", r"`nbgrader autograde` took ([\d.]+) s") == (round(theirs, 1),)
    ratio = found_in("docs/measurements.md", r"class of 10 is marked sooner than by nbgrader \| ([\d.]+) times")
    assert found_in("docs/grading.md", r"class of ten that is ([\d.]+) times as fast") == ratio
    assert found_in("README.md", r"about ([\d.]+) seconds for each") == (round(ours, 2),)
    assert found_in("docs/instructors.md", r"about ([\d.]+) seconds a submission, with") == (round(ours, 2),)
    assert found_in("docs/instructors.md", r"# about ([\d.]+) seconds a submission") == (round(theirs),)


def bandwidths(side, *of):
    """ms, GB/s, and % of both copies, as recorded of a map of this side."""
    named = r" \| ".join(of)
    numbers = r"\| [\d.]+ \| ([\d.]+) \| ([\d.]+) \| (\d+)% \| (\d+)% \|"
    table = rf"× 64 × {side} × {side}; cpu(?:(?!; cpu).)*?"
    return found_in("docs/measurements.md", rf"{table}\| {named} (?:\| )?{numbers}")


def test_the_speed_of_a_pooling_is_said_alike():
    lesson = "notebooks/10_alternatives.ipynb"
    fast, slow = ("channels_last", "forward"), ("contiguous", "forward")
    for side, said in (
        (224, r"max reached (\d+)% of the speed of a copy, average (\d+)%"),
        (56, r"max reached (\d+)% of it, average (\d+)%"),
    ):
        assert found_in(lesson, said) == tuple(bandwidths(side, kind, *fast)[2] for kind in ("max", "average"))
    said = found_in(lesson, r"max reached (\d+)% of a copy on the small map and (\d+)% on the large one")
    assert said == tuple(bandwidths(side, "max", *slow)[2] for side in (56, 224))
    said = found_in(lesson, r"a copy moved (\d+) GB/s, where it moved (\d+) on the large one")
    assert said == tuple(bandwidths(side, "copy", "contiguous")[1] for side in (56, 224))
    new = found_in(lesson, r"none was as fast as a copy with new memory, and that moved only ([\d.]+) GB/s")
    assert new == (round(bandwidths(224, "copy, new memory", "contiguous")[1], 1),)
    kinds = itertools.product(("max", "average"), ("contiguous", "channels_last"))
    assert all(bandwidths(224, *kind, "backward")[3] < 100 for kind in kinds)
    said = found_in(lesson, r"took about (\d+) times as long in one layout .*? and about (\d+) times on the large")
    taken = [(bandwidths(side, "max", *slow)[0], bandwidths(side, "max", *fast)[0]) for side in (56, 224)]
    assert said == tuple(round(most / least) for most, least in taken)
    threads = found_in("docs/measurements.md", r"cpu \(x86_64, (\d+) threads\)")
    assert found_in(lesson, r"measured with (\d+) threads") == threads


def test_the_training_of_lesson_09_is_said_alike():
    for page in ("docs/hub.md", "site/instead.txt", "notebooks/09_expert_zone.ipynb"):
        found_in(page, r"(?:trains|networks)[^.]* about half a minute")


@pytest.mark.slow
@pytest.mark.skipif(
    not course.read_stamp().startswith("cpu"), reason="for the environment that course.py makes, on CPU"
)
def test_the_size_of_the_environment_is_what_the_readme_says():
    (said,) = found_in("README.md", r"([\d.]+) GB on disk")
    files = {
        (s.st_ino, s.st_size) for p in course.VENV.rglob("*") if not p.is_symlink() and (s := p.stat()) and p.is_file()
    }
    assert said == pytest.approx(sum(size for _, size in files) / 1e9, rel=0.15)


def test_a_number_that_differs_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    (tmp_path / "a.md").write_text("It takes about 3 seconds\na submission.")
    assert found_in("a.md", r"about ([\d.]+) seconds a submission") == (3,)
    with pytest.raises(AssertionError, match="a.md says nothing like"):
        found_in("a.md", r"about ([\d.]+) minutes")


# ---- Names of files and folders --------------------------------------------------------------------------------------

HOUSE = [path for path in ROOT.iterdir() if path.name[0] != "." and path.is_dir()]  # built folders too, named by nobody
ROOMS = [path for path in (ROOT / "pooling_course").iterdir() if path.is_dir() and path.name[0] != "_"]
NOT_OURS = {"_build", "node_modules", "results", "test-artifacts", "__pycache__", "build", "dist"}
NOT_OURS |= {"pooling_course.egg-info"}  # pip leaves it, and build
FILES = [
    path.relative_to(ROOT).as_posix()
    for folder in (*HOUSE, ROOT)
    for path in (folder.glob("*") if folder == ROOT else folder.rglob("*"))
    if path.is_file() and not NOT_OURS & set(path.parts)
]
MADE = {
    "site/_build/html",
    "test-artifacts",
    "benchmarks/results/index.html",
    "widgets.js",
    "widgets.css",
    "jupyterhub_config.py",
    "left_behind.py",
    "notebooks/assignments/submitted",
    "notebooks/its_name.ipynb",
}
CODE = ("py", "pyi", "js", "mjs", "css")
NAMING = r"`[^`\n]+`|^.*(?:─|┌|└).*$|^python .*$"  # where the manual names files: code, pictures, commands
SOURCES = [name for name in FILES if name.startswith(("pooling_course/", "tools/", "site/")) and name.endswith(CODE)]


def named_files(text):
    """What a page or a comment names as a file or folder of this repository."""
    tops = "|".join(path.name for path in (*HOUSE, *ROOMS))
    for found in re.finditer(
        rf"(?<![\w/.*~:>-])(?:(?:{tops})/[\w./*<>-]*|(?:[\w*-]+/)*[\w*-]+\.(?:{'|'.join(CODE)})\b)", text
    ):
        if found[0].rstrip("./") not in MADE and not text[found.end() :].startswith(("(", ":")):
            yield found[0].rstrip("./").replace("<name>", "*").replace("<lesson>", "*")


def unknown_files(text):
    folders = {parent.as_posix() for name in FILES for parent in Path(name).parents}
    for name in named_files(text):
        if not any(fnmatch(f"/{known}", f"*/{name}") for known in (*FILES, *folders)):
            yield name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_the_manual_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    assert not set(unknown_files("\n".join(re.findall(NAMING, text, re.MULTILINE))))


@together("name", SOURCES)
def test_every_file_that_the_code_names_is_there(name):
    comments = re.findall(r"#.*|//.*|\"\"\"[\s\S]*?\"\"\"|/\*[\s\S]*?\*/", (ROOT / name).read_text(encoding="utf-8"))
    assert not set(unknown_files("\n".join(comments)))


def test_the_table_of_the_house_names_every_room():
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The house")[2]
    picture = (ROOT / "docs" / "contributors.md").read_text(encoding="utf-8")
    for room in ROOMS:
        assert f"`pooling_course/{room.name}/`" in table
        assert f"{room.name}/" in picture or room.name == "data"
    tracked = {name.partition("/")[0] for name in FILES if "/" in name}
    assert {f"`{name}/`" for name in tracked} <= set(re.findall(r"`[\w/]+/`", table))


@pytest.mark.parametrize(
    "text, unknown",
    [
        ("`pooling_course/pooling.py`", ["pooling_course/pooling.py"]),
        ("`maths/relatives.py` and `attic/`, `maths/attic/`", ["maths/relatives.py", "maths/attic"]),
        ("`quiz.py`, see Trace in `maths/trace.py`.", ["quiz.py"]),
        ("`explorer/explorer.*`, `pooling_course/questions/<name>.json`, `course.py grade`", []),
        ("`python benchmarks/nothing.py --fast`", ["benchmarks/nothing.py"]),
        ("```tools/ ─▶ maths/ ─▶ cellar/ and docs/gone.md```", ["docs/gone.md"]),
    ],
)
def test_a_file_that_is_not_there_is_noticed(text, unknown):
    assert list(unknown_files(text)) == unknown


def test_a_dead_link_is_noticed():
    text = "[a](nowhere.md) [b](README.md#x) ![c](docs/none.png) [d](https://x.org)"
    assert list(dead_links(ROOT / "README.md", text)) == ["nowhere.md", "docs/none.png"]


def test_a_false_example_is_noticed():
    example = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "false", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(example, out=lambda text: None).failed == 1
