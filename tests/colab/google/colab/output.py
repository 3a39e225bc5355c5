"""Colab shows a widget only after this was called, so the stand-in notes that it was."""

import os
from pathlib import Path


def enable_custom_widget_manager():
    with Path(os.environ["COLAB_LOG"]).open("a", encoding="utf-8") as log:
        print("widgets enabled", file=log)
