"""The pictures of README, made of the explorer as it is: python -m tools.pictures

It writes docs/explorer.gif, in which Play fills the outputs cell by cell, and docs/explorer.png, its last frame, for
readers who want no motion. The page's clock is moved on frame by frame, so that a slow machine makes the same film.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from harness import browser, plain  # noqa: E402
from pooling_course import PoolingExplorer  # noqa: E402

DOCS = ROOT / "docs"
WIDTH, MARGIN = 934, 8  # px: a notebook in JupyterLab at 1366 x 768, its file browser open
STEP = 80  # ms from one frame to the next
SECONDS = 16  # at most; where nothing moves any longer, the film ends
REST = 2400  # ms for which the last frame stays
COLOURS = 96


def main():
    with sync_playwright() as playwright:
        path = browser.installed_browser() or sys.exit(browser.ADVICE)
        running = playwright.chromium.launch(executable_path=path, args=browser.ARGUMENTS)
        film = record(running)
        running.close()
    write(film, DOCS / "explorer.gif")
    film[-1].save(DOCS / "explorer.png", optimize=True)
    for name in ("explorer.gif", "explorer.png"):
        print(f"{DOCS / name}: {(DOCS / name).stat().st_size / 1000:.0f} kB")


def record(running) -> list[Image.Image]:
    """The frames, from the empty output to the full one."""
    page = running.new_page(viewport={"width": WIDTH + 2 * MARGIN, "height": 700})
    page.clock.install()
    explorer = plain.mount(page, PoolingExplorer("worked", nn.MaxPool2d(2), compare=True), WIDTH)
    page.add_style_tag(content=f"body {{ margin: {MARGIN}px !important }}")
    page.clock.run_for(1000)
    explorer.get_by_role("button", name="Play the sliding window").click()
    box = {"x": 0, "y": 0, "width": WIDTH + 2 * MARGIN, "height": explorer.bounding_box()["height"] + 2 * MARGIN}
    film = []
    for _ in range(SECONDS * 1000 // STEP):
        page.clock.run_for(STEP)
        film.append(Image.open(io.BytesIO(page.screenshot(clip=box))).convert("RGB"))
        if explorer.get_by_role("button", name="Play the sliding window").is_visible() and len(film) > 1:
            break
    return film


def write(film, path):
    """A GIF of the frames; what is the same in two frames is stored once, and one table of colours serves all."""
    table = film[len(film) // 2].quantize(COLOURS, dither=Image.Dither.NONE)
    frames = [frame.quantize(palette=table, dither=Image.Dither.NONE) for frame in film]
    shown = [STEP] * (len(frames) - 1) + [REST]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=shown, loop=0, optimize=True)


if __name__ == "__main__":
    main()
