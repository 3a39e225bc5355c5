"""Pictures to leaf through with a slider: all drawn ahead, so that the browser only shows them."""

import html

import anywidget
import traitlets as t

from ..web import live
from ..web.once import Once
from ..web.still import Named
from .canvas import shown


class Flipbook(Once, Named, anywidget.AnyWidget):
    """A slider and the picture that belongs to its place; Play goes through all of them.

    Args:
        pages: (what the slider says there, `figures.Picture`, a sentence under it) for each place.
        label: what the slider sets, such as "columns".

    Attributes:
        at: the place shown, from 0 on.

    Raises:
        ValueError: there are no pages.
        TypeError: pages are no list of triples.
        traitlets.TraitError: `at` is set to a place that there is not.

    >>> from pooling_course.pictures.figures import mental_model
    >>> Flipbook([("first", mental_model([[1, 3], [5, 6]]), "One window.")], "picture")
    Flipbook('picture', 1 page)
    """

    _esm = live.script("pictures/flipbook.js")
    _css = live.style("web/look.css", "web/base.css", "pictures/flipbook.css")

    label = t.Unicode().tag(sync=True)
    pages: t.List = t.List().tag(sync=True)
    at = t.Int(0).tag(sync=True)

    def __init__(self, pages, label):
        if not isinstance(pages, (list, tuple)) or not all(
            isinstance(page, tuple) and len(page) == 3 and hasattr(page[1], "alt") for page in pages
        ):
            raise TypeError("pages are a list of triples: what the slider says, a picture, a sentence under it.")
        if not isinstance(label, str):
            raise TypeError(f"label={label!r} is of type {type(label).__name__}: give a text, such as 'picture'.")
        if not pages:
            raise ValueError("there are no pages: give at least one.")
        told = [
            {
                "name": name,
                "said": said,
                "alt": picture.alt,
                "src": picture.source,
                "parts": picture.parts,
            }
            for name, picture, said in pages
        ]
        super().__init__(pages=told, label=label)

    @t.validate("at")
    def _is_there(self, proposal):
        if not 0 <= proposal.value < len(self.pages):
            raise t.TraitError(f"at={proposal.value}: there are {len(self.pages)} pages, 0 to {len(self.pages) - 1}.")
        return proposal.value

    def __repr__(self):
        return f"Flipbook({self.label!r}, {len(self.pages)} page{'s' * (len(self.pages) > 1)})"

    def _as_html(self):
        """What is shown where no widget can be: the page it is open at, and what the others say."""
        page = self.pages[self.at]
        items = "".join(f"<li>{html.escape(each['said'])}</li>" for each in self.pages)
        return f"{shown(page['src'], page['alt'], sum(page['parts']))}<ul>{items}</ul>"
