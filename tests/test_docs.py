"""Is what the docstrings and the manual say true: do the examples run, do the links lead somewhere?"""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import pooling_course
from pooling_course import images
from pooling_course.pictures import figures

ROOT = Path(__file__).resolve().parent.parent
PAGES = [path for folder in ("docs", "deploy", "") for path in sorted((ROOT / folder).glob("*.md"))]
MODULES = sorted(found.name for found in pkgutil.walk_packages(pooling_course.__path__, "pooling_course."))
GIVEN = {"__name__": "__main__", "torch": torch, "nn": torch.nn, "np": np, "images": images, "figures": figures}
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|\!\[[^\]]*\]\(([^)\s]+)\)")


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))


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


def test_a_dead_link_is_noticed():
    text = "[a](nowhere.md) [b](README.md#x) ![c](docs/none.png) [d](https://x.org)"
    assert list(dead_links(ROOT / "README.md", text)) == ["nowhere.md", "docs/none.png"]


def test_a_false_example_is_noticed():
    example = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "false", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(example, out=lambda text: None).failed == 1
