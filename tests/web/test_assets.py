"""Is each widget's module complete: every file it needs, in order, no name twice, no import left?"""

import os
import posixpath
import re
import shutil
import subprocess

import pytest
from playwright.sync_api import Error

from pooling_course.web import assets

SCRIPTS = {str(p.relative_to(assets.PACKAGE).as_posix()): p for p in assets.PACKAGE.rglob("*.js")}
WIDGETS = sorted(name for name, path in SCRIPTS.items() if "export default" in path.read_text("utf-8"))


def imported(name):
    """{file: names} of a file's imports."""
    text = SCRIPTS[name].read_text("utf-8")
    found = re.findall(r'^import\s*\{([^}]*)\}\s*from\s+"(\.[\w./]+)";', text, re.MULTILINE)
    listed = {file: [n.strip() for n in names.split(",") if n.strip()] for names, file in found}
    listed = {posixpath.normpath(f"{name}/../{file}"): names for file, names in listed.items()}
    if 'import "./*.js";' in text:
        beside = {other for other in SCRIPTS if posixpath.dirname(other) == posixpath.dirname(name)} - {name}
        listed = dict.fromkeys(sorted(beside), []) | listed
    return listed


def declared(text):
    """Names declared at the top level of a module, in order."""
    return re.findall(r"^(?:export )?(?:async )?(?:const|let|function|class) (\w+)", text, re.MULTILINE)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_joined_module_has_each_name_once_and_no_import_left(name):
    names = declared(assets.script(name))
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
    assert not re.search(r"^import\b", assets.script(name), re.MULTILINE)


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_what_a_file_imports_is_exported_there(name):
    for file, names in imported(name).items():
        text = SCRIPTS[file].read_text("utf-8")
        for n in names:
            assert re.search(rf"^export (const|let|function|class) {n}\b", text, re.MULTILINE), (file, n)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_file_stands_after_those_it_imports(name):
    text = assets.script(name)

    def check(file, above=()):
        for other in imported(file):
            assert other not in above, f"{file} and {other} import each other"
            first = SCRIPTS[other].read_text("utf-8"), SCRIPTS[file].read_text("utf-8")
            assert text.index(declared_line(first[0])) < text.index(declared_line(first[1]))
            check(other, (*above, file))

    check(name)


def declared_line(text):
    """The first line that declares something: it stands in the joined module as it does in the file."""
    return re.search(r"^(?:export )?(?:async )?(?:const|let|function|class) .*$", text, re.MULTILINE)[0]


def joined(name):
    """All files of a widget's module."""
    return {name}.union(*(joined(other) for other in imported(name)))


@pytest.mark.parametrize(("name", "most"), [("questions/card.js", 30_000), ("pictures/flipbook.js", 12_000)])
def test_a_quiz_and_a_flipbook_ship_nothing_of_the_explorer(name, most):
    """`most` is in bytes; each widget in a saved notebook carries its own copy of its module."""
    assert not [file for file in joined(name) if file.startswith("explorer/")]
    assert len(assets.script(name).encode()) <= most


@pytest.mark.parametrize("name", WIDGETS)
def test_a_joined_module_has_no_types(name):
    assert any("@type" in SCRIPTS[file].read_text("utf-8") for file in joined(name))
    assert not re.search(r"^\s*/\*\*|@ts-check|@typedef|@param", assets.script(name), re.MULTILINE)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_joined_module_has_no_lines_that_are_comments_and_all_others(name):
    text = assets.script(name)
    assert not re.search(r"^[ \t]*(//.*)?$", text.rstrip("\n"), re.MULTILINE)
    for file in joined(name):
        source = assets.IMPORT.sub("", SCRIPTS[file].read_text("utf-8"))
        source = source if file == name else assets.DEFAULT.sub("", source)  # what another widget exports
        code = re.sub(r"^[ \t]*/\*\*[^/]*?\*/\n", "", source, flags=re.MULTILINE).splitlines()
        for line in code:
            # a text over several lines might hold one that looks like a comment
            assert line.count("`") % 2 == 0 or line.lstrip().startswith("//"), (file, line)
            assert line.lstrip() in text or line.lstrip().startswith(("//", "/**", "*")), (file, line)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_joined_module_loads_in_node_and_gives_render(name, tmp_path):
    node = shutil.which("node")
    if not node:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Node: install it (apt-get install nodejs).")
    (tmp_path / "widget.mjs").write_text(assets.script(name), "utf-8")
    ask = "const { default: d } = await import('./widget.mjs'); console.log(typeof d.render)"
    done = subprocess.run([node, "--input-type=module", "-e", ask], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "function", done.stderr


# --- packed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WIDGETS)
def test_a_packed_module_is_less_than_half_as_long_and_comes_back_whole(name):
    text = assets.script(name)
    assert assets.unpacked(assets.packed(text)) == text
    assert len(assets.packed(text)) < len(text) * (0.5 if len(text) > 20_000 else 0.65)


LOAD = """(modules) => Promise.all(modules.map(async (text) => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return (await import(url)).default;
})).then((found) => (window.found = found, found.map((each) => [each.word, each === found[0]])))"""
WORD = 'globalThis.times = (globalThis.times ?? 0) + 1;\nexport default { word: "%s" };'


@pytest.mark.browser
def test_widgets_with_the_same_module_share_what_it_gives_and_others_do_not(chromium):
    page = chromium.new_page()
    pool, ähnlich = assets.packed(WORD % "pool × ∞"), assets.packed(WORD % "ähnlich")
    assert page.evaluate(LOAD, [pool, pool, ähnlich]) == [["pool × ∞", True], ["pool × ∞", True], ["ähnlich", False]]
    assert page.evaluate("times") == 2  # one was run once for two widgets
    page.close()


@pytest.mark.browser
def test_a_browser_that_cannot_unpack_says_so(chromium):
    page = chromium.new_page()
    page.evaluate("delete globalThis.DecompressionStream")
    with pytest.raises(Error, match="This browser is too old: the course needs one from 2023 on"):
        page.evaluate(LOAD, [assets.packed(WORD % "pool")])
    page.close()
