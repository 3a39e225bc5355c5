"""A notebook holds the script and the styles of its widgets once, in a model of their own, however many widgets it has.

With a copy in each of them a saved lesson would be twice as large. So a widget carries a few lines that fetch its part
of the script from that model. It has a copy of its own where no kernel of IPython's is behind it, as in marimo; where
its page will have none; and where it follows its files (live.py).
"""

from __future__ import annotations

import os
import uuid
from functools import lru_cache
from typing import Any, ClassVar

import ipywidgets
import traitlets as t

from . import assets, live
from .still import STATIC

# anywidget gives a model two seconds to begin. On a slow page it takes longer, and would hear no more of Python: `hear`
# finds that out by a message that says nothing, and goes on by ipywidgets' own way, which does not wait.
LOAD = """\
async function load(model) {
  const held = await model.widget_manager.get_model(model.get("_script").replace("IPY_MODEL_", ""));
  const url = URL.createObjectURL(new Blob([held.get("module")], { type: "text/javascript" }));
  return (await import(url)).default["%s"];
}
async function hear(model) {
  const own = await model.widget_manager.get_model(model.get("_own"));
  const { _handle_comm_msg: handle } = Object.getPrototypeOf(Object.getPrototypeOf(own));
  const heard = own._handle_comm_msg?.({ content: { data: {} } });
  if (!handle || !own.comm || (await heard.then(() => true, () => false))) return;
  own.comm.on_msg((message) => handle.call(own, message));
  own.comm.send({ method: "request_state" });
}
async function render(props) {
  const widget = await load(props.model);
  hear(props.model);
  return widget.render(props);
}
export default { render };
"""


class Script(ipywidgets.Widget):
    """The model that holds what draws all widgets of the course."""

    module = t.Unicode().tag(sync=True)
    _last: ClassVar[Script | None] = None

    @classmethod
    def held(cls) -> Script:
        """The one that this kernel has."""
        if cls._last is None or cls._last.comm is None:  # it was closed, as Widget.close_all() does
            cls._last = cls(module=_module())
        return cls._last


class Once(t.HasTraits):
    """A widget whose script and styles its notebook holds once for all; `_esm` is `live.script` of its file."""

    _esm: Any
    _css: Any
    _script = t.Instance(Script, allow_none=True).tag(sync=True, **ipywidgets.widget_serialization)
    _own = t.Unicode().tag(sync=True)  # the name of its own model

    def __init__(self, *args: Any, **kwargs: Any):
        if isinstance(self._esm, live.Packed) and _has_kernel():
            self._esm, self._css = LOAD % self._esm.name, ""
            own = uuid.uuid4().hex
            kwargs |= {"_script": Script.held(), "_own": own, "model_id": own}
        super().__init__(*args, **kwargs)


def _has_kernel() -> bool:
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel") and not os.environ.get(STATIC)


@lru_cache(maxsize=1)
def _module() -> str:
    return assets.packed(assets.whole())
