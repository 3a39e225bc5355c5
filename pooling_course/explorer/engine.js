// @ts-check
// Pooling where no Python answers, forwards and backwards, in torch's own order of operations. With the input's numbers in
// float32 or float64 it gives what torch 2.13 gives on a CPU: bit for bit, but for the powers of LP pooling, for convolutions,
// for the mean that a 1 x 1 adaptive average is, and for totals, where torch's order depends on the processor; there the last
// bits may differ. tests/explorer/test_engine.py compares the two.
//
// All of it is one function that uses nothing from outside: a worker can be given its text, and none of its names meets one
// in the files that it is joined with.

/**
 * @import { Asked, EngineInput, Entry, Numbers, PoolingKind, Plane, Some, Spans, Through, Weights } from "./types.d.ts"
 */

export function engine() {
  /** @type {Record<string, any>} */
  const LISTS = { u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };
  /** @type {Record<string, (value: number) => number>} */
  const ROUND = { f4: Math.fround, f8: (value) => value };

  // ---- names --------------------------------------------------------------------------------------------------------

  // The settings that a state's name stands for (`Windows.key` makes the names), or null where it is the name of nothing.
  /** @type {(name: string) => Asked | null} */
  function parse(name) {
    const [, serial, rest] = /** @type {string[]} */ (/^(?:grad(\d+) )?(.*)$/s.exec(name));
    const [kind, ...words] = rest.split(" ");
    const numbers = words.map((word) => (word === "-" ? null : word === "" ? Number.NaN : Number(word)));
    const settings = Object.hasOwn(KINDS, kind) ? KINDS[kind].read(numbers) : null;
    if (!settings) return null;
    const plain = { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1] };
    return { name, kind: kind.replace("-", " "), upstream: serial === undefined ? null : Number(serial), ...plain, ...settings };
  }

  // The same with what names leave out: the weights of a convolution. Null where there are none.
  /** @type {(p: Asked, weights: Weights | null) => Asked | null} */
  function lent(p, weights) {
    if (p.kind !== "conv") return p;
    return weights && { ...p, weights, kernel: [weights.weight[0].length, weights.weight[0][0].length] };
  }

  /** @type {(list: any[], size: number) => boolean} */
  const areWhole = (list, size) => list.length === size && list.every(Number.isSafeInteger);
  /** @param {any[]} numbers */
  const evenly = ([kh, kw, sh, sw, ph, pw, ceil]) => ({ kernel: [kh, kw], stride: [sh, sw], padding: [ph, pw], ceil: ceil === 1 });

  /** @type {Record<string, (numbers: any[]) => Partial<Asked> | null>} */
  const READ = {
    max: (n) => (areWhole(n, 9) ? { ...evenly(n), dilation: n.slice(7) } : null),
    avg: (n) => (areWhole([...n.slice(0, 8), n[8] ?? 0], 9) && n.length === 9 ? { ...evenly(n), counted: n[7] === 1, divisor: n[8] } : null),
    adaptive: (n) => (areWhole([n[0] ?? 0, n[1] ?? 0], n.length) ? { size: n } : null),
    fractional([kh, kw, oh, ow, ...samples]) {
      const drawn = samples.length === 2 && samples.every((u) => u !== null && u >= 0 && u < 1);
      return drawn && areWhole([kh, kw, oh, ow], 4) ? { kernel: [kh, kw], size: [oh, ow], samples } : null;
    },
    lp([kh, kw, sh, sw, ceil, norm]) {
      return areWhole([kh, kw, sh, sw, ceil], 5) && norm > 0 && norm < Infinity ? { ...evenly([kh, kw, sh, sw, 0, 0, ceil]), norm } : null;
    },
    conv: (n) => (areWhole(n, 6) ? { stride: n.slice(0, 2), padding: n.slice(2, 4), dilation: n.slice(4) } : null),
  };

  // ---- where windows lie ----------------------------------------------------------------------------------------------

  // How many windows there are along axis i of `size` cells; 0 or less where none fits.
  /** @type {(p: Asked, i: number, size: number) => number} */
  function count(p, i, size) {
    const [k, stride, padding, by] = [p.kernel[i], p.stride[i], p.padding[i], p.dilation[i]];
    if (p.size) {
      const out = p.size[i] ?? size;
      return p.samples && out + k - 1 > size ? 0 : out; // drawn windows are all different
    }
    const steps = (size + 2 * padding - by * (k - 1) - 1) / stride;
    if (!p.ceil) return Math.floor(steps) + 1;
    return Math.ceil(steps) + (Math.ceil(steps) * stride >= size + padding ? 0 : 1); // none starts in the right padding
  }

  // Those windows. Window o reads the positions from[o], from[o] + by, ... below to[o], all inside the input; the first of them
  // is tap[o] of its kernel. With padding, but without overhang, it is long[o] positions long. Windows that are `apart` windows
  // from each other have no cell in common.
  /** @type {(p: Asked, i: number, size: number, round: (value: number) => number) => Spans} */
  function along(p, i, size, round) {
    const out = Math.max(0, count(p, i, size));
    if (p.samples) return fractional(p.samples[i], p.kernel[i], out, size, round);
    if (p.size) return adaptive(out, size);
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

  /** @type {(out: number, size: number) => Spans} */
  function adaptive(out, size) {
    const a = spans(out);
    for (let o = 0; o < out; o++) {
      a.from[o] = Math.floor((o * size) / out);
      a.to[o] = Math.ceil(((o + 1) * size) / out);
      a.long[o] = a.to[o] - a.from[o];
    }
    return a;
  }

  // The sample u, in [0, 1), shifts where steps of one and the other length lie.
  /** @type {(u: number, k: number, out: number, size: number, round: (value: number) => number) => Spans} */
  function fractional(u, k, out, size, round) {
    const sample = round(u);
    const alpha = round((size - k) / (out - 1));
    const a = spans(out);
    for (let o = 0; o < out; o++) {
      const start = Math.trunc(round(round(o + sample) * alpha)) - Math.trunc(round(sample * alpha));
      a.from[o] = o < out - 1 ? start : size - k;
      a.to[o] = a.from[o] + k;
    }
    return a;
  }

  /** @type {(p: Asked, input: {h: number, w: number}) => number[]} */
  const sizeOf = (p, { h, w }) => [h, w].map((size, i) => count(p, i, size));

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
    if (!kindOf(p).through) return once;
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

  // Adaptive pooling to 1 x 1 is torch's mean.
  /** @type {(p: Asked, rows: Spans, cols: Spans) => boolean} */
  const isMean = (p, rows, cols) => p.kind === "adaptive avg" && rows.out === 1 && cols.out === 1;

  // Each number of a list shaped like the output, divided as an average is: adaptive pooling divides by height, then by width.
  /** @type {(p: Asked, x: Plane, list: Numbers, rows: Spans, cols: Spans) => Numbers} */
  function divided(p, { List, round }, list, rows, cols) {
    const twice = p.kind === "adaptive avg" && !isMean(p, rows, cols);
    const found = new List(list.length);
    let o = 0;
    while (o < list.length) {
      for (let r = 0; r < rows.out; r++) {
        for (let c = 0; c < cols.out; c++) {
          found[o] = twice ? round(list[o] / rows.long[r]) / cols.long[c] : list[o] / round(divisorOf(p, rows, cols, r, c));
          o++;
        }
      }
    }
    return found;
  }

  /** @type {(p: Asked, x: Plane, rows: Spans, cols: Spans) => Numbers} */
  function averages(p, x, rows, cols) {
    const added = isMean(p, rows, cols) ? totals(x, x.values) : sums(x, x.values, rows, cols);
    const found = divided(p, x, added, rows, cols);
    return p.kind === "avg" ? found.map((value) => value + 0) : found; // torch adds an average to 0, which loses a -0
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

  // ---- LP pooling -----------------------------------------------------------------------------------------------------------

  // torch's power: some exponents have a short cut.
  /** @type {(round: (value: number) => number, base: number, exponent: number) => number} */
  function power(round, base, exponent) {
    if (exponent === 0) return 1;
    if (exponent === 1) return base;
    if (exponent === 2) return round(base * base);
    if (exponent === 3) return round(round(base * base) * base);
    if (exponent === 0.5) return round(Math.sqrt(base));
    if (exponent === -0.5) return round(1 / round(Math.sqrt(base)));
    if (exponent === -1) return round(1 / base);
    if (exponent === -2) return round(1 / round(base * base));
    return base === 1 ? 1 : round(base ** round(exponent));
  }

  // The average of the powers of each window, and that scaled up to a sum, of which torch takes the root.
  /** @type {(p: Asked, x: Plane, rows: Spans, cols: Spans) => {means: Numbers, scaled: Numbers}} */
  function norms(p, x, rows, cols) {
    const norm = p.norm ?? 1;
    const powers = norm === 1 ? x.values : x.values.map((value) => power(x.round, value, norm));
    const means = divided(p, x, sums(x, powers, rows, cols), rows, cols);
    const area = p.kernel[0] * p.kernel[1];
    return { means, scaled: means.map((mean) => (mean === 0 ? 0 : mean * area)) };
  }

  // The input gradient for any number of upstream gradients: step by step what autograd does.
  /** @type {Through} */
  function throughRoots(p, x, rows, cols) {
    const { values, round } = x;
    const { means, scaled } = norms(p, x, rows, cols);
    const norm = p.norm ?? 1;
    const [area, root] = [p.kernel[0] * p.kernel[1], 1 / norm];
    const slopes = scaled.map((value) => round(root) * power(round, value, root - 1));
    const finite = slopes.every(Number.isFinite); // else what a window is not sent counts, too: 0 times infinity
    const inner = values.map((value) => round(norm) * power(round, value, norm - 1));
    /** @param {Numbers} sent */
    const amountsOf = (sent) => {
      const amounts = sent.map((amount, o) => {
        if (means[o] === 0) return 0;
        const scaledUp = round(round(amount * slopes[o]) * area);
        return Number.isNaN(means[o]) ? scaledUp * 0 : scaledUp;
      });
      return divided(p, x, amounts, rows, cols);
    };
    /** @type {Map<Numbers, Numbers>} */
    const known = new Map();
    return (sent, some = ALL) => {
      if (!known.has(sent)) known.set(sent, amountsOf(sent));
      const amounts = /** @type {Numbers} */ (known.get(sent));
      const gradient = finite ? toAll(x, amounts, rows, cols, some) : toAll(x, amountsOf(only(sent, some, rows, cols)), rows, cols);
      return gradient.map((amount, i) => amount * inner[i]);
    };
  }

  // What is sent to some windows, and 0 to the others.
  /** @type {(sent: Numbers, some: Some, rows: Spans, cols: Spans) => Numbers} */
  function only(sent, some, rows, cols) {
    return sent.map((amount, o) => {
      const [r, c] = [Math.floor(o / cols.out) % rows.out, o % cols.out];
      const isOne = r % some.down === some.row && c % some.across === some.col;
      return isOne ? amount : 0;
    });
  }

  // ---- depthwise convolution --------------------------------------------------------------------------------------------

  // One more term of a sum: a small convolution of one channel rounds each product, others the sum alone; see
  // ConvParams::use_mkldnn in ATen/native/Convolution.cpp.
  /** @type {(p: Asked, x: Plane) => (sum: number, weight: number, value: number) => number} */
  function adding({ kernel }, { channels, h, w, round }) {
    const fused = channels > 1 || Math.min(...kernel) > 3 || h * w > 20480;
    return fused ? (sum, weight, value) => round(sum + weight * value) : (sum, weight, value) => round(sum + round(weight * value));
  }

  /** @type {(p: Asked, x: Plane) => Numbers[][]} */
  const weightsOf = ({ weights }, { List }) => /** @type {Weights} */ (weights).weight.map((plane) => plane.map((row) => List.from(row)));

  /** @type {(p: Asked, x: Plane, rows: Spans, cols: Spans) => Numbers} */
  function convolution(p, input, rows, cols) {
    const { channels, h, w, values, List, round } = input;
    const [add, weights] = [adding(p, input), weightsOf(p, input)];
    const found = new List(channels * rows.out * cols.out);
    let o = 0;
    for (let ch = 0; ch < channels; ch++) {
      const bias = round(p.weights?.bias?.[ch] ?? 0);
      for (let r = 0; r < rows.out; r++) {
        for (let c = 0; c < cols.out; c++) {
          let sum = bias;
          for (let y = rows.from[r], i = rows.tap[r]; y < rows.to[r]; y += rows.by, i++) {
            const row = (ch * h + y) * w;
            for (let x = cols.from[c], j = cols.tap[c]; x < cols.to[c]; x += cols.by, j++) sum = add(sum, weights[ch][i][j], values[row + x]);
          }
          found[o++] = sum;
        }
      }
    }
    return found;
  }

  // Weight by weight, as torch adds them up.
  /** @type {Through} */
  function throughWeights(p, input, rows, cols) {
    const { channels, h, w, List } = input;
    const [add, weights] = [adding(p, input), weightsOf(p, input)];
    const [down, across] = [readBy(rows, p.kernel[0]), readBy(cols, p.kernel[1])];
    return (sent, some = ALL) => {
      const gradient = new List(channels * h * w);
      for (let ch = 0; ch < channels; ch++) {
        for (let i = 0; i < p.kernel[0]; i++) {
          for (let j = 0; j < p.kernel[1]; j++) {
            const weight = weights[ch][i][j];
            for (let r = some.row; r < rows.out; r += some.down) {
              if (down[i][r] < 0) continue;
              for (let c = some.col; c < cols.out; c += some.across) {
                const amount = sent[(ch * rows.out + r) * cols.out + c];
                if (across[j][c] < 0 || amount === 0) continue;
                const at = (ch * h + down[i][r]) * w + across[j][c];
                gradient[at] = add(gradient[at], weight, amount);
              }
            }
          }
        }
      }
      return gradient;
    };
  }

  // For each tap of a kernel, the position that each window reads with it; -1 outside the input.
  /** @type {(a: Spans, k: number) => Int32Array[]} */
  function readBy(a, k) {
    return Array.from({ length: k }, (_, tap) =>
      a.from.map((from, o) => {
        const at = from + (tap - a.tap[o]) * a.by;
        return tap >= a.tap[o] && at < a.to[o] ? at : -1;
      }),
    );
  }

  // ---- kinds ----------------------------------------------------------------------------------------------------------------

  /** @satisfies {Partial<PoolingKind>} */
  const byWinner = {
    forward: (p, x, rows, cols) => ({ lists: { winners: winners(x, rows, cols) } }),
    backward: (p, x, rows, cols, sent) => toWinners(x, winners(x, rows, cols), sent),
  };

  /** @satisfies {Partial<PoolingKind>} */
  const byDivisor = {
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
    backward: (p, x, rows, cols, sent) => (isMean(p, rows, cols) ? toPlane : toAll)(x, divided(p, x, sent, rows, cols), rows, cols),
  };

  /** @type {Record<string, PoolingKind>} */
  const KINDS = {
    max: { read: READ.max, ...byWinner },
    avg: { read: READ.avg, ...byDivisor },
    "adaptive-max": { read: READ.adaptive, ...byWinner },
    "adaptive-avg": { read: READ.adaptive, ...byDivisor },
    "fractional-max": { read: READ.fractional, ...byWinner },
    lp: {
      read: READ.lp,
      forward: (p, x, rows, cols) => ({ lists: { values: norms(p, x, rows, cols).scaled.map((value) => power(x.round, value, 1 / (p.norm ?? 1))) } }),
      through: throughRoots,
    },
    conv: {
      read: READ.conv,
      forward: (p, x, rows, cols) => ({ lists: { values: convolution(p, x, rows, cols) } }),
      through: throughWeights,
    },
  };
  /** @param {Asked} p */
  const kindOf = (p) => KINDS[p.kind.replace(" ", "-")];

  // ---- states, as states.py packs them ------------------------------------------------------------------------------------

  // An input as loops want it.
  /** @type {(input: EngineInput) => Plane} */
  const plane = ({ float, index, ...input }) => ({ ...input, List: LISTS[float], Index: LISTS[index], round: ROUND[float] });

  /** @type {(p: Asked, input: EngineInput) => {fields: object, lists: Record<string, any>}} */
  function forward(p, input) {
    const [rows, cols] = windowsOf(p, input);
    const { fields, lists } = kindOf(p).forward(p, plane(input), rows, cols);
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
    const through = kindOf(p).through?.(p, x, rows, cols);
    const gradient = through ? through(sent) : /** @type {any} */ (kindOf(p)).backward(p, x, rows, cols, sent);
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
