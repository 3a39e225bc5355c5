// @ts-check
// The lessons' widgets in a page without Python: each saved model is mounted on its own anywidget module, as in a notebook.
// Only scripts and inline JSON are loaded, no fetch and no import of files, so that a page opened from disk works, too.
/**
 * @import { Saved } from "./types.d.ts"
 */
(() => {
  const NO_PYTHON = "That needs Python, which this page has not: open the lesson in Binder or Colab, at its top.";
  const { course } = window;
  const inline = document.getElementById("course-widgets");
  /** @type {Record<string, Saved>} */
  const saved = inline ? JSON.parse(inline.textContent, (_, value) => bytesIn(value)) : {};
  /** @type {(make: (name: string) => any, kept?: Record<string, any>) => (name: string) => any} */
  const once =
    (make, kept = {}) =>
    (name) =>
      (kept[name] ??= make(name));

  // What JSON holds as text.
  /** @param {any} value */
  function bytesIn(value) {
    return typeof value?.base64 === "string" ? new DataView(Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)).buffer) : value;
  }

  // ---- a model, as far as a module uses one; the explorer pools by itself, and the rest of what a kernel does is done here

  class Model {
    /** @type {HTMLElement} */
    el;

    /** @param {Record<string, any>} state */
    constructor(state) {
      this.state = { ...state };
      /** @type {Map<string, ((...given: any[]) => void)[]>} */
      this.heard = new Map();
    }

    /** @param {string} name */
    get = (name) => this.state[name];

    /** @type {(name: string | Record<string, any>, value?: any) => void} */
    set(name, value) {
      if (typeof name === "object") {
        for (const [n, v] of Object.entries(name)) this.set(n, v);
        return;
      }
      if (Object.is(this.state[name], value)) return;
      this.state[name] = value;
      this.emit(`change:${name}`, this, value);
    }

    /** @type {(name: string, callback: (...given: any[]) => void) => void} */
    on(name, callback) {
      this.heard.set(name, [...(this.heard.get(name) ?? []), callback]);
    }

    /** @type {(name: string, callback: (...given: any[]) => void) => void} */
    off(name, callback) {
      this.heard.set(
        name,
        (this.heard.get(name) ?? []).filter((other) => other !== callback),
      );
    }

    /** @type {(name: string, ...given: any[]) => void} */
    emit(name, ...given) {
      for (const callback of this.heard.get(name) ?? []) callback(...given);
    }

    save_changes() {
      this.set("message", "");
    }

    /** @param {{type: string}} content */
    send(content) {
      (ANSWERS[content.type] ?? (() => refuse(this)))(this);
    }
  }

  /** @type {(model: Model, why?: string) => void} */
  function refuse(model, why = NO_PYTHON) {
    model.set("message", "");
    model.set("message", why);
  }

  /** @type {Record<string, (model: Model) => void>} */
  const ANSWERS = {
    // The case of a question, which stands closed under it
    explore(model) {
      /** @type {any} */
      const at = model.el.nextElementSibling;
      at.mounted ??= mount(at.dataset.model, at);
      at.hidden = !at.hidden;
      model.set("opened", !at.hidden);
    },
  };

  // ---- what is loaded, each once: large inputs, and modules

  /** @type {Record<string, (packed: string) => void>} */
  const arrived = {};
  course.input = (name, packed) => arrived[name](packed);

  const fetched = once(async (name) => {
    const packed = await new Promise((resolve, reject) => {
      arrived[name] = resolve;
      const script = Object.assign(document.createElement("script"), { src: `_static/input/${name}.js`, onerror: reject });
      document.head.append(script);
    });
    const zipped = bytesIn({ base64: packed });
    const text = await new Response(new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    return JSON.parse(text, (_, value) => bytesIn(value));
  });

  let serial = 0;

  // What Python sends with an input: here no state comes along.
  /** @param {string | object} input itself, or the name of its file */
  async function bookOf(input) {
    const cells = typeof input === "string" ? await fetched(input) : input;
    return { input: { ...cells, data: bytesIn(cells.data), serial: ++serial }, entries: [], data: bytesIn({ base64: "" }) };
  }

  /** @type {(model: Model, inputs: Record<string, string | object>) => Promise<void>} */
  async function changeInput(model, inputs) {
    const name = model.get("preset");
    if (!name) return; // a number was typed in: the input is nobody's preset any more
    const book = await bookOf(inputs[name]).catch(() => refuse(model, "This input could not be loaded."));
    if (book && name === model.get("preset")) model.set("book", book);
  }

  const load = once((name) => import(URL.createObjectURL(new Blob([course.modules[name]], { type: "text/javascript" }))));

  // ---- mounting

  /** @type {(name: string, el: HTMLElement) => Promise<any>} */
  async function mount(name, el) {
    const { children, module, state } = saved[name];
    if (children) return Promise.all(children.filter((child) => saved[child]).map((child) => place(child, el)));
    const [loaded, book] = await Promise.all([load(module), state.book && bookOf(state.book)]);
    const model = new Model({ ...state, ...(book && { book }), alone: true });
    model.el = el;
    if (state.question) course.keepAnswers(model, loaded);
    if (book) model.on("change:preset", () => changeInput(model, course.presets));
    await loaded.default.initialize?.({ model });
    el.closest(".course-widget")?.querySelector(".course-still")?.remove();
    return loaded.default.render({ model, el });
  }

  // One child of a box: there at once, or, where it was saved closed, when it is asked for.
  /** @type {(name: string, box: HTMLElement) => Promise<any> | null} */
  function place(name, box) {
    const el = document.createElement("div");
    el.hidden = Boolean(saved[name].closed);
    el.dataset.model = name;
    box.append(el);
    return el.hidden ? null : mount(name, el);
  }

  const mountOnce = once(async (id) => {
    const el = document.querySelector(`[data-model="${id}"]`);
    try {
      if (el) await mount(id, el.appendChild(document.createElement("div")));
    } catch (error) {
      console.error(error); // what stands still in its place says the same, without sliders
    }
  });

  // What is folded away is mounted when it is opened: hidden, it would have no size to draw in.
  /** @param {Element} el */
  const inSight = (el) => !el.closest("details:not([open])");
  /** @param {ParentNode} el */
  const mountIn = (el) => Promise.all([...el.querySelectorAll(".course-widget")].filter(inSight).map((at) => mountOnce(at.getAttribute("data-model") ?? "")));
  for (const folded of document.querySelectorAll("details.hide")) {
    folded.addEventListener("toggle", () => mountIn(folded));
    folded.querySelector("summary")?.removeAttribute("aria-label"); // it would hide what the summary says
  }
  mountIn(document).then(() => {
    document.documentElement.dataset.course = "ready";
    if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  });
  // A table of many columns is laid out row by row on a phone: each cell then says its column (site.css).
  for (const table of document.querySelectorAll("article table.docutils")) {
    const heads = [...table.querySelectorAll("thead th")].map((th) => th.textContent);
    if (heads.length < 7) continue;
    table.classList.add("course-wide");
    /** @type {NodeListOf<HTMLTableCellElement>} */
    const cells = table.querySelectorAll("tbody td");
    for (const cell of cells) cell.dataset.column = heads[cell.cellIndex];
  }
  // Code and tables that are too wide for the page scroll, by keyboard, too.
  const resized = new ResizeObserver((seen) => {
    for (const { target: wide } of seen) wide.setAttribute("tabindex", wide.scrollWidth > wide.clientWidth ? "0" : "-1");
  });
  for (const wide of document.querySelectorAll("article pre, .output.text_html:has(> table)")) resized.observe(wide);
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details.hide, details.course-told")) folded.setAttribute("open", "");
  });
})();
