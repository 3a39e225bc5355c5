"""Pooling Course: nn.MaxPool2d and nn.AvgPool2d, seen from both sides."""

import importlib
import sys
import types

_HOMES = {  # public name: the module it comes from, imported when the name is first used
    "GradientFlow": "explorer",
    "Pooling": "pooling",
    "PoolingExplorer": "explorer",
    "Quiz": "quiz",
    "Trace": "pooling",
    "Window": "pooling",
    "attempt": "exercises",
    "check": "exercises",
    "export_progress": "progress",
    "gradient_report": "report",
    "hint": "exercises",
    "images": "images",
    "import_progress": "progress",
    "progress": "progress",
    "quiz": "quiz",
    "review": "quiz",
    "trace": "pooling",
    "your_case": "exercises",
}
__all__ = list(_HOMES)


class _Package(types.ModuleType):
    """A package in which `quiz` and `progress` stay functions when the modules of that name are imported."""

    def __setattr__(self, name, value):
        if isinstance(value, types.ModuleType) and _HOMES.get(name) == name:
            value = vars(value).get(name, value)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f".{_HOMES[name]}", __name__)
    setattr(sys.modules[__name__], name, module if name == _HOMES[name] else getattr(module, name))
    return globals()[name]


def __dir__():
    return sorted(set(globals()) | set(_HOMES))
