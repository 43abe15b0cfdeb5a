"""Balance of calls and returns, as a library and as a script."""

import importlib.util
import json
from pathlib import Path

import pytest
from codetracer_python_recorder.trace_balance import (
    TraceBalanceError,
    load_trace_events,
    summarize_trace_balance,
)

CALL, RETURN, STEP = {"Call": {}}, {"Return": {}}, {"Step": {}}
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_trace_balance.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("check_trace_balance", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def write(tmp_path):
    def write(events):
        path = tmp_path / "trace.json"
        path.write_text(events if isinstance(events, str) else json.dumps(events))
        return path

    return write


def test_counting(write):
    result = summarize_trace_balance(load_trace_events(write([CALL, STEP, CALL, RETURN, RETURN])))
    assert (result.call_count, result.return_count, result.delta) == (2, 2, 0)
    assert result.is_balanced
    assert result.first_negative_index is None
    result = summarize_trace_balance([CALL, RETURN, STEP, RETURN, CALL])
    assert not result.is_balanced
    assert result.delta == 0
    assert result.first_negative_index == 3
    with pytest.raises(TraceBalanceError):
        summarize_trace_balance([{"Call": {}, "Return": {}}])


@pytest.mark.parametrize("text", ["", "{}", "[1]", '["DropLastStep"]', '[{"Call"'])
def test_bad_files(write, script, capsys, text):
    path = write(text)
    with pytest.raises(TraceBalanceError, match=r"trace\.json"):
        load_trace_events(path)
    assert script.main([str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")


def test_missing_files(tmp_path, script):
    with pytest.raises(TraceBalanceError, match="does not exist"):
        load_trace_events(tmp_path / "none")
    assert script.main([str(tmp_path)]) == 2
    assert script.main([]) == 2


@pytest.mark.parametrize(
    ("events", "status", "lines"),
    [
        ([CALL, RETURN], 0, ["Balanced trace: 1 call events, 1 return events."]),
        ([CALL, CALL], 1, ["Unbalanced trace detected.", "Missing 2 return event(s)."]),
        ([CALL, RETURN, RETURN], 1, ["Unexpected 1 extra return event(s).", "event index 2"]),
    ],
)
def test_the_script(write, script, capsys, events, status, lines):
    assert script.main([str(write(events))]) == status
    output = capsys.readouterr().out
    for line in lines:
        assert line in output
