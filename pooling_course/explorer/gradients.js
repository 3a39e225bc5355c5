// @ts-check
// The backward direction of what is shown: upstream gradients and, from torch's autograd, input gradients.
import { taps, windowOf } from "./geometry.js";
import { arrayOf } from "./states.js";

/**
 * @import { Explorer } from "./explorer.js"
 * @import { At, LookUp, Numbers, Shown, State } from "./types.d.ts"
 */

// Whether an upstream gradient of the learner's own has a number for each output cell; one plane is for all channels.
/** @type {(view: Explorer, v: Shown) => boolean} */
function fits(view, { state }) {
  const { data, shape } = view.get("own");
  return Boolean(data) && [1, view.states.input.channels].includes(shape[0]) && shape[1] === state.h && shape[2] === state.w;
}

// What a cell of it holds, shown or not; 1 where there is none.
/** @type {(view: Explorer, v: Shown, row: number, col: number) => number} */
export function ownAt(view, v, row, col) {
  if (!fits(view, v)) return 1;
  const { data, shape } = view.get("own");
  const [planes, h, w] = shape;
  return arrayOf("f8", data, 0, planes * h * w)[((planes > 1 ? view.channel : 0) * h + row) * w + col];
}

// Give each `v` shown its `upstream` in words, `upstreamAt` and `gradientAt` (channel, row, col); returns the keys of gradients not here yet.
/** @type {(view: Explorer) => string[]} */
export function attachGradients(view) {
  const mode = view.get("upstream_mode");
  const missing = [];
  for (const v of view.shown) {
    if (v.state.error) continue;
    const { h, w } = v.state;
    if (mode === "chosen" && !view.states.input.whole) {
      const [row, col] = view.get("chosen");
      if (v.kind.shares === "varied") {
        v.gradient = view.states.get(`grad0 ${v.key}`); // its shares
        if (!v.gradient) missing.push(`grad0 ${v.key}`);
      }
      const chosen = { row: Math.min(row, h - 1), col: Math.min(col, w - 1) };
      v.chosen = chosen;
      v.upstream = `1 at ${chosen.row}, ${chosen.col}`;
      v.upstreamAt = (_, r, c) => (r === chosen.row && c === chosen.col ? 1 : 0);
      v.gradientAt = chosenGradient(view, v, chosen);
      continue;
    }
    const own = mode === "own" && fits(view, v) ? view.get("own") : null;
    const key = `grad${own ? own.serial : 0} ${v.key}`;
    v.gradient = view.states.get(key);
    if (!v.gradient) missing.push(key);
    v.gradientAt = v.gradient?.gradient ? v.gradient.at : () => NaN; // of whole numbers there is none
    const values = own && arrayOf("f8", own.data, 0, own.shape[0] * h * w);
    v.upstream = own ? `own ${own.serial}` : "ones";
    v.upstreamAt = own ? (ch, r, c) => values[(own.shape[0] > 1 ? ch * h * w : 0) + r * w + c] : () => 1;
  }
  return missing;
}

// One window alone: its gradient is its shares.
/** @type {(view: Explorer, v: Shown, chosen: At) => LookUp} */
function chosenGradient(view, v, { row, col }) {
  const { state, rows, cols } = v;
  const { winner } = state;
  if (winner) {
    return (ch, r, c) => {
      const at = winner(ch, row, col);
      return at.row === r && at.col === c ? 1 : 0;
    };
  }
  // Elsewhere all windows have an upstream gradient of 0. torch multiplies it, too: by an infinite slope that is nan.
  const { h, w } = view.states.input;
  const nothing = v.gradient?.nothing;
  const [inRows, inCols] = [new Set(taps(rows, row)), new Set(taps(cols, col))];
  return (ch, r, c) => (inRows.has(r) && inCols.has(c) ? shareOf(view, v, row, col, { row: r, col: c }, ch) : (nothing?.[ch * h * w + r * w + c] ?? 0));
}

// The share of an input cell in window (row, col) that reads it: all for a winner, or as the input's dtype holds it.
/** @type {(view: Explorer, v: Shown, row: number, col: number, cell: At, channel?: number) => number} */
export function shareOf(view, { state, gradient }, row, col, cell, channel = view.channel) {
  if (state.winner) return 1;
  if (gradient?.shareOf) return gradient.shareOf(channel, row, col, cell.row, cell.col);
  const share = 1 / state.divisorAt(row, col);
  return view.states.input.float === "f4" ? Math.fround(share) : share;
}

// The sum of the shares of window (row, col).
/** @type {(view: Explorer, v: Shown, row: number, col: number) => number} */
export function passedBy(view, v, row, col) {
  const cells = windowOf(v.rows, v.cols, row, col).filter((t) => t.what === "cell");
  return cells.reduce((sum, cell) => sum + shareOf(view, v, row, col, cell), 0);
}

// An input gradient in all.
/** @type {(view: Explorer, v: Shown) => number} */
export function inAll(view, v) {
  const { h, w } = view.states.input;
  let sum = 0;
  for (let r = 0; r < h; r++) for (let c = 0; c < w; c++) sum += v.gradientAt(view.channel, r, c);
  return sum;
}

// Whether both kinds are given the same upstream gradient, of outputs of one size: then it is shown once.
/** @param {Explorer} view */
export function oneUpstream({ shown }) {
  const [a, b] = shown;
  if (!b || a.state.error || b.state.error || a.gradient?.error || b.gradient?.error) return false;
  return a.state.h === b.state.h && a.state.w === b.state.w;
}

// The input gradient as an array, as torch has it; none of one window alone, which is made up of its shares.
/** @type {(view: Explorer, v: Shown) => Numbers | undefined} */
export const planeOf = ({ channel }, { chosen, gradient }) => (chosen || !gradient?.gradient ? undefined : gradient.planeOf(channel));

/** @type {Float32Array} */
let ones = new Float32Array();

// The upstream gradient as an array, where all of it is 1.
/** @type {(view: Explorer, v: Shown) => Numbers | undefined} */
export function onesOf(view, { state: { h, w } }) {
  if (view.get("upstream_mode") !== "ones") return undefined;
  if (ones.length < h * w) ones = new Float32Array(h * w).fill(1);
  return ones.subarray(0, h * w);
}

// The largest amount in an input gradient, and how many cells get none; worked out once.
/** @type {(view: Explorer, v: Shown, plane: Numbers) => {most: number, idle: number}} */
function knownOf({ channel }, { gradient }, plane) {
  const state = /** @type {State} */ (gradient);
  state.known ??= [];
  if (!state.known[channel]) {
    let [most, idle] = [0, 0];
    for (const value of plane) {
      const amount = Math.abs(value);
      if (amount > most && amount < Infinity) most = amount;
      if (value === 0) idle++;
    }
    state.known[channel] = { most, idle };
  }
  return state.known[channel];
}

// How many cells get no gradient; those never read are among them.
/** @type {(view: Explorer, v: Shown) => number} */
export function idleOf(view, v) {
  const { h, w } = view.states.input;
  const plane = planeOf(view, v);
  if (plane) return knownOf(view, v, plane).idle;
  let none = 0;
  for (let r = 0; r < h; r++) for (let c = 0; c < w; c++) if (v.gradientAt(view.channel, r, c) === 0) none++;
  return none;
}

// One scale for every gradient on view, with 0 in its middle.
/** @param {Explorer} view */
export function signedScale(view) {
  let most = 0;
  const { h, w } = view.states.input;
  /** @param {number} value */
  const include = (value) => {
    if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  };
  for (const v of view.shown) {
    const { gradientAt, upstreamAt, state } = v;
    if (!gradientAt) continue;
    const plane = planeOf(view, v);
    if (plane) include(knownOf(view, v, plane).most);
    else for (let r = 0; r < h; r++) for (let c = 0; c < w; c++) include(gradientAt(view.channel, r, c));
    if (view.get("upstream_mode") === "ones") {
      include(1);
      continue;
    }
    for (let r = 0; r < state.h; r++) for (let c = 0; c < state.w; c++) include(upstreamAt(view.channel, r, c));
  }
  return { low: -(most || 1), high: most || 1 };
}

// What was typed in is kept, and comes back when the output has its size again.
/** @param {Explorer} view */
export function ownMisfit(view) {
  if (!view.backward || view.get("upstream_mode") !== "own" || view.shown.every((v) => v.state.error || fits(view, v))) return "";
  const { shape } = view.get("own");
  if (!shape) return "No upstream gradient has been typed in: ones stand in for it.";
  const size = shape.slice(shape[0] > 1 ? 0 : 1).join(" × ");
  return `Your upstream gradient is for an output of ${size}: here ones stand in for it, and it is kept.`;
}
