// @ts-check
// What pointer and keys do to a grid: point at a cell, take the window and drag it, walk, and begin to type.
import { taps } from "./geometry.js";

/**
 * @import { Explorer, Pick } from "./explorer.js"
 * @import { Place } from "./pointing.js"
 * @import { At, Axis } from "./types.d.ts"
 */

const GIVE = 6; // px that a press may move before it drags
const FINGER = 22; // px by which a finger may miss the middle of what it takes
/** @type {Record<string, number[]>} */
const MOVES = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
  PageUp: [-Infinity, 0],
  PageDown: [Infinity, 0],
};
/** @type {(v: number, n: number) => number} */
const clip = (v, n) => Math.max(0, Math.min(n - 1, v));
// Whether something happens in the field that lies over a cell, which it is typed into.
/** @param {Event} event */
const inField = (event) => event.target instanceof HTMLInputElement;

export class Hands {
  pending = false;
  left = true; // since the last drag, the pointer has left the grid: until then, what was dragged there is looked at
  again = false; // whether a finger has tapped the cell that was chosen already: that types, as a double click does
  /** @type {{name: string, x: number, y: number, on: boolean, off: At, dragging: boolean} | null} what is pressed on */
  held = null;

  /** @param {Explorer} view */
  constructor(view) {
    this.view = view;
  }

  /** @type {(stage: HTMLElement, name: string) => void} */
  hold(stage, name) {
    /** @type {[string, (event: any) => void][]} */
    const heard = [
      ["keydown", (event) => this.key(event, name)],
      ["focus", () => this.focus(name)],
      ["pointerdown", (event) => this.press(event, name)],
      ["pointermove", (event) => this.move(event, name)],
      ["pointerup", (event) => this.release(event, name)],
      ["pointercancel", () => this.drop()],
      ["touchmove", (event) => this.held?.on && event.preventDefault()],
      ["pointerleave", () => this.leave()],
      ["dblclick", (event) => this.again || inField(event) || this.view.typing.begin("")],
      ["click", (event) => this.click(event)],
    ];
    for (const [type, listen] of heard) stage.addEventListener(type, listen);
  }

  leave() {
    if (this.held) return;
    this.left = true;
    this.point(null);
  }

  // Where an event is on a grid, in cells.
  /** @type {(event: MouseEvent, name: string) => At | null} */
  spotOf(event, name) {
    const { frame, stage } = this.view.grid[name];
    if (!frame) return null;
    const box = stage.getBoundingClientRect();
    return { row: (event.clientY - box.top - frame.y(0)) / frame.cell, col: (event.clientX - box.left - frame.x(0)) / frame.cell };
  }

  /** @type {(event: MouseEvent, name: string) => Place | null} */
  cellAt(event, name) {
    const spot = this.spotOf(event, name);
    if (!spot) return null;
    const { rows, cols } = this.view.grid[name].frame;
    const [row, col] = [Math.floor(spot.row), Math.floor(spot.col)];
    return row >= 0 && col >= 0 && row < rows && col < cols ? { grid: name, row, col } : null;
  }

  /** @param {Place | null} place */
  point(place) {
    const { view } = this;
    const { hover } = view;
    if (view.motion.playing || sameCell(place, hover)) return;
    view.hover = place;
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      view.overlay();
    });
  }

  // ---- what is chosen

  // Pick a cell; an output cell that carries the upstream gradient is told to Python, too.
  /** @param {Pick} at */
  choose(at) {
    const { view } = this;
    view.pick = at;
    view.hover = null;
    view.typing.early = null;
    const chosen = view.get("chosen");
    if (view.isInput(at.grid) || (chosen[0] === at.row && chosen[1] === at.col)) view.overlay();
    else view.set({ chosen: [at.row, at.col] });
  }

  // What is chosen is chosen on the grid that one comes to; who comes back to it hears it again.
  /** @param {string} name */
  focus(name) {
    const { view } = this;
    const { grid, row, col } = view.pick;
    const { frame } = view.grid[name];
    if (!frame) return;
    view.hover = null;
    if (grid !== name) view.pick = { grid: name, row: Math.min(row, frame.rows - 1), col: Math.min(col, frame.cols - 1) };
    view.overlay();
    view.announce(view.sentence.textContent);
  }

  // ---- the window is taken and dragged; or, on an output, the cell that is chosen
  // A finger drags only what it lands on: its first touchmove is kept from the browser, to which all others belong, so that a swipe
  // from elsewhere on the grid scrolls, and two fingers zoom.

  /** @type {(event: PointerEvent, name: string) => void} */
  press(event, name) {
    const spot = this.spotOf(event, name);
    if (!event.isPrimary) this.drop(); // of two fingers none drags
    if (!event.isPrimary || event.button > 0 || !spot || inField(event)) return;
    const { frame, stage } = this.view.grid[name];
    const { row, col, high, wide } = this.taken(name);
    const reach = event.pointerType === "touch" ? FINGER / frame.cell : 0;
    const on = Math.abs(spot.row - row) <= Math.max(high, reach) && Math.abs(spot.col - col) <= Math.max(wide, reach);
    const off = on ? { row: row - spot.row, col: col - spot.col } : { row: 0, col: 0 };
    this.held = { name, x: event.clientX, y: event.clientY, on, off, dragging: false };
    stage.setPointerCapture(event.pointerId);
  }

  /** @type {(event: PointerEvent, name: string) => void} */
  move(event, name) {
    const { held, view } = this;
    if (!held || held.name !== name || !event.buttons) {
      if (event.pointerType === "mouse" && this.left) this.point(this.cellAt(event, name));
      return;
    }
    if (!held.dragging && Math.hypot(event.clientX - held.x, event.clientY - held.y) < GIVE) return;
    if (event.pointerType === "touch" && !held.on) {
      this.drop();
      return;
    }
    if (!held.dragging) {
      view.motion.play(false);
      held.dragging = true;
      this.left = false;
      view.root.classList.add("pc-dragging");
    }
    const spot = this.spotOf(event, name);
    const place = spot && (view.isInput(name) ? this.windowAt(spot, held.off) : this.outputAt(spot, name));
    if (place && (place.row !== view.pick.row || place.col !== view.pick.col || place.grid !== view.pick.grid)) this.choose(place);
  }

  /** @type {(event: PointerEvent, name: string) => void} */
  release(event, name) {
    const { held, view } = this;
    this.drop();
    if (!held || held.name !== name) return;
    const at = this.cellAt(event, name);
    const chosen = view.onGrid(view.pick);
    this.again = event.pointerType === "touch" && !held.dragging && sameCell(at, chosen);
    view.motion.play(false);
    if (held.dragging) view.announce(view.sentence.textContent);
    else if (at) this.choose(at);
  }

  /** @param {MouseEvent} event */
  click(event) {
    if (event.detail === 0)
      this.view.announce(this.view.sentence.textContent); // from a screen reader
    else if (this.again && !inField(event)) this.view.typing.begin("");
  }

  drop() {
    this.held = null;
    this.view.root.classList.remove("pc-dragging");
  }

  // The output whose window lies nearest: that is a place that the stride allows.
  /** @type {(spot: At, off: At) => Place | null} */
  windowAt(spot, off) {
    const v = this.view.complete && this.view.shown.find(({ state }) => !state.error);
    if (!v) return null;
    /** @type {(axis: Axis, at: number) => number} */
    const nearest = (axis, at) => {
      let best = 0;
      for (let o = 1; o < axis.out; o++) if (Math.abs(middleOf(axis, o) - at) < Math.abs(middleOf(axis, best) - at)) best = o;
      return best;
    };
    return { grid: v.grid, row: nearest(v.rows, spot.row + off.row), col: nearest(v.cols, spot.col + off.col) };
  }

  /** @type {(spot: At, name: string) => Place} */
  outputAt(spot, name) {
    const { rows, cols } = this.view.grid[name].frame;
    return { grid: name, row: clip(Math.floor(spot.row), rows), col: clip(Math.floor(spot.col), cols) };
  }

  // What can be taken on a grid, by its middle and half its size: on the input the window that is shown, else the chosen cell.
  /** @type {(name: string) => At & {high: number, wide: number}} */
  taken(name) {
    const at = this.view.onGrid(this.view.pick);
    const [{ rows, cols }] = this.view.shown;
    if (!at) return { row: -Infinity, col: -Infinity, high: 0, wide: 0 };
    if (this.view.isInput(at.grid) || !this.view.isInput(name)) return { row: at.row + 0.5, col: at.col + 0.5, high: 0.5, wide: 0.5 };
    return { row: middleOf(rows, at.row), col: middleOf(cols, at.col), high: halfOf(rows, at.row), wide: halfOf(cols, at.col) };
  }

  // ---- keys

  /** @type {(event: KeyboardEvent, name: string) => void} */
  key(event, name) {
    const { view } = this;
    const { frame } = view.grid[name];
    if (!frame || inField(event) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const { row, col } = view.hover?.grid === name ? view.hover : view.pick;
    const move = MOVES[event.key];
    if (move) {
      view.motion.play(false);
      this.choose({ grid: name, row: clip(row + move[0], frame.rows), col: clip(col + move[1], frame.cols) });
      queueMicrotask(() => view.announce(view.sentence.textContent));
    } else if (event.key === "Enter" || event.key === "F2") {
      view.typing.begin("");
    } else if (/^[-\d.]$/.test(event.key)) {
      view.typing.begin(event.key);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @type {(a: Pick | null, b: Pick | null) => boolean} */
const sameCell = (a, b) => a?.grid === b?.grid && a?.row === b?.row && a?.col === b?.col;

/** @type {(axis: Axis, o: number) => number} */
function middleOf(axis, o) {
  const read = taps(axis, o);
  return (read[0] + read[read.length - 1] + 1) / 2;
}

/** @type {(axis: Axis, o: number) => number} */
function halfOf(axis, o) {
  const read = taps(axis, o);
  return (read[read.length - 1] + 1 - read[0]) / 2;
}
