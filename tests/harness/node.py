"""The browser's modules under plain Node, which answers cases as JSON."""

import json
import os
import shutil
import subprocess

import pytest


def node() -> str:
    """The path of Node; a test that needs it is skipped where there is none, and fails in CI."""
    found = shutil.which("node")
    if not found:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "no Node to run JavaScript: install it (https://nodejs.org, or apt-get install nodejs)."
        )
    return found


def answers(folder, driver, source: str, cases: list) -> list:
    """What `driver`, a script that imports a module and cases, answers where the module is `source`."""
    module, asked = folder / "module.mjs", folder / "cases.mjs"
    module.write_text(source, "utf-8")
    asked.write_text(f"export default {json.dumps(cases)}", "utf-8")  # a module, as JSON cannot hold NaN
    command = [node(), driver, module.as_uri(), asked.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def agree(found: list, cases: list, expected: list) -> None:
    """Every answer of Node's is the one expected."""
    assert len(found) == len(cases) == len(expected) > 0
    wrong = [
        (case, theirs, ours)
        for case, theirs, ours in zip(cases, found, expected, strict=True)
        if theirs != json.loads(json.dumps(ours))
    ]
    assert not wrong, f"{len(wrong)} of {len(cases)} differ; (case, JavaScript, Python): {wrong[:3]}"
