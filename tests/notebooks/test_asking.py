"""Does every lesson ask before it tells, only what is its to ask, and let its reader write?"""

import ast
import re

import pytest

from harness.lessons import (
    ASKS,
    ASKS_ALL,
    EXPERT,
    EXPLORER,
    MAPPED,
    START,
    STEMS,
    Rules,
    asked_in,
    code,
    imported,
    is_quiz,
    named,
    page_map,
    roles,
    section,
)
from pooling_course.questions import all_questions
from tools.notebooks import lesson_exercises

RULES = Rules()
rule, refused_by = RULES.rule, RULES.refused_by
LETTER = r"\*\*\(?[a-d]\)?\*\*|\b[Cc]hoice [a-d]\b|# [a-d][,:]|my_answer"  # choices have no letters on the page


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
        if question.lesson == stem and question.role != "review" and question.id not in names:
            yield f"{question.id!r} is not asked"


def roles_here(nb, stem, cell):
    """The roles that a question in this cell may have."""
    if stem not in MAPPED:
        here = {role for role, page in ASKS_ALL.items() if page == stem}
        return here | ({"predict", "check", "return"} if stem in EXPERT else set())
    return {role for name, (role, _) in ASKS.items() if any(cell is other for other in section(nb, name))}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("stem", STEMS)
def test_notebook(stem, name):
    assert RULES.broken(name, stem) == []


# ---- Every rule is shown what it must refuse -------------------------------------------------------------------------


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


@refused_by("asks_questions_that_fit", "'pool-parameters' in the wrong place: its role is review")
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


@refused_by("asks_questions_that_fit", "'peak-moves' is not asked")
def question_left_out(nb):
    cell = named(nb, "check-quiz")
    cell.source = cell.source.replace('"peak-moves", ', "")


@refused_by("asks_questions_that_fit", "'myth-ties' is not asked", "08_myths_and_pitfalls")
def untold_myth(nb):
    nb.cells.remove(named(nb, "ties-quiz"))


@refused_by("asks_questions_that_fit", "'pre-border' is not asked", START)
def short_test(nb):
    named(nb, "six-quiz").source = 'quiz("pre-shape", "pre-sign")'


@refused_by("asks_questions_that_fit", "'post-sign' is not asked", STEMS[-1])
def no_test_after(nb):
    for cell in code(nb):
        cell.source = cell.source.replace('"post-sign"', '"post-border"')


@refused_by("asks_questions_that_fit", "'post-sign' in the wrong place", START)
def answers_before_the_course(nb):
    named(nb, "six-quiz").source = 'quiz("post-sign")'


@refused_by("asks_questions_that_fit", "'conv-work' in the wrong place", START)
def prediction_at_the_start(nb):
    named(nb, "mental-model").source = 'quiz("conv-work")'


@pytest.mark.parametrize("name, problem, stem, change", RULES.plants)
def test_refuses(name, problem, stem, change):
    assert any(problem in found for found in RULES.broken_by(change, name, stem))
