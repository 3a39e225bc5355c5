// @ts-check
// What an explorer shows, as the end of an address: `#explorer=1&kernel_size=3&x=...`. Nobody but the page reads it, and whoever
// opens a link may have been sent anything. So every name and value must be one that is known here and in range, each once:
// nothing of it is ever run or becomes HTML, and a link with one fault is refused as a whole, in a sentence.
import { KINDS, SLIDERS } from "./kinds/kinds.js";
import { quoted } from "./rules.js";
import { arrayOf } from "./states.js";

/**
 * @import { Numbers, Slider } from "./types.d.ts"
 * @typedef {{shape: number[], dtype: string, values: Numbers}} Block numbers that travel in a link
 * @typedef {Record<string, any>} Traits what is shown: the explorer's traits; `x`, `own` and `plane` are Blocks
 * @typedef {{write(value: any): string, read(text: string, known: Known): any}} Form how a value is written; read gives undefined for what is none
 * @typedef {{presets: string[]}} Known the names of the inputs that the page has
 */

export const VERSION = 1;
const MARK = "explorer=";
export const LONGEST_LINK = 20_000; // characters: a photo of 3 x 64 x 64 fits
const CUT = 40; // characters of a faulty part that a sentence repeats

// The two kinds that stand side by side, by the first of them.
/** @type {Record<string, string[]>} */
export const FAMILIES = Object.fromEntries(Object.values(KINDS).map(({ twins }) => [twins[0], twins]));
/** @type {(kinds: string[]) => string} */
export const familyOf = (kinds) => /** @type {string} */ (Object.keys(FAMILIES).find((name) => `${FAMILIES[name]}` === `${kinds}`));
// Whether the first of them has weights.
/** @param {string} family */
export const learns = (family) => KINDS[family].settings.includes("weights");

// ---- values -----------------------------------------------------------------------------------------------------------

/** @type {(low: number, high: number) => Form} */
const whole = (low, high) => ({
  write: String,
  read(text) {
    const value = /^-?\d{1,7}$/.test(text) ? Number(text) : NaN;
    return value >= low && value <= high ? value : undefined;
  },
});

/** @type {(low: number, high: number) => Form} */
const decimal = (low, high) => ({
  write: String,
  read(text) {
    const value = /^\d{1,3}(\.\d{1,17})?$/.test(text) ? Number(text) : NaN;
    return value >= low && value <= high ? value : undefined;
  },
});

// One number, or two as 3x2, height first.
/** @type {(form: Form) => Form} */
const pairOf = (form) => ({
  write: (value) => [value].flat().map(form.write).join("x"),
  read(text, known) {
    const two = text.split("x").map((part) => form.read(part, known));
    if (two.length > 2 || two.includes(undefined)) return undefined;
    return two.length === 1 ? two[0] : two;
  },
});

/** @type {(form: Form) => Form} */
const always = (form) => ({
  ...pairOf(form),
  read(text, known) {
    const two = pairOf(form).read(text, known);
    return Array.isArray(two) ? two : undefined;
  },
});

// What a slider sets.
/** @type {(slider: Slider) => Form} */
function formOf({ both, least, step, largest }) {
  const one = (Number.isInteger(step) ? whole : decimal)(least, largest);
  return both ? pairOf(one) : one;
}

// A word of a list, which may hold spaces.
/** @type {(words: (known: Known) => string[]) => Form} */
const oneOf = (words) => ({
  write: (word) => word.replaceAll(" ", "-"),
  read: (text, known) => words(known).find((word) => word.replaceAll(" ", "-") === text),
});

/** @type {Form} */
const FLAG = { write: (on) => (on ? "1" : "0"), read: (text) => ({ 0: false, 1: true })[text] };

/** @type {Form} */
const SLUG = { write: String, read: (text) => (/^[a-z][a-z0-9-]{0,79}\.\d{1,2}$/.test(text) ? text : undefined) };

// ---- numbers by the block: shape, dtype and packing, then their bytes in base64 ---------------------------------------------

/** @type {Record<string, [number, number] | null>} */
const DTYPES = {
  float32: null,
  float64: null,
  float16: null,
  bfloat16: null,
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 53), 2 ** 53],
};

// How a number is packed, the shortest first: small whole numbers, 255ths as those of a photo, any float32, any number.
/** @type {Record<string, {bytes: number, pack(values: number[]): ArrayLike<number> & ArrayBufferView, unpack(data: Uint8Array, count: number): number[]}>} */
const PACKED = {
  i1: { bytes: 1, pack: (values) => Int8Array.from(values), unpack: (data) => [...new Int8Array(data.buffer)] },
  p1: {
    bytes: 1,
    pack: (values) => Uint8Array.from(values, (v) => Math.round(v * 255)),
    unpack: (data) => Array.from(data, (v) => Math.fround(v / 255)),
  },
  f4: { bytes: 4, pack: (values) => Float32Array.from(values), unpack: (data, count) => [...arrayOf("f4", data, 0, count)] },
  f8: { bytes: 8, pack: (values) => Float64Array.from(values), unpack: (data, count) => [...arrayOf("f8", data, 0, count)] },
};

/** @param {ArrayBufferView} view */
export const rawOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);
/** @param {Uint8Array} data */
const toText = (data) =>
  btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

/** @param {string} text */
function fromText(text) {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

/** @type {(rank: number[], most: number, least?: number) => Form} */
const block = (ranks, most, least = 1) => ({
  write({ shape, dtype, values }) {
    const list = [...values];
    /** @param {string} name */
    const holds = (name) => PACKED[name].unpack(rawOf(PACKED[name].pack(list)), list.length).every((v, i) => Object.is(v, list[i]));
    const packing = /** @type {string} */ (Object.keys(PACKED).find((name) => name === "f8" || holds(name)));
    return [(shape[0] === 1 && shape.length === 3 ? shape.slice(1) : shape).join("x"), dtype, packing, toText(rawOf(PACKED[packing].pack(list)))].join(".");
  },
  read(text) {
    const [sizes, dtype, packing, payload, ...rest] = text.split(".");
    if (payload === undefined || rest.length || !Object.hasOwn(PACKED, packing) || !Object.hasOwn(DTYPES, dtype)) return undefined;
    const shape = sizes.split("x").map((size) => whole(least, most).read(size, { presets: [] }));
    if (!ranks.includes(shape.length) || shape.includes(undefined)) return undefined;
    const count = shape.reduce((a, b) => a * b);
    const { bytes, unpack } = PACKED[packing];
    const data = payload.length === Math.ceil((count * bytes * 4) / 3) ? fromText(payload) : null;
    if (data?.length !== count * bytes) return undefined;
    const values = unpack(data, count);
    const range = DTYPES[dtype];
    if (range && !values.every((v) => Number.isInteger(v) && v >= range[0] && v <= range[1])) return undefined;
    if (dtype === "float32" && !values.every((v) => Object.is(Math.fround(v), v))) return undefined;
    return { shape, dtype, values: dtype === "float64" || range ? Float64Array.from(values) : Float32Array.from(values) };
  },
});

// ---- what a link may say, and what it says by saying nothing -------------------------------------------------------------------

const SIDE = 512; // cells
/** @type {Record<string, Form>} */
const FORMS = {
  at: SLUG,
  family: oneOf(() => Object.keys(FAMILIES)),
  kind: oneOf(() => Object.keys(KINDS)),
  compare: FLAG,
  direction: oneOf(() => ["forward", "backward"]),
  ...Object.fromEntries(SLIDERS.map((slider) => [slider.name, formOf(slider)])),
  ceil_mode: FLAG,
  count_include_pad: FLAG,
  divisor_override: { ...whole(-1e6, 1e6), read: (text, known) => whole(-1e6, 1e6).read(text, known) || undefined },
  plane: block([2], 11),
  upstream_mode: oneOf(() => ["ones", "chosen", "own"]),
  chosen: always(whole(0, SIDE)),
  own: block([2, 3], SIDE),
  channel: whole(0, 4096),
  cells: oneOf(() => ["values", "all windows", "reads", "divisors"]),
  preset: oneOf(({ presets }) => presets),
  x: block([2, 3], SIDE),
  large: always(whole(1, SIDE)), // the size of an input that no link can carry
};

/** @type {Traits} */
export const DEFAULTS = {
  family: "max",
  kind: "max",
  compare: false,
  direction: "forward",
  ...Object.fromEntries(SLIDERS.map(({ name, usual }) => [name, usual])),
  ceil_mode: false,
  count_include_pad: true,
  divisor_override: null,
  upstream_mode: "ones",
  chosen: [0, 0],
  channel: 0,
  cells: "values",
};

/** @type {(a: any, b: any) => boolean} */
const same = (a, b) => `${[a, a].flat().slice(0, 2)}` === `${[b, b].flat().slice(0, 2)}`;

// The end of the address that shows this again; what it does not say is as in DEFAULTS, and an input that is not said is the page's own.
/** @param {Traits} shown */
export function linkOf(shown) {
  const said = Object.keys(FORMS).filter(
    (name) => shown[name] !== undefined && shown[name] !== null && !(name in DEFAULTS && same(shown[name], DEFAULTS[name])),
  );
  return `#${MARK}${[VERSION, ...said.map((name) => `${name}=${FORMS[name].write(shown[name])}`)].join("&")}`;
}

/** @param {string} text */
const cutOff = (text) => quoted(text.length > CUT ? `${text.slice(0, CUT)}…` : text);
const INSTEAD = "so the explorer opens as the page has it";

// What a link says: null where the end of an address is no link to an explorer, else all that is shown, or why it is not.
/** @type {(hash: string, known: Known) => null | {shown: Traits, error?: undefined} | {error: string, shown?: undefined}} */
export function readLink(hash, known) {
  hash = hash.replace(/%(3d|26)/gi, decodeURIComponent); // so some programs send "=" and "&"
  if (!hash.startsWith(`#${MARK}`)) return null;
  if (hash.length > LONGEST_LINK)
    return {
      error: `This link has ${hash.length.toLocaleString("en")} characters, more than the ${LONGEST_LINK.toLocaleString("en")} that a link may have, ${INSTEAD}.`,
    };
  const [version, ...parts] = hash.slice(1 + MARK.length).split("&");
  if (/^\d{1,6}$/.test(version) && Number(version) > VERSION) {
    return { error: `This link was made by a later version of the course (its format is ${version}, and this page reads ${VERSION}), ${INSTEAD}.` };
  }
  /** @type {(part: string, why: string) => {error: string}} */
  const damaged = (part, why) => ({ error: `This link is damaged: ${cutOff(part)} ${why}; ${INSTEAD}.` });
  if (version !== `${VERSION}`) return damaged(version, "is no version of it");
  /** @type {Traits} */
  const said = {};
  for (const part of parts) {
    const [, name, text] = part.match(/^([a-z_]+)=([\w.-]*)$/) ?? [];
    if (text === undefined || !Object.hasOwn(FORMS, name)) return damaged(part, "is no setting of an explorer");
    if (Object.hasOwn(said, name)) return damaged(part, "is said twice");
    const value = FORMS[name].read(text, known);
    if (value === undefined) return damaged(part, "is not a value that it can have");
    said[name] = value;
  }
  const shown = { ...DEFAULTS, ...said };
  const misfit = misfitOf(shown, said);
  return misfit ? damaged(misfit, "does not go with the rest") : { shown };
}

// What contradicts the rest, or is missing from it.
/** @type {(shown: Traits, said: Traits) => string | undefined} */
function misfitOf(shown, said) {
  const kinds = FAMILIES[shown.family];
  if (!said.kind) shown.kind = kinds[0];
  if (!kinds.includes(shown.kind)) return `kind=${FORMS.kind.write(shown.kind)}`;
  if ([said.x, said.preset, said.large].filter((one) => one !== undefined).length > 1) return "x";
  if (said.plane && (!learns(shown.family) || !said.plane.values.every(Number.isFinite))) return "plane";
  return shown.upstream_mode === "own" && !said.own ? "upstream_mode=own" : undefined;
}

// ---- between a link and an explorer --------------------------------------------------------------------------------------------

/** @type {Block} the weights that a convolution has where none are given: those of a mean */
export const MEAN = { shape: [3, 3], dtype: "float32", values: new Float32Array(9).fill(Math.fround(1 / 9)) };

// The weights of a convolution of an input of this shape: the same plane for each channel.
/** @type {(plane: Block, shape: number[]) => {weight: number[][][], bias: null}} */
export function weightsOf({ shape: [rows, cols], values }, [channels]) {
  const plane = Array.from({ length: rows }, (_, r) => [...values.slice(r * cols, (r + 1) * cols)]);
  return { weight: Array(channels).fill(plane), bias: null };
}

// Numbers as an explorer takes an input: see Packer.cells in states.py.
/** @param {Block} block */
export function cellsOf({ shape, dtype, values }) {
  const whole = Boolean(DTYPES[dtype]);
  const planes = shape.length === 2 ? [1, ...shape] : shape;
  const float = dtype === "float64" || whole ? "f8" : "f4";
  const list = float === "f8" ? Float64Array.from(values) : Float32Array.from(values);
  return { shape: planes, float, index: planes[1] * planes[2] <= 2 ** 16 ? "u2" : "u4", whole, dtype, data: rawOf(list), part: "" };
}

// What an explorer shows, for linkOf. Of its input nothing is said where it is the page's own, `book`; `left` says what no link
// can carry.
/** @type {(view: any, book: any, place?: string) => {shown: Traits, left: string}} */
export function shownBy(view, book, place) {
  const { get, states, channel, cells } = view;
  const { shape, dtype, values } = states.input;
  const traits = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, get(name) ?? undefined]));
  const family = familyOf(get("kinds"));
  /** @type {Traits} */
  const shown = { ...traits, at: place, family, channel, cells };
  const weights = learns(family) && !place ? get("weights")?.weight[0] : null;
  if (weights) shown.plane = { shape: [weights.length, weights[0].length], dtype: "float64", values: weights.flat() };
  const own = get("own");
  if (own.data && shown.upstream_mode === "own") {
    const count = own.shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b);
    shown.own = { shape: own.shape, dtype: "float64", values: arrayOf("f8", own.data, 0, count) };
  }
  if (get("book") === book) return { shown, left: "" };
  if (get("preset")) return { shown: { ...shown, preset: get("preset") }, left: "" };
  const whole = { ...shown, x: { shape, dtype, values } };
  if (values.length <= LONGEST_LINK && linkOf(whole).length <= LONGEST_LINK) return { shown: whole, left: "" };
  const size = shape.slice(-2);
  return { shown: { ...shown, large: size }, left: `the input of ${size.join(" × ")}` };
}
