"""Pooling Course: nn.MaxPool2d and nn.AvgPool2d, seen from both sides."""

from . import images
from .explorer import GradientFlow, PoolingExplorer
from .pooling import Pooling, Trace, Window, trace
from .report import gradient_report

__all__ = ["GradientFlow", "Pooling", "PoolingExplorer", "Trace", "Window", "gradient_report", "images", "trace"]
