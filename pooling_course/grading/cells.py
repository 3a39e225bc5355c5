"""The code cells of a notebook, from its bytes. As a program it reads them from its input, within limits of its own.

A megabyte of JSON can become thirty of Python's objects. So `reading.code_of` has large files read by this program,
and what it costs, it costs nobody else. Nothing beyond Python's own library is imported: it starts in an instant.
"""

import contextlib
import json
import sys

MOST_CODE = 300_000  # characters in all code cells
MOST_CELLS = 1000  # of code
MEMORY, SECONDS = 1 << 30, 20  # bytes, and seconds of processor time, for the program


def code_cells(data: bytes) -> list[str]:
    """The text of each code cell, in order.

    Raises:
        ValueError: a sentence says why there is none.

    >>> code_cells(b'{"cells": [{"cell_type": "code", "source": ["x = 1\\\\n", "y = 2"]}, {"cell_type": "markdown"}]}')
    ['x = 1\\ny = 2']
    """
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError):  # ValueError: also bytes that are no UTF-8
        raise ValueError("The file is no notebook: it cannot be read as JSON.") from None
    except MemoryError:
        raise ValueError("The notebook holds more than can be read: clear its outputs, and hand it in again.") from None
    sources = [_source(cell) for cell in _cells(notebook) if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    if len(sources) > MOST_CELLS or sum(map(len, sources)) > MOST_CODE:
        raise ValueError(f"The notebook holds more than {MOST_CELLS} code cells or {MOST_CODE:,} characters of code.")
    return sources


def _cells(notebook):
    """The cells of a notebook of version 4, or of all worksheets of version 3."""
    if not isinstance(notebook, dict):
        notebook = {}
    sheets = notebook["worksheets"] if isinstance(notebook.get("worksheets"), list) else [notebook]
    lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    if not any(isinstance(cells, list) for cells in lists):
        raise ValueError("The file is no notebook of version 3 or 4: it has no list of cells.")
    return [cell for cells in lists if isinstance(cells, list) for cell in cells]


def _source(cell):
    source = cell.get("source", cell.get("input"))
    lines = source if isinstance(source, list) else [source]
    text = "".join(line for line in lines if isinstance(line, str))
    return text.encode("utf-8", "replace").decode()  # half characters, which no file can hold


def main() -> None:
    with contextlib.suppress(ImportError, OSError):  # a system that knows no such limits
        import resource

        memory, seconds = map(int, sys.argv[1:])
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        said: dict = {"cells": code_cells(sys.stdin.buffer.read())}
    except ValueError as reason:
        said = {"why": str(reason)}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
