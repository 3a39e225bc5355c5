"""What the expert lesson measures with: is each number what a slow, other way gives, and is a wrong one refused?

A check takes an implementation and fails with an AssertionError. Beside ours, each is shown wrong ones.
"""

import itertools
import json
from urllib.parse import unquote

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from harness.explorers import STICKING_OUT
from pooling_course import PoolingExplorer, digit_reader, expert, images
from pooling_course.exercises.tasks.receptive_field import Mistakes
from pooling_course.expert.alternatives import adaptive_windows, costs, layer_by_layer, side_by_side
from pooling_course.expert.bandwidth import bandwidth, bytes_moved
from pooling_course.expert.reader import reading_pages
from pooling_course.expert.receptive import effective_field, field_pages, receptive_field, rows_holding
from pooling_course.expert.shifts import BlurPool2d, changed, relative_change, shift_pages
from pooling_course.expert.table import Folded, Table
from pooling_course.expert.training import (
    SHIFTS,
    WAYS,
    Comparison,
    Run,
    compare_ways,
    digit_task,
    scattered_task,
    small_network,
)
from pooling_course.pictures import charts, figures
from pooling_course.pictures.flipbook import Flipbook
from pooling_course.web import assets


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


def digit_pages():
    digit = F.pad(images.preset("digit"), (2, 4))
    layers = {"max": nn.MaxPool2d(2), "average": nn.AvgPool2d(2), "blur": BlurPool2d(3)}
    return digit, layers, shift_pages(layers, digit, range(5))


def test_pages_of_shifts_say_what_stays_and_what_moves_along(pages):
    digit, layers, pages = pages
    first = {name: layer(digit[None, None]) for name, layer in layers.items()}
    for shift, (name, picture, said) in enumerate(pages):
        assert name == str(shift) and picture.alt.startswith(said)
        marks = [a for a in picture.figure.axes[0].lines if a.get_gid() == "changed"]
        changes = 0
        for which, layer in layers.items():
            moved = torch.cat([digit.new_zeros(8, shift), digit[:, : 14 - shift]], 1)  # its last columns are empty
            out = layer(moved[None, None])
            stays = int((out == first[which]).sum())
            changes += out.numel() - stays
            assert f"{which} keeps {stays}" in said
        assert len(marks) == changes
        assert ("Moved along as a whole: max, average, blur." in said) == (shift in (2, 4))
        assert ("Moved along" in said) == (shift in (2, 4))


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


# ---- training --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs():
    ways = {name: WAYS[name] for name in ("max", "strided")}
    return [compare_ways(ways, seeds=2, epochs=1, show=False) for _ in range(2)]


def test_the_same_seed_gives_the_same_network_and_another_another(runs):
    first, second = (found.of("max", "accuracy") + found.of("max", "shifted") for found in runs)
    assert first == second and first[0] != first[1]


def test_max_lets_a_quarter_through_and_a_stride_nearly_all(runs):
    assert max(runs[0].of("max", "reached")) <= 0.25 and min(runs[0].of("strided", "reached")) > 0.9


def test_training_leaves_random_numbers_as_they_were():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    compare_ways({"none": WAYS["none"]}, digit_task(0), seeds=1, epochs=1, show=False)
    assert torch.equal(torch.rand(3), expected)


def test_what_is_measured_after_training(monkeypatch):
    """A network that reads the label off the picture: right where nothing moved, and what it then says is known."""
    from pooling_course.expert import training

    task = digit_task()
    x = torch.zeros(10, 1, 12, 12)
    x[range(10), 0, 5, range(1, 11)] = 1  # the column says the label
    task = training.Task(task.x[:64], task.y[:64], x, torch.arange(10))

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.shrink2 = nn.MaxPool2d(1)

        def forward(self, x):
            return self.shrink2(x)[:, 0].amax(1)[:, 1:11]

    monkeypatch.setattr(training, "small_network", lambda shrink: Reader())
    monkeypatch.setattr(training, "train", lambda *_: None)
    run = training._run("reader", None, task, 0, 1)
    # A move up or down leaves the column: 2 of 8 shifts. Any other is wrong, but for the one digit that falls off an
    # edge: then all columns are 0, and the first is named, which is right for a 0 that moved left.
    assert run.accuracy == 1 and run.shifted == pytest.approx((2 * 10 + 3) / 80) and run.steady == 0


def test_shifts_are_the_eight_neighbours():
    assert len(set(SHIFTS)) == 8 and all(max(map(abs, shift)) == 1 for shift in SHIFTS)


def test_every_way_has_the_same_weights_and_shrinks_as_it_says():
    x, reached = torch.zeros(2, 1, 12, 12), {}
    for way, shrink in WAYS.items():
        model = small_network(shrink).eval()
        assert model(x).shape == (2, 10) and sum(p.numel() for p in model.parameters()) == 3778
        reached[way] = layer_by_layer(model, x)[-4]["output"][-1]
    assert reached == {"max": 3, "average": 3, "strided": 3, "blur": 3, "none": 12}


def test_digits_stand_on_an_empty_border_and_are_parted():
    task, (x, y) = digit_task(), images.digits()
    assert torch.equal(torch.cat([task.x, task.test_x])[:, :, 2:10, 2:10] * 16, x)
    assert torch.cat([task.x, task.test_x]).sum() * 16 == x.sum()
    assert torch.equal(torch.cat([task.y, task.test_y]), y) and len(task.x) == 1200


def test_scattered_digits_are_whole_and_noisy():
    clean, noisy, (x, _) = scattered_task(0.0), scattered_task(0.3), images.digits()
    torch.testing.assert_close(clean.x.sum((1, 2, 3)) * 16, x[:1200].sum((1, 2, 3)))
    assert (noisy.x - clean.x).std() == pytest.approx(0.3, abs=0.01)
    where = clean.x.amax((1, 2)).argmax(1)
    assert len(where.unique()) > 8 and torch.equal(scattered_task(0.3).x, noisy.x)
    with pytest.raises(ValueError, match="size=9"):
        scattered_task(size=9)


def test_the_progress_bar_counts_what_is_done(monkeypatch):
    from pooling_course.expert import bar, training

    shown = []

    class Handle:
        def update(self, html):
            shown.append(html.data)

    monkeypatch.setattr(bar, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda html, display_id: shown.append(html.data) or Handle())
    monkeypatch.setattr(training, "_run", lambda way, shrink, task, seed, epochs: Run(way, seed, 1, 1, 1, 1, 1))
    compare_ways({"<a>": None, "b": None}, seeds=2)
    assert [text.count('value="') for text in shown] == [1] * 6
    assert [text.split("> ")[1][:6] for text in shown] == ["0 of 4", "0 of 4", "1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert "seed 1 of 2: &lt;a&gt;" in shown[1] and shown[-1].endswith("trainings, done")


def test_a_comparison_counts_right():
    numbers = {"max": (0.9, 0.8), "blur": (0.95, 0.75)}
    found = Comparison([Run(way, i, v[i], 0.5, 0.4, 0.25, 1.0 + i) for i in (0, 1) for way, v in numbers.items()])
    with pytest.raises(ValueError, match="'maxx' is none of the ways that were compared: max, blur"):
        found.difference("blur", "maxx")
    assert found.ways == ["max", "blur"] and found.difference("blur", "max") == pytest.approx([0.05, -0.05])
    assert found.table[0]["accuracy %"] == "85.0 (80.0 to 90.0)" and found.table[0]["seconds"] == "1.5"
    assert found.picture().alt == "Right on the test digits. max: 90%, 80%; mean 85%. blur: 95%, 75%; mean 85%."
    with pytest.raises(ValueError, match="seeds=0"):
        compare_ways(seeds=0)


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


# ---- tables, charts, flipbooks ---------------------------------------------------------------------------------------


def test_a_table_is_data_and_text():
    table = Table([{"a": 0.25, "b": "<i>"}, {"a": 12345, "b": (1, 2)}], "What & why")
    assert table.column("a") == [0.25, 12345] and json.loads(json.dumps(table))[0]["a"] == 0.25
    assert repr(table) == "What & why\na       b\n0.25    <i>\n12,345  1 × 2"
    assert "<td>&lt;i&gt;</td>" in table._repr_html_() and "What &amp; why" in table._repr_html_()
    assert repr(Table([])) == ""


def test_what_is_folded_is_closed_and_holds_what_it_says():
    line, table = Folded("2 < 3"), Folded(Table([{"a": 1}], "One"))
    assert line._repr_html_().startswith("<details ") and " open" not in line._repr_html_().partition(">")[0]
    assert "<p>2 &lt; 3</p></details>" in line._repr_html_() and repr(line) == "2 < 3"
    assert table.told._repr_html_() in table._repr_html_() and repr(table) == "One\na\n1"


def test_lines_end_beside_their_names():
    picture = charts.lines([0, 1], {"up": [0, 1], "down": [1, 0], "same": [0, 1]}, "x", "y")
    assert picture.alt == "y over x. up: 0 at 0, 1 at 1. down: 1 at 0, 0 at 1. same: 0 at 0, 1 at 1."
    names = {text.get_text(): text.get_position()[1] for text in picture.figure.axes[0].texts}
    assert names["same"] < names["up"] < names["down"]  # measured from the top; two equal ends are set apart
    assert len({line.get_linestyle() for line in picture.figure.axes[1].lines if line.get_gid()}) == 3
    for series in ({}, {"a": [1]}, dict.fromkeys("abcdef", [1, 2])):
        with pytest.raises(ValueError, match="one to 5 series"):
            charts.lines([0, 1], series, "x", "y")


def test_on_axes_of_factors_lines_keep_their_gaps_and_their_ends():
    series = {"all": [1, 10, 100], "gap": [2, float("nan"), 1000], "short": [3, 30, float("nan")]}
    picture = charts.lines([6, 28, 512], series, "side", "ms", log=True)
    assert (
        picture.alt
        == "ms over side. all: 1 at 6, 10 at 28, 100 at 512. gap: 2 at 6, 1000 at 512. short: 3 at 6, 30 at 28."
    )
    names = {text.get_text(): text.get_position()[1] for text in picture.figure.axes[0].texts}
    assert names["gap"] < names["all"] < names["short"]
    axes = picture.figure.axes[1]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["6", "28", "512"]


def test_every_number_is_a_dot():
    figure = charts.dots({"a": [1, 2, 2], "b": [3]}, "Title").figure
    found = {line.get_gid(): line.get_xdata() for line in figure.axes[1].lines}
    assert list(found["a"]) == [1, 2, 2] and list(found["b"]) == [3]


@pytest.fixture(scope="module")
def pages():
    return digit_pages()


@pytest.fixture(scope="module")
def flipbook(pages):
    return Flipbook(pages[2], "columns")


@pytest.fixture
def book(flipbook):
    flipbook.at = 0
    return flipbook


def test_a_flipbook_holds_pictures_with_words(book):
    assert [page["name"] for page in book.pages] == list("01234") and repr(book) == "Flipbook('columns', 5 pages)"
    for page in book.pages:
        assert page["alt"].startswith(page["said"])
        assert unquote(page["src"]).startswith("data:image/svg+xml,<svg ")
    assert sum(len(page["src"]) for page in book.pages) < 700_000
    data, _ = book._repr_mimebundle_()
    assert data["text/html"].count("<li>") == 5 and f'alt="{book.pages[0]["said"]}' in data["text/html"]


def test_a_flipbook_has_no_other_place(book):
    book.at = 4
    for at in (-1, 5):
        with pytest.raises(traitlets.TraitError, match="there are 5 pages"):
            book.at = at
    assert book.at == 4
    with pytest.raises(ValueError, match="no pages"):
        Flipbook([], "x")


SHIM = """
const state = STATE, heard = {};
globalThis.model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; (heard[`change:${name}`] ?? []).forEach((call) => call()); },
  on: (name, call) => (heard[name] ??= []).push(call), off: () => {}, save_changes: () => {},
};
widget.render({ model, el: document.body });
"""


@pytest.mark.browser
def test_a_flipbook_turns_its_pages(chromium, book):
    state = {"pages": book.pages, "label": "columns", "at": 0}
    page = chromium.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_content(f"<!doctype html><style>{Flipbook._css}</style><body></body>")
    module = assets.script("pictures/flipbook.js").replace("export default", "const widget =")
    page.add_script_tag(type="module", content=module + SHIM.replace("STATE", json.dumps(state)))
    slider, image = page.get_by_role("slider", name="columns"), page.get_by_role("img")
    slider.wait_for()
    for at in (0, 1, 2):
        assert (
            image.get_attribute("src") == book.pages[at]["src"] and image.get_attribute("alt") == book.pages[at]["alt"]
        )
        assert (
            slider.get_attribute("aria-valuetext") == str(at) and page.get_by_text(book.pages[at]["said"]).count() == 1
        )
        slider.press("ArrowRight")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("model.get('at') === 4")
    page.get_by_role("button", name="Play").wait_for()  # it stops at the end, ready to play again
    page.evaluate("model.set('at', 0)")
    assert image.get_attribute("src") == book.pages[0]["src"] and not problems
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "rows"), [(360, 2), (800, 1), (1300, 1)])
def test_a_flipbook_stays_within_its_page_and_stacks_its_panels_on_a_phone(chromium, pages, width, rows):
    """Also where the style of another widget comes last, as on the site."""
    reading = reading_pages(digit_reader(), {"first": digit_task(8).test_x[0]})
    for given in (reading, pages[2]):
        name, picture, _ = given[0]
        book = Flipbook([(name, picture, "A sentence that is wider than a phone. " * 3)] * 2, "place")
        state = {"pages": book.pages, "label": "place", "at": 0}
        page = chromium.new_page(viewport={"width": width, "height": 800})
        page.set_content(f"<!doctype html><style>{Flipbook._css}{PoolingExplorer._css}</style><body></body>")
        module = assets.script("pictures/flipbook.js").replace("export default", "const widget =")
        page.add_script_tag(type="module", content=module + SHIM.replace("STATE", json.dumps(state)))
        page.get_by_role("slider").wait_for()
        root = page.locator(".pc-flipbook")
        assert root.evaluate(STICKING_OUT) == [] and root.bounding_box()["width"] <= width - 16
        boxes = [part.bounding_box() for part in page.locator(".pc-parts > div").all()]
        assert len(boxes) == 2 and len({round(box["y"]) for box in boxes}) == rows
        if rows == 1:
            share = min(1, (width - 16 - 26) / picture.width)
            assert [box["width"] for box in boxes] == pytest.approx([share * n for n in picture.parts], abs=0.1)
        page.close()


def test_a_picture_is_parted_between_its_panels(pages):
    """No ink within the two columns of pixels on which it is parted."""
    x = images.preset("worked")
    pictures = [figures.pooled(x, nn.MaxPool2d(2), nn.AvgPool2d(2)), side_by_side({"one": x, "two": x, "three": x})]
    for picture, count in zip([*pictures, pages[2][0][1]], (3, 3, 2), strict=True):
        assert len(picture.parts) == count and sum(picture.parts) == picture.width
        canvas = FigureCanvasAgg(picture.figure)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())
        for cut in np.cumsum(picture.parts)[:-1]:
            assert (pixels[:, 2 * cut - 1 : 2 * cut + 1] == pixels[0, 0]).all()  # DPI is 200
    assert len(figures.pooled(x).parts) == 1


def test_the_lessons_names_are_the_packages():
    assert all(hasattr(expert, name) for name in expert.__all__)
