// @ts-check
// LP pooling: larger values have larger shares.
import { equals, joined, number, signed } from "../../web/numbers.js";
import { resultOf } from "../exact.js";
import { pair } from "../geometry.js";
import { KERNEL_SIZE, STRIDE, kernelStep, kind, named, placed, strideStep } from "./kind.js";

/**
 * @import { Kind, Settings, Slider } from "../types.d.ts"
 */

const NORM_STEP = 0.5;
/** @type {Slider} */
const NORM_TYPE = { name: "norm_type", least: NORM_STEP, step: NORM_STEP };

/** @type {Kind<Settings & {norm: number}>} */
export const lp = {
  ...kind,
  name: "lp",
  ...named("LP", "LP"),
  settings: ["norm_type", "kernel_size", "stride", "ceil_mode"],
  sliders: [NORM_TYPE, KERNEL_SIZE, STRIDE],
  sharesVary: true,
  ownScale: true,
  of: (get) => ({ norm: get("norm_type"), kernel: pair(get("kernel_size")), stride: pair(get("stride")), ceil: get("ceil_mode") }),
  key: (s) => `lp ${[...s.kernel, ...s.stride, s.ceil ? 1 : 0, s.norm].join(" ")}`,
  code: (s) => `nn.LPPool2d(${[`norm_type=${s.norm}`, ...placed(s, s.kernel), ...(s.ceil ? ["ceil_mode=True"] : [])].join(", ")})`,
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
