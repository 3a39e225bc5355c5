// @ts-check
// What a window does and what a cell gets, in words, forwards and backwards. The amounts are torch's: outputs, winners,
// divisors, gradients; the words that differ are the kind's own. `v` is what the explorer shows of one kind: {kind, s, rows, cols, state}.
import { about } from "../web/numbers.js";
import { windowOf } from "./geometry.js";
import { fraction, place, plural } from "./words.js";

/**
 * @import { At, Given, Input, Reader, Shown } from "./types.d.ts"
 */

// One window forwards; `input` is {at(row, col), channel, dtype}.
/** @type {(v: Shown, row: number, col: number, input: Input) => string} */
export function windowSentence(v, row, col, input) {
  const { kind, s, state } = v;
  const found = windowOf(v.rows, v.cols, row, col);
  const output = state.at(input.channel, row, col);
  /** @type {(what: string) => number} */
  const count = (what) => found.filter((t) => t.what === what).length;
  const overhang = count("overhang");
  const sum = kind.sum(s, found, input, state.divisorAt(row, col), output);
  const notes = kind.notes(v, { row, col, found, output, pads: count("pad") }, input);
  if (overhang) notes.push(`${plural(overhang, "position")} beyond the edge: nothing is there, nothing is read.`);
  return `${kind.title} output at ${place(row, col)}: ${sum}. ${notes.join(" ")}`;
}

// One input cell forwards: `found` are the outputs whose windows read it, `won` those of them that it wins.
/** @type {(v: Shown, found: At[], won: At[], channel: number, at: At) => string} */
export function readerSentence(v, found, won, channel, at) {
  const { kind } = v;
  if (!found.length) return `${kind.title}: no window reads it.`;
  const windows = `${plural(found.length, "window")} ${found.length === 1 ? "reads" : "read"} it`;
  return `${kind.title}: ${windows}${kind.reader(v, found, won, channel, at)}.`;
}

// Where the upstream gradient `u` of one window goes; `given` is {winner, ties, cells, divisor, passes, amount}.
/** @type {(v: Shown, at: At, u: number, given: Given) => string} */
export function gave({ kind, s }, at, u, given) {
  return `${kind.title}: ${kind.gave(s, `the upstream gradient ${about(u)} of output ${place(at.row, at.col)}`, u, given)}.`;
}

// What one input cell gets: `from` holds the upstream gradient, share, divisor and winner of each window that reads it.
/** @type {(v: Shown, at: At, total: number, from: Reader[]) => string} */
export function got({ kind }, at, total, from) {
  if (!from.length) return `${kind.title}: gets 0, because no window reads it.`;
  const reading = from.length === 1 ? "the one window that reads it" : `the ${from.length} windows that read it`;
  return `${kind.title}: gets ${kind.got(at, total, from, reading)}.`;
}

// The two totals, and why they differ where they do.
/** @type {(v: Shown, up: number, down: number) => string} */
export function totals({ kind, s }, up, down) {
  const text = `${kind.title}: upstream gradient ${about(up)} in all, input gradient ${about(down)} in all`;
  if (Math.abs(up - down) <= 1e-4 * Math.max(1, Math.abs(up))) return `${text}: nothing is lost.`;
  return Number.isFinite(up - down) ? `${text}: ${kind.lost(s)}.` : `${text}.`;
}

/** @type {(u: number, divisor?: number) => string} */
export const routeText = (u, divisor) => fraction(u, divisor ?? 1);

// What is said of an input that was too large: `part` tells what of it is shown.
/** @type {(input: {part?: string}) => string} */
export const partOf = ({ part }) => (part ? `This is ${part}: the whole is too large for a page. In Python, trace takes it as it is.` : "");
