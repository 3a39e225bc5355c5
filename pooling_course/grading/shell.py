"""Cells as IPython runs them, without IPython's kernel: its own transformer, magics that run Python, top-level await.

What only a real kernel can do (shell commands, cells in other languages) is passed over, and its name is kept for the
instructor. This runs inside the sandbox.
"""

import ast
import asyncio
import builtins
import linecache
import os
import re
import sys
from functools import cache

from IPython.core.inputtransformer2 import TransformerManager

RUN = {"time", "timeit", "capture", "prun"}  # cell magics whose cell is run all the same
WRITE = {"writefile", "file"}
QUIET = {
    "pinfo",
    "pinfo2",
    "psearch",
    "pwd",
    "time",
    "timeit",
    "prun",
    "matplotlib",
    "config",
    "load_ext",
    "autoreload",
}
CALL = re.compile(r"get_ipython\(\)\.(run_line_magic|run_cell_magic|system|getoutput)\('([^'\n]*)'")
OWN = re.compile(  # what is IPython's own in a line: magics and the like, prompts, and a cell that is indented
    r"^[ \t]*(?:[%!?/,;]|>>>|\.\.\.|In \[)|\?[ \t]*$|=[ \t]*[%!]|\A(?:[ \t]*\n)*[ \t]+\S", re.MULTILINE
)
LONGEST = 3_000_000  # characters times magics: IPython reads a cell anew for each of them, and gives up after 500
AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
COROUTINE = 0x80  # a flag of code objects
FUTURES = 0x1FE0000  # flags of `from __future__ import ...`, which hold for the cells below, too

transform = TransformerManager().transform_cell


@cache  # each cell is looked at, and then run
def as_python(code: str) -> str:
    """A cell as the Python that IPython makes of it; of %%time, %%timeit, %%capture and %%prun, the cell that they run.

    >>> as_python(">>> x = 1"), as_python("%%time\\nx = 1"), as_python("x?")
    ('x = 1\\n', 'x = 1\\n', "get_ipython().run_line_magic('pinfo', 'x')\\n")
    """
    own = len(OWN.findall(code))
    if not own or own * len(code) > LONGEST:
        return code if code.endswith("\n") else f"{code}\n"
    try:
        python = transform(code)
    except (SyntaxError, RecursionError):
        return code
    magic = cell_magic(python)
    if not magic or magic[0] not in RUN:
        return python
    name, line, body = magic
    kept = [word for word in line.split() if name == "capture" and word.isidentifier()]
    return as_python(body) + "".join(f"\n{word} = get_ipython().captured\n" for word in kept)


def cell_magic(python: str) -> tuple[str, str, str] | None:
    """(name, line, cell) of a cell that is nothing but a cell magic."""
    if not python.startswith("get_ipython().run_cell_magic("):
        return None
    try:
        call = ast.parse(python, mode="eval").body
        if not isinstance(call, ast.Call):
            return None
        name, line, body = (ast.literal_eval(argument) for argument in call.args)
    except (SyntaxError, ValueError, AttributeError, IndexError, RecursionError, MemoryError):
        return None
    return name, line, body


def written(python: str) -> tuple[str, str] | None:
    """(name, text) of the Python file that a cell writes, so that other cells can import it."""
    name, line, body = cell_magic(python) or ("", "", "")
    file = line.split()[-1:] if name in WRITE else []
    return (os.path.basename(file[0]).removesuffix(".py"), body) if file and file[0].endswith(".py") else None


def passed_over(python: str) -> list[str]:
    """What in a cell only a kernel could do, as it is typed: `!ls`, `%run`, `%%bash`."""
    magic = cell_magic(python)
    if magic:
        return [] if magic[0] in WRITE else [f"%%{magic[0]}"]
    found = []
    for how, name in CALL.findall(python):
        if how in ("system", "getoutput"):
            found.append(f"!{name.split()[0] if name.split() else ''}")
        elif name not in QUIET:
            found.append(f"%{name}")
    return found


class Quiet:
    """Stands for what a kernel would give: whatever is asked of it, it gives itself, and it is no truth."""

    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __iter__(self):
        return iter(())

    def __bool__(self):
        return False

    def __repr__(self):
        return ""


class Shell(Quiet):
    """What get_ipython() gives in a notebook that is graded: it runs cells in a namespace, and magics that are Python.

    Args:
        user_ns: the namespace.
    """

    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, user_ns: dict):
        self.user_ns, self.captured, self.flags = user_ns, Quiet(), AWAIT
        user_ns.update({"get_ipython": self.get, "In": [""], "Out": {}, "_": "", "__": "", "___": ""})
        vars(builtins)["get_ipython"] = self.get
        for name in ("IPython", "IPython.core.getipython"):
            if name in sys.modules:
                vars(sys.modules[name])["get_ipython"] = self.get

    def get(self):
        return self

    def run(self, python: str, name: str):
        """Run Python as a cell; the value of its last line where that is an expression.

        Raises:
            BaseException: whatever the cell raises, exit() among it.
        """
        linecache.cache[name] = len(python), None, python.splitlines(keepends=True), name
        tree = compile(python, name, "exec", self.flags | ast.PyCF_ONLY_AST, dont_inherit=True)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        self._run(tree, name, "exec")
        if last is None:
            return None
        value = self._run(ast.Expression(last.value), name, "eval")
        if value is not None:
            self.user_ns.update({"___": self.user_ns.get("__"), "__": self.user_ns.get("_"), "_": value})
        return value

    def _run(self, tree, name, mode):
        code = compile(tree, name, mode, self.flags, dont_inherit=True)
        self.flags |= code.co_flags & FUTURES
        value = eval(code, self.user_ns)
        if not code.co_flags & COROUTINE:
            return value
        self.loop = self.loop or asyncio.new_event_loop()
        return self.loop.run_until_complete(value)

    # ---- What as_python leaves in a cell ----------------------------------------------------------------------------

    def run_line_magic(self, name, line, *_):
        if name in ("time", "prun"):
            return self.run_cell(line)
        if name == "pwd":
            return os.getcwd()
        if name == "run" and os.path.exists(line.strip()):  # a file that %%writefile wrote
            with open(line.strip(), encoding="utf-8") as file:
                return self.run_cell(file.read())
        return Quiet()

    def run_cell_magic(self, name, line, cell):
        if name in WRITE and line.split():
            with open(line.split()[-1], "a" if "-a" in line.split() else "w", encoding="utf-8") as file:
                file.write(cell)
        return Quiet()

    def getoutput(self, *_):
        from IPython.utils.text import SList

        return SList()

    def system(self, *_):
        return None

    def run_cell(self, code, *_, **__):
        return self.run(as_python(code), "<run>")

    ev = ex = run_cell
