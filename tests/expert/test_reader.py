"""Is the digit reader of the lessons what its record says, and does every figure of a lesson stand in that record?"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from pooling_course import digit_reader
from pooling_course.expert import digit_task, in_short, moved, reading_pages, recorded, right, small_reader, teach
from pooling_course.expert.reader import FOLDER
from pooling_course.questions.lessons import LESSONS
from tools import reader as recording

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
FIGURE = re.compile(r"\d+\.\d ± \d+\.\d")


def test_the_shipped_reader_is_the_first_training_of_the_record():
    """Half precision costs no answer: the scores are those recorded for seed 0, at every move."""
    task = digit_task(8)
    for cells, name in enumerate(recorded("moved")):
        assert right(digit_reader(), moved(task, cells)) == pytest.approx(recorded("moved")[name][0], abs=0.2)


def test_two_cells_give_every_old_answer_and_one_cell_does_not():
    task, model = digit_task(8), digit_reader()
    with torch.no_grad():
        answers = [model(moved(task, cells).test_x).argmax(1) for cells in range(5)]
    assert torch.equal(answers[0], answers[2]) and torch.equal(answers[0], answers[4])
    assert torch.equal(answers[1], answers[3]) and not torch.equal(answers[0], answers[1])
    named = recorded("moved")
    assert named["in its place"] == named["moved by 2"]  # in every training of the record


def test_empty_paper_is_exactly_zero_before_the_vote():
    assert digit_reader()[:5](torch.zeros(1, 1, 24, 24)).count_nonzero() == 0


def test_the_weights_are_small_and_belong_to_the_network():
    with np.load(FOLDER / "reader.npz", allow_pickle=False) as weights:
        assert {name: weights[name].shape for name in weights.files} == {
            name: tuple(values.shape) for name, values in small_reader().state_dict().items()
        }
    assert (FOLDER / "reader.npz").stat().st_size < 8_000
    assert digit_reader() is not digit_reader() and not digit_reader().training


@pytest.mark.slow
def test_training_again_learns_and_moves_are_learnt_by_moving():
    """A short training, far from the recorded one, and yet on its way."""
    task = digit_task(8)
    torch.manual_seed(3)
    still = teach(small_reader(), task, seed=3, epochs=4)
    torch.manual_seed(3)
    moving = teach(small_reader(), task, seed=3, epochs=8, shifts=1)
    assert right(still, task) > 85
    assert right(moving, moved(task, 1)) > right(still, moved(task, 1)) + 10


@pytest.mark.slow
def test_the_record_is_repeated():
    """The first experiment, taken again; another processor may round otherwise, so not to the last digit."""
    again = recording.EXPERIMENTS["moved"]()
    for name, values in recorded("moved").items():
        assert sum(again[name]) / len(values) == pytest.approx(sum(values) / len(values), abs=3)


def test_the_record_holds_every_experiment_and_enough_trainings():
    assert list(recorded()) == list(recording.EXPERIMENTS)
    for name in recorded():
        assert all(len(values) >= recording.SEEDS >= 8 for values in recorded(name).values())
        assert all(0 <= value <= 100 for values in recorded(name).values() for value in values)
    with pytest.raises(ValueError, match="there is no experiment 'moves': use one of moved"):
        recorded("moves")


def figures(stem):
    """What a lesson says with a spread, in its prose."""
    cells = json.loads((NOTEBOOKS / f"{stem}.ipynb").read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    used = re.findall(r'recorded\("([\w ]+)"\)', "\n".join("".join(c["source"]) for c in cells))
    return FIGURE.findall(text), used


def unfounded(said, experiments):
    known = {in_short(values) for name in experiments for values in recorded(name).values()}
    return [figure for figure in said if figure not in known]


@pytest.mark.parametrize("stem", LESSONS)
def test_every_figure_with_a_spread_is_one_of_the_record_that_the_lesson_shows(stem):
    said, used = figures(stem)
    assert bool(said) == bool(used), f"{stem} says {said} and shows {used}"
    assert unfounded(said, used) == []


def sentences(accuracy, shifted):
    """What lesson 09 says of its trainings, by their record."""

    def beside(found, way, other="max"):
        differences = torch.tensor(found[way]).double() - torch.tensor(found[other]).double()
        return differences.mean().item(), (differences.std() / len(differences) ** 0.5).item()

    def mean(found, way):
        return sum(found[way]) / len(found[way])

    average, blur, none, strided, added = (
        beside(accuracy, way) for way in ("average", "blur", "none", "strided", "added")
    )
    yield (
        f"Max named {mean(accuracy, 'max'):.1f}% right, the average {average[0]:.1f} more (standard error "
        f"{average[1]:.1f}), blur {blur[0]:.1f} more ({blur[1]:.1f}), no shrinking {-none[0]:.1f} less ({none[1]:.1f})"
    )
    yield f"cost {-strided[0]:.0f} points** (standard error {strided[1]:.1f})"
    yield f"level with max (−{-added[0]:.1f}, standard error {added[1]:.1f})"
    yield f"behind it after a shift ({mean(shifted, 'added'):.0f}% against {mean(shifted, 'max'):.0f}%)"
    names = ("none", "strided", "blur", "average", "max")
    none, strided, blur, average, most = (f"{mean(shifted, way):.0f}%" for way in names)
    yield f"{none} right without shrinking, {strided} with strides; between them blur with {blur}, the average with"
    yield f"the average with {average} and max with {most}"
    (blur, error), (average, its) = beside(shifted, "blur"), beside(shifted, "average")
    yield f"Blur was {blur:.0f} points ahead of max (standard error {error:.1f}), the average {average:.0f} ({its:.1f})"


def test_what_lesson_09_says_of_its_trainings_is_on_record():
    cells = json.loads((NOTEBOOKS / "09_expert_zone.ipynb").read_text(encoding="utf-8"))["cells"]
    text = re.sub(r"\s+", " ", " ".join("".join(cell["source"]) for cell in cells))
    accuracy, shifted = recorded("ways to shrink"), recorded("ways to shrink, moved")
    assert [said for said in sentences(accuracy, shifted) if said not in text] == []
    wrong = shifted | {"blur": [value + 2 for value in shifted["blur"]]}
    assert len([said for said in sentences(accuracy, wrong) if said not in text]) == 2


def test_a_wrong_figure_is_noticed():
    values = recorded("moved")["moved by 1"]
    right_one = in_short(values)
    assert unfounded([right_one], ["moved"]) == []
    assert unfounded([right_one.replace(".", ".9", 1)[: len(right_one)]], ["moved"])
    assert unfounded([right_one], ["paper"])  # another lesson's figure


def test_pages_say_what_the_reader_says():
    sheet = digit_task(8).test_x[241]
    pages = reading_pages(digit_reader(), {n: sheet.roll((n, n), (1, 2)) for n in range(3)})
    assert [said for _, _, said in pages] == [f"It reads a {n}, sure to {s}." for n, s in told(sheet)]
    assert [name for name, _, _ in pages] == ["0", "1", "2"]
    assert "6: 100%" in pages[0][1].alt and "24 by 24" in pages[0][1].alt


def told(sheet):
    for cells in range(3):
        sure = digit_reader()(sheet.roll((cells, cells), (1, 2))[None]).softmax(1)[0]
        yield int(sure.argmax()), f"{sure.max():.0%}"
