"""Which rule decides on a piece of code and its names, and why.

The native recorder is asked, so what is told here is what it does.
"""

from __future__ import annotations

from .. import _recorder
from . import builtin
from .chain import Chain
from .document import ACTIONS, Rule
from .selector import NAME_KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFAULT, _BUILT_IN = -1, -2  # enum filter_source
_FINAL = 3  # from this scope_reason on no rule is asked
_VARIABLES = frozenset(("arg", "global", "local", "ret"))


def explain(
    chain: Chain, file: str, module: str | None, name: str, variable: str | None
) -> Iterator[str]:
    """Tell it line by line.

    name: qualified, with or without the module before it.
    variable: `KIND:NAME`, or a name that is asked about as every kind.
    """
    table = chain.table()
    (module, _, _), *_ = _recorder.explain(table, file, module, None, ())
    name = name.removeprefix(f"{module}.")
    names = tuple(_asked(variable, f"{module}.{name}" if module else name))
    seen, reason, skips, exec_rule, value_rule, list_rule, verdicts = _recorder.explain(
        table, file, module, name, names
    )
    yield f"pkg    {seen[0] or '(none)'}"
    yield f"file   {seen[1]}"
    yield f"obj    {seen[2]}"
    yield f"code   {'skipped' if skips else 'recorded'}: {_code_reason(chain, reason, exec_rule)}"
    yield f"values {_value_default(chain, value_rule)}"
    for (kind, text), (action, pattern, is_secret) in zip(names, verdicts, strict=True):
        rules = list_rule, value_rule
        why = _value_reason(chain, NAME_KINDS[kind], ACTIONS[action], *rules, pattern, is_secret)
        yield f"{NAME_KINDS[kind]:6} {text}: {ACTIONS[action]}: {why}"


def _asked(variable: str | None, result: str) -> Iterator[tuple[int, str]]:
    if variable is None:
        return
    kind, separator, name = variable.partition(":")
    if separator and kind in NAME_KINDS:
        yield NAME_KINDS.index(kind), name
        return
    for number, kind in enumerate(NAME_KINDS):
        if kind != "ret":
            yield number, variable
        elif variable == result:
            yield number, result


def _code_reason(chain: Chain, reason: int, rule: int) -> str:
    if reason >= _FINAL or rule == _BUILT_IN:
        return f"{builtin.NAME}: {builtin.CODE[reason].partition(': ')[2]}"
    if rule == _DEFAULT:
        return _default(chain, "default_exec")
    return _rule(chain, rule)


def _value_default(chain: Chain, rule: int) -> str:
    if rule == _DEFAULT:
        return f"{chain.default_value()[0]}: {_default(chain, 'default_value')}"
    return f"{chain.rules[rule][2].value}: {_rule(chain, rule)}"


def _value_reason(
    chain: Chain,
    kind: str,
    action: str,
    list_rule: int,
    value_rule: int,
    pattern: int,
    is_secret: bool,
) -> str:
    if pattern >= 0:
        found = chain.rules[list_rule][2].patterns[pattern]
        why = f" ({found.reason})" if found.reason else ""
        place = f"value_patterns[{pattern}] {found.selector.text}{why}"
        return f"{place} of {_rule(chain, list_rule)}"
    default, why = _value_default(chain, value_rule).split(": ", 1)
    expected = default if kind in _VARIABLES else "allow"
    if kind in ("attr", "global") and action != expected and not is_secret:
        return "a pattern of a rule about objects, which holds for all of them"
    if is_secret:
        return f"{builtin.NAME}: the name has a word of a secret's"
    if kind in _VARIABLES:
        return why
    return f"{builtin.NAME}: no pattern matches"


def _default(chain: Chain, name: str) -> str:
    for document in reversed(chain.documents):
        if getattr(document, name) is not None:
            return f"the default of '{document.name}' ({document.path})"
    return f"the default of {builtin.NAME}"


def _rule(chain: Chain, number: int) -> str:
    document, index, rule = chain.rules[number]
    return f"rules[{index}] {_written(rule)} of '{document.name}' ({document.path})"


def _written(rule: Rule) -> str:
    return rule.selector.text + (f" ({rule.reason})" if rule.reason else "")
