// @ts-check
// What leaving a field sets off can move the page, and a press whose target moves away before it is let go is no click.

/** @type {(() => void)[] | null} what waits until the press that is under way is over */
let waiting = null;

const begin = () => {
  waiting ??= [];
};

function end() {
  const acts = waiting ?? [];
  waiting = null;
  for (const act of acts) act();
}

/** @type {(type: string, act: () => void) => void} */
const hear = (type, act) => globalThis.addEventListener?.(type, act, true); // Node has none
for (const type of ["pointerdown", "mousedown"]) hear(type, begin);
// Before anything is clicked or slid, so that all comes in its order; where a menu opens or something is dragged off, no mouseup comes.
for (const type of ["mouseup", "input", "contextmenu", "dragend", "pointercancel"]) hear(type, end);
hear("pointerup", () => setTimeout(end)); // a finger's, after which no mouseup need come

// Does it at once, or, where a field is left by a press, when that is over.
/** @param {() => void} act */
export function afterPress(act) {
  if (waiting) waiting.push(act);
  else act();
}
