"""What of a test run is the framework's, and not the tests': packages whose code is not recorded.

`filters.chain` makes a filter of them.
"""

from __future__ import annotations

# Modules that `-m` names.
FRAMEWORKS = ("pytest", "unittest")

# Packages and modules in site-packages; a `*` at the end stands for any rest. They are the same for
# both, as tests of the one use tools of the other. (The standard library is not recorded anyway.)
PACKAGES = (
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
)
