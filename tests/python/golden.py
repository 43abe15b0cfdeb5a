"""Make the golden traces again (tests/golden/README.md): golden.py [--text]"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
DEPTH = "2"


def ct() -> str:
    return str(Path(sysconfig.get_path("scripts")) / "ct")


def printed(trace: Path) -> str:
    """What `ct print` shows of a trace."""
    command = [ct(), "print", str(trace), "--format", "json", "--depth", DEPTH]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogatepass")


def neutral_python(folder: Path) -> Path:
    """An interpreter with the recorder whose path says nothing of this machine."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python3.*/site-packages")
    for part in Path(sysconfig.get_path("platlib")).glob("*codetracer*"):
        (site / part.name).symlink_to(part)
    return folder / "bin" / "python"


def record(program: Path, to: Path) -> None:
    """Record a program as `python -c`: then no file of this machine is in its trace."""
    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        python = neutral_python(Path(folder, "python"))
        out = Path(folder, "recording")
        command = [ct(), "record", "-o", str(out), "-c", program.read_text("utf-8")]
        environment = os.environ | {"CODETRACER_PYTHON_INTERPRETER": str(python)}
        subprocess.run(command, cwd="/", env=environment, capture_output=True, check=True)
        shutil.copyfile(out / "trace.ctr", to)


def main() -> None:
    for program in sorted(GOLDEN.glob("*.py")):
        trace = program.with_suffix(".ctr")
        if "--text" not in sys.argv[1:]:
            record(program, trace)
        text = printed(trace)
        program.with_suffix(".jsonl").write_text(text, "utf-8", "surrogatepass")
        print(f"{trace.name}: {trace.stat().st_size} bytes, {text.count(chr(10))} events")


if __name__ == "__main__":
    main()
