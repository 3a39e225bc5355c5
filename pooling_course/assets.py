"""The browser's side of a widget: one module and one style sheet, put together from the package's files.

anywidget loads a module from a Blob URL, where relative imports do not resolve; so a widget's files are joined into
one, and their `import ... from "./x.js"` lines, which Node needs for the tests, are dropped.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
IMPORT = re.compile(r'^import\s[^;]*?from\s+"\./[\w.]+";\n', re.MULTILINE)


def script(*names: str) -> str:
    """The files as one JavaScript module; a file comes after those it imports."""
    return "\n".join(IMPORT.sub("", (HERE / name).read_text(encoding="utf-8")) for name in names)


def style(*names: str) -> str:
    """The files as one style sheet."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
