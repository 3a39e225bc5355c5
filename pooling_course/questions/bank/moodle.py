"""Moodle's XML: a category for each lesson, and where there are variants one for each question, to draw from at random.

Written by hand with ElementTree: the libraries that write GIFT carry neither feedback to a wrong number nor tables with
gaps. What the elements mean is described in Moodle's documentation under "Moodle XML format".
"""

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable

from .forms import Answer, Item, Pool, decimal, off_by, places, spellings, table

SHARES = {1: "100", 2: "50", 3: "33.33333", 4: "25", 5: "20"}  # of the points; Moodle takes these and no others


def moodle(pools: Iterable[Pool]) -> bytes:
    """The file that "Import" takes, under the format Moodle XML."""
    quiz = ET.Element("quiz")
    at = ""
    for pool in pools:
        category = f"$course$/top/Pooling Course/{pool.category}"
        if len(pool.items) > 1:
            category += f"/{pool.title}"
        if pool.items and category != at:
            _text(ET.SubElement(ET.SubElement(quiz, "question", type="category"), "category"), category)
            at = category
        for item in pool.items:
            quiz.append(_WRITE[item.form](item))
    ET.indent(quiz, " ")
    return ET.tostring(quiz, encoding="utf-8", xml_declaration=True) + b"\n"


def _text(parent, text):
    ET.SubElement(parent, "text").text = text


def _html(parent, tag, text):
    _text(ET.SubElement(parent, tag, format="html"), text)


def _question(kind, item, asks=None):
    q = ET.Element("question", type=kind)
    _text(ET.SubElement(q, "name"), item.name)
    _html(q, "questiontext", asks or item.asks)
    _html(q, "generalfeedback", item.why)
    if kind != "cloze":
        ET.SubElement(q, "defaultgrade").text = "1"
    ET.SubElement(q, "penalty").text = "0.3333333"
    ET.SubElement(q, "hidden").text = "0"
    number = "own" if item.question.seed is None else str(item.question.seed)
    ET.SubElement(q, "idnumber").text = f"{item.question.id}-{number}"
    return q


def _answer(q, text, share, feedback, form="moodle_auto_format"):
    answer = ET.SubElement(q, "answer", fraction=share, format=form)
    _text(answer, text)
    _html(answer, "feedback", feedback)
    return answer


def _choices(item: Item):
    q = _question("multichoice", item)
    single = item.form == "one"
    ET.SubElement(q, "single").text = str(single).lower()
    ET.SubElement(q, "shuffleanswers").text = "true"
    ET.SubElement(q, "answernumbering").text = "abc"
    right = sum(answer.right for answer in item.answers)
    wrong = "0" if single else f"-{SHARES[len(item.answers) - right]}"
    for answer in item.answers:
        share = SHARES[right] if answer.right else wrong
        _answer(q, f"<p>{answer.says}</p>", share, answer.feedback, "html")
    return q


def _number(item: Item):
    q = _question("numerical", item)
    for answer in item.answers:
        written = _answer(q, decimal(answer.says), "100" if answer.right else "0", answer.feedback)
        ET.SubElement(written, "tolerance").text = decimal(off_by(item.question, answer.says))
    ET.SubElement(q, "unitgradingtype").text = "0"
    ET.SubElement(q, "showunits").text = "3"  # no field for a unit
    return q


def _shape(item: Item):
    q = _question("shortanswer", item)
    ET.SubElement(q, "usecase").text = "0"
    for answer in item.answers:
        for text in spellings(str(answer.says)):
            _answer(q, text, "100" if answer.right else "0", answer.feedback)
    return q


def _table(item: Item):
    """A table with a gap in each cell, and for known mistakes their feedback."""
    right, *wrong = item.answers
    cells = iter([_gap(item, right, wrong, row, column) for row, column in places(right.says)])
    asks = item.asks.replace("{", "&#123;")  # where no gap is meant
    return _question("cloze", item, asks + table("Output", right.says, lambda value: next(cells)))


def _gap(item, right: Answer, wrong: list[Answer], row, column):
    met: dict[float, Answer] = {}
    for answer in [right, *wrong]:
        value = answer.says[row][column]
        if all(abs(value - other) > 2 * off_by(item.question, value) for other in met):
            met[value] = answer
    parts = []
    for value, answer in met.items():
        mark = "=" if answer is right else "%0%"
        hint = f"#{_escaped(answer.feedback)}" if answer.feedback else ""
        parts.append(f"{mark}{decimal(value)}:{decimal(off_by(item.question, value))}{hint}")
    return f"{{1:NUMERICAL:{'~'.join(parts)}}}"


def _escaped(text):
    """A feedback as a gap can hold it: words alone, which Moodle decodes once more, and no sign that ends it."""
    plain = re.sub(r"<[^>]+>", "", text).replace("&", "&amp;")
    for sign in "\\}~":
        plain = plain.replace(sign, f"&#{ord(sign)};")
    return plain


def _steps(item: Item):
    q = _question("matching", item)
    ET.SubElement(q, "shuffleanswers").text = "true"
    for number, step in enumerate(item.answers, start=1):
        part = ET.SubElement(q, "subquestion", format="html")
        _text(part, html.escape(step.says, quote=False))
        _text(ET.SubElement(part, "answer"), f"step {number}")
    return q


_WRITE = {"one": _choices, "several": _choices, "number": _number, "text": _shape, "table": _table, "order": _steps}
