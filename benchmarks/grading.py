"""How long does a submission take, against nbgrader, and a class? Run: python benchmarks/grading.py [--json]

Both grade the same right and wrong submissions of problem set 2, in turn in one run, a class of each size:
`course.py grade` with all its sandbox, and nbgrader's autograde. Then `course.py grade` alone, for larger classes
(`--sizes 100 1000 10000`): the time should grow with their number and the memory hardly, and a class of 1,000 take less
than two minutes on two cores. What nbgrader would take for those is drawn on from the two sizes that it was measured
with, and marked so.

The clock of a class runs from the start of the command to the last page written. The first line says how busy the
machine was: a figure from a busy one says little.
"""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from benchmarks.result import NotHere, claim, growth, main, table  # noqa: E402
from harness import classroom  # noqa: E402
from pooling_course.grading import mark, sandbox  # noqa: E402
from tools.notebooks import source_path  # noqa: E402

PS = "ps2"
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "benchmark"
c.ExecutePreprocessor.timeout = 120
"""


def environment():
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return os.environ | {"PYTHONPATH": str(ROOT), "PATH": os.pathsep.join(path), "OMP_NUM_THREADS": "1"}


def timed(line, folder):
    start = time.perf_counter()
    done = subprocess.run(line, cwd=folder, env=environment(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, line))} failed:\n{done.stderr[-3000:]}")
    return time.perf_counter() - start


def mistakes(student: str) -> dict[str, str]:
    """What a student gets wrong: each task with a chance of one in four, in a known way."""
    draw = random.Random(student)
    found = {}
    for task in mark.tasks(PS):
        if draw.random() < 0.25:
            found[task.exercise] = draw.choice(classroom.possible(task.exercise, student))
    return found


def hand_in(folder: Path, count: int) -> Path:
    """A class's submissions, as nbgrader collects them."""
    for i in range(count):
        cells = classroom.cells(PS, f"student{i:04}", mistakes(f"student{i:04}"))
        classroom.write(folder / "submitted" / f"student{i:04}" / PS / f"{PS}.ipynb", cells)
    return folder / "submitted"


def ours(folder: Path, count: int) -> dict[str, float]:
    """Seconds for the whole command and until the first mark, and the memory in MB of its largest process."""
    line = [sys.executable, "-m", "pooling_course.grading", hand_in(folder, count), "--assignment", PS, "--out", "out"]
    start, first = time.perf_counter(), None
    with open(folder / "words", "w+") as words:
        running = subprocess.Popen(line, cwd=folder, env=environment(), stdout=words, stderr=words)
        while running.poll() is None and first is None:
            first = time.perf_counter() - start if kept(folder / "out" / "results.sqlite") else None
            time.sleep(0.02)
        _, status, used = os.wait4(running.pid, 0) if running.returncode is None else (0, running.returncode, None)
        if status:
            words.seek(0)
            sys.exit(f"course.py grade failed:\n{words.read()[-3000:]}")
    took = time.perf_counter() - start
    return {"all": took, "first": first or took, "MB": used.ru_maxrss / 1024 if used else 0}


def kept(book: Path) -> bool:
    """Whether a first mark is there."""
    try:
        with closing(sqlite3.connect(f"file:{book}?mode=ro", uri=True)) as opened:
            return opened.execute("SELECT count(*) FROM records").fetchone()[0] > 0
    except sqlite3.Error:
        return False


def nbgrader(folder: Path, count: int) -> float:
    """Seconds for `nbgrader autograde`, with the release made and the submissions in place before the clock starts."""
    source = folder / "source" / PS / f"{PS}.ipynb"
    source.parent.mkdir(parents=True)
    shutil.copy(source_path(PS), source)
    (folder / "nbgrader_config.py").write_text(CONFIG)
    timed([sys.executable, "-m", "nbgrader", "generate_assignment", PS], folder)
    released = json.loads((folder / "release" / PS / f"{PS}.ipynb").read_text("utf-8"))
    for i in range(count):
        student = f"student{i:04}"
        classroom.write(folder / "submitted" / student / PS / f"{PS}.ipynb", answered(released, student))
    return timed([sys.executable, "-m", "nbgrader", "autograde", PS], folder)


def answered(released, student):
    """The released notebook with a name and answers written in."""
    notebook, wrong = json.loads(json.dumps(released)), mistakes(student)
    names = [task.exercise for task in mark.tasks(PS)]
    answers = {name: classroom.answer(name, wrong.get(name), student) for name in names}
    for cell in notebook["cells"]:
        if "".join(cell["source"]).startswith("STUDENT = "):
            cell["source"] = f"STUDENT = {student!r}"
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell["source"] = answers[grade_id]
    return notebook


def in_folder(measure, count):
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), count)


def measure(given):
    try:
        sandbox.refuse_unsupported(trust=False)
    except sandbox.NoSandbox as reason:
        raise NotHere(str(reason)) from None
    runs, theirs = {}, {}
    for count in given.both:
        for way, measured in random.sample([(runs, ours), (theirs, nbgrader)], 2):
            way[count] = in_folder(measured, count)
    for count in given.sizes:
        runs[count] = in_folder(ours, count)
    runs = dict(sorted(runs.items()))
    found = {"ours": {count: run["all"] for count, run in runs.items()}, "nbgrader": dict(sorted(theirs.items()))}
    steps = {way: one_more(by_size) for way, by_size in found.items()}
    counts = list(found["ours"])
    beyond = {count: drawn_on(found["nbgrader"], steps["nbgrader"], count) for count in counts}
    rows = [
        [count, s, s / count, runs[count]["first"], runs[count]["MB"], found["nbgrader"].get(count), beyond[count]]
        for count, s in found["ours"].items()
    ]
    head = ("submissions", "course.py grade, s", "s for each", "first mark, s", "memory, MB", "nbgrader, s")
    head += ("nbgrader drawn on, not measured, s",)
    lines = {"course.py grade": found["ours"], "nbgrader": found["nbgrader"], "nbgrader, drawn on": beyond}
    lines = {name: [by_size.get(count) for count in counts] for name, by_size in lines.items()}
    return {
        "claims": [*claims(found, steps), *first_and_memory(runs)],
        "tables": [table("The whole command, its start included", head, rows)],
        "growth": [growth("Marking a class", "submissions", counts, "s", lines)],
        "seconds for one more submission": steps,
    }


def one_more(by_size):
    """Seconds for one more submission, from the smallest and the largest class."""
    (few, first), (many, last) = by_size.items() if len(by_size) == 2 else [*by_size.items()][:: len(by_size) - 1]
    return (last - first) / (many - few)


def drawn_on(by_size, step, count):
    """Seconds for a class that was not measured, None for one that is no larger than the largest that was."""
    largest = max(by_size)
    return by_size[largest] + step * (count - largest) if count >= largest else None


def claims(found, steps):
    ours, theirs = found["ours"], found["nbgrader"]
    count, largest, usual = max(theirs), max(ours), 1000
    peer = f"{ours[count]:.1f} s beside {theirs[count]:.1f} s, both with their start"
    yield claim(
        f"A class of {count} is marked sooner than by nbgrader", theirs[count] / ours[count], "times", peer=peer
    )
    if largest >= 100:  # in small classes the start is nearly all
        peer = f"{steps['ours']:.3f} s beside {steps['nbgrader']:.2f} s"
        yield claim("So is one more submission", steps["nbgrader"] / steps["ours"], "times", at_least=50, peer=peer)
    if usual in ours:
        says = f"A class of {usual:,} is marked within two minutes"
        yield claim(says, ours[usual], "s", at_most=120, peer=f"{ours[usual] / usual:.3f} s for each")
    if usual in ours and largest > usual:
        peer = f"{ours[largest]:.0f} s beside {ours[usual]:.0f} s"
        says = f"Each of {largest:,} takes as long as each of {usual:,}"
        yield claim(says, ours[largest] / largest / (ours[usual] / usual), "times", at_most=1.1, peer=peer)


def first_and_memory(runs):
    """How long the first mark takes, and how much memory more submissions do."""
    firsts = [run["first"] for run in runs.values()]
    yield claim("The first mark of a class is there", max(firsts), "s", at_most=3, peer="the slowest of all sizes")
    if len(runs) > 1 and max(runs) >= 1000:
        (few, first), (many, last) = list(runs.items())[-2:]  # where all is warm that small classes warm up, too
        peer = f"{first['MB']:.0f} MB for {few}, {last['MB']:.0f} MB for {many:,}"
        grown = (last["MB"] - first["MB"]) / (many - few) * 1000
        yield claim("Another 1,000 submissions take this much more memory", grown, "MB", at_most=3, peer=peer)


OPTIONS = {
    "--both": {"type": int, "nargs": 2, "default": [10, 30], "help": "sizes of classes that both mark"},
    "--sizes": {"type": int, "nargs": "*", "default": [100, 1000], "help": "of classes for ours alone"},
}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
