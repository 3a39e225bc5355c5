"""Numbers and windows in words: short, and never lying. explorer.js says the same; a test compares them."""

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from struct import pack, unpack

DECIMALS = 4  # a value that is exact within this many decimals is written in full
_NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?|nan)", re.ASCII | re.IGNORECASE)
LONGEST_SUM = 16  # windows with more entries than this are abbreviated


def number(value) -> str:
    """`value` as short as it can be: exact up to four decimals, otherwise three significant digits.

    >>> number(-0.2500), number(2 / 3), number(3e38), number(float("-inf"))
    ('-0.25', '0.667', '3e38', '-inf')
    """
    value = float(value) if not isinstance(value, int) else value
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    if abs(value) < 1e6:
        for decimals in range(DECIMALS + 1):
            text = _fixed(value, decimals)
            if _same(text, value):
                return text
    if 1e-3 <= abs(value) < 1e6:
        decimals = max(0, 2 - math.floor(math.log10(abs(value))))
        return _strip(_fixed(value, decimals))
    return _scientific(value)


def hint_names(count: int, whole: bool = True) -> list[str]:
    """What leads to each of `count` hints, one after the other; the last, if it is the whole answer, says so.

    >>> hint_names(3)
    ['Hint 1 of 3', 'Hint 2 of 3', 'Show the whole answer']
    """
    found = [f"Hint {n} of {count}" for n in range(1, count + 1)]
    return [*found[:-1], "Show the whole answer"] if whole else found


def read_number(text: str) -> float:
    """The number that `text` says, as people type it: a comma or a true minus will do, and a fraction.

    >>> read_number("0,25"), read_number("−3"), read_number("1/8"), read_number("-inf")
    (0.25, -3.0, 0.125, -inf)

    Raises:
        ValueError: `text` is no number, or divides by 0.
    """
    parts = text.replace(",", ".").replace("−", "-").split("/")
    if len(parts) > 2 or not all(_NUMBER.fullmatch(part.strip()) for part in parts):
        raise ValueError(f"{text!r} is not a number.")
    try:
        return float(parts[0]) / (float(parts[1]) if len(parts) == 2 else 1)
    except ZeroDivisionError:
        raise ValueError(f"{text!r} divides by 0.") from None


def is_exact(value) -> bool:
    """Whether `number(value)` is the value itself and not a rounding of it.

    >>> is_exact(0.0625), is_exact(1 / 3)
    (True, False)
    """
    return _same(number(value), value) or value != value


def equals(values, output) -> str:
    """`= 0.25` where every number written is exact, `≈ 0.667` where one was rounded."""
    return f"{'=' if all(map(is_exact, (*values, output))) else '≈'} {number(output)}"


def result(values, calculate, output, dtype="float32") -> str:
    """What `calculate` makes of the values written, beside the output: `= 0.25` where it is that and nothing else.

    Otherwise `≈ 0.667`, and where the dtype is to blame, and not the way numbers are written, this is said: it rounds,
    or it ends. Recomputed exactly, in fractions, first from the numbers as they are written, then as they are.

    >>> result([1, 3], lambda v: sum(v) / 2, 2), result([1 / 3], lambda v: v[0], 1 / 3)
    ('= 2', '≈ 0.333')
    >>> result([2048, 1], sum, 2048, "float16"), result([3e38, 3e38], sum, math.inf)
    ('≈ 2048, rounded to float16', 'gives inf: the sum is beyond the range of float32')
    """
    if not all(map(math.isfinite, values)):
        return equals(values, output)
    if not math.isfinite(output):
        return f"gives {number(output)}: the sum is beyond the range of {dtype}"
    full = all(map(is_exact, (*values, output)))
    if full and _alike(calculate([Fraction(number(v)) for v in values]), Fraction(number(output))):
        return f"= {number(output)}"
    wanted = calculate([Fraction(v) for v in values])
    blame = full or 200 * abs(wanted - Fraction(output)) > abs(wanted)
    return f"≈ {number(output)}{f', rounded to {dtype}' if blame else ''}"


def _alike(a, b):
    return a == b if isinstance(a, Fraction) else math.isclose(a, b, rel_tol=1e-12)


def max_sum(values, output) -> str:
    """The maximum of a window in words; padding enters as −∞, written as in the picture.

    >>> max_sum([1, 3, 5, 6], 6)
    'max(1, 3, 5, 6) = 6'
    """
    return f"max({_listed(values, ', ')}) {equals(values, output)}".replace("-inf", "−∞").replace("inf", "∞")


def average_sum(values, divisor, output, dtype="float32") -> str:
    """The average of a window in words; an int where the dtype holds integers only.

    >>> average_sum([0, 0, 1, 3], 4, 1)
    '(0 + 0 + 1 + 3) / 4 = 1'
    >>> average_sum([1, 2], 2, 1, "int64")
    '(1 + 2) / 2 gives 1 in whole numbers: the fraction is dropped'
    """
    quotient = f"({_listed(values, ' + ')}) / {divisor}"
    if not dtype.startswith(("int", "uint")):
        return f"{quotient} {result(values, lambda v: Fraction(sum(v)) / divisor, output, dtype)}"
    total = sum(values)
    if not -(2**63) <= total < 2**63:
        return f"{quotient} gives {number(output)}: the sum is beyond the range of {dtype}, and wraps around"
    if total % divisor:
        return f"{quotient} gives {number(output)} in whole numbers: the fraction is dropped"
    return f"{quotient} {equals(values, output)}"


def norm_sum(values, norm, area, output, dtype="float32") -> str:
    """An LP norm in words; `area` counts the positions of a whole window.

    >>> norm_sum([0, 3, 4, 0], 2, 4, 5)
    '(0^2 + 3^2 + 4^2 + 0^2)^(1/2) = 5'
    >>> norm_sum([1, 2], 1, 4, 6)
    '(1 + 2) * 4/2 = 6'
    """
    power = "" if norm == 1 else f"^{number(norm)}"
    scale = "" if len(values) == area else f" * {area}/{len(values)}"
    powers = _joined([f"{_signed(number(v))}{power}" for v in values], " + ")
    if norm == 1:
        total = f"({powers}){scale}" if scale else powers
    else:
        total = f"(({powers}){scale})^(1/{number(norm)})" if scale else f"({powers})^(1/{number(norm)})"
    try:
        root = _root(list(map(float, values)), norm, area)
        told = math.isfinite(root) and not math.isnan(output)
    except OverflowError:
        told = False
    if not told:  # no power or root of it, or none that a float holds
        return f"{total} {equals(values, output)}"
    return f"{total} {result(values, lambda v: _root(list(map(float, v)), norm, area), output, dtype)}"


def _root(values, norm, area):
    total = sum(v if norm == 1 else v**norm for v in values) * area / len(values)
    found = total if norm == 1 else total ** (1 / norm)
    return math.nan if isinstance(found, complex) else found


def weighted_sum(terms, bias, output, dtype="float32") -> str:
    """A sum of (weight, value) in words, and the bias if there is one.

    >>> weighted_sum([(0.5, 3), (-1, 2)], 0.25, -0.25)
    '0.5*3 + (-1)*2 + 0.25 (bias) = -0.25'
    """
    products = [f"{_signed(number(w))}*{_signed(number(v))}" for w, v in terms]
    added = "" if bias is None else f" + {_signed(number(bias))} (bias)"
    written = [n for term in terms for n in term] + ([] if bias is None else [bias])

    def weighted(v):
        pairs = 2 * len(terms)
        return Fraction(sum(w * held for w, held in zip(v[:pairs:2], v[1:pairs:2], strict=True)) + sum(v[pairs:]))

    return f"{_joined(products, ' + ') or '0'}{added} {result(written, weighted, output, dtype)}"


def _signed(text):
    return f"({text})" if text.startswith("-") else text


def _listed(values, separator):
    texts = [number(v) for v in values]
    return _joined([_signed(t) if separator == " + " else t for t in texts], separator)


def _joined(texts, separator):
    if len(texts) > LONGEST_SUM:
        texts = [*texts[:4], f"… {len(texts) - 5} more …", texts[-1]]
    return separator.join(texts)


def _fixed(value, decimals):
    # Decimal, because Python's own rounding sends ties to even and JavaScript's toFixed sends them up
    return f"{Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):f}"


def _same(text, value):
    parsed = float(text)
    return parsed == value or unpack("f", pack("f", parsed))[0] == value if abs(parsed) < 3e38 else parsed == value


def _strip(text):
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scientific(value):
    rounded = Context(prec=3, rounding=ROUND_HALF_UP).create_decimal(value)
    mantissa, exponent = f"{rounded:.2e}".split("e")
    return f"{_strip(mantissa)}e{int(exponent)}"
