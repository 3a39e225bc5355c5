"""Every link that follows from where the project lives, or from which lessons there are, and in which order.

Two settings: [tool.pooling_course] in pyproject.toml, and pooling_course/questions/lessons.json. From them `python
course.py links` writes the links that open a lesson elsewhere, the cell that installs the course, the title of each
lesson, the ways to the lessons before and after it, the list on the start page, the tables of docs/ways.md, and
the package's own addresses. A test fails where one is stale. While the repository is still the placeholder, it is taken
from where this copy lies, and written into the setting; `--here` does so in any copy, such as a fork.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from pooling_course.questions.lessons import LESSONS, STEPS, Lesson

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
INSTEAD = ROOT / "site" / "instead.txt"
TABLES = ROOT / "docs" / "ways.md"
LEARNERS = ROOT / "docs" / "learners.md"
PYPROJECT = ROOT / "pyproject.toml"
OPEN = "Open this page in "
RUN = """\
**Run all cells first** (menu *Run* → *Run All Cells*, in Colab *Runtime* → *Run all*), then come back up here: until
then nothing on this page moves."""
PLACEHOLDER = "OWNER/"
BADGES = re.compile(r"(?<=<!-- launch -->\n).*?(?=<!-- /launch -->)", re.DOTALL)
WAYS = {  # to learn, and where a step has its own: places of the page map of tests/harness/lessons.py
    "Read": "[the idea]({file}#The-idea)",
    "Watch": "[Play]({file}#See-it)",
    "Explore": "[things to try]({file}#See-it)",
    "Predict": "[one question]({file}#Predict)",
    "Quiz": "[questions]({file}#Check-yourself)",
    "Code": "[exercises]({file}#Write-it-yourself)",
    "Debug": "",
    "Measure": "",
    "Build": "[capstone](10_alternatives.ipynb#Part-4:-Capstone)",
}


def home(pyproject: Path = PYPROJECT) -> tuple[str, str]:
    """(repository as owner/name, tag or branch)."""
    text = pyproject.read_text(encoding="utf-8")
    (table,) = re.findall(r"^\[tool\.pooling_course\]\n((?:(?!\[).*\n?)*)", text, re.MULTILINE)
    settings = dict(re.findall(r'^(\w+) *= *"([^"]*)"', table, re.MULTILINE))
    return settings["repository"], settings["ref"]


def whereabouts(root: Path = ROOT) -> str | None:
    """The repository that this copy belongs to, as owner/name: in a workflow GitHub says it, elsewhere git's origin.

    None where there is none on GitHub, from which Colab and Binder would open a lesson.
    """
    if told := os.environ.get("GITHUB_REPOSITORY"):
        return told
    if not shutil.which("git"):
        return None
    asked = ["git", "-C", str(root), "remote", "get-url", "origin"]
    origin = subprocess.run(asked, capture_output=True, text=True, encoding="utf-8").stdout.strip()
    found = re.search(r"\bgithub\.com[:/]([\w-]+/[\w.-]+?)(?:\.git)?/?$", origin)
    return found[1] if found else None


def settle(repository: str, pyproject: Path = PYPROJECT) -> None:
    """Write the repository into the setting, from which all links follow."""
    text = pyproject.read_text(encoding="utf-8")
    changed = re.sub(
        r'^repository = ".*"$', lambda _: f'repository = "{repository}"', text, count=1, flags=re.MULTILINE
    )
    pyproject.write_text(changed, encoding="utf-8")


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
    """The files that do not say what the settings say, and what they should hold."""
    made = {path: lesson_text(path) for path in lessons()} | {path: page_text(path) for path in pages()}
    made[INSTEAD] = ready(None, INSTEAD.read_text(encoding="utf-8"))
    made[TABLES] = topics(ways(TABLES.read_text(encoding="utf-8")))
    made[LEARNERS] = taken(None, LEARNERS.read_text(encoding="utf-8"))
    made[PYPROJECT] = project_text(PYPROJECT)
    return {path: text for path, text in made.items() if path.read_text(encoding="utf-8") != text}


def lessons() -> list[Path]:
    return [NOTEBOOKS / lesson.file for lesson in LESSONS.values()]


def pages() -> list[Path]:
    """The pages that tell how to fetch the course."""
    return [ROOT / "README.md", *sorted((ROOT / "deploy").glob("*.md"))]


def lesson_text(path: Path) -> str:
    """A lesson with what is written from the settings: first and last cell, install cell, the start page's list."""
    notebook, lesson = json.loads(path.read_text(encoding="utf-8")), LESSONS[path.stem]
    stem = lesson.name.partition("_")[2].replace("_", "-")
    title, *others = (cell for cell in notebook["cells"] if cell["id"] != f"{stem}-install")
    code: dict = {"cell_type": "code", "execution_count": None, "outputs": [], "source": install()}
    code["metadata"] = {"jupyter": {"source_hidden": True}}  # it needs no reading, and the first picture needs the room
    notebook["cells"] = [title, {**code, "id": f"{stem}-install"}, *others]
    written = {f"{stem}-title": title_text, f"{stem}-links": lambda lesson, _: around(lesson, " →")}
    written |= START if lesson.page == "start" else {}
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        cell["source"] = written.get(cell["id"], lambda _, text: text)(lesson, text).splitlines(keepends=True)
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def minutes(lesson: Lesson) -> int:
    """How long a lesson takes, to the nearest five: 200 words a minute, one a question, two an exercise or patient."""
    cells = json.loads((NOTEBOOKS / lesson.file).read_text(encoding="utf-8"))["cells"]
    text = {kind: ["".join(c["source"]) for c in cells if c["cell_type"] == kind] for kind in ("markdown", "code")}
    words = re.findall(r"\w+", re.sub(r"\]\([^)]*\)", "", "\n".join(text["markdown"])))
    questions = [name for code in text["code"] if code.startswith("quiz(") for name in re.findall(r'"[\w-]+"', code)]
    tasks = [code for code in text["code"] if re.search(r"^(?:check|patient)\(", code, re.MULTILINE)]
    return 5 * round((len(words) / 200 + len(questions) + 2 * len(tasks)) / 5)


def time(lesson: Lesson) -> str:
    """The same in words, as the title and the start page say it."""
    pieces = f", or {lesson.pieces}" if lesson.pieces else ""
    return f"about {lesson.time or f'{minutes(lesson)} minutes'}{pieces}"


def title_text(lesson: Lesson, text: str) -> str:
    """The title, what is said below it by hand, the way on, what to do first; a page of the site stops at `OPEN`."""
    about = re.sub(r"\A# .*\n+|\n+(?:Time: |Open this page in )[\s\S]*", "", text).strip()
    before = [f"Before this: {lesson.before}"] if lesson.before else []
    ways = " · ".join([f"Time: {time(lesson)}", *before, around(lesson)])
    return "\n\n".join((f"# {lesson.heading}", about, ways, launch(f"notebooks/{lesson.file}"), RUN))


def around(lesson: Lesson, arrow: str = "") -> str:
    """Links to the lessons before and after this one; after the last one the first comes again."""
    names = list(LESSONS)
    at = names.index(lesson.name)
    first, *after = [LESSONS[name] for name in (names[0], *names[at + 1 :])]
    on = f"Next: {link(after[0], arrow)}" if after else f"Next: {link(first)}, for another round"
    return " · ".join([*(f"Back: {link(LESSONS[name])}" for name in names[max(at - 1, 0) : at]), on])


def link(lesson: Lesson, arrow: str = "") -> str:
    return f"[{lesson.heading}{arrow}]({lesson.file})"


def listed(_, text: str) -> str:
    """The list of lessons, with the time of those that take longer than a step."""
    head = text.partition("\n\n")[0]
    rows = []
    for lesson in [lesson for lesson in LESSONS.values() if lesson.page != "start"]:
        longer = "" if lesson.page == "step" else f"; {time(lesson)}"
        rows.append(f"{int(lesson.number)}. [{lesson.title}]({lesson.file}): {lesson.about}{longer}")
    return "\n".join([head, "", *rows])


def ways(text: str) -> str:
    """The table of ways to learn, a row for each lesson."""
    rows = [["Lesson", *WAYS], ["---"] * (1 + len(WAYS))]
    for lesson in [lesson for lesson in LESSONS.values() if lesson.page != "start"]:
        own = WAYS | lesson.ways
        rows.append([f"[{lesson.number}]({lesson.file})", *(way.format(file=lesson.file) for way in own.values())])
    table = "".join(f"| {' | '.join(row)} |\n" if row[0] != "---" else f"|{'|'.join(row)}|\n" for row in rows)
    return re.sub(r"(?:^\|.*\|\n)+", lambda _: from_docs(table), text, count=1, flags=re.MULTILINE)


def topics(text: str) -> str:
    """The table of topics, whose last row links to every take-away."""
    away = ", ".join(f"[{n.number}]({n.file}#Take-away)" for n in LESSONS.values() if n.page != "start")
    return re.sub(r"(?<=\| Key points \| ).*(?= \|)", lambda _: f"Take away: {from_docs(away)}", text)


def from_docs(text: str) -> str:
    """Links to lessons, as a page of the manual gives them."""
    return re.sub(r"\]\((?=\d\d_)", "](../notebooks/", text)


def taken(_, text: str) -> str:
    """The sentence that says how long the steps take."""
    times = [minutes(LESSONS[name]) for name in STEPS]
    return re.sub(r"(?<=essons 1 to 7 take )\d+ to \d+(?= minutes each)", f"{min(times)} to {max(times)}", text)


def ready(_, text: str) -> str:
    """The end of the start page, which leads to the first step."""
    return re.sub(r"^Ready\? .*", lambda _: f"Ready? {link(LESSONS[STEPS[0]], ' →')}", text, flags=re.MULTILINE)


START = {"start-here-lessons": listed, "start-here-course": taken, "start-here-progress-more": ready}


def page_text(path: Path) -> str:
    start = f"notebooks/{next(iter(LESSONS.values())).file}"
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


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="course.py links", description=__doc__)
    here = "take the repository from where this copy lies: GITHUB_REPOSITORY in a workflow, else git's origin"
    parser.add_argument("--here", action="store_true", help=here)
    wanted = parser.parse_args(given).here
    if wanted or home()[0].startswith(PLACEHOLDER):
        found = whereabouts()
        if wanted and not found:
            why = "this copy has no origin on github.com, from which Colab and Binder could open a lesson"
            parser.error(f'{why}; put repository = "owner/name" into [tool.pooling_course] in pyproject.toml.')
        if found and found != home()[0]:
            settle(found)
            print(f"The repository is {found}, as this copy says.")
    changed = outdated()
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    print("Written." if changed else "Every link says what the settings say.")


if __name__ == "__main__":
    main()
