#!/usr/bin/env python3
"""Write a C file with the files of a folder in it: the table of src/server/assets.h.

Usage: embed.py FOLDER OUTPUT [--depfile FILE]. A folder that is not there gives an empty table.
What compresses is there in both forms. Two runs over the same files write the same bytes.
"""

import argparse
import gzip
import hashlib
from pathlib import Path

BYTES_PER_LINE = 24


def array(name: str, data: bytes) -> str:
    """Return the definition of an array."""
    lines = (
        ",".join(map(str, data[at : at + BYTES_PER_LINE]))
        for at in range(0, len(data), BYTES_PER_LINE)
    )
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(lines) + "};\n"


def escaped(text: str) -> str:
    """Return a text as it stands in a C string."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def rows(folder: Path, files: list[Path]) -> tuple[list[str], list[str]]:
    """Return the arrays and the table's rows."""
    arrays, table = [], []
    for number, path in enumerate(files):
        raw = path.read_bytes()
        packed = gzip.compress(raw, 9, mtime=0)
        is_packed = len(packed) < len(raw)
        # An array has at least one element.
        arrays.append(array(f"raw_{number}", raw or b"\0"))
        if is_packed:
            arrays.append(array(f"gzip_{number}", packed))
        name = escaped("/" + path.relative_to(folder).as_posix())
        etag = hashlib.sha256(raw).hexdigest()[:32]
        gzip_form = f"gzip_{number}, {len(packed)}" if is_packed else "0, 0"
        table.append(f'    {{"{name}", "\\"{etag}\\"", raw_{number}, {len(raw)}, {gzip_form}}},\n')
    return arrays, table


def source(folder: Path, files: list[Path]) -> str:
    """Return the whole C file."""
    arrays, table = rows(folder, files)
    return "".join(
        [
            "/* Made by tools/embed.py. */\n",
            '#include "server/assets.h"\n\n',
            *arrays,
            "const struct sv_asset sv_assets[] = {\n",
            *(table or ["    {0},\n"]),
            "};\n\n",
            f"const size_t sv_asset_count = {len(table)};\n",
        ]
    )


def depends(folder: Path, files: list[Path]) -> list[Path]:
    """Return what a change of which changes the output: a folder's time tells of new names."""
    if not folder.is_dir():
        return [next(parent for parent in folder.absolute().parents if parent.is_dir())]
    return [folder, *(path for path in folder.rglob("*") if path.is_dir()), *files]


def main() -> None:
    """Write the C file, and the list of what it was made from."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--depfile", type=Path)
    options = parser.parse_args()
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())
    options.output.write_text(source(options.folder, files), encoding="utf-8")
    if options.depfile:
        names = [str(path).replace(" ", "\\ ") for path in depends(options.folder, files)]
        options.depfile.write_text(f"{options.output}: {' '.join(names)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
