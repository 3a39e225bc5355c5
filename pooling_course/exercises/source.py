"""Rules for the source of an answer: "without torch" is shown to the learner, and looked up in the code.

A wrapped torch call passes every case, so the cases cannot tell. The rule follows each name that an answer uses, from
function to function, to the module it comes from, and says which name it was. What hides from it (`np.vectorize`, an
object, text that is run) is seen when the cases run: `outcome.NoTorch` watches torch itself. Both guide an honest
learner; neither is a wall against a cunning one.
"""

import ast
import builtins
import functools
import inspect
import linecache
from collections.abc import Callable
from textwrap import dedent

from .plain import DEEPEST

ALLOWED = {"numpy": {"numpy", "math", "itertools", "functools", "operator", "collections", "statistics", "typing"}}
RULE = {
    "any": "",
    "numpy": "Rule: plain Python and NumPy only. The point is to do what torch does, not to call it.",
}
KNOWN = {"builtins", *ALLOWED["numpy"]}  # modules whose functions need no reading
PLAIN = (bool, int, float, complex, str, bytes, type(None))
BARRED = {"__import__", "eval", "exec", "compile", "globals", "locals", "vars", "open", "getattr", "input"}

# What a name means: None for what has nothing to follow, such as a built-in; ("module", "torch.nn"); ("code", its
# syntax tree, the names it sees); or ("several", what a list, a partial or the like holds).
Meaning = tuple | None
Names = Callable[[str], Meaning]


def faults(rule: str, name: str, meaning: Meaning) -> list[str]:
    """How a function breaks a rule, in sentences; [] where it does not.

    Args:
        rule: "numpy", or "any" for none.
        name: of the function.
        meaning: what it is: `meaning_of(function)`, or `names_in(code)(name)` where it must not run.
    """
    if rule == "any":
        return []
    found: dict[str, None] = {}
    _follow(meaning, name, ALLOWED[rule], set(), found)
    return [f"{RULE[rule]} {sentence}" for sentence in list(found)[:1]]


def _follow(meaning, name, allowed, seen, found):
    if meaning is None:
        return
    if meaning[0] == "module":
        if meaning[1].partition(".")[0] not in allowed:
            found[f"Your code uses `{name}`, from {meaning[1].partition('.')[0]}."] = None
        return
    if meaning[0] == "several":
        for part in meaning[1]:
            _follow(part, name, allowed, seen, found)
        return
    _, tree, names = meaning
    if id(tree) in seen:
        return
    seen.add(id(tree))
    nodes = list(ast.walk(tree))
    own = _bound(tree, nodes)
    for name in _defaults(nodes) & own:  # F=F takes the F from outside
        _follow(names(name), name, allowed, seen, found)
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for module in _imported(node).values():
                _follow(("module", module), module, allowed, seen, found)
        elif isinstance(node, ast.Attribute) and node.attr.startswith("__"):
            found[f"Your code reaches for `{node.attr}`, which no pooling needs."] = None
        elif isinstance(node, ast.Name) and node.id not in own:
            if node.id in BARRED:
                found[f"Your code uses `{node.id}`, which no pooling needs."] = None
            else:
                _follow(names(node.id), node.id, allowed, seen, found)


def _bound(tree, nodes):
    """Names that a function binds itself: its parameters and what it assigns. Those bring nothing in from outside."""
    bound = {tree.name} if isinstance(tree, (ast.FunctionDef, ast.ClassDef)) else set()
    outer = {name for node in nodes if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names}
    for node in nodes:
        if isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler)) and node.name:
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound.update(_imported(node))
    return bound - outer


def _defaults(nodes):
    """Names in the default values of parameters."""
    found = [node for node in nodes if isinstance(node, ast.arguments)]
    values = [value for node in found for value in (*node.defaults, *node.kw_defaults) if value]
    return {node.id for value in values for node in ast.walk(value) if isinstance(node, ast.Name)}


def _imported(node):
    """What an import binds, to the module it comes from."""
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: f"{node.module or ''}.{alias.name}" for alias in node.names}
    return {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names}


# ---- Where names are looked up ---------------------------------------------------------------------------------------


def _names_of(function):
    """The names that a live function or class sees."""
    seen: dict[str, object] = {}
    for method in [function] if inspect.isfunction(function) else _methods(function):
        seen |= {**method.__globals__, **_closure(method)}
    return lambda name: meaning_of(seen[name]) if name in seen else None


def _methods(of):
    return [value for value in vars(of).values() if inspect.isfunction(value)]


def _closure(function):
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    cells = zip(names, getattr(function, "__closure__", None) or (), strict=True)
    found = {}
    for name, cell in cells:
        try:
            found[name] = cell.cell_contents
        except ValueError:  # named, but not bound yet
            continue
    return found


def meaning_of(value, deep: int = 0) -> Meaning:
    """What a live object means to the rules."""
    if inspect.ismodule(value):
        return "module", value.__name__
    home = getattr(value, "__module__", None) or type(getattr(value, "__self__", value)).__module__
    root = home.partition(".")[0] if isinstance(home, str) else ""
    if root in ("torch", "pooling_course") and "exercises.tasks" not in home:
        return "module", home
    if inspect.isfunction(value) or isinstance(value, type):
        tree = _tree_of(value) if root not in KNOWN else None
        return ("code", tree, _names_of(value)) if tree else None
    held = _held(value) if deep < DEEPEST else []
    return ("several", [meaning_of(part, deep + 1) for part in held]) if held else None


def _held(value):
    """What else is in a live object: the items of a list, the function of a partial, the class of an instance."""
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return [item for item in (value.values() if isinstance(value, dict) else value) if not isinstance(item, PLAIN)]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if inspect.ismethod(value):
        return [value.__func__]
    inner = [inspect.getattr_static(value, name, None) for name in ("__wrapped__", "pyfunc")]  # caches, np.vectorize
    own = [type(value)] if type(value).__module__ == "__main__" else []
    return [part for part in (*inner, *own) if part is not None]


@functools.lru_cache(256)  # so that a function has one tree, by which it is known again
def _tree_of(value):
    if isinstance(value, type):
        return next(filter(None, (_class_around(method) for method in _methods(value))), None)
    try:
        tree = ast.parse(dedent(inspect.getsource(value))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError, ValueError):
        return None
    return tree if isinstance(tree, (ast.FunctionDef, ast.ClassDef)) else _lambda_in(tree)


def _class_around(method):
    """The class that a method stands in: of classes in a notebook, inspect finds no source."""
    line, name = method.__code__.co_firstlineno, method.__qualname__.split(".")[-2:-1]
    try:
        tree = ast.parse("".join(linecache.getlines(method.__code__.co_filename)))
    except (SyntaxError, ValueError):
        return None
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and [node.name] == name]
    return next((node for node in classes if node.lineno <= line <= node.end_lineno), None)


def _lambda_in(statement):
    """The lambda in a line such as `f = lambda x: x`, where there is just one."""
    found = [node for node in ast.walk(statement) if isinstance(node, ast.Lambda)]
    return found[0] if len(found) == 1 else None


def parsed(source: str) -> list[ast.stmt] | None:
    """The statements of a text; None where Python cannot read it, so that it does not run, either."""
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def names_in(code: str | list[ast.stmt]) -> Names:
    """The names of a notebook's code, as text or as its statements, without running it: the last definition of each
    counts.

    What cannot be parsed is left out; a function in it is then missing, as it is when the notebook runs.
    """
    bound: dict[str, Meaning] = {}

    def meaning(name):
        starred = None if hasattr(builtins, name) else bound.get("*")  # from torch.nn.functional import *
        return bound.get(name, starred)

    body = parsed(code) if isinstance(code, str) else code
    for node in (inner for statement in body or () for inner in _statements(statement)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            bound.update({name: ("module", module) for name, module in _imported(node).items()})
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound[node.name] = "code", node, meaning
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in (part for t in targets for part in ast.walk(t) if isinstance(part, ast.Name)):
                bound[target.id] = "code", node.value, meaning
    return meaning


def _statements(node):
    """A statement and those nested in its if, for, while, with and try; functions stay whole."""
    yield node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.stmt, ast.ExceptHandler)):
                yield from _statements(child)
