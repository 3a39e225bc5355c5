// @ts-check
// What an explorer shows as a picture of its own, made by the same painting: on a context that writes SVG in place of pixels.
import { number } from "../web/numbers.js";
import { paintIndices, paintMarks, paintRoutes } from "./paint.js";
import { pointedAt } from "./pointing.js";
import { arrowsOf } from "./routes.js";

/**
 * @import { Explorer } from "./explorer.js"
 * @import { Canvas, Frame } from "./paint.js"
 */

const MARGIN = 12; // px
const LINE = 20; // px from line to line
const CAPTION = 17; // px from line to line of a caption
const MOST_TOLD = 64; // numbers of a grid that its description tells

/** @param {string | number} text */
const escaped = (text) => `${text}`.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
/** @param {number} value */
const digits = (value) => `${Math.round(value * 100) / 100}`;
/** @type {Record<string, string>} */
const ANCHORS = { center: "middle", right: "end", end: "end" };
/** @type {Record<string, string>} */
const LINES = { middle: "central", bottom: "text-after-edge", top: "hanging" };

// What has been drawn on a canvas, as a picture within a picture.
/** @type {(canvas: any, from: number[], size: number[]) => string} */
function pixels(canvas, [x, y], [width, height]) {
  const copy = document.createElement("canvas");
  Object.assign(copy, { width, height });
  copy.getContext("2d")?.drawImage(canvas, x, y, width, height, 0, 0, width, height);
  return copy.toDataURL();
}

// As much of a canvas's context as painting uses.
class Vector {
  /** @type {string[]} */
  parts = [];
  /** @type {Record<string, any>[]} */
  saved = [];
  path = "";
  groups = 0; // that are open since the last save
  fillStyle = /** @type {any} */ ("#000");
  strokeStyle = "#000";
  lineWidth = 1;
  lineCap = "butt";
  lineJoin = "miter";
  globalAlpha = 1;
  font = "";
  textAlign = "left";
  textBaseline = "alphabetic";
  imageSmoothingEnabled = true;
  /** @type {number[]} */
  dashes = [];
  names = 0;

  /** @param {string} id what the names of its definitions begin with */
  constructor(id) {
    this.id = id;
  }

  // ---- state

  setTransform() {}
  clearRect() {}
  /** @param {number[]} dashes */
  setLineDash(dashes) {
    this.dashes = dashes;
  }
  save() {
    const { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, dashes, groups } = this;
    this.saved.push({ fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, dashes, groups });
    this.groups = 0;
  }
  restore() {
    this.parts.push("</g>".repeat(this.groups));
    Object.assign(this, this.saved.pop());
  }

  // ---- paths

  beginPath() {
    this.path = "";
  }
  /** @type {(command: string, ...at: number[]) => void} */
  add(command, ...at) {
    this.path += `${command}${at.map(digits).join(" ")}`;
  }
  /** @type {(x: number, y: number) => void} */
  moveTo = (x, y) => this.add("M", x, y);
  /** @type {(x: number, y: number) => void} */
  lineTo = (x, y) => this.add("L", x, y);
  /** @type {(...at: number[]) => void} */
  bezierCurveTo = (...at) => this.add("C", ...at);
  closePath = () => this.add("Z");
  /** @type {(x: number, y: number, width: number, height: number) => void} */
  rect(x, y, width, height) {
    this.add("M", x, y);
    this.add("h", width);
    this.add("v", height);
    this.add("h", -width);
    this.add("Z");
  }
  /** @type {(x: number, y: number, width: number, height: number, radius: number) => void} */
  roundRect(x, y, width, height, radius) {
    const [w, h] = [width - 2 * radius, height - 2 * radius];
    this.add("M", x + radius, y);
    for (const [command, length, dx, dy] of /** @type {[string, number, number, number][]} */ ([
      ["h", w, radius, radius],
      ["v", h, -radius, radius],
      ["h", -w, -radius, -radius],
      ["v", -h, radius, -radius],
    ])) {
      this.add(command, length);
      this.add("a", radius, radius, 0, 0, 1, dx, dy);
    }
    this.add("Z");
  }

  // ---- what is seen

  get alpha() {
    return this.globalAlpha < 1 ? ` opacity="${digits(this.globalAlpha)}"` : "";
  }
  get filling() {
    return `fill="${escaped(this.fillStyle)}"${this.alpha}`;
  }
  get stroking() {
    const dashed = this.dashes.length ? ` stroke-dasharray="${this.dashes.join(" ")}"` : "";
    const round = this.lineCap === "round" ? ' stroke-linecap="round" stroke-linejoin="round"' : "";
    return `fill="none" stroke="${escaped(this.strokeStyle)}" stroke-width="${digits(this.lineWidth)}"${dashed}${round}${this.alpha}`;
  }
  /** @type {(shape: string, attributes: Record<string, number>, look: string) => void} */
  put(shape, attributes, look) {
    const written = Object.entries(attributes).map(([name, value]) => `${name}="${digits(value)}"`);
    this.parts.push(`<${shape} ${written.join(" ")} ${look}/>`);
  }
  /** @type {(x: number, y: number, width: number, height: number) => void} */
  fillRect(x, y, width, height) {
    this.put("rect", { x, y, width, height }, this.filling);
  }
  /** @type {(x: number, y: number, width: number, height: number) => void} */
  strokeRect(x, y, width, height) {
    this.put("rect", { x, y, width, height }, this.stroking);
  }
  /** @param {string} [rule] */
  fill(rule) {
    this.parts.push(`<path d="${this.path}" ${this.filling}${rule ? ` fill-rule="${rule}"` : ""}/>`);
  }
  stroke() {
    this.parts.push(`<path d="${this.path}" ${this.stroking}/>`);
  }
  clip() {
    const name = this.name();
    this.parts.push(`<clipPath id="${name}"><path d="${this.path}"/></clipPath><g clip-path="url(#${name})">`);
    this.groups++;
  }
  name = () => `${this.id}-${++this.names}`;
  /** @type {(text: string, x: number, y: number) => void} */
  fillText(text, x, y) {
    const lying = `text-anchor="${ANCHORS[this.textAlign] ?? "start"}" dominant-baseline="${LINES[this.textBaseline] ?? "auto"}"`;
    this.parts.push(`<text x="${digits(x)}" y="${digits(y)}" style="font:${escaped(this.font)}" ${lying} ${this.filling}>${escaped(text)}</text>`);
  }
  /** @param {string} text */
  measureText(text) {
    const ctx = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
    ctx.font = this.font;
    return ctx.measureText(text);
  }
  /** @type {(canvas: any, ...at: number[]) => void} */
  drawImage(canvas, ...at) {
    const [sx, sy, sw, sh, x, y, width, height] = at.length === 8 ? at : [0, 0, canvas.width, canvas.height, ...at];
    const crisp = this.imageSmoothingEnabled ? "" : 'style="image-rendering:pixelated" ';
    this.put("image", { x, y, width, height }, `${crisp}preserveAspectRatio="none" href="${pixels(canvas, [sx, sy], [sw, sh])}"`);
  }
  /** @param {any} canvas */
  createPattern(canvas) {
    const name = this.name();
    /** @param {DOMMatrix} scaled */
    const setTransform = ({ a }) => {
      const [width, height] = [canvas.width * a, canvas.height * a];
      const size = `width="${digits(width)}" height="${digits(height)}"`;
      const image = `<image ${size} href="${pixels(canvas, [0, 0], [canvas.width, canvas.height])}"/>`;
      this.parts.push(`<pattern id="${name}" patternUnits="userSpaceOnUse" ${size}>${image}</pattern>`);
    };
    return { setTransform, toString: () => `url(#${name})` };
  }

  // ---- pieces of a page

  /** @type {(x: number, y: number, draw: () => void) => void} */
  at(x, y, draw) {
    this.parts.push(`<g transform="translate(${digits(x)} ${digits(y)})">`);
    draw();
    this.parts.push("</g>");
  }
  /** @type {(text: string, x: number, y: number, colour: string, font: string) => void} */
  write(text, x, y, colour, font) {
    Object.assign(this, { font, fillStyle: colour, textAlign: "left", textBaseline: "alphabetic" });
    this.fillText(text, x, y);
  }
}

// A sentence in lines of this width, at most.
/** @type {(ctx: Vector, text: string, width: number, font: string) => string[]} */
function wrapped(ctx, text, width, font) {
  ctx.font = font;
  /** @type {string[]} */
  const found = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const longer = `${found.at(-1) ?? ""} ${word}`.trim();
    if (found.length && ctx.measureText(longer).width <= width) found[found.length - 1] = longer;
    else found.push(word);
  }
  return found;
}

// The weights that are shown, row by row.
/** @param {Explorer} view */
function weightsIn({ weights }) {
  const rows = [...weights.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent).join(" "));
  return weights.hidden ? "" : `${weights.querySelector("caption")?.textContent}: ${rows.join("; ")}.`;
}

/** @type {(view: Explorer) => string[]} */
const totalsIn = ({ totals }) => (totals.hidden ? [] : [...totals.children].map((el) => el.textContent ?? ""));

// What is shown, in words: the layers, the sizes, the numbers of small grids, and the sentence.
/** @param {Explorer} view */
export function altOf(view) {
  const { h, w, channels } = view.states.input;
  /** @type {(name: string, rows: number, cols: number, at: (row: number, col: number) => number) => string} */
  const told = (name, rows, cols, at) => {
    const size = `${name}, ${channels > 1 ? `${channels} × ` : ""}${rows} × ${cols}`;
    if (rows * cols > MOST_TOLD || channels > 1) return `${size}.`;
    return `${size}: ${Array.from({ length: rows }, (_, r) => Array.from({ length: cols }, (_, c) => number(at(r, c))).join(" ")).join("; ")}.`;
  };
  const outputs = view.shown.flatMap((v) => {
    if (v.state.error) return [`${v.kind.title}: ${v.state.error}`];
    const of = view.shown.length > 1 ? ` of ${v.kind.inWords}` : "";
    /** @param {(channel: number, row: number, col: number) => number} at */
    const plane = (at) => (/** @type {number} */ r, /** @type {number} */ c) => at(view.channel, r, c);
    if (!view.backward) return [told(`${v.kind.title} output`, v.state.h, v.state.w, plane(v.state.at))];
    if (v.gradient?.error) return [v.gradient.error];
    return [told(`Upstream gradient${of}`, v.state.h, v.state.w, plane(v.upstreamAt)), told(`Input gradient${of}`, h, w, plane(v.gradientAt))];
  });
  const layers = view.shown.map((v) => v.kind.code(v.s)).join(" and ");
  const said = [`${layers}${view.backward ? ", backwards" : ""}.`, weightsIn(view), told("Input", h, w, view.inputAt), ...outputs, ...totalsIn(view)];
  return [...said, view.sentence.textContent].filter(Boolean).join(" ");
}

// The picture as SVG, with its description in it; sizes in px.
/** @type {(view: Explorer) => {svg: string, width: number, height: number, alt: string}} */
export function svgOf(view) {
  const { look, grids } = view;
  const ctx = new Vector("pc");
  const font = look.font.replaceAll('"', "'");
  const pen = /** @type {any} */ (ctx);
  const width = Math.max(grids.scrollWidth, 320) + 2 * MARGIN;
  let y = MARGIN;
  /** @type {(text: string, face: string) => void} */
  const paragraph = (text, face) => {
    for (const line of wrapped(ctx, text, width - 2 * MARGIN, face)) {
      y += LINE;
      ctx.write(line, MARGIN, y - 5, look.ink, face);
    }
  };
  for (const { kind, s } of view.shown) paragraph(kind.code(s), "13px ui-monospace, monospace");
  const [heading, note] = [`600 12.5px ${font}`, `12px ${font}`];
  const figures = Object.entries(view.grid).filter(([, { frame, sheet }]) => frame && sheet);
  const captions = figures.map(([, { caption }]) => {
    const { width, height } = caption.getBoundingClientRect();
    const lines = wrapped(ctx, (caption.textContent ?? "").replaceAll(" × ", "\u00a0×\u00a0"), width, heading);
    return { lines, more: Math.max(0, lines.length - Math.round(height / CAPTION)) }; // than have room on the page, where they are cut
  });
  const top = y + 4 + Math.max(0, ...captions.map(({ more }) => more)) * CAPTION;
  const { marks, routes } = pointedAt(view, view.at);
  const whole = grids.getBoundingClientRect();
  /** @param {Element} el */
  const corner = (el) => {
    const { left, top: down } = el.getBoundingClientRect();
    return [MARGIN + left - whole.left, top + down - whole.top];
  };
  for (const [i, [name, { stage, frame, sheet, caption, under, near }]] of figures.entries()) {
    const [over, here, below] = [caption, stage, under].map(corner);
    const { lines, more } = captions[i];
    for (const [n, line] of lines.entries()) ctx.write(line, over[0], over[1] + 15 + (n - more) * CAPTION, look.ink, heading);
    ctx.at(here[0], here[1], () => {
      paintIndices(pen, look, frame, near);
      sheet?.paint(pen);
      paintMarks(pen, look, frame, marks[name]);
    });
    y = Math.max(y, below[1] + LINE);
    for (const line of wrapped(ctx, under.textContent ?? "", under.clientWidth, note)) {
      ctx.write(line, below[0], below[1] + 13, look.muted, note);
      y = Math.max(y, below[1] + LINE);
      below[1] += 18;
    }
  }
  if (view.backward) ctx.at(MARGIN, top, () => paintRoutes(pen, look, arrowsOf(view, routes), view.signedScale.high));
  y += 8;
  for (const text of totalsIn(view)) paragraph(text, heading);
  paragraph(weightsIn(view), note);
  paragraph(view.sentence.textContent ?? "", `14px ${font}`);
  const height = Math.ceil(y + MARGIN);
  const alt = altOf(view);
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="pc-title pc-desc">`;
  const words = `<title id="pc-title">${escaped(view.shown.map((v) => v.kind.code(v.s)).join(" and "))}</title><desc id="pc-desc">${escaped(alt)}</desc>`;
  return { svg: `${head}${words}<rect width="100%" height="100%" fill="${escaped(look.paper)}"/>${ctx.parts.join("")}</svg>`, width, height, alt };
}

// ---- as PNG, with the description as PNG keeps one -----------------------------------------------------------------------------

/** @type {(picture: {svg: string, width: number, height: number, alt: string}, scale?: number) => Promise<Blob>} */
export async function pngOf({ svg, width, height, alt }, scale = 2) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: width * scale, height: height * scale });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = /** @type {Blob} */ (await new Promise((done) => canvas.toBlob(/** @type {BlobCallback} */ (done), "image/png")));
  const data = new Uint8Array(await blob.arrayBuffer());
  const end = 8 + 25; // the signature and the first chunk, IHDR
  return new Blob([data.slice(0, end), chunk("iTXt", `Description\0\0\0en\0\0${alt}`), data.slice(end)], { type: "image/png" });
}

// A chunk of a PNG: length, type, data, and a check sum of the last two.
/** @type {(type: string, text: string) => Uint8Array<ArrayBuffer>} */
function chunk(type, text) {
  const body = new TextEncoder().encode(type + text);
  const data = new Uint8Array(body.length + 8);
  const view = new DataView(data.buffer);
  view.setUint32(0, body.length - 4);
  data.set(body, 4);
  view.setUint32(body.length + 4, crc(body));
  return data;
}

/** @param {Uint8Array} data */
function crc(data) {
  let sum = 0xffffffff;
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}
