// @ts-check
// A link below each explorer of a lesson: it opens the page again with that explorer as it stands.
/**
 * @import { Share } from "./types.d.ts"
 */
(() => {
  const { course } = window;

  /** @type {Share} */
  const share = {
    link({ view, loaded, book, place }) {
      const { shown, left } = loaded.shownBy(view, book, place);
      const link = loaded.linkOf(shown);
      const { error } = loaded.readLink(link, { presets: Object.keys(course.presets) }) ?? {};
      return { link, left, error: error ? `No link can say this: ${error}` : "" };
    },

    async copy(text, said, more = "") {
      try {
        await navigator.clipboard.writeText(text);
        said.textContent = `Copied. ${more}`;
      } catch {
        const field = Object.assign(document.createElement("input"), { value: text, readOnly: true });
        field.setAttribute("aria-label", "To be copied");
        said.replaceChildren("Press Ctrl+C to copy: ", field, ` ${more}`);
        field.select();
      }
    },
  };
  course.share = share;

  course.furnish = (mounted) => {
    const { el, loaded, place } = mounted;
    if (!place) return;
    const said = loaded.make("span", { role: "status" });
    const copy = () => {
      const { link, left, error } = share.link(mounted);
      if (error) said.textContent = error;
      else share.copy(location.href.split("#")[0] + link, said, left && `It goes without ${left}, which is too large for a link.`);
    };
    const button = loaded.make("button", { type: "button", title: "Copy a link that opens this explorer as it stands", onclick: copy }, "Share");
    el.append(loaded.make("p", { class: "course-share" }, said, button));
  };
})();
