"""Write the questions into a file for a learning platform; docs/bank.md says how to import it.

python course.py bank --to moodle                                the lessons' own questions
python course.py bank --to canvas --variants 20 --seed 7         20 variants of each whose numbers can vary
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import torch

from .canvas import canvas
from .forms import FORMS, pools
from .moodle import moodle

MOST = 200
PLATFORMS = {"moodle": ("moodle.xml", moodle), "canvas": ("canvas.zip", canvas)}
NAMES = {
    "one": "choose one",
    "several": "choose several",
    "number": "write a number",
    "text": "write a shape",
    "table": "fill in a table",
    "order": "put in order",
}


class Stop(Exception):
    """A sentence for the person at the keyboard."""


def main(argv: list[str]) -> int:
    torch.set_num_threads(1)  # the maps are tiny, and threads would only wait for each other
    try:
        print(write(**vars(arguments(argv))))
    except Stop as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


def arguments(argv):
    parser = argparse.ArgumentParser(
        prog="course.py bank", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", required=True, choices=PLATFORMS, help="the platform")
    parser.add_argument(
        "--variants", type=int, default=0, metavar="N", help="this many of each question (0: the lesson's own)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="other variants for another number")
    parser.add_argument("--out", type=Path, default=Path("bank"), metavar="FOLDER", help="where to (bank)")
    return parser.parse_args(argv)


def write(to: str, variants: int = 0, seed: int = 0, out: Path = Path("bank")) -> str:
    """Write the file; returns what was written, in sentences.

    Raises:
        Stop: variants or seed are out of reach, or the file is there already or cannot be written.
    """
    if not 0 <= variants <= MOST:
        raise Stop(f"--variants {variants}: from 1 to {MOST} of each, or 0 for the lesson's own numbers.")
    if not 0 <= seed < 10**9:
        raise Stop(f"--seed {seed}: a whole number from 0 to 999999999.")
    name, make = PLATFORMS[to]
    path = out / name
    if path.exists() or path.is_symlink():
        raise Stop(
            f"{path} is there already, and is not written over: give another folder with --out, or move it away."
        )
    found = list(pools(variants, seed))
    data = make(found)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror or error}.") from None
    return "\n".join(_told(found, path, variants))


def _told(found, path, variants):
    items = [item for pool in found for item in pool.items]
    forms = Counter(item.form for item in items)
    kinds = ", ".join(f"{forms[form]} to {NAMES[form]}" for form in FORMS if forms[form])
    asked = sum(1 for pool in found if pool.items)
    yield f"{path}: {f'{len(items)} variants of ' if variants else ''}{asked} questions ({kinds})."
    if variants:
        few = [f"{pool.name} ({len(pool.items)})" for pool in found if 1 < len(pool.items) < variants]
        own = [pool.name for pool in found if pool.items and pool.items[0].question.seed is None]
        if few:
            yield f"Fewer variants than {variants}, as there are no more: {'; '.join(few)}."
        if own:
            yield f"With the lesson's own numbers, as none can vary: {'; '.join(own)}."
    for reason in dict.fromkeys(pool.left_out for pool in found if pool.left_out):
        yield f"Left out, as {reason}: {'; '.join(pool.name for pool in found if pool.left_out == reason)}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
