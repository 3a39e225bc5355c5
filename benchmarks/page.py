"""One page of what a run of the benchmarks found: each claim with its target, and how each figure grows.

It is one file of HTML that loads nothing, in the look of the course, light or dark as the reader has it.
"""

import ast
import re
from html import escape as plain
from math import nan
from pathlib import Path

from benchmarks.result import measured, met, shown, target
from pooling_course.pictures import charts

HERE = Path(__file__).resolve().parent
MARKS = {True: ("✓", "met", "right"), False: ("✗", "not met", "wrong"), None: ("–", "no target", "muted")}
QUIET, CROWD = 0.5, 1.5  # the most load for each core before all began, and later, where a benchmark leaves some
CSS = """
body { margin: 0; background: var(--pc-paper); color: var(--pc-ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 3rem; } h3 { margin-top: 2rem; }
a { color: var(--pc-reader); }
code { background: var(--pc-raised); padding: 0.1em 0.3em; border-radius: 4px; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: min(100%, 34rem); font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--pc-muted); padding: 0.4rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.9rem 0.3rem 0; }
th, td { border-bottom: 1px solid var(--pc-hairline); }
th { font-weight: 600; } .number { text-align: right; white-space: nowrap; }
tbody th[colspan] { padding-top: 1.2rem; }
td.target { white-space: nowrap; }
.verdict { font-weight: 600; white-space: nowrap; }
.right { color: var(--pc-right); } .wrong { color: var(--pc-wrong); } .muted { color: var(--pc-muted); }
.note { border-left: 4px solid var(--pc-unsure); background: var(--pc-raised); padding: 0.6rem 1rem; }
.note strong { color: var(--pc-unsure); }
figure { margin: 1rem 0; } img { display: block; }
pre { white-space: pre-wrap; background: var(--pc-raised); padding: 0.8rem 1rem; border-radius: 6px; }
summary { cursor: pointer; color: var(--pc-reader); }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Measurements · Pooling Course</title>
<style>
{css}</style>
</head>
<body class="pooling-course">
<main>
{body}
</main>
</body>
</html>
"""


def words_of(text):
    """A text as HTML, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", plain(text))


def html(given) -> str:
    """The page of a run, as `benchmarks/__main__.py` gives it."""
    parts = [f"<h1>Measurements</h1>\n<p>{words_of(summary(given))} {_when(given['machine'])}</p>"]
    parts += [f'<p class="note"><strong>{head}</strong> {words_of(words)}</p>' for head, words in notes(given)]
    parts += [_claims(given["benchmarks"])]
    parts += [_benchmark(name, each) for name, each in given["benchmarks"].items() if each["state"] == "done"]
    rows = [[name, str(value)] for name, value in given["machine"].items()]
    parts += ['<h2 id="machine">The machine</h2>', _table("What all figures have in common", ("what", "which"), rows)]
    return PAGE.format(css=_colours() + CSS, body="\n".join(parts))


def summary(given) -> str:
    """One line: how many claims are met, and what could not be measured."""
    claims = [each for one in given["benchmarks"].values() for each in one.get("found", {}).get("claims", ())]
    judged = [met(each) for each in claims if met(each) is not None]
    text = f"{judged.count(True)} of {len(judged)} claims with a target are met, {judged.count(False)} not met."
    for state in ("failed", "left out"):
        names = [name for name, one in given["benchmarks"].items() if one["state"] == state]
        text += f" {state.capitalize()}: {', '.join(names)}." if names else ""
    return text


def notes(given):
    """(what a reader must know before the figures, in a word; and in a sentence)."""
    if given["quick"]:
        yield "A short run.", "Few steps and small classes: good enough to see that all works, too few to quote."
    machine = given["machine"]
    loads = [each["load"] for each in given["benchmarks"].values() if each.get("load") is not None]
    if loads and (machine["load"] > QUIET * machine["cores"] or max(loads) > CROWD * machine["cores"]):
        words = f"The load was up to {shown(max(machine['load'], *loads))} on {machine['cores']} cores."
        yield "A busy machine.", f"{words} The times may be too long; the ratios, taken in turn, suffer less."


def plot(grown):
    """The plot of something that grows: a Picture with its numbers in words."""
    series = {name: [nan if v is None else v for v in values] for name, values in grown["series"].items()}
    return charts.lines(grown["x"], series, grown["x_label"], grown["y_label"], log=grown["log"])


def grown_table(grown):
    """(head, rows) of the numbers in a plot."""
    columns = zip(*grown["series"].values(), strict=True)
    return [grown["x_label"], *grown["series"]], [[x, *row] for x, row in zip(grown["x"], columns, strict=True)]


def doc(name):
    """(the question that a script answers, how it does so): its docstring."""
    text = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8")))
    head, _, body = text.partition("\n\n")
    return re.split(r" Run:|:$", " ".join(head.split()))[0], body


def _when(machine):
    words = f"Measured on {machine['date']}, on {machine['processor']} with {machine['cores']} cores"
    return (
        words_of(f"{words}; torch {machine.get('torch', 'none')}, GPU: {machine['GPU']}.")
        + ' <a href="#machine">More</a>.'
    )


def _colours():
    """The colours of the course, the dark ones where the reader's system asks for them."""
    text = (HERE.parent / "pooling_course" / "web" / "look.css").read_text(encoding="utf-8")
    light, dark = text.split('.pooling-course[data-theme="dark"]')
    scheme = ":root { color-scheme: light dark; }\n"
    return f"{scheme}{light}@media (prefers-color-scheme: dark) {{ .pooling-course {dark.strip()} }}\n"


def _claims(benchmarks):
    rows = []
    for name, each in benchmarks.items():
        link = (
            f'<a href="#{name}">{words_of(each["title"])}</a>' if each["state"] == "done" else words_of(each["title"])
        )
        rows.append(f'<tr><th colspan="5" scope="rowgroup">{link}</th></tr>')
        if each["state"] != "done":
            word = "wrong" if each["state"] == "failed" else "muted"
            state = f'<span class="verdict {word}">{each["state"].capitalize()}</span>'
            rows.append(f'<tr><td colspan="5">{state}: {words_of(each["why"])}</td></tr>')
        rows += [_claim(one) for one in each.get("found", {}).get("claims", ())]
    head = "".join(f'<th scope="col">{h}</th>' for h in ("Claim", "Measured", "Target", "Verdict", "In the same run"))
    return '<h2 id="claims">What is claimed, and what was measured</h2>\n' + _wide(
        "Claims", f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody></table>"
    )


def _claim(one):
    mark, word, colour = MARKS[met(one)]
    cells = [f"<td>{words_of(one['says'])}</td>", f'<td class="number">{words_of(measured(one))}</td>']
    cells += [f'<td class="target">{words_of(target(one).removeprefix("target "))}</td>']
    cells += [f'<td class="verdict {colour}"><span aria-hidden="true">{mark}</span> {word}</td>']
    return f"<tr>{''.join(cells)}<td>{words_of(one['peer'])}</td></tr>"


def _benchmark(name, each):
    question, how = doc(name)
    busy = "" if each["load"] is None else f", and the load was {shown(each['load'])} when it began"
    words = words_of(f"{question} `{each['command']}` took {each['seconds']:.0f} s{busy}.")
    parts = [f'<h2 id="{name}">{words_of(each["title"])}</h2>\n<p>{words}</p>']
    for grown in each["found"]["growth"]:
        scale = "; on both axes equal factors are equally far apart" if grown["log"] else ""
        parts.append(f"<h3>{words_of(grown['title'])}: how it grows</h3>\n<figure>{plot(grown)._repr_html_()}</figure>")
        parts.append(_table(f"{grown['y_label']}{scale}", *grown_table(grown)))
    tables = [_table(one["caption"], one["head"], one["rows"]) for one in each["found"]["tables"]]
    parts.append("<details><summary>All figures</summary>\n" + "\n".join(tables) + "\n</details>")
    parts.append(f"<details><summary>How it was measured</summary>\n<pre>{words_of(how)}</pre></details>")
    return "\n".join(parts)


def _table(caption, head, rows):
    numbers = [any(isinstance(row[i], (int, float)) for row in rows) for i in range(len(head))]
    kinds = [' class="number"' if number else "" for number in numbers]
    top = "".join(f'<th scope="col"{kind}>{words_of(str(h))}</th>' for h, kind in zip(head, kinds, strict=True))
    lines = [
        "<tr>" + "".join(f"<td{kind}>{words_of(shown(v))}</td>" for v, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    ]
    body = "\n".join(lines)
    text = (
        f"<table><caption>{words_of(caption)}</caption><thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    )
    return _wide(caption, text)


def _wide(name, text):
    """A table that can be scrolled where it is wider than the screen, with the keyboard too."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{plain(name)}">\n{text}\n</div>'
