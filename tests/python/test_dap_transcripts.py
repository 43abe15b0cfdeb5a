"""Sessions as they were said: each line of tests/dap/*.jsonl is a request or a message it brought.

The recordings are those of tests/golden. `CT_UPDATE=1` writes the messages anew; read the
difference before you commit it.
"""

import json
import os
from pathlib import Path

import pytest
from dap_client import Client

TESTS = Path(__file__).resolve().parent.parent
TRANSCRIPTS = sorted((TESTS / "dap").glob("*.jsonl"))


def said(client, request):
    """The messages a request brings, without their numbers and wherever this checkout is."""
    messages = json.dumps(client.send(json.dumps(request))).replace(str(TESTS), "TESTS")
    return [{k: v for k, v in m.items() if k != "seq"} for m in json.loads(messages)]


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_sessions_go_as_they_went(transcript):
    lines = [json.loads(line) for line in transcript.read_text("utf-8").splitlines()]
    requests = [line for line in lines if line.get("type") == "request"]
    recording = TESTS / "golden" / f"{transcript.stem.partition('_')[0]}.ctr"
    new = []
    with Client() as client:
        client.send('{"seq":1,"type":"request","command":"initialize"}')
        opened = {"seq": 2, "type": "request", "command": "launch"}
        opened["arguments"] = {"program": str(recording)}
        assert said(client, opened)[0]["success"]
        for request in requests:
            new += [request, *said(client, request)]
    if os.environ.get("CT_UPDATE"):
        texts = [json.dumps(line, ensure_ascii=False) for line in new]
        transcript.write_text("\n".join(texts) + "\n", encoding="utf-8")
    assert new == lines
