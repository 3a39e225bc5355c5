"""The lessons: does every notebook read like the others, lead somewhere, and give nothing away before it runs?

That the cells run, and that what they assert is true, nbval shows: pyproject.toml hands it the folder notebooks.
"""

import ast
import copy
import re
from pathlib import Path

import nbformat
import pytest

from pooling_course.explorer.explorer import MOST
from pooling_course.questions import FOLDER, all_questions
from pooling_course.questions.lessons import LESSONS, STEPS
from tools import links
from tools.notebooks import lesson_exercises

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
PAGES = links.lessons()
START, MAPPED, TABLES = PAGES[0].stem, STEPS, "ways"
(PROVING,) = (lesson.name for lesson in LESSONS.values() if lesson.page == "myths")
PAGE_MAP = [
    "The puzzle",
    "Predict",
    "See it",
    "The idea",
    "Back to your prediction",
    "In PyTorch",
    "What holds, exactly",
    "Check yourself",
    "Write it yourself",
    "Looking back",  # from lesson 02 on
    "Why it matters",
    "Take away",
]
ASKS = {"Predict": ("predict", 1), "Check yourself": ("check", 2), "Looking back": ("return", 1)}  # role, at least
ASKS_ALL = {lesson.asks: lesson.name for lesson in LESSONS.values() if lesson.asks}
EXPERT = [lesson.name for lesson in LESSONS.values() if lesson.page == "expert"]
PARTS = dict(zip(EXPERT, (3, 4), strict=True))  # each predicts, measures, and says what it does not show
CAPSTONE = (EXPERT[-1], PARTS[EXPERT[-1]])  # but this one: it is the learner's
EXPLORER = r"\b(PoolingExplorer|GradientFlow)\("
MOVES = EXPLORER + r"|\bFlipbook\("
PICTURES = MOVES + r"|\b(?:figures|charts)\.\w+\("
SLIDER = r"`(kernel_size|stride)`(?: and `stride`)?(?: to| both)? (\d+(?:(?:, | and )\d+)*)"  # and where it is to stand
FOLD = "<details><summary>"
LETTER = r"\*\*\(?[a-d]\)?\*\*|\b[Cc]hoice [a-d]\b|# [a-d][,:]|my_answer"  # choices have no letters on the page
TOPICS = [  # what a textbook page on the two layers is made of; the table of the start page says where each part is
    "What pooling is",
    "Why it matters",
    "Where it fits",
    "The core idea",
    "A photo through a frame",
    "A map of 6 × 6, pooled both ways",
    "1 Pooling in a CNN",
    "2 Max against average",
    "3 `nn.MaxPool2d`",
    "4 `nn.AvgPool2d`",
    "5 Kernel size and stride",
    "6 Padding",
    "7 Internals and backpropagation",
    "Under the hood",
    "Why it was designed this way",
    "1 Channels",
    "2 Averages above maxima",
    "3 Spatial information",
    "4 Who gets the gradient",
    "1 Sparse gradients",
    "2 Averaging as a low-pass filter",
    "3 The receptive field",
    "When not to use pooling",
    "Max early, an average at the end",
    "Convolutions with a stride instead",
    "1 Convolutions",
    "2 Downsampling in signal processing",
    "3 Human vision",
    "1 Kernel size taken for the stride",
    "2 Pooling the channels",
    "3 Padding and lost edges",
    "Key points",
]
LONGEST = 20  # lines of a code cell
FOLDED = {"source_hidden": True}
IN_A_ROW = 2  # code cells with no prose between them
ELSEWHERE = r"(?<![\w.])/(?:home|Users|tmp|root|mnt|content)/|[A-Z]:\\|\.\./\.\."  # a path of one machine


def rule(function):
    RULES[function.__name__] = function
    return function


RULES = {}


@rule
def stores_no_output(nb, stem):
    for cell in code(nb):
        if cell.outputs or cell.execution_count is not None:
            yield f"{cell.id} stores what it printed: clear it (Edit, Clear Outputs of All Cells)"
        if set(cell.metadata) - {"tags", *(["jupyter"] if cell.metadata.get("jupyter") == FOLDED else [])}:
            yield f"{cell.id} keeps metadata {dict(cell.metadata)}"
    if set(nb.metadata) - {"kernelspec", "language_info"}:
        yield f"the notebook keeps metadata {sorted(nb.metadata)}"
    if nb.metadata.kernelspec.name != "python3":
        yield f"the kernel is {nb.metadata.kernelspec.name}, which another machine may lack"


@rule
def folds_what_gives_an_answer_away(nb, stem):
    """The cells that prove a myth, below its question, and a step's imports; no others: readers would miss those."""
    for cell in nb.cells:
        proves = stem == PROVING and cell.id.endswith("-proof")
        imports = stem in (*MAPPED, *EXPERT) and cell.id.endswith("-setup")  # what there is to see comes first
        folded = cell.metadata.get("jupyter") == FOLDED
        if (proves or imports) != folded:
            why = "gives an answer away" if proves else "stands before the puzzle"
            yield f"{cell.id} {f'{why}: fold it' if proves or imports else 'is folded, and gives nothing away'}"


@rule
def is_valid_with_speaking_ids(nb, stem):
    ids = [cell.get("id", "") for cell in nb.cells]
    prefix = re.sub(r"^\d+_", "", stem).replace("_", "-")
    for name in ids:
        if not re.fullmatch(rf"{prefix}(-[a-z0-9]+)+", name):
            yield f"the id {name!r} does not name its cell: use {prefix}-..."
        if ids.count(name) > 1:
            yield f"the id {name!r} is taken twice"
            return  # validate would give the second one another id, and call that valid
    try:
        nbformat.validate(nb)
    except nbformat.ValidationError as error:
        yield str(error)


@rule
def has_one_title_and_whole_steps_below(nb, stem):
    levels = [(len(marks), text) for marks, text in headings(nb)]
    if nb.cells[0].cell_type != "markdown" or not nb.cells[0].source.startswith("# "):
        yield "the first cell is no title"
    if [level for level, _ in levels].count(1) != 1:
        yield "there is not exactly one title"
    if stem != TABLES and levels[0][1] != LESSONS[stem].heading:
        yield f"the title is not {LESSONS[stem].heading}"
    for (above, _), (level, text) in zip(levels, levels[1:], strict=False):
        if level > above + 1:
            yield f"{text!r} skips a heading level"


@rule
def reads_more_than_it_codes(nb, stem):
    row = 0
    for cell in nb.cells:
        row = row + 1 if cell.cell_type == "code" else 0
        if row > IN_A_ROW:
            yield f"{cell.id} is code number {row} in a row"
        if row and not cell.source.strip():
            yield f"{cell.id} is empty"
        if row and len(cell.source.splitlines()) > LONGEST:
            yield f"{cell.id} is longer than {LONGEST} lines"
    unfolded = [cell for cell in code(nb) if cell.metadata.get("jupyter") != FOLDED]  # what is folded is not read
    prose, lines = (sum(len(cell.source) for cell in cells) for cells in (markdown(nb), unfolded))
    if prose < lines:
        yield f"{lines} characters of code against {prose} of prose"


@rule
def follows_the_page_map(nb, stem):
    if stem not in MAPPED:
        return
    sections = [text for marks, text in headings(nb) if marks == "##"]
    if sections != page_map(stem):
        yield f"the sections are {sections}"
        return
    setup = ast.parse(nb.cells[1].source) if nb.cells[1].cell_type == "code" else None
    if setup is None or not all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in setup.body):
        yield "the second cell does more than import, or nothing"
    elif "quiz" not in imported(nb.cells[1]):
        yield "the second cell does not import quiz"
    puzzle = section(nb, "The puzzle")
    if not puzzle or not re.search(MOVES, next((cell.source for cell in puzzle if cell.cell_type == "code"), "")):
        yield "The puzzle does not begin with something that moves"
    if not any(cell.source.startswith("**") and "?" in cell.source for cell in puzzle):
        yield "The puzzle asks no question"
    if not any("**Next question.**" in cell.source for cell in section(nb, "Take away")):
        yield "Take away hands on no question"
    if not any(re.search(EXPLORER, cell.source) for cell in section(nb, "See it")):
        yield "See it shows no explorer"
    if not any(FOLD in cell.source for cell in section(nb, "See it")):
        yield "See it tells its answers before anything was tried: fold them"
    if sum(bool(re.search(PICTURES, cell.source)) for cell in code(nb)) < 3:
        yield "there are fewer than three pictures"
    if not re.search(r"\bnn\.(Max|Avg)Pool2d\(", "".join(c.source for c in section(nb, "In PyTorch") if c in code(nb))):
        yield "In PyTorch makes no layer"
    if not any("assert " in cell.source for cell in section(nb, "What holds, exactly")):
        yield "What holds, exactly asserts nothing"
    points = sum(len(re.findall(r"^- ", cell.source, re.M)) for cell in section(nb, "Take away"))
    if not 3 <= points <= 5:
        yield f"Take away has {points} points"


@rule
def shows_what_it_proves(nb, stem):
    """A cell that asserts something also shows it: a reader who runs it sees more than that nothing happened."""
    if stem not in (*MAPPED, PROVING):
        return
    for cell in code(nb):
        if "assert " in cell.source and silent(cell):
            yield f"{cell.id} proves something, and shows nothing"


@rule
def moves_sliders_as_far_as_they_go(nb, stem):
    for cell in markdown(nb):
        if any(cell is other for other in section(nb, "See it")):
            for name, places in re.findall(SLIDER, " ".join(cell.source.split())):
                if any(int(place) > MOST[name] for place in re.findall(r"\d+", places)):
                    yield f"{cell.id} moves {name} to {places}, and the slider ends at {MOST[name]}"


@rule
def shows_each_proof_by_the_readers_hand(nb, stem):
    """What proves a myth is moved or opened: a page that has run whole gives no answer away below its question."""
    if stem != PROVING:
        return
    proofs = [cell for cell in code(nb) if cell.id.endswith("-proof")]
    for cell in proofs:
        *_, last = ast.parse(cell.source).body
        shown = isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and getattr(last.value.func, "id", "")
        if shown not in ("Flipbook", "Folded") or "print(" in cell.source:
            yield f"{cell.id} ends in no Flipbook and in nothing Folded"
    if 2 * sum("Flipbook(" in cell.source for cell in proofs) < len(proofs):
        yield "fewer than half of the proofs move"


@rule
def folds_what_answers_a_thing_to_try(nb, stem):
    """Answers that stand below what they answer are closed, and a cell that tells them is named so."""
    for cell in markdown(nb):
        if cell.id.endswith("-answers") != cell.source.startswith(FOLD):
            yield f"{cell.id} tells answers in the open, or folds what is not called so"
        if "may have seen" in cell.source:
            yield f"{cell.id} says what was to be seen: fold it"
    for cell, after in zip(nb.cells, nb.cells[1:], strict=False):
        if cell.id.endswith("-answers") and after in code(nb) and not (silent(after) or closed(after)):
            yield f"{after.id} prints what the answers above it fold"


@rule
def asks_before_it_tells(nb, stem):
    if stem not in MAPPED:
        return
    for name, (_, least) in ASKS.items():
        cells = section(nb, name)
        if not cells and name not in page_map(stem):
            continue
        asking = [cell for cell in cells if cell.cell_type == "code"]
        if len(asking) != 1 or not is_quiz(asking[0]):
            yield f"{name} is not one cell that asks, and nothing else"
        elif len(set(asked_in(asking[0]))) < least:
            yield f"{name} asks fewer than {least}"
        prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown").partition("\n")[2].strip()
        if not prose or re.search(r"^ *([-*]|\d+\.) ", prose, re.M):
            yield f"{name} is led in by no sentence, or by a list: the choices are in the question"
    predicts = [i for i, cell in enumerate(code(nb)) if "predict" in roles(asked_in(cell))]
    explores = [i for i, cell in enumerate(code(nb)) if re.search(EXPLORER, cell.source)]
    if predicts[:1] > explores[:1]:
        yield "the prediction does not come before the first explorer"
    for cell in nb.cells:
        if found := re.search(LETTER, cell.source):
            yield f"{cell.id} speaks of {found[0]}: choices have no letters, say the answer in words"


@rule
def lets_you_write(nb, stem):
    if stem not in MAPPED:
        return
    cells = section(nb, "Write it yourself")
    prose = cells[0].source.partition("\n")[2].strip() if cells else ""
    if not prose:
        yield "Write it yourself is led in by no sentence"
    checked = re.findall(r'^check\("([\w-]+)", \w+\)$', "\n".join(c.source for c in cells if c in code(nb)), re.M)
    wanted = [exercise.name for exercise in lesson_exercises() if exercise.lesson == stem[:2]]
    if checked != wanted:
        yield f"checks {checked}, and the exercises of this lesson are {wanted}"
    for name in ("check", "hint"):
        if name not in imported(nb.cells[1]):
            yield f"the second cell does not import {name}"
    for cell in code(nb)[1:]:
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in ("check", "hint", "np"):
                yield f"{cell.id} gives {node.id} another meaning"


@rule
def asks_questions_that_fit(nb, stem):
    names = [name for cell in code(nb) for name in asked_in(cell)]
    for name in sorted({str(name) for name in names if names.count(name) > 1}):
        yield f"{name!r} is asked twice"
    for cell in code(nb):
        if asked_in(cell) and not is_quiz(cell):
            yield f"{cell.id} asks, and does more"
        for name in asked_in(cell):
            question = all_questions().get(name)
            if question is None:
                yield f"{cell.id} asks {name!r}, which does not exist"
                continue
            if question.lesson != stem:
                yield f"{cell.id} asks {name!r}, which belongs to {question.lesson}"
            if question.role not in roles_here(nb, stem, cell):
                yield f"{cell.id} asks {name!r} in the wrong place: its role is {question.role}"
    for question in all_questions().values():
        if ASKS_ALL.get(question.role) == stem and question.id not in names:
            yield f"{question.id!r} is not asked"


@rule
def says_where_each_topic_is(nb, stem):
    if stem != TABLES:
        return
    text = "\n".join(cell.source for cell in section(nb, "Where each topic is"))
    rows = dict(re.findall(r"^\|[^|\n]*\| *([^|\n]+?) *\|([^|\n]*)\|$", text, re.M))
    to_come = " ".join(re.findall(r"^Still to come: .+?(?:\n\n|\Z)", text, re.M | re.S)).replace("*", "").lower()
    for topic in TOPICS:
        if "](" not in rows.get(topic, "") and topic.lstrip("0123456789 ").lower() not in to_come:
            yield f"{topic!r} has no place"


@rule
def lets_you_play_before_it_asks(nb, stem):
    if stem != START:
        return
    told = "\n".join(cell.source for cell in section(nb, "Your progress"))
    imports = ", ".join(re.findall(r"`from pooling_course import (.*?)`", told)).split(", ")
    imports += [name for cell in code(nb) for name in imported(cell)]
    for name in ("progress", "challenges", "review", "export_progress", "import_progress"):
        if f"`{name}(" not in told:
            yield f"{name}() is not explained"
        if name not in imports:
            yield f"what imports {name} is not said"
    kinds = [
        "picture" if re.search(r"figures\.", c.source) else "explorer" if re.search(EXPLORER, c.source) else ""
        for c in code(nb)
    ]
    if kinds[:2] != ["picture", "explorer"]:
        yield "the page does not begin with a picture and the explorer"
    how = next((i for i, c in enumerate(nb.cells) if c.source.startswith("## How to use")), len(nb.cells))
    if any(is_quiz(c) for c in code(nb) if nb.cells.index(c) < how):
        yield "it asks before it says how a question is answered"
    if "Fifteen minutes" not in "\n".join(cell.source for cell in markdown(nb)):
        yield "there is no path for fifteen minutes"
    stops = re.split(r"\n(?=\d\. )", "\n".join(cell.source for cell in markdown(nb) if "-short" in cell.id))[1:]
    said = [sum(map(int, re.findall(r": (\d+) minutes?\.", stop))) for stop in stops]
    if sum(said) != 15:
        yield f"the stops for fifteen minutes take {sum(said)}"
    for stop, minutes in zip(stops, said, strict=True):
        if (counted := sum(map(time_of, re.findall(r"\]\(([^)]*#[^)]+)\)", stop)))) > minutes:
            yield f"a stop says {minutes} minutes, and its places take {counted:.1f}: {stop}"


@rule
def offers_nine_ways(nb, stem):
    if stem != TABLES:
        return
    text = "\n".join(cell.source for cell in section(nb, "Nine ways"))
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.M)]
    if not table or table[0] != ["Lesson", *links.WAYS]:
        yield "there is no table of the nine ways"
        return
    found = {re.sub(r"^\[.*\]\(|\)$", "", row[0]): row for row in table[2:]}
    for name in (page.name for page in PAGES if page.stem != START):
        row = found.get(name, [])
        led = [cell for cell in row[1:] if re.fullmatch(r"\[[^\]]+\]\([^)#]+#[^)]+\)", cell)]
        if len(row) != 1 + len(led) or len(led) != len(links.WAYS):
            yield f"{name} is not offered in nine ways"


@rule
def predicts_measures_and_says_where_it_ends(nb, stem):
    if stem not in EXPERT:
        return
    parts = [text for marks, text in headings(nb) if marks == "##" and text.startswith("Part ")]
    if [text.partition(":")[0] for text in parts] != [f"Part {n}" for n in range(1, PARTS[stem] + 1)]:
        yield f"the parts are {parts}"
        return
    own = parts[CAPSTONE[1] - 1 :] if stem == CAPSTONE[0] else []
    for part in parts[: len(parts) - len(own)]:
        cells = section(nb, part)
        asking = [cell for cell in cells if cell.cell_type == "code"]
        if not asking or roles(asked_in(asking[0])) != {"predict"}:
            yield f"{part} does not begin with a prediction"
        if not any("assert " in cell.source for cell in asking):
            yield f"{part} asserts nothing"
        if not any("does not show" in cell.source for cell in cells):
            yield f"{part} does not say what it does not show"
    for part in own:
        if not any("rubric" in cell.source for cell in section(nb, part)):
            yield f"{part} has no rubric"


@rule
def leads_on(nb, stem):
    links = [link for cell in markdown(nb) for link in links_of(cell)]
    for link in links:
        page, _, place = link.partition("#")
        if "://" in link:
            continue
        if page and not (NOTEBOOKS / page).is_file():
            yield f"the link to {link} leads nowhere"
        elif place and place not in places(read(page.removesuffix(".ipynb")) if page else nb):
            yield f"the link to {link} names no heading there"
    names = [page.name for page in PAGES]
    if stem == START:
        listed = [link for cell in section(nb, "The lessons") for link in links_of(cell)]
        yield from (f"{name} is not listed" for name in names if name != f"{START}.ipynb" and name not in listed)
    if stem in MAPPED:
        at = names.index(f"{stem}.ipynb")
        for name in (names[at - 1], *names[at + 1 : at + 2]):
            for cell in (nb.cells[0], nb.cells[-1]):
                if name not in links_of(cell):
                    yield f"{cell.id} does not link to {name}"


@rule
def says_every_picture_in_words(nb, stem):
    for cell in code(nb):
        if re.search(r"\b(matplotlib|plt|pyplot|imshow)\b", cell.source):
            yield f"{cell.id} draws with matplotlib itself: figures.* say in words what they show"
    for cell in markdown(nb):
        if re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")", cell.source):
            yield f"{cell.id} shows a picture without alternative text"


@rule
def runs_on_any_machine(nb, stem):
    for cell in nb.cells:
        if re.search(ELSEWHERE, cell.source):
            yield f"{cell.id} names a folder of one machine"
        if cell.cell_type == "code" and re.search(r"^\s*[!%]", cell.source, re.M):
            yield f"{cell.id} is not Python alone"


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def markdown(nb):
    return [cell for cell in nb.cells if cell.cell_type == "markdown"]


def headings(nb):
    """(marks, text) of every heading, those in fenced code left out."""
    text = "\n".join(re.sub(r"^```.*?^```", "", cell.source, flags=re.M | re.S) for cell in markdown(nb))
    return re.findall(r"^(#+) +(.+?) *$", text, re.M)


def section(nb, name):
    """The cells from the heading `## name` to the next of that level."""
    inside, found = False, []
    for cell in nb.cells:
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.source, re.M):
            inside = bool(re.search(rf"^## {re.escape(name)} *$", cell.source, re.M))
        if inside:
            found.append(cell)
    return found


def places(nb):
    """What a link may name after its #: the headings, as JupyterLab writes them into the page."""
    return {re.sub(r"[`*]", "", text).replace(" ", "-") for _, text in headings(nb)}


def page_map(stem):
    return [name for name in PAGE_MAP if name != "Looking back" or stem != MAPPED[0]]


def asked_in(cell):
    """The names in every quiz(...) of a cell; None for one that is not written out."""
    nodes = ast.walk(ast.parse(re.sub(r"(?m)^\s*[!%].*$", "", cell.source)))
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "quiz"]
    return [getattr(name, "value", None) for call in calls for name in call.args]


def imported(cell):
    nodes = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    return {alias.name for node in nodes for alias in node.names}


def silent(cell):
    """Does a cell neither print nor end in a value?"""
    return "print(" not in cell.source and not isinstance(ast.parse(cell.source).body[-1], ast.Expr)


def closed(cell):
    """Does a cell show something to be opened by hand, and print nothing?"""
    return "print(" not in cell.source and ast.unparse(ast.parse(cell.source).body[-1]).startswith(
        ("Folded(", "Flipbook(")
    )


def is_quiz(cell):
    """Is the cell quiz(...) and nothing else?"""
    return bool(asked_in(cell)) and bool(re.fullmatch(r"quiz\([^()]*\)", cell.source.strip()))


def roles(names):
    return {all_questions()[name].role for name in names if name in all_questions()}


def roles_here(nb, stem, cell):
    """The roles that a question in this cell may have."""
    if stem not in MAPPED:
        here = {role for role, page in ASKS_ALL.items() if page == stem}
        return here | ({"predict", "check", "return"} if stem in EXPERT else set())
    return {role for name, (role, _) in ASKS.items() if any(cell is other for other in section(nb, name))}


def links_of(cell):
    return re.findall(r"\]\(([^)\s]+)\)", cell.source)


def time_of(link):
    """Minutes to read the place that a link leads to and to answer its questions, as tools/links.py counts them."""
    page, _, place = link.partition("#")
    inside, words, questions = 0, 0, 0
    for cell in read(page.removesuffix(".ipynb") if page else START).cells:
        if cell.cell_type == "code":
            questions += len(asked_in(cell)) if inside else 0
            continue
        for part in re.split(r"^(?=#)", cell.source, flags=re.M):
            if heading := re.match(r"(#+) +(.+)", part):
                named, level = re.sub(r"[`*]", "", heading[2]).strip().replace(" ", "-") == place, len(heading[1])
                inside = level if named else 0 if level <= inside else inside
            words += len(re.findall(r"\w+", re.sub(r"\]\([^)]*\)", "", part))) if inside else 0
    return words / 200 + questions


def read(stem):
    if stem == TABLES:  # a page of the manual, read like a notebook: a cell for each section, links as in the lessons
        text = links.TABLES.read_text(encoding="utf-8").replace("](../notebooks/", "](")
        cells = [nbformat.v4.new_markdown_cell(part) for part in re.split(r"^(?=## )", text, flags=re.M)]
        return nbformat.v4.new_notebook(cells=cells)
    # Not nbformat.read, which would mend duplicate ids before anyone sees them.
    nb = nbformat.v4.reads((NOTEBOOKS / f"{stem}.ipynb").read_text(encoding="utf-8"))
    nb.cells = [cell for cell in nb.cells if not cell.id.endswith("-install")]  # test_links.py's
    return nb


OF_TABLES = ("says_where_each_topic_is", "offers_nine_ways", "leads_on", "has_one_title_and_whole_steps_below")


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("stem", [page.stem for page in PAGES])
def test_notebook(stem, name):
    assert list(RULES[name](read(stem), stem)) == []


@pytest.mark.parametrize("name", OF_TABLES)
def test_tables(name):
    assert list(RULES[name](read(TABLES), TABLES)) == []


def test_the_list_of_lessons_is_whole():
    """Every notebook and every file of questions belongs to a lesson of lessons.json, and every lesson has both."""
    assert list(unlisted_files(NOTEBOOKS, FOLDER)) == []
    assert list(LESSONS) == sorted(LESSONS) and all(re.fullmatch(r"\d\d(_[a-z0-9]+)+", name) for name in LESSONS)
    assert {lesson.page for lesson in LESSONS.values()} == {"start", "step", "myths", "expert"}
    assert sorted(ASKS_ALL) == ["myth", "post", "pre"] and LESSONS[START].page == "start"


def unlisted_files(*folders):
    """Files that belong to no lesson, and lessons that lack theirs."""
    for folder, ending in zip(folders, (".ipynb", ".json"), strict=True):
        found = {path.stem for path in folder.glob(f"[0-9]*{ending}")}
        yield from (f"{name}{ending}: lessons.json does not list it" for name in sorted(found - set(LESSONS)))
        yield from (f"{name}{ending} is missing" for name in LESSONS if name not in found)


def test_a_file_of_no_lesson_is_noticed(tmp_path):
    for name in LESSONS:
        (tmp_path / f"{name}.json").touch()
    (tmp_path / "11_unlisted.json").touch()
    (tmp_path / f"{START}.json").unlink()
    found = list(unlisted_files(NOTEBOOKS, tmp_path))
    assert found == ["11_unlisted.json: lessons.json does not list it", f"{START}.json is missing"]


def test_nbval_runs_every_cell(request):
    assert request.config.getoption("nbval_lax"), "addopts in pyproject.toml must hold --nbval-lax"
    assert "notebooks" in request.config.getini("testpaths")


# ---- Every rule is shown what it must refuse -------------------------------------------------------------------------

WRONG = []


def refused_by(name, problem, stem="01_what_is_pooling"):
    """The rule `name` finds `problem` in a notebook changed like this."""

    def keep(change):
        WRONG.append(pytest.param(name, problem, stem, change, id=change.__name__))
        return change

    return keep


def named(nb, name):
    return next(cell for cell in nb.cells if cell.id.endswith(f"-{name}"))


@refused_by("stores_no_output", "explorer stores")
def stored_output(nb):
    named(nb, "explorer").outputs = [nbformat.v4.new_output("stream", text="64")]


@refused_by("stores_no_output", "setup stores")
def stored_count(nb):
    named(nb, "setup").execution_count = 1


@refused_by("stores_no_output", "metadata")
def stored_widgets(nb):
    nb.metadata["widgets"] = {}


@refused_by("stores_no_output", "keeps metadata")
def collapsed_cell(nb):
    named(nb, "setup").metadata["collapsed"] = True


@refused_by("folds_what_gives_an_answer_away", "puzzle-six is folded")
def folded_puzzle(nb):
    named(nb, "puzzle-six").metadata["jupyter"] = {"source_hidden": True}


@refused_by("folds_what_gives_an_answer_away", "setup stands before the puzzle: fold it")
def open_setup(nb):
    named(nb, "setup").metadata.clear()


@refused_by("folds_what_gives_an_answer_away", "gives an answer away: fold it", "08_myths_and_pitfalls")
def open_proof(nb):
    next(cell for cell in nb.cells if "jupyter" in cell.metadata).metadata.clear()


@refused_by("stores_no_output", "kernel is my-env")
def other_kernel(nb):
    nb.metadata.kernelspec.name = "my-env"


@refused_by("is_valid_with_speaking_ids", "'3f2a91bc' does not name")
def random_id(nb):
    nb.cells[3].id = "3f2a91bc"


@refused_by("is_valid_with_speaking_ids", "taken twice")
def same_id(nb):
    nb.cells[3].id = nb.cells[2].id


@refused_by("is_valid_with_speaking_ids", "required property")
def lost_source(nb):
    del nb.cells[3]["source"]


@refused_by("has_one_title_and_whole_steps_below", "no title")
def code_first(nb):
    nb.cells.insert(0, nb.cells.pop(1))


@refused_by("has_one_title_and_whole_steps_below", "exactly one title")
def second_title(nb):
    named(nb, "idea").source = "# The idea"


@refused_by("has_one_title_and_whole_steps_below", "the title is not 01 · What is pooling")
def unnumbered(nb):
    nb.cells[0].source = nb.cells[0].source.replace("01 · ", "", 1)


@refused_by("has_one_title_and_whole_steps_below", "'Step' skips")
def skipped_level(nb):
    named(nb, "idea").source += "\n\n#### Step"


@refused_by("reads_more_than_it_codes", "number 3 in a row")
def code_without_prose(nb):
    nb.cells[4:4] = [copy.deepcopy(named(nb, "prediction")) for _ in range(2)]  # after the one that is there


@refused_by("reads_more_than_it_codes", "is empty")
def empty_cell(nb):
    named(nb, "prediction").source = " "


@refused_by("reads_more_than_it_codes", "longer than 20")
def long_cell(nb):
    named(nb, "prediction").source = "x = 1\n" * 21


@refused_by("reads_more_than_it_codes", "of prose")
def little_prose(nb):
    for cell in markdown(nb):
        cell.source = "Well."


@refused_by("follows_the_page_map", "the sections are")
def swapped_sections(nb):
    idea, see = named(nb, "idea"), named(nb, "see")
    idea.source, see.source = see.source, idea.source


@refused_by("follows_the_page_map", "more than import")
def busy_setup(nb):
    named(nb, "setup").source += "\ntorch.manual_seed(0)"


@refused_by("follows_the_page_map", "the sections are")
def no_check_section(nb):
    nb.cells.remove(named(nb, "check-yourself"))


@refused_by("follows_the_page_map", "the sections are", "02_max_versus_average")
def no_looking_back(nb):
    nb.cells.remove(named(nb, "looking-back"))


@refused_by("follows_the_page_map", "does not import quiz")
def quiz_imported_later(nb):
    named(nb, "setup").source = re.sub(r"\bquiz\b", "review", named(nb, "setup").source)


@refused_by("lets_you_write", "checks ['read-a-window'], and the exercises of this lesson are")
def exercise_left_out(nb):
    nb.cells.remove(named(nb, "exercise-max-by-hand-check"))


@refused_by("lets_you_write", "led in by no sentence")
def exercises_without_a_word(nb):
    named(nb, "write-it-yourself").source = "## Write it yourself"


@refused_by("lets_you_write", "does not import hint")
def no_hint(nb):
    named(nb, "setup").source = re.sub(r"\bhint\b", "review", named(nb, "setup").source)


@refused_by("lets_you_write", "gives check another meaning")
def check_taken(nb):
    named(nb, "photo").source = "check = torch.equal"


@refused_by("moves_sliders_as_far_as_they_go", "see moves kernel_size to 3, 4 and 6", "04_avgpool2d_in_pytorch")
def slider_too_short(nb):
    named(nb, "see").source = named(nb, "see").source.replace("3, 4 and 5", "3, 4 and 6")


@refused_by("asks_before_it_tells", "Predict is not one cell that asks")
def answered(nb):
    named(nb, "prediction").source = 'my_answer = "b"'


@refused_by("asks_before_it_tells", "speaks of my_answer")
def asked_the_old_way(nb):
    named(nb, "prediction").source = "my_answer = None  # which one?"


@refused_by("asks_before_it_tells", "Predict is not one cell that asks")
def no_question(nb):
    nb.cells.remove(named(nb, "prediction"))


@refused_by("asks_before_it_tells", "Predict is not one cell that asks")
def question_with_a_hint(nb):
    named(nb, "prediction").source += "\nprint(pool.stride)"


@refused_by("asks_before_it_tells", "Check yourself asks fewer than 2")
def one_check_twice(nb):
    named(nb, "check-quiz").source = 'quiz("what-shrinks", "what-shrinks")'


@refused_by("asks_before_it_tells", "Looking back is not one cell", "02_max_versus_average")
def nothing_to_look_back_to(nb):
    nb.cells.remove(named(nb, "looking-back-quiz"))


@refused_by("asks_before_it_tells", "Predict is led in by no sentence, or by a list")
def bare_question(nb):
    named(nb, "predict").source = "## Predict"


@refused_by("asks_before_it_tells", "Predict is led in by no sentence, or by a list")
def listed_choices(nb):
    named(nb, "predict").source += "\n\n- It has a quarter of the weights.\n- It has as many."


@refused_by("asks_before_it_tells", "before the first explorer")
def early_explorer(nb):
    named(nb, "setup").source += '\nPoolingExplorer("digit", nn.MaxPool2d(2))'


@refused_by("asks_before_it_tells", "speaks of **b**")
def lettered_answer(nb):
    named(nb, "back").source += " The answer is **b**."


@refused_by("asks_before_it_tells", "speaks of # c,")
def lettered_comment(nb):
    named(nb, "back-check").source += "\nassert True  # c, if you ask for it"


@refused_by("asks_questions_that_fit", "'conv-wrok', which does not exist")
def misspelt_question(nb):
    named(nb, "prediction").source = 'quiz("conv-wrok")'


@refused_by("asks_questions_that_fit", "None, which does not exist")
def nameless_question(nb):
    named(nb, "prediction").source = "quiz(name)"


@refused_by("asks_questions_that_fit", "asks 'signed-window', which belongs to 02_max")
def question_of_another_lesson(nb):
    named(nb, "prediction").source = 'quiz("signed-window")'


@refused_by("asks_questions_that_fit", "'pool-parameters' in the wrong place: its role is check")
def check_for_a_prediction(nb):
    named(nb, "prediction").source = 'quiz("pool-parameters")'


@refused_by("asks_questions_that_fit", "'conv-work' in the wrong place")
def question_out_of_place(nb):
    named(nb, "photo").source = 'quiz("conv-work")'


@refused_by("asks_questions_that_fit", "'conv-work' is asked twice")
def question_asked_again(nb):
    named(nb, "check-quiz").source = 'quiz("what-shrinks", "peak-moves", "conv-work")'


@refused_by("asks_questions_that_fit", "prediction asks, and does more")
def question_in_a_crowd(nb):
    named(nb, "prediction").source += "\nprint(pool.stride)"


@refused_by("asks_questions_that_fit", "'myth-ties' is not asked", "08_myths_and_pitfalls")
def untold_myth(nb):
    nb.cells.remove(named(nb, "ties-quiz"))


@refused_by("asks_questions_that_fit", "'pre-border' is not asked", START)
def short_test(nb):
    named(nb, "six-quiz").source = 'quiz("pre-shape", "pre-sign")'


@refused_by("asks_questions_that_fit", "'post-sign' is not asked", PAGES[-1].stem)
def no_test_after(nb):
    for cell in code(nb):
        cell.source = cell.source.replace('"post-sign"', '"post-border"')


@refused_by("asks_questions_that_fit", "'post-sign' in the wrong place", START)
def answers_before_the_course(nb):
    named(nb, "six-quiz").source = 'quiz("post-sign")'


@refused_by("asks_questions_that_fit", "'conv-work' in the wrong place", START)
def prediction_at_the_start(nb):
    named(nb, "mental-model").source = 'quiz("conv-work")'


@refused_by("says_where_each_topic_is", "'Under the hood' has no place", TABLES)
def lost_topic(nb):
    nb.cells[2].source = nb.cells[2].source.replace("Under the hood |", "Elsewhere |")


@refused_by("says_where_each_topic_is", "'3 Human vision' has no place", TABLES)
def dropped_promise(nb):
    nb.cells[2].source = nb.cells[2].source.replace("3 Human vision |", "3 Sight |")


@refused_by("offers_nine_ways", "no table of the nine ways", TABLES)
def eight_ways(nb):
    nb.cells[1].source = nb.cells[1].source.replace(" Debug |", "")


@refused_by("offers_nine_ways", "06_padding.ipynb is not offered in nine ways", TABLES)
def way_without_a_link(nb):
    nb.cells[1].source = re.sub(r"\[[^]]*\]\(06_padding.ipynb#Predict\)", "soon", nb.cells[1].source)


@refused_by("offers_nine_ways", "09_expert_zone.ipynb is not offered in nine ways", TABLES)
def lesson_without_ways(nb):
    nb.cells[1].source = re.sub(r"\n\| \[09\].*", "", nb.cells[1].source)


@refused_by("lets_you_play_before_it_asks", "no path for fifteen minutes", START)
def no_short_path(nb):
    named(nb, "short").source = named(nb, "short").source.replace("Fifteen", "Sixty")


@refused_by("lets_you_play_before_it_asks", "the stops for fifteen minutes take 16", START)
def sixteen_minutes(nb):
    named(nb, "short-stops").source = named(nb, "short-stops").source.replace("1 minute.", "2 minutes.")


@refused_by("lets_you_play_before_it_asks", "a stop says 2 minutes, and its places take", START)
def stop_that_is_too_long(nb):
    stops = named(nb, "short-stops")
    stops.source = stops.source.replace("#The-rule,-for-every-size)", "#What-holds,-exactly)")


@refused_by("leads_on", "#The-idee names no heading there", TABLES)
def way_to_nowhere(nb):
    nb.cells[1].source = nb.cells[1].source.replace(
        "01_what_is_pooling.ipynb#The-idea", "01_what_is_pooling.ipynb#The-idee"
    )


@refused_by("predicts_measures_and_says_where_it_ends", "the parts are", EXPERT[0])
def lost_part(nb):
    named(nb, "field").source = named(nb, "field").source.replace("## Part 2: ", "## ")


@refused_by("predicts_measures_and_says_where_it_ends", "does not begin with a prediction", EXPERT[1])
def told_at_once(nb):
    nb.cells.remove(named(nb, "time-predict"))


@refused_by("predicts_measures_and_says_where_it_ends", "asserts nothing", EXPERT[0])
def no_assertion(nb):
    for cell in section(nb, "Part 3: Training, measured"):
        cell.source = cell.source.replace("assert ", "print")


@refused_by("predicts_measures_and_says_where_it_ends", "does not say what it does not show", EXPERT[0])
def no_limits(nb):
    nb.cells.remove(named(nb, "shift-limits"))


@refused_by("predicts_measures_and_says_where_it_ends", "has no rubric", EXPERT[1])
def no_rubric(nb):
    nb.cells.remove(named(nb, "capstone-rubric"))


@refused_by("says_where_each_topic_is", "'6 Padding' has no place", TABLES)
def topic_without_a_link(nb):
    nb.cells[2].source = nb.cells[2].source.replace("[06](06_padding.ipynb)", "06")


@refused_by("lets_you_play_before_it_asks", "review() is not explained", START)
def no_word_on_review(nb):
    named(nb, "progress-more").source = named(nb, "progress-more").source.replace("review()", "again")


@refused_by("lets_you_play_before_it_asks", "what imports challenges is not said", START)
def a_name_without_its_import(nb):
    named(nb, "progress-more").source = named(nb, "progress-more").source.replace("import challenges, ", "import ")


@refused_by("lets_you_play_before_it_asks", "before it says how a question is answered", START)
def asked_before_it_is_told_how(nb):
    nb.cells.append(nb.cells.pop(nb.cells.index(named(nb, "use"))))


@refused_by("lets_you_play_before_it_asks", "begin with a picture", START)
def asked_too_early(nb):
    nb.cells.insert(1, nb.cells.pop(nb.cells.index(named(nb, "six-quiz"))))


@refused_by("follows_the_page_map", "does not begin with something that moves")
def still_puzzle(nb):
    named(nb, "puzzle-six").source = "six = test.test_x[241]"


@refused_by("follows_the_page_map", "asks no question")
def puzzle_without_a_question(nb):
    nb.cells.remove(named(nb, "puzzle-question"))


@refused_by("follows_the_page_map", "hands on no question")
def end_of_the_thread(nb):
    named(nb, "take-away").source = named(nb, "take-away").source.partition("**Next")[0]


@refused_by("follows_the_page_map", "tells its answers")
def open_answers(nb):
    for cell in section(nb, "See it"):
        cell.source = re.sub(r"</?details>|<summary>.*</summary>", "", cell.source)


@refused_by("folds_what_answers_a_thing_to_try", "play-answers tells answers in the open", EXPERT[0])
def answers_in_the_open(nb):
    named(nb, "play-answers").source = re.sub(
        r"</?details>|<summary>.*</summary>", "", named(nb, "play-answers").source
    )


@refused_by("folds_what_answers_a_thing_to_try", "see-check prints what the answers above it fold")
def printed_answers(nb):
    named(nb, "see-check").source = named(nb, "see-check").source.replace("Folded(", "print(")


@refused_by("folds_what_answers_a_thing_to_try", "limits says what was to be seen", EXPERT[0])
def told_what_was_seen(nb):
    named(nb, "shift-limits").source += " What you may have seen: three diamonds."


@refused_by("follows_the_page_map", "fewer than three pictures")
def two_pictures(nb):
    for cell in code(nb):
        cell.source = re.sub(r"\b(figures|charts)\.|Flipbook\(shift", "shown(", cell.source)


@refused_by("shows_what_it_proves", "holds-size proves something, and shows nothing")
def silent_proof(nb):
    named(nb, "holds-size").source = re.sub(r"(?m)^print.*", "", named(nb, "holds-size").source)


@refused_by("shows_what_it_proves", "ties-proof proves something, and shows nothing", PROVING)
def silent_myth(nb):
    named(nb, "ties-proof").source = named(nb, "ties-proof").source.partition("\nFolded(")[0]


@refused_by("shows_each_proof_by_the_readers_hand", "stride-proof ends in no Flipbook", PROVING)
def told_before_it_is_asked(nb):
    named(nb, "stride-proof").source = named(nb, "stride-proof").source.replace("Flipbook(", "print(")


@refused_by("shows_each_proof_by_the_readers_hand", "fewer than half of the proofs move", PROVING)
def still_proofs(nb):
    for cell in code(nb):
        cell.source = cell.source.replace("Flipbook(pages", "Folded(pages")


@refused_by("follows_the_page_map", "no explorer")
def no_explorer(nb):
    nb.cells.remove(named(nb, "explorer"))


@refused_by("follows_the_page_map", "no layer")
def no_layer(nb):
    for name in ("photo", "photo-picture"):
        named(nb, name).source = "pass"


@refused_by("follows_the_page_map", "asserts nothing")
def nothing_asserted(nb):
    for cell in section(nb, "What holds, exactly"):
        cell.source = cell.source.replace("assert ", "print")


@refused_by("follows_the_page_map", "2 points")
def short_take_away(nb):
    named(nb, "take-away").source = "## Take away\n\n- One\n- Two"


@refused_by("leads_on", "09_nowhere.ipynb#see leads nowhere")
def dead_link(nb):
    named(nb, "idea").source += " [More](09_nowhere.ipynb#see)"


@refused_by("leads_on", "02_max_versus_average.ipynb#see-it names no heading")
def wrong_place(nb):
    named(nb, "idea").source += " [More](02_max_versus_average.ipynb#see-it)"


@refused_by("leads_on", "#Nowhere names no heading")
def wrong_place_here(nb):
    named(nb, "idea").source += " [More](#Nowhere)"


@refused_by("leads_on", "links does not link to 00_start_here")
def no_way_back(nb):
    named(nb, "links").source = "Next: [02](02_max_versus_average.ipynb)"


@refused_by("leads_on", "title does not link to 02_max")
def no_way_on(nb):
    nb.cells[0].source = nb.cells[0].source.replace("02_max_versus_average", "00_start_here")


@refused_by("leads_on", "02_max_versus_average.ipynb is not listed", START)
def unlisted(nb):
    named(nb, "lessons").source = named(nb, "lessons").source.replace("02_max_versus_average", "01_what_is_pooling")


@refused_by("says_every_picture_in_words", "matplotlib itself")
def raw_figure(nb):
    named(nb, "photo-picture").source = "import matplotlib.pyplot as plt\nplt.imshow(photo)"


@refused_by("says_every_picture_in_words", "without alternative text")
def wordless_image(nb):
    named(nb, "idea").source += '\n\n<img src="photo.png">'


@refused_by("says_every_picture_in_words", "without alternative text")
def wordless_picture(nb):
    named(nb, "idea").source += "\n\n![](photo.png)"


@refused_by("runs_on_any_machine", "folder of one machine")
def own_path(nb):
    named(nb, "photo").source = 'photo = images.as_image("/home/me/cat.png")'


@refused_by("runs_on_any_machine", "not Python alone")
def shell_line(nb):
    named(nb, "setup").source = "!pip install torch"


@pytest.mark.parametrize("name, problem, stem, change", WRONG)
def test_refuses(name, problem, stem, change):
    nb = read(stem)
    before = list(RULES[name](nb, stem))
    change(nb)
    assert any(problem in found for found in set(RULES[name](nb, stem)) - set(before))
