"""The figures: is every number torch's, every colour that of look.css, and everything seen also said?"""

import html
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pooling_course.expert.report import gradient_report
from pooling_course.images import WORKED, photo, preset
from pooling_course.maths import words
from pooling_course.maths.kinds.pooling import Pooling
from pooling_course.pictures import canvas, charts, figures
from pooling_course.pictures.canvas import Picture, signed_map, values_map
from pooling_course.pictures.figures import mental_model, pooled, progress_bars
from pooling_course.web.assets import style
from pooling_course.web.look import look

CSS = style("web/look.css").split("}")[0]
MAX, AVG = F.max_pool2d(WORKED[None], 2)[0], F.avg_pool2d(WORKED[None], 2)[0]


def numbers(tensor):
    return [words.number(v) for v in tensor.flatten().tolist()]


def spoken(tensor):
    return "; ".join(", ".join(map(words.number, row)) for row in tensor.tolist())


def drawn(picture):
    """For each grid, from the first drawn on: the numbers in its cells, in reading order."""
    (axes,) = picture.figure.axes
    texts = [t for t in axes.texts if t.get_zorder() == 4]
    found = []
    for image in (i for i in axes.get_images() if i.get_gid() == "grid"):
        left, right, bottom, top = image.get_extent()
        inside = [t for t in texts if left <= t.get_position()[0] < right and top <= t.get_position()[1] < bottom]
        h, w = image.get_array().shape[:2]
        cell = (right - left) / w
        at = {(int((t.get_position()[1] - top) / cell), int((t.get_position()[0] - left) / cell)): t for t in inside}
        assert sorted(at) == [(r, c) for r in range(h) for c in range(w)]
        found.append([at[r, c].get_text() for r in range(h) for c in range(w)])
    assert sum(map(len, found)) == len(texts)
    return found


def luminance(colour):
    from matplotlib.colors import to_rgb

    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def on_page(picture):
    """The attributes of the one <img> that a browser would find."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(picture._repr_html_())
    (tag, attributes), *more = found
    assert tag == "img" and [name for name, _ in more] == ["style"]
    return attributes


@pytest.mark.parametrize("name", ["ink", "paper", "muted", "line", "window", "reader", "right", "wrong"])
def test_are_the_colours_those_of_look_css(name):
    assert f"--pc-{name}: {look()[name]};" in CSS


@pytest.mark.parametrize("name, made", [("values", values_map), ("signed", signed_map)])
def test_do_the_colour_maps_pass_through_the_colours_of_look_css(name, made):
    from matplotlib.colors import to_hex, to_rgb

    listed = look()[name]
    assert f"--pc-{name}: {', '.join(listed)};" in CSS
    assert (to_hex(made()(0.0)), to_hex(made()(1.0))) == (listed[0], listed[-1])
    for i, colour in enumerate(listed):
        got = made()(i / (len(listed) - 1))[:3]
        assert max(abs(a - b) for a, b in zip(got, to_rgb(colour), strict=True)) < 0.03


def test_is_the_look_safe_from_being_changed():
    with pytest.raises(TypeError):
        look()["ink"] = "#ff0000"


def test_does_the_mental_model_show_torchs_numbers():
    assert drawn(mental_model()) == [numbers(WORKED), numbers(MAX), numbers(AVG)]


@pytest.mark.parametrize("x", [preset("odd") / 3 - 1, preset("negative"), preset("digit"), torch.ones(2, 2)])
def test_does_the_mental_model_of_another_map_show_torchs_numbers(x):
    want = [x, F.max_pool2d(x[None], 2)[0], F.avg_pool2d(x[None], 2)[0]]
    picture = mental_model(x)
    assert drawn(picture) == [numbers(t) for t in want]
    assert all(spoken(t) in picture.alt for t in want)


def test_does_the_mental_model_say_what_it_shows():
    alt = mental_model().alt
    assert all(spoken(t) in alt for t in (WORKED, MAX, AVG))
    assert "6, 4, 8; 5, 9, 2; 8, 7, 9" in alt
    assert "max(1, 3, 5, 6) = 6" in alt and "(1 + 3 + 5 + 6) / 4 = 3.75" in alt
    assert "6 by 6" in alt and "3 by 3" in alt and "MaxPool2d" in alt and "AvgPool2d" in alt


@pytest.mark.parametrize("name", ["worked", "negative", "odd", "digit", "ties"])
def test_does_the_ring_lie_on_the_winner_of_torch(name):
    x = preset(name)
    (axes,) = mental_model(x).figure.axes
    (ring,) = (p for p in axes.patches if p.get_gid() == "winner")
    left, right, bottom, top = axes.get_images()[0].get_extent()
    cell = (right - left) / x.shape[1]
    at = int((ring.center[1] - top) / cell), int((ring.center[0] - left) / cell)
    index = F.max_pool2d(x[None], 2, return_indices=True)[1][0, 0, 0].item()
    assert at == divmod(index, x.shape[1])


def test_do_the_window_and_its_outputs_have_an_outline_that_shows_without_colour():
    (axes,) = mental_model().figure.axes
    from matplotlib.colors import to_hex
    from matplotlib.patches import Rectangle

    outlines = [p for p in axes.patches if isinstance(p, Rectangle) and to_hex(p.get_edgecolor()) == look()["window"]]
    cell = axes.get_images()[0].get_extent()[1] - axes.get_images()[0].get_extent()[0]
    sizes = sorted(round(p.get_width() / cell * 6) for p in outlines)
    assert sizes == [1, 1, 2] and all(p.get_linestyle() != "-" for p in outlines)


@pytest.mark.parametrize("map_of", [values_map, signed_map])
def test_can_the_numbers_be_read_on_every_colour(map_of, monkeypatch):
    monkeypatch.setattr(canvas, "values_map", map_of)
    x = torch.linspace(0, 1, 256)
    scale = canvas.Values(x)
    colours = scale.colours(x)
    inks = [scale.ink(v) for v in x]
    assert set(inks) == {"black", canvas.ON_CELL}
    assert min(contrast(ink, c[:3]) for ink, c in zip(inks, colours, strict=True)) >= 4.5


def test_can_the_words_be_read_on_paper():
    (axes,) = mental_model().figure.axes
    said = [t for t in axes.texts if t.get_zorder() != 4]
    assert len(said) == 8 and all(contrast(t.get_color(), look()["paper"]) >= 4.5 for t in said)


def test_is_one_scale_of_colours_shared_by_all_grids():
    picture = pooled(WORKED, nn.MaxPool2d(2), nn.AvgPool2d(2))
    colour = {}
    for image, tensor in zip(picture.figure.axes[0].get_images(), (WORKED, MAX, AVG), strict=True):
        for value, pixel in zip(tensor.flatten().tolist(), image.get_array().reshape(-1, 4).tolist(), strict=True):
            assert colour.setdefault(value, pixel) == pixel
    assert colour[9][:3] == pytest.approx(values_map()(1.0)[:3])
    assert colour[0][:3] == pytest.approx(values_map()(0.0)[:3])


@pytest.mark.parametrize("name", ["worked", "negative", "ties", "odd", "digit", "peak"])
def test_does_pooled_show_torchs_numbers(name):
    x = preset(name)
    layers = [nn.MaxPool2d(2), nn.AvgPool2d(3, 2, 1), Pooling("avg", 2, ceil_mode=True)]
    picture = pooled(x, *layers)
    want = [x, F.max_pool2d(x[None], 2)[0], F.avg_pool2d(x[None], 3, 2, 1)[0]]
    want.append(F.avg_pool2d(x[None], 2, ceil_mode=True)[0])
    assert drawn(picture) == [numbers(t) for t in want]
    assert all(f"{t.shape[0]} by {t.shape[1]}: {spoken(t)}." in picture.alt for t in want)
    shown = [t.get_text() for t in picture.figure.axes[0].texts]
    assert all(f"{t.shape[0]} × {t.shape[1]}" in shown for t in want)
    code = "".join(t.get_text() for t in picture.figure.axes[0].texts).replace(" ", "")
    assert all(Pooling.of(layer).code().replace(" ", "") in code for layer in layers)


def test_are_nan_and_infinities_drawn_and_said():
    x = WORKED.clone()
    x[0, 0], x[1, 3], x[5, 5] = float("-inf"), float("nan"), float("inf")
    picture = pooled(x, nn.MaxPool2d(2))
    assert drawn(picture) == [numbers(x), numbers(F.max_pool2d(x[None], 2)[0])]
    assert "nan" in picture.alt and "-inf" in picture.alt and len(picture.png()) > 1000


@pytest.mark.parametrize("x", [photo(32), photo(32, gray=True)], ids=["colour", "gray"])
def test_are_the_pixels_those_of_torch(x):
    picture = pooled(x, nn.MaxPool2d(4), nn.AvgPool2d(4))
    want = [x, F.max_pool2d(x, 4), F.avg_pool2d(x, 4)]
    scale = canvas.Values(*want)
    images = picture.figure.axes[0].get_images()
    for image, tensor in zip(images, want, strict=True):
        pixels = torch.tensor(image.get_array().data)
        expected = tensor.permute(1, 2, 0) if len(x) == 3 else torch.tensor(scale.colours(tensor[0]))
        assert (pixels - expected).abs().max() < 1e-6
    assert len({tuple(i.get_extent()[2:]) for i in images}) == 1  # all at one size
    for tensor in want:
        low, high, mean = map(words.number, (tensor.min().item(), tensor.max().item(), tensor.double().mean().item()))
        assert f"values from {low} to {high}, mean {mean}." in picture.alt


def test_is_the_input_called_as_one_says():
    shown = pooled([[1, 3], [5, 6]], nn.MaxPool2d(2), name="Unpooled")
    assert shown.alt.startswith("Unpooled, 2 by 2: 1, 3; 5, 6.") and "Input" not in shown.alt


def test_do_titles_stand_in_the_picture_and_in_its_words():
    titles = ["Brightest & best", "$5$ to $6$ <mean>"]
    picture = pooled(WORKED, nn.MaxPool2d(2), nn.AvgPool2d(2), titles=titles)
    shown = [t.get_text() for t in picture.figure.axes[0].texts]
    assert all(title in shown and title in picture.alt for title in titles)
    assert "nn.AvgPool2d(kernel_size=2)" in picture.alt
    assert not any(t.get_parse_math() for t in picture.figure.axes[0].texts)  # a dollar is a dollar


@pytest.mark.slow
@pytest.mark.parametrize("count", range(6))
def test_does_nothing_stick_out_or_overlap(count):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    layers = [nn.MaxPool2d(3, 1, 1), nn.AvgPool2d(2), nn.AvgPool2d(3, 2, 1, count_include_pad=False)] * 2
    for picture in (pooled(preset("digit") / 3, *layers[:count]), pooled(photo(64), *layers[:count]), mental_model()):
        axes, renderer = picture.figure.axes[0], FigureCanvasAgg(picture.figure).get_renderer()
        boxes = [t.get_window_extent(renderer) for t in axes.texts]
        page = picture.figure.bbox
        assert all(page.x0 <= b.x0 and b.x1 <= page.x1 and page.y0 <= b.y0 and b.y1 <= page.y1 for b in boxes)
        for i, one in enumerate(boxes):
            for other in boxes[:i]:
                assert not (
                    min(one.x1, other.x1) - max(one.x0, other.x0) > 1
                    and min(one.y1, other.y1) - max(one.y0, other.y0) > 1
                )
        assert picture.figure.get_figwidth() <= canvas.WIDEST + 2 * canvas.MARGIN


@pytest.mark.slow
@pytest.mark.parametrize("name", ["worked", "digit", "photo"])
def test_do_an_input_and_two_outputs_stand_in_one_row(name):
    images = pooled(preset(name), nn.MaxPool2d(2), nn.AvgPool2d(2)).figure.axes[0].get_images()
    assert len({i.get_extent()[3] for i in images}) == 1
    images = pooled(preset(name), *[nn.MaxPool2d(2, 1)] * 3).figure.axes[0].get_images()
    assert len({i.get_extent()[3] for i in images}) == 2


def test_does_every_number_stay_in_its_cell():
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    for x in (preset("digit"), preset("odd") / 3 - 1, preset("negative") * 1e-7, preset("ramp") * 1111.125):
        axes = (figure := pooled(x, nn.AvgPool2d(2)).figure).axes[0]
        renderer = FigureCanvasAgg(figure).get_renderer()
        cell = canvas.Values(x, F.avg_pool2d(x[None], 2)[0]).cell
        for image in axes.get_images():
            left, _, _, top = image.get_extent()
            for text in (t for t in axes.texts if t.get_zorder() == 4 and t.get_position()[0] >= left):
                box = text.get_window_extent(renderer).transformed(axes.transData.inverted())
                if box.x0 < image.get_extent()[1]:
                    assert int((box.x0 - left) / cell) == int((box.x1 - left) / cell), text.get_text()


def test_do_decimal_points_lie_below_each_other():
    axes = pooled(torch.tensor([[-0.25, 100], [3, 0.5]]), nn.MaxPool2d(1)).figure.axes[0]
    texts = [t for t in axes.texts if t.get_zorder() == 4][:4]
    points = {t.get_text(): t.get_position()[0] + canvas.advance(t.get_text().partition(".")[0]) for t in texts}
    assert points["-0.25"] == pytest.approx(points["3"]) and points["100"] == pytest.approx(points["0.5"])


def test_is_the_html_an_image_with_its_words():
    picture = mental_model()
    attributes = on_page(picture)
    assert attributes["alt"] == picture.alt == repr(picture) == str(picture)
    head, data = attributes["src"].split(",", 1)
    assert head == "data:image/svg+xml" and unquote(data) == picture.svg()
    assert "max-width:100%" in attributes["style"]
    assert int(attributes["width"]) * 2 == int.from_bytes(picture.png()[16:20], "big") // 2 * 2


def report_picture():
    networks = {"a": nn.Sequential(nn.MaxPool2d(2)), "b": nn.Sequential(nn.AvgPool2d(2))}
    return gradient_report(networks, torch.rand(1, 1, 8, 8)).picture


ROW = {"title": "06 Padding", "questions": 7, "answered": 5, "right": 3, "sure_wrong": 1}
PICTURES = {
    "mental model": mental_model,
    "pooled": lambda: pooled(WORKED, nn.MaxPool2d(2), nn.AvgPool2d(2)),
    "photo": lambda: pooled(photo(32), nn.MaxPool2d(2)),
    "progress": lambda: progress_bars([ROW]),
    "report": report_picture,
    "lines": lambda: charts.lines([0, 1, 2], {"square": [0, 1, 4]}, "side", "area"),
    "dots": lambda: charts.dots({"max": [94, 96], "average": [95.5]}, "Right", "%"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_does_a_picture_take_every_colour_of_the_look_from_its_theme(name):
    svg = PICTURES[name]().svg()
    drawn, themes = re.sub(r"<style>.*?</style>", "", svg), re.search(r"<style>(.*?)</style>", svg)[1]
    light, dark = themes.split("@media (prefers-color-scheme:dark)")
    used = set(re.findall(r"var\(--([\w-]+)\)", drawn))
    assert {"paper", "ink"} <= used
    for variable in used:
        assert f"--{variable}:{look()[variable]};" in light and f"--{variable}:{look('dark')[variable]};" in dark
    left = {colour for colour in look().values() if isinstance(colour, str)} & set(re.findall("#[0-9a-f]{6}", drawn))
    assert left == set()


@pytest.mark.browser
@pytest.mark.parametrize("name", PICTURES)
def test_is_a_shorter_svg_the_same_drawing(name, chromium, monkeypatch):
    picture = PICTURES[name]()
    page = chromium.new_context(viewport={"width": picture.width + 40, "height": 1200}).new_page()
    svgs, drawn = [], []
    for _ in range(2):
        page.set_content(picture._repr_html_())
        page.wait_for_function("document.images[0].complete")
        svgs.append(picture.svg())
        drawn.append(pixels(page.locator("img").screenshot()))
        monkeypatch.setattr(canvas, "_shorter", lambda svg: svg)  # as matplotlib writes it, rounded
    page.context.close()
    assert drawn[1].float().std() > 10 and torch.equal(*drawn)
    assert len(svgs[0]) < 0.8 * len(svgs[1])


def pixels(png):
    from PIL import Image

    return torch.from_numpy(np.array(Image.open(io.BytesIO(png)).convert("RGB")))


@pytest.mark.browser
@pytest.mark.parametrize(
    "host",
    ["data-jp-theme-light='false'", "class='vscode-dark'", "data-theme='dark'", "theme='dark'", "data-theme='auto'"],
)
def test_is_a_picture_dark_where_its_page_is(host, chromium):
    """By its corner, which is paper; and on the same page in its light theme."""
    for attribute, system, wanted in (
        (host, "dark" if "auto" in host else "light", "dark"),
        (host.replace("dark", "light").replace("false", "true"), "light", "light"),
    ):
        page = chromium.new_context(color_scheme=system).new_page()
        page.set_content(f"<body {attribute} style='margin:0'>{mental_model()._repr_html_()}")
        page.wait_for_function("document.images[0].complete")
        assert pixel(page.screenshot(), 10, 60) == look(wanted)["paper"], attribute
        page.context.close()


def pixel(png, x, y):
    from PIL import Image

    return "#{:02x}{:02x}{:02x}".format(*Image.open(io.BytesIO(png)).convert("RGB").getpixel((x, y)))


def test_are_the_words_escaped_in_the_html():
    alt = "a \"quoted\" <script>alert('1')</script> & more"
    picture = Picture(mental_model([[1, 2], [3, 4]]).figure, alt)
    text = picture._repr_html_()
    assert "<script" not in text and on_page(picture)["alt"] == alt and html.escape(alt) in text


@pytest.mark.slow
def test_are_the_same_figures_the_same_bytes():
    assert mental_model().png() == mental_model().png()
    assert mental_model()._repr_html_() == mental_model()._repr_html_()
    picture = mental_model()
    assert picture.svg() == picture.svg() == mental_model().svg() and picture.png() == mental_model().png()


def both(picture):
    return picture.png(), picture.svg()


def test_do_figures_ignore_the_learners_own_matplotlib_settings():
    import matplotlib

    before = both(mental_model())
    with matplotlib.rc_context({"savefig.dpi": 30, "savefig.bbox": "tight", "font.size": 30, "text.color": "red"}):
        assert both(mental_model()) == before
    with matplotlib.rc_context({"lines.linewidth": 9, "axes.facecolor": "black", "image.interpolation": "bilinear"}):
        assert both(mental_model()) == before


def test_does_pyplot_stay_out():
    source = Path(figures.__file__).read_text(encoding="utf-8")
    assert not re.search(r"import.*pyplot", source)


@pytest.mark.parametrize(
    "call, kind, said",
    [
        (lambda: mental_model(torch.zeros(1, 6, 6)), ValueError, "(1, 6, 6)"),
        (lambda: mental_model(torch.zeros(1, 6)), ValueError, "2 to 12"),
        (lambda: mental_model(torch.zeros(13, 6)), ValueError, "2 to 12"),
        (lambda: mental_model("photo"), TypeError, "str"),
        (lambda: pooled(torch.zeros(2, 6, 6), nn.MaxPool2d(2)), ValueError, "(2, 6, 6)"),
        (lambda: pooled(torch.zeros(1, 3, 6, 6), nn.MaxPool2d(2)), ValueError, "(1, 3, 6, 6)"),
        (lambda: pooled(torch.full((3, 6, 6), 255.0), nn.MaxPool2d(2)), ValueError, "255"),
        (lambda: pooled(torch.full((3, 6, 6), -1.0), nn.MaxPool2d(2)), ValueError, "-1"),
        (lambda: pooled(WORKED, nn.MaxPool2d(2), titles=["a", "b"]), ValueError, "2 titles for 1"),
        (lambda: pooled(WORKED, nn.Softmax2d()), TypeError, "Softmax2d"),
        (lambda: pooled(WORKED, nn.MaxPool2d(9)), ValueError, "9"),
    ],
)
def test_do_wrong_figures_get_a_sentence(call, kind, said):
    with pytest.raises(kind) as error:
        call()
    text = str(error.value)
    assert said in text and text.endswith(".") and "\n" not in text


# --- progress ------------------------------------------------------------------------------------------------------

ROWS = [
    {"title": "01 What is pooling", "questions": 5, "answered": 4, "right": 2, "sure_wrong": 1},
    {"title": "06 Padding", "questions": 9, "answered": 9, "right": 9, "sure_wrong": 0},
    {"title": "09 Expert $zone$", "questions": 3, "answered": 0, "right": 0, "sure_wrong": 0},
]
SQUARES = [["right"] * 2 + ["sure_wrong", "wrong", "open"], ["right"] * 9, ["open"] * 3]


def squares(picture):
    """The questions of each lesson: the squares at one height, from the left."""
    (axes,) = picture.figure.axes
    found = [p for p in axes.patches if p.get_gid() != "legend"]
    heights = sorted({round(p.get_y(), 3) for p in found})
    rows = [[p for p in found if round(p.get_y(), 3) == height] for height in heights]
    return [sorted(row, key=lambda p: p.get_x()) for row in rows]


def test_is_there_a_square_for_each_question_and_every_number():
    picture = progress_bars(ROWS)
    assert [[p.get_gid() for p in row] for row in squares(picture)] == SQUARES
    (axes,) = picture.figure.axes
    texts = [t.get_text() for t in axes.texts]
    for row in ROWS:
        assert row["title"] in texts and f"{row['answered']} of {row['questions']}" in texts
    assert "13 of 17 answered, 11 right at first, 1 sure and wrong" in texts


def test_does_progress_say_what_it_shows():
    said = "Your answers so far: 13 of 17 answered, 11 right at first, 1 sure and wrong."
    for row in ROWS:
        said += f" {row['title']}: {row['answered']} of {row['questions']} answered, {row['right']} right at first, "
        said += f"{row['sure_wrong']} sure and wrong."
    assert progress_bars(ROWS).alt == said == on_page(progress_bars(ROWS))["alt"]


def test_do_the_kinds_of_answer_differ_without_colour():
    picture = progress_bars(ROWS)
    (axes,) = picture.figure.axes
    looks = {}
    for p in (p for row in squares(picture) for p in row):
        left, low = p.get_xy()
        at = [t for t in axes.texts if low < t.get_position()[1] < low + p.get_height()]
        (mark,) = (t.get_text() for t in at if left < t.get_position()[0] < left + p.get_width())
        filled = contrast(p.get_facecolor()[:3], look()["paper"]) > 4.5
        looks.setdefault(p.get_gid(), set()).add((mark, filled, p.get_linestyle()))
        assert p.get_gid() == "open" or contrast(p.get_edgecolor()[:3], look()["paper"]) > 4.5
    assert all(len(kinds) == 1 for kinds in looks.values()) and len(looks) == 4
    assert len(set(map(frozenset, looks.values()))) == 4


@pytest.mark.slow
@pytest.mark.parametrize("rows", [ROWS, [], [{**ROWS[0], "questions": 60}], ROWS * 5])
def test_does_progress_stay_within_the_figure(rows):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    picture = progress_bars(rows)
    (axes,) = picture.figure.axes
    renderer = FigureCanvasAgg(picture.figure).get_renderer()
    boxes = [t.get_window_extent(renderer).transformed(axes.transData.inverted()) for t in axes.texts if t.get_text()]
    width, height = picture.figure.get_size_inches()
    assert all(b.x0 >= 0 and b.x1 <= width and b.y1 <= height and b.y0 >= 0 for b in boxes)
    words_of_a_row = sorted((round(b.y0, 1), b.x0, b.x1) for b in boxes)
    for (y, _, end), (other, start, _) in zip(words_of_a_row, words_of_a_row[1:], strict=False):
        assert y != other or end <= start
    assert width <= canvas.WIDEST + 2 * canvas.MARGIN and picture.png() == progress_bars(rows).png()
