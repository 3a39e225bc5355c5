"""Where jobs are done: by this machine's threads, or by a Dask cluster's. Each thread keeps a sandbox of its own."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, NamedTuple

from . import mark
from .sandbox import Lost

EACH = 2  # jobs for a thread: one that it does, and one that waits
PATIENCE = 20  # seconds for the scheduler to answer, and then for a worker to be there


class Place(NamedTuple):
    """Where jobs are done.

    Attributes:
        submit: takes a job, and whether to trust it; gives a future.
        first: waits for the first of some futures; gives those that are done.
        room: how many jobs may be there at a time, so that no thread waits and memory does not grow with the class.
    """

    submit: Callable[[mark.Job, bool], Any]
    first: Callable[[list], Iterable]
    room: Callable[[], int]


@contextmanager
def threads(number: int) -> Iterator[Place]:
    """This machine's."""
    with ThreadPoolExecutor(number) as pool:
        try:
            yield Place(
                lambda job, trust: pool.submit(mark.work, job, trust),
                lambda futures: wait(futures, return_when=FIRST_COMPLETED).done,
                lambda: EACH * number,
            )
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def workers(address: str) -> Iterator[Place]:
    """Those of that scheduler. The jobs of a worker that dies are done by the others, those that come later among them.

    Raises:
        ValueError: Dask is not installed, nobody answers at that address, or there is no worker.
    """
    try:
        from distributed import Client
        from distributed import TimeoutError as TooLate
        from distributed import wait as wait_for
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
        yield Place(
            lambda job, trust: client.submit(work, job, trust, mark.version(job.assignment), pure=False),
            lambda futures: wait_for(futures, return_when="FIRST_COMPLETED").done,
            lambda: max(1, EACH * sum(client.nthreads().values())),
        )
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
