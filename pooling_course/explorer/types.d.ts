// @ts-check
// What the explorer's modules hand to each other. Only the type checker reads this file; a page never gets it.
import type { Scale } from "../web/colour.js";

/** Height and width. */
export type Pair = number[];
export type At = { row: number; col: number };

/** Where windows lie along an axis of `size` cells: `out` of them, the last of which ends before `end`. */
interface Windows {
  size: number;
  out: number;
  padding: number;
  end: number;
}
export interface EvenAxis extends Windows {
  k: number;
  stride: number;
  dilation: number;
  /** Cells from the first to the last of a window. */
  reach: number;
  /** Steps that the formula makes room for; `beyond`: the last window would start in the right padding. */
  steps: number;
  beyond: boolean;
  windows?: undefined;
}
export interface ListedAxis extends Windows {
  /** First, and after the last, position of each. */
  windows: number[][];
}
export type Axis = EvenAxis | ListedAxis;

/** A position that a window reads. */
export type Tap = At & { what: "cell" | "pad" | "overhang" };

/** The settings of a kind; each kind adds its own. What it does not have is left at what makes no difference. */
export interface Settings {
  kind: Kind;
  kernel: Pair;
  stride: Pair;
  padding: Pair;
  dilation: Pair;
  ceil: boolean;
}

export interface Slider {
  /** The trait. */
  name: string;
  least: number;
  step: number;
  /** How far it goes at least, where Python says nothing else; and how far where it was set by a link. */
  most?: number;
  largest: number;
  /** What the trait is before anything is set. */
  usual: number;
  /** For height and width. */
  both?: boolean;
  /** Folded away, under "More settings". */
  more?: boolean;
}

/** How far a slider goes and where it stands, the input's size, and how far sliders go at least, by name. */
export type Facts = { limit: Pair; now: Pair; size: Pair; most: Record<string, number> };

export type Input = { at(row: number, col: number): number; channel: number; dtype?: string };

/** One window: its place, what it reads, its output, and how many of its positions are padding. */
export type Window = At & { found: Tap[]; output: number; pads: number };

/**
 * Where the gradient of one window goes: `passes` is the sum of its shares, `amount` what the first cell gets. Only kinds
 * that have winners are given any, and only averages divisors; so it is of a Reader, too.
 */
export type Given = { winner: At; ties: number; cells: number; divisor: number; passes: number; amount: number };

/** A window that reads a cell: its upstream gradient and the cell's share; `reached` unless another cell wins it. */
export type Reader = At & { u: number; share: number; divisor: number; winner: At; reached: boolean };

/** What is shown of one kind: its windows on the input, and what torch made of them. */
interface Shows<S> {
  s: S;
  rows: Axis;
  cols: Axis;
  state: State;
}
export interface Shown extends Shows<any> {
  kind: Kind;
  key: string;
  /** The names of the grids of its output and of its input. */
  grid: string;
  input: string;
  /** Backwards only, and where the output is possible: the gradient, of one chosen window or of all. */
  chosen?: At;
  gradient?: State;
  /** Tells one upstream gradient from another. */
  upstream?: string;
  upstreamAt: LookUp;
  gradientAt: LookUp;
}

/**
 * What a kind of pooling is to the explorer. A kind has a file in kinds/, which enters it, and nothing else knows its name.
 * It starts from `kind` in kind.js, and says what is different about it. S are its settings.
 */
export interface Kind<S = any> extends Pools {
  /** The trait's value: "adaptive max". */
  name: string;
  /** On the screen, "Adaptive max", and beside its own family, "Max". */
  title: string;
  short: string;
  /** Within a sentence, "adaptive max", and as the owner of a setting, "adaptive max pooling". */
  inWords: string;
  called: string;
  /** What kinds that belong together are called: "Adaptive pooling". */
  family: string;
  /** The names of the two kinds that stand side by side where this one is asked for. */
  twins: string[];
  /** The traits it takes, and its sliders; a slider that is none of its settings stands still. */
  settings: string[];
  sliders: Slider[];
  /** Its settings, from those traits. */
  of(get: (trait: string) => any): Omit<S, keyof Settings> & Partial<Settings>;
  /** The name under which Python files a state; settings that cannot matter are dropped, so that twins share it. */
  key(s: S): string;
  /** The layer in Python, and all that makes it. */
  code(s: S): string;
  recipe(s: S): string;
  /** Where its windows lie in height (i = 0) or width, and that as a formula. */
  axis(s: S, i: number, size: number): Axis;
  formula(s: S, i: number, size: number): string;
  /** The dtypes that torch pools so on a CPU, and why no window fits. */
  accepts: string[];
  unfit(p: Asked, i: number, size: number): string;
  /** The settings one slider step away: `by` is 1 or -1. */
  steps(s: S, by: number): S[];
  /** Of sliders, by name: how far each goes, and what its place means, or why it goes no further. */
  limits: Record<string, (s: S, facts: Facts) => Pair>;
  hints: Record<string, (s: S, facts: Facts) => string>;
  /** What stands in a padded cell. */
  ghost(s: S): string;
  /** One window in words: its sum or maximum, and what else there is to say. */
  sum(s: S, found: Tap[], input: Input, divisor: number, output: number): string;
  notes(v: Shows<S>, window: Window, input: Input): string[];
  /** What the windows that read a cell do with it; `won` are those that it wins. */
  reader(v: Shows<S>, found: At[], won: At[], channel: number, at: At): string;
  /** Where the upstream gradient `u` of a window goes, what a cell gets, and why the two totals differ. */
  gave(s: S, head: string, u: number, given: Given): string;
  got(at: At, total: number, from: Reader[], reading: string): string;
  lost(s: S): string;
  /**
   * A winner has the whole share; or each cell has the same, and only then there are divisors; or shares depend on more than
   * the window: then they come with the gradient.
   */
  shares: "winner" | "equal" | "varied";
  /** Whether outputs may lie beyond the input, and have a colour scale of their own. */
  ownScale: boolean;
  /** What a layer has learned, a plane for each channel. */
  learned(s: S): Weights | null;
}

export type Weights = { weight: number[][][]; bias: number[] | null };

/** The value at a place. */
export type LookUp = (channel: number, row: number, col: number) => number;
export type Numbers = Float32Array | Float64Array;

/** The input: its sizes, and its values one channel after the other. `serial` says which input it is. */
export interface Cells {
  shape: number[];
  channels: number;
  h: number;
  w: number;
  /** The types of arrays: "f4" or "f8" of values, "u2" or "u4" of winners. */
  float: string;
  index: string;
  whole: boolean;
  /** As torch names it: "float32". */
  dtype: string;
  /** What it is of an input that was too large, else "". */
  part?: string;
  serial: number | string;
  values: Numbers;
}

/** A state as Python packs it: numbers, and where in the data the arrays begin. */
export interface Entry {
  key: string;
  error?: string;
  h: number;
  w: number;
  /** Of gradients, for each channel: upstream and input gradient in all; a number that JSON cannot hold is a word. */
  totals: (number | string)[][];
  divisor: number;
  passes?: number;
  apart?: Pair;
  winners?: number;
  values?: number;
  divisors?: number;
  passed?: number;
  gradient?: number;
  nothing?: number;
  spread?: number;
}
export type Book = { entries: Entry[]; data: DataView | Uint8Array };

/** What torch computed, or why it could not. A gradient is a state, too. */
export interface State extends Pick<Entry, "key" | "error" | "h" | "w" | "totals"> {
  bytes: number;
  values: Numbers;
  scale?: Scale;
  /** Of a gradient: one channel after the other, and for each what has been found out about it. */
  gradient?: Numbers;
  known?: { most: number; idle: number }[];
  /** The output, or the input gradient. */
  at: LookUp;
  /** All of it in one channel, row by row. */
  planeOf(channel: number): Numbers;
  winner?: (channel: number, row: number, col: number) => At;
  /** The share of input cell (r, c) in window (row, col), where shares vary. */
  shareOf?: (channel: number, row: number, col: number, r: number, c: number) => number;
  /** What cells get from windows whose upstream gradient is 0, where that is not 0. */
  nothing?: Numbers;
  divisorAt(row: number, col: number): number;
  passesAt(row: number, col: number): number;
}

// ---- where no Python answers ------------------------------------------------------------------------------------------

/** The settings of a state, read from its name; `upstream` is the number of an upstream gradient, null for the output. */
export interface Asked extends Omit<Settings, "kind" | "ceil"> {
  name: string;
  kind: string;
  upstream: number | null;
  ceil?: boolean;
  counted?: boolean;
  divisor?: number | null;
  weights?: Weights;
  /** What a kind has of its own. */
  [own: string]: any;
}

export type EngineInput = Pick<Cells, "channels" | "h" | "w" | "float" | "index" | "whole" | "values">;

/** An input as loops want it: the constructors of its lists, and how its numbers are rounded. */
export interface Plane extends Omit<EngineInput, "float" | "index"> {
  List: any;
  Index: any;
  round(value: number): number;
}

/** What windows read along an axis; see `along` in engine.js. */
export interface Spans {
  out: number;
  by: number;
  apart: number;
  from: Int32Array;
  to: Int32Array;
  long: Int32Array;
  tap: Int32Array;
}

/**
 * What a kind brings to the engine. Both are functions that use nothing from outside, but what the engine gives them: a worker
 * gets their text.
 */
export interface Pools {
  reads: (tools: Tools) => Reads;
  pools: (tools: Tools) => Pooling;
}
/** Its settings, from the numbers in a state's name. */
interface Reads {
  read(numbers: any[]): Partial<Asked> | null;
  /** What names leave out: the weights of a convolution. */
  lent?(p: Asked, weights: Weights): Asked;
  /** Where windows do not lie evenly: how many there are along an axis, and the first, and after the last, position of each. */
  count?(p: Asked, i: number, size: number): number;
  starts?(p: Asked, i: number, size: number, out: number, round: (value: number) => number): number[][];
}
/** Forwards and backwards. Where shares depend on what cells hold, `through` prepares the way of any upstream gradient. */
interface Pooling {
  forward(p: Asked, x: Plane, rows: Spans, cols: Spans): { fields?: object; lists: Record<string, any> };
  backward?(p: Asked, x: Plane, rows: Spans, cols: Spans, sent: Numbers): Numbers;
  through?: Through;
}
export type PoolingKind = Reads & Pooling;
/** What kinds share; engine.js says what each of them does. */
export interface Tools {
  ALL: Some;
  areWhole(list: any[], size: number): boolean;
  evenly(numbers: any[]): Partial<Asked>;
  sums(x: Plane, values: Numbers, rows: Spans, cols: Spans): Numbers;
  totals(x: Plane, list: Numbers): Numbers;
  divided(p: Asked, x: Plane, list: Numbers, rows: Spans, cols: Spans): Numbers;
  toAll(x: Plane, amounts: Numbers, rows: Spans, cols: Spans, some?: Some): Numbers;
  toPlane(x: Plane, amounts: Numbers): Numbers;
  byWinner: Pooling;
  byDivisor(averaging: Averaging): Pooling;
}
export interface Averaging {
  averages(p: Asked, x: Plane, rows: Spans, cols: Spans): Numbers;
  backward(p: Asked, x: Plane, rows: Spans, cols: Spans, sent: Numbers): Numbers;
}
export type Through = (p: Asked, x: Plane, rows: Spans, cols: Spans) => (sent: Numbers, some?: Some) => Numbers;
/** Windows from one on, in steps. */
export type Some = { row: number; col: number; down: number; across: number };
