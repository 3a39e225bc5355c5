// @ts-check
// Whether what is written of a window is so: recomputed in fractions [numerator, denominator], which do not round.
import { equals, isExact, number } from "../web/numbers.js";

/**
 * @typedef {[bigint, bigint]} Fraction
 */

/** @type {Fraction} */
export const NONE = [0n, 1n];
/** @type {(one: Fraction, other: Fraction) => Fraction} */
export function plus([a, b], [c, d]) {
  if (b % d === 0n) return [a + c * (b / d), b]; // both are powers, of 2 or of 10
  return d % b === 0n ? [a * (d / b) + c, d] : [a * d + c * b, b * d];
}
/** @type {(one: Fraction, other: Fraction) => Fraction} */
export const times = ([a, b], [c, d]) => [a * c, b * d];
/** @type {(one: Fraction, divisor: number) => Fraction} */
export const over = ([a, b], divisor) => (divisor < 0 ? [-a, b * BigInt(-divisor)] : [a, b * BigInt(divisor)]);

// As it is written.
/** @type {(text: string) => Fraction} */
function written(text) {
  const [mantissa, exponent = "0"] = text.split("e");
  const [whole, decimals = ""] = mantissa.split(".");
  const shift = Number(exponent) - decimals.length;
  const digits = BigInt(whole + decimals);
  return shift < 0 ? [digits, 10n ** BigInt(-shift)] : [digits * 10n ** BigInt(shift), 1n];
}

// As it is.
/** @type {(value: number) => Fraction} */
function exactly(value) {
  let halvings = 0;
  for (; !Number.isInteger(value); value *= 2) halvings++;
  return [BigInt(value), 2n ** BigInt(halvings)];
}

/** @type {(n: bigint) => bigint} */
const size = (n) => (n < 0n ? -n : n);
/** @type {(one: Fraction, other: Fraction) => boolean} */
const isEqual = ([a, b], [c, d]) => a * d === c * b;
// Whether they are more than half a per cent apart, which shows in three digits.
/** @type {(one: Fraction, other: Fraction) => boolean} */
const isFar = ([a, b], [c, d]) => 200n * size(a * d - c * b) > size(a * d);

// What `calculate` makes of fractions, beside the output: "=" where it is that, else "≈"; and where the dtype is to blame,
// and not the way numbers are written, this is said: it rounds, or it ends.
/**
 * @template T
 * @param {number[]} values
 * @param {(written: Fraction[]) => T} calculate
 * @param {number} output
 * @param {string} [dtype]
 * @param {(found: T, output: Fraction) => boolean} [same]
 * @param {(found: T, output: Fraction) => boolean} [far]
 */
export function result(values, calculate, output, dtype = "float32", same = /** @type {any} */ (isEqual), far = /** @type {any} */ (isFar)) {
  if (!values.every(Number.isFinite)) return equals(values, output);
  if (!Number.isFinite(output)) return `gives ${number(output)}: the sum is beyond the range of ${dtype}`;
  const full = [...values, output].every(isExact);
  if (full && same(calculate(values.map((v) => written(number(v)))), written(number(output)))) return `= ${number(output)}`;
  const blame = full || far(calculate(values.map(exactly)), exactly(output));
  return `≈ ${number(output)}${blame ? `, rounded to ${dtype}` : ""}`;
}

/** @type {(one: Fraction) => number} */
const numberOf = ([a, b]) => Number(a) / Number(b);
/** @type {(a: number, b: number) => boolean} */
const isNear = (a, b) => Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));

// The same, where `calculate` takes and gives numbers, such as roots, that are no fractions.
/** @type {(values: number[], calculate: (written: number[]) => number, output: number, dtype?: string) => string} */
export function resultOf(values, calculate, output, dtype) {
  const apart = (/** @type {number} */ found, /** @type {Fraction} */ wanted) => 200 * Math.abs(found - numberOf(wanted)) > Math.abs(found);
  return result(
    values,
    (v) => calculate(v.map(numberOf)),
    output,
    dtype,
    (found, wanted) => isNear(found, numberOf(wanted)),
    apart,
  );
}
