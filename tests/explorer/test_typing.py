"""Numbers typed over cells: what the field keeps, where the focus goes, what leaving it sets off, and huge values."""

import pytest
import torch
from playwright.sync_api import expect
from torch import nn

from harness import plain
from harness.explorers import soon
from harness.hands import SETTLED, grid, is_painted, press, type_over
from pooling_course import GradientFlow, PoolingExplorer, images

pytestmark = pytest.mark.browser
WORKED = images.preset("worked")


def test_a_double_click_in_the_field_selects_there_and_commits_nothing(page, mount):
    explorer = PoolingExplorer("worked", nn.MaxPool2d(2))
    root = mount(explorer)
    grid(root, "Input").focus()
    for key in ["Home", "PageUp", "Enter"]:
        page.keyboard.press(key)
    page.keyboard.type("12")
    field = root.locator(".pc-edit")
    field.dblclick()
    assert field.evaluate("(el) => [el.value, el.selectionStart, el.selectionEnd]") == ["12", 0, 2]
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    assert soon(page, lambda: explorer.x[0, 0] == 7)


# What leaving a field sets off takes room in a narrow explorer. A press whose target moves away would be no click.
LEFT = {
    "a wrong number": ("Enter", "0x1f", "'0x1f' is not a number"),
    "a wrong divisor": (None, "1.5", "divisor_override=1.5: torch takes whole numbers only"),
}


def left_open(root, opens, text):
    """A field of a narrow explorer, with `text` in it, which nobody has taken yet."""
    if opens:
        grid(root, "Input").focus()
        root.page.keyboard.press(opens)
    else:
        root.locator("summary", has_text="More settings").click()
        root.get_by_role("spinbutton", name="divisor_override").focus()
    root.page.keyboard.type(text)


@pytest.mark.parametrize("left", LEFT)
def test_a_press_that_leaves_a_field_is_a_click_wherever_what_it_sets_off_moves_the_page(page, mount, left):
    opens, text, told = LEFT[left]
    page.set_viewport_size({"width": 1000, "height": 2400})
    root = mount(PoolingExplorer("worked", nn.AvgPool2d(2)), 360)
    below = mount(PoolingExplorer("worked", nn.MaxPool2d(2)), 390).get_by_role("radio", name="Both")
    left_open(root, opens, text)
    box = below.bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(300)
    page.mouse.up()
    expect(below).to_be_checked()
    expect(root.locator(".pc-notice")).to_contain_text(told)
    assert below.bounding_box()["y"] != box["y"]  # else there was nothing to miss


def test_what_a_press_ends_in_comes_before_what_it_clicks(page, mount):
    explorer = PoolingExplorer("worked", nn.MaxPool2d(2))
    root = mount(explorer, 390)
    left_open(root, "Enter", "77")
    root.get_by_role("button", name="Undo").click(force=True)  # until the press is over there is nothing to undo
    expect(root.get_by_role("button", name="Redo")).to_be_enabled()
    assert torch.equal(explorer.x, WORKED)
    press(root, "Redo")
    assert soon(page, lambda: (explorer.x == 77).sum() == 1)


@pytest.mark.parametrize("over", ["contextmenu", "dragend", "pointercancel", "pointerup"])
def test_a_press_that_lets_go_in_no_other_way_is_over_all_the_same(page, mount, over):
    root = mount(PoolingExplorer("worked", nn.MaxPool2d(2)), 390)
    left_open(root, "Enter", "0x1f")
    page.evaluate("() => document.body.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }))")
    root.locator(".pc-edit").evaluate("(el) => el.blur()")
    page.wait_for_timeout(100)
    expect(root.locator(".pc-notice")).to_be_hidden()
    page.evaluate("(over) => document.body.dispatchEvent(new PointerEvent(over, { bubbles: true }))", over)
    expect(root.locator(".pc-notice")).to_contain_text("'0x1f' is not a number")


def test_enter_that_ends_a_composition_commits_nothing(page, mount):
    explorer = PoolingExplorer("worked", nn.MaxPool2d(2))
    root = mount(explorer)
    grid(root, "Input").press("7")
    field = root.locator(".pc-edit")
    field.evaluate("(el) => el.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true }))")
    expect(field).to_be_focused()
    expect(field).to_have_value("7")


def test_in_a_shadow_tree_the_focus_comes_back_and_what_is_typed_early_waits(page, mount):
    explorer = PoolingExplorer("worked", nn.AvgPool2d(2), settings=["divisor_override"])
    root = mount(explorer, shadow=True)
    inside = "(el) => el.getRootNode().activeElement.getAttribute('aria-label')?.split(',')[0]"
    type_over(root, "Input", 0, 0, "7")
    assert root.evaluate(inside) == "Input"
    root.get_by_role("spinbutton").focus()
    page.keyboard.type("4")
    plain.in_python(root, lambda: setattr(explorer, "stride", 1))
    root.evaluate(SETTLED)
    expect(root.get_by_role("spinbutton")).to_have_value("4")


def test_a_huge_upstream_gradient_is_taken_and_its_cell_has_a_colour(page, mount):
    for alone in (False, True):
        explorer = GradientFlow("worked", nn.AvgPool2d(2))
        root = mount(explorer, alone=alone)
        type_over(root, "Upstream gradient", 0, 0, "1e308")
        expect(root.locator(".pc-sentence")).to_contain_text("the upstream gradient 1e308 of output")
        assert is_painted(root, "Upstream gradient", 3)
        plain.leave(page)


@pytest.mark.parametrize("side", [2, 60])
def test_huge_values_of_both_signs_have_colours(page, mount, side):
    x = torch.full((side, side), 1.7e308, dtype=torch.float64)
    x[::2] = -1.7e308
    root = mount(PoolingExplorer(x, nn.MaxPool2d(2)))
    assert is_painted(root, "Input", side)
