"""Do the widgets hold out: every control moved at random, and no fault, no leak, and still torch's numbers?

The ordinary run is short. The long one, ten minutes with another seed each time:

    python course.py test -- -m soak --soak-minutes=10
"""

import random

import pytest

from harness import browser
from harness.soak import BOUNDS, Fault, Soak
from pooling_course.web import assets

pytestmark = [pytest.mark.browser, pytest.mark.soak]
SEED = 2026


def soak(lab, chromium, minutes, seed):
    found = Soak(lab, chromium, seed)
    try:
        found.run(rounds=1, minutes=minutes)
    finally:
        browser.ARTIFACTS.mkdir(exist_ok=True)
        (browser.ARTIFACTS / "soak.txt").write_text("\n".join(found.report()) + "\n", "utf-8")
        print(*found.report(), sep="\n")
        found.close()
    return found


def test_every_control_moved_at_random_leaves_numbers_console_and_memory_sound(lab, chromium, request):
    minutes, seed = (request.config.getoption(f"--soak-{name}") for name in ("minutes", "seed"))
    if seed is None:
        seed = random.randrange(10**6) if minutes else SEED
    found = soak(lab, chromium, minutes, seed)
    never = [name for name in found.controls if not found.moves[name]]
    assert not never, f"seed {seed}: never moved: {', '.join(never)}"


# (what is said of it, a passage of the widgets' code, what is planted in its place)
PLANTED = [
    ("a console error", "copy(view, button) {", "copy(view, button) { console.error('a console error');"),
    ("in place of", "state.at(view.channel, r, c)))", "(view.get('compare') ? 9 : 0) + state.at(view.channel, r, c)))"),
    ("ceil_mode is True for False", "set(changes) {", "set(changes) { if (changes.ceil_mode) return;"),
    ("listeners", "drawCode(view) {", "drawCode(view) { addEventListener('blur', () => view);"),
    ("nodes", "this.root.remove();", ""),
    ("buffers", "drawTotals() {", "drawTotals() { (window.kept ??= []).push(new Float64Array(1e5));"),
]


def test_what_is_planted_has_a_place():
    script = assets.script("explorer/explorer.js")
    assert [old for _, old, _ in PLANTED if old not in script] == []


@pytest.fixture(scope="module")
def planted(lab, chromium):
    found = Soak(lab, chromium, SEED, [(old, new) for _, old, new in PLANTED])
    found.go_home()
    yield found
    found.close()


@pytest.mark.parametrize("said", [said for said, *_ in PLANTED])
def test_a_planted_fault_is_found(planted, said, monkeypatch):
    w = planted.explorers["explorer"]
    w.root.locator("summary", has_text="More settings").click()
    monkeypatch.setattr("harness.soak.PATIENCE", 1)
    if said in BOUNDS:
        planted.memory.clear()
        planted.check_memory()
        for n in range(40):
            w.slide("stride", 1 + n % 2)
        for _ in range(8):
            planted.renew("lp")
        with pytest.raises(Fault, match=f"memory: .* {said}"):
            planted.check_memory()
    else:
        control = {"a console error": "Copy", "in place of": "Both"}.get(said, "ceil_mode")
        w.root.get_by_text(control, exact=True).click()
        with pytest.raises(Fault) as found:
            planted.check()
        assert said in f"{found.value}"
        planted.page.complaints.clear()
    planted.go_home()
