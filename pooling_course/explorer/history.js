// @ts-check
// Undo, redo and reset, of settings and of typed numbers.
import { make, update } from "../web/dom.js";
import { SETTINGS } from "./kinds/kinds.js";

/**
 * @import { Explorer } from "./explorer.js"
 * @typedef {{type: string, kind?: string, channel: number, row: number, col: number, text: string}} Typed
 * @typedef {{before: Record<string, any>, after: Record<string, any>, when: number}} Change of settings
 * @typedef {{typed: Typed, was: string}} Edit
 */

const TOGETHER = 800; // ms within which steps of one slider are one change
const KEPT = ["kinds", "kind", "compare", "direction", "upstream_mode", "preset", ...SETTINGS];
/** @type {(a: object, b: object) => boolean} */
const sameNames = (a, b) => `${Object.keys(a)}` === `${Object.keys(b)}`;

export class History {
  /** @type {(Change | Edit)[]} */
  past = [];
  /** @type {(Change | Edit)[]} */
  future = [];

  /** @param {Explorer} view */
  constructor(view) {
    this.view = view;
    this.start = Object.fromEntries(KEPT.map((name) => [name, view.get(name)]));
    /** @type {(text: string, label: string, onclick: () => void) => HTMLButtonElement} */
    const button = (text, label, onclick) => make("button", { type: "button", title: label, "aria-label": label, onclick }, text);
    this.back = button("↶", "Undo (Ctrl+Z)", () => this.undo());
    this.forth = button("↷", "Redo (Ctrl+Shift+Z)", () => this.redo());
    this.el = make(
      "div",
      { class: "pc-history" },
      this.back,
      this.forth,
      button("Reset", "Reset: as the cell said", () => this.reset()),
    );
    this.show();
    view.root.addEventListener("keydown", (event) => this.key(event));
  }

  show() {
    for (const [button, changes] of /** @type {const} */ ([
      [this.back, this.past],
      [this.forth, this.future],
    ])) {
      update(button, { "aria-disabled": `${!changes.length}` });
    }
  }

  // What is about to be set, by hand.
  /** @param {Record<string, any>} changes */
  note(changes) {
    const after = Object.fromEntries(Object.entries(changes).filter(([name]) => KEPT.includes(name)));
    if (!Object.keys(after).length) return;
    const before = Object.fromEntries(Object.keys(after).map((name) => [name, this.view.get(name)]));
    const last = this.past.at(-1);
    const when = performance.now();
    if (last && "after" in last && sameNames(last.after, after) && when - last.when < TOGETHER) Object.assign(last, { after, when });
    else this.past.push({ before, after, when });
    this.future = [];
    this.show();
  }

  // A number that has been typed, and what it was before.
  /** @type {(typed: Typed, was: string) => void} */
  noteTyped(typed, was) {
    this.past.push({ typed, was });
    this.future = [];
    this.show();
  }

  undo() {
    const last = this.past.pop();
    if (!last) return;
    this.future.push(last);
    if ("typed" in last) this.type({ ...last.typed, text: last.was });
    else this.apply(last.before);
  }

  redo() {
    const next = this.future.pop();
    if (!next) return;
    this.past.push(next);
    if ("typed" in next) this.type(next.typed);
    else this.apply({ ...next.after });
  }

  // As the cell said: an input by name is loaded again, in another what was typed is taken back.
  reset() {
    const typed = this.past.filter((change) => "typed" in change).reverse();
    this.past = [];
    this.future = [];
    this.apply(this.start);
    if (!this.start.preset) for (const edit of typed) this.type({ .../** @type {Edit} */ (edit).typed, text: /** @type {Edit} */ (edit).was });
  }

  /** @param {Record<string, any>} settings */
  apply({ preset, ...settings }) {
    const { view } = this;
    if (Object.keys(settings).length) view.change(settings);
    if (preset !== undefined) view.load(preset, false);
    view.controls.apart = view.controls.isApart();
    view.announceCell = true;
    this.show();
  }

  /** @param {Typed} typed */
  type(typed) {
    this.view.tell(); // Python hears of all in the order in which it was done
    this.view.typing.send(typed);
    this.show();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.composedPath()[0] instanceof HTMLTextAreaElement) return;
    const at = event.target;
    if (at instanceof HTMLInputElement && ["text", "number"].includes(at.type)) return; // a field undoes what is typed in it
    if (event.shiftKey) this.redo();
    else this.undo();
    event.preventDefault();
    event.stopPropagation();
  }
}
