"""What the text of a notebook's code says: whether an answer keeps its rule, and how it is built.

This runs inside the sandbox, before anything of the student's does: nothing can be forged yet, and text made to crash
Python's parser crashes nobody else's.
"""

import ast
import hashlib
import re

from ..exercises.source import faults, names_in

MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)
SHORTEST = 25  # nodes of a syntax tree; shorter answers look alike by nature
HIDDEN_CODE = "Your code for this task cannot be read: define the function with `def`, in a cell."


def parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def without_magics(code: str) -> str:
    """A cell as Python runs it: where it does not parse, lines that are IPython's own are left out."""
    return code if parses(code) else MAGIC.sub(r"\1pass", code)


def look(cells: list[str], questions: list[dict]) -> list[dict]:
    """For each question, how its source breaks the rule, and its shape."""
    names = names_in("\n".join(filter(parses, cells)))
    found = []
    for question in questions:
        meaning, name = names(question["function"]), question["function"]
        try:
            read = {"faults": faults(question["rule"], name, meaning), "shape": shape(meaning)}
        except RecursionError:
            read = unread(question["rule"])
        found.append(read if meaning else unread(question["rule"]))
    return found


def unread(rule: str) -> dict:
    """What is said of an answer whose text is not there, or too tangled: where there is a rule, it cannot count."""
    return {"faults": [] if rule == "any" else [HIDDEN_CODE], "shape": None}


def shape(meaning) -> str | None:
    """What stays of an answer when names, texts and comments are taken away, as a fingerprint; None for short ones."""
    if not meaning or meaning[0] != "code" or not isinstance(meaning[1], ast.FunctionDef):
        return None
    body = meaning[1].body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):  # the docstring was given
        body = body[1:]
    order: dict[str, int] = {}
    parts = []
    for statement in body:
        for node in ast.walk(statement):
            kind = type(node).__name__
            name = getattr(node, "id", None) or getattr(node, "arg", None)
            if isinstance(name, str):
                kind += str(order.setdefault(name, len(order)))
            elif isinstance(node, ast.Constant) and not isinstance(node.value, str):
                kind += repr(node.value)
            elif isinstance(node, ast.Attribute):
                kind += node.attr
            if not isinstance(node, (ast.Load, ast.Store)):
                parts.append(kind)
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16] if len(parts) >= SHORTEST else None
