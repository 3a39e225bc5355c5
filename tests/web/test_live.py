"""Does a changed .js or .css reach widgets that are shown, where it is asked for, and only there?"""

import shutil
import time

import anywidget
import pytest

from pooling_course.web import assets, live


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package's files, which may be changed."""
    copy = tmp_path / "pooling_course"
    shutil.copytree(assets.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(assets, "PACKAGE", copy)
    monkeypatch.setattr(live, "PERIOD", 0.01)
    return copy


def flipbook():
    class Widget(anywidget.AnyWidget):
        _esm = live.script("pictures/flipbook.js")
        _css = live.style("web/look.css", "pictures/flipbook.css")

    return Widget()


def change(path, right, wrong):
    text = path.read_text("utf-8")
    assert right in text, f"{path.name} no longer says {right!r}: change this test, too."
    path.write_text(text.replace(right, wrong), "utf-8")


def comes(condition):
    until = time.monotonic() + 60
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize(
    ("file", "trait"), [("pictures/flipbook.js", "_esm"), ("web/dom.js", "_esm"), ("web/look.css", "_css")]
)
def test_a_widget_follows_each_of_its_files(package, monkeypatch, file, trait):
    monkeypatch.setenv(live.SWITCH, "1")
    widget, earlier = flipbook(), flipbook()
    before = getattr(widget, trait)
    changed = "/* changed */" if file.endswith(".js") else ".changed {}"  # a style sheet sheds its comments
    with open(package / file, "a", encoding="utf-8") as out:
        out.write(f"\n{changed}\n")
    for one in (widget, earlier):
        assert comes(lambda one=one: getattr(one, trait) != before) and getattr(one, trait).count(changed) == 1
    assert changed in getattr(flipbook(), trait)  # and so does one that is made later


def test_a_file_that_is_gone_for_a_moment_ends_nothing(package, monkeypatch):
    monkeypatch.setenv(live.SWITCH, "1")
    widget = flipbook()
    file = package / "web" / "dom.js"
    text = file.read_text("utf-8")
    file.unlink()
    time.sleep(0.1)
    file.write_text(text + "\n/* back */\n", "utf-8")
    assert comes(lambda: "/* back */" in widget._esm)


@pytest.mark.parametrize("switch", ["0", ""])
def test_nothing_is_followed_where_it_is_not_asked_for(package, monkeypatch, switch):
    monkeypatch.setenv(live.SWITCH, switch)
    assert assets.unpacked(str(live.script("pictures/flipbook.js"))) == assets.script("pictures/flipbook.js")
    assert live.style("web/look.css") == assets.style("web/look.css")
