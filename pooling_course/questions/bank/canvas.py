"""QTI 1.2 as Canvas reads it: a zip with a quiz for each lesson, in which variants are a group that one is picked from.

Written by hand with ElementTree, after the XML that Canvas exports and text2qti writes. text2qti itself takes Markdown,
in which the prompts would have to be escaped and tables with heads could not be said, and has no question with several
blanks and none to match.
"""

import io
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable
from itertools import groupby

from .forms import Answer, Item, Pool, decimal, numerals, off_by, places, spellings, table

QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
MANIFEST = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
WHEN = (2020, 1, 1, 0, 0, 0)  # the same questions are the same bytes
TYPES = {
    "one": "multiple_choice_question",
    "several": "multiple_answers_question",
    "number": "numerical_question",
    "text": "short_answer_question",
    "table": "fill_in_multiple_blanks_question",
    "order": "matching_question",
}


def canvas(pools: Iterable[Pool]) -> bytes:
    """The zip that "Import Course Content" takes, as a QTI .zip file."""
    stream = io.BytesIO()
    files = {}
    manifest = ET.Element("manifest", xmlns=MANIFEST, identifier="pooling_course_manifest")
    about = ET.SubElement(manifest, "metadata")
    ET.SubElement(about, "schema").text = "IMS Content"
    ET.SubElement(about, "schemaversion").text = "1.1.3"
    ET.SubElement(manifest, "organizations")
    resources = ET.SubElement(manifest, "resources")
    carried = (pool for pool in pools if pool.items)
    for lesson, of_lesson in groupby(carried, key=lambda pool: pool.lesson):
        name = f"pooling_course_{lesson}"
        files[f"{name}/{name}.xml"] = _quiz(name, list(of_lesson))
        resource = ET.SubElement(resources, "resource", identifier=name, type="imsqti_xmlv1p2")
        ET.SubElement(resource, "file", href=f"{name}/{name}.xml")
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, root in {"imsmanifest.xml": manifest, **files}.items():
            ET.indent(root, " ")
            data = ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
            archive.writestr(zipfile.ZipInfo(path, WHEN), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _quiz(name, pools):
    schema = {"xmlns": QTI, "xmlns:xsi": XSI, "xsi:schemaLocation": f"{QTI} {QTI}p1.xsd"}
    root = ET.Element("questestinterop", schema)
    quiz = ET.SubElement(root, "assessment", ident=name, title=f"Pooling Course {pools[0].category}")
    _fields(ET.SubElement(quiz, "qtimetadata"), cc_maxattempts="1")
    section = ET.SubElement(quiz, "section", ident="root_section")
    for pool in pools:
        into = section
        if len(pool.items) > 1:
            into = ET.SubElement(section, "section", ident=f"group_{pool.id}", title=pool.name)
            picked = ET.SubElement(ET.SubElement(into, "selection_ordering"), "selection")
            ET.SubElement(picked, "selection_number").text = "1"
            ET.SubElement(ET.SubElement(picked, "selection_extension"), "points_per_item").text = "1"
        for item in pool.items:
            into.append(_item(item))
    return root


def _fields(metadata, **entries):
    for label, entry in entries.items():
        one = ET.SubElement(metadata, "qtimetadatafield")
        ET.SubElement(one, "fieldlabel").text = label
        ET.SubElement(one, "fieldentry").text = entry


def _material(parent, text, kind="text/html"):
    ET.SubElement(ET.SubElement(parent, "material"), "mattext", texttype=kind).text = text


def _item(item: Item):
    number = "own" if item.question.seed is None else str(item.question.seed)
    name = f"{item.question.id}-{number}"
    root = ET.Element("item", ident=name, title=item.name)
    metadata = ET.SubElement(ET.SubElement(root, "itemmetadata"), "qtimetadata")
    _fields(
        metadata, question_type=TYPES[item.form], points_possible="1.0", assessment_question_identifierref=f"{name}-ref"
    )
    presentation = ET.SubElement(root, "presentation")
    processing = ET.SubElement(root, "resprocessing")
    outcomes = ET.SubElement(processing, "outcomes")
    ET.SubElement(outcomes, "decvar", maxvalue="100", minvalue="0", varname="SCORE", vartype="Decimal")
    said = {"general_fb": item.why}
    _condition(processing, shows="general_fb")
    said |= _WRITE[item.form](item, presentation, processing)
    for ident, text in said.items():
        flow = ET.SubElement(ET.SubElement(root, "itemfeedback", ident=ident), "flow_mat")
        _material(flow, text)
    return root


def _condition(processing, build=None, score=None, shows=None, action="Set"):
    """If what `build` writes holds of the response, or always: this many points, this feedback."""
    one = ET.SubElement(processing, "respcondition", {"continue": "No" if score == 100 and action == "Set" else "Yes"})
    condition = ET.SubElement(one, "conditionvar")
    if build is None:
        ET.SubElement(condition, "other")
    else:
        build(condition)
    if score is not None:
        ET.SubElement(one, "setvar", action=action, varname="SCORE").text = decimal(score)
    if shows:
        ET.SubElement(one, "displayfeedback", feedbacktype="Response", linkrefid=shows)


def _equal(parent, value, to="response1"):
    ET.SubElement(parent, "varequal", respident=to).text = value


def _choices(item: Item, presentation, processing):
    several = item.form == "several"
    _material(presentation, item.asks)
    given = ET.SubElement(
        presentation, "response_lid", ident="response1", rcardinality="Multiple" if several else "Single"
    )
    shown = ET.SubElement(given, "render_choice", shuffle="Yes")
    said = {}
    for number, answer in enumerate(item.answers):
        _material(ET.SubElement(shown, "response_label", ident=f"choice{number}"), str(answer.says))
        said[f"choice{number}_fb"] = answer.feedback
        _condition(processing, lambda at, n=number: _equal(at, f"choice{n}"), shows=f"choice{number}_fb")

    def right(condition):
        at = ET.SubElement(condition, "and") if several else condition
        for number, answer in enumerate(item.answers):
            if answer.right:
                _equal(at, f"choice{number}")
            elif several:
                _equal(ET.SubElement(at, "not"), f"choice{number}")

    _condition(processing, right, 100)
    return said


def _field(presentation, item, kind=None):
    _material(presentation, item.asks)
    given = ET.SubElement(presentation, "response_str", ident="response1", rcardinality="Single")
    shown = ET.SubElement(given, "render_fib", {"fibtype": kind} if kind else {})
    ET.SubElement(shown, "response_label", ident="answer1")


def _mistakes(item: Item, write, processing):
    """What is said to everyone who is wrong: Canvas has no feedback to a wrong number."""
    known = "".join(
        f"<li>{write(answer.says)}: {answer.feedback[3:-4]}</li>" for answer in item.answers if not answer.right
    )
    _condition(processing, shows="general_incorrect_fb")
    return {"general_incorrect_fb": f"<p>Not quite. If you had</p><ul>{known}</ul>"}


def _number(item: Item, presentation, processing):
    _field(presentation, item, "Decimal")
    value = item.answers[0].says
    off = off_by(item.question, value)

    def right(condition):
        either = ET.SubElement(condition, "or")
        _equal(either, decimal(value))
        between = ET.SubElement(either, "and")
        ET.SubElement(between, "vargte", respident="response1").text = decimal(float(value) - off)
        ET.SubElement(between, "varlte", respident="response1").text = decimal(float(value) + off)

    _condition(processing, right, 100)
    return _mistakes(item, decimal, processing)


def _shape(item: Item, presentation, processing):
    _field(presentation, item)

    def right(condition):
        for text in spellings(str(item.answers[0].says)):
            _equal(condition, text)

    _condition(processing, right, 100)
    return _mistakes(item, str, processing)


def _table(item: Item, presentation, processing):
    """A table in whose cells stand the names of blanks in square brackets, which Canvas replaces."""
    rows = item.answers[0].says
    names = iter([f"[r{row}c{column}]" for row, column in places(rows)])
    _material(presentation, item.asks + table("Output", rows, lambda value: next(names)))
    cells = list(places(rows))
    for row, column in cells:
        blank = f"response_r{row}c{column}"
        given = ET.SubElement(presentation, "response_lid", ident=blank)
        _material(given, f"r{row}c{column}", "text/plain")
        shown = ET.SubElement(given, "render_choice")
        for n, text in enumerate(numerals(rows[row][column])):
            _material(ET.SubElement(shown, "response_label", ident=f"r{row}c{column}_{n}"), text, "text/plain")
        name = f"r{row}c{column}_0"
        share = 100 / len(cells)
        _condition(processing, lambda at, n=name, to=blank: _equal(at, n, to), round(share, 2), action="Add")
    return _mistakes(item, lambda rows: "; ".join(", ".join(map(decimal, row)) for row in rows), processing)


def _steps(item: Item, presentation, processing):
    _material(presentation, item.asks)
    order = _mixed(item.answers)
    for at, step in order:
        given = ET.SubElement(presentation, "response_lid", ident=f"response_{at}")
        _material(given, str(step.says), "text/plain")
        shown = ET.SubElement(given, "render_choice")
        for number in range(len(order)):
            label = ET.SubElement(shown, "response_label", ident=f"step{number}")
            _material(label, f"step {number + 1}", "text/plain")
        share = round(100 / len(order), 2)
        _condition(processing, lambda c, n=at: _equal(c, f"step{n}", f"response_{n}"), share, action="Add")
    return {}


def _mixed(steps: list[Answer]) -> list[tuple[int, Answer]]:
    """The steps in an order that is not the right one: by their words."""
    return sorted(enumerate(steps), key=lambda step: str(step[1].says))


_WRITE = {"one": _choices, "several": _choices, "number": _number, "text": _shape, "table": _table, "order": _steps}
