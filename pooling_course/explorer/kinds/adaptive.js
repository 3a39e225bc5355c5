// @ts-check
// Adaptive pooling: the windows are found from the output size.
import { listedAxis, pair } from "../geometry.js";
import { enter, kind, named, short } from "./kind.js";
import { avg, max } from "./pooling.js";

/**
 * @import { Kind, Numbers, Plane, Settings, Slider, Spans } from "../types.d.ts"
 * @import { AverageSettings } from "./pooling.js"
 * @typedef {Settings & {size: (number | null)[]}} AdaptiveSettings
 */

/** @type {Slider} */
export const OUTPUT_SIZE = { name: "output_size", both: true, least: 1, step: 1, usual: 2, largest: 128 };

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
  twins: ["adaptive max", "adaptive avg"],
  accepts: kind.accepts,
  settings: ["output_size"],
  sliders: [OUTPUT_SIZE],
  of: (get) => ({ size: pair(get("output_size")) }),
  key: (s) => `${s.kind.name.replace(" ", "-")} ${s.size.map((n) => n ?? "-").join(" ")}`,
  reads: ({ areWhole }) => ({
    read: (n) => (areWhole([n[0] ?? 0, n[1] ?? 0], n.length) ? { size: n } : null),
    count: (p, i, size) => p.size[i] ?? size,
    starts: (p, i, size, out) => Array.from({ length: out }, (_, o) => [Math.floor((o * size) / out), Math.ceil(((o + 1) * size) / out)]),
  }),
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
  pools: ({ byDivisor, divided, sums, toAll, toPlane, totals }) => {
    /** @type {(rows: Spans, cols: Spans) => boolean} */
    const isMean = (rows, cols) => rows.out === 1 && cols.out === 1; // then it is torch's mean
    // By height, then by width.
    /** @type {(x: Plane, list: Numbers, rows: Spans, cols: Spans) => Numbers} */
    const twice = ({ round }, list, rows, cols) =>
      list.map((value, o) => round(value / rows.long[Math.floor(o / cols.out) % rows.out]) / cols.long[o % cols.out]);
    return byDivisor({
      averages: (p, x, rows, cols) =>
        isMean(rows, cols) ? divided(p, x, totals(x, x.values), rows, cols) : twice(x, sums(x, x.values, rows, cols), rows, cols),
      backward: (p, x, rows, cols, sent) =>
        isMean(rows, cols) ? toPlane(x, divided(p, x, sent, rows, cols)) : toAll(x, twice(x, sent, rows, cols), rows, cols),
    });
  },
};

enter(adaptiveMax, adaptiveAvg);
