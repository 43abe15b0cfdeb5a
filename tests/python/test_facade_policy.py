"""Policy: defaults, arguments, environment."""

import inspect
from pathlib import Path

import pytest
from codetracer_python_recorder import UsageError, policy

DEFAULTS = {
    "on_recorder_error": "abort",
    "require_trace": False,
    "keep_partial_trace": False,
    "log_level": None,
    "log_file": None,
    "json_errors": False,
    "module_name_from_globals": True,
    "propagate_script_exit": False,
    "io_capture": {"line_proxies": True, "fd_fallback": False},
}


@pytest.fixture(autouse=True)
def fresh_policy(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # a log file is made at once
    defaults = {name: row[0] for name, row in policy._SETTINGS.items()}
    monkeypatch.setattr(policy, "_current", defaults)
    monkeypatch.setattr(policy, "_was_set", set())
    for name in (*(row[1] for row in policy._SETTINGS.values() if row[1]), "CODETRACER_CAPTURE_IO"):
        monkeypatch.delenv(name, raising=False)
    yield
    monkeypatch.undo()
    policy._apply_to_log()


def test_defaults():
    assert policy.policy_snapshot() == DEFAULTS
    assert list(inspect.signature(policy.configure_policy).parameters) == list(policy._SETTINGS)


def test_only_what_is_given_changes():
    policy.configure_policy(" Disable ", keep_partial_trace=True, log_file=Path("x.log"))
    policy.configure_policy(log_level="debug")
    changed = {"on_recorder_error": "disable", "keep_partial_trace": True, "log_level": "debug"}
    assert policy.policy_snapshot() == {**DEFAULTS, **changed, "log_file": "x.log"}
    policy.configure_policy(log_level=" ", log_file="")
    assert policy.policy_snapshot()["log_level"] is policy.policy_snapshot()["log_file"] is None


def test_the_fallback_needs_the_proxies():
    policy.configure_policy(io_capture_fd_fallback=True)
    assert policy.policy_snapshot()["io_capture"] == {"line_proxies": True, "fd_fallback": True}
    policy.configure_policy(io_capture_line_proxies=False)
    assert policy.policy_snapshot()["io_capture"] == {"line_proxies": False, "fd_fallback": False}


def test_bad_arguments():
    with pytest.raises(UsageError) as caught:
        policy.configure_policy(on_recorder_error="panic", require_trace=True)
    assert caught.value.code == "ERR_INVALID_POLICY_VALUE"
    assert "invalid on_recorder_error value 'panic' (expected 'abort' or 'disable')" in str(
        caught.value
    )
    with pytest.raises(TypeError):
        policy.configure_policy(require_trace="no")
    with pytest.raises(TypeError):
        policy.configure_policy(nonsense=True)
    assert policy.policy_snapshot() == DEFAULTS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in (" TRUE ", "1", "t", "Yes", "y")),
        *((text, False) for text in ("0", "False", "f", "no", "N")),
    ],
)
def test_boolean_variables(monkeypatch, text, value):
    policy.configure_policy(require_trace=not value)
    monkeypatch.setenv("CODETRACER_REQUIRE_TRACE", text)
    policy.configure_policy_from_env()
    assert policy.policy_snapshot()["require_trace"] is value


VARIABLES = {
    "CODETRACER_ON_RECORDER_ERROR": (" DISABLE ", "disable"),
    "CODETRACER_REQUIRE_TRACE": ("1", True),
    "CODETRACER_KEEP_PARTIAL_TRACE": ("1", True),
    "CODETRACER_LOG_LEVEL": ("debug", "debug"),
    "CODETRACER_LOG_FILE": ("x.log", "x.log"),
    "CODETRACER_JSON_ERRORS": ("1", True),
    "CODETRACER_MODULE_NAME_FROM_GLOBALS": ("0", False),
    "CODETRACER_PROPAGATE_SCRIPT_EXIT": ("1", True),
}


@pytest.mark.parametrize("variable", VARIABLES)
def test_each_variable_sets_its_own_and_what_is_not_set_stays(monkeypatch, variable):
    text, value = VARIABLES[variable]
    setting = variable.removeprefix("CODETRACER_").lower()
    monkeypatch.setenv(variable, text)
    policy.configure_policy_from_env()
    assert policy.policy_snapshot() == {**DEFAULTS, setting: value}
    monkeypatch.delenv(variable)
    policy.configure_policy_from_env()
    assert policy.policy_snapshot() == {**DEFAULTS, setting: value}


def test_a_blank_level_and_file_are_none(monkeypatch):
    policy.configure_policy(log_level="debug", log_file="x.log")
    monkeypatch.setenv("CODETRACER_LOG_LEVEL", " ")
    monkeypatch.setenv("CODETRACER_LOG_FILE", "")
    policy.configure_policy_from_env()
    assert policy.policy_snapshot() == DEFAULTS


@pytest.mark.parametrize("text", ["", "panic", "\udcff"])
def test_a_bad_word_for_failures(monkeypatch, text):
    monkeypatch.setenv("CODETRACER_ON_RECORDER_ERROR", text)
    with pytest.raises(UsageError, match="invalid on_recorder_error value") as caught:
        policy.configure_policy_from_env()
    assert caught.value.code == "ERR_INVALID_POLICY_VALUE"


@pytest.mark.parametrize("text", ["", "maybe", "on"])
def test_a_bad_variable_changes_nothing(monkeypatch, text):
    monkeypatch.setenv("CODETRACER_ON_RECORDER_ERROR", "disable")
    monkeypatch.setenv("CODETRACER_JSON_ERRORS", text)
    with pytest.raises(UsageError, match="invalid boolean value") as caught:
        policy.configure_policy_from_env()
    assert caught.value.context == {"variable": "CODETRACER_JSON_ERRORS"}
    assert policy.policy_snapshot() == DEFAULTS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (True, False)),
        *((t, (False, False)) for t in ("0", "off", "false", "Disable", "disabled", "None")),
        *((t, (True, False)) for t in ("1", "on", "TRUE", "enable", "enabled", "proxies", "proxy")),
        *((t, (True, True)) for t in ("proxies+fd", "proxy, mirror", "fallback", "fd", "fd,fd")),
    ],
)
def test_capture(monkeypatch, text, expected):
    monkeypatch.setenv("CODETRACER_CAPTURE_IO", text)
    policy.configure_policy_from_env()
    assert tuple(policy.policy_snapshot()["io_capture"].values()) == expected


@pytest.mark.parametrize("text", ["proxies+tee", "+", ","])
def test_bad_capture(monkeypatch, text):
    monkeypatch.setenv("CODETRACER_CAPTURE_IO", text)
    with pytest.raises(UsageError, match="invalid CODETRACER_CAPTURE_IO value"):
        policy.configure_policy_from_env()
