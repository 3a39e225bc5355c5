// @ts-check
// A question: answer, say how sure you are, commit, and only then see. Python grades; without it the key does.
import { focusedBy, followTheme, leaveKeys, make } from "../web/dom.js";
import { inkOn, rgb, scaleOf } from "../web/colour.js";
import { number, readNumber } from "../web/numbers.js";
import { Patience } from "../web/patience.js";

/**
 * @import { AnyModel, RenderProps } from "@anywidget/types"
 * @import { Look } from "../web/colour.js"
 * @typedef {any} Answer a number, or a list or table of numbers, as the kind of question has it
 * @typedef {{id: string, kind: string, prompt: string, code?: string, grid?: number[][], choices: string[], steps: [number, string][],
 *   size: number[], unit?: string, whole?: boolean, explorable?: boolean}} Question
 * @typedef {{value: Answer, reason: string, misconception?: string}} Mistake
 * @typedef {{reason: string, right: boolean, misconception?: string}} Choice
 * @typedef {{why: string, truth: Answer, tolerance: number, choices: Choice[], mistakes: Mistake[]}} Key only its tolerance is known
 *   while Python has the rest
 * @typedef {{reason: string, right: boolean, chosen: boolean}} Reason
 * @typedef {{right: boolean, why: string, truth: Answer, mistake?: string, misconception: string, choices?: Reason[], done?: string}} Feedback
 * @typedef {{answer: Answer, confidence: number, feedback: Feedback, seconds?: number}} Attempt
 * @typedef {{question: Question, sure: string[], draft: {answer?: Answer, confidence?: number}, attempts: Attempt[], answering: boolean,
 *   message: string, notice: string, key: Key, opened: boolean, still: string}} Traits
 */

/** @type {Record<string, [string, string]>} */
const MARKS = { right: ["✓", "Right"], wrong: ["✗", "Not quite"], missed: ["○", "this one is right"] };
/** @type {Record<string, string>} */
const SPOKEN = { right: ", marked, right", wrong: ", wrong", missed: ", right", unmarked: ", right, not marked" };
const [LOOKS, LOOK] = [60, 50]; // how often, and after how many ms again, it is looked for an explorer that is to come
const SHOWN = ["attempts", "answering", "message", "notice", "opened"]; // traits that change what is drawn
let count = 0;

// ---- grading without a kernel: the same rules as questions/__init__.py ------------------------------------------

/** @type {(a: Answer, b: Answer, tolerance: number) => boolean} */
export function isClose(a, b, tolerance) {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((v, i) => isClose(v, b[i], tolerance));
  return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));
}

/** @type {(text: string | number) => number} */
function finiteNumber(text) {
  const value = readNumber(`${text}`);
  if (value === null || !Number.isFinite(value)) throw new Error(`'${text}' is not a number; write one such as 0.25, -3 or 1/9.`);
  return value;
}

/** @type {(kind: string, raw: any, whole?: boolean) => Answer} */
export function parse(kind, raw, whole = false) {
  if (raw === null || raw === undefined || raw === "" || (Array.isArray(raw) && !raw.length)) {
    throw new Error("No answer yet: give one, even if it is a guess.");
  }
  if (kind === "number") {
    const value = finiteNumber(raw);
    if (whole && !Number.isInteger(value)) throw new Error(`'${raw}' is not a whole number, and one is asked for here.`);
    return value;
  }
  if (kind === "shape") {
    const parts = raw
      .trim()
      .replace(/^torch\.Size/, "")
      .replace(/^[()[\] ]+|[()[\] ]+$/g, "")
      .split(/[\s,x×]+/)
      .filter(Boolean);
    if (!parts.length || !parts.every((/** @type {string} */ p) => /^\d+$/.test(p)))
      throw new Error(`'${raw}' is not a shape; write whole numbers, such as 8, 16, 32, 32.`);
    return parts.map(Number);
  }
  if (kind === "fill") {
    const blank = raw.flat().filter((/** @type {string} */ v) => v.trim() === "").length;
    if (blank) throw new Error(`${blank} of ${raw.flat().length} cells are still empty: fill them all, a guess will do.`);
    return raw.map((/** @type {string[]} */ row) => row.map(finiteNumber));
  }
  if (kind === "several") return [...raw].sort((a, b) => a - b);
  if (kind === "cells") return [...raw].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return raw;
}

/** @type {Record<string, number>} */
const DEPTH = { shape: 1, several: 1, order: 1, cells: 2, fill: 2 }; // of lists of numbers; other answers are one number
/** @type {(answer: any, depth: number) => boolean} */
const isDeep = (answer, depth) => (depth ? Array.isArray(answer) && answer.every((part) => isDeep(part, depth - 1)) : Number.isFinite(answer));

// The verdict on an answer; one that was kept may be older than the question, and have another form.
/** @type {(kind: string, key: Key, answer: Answer) => Feedback} */
export function gradeByKey(kind, key, answer) {
  const size = (/** @type {number[][]} */ rows) => `${rows.map((row) => row.length)}`;
  if (!isDeep(answer, DEPTH[kind] ?? 0) || (kind === "fill" && size(answer) !== size(key.truth))) throw new Error("This is no answer to this question.");
  /** @type {Omit<Feedback, "misconception">} */
  const feedback = { why: key.why, truth: key.truth, right: isClose(answer, key.truth, key.tolerance) };
  let wrong;
  if (kind === "one" || kind === "several") {
    const chosen = [answer].flat();
    feedback.choices = key.choices.map(({ reason, right }, i) => ({ reason, right, chosen: chosen.includes(i) }));
    wrong = key.choices.find((c, i) => chosen.includes(i) && !c.right);
  } else if (!feedback.right) {
    wrong = key.mistakes.find((m) => isClose(answer, m.value, key.tolerance));
  }
  return { ...feedback, mistake: wrong?.reason, misconception: wrong?.misconception ?? "" };
}

// ---- the widget -----------------------------------------------------------------------------------------------------

class Quiz {
  /** @type {Look | null} */
  look = null;
  /** @type {HTMLElement} */
  status;
  /** @type {HTMLElement} */
  verdict;
  patience = new Patience();
  queued = false;
  revealing = false;
  opening = false;
  left = false;
  place = "cell0-0"; // of the cells, the one that Tab comes to

  /**
   * @param {AnyModel<Traits>} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    this.id = `pq${++count}-${Math.random().toString(36).slice(2, 7)}`;
    this.started = performance.now();
    this.root = make("section", { class: "pooling-course pc-quiz", "aria-labelledby": `${this.id}-prompt` });
    this.root.dataset.alive = model.get("still");
    el.append(this.root);
    // Python's answer changes several traits at once: one redraw for all of them.
    this.redraw = () => {
      if (!this.queued) queueMicrotask(() => this.draw());
      this.queued = true;
    };
    for (const name of SHOWN) model.on(`change:${name}`, this.redraw);
    this.unleave = leaveKeys(this.root);
    this.unfollow = followTheme(this.root, (look) => {
      this.look = look;
      this.draw();
    });
  }

  /** @type {AnyModel<Traits>["get"]} */
  get = (name) => this.model.get(name);
  get q() {
    return this.get("question");
  }

  // The draft lives in the model, so that what was half answered survives a redraw.
  /** @param {Partial<Traits["draft"]>} part */
  note(part) {
    this.say(""); // what was missing may be there now
    this.model.set("draft", { ...this.get("draft"), ...part });
    this.model.save_changes();
  }

  draw() {
    this.queued = false;
    if (!this.look || this.left) return;
    this.patience.end();
    const focused = focusedBy(this.root);
    const held = focused instanceof HTMLElement && this.root.contains(focused) && focused.dataset.pcHold;
    const attempts = this.get("attempts");
    const last = attempts[attempts.length - 1];
    const open = this.get("answering") || !last;
    const q = this.q;
    /** @type {HTMLElement[]} */
    const parts = [make("p", { class: "pc-prompt", id: `${this.id}-prompt` }, q.prompt)];
    if (q.code) parts.push(make("p", {}, make("code", {}, q.code)));
    if (q.grid && q.kind !== "cells") parts.push(this.table("Input", q.grid));
    parts.push(open ? this.form() : this.committed(last));
    if (open && attempts.length) parts.push(this.firstAnswer(attempts[0]));
    this.status = make("p", { class: "pc-notice", role: "alert", hidden: !this.get("message") }, this.get("message"));
    parts.push(this.status);
    if (this.get("notice")) parts.push(make("p", { class: "pc-notice", role: "status" }, this.get("notice")));
    this.root.replaceChildren(...parts);
    this.root.dataset.verdict = open ? "" : last.feedback.right ? "right" : "wrong";
    this.root.classList.toggle("pc-fresh", this.revealing && !open);
    if (this.revealing && !open) this.verdict.focus();
    else if (held) (this.held(held) ?? this.held())?.focus();
    this.revealing = false;
    if (this.opening && this.get("opened")) this.lookAt(LOOKS);
    this.opening = false;
  }

  // What has the focus is known by name, so that what stands in its place after a redraw gets it.
  /** @type {(name?: string, more?: string) => HTMLElement | null} */
  held(name, more = "") {
    return this.root.querySelector(name ? `[data-pc-hold="${name}"]${more}` : "[data-pc-hold]");
  }

  /** @param {string} text */
  say(text) {
    this.status.textContent = text;
    this.status.hidden = !text;
  }

  // ---- before the commitment

  form() {
    const q = this.q;
    /** @type {Record<string, () => HTMLElement>} */
    const forms = {
      one: () => this.choices("radio"),
      several: () => this.choices("checkbox"),
      number: () => this.field(q.unit || "Your number", q.whole ? "a whole number" : "such as 3, 0.25 or 1/9"),
      shape: () => this.field("Shape", "such as 8, 16, 32, 32"),
      cells: () => this.cellButtons(),
      fill: () => this.fillIn(),
      order: () => this.steps(),
    };
    const sure = make("fieldset", { class: "pc-sure" }, make("legend", {}, "How sure are you?"));
    this.get("sure").forEach((text, i) => {
      const input = make("input", { type: "radio", name: `${this.id}-sure`, "data-pc-hold": `sure${i}`, onchange: () => this.note({ confidence: i }) });
      input.checked = this.get("draft").confidence === i;
      sure.append(make("label", {}, input, text));
    });
    const commit = make("button", { type: "submit", class: "pc-commit", "data-pc-hold": "commit" }, "Commit");
    return make(
      "form",
      { onsubmit: (event) => this.commit(event), onkeydown: (event) => event.stopPropagation() },
      forms[q.kind](),
      make("div", { class: "pc-row" }, sure, commit),
    );
  }

  /** @param {"radio" | "checkbox"} type */
  choices(type) {
    const answer = [this.get("draft").answer ?? []].flat();
    const set = make(
      "fieldset",
      { class: "pc-choices" },
      type === "radio" ? make("legend", { class: "pc-hidden" }, "Choose one") : make("legend", { class: "pc-hint" }, "Choose all that are right."),
    );
    this.q.choices.forEach((text, i) => {
      const onchange = () => {
        const others = [this.get("draft").answer ?? []].flat().filter((n) => n !== i);
        this.note({ answer: type === "radio" ? i : input.checked ? [...others, i] : others });
      };
      const input = make("input", { type, name: `${this.id}-choice`, "data-pc-hold": `choice${i}`, onchange });
      input.checked = answer.includes(i);
      set.append(make("label", {}, input, make("span", {}, text)));
    });
    return set;
  }

  /** @type {(label: string, hint: string) => HTMLElement} */
  field(label, hint) {
    const input = make("input", { type: "text", autocomplete: "off", "data-pc-hold": "field", oninput: () => this.note({ answer: input.value }) });
    input.value = this.get("draft").answer ?? "";
    return make("label", { class: "pc-field" }, label, input, make("span", { class: "pc-hint" }, hint));
  }

  cellButtons() {
    /** @type {() => number[][]} */
    const marked = () => this.get("draft").answer ?? [];
    /** @type {(r: number, c: number) => boolean} */
    const isMarked = (r, c) => marked().some(([a, b]) => a === r && b === c);
    return this.table("Mark the cells", this.q.grid ?? [], (r, c, value) => {
      /** @param {boolean} on */
      const name = (on) => `row ${r}, column ${c}, value ${number(value)}${on ? ", marked" : ""}`;
      const button = make(
        "button",
        {
          type: "button",
          class: "pc-cell",
          tabindex: this.place === `cell${r}-${c}` ? 0 : -1,
          "aria-pressed": `${isMarked(r, c)}`,
          "aria-label": name(isMarked(r, c)),
          "data-pc-hold": `cell${r}-${c}`,
          onclick: () => {
            const on = !isMarked(r, c);
            this.note({ answer: on ? [...marked(), [r, c]] : marked().filter(([a, b]) => a !== r || b !== c) });
            button.setAttribute("aria-pressed", `${on}`);
            button.setAttribute("aria-label", name(on));
          },
          onfocus: () => this.standAt(button),
          onkeydown: (event) => this.walk(event, r, c),
        },
        number(value),
      );
      return button;
    });
  }

  /** @type {(event: KeyboardEvent, r: number, c: number) => void} */
  walk(event, r, c) {
    const last = (this.q.grid?.[0].length ?? 1) - 1;
    const to = { ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], Home: [r, 0], End: [r, last] }[event.key];
    if (!to) return;
    event.preventDefault(); // at the edge, too, the page stays where it is
    this.held(`cell${to[0]}-${to[1]}`)?.focus();
  }

  // All cells are one stop of Tab: the one where one has been last.
  /** @param {HTMLElement} button */
  standAt(button) {
    this.held(this.place)?.setAttribute("tabindex", "-1");
    this.place = button.dataset.pcHold ?? this.place;
    button.setAttribute("tabindex", "0");
  }

  fillIn() {
    const [h, w] = this.q.size;
    const blank = Array.from({ length: h }, () => Array(w).fill(""));
    /** @type {() => string[][]} */
    const values = () => this.get("draft").answer ?? blank;
    return this.table("Fill in the output", blank, (r, c) => {
      const input = make("input", {
        type: "text",
        class: "pc-fill",
        autocomplete: "off",
        "aria-label": `output row ${r}, column ${c}`,
        "data-pc-hold": `fill${r}-${c}`,
        oninput: () => this.note({ answer: values().map((row, i) => row.map((v, j) => (i === r && j === c ? input.value : v))) }),
      });
      input.value = values()[r][c];
      return input;
    });
  }

  steps() {
    const texts = Object.fromEntries(this.q.steps);
    /** @type {number[]} */
    const order = this.get("draft").answer ?? this.q.steps.map(([i]) => i);
    const list = make("ol", { class: "pc-steps" });
    order.forEach((step, at) => {
      /** @param {number} by */
      const move = (by) => {
        const next = [...order];
        [next[at], next[at + by]] = [next[at + by], next[at]];
        this.note({ answer: next });
        this.draw();
        // at either end only the other button is left
        for (const hold of by < 0 ? ["down", "up"] : ["up", "down"]) this.held(`${hold}${step}`, ":enabled")?.focus();
      };
      const place = `${texts[step]}, now step ${at + 1} of ${order.length}`;
      /** @type {(text: string, label: string, hold: string, by: number, off: boolean) => HTMLElement} */
      const button = (text, label, hold, by, off) =>
        make("button", { type: "button", "aria-label": `${label}: ${place}`, "data-pc-hold": `${hold}${step}`, disabled: off, onclick: () => move(by) }, text);
      const buttons = [button("↑", "Earlier", "up", -1, at === 0), button("↓", "Later", "down", 1, at === order.length - 1)];
      list.append(make("li", {}, make("div", { class: "pc-step" }, ...buttons, make("span", {}, texts[step]))));
    });
    return list;
  }

  /** @param {SubmitEvent} event */
  commit(event) {
    event.preventDefault();
    const { answer = this.q.kind === "order" ? this.q.steps.map(([i]) => i) : null, confidence = -1 } = this.get("draft");
    const key = this.get("key");
    const seconds = (performance.now() - this.started) / 1000;
    let parsed;
    try {
      parsed = parse(this.q.kind, answer, this.q.whole);
    } catch (error) {
      return this.say(/** @type {Error} */ (error).message);
    }
    if (confidence < 0) return this.say("Say how sure you are, then commit: a guess is fine.");
    this.revealing = true;
    if (key.why === undefined) {
      this.model.send({ type: "commit", answer, confidence, seconds });
      this.patience.begin((text) => this.say(text), "Your answer is kept here; commit again in a moment.");
      return;
    }
    this.model.set("attempts", [...this.get("attempts"), { answer: parsed, confidence, seconds, feedback: gradeByKey(this.q.kind, key, parsed) }]);
    this.model.set("answering", false);
    this.model.save_changes();
  }

  // ---- after it

  /** @param {Attempt} attempt */
  committed({ answer, confidence, feedback }) {
    const q = this.q;
    const [mark, word] = MARKS[feedback.right ? "right" : "wrong"];
    this.verdict = make(
      "p",
      { class: `pc-verdict pc-${feedback.right ? "right" : "wrong"}`, tabindex: "-1", "data-pc-hold": "verdict" },
      make("span", { class: "pc-badge", "aria-hidden": "true" }, mark),
      ` ${word}. You said: ${this.get("sure")[confidence]}.`,
    );
    const parts = [this.verdict];
    if (feedback.choices) parts.push(this.reasons(feedback.choices));
    else {
      const right = q.kind === "order" ? "The right order" : "torch's answer";
      parts.push(
        make(
          "div",
          { class: "pc-row pc-both" },
          this.shown("Your answer", answer, q, feedback.truth),
          feedback.right ? "" : this.shown(right, feedback.truth, q),
        ),
      );
      if (feedback.mistake) parts.push(make("p", {}, feedback.mistake));
    }
    parts.push(make("p", { class: "pc-why" }, feedback.why));
    if (feedback.done) parts.push(make("p", { class: "pc-done" }, feedback.done));
    const buttons = make("div", { class: "pc-row" }, make("button", { type: "button", "data-pc-hold": "again", onclick: () => this.again() }, "Try again"));
    if (q.explorable) {
      buttons.append(
        make(
          "button",
          { type: "button", "data-pc-hold": "explore", onclick: () => this.explore() },
          this.get("opened") ? "Close the explorer" : "Open this case in the explorer",
        ),
      );
    }
    parts.push(buttons);
    const attempts = this.get("attempts");
    if (attempts.length > 1) parts.push(this.firstAnswer(attempts[0]));
    return make("div", { onkeydown: (event) => event.stopPropagation() }, ...parts);
  }

  /** @param {Reason[]} choices */
  reasons(choices) {
    const list = make("ul", { class: "pc-reasons" });
    choices.forEach(({ reason, right, chosen }, i) => {
      const kind = right ? (chosen ? "right" : "missed") : chosen ? "wrong" : "";
      const mark = kind ? MARKS[kind][0] : "·";
      const spoken = `${chosen ? "Your choice, " : ""}${right ? "right" : "wrong"}: `;
      const chip = chosen ? "your choice" : right ? MARKS.missed[1] : "";
      list.append(
        make(
          "li",
          { class: kind ? `pc-${kind === "missed" ? "right" : kind}` : "" },
          make("span", { class: "pc-mark", "aria-hidden": "true" }, mark),
          make("span", { class: "pc-hidden" }, spoken),
          make("b", {}, this.q.choices[i]),
          chip && make("span", { class: "pc-chosen", "aria-hidden": "true" }, chip),
          make("br"),
          make("span", { class: "pc-reason" }, reason),
        ),
      );
    });
    return list;
  }

  // An answer; beside a `truth`, its cells are marked as right or wrong one by one.
  /** @type {(caption: string, answer: Answer, q: Question, truth?: Answer) => HTMLElement} */
  shown(caption, answer, q, truth) {
    if (q.kind === "fill") {
      /** @type {(r: number, c: number) => boolean} */
      const wrong = (r, c) => truth && !isClose(answer[r][c], truth[r][c], 1e-6);
      return this.table(caption, answer, (r, c, value) => this.marked(value, wrong(r, c) && "wrong"));
    }
    if (q.kind === "cells") {
      /** @type {(cells: number[][], r: number, c: number) => boolean} */
      const has = (cells, r, c) => cells.some(([a, b]) => a === r && b === c);
      /** @type {(r: number, c: number) => string | false} */
      const kind = (r, c) => {
        if (!has(answer, r, c)) return truth && has(truth, r, c) && "unmarked";
        return !truth ? "missed" : has(truth, r, c) ? "right" : "wrong";
      };
      return this.table(caption, q.grid ?? [], (r, c, value) => this.marked(value, kind(r, c)));
    }
    if (q.kind === "order") {
      const texts = Object.fromEntries(q.steps);
      return make("div", {}, make("b", {}, caption), make("ol", {}, ...answer.map((/** @type {number} */ i) => make("li", {}, texts[i]))));
    }
    const text = q.kind === "shape" ? `(${answer.join(", ")})` : number(answer);
    return make("p", {}, make("b", {}, `${caption}: `), text);
  }

  /** @type {(value: number, kind: string | false) => Node | string} */
  marked(value, kind) {
    if (!kind) return number(value);
    const spoken = make("span", { class: "pc-hidden" }, SPOKEN[kind]);
    const mark = make("span", { class: "pc-corner", "aria-hidden": "true" }, MARKS[kind === "unmarked" ? "missed" : kind][0]);
    return make("span", { class: `pc-marked pc-is-${kind}` }, number(value), mark, spoken);
  }

  /** @param {Attempt} attempt */
  firstAnswer({ confidence, feedback }) {
    const [mark, word] = MARKS[feedback.right ? "right" : "wrong"];
    return make("p", { class: "pc-hint" }, `Your first answer stays on record: ${mark} ${word.toLowerCase()}, ${this.get("sure")[confidence]}.`);
  }

  explore() {
    this.opening = !this.get("opened");
    this.model.send({ type: "explore" });
  }

  // The explorer stands below, once it is there: brought into sight, and given the focus, which leads to its controls.
  /** @param {number} looks */
  lookAt(looks) {
    const page = /** @type {Document | ShadowRoot} */ (this.root.getRootNode());
    /** @type {NodeListOf<HTMLElement>} */
    const all = page.querySelectorAll(".pc-quiz, .pc-explorer");
    const below = [...all].find(
      (el) => this.root.compareDocumentPosition(el) & Node.DOCUMENT_POSITION_FOLLOWING && el.checkVisibility({ visibilityProperty: true }),
    );
    if (!below?.matches(".pc-explorer")) {
      if (looks && !this.left) setTimeout(() => this.lookAt(looks - 1), LOOK);
      return;
    }
    below.setAttribute("tabindex", "-1");
    below.focus({ preventScroll: true });
    below.scrollIntoView({ block: "nearest" });
    this.lookOn(below);
  }

  // It grows as it is drawn, and is brought into sight whole then, if nobody has gone on meanwhile.
  /** @param {HTMLElement} explorer */
  lookOn(explorer) {
    if (this.left || focusedBy(explorer) !== explorer) return;
    if (explorer.hasAttribute("aria-busy")) setTimeout(() => this.lookOn(explorer), LOOK);
    else explorer.scrollIntoView({ block: "nearest" });
  }

  again() {
    this.started = performance.now();
    if (this.get("key").why === undefined) {
      this.model.send({ type: "again" });
      this.patience.begin((text) => this.say(text), "Try again in a moment.");
      return;
    }
    this.model.set("draft", {});
    this.model.set("answering", true);
    this.model.save_changes();
  }

  // A small grid of numbers; `cell(r, c, value)` may put something else into it.
  /** @type {(caption: string, rows: any[][], cell?: (r: number, c: number, value: any) => Node | string) => HTMLElement} */
  table(caption, rows, cell) {
    const { values } = /** @type {Look} */ (this.look);
    const scale = scaleOf(rows.flat().map(Number));
    const head = make("tr", {}, make("td"), ...rows[0].map((_, c) => make("th", { scope: "col" }, `${c}`)));
    const body = rows.map((row, r) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, `${r}`),
        ...row.map((value, c) => {
          const td = make("td", {}, cell ? cell(r, c, value) : number(value));
          if (value !== "") {
            const colour = rgb(values, scale, value);
            td.style.background = `rgb(${colour})`;
            td.style.color = inkOn(colour);
          }
          return td;
        }),
      ),
    );
    return make("table", { class: "pc-grid-table" }, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body));
  }

  leave() {
    for (const name of SHOWN) this.model.off(`change:${name}`, this.redraw);
    this.left = true;
    this.patience.end();
    this.unfollow();
    this.unleave();
    this.root.remove(); // JupyterLab keeps the view of a closed widget
  }
}

/** @param {RenderProps<Traits>} props */
function render({ model, el }) {
  const quiz = new Quiz(model, el);
  return () => quiz.leave();
}

export default { render };
