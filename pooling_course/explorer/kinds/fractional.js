// @ts-check
// Fractional max pooling: windows of one size, at steps that differ by one and are drawn.
import { listedAxis, pair } from "../geometry.js";
import { OUTPUT_SIZE } from "./adaptive.js";
import { KERNEL_SIZE, enter, kind, named, shift, short } from "./kind.js";
import { max } from "./pooling.js";

/**
 * @import { Kind, Pair, Settings, Slider } from "../types.d.ts"
 */

/** @type {Slider} */
const SAMPLES = { name: "samples", both: true, least: 0, step: 0.05, most: 0.95, usual: 0.5, largest: 0.999999 };

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
  twins: ["fractional max", "adaptive max"],
  accepts: ["float32"],
  settings: ["samples", "kernel_size", "output_size"],
  sliders: [SAMPLES, KERNEL_SIZE, OUTPUT_SIZE],
  of: (get) => ({ kernel: pair(get("kernel_size")), size: pair(get("output_size")), samples: pair(get("samples")) }),
  key: (s) => `fractional-max ${[...s.kernel, ...s.size, ...s.samples].join(" ")}`,
  code: (s) =>
    `nn.FractionalMaxPool2d(kernel_size=${short(s.kernel)}, output_size=${short(s.size)}, _random_samples=torch.tensor([[[${s.samples[1]}, ${s.samples[0]}]]]))`,
  reads: ({ areWhole }) => ({
    read([kh, kw, oh, ow, ...samples]) {
      const drawn = samples.length === 2 && samples.every((u) => u !== null && u >= 0 && u < 1);
      return drawn && areWhole([kh, kw, oh, ow], 4) ? { kernel: [kh, kw], size: [oh, ow], samples } : null;
    },
    count: (p, i, size) => (p.size[i] + p.kernel[i] - 1 > size ? 0 : p.size[i]), // drawn windows are all different
    // The sample, in [0, 1), shifts where steps of one and the other length lie.
    starts({ kernel, samples }, i, size, out, round) {
      const k = kernel[i];
      const sample = round(samples[i]);
      const alpha = round((size - k) / (out - 1));
      /** @param {number} o */
      const start = (o) => Math.trunc(round(round(o + sample) * alpha)) - Math.trunc(round(sample * alpha));
      return Array.from({ length: out }, (_, o) => (o < out - 1 ? start(o) : size - k)).map((at) => [at, at + k]);
    },
  }),
  unfit({ kernel, size: asked }, i, size) {
    const [k, out] = [kernel[i], asked[i]];
    const few = `there are ${size} cells, too few for ${out} different windows of ${k}, which take ${k + out - 1}`;
    return `${few}; take a smaller output_size or kernel_size`;
  },
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

enter(fractionalMax);
