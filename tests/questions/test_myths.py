"""Myths and the clinic: is what is told as the truth true, and does the clinic know a cure from a change?"""

import ast
import html
import re

import nbformat
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness import ROOT
from harness.together import together
from pooling_course import PoolingExplorer, images
from pooling_course.exercises.clinic import PATIENTS, Finding, differs, patient, same_code
from pooling_course.questions import all_questions

LESSON = "08_myths_and_pitfalls"
MYTHS = {q.id: q for q in all_questions().values() if q.lesson == LESSON and q.role == "myth"}
NOTEBOOK = nbformat.read(ROOT / "notebooks" / f"{LESSON}.ipynb", 4)
CODE = [cell.source for cell in NOTEBOOK.cells if cell.cell_type == "code"]

# ---- The truth, worked out once more without answers.py, the trace or the explorer -----------------------------------

TRUTH = {}


def truth(name):
    def keep(function):
        TRUTH[f"myth-{name}"] = function
        return function

    return keep


def one_channel(name):
    return images.preset(name)[None]


def raises(function, *args):
    try:
        function(*args)
    except (RuntimeError, NotImplementedError):
        return True
    return False


@truth("channels")
def _():
    pooled = nn.MaxPool2d(2)(images.preset("photo"))
    (fits,) = (c for c in range(1, 7) if not raises(nn.Conv2d(c, 16, 3), pooled))
    return fits


@truth("stride")
def _():
    return [len(range(0, 8 - 3 + 1, nn.MaxPool2d(3).stride))] * 2


@truth("halves")
def _():
    return [2 * n for n in F.max_pool2d(torch.zeros(1, 5, 7), 2).shape[1:]]


@truth("arguments")
def _():
    return list(F.max_pool2d(torch.zeros(1, 5, 7), kernel_size=2, ceil_mode=True).shape[1:])


@truth("ceil")
def _():
    return list(F.max_pool2d(torch.zeros(1, 5, 7), 2, 4, ceil_mode=True).shape[1:])


@truth("adaptive")
def _():
    # A window of n rows gives a lone 1 in its first column and any of its rows the weight 1 / n.
    reach = nn.AdaptiveAvgPool2d((3, 5))(torch.eye(5)[:, :, None].expand(5, 5, 5)) > 0
    return reach[:, :, 0].sum(0).tolist()


@truth("zeros")
def _():
    return F.max_pool2d(one_channel("negative")[:, :2, :2], 2).item()


@truth("any-padding")
def _():
    layers = {p: nn.MaxPool2d(3, stride=1, padding=p, dilation=2) for p in range(12)}
    return max(p for p, layer in layers.items() if not raises(layer, torch.zeros(1, 8, 8)))


@truth("edges")
def _():
    # A row is read if a number larger than all others in it changes the output.
    maps = torch.eye(6)[:, None, :, None].expand(6, 1, 6, 6)
    return [row for row, output in enumerate(F.max_pool2d(maps, 3, padding=1)) if output.max() == 0]


@truth("overhang")
def _():
    return one_channel("odd")[0, -1, -1].item()


@truth("larger-or-smaller")
def _():
    x = torch.rand(1000, 1, 6, 6).double() * 20 - 10
    windows = F.unfold(x, 2, stride=2).reshape(1000, 4, 9)
    assert torch.allclose(windows.mean(1), F.avg_pool2d(x, 2).flatten(1))
    return bool((F.avg_pool2d(x, 2) > F.max_pool2d(x, 2)).any())


@truth("never-above")
def _():
    return F.avg_pool2d(F.pad(one_channel("negative"), (1,) * 4), 2)[0, 0, 0].item()


@truth("relu")
def _():
    x = torch.rand(1000, 1, 4, 4) - 0.5
    poolings = {"max": F.max_pool2d, "avg": F.avg_pool2d}
    return [name for name, pool in poolings.items() if torch.equal(F.relu(pool(x, 2)), pool(F.relu(x), 2))]


@truth("dtypes")
def _():
    x = torch.ones(3, 8, 8, dtype=torch.uint8)
    return [name for name, layer in (("max", nn.MaxPool2d(2)), ("avg", nn.AvgPool2d(2))) if raises(layer, x)]


def gradient(x, *settings):
    x = x.clone().requires_grad_()
    F.max_pool2d(x, *settings).sum().backward()
    return x.grad[0]


@truth("all-cells")
def _():
    return int(gradient(one_channel("worked"), 2).count_nonzero())


@truth("ties")
def _():
    return gradient(one_channel("ties"), 2)[:2, :2].flatten().tolist()


@truth("unpooling")
def _():
    x = one_channel("negative")
    back = nn.MaxUnpool2d(2)(*nn.MaxPool2d(2, return_indices=True)(x))
    return int((back == x).sum())


@truth("position")
def _():
    seen = set()
    for cell in range(36):
        x = torch.zeros(36)
        x[cell] = 8
        seen.add(tuple(F.max_pool2d(x.reshape(1, 6, 6), 2).flatten().tolist()))
    return len(seen)


@truth("invariant")
def _():
    x = one_channel("digit")
    assert not x[..., -1].any()  # the last column is empty, as the question says
    shifted = F.pad(x, (1, 0))[..., :8]
    return int((F.max_pool2d(x, 2) == F.max_pool2d(shifted, 2)).sum())


@truth("parameters")
def _():
    def linear(pool):
        net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), *pool, nn.Conv2d(8, 4, 3), nn.ReLU(), nn.Flatten())
        assert sum(p.numel() for p in net.parameters()) == 8 * 28 + 4 * 73
        return nn.Linear(net(torch.zeros(1, 3, 16, 16)).numel(), 10).weight.numel()

    return ["linear"] if linear([nn.MaxPool2d(2)]) < linear([]) else []


@pytest.mark.parametrize("name", MYTHS)
def test_the_choice_called_right_is_true(name):
    q = MYTHS[name]
    assert q.choices[q.truth]["value"] == TRUTH[name]()


def test_what_a_reason_adds_is_so():
    assert raises(nn.MaxPool2d(2), torch.zeros(1, 1, 4))  # halves: of odd sizes, one row loses none, but is refused
    x, around = torch.zeros(1, 4, 4), F.pad(torch.zeros(1, 4, 4), (1, 1, 1, 1))
    assert torch.equal(F.max_pool2d(x, 3, 2, 1), F.max_pool2d(around, 3, 2))  # zeros: as after a ReLU
    assert gradient(x, 3, 2, 1).sum() == 4 and gradient(around, 3, 2)[1:-1, 1:-1].sum() == 1
    usual = torch.zeros(1, 2, 12, 12, dtype=torch.uint8)  # bytes and signed integers, in the usual layout ...
    assert not any(raises(nn.MaxPool2d(2), usual.to(d)) for d in (torch.uint8, torch.int8, torch.int16, torch.int32))
    assert raises(nn.MaxPool2d(2), usual.to(memory_format=torch.channels_last))  # ... as in another, torch 2.13 refuses


def test_every_myth_is_worked_out_twice():
    assert set(TRUTH) == set(MYTHS) and len(MYTHS) >= 16


# ---- How the questions are put ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MYTHS)
def test_a_myth_is_put_fairly(name):
    q = MYTHS[name]
    assert q.role == "myth" and q.prompt.startswith("Claim: ") and q.prompt.endswith("?") and q.source
    right = [i for i, c in enumerate(q.choices) if i == q.truth]
    assert len(right) == 1 and q.answer and len(q.choices) >= 3
    for i, choice in enumerate(q.choices):
        assert ("misconception" in choice) == (i != q.truth)
        assert "value" in choice and 0 < len(choice["reason"]) <= 120
    assert len({c["text"] for c in q.choices}) == len(q.choices)
    assert len(re.findall(r"[.:!?](?= [A-Z]|$)", q.why)) <= 3
    assert q.misconception in {c.get("misconception") for c in q.choices}


@pytest.mark.parametrize("name", [name for name, q in MYTHS.items() if q.pooling])
def test_its_case_opens_in_the_explorer(name):
    q = MYTHS[name]
    explorer = PoolingExplorer(q.case["input"] if isinstance(q.case["input"], str) else q.input, q.pooling)
    assert explorer.pooling == q.pooling and torch.equal(explorer.x, q.input)


def test_neither_place_nor_length_gives_the_answer_away():
    places = [q.truth for q in MYTHS.values()]
    assert all(places.count(place) <= len(places) / 2 and places.count(place) >= 4 for place in (0, 1, 2))
    longest = shortest = 0
    for q in MYTHS.values():
        lengths = [len(c["text"]) for c in q.choices]
        mine = lengths.pop(q.truth)
        longest, shortest = longest + (mine > max(lengths)), shortest + (mine < min(lengths))
    assert longest <= len(MYTHS) / 3 and shortest <= len(MYTHS) / 3


# ---- The notebook ----------------------------------------------------------------------------------------------------


def test_the_notebook_asks_every_myth_once_and_then_proves_it():
    asked = [re.findall(r'^quiz\("([\w-]+)"\)$', source) for source in CODE]
    assert [name for names in asked for name in names] == list(MYTHS)
    for names, following in zip(asked, CODE[1:], strict=False):
        assert not names or "assert " in following


def test_the_notebook_shows_every_patient_as_the_clinic_knows_it():
    shown = {}
    for source in CODE:
        if name := re.search(r'^patient\("([\w-]+)", (\w+)\)$', source, re.M):
            cell = {"torch": torch, "nn": nn, "F": F, "patient": lambda *_: None}
            for node in ast.parse(source).body:  # one after the other, as IPython does
                exec(compile(ast.Module([node], []), "cell", "exec"), cell)
            shown[name[1]] = cell[name[2]]
            at = CODE.index(source)
            body = source.partition("\n")[2].partition("\n\n")[0]
            assert body in CODE[at - 1]  # the broken code, then its copy to repair
    assert list(shown) == list(PATIENTS) and len(shown) >= 8
    for name, function in shown.items():
        assert patient(name, function).state == "untouched", name
        assert PATIENTS[name].fault(function), name


def test_cells_are_short():
    assert max(len(source.splitlines()) for source in CODE) <= 12


# ---- The clinic ------------------------------------------------------------------------------------------------------

EVERY = pytest.mark.parametrize("name", PATIENTS)


def rewritten(function):
    """The same behaviour in other code."""
    return lambda x: function(x)


@EVERY
def test_the_model_repair_cures(name):
    assert patient(name, PATIENTS[name].model).state == "cured"
    assert repr(patient(name, PATIENTS[name].model)).startswith("✓ Cured: ")


@EVERY
def test_whoever_is_stuck_gets_a_hint_and_then_a_repair_that_cures(name):
    def my_repair(x):
        raise NotImplementedError

    found = patient(name, my_repair)
    hint, code = found.ladder
    cell = {"torch": torch, "nn": nn, "F": F}
    exec(code, cell)
    assert patient(name, cell["my_repair"]).state == "cured" and code.partition(":")[2].strip() not in hint
    shown = found._repr_html_()
    assert re.findall("<summary.*?>(.*?)</summary>", shown) == ["Hint 1 of 2", "Show the whole answer"]
    assert f"<strong>✗ Still ill:</strong> {html.escape(found.sentence)}" in shown and html.escape(hint) in shown
    assert "<summary" not in patient(name, cell["my_repair"])._repr_html_()


@pytest.mark.parametrize("name, wrong", [(name, wrong) for name in PATIENTS for wrong in PATIENTS[name].wrong])
def test_a_wrong_repair_is_named(name, wrong):
    found = patient(name, rewritten(wrong))
    assert found == Finding("ill", wrong.__doc__)
    assert PATIENTS[name].fault(wrong)


@EVERY
def test_there_are_two_wrong_repairs_and_more_inputs_than_shown(name):
    assert len(PATIENTS[name].wrong) >= 2 and len(list(PATIENTS[name].inputs())) >= 2


@EVERY
def test_the_untouched_function_is_no_attempt(name):
    found = patient(name, PATIENTS[name].broken)
    assert found.state == "untouched" and repr(found).startswith("○ Not attempted yet: ")


@EVERY
def test_the_broken_code_in_other_words_is_still_ill(name):
    assert patient(name, rewritten(PATIENTS[name].broken)).state == "ill"


def fails(x):
    raise IndexError("list index out of range\nand more")


@EVERY
@together(
    "function, problem",
    [
        (fails, "raises IndexError: list index out of range."),
        (lambda: 0, "raises TypeError: "),
        (lambda x: 1 / 0, "raises ZeroDivisionError: division by zero."),
        (lambda x: None, "returns None (is there a return?)"),
        (lambda x: [x, x], "returns a list of 2 instead"),
        (lambda x: x.tolist(), "returns a list of"),
        (lambda x: 3.5, "something of type float"),
        (lambda x: x, ""),
        (lambda x: x.float() * torch.nan, ""),
        (lambda x: torch.zeros(0), "returns shape (0,)"),
        (3, "the function itself"),
        (None, "the function itself"),
    ],
)
def test_whatever_a_learner_hands_in_gets_one_sentence(name, function, problem):
    found = patient(name, function)
    assert found.state == "ill" and problem in found.sentence
    assert "\n" not in found.sentence and found.sentence.endswith(".")


OTHER_CURES = [
    ("stride-one", lambda x: F.max_pool2d(x, 3)),
    ("stride-one", lambda x: nn.MaxPool2d(kernel_size=3, stride=(3, 3))(x)),
    ("transposed", lambda x: nn.MaxPool2d(2)(x.transpose(2, 3)).transpose(2, 3)),
    ("edges", lambda x: F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)),
    ("swapped", lambda x: nn.MaxPool2d(2, ceil_mode=True)(x)),
    ("swapped", lambda x: F.max_pool2d(x, 2, 2, 0, 1, True, True)[0]),
    ("skip", lambda x: torch.cat([x, F.interpolate(F.max_pool2d(x, 2), x.shape[-2:])], 1)),
    ("skip", lambda x: torch.cat([x, F.interpolate(F.max_pool2d(x, 2), x.shape[-2:], mode="nearest-exact")], 1)),
    ("channels-last", lambda image: nn.MaxPool2d(2)(image.movedim(-1, 0)).movedim(0, -1)),
    ("channels-last", lambda image: nn.MaxPool2d((2, 1))(nn.MaxPool2d((2, 1))(image.transpose(0, 1)).transpose(0, 1))),
    ("bytes", lambda pixels: F.avg_pool2d(pixels.double(), 2)),
    ("zero-border", lambda x: nn.MaxPool2d(3, stride=2)(F.pad(x, (1,) * 4, value=-torch.inf))),
    ("zero-border", lambda x: nn.MaxPool2d(3, stride=2)(F.pad(x, (1,) * 4, mode="replicate"))),
    ("dark-border", lambda x: F.avg_pool2d(x, 3, 1, 1) / F.avg_pool2d(torch.ones_like(x), 3, 1, 1)),
]


def _unpool_with_the_layer(x):
    return nn.MaxUnpool2d(2)(*nn.MaxPool2d(2, return_indices=True)(x), output_size=x.shape)


def _crop_what_was_rounded_up(x):
    up = nn.Upsample(scale_factor=2)(nn.MaxPool2d(2, ceil_mode=True)(x))
    return torch.cat([x, up[..., : x.shape[-2], : x.shape[-1]]], 1)


def _fill_up_with_zeros(x):
    up = nn.Upsample(scale_factor=2)(nn.MaxPool2d(2)(x))
    return torch.cat([x, F.pad(up, (0, x.shape[-1] - up.shape[-1], 0, x.shape[-2] - up.shape[-2]))], 1)


OTHER_CURES += [
    ("unpooled", _unpool_with_the_layer),
    ("skip", _crop_what_was_rounded_up),
    ("skip", _fill_up_with_zeros),
]


def _skip_with(second_half):
    """The skip with something else in its second half where a size is odd; even sizes come out right."""

    def skip(x):
        up = F.interpolate(F.max_pool2d(x, 2), x.shape[-2:])
        odd = x.shape[-2] % 2 or x.shape[-1] % 2
        return torch.cat([x, second_half(up) if odd else up], 1)

    return skip


NO_CURES = [
    ("skip", _skip_with(torch.zeros_like)),
    ("skip", _skip_with(lambda up: torch.full_like(up, up.max().item()))),
    ("skip", _skip_with(lambda up: up.flip(-1))),
    ("skip", _skip_with(lambda up: up.roll(1, -2))),
    ("skip", _skip_with(lambda up: up.mean((-1, -2), keepdim=True).expand_as(up))),
    ("dark-border", lambda x: F.avg_pool2d(F.pad(x, (1,) * 4, mode="replicate"), 3, 1)),
    ("dark-border", lambda x: F.avg_pool2d(F.pad(x, (1,) * 4, mode="reflect"), 3, 1)),
]


@pytest.mark.parametrize("name, change", NO_CURES)
def test_a_change_is_no_cure(name, change):
    assert patient(name, change).state == "ill"


@pytest.mark.parametrize("name, cure", OTHER_CURES)
def test_there_is_more_than_one_cure(name, cure):
    assert patient(name, cure) == Finding("cured", "right on every input tried, here and behind the scenes.")


def test_a_skip_of_foreign_numbers_is_ill():
    def blurred(x):
        if x.shape[-1] % 2 == 0 and x.shape[-2] % 2 == 0:
            return PATIENTS["skip"].model(x)
        return torch.cat([x, F.interpolate(F.max_pool2d(x, 2), x.shape[-2:], mode="bilinear")], 1)

    assert "a number of no window around that place" in patient("skip", blurred).sentence
    assert "not x as it was" in patient("skip", lambda x: torch.cat([-x, x], 1)).sentence


def test_a_function_cannot_spoil_the_inputs_for_the_next():
    assert patient("bytes", lambda x: x.zero_()).state == "ill"
    assert all(x.any() for x in PATIENTS["bytes"].inputs())
    assert patient("bytes", PATIENTS["bytes"].model).state == "cured"


def test_an_unknown_patient_is_refused_with_the_names():
    with pytest.raises(ValueError, match="no patient is called 'stride'; there is 'stride-one'"):
        patient("stride", len)


def test_differs_says_the_first_difference():
    x, right = torch.zeros(1, 2, 2), torch.ones(1, 2, 2)
    assert differs(x, right, right) == "" == differs(x, right + 1e-6, right)
    assert "returns shape (2, 2) instead of (1, 2, 2)" in differs(x, right[0], right)
    assert "numbers of int64 instead of float32" in differs(x, right.long(), right)
    assert "at [0, 0, 0] it gives 1.1 instead of 1." in differs(x, right + 0.1, right)
    assert "it gives nan" in differs(x, right * torch.nan, right)


def test_same_code_looks_through_names_and_layout():
    def named(some_map):
        return (  # a comment
            nn.MaxPool2d(2)(some_map)
        )

    assert same_code(named, lambda x: nn.MaxPool2d(2)(x))
    assert not same_code(named, lambda x: nn.MaxPool2d(3)(x))
    assert not same_code(named, lambda x: nn.AvgPool2d(2)(x))
    assert not same_code(named, nn.MaxPool2d(2)) and not same_code(len, len)
