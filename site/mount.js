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
  /** @type {(make: (name: string) => Promise<any>, kept?: Record<string, any>) => (name: string) => Promise<any>} */
  const once =
    (make, kept = {}) =>
    (name) =>
      (kept[name] ??= make(name).catch((/** @type {unknown} */ error) => {
        delete kept[name]; // the next one who asks may be luckier
        throw error;
      }));

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
      const script = Object.assign(document.createElement("script"), { src: `_static/input/${name}.js`, onerror: () => reject(new Error(`${name}.js`)) });
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

  /** @type {(...two: ArrayBufferView[]) => boolean} */
  function sameBytes(...two) {
    const [a, b] = two.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  }

  // Another input is chosen by its name, or, by an undo, the one of the reader's own that was there before.
  /** @param {Model} model */
  function changeInputs(model) {
    let shown = model.get("preset");
    let named = shown ? model.get("book") : null; // what came under that name
    /** @type {{book: any, name?: string, of?: any}[]} given, or typed into the input of that name, which was `of` */
    const owns = shown ? [] : [{ book: model.get("book") }];
    model.on("change:book", () => {
      if (model.get("preset")) return;
      const own = owns.pop();
      const book = model.get("book");
      if (own?.name && sameBytes(book.input.data, own.of.input.data)) {
        [shown, named] = [own.name, book];
        model.set("preset", shown);
      } else owns.push({ ...own, book });
    });
    model.on("change:preset", async () => {
      const name = model.get("preset");
      if (name === shown) return;
      if (!name) {
        if (model.get("book") !== named) owns.push({ book: model.get("book"), name: shown, of: named });
        else if (owns.length) model.set("book", owns.at(-1)?.book);
        shown = "";
        return;
      }
      const book = await bookOf(course.presets[name]).catch(() => null);
      if (name !== model.get("preset")) return; // yet another one has been chosen since
      if (book) {
        shown = name;
        named = book;
        model.set("book", book);
        return;
      }
      model.set("preset", shown);
      refuse(model, "This input could not be loaded, so the one before stays. Choose it again to try once more.");
    });
    model.on("change:weights", () => model.set("book", { ...model.get("book"), input: { ...model.get("book").input, serial: ++serial } }));
  }

  // A module that goes on where the explorer's ends is loaded as one with it.
  /** @param {string} name */
  const sourceOf = (name) => (course.grown.includes(name) ? course.modules[course.explorer].replace(/^export default .*$/m, "") : "") + course.modules[name];
  const load = once((name) => import(URL.createObjectURL(new Blob([sourceOf(name)], { type: "text/javascript" }))));

  // ---- what a link says of one explorer: see explorer/link.js

  // An explorer without a question: one with a goal is a challenge, which draws itself.
  /** @param {Record<string, any> | undefined} state */
  const isFree = (state) => Boolean(state?.book && !state.question);

  // Where explorers stand: the name of their cell, and which of its explorers it is.
  /** @type {Record<string, string>} */
  const places = {};
  /** @type {(name: string) => string[]} */
  const explorersIn = (name) => (isFree(saved[name]?.state) ? [name] : (saved[name]?.children ?? []).flatMap(explorersIn));
  for (const at of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".course-widget[data-cell]"))) {
    for (const [i, name] of explorersIn(at.dataset.model ?? "").entries()) places[name] ??= `${at.dataset.cell}.${i}`;
  }

  const LINK = /#explorer(=|%3d)/i; // as some programs send "="
  course.linked = LINK.test(location.hash);
  const linked = course.linked
    ? load(course.explorer).then(({ readLink }) => readLink(location.hash, { presets: Object.keys(course.presets) }))
    : Promise.resolve(null);
  // Back from a link, too, an explorer is as the address says; but a link within the page leaves it as it is.
  addEventListener("hashchange", ({ oldURL }) => {
    if (LINK.test(location.hash) || (!location.hash && LINK.test(oldURL))) location.reload();
  });

  // The state of an explorer as a link has it; `loaded` is the explorer's module.
  /** @type {(state: Record<string, any>, book: any, shown: any, loaded: any) => Promise<Record<string, any>>} */
  async function asLinked(state, book, { at, family, plane, own, x, preset, large, channel, cells, ...traits }, loaded) {
    const input = x ? loaded.cellsOf(x) : (preset && course.presets[preset]) || null;
    const found = { ...state, ...traits, kinds: loaded.FAMILIES[family], book: input ? await bookOf(input) : book };
    if (input) found.preset = preset ?? "";
    if (loaded.learns(family))
      found.weights = plane ? loaded.weightsOf(plane, found.book.input.shape) : (state.weights ?? loaded.weightsOf(loaded.MEAN, found.book.input.shape));
    if (own)
      found.own = {
        serial: 1,
        shape: own.shape.length === 2 ? [1, ...own.shape] : own.shape,
        data: loaded.rawOf(Float64Array.from(own.values)),
        input: found.book.input.serial,
      };
    return found;
  }

  /** @param {string} words */
  function tellAbove(words) {
    const notice = Object.assign(document.createElement("p"), { className: "course-notice", textContent: words });
    notice.setAttribute("role", "alert");
    const head = document.querySelector("article h1");
    if (head) head.after(notice);
    else document.body.prepend(notice);
  }

  // Once all that is in sight is there: what is to be said of the link, and the way to its explorer.
  async function followLink() {
    const link = await linked;
    if (!link) return;
    if (link.error) return tellAbove(link.error);
    const { at, large } = link.shown;
    const name = Object.keys(places).find((one) => (at ? places[one] === at : saved[one].apart));
    if (!name)
      return tellAbove(
        "This link leads to an explorer that this page does not have: it may have been made for another page, or an earlier version of this one.",
      );
    if (large) tellAbove(`This link was made with an input of ${large.join(" × ")} that is too large for a link: bring it again. All else is as it was sent.`);
    if (!at) return;
    const el = document.querySelector(`[data-model="${name}"]`) ?? document.querySelector(`[data-cell="${at.replace(/\.\d+$/, "")}"]`);
    const folded = el?.closest("details:not([open])");
    if (folded) tellAbove("The explorer of this link opens below, when you have committed to your answer above it.");
    (folded ?? el)?.scrollIntoView();
  }

  // ---- mounting

  const UNSEEN = "height: 0; overflow: hidden; visibility: hidden"; // of what is measured, but not drawn yet

  // Each widget is built in a task of its own: the page answers in between.
  let last = Promise.resolve();
  const turn = () => (last = last.then(() => new Promise((resolve) => setTimeout(resolve))));

  /** @type {(name: string, el: HTMLElement) => Promise<any>} */
  async function mount(name, el) {
    const { children, module, state, apart } = saved[name];
    if (children) return Promise.all(children.filter((child) => saved[child]).map((child) => place(child, el)));
    const [loaded, book, link] = await Promise.all([load(module), state.book && bookOf(state.book), linked]);
    const shown = link?.shown && (apart ? !link.shown.at : link.shown.at === places[name]) ? link.shown : null;
    const opened = shown && book ? await asLinked(state, book, shown, loaded) : { ...state, ...(book && { book }) };
    const model = new Model({ ...opened, alone: true });
    model.el = el;
    if (state.question) course.keepAnswers(model, loaded);
    if (book) changeInputs(model);
    await loaded.default.initialize?.({ model });
    await turn();
    const leaveStill = () => el.closest(".course-widget")?.querySelector(".course-still")?.remove();
    if (!book || !isFree(state)) {
      leaveStill();
      return loaded.default.render({ model, el });
    }
    el.style.cssText = UNSEEN;
    const view = new loaded.Explorer(model, el);
    Object.assign(view, shown && { channel: shown.channel, cells: shown.cells });
    course.furnish?.({ view, model, el, loaded, book, bookOf, place: apart ? undefined : places[name] });
    await new Promise((done) => Object.assign(view, { drawn: done }));
    await turn();
    leaveStill();
    el.removeAttribute("style");
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

  /** @param {string} hash */
  function nameIn(hash) {
    try {
      return decodeURIComponent(hash.slice(1));
    } catch {
      return hash.slice(1);
    }
  }

  // What is folded away is mounted when it is opened: hidden, it would have no size to draw in.
  /** @param {Element} el */
  const inSight = (el) => !el.closest("details:not([open])");
  /** @param {ParentNode} el */
  const mountIn = (el) => Promise.all([...el.querySelectorAll(".course-widget")].filter(inSight).map((at) => mountOnce(at.getAttribute("data-model") ?? "")));
  for (const folded of document.querySelectorAll("details.hide")) {
    folded.addEventListener("toggle", () => mountIn(folded));
    folded.querySelector("summary")?.removeAttribute("aria-label"); // it would hide what the summary says
  }
  mountIn(document).then(async () => {
    if (course.linked) await followLink();
    else if (location.hash) document.getElementById(nameIn(location.hash))?.scrollIntoView();
    document.documentElement.dataset.course = "ready";
  });
  // A table of many columns is laid out row by row on a phone: each cell then says its column (site.css).
  for (const table of document.querySelectorAll("article table.docutils")) {
    const heads = [...table.querySelectorAll("thead th")].map((th) => th.textContent);
    if (heads.length < 7) continue;
    table.classList.add("course-wide");
    /** @type {NodeListOf<HTMLTableCellElement>} */
    const cells = table.querySelectorAll("tbody td");
    for (const cell of cells) cell.dataset.column = heads[cell.cellIndex];
    // "Play" in every row: a list of links tells them apart by the row
    for (const link of table.querySelectorAll("tbody td + td a")) {
      const row = link.closest("tr")?.cells[0].textContent;
      link.setAttribute("aria-label", `${link.textContent}: ${heads[0]} ${row}`);
    }
  }
  // Code and tables that are too wide for the page scroll, by keyboard, too.
  const resized = new ResizeObserver((seen) => {
    for (const { target: wide } of seen) wide.setAttribute("tabindex", wide.scrollWidth > wide.clientWidth ? "0" : "-1");
  });
  for (const wide of document.querySelectorAll("article pre, .output.text_html:has(> table)")) resized.observe(wide);
  // On paper nothing can be unfolded, and dark is ink: what no answer is awaited for opens, in light. After that all is as it was.
  const AWAITED = "[class*=tag_after-]";
  /** @type {(() => void)[]} */
  let undo = [];
  addEventListener("beforeprint", () => {
    const { theme } = document.body.dataset;
    document.body.dataset.theme = "light";
    undo = [() => (document.body.dataset.theme = theme)];
    for (const folded of document.querySelectorAll("details.hide:not([open]), details.course-told:not([open])")) {
      if (folded.closest(AWAITED)) continue;
      folded.setAttribute("open", "");
      undo.push(() => folded.removeAttribute("open"));
    }
  });
  addEventListener("afterprint", () => {
    for (const back of undo.splice(0)) back();
  });
})();
