"""Does every answer get a verdict in plain sentences, whatever it does, and does a report show what differs?"""

import html
import itertools
import re
import signal
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from harness.answers import answer, cell, verdict
from pooling_course.exercises import check, judge, load, plain, run
from pooling_course.exercises.outcome import Outcome
from pooling_course.exercises.report import Report, Value
from pooling_course.exercises.verdict import recognised

SELF = "    found = [1]\n    found.append(found)\n    return found"
ODD = {  # what the function does: what the learner reads
    "    1 / 0": "it raises ZeroDivisionError: division by zero.",
    "    exit(3)": "it raises SystemExit: 3.",
    "    raise SystemExit('bye')": "it raises SystemExit: bye.",
    "    def f(): f()\n    f()": "it raises RecursionError: maximum recursion depth exceeded",
    "    raise MemoryError": "it raises MemoryError: no reason given.",
    "    raise ValueError('first line\\nsecond')": "it raises ValueError: first line.",
    "    class Odd(Exception):\n        def str(self): 1 / 0\n    setattr(Odd, '_' '_str__', Odd.str)\n    raise Odd": (
        "it raises Odd: no reason given."
    ),
    "    pass": "it returns nothing: is there a return?",
    "    return size / 1": "it gives the float 6.0 instead of the whole number 3, an int.",
    "    return [3]": "it returns a list of 1 number instead of one number.",
    "    return []": "it returns an empty list instead of one number.",
    "    return [[1, 2], [3]]": "it returns a list of unlike things instead of one number.",
    "    return float('nan')": "it gives the float nan instead of the whole number 3, an int.",
    "    return np.full(10**7, 1.0)": "it returns an array of 10,000,000 values of type float64 instead of one number.",
    "    return [0] * 10**6": "it returns a list of more than 100,000 items instead of one number.",
    "    return [[0] * 1000] * 1000": "it returns a list of more than 100,000 items instead of one number.",
    SELF: "it returns a list of unlike things instead of one number.",
    "    return 10**400": "it returns an int of more than 64 bits instead of one number.",
    "    return [10**400]": "it returns a list of unlike things instead of one number.",
    "    return 'three'": "it returns text instead of one number.",
    "    return {size: 3}": "it returns something of type dict instead of one number.",
    "    return {3}": "it returns something of type set instead of one number.",
    "    return (n for n in range(3))": "it returns something of type generator instead of one number.",
    "    return 3j": "it returns something of type complex instead of one number.",
    "    return np.array(['three'])": "it returns an array of 1 values of type <U5 instead of one number.",
    "    return output_size": "it returns something of type function instead of one number.",
    "    yield 3": "it returns something of type generator instead of one number.",
    "    return np.longdouble(3)": "it gives the float 3.0 instead of the whole number 3, an int.",
}


@pytest.mark.slow
@pytest.mark.parametrize("body", ODD)
def test_odd_answers_get_a_sentence(body):
    found = check("output-size", answer(f"def output_size(size, kernel_size, stride, padding):\n{body}\n"))
    expected = ODD[body]
    assert found.state == "wrong" and found.passed == 0 and found.total == 14
    assert any(line.startswith(f"The first case that fails: {expected}") for line in repr(found).splitlines())
    assert html.escape(expected) in found._repr_html_() or "`" in expected
    assert repr(found).splitlines()[-1] == 'A hint, if you want one: `hint("output-size")`'


MAPS = {
    "return x": "it returns an array of shape (2, 2) instead of an array of shape (1, 1).",
    "return x.max()": "it returns one number instead of an array of shape (1, 1).",
    "return np.array([[np.nan]])": "at [0, 0] it gives nan instead of -2.",
    "return [[-2.0], [1.0, 2.0]]": "it returns a list of unlike things instead of an array of shape (1, 1).",
    "return [[np.inf]]": "at [0, 0] it gives inf instead of -2.",
    "return x.astype(str)": "it returns an array of 4 values of type <U32 instead of an array of shape (1, 1).",
    "return torch.ones(1, device='meta')": "it returns a Tensor of torch.float32 instead of an array of shape (1, 1).",
    "return torch.ones(2, 2).to_sparse()": "it returns a Tensor of torch.float32 instead of an array of shape (1, 1).",
}


@pytest.mark.parametrize("body", MAPS)
def test_odd_maps_get_a_sentence(body):
    exercise = load("max-by-hand")
    function = cell(f"def f(x, kernel_size, stride):\n    {body}\n")["f"]
    case = (np.array([[-4.0, -9.0], [-2.0, -7.0]]), 2, 2)
    found = judge(exercise, [case], [run(function, case)])
    assert f"The first case that fails: {MAPS[body]}" in repr(found).splitlines()
    assert found._repr_html_()


@pytest.mark.parametrize(
    "body, expected",
    {
        "return None": "it returns None: is there a return?",
        "return 3": "it returns 3, of which the check makes nothing: int is not a 2-D pooling: give a Pooling, "
        "nn.MaxPool2d or nn.AvgPool2d.",
        "return nn.MaxPool2d('a')": "it returns a MaxPool2d that torch would refuse (",
        "return nn.MaxPool2d(3, padding=2)": "it returns a MaxPool2d that torch would refuse (",
        "return nn.Conv2d(1, 1, 2)": "it returns something of type Conv2d.",
        "return nn.MaxPool2d(7)": "it returns nn.MaxPool2d(kernel_size=7), of which the check makes nothing: ",
        "return nn.MaxPool2d(3, stride=1)": "`nn.MaxPool2d(kernel_size=3, stride=1)` makes an output of 4 × 4 "
        "instead of 3 × 3.",
    }.items(),
)
def test_odd_layers_get_a_sentence(body, expected):
    found = check("choose-a-pooling", answer(f"def choose_a_pooling(size, out, need):\n    {body}", "choose-a-pooling"))
    assert f"The first case that fails: {expected}" in repr(found) and ".." not in repr(found)
    assert found.passed == 0 and found._repr_html_()


def test_a_class_in_place_of_a_layer_is_told_in_words():
    said = repr(check("choose-a-pooling", lambda size, out, need: nn.MaxPool2d))
    assert "type type" not in said and "write MaxPool2d(...)" in said


@pytest.mark.parametrize("thing", [3, None, "output_size", [1], np.zeros(3)])
def test_what_is_no_function_is_refused_in_a_sentence(thing):
    found = check("output-size", thing)
    assert found.state == "refused" and found.points(3) == 0 and found.total == 14
    assert "The check needs the function itself" in repr(found)


def test_a_function_of_too_few_parameters_is_told_so():
    found = check("output-size", answer("def output_size(size, kernel_size):\n    return size // kernel_size"))
    assert "takes 2 positional arguments but 4 were given" in repr(found)


def test_keys_that_interrupt_an_endless_answer_still_do():
    with pytest.raises(KeyboardInterrupt):
        check("output-size", answer("def output_size(*args):\n    raise KeyboardInterrupt"))


ENDLESS = {
    "plainly": "while True: pass",
    "catching what it can": "while True:\n        try:\n            while True: pass\n        except Exception: pass",
}


@pytest.mark.parametrize("how", ENDLESS)
def test_an_endless_answer_is_stopped_and_told_so(how, monkeypatch):
    monkeypatch.setattr("pooling_course.exercises.outcome.LONGEST", 0.3)
    made = {}
    exec(f"def output_size(size, kernel_size, stride, padding):\n    {ENDLESS[how]}", made)
    handler = signal.getsignal(signal.SIGALRM)
    verdict = check("output-size", made["output_size"])
    assert verdict.state == "wrong" and verdict.passed == 0
    assert "after 10 seconds it has returned nothing: is there a loop that never ends?" in str(verdict)
    assert signal.getsignal(signal.SIGALRM) is handler and signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_answer_that_is_slow_for_one_case_alone_keeps_what_came_before(monkeypatch):
    monkeypatch.setattr("pooling_course.exercises.outcome.LONGEST", 0.3)
    asked = itertools.count()

    def output_size(size, kernel_size, stride, padding):
        while next(asked) >= 3:
            pass
        return (size + 2 * padding - kernel_size) // stride + 1

    assert check("output-size", output_size).passed == 3


def test_of_cases_that_students_have_in_common_a_known_mistake_is_made_once():
    """Else each submission would have all of them made anew."""
    made = []
    exercise = load("average-divisors")
    known = exercise.mistakes[0]
    counted = replace(known, function=lambda *case: made.append(case) or known.function(*case))
    exercise = replace(exercise, mistakes=(counted,))
    for student in ("ada", "bob"):
        cases = exercise.cases(student)
        outcomes = [run(known.function, case) for case in cases]
        assert judge(exercise, cases, outcomes).mistake == known.name
    assert set(exercise.cases("ada")) & set(exercise.cases("bob")) and len(made) == len({*made})


def test_an_answer_may_change_what_it_is_given():
    """Each run gets copies: neither the next check nor the report sees the change."""
    spoilt = load("max-by-hand").solution.replace("return output", "x[:] = 0\n    return output")
    assert check("max-by-hand", answer(spoilt, "max-by-hand")).state == "solved"
    case = (np.ones((2, 2)), 2, 2)
    run(lambda x, *_: x.fill(7), case)
    assert (case[0] == 1).all()


def test_a_half_finished_answer_counts_for_what_it_does():
    code = "def output_size(size, kernel_size, stride, padding):\n    if padding:\n        raise NotImplementedError\n"
    found = check("output-size", answer(f"{code}    return (size - kernel_size) // stride + 1"))
    assert found.state == "wrong" and 0 < found.passed < found.total
    assert "raises NotImplementedError: for this case nothing is written yet." in repr(found)
    assert found.points(3) == round(3 * found.passed / found.total, 2) and type(found.points(3)) is float


def test_what_is_printed_is_kept_short_and_closing_stdout_closes_nothing(capsys):
    body = "    print('row', size)\n    print('y' * 10**6)\n    import sys\n    print('on stderr', file=sys.stderr)\n"
    signature = "def output_size(size, kernel_size, stride, padding):\n"
    found = verdict(load("output-size"), answer(f"{signature}{body}    sys.stdout.close()\n    return 0"))
    assert "It printed: `row 6 / yyy" in repr(found) and len(repr(found)) < 900
    assert capsys.readouterr() == ("", "")
    print("still open")
    assert capsys.readouterr().out == "still open\n"


def test_what_judges_in_threads_leaves_to_the_program_where_it_prints():
    """Grading judges several at a time: one that ends while another goes on must not take the terminal along."""
    began, ended, order = threading.Barrier(2, timeout=10), threading.Event(), itertools.count()

    def overlapping(*case):
        number = next(order)
        began.wait()
        if number == 1:  # who began last ends last
            ended.wait(10)
        return -1

    exercise = load("output-size")
    case = exercise.cases()[0]
    odd = replace(exercise, mistakes=(replace(exercise.mistakes[0], function=overlapping),))
    before = sys.stdout, sys.stderr

    def judged():
        recognised(odd, [case], [Outcome("value", -2)])
        ended.set()

    threads = [threading.Thread(target=judged) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after, sys.stdout, sys.stderr = (sys.stdout, sys.stderr), *before
    assert after == before and next(order) == 2


def test_warnings_stay_out_of_the_notebook():
    code = "def shares(window, kind):\n    return window / 0"
    with pytest.warns(UserWarning) as caught:
        import warnings

        check("shares", answer(code, "shares"))
        warnings.warn("the only one", UserWarning, stacklevel=1)
    assert len(caught) == 1


@pytest.mark.parametrize(
    "result",
    [
        lambda: torch.complex(torch.ones(2, 2), -torch.ones(2, 2)).conj().imag,
        lambda: np.ma.masked_array([1.0, 2], [False, False]),
        lambda: torch.ones(2, requires_grad=True),
    ],
)
def test_is_an_odd_result_compared_by_its_numbers(result):
    assert set(np.ravel(plain.plain(result())["array"])) <= {1.0, 2.0}
    hidden = plain.plain(np.ma.masked_array([1.0, 2], [False, True]))
    assert hidden == {"other": "MaskedArray of float64"}


@pytest.mark.parametrize("wanted", [1, 1.0, [1, 1], np.ones(2), np.ones((2, 2), dtype=int)])
def test_true_is_no_number(wanted):
    """Python counts True as 1, and a mask would pass where only ones and zeros are wanted."""
    assert plain.differs(plain.plain(wanted), plain.plain(wanted)) == ""
    mask = np.asarray(wanted, dtype=bool)
    for given in (mask, mask.tolist(), torch.from_numpy(mask) if mask.ndim else mask[()]):
        assert "it gives True" in plain.differs(plain.plain(wanted), plain.plain(given))
    if mask.ndim == 1:
        assert "it gives True" in plain.differs(plain.plain(wanted), plain.plain([True, 1]))
    assert plain.differs(plain.plain(mask), plain.plain(mask)) == ""


# ---- The report ------------------------------------------------------------------------------------------------------


def test_differing_cells_and_only_they_are_marked():
    exercise = load("max-by-hand")
    mistake = next(m for m in exercise.mistakes if m.name == "from-zero")
    found = verdict(exercise, mistake.function)
    first = next(c for c in exercise.cases() if (mistake.function(*c) != exercise.truth(*c)).any())
    wrong = mistake.function(*first) != exercise.truth(*first)

    shown = Value("yours", plain.plain(mistake.function(*first)), plain.plain(exercise.truth(*first)))
    assert [[marked for _, marked in row] for row in shown.rows()] == wrong.tolist()
    assert repr(found).count("≠") == found._repr_html_().count("≠ ") == wrong.sum() > 0
    assert found._repr_html_().count("<table") == 3  # x, wanted, yours
    assert all("<caption" in table for table in found._repr_html_().split("<table")[1:])
    assert repr(found).splitlines()[3:6] == ["  x:", "     -4  -9", "     -2  -7"]


def test_grids_follow_the_shape():
    stack = Value("x", plain.plain(torch.arange(12.0).reshape(2, 3, 2)))
    assert len(stack.rows()) == 6 and stack.html.count("<tr>") == 6
    assert Value("x", plain.plain(np.zeros((2, 13)))).rows() is None  # too wide: named by its shape
    assert Value("x", plain.plain(np.zeros((2, 13)))).text == "  x: an array of shape (2, 13)"
    assert Value("x", plain.plain(np.zeros((99, 12)))).text == "  x: an array of shape (99, 12)"
    unlike = Value("yours", plain.plain(np.ones((2, 2))), plain.plain(np.zeros((3, 3))))
    assert "≠" not in unlike.text  # of another shape: the sentence says so, and no cell is to blame


def test_what_a_learner_prints_and_raises_is_shown_as_text():
    code = "def output_size(*args):\n    print('<script>alert(1)</script>')\n"
    code += "    raise ValueError('<script>alert(2)</script> & `x`')"
    found = check("output-size", answer(code))
    assert "<script>alert(2)</script>" in repr(found) and "<script>alert(1)</script>" in repr(found)
    assert "<script" not in found._repr_html_() and found._repr_html_().count("&lt;script&gt;") == 2
    returned = check("output-size", answer("def output_size(*args):\n    return '<script>'"))
    assert "<script" not in returned._repr_html_() and "&#x27;&lt;script&gt;&#x27;" in returned._repr_html_()


def test_code_between_backticks_is_code_in_html():
    assert "<code>hint(&quot;shares&quot;)</code>" in Report("x", 'Try `hint("shares")`.')._repr_html_()


def test_a_head_is_bold_and_every_word_of_the_text_is_in_the_html():
    found = check("shares", answer("def shares(window, kind):\n    return window * 0", "shares"))
    page = found._repr_html_()
    assert page.count("<strong>") == 1 and "<strong>✗ shares: 0 of 17 cases pass.</strong>" in page
    words = re.sub(r"<[^>]*>", " ", html.unescape(page)).split()
    text = re.sub(r"[`≠:]", " ", repr(found.report)).split()
    assert not set(text) - set(re.sub(r"[≠:]", " ", " ".join(words)).split())
