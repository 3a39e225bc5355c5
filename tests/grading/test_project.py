"""Is the project graded: its code in the sandbox by what it does, and its written answers by a person and a rubric?"""

import csv
import re

import pytest

from harness import classroom
from pooling_course.grading import __main__ as command
from pooling_course.grading import mark, sandbox
from pooling_course.grading.assignments import (
    LAYERS,
    PROJECT,
    Written,
    judge_experiment,
    judge_network,
    named,
    odd_experiment,
)

pytestmark = pytest.mark.slow

CODES = {code.name: code for code in mark.codes("project")}
LIMITS = sandbox.Limits(seconds=PROJECT.seconds)
SETUP = "import torch\nfrom torch import nn\nfrom pooling_course import images\n"
MODEL = {name: re.sub(r" *### (BEGIN|END) SOLUTION\n", "", code.source) for name, code in CODES.items()}
STUB = {
    name: re.sub(r" *### BEGIN.*END SOLUTION\n", "    raise NotImplementedError()\n", code.source, flags=re.DOTALL)
    for name, code in CODES.items()
}
FEW = "def accuracy(way, seed):\n    return [540, 541, 550][seed] / 597\n"  # trains nothing


@pytest.fixture
def walls(walls, monkeypatch):
    """The sandbox of all, for as long as a project may take."""
    monkeypatch.setattr(walls, "limits", LIMITS)
    return walls


def marked(walls, network=MODEL["network"], experiment=MODEL["experiment"], given=FEW):
    cells = (SETUP, given, network, experiment)
    record = mark.mark(mark.Job("project", "ada", cells, (1,), LIMITS), walls)
    return {part["exercise"]: part for part in record["parts"]}, record["notes"]


def test_the_model_answers_are_right_and_train(walls):
    parts, notes = marked(walls, given=PROJECT.given)
    assert [(part["state"], part["points"]) for part in parts.values()] == [("solved", 4.0), ("solved", 4.0)]
    assert notes == [] and all(part["shape"] for part in parts.values())


WRONG_NETWORKS = {
    "a layer of its own": MODEL["network"].replace("        downsampling,\n", "        nn.MaxPool2d(2),\n"),
    "a linear layer for 2 x 2 only": MODEL["network"].replace(
        "numbers = front(torch.zeros(1, 1, 8, 8)).shape[1]", "numbers = 256"
    ),
    "other channels": MODEL["network"].replace("Conv2d(8, 16", "Conv2d(8, 12"),
    "nine outputs": MODEL["network"].replace("nn.Linear(numbers, 10)", "nn.Linear(numbers, 9)"),
    "nothing": "def network(downsampling):\n    return None",
    "knows what is seen": MODEL["network"].replace(
        "    front =", "    if type(downsampling) is nn.Identity: downsampling = nn.ReLU()\n    front ="
    ),
    "ends Python": "def network(downsampling):\n    exit()",
}


@pytest.mark.parametrize("network", WRONG_NETWORKS.values(), ids=WRONG_NETWORKS)
def test_a_wrong_network_gets_no_points_and_a_sentence(walls, network):
    parts, _ = marked(walls, network)
    assert network != MODEL["network"]
    assert parts["network"]["points"] == 0 and parts["network"]["state"] in ("wrong", "lost")
    assert len(parts["network"]["says"][0]) > 20 and parts["experiment"]["state"] == "solved"


def test_what_is_not_written_is_told(walls):
    parts, _ = marked(walls, STUB["network"], "x = 1")
    assert (parts["network"]["state"], parts["experiment"]["state"]) == ("untouched", "missing")
    parts, _ = marked(walls, MODEL["network"].replace("network(", "Network("), MODEL["experiment"])
    assert "You define `Network`: is that the one?" in parts["network"]["says"][0]


def test_a_probe_of_the_students_own_changes_nothing(walls):
    forged = f"def {mark.PROBE}network():\n    return {[[[3, 10], True, [8, 16]]] * len(LAYERS)!r}\n"
    parts, _ = marked(walls, forged + WRONG_NETWORKS["nine outputs"])
    assert parts["network"]["points"] == 0


def test_no_check_makes_a_probe_of_the_students_own_count(walls):
    forged = f"def probe_of_network():\n    return {[[[3, 10], True, [8, 16]]] * len(LAYERS)!r}\n"
    forged += "from pooling_course import check\ncheck('probe_of_network')\n"
    parts, _ = marked(walls, forged + WRONG_NETWORKS["nine outputs"])
    assert parts["network"]["points"] == 0


SEEN_LAYERS = """
def network(downsampling):
    with open("seen", "a") as file: file.write(repr(downsampling))
    {raises}
    return MODEL(downsampling)
def experiment():
    return {{open("seen").read()[-30:]: [0.9, 0.9]}}
"""


@pytest.mark.parametrize("raises", ["", 'if open("seen").read().count("(") > 2: raise ValueError(open("seen").read())'])
def test_no_hidden_layer_comes_to_the_page_in_a_students_words(walls, raises):
    """It may say what it was called with when it raises, or when another question is asked."""
    network = MODEL["network"].replace("def network", "def MODEL")
    parts, _ = marked(walls, network + SEEN_LAYERS.format(raises=raises), "x = 1")
    said = " ".join([*parts["network"]["says"], *parts["experiment"]["says"]])
    assert parts["experiment"]["points"] == 0 and len(said) > 20
    assert bool(raises) == (parts["network"]["points"] == 0)
    assert not any(name in said for name in ("Identity", "Conv2d", "stride=(2, 2)", "padding=1"))


def test_invented_numbers_are_told_to_the_instructor(walls):
    parts, notes = marked(walls, experiment="def experiment():\n    return {n: [0.9, 0.93, 0.95] for n in 'abc'}")
    assert parts["experiment"]["state"] == "solved"
    assert any("no share of 597 digits" in note for note in notes)


GOOD = [[name, [k / 597, 540 / 597, 541 / 597]] for k, name in enumerate("abc", 500)]
WRONG_EXPERIMENTS = {
    "two ways": GOOD[:2],
    "two seeds": [*GOOD[:2], ["c", GOOD[2][1][:2]]],
    "unlike": [*GOOD[:2], ["c", [*GOOD[2][1], 0.5]]],
    "percent": [[name, [100 * share for share in shares]] for name, shares in GOOD],
    "negative": [[name, [-share for share in shares]] for name, shares in GOOD],
    "no better than chance": [[name, [0.1] * 3] for name, _ in GOOD],
    "numbers as text": [[name, ["0.9"] * 3] for name, _ in GOOD],
    "not numbers": [[name, [float("nan")] * 3] for name, _ in GOOD],
    "nothing": None,
    "a number": 0.9,
    "not pairs": [["a"], ["b"], ["c"]],
}


@pytest.mark.parametrize("found", WRONG_EXPERIMENTS.values(), ids=WRONG_EXPERIMENTS)
def test_a_wrong_experiment_has_a_sentence(found):
    assert judge_experiment(found) and not judge_experiment(GOOD)
    odd_experiment(found)  # whatever came, it is only looked at


@pytest.mark.parametrize(
    "found", [None, [], [1] * 5, [[[3, 10], 1, [8, 16]]] * 5, [[[3, 10], True, [8]]] * 5, ["x"] * 5]
)
def test_what_cannot_be_read_is_no_network(found):
    assert judge_network(found) and not judge_network([[[3, 10], True, [8, 16]]] * 5)


def test_no_hidden_layer_is_named():
    found = [[[3, 10], True, [8, 16]]] * 2 + [[[3, 9], True, [8, 16]]] * 3
    (says,) = judge_network(found)
    assert not any(layer in says for layer in LAYERS)


def test_a_project_is_graded_with_its_rubric(tmp_path, monkeypatch):
    monkeypatch.setattr(mark, "work", lambda job, trust: classroom.solved(job.assignment))
    classroom.write(tmp_path / "class" / "ada.ipynb", ["x = 1"])
    how = [str(tmp_path / "class"), "--assignment", "project", "--out", str(tmp_path / "out")]
    assert command.main(how) == 0
    table = tmp_path / "out" / "decisions.csv"
    lines = list(csv.DictReader(table.read_text("utf-8-sig").splitlines()))
    written = [name for name, part in named("project").items() if isinstance(part, Written)]
    assert [line["task"] for line in lines] == written and len(written) == 4
    for line, points in zip(lines, (4, 3, 1, 0), strict=True):
        line["points"] = points
    with open(table, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    assert command.main(how) == 0
    with open(tmp_path / "out" / "grades.csv", encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["points"], row["out_of"]) == ("16", "24")
    page = (tmp_path / "out" / "feedback" / "ada.html").read_text("utf-8")
    for name, points in zip(written, (4, 3, 1, 0), strict=True):
        assert f"{points} point{'s' * (points != 1)}: {named('project')[name].rubric[points]}." in page
