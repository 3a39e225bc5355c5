"""Where the project lives, and what follows from it: links that open a lesson elsewhere, and the cell that installs it.

The one setting is [tool.pooling_course] in pyproject.toml. `python course.py links` writes every link, badge and
install cell from it, and the package's own addresses; a test fails where one is stale.
"""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
PYPROJECT = ROOT / "pyproject.toml"
OPEN = "Open this page in "
BADGES = re.compile(r"(?<=<!-- launch -->\n).*?(?=<!-- /launch -->)", re.DOTALL)


def home(pyproject: Path = PYPROJECT) -> tuple[str, str]:
    """(repository as owner/name, tag or branch)."""
    text = pyproject.read_text(encoding="utf-8")
    table = re.search(r"^\[tool\.pooling_course\]\n((?:(?!\[).*\n?)*)", text, re.MULTILINE)
    settings = dict(re.findall(r'^(\w+) *= *"([^"]*)"', table.group(1), re.MULTILINE))
    return settings["repository"], settings["ref"]


def binder(path: str) -> str:
    """A server of its own, with `path` open in JupyterLab."""
    repository, ref = home()
    return f"https://mybinder.org/v2/gh/{repository}/{ref}?urlpath=lab/tree/{path}"


def colab(path: str) -> str:
    repository, ref = home()
    return f"https://colab.research.google.com/github/{repository}/blob/{ref}/{path}"


def file(path: str) -> str:
    """A file or folder of the repository, to be read."""
    repository, ref = home()
    return f"https://github.com/{repository}/blob/{ref}/{path}"


def clone() -> str:
    return f"https://github.com/{home()[0]}.git"


def anchor(heading: str) -> str:
    """The name under which a link reaches a heading, in JupyterLab and so in the lessons' links."""
    return heading.replace(" ", "-")


# ---- What is written from the setting --------------------------------------------------------------------------------


def launch(path: str) -> str:
    """The sentence that opens a lesson elsewhere."""
    return f"{OPEN}[Colab]({colab(path)}) or on [Binder]({binder(path)})."


def install() -> str:
    """The code of the cell that fetches the course on Colab, where it upgrades nothing, and nowhere else."""
    repository, ref = home()
    return f"""\
import subprocess
import sys

if "google.colab" in sys.modules:  # on Colab this fetches the course; anywhere else the cell does nothing
    course = "pooling-course @ git+https://github.com/{repository}@{ref}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", course], check=True)"""


def outdated() -> dict[Path, str]:
    """The files that do not say what the setting says, and what they should hold."""
    made = {path: lesson_text(path) for path in lessons()} | {path: page_text(path) for path in pages()}
    made[PYPROJECT] = project_text(PYPROJECT)
    return {path: text for path, text in made.items() if path.read_text(encoding="utf-8") != text}


def lessons() -> list[Path]:
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def pages() -> list[Path]:
    """The pages that tell how to fetch the course."""
    return [ROOT / "README.md", *sorted((ROOT / "deploy").glob("*.md"))]


def lesson_text(path: Path) -> str:
    """A lesson with its launch sentence at the end of the title cell, and the install cell below it."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    stem = re.sub(r"^\d+_", "", path.stem).replace("_", "-")
    title, *others = (cell for cell in notebook["cells"] if cell["id"] != f"{stem}-install")
    words = "".join(title["source"]).partition(f"\n\n{OPEN}")[0]
    title["source"] = f"{words}\n\n{launch(f'notebooks/{path.name}')}".splitlines(keepends=True)
    cell = {"cell_type": "code", "execution_count": None, "id": f"{stem}-install", "metadata": {}, "outputs": []}
    cell["source"] = install().splitlines(keepends=True)
    notebook["cells"] = [title, cell, *others]
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def page_text(path: Path) -> str:
    start = "notebooks/00_start_here.ipynb"
    badges = (
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab(start)})\n"
        f"[![Open on Binder](https://mybinder.org/badge_logo.svg)]({binder(start)})\n"
    )
    text = BADGES.sub(lambda _: badges, path.read_text(encoding="utf-8"))
    return re.sub(r"(?<=\bgit clone )\S+", clone(), text)


def urls() -> dict[str, str]:
    """The addresses that the package itself carries, for pip and package indexes to show."""
    page = f"https://github.com/{home()[0]}"
    return {
        "Homepage": page,
        "Documentation": file("docs"),
        "Changes": file("CHANGELOG.md"),
        "Issues": f"{page}/issues",
    }


def project_text(path: Path) -> str:
    table = "".join(f'{name} = "{address}"\n' for name, address in urls().items())
    return re.sub(
        r"(?<=^\[project\.urls\]\n)(?:\w+ = .*\n)*", lambda _: table, path.read_text("utf-8"), flags=re.MULTILINE
    )


if __name__ == "__main__":
    changed = outdated()
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    print("Written." if changed else "Every link says what the setting says.")
