"""Is every refusal one sentence that names the parameter, its value, what it met, and the rule?"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from harness.together import together
from pooling_course.maths import rules
from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.maths.trace import Trace, trace

SIX = torch.zeros(1, 1, 6, 6)


def pool(kind, x=SIX, **given):
    """Trace x with these settings; `repr` of the call is the id of the case."""
    return trace(Pooling(kind, **{"kernel_size": 2} | given), x)


def refusal(error, *says, **call):
    return error, says, call


def zeros(*shape, dtype=torch.float32):
    return torch.zeros(shape, dtype=dtype)


# error, what the sentence must say (parameter and value, shape it met, rule), and the call; by row of facts.md part 2
REFUSALS = [
    # kind, and settings of the other kind
    refusal(ValueError, "kind='min'", "'max'", "'avg'", kind="min"),
    refusal(ValueError, "kind=None", "'max'", kind=None),
    refusal(ValueError, "kind=['max']", "'max'", kind=["max"]),
    refusal(ValueError, "dilation=2", "does not belong to nn.AvgPool2d", "kind='max'", kind="avg", dilation=2),
    refusal(ValueError, "dilation=(1, 2)", "does not belong to nn.AvgPool2d", kind="avg", dilation=(1, 2)),
    refusal(ValueError, "count_include_pad=False", "nn.MaxPool2d", "kind='avg'", kind="max", count_include_pad=False),
    refusal(ValueError, "divisor_override=3", "nn.MaxPool2d", "kind='avg'", kind="max", divisor_override=3),
    # int or tuple
    *(
        refusal(TypeError, f"{name}={value!r}", type(value).__name__, "whole numbers only", kind="max", **{name: value})
        for name in ("kernel_size", "stride", "padding", "dilation")
        for value in (2.0, True, "2", np.float32(2), torch.tensor(2.0), np.array([2, 2]), {2})
    ),
    *(
        refusal(TypeError, f"{name}=None", "NoneType", "whole numbers only", kind="max", **{name: None})
        for name in ("kernel_size", "padding", "dilation")
    ),
    refusal(TypeError, "kernel_size=2.5", "float", "whole numbers only", kind="avg", kernel_size=(2, 2.5)),
    refusal(TypeError, "kernel_size=[2, 2]", "list", "whole numbers only", kind="avg", kernel_size=[[2, 2]]),
    refusal(ValueError, "kernel_size=(2, 2, 2)", "3 entries", "(height, width)", kind="avg", kernel_size=(2, 2, 2)),
    refusal(ValueError, "stride=[1, 1, 1]", "3 entries", "(height, width)", kind="max", stride=[1, 1, 1]),
    refusal(ValueError, "padding=()", "0 entries", "(height, width)", kind="max", padding=()),
    refusal(ValueError, "kernel_size=()", "0 entries", "(height, width)", kind="max", kernel_size=()),
    refusal(ValueError, "stride=2147483648", "at most 2147483647", kind="max", stride=2**31),
    refusal(ValueError, "kernel_size=1180591620717411303424", "at most", kind="avg", kernel_size=2**70),
    # flags
    refusal(TypeError, "ceil_mode=1", "int", "True or False", kind="max", ceil_mode=1),
    refusal(TypeError, "ceil_mode=None", "NoneType", "True or False", kind="avg", ceil_mode=None),
    refusal(TypeError, "ceil_mode=np.True_", "True or False", kind="avg", ceil_mode=np.bool_(True)),
    refusal(TypeError, "count_include_pad='no'", "str", "True or False", kind="avg", count_include_pad="no"),
    # stride 0, negative
    refusal(ValueError, "stride=0", "at least 1", kind="max", stride=0),
    refusal(ValueError, "stride=(2, 0)", "at least 1", kind="avg", stride=(2, 0)),
    refusal(ValueError, "stride=-1", "at least 1", kind="avg", stride=-1),
    refusal(ValueError, "kernel_size=0", "kernel_size must be at least 1", kind="max", kernel_size=0),
    refusal(ValueError, "kernel_size=(2, -1)", "at least 1", kind="avg", kernel_size=(2, -1)),
    refusal(ValueError, "dilation=0", "at least 1", kind="max", dilation=0),
    refusal(ValueError, "padding=-1", "at least 0", kind="avg", padding=-1),
    # padding limit
    refusal(
        ValueError, "padding=2", "kernel_size=3", "kernel_size // 2 = 1", "pad", kind="max", kernel_size=3, padding=2
    ),
    refusal(ValueError, "padding=2", "kernel_size=2", "= 1", "dilation", kind="max", padding=2, dilation=3),
    refusal(
        ValueError,
        "padding=(1, 2)",
        "kernel_size=(4, 3)",
        "in width",
        "// 2 = 1",
        kind="avg",
        kernel_size=(4, 3),
        padding=(1, 2),
    ),
    refusal(
        ValueError,
        "padding=(2, 1)",
        "kernel_size=(3, 4)",
        "in height",
        "// 2 = 1",
        kind="avg",
        kernel_size=(3, 4),
        padding=(2, 1),
    ),
    refusal(ValueError, "padding=1", "kernel_size=1", "// 2 = 0", kind="max", kernel_size=1, padding=1),
    # output size
    refusal(
        ValueError, "kernel_size=7", "6 x 6", "height", "reaches over 7 cells", "there are 6", kind="max", kernel_size=7
    ),
    refusal(
        ValueError,
        "kernel_size=(2, 7)",
        "6 x 6",
        "width",
        "over 7 cells",
        "there are 6",
        kind="avg",
        kernel_size=(2, 7),
    ),
    refusal(
        ValueError, "kernel_size=9", "6 x 6", "over 9 cells", "6 + 2 * 1 padding", kind="avg", kernel_size=9, padding=1
    ),
    refusal(ValueError, "dilation=6", "6 x 6", "over 7 cells", "there are 6", kind="max", dilation=6),
    refusal(ValueError, "kernel_size=2", "1 x 8", "height", "over 2 cells", kind="max", x=zeros(3, 1, 8)),
    refusal(ValueError, "kernel_size=7", "6 x 6", "over 7 cells", kind="max", kernel_size=7, x=zeros(0, 1, 6, 6)),
    refusal(
        ValueError,
        "kernel_size=14",
        "stride=2",
        "6 x 6",
        "over 14",
        kind="avg",
        kernel_size=14,
        stride=2,
        ceil_mode=True,
    ),
    # divisor_override
    refusal(ValueError, "divisor_override=0", "divided by 0", kind="avg", divisor_override=0),
    refusal(TypeError, "divisor_override=2.0", "float", "whole numbers", kind="avg", divisor_override=2.0),
    refusal(TypeError, "divisor_override=True", "bool", "whole numbers", kind="avg", divisor_override=True),
    refusal(TypeError, "divisor_override=(2,)", "tuple", "whole numbers", kind="avg", divisor_override=(2,)),
    refusal(
        ValueError,
        "divisor_override=9223372036854775808",
        "at most 9223372036854775807",
        kind="avg",
        divisor_override=2**63,
    ),
    # ranks
    *(
        refusal(
            ValueError,
            f"input of shape {shape}",
            f"{len(shape)} dimensions",
            "(H, W), (C, H, W) or (N, C, H, W)",
            kind=kind,
            x=zeros(*shape),
        )
        for kind in ("max", "avg")
        for shape in ((), (6,), (1, 1, 1, 6, 6))
    ),
    # empty
    *(
        refusal(ValueError, f"input of shape {shape}", "empty", "only the batch N may be 0", kind=kind, x=zeros(*shape))
        for kind in ("max", "avg")
        for shape in ((1, 0, 6, 6), (0, 6, 6), (2, 0, 6), (2, 1, 6, 0), (0, 0, 6, 6))
    ),
    refusal(ValueError, "input of shape (1, 0, 6)", "empty", kind="max", x=zeros(0, 6)),
    # dtypes and layouts
    *(
        refusal(
            TypeError,
            f"dtype {str(dtype)[6:]} on cpu",
            "nn.MaxPool2d takes uint8, int8",
            "x.float()",
            kind="max",
            x=zeros(1, 6, 6, dtype=dtype),
        )
        for dtype in (torch.bool, torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn)
    ),
    *(
        refusal(
            TypeError,
            f"dtype {str(dtype)[6:]} on cpu",
            "nn.AvgPool2d takes int64, float16",
            "x.float()",
            kind="avg",
            x=zeros(1, 6, 6, dtype=dtype),
        )
        for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.bool, torch.uint16)
    ),
    refusal(TypeError, "sparse coo", "dense", kind="max", x=zeros(1, 6, 6).to_sparse()),
    # what is no tensor
    refusal(TypeError, "input of type list", "tensor, array or lists", kind="max", x=[[1, 2], [3]]),
    refusal(TypeError, "input of type str", "tensor, array or lists", kind="avg", x="zeros"),
    refusal(TypeError, "input of type NoneType", "tensor, array or lists", kind="avg", x=None),
    refusal(TypeError, "input of type list", "tensor, array or lists", kind="avg", x=[[10**400, 0], [0, 0]]),
    refusal(TypeError, "input is an array of text", "x.astype", kind="avg", x=np.array([["a", "b"], ["c", "d"]])),
    # the defect: a dilated window with no cell inside the input
    refusal(
        ValueError,
        "1 x 1",
        "height",
        "dilation=2",
        "padding=1",
        "no cell",
        "dilation <= 1",
        kind="max",
        padding=1,
        dilation=2,
        x=zeros(3, 1, 1),
    ),
    refusal(
        ValueError,
        "6 x 1",
        "width",
        "dilation=2",
        "padding=1",
        "no cell",
        "dilation <= 1",
        kind="max",
        kernel_size=(1, 2),
        padding=(0, 1),
        dilation=(1, 2),
        x=zeros(6, 1),
    ),
]


def check_refused(error, says, call):
    """Is the call refused before torch is asked, in one sentence that says all of `says`?"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "max_pool2d", asked)
        patch.setattr(F, "avg_pool2d", asked)
        check_sentence(error, says, lambda: pool(**call))


def check_sentence(error, says, call):
    try:
        call()
    except (TypeError, ValueError) as refused:
        sentence = str(refused)
        assert type(refused) is error, f"{type(refused).__name__}: {sentence}"
    else:
        raise AssertionError(f"accepted, where it should say {says}")
    for part in says:
        assert part in sentence, f"{part!r} is not in: {sentence}"
    assert sentence.endswith(".") and "\n" not in sentence


def asked(*_, **__):
    raise AssertionError("torch was asked")


@together("error, says, call", REFUSALS)
def test_a_refusal_names_the_parameter_its_value_and_the_rule(error, says, call):
    check_refused(error, says, call)


@together("error, says, call", [case for case in REFUSALS if case[2]["kind"] in ("max", "avg")])
def test_torch_refuses_it_too_or_would_write_outside_its_memory(error, says, call):
    given = {"kernel_size": 2} | call
    kind, x = given.pop("kind"), given.pop("x", SIX)
    function = {"max": F.max_pool2d, "avg": F.avg_pool2d}[kind]
    if "no cell" in says:
        x = x.reshape(-1, *x.shape[-2:])
        _, indices = function(x, **given, return_indices=True)
        assert indices.max() >= x.shape[-2] * x.shape[-1]
        return
    with pytest.raises(Exception):  # noqa: B017 - torch's are of many kinds
        function(x, **given)


INTEGERS = [2, np.int64(2), np.uint8(2), torch.tensor(2), torch.tensor(2, dtype=torch.uint8)]
PAIRS = [*INTEGERS, (2,), [2], (2, 2), [2, 2], torch.Size((2, 2)), (np.int64(2), torch.tensor(2))]


@pytest.mark.parametrize("value", PAIRS, ids=repr)
@pytest.mark.parametrize("name", ["kernel_size", "stride", "padding", "dilation"])
def test_every_way_to_write_a_two_that_torch_takes_is_taken(name, value):
    given = {"kernel_size": 4} | {name: value}
    assert getattr(Pooling("max", **given), name) == (2, 2)
    x = torch.arange(81.0).reshape(1, 9, 9)
    assert torch.equal(trace(Pooling("max", **given), x).output, F.max_pool2d(x, **given))


@pytest.mark.parametrize("value", [*INTEGERS, -3, 2**63 - 1, -(2**63), None], ids=repr)
def test_every_divisor_that_torch_takes_is_taken(value):
    x = torch.arange(36.0).reshape(1, 6, 6)
    expected = F.avg_pool2d(x, 2, divisor_override=value)
    assert torch.equal(trace(Pooling("avg", 2, divisor_override=value), x).output, expected)


@pytest.mark.parametrize("stride", [None, (), []], ids=repr)
def test_no_stride_means_kernel_size(stride):
    assert Pooling("max", (2, 3), stride=stride).stride == (2, 3)
    x = torch.arange(36.0).reshape(1, 6, 6)
    assert torch.equal(pool("avg", x, stride=stride).output, F.avg_pool2d(x, 2, stride=stride))


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("dtype", [*rules.FLOATS, torch.int64], ids=str)
def test_the_dtypes_that_torch_takes_are_taken(kind, dtype):
    assert pool(kind, zeros(1, 6, 6, dtype=dtype)).output.dtype == dtype


@pytest.mark.parametrize("setting", [{"count_include_pad": True}, {"divisor_override": None}], ids=str)
def test_a_setting_of_the_other_kind_may_stand_at_its_default(setting):
    assert Pooling("max", 2, **setting) == Pooling("max", 2)
    assert Pooling("avg", 2, dilation=(1, 1)) == Pooling("avg", 2)


def test_dilation_up_to_the_input_size_is_safe_with_padding():
    for size in range(1, 6):
        pool("max", zeros(1, size, size), dilation=size, padding=1).backward()


TRACED = trace(Pooling("max", 2), zeros(2, 3, 6, 4))


@pytest.mark.parametrize(
    "error, says, call",
    [
        (ValueError, ["row=3 ", "there are 3", "0 to 2"], lambda: TRACED.window(3, 0)),
        (ValueError, ["row=-1 ", "outside", "0 to 2"], lambda: TRACED.window(-1, 0)),
        (ValueError, ["col=2 ", "there are 2", "0 to 1"], lambda: TRACED.window(0, 2)),
        (ValueError, ["channel=3 ", "there are 3", "0 to 2"], lambda: TRACED.window(0, 0, channel=3)),
        (ValueError, ["image=2 ", "there are 2", "0 to 1"], lambda: TRACED.window(0, 0, image=2)),
        (ValueError, ["image=1 ", "there are 1"], lambda: trace(Pooling("max", 2), zeros(2, 2)).window(0, 0, image=1)),
        (TypeError, ["row=0.5", "float", "whole numbers"], lambda: TRACED.window(0.5, 0)),
        (
            ValueError,
            ["upstream", "(3, 2)", "(2, 3, 3, 2)", "nn.MaxPool2d(kernel_size=2)"],
            lambda: TRACED.backward(zeros(3, 2)),
        ),
        (TypeError, ["upstream", "str", "tensor, array or lists"], lambda: TRACED.backward("ones")),
        (
            TypeError,
            ["torch.int64", "no gradient", "x.float()"],
            lambda: pool("max", zeros(6, 6, dtype=torch.int64)).backward(),
        ),
        (TypeError, ["Softmax2d", "nn.MaxPool2d or nn.AvgPool2d"], lambda: trace(torch.nn.Softmax2d(), SIX)),
        (TypeError, ["MaxPool1d", "nn.MaxPool2d or nn.AvgPool2d"], lambda: Pooling.of(torch.nn.MaxPool1d(2))),
        (
            ValueError,
            ["device='gpu'", "'auto', 'cpu', 'cuda' or 'mps'"],
            lambda: trace(Pooling("max", 2), SIX, device="gpu"),
        ),
        (ValueError, ["kernel_size=7", "6 x 6", "over 7 cells"], lambda: Pooling("max", 7).output_size(6, 6)),
        (ValueError, ["padding=9", "kernel_size=2"], lambda: trace(torch.nn.MaxPool2d(2, padding=9), SIX)),
    ],
)
def test_a_wrong_question_is_answered_in_a_sentence(error, says, call):
    check_sentence(error, says, call)


def test_an_accelerator_that_is_not_there_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr("pooling_course.maths.device.best_device", lambda: "cpu")
    check_sentence(ValueError, ["device='cuda'", "'auto' or 'cpu'"], lambda: trace(Pooling("max", 2), SIX, "cuda"))


def test_no_accelerator_is_said_once(monkeypatch, capsys):
    monkeypatch.setattr("pooling_course.maths.device.best_device", lambda: "cpu")
    monkeypatch.setattr("pooling_course.maths.device._said", False)
    for _ in range(2):
        trace(Pooling("max", 2), SIX, device="auto")
    assert capsys.readouterr().out == "No accelerator found: pooling runs on the CPU.\n"


def test_a_backend_that_returns_another_size_is_found_out(monkeypatch):
    monkeypatch.setattr("pooling_course.maths.kinds.pooling.Pooling.pool", lambda *_: (zeros(1, 1, 4, 3), None))
    with pytest.raises(
        RuntimeError, match=r"torch on cpu returned \(4, 3\) where its own rule gives \(3, 3\).*'cpu'\.$"
    ):
        trace(Pooling("avg", 2), SIX)


def test_a_pooling_cannot_be_changed_after_its_check():
    with pytest.raises(AttributeError):
        Pooling("max", 2).stride = 0


def test_a_trace_is_made_without_a_second_look_at_torch(monkeypatch):
    traced = pool("avg", zeros(2, 6, 6))
    monkeypatch.setattr(F, "avg_pool2d", asked)
    assert isinstance(traced, Trace) and traced.reads.sum() == 36 and traced.output.shape == (2, 3, 3)
    with pytest.raises(AssertionError, match="torch was asked"):
        traced.backward()
