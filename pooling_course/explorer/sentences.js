// What a window does and what a cell gets, in words, forwards and backwards. The amounts are torch's: outputs, winners,
// divisors, gradients. In these functions `v` is what the explorer shows of one kind: {kind, s, rows, cols, state}.
import {
  about, equals, isAverage, isMax, number, place, plural, sumOf, taps, windowOf,
} from "./geometry.js";

export const NAMES = {
  max: "Max", avg: "Average", "adaptive max": "Adaptive max", "adaptive avg": "Adaptive average", lp: "LP", conv: "Convolution",
};

export const inWords = (kind) => (kind === "lp" ? NAMES.lp : NAMES[kind].toLowerCase()); // within a sentence

// One window forwards; `input` is {at(row, col), channel, whole}.
export function windowSentence(v, row, col, input) {
  const found = windowOf(v.rows, v.cols, row, col);
  const output = v.state.at(input.channel, row, col);
  const count = (what) => found.filter((t) => t.what === what).length;
  const overhang = count("overhang");
  const sum = sumOf(v.s, found, input.at, input.channel, v.state.divisorAt(row, col), output, input.whole);
  const notes = notesOf(v, row, col, input, found, output, count("pad"));
  if (overhang) notes.push(`${plural(overhang, "position")} beyond the edge: nothing is there, nothing is read.`);
  return `${NAMES[v.kind]} output at ${place(row, col)}: ${sum}. ${notes.join(" ")}`;
}

function notesOf({ kind, s, state }, row, col, input, found, output, pads) {
  if (kind === "lp") return normNotes(s, found, input, output);
  const [one, many] = s.divisor !== null ? ["adds 0", "add 0"] : s.countPad ? ["counts as 0", "count as 0"] : ["is not counted", "are not counted"];
  const padded = pads ? [pads === 1 ? `One padded cell ${one}.` : `${pads} padded cells ${many}.`] : [];
  if (kind === "conv") return ["The share of a cell is its weight.", ...padded];
  if (isAverage(kind)) return [`Each input cell has a share of ${routeText(1, state.divisorAt(row, col))}.`, ...padded];
  const winner = state.winner(input.channel, row, col);
  const ties = found.filter((t) => t.what === "cell" && input.at(t.row, t.col) === output).length;
  const notes = [`The winner is ${place(winner.row, winner.col)}${ties > 1 ? `, the first of ${ties} that tie` : ""}.`];
  if (Number.isNaN(output)) notes.push("nan beats every number; of several, the last wins.");
  if (pads) notes.push(`${plural(pads, "padded cell")} ${pads === 1 ? "enters" : "enter"} as -inf.`);
  return notes;
}

function normNotes({ norm }, found, { at }, output) {
  const cells = found.filter((t) => t.what === "cell");
  if (Number.isNaN(output) && !cells.some((t) => Number.isNaN(at(t.row, t.col)))) return ["nan: torch takes no such power or root of a negative number."];
  const nothing = cells.every((t) => at(t.row, t.col) === 0);
  const notes = [norm === 1 ? "With norm_type=1 it is the plain sum." : nothing ? "All its values are 0." : `The ${norm > 1 ? "larger" : "smaller"} a value is in size, the larger its share.`];
  if (cells.length < found.length) notes.push(`Cut off by the edge, the window is scaled up to ${found.length} cells.`);
  return notes;
}

const outputsOf = (found) => {
  const shown = found.slice(0, 6).map((r) => `(${r.row}, ${r.col})`).join(" ");
  return `${found.length === 1 ? "output" : "outputs"} ${found.length > 6 ? `${shown} and ${found.length - 6} more` : shown}`;
};

// One input cell forwards: `found` are the outputs whose windows read it, `won` those of them that it wins.
export function readerSentence({ kind, s, rows, cols, state }, found, won, channel, { row, col }) {
  if (!found.length) return `${NAMES[kind]}: no window reads it.`;
  const windows = `${plural(found.length, "window")} ${found.length === 1 ? "reads" : "read"} it`;
  if (isMax(kind)) {
    const wins = won.length === found.length && won.length > 1 ? "all" : won.length || "none";
    return `${NAMES[kind]}: ${windows}; it wins ${wins}${won.length ? `: ${outputsOf(won)}` : ""}.`;
  }
  if (kind === "lp") return `LP: ${windows}: ${outputsOf(found)}.`;
  const weightIn = (r) => s.weights.weight[channel][taps(rows, r.row).indexOf(row)][taps(cols, r.col).indexOf(col)];
  const of = (r) => (kind === "conv" ? weightIn(r) : state.divisorAt(r.row, r.col));
  const share = (n) => (kind === "conv" ? about(n) : fraction(1, n));
  const shares = [...new Set(found.map(of))].sort((a, b) => a - b).map(share).join(" or ");
  return `${NAMES[kind]}: ${windows}, with a ${kind === "conv" ? "weight" : "share"} of ${shares}: ${outputsOf(found)}.`;
}

const MOST_TERMS = 9;
const summed = (terms) => {
  const shown = terms.length > MOST_TERMS ? [...terms.slice(0, 4), `… ${terms.length - 5} more …`, terms[terms.length - 1]] : terms;
  return shown.map((t) => (t.startsWith("-") ? `(${t})` : t)).join(" + ");
};

// u / d as a fraction, without dividing.
const fraction = (u, d) => (d === 1 ? number(u) : d < 0 ? `${number(-u)}/${-d}` : `${number(u)}/${d}`);

// Where the upstream gradient `u` of one window goes.
export function gave(kind, at, u, { winner, ties, cells, divisor, passes, given, amount }) {
  const head = `the upstream gradient ${about(u)} of output ${place(at.row, at.col)}`;
  if (isMax(kind)) {
    const rest = cells - 1;
    const others = rest ? `; the other ${plural(rest, "cell")} of the window ${rest === 1 ? "gets" : "get"} nothing from it` : "";
    const tied = ties > 1 ? `, the first of ${ties} that tie` : "";
    return `${NAMES[kind]}: ${head} goes whole to the winner, ${place(winner.row, winner.col)}${tied}${others}.`;
  }
  if (!isAverage(kind)) {
    const all = cells === 1 ? "The share of its one cell is" : `The shares of its ${cells} cells add up to`;
    return `${NAMES[kind]}: of ${head}, each cell of the window gets its share. ${all} ${about(passes)}.`;
  }
  const each = cells === 1 ? "the one cell of the window gets" : `each of the ${cells} cells of the window gets`;
  const share = `${fraction(u, divisor)}${divisor === 1 ? "" : ` ${equals([], amount)}`}`;
  const text = `${NAMES[kind]}: of ${head}, ${each} ${share}.`;
  if (Math.abs(passes - 1) < 1e-6) return text;
  const part = `${fraction(cells, divisor)} ${equals([], passes)}`;
  const why = given ? "divisor_override decides how much" : "the rest is lost to padding, which is in the divisor but is no input";
  return `${text} In all it passes on ${part} of it: ${why}.`;
}

// What one input cell gets: `from` holds the upstream gradient, divisor and winner of each window that reads it.
export function got(kind, at, total, from) {
  const name = NAMES[kind];
  if (!from.length) return `${name}: gets 0, because no window reads it.`;
  const reading = from.length === 1 ? "the one window that reads it" : `the ${from.length} windows that read it`;
  if (!isMax(kind)) {
    const varied = !isAverage(kind);
    const terms = from.map(({ u, divisor, share }) => (varied ? `${number(u)}*${share < 0 ? `(${number(share)})` : number(share)}` : fraction(u, divisor)));
    const written = varied ? from.flatMap(({ u, share }) => [u, share]) : [];
    const sum = terms.length === 1 && terms[0] === number(total) ? terms[0] : `${summed(terms)} ${equals(written, total)}`;
    return `${name}: gets ${sum}: a share from ${from.length === 1 ? reading : `each of ${reading}`}.`;
  }
  const won = from.filter(({ winner }) => winner.row === at.row && winner.col === at.col);
  if (!won.length) return `${name}: gets 0, because ${from.length === 1 ? `${reading} has another winner` : `it wins none of ${reading}`}.`;
  const terms = won.map(({ u }) => number(u));
  const sum = terms.length > 1 ? `${summed(terms)} ${equals(won.map(({ u }) => u), total)}` : number(total);
  return `${name}: gets ${sum}: this cell wins ${plural(won.length, "window")}.`;
}

// The two totals, and why they differ where they do.
export function totals(kind, up, down, s) {
  const name = NAMES[kind];
  const text = `${name}: upstream gradient ${about(up)} in all, input gradient ${about(down)} in all`;
  if (Math.abs(up - down) <= 1e-4 * Math.max(1, Math.abs(up))) return `${text}: nothing is lost.`;
  if (!Number.isFinite(up - down)) return `${text}.`;
  if (kind === "conv") return `${text}: the weights decide what is passed on.`;
  if (kind === "lp") return `${text}: the shares of a window need not add up to 1.`;
  if (s.divisor !== null) return `${text}: divisor_override=${s.divisor} decides what is passed on.`;
  return `${text}: the padding's share is lost. It is counted in the divisor, but it is no input.`;
}

export const routeText = (u, divisor) => fraction(u, divisor ?? 1);
