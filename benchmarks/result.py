"""What every benchmark hands over, and the one way in which each is started alone.

    claim(...)     a sentence, the figure that was measured, and the target that it should keep
    table(...)     rows for reading
    growth(...)    lines over the size of the input or of the class: how something grows
    main(...)      reads the arguments, measures, and prints the tables, or with --json all of it

A claim with a target is met or not met; one without is a comparison, which can be neither.
"""

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import os
import platform
import random
import sys
from pathlib import Path

IMPOSSIBLE = 75  # exit code: what the benchmark needs is not on this machine, and the last line says what
PACKAGES = ("torch", "matplotlib", "numpy", "ipywidgets", "anywidget", "jupyterlab", "nbconvert", "nbgrader")


class NotHere(Exception):
    """A sentence: what the benchmark needs, and how to get it."""


def claim(says, figure, unit="", at_most=None, at_least=None, peer=""):
    """One claim as plain data; `peer` says in words what stood beside it in the same run."""
    return {"says": says, "figure": figure, "unit": unit, "at_most": at_most, "at_least": at_least, "peer": peer}


def met(given):
    """Whether a claim is met; None where it has no target.

    >>> [met(each) for each in (claim("Quick", 1.1, at_most=1.1), claim("Quick", 1.2, at_most=1.1), claim("So", 1))]
    [True, False, None]
    """
    if given["at_most"] is None and given["at_least"] is None:
        return None
    above = given["at_least"] is None or given["figure"] >= given["at_least"]
    return above and (given["at_most"] is None or given["figure"] <= given["at_most"])


def table(caption, head, rows):
    """Rows of texts and numbers under one head; None leaves a place empty."""
    return {"caption": caption, "head": list(head), "rows": [list(row) for row in rows]}


def growth(title, x_label, x, y_label, series, log=True):
    """Lines over the same x; None where a point could not be measured. log: sizes that grow by factors."""
    lines = {name: list(values) for name, values in series.items()}
    return {"title": title, "x_label": x_label, "x": list(x), "y_label": y_label, "series": lines, "log": log}


def machine():
    """What all figures of a run have in common."""
    found = {"date": datetime.datetime.now().astimezone().isoformat(" ", "minutes")}
    found |= {"system": f"{platform.system()} {platform.machine()}"}
    found |= {"processor": _processor(), "cores": cores(), "memory": _memory(), "GPU": _gpu(), "load": load()}
    found |= {"Python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in PACKAGES if importlib.util.find_spec(name)}


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def load():
    """How many processes were running or waiting for a core in the last minute; None where that is not told."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _memory():
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (AttributeError, OSError, ValueError):
        return "unknown"


def _gpu():
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"


def browser():
    """The path of a browser."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from harness.browser import ADVICE, installed_browser

    path = installed_browser()
    if path is None:
        raise NotHere(ADVICE[0].upper() + ADVICE[1:])
    return path


def arguments(doc, options):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, settings in options.items():
        parser.add_argument(name, **settings)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser


def main(doc, options, measure):
    """Run one benchmark as a program of its own.

    Args:
        doc: its docstring.
        options: {"--name": the settings of `add_argument`}.
        measure: takes the arguments; returns a dict with "claims", "tables" and "growth", and what else it wants kept.
    """
    given = arguments(doc, options).parse_args()
    random.seed(0)
    about = machine()
    try:
        found = measure(given)
    except NotHere as reason:
        print(reason, file=sys.stderr)
        sys.exit(IMPOSSIBLE)
    if given.json:
        print(json.dumps({"about": about} | found))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        print(*(f"\n{line}" if line == part[0] else line for part in _parts(found) for line in part), sep="\n")


def _parts(found):
    for each in found["tables"]:
        yield [each["caption"], *_columns([each["head"], *each["rows"]])]
    yield [f"{verdict(each)}: {sentence(each)}" for each in found["claims"]]


def _columns(rows):
    texts = [[shown(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    numbers = [any(isinstance(row[i], (int, float)) for row in rows) for i in range(len(widths))]
    for row in texts:
        cells = zip(row, widths, numbers, strict=True)
        yield "  ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in cells).rstrip()


def verdict(given):
    """The word for a claim: met, not met, or no target."""
    return {True: "met", False: "NOT met", None: "no target"}[met(given)]


def sentence(given):
    """A claim in words: what is said, the figure, the target, the peer."""
    parts = [f"{given['says']}: {measured(given)}", target(given), given["peer"]]
    return "; ".join(filter(None, parts))


def measured(given):
    """The figure in words; with more digits where it would look like the target that it misses.

    >>> measured(claim("Quick", 1.104, "times", at_most=1.1)), measured(claim("Quick", 1.096, "times", at_most=1.1))
    ('1.104 times', '1.1 times')
    """
    text = amount(given["figure"], given["unit"])
    near = met(given) is False and target(given).endswith(f" {text}")
    return amount(f"{given['figure']:.6g}", given["unit"]) if near else text


def target(given):
    """The target in words, or nothing.

    >>> target(claim("Quick", 15, "ms", at_most=16.7))
    'target at most 16.7 ms'
    """
    for name in ("at_most", "at_least"):
        if given[name] is not None:
            return f"target {name.replace('_', ' ')} {amount(given[name], given['unit'])}"
    return ""


def amount(value, unit):
    return f"{shown(value)} {unit}".strip()


def shown(value):
    """A value for reading: three digits that count, thousands apart.

    >>> shown(0.0123456), shown(15.84), shown(7037931), shown(512.4), shown(None)
    ('0.0123', '15.8', '7,037,931', '512', '')
    """
    if value is None or isinstance(value, (str, bool)):
        return "" if value is None else str(value)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
