"""Pictures for reading, each with words for those who cannot see it."""

from . import charts, figures

__all__ = ["charts", "figures"]
