"""Do we give PyTorch's own answers on PyTorch's own sample inputs, and refuse its error inputs?"""

import pytest
import torch

from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.maths.trace import trace

pytestmark = pytest.mark.slow

LAYERS = {"max": torch.nn.MaxPool2d, "avg": torch.nn.AvgPool2d}
ORDERS = {  # of the arguments of F.max_pool2d and F.avg_pool2d, which are built-ins without a signature
    "max": ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
    "avg": ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
}
DTYPES = {torch.float32, torch.float64, torch.bfloat16, torch.uint8, torch.int64}  # the others add only seconds
SAMPLES = {"max": 1440 * 5, "avg": 7 * 4}  # of torch 2.13


@pytest.fixture(scope="module")
def infos():
    """{kind: (OpInfo, ModuleInfo)}; importing them takes seconds, so once."""
    from torch.testing._internal.common_methods_invocations import op_db
    from torch.testing._internal.common_modules import module_db

    ops = {op.name: op for op in op_db}
    modules = {info.module_cls: info for info in module_db}
    return {kind: (ops[f"nn.functional.{kind}_pool2d"], modules[layer]) for kind, layer in LAYERS.items()}


def pooling_of(kind, sample):
    """The Pooling that stands for a call of F.max_pool2d or F.avg_pool2d."""
    given = dict(zip(ORDERS[kind], sample.args, strict=False)) | sample.kwargs
    given.pop("return_indices", None)
    return Pooling(kind, **given)


def check_sample(kind, op, sample):
    """Is the trace's output what the op returns, and are its winners the indices?"""
    expected = op(sample.input, *sample.args, **sample.kwargs)
    output, indices = expected if isinstance(expected, tuple) else (expected, None)
    traced = trace(pooling_of(kind, sample), sample.input)
    assert traced.output.dtype == output.dtype and torch.equal(traced.output, output)
    assert indices is None or torch.equal(traced.winners, indices)


@pytest.mark.parametrize("kind", LAYERS)
def test_every_sample_input_of_torch_gives_torchs_answer(kind, infos):
    op, _ = infos[kind]
    tried = 0
    for dtype in op.dtypes & DTYPES:
        samples = list(op.sample_inputs("cpu", dtype))
        for sample in samples:
            check_sample(kind, op, sample)
        tried += len(samples)
    assert tried >= SAMPLES[kind]


@pytest.mark.parametrize("kind", LAYERS)
def test_a_wrong_answer_to_a_sample_would_be_seen(kind, infos):
    op, _ = infos[kind]

    def off_by_one(*args, **kwargs):
        expected = op(*args, **kwargs)
        return tuple(e + 1 for e in expected) if isinstance(expected, tuple) else expected + 1

    with pytest.raises(AssertionError):
        check_sample(kind, off_by_one, next(iter(op.sample_inputs("cpu", torch.float32))))


@pytest.mark.parametrize("kind", LAYERS)
def test_every_error_input_of_torch_is_refused_before_torch_is_asked(kind, infos, monkeypatch):
    op, _ = infos[kind]
    monkeypatch.setattr("pooling_course.maths.kinds.pooling.Pooling.pool", lambda *_: pytest.fail("torch was asked"))
    errors = [error.sample_input for error in op.error_inputs("cpu")]
    for sample in errors:
        with pytest.raises((ValueError, TypeError), match=r"\.$"):
            trace(pooling_of(kind, sample), sample.input)
    assert len(errors) >= 5


@pytest.mark.parametrize("kind", LAYERS)
def test_every_module_sample_gives_the_modules_answer(kind, infos):
    _, info = infos[kind]
    samples = info.module_inputs_func(info, device="cpu", dtype=torch.float64, requires_grad=False, training=False)
    for sample in samples:
        layer = LAYERS[kind](*sample.constructor_input.args, **sample.constructor_input.kwargs)
        (x,) = sample.forward_input.args
        expected = layer(x)
        output, indices = expected if isinstance(expected, tuple) else (expected, None)
        assert torch.equal(trace(layer, x).output, output)
        assert indices is None or torch.equal(trace(layer, x).winners, indices)
    assert len(samples) >= 3


def test_module_errors_are_refused_but_for_two_axes_which_we_take_as_one_channel(infos):
    _, info = infos["max"]
    errors = info.module_error_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=False)
    for error in errors:
        sample = error.module_error_input
        layer = torch.nn.MaxPool2d(*sample.constructor_input.args, **sample.constructor_input.kwargs)
        (x,) = sample.forward_input.args
        with pytest.raises(error.error_type):
            layer(x)
        if x.ndim == 2:
            assert torch.equal(trace(layer, x).output, layer(x[None])[0])
        else:
            with pytest.raises(ValueError, match=r"\.$"):
                trace(layer, x)
    assert errors
