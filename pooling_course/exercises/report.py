"""What a check says, as text and as HTML: sentences, and values as grids that a screen reader can walk."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from ..maths.words import hint_names
from .plain import as_array, brief, unequal

WIDEST, TALLEST = 12, 36  # rows and columns of a grid that are shown; larger maps are named by their shape
TABLE = "border-collapse: collapse; align-self: flex-start; margin: 0; width: auto; font-size: inherit; color: inherit"
CELL = "padding: 2px 8px; text-align: right; color: inherit; background: none; border: 1px solid #8b919d"
CAPTION = "caption-side: top; text-align: left; white-space: nowrap; color: inherit"
WRONG = f"{CELL}; border: 3px double #c4332b; font-weight: 700"
BUTTON = "display: inline-flex; align-items: center; box-sizing: border-box; min-height: 28px; padding: 2px 8px; "
BUTTON += "cursor: pointer; border: 1px solid #8b919d; border-radius: 5px"
CODE = "margin: 8px 0 0; padding: 8px; font-size: 0.875em; "
CODE += "overflow-x: auto; color: inherit; background: none; border: 1px solid #8b919d"


@dataclass(frozen=True)
class Value:
    """A plain value under its label; where `against` is given, what differs from it is marked with ≠.

    A grid may have names for its columns: `heads`.
    """

    label: str
    value: object
    against: object = None
    heads: tuple[str, ...] = ()

    def rows(self):
        """Rows of (text, whether it is marked), or None where a line says it better than a grid."""
        array = as_array(self.value)
        if array is None or array.ndim < 2 or not 0 < array.size <= WIDEST * TALLEST or array.shape[-1] > WIDEST:
            return None
        flat = array.reshape(-1, array.shape[-1])
        right = None if self.against is None else as_array(self.against)
        if right is None or right.shape != array.shape:
            right = array
        marks = unequal(right, array).reshape(flat.shape)
        return [
            [(brief(v.item()), bool(m)) for v, m in zip(*pair, strict=True)] for pair in zip(flat, marks, strict=True)
        ]

    def starts(self):
        """The rows of the grid at which another channel starts."""
        array = as_array(self.value)
        return range(array.shape[-2], array.size // array.shape[-1], array.shape[-2]) if array.ndim > 2 else ()

    @property
    def text(self):
        rows = self.rows()
        if rows is None:
            return f"  {self.label}: {brief(self.value)}"
        wide = max(len(text) for row in rows for text, _ in row)
        widths = [max(wide, len(head)) for head in self.heads or [""] * len(rows[0])]
        if self.heads:
            rows = [[(head, False) for head in self.heads], *rows]
        lines = [f"    {' '.join(map(_aligned, row, widths))}" for row in rows]
        for at in reversed(self.starts()):
            lines.insert(at, "")
        return "\n".join([f"  {self.label}:", *lines])

    @property
    def html(self):
        rows = self.rows()
        if rows is None:
            return f"<div>{escape(self.label)}: <code>{escape(brief(self.value))}</code></div>"
        lines = [f"<tr>{''.join(_cell(*cell) for cell in row)}</tr>" for row in rows]
        for at in self.starts():  # a group of rows for each channel, with a line above it
            lines[at] = f'</tbody><tbody style="border-top: 4px solid #8b919d">{lines[at]}'
        body = "".join(lines)
        caption = f'<caption style="{CAPTION}">{escape(self.label)}</caption>'
        heads = "".join(f'<th scope="col" style="{CELL}">{escape(head)}</th>' for head in self.heads)
        head = f"<thead><tr>{heads}</tr></thead>" if heads else ""
        return f'<table style="{TABLE}">{caption}{head}<tbody>{body}</tbody></table>'


class Report:
    """Sentences and Values; a sentence at the head is bold. In sentences, what stands between backticks is code."""

    def __init__(self, *parts):
        self.parts = parts

    def __repr__(self):
        return "\n".join(part if isinstance(part, str) else part.text for part in self.parts)

    def _repr_html_(self):
        blocks = []
        for are_values, group in groupby(self.parts, key=lambda part: isinstance(part, Value)):
            parts = list(group)
            blocks += [_abreast(parts)] if are_values else [f"<p>{_with_code(sentence)}</p>" for sentence in parts]
        if not isinstance(self.parts[0], Value):
            blocks[0] = f"<p><strong>{_with_code(self.parts[0])}</strong></p>"
        return f'<div style="overflow-x: auto">{"".join(blocks)}</div>'


def hint_buttons(ladder: Sequence[str], words: int = 2) -> str:
    """The hints of an exercise as HTML that needs neither Python nor a script: each opens under a button of its own.

    Only an open hint holds the button of the next one, and what opens is read out. It looks as in a challenge.

    Args:
        ladder: hints in words, then code if there is any, as `Exercise.ladder` has them.
        words: how many of them are in words.
    """
    told = [f'<p style="margin: 6px 0">{_with_code(text)}</p>' for text in ladder[:words]]
    told += [f'<pre tabindex="0" style="{CODE}">{escape(code)}</pre>' for code in ladder[words:]]
    more = ""
    for name, text in reversed([*zip(hint_names(len(told), whole=len(told) > words), told, strict=True)]):
        button = f'<summary style="{BUTTON}">{name}</summary>'
        more = f'<details style="margin: 8px 0">{button}{text}{more}</details>'
    return f'<div aria-live="polite">{more}</div>'


def _abreast(values):
    """Grids side by side; lines, one below the other, in a column of their own."""
    columns: list[str] = []
    for are_lines, column in groupby(values, key=lambda value: value.rows() is None):
        texts = [value.html for value in column]
        columns += [f"<div>{''.join(texts)}</div>"] if are_lines else texts
    return f'<div style="display: flex; flex-wrap: wrap; gap: 0.5em 2em">{"".join(columns)}</div>'


def _aligned(cell, width):
    text, marked = cell
    return f"{'≠' if marked else ' '}{text:>{width}}"


def _cell(text, marked):
    return f'<td style="{WRONG}">≠ {escape(text)}</td>' if marked else f'<td style="{CELL}">{escape(text)}</td>'


def _with_code(sentence):
    parts = escape(sentence).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
