"""The colours of the course, for what is not drawn by a browser."""

import re
from functools import lru_cache
from types import MappingProxyType

from .assets import style


@lru_cache(maxsize=1)
def look() -> MappingProxyType:
    """The colours of the course in its light theme, read from look.css: "#rrggbb", or a tuple of them for a map.

    The names are those of the CSS variables without `--pc-`; the mapping is read-only.

    >>> look()["ink"], len(look()["values"])
    ('#1a1c20', 9)
    """
    css = style("web/look.css")
    found = re.findall(r"--pc-([\w-]+):\s*([^;]+);", css.partition("}")[0])
    colours = {name: tuple(re.findall(r"#\w+", value)) for name, value in found}
    return MappingProxyType({name: listed[0] if len(listed) == 1 else listed for name, listed in colours.items()})
