"""Do new numbers keep a question whole: one right answer, distractors apart, and prompts that read well?

torch computes the key in answers.py; here it is computed once more, as harness/questions.py does it for the lessons'
own numbers. At the end every check is shown a bad template, and must reject it.
"""

import functools
import math
import re
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from test_questions import check_nothing_leaks

from harness.answering import typed
from harness.questions import ANOTHER_WAY, FACTS
from pooling_course.questions import SURE, all_questions, answers, draw, question
from pooling_course.questions.draw import DRAWS, Unfit, drawable, drawn, variants

NAMES = drawable()
MANY = 50  # draws of each in every run; `-m long` makes 1,000
every_question = pytest.mark.parametrize("name", NAMES)


def test_can_most_questions_be_drawn():
    assert len(NAMES) >= 60 and set(DRAWS) == set(NAMES) <= set(all_questions())
    assert {question(name).lesson for name in NAMES} == {q.lesson for q in all_questions().values()}
    for name in NAMES:  # each stands in its lesson's file
        assert DRAWS[name].say.__module__.rpartition(".")[2] == question(name).lesson.partition("_")[2]


# ---- is it the lesson's question? --------------------------------------------------------------------------------


def plain(text):
    return text.replace("−", "-")


def check_own(name):
    """With the lesson's own numbers a draw says what the lesson says; each misconception computes what stands there."""
    own, made = question(name), DRAWS[name].ask(DRAWS[name].own())
    assert (plain(made.prompt), plain(made.why), made.at) == (plain(own.prompt), plain(own.why), own.at)
    assert made.truth == own.truth
    for now, then in zip(made.choices + made.mistakes, own.choices + own.mistakes, strict=True):
        assert now.get("misconception") == then.get("misconception")
        assert plain(now["reason"]) == plain(then["reason"])
        assert plain(now.get("text", "")) == plain(then.get("text", ""))
        same = now.get("value") == then.get("value")
        assert same or torch.allclose(*(torch.tensor(v["value"]).double() for v in (now, then)), atol=1e-4)


@every_question
def test_are_its_own_numbers_the_lessons(name):
    check_own(name)


# ---- does every draw hold? ---------------------------------------------------------------------------------------

# What harness/questions.py cannot know: answers that read what was drawn, and those that only myths ask for.
BY_RULE = {
    "conv_after_pooling": lambda q: [1, 1 / q.numbers["k"] ** 2, 0],
    "rows_seen": lambda q: (lambda c, k, s: 1 + (c - 1) * (1 + s + s * s) + (k - 1) * (1 + s))(**q.numbers),
    "rows_seen_dilated": lambda q: (lambda c, k, s, d: 1 + (c - 1) * (1 + s + s * s * d) + (k - 1) * (1 + s))(
        **q.numbers
    ),
    "share_changed": lambda q: (lambda k, moved: str(1 - Fraction(k - moved, k + moved)))(
        q.case["pooling"]["kernel_size"], abs(q.case["shift"])
    ),
    "alias_period": lambda q: q.numbers["n"],
    "gain_at_quarter": lambda q: (lambda k, period: math.sin(math.pi * k / period) / (k * math.sin(math.pi / period)))(
        **q.numbers
    ),
    "calmest": lambda q: f"avg {q.numbers['k']}",
    "corner_difference": lambda q: q.numbers["window"][0][0] - q.numbers["window"][1][1],
    "lp_of_threes": lambda q: q.numbers["value"] * q.numbers["k"],
    "bytes_written": lambda q: 0.75 * q.numbers["size"],
    "doubled_size": lambda q: [n - 1 for n in q.input.shape],
    "fifth_setting": lambda q: [-(-n // q.case["pooling"]["kernel_size"]) for n in q.input.shape],
    "adaptive_rows": lambda q: [-(-(i + 1) * len(q.input) // 3) - i * len(q.input) // 3 for i in range(3)],
    "largest_padding": lambda q: q.case["pooling"]["kernel_size"] // 2,
    "gradients_of_window": lambda q: [1, 0, 0, 0],
    "unpooled_in_place": lambda q: q.trace.output.numel(),
    "outputs_told_apart": lambda q: q.trace.output.numel(),
}


def right_answer(q):
    for known in (BY_RULE, ANOTHER_WAY):
        if q.answer in known:
            return known[q.answer](q)
    return FACTS[q.answer]


def close(a, b, tolerance=1e-5):
    try:
        x, y = torch.tensor(a).double(), torch.tensor(b).double()
    except (TypeError, ValueError, RuntimeError):  # no numbers
        return a == b
    return x.shape == y.shape and torch.allclose(x, y, rtol=tolerance, atol=tolerance)


def check_key(q):
    """One right answer, which is torch's."""
    expected = right_answer(q)
    if q.kind == "one":
        assert [i for i, c in enumerate(q.choices) if close(c["value"], expected)] == [q.truth]
    elif q.kind == "several":
        assert sorted(repr(q.choices[i]["value"]) for i in q.truth) == sorted(map(repr, expected))
    else:
        assert close(q.truth, expected)


def check_apart(q):
    """All answers differ, also when they are rounded, and each wrong one meets its own reason."""
    if q.choices:
        values = [c["value"] for c in q.choices]
        assert not any(close(a, b, 1e-3) for i, a in enumerate(values) for b in values[:i])
        assert len({c["text"] for c in q.choices}) == len(q.choices)
        right = [q.truth] if q.kind == "one" else q.truth
        assert all(bool(c.get("misconception")) != (i in right) for i, c in enumerate(q.choices))
        return
    values = [q.truth, *(m["value"] for m in q.mistakes)]
    assert not any(close(a, b, 1e-3) for i, a in enumerate(values) for b in values[:i])
    for mistake in q.mistakes:
        graded = q.grade(q.parse(typed(q.kind, mistake["value"])))
        assert (graded["right"], graded.get("mistake")) == (False, mistake["reason"])
    assert q.grade(q.parse(typed(q.kind, q.truth)))["right"]


COUNTED = "cell|row|column|window|place"
SEVERAL = r"[02-9]|1\d|two|three|four|five|six|seven|eight|nine"
ODD = {
    "a number that is one, of several": rf"(?<![\d.])\b(1|one) ({COUNTED}|map|step|number)s\b",
    "several, said of one": rf"(?<!× )\b({SEVERAL}) ({COUNTED})\b",
    "minus nothing": r"[-−]0(?![.\d])",
    "the tail of a float": r"\d\.\d{5,}|\d\.0\b|\d\.\d*0\b(?<!\.0)(?!\d)|\de-\d",
    "a place for what was not filled in": r"[{}]|\bNone\b(?![.:;])|\bnan\b|\binf\b(?<!-inf)",
    "the wrong article": r"\b[Aa] (8|11|18|8\d)\b|\b[Aa]n ([1-79]|1[02-79])\b",
    "spaces": r" {2}| [.,;:?](\s|$)|\n",
    "signs that meet": r"[+−] [−-]\d|\+ −",
}


def check_reads_well(q):
    texts = [q.prompt, q.why, *(e[part] for e in q.choices + q.mistakes for part in ("text", "reason") if part in e)]
    for text in texts:
        for what, pattern in ODD.items():
            assert not re.search(pattern, text), f"{what}: {text}"
    assert q.prompt[-1] in "?.:" and (q.prompt[0].isupper() or q.prompt.startswith("nn."))
    assert all(len(e["reason"]) <= 190 and e["reason"][-1] == "." for e in q.choices + q.mistakes)


def check_all(q):
    check_key(q)
    check_apart(q)
    check_reads_well(q)
    check_nothing_leaks(q)


@pytest.mark.slow
@every_question
def test_does_every_draw_hold(name):
    met = set()
    for seed in range(MANY):
        q = drawn(name, seed)
        check_all(q)
        met.add(draw._numbers(q))
    assert len(met) >= 8  # it varies


@pytest.mark.long
@every_question
def test_do_a_thousand_draws_hold(name):
    for seed in range(1000, 2000):
        check_all(drawn(name, seed))


def test_do_as_many_windows_tie_as_is_said():
    several = False
    for seed in range(MANY):
        q = drawn("winner-cells", seed)
        windows = [q.input[r : r + 2, c : c + 2] for r in (0, 2) for c in (0, 2)]
        held = [int((window == window.max()).sum()) for window in windows]
        assert sum(n > 1 for n in held) == 2 and max(held) < 4
        assert q.mistakes[0]["reason"].startswith("Two windows hold their maximum more than once.")
        several |= max(held) > 2
    assert several  # so "twice" would not do


def test_is_what_is_said_of_every_wave_so():
    assert "cancel everywhere" in drawn("quarter-wave", 5).mistakes[0]["reason"]
    for k in (2, 3, 4):
        for period in range(k + 1, 13):
            wave = torch.sin(2 * math.pi / period * torch.arange(0, 12, 0.001, dtype=torch.double).reshape(12, -1))
            left = sum(wave[i : 12 - k + i] for i in range(k)) / k  # row after row, each 1000 starts of the wave
            assert left.min() < -0.1 and 0.1 < left.max() < 0.99  # somewhere it cancels; never whole
    assert (torch.cos(math.pi * torch.arange(0.0, 12, 2)) - 1).abs().max() < 1e-5  # the finest comes back flat


def test_is_the_same_seed_the_same_question():
    before = [drawn(name, 5) for name in NAMES]
    draw._drawn.cache_clear()
    assert [drawn(name, 5) for name in NAMES] == before
    q = drawn("rows-out", 5)  # on every machine
    assert (q.prompt, q.truth) == EXAMPLE


EXAMPLE = ("nn.MaxPool2d(6, stride=3) pools a map of 13 × 13. How many rows does the output have?", 3)


@every_question
def test_do_variants_differ(name):
    found = list(variants(name, 8))
    assert len({draw._numbers(q) for q in [question(name), *found]}) == 9
    assert list(variants(name, 8, seed=1)) != found


def test_is_a_drawn_question_answered_like_any_other():
    q = drawn("grad-overlap", 1)
    assert q.id == "grad-overlap" and q.seed == 1 and question("grad-overlap").seed is None
    assert q.grade(q.parse("2"))["right"] and len(SURE) == 3
    assert q.public()["grid"] == q.case["input"] and q.trace.output.shape == (2, 2)


def test_is_a_question_without_a_draw_refused_in_a_sentence():
    with pytest.raises(ValueError, match="'size-steps' cannot vary: no draw is declared for it."):
        drawn("size-steps", 1)
    with pytest.raises(ValueError, match="no question is called 'rows-in'; there is .*'rows-out'"):
        drawn("rows-in", 1)


# ---- would the checks notice? ------------------------------------------------------------------------------------


@pytest.fixture
def bad(monkeypatch):
    """Put another template in the place of one that is there, and draw from it."""

    def planted(name, **changes):
        good = DRAWS[name].say

        @functools.wraps(good)
        def say(**numbers):
            return good(**numbers) | changes

        monkeypatch.setitem(DRAWS, name, replace(DRAWS[name], say=say))
        draw._drawn.cache_clear()
        return name

    yield planted
    draw._drawn.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, changes",
    [
        ("pre-sign", {"values": [lambda q: q.input.max().item(), 1, 2]}),  # a distractor that is right
        ("rows-out", {"values": {0: 3, 1: 3}}),  # two that are one
        ("lone-average", {"values": [draw.key]}),
        ("myth-overhang", {"values": {1: draw.key}}),  # two right choices
        (
            "post-shift",
            {"case": {"input": {"shape": [1, 24, 24]}, "pooling": {"kind": "max", "kernel_size": 3}, "shift": 1}},
        ),
        ("unpool", {"texts": ["{value}"] * 2, "values": [[[1, 2], [3, 4]]] * 2}),  # two that read alike
        ("keep-size", {"values": [{"kind": "max", "kernel_size": 1}] * 4}),  # all of them right
    ],
)
def test_does_a_bad_template_end_in_a_sentence(bad, name, changes):
    with pytest.raises(RuntimeError, match=f"1000 draws for the question '{name}' gave no numbers that serve"):
        drawn(bad(name, **changes), 0)


def test_does_a_template_that_never_holds_end(bad, monkeypatch):
    never = replace(DRAWS["rows-out"], say=lambda **n: draw.hold(False))
    monkeypatch.setitem(DRAWS, "rows-out", never)
    draw._drawn.cache_clear()
    with pytest.raises(RuntimeError, match="what must hold, never does"):
        drawn("rows-out", 0)
    with pytest.raises(Unfit):
        never.ask({})


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "nn.MaxPool2d(2) pools 1 cells. How many rows?"},
        {"prompt": "The window reads 2 column and more. How many rows?"},
        {"prompt": "What is added to -0?"},
        {"prompt": "What is −0 and more?"},
        {"prompt": "What is 0.30000001 of it?"},
        {"prompt": "What is 4.0 of it?"},
        {"prompt": "What is 1e-07 of it?"},
        {"prompt": "What is {valeu}?"},
        {"prompt": "Does it hold a 8?"},
        {"prompt": "Does it hold an 6?"},
        {"prompt": "What is 3 + −4?"},
        {"prompt": "What is  it?"},
        {"prompt": "What is it"},
        {"why": "It is None here."},
        {"reasons": ["It goes on and on. " * 12]},
        {"reasons": ["No full stop"]},
    ],
)
def test_is_a_prompt_that_reads_badly_noticed(bad, changes):
    check_reads_well(drawn("rows-out", 0))
    with pytest.raises(AssertionError):
        check_reads_well(drawn(bad("rows-out", **changes), 0))


@pytest.mark.parametrize(
    "name", ["lone-average", "rows-out", "myth-all-cells", "keep-size", "winner-cells", "rows-seen"]
)
def test_is_a_wrong_key_noticed(monkeypatch, name):
    q = drawn(name, 0)
    check_key(q)
    wrong = next(entry["value"] for entry in q.choices + q.mistakes if entry.get("misconception"))
    monkeypatch.setitem(answers.ANSWERS, q.answer, lambda _: [wrong] if q.kind == "several" else wrong)
    with pytest.raises(AssertionError):
        check_key(replace(q, seed=99))


@pytest.mark.parametrize(
    "changes", [{"prompt": "Other words?"}, {"why": "Other words."}, {"values": {1: 4}}, {"reasons": ["Other words."]}]
)
def test_are_words_that_drift_noticed(bad, changes):
    check_own("rows-out")
    with pytest.raises((AssertionError, Unfit)):
        check_own(bad("rows-out", **changes))
