"""The widget managers of other programs, and pages, for the tests that show our widgets by them."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from harness.explorers import new_page

OWN = ("http://127.0.0.1", "file:", "data:", "blob:")  # how the addresses of this machine begin


@pytest.fixture(scope="session")
def scripts(tmp_path_factory):
    """{name and version: text} of each manager, and of what they load."""
    npm = shutil.which("npm")
    if not npm:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no npm: it comes with Node (https://nodejs.org).")
    locks = json.loads(Path(__file__).with_name("managers.json").read_text(encoding="utf-8"))
    folder, found = tmp_path_factory.mktemp("managers"), {}
    for name, locked in locks.items():
        command = [npm, "pack", "--silent", name.replace(" ", "@")]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"npm could not fetch {name}: {done.stderr}")
        archive = folder / done.stdout.split()[-1]
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        assert locked["integrity"] == f"sha512-{digest}", name
        with tarfile.open(archive) as opened_archive:
            found[name] = opened_archive.extractfile(f"package/{locked['file']}").read().decode()
    return found


@pytest.fixture
def show(chromium):
    """show(url, answers) -> the page; what it asks of others, answers(url) says, or it fails and is in page.foreign."""
    pages = []

    def shown(url, answers=lambda url: None):
        page = new_page(chromium, height=3000)
        pages.append(page)
        page.foreign = []

        def answer(route):
            asked = route.request
            if asked.url.startswith(OWN):
                return route.continue_()
            text = answers(asked.url)
            if text is None:
                page.foreign.append(asked.url)
                return route.abort()
            kind = "html" if asked.resource_type == "document" else "javascript"
            return route.fulfill(body=text, content_type=f"text/{kind}")

        page.route("**/*", answer)
        page.goto(url)
        return page

    yield shown
    for page in pages:
        page.context.close()
