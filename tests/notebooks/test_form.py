"""Is every notebook a clean file that reads like the others, on any machine, and with ears only?"""

import copy
import re

import nbformat
import pytest

from harness.lessons import EXPERT, FOLDED, MAPPED, PROVING, STEMS, TABLES, Rules, code, headings, markdown, named
from pooling_course.questions.lessons import LESSONS

RULES = Rules()
rule, refused_by = RULES.rule, RULES.refused_by
LONGEST = 20  # lines of a code cell
IN_A_ROW = 2  # code cells with no prose between them
ELSEWHERE = r"(?<![\w.])/(?:home|Users|tmp|root|mnt|content)/|[A-Z]:\\|\.\./\.\."  # a path of one machine


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


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("stem", STEMS)
def test_notebook(stem, name):
    assert RULES.broken(name, stem) == []


@pytest.mark.parametrize("name", ["has_one_title_and_whole_steps_below"])
def test_tables(name):
    assert RULES.broken(name, TABLES) == []


# ---- Every rule is shown what it must refuse -------------------------------------------------------------------------


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


@pytest.mark.parametrize("name, problem, stem, change", RULES.plants)
def test_refuses(name, problem, stem, change):
    assert any(problem in found for found in RULES.broken_by(change, name, stem))
