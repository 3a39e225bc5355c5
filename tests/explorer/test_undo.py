"""What is undone, redone and reset is as it was, in its order, and nothing else is touched."""

import pytest
import torch
from playwright.sync_api import expect
from torch import nn

from harness import plain
from harness.explorers import soon
from harness.hands import SETTLED, grid, press, type_over
from pooling_course import GradientFlow, PoolingExplorer, images
from pooling_course.maths import words

pytestmark = pytest.mark.browser
WORKED = images.preset("worked")


def code(root, text):
    expect(root.locator(".pc-code code")).to_have_text([text])


def test_settings_are_undone_redone_and_reset_by_buttons_and_by_keys(page, mount):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    said, wider, apart = (f"nn.MaxPool2d(kernel_size={k})" for k in ("2", "3, stride=2", "3, stride=1"))
    root.get_by_role("slider", name="kernel_size").press("ArrowRight")
    code(root, wider)
    page.wait_for_timeout(900)  # what is done at once is undone at once
    root.get_by_role("slider", name="stride").press("ArrowLeft")
    code(root, apart)
    page.keyboard.press("Control+z")
    code(root, wider)
    root.get_by_role("button", name="Undo").click()
    code(root, said)
    page.keyboard.press("Control+Shift+z")
    code(root, wider)
    root.get_by_role("button", name="Redo").click()
    code(root, apart)
    root.get_by_role("radio", name="Backward").check()
    root.get_by_role("button", name="Reset").click()
    code(root, said)
    expect(root.get_by_role("radio", name="Forward")).to_be_checked()


@pytest.mark.parametrize("given", ["worked", WORKED / 3])
def test_typed_numbers_are_undone_and_reset(page, mount, given):
    explorer = PoolingExplorer(given, nn.MaxPool2d(2))
    root = mount(explorer)
    before = explorer.x.clone()
    for row, text in [(0, "99"), (1, "-5")]:
        grid(root, "Input").focus()
        for key in ["Home", "PageUp", *["ArrowDown"] * row, "Enter"]:
            page.keyboard.press(key)
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        root.evaluate(SETTLED)
        expect(root.locator(".pc-sentence")).to_contain_text(f"Input at row {row}, column 0 is {text}.")
    assert explorer.x[1, 0] == -5
    page.keyboard.press("Control+z")
    expect(root.locator(".pc-sentence")).to_contain_text(words.number(before[1, 0].item()))
    assert explorer.x[0, 0] == 99 and explorer.x[1, 0] == before[1, 0]
    page.keyboard.press("Control+Shift+z")
    expect(root.locator(".pc-sentence")).to_contain_text("is -5.")
    root.get_by_role("button", name="Reset").click()
    expect(root.locator(".pc-sentence")).not_to_contain_text("is -5.")
    page.wait_for_timeout(300)
    assert torch.equal(explorer.x, before) and explorer.preset == (given if isinstance(given, str) else "")


def test_an_input_of_ones_own_comes_back_after_another(page, mount):
    explorer = PoolingExplorer(WORKED / 3, nn.MaxPool2d(2))
    root = mount(explorer)
    root.get_by_role("combobox", name="Input").select_option("digit")
    expect(root.locator("figcaption").first).to_have_text("Input 8 × 8")
    root.get_by_role("button", name="Undo").click()
    expect(root.locator("figcaption").first).to_have_text("Input 6 × 6")
    assert torch.equal(explorer.x, WORKED / 3)


def test_an_input_is_ones_own_once_something_is_typed_into_it(page, mount):
    root = mount(PoolingExplorer(WORKED / 3, nn.MaxPool2d(2)))
    choice = root.get_by_role("combobox", name="Input").locator("option:checked")
    expect(choice).to_have_text("given here, 6 × 6")
    grid(root, "Input").press("7")
    page.keyboard.press("Enter")
    expect(choice).to_have_text("your own")
    root.get_by_role("combobox", name="Input").select_option("digit")
    expect(choice).to_have_text("Handwritten digit, 8 × 8")


def test_there_and_back_at_once_is_nothing_to_undo(page, mount):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)))
    slider = root.get_by_role("slider", name="kernel_size")
    for key in ["ArrowRight", "ArrowLeft"]:
        slider.press(key)
    expect(root.get_by_role("button", name="Undo")).to_have_attribute("aria-disabled", "true")


def test_a_divisor_that_is_entered_and_then_left_is_one_change(page, mount):
    root = mount(PoolingExplorer("worked", nn.AvgPool2d(2), settings=["divisor_override"]))
    page.evaluate(AS_JUPYTERLAB)
    field = root.get_by_role("spinbutton")
    field.press("3")
    field.press("Enter")
    page.wait_for_timeout(900)  # what is done at once is undone at once
    press(root, "Undo")
    expect(root.locator(".pc-code code")).to_have_text(["nn.AvgPool2d(kernel_size=2)"])


AS_JUPYTERLAB = "addEventListener('keydown', (event) => event.key === 'Enter' && event.preventDefault(), true)"


@pytest.mark.parametrize("given", ["worked", WORKED / 3])
@pytest.mark.parametrize("upstream", [None, "chosen", torch.arange(9.0).reshape(3, 3)])
def test_a_typed_upstream_gradient_is_undone_redone_and_reset_and_what_it_was_is_back(page, mount, given, upstream):
    explorer = GradientFlow(given, nn.AvgPool2d(2), upstream=upstream)
    root = mount(explorer)
    mode = explorer.upstream_mode

    def is_as_before():
        as_before = GradientFlow(given, nn.AvgPool2d(2), upstream=upstream)
        as_before.chosen = explorer.chosen
        return torch.equal(explorer.gradient, as_before.gradient) and explorer.upstream_mode == mode

    type_over(root, "Upstream gradient", 0, 0, "50")
    typed = explorer.gradient.clone()
    type_over(root, "Upstream gradient", 1, 1, "7")
    for _ in range(2):
        press(root, "Undo")
    assert soon(page, is_as_before)
    press(root, "Redo")
    assert soon(page, lambda: torch.equal(explorer.gradient, typed) and explorer.upstream_mode == "own")
    press(root, "Undo")
    assert soon(page, is_as_before)
    type_over(root, "Upstream gradient", 1, 1, "7")
    assert explorer.upstream[1, 1] == 7 and explorer.upstream[0, 0] != 50
    press(root, "Reset")
    assert soon(page, is_as_before)


def test_reset_takes_back_what_was_typed_at_each_size_in_its_turn(page, mount):
    explorer = GradientFlow(WORKED / 3, nn.AvgPool2d(2), upstream=torch.arange(9.0).reshape(3, 3))
    root = mount(explorer)
    before = explorer.gradient.clone()
    type_over(root, "Upstream gradient", 0, 0, "50")
    root.get_by_role("slider", name="kernel_size").press("ArrowRight")
    root.evaluate(SETTLED)
    type_over(root, "Input", 0, 0, "50")
    press(root, "Reset")
    assert soon(page, lambda: torch.equal(explorer.gradient, before) and torch.equal(explorer.x, WORKED / 3))


def test_what_was_typed_into_an_input_that_is_gone_is_not_taken_back_from_another(page, mount):
    explorer = PoolingExplorer("worked", nn.MaxPool2d(2))
    root = mount(explorer)
    root.get_by_role("slider", name="stride").press("ArrowRight")
    for row, text in [(0, "50"), (1, "7")]:  # each of them comes back
        type_over(root, "Input", row, 0, text)
    x = torch.full((6, 6), 0.5)
    plain.in_python(root, lambda: setattr(explorer, "x", x))
    root.evaluate(SETTLED)
    press(root, "Undo")
    expect(root.locator(".pc-code code")).to_have_text(["nn.MaxPool2d(kernel_size=2)"])
    page.wait_for_timeout(300)
    assert torch.equal(explorer.x, x)


@pytest.mark.parametrize("how", ["undo", "undo at once", "reset"])
def test_the_input_that_was_given_comes_back_through_presets_that_were_typed_into(page, mount, how):
    explorer = PoolingExplorer(WORKED / 3, nn.MaxPool2d(2))
    root = mount(explorer)
    choice = root.get_by_role("combobox", name="Input")
    for name in ("edge", "ties"):
        choice.select_option(name)
        root.evaluate(SETTLED)
        assert torch.equal(explorer.x, images.preset(name))
        for row in (0, 1):
            type_over(root, "Input", row, 0, "50")
        assert explorer.x[0, 0] == explorer.x[1, 0] == 50 and explorer.preset == ""
    if how == "reset":
        press(root, "Reset")
    if how == "undo at once":  # before Python has answered
        root.get_by_role("button", name="Undo").evaluate("(el) => { for (let i = 0; i < 6; i++) el.click(); }")
    for named in ("", "ties", "", "", "edge", "") if how == "undo" else ():
        press(root, "Undo")
        expect(choice).to_have_value(named)
        root.evaluate(SETTLED)
        assert not named or torch.equal(explorer.x, images.preset(named))
    assert soon(page, lambda: torch.equal(explorer.x, WORKED / 3))
    assert explorer.preset == ""


def test_two_numbers_typed_before_python_answers_are_both_undone(page, mount):
    explorer = PoolingExplorer("worked", nn.MaxPool2d(2))
    root = mount(explorer)
    page.evaluate("() => { window.held = new Promise((done) => (window.goOn = done)); }")
    for row in (0, 1):
        type_over(root, "Input", row, 0, "50", comes=False)
    page.evaluate("() => { window.goOn(); }")
    assert soon(page, lambda: explorer.x[0, 0] == explorer.x[1, 0] == 50)
    expect(root.locator(".pc-sentence")).to_contain_text("is 50.")
    for _ in range(2):
        press(root, "Undo")
    assert soon(page, lambda: torch.equal(explorer.x, WORKED))
