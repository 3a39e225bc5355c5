// @ts-check
// The controls: sliders, switches and choices. They write the model's traits and read them back.
import { focusedBy, list, make, update } from "../web/dom.js";
import { afterPress } from "../web/press.js";
import { pair } from "./geometry.js";
import { KINDS, SLIDERS, settingsOf } from "./kinds/kinds.js";

/**
 * @import { Explorer } from "./explorer.js"
 * @import { Cells, Facts, Kind, Pair, Settings, Slider } from "./types.d.ts"
 */

const PAIRS = SLIDERS.filter(({ both }) => both).map(({ name }) => name);
const COLOURS = ["red", "green", "blue"];
const CELLS = ["values", "all windows", "reads", "divisors"];
let instances = 0;

/** @type {(name: string) => (kind: Kind) => boolean} */
const takes = (name) => (kind) => kind.settings.includes(name);

export class Controls {
  /** @type {HTMLElement} */
  bar;
  /** @type {HTMLElement} what is chosen once stands beside the sliders, or on a phone below them, where it scrolls away */
  inputs;
  /** @type {HTMLFieldSetElement} */
  kindSet;
  /** @type {Kind[]} the kinds that its buttons name */
  named = [];
  /** @type {Record<string, HTMLInputElement>} */
  kindInputs;
  /** @type {Record<string, HTMLInputElement>} */
  directionInputs;
  /** @type {HTMLSelectElement} */
  upstreamInput;
  /** @type {HTMLElement} */
  upstreamLabel;
  /** @type {HTMLSelectElement} */
  cellsInput;
  /** @type {HTMLElement} */
  cellsLabel;
  /** @type {HTMLSelectElement} */
  presetInput;
  /** @type {HTMLSelectElement} */
  channelInput;
  /** @type {HTMLElement} */
  channelLabel;
  /** @type {Record<string, {el: HTMLElement, inputs: HTMLInputElement[], sides: HTMLElement[], refused: HTMLElement, value: HTMLElement, hint: HTMLElement}>} */
  sliders = {};
  /** @type {Record<string, {input: HTMLInputElement, label: HTMLElement}>} */
  checks = {};
  /** @type {HTMLInputElement} */
  apartInput;
  /** @type {HTMLInputElement} */
  divisorInput;
  /** @type {HTMLElement} */
  divisorLabel;

  /** @param {Explorer} view */
  constructor(view) {
    this.view = view;
    this.id = `pc${++instances}-${Math.random().toString(36).slice(2, 7)}`;
    this.apart = this.isApart();
    this.el = this.build();
  }

  /** @param {string} name */
  get = (name) => this.view.get(name);
  /** @param {Record<string, any>} changes */
  set = (changes) => this.view.set(changes);
  isApart = () => PAIRS.some((name) => Array.isArray(this.get(name)));
  /** @returns {Kind[]} */
  get choosable() {
    return this.get("kinds").map((/** @type {string} */ name) => KINDS[name]);
  }

  build() {
    this.kindSet = make("fieldset", { class: "pc-segments" });
    this.nameKinds();
    const directions = make("fieldset", { class: "pc-segments" });
    this.directionInputs = this.radios(
      directions,
      "Direction",
      "direction",
      [
        ["forward", "Forward"],
        ["backward", "Backward"],
      ],
      (value) => {
        this.view.announceCell = true;
        this.set({ direction: value });
      },
    );
    this.upstreamInput = make("select", { onchange: () => this.setUpstream(this.upstreamInput.value) });
    for (const [value, text] of [
      ["ones", "all ones"],
      ["chosen", "1 at the chosen cell"],
      ["own", "typed in"],
    ])
      this.upstreamInput.append(make("option", { value }, text));
    this.upstreamLabel = make("label", { class: "pc-field" }, "Upstream gradient", this.upstreamInput);
    this.cellsInput = make("select", { onchange: () => this.view.showCells(this.cellsInput.value) });
    for (const text of CELLS) this.cellsInput.append(make("option", { value: text }, text));
    this.cellsLabel = make("label", { class: "pc-field" }, "Cells show", this.cellsInput);
    this.presetInput = make("select", { onchange: () => this.view.load(this.presetInput.value) });
    this.channelInput = make("select", { onchange: () => this.view.setChannel(+this.channelInput.value) });
    const unseen = (/** @type {string} */ text) => make("span", { class: "pc-hidden" }, text); // beside what says it by itself
    this.channelLabel = make("label", { class: "pc-field" }, unseen("Channel"), this.channelInput);
    const inputs = make("label", { class: "pc-field" }, unseen("Input"), this.presetInput);
    this.inputs = make("div", { class: "pc-inputs" }, inputs, this.channelLabel);
    this.bar = make("div", { class: "pc-bar" }, this.kindSet, directions, this.inputs);
    const settings = this.settings();
    const [front, more] = [true, false].map((at) => settings.filter((setting) => setting.front === at));
    const row = make("div", { class: "pc-row pc-sliders" }, ...front.map(({ el }) => el));
    return make("div", { class: "pc-controls" }, this.bar, row, this.buildMore(more.map(({ el }) => el)));
  }

  // Every slider, switch and field, and whether it stands in front: those that the cell names, or the usual ones.
  settings() {
    /** @type {string[]} */
    const named = this.get("front");
    /** @type {(name: string, usual: boolean) => boolean} */
    const inFront = (name, usual) => (named.length ? named.includes(name) : usual);
    const sliders = SLIDERS.map((slider) => ({ el: this.buildSlider(slider), front: inFront(slider.name, !slider.more) }));
    const checks = ["ceil_mode", "count_include_pad"].map((name) => ({ el: this.buildCheck(name), front: inFront(name, false) }));
    const divisor = { el: this.buildDivisor(), front: inFront("divisor_override", false) };
    return [...sliders, ...checks, divisor];
  }

  /** @type {(set: Element, legend: string, name: string, choices: string[][], onchange: (value: string) => void) => Record<string, HTMLInputElement>} */
  radios(set, legend, name, choices, onchange) {
    /** @type {Record<string, HTMLInputElement>} */
    const inputs = {};
    const labels = choices.map(([value, text]) => {
      inputs[value] = make("input", { type: "radio", name: `${this.id}-${name}`, value, onchange: () => onchange(value) });
      return make("label", {}, inputs[value], text);
    });
    set.replaceChildren(make("legend", { class: "pc-hidden" }, legend), ...labels);
    return inputs;
  }

  // The kinds that can stand side by side: max and average, or relatives of theirs.
  nameKinds() {
    const kinds = this.choosable;
    if (kinds.every((kind, i) => kind === this.named[i])) return;
    this.named = kinds;
    const related = kinds.every(({ family }) => family === kinds[0].family); // then the legend says what they are
    const choices = [...kinds.map((kind) => [kind.name, related ? kind.short : kind.title]), ["both", "Both"]];
    const legend = related ? kinds[0].family : "Pooling";
    this.kindInputs = this.radios(this.kindSet, legend, "kind", choices, (value) => this.setKind(value));
  }

  /** @param {HTMLElement[]} settings */
  buildMore(settings) {
    this.apartInput = make("input", { type: "checkbox", onchange: () => this.setApart(this.apartInput.checked) });
    const apart = make("label", { class: "pc-check" }, this.apartInput, "height and width apart");
    return make("details", { class: "pc-more" }, make("summary", {}, "More settings"), make("div", { class: "pc-row pc-sliders" }, apart, ...settings));
  }

  /** @param {string} name */
  buildCheck(name) {
    const change = () => {
      this.view.announceSize = true;
      this.set({ [name]: input.checked });
    };
    const input = make("input", { type: "checkbox", onchange: change });
    this.checks[name] = { input, label: make("label", { class: "pc-check" }, input, name) };
    return this.checks[name].label;
  }

  buildDivisor() {
    this.divisorInput = make("input", {
      type: "number",
      step: "1",
      placeholder: "None",
      onchange: () => this.setDivisor(),
      onkeydown: (event) => event.key === "Enter" && this.setDivisor(), // JupyterLab prevents what Enter does by itself
    });
    this.divisorLabel = make("label", { class: "pc-field" }, "divisor_override", this.divisorInput);
    return this.divisorLabel;
  }

  /** @param {Slider} slider */
  buildSlider({ name, least, step }) {
    const hint = make("div", { class: "pc-hint", id: `${this.id}-${name}-hint` });
    const value = make("output", { class: "pc-value", "aria-live": "off" }); // the slider says it
    const inputs = ["height", "width"].map((side, i) => {
      let before = "";
      return make("input", {
        type: "range",
        min: least,
        step,
        "aria-label": name,
        "aria-describedby": hint.id,
        oninput: (event) => this.slide(name, i, +event.target.value),
        onpointerdown: (event) => (before = event.target.value),
        onpointercancel: () => this.slide(name, i, +before), // a swipe that scrolls the page moves no slider
      });
    });
    const head = make("div", { class: "pc-slider-head" }, make("span", {}, name), value);
    const refused = make("div", { class: "pc-refused", "aria-hidden": "true" }); // the hint says why
    const sides = ["h", "w"].map((side) => make("span", { class: "pc-side", "aria-hidden": "true" }, side)); // each slider has its whole name
    const ranges = make("div", { class: "pc-ranges" }, sides[0], inputs[0], sides[1], inputs[1], refused);
    const el = make("div", { class: "pc-slider" }, head, ranges, hint);
    this.sliders[name] = { el, inputs, sides, refused, value, hint };
    return el;
  }

  /** @param {string} value */
  setKind(value) {
    this.view.announceSize = true;
    this.set(value === "both" ? { compare: true } : { compare: false, kind: value });
  }

  /** @param {string} mode */
  setUpstream(mode) {
    const { grid, row, col } = this.view.pick;
    const chosen = this.view.isInput(grid) ? {} : { chosen: [row, col] }; // what is pointed at, and Python may not have heard of
    this.view.announceCell = true;
    this.set({ upstream_mode: mode, ...(mode === "chosen" && chosen) });
  }

  /** @param {boolean} apart */
  setApart(apart) {
    this.apart = apart;
    /** @type {Record<string, any>} */
    const changes = {};
    for (const name of PAIRS) {
      const both = pair(this.get(name));
      if (!apart && both[0] !== both[1]) changes[name] = both[0];
    }
    if (changes.kernel_size) changes.padding = Math.min(pair(this.get("padding"))[0], Math.floor(changes.kernel_size / 2));
    this.set(changes);
    this.view.draw();
  }

  setDivisor() {
    const text = this.divisorInput.value.trim();
    const divisor = Number(text);
    const unreadable = this.divisorInput.validity.badInput; // then its value is ""
    if (unreadable || (text !== "" && (divisor === 0 || !Number.isInteger(divisor)))) {
      const rule = text !== "" && divisor === 0 ? "nothing can be divided by 0" : "torch takes whole numbers only";
      const refused = `divisor_override${unreadable ? "" : `=${text}`}: ${rule}; leave it empty for the usual divisor.`;
      afterPress(() => this.view.refuse(refused));
      this.divisorInput.value = this.get("divisor_override") ?? "";
      return;
    }
    afterPress(() => {
      this.view.announceCell = true;
      this.set({ divisor_override: text === "" ? null : divisor });
    });
  }

  /** @type {(name: string, i: number, value: number) => void} */
  slide(name, i, value) {
    this.view.announceSize = true;
    if (!PAIRS.includes(name)) {
      this.set({ [name]: value });
      return;
    }
    const both = [...this.now(name)];
    both[i] = value;
    if (!this.apart) both.fill(value);
    const changes = { [name]: both[0] === both[1] ? both[0] : both };
    if (name === "kernel_size") {
      const padding = pair(this.get("padding")).map((p, j) => Math.min(p, Math.floor(both[j] / 2)));
      changes.padding = padding[0] === padding[1] ? padding[0] : padding;
    }
    this.set(changes);
  }

  // The two numbers of a setting; an output_size of None is the size of the input.
  /** @type {(name: string) => Pair} */
  now(name) {
    const { h, w } = this.view.states.input;
    return pair(this.get(name)).map((n, i) => n ?? [h, w][i]);
  }

  // Show what the traits say, for an input of this size.
  /** @param {Cells} input */
  sync(input) {
    const { kinds, backward, cells } = this.view;
    this.nameKinds();
    update(this.kindInputs[this.get("compare") ? "both" : this.get("kind")], { checked: true });
    update(this.directionInputs[this.get("direction")], { checked: true });
    update(this.cellsLabel, { hidden: backward });
    update(this.cellsInput, { value: cells });
    update(this.cellsInput.options[3], { disabled: !kinds.some(({ shares }) => shares === "equal") });
    update(this.upstreamLabel, { hidden: !backward });
    update(this.upstreamInput, { value: this.get("upstream_mode") });
    update(this.upstreamInput.options[2], { disabled: !this.get("own").data });
    for (const slider of SLIDERS) this.syncSlider(slider);
    update(this.apartInput, { checked: this.apart });
    for (const [name, { input, label }] of Object.entries(this.checks)) {
      update(label, { hidden: !this.within(name) });
      update(input, { checked: this.get(name), disabled: !this.used(name) });
    }
    update(this.divisorLabel, { hidden: !this.within("divisor_override") });
    update(this.divisorInput, { disabled: !this.used("divisor_override") });
    if (focusedBy(this.divisorInput) !== this.divisorInput) update(this.divisorInput, { value: this.get("divisor_override") ?? "" });
    this.syncPresets(input);
    this.syncChannels(input);
  }

  // What neither of the two kinds has is not there; what the other one has is there, but out of use.
  /** @param {string} name */
  within = (name) => this.choosable.some(takes(name));
  /** @param {string} name */
  used = (name) => this.view.kinds.some(takes(name));

  /** @param {Slider} slider */
  syncSlider(slider) {
    const { name } = slider;
    const { kinds } = this.view;
    const { choosable } = this;
    const { el, inputs, sides, refused, value, hint } = this.sliders[name];
    const fixer = choosable.find((kind) => kind.sliders.includes(slider) && !takes(name)(kind));
    update(el, { hidden: !this.within(name) && !fixer });
    if (el.hidden) return;
    const lead = kinds.find(takes("padding")) ?? kinds[0];
    const now = this.now(name);
    const limit = this.limit(slider, lead, now);
    const apart = this.apart && slider.both;
    update(value, { text: apart ? `${now[0]} × ${now[1]}` : `${now[0]}` });
    const asked = fixer ?? [lead, ...kinds].find(takes(name));
    const said = asked ? this.hint(name, asked, limit, now) : `belongs to ${choosable.find(takes(name))?.called}`;
    update(hint, { text: said, title: said });
    // A slider ends where torch refuses more; what is left of its scale, which stays, is hatched.
    const scale = slider.most ?? this.get("most")[name] ?? Math.floor(this.get("most").kernel_size / 2);
    const left = apart ? 0 : Math.max(0, scale - limit[0]) / (scale - slider.least);
    update(refused, { hidden: left === 0, style: { flexBasis: `${Math.round(100 * left)}%` } });
    for (const side of sides) update(side, { hidden: !apart });
    for (const [i, input] of inputs.entries()) {
      update(input, {
        max: limit[i], // before value, or the value is clipped
        value: now[i],
        hidden: i === 1 && !apart,
        disabled: !this.used(name) || Boolean(fixer),
        "aria-label": apart ? `${name}, ${["height", "width"][i]}` : name,
      });
    }
  }

  /** @param {Cells} input */
  syncChannels({ channels }) {
    const { isPhoto, channel } = this.view;
    update(this.channelLabel, { hidden: channels === 1 });
    const numbered = Array.from({ length: channels }, (_, i) => `${i}`);
    options(
      this.channelInput,
      numbered.map((i) => [i, isPhoto ? COLOURS[+i] : i]),
    );
    update(this.channelInput, { value: channel });
  }

  /** @type {(limit: Pair, now: Pair) => Facts} */
  facts(limit, now) {
    const { h, w } = this.view.states.input;
    return { most: this.get("most"), size: [h, w], limit, now };
  }

  // How far a slider goes, [height, width]; where both move as one, as far as both can.
  /** @type {(slider: Slider, kind: Kind, now: Pair) => Pair} */
  limit({ name, both, most = this.get("most")[name] }, kind, now) {
    const limit = kind.limits[name]?.(settingsOf(this.get, kind), this.facts([], now)) ?? [most, most];
    const reached = both && !this.apart ? pair(Math.min(...limit)) : limit;
    return reached.map((n, i) => Math.max(n, now[i]));
  }

  // What a slider's place means, or why it goes no further.
  /** @type {(name: string, kind: Kind, limit: Pair, now: Pair) => string} */
  hint(name, kind, limit, now) {
    return kind.hints[name]?.(settingsOf(this.get, kind), this.facts(limit, now)) ?? "";
  }

  /** @param {{h: number, w: number}} input */
  syncPresets({ h, w }) {
    const preset = this.get("preset");
    const given = this.view.history.typedInto("edit") ? "your own" : `given here, ${h} × ${w}`;
    options(this.presetInput, preset ? this.get("presets") : [["", given], ...this.get("presets")]);
    update(this.presetInput, { value: preset });
  }
}

/** @type {WeakMap<HTMLSelectElement, string>} */
const offered = new WeakMap();

// The options of a select: [value, text] of each. They hardly ever change, and a page is asked for each of them.
/** @type {(el: HTMLSelectElement, items: string[][]) => void} */
function options(el, items) {
  const names = items.join("\n");
  if (offered.get(el) === names) return;
  offered.set(el, names);
  list(
    el,
    items,
    () => make("option", { value: "" }),
    (option, [value, text]) => update(option, { value, text }),
  );
}
