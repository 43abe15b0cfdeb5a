"""What every test may ask for: the installed `ct`, the interpreter, the source tree."""

import atexit
import os
import shutil
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from engine import Probe, record
from hypothesis import settings
from served import Server, golden_recording

ROOT = Path(__file__).resolve().parent.parent.parent

# What the tests record is not for the list of recordings of whoever runs them.
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="ct-tests-data-")
atexit.register(shutil.rmtree, os.environ["XDG_DATA_HOME"], ignore_errors=True)

# Whoever runs the tests in the background may have turned interrupts off for all it starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Generated examples are the same in every run, on whatever machine; CT_EXAMPLES asks for new ones.
settings.register_profile("same", derandomize=True)
if "CT_EXAMPLES" not in os.environ:
    settings.load_profile("same")


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def python() -> str:
    """Return the interpreter into whose environment the package is installed."""
    return sys.executable


@pytest.fixture(scope="session")
def ct() -> Path:
    """Return the `ct` that was installed with the package, never another one on PATH."""
    path = Path(sysconfig.get_path("scripts")) / "ct"
    assert path.is_file(), f"{path} is missing: is the package installed? (make build)"
    return path


@pytest.fixture(scope="session")
def self_check_bin(root: Path) -> Path:
    """Return where the programs of the self-check build are."""
    version = "{}.{}".format(*sys.version_info)
    folder = root / f".venv-self-check-{version}" / "bin"
    folder = Path(os.environ.get("CT_SELF_CHECK_BIN", folder))
    if not (folder / "ct").is_file():
        pytest.skip(f"no self-check build in {folder}: `make test-long` makes it")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return the directory of a recording that is not there yet."""
    return tmp_path / "recording"


@pytest.fixture
def replayed(ct: Path, tmp_path: Path) -> Iterator[Callable[[str], Probe]]:
    """Return a function that records a source text and opens a session of the engine on it."""
    with ExitStack() as opened:

        def replay(source: str) -> Probe:
            program = tmp_path / "program.py"
            program.write_text(source, encoding="utf-8")
            return opened.enter_context(Probe(record(ct, program, tmp_path / "recording")))

        yield replay


@pytest.fixture(scope="module")
def server(ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of a golden recording, which must end well."""
    home = tmp_path_factory.mktemp("home")
    with Server(ct, "host", golden_recording(home / "recording"), home=home) as running:
        yield running
        assert running.end() == 0
