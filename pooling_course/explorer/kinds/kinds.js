// @ts-check
// The kinds of pooling that the explorer can show: each file of this folder enters its own.
import "./*.js"; // web/assets.py joins them all
import { ENTERED } from "./kind.js";

/**
 * @import { Kind, Pools, Settings } from "../types.d.ts"
 */

/** @type {Record<string, Kind>} by name */
export const KINDS = Object.fromEntries(ENTERED.map((kind) => [kind.name, kind]));
/** @type {Record<string, Pools>} what engine.js takes */
export const POOLS = Object.fromEntries(ENTERED.map(({ name, reads, pools }) => [name, { reads, pools }]));

/**
 * @template T
 * @param {T[]} values
 */
const unique = (values) => [...new Set(values)];
export const SLIDERS = unique([...ENTERED].reverse().flatMap(({ sliders }) => sliders)); // a relative's own before what it shares
export const SETTINGS = unique(ENTERED.flatMap(({ settings }) => settings)); // traits

const PLAIN = { kernel: [1, 1], stride: [1, 1], padding: [0, 0], dilation: [1, 1], ceil: false };

// The settings of one kind, from the widget's traits; what belongs to others is left at its default.
/** @type {(get: (trait: string) => any, kind: Kind) => Settings} */
export const settingsOf = (get, kind) => ({ ...PLAIN, kind, ...kind.of(get) });

// The settings one slider step away.
/** @type {(s: Settings) => Settings[]} */
export const neighbours = (s) => [1, -1].flatMap((by) => s.kind.steps(s, by));

// The keys of what lies up to `far` slider steps around, nearest first, where windows fit an input of h x w.
/** @type {(s: Settings, far: number, h: number, w: number) => string[]} */
export function around(s, far, h, w) {
  const found = new Set([s.kind.key(s)]);
  /** @param {Settings} t */
  const isNew = (t) => !found.has(t.kind.key(t)) && t.kind.axis(t, 0, h).out > 0 && t.kind.axis(t, 1, w).out > 0;
  for (let ring = [s], step = 0; step < far; step++) {
    ring = ring.flatMap(neighbours).filter((t) => isNew(t) && found.add(t.kind.key(t)));
  }
  return [...found];
}
