"""What the expert lesson measures with: is each number what a slow, other way gives, and is a wrong one refused?

A check takes an implementation and fails with an AssertionError. Beside ours, each is shown wrong ones.
"""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pooling_course import expert, images
from pooling_course.exercises.tasks.receptive_field import Mistakes
from pooling_course.expert.alternatives import adaptive_windows, costs, layer_by_layer, side_by_side
from pooling_course.expert.bandwidth import bandwidth, bytes_moved
from pooling_course.expert.receptive import effective_field, field_pages, receptive_field, rows_holding
from pooling_course.expert.shifts import BlurPool2d, changed, relative_change


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def refuses(check, wrong):
    with pytest.raises(AssertionError):
        check(wrong)


# ---- shifts ----------------------------------------------------------------------------------------------------------

LINES = {1: [1], 2: [1, 1], 3: [1, 2, 1], 4: [1, 3, 3, 1], 5: [1, 4, 6, 4, 1]}


def check_blur(blur):
    """Against loops over every window, with the outermost cells repeated."""
    x = noise(2, 3, 7, 6).double()
    for k, stride in itertools.product(LINES, (1, 2, 3)):
        line = torch.tensor(LINES[k]).double() / sum(LINES[k])
        out = blur(k, stride)(x)
        rows, cols = range(0, 7, stride), range(0, 6, stride)
        assert out.shape == (2, 3, len(rows), len(cols))
        for (i, row), (j, col) in itertools.product(enumerate(rows), enumerate(cols)):
            expected = 0
            for a, b in itertools.product(range(k), repeat=2):
                r, c = row + a - (k - 1) // 2, col + b - (k - 1) // 2
                expected = expected + line[a] * line[b] * x[:, :, min(max(r, 0), 6), min(max(c, 0), 5)]
            torch.testing.assert_close(out[:, :, i, j], expected)


def test_blurs_like_loops():
    check_blur(BlurPool2d)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda k, s: nn.AvgPool2d(k, s, padding=k // 2),
        lambda k, s: nn.Sequential(BlurPool2d(k, 1), nn.MaxPool2d(1, s)) if k != 3 else BlurPool2d(2, s),
        lambda k, s: lambda x: BlurPool2d(k, s)(x.roll(1, -1)),
    ],
)
def test_another_filter_is_noticed(wrong):
    refuses(check_blur, wrong)


def test_a_flat_map_stays_flat_and_two_cells_are_an_average():
    assert (BlurPool2d(5)(torch.full((1, 9, 9), 3.0)) == 3).all()
    x = noise(1, 2, 8, 8)
    torch.testing.assert_close(BlurPool2d(2)(x), F.avg_pool2d(x, 2))
    assert list(BlurPool2d(3).parameters()) == [] and BlurPool2d(3).state_dict() == {}


@pytest.mark.parametrize("settings", [(0,), (3, 0), (2.5,), (True,), ("3",)])
def test_a_blur_of_nothing_is_refused(settings):
    with pytest.raises((TypeError, ValueError), match="kernel_size|stride"):
        BlurPool2d(*settings)


@pytest.mark.parametrize("x", [torch.zeros(4, 4), torch.zeros(1, 4, 4, dtype=torch.int64)])
def test_a_blur_takes_floats_with_channels(x):
    with pytest.raises(ValueError, match="give floats"):
        BlurPool2d(3)(x)


def check_changed(share):
    """By the window: k x k cells that move by one column share k * (k - 1) of k * (k + 1) cells."""
    x = noise(1, 1, 720, 720)
    for k in (2, 3, 4):
        assert abs(share(nn.MaxPool2d(k), x, (0, 1)) - 2 / (k + 1)) < 0.01
        assert share(nn.MaxPool2d(k), x, (k, 0)) > 0.9 and share(nn.AvgPool2d(k), x, (1, 0)) > 0.99
        assert share(nn.MaxPool2d(k), x, (0, 0)) == 0
    ramp = torch.arange(6.0).expand(1, 1, 6, 6)
    assert share(nn.Identity(), ramp, (1, 0)) == 0 and share(nn.Identity(), ramp, (0, 1)) == 1


def test_counts_what_a_shift_changes():
    check_changed(changed)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda layer, x, shift: 1 - changed(layer, x, shift),
        lambda layer, x, shift: changed(layer, x, shift[::-1]),
        lambda layer, x, shift: changed(layer, x, (2 * shift[0], 2 * shift[1])),
        lambda layer, x, shift: (layer(x) != layer(x).roll(1, -1)).double().mean().item(),
    ],
)
def test_another_count_is_noticed(wrong):
    refuses(check_changed, wrong)


def test_the_size_of_a_change_follows_from_the_overlap():
    """Two averages of k columns that share k - 1 have correlation (k - 1) / k, and so on."""
    x = noise(1, 1, 600, 600, seed=3)
    for layer, correlation in (
        (nn.AvgPool2d(2), 1 / 2),
        (nn.AvgPool2d(3, stride=2), 2 / 3),
        (BlurPool2d(3), 4 / 6),
        (nn.AvgPool2d(1, stride=2), 0),
    ):
        assert relative_change(layer, x) == pytest.approx((2 * (1 - correlation)) ** 0.5, abs=0.02)
    assert relative_change(nn.MaxPool2d(2), x) == pytest.approx(1.07, abs=0.02)


# ---- receptive fields ------------------------------------------------------------------------------------------------


def seen_by_gradient(settings, padded):
    """(rows, step, first row) of windows in which every cell counts, from the gradients of two neighbouring cells."""
    x = torch.zeros(1, 1, 400, 1, dtype=torch.float64, requires_grad=True)
    out = x
    for k, s, d, p in settings:
        out = F.conv2d(out, torch.ones(1, 1, k, 1).double(), stride=(s, 1), dilation=(d, 1), padding=(p * padded, 0))
    cell = out.shape[2] // 2
    reached = [
        torch.autograd.grad(out[0, 0, i, 0], x, retain_graph=True)[0].flatten().nonzero() for i in (cell, cell + 1)
    ]
    first, second = (int(rows.min()) for rows in reached)
    return int(reached[0].max()) - first + 1, second - first, first - cell * (second - first)


def stacks():
    draw = torch.Generator().manual_seed(0)
    for count in (1, 2, 3, 3, 4, 4):
        k, s, d = (
            torch.randint(low, high, (count,), generator=draw).tolist() for low, high in ((2, 5), (1, 3), (1, 3))
        )
        yield [(k_, s_, d_, k_ // 2) for k_, s_, d_ in zip(k, s, d, strict=True)]


def modules(settings):
    return [nn.Conv2d(1, 1, k, s, padding=p, dilation=d) for k, s, d, p in settings]


def check_field(sees):
    for settings in stacks():
        assert sees(settings) == seen_by_gradient(settings, padded=1)[0]


def test_the_rule_is_what_gradients_say():
    check_field(lambda settings: receptive_field(modules(settings))[-1]["sees"])
    for settings in stacks():
        assert tuple(receptive_field(modules(settings))[-1].values())[1:] == seen_by_gradient(settings, padded=1)


WRONG_RULES = [name for name in vars(Mistakes) if not name.startswith("_")]


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_rule_is_noticed(name):
    rule = getattr(Mistakes, name)
    refuses(check_field, lambda settings: rule([layer[:3] for layer in settings]))


def test_poolings_and_nested_stacks_are_read_with_their_defaults():
    inner = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.AvgPool2d((3, 1), stride=(2, 1)))
    table = receptive_field([nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), inner, nn.LPPool2d(2, 2), BlurPool2d(3)])
    assert table.column("sees") == [3, 4, (8, 4), (12, 6), (28, 14)]
    assert table.column("step") == [1, 2, (4, 2), (8, 4), (16, 8)]
    assert table.column("from") == [-1, -1, -1, -1, (-9, -5)]
    assert receptive_field(nn.Identity()) == []


@pytest.mark.parametrize(
    "layer",
    [nn.Linear(2, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Conv2d(1, 1, 3, padding="same"), nn.ModuleList()],
)
def test_a_layer_without_a_fixed_window_is_refused(layer):
    with pytest.raises(TypeError, match=f"{type(layer).__name__} has no window"):
        receptive_field([nn.Conv2d(1, 1, 3), layer])


def test_an_effective_field_is_a_share_of_the_gradient():
    x = noise(6, 2, 9, 9)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2))
    weights = [p.clone() for p in model.parameters()]
    field = effective_field(model, x)
    total = torch.zeros(9, 9)
    for image in x:
        image = image.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model(image[None])[0, :, 2, 2].sum(), image)
        total += gradient.abs().sum(0)
    torch.testing.assert_close(field, (total / total.sum()).double())
    assert field.sum() == pytest.approx(1) and field[:3].sum() == 0 and (field[4:6, 4:6] > 0).all()
    assert all(torch.equal(a, b) and b.grad is None for a, b in zip(weights, model.parameters(), strict=True))
    assert effective_field(lambda x: 0 * x, x).sum() == 0


@pytest.mark.parametrize("x, model", [(torch.zeros(3, 8, 8), nn.Identity()), (torch.zeros(1, 3, 8, 8), nn.Flatten())])
def test_an_effective_field_needs_maps(x, model):
    with pytest.raises(ValueError, match="shape"):
        effective_field(model, x)


def check_rows(rows):
    for seed in range(5):
        field = noise(11, 4, seed=seed).abs()
        for share in (0.1, 0.5, 0.95, 1.0):
            mass = [field[a:b].sum() / field.sum() for n in range(1, 12) for a in range(12 - n) for b in [a + n]]
            lengths = [n for n in range(1, 12) for _ in range(12 - n)]
            assert rows(field, share) == min(n for n, m in zip(lengths, mass, strict=True) if m >= share - 1e-6)


def test_the_fewest_rows_are_found():
    check_rows(rows_holding)
    refuses(check_rows, lambda field, share: rows_holding(field, share) + 1)
    refuses(check_rows, lambda field, share: rows_holding(field.T, share))


def test_field_pages_draw_the_box_of_the_rule_around_the_gradient():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3, padding=1))
    x = noise(16, 1, 24, 24)
    for depth, (row, (name, picture, said)) in zip(
        (1, 3, 4), zip(receptive_field(model), field_pages(model, x), strict=True), strict=True
    ):
        field = effective_field(model[:depth], x)
        box = picture.figure.axes[0].patches[-1]
        cell = 3.2 / 24
        top, left = (box.get_y() - 0.22 - 0.4) / cell, (box.get_x() - 0.22) / cell
        assert name == row["layer"] and f"sees {row['sees']} rows" in said == picture.alt
        assert box.get_height() / cell == pytest.approx(row["sees"]) == box.get_width() / cell
        rows = field.sum(1).nonzero().flatten()
        assert top == pytest.approx(int(rows.min()), abs=0.01) and left == pytest.approx(top)
        assert len(rows) == row["sees"]


# ---- alternatives ----------------------------------------------------------------------------------------------------


def check_windows(windows):
    for size, out in itertools.product((1, 5, 8, 13), (1, 2, 3, 5, 9)):
        assert windows(size, out) == [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def test_adaptive_windows_follow_the_rule():
    check_windows(adaptive_windows)
    refuses(check_windows, lambda size, out: [(i * (size // out), (i + 1) * (size // out)) for i in range(out)])
    with torch.no_grad():
        assert adaptive_windows(5, 3) == [(0, 2), (1, 4), (3, 5)]
    with pytest.raises(ValueError, match="1 or more"):
        adaptive_windows(0, 1)


def multiply_adds(layer, x):
    with FlopCounterMode(display=False) as counter:
        layer(x)
    return counter.get_total_flops() / 2


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 6, 3, stride=2, padding=1),
        nn.Conv2d(4, 4, 5, dilation=2, groups=4),
        nn.Sequential(nn.Conv2d(4, 2, 3), nn.Conv2d(2, 1, (1, 3))),
        nn.Sequential(nn.Flatten(), nn.Linear(4 * 16 * 16, 10)),
    ],
)
def test_a_convolution_reads_what_torch_multiplies(layer):
    x = torch.zeros(2, 4, 16, 16)
    (row,) = costs({"it": layer}, x)
    assert row["reads"] == multiply_adds(layer, x) and row["output"] == tuple(layer(x).shape)
    assert row["parameters"] == sum(p.numel() for p in layer.parameters()) and row["each is"] == "multiplied, added"


@pytest.mark.parametrize(
    "layer", [nn.MaxPool2d(3, 2), nn.AvgPool2d(2), nn.LPPool2d(2, (2, 3), 1), nn.AdaptiveAvgPool2d((3, 5))]
)
def test_a_pooling_reads_each_window(layer):
    x = torch.rand(2, 3, 9, 11).requires_grad_()
    out = nn.AvgPool2d(layer.kernel_size, layer.stride)(x) if hasattr(layer, "kernel_size") else layer(x)
    reads = sum(int(torch.autograd.grad(cell, x, retain_graph=True)[0].count_nonzero()) for cell in out[0, 0].flatten())
    assert costs({"it": layer}, x)[0]["reads"] == 6 * reads


def test_layers_one_by_one_add_up():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), nn.Flatten(), nn.Linear(36, 2))
    x = torch.zeros(1, 1, 8, 8)
    rows = layer_by_layer(model, x)
    assert rows.column("layer") == ["Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear"]
    assert rows.column("reads") == [36 * 4 * 9, 144, 144, 0, 72] and rows[-1]["output"] == (1, 2)
    assert costs({"all": model}, x)[0]["reads"] == sum(rows.column("reads"))
    with pytest.raises(TypeError, match="PixelUnshuffle"):
        costs({"it": nn.PixelUnshuffle(2)}, x)


def test_maps_side_by_side_are_said_in_words():
    picture = side_by_side({"a": [[1, 2]], "b": torch.zeros(1, 2, 2)}, same_scale=False)
    assert picture.alt == "a, 1 by 2: 1, 2. b, 2 by 2: 0, 0; 0, 0."
    assert side_by_side({"photo": images.photo(20, gray=True)}).alt.startswith(
        "photo, an image of 20 by 20: values from "
    )
    for maps in ({}, {"a": torch.zeros(2, 3, 3)}, {"a": torch.zeros(0, 3)}):
        with pytest.raises(ValueError):
            side_by_side(maps)


# ---- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backward", [False, True])
def test_bytes_are_those_of_the_tensors(backward):
    x = torch.zeros(2, 3, 6, 8)
    values, places = F.max_pool2d(x, 2, return_indices=True)
    assert bytes_moved("max", x.shape, backward) == x.nbytes + values.nbytes + places.nbytes
    assert bytes_moved("average", x.shape, backward) == x.nbytes + values.nbytes


def test_the_table_compares_with_the_copy():
    table = bandwidth(shape=(1, 2, 8, 8), seconds=0.001)
    assert len(table) == 10 and table[0]["of copy"] == "100%" and "torch" in table.caption
    kinds = itertools.product(("max", "average"), ("contiguous", "channels_last"), ("forward", "backward"))
    assert [(row["what"], row["layout"], row["direction"]) for row in table[2:]] == list(kinds)
    for row in table:
        assert row["GB/s"] == pytest.approx(row["MB"] / row["ms"]) and row["ms"] > 0
        assert row["of copy"] == f"{row['GB/s'] / table[0]['GB/s']:.0%}"
        assert row["of new copy"] == f"{row['GB/s'] / table[1]['GB/s']:.0%}"


def test_the_lessons_names_are_the_packages():
    assert all(hasattr(expert, name) for name in expert.__all__)
