"""Colab shows a widget only after this was called, so the stand-in notes that it was."""

import os
from pathlib import Path


class _widgets:  # a module there; anywidget passes on to the page where Colab's manager of widgets was loaded from
    _installed_url = None


def enable_custom_widget_manager():
    _widgets._installed_url = "https://colab.example/manager.js"
    with Path(os.environ["COLAB_LOG"]).open("a", encoding="utf-8") as log:
        print("widgets enabled", file=log)
