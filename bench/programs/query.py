"""A small SQL-like language: tokenizer, parser and evaluator over tables in memory."""

import sys

KEYWORDS = {"select", "from", "where", "and", "or", "not", "order", "by", "desc", "limit"}


class QuerySyntaxError(Exception):
    def __init__(self, message, position):
        super().__init__(message)
        self.position = position


class Lexeme:
    __slots__ = ("kind", "text", "position")

    def __init__(self, kind, text, position):
        self.kind = kind
        self.text = text
        self.position = position


def scan_while(text, start, accepts):
    end = start
    while end < len(text) and accepts(text[end]):
        end += 1
    return end


def is_name_char(char):
    return char.isalnum() or char == "_"


def tokenize(text):
    position = 0
    while position < len(text):
        char = text[position]
        if char.isspace():
            position += 1
            continue
        if char.isdigit():
            end = scan_while(text, position, str.isdigit)
            yield Lexeme("number", text[position:end], position)
        elif char.isalpha():
            end = scan_while(text, position, is_name_char)
            word = text[position:end].lower()
            yield Lexeme("keyword" if word in KEYWORDS else "name", word, position)
        elif char == "'":
            end = text.index("'", position + 1) + 1
            yield Lexeme("string", text[position + 1 : end - 1], position)
        elif text[position : position + 2] in ("<=", ">=", "<>"):
            end = position + 2
            yield Lexeme("operator", text[position:end], position)
        elif char in "<>=+-*/(),":
            end = position + 1
            yield Lexeme("operator", char, position)
        else:
            raise QuerySyntaxError(f"unexpected {char!r}", position)
        position = end
    yield Lexeme("end", "", position)


class Literal:
    def __init__(self, value):
        self.value = value

    def evaluate(self, row):
        return self.value


class Column:
    def __init__(self, name):
        self.name = name

    def evaluate(self, row):
        return row[self.name]


class Not:
    def __init__(self, operand):
        self.operand = operand

    def evaluate(self, row):
        return not self.operand.evaluate(row)


class Binary:
    def __init__(self, operator, left, right):
        self.operator = operator
        self.left = left
        self.right = right

    def evaluate(self, row):
        left = self.left.evaluate(row)
        if self.operator == "and":
            return left and self.right.evaluate(row)
        if self.operator == "or":
            return left or self.right.evaluate(row)
        return OPERATORS[self.operator](left, self.right.evaluate(row))


OPERATORS = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b,
}

LEVELS = [("or",), ("and",), ("=", "<>", "<", ">", "<=", ">="), ("+", "-"), ("*", "/")]


class Parser:
    def __init__(self, text):
        self.lexemes = list(tokenize(text))
        self.index = 0

    def peek(self):
        return self.lexemes[self.index]

    def accept(self, *texts):
        lexeme = self.peek()
        if lexeme.kind in ("keyword", "operator") and lexeme.text in texts:
            self.index += 1
            return lexeme
        return None

    def expect(self, text):
        lexeme = self.accept(text)
        if lexeme is None:
            found = self.peek()
            raise QuerySyntaxError(f"expected {text}, found {found.text!r}", found.position)
        return lexeme

    def query(self):
        self.expect("select")
        columns = [self.expression()]
        while self.accept(","):
            columns.append(self.expression())
        self.expect("from")
        table = self.name()
        where = self.expression() if self.accept("where") else Literal(True)
        order, descending = None, False
        if self.accept("order"):
            self.expect("by")
            order = self.expression()
            descending = self.accept("desc") is not None
        limit = int(self.advance().text) if self.accept("limit") else None
        return columns, table, where, order, descending, limit

    def advance(self):
        lexeme = self.peek()
        self.index += 1
        return lexeme

    def name(self):
        lexeme = self.advance()
        if lexeme.kind != "name":
            raise QuerySyntaxError(f"expected a name, found {lexeme.text!r}", lexeme.position)
        return lexeme.text

    def expression(self, level=0):
        if level == len(LEVELS):
            return self.primary()
        left = self.expression(level + 1)
        while True:
            operator = self.accept(*LEVELS[level])
            if operator is None:
                return left
            left = Binary(operator.text, left, self.expression(level + 1))

    def primary(self):
        if self.accept("not"):
            return Not(self.primary())
        if self.accept("("):
            inner = self.expression()
            self.expect(")")
            return inner
        lexeme = self.advance()
        if lexeme.kind == "number":
            return Literal(int(lexeme.text))
        if lexeme.kind == "string":
            return Literal(lexeme.text)
        if lexeme.kind == "name":
            return Column(lexeme.text)
        raise QuerySyntaxError(f"unexpected {lexeme.text!r}", lexeme.position)


def execute(text, tables):
    columns, table, where, order, descending, limit = Parser(text).query()
    rows = [row for row in tables[table] if where.evaluate(row)]
    if order is not None:
        rows.sort(key=order.evaluate, reverse=descending)
    result = []
    for row in rows[:limit]:
        result.append(tuple(column.evaluate(row) for column in columns))
    return result


def make_tables(size):
    cities = ["Aarhus", "Basel", "Cork", "Delft", "Evora"]
    people = []
    state = 17
    for i in range(size):
        state = (state * 1103 + 12345) % 65_537
        row = {"id": i, "city": cities[state % 5], "age": state % 90, "salary": state % 7001}
        people.append(row)
    return {"people": people}


QUERIES = [
    "select id, salary from people where age >= 30 and city = 'Cork' order by salary desc limit 5",
    "select city, age * 2 + 1 from people where not (age < 40 or salary > 3000) limit 20",
    "select id from people where salary / 100 = age order by id",
    "select id from people where (age = ",
    "select id from people where age ? 3",
]


def main(scale):
    tables = make_tables(400)
    checksum = 0
    for _ in range(max(1, int(24 * scale))):
        for text in QUERIES:
            try:
                rows = execute(text, tables)
            except QuerySyntaxError as error:
                checksum += error.position
            else:
                for row in rows:
                    checksum = (checksum * 31 + len(row) + int(row[-1])) % 1_000_003
    return checksum


if __name__ == "__main__":
    print("query", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
