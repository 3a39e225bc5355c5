"""Are answers that were copied found, by four as by two, with other names in them, and from last year's class?"""

import random
import re

import pytest

from harness import classroom
from pooling_course.exercises.source import names_in
from pooling_course.grading import alike, mark, text
from pooling_course.grading.alike import FINGERPRINTS, MARK, Alike, earlier_classes, fingerprints, look_alikes
from pooling_course.grading.submissions import Submission
from pooling_course.grading.tables import Row

TASKS = [task.exercise for task in mark.tasks("ps2")]
CODE = '''
def f(values, size):
    """What was given."""
    total = 0
    for position in range(0, len(values), size):
        window = values[position : position + size]
        biggest = max(window)
        total = total + biggest * 2
    return total
'''


def shape(code, name="f"):
    return text.shape(names_in(code)(name))


def test_a_shape_takes_nothing_from_what_faults_are_looked_for_in():
    """It takes away annotations, and `second` breaks its rule by one alone."""
    cells = [(0, "import torch\ndef first(x: torch.Tensor): return x"), (1, "def second(x): return first(x)")]
    asked = [{"function": "first", "rule": "any"}, {"function": "second", "rule": "numpy"}]
    (fault,) = text.look(cells, asked)["questions"][1]["cells"][1]["faults"]
    assert "`torch`" in fault


# ---- One answer ------------------------------------------------------------------------------------------------------

SAME = {
    "other names": re.sub("values", "x", re.sub("window", "w", re.sub("biggest", "m", CODE))),
    "names that are swapped": CODE.replace("total", "T").replace("position", "total").replace("T", "position"),
    "no docstring, comments": CODE.replace('    """What was given."""\n', "    # mine\n"),
    "types": CODE.replace("(values, size):", "(values: list, size: int = None) -> int:")
    .replace(" = None", "")
    .replace("total = 0", "total: int = 0"),
    "the short form": CODE.replace("total = total + biggest * 2", "total += biggest * 2"),
    "spaces": CODE.replace("    for", "\n    for").replace(" + ", "+"),
}
OTHER = {
    "another function of Python's": CODE.replace("max(", "min("),
    "another number": CODE.replace("* 2", "* 3"),
    "another operator": CODE.replace("total + ", "total - "),
    "another step": CODE.replace("        biggest = max(window)\n", "").replace("biggest", "max(window)"),
    "a keyword": CODE.replace("max(window)", "max(window, default=0)"),
}


@pytest.mark.parametrize("code", SAME.values(), ids=SAME)
def test_an_answer_in_other_clothes_has_the_same_shape(code):
    assert code != CODE and shape(code) == shape(CODE) is not None


@pytest.mark.parametrize("code", OTHER.values(), ids=OTHER)
def test_another_answer_has_another_shape(code):
    assert code != CODE and shape(code) not in (None, shape(CODE))


def test_the_name_of_an_argument_of_a_library_is_no_name_of_ones_own():
    one, other = (
        f"def f(x):\n    return sum(torch.amax(x, {name}=0) for _ in range(8)) + x[0] * 2 - len(x)"
        for name in ("dim", "axis")
    )
    assert shape(one) != shape(other)


def test_a_helper_may_be_called_otherwise():
    inner = "def helper(a):\n        return a + 1"
    code = f"def f(x):\n    {inner}\n    return [helper(i) * 2 for i in range(0, len(x), 2) if i > 1]"
    assert shape(code) == shape(code.replace("helper", "h").replace("a + 1", "b + 1").replace("(a)", "(b)")) is not None


# ---- A class ---------------------------------------------------------------------------------------------------------


def row(student, made, through=None):
    record = classroom.solved("ps2")
    for part in record["parts"]:
        part["shape"] = made.get(part["exercise"])
    return Row(Submission(student, "", f"{student}.ipynb", None, False, bytes), 1, 0, 1.0, record, through=through)


def a_class(count, ways=6, seed=1):
    """People who work alone: of each task there are some ways, the first of them the most common."""
    draw = random.Random(seed)
    weights = [2.0**-i for i in range(ways)]
    return [
        row(f"s{i:03}", {task: f"{task} {draw.choices(range(ways), weights)[0]}" for task in TASKS})
        for i in range(count)
    ]


def copied(rows, *who, tasks=TASKS, way="odd"):
    for i in who:
        for part in rows[i].record["parts"]:
            if part["exercise"] in tasks:
                part["shape"] = f"{part['exercise']} {way}"
    return rows


def found(rows, earlier=()):
    return {each.students: each.tasks for each in look_alikes("ps2", rows, earlier)}


@pytest.mark.parametrize("count", [30, 300])
@pytest.mark.parametrize("many", [2, 4, 5, 8])
def test_groups_of_any_size_are_found(count, many):
    rows = copied(a_class(count), *range(3, 3 + many))
    assert found(rows)[tuple(f"s{i:03}" for i in range(3, 3 + many))] == tuple(TASKS)


def test_four_who_share_an_answer_that_others_have_too_are_found_by_all_together():
    """Each of the shapes is one that some others have."""
    rows = a_class(60)
    for i in (5, 15, 25, 35):
        for task, part in zip(TASKS, rows[i].record["parts"], strict=True):
            part["shape"] = f"{task} 3"
    assert ("s005", "s015", "s025", "s035") in found(rows)


def test_those_who_are_right_in_the_usual_way_are_nobodys_business():
    rows = [row(f"s{i}", {task: f"{task} usual" for task in TASKS}) for i in range(40)]
    assert found(rows) == {}


@pytest.mark.parametrize("seed", range(5))
def test_a_class_of_honest_people_has_few_groups(seed):
    honest = look_alikes("ps2", a_class(200, seed=seed))
    assert sum(len(each.students) for each in honest) < 30


def test_one_task_alone_says_nothing():
    assert found(copied(a_class(30), 1, 2, tasks=TASKS[:1], way="x")).get(("s001", "s002")) is None


def test_a_group_that_hands_in_together_is_no_copy():
    rows = copied(a_class(30), 1)
    rows.append(row("mate", {part["exercise"]: part["shape"] for part in rows[1].parts}, through=rows[1]))
    assert not any("mate" in students for students in found(rows))


def test_a_large_class_takes_no_table_of_pairs(monkeypatch):
    """Of ten times as many, no more than some ten times as many sets of answers are looked at."""

    def looked(count):
        seen = []
        monkeypatch.setattr(alike, "_expected", lambda *a: seen.append(1) or expected(*a))
        look_alikes("ps2", a_class(count))
        return len(seen)

    expected = alike._expected
    assert looked(2000) < 12 * looked(200)


@pytest.mark.parametrize("many", [2, 4, 6, 8])
def test_two_tasks_in_common_are_enough(many):
    """The rest of their work is their own."""
    rows = copied(a_class(30), *range(3, 3 + many), tasks=TASKS[1:3])
    assert found(rows)[tuple(f"s{i:03}" for i in range(3, 3 + many))] == tuple(TASKS[1:3])


# ---- Other classes ---------------------------------------------------------------------------------------------------


def test_last_years_answers_are_found_without_anybodys_name(tmp_path):
    last = copied(a_class(30, seed=2), 7)
    data = fingerprints("ps2", last)
    assert not re.search(rb"s\d\d\d", data) and data == fingerprints("ps2", last[::-1])
    (tmp_path / "2025").mkdir()
    (tmp_path / "2025" / FINGERPRINTS).write_bytes(data)
    earlier, said = earlier_classes(tmp_path, "ps2")
    assert len(earlier) == 30 and said == []
    at = 2 + [line.count("odd") for line in data.decode().splitlines()[1:]].index(len(TASKS))
    groups = look_alikes("ps2", copied(a_class(30), 4), earlier)
    assert Alike(("s004",), (f"2025/{FINGERPRINTS}, row {at}",), tuple(TASKS)) in groups
    assert all(each.students for each in groups)  # what earlier classes share among each other is past


@pytest.mark.parametrize(
    "text_, says",
    [
        ("student,points\nada,3\n", "holds no fingerprints of this version"),
        ("fingerprints 1,unpool\n,abc\n", "holds no fingerprints of this version"),
        ("", "holds no fingerprints of this version"),
        (f"{MARK},shares\n,abc\n", "holds the fingerprints of another assignment"),
    ],
)
def test_other_tables_are_named(tmp_path, text_, says):
    (tmp_path / "x.csv").write_text(text_)
    with pytest.raises(ValueError, match=f"--earlier .* holds no fingerprints of ps2.*{says}"):
        earlier_classes(tmp_path, "ps2")
    (tmp_path / "right.csv").write_bytes(fingerprints("ps2", copied(a_class(3), 0)))
    found, said = earlier_classes(tmp_path, "ps2")
    assert len(found) == 3 and says in said[0]


def test_no_folder_gives_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="holds no fingerprints of ps2"):
        earlier_classes(tmp_path / "nowhere", "ps2")
