// The lessons' widgets in a page without Python: each saved model is mounted on its own anywidget module, as in a notebook.
// Only scripts and inline JSON are loaded, no fetch and no import of files, so that a page opened from disk works, too.
(() => {
  const NO_PYTHON = "That needs Python, which this page has not: open the lesson in Binder or Colab, at its top. The sliders work here.";
  const { course } = window;
  const inline = document.getElementById("course-widgets");
  const saved = inline ? JSON.parse(inline.textContent) : {};
  const once =
    (make, kept = {}) =>
    (name) =>
      (kept[name] ??= make(name));

  // ---- a model, as far as a module uses one; what a kernel would have done, the page answers

  class Model {
    constructor(state) {
      this.state = { ...state };
      this.heard = new Map();
    }

    get = (name) => this.state[name];

    set(name, value) {
      if (typeof name === "object") {
        for (const [n, v] of Object.entries(name)) this.set(n, v);
        return;
      }
      if (Object.is(this.state[name], value)) return;
      this.state[name] = value;
      this.emit(`change:${name}`, this, value);
    }

    on(name, callback) {
      this.heard.set(name, [...(this.heard.get(name) ?? []), callback]);
    }

    off(name, callback) {
      this.heard.set(
        name,
        (this.heard.get(name) ?? []).filter((other) => other !== callback),
      );
    }

    emit(name, ...given) {
      for (const callback of this.heard.get(name) ?? []) callback(...given);
    }

    save_changes() {
      this.set("message", "");
    }

    send(content) {
      (ANSWERS[content.type] ?? refuse)(this, content);
    }
  }

  function refuse(model) {
    model.set("message", "");
    model.set("message", NO_PYTHON);
  }

  const ANSWERS = {
    // States that were not computed ahead: the explorer shows such an answer as a setting that is not possible here.
    want(model, { keys }) {
      const entries = keys.map((key) => ({ key, error: NO_PYTHON }));
      const { serial } = model.get("book").input;
      model.emit("msg:custom", { type: "have", serial, entries }, [new DataView(new ArrayBuffer(0))]);
    },
    // The case of a question, which stands closed under it
    explore(model) {
      const at = model.el.nextElementSibling;
      at.mounted ??= mount(at.dataset.model, at);
      at.hidden = !at.hidden;
      model.set("opened", !at.hidden);
    },
  };

  async function changeInput(model, books) {
    const name = model.get("preset");
    const found = await book(books[name]).catch(() => refuse(model));
    if (found && name === model.get("preset")) model.set("book", found);
  }

  // ---- what is loaded, each once: books of states, and modules

  const arrived = {};
  course.book = (name, packed) => arrived[name](packed);

  const book = once(async (name) => {
    const packed = await new Promise((resolve, reject) => {
      arrived[name] = resolve;
      const script = Object.assign(document.createElement("script"), { src: `_static/state/${name}.js`, onerror: reject });
      document.head.append(script);
    });
    const zipped = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const text = await new Response(new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    const bytes = (letters) => new DataView(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)).buffer);
    return JSON.parse(text, (_, value) => (typeof value?.bytes === "string" ? bytes(value.bytes) : value));
  });

  const load = once((name) => import(URL.createObjectURL(new Blob([course.modules[name]], { type: "text/javascript" }))));

  // ---- mounting

  async function mount(name, el) {
    const { children, module, state } = saved[name];
    if (children) return Promise.all(children.filter((child) => saved[child]).map((child) => place(child, el)));
    const [loaded, states] = await Promise.all([load(module), state.book && book(state.book)]);
    const model = new Model({ ...state, ...(states && { book: states }), alone: true });
    model.el = el;
    if (state.question) course.keepAnswers(model, loaded);
    const books = { ...course.presets, [state.preset]: state.book };
    if (states) model.on("change:preset", () => changeInput(model, books));
    await loaded.default.initialize?.({ model });
    el.closest(".course-widget").querySelector(".course-still")?.remove();
    return loaded.default.render({ model, el });
  }

  // One child of a box: there at once, or, where it was saved closed, when it is asked for.
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
      await mount(id, el.appendChild(document.createElement("div")));
    } catch (error) {
      console.error(error); // what stands still in its place says the same, without sliders
    }
  });

  // What is folded away is mounted when it is opened: hidden, it would have no size to draw in.
  const inSight = (el) => !el.closest("details:not([open])");
  const mountIn = (el) => Promise.all([...el.querySelectorAll(".course-widget")].filter(inSight).map((at) => mountOnce(at.dataset.model)));
  for (const folded of document.querySelectorAll("details.hide")) {
    folded.addEventListener("toggle", () => mountIn(folded));
    folded.querySelector("summary").removeAttribute("aria-label"); // it would hide what the summary says
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
    for (const cell of table.querySelectorAll("tbody td")) cell.dataset.column = heads[cell.cellIndex];
  }
  // Code and tables that are too wide for the page scroll, by keyboard, too.
  const resized = new ResizeObserver((seen) => {
    for (const { target: wide } of seen) wide.tabIndex = wide.scrollWidth > wide.clientWidth ? 0 : -1;
  });
  for (const wide of document.querySelectorAll("article pre, .output.text_html:has(> table)")) resized.observe(wide);
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details.hide, details.course-told")) folded.open = true;
  });
})();
