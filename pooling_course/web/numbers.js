// @ts-check
// How numbers read: short, and "≈" where they are not the whole truth; and how they are typed. words.py says the same.

const DECIMALS = 4;
const LONGEST_SUM = 16;
/** @type {(text: string, value: number) => boolean} */
const isSame = (text, value) => Number(text) === value || (Math.abs(value) < 3e38 && Math.fround(Number(text)) === value);
/** @type {(text: string) => string} */
const strip = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** @param {number} value */
export function number(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e6) {
    for (let decimals = 0; decimals <= DECIMALS; decimals++) {
      const text = value.toFixed(decimals);
      if (isSame(text, value)) return text;
    }
    if (size >= 1e-3) return strip(value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(size)))));
  }
  const [mantissa, exponent] = value.toExponential(2).split("e");
  return `${strip(mantissa)}e${Number(exponent)}`;
}

/** @type {(value: number) => boolean} */
export const isExact = (value) => Number.isNaN(value) || isSame(number(value).replace("inf", "Infinity"), value);
/** @type {(value: number) => string} */
export const about = (value) => `${isExact(value) ? "" : "≈ "}${number(value)}`;
/** @type {(values: number[], output: number) => string} */
export const equals = (values, output) => `${[...values, output].every(isExact) ? "=" : "≈"} ${number(output)}`;

/** @type {(value: number) => string} */
export const signed = (value) => (number(value).startsWith("-") ? `(${number(value)})` : number(value));
/** @type {(values: number[], separator: string) => string} */
export const listed = (values, separator) => joined(values.map(separator === " + " ? signed : number), separator);

/** @type {(texts: string[], separator: string) => string} */
export function joined(texts, separator) {
  const shown = texts.length > LONGEST_SUM ? [...texts.slice(0, 4), `… ${texts.length - 5} more …`, texts[texts.length - 1]] : texts;
  return shown.join(separator);
}

// ---- as they are typed -------------------------------------------------------------------------------------------------

const NUMBER = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i;

// The number that a text says, null for none: a comma or a true minus will do, and a fraction.
/** @type {(text: string) => number | null} */
export function readNumber(text) {
  const parts = text.replaceAll(",", ".").replaceAll("−", "-").split("/");
  const trimmed = parts.map((part) => part.trim().toLowerCase());
  if (trimmed.length > 2 || !trimmed.every((part) => NUMBER.test(part))) return null;
  const [value, divisor = 1] = trimmed.map((part) => (part.endsWith("nan") ? Number.NaN : Number(part.replace(/inf(inity)?/, "Infinity"))));
  return divisor === 0 ? null : value / divisor;
}
