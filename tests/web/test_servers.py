"""Do the widgets live in marimo, Voila and a Jupyter Book, as those programs show them, with the network cut?

Each is installed as servers.txt has it, once, beside the packages of this environment. marimo and Voila have a kernel
of their own, so torch pools there; a Jupyter Book has none, so the page does.
"""

import contextlib
import os
import re
import site
import subprocess
import sys
import venv
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest
from playwright.sync_api import expect

from harness import ROOT, browser
from harness.explorers import check, opened
from pooling_course import Pooling

pytestmark = [pytest.mark.browser, pytest.mark.long]
PINS = Path(__file__).with_name("servers.txt")
IMPORTS = """
from pooling_course import Flipbook, GradientFlow, PoolingExplorer, Quiz
from pooling_course.pictures.figures import mental_model
"""
WIDGETS = [
    'PoolingExplorer("worked", compare=True)',
    "GradientFlow()",
    'Quiz("max-channels")',
    'Flipbook([(each, mental_model([[1, 3], [5, each]]), f"{each}.") for each in (6, 9)], "map")',
]


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The folder of an environment with the three programs, which finds all other packages in this one."""
    folder = tmp_path_factory.mktemp("programs")
    venv.create(folder, with_pip=True)
    ask = [folder / "bin" / "python", "-c", "import site; print(site.getsitepackages()[0])"]
    own = Path(subprocess.check_output(ask, text=True).strip())
    (own / "here.pth").write_text("\n".join([str(ROOT), *site.getsitepackages()]), "utf-8")
    command = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps", "-r", PINS]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and "No matching distribution" not in done.stderr:
        pytest.skip("no package registry answers")
    assert done.returncode == 0, done.stderr
    return folder


@contextlib.contextmanager
def served(programs, tmp_path, *command):
    """The address at which a program of `programs` serves, with a port of its own."""
    port = browser.free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    environ |= {"JUPYTER_PATH": os.pathsep.join(str(Path(each) / "share/jupyter") for each in (programs, sys.prefix))}
    with open(tmp_path / "log", "w") as log:
        command = [programs / "bin" / command[0], *command[1:], f"--port={port}"]
        process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=log, stderr=log)
        try:
            for _ in range(300):
                with contextlib.suppress(OSError):
                    urlopen(f"http://127.0.0.1:{port}/", timeout=60).close()
                    break
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                assert process.poll() is None, (tmp_path / "log").read_text()
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait()


def moves(page):
    """The explorer slides and shows torch's numbers, the gradient flow is drawn, the flipbook turns its page."""
    one = opened(page.locator(".pc-explorer").first)
    check(one, Pooling("max", 2), Pooling("avg", 2))
    one.slide("kernel_size", 3)
    check(one, Pooling("max", 3, 2), Pooling("avg", 3, 2))
    expect(page.locator(".pc-explorer").nth(1).locator("figcaption", has_text="Input gradient")).to_be_visible()
    book = page.locator(".pc-flipbook")
    book.get_by_role("slider").press("End")
    expect(book).to_contain_text("9.")
    assert not [said for said in page.complaints if "pooling" in said.lower() or "anywidget" in said.lower()]
    return one


def grades(page):
    """The question says nothing before the commitment, and what is right after it: that only Python knows."""
    question = page.locator(".pc-quiz")
    expect(question.get_by_text("channel by channel")).to_have_count(0)
    question.get_by_role("radio").first.check()
    question.get_by_role("radio", name="certain").check()
    question.get_by_role("button", name="Commit").click()
    expect(question.get_by_text("Right. You said: certain.")).to_be_visible(timeout=browser.START)


def notebook(folder, *texts):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in texts])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, folder / "widgets.ipynb")


def test_in_marimo_python_hears_what_is_moved(programs, tmp_path, show):
    asked = [f"w{i} = mo.ui.anywidget({text})\nw{i}" for i, text in enumerate(WIDGETS)]
    heard = "mo.md(f\"Python has {w0.value['kernel_size']}\")"
    notebook(tmp_path, f"import marimo as mo\n{IMPORTS}", *asked, heard)
    convert = [programs / "bin" / "python", "-m", "marimo", "convert", "widgets.ipynb", "-o", "app.py"]
    subprocess.run(convert, cwd=tmp_path, capture_output=True, check=True)
    with served(programs, tmp_path, "marimo", "run", "app.py", "--headless", "--no-token", "--host=127.0.0.1") as url:
        page = show(url)
        expect(page.get_by_text("Python has 2")).to_be_visible(timeout=browser.START)
        moves(page)
        expect(page.get_by_text("Python has 3")).to_be_visible()
        grades(page)


def test_in_voila(programs, tmp_path, show):
    notebook(tmp_path, IMPORTS, *WIDGETS)
    with served(programs, tmp_path, "voila", "widgets.ipynb", "--no-browser", "--Voila.ip=127.0.0.1") as url:
        page = show(url)
        moves(page)
        grades(page)


def test_in_a_jupyter_book(programs, tmp_path, show, scripts):
    notebook(tmp_path, IMPORTS, *WIDGETS)
    (tmp_path / "_config.yml").write_text("title: Widgets\nexecute: {execute_notebooks: force}\n", "utf-8")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: widgets\n", "utf-8")
    environ = dict(os.environ, JUPYTER_PATH=str(Path(sys.prefix) / "share/jupyter"))
    build = [programs / "bin" / "jupyter-book", "build", tmp_path]
    done = subprocess.run(build, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    def answers(url):
        if "require" in url:
            return next(text for name, text in scripts.items() if name.startswith("requirejs"))
        if "html-manager" in url:
            return scripts["@jupyter-widgets/html-manager 1.0.15"]
        return next((text for name, text in scripts.items() if name.split()[0] in url), None)

    built = tmp_path / "_build" / "html" / "widgets.html"
    built.write_text(re.sub(r'integrity="[^"]*"', "", built.read_text("utf-8")), "utf-8")  # of another require.js
    page = show(built.as_uri(), answers)
    moves(page)
    expect(page.locator(".pc-quiz .pc-commit")).to_be_visible()
