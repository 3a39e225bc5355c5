"""How much memory a lesson takes where memory is short, as on Binder: the server, and the kernel of one lesson.

    python benchmarks/memory.py [--lessons 01 07]

Peers in the same run: a kernel that imported torch and nothing else, and the limit of Binder (2 GB). Linux only: it
reads the resident set size, in which memory that other processes share is counted in full; so it is an upper bound.
"""

import argparse
import inspect
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lessons", nargs="*", default=[], help="numbers such as 01; all where none is given")
    wanted = parser.parse_args().lessons
    lab = server()
    bare = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import torch")])
    rows = [("JupyterLab server", lab), ("kernel, import torch only", kernel(bare))]
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        if not wanted or path.stem[:2] in wanted:
            rows.append((f"kernel, {path.stem}", kernel(nbformat.read(path, as_version=4))))
    print(f"{'':34}{'MB':>7}{'with the server':>18}{'of 2 GB':>9}")
    for name, size in rows:
        total = size + (lab if size is not lab else 0)
        print(f"{name:34}{size:7.0f}{total:18.0f}{total / BINDER:9.0%}")


if __name__ == "__main__":
    main()
