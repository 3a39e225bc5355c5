// @ts-check
// A depthwise convolution has learned its shares: the same in each window, but not the same for each cell.
import { about, joined, number, signed } from "../../web/numbers.js";
import { NONE, plus, result, times } from "../exact.js";
import { pair, taps } from "../geometry.js";
import { outputsOf, padded } from "../words.js";
import { DILATION, KERNEL_SIZE, PADDING, STRIDE, enter, kind, named, paddingStep, placed, strideHint, strideStep } from "./kind.js";

/**
 * @import { Fraction } from "../exact.js"
 * @import { Asked, Kind, Numbers, Plane, Settings, Spans, Through, Weights } from "../types.d.ts"
 */

const DEFAULT_STRIDE = [1, 1];

/** @type {WeakMap<object, Weights>} */
const RECEIVED = new WeakMap();

// Weights as numbers: what JSON cannot hold comes as words. The same object for the same trait.
/** @type {(sent: any) => Weights} */
function received(sent) {
  /** @type {(v: any) => any} */
  const numbers = (v) => (Array.isArray(v) ? v.map(numbers) : typeof v === "string" ? Number(v.replace("inf", "Infinity")) : v);
  if (!RECEIVED.has(sent)) RECEIVED.set(sent, { weight: numbers(sent.weight), bias: sent.bias && numbers(sent.bias) });
  return /** @type {Weights} */ (RECEIVED.get(sent));
}

/** @type {(values: any) => string} */
const inPython = (values) =>
  Array.isArray(values) ? `[${values.map(inPython).join(",")}]` : Number.isFinite(values) ? JSON.stringify(values) : `float("${number(values)}")`;

/** @type {Kind<Settings & {weights: Weights}>} */
export const depthwise = {
  ...kind,
  name: "conv",
  ...named("Convolution"),
  called: "the convolution",
  settings: ["weights", "stride", "padding", "dilation"],
  sliders: [KERNEL_SIZE, STRIDE, PADDING, DILATION], // kernel_size is that of the weights
  twins: ["conv", "avg"],
  ownScale: true,
  of(get) {
    const weights = received(get("weights"));
    const kernel = [weights.weight[0].length, weights.weight[0][0].length];
    return { weights, kernel, stride: pair(get("stride")), padding: pair(get("padding")), dilation: pair(get("dilation")) };
  },
  key: (s) => `conv ${[...s.stride, ...s.padding, ...s.dilation].join(" ")}`,
  reads: ({ areWhole }) => ({
    read: (n) => (areWhole(n, 6) ? { stride: n.slice(0, 2), padding: n.slice(2, 4), dilation: n.slice(4) } : null),
    lent: (p, weights) => ({ ...p, weights, kernel: [weights.weight[0].length, weights.weight[0][0].length] }),
  }),
  pools: ({ ALL }) => {
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

    return { forward: (p, x, rows, cols) => ({ lists: { values: convolution(p, x, rows, cols) } }), through: throughWeights };
  },
  code(s) {
    const { length: channels } = s.weights.weight;
    const parts = [`in_channels=${channels}`, `out_channels=${channels}`, ...placed(s, DEFAULT_STRIDE)];
    if (channels > 1) parts.push(`groups=${channels}`);
    if (!s.weights.bias) parts.push("bias=False");
    return `nn.Conv2d(${parts.join(", ")})`;
  },
  // Its code, and the weights that are shown.
  recipe(s) {
    const { weight, bias } = s.weights;
    /** @type {Record<string, unknown>} */
    const tensors = { weight: weight.map((plane) => [plane]), ...(bias && { bias }) };
    const given = Object.entries(tensors).map(([name, values]) => `layer.${name}.data = torch.tensor(${inPython(values)}, dtype=layer.${name}.dtype)`);
    return [`layer = ${depthwise.code(s)}`, ...given].join("\n");
  },
  learned: (s) => s.weights,
  steps: (s, by) => [...strideStep(s, by), ...paddingStep(s, by)],
  hints: {
    kernel_size: ({ kernel: [rows, cols] }) => `the weights are ${rows} × ${cols}`,
    stride: (s) => strideHint(s, "windows side by side"), // the default of a convolution is 1
    padding: () => "more than kernel_size // 2 only from Python",
  },
  sum({ weights: { weight, bias } }, found, { at, channel, dtype }, divisor, output) {
    const weights = weight[channel].flat();
    const terms = found.flatMap((t, i) => (t.what === "cell" ? [[weights[i], at(t.row, t.col)]] : []));
    const added = bias?.[channel] ?? null;
    const products = terms.map(([w, v]) => `${signed(w)}*${signed(v)}`);
    const written = [...terms.flat(), ...(added === null ? [] : [added])];
    /** @type {(v: Fraction[]) => Fraction} */
    const weighted = (v) => {
      const weighed = terms.map((_, i) => times(v[2 * i], v[2 * i + 1]));
      return [...weighed, ...v.slice(2 * terms.length)].reduce(plus, NONE);
    };
    return `${joined(products, " + ") || "0"}${added === null ? "" : ` + ${signed(added)} (bias)`} ${result(written, weighted, output, dtype)}`;
  },
  notes: (v, { pads }) => ["The share of a cell is its weight.", ...padded(pads, ["counts as 0", "count as 0"])],
  reader({ s, rows, cols }, found, won, channel, { row, col }) {
    const plane = s.weights.weight[channel];
    const weights = new Set(found.map((r) => plane[taps(rows, r.row).indexOf(row)][taps(cols, r.col).indexOf(col)]));
    const sorted = [...weights].sort((a, b) => a - b);
    return `, with a weight of ${sorted.map(about).join(" or ")}: ${outputsOf(found)}`;
  },
  lost: () => "the weights decide what is passed on",
};

enter(depthwise);
