// @ts-check
// A depthwise convolution has learned its shares: the same in each window, but not the same for each cell.
import { about, joined, number, signed } from "../../web/numbers.js";
import { NONE, plus, result, times } from "../exact.js";
import { pair, taps } from "../geometry.js";
import { outputsOf, padded } from "../words.js";
import { DILATION, KERNEL_SIZE, PADDING, STRIDE, kind, named, paddingStep, placed, strideHint, strideStep } from "./kind.js";

/**
 * @import { Fraction } from "../exact.js"
 * @import { Kind, Settings, Weights } from "../types.d.ts"
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
  sharesVary: true,
  ownScale: true,
  of(get) {
    const weights = received(get("weights"));
    const kernel = [weights.weight[0].length, weights.weight[0][0].length];
    return { weights, kernel, stride: pair(get("stride")), padding: pair(get("padding")), dilation: pair(get("dilation")) };
  },
  key: (s) => `conv ${[...s.stride, ...s.padding, ...s.dilation].join(" ")}`,
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
