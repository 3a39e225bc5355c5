"""How much memory a lesson takes where memory is short, as on Binder: the server, and the kernel of one lesson.

    python benchmarks/memory.py [--lessons 01 07] [--json]

Peers in the same run: a kernel that imported torch and nothing else, and the limit of Binder (2 GB). Linux only: it
reads the resident set size, in which memory that other processes share is counted in full; so it is an upper bound.
The claim: the server and the kernel of any one lesson stay below 700 MB.
"""

import inspect
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.result import NotHere, claim, main, table
from pooling_course.questions.lessons import LESSONS

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
BINDER = 2048  # MB


def megabytes(pid="self"):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1000


def kernel(notebook):
    """MB of a kernel when all cells of the notebook have run."""
    code = inspect.getsource(megabytes) + "print(megabytes())"
    notebook.cells.append(nbformat.v4.new_code_cell(code))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    return float(notebook.cells[-1].outputs[0].text)


def server():
    """MB of a JupyterLab server that just answered its first page."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0", "--port-retries=0"]
        process = subprocess.Popen([*command, f"--ServerApp.root_dir={folder}"], stderr=subprocess.PIPE, text=True)
        try:
            next(line for line in process.stderr if "http://127.0.0.1" in line)
            return megabytes(process.pid)
        finally:
            process.terminate()
            process.wait()


def measure(given):
    if not Path("/proc/self/status").exists():
        raise NotHere("Memory is read from /proc, which only Linux has.")
    lab = server()
    bare = kernel(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import torch")]))
    wanted = [NOTEBOOKS / n.file for n in LESSONS.values() if not given.lessons or n.number in given.lessons]
    kernels = {path.stem: kernel(nbformat.read(path, as_version=4)) for path in wanted}
    name, largest = max(kernels.items(), key=lambda each: each[1])
    peer = f"{name}; with a kernel that only imports torch {bare + lab:.0f} MB; Binder gives {BINDER} MB"
    rows = [["JupyterLab server", lab, None, f"{lab / BINDER:.0%}"]]
    for what, size in {"import torch only": bare, **kernels}.items():
        rows.append([f"kernel, {what}", size, size + lab, f"{(size + lab) / BINDER:.0%}"])
    says, head = "A server and the kernel of any lesson fit", ("process", "MB", "with the server", "of Binder's 2 GB")
    claims = [claim(says, lab + largest, "MB", at_most=700, peer=peer)]
    return {"claims": claims, "tables": [table("After Run All", head, rows)], "growth": []}


OPTIONS = {"--lessons": {"nargs": "*", "default": [], "help": "numbers such as 01; all where none is given"}}

if __name__ == "__main__":
    main(__doc__, OPTIONS, measure)
