"""Values that look like secrets are nowhere in a recording, whatever their names."""

import base64
import json
import textwrap

import pytest
from side_by_side import SideBySide

PRINTS = [("--length", "0", "--depth", "9"), ("--format", "json", "--depth", "9", "--globals")]
KEY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

SECRETS = {
    "private key": f"-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----",
    "private key of a kind": f"x\n-----BEGIN ENCRYPTED RSA PRIVATE KEY-----\n{KEY}\n",
    "web token": JWT,
    "web token in a header": f"Authorization: Bearer {JWT}",
    "web token unsigned": JWT.rpartition(".")[0] + ".",
    "github": "ghp_" + "a1B2" * 9,
    "github, fine-grained": "github_pat_" + "a1B2" * 12,
    "gitlab": "glpat-" + "a1B2-" * 4,
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "slack": "xoxb-" + "123456789012-abcdefABCDEF",
    "stripe": "sk_live_" + "a1B2" * 6,
    "google": "AIza" + "a1B2-" * 7,
    "openai": "sk-" + "a1B2" * 12,
    "anthropic": "sk-ant-" + "a1B2" * 12,
    "hugging face": "hf_" + "a1B2" * 9,
    "npm": "npm_" + "a1B2" * 9,
    "pypi": "pypi-" + "a1B2" * 20,
    "in a setting": "token=ghp_" + "a1B2" * 9 + "; path=/",
    "visa": "4111111111111111",
    "visa in groups": "4111 1111 1111 1111",
    "mastercard": "5555-5555-5555-4444",
    "amex": "card: 378282246310005.",
    "url": "postgresql://me:hush-91xK@db.example.com:5432/x",
    "url in a text": "connecting to https://me:hush-91xK@example.com/path?x=1 now",
    "not ASCII before": "größe ghp_" + "a1B2" * 9,
    "far from ASCII before": "пароль 4111111111111111",
}
NO_SECRETS = [
    "-----BEGIN PUBLIC KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
    "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJ.a.b",
    "4111111111111112",
    "14111111111111111",
    "0.4111111111111111",
    "x4111111111111111",
    "4111111111111111.5",
    "1763759999999999991",
    "12345678901234567890123",
    "https://example.com/a:b@c",
    "https://example.com:8080/x@y",
    "https://me@example.com/",
    "https://me:****@example.com/",
    "ghp_short",
    "sk-learn is a kebab",
    "task_sk_live_",
    "mAKIAIOSFODNN7EXAMPLE",
    "://",
    "a" * 5000,
]


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


def spoken(program, value):
    """The program with an expression in place of `given` that names the value nowhere."""
    codes = [ord(c) ^ 5 for c in value]
    return textwrap.dedent(program).replace(
        "given", f"''.join(map(chr, map((5).__xor__, {codes})))"
    )


def forms(value):
    data = value.encode()
    pieces = [data, base64.b64encode(data)[:-4], data.hex().encode()]
    digits = ", ".join(map(str, data))
    # In JSON, line breaks are written out.
    return [*pieces, digits.encode(), value.encode("unicode_escape"), data[-24:]]


def whole(sides):
    """Everything the recording says, and the bytes of all its files."""
    shown = [sides.printed(*words).encode() for words in PRINTS]
    for form in ("json", "binary"):
        done = sides.ask("export", "--format", form, "-o", sides.recording / f"trace.{form}")
        assert done.returncode == 0, done.stderr
    return [*shown, *(path.read_bytes() for path in sides.recording.iterdir())]


EVERYWHERE = """
    import array, collections, dataclasses, enum, types
    class Text(str): pass
    class Named(str):
        def __init__(self, _): self.x = 1
    class Data(bytes): pass
    @dataclasses.dataclass
    class Box:
        inside: object
    class E(enum.Enum):
        A = given
    Pair = collections.namedtuple("Pair", "a b")
    def f(argument, *rest, **more):
        local = given
        again = local + ""
        for turn in range(3):
            local = given
        texts = [given, (1, given), {given: given}, {given}, frozenset([given])]
        texts.append(given)
        texts[0] = given
        box = Box(given)
        box.inside = given
        pair = Pair(given, 1)
        text, named, data = Text(given), Named(given), Data(given.encode())
        plain = given.encode()
        array_ = bytearray(plain)
        array_ += b" "
        view = memoryview(plain)
        numbers = array.array("B", plain)
        space = types.SimpleNamespace(x=given)
        queue = collections.deque([given])
        long = given + " " * 6000
        try:
            raise ValueError(given)
        except ValueError as error:
            caught = error
        yield given
        return given
    glob = given
    list(f(given, given, more=given))
    print("printed", given)
    """


@pytest.mark.parametrize("name", SECRETS)
def test_the_value_is_nowhere(sides, name):
    value = SECRETS[name]
    sides.write(spoken(EVERYWHERE, value))
    done = sides.recorded("program.py", value)
    assert (done.status, done.err) == (0, "")
    assert value in done.out
    sides.verify()
    for found in whole(sides):
        for form in forms(value):
            assert form not in found, found[max(found.index(form) - 80, 0) :][:200]
    assert "<redacted>" in sides.printed()


def test_what_is_no_secret_is_kept(sides):
    sides.write(
        spoken("x = given\n", "\0".join(NO_SECRETS)).replace("x =", "x = (")
        + ").split(chr(0))\ny = x\n"
    )
    sides.recorded("program.py", limits=["--max-text", "0"])
    assert "0 redacted" not in sides.said
    assert " redacted" not in sides.said, sides.said
    for value in NO_SECRETS:
        assert repr(value) in sides.printed("--length", "0"), value


def test_it_can_be_switched_off(sides):
    value = SECRETS["github"]
    sides.write(spoken("def f():\n x = given\n password = given\n y = 1\nf()", value))
    sides.recorded("program.py", limits=["--no-redact-shapes"])
    assert f"x = '{value}'" in sides.printed()
    assert "password = <redacted>" in sides.printed()


def test_a_secret_across_the_limit_of_a_text(sides):
    """What is cut off may be what makes the rest known."""
    value = SECRETS["web token"]
    sides.write(spoken("x = ' ' * 60 + given\ny = 1\n", value))
    sides.recorded("program.py", limits=["--max-text", "80"])
    assert not any(value[:16].encode() in found for found in whole(sides))


def test_values_that_come_again_change_nothing(sides):
    """A place that holds the same secret again is no change; another secret is one."""
    program = """
        def f():
            x = given
            a = [given]
            for i in range(50):
                x = given
                a[0] = given
            return i
        f()
        """
    sides.write(spoken(program, SECRETS["github"]))
    sides.recorded("program.py")
    assert sides.printed().count("x = <redacted>") == 1
    assert sides.printed().count("[<redacted>]") <= 2


def test_they_are_counted(sides):
    sides.write(spoken("x = given\ny = x\n", SECRETS["visa"]))
    sides.recorded("program.py", limits=["--format", "json"])
    metadata = json.loads((sides.recording / "trace_metadata.json").read_text())
    counts = metadata["trace_filter"]["stats"]["value_redactions"]
    assert counts["shape"] == counts["total"] == 1
