"""JupyterLab and a headless Chromium, on a copy of the notebooks; screenshots of failures."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from labsupport import notebooks

CHROMIUM = shutil.which("chromium")
TOKEN = "of-this-test-alone"
PATIENCE = 300_000  # milliseconds; what is there sooner is seen sooner
LIMIT = 900  # seconds for a test, on a machine that does much else
SETTINGS = {
    # Every cell is on the page, also those far from what is seen.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
}


@dataclass
class Lab:
    """Where a JupyterLab listens, and the folder of its notebooks."""

    address: str
    folder: Path


def pytest_collection_modifyitems(items):
    """Without the browser there is nothing to test with; with it, it may be slow."""
    missing = pytest.mark.skip("not run: there is no chromium; tests/browser/install gets it")
    for item in items:
        item.add_marker(missing if CHROMIUM is None else pytest.mark.timeout(LIMIT))


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab in recorded mode, with settings and files of its own."""
    home = tmp_path_factory.mktemp("lab")
    root = home / "root"
    shutil.copytree(notebooks.FOLDER, root / "notebooks")
    for name, values in SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    own = {
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "IPYTHONDIR": home / "ipython",
        "XDG_STATE_HOME": home / "state",  # answers to drills are those of a learner
    }
    environment = notebooks.environment("recorded") | {k: str(v) for k, v in own.items()}
    command = [
        *notebooks.server(root), "--no-browser", "--allow-root", "--port=0",
        "--ServerApp.ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}",
    ]  # fmt: skip
    server = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        yield Lab(_address(server), root / "notebooks")
    finally:
        server.terminate()
        try:
            server.wait(60)  # it asks each kernel to end
        except subprocess.TimeoutExpired:
            server.kill()  # kernels end themselves when their parent is gone
            server.wait()


def _address(server):
    """Where the server says that it listens; what it says later is read and forgotten."""
    for line in server.stderr:
        match = re.search(r"http://127\.0\.0\.1:\d+", line)
        if match:
            threading.Thread(target=lambda: list(server.stderr), daemon=True).start()
            return match.group()
    pytest.fail("JupyterLab ended before it listened")


@pytest.fixture(scope="session")
def browser():
    sandbox = [] if os.getuid() else ["--no-sandbox"]  # Chromium refuses to run as root with it
    with (
        sync_playwright() as playwright,
        contextlib.closing(
            playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        ) as opened,
    ):
        yield opened


@pytest.fixture
def page(browser, request, tmp_path):
    """A page; a picture of it is kept where the test fails."""
    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    opened.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield opened
    if request.node.stash.get(FAILED, False):
        folder = Path(os.environ.get("NETPOL_LAB_SCREENSHOTS") or tmp_path)
        folder.mkdir(parents=True, exist_ok=True)
        picture = folder / f"{request.node.name}.png"
        opened.screenshot(path=picture)
        print(f"what was on the screen: {picture}")
    opened.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        item.stash[FAILED] = report.failed
    return report


class Notebook:
    """A notebook open in JupyterLab, with all of its cells on the page."""

    def __init__(self, page, address, file):
        self.page = page
        page.goto(f"{address}/lab/tree/notebooks/{file.name}?token={TOKEN}&reset")
        self.cells = page.locator(".jp-Notebook .jp-CodeCell")
        stored = json.loads(file.read_text())["cells"]
        self.count = sum(cell["cell_type"] == "code" for cell in stored)
        expect(self.cells).to_have_count(self.count)

    def run_all(self):
        """Run every cell by the menu, and wait until all have run or one has failed."""
        # Before the status bar says so, there may be no kernel, and what is run is dropped.
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        last = self.cells.last.locator(".jp-InputPrompt").filter(has_text=f"[{self.count}]")
        failed = self.page.locator(".jp-OutputArea-output:is([data-mime-type*=error], "
                                   "[data-mime-type*=stderr])")  # fmt: skip
        last.or_(failed).first.wait_for()
        assert failed.all_inner_texts() == []
        numbers = [f"[{number}]:" for number in range(1, self.count + 1)]
        expect(self.cells.locator(".jp-InputPrompt")).to_have_text(numbers)

    def cell(self, source):
        """The code cell that holds this text."""
        return self.cells.filter(has=self.page.locator(".jp-InputArea", has_text=source))


@pytest.fixture
def notebook(page, lab, request):
    """Opens a notebook as it ships, whatever other tests did with theirs.

    The cells' numbers are left out: one that is on the page is that of a run.
    """

    def opened(name):
        shipped = json.loads((notebooks.FOLDER / name).read_text())
        for cell in shipped["cells"]:
            if cell["cell_type"] == "code":
                cell["execution_count"] = None
        file = lab.folder / f"{request.node.name}.ipynb"
        file.write_text(json.dumps(shipped))
        return Notebook(page, lab.address, file)

    return opened
