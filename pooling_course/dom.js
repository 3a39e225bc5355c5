// Small helpers for widgets in a page: elements, and the theme behind them.
import { luminance } from "./paint.js";

const FOCUSABLE = new Set(["input", "select", "button", "summary"]);

export function make(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (value === true) el.setAttribute(name, "");
    else if (value !== false && value != null) el.setAttribute(name, value);
  }
  // JupyterLab would take arrow keys and letters away from a focused control
  if (FOCUSABLE.has(tag) || "tabindex" in attributes) el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.append(...children);
  return el;
}

const parseColor = (text) => (text.match(/[\d.]+/g) || []).map(Number);

// "dark" or "light", from the first opaque background behind the element: every front end has one.
export function themeBehind(el) {
  for (let at = el.parentElement ?? el.getRootNode().host; at; at = at.parentElement ?? at.getRootNode().host) {
    const [r, g, b, alpha = 1] = parseColor(getComputedStyle(at).backgroundColor);
    if (alpha > 0.5) return luminance([r, g, b]) < 0.2 ? "dark" : "light";
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// Call `apply` when the theme of the page may have changed; returns what stops it.
export function watchTheme(apply) {
  const observer = new MutationObserver(apply);
  for (const el of [document.documentElement, document.body]) observer.observe(el, { attributes: true });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", apply);
  return () => {
    observer.disconnect();
    dark.removeEventListener("change", apply);
  };
}
