"""The browser's side of a widget: one module and one style sheet, put together from the package's files.

anywidget loads a module from a Blob URL, where relative imports do not resolve; so a module is joined with those it
imports. The `import ... from "./x.js"` lines, which Node needs for the tests, are dropped, and so are the types, which
only the checker reads: `// @ts-check` and lines of `/** ... */`. Files are named from the folder of the package, such
as "explorer/explorer.js".
"""

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
IMPORT = re.compile(r'^import\s[^;]*?from\s+"(\.[\w./]+)";\n', re.MULTILINE)
TYPES = re.compile(r"^// @ts-check\n|^[ \t]*/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)


def script(name: str) -> str:
    """The file and all it imports as one JavaScript module; a file comes after those it imports."""
    parts: dict[Path, str] = {}

    def add(file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        for imported in IMPORT.findall(text):
            other = (file.parent / imported).resolve()
            if other not in parts:
                add(other)
        parts[file] = TYPES.sub("", IMPORT.sub("", text))

    add((PACKAGE / name).resolve())
    return "\n".join(parts.values())


def style(*names: str) -> str:
    """The files as one style sheet."""
    return "\n".join((PACKAGE / name).read_text(encoding="utf-8") for name in names)
