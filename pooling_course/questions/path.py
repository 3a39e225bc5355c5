"""The course as a path: a map of its lessons, and the ladder of its challenges. HTML that needs no script."""

import math
from html import escape

RADIUS, STEP, ROW = 25, 122, 138  # px of the map: a station's ring, and how far the next one is, across and down
X, Y = STEP // 2, 40  # where in its place a station lies
ACROSS = 6  # at most; on a phone there are two in a row
RIGHT, WRONG = "#1e8449", "#b9770e"  # on a light page and on a dark one at least 3 : 1
FONT = "font:12px/1.3 system-ui,sans-serif"


def course_map(rows: list[dict], here: str = "") -> str:
    """The lessons as stations of a way, each with a ring for its answers and a stone for each challenge.

    Args:
        rows: as `Progress.lessons` gives them.
        here: the lesson to go on with.

    Each station is a link that says in words what it shows; as many stand in a row as there is room for.
    """
    end = len(rows) - 1
    stations = "".join(_station(row, row["lesson"] == here, i > 0, i < end) for i, row in enumerate(rows))
    return (
        f'<div class="pc-map" role="group" aria-label="Map of the course" '
        f'style="display:flex;flex-wrap:wrap;max-width:{ACROSS * STEP}px;{FONT}">{stations}</div>{LEGEND}'
    )


LEGEND = (
    f'<p><small><span style="color:{RIGHT}">●</span> right at first, <span style="color:{WRONG}">●</span> not at '
    f'first, <span style="color:{RIGHT}">◆</span> a challenge reached, ◇ one to come, ◯ go on here</small></p>'
)


def _station(row, here, before, after):
    """A link over its whole place; before and after it runs the way."""
    x, y, gap = X, Y, RADIUS + 14
    way = f"M0 {y}H{x - gap}" * before + f"M{x + gap} {y}H{STEP}" * after
    number, _, name = row["title"].partition(" ")
    wrong, done = row["answered"] - row["right"], row["done"]
    around = 2 * math.pi * RADIUS
    part = around / max(1, row["questions"])
    ring = "".join(
        f'<circle cx="{x}" cy="{y}" r="{RADIUS}" fill="none" stroke="{colour}" stroke-width="7" '
        f'stroke-dasharray="{count * part:.1f} {around}" stroke-dashoffset="{-before * part:.1f}" '
        f'transform="rotate(-90 {x} {y})"{more}/>'
        for count, before, colour, more in (
            (row["right"], 0, RIGHT, ""),
            (wrong, row["right"], WRONG, ' stroke-opacity=".85"'),
        )
        if count
    )
    faint = '" fill="none" stroke="currentColor" stroke-opacity=".18" stroke-width="7"/>'
    middle = f'<circle cx="{x}" cy="{y}" r="{RADIUS - 6}" fill="{RIGHT}"/>' if done else ""
    text = f'<text x="{x}" y="{y + 6}" text-anchor="middle" font-size="17" font-weight="700"'
    text += f' fill="#fff">{number}</text>{_tick(x + 20, y - 20)}' if done else f">{number}</text>"
    flag = f'<circle cx="{x}" cy="{y}" r="{RADIUS + 8}" fill="none" stroke="currentColor" stroke-width="2"/>'
    lines = "".join(
        f'<text x="{x}" y="{y + RADIUS + 20 + 15 * i}" text-anchor="middle" font-weight="600">{escape(line)}</text>'
        for i, line in enumerate(_two_lines(name))
    )
    count = f"{row['answered']} of {row['questions']}"
    below = y + RADIUS + 20 + 15 * len(_two_lines(name))
    stones = "".join(
        f'<path d="M{x + 12 * (i - (row["challenges"] - 1) / 2):.1f} {below + 8}l5 5-5 5-5-5z" stroke-width="1.5" '
        + (f'fill="{RIGHT}" stroke="{RIGHT}"/>' if i < row["reached"] else 'fill="none" stroke="currentColor"/>')
        for i in range(row["challenges"])
    )
    said = f"{row['title']}: {row['answered']} of {row['questions']} answered, {row['right']} right at first"
    said += f", {row['reached']} of {row['challenges']} challenges reached" if row["challenges"] else ""
    said += "; go on here" if here else ""
    return (
        f'<a href="{row["lesson"]}.ipynb" aria-label="{escape(said)}" title="{escape(said)}" style="color:inherit">'
        f'<svg viewBox="0 0 {STEP} {ROW}" width="{STEP}" height="{ROW}" aria-hidden="true" style="display:block" '
        f'fill="currentColor"><path d="{way}" fill="none" stroke="currentColor" stroke-opacity=".3" stroke-width="4" '
        f'stroke-dasharray="1 9" stroke-linecap="round"/>'
        f'<circle cx="{x}" cy="{y}" r="{RADIUS}{faint}{ring}{middle}{text}{flag if here else ""}{lines}'
        f'<text x="{x}" y="{below}" text-anchor="middle" fill-opacity=".8">{count}</text>{stones}</svg></a>'
    )


def _tick(x, y):
    badge = f'<circle cx="{x}" cy="{y}" r="9" fill="{RIGHT}" stroke="#fff" stroke-width="2"/>'
    return f'{badge}<text x="{x}" y="{y + 4}" text-anchor="middle" font-weight="700" fill="#fff">✓</text>'


def _two_lines(name):
    words, lines = name.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 14 and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def ladder(rungs: list[dict]) -> str:
    """The challenges, lesson after lesson: what is reached, and where each stands.

    Args:
        rungs: dictionaries with id, lesson, title, prompt, moves (None where it is not reached) and fewest.
    """
    parts: list[str] = []
    last = None
    for rung in rungs:
        if rung["lesson"] != last:
            last = rung["lesson"]
            parts.append(f"{'</ol>' if parts else ''}<p {HEAD}><b>{escape(rung['title'])}</b></p><ol {LIST}>")
        parts.append(_rung(rung))
    return f'<div class="pc-ladder">{"".join(parts)}</ol></div>'


HEAD = 'style="margin:14px 0 2px"'
LIST = 'style="list-style:none;margin:0;padding:0"'


def _rung(rung):
    done = rung["moves"] is not None
    mark = f'<span style="color:{RIGHT};font-weight:700" aria-hidden="true">◆</span>' if done else "◇"
    said = "Reached" if done else "Not reached yet"
    hidden = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
    moves = f" {_moves(rung['moves'])} from the start" if done else ""
    if done and rung["moves"] > rung["fewest"]:
        moves += f"; {rung['fewest']} would do"
    link = f'<a href="{rung["lesson"]}.ipynb#Check-yourself">{escape(rung["prompt"])}</a>'
    note = f" <small>reached{moves}</small>" if done else ""
    hang = "margin:2px 0;padding-left:20px;text-indent:-20px"
    return f'<li style="{hang}">{mark} <span style="{hidden}">{said}: </span>{link}{note}</li>'


def _moves(count):
    return f"{count} move{'' if count == 1 else 's'}"
