"""The browser's side of a widget: one module and one style sheet, put together from the package's files.

anywidget loads a module from a Blob URL, where relative imports do not resolve; so a module is joined with those it
imports: "./x.js", or "./*.js" for all that lie beside it. A saved notebook holds it once for each widget, so what only
Node, the type checker or a reader needs goes: lines that import, types in `/** ... */`, lines that are comments, half
of each indent; what is left is packed. What a file exports by default is its own widget; of a file that is only
imported it is dropped. Files are named from the package's folder, such as "explorer/explorer.js". `whole` is all of
this at once, for notebooks that hold it once for all their widgets: see once.py.
"""

import base64
import gzip
import hashlib
import json
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
WIDGETS = ("explorer/explorer.js", "questions/challenge.js", "questions/card.js", "pictures/flipbook.js")
STYLES = ("web/look.css", "web/base.css", *(name.replace(".js", ".css") for name in WIDGETS))
IMPORT = re.compile(r'^import\s(?:[^;]*?from\s+)?"(\.[\w./*]+)";[^\n]*\n', re.MULTILINE)
DEFAULT = re.compile(r"^export default .*\n", re.MULTILINE)
OWN = re.compile(r"^export default\b", re.MULTILINE)
EXPORT = re.compile(r"^export ", re.MULTILINE)
TOLD = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*(?:(?!\*/).)*\*/)?\n", re.MULTILINE | re.DOTALL)
INDENT = re.compile(r"^( +)\1", re.MULTILINE)
REMARK = re.compile(r"/\*.*?\*/\n?|^ +", re.DOTALL | re.MULTILINE)
WHOLE = """\
const widgets = {};
%s
document.head.append(Object.assign(document.createElement("style"), { textContent: %s }));
export default widgets;
"""
UNPACK = """\
const unpack = async () => {
  if (!globalThis.DecompressionStream) throw new Error("This browser is too old: the course needs one from 2023 on.");
  const bytes = Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0));
  const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  return (await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })))).default;
};
export default await ((globalThis.poolingCourse ??= {})["%s"] ??= unpack());
"""
PACKED = re.compile(r'atob\("([^"]*)"\)')


def script(*names: str) -> str:
    """The files and all they import as one JavaScript module; a file comes after those it imports."""
    parts, _ = _joined(names)
    return "".join(text if file in names else DEFAULT.sub("", text) for file, text in parts.items())


def whole() -> str:
    """All widgets and their styles as one module: it gives {file: widget}, and puts the styles into the page."""
    parts, imported = _joined(WIDGETS)
    for file, text in parts.items():
        code = EXPORT.sub("", OWN.sub(f'widgets["{file}"] =', text))
        parts[file] = code if file in imported else f"{{\n{code}}}\n"  # what nobody imports keeps its names to itself
    return WHOLE % ("".join(parts.values()), json.dumps(style(*STYLES), ensure_ascii=False))


def _joined(names: Iterable[str]) -> tuple[dict[str, str], set[str]]:
    """({file: its code} of the files and all they import, which stand before them; the files that one imports)."""
    parts: dict[str, str] = {}
    imported: set[str] = set()

    def add(name: str) -> None:
        text = (PACKAGE / name).read_text(encoding="utf-8")
        for found in IMPORT.findall(text):
            other = posixpath.normpath(f"{name}/../{found}")
            for one in _beside(other) if "*" in other else [other]:
                imported.add(one)
                if one not in (name, *parts):
                    add(one)
        parts[name] = INDENT.sub(r"\1", TOLD.sub("", IMPORT.sub("", text)))

    for name in names:
        if name not in parts:
            add(name)
    return parts, imported


def _beside(pattern: str) -> list[str]:
    return sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob(pattern))


def style(*names: str) -> str:
    """The files as one style sheet."""
    return "\n".join(REMARK.sub("", (PACKAGE / name).read_text(encoding="utf-8")) for name in names)


def packed(module: str) -> str:
    """A module that does what another does, in less than half of the bytes.

    The page unpacks it, and only once: all widgets with the same module share what it gives.
    """
    data = base64.b64encode(gzip.compress(module.encode(), mtime=0)).decode()
    return UNPACK % (data, hashlib.sha256(module.encode()).hexdigest()[:16])


def unpacked(module: str) -> str:
    """The module that `packed` took.

    >>> unpacked(packed("export default {};"))
    'export default {};'
    """
    return gzip.decompress(base64.b64decode(PACKED.findall(module)[0])).decode()
