"""The browser's side of a widget: one module and one style sheet, put together from the package's files.

anywidget loads a module from a Blob URL, where relative imports do not resolve; so a module is joined with those it
imports: "./x.js", or "./*.js" for all that lie beside it. A saved notebook holds it once for each widget, so what only
Node, the type checker or a reader needs goes: lines that import, types in `/** ... */`, lines that are comments, half
of each indent; what is left is packed. What a file exports by default is its own widget; of a file that is only
imported it is dropped. Files are named from the package's folder, such as "explorer/explorer.js".
"""

import base64
import gzip
import hashlib
import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
IMPORT = re.compile(r'^import\s(?:[^;]*?from\s+)?"(\.[\w./*]+)";[^\n]*\n', re.MULTILINE)
DEFAULT = re.compile(r"^export default .*\n", re.MULTILINE)
TOLD = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*(?:(?!\*/).)*\*/)?\n", re.MULTILINE | re.DOTALL)
INDENT = re.compile(r"^( +)\1", re.MULTILINE)
REMARK = re.compile(r"/\*.*?\*/\n?|^ +", re.DOTALL | re.MULTILINE)
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
    parts: dict[Path, str] = {}

    def add(file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        for imported in IMPORT.findall(text):
            others = sorted(file.parent.glob(imported)) if "*" in imported else [(file.parent / imported).resolve()]
            for other in others:
                if other not in (file, *parts):
                    add(other)
        parts[file] = INDENT.sub(r"\1", TOLD.sub("", IMPORT.sub("", text)))

    named = [(PACKAGE / name).resolve() for name in names]
    for file in named:
        add(file)
    return "".join(text if file in named else DEFAULT.sub("", text) for file, text in parts.items())


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
