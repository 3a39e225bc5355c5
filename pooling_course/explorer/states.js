// What torch computed, by key: decoded, cached, and asked for where it is missing.

export const PATIENCE = 3000; // ms until an unanswered request is called that
const CACHE = 48e6; // bytes of states kept

const ARRAYS = { u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };

// A typed array over bytes that may be a DataView (Jupyter) or a Uint8Array (Colab), aligned or not.
export function arrayOf(type, bytes, offset, length) {
  const start = (bytes.byteOffset ?? 0) + offset;
  const Type = ARRAYS[type];
  const buffer = bytes.buffer ?? bytes;
  if (start % Type.BYTES_PER_ELEMENT === 0) return new Type(buffer, start, length);
  return new Type(buffer.slice(start, start + length * Type.BYTES_PER_ELEMENT));
}

export class States {
  constructor(model) {
    this.model = model;
    this.known = new Map();
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
    if (own.book && own.input === this.input.serial) this.add(own.book);
  }

  add({ entries: found, data }) {
    const { channels, h, w, float, index, values } = this.input;
    for (const e of found) {
      this.asked.delete(e.key);
      if (this.known.has(e.key)) continue;
      const state = { ...e, bytes: 100 };
      const plane = e.h * e.w;
      const array = (field, type, size) => {
        if (!(field in e)) return;
        state[field] = arrayOf(type, data, e[field], size);
        state.bytes += state[field].byteLength;
      };
      array("winners", index, channels * plane);
      array("values", float, channels * plane);
      array("divisors", "f8", plane);
      array("passed", "f8", plane);
      array("gradient", float, values.length);
      array("nothing", float, values.length);
      array("spread", float, values.length * (e.apart?.[0] * e.apart?.[1]));
      if (state.gradient) state.at = (ch, r, c) => state.gradient[ch * h * w + r * w + c];
      else if (state.winners) state.at = (ch, r, c) => values[ch * h * w + state.winners[ch * plane + r * e.w + c]];
      else if (state.values) state.at = (ch, r, c) => state.values[ch * plane + r * e.w + c];
      state.winner = state.winners && ((ch, r, c) => {
        const flat = state.winners[ch * plane + r * e.w + c];
        return { row: Math.floor(flat / w), col: flat % w };
      });
      // the share of input cell (r, c) in window (row, col), where shares vary; see Trace.spread in maths/trace.py
      state.shareOf = state.spread && ((ch, row, col, r, c) => {
        const plane = (row % e.apart[0]) * e.apart[1] + (col % e.apart[1]);
        return state.spread[plane * values.length + ch * h * w + r * w + c];
      });
      state.divisorAt = (r, c) => state.divisors?.[r * e.w + c] ?? e.divisor;
      state.passesAt = (r, c) => state.passed?.[r * e.w + c] ?? e.passes ?? 1;
      this.known.set(e.key, state);
      this.bytes += state.bytes;
    }
    for (const [key, state] of this.known) {
      if (this.bytes <= CACHE || this.known.size < 20) break;
      this.known.delete(key);
      this.bytes -= state.bytes;
    }
  }

  get(key) {
    const state = this.known.get(key);
    if (state) {
      this.known.delete(key); // most recently used last
      this.known.set(key, state);
    }
    return state;
  }

  ask(keys) {
    const now = performance.now();
    const missing = keys.filter((k) => !this.known.has(k) && !(now - this.asked.get(k) < PATIENCE));
    if (!missing.length) return;
    for (const k of missing) this.asked.set(k, now);
    this.model.send({ type: "want", keys: missing });
  }
}
