// The explorer: controls, linked grids and a sentence. Python pools; this file draws and looks up.
import {
  axis, averageSum, code, entries, fit, formula, largestKernel, maxSum, number, pair, place, plural, readCounts,
  readers, settingsOf, stateKey, windowOf,
} from "./geometry.js";
import {
  frameOf, outline, paintBorder, paintCells, paintHatch, paintIndices, readLook, rgb, ring, scaleOf, sizeCanvas, themeBehind,
} from "./paint.js";

const SETTINGS = ["kind", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "count_include_pad", "divisor_override", "compare"];
const NAMES = { max: "Max", avg: "Average" };
const PATIENCE = 3000; // ms until an unanswered request is called that
const CACHE = 48e6; // bytes of states kept
const LENS = 7;

// ---- states: what torch computed, by key --------------------------------------------------------------------------

const ARRAYS = { u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };

// A typed array over bytes that may be a DataView (Jupyter) or a Uint8Array (Colab), aligned or not.
function arrayOf(type, bytes, offset, length) {
  const start = (bytes.byteOffset ?? 0) + offset;
  const Type = ARRAYS[type];
  const buffer = bytes.buffer ?? bytes;
  if (start % Type.BYTES_PER_ELEMENT === 0) return new Type(buffer, start, length);
  return new Type(buffer.slice(start, start + length * Type.BYTES_PER_ELEMENT));
}

class States {
  constructor(model) {
    this.model = model;
    this.known = new Map();
    this.asked = new Map();
    this.bytes = 0;
  }

  reset() {
    this.known.clear();
    this.asked.clear();
    this.bytes = 0;
    const cells = this.model.get("cells");
    const [channels, h, w] = cells.shape;
    this.input = { ...cells, channels, h, w, values: arrayOf(cells.float, cells.data, 0, channels * h * w) };
    this.add(this.model.get("book"));
  }

  add({ entries: found, data }) {
    const { channels, h, w, float, index, values } = this.input;
    for (const e of found) {
      this.asked.delete(e.key);
      if (this.known.has(e.key)) continue;
      const state = { ...e, bytes: 100 };
      const size = channels * e.h * e.w;
      if ("winners" in e) state.winners = arrayOf(index, data, e.winners, size);
      if ("values" in e) state.values = arrayOf(float, data, e.values, size);
      if ("divisors" in e) state.divisors = arrayOf("u4", data, e.divisors, e.h * e.w);
      for (const array of [state.winners, state.values, state.divisors]) state.bytes += array?.byteLength ?? 0;
      const plane = e.h * e.w;
      state.at = state.winners
        ? (ch, r, c) => values[ch * h * w + state.winners[ch * plane + r * e.w + c]]
        : (ch, r, c) => state.values[ch * plane + r * e.w + c];
      state.winner = state.winners && ((ch, r, c) => {
        const flat = state.winners[ch * plane + r * e.w + c];
        return { row: Math.floor(flat / w), col: flat % w };
      });
      state.divisorAt = (r, c) => (state.divisors ? new Int32Array([state.divisors[r * e.w + c]])[0] : e.divisor);
      this.known.set(e.key, state);
      this.bytes += state.bytes;
    }
    for (const [key, state] of this.known) {
      if (this.bytes <= CACHE || this.known.size < 20) break;
      this.known.delete(key);
      this.bytes -= state.bytes;
    }
  }

  get(key) {
    const state = this.known.get(key);
    if (state && this.bytes > CACHE / 2) {
      this.known.delete(key); // most recently used last
      this.known.set(key, state);
    }
    return state;
  }

  ask(keys) {
    const now = performance.now();
    const missing = keys.filter((k) => !this.known.has(k) && !(now - this.asked.get(k) < PATIENCE));
    if (!missing.length) return;
    for (const k of missing) this.asked.set(k, now);
    this.model.send({ type: "want", keys: missing });
  }
}

// ---- small DOM helpers --------------------------------------------------------------------------------------------

let instances = 0;
const FOCUSABLE = new Set(["input", "select", "button", "summary"]);

function make(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (value === true) el.setAttribute(name, "");
    else if (value !== false && value != null) el.setAttribute(name, value);
  }
  // JupyterLab would take arrow keys and letters away from a focused control
  if (FOCUSABLE.has(tag) || "tabindex" in attributes) el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.append(...children);
  return el;
}

// ---- the widget -----------------------------------------------------------------------------------------------------

class Explorer {
  constructor(model, root) {
    this.model = model;
    this.id = `pc${++instances}-${Math.random().toString(36).slice(2, 7)}`;
    this.states = new States(model);
    this.pick = { grid: null, row: 0, col: 0 };
    this.hover = null;
    this.channel = 0;
    this.apart = SETTINGS.slice(1, 5).some((name) => Array.isArray(model.get(name)));
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

  set(changes) {
    for (const [name, value] of Object.entries(changes)) this.model.set(name, value);
    this.model.save_changes();
  }

  // ---- controls

  build() {
    const live = make("div", { class: "pc-hidden", role: "status", "aria-live": "polite" });
    this.live = live;
    this.sentence = make("p", { class: "pc-sentence" });
    this.notice = make("p", { class: "pc-notice", role: "alert", hidden: true });
    this.code = make("div", { class: "pc-code" });
    this.formula = make("div", { class: "pc-formula" });
    this.grids = make("div", { class: "pc-grids" });
    this.grid = {};
    this.addGrid("input", "Input");
    this.addGrid("max", "Max");
    this.addGrid("avg", "Average");
    this.lens = make("canvas", { class: "pc-lens", "aria-hidden": "true" });
    this.lensBox = make("figure", { class: "pc-lens-box", hidden: true }, make("figcaption", {}, "Lens"), this.lens);
    this.grids.append(this.lensBox);
    this.tables = make("div", { class: "pc-tables", tabindex: "0", role: "region", "aria-label": "Numbers as tables" });
    const numbers = make("details", { class: "pc-numbers", ontoggle: () => this.drawTables() }, make("summary", {}, "Numbers as tables"), this.tables);
    this.numbers = numbers;
    this.root.append(this.buildControls(), this.code, this.formula, this.grids, this.buildPlayer(), this.notice, this.sentence, numbers, live);
  }

  buildControls() {
    const kinds = make("fieldset", { class: "pc-kinds" }, make("legend", {}, "Pooling"));
    this.kindInputs = {};
    for (const [value, text] of [["max", "Max"], ["avg", "Average"], ["both", "Both"]]) {
      const input = make("input", { type: "radio", name: `${this.id}-kind`, value, onchange: () => this.setKind(value) });
      this.kindInputs[value] = input;
      kinds.append(make("label", {}, input, text));
    }
    this.presetInput = make("select", { onchange: () => this.set({ preset: this.presetInput.value }) });
    this.channelInput = make("select", { onchange: () => this.setChannel(+this.channelInput.value) });
    this.channelLabel = make("label", { class: "pc-field" }, "Channel", this.channelInput);
    const first = make("div", { class: "pc-row" }, kinds, make("label", { class: "pc-field" }, "Input", this.presetInput), this.channelLabel);
    this.sliders = {};
    const sliders = make("div", { class: "pc-row pc-sliders" }, this.buildSlider("kernel_size"), this.buildSlider("stride"), this.buildSlider("padding"));
    return make("div", { class: "pc-controls" }, first, sliders, this.buildMore());
  }

  buildMore() {
    const check = (name, text) => {
      const input = make("input", { type: "checkbox", onchange: () => this.set({ [name]: input.checked }) });
      this[name] = input;
      return make("label", { class: "pc-check" }, input, text);
    };
    this.apartInput = make("input", { type: "checkbox", onchange: () => this.setApart(this.apartInput.checked) });
    this.divisorInput = make("input", { type: "number", step: "1", placeholder: "None", onchange: () => this.setDivisor() });
    this.divisorLabel = make("label", { class: "pc-field" }, "divisor_override", this.divisorInput);
    return make(
      "details", { class: "pc-more" }, make("summary", {}, "More settings"),
      make("div", { class: "pc-row" },
        make("label", { class: "pc-check" }, this.apartInput, "height and width apart"),
        check("ceil_mode", "ceil_mode"), check("count_include_pad", "count_include_pad"), this.divisorLabel),
      make("div", { class: "pc-row pc-sliders" }, this.buildSlider("dilation")),
    );
  }

  buildSlider(name) {
    const hint = make("div", { class: "pc-hint", id: `${this.id}-${name}-hint` });
    const value = make("output", { class: "pc-value" });
    const inputs = ["height", "width"].map((side, i) =>
      make("input", {
        type: "range", min: name === "padding" ? 0 : 1, step: 1, "aria-describedby": hint.id,
        oninput: (event) => this.slide(name, i, +event.target.value),
      }));
    this.sliders[name] = { inputs, value, hint };
    return make("div", { class: "pc-slider" }, make("div", { class: "pc-slider-head" }, make("span", {}, name), value), ...inputs, hint);
  }

  buildPlayer() {
    const button = (text, label, onclick) => make("button", { type: "button", title: label, "aria-label": label, onclick }, text);
    this.playButton = button("▶ Play", "Play the sliding window", () => this.play(!this.timer));
    this.speedInput = make("select", { onchange: () => this.timer && this.play(true) });
    for (const [text, ms] of [["slow", 1200], ["normal", 600], ["fast", 200]]) this.speedInput.append(make("option", { value: ms }, text));
    this.speedInput.value = 600;
    return make("div", { class: "pc-player" },
      button("◀", "Previous window", () => this.step(-1)), this.playButton, button("▶", "Next window", () => this.step(1)),
      make("label", { class: "pc-field" }, "Speed", this.speedInput));
  }

  setKind(value) {
    this.set(value === "both" ? { compare: true } : { compare: false, kind: value });
  }

  setChannel(channel) {
    this.channel = channel;
    this.draw();
  }

  setApart(apart) {
    this.apart = apart;
    const changes = {};
    for (const name of SETTINGS.slice(1, 5)) {
      const both = pair(this.get(name));
      if (!apart && both[0] !== both[1]) changes[name] = both[0];
    }
    if (changes.kernel_size) changes.padding = Math.min(pair(this.get("padding"))[0], Math.floor(changes.kernel_size / 2));
    this.set(changes);
    this.draw();
  }

  setDivisor() {
    const text = this.divisorInput.value.trim();
    if (text === "0") {
      this.say("divisor_override=0: nothing can be divided by 0; leave it empty for the usual divisor.");
      this.divisorInput.value = this.get("divisor_override") ?? "";
      return;
    }
    this.set({ divisor_override: text === "" ? null : Math.trunc(Number(text)) });
  }

  slide(name, i, value) {
    const both = [...pair(this.get(name))];
    both[i] = value;
    if (!this.apart) both.fill(value);
    const changes = { [name]: both[0] === both[1] ? both[0] : both };
    if (name === "kernel_size") {
      const padding = pair(this.get("padding")).map((p, j) => Math.min(p, Math.floor(both[j] / 2)));
      changes.padding = padding[0] === padding[1] ? padding[0] : padding;
    }
    this.announceSize = true;
    this.set(changes);
  }

  syncControls() {
    const settings = settingsOf(this.get, this.kinds[0]);
    const { h, w, channels } = this.states.input;
    const max = this.kinds.includes("max");
    const avg = this.kinds.includes("avg");
    this.kindInputs[this.get("compare") ? "both" : this.get("kind")].checked = true;
    const most = this.get("most");
    const limits = {
      kernel_size: pair(largestKernel(settings, h, w, Math.max(most.kernel_size, ...settings.kernel))),
      stride: pair(Math.max(most.stride, ...settings.stride)),
      padding: settings.kernel.map((k) => Math.floor(k / 2)),
      dilation: pair(Math.max(3, ...pair(this.get("dilation")))),
    };
    limits.kernel_size = limits.kernel_size.map((k, i) => Math.max(k, settings.kernel[i]));
    if (!this.apart) limits.padding.fill(Math.min(...limits.padding));
    const [kh, kw] = settings.kernel;
    const hints = {
      kernel_size: Math.max(...settings.kernel) >= Math.max(...limits.kernel_size) && limits.kernel_size[0] < most.kernel_size ? `a larger window does not fit ${h} × ${w}` : "",
      stride: settings.stride[0] === kh && settings.stride[1] === kw ? "= kernel_size, the default" : settings.stride[0] < kh ? "smaller than kernel_size: windows overlap" : "",
      padding: `at most kernel_size // 2 = ${[...new Set(limits.padding)].join(" and ")}`,
      dilation: max ? "" : "belongs to max pooling",
    };
    for (const [name, { inputs, value, hint }] of Object.entries(this.sliders)) {
      const now = pair(this.get(name));
      value.textContent = this.apart ? `${now[0]} × ${now[1]}` : `${now[0]}`;
      hint.textContent = hints[name];
      inputs.forEach((input, i) => {
        input.max = limits[name][i]; // before value, or the value is clipped
        input.value = now[i];
        input.hidden = i === 1 && !this.apart;
        input.disabled = name === "dilation" && !max;
        input.setAttribute("aria-label", this.apart ? `${name}, ${["height", "width"][i]}` : name);
      });
    }
    this.apartInput.checked = this.apart;
    this.ceil_mode.checked = this.get("ceil_mode");
    this.count_include_pad.checked = this.get("count_include_pad");
    this.count_include_pad.disabled = this.divisorInput.disabled = !avg;
    if (document.activeElement !== this.divisorInput) this.divisorInput.value = this.get("divisor_override") ?? "";
    this.syncPresets();
    this.channelLabel.hidden = channels === 1;
    if (this.channelInput.options.length !== channels) {
      const names = this.isPhoto ? ["red", "green", "blue"] : [...Array(channels).keys()];
      this.channelInput.replaceChildren(...names.map((n, i) => make("option", { value: i }, `${n}`)));
    }
    this.channel = Math.min(this.channel, channels - 1);
    this.channelInput.value = this.channel;
  }

  syncPresets() {
    const preset = this.get("preset");
    const options = [...this.get("presets")];
    if (!preset) options.unshift(["", "your own"]);
    if (this.presetInput.options.length !== options.length) {
      this.presetInput.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
    }
    this.presetInput.value = preset;
  }

  // ---- grids

  addGrid(name, title) {
    const base = make("canvas", { "aria-hidden": "true" });
    const over = make("canvas", { class: "pc-over", "aria-hidden": "true" });
    const stage = make("div", {
      class: "pc-stage", tabindex: "0", role: "application",
      onkeydown: (event) => this.key(event, name),
      onfocus: () => this.focusGrid(name),
      onpointermove: (event) => event.pointerType === "mouse" && this.point(event, name),
      onpointerleave: () => this.point(null, name),
      onpointerdown: (event) => this.press(event, name),
      ondblclick: () => name === "input" && this.edit(""),
    }, base, over);
    const caption = make("figcaption", {});
    const figure = make("figure", { class: "pc-grid" }, caption, stage);
    this.grid[name] = { name, title, base, over, stage, caption, figure };
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
    if (this.isPhoto) return (r, c) => [0, 1, 2].map((ch) => at(ch, r, c) * 255);
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
    this.shown = this.kinds.map((kind) => {
      const s = settingsOf(this.get, kind);
      return { kind, s, key: stateKey(s), rows: axis(s, 0, h), cols: axis(s, 1, w) };
    });
    for (const shown of this.shown) shown.state = this.states.get(shown.key);
    this.syncControls();
    const missing = this.shown.filter((shown) => !shown.state).map((shown) => shown.key);
    if (missing.length) {
      this.root.setAttribute("aria-busy", "true");
      this.waitFor(missing);
      return; // the last picture stays, dimmed, until torch has answered
    }
    this.root.removeAttribute("aria-busy");
    clearTimeout(this.patience);
    if (this.scaleFor !== values) {
      this.scaleFor = values;
      this.scale = scaleOf(values.subarray(0));
    }
    this.notice.textContent = this.get("message") || this.shown.map(({ state }) => state.error).find(Boolean) || "";
    this.notice.hidden = !this.notice.textContent;
    this.layout();
    this.paintInput();
    for (const kind of ["max", "avg"]) this.paintOutput(kind);
    this.drawCode();
    this.overlay();
    if (this.numbers.open) this.drawTables();
    if (this.announceSize) this.announce(this.shown.map((v) => (v.state.error ? v.state.error : `${NAMES[v.kind]} output ${v.state.h} by ${v.state.w}`)).join(". "));
    this.announceSize = false;
    this.prefetch();
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
    const { cell, readable } = fit(this.width, h, w, margin, this.shown.length, growth);
    this.grid.input.frame = frameOf(h, w, cell, margin);
    for (const kind of ["max", "avg"]) {
      const shown = this.shown.find((v) => v.kind === kind);
      const { figure, stage } = this.grid[kind];
      figure.hidden = !shown;
      stage.hidden = !shown || Boolean(shown.state.error);
      this.grid[kind].frame = stage.hidden ? null : this.outputFrame(shown.state, cell, readable);
      const reserved = readable ? frameOf(h, w + growth, cell) : this.grid.input.frame;
      figure.style.minWidth = `${Math.min(reserved.width, this.width)}px`;
    }
    this.lensBox.hidden = readable;
  }

  outputFrame({ h, w }, cell, readable) {
    if (readable) return frameOf(h, w, cell);
    const { input } = this.states;
    return frameOf(h, w, Math.min(44, cell * Math.max(input.h, input.w) / Math.max(h, w)));
  }

  paintInput() {
    const { frame, base, stage, caption } = this.grid.input;
    const { h, w, channels, values } = this.states.input;
    const ctx = sizeCanvas(base, frame.width, frame.height);
    const colour = this.colourOf((ch, r, c) => values[ch * h * w + r * w + c]);
    const first = this.shown.find(({ state }) => !state.error);
    paintIndices(ctx, this.look, frame, first ? first.s.padding : [0, 0]);
    paintCells(ctx, this.look, frame, colour, this.inputAt);
    let unread = 0;
    if (first) {
      const text = first.kind === "max" ? "−∞" : first.s.countPad && first.s.divisor === null ? "0" : "–";
      paintBorder(ctx, this.look, frame, first.rows, first.cols, text);
      unread = this.hatchUnread(ctx, frame, first);
    }
    const size = `${channels > 1 ? `${channels} × ` : ""}${h} × ${w}`;
    caption.textContent = `Input ${size}${unread ? ` · ${unread} of ${h * w} cells never read (hatched)` : ""}`;
    stage.setAttribute("aria-label", `Input, ${h} rows by ${w} columns. Arrow keys walk, Enter edits.`);
  }

  hatchUnread(ctx, frame, { rows, cols }) {
    const [byRow, byCol] = [readCounts(rows), readCounts(cols)];
    const unread = [byRow, byCol].map((counts) => counts.filter((n) => n === 0).length);
    if (!unread[0] && !unread[1]) return 0;
    byRow.forEach((inRow, r) => byCol.forEach((inCol, c) => inRow * inCol || paintHatch(ctx, frame, r, c)));
    const read = (rows.size - unread[0]) * (cols.size - unread[1]);
    return rows.size * cols.size - read;
  }

  paintOutput(kind) {
    const { frame, base, stage, caption, title } = this.grid[kind];
    const shown = this.shown.find((v) => v.kind === kind);
    if (!frame) {
      caption.textContent = shown ? `${title}: not possible here` : "";
      return;
    }
    const { state } = shown;
    const ctx = sizeCanvas(base, frame.width, frame.height);
    paintIndices(ctx, this.look, frame);
    paintCells(ctx, this.look, frame, this.colourOf(state.at), (r, c) => state.at(this.channel, r, c));
    const channels = this.states.input.channels;
    caption.textContent = `${title} output ${channels > 1 ? `${channels} × ` : ""}${state.h} × ${state.w}`;
    stage.setAttribute("aria-label", `${title} output, ${state.h} rows by ${state.w} columns. Arrow keys walk.`);
  }

  drawCode() {
    const { h, w } = this.states.input;
    const lines = this.shown.map(({ s }) => code(s));
    const key = lines.join("\n");
    if (this.codeKey !== key) {
      this.codeKey = key;
      this.code.replaceChildren(...lines.map((line) => {
        const button = make("button", { type: "button", "aria-label": `Copy ${line}`, onclick: () => this.copy(line, button) }, "Copy");
        return make("div", {}, make("code", {}, line), button);
      }));
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

  get at() {
    const at = this.hover ?? this.pick;
    const grid = at.grid === "input" || this.shown.some((v) => v.kind === at.grid) ? at.grid : this.shown[0].kind;
    const frame = this.grid[grid]?.frame;
    if (!frame) return null;
    return { grid, row: Math.min(at.row, frame.rows - 1), col: Math.min(at.col, frame.cols - 1) };
  }

  overlay() {
    for (const { frame, over } of Object.values(this.grid)) if (frame) this.overCtx(over, frame);
    const at = this.at;
    const focus = at && (at.grid === "input" ? this.overInput(at) : this.overOutput(at));
    this.sentence.textContent = focus ?? "";
    if (at && !this.lensBox.hidden) this.drawLens(at);
  }

  overCtx = (over, frame) => sizeCanvas(over, frame.width, frame.height);
  ctxOf = (name) => this.grid[name].over.getContext("2d");

  overOutput({ grid, row, col }) {
    const shown = this.shown.find((v) => v.kind === grid);
    this.markWindow(this.ctxOf("input"), this.grid.input.frame, shown, row, col);
    const sentences = [];
    for (const v of this.shown) {
      if (v.state.error || row >= v.state.h || col >= v.state.w) continue;
      outline(this.ctxOf(v.kind), this.look, this.grid[v.kind].frame, row, col, 1, 1, "window");
      sentences.push(this.windowSentence(v, row, col));
    }
    return sentences.join(" ");
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

  windowSentence({ kind, s, rows, cols, state }, row, col) {
    const found = windowOf(rows, cols, row, col);
    const values = entries(s, found, this.inputAt);
    const output = state.at(this.channel, row, col);
    const head = `${NAMES[kind]} output at ${place(row, col)}: `;
    const count = (what) => found.filter((t) => t.what === what).length;
    const notes = [];
    if (kind === "max") {
      const winner = state.winner(this.channel, row, col);
      const ties = values.filter((v) => v === output).length;
      notes.push(`The winner is ${place(winner.row, winner.col)}${ties > 1 ? `, the first of ${ties} that tie` : ""}.`);
      if (Number.isNaN(output)) notes.push("nan beats every number; of several, the last wins.");
      if (count("pad")) notes.push(`${plural(count("pad"), "padded cell")} ${count("pad") === 1 ? "enters" : "enter"} as -inf.`);
    } else {
      const divisor = state.divisorAt(row, col);
      notes.push(`Each input cell has a share of 1/${divisor}.`);
      if (count("pad")) {
        const how = s.divisor !== null ? "adds 0, and the divisor is given" : s.countPad ? "counts as 0" : "is not counted";
        notes.push(count("pad") === 1 ? `One padded cell ${how}.` : `${count("pad")} padded cells: each ${how}.`);
      }
    }
    if (count("overhang")) notes.push(`${plural(count("overhang"), "position")} beyond the edge: nothing is there, nothing is read.`);
    const sum = kind === "max" ? maxSum(values, output) : averageSum(values, state.divisorAt(row, col), output, this.states.input.whole);
    return `${head}${sum}. ${notes.join(" ")}`;
  }

  overInput({ row, col }) {
    outline(this.ctxOf("input"), this.look, this.grid.input.frame, row, col, 1, 1, "reader");
    const sentences = [`Input at ${place(row, col)} is ${number(this.inputAt(row, col))}.`];
    for (const v of this.shown) if (!v.state.error) sentences.push(this.readerSentence(v, row, col));
    return sentences.join(" ");
  }

  readerSentence({ kind, rows, cols, state }, row, col) {
    const found = readers(rows, row).flatMap((r) => readers(cols, col).map((c) => ({ row: r, col: c })));
    const ctx = this.ctxOf(kind);
    const frame = this.grid[kind].frame;
    for (const r of found) outline(ctx, this.look, frame, r.row, r.col, 1, 1, "reader");
    if (!found.length) return `${NAMES[kind]}: no window reads it.`;
    const windows = `${plural(found.length, "window")} ${found.length === 1 ? "reads" : "read"} it`;
    if (kind === "max") {
      const won = found.filter((r) => {
        const winner = state.winner(this.channel, r.row, r.col);
        return winner.row === row && winner.col === col;
      });
      for (const r of won) ring(ctx, this.look, frame, r.row, r.col);
      return `Max: ${windows}; it wins ${won.length === found.length && won.length > 1 ? "all" : won.length || "none"}${won.length ? `, outputs ${this.list(won)}` : ""}.`;
    }
    const shares = [...new Set(found.map((r) => `1/${state.divisorAt(r.row, r.col)}`))].join(" or ");
    return `Average: ${windows}, with a share of ${shares}: outputs ${this.list(found)}.`;
  }

  list(found) {
    const shown = found.slice(0, 6).map((r) => `(${r.row}, ${r.col})`).join(" ");
    return found.length > 6 ? `${shown} and ${found.length - 6} more` : shown;
  }

  // A lens on the input where cells are too small for numbers.
  drawLens(at) {
    const { h, w } = this.states.input;
    const shown = this.shown.find((v) => v.kind === at.grid) ?? this.shown[0];
    let [r, c] = [at.row, at.col];
    if (at.grid !== "input") {
      r = Math.round(r * shown.rows.stride - shown.rows.padding + (shown.rows.reach - 1) / 2);
      c = Math.round(c * shown.cols.stride - shown.cols.padding + (shown.cols.reach - 1) / 2);
    }
    const half = Math.floor(LENS / 2);
    const from = { row: r - half, col: c - half };
    const cell = 36;
    const frame = frameOf(LENS, LENS, cell);
    const ctx = sizeCanvas(this.lens, frame.width, frame.height);
    const inside = (row, col) => row >= 0 && col >= 0 && row < h && col < w;
    const { values } = this.states.input;
    const colour = this.colourOf((ch, row, col) => values[ch * h * w + row * w + col]);
    paintCells(ctx, this.look, frame, (row, col) => inside(row, col) && colour(row, col), this.inputAt, from);
    const moved = { ...frame, x: (col) => frame.x(col - from.col), y: (row) => frame.y(row - from.row) };
    ctx.save();
    ctx.beginPath();
    ctx.rect(frame.x(0) - 3, frame.y(0) - 3, LENS * cell + 6, LENS * cell + 6);
    ctx.clip();
    if (at.grid === "input") outline(ctx, this.look, moved, at.row, at.col, 1, 1, "reader");
    else this.markWindow(ctx, moved, shown, at.row, at.col);
    ctx.restore();
    const name = this.isPhoto ? `, ${["red", "green", "blue"][this.channel]} channel` : "";
    this.lensBox.firstChild.textContent = `Lens: input rows ${from.row} to ${from.row + LENS - 1}, columns ${from.col} to ${from.col + LENS - 1}${name}`;
  }

  drawTables() {
    if (!this.numbers.open || !this.shown) return;
    const { h, w } = this.states.input;
    const table = (caption, rows, cols, at) => {
      const [height, width] = [Math.min(rows, 32), Math.min(cols, 32)];
      const cut = height < rows || width < cols ? ", the first 32 × 32" : "";
      const head = make("tr", {}, make("td", {}), ...Array.from({ length: width }, (_, c) => make("th", { scope: "col" }, `${c}`)));
      const body = Array.from({ length: height }, (_, r) =>
        make("tr", {}, make("th", { scope: "row" }, `${r}`), ...Array.from({ length: width }, (_, c) => make("td", {}, number(at(r, c))))));
      return make("table", {}, make("caption", {}, caption + cut), make("thead", {}, head), make("tbody", {}, ...body));
    };
    const outputs = this.shown.filter((v) => !v.state.error).map(({ kind, state }) =>
      table(`${NAMES[kind]} output, ${state.h} × ${state.w}`, state.h, state.w, (r, c) => state.at(this.channel, r, c)));
    this.tables.replaceChildren(table(`Input, ${h} × ${w}`, h, w, this.inputAt), ...outputs);
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
    this.play(false);
    this.pick = at;
    this.overlay();
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
    if (event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey) return;
    const { frame } = this.grid[name];
    let { row, col } = this.at;
    const moves = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      Home: [0, -Infinity], End: [0, Infinity], PageUp: [-Infinity, 0], PageDown: [Infinity, 0],
    };
    if (moves[event.key]) {
      const clip = (v, n) => Math.max(0, Math.min(n - 1, v));
      this.pick = { grid: name, row: clip(row + moves[event.key][0], frame.rows), col: clip(col + moves[event.key][1], frame.cols) };
      this.hover = null;
      this.overlay();
      this.announce(this.sentence.textContent);
    } else if (name === "input" && (event.key === "Enter" || event.key === "F2")) {
      this.edit("");
    } else if (name === "input" && /^[-\d.]$/.test(event.key)) {
      this.edit(event.key);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  // Type a number into the chosen input cell.
  edit(text) {
    const { frame, stage } = this.grid.input;
    if (this.pick.grid !== "input") return;
    if (!this.lensBox.hidden) {
      this.say("These cells are too small to edit: choose a smaller input, or change x in Python.");
      return;
    }
    const { row, col } = this.pick;
    const input = make("input", { class: "pc-edit", type: "text", inputmode: "text", "aria-label": `New value at ${place(row, col)}` });
    input.value = text || number(this.inputAt(row, col));
    Object.assign(input.style, { left: `${frame.x(col) - 6}px`, top: `${frame.y(row)}px`, width: `${frame.cell + 12}px`, height: `${frame.cell}px` });
    const close = (commit) => {
      if (!input.isConnected) return;
      const value = input.value.trim();
      const focused = document.activeElement === input;
      input.remove();
      if (focused) stage.focus();
      if (commit && value !== "") {
        this.waitFor([]);
        this.model.send({ type: "edit", channel: this.channel, row, col, text: value.replace(",", ".").replace("−", "-") });
      }
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" || event.key === "Tab") close(true);
      if (event.key === "Escape") close(false);
    });
    input.addEventListener("blur", () => close(true));
    stage.append(input);
    input.focus();
    if (!text) input.select();
  }

  step(by) {
    const { kind, state } = this.shown[0];
    if (state?.error) return;
    const at = this.pick.grid === kind ? this.pick : { row: 0, col: by > 0 ? -1 : 0 };
    const count = state.h * state.w;
    const next = (Math.min(at.row, state.h - 1) * state.w + Math.min(at.col, state.w - 1) + by + count) % count;
    this.pick = { grid: kind, row: Math.floor(next / state.w), col: next % state.w };
    this.hover = null;
    this.overlay();
    if (!this.timer) this.announce(this.sentence.textContent);
  }

  play(on) {
    clearInterval(this.timer);
    this.timer = on ? setInterval(() => this.step(1), +this.speedInput.value) : null;
    this.playButton.textContent = on ? "❚❚ Pause" : "▶ Play";
    this.playButton.setAttribute("aria-label", on ? "Pause" : "Play the sliding window");
  }

  announce(text) {
    this.live.textContent = text;
  }

  say(text) {
    this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  // ---- states that are not here yet

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
        for (const t of this.neighbours(s)) {
          if (axis(t, 0, rows.size).out > 0 && axis(t, 1, cols.size).out > 0) keys.push(stateKey(t));
        }
      }
      this.states.ask(keys);
    }, 120);
  }

  neighbours(s) {
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

  // ---- life in the page

  watch() {
    const { model } = this;
    this.events = [
      ...SETTINGS.map((name) => [`change:${name}`, this.schedule]),
      ["change:message", this.schedule],
      ["change:preset", this.schedule],
      ["change:cells", () => {
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
        this.schedule();
      }
    });
    this.resize.observe(this.root);
    this.themes = new MutationObserver(() => this.applyTheme());
    for (const el of [document.documentElement, document.body]) this.themes.observe(el, { attributes: true });
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", this.applyTheme);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.still.addEventListener("change", this.applyMotion);
    this.applyMotion();
    this.width = this.measure();
  }

  measure = () => Math.max(300, this.root.clientWidth - 24);

  receive(content, buffers) {
    if (content.type !== "have" || content.serial !== this.states.input.serial) return;
    this.states.add({ entries: content.entries, data: buffers[0] });
    if (this.shown.some((v) => !v.state)) this.schedule();
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
    this.playButton.hidden = this.speedInput.parentElement.hidden = this.still.matches;
    if (this.still.matches) this.play(false);
  };

  leave() {
    for (const [name, callback] of this.events) this.model.off(name, callback);
    cancelAnimationFrame(this.waiting);
    clearInterval(this.timer);
    clearTimeout(this.patience);
    clearTimeout(this.idle);
    this.resize.disconnect();
    this.themes.disconnect();
    this.dark.removeEventListener("change", this.applyTheme);
    this.still.removeEventListener("change", this.applyMotion);
  }
}

function render({ model, el }) {
  const explorer = new Explorer(model, el);
  return () => explorer.leave();
}

export default { render };
