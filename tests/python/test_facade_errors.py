"""The exceptions as tools see them."""

import pickle

import codetracer_python_recorder as recorder
import pytest
from codetracer_python_recorder.errors import make_error

KINDS = {
    "Usage": recorder.UsageError,
    "Environment": recorder.EnvironmentError,
    "Target": recorder.TargetError,
    "Internal": recorder.InternalError,
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_class(kind):
    error = make_error(kind, "ERR_IO", "cannot", {"path": "/x"})
    assert type(error) is KINDS[kind]
    assert isinstance(error, recorder.RecorderError)
    assert (error.kind, error.code, error.context) == (kind, "ERR_IO", {"path": "/x"})
    assert type(error).__name__ == f"Py{kind}Error"
    assert type(error).__module__ == "codetracer_python_recorder"


def test_the_layout_of_the_text():
    assert str(make_error("Usage", "ERR_X", "no", None)) == "[ERR_X] no"
    error = make_error("Usage", "ERR_X", "no", {"b": "2", "a": "1"})
    assert str(error) == "[ERR_X] no (a=1, b=2)"
    error.__cause__ = OSError("disk")
    assert str(error) == "[ERR_X] no (a=1, b=2): caused by disk"


def test_an_unknown_kind_is_our_defect():
    assert type(make_error("Odd", "ERR_X", "no")) is recorder.InternalError


def test_errors_can_be_pickled():
    error = pickle.loads(pickle.dumps(make_error("Target", "ERR_X", "no", {"a": "1"})))
    assert type(error) is recorder.TargetError
    assert str(error) == "[ERR_X] no (a=1)"
