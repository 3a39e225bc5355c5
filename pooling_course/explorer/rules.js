// @ts-check
// What torch refuses, and numbers as people type them, in the sentences of maths/rules.py, states.py and explorer.py.
import { readNumber } from "../web/numbers.js";
import { FLOATS, short } from "./kinds/kind.js";
import { KINDS } from "./kinds/kinds.js";

/**
 * @import { Asked, Cells, Pair, Spans } from "./types.d.ts"
 * @typedef {{serial?: number, shape: number[]}} Own the upstream gradient that was typed in
 * @typedef {{sizeOf: (p: Asked, input: Cells) => number[], windowsOf: (p: Asked, input: Cells) => Spans[]}} Layout
 */

const MOST_BYTES = 6e6; // of a state
const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;
const EXACT = 2 ** 53; // up to here whole numbers are exact in a float64, as which they reach the page
/** @type {Record<string, Pair>} */
const WHOLE = { uint8: [0, 255], int8: [-128, 127], int16: [-32768, 32767], int32: [-(2 ** 31), 2 ** 31 - 1], int64: [-EXACT, EXACT] };
const HALF = FLOATS.slice(0, 2);
const SIDES = ["height", "width"];

/** @param {Asked} p */
const lineOf = (p) => KINDS[p.kind].code({ ...p, kind: KINDS[p.kind], countPad: p.counted });

// Why a state cannot be, or null.
/** @type {(p: Asked, input: Cells, own: Own, layout: Layout) => string | null} */
export function refusal(p, input, own, { sizeOf, windowsOf }) {
  const refused = ofSettings(p);
  if (refused) return refused;
  const size = sizeOf(p, input);
  return ofSize(p, size, input, windowsOf) ?? ofUpstream(p, size, input, own);
}

/** @param {Asked} p */
function ofSettings({ kernel, stride, padding, dilation, divisor, weights }) {
  /** @type {[string, Pair, number][]} */
  const leasts = [
    ["kernel_size", kernel, 1],
    ["stride", stride, 1],
    ["padding", padding, 0],
    ["dilation", dilation, 1],
  ];
  for (const [name, two, least] of leasts) {
    if (Math.min(...two) < least) return `${name}=${short(two)}: ${name} must be at least ${least}.`;
  }
  const side = weights ? -1 : kernel.findIndex((k, i) => padding[i] > Math.floor(k / 2));
  if (side >= 0) {
    const dilated = Math.max(...dilation) > 1 ? " (dilation does not raise the limit)" : "";
    const limit = `padding may be at most kernel_size // 2 = ${Math.floor(kernel[side] / 2)}${dilated}`;
    return `padding=${short(padding)} with kernel_size=${short(kernel)}: in ${SIDES[side]}, ${limit}; for more, pad first with torch.nn.functional.pad.`;
  }
  return divisor === 0 ? "divisor_override=0: nothing can be divided by 0; use another whole number, or None." : null;
}

/** @type {(p: Asked, size: number[], input: Cells, windowsOf: Layout["windowsOf"]) => string | null} */
function ofSize(p, [tall, wide], input, windowsOf) {
  const { h, w, channels, dtype, values } = input;
  const code = lineOf(p);
  if (bytesOf(p, input) * Math.max(0, tall) * Math.max(0, wide) > MOST_BYTES) {
    return `${code} makes an output of ${channels} x ${tall} x ${wide}, too large to be shown: at most ${MOST_BYTES.toLocaleString("en")} bytes.`;
  }
  const { accepts, shares, unfit } = KINDS[p.kind];
  if (!accepts.includes(dtype)) {
    return `input of dtype ${dtype} on cpu: ${code.split("(")[0]} takes ${accepts.join(", ")} there; convert first, for example with x.float().`;
  }
  if (HALF.includes(dtype)) return `Without Python this page pools float32 and float64, and this input is ${dtype}.`;
  for (const [i, size] of [h, w].entries()) {
    const [pad, dilation] = [p.padding[i], p.dilation[i]];
    const where = `${code} on an input of ${h} x ${w}: in ${SIDES[i]}`;
    if ([tall, wide][i] < 1) return `${where} ${unfit(p, i, size)}.`;
    if (shares === "winner" && pad && dilation > size && isMissed(windowsOf(p, input)[i])) {
      const why = "so a window would read no cell at all, and torch's backward pass would then write outside its memory";
      return `${where}, dilation=${dilation} is larger than the input (${size}) and padding=${pad}, ${why}; take dilation <= ${size}, or padding=0.`;
    }
  }
  if (p.weights && p.weights.weight.length !== channels) {
    const has = `it has weights for ${p.weights.weight.length}`;
    return `${code} on an input with channels=${channels}: ${has}; make the layer with in_channels=out_channels=groups=${channels}.`;
  }
  if (p.weights && ![p.weights.weight, p.weights.bias ?? []].flat(3).every(Number.isFinite))
    return "Without Python this page convolves with finite weights only.";
  const most = EXACT / (shares === "equal" ? p.kernel[0] * p.kernel[1] : 1);
  const tooLong = dtype in WHOLE && values.some((/** @type {number} */ value) => Math.abs(value) > most);
  return tooLong ? "Without Python this page adds whole numbers up to 2**53 only." : null;
}

// How many bytes an output cell takes: in each channel, and an average's divisor and what it passes on.
/** @type {(p: Asked, input: Cells) => number} */
function bytesOf({ kind }, { channels, float, index }) {
  const { shares } = KINDS[kind];
  return Number((shares === "winner" ? index : float)[1]) * channels + (shares === "equal" ? 16 : 0);
}

/** @param {Spans} windows */
const isMissed = ({ from, to }) => from.some((start, o) => start >= to[o]);

/** @type {(p: Asked, size: number[], input: Cells, own: Own) => string | null} */
function ofUpstream({ upstream }, [tall, wide], { channels, dtype }, { serial, shape }) {
  if (upstream === null) return null;
  if (upstream > 0 && serial !== upstream) return "this upstream gradient was replaced by another.";
  if (upstream > 0 && !([1, channels].includes(shape[0]) && shape[1] === tall && shape[2] === wide)) {
    return `an upstream gradient of (${shape.join(", ")}) does not fit this output.`;
  }
  return dtype in WHOLE ? `the input is torch.${dtype}: integers have no gradient; pool x.float() instead.` : null;
}

// ---- numbers as they are typed ------------------------------------------------------------------------------------------

const WHOLE_NUMBER = /^\s*[+-]?\d+(_\d+)*\s*$/;

// The value that a cell of an input of this dtype takes, or why it takes none.
/** @type {(text: string, dtype: string) => {value: number, error?: undefined} | {error: string}} */
export function cellValue(text, dtype) {
  const whole = WHOLE[dtype];
  const value = !whole ? readNumber(text) : WHOLE_NUMBER.test(text) ? Number(text.replaceAll("_", "")) : null;
  if (value === null) return { error: `${quoted(text)} is not a ${whole ? "whole number" : "number, such as -1.5, 1/3 or nan"}; the cell keeps its value.` };
  const most = whole ?? (dtype === "float32" && Number.isFinite(value) ? [-LARGEST_FLOAT32, LARGEST_FLOAT32] : null);
  if (most && !(most[0] <= value && value <= most[1])) return { error: `${quoted(text)} does not fit into torch.${dtype}; the cell keeps its value.` };
  return { value };
}

// The same of an upstream gradient.
/** @type {(text: string) => {value?: number, error?: string}} */
export function upstreamValue(text) {
  const value = readNumber(text);
  return value === null ? { error: `${quoted(text)} is not a number, such as -1.5 or 1/3; the upstream gradient stays as it is.` } : { value };
}

// A text as Python's repr writes it.
/** @param {string} text */
export function quoted(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  return `${mark}${text.replaceAll("\\", "\\\\").replaceAll(mark, `\\${mark}`)}${mark}`;
}
