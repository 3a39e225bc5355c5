"""Does a page answer the explorer as Python does, message for message, and stand in only where Python does not?"""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from harness.engine import Case, Judge
from harness.node import answers, node
from pooling_course import PoolingExplorer
from pooling_course.explorer.states import is_name
from pooling_course.web import assets

MODULE = "explorer/answers.js"
DRIVER = Path(__file__).with_name("answers.mjs")
FRACTIONAL = nn.FractionalMaxPool2d(2, 3, _random_samples=torch.tensor([[[0.25, 0.75]]]))
LAYERS = [
    nn.MaxPool2d(2),
    nn.AvgPool2d(3, 1, 1),
    nn.AdaptiveAvgPool2d(3),
    nn.LPPool2d(2, 2),
    nn.Conv2d(1, 1, 2, bias=False),
]


@pytest.fixture
def play(tmp_path):
    """play(explorers, does) -> [{"heard", "sent"}] of pages with the explorers' state on which `does` happens."""
    node()

    def played(explorers, does, source=None, **more):
        cases = [{"state": state_of(e), "does": doing, **more} for e, doing in zip(explorers, does, strict=True)]
        return answers(tmp_path, DRIVER, source or assets.script(MODULE), cases)

    return played


def state_of(explorer):
    """The traits as a page holds them."""
    names = ("book", "own", "message", "preset", "upstream_mode", "weights", "kind", "kinds", "chosen", *SETTINGS)
    return json.loads(json.dumps({name: getattr(explorer, name) for name in names} | {"alone": True}, default=as_text))


def as_text(data):
    return {"base64": base64.b64encode(data).decode()}


def raw(told):
    return base64.b64decode(told["base64"])


SETTINGS = ["kernel_size", "stride", "padding", "dilation", "ceil_mode", "count_include_pad", "divisor_override"]
SETTINGS += ["output_size", "norm_type"]


def hear(explorer, message):
    """What Python answers: [("have", content, bytes)]."""
    heard = []
    explorer.send = lambda content, buffers: heard.append((content, bytes(buffers[0])))
    explorer._answer(None, message, None)
    return heard


# --- states -----------------------------------------------------------------------------------------------------------


def test_states_asked_for_are_those_of_python(play):
    explorers = [
        PoolingExplorer("worked", layer, upstream=torch.rand(layer(torch.rand(1, 6, 6)).shape[1:])) for layer in LAYERS
    ]
    asked = [[key for p in [e.pooling] for key in (p.key(), f"grad0 {p.key()}", f"grad1 {p.key()}")] for e in explorers]
    judged = Judge()
    for e, keys, page in zip(explorers, asked, play(explorers, [[want(keys)] for keys in asked]), strict=True):
        ((_, content, data),) = having(page)
        assert content["type"] == "have" and content["serial"] == e.book["input"]["serial"]
        assert [entry["key"] for entry in content["entries"]] == keys
        judged.judge(Case(e.pooling, e.x[None], e._typed_in), (content["entries"], raw(data)))
    assert not judged.wrong and len(judged.settings) == len(LAYERS)


def want(keys):
    return ["send", {"type": "want", "keys": keys}]


def having(page):
    return [heard for heard in page["heard"] if heard[0] == "have"]


REFUSED = [
    "max 7 7 1 1 0 0 0 1 1",
    "max 3 3 1 1 0 0 0 4 1",
    "avg 5 7 1 1 2 3 0 1 -",
    "max 2 2 1 1 1 1 0 9 9",
    "max 2 2 2 2 0 0 1 8 8",
    "lp 9 9 1 1 0 2",
    "conv 1 1 0 0 9 9",
    "adaptive-max 3000 3000",
    "avg 1 1 1 1 0 0 0 1 -",
    "adaptive-avg 3 3",
    "fractional-max 3 3 5 5 0.5 0.5",
    "fractional-max 2 2 2 2 0.1 0.9",
    "grad7 max 2 2 2 2 0 0 0 1 1",
    "grad1 max 2 2 2 2 0 0 0 1 1",
    "grad0 max 2 2 2 2 0 0 0 1 1",
]
INPUTS = [
    torch.rand(6, 6),
    torch.rand(3, 5, 7),
    torch.rand(1, 9),
    torch.rand(4, 4).double(),
    torch.arange(36).reshape(6, 6),
]
INPUTS += [INPUTS[4].to(dtype) for dtype in (torch.int32, torch.uint8)]


def test_what_cannot_be_is_refused_in_pythons_words(play):
    explorers = [PoolingExplorer(x, nn.Conv2d(2, 2, 2, groups=2) if i == 1 else "max") for i, x in enumerate(INPUTS)]
    explorers[0].upstream = torch.rand(3, 3)
    keys = [[key for key in REFUSED if is_name(key, e._lender)] for e in explorers]
    said = 0
    for e, asked, page in zip(explorers, keys, play(explorers, [[want(k)] for k in keys]), strict=True):
        theirs = {
            entry["key"]: entry.get("error") for content, _ in hear(e, want(asked)[1]) for entry in content["entries"]
        }
        ours = {entry["key"]: entry.get("error") for _, content, _ in having(page) for entry in content["entries"]}
        assert ours == theirs
        said += sum(error is not None for error in ours.values())
    assert said > 60


@pytest.mark.parametrize(
    "key",
    [
        "",
        "max",
        "max 2 2",
        "min 2 2 2 2 0 0 0 1 1",
        "max 2 2 2 2 0 0 0 1 x",
        "grad max 2 2 2 2 0 0 0 1 1",
        "lp 2 2 2 2 0 inf",
        "toString",
        "max 2.5 2 2 2 0 0 0 1 1",
    ],
)
def test_what_is_no_name_is_refused_too(play, key):
    (page,) = play([PoolingExplorer()], [[want([key])]])
    ((_, content, _),) = having(page)
    assert "cannot pool" in content["entries"][0]["error"]


ILLEGAL = [
    ("avg 3 3 1 1 2 2 0 1 -", {"kernel_size": 3, "stride": 1, "padding": 2}),
    ("max 2 4 1 1 1 3 0 2 2", {"kernel_size": (2, 4), "stride": 1, "padding": (1, 3), "dilation": 2}),
    ("avg 2 2 2 2 0 0 0 1 0", {"kernel_size": 2, "divisor_override": 0}),
    ("max 0 2 1 1 0 0 0 1 1", {"kernel_size": (0, 2), "stride": 1}),
    ("max 2 2 0 0 0 0 0 1 1", {"kernel_size": 2, "stride": 0}),
]


@pytest.mark.parametrize(("key", "settings"), ILLEGAL)
def test_settings_that_torch_refuses_are_refused_in_pythons_words(play, key, settings):
    from pooling_course import Pooling

    with pytest.raises(ValueError) as error:
        Pooling(key[:3], **settings)
    (page,) = play([PoolingExplorer()], [[want([key])]])
    assert having(page)[0][1]["entries"][0]["error"] == str(error.value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_dtypes_that_the_page_cannot_pool_are_refused(play, dtype):
    (page,) = play([PoolingExplorer(torch.rand(4, 4).to(dtype))], [[want(["avg 2 2 2 2 0 0 0 1 -"])]])
    assert str(dtype).removeprefix("torch.") in having(page)[0][1]["entries"][0]["error"]


def test_weights_that_are_not_finite_are_refused(play):
    layer = nn.Conv2d(1, 1, 2)
    layer.weight.data[..., 0] = torch.inf
    (page,) = play([PoolingExplorer("worked", layer)], [[want(["conv 1 1 0 0 1 1"])]])
    assert "finite" in having(page)[0][1]["entries"][0]["error"]


def test_whole_numbers_too_large_to_be_added_here_are_refused(play):
    pages = play(
        [PoolingExplorer(torch.tensor([[2**50, 1], [1, 1]])) for _ in range(2)],
        [[want(["avg 2 2 2 2 0 0 0 1 -"])], [want(["avg 1 1 1 1 0 0 0 1 -"])]],
    )
    assert ["error" in having(page)[0][1]["entries"][0] for page in pages] == [False, False]
    (page,) = play([PoolingExplorer(torch.tensor([[2**52, 1], [1, 1]]))], [[want(["avg 2 2 2 2 0 0 0 1 -"])]])
    assert "2**53" in having(page)[0][1]["entries"][0]["error"]


# --- cells typed in ---------------------------------------------------------------------------------------------------

TEXTS = [
    "5",
    "-1.5",
    "0,25",
    "−3",
    "1/3",
    " 2 ",
    ".5",
    "5.",
    "1e3",
    "nan",
    "-nan",
    "inf",
    "-Infinity",
    "0.1",
    "1e39",
    "-3.5e38",
    "3.4028235e38",
]
TEXTS += [
    "",
    "x",
    "1/0",
    "1/2/3",
    "1e",
    "0x10",
    "1_0",
    "'",
    '"',
    'it\'s "so"',
    "\\",
    "1 2",
    "--1",
    "5/2",
    "300",
    "-200",
    "99999999999999",
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "x", [INPUTS[0], INPUTS[1], *INPUTS[3:6]], ids=lambda x: f"{str(x.dtype)[6:]} {tuple(x.shape)}"
)
def test_a_cell_typed_in_holds_what_python_would_give_it(play, x):
    at = (x.ndim - 2, 1, 2)
    messages = [{"type": "edit", "channel": at[0], "row": at[1], "col": at[2], "text": text} for text in TEXTS]
    pages = play([PoolingExplorer(x) for _ in TEXTS], [[["send", message]] for message in messages])
    taken = 0
    for message, page in zip(messages, pages, strict=True):
        e = PoolingExplorer(x)
        e._answer(None, message, None)
        heard = dict(entry[:2] for entry in page["heard"])
        assert heard["message"] == e.message, message
        assert ("book" in heard) == (e.message == ""), message
        if "book" in heard:
            taken += 1
            given, own = heard["book"]["input"], e.book["input"]
            ours, theirs = (np.frombuffer(data, f"<{given['float']}") for data in (raw(given["data"]), own["data"]))
            assert np.array_equal(ours, theirs, equal_nan=True), message
            assert given["serial"] != PoolingExplorer(x).book["input"]["serial"]
            assert {n: given[n] for n in ("shape", "dtype", "index", "whole")} == {
                n: own[n] for n in ("shape", "dtype", "index", "whole")
            }
            assert "preset" not in heard  # it had no name before
    assert taken >= 5


def test_an_input_by_name_that_is_typed_into_is_the_learners_own(play):
    (page,) = play(
        [PoolingExplorer("worked")], [[["send", {"type": "edit", "channel": 0, "row": 1, "col": 2, "text": "7"}]]]
    )
    assert [heard[1] for heard in page["heard"] if heard[0] == "preset"] == [""]


@pytest.mark.parametrize("at", [(0, 6, 0), (0, 0, -1), (1, 0, 0), (0, 0.5, 0)])
def test_a_cell_that_is_not_there_changes_nothing(play, at):
    message = dict(zip(("channel", "row", "col"), at, strict=True), type="edit", text="5")
    (page,) = play([PoolingExplorer()], [[["send", message]]])
    assert page["heard"] == [["note", ""]]


def test_what_is_typed_in_is_pooled(play):
    edit = ["send", {"type": "edit", "channel": 0, "row": 0, "col": 0, "text": "100"}]
    (page,) = play([PoolingExplorer()], [[edit, want(["max 2 2 2 2 0 0 0 1 1"]), edit]])
    serials = [heard[1]["input"]["serial"] for heard in page["heard"] if heard[0] == "book"]
    assert len(set(serials)) == 2 and having(page)[0][1]["serial"] == serials[0]
    assert np.frombuffer(raw(having(page)[0][2]), "<u2")[0] == 0  # where 100 is


# --- an upstream gradient typed in ------------------------------------------------------------------------------------


def upstream(text, kind="max", row=0, col=1):
    return {"type": "upstream", "kind": kind, "channel": 0, "row": row, "col": col, "text": text}


@pytest.mark.slow
@pytest.mark.parametrize("text", ["5", "1/8", "-0,5", "x", "1/0", "nan"])
@pytest.mark.parametrize("given", [None, torch.arange(9.0).reshape(3, 3)])
def test_an_upstream_gradient_typed_in_is_that_of_python(play, text, given):
    e = PoolingExplorer("worked", "max", direction="backward", upstream=given)
    (page,) = play(
        [e], [[["send", upstream(text)], want(["grad1 max 2 2 2 2 0 0 0 1 1", "grad2 max 2 2 2 2 0 0 0 1 1"])]]
    )
    e._answer(None, upstream(text), None)
    heard = dict(entry[:2] for entry in page["heard"])
    assert heard["message"] == e.message
    if e.message:
        assert "own" not in heard
        return
    assert np.array_equal(
        np.frombuffer(raw(heard["own"]["data"]), "<f8"), np.frombuffer(e.own["data"], "<f8"), equal_nan=True
    )
    assert {n: heard["own"][n] for n in ("serial", "shape", "input")} == {
        n: e.own[n] for n in ("serial", "shape", "input")
    }
    assert heard["upstream_mode"] == "own"
    entries = {entry["key"]: entry for entry in having(page)[0][1]["entries"]}
    assert entries[f"grad{e.own['serial']} max 2 2 2 2 0 0 0 1 1"]["totals"] == e.own["book"]["entries"][0]["totals"]


def test_an_upstream_gradient_is_typed_in_where_it_fits(play):
    e = PoolingExplorer("worked", nn.MaxPool2d(2, dilation=2), compare=True, direction="backward")
    wrong = PoolingExplorer(torch.rand(3, 3), nn.MaxPool2d(2, dilation=3), direction="backward")
    for one, kind in ((e, "avg"), (wrong, "max")):
        (page,) = play([one], [[["send", upstream("5", kind)]]])
        one._answer(None, upstream("5", kind), None)
        assert dict(entry[:2] for entry in page["heard"])["message"] == one.message != ""


# --- who answers ------------------------------------------------------------------------------------------------------

KEY = "max 3 3 3 3 0 0 0 1 1"


def test_in_a_notebook_python_answers_and_the_page_only_where_it_does_not(play, monkeypatch):
    monkeypatch.setitem(globals(), "state_of", lambda e, true=state_of: true(e) | {"alone": False})
    edit = {"type": "edit", "channel": 0, "row": 0, "col": 0, "text": "7"}
    does = [want([KEY]), ["wait"], ["send", edit], want([KEY]), ["python", "message", ""], want([KEY])]
    (page,) = play([PoolingExplorer()], [does], python="nothing")
    names = [heard[0] for heard in page["heard"]]
    assert names == [
        "note",
        "have",
        "note",
        "message",
        "book",
        "preset",
        "note",
        "have",
        "note",
        "message",
        "note",
        "note",
    ]
    notes = [heard[1] for heard in page["heard"] if heard[0] == "note"]
    assert [bool(note) for note in notes] == [False, True, True, True, False, False] and "Python" in notes[1]
    assert page["sent"] == [
        want([KEY])[1],
        edit,
        want([KEY])[1],
    ]  # Python hears of what is typed, for it may be busy only
    assert page["left"] <= 0


def test_another_input_is_given_up_where_python_does_not_bring_it(play, monkeypatch):
    monkeypatch.setitem(globals(), "state_of", lambda e, true=state_of: true(e) | {"alone": False})
    does = [["set", "preset", "edge"], ["wait"]]
    (page,) = play([PoolingExplorer()], [does], python="nothing")
    presets = [heard[1] for heard in page["heard"] if heard[0] == "preset"]
    messages = [heard[1] for heard in page["heard"] if heard[0] == "message"]
    assert presets == ["edge", "worked"] and "another input" in messages[-1]


def test_of_two_inputs_that_do_not_come_neither_is_said_to_be_there(play, monkeypatch):
    monkeypatch.setitem(globals(), "state_of", lambda e, true=state_of: true(e) | {"alone": False})
    does = [["set", "preset", "edge"], ["set", "preset", "digit"], ["wait"]]
    (page,) = play([PoolingExplorer()], [does], python="nothing")
    presets = [heard[1] for heard in page["heard"] if heard[0] == "preset"]
    assert presets == ["edge", "digit", "worked"]


def test_what_python_says_replaces_what_the_page_made_up(play, monkeypatch):
    monkeypatch.setitem(globals(), "state_of", lambda e, true=state_of: true(e) | {"alone": False})
    e, other = PoolingExplorer(), PoolingExplorer("ramp")
    edit = {"type": "edit", "channel": 0, "row": 0, "col": 0, "text": "7"}
    book = json.loads(json.dumps(other.book, default=as_text))
    (page,) = play([e], [[["send", edit], ["wait"], ["python", "book", book]]], python="nothing")
    books = [heard[1]["input"] for heard in page["heard"] if heard[0] == "book"]
    assert np.frombuffer(raw(books[0]["data"]), "<f4")[0] == 7
    assert raw(books[1]["data"]) == bytes(other.book["input"]["data"])


def test_where_there_is_no_way_to_a_kernel_the_page_answers_at_once(play, monkeypatch):
    monkeypatch.setitem(globals(), "state_of", lambda e, true=state_of: true(e) | {"alone": False})
    (page,) = play([PoolingExplorer()], [[want([KEY])]], python="closed")
    assert [heard[0] for heard in page["heard"]] == ["have", "note"]


# --- large inputs, in a real browser ----------------------------------------------------------------------------------

PAGE = """({ state, key }) => {
  const bytes = (held) => new DataView(Uint8Array.from(atob(held.base64), (letter) => letter.charCodeAt(0)).buffer);
  const { input } = state.book;
  state.book = { input: { ...input, data: bytes(input.data) }, entries: [], data: bytes({ base64: "" }) };
  const heard = [];
  const page = engineFor({ get: (name) => state[name], set() {}, on() {}, off() {} });
  return new Promise((done) => {
    page.on("msg:custom", ({ entries }, [data]) => {
      heard.push(...entries.map((entry) => entry.key));
      if (heard.length === 3) done([heard, page.workshop.worker !== undefined, [...new Uint8Array(data)], entries]);
    });
    page.send({ type: "want", keys: [key, `grad0 ${key}`] });
    page.send({ type: "want", keys: ["max 2 2 2 2 0 0 0 1 1"] }); // small: at once
  });
}"""


BATCHES = """({ state, keys }) => {
  const bytes = (held) => new DataView(Uint8Array.from(atob(held.base64), (letter) => letter.charCodeAt(0)).buffer);
  const { input } = state.book;
  state.book = { input: { ...input, data: bytes(input.data) }, entries: [], data: bytes({ base64: "" }) };
  const batches = [];
  const page = engineFor({ get: (name) => state[name], set() {}, on() {}, off() {} });
  return new Promise((done) => {
    page.on("msg:custom", ({ entries }) => {
      batches.push(entries.map((entry) => entry.key));
      if (batches.flat().length === keys.length) done(batches);
    });
    page.send({ type: "want", keys });
  });
}"""


@pytest.mark.browser
def test_what_one_message_asks_for_takes_no_longer_than_one_state_may(chromium):
    """Each of these is small; what is too much in all goes to the worker, and what still has room is there at once."""
    keys = [f"max {k} {k} {s} {s} 0 0 0 1 1" for k, s in [(2, 1), (2, 2), (3, 2), (4, 3), (2, 3)]]
    page = chromium.new_page()
    page.add_script_tag(type="module", content=f"{assets.script(MODULE)}\nwindow.engineFor = engineFor;")
    page.wait_for_function("() => window.engineFor")
    first, *later = page.evaluate(BATCHES, {"state": state_of(PoolingExplorer(torch.rand(400, 400))), "keys": keys})
    assert first == [keys[0], keys[1], keys[4]] and later == [[keys[2]], [keys[3]]]
    page.close()


@pytest.mark.browser
def test_what_takes_long_is_pooled_in_a_worker_and_what_is_small_does_not_wait_for_it(chromium):
    x = torch.rand(400, 400, generator=torch.Generator().manual_seed(0))
    e = PoolingExplorer(x, nn.AvgPool2d(5, 1))
    key = e.pooling.key()
    page = chromium.new_page()
    page.add_script_tag(type="module", content=f"{assets.script(MODULE)}\nwindow.engineFor = engineFor;")
    page.wait_for_function("() => window.engineFor")
    heard, by_worker, data, entries = page.evaluate(PAGE, {"state": state_of(e), "key": key})
    assert heard == ["max 2 2 2 2 0 0 0 1 1", key, f"grad0 {key}"] and by_worker
    gradient = np.frombuffer(bytes(data), "<f4", x.numel(), entries[0]["gradient"]).reshape(400, 400)
    assert np.array_equal(gradient, e.trace.backward().numpy())
    page.close()
