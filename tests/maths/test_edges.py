"""Do we agree with torch where public test vectors do not look: NaN, ties, overhang, odd dtypes, layouts, ranks?"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from test_pooling import (
    FLOATS,
    INTS,
    check_size,
    check_winners,
    every,
    laid_out,
    poolings,
    same,
    steady,
)

from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.maths.trace import trace


def test_ceil_overhang_never_enters_the_divisor():
    traced = every("avg", {"kernel_size": 2, "ceil_mode": True}, torch.ones(3, 3))
    assert traced.divisors.tolist() == [[4, 2], [2, 1]]
    assert traced.output.tolist() == [[1, 1], [1, 1]]
    assert traced.window(1, 1).overhang == [(2, 3), (3, 2), (3, 3)] and traced.window(1, 1).padded == []


def test_declared_padding_enters_the_divisor_but_its_overhang_does_not():
    traced = every("avg", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, torch.ones(4, 4))
    assert traced.divisors.tolist() == [[9, 9, 6], [9, 9, 6], [6, 6, 4]]


@pytest.mark.parametrize(
    "size, given, out",
    [
        (32, {"kernel_size": 1, "stride": 2}, 16),
        (32, {"kernel_size": 8, "stride": 4}, 7),
        (5, {"kernel_size": 2, "padding": 1}, 3),
    ],
)
def test_ceil_mode_drops_a_window_that_would_start_in_the_right_padding(size, given, out):
    for kind in ("max", "avg"):
        check_size(kind, given | {"ceil_mode": True}, torch.ones(size, size))
        assert Pooling(kind, **given, ceil_mode=True).output_size(size, size) == (out, out)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "transposed", "strided"])
@pytest.mark.parametrize("dtype", [*FLOATS, *INTS, torch.int64], ids=str)
def test_of_equal_values_the_first_in_reading_order_wins(dtype, layout):
    x = laid_out(torch.ones(2, 17, 5, 7, dtype=dtype), layout)
    given = {"kernel_size": 3, "stride": 2, "padding": 1}
    traced = trace(Pooling("max", **given), x)
    check_winners("max", given, x[:1, :2])
    starts = [[max(0, 2 * r - 1) * 7 + max(0, 2 * c - 1) for c in range(4)] for r in range(3)]
    assert (traced.winners == torch.tensor(starts)).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype, largest", [(torch.uint8, 127), (torch.int8, 127), (torch.int16, 32767)], ids=str)
def test_small_integers_whose_index_torch_cannot_hold_are_refused_in_a_sentence(dtype, largest, channels):
    pooling = Pooling("max", (1, 2))
    fits, larger = (
        torch.ones(2, channels, 1, n, dtype=dtype).to(memory_format=torch.channels_last) for n in (largest, largest + 1)
    )
    assert (trace(pooling, fits).output == 1).all()
    with pytest.raises(ValueError, match="layout channels_last, where an index must fit into that dtype") as refused:
        trace(pooling, larger)
    copy = eval(str(refused.value).rpartition(", ")[2].rstrip("."), {"x": larger, "torch": torch})
    assert (trace(pooling, copy).output == 1).all()


def test_the_whole_gradient_of_a_tie_goes_to_the_first():
    assert every("max", {"kernel_size": 2}, torch.ones(2, 2)).backward([[5]]).tolist() == [[5, 0], [0, 0]]


def test_the_last_nan_wins_and_takes_the_gradient():
    nan = math.nan
    traced = every("max", {"kernel_size": 2}, torch.tensor([[nan, 9, 1, 2], [nan, 1, 3, 4]]))
    assert traced.winners.tolist() == [[4, 7]] and math.isnan(traced.output[0, 0])
    assert traced.backward([[5, 6]]).tolist() == [[0, 0, 0, 0], [5, 0, 0, 6]]


def test_nan_and_opposite_infinities_average_to_nan_but_share_as_ever():
    x = torch.tensor([[math.nan, 1, math.inf, 1], [1, 1, -math.inf, 1]])
    traced = every("avg", {"kernel_size": 2}, x)
    assert traced.output.isnan().all() and (traced.backward() == 0.25).all()


def test_among_minus_infinities_the_first_cell_inside_wins():
    traced = every("max", {"kernel_size": 2, "padding": 1}, torch.full((2, 2), -math.inf))
    assert traced.winners.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize("dtype", [*INTS[1:], torch.int64], ids=str)
def test_among_the_lowest_integers_the_first_cell_inside_wins(dtype):
    traced = every("max", {"kernel_size": 2, "padding": 1}, torch.full((2, 2), torch.iinfo(dtype).min, dtype=dtype))
    assert traced.winners.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize("x, sign", [([-0.0, 0.0], True), ([0.0, -0.0], False)])
def test_of_two_zeros_the_first_keeps_its_sign(x, sign):
    traced = every("max", {"kernel_size": (1, 2)}, torch.tensor([x]))
    assert traced.winners.item() == 0 and traced.output.signbit().item() is sign


def test_negative_values_beat_the_padding():
    assert every("max", {"kernel_size": 2, "padding": 1}, torch.full((1, 1), -5.0)).output.item() == -5


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_an_empty_batch_pools_and_backs_up_to_an_empty_batch(kind):
    traced = every(kind, {"kernel_size": 2}, torch.zeros(0, 3, 4, 6))
    assert traced.output.shape == (0, 3, 2, 3) and traced.backward().shape == (0, 3, 4, 6)
    assert traced.reads.tolist() == [[1] * 6] * 4
    with pytest.raises(ValueError, match="^image=0 is outside the output"):
        traced.window(0, 0)


def test_integers_average_towards_zero():
    x = torch.tensor([[-3, 0, 7, 0, -7, 0, 3, 0]])
    assert every("avg", {"kernel_size": (1, 2), "divisor_override": 4}, x).output.tolist() == [[0, 1, -1, 0]]


def test_integer_sums_wrap_around_as_torch_does():
    traced = trace(Pooling("avg", 2), torch.full((2, 2), 2**62))
    assert traced.output.item() == 0 and traced.output.dtype == torch.int64


@pytest.mark.parametrize(
    "dtype, value, average",
    [
        (torch.float16, 6e4, 6e4),
        (torch.bfloat16, 3e38, math.inf),
        (torch.float32, 3e38, math.inf),
        (torch.float64, 3e38, 3e38),
    ],
    ids=str,
)
def test_overflow_is_torchs_own(dtype, value, average):
    x = torch.full((2, 2), value, dtype=dtype)
    traced = trace(Pooling("avg", 2), x)
    same(traced.output.unsqueeze(0), F.avg_pool2d(x[None], 2))
    assert traced.output.item() == torch.tensor(average, dtype=dtype).item()


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "transposed", "strided", "expanded"])
def test_every_layout_gives_the_same_numbers(kind, dtype, layout):
    x = laid_out(torch.arange(2 * 3 * 5 * 6).reshape(2, 3, 5, 6).sin().to(dtype), layout)
    given = {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1}
    traced, plain = trace(Pooling(kind, **given), x), trace(Pooling(kind, **given), x.contiguous())
    same(traced.output, plain.output)
    same(traced.backward(), plain.backward())
    assert kind == "avg" or torch.equal(traced.winners, plain.winners)
    assert layout != "channels_last" or traced.output.is_contiguous(memory_format=torch.channels_last)
    for at in [(0, 0, 0, 0), (3 - 1, 2, 1, 1)]:
        assert traced.window(*at) == plain.window(*at)


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(
    "shape, out", [((4, 6), (2, 3)), ((3, 4, 6), (3, 2, 3)), ((5, 3, 4, 6), (5, 3, 2, 3)), ((1, 4, 6), (1, 2, 3))]
)
def test_the_output_has_the_rank_of_the_input(kind, shape, out):
    traced = trace(Pooling(kind, 2), torch.ones(shape))
    assert traced.x.shape == shape == traced.backward().shape and traced.output.shape == out
    assert kind == "avg" or traced.winners.shape == out
    assert repr(traced) == f"Trace({traced.pooling.code()}, {shape} -> {out})"


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(
    "given",
    [
        [[1, 3], [5, 6]],
        ((1, 3), (5, 6)),
        np.array([[1.0, 3], [5, 6]]),
        np.array([[1, 5], [3, 6]], np.float16).T,
        torch.tensor([[1.0, 3], [5, 6]]),
        torch.nn.Parameter(torch.tensor([[1.0, 3], [5, 6]])),
    ],
    ids=lambda v: type(v).__name__,
)
def test_lists_arrays_and_tensors_are_all_inputs(kind, given):
    traced = trace(Pooling(kind, 2), given)
    assert traced.output.tolist() == [[6 if kind == "max" else 3.75]]
    dtype = {"float16": torch.float16, "float64": torch.float64}.get(str(getattr(given, "dtype", "")))
    assert traced.output.dtype == (dtype or torch.float32)
    assert not traced.output.requires_grad


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_the_input_and_its_own_gradient_stay_as_they_were(kind):
    x = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    before = x.detach().clone()
    traced = trace(Pooling(kind, 3, padding=1), x)
    upstream = torch.ones_like(traced.output).requires_grad_()
    gradient = traced.backward(upstream)
    assert traced.window(0, 0).text and traced.reads.any() and not gradient.requires_grad
    assert torch.equal(x, before) and x.grad is None and upstream.grad is None and x.requires_grad


def test_an_input_is_not_copied():
    x = torch.zeros(2, 2)
    assert trace(Pooling("max", 2), x).x.data_ptr() == x.data_ptr()


@pytest.mark.parametrize("quiet", [torch.no_grad, torch.inference_mode])
def test_backward_works_where_gradients_are_switched_off(quiet):
    x = torch.tensor([[1.0, 3], [5, 6]])
    with quiet():
        assert trace(Pooling("max", 2), x).backward().tolist() == [[0, 0], [0, 1]]
        assert trace(Pooling("avg", 2), x * 2).backward([[8]]).tolist() == [[2, 2], [2, 2]]


def test_overlapping_windows_add_their_gradients():
    x = torch.zeros(3, 3)
    x[1, 1] = 1
    assert every("max", {"kernel_size": 2, "stride": 1}, x).backward()[1, 1] == 4


def test_a_divisor_larger_than_a_float_can_hold_is_kept():
    for divisor in (2**63 - 1, -(2**63), 2**53 + 1):
        traced = trace(Pooling("avg", 2, divisor_override=divisor), torch.ones(4, 2))
        assert traced.divisors.tolist() == [[divisor], [divisor]] and traced.window(1, 0).divisor == divisor


def test_torchs_layers_and_our_settings_are_the_same_thing():
    for layer in (
        torch.nn.MaxPool2d((3, 2), 2, (1, 0), (1, 2), ceil_mode=True),
        torch.nn.MaxPool2d(2, return_indices=True),
        torch.nn.AvgPool2d((3, 2), 1, 1, True, False, 5),
        torch.nn.AvgPool2d(2),
    ):
        pooling = Pooling.of(layer)
        x = torch.randn(1, 2, 7, 9, generator=torch.Generator().manual_seed(0))
        expected = layer(x)
        expected = expected[0] if isinstance(expected, tuple) else expected
        assert torch.equal(trace(layer, x).output, expected)
        assert torch.equal(pooling.layer()(x), expected)
        assert Pooling.of(eval(pooling.code(), {"nn": torch.nn})) == pooling == Pooling.of(pooling.layer())
        assert hash(pooling) == hash(Pooling.of(pooling.layer()))


@pytest.mark.slow
@steady
@given(poolings())
def test_the_code_of_a_pooling_makes_that_pooling(drawn):
    kind, given = drawn
    try:
        pooling = Pooling(kind, **given)
    except ValueError:
        return
    assert Pooling.of(eval(pooling.code(), {"nn": torch.nn})) == pooling == Pooling.of(pooling.layer())


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_a_window_can_be_asked_for_by_channel_and_image(kind):
    x = torch.arange(2 * 3 * 4 * 4.0).reshape(2, 3, 4, 4)
    assert trace(Pooling(kind, 2), x).window(1, 0, channel=2, image=1).values == [88, 89, 92, 93]
    assert trace(Pooling(kind, 2), x[1]).window(1, 0, channel=2).values == [88, 89, 92, 93]
    assert trace(Pooling(kind, 2), x[1, 2]).window(1, 0).values == [88, 89, 92, 93]


def test_windows_say_what_they_did():
    x = torch.tensor([[-1.0, 2], [3, 4]])
    tell = lambda kind, at, **given: str(trace(Pooling(kind, **given), x).window(*at))  # noqa: E731
    assert tell("max", (0, 0), kernel_size=2, padding=1) == "max(−∞, −∞, −∞, -1) = -1"
    assert tell("avg", (0, 0), kernel_size=2, padding=1) == "(0 + 0 + 0 + (-1)) / 4 = -0.25"
    assert tell("avg", (0, 0), kernel_size=2, padding=1, count_include_pad=False) == "((-1)) / 1 = -1"
    assert tell("avg", (0, 0), kernel_size=2, padding=1, divisor_override=-3) == "((-1)) / -3 ≈ 0.333"
    assert tell("avg", (0, 0), kernel_size=3, ceil_mode=True) == "((-1) + 2 + 3 + 4) / 4 = 2"
    assert trace(Pooling("avg", 2), torch.tensor([[1, 2], [3, 5]])).window(0, 0).text == (
        "(1 + 2 + 3 + 5) / 4 gives 2 in whole numbers: the fraction is dropped"
    )


def test_an_auto_device_is_one_that_computes(capsys):
    assert trace(Pooling("max", 2), [[1, 3], [5, 6]], device="auto").output.item() == 6
    assert trace(Pooling("max", 2), [[1, 3], [5, 6]], device="cpu").output.device.type == "cpu"
