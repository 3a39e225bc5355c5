// @ts-check
// Canvas drawing: the look of cells, windows, winners and padding, from the CSS variables of look.css.
import { inkOn, rgb, scaleOf } from "../web/colour.js";
import { number } from "../web/numbers.js";
import { AXIS, EDGE, READABLE, readCounts, taps } from "./geometry.js";

/**
 * @import { Colour, Look, Scale } from "../web/colour.js"
 * @import { Margin, Spot, Way } from "./geometry.js"
 * @import { At, Axis } from "./types.d.ts"
 * @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Ctx
 * @typedef {HTMLCanvasElement & {ratio?: number, parts?: any[]}} Canvas what it was last sized for, and shows
 * @typedef {{parts: any[], canvas: OffscreenCanvas}} Picture
 * @typedef {{parts: any[], paint: (ctx: Ctx) => void, shown?: boolean, picture?: Picture}} Sheet cells of a grid, whether they have
 *   been seen, and the picture that is kept from then on
 * @typedef {{rows: number, cols: number, cell: number, x(col: number): number, y(row: number): number}} Place
 * @typedef {Place & {key: string, pad: number, margin: Margin, width: number, height: number}} Frame
 * @typedef {At & {shape: string, rows: number, cols: number, along?: number}} Mark `along` says how far it has come
 * @typedef {Way & {cell: number, amount: number, text: string}} Route
 */

/** @param {Colour} colour */
const css = ([r, g, b]) => `rgb(${r},${g},${b})`;
/** @type {(a: any[] | undefined, b: any[]) => boolean | undefined} */
export const alike = (a, b) => a?.length === b.length && a.every((part, i) => part === b[i]);

const FAR_OUT = 3; // times the range of the middle half of the values, as in a box plot

// The scale of all values but those far away from most: one of them would leave all others the same colour.
/** @param {Float32Array | Float64Array} values */
export function robustScale(values) {
  const whole = scaleOf(values);
  const sorted = values.filter(Number.isFinite).sort();
  const [low, high] = [0.25, 0.75].map((part) => sorted[Math.floor(part * (sorted.length - 1))]);
  const reach = FAR_OUT * (high - low);
  if (!(reach > 0) || (whole.low >= low - reach && whole.high <= high + reach)) return whole;
  return scaleOf(sorted.filter((v) => v >= low - reach && v <= high + reach));
}

// The context of a canvas, emptied and of at least this size; null where it still shows all the `parts` it showed before.
// It grows and hardly ever shrinks, because a new backing store at every slider step would cost more than the drawing.
/** @type {(canvas: Canvas, width: number, height: number, parts: any[]) => CanvasRenderingContext2D | null} */
export function sizeCanvas(canvas, width, height, parts) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.ceil(width * ratio)), Math.max(1, Math.ceil(height * ratio))];
  const now = [...parts, w, h];
  if (canvas.ratio === ratio && alike(canvas.parts, now)) return null;
  canvas.parts = now;
  const fits = canvas.width >= w && canvas.height >= h && canvas.width * canvas.height < 9 * w * h + 1e6;
  if (!fits || canvas.ratio !== ratio) {
    Object.assign(canvas, { width: w, height: h, ratio });
    canvas.style.width = `${w / ratio}px`;
    canvas.style.height = `${h / ratio}px`;
  }
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, canvas.width / ratio, canvas.height / ratio);
  return ctx;
}

// Keep a picture for as long as what it shows stays the same; `paint(ctx)` makes it, `parts` say what it shows.
/** @type {(kept: Picture | undefined, parts: any[], width: number, height: number, paint: (ctx: OffscreenCanvasRenderingContext2D) => void) => Picture} */
export function keptPicture(kept, parts, width, height, paint) {
  const ratio = window.devicePixelRatio || 1;
  const now = [...parts, width, height, ratio];
  if (kept && alike(kept.parts, now)) return kept;
  const canvas = new OffscreenCanvas(Math.ceil(width * ratio), Math.ceil(height * ratio));
  const ctx = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.scale(ratio, ratio);
  ctx.direction = "ltr"; // a canvas in the explorer has it from base.css, and this one would have the page's
  paint(ctx);
  return { parts: now, canvas };
}

/** @type {(ctx: Ctx, picture: Picture, x: number, y: number) => void} */
export function drawPicture(ctx, { canvas }, x, y) {
  const ratio = window.devicePixelRatio || 1;
  ctx.drawImage(canvas, x, y, canvas.width / ratio, canvas.height / ratio);
}

// A frame places cell (row, col) on a canvas; the margin keeps room for padding, whose cells may be smaller.
/** @type {(rows: number, cols: number, cell: number, margin?: Margin, pad?: number) => Frame} */
export function frameOf(rows, cols, cell, margin = { top: 0, left: 0, bottom: 0, right: 0 }, pad = cell) {
  /** @type {(at: number, before: number, size: number) => number} */
  const along = (at, before, size) => AXIS + (before + Math.min(at, 0)) * pad + Math.max(0, Math.min(at, size)) * cell + Math.max(0, at - size) * pad;
  /** @param {number} col */
  const x = (col) => along(col, margin.left, cols);
  /** @param {number} row */
  const y = (row) => along(row, margin.top, rows);
  const key = [rows, cols, cell, pad, ...Object.values(margin)].join(" ");
  return { key, rows, cols, cell, pad, margin, x, y, width: x(cols + margin.right) + EDGE, height: y(rows + margin.bottom) + EDGE };
}

const SMALL = 30; // px: a cell in which longer numbers lose decimals

/** @type {(v: number, cell?: number) => string} */
export const label = (v, cell = SMALL) => {
  const text = number(v).replace("inf", "∞").replace("-", "−");
  if (cell < SMALL && text.includes(".") && !text.includes("e")) return shortened(text, v);
  if (text.length <= 6) return text;
  const rounded = Number(v.toPrecision(2));
  return (Math.abs(rounded) < 1e5 && Math.abs(rounded) >= 1e-3 ? `${rounded}` : v.toExponential(0)).replace("e+", "e").replace("-", "−");
};

// For small cells: .25 in place of 0.25, and 11.3 in place of 11.25.
/** @type {(text: string, v: number) => string} */
function shortened(text, v) {
  const short = text.length > 4 ? `${Number(v.toPrecision(Math.abs(v) < 1 ? 2 : 3))}`.replace("-", "−") : text;
  return short.replace(/^(−?)0\./, "$1.");
}

// Writes into the middle of cells: digits of 12 px from clear cells on.
/** @type {(ctx: Ctx, look: Look, cell: number) => (text: string, x: number, y: number, colour: string, size?: number) => void} */
function writer(ctx, look, cell) {
  let font = 0;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  return (text, x, y, colour, size = Math.max(0.36, Math.min(0.5, 12 / cell))) => {
    const px = Math.min(cell * size, (cell * 0.84) / (text.length * 0.58));
    if (px !== font) ctx.font = `${px}px ${look.font}`;
    font = px;
    ctx.fillStyle = colour;
    ctx.fillText(text, x, y + px * 0.05);
  };
}

/** @type {OffscreenCanvas | undefined} */
let scratch;
/** @type {ImageData | undefined} */
let painted; // kept, at the size of the largest, since one for each picture would keep the garbage collector busy

// A whole array of values as pixels: what is many is looked up and written as it lies.
/** @type {(ctx: Ctx, frame: Place, values: ArrayLike<number>, table: Colour[], scale: Scale) => void} */
export function paintMap(ctx, frame, values, table, scale) {
  const { rows, cols } = frame;
  const [width, height] = [Math.max(cols, painted?.width ?? 0), Math.max(rows, painted?.height ?? 0)];
  if (painted?.width !== width || painted.height !== height) painted = new ImageData(width, height);
  const pixels = new Uint32Array(painted.data.buffer);
  /** @param {Colour} colour */
  const word = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0; // as every browser's machine lays out a pixel
  const colours = Uint32Array.from(table, word);
  const missing = word(rgb(table, scale, NaN));
  const [low, high] = [scale.low / 2, scale.high / 2]; // see partOfScale
  const span = high - low;
  const flat = !(high > low); // all alike: the middle
  for (let r = 0, i = 0; r < rows; r++) {
    for (let to = r * width; to < r * width + cols; to++, i++) {
      const v = values[i];
      const at = flat && !Number.isNaN(v) ? 0.5 : (v / 2 - low) / span;
      const rounded = at < 1 ? (at * 255 + 0.5) | 0 : 255; // in half the time that Math.round takes
      pixels[to] = at >= 0 ? colours[rounded] : at < 0 ? colours[0] : missing;
    }
  }
  paintImage(ctx, frame, painted);
}

/** @type {(ctx: Ctx, frame: Place, colourAt: (row: number, col: number) => Colour | false) => void} */
function paintPixels(ctx, frame, colourAt) {
  const { rows, cols } = frame;
  const image = new ImageData(cols, rows);
  const { data } = image;
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++, i += 4) {
      const colour = /** @type {Colour} */ (colourAt(r, c));
      data[i] = colour[0];
      data[i + 1] = colour[1];
      data[i + 2] = colour[2];
      data[i + 3] = 255;
    }
  }
  paintImage(ctx, frame, image);
}

/** @type {(ctx: Ctx, frame: Place, image: ImageData) => void} */
function paintImage(ctx, frame, image) {
  const { rows, cols, cell } = frame;
  scratch ??= new OffscreenCanvas(1, 1); // one for all: a new one would cost more than the drawing
  if (scratch.width < cols) scratch.width = cols;
  if (scratch.height < rows) scratch.height = rows;
  scratch.getContext("2d")?.putImageData(image, 0, 0, 0, 0, cols, rows);
  ctx.imageSmoothingEnabled = cell < 1;
  ctx.drawImage(scratch, 0, 0, cols, rows, frame.x(0), frame.y(0), cols * cell, rows * cell);
}

const NOTED = 25; // px of a cell that has room for a note

// Values as coloured cells, with numbers where they can be read, and a note under them where there is room;
// `colourAt(row, col)` gives [r, g, b].
/**
 * @param {Ctx} ctx
 * @param {Look} look
 * @param {Place} frame
 * @param {(row: number, col: number) => Colour | false} colourAt
 * @param {(row: number, col: number) => number} valueAt
 * @param {At} [from]
 * @param {((row: number, col: number) => string) | null} [noteAt]
 * @param {(value: number, cell: number) => string} [inWords]
 */
export function paintCells(ctx, look, frame, colourAt, valueAt, from = { row: 0, col: 0 }, noteAt = null, inWords = label) {
  const { rows, cols, cell } = frame;
  if (cell < READABLE) {
    paintPixels(ctx, frame, colourAt);
    return;
  }
  const write = writer(ctx, look, cell);
  /** @type {Parameters<typeof write>[]} */
  const notes = []; // written last: to change the font from number to note would cost more than writing
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const [row, col] = [r + from.row, c + from.col];
      const colour = colourAt(row, col);
      if (!colour) continue;
      ctx.fillStyle = css(colour);
      ctx.fillRect(frame.x(c), frame.y(r), cell - 1, cell - 1);
      const note = cell >= NOTED && noteAt?.(row, col);
      const [x, y, ink] = [frame.x(c) + cell / 2, frame.y(r) + cell / 2, inkOn(colour)];
      write(inWords(valueAt(row, col), cell), x, note ? y - cell * 0.12 : y, ink);
      if (note) notes.push([note, x, y + cell * 0.28, ink, Math.max(0.24, 9 / cell)]);
    }
  }
  for (const note of notes) write(...note);
}

// Row and column numbers along the edges, `near` (rows, columns) cells away from the grid.
/** @type {(ctx: Ctx, look: Look, frame: Place, near?: number[]) => void} */
export function paintIndices(ctx, look, frame, near = [0, 0]) {
  const { rows, cols, cell } = frame;
  const every = Math.max(1, Math.ceil(20 / cell));
  const step = every === 1 ? 1 : ([2, 5, 10, 20, 50, 100, 200].find((n) => n >= every) ?? every);
  const size = Math.min(11, Math.max(9, cell * 0.3));
  ctx.font = `${size}px ${look.font}`;
  ctx.fillStyle = look.muted;
  ctx.textAlign = "center";
  ctx.textBaseline = "bottom";
  for (let c = 0; c < cols; c += step) ctx.fillText(`${c}`, frame.x(c) + Math.max(cell, 8) / 2, frame.y(-near[0]) - 2);
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (let r = 0; r < rows; r += step) ctx.fillText(`${r}`, frame.x(-near[1]) - 4, frame.y(r) + Math.max(cell, 8) / 2);
}

// Padding as dashed ghost cells that show what torch puts there; overhang dotted and empty.
/** @type {(ctx: Ctx, look: Look, frame: Place & {pad?: number}, rows: Axis, cols: Axis, text: string) => void} */
export function paintBorder(ctx, look, frame, rows, cols, text) {
  const { cell, pad = cell } = frame;
  const [top, left] = [-rows.padding, -cols.padding];
  const [bottom, right] = [rows.size + rows.padding, cols.size + cols.padding];
  const [end, far] = [Math.max(bottom, rows.end), Math.max(right, cols.end)];
  if (cell < READABLE) {
    ctx.lineWidth = 1;
    /** @type {(dash: number[], r0: number, c0: number, r1: number, c1: number) => void} */
    const box = (dash, r0, c0, r1, c1) => {
      ctx.setLineDash(dash);
      ctx.strokeStyle = look.muted;
      ctx.strokeRect(frame.x(c0), frame.y(r0), frame.x(c1) - frame.x(c0), frame.y(r1) - frame.y(r0));
    };
    if (rows.padding || cols.padding) box([4, 3], top, left, bottom, right);
    if (end > bottom || far > right) box([1, 3], top, left, end, far);
    ctx.setLineDash([]);
    return;
  }
  const write = writer(ctx, look, cell);
  const notes = cell < 40 ? text.split(" | ") : [text]; // one under the other where a cell is too narrow for both
  const size = Math.max(0.33, Math.min(notes.length > 1 ? 0.38 : 0.42, 11 / cell));
  for (let r = top; r < end; r++) {
    for (let c = left; c < far; c++) {
      if (r >= 0 && r < rows.size && c >= 0 && c < cols.size) continue;
      const padded = r < bottom && c < right;
      ctx.setLineDash(padded ? [3, 3] : [1, 4]);
      ctx.strokeStyle = padded ? look.line : look.muted;
      ctx.lineWidth = 1;
      const [x, y, width, height] = [frame.x(c), frame.y(r), frame.x(c + 1) - frame.x(c), frame.y(r + 1) - frame.y(r)];
      ctx.strokeRect(x + 1.5, y + 1.5, width - 4, height - 4);
      if (!padded || pad < READABLE) continue;
      for (const [i, note] of notes.entries()) {
        write(note, x + width / 2, y + height * (0.48 + 0.4 * (i - (notes.length - 1) / 2)), look.muted, size);
      }
    }
  }
  ctx.setLineDash([]);
}

// Rows and columns that no window reads: hatched, on any colour, and around the numbers of cells that show them.
/** @type {(ctx: Ctx, look: Look, frame: Place, unread: {rows: number[], cols: number[], count: number}) => void} */
export function paintHatch(ctx, look, frame, unread) {
  if (!unread.count) return;
  const { rows, cols, cell } = frame;
  ctx.beginPath();
  for (const row of unread.rows) ctx.rect(frame.x(0), frame.y(row), cols * cell, cell);
  for (const col of unread.cols) ctx.rect(frame.x(col), frame.y(0), cell, rows * cell);
  ctx.fillStyle = hatching(ctx, look, Math.max(4, Math.round(cell / 5)));
  if (cell < READABLE) return ctx.fill();
  ctx.save();
  ctx.clip();
  ctx.beginPath();
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const [x, y] = [frame.x(col), frame.y(row)];
      ctx.rect(x, y, cell, cell);
      ctx.rect(x + 0.1 * cell, y + 0.2 * cell, 0.8 * cell, 0.7 * cell);
    }
  }
  ctx.fill("evenodd");
  ctx.restore();
}

const SLANTS = [
  { colour: "rgba(0,0,0,.75)", shift: 0 },
  { colour: "rgba(255,255,255,.75)", shift: 1.4 },
];

// Slanted lines, dark beside light, as a pattern that repeats every `step` px: line by line, they cost more than all the rest.
/** @type {(ctx: Ctx, look: Look, step: number) => CanvasPattern} */
function hatching(ctx, look, step) {
  look.hatching = keptPicture(look.hatching, [step], step, step, (own) => {
    own.lineWidth = 1.2;
    for (const { colour, shift } of SLANTS) {
      own.strokeStyle = colour;
      own.beginPath();
      for (const x of [shift - step, shift, shift + step]) {
        own.moveTo(x + 2 * step, -step);
        own.lineTo(x - step, 2 * step);
      }
      own.stroke();
    }
  });
  const pattern = /** @type {CanvasPattern} */ (ctx.createPattern(look.hatching.canvas, "repeat"));
  pattern.setTransform(new DOMMatrix().scale(step / look.hatching.canvas.width));
  return pattern;
}

const MOST_GHOSTS = 400;

// All windows at once, on paper: each a pale sheet with an outline, so that where they overlap the colour adds up; on top of
// them the numbers.
/** @type {(ctx: Ctx, look: Look, frame: Place, rows: Axis, cols: Axis, valueAt: (row: number, col: number) => number) => void} */
export function paintGhosts(ctx, look, frame, rows, cols, valueAt) {
  const most = Math.max(...readCounts(rows)) * Math.max(...readCounts(cols));
  ctx.save();
  ctx.globalAlpha = frame.cell < READABLE ? 0.6 : 1;
  ctx.fillStyle = look.paper;
  ctx.fillRect(frame.x(0), frame.y(0), frame.x(frame.cols) - frame.x(0), frame.y(frame.rows) - frame.y(0));
  ctx.strokeStyle = ctx.fillStyle = look.window;
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
  const every = Math.ceil(Math.sqrt(Math.max(1, (rows.out * cols.out) / MOST_GHOSTS))); // of too many, some
  for (let row = 0; row < rows.out; row += every) {
    for (let col = 0; col < cols.out; col += every) {
      const [r, c] = [taps(rows, row), taps(cols, col)];
      const [x, y] = [frame.x(c[0]), frame.y(r[0])];
      const [width, height] = [frame.x(c[c.length - 1] + 1) - x, frame.y(r[r.length - 1] + 1) - y];
      const inset = 1 + (2 * ((row + col) % 3)) / every; // neighbours' outlines do not lie on each other
      ctx.globalAlpha = Math.min(0.12, 0.6 / most);
      ctx.fillRect(x + inset, y + inset, width - 2 * inset, height - 2 * inset);
      ctx.globalAlpha = 0.6;
      ctx.strokeRect(x + inset, y + inset, width - 2 * inset - 1, height - 2 * inset - 1);
    }
  }
  ctx.restore();
  if (frame.cell < READABLE) return;
  const write = writer(ctx, look, frame.cell);
  for (let r = 0; r < frame.rows; r++) {
    for (let c = 0; c < frame.cols; c++) write(label(valueAt(r, c), frame.cell), frame.x(c) + frame.cell / 2, frame.y(r) + frame.cell / 2, look.ink);
  }
}

const LINED = 4; // px from which an empty cell has a line around it

// The cells that are not computed yet: those after the one that was reached last.
/** @type {(ctx: Ctx, look: Look, frame: Place, reached: At) => void} */
export function paintEmpty(ctx, look, frame, { row, col }) {
  const { x, y, cell, rows, cols } = frame;
  /** @type {(from: At, rows: number, cols: number) => void} */
  const empty = (from, rows, cols) => {
    ctx.fillStyle = look.paper;
    ctx.fillRect(x(from.col), y(from.row), Math.max(0, cols) * cell, Math.max(0, rows) * cell);
  };
  if (row >= 0 && row < rows) empty({ row, col: col + 1 }, 1, cols - col - 1);
  empty({ row: row + 1, col: 0 }, rows - row - 1, cols);
  if (cell < LINED) return;
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = look.line;
  for (let i = Math.max(0, row * cols + Math.min(col, cols - 1) + 1); i < rows * cols; i++) {
    ctx.strokeRect(x(i % cols) + 0.5, y(Math.floor(i / cols)) + 0.5, cell - 2, cell - 2);
  }
}

// A number on its way from one cell to another, on an arc; `along` says how far it has come.
/** @type {(ctx: Ctx, look: Look, from: Spot, to: Spot, along: number, chip: {text: string, colour: Colour}) => void} */
export function paintChip(ctx, look, from, to, along, { text, colour }) {
  /** @type {(a: number, b: number) => number} */
  const between = (a, b) => a + (b - a) * along;
  const side = Math.max(16, 0.8 * between(from.cell, to.cell));
  const x = between(from.x + from.cell / 2, to.x + to.cell / 2);
  const y = between(from.y + from.cell / 2, to.y + to.cell / 2) - 24 * Math.sin(Math.PI * along);
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.roundRect(x - side / 2, y - side / 2, side, side, side / 5);
  ctx.fillStyle = css(colour);
  ctx.fill();
  for (const { colour: line, width } of strong(look, 2, 2)) {
    ctx.strokeStyle = line;
    ctx.lineWidth = width;
    ctx.stroke();
  }
  writer(ctx, look, side)(text, x, y, inkOn(colour));
}

// Windows, readers and winners.
/** @type {(ctx: Ctx, look: Look, frame: Place, marks: Mark[]) => void} */
export function paintMarks(ctx, look, frame, marks) {
  for (const { shape, row, col, rows, cols, along = 0 } of marks) {
    if (shape === "ring") ring(ctx, look, frame, row, col);
    else if (shape === "pale") pale(ctx, look, frame, row, col, along);
    else if (shape === "pulse") pulse(ctx, look, frame, row, col, along);
    else outline(ctx, look, frame, row, col, rows, cols, shape);
  }
}

const PALE = 0.68;

/** @type {(ctx: Ctx, look: Look, frame: Place, row: number, col: number, along: number) => void} */
function pale(ctx, look, frame, row, col, along) {
  ctx.globalAlpha = PALE * along;
  ctx.fillStyle = look.paper;
  ctx.fillRect(frame.x(col), frame.y(row), frame.cell - 1, frame.cell - 1);
  ctx.globalAlpha = 1;
}

const OUT = 10; // px that a ring goes out

/** @type {(ctx: Ctx, look: Look, frame: Place, row: number, col: number, along: number) => void} */
function pulse(ctx, look, frame, row, col, along) {
  ctx.setLineDash([]);
  ctx.strokeStyle = look.window;
  ctx.lineWidth = 2;
  for (const behind of [0, 0.4]) {
    const out = OUT * Math.max(0, along - behind);
    ctx.globalAlpha = 1 - out / OUT;
    ctx.beginPath();
    ctx.roundRect(frame.x(col) - out, frame.y(row) - out, frame.cell + 2 * out, frame.cell + 2 * out, 3 + out / 2);
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

// What shows on every colour: a halo of paper under a strong line.
/** @type {(look: Look, width: number, halo: number) => {colour: string, width: number}[]} */
const strong = (look, width, halo) => [
  { colour: look.paper, width: width + halo },
  { colour: look.window, width },
];

// An outline that shows on every colour: a halo of paper under a strong line; dashed for readers.
/** @type {(ctx: Ctx, look: Look, frame: Place, row: number, col: number, rows: number, cols: number, style: string) => void} */
function outline(ctx, look, frame, row, col, rows, cols, style) {
  const [x, y] = [frame.x(col), frame.y(row)];
  /** @type {[number, number, number, number]} */
  const box = [x - 0.5, y - 0.5, Math.max(frame.x(col + cols) - x, 3), Math.max(frame.y(row + rows) - y, 3)];
  ctx.setLineDash([]);
  ctx.strokeStyle = look.paper;
  ctx.lineWidth = 6;
  ctx.strokeRect(...box);
  ctx.strokeStyle = style === "reader" ? look.reader : look.window;
  ctx.lineWidth = 3;
  ctx.setLineDash(style === "reader" ? [6, 3] : []);
  ctx.strokeRect(...box);
  ctx.setLineDash([]);
}

// The winner: a ring that hugs the edge of its cell, clear of the number, and a flag in the corner.
/** @type {(ctx: Ctx, look: Look, frame: Place, row: number, col: number) => void} */
function ring(ctx, look, frame, row, col) {
  const { cell } = frame;
  const [x, y] = [frame.x(col) - 0.5, frame.y(row) - 0.5];
  const inset = cell < 12 ? 0 : 2.5;
  const side = Math.max(3, cell - 2 * inset);
  for (const { colour, width } of strong(look, 2, 2)) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.beginPath();
    ctx.roundRect(x + inset, y + inset, side, side, side * 0.28);
    ctx.stroke();
  }
  if (cell < 16) return;
  const flag = Math.min(8, cell * 0.22);
  ctx.beginPath();
  ctx.moveTo(frame.x(col + 1) - 1 - flag, frame.y(row));
  ctx.lineTo(frame.x(col + 1) - 1, frame.y(row));
  ctx.lineTo(frame.x(col + 1) - 1, frame.y(row) + flag);
  ctx.closePath();
  ctx.fillStyle = look.window;
  ctx.fill();
}

const MOST_LABELS = 9;

// Arrows along the ways that geometry.js finds, as wide as their amount; numbers where there are few.
/** @type {(ctx: Ctx, look: Look, routes: Route[], most: number) => void} */
export function paintRoutes(ctx, look, routes, most) {
  ctx.lineCap = ctx.lineJoin = "round";
  /** @param {Route} route */
  const widthOf = ({ cell, amount }) => (1.5 + (4.5 * Math.abs(amount)) / (most || 1)) * Math.max(0.5, Math.min(1, cell / 40));
  for (const route of routes) {
    const { stacked, start, out, into, corner } = route;
    // what pulls the curve, on its way out and in
    const from = stacked ? { x: out.x, y: into.y } : { x: into.x, y: out.y };
    const to = stacked ? { x: into.x, y: out.y } : { x: out.x, y: into.y };
    for (const { colour, width: line } of strong(look, widthOf(route), 3)) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = line;
      ctx.beginPath();
      ctx.moveTo(start.x, start.y);
      ctx.lineTo(out.x, out.y);
      ctx.bezierCurveTo(from.x, from.y, to.x, to.y, into.x, into.y);
      ctx.lineTo(corner.x, corner.y);
      ctx.stroke();
    }
  }
  for (const route of routes) paintHead(ctx, look, route, widthOf(route)); // no line of another lies over it
  paintAmounts(ctx, look, routes);
}

// The head of an arrow, within its cell: it does not reach the corner, which belongs to four cells.
/** @type {(ctx: Ctx, look: Look, route: Route, width: number) => void} */
function paintHead(ctx, look, { corner, tip }, width) {
  const [x, y] = [tip.x - corner.x, tip.y - corner.y];
  const angle = Math.atan2(y, x);
  const head = Math.min(1.2 * (3 + 1.6 * width), (Math.hypot(x, y) - 1) / Math.cos(0.5));
  for (const { colour, width: line } of strong(look, width, 3)) {
    const size = head + 0.6 * (line - width);
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.moveTo(tip.x, tip.y);
    for (const side of [0.5, -0.5]) ctx.lineTo(tip.x - size * Math.cos(angle + side), tip.y - size * Math.sin(angle + side));
    ctx.closePath();
    ctx.fill();
  }
}

// Numbers where the arrows leave the grid; one for all where they carry the same.
/** @type {(ctx: Ctx, look: Look, routes: Route[]) => void} */
function paintAmounts(ctx, look, routes) {
  const alike = new Set(routes.map(({ text }) => text)).size === 1;
  if (routes.length > MOST_LABELS && !alike) return;
  ctx.font = `600 12px ${look.font}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.lineWidth = 1;
  ctx.strokeStyle = look.window;
  /** @type {{text: string, width: number, x: number, y: number, at: number}[]} `at` is where it would stand if it were alone */
  const placed = [];
  for (const { text, out, into, stacked } of (alike ? routes.slice(0, 1) : routes).filter((route) => route.text)) {
    const width = ctx.measureText(text).width + 8;
    const beside = into.x > out.x ? width / 2 + 8 : -AXIS - width / 2;
    const at = stacked ? out.y - AXIS - 8 : out.y;
    const box = { text, width, x: stacked ? out.x : out.x + beside, y: at, at };
    /** @param {typeof box} other */
    const meets = (other) => Math.abs(other.y - box.y) < 18 && Math.abs(other.x - box.x) < (other.width + width) / 2 + 2;
    if (placed.some((other) => other.text === text && meets({ ...other, y: other.at }))) continue;
    while (placed.some(meets)) box.y -= 18;
    placed.push(box);
    ctx.fillStyle = look.paper;
    ctx.fillRect(box.x - width / 2, box.y - 8, width, 16);
    ctx.strokeRect(box.x - width / 2, box.y - 8, width, 16);
    ctx.fillStyle = look.ink;
    ctx.fillText(text, box.x, box.y);
  }
}
