"""What every figure is drawn on: a canvas in inches, cells, panels in rows, and the words that stand for a picture."""

import math
import re
from functools import lru_cache
from html import escape
from io import BytesIO, StringIO
from itertools import pairwise
from urllib.parse import quote

import torch

from ..maths import words
from ..maths.device import usual
from ..web.look import look

MOST_NUMBERS = 12  # a grid with more rows or columns than this is drawn as an image, without numbers
WIDEST = 10.0  # inches of one row of panels; a notebook shrinks what is wider than itself
PICTURE = 2.56  # inches of the longer side of an image: 512 pixels, so that powers of two stay even
CELL, MARGIN, GAP, LINE = 0.46, 0.22, 0.42, 0.2  # inches
DPI = 200
ON_CELL = "#fefefe"  # white that stays white in a dark theme, as the cell under it stays dark
FONT, SIZE = "DejaVu Sans", 10.5  # the font that matplotlib ships, so that a figure looks the same everywhere


class Picture:
    """A matplotlib figure and the words that stand for it, shown in a notebook as an image with alternative text.

    Attributes:
        figure: the `matplotlib.figure.Figure`, made without pyplot.
        alt: what is to be seen, numbers included; also the text form of this object.
        columns: inches from the left at which each column of panels begins, after the first.
    """

    def __init__(self, figure, alt, columns=()):
        self.figure, self.alt, self.columns = figure, alt, tuple(columns)

    def __repr__(self):
        return self.alt

    def png(self) -> bytes:
        """The figure as a PNG file; the same figure gives the same bytes."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        file = BytesIO()
        FigureCanvasAgg(self.figure).print_png(file, metadata={"Software": None})
        return file.getvalue()

    def svg(self) -> str:
        """The figure as an SVG that follows its page into a dark theme; the same figure gives the same text.

        What is drawn in a colour of `look` takes that colour from the theme; the colours of values stay.
        """
        from matplotlib import rc_context
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        file, dpi = StringIO(), self.figure.dpi
        with rc_context({"svg.hashsalt": "pooling-course", "svg.fonttype": "path", "svg.image_inline": True}):
            bare = dict.fromkeys(("Creator", "Date", "Format", "Type"))
            FigureCanvasSVG(self.figure).print_svg(file, metadata=bare)
        self.figure.set_dpi(dpi)  # SVG has its own
        rounded = re.sub(r"([1-9]\d*\.\d\d)\d+", r"\1", file.getvalue())  # to 1/100 of a point
        _, svg, drawn = _shorter(rounded).partition("<svg ")
        tag, _, drawn = re.sub(r"#[0-9a-f]{6}", lambda found: _themed().get(found[0], found[0]), drawn).partition(">")
        return f"{svg}{tag}><style>{_both_themes()}</style>{drawn}".replace('"', "'").strip()

    @property
    def source(self) -> str:
        """The figure as the address of an image, with all that is in it."""
        return f"data:image/svg+xml,{quote(self.svg(), safe=SAFE)}"

    def _repr_html_(self):
        return shown(self.source, self.alt, self.width)

    @property
    def width(self) -> int:
        """Pixels that it takes in a page."""
        return round(self.figure.get_figwidth() * 100)

    @property
    def parts(self) -> list[int]:
        """Pixels that each column of panels takes; on a phone the columns stack."""
        edges = [0, *(round((x - MARGIN) * 100) for x in self.columns), self.width]
        return [end - start for start, end in pairwise(edges)]


SAFE = " =:/?'!$&()*+,;@~-._[]|^`{}<>"  # what an address in double quotes may hold as it is
# Where pages say that they are dark: JupyterLab, VS Code, Sphinx and this course, Colab.
DARK = ",".join(
    f"{place} .pc-picture" for place in ("[data-jp-theme-light=false]", ".vscode-dark", "[data-theme=dark]")
)
THEMES = (
    f"{DARK},[theme=dark] .pc-picture{{color-scheme:dark}}"
    "@media (prefers-color-scheme:dark){[data-theme=auto] .pc-picture{color-scheme:dark}}"
    "@media print{.pc-picture.pc-picture.pc-picture{color-scheme:light}}"
)


def shown(source, alt, width) -> str:
    """An image as HTML, light or dark as its page."""
    style = f"max-width:100%;height:auto;border:1px solid {look()['line']}66;border-radius:8px"
    image = f'<img class="pc-picture" src="{source}" alt="{escape(alt)}" width="{width}" style="{style}">'
    return f"{image}<style>{THEMES}</style>"


SHORTER = (
    (r"\s*\n\s*", " "),
    (r"<!--.*?-->", ""),
    (r"> +<", "><"),
    (r' xmlns:xlink="[^"]*"|\bxlink:(?=href)', ""),
    (r'(<use href="[^"]*") transform="translate\((\S+) 0\)"', r'\1 x="\2"'),
    (r'((?:id="|#)D)ejaVuSans', r"\1"),
)


def _shorter(svg):
    """The same drawing in fewer bytes."""
    for long, short in SHORTER:
        svg = re.sub(long, short, svg)
    svg = re.sub(r' d="[^"]*"', lambda path: re.sub(r" ?([A-Zz]) ?", r"\1", path[0]), svg)
    named = {*re.findall(r"#([\w-]+)", svg)}
    svg = re.sub(r' id="([^"]*)"', lambda name: name[0] if name[1] in named else "", svg)
    return re.sub(r"<g>(<(?:path|image|use)[^>]*>)</g>", r"\1", svg)


@lru_cache(maxsize=1)
def _themed():
    """{a colour of the light theme: the CSS variable that stands for it}."""
    return {
        colour: f"var(--{name})"
        for name, colour in look().items()
        if colour != look("dark")[name] and isinstance(colour, str)
    }


@lru_cache(maxsize=1)
def _both_themes():
    def all_of(theme):
        return "".join(f"--{v[6:-1]}:{look(theme)[v[6:-1]]};" for v in _themed().values())

    return f":root{{{all_of('light')}}}@media (prefers-color-scheme:dark){{:root{{{all_of('dark')}}}}}"


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


class Values:
    """One scale for every grid of a figure: cell size in inches, colour and text of a value."""

    def __init__(self, *tensors):
        finite = torch.cat([t.flatten().double() for t in tensors])
        finite = finite[finite.isfinite()]
        self.low, self.high = (finite.min().item(), finite.max().item()) if len(finite) else (0.0, 0.0)
        numbered = [t for t in tensors if t.ndim == 2 and max(t.shape) <= MOST_NUMBERS]
        self.cell = max([CELL, *(sum(halves(t)) + 0.14 for t in numbered)])

    @usual()
    def colours(self, tensor):
        """(..., 4) in 0..1: near white for nan, the ends of the scale for infinities."""
        from matplotlib.colors import to_rgba

        span = self.high - self.low
        share = (tensor.double() - self.low) / span if span else torch.full(tensor.shape, 0.5).double()
        colours = torch.tensor(values_map()(share.nan_to_num(0, 1, 0).clamp(0, 1).numpy()))
        colours[tensor.isnan()] = torch.tensor(to_rgba(look()["raised"])).to(colours)
        return colours.numpy()

    def ink(self, value):
        """Black or white, whichever stands out more: at least 4.5 : 1 on every colour of both maps."""
        channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in self.colours(value)[..., :3]]
        luminance = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
        return "black" if luminance + 0.05 > math.sqrt(1.05 * 0.05) else ON_CELL


class Canvas:
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
        width, height = extent(tensor)
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
        before, after = halves(tensor)
        for r, row in enumerate(texts):
            for c, text in enumerate(row):
                start = (cell + before - after) / 2 - advance(text.partition(".")[0])
                if not text[-1].isdigit():  # nan and inf have no decimal point to align
                    start = (cell - advance(text)) / 2
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
        self.star(x + 0.85 * cell, y + 0.15 * cell, 8, ink)

    def star(self, x, y, size, ink):
        """A star, centred, `size` points wide."""
        self.axes.plot(x, y, "*", markersize=size, color=ink, markeredgewidth=0, zorder=6)
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
            arrow = FancyArrowPatch((fork, lane), (end, lane), color=look()["window"], shrinkA=0, shrinkB=3)
            self.axes.add_patch(arrow).set(arrowstyle="-|>", mutation_scale=13, linewidth=1.8, zorder=3)

    def _pixels(self, pixels, x, y, width, height, gid):
        extent = (x, x + width, y + height, y)
        self.axes.imshow(pixels, extent=extent, interpolation="none", aspect="auto", gid=gid, zorder=1)
        self.axes.set(**self.limits)  # imshow moves them


class Panel:
    def __init__(self, name, tensor, values, grid, room):
        self.tensor = tensor
        own, self.height = (side * values.cell for side in tensor.shape[::-1]) if grid else extent(tensor)
        self.title = [*wrapped(name, max(own, room)), size_of(tensor)]
        self.width = max(own, *(text_width(line) for line in self.title))


def rows_of(panels):
    """The fewest rows that keep within WIDEST, as even as can be."""
    for count in range(1, len(panels) + 1):
        each = math.ceil(len(panels) / count)
        rows = [panels[i : i + each] for i in range(0, len(panels), each)]
        if all(row_width(row) <= WIDEST for row in rows):
            break
    return rows


def columns_of(rows):
    """Where the panels of a single row begin, after the first; panels in several rows make no columns."""
    return [MARGIN + row_width(rows[0][:i]) + GAP for i in range(1, len(rows[0]))] if len(rows) == 1 else []


def row_width(row):
    return sum(panel.width for panel in row) + GAP * (len(row) - 1)


def extent(tensor):
    h, w = tensor.shape[-2:]
    return w / max(h, w) * PICTURE, h / max(h, w) * PICTURE


def wrapped(text, width):
    """Lines that fit, broken where a line of code may break: after a comma or an opening bracket, or at a space."""
    lines = [""]
    for piece in re.findall(r"[^\s(]+\(?\s*|\(", text):
        if lines[-1] and text_width(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


@lru_cache(maxsize=256)
def text_width(text):
    """Inches that text takes in bold."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():  # of which there are no outlines
        return 0.0
    bold = FontProperties(family=FONT, weight="bold")
    return TextPath((0, 0), text.replace("$", "S"), size=SIZE, prop=bold).get_extents().width / 72


def advance(text):
    """Inches from the start of a number to what follows it, by the widths that FONT states."""
    return sum({"-": 0.361, ".": 0.318}.get(sign, 0.636) for sign in text) * SIZE / 72


def halves(tensor):
    """Inches that the numbers of a grid take before and from their decimal points on, which lie below each other."""
    texts = [words.number(v) for v in tensor[tensor.isfinite()].tolist()] or ["0"]
    parts = [text.partition(".") for text in texts]
    return max(advance(whole) for whole, _, _ in parts), max(advance(point + rest) for _, point, rest in parts)


def size_of(tensor):
    size = " × ".join(map(str, tensor.shape[-2:]))
    return f"{size}, {tensor.shape[0]} channels" if tensor.ndim == 3 else size


def in_words(tensor):
    rows = "; ".join(", ".join(map(words.number, row)) for row in tensor.tolist())
    return f"{tensor.shape[0]} by {tensor.shape[1]}: {rows}"


def summary(tensor):
    kind = "colour image" if tensor.ndim == 3 else "image"
    low, high, mean = (words.number(v.item()) for v in (tensor.min(), tensor.max(), tensor.double().mean()))
    return f"{tensor.shape[-2]} by {tensor.shape[-1]} {kind}: values from {low} to {high}, mean {mean}"
