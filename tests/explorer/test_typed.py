"""Is what a page sends answered, what is typed there taken or refused in a sentence, and nonsense ignored?"""

import math

import pytest
import torch

from harness import key, shown
from pooling_course import GradientFlow, Pooling, PoolingExplorer, images


@pytest.fixture
def sent(explorer, monkeypatch):
    """What the explorer has sent to its page."""
    found = []
    monkeypatch.setattr(explorer, "send", lambda content, buffers=None: found.append(content))
    return found


# --- what the browser sends ---------------------------------------------------------------------------------------


def test_a_state_that_was_not_sent_ahead_is_sent_when_asked_for(explorer, sent):
    names = [key(Pooling("max", 6)), key(Pooling("avg", (1, 6), 1, divisor_override=3)), key(Pooling("max", 99))]
    explorer._answer(None, {"type": "want", "keys": names}, [])
    entries = [entry for message in sent for entry in message["entries"]]
    assert [entry["key"] for entry in entries] == names
    assert "take a smaller kernel_size" in entries[2]["error"] and "error" not in entries[0]
    assert {message["serial"] for message in sent} == {explorer.book["input"]["serial"]}


def test_asking_twice_in_one_message_is_answered_once(explorer, sent):
    explorer._answer(None, {"type": "want", "keys": [key(Pooling("max", 2))] * 3}, [])
    assert len(sent) == len(sent[0]["entries"]) == 1


GARBAGE = [
    None,
    "want",
    [],
    {},
    {"type": "want"},
    {"type": "want", "keys": None},
    {"type": "want", "keys": "max 2 2 2 2 0 0 0 1 1"},
    {
        "type": "want",
        "keys": [None, 5, "", "max", "sum 2 2 2 2 0 0 0 1 1", "max 2 2 2 2 9 9 0 1 1", "avg 2 2 2 2 0 0 0"],
    },
    {"type": "want", "keys": [[], {}]},
    {"type": "edit"},
    {"type": "edit", "channel": 0, "row": 99, "col": 0, "text": "5"},
    {"type": "edit", "channel": 0, "row": -1, "col": 0, "text": "5"},
    {"type": "edit", "channel": 1, "row": 0, "col": 0, "text": "5"},
    {"type": "edit", "channel": 0, "row": None, "col": [0], "text": "5"},
    {"type": "edit", "channel": 0, "row": True, "col": 0, "text": "5"},
    {"type": "edit", "channel": 0, "row": 0, "col": 0, "text": None},
    {"type": "hack", "x": 1},
]


@pytest.mark.parametrize("message", GARBAGE, ids=str)
def test_a_message_that_makes_no_sense_changes_nothing(explorer, sent, message):
    before = shown(explorer)
    explorer._answer(None, message, [])
    assert shown(explorer) == before and sent == []


def edit(explorer, row, col, text, channel=0):
    explorer._answer(None, {"type": "edit", "channel": channel, "row": row, "col": col, "text": text}, [])


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("-1.5", -1.5), ("1e3", 1000), ("inf", math.inf), ("0.1", 0.1)])
def test_a_typed_number_becomes_the_cell(explorer, text, value):
    was, serial = explorer.x.clone(), explorer.book["input"]["serial"]
    edit(explorer, 2, 3, text)
    was[2, 3] = value
    assert torch.equal(explorer.x, was) and explorer.message == "" and explorer.preset == ""
    assert explorer.book["input"]["serial"] == serial + 1
    assert torch.equal(images.preset("worked")[2], torch.tensor([4.0, 2, 7, 8, 1, 0]))


def test_typing_leaves_the_learners_own_tensor_alone(explorer):
    explorer.x = mine = torch.zeros(2, 2)
    edit(explorer, 0, 0, "5")
    assert explorer.x[0, 0] == 5 and mine[0, 0] == 0


def test_a_fraction_may_be_typed(explorer):
    edit(explorer, 0, 0, "-1/8")
    assert explorer.x[0, 0] == -0.125


def test_nan_may_be_typed_and_wins(explorer):
    edit(explorer, 0, 0, "nan")
    assert math.isnan(explorer.trace.output[0, 0])


def test_a_cell_of_one_channel_alone_is_edited():
    explorer = PoolingExplorer(torch.zeros(3, 4, 4))
    edit(explorer, 1, 2, "7", channel=2)
    assert explorer.x.nonzero().tolist() == [[2, 1, 2]]


def test_a_cell_typed_into_a_part_leaves_it_a_part():
    explorer = PoolingExplorer(torch.randn(1, 600, 600), "max")
    part = explorer.book["input"]["part"]
    edit(explorer, 0, 0, "5")
    assert explorer.x[0, 0, 0] == 5 and explorer.book["input"]["part"] == part != ""
    explorer.x = "worked"
    assert explorer.book["input"]["part"] == "" and "middle" not in repr(explorer)


@pytest.mark.parametrize(
    ("dtype", "text", "sentence"),
    [
        (torch.float32, "five", "'five' is not a number, such as -1.5, 1/3 or nan; the cell keeps its value."),
        (torch.float32, "", "'' is not a number, such as -1.5, 1/3 or nan; the cell keeps its value."),
        (torch.float32, "1/0", "'1/0' is not a number, such as -1.5, 1/3 or nan; the cell keeps its value."),
        (torch.int64, "2.5", "'2.5' is not a whole number; the cell keeps its value."),
        (torch.int64, "9" * 30, f"'{'9' * 30}' does not fit into torch.int64; the cell keeps its value."),
        (torch.uint8, "256", "'256' does not fit into torch.uint8; the cell keeps its value."),
    ],
)
def test_a_wrong_text_gives_a_sentence_each_time_and_the_cell_keeps_its_value(dtype, text, sentence):
    explorer = PoolingExplorer(torch.ones(4, 4).to(dtype))
    said = []
    explorer.observe(lambda change: said.append(change.new), "message")
    edit(explorer, 0, 0, text)
    edit(explorer, 0, 0, text)
    assert said == [sentence, "", sentence]
    assert torch.equal(explorer.x, torch.ones(4, 4).to(dtype))
    edit(explorer, 0, 0, "3")
    assert explorer.message == "" and explorer.x[0, 0] == 3


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"kernel_size": 0}, "kernel_size=0: kernel_size must be at least 1."),
        ({"padding": 2}, "padding may be at most kernel_size // 2 = 1"),
        ({"kernel_size": 3, "padding": 5}, "padding may be at most"),
        ({"stride": "two"}, "stride takes whole numbers only."),
        ({"kind": "sum"}, "is not a pooling"),
        ({"compare": "yes"}, "expected a boolean"),
        ({"preset": "lena"}, "there is no preset"),
    ],
)
def test_a_refused_change_from_the_page_shows_why_and_is_taken_back(explorer, monkeypatch, state, sentence):
    before, returned = shown(explorer), []
    monkeypatch.setattr(explorer, "send_state", lambda key=None: returned.append(key))
    explorer.set_state(state)
    assert sentence in explorer.message and shown(explorer) == before
    assert list(state) in returned
    explorer.set_state({"kernel_size": 3})
    assert explorer.message == "" and explorer.pooling == Pooling("max", 3, 2)


def test_a_kernel_and_its_padding_may_arrive_together(explorer):
    explorer.set_state({"kernel_size": 5, "padding": 2})
    explorer.set_state({"padding": 1, "kernel_size": [2, 3]})
    assert explorer.pooling == Pooling("max", (2, 3), 2, 1) and explorer.message == ""


# --- an upstream gradient typed in ---------------------------------------------------------------------------------


def type_upstream(flow, row, col, text, kind="max"):
    flow._answer(None, {"type": "upstream", "kind": kind, "channel": 0, "row": row, "col": col, "text": text}, [])


def test_a_typed_upstream_gradient_is_kept_and_those_before_it_are_forgotten():
    flow = GradientFlow()
    for i in range(5):
        type_upstream(flow, 0, i % 3, f"{i}.5")
    assert flow.upstream.tolist() == [[3.5, 4.5, 2.5], [1, 1, 1], [1, 1, 1]] and flow.message == ""
    assert list(flow._upstreams) == [0, flow.own["serial"]] == [0, 5]


def test_where_no_window_fits_a_typed_upstream_gradient_gets_a_sentence():
    flow = GradientFlow("worked", torch.nn.MaxPool2d(3, dilation=3), compare=True)
    type_upstream(flow, 0, 0, "2", kind="avg")
    assert "one window reaches over 7 cells, but there are 6" in flow.message and flow.upstream is None


def test_an_upstream_gradient_typed_into_the_output_of_another_size_gets_a_sentence():
    flow = GradientFlow("worked", torch.nn.MaxPool2d(2, 1, dilation=2), compare=True)
    type_upstream(flow, 0, 0, "2", kind="avg")
    layer = "nn.MaxPool2d(kernel_size=2, stride=1, dilation=2)"
    assert flow.message == f"The upstream gradient is that of {layer}, 4 x 4: type it in there."
    flow.dilation = 1
    type_upstream(flow, 0, 0, "2", kind="avg")
    assert flow.message == "" and flow.upstream[0, 0] == 2
