"""`python -m codetracer_python_recorder`: the same as the command `codetracer-python-recorder`."""

from . import launch

if __name__ == "__main__":
    # First of all: `-m` has put the working directory on sys.path, where a program's own files
    # could pass for the library modules that the command line needs.
    launch.leave()

    from .cli import main

    raise SystemExit(main())
