"""A learner of benchmarks/hub.py: what a browser says to a hub and to the learner's own server, said without one."""

import json
import re
import time
import uuid
from pathlib import Path

import requests
import websocket

FIRST_PICTURE = "first picture"
FOLDER = "pooling-course"
WIDGET = "application/vnd.jupyter.widget-view+json"
PICTURE_CELL = "PoolingExplorer("
SCRIPT = re.compile(r'<script[^>]* src="([^"]+)"')
PATIENCE = 300  # seconds that an answer may take on a crowded machine


class Learner:
    def __init__(self, address, name):
        self.address, self.name = address, name
        self.password = f"a password of {name}'s own"
        self.web = requests.Session()
        self.failed_starts = 0

    def get(self, path, **options):
        answer = self.web.get(f"{self.address}/{path}", timeout=PATIENCE, **options)
        answer.raise_for_status()
        return answer

    def xsrf(self, path):
        """The token that the pages under `path` ask back; both the hub and each server have one."""
        found = [cookie for cookie in self.web.cookies if cookie.name == "_xsrf" and path.startswith(cookie.path)]
        return max(found, key=lambda cookie: len(cookie.path)).value

    def post(self, path, under, form):
        """A form of the hub, with the token that its page came with."""
        form = {**form, "_xsrf": self.xsrf(under)}
        answer = self.web.post(f"{self.address}/{path}", data=form, timeout=PATIENCE)
        answer.raise_for_status()
        return answer

    # ---- The hub -----------------------------------------------------------------------------------------------------

    def sign_up(self):
        self.get("hub/signup")
        form = {"username": self.name, "signup_password": self.password}
        self.post("hub/signup", "/hub/", form | {"signup_password_confirmation": self.password})

    def let_in(self, name):
        """What an instructor's click on Authorize does."""
        self.get(f"hub/authorize/{name}")

    def log_in(self):
        self.get("hub/login")
        page = self.post("hub/login?next=/hub/home", "/hub/", {"username": self.name, "password": self.password})
        if "/hub/login" in page.url:
            raise PermissionError(f"{self.name} was not let in.")

    def start_server(self):
        """Start My Server, and once or twice more where it fails, as a person would."""
        while not self.started():
            self.failed_starts += 1
            if self.failed_starts == 3:
                raise RuntimeError(f"{self.name}'s server did not start.")

    def started(self):
        """The progress page, which listens until the server is there or has failed."""
        self.get(f"hub/spawn/{self.name}")
        query = {"_xsrf": self.xsrf("/hub/")}
        with self.get(f"hub/api/users/{self.name}/server/progress", params=query, stream=True) as events:
            for line in events.iter_lines():
                event = json.loads(line.removeprefix(b"data: ")) if line.startswith(b"data: ") else {}
                if event.get("ready") or event.get("failed"):
                    return event.get("ready", False)
        return False

    # ---- The learner's own server ------------------------------------------------------------------------------------

    def open(self, lesson):
        """JupyterLab's page with its scripts, the notebook, and a kernel for it: (cells, id of the kernel)."""
        page = self.get(f"user/{self.name}/lab/tree/{FOLDER}/{lesson}")
        for script in SCRIPT.findall(page.text):
            self.get(script.removeprefix("/"))
        notebook = self.get(f"user/{self.name}/api/contents/{FOLDER}/{lesson}").json()["content"]
        wanted = {"path": f"{FOLDER}/{lesson}", "name": lesson, "type": "notebook", "kernel": {"name": "python3"}}
        answer = self.web.post(
            f"{self.address}/user/{self.name}/api/sessions",
            json=wanted,
            headers={"X-XSRFToken": self.xsrf(f"/user/{self.name}/")},
            timeout=PATIENCE,
        )
        answer.raise_for_status()
        return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"], answer.json()["kernel"]["id"]

    def attend(self, lesson):
        """{what: seconds since the click on Sign in}. Raises RuntimeError for a cell that fails."""
        began, at = time.perf_counter(), {}

        def now(what):
            at.setdefault(what, time.perf_counter() - began)

        self.log_in()
        now("logged in")
        self.start_server()
        now("server")
        cells, kernel = self.open(lesson)
        now("lesson")
        channel = Channel(self, kernel)
        for cell in cells:
            for message in channel.run(cell["source"]):
                if PICTURE_CELL in cell["source"] and WIDGET in message["content"].get("data", {}):
                    now(FIRST_PICTURE)
        now("ended")
        if FIRST_PICTURE not in at:
            raise RuntimeError(f"{self.name} saw no picture.")
        return at


class Channel:
    """The websocket between a page and its kernel."""

    def __init__(self, learner, kernel):
        self.session = uuid.uuid4().hex
        where = f"/user/{learner.name}/api/kernels/{kernel}/channels"
        cookies = [c for c in learner.web.cookies if where.startswith(c.path)]
        self.socket = websocket.create_connection(
            f"{learner.address.replace('http', 'ws', 1)}{where}?session_id={self.session}",
            cookie="; ".join(f"{c.name}={c.value}" for c in cookies),
            origin=learner.address,
            timeout=PATIENCE,
        )

    def run(self, code):
        """The messages that running `code` brings. Raises RuntimeError where it fails."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": self.session}
        header |= {"username": "", "version": "5.3", "date": ""}
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.socket.send(json.dumps(message))
        ended = {"reply": False, "idle": False}
        while not all(ended.values()):
            heard = self.hear()
            if heard["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if heard["msg_type"] == "error":
                raise RuntimeError("\n".join(heard["content"]["traceback"]))
            ended["reply"] |= heard["msg_type"] == "execute_reply"
            ended["idle"] |= heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle"
            yield heard

    def hear(self):
        """One message. With numbers it is binary: how many parts, where each begins, the parts; the first is JSON."""
        _, data = self.socket.recv_data()
        if data[:1] == b"{":
            return json.loads(data)
        count = int.from_bytes(data[:4], "big")
        starts = [int.from_bytes(data[4 * i : 4 * i + 4], "big") for i in range(1, count + 1)] + [len(data)]
        return json.loads(data[starts[0] : starts[1]])


# ---- A learner with a real browser -----------------------------------------------------------------------------------


def in_a_browser(learner, lesson, folder: Path):
    """From the instructor's link to a lesson and the login form to the explorer, in Chromium.

    Gives the lines to print; the pictures go to `folder`. The time that a person takes to find the menu is not in it.
    """
    from playwright.sync_api import expect, sync_playwright

    from harness import browser

    wait = PATIENCE * 1000
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find_browser(), args=browser.ARGUMENTS)
        page = chromium.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{learner.address}/hub/user-redirect/lab/tree/{FOLDER}/{lesson}")
        page.fill("#username_input", learner.name)
        page.fill("#password_input", learner.password)
        page.screenshot(path=folder / "hub-login.png")
        began = time.perf_counter()
        page.click("#login_submit")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=wait)
        opened = time.perf_counter() - began
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=wait)  # in the status bar
        browser.Lab(learner.address, "", folder).choose(page, "Run", "Run All Cells")
        explorer = page.locator(".pc-explorer").first
        expect(explorer.locator("table, canvas, svg").first).to_be_visible(timeout=wait)
        picture = time.perf_counter() - began
        page.wait_for_function(browser.DONE, timeout=wait)
        explorer.scroll_into_view_if_needed()
        page.screenshot(path=folder / "hub-lesson.png")
        failed = page.locator("[data-mime-type='application/vnd.jupyter.error']").all_inner_texts()
        chromium.close()
    yield f"One learner in Chromium: lesson open after {opened:.1f} s, explorer after {picture:.1f} s."
    yield f"hub-login.png and hub-lesson.png are in {folder}."
    if failed:
        raise RuntimeError("\n".join(failed))
