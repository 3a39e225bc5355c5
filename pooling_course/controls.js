// The controls: sliders, switches and choices. They write the model's traits and read them back.
import { make, update } from "./dom.js";
import { largestKernel, pair, settingsOf, strideHint } from "./geometry.js";

export const SETTINGS = ["kind", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "count_include_pad", "divisor_override", "compare"];
const PAIRS = SETTINGS.slice(1, 5);
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
    const radios = (legend, name, choices, onchange) => {
      const inputs = {};
      const set = make("fieldset", {}, make("legend", {}, legend));
      for (const [value, text] of choices) {
        inputs[value] = make("input", { type: "radio", name: `${this.id}-${name}`, value, onchange: () => onchange(value) });
        set.append(make("label", {}, inputs[value], text));
      }
      return [set, inputs];
    };
    const [kinds, kindInputs] = radios("Pooling", "kind", [["max", "Max"], ["avg", "Average"], ["both", "Both"]], (value) => this.setKind(value));
    const [directions, directionInputs] = radios("Direction", "direction", [["forward", "Forward"], ["backward", "Backward"]], (value) => this.set({ direction: value }));
    Object.assign(this, { kindInputs, directionInputs });
    this.upstreamInput = make("select", { onchange: () => this.set({ upstream_mode: this.upstreamInput.value }) });
    for (const [value, text] of [["ones", "all ones"], ["chosen", "1 at the chosen cell"], ["own", "typed in"]]) this.upstreamInput.append(make("option", { value }, text));
    this.upstreamLabel = make("label", { class: "pc-field" }, "Upstream gradient", this.upstreamInput);
    this.presetInput = make("select", { onchange: () => this.view.load(this.presetInput.value) });
    this.channelInput = make("select", { onchange: () => this.view.setChannel(+this.channelInput.value) });
    this.channelLabel = make("label", { class: "pc-field" }, "Channel", this.channelInput);
    const inputs = make("label", { class: "pc-field" }, "Input", this.presetInput);
    const first = make("div", { class: "pc-row" }, kinds, directions, this.upstreamLabel, inputs, this.channelLabel);
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
        type: "range", min: name === "padding" ? 0 : 1, step: 1, "aria-describedby": hint.id,
        oninput: (event) => this.slide(name, i, +event.target.value),
      }));
    this.sliders[name] = { inputs, value, hint };
    return make("div", { class: "pc-slider" }, make("div", { class: "pc-slider-head" }, make("span", {}, name), value), ...inputs, hint);
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
    if (text === "0") {
      this.view.say("divisor_override=0: nothing can be divided by 0; leave it empty for the usual divisor.");
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
    this.view.announceSize = true;
    this.set(changes);
  }

  // Show what the traits say, for an input of this size.
  sync({ h, w, channels }) {
    const { kinds, backward } = this.view;
    const settings = settingsOf(this.get, kinds[0]);
    const [max, avg] = [kinds.includes("max"), kinds.includes("avg")];
    update(this.kindInputs[this.get("compare") ? "both" : this.get("kind")], { checked: true });
    update(this.directionInputs[this.get("direction")], { checked: true });
    update(this.upstreamLabel, { hidden: !backward });
    update(this.upstreamInput, { value: this.get("upstream_mode") });
    update(this.upstreamInput.options[2], { disabled: !this.get("own").data });
    const most = this.get("most");
    const limits = {
      kernel_size: pair(largestKernel(settings, h, w, Math.max(most.kernel_size, ...settings.kernel))),
      stride: pair(Math.max(most.stride, ...settings.stride)),
      padding: settings.kernel.map((k) => Math.floor(k / 2)),
      dilation: pair(Math.max(3, ...pair(this.get("dilation")))),
    };
    limits.kernel_size = limits.kernel_size.map((k, i) => Math.max(k, settings.kernel[i]));
    if (!this.apart) limits.padding.fill(Math.min(...limits.padding));
    const hints = {
      kernel_size: Math.max(...settings.kernel) >= Math.max(...limits.kernel_size) && limits.kernel_size[0] < most.kernel_size ? `a larger window does not fit ${h} × ${w}` : "",
      stride: strideHint(settings),
      padding: `at most kernel_size // 2 = ${[...new Set(limits.padding)].join(" and ")}`,
      dilation: max ? "" : "belongs to max pooling",
    };
    for (const [name, { inputs, value, hint }] of Object.entries(this.sliders)) {
      const now = pair(this.get(name));
      update(value, { text: this.apart ? `${now[0]} × ${now[1]}` : `${now[0]}` });
      update(hint, { text: hints[name] });
      inputs.forEach((input, i) => update(input, {
        max: limits[name][i], // before value, or the value is clipped
        value: now[i],
        hidden: i === 1 && !this.apart,
        disabled: name === "dilation" && !max,
        "aria-label": this.apart ? `${name}, ${["height", "width"][i]}` : name,
      }));
    }
    update(this.apartInput, { checked: this.apart });
    update(this.ceil_mode, { checked: this.get("ceil_mode") });
    update(this.count_include_pad, { checked: this.get("count_include_pad"), disabled: !avg });
    update(this.divisorInput, { disabled: !avg });
    if (document.activeElement !== this.divisorInput) update(this.divisorInput, { value: this.get("divisor_override") ?? "" });
    this.syncPresets();
    update(this.channelLabel, { hidden: channels === 1 });
    if (this.channelInput.options.length !== channels) {
      const names = this.view.isPhoto ? ["red", "green", "blue"] : [...Array(channels).keys()];
      this.channelInput.replaceChildren(...names.map((n, i) => make("option", { value: i }, `${n}`)));
    }
    update(this.channelInput, { value: this.view.channel });
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
