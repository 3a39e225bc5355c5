"""What a hand does to an explorer in a page of its own, by pointer and by keyboard."""

from playwright.sync_api import expect

PLAY = "Play the sliding window"
# Drawn, and nothing awaited.
SETTLED = """async (root) => {
  do await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  while (root.getAttribute("aria-busy") === "true");
}"""


def grid(root, name):
    return root.get_by_role("application", name=name)


def middle(root, name, row, col, rows, cols):
    """The middle of a cell on the screen; indices are on the left and above, EDGE px on the right and below."""
    box = grid(root, name).bounding_box()
    cell = (box["width"] - 22) / cols
    return box["x"] + 18 + (col + 0.5) * cell, box["y"] + 18 + (row + 0.5) * cell


def drag(page, *places):
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def type_over(root, name, row, col, text, comes=True):
    """Type a number into a cell, by keyboard, and wait until it comes back."""
    grid(root, name).focus()
    for key in ["Home", "PageUp", *["ArrowDown"] * row, *["ArrowRight"] * col, "Enter"]:
        root.page.keyboard.press(key)
    root.page.keyboard.type(text)
    root.page.keyboard.press("Enter")
    if comes:
        expect(root.locator(".pc-sentence")).to_contain_text(text)


def press(root, name):
    root.get_by_role("button", name=name).click()


def is_painted(root, name, side):
    """Whether cell (0, 0) has a colour that is not that of a nan, and another one than cell (1, 0)."""
    colours = []
    for row in (0, 1):
        x, y = middle(root, name, row, 0, side, side)
        box = grid(root, name).bounding_box()
        at = [x - box["x"] - 0.3 * (box["width"] - 22) / side, y - box["y"] - 0.3 * (box["width"] - 22) / side]
        read = "(el, [x, y]) => [...el.querySelector('canvas').getContext('2d').getImageData(x, y, 1, 1).data]"
        colours.append(tuple(grid(root, name).evaluate(read, at)))
    return all(c[3] == 255 and c[:3] != (140, 140, 148) for c in colours) and colours[0] != colours[1]
