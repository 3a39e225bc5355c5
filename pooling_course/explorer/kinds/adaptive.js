// @ts-check
// Adaptive pooling: the windows are found from the output size.
import { listedAxis, pair } from "../geometry.js";
import { kind, named, short } from "./kind.js";
import { avg, max } from "./pooling.js";

/**
 * @import { Kind, Settings, Slider } from "../types.d.ts"
 * @import { AverageSettings } from "./pooling.js"
 * @typedef {Settings & {size: (number | null)[]}} AdaptiveSettings
 */

/** @type {Slider} */
export const OUTPUT_SIZE = { name: "output_size", both: true, least: 1, step: 1 };

/** @type {(asked: number[], size: number[]) => string} */
function sizeHint(asked, size) {
  if (asked.some((n, i) => n > size[i])) return "larger than the input: cells are read more than once";
  return asked.every((n, i) => size[i] % n === 0) ? "divides the input: even windows, side by side" : "does not divide the input: windows overlap";
}

/** @type {(layer: string, s: AdaptiveSettings) => string} */
const sizeCode = (layer, s) => `nn.${layer}(output_size=${short(s.size.map((n) => n ?? "None"))})`;

// What both have; an output_size of None is the size of the input.
/** @satisfies {Partial<Kind<AdaptiveSettings>>} */
const adaptive = {
  family: "Adaptive pooling",
  settings: ["output_size"],
  sliders: [OUTPUT_SIZE],
  of: (get) => ({ size: pair(get("output_size")) }),
  key: (s) => `${s.kind.name.replace(" ", "-")} ${s.size.map((n) => n ?? "-").join(" ")}`,
  axis(s, i, size) {
    const out = s.size[i] ?? size;
    const windows = Array.from({ length: out }, (_, o) => [Math.floor((o * size) / out), Math.ceil(((o + 1) * size) / out)]);
    return listedAxis(windows, size);
  },
  formula: (s, i, size) => {
    const { out } = s.kind.axis(s, i, size);
    return `window i of ${out} reads floor(i * ${size} / ${out}) up to, not including, ceil((i + 1) * ${size} / ${out})`;
  },
  /** @type {<S extends AdaptiveSettings>(s: S, by: number) => S[]} */
  steps: (s, by) => [{ ...s, size: s.size.map((n) => n && Math.max(1, n + by)) }],
  hints: { output_size: (s, { now, size }) => sizeHint(now, size) },
  lost: kind.lost,
};

/** @type {Kind<AdaptiveSettings>} */
export const adaptiveMax = {
  ...max,
  ...adaptive,
  name: "adaptive max",
  ...named("Adaptive max"),
  short: "Max",
  code: (s) => sizeCode("AdaptiveMaxPool2d", s),
};

/** @type {Kind<AdaptiveSettings & AverageSettings>} */
export const adaptiveAvg = {
  ...avg,
  ...adaptive,
  name: "adaptive avg",
  ...named("Adaptive average"),
  short: "Average",
  code: (s) => sizeCode("AdaptiveAvgPool2d", s),
  of: (get) => ({ ...adaptive.of(get), countPad: true, divisor: null }), // there is no padding, nor another divisor
};
