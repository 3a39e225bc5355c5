"""How long does a submission take, against nbgrader, and a class? Run: python benchmarks/grading.py [--json]

Both grade the same right and wrong submissions of problem set 2, in turn in one run: `course.py grade` with all its
sandbox, and nbgrader's autograde, one class each round. Then `course.py grade` alone, for 10, 100 and 1,000
submissions: the time should grow with their number, and a class of 1,000 take less than two minutes on two cores.

The clock of a class runs from the start of the command to the last page written. The first lines say how busy the
machine was: a figure from a busy one says little.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import classroom  # noqa: E402
from pooling_course.exercises import load  # noqa: E402
from pooling_course.grading import mark  # noqa: E402
from pooling_course.grading.notebooks import source_path  # noqa: E402

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
    names = [task.exercise for task in mark.tasks(PS)]
    return {name: draw.choice(load(name).mistakes).name for name in names if draw.random() < 0.25}


def hand_in(folder: Path, count: int) -> Path:
    """A class's submissions, as nbgrader collects them."""
    for i in range(count):
        cells = classroom.cells(PS, f"student{i:04}", mistakes(f"student{i:04}"))
        classroom.write(folder / "submitted" / f"student{i:04}" / PS / f"{PS}.ipynb", cells)
    return folder / "submitted"


def ours(folder: Path, count: int) -> float:
    submitted = hand_in(folder, count)
    return timed(
        [sys.executable, "-m", "pooling_course.grading", submitted, "--assignment", PS, "--out", "out"], folder
    )


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
        classroom.write(folder / "submitted" / student / PS / f"{PS}.ipynb", answered(released, mistakes(student)))
    return timed([sys.executable, "-m", "nbgrader", "autograde", PS], folder)


def answered(released, wrong):
    """The released notebook with answers written in."""
    notebook = json.loads(json.dumps(released))
    answers = {task.exercise: classroom.answer(task.exercise, wrong.get(task.exercise)) for task in mark.tasks(PS)}
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell["source"] = answers[grade_id]
    return notebook


def in_folder(measure, count):
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), count)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="of both graders in turn")
    parser.add_argument("--class-size", type=int, default=8, help="submissions for both in a round")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 1000], help="of classes for ours alone")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = {"cores": len(os.sched_getaffinity(0)), "busy": round(os.getloadavg()[0], 2)}
    print(f"{found['cores']} cores; {found['busy']} processes were running when this began.", file=sys.stderr)
    ways = {"ours": ours, "nbgrader": nbgrader}
    times = {way: [] for way in ways}
    for _ in range(args.rounds):
        for way, measure in ways.items():
            times[way].append(in_folder(measure, args.class_size) / args.class_size)
    found["seconds a submission"] = {way: round(statistics.median(t), 3) for way, t in times.items() if t}
    found["classes"] = {count: round(in_folder(ours, count), 1) for count in args.sizes}
    smallest, largest = min(args.sizes, default=0), max(args.sizes, default=0)
    if largest > smallest:
        extra = (found["classes"][largest] - found["classes"][smallest]) / (largest - smallest)
        found["seconds for one more submission"] = round(extra, 4)
        if args.rounds:
            found["nbgrader to ours"] = round(found["seconds a submission"]["nbgrader"] / extra, 1)
    if args.json:
        print(json.dumps(found, indent=1))
        return
    for way, seconds in found["seconds a submission"].items():
        print(f"{way:10} {seconds:8.3f} s a submission, in a class of {args.class_size}, start included")
    print("\n| class | whole command | a submission |\n|---|---|---|")
    for count, seconds in found["classes"].items():
        print(f"| {count} | {seconds} s | {seconds / count:.3f} s |")
    for name in ("seconds for one more submission", "nbgrader to ours"):
        if name in found:
            print(f"{name}: {found[name]}")


if __name__ == "__main__":
    main()
