"""Whatever Python sets, in whatever order: is it refused in a sentence, or shown, and does the page live on?"""

import random
from functools import partial

import pytest
import torch
from playwright.sync_api import expect
from torch import nn
from traitlets import TraitError

from harness import plain
from harness.explorers import new_page
from pooling_course import GradientFlow, PoolingExplorer

STEPS = 60
INF, NAN = float("inf"), float("nan")
rand = partial(torch.rand, generator=torch.Generator().manual_seed(0))
LAYERS = [
    nn.MaxPool2d(2),
    nn.MaxPool2d(3, 2, 1, dilation=2),
    nn.AvgPool2d(3, 1, 1),
    nn.LPPool2d(2, 2),
    nn.AdaptiveAvgPool2d(4),
    nn.FractionalMaxPool2d(2, output_size=3, _random_samples=torch.full((1, 1, 2), 0.5)),
    nn.Conv2d(1, 1, 3, padding=1),
]
INPUTS = [
    *["worked", "odd", "photo"],
    *[rand(5, 7), rand(3, 6, 6), rand(2, 1, 9), rand(40, 40), torch.zeros(1, 1)],
    *[torch.arange(36).reshape(6, 6), rand(6, 6) > 0.5, rand(6, 6).half()],
    *[torch.full((4, 4), NAN), torch.tensor([[INF, 1.0], [-INF, 0.0]])],
]
UPSTREAMS = [None, "chosen", rand(3, 3), rand(2, 2), rand(1, 6, 6), torch.full((3, 3), INF)]
KINDS = ["max", "avg", "lp", "adaptive max", "adaptive avg", "conv", "fractional max"]
ONE_BY_ONE = {
    **dict.fromkeys(["ceil_mode", "count_include_pad", "compare"], [True, False]),
    **{"kind": KINDS, "layer": LAYERS, "x": INPUTS, "preset": ["", "worked", "peak", "nonsense"]},
    **{"upstream": UPSTREAMS, "upstream_mode": ["ones", "chosen", "own"], "own": [{}]},
    **{"divisor_override": [None, 1, 5, -2], "norm_type": [1, 2, 2.5, 10, 0, -1], "samples": [0, 0.3, 0.99, 1]},
    **{"direction": ["forward", "backward"], "chosen": [[0, 0], [5, 99], [99, 1], [0, -3], [1]]},
    **{"front": [[], ["stride"], ["nonsense"]], "message": ["", "hello"]},
}
SIZES = {"kernel_size": (1, 6), "stride": (1, 6), "padding": (0, 3), "dilation": (1, 3), "output_size": (1, 12)}


def drawn(dice):
    """A few traits, and what they are set to."""
    for name in dice.sample([*ONE_BY_ONE, *SIZES], dice.choice([1, 1, 2, 3])):
        if name in ONE_BY_ONE:
            yield name, dice.choice(ONE_BY_ONE[name])
        else:
            height, width = dice.randint(*SIZES[name]), dice.randint(*SIZES[name])
            yield name, dice.choice([height, (height, width)])


def put(widget, given):
    """Set traits; what does not go is refused in a sentence, and so is whatever is asked of the widget afterwards."""
    sets = [partial(setattr, widget, name, value) for name, value in given.items()]
    for does in [*sets, lambda: widget.trace, lambda: widget.gradient]:
        try:
            does()
        except (TraitError, TypeError, ValueError) as refused:
            assert len(f"{refused}") > 20, given
    assert repr(widget) and widget._repr_mimebundle_(), given


@pytest.mark.parametrize("seed", range(20))
def test_python_tells_of_whatever_is_set(seed):
    dice = random.Random(seed)
    widget = dice.choice([PoolingExplorer, GradientFlow])("worked", "max")
    for _ in range(STEPS):
        put(widget, dict(drawn(dice)))


@pytest.mark.browser
@pytest.mark.parametrize("widget", [PoolingExplorer, GradientFlow])
def test_a_page_shows_whatever_is_set(chromium, widget):
    dice = random.Random(3)
    page = new_page(chromium)
    page.goto("about:blank")
    explorer = widget("worked", "max")
    root = plain.mount(page, explorer, 736)
    for _ in range(STEPS):
        given = dict(drawn(dice))
        plain.in_python(root, lambda given=given: put(explorer, given))
        if dice.random() < 0.3:
            root.get_by_role("button", name="Next window").click()
        expect(root).not_to_have_attribute("aria-busy", "true")
        assert page.complaints == [], given
    page.context.close()
