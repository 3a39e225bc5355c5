"""Is training fair to every way of shrinking, the same for the same seed, and measured as it says?"""

import pytest
import torch
from torch import nn

from pooling_course import images
from pooling_course.expert.alternatives import layer_by_layer
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


@pytest.fixture(scope="module")
def runs():
    ways = {name: WAYS[name] for name in ("max", "strided")}
    return [compare_ways(ways, seeds=2, epochs=1, show=False) for _ in range(2)]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_network_and_another_another(runs):
    first, second = (found.of("max", "accuracy") + found.of("max", "shifted") for found in runs)
    assert first == second and first[0] != first[1]


@pytest.mark.slow
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


def test_the_progress_bar_counts_what_is_done(monkeypatch, bars):
    from pooling_course.expert import training

    monkeypatch.setattr(training, "_run", lambda way, shrink, task, seed, epochs: Run(way, seed, 1, 1, 1, 1, 1))
    compare_ways({"<a>": None, "b": None}, seeds=2)
    assert [text.count('value="') for text in bars] == [1] * 6
    assert [text.split("> ")[1][:6] for text in bars] == ["0 of 4", "0 of 4", "1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert "seed 1 of 2: &lt;a&gt;" in bars[1] and bars[-1].endswith("trainings, done")


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
