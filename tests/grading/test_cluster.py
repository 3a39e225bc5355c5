"""Do a Dask cluster's marks equal this machine's, also when a worker dies, and is a cluster that is not there told?"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest

from harness import classroom
from pooling_course.grading import cluster, mark, sandbox
from pooling_course.grading.assignments import HIDDEN

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("walls")]

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
PEOPLE = {
    "ada": None,
    "bob": {"output-size": "no-plus-one", "unpool": "added-up"},
    "cy": {"average-divisors": "overhang-counted"},
    "dot": {"ceil-size": "always-one-more"},
}


@pytest.fixture(scope="module")
def submissions(tmp_path_factory):
    place = tmp_path_factory.mktemp("class") / "class"
    for name, mistakes in PEOPLE.items():
        classroom.write(place / f"{name}.ipynb", classroom.cells("ps2", name, mistakes))
    return place


@contextmanager
def dask(folder, *words, on=()):
    """A program of Dask's, as it is typed, on a machine; it and what it started end with the test."""
    line = [*on, sys.executable, "-m", "dask", *words]
    with open(folder / f"{words[0]}.log", "ab") as log:
        started = subprocess.Popen(line, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        yield started
    finally:
        with suppress(OSError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


@contextmanager
def scheduler(folder, host="127.0.0.1", on=()):
    """A scheduler, at a port that was free; its address."""
    file = folder / "scheduler.json"
    words = ["--host", host, "--port", "0", "--no-dashboard", f"--scheduler-file={file}"]
    with dask(folder, "scheduler", *words, on=on):
        for _ in range(600):
            with suppress(OSError, ValueError):
                yield json.loads(file.read_text())["address"]
                return
            time.sleep(0.1)
        pytest.fail((folder / "scheduler.log").read_text())


def worker(folder, address, host="127.0.0.1", on=()):
    quiet = ["--no-dashboard", "--no-nanny", "--nthreads", "1", f"--local-directory={folder}"]
    return dask(folder, "worker", address, "--host", host, *quiet, on=on)


grade = classroom.grade


def table(out):
    with open(out / "grades.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def here(submissions, tmp_path_factory):
    """The marks of the local route."""
    out = tmp_path_factory.mktemp("here")
    assert grade(submissions, out, "--workers", "1") == 0
    return table(out)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A scheduler and a worker that stay for all tests."""
    folder = tmp_path_factory.mktemp("dask")
    with scheduler(folder) as address, worker(folder, address):
        yield folder, address


def test_marks_are_those_of_the_local_route(submissions, here, running, tmp_path):
    assert grade(submissions, tmp_path, "--scheduler", running[1]) == 0
    assert table(tmp_path) == here and len({row["points"] for row in here}) > 2


DIES_ONCE = """
def work(job, trust, version):
    import os, pathlib
    from pooling_course.grading import mark
    told = pathlib.Path({told!r})
    if job.student == "bob" and not told.exists():
        told.write_text("one worker is gone")
        os._exit(1)
    return mark.work(job, trust)
"""


def test_when_a_worker_dies_the_others_do_its_work(submissions, here, running, tmp_path, monkeypatch):
    """The worker that gets bob's notebook first ends at once, as if its machine lost power."""
    folder, address = running
    space = {}
    exec(DIES_ONCE.format(told=str(tmp_path / "told")), {"__name__": "__main__"}, space)
    monkeypatch.setattr(cluster, "work", space["work"])
    with ExitStack() as stack:
        stack.enter_context(worker(folder, address))
        assert grade(submissions, tmp_path / "out", "--scheduler", address) == 0
    assert (tmp_path / "told").exists()
    assert table(tmp_path / "out") == here


@pytest.fixture
def machines():
    """Two machines, as far as networks go, with a cable between them: for each, its address and how to be on it."""
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("only root can lay a cable between two network namespaces, with `ip`")
    names = [f"pooling-{end}-{os.getpid()}" for end in "ab"]
    cable = [f"pc{end}{os.getpid()}" for end in "ab"]
    found = [(f"10.213.77.{i}", ["ip", "netns", "exec", name]) for i, name in enumerate(names, 1)]
    lines = [f"netns add {name}" for name in names]
    lines += [f"link add {cable[0]} netns {names[0]} type veth peer name {cable[1]} netns {names[1]}"]
    for (address, _), name, end in zip(found, names, cable, strict=True):
        lines += [f"-n {name} addr add {address}/24 dev {end}"]
        lines += [f"-n {name} link set {device} up" for device in (end, "lo")]
    try:
        for line in lines:
            laid = subprocess.run(["ip", *line.split()], capture_output=True, text=True)
            if laid.returncode:
                pytest.skip(f"no two machines here: ip {line}: {laid.stderr.strip()}")
        yield found
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


BOTH_WORK = """
import sys
from distributed import Client
client = Client(sys.argv[1], timeout=60)
client.wait_for_workers(2, timeout=120)
if sys.argv[2:]:
    done = client.run(lambda dask_worker: dask_worker.state.executed_count)
    print(" ".join(f"{address.split('/')[2].split(':')[0]}={count}" for address, count in sorted(done.items())))
"""


def test_two_machines_share_a_class(submissions, here, machines, tmp_path):
    """Neither sees the other's loopback: all goes over the cable, and each does a part."""
    (first, on_first), (second, on_second) = machines
    ask = [*on_first, sys.executable, "-c", BOTH_WORK]
    line = [*on_first, sys.executable, "-m", "pooling_course.grading", submissions, "--assignment", "ps2"]
    with ExitStack() as stack:
        address = stack.enter_context(scheduler(tmp_path, first, on_first))
        assert first in address
        stack.enter_context(worker(tmp_path, address, first, on_first))
        stack.enter_context(worker(tmp_path, address, second, on_second))
        subprocess.run([*ask, address], check=True, timeout=240)
        done = subprocess.run([*line, "--out", tmp_path / "out", "--scheduler", address], timeout=240)
        shares = subprocess.run([*ask, address, "shares"], check=True, timeout=240, capture_output=True, text=True)
    assert done.returncode == 0 and table(tmp_path / "out") == here
    counts = dict(share.split("=") for share in shares.stdout.split())
    assert counts.keys() == {first, second} and all(int(count) for count in counts.values())


def test_a_worker_with_another_version_of_the_course_marks_nothing():
    job = mark.Job("ps2", "ada", ("x = 1",), HIDDEN)
    with pytest.raises(sandbox.Lost, match="another version of this course"):
        cluster.work(job, False, "another")


@pytest.mark.parametrize(
    "address, says",
    [
        ("tcp://127.0.0.1:1", "No Dask scheduler answers at tcp://127.0.0.1:1"),
        ("127.0.0.1", "an address looks like tcp://10.0.0.1:8786"),
        ("nowhere", "an address looks like"),
        ("smoke://127.0.0.1:8786", "No Dask scheduler answers at smoke"),
    ],
)
def test_a_scheduler_that_is_not_there_gives_a_sentence(submissions, tmp_path, capsys, monkeypatch, address, says):
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    assert grade(submissions, tmp_path, "--scheduler", address) == 1
    said = capsys.readouterr().err
    assert says in said and "Traceback" not in said
    assert not (tmp_path / "grades.csv").exists()


def test_a_scheduler_without_workers_gives_a_sentence(submissions, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 3)
    with scheduler(tmp_path) as address:
        assert grade(submissions, tmp_path / "out", "--scheduler", address) == 1
    said = capsys.readouterr().err
    assert "has no worker" in said and "Traceback" not in said


def test_without_dask_a_sentence_says_how_to_get_it(submissions, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert grade(submissions, tmp_path, "--scheduler", "tcp://127.0.0.1:1") == 1
    assert "pip install distributed" in capsys.readouterr().err


def test_one_that_cannot_be_graded_keeps_nobody_elses_marks(submissions, tmp_path, capsys, monkeypatch):
    def work(job, trust):
        if job.student == "bob":
            raise RuntimeError("odd")
        return mark.unreadable("ps2", "done")

    monkeypatch.setattr(mark, "work", work)
    assert grade(submissions, tmp_path) == 1
    assert [row["points"] for row in table(tmp_path)] == ["0", "", "0", "0"]
    assert "Not graded: RuntimeError: odd." in capsys.readouterr().out
