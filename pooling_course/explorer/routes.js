// @ts-check
// What is drawn over all grids, from one to another: the ways of the gradient, and numbers that fly.
import { update } from "../web/dom.js";
import { way } from "./geometry.js";
import { paintChip, paintRoutes, sizeCanvas } from "./paint.js";

/**
 * @import { Explorer } from "./explorer.js"
 * @import { Spot } from "./geometry.js"
 * @import { Route } from "./paint.js"
 * @import { Flow, Place } from "./pointing.js"
 * @typedef {{of: string, width: number, height: number, corners: Record<string, {left: number, top: number}>}} Ground `of` what is laid out
 */

// Only backwards, or while numbers fly, and when all else has changed: where the grids are may have to be asked.
/** @type {(view: Explorer, routes: Flow[]) => void} */
export function drawRoutes(view, routes) {
  const { motion, look, routes: canvas } = view;
  const flying = motion.moving && motion.flights.length > 0;
  update(canvas, { hidden: !view.backward && !flying });
  if (canvas.hidden) return;
  const whole = groundOf(view);
  const spot = spotsOf(view, whole);
  if (flying) {
    const ctx = sizeCanvas(canvas, whole.width, whole.height, [motion.frame]);
    for (const flight of motion.flights) {
      const along = motion.comeTo(flight);
      if (ctx && along !== null) paintChip(ctx, look, spot(flight.from), spot(flight.to), along, flight);
    }
    return;
  }
  const arrows = arrowsOf(view, routes, spot);
  const most = view.signedScale.high;
  const ctx = sizeCanvas(canvas, whole.width, whole.height, [look, most, JSON.stringify(arrows)]);
  if (ctx) paintRoutes(ctx, look, arrows, most);
}

// The box of all grids, and where each stands in it. To ask makes the browser lay out the page at once; but boxes stay where they
// are, whatever the sliders say (see layout.js), except on a phone, where a title may take another line.
/** @type {(view: Explorer) => Ground} */
function groundOf(view) {
  const { root, grid, grids, boxed, ground } = view;
  const shown = Object.keys(grid).filter((name) => grid[name].frame);
  const of = `${boxed}, ${shown}`;
  if (ground?.of === of && root.dataset.room !== "narrow") return ground;
  const whole = grids.getBoundingClientRect();
  /** @type {Ground["corners"]} */
  const corners = {};
  for (const name of shown) {
    const { left, top } = grid[name].stage.getBoundingClientRect();
    corners[name] = { left: left - whole.left, top: top - whole.top };
  }
  view.ground = { of: whole.width ? of : "", width: whole.width, height: whole.height, corners };
  return view.ground;
}

// Where cells lie within the box of all grids.
/** @type {(view: Explorer, whole?: Ground) => (place: Place) => Spot} */
function spotsOf(view, { corners } = groundOf(view)) {
  return ({ grid, row, col }) => {
    const { frame } = view.grid[grid];
    const { left, top } = corners[grid];
    const { x, y, cell, rows, cols } = frame;
    return { x: left + x(col), y: top + y(row), cell, left: left + x(0), top: top + y(0), right: left + x(cols), bottom: top + y(rows) };
  };
}

/** @type {(view: Explorer, routes: Flow[], spot?: (place: Place) => Spot) => Route[]} */
export const arrowsOf = (view, routes, spot = spotsOf(view)) =>
  routes.map(({ from, to, amount, text }) => ({ ...way(spot(from), spot(to)), cell: view.grid[to.grid].frame.cell, amount, text }));
