"""What tests share."""

from operator import methodcaller
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
key = methodcaller("key")  # of a pooling: the name of its state
