"""Pages of the site, opened in a browser."""

from harness.explorers import AT_REST


def faults(page):
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_function(AT_REST)
    page.evaluate(EACH_LOOK_THRICE)
    tags = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]}
    found = Axe().run(page, None, {"runOnly": tags, "resultTypes": ["violations"]}).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}" for fault in found for node in fault["nodes"]
    ]


# axe judges the contrast of each token of code by itself, thousands on a page: of those that look alike three stay, the
# longest, as it judges no single letter.
EACH_LOOK_THRICE = """() => {
  const ground = (el) => {
    const { backgroundColor } = getComputedStyle(el);
    return backgroundColor !== "rgba(0, 0, 0, 0)" || !el.parentElement ? backgroundColor : ground(el.parentElement);
  };
  const look = (el) => {
    const { color, fontSize, fontWeight, opacity } = getComputedStyle(el);
    return [color, ground(el), fontSize, fontWeight, opacity].join();
  };
  const all = [...document.querySelectorAll("pre span, code span, .sig span")];
  const tokens = all.filter((el) => !el.childElementCount && el.checkVisibility());
  const alike = Map.groupBy(tokens, look);
  const length = (el) => el.textContent.length;
  for (const its of alike.values()) {
    const others = its.sort((a, b) => length(b) - length(a)).slice(3);
    for (const token of others) token.replaceWith(token.textContent);
  }
}"""
