"""Filter files: their grammar, their messages, and what their selectors match."""

import os
import re
import subprocess
import sys
import textwrap

import pytest
from codetracer_python_recorder import UsageError, _recorder
from codetracer_python_recorder.filters import chain, document, glob, regex, selector

HEAD = """
[meta]
name = "t"
version = 1
[scope]
default_exec = "trace"
default_value_action = "allow"
"""


def parsed(text, path="/proj/filter.toml", root="/proj"):
    return document.parse_text(textwrap.dedent(text).encode(), path, root)


def mistake_in(text):
    with pytest.raises(UsageError) as caught:
        parsed(text)
    assert caught.value.code == "ERR_INVALID_POLICY_VALUE"
    assert "/proj/filter.toml" in caught.value.message
    return caught.value.message


def rule(line, *more):
    return "\n".join([HEAD, "[[scope.rules]]", line, *more])


def pattern(line, action='action = "redact"'):
    return rule('selector = "pkg:a"', "[[scope.rules.value_patterns]]", line, action)


# ---- the grammar


def test_everything_a_file_may_say():
    found = parsed(
        """
        [meta]
        name = "all"
        version = 3
        description = "everything"
        labels = ["a", "b", "a"]
        [io]
        capture = true
        streams = ["stdout", "stdin", "stdout"]
        modes = []
        [scope]
        default_exec = "skip"
        default_value_action = "deny"
        [[scope.rules]]
        selector = "obj:literal:m.f"
        exec = "trace"
        value_default = "drop"
        reason = "why"
        [[scope.rules.value_patterns]]
        selector = "ret:*"
        action = "deny"
        reason = "because"
        [[scope.rules]]
        selector = "pkg:*"
        exec = "inherit"
        value_default = "inherit"
        """
    )
    assert (found.name, found.version, found.description) == ("all", 3, "everything")
    assert found.labels == ("a", "b")
    assert found.capture == document.Capture(is_on=True, streams=("stdout", "stdin"))
    assert (found.default_exec, found.default_value) == ("skip", "redact")
    first, second = found.rules
    assert (first.exec, first.value, first.reason) == ("trace", "drop", "why")
    assert [(p.selector.text, p.action, p.reason) for p in first.patterns] == [
        ("ret:*", "redact", "because")
    ]
    assert (second.exec, second.value, second.patterns) == (None, None, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("= 1", "failed to parse trace filter '/proj/filter.toml'"),
        ("[scope]\ndefault_exec = 'trace'\ndefault_value_action = 'allow'", "'meta' is missing"),
        ("[meta]\nname='x'\nversion=1", "'scope' is missing"),
        (HEAD.replace('"t"', '" "'), "'meta.name' must not be empty"),
        (HEAD.replace("version = 1", "version = 0"), "'meta.version' must be >= 1"),
        (HEAD.replace("version = 1", "version = true"), "'meta.version'"),
        (HEAD.replace("version = 1", "version = '1'"), "'meta.version'"),
        (HEAD.replace('name = "t"', ""), "'meta.name' is missing"),
        (HEAD.replace('"trace"', '"all"'), "unsupported value 'all' for 'scope.default_exec'"),
        (HEAD.replace('"trace"', '" trace"'), "unsupported value ' trace'"),
        (HEAD.replace('"allow"', '"Allow"'), "'Allow' for 'scope.default_value_action'"),
        (HEAD.replace("[meta]", "[meta]\nlabels = [1]"), "'meta.labels'"),
        (HEAD + "[io]\ncapture = true", "'io.streams' must be provided"),
        (HEAD + "[io]\nstreams = ['stdlog']", "unsupported IO stream 'stdlog'"),
        (HEAD + "[io]\nmodes = ['x']", "'io.modes' is reserved and must be empty"),
        (HEAD + "[oi]\n", "unknown key 'oi' in '/proj/filter.toml': did you mean 'io'?"),
        (HEAD.replace("name", "nmae"), "unknown key 'meta.nmae'"),
        (HEAD + "rule = []", "unknown key 'scope.rule'"),
        (rule("selektor = 'pkg:a'"), "'scope.rules[0].selektor'"),
        (rule("selektor = 'pkg:a'"), "did you mean 'selector'?"),
        (rule("exec = 'skip'"), "'scope.rules[0].selector' is missing"),
        (rule("selector = 'pkg:a'", "exec = 'never'"), "'never' for 'scope.rules[0].exec'"),
        (rule("selector = 'pkg:a'", "value_default = 'x'"), "'scope.rules[0].value_default'"),
        (rule("selector = ''"), "invalid scope selector in /proj/filter.toml scope.rules[0]: "),
        (rule("selector = ''"), "selector string is empty"),
        (rule("selector = 'pkg'"), "selector missing pattern"),
        (rule("selector = 'mod:a'"), "unsupported selector kind 'mod'"),
        (rule("selector = 'local:a'"), "selector kind 'local' is not allowed in this context"),
        (rule("selector = 'pkg::a'"), "selector match type cannot be empty"),
        (rule("selector = 'pkg:like:a'"), "unsupported selector match type 'like'"),
        (rule("selector = 'pkg:'"), "selector pattern cannot be empty"),
        (rule("selector = 'pkg:glob:'"), "selector pattern cannot be empty"),
        (rule("selector = 'pkg:[a'"), "invalid glob pattern '[a': a '[' without its ']'"),
        (rule("selector = 'pkg:regex:('"), "invalid regex pattern '(': "),
        (rule("selector = 'file:/etc/x.py'"), "must reside within project root '/proj'"),
        (rule("selector = 'file:literal:/etc/x.py'"), "must reside within project root '/proj'"),
        (rule("selector = 'file:../x.py'"), "must reside within project root '/proj'"),
        (pattern("selector = 'pkg:a'"), "scope.rules[0] value_patterns[0]: selector kind 'pkg'"),
        (pattern("selector = 'local:x'", "action = 'inherit'"), "'inherit'"),
        (pattern("selector = 'local:x'", "action = 'hide'"), "'hide'"),
        (pattern("selector = 'local:x'", ""), "value_patterns[0].action' is missing"),
        (pattern("selector = 'local:x'", "action='drop'\nexec='skip'"), "value_patterns[0].exec'"),
    ],
)
def test_a_mistake_names_file_place_and_cause(text, message):
    assert message in mistake_in(text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"failed to read trace filter '.*': No such file"):
        document.read(str(tmp_path / "none.toml"))


def test_bytes_that_are_no_text():
    with pytest.raises(UsageError, match="failed to parse"):
        document.parse_text(b"\xff\xfe", "f", "/")


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/p/.codetracer/trace-filter.toml", "/p"),
        ("/p/.codetracer/deep/er/x.toml", "/p"),
        ("/p/config/x.toml", "/p/config"),
        ("/x.toml", "/"),
    ],
)
def test_the_project_root_of_a_file(path, root):
    assert document.project_root(path) == root


# ---- selectors


def matches(text, candidate, kinds=selector.SCOPE_KINDS + selector.NAME_KINDS):
    found = selector.parse(text, kinds, "/proj")
    if found.how == selector.EQUAL:
        return candidate == found.what
    if found.how == selector.PREFIX:
        return candidate.startswith(found.what)
    return found.how == selector.ANY or re.search(found.what, candidate) is not None


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("a.*", ["a.b", "a.b.c", "a."], ["a", "xa.b", "ab"]),
        ("*", ["", "a.b"], []),
        ("a?c", ["abc"], ["ac", "abbc", "a/c"]),
        ("*.py", ["x.py", ".py"], ["d/x.py", "x.pyc", "X.PY"]),
        ("src/*.py", ["src/a.py"], ["src/b/a.py", "a/src/a.py"]),
        ("**/*.py", ["a.py", "b/a.py", "/b/c/a.py"], ["a.pyc"]),
        ("src/**", ["src/a", "src/a/b"], ["src", "srcs/a"]),
        ("src/**/a.py", ["src/a.py", "src/b/a.py", "src/b/c/a.py"], ["srca.py", "src/ba.py"]),
        ("**", ["", "a", "a/b"], []),
        ("**/a/**", ["a/b", "x/a/y/z"], ["a", "xa/b"]),
        ("a**b", ["ab", "axxb"], ["a/b"]),
        ("a/**b", ["a/xb"], ["a/x/b"]),
        ("**a", ["xa"], ["x/a"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "x"]),
        ("[!a]x", ["bx"], ["ax"]),
        ("[^a]x", ["bx"], ["ax"]),
        ("[]]x", ["]x"], ["x"]),
        ("[a-]x", ["ax", "-x"], ["bx"]),
        ("[.&|~]x", [".x", "&x", "|x", "~x"], ["ax"]),
        ("[[]x", ["[x"], ["x"]),
        (r"[\w]x", [r"\x", "wx"], ["ax"]),
        ("{a,b.*}", ["a", "b.c"], ["b", "a.c"]),
        ("{a,{b,c}d}e", ["ae", "bde", "cde"], ["be", "de"]),
        ("x{,y}", ["xy"], ["x"]),
        ("a,b", ["a,b"], ["a", "b"]),
        (r"\*x", ["*x"], ["ax"]),
        ("a.b", ["a.b"], ["axb"]),
        ("a+(b)", ["a+(b)"], ["aab"]),
        ("{src,lib/**}/x", ["src/x", "lib/a/x"], ["lib/x/y"]),
        ("größe_*", ["größe_x"], ["grosse_x"]),
    ],
)
def test_globs_match_as_globset_does(pattern, yes, no):
    text = glob.translate(pattern)
    for candidate in yes:
        assert re.search(text, candidate), (text, candidate)
    for candidate in no:
        assert not re.search(text, candidate), (text, candidate)


@pytest.mark.parametrize("pattern", ["[a", "{a", "a}", "[z-a]", "a\\", "{a,{b}", "["])
def test_globs_that_are_none(pattern):
    with pytest.raises(ValueError, match=r"."):
        glob.translate(pattern)


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("pkg:a.*", ["a.b", "a.b.c"], ["a"]),
        ("pkg:glob:a.*", ["a.b"], ["a"]),
        ("pkg:literal:a.*", ["a.*"], ["a.b"]),
        ("pkg:regex:b", ["abc"], ["ac"]),  # a search, not a full match
        ("pkg:regex:^a$", ["a"], ["ab"]),
        ("obj:regex:a:b", ["a:b"], ["a"]),
        ("local:regex:^(metric|masked)_\\w+$", ["metric_a"], ["x_metric_a"]),
        ("file:./src//a.py", ["src/a.py"], ["./src//a.py"]),
        ("file:x/../src/a.py", ["src/a.py"], ["x/../src/a.py"]),
        ("file:/proj/src/*.py", ["src/a.py"], ["/proj/src/a.py"]),
        ("file:literal:/proj/a.py", ["a.py"], ["/proj/a.py"]),
        ("file:regex:/site-packages/", ["/x/site-packages/y"], ["x"]),
        ("file:regex:^/abs", ["/abs/x"], ["x/abs"]),
        ("local:glob:a:b", ["a:b"], ["a"]),
        ("arg:password", ["password"], ["Password", "password2"]),
    ],
)
def test_selectors(text, yes, no):
    for candidate in yes:
        assert matches(text, candidate), candidate
    for candidate in no:
        assert not matches(text, candidate), candidate


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"a\z", ["a"], ["a\n"]),
        (r"\Aa", ["ab"], ["ba"]),
        (r"(?<x>a)b", ["ab"], ["b"]),
        (r"(?P<x>a)b", ["ab"], ["b"]),
        (r"\x{41}\u{42}", ["AB"], ["ab"]),
        (r"(?i)pass", ["PASS"], []),
        (r"a(?i:b)c", ["aBc"], ["ABC"]),
        (r"(?:a|b)+", ["ab"], ["c"]),
        (r"[\d_]+$", ["x_1"], ["x"]),
        (r"[]a]", ["]"], ["b"]),
        (r"größe", ["größe"], []),
        (r"\d", ["٣"], []),
        (r"a\+b", ["a+b"], []),
    ],
)
def test_expressions_that_both_sides_have(pattern, yes, no):
    text = regex.translate(pattern)
    assert all(re.search(text, candidate) for candidate in yes)
    assert not any(re.search(text, candidate) for candidate in no)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"\pL", "Unicode properties"),
        (r"\p{Greek}", "Unicode properties"),
        (r"[\p{L}]", "Unicode properties"),
        (r"[[:alpha:]]", "named classes"),
        (r"[a[bc]]", "sets inside sets"),
        (r"[a-z&&b]", "&&"),
        (r"[a--b]", "--"),
        (r"a++", "after a quantifier"),
        (r"a(?i)b", "at its start"),
        (r"(?U)a", "no flag 'U'"),
        (r"(?R)a", "no flag 'R'"),
        (r"(?-u)a", "at its start"),
        (r"(?=a)", "look-around"),
        (r"(?<!a)b", "look-around"),
        (r"\<a", "edge of a word"),
        (r"\b{start}", "edge of a word"),
        (r"a\Z", r"'\\z'"),
        (r"(", "does not accept it"),
        (r"*a", "does not accept it"),
        (r"a{2,1}", "does not accept it"),
        (r"[a", "has no end"),
        (r"\x{110000}", "no character"),
        (r"(" * 4000, "does not accept it"),
        ("\\", "does not accept it"),
    ],
)
def test_expressions_that_python_has_not(pattern, reason):
    with pytest.raises(ValueError, match=reason):
        regex.translate(pattern)


# ---- chains


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return str(path)


def test_the_order_of_a_chain(tmp_path):
    project = write(tmp_path / ".codetracer/trace-filter.toml", HEAD.replace('"t"', '"project"'))
    first = write(tmp_path / "a.toml", HEAD.replace('"t"', '"a"'))
    found = chain.compose([first, first], near=str(tmp_path / "deep/er"), only=["x"])
    assert [d.name for d in found.documents] == ["project", "a", "a", "command-line"]
    assert found.documents[0].path == project
    assert found.documents[0].root == str(tmp_path)
    assert chain.compose([], near="/nowhere").documents == ()


def test_what_is_no_regular_file_is_no_project_filter(tmp_path):
    (tmp_path / "a/.codetracer/trace-filter.toml").mkdir(parents=True)
    write(tmp_path / ".codetracer/trace-filter.toml", HEAD)
    (document_found,) = chain.compose([], near=str(tmp_path / "a")).documents
    assert document_found.path == str(tmp_path / ".codetracer/trace-filter.toml")


def composed(*texts):
    documents = [parsed(text, f"/proj/{i}.toml") for i, text in enumerate(texts)]
    return chain.Chain(tuple(documents))


def defaults(exec_, value):
    return HEAD.replace('"trace"', f'"{exec_}"').replace('"allow"', f'"{value}"')


def test_the_last_default_that_is_set_holds():
    both = composed(defaults("skip", "redact"), defaults("inherit", "inherit"))
    assert (both.default_exec(), both.default_value()) == ("skip", ("redact", 0))
    both = composed(defaults("skip", "redact"), defaults("trace", "drop"))
    assert (both.default_exec(), both.default_value()) == ("trace", ("drop", 1))
    assert composed().default_exec() == "trace"


def test_the_last_io_table_holds_whole():
    on = HEAD + "[io]\ncapture = true\nstreams = ['stdout', 'stdin']"
    off = HEAD + "[io]\n"
    assert composed(HEAD).capture is None
    assert composed(on, HEAD).capture.streams == ("stdout", "stdin")
    assert composed(on, off).capture == document.Capture(is_on=False, streams=())


KINDS = {kind: number for number, kind in enumerate(selector.NAME_KINDS)}
ACTIONS = document.ACTIONS


def ask(found, *names, file="/proj/pkg/mod.py", module="pkg.mod", name="f"):
    """Whether the code is skipped, and what becomes of the names (`kind:name`)."""
    asked = tuple((KINDS[kind], text) for kind, _, text in (n.partition(":") for n in names))
    result = _recorder.explain(found.table(), file, module, name, asked)
    return result[2], [ACTIONS[action] for action, _, _ in result[-1]]


def test_the_last_matching_rule_decides_each_part_by_itself():
    found = composed(
        rule("selector='pkg:*'", "exec='skip'", "value_default='redact'"),
        rule("selector='pkg:pkg.*'", "exec='trace'"),
        rule("selector='obj:pkg.mod.f'", "value_default='drop'"),
    )
    assert ask(found, "local:x") == (False, ["drop"])
    assert ask(found, "local:x", name="g") == (False, ["redact"])
    assert ask(found, "local:x", module="other") == (True, ["redact"])


def patterns(selector, *pairs, **more):
    lines = [f"selector='{selector}'", *(f"{key}='{value}'" for key, value in more.items())]
    for text, action in pairs:
        lines += ["[[scope.rules.value_patterns]]", f"selector='{text}'", f"action='{action}'"]
    return rule(*lines)


def test_the_first_pattern_that_matches_decides():
    found = composed(
        patterns("pkg:*", ("local:public_*", "allow"), ("local:*", "drop"), value_default="redact")
    )
    names = ("local:public_x", "local:x", "arg:x", "ret:pkg.mod.f", "global:public_x", "attr:x")
    expected = ["allow", "drop", "redact", "redact", "allow", "allow"]
    assert ask(found, *names) == (False, expected)


def test_a_list_replaces_the_earlier_one_and_an_empty_one_does_not():
    found = composed(
        patterns("pkg:*", ("local:a", "redact")),
        patterns("pkg:pkg.*", ("local:b", "redact")),
        rule("selector='pkg:pkg.mod'", "exec='trace'"),
    )
    assert ask(found, "local:a", "local:b")[1] == ["allow", "redact"]
    assert ask(found, "local:a", "local:b", module="x")[1] == ["redact", "allow"]


def test_the_built_in_words_stay_below_every_list():
    found = composed(patterns("pkg:*", ("local:a", "redact"), ("local:api_token", "allow")))
    names = ("local:password", "arg:password", "global:password", "attr:password", "local:a")
    assert ask(found, *names)[1] == ["redact"] * 5
    assert ask(found, "local:api_token")[1] == ["allow"]


def test_a_later_drop_overrules_the_lists_before_it():
    found = composed(
        patterns("pkg:*", ("local:keep", "allow")),
        rule("selector='pkg:*'", "value_default='drop'"),
    )
    assert ask(found, "local:keep", "local:password", "attr:password")[1] == [
        *("drop", "drop", "redact")
    ]
    same_file = composed(patterns("pkg:*", ("local:keep", "allow"), value_default="drop"))
    assert ask(same_file, "local:keep", "local:x")[1] == ["allow", "drop"]


@pytest.mark.parametrize(
    "word", ["author", "span", "company", "compass", "expand", "discard", "tokenizer"]
)
def test_a_word_inside_another_is_no_secret(word):
    assert ask(composed(), f"local:{word}", f"attr:{word}")[1] == ["allow", "allow"]


@pytest.mark.parametrize(
    "name",
    ["password", "dbPassword", "API_KEY", "jwt", "iban", "cvc", "ssh_key", "session_id", "cookies"],
)
def test_a_secret_by_its_words(name):
    assert ask(composed(), f"local:{name}", f"ret:{name}")[1] == ["redact", "redact"]


def test_what_selectors_see(tmp_path):
    write(tmp_path / "p-1/pkg/__init__.py", "")
    file = write(tmp_path / "p-1/pkg/mod.py", "")
    filters = write(tmp_path / "p-1/.codetracer/trace-filter.toml", HEAD)
    deeper = write(tmp_path / "p-1/pkg/f.toml", HEAD)

    def seen(files, file=file, module=None, name="C.f"):
        return _recorder.explain(chain.compose(files).table(), file, module, name, ())[0]

    # The script of a run is __main__; a name that is no module's is not believed.
    assert seen([filters], module="__main__") == ("__main__", "pkg/mod.py", "__main__.C.f")
    assert seen([filters], module="not a name") == ("pkg.mod", "pkg/mod.py", "pkg.mod.C.f")
    assert seen([filters]) == ("pkg.mod", "pkg/mod.py", "pkg.mod.C.f")
    # The deepest root counts, and a package's __init__ is the package.
    assert seen([filters, deeper]) == ("mod", "mod.py", "mod.C.f")
    init = str(tmp_path / "p-1/pkg/__init__.py")
    assert seen([filters], file=init) == ("pkg", "pkg/__init__.py", "pkg.C.f")
    # Outside of every root: the absolute path, and packages by their __init__.py.
    assert seen([]) == ("pkg.mod", file, "pkg.mod.C.f")
    # A root is a folder, not the beginning of a name.
    other = write(tmp_path / "p-10/x.py", "")
    assert seen([filters], file=other)[1] == other
    # Through a symbolic link, too.
    (tmp_path / "link").symlink_to(tmp_path / "p-1")
    linked = str(tmp_path / "link/pkg/mod.py")
    assert seen([filters], file=linked) == ("pkg.mod", "pkg/mod.py", "pkg.mod.C.f")


def test_a_filter_at_the_root_of_everything():
    found = chain.Chain((parsed(rule("selector='file:x/*.py'", "exec='skip'"), root="/"),))
    assert ask(found, file="/x/mod.py")[0]
    assert not ask(found, file="/x/y/mod.py")[0]


def test_code_that_no_rule_brings_back():
    found = composed(rule("selector='file:regex:.'", "exec='trace'"))
    assert ask(found, file="<string>")[0]
    assert ask(found, file=_recorder.__file__)[0]
    assert not ask(found, file=os.__file__, module="os")[0]
    assert ask(composed(), file=os.__file__, module="os")[0]
    assert ask(composed(), file="/v/lib/site-packages/_virtualenv.py")[0]
    assert not ask(composed(), file="/v/lib/site-packages/requests/api.py")[0]


@pytest.mark.parametrize(
    ("only", "skip", "file", "module", "skipped"),
    [
        (["pkg"], [], "/x/pkg/mod.py", "pkg.mod", False),
        (["pkg"], [], "/x/pkg/__init__.py", "pkg", False),
        (["pkg"], [], "/x/pkgs/mod.py", "pkgs.mod", True),
        (["pkg"], ["pkg.mod"], "/x/pkg/mod.py", "pkg.mod", True),
        ([], ["pkg"], "/x/pkg/mod.py", "pkg.mod", True),
        ([], ["pkg"], "/x/other.py", "other", False),
        (["json"], [], os.__file__.replace("os.py", "json/decoder.py"), "json.decoder", False),
        (["mod.py"], [], "/x/pkg/mod.py", "pkg.mod", False),
        (["mod.py"], [], "/x/pkg/bad_mod.py", "pkg.bad_mod", True),
        (["src/"], [], "src/a/b.py", "a.b", False),
        (["./src"], [], "lib/a.py", "a", True),
        (["obj:pkg.mod.f"], [], "/x/pkg/mod.py", "pkg.mod", False),
        (["obj:pkg.mod.g"], [], "/x/pkg/mod.py", "pkg.mod", True),
    ],
)
def test_only_and_skip(only, skip, file, module, skipped):
    found = chain.compose([], only=only, skip=skip)
    assert ask(found, file=os.path.abspath(file), module=module)[0] is skipped


def test_a_bad_pattern_names_its_option():
    with pytest.raises(UsageError, match=r"--only 'pkg:\[': invalid glob"):
        chain.compose([], only=["pkg:["])
    with pytest.raises(UsageError, match=r"--skip 'regex:a': unsupported selector kind 'regex'"):
        chain.compose([], skip=["regex:a"])


def test_the_table_is_not_believed():
    table = composed(pattern("selector='local:regex:a'")).table()
    for broken in (None, 1, (), table[:-1], (*table[:2], ((9, 9, None, 0, 0, 0, ()),), *table[3:])):
        with pytest.raises((TypeError, ValueError)):
            _recorder.explain(broken, "f", None, None, ())


# ---- commands


def command(*words, **variables):
    return subprocess.run(
        [sys.executable, "-m", "codetracer_python_recorder", "filter", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )


def test_check(tmp_path, ct):
    good = write(tmp_path / "good.toml", pattern("selector='local:x'"))
    bad = write(tmp_path / "bad.toml", HEAD.replace("meta", "mata"))
    done = command("check", good, bad)
    assert (done.returncode, done.stdout) == (1, f"{good}: 't', version 1, 1 rule\n")
    assert done.stderr == f"error: unknown key 'mata' in '{bad}': did you mean 'meta'?\n"
    environ = {**os.environ, "CODETRACER_PYTHON_INTERPRETER": sys.executable}
    asked = [ct, "filter", "check", good, bad]
    same = subprocess.run(asked, capture_output=True, text=True, env=environ)
    assert (same.returncode, same.stdout, same.stderr) == (1, done.stdout, done.stderr)


def test_explain_tells_what_the_recorder_does(tmp_path):
    lines = ["exec='skip'", "reason='noise'"]
    text = rule("selector='pkg:noisy.*'", *lines) + patterns(
        "pkg:shop.*", ("local:card_*", "drop"), value_default="redact"
    ).replace(HEAD, "")
    project = write(tmp_path / ".codetracer/trace-filter.toml", text)
    write(tmp_path / "shop/cart.py", "")
    write(tmp_path / "noisy/log.py", "")

    def explained(file, name, variable=None):
        words = ["--file", str(tmp_path / file), "--object", name]
        done = command("explain", *words, *(["--name", variable] if variable else []))
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    of = f"of 't' ({project})"
    assert explained("noisy/log.py", "f")[3] == f"code   skipped: rules[0] pkg:noisy.* (noise) {of}"
    assert explained("shop/cart.py", "shop.cart.add", "local:card_number") == [
        "pkg    shop.cart",
        "file   shop/cart.py",
        "obj    shop.cart.add",
        f"code   recorded: the default {of}",
        f"values redact: rules[1] pkg:shop.* {of}",
        f"local  card_number: drop: value_patterns[0] local:card_* of rules[1] pkg:shop.* {of}",
    ]
    assert explained("shop/cart.py", "add", "attr:password")[-1] == (
        "attr   password: redact: builtin-default: the name has a word of a secret's"
    )
