// The colours of look.css, and values as colours.

export const luminance = ([r, g, b]) => {
  const linear = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};

const hex = (text) => [1, 3, 5].map((i) => parseInt(text.trim().slice(i, i + 2), 16));

// 256 colours [r, g, b] between evenly spaced stops.
function colours(stops) {
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((from, c) => Math.round(from + (at - low) * (stops[low + 1][c] - from)));
  });
}

// The look as the style sheet says it; null while the element is not in the page, or its style not loaded.
export function readLook(root) {
  const css = getComputedStyle(root);
  const get = (name) => css.getPropertyValue(`--pc-${name}`).trim();
  if (!get("signed")) return null;
  const look = { font: css.fontFamily };
  for (const name of ["ink", "paper", "raised", "muted", "line", "hairline", "window", "reader"]) look[name] = get(name);
  look.values = colours(get("values").split(",").map(hex));
  look.signed = colours(get("signed").split(",").map(hex));
  return look;
}

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

const MISSING = [140, 140, 148]; // nan
export function rgb(table, scale, v) {
  if (Number.isNaN(v)) return MISSING;
  const span = scale.high - scale.low;
  const at = span > 0 ? Math.max(0, Math.min(1, (v - scale.low) / span)) : 0.5;
  return table[Math.round(at * 255)];
}

export const inkOn = (colour) => (luminance(colour) > 0.179 ? "#000" : "#fff"); // the better of the two is always above 4.5 : 1
