// @ts-check
// Fractional max pooling: windows of one size, at steps that differ by one and are drawn.
import { listedAxis, pair } from "../geometry.js";
import { OUTPUT_SIZE } from "./adaptive.js";
import { KERNEL_SIZE, kind, named, shift, short } from "./kind.js";
import { max } from "./pooling.js";

/**
 * @import { Kind, Pair, Settings, Slider } from "../types.d.ts"
 */

/** @type {Slider} */
const SAMPLES = { name: "samples", both: true, least: 0, step: 0.05, most: 0.95 };

// Where the windows of one axis start, counted in float32 as torch does (generate_intervals, FractionalMaxPooling.h).
/** @type {(sample: number, size: number, k: number, out: number) => number[]} */
function starts(sample, size, k, out) {
  const f = Math.fround;
  const u = f(sample);
  const alpha = f(f(size - k) / f(Math.max(out - 1, 1)));
  const first = Math.trunc(f(u * alpha));
  return Array.from({ length: out }, (_, o) => (o === out - 1 ? size - k : Math.trunc(f(f(o + u) * alpha)) - first));
}

/** @type {Kind<Settings & {size: Pair, samples: Pair}>} */
export const fractionalMax = {
  ...max,
  name: "fractional max",
  ...named("Fractional max"),
  settings: ["samples", "kernel_size", "output_size"],
  sliders: [SAMPLES, KERNEL_SIZE, OUTPUT_SIZE],
  of: (get) => ({ kernel: pair(get("kernel_size")), size: pair(get("output_size")), samples: pair(get("samples")) }),
  key: (s) => `fractional-max ${[...s.kernel, ...s.size, ...s.samples].join(" ")}`,
  code: (s) =>
    `nn.FractionalMaxPool2d(kernel_size=${short(s.kernel)}, output_size=${short(s.size)}, _random_samples=torch.tensor([[[${s.samples[1]}, ${s.samples[0]}]]]))`,
  axis(s, i, size) {
    const [k, out] = [s.kernel[i], s.size[i]];
    if (out + k - 1 > size) return listedAxis([], size); // too few cells for so many different windows
    const windows = starts(s.samples[i], size, k, out).map((at) => [at, at + k]);
    return listedAxis(windows, size);
  },
  formula(s, i, size) {
    const [last, out] = [size - s.kernel[i], s.kind.axis(s, i, size).out];
    if (out < 2) return out ? `the one window starts at ${last}` : "no window fits";
    const [alpha, u] = [`${last}/${out - 1}`, s.samples[i]];
    return `window i of ${out} starts at floor((i + ${u}) * ${alpha}) - floor(${u} * ${alpha}), the last at ${last}`;
  },
  steps: (s, by) => [
    { ...s, kernel: shift(s.kernel, by, 1) },
    { ...s, size: shift(s.size, by, 1) },
  ],
  limits: {
    kernel_size: (s, { size }) => size.map((n, i) => Math.max(s.kernel[i], Math.min(5, n - s.size[i] + 1))),
    output_size: (s, { size }) => size.map((n, i) => Math.max(s.size[i], n - s.kernel[i] + 1)),
  },
  hints: {
    samples: () => "shifts where the windows start",
    output_size: (s, { size }) => `kernel_size + output_size - 1 is at most ${[...new Set(size)].join(" and ")}`,
  },
  lost: kind.lost,
};
