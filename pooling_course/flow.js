// The backward direction in words and arrows. The amounts are torch's: gradients, winners, divisors, shares passed on.
import { equals, number, place, plural } from "./geometry.js";

const MOST_TERMS = 9;
const MOST_LABELS = 9;
const summed = (terms) => {
  const shown = terms.length > MOST_TERMS ? [...terms.slice(0, 4), `… ${terms.length - 5} more …`, terms[terms.length - 1]] : terms;
  return shown.map((t) => (t.startsWith("-") ? `(${t})` : t)).join(" + ");
};

// u / d as a fraction, without dividing.
const fraction = (u, d) => (d === 1 ? number(u) : d < 0 ? `${number(-u)}/${-d}` : `${number(u)}/${d}`);

// Where the upstream gradient `u` of one window goes.
export function gave(kind, at, u, { winner, cells, divisor, passes, given, amount }) {
  const head = `the upstream gradient ${number(u)} of output ${place(at.row, at.col)}`;
  if (kind === "max") {
    const rest = cells - 1;
    const others = rest ? `; the other ${plural(rest, "cell")} of the window ${rest === 1 ? "gets" : "get"} nothing from it` : "";
    return `Max: ${head} goes whole to the winner, ${place(winner.row, winner.col)}${others}.`;
  }
  const each = cells === 1 ? "goes to its one cell" : `is shared by ${cells} cells, to each`;
  const text = `Average: ${head} ${each} ${fraction(u, divisor)}${divisor === 1 ? "" : ` ${equals([], amount)}`}.`;
  if (Math.abs(passes - 1) < 1e-6) return text;
  const part = `${fraction(cells, divisor)} ${equals([], passes)}`;
  const why = given ? "divisor_override decides how much" : "the rest is lost to padding, which is in the divisor but is no input";
  return `${text} In all it passes on ${part} of it: ${why}.`;
}

// What one input cell gets: `from` holds the upstream gradient, divisor and winner of each window that reads it.
export function got(kind, at, total, from) {
  const name = kind === "max" ? "Max" : "Average";
  if (!from.length) return `${name}: gets 0, because no window reads it.`;
  const reading = from.length === 1 ? "the one window that reads it" : `the ${from.length} windows that read it`;
  if (kind === "avg") {
    const terms = from.map(({ u, divisor }) => fraction(u, divisor));
    return `Average: gets ${summed(terms)} ${equals([], total)}: a share from ${reading === "the one window that reads it" ? reading : `each of ${reading}`}.`;
  }
  const won = from.filter(({ winner }) => winner.row === at.row && winner.col === at.col);
  if (!won.length) return `Max: gets 0: it wins none of ${from.length === 1 ? "its windows: the one that reads it has another winner" : reading}.`;
  const terms = won.map(({ u }) => number(u));
  const sum = terms.length > 1 ? `${summed(terms)} ${equals(won.map(({ u }) => u), total)}` : number(total);
  return `Max: gets ${sum}: this cell wins ${plural(won.length, "window")}.`;
}

// The two totals, and why they differ where they do.
export function totals(kind, up, down, s) {
  const name = kind === "max" ? "Max" : "Average";
  const text = `${name}: upstream gradient ${number(up)} in all, input gradient ${number(down)} in all`;
  if (!(Math.abs(up - down) > 1e-4 * Math.max(1, Math.abs(up)))) return `${text}: nothing is lost.`;
  if (s.divisor !== null) return `${text}: divisor_override=${s.divisor} decides what is passed on.`;
  return `${text}: the padding's share is lost. It is counted in the divisor, but it is no input.`;
}

// Arrows from {x, y} to {x, y} in px, as wide as their amount; numbers where there are few.
export function paintRoutes(ctx, look, routes, most) {
  for (const { from, to, amount } of routes) {
    const width = 1.5 + (4.5 * Math.abs(amount)) / (most || 1);
    const bend = { x: (from.x + to.x) / 2, y: Math.min(from.y, to.y) - 0.12 * Math.abs(from.x - to.x) };
    const angle = Math.atan2(to.y - bend.y, to.x - bend.x);
    const head = 4 + 1.6 * width;
    const tip = { x: to.x - head * Math.cos(angle), y: to.y - head * Math.sin(angle) };
    for (const [colour, extra] of [[look.paper, 3], [look.window, 0]]) {
      ctx.strokeStyle = ctx.fillStyle = colour;
      ctx.lineWidth = width + extra;
      ctx.lineCap = "round";
      ctx.beginPath();
      ctx.moveTo(from.x, from.y);
      ctx.quadraticCurveTo(bend.x, bend.y, tip.x, tip.y);
      ctx.stroke();
      const size = head + extra / 2;
      ctx.beginPath();
      ctx.moveTo(to.x, to.y);
      for (const side of [0.45, -0.45]) ctx.lineTo(to.x - size * Math.cos(angle + side) * 1.2, to.y - size * Math.sin(angle + side) * 1.2);
      ctx.closePath();
      ctx.fill();
    }
  }
  if (routes.length > MOST_LABELS) return;
  ctx.font = `600 12px ${look.font}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const { from, to, text } of routes) {
    const [x, y] = [0.35 * from.x + 0.65 * to.x, 0.35 * from.y + 0.65 * to.y - 0.055 * Math.abs(from.x - to.x)];
    const width = ctx.measureText(text).width + 8;
    ctx.fillStyle = look.paper;
    ctx.fillRect(x - width / 2, y - 8, width, 16);
    ctx.strokeStyle = look.window;
    ctx.lineWidth = 1;
    ctx.strokeRect(x - width / 2, y - 8, width, 16);
    ctx.fillStyle = look.ink;
    ctx.fillText(text, x, y);
  }
}

export const routeText = (u, divisor) => fraction(u, divisor ?? 1);
