"""Clients that were not written here drive the adapter; the extension for VS Code is whole."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from dap_client import Client
from engine import PATIENCE, record
from test_dap import PROGRAM

ROOT = Path(__file__).resolve().parent.parent.parent
EXTENSION = ROOT / "editors" / "vscode"
PAGE = ROOT / "docs" / "how-to" / "editors.md"
PACKAGES = EXTENSION / "node_modules"


def node(script, *arguments):
    """Run a script of tests/editors; it must end with 0."""
    if shutil.which("node") is None:
        pytest.skip("there is no node")
    done = subprocess.run(
        ["node", str(ROOT / "tests" / "editors" / script), *map(str, arguments)],
        env=os.environ | {"NODE_PATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr


def test_vs_code_s_test_client_drives_ct_dap(ct, tmp_path):
    if not (PACKAGES / "@vscode" / "debugadapter-testsupport").exists():
        pytest.skip("npm ci was not run in editors/vscode")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    node("client.cjs", ct, record(ct, program, tmp_path / "recording"), program)


def test_the_extension_starts_ct_dap():
    node("extension.cjs", EXTENSION / "extension.js")


def test_the_extension_packs_into_a_vsix(tmp_path):
    output, again = tmp_path / "out" / "extension.vsix", tmp_path / "again.vsix"
    for path in (output, again):
        command = [sys.executable, str(ROOT / "tools" / "vsix.py"), str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    assert output.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(output) as archive:
        names = archive.namelist()
        package = json.loads(archive.read("extension/package.json"))
        manifest = ElementTree.fromstring(archive.read("extension.vsixmanifest"))
        types = archive.read("[Content_Types].xml").decode()
    assert f"extension/{package['main'].removeprefix('./')}" in names
    for name in names:
        if name != "[Content_Types].xml":
            assert f'Extension=".{name.rpartition(".")[2]}"' in types
    places = [e.get("Path") for e in manifest.iter() if e.tag.endswith("Asset")]
    assert set(places) <= set(names)
    (identity,) = (e for e in manifest.iter() if e.tag.endswith("Identity"))
    assert identity.get("Version") == package["version"]


def test_the_extension_has_the_version_of_the_project():
    package = json.loads((EXTENSION / "package.json").read_text("utf-8"))
    version = re.search(r"^  version: '([^']+)'", (ROOT / "meson.build").read_text("utf-8"), re.M)
    assert package["version"] == version.group(1)


def test_the_configurations_shown_are_those_of_the_extension():
    page = PAGE.read_text("utf-8")
    shown = json.loads(re.search(r"```json\n(.*?)```", page, re.S).group(1))
    (configuration,) = shown["configurations"]
    (debugger,) = json.loads((EXTENSION / "package.json").read_text("utf-8"))["contributes"][
        "debuggers"
    ]
    known = debugger["configurationAttributes"][configuration["request"]]["properties"]
    assert configuration["type"] == debugger["type"]
    assert set(configuration) - {"type", "request", "name"} <= set(known)
    assert page.count('"codetracer-python"') >= 4


NVIM = ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-S"]
EMACS = ["emacs", "-q", "--batch", "-l"]
NO_PLUGIN = 77  # what the scripts end with, where they do not find theirs


def run_editor(ct, folder, command, script, language, **environ):
    """Run a script of tests/editors beside a recording; it finds its configuration of the page."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    snippet = re.search(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.S).group(1)
    (folder / "snippet").write_text(snippet, encoding="utf-8")
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    record(ct, program, folder / "recording")
    return subprocess.run(
        [*command, str(ROOT / "tests" / "editors" / script)],
        env=os.environ
        | {
            "CT_SNIPPET": str(folder / "snippet"),
            "PATH": f"{Path(ct).parent}{os.pathsep}{os.environ['PATH']}",
        }
        | environ,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(
    ("command", "script", "language"),
    [(NVIM, "neovim.lua", "lua"), (EMACS, "emacs.el", "elisp")],
)
def test_the_editor_reads_its_configuration_and_opens_the_recording(
    ct, tmp_path, command, script, language
):
    """Without its plugin: the script stands in."""
    done = run_editor(ct, tmp_path, command, script, language, HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize(
    ("command", "script", "language", "variable"),
    [(NVIM, "nvim_dap.lua", "lua", "CT_NVIM_DAP"), (EMACS, "dape.el", "elisp", "CT_DAPE")],
)
def test_the_editor_s_plugin_debugs_the_recording(
    ct, tmp_path, command, script, language, variable
):
    logs = {name: str(tmp_path) for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME")}
    packages = str(Path.home() / ".local" / "share")
    done = run_editor(ct, tmp_path, command, script, language, XDG_DATA_HOME=packages, **logs)
    if done.returncode == NO_PLUGIN:
        pytest.skip(f"{command[0]} has no such plugin, and {variable} does not name its directory")
    assert done.returncode == 0, done.stderr + done.stdout


def interfaces():
    """Of each interface of DAP its own members, and what it extends: from DAP's declarations."""
    page = PACKAGES / "@vscode" / "debugprotocol" / "lib" / "debugProtocol.d.ts"
    if not page.exists():
        pytest.skip("npm ci was not run in editors/vscode")
    text = re.sub(r"/\*.*?\*/", "", page.read_text("utf-8"), flags=re.S)
    found = {}
    pattern = r"interface (\w+)(?: extends (\w+))? \{\n(.*?)\n\t\}"
    for name, base, body in re.findall(pattern, text, flags=re.S):
        members = dict(re.findall(r"^\t\t'?(\w+)'?(\??):", body, flags=re.M))
        found[name] = members | found.get(base, {})
    return found


def check_shape(known, name, shapes):
    assert shapes, name
    for shape in shapes:
        assert set(shape) - {"ct"} <= set(known[name]), name
        assert {member for member, mark in known[name].items() if not mark} <= set(shape), name


def test_answers_are_of_the_shapes_dap_declares(ct, tmp_path):
    known = interfaces()
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    with Client(record(ct, program, tmp_path / "recording"), supportsProgressReporting=True) as c:
        source = {"path": str(program)}
        lines = [{"line": 10, "logMessage": "{n}"}, {"line": 15}, {"line": 5, "condition": "("}]
        made = c.ask("setBreakpoints", source=source, breakpoints=lines)["breakpoints"]
        filters = c.ask("setExceptionBreakpoints", filters=["raised"])["breakpoints"]
        c.ask("continue")
        events = {event["event"]: [event["body"]] for event in c.events}
        frames = c.ask("stackTrace", threadId=1)["stackFrames"]
        scopes = c.ask("scopes", frameId=frames[0]["id"])["scopes"]
        variables = c.variables(scopes[0]["variablesReference"]).values()
        targets = c.ask("gotoTargets", source=source, line=10)["targets"]
        info = c.ask("exceptionInfo", threadId=1)
        shapes = {
            "Capabilities": [c.capabilities],
            "ExceptionBreakpointsFilter": c.capabilities["exceptionBreakpointFilters"],
            "Breakpoint": made + filters,
            "Thread": c.ask("threads")["threads"],
            "StackFrame": frames,
            "Source": c.ask("loadedSources")["sources"],
            "Scope": scopes,
            "Variable": variables,
            "GotoTarget": targets,
            "CompletionItem": c.ask("completions", text="le", column=3)["targets"],
            "ExceptionDetails": [info["details"]],
            "BreakpointLocation": c.ask("breakpointLocations", source=source, line=10)[
                "breakpoints"
            ],
        }
        bodies = {
            "StoppedEvent": events["stopped"],
            "OutputEvent": events["output"],
            "ExceptionInfoResponse": [info],
            "EvaluateResponse": [c.ask("evaluate", expression="v")],
            "SourceResponse": [c.ask("source", source=source, sourceReference=0)],
        }
    for name, answers in shapes.items():
        check_shape(known, name, answers)
    text = (PACKAGES / "@vscode" / "debugprotocol" / "lib" / "debugProtocol.d.ts").read_text()
    for name, answers in bodies.items():
        declared = text.partition(f"interface {name} ")[2].partition("\n\t}\n")[0]
        members = set(re.findall(r"^\t\t\t(\w+)\??:", declared, flags=re.M))
        for answer in answers:
            assert set(answer) - {"ct"} <= members, name
