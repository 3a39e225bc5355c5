"""Pictures for reading: drawn by matplotlib in the look of the course, each with words for those who cannot see it."""

import math
import re
from base64 import b64encode
from functools import lru_cache
from html import escape
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

import torch

from . import words
from .images import WORKED
from .pooling import Pooling, as_tensor, trace

MOST_NUMBERS = 12  # a grid with more rows or columns than this is drawn as an image, without numbers
WIDEST = 10.0  # inches of one row of panels; a notebook shrinks what is wider than itself
PICTURE = 2.56  # inches of the longer side of an image: 512 pixels, so that powers of two stay even
CELL, MARGIN, GAP, LINE = 0.46, 0.22, 0.42, 0.2  # inches
DPI = 200
FONT, SIZE = "DejaVu Sans", 10.5  # the font that matplotlib ships, so that a figure looks the same everywhere


class Picture:
    """A matplotlib figure and the words that stand for it, shown in a notebook as an image with alternative text.

    Attributes:
        figure: the `matplotlib.figure.Figure`, made without pyplot.
        alt: what is to be seen, numbers included; also the text form of this object.
    """

    def __init__(self, figure, alt):
        self.figure, self.alt = figure, alt

    def __repr__(self):
        return self.alt

    def png(self) -> bytes:
        """The figure as a PNG file; the same figure gives the same bytes."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        file = BytesIO()
        FigureCanvasAgg(self.figure).print_png(file, metadata={"Software": None})
        return file.getvalue()

    def _repr_html_(self):
        width = round(self.figure.get_figwidth() * 100)
        # A card of its own colour reads in light and dark themes alike.
        style = (
            f"max-width:100%;height:auto;background:{look()['paper']};"
            f"border:1px solid {look()['hairline']};border-radius:8px"
        )
        source = f"data:image/png;base64,{b64encode(self.png()).decode()}"
        return f'<img src="{source}" alt="{escape(self.alt)}" width="{width}" style="{style}">'


def mental_model(x=WORKED) -> Picture:
    """The first 2 x 2 window of a map, and what max and average pooling make of it.

    Args:
        x: tensor, array or nested lists of shape (H, W), 2 to 12 cells each way.

    Raises:
        ValueError: x has another shape.
        TypeError: x is no table of floats.

    >>> print(mental_model([[1, 3], [5, 6]]))
    Input, 2 by 2: 1, 3; 5, 6. One 2 by 2 window is outlined. nn.MaxPool2d(kernel_size=2) keeps its largest value, \
max(1, 3, 5, 6) = 6, and gives 1 by 1: 6. nn.AvgPool2d(kernel_size=2) takes its mean, (1 + 3 + 5 + 6) / 4 = 3.75, \
and gives 1 by 1: 3.75.
    """
    x = as_tensor(x).detach().cpu()
    if x.ndim != 2 or not all(2 <= size <= MOST_NUMBERS for size in x.shape):
        raise ValueError(f"input of shape {tuple(x.shape)}: this picture takes (H, W), 2 to {MOST_NUMBERS} cells each.")
    traces = [trace(Pooling(kind, 2), x) for kind in ("max", "avg")]
    texts = [t.window(0, 0).text for t in traces]
    values = _Values(x, *(t.output for t in traces))
    cell = values.cell
    (h, w), (h_out, w_out) = x.shape, traces[0].output.shape
    heading = 2 * LINE + 0.12  # above a grid: the code and the sum
    block = heading + h_out * cell
    legend = ("★ the winner: the largest value", "    of the outlined window")
    left, fork = MARGIN, MARGIN + max(w * cell, _width(legend[0])) + 0.35
    right, below = fork + 0.45, MARGIN + block + GAP
    top = MARGIN + heading
    lanes = (top + cell / 2, below + heading + cell / 2)
    width = max(w_out * cell, *map(_width, texts), *(_width(t.pooling.code()) for t in traces))
    height = max(below + block, top + h * cell + 3 * LINE)
    canvas = _Canvas(right + width + MARGIN, height + MARGIN)

    canvas.heading(left, MARGIN, "Input", _size(x))
    canvas.grid(left, top, x, values, gaps=2)
    canvas.route(left + 2 * cell, top + cell, fork, right, lanes)
    for y, t, text in zip((MARGIN, below), traces, texts, strict=True):
        canvas.heading(right, y, t.pooling.code(), text, look()["window"])
        canvas.grid(right, y + heading, t.output, values)
        canvas.outline(right, y + heading, cell, cell)
    canvas.outline(left, top, 2 * cell, 2 * cell)
    row, col = traces[0].window(0, 0).winner
    canvas.ring(left + col * cell, top + row * cell, cell, values.ink(x[row, col]))
    for i, line in enumerate(legend):
        canvas.text(left, top + h * cell + (i + 1) * LINE, line, look()["muted"])
    first = "Its first" if traces[0].output.numel() > 1 else "One"
    deeds = ("keeps its largest value", "takes its mean")
    said = [
        f"{t.pooling.code()} {deed}, {text}, and gives {_spoken(t.output)}."
        for t, text, deed in zip(traces, texts, deeds, strict=True)
    ]
    return Picture(canvas.figure, f"Input, {_spoken(x)}. {first} 2 by 2 window is outlined. {' '.join(said)}")


def pooled(x, *poolings, titles=None) -> Picture:
    """An input and what each pooling makes of it, next to each other.

    A map of at most 12 x 12 cells is drawn with its numbers, every grid at the same scale; a larger one as an image,
    every image at the same size, so that coarser pixels show. All grey panels share one colour scale.

    Args:
        x: tensor, array or nested lists: (H, W) or (1, H, W) for values, (3, H, W) in 0..1 for a colour picture.
        poolings: each a Pooling, `nn.MaxPool2d`, `nn.AvgPool2d` or one of their relatives, as for `trace`.
        titles: one for each pooling, instead of its code.

    Raises:
        TypeError: one of the poolings is none, or torch refuses the dtype of x.
        ValueError: x has another shape or colours outside 0..1, no window fits, or the titles do not match.

    >>> print(pooled([[1, 3], [5, 6]], torch.nn.MaxPool2d(2), titles=["The largest"]))
    Input, 2 by 2: 1, 3; 5, 6. The largest, nn.MaxPool2d(kernel_size=2), gives 1 by 1: 6.
    """
    x = as_tensor(x).detach().cpu()
    if x.ndim not in (2, 3) or x.ndim == 3 and x.shape[0] not in (1, 3):
        raise ValueError(f"input of shape {tuple(x.shape)}: this picture takes (H, W), (1, H, W) or (3, H, W).")
    if titles is not None and len(titles) != len(poolings):
        raise ValueError(f"there are {len(titles)} titles for {len(poolings)} poolings: give one for each.")
    traces = [trace(pooling, x) for pooling in poolings]
    tensors = [t.squeeze(0) if t.shape[0] == 1 and t.ndim == 3 else t for t in (x, *(t.output for t in traces))]
    if x.ndim == 3 and x.shape[0] == 3 and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(
            f"colours run from {words.number(x.min().item())} to {words.number(x.max().item())}: three channels are "
            f"drawn as red, green and blue, from 0 to 1; divide by the largest, or give one channel."
        )
    codes = [t.pooling.code() for t in traces]
    names = ["Input", *(titles or codes)]
    values = _Values(*tensors)
    grids = all(t.ndim == 2 and max(t.shape) <= MOST_NUMBERS for t in tensors)
    named = list(zip(names, tensors, strict=True))
    layouts = (_rows([_Panel(name, t, values, grids, room) for name, t in named]) for room in (2.5, 1.9))
    rows = min(layouts, key=len)  # narrower titles only where that saves a row
    heights = [max(len(p.title) for p in row) * LINE + max(p.height for p in row) for row in rows]
    width = max(_row_width(row) for row in rows)
    canvas = _Canvas(width + 2 * MARGIN, sum(heights) + GAP * (len(rows) - 1) + 2 * MARGIN)
    y = MARGIN
    for row, height in zip(rows, heights, strict=True):
        left = MARGIN
        top = y + max(len(p.title) for p in row) * LINE + 0.04
        for panel in row:
            for i, line in enumerate(panel.title):
                at = top - (len(panel.title) - i - 0.4) * LINE
                last = i == len(panel.title) - 1
                canvas.text(left, at, line, **({"color": look()["muted"]} if last else {"weight": "bold"}))
            draw = canvas.grid if grids else canvas.image
            draw(left, top, panel.tensor, values)
            left += panel.width + GAP
        y += height + GAP
    said = [
        f"{name if name == code else f'{name}, {code},'} gives" for name, code in zip(names[1:], codes, strict=True)
    ]
    spoken = [_spoken(t) if grids else _summary(t) for t in tensors]
    return Picture(
        canvas.figure, " ".join(f"{who} {what}." for who, what in zip(["Input,", *said], spoken, strict=True))
    )


def progress_bars(rows) -> Picture:
    """What was answered, lesson by lesson: one square for each question, the first answers counted.

    Args:
        rows: dictionaries with title, questions, answered, right and sure_wrong, as `Progress.lessons` gives them.

    >>> row = {"title": "06 Padding", "questions": 7, "answered": 5, "right": 3, "sure_wrong": 1}
    >>> print(progress_bars([row]))
    Your answers so far: 5 of 7 answered, 3 right at first, 1 sure and wrong. 06 Padding: 5 of 7 answered, 3 right at \
first, 1 sure and wrong.
    """
    kinds = {"right": "right at first", "sure_wrong": "sure and wrong", "wrong": "wrong, not sure"}
    kinds["open"] = "not answered"
    heads = ("answered", "right", "sure and wrong")
    names = max((_width(row["title"]) for row in rows), default=1.0)
    side, height = min(0.24, 4.2 / max((row["questions"] for row in rows), default=1)), 0.34
    bars = max(side * max((row["questions"] for row in rows), default=1), 4 * LINE)
    left, first = MARGIN + names + 0.25, MARGIN + names + bars + 0.45
    columns = [first + 0.75, first + 1.35, first + 2.65]  # where each column of numbers ends
    top = MARGIN + 2 * LINE + 0.3
    legend = top + height * (len(rows) + 1)
    steps = [0.62 + _width(text) for text in kinds.values()]
    canvas = _Canvas(max(columns[-1], MARGIN + sum(steps)) + MARGIN, legend + LINE + MARGIN)

    everything = {name: sum(row[name] for row in rows) for name in ("questions", "answered", "right", "sure_wrong")}
    canvas.heading(MARGIN, MARGIN, "Your answers so far", _told(everything))
    for x, text in zip(columns, heads, strict=True):
        canvas.text(x, top, text, look()["muted"], ha="right")
    for i, row in enumerate(rows):
        y = top + height * (i + 0.75)
        canvas.text(MARGIN, y, row["title"])
        numbers = (f"{row['answered']} of {row['questions']}", row["right"], row["sure_wrong"])
        for x, number in zip(columns, numbers, strict=True):
            canvas.text(x, y, str(number), ha="right")
        wrong = row["answered"] - row["right"] - row["sure_wrong"]
        counts = (row["right"], row["sure_wrong"], wrong, row["questions"] - row["answered"])
        marks = [kind for kind, count in zip(kinds, counts, strict=True) for _ in range(count)]
        for place, kind in enumerate(marks):
            canvas.square(left + place * side, y, side, kind)
    x = MARGIN
    for (kind, text), step in zip(kinds.items(), steps, strict=True):
        canvas.square(x, legend, 0.24, kind, gid="legend")
        canvas.text(x + 0.32, legend, text, look()["muted"])
        x += step
    said = [f"{row['title']}: {_told(row)}." for row in rows]
    return Picture(canvas.figure, " ".join([f"Your answers so far: {_told(everything)}.", *said]))


def _told(row):
    return (
        f"{row['answered']} of {row['questions']} answered, {row['right']} right at first, "
        f"{row['sure_wrong']} sure and wrong"
    )


@lru_cache(maxsize=1)
def look() -> MappingProxyType:
    """The colours of the course in its light theme, read from look.css: "#rrggbb", or a tuple of them for a map.

    The names are those of the CSS variables without `--pc-`; the mapping is read-only.

    >>> look()["ink"], len(look()["values"])
    ('#1a1c20', 9)
    """
    css = (Path(__file__).parent / "look.css").read_text(encoding="utf-8")
    found = re.findall(r"--pc-([\w-]+):\s*([^;]+);", css.partition("}")[0])
    colours = {name: tuple(re.findall(r"#\w+", value)) for name, value in found}
    return MappingProxyType({name: listed[0] if len(listed) == 1 else listed for name, listed in colours.items()})


def values_map():
    """The sequential colour map for values, as matplotlib's."""
    return _map("values")


def signed_map():
    """The diverging colour map for signed amounts such as gradients; draw it with a scale centred on 0."""
    return _map("signed")


@lru_cache(maxsize=2)
def _map(name):
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(f"pooling-course-{name}", look()[name])


class _Values:
    """One scale for every grid of a figure: cell size in inches, colour and text of a value."""

    def __init__(self, *tensors):
        finite = torch.cat([t.flatten().double() for t in tensors])
        finite = finite[finite.isfinite()]
        self.low, self.high = (finite.min().item(), finite.max().item()) if len(finite) else (0.0, 0.0)
        numbered = [t for t in tensors if t.ndim == 2 and max(t.shape) <= MOST_NUMBERS]
        self.cell = max([CELL, *(sum(_halves(t)) + 0.14 for t in numbered)])

    def colours(self, tensor):
        """(..., 4) in 0..1: near white for nan, the ends of the scale for infinities."""
        from matplotlib.colors import to_rgba

        span = self.high - self.low
        share = (tensor.double() - self.low) / span if span else torch.full(tensor.shape, 0.5).double()
        colours = torch.tensor(values_map()(share.nan_to_num(0, 1, 0).clamp(0, 1).numpy()))
        colours[tensor.isnan()] = torch.tensor(to_rgba(look()["raised"])).to(colours)
        return colours.numpy()

    def ink(self, value):
        """Black or white, whichever stands out more: at least 4.6 : 1 on every colour of both maps."""
        channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in self.colours(value)[..., :3]]
        luminance = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
        return "black" if luminance + 0.05 > math.sqrt(1.05 * 0.05) else "white"


class _Canvas:
    """One figure measured in inches from its top left corner."""

    def __init__(self, width, height):
        from matplotlib.figure import Figure

        self.figure = Figure((width, height), dpi=DPI, facecolor=look()["paper"])
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.limits = {"xlim": (0, width), "ylim": (height, 0)}
        self.axes.set(**self.limits)

    def text(self, x, y, text, color=None, **settings):
        settings = {"ha": "left", "va": "center_baseline", "family": FONT, "fontsize": SIZE, **settings}
        self.axes.text(x, y, text, color=color or look()["ink"], parse_math=False, **settings)

    def heading(self, x, y, title, line, color=None):
        self.text(x, y + 0.5 * LINE, title, weight="bold")
        self.text(x, y + 1.5 * LINE, line, color or look()["muted"])

    def image(self, x, y, tensor, values, gid="image"):
        width, height = _extent(tensor)
        pixels = tensor.permute(1, 2, 0).double().clamp(0, 1).numpy() if tensor.ndim == 3 else values.colours(tensor)
        self._pixels(pixels, x, y, width, height, gid)

    def grid(self, x, y, tensor, values, gaps=0):
        """Numbered cells, decimal points below each other; `gaps=k` sets every k rows and columns apart."""
        h, w = tensor.shape
        cell, paper = values.cell, look()["paper"]
        self._pixels(values.colours(tensor), x, y, w * cell, h * cell, "grid")
        for count, draw, start, ends in (
            (h, self.axes.hlines, y, (x, x + w * cell)),
            (w, self.axes.vlines, x, (y, y + h * cell)),
        ):
            for i in range(count + 1):
                edge = i in (0, count)
                wide = 4 if gaps and i % gaps == 0 and not edge else 1
                draw(start + i * cell, *ends, color=look()["line"] if edge else paper, linewidth=wide, zorder=2)
        texts = [[words.number(v) for v in row] for row in tensor.tolist()]
        before, after = _halves(tensor)
        for r, row in enumerate(texts):
            for c, text in enumerate(row):
                start = (cell + before - after) / 2 - _advance(text.partition(".")[0])
                if not text[-1].isdigit():  # nan and inf have no decimal point to align
                    start = (cell - _advance(text)) / 2
                at = (x + c * cell + start, y + (r + 0.5) * cell)
                self.text(*at, text, values.ink(tensor[r, c]), zorder=4)

    def outline(self, x, y, width, height):
        """The window: a dashed line in its colour, on a solid white one that parts it from any cell."""
        from matplotlib.patches import Rectangle

        for colour, wide, style in ((look()["paper"], 5, "-"), (look()["window"], 3, (0, (3.2, 0.9)))):
            self.axes.add_patch(
                Rectangle(
                    (x, y), width, height, fill=False, edgecolor=colour, linewidth=wide, linestyle=style, zorder=5
                )
            )

    def ring(self, x, y, cell, ink):
        """The winner: a ring around its number and a star in its corner."""
        from matplotlib.patches import Circle

        ring = Circle((x + cell / 2, y + cell / 2), 0.36 * cell, fill=False, edgecolor=ink, linewidth=1.6)
        self.axes.add_patch(ring).set(zorder=6, gid="winner")
        star = {"marker": "*", "markersize": 6.5, "color": ink, "markeredgewidth": 0, "zorder": 6}
        self.axes.plot(x + 0.83 * cell, y + 0.17 * cell, **star)
        self.axes.set(**self.limits)

    def square(self, x, y, side, kind, gid=None):
        """One question, centred on height y: a mark and a pattern for its kind, not a colour alone."""
        from matplotlib.patches import Rectangle

        fill, edge, pattern, mark, ink = {
            "right": (look()["right"], look()["right"], "", "✓", look()["paper"]),
            "sure_wrong": (look()["wrong"], look()["wrong"], "", "✗", look()["paper"]),
            "wrong": (look()["paper"], look()["wrong"], "", "✗", look()["wrong"]),
            "open": (look()["paper"], look()["line"], ":", "", look()["muted"]),
        }[kind]
        gap, style = 0.06 * side, {"facecolor": fill, "edgecolor": edge, "linestyle": pattern or "-", "linewidth": 1.2}
        box = Rectangle((x + gap, y - side / 2 + gap), side - 2 * gap, side - 2 * gap, **style)
        self.axes.add_patch(box).set(gid=gid or kind, zorder=2)
        self.text(x + side / 2, y, mark, ink, ha="center", fontsize=48 * side, zorder=3)

    def route(self, x, y, fork, end, lanes):
        """From a window, along the gap between two rows of cells, to an arrow into each lane."""
        from matplotlib.patches import FancyArrowPatch, PathPatch
        from matplotlib.path import Path as Line

        trunk = [(x, y), (fork, y), (fork, lanes[0]), (fork, lanes[-1])]
        for colour, wide in ((look()["paper"], 4), (look()["window"], 1.8)):
            path = Line(trunk, [Line.MOVETO, Line.LINETO, Line.MOVETO, Line.LINETO])
            self.axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=wide, zorder=3))
        for lane in lanes:
            style = {"arrowstyle": "-|>", "mutation_scale": 13, "shrinkA": 0, "shrinkB": 3}
            arrow = FancyArrowPatch((fork, lane), (end, lane), color=look()["window"], linewidth=1.8, zorder=3, **style)
            self.axes.add_patch(arrow)

    def _pixels(self, pixels, x, y, width, height, gid):
        extent = (x, x + width, y + height, y)
        self.axes.imshow(pixels, extent=extent, interpolation="nearest", aspect="auto", gid=gid, zorder=1)
        self.axes.set(**self.limits)  # imshow moves them


class _Panel:
    def __init__(self, name, tensor, values, grid, room):
        self.tensor = tensor
        own, self.height = (side * values.cell for side in tensor.shape[::-1]) if grid else _extent(tensor)
        self.title = [*_wrapped(name, max(own, room)), _size(tensor)]
        self.width = max(own, *(_width(line) for line in self.title))


def _rows(panels):
    """The fewest rows that keep within WIDEST, as even as can be."""
    for count in range(1, len(panels) + 1):
        each = math.ceil(len(panels) / count)
        rows = [panels[i : i + each] for i in range(0, len(panels), each)]
        if all(_row_width(row) <= WIDEST for row in rows):
            break
    return rows


def _row_width(row):
    return sum(panel.width for panel in row) + GAP * (len(row) - 1)


def _extent(tensor):
    h, w = tensor.shape[-2:]
    return w / max(h, w) * PICTURE, h / max(h, w) * PICTURE


def _wrapped(text, width):
    """Lines that fit, broken where a line of code may break: after a comma or an opening bracket, or at a space."""
    lines = [""]
    for piece in re.findall(r"[^\s(]+\(?\s*|\(", text):
        if lines[-1] and _width(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


@lru_cache(maxsize=256)
def _width(text):
    """Inches that text takes in bold."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    bold = FontProperties(family=FONT, weight="bold")
    return TextPath((0, 0), text.replace("$", "S"), size=SIZE, prop=bold).get_extents().width / 72


def _advance(text):
    """Inches from the start of a number to what follows it, by the widths that FONT states."""
    return sum({"-": 0.361, ".": 0.318}.get(sign, 0.636) for sign in text) * SIZE / 72


def _halves(tensor):
    """Inches that the numbers of a grid take before and from their decimal points on, which lie below each other."""
    texts = [words.number(v) for v in tensor[tensor.isfinite()].tolist()] or ["0"]
    parts = [text.partition(".") for text in texts]
    return max(_advance(whole) for whole, _, _ in parts), max(_advance(point + rest) for _, point, rest in parts)


def _size(tensor):
    size = " × ".join(map(str, tensor.shape[-2:]))
    return f"{size}, {tensor.shape[0]} channels" if tensor.ndim == 3 else size


def _spoken(tensor):
    rows = "; ".join(", ".join(map(words.number, row)) for row in tensor.tolist())
    return f"{tensor.shape[0]} by {tensor.shape[1]}: {rows}"


def _summary(tensor):
    kind = "colour image" if tensor.ndim == 3 else "image"
    low, high, mean = (words.number(v.item()) for v in (tensor.min(), tensor.max(), tensor.double().mean()))
    return f"{tensor.shape[-2]} by {tensor.shape[-1]} {kind}: values from {low} to {high}, mean {mean}"
