"""A question on the page: answer, say how sure you are, commit, and only then see."""

import html
import os

import anywidget
import ipywidgets
import torch
import traitlets as t

from ..explorer.explorer import PoolingExplorer
from ..maths import rules
from ..maths.data import as_it_lies
from ..web import live
from ..web.once import Once
from ..web.still import STATIC, Named, Shown
from . import ON_CARDS, SURE, Question, question
from .attempts import Answered
from .challenge import Challenge
from .draw import drawable, fresh
from .journal import by_question, due, entries, unasked
from .lessons import LESSONS


class Quiz(Answered, Once, Named, anywidget.AnyWidget):
    """One question. The page gets the key only after the commitment, or where no kernel will be there to grade.

    Args:
        question: a Question, or its id.

    Attributes:
        attempts: what was committed, the first answer first; earlier sessions' answers included, up to 20.

    Raises:
        ValueError: there is no such question, or it is answered in the explorer.

    >>> Quiz("max-channels").attempts
    []
    """

    _esm = live.script("questions/card.js")
    _css = live.style("web/look.css", "web/base.css", "questions/card.css")

    question = t.Dict().tag(sync=True)
    sure = t.List(list(SURE)).tag(sync=True)
    draft = t.Dict().tag(sync=True)
    attempts: t.List = t.List().tag(sync=True)
    answering = t.Bool(True).tag(sync=True)
    message = t.Unicode().tag(sync=True)
    notice = t.Unicode().tag(sync=True)
    key = t.Dict().tag(sync=True)
    opened = t.Bool(False).tag(sync=True)

    def __init__(self, question: str | Question):
        self._question = question_of(question)
        if self._question.kind not in ON_CARDS:
            name = self._question.id
            raise ValueError(f"the question {name!r} is answered in the explorer: show it with quiz({name!r}).")
        attempts = self._recalled()
        key = self._question.key() if os.environ.get(STATIC) else {}  # no kernel will be there to grade
        super().__init__(question=self._question.public(), attempts=attempts, answering=not attempts, key=key)
        self.on_msg(self._hear)

    def __repr__(self):
        return f"Quiz({self._question.id!r})"

    def _as_html(self):
        """The question as it reads where no widget can be shown, in a notebook that is not trusted for example."""
        choices = [*self.question["choices"], *(text for _, text in self.question["steps"])]
        items = "".join(f"<li>{html.escape(text)}</li>" for text in choices)
        return f"<p>{html.escape(self.question['prompt'])}</p><ul>{items}</ul>"

    def commit(self, answer, confidence: int, seconds: float = 0.0) -> bool:
        """Commit to an answer as the page does; returns whether it counted. What is unclear costs nothing."""
        try:
            parsed = self._question.parse(answer)
            if type(confidence) is not int or confidence not in range(len(SURE)):
                raise ValueError("Say how sure you are, then commit: a guess is fine.")
        except ValueError as reason:
            return self._refuse(reason)
        with self.hold_sync():
            self._grade(parsed, confidence, seconds)
            self.answering = False
        return True

    def set_state(self, sync_data):
        """Take over what the page sets: its draft, and nothing else. An attempt made up there opens no explorer."""
        super().set_state({n: v for n, v in sync_data.items() if n == "draft" and isinstance(v, dict)})

    def _hear(self, _, content, __):
        content = content if isinstance(content, dict) else {}
        kind = content.get("type")
        if kind == "commit" and self.answering:
            self.commit(content.get("answer"), content.get("confidence"), content.get("seconds"))
        elif kind == "again" and self.attempts:
            with self.hold_sync():
                self.draft, self.answering = {}, True


class QuizBox(Shown, ipywidgets.VBox):
    """A question, with room under it for the explorer that its button opens and closes."""

    def __init__(self, quiz: Quiz):
        super().__init__([quiz])
        quiz.on_msg(self._hear)
        if quiz.key and quiz.question["explorable"]:  # no kernel will be there to make it: it goes along, closed
            self._explore()
            self.children[1].layout.display = "none"

    @property
    def quiz(self) -> Quiz:
        return self.children[0]

    def _hear(self, quiz, content, _):
        asked = isinstance(content, dict) and content.get("type") == "explore"
        if asked and quiz.attempts and quiz.question["explorable"]:
            if len(self.children) == 1:
                self._explore()
            quiz.opened = not quiz.opened
            self.children[1].layout.display = None if quiz.opened else "none"

    def _explore(self):
        q = self.quiz._question
        direction = "backward" if (q.answer or "").startswith("gradient") else "forward"
        x = q.case["input"] if isinstance(q.case["input"], str) else q.input
        if isinstance(x, torch.Tensor):
            x = as_it_lies(x[0] if x.ndim == 4 else x)
        self.children = (self.quiz, PoolingExplorer(x, q.pooling, direction=direction, compare=q.compares))

    @property
    def still(self) -> str:
        return self.quiz.still

    def __repr__(self):
        return repr(self.quiz)

    def _as_html(self):
        return self.quiz._as_html()


def question_of(name: str | Question) -> Question:
    return name if isinstance(name, Question) else question(name)


def _shown(name: str | Question) -> QuizBox | Challenge:
    q = question_of(name)
    return QuizBox(Quiz(q)) if q.kind in ON_CARDS else Challenge(q)


def quiz(*names: str) -> ipywidgets.VBox | Challenge:
    """The questions of these ids, ready to be answered: on a card, or in an explorer that has a goal.

    >>> quiz("max-channels")
    Quiz('max-channels')
    """
    boxes = [_shown(name) for name in names]
    return boxes[0] if len(boxes) == 1 else _Questions(boxes)


class _Questions(Shown, ipywidgets.VBox):
    @property
    def still(self) -> str:
        return self.children[0].still

    def __repr__(self):
        return "\n".join(map(repr, self.children))

    def _as_html(self):
        return "".join(box._as_html() for box in self.children)


def review(most: int = 5) -> ipywidgets.VBox:
    """What is worth a try now, at most `most` questions: wrong or unsure ones, spaced, then those not asked yet
    in the lessons that you have begun.

    What comes back has other numbers than before, wherever its numbers can vary.

    >>> review(3)
    HTML(value='<p>Nothing to review now: what was wrong or unsure comes back after a while.</p>')
    """
    most = max(0, rules.integer("most", most))
    found, _ = entries()
    names = (due(found) + unasked(found))[:most]
    if not names:
        return ipywidgets.HTML("<p>Nothing to review now: what was wrong or unsure comes back after a while.</p>")
    return _asked_anew(names, found)


def practice(lesson: str | int, most: int = 3) -> ipywidgets.VBox:
    """Questions of one lesson with ever new numbers, at most `most` of them; call it again for the next ones.

    Those that you answered least often come first. Every answer counts in `progress()`.

    Args:
        lesson: its number or its name.

    Raises:
        ValueError: there is no such lesson, or nothing to practise in it.

    >>> practice("05", 2)
    Quiz('stride-overlap')
    Quiz('rows-out')
    """
    most = max(1, rules.integer("most", most))
    name = _lesson(lesson)
    found, _ = entries()
    given = by_question(found)
    names = [n for n in drawable() if question(n).lesson == name and question(n).role not in ("pre", "post")]
    if not names:
        raise ValueError(
            f"lesson={lesson!r} has nothing to practise: the numbers of its questions cannot vary, or they are asked "
            "once, before or after the course."
        )
    return _asked_anew(sorted(names, key=lambda n: len(given.get(n, ())))[:most], found)


def _lesson(wanted):
    text = f"{wanted:02d}" if type(wanted) is int else str(wanted)
    for name, lesson in LESSONS.items():
        if text in (name, lesson.number, lesson.title):
            return name
    raise ValueError(f"lesson={wanted!r}: there is no such lesson; use a number from '00' to '{len(LESSONS) - 1:02d}'.")


def _asked_anew(names, found):
    """Each question with numbers that were not answered before."""
    given, boxes = by_question(found), []
    for name in names:
        box = _shown(fresh(name, [entry.get("seed") for entry in given.get(name, ())]))
        if isinstance(box, QuizBox):
            box.quiz.answering = True
        boxes.append(box)
    return _Questions(boxes)
