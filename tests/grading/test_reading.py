"""Is a notebook read for what it says, whoever wrote it, however old or large it is, at no great cost?"""

import json
import resource

import pytest

from harness import classroom
from pooling_course.grading import cells as program
from pooling_course.grading.files import Broken
from pooling_course.grading.reading import code_of, named_in


@pytest.mark.parametrize(
    "code, says",
    [
        ("STUDENT = 'ada'", "ada"),
        ('x = 1\nSTUDENT = "a b"  # me', "a b"),
        ("STUDENT = 4711", 4711),
        ("STUDENT = 'O\\'Brien'", "O'Brien"),
        ('STUDENT = """x"""', "x"),
        ("STUDENT = '''a\nb'''", "a\nb"),
        ('STUDENT = "Ada " "Lovelace"', "Ada Lovelace"),
        ('STUDENT = (\n    "Ada "\n    "Lovelace"  # both\n)', "Ada Lovelace"),
        ('STUDENT = "a" + "b"', "ab"),
        ("STUDENT = 1_234_567", 1234567),
        ("STUDENT = 0x10", 16),
        ("STUDENT = 12345678901234567890", 12345678901234567890),
        ('STUDENT: str = "ada"', "ada"),
        ('x = STUDENT = "ada"', "ada"),
        ('x = 1; STUDENT = "ada"; y = 2', "ada"),
        ('if (STUDENT := "ada"): pass', "ada"),
        ('if True:\n    STUDENT = "ada"', "ada"),
        ('>>> STUDENT = "ada"', "ada"),
        ('STUDENT = \\\n    "ada"', "ada"),
        ('STUDENT = r"a\\b"', "a\\b"),
        ('STUDENT = f"ada"', "ada"),
        ('STUDENT = "a"\nSTUDENT = "b"', "b"),
        ("x = 1", None),
        ('# STUDENT = "ada"', None),
        ('STUDENT == "ada"', None),
        ('greet(STUDENT="ada")', None),
        ("STUDENT = input()", ""),
        ("STUDENT = str(4711)", ""),
        ('STUDENT = f"{name}"', ""),
        ("STUDENT = -3", ""),
        ("STUDENT = True", ""),
        ('STUDENT = "ada', ""),
        ("STUDENT = " + "(" * 100_000, ""),
    ],
)
def test_a_notebook_says_who_wrote_it(code, says):
    assert named_in([code]) == says


def test_the_cells_of_older_notebooks_are_read_too():
    older = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"], "outputs": []}]}]}
    assert code_of(json.dumps(older).encode()) == ["x = 1"]


@pytest.mark.parametrize("large", [b"[], " * 1_000_000, b'{"a": [1]}, ' * 300_000, b"1.5, " * 1_000_000])
def test_a_file_that_costs_too_much_is_refused_in_a_process_of_its_own(large, monkeypatch):
    monkeypatch.setattr(program, "MEMORY", 50 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Broken, match="clear its outputs"):
        code_of(b'{"cells": [[' + large + b"[]]]}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 << 10


def test_large_notebooks_say_the_same_as_small_ones():
    large = classroom.notebook(["x = 1", "y = 'é'"])
    large["cells"][0]["outputs"] = ["x" * (3 << 20)]
    assert code_of(json.dumps(large).encode()) == ["x = 1", "y = 'é'"]
    with pytest.raises(Broken, match="more than 1000 code cells"):
        code_of(json.dumps(classroom.notebook(["x" * 3000] * 1001)).encode())
