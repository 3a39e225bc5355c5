// @ts-check
// Pictures to leaf through: a slider, Play, and the picture of the place. Python has drawn them all.
import { followTheme, leaveKeys, list, make, update } from "../web/dom.js";

/**
 * @import { AnyModel, RenderProps } from "@anywidget/types"
 * @typedef {{name: string, src: string, alt: string, said: string, parts: number[]}} Page parts: px of each column of panels
 * @typedef {{label: string, pages: Page[], at: number, still: string}} Traits
 */

const PACE = 1100; // ms a page

class Flipbook {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer;

  /**
   * @param {AnyModel<Traits>} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    this.slider = make("input", { type: "range", min: 0, step: 1, oninput: () => this.turn(+this.slider.value) });
    this.value = make("span", {}, ""); // an <output> would take the label away from the slider
    this.play = make("button", { type: "button", onclick: () => (this.timer ? this.stop() : this.start()) });
    this.label = make("span", {}, "");
    this.picture = make("div", { class: "pc-parts" });
    this.said = make("figcaption", { "aria-live": "polite" });
    const slide = make("label", { class: "pc-slide" }, make("span", {}, this.label, ": ", this.value), this.slider);
    this.root = make(
      "section",
      { class: "pooling-course pc-flipbook" },
      make("div", { class: "pc-row" }, slide, this.play),
      make("figure", {}, this.picture, this.said),
    );
    this.root.dataset.alive = model.get("still");
    el.append(this.root);
    this.redraw = () => this.draw();
    for (const name of ["at", "pages", "label"]) model.on(`change:${name}`, this.redraw);
    this.unfollow = followTheme(this.root, () => {});
    this.unleave = leaveKeys(this.root);
    this.draw();
  }

  /** @param {number} at */
  turn(at) {
    this.stop();
    this.show(at);
  }

  /** @param {number} at */
  show(at) {
    this.model.set("at", at);
    this.model.save_changes();
    this.draw();
  }

  // From the place it is at to the last; from the last, from the start. It begins only when asked to.
  start() {
    const last = this.model.get("pages").length - 1;
    if (this.model.get("at") >= last) this.show(0);
    this.timer = setInterval(() => {
      this.show(Math.min(last, this.model.get("at") + 1));
      if (this.model.get("at") >= last) this.stop();
    }, PACE);
    this.draw();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.draw();
  }

  draw() {
    const pages = this.model.get("pages");
    const at = Math.min(this.model.get("at"), pages.length - 1);
    const page = pages[at];
    update(this.label, { text: this.model.get("label") });
    update(this.slider, { max: pages.length - 1, value: at, "aria-valuetext": page.name }); // max before value
    update(this.value, { text: page.name });
    update(this.play, { text: this.timer ? "❚❚ Pause" : "▶ Play", hidden: pages.length < 2 });
    this.drawParts(page);
    update(this.said, { text: page.said });
  }

  // The picture once for each column of panels, of which that one is seen: side by side they are whole, on a phone they stack.
  /** @param {Page} page */
  drawParts({ src, alt, parts }) {
    const whole = parts.reduce((a, b) => a + b, 0);
    let left = 0;
    list(
      this.picture,
      parts,
      () => make("div", {}, make("img", { alt: "" })),
      (part, wide) => {
        const style = { width: `${(100 * whole) / wide}%`, marginLeft: `${(-100 * left) / wide}%` };
        update(part, { style: { width: `${wide}px` } });
        update(part.firstChild, { src, alt: left ? "" : alt, style }); // its words are read once
        left += wide;
      },
    );
  }

  end() {
    clearInterval(this.timer);
    for (const name of ["at", "pages", "label"]) this.model.off(`change:${name}`, this.redraw);
    this.unfollow();
    this.unleave();
    this.root.remove(); // JupyterLab keeps the view of a closed widget
  }
}

export default {
  /** @param {RenderProps<Traits>} props */
  render({ model, el }) {
    const book = new Flipbook(model, el);
    return () => book.end();
  },
};
