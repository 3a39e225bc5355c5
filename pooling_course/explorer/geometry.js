// Where windows lie, what they are called, and how numbers read: pure functions, tested under plain Node against Python.
// No pooling happens here: outputs, winners and divisors come from torch.

// ---- settings -------------------------------------------------------------------------------------------------

export const pair = (value) => (Array.isArray(value) ? value : [value, value]);
const same = (two) => two[0] === two[1];
const short = (two) => (same(two) ? `${two[0]}` : `(${two[0]}, ${two[1]})`);

export const isMax = (kind) => kind.endsWith("max");
export const isAverage = (kind) => kind.endsWith("avg");
export const isAdaptive = (kind) => kind.startsWith("adaptive");

// The traits that each kind takes its settings from.
const POOLING = ["kernel_size", "stride", "padding"];
export const OWN = {
  max: [...POOLING, "dilation", "ceil_mode"],
  avg: [...POOLING, "ceil_mode", "count_include_pad", "divisor_override"],
  "adaptive max": ["output_size"],
  "adaptive avg": ["output_size"],
  lp: ["norm_type", "kernel_size", "stride", "ceil_mode"],
  conv: ["weights", "stride", "padding", "dilation"],
};

// The settings of one kind, from the widget's traits; what belongs to others is left at its default.
export function settingsOf(get, kind) {
  const own = (name, other) => (OWN[kind].includes(name) ? get(name) : other);
  const weights = own("weights", null);
  return {
    kind,
    kernel: weights ? [weights.weight[0].length, weights.weight[0][0].length] : pair(own("kernel_size", 1)),
    stride: pair(own("stride", 1)),
    padding: pair(own("padding", 0)),
    dilation: pair(own("dilation", 1)),
    ceil: own("ceil_mode", false),
    countPad: own("count_include_pad", true),
    divisor: own("divisor_override", null),
    size: pair(own("output_size", null)),
    norm: own("norm_type", null),
    weights,
  };
}

// The name under which Python files a state; settings that cannot matter are dropped, so that twins share it.
export function stateKey(s) {
  const { kind, kernel, stride, padding } = s;
  const ceil = s.ceil ? 1 : 0;
  if (isAdaptive(kind)) return `${kind.replace(" ", "-")} ${s.size.map((n) => n ?? "-").join(" ")}`;
  if (kind === "lp") return `lp ${[...kernel, ...stride, ceil, s.norm].join(" ")}`;
  if (kind === "conv") return `conv ${[...stride, ...padding, ...s.dilation].join(" ")}`;
  const dilation = s.dilation.map((d, i) => (kernel[i] > 1 ? d : 1)).join(" ");
  const counted = s.countPad || s.divisor !== null || Math.max(...padding) === 0;
  return `${kind} ${[...kernel, ...stride, ...padding, ceil].join(" ")} ${kind === "max" ? dilation : `${counted ? 1 : 0} ${s.divisor ?? "-"}`}`;
}

const LAYERS = {
  max: "MaxPool2d", avg: "AvgPool2d", "adaptive max": "AdaptiveMaxPool2d", "adaptive avg": "AdaptiveAvgPool2d", lp: "LPPool2d", conv: "Conv2d",
};

export function code(s) {
  const parts = [];
  const channels = s.weights?.weight.length;
  const most = (two) => Math.max(...two);
  if (isAdaptive(s.kind)) parts.push(`output_size=${short(s.size.map((n) => n ?? "None"))}`);
  else {
    if (s.norm !== null) parts.push(`norm_type=${s.norm}`);
    if (channels) parts.push(`in_channels=${channels}`, `out_channels=${channels}`);
    const usual = channels ? [1, 1] : s.kernel;
    parts.push(`kernel_size=${short(s.kernel)}`);
    if (s.stride[0] !== usual[0] || s.stride[1] !== usual[1]) parts.push(`stride=${short(s.stride)}`);
    if (most(s.padding) > 0) parts.push(`padding=${short(s.padding)}`);
    if (most(s.dilation) > 1) parts.push(`dilation=${short(s.dilation)}`);
    if (channels > 1) parts.push(`groups=${channels}`);
    if (channels && !s.weights.bias) parts.push("bias=False");
  }
  if (s.ceil) parts.push("ceil_mode=True");
  if (!s.countPad) parts.push("count_include_pad=False");
  if (s.divisor !== null) parts.push(`divisor_override=${s.divisor}`);
  return `nn.${LAYERS[s.kind]}(${parts.join(", ")})`;
}

// What makes the layer in Python: its code, and for a convolution the weights that are shown, too.
export function recipe(s) {
  if (!s.weights) return code(s);
  const { weight, bias } = s.weights;
  const tensors = { weight: weight.map((plane) => [plane]), ...(bias && { bias }) };
  const given = Object.entries(tensors).map(([name, values]) => `layer.${name}.data = torch.tensor(${JSON.stringify(values)}, dtype=layer.${name}.dtype)`);
  return [`layer = ${code(s)}`, ...given].join("\n");
}

// How neighbouring windows lie.
export function strideHint({ kernel, stride, weights }) {
  if (stride.some((by, i) => by < kernel[i])) return "smaller than kernel_size: windows overlap";
  if (stride.some((by, i) => by > kernel[i])) return "larger than kernel_size: windows leave gaps";
  return weights ? "= kernel_size: windows side by side" : "= kernel_size, the default";
}

// How the windows of adaptive pooling lie.
export function sizeHint(asked, input) {
  if (asked.some((n, i) => n > input[i])) return "larger than the input: cells are read more than once";
  return asked.every((n, i) => input[i] % n === 0) ? "divides the input: even windows, side by side" : "does not divide the input: windows overlap";
}

// ---- one axis ---------------------------------------------------------------------------------------------------

export function axis(s, i, size) {
  if (isAdaptive(s.kind)) return adaptiveAxis(s.size[i] ?? size, size);
  const [k, stride, padding, dilation] = [s.kernel[i], s.stride[i], s.padding[i], s.dilation[i]];
  const reach = dilation * (k - 1) + 1;
  const room = size + 2 * padding - reach;
  const steps = s.ceil ? Math.ceil(room / stride) : Math.floor(room / stride);
  const beyond = s.ceil && steps * stride >= size + padding;
  const out = steps + (beyond ? 0 : 1);
  return { size, k, stride, padding, dilation, reach, steps, beyond, out, end: (out - 1) * stride - padding + reach };
}

// Windows of adaptive pooling: [first, after the last] position of each.
function adaptiveAxis(out, size) {
  const windows = Array.from({ length: out }, (_, o) => [Math.floor((o * size) / out), Math.ceil(((o + 1) * size) / out)]);
  return { size, out, windows, padding: 0, end: size };
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

// The positions that output index `o` reads along the axis, outside ones too.
export const taps = (a, o) =>
  a.windows ? range(...a.windows[o]) : Array.from({ length: a.k }, (_, j) => o * a.stride - a.padding + j * a.dilation);

// The output indices that read input index `at`.
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
export const readCounts = (a) => Array.from({ length: a.size }, (_, at) => readers(a, at).length);

// The rows and columns that no window reads, and how many cells lie in them.
export function unreadOf(rows, cols) {
  const [unreadRows, unreadCols] = [rows, cols].map((a) => readCounts(a).flatMap((n, at) => (n ? [] : [at])));
  const count = rows.size * cols.size - (rows.size - unreadRows.length) * (cols.size - unreadCols.length);
  return { rows: unreadRows, cols: unreadCols, count };
}

export function formula(s, i, size) {
  const a = axis(s, i, size);
  if (a.windows) return `window i of ${a.out} reads floor(i * ${size} / ${a.out}) up to, not including, ceil((i + 1) * ${size} / ${a.out})`;
  const reach = a.dilation > 1 ? `${a.dilation}*(${a.k} - 1) - 1` : `${a.k}`;
  const rounding = s.ceil ? "ceil" : "floor";
  const text = `${rounding}((${size} + 2*${a.padding} - ${reach}) / ${a.stride}) + 1 = ${a.steps + 1}`;
  return a.beyond ? `${text}, less 1 (the last window would start in the right padding) = ${a.out}` : text;
}

// The largest kernel_size, up to `most`, that still leaves a window on an input of h x w: in height, and in width.
export function largestKernel(s, h, w, most) {
  return [h, w].map((size, i) => {
    const fits = (k) => axis({ ...s, kernel: [k, k], padding: s.padding.map((p) => Math.min(p, Math.floor(k / 2))) }, i, size).out > 0;
    let k = most;
    while (k > 1 && !fits(k)) k--;
    return k;
  });
}

export const NORM_STEP = 0.5;

// The settings one slider step away.
export function neighbours(s) {
  const found = [];
  const shift = (two, by, low) => two.map((v) => Math.max(low, v + by));
  for (const by of [1, -1]) {
    if (isAdaptive(s.kind)) {
      found.push({ ...s, size: s.size.map((n) => n && Math.max(1, n + by)) });
      continue;
    }
    if (s.kind === "lp") found.push({ ...s, norm: Math.max(NORM_STEP, s.norm + by * NORM_STEP) });
    const kernel = shift(s.kernel, by, 1);
    if (!s.weights) found.push({ ...s, kernel, padding: s.padding.map((p, i) => Math.min(p, Math.floor(kernel[i] / 2))) });
    found.push({ ...s, stride: shift(s.stride, by, 1) });
    const padding = shift(s.padding, by, 0);
    if (OWN[s.kind].includes("padding") && padding.every((p, i) => p <= Math.floor(s.kernel[i] / 2))) found.push({ ...s, padding });
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

const signed = (value) => (number(value).startsWith("-") ? `(${number(value)})` : number(value));
const listed = (values, separator) => joined(values.map(separator === " + " ? signed : number), separator);

function joined(texts, separator) {
  const shown = texts.length > LONGEST_SUM ? [...texts.slice(0, 4), `… ${texts.length - 5} more …`, texts[texts.length - 1]] : texts;
  return shown.join(separator);
}

const maxSum = (values, output) => `max(${listed(values, ", ")}) ${equals(values, output)}`;

function averageSum(values, divisor, output, whole) {
  const quotient = `(${listed(values, " + ")}) / ${divisor}`;
  if (whole) return `${quotient} gives ${number(output)} in whole numbers: the fraction is dropped`;
  return `${quotient} ${equals(values, output)}`;
}

// `area` counts the positions of a whole window.
function normSum(values, norm, area, output) {
  const power = norm === 1 ? "" : `^${number(norm)}`;
  const scale = values.length === area ? "" : ` * ${area}/${values.length}`;
  const powers = joined(values.map((v) => signed(v) + power), " + ");
  const scaled = scale ? `(${powers})${scale}` : powers;
  return `${norm === 1 ? scaled : `(${scaled})^(1/${number(norm)})`} ${equals(values, output)}`;
}

// `terms` are [weight, value]; `bias` may be null.
function weightedSum(terms, bias, output) {
  const products = joined(terms.map(([w, v]) => `${signed(w)}*${signed(v)}`), " + ");
  const added = bias === null ? "" : ` + ${signed(bias)} (bias)`;
  return `${products || "0"}${added} ${equals([...terms.flat(), ...(bias === null ? [] : [bias])], output)}`;
}

// What enters the maximum or the sum of a window, padding included where torch includes it.
function entries(s, found, valueAt) {
  const counts = isMax(s.kind) || (isAverage(s.kind) && s.countPad && s.divisor === null);
  return found
    .filter((t) => t.what === "cell" || (t.what === "pad" && counts))
    .map((t) => (t.what === "cell" ? valueAt(t.row, t.col) : isMax(s.kind) ? -Infinity : 0));
}

// The maximum, the sum or the norm of one window in words; `found` is what it reads.
export function sumOf(s, found, valueAt, channel, divisor, output, whole) {
  const values = entries(s, found, valueAt);
  if (isMax(s.kind)) return maxSum(values, output);
  if (isAverage(s.kind)) return averageSum(values, divisor, output, whole);
  if (s.kind === "lp") return normSum(values, s.norm, found.length, output);
  const weights = s.weights.weight[channel].flat();
  const terms = found.flatMap((t, i) => (t.what === "cell" ? [[weights[i], valueAt(t.row, t.col)]] : []));
  return weightedSum(terms, s.weights.bias?.[channel] ?? null, output);
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
