"""What of a test run is the framework's, and not the tests': packages whose code is not recorded.

One table, by the module that `-m` names; `filters.chain` makes a filter of it. A name is that of a
package or module in site-packages; a `*` at its end stands for any rest. (The standard library is
not recorded anyway.)
"""

from __future__ import annotations

FRAMEWORKS: dict[str, tuple[str, ...]] = {
    "pytest": (
        "_pytest",
        "pytest",
        "pytest_*",
        "pluggy",
        "iniconfig",
        "packaging",
        "pygments",
        "typing_extensions",
        "py",
        "xdist",
        "execnet",
        "coverage",
        "hypothesis",
        "_hypothesis_*",
    ),
    "unittest": ("unittest", "coverage", "hypothesis", "_hypothesis_*"),
}
