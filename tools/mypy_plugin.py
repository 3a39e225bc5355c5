"""For mypy: the known mistakes of an exercise are wrong on purpose, and no methods though a class holds them.

`class Mistakes` in `exercises/tasks/` is a list of functions, whose first parameter is an argument of the exercise.
"""

import re
from collections.abc import Callable

from mypy.plugin import ClassDefContext, Plugin

MISTAKES = re.compile(r"pooling_course\.exercises\.tasks\.\w+\.Mistakes")


class KnownMistakes(Plugin):
    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        return anything if MISTAKES.fullmatch(fullname) else None


def anything(context: ClassDefContext) -> None:
    """What has this class may be of any type: so may what mypy takes for self."""
    context.cls.info.fallback_to_any = True


def plugin(version: str) -> type[Plugin]:
    return KnownMistakes
