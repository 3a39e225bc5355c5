"""A small reader of digits that stumbles over one cell: the network that the lessons ask their questions of."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..maths import words
from ..maths.device import threads, usual
from ..pictures.canvas import GAP, LINE, MARGIN, PICTURE, Canvas, Picture, Values
from ..web.look import look
from .training import Task, train

MARGIN_OF_PAPER = 8  # empty cells on each side of a digit: enough for every move of the lessons to change nothing else
RATE = 0.03
FOLDER = Path(__file__).resolve().parents[1] / "data"


def small_reader(pool=None, vote=None) -> nn.Sequential:
    """A network that reads digits: two convolutions, a pooling between them, and a vote over the whole map.

    No bias comes before the vote, so empty paper, where all is 0, stays exactly 0.

    Args:
        pool: the layer between the convolutions; None for `nn.MaxPool2d(2)`.
        vote: the layer that makes one number of each map; None for the largest, `nn.AdaptiveMaxPool2d(1)`.

    Shape:
        (N, 1, H, W) to (N, 10), for H and W from 2 on.

    >>> sum(weights.numel() for weights in small_reader().parameters())
    2706
    """
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.MaxPool2d(2) if pool is None else pool,
        nn.Conv2d(8, 32, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1) if vote is None else vote,
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def digit_reader() -> nn.Sequential:
    """The reader of the lessons, `small_reader()` with the weights of one training: it names 96 of 100 test digits.

    It learnt from the first 1200 of `images.digits()`, each in the middle of an empty sheet of 24 x 24 cells, and has
    seen no digit in another place. `python -m tools.reader` trains it again.

    Shape:
        (N, 1, H, W), 0 for paper to 1 for ink, to (N, 10): the larger a number, the surer of that digit.

    Returns:
        A new network at each call, in evaluation mode; its weights may be changed.

    >>> from pooling_course.expert import digit_task
    >>> sheets = digit_task(8).test_x
    >>> digit_reader()(sheets[:6]).argmax(1), digit_task(8).test_y[:6]
    (tensor([7, 7, 3, 5, 1, 0]), tensor([7, 7, 3, 5, 1, 0]))
    """
    with usual(), torch.random.fork_rng([]):  # what new layers draw is not kept
        model = small_reader()
    with np.load(FOLDER / "reader.npz", allow_pickle=False) as weights:
        model.load_state_dict({name: torch.from_numpy(weights[name]).float() for name in weights.files})
    return model.eval()


def teach(model, task: Task, seed=0, epochs=8, rate=RATE, batch=64, shifts=0) -> nn.Module:
    """Train a reader on the sheets of a task, as the one of the lessons was; the model itself, in evaluation mode.

    Args:
        seed: of the order of the sheets, and of the moves.
        epochs: how often each sheet is seen.
        rate, batch: the largest step of Adam, and how many sheets for each step.
        shifts: move each batch by up to so many cells up, down, left or right, drawn at random; 0 for not at all.

    >>> from pooling_course.expert import digit_task
    >>> torch.manual_seed(0) and None
    >>> right(teach(small_reader(), digit_task(8), epochs=2), digit_task(8)) > 80
    True
    """
    draw = torch.Generator().manual_seed(seed)
    with threads(1):  # so small a network gains nothing from more
        train(model, task, epochs, draw, rate, batch, shifts)
    return model.eval()


def moved(task: Task, down, right=None) -> Task:
    """The same task with its test sheets moved; what leaves a sheet on one side comes in on the other.

    Args:
        down: cells; below 0 for up.
        right: likewise; None for as many as `down`.
    """
    places = (down, down if right is None else right)
    return Task(task.x, task.y, task.test_x.roll(places, (-2, -1)), task.test_y)


@torch.no_grad()
def right(model, task: Task) -> float:
    """How many of 100 test digits a model names right.

    >>> from pooling_course.expert import digit_task
    >>> task = digit_task(8)
    >>> [round(right(digit_reader(), moved(task, cells))) for cells in (0, 1, 2)]
    [96, 52, 96]
    """
    return 100 * (model(task.test_x).argmax(1) == task.test_y).double().mean().item()


def recorded(name=None) -> dict[str, list[float]]:
    """What repeated trainings gave: right answers of 100 test digits, a list with one number for each training.

    Every figure of the lessons that comes with a spread is one of these; `python -m tools.reader` takes them again.

    Args:
        name: of an experiment; None for the names there are.

    Raises:
        ValueError: there is no such experiment.

    >>> list(recorded("moved"))
    ['in its place', 'moved by 1', 'moved by 2']
    """
    experiments = _record()["experiments"]
    if name is None:
        return {key: [] for key in experiments}
    if name not in experiments:
        raise ValueError(f"there is no experiment {name!r}: use one of {', '.join(experiments)}.")
    return {group: list(values) for group, values in experiments[name].items()}


def in_short(values) -> str:
    """Mean and standard error: how far the mean of so many trainings may easily be off.

    >>> in_short([94, 96, 95, 95])
    '95.0 ± 0.4'
    """
    numbers = torch.tensor(values, dtype=torch.float64)
    return f"{numbers.mean():.1f} ± {numbers.std() / len(numbers) ** 0.5:.1f}"


def reading_pages(model, sheets) -> list[tuple[str, Picture, str]]:
    """Pages for a `Flipbook`: a sheet, and how sure a reader is of each of the ten digits on it.

    Args:
        model: from (1, 1, H, W) to ten numbers.
        sheets: a dict of sheets (1, H, W) by name.

    >>> from pooling_course.expert import digit_task
    >>> [(name, _, said)] = reading_pages(digit_reader(), {"first": digit_task(8).test_x[0]})
    >>> name, said
    ('first', 'It reads a 7, sure to 100%.')
    """
    pages = []
    for name, sheet in sheets.items():
        with torch.no_grad():
            sure = F.softmax(model(sheet[None])[0].double(), 0)
        answer = int(sure.argmax())
        said = f"It reads a {answer}, sure to {sure[answer]:.0%}."
        figure, bars = _draw_reading(sheet[0], sure, answer)
        spoken = ", ".join(f"{digit}: {share:.0%}" for digit, share in enumerate(sure.tolist()))
        height, width = sheet.shape[-2:]
        alt = f"A sheet of {height} by {width}. {said} {spoken}."
        pages.append((str(name), Picture(figure, alt, [bars]), said))
    return pages


def _draw_reading(sheet, sure, answer):
    from matplotlib.patches import Rectangle

    bar, long = PICTURE / 10, 1.9
    canvas = Canvas(2 * MARGIN + PICTURE + GAP + 0.25 + long + 0.6, 2 * MARGIN + 2 * LINE + PICTURE)
    top, left = MARGIN + 2 * LINE, MARGIN + PICTURE + GAP
    canvas.heading(MARGIN, MARGIN, "Sheet", f"{sheet.shape[0]} × {sheet.shape[1]}")
    canvas.image(MARGIN, top, sheet, Values(torch.tensor([[0.0, 1.0]])))
    canvas.heading(left, MARGIN, f"Read as {answer}", "how sure it is of each digit")
    for digit, share in enumerate(sure.tolist()):
        y, chosen = top + (digit + 0.5) * bar, digit == answer
        weight, ink = ("bold", look()["ink"]) if chosen else ("normal", look()["muted"])
        canvas.text(left, y, str(digit), ink, weight=weight)
        colour = look()["window" if chosen else "line"]
        length = max(0.02, share * long)
        canvas.axes.add_patch(Rectangle((left + 0.25, y - 0.36 * bar), length, 0.72 * bar, color=colour, linewidth=0))
        canvas.text(left + 0.32 + length, y, f"{words.number(round(100 * share))}%", ink, weight=weight)
    canvas.axes.set(**canvas.limits)
    return canvas.figure, left


@lru_cache(maxsize=1)
def _record():
    return json.loads((FOLDER / "reader.json").read_text(encoding="utf-8"))
