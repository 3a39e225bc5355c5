"""What nbgrader needs to know of this course. Run it in this folder: docs/instructors.md says how."""

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    OverwriteCells,
    OverwriteKernelspec,
)

from pooling_course.grading.restore import RestoreMetadata

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "pooling"
# Work whose cells have lost their metadata gets its marks all the same.
c.Autograde.sanitize_preprocessors = [
    RestoreMetadata,
    ClearOutput,
    DeduplicateIds,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]
c.Execute.timeout = 120  # seconds for one cell
# nbgrader zip_collect: whose work is it? Files as Canvas names them (lovelaceada_12_345_ps1.ipynb),
# folders as Moodle does (Ada Lovelace_123_assignsubmission_file/ps1.ipynb), or plainly ada_ps1.ipynb.
c.FileNameCollectorPlugin.named_regexp = (
    r".*[/\\](?P<student_id>[^_/\\]+)_(?:.*[_/\\])?(?P<file_id>[^\W_]+)(?:-\d+)?\.ipynb$"
)
