"""Does a browser test that fails leave pictures, pages and a trace that can be read, and one that passes nothing?

As in the whole run, where what fails runs once more.
"""

import json
import shutil
import subprocess
import sys
import zipfile

import pytest

import course
from harness import ROOT, browser

pytestmark = pytest.mark.browser

PLANTED = """
import pytest
from harness.explorers import new_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(chromium):
    page = new_page(chromium, height=300)
    page.set_content("<button>shared</button>")
    yield page
    page.context.close()


def test_that_passes(page):
    page.get_by_role("button", name="shared").click()


def test_that_fails(page):
    page.set_content("<button>of the one that fails</button>")
    assert page.get_by_role("button").inner_text() == "another"


@pytest.fixture
def nothing_opens(chromium):
    page = chromium.new_page()
    page.set_content("<p>half way</p>")
    page.get_by_role("button").click(timeout=100)


def test_whose_page_never_opens(nothing_opens):
    pass


def test_after_it(page):
    page.get_by_role("button").click()


tries = []


def test_that_passes_at_last():
    tries.append("one")
    assert tries == ["one", "one"]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(what pytest said, the folder of what was left) for PLANTED, in a copy of what tests share."""
    browser.find_browser()
    folder = tmp_path_factory.mktemp("planted")
    (folder / "tests").mkdir()
    shutil.copytree(ROOT / "tests" / "harness", folder / "tests" / "harness")
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "tests" / "test_planted.py").write_text(PLANTED, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "tests", "-p", "no:cacheprovider", *course.TWICE]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert answer.returncode == 1 and "1 failed, 3 passed, 1 error, 3 rerun" in answer.stdout, answer
    return answer.stdout, folder / "test-artifacts"


def left(run, test):
    """(how each picture begins, the pages as HTML, the actions in its traces as text) that a test left."""
    folder = run[1] / f"tests-test_planted.py-{test}"
    words = ""
    for trace in folder.glob("*.zip"):
        archive = zipfile.ZipFile(trace)
        assert archive.testzip() is None
        lines = "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".trace"))
        words += "\n".join(line for line in lines.splitlines() if json.loads(line)["type"] == "before")
    pages = [page.read_text("utf-8") for page in sorted(folder.glob("*.html"))]
    return sorted(picture.read_bytes()[:4] for picture in folder.glob("*.png")), pages, words


def test_a_failing_test_leaves_its_page_and_what_was_done_in_it_alone(run):
    pictures, (page,), words = left(run, "test_that_fails")
    assert pictures == [b"\x89PNG"] and "<button>of the one that fails</button>" in page
    assert "of the one that fails" in words and "shared" not in words
    assert str(run[1] / "tests-test_planted.py-test_that_fails") in run[0]  # and it says where


def test_a_page_that_never_opened_is_left_too(run):
    pictures, pages, words = left(run, "test_whose_page_never_opens")
    assert len(pictures) == len(pages) == 3 and "half way" in words  # the shared one, and one of each try
    assert sum("half way" in page for page in pages) == 2


def test_a_test_that_passes_leaves_nothing(run):
    assert {folder.name.rpartition("-")[2] for folder in run[1].iterdir()} == {
        "test_that_fails",
        "test_whose_page_never_opens",
        "test_that_passes_at_last",
    }


def test_what_failed_at_first_is_told(run):
    said = run[0].partition("failed at first: tests/test_planted.py::test_that_passes_at_last")[2]
    assert "assert ['one'] == ['one', 'one']" in said
