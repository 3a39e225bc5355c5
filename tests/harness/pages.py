"""Pages of the site, opened in a browser."""

from harness.axe import violations


def faults(page):
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in violations(page)
        for node in fault["nodes"]
    ]
