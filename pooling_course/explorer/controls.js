// The controls: sliders, switches and choices. They write the model's traits and read them back.
import { make, update } from "../web/dom.js";
import { NORM_STEP, OWN, isAdaptive, largestKernel, pair, settingsOf, sizeHint, strideHint } from "./geometry.js";
import { NAMES, inWords } from "./sentences.js";

const PAIRS = ["kernel_size", "stride", "padding", "dilation", "output_size"];
export const SETTINGS = ["kind", ...PAIRS, "ceil_mode", "count_include_pad", "divisor_override", "norm_type", "weights", "compare"];
const SLIDERS = ["output_size", "norm_type", "kernel_size", "stride", "padding", "dilation"];
const SHORT = { "adaptive max": "Max", "adaptive avg": "Average" }; // the legend says that they are adaptive
const LEAST = { padding: 0, norm_type: NORM_STEP };
const STEP = { norm_type: NORM_STEP };
let instances = 0;

export class Controls {
  constructor(view) {
    this.view = view;
    this.id = `pc${++instances}-${Math.random().toString(36).slice(2, 7)}`;
    this.apart = PAIRS.some((name) => Array.isArray(this.get(name)));
    this.el = this.build();
  }

  get = (name) => this.view.get(name);
  set = (changes) => this.view.set(changes);

  build() {
    this.kindSet = make("fieldset", {});
    this.nameKinds();
    const directions = make("fieldset", {});
    this.directionInputs = this.radios(directions, "Direction", "direction", [["forward", "Forward"], ["backward", "Backward"]], (value) => {
      this.view.announceCell = true;
      this.set({ direction: value });
    });
    this.upstreamInput = make("select", { onchange: () => this.set({ upstream_mode: this.upstreamInput.value }) });
    for (const [value, text] of [["ones", "all ones"], ["chosen", "1 at the chosen cell"], ["own", "typed in"]]) this.upstreamInput.append(make("option", { value }, text));
    this.upstreamLabel = make("label", { class: "pc-field" }, "Upstream gradient", this.upstreamInput);
    this.presetInput = make("select", { onchange: () => this.view.load(this.presetInput.value) });
    this.channelInput = make("select", { onchange: () => this.view.setChannel(+this.channelInput.value) });
    this.channelLabel = make("label", { class: "pc-field" }, "Channel", this.channelInput);
    const inputs = make("label", { class: "pc-field" }, "Input", this.presetInput);
    const first = make("div", { class: "pc-row" }, this.kindSet, directions, this.upstreamLabel, inputs, this.channelLabel);
    this.sliders = {};
    const sliders = make("div", { class: "pc-row pc-sliders" }, ...SLIDERS.slice(0, -1).map((name) => this.buildSlider(name)));
    return make("div", { class: "pc-controls" }, first, sliders, this.buildMore());
  }

  radios(set, legend, name, choices, onchange) {
    const inputs = {};
    const labels = choices.map(([value, text]) => {
      inputs[value] = make("input", { type: "radio", name: `${this.id}-${name}`, value, onchange: () => onchange(value) });
      return make("label", {}, inputs[value], text);
    });
    set.replaceChildren(make("legend", {}, legend), ...labels);
    return inputs;
  }

  // The kinds that can stand side by side: max and average, or relatives of theirs.
  nameKinds() {
    const kinds = this.get("kinds");
    const choices = [...kinds.map((kind) => [kind, SHORT[kind] ?? NAMES[kind]]), ["both", "Both"]];
    const legend = kinds.every(isAdaptive) ? "Adaptive pooling" : "Pooling";
    this.kindInputs = this.radios(this.kindSet, legend, "kind", choices, (value) => this.setKind(value));
  }

  buildMore() {
    this.checks = {};
    const check = (name, text) => {
      const input = make("input", { type: "checkbox", onchange: () => this.set({ [name]: input.checked }) });
      this.checks[name] = { input, label: make("label", { class: "pc-check" }, input, text) };
      return this.checks[name].label;
    };
    this.apartInput = make("input", { type: "checkbox", onchange: () => this.setApart(this.apartInput.checked) });
    this.divisorInput = make("input", {
      type: "number", step: "1", placeholder: "None",
      onchange: () => this.setDivisor(),
      onkeydown: (event) => event.key === "Enter" && this.setDivisor(), // JupyterLab prevents what Enter does by itself
    });
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
        type: "range", min: LEAST[name] ?? 1, step: STEP[name] ?? 1, "aria-label": name, "aria-describedby": hint.id,
        oninput: (event) => this.slide(name, i, +event.target.value),
      }));
    const el = make("div", { class: "pc-slider" }, make("div", { class: "pc-slider-head" }, make("span", {}, name), value), ...inputs, hint);
    this.sliders[name] = { el, inputs, value, hint };
    return el;
  }

  setKind(value) {
    this.set(value === "both" ? { compare: true } : { compare: false, kind: value });
  }

  setApart(apart) {
    this.apart = apart;
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
    if (text !== "" && (divisor === 0 || !Number.isInteger(divisor))) {
      const rule = divisor === 0 ? "nothing can be divided by 0" : "torch takes whole numbers only";
      this.view.refuse(`divisor_override=${text}: ${rule}; leave it empty for the usual divisor.`);
      this.divisorInput.value = this.get("divisor_override") ?? "";
      return;
    }
    this.set({ divisor_override: text === "" ? null : divisor });
  }

  slide(name, i, value) {
    this.view.announceSize = true;
    if (name === "norm_type") {
      this.set({ norm_type: value });
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
  now(name) {
    const { h, w } = this.view.states.input;
    return pair(this.get(name)).map((n, i) => n ?? [h, w][i]);
  }

  // Show what the traits say, for an input of this size.
  sync({ h, w, channels }) {
    const { kinds, backward } = this.view;
    const settings = settingsOf(this.get, kinds.find((kind) => OWN[kind].includes("padding")) ?? kinds[0]);
    const used = (name) => kinds.some((kind) => OWN[kind].includes(name));
    // what neither of the two kinds has is not there; what the other one has is there, but out of use
    const within = (name) => this.get("kinds").some((kind) => OWN[kind].includes(name));
    update(this.kindInputs[this.get("compare") ? "both" : this.get("kind")], { checked: true });
    update(this.directionInputs[this.get("direction")], { checked: true });
    update(this.upstreamLabel, { hidden: !backward });
    update(this.upstreamInput, { value: this.get("upstream_mode") });
    update(this.upstreamInput.options[2], { disabled: !this.get("own").data });
    const limits = this.limits(settings, h, w);
    const hints = this.hints(settings, limits, h, w);
    const fixed = this.get("kinds").includes("conv");
    for (const name of SLIDERS) {
      const { el, inputs, value, hint } = this.sliders[name];
      update(el, { hidden: !within(name) && !(fixed && name === "kernel_size") });
      if (el.hidden) continue;
      const now = this.now(name);
      const apart = this.apart && PAIRS.includes(name);
      update(value, { text: apart ? `${now[0]} × ${now[1]}` : `${now[0]}` });
      const inUse = used(name) || (fixed && name === "kernel_size");
      update(hint, { text: inUse ? hints[name] ?? "" : `belongs to ${this.owner(name)}` });
      inputs.forEach((input, i) => update(input, {
        max: limits[name][i], // before value, or the value is clipped
        value: now[i],
        hidden: i === 1 && !apart,
        disabled: !used(name) || (fixed && name === "kernel_size"),
        "aria-label": apart ? `${name}, ${["height", "width"][i]}` : name,
      }));
    }
    update(this.apartInput, { checked: this.apart });
    for (const [name, { input, label }] of Object.entries(this.checks)) {
      update(label, { hidden: !within(name) });
      update(input, { checked: this.get(name), disabled: !used(name) });
    }
    update(this.divisorLabel, { hidden: !within("divisor_override") });
    update(this.divisorInput, { disabled: !used("divisor_override") });
    if (document.activeElement !== this.divisorInput) update(this.divisorInput, { value: this.get("divisor_override") ?? "" });
    this.syncPresets();
    update(this.channelLabel, { hidden: channels === 1 });
    if (this.channelInput.options.length !== channels) {
      const names = this.view.isPhoto ? ["red", "green", "blue"] : [...Array(channels).keys()];
      this.channelInput.replaceChildren(...names.map((n, i) => make("option", { value: i }, `${n}`)));
    }
    update(this.channelInput, { value: this.view.channel });
  }

  limits(settings, h, w) {
    const most = this.get("most");
    const limits = {
      kernel_size: largestKernel(settings, h, w, Math.max(most.kernel_size, ...settings.kernel)),
      stride: pair(Math.max(most.stride, ...settings.stride)),
      padding: settings.kernel.map((k, i) => Math.max(Math.floor(k / 2), settings.weights ? settings.padding[i] : 0)),
      dilation: pair(Math.max(3, ...pair(this.get("dilation")))),
      output_size: pair(Math.max(most.output_size, ...this.now("output_size"))),
      norm_type: pair(Math.max(most.norm_type, this.get("norm_type"))),
    };
    if (!this.apart) for (const name of ["kernel_size", "padding"]) limits[name].fill(Math.min(...limits[name]));
    limits.kernel_size = limits.kernel_size.map((k, i) => Math.max(k, settings.kernel[i]));
    return limits;
  }

  // What a slider's place means, or why it goes no further.
  hints(settings, limits, h, w) {
    const most = `at most kernel_size // 2 = ${[...new Set(limits.padding)].join(" and ")}`;
    if (settings.weights || this.get("kinds").includes("conv")) {
      const [rows, cols] = pair(this.get("kernel_size"));
      const padding = settings.weights ? "more than kernel_size // 2 only from Python" : most;
      return { kernel_size: `the weights are ${rows} × ${cols}`, stride: strideHint(settings), padding };
    }
    const full = settings.kernel.some((k, i) => k >= limits.kernel_size[i] && limits.kernel_size[i] < this.get("most").kernel_size);
    return {
      kernel_size: full ? `a larger window does not fit ${h} × ${w}` : "",
      stride: strideHint(settings),
      padding: most,
      norm_type: { 1: "1: the sum", 2: "2: the root of the sum of squares" }[this.get("norm_type")] ?? "",
      output_size: sizeHint(this.now("output_size"), [h, w]),
    };
  }

  // The kind, of those that can be chosen here, to which a setting belongs.
  owner(name) {
    const kind = this.get("kinds").find((k) => OWN[k].includes(name));
    return kind === "conv" ? "the convolution" : `${inWords(kind)} pooling`;
  }

  syncPresets() {
    const preset = this.get("preset");
    const options = [...this.get("presets")];
    if (!preset) options.unshift(["", "your own"]);
    if (this.presetInput.options.length !== options.length) {
      this.presetInput.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
    }
    update(this.presetInput, { value: preset });
  }
}

// Previous, play, next, and how fast; `step(by)` does the work.
export class Player {
  constructor(step) {
    this.step = step;
    const button = (text, label, onclick) => make("button", { type: "button", title: label, "aria-label": label, onclick }, text);
    this.button = button("▶ Play", "Play the sliding window", () => this.play(!this.playing));
    this.speed = make("select", { onchange: () => this.playing && this.play(true) });
    for (const [text, ms] of [["slow", 1200], ["normal", 600], ["fast", 200]]) this.speed.append(make("option", { value: ms }, text));
    this.speed.value = 600;
    this.speedLabel = make("label", { class: "pc-field" }, "Speed", this.speed);
    const [back, on] = [button("◀", "Previous window", () => step(-1)), button("▶", "Next window", () => step(1))];
    this.el = make("div", { class: "pc-player" }, back, this.button, on, this.speedLabel);
  }

  get playing() {
    return Boolean(this.timer);
  }

  play(on) {
    clearInterval(this.timer);
    this.timer = on ? setInterval(() => this.step(1), +this.speed.value) : null;
    this.button.textContent = on ? "❚❚ Pause" : "▶ Play";
    this.button.setAttribute("aria-label", on ? "Pause the sliding window" : "Play the sliding window");
  }

  // Where less motion is wished for, only steps are left.
  rest(still) {
    this.button.hidden = this.speedLabel.hidden = still;
    if (still) this.play(false);
  }
}

// A text field over a cell: Enter, Tab or leaving it commits, Escape does not.
export function typeOver(stage, box, label, text, now, commit) {
  const input = make("input", { class: "pc-edit", type: "text", "aria-label": label });
  input.value = text || now;
  for (const [side, px] of Object.entries(box)) input.style[side] = `${px}px`;
  let open = true;
  const close = (keep) => {
    if (!open) return; // removing the input blurs it, which calls again
    open = false;
    const value = input.value.trim().replace(",", ".").replace("−", "-");
    const focused = document.activeElement === input;
    input.remove();
    if (focused) stage.focus();
    if (keep && value !== "" && value !== now) commit(value);
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
