"""Writes what a run found into docs/measurements.md, between the marks that stand there for each benchmark.

Its plots go into the folder docs/measurements beside it.
"""

import re
from pathlib import Path

from benchmarks import page
from benchmarks.result import measured, met, shown, target

MANUAL = Path(__file__).resolve().parents[1] / "docs" / "measurements.md"
PLACE = re.compile(r"(<!-- bench (\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
SAID = ("system", "processor", "cores", "memory", "GPU", "Python", "torch")


def write(given, manual=MANUAL) -> str:
    """Write a whole run; what was not measured keeps what was recorded before. Returns a sentence.

    Raises:
        ValueError: the run was a short one, or the manual has no place for a benchmark.
    """
    if given["quick"]:
        raise ValueError("The last run was a short one, which nobody should quote: run `python course.py bench` first.")
    texts = {name: section(name, each) for name, each in given["benchmarks"].items() if each["state"] == "done"}
    texts["machine"] = "; ".join(f"{name}: {given['machine'].get(name)}" for name in SAID) + ".\n"
    text = manual.read_text(encoding="utf-8")
    places = {name for _, name, _ in PLACE.findall(text)}
    if texts.keys() - places:
        raise ValueError(f"{manual.name} has no place for {', '.join(sorted(texts.keys() - places))}.")
    written = PLACE.sub(lambda m: m[1] + (texts[m[2]] if m[2] in texts else m[0][len(m[1]) : -len(m[3])]) + m[3], text)
    manual.write_text(written, encoding="utf-8")
    for name in texts.keys() - {"machine"}:
        for grown, file in _plots(name, given["benchmarks"][name]["found"]):
            (manual.parent / file).parent.mkdir(exist_ok=True)
            (manual.parent / file).write_bytes(page.plot(grown).png())
    kept = sorted(places - texts.keys())
    return f"Written to {manual.name}." + (f" Left as recorded before: {', '.join(kept)}." if kept else "")


def section(name, each):
    """The claims of a benchmark, as Markdown, and how its figures grow or, where nothing grows, its first table.

    Tables with the same columns as the first one stand beside it.
    """
    found = each["found"]
    busy = "" if each["load"] is None else f"; the load was {shown(each['load'])} when it began"
    parts = [f"`{each['command']}` on {found['about']['date'][:10]}{busy}.\n"]
    claims = [
        [
            one["says"],
            measured(one),
            target(one)[len("target ") :],
            page.MARKS[met(one)][1],
            one["peer"],
        ]
        for one in found["claims"]
    ]
    parts.append(_table(("claim", "measured", "target", "verdict", "in the same run"), claims))
    for grown, file in _plots(name, found):
        parts.append(f"{grown['title']}, in {grown['y_label']}:\n\n![{page.plot(grown).alt}]({file})\n")
        parts.append(_table(*page.grown_table(grown)))
    for one in () if found["growth"] else found["tables"]:
        if one["head"] != found["tables"][0]["head"]:
            continue
        parts.append(f"{one['caption']}:\n")
        parts.append(_table(one["head"], one["rows"]))
    return "\n".join(parts)


def _plots(name, found):
    """(what grows, the file of its plot)."""
    for number, grown in enumerate(found["growth"], start=1):
        yield grown, f"measurements/{name}{f'-{number}' if number > 1 else ''}.png"


def _table(head, rows):
    lines = [list(map(str, head)), ["---"] * len(head), *([shown(value) for value in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
