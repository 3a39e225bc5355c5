"""What the text of a notebook's code says: whether an answer keeps its rule, and how it is built.

This runs inside the sandbox, before anything of the student's does: nothing can be forged yet, and text made to crash
Python's parser crashes nobody else's.
"""

import ast
import builtins
import difflib
import hashlib
from contextlib import suppress

from ..exercises.source import faults, names_in, parsed
from .shell import as_python, passed_over, written

SHORTEST = 25  # nodes of a syntax tree; shorter answers look alike by nature
HIDDEN_CODE = "Your code for this task cannot be read: define the function with `def`, in a cell."
MOST = 30  # cells that define one function, and other things that are listed
Cell = tuple[str, list[ast.stmt]]  # as Python, and read
NEAR = 0.75  # how much of a name must be the same for it to be taken for another's


def look(cells: list[tuple[int, str]], questions: list[dict]) -> dict:
    """What the text of numbered cells says.

    Returns:
        {"questions": for each one {"cells": by number, for each cell that defines its function, how that breaks the
        rule, and its shape; "near": where no cell does, a name that may be meant}, "passed": what a kernel would be
        needed for}.
    """
    python = {step: as_python(code) for step, code in cells}
    passed = [f"{what[:40]} in cell {step + 1}" for step, code in python.items() for what in passed_over(code)]
    code = with_files({step: (code, body) for step, code in python.items() if (body := parsed(code)) is not None})
    names = names_in([statement for _, body in code.values() for statement in body])
    names_of = {step: names_in(body) for step, (_, body) in code.items()}
    found = []
    for question in questions:
        name, rule = question["function"], question["rule"]
        own = {step: names_of[step](name) for step, (text, _) in code.items() if name in text}
        stood = [(step, meaning) for step, meaning in own.items() if meaning][-MOST:]
        said = {step: (meaning, _faults(rule, name, (*meaning[:2], names)[: len(meaning)])) for step, meaning in stood}
        other = "" if stood else near(name, defined_in(code.values()) - {other["function"] for other in questions})
        found.append((rule, said, other))
    # Shapes come last: they take away from the trees that faults are looked for in.
    read = [
        {"cells": {step: _read(rule, *each) for step, each in said.items()}, "near": other}
        for rule, said, other in found
    ]
    return {"questions": read, "passed": passed[:MOST]}


def defined_in(code) -> set[str]:
    """The names of all functions in some cells."""
    nodes = (node for _, body in code for statement in body for node in ast.walk(statement))
    return {node.name for node in nodes if isinstance(node, FUNCTION)}


FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def _faults(rule, name, meaning):
    with suppress(RecursionError):
        return [fault[:500] for fault in faults(rule, name, meaning)]


def _read(rule, meaning, said):
    with suppress(RecursionError):
        if said is not None:
            return {"faults": said, "shape": shape(meaning)}
    return unread(rule)


def near(name: str, defined: set[str]) -> str:
    """The one of some names that may be meant by another, or "".

    >>> near("output_size", {"outputSize", "helper"}), near("output_size", {"helper"})
    ('outputSize', '')
    """
    plain = {_plain(other): other for other in sorted(defined)}
    return next((plain[other] for other in difflib.get_close_matches(_plain(name), plain, 1, NEAR)), "")


def _plain(name):
    return name.replace("_", "").casefold()


def with_files(code: dict[int, Cell]) -> dict[int, Cell]:
    """Cells in which files that %%writefile makes stand where they are imported or run."""
    made = [file for text, _ in code.values() if (file := written(text))]
    files = {name: body for name, text in made if (body := parsed(text)) is not None}
    if not files:
        return code
    inline = Inline(files)
    whole = {step: inline.visit(ast.Module(body, [])) for step, (_, body) in code.items()}
    texts = {step: ast.unparse(ast.fix_missing_locations(tree)) for step, tree in whole.items()}
    return {step: (text, parsed(text) or []) for step, text in texts.items()}


class Inline(ast.NodeTransformer):
    """Puts the text of files where it is imported or run."""

    def __init__(self, files):
        self.files = files
        self.runs = {f"get_ipython().run_line_magic('run', '{name}.py')": name for name in files}

    def visit_Import(self, node):
        node.names = [alias for alias in node.names if alias.name not in self.files]
        return node if node.names else ast.Pass()

    def visit_ImportFrom(self, node):
        if node.module not in self.files:
            return node
        names = [(alias.asname, alias.name) for alias in node.names if alias.asname not in (None, alias.name)]
        renamed = [ast.Assign([ast.Name(new, ast.Store())], ast.Name(old, ast.Load())) for new, old in names]
        return [*self.files[node.module], *renamed] or ast.Pass()

    def visit_Expr(self, node):
        name = self.runs.get(ast.unparse(node)) if isinstance(node.value, ast.Call) else None
        return self.files[name] or ast.Pass() if name else node


def unread(rule: str) -> dict:
    """What is said of an answer whose text is not there, or too tangled: where there is a rule, it cannot count."""
    return {"faults": [] if rule == "any" else [HIDDEN_CODE], "shape": None}


def shape(meaning) -> str | None:
    """What stays of an answer when names, texts and comments are taken away, as a fingerprint; None for short ones.

    It is taken away from the tree itself, since a copy takes longer than all else: read the tree before.
    """
    if not meaning or meaning[0] != "code" or not isinstance(meaning[1], ast.FunctionDef):
        return None
    order: dict[str, int] = {}
    parts = []
    for statement in Bare().visit(meaning[1]).body:
        for node in ast.walk(statement):
            kind = type(node).__name__
            name = getattr(node, "id", None) or (node.arg if isinstance(node, ast.arg) else None)
            if isinstance(name, str):  # what Python itself gives nobody can call otherwise
                kind += (
                    name if hasattr(builtins, name) and name not in order else str(order.setdefault(name, len(order)))
                )
            elif isinstance(node, ast.Constant) and not isinstance(node.value, str):
                kind += repr(node.value)
            elif isinstance(node, (ast.Attribute, ast.keyword)):
                kind += node.attr if isinstance(node, ast.Attribute) else str(node.arg)
            if not isinstance(node, (ast.Load, ast.Store)):
                parts.append(kind)
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16] if len(parts) >= SHORTEST else None


class Bare(ast.NodeTransformer):
    """Takes away what an answer can do without: docstrings, annotations, and the short form of `x = x + 1`."""

    def visit_FunctionDef(self, node):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = node.body[1:]
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value else None

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        return ast.Assign([node.target], ast.BinOp(node.target, node.op, node.value))
