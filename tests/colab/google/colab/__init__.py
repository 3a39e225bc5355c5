"""Stands in for Colab's own package, whose presence tells a notebook where it runs."""

from . import output  # noqa: F401, as Colab's own does
