"""A leaner pytest. It is loaded before all other plugins, in every process (pyproject.toml)."""

import gc
import sys

import pytest

# nbformat imports jsonschema, which imports it if it is there, to look at addresses on the web; it makes 38 grammars
# where it is imported, which takes 1.5 s.
sys.modules["rfc3987_syntax"] = None
gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported and collected stays: no search for garbage need look at ten thousand tests."""
    found = yield
    gc.freeze()
    gc.enable()
    return found
