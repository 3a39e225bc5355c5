"""One submission's marks: its functions run in the sandbox, their outcomes are judged here.

The record that comes out is plain data (JSON), with all that the pages and tables are made of.
"""

import hashlib
import json
import secrets
import threading
import time
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from textwrap import indent

from ..exercises import judge, load
from ..exercises.plain import written
from ..exercises.report import Report
from ..exercises.source import RULE
from ..exercises.verdict import CALLED, given, wanted
from ..maths.device import threads
from .asked import judged, question_for
from .assignments import ASSIGNMENTS, Asked, Code, Task, Written, is_own, named
from .reading import named_in, no_name, strange
from .sandbox import Limits, Question, Sandbox
from .wire import ERROR, clean, encode, outcomes

PACKAGE = Path(__file__).parents[1]
COMPUTES = {".py", ".json", ".npz"}

SAYS = {
    "missing": "There is no function `{function}` in your notebook, or its cell stopped before it was made.",
    "near": "There is no function `{function}` in your notebook. You define `{near}`: is that the one? Rename it.",
    "lost": "`{function}` gave no answer: {why}.",
    "odd": "what came back is nothing that the grader can read",
    "same": "All cases of your notebook pass; of the {total} cases that grading tries, {passed} do.",
    "fails": "Of the {total} cases that grading tries, {passed} pass.",
    "one": "Your answer is not right.",
    "untouched": "Nothing is written here yet.",
    "raised": "`{function}` raised {error}",
    "no answer": "There is no `{variable} = ...` in your notebook, or its cell stopped before it was made.",
}
NOTES = {
    "check": "`{function}` was asked as it stood at its check, in cell {cell}: cells below change or delete it.",
    "before": "`{function}` was asked as it stood in cell {cell}: cells below empty or delete it.",
    "near": "There is no `{function}`, but a `{near}`.",
    "strange": "The code speaks of {words}, which no answer needs: look at it by hand.",
    "passed": "Only Jupyter itself could have run this, which was passed over: {passed}.",
    "slow": "It took all of its {limits.total_seconds} s: what had no answer by then has no points.",
}

MISSING = '"missing"'
# Before the name of a function: the one that asks it. Another at each start, so that no notebook can speak of it.
PROBE = f"probe_{secrets.token_hex(8)}_of_"


@dataclass(frozen=True)
class Job:
    """All that the marks of one submission depend on; the same job gets the same marks on every run and machine.

    Attributes:
        assignment: its name.
        student: the seed of everyone's own numbers: what STUDENT says, else the owner's name.
        cells: the code of the notebook.
        hidden: the seeds of the hidden cases.
        limits: of the sandbox.
    """

    assignment: str
    student: str | int
    cells: tuple[str, ...]
    hidden: tuple[int, ...]
    limits: Limits = Limits()

    @property
    def key(self) -> str:
        """Where its marks are kept: the digest of everything they depend on."""
        content = asdict(self) | {"version": version(self.assignment)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def tasks(assignment: str) -> list[Task]:
    """What of an assignment this program marks: answers in code that the exercises judge."""
    return [part for part in ASSIGNMENTS[assignment].parts if isinstance(part, Task)]


def codes(assignment: str) -> list[Code]:
    """What it marks beside those: code that belongs to one assignment, which a probe asks in the sandbox."""
    return [part for part in ASSIGNMENTS[assignment].parts if isinstance(part, Code)]


def asks(assignment: str) -> list[Asked]:
    """And questions, whose answer is the value of a variable: a probe reads that."""
    return [part for part in ASSIGNMENTS[assignment].parts if isinstance(part, Asked)]


@cache
def version(assignment: str) -> str:
    """A digest of an assignment's tasks and of all that computes a mark: results of another version do not count.

    That is the whole package and torch: a word of a sentence, a rule or a map that cases are drawn from changes what a
    check says, as the judge does.
    """
    digest = hashlib.sha256(repr([(task.exercise, task.points) for task in tasks(assignment)]).encode())
    digest.update(f"{metadata.version('torch')} {metadata.version('numpy')}".encode())
    for file in sorted(PACKAGE.rglob("*")):
        if file.suffix in COMPUTES:
            digest.update(f"{file.relative_to(PACKAGE).as_posix()} {file.stat().st_size} ".encode() + file.read_bytes())
    return digest.hexdigest()


def seeds(task: Task, student: str | int, hidden=()):
    """What the cases of a task are drawn with: the student's name, which the notebook shows, and the hidden ones."""
    return (student,) if is_own(task) else (student, *hidden)


@lru_cache(maxsize=256)  # of those who are graded now: nearly all are drawn from a name
def _cases(exercise: str, seed):
    return load(exercise).cases(seed)


def _question(task: Task, job: "Job") -> Question:
    """The cases that the student's own check knows, then all."""
    asked = load(task.exercise)
    known, every = (_cases(task.exercise, seeds(task, job.student, more)) for more in ((), job.hidden))
    common = _common(task.exercise, job.hidden) if len(every) > len(known) else {}
    coded = [encode(case) for case in asked.asks(known)]
    hidden = [common[id(case)][1] if id(case) in common else encode(case) for case in every] if common else None
    return Question(asked.function, coded, asked.rule, hidden)


@lru_cache(maxsize=64)  # a class has them in common
def _common(exercise: str, hidden: tuple) -> dict[int, tuple]:
    """Hidden cases as they are sent, by their identity, which is theirs as long as they are kept here."""
    return {id(case): (case, encode(case)) for case in load(exercise).cases(hidden)}


def _verdict(exercise: str, seed, said: str, faults=()):
    """The judge's verdict on what came out of the sandbox.

    None where it makes nothing of it: an answer so odd that the judge stumbles is wrong, and stops nobody else's.
    """
    cases = _cases(exercise, seed)
    found = outcomes(said, len(cases))
    try:
        return judge(load(exercise), cases, found, list(faults)) if found else None
    except Exception:
        return None


def mark(job: Job, sandbox: Sandbox) -> dict:
    """The record of a submission: {"parts", "cells", "notes" for the instructor, "told" for the student, too}.

    The page for the student is made of what the notebook says before anything hidden is in its sandbox, so that none of
    it can be carried out to the page.

    Raises:
        Lost: the sandbox failed, and nothing can be said about the submission.
        NoSandbox: it failed for good.
    """
    until = time.monotonic() + job.limits.total_seconds
    asked, probed, read = tasks(job.assignment), codes(job.assignment), asks(job.assignment)
    questions = [_question(task, job) for task in asked]
    questions += [Question(f"{PROBE}{code.function}", [[]], hidden=[[]] if code.seen else None) for code in probed]
    questions += [Question(code.function, []) for code in probed]  # whether it is there
    questions += [Question(f"{PROBE}{ask.variable}", [[]]) for ask in read]
    shown = [*job.cells, *(_probe(code.shown()) for code in probed), *map(_probe, read)]
    ran = sandbox.run(shown, questions, until, probes=[_probe(code) for code in probed if code.seen])
    found = iter(zip(ran.said, ran.ended, ran.hidden, ran.texts, ran.near, strict=True))
    parts = [_part(job, task, *next(found)) for task in asked]
    probes = [next(found) for _ in probed]
    of_code = [_code(code, probe, next(found)) for code, probe in zip(probed, probes, strict=True)]
    parts += [part for part, _ in of_code]
    parts += [_ask(ask, job.student, *next(found)[:2]) for ask in read]
    own = any(map(is_own, ASSIGNMENTS[job.assignment].parts))
    unnamed = [sentence] if own and (sentence := no_name(named_in(list(job.cells)))) else []
    notes = [*unnamed, *_notes(job, questions[: len(asked)], ran), *(note for _, odd in of_code for note in odd)]
    notes += [NOTES["slow"].format(limits=job.limits)] if time.monotonic() > until else []
    raised = {str(step + 1): clean(text, ERROR) for step, text in ran.cells.items() if step < len(job.cells)}
    return {"parts": parts, "cells": raised, "notes": notes, "told": unnamed}


def _probe(asked: Code | Asked) -> str:
    """The function that looks at what answers a part which is no exercise, as the text of a cell."""
    name, lines = (
        (asked.function, asked.probe) if isinstance(asked, Code) else (asked.variable, f"return {asked.variable}")
    )
    return f"def {PROBE}{name}():\n{indent(lines, '    ')}"


def _notes(job, questions, ran):
    """What an instructor should know about how a notebook ran."""
    for question, (cell, how), near in zip(questions, ran.stood, ran.near, strict=False):
        if how in ("check", "before"):
            yield NOTES[how].format(function=question.function, cell=cell + 1)
        if near:
            yield NOTES["near"].format(function=question.function, near=clean(near, 60))
    yield from ran.odd
    if words := strange(list(job.cells)):
        yield NOTES["strange"].format(words=", ".join(f"`{word}`" for word in words))
    if ran.passed:
        yield NOTES["passed"].format(passed=clean(", ".join(ran.passed), ERROR))


def _part(job, task, known, _, hidden, text, near):
    """The part of a task: its marks by what came of all cases, its page by what came of the known ones."""
    exercise, seed = load(task.exercise), seeds(task, job.student, job.hidden)
    said, ended = hidden
    part = {"exercise": task.exercise, "points": 0.0, "full": task.points, "passed": 0}
    part |= {"total": len(_cases(task.exercise, seed)), "state": "lost", "mistake": None, "says": [], "html": ""}
    part["shape"] = text["shape"]
    if is_own(task):
        part |= _on_paper(exercise, _cases(task.exercise, seed)[0], said)
    verdict = _verdict(task.exercise, seed, said, tuple(text["faults"])) if said != MISSING else None
    if is_own(task) and not verdict:
        part["case"] = _numbers(task.exercise, seed)
    if said == MISSING:
        says = SAYS["near" if near else "missing"].format(function=exercise.function, near=clean(near, 60))
        return part | {"state": "missing", "says": [says]}
    if verdict is None:
        return part | {"says": [SAYS["lost"].format(function=exercise.function, why=ended or SAYS["odd"])]}
    part |= {"points": verdict.points(task.points), "passed": verdict.passed, "state": verdict.state}
    if verdict.state == "refused":
        return part | {"says": text["faults"] or [f"{RULE[exercise.rule]} {CALLED}"]}
    if verdict.state == "untouched":
        return part | {"says": [SAYS["untouched"]]}
    return part if verdict else part | _explained(job, task, verdict, part, known)


def _explained(job, task, verdict, part, known):
    """Of the part of a wrong answer, what the student's own check says to it."""
    exercise, seed = load(task.exercise), seeds(task, job.student)
    own = _verdict(task.exercise, seed, known)
    says = SAYS["same" if own else "one" if part["total"] == 1 else "fails"]  # a verdict is true when solved
    html, mistake = "", next((m for m in exercise.mistakes if m.name == verdict.mistake), None)
    told = [f"Its answers match a known mistake: {mistake.says}"] if mistake else []
    if own is not None and own.state == "wrong":
        html = own.report._repr_html_()
        if own.mistake == verdict.mistake:  # the page need not say it twice
            told = []
    return {"mistake": verdict.mistake, "html": html, "says": [says.format(**part), *told]}


def _on_paper(exercise, case, said):
    """Digests of what is right for a student's own numbers and of what was written down."""
    found = outcomes(said, 1)
    answers = {"due": wanted(exercise, case), "wrote": found[0].value if found else None}
    return {name: hashlib.sha256(repr(written(value)).encode()).hexdigest()[:16] for name, value in answers.items()}


def _numbers(exercise, seed):
    """A student's own numbers, as the page shows them."""
    return Report(*given(load(exercise), _cases(exercise, seed)[0]))._repr_html_()


def _code(code, probe, function):
    """The part of an answer that a probe asked, and what is odd about it.

    What the page says is of what the student's own tests show: words of the notebook's could carry out more.
    """
    (known, why, hidden, *_), (said, *_, text, near) = probe, function
    part = {"exercise": code.name, "points": 0.0, "full": code.points, "passed": 0, "total": 1, "state": "lost"}
    part |= {"mistake": None, "says": [], "html": "", "shape": text["shape"]}
    if said == MISSING:
        says = SAYS["near" if near else "missing"].format(function=code.function, near=clean(near, 60))
        return part | {"state": "missing", "says": [says]}, []
    of, odd = _of_code(code, *hidden)
    if of["state"] == "wrong":
        shown = _of_code(code.shown(), known, why)[0]
        of["says"] = [SAYS["one"]] if shown["state"] == "solved" else shown["says"]
    return part | of, odd


def _of_code(code, answer, why):
    """Of that part, what the probe says."""
    part = {"state": "lost", "points": 0.0, "says": [], "html": ""}
    found = outcomes(answer, 1)
    if not found:
        return part | {"says": [SAYS["lost"].format(function=code.function, why=why or SAYS["odd"])]}, []
    if found[0].state == "todo":
        return part | {"state": "untouched", "says": [SAYS["untouched"]]}, []
    if found[0].state != "value":
        return part | {
            "state": "wrong",
            "says": [SAYS["raised"].format(function=code.function, error=found[0].error)],
        }, []
    if wrong := code.judge(found[0].value):
        return part | {"state": "wrong", "says": wrong}, code.odd(found[0].value)
    return part | {"state": "solved", "points": float(code.points), "passed": 1}, code.odd(found[0].value)


def _ask(ask, student, said, ended):
    """The part of an answer to a question: what the notebook called by its name, when all cells had run."""
    part = {"exercise": ask.name, "points": 0.0, "full": ask.points, "passed": 0, "total": 1, "state": "lost"}
    part |= {"mistake": None, "says": [], "html": "", "shape": None}
    found = outcomes(said, 1)
    if found and found[0].error.startswith("NameError"):
        return part | {"state": "missing", "says": [SAYS["no answer"].format(variable=ask.variable)]}
    if not found or found[0].state != "value":
        why = found[0].error if found else ended
        return part | {"says": [SAYS["lost"].format(function=ask.variable, why=why or SAYS["odd"])]}
    verdict = judged(question_for(ask.question, student), found[0].value)
    if verdict.state == "untouched":
        return part | {"state": "untouched", "says": [SAYS["untouched"]]}
    part |= {"state": verdict.state, "points": verdict.points(ask.points), "passed": verdict.passed}
    return part | {"mistake": verdict.mistake, "html": verdict._repr_html_()}


# ---- Many at a time --------------------------------------------------------------------------------------------------

_own = threading.local()  # one sandbox for each thread that works, on this machine or on one of a cluster's


def work(job: Job, trust: bool = False) -> dict:
    """`mark` with the sandbox of this thread, which stays for the next job."""
    if getattr(_own, "made_for", None) != (trust, job.limits):
        _own.sandbox, _own.made_for = Sandbox(trust, job.limits), (trust, job.limits)
    with threads(1):
        return mark(job, _own.sandbox)


def unreadable(assignment: str, sentence: str) -> dict:
    """The record of a submission that is no notebook."""
    parts = []
    for name, asked in named(assignment).items():
        if not isinstance(asked, Written):
            part = {"exercise": name, "points": 0.0, "full": asked.points, "passed": 0, "total": 0}
            parts.append(part | {"state": "unreadable", "mistake": None, "says": [sentence], "html": "", "shape": None})
    return {"parts": parts, "cells": {}, "notes": [], "told": []}
