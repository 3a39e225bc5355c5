// @ts-check
// Who answers the explorer: Python, as long as it does. On a page without Python, and where none answers in time, the page
// itself answers: the same messages in the same words, pooled by engine.js, so that the explorer need not know which it was.
import { PATIENCE } from "../web/patience.js";
import { engine } from "./engine.js";
import { KINDS, POOLS, settingsOf } from "./kinds/kinds.js";
import { cellValue, quoted, refusal, upstreamValue } from "./rules.js";
import { arrayOf } from "./states.js";

/**
 * @import { AnyModel } from "@anywidget/types"
 * @import { Asked, Cells, Kind, Numbers } from "./types.d.ts"
 * @typedef {{p: Asked, upstream: Numbers | null}} Wanted what the engine is asked for
 * @typedef {(...given: any[]) => void} Callback
 */

const AT_ONCE = 1e6; // steps that the page does itself for one message: 3 to 20 ms; more is for a worker
const QUEUE = 64; // states that wait for the worker, at most
const NO_INPUT = "Python does not answer, and another input would come from there. Everything else works.";
const STANDING_IN = "Python does not answer, so this page pools by itself, as torch does. What you change here may be gone when Python is back.";
const NO_KERNEL = "No kernel here: this page pools by itself, as torch does. For another input run the cell again.";

const pooling = engine(POOLS);

// What the explorer takes for its model.
/** @param {AnyModel} model */
export const engineFor = (model) => new Answers(model);

/** @implements {AnyModel} */
class Answers {
  /** @type {object | undefined} the book that `decoded` is of */
  book;
  /** @type {Cells} */
  decoded;

  /** @param {AnyModel} model */
  constructor(model) {
    this.model = model;
    this.widget_manager = model.widget_manager;
    this.alone = Boolean(model.get("alone")); // set by a page that has no Python
    /** @type {Record<string, any>} */
    this.instead = {}; // traits that the page has set in Python's place
    /** @type {Map<string, Callback[]>} */
    this.heard = new Map();
    /** @type {Set<ReturnType<typeof setTimeout>>} */
    this.timers = new Set();
    this.note = ""; // why the page answers, where one would expect Python to
    /** @type {string | undefined} the preset on view, while another has been asked for */
    this.named = undefined;
    this.cut = false; // whether the way to the kernel that made the model is closed, for good
    this.gone = false; // whether there is no kernel that could answer
    this.workshop = new Workshop((input, answered) => input === this.input && this.have(answered));
    const names = ["change:book", "change:own", "change:message", "msg:custom"];
    this.events = names.map((name) => /** @type {[string, Callback]} */ ([name, () => this.hear(name)]));
    for (const [name, callback] of this.events) model.on(name, callback);
  }

  leave() {
    for (const [name, callback] of this.events) this.model.off(name, callback);
    for (const timer of this.timers) clearTimeout(timer);
    this.workshop.close();
  }

  // ---- as a model

  /** @param {string} name */
  get = (name) => (name in this.instead ? this.instead[name] : this.model.get(name));

  /** @type {(name: string, value: any) => void} */
  set(name, value) {
    if (name === "preset" && !this.alone) this.askForInput();
    delete this.instead[name];
    this.model.set(name, value);
  }

  // Where none comes, the name stays that of the input on view: of several that were asked for, it is before all.
  askForInput() {
    this.named ??= this.get("preset");
    this.unlessAnswered(() => {
      if (this.named !== undefined) this.tell({ preset: this.named, message: NO_INPUT });
      this.named = undefined;
    });
  }

  save_changes() {
    if (this.instead.message) this.tell({ message: "" }); // it was about what is gone
    this.model.save_changes();
  }

  /** @type {(name: string, callback: Callback) => void} */
  on(name, callback) {
    this.heard.set(name, [...(this.heard.get(name) ?? []), callback]);
    this.model.on(name, callback);
  }

  /** @type {(name?: string | null, callback?: Callback | null) => void} */
  off(name, callback) {
    const left = (this.heard.get(name ?? "") ?? []).filter((other) => other !== callback);
    this.heard.set(name ?? "", left);
    this.model.off(name, callback);
  }

  /** @type {(name: string, ...given: any[]) => void} */
  emit(name, ...given) {
    for (const callback of this.heard.get(name) ?? []) callback(...given);
  }

  // Ask the front end, as far as it tells, whether there is still a kernel; returns whether that has changed.
  lookForKernel() {
    const { kernel } = /** @type {any} */ (this.widget_manager ?? {});
    const gone = !this.alone && (this.cut || kernel === null || kernel?.status === "dead" || Boolean(kernel?.isDisposed));
    if (gone === this.gone) return false;
    this.gone = gone;
    this.note = gone ? NO_KERNEL : "";
    return true;
  }

  // To Python, and where it does not answer, to the page. Once the page has stood in, it does not wait again; but Python is
  // told of what is typed, for it may only be busy.
  /** @param {any} content */
  send(content) {
    if (this.alone || this.gone || (this.note && content.type === "want")) {
      this.reply(content);
      return;
    }
    try {
      this.model.send(content);
    } catch {
      this.standIn(content); // there is no way to a kernel
      return;
    }
    if (this.note) {
      this.reply(content);
      return;
    }
    this.unlessAnswered(() => this.standIn(content));
  }

  /** @param {any} content */
  standIn(content) {
    this.note = STANDING_IN;
    this.reply(content);
  }

  /** @param {() => void} callback */
  unlessAnswered(callback) {
    const timer = setTimeout(
      () => {
        this.timers.delete(timer);
        callback();
      },
      this.gone ? 0 : PATIENCE,
    );
    this.timers.add(timer);
  }

  // Python has said something, and what it says holds.
  /** @param {string} name */
  hear(name) {
    if (this.alone) return;
    delete this.instead[name.replace("change:", "")];
    if (name === "change:book") delete this.instead.preset;
    if (name === "change:own") delete this.instead.upstream_mode;
    this.note = this.gone ? NO_KERNEL : "";
    this.named = undefined;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  // Set what Python would have set; where there is a Python, it must not hear of it.
  /** @param {Record<string, any>} changes */
  tell(changes) {
    if (!this.alone) Object.assign(this.instead, changes);
    for (const [name, value] of Object.entries(changes)) {
      if (this.alone) this.model.set(name, value);
      else this.emit(`change:${name}`);
    }
  }

  /** @param {string} message */
  say(message) {
    this.tell({ message: "" }); // so that the same sentence, said twice, is heard twice
    if (message) this.tell({ message });
  }

  // ---- what Python would answer

  /** @param {any} content */
  reply(content) {
    if (content.type === "want") this.want(content.keys);
    if (content.type === "edit") this.edit(content);
    if (content.type === "upstream") this.editUpstream(content);
  }

  get input() {
    const book = this.get("book");
    if (this.book !== book) {
      const [channels, h, w] = book.input.shape;
      this.book = book;
      this.decoded = { ...book.input, channels, h, w, values: arrayOf(book.input.float, book.input.data, 0, channels * h * w) };
    }
    return this.decoded;
  }

  // The upstream gradient that was typed in, with its numbers, if there is one.
  get own() {
    const own = this.get("own");
    return own.data ? { ...own, values: arrayOf("f8", own.data, 0, product(own.shape)) } : own;
  }

  /** @param {{entries: object[], data: Uint8Array}} book */
  have({ entries, data }) {
    this.emit("msg:custom", { type: "have", serial: this.input.serial, entries }, [data]);
  }

  /** @param {string[]} keys */
  want(keys) {
    /** @type {Record<"now" | "later", Wanted[]>} */
    const { now, later } = { now: [], later: [] };
    const refused = [];
    let left = AT_ONCE;
    for (const key of keys) {
      const { p, upstream, error } = this.asked(key);
      const steps = p ? pooling.work(p, this.input) : 0;
      if (!p) refused.push({ key, error });
      else (steps > left ? later : now).push({ p, upstream });
      if (steps <= left) left -= steps;
    }
    if (later.length) this.workshop.ask(this.input, later);
    const { entries, data } = pooling.answer(this.input, now);
    if (now.length + refused.length) this.have({ entries: [...entries, ...refused], data });
  }

  // What the engine is asked for a state, or why it is not.
  /** @type {(key: string) => {p: Asked, upstream: Numbers | null, error?: undefined} | {p?: undefined, upstream?: undefined, error: string}} */
  asked(key) {
    const { input, own } = this;
    const settings = pooling.parse(key);
    const p = settings && pooling.lent(settings, this.weightsOf(KINDS[settings.kind]));
    if (!p) return { error: `Without Python this page cannot pool ${quoted(key)}.` };
    const error = refusal(p, input, own, pooling);
    return error ? { error } : { p, upstream: p.upstream ? own.values : null };
  }

  /** @param {Kind} kind */
  weightsOf(kind) {
    return kind.settings.includes("weights") && this.get("weights") ? kind.learned(settingsOf(this.get, kind)) : null;
  }

  /** @param {{channel: number, row: number, col: number, text: string}} content */
  edit({ channel, row, col, text }) {
    const { input } = this;
    if (!isWithin([channel, row, col], [input.channels, input.h, input.w])) return;
    const typed = cellValue(text, input.dtype);
    this.say(typed.error ?? "");
    if (typed.error !== undefined) return;
    const values = input.values.slice();
    values[(channel * input.h + row) * input.w + col] = typed.value;
    const serial = `${input.serial}+`; // none that Python ever gives
    const changed = { ...this.get("book").input, serial, data: new Uint8Array(values.buffer) };
    const unnamed = this.get("preset") && { preset: "" };
    this.tell({ book: { input: changed, entries: [], data: new Uint8Array(0) }, ...unnamed });
  }

  /** @param {{kind: string, channel: number, row: number, col: number, text: string}} content */
  editUpstream({ kind, channel, row, col, text }) {
    const { input, own } = this;
    const shown = this.get("kind");
    const other = this.get("kinds").find((/** @type {string} */ one) => one !== shown);
    const { error, size, code } = this.outputOf(shown);
    if (error !== undefined) return this.say(error);
    if (kind === other && `${this.outputOf(other).size}` !== `${size}`) {
      return this.say(`The upstream gradient is that of ${code}, ${size.join(" x ")}: type it in there.`);
    }
    const shape = [input.channels, ...size];
    if (!isWithin([channel, row, col], shape)) return this.say("");
    const typed = upstreamValue(text);
    if (typed.value === undefined) return this.say(typed.error ?? "");
    const values = new Float64Array(product(shape)).fill(1);
    const fits = own.values && [1, input.channels].includes(own.shape[0]) && `${own.shape.slice(1)}` === `${size}`;
    if (fits) for (let at = 0; at < values.length; at += own.values.length) values.set(own.values, at);
    values[(channel * size[0] + row) * size[1] + col] = typed.value;
    this.say("");
    this.tell({ own: { serial: (own.serial ?? 0) + 1, shape, data: new Uint8Array(values.buffer), input: input.serial }, upstream_mode: "own" });
  }

  // The size of what a kind makes with these settings, or why it makes nothing.
  /** @param {string} kind */
  outputOf(kind) {
    const s = settingsOf(this.get, KINDS[kind]);
    const { p, error } = this.asked(s.kind.key(s));
    return { error, size: p ? pooling.sizeOf(p, this.input) : [], code: s.kind.code(s) };
  }
}

/** @param {number[]} shape */
const product = (shape) => shape.reduce((a, b) => a * b);
/** @type {(at: number[], shape: number[]) => boolean} */
const isWithin = (at, shape) => at.every((i, side) => Number.isInteger(i) && i >= 0 && i < shape[side]);

// Pools what takes long in a worker, so that the page never waits: what was asked for last comes first, and what belongs to
// an input that has gone is not pooled at all. `done` hears each state.
class Workshop {
  /** @type {Worker | undefined} */
  worker;
  /** @type {Cells | undefined} the input that the worker has */
  held;
  busy = false;
  barred = false; // whether no worker may run here
  proven = false; // whether one has
  /** @type {(Wanted & {input: Cells})[]} */
  waiting = [];

  /** @param {(input: Cells, answered: {entries: object[], data: Uint8Array}) => void} done */
  constructor(done) {
    this.done = done;
  }

  /** @type {(input: Cells, asked: Wanted[]) => void} */
  ask(input, asked) {
    const left = this.waiting.filter((one) => one.input === input && !asked.some(({ p }) => p.name === one.p.name));
    this.waiting = [...left, ...asked.map((one) => ({ ...one, input })).reverse()].slice(-QUEUE);
    this.next();
  }

  next() {
    const one = this.busy ? undefined : this.waiting.pop();
    if (!one) return;
    const { input, p, upstream } = one;
    /** @param {{entries: object[], data: Uint8Array}} answered */
    const finish = (answered) => {
      this.busy = false;
      this.done(input, answered);
      this.next();
    };
    this.busy = true;
    const worker = this.begun();
    if (!worker) {
      finish(pooling.answer(input, [{ p, upstream }]));
      return;
    }
    worker.onmessage = ({ data }) => {
      this.proven = true;
      finish(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.barred = !this.proven; // some browsers say only now that they allow none
      if (this.barred) finish(pooling.answer(input, [{ p, upstream }]));
      else finish({ entries: [{ key: p.name, error: `Without Python this page could not pool this: ${event.message}` }], data: new Uint8Array(0) });
    };
    worker.postMessage({ input: this.held === input ? null : input, asked: [{ p, upstream }] });
    this.held = input;
  }

  // The worker; none where none may run.
  begun() {
    if (this.barred) return undefined;
    try {
      this.worker ??= workerOf();
    } catch {
      this.barred = true;
      return undefined;
    }
    return this.worker;
  }

  close() {
    this.waiting = [];
    this.worker?.terminate();
  }
}

// Made of the text of the engine and of each kind's pooling, as there is no file that they could be loaded from.
function workerOf() {
  const kinds = Object.entries(POOLS).map(([name, { reads, pools }]) => `${JSON.stringify(name)}: { reads: ${reads}, pools: ${pools} }`);
  const url = URL.createObjectURL(new Blob([`(${serve})((${engine})({ ${kinds.join(", ")} }))`], { type: "text/javascript" }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  return worker;
}

// What a worker does: it keeps the input that it was given last.
/** @param {ReturnType<typeof engine>} pooling */
function serve(pooling) {
  /** @type {Cells} */
  let held;
  self.onmessage = ({ data: { input, asked } }) => {
    held = input ?? held;
    const answered = pooling.answer(held, asked);
    self.postMessage(answered, { transfer: [answered.data.buffer] });
  };
}
