"""How Sphinx makes the site; build.py beside this file writes what it reads, and calls it."""

import inspect
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
nb_code_prompt_show = "Opens when you have committed to your answer above"
nb_code_prompt_hide = "What torch says"
myst_heading_anchors = 4
myst_heading_slug_func = "tools.links.anchor"

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "literal"  # `x` in a docstring is code, as in the manual
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_favicon = "icon.svg"
html_copy_source = html_show_sourcelink = html_use_index = html_domain_indices = False
html_static_path = [str(HERE / "_build" / "static"), "mount.js", "progress.js", "site.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("widgets.js", "progress.js", "mount.js")]
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


def setup(app):
    app.connect("autodoc-process-signature", signature_of_widget)
