"""Two kinds of chart: lines over a scale, and one dot for each measurement; each with its numbers in words."""

from math import isfinite

from ..maths import words
from ..web.look import look
from .canvas import FONT, LINE, MARGIN, SIZE, Canvas, Picture, text_width

STYLES = (("window", "-"), ("reader", "--"), ("right", "-."), ("unsure", ":"), ("muted", (0, (5, 1, 1, 1, 1, 1))))
WIDTH, HEIGHT = 5.6, 3.0  # inches of the area with the lines
ROW, DOT = 0.4, 4.2  # inches of a row of dots and of its length


def lines(x, series, x_label, y_label, log=False) -> Picture:
    """One line for each series over the same x, named at its end.

    Args:
        x: numbers, growing.
        series: a dict of lists by name, as long as x; at most five. nan leaves a gap, but not at the end of all.
        x_label, y_label: what the axes show.
        log: equal factors are equally far apart on both axes, and each number gets a point; they are above 0.

    Raises:
        TypeError: what should be numbers, or a dict of lists of them, is not.
        ValueError: no series or more than five, or one of another length.

    >>> print(lines([0, 1, 2], {"square": [0, 1, 4]}, "side", "area"))
    area over side. square: 0 at 0, 1 at 1, 4 at 2.
    """
    series = _numbers("series", series)
    x = _numbers("x", {"x": x})["x"]
    if not 1 <= len(series) <= len(STYLES) or any(len(values) != len(x) for values in series.values()):
        raise ValueError(f"give one to {len(STYLES)} series of {len(x)} numbers each, one for each x.")
    left, names = MARGIN + 0.8, max(map(text_width, series)) + 0.2
    canvas = Canvas(left + WIDTH + names + MARGIN, 2 * MARGIN + HEIGHT + 3 * LINE)
    axes = _axes(canvas, left, MARGIN + 1.5 * LINE, WIDTH, HEIGHT)
    canvas.text(left, MARGIN + 0.5 * LINE, y_label, weight="bold")
    axes.set_xlabel(x_label, family=FONT, fontsize=SIZE, color=look()["ink"])
    if log:
        axes.set(xscale="log", yscale="log")
        axes.set_xticks(x, [words.number(value) for value in x])
        axes.yaxis.set_major_formatter(lambda value, _: words.number(value))
        axes.minorticks_off()
    else:
        axes.axhline(0, color=look()["line"], linewidth=0.8)
    for (name, values), (colour, style) in zip(series.items(), STYLES, strict=False):
        shape = {"color": look()[colour], "linestyle": style, "linewidth": 2, "marker": "o" if log else None}
        axes.plot(x, values, gid=name, **shape)
    low, high = (axes.yaxis.get_transform().transform(limit) for limit in axes.get_ylim())
    last = [next(v for v in reversed(values) if isfinite(v)) for values in series.values()]
    shares = [(axes.yaxis.get_transform().transform(value) - low) / (high - low) for value in last]
    for name, (colour, _), share in zip(series, STYLES, _apart(shares, 0.07), strict=False):
        at = MARGIN + 1.5 * LINE + HEIGHT * (1 - share)
        canvas.text(left + WIDTH + 0.12, at, name, look()[colour], weight="bold")
    return Picture(canvas.figure, f"{y_label} over {x_label}. {_spoken(x, series)}")


def dots(groups, title, unit="") -> Picture:
    """One row for each group, one dot for each of its numbers, a bar at their mean.

    Args:
        groups: a dict of lists of numbers by name.
        title: what the numbers are.
        unit: what stands behind each number, such as "%".

    Raises:
        TypeError: groups are no dict of lists of numbers.

    >>> print(dots({"max": [94, 96], "average": [95.5]}, "Right", "%"))
    Right. max: 94%, 96%; mean 95%. average: 95.5%; mean 95.5%.
    """
    groups = _numbers("groups", groups)
    names = max(map(text_width, groups), default=1.0)
    left, top = MARGIN + names + 0.3, MARGIN + 1.6 * LINE
    canvas = Canvas(left + DOT + 2 * MARGIN, top + ROW * len(groups) + 2.4 * LINE + MARGIN)
    axes = _axes(canvas, left, top, DOT, ROW * len(groups))
    canvas.text(MARGIN, MARGIN + 0.5 * LINE, f"{title}, {unit}" if unit else title, weight="bold")
    axes.set(ylim=(len(groups) - 0.5, -0.5), yticks=[])
    for i, (name, values) in enumerate(groups.items()):
        mean = sum(values) / len(values)
        axes.axhline(i, color=look()["hairline"], linewidth=0.8, zorder=1)
        axes.plot([mean, mean], [i - 0.3, i + 0.3], color=look()["window"], linewidth=2.5, zorder=2, gid="mean")
        shifts = [i + 0.09 * (n % 3 - 1) for n in range(len(values))]  # apart, so that equal ones can be counted
        axes.plot(values, shifts, "o", color=look()["reader"], markersize=5.5, alpha=0.8, zorder=3, gid=name)
        canvas.text(left - 0.15, top + ROW * (i + 0.5), name, ha="right")
    canvas.text(left, canvas.limits["ylim"][0] - MARGIN, "● one seed     ┃ mean", look()["muted"])
    said = [
        f"{name}: {', '.join(_short(v) + unit for v in values)}; mean {_short(sum(values) / len(values))}{unit}."
        for name, values in groups.items()
    ]
    return Picture(canvas.figure, " ".join([f"{title}.", *said]))


def _numbers(what, lists):
    """Lists of floats by name."""
    try:
        return {str(name): list(map(float, values)) for name, values in lists.items()}
    except (TypeError, ValueError, AttributeError, RuntimeError):
        wanted = (
            "a list of numbers" if isinstance(lists, dict) and what in lists else "a dict of lists of numbers, by name"
        )
        raise TypeError(f"{what} must be {wanted}, such as [1, 2.5].") from None


def _axes(canvas, left, top, width, height):
    full_width, full_height = canvas.figure.get_size_inches()
    box = (left / full_width, 1 - (top + height) / full_height, width / full_width, height / full_height)
    axes = canvas.figure.add_axes(box, facecolor=look()["paper"])
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(look()["line"])
    axes.tick_params(colors=look()["muted"], labelsize=SIZE - 1.5, labelfontfamily=FONT)
    return axes


def _apart(ends, least):
    """Where the names stand: at the ends of their lines, but never closer to each other than `least`."""
    order = sorted(range(len(ends)), key=ends.__getitem__)
    placed: dict[int, float] = {}
    for before, i in zip([None, *order], order, strict=False):
        placed[i] = ends[i] if before is None else max(ends[i], placed[before] + least)
    return [placed[i] for i in range(len(ends))]


def _spoken(x, series, most=5):
    at = sorted({round(i * (len(x) - 1) / max(1, min(most, len(x)) - 1)) for i in range(min(most, len(x)))})
    return " ".join(
        f"{name}: {', '.join(f'{_short(values[i])} at {words.number(x[i])}' for i in at if isfinite(values[i]))}."
        for name, values in series.items()
    )


def _short(value):
    return words.number(float(f"{value:.3g}"))
