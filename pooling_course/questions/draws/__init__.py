"""What may vary in the questions: a file for each lesson, by its name; draw.py says what a draw is made of."""

from importlib import import_module
from pkgutil import iter_modules

for _found in iter_modules(__path__):
    import_module(f"{__name__}.{_found.name}")
