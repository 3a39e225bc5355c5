// @ts-check
// LP pooling: larger values have larger shares.
import { equals, joined, number, signed } from "../../web/numbers.js";
import { resultOf } from "../exact.js";
import { pair } from "../geometry.js";
import { KERNEL_SIZE, STRIDE, enter, kernelStep, kind, named, placed, strideStep } from "./kind.js";

/**
 * @import { Asked, Kind, Numbers, Plane, Settings, Slider, Some, Spans, Through } from "../types.d.ts"
 */

const NORM_STEP = 0.5;
/** @type {Slider} */
const NORM_TYPE = { name: "norm_type", least: NORM_STEP, step: NORM_STEP, usual: 2, largest: 100 };

/** @type {Kind<Settings & {norm: number}>} */
export const lp = {
  ...kind,
  name: "lp",
  ...named("LP", "LP"),
  settings: ["norm_type", "kernel_size", "stride", "ceil_mode"],
  sliders: [NORM_TYPE, KERNEL_SIZE, STRIDE],
  twins: ["lp", "avg"],
  ownScale: true,
  of: (get) => ({ norm: get("norm_type"), kernel: pair(get("kernel_size")), stride: pair(get("stride")), ceil: get("ceil_mode") }),
  key: (s) => `lp ${[...s.kernel, ...s.stride, s.ceil ? 1 : 0, s.norm].join(" ")}`,
  code: (s) => `nn.LPPool2d(${[`norm_type=${s.norm}`, ...placed(s, s.kernel), ...(s.ceil ? ["ceil_mode=True"] : [])].join(", ")})`,
  reads: ({ areWhole, evenly }) => ({
    read([kh, kw, sh, sw, ceil, norm]) {
      return areWhole([kh, kw, sh, sw, ceil], 5) && norm > 0 && norm < Infinity ? { ...evenly([kh, kw, sh, sw, 0, 0, ceil]), norm } : null;
    },
  }),
  pools: ({ ALL, divided, sums, toAll }) => {
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
      const { norm } = p;
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
      const { norm } = p;
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

    return {
      forward: (p, x, rows, cols) => ({ lists: { values: norms(p, x, rows, cols).scaled.map((value) => power(x.round, value, 1 / p.norm)) } }),
      through: throughRoots,
    };
  },
  steps: (s, by) => [{ ...s, norm: Math.max(NORM_STEP, s.norm + by * NORM_STEP) }, ...kernelStep(s, by), ...strideStep(s, by)],
  hints: { ...kind.hints, norm_type: (s) => ({ 1: "1: the sum", 2: "2: the root of the sum of squares" })[s.norm] ?? "" },
  // A window that the edge cuts off is scaled up to a whole one.
  sum({ norm }, found, { at, dtype }, divisor, output) {
    const values = found.filter((t) => t.what === "cell").map((t) => at(t.row, t.col));
    const power = norm === 1 ? "" : `^${number(norm)}`;
    const scale = values.length === found.length ? "" : ` * ${found.length}/${values.length}`;
    const terms = values.map((v) => signed(v) + power);
    const powers = joined(terms, " + ");
    const scaled = scale ? `(${powers})${scale}` : powers;
    const root = (/** @type {number[]} */ v) => ((v.reduce((sum, held) => sum + held ** norm, 0) * found.length) / v.length) ** (1 / norm);
    const told = Number.isFinite(root(values)) && !Number.isNaN(output); // else there is no power or root of it
    return `${norm === 1 ? scaled : `(${scaled})^(1/${number(norm)})`} ${told ? resultOf(values, root, output, dtype) : equals(values, output)}`;
  },
  notes({ s: { norm } }, { found, output }, { at }) {
    const cells = found.filter((t) => t.what === "cell");
    if (Number.isNaN(output) && !cells.some((t) => Number.isNaN(at(t.row, t.col)))) return ["nan: torch takes no such power or root of a negative number."];
    const nothing = cells.every((t) => at(t.row, t.col) === 0);
    const rule = `The ${norm > 1 ? "larger" : "smaller"} a value is in size, the larger its share.`;
    const notes = [norm === 1 ? "With norm_type=1 it is the plain sum." : nothing ? "All its values are 0." : rule];
    if (cells.length < found.length) notes.push(`Cut off by the edge, the window is scaled up to ${found.length} cells.`);
    return notes;
  },
  lost: () => "the shares of a window need not add up to 1",
};

enter(lp);
