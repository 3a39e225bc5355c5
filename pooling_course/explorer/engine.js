// @ts-check
// Pooling where no Python answers, forwards and backwards, in torch's own order of operations. With the input's numbers in
// float32 or float64 it gives what torch 2.13 gives on a CPU: bit for bit, but for the powers of LP pooling, for convolutions,
// for the mean that a 1 x 1 adaptive average is, and for totals, where torch's order depends on the processor; there the last
// bits may differ. tests/explorer/test_engine.py compares the two.
//
// What differs from one kind to another is in kinds/. All of this is one function that uses nothing from outside, as are the
// `reads` and `pools` of each kind: a worker can be given their text, and none of its names meets one in the files that it is
// joined with.

/**
 * @import { Asked, Averaging, EngineInput, Entry, Numbers, Plane, Pooling, PoolingKind, Pools, Some, Spans, Through, Tools, Weights } from "./types.d.ts"
 */

/** @param {Record<string, Pools>} kinds by name: how each reads its settings, and how it pools */
export function engine(kinds) {
  /** @type {Record<string, any>} */
  const LISTS = { u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };
  /** @type {Record<string, (value: number) => number>} */
  const ROUND = { f4: Math.fround, f8: (value) => value };

  // ---- names --------------------------------------------------------------------------------------------------------

  // The settings that a state's name stands for (`Windows.key` makes the names), or null where it is the name of nothing.
  /** @type {(name: string) => Asked | null} */
  function parse(name) {
    const [, serial, rest] = /** @type {string[]} */ (/^(?:grad(\d+) )?(.*)$/s.exec(name));
    const [first, ...words] = rest.split(" ");
    const kind = first.replaceAll("-", " ");
    const numbers = words.map((word) => (word === "-" ? null : word === "" ? Number.NaN : Number(word)));
    const settings = Object.hasOwn(KINDS, kind) ? KINDS[kind].read(numbers) : null;
    if (!settings) return null;
    const plain = { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
    return { name, kind, upstream: serial === undefined ? null : Number(serial), ...plain, ...settings };
  }

  // The same with what names leave out: the weights of a convolution. Null where there are none.
  /** @type {(p: Asked, weights: Weights | null) => Asked | null} */
  function lent(p, weights) {
    const own = KINDS[p.kind].lent;
    return own ? weights && own(p, weights) : p;
  }

  /** @type {(list: any[], size: number) => boolean} */
  const areWhole = (list, size) => list.length === size && list.every(Number.isSafeInteger);
  /** @param {any[]} numbers */
  const evenly = ([kh, kw, sh, sw, ph, pw, ceil]) => ({ kernel: [kh, kw], stride: [sh, sw], padding: [ph, pw], ceil: ceil === 1 });

  // ---- where windows lie ----------------------------------------------------------------------------------------------

  // How many windows there are along axis i of `size` cells; 0 or less where none fits.
  /** @type {(p: Asked, i: number, size: number) => number} */
  function countOf(p, i, size) {
    const { count } = KINDS[p.kind];
    if (count) return count(p, i, size);
    const [k, stride, padding, by] = [p.kernel[i], p.stride[i], p.padding[i], p.dilation[i]];
    const steps = (size + 2 * padding - by * (k - 1) - 1) / stride;
    if (!p.ceil) return Math.floor(steps) + 1;
    return Math.ceil(steps) + (Math.ceil(steps) * stride >= size + padding ? 0 : 1); // none starts in the right padding
  }

  // Those windows. Window o reads the positions from[o], from[o] + by, ... below to[o], all inside the input; the first of them
  // is tap[o] of its kernel. With padding, but without overhang, it is long[o] positions long. Windows that are `apart` windows
  // from each other have no cell in common.
  /** @type {(p: Asked, i: number, size: number, round: (value: number) => number) => Spans} */
  function along(p, i, size, round) {
    const out = Math.max(0, countOf(p, i, size));
    const { starts } = KINDS[p.kind];
    if (starts) return listed(out, starts(p, i, size, out, round));
    const [k, stride, padding, by] = [p.kernel[i], p.stride[i], p.padding[i], p.dilation[i]];
    const reach = by * (k - 1) + 1;
    const a = spans(out, by);
    for (let o = 0; o < out; o++) {
      const start = o * stride - padding;
      a.tap[o] = start < 0 ? Math.ceil(-start / by) : 0;
      a.from[o] = start + a.tap[o] * by;
      a.to[o] = Math.min(start + reach, size);
      a.long[o] = Math.min(start + k, size + padding) - start;
    }
    return { ...a, apart: out > 1 ? Math.min(Math.ceil(reach / stride), out) : 1 };
  }

  /** @type {(out: number, by?: number) => Spans} */
  function spans(out, by = 1) {
    const [from, to, long, tap] = Array.from({ length: 4 }, () => new Int32Array(out));
    return { out, by, from, to, long, tap, apart: out };
  }

  // Windows without padding, each from its first position up to the last.
  /** @type {(out: number, windows: number[][]) => Spans} */
  function listed(out, windows) {
    const a = spans(out);
    for (const [o, [from, to]] of windows.entries()) {
      a.from[o] = from;
      a.to[o] = to;
      a.long[o] = to - from;
    }
    return a;
  }

  /** @type {(p: Asked, input: {h: number, w: number}) => number[]} */
  const sizeOf = (p, { h, w }) => [h, w].map((size, i) => countOf(p, i, size));

  /** @type {(p: Asked, input: EngineInput) => Spans[]} */
  const windowsOf = (p, { h, w, float }) => [h, w].map((size, i) => along(p, i, size, ROUND[float]));

  /** @type {(rows: Spans, cols: Spans, r: number, c: number) => number} */
  const areaOf = (rows, cols, r, c) => (rows.to[r] - rows.from[r]) * (cols.to[c] - cols.from[c]);

  // How much work a state is: about as many steps.
  /** @type {(p: Asked, input: EngineInput) => number} */
  function work(p, input) {
    const [rows, cols] = windowsOf(p, input);
    /** @param {Spans} a */
    const read = ({ from, to, by }) => from.reduce((sum, start, o) => sum + Math.max(0, Math.ceil((to[o] - start) / by)), 0);
    const once = input.channels * read(rows) * read(cols);
    if (!KINDS[p.kind].through) return once;
    const planes = p.upstream === null ? 2 : 2 + rows.apart * cols.apart; // of powers, and of shares
    return 3 * once + planes * input.values.length;
  }

  // Every window; or those that lie apart, from one on.
  /** @type {Some} */
  const ALL = { row: 0, col: 0, down: 1, across: 1 };

  // ---- the largest ------------------------------------------------------------------------------------------------------

  // Where the largest of each window lies in its plane: the first of equals, but the last nan.
  /** @type {(x: Plane, rows: Spans, cols: Spans) => Uint16Array | Uint32Array} */
  function winners({ values, channels, h, w, Index }, rows, cols) {
    const found = new Index(channels * rows.out * cols.out);
    let o = 0;
    for (let base = 0; base < channels * h * w; base += h * w) {
      for (let r = 0; r < rows.out; r++) {
        for (let c = 0; c < cols.out; c++) {
          let best = -Infinity;
          let won = rows.from[r] * w + cols.from[c];
          for (let y = rows.from[r]; y < rows.to[r]; y += rows.by) {
            for (let x = cols.from[c]; x < cols.to[c]; x += cols.by) {
              const value = values[base + y * w + x];
              if (value > best || Number.isNaN(value)) {
                best = value;
                won = y * w + x;
              }
            }
          }
          found[o++] = won;
        }
      }
    }
    return found;
  }

  /** @type {(x: Plane, won: Uint16Array | Uint32Array, sent: Numbers) => Numbers} */
  function toWinners({ channels, h, w, List }, won, sent) {
    const gradient = new List(channels * h * w);
    const each = won.length / channels;
    for (let o = 0; o < won.length; o++) gradient[Math.floor(o / each) * h * w + won[o]] += sent[o];
    return gradient;
  }

  // ---- sums and averages --------------------------------------------------------------------------------------------------

  // The sum of each window, row by row.
  /** @type {(x: Plane, values: Numbers, rows: Spans, cols: Spans) => Numbers} */
  function sums({ channels, h, w, List, round }, values, rows, cols) {
    const found = new List(channels * rows.out * cols.out);
    let o = 0;
    for (let base = 0; base < channels * h * w; base += h * w) {
      for (let r = 0; r < rows.out; r++) {
        for (let c = 0; c < cols.out; c++) {
          let sum = 0;
          for (let y = rows.from[r]; y < rows.to[r]; y++) {
            for (let x = cols.from[c]; x < cols.to[c]; x++) sum = round(sum + values[base + y * w + x]);
          }
          found[o++] = sum;
        }
      }
    }
    return found;
  }

  // The same amount to each cell of a window, window by window; of `some`, to those only.
  /** @type {(x: Plane, amounts: Numbers, rows: Spans, cols: Spans, some?: Some) => Numbers} */
  function toAll({ channels, h, w, List }, amounts, rows, cols, some = ALL) {
    const gradient = new List(channels * h * w);
    for (let ch = 0; ch < channels; ch++) {
      const base = ch * h * w;
      for (let r = some.row; r < rows.out; r += some.down) {
        for (let c = some.col; c < cols.out; c += some.across) {
          const amount = amounts[(ch * rows.out + r) * cols.out + c];
          if (amount === 0) continue;
          for (let y = rows.from[r]; y < rows.to[r]; y++) {
            for (let x = cols.from[c]; x < cols.to[c]; x++) gradient[base + y * w + x] += amount;
          }
        }
      }
    }
    return gradient;
  }

  // The same amount to each cell of a channel; a sum would begin with 0, and lose a -0.
  /** @type {(x: Plane, amounts: Numbers) => Numbers} */
  function toPlane({ channels, h, w, List }, amounts) {
    const gradient = new List(channels * h * w);
    for (let ch = 0; ch < channels; ch++) gradient.fill(amounts[ch], ch * h * w, (ch + 1) * h * w);
    return gradient;
  }

  // What window (r, c) is divided by.
  /** @type {(p: Asked, rows: Spans, cols: Spans, r: number, c: number) => number} */
  function divisorOf(p, rows, cols, r, c) {
    return p.divisor ?? (p.counted ? rows.long[r] * cols.long[c] : areaOf(rows, cols, r, c));
  }

  // Each number of a list shaped like the output, divided as an average is.
  /** @type {(p: Asked, x: Plane, list: Numbers, rows: Spans, cols: Spans) => Numbers} */
  function divided(p, { List, round }, list, rows, cols) {
    const found = new List(list.length);
    let o = 0;
    while (o < list.length) {
      for (let r = 0; r < rows.out; r++) {
        for (let c = 0; c < cols.out; c++) {
          found[o] = list[o] / round(divisorOf(p, rows, cols, r, c));
          o++;
        }
      }
    }
    return found;
  }

  // torch's integers are int64: what is left of a division falls away.
  /** @type {(p: Asked, x: Plane, rows: Spans, cols: Spans) => Numbers} */
  function wholeAverages(p, x, rows, cols) {
    const found = sums(x, x.values, rows, cols);
    return found.map((sum, o) => Math.trunc(sum / divisorOf(p, rows, cols, Math.floor(o / cols.out) % rows.out, o % cols.out)) + 0);
  }

  // With what rounding loses kept apart (Neumaier): torch's order depends on the processor, and this is what it comes close to.
  /** @type {(list: Numbers, start: number, length: number) => number} */
  function total(list, start, length) {
    let sum = 0;
    let lost = 0;
    for (let i = start; i < start + length; i++) {
      const next = sum + list[i];
      lost += Math.abs(sum) >= Math.abs(list[i]) ? sum - next + list[i] : list[i] - next + sum;
      sum = next;
    }
    return Number.isFinite(lost) ? sum + lost : sum;
  }

  // The total of each channel, in the input's dtype.
  /** @type {(x: Plane, list: Numbers) => Numbers} */
  const totals = ({ channels, h, w, List }, list) =>
    List.from({ length: channels }, (/** @type {unknown} */ _, /** @type {number} */ ch) => total(list, ch * h * w, h * w));

  // ---- kinds: what each brings, made with what they share ---------------------------------------------------------------------

  /** @type {Pooling} */
  const byWinner = {
    forward: (p, x, rows, cols) => ({ lists: { winners: winners(x, rows, cols) } }),
    backward: (p, x, rows, cols, sent) => toWinners(x, winners(x, rows, cols), sent),
  };

  // `averages` says what is divided by what, for floats.
  /** @type {(averaging: Averaging) => Pooling} */
  const byDivisor = ({ averages, backward }) => ({
    forward(p, x, rows, cols) {
      /** @type {Record<string, number>} */
      const fields = {};
      /** @type {Record<string, Numbers>} */
      const lists = { values: (x.whole ? wholeAverages : averages)(p, x, rows, cols) };
      /** @param {(r: number, c: number) => number} of */
      const each = (of) => Float64Array.from({ length: rows.out * cols.out }, (_, o) => of(Math.floor(o / cols.out), o % cols.out));
      const divisors = each((r, c) => divisorOf(p, rows, cols, r, c));
      const passes = each((r, c) => areaOf(rows, cols, r, c) / divisorOf(p, rows, cols, r, c));
      for (const [one, many, list] of /** @type {[string, string, Numbers][]} */ ([
        ["divisor", "divisors", divisors],
        ["passes", "passed", passes],
      ])) {
        if (list.every((value) => value === list[0])) fields[one] = list[0];
        else lists[many] = list;
      }
      return { fields, lists };
    },
    backward,
  });

  /** @type {Tools} */
  const tools = { ALL, areWhole, evenly, sums, toAll, toPlane, totals, divided, byWinner, byDivisor };
  /** @type {Record<string, PoolingKind>} */
  const KINDS = Object.fromEntries(Object.entries(kinds).map(([name, { reads, pools }]) => [name, { ...reads(tools), ...pools(tools) }]));

  // ---- states, as states.py packs them ------------------------------------------------------------------------------------

  // An input as loops want it.
  /** @type {(input: EngineInput) => Plane} */
  const plane = ({ float, index, ...input }) => ({ ...input, List: LISTS[float], Index: LISTS[index], round: ROUND[float] });

  /** @type {(p: Asked, input: EngineInput) => {fields: object, lists: Record<string, any>}} */
  function forward(p, input) {
    const [rows, cols] = windowsOf(p, input);
    const { fields, lists } = KINDS[p.kind].forward(p, plane(input), rows, cols);
    return { fields: { h: rows.out, w: cols.out, ...fields }, lists };
  }

  // `upstream` is a list of one plane, or of one for each channel; null stands for ones.
  /** @type {(p: Asked, input: EngineInput, upstream: Numbers | null) => {fields: object, lists: Record<string, any>}} */
  function backward(p, input, upstream) {
    const [rows, cols] = windowsOf(p, input);
    const x = plane(input);
    const each = rows.out * cols.out;
    const sent = new x.List(x.channels * each).fill(1);
    if (upstream) for (let start = 0; start < sent.length; start += upstream.length) sent.set(upstream, start);
    const through = KINDS[p.kind].through?.(p, x, rows, cols);
    const gradient = through ? through(sent) : /** @type {any} */ (KINDS[p.kind]).backward(p, x, rows, cols, sent);
    /** @param {number} ch */
    const up = (ch) => (upstream ? total(upstream, upstream.length > each ? ch * each : 0, each) : each);
    const both = Array.from(totals(x, gradient), (down, ch) => [up(ch), down].map(plain));
    if (!through) return { fields: { totals: both }, lists: { gradient } };
    return { fields: { totals: both, apart: [rows.apart, cols.apart] }, lists: { gradient, ...spread(through, x, rows, cols) } };
  }

  // The shares of every window, in as many planes as it takes for windows to lie apart; see Trace.spread.
  /** @type {(through: ReturnType<Through>, x: Plane, rows: Spans, cols: Spans) => Record<string, Numbers>} */
  function spread(through, { channels, h, w, List }, rows, cols) {
    const each = rows.out * cols.out;
    const planes = new List(rows.apart * cols.apart * channels * h * w);
    const ones = new List(channels * each).fill(1);
    let at = 0;
    for (let i = 0; i < rows.apart; i++) {
      for (let j = 0; j < cols.apart; j++) {
        planes.set(through(ones, { row: i, col: j, down: rows.apart, across: cols.apart }), at);
        at += channels * h * w;
      }
    }
    const nothing = through(new List(channels * each)); // 0 times an infinite slope is nan
    return nothing.some(Number.isNaN) ? { spread: planes, nothing } : { spread: planes };
  }

  // A number, or the word for one that JSON cannot hold.
  /** @param {number} value */
  const plain = (value) => (Number.isFinite(value) ? value : Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf");

  // { entries, data } of states, as `Packer.pack` makes it: their lists lie in one buffer, where the entries say.
  /** @type {(input: EngineInput, asked: {p: Asked, upstream: Numbers | null}[]) => {entries: Entry[], data: Uint8Array<ArrayBuffer>}} */
  function answer(input, asked) {
    const entries = [];
    const parts = [];
    let used = 0;
    for (const { p, upstream } of asked) {
      const { fields, lists } = p.upstream === null ? forward(p, input) : backward(p, input, upstream);
      /** @type {any} */
      const entry = { key: p.name, ...fields };
      for (const [field, list] of Object.entries(lists)) {
        entry[field] = used;
        parts.push({ at: used, list });
        used += Math.ceil(list.byteLength / 8) * 8;
      }
      entries.push(entry);
    }
    const data = new Uint8Array(used);
    for (const { at, list } of parts) data.set(new Uint8Array(list.buffer, list.byteOffset, list.byteLength), at);
    return { entries, data };
  }

  return { parse, lent, sizeOf, windowsOf, work, answer };
}
