"""What axe finds wrong on a page."""

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
# What fades in is paler until it is there.
AT_REST = "document.getAnimations().every((a) => a.playState !== 'running')"
JUDGED = "data-judged"
CONTRAST = {"id": "color-contrast", "selector": f"[{JUDGED}], input, select, textarea"}


def violations(page, query="html"):
    """All that axe's rules forbid in these parts of the page; of what looks alike it judges the contrast of three."""
    from axe_playwright_python.base import AXE_SCRIPT

    page.wait_for_function(AT_REST)
    page.evaluate(EACH_LOOK_THRICE, [query, JUDGED])
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(f"{AXE_SCRIPT}; 0")
        page.evaluate("(rule) => axe.configure({ rules: [rule] })", CONTRAST)
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    return page.evaluate("async (given) => (await axe.run(...given)).violations", [query, options])


# To judge the contrast of a text takes axe ten milliseconds, and a page has thousands: of those that look alike it
# judges three, the longest, as it judges no single letter.
EACH_LOOK_THRICE = """([query, judged]) => {
  const style = (el) => getComputedStyle(el);
  const clear = (color) => color.startsWith("rgba") && color.endsWith(", 0)");
  const ground = (el) => {
    if (!el) return "";
    const { backgroundColor: color, backgroundImage: image } = style(el);
    const own = image === "none" ? (clear(color) ? "" : color) : color + image;
    return color.startsWith("rgb(") ? own : own + ground(el.parentElement);
  };
  const opacity = (el) => (el ? style(el).opacity * opacity(el.parentElement) : 1);
  const look = (el) => {
    const { color, fontSize, fontWeight, textShadow, position } = style(el);
    const placed = position === "static" ? el.offsetParent : el; // it may lie on something else, or be out of sight
    const off = el.closest(":disabled, [aria-disabled=true]") || el.closest("label")?.control?.disabled;
    const place = placed && [placed.localName, placed.className, placed.getAttribute("style")];
    return [color, ground(el), opacity(el), fontSize, fontWeight, textShadow, place, !!off].join();
  };
  const own = (node) => (node.nodeType === Node.TEXT_NODE ? node.data.trim() : "");
  const text = (el) => [...el.childNodes].map(own).join("");
  for (const el of document.querySelectorAll(`[${judged}]`)) el.removeAttribute(judged);
  const all = [...document.querySelectorAll(`:is(${query}), :is(${query}) *`)];
  const texts = all.filter((el) => text(el) && el.checkVisibility({ visibilityProperty: true }));
  for (const alike of Map.groupBy(texts, look).values()) {
    const longest = alike.sort((a, b) => text(b).length - text(a).length).slice(0, 3);
    for (const el of longest) el.setAttribute(judged, "");
  }
}"""
