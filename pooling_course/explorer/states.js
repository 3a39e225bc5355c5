// @ts-check
// What torch computed, by key: decoded, cached, and asked for where it is missing.

import { PATIENCE } from "../web/patience.js";

/**
 * @import { AnyModel } from "@anywidget/types"
 * @import { Book, Cells, Entry, LookUp, Numbers, State } from "./types.d.ts"
 */

const CACHE = 48e6; // bytes of states kept

/** @type {Record<string, any>} */
const ARRAYS = { u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };

// A typed array over bytes that may be a DataView (Jupyter) or a Uint8Array (Colab), aligned or not.
/** @type {(type: string, bytes: DataView | Uint8Array, offset: number, length: number) => any} */
export function arrayOf(type, bytes, offset, length) {
  const start = (bytes.byteOffset ?? 0) + offset;
  const Type = ARRAYS[type];
  const buffer = bytes.buffer ?? bytes;
  if (start % Type.BYTES_PER_ELEMENT === 0) return new Type(buffer, start, length);
  return new Type(buffer.slice(start, start + length * Type.BYTES_PER_ELEMENT));
}

/** @typedef {{shape: number[], values: Numbers}} Held */
/** @type {(a: Held | null, b: Held | null) => boolean} */
export const sameNumbers = (a, b) => `${a?.shape}` === `${b?.shape}` && (!a || !b || a.values.every((value, i) => Object.is(value, b.values[i])));

export class States {
  /** @type {Cells} */
  input;
  /** @type {Held | null} the upstream gradient of the learner's own */
  own = null;

  /** @param {AnyModel} model */
  constructor(model) {
    this.model = model;
    /** @type {Map<string, State>} */
    this.known = new Map();
    /** @type {Map<string, number>} */
    this.asked = new Map();
    this.bytes = 0;
  }

  // A new input: forget the old states, take what came with it.
  reset() {
    this.known.clear();
    this.asked.clear();
    this.bytes = 0;
    const book = this.model.get("book");
    const [channels, h, w] = book.input.shape;
    this.input = { ...book.input, channels, h, w, values: arrayOf(book.input.float, book.input.data, 0, channels * h * w) };
    this.add(book);
    this.addOwn();
  }

  // The gradients that came with an upstream gradient of the learner's own.
  addOwn() {
    const own = this.model.get("own");
    this.own = own.data ? { shape: own.shape, values: arrayOf("f8", own.data, 0, own.data.byteLength / 8) } : null;
    if (own.book && own.input === this.input.serial) this.add(own.book);
  }

  /** @param {Book} book */
  add({ entries, data }) {
    for (const entry of entries) {
      this.asked.delete(entry.key);
      if (this.known.has(entry.key)) continue;
      const state = this.decoded(entry, data);
      this.known.set(entry.key, state);
      this.bytes += state.bytes;
    }
    for (const [key, state] of this.known) {
      if (this.bytes <= CACHE || this.known.size < 20) break;
      this.known.delete(key);
      this.bytes -= state.bytes;
    }
  }

  // What Python packed, with ways to look up a cell.
  /** @type {(entry: Entry, data: Book["data"]) => State} */
  decoded(entry, data) {
    const { channels, h, w, float, index, values: input } = this.input;
    const { key, error, totals, h: rows, w: cols, apart = [1, 1] } = entry;
    const plane = rows * cols;
    let bytes = 100;
    /** @type {(start: number | undefined, type: string, size: number) => any} */
    const array = (start, type, size) => {
      if (start === undefined) return undefined;
      const found = arrayOf(type, data, start, size);
      bytes += found.byteLength;
      return found;
    };
    const winners = array(entry.winners, index, channels * plane);
    const values = array(entry.values, float, channels * plane);
    const divisors = array(entry.divisors, "f8", plane);
    const passed = array(entry.passed, "f8", plane);
    const gradient = array(entry.gradient, float, input.length);
    const nothing = array(entry.nothing, float, input.length);
    const spread = array(entry.spread, float, input.length * apart[0] * apart[1]);
    /** @type {LookUp} */
    const at = (ch, r, c) => {
      if (gradient) return gradient[ch * h * w + r * w + c];
      return winners ? input[ch * h * w + winners[ch * plane + r * cols + c]] : values[ch * plane + r * cols + c];
    };
    const Values = /** @type {typeof Float32Array} */ (input.constructor);
    /** @type {Numbers[]} */
    const gathered = [];
    /** @type {State["planeOf"]} */
    const planeOf = (ch) => {
      if (gradient) return gradient.subarray(ch * h * w, (ch + 1) * h * w);
      if (!winners) return values.subarray(ch * plane, (ch + 1) * plane);
      gathered[ch] ??= Values.from(winners.subarray(ch * plane, (ch + 1) * plane), (/** @type {number} */ flat) => input[ch * h * w + flat]);
      return gathered[ch];
    };
    /** @type {State["winner"]} */
    const winner = (ch, r, c) => {
      const flat = winners[ch * plane + r * cols + c];
      return { row: Math.floor(flat / w), col: flat % w };
    };
    // see Trace.spread in trace.py
    /** @type {State["shareOf"]} */
    const shareOf = (ch, row, col, r, c) => {
      const which = (row % apart[0]) * apart[1] + (col % apart[1]);
      return spread[which * input.length + ch * h * w + r * w + c];
    };
    return {
      ...{ key, error, totals, h: rows, w: cols, bytes, values, gradient, nothing, at, planeOf },
      winner: winners && winner,
      shareOf: spread && shareOf,
      divisorAt: (r, c) => divisors?.[r * cols + c] ?? entry.divisor,
      passesAt: (r, c) => passed?.[r * cols + c] ?? entry.passes ?? 1,
    };
  }

  /** @param {string} key */
  get(key) {
    const state = this.known.get(key);
    if (state) {
      this.known.delete(key); // most recently used last
      this.known.set(key, state);
    }
    return state;
  }

  /** @param {string[]} keys */
  ask(keys) {
    const now = performance.now();
    const missing = keys.filter((k) => !this.known.has(k) && !(now - (this.asked.get(k) ?? -PATIENCE) < PATIENCE));
    if (!missing.length) return;
    for (const k of missing) this.asked.set(k, now);
    this.model.send({ type: "want", keys: missing });
  }
}
