"""Whatever launches a program under the recorder is no part of the recording."""

import json
import sys
from pathlib import Path

import pytest
from project import Project

COMMAND = str(Path(sys.executable).parent / "codetracer-python-recorder")
MAIN = "import sys; from codetracer_python_recorder.cli import main; sys.exit(main())"
LAUNCHERS = {
    "command": [COMMAND],
    "module": [sys.executable, "-m", "codetracer_python_recorder"],
    "program": [sys.executable, "launcher.py"],
    "text": [sys.executable, "-c", MAIN],
}
ENDINGS = {
    "end": ("", 0),
    "raise": ("raise ValueError('told')", 1),
    "exit": ("import sys\nsys.exit(3)", 3),
    "exit function": ("import atexit\natexit.register(lambda: print(1))", 0),
}


@pytest.fixture
def place(tmp_path, ct):
    place = Project(tmp_path, ct)
    place.write("launcher.py", f"def launch():\n    {MAIN}\nlaunch()\n")
    return place


def files(place):
    """What is in the recording: the files of its events, and those that are listed."""
    events = {event["file"] for event in place.events() if event.get("file")}
    listed = json.loads((place.folder / "out" / "trace_paths.json").read_text())
    return {Path(name).name for name in events}, [Path(name).name for name in listed]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_launchers_frames_are_not_recorded(place, launcher, ending):
    source, status = ENDINGS[ending]
    place.write("app.py", f"x = 1\n{source}\n")
    done = place.execute(*LAUNCHERS[launcher], "-o", "out", "--format", "json", "app.py")
    assert done.returncode == status, done.stderr
    assert files(place) == ({"app.py"}, ["app.py"])


@pytest.mark.parametrize("words", [["-m", "app"], ["-c", "import app"]])
def test_nor_those_of_a_module_or_a_text(place, words):
    place.write("app.py", "import sys\nsys.exit(3)\n")
    done = place.execute(COMMAND, "-o", "out", *words)
    assert done.returncode == 3, done.stderr
    expected = ["app.py"] if words[0] == "-m" else ["<string>", "app.py"]
    assert files(place) == (set(expected), expected)


def test_nor_those_of_a_host(place):
    """It goes on behind the program, which is a guest in its process."""
    host = """
    from codetracer_python_recorder.cli import main
    def host():
        before = 1
        return main(["-o", "out", "app.py"])
    print(host())
    """
    place.write("host.py", host)
    place.write("app.py", "x = 1\n")
    assert place.python("host.py").stdout == "0\n"
    assert files(place) == ({"app.py"}, ["app.py"])
