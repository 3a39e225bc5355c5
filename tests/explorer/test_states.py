"""Does a packed book of states, decoded as the browser decodes it, hold exactly what torch computes?"""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from harness import key
from pooling_course.explorer import states
from pooling_course.explorer.states import Packer, ahead
from pooling_course.maths.kinds import from_key
from pooling_course.maths.kinds.pooling import Pooling

NAN, INF = math.nan, math.inf
HARD = [[NAN, -INF, INF, -0.0], [0.0, -1.5, -1.5, NAN], [-INF, -INF, 7.0, 7.0], [INF, 2.0, -3.0, -0.0]]


def noise(*shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


INPUTS = {
    "worked 6 x 6": torch.arange(36.0).reshape(1, 6, 6).flip(-1) % 7,
    "odd 5 x 7": noise(1, 5, 7),
    "three channels": noise(3, 6, 5),
    "float64": noise(1, 5, 5, dtype=torch.float64) / 3,
    "bfloat16": noise(2, 6, 6, dtype=torch.bfloat16),
    "float16": noise(1, 6, 6, dtype=torch.float16),
    "int64": (noise(1, 6, 6) * 1000).long(),
    "uint8": (noise(1, 5, 5).abs() * 50).to(torch.uint8),
    "nan, inf, ties and signed zeros": torch.tensor([HARD]),
    "all equal": torch.zeros(1, 6, 6),
    "one cell": torch.ones(1, 1, 1),
    "more cells than 16 bits count": noise(1, 3, 22000),
}
BOTH = [Pooling("max", 2), Pooling("avg", 2)]
SETTINGS = [
    *ahead(BOTH, {"kernel_size": 5, "stride": 5}),
    Pooling("max", (2, 3), (1, 2), (1, 0), (1, 2), True),
    Pooling("avg", (3, 2), 1, (1, 1), 1, True, False),
    Pooling("avg", 3, 2, 1, divisor_override=-4),
]


def decode(packer, book):
    """{key: {"output", "winners", "divisors"} or {"error"}}, read from the bytes alone."""
    data, found, channels = book["data"], {}, len(packer.x)
    x = read(packer.cells()["data"], packer.float, 0, packer.x.shape)
    for entry in book["entries"]:
        if "error" in entry:
            found[entry["key"]] = {"error": entry["error"]}
            continue
        shape = (channels, entry["h"], entry["w"])
        if entry["key"].startswith("max"):
            winners = read(data, packer.index, entry["winners"], shape)
            output = np.take_along_axis(x.reshape(channels, -1), winners.reshape(channels, -1).astype(int), 1)
            found[entry["key"]] = {"output": output.reshape(shape), "winners": winners}
        else:
            output = read(data, packer.float, entry["values"], shape)
            many = "divisors" in entry
            divisors = read(data, "f8", entry["divisors"], shape[1:]) if many else np.full(shape[1:], entry["divisor"])
            found[entry["key"]] = {"output": output, "divisors": divisors}
    return found


def read(data, dtype, offset, shape):
    assert offset % 8 == 0
    return np.frombuffer(data, f"<{dtype}", math.prod(shape), offset).reshape(shape)


def by_torch(p, x):
    """(output, winners, divisors) straight from torch; an error where torch refuses."""
    if p.kind == "max":
        layer = F.max_pool2d(x, p.kernel_size, p.stride, p.padding, p.dilation, p.ceil_mode, return_indices=True)
        return *layer, None
    settings = (p.kernel_size, p.stride, p.padding, p.ceil_mode, p.count_include_pad)
    output = F.avg_pool2d(x, *settings, p.divisor_override)
    ones = torch.ones(1, *x.shape[-2:], dtype=torch.float64)
    cells = F.avg_pool2d(ones, *settings, divisor_override=1)[0]
    return output, None, (cells / F.avg_pool2d(ones, *settings, p.divisor_override)[0]).round()


def as_numbers(tensor):
    return tensor.double().numpy()


@pytest.mark.parametrize("x", INPUTS.values(), ids=list(INPUTS))
def test_every_packed_state_is_torchs_own(x):
    packer = Packer(x)
    cells = packer.cells()
    np.testing.assert_array_equal(read(cells["data"], cells["float"], 0, cells["shape"]), as_numbers(x))
    assert cells["whole"] is not x.is_floating_point()
    settings = {key(p): p for p in SETTINGS}
    found = decode(packer, packer.pack(list(settings)))
    assert set(found) == set(settings)
    for name, state in found.items():
        check(settings[name], x, state)


def check(p, x, state):
    try:
        output, winners, divisors = by_torch(p, x)
    except RuntimeError:
        assert state["error"].startswith(("nn.", "input of")) and state["error"].endswith("."), p
        return
    if "outside its memory" in state.get("error", ""):  # torch pools this forwards, and corrupts memory backwards
        assert max(p.dilation) > min(x.shape[-2:]) and max(p.padding) > 0
        return
    assert "error" not in state, (p, state)
    np.testing.assert_array_equal(state["output"], as_numbers(output), err_msg=p.code())
    if p.kind == "max":
        np.testing.assert_array_equal(state["winners"], winners.numpy(), err_msg=p.code())
    else:
        np.testing.assert_array_equal(state["divisors"], as_numbers(divisors), err_msg=p.code())


def test_a_key_names_a_pooling_that_gives_identical_results():
    x = torch.tensor([HARD]) + torch.arange(4.0)
    for p in SETTINGS:
        twin = from_key(key(p))
        assert key(twin) == key(p)
        try:
            expected = by_torch(p, x)
        except RuntimeError:
            continue
        for ours, theirs in zip(by_torch(twin, x), expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True) if ours is not None else None


def test_settings_that_cannot_matter_are_dropped_from_a_key():
    assert key(Pooling("max", 1, 2, dilation=3)) == key(Pooling("max", 1, 2))
    assert key(Pooling("avg", 2, count_include_pad=False)) == key(Pooling("avg", 2))
    assert key(Pooling("avg", 3, 1, 1, count_include_pad=False, divisor_override=2)) == key(
        Pooling("avg", 3, 1, 1, divisor_override=2)
    )


def test_keys_differ_wherever_results_may_differ():
    listed = {p for base in BOTH for k in (1, 2, 3) for p in some_settings(base, k)}
    named = {}
    for p in listed:
        named.setdefault(key(p), []).append(p)
    x = noise(1, 7, 6)
    for twins in named.values():
        outputs = [by_torch(p, x)[0] for p in twins]
        assert all(torch.equal(outputs[0], other) for other in outputs), twins
    assert len(named) > 100


def some_settings(base, k):
    for stride, padding, ceil in itertools.product((1, 2, 3), range(k // 2 + 1), (False, True)):
        p = replace(base, kernel_size=k, stride=stride, padding=padding, ceil_mode=ceil)
        if p.kind == "max":
            yield from (replace(p, dilation=d) for d in (1, 2))
        else:
            yield from (replace(p, count_include_pad=c, divisor_override=d) for c in (True, False) for d in (None, 3))


def test_the_sliders_states_come_first_and_nearest_first():
    here = [Pooling("avg", 3, 2, 1, count_include_pad=False), Pooling("max", 3, 2, 1, dilation=2)]
    found = list(ahead(here, {"kernel_size": 5, "stride": 4}))
    grid = [(k, s, p) for k in range(1, 6) for s in range(1, 5) for p in range(k // 2 + 1)]
    sliders = {key(replace(b, kernel_size=k, stride=s, padding=p)) for b in here for k, s, p in grid}
    first = list(dict.fromkeys(map(key, found)))[: len(sliders)]
    assert set(first) == sliders
    assert first[:2] == [key(p) for p in here]
    steps = [abs(p.kernel_size[0] - 3) + abs(p.stride[0] - 2) + abs(p.padding[0] - 1) for p in map(from_key, first)]
    assert steps == sorted(steps)


def test_behind_the_sliders_come_the_states_of_one_more_switch():
    found = {key(p) for p in ahead(BOTH, {"kernel_size": 3, "stride": 2})}
    switched = [
        replace(BOTH[0], ceil_mode=True),
        replace(BOTH[1], ceil_mode=True),
        replace(BOTH[1], count_include_pad=False),
        replace(BOTH[1], ceil_mode=True, count_include_pad=False),
        *(replace(BOTH[0], dilation=d) for d in (2, 3)),
    ]
    grid = [(k, s, p) for k in (1, 2, 3) for s in (1, 2) for p in range(k // 2 + 1)]
    expected = [replace(b, kernel_size=k, stride=s, padding=p) for b in [*BOTH, *switched] for k, s, p in grid]
    assert found == set(map(key, expected))


@pytest.mark.parametrize("budget", [1, 100, 1000, 5000])
def test_a_book_keeps_to_its_budget_and_starts_with_the_first_state(budget):
    packer, names = Packer(noise(1, 6, 6)), [key(p) for p in SETTINGS]
    book = packer.pack(names, budget)
    packed = [entry["key"] for entry in book["entries"]]
    assert packed == list(dict.fromkeys(names))[: len(packed)] and packed
    sizes = [len(packer.pack([name])["data"]) for name in packed]
    assert len(book["data"]) == sum(sizes)
    assert sum(sizes[:-1]) <= budget  # what a state costs is estimated, so the last may go beyond
    assert len(packer.pack(names)["entries"]) == len(set(names)) > len(packed)


def test_a_gradient_for_an_upstream_that_is_gone_is_refused_and_never_taken_for_ones():
    packer = Packer(noise(1, 6, 6), {0: None, 2: torch.full((1, 3, 3), 5.0)})
    gone, there = packer.pack([f"grad1 {key(BOTH[0])}", f"grad2 {key(BOTH[0])}"])["entries"]
    assert "replaced" in gone["error"] and there["totals"][0][0] == 45


def test_what_is_known_is_not_packed_again():
    packer, names = Packer(noise(1, 6, 6)), list(dict.fromkeys(map(key, SETTINGS)))
    packed = packer.pack([*names[:4], *names[:4]], known=names[:2])["entries"]
    assert [entry["key"] for entry in packed] == names[2:4]


@pytest.mark.parametrize(
    ("p", "dtype", "said"),
    [
        (Pooling("max", 9), torch.float32, "take a smaller kernel_size or a larger input."),
        (Pooling("avg", 2), torch.uint8, "convert first, for example with x.float()."),
        (Pooling("max", 2, 1, 1, dilation=5), torch.float32, "or padding=0."),
    ],
)
def test_what_torch_refuses_becomes_a_sentence_and_the_others_stay(p, dtype, said):
    packer = Packer(torch.ones(1, 4, 4).to(dtype))
    fine = key(Pooling("max", 2))
    found = decode(packer, packer.pack([fine, key(p), key(Pooling("max", 1))]))
    assert found[key(p)]["error"].endswith(said)
    assert found[fine]["output"].tolist() == [[[1, 1], [1, 1]]] and len(found) == 3


@pytest.mark.parametrize("wrong", ["winners", "values", "divisors", "key"])
def test_a_wrong_book_is_caught(wrong, monkeypatch):
    raw, name = states._raw, key

    def spoiled(tensor, dtype):
        kind = "divisors" if tensor.ndim == 2 else "values" if tensor.is_floating_point() else "winners"
        return raw(tensor // 2 + 1 if kind == wrong else tensor, dtype)

    monkeypatch.setattr(states, "_raw", spoiled)
    if wrong == "key":
        monkeypatch.setattr("test_states.key", lambda p: name(replace(p, stride=1)))
        with pytest.raises(AssertionError):
            test_keys_differ_wherever_results_may_differ()
        return
    x = INPUTS["odd 5 x 7"]
    packer = Packer(x)
    settings = {key(p): p for p in SETTINGS}
    monkeypatch.setattr(packer, "cells", lambda: {"data": raw(x, packer.float)})
    with pytest.raises(AssertionError):
        for found, state in decode(packer, packer.pack(list(settings))).items():
            check(settings[found], x, state)
