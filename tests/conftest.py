"""One JupyterLab and one browser for every test that asks for them."""

import os

import pytest

# Several files at a time, on a few cores: torch's threads would wait for each other, and burn the cores meanwhile.
os.environ.setdefault("OMP_NUM_THREADS", "1")
BROWSER = pytest.StashKey()  # the one that runs
DEAR = {"browser", "nbgrader", "soak", "slow", "long"}


def pytest_addoption(parser):
    parser.addoption("--soak-minutes", type=float, default=0, help="how long test_soak.py goes on; a round at least")
    parser.addoption("--hostile-runs", type=int, default=20, help="of a class of attacks, in a long test")
    parser.addoption("--soak-seed", type=int, help="the seed of a soak that is to be repeated")


FIRST = ["test_site.py", "test_browser.py", "test_colab.py", "test_card_browser.py", "test_round.py"]
FIRST += ["test_one_screen.py", "test_relatives_browser.py", "test_hostile_user.py", "test_hostile_root.py"]


@pytest.hookimpl(tryfirst=True)  # before `-m quick` chooses
def pytest_collection_modifyitems(config, items):
    """Longest files first, so that no process works alone at the end; no long tests unasked."""
    if "long" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))
    for item in items:
        if item.path.suffix == ".py" and not DEAR & {mark.name for mark in item.iter_markers()}:
            item.add_marker("quick")


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab over an empty folder; `lab.write`, `lab.open` and `lab.run_all` put notebooks to work."""
    from harness import browser

    browser.find_browser()  # without one, do not start a server either
    with browser.jupyterlab(tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture(scope="session")
def chromium(request):
    """A real Chromium, Chrome or Edge."""
    from playwright.sync_api import expect, sync_playwright

    from harness import browser, explorers, recording

    expect.set_options(timeout=explorers.SOON)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser.find_browser(), args=browser.ARGUMENTS)
        request.config.stash[BROWSER] = recording.watch(running)
        yield running
        del request.config.stash[BROWSER]
        running.close()


def pytest_runtest_setup(item):
    from harness import recording

    if running := item.config.stash.get(BROWSER, None):
        recording.begin(running, item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A browser test that fails leaves a trace and pictures, and says where."""
    from harness import recording

    report = yield
    if report.failed and item.get_closest_marker("browser") and (running := item.config.stash.get(BROWSER, None)):
        report.sections.append(("Left by the browser", "\n".join(recording.leave(running, item.nodeid))))
    return report


def pytest_terminal_summary(terminalreporter):
    """What failed and passed when it ran once more (course.py) is no fault of the course's yet, but worth a look."""
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.section(f"failed at first: {report.nodeid}")
        terminalreporter.line(report.longreprtext)
        for name, text in report.sections:
            terminalreporter.line(f"{name}: {text}")
