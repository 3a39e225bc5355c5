"""Which functions only compute, so that they can be asked in the process that others are asked in, too."""

import builtins
import dis
import re
import types

CONSTANTS = (bool, int, float, complex, str, bytes, type(None), type(...))
COMPUTES: tuple = (abs, all, any, bool, dict, divmod, enumerate, float, int, isinstance, len, list, map, max, min, pow)
COMPUTES += (print, range, reversed, round, set, slice, sorted, str, sum, tuple, zip, NotImplementedError, ValueError)
ONLY = frozenset(map(id, COMPUTES))  # what in Python leaves nothing behind
MODULES = ("math", "numpy")  # nor do these, but for names that begin so
LEAVES = re.compile("_|set|random|seed|save|load|dump|tofile|memmap|test")
CHANGES = ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR", "IMPORT_NAME", "LOAD_BUILD_CLASS")
CHANGING = frozenset(dis.opmap[name] for name in CHANGES)  # steps of Python's that do


def only_computes(function) -> bool:
    """Whether a function can leave nothing behind for another that is asked after it.

    It then uses its arguments, what it makes itself, NumPy, what in Python leaves nothing, and functions like it. One
    that only seems to be so harms no other student's answers: all that it can reach is its own notebook's.

    >>> only_computes(lambda x: [max(row) for row in x]), only_computes(lambda x: open(x))
    (True, False)
    """
    waiting, seen = [function], set(ONLY)
    while waiting:
        value = waiting.pop()
        if id(value) in seen or plain_constant(value):
            continue
        if type(value) is types.ModuleType and value.__name__ in MODULES:
            continue
        if type(value) is not types.FunctionType or value.__closure__ or value.__kwdefaults__ or vars(value):
            return False
        seen.add(id(value))
        waiting += value.__defaults__ or ()
        for code in codes(value.__code__):
            waiting += [const for const in code.co_consts if type(const) is not types.CodeType]
            found = {name: value.__globals__.get(name, vars(builtins).get(name)) for name in code.co_names}
            waiting += found.values()
            if any(LEAVES.match(name) for name in found if found[name] is None) or CHANGING & {*code.co_code[::2]}:
                return False
    return True


def codes(code):
    """A function's code, and that of all functions in it."""
    yield code
    for value in code.co_consts:
        if type(value) is types.CodeType:
            yield from codes(value)


def plain_constant(value) -> bool:
    """Nothing of a student's making, which a code object that was put together by hand could hold."""
    return all(map(plain_constant, value)) if type(value) is tuple else type(value) in CONSTANTS
