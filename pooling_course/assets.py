"""The browser's side of a widget: one module and one style sheet, put together from the package's files.

anywidget loads a module from a Blob URL, where relative imports do not resolve; so a module is joined with those it
imports, and the `import ... from "./x.js"` lines, which Node needs for the tests, are dropped.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
IMPORT = re.compile(r'^import\s[^;]*?from\s+"\./([\w.]+)";\n', re.MULTILINE)


def script(name: str) -> str:
    """The file and all it imports as one JavaScript module; a file comes after those it imports."""
    parts: dict[str, str] = {}

    def add(file):
        text = (HERE / file).read_text(encoding="utf-8")
        for imported in IMPORT.findall(text):
            if imported not in parts:
                add(imported)
        parts[file] = IMPORT.sub("", text)

    add(name)
    return "\n".join(parts.values())


def style(*names: str) -> str:
    """The files as one style sheet."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
