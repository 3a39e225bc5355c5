"""Does a link bring an explorer back as it was, and do nothing else, whatever it says? In a page: test_site.py."""

import base64
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.node import answers, node
from pooling_course import PoolingExplorer
from pooling_course.explorer.explorer import DEFAULTS
from pooling_course.maths.windows import KINDS
from pooling_course.web import assets

DRIVER = Path(__file__).with_name("link.mjs")
FILES = ("explorer/link.js", "explorer/table.js")


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """ask(cases, source) -> what link.js and table.js answer; nothing that they read may reach beyond them."""
    node()
    folder = tmp_path_factory.mktemp("link")

    def asked(*cases, source=None):
        told = answers(folder, DRIVER, source or assets.script(*FILES), list(cases))
        assert told["clean"]
        return told["found"]

    return asked


def read(ask, *hashes):
    return ask(*(["read", text] for text in hashes))


def block(shape, dtype, values):
    return {"shape": shape, "dtype": dtype, "values": values}


# --- what it knows is what Python knows -------------------------------------------------------------------------------


def test_families_and_defaults_are_those_of_python(ask):
    (facts,) = ask(["facts"])
    assert sorted(facts["families"].values()) == sorted(map(list, {cls.TWINS for cls in KINDS.values()}))
    assert {name: facts["defaults"].get(name) for name in DEFAULTS} == DEFAULTS
    fresh = PoolingExplorer()
    for name in ("kind", "compare", "direction", "upstream_mode"):
        assert facts["defaults"][name] == getattr(fresh, name)


def test_an_input_is_packed_as_python_packs_it(ask):
    inputs = {
        "float32": torch.tensor([[0.1, -0.0, float("inf")], [3, 4, 5]]),
        "float64": torch.tensor([[0.1, 2, 3]], dtype=torch.float64),
        "int64": torch.arange(6).reshape(2, 3),
        "uint8": torch.arange(12, dtype=torch.uint8).reshape(2, 2, 3),
    }
    cases = [["cells", block(list(x.shape), dtype, x.flatten().tolist())] for dtype, x in inputs.items()]
    for cells, (dtype, x) in zip(ask(*cases), inputs.items(), strict=True):
        ours = PoolingExplorer(x).book["input"]
        assert {name: cells[name] for name in ("shape", "float", "index", "whole", "dtype", "part")} == {
            name: ours[name] for name in ("shape", "float", "index", "whole", "dtype", "part")
        }, dtype
        assert bytes(cells["data"]) == ours["data"], dtype


# --- there and back ---------------------------------------------------------------------------------------------------

FAMILIES = [["max", "avg"], ["adaptive max", "adaptive avg"], ["fractional max", "adaptive max"], ["lp", "avg"]]
FAMILIES += [["conv", "avg"]]


def drawn(rng):
    """What an explorer may show."""
    two = lambda low, high: rng.choice([rng.randint(low, high), [rng.randint(low, high), rng.randint(low, high)]])  # noqa: E731
    kinds = rng.choice(FAMILIES)
    shown = {
        "family": kinds[0],
        "kind": rng.choice(kinds),
        "compare": rng.random() < 0.5,
        "direction": rng.choice(["forward", "backward"]),
        "kernel_size": two(1, 64),
        "stride": two(1, 64),
        "padding": two(0, 32),
        "dilation": two(1, 16),
        "ceil_mode": rng.random() < 0.5,
        "count_include_pad": rng.random() < 0.5,
        "divisor_override": rng.choice([None, 7, -3]),
        "output_size": two(1, 128),
        "norm_type": rng.choice([1, 2, 0.5, 3.5]),
        "samples": rng.choice([0.5, [0.05, 0.95], 0]),
        "upstream_mode": rng.choice(["ones", "chosen"]),
        "chosen": [rng.randint(0, 500), rng.randint(0, 500)],
        "channel": rng.randint(0, 3),
        "cells": rng.choice(["values", "all windows", "reads", "divisors"]),
    }
    if kinds[0] == "conv":
        shown["plane"] = block([2, 3], "float64", [rng.uniform(-1, 1) for _ in range(6)])
    if rng.random() < 0.5:
        shown["preset"] = rng.choice(["worked", "digit", "photo"])
    else:
        rows, cols = rng.randint(1, 9), rng.randint(1, 9)
        numbers = [np.float32(rng.choice([rng.randint(-9, 9), rng.gauss(0, 1e3)])).item() for _ in range(rows * cols)]
        shown["x"] = block([rows, cols], "float32", numbers)
    if rng.random() < 0.3:
        shown |= {"upstream_mode": "own", "own": block([2, 2], "float64", [1, 2.5, -3, 1 / 3])}
    if rng.random() < 0.3:
        shown["at"] = "max-versus-average-see-2.0"
    return shown


def test_what_is_shown_comes_back_whatever_it_is(ask):
    rng = random.Random(1)
    cases = [drawn(rng) for _ in range(400)]
    for shown, found in zip(cases, ask(*(["there_and_back", shown] for shown in cases)), strict=True):
        assert found == {
            "shown": {name: value for name, value in shown.items() if value is not None}
            | {"divisor_override": shown["divisor_override"]}
        }, shown


def test_a_link_that_loses_a_setting_is_noticed(ask):
    every, some = "SLIDERS.map((slider) => [", 'SLIDERS.filter(({ name }) => name !== "stride").map((slider) => ['
    assert every in assets.script(*FILES), f"link.js no longer says {every!r}: change this test, too."
    source = assets.script(*FILES).replace(every, some)
    (found,) = ask(["there_and_back", {"stride": 3}], source=source)
    assert found["shown"]["stride"] == 2


NUMBERS = [
    ("small whole ones", "float32", [0, 1, -3, 127], "i1"),
    ("those of a photo", "float32", [np.float32(n / 255).item() for n in (0, 17, 254, 255)], "p1"),
    ("any float32", "float32", [np.float32(0.1).item(), 2.0**100, 2, -1], "f4"),
    ("what is no number, and the other zero", "float32", ["NaN", "Infinity", "-Infinity", -0.0], "f4"),
    ("any float64", "float64", [0.1, 1 / 3, 1e300, 2], "f8"),
    ("whole ones of 64 bits", "int64", [2**53 - 1, -(2**53), 5, 6], "f8"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dtype", "values", "packing"), NUMBERS, ids=[n for n, *_ in NUMBERS])
def test_numbers_come_back_bit_for_bit_in_as_few_bytes_as_hold_them(ask, name, dtype, values, packing):
    x = block([2, 2], dtype, values)
    link, found = ask(["write", {"x": x}], ["there_and_back", {"x": x}])
    assert f"x=2x2.{dtype}.{packing}." in link
    told = ["-0" if v == 0 and str(v) == "-0.0" else v for v in values]
    assert found["shown"]["x"]["values"] == told


def test_a_link_is_short_and_says_only_what_is_not_usual(ask):
    usual, one, photo = ask(
        ["write", {"kernel_size": 2, "stride": 2, "compare": False}],
        ["write", {"kernel_size": [3, 2], "compare": True, "preset": "digit"}],
        ["write", {"x": block([3, 64, 64], "float32", [np.float32(1 / 255).item()] * 3 * 64 * 64)}],
    )
    assert usual == "#explorer=1" and one == "#explorer=1&compare=1&kernel_size=3x2&preset=digit"
    assert len(photo) < 20_000


def test_a_link_whose_signs_were_encoded_on_its_way_says_the_same(ask):
    ends = "#explorer=1&kernel_size=3&stride=1", "#explorer%3D1%26kernel_size%3D3&stride%3d1"
    plain, encoded = read(ask, *ends)
    assert encoded == plain and plain["shown"]["kernel_size"] == 3


# --- a link that is none ----------------------------------------------------------------------------------------------

WRONG = [
    ("#explorer=2&kernel_size=3", "made by a later version of the course (its format is 2, and this page reads 1)"),
    ("#explorer=1&x=" + "A" * 20_000, "has 20,014 characters, more than the 20,000 that a link may have"),
    ("#explorer=", "is damaged"),
    ("#explorer=one", "is damaged"),
    ("#explorer=1&", "is damaged"),
    ("#explorer=1&kernel_size=0", "'kernel_size=0' is not a value"),
    ("#explorer=1&kernel_size=65", "'kernel_size=65' is not a value"),
    ("#explorer=1&kernel_size=1e9", "'kernel_size=1e9' is not a value"),
    ("#explorer=1&kernel_size=99999999999999999999", "is not a value"),
    ("#explorer=1&kernel_size=3x3x3", "is not a value"),
    ("#explorer=1&kernel_size=3x", "is not a value"),
    ("#explorer=1&kernel_size=-1", "is not a value"),
    ("#explorer=1&divisor_override=0", "is not a value"),
    ("#explorer=1&norm_type=NaN", "is not a value"),
    ("#explorer=1&kernel_size=3&kernel_size=3", "is said twice"),
    ("#explorer=1&__proto__=1", "is no setting"),
    ("#explorer=1&constructor=1", "is no setting"),
    ("#explorer=1&toString=1", "is no setting"),
    ("#explorer=1&kind=__proto__", "is not a value"),
    ("#explorer=1&kind=constructor", "is not a value"),
    ("#explorer=1&preset=toString", "is not a value"),
    ("#explorer=1&preset=nobody", "is not a value"),
    ("#explorer=1&kind=avg&family=adaptive-max", "does not go with the rest"),
    ("#explorer=1&upstream_mode=own", "does not go with the rest"),
    ("#explorer=1&x=1x1.float32.i1.AA&preset=worked", "does not go with the rest"),
    ("#explorer=1&plane=1x1.float32.i1.AA", "does not go with the rest"),
    ("#explorer=1&x=2x2.float32.i1.AAAA", "is not a value"),  # a byte is missing
    ("#explorer=1&x=2x2.float32.i1.AAAAAAAA", "is not a value"),  # there are two too many
    ("#explorer=1&x=2x2.float32.i1.A!AAAA", "is no setting"),
    ("#explorer=1&x=2x2.float32.__proto__.AAAAAA", "is not a value"),
    ("#explorer=1&x=2x2.constructor.i1.AAAAAA", "is not a value"),
    ("#explorer=1&x=0x2.float32.i1.", "is not a value"),
    ("#explorer=1&x=513x1.float32.i1." + "A" * 684, "is not a value"),
    ("#explorer=1&x=99999x99999.float32.i1.AA", "is not a value"),
    ("#explorer=1&x=1x1.uint8.i1._w", "is not a value"),  # -1
    ("#explorer=1&x=1x1.int64.f4.AAAAPw", "is not a value"),  # a half
    ("#explorer=1&at=../../etc.0", "is no setting"),
    ("#explorer=1&at=..etc.0", "is not a value"),
    ("#explorer=1&<script>alert(1)</script>=1", "is no setting"),
    ("#explorer=1&x=javascript:alert(1)", "is no setting"),
    ('#explorer=1&preset="><img src=x onerror=alert(1)>', "is no setting"),
    ("#explorer=1&message=hello", "is no setting"),
    ("#explorer=1&alone=1", "is no setting"),
    ("#explorer=1&book=1", "is no setting"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("link", "said"), WRONG, ids=range(len(WRONG)))
def test_a_link_with_a_fault_is_refused_in_a_sentence(ask, link, said):
    (found,) = read(ask, link)
    assert set(found) == {"error"} and said in found["error"], found
    assert found["error"].endswith("so the explorer opens as the page has it.") and len(found["error"]) < 250


def test_what_is_no_link_of_an_explorer_is_left_alone(ask):
    assert read(ask, "", "#", "#See-it", "#explore", "#explorers", "#Explorer=1") == [None] * 6


def test_whatever_a_link_says_it_is_read_as_known_settings_in_range_or_not_at_all(ask):
    """Thousands of links that have been cut, changed or put together of what harms elsewhere."""
    rng = random.Random(2)
    seeds = ask(*(["write", drawn(rng)] for _ in range(40)))
    evil = [
        "__proto__",
        "constructor",
        "<script>",
        "%00",
        "\\u0000",
        "NaN",
        "1e999",
        "-0",
        "0x10",
        "١",
        "..",
        "=",
        "&",
        "x",
    ]
    letters = "&=.x-_0123456789abcdefAZ%<>\"'`${}\\ "
    links = []
    for _ in range(4000):
        link = rng.choice(seeds)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(10, len(link) + 1)
            how = rng.random()
            if how < 0.3:
                link = link[:at]
            elif how < 0.6:
                link = link[:at] + rng.choice(letters) + link[at + 1 :]
            elif how < 0.8:
                link = link[:at] + rng.choice(evil) + link[at:]
            else:
                link += "&" + rng.choice(["kernel_size=", "kind=", "x=", "own=", "__proto__="]) + rng.choice(evil)
        links.append(link)
    found = read(ask, *links)
    refused = [one for one in found if one and "error" in one]
    assert len(refused) > 2000 and len(found) - len(refused) > 100  # both have been seen
    for one in found:
        if one and "shown" in one:
            sound(one["shown"])


RANGES = {"kernel_size": (1, 64), "stride": (1, 64), "padding": (0, 32), "dilation": (1, 16), "output_size": (1, 128)}
NAMES = {*DEFAULTS, "family", "kind", "compare", "direction", "upstream_mode", "chosen", "channel", "cells"} - {
    "weights"
}
MORE = {"at", "preset", "x", "own", "plane", "large"}


def sound(shown):
    """Fails where a link has given what an explorer must not get."""
    assert NAMES <= set(shown) <= NAMES | MORE, shown
    for name, (low, high) in RANGES.items():
        values = shown[name] if isinstance(shown[name], list) else [shown[name]]
        assert len(values) <= 2 and all(type(v) is int and low <= v <= high for v in values), shown
    for name in ("compare", "ceil_mode", "count_include_pad"):
        assert type(shown[name]) is bool
    assert [shown["family"], shown["kind"]] in [[kinds[0], kind] for kinds in FAMILIES for kind in kinds]
    assert shown.get("preset", "worked") in ("worked", "digit", "photo")
    for name in {"x", "own", "plane"} & set(shown):
        sizes, numbers = shown[name]["shape"], shown[name]["values"]
        assert np.prod(sizes) == len(numbers) and all(type(v) in (int, float) or v in WORDS for v in numbers)


WORDS = ("NaN", "Infinity", "-Infinity", "-0")


def test_a_reader_that_takes_what_it_should_not_is_noticed(ask):
    source = assets.script(*FILES)
    loose = source.replace("value >= low && value <= high ? value : undefined", "value")
    with pytest.raises(AssertionError):
        sound(ask(["read", "#explorer=1&kernel_size=0"], source=loose)[0]["shown"])
    assert loose != source
    found = re.sub(r"!Object\.hasOwn\(FORMS, name\)", "false", source)
    assert found != source
    with pytest.raises(AssertionError):
        ask(["read", "#explorer=1&constructor=1"], source=found)


def test_base64_is_that_of_python(ask):
    (link,) = ask(["write", {"x": block([1, 3], "float32", [-1, -2, 127])}])
    payload = link.rpartition(".")[2]
    assert base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)) == np.int8([-1, -2, 127]).tobytes()


# --- tables as people paste them --------------------------------------------------------------------------------------

TWO = [[1, 2], [3, 4]]
HALVES = [[1.5, 2.5], [-3, 4]]
TABLES = [
    ("1\t2\n3\t4", TWO),  # from a spreadsheet
    ("1\t2\r\n3\t4\r\n", TWO),
    ("1,5\t2,5\n-3\t4", HALVES),
    ("1,5;2,5\n-3;4", HALVES),  # where the comma is the decimal mark
    ("1.5;2.5\n-3;4", HALVES),
    ("1,2\n3,4", TWO),
    ("1, 2\n3, 4", TWO),
    ("1 2\n3 4", TWO),
    ("  1   2 \n\n"[:-1] + "  3   4 \n\n", TWO),
    ("1,5 2,5\n−3 4", HALVES),  # with a true minus
    ('"1,5","2,5"\n-3,4', HALVES),
    ("\ufeff1;2\n3;4", TWO),
    ("1\u00a02\n3\u00a04", TWO),
    ("[[1, 2], [3, 4]]", TWO),
    ("[[1 2]\n [3 4]]", TWO),
    ("tensor([[1., 2.],\n        [3., 4.]])", TWO),
    ("tensor([[1., 2.],\n        [3., 4.]], dtype=torch.float64)", TWO),
    ("array([[1., 2.],\n       [3., 4.]], dtype=float32)", TWO),
    ("[1, 2]", [[1, 2]]),
    ("7", [[7]]),
    ("1/3\tnan\tinf", [[np.float32(1 / 3).item(), "NaN", "Infinity"]]),
    ("1e3\t-.5", [[1000, -0.5]]),
    ("\u200e1\t\u200f2\n3\t\u200b4", TWO),  # with marks that nobody sees
    ("1\u20092\n3\u202f\u202f4", TWO),
    ("[[1,\t2],\r\n\t[3,\t4]]", TWO),
]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "rows"), TABLES, ids=[json.dumps(text) for text, _ in TABLES])
def test_a_table_is_read_as_it_was_meant(ask, text, rows):
    assert ask(["table", text]) == [rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "told"), [("1,234\t2", "1,234 as 1.234"), ('"2,5",1', "2,5 as 2.5"), ("1,2\n3,4", ""), ("1.5 2", "")]
)
def test_a_decimal_comma_is_told_as_it_could_group_digits(ask, text, told):
    assert ask(["comma", text]) == [told]


@pytest.mark.slow
@pytest.mark.parametrize("blank", [" ", "\t", "\n", " \t\n"], ids=json.dumps)
def test_a_million_blanks_are_read_like_one(ask, blank):
    """A pattern that tried each of them as its first would take an hour."""
    assert ask(["table", "[1" + blank * 1_000_000 + "2]"]) == [[[1, 2]]]


@pytest.mark.slow
def test_a_million_spaces_between_two_numbers(ask):
    assert ask(["table", "1" + " " * 1_000_000 + "2" + " " * 1_000_000]) == [[[1, 2]]]


BAD = [
    ("", "There is nothing here yet"),
    (" \n ", "There is nothing here yet"),
    ("a\tb\n1\t2", "Line 1, number 1: 'a' is not a number"),
    ("1\t2\n3\tx", "Line 2, number 2: 'x' is not a number"),
    ("1\t2\n3", "Line 2 has 1 number, and line 1 has 2: every row needs as many."),
    ("1;;2", "Line 1, number 2 is empty"),
    ("1\t2\n\n3\t4", "Line 2, number 1 is empty"),
    ("1.234,5;2", "leave out what groups its digits"),
    ("1,234\t5.5", "Line 1, number 2: '1,234' has a comma and '5.5' a point. Use one"),
    ('"1,234",5.5', "leave out what groups digits"),
    ("2.5 1\n3 1,5", "Line 2, number 2: '1,5' has a comma and '2.5' a point"),
    ("1e39\t1", "'1e39' does not fit into torch.float32"),
    ("<img src=x onerror=alert(1)>", "Line 1, number 1: '<img' is not a number"),
    ("1/0", "'1/0' is not a number"),
    ("x" * 500, "is not a number"),
    ("1\n" * 600, "There are 600 lines: at most 512 rows"),
    ("1\t" * 600 + "1", "601 numbers: at most 512 columns"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "said"), BAD, ids=range(len(BAD)))
def test_a_bad_table_is_told_in_a_sentence_with_its_place(ask, text, said):
    (found,) = ask(["table", text])
    assert isinstance(found, str) and said in found and len(found) < 120 and found.endswith(".")
