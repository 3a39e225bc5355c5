"""Does docs/frontends.md tell what a page and Python say to each other: each message, its fields, a working example?"""

import ast
import json
import re

import pytest

from harness import ROOT
from pooling_course import PoolingExplorer, quiz
from pooling_course.web.assets import PACKAGE

PAGE = (ROOT / "docs" / "frontends.md").read_text(encoding="utf-8")
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in [*PACKAGE.rglob("*.js"), ROOT / "site" / "mount.js"]}
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
SOURCES = {name: text for name, text in SOURCES.items() if re.search(r"\bon_msg\(|\.send\(", text)}


CARDS = ("card.js", "challenge.js")  # which ask more than an explorer does
INSTEAD = SCRIPTS.pop("answers.js")  # it plays Python's part where no Python answers


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("POOLING_COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))


# ---- What the page says ----------------------------------------------------------------------------------------------


def documented(page):
    """{message: (its example, the fields that are explained, whether Python says it)}."""
    found = {}
    for name, text in re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", page, re.M | re.S):
        example = json.loads(re.search(r"^```json\n(.*?)^```$", text, re.M | re.S)[1])
        heads = re.findall(r"^- ((?:`\w+`(?:, )?)+):", text, re.M)
        fields = {field for head in heads for field in re.findall(r"\w+", head)}
        found[name] = example, fields, text.lstrip().startswith("From an explorer to the page")
    return found


DOCUMENTED = documented(PAGE)

# ---- What the code says ----------------------------------------------------------------------------------------------


def sent_by_the_page(scripts):
    """(message, its fields) of every `send({...})` in JavaScript.

    Raises:
        ValueError: a call whose message cannot be read here.
    """
    for name, text in scripts.items():
        for call in re.finditer(r"\.send\((.{0,200})", text, re.S):
            given = re.match(r"\{([^{}]*)\}\)", call[1])
            fields = re.findall(r"(?:^|,)\s*(\w+)", given[1]) if given else []
            literal = re.match(r'\s*type: "(\w+)"', given[1]) if given else None
            chosen = re.findall(r"const type = ([^;]*);", text[: call.start()])  # send({ type, ... })
            types = [literal[1]] if literal else re.findall(r'\? "(\w+)"', chosen[-1]) if chosen else []
            if "type" not in fields or not types:
                raise ValueError(f"{name} sends {call[1][:60]!r}: write the type out in the call.")
            yield from ((type, set(fields) - {"type"}) for type in types)


def heard_by_the_page(scripts):
    for text in scripts.values():
        yield from re.findall(r'content\.type [!=]== "(\w+)"', text)


def said_by_python(sources):
    """(messages sent, messages heard) in Python."""
    sent, heard = set(), set()
    for text in sources.values():
        for function in [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]:
            about = {"content.get('type')"}  # the names under which a function has the type
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and ast.unparse(node.value) in about:
                    about |= {ast.unparse(target) for target in node.targets}
            for node in ast.walk(function):
                if isinstance(node, ast.Compare) and ast.unparse(node.left) in about:
                    heard |= {value.value for value in node.comparators}
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".send") and node.args:
                    sent |= {ast.literal_eval(value) for key, value in pairs(node.args[0]) if key == "type"}
    return sent, heard


def pairs(node):
    return [(k.value, v) for k, v in zip(node.keys, node.values, strict=True)] if isinstance(node, ast.Dict) else []


# ---- Do they agree? --------------------------------------------------------------------------------------------------


def disagreements(page, scripts, sources):
    """A sentence for each message, or field of one, that the document and the code do not share."""
    told = documented(page)
    by_python, to_python = ({name for name, found in told.items() if found[2] is side} for side in (True, False))
    sent, heard = said_by_python(sources)
    fields = {}
    for name, found in sent_by_the_page(scripts):
        fields.setdefault(name, set()).update(found)
    for what, code, document in (
        ("sent by the page", set(fields), to_python),
        ("heard by Python", heard, to_python),
        ("sent by Python", sent, by_python),
        ("heard by the page", set(heard_by_the_page(scripts)), by_python),
    ):
        yield from (f"{name!r} is {what}, and not documented" for name in sorted(code - document))
        yield from (f"{name!r} is documented, and not {what}" for name in sorted(document - code))
    for name, (example, explained, _) in told.items():
        if example["type"] != name or set(example) - {"type"} != explained:
            yield f"the example of {name!r} has other fields than are explained"
        if name in to_python and not explained <= fields.get(name, set()):
            yield f"{name!r} is sent without {sorted(explained - fields.get(name, set()))}"
        if name in to_python and fields.get(name, set()) - explained - {"kind"}:  # which means nothing to an edit
            yield f"{name!r} is sent with {sorted(fields[name] - explained)}, and nothing explains that"


def test_a_page_alone_answers_what_the_document_says():
    told = re.findall(r"`(\w+)`", re.search(r"An explorer then answers (.*?) by itself", PAGE, re.S)[1])
    assert set(told) == set(heard_by_the_page({"answers.js": INSTEAD})) < set(DOCUMENTED)


def test_the_document_and_the_code_have_the_same_messages():
    assert list(disagreements(PAGE, SCRIPTS, SOURCES)) == []
    assert len(DOCUMENTED) == 9 and "`alone`" in PAGE and 'get("alone")' in INSTEAD


def test_a_page_without_python_hears_what_the_explorer_says_to_python():
    explorer = {name: text for name, text in SCRIPTS.items() if "send(" in text and name not in CARDS}
    said = {name for name, _ in sent_by_the_page(explorer)}
    assert set(heard_by_the_page({"answers.js": INSTEAD})) == said == {"want", "edit", "upstream"}


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_message_left_out_is_noticed(name):
    """Of the document, of the page, of Python."""
    less = re.sub(rf"^### `{name}`\n.*?(?=^##)", "", PAGE, flags=re.M | re.S)
    assert any(f"'{name}' is" in said and "not documented" in said for said in disagreements(less, SCRIPTS, SOURCES))
    renamed = [
        {file: text.replace(f'"{name}"', f'"{name}ed"') for file, text in texts.items()} for texts in (SCRIPTS, SOURCES)
    ]
    for scripts, sources in ((renamed[0], SOURCES), (SCRIPTS, renamed[1])):
        said = list(disagreements(PAGE, scripts, sources))
        assert any(f"'{name}' is documented, and not" in sentence for sentence in said)
        assert any(f"'{name}ed' is" in sentence for sentence in said)


def test_a_field_that_is_not_explained_is_noticed():
    less = PAGE.replace("- `seconds`: how long it took.\n", "", 1)
    assert "the example of 'commit' has other fields than are explained" in disagreements(less, SCRIPTS, SOURCES)
    more = SCRIPTS | {"card.js": SCRIPTS["card.js"].replace("confidence, seconds }", "confidence, seconds, mood }")}
    assert "'commit' is sent with ['mood'], and nothing explains that" in disagreements(PAGE, more, SOURCES)


def test_a_message_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="a.js sends 'made"):
        list(sent_by_the_page({"a.js": "this.model.send(made(1));"}))


# ---- Do the examples work? -------------------------------------------------------------------------------------------


def hear(widget, message):
    """The widget hears the message as from a page; returns what it sends."""
    said = []
    widget.send = lambda content, buffers=None: said.append((content, buffers))
    widget._handle_custom_msg(message, [])
    return said


def example(name):
    return json.loads(json.dumps(DOCUMENTED[name][0]))


def test_want_is_answered_by_have():
    explorer = PoolingExplorer("worked")
    ((answer, buffers),) = hear(explorer, example("want"))
    have = example("have")
    assert set(answer) == set(have) and [entry["key"] for entry in answer["entries"]] == example("want")["keys"]
    assert answer["serial"] == explorer.book["input"]["serial"] and len(buffers) == 1
    assert answer["entries"][0] == have["entries"][0]


def test_edit_and_upstream_change_one_number():
    explorer = PoolingExplorer("worked", direction="backward")
    message = example("edit")
    hear(explorer, message)
    assert explorer.x[message["row"], message["col"]] == float(message["text"])
    message = example("upstream")
    hear(explorer, message)
    assert explorer.upstream[message["row"], message["col"]] == float(message["text"])
    assert explorer.upstream_mode == "own" and explorer.message == ""


def test_check_and_hint_do_what_they_say():
    challenge = quiz("reach-four-windows")
    hear(challenge, example("check"))
    (attempt,) = challenge.attempts
    assert attempt["answer"] == example("check")["answer"] and attempt["feedback"]["right"]
    hear(challenge, example("hint"))
    assert len(challenge.given) == 1


def test_commit_again_and_explore_do_what_they_say():
    box = quiz("signed-window")
    card = box.quiz
    hear(card, example("commit"))
    (attempt,) = card.attempts
    assert attempt["answer"] == example("commit")["answer"] and attempt["confidence"] == 2 and not card.answering
    hear(card, example("explore"))
    assert card.opened and isinstance(box.children[1], PoolingExplorer)
    hear(card, example("again"))
    assert card.answering and not card.draft
