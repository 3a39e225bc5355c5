"""For exercises that give each student own numbers."""

import numpy as np


def telling(draw, truth, mistakes):
    """The first drawn case that tells the right answer and all known mistakes apart, so that luck helps nobody."""
    answers = [truth, *(f for f in vars(mistakes).values() if callable(f))]
    while True:
        case = draw()
        said = {str((np.asarray(f(*case), dtype=float) + 0).tolist()) for f in answers}  # + 0 makes 0 of -0
        if len(said) == len(answers):
            return case
