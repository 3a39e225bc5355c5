"""Pictures for reading: drawn by matplotlib in the look of the course, each with words for those who cannot see it."""

from ..images import WORKED
from ..maths import words
from ..maths.data import as_input
from ..maths.kinds.pooling import Pooling
from ..maths.trace import trace
from ..web.look import look
from .canvas import (
    GAP,
    LINE,
    MARGIN,
    MOST_NUMBERS,
    Canvas,
    Panel,
    Picture,
    Values,
    columns_of,
    in_words,
    row_width,
    rows_of,
    size_of,
    summary,
    text_width,
)


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
    x = as_input(x).cpu()
    if x.ndim != 2 or not all(2 <= size <= MOST_NUMBERS for size in x.shape):
        raise ValueError(f"input of shape {tuple(x.shape)}: this picture takes (H, W), 2 to {MOST_NUMBERS} cells each.")
    traces = [trace(Pooling(kind, 2), x) for kind in ("max", "avg")]
    texts = [t.window(0, 0).text for t in traces]
    values = Values(x, *(t.output for t in traces))
    cell = values.cell
    (h, w), (h_out, w_out) = x.shape, traces[0].output.shape
    heading = 2 * LINE + 0.12  # above a grid: the code and the sum
    block = heading + h_out * cell
    legend = ("    the winner: the largest value", "    of the outlined window")
    left, fork = MARGIN, MARGIN + max(w * cell, text_width(legend[0])) + 0.35
    right, below = fork + 0.45, MARGIN + block + GAP
    top = MARGIN + heading
    lanes = (top + cell / 2, below + heading + cell / 2)
    width = max(w_out * cell, *map(text_width, texts), *(text_width(t.pooling.code()) for t in traces))
    height = max(below + block, top + h * cell + 3 * LINE)
    canvas = Canvas(right + width + MARGIN, height + MARGIN)

    canvas.heading(left, MARGIN, "Input", size_of(x))
    canvas.grid(left, top, x, values, gaps=2)
    canvas.route(left + 2 * cell, top + cell, fork, right, lanes)
    for y, t, text in zip((MARGIN, below), traces, texts, strict=True):
        canvas.heading(right, y, t.pooling.code(), text, look()["window"])
        canvas.grid(right, y + heading, t.output, values)
        canvas.outline(right, y + heading, cell, cell)
    canvas.outline(left, top, 2 * cell, 2 * cell)
    row, col = divmod(int(traces[0].winners[0, 0]), x.shape[1])
    canvas.ring(left + col * cell, top + row * cell, cell, values.ink(x[row, col]))
    for i, line in enumerate(legend):
        canvas.text(left, top + h * cell + (i + 1) * LINE, line, look()["muted"])
    canvas.star(left + 0.07, top + h * cell + LINE, 11, look()["muted"])
    first = "Its first" if traces[0].output.numel() > 1 else "One"
    deeds = ("keeps its largest value", "takes its mean")
    said = [
        f"{t.pooling.code()} {deed}, {text}, and gives {in_words(t.output)}."
        for t, text, deed in zip(traces, texts, deeds, strict=True)
    ]
    return Picture(canvas.figure, f"Input, {in_words(x)}. {first} 2 by 2 window is outlined. {' '.join(said)}")


def pooled(x, *poolings, titles=None, name="Input") -> Picture:
    """An input and what each pooling makes of it, next to each other.

    A map of at most 12 x 12 cells is drawn with its numbers, every grid at the same scale; a larger one as an image,
    every image at the same size, so that coarser pixels show. All grey panels share one colour scale.

    Args:
        x: tensor, array or nested lists: (H, W) or (1, H, W) for values, (3, H, W) in 0..1 for a colour picture.
        poolings: each a Pooling, `nn.MaxPool2d`, `nn.AvgPool2d` or one of their relatives, as for `trace`.
        titles: one for each pooling, instead of its code.
        name: what x is called.

    Raises:
        TypeError: one of the poolings is none, or torch refuses the dtype of x.
        ValueError: x has another shape or colours outside 0..1, no window fits, or the titles do not match.

    >>> print(pooled([[1, 3], [5, 6]], torch.nn.MaxPool2d(2), titles=["The largest"]))
    Input, 2 by 2: 1, 3; 5, 6. The largest, nn.MaxPool2d(kernel_size=2), gives 1 by 1: 6.
    """
    x = as_input(x).cpu()
    if x.ndim not in (2, 3) or x.ndim == 3 and x.shape[0] not in (1, 3):
        raise ValueError(f"input of shape {tuple(x.shape)}: this picture takes (H, W), (1, H, W) or (3, H, W).")
    if titles is not None and (isinstance(titles, str) or not all(isinstance(title, str) for title in _items(titles))):
        raise TypeError(f"titles={titles!r}: give a list of texts, one for each pooling.")
    if titles is not None and len(titles) != len(poolings):
        raise ValueError(f"there are {len(titles)} titles for {len(poolings)} poolings: give one for each.")
    if not isinstance(name, str):
        raise TypeError(f"name={name!r} is of type {type(name).__name__}: give a text, such as 'Input'.")
    traces = [trace(pooling, x) for pooling in poolings]
    tensors = [t.squeeze(0) if t.shape[0] == 1 and t.ndim == 3 else t for t in (x, *(t.output for t in traces))]
    if x.ndim == 3 and x.shape[0] == 3 and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(
            f"colours run from {words.number(x.min().item())} to {words.number(x.max().item())}: three channels are "
            f"drawn as red, green and blue, from 0 to 1; divide by the largest, or give one channel."
        )
    codes = [t.pooling.code() for t in traces]
    names = [name, *(titles or codes)]
    values = Values(*tensors)
    grids = all(t.ndim == 2 and max(t.shape) <= MOST_NUMBERS for t in tensors)
    named = list(zip(names, tensors, strict=True))
    layouts = (rows_of([Panel(name, t, values, grids, room) for name, t in named]) for room in (2.5, 1.9))
    rows = min(layouts, key=len)  # narrower titles only where that saves a row
    heights = [max(len(p.title) for p in row) * LINE + max(p.height for p in row) for row in rows]
    width = max(row_width(row) for row in rows)
    canvas = Canvas(width + 2 * MARGIN, sum(heights) + GAP * (len(rows) - 1) + 2 * MARGIN)
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
    spoken = [in_words(t) if grids else summary(t) for t in tensors]
    alt = " ".join(f"{who} {what}." for who, what in zip([f"{name},", *said], spoken, strict=True))
    return Picture(canvas.figure, alt, columns_of(rows))


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
    names = max((text_width(row["title"]) for row in rows), default=1.0)
    side, height = min(0.24, 4.2 / max((row["questions"] for row in rows), default=1)), 0.34
    bars = max(side * max((row["questions"] for row in rows), default=1), 4 * LINE)
    left, first = MARGIN + names + 0.25, MARGIN + names + bars + 0.45
    columns = [first + 0.75, first + 1.35, first + 2.65]  # where each column of numbers ends
    top = MARGIN + 2 * LINE + 0.3
    legend = top + height * (len(rows) + 1)
    steps = [0.62 + text_width(text) for text in kinds.values()]
    canvas = Canvas(max(columns[-1], MARGIN + sum(steps)) + MARGIN, legend + LINE + MARGIN)

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


def _items(value):
    return value if isinstance(value, (list, tuple)) else [None]


def _told(row):
    return (
        f"{row['answered']} of {row['questions']} answered, {row['right']} right at first, "
        f"{row['sure_wrong']} sure and wrong"
    )
