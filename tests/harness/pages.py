"""Pages of the site, opened in a browser."""

from harness.explorers import AT_REST


def faults(page):
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_function(AT_REST)
    tags = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]}
    found = Axe().run(page, None, {"runOnly": tags, "resultTypes": ["violations"]}).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}" for fault in found for node in fault["nodes"]
    ]
