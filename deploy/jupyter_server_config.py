"""What every learner's server on a hub does: it hands the lessons out before its first page, and keeps memory free.

Linked into the environment's etc/jupyter, where Jupyter looks for it.
"""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import handout

c = get_config()  # noqa: F821

try:
    print("Handed out:", *handout.hand_out(Path.home() / handout.FOLDER))
except OSError as error:  # a full home must not keep its owner out: only there can they make room
    print(f"The lessons could not be handed out: {error}", file=sys.stderr)

# As many kernels as learners share the cores: more threads each would only wait for one another, and take memory.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Server and kernel talk through files that only their owner can open. A port is open to everyone on the machine, who
# could read along; and of many kernels that start at once, two may want the same. The path of a socket must be short.
c.KernelManager.transport = "ipc"
os.environ["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="jupyter-")

# A kernel holds torch in memory. After half an hour without work or an open page it goes; the notebook stays.
c.MappingKernelManager.cull_idle_timeout = 1800
c.MappingKernelManager.cull_interval = 300
