"""Notebooks as the rules of tests/notebooks read them: cells, sections, headings, what is asked and what is shown."""

import ast
import re

import nbformat
import pytest

from pooling_course.questions import all_questions
from pooling_course.questions.lessons import LESSONS, STEPS
from tools import links

STEMS = [page.stem for page in links.lessons()]
START, MAPPED, TABLES = STEMS[0], STEPS, "ways"
(PROVING,) = (lesson.name for lesson in LESSONS.values() if lesson.page == "myths")
PAGE_MAP = [
    "The puzzle",
    "Predict",
    "See it",
    "The idea",
    "Back to your prediction",
    "In PyTorch",
    "What holds, exactly",
    "Check yourself",
    "Write it yourself",
    "Looking back",  # from lesson 02 on
    "Why it matters",
    "Take away",
]
ASKS = {"Predict": ("predict", 1), "Check yourself": ("check", 2), "Looking back": ("return", 1)}  # role, at least
ASKS_ALL = {lesson.asks: lesson.name for lesson in LESSONS.values() if lesson.asks}
EXPERT = [lesson.name for lesson in LESSONS.values() if lesson.page == "expert"]
EXPLORER = r"\b(PoolingExplorer|GradientFlow)\("
FOLD = "<details><summary>"
FOLDED = {"source_hidden": True}


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def markdown(nb):
    return [cell for cell in nb.cells if cell.cell_type == "markdown"]


def headings(nb):
    """(marks, text) of every heading, those in fenced code left out."""
    text = "\n".join(re.sub(r"^```.*?^```", "", cell.source, flags=re.M | re.S) for cell in markdown(nb))
    return re.findall(r"^(#+) +(.+?) *$", text, re.M)


def section(nb, name):
    """The cells from the heading `## name` to the next of that level."""
    inside, found = False, []
    for cell in nb.cells:
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.source, re.M):
            inside = bool(re.search(rf"^## {re.escape(name)} *$", cell.source, re.M))
        if inside:
            found.append(cell)
    return found


def page_map(stem):
    return [name for name in PAGE_MAP if name != "Looking back" or stem != MAPPED[0]]


def asked_in(cell):
    """The names in every quiz(...) of a cell; None for one that is not written out."""
    nodes = ast.walk(ast.parse(re.sub(r"(?m)^\s*[!%].*$", "", cell.source)))
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "quiz"]
    return [getattr(name, "value", None) for call in calls for name in call.args]


def imported(cell):
    nodes = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    return {alias.name for node in nodes for alias in node.names}


def is_quiz(cell):
    """Is the cell quiz(...) and nothing else?"""
    return bool(asked_in(cell)) and bool(re.fullmatch(r"quiz\([^()]*\)", cell.source.strip()))


def roles(names):
    return {all_questions()[name].role for name in names if name in all_questions()}


def read(stem):
    if stem == TABLES:  # a page of the manual, read like a notebook: a cell for each section, links as in the lessons
        text = links.TABLES.read_text(encoding="utf-8").replace("](../notebooks/", "](")
        cells = [nbformat.v4.new_markdown_cell(part) for part in re.split(r"^(?=## )", text, flags=re.M)]
        return nbformat.v4.new_notebook(cells=cells)
    # Not nbformat.read, which would mend duplicate ids before anyone sees them.
    nb = nbformat.v4.reads((links.NOTEBOOKS / f"{stem}.ipynb").read_text(encoding="utf-8"))
    nb.cells = [cell for cell in nb.cells if not cell.id.endswith("-install")]  # test_links.py's
    return nb


def named(nb, name):
    return next(cell for cell in nb.cells if cell.id.endswith(f"-{name}"))


class Rules(dict):
    """A file's rules by their names, and for each what it must refuse.

    A rule is a generator of what is wrong with a notebook. A plant makes something wrong in one that was right.
    """

    def __init__(self):
        self.plants = []

    def rule(self, function):
        self[function.__name__] = function
        return function

    def refused_by(self, name, problem, stem="01_what_is_pooling"):
        """The rule `name` finds `problem` in a notebook changed like this."""

        def keep(change):
            self.plants.append(pytest.param(name, problem, stem, change, id=change.__name__))
            return change

        return keep

    def broken(self, name, stem):
        return list(self[name](read(stem), stem))

    def broken_by(self, change, name, stem):
        """What the rule finds once the change is made, and did not find before."""
        nb = read(stem)
        before = list(self[name](nb, stem))
        change(nb)
        return [found for found in self[name](nb, stem) if found not in before]
