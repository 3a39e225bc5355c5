"""The colours of the course, for what is not drawn by a browser."""

import re
from functools import lru_cache
from types import MappingProxyType

from .assets import style


@lru_cache(maxsize=2)
def look(theme: str = "light") -> MappingProxyType:
    """The colours of the course in a theme, "light" or "dark", read from look.css: "#rrggbb", or a tuple for a map.

    The names are those of the CSS variables without `--pc-`; the mapping is read-only.

    >>> look()["ink"], look("dark")["ink"], len(look()["values"])
    ('#1a1c20', '#eceef2', 9)
    """
    light, dark = style("web/look.css").split("}")[:2]
    found = re.findall(r"--pc-([\w-]+):\s*([^;]+);", light + (dark if theme == "dark" else ""))
    colours = {name: tuple(re.findall(r"#\w+", value)) for name, value in found}
    return MappingProxyType({name: listed[0] if len(listed) == 1 else listed for name, listed in colours.items()})


@lru_cache(maxsize=1024)
def shade(name: str, share: float) -> str:
    """The colour at `share`, 0 to 1, of the way along a map of the course.

    >>> shade("values", 0), shade("values", 1)
    ('#00224e', '#fee838')
    """
    stops = look()[name]
    at = share * (len(stops) - 1)
    low = min(int(at), len(stops) - 2)
    two = [[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in stops[low : low + 2]]
    return "#" + "".join(f"{round(a + (at - low) * (b - a)):02x}" for a, b in zip(*two, strict=True))


def ink_on(colour: str) -> str:
    """Black or white, whichever stands out more on a colour, "#rrggbb": never less than 4.5 : 1.

    >>> ink_on("#00224e"), ink_on("#fee838")
    ('#fff', '#000')
    """
    linear = []
    for i in (1, 3, 5):
        v = int(colour[i : i + 2], 16) / 255
        linear.append(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4)
    return "#000" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 else "#fff"
