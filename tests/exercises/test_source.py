"""Is "without torch" kept: is every way to let torch do it refused, and never an answer that does it itself?"""

import re
import sys
from inspect import getsource
from pathlib import Path
from textwrap import indent

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.answers import answer, verdict
from harness.together import together
from pooling_course.exercises import check, judge, load, names, run, source

BY_HAND = [name for name in names() if load(name).rule == "numpy" and load(name).level != "own"]


WRAPPED = {  # right answers that leave the work to torch; `truth` stands above them, in the same cell
    "a call": "def {f}({args}):\n    return truth({args})",
    "an alias": "{f} = truth",
    "a lambda": "{f} = lambda {args}: truth({args})",
    "a helper": "def helper(*args):\n    return truth(*args)\n\ndef {f}({args}):\n    return helper({args})",
    "an import inside": "def {f}({args}):\n    {imports}\n{inside}\n    return truth({args})",
    "a partial": "import functools\n{f} = functools.partial(truth)",
    "a partial's argument": "import functools\n{f} = functools.partial(lambda by, *args: by(*args), truth)",
    "a default": "def {f}({args}, by=truth):\n    return by({args})",
    "a default of the same name": "def {f}({args}, truth=truth):\n    return truth({args})",
    "a nested function": "def {f}({args}):\n    def inner():\n        return truth({args})\n    return inner()",
    "a list": "by = [truth]\ndef {f}({args}):\n    return by[0]({args})",
    "a class": "class By:\n    def pool(self, *args):\n        return truth(*args)\n\n"
    "def {f}({args}):\n    return By().pool({args})",
    "two that call each other": "def one({args}):\n    return two({args})\n\n"
    "def two({args}):\n    return truth({args}) if 1 else one({args})\n\n{f} = one",
    "the exercise's own": "from pooling_course.exercises import load\n"
    "def {f}({args}):\n    return load('{name}').truth({args})",
}
IMPORTS = "import numpy as np\n    import torch\n    import torch.nn.functional as F\n    from torch import nn"


@pytest.mark.parametrize("name", BY_HAND)
@together("way", WRAPPED)
def test_a_wrapped_torch_call_is_refused(name, way):
    exercise = load(name)
    file = Path(sys.modules[exercise.model.__module__].__file__).read_text("utf-8")
    above = re.sub(r"^from \.", "from pooling_course.exercises.tasks.", file.partition("class Mistakes")[0], flags=re.M)
    inside = indent(getsource(exercise.truth), "    ")
    names = {"f": exercise.function, "args": ", ".join(exercise.parameters), "name": name}
    code = f"{above}\n{WRAPPED[way].format(**names, imports=IMPORTS, inside=inside)}\n"
    function = answer(code, name)
    assert verdict(exercise, function).state == "solved"  # the cases cannot tell

    found = check(name, function)
    assert found.state == "refused" and found.points(3) == 0 and found.passed == 0 and found.mistake is None
    assert source.RULE["numpy"] in repr(found) and "does not count yet" in repr(found)
    assert source.faults("numpy", exercise.function, source.names_in(code)(exercise.function))


THROUGH_THE_COURSE = """
from pooling_course import Pooling, trace

def max_by_hand(x, kernel_size, stride):
    return trace(Pooling("max", kernel_size, stride), x).output
"""
STARRED = """
from torch import *
from torch.nn.functional import *

def max_by_hand(x, kernel_size, stride):
    return max_pool2d(from_numpy(x)[None], kernel_size, stride)[0].numpy()
"""
IN_A_CLOSURE = """
def by_torch(x, kernel_size, stride):
    return F.max_pool2d(torch.from_numpy(x)[None], kernel_size, stride)[0].numpy()

def made(pool):
    def max_by_hand(x, kernel_size, stride):
        return pool(x, kernel_size, stride)
    return max_by_hand

max_by_hand = made(by_torch)
"""
BY_DUNDER = """
def max_by_hand(x, kernel_size, stride):
    return np.__builtins__["__import__"]("torch").nn.MaxPool2d(kernel_size, stride)(x)
"""
BY_EVAL = """
def max_by_hand(x, kernel_size, stride):
    return eval("F.max_pool2d(torch.from_numpy(x)[None], kernel_size, stride)[0].numpy()")
"""
BY_GLOBAL = """
def max_by_hand(x, kernel_size, stride):
    global F
    import torch.nn.functional as F
    return F.max_pool2d(torch.from_numpy(x)[None], kernel_size, stride)[0].numpy()
"""
BY_CALLABLE = """
class Pool:
    def __call__(self, x, kernel_size, stride):
        return F.max_pool2d(torch.from_numpy(x)[None], kernel_size, stride)[0].numpy()

max_by_hand = Pool()
"""


@pytest.mark.parametrize(
    "code", [THROUGH_THE_COURSE, STARRED, IN_A_CLOSURE, BY_DUNDER, BY_EVAL, BY_GLOBAL, BY_CALLABLE], ids=range(7)
)
def test_other_ways_to_let_torch_do_it_are_refused_live_and_as_text(code):
    assert check("max-by-hand", answer(code, "max-by-hand")).state == "refused"
    text = f"import torch\nimport torch.nn.functional as F\nimport numpy as np\n{code}"
    assert source.faults("numpy", "max_by_hand", source.names_in(text)("max_by_hand"))


DISGUISED = {  # what no look at the source can follow everywhere; `by_torch` stands above them, in the same cell
    "vectorize": "pool = np.vectorize(by_torch, signature='(n,m),(),()->(o,p)')\ndef {f}: return pool(x, k, s)",
    "frompyfunc": "pool = np.frompyfunc(lambda k, s: by_torch(np.array(GIVEN), k, s), 2, 1)\n"
    "def {f}:\n    GIVEN[:] = x.tolist()\n    return pool(k, s)\nGIVEN = []",
    "apply_over_axes": "def {f}: return np.apply_over_axes(lambda a, _: by_torch(a, k, s), x, [0])",
    "map": "def {f}: return next(map(by_torch, [x], [k], [s]))",
    "a list of one, sorted by it": "def {f}:\n    found = []\n"
    "    sorted([x], key=lambda a: found.append(by_torch(a, k, s)) or 0)\n    return found[0]",
    "a lambda in a dict": "BY = {{'pool': lambda *args: by_torch(*args)}}\ndef {f}: return BY['pool'](x, k, s)",
    "an attribute of a class": "class By:\n    pool = staticmethod(by_torch)\ndef {f}: return By.pool(x, k, s)",
    "an attribute of an object": "class By: pass\nby = By()\nby.pool = by_torch\ndef {f}: return by.pool(x, k, s)",
    "a property": "class By:\n    @property\n    def pool(self): return by_torch\nby = By()\n"
    "def {f}: return by.pool(x, k, s)",
    "an attribute of the function": "def {f}: return max_by_hand.by(x, k, s)\nmax_by_hand.by = by_torch",
    "a bound method": "class By:\n    def pool(self, *a): return by_torch(*a)\npool = By().pool\n"
    "def {f}: return pool(x, k, s)",
    "a cache": "import functools\npool = functools.lru_cache(lambda *a: by_torch(np.array(a[0]), *a[1:]))\n"
    "def {f}: return pool(tuple(map(tuple, x)), k, s)",
    "a partial with a name": "import functools\npool = functools.partial(by_torch, stride=1)\n"
    "def {f}: return pool(x, k, stride=s)",
    "methodcaller": "import operator\ncall = operator.methodcaller('max_pool2d', torch.zeros(1, 4, 4), 2)\n"
    "def {f}: return [call(module) for module in HOMES] and by_torch(x, k, s)\nHOMES = [F]",
    "attrgetter": "import operator\nget = operator.attrgetter('nn.functional.max_pool2d')(torch)\n"
    "def {f}: return get(torch.from_numpy(x)[None], k, s)[0].numpy()",
    "reduce": "from functools import reduce\ndef {f}: return reduce(lambda a, k: by_torch(a, k, s), [k], x)",
    "getattr": "def {f}: return getattr(getattr(np, 'lib'), 'x', None) or by_torch(x, k, s)",
    "importlib": "import importlib\ndef {f}:\n    pool = importlib.import_module('torch').nn.MaxPool2d(k, s)\n"
    "    return pool(importlib.import_module('torch').from_numpy(x)[None])[0].numpy()",
    "__import__": "def {f}:\n    t = __import__('torch')\n"
    "    return t.nn.functional.max_pool2d(t.from_numpy(x)[None], k, s)[0].numpy()",
    "sys.modules": "import sys\ndef {f}:\n    t = sys.modules['torch']\n"
    "    return t.nn.functional.max_pool2d(t.from_numpy(x)[None], k, s)[0].numpy()",
    "exec": "exec('def {f}: return by_torch(x, k, s)')",
    "compile": "code = compile('by_torch(x, k, s)', 'x', 'eval')\ndef {f}: return eval(code)",
    "a generator": "def pooled(*args): yield by_torch(*args)\ndef {f}: return next(pooled(x, k, s))",
    "a decorator": "def by(pool): return lambda function: pool\n@by(by_torch)\ndef {f}: return x",
    "a caught error": "def {f}:\n    try: return by_torch(x, k, s)\n    except Exception: return x",
    "a default in a nested function": "def {f}:\n    def inner(pool=by_torch): return pool(x, k, s)\n"
    "    return inner()",
}
BY_TORCH = """
def by_torch(x, kernel_size, stride):
    return F.max_pool2d(torch.from_numpy(x)[None], int(kernel_size), int(stride))[0].numpy()

"""


def disguised(way):
    return f"{BY_TORCH}{DISGUISED[way].format(f='max_by_hand(x, k, s)')}\n"


@pytest.mark.parametrize("way", DISGUISED)
def test_torch_in_disguise_is_refused(way):
    exercise = load("max-by-hand")
    function = answer(disguised(way), "max-by-hand")
    if way not in ("frompyfunc", "methodcaller"):
        assert run(function, exercise.cases()[0]).state == "value"  # it does work
    found = check("max-by-hand", function)
    assert found.state == "refused" and found.points(3) == 0
    assert source.RULE["numpy"] in repr(found)


@pytest.mark.parametrize("way", DISGUISED)
def test_torch_in_disguise_is_seen_when_it_runs_whatever_the_source_says(way):
    exercise = load("max-by-hand")
    function = answer(disguised(way), "max-by-hand")
    done = [run(function, case, exercise.rule) for case in exercise.cases()]
    assert all(outcome.state == "torch" for outcome in done)
    found = judge(exercise, exercise.cases(), done)
    assert found.state == "refused" and "While your code ran, it called torch." in repr(found)


def test_where_a_task_gives_tensors_they_may_be_used_but_not_pooled():
    x = torch.arange(16.0).reshape(4, 4)
    honest = {
        "indices": lambda x: [[x[i : i + 2, j : j + 2].max().item() for j in (0, 2)] for i in (0, 2)],
        "numpy": lambda x: x.numpy().reshape(2, 2, 2, 2).max((1, 3)),
        "lists": lambda x: [max(row) for row in x.tolist()],
        "arithmetic": lambda x: (2 * x + x.mean()).clone(),
    }
    assert [run(function, (x,), "numpy").state for function in honest.values()] == ["value"] * len(honest)
    pools = [lambda x: F.max_pool2d(x[None], 2), lambda x: x.unfold(0, 2, 2), lambda x: F.avg_pool2d(x[None], 2)]
    pools += [lambda x: F.conv2d(x[None, None], torch.ones(1, 1, 2, 2)), lambda x: nn.Unfold(2)(x[None, None])]
    assert [run(function, (x,), "numpy").state for function in pools] == ["torch"] * len(pools)
    assert [run(function, (x,)).state for function in pools] == ["value"] * len(pools)
    assert (
        run(lambda n: torch.ones(n).sum(), (3,), "numpy").state == "torch"
    )  # where it gives none, torch is not needed


def test_nothing_is_watched_any_more_when_a_check_is_over():
    for function in (lambda *a: F.max_pool2d(torch.ones(1, 4, 4), 2), lambda *a: 1 / 0, lambda *a: exit()):
        run(function, (1, 2), "numpy")
        assert F.max_pool2d(torch.ones(1, 4, 4), 2).shape == (1, 2, 2)


HONEST = {
    "functions of NumPy in a dict": """
BEST = {"max": np.max, "min": np.min}
ROWS = [range, len]

def max_by_hand(x, kernel_size, stride):
    down, right = (ROWS[0]((n - kernel_size) // stride + 1) for n in x.shape)
    cut = lambda row, col: x[row * stride :][:kernel_size, col * stride :][:, :kernel_size]
    return np.array([[BEST["max"](cut(row, col)) for col in right] for row in down])
""",
    "an object that can be called": """
class Pool:
    best = staticmethod(np.max)

    def __call__(self, x, kernel_size, stride):
        windows = np.lib.stride_tricks.sliding_window_view(x, (kernel_size, kernel_size))
        return self.best(windows[::stride, ::stride], axis=(2, 3))

pool = Pool()

def max_by_hand(x, kernel_size, stride):
    return pool(x, kernel_size, stride)
""",
    "np.vectorize of one's own": """
def max_by_hand(x, kernel_size, stride):
    def at(row, col):
        return x[row * stride : row * stride + kernel_size, col * stride : col * stride + kernel_size].max()

    size = [(n - kernel_size) // stride + 1 for n in x.shape]
    return np.vectorize(at)(*np.indices(size))
""",
    "map, operator and a cache": """
import operator
from functools import lru_cache, reduce

larger = lru_cache(lambda a, b: a if operator.gt(a, b) else b)

def max_by_hand(x, kernel_size, stride):
    def window(row, col):
        return map(float, x[row * stride :, col * stride :][:kernel_size, :kernel_size].ravel())

    rows, cols = ((n - kernel_size) // stride + 1 for n in x.shape)
    return [[reduce(larger, window(row, col)) for col in range(cols)] for row in range(rows)]
""",
    "helpers": """
import math
from itertools import product

SIDES = ("top", "left")

def places(size, kernel_size, stride):
    return range(math.floor((size - kernel_size) / stride) + 1)

def largest(window):
    return max(value for row in window for value in row)

def max_by_hand(x, kernel_size, stride):
    rows, cols = (places(size, kernel_size, stride) for size in x.shape)
    output = np.empty((len(rows), len(cols)))
    for row, col in product(rows, cols):
        output[row, col] = largest(x[row * stride :][:kernel_size, col * stride :][:, :kernel_size])
    return output
""",
    "comprehension": """
def max_by_hand(x, kernel_size, stride):
    def window(row, col):
        return [line[col : col + kernel_size] for line in x.tolist()[row : row + kernel_size]]

    tops = range(0, len(x) - kernel_size + 1, stride)
    lefts = range(0, len(x[0]) - kernel_size + 1, stride)
    return [[max(map(max, window(top, left))) for left in lefts] for top in tops]
""",
    "windows by numpy": """
from numpy.lib.stride_tricks import sliding_window_view

def max_by_hand(x, kernel_size, stride):
    return sliding_window_view(x, (kernel_size, kernel_size))[::stride, ::stride].max(axis=(2, 3))
""",
    "recursion": """
def along(cells, kernel_size, stride):
    if len(cells) < kernel_size:
        return []
    return [np.max(cells[:kernel_size], axis=0), *along(cells[stride:], kernel_size, stride)]

def max_by_hand(x, kernel_size, stride):
    down = np.array(along(x, kernel_size, stride))
    return np.array(along(down.T, kernel_size, stride)).T
""",
    "two that call each other": """
def even(cells):
    return cells[0] if len(cells) == 1 else max(cells[0], odd(cells[1:]))

def odd(cells):
    return cells[0] if len(cells) == 1 else max(cells[0], even(cells[1:]))

def max_by_hand(x, kernel_size, stride):
    size = [(n - kernel_size) // stride + 1 for n in x.shape]
    starts = [(row * stride, col * stride) for row in range(size[0]) for col in range(size[1])]
    windows = [x[top : top + kernel_size, left : left + kernel_size] for top, left in starts]
    return np.array([even(window.ravel()) for window in windows]).reshape(size)
""",
    "a class, a lambda, a default and a partial": """
import functools

class Window:
    def __init__(self, cells):
        self.cells = cells

    def largest(self):
        return self.cells.max()

cut = lambda x, top, left, size: Window(x[top : top + size, left : left + size])
highest = functools.partial(np.max, axis=None)

def max_by_hand(x, kernel_size, stride, highest=highest):
    output = np.zeros([(size - kernel_size) // stride + 1 for size in x.shape])
    for row, col in np.ndindex(*output.shape):
        torch = cut(x, row * stride, col * stride, kernel_size)  # a name of one's own
        output[row, col] = highest([torch.largest()])
    return output
""",
}


@pytest.mark.parametrize("way", HONEST)
def test_honest_answers_count_live_and_as_text(way):
    found = check("max-by-hand", answer(HONEST[way], "max-by-hand"))
    assert found.state == "solved", found
    text = f"import torch\nimport numpy as np\n{HONEST[way]}"
    assert source.faults("numpy", "max_by_hand", source.names_in(text)("max_by_hand")) == []


@pytest.mark.parametrize("name", BY_HAND)
def test_model_answers_keep_the_rule_as_text_too(name):
    exercise = load(name)
    text = f"import numpy as np\nimport torch\n{exercise.solution}"
    assert source.faults("numpy", exercise.function, source.names_in(text)(exercise.function)) == []


def test_of_several_definitions_the_last_counts_and_a_broken_cell_defines_nothing():
    text = "import torch\ndef f(x):\n    return torch.max(x)\n"
    honest = "if True:\n    def f(x):\n        return x.max()\n"
    assert source.faults("numpy", "f", source.names_in(text)("f"))
    assert source.faults("numpy", "f", source.names_in(text + honest)("f")) == []
    assert source.faults("any", "f", source.names_in(text)("f")) == []
    assert source.names_in("def f(:")("f") is None
