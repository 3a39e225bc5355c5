// @ts-check
// Play and Step: one window after the other is computed before one's eyes. The window glides to its place, what it picks or
// shares out travels, and where it lands a number appears. Forwards an output begins empty, backwards an input gradient.
import { rgb } from "../web/colour.js";
import { make, update } from "../web/dom.js";
import { taps, windowOf } from "./geometry.js";
import { shareOf } from "./gradients.js";
import { label } from "./paint.js";
import { mark } from "./pointing.js";

/**
 * @import { Colour } from "../web/colour.js"
 * @import { Explorer } from "./explorer.js"
 * @import { Mark } from "./paint.js"
 * @import { Place } from "./pointing.js"
 * @import { At, LookUp, Shown } from "./types.d.ts"
 * @typedef {{from: Place, to: Place, text: string, colour: Colour, late: number}} Flight of a number, from cell to cell
 */

/** @type {Record<string, number>} */
const SPEEDS = { slow: 2000, normal: 1000, fast: 500 }; // ms for one window
const PLAY = "Play the sliding window";
const PAUSE = "Pause the sliding window";
const QUICKEST = 160;
const HURRY = 0.25; // of its time, that a window takes in which every number is the one that the last window was full of
const LONGEST = 15000; // ms for all: of many windows, only some are shown on their way
const TOLD = 3; // windows at full length; from then on each takes less time than the one before
const LESS = 0.88;
const MOST_FLIGHTS = 25;
const LATE = 0.04; // of its way, that each number of a window starts after the one before
// Parts of the time of one window, by the ends of what happens in them.
const GLIDE = 0.22;
const CONTEST = 0.36;
const TRAVEL = 0.64;
const LAND = 0.76;

/** @param {number} t */
const smooth = (t) => 1 - (1 - t) ** 3;
/** @type {(t: number, from: number, to: number) => number} */
const within = (t, from, to) => Math.max(0, Math.min(1, (t - from) / (to - from)));

export class Motion {
  playing = false;
  still = false; // where less motion is wished for, nothing glides or flies
  /** @type {At | null} the last window that has been computed, while Play is under way */
  reached = null;
  /** @type {At} how far the window is from its place */
  shift = { row: 0, col: 0 };
  /** @type {{row: number, col: number}[]} */
  ahead = [];
  /** @type {Flight[]} */
  flights = [];
  /** @type {"rest" | "glide" | "contest" | "travel" | "land"} */
  phase = "rest";
  along = 0; // of the phase
  count = 0;
  /** @type {number | null} what the last window was full of */
  full = null;
  frame = 0;
  /** @type {(() => void)[]} what buttons have asked for before torch has answered */
  early = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;
  speed = "normal";
  picture = ""; // what is moving there
  /** @type {WeakMap<Shown, {channel: number, count: number, plane: Float64Array}>} what so many windows have sent */
  sums = new WeakMap();

  /** @param {Explorer} view */
  constructor(view) {
    this.view = view;
  }

  get moving() {
    return this.phase !== "rest";
  }

  get pictureNow() {
    const { backward, channel, shown, states } = this.view;
    return [backward, channel, states.input.serial, ...shown.map(({ key, grid, input }) => `${grid} ${input} ${key}`)].join("; ");
  }

  // What is under way on a picture that is no longer there ends.
  check() {
    if (!(this.playing || this.moving) || this.picture === this.pictureNow) return;
    this.halt();
    this.play(false);
  }

  // ---- what the buttons do, now or once the picture is there

  /** @param {() => void} act */
  when(act) {
    if (this.view.complete) act();
    else this.early.push(act);
  }

  catchUp() {
    const { early } = this;
    this.early = [];
    for (const act of early) act();
  }

  /** @param {boolean} on */
  play(on) {
    if (on === this.playing) return;
    const { view } = this;
    const v = view.shown[0];
    if (on && (!view.complete || v.state.error)) return;
    this.playing = on;
    if (on) {
      this.count = 0;
      this.full = null;
      this.picture = this.pictureNow;
      this.ahead = this.places(v.state.h, v.state.w);
      this.reached = { row: -1, col: -1 };
      view.hover = null;
      view.repaint(); // empty
      view.root.classList.toggle("pc-filling", view.backward && !v.chosen); // then sums are of what is not there yet
      this.next();
    } else {
      this.halt();
      this.reached = null;
      view.root.classList.remove("pc-filling");
      view.repaint();
      view.hands.choose(view.onGrid(view.pick) ?? view.pick); // now Python hears of it
    }
    view.player.show(on);
  }

  // The windows that are shown, in reading order: all, or as many as there is time for.
  /** @type {(h: number, w: number) => At[]} */
  places(h, w) {
    const all = h * w;
    let [time, most] = [0, 0];
    while (most < all && time < LONGEST) time += this.lasting(most++);
    return Array.from({ length: most }, (_, i) => {
      const at = i === most - 1 ? all - 1 : Math.floor((i * all) / most);
      return { row: Math.floor(at / w), col: at % w };
    });
  }

  /** @type {(i: number) => number} */
  lasting = (i) => Math.max(QUICKEST, SPEEDS[this.speed] * LESS ** Math.max(0, i - TOLD));

  next() {
    const at = this.ahead.shift();
    if (!at || this.picture !== this.pictureNow) {
      this.play(false);
      return;
    }
    const [last, ms] = [this.full, this.lasting(this.count)];
    this.full = this.filledWith(at);
    const again = last !== null && this.full === last;
    if (!again) this.count++; // those that are hurried through take no time from those that tell something
    this.go({ grid: this.view.shown[0].grid, ...at }, again ? Math.max(QUICKEST, ms * HURRY) : ms, () => this.next());
  }

  // The one number that a window reads wherever it looks, blank paper for example; null where there is no such number.
  /** @type {(at: At) => number | null} */
  filledWith({ row, col }) {
    const { view } = this;
    const [{ rows, cols }] = view.shown;
    const [first, ...others] = windowOf(rows, cols, row, col);
    if (view.backward || first.what !== "cell") return null;
    const value = view.inputAt(first.row, first.col);
    return others.every((cell) => cell.what === "cell" && view.inputAt(cell.row, cell.col) === value) ? value : null;
  }

  /** @param {number} by */
  step(by) {
    const { view } = this;
    if (!view.complete || view.shown[0].state.error) return;
    const { grid, state } = view.shown[0];
    this.play(false);
    const at = [grid, null].includes(view.pick.grid) ? view.pick : { row: 0, col: by > 0 ? -1 : 0 };
    const count = state.h * state.w;
    const next = (Math.min(at.row, state.h - 1) * state.w + Math.min(at.col, state.w - 1) + by + count) % count;
    this.go({ grid, row: Math.floor(next / state.w), col: next % state.w }, this.lasting(0), () => {});
    queueMicrotask(() => view.announce(view.sentence.textContent));
  }

  // One window, from where the last one stands, within `ms`; then what comes `after`.
  /** @type {(to: Place, ms: number, after: () => void) => void} */
  go(to, ms, after) {
    const { view } = this;
    this.halt();
    const from = view.onGrid(view.pick);
    const glides = from?.grid === to.grid && !this.still;
    view.pick = { ...to };
    view.hover = null;
    if (!this.playing || (view.backward && view.get("upstream_mode") === "chosen")) view.hands.choose(view.pick);
    this.picture = this.pictureNow;
    this.flights = this.still ? [] : this.flightsOf(to);
    const began = performance.now();
    const [{ rows, cols }] = view.shown;
    const away = glides ? { row: taps(rows, from.row)[0] - taps(rows, to.row)[0], col: taps(cols, from.col)[0] - taps(cols, to.col)[0] } : { row: 0, col: 0 };
    const land = () => {
      if (this.reached) this.reached = { row: to.row, col: to.col };
      view.repaint();
    };
    if (this.still) {
      land();
      this.timer = setTimeout(after, ms);
      return;
    }
    let landed = false;
    const tick = () => {
      const t = Math.min(1, (performance.now() - began) / ms);
      const left = 1 - smooth(within(t, 0, GLIDE));
      this.shift = { row: away.row * left, col: away.col * left };
      const phases = /** @type {const} */ ([
        ["glide", 0, GLIDE],
        ["contest", GLIDE, CONTEST],
        ["travel", CONTEST, TRAVEL],
        ["land", TRAVEL, LAND],
      ]);
      const now = phases.find(([, , end]) => t < end);
      this.phase = now?.[0] ?? "rest";
      this.along = now ? within(t, now[1], now[2]) : 1;
      if (t >= TRAVEL && !landed) {
        landed = true;
        land();
      } else {
        view.overlay();
      }
      if (t < 1) this.frame = requestAnimationFrame(tick);
      else after();
    };
    tick();
  }

  // Whatever is under way is there at once.
  halt() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.phase = "rest";
    this.shift = { row: 0, col: 0 };
    this.flights = [];
  }

  // ---- what is seen of it

  // The input gradient so far: the sum of what the windows up to now have sent. That of all of them is torch's.
  /** @type {(v: Shown) => LookUp} */
  gradientOf(v) {
    if (!this.reached || v.chosen) return v.gradientAt;
    const plane = this.sent(v);
    const { w } = this.view.states.input;
    return (_, row, col) => plane[row * w + col];
  }

  // The same as an array of the channel on view; each window adds to what the ones before have left there.
  /** @type {(v: Shown) => Float64Array} */
  sent(v) {
    const { view } = this;
    const { channel } = view;
    const { h, w } = view.states.input;
    const { row, col } = this.reached ?? { row: v.state.h, col: 0 };
    const until = Math.min(v.state.h * v.state.w, Math.max(0, row * v.state.w + Math.min(col, v.state.w - 1) + 1));
    let kept = this.sums.get(v);
    if (kept?.channel !== channel || kept.count > until) kept = { channel, count: 0, plane: new Float64Array(h * w) };
    this.sums.set(v, kept);
    for (; kept.count < until; kept.count++) {
      const [r, c] = [Math.floor(kept.count / v.state.w), kept.count % v.state.w];
      const winner = v.state.winner?.(channel, r, c);
      const cells = winner ? [winner] : windowOf(v.rows, v.cols, r, c).filter((t) => t.what === "cell");
      for (const cell of cells) kept.plane[cell.row * w + cell.col] += v.upstreamAt(channel, r, c) * shareOf(view, v, r, c, cell, channel);
    }
    return kept.plane;
  }

  // Marks of a grid as they are on their way: the window glides, and the winner is not known before.
  /** @type {(grid: string, marks: Mark[]) => Mark[]} */
  marks(grid, marks) {
    if (!this.moving) return marks;
    if (!this.view.isInput(grid)) return this.view.backward && this.phase === "contest" ? [...marks, ...this.pulse(grid)] : marks;
    const { row, col } = this.shift;
    const moved = marks.map((mark) => (mark.shape === "window" ? { ...mark, row: mark.row + row, col: mark.col + col } : mark));
    return this.phase === "glide" ? moved.filter(({ shape }) => shape !== "ring") : [...this.losers(), ...moved];
  }

  // The cells that lost against the winner are pale until its number has landed; where an average counts them, too, none is.
  /** @returns {Mark[]} */
  losers() {
    const { view } = this;
    const [v, other] = view.shown;
    const at = view.onGrid(view.pick);
    if (!at || other || view.backward || !v.state.winner) return [];
    const winner = v.state.winner(view.channel, at.row, at.col);
    const pale = this.phase === "contest" ? smooth(this.along) : this.phase === "land" ? 1 - this.along : 1;
    const lost = windowOf(v.rows, v.cols, at.row, at.col).filter((t) => t.what === "cell" && (t.row !== winner.row || t.col !== winner.col));
    return lost.map(({ row, col }) => ({ ...mark("pale", row, col), along: pale }));
  }

  // An upstream cell before it sends: rings go out from it.
  /** @type {(grid: string) => Mark[]} */
  pulse(grid) {
    const { row, col } = this.view.pick;
    const { frame } = this.view.grid[grid];
    return frame && row < frame.rows && col < frame.cols ? [{ ...mark("pulse", row, col), along: this.along }] : [];
  }

  // The numbers that a window sends: forwards its winner, or all its cells; backwards what the receivers get.
  /** @type {(to: Place) => Flight[]} */
  flightsOf({ row, col }) {
    const { view } = this;
    const { channel } = view;
    /** @type {Flight[]} */
    const found = [];
    for (const v of view.shown) {
      if (v.state.error || row >= v.state.h || col >= v.state.w) continue;
      const winner = v.state.winner?.(channel, row, col);
      const cells = winner ? [winner] : windowOf(v.rows, v.cols, row, col).filter((t) => t.what === "cell");
      if (cells.length > MOST_FLIGHTS) continue;
      const output = { grid: v.grid, row, col };
      for (const [i, cell] of cells.entries()) {
        const input = { grid: v.input, row: cell.row, col: cell.col };
        if (view.backward) {
          const amount = v.upstreamAt?.(channel, row, col) * shareOf(view, v, row, col, cell);
          if (amount) found.push({ from: output, to: input, text: label(amount, 0), colour: rgb(view.look.signed, view.signedScale, amount), late: i * LATE });
        } else {
          const colour = view.colourOf((ch, r, c) => view.states.input.values[ch * view.states.input.h * view.states.input.w + r * view.states.input.w + c]);
          found.push({ from: input, to: output, text: label(view.inputAt(cell.row, cell.col)), colour: colour(cell.row, cell.col), late: i * LATE });
        }
      }
    }
    return found;
  }

  // How far a flight has come, 0 to 1; null while it is not to be seen.
  /** @type {(flight: Flight) => number | null} */
  comeTo({ late }) {
    if (this.phase === "contest") return 0;
    if (this.phase !== "travel") return null;
    const end = 1 - Math.min(0.6, late);
    const t = within(this.along, 1 - end, 1);
    return t * t * (3 - 2 * t);
  }
}

// Previous, play, next, and how fast.
export class Player {
  /** @param {Motion} motion */
  constructor(motion) {
    /** @type {(text: string, label: string, act: () => void) => HTMLButtonElement} */
    const button = (text, label, act) => make("button", { type: "button", title: label, "aria-label": label, onclick: () => motion.when(act) }, text);
    this.button = button("▶ Play", PLAY, () => motion.play(!motion.playing));
    this.speed = make("select", { "aria-label": "Speed", onchange: () => (motion.speed = this.speed.value) });
    for (const name of Object.keys(SPEEDS)) this.speed.append(make("option", { value: name }, name));
    this.speed.value = motion.speed;
    const [back, on] = [button("|◀", "Previous window", () => motion.step(-1)), button("▶|", "Next window", () => motion.step(1))];
    this.el = make("div", { class: "pc-player" }, back, this.button, on, this.speed);
  }

  /** @param {boolean} playing */
  show(playing) {
    update(this.button, { text: playing ? "❚❚ Pause" : "▶ Play", title: playing ? PAUSE : PLAY, "aria-label": playing ? PAUSE : PLAY });
  }
}
