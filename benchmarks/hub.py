"""How many learners does a machine carry? A real JupyterHub, and learners who log in and run a lesson.

    python benchmarks/hub.py [--learners 1 5 20] [--apart 6] [--browser] [--json]

It starts JupyterHub with its proxy (configurable-http-proxy, from npm) on this machine alone, in a throw-away folder:
the environment of deploy/Dockerfile, the settings of deploy/jupyter_server_config.py, and what deploy/values.yaml says
to the hub. Each learner has signed up and been let in by the instructor; then the clock starts. They log in by the
form, start their server, open lesson 01 and run all its cells through their own server, as JupyterLab does. A cell that
fails, fails the run. Each stage is a new hub; its learners arrive together, and then one every so many seconds. First
of all it tries what the hub must refuse.

Memory is read when all have finished and nobody has left: the proportional set size, in which what processes share is
counted once, and the resident one, in which it is counted for each. The learners' side of the work (20 threads) runs on
the same cores, so seconds are upper bounds. Linux only; Node.js and about 2 GB of disk, once, in benchmarks/results.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import requests
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from learner import FIRST_PICTURE, FOLDER, Learner  # noqa: E402

import course  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
ENV = RESULTS / "hub-environment"
PROXY = "configurable-http-proxy@5.3.0"
HUB_ONLY = ["jupyterhub-nativeauthenticator==1.3.0"]  # what the chart's hub has and a learner's environment has not
LESSON = "01_what_is_pooling.ipynb"
ADMIN = "instructor"
KINDS = {  # what stands in the command line of a process
    "kernel": "ipykernel_launcher",
    "server": "jupyterhub-singleuser",
    "proxy": "configurable-http-proxy",
    "hub": "jupyterhub_config.py",
}

# ---- The hub ---------------------------------------------------------------------------------------------------------


def environment():
    """The bin folder of an environment made as deploy/Dockerfile makes it, with hub and proxy in it, too."""
    if not (ENV / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENV)], check=True)
        version = course.torch_version(course.CONSTRAINTS.read_text(encoding="utf-8"))
        _, choices = course.torch_choices("Linux", gpu=False, version=version)
        if not any(pip(*choice) for choice in choices):
            sys.exit("pip could not install torch.")
        wanted = ["-c", course.CONSTRAINTS, "-r", ROOT / "deploy" / "requirements.txt", *HUB_ONLY, "-e", f"{ROOT}[lab]"]
        if not pip(*wanted):
            sys.exit("pip could not install JupyterHub and the course.")
        subprocess.run(["npm", "install", "--silent", "--prefix", str(ENV), PROXY], check=True)
        lab = ENV / "share" / "jupyter" / "lab" / "settings"
        lab.mkdir(parents=True)
        shutil.copy(ROOT / "deploy" / "overrides.json", lab)
        (ENV / "etc" / "jupyter" / "jupyter_server_config.py").symlink_to(ROOT / "deploy" / "jupyter_server_config.py")
        (ENV / "ready").touch()
    return ENV / "bin"


def pip(*arguments):
    command = [ENV / "bin" / "python", "-m", "pip", "install", "--quiet", *arguments]
    return subprocess.run(list(map(str, command)), check=False).returncode == 0


def settings(folder, ports):
    """The text of jupyterhub_config.py: this machine, and then what values.yaml says to the hub."""
    of_values = yaml.safe_load((ROOT / "deploy" / "values.yaml").read_text("utf-8"))
    public, hub, proxy = (f"http://127.0.0.1:{port}" for port in ports)
    here = {
        "JupyterHub": {
            "bind_url": public,
            "hub_bind_url": hub,
            "db_url": f"sqlite:///{folder}/hub.sqlite",
            "cookie_secret_file": f"{folder}/cookie_secret",
            "pid_file": f"{folder}/hub.pid",
            "spawner_class": "simple",
        },
        "ConfigurableHTTPProxy": {
            "api_url": proxy,
            "command": [str(ENV / "node_modules" / ".bin" / "configurable-http-proxy")],
            "pid_file": f"{folder}/proxy.pid",
        },
        "SimpleLocalProcessSpawner": {"home_dir_template": f"{folder}/home/{{username}}"},
        "Spawner": {
            "cmd": [str(ENV / "bin" / "jupyterhub-singleuser")],
            "args": ["--allow-root"],
            "environment": {"TMPDIR": f"{folder}"},
            "default_url": of_values["singleuser"]["defaultUrl"],
            "start_timeout": 120,
        },
    }
    said = [*here.items(), *of_values["hub"]["config"].items()]
    lines = [f"c.{name}.{key} = {value!r}" for name, keys in said for key, value in keys.items()]
    return "\n".join(["c = get_config()", *lines, ""])


@contextlib.contextmanager
def jupyterhub():
    """(address, process) of a hub of its own, in a folder that is gone afterwards."""
    bin_folder = environment()
    with tempfile.TemporaryDirectory(prefix="hub-") as name:
        folder = Path(name)
        (folder / "home").mkdir()
        ports = free_ports(3)
        (folder / "jupyterhub_config.py").write_text(settings(folder, ports), "utf-8")
        foreign = ("JUPYTER", "IPYTHON", "PYTHON", "OMP", "VIRTUAL_ENV")
        environ = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        environ["PATH"] = os.pathsep.join([str(bin_folder), environ["PATH"]])
        command = [bin_folder / "python", "-m", "jupyterhub", "-f", folder / "jupyterhub_config.py"]
        with open(folder / "hub.log", "w+b") as log:
            process = psutil.Popen(list(map(str, command)), cwd=folder, env=environ, stdout=log, stderr=log)
            try:
                address = f"http://127.0.0.1:{ports[0]}"
                wait_until_up(address, process, folder / "hub.log")
                yield address, process
            except BaseException:
                shutil.copy(folder / "hub.log", RESULTS / "hub.log")
                print(f"What the hub said is in {RESULTS / 'hub.log'}.", file=sys.stderr)
                raise
            finally:
                stop(process)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def wait_until_up(address, process, log):
    for _ in range(300):
        with contextlib.suppress(OSError):
            return Learner(address, "nobody").get("hub/login")
        if process.poll() is not None:
            break
        time.sleep(0.2)
    sys.exit(f"JupyterHub did not start:\n{log.read_text('utf-8')}")


def stop(process):
    """The hub ends its proxy and its learners' servers; what is left after a while, we end."""
    family = [process, *process.children(recursive=True)]
    process.terminate()
    _, left = psutil.wait_procs(family, timeout=60)
    for one in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()


# ---- A class ---------------------------------------------------------------------------------------------------------


def enrol(address, count):
    """Learners who have signed up and been let in, and who log in next."""
    instructor = Learner(address, ADMIN)
    instructor.sign_up()
    instructor.log_in()
    learners = [Learner(address, f"learner{i:02}") for i in range(1, count + 1)]
    for learner in learners:
        learner.sign_up()
        instructor.let_in(learner.name)
    return learners


def doors():
    """What the hub refuses, as it must; ends the run where it does not."""
    with jupyterhub() as (address, _):
        ada, bob = enrol(address, 2)
        bob.log_in()
        ada.log_in()
        ada.start_server()
        stranger, thief = Learner(address, "stranger"), Learner(address, ada.name)
        stranger.sign_up()
        thief.password = "not the password of anyone"
        tries = {
            "a learner who has not been let in yet": stranger.log_in,
            "a wrong password": thief.log_in,
            "another learner's server": lambda: bob.get(f"user/{ada.name}/lab"),
            "another learner's files": lambda: bob.get(f"user/{ada.name}/files/{FOLDER}/{LESSON}"),
        }
        ada.get(f"user/{ada.name}/lab")
        for what, attempt in tries.items():
            try:
                attempt()
            except (PermissionError, requests.HTTPError):
                continue
            sys.exit(f"The hub let in {what}.")
    return list(tries)


def attend(count, apart):
    """One stage: seconds of each learner, memory of all, the work that each brought, starts that failed."""
    with jupyterhub() as (address, process):
        learners = enrol(address, count)
        start, before = threading.Barrier(count), work(process)

        def one(place):
            start.wait()
            time.sleep(place * apart)
            return learners[place].attend(LESSON)

        with ThreadPoolExecutor(count) as pool:
            seconds = list(pool.map(one, range(count)))
        each = (work(process) - before) / count
        failed = sum(learner.failed_starts for learner in learners)
        of_hub = memory(process)
    return {"count": count, "apart": apart, "seconds": seconds, "memory": of_hub, "work": each, "failed": failed}


def kind(process):
    line = " ".join(process.cmdline())
    return next((name for name, mark in KINDS.items() if mark in line), None)


def memory(hub):
    """{kind: {"pss": MB of each process, "rss": ...}} of the hub and everything it started."""
    found = {name: {"pss": [], "rss": []} for name in KINDS}
    for process in [hub, *hub.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            name, used = kind(process), process.memory_full_info()
            if name:
                found[name]["pss"].append(used.pss / 1e6)
                found[name]["rss"].append(used.rss / 1e6)
    return found


def work(hub):
    """Seconds of processor time that the hub and everything it started have taken."""
    times = [process.cpu_times() for process in [hub, *hub.children(recursive=True)]]
    return sum(t.user + t.system for t in times)


# ---- Report ----------------------------------------------------------------------------------------------------------


def percentile(values, share):
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1] if len(values) > 1 else values[0]


def summary(stage):
    pss = {name: statistics.fmean(of["pss"] or [0]) for name, of in stage["memory"].items()}
    rss = {name: statistics.fmean(of["rss"] or [0]) for name, of in stage["memory"].items()}
    picture, ended = ([one[part] for one in stage["seconds"]] for part in (FIRST_PICTURE, "ended"))
    return {
        "learners": stage["count"],
        "apart": stage["apart"],
        "picture p50": percentile(picture, 50),
        "picture p95": percentile(picture, 95),
        "all cells p50": percentile(ended, 50),
        "all cells p95": percentile(ended, 95),
        "server pss": pss["server"],
        "kernel pss": pss["kernel"],
        "server rss": rss["server"],
        "kernel rss": rss["kernel"],
        "hub and proxy": pss["hub"] + pss["proxy"],
        "learners together": sum(sum(stage["memory"][name]["pss"]) for name in ("server", "kernel")),
        "work": stage["work"],
        "failed starts": stage["failed"],
    }


def tables(rows):
    yield "| learners | arriving | first picture | all cells run |"
    yield "|---|---|---|---|"
    for r in rows:
        picture, ended = (f"{r[f'{what} p50']:.0f} s ({r[f'{what} p95']:.0f})" for what in ("picture", "all cells"))
        yield f"| {r['learners']} | {arriving(r)} | {picture} | {ended} |"
    yield "\n| learners | a server | a kernel | all of theirs | hub and proxy | work of each |"
    yield "|---|---|---|---|---|---|"
    for r in rows:
        server, kernel = (f"{r[f'{what} pss']:.0f} MB ({r[f'{what} rss']:.0f})" for what in ("server", "kernel"))
        yield (
            f"| {r['learners']} | {server} | {kernel} | {r['learners together'] / 1e3:.2f} GB "
            f"| {r['hub and proxy']:.0f} MB | {r['work']:.1f} s |"
        )
    for r in rows:
        if r["failed starts"]:
            yield f"{r['learners']} {arriving(r)}: {r['failed starts']} servers did not start and were started again."


def arriving(row):
    if row["learners"] == 1:
        return "alone"
    return f"every {row['apart']:g} s" if row["apart"] else "together"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", type=int, nargs="*", default=[1, 5, 20], help="in each stage")
    parser.add_argument("--apart", type=float, default=6, help="seconds between two who do not arrive together")
    parser.add_argument("--browser", action="store_true", help="then one learner in Chromium, with a picture of it")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    environment()
    free, busy = psutil.virtual_memory().available / 1e9, os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, {free:.0f} GB free, {busy:.1f} processes running.", file=sys.stderr)
    print(f"Refused: {', '.join(doors())}.", file=sys.stderr)
    rows = []
    for count in given.learners:
        for apart in [0, given.apart] if count > 1 else [0]:
            rows.append(summary(attend(count, apart)))
            print(*tables(rows[-1:]), sep="\n", file=sys.stderr)
    print(json.dumps(rows, indent=1) if given.json else "\n".join(tables(rows)))
    if given.browser:
        from learner import in_a_browser

        with jupyterhub() as (address, _):
            print(*in_a_browser(enrol(address, 1)[0], LESSON, RESULTS), sep="\n")


if __name__ == "__main__":
    main()
