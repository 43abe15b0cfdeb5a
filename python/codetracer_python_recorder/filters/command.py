"""`codetracer-python-recorder filter …`: look at filter files without recording."""

from __future__ import annotations

import argparse
import marshal
import os

from .. import auto_start
from ..errors import RecorderError
from ..frameworks import FRAMEWORKS
from ..talk import Parser, printable, say
from . import split_spec
from .chain import Chain, compose
from .document import read
from .explain import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_PROG = "codetracer-python-recorder"


def main(argv: Sequence[str], prog: str = _PROG) -> int:
    """Run one command and return its exit status."""
    given = _build_parser(prog).parse_args(argv)
    try:
        status: int = given.run(given)
    except (RecorderError, OSError) as error:
        say(f"error: {getattr(error, 'message', error)}")
        return 2
    return status


def _check(given: argparse.Namespace) -> int:
    status = 0
    for name in given.files:
        try:
            document = read(os.path.realpath(name))
        except RecorderError as error:
            say(f"error: {error.message}")
            status = 1
        else:
            count = len(document.rules)
            rules = f"{count} rule{'' if count == 1 else 's'}"
            about = f"{name}: '{document.name}', version {document.version}, {rules}"
            print(printable(about))
    return status


def _explain(given: argparse.Namespace) -> int:
    file = os.path.abspath(given.file)
    chain = _chain(given, os.path.dirname(file))
    for line in explain(chain, file, given.module, given.object, given.name):
        print(printable(line))
    return 0


def _compile(given: argparse.Namespace) -> int:
    """For `ct record`: what a recorder that must import nothing needs of the filters."""
    table = _chain(given, given.near).table()
    with open(given.out, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(marshal.dumps(table))
    return 0


def _chain(given: argparse.Namespace, near: str) -> Chain:
    specs = [os.environ.get(auto_start.ENV_TRACE_FILTER, ""), *given.trace_filter]
    files = [os.path.realpath(os.path.expanduser(n)) for spec in specs for n in split_spec(spec)]
    return compose(
        files, near=near, framework=given.test_framework, only=given.only, skip=given.skip
    )


def _build_parser(prog: str) -> Parser:
    chain = Parser(add_help=False)
    chain.add_argument(
        "--trace-filter",
        metavar="FILES",
        action="append",
        default=[],
        help="filter files, joined by '::'; may be given several times",
    )
    chain.add_argument(
        "--test-framework", choices=FRAMEWORKS, help="as under -m pytest and its like"
    )
    chain.add_argument("--only", metavar="PATTERN", action="append", default=[])
    chain.add_argument("--skip", metavar="PATTERN", action="append", default=[])

    parser = Parser(prog=f"{prog} filter", description="Look at filter files.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    check = commands.add_parser("check", help="say what is wrong with filter files")
    check.add_argument("files", metavar="FILE", nargs="+")
    check.set_defaults(run=_check)
    explained = commands.add_parser(
        "explain", parents=[chain], help="say which rule decides on a piece of code, and why"
    )
    explained.add_argument("--file", required=True, help="the Python file the code is in")
    explained.add_argument("--object", required=True, help="its qualified name: Class.method")
    explained.add_argument("--module", help="the module's __name__, if it is not the file's")
    explained.add_argument("--name", help="a variable: NAME, or KIND:NAME with arg, attr, global …")
    explained.set_defaults(run=_explain)
    compiled = commands.add_parser("compile", parents=[chain])
    compiled.add_argument("--near", required=True)
    compiled.add_argument("--out", required=True)
    compiled.set_defaults(run=_compile)
    return parser
