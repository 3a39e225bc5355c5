// Where windows lie, what they are called, and how numbers read: pure functions, tested under plain Node against Python.
// No pooling happens here: outputs, winners and divisors come from torch.

// ---- settings -------------------------------------------------------------------------------------------------

export const pair = (value) => (Array.isArray(value) ? value : [value, value]);
const same = (two) => two[0] === two[1];
const short = (two) => (same(two) ? `${two[0]}` : `(${two[0]}, ${two[1]})`);

// The settings of one kind, from the widget's traits; what belongs to the other kind is left at its default.
export function settingsOf(get, kind) {
  const max = kind === "max";
  return {
    kind,
    kernel: pair(get("kernel_size")),
    stride: pair(get("stride")),
    padding: pair(get("padding")),
    dilation: max ? pair(get("dilation")) : [1, 1],
    ceil: get("ceil_mode"),
    countPad: max || get("count_include_pad"),
    divisor: max ? null : get("divisor_override"),
  };
}

// The name under which Python files a state; settings that cannot matter are dropped, so that twins share it.
export function stateKey(s) {
  const numbers = [...s.kernel, ...s.stride, ...s.padding].join(" ");
  const dilation = s.dilation.map((d, i) => (s.kernel[i] > 1 ? d : 1)).join(" ");
  const counted = s.countPad || s.divisor !== null || Math.max(...s.padding) === 0;
  const rest = s.kind === "max" ? dilation : `${counted ? 1 : 0} ${s.divisor ?? "-"}`;
  return `${s.kind} ${numbers} ${s.ceil ? 1 : 0} ${rest}`;
}

export function code(s) {
  const parts = [`kernel_size=${short(s.kernel)}`];
  if (s.stride[0] !== s.kernel[0] || s.stride[1] !== s.kernel[1]) parts.push(`stride=${short(s.stride)}`);
  if (Math.max(...s.padding) > 0) parts.push(`padding=${short(s.padding)}`);
  if (Math.max(...s.dilation) > 1) parts.push(`dilation=${short(s.dilation)}`);
  if (s.ceil) parts.push("ceil_mode=True");
  if (!s.countPad) parts.push("count_include_pad=False");
  if (s.divisor !== null) parts.push(`divisor_override=${s.divisor}`);
  return `nn.${s.kind === "max" ? "MaxPool2d" : "AvgPool2d"}(${parts.join(", ")})`;
}

// How neighbouring windows lie.
export function strideHint({ kernel, stride }) {
  if (stride.some((by, i) => by < kernel[i])) return "smaller than kernel_size: windows overlap";
  if (stride.some((by, i) => by > kernel[i])) return "larger than kernel_size: windows leave gaps";
  return "= kernel_size, the default";
}

// ---- one axis ---------------------------------------------------------------------------------------------------

export function axis(s, i, size) {
  const [k, stride, padding, dilation] = [s.kernel[i], s.stride[i], s.padding[i], s.dilation[i]];
  const reach = dilation * (k - 1) + 1;
  const room = size + 2 * padding - reach;
  const steps = s.ceil ? Math.ceil(room / stride) : Math.floor(room / stride);
  const beyond = s.ceil && steps * stride >= size + padding;
  const out = steps + (beyond ? 0 : 1);
  return { size, k, stride, padding, dilation, reach, steps, beyond, out, end: (out - 1) * stride - padding + reach };
}

// The positions that output index `o` reads along the axis, outside ones too.
export const taps = (a, o) => Array.from({ length: a.k }, (_, j) => o * a.stride - a.padding + j * a.dilation);

// The output indices that read input index `at`.
export function readers(a, at) {
  const found = [];
  for (let j = a.k - 1; j >= 0; j--) {
    const start = at + a.padding - j * a.dilation;
    if (start >= 0 && start % a.stride === 0 && start / a.stride < a.out) found.push(start / a.stride);
  }
  return found;
}

// How many windows read each index along the axis.
export const readCounts = (a) => Array.from({ length: a.size }, (_, at) => readers(a, at).length);

// The rows and columns that no window reads, and how many cells lie in them.
export function unreadOf(rows, cols) {
  const [unreadRows, unreadCols] = [rows, cols].map((a) => readCounts(a).flatMap((n, at) => (n ? [] : [at])));
  const count = rows.size * cols.size - (rows.size - unreadRows.length) * (cols.size - unreadCols.length);
  return { rows: unreadRows, cols: unreadCols, count };
}

export function formula(s, i, size) {
  const a = axis(s, i, size);
  const reach = a.dilation > 1 ? `${a.dilation}*(${a.k} - 1) - 1` : `${a.k}`;
  const rounding = s.ceil ? "ceil" : "floor";
  const text = `${rounding}((${size} + 2*${a.padding} - ${reach}) / ${a.stride}) + 1 = ${a.steps + 1}`;
  return a.beyond ? `${text}, less 1 (the last window would start in the right padding) = ${a.out}` : text;
}

// The largest kernel_size, up to `most`, that still leaves a window on an input of h x w.
export function largestKernel(s, h, w, most) {
  const fits = (k) => {
    const t = { ...s, kernel: [k, k], padding: s.padding.map((p) => Math.min(p, Math.floor(k / 2))) };
    return axis(t, 0, h).out > 0 && axis(t, 1, w).out > 0;
  };
  let k = most;
  while (k > 1 && !fits(k)) k--;
  return k;
}

// The settings one slider step away.
export function neighbours(s) {
  const found = [];
  const shift = (two, by, low) => two.map((v) => Math.max(low, v + by));
  for (const by of [1, -1]) {
    const kernel = shift(s.kernel, by, 1);
    found.push({ ...s, kernel, padding: s.padding.map((p, i) => Math.min(p, Math.floor(kernel[i] / 2))) });
    found.push({ ...s, stride: shift(s.stride, by, 1) });
    const padding = shift(s.padding, by, 0);
    if (padding.every((p, i) => p <= Math.floor(s.kernel[i] / 2))) found.push({ ...s, padding });
  }
  return found;
}

// ---- one window -------------------------------------------------------------------------------------------------

// Every position a window reads, in reading order, and what it is: "cell", "pad" or "overhang".
export function windowOf(rows, cols, row, col) {
  const what = (a, at) =>
    at >= 0 && at < a.size ? "cell" : at >= -a.padding && at < a.size + a.padding ? "pad" : "overhang";
  const found = [];
  for (const r of taps(rows, row)) {
    for (const c of taps(cols, col)) {
      const kinds = [what(rows, r), what(cols, c)];
      found.push({ row: r, col: c, what: kinds.includes("overhang") ? "overhang" : kinds.includes("pad") ? "pad" : "cell" });
    }
  }
  return found;
}

// ---- words (words.py says the same) -----------------------------------------------------------------------------

const DECIMALS = 4;
const LONGEST_SUM = 16;
const isSame = (text, value) => Number(text) === value || (Math.abs(value) < 3e38 && Math.fround(Number(text)) === value);
const strip = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

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

const isExact = (value) => Number.isNaN(value) || isSame(number(value).replace("inf", "Infinity"), value);
export const about = (value) => `${isExact(value) ? "" : "≈ "}${number(value)}`;
export const equals = (values, output) => `${[...values, output].every(isExact) ? "=" : "≈"} ${number(output)}`;

function listed(values, separator) {
  let texts = values.map(number);
  if (texts.length > LONGEST_SUM) texts = [...texts.slice(0, 4), `… ${texts.length - 5} more …`, texts[texts.length - 1]];
  return texts.map((t) => (separator === " + " && t.startsWith("-") ? `(${t})` : t)).join(separator);
}

export const maxSum = (values, output) => `max(${listed(values, ", ")}) ${equals(values, output)}`;

export function averageSum(values, divisor, output, whole) {
  const quotient = `(${listed(values, " + ")}) / ${divisor}`;
  if (whole) return `${quotient} gives ${number(output)} in whole numbers: the fraction is dropped`;
  return `${quotient} ${equals(values, output)}`;
}

// What enters the maximum or the sum of a window, padding included where torch includes it.
export function entries(s, found, valueAt) {
  const counts = s.kind === "max" || (s.countPad && s.divisor === null);
  return found
    .filter((t) => t.what === "cell" || (t.what === "pad" && counts))
    .map((t) => (t.what === "cell" ? valueAt(t.row, t.col) : s.kind === "max" ? -Infinity : 0));
}

export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
export const place = (row, col) => `row ${row}, column ${col}`;

// ---- sizes on the screen ----------------------------------------------------------------------------------------

const LARGEST_CELL = 44;
const LARGEST_PICTURE = 420;
export const AXIS = 22; // room for row and column numbers
export const READABLE = 24; // a cell this wide shows its number
const GAP = 16;

// The side of one input cell in px. Small grids show numbers, and their outputs keep the cell size; larger ones are
// pictures, and their outputs are enlarged to the size of the input, so that detail can be compared.
export function fit(width, h, w, margin, outputs, growth) {
  const room = (columns) => width / columns - AXIS - GAP;
  const [tall, wide] = [h + margin.top + margin.bottom, w + margin.left + margin.right];
  const beside = (width - (outputs + 1) * (AXIS + GAP)) / (wide + outputs * (w + growth));
  const stacked = room(1) / Math.max(wide, w + growth);
  const cell = Math.floor(Math.min(LARGEST_CELL, beside >= READABLE ? beside : stacked));
  if (cell >= READABLE && cell * tall <= 1.5 * LARGEST_PICTURE) return { cell, readable: true };
  const columns = width < 560 ? 1 : width < 800 ? 2 : 3;
  const side = Math.min(room(columns), LARGEST_PICTURE);
  const small = Math.min(side / wide, side / tall, READABLE - 1);
  return { cell: small > 6 ? Math.floor(small) : small, readable: false };
}

// ---- the way of a gradient --------------------------------------------------------------------------------------

// From an output cell to an input cell, along the lines between cells, where no number stands: from the corner of the one
// out of its grid, across to the other, and into the corner of the other. A cell is its corner {x, y}, its side `cell`, and the
// edges of its grid; the input lies above the output or to its left.
export function way(from, to) {
  const [inset, stacked] = [0.25 * to.cell, to.bottom <= from.top];
  if (stacked) {
    const line = to.x + to.cell;
    const tip = { x: line - inset, y: to.y + to.cell - inset };
    return { stacked, start: { x: from.x, y: from.y }, out: { x: from.x, y: from.top }, into: { x: line, y: to.bottom }, corner: { x: line, y: to.y + to.cell }, tip };
  }
  const tip = { x: to.x + to.cell - inset, y: to.y + inset };
  return { stacked, start: { x: from.x, y: from.y }, out: { x: from.left, y: from.y }, into: { x: to.right, y: to.y }, corner: { x: to.x + to.cell, y: to.y }, tip };
}
