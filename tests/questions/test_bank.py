"""Does the bank say what the course says? The files are read back, by what is not ours and as a platform grades."""

import html
import io
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace

import pytest
import test_draws

from harness.questions import ANOTHER_WAY, FACTS
from pooling_course.questions import all_questions, answers, question
from pooling_course.questions.bank import __main__ as command
from pooling_course.questions.bank import canvas as qti
from pooling_course.questions.bank import forms
from pooling_course.questions.bank.canvas import canvas
from pooling_course.questions.bank.moodle import moodle
from pooling_course.questions.draw import drawable, drawn

VARIANTS = 3
ON_PLATFORMS = [q for q in all_questions().values() if q.kind in (*forms.FORMS, *forms.OTHER_WAYS)]


@pytest.fixture(scope="module")
def pools():
    return {"own": list(forms.pools()), "drawn": list(forms.pools(VARIANTS, 4))}


both = pytest.mark.parametrize("which", ["own", "drawn"])


def asked(ident):
    """The question that an id in a file stands for, made anew."""
    name, _, seed = ident.rpartition("-")
    return question(name) if seed == "own" else drawn(name, int(seed))


def torchs_answer(q):
    """The right answer, computed in the tests' way where they have one."""
    if q.seed is not None:
        expected = test_draws.right_answer(q)
    elif q.answer in ANOTHER_WAY:
        expected = ANOTHER_WAY[q.answer](q)
    elif q.answer in FACTS:
        expected = FACTS[q.answer]
    else:
        return q.truth
    if q.kind not in ("one", "several"):
        return expected
    right = [expected] if q.kind == "one" else expected
    places = [i for i, c in enumerate(q.choices) if any(test_draws.close(c["value"], r) for r in right)]
    return places[0] if q.kind == "one" else places


def responses(q):
    """(the right response, wrong ones), each in the words of the question's form."""
    form = forms.OTHER_WAYS.get(q.kind, q.kind)
    truth = torchs_answer(q)
    if form in ("one", "several") and q.choices:
        right = {truth} if form == "one" else set(truth)
        texts = [f"{c['text']}" for c in q.choices]
        others = [{i} for i in range(len(texts)) if {i} != right]
        return {texts[i] for i in right}, [{texts[i] for i in other} for other in others]
    if q.kind == "cells":
        said = [", ".join(f"({r}, {c})" for r, c in cells) for cells in (truth, *(m["value"] for m in q.mistakes))]
        return {said[0]}, [{text} for text in said[1:]]
    if form == "order":
        return q.steps, [q.steps[::-1]]
    return truth, [m["value"] for m in q.mistakes]


# ---- Moodle: read by a program that is not ours ------------------------------------------------------------------


@both
def test_does_another_program_read_the_moodle_file(which, pools):
    reader = pytest.importorskip("moodle_xml_parser.parser")
    found = reader.parse_bytes(moodle(pools[which]))
    items = [item for pool in pools[which] for item in pool.items]
    choices = {item.name: item for item in items if item.form in ("one", "several")}
    tables = {item.name: item for item in items if item.form == "table"}
    assert [q.name for q in found["multichoice"]] == list(choices)
    assert [q.name for q in found["cloze"]] == list(tables)
    for q in found["multichoice"]:
        item = choices[q.name]
        assert q.single == (item.form == "one") and q.shuffle_answers
        assert [option.score_fraction > 0 for option in q.options] == [answer.right for answer in item.answers]
        assert [option.feedback for option in q.options] == [answer.feedback for answer in item.answers]
    for q in found["cloze"]:
        right = [value for row in torchs_answer(tables[q.name].question) for value in row]
        assert len(q.gaps) == len(right) and {gap.sub_type for gap in q.gaps} == {"NUMERICAL"}
        for gap, value in zip(q.gaps, right, strict=True):
            assert (
                float(gap.options[0].answer.partition(":")[0]) == pytest.approx(value) and gap.options[0].score == 100
            )
            assert all(option.score == 0 and option.feedback for option in gap.options[1:])


# ---- Moodle: graded as it grades ---------------------------------------------------------------------------------


def moodle_questions(data):
    for q in ET.fromstring(data).findall("question"):
        if q.get("type") != "category":
            yield q.findtext("idnumber"), q


def in_moodle(q, response):
    """The share of the points that Moodle gives, in percent, and what it says to the answer."""
    kind = q.get("type")
    if kind == "matching":
        parts = q.findall("subquestion")
        steps = {part.findtext("text"): part.findtext("answer/text") for part in parts}
        return 100 * sum(steps[s] == f"step {n}" for n, s in enumerate(response, 1)) / len(parts), ""
    if kind == "cloze":
        gaps = re.findall(r"\{1:NUMERICAL:(.*?)(?<!\\)\}", q.findtext("questiontext/text"))
        values = [value for row in response for value in row]
        points, said = 0, ""
        for gap, value in zip(gaps, values, strict=True):
            for option in re.split(r"(?<!\\)~", gap):
                share, number, off, feedback = re.fullmatch(r"(=|%0%)([-\d.]+):([\d.]+)(?:#(.*))?", option).groups()
                if abs(value - float(number)) <= float(off):
                    points += 100 * (share == "=") / len(gaps)
                    said = said or feedback or ""
                    break
        return points, said
    met = [answer for answer in q.findall("answer") if fits(kind, answer, response)]
    met = met if kind == "multichoice" else met[:1]
    return sum(float(a.get("fraction")) for a in met), "".join(a.findtext("feedback/text") or "" for a in met)


def fits(kind, answer, response):
    text = answer.findtext("text")
    if kind == "multichoice":
        return text in {f"<p>{forms._text(each)}</p>" for each in response}
    if kind == "shortanswer":
        return text.lower() == str(tuple(response)).lower()
    return abs(float(text) - response) <= float(answer.findtext("tolerance"))


def check_moodle(data):
    """The right answer gets all points, every known mistake none, and hears the name of its misconception."""
    for ident, q in moodle_questions(data):
        made = asked(ident)
        right, wrong = responses(made)
        points, _ = in_moodle(q, right)
        assert points == pytest.approx(100, abs=0.01), ident
        names = [e["misconception"] for e in made.choices + made.mistakes if e.get("misconception")]
        for response in wrong:
            points, said = in_moodle(q, response)
            assert points < 99, (ident, response)
            if made.kind not in ("order", "several"):
                assert any(name in said for name in names), (ident, response, said)


@both
def test_does_moodle_give_the_points_to_torchs_answer(which, pools):
    data = moodle(pools[which])
    check_moodle(data)
    idents = [ident for ident, _ in moodle_questions(data)]
    assert len(set(idents)) == len(idents) == sum(len(pool.items) for pool in pools[which])
    if which == "own":
        assert idents == [f"{q.id}-own" for q in ON_PLATFORMS]
    else:
        assert len(idents) == len(ON_PLATFORMS) + (VARIANTS - 1) * len(drawable())


@both
def test_are_there_categories_for_each_lesson_and_each_pool(which, pools):
    found = [c.text for c in ET.fromstring(moodle(pools[which])).findall("question/category/text")]
    lessons = [f"$course$/top/Pooling Course/{name}" for name in dict.fromkeys(pool.category for pool in pools[which])]
    if which == "own":
        assert found == lessons
    else:
        assert f"{lessons[5]}/How many rows come out" in found
        assert set(lessons) >= {c for c in found if c.count("/") == 3}


# ---- Canvas: graded as QTI says ----------------------------------------------------------------------------------

N = {"q": qti.QTI}


def quizzes(data):
    """(path, root) of the quizzes that the manifest lists; nothing else lies in the zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        manifest = ET.fromstring(archive.read("imsmanifest.xml"))
        files = [f.get("href") for f in manifest.iter(f"{{{qti.MANIFEST}}}file")]
        assert sorted([*files, "imsmanifest.xml"]) == sorted(archive.namelist())
        for path in files:
            yield path, ET.fromstring(archive.read(path))


def qti_items(data):
    for _, root in quizzes(data):
        yield from root.iter(f"{{{qti.QTI}}}item")


def holds(node, given):
    """Whether a condition of QTI 1.2 holds of {response: the texts or ids given}."""
    tag, value = node.tag.rpartition("}")[2], (node.text or "").strip()
    mine = given.get(node.get("respident"), ())
    if tag == "varequal":
        return any(each == value for each in mine)
    if tag in ("vargte", "varlte"):
        return any(float(each) >= float(value) if tag == "vargte" else float(each) <= float(value) for each in mine)
    inside = [holds(child, given) for child in node]
    return {"and": all(inside), "or": any(inside), "not": not any(inside), "other": True, "conditionvar": any(inside)}[
        tag
    ]


def in_canvas(item, given):
    """(points of 100, what is shown)."""
    score, shown = 0.0, []
    for condition in item.iterfind("q:resprocessing/q:respcondition", N):
        if holds(condition.find("q:conditionvar", N), given):
            shown += [f.get("linkrefid") for f in condition.iterfind("q:displayfeedback", N)]
            change = condition.find("q:setvar", N)
            if change is not None:
                score = float(change.text) + (score if change.get("action") == "Add" else 0)
            if condition.get("continue") == "No":
                break
    said = {f.get("ident"): "".join(f.itertext()) for f in item.iterfind("q:itemfeedback", N)}
    return score, " ".join(said[ident] for ident in shown)


def given_in_canvas(item, q, response):
    """A response in the ids of the item."""
    form = forms.OTHER_WAYS.get(q.kind, q.kind)
    labels = {
        given.get("ident"): [
            (label.get("ident"), "".join(label.itertext()).strip())
            for label in given.iter(f"{{{qti.QTI}}}response_label")
        ]
        for given in item.find("q:presentation", N)
        if given.get("ident")
    }
    if form in ("one", "several"):
        return {"response1": [ident for ident, text in labels["response1"] if text in set(map(forms._text, response))]}
    if form == "number":
        return {"response1": [forms.decimal(response)]}
    if form == "text":
        return {"response1": [", ".join(map(str, response))]}
    if form == "order":
        names = {
            "".join(given.find("q:material", N).itertext()).strip(): given.get("ident")
            for given in item.find("q:presentation", N)
            if given.get("ident")
        }
        return {
            names[step]: [ident for ident, text in labels[names[step]] if text == f"step {n}"]
            for n, step in enumerate(response, 1)
        }
    return {
        f"response_r{r}c{c}": [i for i, text in labels[f"response_r{r}c{c}"] if text == forms.decimal(value)]
        for r, row in enumerate(response)
        for c, value in enumerate(row)
    }


def check_canvas(data):
    for item in qti_items(data):
        ident = item.get("ident")
        made = asked(ident)
        right, wrong = responses(made)
        points, said = in_canvas(item, given_in_canvas(item, made, right))
        assert points == pytest.approx(100, abs=0.1), ident
        assert forms._text(made.why) in said, ident
        names = [e["misconception"] for e in made.choices + made.mistakes if e.get("misconception")]
        for response in wrong:
            points, said = in_canvas(item, given_in_canvas(item, made, response))
            assert points < 99, (ident, response)
            if made.kind not in ("order", "several"):
                assert any(name in said for name in names), (ident, response)


@both
def test_does_canvas_give_the_points_to_torchs_answer(which, pools):
    data = canvas(pools[which])
    check_canvas(data)
    found = [item.get("ident") for item in qti_items(data)]
    assert len(found) == len(set(found)) == sum(len(pool.items) for pool in pools[which])


def test_are_variants_groups_from_which_one_is_picked(pools):
    groups = [
        group
        for _, root in quizzes(canvas(pools["drawn"]))
        for group in root.iterfind("q:assessment/q:section/q:section", N)
    ]
    assert [group.get("ident") for group in groups] == [f"group_{name}" for name in drawable()]
    for group in groups:
        assert len(group.findall("q:item", N)) == VARIANTS
        assert group.findtext("q:selection_ordering/q:selection/q:selection_number", namespaces=N) == "1"
    assert len(list(quizzes(canvas(pools["own"])))) == len({pool.lesson for pool in pools["own"] if pool.items})


# ---- what both show ----------------------------------------------------------------------------------------------


@both
def test_is_everything_called_by_a_title_and_nothing_by_an_id(which, pools):
    ids = {pool.id for pool in pools[which] if "-" in pool.id}
    xml, found = ET.fromstring(moodle(pools[which])), [root for _, root in quizzes(canvas(pools[which]))]
    names = [text.text for text in xml.iterfind("question/name/text")]
    names += [text.text for text in xml.iterfind("question/category/text")]
    names += [each.get("title") for root in found for each in root.iter() if each.get("title")]
    assert len(set(names)) > len(ids)
    assert not [name for name in names if ids & set(re.split("[ /]", name))]
    items = [text.text for text in xml.iterfind("question/name/text")]
    assert len(set(items)) == len(items)  # a person can tell any two apart


def test_is_a_map_a_table_with_heads(pools):
    (item,) = next(pool for pool in pools["own"] if pool.id == "how-often").items
    page = ET.fromstring(f"<div>{item.asks}</div>")
    rows = page.findall("table/tbody/tr")
    assert [[float(cell.text) for cell in row.findall("td")] for row in rows] == item.question.input.tolist()
    assert [row.find("th").get("scope") for row in rows] == ["row"] * 6 and page.find("table/caption").text
    assert "<img" not in moodle(pools["own"]).decode()


@both
def test_is_every_text_well_formed_html(which, pools):
    for pool in pools[which]:
        for item in pool.items:
            for text in (item.asks, item.why, *(answer.feedback for answer in item.answers)):
                ET.fromstring(f"<div>{text}</div>")


@pytest.mark.parametrize(
    "name", ["rows-out", "lost-row", "default-stride", "first-windows", "size-steps", "never-read"]
)
def test_is_everything_escaped(name):
    evil = "<script>alert(1)</script> & ]]> } # ~ = / \\ \" ' %100% {1:SA:x}"
    q = question(name)
    spoilt = replace(
        q,
        prompt=evil,
        why=evil,
        choices=[{**c, "text": f"{evil} {i}", "reason": evil} for i, c in enumerate(q.choices)],
        mistakes=[{**m, "reason": evil} for m in q.mistakes],
        steps=[f"{evil} {i}" for i in range(len(q.steps))],
    )
    pool = [forms.Pool(name, q.title, q.lesson, [forms.item(spoilt)])]
    files = [ET.fromstring(moodle(pool)), *(root for _, root in quizzes(canvas(pool)))]
    for texts in ([t.text for t in files[0].iterfind(".//*[@format='html']/text")], html_in(files[1])):
        pages = [ET.fromstring(f"<div>{text}</div>") for text in texts]
        assert not any(list(page.iter("script")) for page in pages)
        assert sum(evil in "".join(page.itertext()) for page in pages) >= 2
    if name == "first-windows":
        (gapped,) = [q for _, q in moodle_questions(moodle(pool))]
        assert in_moodle(gapped, spoilt.truth)[0] == pytest.approx(100)
        said = in_moodle(gapped, spoilt.mistakes[0]["value"])[1]
        assert html.unescape(html.unescape(said)).startswith(evil)  # Moodle, then the browser


def html_in(root):
    return [text.text for text in root.iter(f"{{{qti.QTI}}}mattext") if text.get("texttype") == "text/html"]


def test_would_a_script_that_gets_through_be_noticed(monkeypatch):
    monkeypatch.setattr(forms, "_text", lambda text: text)
    with pytest.raises((AssertionError, ET.ParseError)):
        test_is_everything_escaped("lost-row")


def test_are_the_same_variants_the_same_bytes():
    made = [list(forms.pools(1, seed)) for seed in (3, 3, 5)]
    for write in (moodle, canvas):
        one, again, other = map(write, made)
        assert one == again != other


# ---- the command -------------------------------------------------------------------------------------------------


def test_does_the_command_write_and_never_over(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command.main(["--to", "moodle", "--out", "new/bank"]) == 0
    written = (tmp_path / "new/bank/moodle.xml").read_bytes()
    assert capsys.readouterr().out.startswith(f"new/bank/moodle.xml: {len(ON_PLATFORMS)} questions (45 to choose one")
    check_moodle(written)
    assert command.main(["--to", "moodle", "--out", "new/bank"]) == 1
    assert "is there already, and is not written over: give another folder with --out" in capsys.readouterr().err
    assert (tmp_path / "new/bank/moodle.xml").read_bytes() == written
    assert command.main(["--to", "canvas", "--out", "new/bank"]) == 0  # beside it


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--variants", "-1"], "--variants -1: from 1 to 200 of each, or 0 for the lesson's own numbers."),
        (["--variants", "201"], "--variants 201: from 1 to 200"),
        (["--seed", "-3"], "--seed -3: a whole number from 0"),
        (["--out", "file"], "file/moodle.xml cannot be written:"),
    ],
)
def test_is_what_is_wrong_said_in_a_sentence(arguments, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert command.main(["--to", "moodle", *arguments]) == 1
    said = capsys.readouterr().err.strip()
    assert said.startswith(says) and said.endswith(".") and "Traceback" not in said


def test_does_it_say_what_it_could_not_do(tmp_path, capsys, monkeypatch, pools):
    few = [replace(pool, items=pool.items[:2]) if pool.id == "rows-out" else pool for pool in pools["drawn"]]
    left = forms.Pool("some-goal", "Some goal", "05_kernel_size_and_stride", left_out="it is moved")
    monkeypatch.setattr(command, "pools", lambda most, seed: [*few, left])
    assert command.main(["--to", "canvas", "--variants", "3", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "Fewer variants than 3, as there are no more: 05 How many rows come out (2)." in said
    assert "as none can vary: 02 An activation, before or after; " in said
    assert "Left out, as it is moved: 05 Some goal." in said


# ---- would the checks notice? ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["rows-out", "lone-average", "default-stride", "first-windows", "lost-row", "never-read"]
)
def test_is_a_wrong_key_in_a_file_noticed(name, monkeypatch):
    q = question(name)
    pool = [forms.Pool(name, q.title, q.lesson, [forms.item(q)])]
    check_moodle(moodle(pool))
    check_canvas(canvas(pool))
    wrong = next(entry["value"] for entry in q.choices + q.mistakes if entry.get("misconception"))
    monkeypatch.setitem(answers.ANSWERS, q.answer, lambda _: wrong)
    spoilt = [forms.Pool(name, q.title, q.lesson, [forms.item(replace(q))])]
    for check, write in ((check_moodle, moodle), (check_canvas, canvas)):
        with pytest.raises((AssertionError, StopIteration, KeyError)):
            check(write(spoilt))


def test_are_lost_feedback_and_a_choice_that_pays_noticed():
    data = moodle(
        [forms.Pool("lost-row", "Rows that no window reads", "06_padding", [forms.item(question("lost-row"))])]
    ).decode()
    check_moodle(data)
    for old, new in (("padding covers the edges", "hm"), ('fraction="0"', 'fraction="100"')):
        assert old in data
        with pytest.raises(AssertionError):
            check_moodle(data.replace(old, new))
