"""Is an explorer read where no widget runs, saved small however large its input, and are odd numbers kept?"""

import html.parser
import math

import pytest
import torch
from torch import nn

from pooling_course import GradientFlow, Pooling, PoolingExplorer
from pooling_course.maths import words
from pooling_course.maths.trace import trace

# --- how it shows itself elsewhere --------------------------------------------------------------------------------


class Tables(html.parser.HTMLParser):
    """Captions and cells of the tables in a page, as a reader sees them."""

    def __init__(self, text):
        super().__init__()
        self.found, self.at = [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.at = tag
        if tag == "table":
            self.found.append(["", []])
        if tag == "tr":
            self.found[-1][1].append([])

    def handle_data(self, data):
        if self.at == "caption":
            self.found[-1][0] += data
        if self.at in ("td", "b"):
            self.found[-1][1][-1].append(data)


def written(tensor):
    return [[words.number(v) for v in row] for row in tensor.tolist()]


def test_its_text_is_stable_and_holds_no_address(explorer):
    assert repr(explorer) == "PoolingExplorer(6 x 6, nn.MaxPool2d(kernel_size=2))" == repr(PoolingExplorer())


def test_an_untrusted_notebook_gets_the_numbers_as_text_and_as_tables(explorer):
    explorer.x = [[1, 2.5, -3], [math.nan, math.inf, 1 / 3]]
    data, _ = explorer._repr_mimebundle_()
    assert data["text/plain"] == repr(explorer)
    (given, x), (layer, output) = Tables(data["text/html"]).found
    assert given == "Input 2 × 3" and x == written(explorer.x)
    assert layer == "nn.MaxPool2d 1 × 1" and output == written(explorer.trace.output)
    assert "<code>nn.MaxPool2d(kernel_size=2)</code>" in data["text/html"]


def test_a_large_input_is_named_and_its_text_is_escaped(explorer, monkeypatch):
    explorer.x = torch.zeros(30, 30)
    monkeypatch.setattr(PoolingExplorer, "__repr__", lambda self: "<script>&")
    assert "&lt;script&gt;&amp;" in explorer._as_html() and "<script>" not in explorer._as_html()


def test_the_bundle_still_names_the_widget(explorer):
    assert "application/vnd.jupyter.widget-view+json" in explorer._repr_mimebundle_()[0]


# --- numbers that JSON cannot hold --------------------------------------------------------------------------------


def as_sent(widget):
    """The state as Jupyter sends it: JSON without NaN, and bytes apart."""
    import json

    return json.loads(json.dumps(widget.get_state(), allow_nan=False, default=lambda raw: f"{len(raw)} bytes"))


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_odd_numbers_reach_the_page_as_they_are(odd):
    layer = nn.Conv2d(1, 1, 2)
    with torch.no_grad():
        layer.weight[0, 0, 1, 0] = layer.bias[0] = odd
    x = torch.tensor([[odd, 1.0, 2], [3, odd, 5], [6, 7, 8]])
    for widget in (
        PoolingExplorer(x, layer),
        GradientFlow(x, layer),
        GradientFlow(x, nn.LPPool2d(2, 2), upstream=x[:1, :1]),
    ):
        state = as_sent(widget)
        if widget.kind == "conv":
            assert state["weights"]["weight"][0][1][0] == state["weights"]["bias"][0] == str(odd)
            assert repr(widget.weights["weight"][0][1][0]) == repr(float(odd))
            widget.set_state({"weights": state["weights"]})  # as a linked page would send them back
            assert repr(widget.weights["bias"][0]) == repr(float(odd)) and widget.message == ""
        data, _ = widget._repr_mimebundle_()
        assert str(odd) in data["text/html"] and "nn." in data["text/plain"]


# --- what is too large ------------------------------------------------------------------------------------------------


def saved(widget):
    """Bytes that a saved notebook keeps of it."""
    state = widget.get_state()
    raw = sum(len(part) * 4 / 3 for part in buffers(state))
    return raw + len(
        repr({name: value for name, value in state.items() if name not in ("_esm", "_css", "book", "own")})
    )


def buffers(value):
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return [value] if isinstance(value, (bytes, memoryview)) else []
    return [raw for v in value for raw in buffers(v)]


LARGE = {
    "a photo": lambda: torch.rand(3, 3000, 4000),
    "a grey photo of bytes": lambda: torch.randint(255, (2000, 3000), dtype=torch.uint8),
    "a map": lambda: torch.randn(2000, 2000),
    "doubles": lambda: torch.randn(5, 900, 900, dtype=torch.float64),
    "features": lambda: torch.randn(1024, 56, 56),
}
DEAR = {
    "usual": lambda c: Pooling("max", 2),
    "as large as the input": lambda c: Pooling("avg", 3, 1, 1),
    "adaptive": lambda c: nn.AdaptiveAvgPool2d(4000),
    "norm": lambda c: nn.LPPool2d(2, 5, 1),
    "weights": lambda c: nn.Conv2d(c, c, 5, groups=c),
}


@pytest.mark.slow
@pytest.mark.parametrize("layer", DEAR)
@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_saved_notebook_stays_below_10_mb(name, layer, direction):
    x = LARGE[name]()
    if layer == "weights" and not x.is_floating_point() or direction == "backward" and layer == "adaptive":
        return
    pooling = DEAR[layer](x.shape[0] if x.ndim == 3 else 1)
    explorer = PoolingExplorer(x, pooling, compare=True, direction=direction)
    assert saved(explorer) < 10_000_000, saved(explorer)
    whole = " x ".join(map(str, x.shape))
    assert whole in repr(explorer) and explorer.book["input"]["part"] in repr(explorer)
    data, _ = explorer._repr_mimebundle_()
    assert whole in data["text/html"] and whole in data["text/plain"]
    if name == "a photo" and layer == "usual":
        assert trace(pooling, x).output.shape == (3, 1500, 2000)  # which has no limit
