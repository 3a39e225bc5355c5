"""Puts back nbgrader's metadata where a front end lost it, so that the work still gets its marks.

Some front ends save a notebook without the metadata of its cells. nbgrader then finds nothing to grade, and gives 0.
But answers can be told by what they hold: an answer by the function it defines, a test by its first line, a written
answer by its heading. What cannot be found again comes from the gradebook.
"""

import re
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor


@dataclass(frozen=True)
class Known:
    """A cell as the gradebook knows it."""

    cell_type: str
    source: str
    metadata: dict

    @property
    def is_answer(self):
        return self.metadata["solution"]

    @property
    def is_graded(self):
        return self.metadata["grade"]

    def is_in(self, cell) -> bool:
        """Is a submitted cell this one?"""
        if cell.cell_type != self.cell_type:
            return False
        if self.is_answer and self.cell_type == "code":
            return bool(functions(self.source) & functions(cell.source))
        if self.is_answer or self.is_graded:
            return first_line(self.source) == first_line(cell.source)
        return self.source.strip() == cell.source.strip()

    def cell(self):
        """The cell anew."""
        new = new_code_cell if self.cell_type == "code" else new_markdown_cell
        return new(self.source, metadata={"nbgrader": dict(self.metadata)})


def functions(source: str) -> set[str]:
    """The functions that code defines; by pattern, since an answer need not parse."""
    return set(re.findall(r"^(?:async )?def +(\w+)", source, re.MULTILINE))


def first_line(source: str) -> str:
    return source.strip().partition("\n")[0].strip()


def restore(cells: list, known: list[Known]) -> list:
    """The cells of a submission with the metadata they had when they were released.

    What was given and is missing goes to the top, what is graded to the end: there every answer is defined. An answer
    in code that is missing is no loss: its test finds the function wherever it stands.
    """
    for cell in cells:
        if not cell.metadata.get("nbgrader", {}).get("grade_id"):
            cell.metadata.pop("nbgrader", None)
    there = {cell.metadata.nbgrader["grade_id"] for cell in cells if "nbgrader" in cell.metadata}
    top, end = [], []
    for lost in (cell for cell in known if cell.metadata["grade_id"] not in there):
        # The last one, as a second definition takes the place of the first.
        found = next((c for c in reversed(cells) if "nbgrader" not in c.metadata and lost.is_in(c)), None)
        if found is not None:
            found.metadata["nbgrader"] = NotebookNode(lost.metadata)
        elif lost.is_graded:
            end.append(lost.cell())
        elif not lost.is_answer:
            top.append(lost.cell())
    return top + cells + end


class RestoreMetadata(NbGraderPreprocessor):
    """The first step of autograding; `nbgrader_config.py` puts it there."""

    def preprocess(self, nb, resources):
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as gradebook:
            notebook = gradebook.find_notebook(about["notebook"], about["assignment"])
            known = known_cells(notebook)
        before = sum("nbgrader" in cell.metadata for cell in nb.cells)
        nb.cells = restore(nb.cells, known)
        after = sum("nbgrader" in cell.metadata for cell in nb.cells)
        if after > before:
            self.log.warning("%d cells had lost their metadata, which was put back", after - before)
        return nb, resources


def known_cells(notebook) -> list[Known]:
    """The cells of a notebook in the gradebook, in their order."""
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    answers = {cell.name for cell in notebook.solution_cells}
    found = []
    for cell in notebook.source_cells:
        metadata = {
            "grade": cell.name in points,
            "grade_id": cell.name,
            "locked": cell.locked,
            "solution": cell.name in answers,
            "task": False,
            "schema_version": 3,
            "cell_type": cell.cell_type,
            "checksum": cell.checksum,
        }
        if cell.name in points:
            metadata["points"] = points[cell.name]
        found.append(Known(cell.cell_type, cell.source, metadata))
    return found
