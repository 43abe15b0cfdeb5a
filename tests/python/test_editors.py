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
