"""Do the relatives of the two poolings, in a real JupyterLab, show torch's numbers for every place of their sliders?"""

import pytest
import torch
from playwright.sync_api import expect
from torch import nn

from harness import browser, plain
from harness.explorers import copied, faults, new_page, run_cell, written
from harness.relatives import IN_WORDS, NAMES
from pooling_course import Pooling, PoolingExplorer, images, trace
from pooling_course.maths import words
from pooling_course.maths.kinds import settings_of
from pooling_course.maths.kinds.adaptive import Adaptive
from pooling_course.maths.kinds.depthwise import Depthwise
from pooling_course.maths.kinds.lp import LP

pytestmark = pytest.mark.browser
WORKED = images.preset("worked")
WEIGHTS = [[[[1.0, -2.0, 0.5], [0.25, 0.0, -1.0], [3.0, 1.0, -0.125]]]]
CHANGES = [
    ("layer = nn.LPPool2d(2, 2)", "nn.LPPool2d(norm_type=2, kernel_size=2)"),
    ("layer = conv", "nn.Conv2d(in_channels=1, out_channels=1, kernel_size=3, stride=2, padding=1)"),
    ("layer = nn.AvgPool2d(2)", "nn.AvgPool2d(kernel_size=2)"),
    ("kind = 'adaptive max'", "nn.AdaptiveMaxPool2d(output_size=2)"),
    ("kind = 'lp'", "nn.LPPool2d(norm_type=2, kernel_size=2)"),
]
CELLS = [
    "import torch\nfrom torch import nn\nfrom pooling_course import PoolingExplorer\n"
    f"conv = nn.Conv2d(1, 1, 3, stride=2, padding=1)\nconv.load_state_dict({{'weight': torch.tensor({WEIGHTS}), "
    "'bias': torch.tensor([0.5])})",
    "adaptive = PoolingExplorer('worked', nn.AdaptiveAvgPool2d(4), compare=True)\nadaptive",
    "lp = PoolingExplorer('worked', nn.LPPool2d(2, 2))\nlp",
    "convolution = PoolingExplorer('worked', conv, compare=True)\nconvolution",
    "whole = nn.Conv2d(1, 1, 2)\nwhole.load_state_dict({'weight': torch.tensor([[[[1., 0], [0, -1]]]]), "
    "'bias': torch.tensor([2.])})\nPoolingExplorer('worked', whole)",
    "PoolingExplorer('worked', nn.Conv2d(1, 1, 3, padding=2))",
    "PoolingExplorer(torch.tensor([[0., 0, 1, 2], [0, 0, 3, 4]]), nn.LPPool2d(2, 2))",
    "changing = PoolingExplorer()\nchanging",
    *(f"changing.{change}" for change, _ in CHANGES),
]


@pytest.fixture(scope="module")
def page(lab, chromium):
    lab.write("relatives.ipynb", *CELLS)
    page = new_page(chromium)
    lab.open(page, "relatives.ipynb")
    lab.run_all(page)
    expect(page.locator(".pc-explorer")).to_have_count(7, timeout=browser.START)
    yield page
    page.context.close()


def conv(**settings):
    return Depthwise(WEIGHTS[0], [0.5], **settings)


def by_torch(p, x):
    with torch.no_grad():
        return p.layer()(x[None])[0]


def check(explorer, *poolings):
    """The code lines, and every number of inputs and outputs, are torch's own."""
    expect(explorer.code).to_have_text([p.code() for p in poolings])
    seen = explorer.read()
    tables = {name.partition(",")[0]: rows for name, rows in seen["tables"]}
    for p in poolings:
        expected = by_torch(p, WORKED)
        assert tables[f"{NAMES[p.kind]} output"] == written(expected)
        size = "{} × {}".format(*expected.shape)
        assert any(c.startswith(f"{NAMES[p.kind]} output {size}") for c in seen["captions"])
        text = trace(p, WORKED).window(0, 0).text
        assert f"{NAMES[p.kind]} output at row 0, column 0: {text}." in seen["sentence"]


def check_backwards(explorer, *poolings):
    expect(explorer.code).to_have_text([p.code() for p in poolings])
    tables = {name.rpartition(",")[0]: rows for name, rows in explorer.read()["tables"]}
    for p in poolings:
        x = WORKED.clone().requires_grad_()
        p.layer()(x[None]).sum().backward()
        assert tables[f"Input gradient of {IN_WORDS[p.kind]}"] == written(x.grad)


def test_adaptive_pooling_has_one_slider_the_output_size(page):
    adaptive = run_cell(page, 1)
    assert not adaptive.slider("kernel_size").is_visible() and not adaptive.slider("dilation").is_visible()
    for n in range(1, 9):
        adaptive.slide("output_size", n)
        check(adaptive, *(Adaptive(kind, n) for kind in ("adaptive max", "adaptive avg")))
    adaptive.tick("height and width apart", True)
    adaptive.slide("output_size, width", 2)
    check(adaptive, *(Adaptive(kind, (8, 2)) for kind in ("adaptive max", "adaptive avg")))
    adaptive.choose("Backward")
    check_backwards(adaptive, *(Adaptive(kind, (8, 2)) for kind in ("adaptive max", "adaptive avg")))


def test_lp_pooling_has_its_norm_as_a_slider_and_average_for_a_twin(page):
    lp = run_cell(page, 2)
    for norm in (1, 2, 4):
        slide_norm(lp, norm)
        for k, stride in [(2, 2), (3, 1), (5, 3)]:
            lp.slide("kernel_size", k)
            lp.slide("stride", stride)
            check(lp, LP(norm, k, stride))
    lp.tick("ceil_mode", True)
    check(lp, LP(4, 5, 3, True))
    expect(lp.slider("padding")).to_be_disabled()
    lp.choose("Both")
    check(lp, LP(4, 5, 3, True), Pooling("avg", 5, 3, ceil_mode=True))
    lp.choose("Backward")
    check_backwards(lp, LP(4, 5, 3, True), Pooling("avg", 5, 3, ceil_mode=True))


def test_a_convolution_that_pads_more_than_an_average_can_is_shown_alone(page):
    convolution = run_cell(page, 5)
    for kind in ("Both", "Average"):
        convolution.root.get_by_role("radio", name=kind, exact=True).click()  # not check(): it does not stay
        expect(convolution.notice).to_contain_text("padding may be at most kernel_size // 2 = 1")
        expect(convolution.root.get_by_role("radio", name="Convolution")).to_be_checked()
        expect(convolution.code).to_have_text("nn.Conv2d(in_channels=1, out_channels=1, kernel_size=3, padding=2)")
    assert "Convolution output 8 × 8" in " ".join(convolution.read()["captions"])
    convolution.slide("padding", 1)
    expect(convolution.notice).to_be_hidden()
    convolution.choose("Both")
    expect(convolution.code).to_have_count(2)


def test_another_layer_from_python_changes_all_at_once(page):
    changing = run_cell(page, 7)
    page.complaints.clear()
    for i, (_, code) in enumerate(CHANGES, 8):
        page.locator(".jp-Notebook .jp-CodeCell").nth(i).locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        expect(changing.code).to_have_text(code)
    assert page.complaints == []


def test_of_a_window_of_zeros_no_value_is_called_larger(page):
    zeros = run_cell(page, 6)
    zeros.grid("LP output").press("Home")
    expect(zeros.sentence).to_contain_text("All its values are 0.")
    expect(zeros.sentence).not_to_contain_text("the larger its share")
    zeros.grid("LP output").press("ArrowRight")
    expect(zeros.sentence).to_contain_text("The larger a value is in size, the larger its share.")


def slide_norm(explorer, norm):
    slider = explorer.slider("norm_type")
    slider.focus()
    while (now := float(slider.input_value())) != norm:
        explorer.page.keyboard.press("ArrowRight" if norm > now else "ArrowLeft")
        assert float(slider.input_value()) != now


@pytest.mark.parametrize("k, scale, scrolls", [(3, 100, False), (3, 0.01, True), (5, 100, True)])
def test_weights_of_many_digits_have_three_and_scroll_where_there_is_no_room(chromium, k, scale, scrolls):
    page = chromium.new_page(viewport={"width": 760, "height": 620})
    layer = nn.Conv2d(1, 1, k)
    weights = scale * (torch.rand(1, 1, k, k, generator=torch.Generator().manual_seed(0)) - 0.5)
    weights = weights.round(decimals=2 if scale == 100 else 9)  # 12.34 is written in full elsewhere
    layer.load_state_dict({"weight": weights, "bias": torch.tensor([1 / 3])})
    shown = plain.mount(page, PoolingExplorer("worked", layer), 736).locator(".pc-weights")
    expect(shown.locator("caption")).to_have_text("Weights, bias 0.333")
    expect(shown.locator("tbody td")).to_have_text(
        [words.number(float(f"{w:.3g}")) for w in weights.flatten().tolist()]
    )
    assert shown.evaluate("(el) => el.scrollWidth > el.clientWidth") == scrolls
    assert shown.get_attribute("tabindex") == ("0" if scrolls else None)
    assert faults(page) == []
    page.close()


def test_a_convolution_shows_its_weights_which_hold_its_kernel_size(page):
    convolution = run_cell(page, 3)
    expect(convolution.slider("kernel_size")).to_be_disabled()
    weights = convolution.root.locator(".pc-weights")
    expect(weights.locator("caption")).to_have_text("Weights, bias 0.5")
    expect(weights.locator("td:not(:first-child), tbody td")).to_have_text(
        [words.number(w) for row in WEIGHTS[0][0] for w in row]
    )
    for stride, padding in [(2, 1), (1, 1), (1, 0), (3, 0)]:
        convolution.slide("stride", stride)
        convolution.slide("padding", padding)
        check(convolution, conv(stride=stride, padding=padding), Pooling("avg", 3, stride, padding))
    convolution.choose("Convolution")
    convolution.slide("dilation", 2)
    check(convolution, conv(stride=3, dilation=2))
    convolution.slide("dilation", 1)
    convolution.choose("Both")
    convolution.choose("Backward")
    check_backwards(convolution, conv(stride=3), Pooling("avg", 3, 3))


def test_pointing_backwards_tells_where_a_gradient_goes_and_what_a_cell_gets(page):
    lp = run_cell(page, 2)
    lp.slide("stride", 1)
    lp.choose("Backward")
    t = trace(LP(2, 2, 1), WORKED)
    lp.grid("Upstream gradient").press("ArrowRight")
    shares = [words.number(sum(t.window(0, 1).shares))]
    expect(lp.sentence).to_contain_text(f"The shares of its 4 cells add up to ≈ {shares[0]}.")
    lp.grid("Input gradient").press("ArrowDown")
    gets = t.backward()[1, 1].item()
    expect(lp.sentence).to_contain_text(f"≈ {words.number(gets)}: a share from each of the 4 windows that read it.")


def test_what_torch_makes_of_infinite_shares_is_shown_and_not_called_lossless(page):
    lp = run_cell(page, 2)
    slide_norm(lp, 0.5)  # a 0 in the input has an infinite share
    lp.choose("Backward")
    check_backwards(lp, LP(0.5, 2))
    totals = lp.root.locator(".pc-totals")
    expect(totals).to_have_text("LP: upstream gradient 9 in all, input gradient inf in all.")
    lp.root.get_by_role("combobox", name="Upstream gradient").select_option("chosen")
    expect(totals).to_contain_text("upstream gradient 1 in all")
    # windows apart, overlapping, and with cells that no window reads, at a cell that has the 0 and at others
    for stride, row, col in [(2, 0, 0), (1, 2, 4), (1, 1, 3), (1, 0, 0), (3, 0, 0), (3, 1, 1)]:
        lp.slide("stride", stride)
        lp.at_rest()
        for key in ["Home", "PageUp", *["ArrowDown"] * row, *["ArrowRight"] * col]:
            lp.grid("Upstream gradient").press(key)
        x = WORKED.clone().requires_grad_()
        output = LP(0.5, 2, stride).layer()(x[None])[0]
        one = torch.zeros_like(output)
        one[row, col] = 1
        output.backward(one)
        assert x.grad.isnan().any()  # 0 times infinity
        tables = {name.rpartition(",")[0]: rows for name, rows in lp.read()["tables"]}
        assert tables["Input gradient of LP"] == written(x.grad), (stride, row, col)
        expect(totals).to_have_text("LP: upstream gradient 1 in all, input gradient nan in all.")


def test_copy_gives_the_weights_along_with_a_convolution(page):
    convolution = run_cell(page, 3)
    convolution.slide("stride", 1)
    made = {"nn": nn, "torch": torch}
    exec(copied(convolution), made)
    assert torch.equal(made["layer"](WORKED[None])[0], by_torch(conv(stride=1, padding=1), WORKED))
    whole = run_cell(page, 4)  # JavaScript writes its weights without a point
    exec(copied(whole), made)
    assert made["layer"].weight.tolist() == [[[[1, 0], [0, -1]]]] and made["layer"].bias.tolist() == [2]


def test_an_input_cell_names_the_shares_that_it_has_by_size(page):
    adaptive = run_cell(page, 1)
    adaptive.slide("output_size", 5)
    adaptive.grid("Input").focus()
    for key in ["ArrowDown", "ArrowRight"]:
        adaptive.page.keyboard.press(key)
    sentence = adaptive.root.locator(".pc-sentence")
    expect(sentence).to_contain_text("with a share of 1/4: outputs (0, 0) (0, 1) (1, 0) (1, 1)")
    adaptive.slide("output_size", 10)
    expect(sentence).to_contain_text("with a share of 1 or 1/2 or 1/4: outputs ")


def test_nothing_here_is_out_of_reach_of_a_screen_reader_and_no_error_was_logged(page):
    for i in (1, 2, 3):
        run_cell(page, i)
    assert faults(page) == []
    assert page.complaints == []


def test_these_checks_notice_wrong_numbers(page):
    adaptive = run_cell(page, 1)
    check(adaptive, *(Adaptive(kind, 4) for kind in ("adaptive max", "adaptive avg")))
    adaptive.root.locator(".pc-numbers td").last.evaluate("(td) => (td.textContent += '1')")
    with pytest.raises(AssertionError):
        check(adaptive, *(Adaptive(kind, 4) for kind in ("adaptive max", "adaptive avg")))
    assert settings_of(nn.AdaptiveAvgPool2d(4)) == Adaptive("adaptive avg", 4)
