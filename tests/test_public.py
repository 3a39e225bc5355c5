"""Does every public function, whatever it is given and whatever a notebook has set for torch, give what torch says or a
sentence of its own?"""

import random
import traceback
import warnings
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import pooling_course
from pooling_course import (
    Flipbook,
    GradientFlow,
    Pooling,
    PoolingExplorer,
    charts,
    digit_reader,
    export_progress,
    figures,
    gradient_report,
    hint,
    images,
    import_progress,
    inspect_poolings,
    quiz,
    trace,
    your_case,
    your_question,
)
from pooling_course.expert import compare_ways
from pooling_course.questions import all_questions

PACKAGE = str(Path(pooling_course.__file__).parent)
X = torch.rand(8, 8, generator=torch.Generator().manual_seed(0))
BATCH = X.expand(2, 1, 8, 8).contiguous()


def net():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.MaxPool2d(2))


# ---- Odd arguments ---------------------------------------------------------------------------------------------------


class NoTensor:
    def __dlpack__(self, **how):
        raise RuntimeError("the device is gone")

    def __dlpack_device__(self):
        return 1, 0


META = torch.tensor(2, device="meta")
TABLE = torch.ones(2, 2)
ODD = {
    "a number that no float holds": (lambda: trace(nn.MaxPool2d(2), 10**400), "no number for torch"),
    "what gives no tensor": (lambda: trace(nn.MaxPool2d(2), NoTensor()), "gives no tensor .the device is gone."),
    "a setting without a value": (lambda: Pooling("max", META), "kernel_size=.* takes whole numbers only"),
    "a layer with one": (lambda: trace(nn.AvgPool2d(2, padding=META), X), "padding=.* takes whole numbers only"),
    "a scripted model": (
        lambda: gradient_report(torch.jit.script(nn.Sequential(nn.ReLU())), BATCH),
        "that it was made of",
    ),
    "a part that is": (
        lambda: gradient_report(nn.Sequential(torch.jit.script(nn.ReLU())), BATCH),
        "that it was made of",
    ),
    "a loss as target": (
        lambda: gradient_report(net(), BATCH, lambda output: output.sum()),
        "the target of type function",
    ),
    "text as target": (lambda: gradient_report(net(), BATCH, "a"), "the target of type str"),
    "a table as step": (lambda: hint("output-size", TABLE), "(?s)step=.*the hints of"),
    "a long name": (lambda: hint("x" * 100_000), "no exercise is called"),
    "no seed": (lambda: your_case("output-size", ()), "seed=..* holds no seed"),
    "compare with a word": (lambda: PoolingExplorer(compare="yes"), "compare is True or False"),
    "compare with a table": (lambda: GradientFlow(compare=TABLE), "compare is True or False"),
    "a direction of nobody's": (lambda: PoolingExplorer(direction="up"), "the directions are 'forward' and 'backward'"),
    "a direction in a table": (lambda: PoolingExplorer(direction=np.ones(3)), "the directions are"),
    "a setting of nobody's": (
        lambda: PoolingExplorer(settings=["size"]),
        "settings=.*give a list of some of kernel_size",
    ),
    "settings as text": (lambda: PoolingExplorer(settings="stride"), "settings=.*give a list of"),
    "settings as a table": (lambda: GradientFlow(settings=TABLE), "(?s)settings=.*give a list of"),
    "a name that is none": (lambda: figures.pooled(X, name=3), "name=3 is of type int: give a text"),
    "lines of no dict": (lambda: charts.lines([1, 2], [3, 4], "x", "y"), "series must be a dict of lists"),
    "lines over nothing": (lambda: charts.lines(TABLE[0, 0], {"a": [1]}, "x", "y"), "x must be a list of numbers"),
    "dots of words": (lambda: charts.dots({"a": ["b"]}, "t"), "groups must be a dict of lists of numbers"),
    "dots of a table": (lambda: charts.dots(TABLE, "t"), "groups must be a dict of lists of numbers"),
    "a label that is none": (
        lambda: Flipbook([("a", figures.mental_model(), "b")], None),
        "label=None is of type NoneType",
    ),
    "a page without a picture": (lambda: Flipbook([("a", None, "b")], "c"), "pages are a list of triples"),
    "ways that are none": (lambda: compare_ways("max"), "ways are a dict by name"),
    "a name with a zero byte": (lambda: export_progress("a\0b"), "no name of a file"),
    "a folder as a file": (lambda: export_progress("."), "cannot be written to '.' .Is a directory."),
    "a file of too long a name": (lambda: import_progress("x" * 5000), "cannot be read .File name too long."),
}


@pytest.mark.parametrize("call, says", ODD.values(), ids=ODD)
def test_what_cannot_be_is_refused_by_a_sentence_of_the_course(call, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError, OSError), match=says) as refused, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript's own, of its age
        call()
    assert traceback.extract_tb(refused.value.__traceback__)[-1].filename.startswith(PACKAGE)


def test_numbers_of_other_kinds_are_numbers():
    assert trace(nn.MaxPool2d(1), [[Decimal("1.5")]]).output.item() == 1.5
    with pytest.raises(ValueError, match="has 0 dimensions"):
        trace(nn.MaxPool2d(1), Decimal("1.5"))


def test_a_picture_may_have_no_title():
    assert ", nn.MaxPool2d(kernel_size=2), gives" in figures.pooled(X, nn.MaxPool2d(2), titles=[""], name="").alt


# ---- Whatever a notebook has set -------------------------------------------------------------------------------------


@contextmanager
def device(name):
    torch.set_default_device(name)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def dtype(one):
    before = torch.get_default_dtype()
    torch.set_default_dtype(one)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SET = {
    "another device": lambda: device("meta"),  # which computes nothing, so that nothing may be left to it
    "float64": lambda: dtype(torch.float64),
    "float16": lambda: dtype(torch.float16),
    "no gradient": torch.no_grad,
    "inference": torch.inference_mode,
}
LAYERS = [nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1, True, divisor_override=5), nn.AdaptiveAvgPool2d(3)]
LAYERS += [nn.LPPool2d(2, 2), nn.FractionalMaxPool2d(2, output_size=3, _random_samples=torch.tensor([[[0.3, 0.6]]]))]


def traced(layer):
    t = trace(layer, X)
    return [repr(t), t.output, t.winners, t.divisors, t.passes, t.reads, t.window(1, 1).text, t.backward(), t.taps]


def explored(explorer):
    state = {name: explorer.get_state()[name] for name in ("book", "kind", "message", "presets")}
    return [repr(explorer), state, explorer.trace.output]


CALLS = {
    **{f"trace {type(layer).__name__}": lambda layer=layer: traced(layer) for layer in LAYERS},
    "explorer": lambda: explored(PoolingExplorer("worked", "avg", compare=True)),
    "explorer of a tensor": lambda: explored(PoolingExplorer(X, "max", direction="backward")),
    "flow": lambda: explored(GradientFlow(X, "avg")),
    "network": lambda: (
        inspect_poolings(nn.Sequential(nn.MaxPool2d(2)), BATCH)._repr_html_().partition("<img")[2].partition(">")[0]
    ),
    "network back": lambda: [
        f.kind for f in inspect_poolings(nn.Sequential(nn.AvgPool2d(3)), BATCH, backward=True).findings
    ],
    "report": lambda: repr(gradient_report(nn.Sequential(nn.MaxPool2d(2)), BATCH)),
    "picture": lambda: figures.pooled(X, nn.MaxPool2d(2)).alt,
    "presets": lambda: [images.preset(name) for name in images.PRESETS],
    "reader": lambda: digit_reader()(X[None, None]),
    "question": lambda: repr(your_question("pre-sign", "ada")),
    "card": lambda: repr(quiz("rows-out")),
    "truths": lambda: [replace(q).truth for q in list(all_questions().values())[::3]],
}


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.mark.parametrize("name", CALLS)
def test_what_a_notebook_has_set_changes_no_answer(name):
    before = CALLS[name]()
    for what, setting in SET.items():
        with setting():
            after = CALLS[name]()
        assert same(before, after), what


# ---- Random numbers --------------------------------------------------------------------------------------------------


class Draws(nn.Module):
    def forward(self, x):
        random.random()
        np.random.rand()
        return nn.functional.max_pool2d(x + torch.rand_like(x), 2)


@pytest.mark.parametrize(
    "call",
    [
        digit_reader,
        lambda: inspect_poolings(Draws(), BATCH),
        lambda: gradient_report(nn.Sequential(Draws()), BATCH.clone()),
    ],
)
def test_random_numbers_go_on_as_if_nothing_had_been_asked(call):
    def drawn():
        return random.random(), np.random.rand(), torch.rand(1).item()

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    expected = drawn()
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
    call()
    assert drawn() == expected
