"""A Dask cluster instead of this machine's threads: each thread of a worker keeps a sandbox of its own."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import mark
from .sandbox import Lost

PATIENCE = 20  # seconds for the scheduler to answer, and then for a worker to be there


@contextmanager
def workers(address: str) -> Iterator[tuple[Callable, Callable]]:
    """Those of that scheduler: what submits a job to them, and what gives the futures as they end.

    The jobs of a worker that dies are done by the others.

    Raises:
        ValueError: Dask is not installed, nobody answers at that address, or there is no worker.
    """
    try:
        from distributed import Client, as_completed
        from distributed import TimeoutError as TooLate
    except ImportError:
        raise ValueError("--scheduler needs Dask, which is not installed: pip install distributed.") from None
    if not re.fullmatch(r"\w+://[^/]+:\d+/?", address):
        raise ValueError(f"--scheduler {address}: an address looks like tcp://10.0.0.1:8786.")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it logs, the exceptions say, too
    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise ValueError(f"No Dask scheduler answers at {address}: {error}.") from None
    try:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TooLate:
            raise ValueError(
                f"The Dask scheduler at {address} has no worker: docs/grading.md says how to start some."
            ) from None
        yield lambda job, trust: client.submit(work, job, trust, mark.version(job.assignment), pure=False), as_completed
    finally:
        client.close()


def work(job: mark.Job, trust: bool, version: str) -> dict:
    """`mark.work` on a worker, which must have the same course as the one that asks.

    Raises:
        Lost: it has another version, which might give other marks.
    """
    if mark.version(job.assignment) != version:
        raise Lost("a worker of the cluster has another version of this course")
    return mark.work(job, trust)
