"""A widget in a page of its own, without JupyterLab: its module, its style, and Python behind its model."""

import base64
import json

from playwright.sync_api import expect

from harness import browser
from pooling_course import PoolingExplorer, Quiz

LEFT_OUT = ("layout", "tabbable", "tooltip")  # ipywidgets' own
STYLE = "body { margin: 0; background: %s; font: 16px/1.5 sans-serif; }"
PAGE = f"<!doctype html><html><head><meta charset=utf-8><style>{STYLE}</style></head><body></body></html>"


class Python:
    """Stands where the kernel does: hears what a page sets and sends, and answers with what has changed."""

    def __init__(self, explorer: PoolingExplorer | Quiz):
        self.explorer, self.sent = explorer, []
        self.does = lambda: None
        explorer.send = lambda content, buffers=(): self.sent.append([content, [bytes(b) for b in buffers]])
        self.names = [n for n in explorer.keys if n[0] != "_" and n not in LEFT_OUT]

    def state(self):
        return {n: getattr(self.explorer, n) for n in self.names}

    def hear(self, changes, messages):
        before = self.state()
        if changes:
            self.explorer.set_state(changes)
        for content in messages:
            self.explorer._handle_custom_msg(content, [])
        self.does()
        after = self.state()
        sent, self.sent = self.sent, []
        return {"changes": {n: v for n, v in after.items() if v is not before[n]}, "sent": sent}


def packed(value):
    return json.dumps(value, default=lambda data: {"bytes": base64.b64encode(bytes(data)).decode()})


def mount(
    page,
    explorer: PoolingExplorer | Quiz,
    width: int,
    theme: str = "light",
    alone=False,
    shadow=False,
    within=browser.START,
):
    """Show a widget, all of one kind on a page, in a column `width` px wide; the locator of what it draws.

    `alone`: no Python answers, and the page knows; `shadow`: in a shadow tree, as marimo has it; `within`: ms until its
    first picture is missed.
    """
    python = Python(explorer)
    if not hasattr(page, "pythons"):
        page.pythons = {}
        page.expose_function("python", lambda name, heard: packed(page.pythons[name].hear(*json.loads(heard))))
        if page.url == "about:blank":
            page.set_content(PAGE % {"light": "#fff", "dark": "#16181d"}[theme])
        page.add_style_tag(content=explorer._css)
        page.evaluate(MODEL, explorer._esm)
    name = f"w{len(page.pythons)}"
    page.pythons[name] = python
    state = packed(python.state() | ({"alone": True} if alone else {}))
    page.evaluate("(given) => window.mount(...given)", [name, state, width, explorer._css if shadow else ""])
    root = page.locator(f"#{name} .pooling-course")
    root.locator(".pc-code code, .pc-strip, .pc-prompt").first.wait_for(timeout=within)
    expect(root).not_to_have_attribute("aria-busy", "true")  # until its picture is whole it takes no keys
    return root


def in_python(root, does):
    """Do something in Python, as a cell of the notebook would, and let the page hear of it."""
    name = root.evaluate("(el) => (el.getRootNode().host ?? el).closest('[id]').id")
    python = root.page.pythons[name]
    python.does = does
    root.page.evaluate("(name) => window.pull(name)", name)
    python.does = lambda: None


def leave(page):
    """Take all explorers away again."""
    page.evaluate("window.leaveAll()")


MODEL = """async (source) => {
  const module = (await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })))).default;
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  const revive = (_, value) => (typeof value?.bytes === "string" ? bytes(value.bytes) : value);
  const unpacked = (text) => JSON.parse(text, revive);
  const pulls = {};
  window.pull = (name) => pulls[name]();
  window.mount = (name, packed, width, css) => {
    const state = unpacked(packed);
    const heard = {};
    let changes = {};
    const emit = (event, ...given) => (heard[event] ?? []).forEach((callback) => callback(...given));
    const ask = async (set, messages) => {
      if (state.alone) return;
      await window.held; // a promise, where Python is busy
      const answer = unpacked(await window.python(name, JSON.stringify([set, messages])));
      for (const [n, value] of Object.entries(answer.changes)) {
        state[n] = value;
        emit(`change:${n}`);
      }
      for (const [content, buffers] of answer.sent) emit("msg:custom", content, buffers);
    };
    const model = {
      get: (n) => state[n],
      set(n, value) {
        if (state[n] === value) return;
        changes[n] = state[n] = value;
        emit(`change:${n}`);
      },
      save_changes() {
        ask(changes, []);
        changes = {};
      },
      send: (content) => ask({}, [content]),
      on: (event, callback) => (heard[event] ??= []).push(callback),
      off: (event, callback) => (heard[event] = (heard[event] ?? []).filter((other) => other !== callback)),
    };
    pulls[name] = () => ask({}, []);
    const el = document.createElement("div");
    el.id = name;
    el.style.width = `${width}px`;
    document.body.append(el);
    const within = css ? el.attachShadow({ mode: "open" }) : el;
    if (css) within.append(Object.assign(document.createElement("style"), { textContent: css }));
    const leave = module.render({ model, el: within });
    leaving.push(() => (leave(), el.remove()));
  };
  const leaving = [];
  window.leaveAll = () => leaving.splice(0).forEach((leave) => leave());
}"""
