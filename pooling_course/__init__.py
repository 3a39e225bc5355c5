"""Pooling Course: nn.MaxPool2d and nn.AvgPool2d, seen from both sides.

The table of contents is `__init__.pyi`; a name is imported when it is first used.
"""

import os

import lazy_loader

__version__ = "0.1.0"
try:
    STARTED_IN = os.getcwd()  # where the journal of answers is, though a lesson may move on
except OSError:  # the folder is gone
    STARTED_IN = os.path.expanduser("~")
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
