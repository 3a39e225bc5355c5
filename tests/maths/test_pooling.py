"""Do our outputs, winners, shares, windows and gradients agree with torch, and with loops written from its manual?

The checks are plain functions of (kind, settings, x), so that test_mutants.py can call them on a broken engine.
"""

import itertools
import math
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from harness import reference
from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.maths.trace import trace

steady = settings(max_examples=600, derandomize=True, database=None, deadline=None)
INTS = [torch.uint8, torch.int8, torch.int16, torch.int32]
FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


# --- checks: each compares one thing that the engine says with torch and with the loops ---------------------------


def torch_pool(kind, given, x):
    """(output, indices) straight from torch, with the settings as the user wrote them."""
    x = x.unsqueeze(0) if x.ndim == 2 else x
    if kind == "max":
        return F.max_pool2d(x, **given, return_indices=True)
    return F.avg_pool2d(x, **given), None


def planes(x):
    """Each (index, plane) of x, the index without the last two axes."""
    return [(at, x[at]) for at in itertools.product(*map(range, x.shape[:-2]))]


def same(ours, theirs):
    """Equal bit for bit, dtype and sign of zero included; any NaN equals any NaN."""
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)
    if ours.is_floating_point():
        number = ~theirs.isnan()
        assert torch.equal(ours[number].signbit(), theirs[number].signbit())


def check_size(kind, given, x):
    """Does output_size know what torch returns, and what the loops count?"""
    h, w = x.shape[-2:]
    size = Pooling(kind, **given).output_size(h, w)
    assert size == tuple(torch_pool(kind, given, x)[0].shape[-2:])
    assert size == reference.output_size(given, h, w)
    assert [int(f.rsplit("= ")[-1]) for f in Pooling(kind, **given).formula(h, w)] == list(size)


def check_output(kind, given, x):
    """Is the output torch's own, bit for bit, and the loops' within rounding?"""
    output = trace(Pooling(kind, **given), x).output
    same(output.reshape(torch_pool(kind, given, x)[0].shape), torch_pool(kind, given, x)[0])
    assert output.ndim == x.ndim
    for at, plane in planes(x):
        loops = [[window.output for window in row] for row in reference.pool(kind, given, plane.tolist())]
        assert_close(output[at], torch.tensor(loops, dtype=torch.float64).to(x.dtype), equal_nan=True)


def check_winners(kind, given, x):
    """Is the winner torch's index, and the cell that the loops choose?"""
    winners = trace(Pooling(kind, **given), x).winners
    if kind == "avg":
        assert winners is None
        return
    same(winners.reshape(torch_pool(kind, given, x)[1].shape), torch_pool(kind, given, x)[1])
    for at, plane in planes(x):
        loops = [[window.winner for window in row] for row in reference.pool(kind, given, plane.tolist())]
        assert [[divmod(i, x.shape[-1]) for i in row] for row in winners[at].tolist()] == loops


def check_divisors(kind, given, x):
    """Is every divisor what the loops count?"""
    divisors = trace(Pooling(kind, **given), x).divisors
    if kind == "max":
        assert divisors is None
        return
    loops = reference.pool(kind, given, torch.zeros(x.shape[-2:]).tolist())
    same(divisors, torch.tensor([[window.divisor for window in row] for row in loops]))


def check_passes(kind, given, x):
    """Is what a window passes back the sum of its shares?"""
    passes = trace(Pooling(kind, **given), x).passes
    loops = reference.pool(kind, given, torch.zeros(x.shape[-2:]).tolist())
    shares = [[1.0 if w.divisor is None else len(w.cells) / w.divisor for w in row] for row in loops]
    assert_close(passes, torch.tensor(shares, dtype=torch.float64))


def check_reads(kind, given, x):
    """Is every cell read as often as the loops count, and as torch's own gradient of a plain sum tells?"""
    reads = trace(Pooling(kind, **given), x).reads
    same(reads, torch.tensor(reference.reads(given, *x.shape[-2:])))
    if max(reference.both(given.get("dilation", 1))) == 1:
        ones = torch.ones(1, *x.shape[-2:], dtype=torch.float64, requires_grad=True)
        geometry = {name: value for name, value in given.items() if name in ("kernel_size", "stride", "padding")}
        total = F.avg_pool2d(ones, **geometry, ceil_mode=given.get("ceil_mode", False), divisor_override=1).sum()
        (gradient,) = torch.autograd.grad(total, ones)
        same(reads, gradient[0].long())


def check_windows(kind, given, x):
    """Does every window read the cells the loops read, and do its shares and its text give its output?"""
    traced = trace(Pooling(kind, **given), x)
    for at, plane in planes(x):
        image, channel = ((0, 0) + at)[-2:]
        for row, line in enumerate(reference.pool(kind, given, plane.tolist())):
            for col, loops in enumerate(line):
                window = traced.window(row, col, channel, image)
                assert window.cells == loops.cells
                assert window.padded == loops.padded
                assert window.overhang == loops.overhang
                assert window.divisor == loops.divisor
                assert window.winner == loops.winner
                assert_close(
                    torch.tensor(window.values),
                    torch.tensor([plane[c].item() for c in loops.cells]),
                    equal_nan=True,
                    rtol=0,
                    atol=0,
                )
                assert_close(window.output, traced.output[at][row, col].item(), equal_nan=True, rtol=0, atol=0)
                check_shares(window, x.dtype)
                check_text(window, x.dtype)


def check_shares(window, dtype):
    """Does the sum of share * value give the output?"""
    if window.winner is not None:
        assert window.shares == [float(cell == window.winner) for cell in window.cells]
        assert window.shares.count(1) == 1
        value = window.values[window.shares.index(1)]
        assert value == window.output or math.isnan(value) and math.isnan(window.output)
        return
    assert window.shares == [1 / window.divisor] * len(window.cells)
    total = sum(share * value for share, value in zip(window.shares, window.values, strict=True))
    if dtype.is_floating_point:
        assert_close(torch.tensor(total).to(dtype), torch.tensor(window.output).to(dtype), equal_nan=True)
    else:
        assert math.trunc(total + math.copysign(1e-9, total)) == window.output


def check_text(window, dtype):
    """Is the sentence right arithmetic: does Python, reading its left side, get its right side?"""
    text = window.text.replace("−∞", "-inf").replace("∞", "inf")  # as Python writes them
    left, right = re.split(" = | ≈ | gives ", text)
    result = float(right.split()[0])
    if math.isnan(window.output):
        assert math.isnan(result)
        return
    if "more" not in left:
        told = eval(left, {"max": lambda *values: max(values), "inf": math.inf})
        tolerance = 1e-2 if dtype.is_floating_point else 1
        assert told == result or math.isclose(told, result, rel_tol=tolerance, abs_tol=tolerance)
        assert " = " not in text or told == result == window.output or dtype != torch.float64
    assert result == window.output or math.isclose(result, window.output, rel_tol=5e-3)


def check_gradient(kind, given, x, upstream=None):
    """Is the gradient torch's, the loops', and zero where no window reads?"""
    traced = trace(Pooling(kind, **given), x)
    if upstream is None:
        generator = torch.Generator().manual_seed(len(str(given)))
        upstream = torch.randint(-4, 5, traced.output.shape, generator=generator).to(x.dtype)
    gradient = traced.backward(upstream)
    leaf = x.detach().clone().requires_grad_()
    output, _ = torch_pool(kind, given, leaf)
    (theirs,) = torch.autograd.grad(output, leaf, upstream.reshape(output.shape))
    same(gradient, theirs)
    assert not gradient.reshape(-1, *x.shape[-2:])[:, traced.reads == 0].any()
    for at, plane in planes(x):
        loops = reference.input_gradient(kind, given, plane.tolist(), upstream[at].tolist())
        assert_close(gradient[at], torch.tensor(loops, dtype=torch.float64).to(x.dtype), atol=0.05, rtol=0.05)


CHECKS = [check_size, check_output, check_winners, check_divisors, check_passes, check_reads, check_windows]


CHECKS = [check_size, check_output, check_winners, check_divisors, check_passes, check_reads, check_windows]
CHECKS += [check_gradient]


def every(kind, given, x):
    """All checks at once."""
    for check in CHECKS:
        if check is not check_gradient or x.is_floating_point():
            check(kind, given, x)
    return trace(Pooling(kind, **given), x)


CHECKS += [check_gradient]


# --- against torch and against the loops, over settings that hypothesis draws -------------------------------------


def pairs(least, most):
    one = st.integers(least, most)
    return one | st.tuples(one, one)


@st.composite
def poolings(draw):
    """(kind, settings) as a user may write them, all within torch's rules: ints or pairs, defaults left out."""
    kind = draw(st.sampled_from(["max", "avg"]))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    given = {"kernel_size": kernel, "stride": draw(pairs(1, 4) | st.none()), "padding": padding}
    given["ceil_mode"] = draw(st.booleans())
    if kind == "max":
        given["dilation"] = draw(st.just(1) | pairs(1, 3))
    else:
        given["count_include_pad"] = draw(st.booleans())
        given["divisor_override"] = draw(st.none() | st.integers(-3, 9).filter(bool))
    short = {
        name: value[0] if isinstance(value, tuple) and len({*value}) == 1 else value for name, value in given.items()
    }
    return kind, {name: value for name, value in short.items() if value != reference.DEFAULTS.get(name, ())}


@st.composite
def inputs(draw, kind, dtypes=None):
    """Small tensors of rank 2, 3 or 4, full of ties, infinities and NaN, in many memory layouts."""
    dtype = draw(st.sampled_from(dtypes or [*FLOATS, torch.int64, *(INTS if kind == "max" else [])]))
    rank = draw(st.integers(2, 4))
    shape = [*draw(st.sampled_from([(1, 1), (1, 2), (2, 1), (0, 3)])), draw(st.integers(1, 9)), draw(st.integers(1, 9))]
    shape = shape[-rank:]
    whole = [0, 1, 1, 2, 3, 7] if dtype == torch.uint8 else [-7, -2, -1, 0, 1, 1, 2, 3]
    special = [-0.0, 0.5, -1.25, math.nan, math.inf, -math.inf] if dtype.is_floating_point else []
    values = draw(st.sampled_from([whole, whole + special, [*special[-2:], 1]]))
    x = torch.tensor(draw(st.randoms(use_true_random=True)).choices(values, k=math.prod(shape))).to(dtype)
    layout = draw(st.sampled_from(["contiguous", "channels_last", "transposed", "strided", "expanded"]))
    return laid_out(x.reshape(shape), layout)


def laid_out(x, layout):
    """x, equal in values, in another memory layout; "expanded" repeats its first row in stride 0."""
    if layout == "channels_last" and x.ndim == 4:
        return x.contiguous(memory_format=torch.channels_last)
    if layout == "transposed":
        return x.mT.contiguous().mT
    if layout == "strided":
        return x.repeat_interleave(2, -1)[..., ::2]
    if layout == "expanded":
        return x[..., :1, :].expand(x.shape)
    return x


def is_safe(given, h, w):
    """Whether every window reads a cell: where one reads none, torch's backward pass writes outside its memory."""
    return all(
        any(0 <= at < size for at in window)
        for size, windows in zip((h, w), reference.geometry(given, h, w), strict=True)
        for window in windows
    )


def torch_takes(kind, given, x):
    try:
        torch_pool(kind, given, x)
    except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
        return False
    return is_safe(given, *x.shape[-2:])


def check_accepted(kind, given, x):
    """Do we accept what torch accepts, and refuse what it refuses, without asking it?"""
    takes = torch_takes(kind, given, x)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pooling_course.maths.kinds.pooling.Pooling.pool", asked_too_soon)
            trace(Pooling(kind, **given), x)
    except (ValueError, TypeError):
        assert not takes, f"torch takes {kind} {given} on {tuple(x.shape)}"
    except AskedTorch:
        assert takes, f"torch refuses {kind} {given} on {tuple(x.shape)}"
    return takes


OTHERS = {"max": {"count_include_pad": True}, "avg": {"dilation": 1}}


class AskedTorch(Exception):
    """Raised in torch's stead."""


def asked_too_soon(*_):
    raise AskedTorch


@pytest.mark.slow
@steady
@given(st.data())
def test_whatever_torch_takes_we_take_and_agree_on(data):
    kind, given = data.draw(poolings())
    x = data.draw(inputs(kind))
    if check_accepted(kind, given, x):
        every(kind, given, x)


@pytest.mark.slow
@steady
@given(st.data())
def test_gradients_agree_for_any_upstream(data):
    kind, given = data.draw(poolings())
    x = data.draw(inputs(kind, dtypes=[torch.float64]))
    if torch_takes(kind, given, x):
        shape = trace(Pooling(kind, **given), x).output.shape
        upstream = data.draw(st.randoms(use_true_random=True)).choices(range(-9, 10), k=shape.numel())
        check_gradient(kind, given, x, torch.tensor(upstream, dtype=x.dtype).reshape(shape))


SLIPS = {"kernel_size": pairs(-1, 4), "stride": pairs(-1, 3), "padding": pairs(-1, 3), "dilation": pairs(-1, 4)}


SLIPS = {"kernel_size": pairs(-1, 4), "stride": pairs(-1, 3), "padding": pairs(-1, 3), "dilation": pairs(-1, 4)}
SLIPS |= {"count_include_pad": st.booleans(), "divisor_override": st.integers(-1, 2)}
SLIPS |= {"count_include_pad": st.booleans(), "divisor_override": st.integers(-1, 2)}
SHAPES = [(3, 6, 5), (1, 1, 6, 6), (2, 3, 4, 4), (0, 2, 5, 5), (1, 2, 1), (1, 1, 3), (3, 1, 1), (1, 2, 2, 2)]
BAD_SHAPES = [(), (6,), (1, 1, 1, 6, 6), (2, 0, 6, 6), (0, 6, 6), (1, 0, 5), (1, 1, 5, 0), (0, 0, 5, 5)]
DTYPES = [torch.bool, torch.uint8, torch.int64, torch.uint16, torch.complex64, torch.float8_e5m2]


@pytest.mark.slow
@settings(steady, max_examples=1500)
@given(st.data())
def test_whatever_torch_refuses_we_refuse_before_asking_it(data):
    kind, given = data.draw(poolings())
    slip = data.draw(st.sampled_from([*SLIPS, *SLIPS, "shape", "dtype"]))
    if slip in SLIPS:
        given[slip] = data.draw(SLIPS[slip])
    for name, default in OTHERS[kind].items():  # at its default, a setting of the other kind says nothing
        if given.get(name) in (default, (default, default)):
            del given[name]
    shape = data.draw(st.sampled_from(BAD_SHAPES if slip == "shape" else SHAPES))
    dtype = data.draw(st.sampled_from(DTYPES if slip == "dtype" else FLOATS))
    check_accepted(kind, given, torch.zeros(shape, dtype=dtype))


# --- every setting of a grid: thousands of them, quickly -----------------------------------------------------------


def grid(kind):
    """All square settings in reach of a small input, and with them two rectangular ones each."""
    own = {"max": [{"dilation": d} for d in (1, 2, 3)], "avg": AVERAGES}[kind]
    for k, s, p, ceil, extra in itertools.product((1, 2, 3, 4), (1, 2, 3, 5), (0, 1, 2), (False, True), own):
        if p <= k // 2:
            for kernel in (k, (k, 3 if p < 2 else 4)):
                yield {"kernel_size": kernel, "stride": (s, 2), "padding": (p, min(p, 1)), "ceil_mode": ceil} | extra


AVERAGES = [{"count_include_pad": True}, {"count_include_pad": False}, {"divisor_override": 3}]
SIZES = list(itertools.product((1, 2, 3, 5, 6), (4, 7)))


@pytest.mark.slow
@pytest.mark.parametrize("kind, taken, refused", [("max", 2212, 1628), ("avg", 3372, 468)])
def test_a_grid_of_settings_agrees_with_torch_and_the_loops(kind, taken, refused):
    generator = torch.Generator().manual_seed(0)
    counted = {True: 0, False: 0}
    for (h, w), chosen in itertools.product(SIZES, grid(kind)):
        x = torch.randint(-2, 3, (2, h, w), generator=generator).double()
        takes = torch_takes(kind, chosen, x)
        counted[takes] += 1
        if not takes:
            with pytest.raises(ValueError):
                trace(Pooling(kind, **chosen), x)
            continue
        traced = trace(Pooling(kind, **chosen), x)
        output, indices = torch_pool(kind, chosen, x)
        assert torch.equal(traced.output, output)
        assert kind == "avg" or torch.equal(traced.winners, indices)
        assert traced.reads.tolist() == reference.reads(chosen, h, w)
        assert tuple(output.shape[-2:]) == traced.pooling.output_size(h, w) == reference.output_size(chosen, h, w)
        if kind == "avg":
            check_divisors(kind, chosen, x)
        upstream = torch.randint(-4, 5, output.shape, generator=generator).double()
        loops = [reference.input_gradient(kind, chosen, x[c].tolist(), upstream[c].tolist()) for c in (0, 1)]
        assert_close(traced.backward(upstream), torch.tensor(loops).double())
    assert counted == {True: taken, False: refused}
