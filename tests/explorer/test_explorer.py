"""Are the explorer's settings, links and input what a learner and a linked widget may rely on?"""

import subprocess
import sys

import ipywidgets
import numpy as np
import pytest
import torch
import traitlets
from PIL import Image
from torch import nn

from harness import key, shown
from pooling_course import GradientFlow, Pooling, PoolingExplorer, images
from pooling_course.explorer.states import Packer

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


def test_the_package_starts_without_matplotlib():
    check = "import pooling_course, sys; print(sorted({'matplotlib', 'PIL', 'pandas', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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
