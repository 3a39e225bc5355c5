// @ts-check
// Goals, judged where no Python answers: the same conditions on the same measures as in goals.py, over what the engine pools.
// tests/questions/test_goals.py compares the two.
import { engine } from "../explorer/engine.js";
import { pair } from "../explorer/geometry.js";
import { KINDS, POOLS, settingsOf } from "../explorer/kinds/kinds.js";
import { refusal } from "../explorer/rules.js";
import { arrayOf } from "../explorer/states.js";

/**
 * @import { Asked, Cells, Spans } from "../explorer/types.d.ts"
 * @typedef {{of: string, over?: string | number[], says?: string, is?: number | number[], at_least?: number | number[], at_most?: number | number[],
 *   not?: number | number[]}} Condition
 * @typedef {[number, number, number]} Cell its row, column and value
 * @typedef {Record<string, any> & {cells?: Cell[]}} Moved what stands in the explorer, of what may be moved
 * @typedef {{id: string, prompt: string, goal: Condition[], moves: string[], hints: string[], case: {settings: Record<string, any>, input: number[][]}}} Task
 * @typedef {{when: Condition[], reason: string, misconception: string}} Slip
 * @typedef {{why: string, fewest: number, mistakes: Slip[], hints: string[]}} GoalKey
 * @typedef {{met: boolean, now: number[] | null}} Found
 * @typedef {{right: boolean, goal: Found[], moves: number, misconception: string, why?: string, fewest?: number, code?: string, mistake?: string,
 *   done?: string}} Judged
 * @typedef {{settings: Record<string, any>, h: number, w: number, values: Float32Array}} Stand settings, kind included, and the input
 * @typedef {{h: number, w: number, list: ArrayLike<number>}} Table
 */

const SIDED = ["kernel_size", "stride", "padding", "dilation"];
const SLACK = 1e-6;
const judging = engine(POOLS);

// ---- what stands -----------------------------------------------------------------------------------------------------

/** @type {(task: Task, moved?: Moved) => Stand} */
export function standOf({ case: { settings, input } }, { cells = [], ...changed } = {}) {
  const [h, w] = [input.length, input[0].length];
  const values = Float32Array.from(input.flat());
  for (const [row, col, value] of cells) values[row * w + col] = value;
  return { settings: { ...settings, ...changed }, h, w, values };
}

/** @type {(stand: Stand, kind?: string) => string} */
export const codeOfStand = ({ settings }, kind = settings.kind) => KINDS[kind].code(settingsOf((name) => settings[name], KINDS[kind]));

// What the engine is asked for, and why torch would refuse it.
/** @type {(stand: Stand, kind?: string, gradient?: boolean) => {p: Asked, input: Cells, refused: string | null}} */
function asked({ settings, h, w, values }, kind = settings.kind, gradient = false) {
  const key = KINDS[kind].key(settingsOf((name) => settings[name], KINDS[kind]));
  const p = /** @type {Asked} */ (judging.parse(gradient ? `grad0 ${key}` : key));
  const input = { shape: [1, h, w], channels: 1, h, w, float: "f4", index: "u2", whole: false, dtype: "float32", serial: 0, values };
  return { p, input, refused: refusal(p, input, { shape: [] }, judging) };
}

// Why an answer is none, in the words of Reach.parse; null where it is one.
/** @type {(task: Task, moved: Moved) => string | null} */
export function refusedAs(task, moved) {
  const odd = moved.cells?.find(([, , value]) => !Number.isFinite(value));
  if (odd) return `'${odd[2]}' is not a number; write one such as 0.25, -3 or 1/9.`;
  return asked(standOf(task, moved)).refused;
}

// A state of it, pooled; null where torch would refuse.
/** @type {(stand: Stand, kind?: string, gradient?: boolean) => {rows: Spans, cols: Spans, table: Table} | null} */
function pooled(stand, kind, gradient) {
  const { p, input, refused } = asked(stand, kind, gradient);
  const { h, w, values } = stand;
  if (refused) return null;
  const { entries, data } = judging.answer(input, [{ p, upstream: null }]);
  const [rows, cols] = judging.windowsOf(p, input);
  const [{ winners, values: averages, gradient: got }] = entries;
  if (got !== undefined) return { rows, cols, table: { h, w, list: arrayOf("f4", data, got, h * w) } };
  const size = { h: rows.out, w: cols.out };
  if (winners === undefined) return { rows, cols, table: { ...size, list: arrayOf("f4", data, averages ?? 0, size.h * size.w) } };
  const won = arrayOf("u2", data, winners, size.h * size.w);
  return { rows, cols, table: { ...size, list: Array.from(won, (at) => values[at]) } };
}

/** @type {(spans: Spans, size: number) => number[]} */
function readsAlong({ out, from, to, by }, size) {
  const counts = Array(size).fill(0);
  for (let o = 0; o < out; o++) for (let at = from[o]; at < to[o]; at += by) counts[at]++;
  return counts;
}

// ---- what can be measured ----------------------------------------------------------------------------------------------

/** @type {(list: number[]) => Table} */
const row = (list) => ({ h: 1, w: list.length, list });
/** @type {(a: Table | undefined, b: Table | undefined, of: (a: number, b: number) => number) => Table | null} */
const both = (a, b, of) => (a && b && a.h === b.h && a.w === b.w ? { ...a, list: Array.from(a.list, (v, i) => of(v, b.list[i])) } : null);
/** @type {(a: number, b: number) => number} */
const minus = (a, b) => Math.fround(a - b);
/** @type {(a: number, b: number) => number} */
const apart = (a, b) => Math.abs(minus(a, b));

/** @type {Record<string, (now: Stand, start: Stand) => Table | null | undefined>} */
const MEASURES = {
  size(now) {
    const found = pooled(now)?.table;
    return found && row([found.h, found.w]);
  },
  output: (now) => pooled(now)?.table,
  max: (now) => pooled(now, "max")?.table,
  avg: (now) => pooled(now, "avg")?.table,
  "max - avg": (now) => both(pooled(now, "max")?.table, pooled(now, "avg")?.table, minus),
  "output moved": (now, start) => both(pooled(now)?.table, pooled(start)?.table, apart),
  "max moved": (now, start) => both(pooled(now, "max")?.table, pooled(start, "max")?.table, apart),
  "avg moved": (now, start) => both(pooled(now, "avg")?.table, pooled(start, "avg")?.table, apart),
  reads(now) {
    const found = pooled(now);
    if (!found) return null;
    const [down, across] = [readsAlong(found.rows, now.h), readsAlong(found.cols, now.w)];
    return { h: now.h, w: now.w, list: down.flatMap((a) => across.map((b) => a * b)) };
  },
  gradient: (now) => pooled(now, undefined, true)?.table,
  edits: (now, start) => row([now.values.filter((value, i) => value !== start.values[i]).length]),
  ...Object.fromEntries(SIDED.map((name) => [name, (/** @type {Stand} */ { settings }) => row(pair(settings[name]))])),
};

/** @type {Record<string, (list: number[]) => number>} */
const REDUCED = {
  smallest: (list) => Math.min(...list),
  largest: (list) => Math.max(...list),
  total: (list) => list.reduce((a, b) => a + b, 0),
  zeros: (list) => list.filter((value) => value === 0).length,
};

// What a condition is about, as numbers; null where there is nothing to measure.
/** @type {(condition: Condition, now: Stand, start: Stand) => number[] | null} */
export function measured({ of, over }, now, start) {
  const table = MEASURES[of](now, start);
  if (!table) return null;
  const { h, w, list } = table;
  if (Array.isArray(over)) return over[0] < h && over[1] < w ? [list[over[0] * w + over[1]]] : null;
  return over ? [REDUCED[over](Array.from(list))] : Array.from(list);
}

/** @type {Record<string, (a: number, b: number, slack: number) => boolean>} */
const COMPARISONS = {
  is: (a, b, slack) => Math.abs(a - b) <= slack,
  at_least: (a, b, slack) => a >= b - slack,
  at_most: (a, b, slack) => a <= b + slack,
  not: (a, b, slack) => !(Math.abs(a - b) <= slack),
};

/** @type {(condition: Condition, numbers: number[] | null) => boolean} */
export function holds(condition, numbers) {
  const how = Object.keys(COMPARISONS).find((name) => name in condition) ?? "is";
  /** @type {any} */
  const { [how]: compared } = condition;
  if (!numbers?.length || (Array.isArray(compared) && compared.length !== numbers.length)) return false;
  return numbers.every((a, i) => {
    const b = Array.isArray(compared) ? compared[i] : compared;
    return COMPARISONS[how](a, b, SLACK * Math.max(1, Math.abs(b)));
  });
}

// ---- judging -----------------------------------------------------------------------------------------------------------

// How many moves it is away from the case; see Reach.count.
/** @type {(task: Task, moved: Moved) => number} */
export function movesTo({ case: { settings } }, { cells = [], ...changed }) {
  let moves = cells.length;
  let uneven = false;
  for (const [name, value] of Object.entries(changed)) {
    if (!SIDED.includes(name)) moves += value === settings[name] ? 0 : 1;
    else {
      const was = pair(settings[name]);
      const [down, across] = pair(value).map((n, i) => Math.abs(n - was[i]));
      moves += down === across ? down : down + across;
      uneven ||= down !== across;
    }
  }
  return moves + (uneven ? 1 : 0);
}

/** @type {(task: Task, moved: Moved) => Found[]} */
export function conditionsOf(task, moved) {
  const [now, start] = [standOf(task, moved), standOf(task)];
  return task.goal.map((condition) => {
    const numbers = measured(condition, now, start);
    return { met: holds(condition, numbers), now: numbers };
  });
}

// As Reach.grade.
/** @type {(task: Task, key: GoalKey, moved: Moved) => Judged} */
export function judge(task, key, moved) {
  const goal = conditionsOf(task, moved);
  const right = goal.every(({ met }) => met);
  const [now, start] = [standOf(task, moved), standOf(task)];
  const judged = { right, goal, moves: movesTo(task, moved), misconception: "" };
  if (right) return { ...judged, why: key.why, fewest: key.fewest, code: codeOfStand(now) };
  const slip = key.mistakes.find(({ when }) => when.every((condition) => holds(condition, measured(condition, now, start))));
  return slip ? { ...judged, misconception: slip.misconception, mistake: slip.reason } : judged;
}
