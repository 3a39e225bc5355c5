"""What may vary in the questions: a file for each lesson, by its name; draw.py says what a draw is made of."""

from importlib import import_module

from ..lessons import LESSONS

for _lesson in LESSONS:
    import_module(f"{__name__}.{_lesson.partition('_')[2]}")
