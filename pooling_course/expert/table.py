"""Rows of results: plain data to compute with, a table to read. And what is told only when it is asked for."""

from html import escape

from ..maths import words


class Table(list):
    """A list of dictionaries with the same keys, shown as a table.

    Args:
        rows: dictionaries; the keys of the first one are the heads of the columns.
        caption: what the table shows.

    >>> Table([{"way": "max", "share": 2 / 3}, {"way": "average", "share": 1.0}], "Changed outputs")
    Changed outputs
    way      share
    max      0.667
    average  1
    """

    def __init__(self, rows, caption=""):
        super().__init__(rows)
        self.caption = caption

    def column(self, name) -> list:
        """The values under one head."""
        return [row[name] for row in self]

    @property
    def texts(self) -> list[list[str]]:
        """The cells as they are shown, heads first."""
        return [list(self[0]), *([_text(value) for value in row.values()] for row in self)] if self else []

    def __repr__(self):
        widths = [max(map(len, column)) for column in zip(*self.texts, strict=True)]
        lines = ("  ".join(t.ljust(wide) for t, wide in zip(line, widths, strict=True)) for line in self.texts)
        return "\n".join([*filter(None, [self.caption]), *(line.rstrip() for line in lines)])

    def _repr_html_(self):
        heads, *lines = self.texts or [[]]
        head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
        body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in line) + "</tr>" for line in lines)
        return f"<table><caption>{escape(self.caption)}</caption><tr>{head}</tr>{body}</table>"


class Folded:
    """What torch says, closed until it is opened by hand: nobody reads it by accident before having tried.

    Args:
        told: a sentence, or a `Table`.

    >>> Folded("Of 6 layers, one fits.")
    Of 6 layers, one fits.
    """

    def __init__(self, told: "str | Table"):
        self.told = told

    def __repr__(self):
        return str(self.told)

    def _repr_html_(self):
        shown = self.told._repr_html_() if isinstance(self.told, Table) else f"<p>{escape(self.told)}</p>"
        return (
            f'<details class="pc-told"><summary>Your turn first; then open what torch says.</summary>{shown}</details>'
        )


def _text(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return " × ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else words.number(value)
