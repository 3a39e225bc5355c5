"""The static site: every lesson run once, then pages that stay alive without Python.

    python course.py site        ->  site/_build/html

Each notebook is executed, its widgets' state is taken out of it, and Sphinx makes a page of the rest. What stands after
`--` goes on to Sphinx.
"""

import asyncio
import base64
import gzip
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import nbformat
import torch.nn as nn
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))  # for tools/, which is not installed

from pooling_course import PoolingExplorer, images  # noqa: E402
from pooling_course.exercises import load  # noqa: E402
from pooling_course.exercises.clinic import PATIENTS  # noqa: E402
from pooling_course.exercises.report import hint_buttons  # noqa: E402
from pooling_course.web import assets  # noqa: E402
from tools import links  # noqa: E402

LESSONS = links.lessons()
BUILD = HERE / "_build"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PROGRESS = '<div class="course-progress"></div>'  # filled by progress.js
SMALL = 4_000  # bytes of an input that a page carries itself; a larger one is a file of its own
COMPARED = "100,000"  # settings and maps, at least: tests/explorer/test_engine.py, the long test
BESIDE = ("explorer/link.js", "explorer/table.js", "explorer/svg.js")  # what pages add to the explorer's module
APART = {"kernel_size": 9, "stride": 6}  # how far the sliders go where an explorer stands for itself
WAITING = "not attempted yet"  # what a cell says that waits for the learner's own code


# ---- run -------------------------------------------------------------------------------------------------------------


def executed(lessons, folder):
    """{stem: notebook with outputs and widget states}; one is run again only where it or the package has changed."""
    folder.mkdir(parents=True, exist_ok=True)
    package = sorted(
        p for p in (ROOT / "pooling_course").rglob("*") if p.suffix in (".py", ".js", ".css", ".json", ".npz")
    )
    common = hashlib.sha256(b"".join(p.read_bytes() for p in (ROOT / "constraints.txt", *package)))
    kept = {}
    for path in lessons:
        digest = common.copy()
        digest.update(path.read_bytes())
        kept[path] = folder / f"{path.stem}-{digest.hexdigest()[:16]}.ipynb"
    for old in set(folder.iterdir()) - set(kept.values()):
        old.unlink()
    asyncio.run(_run({path: to for path, to in kept.items() if not to.exists()}))
    return {path.stem: nbformat.read(to, as_version=4) for path, to in kept.items()}


async def _run(wanted):
    at_once = asyncio.Semaphore(os.cpu_count() or 1)

    async def run(path, to):
        async with at_once:
            notebook, where = nbformat.read(path, as_version=4), {"metadata": {"path": str(path.parent)}}
            settings = {"kernel_name": "python3", "timeout": 1200, "extra_arguments": ["--log-level=ERROR"]}
            settings["shutdown_kernel"] = "immediate"  # its farewell would take nearly a second
            await NotebookClient(notebook, resources=where, **settings).async_execute()
            nbformat.write(notebook, to)
            print(f"ran {path.name}", flush=True)

    os.environ |= {"POOLING_COURSE_STATIC": "1", "PYTHONPATH": str(ROOT)}
    os.environ |= {"OMP_NUM_THREADS": "1"}  # as many notebooks as cores: more threads would only wait for each other
    with tempfile.TemporaryDirectory() as empty:  # no answers of whoever builds, and no startup files of theirs
        os.environ |= {"POOLING_COURSE_PROGRESS": f"{empty}/none.jsonl", "IPYTHONDIR": empty}
        await asyncio.gather(*(run(path, to) for path, to in wanted.items()))


# ---- widgets ---------------------------------------------------------------------------------------------------------


class Widgets:
    """What the pages share: one module and one style sheet a widget class, and a file for each large input."""

    def __init__(self, static):
        self.static, self.modules, self.styles, self.questions = static, {}, [], {}
        (static / "input").mkdir(parents=True)

    def of(self, notebook):
        """{id: {"module", "state"} of a widget, or {"children"} of a box}; of a `book`, the input alone is kept."""
        saved = notebook.metadata.widgets[WIDGET_STATE]["state"]
        alive = {n: m for n, m in saved.items() if {"_esm", "children"} & m["state"].keys()}  # the rest has no module
        return {name: self._one(model, saved) for name, model in alive.items()}

    def _one(self, model, saved):
        state = model["state"]
        layout = saved.get(_reference(state.get("layout", "")), {"state": {}})["state"]
        closed = {"closed": True} if layout.get("display") == "none" else {}
        if "children" in state:
            return {"children": [_reference(child) for child in state["children"]], **closed}
        for buffer in model.get("buffers", []):
            *path, last = buffer["path"]
            at = state
            for step in path:
                at = at[step]
            at[last] = base64.b64decode(buffer["data"])
        own = {n: v for n, v in state.items() if n[0] != "_" and n not in ("layout", "tabbable", "tooltip")}
        if "book" in own:
            own["book"] = self.input(own["book"])
        if own.get("own"):  # an upstream gradient that was typed in: its numbers, and no gradients
            own["own"] = {n: _text(v) if n == "data" else v for n, v in own["own"].items() if n != "book"}
        return {"module": self._module(state), "state": own, **closed}

    def apart(self, *given, **settings):
        """An explorer that stands for itself, in no lesson."""
        explorer = PoolingExplorer(*given, **settings)
        explorer.most = explorer.most | APART
        return self._one({"state": explorer.get_state()}, {}) | {"apart": True}

    def _module(self, state):
        """The name that this widget's module has in the pages: that of the first class met with the same one."""
        if state["_css"] not in self.styles:
            self.styles.append(state["_css"])
        return self.modules.setdefault(assets.unpacked(state["_esm"]), state["_anywidget_id"].rpartition(".")[2])

    def input(self, book):
        """The input of a book, which the page pools by itself, as JSON holds it; of a large one the name of its file.

        The file is a script, which unlike others a page opened from disk may fetch.
        """
        told = book["input"] | {"data": _text(book["input"]["data"])}
        if len(book["input"]["data"]) <= SMALL:
            return told
        packed = gzip.compress(json.dumps(told, separators=(",", ":")).encode(), mtime=0)
        name = hashlib.sha256(packed).hexdigest()[:12]
        script = f'course.input("{name}","{base64.b64encode(packed).decode()}")\n'
        (self.static / "input" / f"{name}.js").write_text(script, encoding="ascii")
        return name

    def write(self, titles):
        """widgets.js and widgets.css, for all pages."""
        explorer = assets.script("explorer/explorer.js")
        base = assets.DEFAULT.sub("", explorer)
        grown = [name for text, name in self.modules.items() if text != explorer and text.startswith(base)]
        modules = {name: text.removeprefix(base) for text, name in self.modules.items()}
        shared = {
            "modules": modules | {self.modules[explorer]: assets.script("explorer/explorer.js", *BESIDE)},
            "explorer": self.modules[explorer],
            "grown": grown,  # modules that go on where the explorer's ends
            "presets": {name: self.input(PoolingExplorer(name).book) for name in images.PRESETS},
            "lessons": [{"name": n, "title": title, "questions": self.questions[n]} for n, title in titles.items()],
        }
        script = f"window.course = {json.dumps(shared, separators=(',', ':'))};\n"
        (self.static / "widgets.js").write_text(script, encoding="utf-8")
        (self.static / "widgets.css").write_text("\n".join(self.styles), encoding="utf-8")


def _text(data):
    return {"base64": base64.b64encode(data).decode()}


def _reference(text):
    return text.removeprefix("IPY_MODEL_")


# ---- pages -----------------------------------------------------------------------------------------------------------


def page(name, notebook, widgets):
    """The notebook that Sphinx gets: each cell's outputs as one piece of HTML, and the widgets' states in a script."""
    models = widgets.of(notebook)
    notebook.cells = [
        cell for cell in map(_instead, notebook.cells) if cell.source and not cell.id.endswith("-install")
    ]
    widgets.questions[name] = {}
    first, told, section = (
        [],
        "",
        None,
    )  # the questions to be answered before what follows is seen; what tells it in words
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("](../docs/", "](")  # the manual's pages lie beside the lessons here
            section = cell if cell.source.startswith("## ") else section
            if cell.source.startswith("#") and first and first[0]["role"] == "myth":
                first = []  # a myth ends with its section, a prediction where the next questions come
            told = _fold(cell, first)
            continue
        shown_by = [state for output in cell.outputs for state in _widgets(output, models)]
        asked = [state["question"] for state in shown_by if "question" in state]
        shown = "".join(_shown(output, models, widgets.static, cell.id) for output in cell.outputs)
        if asked:
            first = [q for q in asked if q["role"] in ("predict", "myth")]
            widgets.questions[name] |= {q["id"]: q["prompt"] for q in asked}
        if cell.id.endswith("-setup"):
            cell.metadata |= {"tags": ["hide-cell"], "mystnb": {"code_prompt_show": SETUP}}
        elif asked or shown == PROGRESS:
            cell.metadata["tags"] = ["remove-input"]  # the call says nothing to who cannot run it
        elif shown_by and section is not None and section.source.startswith("## The puzzle"):
            cell.metadata |= {"tags": ["hide-input"], "mystnb": {"code_prompt_show": "How it is made (in code)"}}
        elif waits(cell):
            shown, section.source = hints_of(cell), _with_note(section.source, name)
        elif told and not shown_by:
            cell.metadata |= {"tags": ["hide-cell"], "mystnb": {"code_prompt_show": f"{told} (in code)"}}
            cell.metadata["tags"] += _after(first) if told == BACK else []
        elif first and (shown or first[0]["role"] == "myth"):
            folded = "hide-cell" if first[0]["role"] == "myth" else "hide-output"
            cell.metadata["tags"] = [folded, *_after(first)]
        cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": shown})] if shown else []
    notebook.cells.insert(_after_first_section(notebook.cells), nbformat.v4.new_markdown_cell(launch(name)))
    notebook.cells.append(nbformat.v4.new_markdown_cell(_with_files(_script(models), widgets.static)))
    notebook.cells[0].source = notebook.cells[0].source.partition(f"\n\n{links.OPEN}")[0]  # said by launch
    notebook.metadata.pop("widgets")
    return notebook


def _after_first_section(cells):
    """Where the sentence stands that opens a lesson elsewhere: what a page begins with is not interrupted."""
    sections = [i for i, c in enumerate(cells) if c.cell_type == "markdown" and c.source.startswith("## ")]
    return sections[1]


SETUP = "What this page uses (in code)"
BACK = "Opens when you commit to your answer above, or by a click"
ANSWERS = "The answers: open them when you have tried"


def _fold(cell, first):
    """Fold a cell that tells how it went; returns the words in its place, or "" where the cell tells nothing.

    What answers a prediction opens with the commitment, like the outputs; what answers a thing to try, by hand.
    """
    head, words, tags = "", cell.source, []
    if cell.source.startswith("## Back to your prediction\n"):
        summary, tags = BACK, [f"tag_{tag}" for tag in _after(first)]
        head, _, words = cell.source.partition("\n\n")
    elif cell.id.endswith("-answers") and "<details>" in cell.source:  # folded in the notebook, too
        cell.source = cell.source.replace("<details>", '<details class="course-told">')
        return ANSWERS
    elif cell.id.endswith("-answers"):
        summary = ANSWERS
    else:
        return ""
    folded = f'<details class="{" ".join(["course-told", *tags])}"><summary>{summary}</summary>'
    cell.source = f"{head}\n\n{folded}\n\n{words}\n\n</details>".strip()
    return summary


def _after(questions):
    """Tags that become classes, for progress.js: what carries them opens after these questions."""
    return [f"after-{q['id']}" for q in questions]


def waits(cell):
    """Whether a cell waits for the learner's own code."""
    return any(WAITING in str(output.get("text") or output.get("data")).lower() for output in cell.outputs)


def hints_of(cell):
    """The hints of the exercise that a cell checks, or of its patient: text, which needs no Python."""
    if checked := re.match(r'check\("([\w-]+)"', cell.source):
        return hint_buttons(load(checked[1]).ladder)
    if examined := re.search(r'^patient\("([\w-]+)", (\w+)\)', cell.source, re.MULTILINE):
        return hint_buttons(PATIENTS[examined[1]].ladder(examined[2]), words=1)
    return ""


def _with_note(source, name):
    """A section, with what it needs said before it asks for code."""
    head, _, words = source.partition("\n\n")
    note = f"To write code and have it tried, you need Python: {elsewhere(name)}. Here you can read tasks and hints."
    return source if "course-note" in source else f'{head}\n\n<p class="course-note">{note}</p>\n\n{words}'


def instead():
    """{cell: what stands in the pages in its place}."""
    parts = re.split(r"^=== (\S+)\n", (HERE / "instead.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _instead(cell):
    words = instead().get(cell.id)
    return cell if words is None else nbformat.v4.new_markdown_cell(words.strip(), id=cell.id)


def _widgets(output, models):
    """The states of the widgets that an output shows, in order."""

    def within(name):
        model = models.get(name, {})
        if "state" in model:
            yield model["state"]
        for child in model.get("children", ()):
            yield from within(child)

    return list(within(output.get("data", {}).get(WIDGET_VIEW, {}).get("model_id")))


def _shown(output, models, static, cell):
    """One output as HTML, with a picture as a file of its own."""
    data = output.get("data", {})
    text = output.get("text") or data.get("text/plain", "")
    rich = _with_files(data.get("text/html", ""), static).replace("<img ", '<img loading="lazy" ')
    rich = re.sub(r'(?<=href=")(\d\d_\w+)\.ipynb', r"\1.html", rich)  # a lesson is a page here
    rich = rich.replace('class="pc-told"', 'class="pc-told" open')  # its whole cell is folded until the commitment
    if WIDGET_VIEW in data and not _widgets(output, models):
        return ""  # a bar that told how far a cell was
    if WIDGET_VIEW in data:
        model, still = data[WIDGET_VIEW]["model_id"], rich or f"<pre>{html.escape(text)}</pre>"
        return place_of(model, cell, still)
    if "<caption>Your answers so far</caption>" in rich:
        return PROGRESS
    return rich or (f'<pre class="course-text">{html.escape(text)}</pre>' if text else "")


def place_of(model, cell, still):
    """Where mount.js puts a widget; until then stands what `still` says."""
    named = f'data-model="{model}" data-cell="{cell}"'
    return f'<div class="course-widget" {named}><div class="course-still">{still}</div></div>'


def alone(widgets, name, *given, **settings):
    """An explorer that stands for itself, as HTML."""
    still = _with_files(PoolingExplorer(*given, **settings)._as_html(), widgets.static)
    return place_of(name, name, still) + _script({name: widgets.apart(*given, **settings)})


def _with_files(text, static):
    """The text with the pictures in it as files of their own."""

    def file(found):
        png, svg = found["png"], found["svg"]
        raw = base64.b64decode(png) if png else unquote(svg.replace("<\\/", "</")).encode()  # as a script holds it
        name = f"{hashlib.sha256(raw).hexdigest()[:12]}.{'png' if png else 'svg'}"
        (static / name).write_bytes(raw)
        return f"_static/{name}"

    return re.sub(r"data:image/(?:png;base64,(?P<png>[\w+/=]+)|svg\+xml,(?P<svg>[^\"]+))", file, text)


def elsewhere(name, what="this lesson"):
    """Links to a lesson in places that have Python."""
    path = f"notebooks/{name}.ipynb"
    places = {"Binder": links.binder(path), "Colab": links.colab(path)}
    opened = " or ".join(f'<a href="{html.escape(url)}">{place}</a>' for place, url in places.items())
    return f'open {what} in {opened}, or <a href="{path}" download>download</a> the notebook'


def launch(name):
    compared = f'on more than {COMPARED} settings and maps (<a href="how-true.html">how true is this?</a>)'
    words = f"Questions and explorers work right here: the page pools by itself, compared with PyTorch {compared}."
    more = "The other outputs are what PyTorch gave when this page was made. To change the code, you need Python"
    return f'<div class="course-launch"><p>{words} {more}: {elsewhere(name)}.</p></div>'


def _script(models):
    text = json.dumps(models, separators=(",", ":")).replace("</", "<\\/")
    return f'<script type="application/json" id="course-widgets">{text}</script>'


def heading(notebook):
    """(title, the sentence under it)."""
    title, about = notebook.cells[0].source.removeprefix("# ").split("\n\n")[:2]
    return title, about.replace("\n", " ")


def said_of(path):
    """The heading of a page of the manual."""
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def told_of(path):
    """The first words of a page of the manual: for those who list it."""
    _, *paragraphs = path.read_text(encoding="utf-8").split("\n\n")
    first = next((words for words in paragraphs if re.match(r"[\w*]|`[^`]|- ", words)), "a page of the manual")
    return f"{said_of(path)}: {' '.join(first.removeprefix('- ').split())}"


def write_sources(lessons, sources, static):
    """Everything that Sphinx reads, made anew."""
    notebooks = executed(lessons, BUILD / "executed")
    for folder in (sources, static):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    widgets, headings = Widgets(static), {name: heading(notebook) for name, notebook in notebooks.items()}
    for name, notebook in notebooks.items():
        nbformat.write(page(name, notebook, widgets), sources / f"{name}.ipynb")
    manual = sorted((ROOT / "docs").glob("*.md"), key=lambda path: (path.stem != "learners", path.stem))
    first = ("worked", nn.MaxPool2d(2))
    filled_in = {
        "{{explorer}}": alone(widgets, "front", *first, compare=True, settings=("kernel_size", "stride")),
        "{{playground}}": alone(widgets, "playground", *first, compare=True),
        "{{toctree}}": "\n".join(headings),
        "{{lessons}}": "\n".join(f"- [{title}]({name}.ipynb): {about}" for name, (title, about) in headings.items()),
        "{{elsewhere}}": elsewhere(lessons[0].stem, "a lesson"),
        "{{manual}}": "\n".join(path.stem for path in manual),
        "{{about the manual}}": "\n".join(f"- [{said_of(path)}]({path.name})" for path in manual),
        "](../notebooks/": "](",
        "](../": f"]({links.file('')}",  # what the manual says of other files, it says of those in the repository
    }
    for path in (HERE / "index.md", HERE / "playground.md", HERE / "api.md", *manual):
        text = path.read_text(encoding="utf-8")
        for old, new in filled_in.items():
            text = text.replace(old, new)
        (sources / path.name).write_text(text, encoding="utf-8")
    embed, explorer = (
        (HERE / "embed.html").read_text(encoding="utf-8"),
        alone(widgets, "embedded", *first, compare=True),
    )
    (static.parent / "embed.html").write_text(embed.replace("{{explorer}}", explorer), encoding="utf-8")
    widgets.write({name: title for name, (title, _) in headings.items()})
    about = {name: sentence for name, (_, sentence) in headings.items()} | {path.stem: told_of(path) for path in manual}
    (sources / "about.json").write_text(json.dumps(about), encoding="utf-8")
    for path in (ROOT / "docs").glob("measurements/*.png"):
        (sources / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, sources / path.parent.name)


def carry_styles(path):
    """Put its style sheets into a page: on a slow line each file is a journey more before anything can be seen."""

    def carried(found):
        return f"<style>{(path.parent / found[1]).read_text(encoding='utf-8')}</style>"

    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'<link rel="stylesheet"[^>]* href="([^"?]+)[^"]*" />', carried, text), encoding="utf-8")


def main(rest):
    out = BUILD / "html"
    write_sources(LESSONS, BUILD / "source", BUILD / "static")
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-W", "--keep-going"]
    command += ["-c", str(HERE), "-d", str(BUILD / "doctrees")]
    code = subprocess.call([*command, *rest, str(BUILD / "source"), str(out)])
    if code == 0:
        carry_styles(out / "index.html")
        (out / "notebooks").mkdir()
        for path in LESSONS:
            shutil.copy(path, out / "notebooks")
        (out / "embed").mkdir()
        shutil.copy(BUILD / "embed.html", out / "embed" / "index.html")
        print(f"The site is in {out.relative_to(ROOT)}: open index.html, or serve the folder.")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
