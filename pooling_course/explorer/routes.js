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
 */

// Asks where the grids are, which makes the browser lay out the page: so backwards or while numbers fly, and when all else has changed.
/** @type {(view: Explorer, routes: Flow[]) => void} */
export function drawRoutes(view, routes) {
  const { motion, look, routes: canvas } = view;
  const flying = motion.moving && motion.flights.length > 0;
  update(canvas, { hidden: !view.backward && !flying });
  if (canvas.hidden) return;
  const whole = view.grids.getBoundingClientRect();
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

// Where cells lie within the box of all grids.
/** @type {(view: Explorer, whole?: DOMRect) => (place: Place) => Spot} */
function spotsOf(view, whole = view.grids.getBoundingClientRect()) {
  /** @type {Record<string, DOMRect>} */
  const corners = {};
  return ({ grid, row, col }) => {
    const { frame, stage } = view.grid[grid];
    corners[grid] ??= stage.getBoundingClientRect();
    const [left, top] = [corners[grid].left - whole.left, corners[grid].top - whole.top];
    const { x, y, cell, rows, cols } = frame;
    return { x: left + x(col), y: top + y(row), cell, left: left + x(0), top: top + y(0), right: left + x(cols), bottom: top + y(rows) };
  };
}

/** @type {(view: Explorer, routes: Flow[], spot?: (place: Place) => Spot) => Route[]} */
export const arrowsOf = (view, routes, spot = spotsOf(view)) =>
  routes.map(({ from, to, amount, text }) => ({ ...way(spot(from), spot(to)), cell: view.grid[to.grid].frame.cell, amount, text }));
