"""How far the gradient reaches in a whole network: layer by layer, measured by torch, told in words and drawn."""

from dataclasses import dataclass
from functools import cached_property

import torch

from ..maths import words
from ..maths.data import as_tensor
from ..pictures.canvas import GAP, LINE, MARGIN, SIZE, Canvas, Picture, text_width
from ..web.look import look
from .probe import first_line, gradients, output_of, reached, untouched

ABREAST = 3  # networks next to each other in a picture
COLUMN, BAR, ROW = 2.9, 0.14, 0.74  # inches: least width of a network, height of a bar and of a layer
SMALL = 9  # points


@dataclass(frozen=True)
class Row:
    """What one layer's input gets back from one backward pass.

    Attributes:
        network: its key in the dict of networks, "" for a single one.
        name: the layer's name in its model, such as "0" in an `nn.Sequential` or "features.pool".
        layer: its class, such as "MaxPool2d".
        shape: the shape of its input, batch included.
        reached: how many numbers of its input get a gradient that is not 0.
        share: the same as a share of all of them, 0 to 1.
        norm: the Euclidean norm of that gradient over the whole batch.
        weights: the share of the layer's own parameters that get a gradient that is not 0; None without parameters.
    """

    network: str
    name: str
    layer: str
    shape: tuple[int, ...]
    reached: int
    share: float
    norm: float
    weights: float | None


def gradient_report(model, batch, target=None) -> "GradientReport":
    """Send a gradient backwards through a network, and count where it arrives.

    One forward and one backward pass. For each leaf layer (a module with no modules in it), in the order in which the
    forward pass calls them, the report says how many numbers of the layer's *input* get a gradient, and how large that
    gradient is. For a pooling this is what it hands back to the activations below it.

    Args:
        model: an `nn.Module`, or a dict of them to compare, by name. It runs in the mode it is in, training or not.
        batch: floats of shape (N, C, H, W), or what else the model takes.
        target: None for the loss `output.sum()`; else integers of shape (N,), the classes for `F.cross_entropy`.

    Returns:
        A GradientReport: `.rows` as plain data, a table as text, a picture in a notebook.

    Models and batch stay as they are: no hook is left behind, and neither `.grad`, buffers such as the statistics of a
    batch norm, nor the state of torch's random numbers is changed. Every model meets the same random numbers.

    Raises:
        TypeError: a model that is no `nn.Module`, a batch of integers, a target of floats, an output that is no tensor.
        ValueError: an empty batch, a model or loss that fails on the batch, an output that no gradient can leave.

    >>> report = gradient_report(torch.nn.Sequential(torch.nn.MaxPool2d(2)), torch.arange(16.0).reshape(1, 1, 4, 4))
    >>> report.rows[0].share, report.rows[0].norm
    (0.25, 2.0)
    >>> report
    layer        input          gets a gradient  norm  weights with one
    0 MaxPool2d  1 × 1 × 4 × 4  25%              2     none
    """
    models = model if isinstance(model, dict) else {"": model}
    if not models:
        raise ValueError("the dict of models is empty: give at least one nn.Module.")
    for name, one in models.items():
        if not isinstance(one, torch.nn.Module):
            where = f"model {name!r}" if isinstance(model, dict) else "model"
            raise TypeError(f"{where} is of type {type(one).__name__}: give an nn.Module, or a dict of them by name.")
        if any(isinstance(module, torch.jit.ScriptModule) for module in one.modules()):
            raise TypeError("a scripted model runs outside of Python: give the nn.Module that it was made of.")
    batch = as_tensor(batch, "batch").detach()
    if not batch.is_floating_point():
        raise TypeError(f"the batch is {batch.dtype}: integers have no gradient; give batch.float() instead.")
    if not batch.numel():
        raise ValueError(f"the batch of shape {tuple(batch.shape)} is empty: there is nothing to measure.")
    if target is not None:
        target = _classes(target)
        if target.is_floating_point() or target.dtype == torch.bool:
            raise TypeError(f"the target is {target.dtype}: give the classes as integers, one for each of the batch.")
    rows = [row for name, one in models.items() for row in _measure(str(name), one, batch, target)]
    return GradientReport(rows)


class GradientReport:
    """What `gradient_report` found.

    Attributes:
        rows: a list of Row, network by network, each from its first layer on.
        picture: the same as a `figures.Picture`.
    """

    def __init__(self, rows):
        self.rows = rows

    def __repr__(self):
        several = len(self._networks) > 1 or "" not in self._networks
        head = ["network"] * several + ["layer", "input", "gets a gradient", "norm", "weights with one"]
        table = [head]
        for row in self.rows:
            weights = "none" if row.weights is None else percent(row.weights)
            line = [f"{row.name} {row.layer}", size(row.shape), percent(row.share), words.number(row.norm), weights]
            table.append([row.network] * several + line)
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ("  ".join(text.ljust(wide) for text, wide in zip(line, widths, strict=True)) for line in table)
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self):
        return self.picture._repr_html_()

    @property
    def _networks(self):
        networks: dict[str, list[Row]] = {}
        for row in self.rows:
            networks.setdefault(row.network, []).append(row)
        return networks

    @cached_property
    def picture(self) -> Picture:
        return Picture(_draw(self._networks), " ".join(_said(name, rows) for name, rows in self._networks.items()))


def _classes(target):
    try:
        return torch.as_tensor(target)
    except Exception as error:  # there are many ways to be no tensor
        raise TypeError(
            f"the target of type {type(target).__name__} is no tensor ({first_line(error)}): give the classes as "
            f"integers, one for each of the batch."
        ) from None


# ---- Measuring -------------------------------------------------------------------------------------------------------


def _measure(network, model, batch, target):
    """The rows of one model, which is left as it was."""
    calls: list[dict] = []
    named = f"model {network!r}" if network else "the model"
    parameters = [p for p in model.parameters() if p.requires_grad]
    with untouched(model, named, batch.device) as handles:
        for name, layer in model.named_modules():
            if not next(layer.children(), None):
                handles.append(layer.register_forward_pre_hook(_meeting(name, calls, handles), with_kwargs=True))
        x = batch.clone().requires_grad_()
        of_parameters = _gradients(named, model, x, target, parameters)
    of_parameters = dict(zip(map(id, parameters), of_parameters, strict=True))
    return [_row(network, call, of_parameters) for call in calls]


def _meeting(name, calls, handles):
    """A forward pre-hook that notes the call, and what gradient its first tensor of floats gets later."""

    def before(layer, args, kwargs):
        given = [a for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor) and a.is_floating_point()]
        if not given:
            return
        call = {"name": name, "layer": layer, "shape": tuple(given[0].shape), "gradient": None}
        calls.append(call)
        if given[0].requires_grad:
            # A hook on the tensor, unlike retain_grad, still means this value when the layer then works in place.
            handles.append(given[0].register_hook(lambda gradient: call.update(gradient=gradient)))

    return before


def _gradients(named, model, x, target, parameters):
    """The gradient of each parameter, None where there is none; the hooks see those of the activations."""
    # a clone, because the first layer may work in place
    output = output_of(model, named, f"a batch of shape {tuple(x.shape)}", x.clone())
    if not isinstance(output, torch.Tensor):
        raise TypeError(f"{named} returns {type(output).__name__}: the report needs a model that returns one tensor.")
    if not output.requires_grad:
        raise ValueError(
            f"the output of {named} takes no gradient: it was cut off, or depends neither on batch nor weights."
        )
    try:
        loss = output.sum() if target is None else torch.nn.functional.cross_entropy(output, target)
    except Exception as error:
        shapes = f"outputs of shape {tuple(output.shape)} and a target of shape {tuple(target.shape)}"
        raise ValueError(f"cross entropy fails on {shapes}: {first_line(error)}") from error
    return gradients(named, loss, [x, *parameters])[1:]


def _row(network, call, of_parameters):
    gradient, layer = call["gradient"], call["layer"]
    total = torch.Size(call["shape"]).numel()
    count = reached(gradient)
    norm = 0.0 if gradient is None else gradient.double().norm().item()
    own = list(layer.parameters())
    found = [of_parameters.get(id(p)) for p in own]
    used = sum(map(reached, found))
    return Row(
        network=network,
        name=call["name"] or "(model)",
        layer=type(layer).__name__,
        shape=call["shape"],
        reached=count,
        share=count / total if total else 0.0,
        norm=norm,
        weights=used / sum(p.numel() for p in own) if own else None,
    )


# ---- Telling ---------------------------------------------------------------------------------------------------------


def percent(share) -> str:
    """`share` in percent, in three digits where it does not come out even; never rounded up to all or down to none.

    >>> percent(0.25), percent(1 / 3), percent(0.99999), percent(1e-6)
    ('25%', '33.3%', 'over 99.9%', 'under 0.1%')
    """
    if 0.999 < share < 1:
        return "over 99.9%"
    if 0 < share < 0.001:
        return "under 0.1%"
    return f"{words.number(float(f'{100 * share:.3g}'))}%"


def size(shape) -> str:
    return " × ".join(map(str, shape)) or "one number"


def _said(network, rows):
    head = f"Network {network}, from its first layer on" if network else "From the first layer on"
    layers = "; ".join(
        f"{row.name} {row.layer}, input {size(row.shape)}: {percent(row.share)} gets a gradient, "
        f"norm {words.number(row.norm)}{_of_weights(row, ', ')}"
        for row in rows
    )
    return f"{head}: {layers}."


def _of_weights(row, before):
    return "" if row.weights is None else f"{before}{percent(row.weights)} of its weights get one"


def _draw(networks):
    ranks = [list(networks)[i : i + ABREAST] for i in range(0, len(networks), ABREAST)]
    heights = [LINE * 2 + ROW * max(len(networks[name]) for name in rank) for rank in ranks]
    across, column = max(map(len, ranks)), _column(networks)
    width = 2 * MARGIN + across * column + (across - 1) * GAP
    canvas = Canvas(width, 2 * MARGIN + sum(heights) + GAP * (len(ranks) - 1))
    top = MARGIN
    for rank, height in zip(ranks, heights, strict=True):
        for i, name in enumerate(rank):
            _draw_network(canvas, MARGIN + i * (column + GAP), top, column, _title(name), networks[name])
        top += height + GAP
    return canvas.figure


def _title(network):
    return network or "The gradient on its way back"


UNDER_TITLE = "what each layer's input gets back"


def _column(networks):
    """Inches that the widest line of any network takes."""
    lines = [text_width(text) for name in networks for text in (_title(name), UNDER_TITLE)]
    for row in (row for rows in networks.values() for row in rows):
        for left, right in (_head(row), _foot(row)):
            lines.append(SMALL / SIZE * (text_width(left) + text_width(right)) + 0.2)
    return max(COLUMN, *lines)


def _head(row):
    return f"{row.name} {row.layer}", size(row.shape[1:])


def _foot(row):
    return percent(row.share), f"norm {words.number(row.norm)}" + (
        "" if row.weights is None else f" · {percent(row.weights)} of weights"
    )


def _draw_network(canvas, left, top, column, title, rows):
    canvas.heading(left, top, title, UNDER_TITLE)
    right = left + column
    for i, row in enumerate(rows):
        above = top + 3 * LINE + i * ROW
        bar = above + 0.5 * LINE
        below = bar + BAR + 0.6 * LINE
        for y, (start, end), weight in ((above, _head(row), "bold"), (below, _foot(row), "normal")):
            canvas.text(left, y, start, weight=weight, fontsize=SMALL)
            canvas.text(right, y, end, look()["muted"], ha="right", fontsize=SMALL)
        _bar(canvas, left, bar, column, look()["raised"], "all")
        _bar(canvas, left, bar, column * row.share, look()["reader"], "share")


def _bar(canvas, x, y, width, colour, gid):
    from matplotlib.patches import Rectangle

    canvas.axes.add_patch(Rectangle((x, y), width, BAR, facecolor=colour, edgecolor=look()["line"], lw=0.6, gid=gid))
