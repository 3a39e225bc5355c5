"""Is what people type understood, however they write it, and nonsense refused in a sentence?"""

import pytest

from harness.questions import DATA, made
from pooling_course.questions import ON_CARDS, question

BY_KIND = {kind: next(data for _, data in DATA if data["kind"] == kind) for kind in ON_CARDS}
TABLE = [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "kind, raw, parsed",
    [
        ("shape", "8x16x16x16", [8, 16, 16, 16]),
        ("shape", "(8, 16, 16, 16)", [8, 16, 16, 16]),
        ("shape", "[8,16,16,16]", [8, 16, 16, 16]),
        ("shape", "8 × 16 × 16 × 16", [8, 16, 16, 16]),
        ("shape", "8 16 16 16", [8, 16, 16, 16]),
        ("shape", "torch.Size([8, 16, 16, 16])", [8, 16, 16, 16]),
        ("shape", [8, 16, 16, 16], [8, 16, 16, 16]),
        ("number", "1/9", 1 / 9),
        ("number", " 2.50 ", 2.5),
        ("number", "2,5", 2.5),
        ("number", "−4", -4),
        ("number", -4, -4),
        ("several", [2, 0, 2], [0, 2]),
        ("one", "1", 1),
        ("fill", [["1", "2,0"], ["6/2", " 4"]], TABLE),
        ("cells", [[1, 0], [0, 1], [1, 0]], [[0, 1], [1, 0]]),
    ],
)
def test_is_the_same_answer_understood_however_it_is_typed(kind, raw, parsed):
    assert made(BY_KIND[kind]).parse(raw) == parsed


@pytest.mark.parametrize(
    "kind, raw, says",
    [
        *[(kind, nothing, "No answer yet") for kind in ON_CARDS for nothing in (None, "", [])],
        ("number", "nine", "'nine' is not a number"),
        ("number", "1/0", "'1/0' is not a number"),
        ("number", "   ", "is not a number"),
        ("number", [1], "is not a number"),
        ("shape", "large", "'large' is not a shape"),
        ("shape", "8, 1.5", "is not a shape"),
        ("shape", "()", "'()' is not a shape"),
        ("shape", "(4,8,6)x", "'(4,8,6)x' is not a shape"),
        ("shape", 7, "write a shape"),
        ("one", 99, "choose one of the choices"),
        ("one", -1, "choose one of the choices"),
        ("one", True, "choose one of the choices"),
        ("one", "first", "choose one of the choices"),
        ("several", [0, 99], "choose one or more"),
        ("several", 1, "choose one or more"),
        ("cells", [[0, 99]], "mark cells of the grid"),
        ("cells", [1, 2], "mark cells of the grid"),
        ("fill", [["1", ""], ["", "4"]], "2 of 4 cells are still empty"),
        ("fill", [["1", None], ["3", "4"]], "1 of 4 cells are still empty"),
        ("fill", [["1", "two"], ["3", "4"]], "'two' is not a number"),
        ("fill", [["1", "2"]], "write a number into every cell"),
        ("fill", [["1", "2", "3"], ["4", "5", "6"]], "write a number into every cell"),
        ("order", [0, 1], "put the steps in order"),
        ("order", [0, 0, 1, 2, 3], "put the steps in order"),
    ],
)
def test_is_nonsense_refused_in_a_sentence(kind, raw, says):
    with pytest.raises(ValueError) as error:
        made(BY_KIND[kind]).parse(raw)
    sentence = str(error.value)
    assert says in sentence and sentence.endswith(".") and "Traceback" not in sentence


def test_is_a_whole_number_asked_for_where_something_is_counted():
    asked = {
        name: question(name).public() for name in ("stride-one-rows", "winner-number", "pre-divisor", "noise-left")
    }
    assert {name: public["whole"] for name, public in asked.items()} == {
        "stride-one-rows": True,
        "winner-number": True,
        "pre-divisor": False,  # 2.0: an average, which happens to be whole
        "noise-left": False,
    }


@pytest.mark.parametrize("raw", ["2.5", "7/2", "-0,1"])
def test_is_only_a_whole_number_taken_there(raw):
    q = question("winner-number")
    with pytest.raises(ValueError, match=f"'{raw}' is not a whole number, and one is asked for here."):
        q.parse(raw)
    assert q.parse("8/2") == 4 and question("pre-divisor").parse(raw)


def test_does_a_wrong_name_get_near_ones():
    with pytest.raises(ValueError, match="'max-channels'"):
        question("max-chanels")
