"""JupyterLab with a real browser, for the tests that need one: one server and one browser for all of them."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil
import pytest

from harness import ROOT

ARTIFACTS = ROOT / "test-artifacts"
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
INSTALLED = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
ADVICE = (
    "no Chromium found: install one (Debian and Ubuntu: apt-get install chromium, macOS: brew install --cask chromium, "
    "Windows: choco install chromium), or set CHROMIUM to the path of Chrome, Chromium or Edge."
)
# Quiet, and fit for a container: no sandbox of its own there, no graphics card, nothing fetched behind the scenes.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
# For each window Chromium opens two pages of its own, which drop from the address bar, and for each page it keeps a
# process in reserve: more than half of what a context takes. The last such list counts, so Playwright's is in it, too.
WITHOUT = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "SpareRendererForSitePerProcess"]
WITHOUT += ["AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "LensOverlay"]
WITHOUT += ["HttpsFirstBalancedModeAutoEnable", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning"]
WITHOUT += ["AvoidCorsURLLoaderRestartOnRedirect", "TcpPortRandomizationWin", "OptimizationHints", "AimEnabled"]
WITHOUT += ["NetworkTimeServiceQuerying", "PreconnectToSearch", "msForceBrowserSignIn"]
WITHOUT += ["msEdgeUpdateLaunchServicesPreferredVersion"]
ARGUMENTS += [f"--disable-features={','.join(WITHOUT)}"]
QUIET = {"@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}
RUN_ALL = "notebook:run-all-cells"
START = 90_000  # ms within which a page, a kernel with torch, or a server must be there


def installed_browser():
    """The path of a browser, or None."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS), *(p for p in INSTALLED if Path(p).exists())]
    return next(filter(None, found), None)


def find_browser():
    """The path of a browser; without one the test is skipped, but in CI it fails."""
    path = installed_browser()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(ADVICE)
    return path


@contextlib.contextmanager
def jupyterlab(folder, packages=None):
    """A JupyterLab of its own over `folder`/work: nothing of the user's is read, and nothing is left behind.

    `packages` is a folder with more packages, as `pip install --target` makes it.
    """
    notebooks, port, token = folder / "work", free_port(), secrets.token_hex(16)
    notebooks.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        environ[f"JUPYTER_{name}"] = str(folder / name.lower())
    environ |= {"IPYTHONDIR": str(folder / "ipython"), "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}
    environ |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "PYTHONPATH": str(ROOT)}
    if packages:
        environ["PYTHONPATH"] += f"{os.pathsep}{packages}"
        environ["JUPYTER_PATH"] = str(packages / "share" / "jupyter")
    for name, settings in QUIET.items():
        path = folder / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(settings), "utf-8")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={notebooks}", "--LabApp.expose_app_in_browser=True"]
    with open(folder / "server.log", "w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=notebooks, env=environ, stdout=log, stderr=log)
        lab = Lab(f"http://127.0.0.1:{port}", token, notebooks)
        try:
            lab.wait_until_up(process, folder / "server.log")
            yield lab
        finally:
            lab.stop(process)


def free_port():
    """One that no system gives away by itself: a kernel that starts meanwhile would take those first."""
    for _ in range(100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port := 20_000 + secrets.randbelow(12_000)))
            return port
    raise OSError("no port is free between 20000 and 32000")


class Lab:
    def __init__(self, url, token, folder):
        self.url, self.token, self.folder = url, token, folder

    def ask(self, path, method="GET"):
        request = Request(f"{self.url}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"})
        with urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def wait_until_up(self, process, log):
        for _ in range(600):
            with contextlib.suppress(URLError, OSError):
                return self.ask("status")
            if process.poll() is not None:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
        pytest.fail(f"JupyterLab did not start:\n{log.read_text('utf-8')}")

    def stop(self, process):
        """At once: a farewell takes each kernel half a second, and nothing of all this is kept."""
        kernels = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.wait()
        for kernel in kernels:
            with contextlib.suppress(psutil.NoSuchProcess):
                kernel.kill()

    def write(self, name, *cells):
        """A notebook of code cells."""
        cells = [
            {"cell_type": "code", "id": f"cell{i}", "source": text, "metadata": {}} for i, text in enumerate(cells)
        ]
        cells = [cell | {"outputs": [], "execution_count": None} for cell in cells]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        book = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (self.folder / name).write_text(json.dumps(book), "utf-8")

    def open(self, page, name):
        page.goto(f"{self.url}/lab/tree/{name}?token={self.token}&reset")
        self.wait_for_kernel(page)

    def wait_for_kernel(self, page):
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=START)
        page.wait_for_function(f"window.jupyterapp?.commands.isEnabled('{RUN_ALL}')", timeout=START)
        page.evaluate(ANSWERS)

    def run_all(self, page):
        """Run every cell, and wait until the kernel has: the command behind Run > Run All Cells."""
        page.evaluate(f"void window.jupyterapp.commands.execute('{RUN_ALL}')")
        page.wait_for_function(DONE, timeout=START)

    def choose(self, page, menu, *items):
        page.get_by_role("menuitem", name=menu, exact=True).first.click()
        for item in items[:-1]:
            page.locator(".lm-Menu-item", has_text=item).first.hover()
        page.locator(".lm-Menu-item", has_text=items[-1]).first.click()

    def kernel(self, name):
        return next(s["kernel"]["id"] for s in self.ask("sessions") if s["path"] == name)


# The kernel has answered once: JupyterLab calls it idle earlier, and what is run then may be lost.
ANSWERS = """async () => {
    const context = window.jupyterapp.shell.currentWidget.sessionContext;
    await context.ready;
    await context.session.kernel.info;
    await context.session.kernel.requestKernelInfo();
}"""

# Every code cell with text in it has its number, whether its code is folded or not.
DONE = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].every((cell) =>
    cell.type !== "code" || cell.executionCount || cell.sharedModel.source.trim() === "")"""

# The same where the page does not give its application away, and no code is folded: a number in each prompt, [3]:
DONE_BY_PROMPTS = """() => [...document.querySelectorAll(".jp-Notebook .jp-CodeCell")].every((cell) =>
    /\\[\\d+\\]/.test(cell.querySelector(".jp-InputPrompt")?.textContent) ||
    cell.querySelector(".cm-content")?.textContent.trim() === "")"""

# Each canvas remembers what was last written on it, and what was written on pictures that were drawn onto it.
REMEMBER = """() => {
  for (const { prototype } of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
    const { fillText, clearRect, drawImage } = prototype;
    prototype.clearRect = function (...box) {
      Object.assign(this.canvas, { texts: [], places: [] });
      return clearRect.apply(this, box);
    };
    prototype.fillText = function (text, ...at) {
      (this.canvas.texts ??= []).push(text);
      (this.canvas.places ??= []).push(at);
      return fillText.call(this, text, ...at);
    };
    prototype.drawImage = function (image, ...at) {
      (this.canvas.texts ??= []).push(...(image.texts ?? []));
      return drawImage.call(this, image, ...at);
    };
  }
}"""
