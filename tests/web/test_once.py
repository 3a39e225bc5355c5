"""Does a notebook hold what draws its widgets once, and is it all there? Pages by it are in test_managers.py."""

import json
import subprocess

import nbformat
import pytest
from ipywidgets import Widget
from nbclient import NotebookClient

from harness import ROOT
from harness.node import node
from pooling_course import Flipbook, PoolingExplorer, Quiz
from pooling_course.pictures.figures import mental_model
from pooling_course.questions.challenge import Challenge
from pooling_course.web import assets, live, once

FEW = 1000  # bytes that a widget carries itself
LESSON = "02_max_versus_average"
MOST = 600_000  # bytes of that lesson, executed, with its widgets
SAVED = "application/vnd.jupyter.widget-state+json"


def widgets():
    book = Flipbook([("first", mental_model([[1, 3], [5, 6]]), "One window.")], "picture")
    return [PoolingExplorer(), Quiz("max-channels"), Challenge("reach-four-windows"), book]


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.setattr(once, "_has_kernel", lambda: True)


# ---- all of it is there ----------------------------------------------------------------------------------------------


def test_the_script_is_that_of_every_widget_and_the_styles_are_all_there_are():
    files = {path.relative_to(assets.PACKAGE).as_posix(): path for path in assets.PACKAGE.rglob("*.[cj]s*")}
    own = {name for name, path in files.items() if name.endswith(".js") and "export default" in path.read_text("utf-8")}
    assert own == set(assets.WIDGETS) == {widget._esm.name for widget in (PoolingExplorer, Quiz, Challenge, Flipbook)}
    assert {name for name in files if name.endswith(".css")} == set(assets.STYLES)


def test_node_gets_a_widget_for_each_file_and_the_styles_once(tmp_path):
    (tmp_path / "whole.mjs").write_text(assets.whole(), "utf-8")
    ask = """const added = [];
        globalThis.document = { createElement: () => ({}), head: { append: (one) => added.push(one.textContent) } };
        const { default: widgets } = await import('./whole.mjs');
        const kinds = Object.entries(widgets).map(([name, widget]) => [name, typeof widget.render]);
        console.log(JSON.stringify([Object.fromEntries(kinds), added]))"""
    done = subprocess.run([node(), "--input-type=module", "-e", ask], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [dict.fromkeys(assets.WIDGETS, "function"), [assets.style(*assets.STYLES)]]


# ---- once ------------------------------------------------------------------------------------------------------------


def test_widgets_of_a_kernel_point_to_one_script_and_carry_next_to_nothing(kernel):
    shown = widgets()
    (held,) = {widget._script for widget in shown}
    assert assets.unpacked(held.module) == assets.whole()
    for widget in shown:
        assert len(widget._esm + widget._css) < FEW and widget.get_state()["_script"] == f"IPY_MODEL_{held.model_id}"


def test_a_script_that_was_closed_is_made_anew(kernel):
    before = PoolingExplorer()
    Widget.close_all()
    after = PoolingExplorer()
    assert before._script.comm is None is not after._script.comm


def has_its_own(widget):
    return widget._script is None and "export default" in widget._esm and "--pc-ink" in widget._css


def test_without_a_kernel_each_has_its_own():
    assert all(map(has_its_own, widgets()))


class Shell:
    kernel = None


def test_in_a_kernel_that_makes_pages_without_one_each_has_its_own(monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", Shell)
    monkeypatch.delenv(once.STATIC, raising=False)
    assert not has_its_own(PoolingExplorer())
    monkeypatch.setenv(once.STATIC, "1")
    assert has_its_own(PoolingExplorer())


def test_what_follows_its_files_has_its_own(kernel, monkeypatch):
    monkeypatch.setenv(live.SWITCH, "1")

    class Followed(PoolingExplorer):
        _esm = live.script("explorer/explorer.js")

    assert Followed()._script is None


@pytest.mark.slow
def test_a_lesson_executed_with_its_widgets_stays_small(tmp_path, monkeypatch):
    monkeypatch.delenv(once.STATIC, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "none.jsonl"))
    lesson = nbformat.read(ROOT / "notebooks" / f"{LESSON}.ipynb", as_version=4)
    where = {"metadata": {"path": str(ROOT / "notebooks")}}
    settings = {"kernel_name": "python3", "timeout": 300, "shutdown_kernel": "immediate"}
    NotebookClient(lesson, resources=where, **settings).execute()
    nbformat.write(lesson, tmp_path / "executed.ipynb")
    models = [model["state"] for model in lesson.metadata.widgets[SAVED]["state"].values()]
    assert sum("_esm" in state for state in models) > 5 and sum("module" in state for state in models) == 1
    assert (tmp_path / "executed.ipynb").stat().st_size <= MOST
