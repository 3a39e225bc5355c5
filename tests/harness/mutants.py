"""Code changed in one place, as slips of the pen change it: operators, constants, rows for columns, conditions."""

import ast
import copy
from collections.abc import Iterator

OPERATORS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.FloorDiv),
    ast.FloorDiv: (ast.Mult, ast.Div),
    ast.Div: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
OTHERS = {  # the word that was meant, and the one that was written
    "row": "col",
    "col": "row",
    "top": "left",
    "left": "top",
    "height": "width",
    "width": "height",
    "rows": "cols",
    "cols": "rows",
    "min": "max",
    "max": "min",
    "argmax": "argmin",
    "nanmax": "nanmin",
    "stride": "kernel_size",
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the source with it) for every one of its places."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for what, change in changes(node):
            other = copy.deepcopy(tree)
            change(next(found for i, found in enumerate(ast.walk(other)) if i == number))
            text = ast.unparse(ast.fix_missing_locations(other))
            if text != ast.unparse(tree):
                yield f"line {getattr(node, 'lineno', '?')}: {what}", text


def changes(node: ast.AST):
    """(in words, a function that makes it) for each change of one node."""
    if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)):
        for other in OPERATORS.get(type(node.op), ()):
            yield f"{ast.unparse(node)} with {other.__name__}", lambda n, other=other: setattr(n, "op", other())
    if isinstance(node, ast.Compare):
        for other in OPERATORS.get(type(node.ops[0]), ()):
            yield f"{ast.unparse(node)} with {other.__name__}", lambda n, other=other: n.ops.__setitem__(0, other())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for by in (1, -1):
            yield f"{node.value} by {by}", lambda n, by=by: setattr(n, "value", n.value + by)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"not {node.value}", lambda n: setattr(n, "value", not n.value)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in OTHERS:
        yield f"{OTHERS[node.id]} for {node.id}", lambda n: setattr(n, "id", OTHERS[n.id])
    if isinstance(node, ast.Attribute) and node.attr in ("argmax", "ravel", "flatten"):  # row by row: column by column
        yield f".T.{node.attr}", lambda n: setattr(n, "value", ast.Attribute(n.value, "T", ast.Load()))
    if isinstance(node, ast.Attribute) and node.attr in OTHERS:
        yield f".{OTHERS[node.attr]} for .{node.attr}", lambda n: setattr(n, "attr", OTHERS[n.attr])
    if isinstance(node, (ast.If, ast.IfExp)):
        for value in (True, False):
            yield (
                f"if {ast.unparse(node.test)}: {value}",
                lambda n, value=value: setattr(n, "test", ast.Constant(value)),
            )
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield f"no minus in {ast.unparse(node)}", lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.ctx, ast.Load):
        yield f"{ast.unparse(node)} the other way round", lambda n: n.elts.reverse()
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        for i, line in enumerate(block if isinstance(block, list) else ()):
            if isinstance(line, (ast.Assign, ast.AugAssign, ast.If)):
                yield f"without {ast.unparse(line).splitlines()[0]}", lambda n, i=i, name=name: drop(n, name, i)


def drop(node, name, at):
    block = getattr(node, name)
    block[at : at + 1] = [] if len(block) > 1 else [ast.Pass()]
