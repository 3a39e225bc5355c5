// @ts-check
// What stands beside the grids: the code, the formula, weights, and numbers where cells are too small for them.
import { list, make, update } from "../web/dom.js";
import { number } from "../web/numbers.js";
import { taps } from "./geometry.js";
import { frameOf, paintCells, paintMarks, sizeCanvas } from "./paint.js";
import { mark, windowMarks } from "./pointing.js";
import { arrayOf } from "./states.js";

/**
 * @import { Explorer } from "./explorer.js"
 * @import { Place } from "./pointing.js"
 * @import { Numbers, Shown } from "./types.d.ts"
 */

const LENS = 7; // cells across
const LENS_CELL = 24; // px
const APART = 14; // px between the lens and what it shows
const MOST_ROWS = 32;

// The layers in Python, and the sizes of their outputs, worked out.
/** @param {Explorer} view */
export function drawCode(view) {
  const { h, w } = view.states.input;
  const row = () => make("div", {}, make("code"), make("button", { type: "button", onclick: (event) => copy(view, event.target) }, "Copy"));
  list(view.code, view.shown, row, ({ children: [text, button] }, { kind, s }) => {
    const line = kind.code(s);
    update(text, { text: line, title: line });
    update(button, { "aria-label": `Copy ${line}${kind.learned(s) ? " and its weights" : ""}`, copies: s });
  });
  const texts = view.shown.map(({ kind, s }) => {
    const [height, width] = [kind.formula(s, 0, h), kind.formula(s, 1, w)];
    return height === width ? [`height and width: ${height}`] : [`height: ${height}`, `width: ${width}`];
  });
  const alike = texts.every((two) => `${two}` === `${texts[0]}`);
  const said = alike ? texts[0] : texts.flatMap((two, i) => two.map((text) => `${view.shown[i].kind.title}, ${text}`));
  const formulas = view.shown.every((v) => v.state.error) ? [] : said;
  scrollFormula(view, formulas);
  list(view.formula, formulas, formulaLine, ({ children: [of, text] }, line) => {
    const [, head = "", rest] = line.match(/^(height and width: )?(.*)$/) ?? [];
    update(of, { text: head });
    update(text, { text: rest });
  });
}

const LETTER = 7.3; // px
const BESIDE = 96; // px of the button beside a line of code, and of gaps

// Where formulas are longer than the room beside the code, they scroll, by keyboard, too; on a phone they stand under it.
/** @type {(view: Explorer, formulas: string[]) => void} */
function scrollFormula({ root, formula, shown, width }, formulas) {
  const code = Math.max(...shown.map(({ kind, s }) => kind.code(s).length)) * LETTER + BESIDE;
  const letters = (width - Math.min(code, 0.68 * width)) / LETTER;
  const lines = formulas.reduce((sum, text) => sum + Math.ceil(text.replace("height and width: ", "").length / letters), 0);
  const more = root.dataset.room !== "narrow" && lines > 2 * shown.length;
  update(formula, { className: more ? "pc-formula pc-long" : "pc-formula" });
  scrolls(formula, "Formula", more);
}

// Of both axes at once, which is the rule, only a screen reader is told.
const formulaLine = () => make("div", {}, make("span", { class: "pc-hidden" }), make("span"));

/** @type {(view: Explorer, button: any) => Promise<void>} */
async function copy(view, button) {
  try {
    await navigator.clipboard.writeText(button.copies.kind.recipe(button.copies));
    button.textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(button.previousSibling);
    button.textContent = "Press Ctrl+C";
  }
  view.announce(button.textContent);
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

const MOST_WRITTEN = 200; // values of an input that is written out

// A button for all that is shown, as the Python that shows it again.
/** @param {Explorer} view */
export function copyButton(view) {
  /** @param {any} event */
  const copyAll = async ({ target }) => {
    target.copies = { kind: { recipe: () => inPythonAll(view) } };
    await copy(view, target);
    setTimeout(() => (target.textContent = "Copy all"), 1500);
  };
  return make("button", { type: "button", title: "Python for all that is shown here", onclick: copyAll }, "Copy all");
}

// The explorer as a line of Python, after what it needs; an input of more than `most` values is left to be called x.
/** @param {Explorer} view */
export function inPythonAll(view, most = MOST_WRITTEN) {
  const { shown, states, get } = view;
  const { channels, h, w, values } = states.input;
  const v = shown.find(({ kind }) => kind.name === get("kind")) ?? shown[0];
  const needs = ["import torch", "from torch import nn", `from pooling_course import ${view.backward ? "GradientFlow" : "PoolingExplorer"}`];
  const recipe = v.kind.recipe(v.s);
  if (recipe !== v.kind.code(v.s)) needs.push(recipe);
  const x = get("preset") ? `"${get("preset")}"` : values.length <= most ? tensorOf(values, channels > 1 ? [channels, h, w] : [h, w], states.input.dtype) : "x";
  const layer = recipe === v.kind.code(v.s) ? recipe : "layer";
  const more = [...(shown.length > 1 ? ["compare=True"] : []), ...(view.backward ? upstreamOf(view, v) : [])];
  return [...needs, `${view.backward ? "GradientFlow" : "PoolingExplorer"}(${[x, layer, ...more].join(", ")})`].join("\n");
}

// Numbers as Python writes them.
/** @type {(values: Numbers, shape: number[], dtype: string) => string} */
function tensorOf(values, shape, dtype) {
  const list = [...values].map((n) => (Number.isFinite(n) ? `${n}` : `float("${`${n}`.replace("Infinity", "inf").toLowerCase()}")`));
  /** @type {(from: number, sizes: number[]) => string} */
  const nested = (from, [size, ...inner]) => {
    const step = inner.reduce((a, b) => a * b, 1);
    return `[${Array.from({ length: size }, (_, i) => (inner.length ? nested(from + i * step, inner) : list[from + i])).join(", ")}]`;
  };
  return `torch.tensor(${nested(0, shape)}${dtype === "int64" ? "" : `, dtype=torch.${dtype}`})`;
}

// The upstream gradient that is not all ones.
/** @type {(view: Explorer, v: Shown) => string[]} */
function upstreamOf({ get, states }, { state }) {
  const mode = get("upstream_mode");
  if (mode !== "own") return mode === "chosen" ? ['upstream="chosen"'] : [];
  const { data, shape } = get("own");
  if (!data || state.error || `${shape.slice(1)}` !== `${[state.h, state.w]}`) return [];
  const whole = arrayOf("f8", data, 0, shape[0] * state.h * state.w);
  return [`upstream=${tensorOf(whole, states.input.channels > 1 ? shape : shape.slice(1), states.input.dtype)}`];
}

// What a layer has learned, or was given.
/** @param {Explorer} view */
export function drawWeights(view) {
  const { shown, channel } = view;
  /** @type {any} */
  const el = view.weights;
  const weights = shown.map(({ kind, s }) => kind.learned(s)).find(Boolean);
  update(el, { hidden: !weights });
  if (!weights || (el.of === weights && el.channel === channel)) return;
  Object.assign(el, { of: weights, channel });
  const plane = weights.weight[Math.min(channel, weights.weight.length - 1)];
  const which = weights.weight.length > 1 ? ` of channel ${channel}` : "";
  const bias = weights.bias ? `, bias ${threeDigits(weights.bias[channel])}` : "";
  el.replaceChildren(table(`Weights${which}${bias}`, plane.length, plane[0].length, (r, c) => plane[r][c], threeDigits));
  scrolls(el, "Weights", plane[0].length > 3 || plane.flat().some((/** @type {number} */ value) => threeDigits(value).length > 6));
}

/** @param {number} value */
const threeDigits = (value) => number(Number(value.toPrecision(3))); // the sentence has all digits

// What may be larger than its box is reached by keyboard, too.
/** @type {(el: HTMLElement, name: string, more: boolean) => void} */
function scrolls(el, name, more) {
  if (more) update(el, { tabIndex: 0, role: "region", "aria-label": name });
  else for (const attribute of ["tabindex", "role", "aria-label"]) el.removeAttribute(attribute);
}

// A lens on the input where cells are too small for numbers.
/** @type {(view: Explorer, at: Place) => void} */
export function drawLens(view, at) {
  const { h, w } = view.states.input;
  const shown = view.shown.find((v) => v.grid === at.grid) ?? view.shown[0];
  let [r, c] = [at.row, at.col];
  if (!view.isInput(at.grid)) {
    /** @param {number[]} read */
    const middle = (read) => Math.round((read[0] + read[read.length - 1]) / 2);
    [r, c] = [middle(taps(shown.rows, r)), middle(taps(shown.cols, c))];
  }
  const half = Math.floor(LENS / 2);
  const from = { row: r - half, col: c - half };
  const name = view.isPhoto ? `, ${["red", "green", "blue"][view.channel]} channel` : "";
  /** @type {(row: number, col: number) => boolean} */
  const inside = (row, col) => row >= 0 && col >= 0 && row < h && col < w;
  /** @type {(first: number, size: number) => string} */
  const span = (first, size) => `${Math.max(0, first)} to ${Math.min(size, first + LENS) - 1}`; // nothing is beyond
  putLens(view, at);
  update(view.lensBox.firstChild, { text: `Lens: input rows ${span(from.row, h)}, columns ${span(from.col, w)}${name}` });
  const marks = view.isInput(at.grid) ? [mark("reader", at.row, at.col)] : windowMarks(shown, view.channel, at.row, at.col);
  const frame = frameOf(LENS, LENS, LENS_CELL);
  const { values } = view.states.input;
  const ctx = sizeCanvas(view.lens, frame.width, frame.height, [view.look, values, view.channel, from.row, from.col, JSON.stringify(marks)]);
  if (!ctx) return;
  const colour = view.colourOf((ch, row, col) => values[ch * h * w + row * w + col]);
  paintCells(ctx, view.look, frame, (row, col) => inside(row, col) && colour(row, col), view.inputAt, from);
  const moved = { ...frame, x: (/** @type {number} */ col) => frame.x(col - from.col), y: (/** @type {number} */ row) => frame.y(row - from.row) };
  ctx.save();
  ctx.beginPath();
  ctx.rect(frame.x(0) - 3, frame.y(0) - 3, LENS * LENS_CELL + 6, LENS * LENS_CELL + 6);
  ctx.clip();
  paintMarks(ctx, view.look, moved, marks);
  ctx.restore();
}

// Beside the cell, on the side where there is room for it.
/** @type {(view: Explorer, at: Place) => void} */
function putLens(view, { grid, row, col }) {
  const { frame, figure, stage } = view.grid[grid];
  const side = LENS * LENS_CELL + 24;
  const [x, y] = [figure.offsetLeft + frame.x(col), stage.offsetTop + figure.offsetTop + frame.y(row)];
  const left = x + APART + side < view.width ? x + APART : x - APART - side;
  const top = Math.max(0, Math.min(y - side / 2, figure.offsetHeight - side - 24));
  update(view.lensBox, { style: { left: `${Math.max(0, left)}px`, top: `${top}px` } });
}

/** @type {(caption: string, rows: number, cols: number, at: (row: number, col: number) => number, written?: (value: number) => string) => HTMLElement} */
function table(caption, rows, cols, at, written = number) {
  const [height, width] = [Math.min(rows, MOST_ROWS), Math.min(cols, MOST_ROWS)];
  const cut = height < rows || width < cols ? `, the first ${height} × ${width}` : "";
  /** @type {(length: number, cell: (i: number) => Node) => Node[]} */
  const line = (length, cell) => Array.from({ length }, (_, i) => cell(i));
  const head = make("tr", {}, make("td"), ...line(width, (c) => make("th", { scope: "col" }, `${c}`)));
  const body = line(height, (r) => make("tr", {}, make("th", { scope: "row" }, `${r}`), ...line(width, (c) => make("td", {}, written(at(r, c))))));
  return make("table", {}, make("caption", {}, caption + cut), make("thead", {}, head), make("tbody", {}, ...body));
}

// Every number drawn, as tables: for screen readers, and for copying.
/** @param {Explorer} view */
export function numberTables(view) {
  const { h, w } = view.states.input;
  const outputs = view.shown
    .filter((v) => !v.state.error)
    .map(({ kind, state }) => table(`${kind.title} output, ${state.h} × ${state.w}`, state.h, state.w, (r, c) => state.at(view.channel, r, c)));
  const flows = view.backward
    ? view.shown
        .filter((v) => !v.state.error && !v.gradient?.error)
        .flatMap((v) => [
          table(`Upstream gradient of ${v.kind.inWords}, ${v.state.h} × ${v.state.w}`, v.state.h, v.state.w, (r, c) => v.upstreamAt(view.channel, r, c)),
          table(`Input gradient of ${v.kind.inWords}, ${h} × ${w}`, h, w, (r, c) => v.gradientAt(view.channel, r, c)),
        ])
    : [];
  return [table(`Input, ${h} × ${w}`, h, w, view.inputAt), ...outputs, ...flows];
}
