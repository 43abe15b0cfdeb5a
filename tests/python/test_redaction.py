"""A secret is nowhere in the recording: not as a value, not as bytes of the file.

Each program makes its secret from pieces, so that its source does not hold it, and keeps it under a
name that says what it is. Then the secret's text is looked for in everything the recording says and
in the bytes of all its files (blocks are compressed: what `ct` prints is what they hold).
"""

import base64
import textwrap

import pytest
from side_by_side import SideBySide, cases

SECRET = "Zq7-hush-91xK"


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


# `given` stands for an expression that makes the secret in one line, leaving no trace elsewhere.
HELD = {
    "local": """
        def f():
            password = given
            x = 1
            password = None
            return x
        f()
        """,
    "argument": """
        def f(password, /, api_key, *, token=None):
            x = 1
            return x
        f(given, given, token=given)
        """,
    "default of an argument": """
        def f(password=given):
            return 1
        f()
        """,
    "keyword arguments": """
        def f(**options):
            x = 1
            return x
        f(password=given, user="me")
        """,
    "names of all styles": """
        def f():
            dbPassword = given
            API_KEY = given
            accessToken = given
            user_passwd = given
            clientSecret = given
            private_key = given
            myTokens = given
            AWS_SECRET_ACCESS_KEY = given
            password2 = given
            apikey = given
            auth_token_old = given
            credentials = given
            _token = given
            __secret = given
            PASSWORD1 = given
            sessionToken = given
            bearer = given
            passphrase = given
            return 1
        f()
        """,
    "names of doubtful style": """
        def f():
            passWord = given
            passwords = given
            api_keys = given
            return 1
        f()
        """,
    "global": """
        password = given
        def f():
            global token
            token = given
            return 1
        f()
        x = 1
        """,
    "global through globals()": """
        globals()["password"] = given
        x = 1
        globals().update(token=given)
        y = 1
        """,
    "attribute": """
        class A:
            def __init__(self):
                self.password = given
                self.x = 1
        def f():
            a = A()
            a.token = given
            a.x = 2
            return a
        f()
        """,
    "many attributes": """
        class A: pass
        def f():
            a = A()
            for i in range(40): setattr(a, f"n{i}", i)
            a.password = given
            a.__dict__["api_key"] = given
            return a
        f()
        """,
    "slot": """
        class A: __slots__ = ("password", "x")
        def f():
            a = A()
            a.password = given
            a.x = 1
            a.password = given + ""
            return a
        f()
        """,
    "class attribute": """
        class A:
            password = given
            x = 1
        def f():
            A.token = given
            a = A
            return a()
        f()
        """,
    "dataclass": """
        import dataclasses
        @dataclasses.dataclass
        class D:
            user: str
            password: str
            token: str = ""
        def f():
            d = D("me", given)
            d.token = given
            e = dataclasses.replace(d, user="you")
            return e
        f()
        """,
    "named tuple": """
        import collections, typing
        P = collections.namedtuple("P", "user password")
        class T(typing.NamedTuple):
            user: str
            token: str
        def f():
            p = P("me", given)
            t = T(user="me", token=given)
            return p, t
        f()
        """,
    "dict": """
        def f():
            d = {"user": "me", "password": given}
            d["token"] = given
            d["x"] = 1
            d.update(api_key=given)
            d |= {"secret": given}
            e = dict(d)
            f = {**e}
            e["deep"] = {"deeper": [{"password": given}]}
            return f
        f()
        """,
    "dicts of other kinds": """
        from collections import OrderedDict, defaultdict, UserDict
        import types
        class D(dict): pass
        class K(str): pass
        def f():
            a = OrderedDict(password=given)
            b = defaultdict(str, password=given)
            c = D(password=given)
            d = {K("password"): given}
            g = types.MappingProxyType({"password": given})
            h = types.SimpleNamespace(password=given)
            i = UserDict(password=given)
            a["token"] = b["token"] = c["token"] = given
            return a, b, c, d, g, h, i
        f()
        """,
    "bytes as a key": """
        def f():
            d = {b"password": given}
            d[b"token"] = given
            return 1
        f()
        """,
    "closure": """
        def f():
            password = given
            def inner():
                x = password
                return len(password)
            return inner
        f()
        """,
    "returned": """
        def get_password():
            return given
        def read_token(n):
            if n: return given
        def f():
            return len(get_password()) + len(read_token(1))
        f()
        """,
    "yielded": """
        def tokens():
            yield given
            yield 1
        def f():
            n = 0
            for token in tokens():
                n += 1
            return n
        f()
        """,
    "method": """
        class Vault:
            @property
            def password(self):
                return given
            @staticmethod
            def make_token():
                return given
        def f():
            v = Vault()
            return len(v.password) + len(v.make_token())
        f()
        """,
    "comprehension and loop": """
        def f():
            n = [len(password) for password in (given,)]
            for token in [given]:
                n.append(token[0])
            return n
        f()
        """,
    "walrus, with, except, match": """
        import contextlib
        def f():
            if (password := given): x = 1
            with contextlib.nullcontext(given) as token: x = 2
            match {"k": given}:
                case {"k": secret}: x = 3
            return x
        f()
        """,
    "container under a secret name": """
        def f():
            secrets = [given]
            credentials = {"user": given}
            token = {given}
            tokens = (given, given)
            secrets.append(given)
            credentials["other"] = given
            x = 1
            return x
        f()
        """,
    "object under a secret name": """
        class Plain: pass
        def f():
            token = Plain()
            token.text = given
            token.more = [given]
            x = 1
            return x
        f()
        """,
    "long secret": """
        def f():
            password = given * 2000
            d = {"token": given.encode() * 100}
            return 1
        f()
        """,
    "bytes and numbers": """
        def f():
            password = given.encode()
            token = bytearray(given, "ascii")
            token += b"x"
            secret = memoryview(password)
            return 1
        f()
        """,
    "name that is not ASCII": """
        def f():
            größe_password = given
            d = {"пароль_password": given}
            return 1
        f()
        """,
    "very long name": """
        def f():
            NAME_password = given
            return 1
        f()
        """.replace("NAME", "a_very_long_name" * 8),
    "exception": """
        class E(Exception):
            def __init__(self, password):
                super().__init__("no entry")
                self.password = password
        def f():
            try: raise E(given)
            except E as e: return e.password is None
        class Passed(Exception):
            def __init__(self, user, *, token):
                super().__init__(user, f"not with {token}")
                self.add_note("a note")
        def g():
            try: raise Passed("me", token=given) from ValueError(1)
            except Passed as e: return str(e) is None
        f()
        g()
        """,
    "exception made by __new__": """
        class E(Exception):
            def __new__(cls, secret): return super().__new__(cls, secret)
        class Derived(E): pass
        def f():
            try: raise Derived(given)
            except E as e: return len(e.args)
        f()
        """,
    "generator and coroutine": """
        import asyncio
        async def login(password):
            await asyncio.sleep(0)
            token = given
            return 1
        def g(secret):
            yield 1
            api_key = given
            yield 2
        asyncio.run(login(given))
        list(g(given))
        """,
    "exec with a namespace": """
        space = {"password": given}
        exec("token = password\\nx = 1", space)
        exec("token = password\\nx = 1", space, {})
        """,
    "thread": """
        import threading
        def f(password):
            x = 1
        t = threading.Thread(target=f, kwargs={"password": given})
        t.start()
        t.join()
        """,
    "functools.partial": """
        import functools
        def f(password): return 1
        p = functools.partial(f, password=given)
        p()
        """,
    "enum": """
        import enum
        class E(enum.Enum):
            PASSWORD = given
            OTHER = 1
        class S(enum.StrEnum):
            TOKEN = given
        class B(bytes, enum.Enum):
            API_KEY = given.encode()
        class Pair(enum.Enum):
            SECRET = (given, 1)
        def f():
            e = E.PASSWORD
            s = S.TOKEN
            b = B.API_KEY
            p = Pair.SECRET
            return 1
        f()
        """,
    "many locals": """
        def f():
            LOCALS
            password = given
            token = given
            x = 1
            return x
        f()
        """.replace("LOCALS", "; ".join(f"v{i} = {i}" for i in range(80))),
    "replaced dict of an instance": """
        class A: pass
        def f():
            a = A()
            a.__dict__ = {"password": given, "x": 1}
            b = vars(a)
            b["token"] = given
            return a
        f()
        """,
}
BUGS = {}


def spoken(program):
    """The program with an expression in place of `given` that names the secret nowhere."""
    codes = [ord(c) ^ 5 for c in SECRET]
    expression = f"bytes(map((5).__xor__, {codes})).decode()"
    return textwrap.dedent(program).replace("given", expression)


def forms():
    data = SECRET.encode()
    return [data, base64.b64encode(data)[:-4], data.hex().encode(), data[:8], data[4:]]


def assert_nowhere(sides):
    shown = [sides.printed(*words).encode() for words in PRINTS]
    for form in ("json", "binary"):
        done = sides.ask("export", "--format", form, "-o", sides.recording / f"trace.{form}")
        assert done.returncode == 0, done.stderr
    for found in [*shown, *(path.read_bytes() for path in sides.recording.iterdir())]:
        for form in forms():
            assert form not in found, context(found, form)


PRINTS = [("--length", "0", "--depth", "9"), ("--format", "json", "--depth", "9", "--globals")]


def context(data, form):
    at = data.index(form)
    line = data[data.rfind(b"\n", 0, at) + 1 : at + 40]
    return f"the secret is in: {line[:60]!r} … {line[-160:]!r}"


@pytest.mark.parametrize("name", cases(HELD, BUGS))
def test_the_secret_is_nowhere(sides, name):
    sides.write(spoken(HELD[name]))
    done = sides.recorded("program.py")
    assert done.status == 0, done
    sides.verify()
    assert '"event":"line"' in sides.printed("--format", "json")
    assert_nowhere(sides)


def test_what_is_no_secret_is_kept(sides):
    sides.write(
        spoken(
            """
            def f():
                pin = compass = tokenizer = given
                author = {"passenger": given}
                return secretary
            secretary = given
            f()
            """
        )
    )
    assert sides.recorded("program.py").status == 0
    shown = sides.printed("--length", "0")
    for name in ("compass", "tokenizer", "passenger", "secretary"):
        assert f"{name} = '{SECRET}'" in shown or f"'{name}': '{SECRET}'" in shown


def test_a_formatted_text_is_output_and_stays(sides):
    sides.write(spoken("def f(password): print(f'it is {password}')\nf(given)\n"))
    done = sides.recorded("program.py")
    assert SECRET in done.out
    assert SECRET in sides.printed("--output")


def test_the_environment_is_not_recorded(sides):
    sides.write("import os\nx = os.getpid()\n")
    assert sides.recorded("program.py", variables={"PASSWORD": SECRET}).status == 0
    assert_nowhere(sides)
