"""The one command of this course. It needs Python 3.11 to 3.14 and nothing else.

    python course.py lab            open the lessons in JupyterLab
    python course.py test           run the tests, all but the long ones
    python course.py check          lint, types and the quick tests, in about a minute
    python course.py site           build the web pages, in site/_build/html
    python course.py bench          measure the claims about speed and size, in benchmarks/results/index.html
    python course.py links          write the links to Colab and Binder anew, from the setting in pyproject.toml
    python course.py assignments    make the assignments anew from their definitions
    python course.py grade          mark a class's submissions, safely; docs/grading.md
    python course.py bank           write the questions for Moodle or Canvas, in variants; docs/bank.md

Each makes the environment in .venv first, with exactly the versions of constraints.txt; later starts find it there.
What stands after `--` goes on to JupyterLab, pytest, Sphinx and the rest:  python course.py test -- -k pooling
"""

# An older Python must get far enough to say why it is too old, so this file keeps to the syntax of Python 3.6.
import argparse
import contextlib
import errno
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "course-stamp.txt"
LOCK = ROOT / ".venv.lock"  # beside .venv, which is removed while the lock is held
CONSTRAINTS = ROOT / "constraints.txt"
FIRST_LESSON = "notebooks/00_start_here.ipynb"

OLDEST, NEWEST = (3, 11), (3, 14)
TORCH_INDEX = "https://download.pytorch.org/whl/"
QUIET = {  # files in .venv: no pop-up that asks to fetch news from the internet, and no menu of the grading tool
    "share/jupyter/lab/settings/overrides.json": (
        '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}\n'
    ),
    "etc/jupyter/labconfig/page_config.json": '{"disabledExtensions": {"@jupyter/nbgrader": true}}\n',
}


class Stop(Exception):
    """A sentence for the person at the keyboard: what is wrong and what to do about it."""


# ---- Can this machine run the course? --------------------------------------------------------------------------------


def why_unsupported(python, is_64bit, system, machine, macos=""):
    """One sentence if torch has no build for such a machine, else None. `machine` is lower case, `macos` like 14.5."""
    name = "Python {}.{}".format(*python)
    elsewhere = "use the course on Binder or Colab"
    if not OLDEST <= tuple(python[:2]) <= NEWEST:
        wanted = "Python {}.{} to {}.{}".format(*(OLDEST + NEWEST))
        return f"This course needs {wanted}, and this is {name}: python.org has newer and older ones to start it with."
    if not is_64bit:
        return f"This is a 32-bit {name}, and torch has no 32-bit build: install the 64-bit one from python.org."
    if system == "Darwin" and machine != "arm64":
        return (
            f"This {name} is built for Intel Macs, which torch no longer supports: on a Mac with Apple silicon "
            f"install the universal Python from python.org, on an Intel Mac {elsewhere}."
        )
    if system == "Darwin" and 11 <= int(macos.split(".")[0] or 0) < 14:
        return f"torch needs macOS 14 or newer, and this is macOS {macos}: update it, or {elsewhere}."
    if system == "Windows" and machine != "amd64":
        return f"torch has no build for this {name}: install the 64-bit x86 Python for Windows from python.org."
    if system == "Linux" and machine not in ("x86_64", "aarch64"):
        return f"torch has no build for {machine} processors: {elsewhere}."
    return None


def refuse_unsupported():
    machine = platform.machine().lower()
    if platform.system() == "Windows":  # there the processor says nothing about this Python: x86-64 ones run on Arm too
        machine = sysconfig.get_platform().split("-")[-1]
    reason = why_unsupported(
        sys.version_info[:2], sys.maxsize > 2**32, platform.system(), machine, platform.mac_ver()[0]
    )
    if reason:
        raise Stop(reason)


# ---- The environment, and the stamp that says it is complete ---------------------------------------------------------


def venv_python(venv=VENV, windows=os.name == "nt"):
    return venv / "Scripts" / "python.exe" if windows else venv / "bin" / "python"


def venv_environ(base, venv=VENV, windows=os.name == "nt"):
    """The environment variables under which pip, JupyterLab and pytest see this .venv and nothing of the user's own.

    Containers often forbid Python to keep what it compiles: then each kernel would compile the course anew.
    """
    foreign = {"PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    foreign |= {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_CONSTRAINT"}
    environ = {name: value for name, value in base.items() if name not in foreign}
    before = {"PATH": venv_python(venv, windows).parent, "JUPYTER_PATH": venv / "share" / "jupyter"}
    for name, folder in before.items():  # first in JUPYTER_PATH: a `python3` kernel of the user's must not win
        environ[name] = os.pathsep.join([str(folder)] + [old for old in [base.get(name)] if old])
    environ.update(VIRTUAL_ENV=str(venv), PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    return environ


def stamp_for(gpu, root=ROOT, python=sys.version_info[:2]):
    """What the stamp of a complete environment reads. The folder counts: a .venv does not survive being moved."""
    project, pins = [(root / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "constraints.txt")]
    parts = [str(fact).encode() for fact in (without_home(project), pins, root, python, gpu)]
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts))
    return "{} {}\n".format("gpu" if gpu else "cpu", digest.hexdigest())


def without_home(project):
    """pyproject.toml without where the project lives: another address asks for no other packages."""
    return re.sub(r"^\[(project\.urls|tool\.pooling_course)\]\n([^\[\n].*\n|\n)*", "", project, flags=re.MULTILINE)


def read_stamp(stamp=STAMP):
    try:
        return stamp.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return ""


def write_stamp(text, stamp=STAMP):
    """In one step, so that no half-written stamp can vouch for an environment."""
    half_written = stamp.with_name(stamp.name + ".new")
    half_written.write_text(text, encoding="utf-8")
    os.replace(str(half_written), str(stamp))


def starts(python):
    try:
        return subprocess.call([str(python), "-I", "-S", "-c", ""], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def is_complete(wanted, venv=VENV):
    return read_stamp(venv / STAMP.name) == wanted and starts(venv_python(venv))


# ---- One at a time ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def alone():
    """Nobody else sets up meanwhile. The system holds the lock, and lets go when its owner ends, however that is."""
    with open(str(LOCK), "a") as file:
        if not locks(file):
            print("Another course.py is setting up .venv: this one waits until that is done.", flush=True)
            while not locks(file):
                time.sleep(0.5)
        if os.name != "nt":  # pip inherits it: should this process be killed, .venv is being filled until pip ends
            os.set_inheritable(file.fileno(), True)
        yield


def locks(file):
    """Take the lock, or say that another has it."""
    try:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # a file system without locks is no reason never to start
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


# ---- Installing ------------------------------------------------------------------------------------------------------


def torch_version(constraints):
    return re.findall(r"^torch==([\w.]+)", constraints, re.MULTILINE)[0]


def torch_choices(system, gpu, version):
    """(what is taken, the arguments of pip to try, one after the other). On Linux plain `torch` is the CUDA build."""
    if system == "Linux" and gpu:  # === keeps out 2.13.0+cpu, which == would accept and pip would prefer
        return "torch, CUDA build, about 2.7 GB", [["torch===" + version, "-c", str(CONSTRAINTS)]]
    if system == "Windows" and gpu:
        cuda = ["--no-deps", "torch=={}+cu130".format(version), "--index-url", TORCH_INDEX + "cu130"]
        return "torch, CUDA build, about 2 GB", [cuda]
    if system == "Linux":
        cpu = ["--no-deps", "torch=={}+cpu".format(version)]
        return "torch, CPU build, about 0.19 GB", [cpu, cpu + ["--index-url", TORCH_INDEX + "cpu"]]
    return "torch, about 0.12 GB", [["--no-deps", "torch==" + version]]


def install_steps(system, gpu, version):
    # --no-deps: constraints.txt is the complete list, and what it lists is what gets installed, nothing else.
    packages = ["--no-deps", "-r", str(CONSTRAINTS)]
    course = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    return [
        torch_choices(system, gpu, version),
        ("JupyterLab and the other packages, about 0.15 GB", [packages]),
        ("the course itself", [course]),
    ]


def pip_install(what, choices, run=subprocess.run):
    """Try the choices in turn. Only the last may complain: that an earlier source lacks a build is no news."""
    for choice in choices:
        errors = None if choice is choices[-1] else subprocess.DEVNULL
        command = [str(venv_python()), "-m", "pip", "install"] + choice
        if run(command, env=venv_environ(os.environ), stderr=errors, close_fds=False).returncode == 0:
            return
    advice = "Check the internet connection (behind a proxy, set HTTPS_PROXY) and the free disk (2 GB), then try again."
    if TORCH_INDEX + "cpu" in choices[-1]:
        advice += " If only download.pytorch.org is out of reach, --gpu takes torch from PyPI instead, 2.7 GB."
    raise Stop(f"pip could not install {what.partition(', about')[0]}; its own words stand above. {advice}")


def remove_venv():
    try:
        if STAMP.exists():
            STAMP.unlink()  # first of all: what is half removed must not look complete
        if VENV.exists():
            shutil.rmtree(str(VENV))
    except OSError as error:
        raise Stop(f"Cannot remove .venv ({error}): close every JupyterLab that uses it, then try again.") from None


def make_venv():
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        package = "python{}.{}-venv".format(*sys.version_info)
        raise Stop(f"This Python cannot make environments: on Debian or Ubuntu, run `sudo apt install {package}`.")
    # Started with the .venv's own python, course.py needs the one that stays when .venv is removed.
    python = getattr(sys, "_base_executable", None) or sys.executable
    remove_venv()
    if subprocess.call([python, "-m", "venv", str(VENV)], close_fds=False) != 0:
        raise Stop("`python -m venv .venv` failed; its own words stand above. A Python from python.org may help.")


def prepare(gpu=None):
    """Make the environment unless it is complete. gpu=None keeps the build of torch that is there, at first CPU."""
    if not is_complete(wanted_stamp(gpu)):
        with alone():
            if not is_complete(wanted_stamp(gpu)):  # else whoever we waited for has made it
                set_up(wanted_stamp(gpu))


def wanted_stamp(gpu):
    return stamp_for(read_stamp().startswith("gpu") if gpu is None else gpu)


def set_up(wanted):
    gpu = wanted.startswith("gpu")
    steps = install_steps(platform.system(), gpu, torch_version(CONSTRAINTS.read_text(encoding="utf-8")))
    print(f"Setting up the course in {VENV}: a minute or two, once.", flush=True)
    make_venv()
    for number, (what, choices) in enumerate(steps, start=1):
        print(f"\n[{number}/{len(steps)}] {what}", flush=True)
        pip_install(what, choices)
    for name, text in QUIET.items():
        (VENV / name).parent.mkdir(parents=True, exist_ok=True)
        (VENV / name).write_text(text, encoding="utf-8")
    write_stamp(wanted)
    print("\nThe environment is ready.", flush=True)


# ---- The commands ----------------------------------------------------------------------------------------------------


def lab_command(args, rest, is_root):
    command = [str(venv_python()), "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    command += [f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}"]  # the address that is opened, or printed
    command += [f"--LabApp.workspaces_dir={VENV / 'workspaces'}"]  # tabs of another clone are not opened here
    command += ["--no-browser"] if args.no_browser else []
    command += [f"--port={args.port}"] if args.port else []
    command += ["--allow-root"] if is_root else []  # in a container one often is, and JupyterLab would refuse
    return command + rest


def lab(args, rest):
    return hand_over(lab_command(args, rest, is_root=hasattr(os, "geteuid") and os.geteuid() == 0))


# Half of the time tests wait, for a browser, a server, a kernel: so three files at a time, on two cores. A file stays
# whole, since its tests share what they start.
EVERY_TEST = ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "--durations=20", "--durations-min=5"]
# Machines stall longer than tests wait: what fails runs once more, five of all at most, and is told (conftest.py).
TWICE = ["--reruns=1", "--max-suite-reruns=5"]


def test(args, rest):
    return hand_over([str(venv_python()), "-m", "pytest"] + (rest or EVERY_TEST + TWICE))


# What to run while one works: no browser, no notebook, no grading of a class, no long search. These tests wait for
# nothing, and each process first imports all of them, which takes four seconds: so two.
QUICK_TESTS = ["-n", "2"] + EVERY_TEST[2:] + ["tests", "-m", "quick", "-q"]


def check(args, rest):
    return hand_over([str(venv_python()), "-m", "pytest"] + QUICK_TESTS + rest)


def assignments(args, rest):
    return hand_over([str(venv_python()), "-m", "tools.notebooks"] + rest)


def links(args, rest):
    return hand_over([str(venv_python()), "-m", "tools.links"] + rest)


def site(args, rest):
    return hand_over([str(venv_python()), str(ROOT / "site" / "build.py")] + rest)


def bench(args, rest):
    return hand_over([str(venv_python()), "-m", "benchmarks"] + rest)


def grade(args, rest):
    return hand_over([str(venv_python()), "-m", "pooling_course.grading"] + rest, folder=Path.cwd())


def bank(args, rest):
    return hand_over([str(venv_python()), "-m", "pooling_course.questions.bank"] + rest, folder=Path.cwd())


def hand_over(command, folder=ROOT):
    """Become the command, so that Ctrl-C and its exit code are its own; Windows cannot, so there we wait for it."""
    os.chdir(str(folder))
    if os.name != "nt":
        os.execve(command[0], command, venv_environ(os.environ))
    process = subprocess.Popen(command, env=venv_environ(os.environ))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it got the same Ctrl-C, and answers it in its own time
            continue


def lab_flags(parser):
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--port", type=int, help="port of JupyterLab (it takes 8888, or the next free one)")


COMMANDS = [  # name, what it does, its own flags, its function
    ("lab", "open the lessons in JupyterLab", lab_flags, lab),
    ("test", "run the tests with pytest, all but the long ones", None, test),
    ("check", "check lint and types, and run the tests that are quick, in about a minute", None, check),
    ("site", "build the web pages from the lessons", None, site),
    (
        "bench",
        "measure speed and size beside their peers (names of some, --quick, --record; `bench -- --help` says more)",
        None,
        bench,
    ),
    (
        "links",
        "write the links to Colab and Binder anew, from the setting in pyproject.toml",
        None,
        links,
    ),
    ("assignments", "make the assignments and the lessons' exercises anew from their definitions", None, assignments),
    ("grade", "mark a class's submissions (a folder, --assignment, --out; `grade -- --help` says more)", None, grade),
    ("bank", "write the questions for Moodle or Canvas (--to, --variants; `bank -- --help` says more)", None, bank),
]


def parse(argv):
    """(our arguments, what stands after `--` for the command we hand over to)."""
    ours, rest = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    parser = argparse.ArgumentParser(
        prog="course.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, what, add_flags, function in COMMANDS:
        command = commands.add_parser(name, help=what, description=what, epilog="What stands after -- is passed on.")
        command.set_defaults(function=function)
        torch = command.add_mutually_exclusive_group()
        torch.add_argument("--gpu", dest="gpu", action="store_true", default=None, help="torch with CUDA, 2.7 GB")
        torch.add_argument("--cpu", dest="gpu", action="store_false", default=None, help="back to torch without CUDA")
        if add_flags:
            add_flags(command)
    args, more = parser.parse_known_args(ours)
    if more and args.function not in (grade, bench, bank):  # whose own arguments need no dashes before them
        parser.error("unrecognized arguments: " + " ".join(more))
    return args, more + rest


def main(argv):
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # there may be paths that the terminal cannot write
            stream.reconfigure(errors="backslashreplace")
    try:
        refuse_unsupported()
        args, rest = parse(argv)
        prepare(args.gpu)
        return args.function(args, rest)
    except Stop as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command sets up again what is not complete.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
