"""Talk to the debug adapter through its probe, and check what every client may expect."""

import json
import re
import subprocess
from pathlib import Path

from probe import PATIENCE, LineProcess, probe_path

ROOT = Path(__file__).resolve().parent.parent.parent
PROTOCOL = ROOT / "web" / "src" / "lib" / "protocol.ts"


def requests():
    """The requests there are, each with the capability that says so, or ""."""
    listed = subprocess.run(
        [probe_path("CT_DAP_PROBE"), "--requests"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return dict(line.split("\t") for line in listed.stdout.splitlines())


class Failed(Exception):
    """The adapter refused a request; the text says why."""


class Client(LineProcess):
    """A session of the adapter. `events` holds those that came with the latest request."""

    def __init__(self, *recording, **arguments):
        super().__init__(probe_path("CT_DAP_PROBE"), *recording)
        self.seq = 0
        self.latest = 0
        self.events = []
        self.capabilities = None
        if recording:
            self.capabilities = self.ask("initialize", **arguments)

    def send(self, line):
        """Hand over one line, and return the messages that came."""
        self.write(line)
        messages = []
        while (answer := self.read(line[:500])) != "\n":
            messages.append(json.loads(answer))
        for message in messages:
            if "seq" in message:
                assert message["seq"] == self.latest + 1
                self.latest += 1
        return messages

    def respond(self, line):
        """Hand over a request as text; its only response."""
        messages = self.send(line)
        self.events = [m for m in messages if m.get("type") == "event"]
        responses = [m for m in messages if m.get("type") == "response"]
        assert len(responses) == 1, (line[:500], messages)
        assert responses[0]["success"] or responses[0]["message"]
        return responses[0]

    def try_ask(self, command, **arguments):
        self.seq += 1
        request = {
            "seq": self.seq,
            "type": "request",
            "command": command,
            "arguments": arguments,
        }
        response = self.respond(json.dumps(request))
        assert (response["request_seq"], response["command"]) == (self.seq, command)
        return response

    def ask(self, command, **arguments):
        """Ask, and return the body of the answer."""
        response = self.try_ask(command, **arguments)
        if not response["success"]:
            raise Failed(response["message"])
        return response.get("body")

    def body_of(self, event):
        """The body of the only event of this name that came with the latest request."""
        (found,) = (e["body"] for e in self.events if e["event"] == event)
        return found

    def variables(self, reference, **arguments):
        found = self.ask("variables", variablesReference=reference, **arguments)["variables"]
        return {variable["name"]: variable for variable in found}

    def scopes(self, frame=0):
        frames = self.ask("stackTrace", threadId=self.ask("threads")["threads"][0]["id"])
        scopes = self.ask("scopes", frameId=frames["stackFrames"][frame]["id"])["scopes"]
        return {scope["name"]: scope["variablesReference"] for scope in scopes}


def interfaces():
    """Of each interface of protocol.ts its members: name to whether it may be absent."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", PROTOCOL.read_text("utf-8"), flags=re.DOTALL)
    found = {}
    for name, body in re.findall(r"interface (\w+)[^{]*\{\n(.*?)\n\}", text, flags=re.DOTALL):
        members = re.findall(r"^  (\w+)(\??):", body, flags=re.MULTILINE)
        found[name] = {member: bool(mark) for member, mark in members}
    return found


def check_shape(answer, members):
    assert set(answer) - set(members) == set()
    assert {name for name, optional in members.items() if not optional} <= set(answer)
