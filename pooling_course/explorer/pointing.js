// @ts-check
// What is pointed at, in cells: marks on the grids, routes of the gradient, and the sentence. `view` is the explorer, which is
// only read; `v` is what it shows of one kind: {kind, s, rows, cols, state, input}.
import { about } from "../web/numbers.js";
import { readers, taps, windowOf } from "./geometry.js";
import { passedBy, shareOf } from "./gradients.js";
import { gave, got, readerSentence, routeText, windowSentence } from "./sentences.js";
import { place } from "./words.js";

/**
 * @import { Explorer } from "./explorer.js"
 * @import { Mark } from "./paint.js"
 * @import { At, Given, Reader, Shown } from "./types.d.ts"
 * @typedef {{grid: string} & At} Place
 * @typedef {{from: Place, to: Place, amount: number, text: string}} Flow the way of a gradient, between cells
 * @typedef {(v: Shown, from: At, to: At, amount: number, text: string) => void} Route
 * @typedef {{marks: Record<string, Mark[]>, route: Route, say(text: string): void}} Seen
 */

/** @type {(shape: string, row: number, col: number, rows?: number, cols?: number) => Mark} */
export const mark = (shape, row, col, rows = 1, cols = 1) => ({ shape, row, col, rows, cols });

// The window of an output cell, on the input, and its winner.
/** @type {(v: Shown, channel: number, row: number, col: number) => Mark[]} */
export function windowMarks({ s, rows, cols, state }, channel, row, col) {
  const [inRows, inCols] = [taps(rows, row), taps(cols, col)];
  const whole = mark("window", inRows[0], inCols[0], inRows.length, inCols.length);
  const apart = () => windowOf(rows, cols, row, col).map((tap) => mark("window", tap.row, tap.col));
  const marks = Math.max(...s.dilation) === 1 ? [whole] : apart();
  const winner = state.winner?.(channel, row, col);
  if (winner) marks.push(mark("ring", winner.row, winner.col));
  return marks;
}

const MOST_LOOKED_AT = 5000; // windows

// The window to begin with. Where there is padding it is one that reads some; then, one whose maximum no other cell ties
// with, with the most different values, and the farthest between maximum and mean.
/** @param {Explorer} view */
export function mostTelling({ shown, inputAt }) {
  const v = shown.find(({ state }) => !state.error);
  let best = { row: 0, col: 0, merits: [-1] };
  if (!v || v.state.h * v.state.w > MOST_LOOKED_AT) return { row: 0, col: 0 };
  for (let row = 0; row < v.state.h; row++) {
    for (let col = 0; col < v.state.w; col++) {
      const found = windowOf(v.rows, v.cols, row, col);
      const values = found.filter((t) => t.what === "cell").map((t) => inputAt(t.row, t.col));
      const most = Math.max(...values);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const pads = found.some((t) => t.what === "pad") ? 1 : 0;
      const alone = values.filter((value) => value === most).length === 1 ? 1 : 0;
      const merits = [pads, alone, new Set(values).size, most - mean];
      const first = merits.findIndex((merit, i) => merit !== best.merits[i]);
      if (first >= 0 && (best.merits.length === 1 || merits[first] > best.merits[first])) best = { row, col, merits };
    }
  }
  return { row: best.row, col: best.col };
}

// {marks: {grid: [...]}, routes, sentence} of the cell `at`: {grid, row, col}, or null.
/** @type {(view: Explorer, at: Place | null) => {marks: Record<string, Mark[]>, routes: Flow[], sentence: string}} */
export function pointedAt(view, at) {
  /** @type {Record<string, Mark[]>} */
  const marks = { input: [], first: [], input2: [], second: [] };
  /** @type {Flow[]} */
  const routes = [];
  /** @type {string[]} */
  const sentences = [];
  /** @type {Route} */
  const route = (v, from, to, amount, text) => {
    if (amount !== 0) routes.push({ from: { grid: v.grid, ...from }, to: { grid: v.input, ...to }, amount, text });
  };
  const possible = view.shown.filter((v) => !v.state.error && !(view.backward && v.gradient?.error));
  const over = view.isInput(at?.grid) ? overInput : overOutput;
  if (at) over(view, at, possible, { marks, route, say: (text) => sentences.push(text) });
  return { marks, routes, sentence: sentences.join(" ") };
}

/** @type {(view: Explorer, at: Place, possible: Shown[], seen: Seen) => void} */
function overOutput(view, { grid, row, col }, possible, { marks, route, say }) {
  const { channel, inputAt } = view;
  const pointed = possible.find((v) => v.grid === grid) ?? possible[0];
  for (const v of possible) {
    if (row >= v.state.h || col >= v.state.w) continue;
    marks[v.grid].push(mark("window", row, col));
    if (view.backward || v === pointed) marks[v.input].push(...windowMarks(v, channel, row, col));
    if (view.backward) say(giving(view, v, row, col, route));
    else say(windowSentence(v, row, col, { at: inputAt, channel, dtype: view.states.input.dtype }));
  }
}

/** @type {(view: Explorer, v: Shown, row: number, col: number, route: Route) => string} */
function giving(view, v, row, col, route) {
  const { state, rows, cols } = v;
  const u = v.upstreamAt(view.channel, row, col);
  const cells = windowOf(rows, cols, row, col).filter((t) => t.what === "cell");
  const divisor = state.divisorAt(row, col);
  const winner = state.winner?.(view.channel, row, col);
  const amounts = (winner ? [winner] : cells).map((t) => ({ ...t, amount: u * shareOf(view, v, row, col, t) }));
  for (const { row: r, col: c, amount } of amounts) route(v, { row, col }, { row: r, col: c }, amount, v.gradient?.shareOf ? "" : routeText(u, divisor));
  const amount = amounts[0]?.amount ?? 0;
  const ties = winner && cells.filter((t) => view.inputAt(t.row, t.col) === view.inputAt(winner.row, winner.col)).length;
  const passes = v.gradient?.shareOf ? passedBy(view, v, row, col) : state.passesAt(row, col);
  /** @type {any} */
  const more = { winner, ties, cells: cells.length, divisor, passes, amount };
  return gave(v, { row, col }, u, more);
}

/** @type {(view: Explorer, at: Place, possible: Shown[], seen: Seen) => void} */
function overInput(view, { row, col }, possible, { marks, route, say }) {
  for (const name of new Set(possible.map((v) => v.input))) marks[name].push(mark("reader", row, col));
  say(`Input at ${place(row, col)} is ${about(view.inputAt(row, col))}.`);
  for (const v of possible) {
    const found = readersOf(view, v, row, col);
    marks[v.grid].push(...found.map((window) => mark("reader", window.row, window.col)));
    if (view.backward) {
      say(getting(view, v, row, col, found, route));
    } else {
      const won = found.filter((window) => window.winner && window.reached);
      marks[v.grid].push(...won.map((window) => mark("ring", window.row, window.col)));
      say(readerSentence(v, found, won, view.channel, { row, col }));
    }
  }
}

// The windows that read an input cell; those it wins (all, for average) carry `reached`.
/** @type {(view: Explorer, v: Shown, row: number, col: number) => Reader[]} */
function readersOf(view, { rows, cols, state }, row, col) {
  /** @type {any[]} */
  const found = readers(rows, row).flatMap((r) => readers(cols, col).map((c) => ({ row: r, col: c })));
  for (const window of found) {
    window.winner = state.winner?.(view.channel, window.row, window.col);
    window.reached = !window.winner || (window.winner.row === row && window.winner.col === col);
  }
  return found;
}

/** @type {(view: Explorer, v: Shown, row: number, col: number, found: Reader[], route: Route) => string} */
function getting(view, v, row, col, found, route) {
  for (const window of found) {
    window.u = v.upstreamAt(view.channel, window.row, window.col);
    window.divisor = v.state.divisorAt(window.row, window.col);
    window.share = shareOf(view, v, window.row, window.col, { row, col });
    const amount = window.u * window.share;
    const text = v.gradient?.shareOf ? about(amount) : routeText(window.u, window.divisor);
    if (window.reached) route(v, { row: window.row, col: window.col }, { row, col }, amount, text);
  }
  return got(v, { row, col }, v.gradientAt(view.channel, row, col), found);
}
