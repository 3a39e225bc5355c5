"""How Sphinx makes the site; build.py beside this file writes what it reads, and calls it."""

import html
import inspect
import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
look = (HERE.parent / "pooling_course" / "web" / "look.css").read_text(encoding="utf-8")

project = "Pooling Course"
html_title = project
author = "The Pooling Course authors"
copyright = "The Pooling Course authors: lessons CC BY 4.0, code BSD 3-Clause"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
nb_execution_mode = "off"  # build.py has run them
nb_code_prompt_show = "Opens when you commit to your answer above, or by a click"
nb_code_prompt_hide = "What torch says"
myst_heading_anchors = 4
myst_heading_slug_func = "tools.links.anchor"

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "literal"  # `x` in a docstring is code, as in the manual
napoleon_use_ivar = True
napoleon_use_rtype = False

SCRIPTS = ("mount.js", "progress.js", "share.js", "front.js", "playground.js")
ADDED = {"index": ["front.js"], "playground": ["share.js", "playground.js"]}  # others have share.js

html_theme = "furo"
html_favicon = "icon.svg"
html_copy_source = html_show_sourcelink = html_use_index = html_domain_indices = False
html_static_path = [str(HERE / "_build" / "static"), *SCRIPTS, "site.css", "embed.css"]
ORDER = {
    "widgets.js": 500,
    "progress.js": 510,
    "mount.js": 900,
}  # what mounts comes last: others add to what is mounted
html_js_files = [(name, {"defer": "defer", "priority": priority}) for name, priority in ORDER.items()]
templates_path = ["templates"]
html_css_files = ["widgets.css", "site.css"]


def colours(theme):
    """furo's colours, from the one visual language of the course."""
    block = look.split('[data-theme="dark"]')[theme == "dark"]
    value = dict(re.findall(r"--pc-(\w+): (#\w+)", block))
    brand = dict.fromkeys(("color-brand-primary", "color-brand-content", "color-brand-visited"), value["reader"])
    return brand | {"font-stack": "system-ui, sans-serif"}  # the widgets' own


html_theme_options = {
    "light_css_variables": colours("light"),
    "dark_css_variables": colours("dark"),
    "navigation_with_keys": False,  # the arrow keys belong to sliders and grids
}


def signature_of_widget(app, what, name, obj, options, signature, returns):
    """What a widget takes: traitlets would say that every widget takes anything."""
    if what == "class" and str(signature).startswith("(*args"):
        own = inspect.signature(obj.__init__)
        return str(own.replace(parameters=list(own.parameters.values())[1:])), returns
    return None


LONGEST = 200  # letters of a description
FIRST = (
    "nn.MaxPool2d and nn.AvgPool2d, forwards and backwards, on grids you can touch: predict, move a slider, see why."
)


def about_page(app, pagename, templatename, context, doctree):
    """What a search engine and a link preview say of a page, and the scripts that only some pages have."""
    about = json.loads((HERE / "_build" / "source" / "about.json").read_text(encoding="utf-8"))
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", about.get(pagename, FIRST)).replace("`", "").replace("*", "")
    words = words if len(words) <= LONGEST else words[:LONGEST].rpartition(" ")[0] + " …"
    title = re.sub(r"<[^>]+>", "", html.unescape(context.get("title", "")))
    title = project if pagename == "index" else f"{title} · {project}"
    said = {"og:type": "website", "og:site_name": project, "og:title": title, "og:description": words}
    tags = [f'<meta name="description" content="{html.escape(words)}">']
    tags += [f'<meta property="{name}" content="{html.escape(value)}">' for name, value in said.items()]
    context["metatags"] = (context.get("metatags") or "") + "\n".join(tags)
    for name in ADDED.get(pagename, ["share.js"]):
        app.add_js_file(name, priority=600, defer="defer")


def setup(app):
    app.connect("autodoc-process-signature", signature_of_widget)
    app.connect("html-page-context", about_page)
