// The explorer: controls, linked grids and a sentence. Python pools; this file draws and looks up.
import { Controls, Player, SETTINGS, typeOver } from "./controls.js";
import { leaveKeys, make, themeBehind, watchTheme } from "./dom.js";
import {
  about, axis, code, fit, formula, neighbours, number, place, readCounts, readers, settingsOf, stateKey, windowOf,
} from "./geometry.js";
import { attachGradients, ownMisfit, shareOf, signedScale } from "./gradients.js";
import {
  frameOf, keptPicture, label, outline, paintBorder, paintCells, paintHatch, paintIndices, paintRoutes, readLook, rgb, ring, scaleOf,
  sizeCanvas,
} from "./paint.js";
import { drawLens, numberTables } from "./readout.js";
import { gave, got, NAMES, readerSentence, routeText, totals, windowSentence } from "./sentences.js";
import { PATIENCE, States } from "./states.js";

class Explorer {
  constructor(model, root) {
    this.model = model;
    this.states = new States(model);
    this.pick = { grid: null, row: 0, col: 0 };
    this.hover = null;
    this.channel = 0;
    this.root = make("div", { class: "pooling-course pc-explorer" });
    this.build();
    root.append(this.root);
    this.watch();
    this.states.reset();
    this.applyTheme();
  }

  get = (name) => this.model.get(name);
  get kinds() {
    return this.get("compare") ? ["max", "avg"] : [this.get("kind")];
  }
  get backward() {
    return this.get("direction") === "backward";
  }

  set(changes) {
    for (const [name, value] of Object.entries(changes)) this.model.set(name, value);
    this.model.save_changes();
  }

  build() {
    const live = make("div", { class: "pc-hidden", role: "status", "aria-live": "polite" });
    this.live = live;
    this.controls = new Controls(this);
    this.player = new Player((by) => this.step(by));
    this.sentence = make("p", { class: "pc-sentence" });
    this.notice = make("p", { class: "pc-notice", role: "alert", hidden: true });
    this.code = make("div", { class: "pc-code" });
    this.formula = make("div", { class: "pc-formula" });
    this.grids = make("div", { class: "pc-grids" });
    this.grid = {};
    for (const name of ["input", "max", "input2", "avg"]) this.addGrid(name);
    this.routes = make("canvas", { class: "pc-over", "aria-hidden": "true" });
    this.totals = make("div", { class: "pc-totals" });
    this.lens = make("canvas", { class: "pc-lens", "aria-hidden": "true" });
    this.lensBox = make("figure", { class: "pc-lens-box", hidden: true }, make("figcaption", {}, "Lens"), this.lens);
    this.grids.append(this.lensBox, this.routes);
    this.tables = make("div", { class: "pc-tables", tabindex: "0", role: "region", "aria-label": "Numbers as tables" });
    const numbers = make("details", { class: "pc-numbers", ontoggle: () => this.drawTables() }, make("summary", {}, "Numbers as tables"), this.tables);
    this.numbers = numbers;
    this.root.append(this.controls.el, this.code, this.formula, this.grids, this.player.el, this.notice, this.totals, this.sentence, numbers, live);
  }

  setChannel(channel) {
    this.channel = channel;
    this.draw();
  }

  // ---- grids

  addGrid(name) {
    const base = make("canvas", { "aria-hidden": "true" });
    const over = make("canvas", { class: "pc-over", "aria-hidden": "true" });
    const stage = make("div", {
      class: "pc-stage", tabindex: "0", role: "application",
      onkeydown: (event) => this.key(event, name),
      onfocus: () => this.focusGrid(name),
      onpointermove: (event) => event.pointerType === "mouse" && this.point(event, name),
      onpointerleave: () => this.point(null, name),
      onpointerdown: (event) => this.press(event, name),
      ondblclick: () => this.edit(""),
    }, base, over);
    const caption = make("figcaption", {});
    const figure = make("figure", { class: "pc-grid" }, caption, stage);
    this.grid[name] = { base, over, stage, caption, figure };
    this.grids.append(figure);
  }

  get isPhoto() {
    const { channels, values } = this.states.input;
    if (channels !== 3) return false;
    this.photoOf ??= new WeakMap();
    if (!this.photoOf.has(values)) {
      const scale = scaleOf(values);
      this.photoOf.set(values, scale.low >= 0 && scale.high <= 1);
    }
    return this.photoOf.get(values);
  }

  inputAt = (r, c) => {
    const { h, w, values } = this.states.input;
    return values[this.channel * h * w + r * w + c];
  };

  colourOf(at) {
    if (this.isPhoto) return (r, c) => [at(0, r, c) * 255, at(1, r, c) * 255, at(2, r, c) * 255];
    return (r, c) => rgb(this.look.values, this.scale, at(this.channel, r, c));
  }

  schedule = () => {
    if (this.pending) return;
    this.pending = true;
    queueMicrotask(() => {
      this.pending = false;
      this.draw();
    });
  };

  draw() {
    if (!this.look) return;
    const { h, w, values } = this.states.input;
    this.shown = this.kinds.map((kind, i) => {
      const s = settingsOf(this.get, kind);
      const input = i && this.backward ? "input2" : "input";
      return { kind, s, key: stateKey(s), rows: axis(s, 0, h), cols: axis(s, 1, w), input };
    });
    for (const shown of this.shown) shown.state = this.states.get(shown.key);
    this.channel = Math.min(this.channel, this.states.input.channels - 1);
    this.controls.sync(this.states.input);
    const missing = this.shown.filter((shown) => !shown.state).map((shown) => shown.key);
    if (this.backward) missing.push(...(missing.length ? missing.map((key) => `grad0 ${key}`) : attachGradients(this)));
    if (missing.length) {
      this.root.setAttribute("aria-busy", "true");
      this.waitFor(missing);
      return; // the last picture stays, dimmed, until torch has answered
    }
    this.root.removeAttribute("aria-busy");
    clearTimeout(this.patience);
    if (this.scaleFor !== values) {
      this.scaleFor = values;
      this.scale = scaleOf(values);
    }
    if (this.backward) this.signedScale = signedScale(this);
    this.notice.textContent = this.get("message") || this.shown.map((v) => v.state.error ?? v.gradient?.error).find(Boolean) || ownMisfit(this) || "";
    this.notice.hidden = !this.notice.textContent;
    this.layout();
    for (const name of ["input", "input2"]) this.paintInput(name);
    for (const kind of ["max", "avg"]) this.paintOutput(kind);
    this.drawCode();
    this.drawTotals();
    this.overlay();
    this.drawTables();
    if (this.announceSize) this.announce(this.shown.map((v) => (v.state.error ? v.state.error : `${NAMES[v.kind]} output ${v.state.h} by ${v.state.w}`)).join(". "));
    this.announceSize = false;
    this.prefetch();
  }

  signedColour = (at) => (r, c) => rgb(this.look.signed, this.signedScale, at(this.channel, r, c));

  drawTotals() {
    this.totals.hidden = !this.backward;
    if (!this.backward) return;
    const lines = this.shown.filter((v) => v.gradientAt && !v.gradient?.error).map((v) => {
      const { kind, s, state, chosen, gradient } = v;
      const [up, down] = chosen ? [1, state.passesAt(chosen.row, chosen.col)] : gradient.totals[this.channel].map(Number);
      return make("div", {}, totals(kind, up, down, s));
    });
    this.totals.replaceChildren(...lines);
  }

  layout() {
    const { h, w } = this.states.input;
    const possible = this.shown.filter(({ state }) => !state.error);
    // room for the padding that the slider can reach, so that the grid stands still while it moves
    const reserve = Math.max(1, ...possible.map(({ s }) => Math.floor(Math.max(...s.kernel) / 2)));
    const most = (of) => Math.max(reserve, ...possible.map(of));
    const margin = {
      top: reserve,
      left: reserve,
      bottom: most(({ rows }) => rows.end - h),
      right: most(({ cols }) => cols.end - w),
    };
    const growth = Math.max(1, ...possible.map(({ state }) => state.w - w));
    const { cell, readable } = fit(this.width, h, w, margin, this.backward ? 1 : this.shown.length, growth);
    for (const name of ["input", "input2"]) {
      this.grid[name].figure.hidden = !this.shown.some((v) => v.input === name);
      this.grid[name].frame = this.grid[name].figure.hidden ? null : frameOf(h, w, cell, margin);
    }
    for (const kind of ["max", "avg"]) {
      const shown = this.shown.find((v) => v.kind === kind);
      const { figure, stage } = this.grid[kind];
      figure.hidden = !shown;
      stage.hidden = !shown || Boolean(shown.state.error);
      this.grid[kind].frame = stage.hidden ? null : this.outputFrame(shown.state, cell, readable && margin.top);
      const reserved = readable ? frameOf(h, w + growth, cell) : this.grid.input.frame;
      figure.style.minWidth = `${Math.min(reserved.width, this.width)}px`;
    }
    for (const { frame, stage } of Object.values(this.grid)) {
      if (frame) Object.assign(stage.style, { width: `${frame.width}px`, height: `${frame.height}px` });
    }
    this.lensBox.hidden = readable;
  }

  // Small outputs keep the cell size, and their rows stand level with those of the input.
  outputFrame({ h, w }, cell, top) {
    if (top) return frameOf(h, w, cell, { top, left: 0, bottom: 0, right: 0 });
    const { input } = this.states;
    return frameOf(h, w, Math.min(44, cell * Math.max(input.h, input.w) / Math.max(h, w)));
  }

  paintInput(name) {
    const { frame, base, stage, caption } = this.grid[name];
    if (!frame) return;
    const { h, w, channels, values } = this.states.input;
    const ctx = sizeCanvas(base, frame.width, frame.height);
    const first = this.shown.find((v) => !v.state.error && (v.input === name || !this.backward));
    const flow = this.backward && first && !first.gradient?.error ? first : null;
    paintIndices(ctx, this.look, frame, first ? first.s.padding : [0, 0]);
    if (flow) {
      const gradientAt = (r, c) => flow.gradientAt(this.channel, r, c);
      paintCells(ctx, this.look, frame, this.signedColour(flow.gradientAt), gradientAt, undefined, (r, c) => label(this.inputAt(r, c)));
    } else {
      this.paintValues(ctx, frame);
    }
    let unread = 0;
    if (first) {
      const text = flow ? "" : this.shown.map(({ kind, s }) => (kind === "max" ? "−∞" : s.countPad && s.divisor === null ? "0" : "–")).join(" | ");
      paintBorder(ctx, this.look, frame, first.rows, first.cols, text);
      unread = this.hatchUnread(ctx, frame, first);
    }
    const size = `${channels > 1 ? `${channels} × ` : ""}${h} × ${w}`;
    const hatched = unread ? ` · ${unread} of ${h * w} cells never read (hatched)` : "";
    const what = flow ? `Input gradient${this.shown.length > 1 ? ` of ${NAMES[flow.kind].toLowerCase()}` : ""}` : "Input";
    caption.textContent = `${what} ${size}${flow ? this.countIdle(flow, hatched) : hatched}`;
    stage.setAttribute("aria-label", `${what}, ${h} rows by ${w} columns. Arrow keys walk, Enter edits the input.`);
  }

  // The input itself, which stays the same from slider step to slider step.
  paintValues(ctx, frame) {
    const { h, w, values } = this.states.input;
    const [width, height] = [w * frame.cell, h * frame.cell];
    this.picture = keptPicture(this.picture, [values, this.channel, this.look], width, height, (own) => {
      const bare = { ...frame, x: (col) => col * frame.cell, y: (row) => row * frame.cell };
      paintCells(own, this.look, bare, this.colourOf((ch, r, c) => values[ch * h * w + r * w + c]), this.inputAt);
    });
    const { canvas } = this.picture;
    const ratio = window.devicePixelRatio || 1;
    ctx.drawImage(canvas, frame.x(0), frame.y(0), canvas.width / ratio, canvas.height / ratio);
  }

  // How many cells get no gradient; those never read are among them.
  countIdle(flow, hatched) {
    const { h, w } = this.states.input;
    let none = 0;
    for (let r = 0; r < h; r++) for (let c = 0; c < w; c++) none += flow.gradientAt(this.channel, r, c) === 0;
    return ` · ${none} of ${h * w} have gradient 0${hatched ? `, some are never read (hatched)` : ""}`;
  }

  hatchUnread(ctx, frame, { rows, cols }) {
    const [unreadRows, unreadCols] = [rows, cols].map((a) => readCounts(a).flatMap((n, at) => (n ? [] : [at])));
    if (unreadRows.length || unreadCols.length) paintHatch(ctx, frame, unreadRows, unreadCols);
    return rows.size * cols.size - (rows.size - unreadRows.length) * (cols.size - unreadCols.length);
  }

  paintOutput(kind) {
    const { frame, base, stage, caption } = this.grid[kind];
    const shown = this.shown.find((v) => v.kind === kind);
    const title = NAMES[kind];
    if (!frame) {
      caption.textContent = shown ? `${title}: not possible here` : "";
      return;
    }
    const { state } = shown;
    const ctx = sizeCanvas(base, frame.width, frame.height);
    const outputAt = (r, c) => state.at(this.channel, r, c);
    const flow = this.backward && !shown.gradient?.error;
    paintIndices(ctx, this.look, frame);
    if (flow) {
      const upstreamAt = (r, c) => shown.upstreamAt(this.channel, r, c);
      paintCells(ctx, this.look, frame, this.signedColour(shown.upstreamAt), upstreamAt, undefined, (r, c) => label(outputAt(r, c)));
    } else {
      paintCells(ctx, this.look, frame, this.colourOf(state.at), outputAt);
    }
    const channels = this.states.input.channels;
    const what = flow ? `Upstream gradient${this.shown.length > 1 ? ` of ${title.toLowerCase()}` : ""}` : `${title} output`;
    caption.textContent = `${what} ${channels > 1 ? `${channels} × ` : ""}${state.h} × ${state.w}`;
    stage.setAttribute("aria-label", `${what}, ${state.h} rows by ${state.w} columns. Arrow keys walk${flow ? ", Enter edits" : ""}.`);
  }

  drawTables() {
    if (this.numbers.open && this.shown) this.tables.replaceChildren(...numberTables(this));
  }

  drawCode() {
    const { h, w } = this.states.input;
    const lines = this.shown.map(({ s }) => code(s));
    const key = lines.join("\n");
    if (this.codeKey !== key) {
      this.codeKey = key;
      const focused = [...this.code.querySelectorAll("button")].indexOf(document.activeElement);
      this.code.replaceChildren(...lines.map((line) => {
        const button = make("button", { type: "button", "aria-label": `Copy ${line}`, onclick: () => this.copy(line, button) }, "Copy");
        return make("div", {}, make("code", {}, line), button);
      }));
      this.code.querySelectorAll("button")[focused]?.focus();
    }
    const texts = this.shown.map(({ s }) => {
      const [height, width] = [formula(s, 0, h), formula(s, 1, w)];
      return height === width ? [`height and width: ${height}`] : [`height: ${height}`, `width: ${width}`];
    });
    const all = this.shown.every((v) => v.state.error) ? [] : [...new Set(texts.flat())];
    this.formula.replaceChildren(...all.map((text) => make("div", {}, text)));
  }

  async copy(line, button) {
    try {
      await navigator.clipboard.writeText(line);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(button.previousSibling);
      button.textContent = "Press Ctrl+C";
    }
    this.announce(button.textContent);
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }

  // ---- what is pointed at: windows, winners, readers, and the sentence

  isInput = (grid) => grid === "input" || grid === "input2";

  get at() {
    const at = this.hover ?? this.pick;
    const grid = this.grid[at.grid]?.frame ? at.grid : this.shown[0].kind;
    const frame = this.grid[grid].frame;
    if (!frame) return null;
    return { grid, row: Math.min(at.row, frame.rows - 1), col: Math.min(at.col, frame.cols - 1) };
  }

  overlay() {
    for (const { frame, over } of Object.values(this.grid)) if (frame) sizeCanvas(over, frame.width, frame.height);
    this.arrows = [];
    const at = this.at;
    const possible = this.shown.filter((v) => !v.state.error && !(this.backward && v.gradient?.error));
    const sentence = at ? (this.isInput(at.grid) ? this.overInput(at, possible) : this.overOutput(at, possible)) : "";
    // asked before the text changes, and only where it matters: the answer makes the browser lay out the page
    const { width, height } = this.backward ? this.grids.getBoundingClientRect() : { width: 0, height: 0 };
    this.sentence.textContent = sentence;
    const ctx = sizeCanvas(this.routes, width, height);
    if (this.backward) paintRoutes(ctx, this.look, this.arrows, this.signedScale.high);
    if (at && !this.lensBox.hidden) drawLens(this, at);
  }

  ctxOf = (name) => this.grid[name].over.getContext("2d");

  overOutput({ grid, row, col }, possible) {
    const pointed = possible.find((v) => v.kind === grid) ?? possible[0];
    const sentences = [];
    for (const v of possible) {
      if (row >= v.state.h || col >= v.state.w) continue;
      outline(this.ctxOf(v.kind), this.look, this.grid[v.kind].frame, row, col, 1, 1, "window");
      if (this.backward || v === pointed) this.markWindow(this.ctxOf(v.input), this.grid[v.input].frame, v, row, col);
      sentences.push(this.backward ? this.gave(v, row, col) : windowSentence(v, row, col, { at: this.inputAt, channel: this.channel, whole: this.states.input.whole }));
    }
    return sentences.join(" ");
  }

  corner(name, row, col) {
    const { frame, stage } = this.grid[name];
    const [box, whole] = [stage.getBoundingClientRect(), this.grids.getBoundingClientRect()];
    return { x: box.left - whole.left + frame.x(col), y: box.top - whole.top + frame.y(row) };
  }

  route(v, window, cell, amount, text) {
    if (amount === 0) return;
    const [from, to] = [this.corner(v.kind, window.row, window.col), this.corner(v.input, cell.row, cell.col)];
    const [a, b] = [this.grid[v.kind].frame.cell, this.grid[v.input].frame.cell];
    // from edge to edge, beside the numbers
    this.arrows.push({ from: { x: from.x + 0.05 * a, y: from.y + a / 2 }, to: { x: to.x + 0.8 * b, y: to.y + 0.3 * b }, amount, text });
  }

  gave(v, row, col) {
    const { kind, s, state, rows, cols } = v;
    const u = v.upstreamAt(this.channel, row, col);
    const cells = windowOf(rows, cols, row, col).filter((t) => t.what === "cell");
    const divisor = state.divisorAt(row, col);
    const winner = state.winner?.(this.channel, row, col);
    const amount = winner ? u : u * shareOf(this, state, row, col);
    for (const cell of winner ? [winner] : cells) this.route(v, { row, col }, cell, amount, routeText(u, divisor));
    const ties = winner && cells.filter((t) => this.inputAt(t.row, t.col) === this.inputAt(winner.row, winner.col)).length;
    const more = { winner, ties, cells: cells.length, divisor, passes: state.passesAt(row, col), given: s.divisor !== null, amount };
    return gave(kind, { row, col }, u, more);
  }

  markWindow(ctx, frame, { s, rows, cols, state }, row, col) {
    const [r, c] = [row * rows.stride - rows.padding, col * cols.stride - cols.padding];
    if (Math.max(...s.dilation) === 1) {
      outline(ctx, this.look, frame, r, c, rows.k, cols.k, "window");
    } else {
      for (const tap of windowOf(rows, cols, row, col)) outline(ctx, this.look, frame, tap.row, tap.col, 1, 1, "window");
    }
    if (state.winner) {
      const winner = state.winner(this.channel, row, col);
      ring(ctx, this.look, frame, winner.row, winner.col);
    }
  }

  overInput({ row, col }, possible) {
    for (const name of new Set(possible.map((v) => v.input))) outline(this.ctxOf(name), this.look, this.grid[name].frame, row, col, 1, 1, "reader");
    const sentences = [`Input at ${place(row, col)} is ${about(this.inputAt(row, col))}.`];
    for (const v of possible) sentences.push(this.backward ? this.got(v, row, col) : this.readBy(v, row, col));
    return sentences.join(" ");
  }

  // The windows that read an input cell, outlined; those it wins (all, for average) carry `reached`.
  readersOf(v, row, col) {
    const { kind, rows, cols, state } = v;
    const found = readers(rows, row).flatMap((r) => readers(cols, col).map((c) => ({ row: r, col: c })));
    for (const window of found) {
      outline(this.ctxOf(kind), this.look, this.grid[kind].frame, window.row, window.col, 1, 1, "reader");
      window.winner = state.winner?.(this.channel, window.row, window.col);
      window.reached = !window.winner || (window.winner.row === row && window.winner.col === col);
    }
    return found;
  }

  readBy(v, row, col) {
    const found = this.readersOf(v, row, col);
    const won = found.filter((window) => window.winner && window.reached);
    for (const window of won) ring(this.ctxOf(v.kind), this.look, this.grid[v.kind].frame, window.row, window.col);
    return readerSentence(v, found, won);
  }

  got(v, row, col) {
    const found = this.readersOf(v, row, col);
    for (const window of found) {
      window.u = v.upstreamAt(this.channel, window.row, window.col);
      window.divisor = v.state.divisorAt(window.row, window.col);
      const amount = window.winner ? window.u : window.u * shareOf(this, v.state, window.row, window.col);
      if (window.reached) this.route(v, window, { row, col }, amount, routeText(window.u, window.divisor));
    }
    return got(v.kind, { row, col }, v.gradientAt(this.channel, row, col), found);
  }

  // ---- pointer and keys

  cellAt(event, name) {
    const { frame, stage } = this.grid[name];
    const box = stage.getBoundingClientRect();
    const col = Math.floor((event.clientX - box.left - frame.x(0)) / frame.cell);
    const row = Math.floor((event.clientY - box.top - frame.y(0)) / frame.cell);
    return row >= 0 && col >= 0 && row < frame.rows && col < frame.cols ? { grid: name, row, col } : null;
  }

  point(event, name) {
    const hover = event && this.cellAt(event, name);
    if (hover?.row === this.hover?.row && hover?.col === this.hover?.col && hover?.grid === this.hover?.grid) return;
    this.hover = hover;
    if (!this.hoverPending) {
      this.hoverPending = true;
      requestAnimationFrame(() => {
        this.hoverPending = false;
        this.overlay();
      });
    }
  }

  press(event, name) {
    const at = this.cellAt(event, name);
    if (!at) return;
    this.player.play(false);
    this.choose(at);
  }

  // Pick a cell; an output cell that carries the upstream gradient is told to Python, too.
  choose(at) {
    this.pick = at;
    this.hover = null;
    const chosen = this.get("chosen");
    if (this.isInput(at.grid) || (chosen[0] === at.row && chosen[1] === at.col)) this.overlay();
    else this.set({ chosen: [at.row, at.col] });
  }

  focusGrid(name) {
    if (this.pick.grid === name) return;
    const frame = this.grid[name].frame;
    const { row, col } = this.pick;
    this.pick = { grid: name, row: Math.min(row, frame.rows - 1), col: Math.min(col, frame.cols - 1) };
    this.overlay();
    this.announce(this.sentence.textContent);
  }

  key(event, name) {
    if (event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const { frame } = this.grid[name];
    let { row, col } = this.at;
    const moves = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      Home: [0, -Infinity], End: [0, Infinity], PageUp: [-Infinity, 0], PageDown: [Infinity, 0],
    };
    if (moves[event.key]) {
      const clip = (v, n) => Math.max(0, Math.min(n - 1, v));
      this.choose({ grid: name, row: clip(row + moves[event.key][0], frame.rows), col: clip(col + moves[event.key][1], frame.cols) });
      queueMicrotask(() => this.announce(this.sentence.textContent));
    } else if (event.key === "Enter" || event.key === "F2") {
      this.edit("");
    } else if (/^[-\d.]$/.test(event.key)) {
      this.edit(event.key);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  // Type a number into the chosen cell: of the input, or, backwards, of the upstream gradient.
  edit(text) {
    const { grid, row, col } = this.pick;
    const type = this.isInput(grid) ? "edit" : this.backward && grid ? "upstream" : null;
    if (!type) return;
    if (!this.lensBox.hidden) {
      this.say("These cells are too small to edit: choose a smaller input, or change x in Python.");
      return;
    }
    const upstream = type === "upstream" && this.shown.find((v) => v.kind === grid);
    const now = number(upstream ? upstream.upstreamAt(this.channel, row, col) : this.inputAt(row, col));
    const { frame, stage } = this.grid[grid];
    const box = { left: frame.x(col) - 6, top: frame.y(row), width: frame.cell + 12, height: frame.cell };
    typeOver(stage, box, `New value at ${place(row, col)}`, text, now, (value) => {
      this.waitFor([]);
      this.model.send({ type, channel: this.channel, row, col, text: value });
    });
  }

  step(by) {
    const { kind, state } = this.shown[0];
    if (state?.error) return;
    const at = [kind, null].includes(this.pick.grid) ? this.pick : { row: 0, col: by > 0 ? -1 : 0 };
    const count = state.h * state.w;
    const next = (Math.min(at.row, state.h - 1) * state.w + Math.min(at.col, state.w - 1) + by + count) % count;
    this.choose({ grid: kind, row: Math.floor(next / state.w), col: next % state.w });
    if (!this.player.playing) queueMicrotask(() => this.announce(this.sentence.textContent));
  }

  announce(text) {
    this.live.textContent = text;
  }

  say(text) {
    this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  // ---- what is not here yet

  load(preset) {
    if (preset === this.get("preset")) return; // nothing would come back
    this.root.setAttribute("aria-busy", "true");
    this.set({ preset });
    this.waitFor([]);
  }

  waitFor(keys) {
    this.states.ask(keys);
    clearTimeout(this.patience);
    this.patience = setTimeout(() => {
      this.say("No answer from Python: the kernel is busy, or not running. Settings that were computed ahead still work.");
    }, PATIENCE);
  }

  // While idle, ask for the slider neighbours of what is shown.
  prefetch() {
    clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      const keys = [];
      for (const { s, rows, cols } of this.shown) {
        for (const t of neighbours(s)) {
          if (axis(t, 0, rows.size).out <= 0 || axis(t, 1, cols.size).out <= 0) continue;
          keys.push(stateKey(t));
          if (this.backward) keys.push(`grad0 ${stateKey(t)}`);
        }
      }
      this.states.ask(keys);
    }, 120);
  }

  // ---- life in the page

  watch() {
    const { model } = this;
    this.events = [
      ...SETTINGS.map((name) => [`change:${name}`, this.schedule]),
      ...["message", "preset", "direction", "upstream_mode", "chosen"].map((name) => [`change:${name}`, this.schedule]),
      ["change:own", () => {
        this.states.addOwn();
        this.schedule();
      }],
      ["change:book", () => {
        this.states.reset();
        this.schedule();
      }],
      ["msg:custom", (content, buffers) => this.receive(content, buffers)],
    ];
    for (const [name, callback] of this.events) model.on(name, callback);
    this.resize = new ResizeObserver(() => {
      const width = this.measure();
      if (Math.abs(width - this.width) > 1) {
        this.width = width;
        for (const canvas of this.grids.querySelectorAll("canvas")) canvas.ratio = 0; // start small again
        this.schedule();
      }
    });
    this.resize.observe(this.root);
    this.unwatchTheme = watchTheme(this.applyTheme);
    this.unleaveKeys = leaveKeys(this.root);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.still.addEventListener("change", this.applyMotion);
    this.applyMotion();
    this.width = this.measure();
  }

  measure = () => Math.max(300, this.root.clientWidth - 24);

  receive(content, buffers) {
    if (content.type !== "have" || content.serial !== this.states.input.serial) return;
    this.states.add({ entries: content.entries, data: buffers[0] });
    if (this.root.hasAttribute("aria-busy")) this.schedule();
  }

  applyTheme = () => {
    const theme = themeBehind(this.root);
    if (this.root.dataset.theme === theme && this.look) return;
    this.root.dataset.theme = theme;
    this.look = readLook(this.root);
    if (this.look) this.schedule();
    else this.waiting = requestAnimationFrame(this.applyTheme);
  };

  applyMotion = () => {
    this.player.rest(this.still.matches);
  };

  leave() {
    for (const [name, callback] of this.events) this.model.off(name, callback);
    cancelAnimationFrame(this.waiting);
    this.player.play(false);
    clearTimeout(this.patience);
    clearTimeout(this.idle);
    this.resize.disconnect();
    this.unwatchTheme();
    this.unleaveKeys();
    this.still.removeEventListener("change", this.applyMotion);
  }
}

function render({ model, el }) {
  const explorer = new Explorer(model, el);
  return () => explorer.leave();
}

export default { render };
