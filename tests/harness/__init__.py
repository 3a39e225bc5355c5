"""What tests share."""

from operator import methodcaller
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
key = methodcaller("key")  # of a pooling: the name of its state


def shown(explorer):
    """Everything a learner sees of an explorer, as plain data."""
    state = {n: explorer.get_state()[n] for n in ("kind", "kernel_size", "stride", "padding", "compare", "preset")}
    return {**state, "x": explorer.x.tolist(), "cells": explorer.book["input"]["data"]}
