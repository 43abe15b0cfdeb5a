"""The window in a browser: Debian's Chromium against a real `ct` and real recordings.

A run of its own (`make test-web`): the browser's driver keeps an event loop in the main thread."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from window import Window

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = Path(__file__).resolve().parent / "programs"
PATIENCE = 60
OPTIONS = {"many_rows": ["--max-items", "200000"], "without_source": ["--no-sources"]}
expect.set_options(timeout=10_000)  # milliseconds: the machine may be busy


def ct_path():
    """The `ct` of the environment that runs the tests."""
    path = Path(sys.executable).parent / "ct"
    return str(path) if path.exists() else shutil.which("ct")


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """An environment in which nothing of the user's is seen or changed."""
    home = tmp_path_factory.mktemp("home")
    return os.environ | {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "CODETRACER_PYTHON_INTERPRETER": sys.executable,
    }


@pytest.fixture(scope="session")
def record(environment, tmp_path_factory):
    """Return a function that records a program, once, and returns the recording's folder."""
    recorded = {}

    def make(program):
        program = Path(program)
        if program not in recorded:
            folder = tmp_path_factory.mktemp(program.stem) / "recording"
            options = OPTIONS.get(program.stem, [])
            command = [ct_path(), "record", "-o", str(folder), *options, str(program)]
            subprocess.run(
                command, env=environment, capture_output=True, timeout=PATIENCE, check=False
            )
            assert (folder / "trace.ctr").exists()
            recorded[program] = folder
        return recorded[program]

    return make


@pytest.fixture(scope="session")
def serve(environment, tmp_path_factory):
    """Return a context manager that serves a recording and gives its address and process.

    Each has a folder of its own in which servers find each other: none is reused."""

    @contextmanager
    def server(folder, *options, **variables):
        command = [ct_path(), "replay", "-t", str(folder), "--no-browser", *options]
        if web := os.environ.get("CT_WEB_DIR"):
            command += ["--web-dir", web]
        runtime = tmp_path_factory.mktemp("run")
        runtime.chmod(0o700)
        alone = environment | {"XDG_RUNTIME_DIR": str(runtime)} | variables
        process = subprocess.Popen(
            command, env=alone, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
            process.stdout.close()

    return server


@pytest.fixture(scope="session")
def addresses(record, serve):
    """Return a function that gives the address of a served recording; one server for each."""
    open_servers = {}
    managers = []

    def address(program):
        if program not in open_servers:
            manager = serve(record(program))
            open_servers[program] = manager.__enter__()[0]
            managers.append(manager)
        return open_servers[program]

    yield address
    for manager in managers:
        manager.__exit__(None, None, None)


@pytest.fixture(scope="session")
def browser():
    options = [
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--no-first-run",
    ]
    options += ["--disable-component-update", "--disable-sync"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        yield browser
        browser.close()


@pytest.fixture
def open_window(browser, addresses):
    """Return a function that opens a program's recording; no window may complain on its console."""
    contexts = []
    windows = []

    def make(program, at="", ready=True, **options):
        program = ROOT / "examples/shop.py" if program == "shop" else PROGRAMS / f"{program}.py"
        options = {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"} | options
        context = browser.new_context(**options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        window = Window(context.new_page())
        windows.append(window)
        window.open(addresses(program), at, ready)
        return window

    yield make
    complaints = [complaint for window in windows for complaint in window.complaints]
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def shop(open_window):
    return open_window("shop")
