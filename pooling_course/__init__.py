"""Pooling Course: nn.MaxPool2d and nn.AvgPool2d, seen from both sides."""

from .pooling import Pooling, Trace, Window, trace

__all__ = ["Pooling", "Trace", "Window", "trace"]
