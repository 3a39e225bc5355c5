"""What a soak does to each control of an explorer: EXPLORER holds a function for each, which says what it did.

A function draws from `dice` whatever it needs, brings the widget to where the control is in reach, and moves it as a
person does, by pointer or by keyboard; where no control is to be had, it returns None.
"""

import contextlib
import re

from playwright.sync_api import Error, expect

from pooling_course import images

GOOD = {"-7.5": "-7.5", "inf": "inf", "nan": "nan", "0,25": "0.25", "1e9": "1e9", "3": "3"}  # typed: as Python says it
BAD = ["five", "1/0", "--", "0x1f"]
LATE = 20_000  # ms that Python may take to answer beside other work
EXPLORER = {}


def move(of, name):
    def register(function):
        of[name] = function
        return function

    return register


# ---- the explorer, and the gradient flow -----------------------------------------------------------------------------


def in_reach(w, locator):
    """Open what hides a control, choose the kind that has it; whether it can be used now."""
    more = w.root.locator("details.pc-more")
    if not locator.is_visible() and not more.evaluate("(el) => el.open"):
        more.locator("summary").click()
    if locator.is_visible() and locator.is_disabled():
        w.root.get_by_role("radio", name="Both", exact=True).click()
        expect(locator).to_be_enabled()
    return locator.is_visible()


def load(w, preset):
    """Choose an input, and wait until it is there."""
    w.root.get_by_role("combobox", name="Input").select_option(preset)
    expect(w.root.get_by_role("combobox", name="Input")).to_have_value(preset)
    expect(w.root).not_to_have_attribute("aria-busy", "true", timeout=LATE)


def pick(dice, locator, of):
    """One option of a select."""
    value = dice.choice(of)
    locator.select_option(value)
    return value


def drag(dice, w, slider):
    """Press on the track and let go elsewhere."""
    slider.scroll_into_view_if_needed()
    box, mouse = slider.bounding_box(), w.page.mouse
    xs = [box["x"] + box["width"] * dice.random() for _ in range(2)]
    mouse.move(xs[0], box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(xs[1], box["y"] + box["height"] / 2, steps=dice.randint(1, 6))
    mouse.up()
    return f"from {xs[0] - box['x']:.0f} px to {xs[1] - box['x']:.0f} px"


def press(dice, w, keys, most=6):
    """Press keys one after the other, quicker than Python can answer."""
    pressed = [dice.choice(keys) for _ in range(dice.randint(1, most))]
    for key in pressed:
        w.page.keyboard.press(key)
    return " ".join(pressed)


def stage(dice, w, names=""):
    """One of the grids, in view, and where it is."""
    stages = w.root.locator(f".pc-stage{names}:visible")
    if not (count := stages.count()):
        return None, None
    found = stages.nth(int(dice.random() * count))
    with contextlib.suppress(Error):  # Python may take it away meanwhile
        found.scroll_into_view_if_needed(timeout=3000)
        if at := found.bounding_box(timeout=3000):
            return found, at
    return None, None


@move(EXPLORER, "Pooling by pointer")
def _(soak, w, dice):
    kinds = w.root.locator("fieldset", has_text="Pooling").locator("label")
    name = dice.choice(kinds.all_text_contents())
    kinds.get_by_text(name, exact=True).click()
    return name


@move(EXPLORER, "Pooling by keyboard")
def _(soak, w, dice):
    w.root.locator("fieldset", has_text="Pooling").locator("input:checked").focus()
    return press(dice, w, ["ArrowRight", "ArrowLeft"])


@move(EXPLORER, "Direction")
def _(soak, w, dice):
    name = dice.choice(["Forward", "Backward"])
    w.root.get_by_role("radio", name=name, exact=True).click()
    return name


@move(EXPLORER, "Upstream gradient")
def _(soak, w, dice):
    select = w.root.get_by_role("combobox", name="Upstream gradient")
    if not select.is_visible():
        w.root.get_by_role("radio", name="Backward", exact=True).click()
        expect(select).to_be_visible()
    return pick(dice, select, select.locator("option:enabled").evaluate_all("(all) => all.map((el) => el.value)"))


@move(EXPLORER, "Input")
def _(soak, w, dice):
    return pick(dice, w.root.get_by_role("combobox", name="Input"), list(images.PRESETS))


@move(EXPLORER, "Channel")
def _(soak, w, dice):
    select = w.root.get_by_role("combobox", name="Channel")
    if not select.is_visible():
        load(w, "photo")
    return pick(dice, select, ["0", "1", "2"]) if select.locator("option").count() == 3 else pick(dice, select, ["0"])


def sliders(name):
    def by_keyboard(soak, w, dice):
        slider = w.root.get_by_role("slider", name=name)
        slider = slider.nth(int(dice.random() * slider.count()))
        if in_reach(w, slider):
            slider.focus()
            return press(dice, w, ["ArrowRight", "ArrowLeft", "ArrowRight", "ArrowLeft", "Home", "End"])

    def by_pointer(soak, w, dice):
        slider = w.root.get_by_role("slider", name=name)
        slider = slider.nth(int(dice.random() * slider.count()))
        if in_reach(w, slider):
            return drag(dice, w, slider)

    def width(soak, w, dice):
        box = w.root.get_by_role("checkbox", name="height and width apart")
        if in_reach(w, box):
            box.check()
            slider = w.slider(f"{name}, width")
            if in_reach(w, slider):
                slider.focus()
                return press(dice, w, ["ArrowRight", "ArrowLeft", "End"])

    return {f"{name} by keyboard": by_keyboard, f"{name} by pointer": by_pointer, f"{name}, width": width}


for each in ("kernel_size", "stride", "padding", "dilation"):
    EXPLORER |= sliders(each)
OUTPUT_SIZE = sliders("output_size")
NORM = {name: function for name, function in sliders("norm_type").items() if "width" not in name}


def box(name):
    def function(soak, w, dice):
        found = w.root.get_by_role("checkbox", name=name, exact=True)
        if in_reach(w, found):
            found.click()
            return "clicked"

    return function


for each in ("height and width apart", "ceil_mode", "count_include_pad"):
    EXPLORER[each] = box(each)


@move(EXPLORER, "divisor_override")
def _(soak, w, dice):
    if in_reach(w, w.root.get_by_role("spinbutton", name="divisor_override")):
        divisor = dice.choice([None, 3, -2, 0, 1, 7, 2.5, "e"])
        w.divide_by(divisor)
        return f"{divisor}"


def button(name):
    def function(soak, w, dice):
        for _ in range(times := dice.randint(1, 3)):
            w.root.get_by_role("button", name=name).click()
        return f"{times} times"

    return function


for each in ("Previous window", "Next window"):
    EXPLORER[each] = button(each)


@move(EXPLORER, "Play and Pause")
def _(soak, w, dice):
    toggle = w.root.get_by_role("button", name="the sliding window")
    toggle.click()
    return toggle.text_content()


@move(EXPLORER, "Speed")
def _(soak, w, dice):
    return pick(dice, w.root.get_by_role("combobox", name="Speed"), ["slow", "normal", "fast"])


@move(EXPLORER, "Copy")
def _(soak, w, dice):
    w.root.get_by_role("button", name="Copy").first.click()
    return "clicked"


def details(text):
    def function(soak, w, dice):
        w.root.locator("summary", has_text=text).click()
        return "clicked"

    return function


for each in ("More settings", "Numbers as tables"):
    EXPLORER[each] = details(each)


@move(EXPLORER, "hover over cells")
def _(soak, w, dice):
    found, at = stage(dice, w)
    if found:
        for _ in range(dice.randint(2, 8)):
            w.page.mouse.move(at["x"] + at["width"] * dice.random(), at["y"] + at["height"] * dice.random(), steps=3)
        return "over " + found.get_attribute("aria-label").split(",")[0]


@move(EXPLORER, "click on a cell")
def _(soak, w, dice):
    found, at = stage(dice, w)
    if found:
        w.page.mouse.click(at["x"] + at["width"] * dice.random(), at["y"] + at["height"] * dice.random())
        return "on " + found.get_attribute("aria-label").split(",")[0]


@move(EXPLORER, "walk by arrow keys")
def _(soak, w, dice):
    found, _ = stage(dice, w)
    if found:
        found.focus()
        return press(dice, w, ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"])


def edit(dice, w, grid, text):
    """Type over a cell of a grid; the place that the text field names, or None where none opens."""
    if w.root.locator(".pc-lens-box").is_visible():
        load(w, "worked")
    with contextlib.suppress(AssertionError):  # no window may fit
        expect(w.root.locator(f".pc-stage{grid}:visible").first).to_be_visible(timeout=3000)
    found, _ = stage(dice, w, grid)
    if not found:
        return None
    found.focus()
    press(dice, w, ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"])
    w.page.keyboard.press(dice.choice(["Enter", "F2"]))
    field = w.root.locator(".pc-edit")
    with contextlib.suppress(AssertionError):
        expect(field).to_be_visible(timeout=3000)
    if not field.count():
        return None
    row, col = map(int, re.findall(r"\d+", field.get_attribute("aria-label")))
    w.page.keyboard.type(text)
    return row, col


INPUT, OUTPUT = "[aria-label^=Input]", "[aria-label^=Upstream]"


def pause(w):
    playing = w.root.get_by_role("button", name="Pause the sliding window")
    if playing.is_visible():
        playing.click()


@move(EXPLORER, "number typed into a cell")
def _(soak, w, dice):
    """When nothing else is under way, this very cell gets this very number."""
    pause(w)
    soak.settle()
    expect(w.root).not_to_have_attribute("aria-busy", "true")
    text = dice.choice(list(GOOD) if soak.value(f"{w.python}.x.is_floating_point()") else ["3"])
    at = edit(dice, w, INPUT, text)
    w.page.keyboard.press(dice.choice(["Enter", "Tab"]))
    if at:
        row, col = at
        soak.expect_python(f"{w.python}.x.reshape(-1, *{w.python}.x.shape[-2:])", at, GOOD[text])
        return f"{text} at {row}, {col}"


@move(EXPLORER, "no number typed into a cell")
def _(soak, w, dice):
    text = dice.choice(BAD)
    at = edit(dice, w, INPUT, text)
    w.page.keyboard.press("Enter")
    return at and f"{text} at {at}"


@move(EXPLORER, "typing given up")
def _(soak, w, dice):
    at = edit(dice, w, INPUT, "99")
    w.page.keyboard.press("Escape")
    return at and f"at {at}"


@move(EXPLORER, "upstream gradient typed in")
def _(soak, w, dice):
    w.root.get_by_role("radio", name="Backward", exact=True).click()
    expect(w.root.get_by_role("combobox", name="Upstream gradient")).to_be_visible()
    text = dice.choice([*GOOD, *BAD])
    at = edit(dice, w, OUTPUT, text)
    w.page.keyboard.press("Enter")
    return at and f"{text} at {at}"


@move(EXPLORER, "room")
def _(soak, w, dice):
    width = dice.choice(["", "360px", "700px"])
    w.root.evaluate("(el, width) => (el.parentElement.style.width = width)", width)
    return width or "all"


PYTHON = {
    "kernel_size": [1, 2, 3, 4, 5, (2, 3)],
    "stride": [1, 2, 3, (1, 2)],
    "padding": [0, 1, 2, (0, 1)],
    "dilation": [1, 2, 3],
    "ceil_mode": [True, False],
    "count_include_pad": [True, False],
    "divisor_override": [None, 3, -2],
    "kind": ["max", "avg"],
    "compare": [True, False],
    "direction": ["forward", "backward"],
    "chosen": [[0, 0], [1, 2], [2, 1]],
}


def attempt(soak, w, name, value):
    """Set a trait in Python, and do not wait; what torch refuses is refused."""
    soak.python(f"try:\n    {w.python}.{name} = {value}\nexcept TraitError:\n    pass")
    return f"{name} = {value}"


@move(EXPLORER, "settings from Python")
def _(soak, w, dice):
    names = [dice.choice(list(PYTHON)) for _ in range(3)]
    return "; ".join(attempt(soak, w, name, repr(dice.choice(PYTHON[name]))) for name in names)


@move(EXPLORER, "pooling from Python")
def _(soak, w, dice):
    k, s = dice.randint(1, 4), dice.randint(1, 4)
    layer = dice.choice(["nn.MaxPool2d({}, {}, dilation=2)", "nn.MaxPool2d({}, {})", "nn.AvgPool2d({}, {})"])
    return attempt(soak, w, dice.choice(["pooling", "layer"]), layer.format(k, s))


@move(EXPLORER, "input from Python")
def _(soak, w, dice):
    shape = dice.choice(["5, 7", "2, 6, 6", "1, 1", "9, 4", "3, 12, 12"])
    drawn = f"torch.randn({shape}, generator=torch.Generator().manual_seed({dice.randint(0, 99)}))"
    end = dice.choice(["", "", ".double()", ".mul(9).long()", ".sign().div(0)"])
    return attempt(soak, w, "x", dice.choice(["'digit'", "'worked'", drawn + end, drawn + end]))


@move(EXPLORER, "upstream gradient from Python")
def _(soak, w, dice):
    own = f"torch.arange({w.python}.trace.output.numel()).reshape({w.python}.trace.output.shape) / {dice.randint(1, 9)}"
    upstream = dice.choice(["None", "'chosen'", own, own])
    soak.python(f"try:\n    {w.python}.upstream = {upstream}\nexcept (TraitError, ValueError, TypeError):\n    pass")
    return upstream


# ---- relatives: what they have of their own, and what each explorer has ----------------------------------------------

EACH = ["Pooling by pointer", "Direction", "Upstream gradient", "hover over cells", "walk by arrow keys", "Next window"]
COMMON = {name: EXPLORER[name] for name in (*EACH, "number typed into a cell")}
ADAPTIVE = COMMON | OUTPUT_SIZE
CONV = COMMON | {name: EXPLORER[name] for name in ("stride by keyboard", "padding by keyboard", "dilation by pointer")}
LP = COMMON | NORM | {name: EXPLORER[name] for name in ("ceil_mode", "kernel_size by keyboard", "stride by pointer")}


@move(CONV, "settings from Python")
def _(soak, w, dice):
    """A padding that an average cannot have is refused beside one, and the other way round."""
    choices = {"padding": [0, 1, 2, (0, 2)], "compare": [True, False], "kind": ["avg", "conv"], "stride": [1, (1, 2)]}
    names = [dice.choice(list(choices)) for _ in range(3)]
    return "; ".join(attempt(soak, w, name, repr(dice.choice(choices[name]))) for name in names)


@move(CONV, "weights from Python")
def _(soak, w, dice):
    kernel, padding, seed = dice.choice([1, 2, 3, (2, 3)]), dice.randint(0, 3), dice.randint(0, 99)
    soak.python(f"torch.manual_seed({seed})")
    return attempt(soak, w, "layer", f"nn.Conv2d(1, 1, {kernel}, padding={padding}, bias={dice.random() < 0.5})")
