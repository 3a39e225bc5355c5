"""Does every kind of pooling open beside its twin, and do settings, layer and pooling agree whatever is set?

And does nothing but a kind's own two files ask which kind it is?
"""

import ast
import json
import random
import re
import shutil
import subprocess

import pytest
import torch
import traitlets
from torch import nn

from harness import ROOT, key, shown
from harness.node import node
from pooling_course import PoolingExplorer
from pooling_course.maths.kinds import settings_of
from pooling_course.maths.windows import KINDS
from pooling_course.web import assets

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


def test_a_chosen_cell_that_a_smaller_output_has_no_more_gives_way_to_the_nearest_as_on_the_page():
    flow = PoolingExplorer("worked", nn.AvgPool2d(2), direction="backward", upstream="chosen")
    flow.chosen = [2, 1]
    assert flow.gradient.nonzero().tolist() == [[4, 2], [4, 3], [5, 2], [5, 3]]
    flow.stride = 4
    assert flow.gradient.nonzero().tolist() == [[4, 4], [4, 5], [5, 4], [5, 5]]
    assert "Window at row 1, column 1: " in flow._repr_mimebundle_()[0]["text/html"]


@pytest.mark.parametrize("chosen", [[0, -1], [-1, 0], [1], [0, 1, 2], [0.5, 0], ["0", 0], [True, 0], []])
def test_what_is_no_cell_cannot_be_chosen(chosen):
    explorer = PoolingExplorer()
    with pytest.raises(traitlets.TraitError, match="give row and column of an output cell"):
        explorer.chosen = chosen
    assert explorer.chosen == [0, 0]


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


# --- a kind's file ----------------------------------------------------------------------------------------------------

ANOTHER = """
import { enter } from "./kind.js";
import { max } from "./pooling.js";
const ANGLE = { name: "angle", least: 0, step: 0.5, usual: 1, largest: 9 };
const another = { ...max, name: "another", twins: ["another", "avg"], settings: ["angle"], sliders: [ANGLE] };
enter(another);
"""
ASK = """const { KINDS, POOLS, SLIDERS, FAMILIES, readLink } = await import("./module.mjs");
const { shown } = readLink("#explorer=1&family=another&angle=2.5", { presets: [] });
const known = [Boolean(KINDS.another), Boolean(POOLS.another), SLIDERS.some(({ name }) => name === "angle")];
console.log(JSON.stringify([...known, FAMILIES.another, shown.kind, shown.angle]));"""


def test_a_kind_whose_file_lies_in_the_folder_is_known_with_all_that_is_its_own(tmp_path, monkeypatch):
    copy = tmp_path / "pooling_course"
    shutil.copytree(assets.PACKAGE, copy, ignore=shutil.ignore_patterns("*.py", "*.npz", "__pycache__"))
    (copy / "explorer" / "kinds" / "another.js").write_text(ANOTHER, "utf-8")
    monkeypatch.setattr(assets, "PACKAGE", copy)
    (tmp_path / "module.mjs").write_text(assets.script("explorer/link.js"), "utf-8")
    command = [node(), "--input-type=module", "-e", ASK]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, True, True, ["another", "avg"], "another", 2.5]


# --- a kind's name ----------------------------------------------------------------------------------------------------

NAMES = {*KINDS, *(word for kind in KINDS for word in kind.split())}
CLASSES = {cls.__name__ for cls in KINDS.values()}
PLACES = ("pooling_course/maths", "pooling_course/explorer", "pooling_course/web", "site")
AT_FIRST = re.compile(r'(family|kind): "max",')  # what is shown before anything is chosen
WORDS, RARE = "|".join(NAMES), "|".join(NAMES - {"max"})  # `max` is the name of much else
IN_JS = re.compile(rf"""(?<![\w-])(["'`])(?:{WORDS})\1|\b(?:{RARE}):|\.(?:{RARE})\b""")


def asks_in_python(text):
    """The lines that compare with a kind's name or look it up, or ask for its class."""
    found = []
    for one in ast.walk(ast.parse(text)):
        looked_at = {
            ast.Compare: lambda n: [n.left, *n.comparators],
            ast.Subscript: lambda n: [n.slice],
            ast.Dict: lambda n: n.keys,
            ast.MatchValue: lambda n: [n.value],
            ast.Call: lambda n: n.args if getattr(n.func, "attr", "") in ("startswith", "endswith", "get") else [],
        }.get(type(one), lambda n: [])(one)
        inner = [part for part in looked_at if part is not None for part in ast.walk(part)]
        by_name = any(isinstance(part, ast.Constant) and part.value in NAMES for part in inner)
        checks = isinstance(one, ast.Call) and getattr(one.func, "id", "") in ("isinstance", "issubclass")
        if by_name or checks and any(getattr(part, "id", "") in CLASSES for part in ast.walk(one.args[1])):
            found.append(one.lineno)
    return [text.splitlines()[line - 1].strip() for line in sorted(set(found))]


def asks_in_javascript(text):
    """The lines that hold a kind's name, but for comments and for what is shown at first."""
    code = (re.sub(r"//.*|^\s*/?\*.*|/\*\*.*?\*/", "", line).strip() for line in text.splitlines())
    return [line for line in code if IN_JS.search(line) and not AT_FIRST.fullmatch(line)]


def test_only_its_own_files_ask_which_kind_it_is():
    for place in PLACES:
        for path in (ROOT / place).rglob("*.*"):
            asks = {".py": asks_in_python, ".js": asks_in_javascript}.get(path.suffix)
            if asks and path.parent.name != "kinds" and "_build" not in path.parts:
                assert asks(path.read_text("utf-8")) == [], path


@pytest.mark.parametrize(
    ("asks", "line"),
    [
        (asks_in_python, 'assert p.kind == "avg"'),
        (asks_in_python, 'found = p.kind in ("max", "fractional max")'),
        (asks_in_python, 'largest = p.kind.endswith("max")'),
        (asks_in_python, 'found = {"lp": 1, "conv": 2}[p.kind]'),
        (asks_in_python, 'found = KINDS["adaptive avg"]'),
        (asks_in_python, 'is_adaptive = p.kind.startswith("adaptive")'),
        (asks_in_python, "found = isinstance(p, (int, Fractional))"),
        (asks_in_javascript, 'if (p.kind === "max" && pad) return;'),
        (asks_in_javascript, 'const each = kind.endsWith("avg") ? 16 : 0;'),
        (asks_in_javascript, 'conv: ["conv", "avg"],'),
        (asks_in_javascript, "const accepted = { avg: FLOATS };"),
        (asks_in_javascript, "const planes = FAMILIES.conv;"),
        (asks_in_javascript, "if (`adaptive` === word) return;"),
    ],
)
def test_what_asks_which_kind_it_is_is_seen(asks, line):
    assert asks(line) == [line]
