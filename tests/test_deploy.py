"""Can a hub be made of what deploy/ says, and does handing out the lessons leave a learner's work alone?"""

import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

import jsonschema
import pytest
import yaml

import course

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
CHART = "4.4.0"
sys.path.insert(0, str(DEPLOY))

import handout  # noqa: E402

# ---- Values ----------------------------------------------------------------------------------------------------------


def only(required=(), **properties):
    """An object that has no other keys, as the chart's own schema demands at every level."""
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "required": list(required),
    }


TEXT, NUMBER, WHOLE, FLAG = ({"type": name} for name in ("string", "number", "integer", "boolean"))
SIZE = {"type": "string", "pattern": r"^\d+(\.\d+)?[KMGT]$"}  # the chart leaves it to KubeSpawner, which knows these
VOLUME = {"type": "string", "pattern": r"^\d+[KMGT]i$"}
NAMES = {"type": "array", "items": TEXT}
PART = {"type": "object", "patternProperties": {"^[A-Z]": {"type": "object"}}, "additionalProperties": False}
# What the chart's values.schema.yaml says of the keys that values.yaml uses, in our own words. Another key of the
# chart: look it up there, and add it here. The chart's own schema judges too, in CI and at every `helm upgrade`.
SCHEMA = only(
    hub=only(config=PART),
    proxy=only(
        https=only(
            enabled=FLAG,
            type={"enum": ["letsencrypt", "manual", "offload", "secret"]},
            hosts=NAMES,
            letsencrypt=only(contactEmail=TEXT, acmeServer=TEXT),
            secret=only(name=TEXT, key=TEXT, crt=TEXT),
        )
    ),
    singleuser=only(
        image=only(required=["name", "tag"], name=TEXT, tag=TEXT, pullSecrets={"type": "array"}),
        defaultUrl=TEXT,
        memory=only(guarantee=SIZE, limit=SIZE),
        cpu=only(guarantee=NUMBER, limit=NUMBER),
        storage=only(capacity=VOLUME),
        networkPolicy=only(egressAllowRules=only(nonPrivateIPs=FLAG, privateIPs=FLAG, cloudMetadataServer=FLAG)),
    ),
    cull=only(enabled=FLAG, every=WHOLE, timeout=WHOLE, maxAge=WHOLE),
)


def values():
    return yaml.safe_load((DEPLOY / "values.yaml").read_text("utf-8"))


def test_the_values_are_the_charts():
    jsonschema.validate(values(), SCHEMA)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("singleuser.memmory", "2G"),
        ("singleuser.memory.limits", "2G"),
        ("singleuser.memory.limit", "2 GB"),
        ("singleuser.cpu.limit", "two"),
        ("singleuser.image", {"name": "no-tag"}),
        ("singleuser.image.tag", 1),
        ("singleuser.default_url", "/lab"),
        ("singleuser.networkPolicy.egressAllowRules.nonPrivateIPs", "no"),
        ("hub.config.authenticator_class", "native"),
        ("proxy.https.hosts", "hub.example.edu"),
        ("cull.timeout", "1h"),
        ("jupyterhub", {}),
    ],
)
def test_wrong_values_are_refused(path, wrong):
    changed = values()
    *way, last = path.split(".")
    place = changed
    for key in way:
        place = place[key]
    place[last] = wrong
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed, SCHEMA)


def test_nobody_gets_in_unasked():
    config = values()["hub"]["config"]
    assert config["JupyterHub"]["authenticator_class"] == "native"
    assert not config["NativeAuthenticator"].get("open_signup")
    assert values()["proxy"]["https"]["enabled"]


def megabytes(size):
    return float(size[:-1]) * {"M": 1, "G": 1000}[size[-1]]


def test_a_guarantee_is_not_above_its_limit():
    singleuser = values()["singleuser"]
    assert megabytes(singleuser["memory"]["guarantee"]) <= megabytes(singleuser["memory"]["limit"])
    assert singleuser["cpu"]["guarantee"] <= singleuser["cpu"]["limit"]


def test_the_first_page_is_one_that_is_handed_out():
    assert values()["singleuser"]["defaultUrl"] == f"/lab/tree/{handout.FOLDER}/{Path(course.FIRST_LESSON).name}"


@pytest.mark.parametrize("page", ["values.yaml", "kubernetes.md"])
def test_pages_and_values_speak_of_one_chart(page):
    assert set(re.findall(r"(?:version[ =])(\d+\.\d+\.\d+)", (DEPLOY / page).read_text("utf-8"))) == {CHART}
    assert f"--version={CHART}" in (ROOT / ".github/workflows/ci.yml").read_text("utf-8")


# ---- The image -------------------------------------------------------------------------------------------------------


def steps(text=None):
    """[(instruction, the rest of its line)]"""
    text = text or (DEPLOY / "Dockerfile").read_text("utf-8")
    return [tuple(line.split(" ", 1)) for line in text.splitlines() if line and not line.startswith("#")]


def copied():
    """The sources of every COPY, as paths that may hold a *."""
    return [source for step, rest in steps() if step == "COPY" for source in rest.split()[:-1]]


def tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository")
    return listed.stdout.splitlines()


def is_in(name, source):
    """Whether a COPY of `source`, or a line of .dockerignore, takes this file: a * ends at a /."""
    return PurePosixPath(f"/{name}").match(f"/{source}") or name.startswith(f"{source}/")


def files_of(source, names):
    return [name for name in names if is_in(name, source)]


@pytest.mark.parametrize("source", copied())
def test_what_the_image_copies_is_in_the_repository(source):
    assert files_of(source, tracked())


def test_the_image_holds_every_lesson_and_no_solution():
    names = {name for source in copied() for name in files_of(source, tracked())}
    assert {name for name in names if name.endswith(".ipynb")} == {
        f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    assert not [name for name in names if "assignments/" in name]


def test_what_the_image_copies_is_sent_to_the_builder():
    ignored, *let_through = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    assert ignored == "*"
    patterns = [line[1:] for line in let_through if line.startswith("!")]
    for name in {name for source in copied() for name in files_of(source, tracked())}:
        assert any(is_in(name, pattern) for pattern in patterns), name


def pins(path):
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)$", path.read_text("utf-8"), re.MULTILINE))


def test_the_image_takes_torch_for_the_cpu_in_the_courses_version():
    version = course.torch_version((ROOT / "constraints.txt").read_text("utf-8"))
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert re.findall(r"torch==(\S+)", text) == [f"{version}+cpu"]
    assert f"--index-url {course.TORCH_INDEX}cpu" in text
    assert "-c constraints.txt" in text


def test_a_hub_adds_to_the_exact_versions_and_contradicts_none():
    added, exact = pins(DEPLOY / "requirements.txt"), pins(ROOT / "constraints.txt")
    assert "jupyterhub" in added
    assert not {name.replace("_", "-") for name in added} & set(exact)


def test_learners_are_no_root():
    users = [rest for step, rest in steps() if step == "USER"]
    assert users and users[-1] not in ("root", "0")
    assert f"--uid {users[-1]} " in (DEPLOY / "Dockerfile").read_text("utf-8")
    last_run = max(i for i, (step, _) in enumerate(steps()) if step in ("RUN", "COPY"))
    assert [step for step, _ in steps()].index("USER") > last_run  # so that /opt belongs to root


def test_no_news_on_a_hub_either():
    (name,) = (name for name in course.QUIET if name.endswith("overrides.json"))
    assert json.loads((DEPLOY / "overrides.json").read_text("utf-8")) == json.loads(course.QUIET[name])


# ---- Handing out -----------------------------------------------------------------------------------------------------


@pytest.fixture
def ada(tmp_path):
    """(the course's notebooks, the instructor's, a learner's folder)"""
    folders = tmp_path / "notebooks", tmp_path / "handout", tmp_path / "home" / "pooling-course"
    for folder in folders[:2]:
        folder.mkdir()
    (folders[0] / "00.ipynb").write_text("zero")
    (folders[0] / "01.ipynb").write_text("one")
    return folders


def give(ada):
    return handout.hand_out(ada[2], ada[:2])


def test_the_first_start_brings_every_lesson(tmp_path):
    lessons = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert handout.hand_out(tmp_path / "home") == lessons
    for name in lessons:
        assert (tmp_path / "home" / name).read_bytes() == (ROOT / "notebooks" / name).read_bytes()
    assert handout.hand_out(tmp_path / "home") == []


def test_an_update_reaches_who_has_not_begun(ada):
    give(ada)
    (ada[0] / "01.ipynb").write_text("one, corrected")
    (ada[0] / "02.ipynb").write_text("two")
    assert give(ada) == ["01.ipynb", "02.ipynb"]
    assert (ada[2] / "01.ipynb").read_text() == "one, corrected"


def test_an_update_leaves_a_learners_work_alone(ada):
    give(ada)
    (ada[2] / "01.ipynb").write_text("my answer")
    for text in ("one, corrected", "one, corrected again", "one"):
        (ada[0] / "01.ipynb").write_text(text)
        assert give(ada) == []
        assert (ada[2] / "01.ipynb").read_text() == "my answer"


def test_who_renames_a_lesson_gets_a_fresh_one(ada):
    give(ada)
    (ada[2] / "01.ipynb").rename(ada[2] / "01-mine.ipynb")
    assert give(ada) == ["01.ipynb"]
    assert {path.name for path in ada[2].glob("*.ipynb")} == {"00.ipynb", "01.ipynb", "01-mine.ipynb"}


def test_a_file_that_was_not_handed_out_is_the_learners(ada):
    ada[2].mkdir(parents=True)
    (ada[2] / "01.ipynb").write_text("brought along")
    assert give(ada) == ["00.ipynb"]
    assert (ada[2] / "01.ipynb").read_text() == "brought along"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff\xfe"])
def test_without_its_record_everything_counts_as_the_learners(ada, damage):
    give(ada)
    (ada[2] / handout.RECORD).write_bytes(damage)
    (ada[0] / "01.ipynb").write_text("one, corrected")
    assert give(ada) == []
    assert (ada[2] / "01.ipynb").read_text() == "one"


def test_an_assignment_comes_from_the_instructor(ada):
    give(ada)
    (ada[1] / "ps1.ipynb").write_text("tasks")
    assert give(ada) == ["ps1.ipynb"]
    (ada[2] / "ps1.ipynb").write_text("solved")
    (ada[1] / "ps1.ipynb").write_text("tasks, corrected")
    assert give(ada) == []
    assert (ada[2] / "ps1.ipynb").read_text() == "solved"


def test_no_link_is_followed(ada, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("one")
    give(ada)
    (ada[2] / "01.ipynb").unlink()
    (ada[2] / "01.ipynb").symlink_to(elsewhere)
    (ada[0] / "01.ipynb").write_text("one, corrected")
    assert give(ada) == []
    assert elsewhere.read_text() == "one"
    elsewhere.unlink()  # now it leads nowhere
    assert give(ada) == []


@pytest.mark.skipif(os.name == "nt", reason="no such permissions on Windows")
def test_what_is_handed_out_can_be_written_by_its_owner_only(ada):
    give(ada)
    assert stat.S_IMODE((ada[2] / "01.ipynb").stat().st_mode) == 0o644


def test_a_full_disk_leaves_what_was_there(ada, monkeypatch):
    give(ada)
    (ada[0] / "01.ipynb").write_text("one, corrected")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handout.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        give(ada)
    assert (ada[2] / "01.ipynb").read_text() == "one"
    assert sorted(path.name for path in ada[2].iterdir()) == [handout.RECORD, "00.ipynb", "01.ipynb"]


def configured(home, monkeypatch):
    """What jupyter_server_config.py sets, read as Jupyter reads it."""
    from traitlets.config.loader import PyFileConfigLoader

    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/a/long/way")
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return PyFileConfigLoader("jupyter_server_config.py", path=str(DEPLOY)).load_config()


def test_a_server_hands_out_before_it_starts(tmp_path, monkeypatch):
    config = configured(tmp_path, monkeypatch)
    assert (tmp_path / handout.FOLDER / "00_start_here.ipynb").exists()
    assert config.MappingKernelManager.cull_idle_timeout > 0
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_a_server_starts_where_nothing_can_be_handed_out(tmp_path, monkeypatch, capsys):
    (tmp_path / handout.FOLDER).write_text("a file in the way")
    assert configured(tmp_path, monkeypatch).MappingKernelManager.cull_idle_timeout
    assert "could not be handed out" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a hub runs on Linux")
def test_nobody_else_on_the_machine_can_talk_to_a_kernel(tmp_path, monkeypatch):
    from jupyter_client import KernelManager

    config = configured(tmp_path, monkeypatch)
    folder = Path(os.environ["JUPYTER_RUNTIME_DIR"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    monkeypatch.chdir(tmp_path)  # a socket's path is short, which pytest's folders are not
    kernel = KernelManager(config=config, connection_file=os.path.relpath(folder / "kernel-1.json"))
    kernel.start_kernel()
    try:
        for _ in ("started", "restarted"):
            client = kernel.blocking_client()
            client.start_channels()
            client.wait_for_ready(timeout=120)
            assert client.execute_interactive("1 + 1", timeout=120)["content"]["status"] == "ok"
            client.stop_channels()
            kernel.restart_kernel()
    finally:
        kernel.shutdown_kernel(now=True)
    assert kernel.get_connection_info()["transport"] == "ipc"
