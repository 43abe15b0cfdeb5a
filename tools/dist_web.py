#!/usr/bin/env python3
"""Copy the built window into a source distribution. Meson runs this when it makes one."""

import os
import shutil
from pathlib import Path


def main() -> None:
    """Copy web/dist, if there is one."""
    built = Path(os.environ["MESON_PROJECT_SOURCE_ROOT"], "web", "dist")
    if built.is_dir():
        copy = Path(os.environ["MESON_PROJECT_DIST_ROOT"], "web", "dist")
        shutil.copytree(built, copy, dirs_exist_ok=True)
    else:
        print("web/dist is missing: this distribution has no window (make web)")


if __name__ == "__main__":
    main()
