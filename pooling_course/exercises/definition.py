"""What an exercise is made of, read from its file in `tasks`.

The first line of a file is the title that people read. Then it holds, by these names:

    LESSON    the number of its lesson, such as "05"
    LEVEL     "worked" (a worked example stands in the task), "gaps" (part of the code is given), "free"; or "own" (for
              assignments only: one case, drawn for each student, whose answer is worked out by hand and written down)
    RULE      "numpy" where the answer must do without torch, else "any"
    TASK      what is to be done, in Markdown
    HINTS     a nudge and the idea, each a sentence or two
    the model answer, a function named as the file, with what the learner writes between ### BEGIN SOLUTION and
              ### END SOLUTION
    truth     the right result by torch, with the same parameters; or
    accepts   where many results are right: (*args, result) to "", or to a sentence that says what is wrong
    cases     from a NumPy random generator to the tuples of arguments that are tried, edges first
    Mistakes  a class of functions that answer as people wrongly do; the docstring of each tells the learner what it is
"""

import importlib
import inspect
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent

import numpy as np

from .plain import plain

TASKS = Path(__file__).parent / "tasks"
LEVELS = ("worked", "gaps", "free", "own")
RULES = ("any", "numpy")
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION\n", re.MULTILINE | re.DOTALL)
MARKER = re.compile(r"^ *### (?:BEGIN|END) SOLUTION\n", re.MULTILINE)
STUB = "# YOUR CODE HERE\nraise NotImplementedError()\n"  # nbgrader's own words


@dataclass(frozen=True)
class Mistake:
    """Code that answers as people wrongly do.

    Attributes:
        name: such as "no-plus-one".
        says: what the learner reads.
        function: the code.
    """

    name: str
    says: str
    function: Callable


@dataclass(frozen=True)
class Exercise:
    """One exercise; `load` makes it from its file.

    Attributes:
        name: such as "output-size"; `function` is what the learner's function is called, such as "output_size".
        title: what people call it, such as "The size that comes out of a pooling".
        lesson, level, rule, task, hints: as the file has them.
        source: the model answer as nbgrader's source wants it, with the solution between its markers.
        model: the same as a function.
        mistakes: the known ones.
        draw: from a random generator to the cases.
        truth, accepts: what says which result is right; one of the two is None.
    """

    name: str
    title: str
    function: str
    lesson: str
    level: str
    rule: str
    task: str
    hints: tuple[str, str]
    source: str
    model: Callable
    mistakes: tuple[Mistake, ...]
    draw: Callable
    truth: Callable | None
    accepts: Callable | None

    @property
    def stub(self) -> str:
        """What the learner begins with: the source without the solution."""
        return SOLUTION.sub(lambda found: _indented(STUB, found[1]), self.source)

    @property
    def solution(self) -> str:
        """The model answer as a learner would write it."""
        return MARKER.sub("", self.source)

    @property
    def ladder(self) -> tuple[str, ...]:
        """The hints from a nudge to the whole answer: two in words, then the model answer as code."""
        return (*self.hints, self.solution)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.model).parameters)

    def cases(self, seed: int | str | tuple = 0) -> list[tuple]:
        """The arguments that are tried; the same for the same seed, a number or a name; for several, each case once."""
        if isinstance(seed, tuple):
            found = [case for one in seed for case in self.cases(one)]
            return list({repr(plain(case)): case for case in found}.values())
        return list(self.draw(np.random.default_rng(seed_of(seed))))


def seed_of(seed: int | str) -> int:
    """The number that a student's name stands for; a number stands for itself.

    >>> seed_of("Ada ") == seed_of("ada"), seed_of(7)
    (True, 7)

    Raises:
        TypeError: it is neither.
    """
    if not isinstance(seed, (int, str, np.integer)) or not isinstance(seed, str) and seed < 0:
        raise TypeError(f"seed={seed!r}: a seed is a number from 0 on, a student's name, or several in a tuple.")
    if isinstance(seed, str):  # not hash(), which differs from one Python to the next
        return zlib.crc32(seed.strip().lower().encode("utf-8", "replace"))
    return int(seed)


@cache
def names() -> tuple[str, ...]:
    """All exercises in the order of the course: by lesson, then by level, from the worked example to own numbers."""
    found = [load(path.stem.replace("_", "-")) for path in TASKS.glob("[a-z]*.py")]
    return tuple(e.name for e in sorted(found, key=lambda e: (e.lesson, LEVELS.index(e.level), e.name)))


def load(name: str) -> Exercise:
    """The exercise of that name.

    Raises:
        ValueError: there is none, or its file lacks something; the sentence says what.
        TypeError: name is no text.
    """
    if not isinstance(name, str):
        raise TypeError(
            f"name={name!r} is of type {type(name).__name__}: an exercise has a name, such as 'output-size'."
        )
    return _load(name)


@cache
def _load(name):
    stem = name.replace("-", "_")
    if not (stem.isidentifier() and stem[0] != "_" and (TASKS / f"{stem}.py").exists()):
        there = ", ".join(sorted(path.stem.replace("_", "-") for path in TASKS.glob("[a-z]*.py")))
        raise ValueError(f"no exercise is called {name!r}; there is {there}.")
    module = importlib.import_module(f".tasks.{stem}", __package__)
    return of_module(name, stem, module)


def of_module(name, stem, module) -> Exercise:
    """An exercise from its file, with a sentence for a contributor where something is missing."""
    has = vars(module)

    def need(ok, sentence):
        if not ok:
            raise ValueError(f"tasks/{stem}.py: {sentence}")

    for wanted in ("LESSON", "LEVEL", "RULE", "TASK", "HINTS", stem, "cases", "Mistakes"):
        need(wanted in has, f"it lacks {wanted}; definition.py says what it is.")
    need(has["__doc__"], "its first line is no docstring, which gives the title.")
    need(has["LEVEL"] in LEVELS, f"LEVEL is {has['LEVEL']!r}; it is one of {', '.join(LEVELS)}.")
    need(has["RULE"] in RULES, f"RULE is {has['RULE']!r}; it is one of {', '.join(RULES)}.")
    need(len(has["HINTS"]) == 2, f"HINTS has {len(has['HINTS'])} entries; give a nudge and the idea.")
    need(("truth" in has) != ("accepts" in has), "give either truth or accepts, and not both.")
    source = inspect.getsource(has[stem])
    need(SOLUTION.search(source), f"{stem} marks no solution with ### BEGIN SOLUTION and ### END SOLUTION.")
    functions = {key: value for key, value in vars(has["Mistakes"]).items() if inspect.isfunction(value)}
    for key, function in functions.items():
        need(function.__doc__, f"the mistake {key} has no docstring to tell the learner.")
    mistakes = (Mistake(key.replace("_", "-"), _flowing(f.__doc__), f) for key, f in functions.items())
    return Exercise(
        name=name,
        title=has["__doc__"].strip().partition("\n")[0].rstrip("."),
        function=stem,
        lesson=has["LESSON"],
        level=has["LEVEL"],
        rule=has["RULE"],
        task=dedent(has["TASK"]).strip(),
        hints=tuple(_flowing(text) for text in has["HINTS"]),
        source=source,
        model=has[stem],
        mistakes=tuple(mistakes),
        draw=has["cases"],
        truth=has.get("truth"),
        accepts=has.get("accepts"),
    )


def _indented(text, indent):
    return "".join(f"{indent}{line}" for line in text.splitlines(keepends=True))


def _flowing(text):
    return " ".join(text.split())
