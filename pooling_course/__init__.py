"""Pooling Course: nn.MaxPool2d and nn.AvgPool2d, seen from both sides.

The table of contents is `__init__.pyi`; a name is imported when it is first used.
"""

import lazy_loader

from . import place as place

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
