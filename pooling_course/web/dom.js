// @ts-check
// Small helpers for widgets in a page: elements, and the theme behind them.
import { luminance, readLook } from "./colour.js";

const SUPPRESS = "data-lm-suppress-shortcuts";
const FOCUSABLE = new Set(["input", "select", "button", "summary"]);

/**
 * @import { Look } from "./colour.js"
 * @typedef {{[name: string]: string | number | boolean | null | undefined | ((event: any) => void)}} Attributes
 */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 */
export function make(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") el.addEventListener(name.slice(2), value);
    else if (value === true) el.setAttribute(name, "");
    else if (value !== false && value != null) el.setAttribute(name, `${value}`);
  }
  // JupyterLab would take arrow keys and letters away from a focused control
  if (FOCUSABLE.has(tag) || "tabindex" in attributes) el.setAttribute(SUPPRESS, "true");
  el.append(...children);
  return el;
}

// Set what differs, and only that: even the same text or attribute set again makes the browser lay out the page.
// `changes` are properties, in their order, or `text`, `style` and aria- attributes.
/** @type {(el: any, changes: Record<string, any>) => void} */
export function update(el, changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (name === "text") setText(el, value);
    else if (name === "style") update(el.style, value);
    else if (name.startsWith("aria-")) el.getAttribute(name) === value || el.setAttribute(name, value);
    else if (el[name] !== (typeof el[name] === "string" ? `${value}` : value)) el[name] = value;
  }
}

/** @type {(el: Node, text: string) => void} */
function setText(el, text) {
  const node = el.firstChild;
  if (!(node instanceof Text) || node.nextSibling) el.textContent = text;
  else if (node.data !== text) node.data = text; // dearer would be a new node
}

// One child of `el` for each of `items`: those that are there stay, `create` makes new ones, `show(child, item)` fills each.
/**
 * @template Item
 * @param {Element} el
 * @param {Item[]} items
 * @param {() => Element} create
 * @param {(child: any, item: Item) => void} show
 */
export function list(el, items, create, show) {
  while (el.childElementCount > items.length) el.lastElementChild?.remove();
  while (el.childElementCount < items.length) el.append(create());
  for (const [i, item] of items.entries()) show(el.children[i], item);
}

const line = () => make("div");
/** @type {(el: Element, texts: string[]) => void} */
export const lines = (el, texts) => list(el, texts, line, (el, text) => update(el, { text }));

const SOON = 100; // ms
const FRAME = 17; // ms in which a painted frame comes to the screen

// Work for the next frame, or soon, as a hidden page paints none; returns what calls it off.
/** @type {(work: () => void, soon?: () => void) => () => void} */
export function inFrame(work, soon = work) {
  const frame = requestAnimationFrame(() => {
    clearTimeout(timer);
    work();
  });
  const timer = setTimeout(() => {
    cancelAnimationFrame(frame);
    soon();
  }, SOON);
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}

// What nobody sees is done after the next frame has been painted and shown.
/** @param {() => void} work */
export const afterPaint = (work) => inFrame(() => setTimeout(work, FRAME), work);

// What has the focus, seen from where `el` stands: a page sees of a shadow tree only its host.
/** @param {Element} el */
export const focusedBy = (el) => /** @type {Document | ShadowRoot} */ (el.getRootNode()).activeElement;

/** @type {CanvasRenderingContext2D | null} */
let pen;

// Red, green, blue and alpha, 0 to 255, of any colour that CSS can write: painted, it is one of these.
/** @param {string} text */
function parseColor(text) {
  pen ??= make("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  if (!pen) return [0, 0, 0, 0];
  pen.clearRect(0, 0, 1, 1);
  pen.fillStyle = "#0000"; // where it cannot be read
  pen.fillStyle = text;
  pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data];
}

/** @type {(el: Element) => Element | undefined} */
const above = (el) => el.parentElement ?? /** @type {ShadowRoot} */ (el.getRootNode()).host;

// "dark" or "light", from the first opaque background behind the element: every front end has one. Paper is white.
/** @param {Element} el */
function themeBehind(el) {
  if (matchMedia("print").matches) return "light";
  for (let at = above(el); at; at = above(at)) {
    const [r, g, b, alpha] = parseColor(getComputedStyle(at).backgroundColor);
    if (alpha > 127) return luminance([r, g, b]) < 0.2 ? "dark" : "light";
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// Leave JupyterLab its keys: Ctrl+S, which the attribute would take away with the rest; Shift+Enter, which it takes only
// from the cell itself; and Escape, which leads from the widget back to its cell. Returns what ends that.
/** @param {Element} root */
export function leaveKeys(root) {
  /** @param {KeyboardEvent} event */
  const listen = (event) => {
    const el = event.composedPath()[0];
    if (!(el instanceof Element) || !root.contains(el)) return;
    /** @type {HTMLElement | null} */
    const cell = root.closest(".jp-Cell");
    if (event.key === "Escape" && !el.classList.contains("pc-edit")) cell?.focus();
    if (event.shiftKey && event.key === "Enter") {
      event.preventDefault(); // it is no press of a button
      if (!cell) return;
      event.stopImmediatePropagation();
      cell.focus();
      const { key, code, keyCode, shiftKey } = event;
      cell.dispatchEvent(new KeyboardEvent("keydown", { key, code, keyCode, shiftKey, bubbles: true, cancelable: true }));
    }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && el.hasAttribute(SUPPRESS)) {
      el.removeAttribute(SUPPRESS);
      setTimeout(() => el.setAttribute(SUPPRESS, "true"));
    }
  };
  window.addEventListener("keydown", listen, true); // before JupyterLab listens
  return () => window.removeEventListener("keydown", listen, true);
}

// Give `root` the theme of the page, now and whenever that changes; `wear` gets the look, as soon as there is a style sheet to
// read it from. Returns what ends that.
/** @type {(root: HTMLElement, wear: (look: Look) => void) => () => void} */
export function followTheme(root, wear) {
  /** @type {Look | null} */
  let look = null;
  let waiting = 0;
  const dress = () => {
    const theme = themeBehind(root);
    if (look && root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    look = readLook(root);
    cancelAnimationFrame(waiting);
    if (look) wear(look);
    else waiting = requestAnimationFrame(dress);
  };
  const observer = new MutationObserver(dress);
  for (const el of [document.documentElement, document.body]) observer.observe(el, { attributes: true });
  const media = ["(prefers-color-scheme: dark)", "print"].map((query) => matchMedia(query));
  for (const one of media) one.addEventListener("change", dress);
  dress();
  return () => {
    cancelAnimationFrame(waiting);
    observer.disconnect();
    for (const one of media) one.removeEventListener("change", dress);
  };
}
