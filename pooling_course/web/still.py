"""What is seen of a widget where it cannot live: in a notebook opened the next day, on a page without its network.

Of the forms that one output holds JupyterLab takes the widget, even where its model is gone, and then says that it is
not found. So a widget is shown as two outputs: a still picture of plain HTML, and the widget. The picture carries a
style sheet that hides it for as long as a widget of its name is alive in the page, and JupyterLab's words if none is.
Where style sheets are taken out, as in a notebook that is not trusted, widgets are not shown, and the picture is.
"""

import os
import secrets
from html import escape
from typing import Any

import traitlets as t

STATIC = "POOLING_COURSE_STATIC"  # set while pages without a kernel are built: they keep a place for the picture
VIEW = "application/vnd.jupyter.widget-view+json"
WAKE = (
    '<p class="pc-wake"><b>A still picture, as the cell left it.</b> '
    "Run the cell to wake it: <kbd>Shift</kbd> + <kbd>Enter</kbd>.</p>"
)
# A running cell has its widget well before the picture would come to light, and JupyterLab looks 2 s for its model.
STYLE = """
.pc-still{animation:1ms 2s backwards pc-still;font:14px/1.45 system-ui,sans-serif}
@keyframes pc-still{from{max-height:0;opacity:0;overflow:hidden}}
body:has([data-alive=NAME]) [data-still=NAME]{display:none}
.jp-OutputArea-child:has([data-still=NAME])+:has(.jupyter-widgets):not(:has(.jupyter-widgets *)){display:none}
.pc-still p{margin:4px 0 8px}
.pc-still .pc-wake{padding:6px 10px;border-left:4px solid #7f8591;background:#7f859122}
"""
GRIDS = """
.pc-still .pc-grids{display:flex;flex-wrap:wrap;align-items:start;gap:8px 24px}
.pc-still figure{margin:0}
.pc-still table{border-collapse:collapse;margin:0;font-size:13px;border:0}
.pc-still tr{background:none!important}
.pc-still caption,.pc-still figcaption{text-align:left;white-space:nowrap;font-weight:600;padding:0 0 4px}
.pc-still tr td{min-width:28px;height:28px;padding:0 3px;text-align:center!important;border:1px solid #7f859155}
.pc-still b.pc-won{outline:2px solid;outline-offset:2px;border-radius:4px}
.pc-still .pc-seen{box-shadow:inset 0 0 0 2px #fff,inset 0 0 0 4px #c8005f}
.pc-still img{display:block;image-rendering:pixelated}
"""


class Shown:
    """A widget that leaves a still picture behind. Its page marks what it draws with `still`, as `data-alive`."""

    still: Any

    def _as_html(self) -> str:
        """What the picture shows."""
        raise NotImplementedError

    def _still(self) -> str:
        shown = self._as_html()
        style = (STYLE + GRIDS * ("pc-grids" in shown)).replace("NAME", f'"{self.still}"').replace("\n", "")
        head = f'<div class="pc-still" data-still="{escape(self.still)}"><style>{style}</style>'
        return f"{head}{WAKE}{shown}</div>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        """All that a notebook may show of it, the same under ipywidgets 7, whose boxes offer nothing, and 8."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}  # type: ignore[attr-defined]
        offered = getattr(super(), "_repr_mimebundle_", lambda **_: {VIEW: view})(**kwargs)
        data, metadata = offered if isinstance(offered, tuple) else (offered, {})
        return {**data, "text/plain": repr(self), "text/html": self._as_html()}, metadata

    def _ipython_display_(self, **kwargs: Any) -> None:
        from IPython.display import display

        data, metadata = self._repr_mimebundle_()
        if not os.environ.get(STATIC):
            display({"text/plain": data["text/plain"], "text/html": self._still()}, raw=True)
            data = {VIEW: data[VIEW]}
        display(data, metadata=metadata, raw=True)


class Named(Shown, t.HasTraits):
    """A widget with a name of its own in the pages that it is shown in."""

    still = t.Unicode().tag(sync=True)

    @t.default("still")
    def _any_name(self) -> str:
        return secrets.token_hex(4)
