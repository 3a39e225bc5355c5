// @ts-check
// How large each grid is. Boxes are as wide and high as the card has room for, whatever the sliders say, so that nothing
// jumps while one moves; the cells in them take the largest size that fits, and padding grows inwards.
import { focusedBy, update } from "../web/dom.js";
import { AXIS, EDGE, READABLE, fit } from "./geometry.js";
import { frameOf } from "./paint.js";

/**
 * @import { Explorer } from "./explorer.js"
 * @import { Margin } from "./geometry.js"
 * @import { Canvas, Frame } from "./paint.js"
 * @import { Shown } from "./types.d.ts"
 */

const NARROW = 560; // px: a phone, where controls stick and grids scroll below them
const ASIDE = 850; // px from which the sentence stands beside the grids of one kind
const READING = 220; // px for it
const WEIGHTS = 160; // px for the weights of a convolution: three columns; more of them scroll
const GAP = 16;
const TIES = 30; // px between grids where gradients run
const NO_MARGIN = { top: 0, left: 0, bottom: 0, right: 0 };
const LARGEST_PICTURE = 420;
const WRITTEN = 44; // px for what is written above and under a grid
/** @param {number} size */
const px = (size) => `${Math.floor(size)}px`;

// "aside": grids and sentence side by side; "below": the sentence under them; "narrow": one under the other.
/** @type {(view: {width: number, shown: any[]}) => "aside" | "below" | "narrow"} */
export const roomOf = ({ width, shown }) => (width < NARROW ? "narrow" : width >= ASIDE && shown.length === 1 ? "aside" : "below");

// How many letters of a sentence have room beside the buttons, and how many in smaller type; a longer one is written smaller still.
/** @type {(view: Explorer) => [number, number]} */
export function roomToRead(view) {
  const room = roomOf(view);
  const wide = view.width - 294;
  const lines = view.notice.hidden ? [4, 5] : [2, 2]; // what is refused is told above it
  return room === "below" ? [(lines[0] * wide) / 7.6, (lines[1] * wide) / 6.8] : room === "aside" ? [420, 560] : [999, 999];
}

// How wide the boxes of inputs and outputs are, and how high all are.
/** @type {(view: Explorer) => {input: number, output: number, high: number, gap: number}} */
function boxes(view) {
  const { backward, shown } = view;
  const room = roomOf(view);
  const gap = backward ? TIES : GAP;
  const inputs = backward ? shown.length : 1;
  const outputs = backward && view.oneUpstream ? 1 : shown.length;
  if (room === "narrow") {
    const input = Math.max(0.62 * view.width, 190);
    return { input, output: view.width - input - gap, high: LARGEST_PICTURE, gap };
  }
  const beside = (room === "aside" ? READING + GAP : 0) + (view.weights.hidden ? 0 : WEIGHTS + gap);
  const wide = view.width - beside - (inputs + outputs - 1) * gap;
  const share = backward ? 1.45 : 1.35; // of an input, beside an output
  const output = wide / (share * inputs + outputs);
  const high = (backward ? 238 : room === "aside" ? 336 : shown.length > 1 ? 280 : 304) - view.spare;
  return { input: share * output, output, high, gap };
}

/** @param {Explorer} view */
export function layout(view) {
  const { h, w } = view.states.input;
  const { input, output, high, gap } = boxes(view);
  const room = roomOf(view);
  const boxed = [room, view.width, input, output, high, gap].join(" ");
  if (view.boxed !== boxed) {
    view.boxed = boxed;
    /** @type {NodeListOf<Canvas>} */
    const canvases = view.grids.querySelectorAll("canvas");
    for (const canvas of canvases) canvas.ratio = 0; // they only grow: start small again
    view.root.dataset.room = room;
    putInputs(view, room === "narrow");
  }
  update(view.grids, { style: { columnGap: px(gap), height: room === "narrow" ? "" : px(high + WRITTEN) } });
  const margin = marginOf(view);
  const { cell, pad } = fit(input, high, h, w, margin, undefined, view.backward);
  const readable = cell >= READABLE;
  for (const name of ["input", "input2"]) {
    const grid = view.grid[name];
    update(grid.figure, { hidden: !view.shown.some((v) => v.input === name) });
    grid.frame = grid.figure.hidden ? null : frameOf(h, w, cell, margin, pad);
    fill(view, name, input, high);
  }
  for (const name of view.outputs) {
    const grid = view.grid[name];
    const shown = view.shown.find((v) => v.grid === name);
    update(grid.figure, { hidden: !shown });
    update(grid.stage, { hidden: !shown || Boolean(shown.state.error) });
    grid.frame = !shown || grid.stage.hidden ? null : outputFrame(view, shown, output, high, readable ? cell : 0);
    fill(view, name, output, high);
  }
  update(view.lensBox, { hidden: readable });
}

// What is chosen once stands in the bar, or on a phone below the sliders; what is moved would lose the focus.
/** @type {(view: Explorer, below: boolean) => void} */
function putInputs({ controls: { bar, inputs }, line }, below) {
  if (inputs.parentElement === (below ? line : bar)) return;
  const focused = focusedBy(inputs);
  if (below) line.prepend(inputs);
  else bar.append(inputs);
  if (focused instanceof HTMLElement && inputs.contains(focused)) focused.focus({ preventScroll: true });
}

// Room for the padding and the overhang that are there.
/** @type {(view: Explorer) => Margin} */
function marginOf({ states, shown }) {
  const { h, w } = states.input;
  const possible = shown.filter(({ state }) => !state.error);
  /** @param {(v: Shown) => number} of */
  const most = (of) => Math.max(0, ...possible.map(of));
  return {
    top: most(({ s }) => s.padding[0]),
    left: most(({ s }) => s.padding[1]),
    bottom: most(({ s, rows }) => Math.max(s.padding[0], rows.end - h)),
    right: most(({ s, cols }) => Math.max(s.padding[1], cols.end - w)),
  };
}

// Beside numbers, cells are hardly larger than those of the input; beside a picture, as large as the picture.
/** @type {(view: Explorer, shown: Shown, wide: number, high: number, cell: number) => Frame} */
function outputFrame(view, { grid, state: { h, w } }, wide, high, cell) {
  const most = cell ? Math.min(44, 1.3 * cell) : 44;
  const found = fit(wide, high, h, w, NO_MARGIN, most).cell;
  const outgrows = view.root.dataset.room === "narrow" && cell > 0 && found < READABLE; // then it goes under the input
  view.grid[grid].figure.classList.toggle("pc-whole", outgrows);
  return frameOf(h, w, outgrows ? fit(view.width, high, h, w, NO_MARGIN, most).cell : found);
}

/** @type {(view: Explorer, name: string, wide: number, high: number) => void} */
function fill({ root, grid }, name, wide, high) {
  const { frame, stage, figure } = grid[name];
  const narrow = root.dataset.room === "narrow";
  const width = narrow ? px(Math.max(frame?.width ?? 0, AXIS + EDGE)) : px(wide);
  update(figure, { style: { width, height: narrow ? "" : px(high + WRITTEN) } });
  update(grid[name].caption, { style: { maxWidth: narrow ? px(figure.classList.contains("pc-whole") ? 999 : wide) : "" } });
  if (frame) update(stage, { style: { width: `${Math.ceil(frame.width)}px`, height: `${Math.ceil(frame.height)}px` } });
}
