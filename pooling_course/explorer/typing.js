// @ts-check
// Numbers typed into a cell: of the input, or, backwards, of the upstream gradient.
import { focusedBy, make, update } from "../web/dom.js";
import { number } from "../web/numbers.js";
import { afterPress } from "../web/press.js";
import { ownAt } from "./gradients.js";
import { cellValue, upstreamValue } from "./rules.js";
import { place } from "./words.js";

/**
 * @import { Explorer } from "./explorer.js"
 * @import { Typed } from "./history.js"
 * @import { Place } from "./pointing.js"
 * @typedef {{left: number, top: number, width: number, height: number}} Box
 * @typedef {{wrong(value: string): string | undefined, commit(value: string): void, left(error: string): void}} Taken
 */

const TOO_SMALL = "These cells are too small to edit: choose a smaller input, or change x in Python.";

// A number with all its digits, in the words that Python reads.
/** @param {number} value */
const textOf = (value) => (Object.is(value, -0) ? "-0" : `${value}`).replace("Infinity", "inf").replace("NaN", "nan");

export class Typing {
  fixed = ""; // why no number can be typed in, where none can
  /** @type {string | null} what was typed before torch has answered, and waits for it */
  early = null;
  /** @type {Record<string, number>} how much of what was typed has not come back from Python yet */
  awaited = { edit: 0, upstream: 0 };

  /** @param {Explorer} view */
  constructor(view) {
    this.view = view;
  }

  // Type over the chosen cell, beginning with `text`.
  /** @param {string} text */
  begin(text) {
    const { view } = this;
    if (!view.complete) {
      this.early = (this.early ?? "") + text;
      return;
    }
    const at = view.onGrid(view.pick);
    const type = view.isInput(at?.grid) ? "edit" : view.backward ? "upstream" : null;
    if (!at || !type) return;
    const refused = this.fixed || (view.lensBox.hidden ? "" : TOO_SMALL);
    if (refused) view.refuse(refused);
    else this.open(at, type, text);
  }

  /** @type {(at: Place, type: string, text: string) => void} */
  open({ grid, row, col }, type, text) {
    const { view } = this;
    const { channel } = view;
    const upstream = view.shown.find((v) => type === "upstream" && v.grid === grid);
    const now = upstream ? upstream.upstreamAt(channel, row, col) : view.inputAt(row, col);
    const { frame, stage } = view.grid[grid];
    const box = { left: frame.x(col) - 6, top: frame.y(row), width: frame.cell + 12, height: frame.cell };
    typeOver(stage, box, `New value at ${place(row, col)}`, text, number(now), {
      wrong: (value) => (upstream ? upstreamValue(value) : cellValue(value, view.states.input.dtype)).error,
      commit: (value) => {
        const typed = { type, kind: upstream?.kind.name, channel, row, col, text: value };
        const was = upstream ? ownAt(view, upstream, row, col) : view.inputAt(row, col);
        view.history.noteTyped(typed, textOf(was), upstream && view.get("upstream_mode"));
        this.tell(typed);
      },
      left: (error) => view.refuse(error),
    });
  }

  /** @param {Typed} typed */
  tell({ type, kind, channel, row, col, text }) {
    this.view.waitFor([]);
    this.awaited[type]++;
    this.view.model.send({ type, kind, channel, row, col, text });
  }

  // Whether what comes from Python is what was typed: once it is drawn, the sentence is read out.
  /** @param {string} type */
  hear(type) {
    if (!this.awaited[type]) return false;
    this.awaited[type]--;
    this.view.announceCell = true;
    return true;
  }

  // What has waited is typed in once the picture is there, if the grid still has the focus.
  catchUp() {
    const { view, early } = this;
    this.early = null;
    if (early !== null && view.grid[view.pick.grid]?.stage === focusedBy(view.root)) this.begin(early);
  }
}

const ROOM = 232; // px for what is said beside a cell

// A text field over a cell: Enter or Tab commits, Escape does not. What is wrong is told beside it, and it stays open; where
// it is left all the same, `left` hears why.
/** @type {(stage: HTMLElement, box: Box, label: string, text: string, now: string, taken: Taken) => void} */
function typeOver(stage, box, label, text, now, { wrong, commit, left }) {
  const input = make("input", { class: "pc-edit", type: "text", "aria-label": label });
  const told = make("p", { class: "pc-told", role: "alert", hidden: true });
  input.value = text || now;
  for (const [side, px] of Object.entries(box)) input.style.setProperty(side, `${px}px`);
  let open = true;
  const read = () => input.value.trim().replace(",", ".").replace("−", "-");
  /** @param {boolean} keep */
  const close = (keep) => {
    if (!open) return; // removing the input blurs it, which calls again
    open = false;
    const focused = focusedBy(input) === input;
    input.remove();
    told.remove();
    if (focused) stage.focus();
    const value = read();
    if (!keep || value === "" || value === now) return;
    const error = wrong(value);
    afterPress(() => (error ? left(error) : commit(value)));
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing) return; // the key belongs to the keyboard's own window
    if (event.key === "Escape") close(false);
    if (event.key !== "Enter" && event.key !== "Tab") return;
    const value = read();
    const error = value !== "" && value !== now ? wrong(value) : "";
    if (!error) return close(true);
    event.preventDefault();
    input.setAttribute("aria-invalid", "true");
    update(told, { text: "", hidden: false }); // said twice, it is read out twice
    update(told, { text: `${error.split("; ")[0]}: type one, or Esc.`, style: placeBeside(stage, box) });
    input.select();
  });
  input.addEventListener("blur", () => close(true));
  stage.append(input, told);
  input.focus();
  if (!text) input.select();
}

// Where there is room: to the right of a cell, to its left, or below.
/** @type {(stage: HTMLElement, box: Box) => Record<string, string>} */
function placeBeside(stage, { left, top, width, height }) {
  const card = /** @type {Element} */ (stage.closest(".pooling-course")).getBoundingClientRect();
  const at = stage.getBoundingClientRect();
  if (at.left + left + width + ROOM < card.right) return { left: `${left + width + 6}px`, top: `${top}px` };
  if (at.left + left - ROOM > card.left) return { left: `${left - ROOM}px`, top: `${top}px` };
  return { left: `${Math.max(card.left - at.left + 8, left + width - ROOM)}px`, top: `${top + height + 6}px` };
}
