"""Pooling Course: nn.MaxPool2d and nn.AvgPool2d, seen from both sides."""

from . import images
from .explorer import GradientFlow, PoolingExplorer
from .pooling import Pooling, Trace, Window, trace

__all__ = ["GradientFlow", "Pooling", "PoolingExplorer", "Trace", "Window", "images", "trace"]
