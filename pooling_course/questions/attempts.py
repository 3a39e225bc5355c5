"""What has been answered: earlier sessions' answers come along, and each new one is graded, recorded and shown."""

import math
from typing import Any

from . import Question
from .journal import answers_to, finished, record

SHOWN = 20  # attempts that a question brings along from earlier sessions


class Answered:
    """The attempts at a question, for a widget with the traits `attempts`, `message` and `notice`."""

    asks_sureness = True
    _question: Question
    _earlier: int  # attempts that the page need not know of: not the first, nor the last
    attempts: Any
    message: Any
    notice: Any

    def _recalled(self) -> list[dict]:
        """The answers of earlier sessions; with other numbers it was another question."""
        q = self._question
        earlier = [entry for entry in answers_to(q.id) if entry.get("seed") == q.seed]
        self._earlier = max(0, len(earlier) - SHOWN)
        return [found for entry in earlier[:1] + earlier[1:][-SHOWN + 1 :] if (found := self._recall(entry))]

    def _recall(self, entry):
        """An answer of an earlier session, with today's feedback; None where the question has changed since."""
        try:
            answer = self._question.parse(entry["answer"])
        except (ValueError, KeyError):
            return None
        return self._attempt(answer, entry["confidence"], self._question.grade(answer))

    def _attempt(self, answer, confidence, feedback):
        return {"answer": answer, **({"confidence": confidence} if self.asks_sureness else {}), "feedback": feedback}

    def _refuse(self, reason: ValueError) -> bool:
        self.message = ""  # so that the same sentence, said twice, is sent twice
        self.message = str(reason)
        return False

    def _grade(self, answer, confidence: int, seconds) -> bool:
        """Grade, record and show an answer that can be read."""
        q = self._question
        graded = q.grade(answer)
        whole = isinstance(seconds, (int, float)) and math.isfinite(seconds) and seconds >= 0
        entry = {
            "id": q.id,
            "lesson": q.lesson,
            "attempt": self._earlier + len(self.attempts) + 1,
            "answer": answer,
            "confidence": confidence,
            "right": graded["right"],
            "misconception": graded["misconception"],
            "seconds": round(seconds, 1) if whole else 0.0,
        }
        entry |= {} if q.seed is None else {"seed": q.seed}
        self.message = ""
        self.notice = record(entry)
        graded |= {"done": done} if (done := finished(q.lesson)) else {}
        self.attempts = [*self.attempts, self._attempt(answer, confidence, graded)]
        return True
