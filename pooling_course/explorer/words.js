// @ts-check
// Pieces of sentences that the kinds of pooling have in common.
import { number } from "../web/numbers.js";

/**
 * @import { At } from "./types.d.ts"
 */

/** @type {(n: number, one: string, many?: string) => string} */
export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
/** @type {(row: number, col: number) => string} */
export const place = (row, col) => `row ${row}, column ${col}`;

/** @type {(found: At[]) => string} */
export const outputsOf = (found) => {
  const shown = found
    .slice(0, 6)
    .map((r) => `(${r.row}, ${r.col})`)
    .join(" ");
  return `${found.length === 1 ? "output" : "outputs"} ${found.length > 6 ? `${shown} and ${found.length - 6} more` : shown}`;
};

// u / d as a fraction, without dividing.
/** @type {(u: number, d: number) => string} */
export const fraction = (u, d) => (d === 1 ? number(u) : d < 0 ? `${number(-u)}/${-d}` : `${number(u)}/${d}`);

const MOST_TERMS = 9;
/** @type {(terms: string[]) => string} */
export const summed = (terms) => {
  const shown = terms.length > MOST_TERMS ? [...terms.slice(0, 4), `… ${terms.length - 5} more …`, terms[terms.length - 1]] : terms;
  return shown.map((t) => (t.startsWith("-") ? `(${t})` : t)).join(" + ");
};

// Padded cells, and what they do: [one does, many do].
/** @type {(pads: number, does: string[]) => string[]} */
export const padded = (pads, [one, many]) => (pads ? [pads === 1 ? `One padded cell ${one}.` : `${pads} padded cells ${many}.`] : []);
