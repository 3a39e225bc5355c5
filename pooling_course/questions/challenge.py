"""A challenge: an explorer with a goal. Move it there, check, and see whether torch agrees."""

import html
import os

import traitlets as t

from ..explorer.explorer import PoolingExplorer
from ..web import live
from ..web.still import STATIC
from . import Question, Reach, question
from .attempts import Answered

UNASKED = 1  # how sure one was, for the record: what stands there can be seen, so nobody is asked
KEPT = {"question", "attempts", "given", "notice", "key"}  # traits that a page may not set


class Challenge(Answered, PoolingExplorer):
    """An explorer that is to be brought to a goal; what the goal does not leave free stands still.

    Args:
        question: a question of the kind "reach", or its id.

    Attributes:
        attempts: what was checked, the first answer first; earlier sessions' answers included, up to 20.
        given: the hints that were asked for so far.

    Raises:
        ValueError: there is no such question, or it is answered on a card.

    >>> Challenge("reach-four-windows").attempts
    []
    """

    asks_sureness = False
    _question: Reach
    _esm = live.script("questions/challenge.js")
    _css = live.style("web/look.css", "web/base.css", "explorer/explorer.css", "questions/challenge.css")

    question = t.Dict().tag(sync=True)
    attempts: t.List = t.List().tag(sync=True)
    given: t.List = t.List().tag(sync=True)
    notice = t.Unicode().tag(sync=True)
    key = t.Dict().tag(sync=True)

    def __init__(self, question: str | Question):
        q = self._question = reach_of(question)
        x = q.case["input"] if isinstance(q.case["input"], str) else q.input
        looked_at = {name: q.case[name] for name in ("direction", "compare") if name in q.case}
        settings = [name for name in q.moves if name in self.traits()]
        super().__init__(x, q.pooling, **looked_at, settings=[name for name in settings if name != "kind"])
        self.question, self.key = q.public(), q.key() if os.environ.get(STATIC) else {}
        self.attempts = self._recalled()
        self.on_msg(self._hear)

    def __repr__(self):
        return f"{type(self).__name__}({self._question.id!r})"

    def _as_html(self):
        """The challenge as it reads where the widget cannot live, with the case standing still."""
        goal = "".join(f"<li>{html.escape(condition['says'])}</li>" for condition in self._question.goal)
        return f"<p>{html.escape(self._question.prompt)}</p><ul>{goal}</ul>{super()._as_html()}"

    def check(self, answer: dict, seconds: float = 0.0) -> bool:
        """Check what stands there as the page does; returns whether it counted. What is unclear costs nothing."""
        try:
            parsed = self._question.parse(answer)
        except ValueError as reason:
            return self._refuse(reason)
        with self.hold_sync():
            return self._grade(parsed, UNASKED, seconds)

    def hint(self) -> str:
        """One hint more; the last is the whole answer, and stays."""
        told = self._question.told
        self.given = told[: len(self.given) + 1]
        return self.given[-1]

    def set_state(self, sync_data):
        """Take over what the page moves; what was checked, hints and the key are not for it to set."""
        super().set_state({name: value for name, value in sync_data.items() if name not in KEPT})

    def _hear(self, _, content, __):
        content = content if isinstance(content, dict) else {}
        if content.get("type") == "check":
            self.check(content.get("answer"), content.get("seconds"))
        elif content.get("type") == "hint":
            self.hint()


def reach_of(name: str | Question) -> Reach:
    q = name if isinstance(name, Question) else question(name)
    if not isinstance(q, Reach):
        raise ValueError(f"the question {q.id!r} is answered on a card: show it with quiz({q.id!r}).")
    return q
