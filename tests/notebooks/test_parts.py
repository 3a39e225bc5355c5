"""Has every lesson its parts, in their order, and in each what belongs there: pictures, proofs, answers that open?"""

import ast
import re

import pytest

from harness.lessons import (
    EXPERT,
    EXPLORER,
    FOLD,
    MAPPED,
    PROVING,
    STEMS,
    Rules,
    asked_in,
    code,
    headings,
    imported,
    markdown,
    named,
    page_map,
    roles,
    section,
)
from pooling_course.explorer.explorer import MOST

RULES = Rules()
rule, refused_by = RULES.rule, RULES.refused_by
PARTS = dict(zip(EXPERT, (3, 4), strict=True))  # each predicts, measures, and says what it does not show
CAPSTONE = (EXPERT[-1], PARTS[EXPERT[-1]])  # but this one: it is the learner's
MOVES = EXPLORER + r"|\bFlipbook\("
PICTURES = MOVES + r"|\b(?:figures|charts)\.\w+\("
SLIDER = r"`(kernel_size|stride)`(?: and `stride`)?(?: to| both)? (\d+(?:(?:, | and )\d+)*)"  # and where it is to stand


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


def silent(cell):
    """Does a cell neither print nor end in a value?"""
    return "print(" not in cell.source and not isinstance(ast.parse(cell.source).body[-1], ast.Expr)


def closed(cell):
    """Does a cell show something to be opened by hand, and print nothing?"""
    return "print(" not in cell.source and ast.unparse(ast.parse(cell.source).body[-1]).startswith(
        ("Folded(", "Flipbook(")
    )


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("stem", STEMS)
def test_notebook(stem, name):
    assert RULES.broken(name, stem) == []


# ---- Every rule is shown what it must refuse -------------------------------------------------------------------------


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


@refused_by("moves_sliders_as_far_as_they_go", "see moves kernel_size to 3, 4 and 6", "04_avgpool2d_in_pytorch")
def slider_too_short(nb):
    named(nb, "see").source = named(nb, "see").source.replace("3, 4 and 5", "3, 4 and 6")


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


@pytest.mark.parametrize("name, problem, stem, change", RULES.plants)
def test_refuses(name, problem, stem, change):
    assert any(problem in found for found in RULES.broken_by(change, name, stem))
