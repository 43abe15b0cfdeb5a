"""Whatever a client says in whatever order: each request has one answer, and the session lives."""

import json

from dap_client import Client, requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_dap import NAMES

GOLDEN = __file__.replace("python/test_dap_fuzz.py", "golden/tour.ctr")
MOVES = ["into", "over", "out", "line", "visit", "moment", "place", "callEnd", "exception", "end"]
NUMBERS = st.integers(0, 400) | st.sampled_from([0, 1, 2, 3, 4, 5, 2**31, 2**32 - 1, 2**53 - 1])
TEXTS = st.sampled_from(
    ["<string>", "x", "values", "named", "raised", "output", "line", "1 +", "[" * 99, "{x}", *MOVES]
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | NUMBERS
    | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.sampled_from(NAMES), NUMBERS | TEXTS | ANYTHING, max_size=8)
LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "move": st.sampled_from(MOVES),
        "path": st.just("<string>"),
        "source": st.just({"path": "<string>"}),
        "line": st.integers(0, 120),
        "breakpoints": st.lists(
            st.fixed_dictionaries(
                {"line": st.integers(0, 120)},
                optional={
                    "condition": TEXTS,
                    "logMessage": TEXTS,
                    "hitCondition": st.sampled_from(["2", ">= 3", "% 2", "x"]),
                    "name": TEXTS,
                },
            ),
            max_size=3,
        ),
        "variablesReference": st.integers(0, 400),
        "frameId": st.integers(0, 60),
        "expression": st.sampled_from(["x", "texts", "data[0]", "1 + 1", "len(", "a.b.c", "((("]),
        "call": st.integers(0, 60),
        "parent": st.integers(0, 60),
        "moment": st.fixed_dictionaries(
            {"step": st.integers(0, 200)}, optional={"left": st.integers(0, 3)}
        ),
        "place": st.fixed_dictionaries({"block": st.integers(0, 2), "at": st.integers(0, 9999)}),
        "count": st.integers(0, 50),
        "start": st.integers(0, 50),
        "from": st.integers(0, 99),
        "to": st.integers(0, 199),
        "text": TEXTS,
        "column": st.integers(0, 9),
        "kind": st.sampled_from(["output", "exception"]),
        "value": TEXTS,
        "steps": st.lists(NUMBERS, max_size=3),
        "threadId": st.integers(0, 4),
        "backwards": st.booleans(),
    },
)


def test_any_messages_in_any_order():
    commands = sorted(set(requests()) - {"disconnect", "initialize", "launch", "attach"})
    with Client(GOLDEN) as client:
        client.ask("configurationDone")

        @settings(
            max_examples=80,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(st.tuples(st.sampled_from(commands), LIKELY | ARGUMENTS), max_size=12))
        def say(messages):
            for command, arguments in messages:
                client.try_ask(command, **arguments)

        say()
        assert client.ask("threads")["threads"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_broken_json_is_an_error(data):
    whole = json.dumps(
        {"seq": 1, "type": "request", "command": "evaluate", "arguments": {"expression": "x[1]"}}
    )
    cut = data.draw(st.integers(0, len(whole) - 1))
    put = data.draw(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=5))
    with Client(GOLDEN) as client:
        for broken in (whole[:cut], whole[:cut] + put, whole[:cut] + put + whole[cut:]):
            messages = client.send(broken or " ")
            answers = [m["success"] for m in messages if m.get("type") == "response"]
            assert answers == [False] or (broken == whole and len(answers) == 1), (broken, answers)
