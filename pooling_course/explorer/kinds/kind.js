// @ts-check
// What the kinds of pooling have in common: sliders, pieces of their settings and words, and the kind that others start from.
// types.d.ts says what a kind is.
import { about, equals, number, signed } from "../../web/numbers.js";
import { evenAxis } from "../geometry.js";
import { outputsOf, summed } from "../words.js";

/**
 * @import { Axis, Kind, Settings, Slider } from "../types.d.ts"
 */

// ---- sliders ----------------------------------------------------------------------------------------------------

// `both`: for height and width; `more`: folded away, under "More settings".
/** @type {(name: string, usual: number, largest: number, more?: Partial<Slider>) => Slider} */
const slider = (name, usual, largest, more) => ({ name, both: true, least: 1, step: 1, usual, largest, ...more });
export const KERNEL_SIZE = slider("kernel_size", 2, 64);
export const STRIDE = slider("stride", 2, 64);
export const PADDING = slider("padding", 0, 32, { least: 0 });
export const DILATION = slider("dilation", 1, 16, { more: true, most: 3 });

// ---- how settings are written and moved ---------------------------------------------------------------------------

/** @type {(two: (number | string)[]) => string} */
export const short = ([h, w]) => (h === w ? `${h}` : `(${h}, ${w})`);

// What windows that lie evenly are made of, in Python; a stride of `usual` is the default.
/** @type {(s: Settings, usual: number[]) => string[]} */
export function placed({ kernel, stride, padding, dilation }, usual) {
  const parts = [`kernel_size=${short(kernel)}`];
  if (stride[0] !== usual[0] || stride[1] !== usual[1]) parts.push(`stride=${short(stride)}`);
  if (Math.max(...padding) > 0) parts.push(`padding=${short(padding)}`);
  if (Math.max(...dilation) > 1) parts.push(`dilation=${short(dilation)}`);
  return parts;
}

/** @param {number} k */
const half = (k) => Math.floor(k / 2);
/** @type {(two: number[], by: number, low: number) => number[]} */
export const shift = (two, by, low) => two.map((v) => Math.max(low, v + by));

/** @type {<S extends Settings>(s: S, by: number) => S[]} */
export function kernelStep(s, by) {
  const kernel = shift(s.kernel, by, 1);
  return [{ ...s, kernel, padding: s.padding.map((p, i) => Math.min(p, half(kernel[i]))) }];
}

/** @type {<S extends Settings>(s: S, by: number) => S[]} */
export const strideStep = (s, by) => [{ ...s, stride: shift(s.stride, by, 1) }];

/** @type {<S extends Settings>(s: S, by: number) => S[]} */
export function paddingStep(s, by) {
  const padding = shift(s.padding, by, 0);
  return padding.every((p, i) => p <= half(s.kernel[i])) ? [{ ...s, padding }] : [];
}

// The largest kernel_size, up to `most`, that still leaves a window on an input of h x w: in height, and in width.
/** @type {(s: Settings, h: number, w: number, most: number) => number[]} */
export function largestKernel(s, h, w, most) {
  return [h, w].map((size, i) => {
    /** @param {number} k */
    const fits = (k) => s.kind.axis({ ...s, kernel: [k, k], padding: s.padding.map((p) => Math.min(p, half(k))) }, i, size).out > 0;
    let k = most;
    while (k > 1 && !fits(k)) k--;
    return k;
  });
}

// How neighbouring windows lie; `same` says it where stride and kernel_size are the same.
/** @type {(s: Pick<Settings, "kernel" | "stride">, same?: string) => string} */
export function strideHint({ kernel, stride }, same = "PyTorch's default: kernel_size") {
  if (stride.some((by, i) => by < kernel[i])) return "windows overlap";
  if (stride.some((by, i) => by > kernel[i])) return "windows leave gaps";
  return same;
}

// What a kind is called: on the screen, beside its own family, within a sentence, and as the owner of a setting.
/** @type {(title: string, inWords?: string) => Pick<Kind, "title" | "short" | "inWords" | "called">} */
export const named = (title, inWords = title.toLowerCase()) => ({ title, short: title, inWords, called: `${inWords} pooling` });

// ---- dtypes, as torch names them ------------------------------------------------------------------------------------

export const INTEGERS = ["uint8", "int8", "int16", "int32", "int64"];
export const FLOATS = ["float16", "bfloat16", "float32", "float64"];

// ---- the kind that others start from ------------------------------------------------------------------------------

/** @satisfies {Partial<Kind<Settings>>} */
export const kind = {
  family: "Pooling",
  settings: [],
  sliders: [],
  shares: "varied",
  accepts: FLOATS,
  ownScale: false,
  recipe: (s) => s.kind.code(s),
  learned: () => null,
  ghost: () => "0",
  axis: evenAxis,
  formula(s, i, size) {
    const a = evenAxis(s, i, size);
    const reach = a.dilation > 1 ? `${a.dilation}*(${a.k} - 1) - 1` : `${a.k}`;
    const rounding = s.ceil ? "ceil" : "floor";
    const text = `${rounding}((${size} + 2*${a.padding} - ${reach}) / ${a.stride}) + 1 = ${a.steps + 1}`;
    return a.beyond ? `${text}, less 1 (the last window would start beyond the input) = ${a.out}` : text;
  },
  unfit(p, i, size) {
    const [k, pad, dilation] = [p.kernel[i], p.padding[i], p.dilation[i]];
    const there = `there are ${size}${pad ? ` + 2 * ${pad} padding` : ""}`;
    const smaller = `take a smaller kernel_size${dilation > 1 ? " or dilation" : ""} or a larger input`;
    return `one window reaches over ${dilation * (k - 1) + 1} cells, but ${there}; ${smaller}`;
  },
  steps: () => [],
  // `most` is how far sliders go at least, by name; `size` is the input's.
  limits: {
    kernel_size: (s, { most, size: [h, w] }) => largestKernel(s, h, w, Math.max(most.kernel_size, ...s.kernel)),
    padding: (s) => s.kernel.map(half),
  },
  // `limit` is how far the slider goes, and `now` where it stands, [height, width].
  hints: {
    kernel_size: (s, { limit, most, size: [h, w] }) =>
      s.kernel.some((k, i) => k >= limit[i] && limit[i] < most.kernel_size) ? `a larger window does not fit ${h} × ${w}` : "",
    stride: (s) => strideHint(s),
    padding: (s, { limit }) => `at most kernel_size // 2 = ${[...new Set(limit)].join(" and ")}`,
  },
  reader: (v, found) => `: ${outputsOf(found)}`,
  gave(s, head, u, { cells, passes }) {
    const all = cells === 1 ? "The share of its one cell is" : `The shares of its ${cells} cells add up to`;
    return `of ${head}, each cell of the window gets its share. ${all} ${about(passes)}`;
  },
  got(at, total, from, reading) {
    const terms = from.map(({ u, share }) => `${number(u)}*${signed(share)}`);
    const written = from.flatMap(({ u, share }) => [u, share]);
    return sharesOf(terms, written, total, reading);
  },
  lost: () => "rounding took the rest",
};

// What a cell gets as a sum of `terms`, made of the numbers `written`.
/** @type {(terms: string[], written: number[], total: number, reading: string) => string} */
export function sharesOf(terms, written, total, reading) {
  const sum = terms.length === 1 && terms[0] === number(total) ? terms[0] : `${summed(terms)} ${equals(written, total)}`;
  return `${sum}: a share from ${terms.length === 1 ? reading : `each of ${reading}`}`;
}

// ---- which kinds there are ----------------------------------------------------------------------------------------

/** @type {Kind[]} */
export const ENTERED = [];
// A file calls this with the kinds that it declares.
/** @param {Kind[]} kinds */
export const enter = (...kinds) => ENTERED.push(...kinds);
