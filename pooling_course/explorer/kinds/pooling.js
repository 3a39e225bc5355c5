// @ts-check
// Max and average pooling: the winner has it all, or each cell has the same.
import { equals, listed, number } from "../../web/numbers.js";
import { NONE, over, plus, result } from "../exact.js";
import { pair } from "../geometry.js";
import { fraction, outputsOf, padded, place, plural, summed } from "../words.js";
import { DILATION, FLOATS, INTEGERS, KERNEL_SIZE, PADDING, STRIDE, enter, kernelStep, kind, named, paddingStep, placed, sharesOf, strideStep } from "./kind.js";

/**
 * @import { At, Kind, Settings } from "../types.d.ts"
 * @typedef {Settings & {countPad: boolean, divisor: number | null}} AverageSettings
 */

// What both have.
/** @satisfies {Partial<Kind<Settings>>} */
const even = {
  ...kind,
  twins: ["max", "avg"],
  sliders: [KERNEL_SIZE, STRIDE, PADDING],
  of: (get) => ({ kernel: pair(get("kernel_size")), stride: pair(get("stride")), padding: pair(get("padding")), ceil: get("ceil_mode") }),
  /** @type {<S extends Settings>(s: S, by: number) => S[]} */
  steps: (s, by) => [...kernelStep(s, by), ...strideStep(s, by), ...paddingStep(s, by)],
};

/** @param {Settings} s */
const numbersOf = ({ kernel, stride, padding, ceil }) => [...kernel, ...stride, ...padding, ceil ? 1 : 0].join(" ");
/** @type {(layer: string, s: Settings, more: string[]) => string} */
const codeOf = (layer, s, more) => `nn.${layer}(${[...placed(s, s.kernel), ...(s.ceil ? ["ceil_mode=True"] : []), ...more].join(", ")})`;

// ---- max --------------------------------------------------------------------------------------------------------

/** @satisfies {Kind<Settings>} */
export const max = {
  ...even,
  name: "max",
  ...named("Max"),
  shares: "winner",
  accepts: [...INTEGERS, ...FLOATS],
  settings: ["kernel_size", "stride", "padding", "dilation", "ceil_mode"],
  sliders: [...even.sliders, DILATION],
  of: (get) => ({ ...even.of(get), dilation: pair(get("dilation")) }),
  key: (s) => `max ${numbersOf(s)} ${s.dilation.map((d, i) => (s.kernel[i] > 1 ? d : 1)).join(" ")}`,
  code: (s) => codeOf("MaxPool2d", s, []),
  reads: ({ areWhole, evenly }) => ({ read: (n) => (areWhole(n, 9) ? { ...evenly(n), dilation: n.slice(7) } : null) }),
  pools: ({ byWinner }) => byWinner,
  ghost: () => "−∞",
  sum(s, found, { at }, divisor, output) {
    const values = found.filter((t) => t.what !== "overhang").map((t) => (t.what === "cell" ? at(t.row, t.col) : -Infinity));
    return `max(${listed(values, ", ")}) ${equals(values, output)}`.replaceAll("-inf", "−∞").replaceAll("inf", "∞"); // as in the picture
  },
  notes({ state }, { row, col, found, output, pads }, input) {
    const winner = /** @type {At} */ (state.winner?.(input.channel, row, col));
    const ties = found.filter((t) => t.what === "cell" && input.at(t.row, t.col) === output).length;
    const notes = [`The winner is ${place(winner.row, winner.col)}${ties > 1 ? `, the first of ${ties} that tie` : ""}.`];
    if (Number.isNaN(output)) notes.push("nan beats every number; of several, the last wins.");
    if (pads) notes.push(`${plural(pads, "padded cell")} ${pads === 1 ? "enters" : "enter"} as −∞.`);
    return notes;
  },
  reader(v, found, won) {
    const wins = won.length === found.length && won.length > 1 ? "all" : won.length || "none";
    return `; it wins ${wins}${won.length ? `: ${outputsOf(won)}` : ""}`;
  },
  gave(s, head, u, { winner, ties, cells }) {
    const rest = cells - 1;
    const others = rest ? `; the other ${plural(rest, "cell")} of the window ${rest === 1 ? "gets" : "get"} nothing from it` : "";
    const tied = ties > 1 ? `, the first of ${ties} that tie` : "";
    return `${head} goes whole to the winner, ${place(winner.row, winner.col)}${tied}${others}`;
  },
  got(at, total, from, reading) {
    const won = from.filter(({ winner }) => winner.row === at.row && winner.col === at.col);
    if (!won.length) return `0, because ${from.length === 1 ? `${reading} has another winner` : `it wins none of ${reading}`}`;
    const given = won.map(({ u }) => u);
    const sum = won.length > 1 ? `${summed(given.map(number))} ${equals(given, total)}` : number(total);
    return `${sum}: this cell wins ${plural(won.length, "window")}`;
  },
};

// ---- average ----------------------------------------------------------------------------------------------------

/** @satisfies {Kind<AverageSettings>} */
export const avg = {
  ...even,
  name: "avg",
  ...named("Average"),
  shares: "equal",
  accepts: ["int64", ...FLOATS],
  settings: ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"],
  of: (get) => ({ ...even.of(get), countPad: get("count_include_pad"), divisor: get("divisor_override") }),
  key(s) {
    const counted = s.countPad || s.divisor !== null || Math.max(...s.padding) === 0;
    return `avg ${numbersOf(s)} ${counted ? 1 : 0} ${s.divisor ?? "-"}`;
  },
  code(s) {
    const uncounted = s.countPad ? [] : ["count_include_pad=False"];
    return codeOf("AvgPool2d", s, [...uncounted, ...(s.divisor === null ? [] : [`divisor_override=${s.divisor}`])]);
  },
  reads: ({ areWhole, evenly }) => ({
    read: (n) => (areWhole([...n.slice(0, 8), n[8] ?? 0], 9) && n.length === 9 ? { ...evenly(n), counted: n[7] === 1, divisor: n[8] } : null),
  }),
  pools: ({ byDivisor, divided, sums, toAll }) =>
    byDivisor({
      averages: (p, x, rows, cols) => divided(p, x, sums(x, x.values, rows, cols), rows, cols).map((value) => value + 0), // torch adds it to 0, which loses a -0
      backward: (p, x, rows, cols, sent) => toAll(x, divided(p, x, sent, rows, cols), rows, cols),
    }),
  ghost: (s) => (s.countPad && s.divisor === null ? "0" : "–"),
  sum(s, found, { at, dtype }, divisor, output) {
    const counts = s.countPad && s.divisor === null;
    const entries = found.filter((t) => t.what === "cell" || (t.what === "pad" && counts));
    const values = entries.map((t) => (t.what === "cell" ? at(t.row, t.col) : 0));
    return averageSum(values, divisor, output, dtype);
  },
  notes({ s, state }, { row, col, pads }) {
    const does = s.divisor !== null ? ["adds 0", "add 0"] : s.countPad ? ["counts as 0", "count as 0"] : ["is not counted", "are not counted"];
    return [`Each input cell has a share of ${fraction(1, state.divisorAt(row, col))}.`, ...padded(pads, does)];
  },
  reader({ state }, found) {
    const divisors = [...new Set(found.map((r) => state.divisorAt(r.row, r.col)))].sort((a, b) => a - b);
    return `, with a share of ${divisors.map((n) => fraction(1, n)).join(" or ")}: ${outputsOf(found)}`;
  },
  gave(s, head, u, { cells, divisor, passes, amount }) {
    const each = cells === 1 ? "the one cell of the window gets" : `each of the ${cells} cells of the window gets`;
    const share = `${fraction(u, divisor)}${divisor === 1 ? "" : ` ${equals([], amount)}`}`;
    const text = `of ${head}, ${each} ${share}`;
    if (Math.abs(passes - 1) < 1e-6) return text;
    const part = `${fraction(cells, divisor)} ${equals([], passes)}`;
    const why = s.divisor !== null ? "divisor_override decides how much" : "the rest is lost to padding, which is in the divisor but is no input";
    return `${text}. In all it passes on ${part} of it: ${why}`;
  },
  got(at, total, from, reading) {
    const terms = from.map(({ u, divisor }) => fraction(u, divisor));
    return sharesOf(terms, [], total, reading);
  },
  lost(s) {
    if (s.divisor !== null) return `divisor_override=${s.divisor} decides what is passed on`;
    return "the padding's share is lost. It is counted in the divisor, but it is no input";
  },
};

enter(max, avg);

/** @type {(values: number[], divisor: number, output: number, dtype?: string) => string} */
function averageSum(values, divisor, output, dtype = "float32") {
  const quotient = `(${listed(values, " + ")}) / ${divisor}`;
  if (!/^u?int/.test(dtype)) return `${quotient} ${result(values, (v) => over(v.reduce(plus, NONE), divisor), output, dtype)}`;
  const total = values.map(BigInt).reduce((a, b) => a + b, 0n);
  if (total < -(2n ** 63n) || total >= 2n ** 63n) return `${quotient} gives ${number(output)}: the sum is beyond the range of ${dtype}, and wraps around`;
  if (total % BigInt(divisor)) return `${quotient} gives ${number(output)} in whole numbers: the fraction is dropped`;
  return `${quotient} ${equals(values, output)}`;
}
