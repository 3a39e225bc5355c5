// @ts-check
// The grids and what is written at them: inputs, outputs, gradients. `view` is the explorer; it holds what each canvas shows.
import { update } from "../web/dom.js";
import { rgb } from "../web/colour.js";
import { READABLE, readCounts, unreadOf } from "./geometry.js";
import { idleOf, onesOf, planeOf } from "./gradients.js";
import {
  alike,
  drawPicture,
  keptPicture,
  label,
  paintBorder,
  paintCells,
  paintEmpty,
  paintGhosts,
  paintHatch,
  paintIndices,
  paintMap,
  paintMarks,
  sizeCanvas,
} from "./paint.js";

/**
 * @import { Explorer, Grid } from "./explorer.js"
 * @import { Colour } from "../web/colour.js"
 * @import { Ctx, Frame, Mark, Sheet } from "./paint.js"
 * @import { LookUp, Shown } from "./types.d.ts"
 */

// A grid as it is seen: its cells, and marks on them.
/** @type {(view: Explorer, name: string, marks: Mark[]) => void} */
export function paintGrid({ look, grid }, name, marks) {
  const { canvas, sheet, frame, near } = grid[name];
  const ctx = frame && sheet && sizeCanvas(canvas, frame.width, frame.height, [look, frame.key, sheet, JSON.stringify(marks)]);
  if (!ctx) return;
  paintIndices(ctx, look, frame, near);
  paintSheet(ctx, sheet, frame);
  paintMarks(ctx, look, frame, marks);
}

// New cells, as with each slider step, are painted where they are seen: on a canvas of their own first, they would cost as much
// again. Asked for a second time, because marks move over them, they are kept as a picture.
/** @type {(ctx: Ctx, sheet: Sheet, frame: Frame) => void} */
function paintSheet(ctx, sheet, { width, height }) {
  if (sheet.shown) sheet.picture = keptPicture(sheet.picture, [], width, height, sheet.paint);
  if (sheet.picture) drawPicture(ctx, sheet.picture, 0, 0);
  else sheet.paint(ctx);
  sheet.shown = true;
}

const LAID = 8; // sheets of a grid, as a slider that is moved back and forth shows the same ones again

// Lay cells into a grid, as `paint(ctx)` paints them: those that had the same `parts` come back, if they are still there.
/** @type {(grid: Grid, parts: any[], paint: (ctx: Ctx) => void) => void} */
function lay(grid, parts, paint) {
  const { sheets } = grid;
  const at = sheets.findLastIndex((sheet) => alike(sheet.parts, parts));
  grid.sheet = at < 0 ? { parts, paint } : sheets.splice(at, 1)[0];
  sheets.push(grid.sheet);
  if (sheets.length > LAID) sheets.shift();
}

// What gradients look like depends on.
/** @type {(view: Explorer, flow: Shown) => any[]} */
const flowParts = ({ look, channel, signedScale, states }, { state, gradient, upstream }) => [
  look,
  channel,
  signedScale.high,
  states.input.values,
  state,
  gradient,
  upstream,
];

/** @type {(view: Explorer, name: string) => void} */
export function paintInput(view, name) {
  const { frame, stage, caption, under } = view.grid[name];
  if (!frame) return;
  const { h, w, channels, values } = view.states.input;
  const first = view.shown.find((v) => !v.state.error && (v.input === name || !view.backward));
  const flow = view.backward && first && !first.gradient?.error ? first : null;
  const enters = view.shown.map(({ kind, s }) => kind.ghost(s));
  const padding = flow ? "" : [...new Set(enters)].join(" | ");
  const unread = first && unreadOf(first.rows, first.cols);
  const windows = view.cells === "all windows" && first;
  const around = first && JSON.stringify([first.s.padding, Math.max(h, first.rows.end), Math.max(w, first.cols.end), unread]);
  view.grid[name].near = first ? first.s.padding : [0, 0];
  const { reached } = view.motion;
  const parts = flow
    ? [...flowParts(view, flow), frame.key, around, reached]
    : [view.look, view.scale, values, view.channel, frame.key, around, padding, view.cells, first?.key];
  lay(view.grid[name], parts, (ctx) => {
    const many = flow && !(reached && flow.chosen) && frame.cell < READABLE;
    const plane = many ? (reached ? view.motion.sent(flow) : planeOf(view, flow)) : undefined;
    if (plane) paintMap(ctx, frame, plane, view.look.signed, view.signedScale);
    else if (flow) paintFlow(view, ctx, frame, view.motion.gradientOf(flow), view.inputAt);
    else if (first && view.cells === "reads") paintReads(view, ctx, frame, first);
    else if (!windows || frame.cell < READABLE) paintValues(view, ctx, frame); // else the windows lie on paper
    if (!flow && windows) paintGhosts(ctx, view.look, frame, windows.rows, windows.cols, view.inputAt);
    if (first && unread) {
      paintBorder(ctx, view.look, frame, first.rows, first.cols, padding);
      paintHatch(ctx, view.look, frame, unread);
    }
  });
  const size = `${channels > 1 ? `${channels} × ` : ""}${h} × ${w}`;
  const hatched = first && unread?.count ? `${unread.count} of ${h * w} cells never read${byWhom(view, first, unread)} (hatched)` : "";
  const what = flow ? `Input gradient${view.shown.length > 1 ? ` of ${flow.kind.inWords}` : ""}` : "Input";
  update(caption, { text: `${what} ${size}` });
  update(under, { text: flow ? countIdle(view, flow, hatched) : hatched || said(view, first) });
  update(stage, { "aria-label": `${what}, ${h} rows by ${w} columns. Arrow keys walk, Enter edits the input.` });
}

// What else there is to say of an input: how its cells are coloured.
/** @type {(view: Explorer, first: Shown | undefined) => string} */
function said(view, first) {
  if (first && view.cells === "all windows") return `${first.state.h * first.state.w} windows; the darker, the more overlap`;
  if (first && view.cells === "reads") return "× how many windows read the cell";
  if (view.isPhoto) return "";
  const beyond = beyondOf(view);
  return beyond ? `${beyond} of the values ${beyond === 1 ? "lies" : "lie"} beyond the colours` : "";
}

// How many values have no colour of their own; worked out once, as a large input has many.
/** @type {(view: Explorer) => number} */
function beyondOf(view) {
  const { scale, states } = view;
  if (view.beyond?.scale !== scale) {
    const count = states.input.values.filter((v) => Number.isFinite(v) && (v < scale.low || v > scale.high)).length;
    view.beyond = { scale, count };
  }
  return view.beyond.count;
}

// How many windows read each cell, in place of its value.
/** @type {(view: Explorer, ctx: Ctx, frame: Frame, first: Shown) => void} */
function paintReads(view, ctx, frame, { rows, cols }) {
  const [down, across] = [readCounts(rows), readCounts(cols)];
  const scale = { low: 0, high: Math.max(1, Math.max(...down) * Math.max(...across)) };
  /** @type {(r: number, c: number) => number} */
  const count = (r, c) => down[r] * across[c];
  paintCells(
    ctx,
    view.look,
    frame,
    (r, c) => rgb(view.look.reads, scale, count(r, c)),
    count,
    undefined,
    null,
    (n) => `×${n}`,
  );
}

// Side by side over one input, the other kind may read what the first does not: dilation belongs to max alone.
/** @type {(view: Explorer, first: Shown, unread: object) => string} */
function byWhom(view, first, unread) {
  const others = view.backward ? [] : view.shown.filter((v) => v !== first);
  const alike = others.every((v) => JSON.stringify(unreadOf(v.rows, v.cols)) === JSON.stringify(unread));
  return alike ? "" : ` by ${first.kind.inWords}`;
}

// Gradients, and under each the value of its cell.
/** @type {(view: Explorer, ctx: Ctx, frame: Frame, at: LookUp, valueAt: ((row: number, col: number) => number) | null) => void} */
function paintFlow(view, ctx, frame, at, valueAt) {
  const { channel, look, signedScale } = view;
  /** @type {(r: number, c: number) => Colour} */
  const colourAt = (r, c) => rgb(look.signed, signedScale, at(channel, r, c));
  paintCells(ctx, look, frame, colourAt, (r, c) => at(channel, r, c), undefined, valueAt && ((r, c) => label(valueAt(r, c))));
}

// The input itself, which stays the same from slider step to slider step.
/** @type {(view: Explorer, ctx: Ctx, frame: Frame) => void} */
function paintValues(view, ctx, frame) {
  const { h, w, values } = view.states.input;
  const [width, height] = [w * frame.cell, h * frame.cell];
  /** @type {LookUp} */
  const at = (ch, r, c) => values[ch * h * w + r * w + c];
  if (!ctx.canvas) {
    paintCells(ctx, view.look, frame, view.colourOf(at), view.inputAt); // no pixels that could be kept: svg.js
    return;
  }
  view.picture = keptPicture(view.picture, [values, view.channel, view.look, view.scale], width, height, (own) => {
    const bare = { ...frame, x: (/** @type {number} */ col) => col * frame.cell, y: (/** @type {number} */ row) => row * frame.cell };
    paintCells(own, view.look, bare, view.colourOf(at), view.inputAt);
  });
  drawPicture(ctx, view.picture, frame.x(0), frame.y(0));
}

// The output as far as it has been computed: while Play is under way, the rest is empty.
/** @type {(view: Explorer, ctx: Ctx, frame: Frame, shown: Shown, outputAt: (row: number, col: number) => number) => void} */
function paintOutputCells(view, ctx, frame, shown, outputAt) {
  const divides = view.cells === "divisors" && shown.kind.shares === "equal";
  const divisor = divides ? (/** @type {number} */ r, /** @type {number} */ c) => `÷${shown.state.divisorAt(r, c)}` : null;
  if (frame.cell < READABLE && !view.isPhoto) paintMap(ctx, frame, shown.state.planeOf(view.channel), view.look.values, view.scaleFor(shown));
  else paintCells(ctx, view.look, frame, view.colourOf(shown.state.at, view.scaleFor(shown)), outputAt, undefined, divisor);
  if (view.motion.reached) paintEmpty(ctx, view.look, frame, view.motion.reached);
}

/** @type {(view: Explorer, flow: Shown, hatched: string) => string} */
function countIdle(view, flow, hatched) {
  const { h, w } = view.states.input;
  return `${idleOf(view, flow)} of ${h * w} get 0${hatched ? " (hatched: unread)" : ""}`;
}

/** @type {(view: Explorer, name: string) => void} */
export function paintOutput(view, name) {
  const { frame, stage, caption, under } = view.grid[name];
  const shown = view.shown.find((v) => v.grid === name);
  const title = shown?.kind.title;
  if (!frame || !shown) {
    update(caption, { text: shown ? `${title}: not possible here` : "" });
    update(under, { text: "" });
    return;
  }
  const { state } = shown;
  const flow = view.backward && !shown.gradient?.error;
  const parts = flow
    ? [...flowParts(view, shown), frame.key, view.oneUpstream]
    : [view.look, view.scale, state, view.channel, frame.key, view.motion.reached, view.cells];
  lay(view.grid[name], parts, (ctx) => {
    /** @type {(r: number, c: number) => number} */
    const outputAt = (r, c) => state.at(view.channel, r, c);
    const plane = flow && frame.cell < READABLE ? onesOf(view, shown) : undefined;
    if (plane) paintMap(ctx, frame, plane, view.look.signed, view.signedScale);
    else if (flow)
      paintFlow(view, ctx, frame, shown.upstreamAt, view.oneUpstream ? null : outputAt); // of two outputs it shows no values
    else paintOutputCells(view, ctx, frame, shown, outputAt);
  });
  const channels = view.states.input.channels;
  const what = flow ? `Upstream gradient${view.shown.length > 1 && !view.oneUpstream ? ` of ${shown.kind.inWords}` : ""}` : `${title} output`;
  update(caption, { text: `${what} ${channels > 1 ? `${channels} × ` : ""}${state.h} × ${state.w}` });
  update(under, { text: !flow && view.scaleFor(shown) !== view.scale ? "own colour scale" : "" });
  update(stage, { "aria-label": `${what}, ${state.h} rows by ${state.w} columns. Arrow keys walk${flow ? ", Enter edits" : ""}.` });
}
