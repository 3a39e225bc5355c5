"""The browser's side of a widget: one module and one style sheet, put together from the package's files.

anywidget loads a module from a Blob URL, where relative imports do not resolve; so a module is joined with those it
imports. A saved notebook holds it once for each widget, so what only Node, the type checker or a reader needs goes:
the `import ... from "./x.js"` lines, types in `/** ... */`, lines that are comments, and half of each indent. What a
file exports by default is its own widget; of a file that is only imported it is dropped. Files are named from the
package's folder, such as "explorer/explorer.js".
"""

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
IMPORT = re.compile(r'^import\s[^;]*?from\s+"(\.[\w./]+)";\n', re.MULTILINE)
DEFAULT = re.compile(r"^export default .*\n", re.MULTILINE)
TOLD = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*(?:(?!\*/).)*\*/)?\n", re.MULTILINE | re.DOTALL)
INDENT = re.compile(r"^( +)\1", re.MULTILINE)
REMARK = re.compile(r"/\*.*?\*/\n?|^ +", re.DOTALL | re.MULTILINE)


def script(*names: str) -> str:
    """The files and all they import as one JavaScript module; a file comes after those it imports."""
    parts: dict[Path, str] = {}

    def add(file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        for imported in IMPORT.findall(text):
            other = (file.parent / imported).resolve()
            if other not in parts:
                add(other)
        parts[file] = INDENT.sub(r"\1", TOLD.sub("", IMPORT.sub("", text)))

    named = [(PACKAGE / name).resolve() for name in names]
    for file in named:
        add(file)
    return "".join(text if file in named else DEFAULT.sub("", text) for file, text in parts.items())


def style(*names: str) -> str:
    """The files as one style sheet."""
    return "\n".join(REMARK.sub("", (PACKAGE / name).read_text(encoding="utf-8")) for name in names)
