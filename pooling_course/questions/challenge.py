"""A challenge: an explorer with a goal. Move it there, check, and see whether torch agrees."""

import html
import math
import os

import traitlets as t

from ..explorer.explorer import PoolingExplorer
from ..web import live
from ..web.still import STATIC
from . import Question, Reach, question
from .journal import answers_to, finished, meet, record

SHOWN = 20  # attempts that a challenge brings along from earlier sessions
UNASKED = 1  # how sure one was, for the record: what stands there can be seen, so nobody is asked
KEPT = {"question", "attempts", "given", "notice", "key"}  # traits that a page may not set


class Challenge(PoolingExplorer):
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

    _esm = live.script("questions/challenge.js")
    _css = live.style("web/look.css", "web/base.css", "explorer/explorer.css", "questions/challenge.css")

    question = t.Dict().tag(sync=True)
    attempts: t.List = t.List().tag(sync=True)
    given: t.List = t.List().tag(sync=True)
    notice = t.Unicode().tag(sync=True)
    key = t.Dict().tag(sync=True)

    def __init__(self, question: str | Question):
        q = self._question = reach_of(question)
        earlier = answers_to(q.id)
        self._earlier = max(0, len(earlier) - SHOWN)  # attempts that the page need not know of
        x = q.case["input"] if isinstance(q.case["input"], str) else q.input
        looked_at = {name: q.case[name] for name in ("direction", "compare") if name in q.case}
        settings = [name for name in q.moves if name in self.traits()]
        super().__init__(x, q.pooling, **looked_at, settings=[name for name in settings if name != "kind"])
        self.question, self.key = q.public(), q.key() if os.environ.get(STATIC) else {}
        self.attempts = [found for e in earlier[:1] + earlier[1:][-SHOWN + 1 :] if (found := self._attempt(e))]
        meet(q.id)
        self.on_msg(self._hear)

    def __repr__(self):
        return f"{type(self).__name__}({self._question.id!r})"

    def _as_html(self):
        """The challenge as it reads where the widget cannot live, with the case standing still."""
        goal = "".join(f"<li>{html.escape(condition['says'])}</li>" for condition in self._question.goal)
        return f"<p>{html.escape(self._question.prompt)}</p><ul>{goal}</ul>{super()._as_html()}"

    def check(self, answer: dict, seconds: float = 0.0) -> bool:
        """Check what stands there as the page does; returns whether it counted. What is unclear costs nothing."""
        q = self._question
        try:
            parsed = q.parse(answer)
        except ValueError as error:
            self.message = ""  # so that the same sentence, said twice, is sent twice
            self.message = str(error)
            return False
        graded = q.grade(parsed)
        whole = isinstance(seconds, (int, float)) and math.isfinite(seconds) and seconds >= 0
        entry = {
            "id": q.id,
            "lesson": q.lesson,
            "attempt": self._earlier + len(self.attempts) + 1,
            "answer": parsed,
            "confidence": UNASKED,
            "right": graded["right"],
            "misconception": graded["misconception"],
            "seconds": round(seconds, 1) if whole else 0.0,
        }
        with self.hold_sync():
            self.message = ""
            self.notice = record(entry)
            graded |= {"done": done} if (done := finished(q.lesson)) else {}
            self.attempts = [*self.attempts, {"answer": parsed, "feedback": graded}]
        return True

    def hint(self) -> str:
        """One hint more; the last is the whole answer, and stays."""
        told = self._question.told
        self.given = told[: len(self.given) + 1]
        return self.given[-1]

    def _attempt(self, entry):
        """An answer of an earlier session, with today's feedback; None where the question has changed since."""
        try:
            answer = self._question.parse(entry["answer"])
        except (ValueError, KeyError):
            return None
        return {"answer": answer, "feedback": self._question.grade(answer)}

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
