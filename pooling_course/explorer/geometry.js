// @ts-check
// Where windows lie, what they read, and where things go on the screen: pure functions, tested under plain Node against
// Python. What differs from one kind of pooling to another is in kinds/.

/**
 * @import { At, Axis, EvenAxis, ListedAxis, Settings, Tap } from "./types.d.ts"
 */

/** @type {(value: any) => any[]} */
export const pair = (value) => (Array.isArray(value) ? value : [value, value]);

// ---- one axis ---------------------------------------------------------------------------------------------------

// Windows of one size, `stride` apart, along an axis of `size` cells.
/** @type {(s: Omit<Settings, "kind">, i: number, size: number) => EvenAxis} */
export function evenAxis(s, i, size) {
  const [k, stride, padding, dilation] = [s.kernel[i], s.stride[i], s.padding[i], s.dilation[i]];
  const reach = dilation * (k - 1) + 1;
  const room = size + 2 * padding - reach;
  const steps = s.ceil ? Math.ceil(room / stride) : Math.floor(room / stride);
  const beyond = s.ceil && steps * stride >= size + padding;
  const out = steps + (beyond ? 0 : 1);
  return { size, k, stride, padding, dilation, reach, steps, beyond, out, end: (out - 1) * stride - padding + reach };
}

// Windows that lie anywhere on an axis of `size` cells: [first, after the last] position of each.
/** @type {(windows: number[][], size: number) => ListedAxis} */
export const listedAxis = (windows, size) => ({ size, out: windows.length, windows, padding: 0, end: size });

/** @type {(from: number, to: number) => number[]} */
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

// The positions that output index `o` reads along the axis, outside ones too.
/** @type {(a: Axis, o: number) => number[]} */
export const taps = (a, o) =>
  a.windows ? range(a.windows[o][0], a.windows[o][1]) : Array.from({ length: a.k }, (_, j) => o * a.stride - a.padding + j * a.dilation);

// The output indices that read input index `at`.
/** @type {(a: Axis, at: number) => number[]} */
export function readers(a, at) {
  if (a.windows) return range(0, a.out).filter((o) => a.windows[o][0] <= at && at < a.windows[o][1]);
  const found = [];
  for (let j = a.k - 1; j >= 0; j--) {
    const start = at + a.padding - j * a.dilation;
    if (start >= 0 && start % a.stride === 0 && start / a.stride < a.out) found.push(start / a.stride);
  }
  return found;
}

// How many windows read each index along the axis.
/** @type {(a: Axis) => number[]} */
export const readCounts = (a) => Array.from({ length: a.size }, (_, at) => readers(a, at).length);

// The rows and columns that no window reads, and how many cells lie in them.
/** @type {(rows: Axis, cols: Axis) => {rows: number[], cols: number[], count: number}} */
export function unreadOf(rows, cols) {
  const [unreadRows, unreadCols] = [rows, cols].map((a) => readCounts(a).flatMap((n, at) => (n ? [] : [at])));
  const count = rows.size * cols.size - (rows.size - unreadRows.length) * (cols.size - unreadCols.length);
  return { rows: unreadRows, cols: unreadCols, count };
}

// Every position a window reads, in reading order, and what it is: "cell", "pad" or "overhang".
/** @type {(rows: Axis, cols: Axis, row: number, col: number) => Tap[]} */
export function windowOf(rows, cols, row, col) {
  /** @type {(a: Axis, at: number) => Tap["what"]} */
  const what = (a, at) => (at >= 0 && at < a.size ? "cell" : at >= -a.padding && at < a.size + a.padding ? "pad" : "overhang");
  /** @type {Tap[]} */
  const found = [];
  for (const r of taps(rows, row)) {
    for (const c of taps(cols, col)) {
      const two = [what(rows, r), what(cols, c)];
      found.push({ row: r, col: c, what: two.includes("overhang") ? "overhang" : two.includes("pad") ? "pad" : "cell" });
    }
  }
  return found;
}

// ---- sizes on the screen ----------------------------------------------------------------------------------------

const LARGEST_CELL = 48;
const CLEAR = 24; // px: a cell this wide shows its number with ease
const THIN = 10; // px of a padded cell where whole ones would take the room of the numbers
export const AXIS = 18; // room for row and column numbers
export const EDGE = 4; // room for what is drawn around the last row and column
export const READABLE = 18; // a cell this wide shows its number

// The side of a cell, and of a padded one, for a grid that fills a box of width x height px and never leaves it.
/**
 * @typedef {{top: number, left: number, bottom: number, right: number}} Margin cells around the grid
 */

/** @type {(width: number, height: number, rows: number, cols: number, margin: Margin, most?: number, thin?: boolean) => {cell: number, pad: number}} */
export function fit(width, height, rows, cols, margin, most = LARGEST_CELL, thin = false) {
  const [wide, tall] = [width - AXIS - EDGE, height - AXIS - EDGE];
  const [across, down] = [margin.left + margin.right, margin.top + margin.bottom];
  /** @param {number} side */
  const whole = (side) => (side > 6 ? Math.floor(side) : side);
  const even = whole(Math.min(most, wide / (cols + across), tall / (rows + down)));
  if ((!across && !down) || (even >= CLEAR && !thin)) return { cell: even, pad: even };
  const inner = whole(Math.min(most, (wide - THIN * across) / cols, (tall - THIN * down) / rows));
  return inner > THIN ? { cell: inner, pad: THIN } : { cell: even, pad: even };
}

// ---- the way of a gradient --------------------------------------------------------------------------------------

// From an output cell to an input cell, along the lines between cells, where no number stands: from the corner of the one
// out of its grid, across to the other, and into the corner of the other. A cell is its corner {x, y}, its side `cell`, and the
// edges of its grid; the input lies above the output, to its left or to its right.
/**
 * @typedef {{x: number, y: number}} Point
 * @typedef {Point & {cell: number, left: number, top: number, right: number, bottom: number}} Spot
 * @typedef {{stacked: boolean, start: Point, out: Point, into: Point, corner: Point, tip: Point}} Way
 */

/** @type {(from: Spot, to: Spot) => Way} */
export function way(from, to) {
  const inset = 0.22 * to.cell; // a number of three signs begins behind it
  if (to.bottom <= from.top) {
    const [x, y] = [to.x + to.cell, to.y + to.cell];
    return {
      stacked: true,
      start: { x: from.x, y: from.y },
      out: { x: from.x, y: from.top },
      into: { x, y: to.bottom },
      corner: { x, y },
      tip: { x: x - inset, y: y - inset },
    };
  }
  const onRight = to.left >= from.right;
  const x = onRight ? to.x : to.x + to.cell;
  return {
    stacked: false,
    start: { x: onRight ? from.x + from.cell : from.x, y: from.y },
    out: { x: onRight ? from.right : from.left, y: from.y },
    into: { x: onRight ? to.left : to.right, y: to.y },
    corner: { x, y: to.y },
    tip: { x: onRight ? x + inset : x - inset, y: to.y + inset },
  };
}
