"""What an exercise is made of, read from its file in `tasks`.

The first line of a file is the title that people read. Then it holds, by these names:

    LESSON    the number of its lesson, such as "05"
    LEVEL     "worked" (a worked example stands in the task), "gaps" (part of the code is given), "free"; or "own" (for
              assignments only: see below)
    RULE      "numpy" where the answer must do without torch, else "any"
    TASK      what is to be done, in Markdown
    HINTS     a nudge and the idea, each a sentence or two
    the model answer, a function named as the file, with what the learner writes between ### BEGIN SOLUTION and
              ### END SOLUTION
    truth     the right result by torch, with the same parameters; or
    accepts   where many results are right: (*args, result) to "", or to a sentence that says what is wrong
    cases     from a NumPy random generator to the tuples of arguments that are tried, edges first
    Mistakes  a class of functions that answer as people wrongly do; the docstring of each tells the learner what it is

Numbers of a student's own are worked out on paper and written down, in a function without parameters: what a friend
wrote down is wrong for everybody else. A file with these two makes an exercise "my-..." of the level "own" beside its
own, and one of the level "own" has TASK for OWN, and neither a model answer nor cases:

    OWN       the task that goes with the numbers
    own       from a NumPy random generator to a few tuples of arguments, at most four. It is drawn from until right
              and all typical mistakes differ, so it must let them; where there are several tuples, the answer is a list
"""

import importlib
import inspect
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache, wraps
from pathlib import Path
from textwrap import dedent

import numpy as np

from .plain import plain, written

TASKS = Path(__file__).parent / "tasks"
LONGEST = 100  # characters of a name; a system refuses to look for longer ones
LEVELS = ("worked", "gaps", "free", "own")
RULES = ("any", "numpy")
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION\n", re.MULTILINE | re.DOTALL)
MARKER = re.compile(r"^ *### (?:BEGIN|END) SOLUTION\n", re.MULTILINE)
STUB = "# YOUR CODE HERE\nraise NotImplementedError()\n"  # nbgrader's own words
EXAMPLE_NAME = "your name or number"  # what stands in STUDENT before anybody writes there
WIDEST = 116  # characters in a line of a function
TRIES = 1000


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
        code: the model answer as nbgrader's source wants it, with the solution between its markers; "" at the level
            "own", where each student has another.
        model: the same as a function of the case; at the level "own" what torch says.
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
    code: str
    model: Callable
    mistakes: tuple[Mistake, ...]
    draw: Callable
    truth: Callable | None
    accepts: Callable | None

    @property
    def source(self) -> str:
        """The model answer with its markers; at the level "own", that of EXAMPLE_NAME."""
        return self.code or self.paper(EXAMPLE_NAME)

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
        """The hints from a nudge to the whole answer: two in words, then the model answer as code, if all have one."""
        return self.hints if self.level == "own" else (*self.hints, self.solution)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.model).parameters)

    def cases(self, seed: int | str | tuple = 0) -> list[tuple]:
        """The arguments that are tried; the same for the same seed, a number or a name; for several, each case once."""
        if isinstance(seed, tuple):
            if not seed:
                raise TypeError("seed=() holds no seed: give a number, a student's name, or several in a tuple.")
            return list({text: case for one in seed for text, case in _drawn(self.draw, seed_of(one)).items()}.values())
        return list(_drawn(self.draw, seed_of(seed)).values())

    def asks(self, cases: list[tuple]) -> list[tuple]:
        """What the learner's function is given for each case: nothing where the answer is written down."""
        return [() for _ in cases] if self.level == "own" else cases

    def paper(self, student: int | str) -> str:
        """What a student writes down who is right, in code, with nbgrader's markers; at the level "own" only."""
        answer = written(plain(self.model(*self.cases(student)[0])))
        whole, rows = f"return {answer}", ["return [", *(f"    {row}," for row in answer), "]"]
        lines = ["### BEGIN SOLUTION", *([whole] if len(whole) <= WIDEST else rows), "### END SOLUTION"]
        head = f'def {self.function}():\n    """Your own numbers, worked out on paper."""\n'
        return head + "".join(f"    {line}\n" for line in lines)


@lru_cache(maxsize=128)  # a class has its hidden cases in common; the others come once
def _drawn(draw, seed):
    """Cases by their text; those that every seed draws are the same objects, by which the judge knows them again."""
    usual = _usual(draw)
    drawn = ((repr(plain(case)), case) for case in draw(np.random.default_rng(seed)))
    return {text: usual.get(text, case) for text, case in drawn}


@cache
def _usual(draw):
    return {repr(plain(case)): case for case in draw(np.random.default_rng(0))}


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


def nobodys(seed: int | str) -> list[str]:
    """What to say of numbers that are drawn from no name yet."""
    where = "write your name or number into `STUDENT`, run that cell, and then this one once more."
    return [f"These numbers are nobody's yet: {where}"] if seed_of(seed) == seed_of(EXAMPLE_NAME) else []


@cache
def names() -> tuple[str, ...]:
    """All exercises in the order of the course: by lesson, then by level, from the worked example to own numbers."""
    stems = [path.stem for path in TASKS.glob("[a-z]*.py")]
    found = [load(stem.replace("_", "-")) for stem in stems]
    found += [load(f"my-{e.name}") for e in found if hasattr(_module(e.name.replace("-", "_")), "OWN")]
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
    if module := _module(stem):
        return of_module(name, stem, module)
    module = _module(stem.removeprefix("my_"))
    if not module or not hasattr(module, "OWN"):
        raise ValueError(f"no exercise is called {name!r}; there is {', '.join(sorted(names()))}.")
    e = _load(name.removeprefix("my-"))
    named = {"name": name, "function": stem, "title": f"{e.title}, on paper", "task": dedent(module.OWN).strip()}
    return with_own_numbers(replace(e, **named), module.own)


def _module(stem):
    """The file of an exercise as a module; None where there is none."""
    if not (stem.isidentifier() and stem[0] != "_" and len(stem) < LONGEST and (TASKS / f"{stem}.py").exists()):
        return None
    return importlib.import_module(f".tasks.{stem}", __package__)


def of_module(name, stem, module) -> Exercise:
    """An exercise from its file, with a sentence for a contributor where something is missing."""
    has = vars(module)

    def need(ok, sentence):
        if not ok:
            raise ValueError(f"tasks/{stem}.py: {sentence}")

    is_own = has.get("LEVEL") == "own"
    parts = ("truth", "own") if is_own else (stem, "cases")
    for wanted in ("LESSON", "LEVEL", "RULE", "TASK", "HINTS", *parts, "Mistakes"):
        need(wanted in has, f"it lacks {wanted}; definition.py says what it is.")
    need(has["__doc__"], "its first line is no docstring, which gives the title.")
    need(has["LEVEL"] in LEVELS, f"LEVEL is {has['LEVEL']!r}; it is one of {', '.join(LEVELS)}.")
    need(has["RULE"] in RULES, f"RULE is {has['RULE']!r}; it is one of {', '.join(RULES)}.")
    need(len(has["HINTS"]) == 2, f"HINTS has {len(has['HINTS'])} entries; give a nudge and the idea.")
    need(("truth" in has) != ("accepts" in has), "give either truth or accepts, and not both.")
    need(is_own or ("OWN" in has) == ("own" in has), "OWN and own go together.")
    need("own" not in has or "truth" in has, "own numbers need a truth, and not accepts.")
    source = "" if is_own else inspect.getsource(has[stem])
    need(is_own or SOLUTION.search(source), f"{stem} marks no solution with ### BEGIN SOLUTION and ### END SOLUTION.")
    functions = {key: value for key, value in vars(has["Mistakes"]).items() if inspect.isfunction(value)}
    for key, function in functions.items():
        need(function.__doc__, f"the mistake {key} has no docstring to tell the learner.")
    mistakes = (Mistake(key.replace("_", "-"), _flowing(f.__doc__), f) for key, f in functions.items())
    exercise = Exercise(
        name=name,
        title=has["__doc__"].strip().partition("\n")[0].rstrip("."),
        function=stem,
        lesson=has["LESSON"],
        level=has["LEVEL"],
        rule=has["RULE"],
        task=dedent(has["TASK"]).strip(),
        hints=tuple(_flowing(text) for text in has["HINTS"]),
        code=source,
        model=has["truth" if is_own else stem],
        mistakes=tuple(mistakes),
        draw=has["own" if is_own else "cases"],
        truth=has.get("truth"),
        accepts=has.get("accepts"),
    )
    return with_own_numbers(exercise, exercise.draw) if is_own else exercise


# ---- Numbers of a student's own --------------------------------------------------------------------------------------


def with_own_numbers(exercise: Exercise, draw: Callable) -> Exercise:
    """An exercise with one case, of the few tuples that `draw` makes, for which right numbers are written down."""
    truth = _each(exercise.truth)
    mistakes = tuple(replace(mistake, function=_each(mistake.function)) for mistake in exercise.mistakes)
    answers = [truth, *(mistake.function for mistake in mistakes)]
    return replace(
        exercise,
        code="",
        level="own",
        rule="numpy",
        model=truth,
        truth=truth,
        mistakes=mistakes,
        draw=lambda random: [_telling(exercise.name, draw, _apart(random, exercise.name), answers)],
    )


def _apart(random, name):
    """A generator for one exercise, as two that draw alike would give a student the same numbers."""
    return np.random.default_rng([zlib.crc32(name.encode()), int(random.integers(2**32))])


def _each(function):
    """The function on each tuple of arguments: a list, or the one result."""

    @wraps(function)
    def of_all(*rows):
        found = [function(*row) for row in rows]
        return found if len(found) > 1 else found[0]

    return of_all


def _telling(name, draw, random, answers):
    """The first drawn case that tells the right answer and all known mistakes apart, so that luck helps nobody."""
    for _ in range(TRIES):
        case = tuple(draw(random))
        if _tells_apart(case, answers):
            return case
    raise RuntimeError(f"{TRIES} draws of own numbers for {name!r} gave none that tell its mistakes apart.")


def _tells_apart(case, answers):
    met = set()
    for said in filter(None, (_said(answer, case) for answer in answers)):
        if said in met:
            return False
        met.add(said)
    return True


def _said(answer, case):
    """An answer as text; "" where a function stops with an error, since nobody writes that down."""
    try:
        with np.errstate(all="ignore"):
            return repr(written(plain(answer(*case))))
    except (ValueError, IndexError, RuntimeError):
        return ""


def _indented(text, indent):
    return "".join(f"{indent}{line}" for line in text.splitlines(keepends=True))


def _flowing(text):
    return " ".join(text.split())
