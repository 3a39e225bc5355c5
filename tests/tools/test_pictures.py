"""Do the pictures of README show the explorer computing?"""

import re

import pytest
from PIL import Image, ImageChops, ImageStat

from harness import ROOT
from tools import pictures

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_shows_pictures_that_are_there_and_light():
    shown = set(re.findall(r"docs/[\w-]+\.(?:gif|png)", README))
    assert {"docs/explorer.gif", "docs/explorer.png"} <= shown
    for name in shown:
        assert (ROOT / name).stat().st_size < 1_000_000, name


def test_readmes_film_moves_and_ends_as_the_still_picture():
    film = Image.open(ROOT / "docs/explorer.gif")
    assert film.n_frames > 20
    film.seek(film.n_frames - 1)
    with Image.open(ROOT / "docs/explorer.png") as still:
        assert film.size == still.size
        difference = ImageChops.difference(film.convert("L"), still.convert("L"))
    assert ImageStat.Stat(difference).mean[0] < 3  # of 255: its table has few colours


@pytest.mark.browser
def test_the_film_begins_empty_and_ends_full(chromium):
    film = pictures.record(chromium)
    inked = [sum(frame.convert("L").histogram()[:160]) for frame in (film[1], film[len(film) // 2], film[-1])]
    assert inked == sorted(set(inked)), inked  # every number that lands is dark on its cell
