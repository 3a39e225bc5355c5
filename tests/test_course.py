"""Does course.py make the environment when it must, leave it alone when it may, and say plainly why it cannot?"""

import ast
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import course
from pooling_course.questions.lessons import LESSONS

SOURCE = Path(course.__file__)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    (tmp_path / "constraints.txt").write_text("torch==2.13.0\n", encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def the_environment_that_runs_this_stays_complete():
    """Without its stamp it would be made anew after every `course.py test`."""
    stamp = course.STAMP
    before = course.read_stamp(stamp)
    yield
    assert course.read_stamp(stamp) == before


@pytest.fixture
def sandbox(monkeypatch, tmp_path):
    """course.py in an empty folder, where making and filling the .venv is only written down."""
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "STAMP", tmp_path / ".venv" / "course-stamp.txt")
    monkeypatch.setattr(course, "LOCK", tmp_path / ".venv.lock")
    done = []

    def make_venv():
        course.remove_venv()
        course.VENV.mkdir()
        done.append("venv")

    monkeypatch.setattr(course, "make_venv", make_venv)
    monkeypatch.setattr(course, "pip_install", lambda what, choices: done.append(what))
    monkeypatch.setattr(course, "is_complete", lambda wanted: course.read_stamp(course.STAMP) == wanted)
    monkeypatch.setattr(course, "read_stamp", lambda stamp=None, read=course.read_stamp: read(course.STAMP))
    monkeypatch.setattr(course, "write_stamp", lambda text, write=course.write_stamp: write(text, course.STAMP))
    return done


# ---- machines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "machine",
    [
        ((3, 11), True, "Linux", "x86_64"),
        ((3, 14), True, "Linux", "aarch64"),
        ((3, 11), True, "Darwin", "arm64", "14.5"),
        ((3, 11), True, "Darwin", "arm64", "10.16"),  # what an old build of Python calls every later macOS
        ((3, 12), True, "Windows", "amd64"),
    ],
)
def test_machines_that_can_run_the_course(machine):
    assert course.why_unsupported(*machine) is None


@pytest.mark.parametrize(
    "machine, says",
    [
        (((3, 10), True, "Linux", "x86_64"), "needs Python 3.11 to 3.14, and this is Python 3.10"),
        (((3, 15), True, "Linux", "x86_64"), "needs Python 3.11 to 3.14, and this is Python 3.15"),
        (((3, 12), False, "Windows", "win32"), "32-bit"),
        (((3, 12), False, "Linux", "x86_64"), "32-bit"),
        (((3, 12), True, "Darwin", "x86_64", "14.5"), "Intel Macs"),
        (((3, 12), True, "Darwin", "arm64", "13.6.1"), "macOS 14 or newer, and this is macOS 13.6.1"),
        (((3, 12), True, "Windows", "arm64"), "64-bit x86 Python for Windows"),
        (((3, 12), True, "Linux", "riscv64"), "no build for riscv64"),
    ],
)
def test_other_machines_are_told_why_not_in_one_sentence(machine, says):
    sentence = course.why_unsupported(*machine)
    assert says in sentence
    assert "\n" not in sentence and sentence.endswith(".")


def test_an_unsupported_machine_ends_with_1_before_anything_is_made(monkeypatch, capsys):
    monkeypatch.setattr(course, "why_unsupported", lambda *machine: "Not here.")
    monkeypatch.setattr(course, "prepare", lambda gpu: pytest.fail("made an environment"))
    assert course.main(["lab"]) == 1
    assert capsys.readouterr().err.strip() == "Not here."


def test_old_pythons_can_read_the_file():
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 6))
    imports = [node for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))) if isinstance(node, ast.Import)]
    names = {alias.name.partition(".")[0] for node in imports for alias in node.names}
    assert names <= sys.stdlib_module_names


# ---- arguments -------------------------------------------------------------------------------------------------------


def test_what_stands_after_the_dashes_is_passed_on_as_it_is():
    args, rest = course.parse(["lab", "--port", "8899", "--no-browser", "--", "--ServerApp.token=", "--", "--port=1"])
    assert (args.port, args.no_browser, args.function) == (8899, True, course.lab)
    assert rest == ["--ServerApp.token=", "--", "--port=1"]


def test_tests_get_their_arguments_and_run_in_the_environment(monkeypatch):
    handed = []
    monkeypatch.setattr(course, "refuse_unsupported", lambda: None)
    monkeypatch.setattr(course, "prepare", lambda gpu: handed.append(gpu))
    monkeypatch.setattr(course, "hand_over", lambda command: handed.append(command) or 5)
    assert course.main(["test", "--", "-m", "not browser"]) == 5
    assert handed == [None, [str(course.venv_python()), "-m", "pytest", "-m", "not browser"]]


def test_tests_run_in_several_processes_and_no_file_is_torn(monkeypatch):
    handed = []
    monkeypatch.setattr(course, "refuse_unsupported", lambda: None)
    monkeypatch.setattr(course, "prepare", lambda gpu: None)
    monkeypatch.setattr(course, "hand_over", lambda command: handed.append(command[3:]) or 0)
    assert course.main(["test"]) == course.main(["check", "--", "-x"]) == 0
    whole = ["--dist", "loadfile", "--no-loadscope-reorder", "--durations=20", "--durations-min=5"]
    assert handed == [
        ["-n", "3", *whole, "--reruns=1", "--max-suite-reruns=5"],
        ["-n", "2", *whole, "tests", "-m", "quick", "-q", "-x"],
    ]


def test_grading_gets_its_arguments_and_runs_where_the_instructor_stands(monkeypatch):
    handed = []
    monkeypatch.setattr(course, "refuse_unsupported", lambda: None)
    monkeypatch.setattr(course, "prepare", lambda gpu: None)
    monkeypatch.setattr(course, "hand_over", lambda command, folder: handed.append((command[1:], folder)) or 0)
    arguments = ["submitted", "--assignment", "ps1", "--out", "results", "--seed", "1", "2"]
    assert course.main(["grade", *arguments]) == 0
    assert course.main(["grade", "--", "--help"]) == 0
    begin = ["-m", "pooling_course.grading"]
    assert handed == [([*begin, *arguments], Path.cwd()), ([*begin, "--help"], Path.cwd())]


def test_the_bank_gets_its_arguments_and_writes_where_the_instructor_stands(monkeypatch):
    handed = []
    monkeypatch.setattr(course, "refuse_unsupported", lambda: None)
    monkeypatch.setattr(course, "prepare", lambda gpu: None)
    monkeypatch.setattr(course, "hand_over", lambda command, folder: handed.append((command[1:], folder)) or 0)
    arguments = ["--to", "moodle", "--variants", "20", "--seed", "7", "--out", "mine"]
    assert course.main(["bank", *arguments]) == 0
    assert handed == [(["-m", "pooling_course.questions.bank", *arguments], Path.cwd())]


def test_the_site_is_built_in_the_environment(monkeypatch):
    handed = []
    monkeypatch.setattr(course, "refuse_unsupported", lambda: None)
    monkeypatch.setattr(course, "prepare", lambda gpu: None)
    monkeypatch.setattr(course, "hand_over", lambda command: handed.append(command) or 0)
    assert course.main(["site", "--", "-v"]) == 0
    assert handed == [[str(course.venv_python()), str(course.ROOT / "site" / "build.py"), "-v"]]
    assert (course.ROOT / "site" / "build.py").exists()


@pytest.mark.parametrize("argv, gpu", [([], None), (["--gpu"], True), (["--cpu"], False)])
@pytest.mark.parametrize("command", ["lab", "test", "site"])
def test_the_build_of_torch_is_asked_for_or_left_as_it_is(command, argv, gpu):
    assert course.parse([command, *argv])[0].gpu is gpu


@pytest.mark.parametrize("argv", [[], ["labs"], ["lab", "--portt", "1"], ["lab", "--gpu", "--cpu"]])
def test_wrong_arguments_are_refused(argv, capsys):
    with pytest.raises(SystemExit, match="2"):
        course.parse(argv)


def test_jupyterlab_opens_at_the_first_lesson():
    plain = course.lab_command(SimpleNamespace(no_browser=False, port=None), [], is_root=False)
    assert plain[:3] == [str(course.venv_python()), "-m", "jupyterlab"]
    first = f"--LabApp.default_url=/lab/tree/notebooks/{next(iter(LESSONS))}.ipynb"
    own = f"--LabApp.workspaces_dir={course.VENV / 'workspaces'}"
    assert plain[3:] == [f"--ServerApp.root_dir={course.ROOT}", first, own]
    flags = course.lab_command(SimpleNamespace(no_browser=True, port=8899), ["--debug"], is_root=True)
    assert flags[6:] == ["--no-browser", "--port=8899", "--allow-root", "--debug"]


# ---- the stamp -------------------------------------------------------------------------------------------------------


def test_the_stamp_changes_with_everything_it_depends_on(root, tmp_path_factory):
    first = course.stamp_for(False, root, (3, 11))
    assert course.stamp_for(False, root, (3, 11)) == first
    others = [course.stamp_for(True, root, (3, 11)), course.stamp_for(False, root, (3, 12))]
    for name in ("pyproject.toml", "constraints.txt"):
        text = (root / name).read_text(encoding="utf-8")
        (root / name).write_text(text + "#", encoding="utf-8")
        others.append(course.stamp_for(False, root, (3, 11)))
        (root / name).write_text(text, encoding="utf-8")
    moved = root.rename(tmp_path_factory.mktemp("elsewhere") / "course")
    others.append(course.stamp_for(False, moved, (3, 11)))
    assert first not in others and len(set(others)) == len(others)


def test_where_the_project_lives_makes_no_other_environment(root):
    project = """[project]
name = "a"

[project.urls]
Homepage = "https://example.org/OWNER"

[tool.pooling_course]
repository = "OWNER/a"

[tool.setuptools]
zip-safe = false
"""
    (root / "pyproject.toml").write_text(project, encoding="utf-8")
    first = course.stamp_for(False, root)
    (root / "pyproject.toml").write_text(project.replace("OWNER", "someone"), encoding="utf-8")
    assert course.stamp_for(False, root) == first
    for old, new in [('"a"\n', '"b"\n'), ("false", "true"), ("zip-safe = false\n", "")]:
        (root / "pyproject.toml").write_text(project.replace(old, new), encoding="utf-8")
        assert course.stamp_for(False, root) != first


def test_an_environment_is_trusted_only_with_its_stamp_and_a_python_that_starts(tmp_path, monkeypatch):
    python = course.venv_python(tmp_path)
    assert not course.is_complete("cpu 1\n", tmp_path)  # nothing there
    course.write_stamp("cpu 1\n", tmp_path / course.STAMP.name)
    assert not course.is_complete("cpu 1\n", tmp_path)  # a stamp but no python
    python.parent.mkdir()
    python.write_text("not a program", encoding="utf-8")
    assert not course.is_complete("cpu 1\n", tmp_path)  # one that does not start
    monkeypatch.setattr(course, "venv_python", lambda venv: sys.executable)
    assert course.is_complete("cpu 1\n", tmp_path)
    assert not course.is_complete("gpu 1\n", tmp_path)  # another stamp
    (tmp_path / course.STAMP.name).unlink()
    assert not course.is_complete("cpu 1\n", tmp_path)  # no stamp


def test_a_stamp_is_never_half_written(tmp_path, monkeypatch):
    stamp = tmp_path / "stamp"
    monkeypatch.setattr(course.os, "replace", lambda old, new: pytest.fail("replaced") if stamp.exists() else None)
    course.write_stamp("cpu 1\n", stamp)
    assert not stamp.exists()  # the text went elsewhere, and only the replacement puts it in place


# ---- setting up ------------------------------------------------------------------------------------------------------


def test_the_second_start_sets_up_nothing(sandbox, capsys):
    course.prepare()
    assert sandbox[0] == "venv" and len(sandbox) == 4
    capsys.readouterr()
    course.prepare()
    assert len(sandbox) == 4 and capsys.readouterr().out == ""


def test_an_interrupted_install_is_begun_again(sandbox, monkeypatch, capsys):
    real, begun = course.pip_install, []

    def interrupted(what, choices):
        begun.append(what)
        if len(begun) == 2:
            raise KeyboardInterrupt

    course.prepare()  # an older, complete environment
    monkeypatch.setattr(course, "pip_install", interrupted)
    monkeypatch.setattr(course, "refuse_unsupported", lambda: None)
    assert course.main(["test", "--gpu"]) == 130
    assert course.read_stamp(course.STAMP) == ""
    monkeypatch.setattr(course, "pip_install", real)
    (course.VENV / "half-made").touch()
    del sandbox[:]
    course.prepare()
    assert len(sandbox) == 4 and not (course.VENV / "half-made").exists()


def test_the_gpu_build_stays_until_the_other_is_asked_for(sandbox, monkeypatch):
    monkeypatch.setattr(course.platform, "system", lambda: "Linux")
    course.prepare(gpu=True)
    assert "CUDA build" in sandbox[1]
    course.prepare()
    assert len(sandbox) == 4
    course.prepare(gpu=False)
    assert sandbox[4] == "venv" and "CPU build" in sandbox[5]


def test_linux_takes_the_cpu_build_from_the_configured_sources_first():
    what, choices = course.torch_choices("Linux", False, "2.13.0")
    assert "0.19 GB" in what
    assert choices == [
        ["--no-deps", "torch==2.13.0+cpu"],
        ["--no-deps", "torch==2.13.0+cpu", "--index-url", "https://download.pytorch.org/whl/cpu"],
    ]


def test_linux_takes_the_cuda_build_with_its_packages_when_asked():
    what, choices = course.torch_choices("Linux", True, "2.13.0")
    assert "2.7 GB" in what
    assert choices == [["torch===2.13.0", "-c", str(course.CONSTRAINTS)]]


def test_other_systems_have_one_build_but_for_cuda_on_windows():
    for system, gpu in [("Darwin", False), ("Darwin", True), ("Windows", False)]:
        assert course.torch_choices(system, gpu, "2.13.0")[1] == [["--no-deps", "torch==2.13.0"]]
    (cuda,) = course.torch_choices("Windows", True, "2.13.0")[1]
    assert cuda[1:] == ["torch==2.13.0+cu130", "--index-url", "https://download.pytorch.org/whl/cu130"]


def test_everything_pinned_is_installed_and_nothing_else():
    torch, packages, itself = course.install_steps("Linux", False, "2.13.0")
    assert packages[1] == [["--no-deps", "-r", str(course.CONSTRAINTS)]]
    assert itself[1] == [["--no-deps", "--no-build-isolation", "-e", str(course.ROOT)]]


def test_the_version_of_torch_is_the_pinned_one():
    assert course.torch_version("# torch==1.0\npytorch==3\ntorch==2.13.0 ; sys_platform\n") == "2.13.0"


def pip_that_answers(*codes):
    answers, asked = list(codes), []

    def run(command, env, stderr, close_fds):
        assert not close_fds  # it keeps the lock
        asked.append((command[4:], stderr))
        return SimpleNamespace(returncode=answers.pop(0))

    return run, asked


def test_the_next_source_is_tried_and_only_the_last_complains():
    run, asked = pip_that_answers(1, 0)
    course.pip_install("torch", [["a"], ["b"], ["c"]], run)
    assert asked == [(["a"], subprocess.DEVNULL), (["b"], subprocess.DEVNULL)]
    run, asked = pip_that_answers(0)
    course.pip_install("torch", [["a"]], run)
    assert asked == [(["a"], None)]


def test_a_failing_pip_gives_a_sentence_with_what_to_try():
    run, asked = pip_that_answers(1)
    with pytest.raises(course.Stop, match="could not install numpy.*HTTPS_PROXY.*free disk.*try again.$"):
        course.pip_install("numpy", [["numpy"]], run)
    run, asked = pip_that_answers(1, 1)
    with pytest.raises(course.Stop, match="download.pytorch.org is out of reach, --gpu"):
        course.pip_install(*course.torch_choices("Linux", False, "2.13.0"), run=run)


def test_debian_is_told_which_package_is_missing(monkeypatch):
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else name)
    monkeypatch.setattr(course, "remove_venv", lambda: pytest.fail("removed before it could be made anew"))
    with pytest.raises(course.Stop, match=r"sudo apt install python3\.\d+-venv"):
        course.make_venv()


def test_a_folder_that_cannot_be_removed_gives_a_sentence(monkeypatch, tmp_path):
    def refuse(path):
        raise PermissionError("in use")

    monkeypatch.setattr(course, "VENV", tmp_path)
    monkeypatch.setattr(course, "STAMP", tmp_path / "course-stamp.txt")
    monkeypatch.setattr(course.shutil, "rmtree", refuse)
    with pytest.raises(course.Stop, match="in use.*close every JupyterLab"):
        course.remove_venv()


# ---- one at a time ---------------------------------------------------------------------------------------------------

# course.py of a clone of its own, whose pip is slow: it writes down when it begins and ends, which it does once a file
# `go` is there, or after a minute.
SLOW = '''
import subprocess, sys
sys.path.insert(0, {clone!r})
import course

PIP = """
import pathlib, time
note = lambda word: open("log", "a").write(word)
note("begins ")
for _ in range(1200):
    if not pathlib.Path("go").exists():
        time.sleep(0.05)
note("ends ")
"""

def pip(what, choices):
    print("begins", what, flush=True)
    subprocess.run([sys.executable, "-c", PIP], close_fds=False, check=True)
    (course.VENV / what.partition(",")[0]).touch()

course.make_venv = lambda: (course.remove_venv(), course.VENV.mkdir())
course.pip_install, course.starts = pip, lambda python: True
course.hand_over = lambda command: print("runs", *command[1:3], *sorted(p.name for p in course.VENV.glob("*t*")))
course.refuse_unsupported = lambda: None
sys.exit(course.main(sys.argv[1:]))
'''


@pytest.fixture
def clone(tmp_path):
    """Start course.py in a fresh clone, in a process of its own."""
    for name in ("course.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(course.ROOT / name, tmp_path)
    started = []

    def start(*arguments):
        command = [sys.executable, "-c", SLOW.format(clone=str(tmp_path)), *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, cwd=tmp_path, **pipes, start_new_session=True))
        return started[-1]

    start.go, start.log = tmp_path / "go", tmp_path / "log"
    yield start
    start.go.touch()
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def until(process, words):
    """What it says up to a line with these words."""
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    pytest.fail(f"it ended without saying {words!r}: {said}")


WAITS = "Another course.py is setting up .venv: this one waits"


def test_two_that_start_together_set_up_once(clone):
    first = clone("lab")
    until(first, "begins torch")
    second = clone("test")
    until(second, WAITS)
    assert second.poll() is None
    clone.go.touch()
    said, then = first.communicate()[0], second.communicate()[0]
    complete = "JupyterLab and the other packages course-stamp.txt etc the course itself torch"
    assert f"runs -m jupyterlab {complete}" in said and (first.returncode, second.returncode) == (0, 0)
    assert then == f"runs -m pytest {complete}\n"  # it set up nothing, and found everything


def test_a_build_that_the_other_was_asked_for_is_taken(clone):
    first = clone("lab", "--gpu")
    until(first, "begins torch")
    second = clone("test")
    until(second, WAITS)
    clone.go.touch()
    assert second.communicate()[0].startswith("runs -m pytest")


def test_the_lock_of_one_that_was_killed_does_not_hold(clone):
    first = clone("lab")
    until(first, "begins torch")
    second = clone("test")
    until(second, WAITS)
    os.killpg(first.pid, signal.SIGKILL) if os.name != "nt" else first.kill()
    until(second, "Setting up the course")
    clone.go.touch()
    assert "runs -m pytest" in second.communicate()[0]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there, a lock is its process's own")
def test_what_a_killed_one_left_running_is_waited_for(clone):
    first = clone("lab")
    until(first, "begins torch")
    second = clone("test")
    until(second, WAITS)
    os.kill(first.pid, signal.SIGKILL)  # its pip goes on filling .venv
    first.wait()
    third = clone("site")
    until(third, WAITS)
    time.sleep(1)  # for whoever would begin now
    clone.go.touch()
    said = [second.communicate()[0], third.communicate()[0]]
    assert sum("Setting up the course" in text for text in said) == 1 and all("runs" in text for text in said)
    assert clone.log.read_text() == 4 * "begins ends "  # the one that was left running, and three of the second


def test_a_lock_left_behind_and_a_file_system_without_locks_stop_nobody(sandbox, monkeypatch, capsys):
    course.LOCK.write_text("of an earlier day", encoding="utf-8")
    course.prepare()
    assert len(sandbox) == 4 and WAITS not in capsys.readouterr().out
    name = "fcntl.flock" if os.name != "nt" else "msvcrt.locking"

    def refuse(*how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(name, refuse)
    monkeypatch.setattr(course.time, "sleep", lambda seconds: pytest.fail("waits"))
    with course.alone():
        assert WAITS not in capsys.readouterr().out


def test_what_is_half_removed_does_not_look_complete(sandbox, monkeypatch):
    course.prepare()
    monkeypatch.setattr(course.shutil, "rmtree", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        course.prepare(gpu=True)
    assert course.VENV.exists() and course.read_stamp(course.STAMP) == ""


# ---- the environment variables of what we start ----------------------------------------------------------------------


@pytest.mark.parametrize("windows, folder", [(False, "bin"), (True, "Scripts")])
def test_what_we_start_sees_the_environment_before_anything_of_the_users(tmp_path, windows, folder):
    users = {"PATH": "/usr/bin", "JUPYTER_PATH": "/mine", "PYTHONPATH": "/ros", "PIP_USER": "1", "HOME": "/home/me"}
    users["PYTHONDONTWRITEBYTECODE"] = "1"
    environ = course.venv_environ(users, tmp_path, windows)
    assert environ["PATH"].split(os.pathsep) == [str(tmp_path / folder), "/usr/bin"]
    assert environ["JUPYTER_PATH"].split(os.pathsep) == [str(tmp_path / "share" / "jupyter"), "/mine"]
    assert environ["VIRTUAL_ENV"] == str(tmp_path) and environ["HOME"] == "/home/me"
    assert not {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"} & environ.keys() and environ["PIP_USER"] == "0"
    assert users["PATH"] == "/usr/bin"
    assert course.venv_environ({}, tmp_path, windows)["PATH"] == str(tmp_path / folder)
