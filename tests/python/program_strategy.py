"""Hypothesis strategy for small Python programs that always end and do the same each time.

A program is a few functions and generators that call only those above them, over a fixed set
of variables whose types may go astray: errors are part of the game, and the main part handles
them. Loops have constant bounds, containers are cut when they grow.
"""

from hypothesis import strategies as st

HEADER = """\
class Box:
    def __init__(self, x):
        self.x = x
        self.items = [x]

    def put(self, value):
        self.items.append(value)
        self.x = value
        return len(self.items)


class Trouble(Exception):
    pass


total = 0
shared = []
table = {}

"""

BODY_START = """\
    a, b = p, 3
    xs = [1, 2, p]
    ys = q
    d = {"k": p}
    s = "s"
    u = {1, 2}
    o = Box(p)
    v = None
"""

NUMBERS = ["a", "b", "len(xs)", "o.x", "d.get('k', 0)", "a + b", "a * 2 - b", "xs[0]", "b // 2"]
NUMBERS += ["a % 7", "-a", "a / 2", "0", "1", "250", "10**20", "1.5"]
VALUES = [*NUMBERS, "s", "None", "True", "[a]", "(a, s)", "{'n': a}", "xs", "ys", "o", "b'x' * 3"]
VALUES += ["s + str(a)", "xs[-1:]", "[n for n in range(3)]", "lambda n: n", "{a} if a else b"]
CONDITIONS = ["a > b", "xs", "len(xs) % 2", "s < 't'", "ys is xs", "'k' in d", "not d", "a == 1"]

# {v} any value, {n} a number
SIMPLE = [
    "v = {v}",
    "a = {n}",
    "b = {n}",
    "a += {n}",
    "b -= 1",
    "a, b = b, a",
    "a = {n}; a = a * 2; b = a",
    "s += 'c'",
    "s = s[1:]",
    "s = s.replace('c', 'd')",
    "s = f'{{a}}-{{s[:3]}}'",
    "xs.append({v})",
    "xs[0] = {v}",
    "xs[-1] = {n}",
    "xs[1:2] = [{n}, {n}]",
    "xs.insert(1, {v})",
    "if xs: xs.pop()",
    "xs.reverse()",
    "xs.sort(key=str)",
    "xs += [{n}]",
    "xs *= 2; xs[12:] = []",
    "del xs[:1]",
    "xs.extend(ys[:2]); del xs[12:]",
    "xs = list(ys)[:8]",
    "ys = xs",
    "ys.append({n}); del ys[12:]",
    "ys = [xs, d]",
    "ys[0] = {v}",
    "d['k'] = {v}",
    "d[{n}] = {v}",
    "d.update(k={n}, z={v})",
    "d |= {{'m': {n}}}",
    "d.setdefault('list', []).append({n})",
    "d.pop('z', None)",
    "del d['k']; d['k'] = {n}",
    "d = dict(d)",
    "u.add({n})",
    "u ^= {{1, 2, 3}}",
    "u.discard(1)",
    "o.x = {v}",
    "o.x += 1",
    "o.items[0] = {n}",
    "o.put({v})",
    "o.link = {v}",
    "o = Box({n})",
    "shared.append({n}); del shared[12:]",
    "table[{n}] = {v}",
    "xs = [n + 1 for n in xs[:5]]",
    "d = {{str(n): n for n in xs[:4]}}",
    "if (b := {n}): a = b",
    "for c in range(3): xs[:1] = [c]",
    "del v",
    "raise Trouble({v})",
    "print({v} is None)",
]


@st.composite
def simple_statements(draw):
    text = draw(st.sampled_from(SIMPLE))
    return text.format(v=draw(st.sampled_from(VALUES)), n=draw(st.sampled_from(NUMBERS)))


@st.composite
def call_statements(draw, callees):
    name, is_generator = draw(st.sampled_from(callees))
    call = f"{name}({draw(st.sampled_from(NUMBERS))}, xs)"
    if is_generator:
        uses = [f"xs[:0] = list({call})[:2]", f"a = next({call}, None)", f"sum({call})"]
    else:
        uses = [f"a = {call}", f"xs[0] = {call}", call]
    return draw(st.sampled_from(uses))


@st.composite
def blocks(draw, context, depth, indent):
    """Lines of one block; `context` says what may be called and what may leave the block."""
    lines = []
    for _ in range(draw(st.integers(2, 5))):
        kinds = ["simple"] * 6
        if context["callees"] and depth > 0:
            kinds.append("call")
        if context["is_generator"]:
            kinds.append("yield")
        if depth > 0:
            kinds += ["if", "for", "while", "try"]
        if context["in_loop"]:
            kinds.append("leave")
        lines += draw(statement_lines(draw(st.sampled_from(kinds)), context, depth, indent))
    return lines


@st.composite
def statement_lines(draw, kind, context, depth, indent):
    pad = "    " * indent

    def block(**changes):
        return draw(blocks({**context, **changes}, depth - 1, indent + 1))

    match kind:
        case "simple":
            return [pad + draw(simple_statements())]
        case "call":
            return [pad + draw(call_statements(context["callees"]))]
        case "yield":
            value = draw(st.sampled_from(VALUES))
            return [pad + draw(st.sampled_from([f"yield {value}", f"b = yield {value}"]))]
        case "leave":
            leave = draw(st.sampled_from(["break", "continue", "return a"]))
            return [f"{pad}if {draw(st.sampled_from(CONDITIONS))}:", f"{pad}    {leave}"]
        case "if":
            head = [f"{pad}if {draw(st.sampled_from(CONDITIONS))}:", *block()]
            return [*head, f"{pad}else:", *block()] if draw(st.booleans()) else head
        case "for":
            items = draw(st.sampled_from(["range(3)", "xs[:3]", "'xy'", "list(d)[:2]"]))
            return [f"{pad}for c{depth} in {items}:", *block(in_loop=True)]
        case "while":
            counter = f"w{depth}"
            head = [f"{pad}{counter} = 0", f"{pad}while {counter} < 3:", f"{pad}    {counter} += 1"]
            return [*head, *block(in_loop=True)]
        case "try":
            error = draw(st.sampled_from(["Trouble", "Exception", "(KeyError, TypeError)"]))
            lines = [f"{pad}try:", *block(), f"{pad}except {error} as e{depth}:", *block()]
            if draw(st.booleans()):
                lines += [f"{pad}finally:", *block(in_loop=False)]
            return lines


@st.composite
def functions(draw, name, is_generator, callees):
    context = {"callees": callees, "is_generator": is_generator, "in_loop": False}
    lines = [f"def {name}(p, q):", "    global total", "    total += 1"]
    lines += BODY_START.splitlines()
    lines += draw(blocks(context, 2, 1))
    if is_generator:
        lines.append("    yield a")
    return "\n".join([*lines, "    return xs", "", ""])


@st.composite
def programs(draw):
    """The source text of one program."""
    parts, callees = [HEADER], []
    for number in range(draw(st.integers(1, 3))):
        is_generator = draw(st.booleans())
        name = f"{'g' if is_generator else 'f'}{number}"
        parts.append(draw(functions(name, is_generator, list(callees))))
        callees.append((name, is_generator))
    for name, is_generator in callees:
        for argument in draw(st.lists(st.sampled_from(["0", "5", "'t'"]), min_size=1, max_size=2)):
            call = f"{name}({argument}, [4, 5])"
            call = f"list({call})" if is_generator else call
            parts.append(f"try:\n    result = {call}\nexcept Exception as error:\n")
            parts.append("    print(type(error).__name__)\n")
    return "\n".join(parts) + "print(total, len(shared), len(table))\n"
