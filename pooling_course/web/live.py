"""A changed .js or .css shows in open notebooks at once, where ANYWIDGET_HMR=1 is set before the kernel starts.

That is anywidget's own switch for widgets whose module is one file. Here a module is joined from several, so it is
joined again every half second, and sent where it has changed: each widget on view is drawn anew, and keeps its traits.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from . import assets

if TYPE_CHECKING:
    from anywidget._file_contents import VirtualFileContents

SWITCH = "ANYWIDGET_HMR"
PERIOD = 0.5  # s


class Packed:
    """`assets.packed` of a script, once it is asked for as text."""

    def __init__(self, name: str):
        self.name = name

    def __str__(self):
        return self._text

    @cached_property
    def _text(self):
        return assets.packed(assets.script(self.name))


def script(name: str) -> Packed | VirtualFileContents:
    """`assets.script(name)`, packed, or what follows it, as it is."""
    return _following(lambda: assets.script(name)) if _follows() else Packed(name)


def style(*names: str) -> str | VirtualFileContents:
    """`assets.style(*names)`, or what follows it."""
    return _following(lambda: assets.style(*names)) if _follows() else assets.style(*names)


def _follows() -> bool:
    return os.environ.get(SWITCH) == "1"


def _following(read: Callable[[], str]) -> VirtualFileContents:
    from anywidget._file_contents import VirtualFileContents

    contents = VirtualFileContents(read())
    threading.Thread(target=_follow, args=(read, contents), daemon=True).start()
    return contents


def _follow(read: Callable[[], str], contents: VirtualFileContents) -> None:
    while True:
        time.sleep(PERIOD)
        with suppress(OSError):  # a file is just being replaced
            if (text := read()) != contents.contents:
                contents.contents = text
