// @ts-check
// The explorer: controls, linked grids and a sentence. Python pools; this file draws and looks up.
import { Controls } from "./controls.js";
import { afterPaint, followTheme, inFrame, leaveKeys, lines, make, update } from "../web/dom.js";
import { rgb, scaleOf } from "../web/colour.js";
import { Patience } from "../web/patience.js";
import { engineFor } from "./answers.js";
import { KINDS, SETTINGS, around, settingsOf } from "./kinds/kinds.js";
import { attachGradients, inAll, oneUpstream, ownMisfit, signedScale } from "./gradients.js";
import { Hands } from "./hands.js";
import { History } from "./history.js";
import { layout, roomOf, roomToRead } from "./layout.js";
import { Motion, Player } from "./motion.js";
import { robustScale } from "./paint.js";
import { mostTelling, pointedAt } from "./pointing.js";
import { copyButton, drawCode, drawLens, drawWeights, numberTables } from "./readout.js";
import { drawRoutes } from "./routes.js";
import { partOf, totals } from "./sentences.js";
import { paintGrid, paintInput, paintOutput } from "./sheets.js";
import { States, sameNumbers } from "./states.js";
import { Typing } from "./typing.js";

/**
 * @import { AnyModel, RenderProps } from "@anywidget/types"
 * @import { Colour, Look, Scale } from "../web/colour.js"
 * @import { Canvas, Picture, Sheet } from "./paint.js"
 * @import { Place } from "./pointing.js"
 * @import { Ground } from "./routes.js"
 * @import { At, Cells, Kind, LookUp, Shown, State } from "./types.d.ts"
 * @typedef {At & {grid: any}} Pick the name of a grid, or null
 * @typedef {{canvas: Canvas, sheet?: Sheet, sheets: Sheet[], stage: HTMLElement, caption: HTMLElement, under: HTMLElement, figure: HTMLElement,
 *   near: number[], frame?: any}} Grid its frame is null while it is hidden
 */

const OUTPUTS = ["first", "second"]; // the grids of the two kinds that can stand side by side
const FAR = 4; // slider steps
const AHEAD = 12e6; // bytes that may be asked for at once, before anybody needs them
const SETTLING = 500; // ms in which a front end that changes its theme changes style sheets, too
const CARD = 26; // px of the card, left and right

export class Explorer {
  /** @type {Shown[]} */
  shown = [];
  /** @type {Look} */
  look;
  /** @type {Scale} of values, and of gradients */
  scale;
  /** @type {Scale} */
  signedScale;
  /** @type {Record<string, Grid>} */
  grid = {};
  /** @type {Picture | undefined} */
  picture;
  /** @type {WeakMap<object, boolean>} */
  photoOf = new WeakMap();
  complete = false;
  drawn = () => {}; // called with each picture
  seen = false; // whether there has been one
  spare = 0; // px of height that grids leave to something else
  telling = true; // whether the most telling window is to be chosen
  oneUpstream = false;
  cells = "values"; // what the cells show, forwards: values, all windows, reads, or divisors
  boxed = ""; // the boxes that the grids were last laid out for
  /** @type {Ground | undefined} where they stand */
  ground;
  outputs = OUTPUTS;
  loading = false; // another input has been asked for
  announceSize = false;
  announceCell = false;
  awaited = false; // whether somebody waits for an answer, or would, were it not for the page
  refused = "";
  width = 300;
  patience = new Patience();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  idle;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  settling;
  // what call off what is to be told, and said
  untell = () => {};
  unsay = () => {};

  // what build() makes
  /** @type {Controls} */
  controls;
  /** @type {History} */
  history;
  /** @type {Motion} */
  motion;
  /** @type {Player} */
  player;
  /** @type {Hands} */
  hands;
  /** @type {Typing} */
  typing;
  /** @type {HTMLElement} */
  live;
  /** @type {HTMLElement} */
  sentence;
  /** @type {HTMLElement} */
  notice;
  /** @type {HTMLElement} */
  code;
  /** @type {HTMLElement} */
  line;
  /** @type {HTMLElement} */
  formula;
  /** @type {HTMLElement} */
  weights;
  /** @type {HTMLElement} */
  grids;
  /** @type {Canvas} */
  routes;
  /** @type {HTMLElement} */
  totals;
  /** @type {Canvas} */
  lens;
  /** @type {HTMLElement} */
  lensBox;
  /** @type {HTMLElement} */
  tables;
  /** @type {HTMLDetailsElement} */
  numbers;

  // what watch() begins
  /** @type {[string, (...given: any[]) => void][]} */
  events = [];
  /** @type {ResizeObserver} */
  resize;
  /** @type {MediaQueryList} */
  still;
  unfollow = () => {};
  /** @type {() => void} */
  unleaveKeys;

  /** @type {object | undefined} the values that `scale` is of */
  scaled;
  /** @type {{scale: Scale, count: number} | undefined} how many values lie beyond a scale */
  beyond;
  pending = false;
  visited = false;
  left = false;

  /**
   * @param {AnyModel} model
   * @param {HTMLElement} root
   */
  constructor(model, root) {
    this.model = engineFor(model);
    this.states = new States(this.model);
    /** @type {Record<string, any>} */
    this.ahead = {};
    /** @type {Pick} */
    this.pick = { grid: null, row: 0, col: 0 };
    /** @type {Pick | null} */
    this.hover = null;
    this.channel = 0;
    this.root = make("div", { class: "pooling-course pc-explorer", role: "group", "aria-label": "Pooling explorer", "aria-busy": "true" });
    this.root.dataset.alive = this.get("still");
    root.append(this.root);
    this.width = this.measure(); // while it is empty that costs little
    this.root.dataset.room = roomOf({ width: this.width, shown: this.kinds });
    this.build();
    this.watch();
    this.states.reset();
    this.schedule(); // what has to be asked for
    // Built, laid out and drawn in one task, it would keep the page from answering for too long.
    this.notYet = inFrame(() => {
      this.notYet = inFrame(this.dress);
    });
  }

  /** @param {string} name */
  get = (name) => (name in this.ahead ? this.ahead[name] : this.model.get(name));
  /** @returns {Kind[]} */
  get kinds() {
    return (this.get("compare") ? this.get("kinds") : [this.get("kind")]).map((/** @type {string} */ name) => KINDS[name]);
  }
  get backward() {
    return this.get("direction") === "backward";
  }

  // What is set holds here at once. The model, and so Python, hears of it once it has been painted, for telling takes as long
  // as drawing; it is kept apart until then, or an echo of what was set before would undo it.
  /** @param {Record<string, any>} changes */
  set(changes) {
    this.history.note(changes);
    this.change(changes);
  }

  /** @param {Record<string, any>} changes */
  change(changes) {
    if (Object.keys(changes).some((name) => name !== "chosen")) this.motion.play(false);
    Object.assign(this.ahead, changes);
    this.refused = "";
    this.typing.early = null;
    this.schedule();
    this.untell();
    this.untell = afterPaint(this.tell);
    if ("weights" in changes) this.tell(); // their names are not in what has been pooled: it goes before anything is drawn
  }

  tell = () => {
    const changes = Object.entries(this.ahead);
    this.ahead = {};
    for (const [name, value] of changes) this.model.set(name, value);
    if (changes.length) this.model.save_changes();
  };

  build() {
    const live = make("div", { class: "pc-hidden", role: "status", "aria-live": "polite" });
    this.live = live;
    this.controls = new Controls(this);
    this.history = new History(this);
    this.controls.inputs.before(this.history.el);
    this.motion = new Motion(this);
    this.player = new Player(this.motion);
    this.hands = new Hands(this);
    this.typing = new Typing(this);
    this.sentence = make("p", { class: "pc-sentence" });
    this.notice = make("p", { class: "pc-notice", role: "alert", hidden: true });
    this.code = make("div", { class: "pc-code" });
    this.formula = make("div", { class: "pc-formula" });
    this.weights = make("div", { class: "pc-tables pc-weights", hidden: true });
    this.grids = make("div", { class: "pc-grids" });
    for (const name of ["input", "first", "input2", "second"]) this.addGrid(name);
    this.routes = make("canvas", { class: "pc-over", "aria-hidden": "true" });
    this.totals = make("div", { class: "pc-totals" });
    this.lens = make("canvas", { class: "pc-lens", "aria-hidden": "true" });
    this.lensBox = make("figure", { class: "pc-lens-box", hidden: true }, make("figcaption", {}, "Lens"), this.lens);
    this.grids.append(this.lensBox, this.routes);
    this.tables = make("div", { class: "pc-tables", tabindex: "0", role: "region", "aria-label": "Numbers as tables" });
    const numbers = make("details", { class: "pc-numbers", ontoggle: () => this.drawTables() }, make("summary", {}, "Numbers as tables"), this.tables);
    this.numbers = numbers;
    this.grids.append(this.weights);
    this.line = make("div", { class: "pc-line" }, this.code, this.formula);
    const also = make("div", { class: "pc-also" }, this.controls.cellsLabel, this.controls.upstreamLabel, copyButton(this));
    const foot = make("div", { class: "pc-foot" }, this.player.el, also);
    const said = make("div", { class: "pc-said" }, this.notice, make("div", { class: "pc-reading" }, this.sentence));
    const grids = make("div", { class: "pc-of-grids" }, this.grids);
    const totals = make("div", { class: "pc-of-totals" }, this.totals);
    this.root.append(this.controls.el, this.line, make("div", { class: "pc-work" }, grids, totals, foot, said), numbers, live);
  }

  /** @param {number} channel */
  setChannel(channel) {
    this.channel = channel;
    this.draw();
  }

  /** @param {string} cells */
  showCells(cells) {
    this.cells = cells;
    this.repaint();
    this.announce(this.grid.input.under.textContent || `Cells show ${cells}`);
  }

  // ---- grids

  /** @param {string} name */
  addGrid(name) {
    const canvas = make("canvas", { "aria-hidden": "true" });
    // No role="grid": that would read out each cell besides the sentence, which tells of its window in two grids, and would need
    // an element for each of 16,384 cells. To read cell by cell there are the numbers as tables.
    const stage = make("div", { class: "pc-stage", tabindex: "0", role: "application" }, canvas);
    this.hands.hold(stage, name);
    const caption = make("figcaption", {});
    const under = make("div", { class: "pc-under" }); // not over the grid, where a second line would push it down
    const figure = make("figure", { class: `pc-grid pc-${name}` }, caption, stage, under);
    this.grid[name] = { canvas, sheets: [], stage, caption, under, figure, near: [0, 0] };
    this.grids.append(figure);
  }

  get isPhoto() {
    const { channels, values } = this.states.input;
    if (channels !== 3) return false;
    if (!this.photoOf.has(values)) {
      const scale = scaleOf(values);
      this.photoOf.set(values, scale.low >= 0 && scale.high <= 1);
    }
    return this.photoOf.get(values);
  }

  /** @type {(row: number, col: number) => number} */
  inputAt = (r, c) => {
    const { h, w, values } = this.states.input;
    return values[this.channel * h * w + r * w + c];
  };

  /** @type {(at: LookUp, scale?: Scale) => (row: number, col: number) => Colour} */
  colourOf(at, scale = this.scale) {
    if (this.isPhoto && scale === this.scale) return (r, c) => [at(0, r, c) * 255, at(1, r, c) * 255, at(2, r, c) * 255];
    return (r, c) => rgb(this.look.values, scale, at(this.channel, r, c));
  }

  // The scale of an output: the input's, in which most kinds always lie, or its own.
  /** @param {Shown} shown */
  scaleFor({ kind, state }) {
    if (!kind.ownScale) return this.scale;
    state.scale ??= scaleOf(state.values);
    return state.scale;
  }

  schedule = () => {
    if (this.pending) return;
    this.pending = true;
    queueMicrotask(() => {
      this.pending = false;
      this.draw();
    });
  };

  draw() {
    if (this.left || !this.get("kinds").includes(this.get("kind"))) return; // the rest of the news is on its way
    if (this.look) this.notYet(); // else it is still to be dressed
    const missing = this.lookUp();
    if (missing.length) {
      this.complete = false; // nothing can be pointed at
      this.root.setAttribute("aria-busy", "true");
      this.waitFor(missing);
      return; // the last picture stays, dimmed, until torch has answered
    }
    if (!this.look) return;
    const parts = this.parts();
    const next = () => {
      if (!parts.next().done) this.notYet = inFrame(next);
    };
    if (this.seen) while (!parts.next().done);
    else next();
  }

  // A picture is drawn in one go, but for the first: its code is new to the browser, and all in one task it would keep the
  // page from answering. What has been drawn of it does not move any more.
  *parts() {
    this.setScales();
    if (this.telling) this.pick = { grid: null, ...this.begin() };
    this.telling = false;
    this.notify();
    drawWeights(this);
    layout(this);
    drawCode(this);
    this.drawTotals();
    yield;
    this.motion.check();
    for (const name of ["input", "input2"]) paintInput(this, name);
    for (const name of OUTPUTS) paintOutput(this, name);
    yield;
    this.complete = this.seen = true;
    if (!this.loading) {
      this.root.removeAttribute("aria-busy");
      this.patience.end();
    }
    this.drawTables();
    this.overlay();
    this.drawn();
    if (this.announceSize)
      this.announce(this.shown.map((v) => (v.state.error ? v.state.error : `${v.kind.title} output ${v.state.h} by ${v.state.w}`)).join(". "));
    else if (this.announceCell) this.announce(this.sentence.textContent);
    this.announceSize = this.announceCell = false;
    this.typing.catchUp();
    this.motion.catchUp();
    this.prefetch();
  }

  // What is to be shown, as far as it is here; the keys of what is not.
  lookUp() {
    const { h, w } = this.states.input;
    this.shown = this.kinds.map((kind, i) => {
      const s = settingsOf(this.get, kind);
      const input = i && this.backward ? "input2" : "input";
      const grid = OUTPUTS[this.get("kinds").indexOf(kind.name)];
      const key = kind.key(s);
      // backwards it gets its gradient, too
      return /** @type {Shown} */ ({ kind, s, grid, key, rows: kind.axis(s, 0, h), cols: kind.axis(s, 1, w), input, state: this.states.get(key) });
    });
    this.channel = Math.min(this.channel, this.states.input.channels - 1);
    this.controls.sync(this.states.input);
    const missing = this.shown.filter((shown) => !shown.state).map((shown) => shown.key);
    if (this.backward) missing.push(...(missing.length ? missing.map((key) => `grad0 ${key}`) : attachGradients(this)));
    return missing;
  }

  setScales() {
    const { values } = this.states.input;
    if (this.scaled !== values) {
      this.scaled = values;
      this.scale = this.isPhoto ? scaleOf(values) : robustScale(values);
    }
    this.oneUpstream = this.backward && oneUpstream(this);
    if (this.oneUpstream) for (const v of this.shown) v.grid = this.shown[0].grid;
    if (this.backward) this.signedScale = signedScale(this);
  }

  // What is wrong, or else what there is to know of who pools, and of the input.
  notify() {
    const error = this.shown.map((v) => v.state.error ?? v.gradient?.error).find(Boolean);
    this.awaited &&= Boolean(this.model.note);
    const note = this.awaited || this.model.gone ? this.model.note : ""; // of what nobody waited for nothing is said
    const wrong = this.refused || this.get("message") || error || ownMisfit(this);
    this.say(wrong || note || partOf(this.states.input), !wrong && Boolean(note));
  }

  // The window that is shown first: the one that Python chose, or the most telling one.
  begin() {
    const [row, col] = this.get("chosen");
    return row || col || (this.backward && this.get("upstream_mode") === "chosen") ? { row, col } : mostTelling(this);
  }

  drawTotals() {
    update(this.totals, { hidden: !this.backward });
    if (!this.backward) return;
    const texts = this.shown
      .filter((v) => !v.state.error && !v.gradient?.error)
      .map((v) => {
        const { state, chosen, gradient } = v;
        /** @param {At} at */
        const passed = (at) => (gradient?.shareOf ? inAll(this, v) : state.passesAt(at.row, at.col));
        const sums = gradient?.totals?.[this.channel] ?? [];
        const [up, down] = chosen ? [1, passed(chosen)] : sums.map((total) => Number(`${total}`.replace("inf", "Infinity")));
        return totals(v, up, down);
      });
    lines(this.totals, texts);
  }

  drawTables() {
    if (this.numbers.open && this.complete) this.tables.replaceChildren(...numberTables(this));
    else if (!this.numbers.open && this.tables.firstChild) this.tables.replaceChildren(); // closed, they take no room
  }

  // ---- what is pointed at: windows, winners, readers, and the sentence

  /** @param {string | null | undefined} grid */
  isInput = (grid) => grid === "input" || grid === "input2";

  get at() {
    return this.onGrid(this.hover ?? this.pick);
  }

  // A place, brought onto the grids that are shown.
  /** @type {(at: Pick) => Place | null} */
  onGrid(at) {
    const grid = this.grid[at.grid]?.frame ? at.grid : this.shown[0].grid;
    const frame = this.grid[grid].frame;
    if (!frame) return null;
    return { grid, row: Math.min(at.row, frame.rows - 1), col: Math.min(at.col, frame.cols - 1) };
  }

  overlay() {
    if (!this.complete) return;
    const at = this.at;
    const { marks, routes, sentence } = pointedAt(this, at);
    for (const name of Object.keys(marks)) paintGrid(this, name, this.motion.marks(name, marks[name]));
    if (this.motion.phase !== "glide") {
      const [room, more] = roomToRead(this);
      const size = sentence.length > more ? " pc-longer" : sentence.length > room ? " pc-long" : "";
      update(this.sentence, { text: sentence, className: `pc-sentence${size}` });
    }
    if (at && !this.lensBox.hidden && this.grids.matches(":hover, :focus-within")) drawLens(this, at); // else it is not seen
    drawRoutes(this, routes);
  }

  // What is seen of a grid has changed, though no setting has.
  repaint() {
    if (!this.complete) return;
    for (const name of ["input", "input2"]) paintInput(this, name);
    for (const name of OUTPUTS) paintOutput(this, name);
    this.overlay();
  }

  // ---- what is said

  /** @param {string | null} text */
  announce(text) {
    this.unsay();
    this.unsay = afterPaint(() => (this.live.textContent = this.live.textContent === text ? `${text}\u00a0` : text)); // the same again would not be heard
  }

  /** @type {(text: string | undefined, quiet?: boolean) => void} */
  say(text, quiet = false) {
    const look = { className: quiet ? "pc-notice pc-quiet" : "pc-notice", role: quiet ? "status" : "alert" };
    update(this.notice, { text: text || "", hidden: !text, ...look });
  }

  // What is refused here, without Python, is said until something else is set.
  /** @param {string} text */
  refuse(text) {
    this.refused = text;
    this.say(text);
    this.overlay(); // with less room for the sentence
  }

  // ---- what is not here yet

  /** @type {(preset: string, noted?: boolean) => void} */
  load(preset, noted = true) {
    if (preset === this.get("preset")) return; // nothing would come back
    this.root.setAttribute("aria-busy", "true");
    this.loading = true;
    if (noted) this.set({ preset });
    else this.change({ preset });
    this.waitFor([]);
  }

  /** @param {string[]} keys */
  waitFor(keys) {
    this.awaited = true;
    this.states.ask(keys);
    this.patience.begin((text) => this.say(text), "All but another input still works.");
  }

  // While idle, ask for what is one slider step away from what is shown; once somebody is here, for what is a few steps away,
  // nearest first and not too much: of a large input, more would push out what has just come.
  prefetch = () => {
    clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      if (!this.complete) return; // what is waited for comes first
      const { h, w } = this.states.input;
      const each = this.shown.reduce((sum, v) => sum + v.state.bytes + (this.backward ? (v.gradient?.bytes ?? 0) : 0), 0);
      const keys = this.shown.flatMap(({ s }) => around(s, this.visited ? FAR : 1, h, w).slice(0, AHEAD / each));
      this.states.ask(this.backward ? keys.flatMap((key) => [key, `grad0 ${key}`]) : keys);
    }, 120);
  };

  visit = () => {
    this.lookForKernel();
    if (this.visited || !this.shown.length) return;
    this.visited = true;
    this.prefetch();
  };

  lookForKernel = () => {
    if (this.model.lookForKernel()) this.schedule();
  };

  // ---- life in the page

  watch() {
    const { model } = this;
    /** @type {(...names: string[]) => Record<string, () => void>} */
    const redraw = (...names) => Object.fromEntries(names.map((name) => [`change:${name}`, this.schedule]));
    this.events = Object.entries({
      ...redraw("kinds", "kind", "compare", ...SETTINGS, "preset", "direction", "upstream_mode", "chosen"),
      "change:own": () => {
        const before = this.states.own;
        this.states.addOwn();
        if (!this.typing.hear("upstream") && !sameNumbers(before, this.states.own)) this.history.forget("upstream");
        this.schedule();
      },
      "change:message": () => {
        this.loading = false; // it tells why not
        if (this.get("message")) this.typing.awaited = { edit: 0, upstream: 0 };
        this.schedule();
      },
      "change:book": () => {
        this.motion.play(false);
        const before = this.states.input;
        this.states.reset();
        for (const grid of Object.values(this.grid)) grid.sheets = []; // of an input that has gone
        this.refused = "";
        if (!this.typing.hear("edit")) this.takeInput(before);
        this.schedule();
      },
      // ipywidgets says so once, when it closes the way to a kernel that begins anew
      comm_live_update: () => {
        this.model.cut = true;
        this.lookForKernel();
      },
      "msg:custom": (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => this.receive(content, buffers),
    });
    for (const [name, callback] of this.events) model.on(name, callback);
    this.resize = new ResizeObserver(() => {
      const width = this.measure();
      if (Math.abs(width - this.width) > 1) {
        this.width = width;
        this.schedule();
      } else this.overlay(); // grids that have moved take the ways between them along
    });
    for (const el of [this.root, this.grids]) this.resize.observe(el);
    this.unleaveKeys = leaveKeys(this.root);
    for (const coming of ["pointerenter", "focusin"]) this.root.addEventListener(coming, this.visit);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.still.addEventListener("change", this.applyMotion);
    this.applyMotion();
  }

  // Another input than the one `before`: it was asked for here, or comes from elsewhere.
  /** @param {Cells} before */
  takeInput(before) {
    if (this.loading) this.announceSize = true;
    else if (!sameNumbers(before, this.states.input)) this.history.forget("edit");
    this.loading = false;
  }

  measure = () => Math.max(260, this.root.offsetWidth - CARD);

  /** @type {(content: any, buffers: DataView[]) => void} */
  receive(content, buffers) {
    if (content.type !== "have" || content.serial !== this.states.input.serial) return;
    this.states.add({ entries: content.entries, data: buffers[0] });
    if (this.root.hasAttribute("aria-busy")) this.schedule();
  }

  dress = () => {
    this.unfollow = followTheme(this.root, (look) => {
      this.look = look;
      this.schedule();
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.overlay(), SETTLING);
    });
  };

  applyMotion = () => {
    this.motion.still = this.still.matches;
  };

  leave() {
    for (const [name, callback] of this.events) this.model.off(name, callback);
    this.left = true;
    this.complete = false; // nothing more is pointed at
    this.root.remove(); // JupyterLab keeps the view of a closed widget, and would keep all this with it
    this.tell();
    this.model.leave();
    this.motion.halt();
    this.patience.end();
    for (const timer of [this.idle, this.settling]) clearTimeout(timer);
    for (const end of [this.notYet, this.untell, this.unsay, this.unfollow, this.unleaveKeys]) end();
    this.resize.disconnect();
    this.still.removeEventListener("change", this.applyMotion);
  }
}

/** @param {RenderProps} props */
function render({ model, el }) {
  const explorer = new Explorer(model, el);
  return () => explorer.leave();
}

export default { render };
