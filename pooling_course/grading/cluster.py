"""A Dask cluster instead of this machine's threads: each thread of a worker keeps a sandbox of its own."""

import logging
import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from . import mark
from .sandbox import Lost

PATIENCE = 20  # seconds for the scheduler to answer, and then for a worker to be there


@contextmanager
def executor(address: str) -> Iterator[Executor]:
    """What runs jobs on the cluster of that scheduler; a worker that dies has its jobs done by the others.

    Raises:
        ValueError: Dask is not installed, nobody answers at that address, or there is no worker.
    """
    try:
        from distributed import Client
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
        yield client.get_executor()
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
