"""One filter file: TOML, checked down to its last key."""

from __future__ import annotations

import difflib
import hashlib
import os
import tomllib
from dataclasses import dataclass

from .mistake import mistake
from .selector import NAME_KINDS, SCOPE_KINDS, Selector, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ACTIONS = ("allow", "redact", "drop")  # by enum ctr_variable_action
_SPELLINGS = {**{name: name for name in ACTIONS}, "deny": "redact"}
_EXECS = ("trace", "skip")
_STREAMS = ("stdout", "stderr", "stdin", "files")

# Each table's keys with the type of their values.
_TOP: dict[str, type] = {"meta": dict, "io": dict, "scope": dict}
_META: dict[str, type] = {"name": str, "version": int, "description": str, "labels": list}
_IO: dict[str, type] = {"capture": bool, "streams": list, "modes": list}
_SCOPE: dict[str, type] = {"default_exec": str, "default_value_action": str, "rules": list}
_RULE: dict[str, type] = {
    "selector": str,
    "exec": str,
    "value_default": str,
    "reason": str,
    "value_patterns": list,
}
_PATTERN: dict[str, type] = {"selector": str, "action": str, "reason": str}
_TOML_NAMES = {dict: "table", list: "array", str: "string", int: "integer", bool: "boolean"}


@dataclass(frozen=True)
class Pattern:
    selector: Selector
    action: str
    reason: str | None = None


@dataclass(frozen=True)
class Rule:
    selector: Selector
    exec: str | None  # None: as it is
    value: str | None
    patterns: tuple[Pattern, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class Capture:
    """Which streams are recorded."""

    is_on: bool
    streams: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    name: str
    path: str
    sha256: str
    version: int
    root: str  # `file:` selectors are below it; "": there are none but expressions
    default_exec: str | None  # None: inherited
    default_value: str | None
    rules: tuple[Rule, ...]
    capture: Capture | None = None
    description: str | None = None
    labels: tuple[str, ...] = ()


def read(path: str) -> Document:
    """Read the file at this absolute path."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise mistake(f"failed to read trace filter '{path}': {error.strerror}") from None
    return parse_text(data, path, project_root(path))


def project_root(path: str) -> str:
    """The folder that has the `.codetracer` the file is in, else the file's own."""
    folder = at = os.path.dirname(path)
    while os.path.dirname(at) != at:
        if os.path.basename(at) == ".codetracer":
            return os.path.dirname(at)
        at = os.path.dirname(at)
    return folder


def parse_text(data: bytes, path: str, root: str) -> Document:
    """Read a filter's text; `path` names it in messages."""
    try:
        content = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise mistake(f"failed to parse trace filter '{path}': {error}") from None
    return _Reader(path, root).document(content, hashlib.sha256(data).hexdigest())


class _Reader:
    def __init__(self, path: str, root: str) -> None:
        self.path = path
        self.root = root

    def document(self, content: dict[str, Any], sha256: str) -> Document:
        self.check(content, _TOP, "", required=("meta", "scope"))
        meta, scope = content["meta"], content["scope"]
        self.check(meta, _META, "meta", required=("name", "version"))
        if not meta["name"].strip():
            raise mistake(f"'meta.name' must not be empty in '{self.path}'")
        if meta["version"] < 1:
            raise mistake(f"'meta.version' must be >= 1 in '{self.path}'")
        self.check(scope, _SCOPE, "scope", required=("default_exec", "default_value_action"))
        return Document(
            name=meta["name"],
            path=self.path,
            sha256=sha256,
            version=meta["version"],
            root=self.root,
            default_exec=self.choose_exec(scope, "default_exec", "scope"),
            default_value=self.choose_action(scope, "default_value_action", "scope"),
            rules=tuple(self.rule(i, rule) for i, rule in enumerate(scope.get("rules", []))),
            capture=self.capture(content["io"]) if "io" in content else None,
            description=meta.get("description"),
            labels=tuple(dict.fromkeys(self.texts(meta, "labels", "meta"))),
        )

    def capture(self, table: dict[str, Any]) -> Capture:
        self.check(table, _IO, "io")
        if table.get("modes"):
            raise mistake(f"'io.modes' is reserved and must be empty in '{self.path}'")
        streams = self.texts(table, "streams", "io")
        for stream in streams:
            if stream not in _STREAMS:
                raise mistake(
                    f"unsupported IO stream '{stream}' in '{self.path}' "
                    f"(one of {', '.join(_STREAMS)})"
                )
        is_on = table.get("capture", False)
        if is_on and not streams:
            raise mistake(
                f"'io.streams' must be provided when 'io.capture = true' in '{self.path}'"
            )
        return Capture(is_on, tuple(dict.fromkeys(streams)))

    def rule(self, index: int, table: object) -> Rule:
        where = f"scope.rules[{index}]"
        rule = self.check(table, _RULE, where, required=("selector",))
        try:
            selector = parse(rule["selector"], SCOPE_KINDS, self.root)
        except ValueError as error:
            raise mistake(f"invalid scope selector in {self.path} {where}: {error}") from None
        patterns = rule.get("value_patterns", [])
        return Rule(
            selector=selector,
            exec=self.choose_exec(rule, "exec", where),
            value=self.choose_action(rule, "value_default", where),
            patterns=tuple(self.pattern(where, i, one) for i, one in enumerate(patterns)),
            reason=rule.get("reason"),
        )

    def pattern(self, rule: str, index: int, table: object) -> Pattern:
        place = f"value_patterns[{index}]"
        pattern = self.check(table, _PATTERN, f"{rule}.{place}", required=("selector", "action"))
        try:
            selector = parse(pattern["selector"], NAME_KINDS, self.root)
        except ValueError as error:
            raise mistake(
                f"invalid value selector in {self.path} {rule} {place}: {error}"
            ) from None
        action = self.choose_action(pattern, "action", f"{rule}.{place}")
        if action is None:
            raise mistake(self.unsupported("inherit", f"{rule}.{place}.action", _SPELLINGS))
        return Pattern(selector, action, pattern.get("reason"))

    def choose_exec(self, table: dict[str, Any], key: str, where: str) -> str | None:
        return self.choose(table, key, where, {name: name for name in _EXECS})

    def choose_action(self, table: dict[str, Any], key: str, where: str) -> str | None:
        return self.choose(table, key, where, _SPELLINGS)

    def choose(
        self, table: dict[str, Any], key: str, where: str, words: dict[str, str]
    ) -> str | None:
        value = table.get(key, "inherit")
        if value == "inherit":
            return None
        if value not in words:
            raise mistake(self.unsupported(value, f"{where}.{key}", [*words, "inherit"]))
        return words[value]

    def unsupported(self, value: str, where: str, words: object) -> str:
        assert isinstance(words, list | dict)
        known = ", ".join(words)
        return f"unsupported value '{value}' for '{where}' in '{self.path}' (one of {known})"

    def texts(self, table: dict[str, Any], key: str, where: str) -> list[str]:
        values = table.get(key, [])
        for value in values:
            if not isinstance(value, str):
                raise mistake(f"'{where}.{key}' in '{self.path}' holds something that is no string")
        return list(values)

    def check(
        self, table: object, keys: dict[str, type], where: str, required: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The table, if it has all it needs and nothing nobody knows."""
        prefix = f"{where}." if where else ""
        if not isinstance(table, dict):
            raise mistake(f"'{where}' in '{self.path}' must be a table")
        for key, value in table.items():
            if key not in keys:
                close = difflib.get_close_matches(key, keys, 1, 0.5)
                hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(keys)}"
                raise mistake(f"unknown key '{prefix}{key}' in '{self.path}': {hint}")
            # In Python a boolean is an integer; in TOML it is not.
            if type(value) is not keys[key]:
                raise mistake(
                    f"'{prefix}{key}' in '{self.path}' must be a {_TOML_NAMES[keys[key]]}"
                )
        for key in required:
            if key not in table:
                raise mistake(f"'{prefix}{key}' is missing in '{self.path}'")
        return table
