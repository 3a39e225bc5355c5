import os
import sys
from pathlib import Path

with Path(os.environ["COLAB_LOG"]).open("a", encoding="utf-8") as log:
    print("pip", *sys.argv[1:], file=log)
