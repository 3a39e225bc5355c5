// @ts-check
// The colours of look.css, and values as colours.

/**
 * @typedef {number[]} Colour red, green and blue, 0 to 255
 * @typedef {{low: number, high: number}} Scale
 * @typedef {{font: string, ink: string, paper: string, muted: string, line: string, window: string, reader: string,
 *   values: Colour[], signed: Colour[], reads: Colour[], hatching?: any}} Look
 */

/** @param {Colour} colour */
export const luminance = ([r, g, b]) => {
  const linear = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};

/** @type {(text: string) => Colour} */
const hex = (text) => [1, 3, 5].map((i) => parseInt(text.trim().slice(i, i + 2), 16));

// 256 colours [r, g, b] between evenly spaced stops.
/** @param {Colour[]} stops */
function colours(stops) {
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((from, c) => Math.round(from + (at - low) * (stops[low + 1][c] - from)));
  });
}

// The look as the style sheet says it; null while the element is not in the page, or its style not loaded.
/** @type {(root: Element) => Look | null} */
export function readLook(root) {
  const css = getComputedStyle(root);
  /** @param {string} name */
  const get = (name) => css.getPropertyValue(`--pc-${name}`).trim();
  if (!get("signed")) return null;
  return {
    font: css.fontFamily,
    ink: get("ink"),
    paper: get("paper"),
    muted: get("muted"),
    line: get("line"),
    window: get("window"),
    reader: get("reader"),
    values: colours(get("values").split(",").map(hex)),
    signed: colours(get("signed").split(",").map(hex)),
    reads: colours(get("reads").split(",").map(hex)),
  };
}

/** @param {Iterable<number>} values */
export function scaleOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) {
    if (Number.isFinite(v)) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
  }
  return low <= high ? { low, high } : { low: 0, high: 1 };
}

// How far a value lies from low (0) to high (1); by halves, since the whole way may be longer than the largest number.
/** @type {(v: number, scale: Scale) => number} */
const partOfScale = (v, { low, high }) => (v / 2 - low / 2) / (high / 2 - low / 2);

const MISSING = [140, 140, 148]; // nan
/** @type {(table: Colour[], scale: Scale, v: number) => Colour} */
export function rgb(table, scale, v) {
  if (Number.isNaN(v)) return MISSING;
  const at = scale.high > scale.low ? Math.max(0, Math.min(1, partOfScale(v, scale))) : 0.5;
  return table[Math.round(at * 255)];
}

/** @type {(colour: Colour) => string} */
export const inkOn = (colour) => (luminance(colour) > 0.179 ? "#000" : "#fff"); // the better of the two is always above 4.5 : 1
