"""A pooling report as HTML that reads in light and in dark, with a small picture of each pooling."""

from base64 import b64encode
from html import escape
from io import BytesIO

import torch

from ..maths import words
from ..maths.device import usual
from ..pictures.canvas import Values
from ..web.look import look
from .findings import Finding
from .measure import Measured

SIDE, GAP = 72, 8  # pixels of the longer side of an input, and between it and the output
ICONS = {"mistake": "✗", "check": "?", "note": "•"}  # an icon and a word, so that no colour has to say it
LINE = "border: 1px solid #8b919d"
PLAIN = "color: inherit; background: none; font-weight: inherit"
TABLE = (
    "border-collapse: collapse; margin: 0 0 0.8em; width: auto; font-size: 0.9em; font-variant-numeric: tabular-nums"
)
CELL = f"{PLAIN}; {LINE}; padding: 2px 8px; text-align: right; white-space: nowrap"
TEXT = CELL.replace("right", "left")
CAPTION = "caption-side: top; text-align: left; color: inherit; font-weight: 600; padding: 0 0 4px"


def page(
    title: str,
    heads: list[str],
    cells: list[list[str]],
    pictured: list[tuple[Measured, torch.Tensor]],
    headline: str,
    findings: list[Finding],
) -> str:
    """The whole report.

    Args:
        cells: a list of texts for each row: its name, its line of Python, and what stands below the other heads.
        pictured: for each row what was measured, and which cells of its map nothing reads.
    """
    parts = [_table(title, heads, cells, pictured)] if cells else [f"<p><strong>{escape(title)}</strong></p>"]
    parts.append(f"<p><strong>{escape(headline)}</strong></p>")
    if findings:
        parts.append(f'<ul style="list-style: none; padding: 0">{"".join(map(_finding, findings))}</ul>')
    return f'<div style="color: inherit">{"".join(parts)}</div>'


def _table(title, heads, cells, pictured):
    name, _, *others = heads
    columns = [name, "one channel", *others]
    styles = [TEXT, TEXT] + [CELL] * len(others)
    pairs = zip(columns, styles, strict=True)
    head = "".join(f'<th scope="col" style="{style}">{escape(text)}</th>' for text, style in pairs)
    body = "".join(_row(*row, *seen) for row, seen in zip(cells, pictured, strict=True))
    caption = f'<caption style="{CAPTION}">{escape(title)}</caption>'
    table = f'<table style="{TABLE}">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    # what is wider than the page can be moved from the keyboard, too
    region = f'role="region" tabindex="0" aria-label="{escape(title)}"'
    return f'<div style="overflow-x: auto" {region}>{table}</div>'


def _row(*parts):
    name, code, *texts, measured, unread = parts
    head = f'<strong>{escape(name)}</strong><br><code style="{PLAIN}">{escape(code)}</code>'
    numbers = "".join(f'<td style="{CELL}">{escape(text)}</td>' for text in texts)
    style = f"{TEXT}; white-space: normal; min-width: 16em"
    picture = f'<td style="{TEXT}">{picture_of(name, measured, unread)}</td>'
    return f'<tr style="background: none"><th scope="row" style="{style}">{head}</th>{picture}{numbers}</tr>'


def _finding(finding):
    notebook, heading = finding.lesson
    lesson = f'<a href="{escape(finding.link)}">Lesson {notebook[:2]}: {escape(heading.replace("`", ""))}</a>'
    text = " ".join(map(escape, (finding.what, finding.why, finding.remedy)))
    grave = f"{ICONS[finding.severity]} {finding.severity}"
    style = "margin: 0 0 0.6em; padding: 0 0 0 0.7em; border-left: 4px solid #8b919d"
    return f'<li style="{style}"><strong>{grave}: {escape(finding.name)}</strong> {text} {lesson}</li>'


@usual()
def picture_of(name: str, measured: Measured, unread: torch.Tensor) -> str:
    """The channel that varies most, before and after, on one scale of colours; cells that nothing reads are hatched."""
    if not measured.output.numel():
        return ""
    channel = _most_varied(measured.x if len(measured.x) == len(measured.output) else measured.output, len(measured.x))
    before, after = measured.x[channel].double(), measured.output[channel].double()
    kept = [_evenly(side) for side in before.shape]
    times = max(1, SIDE // max(before.shape))
    values = Values(before, after)
    left = _pixels(values, before[kept[0]][:, kept[1]], times)
    _hatch(left, unread[kept[0]][:, kept[1]].repeat_interleave(times, 0).repeat_interleave(times, 1))
    right = _pixels(values, after[_evenly(len(after))][:, _evenly(after.shape[1])], times)
    height = max(len(left), len(right))
    image = torch.zeros(height, left.shape[1] + GAP + right.shape[1], 4)
    image[: len(left), : left.shape[1]] = left
    image[: len(right), left.shape[1] + GAP :] = right
    alt = f"{name}, channel {channel}: {_said('input', before)}; {_said('output', after)}"
    alt += f"; {int(unread.sum())} cells that nothing reads are hatched" if unread.any() else ""
    size = f'width="{image.shape[1]}" height="{height}"'
    source = f"data:image/png;base64,{b64encode(_png(image)).decode()}"
    return f'<img src="{source}" alt="{escape(alt)}" {size} style="max-width: none; margin: 0">'


def _said(what, plane):
    finite = plane[plane.isfinite()]
    span = f", {words.number(finite.min().item())} to {words.number(finite.max().item())}" if len(finite) else ""
    return f"{what} {' × '.join(map(str, plane.shape))}{span}"


def _most_varied(maps, channels):
    spread = maps[:channels].double().nan_to_num(0, 0, 0).flatten(1).std(1, correction=0)
    return int(spread.argmax())


def _evenly(size):
    """At most SIDE of so many rows, evenly taken."""
    return torch.arange(size) if size <= SIDE else torch.linspace(0, size - 1, SIDE).long()


def _pixels(values, plane, times):
    colours = torch.as_tensor(values.colours(plane)).float()
    return colours.repeat_interleave(times, 0).repeat_interleave(times, 1)


def _hatch(pixels, mask):
    """Slanted lines in paper and ink, which show on every colour."""
    from matplotlib.colors import to_rgba

    rows, cols = torch.meshgrid(*map(torch.arange, mask.shape), indexing="ij")
    for colour, phase in (("paper", 0), ("ink", 1)):
        pixels[mask & ((rows + cols) % 4 == phase)] = torch.tensor(to_rgba(look()[colour]))


def _png(image):
    from matplotlib.image import imsave

    file = BytesIO()
    imsave(file, image.numpy(), format="png", metadata={"Software": None})  # type: ignore[dict-item]
    return file.getvalue()
