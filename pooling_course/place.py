"""Where this Python was started: fixed when the package is first imported, though a lesson may move on."""

import os

try:
    STARTED_IN = os.getcwd()
except OSError:  # the folder is gone
    STARTED_IN = os.path.expanduser("~")
