"""A local of nearly every built-in and standard type."""

import datetime
import decimal
import fractions
import functools
import pathlib
import re
import types
import uuid


def hold():
    nothing = ...
    span = range(2, 20, 3)
    cut = slice(1, None, 2)
    pattern = re.compile(r"(\w+)=(\d+)")
    found = pattern.search("key=42")
    moment = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc)
    delta = moment - datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    price = decimal.Decimal("19.90")
    price += decimal.Decimal("0.10")
    share = fractions.Fraction(3, 12)
    path = pathlib.PurePosixPath("/tmp") / "file.txt"
    ident = uuid.UUID(int=5)
    method = path.joinpath
    builtin = len
    part = functools.partial(int, base=2)
    proxy = types.MappingProxyType({"k": 1})
    space = types.SimpleNamespace(a=1)
    space.b = [2]
    kind = type(space)
    keys = {"z": 1}.keys()
    error = ValueError("kept", 3)
    return [
        nothing, span, cut, found.groups(), delta.days, price, share, path.name, ident.hex[-2:],
        callable(method), builtin([1]), part("101"), proxy["k"], space, kind.__name__, list(keys),
        error.args,
    ]


print(hold())
