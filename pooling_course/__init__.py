"""Pooling Course: nn.MaxPool2d and nn.AvgPool2d, seen from both sides."""

from . import images
from .explorer import GradientFlow, PoolingExplorer
from .pooling import Pooling, Trace, Window, trace
from .progress import export_progress, import_progress, progress
from .quiz import Quiz, quiz, review
from .report import gradient_report

__all__ = [
    "GradientFlow",
    "Pooling",
    "PoolingExplorer",
    "Quiz",
    "Trace",
    "Window",
    "export_progress",
    "gradient_report",
    "images",
    "import_progress",
    "progress",
    "quiz",
    "review",
    "trace",
]
