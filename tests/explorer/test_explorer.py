"""Are the explorer's settings, input and messages what a learner, a linked widget and a browser may rely on?"""

import html.parser
import math
import random
import subprocess
import sys

import ipywidgets
import numpy as np
import pytest
import torch
import traitlets
from PIL import Image
from torch import nn

from harness import key
from pooling_course import GradientFlow, Pooling, PoolingExplorer, images
from pooling_course.explorer.states import Packer
from pooling_course.maths import words
from pooling_course.maths.kinds import settings_of
from pooling_course.maths.trace import trace


@pytest.fixture
def explorer():
    return PoolingExplorer()


@pytest.fixture
def sent(explorer, monkeypatch):
    """What the explorer has sent to its page."""
    found = []
    monkeypatch.setattr(explorer, "send", lambda content, buffers=None: found.append(content))
    return found


def shown(explorer):
    """Everything a learner sees, as plain data."""
    state = {n: explorer.get_state()[n] for n in ("kind", "kernel_size", "stride", "padding", "compare", "preset")}
    return {**state, "x": explorer.x.tolist(), "cells": explorer.book["input"]["data"]}


# --- settings -----------------------------------------------------------------------------------------------------


def test_it_opens_on_the_worked_map_with_a_2_x_2_max(explorer):
    assert torch.equal(explorer.x, images.preset("worked")) and explorer.preset == "worked"
    assert explorer.pooling == Pooling("max", 2) and not explorer.compare


def test_settings_can_be_set_one_by_one_and_read_as_one(explorer):
    explorer.kernel_size, explorer.stride, explorer.padding, explorer.dilation = 3, (1, 2), [1, 0], 2
    explorer.ceil_mode = True
    assert explorer.pooling == Pooling("max", 3, (1, 2), (1, 0), 2, True)
    assert Pooling.of(explorer.layer) == explorer.pooling
    explorer.kind = "avg"
    explorer.count_include_pad, explorer.divisor_override = False, 7
    assert explorer.pooling == Pooling("avg", 3, (1, 2), (1, 0), 1, True, False, 7)
    assert isinstance(explorer.layer, nn.AvgPool2d) and explorer.layer.divisor_override == 7


def test_switching_the_kind_keeps_what_belongs_to_the_other(explorer):
    explorer.dilation = 2
    explorer.kind = "avg"
    explorer.divisor_override = 3
    explorer.kind = "max"
    assert explorer.pooling.dilation == (2, 2) and explorer.divisor_override == 3


@pytest.mark.parametrize(
    "given", [Pooling("avg", 3, 1, 1, count_include_pad=False), nn.AvgPool2d(3, 1, 1, count_include_pad=False)]
)
@pytest.mark.parametrize("name", ["pooling", "layer"])
def test_pooling_and_layer_set_every_setting(explorer, given, name):
    setattr(explorer, name, given)
    assert (explorer.kind, explorer.kernel_size, explorer.stride, explorer.padding) == ("avg", 3, 1, 1)
    assert explorer.pooling == Pooling("avg", 3, 1, 1, count_include_pad=False) == Pooling.of(explorer.layer)


def test_equal_pairs_are_read_back_as_one_int(explorer):
    explorer.pooling = Pooling("max", (3, 3), (2, 1), (1, 1))
    assert (explorer.kernel_size, explorer.stride, explorer.padding) == (3, (2, 1), 1)


def test_a_smaller_kernel_lowers_the_padding(explorer):
    explorer.kernel_size, explorer.padding = 5, 2
    explorer.kernel_size = (2, 3)
    assert explorer.padding == 1
    explorer.kernel_size = 1
    assert explorer.padding == 0 and explorer.pooling == Pooling("max", 1, 2)


def test_several_settings_may_change_together(explorer):
    explorer.set_trait("kernel_size", 5)
    explorer.padding = 2
    with explorer.hold_trait_notifications():
        explorer.padding, explorer.kernel_size = 1, 3
    assert explorer.pooling == Pooling("max", 3, 2, 1)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("kernel_size", None, "kernel_size takes whole numbers only."),
        ("pooling", None, "is not a 2-D pooling"),
        ("layer", None, "is not a 2-D pooling"),
        ("kind", "sum", "use 'max' (nn.MaxPool2d) or 'avg' (nn.AvgPool2d)."),
        ("kernel_size", 0, "kernel_size must be at least 1."),
        ("kernel_size", 2.5, "kernel_size takes whole numbers only."),
        ("kernel_size", (2, 3, 4), "give one int, or two as (height, width)."),
        ("stride", 0, "stride must be at least 1."),
        ("stride", None, "stride takes whole numbers only."),
        ("padding", 2, "padding may be at most kernel_size // 2 = 1"),
        ("padding", -1, "padding must be at least 0."),
        ("dilation", "2", "dilation takes whole numbers only."),
        ("ceil_mode", 1, "ceil_mode is True or False."),
        ("layer", nn.MaxPool1d(2), "is not a 2-D pooling"),
        ("pooling", "max", "is not a 2-D pooling"),
        ("preset", "lena", "use one of worked,"),
    ],
)
def test_what_torch_refuses_is_refused_in_a_sentence_and_nothing_changes(explorer, name, value, sentence):
    before = shown(explorer), explorer.pooling
    with pytest.raises(traitlets.TraitError) as refusal:
        setattr(explorer, name, value)
    assert sentence in str(refusal.value) and str(refusal.value).endswith(".")
    assert (shown(explorer), explorer.pooling) == before


@pytest.mark.parametrize(("name", "value"), [("count_include_pad", "yes"), ("divisor_override", 0)])
def test_what_an_average_refuses_is_refused(name, value):
    explorer = PoolingExplorer("worked", "avg")
    with pytest.raises(traitlets.TraitError, match=rf"{name}.*\."):
        setattr(explorer, name, value)
    assert explorer.pooling == Pooling("avg", 2)


def test_every_change_is_observed_once(explorer):
    seen = []
    explorer.observe(lambda change: seen.append((change.name, change.new)), ["kernel_size", "padding", "pooling"])
    explorer.kernel_size = 3
    assert seen.count(("kernel_size", 3)) == seen.count(("pooling", Pooling("max", 3, 2))) == 1
    explorer.kernel_size = 3
    assert len(seen) == 2


def test_two_explorers_share_nothing():
    one, other = PoolingExplorer(), PoolingExplorer()
    before = shown(other)
    one.kernel_size, one.x, one.compare = 3, [[1.0, 2.0], [3.0, 4.0]], True
    one.message = "hello"
    assert shown(other) == before and other.message == "" and other.pooling == Pooling("max", 2)
    one.x[0, 0] = 9
    assert torch.equal(PoolingExplorer().x, images.preset("worked"))


# --- among other widgets ------------------------------------------------------------------------------------------


def test_an_int_slider_can_be_linked_in_python(explorer):
    slider = ipywidgets.IntSlider(min=1, max=5, value=3)
    traitlets.link((slider, "value"), (explorer, "kernel_size"))
    assert explorer.kernel_size == 3
    slider.value = 5
    assert explorer.kernel_size == 5
    explorer.kernel_size = 2
    assert slider.value == 2


def test_a_link_of_one_direction_leaves_the_source_alone(explorer):
    slider = ipywidgets.IntSlider(min=1, max=5, value=4)
    traitlets.dlink((slider, "value"), (explorer, "stride"))
    explorer.stride = 1
    assert slider.value == 4 and explorer.stride == 1
    slider.value = 2
    assert explorer.stride == 2


@pytest.mark.parametrize(
    "name", ["kernel_size", "stride", "padding", "dilation", "ceil_mode", "kind", "compare", "preset"]
)
def test_every_setting_can_be_linked_in_the_browser(explorer, name):
    link = ipywidgets.jslink((ipywidgets.IntSlider(), "value"), (explorer, name))
    assert link.target == (explorer, name) and name in explorer.keys


@pytest.mark.parametrize("box", [ipywidgets.HBox, ipywidgets.VBox, ipywidgets.Tab, ipywidgets.Accordion])
def test_it_sits_in_boxes_beside_other_widgets(explorer, box):
    assert box([explorer, ipywidgets.IntSlider()]).children[0] is explorer


# --- relatives ----------------------------------------------------------------------------------------------------

RELATIVES = {
    "adaptive avg": (nn.AdaptiveAvgPool2d(4), ["adaptive max", "adaptive avg"]),
    "adaptive max": (nn.AdaptiveMaxPool2d((2, None)), ["adaptive max", "adaptive avg"]),
    "lp": (nn.LPPool2d(3, 2, stride=1), ["lp", "avg"]),
    "conv": (nn.Conv2d(1, 1, 3, padding=1), ["conv", "avg"]),
    "fractional max": (
        nn.FractionalMaxPool2d(2, output_size=(4, 3), _random_samples=torch.tensor([[[0.3, 0.7]]])),
        ["fractional max", "adaptive max"],
    ),
}


@pytest.mark.parametrize("kind", RELATIVES)
def test_a_relative_opens_beside_its_twin(kind):
    layer, twins = RELATIVES[kind]
    explorer = PoolingExplorer("worked", layer, compare=True)
    assert explorer.kind == kind and explorer.kinds == twins
    assert settings_of(explorer.layer) == explorer.pooling == settings_of(layer)
    with torch.no_grad():
        torch.testing.assert_close(explorer.trace.output, layer(explorer.x[None])[0])
    x = explorer.x.clone().requires_grad_()
    layer(x[None]).sum().backward()
    torch.testing.assert_close(explorer.gradient, x.grad)
    assert explorer.book["entries"][0]["key"] == key(explorer.pooling)
    explorer.kind = next(twin for twin in twins if twin != kind)
    assert explorer.kinds == twins and explorer.pooling.kind != kind
    explorer.layer = nn.MaxPool2d(2)
    assert explorer.kinds == ["max", "avg"]


def test_a_convolution_may_pad_more_than_an_average_and_is_alone_then():
    explorer = PoolingExplorer("worked", nn.Conv2d(1, 1, 3, padding=2))
    assert explorer.padding == explorer.layer.padding[0] == explorer.pooling.padding[0] == 2
    with torch.no_grad():
        torch.testing.assert_close(explorer.trace.output, explorer.layer(explorer.x[None])[0])
    for name, value in [("compare", True), ("kind", "avg")]:
        explorer.set_state({name: value})
        assert "padding may be at most kernel_size // 2 = 1" in explorer.message
        assert explorer.kind == "conv" and not explorer.compare
    explorer.padding = 1
    explorer.compare = True
    with pytest.raises(traitlets.TraitError, match="padding may be at most"):
        explorer.padding = 2
    assert explorer.padding == 1
    explorer.layer = nn.AvgPool2d(2)  # no window of the convolution's size, so not its twin
    assert explorer.kinds == ["max", "avg"] and explorer.kernel_size == 2


LAYERS = [layer for layer, _ in RELATIVES.values()]
LAYERS += [
    nn.MaxPool2d(2),
    nn.MaxPool2d(4, padding=2),
    nn.AvgPool2d(2),
    nn.AvgPool2d(3, padding=1),
    nn.LPPool2d(3, 4, 1),
]
LAYERS += [nn.Conv2d(1, 1, 3, padding=2), nn.Conv2d(1, 1, 5, padding=4), nn.Conv2d(1, 1, (2, 3), padding=(0, 2))]
VALUES = {
    "layer": LAYERS,
    "compare": [True, False],
    "kind": ["max", "avg", "adaptive max", "adaptive avg", "lp", "conv", "fractional max"],
    "padding": [0, 1, 2, (0, 1)],
    "kernel_size": [1, 2, 3, 5, (2, 3)],
    "stride": [1, 2],
}


def state(explorer):
    names = ("pooling", "kind", "kinds", "compare", "kernel_size", "stride", "padding")
    return {name: getattr(explorer, name) for name in names} | {"layer": settings_of(explorer.layer)}


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_set_settings_layer_and_pooling_agree_and_a_refusal_changes_nothing(seed):
    dice = random.Random(seed)
    explorer = PoolingExplorer("worked", dice.choice(LAYERS))
    done = [explorer.layer]
    for _ in range(30):
        name = dice.choice(list(VALUES))
        value = dice.choice(VALUES[name])
        done.append(f"{name} = {value}")
        before = state(explorer)
        try:
            setattr(explorer, name, value)
        except traitlets.TraitError:
            assert state(explorer) == before, done
        assert settings_of(explorer.layer) == explorer.pooling == explorer._of_kind(explorer.kind), done
        assert explorer.kind in explorer.kinds, done
        if explorer.compare:  # both can be shown
            assert [explorer._of_kind(kind).kind for kind in explorer.kinds] == explorer.kinds, done


def test_settings_of_relatives_can_be_set_one_by_one():
    explorer = PoolingExplorer("worked", nn.AdaptiveMaxPool2d(2))
    explorer.output_size = [3, 4]
    assert explorer.layer.output_size == (3, 4)
    explorer.layer = nn.LPPool2d(2, 3, 1)
    explorer.norm_type, explorer.stride = 4, 2
    assert explorer.pooling.code() == "nn.LPPool2d(norm_type=4, kernel_size=3, stride=2)"


def test_other_weights_come_with_states_of_their_own():
    explorer = PoolingExplorer("worked", nn.Conv2d(1, 1, 2, bias=False))
    serial, before = explorer.book["input"]["serial"], explorer.book["data"]
    other = nn.Conv2d(1, 1, 2, bias=False)
    explorer.layer = other
    assert explorer.book["input"]["serial"] == serial + 1 and explorer.book["data"] != before
    assert explorer.weights["weight"] == tuple(tuple(map(tuple, w)) for w in other.weight.detach()[:, 0].tolist())
    explorer.stride = 3
    assert explorer.book["input"]["serial"] == serial + 1


@pytest.mark.parametrize(
    "layer, name, value, says",
    [
        (nn.AdaptiveAvgPool2d(2), "output_size", 0, "a map of no cells is no map"),
        (nn.AdaptiveAvgPool2d(2), "output_size", "2", "whole numbers only"),
        (nn.MaxPool2d(2), "output_size", -1, "a map of no cells is no map"),
        (nn.LPPool2d(2, 2), "norm_type", 0, "a finite number above 0"),
        (nn.MaxPool2d(2), "norm_type", None, "norm_type is a number"),
        (nn.Conv2d(1, 1, 3), "kernel_size", 2, "the weights of this convolution are 3 x 3"),
        (nn.MaxPool2d(2), "kind", "conv", "set layer to a depthwise nn.Conv2d"),
        (nn.MaxPool2d(2), "layer", nn.Conv2d(1, 2, 3), "makes several outputs of each channel"),
    ],
)
def test_what_a_relative_refuses_is_refused_and_nothing_changes(layer, name, value, says):
    explorer = PoolingExplorer("worked", layer)
    before = shown(explorer), explorer.pooling
    with pytest.raises(traitlets.TraitError, match=says):
        setattr(explorer, name, value)
    assert (shown(explorer), explorer.pooling) == before
    explorer.set_state({name: value}) if name != "layer" else None
    assert name == "layer" or says in explorer.message


def test_a_setting_that_does_not_fit_the_input_is_named_where_the_numbers_would_stand():
    explorer = PoolingExplorer(torch.ones(3, 2, 2), nn.Conv2d(1, 1, 1))
    assert "it has weights for 1" in explorer._repr_mimebundle_()[0]["text/html"]
    assert "it has weights for 1" in explorer.book["entries"][0]["error"]


def test_an_upstream_of_ones_own_that_does_not_fit_now_leaves_ones_in_its_place():
    flow = PoolingExplorer("worked", nn.MaxPool2d(2), direction="backward", upstream=torch.full((3, 3), 2.0))
    assert flow.gradient.sum() == 18
    flow.stride = 1
    assert flow.gradient.sum() == 25
    flow.upstream = "chosen"
    flow.set_state({"upstream_mode": "own"})  # chosen on the page, where it is kept
    assert flow.gradient.sum() == 25 and not flow.message
    flow.stride = 2
    assert flow.gradient.sum() == 18
    flow.x = torch.rand(3, 6, 6)
    assert flow.gradient.sum() == 54
    flow.upstream = torch.ones(3, 3, 3)
    flow.x = "worked"
    assert flow.gradient.sum() == 9
    name = f"grad{flow.own['serial']} {key(flow.pooling)}"
    assert "does not fit" in flow._packer.pack([name])["entries"][0]["error"]


# --- input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [
        [[1, 2], [3, 4]],
        np.array([[1, 2], [3, 4]]),
        np.array([[1, 2], [3, 4]], dtype=np.float64),
        torch.tensor([[1, 2], [3, 4]]),
        torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]),
        torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], requires_grad=True),
        torch.tensor([[1, 2], [3, 4]], dtype=torch.bfloat16),
    ],
    ids=["lists", "int array", "float array", "int tensor", "one channel", "a batch of one", "bfloat16"],
)
def test_it_takes_lists_arrays_and_tensors(explorer, x):
    explorer.x = x
    assert explorer.preset == "" and explorer.x.double().flatten().tolist() == [1, 2, 3, 4]
    assert explorer.trace.output.flatten().tolist() == [4] and not explorer.x.requires_grad


def test_it_takes_a_pil_image():
    explorer = PoolingExplorer(Image.new("RGB", (5, 4), (255, 0, 51)))
    assert explorer.x.shape == (3, 4, 5) and explorer.x[:, 0, 0].tolist() == pytest.approx([1, 0, 0.2])


@pytest.mark.parametrize("name", images.PRESETS)
def test_every_preset_can_be_chosen(explorer, name):
    explorer.preset = name
    assert torch.equal(explorer.x, images.preset(name)) and explorer.preset == name
    assert list(explorer.book["input"]["shape"])[-2:] == list(explorer.x.shape[-2:])
    assert key(explorer.pooling) in {entry["key"] for entry in explorer.book["entries"]}


def test_states_say_of_which_input_they_are_though_it_changes_meanwhile(monkeypatch):
    """JupyterLab's messages are heard in a thread beside the one that runs the cells."""
    flow, pack = GradientFlow("worked"), Packer.pack

    def slowly(packer, *given):
        found = pack(packer, *given)
        if packer.x.shape[-1] == 6:
            flow.x = "digit"
        return found

    monkeypatch.setattr(Packer, "pack", slowly)
    worked = flow.book["input"]["serial"]
    flow.upstream = torch.full((3, 3), 2)
    assert flow.own["input"] == worked != flow.book["input"]["serial"]
    flow.x = "worked"  # and at once the digit: the page is left with what Python has
    assert tuple(flow.x.shape) == (8, 8) and flow.book["input"]["shape"] == [1, 8, 8]


@pytest.mark.parametrize(
    ("x", "error", "sentence"),
    [
        (torch.zeros(8, 8, 3, dtype=torch.uint8), ValueError, "looks like (H, W, C)"),
        (torch.zeros(2, 1, 4, 4), ValueError, "(H, W) or (C, H, W); pass x[0]."),
        (torch.zeros(4), ValueError, "shows one image, (H, W) or (C, H, W)."),
        (torch.zeros(0, 4), ValueError, "(0, 4) is empty: "),
        (torch.zeros(3, 4, 0), ValueError, "(3, 4, 0) is empty: "),
        (torch.zeros(4, 4, dtype=torch.complex64), TypeError, "pass x.abs(), x.real or x.imag"),
        (torch.zeros(4, 4, dtype=torch.bool), TypeError, "convert first"),
        ([[1, 2], [3]], TypeError, "is no table of numbers"),
        (None, TypeError, "is no table of numbers"),
        (object(), TypeError, "is no table of numbers"),
        ("lena", ValueError, "there is no preset 'lena'"),
    ],
)
def test_an_input_that_cannot_be_shown_is_refused_in_a_sentence(explorer, x, error, sentence):
    before = shown(explorer)
    with pytest.raises(error) as refusal:
        explorer.x = x
    assert sentence in str(refusal.value) and str(refusal.value).endswith(".")
    assert shown(explorer) == before
    with pytest.raises(error):
        PoolingExplorer(x)


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


# --- how it shows itself elsewhere --------------------------------------------------------------------------------


class Tables(html.parser.HTMLParser):
    """Captions and cells of the tables in a page, as a reader sees them."""

    def __init__(self, text):
        super().__init__()
        self.found, self.at = [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.at = tag
        if tag == "table":
            self.found.append(["", []])
        if tag == "tr":
            self.found[-1][1].append([])

    def handle_data(self, data):
        if self.at == "caption":
            self.found[-1][0] += data
        if self.at in ("td", "b"):
            self.found[-1][1][-1].append(data)


def written(tensor):
    return [[words.number(v) for v in row] for row in tensor.tolist()]


def test_its_text_is_stable_and_holds_no_address(explorer):
    assert repr(explorer) == "PoolingExplorer(6 x 6, nn.MaxPool2d(kernel_size=2))" == repr(PoolingExplorer())


def test_an_untrusted_notebook_gets_the_numbers_as_text_and_as_tables(explorer):
    explorer.x = [[1, 2.5, -3], [math.nan, math.inf, 1 / 3]]
    data, _ = explorer._repr_mimebundle_()
    assert data["text/plain"] == repr(explorer)
    (given, x), (layer, output) = Tables(data["text/html"]).found
    assert given == "Input 2 × 3" and x == written(explorer.x)
    assert layer == "nn.MaxPool2d 1 × 1" and output == written(explorer.trace.output)
    assert "<code>nn.MaxPool2d(kernel_size=2)</code>" in data["text/html"]


def test_a_large_input_is_named_and_its_text_is_escaped(explorer, monkeypatch):
    explorer.x = torch.zeros(30, 30)
    monkeypatch.setattr(PoolingExplorer, "__repr__", lambda self: "<script>&")
    assert "&lt;script&gt;&amp;" in explorer._as_html() and "<script>" not in explorer._as_html()


def test_the_bundle_still_names_the_widget(explorer):
    assert "application/vnd.jupyter.widget-view+json" in explorer._repr_mimebundle_()[0]


def test_the_package_starts_without_matplotlib():
    check = "import pooling_course, sys; print(sorted({'matplotlib', 'PIL', 'pandas', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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


# --- numbers that JSON cannot hold --------------------------------------------------------------------------------


def as_sent(widget):
    """The state as Jupyter sends it: JSON without NaN, and bytes apart."""
    import json

    return json.loads(json.dumps(widget.get_state(), allow_nan=False, default=lambda raw: f"{len(raw)} bytes"))


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_odd_numbers_reach_the_page_as_they_are(odd):
    layer = nn.Conv2d(1, 1, 2)
    with torch.no_grad():
        layer.weight[0, 0, 1, 0] = layer.bias[0] = odd
    x = torch.tensor([[odd, 1.0, 2], [3, odd, 5], [6, 7, 8]])
    for widget in (
        PoolingExplorer(x, layer),
        GradientFlow(x, layer),
        GradientFlow(x, nn.LPPool2d(2, 2), upstream=x[:1, :1]),
    ):
        state = as_sent(widget)
        if widget.kind == "conv":
            assert state["weights"]["weight"][0][1][0] == state["weights"]["bias"][0] == str(odd)
            assert repr(widget.weights["weight"][0][1][0]) == repr(float(odd))
            widget.set_state({"weights": state["weights"]})  # as a linked page would send them back
            assert repr(widget.weights["bias"][0]) == repr(float(odd)) and widget.message == ""
        data, _ = widget._repr_mimebundle_()
        assert str(odd) in data["text/html"] and "nn." in data["text/plain"]


# --- what is too large ------------------------------------------------------------------------------------------------


def saved(widget):
    """Bytes that a saved notebook keeps of it."""
    state = widget.get_state()
    raw = sum(len(part) * 4 / 3 for part in buffers(state))
    return raw + len(
        repr({name: value for name, value in state.items() if name not in ("_esm", "_css", "book", "own")})
    )


def buffers(value):
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return [value] if isinstance(value, (bytes, memoryview)) else []
    return [raw for v in value for raw in buffers(v)]


LARGE = {
    "a photo": lambda: torch.rand(3, 3000, 4000),
    "a grey photo of bytes": lambda: torch.randint(255, (2000, 3000), dtype=torch.uint8),
    "a map": lambda: torch.randn(2000, 2000),
    "doubles": lambda: torch.randn(5, 900, 900, dtype=torch.float64),
    "features": lambda: torch.randn(1024, 56, 56),
}
DEAR = {
    "usual": lambda c: Pooling("max", 2),
    "as large as the input": lambda c: Pooling("avg", 3, 1, 1),
    "adaptive": lambda c: nn.AdaptiveAvgPool2d(4000),
    "norm": lambda c: nn.LPPool2d(2, 5, 1),
    "weights": lambda c: nn.Conv2d(c, c, 5, groups=c),
}


@pytest.mark.parametrize("layer", DEAR)
@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_saved_notebook_stays_below_10_mb(name, layer, direction):
    x = LARGE[name]()
    if layer == "weights" and not x.is_floating_point() or direction == "backward" and layer == "adaptive":
        return
    pooling = DEAR[layer](x.shape[0] if x.ndim == 3 else 1)
    explorer = PoolingExplorer(x, pooling, compare=True, direction=direction)
    assert saved(explorer) < 10_000_000, saved(explorer)
    whole = " x ".join(map(str, x.shape))
    assert whole in repr(explorer) and explorer.book["input"]["part"] in repr(explorer)
    data, _ = explorer._repr_mimebundle_()
    assert whole in data["text/html"] and whole in data["text/plain"]
    if name == "a photo" and layer == "usual":
        assert trace(pooling, x).output.shape == (3, 1500, 2000)  # which has no limit


def test_a_cell_typed_into_a_part_leaves_it_a_part():
    explorer = PoolingExplorer(torch.randn(1, 600, 600), "max")
    part = explorer.book["input"]["part"]
    explorer._answer(None, {"type": "edit", "channel": 0, "row": 0, "col": 0, "text": "5"}, [])
    assert explorer.x[0, 0, 0] == 5 and explorer.book["input"]["part"] == part != ""
    explorer.x = "worked"
    assert explorer.book["input"]["part"] == "" and "middle" not in repr(explorer)


# --- links --------------------------------------------------------------------------------------------------------

TENSORS = {"x": torch.arange(25.0).reshape(5, 5), "upstream": torch.full((3, 3), 2.0)}


@pytest.mark.parametrize("name", sorted(PoolingExplorer.class_traits()))
def test_every_trait_can_be_linked_or_says_why_not(name):
    a, b = PoolingExplorer("worked", "avg"), PoolingExplorer("worked")
    if name in TENSORS:
        with pytest.raises(traitlets.TraitError, match=f"{name} holds a tensor, which traitlets.link cannot compare"):
            traitlets.link((a, name), (b, name))
        return
    if name.startswith("_") or name in ("comm", "log", "keys"):
        return
    traitlets.link((a, name), (b, name))
    changed = {"kind": "max", "kernel_size": 3, "layer": nn.MaxPool2d(3), "pooling": Pooling("max", 4), "compare": True}
    if name in changed:
        setattr(a, name, changed[name])
        assert getattr(b, name) == getattr(a, name) == changed[name]


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_can_be_linked_in_one_direction_and_in_both(name):
    a, b = PoolingExplorer("worked"), PoolingExplorer("worked")
    traitlets.dlink((a, name), (b, name))
    traitlets.dlink((b, name), (a, name))
    for one, other in ((a, b), (b, a)):
        setattr(one, name, TENSORS[name] + 1)
        assert getattr(other, name).equal(TENSORS[name] + 1)
        setattr(one, name, TENSORS[name])
        assert getattr(other, name).equal(TENSORS[name])


def test_a_tensor_is_another_value_where_it_is_another_object():
    explorer, seen = PoolingExplorer(torch.tensor([[5]])), []
    explorer.observe(lambda change: seen.append(change.new.dtype), "x")
    explorer.x = torch.tensor([[5.0]])  # of one cell, and equal
    assert explorer.x.dtype == torch.float32 and seen == [torch.float32]
    assert explorer.book["input"]["whole"] is False
