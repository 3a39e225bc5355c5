"""What a failing browser test leaves: a trace that `playwright show-trace` opens; each page as picture and as HTML."""

import contextlib
import re

from playwright.sync_api import Browser, Error

from harness.browser import ARTIFACTS

# Each action with its line in the test. Playwright's own snapshots of the page, one before and one after each action,
# take nearly as long as the tests themselves.
KEPT = {"screenshots": False, "snapshots": False, "sources": True}


def watch(browser: Browser) -> Browser:
    """The browser, every context of which is recorded from its beginning."""
    make = browser.new_context

    def new_context(**settings):
        context = make(**settings)
        context.tracing.start(**KEPT)
        return context

    browser.new_context = new_context
    browser.new_page = lambda **settings: new_context(**settings).new_page()
    return browser


def begin(browser: Browser, name: str) -> None:
    """Forget what was recorded: a page may serve many tests, and a trace shows one."""
    for context in browser.contexts:
        with contextlib.suppress(Error):  # a context about to close
            context.tracing.stop_chunk()
            context.tracing.start_chunk(title=name)


def leave(browser: Browser, name: str) -> list[str]:
    """Write what was recorded, how every page looks and what it holds; the names of the files."""
    folder = ARTIFACTS / re.sub(r"[^\w.-]+", "-", name).strip("-")
    folder.mkdir(parents=True, exist_ok=True)
    left = []
    for i, context in enumerate(browser.contexts, start=1):
        for j, page in enumerate(context.pages, start=1):
            with contextlib.suppress(Error):  # a page that crashed, or hangs, has neither, and is in the trace
                page.screenshot(path=folder / f"page-{i}-{j}.png", timeout=5000)
                left.append(f"page-{i}-{j}.png")
                (folder / f"page-{i}-{j}.html").write_text(page.content(), "utf-8")
                left.append(f"page-{i}-{j}.html")
        with contextlib.suppress(Error):
            context.tracing.stop_chunk(path=folder / f"trace-{i}.zip")
            context.tracing.start_chunk(title=name)
            left.append(f"trace-{i}.zip")
    return [str(folder / file) for file in left]
