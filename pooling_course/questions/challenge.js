// @ts-check
// A challenge: the explorer itself, with a goal in the place of its code. Python judges what is checked; without it the key does.
// Nothing is ticked off before the first check, which is an answer of one's own; from then on the goal says what holds.
// The explorer comes first, so that this module goes on where the explorer's ends: a site then holds it once.
import { Explorer } from "../explorer/explorer.js";
import { list, make, update } from "../web/dom.js";
import { number } from "../web/numbers.js";
import { Patience } from "../web/patience.js";
import { conditionsOf, judge, movesTo, refusedAs } from "./goals.js";

/**
 * @import { AnyModel, RenderProps } from "@anywidget/types"
 * @import { Condition, Found, GoalKey, Judged, Moved, Task } from "./goals.js"
 * @typedef {{answer: Moved, feedback: Judged, confidence?: number, seconds?: number}} Checked
 */

const HEARD = ["attempts", "given", "notice"]; // traits that change what is said
const UNSURE = 1; // nobody is asked how sure they are of what they see
const STRIP = 40; // px by which the goal takes more room than the code in its place, with a task of two lines
const SIDES_OF = ["size", "kernel_size", "stride", "padding", "dilation"]; // measures of height and width
const STILL = "In this challenge the input stays as it is: move the settings.";
let challenges = 0;

// A key that is held presses a button once: each press here is on record.
/** @param {KeyboardEvent} event */
const onkeydown = (event) => event.repeat && event.preventDefault();

/** @type {(n: number, what: string) => string} */
const counted = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

// Moves are no clicks, but the way from where it began: who goes back has fewer.
/** @type {(moves: number) => string} */
const away = (moves) => `${counted(moves, "move")} from the start`;

// How it stands with a condition that does not hold, in the terms of what it says: two sides, one number, or those of many cells.
/** @type {(condition: Condition, found: Found) => string} */
function standing({ of, over }, { now }) {
  if (!now) return "now another size";
  const [low, high] = [Math.min(...now), Math.max(...now)];
  const [least, most] = [low, high].map(number);
  if (of.endsWith("moved")) return high === 0 ? "all as before" : `off by up to ${most}`;
  if (of === "max - avg" && !over) return `off by up to ${number(Math.max(-low, high))}`;
  if (of === "reads" && over === "zeros") return `${most} unread`;
  if (of === "reads") return `now up to ${counted(high, "read")} a cell`;
  if (SIDES_OF.includes(of)) return `now ${of !== "size" && least === most ? least : now.map(number).join(" × ")}`;
  return `now ${least === most ? least : `${least} to ${most}`}`;
}

class Challenge {
  // what build() makes
  /** @type {HTMLElement} */
  prompt;
  /** @type {HTMLElement} */
  strip;
  /** @type {HTMLElement} */
  label;
  /** @type {HTMLElement} */
  goals;
  /** @type {HTMLElement} */
  count;
  /** @type {HTMLElement} */
  verdict;
  /** @type {HTMLElement} */
  hinting;
  /** @type {HTMLElement} */
  checked;
  /** @type {HTMLElement} */
  next;
  /** @type {HTMLElement} */
  told;
  /** @type {HTMLElement} */
  live;

  patience = new Patience();
  /** @type {string} what is told in the place of the sentence: a verdict, or a hint */
  telling = "";
  /** @type {string} what stood there when it was told; it goes when something is moved */
  toldOf = "";
  said = "";
  checking = false;
  hinted = false;

  /**
   * @param {AnyModel} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    this.started = performance.now();
    this.view = new Explorer(model, el);
    this.view.spare = STRIP;
    this.build(`pr${++challenges}-${Math.random().toString(36).slice(2, 7)}`);
    this.hear = () => this.heard();
    this.answered = () => {
      this.patience.end();
      this.checking = false;
    };
    for (const name of HEARD) model.on(`change:${name}`, this.hear);
    model.on("change:message", this.answered); // why nothing was judged
    this.view.drawn = () => this.show();
  }

  /** @returns {Task} */
  get task() {
    return this.model.get("question");
  }
  /** @returns {Checked[]} */
  get attempts() {
    return this.model.get("attempts");
  }
  /** @returns {string[]} */
  get given() {
    return this.model.get("given");
  }

  // ---- building: the explorer stays what it is, but for what the goal does not leave free

  /** @param {string} id */
  build(id) {
    const { view, task } = this;
    const { root, controls } = view;
    root.classList.add("pc-reach");
    root.removeAttribute("aria-label");
    root.setAttribute("aria-labelledby", id);
    this.prompt = make("p", { class: "pc-prompt", id, tabindex: "-1" }, task.prompt);
    controls.bar.prepend(this.prompt);
    this.fix();
    this.goals = make("ul", { class: "pc-goals", "aria-label": "Goal" });
    this.count = make("span", { class: "pc-moves" });
    this.hinting = make("button", { type: "button", onkeydown, onclick: () => this.hint() });
    this.checked = make("button", { type: "button", class: "pc-check-goal", onkeydown, onclick: () => this.check() }, "Check");
    this.verdict = make("p", { class: "pc-outcome", tabindex: "-1" });
    this.next = make("button", { type: "button", onclick: () => this.goOn() }, "Next challenge ›");
    const buttons = make("div", { class: "pc-do" }, this.count, this.hinting, this.checked, this.next);
    this.label = make("b", { class: "pc-label", "aria-hidden": "true" }, "Goal");
    this.strip = make("div", { class: "pc-strip" }, this.label, this.verdict, buttons, this.goals);
    view.line.before(this.strip);
    view.line.hidden = true;
    this.told = make("p", { class: "pc-saying", hidden: true });
    this.live = make("div", { class: "pc-hidden", role: "status" });
    root.append(this.live);
    // "as the cell said" is the case, also where a page is opened again
    view.history.start = { ...view.history.start, ...task.case.settings };
  }

  // What may not be moved is not there.
  fix() {
    const { view, task } = this;
    const { controls } = view;
    const free = new Set(task.moves);
    /** @type {[boolean, Element | null][]} */
    const parts = [
      [free.has("kind"), controls.kindSet],
      [false, controls.kindInputs.both.parentElement],
      [false, controls.directionInputs.forward.closest("fieldset")],
      [false, controls.inputs],
      [false, controls.upstreamLabel],
      [free.has("divisor_override"), controls.divisorLabel],
      ...Object.entries(controls.sliders).map(([name, { el }]) => /** @type {[boolean, Element]} */ ([free.has(name), el])),
      ...Object.entries(controls.checks).map(([name, { label }]) => /** @type {[boolean, Element]} */ ([free.has(name), label])),
      [false, controls.el.querySelector(".pc-more")],
    ];
    for (const [there, el] of parts) if (!there) el?.classList.add("pc-fixed");
    const sliders = controls.el.querySelector(".pc-sliders");
    if (!task.moves.some((name) => name in task.case.settings && name !== "kind")) sliders?.classList.add("pc-fixed");
    const apart = controls.apartInput.parentElement;
    if (free.has("apart") && apart) sliders?.append(apart);
    view.typing.fixed = free.has("cells") ? "" : STILL;
  }

  // ---- what stands

  /** @returns {Moved} */
  get moved() {
    const { view, task } = this;
    const { settings, input } = task.case;
    /** @type {Moved} */
    const moved = {};
    for (const name of task.moves) {
      if (name in settings) {
        const value = view.get(name);
        moved[name] = Array.isArray(value) && value[0] === value[1] ? value[0] : value;
      }
    }
    if (!task.moves.includes("cells")) return moved;
    moved.cells = [];
    const { w, values } = view.states.input;
    for (const [i, value] of values.entries()) {
      const [row, col] = [Math.floor(i / w), i % w];
      if (value !== Math.fround(input[row][col])) moved.cells.push([row, col, value]);
    }
    return moved;
  }

  // ---- what is shown

  show() {
    const { task, attempts, view } = this;
    const moved = this.moved;
    const stands = JSON.stringify(moved);
    const last = attempts.at(-1);
    const judged = last && JSON.stringify(last.answer) === stands ? last.feedback : null;
    const found = attempts.length ? conditionsOf(task, moved) : null;
    const state = !judged ? "open" : judged.right ? "reached" : "missed";
    this.place();
    if (stands !== this.toldOf) this.tell("");
    if (judged && !this.telling) this.tell(judged.right ? `Why it works: ${judged.why}` : (judged.mistake ?? ""), judged.done);
    this.strip.dataset.state = state;
    list(
      this.goals,
      task.goal,
      () =>
        make(
          "li",
          {},
          make("span", { class: "pc-mark", "aria-hidden": "true" }),
          make("span"),
          make("span", { class: "pc-now" }),
          make("span", { class: "pc-hidden" }),
        ),
      (li, condition) => {
        const at = found?.[task.goal.indexOf(condition)];
        const [mark, says, now, spoken] = li.children;
        update(li, { className: !at ? "" : at.met ? "pc-right" : judged ? "pc-wrong" : "" });
        update(mark, { text: at?.met ? "✓" : at && judged ? "✗" : "" });
        update(says, { text: condition.says ?? "" });
        update(now, { text: at && !at.met ? standing(condition, at) : "" });
        update(spoken, { text: !at ? "" : at.met ? ", holds" : ", does not hold yet" });
      },
    );
    const moves = away(movesTo(task, moved));
    const reached = attempts.find(({ feedback }) => feedback.right);
    update(this.count, { text: moves, hidden: state === "reached" });
    update(this.verdict, { hidden: state === "open" && !reached, className: `pc-outcome ${state === "missed" ? "pc-wrong" : "pc-right"}` });
    if (state === "missed") this.say("✗", "Not yet");
    else if (judged) this.say("✓", this.reachedIn(judged), judged.code);
    else if (reached) this.say("✓", "Reached before");
    update(this.label, { hidden: !this.verdict.hidden });
    update(this.checked, { hidden: state === "reached" });
    update(this.hinting, { hidden: state === "reached", text: this.hintText });
    update(this.next, { hidden: !reached || !this.following });
    if (found && state !== "reached") this.announceGoal(found);
    if (this.checking && judged) {
      this.checking = false;
      this.land(judged);
    }
    view.root.classList.toggle("pc-won", state === "reached");
  }

  /** @type {(mark: string, text: string, code?: string) => void} */
  say(mark, text, code = "") {
    if (this.verdict.textContent === mark + text + code) return;
    const parts = [make("span", { class: "pc-badge", "aria-hidden": "true" }, mark), make("b", {}, text)];
    if (code && this.task.moves.some((name) => name !== "cells")) parts.push(make("code", {}, code));
    this.verdict.replaceChildren(...parts);
  }

  /** @param {Judged} judged */
  reachedIn({ moves, fewest = moves }) {
    return `Reached ${away(moves)}${moves > fewest ? ` (${fewest} would do)` : ""}`;
  }

  // Until something is moved; that a lesson is done stands out.
  /** @type {(text: string, done?: string) => void} */
  tell(text, done = "") {
    this.telling = `${text} ${done}`.trim();
    this.toldOf = JSON.stringify(this.moved);
    update(this.told, { hidden: !this.telling, className: this.telling.length > 230 ? "pc-saying pc-long" : "pc-saying" });
    this.told.replaceChildren(text, done && make("b", { class: "pc-done" }, ` ${done}`));
    this.place();
  }

  // In the place of the explorer's sentence; on a phone that is out of sight, below the grids, so there it is told in the goal's box.
  place() {
    const { told, strip, view } = this;
    const narrow = view.root.dataset.room === "narrow";
    if (!narrow && told.parentElement !== view.sentence.parentElement) view.sentence.before(told);
    if (narrow && told.parentElement !== strip) strip.append(told);
    update(view.sentence, { hidden: !told.hidden && !narrow });
  }

  // Read out what holds, where that has changed.
  /** @param {Found[]} found */
  announceGoal(found) {
    const missing = this.task.goal.flatMap((condition, i) => (found[i].met ? [] : [`${condition.says}, ${standing(condition, found[i])}`]));
    const text = missing.length ? `Not yet: ${missing.join("; ")}` : "All of the goal holds: check.";
    if (text !== this.said && this.said) update(this.live, { text });
    this.said = text;
  }

  // ---- what is done

  check() {
    const answer = this.moved;
    const seconds = (performance.now() - this.started) / 1000;
    /** @type {GoalKey} */
    const key = this.model.get("key");
    this.checking = true;
    this.tell("");
    if (key.why === undefined) {
      this.model.send({ type: "check", answer, seconds });
      this.patience.begin((text) => this.view.refuse(text), "Check again in a moment.");
      return;
    }
    const refused = refusedAs(this.task, answer);
    if (refused) {
      this.checking = false;
      this.view.refuse(refused);
      return;
    }
    const feedback = judge(this.task, key, answer);
    this.model.set("attempts", [...this.attempts, { answer, confidence: UNSURE, seconds, feedback }]);
    this.model.save_changes();
  }

  heard() {
    this.view.refused = "";
    this.show();
    this.answered();
    if (this.hinted) this.tellHint();
    this.hinted = false;
    if (this.model.get("notice")) this.view.refuse(this.model.get("notice"));
  }

  // Where one goes on: after a right answer that is the verdict, behind which the way to the next stands; else where one is.
  /** @param {Judged} judged */
  land(judged) {
    this.strip.classList.add("pc-fresh");
    setTimeout(() => this.strip.classList.remove("pc-fresh"), 1200);
    if (judged.right) this.verdict.focus();
    update(this.live, { text: judged.right ? this.telling : `${this.said}. ${this.telling}` });
  }

  get hintText() {
    return this.task.hints[this.given.length] ?? "The whole answer";
  }

  hint() {
    /** @type {GoalKey} */
    const key = this.model.get("key");
    const { given, task } = this;
    if (given.length === task.hints.length) this.tellHint();
    else if (key.why === undefined) {
      this.hinted = true;
      this.model.send({ type: "hint" });
    } else {
      this.hinted = true;
      this.model.set("given", key.hints.slice(0, given.length + 1));
    }
  }

  tellHint() {
    const { given, task } = this;
    const last = given.at(-1);
    if (!last) return;
    this.tell(given.length < task.hints.length ? `${task.hints[given.length - 1]}: ${last}` : last);
    update(this.live, { text: this.telling });
  }

  // The challenge below, if there is one in the page.
  get following() {
    const page = /** @type {Document | ShadowRoot} */ (this.view.root.getRootNode());
    const all = [...page.querySelectorAll(".pc-reach")];
    return all[all.indexOf(this.view.root) + 1];
  }

  goOn() {
    const prompt = this.following?.querySelector(".pc-prompt");
    if (!(prompt instanceof HTMLElement)) return;
    prompt.closest(".pc-reach")?.scrollIntoView({ block: "nearest" });
    prompt.focus({ preventScroll: true });
  }

  leave() {
    for (const name of HEARD) this.model.off(`change:${name}`, this.hear);
    this.model.off("change:message", this.answered);
    this.patience.end();
    this.view.leave();
  }
}

// For answers of an earlier day, which a page keeps: as the key judges them today.
/** @type {(kind: string, key: GoalKey, answer: Moved, task: Task) => Judged} */
export const gradeByKey = (kind, key, answer, task) => judge(task, key, answer);

/** @param {RenderProps} props */
function showChallenge({ model, el }) {
  const challenge = new Challenge(model, el);
  return () => challenge.leave();
}

export default { render: showChallenge };
