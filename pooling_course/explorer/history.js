// @ts-check
// Undo, redo and reset, of settings and of typed numbers.
import { make, update } from "../web/dom.js";
import { SETTINGS } from "./kinds/kinds.js";

/**
 * @import { Explorer } from "./explorer.js"
 * @typedef {{type: string, kind?: string, channel: number, row: number, col: number, text: string}} Typed
 * @typedef {{before: Record<string, any>, after: Record<string, any>, when: number}} Change of settings
 * @typedef {{typed: Typed, was: string, mode?: string, into?: string}} Edit mode: of upstream gradients, the one that was shown;
 *   into: the name of the input that was the learner's own from this number on
 */

const ANSWERED = 3000; // ms within which a name comes back, if it does
const TOGETHER = 800; // ms within which steps of one slider are one change
const KEPT = ["kinds", "kind", "compare", "direction", "upstream_mode", "preset", ...SETTINGS];
/** @type {(a: object, b: object) => boolean} */
const sameNames = (a, b) => `${Object.keys(a)}` === `${Object.keys(b)}`;
/** @type {(a: object, b: object) => boolean} */
const sameSettings = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export class History {
  /** @type {(Change | Edit)[]} */
  past = [];
  /** @type {(Change | Edit)[]} */
  future = [];
  /** @type {Promise<void>} the last of what is undone, redone and reset */
  turn = Promise.resolve();

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
    const before = Object.fromEntries(Object.keys(after).map((name) => [name, this.view.get(name)]));
    if (sameSettings(before, after)) return;
    const last = this.past.at(-1);
    const when = performance.now();
    if (last && "after" in last && sameNames(last.after, after) && when - last.when < TOGETHER) {
      Object.assign(last, { after, when });
      if (sameSettings(last.before, after)) this.past.pop();
    } else this.past.push({ before, after, when });
    this.future = [];
    this.show();
  }

  // A number that has been typed, and what it was before.
  /** @type {(typed: Typed, was: string, mode?: string) => void} */
  noteTyped(typed, was, mode) {
    const last = this.past.at(-1);
    const into = typed.type === "edit" && !(last && "typed" in last && last.into) ? this.view.get("preset") : "";
    this.past.push({ typed, was, mode, into });
    this.future = [];
    this.show();
  }

  /** @param {string} type */
  typedInto = (type) => this.past.some((change) => "typed" in change && change.typed.type === type);

  // Another input, or upstream gradient, has come from elsewhere: what was typed into the one before cannot be taken back there.
  /** @param {string} type */
  forget(type) {
    /** @param {Change | Edit} change */
    const stays = (change) => !("typed" in change && change.typed.type === type);
    [this.past, this.future] = [this.past.filter(stays), this.future.filter(stays)];
    this.show();
  }

  // One after the other, as each may wait for what the one before asked Python for.
  /** @param {() => void | Promise<void>} act */
  inTurn(act) {
    this.turn = this.turn.then(act, act);
  }

  undo() {
    this.inTurn(() => {
      const last = this.past.pop();
      if (!last) return;
      this.future.push(last);
      if ("typed" in last) return this.takeBack(last);
      this.apply(last.before);
    });
  }

  redo() {
    this.inTurn(() => {
      const next = this.future.pop();
      if (!next) return;
      this.past.push(next);
      if ("typed" in next) this.type(next.typed);
      else this.apply({ ...next.after });
    });
  }

  // As the cell said: what was typed is taken back, at the settings at which it was; but an input by name is loaded again.
  reset() {
    this.inTurn(async () => {
      const { start } = this;
      const changes = this.past.reverse();
      this.past = [];
      this.future = [];
      for (const change of changes) {
        if ("before" in change) this.apply(start.preset ? { ...change.before, preset: undefined } : change.before);
        else if (change.typed.type !== "edit" || !start.preset) await this.takeBack(change);
      }
      this.apply(start);
    });
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

  // Where the input gets its name back, it is there once that has come: what is undone next may be another name.
  /** @type {(edit: Edit) => Promise<void> | void} */
  takeBack({ typed, was, mode = "own", into }) {
    const named = into ? this.named(into) : undefined;
    this.type({ ...typed, text: was });
    if (mode !== "own") this.view.change({ upstream_mode: mode });
    return named;
  }

  // Until the input has this name again, or nobody answers.
  /** @param {string} into */
  named(into) {
    const { model } = this.view;
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          model.off("change:preset", heard);
          resolve();
        };
        const heard = () => model.get("preset") === into && done();
        const timer = setTimeout(done, ANSWERED);
        model.on("change:preset", heard);
      })
    );
  }

  /** @param {Typed} typed */
  type(typed) {
    this.view.tell(); // Python hears of all in the order in which it was done
    this.view.typing.tell(typed);
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
