"""Do imports only run down to the maths, in no circle, and past no underscore?"""

import ast
import re
import shutil
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import networkx as nx
import pytest

from harness import ROOT

# The house from the ground up. A room may import what lies below it and, as long as no circle comes of it, beside it.
FLOORS = [
    {"course", "maths", "place", "web"},
    {"images"},
    {"questions", "exercises", "pictures", "explorer"},
    {"expert", "grading"},
    {"pooling_course"},  # the table of contents
    {"tools"},
    {"site", "benchmarks"},
]
LEVEL = {room: level for level, floor in enumerate(FLOORS) for room in floor}


def room(module: str) -> str:
    """The folder of a module, or the module where it stands alone: `maths`, `images`, `tools`."""
    parts = module.split(".")
    return parts[1] if parts[0] == "pooling_course" and len(parts) > 1 else parts[0]


def modules(root: Path) -> dict[str, list[Path]]:
    """The files of each module by its dotted name, `pooling_course.maths.trace`, `pooling_course.web.dom.js`."""
    found: dict[str, list[Path]] = {"course": [root / "course.py"]}
    for folder in ("pooling_course", "tools", "site", "benchmarks"):
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root)
            if "_build" in name.parts:
                continue
            if path.suffix == ".js":
                found[".".join([*name.parts[:-1], name.name])] = [path]
            elif path.suffix in (".py", ".pyi"):
                found.setdefault(".".join(name.with_suffix("").parts).removesuffix(".__init__"), []).append(path)
    return found


@cache
def read(text: str) -> tuple[list[ast.Import | ast.ImportFrom], list[tuple[str, str]]]:
    """(the import statements of a file, `owner._private` as ("owner", "_private") for each that it uses)."""
    nodes = list(ast.walk(ast.parse(text)))
    private = [node for node in nodes if isinstance(node, ast.Attribute) and is_private(node.attr)]
    statements = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    return statements, [(ast.unparse(node.value), node.attr) for node in private]


def python_imports(path: Path, module: str, known: set[str]) -> Iterator[tuple[str, str]]:
    """(the module that is imported, the underscore name that is taken from it or "") for all that a file imports."""
    package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
    statements, attributes = read(path.read_text(encoding="utf-8"))
    bound: dict[str, str] = {}  # what a name in this file stands for
    for node in statements:
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name in known:
                    bound[name.asname or name.name] = name.name
                    yield name.name, ""
        else:
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            for name in node.names:
                target = f"{source}.{name.name}" if f"{source}.{name.name}" in known else source
                if target in known:
                    bound[name.asname or name.name] = target
                    yield target, name.name if target == source and is_private(name.name) else ""
    for owner, private in attributes:
        if owner in bound:
            yield bound[owner], private


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def javascript_imports(path: Path, root: Path) -> Iterator[tuple[str, str]]:
    text = re.sub(r"/\*.*?\*/|^\s*//.*?$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r'\b(?:from |import |import\()"(\.[^"]+)"', text):  # types in comments import nothing
        yield ".".join((path.parent / target).resolve().relative_to(root.resolve()).parts), ""


def imports(path: Path, module: str, root: Path, known: set[str]) -> Iterator[tuple[str, str]]:
    return javascript_imports(path, root) if path.suffix == ".js" else python_imports(path, module, known)


def faults(root: Path) -> list[str]:
    """A sentence for each circle, each import that runs back, and each underscore name of another's."""
    files, arrows, said = modules(root), nx.DiGraph(), []
    for module, paths in files.items():
        for path in paths:
            for target, private in imports(path, module, root, set(files)):
                if target != module:
                    arrows.add_edge(module, target)
                folder, _, name = target.rpartition(".")
                if is_private(name) and not f"{module}.".startswith(f"{folder}."):
                    said.append(f"{module} imports {target}, which is private to {folder}")
                if private and target != module:
                    said.append(f"{module} uses {private}, which is private to {target}")
    for module, target in arrows.edges:
        if LEVEL[room(module)] < LEVEL[room(target)]:
            said.append(f"{module} imports {target}, and {room(target)} lies above {room(module)}")
    rooms = nx.DiGraph((room(a), room(b)) for a, b in arrows.edges if room(a) != room(b))
    for graph in (arrows, rooms):
        for circle in nx.simple_cycles(graph):
            said.append("a circle: " + ", ".join(f"{a} imports {b}" for a, b in pairwise([*circle, circle[0]])))
    return said


def test_no_circle_nothing_that_runs_back_and_no_underscore_of_anothers():
    assert faults(ROOT) == []


def test_all_that_is_imported_is_read():
    """A reader that sees no arrows finds no fault."""
    files = modules(ROOT)
    known = set(files)
    arrows = {
        name: {to for path in paths for to, _ in imports(path, name, ROOT, known)} for name, paths in files.items()
    }
    assert {room(name) for name in files} == set(LEVEL)
    assert "pooling_course.maths.trace" in arrows["pooling_course"]  # by the stub
    assert "pooling_course.images" in arrows["pooling_course.expert.training"]  # by `from .. import images`
    assert "pooling_course.web.dom.js" in arrows["pooling_course.explorer.explorer.js"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of all that is read."""
    root = tmp_path_factory.mktemp("house")
    for folder in ("pooling_course", "tools", "site", "benchmarks"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "_build", "results"))
    shutil.copy(ROOT / "course.py", root)
    return root


@pytest.fixture
def plant(house):
    """Write a file that is there for one test."""
    planted = []

    def write(name, text):
        path = house / name
        assert not path.exists()
        path.write_text(text, encoding="utf-8")
        planted.append(path)

    yield write
    for path in planted:
        path.unlink()


CIRCLES = {
    "two": {"maths/one.py": "from .two import b\n", "maths/two.py": "from . import one\n"},
    "three": {
        "web/one.py": "import pooling_course.web.two\n",
        "web/two.py": "from .three import x\n",
        "web/three.py": "from .one import y\n",
    },
    "in a function": {
        "maths/one.py": "from .two import b\n",
        "maths/two.py": "def f():\n    from .one import a\n",
    },
    "of rooms": {
        "explorer/one.py": "from ..exercises.definition import Exercise\n",
        "exercises/two.py": "from ..explorer.states import x\n",
    },
    "JavaScript": {
        "web/one.js": 'import { b } from "./two.js";\n',
        "web/two.js": 'export { a } from "./one.js";\n',
    },
}
BACK = {
    "from the maths": {"maths/one.py": "from ..explorer.explorer import PoolingExplorer\n"},
    "by its whole name": {"exercises/one.py": "import pooling_course.grading.mark\n"},
    "to the contents": {"maths/one.py": "def f():\n    from pooling_course import trace\n"},
    "to what a wheel lacks": {"grading/one.py": "from tools import links\n"},
    "for types": {"web/one.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .. import images\n"},
    "JavaScript": {"web/one.js": 'import { a } from "../explorer/geometry.js";\n'},
}
UNDERSCORES = {
    "of a module": {"expert/one.py": "from ..pictures.figures import _private\n"},
    "under another name": {"maths/one.py": "from .trace import _private as public\n"},
    "as an attribute": {"maths/one.py": "from . import trace\n\ntrace._private()\n"},
    "by its whole name": {"web/one.py": "import pooling_course.web.look\n\npooling_course.web.look._private()\n"},
    "of a class": {"grading/one.py": "from ..exercises.definition import Exercise as E\n\nE._private()\n"},
    "of a room": {
        "exercises/tasks/_one.py": "x = 1\n",
        "grading/one.py": "from ..exercises.tasks._one import x\n",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "files, says",
    [pytest.param(files, "a circle: ", id=f"circle-{name}") for name, files in CIRCLES.items()]
    + [pytest.param(files, " lies above ", id=f"back-{name}") for name, files in BACK.items()]
    + [pytest.param(files, " is private to ", id=f"underscore-{name}") for name, files in UNDERSCORES.items()],
)
def test_a_planted_fault_is_named(house, plant, files, says):
    before = faults(house)
    for name, text in files.items():
        plant(f"pooling_course/{name}", text)
    found = [sentence for sentence in faults(house) if sentence not in before]
    assert any(says in sentence for sentence in found), found
    assert all(says in sentence or "a circle" in sentence for sentence in found)  # and nothing else is blamed


def test_what_is_allowed_is_not_blamed(house, plant):
    before = faults(house)
    plant("pooling_course/maths/one.py", "from .trace import __doc__ as words\nfrom . import rules\n")
    plant("pooling_course/exercises/tasks/_one.py", "x = 1\n")
    plant("pooling_course/exercises/tasks/one.py", "from ._one import x\n")
    plant(
        "pooling_course/web/one.js", '/** @type {import("../explorer/explorer.js").X} */\n// from "./no.js"\nlet x;\n'
    )
    plant("pooling_course/exercises/one.py", "import torch._C\nfrom collections import _tuplegetter\n")
    assert faults(house) == before
