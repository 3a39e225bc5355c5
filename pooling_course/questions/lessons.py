"""The lessons in their order, as `lessons.json` lists them: what tests, site, links and progress go by.

A lesson is a dictionary::

    name      its notebook and its file of questions, without their endings; begins with its number
    title     how people call it
    page      "start", "step" (by the page map of tests/harness/lessons.py), "myths" or "expert"
    time      how long it takes, where that is not what `minutes` in tools/links.py counts: "two hours"
    pieces    how it can be divided: "a section at a time"
    before    what to know first
    about     what it brings, in a few words for the list on the start page
    asks      the role of which it asks every question: "pre", "myth" or "post"
    ways      links for the table of ways on the start page, where they are not those that every step has
"""

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Lesson:
    """One page of the course."""

    name: str
    title: str
    page: str
    time: str = ""
    pieces: str = ""
    before: str = ""
    about: str = ""
    asks: str = ""
    ways: dict[str, str] = field(default_factory=dict)

    @property
    def number(self) -> str:
        return self.name.partition("_")[0]

    @property
    def file(self) -> str:
        return f"{self.name}.ipynb"

    @property
    def heading(self) -> str:
        """The title on the page itself, and in links to it.

        >>> LESSONS["03_maxpool2d_in_pytorch"].heading
        '03 · MaxPool2d in PyTorch'
        """
        return self.title if self.page == "start" else f"{self.number} · {self.title}"


_LISTED = json.loads(Path(__file__).with_name("lessons.json").read_text(encoding="utf-8"))
LESSONS = {lesson.name: lesson for lesson in (Lesson(**data) for data in _LISTED)}
STEPS = [lesson.name for lesson in LESSONS.values() if lesson.page == "step"]
