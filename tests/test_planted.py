"""Does each cell that proves a sentence fail when the sentence is false?

Every lesson runs once. Each proving cell then runs again on a copy of what it had, with the opposite of its sentence
planted.
"""

import contextlib
import copy
import io
import json
import re
from pathlib import Path

import pytest
import torch

from harness.planted import PLANTED
from pooling_course.maths.device import threads
from pooling_course.questions.lessons import LESSONS

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
LEFT_OUT = re.compile(r"(?:quiz|check)\(|import subprocess")  # what only shows a question or an exercise


def cells(stem):
    """(short id, source) of each cell of code."""
    prefix = re.sub(r"^\d+_", "", stem).replace("_", "-") + "-"
    for cell in json.loads((NOTEBOOKS / f"{stem}.ipynb").read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield cell["id"].removeprefix(prefix), "".join(cell["source"])


def copied(names):
    """A namespace that can be spoilt: what cannot be copied, such as a module or the middle of a graph, is shared."""
    made = {}
    for name, value in names.items():
        try:
            made[name] = (
                copy.deepcopy(value) if isinstance(value, (torch.Tensor, torch.nn.Module, dict, list)) else value
            )
        except (RuntimeError, TypeError):
            made[name] = value
    return made


def run(source, names):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(source, "cell", "exec"), names)


def survivors(stem, planted):
    """The cells that hold although their sentence does not."""
    names = {"__name__": "__main__"}
    for name, source in cells(stem):
        if LEFT_OUT.match(source):
            continue
        before = copied(names)
        run(source, names)
        if name not in planted:
            continue
        old, new = planted[name]
        if old not in source:
            yield f"{name}: {old!r} is not in it"
            continue
        try:
            run(source.replace(old, new), before)
        except AssertionError:
            continue
        except Exception as error:
            yield f"{name}: the plant breaks it by {error!r}, and proves nothing"
        else:
            yield f"{name}: {new!r} for {old!r}, and it holds"


@pytest.fixture
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))


@pytest.mark.long
@pytest.mark.parametrize("stem", PLANTED)
def test_a_false_sentence_fails_in_its_cell(stem, own_progress):
    with threads(1):
        assert list(survivors(stem, PLANTED[stem])) == []


@pytest.mark.parametrize("stem", PLANTED)
def test_every_proving_cell_has_its_plant(stem):
    proving = [name for name, source in cells(stem) if "assert " in source]
    assert list(PLANTED[stem]) == proving


def test_every_lesson_whose_cells_prove_sentences_is_planted():
    assert list(PLANTED) == [lesson.name for lesson in LESSONS.values() if lesson.page in ("step", "myths")]


@pytest.mark.long
def test_a_plant_that_breaks_nothing_is_noticed(own_progress):
    plants = {"see-check": ("stride {stride}", "step {stride}"), "back-check": ("no such text", "")}
    found = list(survivors("01_what_is_pooling", {**plants, "holds-bytes": ("torch.rand", "torch.zeros")}))
    assert [text.partition(":")[0] for text in found] == ["see-check", "back-check", "holds-bytes"]
