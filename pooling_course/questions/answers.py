"""Right answers, computed by torch: each function takes a Question and returns what `parse` would.

The first ones read the question's case; those under "proofs" settle a statement about pooling as such.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import cache

import torch
import torch.nn.functional as F
from torch import nn

from ..maths.kinds.pooling import Pooling
from ..maths.trace import trace

ANSWERS: dict[str, Callable] = {}
POOLS: dict[str, Callable] = {"max": F.max_pool2d, "avg": F.avg_pool2d}


def answer(function):
    ANSWERS[function.__name__] = function
    return function


def _cells(mask):
    return mask.nonzero().tolist()


@answer
def shape(q):
    return list(q.trace.output.shape)


@answer
def channels(q):
    return q.trace.output.shape[-3]


@answer
def height(q):
    return q.trace.output.shape[-2]


@answer
def output(q):
    return q.trace.output.tolist()


@answer
def value(q):
    return q.trace.output[tuple(q.at)].item()


@answer
def winner(q):
    """The flat index of the winner of window `at`, as return_indices gives it."""
    return q.trace.winners[tuple(q.at)].item()


@answer
def winners(q):
    """The cells that win at least one window."""
    mask = torch.zeros(q.input.numel(), dtype=torch.bool)
    mask[q.trace.winners.flatten()] = True
    return _cells(mask.reshape(q.input.shape))


@answer
def window_cells(q):
    """The input cells that window `at` reads."""
    return [list(cell) for cell in q.trace.window(*q.at).cells]


@answer
def divisor(q):
    return q.trace.divisors[tuple(q.at)].item()


@answer
def reads(q):
    return q.trace.reads[tuple(q.at)].item()


@answer
def unread(q):
    return _cells(q.trace.reads == 0)


@answer
def gradient(q):
    return q.trace.backward()[tuple(q.at)].item()


@answer
def gradient_cells(q):
    """The cells that get any gradient when the upstream gradient is ones."""
    return _cells(q.trace.backward() != 0)


@answer
def gradient_total(q):
    return q.trace.backward().sum().item()


@answer
def gradient_map(q):
    return q.trace.backward().tolist()


@answer
def unread_rows(q):
    return [row for row, count in enumerate(q.trace.reads.sum(1).tolist()) if count == 0]


@answer
def largest(q):
    return q.trace.output.max().item()


@answer
def max_and_average(q):
    """What the two poolings make of the same window: [maximum, average]."""
    k = q.pooling.kernel_size
    return [pool(q.input[None], k).item() for pool in (F.max_pool2d, F.avg_pool2d)]


@answer
def max_minus_average(q):
    return max_and_average(q)[0] - max_and_average(q)[1]


@answer
def noise(q):
    """Standard deviation of one output, where the input holds those of its cells, independent of each other."""
    return (q.trace.backward() * q.input).norm().item()  # variances add, each with its share squared


@answer
def unpooled(q):
    """What nn.MaxUnpool2d makes of the pooled input."""
    pooled = q.trace
    return F.max_unpool2d(pooled.output[None], pooled.winners[None], q.pooling.kernel_size)[0].tolist()


@answer
def after_shift(q):
    """What becomes of the output if the input moves by `shift` columns: "same", "moved" by one column, or "other"."""
    x = torch.rand(q.input.shape, generator=torch.Generator().manual_seed(0))
    layer, shift = q.pooling.layer(), q.case["shift"]
    before, after = layer(x), layer(x.roll(shift, -1))
    if torch.equal(before, after):
        return "same"
    return "moved" if torch.equal(before.roll(1, -1), after) else "other"


# For "several", the values of the right choices.


@answer
def shrinking(q):
    """The settings that make the map of the case smaller."""
    size = q.input.shape[-1]
    return [c["value"] for c in q.choices if Pooling(**c["value"]).layer()(q.input).shape[-1] < size]


@answer
def keeping(q):
    """The settings that keep its size."""
    return [c["value"] for c in q.choices if Pooling(**c["value"]).layer()(q.input).shape == q.input.shape]


@answer
def changing_moves(q):
    """The moves (rows down, columns right) of the whole map that change the output."""
    layer, x = q.pooling.layer(), q.input[None]
    moves = [c["value"] for c in q.choices]
    return [move for move in moves if not torch.equal(layer(x.roll(move, (1, 2))), layer(x))]


# ---- proofs ------------------------------------------------------------------------------------------------------


@answer
def average_ever_exceeds_max(q):
    """On windows that lie wholly inside the input, with the default divisor."""
    x = torch.randn(64, 3, 16, 16, generator=torch.Generator().manual_seed(0)).double()
    return bool((F.avg_pool2d(x, 3, 2) > F.max_pool2d(x, 3, 2)).any())


@answer
def pooling_parameters(q):
    k, stride = q.numbers.get("k", 2), q.numbers.get("s", 2)
    layers = nn.MaxPool2d(k, stride), nn.AvgPool2d(k, stride)
    return sum(p.numel() for layer in layers for p in layer.parameters())


def _noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).double()


@answer
def averages_beside_maxima(q):
    """[whether an average can be larger than the maximum beside it, whether it can be equal]."""
    x, flat = _noise(3, 16, 16) - 1, torch.full((1, 4, 4), -3.0)
    larger = (F.avg_pool2d(x, 2) > F.max_pool2d(x, 2)).any()
    return [bool(larger), torch.equal(F.avg_pool2d(flat, 2), F.max_pool2d(flat, 2))]


@answer
def conv_after_pooling(q):
    """[weights of the convolution, places it visits], each relative to no pooling; parameters of the pooling]."""
    k = q.numbers.get("k", 2)
    x, pool = torch.zeros(1, 4, 8 * k, 8 * k), nn.MaxPool2d(k)
    before, after = nn.LazyConv2d(4, 3, padding=1), nn.LazyConv2d(4, 3, padding=1)  # each made for what it meets
    places = after(pool(x)).numel() / before(x).numel()
    return [after.weight.numel() / before.weight.numel(), places, len(list(pool.parameters()))]


@answer
def relu_commutes(q):
    """The kinds of pooling for which it does not matter whether the ReLU comes before or after."""
    x = _noise(1, 64, 64)
    return [kind for kind, pool in POOLS.items() if torch.equal(pool(F.relu(x), 2), F.relu(pool(x, 2)))]


@answer
def activations_that_commute(q):
    """The activations that may stand before or after a max pooling."""
    x, found = 2 * _noise(1, 64, 64), []
    activations: dict[str, Callable] = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": F.gelu, "abs": torch.abs}
    for name in [c["value"] for c in q.choices]:
        activation = activations[name]
        if torch.allclose(F.max_pool2d(activation(x), 2), activation(F.max_pool2d(x, 2))):
            found.append(name)
    return found


@answer
def linear_kinds(q):
    """The kinds for which pooling a sum is the same as summing the pooled."""
    a, b = _noise(2, 1, 64, 64)
    return [kind for kind, pool in POOLS.items() if torch.allclose(pool(a + b, 2), pool(a, 2) + pool(b, 2))]


@answer
def average_of_bytes(q):
    try:
        return str(nn.AvgPool2d(2)(torch.zeros(3, 64, 64, dtype=torch.uint8)).dtype)
    except NotImplementedError:
        return "error"


@answer
def overlap_and_gaps(q):
    """For strides 1 and 5 with kernel_size=3 on 13 x 13: do windows share cells, and is one read by none?"""
    n, k, strides = (q.numbers.get(name, own) for name, own in (("n", 13), ("k", 3), ("strides", (1, 5))))
    reads = [trace(Pooling("max", k, stride), torch.zeros(n, n)).reads for stride in strides]
    return [[bool((count > 1).any()), bool((count == 0).any())] for count in reads]


@answer
def max_border(q):
    """Which border, put there by hand, gives what nn.MaxPool2d(3, stride=1, padding=1) gives on a map of -5."""
    value, k = q.numbers.get("value", -5), q.numbers.get("k", 3)
    x, border = torch.full((1, 6, 6), float(value)), (k // 2,) * 4
    ways = {
        "-inf before": F.max_pool2d(F.pad(x, border, value=-torch.inf), k, 1),
        "0 before": F.max_pool2d(F.pad(x, border), k, 1),
        "0 after": F.pad(F.max_pool2d(x, k, 1), border),
    }
    true = F.max_pool2d(x, k, 1, padding=k // 2)
    return next(way for way, output in ways.items() if torch.equal(output, true))


@answer
def too_much_padding(q):
    """When nn.MaxPool2d(3, padding=2) is refused."""
    k, padding = q.numbers.get("k", 3), q.numbers.get("p", 2)
    try:
        layer = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}[q.numbers.get("kind", "max")](k, padding=padding)
    except (RuntimeError, ValueError):
        return "made"
    try:
        layer(torch.zeros(1, 2 * k, 2 * k))
    except RuntimeError:
        return "called"
    return "never"


@answer
def conv_weights_without_gradient(q):
    """The share of a convolution's weights that get no gradient through nn.MaxPool2d(2)."""
    weight = _noise(4, 1, 3, 3).requires_grad_()
    F.max_pool2d(F.conv2d(_noise(1, 32, 32), weight), 2).sum().backward()
    return (weight.grad == 0).double().mean().item()


# Myths


@answer
def size(q):
    return list(q.trace.output.shape[-2:])


@answer
def doubled_size(q):
    """Rows and columns after pooling and nn.Upsample(scale_factor=2)."""
    return list(nn.Upsample(scale_factor=2)(q.trace.output[None, None]).shape[-2:])


@answer
def fifth_setting(q):
    """What True does as F.max_pool2d's sixth argument: "indices" come too, or one output of some size."""
    k = q.pooling.kernel_size
    result = F.max_pool2d(q.input[None], k, k, 0, 1, True)
    return "indices" if isinstance(result, tuple) else list(result.shape[-2:])


@answer
def adaptive_rows(q):
    """How many rows each window of nn.AdaptiveAvgPool2d(3) reads: those that send it a gradient."""
    x = q.input[None].clone().requires_grad_()
    column = nn.AdaptiveAvgPool2d(3)(x)[0, :, 0]
    gradients = [torch.autograd.grad(cell, x, retain_graph=True)[0][0] for cell in column]
    return [int((gradient != 0).any(1).sum()) for gradient in gradients]


@answer
def largest_padding(q):
    """The largest padding that torch takes with the other settings of the case."""
    taken, layer = 0, q.pooling.layer()
    for padding in range(1, 10):
        layer.padding = padding
        try:
            layer(q.input[None])
        except RuntimeError:
            break
        taken = padding
    return taken


@answer
def uint8_raises(q):
    """The kinds of pooling that refuse uint8 on the CPU."""
    x, raised = torch.zeros(1, 4, 4, dtype=torch.uint8), []
    for kind, pool in POOLS.items():
        try:
            pool(x, 2)
        except NotImplementedError:
            raised.append(kind)
    return raised


@answer
def gradient_count(q):
    return len(gradient_cells(q))


@answer
def gradients_of_window(q):
    """What the cells of window `at` receive, in reading order."""
    gradient = q.trace.backward()
    return [gradient[cell].item() for cell in q.trace.window(*q.at).cells]


@answer
def unpooled_in_place(q):
    """The cells at which nn.MaxUnpool2d restores the number that was pooled."""
    return int((torch.tensor(unpooled(q)) == q.input).sum())


@answer
def outputs_told_apart(q):
    """How many outputs a lone peak can give, as it stands in one cell after the other."""
    maps = torch.eye(q.input.numel()).reshape(-1, 1, *q.input.shape)
    return len(q.pooling.layer()(maps).unique(dim=0))


@answer
def unchanged_by_shift(q):
    """How many outputs stay as they were when the map moves right by one column."""
    layer, x = q.pooling.layer(), q.input[None]
    return int((layer(x) == layer(x.roll(1, -1))).sum())


@answer
def layers_with_fewer_parameters(q):
    """Which layers of a small network shrink when nn.MaxPool2d(2) follows its first ReLU."""

    def sizes(pool):
        first, second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)
        features = nn.Sequential(first, nn.ReLU(), pool, second, nn.ReLU(), nn.Flatten())
        layers = {"second convolution": second, "linear": nn.Linear(features(torch.zeros(1, 3, 8, 8)).numel(), 10)}
        return {name: sum(p.numel() for p in layer.parameters()) for name, layer in layers.items()}

    without, pooled = sizes(nn.Identity()), sizes(nn.MaxPool2d(2))
    return [name for name in without if pooled[name] < without[name]]


# The expert zone


@answer
def share_changed(q):
    """The share of outputs on noise that a shift changes, as a fraction."""
    return _share_changed(q.pooling, q.case["shift"])


@cache
def _share_changed(pooling, shift):
    x, layer = _noise(1, 900, 900), pooling.layer()
    share = (layer(x) != layer(x.roll(shift, -1))).double().mean().item()
    return str(Fraction(share).limit_denominator(10))


@answer
def rows_seen(q):
    """Rows to which the gradient of one cell goes, through windows in which every cell counts."""
    c, k, s = (q.numbers.get(name, own) for name, own in (("c", 3), ("k", 2), ("s", 2)))
    x = torch.zeros(1, 120, 120, requires_grad=True)
    conv, pool = (lambda m: F.avg_pool2d(m, c, 1)), (lambda m: F.avg_pool2d(m, k, s))
    out = conv(pool(conv(pool(conv(x)))))
    (gradient,) = torch.autograd.grad(out[0, 0, 0], x)
    return int((gradient != 0).any(-1).sum())


@answer
def rows_seen_dilated(q):
    """The same, where the last convolution has a dilation."""
    c, k, s, d = (q.numbers.get(name, own) for name, own in (("c", 3), ("k", 2), ("s", 2), ("d", 2)))
    x = torch.zeros(1, 1, 240, 240, requires_grad=True)
    conv, pool = (lambda m: F.avg_pool2d(m, c, 1)), (lambda m: F.avg_pool2d(m, k, s))
    out = F.conv2d(pool(conv(pool(conv(x)))), torch.ones(1, 1, c, c), dilation=d)
    (gradient,) = torch.autograd.grad(out[0, 0, 0, 0], x)
    return int((gradient != 0).any(-1).sum())


@answer
def alias_period(q):
    """After how many of the columns that a stride keeps a wave repeats, which repeats every s · n / (n - 1) columns."""
    s, n = (q.numbers.get(name, own) for name, own in (("s", 2), ("n", 5)))
    wave = torch.cos(2 * torch.pi * (n - 1) / (s * n) * torch.arange(40.0 * s).double())
    kept = wave[::s]
    return next(float(p) for p in range(1, 20) if torch.allclose(kept[p:], kept[:-p]))


@answer
def corner_difference(q):
    """What a convolution of 2 x 2 makes of its first window: upper left less lower right."""
    window = torch.tensor(q.numbers.get("window", [[1, 3], [5, 6]])).float()
    return F.conv2d(window[None, None], torch.tensor([[[[1.0, 0], [0, -1]]]])).item()


@answer
def lp_of_threes(q):
    value, k = q.numbers.get("value", 3), q.numbers.get("k", 2)
    return nn.LPPool2d(2, k)(torch.full((1, 2 * k, 2 * k), float(value))).max().item()


@answer
def heads_that_run(q):
    c, n, m = (q.numbers.get(name, own) for name, own in (("c", 16), ("n", 8), ("m", 12)))
    heads = {
        "flatten": (nn.Flatten(), nn.Linear(c * n * n, 10)),
        "average 8": (nn.AvgPool2d(n), nn.Flatten(), nn.Linear(c, 10)),
        "global average": (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 10)),
        "average 2": (nn.AvgPool2d(2), nn.Flatten(), nn.Linear(c * (n // 2) ** 2, 10)),
    }
    running = []
    for name, layers in heads.items():
        head = nn.Sequential(*layers)
        head(torch.zeros(1, c, n, n))
        try:
            head(torch.zeros(1, c, m, m))
        except RuntimeError:
            continue
        running.append(name)
    return running


@answer
def most_parameters(q):
    """Which of a network's three forms has the most parameters, "same" where none has."""
    kind, k, n = (q.numbers.get(name, own) for name, own in (("kind", "max"), ("k", 2), ("n", 2)))
    pool = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}[kind](k)

    def count(stride, *shrink):
        layers = []
        for at in range(n):
            layers += [nn.Conv2d(8 if at else 1, 8, 3, stride, 1), nn.ReLU(), *shrink]
        model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))
        model(torch.zeros(1, 1, k**n, k**n))  # it runs
        return sum(p.numel() for p in model.parameters())

    counts = {"max": count(1, pool), "strided": count(k), "none": count(1)}
    return "same" if len(set(counts.values())) == 1 else max(counts, key=counts.__getitem__)


@answer
def bytes_written(q):
    """MB of output and indices for an input of 4 MB."""
    x = torch.zeros(1, 100, 100)
    return (
        sum(written.nbytes for written in F.max_pool2d(x, 2, return_indices=True)) * q.numbers.get("size", 4) / x.nbytes
    )


@answer
def gain_at_quarter(q):
    """What nn.AvgPool2d(k, stride=1) leaves of a wave that repeats every so many columns, four if nothing is said."""
    k, period = (q.numbers.get(name, own) for name, own in (("k", 2), ("period", 4)))
    places = torch.arange(k).double() - (k - 1) / 2  # the top of the wave in the middle of the window
    return nn.AvgPool2d(k, stride=1)(torch.cos(2 * torch.pi / period * places).expand(1, k, k)).item()


@answer
def calmest(q):
    """The layer whose output on noise changes least, as a share of its deviation, when the noise moves by a column."""
    changes = restlessness(q.numbers.get("s", 2), q.numbers.get("k", 3))
    return min(changes, key=changes.__getitem__)


@cache
def restlessness(s, k):
    """How far the outputs of three layers with stride s move beside how much they vary, k the larger window."""
    x = _noise(1, 600, 600)
    layers = {f"max {s}": nn.MaxPool2d(s), f"avg {s}": nn.AvgPool2d(s), f"avg {k}": nn.AvgPool2d(k, stride=s)}

    def change(layer):
        before, after = layer(x), layer(x.roll(1, -1))
        return ((after - before).square().mean().sqrt() / before.std()).item()

    return {name: change(layer) for name, layer in layers.items()}


@answer
def clear_difference(q):
    """Which of two series of runs is better, "undecided" where the mean difference is within its uncertainty."""
    a, b = torch.tensor([[94.1, 95.0, 94.6, 95.3, 94.4], [94.6, 94.7, 95.1, 94.9, 94.8]]).double()
    difference = b - a
    error = difference.std() / len(difference) ** 0.5
    if difference.mean().abs() < 2.78 * error:  # the 5 % limit of Student's t with four degrees of freedom
        return "undecided"
    return "B" if difference.mean() > 0 else "A"
