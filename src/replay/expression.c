/* Reads expressions: the text to tokens to a tree, by Python's grammar and precedence. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/expression_internal.h"

/* ---- memory ---- */

enum { CHUNK = 4096 };

struct rp_chunk {
    struct rp_chunk *next;
    size_t size;
    max_align_t bytes[];
};

void *rp_arena_get(struct rp_arena *arena, size_t size)
{
    size_t unit = sizeof(max_align_t);
    if (size > arena->limit - arena->total) {
        return NULL;
    }
    size = (size + unit - 1) / unit * unit;
    if (arena->chunks == NULL || arena->chunks->size - arena->used < size) {
        size_t room = size > CHUNK ? size : CHUNK;
        struct rp_chunk *chunk = calloc(1, sizeof *chunk + room);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->next = arena->chunks;
        chunk->size = room;
        arena->chunks = chunk;
        arena->used = 0;
    }
    char *at = (char *)arena->chunks->bytes + arena->used;
    arena->used += size;
    arena->total = arena->total + size < arena->limit ? arena->total + size : arena->limit;
    return at;
}

void rp_arena_free(struct rp_arena *arena)
{
    while (arena->chunks != NULL) {
        struct rp_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
}

/* ---- tokens ---- */

enum token_kind { T_END, T_NAME, T_NUMBER, T_TEXT, T_SIGN, T_BAD };

struct token {
    enum token_kind kind;
    size_t at, size;
};

struct parser {
    struct rp_arena *arena;
    const char *text;
    size_t size;
    struct token token;
    unsigned nesting;
    uint32_t names;      /* so far */
    const char *problem; /* NULL: none yet */
    size_t at;           /* of it */
};

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_part(char c)
{
    return is_name_start(c) || is_digit(c);
}

static char char_at(const struct parser *parser, size_t at)
{
    return at < parser->size ? parser->text[at] : '\0';
}

static size_t number_end(const struct parser *parser, size_t at)
{
    bool is_radix = char_at(parser, at) == '0' &&
                    strchr("xXoObB", char_at(parser, at + 1)) != NULL &&
                    char_at(parser, at + 1) != '\0';
    for (;; at++) {
        char c = char_at(parser, at);
        bool is_exponent_sign = (c == '+' || c == '-') && !is_radix && at > 0 &&
                                strchr("eE", parser->text[at - 1]) != NULL;
        if (!is_name_part(c) && (is_radix || c != '.') && !is_exponent_sign) {
            return at;
        }
    }
}

/* Behind the closing quote; 0 when there is none. */
static size_t text_end(const struct parser *parser, size_t at)
{
    while (strchr("\"'", char_at(parser, at)) == NULL) {
        at++;
    }
    char quote = parser->text[at++];
    for (; at < parser->size; at++) {
        if (parser->text[at] == '\\') {
            at++;
        } else if (parser->text[at] == quote) {
            return at + 1;
        }
    }
    return 0;
}

/* Whether a text starts here: a quote, perhaps behind prefix letters. */
static bool starts_text(const struct parser *parser, size_t at)
{
    for (unsigned i = 0;
         i < 2 && char_at(parser, at) != '\0' && strchr("rRbBuU", char_at(parser, at)) != NULL;
         i++) {
        at++;
    }
    return char_at(parser, at) == '"' || char_at(parser, at) == '\'';
}

static size_t sign_size(const struct parser *parser, size_t at)
{
    static const char *const signs[] = {"...", "**", "//", "<<", ">>", "<=", ">=", "==", "!="};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        size_t size = strlen(signs[i]);
        if (at + size <= parser->size && memcmp(parser->text + at, signs[i], size) == 0) {
            return size;
        }
    }
    char c = char_at(parser, at);
    return c != '\0' && strchr("()[]{}.,:+-*/%<>&|^~", c) != NULL ? 1 : 0;
}

static void read_token(struct parser *parser)
{
    struct token *token = &parser->token;
    size_t at = token->at + token->size;
    while (at < parser->size && strchr(" \t\r\n\f", parser->text[at]) != NULL &&
           parser->text[at] != '\0') {
        at++;
    }
    char c = char_at(parser, at);
    size_t end = at;
    token->at = at;
    if (at >= parser->size) {
        token->kind = T_END;
    } else if (starts_text(parser, at)) {
        end = text_end(parser, at);
        token->kind = end == 0 ? T_BAD : T_TEXT;
    } else if (is_digit(c) || (c == '.' && is_digit(char_at(parser, at + 1)))) {
        token->kind = T_NUMBER;
        end = number_end(parser, at);
    } else if (is_name_start(c)) {
        token->kind = T_NAME;
        while (is_name_part(char_at(parser, end))) {
            end++;
        }
    } else {
        end = at + sign_size(parser, at);
        token->kind = end > at ? T_SIGN : T_BAD;
    }
    token->size = end > at ? end - at : 0;
}

static bool is_token(const struct parser *parser, const char *text)
{
    const struct token *token = &parser->token;
    return (token->kind == T_SIGN || token->kind == T_NAME) && token->size == strlen(text) &&
           memcmp(parser->text + token->at, text, token->size) == 0;
}

static bool accept(struct parser *parser, const char *text)
{
    bool is_it = is_token(parser, text);
    if (is_it) {
        read_token(parser);
    }
    return is_it;
}

static struct rp_node *problem(struct parser *parser, const char *what)
{
    if (parser->problem == NULL) {
        parser->problem = what;
        parser->at = parser->token.at;
    }
    return NULL;
}

static struct rp_node *expect(struct parser *parser, const char *text, const char *what,
                              struct rp_node *node)
{
    return node != NULL && accept(parser, text) ? node : problem(parser, what);
}

/* ---- nodes ---- */

static const char *const no_memory = "the expression is too long";

static struct rp_node *new_node(struct parser *parser, enum rp_node_kind kind, size_t at)
{
    struct rp_node *node = rp_arena_get(parser->arena, sizeof *node);
    if (node == NULL) {
        return problem(parser, no_memory);
    }
    node->kind = kind;
    node->at = at;
    return node;
}

static bool add_node(struct parser *parser, struct rp_node *to, struct rp_node *child)
{
    if ((to->count & (to->count - 1)) == 0) { /* the room is a power of two */
        size_t room = to->count == 0 ? 1 : to->count * 2;
        struct rp_node **children = rp_arena_get(parser->arena, room * sizeof(struct rp_node *));
        if (children == NULL) {
            problem(parser, no_memory);
            return false;
        }
        if (to->count > 0) {
            memcpy(children, to->children, to->count * sizeof(struct rp_node *));
        }
        to->children = children;
    }
    to->children[to->count++] = child;
    return true;
}

static struct rp_node *with_children(struct parser *parser, enum rp_node_kind kind, size_t at,
                                     struct rp_node *a, struct rp_node *b)
{
    struct rp_node *node = a != NULL ? new_node(parser, kind, at) : NULL;
    bool is_whole =
        node != NULL && add_node(parser, node, a) && (b == NULL || add_node(parser, node, b));
    return is_whole ? node : NULL;
}

static struct rp_node *choice(struct parser *parser);

/* ---- literals ---- */

static bool is_digit_of(char c, int base)
{
    int digit = is_digit(c)                              ? c - '0'
                : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                         : 99;
    return digit < base;
}

/* The digits without their underscores; false where Python would not take them. */
static bool clean_digits(const char *text, size_t size, char *to, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '_') {
            to[(*count)++] = text[i];
        } else if (i == 0 || i + 1 == size || !is_digit_of(text[i - 1], 16) ||
                   !is_digit_of(text[i + 1], 16)) {
            return false;
        }
    }
    to[*count] = '\0';
    return true;
}

static struct rp_node *whole_number(struct parser *parser, struct rp_node *node, char *digits,
                                    size_t size, int base)
{
    bool has_value = false;
    for (size_t i = 0; i < size; i++) {
        if (!is_digit_of(digits[i], base)) {
            return problem(parser, "this is no number");
        }
        has_value |= digits[i] != '0';
    }
    if (size == 0 || (base == 10 && digits[0] == '0' && has_value)) {
        return problem(parser, "this is no number");
    }
    node->kind = RP_N_INT;
    node->base = base;
    node->text = digits;
    node->size = size;
    errno = 0;
    node->integer = strtoll(digits, NULL, base);
    node->is_small = errno == 0;
    return node;
}

static struct rp_node *number(struct parser *parser)
{
    size_t at = parser->token.at, size = parser->token.size, count;
    const char *text = parser->text + at;
    struct rp_node *node = new_node(parser, RP_N_FLOAT, at);
    char *digits = node != NULL ? rp_arena_get(parser->arena, size + 1) : NULL;
    char radix = size > 1 && text[0] == '0' ? (char)(text[1] | 0x20) : '\0';
    int base = radix == 'x' ? 16 : radix == 'o' ? 8 : radix == 'b' ? 2 : 10;
    size_t skipped = base != 10 ? 2 : 0;
    skipped += base != 10 && size > 2 && text[2] == '_';
    if (digits == NULL) {
        return problem(parser, no_memory);
    }
    if (!clean_digits(text + skipped, size - skipped, digits, &count)) {
        return problem(parser, "this is no number");
    }
    if (base != 10 || strpbrk(digits, ".eE") == NULL) {
        node = whole_number(parser, node, digits, count, base);
    } else {
        char *end;
        node->number = strtod(digits, &end);
        bool is_decimal = strspn(digits, "0123456789.eE+-") == count;
        if (*end != '\0' || !is_decimal) {
            return problem(parser, "this is no number");
        }
    }
    if (node != NULL) {
        read_token(parser);
    }
    return node;
}

static size_t put_character(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (char)(first[more] | c >> (6 * more));
    for (unsigned i = 1; i <= more; i++) {
        to[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3f));
    }
    return more + 1;
}

/* The number of so many digits at `*at`, which is moved behind them. */
static bool read_digits(const char **at, const char *end, int base, unsigned least, unsigned most,
                        uint32_t *number)
{
    unsigned count = 0;
    *number = 0;
    for (; count < most && *at < end && is_digit_of(**at, base); count++, ++*at) {
        int digit = is_digit(**at) ? **at - '0' : (**at | 0x20) - 'a' + 10;
        *number = *number * (uint32_t)base + (uint32_t)digit;
    }
    return count >= least;
}

/* What an escape stands for; `*at` is behind the backslash. 0 bytes and false: not one of ours. */
static bool escape(const char **at, const char *end, bool is_bytes, char *to, size_t *size)
{
    static const char from[] = "\\'\"abfnrtv", into[] = "\\'\"\a\b\f\n\r\t\v";
    char c = *(*at)++;
    const char *known = c != '\0' ? strchr(from, c) : NULL;
    uint32_t number;
    *size = 0;
    if (known != NULL) {
        to[(*size)++] = into[known - from];
        return true;
    }
    if (c == '\n') {
        return true;
    }
    unsigned digits = c == 'x' ? 2 : c == 'u' && !is_bytes ? 4 : c == 'U' && !is_bytes ? 8 : 0;
    if (digits != 0) {
        if (!read_digits(at, end, 16, digits, digits, &number) || number > 0x10ffff) {
            return false;
        }
    } else if (c >= '0' && c <= '7') {
        --*at;
        read_digits(at, end, 8, 1, 3, &number);
    } else if (c == 'N' && !is_bytes) {
        return false; /* names of characters are not known here */
    } else {
        to[0] = '\\';
        to[1] = c;
        *size = 2;
        return true;
    }
    if (is_bytes) {
        to[(*size)++] = (char)number;
    } else {
        *size = put_character(to, number);
    }
    return true;
}

static bool has_letter(const char *text, size_t size, char lower)
{
    return memchr(text, lower, size) != NULL || memchr(text, lower - 0x20, size) != NULL;
}

/* One quoted piece, appended to a node's text. */
static bool add_piece(struct parser *parser, struct rp_node *node)
{
    const char *at = parser->text + parser->token.at, *end = at + parser->token.size - 1;
    size_t prefix = strcspn(at, "\"'");
    bool is_raw = has_letter(at, prefix, 'r'), is_bytes = has_letter(at, prefix, 'b');
    char *to = rp_arena_get(parser->arena, node->size + (size_t)(end - at) * 2 + 8);
    if (to == NULL || (node->text != NULL && is_bytes != (node->kind == RP_N_BYTES)) ||
        (has_letter(at, prefix, 'u') && prefix > 1)) {
        problem(parser, to == NULL ? no_memory : "this is no text");
        return false;
    }
    if (node->text != NULL) {
        memcpy(to, node->text, node->size);
    }
    node->kind = is_bytes ? RP_N_BYTES : RP_N_STR;
    node->text = to;
    for (at += prefix + 1; at < end;) {
        size_t size = 1;
        bool is_odd = is_bytes && (*at & 0x80);
        if (*at == '\\' && !is_raw) {
            at++;
            is_odd |= !escape(&at, end, is_bytes, to + node->size, &size);
        } else {
            to[node->size] = *at++;
        }
        if (is_odd) {
            problem(parser, "this is no text");
            return false;
        }
        node->size += size;
    }
    return true;
}

static struct rp_node *text(struct parser *parser)
{
    struct rp_node *node = new_node(parser, RP_N_STR, parser->token.at);
    while (node != NULL && parser->token.kind == T_TEXT) {
        if (!add_piece(parser, node)) {
            return NULL;
        }
        read_token(parser);
    }
    return node;
}

/* ---- the grammar, from the inside out ---- */

/* Expressions up to a closing sign. `*comma`: one came last. */
static struct rp_node *series(struct parser *parser, struct rp_node *to, const char *close,
                              bool *comma)
{
    *comma = false;
    while (to != NULL && !is_token(parser, close)) {
        struct rp_node *child = choice(parser);
        if (child == NULL || !add_node(parser, to, child)) {
            return NULL;
        }
        *comma = accept(parser, ",");
        if (!*comma) {
            break;
        }
    }
    return expect(parser, close, "a closing bracket or a comma is missing", to);
}

static struct rp_node *bracketed(struct parser *parser)
{
    size_t at = parser->token.at;
    bool comma;
    if (accept(parser, "(")) {
        struct rp_node *node = series(parser, new_node(parser, RP_N_TUPLE, at), ")", &comma);
        return node != NULL && node->count == 1 && !comma ? node->children[0] : node;
    }
    if (accept(parser, "[")) {
        return series(parser, new_node(parser, RP_N_LIST, at), "]", &comma);
    }
    if (accept(parser, "{")) {
        struct rp_node *node = series(parser, new_node(parser, RP_N_SET, at), "}", &comma);
        return node != NULL && node->count == 0 ? problem(parser, "dicts are not known here")
                                                : node;
    }
    return problem(parser, parser->token.kind == T_END ? "an expression is missing"
                                                       : "this is no expression");
}

static struct rp_node *name(struct parser *parser)
{
    static const char *const reserved[] = {
        "and",    "as",   "assert", "async",  "await",  "break",   "class",    "continue",
        "def",    "del",  "elif",   "else",   "except", "finally", "for",      "from",
        "global", "if",   "import", "in",     "is",     "lambda",  "nonlocal", "not",
        "or",     "pass", "raise",  "return", "try",    "while",   "with",     "yield",
    };
    static const struct {
        const char *name;
        enum rp_node_kind kind;
    } constants[] = {{"None", RP_N_NONE}, {"True", RP_N_TRUE}, {"False", RP_N_FALSE}};
    struct rp_node *node = new_node(parser, RP_N_NAME, parser->token.at);
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (is_token(parser, reserved[i])) {
            return problem(parser, "this is no expression");
        }
    }
    if (node != NULL) {
        node->text = parser->text + parser->token.at;
        node->size = parser->token.size;
        for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
            node->kind = is_token(parser, constants[i].name) ? constants[i].kind : node->kind;
        }
        node->name = parser->names;
        parser->names += node->kind == RP_N_NAME;
        read_token(parser);
    }
    return node;
}

static struct rp_node *atom(struct parser *parser)
{
    size_t at = parser->token.at;
    switch (parser->token.kind) {
    case T_NAME:
        return name(parser);
    case T_NUMBER:
        return number(parser);
    case T_TEXT:
        return text(parser);
    default:
        return accept(parser, "...") ? new_node(parser, RP_N_ELLIPSIS, at) : bracketed(parser);
    }
}

static struct rp_node *attribute(struct parser *parser, struct rp_node *of)
{
    struct rp_node *node = with_children(parser, RP_N_ATTRIBUTE, parser->token.at, of, NULL);
    if (node == NULL || parser->token.kind != T_NAME) {
        return problem(parser, "the name of an attribute is missing");
    }
    node->text = parser->text + parser->token.at;
    node->size = parser->token.size;
    read_token(parser);
    return node;
}

/* One bound of a slice, which may be absent. */
static bool bound(struct parser *parser, struct rp_node *slice)
{
    bool is_absent = is_token(parser, ":") || is_token(parser, "]");
    struct rp_node *child = is_absent ? NULL : choice(parser);
    return (is_absent || child != NULL) && add_node(parser, slice, child);
}

static struct rp_node *subscript(struct parser *parser, struct rp_node *of, size_t at)
{
    struct rp_node *slice = with_children(parser, RP_N_SLICE, at, of, NULL);
    if (slice == NULL || is_token(parser, "]") || !bound(parser, slice)) {
        return problem(parser, "an index is missing");
    }
    if (!is_token(parser, ":")) {
        struct rp_node *index = slice->children[1];
        if (is_token(parser, ",")) {
            struct rp_node *tuple = with_children(parser, RP_N_TUPLE, index->at, index, NULL);
            bool comma = accept(parser, ",");
            index = series(parser, tuple, "]", &comma);
        } else {
            index = expect(parser, "]", "a closing bracket is missing", index);
        }
        return index == NULL ? NULL : with_children(parser, RP_N_INDEX, at, of, index);
    }
    while (slice->count < 4 && accept(parser, ":")) {
        if (!bound(parser, slice)) {
            return NULL;
        }
    }
    while (slice->count < 4) {
        if (!add_node(parser, slice, NULL)) {
            return NULL;
        }
    }
    return expect(parser, "]", "a closing bracket is missing", slice);
}

static struct rp_node *primary(struct parser *parser)
{
    struct rp_node *node = atom(parser);
    for (unsigned links = 0; node != NULL; links++) {
        size_t at = parser->token.at;
        bool comma;
        if (links > RP_EXPRESSION_NESTING) {
            return problem(parser, "the expression is too deep");
        }
        if (accept(parser, ".")) {
            node = attribute(parser, node);
        } else if (accept(parser, "[")) {
            node = subscript(parser, node, at);
        } else if (accept(parser, "(")) {
            node =
                series(parser, with_children(parser, RP_N_CALL, node->at, node, NULL), ")", &comma);
        } else {
            break;
        }
    }
    return node;
}

static struct rp_node *unary(struct parser *parser);

static struct rp_node *binary_node(struct parser *parser, enum rp_op op, size_t at,
                                   struct rp_node *a, struct rp_node *b)
{
    struct rp_node *node = b == NULL ? NULL : with_children(parser, RP_N_BINARY, at, a, b);
    if (node != NULL) {
        node->op = op;
    }
    return node;
}

static struct rp_node *power(struct parser *parser)
{
    struct rp_node *node = primary(parser);
    size_t at = parser->token.at;
    if (node != NULL && accept(parser, "**")) {
        return binary_node(parser, RP_OP_POW, at, node, unary(parser));
    }
    return node;
}

/* Whatever nests passes here. */
static struct rp_node *unary(struct parser *parser)
{
    static const struct {
        const char *sign;
        enum rp_op op;
    } signs[] = {{"-", RP_OP_NEG}, {"+", RP_OP_POS}, {"~", RP_OP_INVERT}};
    size_t at = parser->token.at;
    if (parser->nesting >= RP_EXPRESSION_NESTING) {
        return problem(parser, "the expression is too deep");
    }
    parser->nesting++;
    struct rp_node *node = NULL;
    bool is_signed = false;
    for (size_t i = 0; i < 3 && !is_signed; i++) {
        is_signed = accept(parser, signs[i].sign);
        if (is_signed) {
            node = with_children(parser, RP_N_UNARY, at, unary(parser), NULL);
            if (node != NULL) {
                node->op = signs[i].op;
            }
        }
    }
    node = is_signed ? node : power(parser);
    parser->nesting--;
    return node;
}

/* Binary operators by level, the strongest first. */
static const struct level {
    struct {
        const char *sign;
        enum rp_op op;
    } operators[4];
} levels[] = {
    {{{"*", RP_OP_MUL}, {"//", RP_OP_FLOOR}, {"/", RP_OP_DIV}, {"%", RP_OP_MOD}}},
    {{{"+", RP_OP_ADD}, {"-", RP_OP_SUB}}},
    {{{"<<", RP_OP_LSHIFT}, {">>", RP_OP_RSHIFT}}},
    {{{"&", RP_OP_AND}}},
    {{{"^", RP_OP_XOR}}},
    {{{"|", RP_OP_OR}}},
};
enum { LEVELS = sizeof levels / sizeof levels[0] };

static struct rp_node *binary(struct parser *parser, unsigned level)
{
    if (level == 0) {
        return unary(parser);
    }
    const struct level *here = &levels[level - 1];
    struct rp_node *node = binary(parser, level - 1);
    for (unsigned long links = 0; node != NULL; links++) {
        size_t at = parser->token.at;
        bool is_one = false;
        enum rp_op op = RP_OP_ADD;
        for (size_t i = 0; i < 4 && here->operators[i].sign != NULL && !is_one; i++) {
            is_one = accept(parser, here->operators[i].sign);
            op = here->operators[i].op;
        }
        if (!is_one) {
            break;
        }
        if (links > RP_EXPRESSION_NESTING) { /* each makes the tree deeper */
            return problem(parser, "the expression is too deep");
        }
        node = binary_node(parser, op, at, node, binary(parser, level - 1));
    }
    return node;
}

static bool comparison_sign(struct parser *parser, enum rp_op *op)
{
    static const struct {
        const char *sign;
        enum rp_op op;
    } signs[] = {{"<=", RP_OP_LE}, {">=", RP_OP_GE}, {"==", RP_OP_EQ}, {"!=", RP_OP_NE},
                 {"<", RP_OP_LT},  {">", RP_OP_GT},  {"in", RP_OP_IN}};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (accept(parser, signs[i].sign)) {
            *op = signs[i].op;
            return true;
        }
    }
    if (accept(parser, "is")) {
        *op = accept(parser, "not") ? RP_OP_IS_NOT : RP_OP_IS;
        return true;
    }
    if (accept(parser, "not")) {
        *op = RP_OP_NOT_IN;
        return accept(parser, "in") || problem(parser, "'in' is missing") != NULL;
    }
    return false;
}

static struct rp_node *comparison(struct parser *parser)
{
    enum { MOST = 64 };
    enum rp_op operators[MOST], op;
    struct rp_node *first = binary(parser, LEVELS), *node = NULL;
    size_t at = parser->token.at;
    while (first != NULL && comparison_sign(parser, &op)) {
        node = node != NULL ? node : with_children(parser, RP_N_COMPARE, at, first, NULL);
        struct rp_node *next = node != NULL ? binary(parser, LEVELS) : NULL;
        if (next == NULL || node->count > MOST || !add_node(parser, node, next)) {
            return problem(parser, "the comparison is too long");
        }
        operators[node->count - 2] = op;
    }
    if (node != NULL && parser->problem == NULL) {
        node->operators = rp_arena_get(parser->arena, (node->count - 1) * sizeof *operators);
        if (node->operators == NULL) {
            return problem(parser, no_memory);
        }
        memcpy(node->operators, operators, (node->count - 1) * sizeof *operators);
    }
    return parser->problem != NULL ? NULL : node != NULL ? node : first;
}

static struct rp_node *negation(struct parser *parser)
{
    size_t at = parser->token.at;
    if (!accept(parser, "not")) {
        return comparison(parser);
    }
    if (parser->nesting >= RP_EXPRESSION_NESTING) {
        return problem(parser, "the expression is too deep");
    }
    parser->nesting++;
    struct rp_node *node = with_children(parser, RP_N_NOT, at, negation(parser), NULL);
    parser->nesting--;
    return node;
}

static struct rp_node *conjunction(struct parser *parser, bool is_or)
{
    struct rp_node *node = is_or ? conjunction(parser, false) : negation(parser);
    size_t at = parser->token.at;
    if (node == NULL || !is_token(parser, is_or ? "or" : "and")) {
        return node;
    }
    node = with_children(parser, is_or ? RP_N_OR : RP_N_AND, at, node, NULL);
    while (node != NULL && accept(parser, is_or ? "or" : "and")) {
        struct rp_node *next = is_or ? conjunction(parser, false) : negation(parser);
        if (next == NULL || !add_node(parser, node, next)) {
            return NULL;
        }
    }
    return node;
}

static struct rp_node *choice(struct parser *parser)
{
    struct rp_node *then = conjunction(parser, true);
    size_t at = parser->token.at;
    if (then == NULL || !accept(parser, "if")) {
        return then;
    }
    struct rp_node *condition = conjunction(parser, true);
    condition = expect(parser, "else", "'else' is missing", condition);
    if (parser->nesting >= RP_EXPRESSION_NESTING) {
        return problem(parser, "the expression is too deep");
    }
    parser->nesting++;
    struct rp_node *other = condition != NULL ? choice(parser) : NULL;
    parser->nesting--;
    struct rp_node *node =
        other != NULL ? with_children(parser, RP_N_CHOICE, at, condition, then) : NULL;
    return node != NULL && add_node(parser, node, other) ? node : NULL;
}

/* ---- all of it ---- */

static void read_all(struct rp_expression *expression, struct parser *parser)
{
    read_token(parser);
    struct rp_node *root = choice(parser);
    if (root != NULL && is_token(parser, ",")) { /* a tuple without its brackets */
        root = with_children(parser, RP_N_TUPLE, root->at, root, NULL);
        while (root != NULL && accept(parser, ",") && parser->token.kind != T_END) {
            struct rp_node *next = choice(parser);
            root = next != NULL && add_node(parser, root, next) ? root : NULL;
        }
    }
    if (root != NULL && parser->token.kind != T_END) {
        problem(parser,
                parser->token.kind == T_BAD ? "this is no expression" : "something is left over");
    }
    expression->root = root;
}

int rp_expression_new(struct rp_expression **expression, const char *text, size_t size, size_t *at,
                      struct ct_error *error)
{
    *at = 0;
    *expression = NULL;
    if (size > RP_EXPRESSION_BYTES) {
        return ct_fail(error, CT_ELIMIT, "the expression is too long");
    }
    struct rp_expression *made = calloc(1, sizeof *made);
    char *copy = malloc(size + 1);
    if (made == NULL || copy == NULL) {
        free(made);
        free(copy);
        return ct_fail(error, CT_ENOMEM, "no memory for an expression");
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    made->text = copy;
    made->arena.limit = RP_EXPRESSION_BYTES * 256;
    struct parser parser = {.arena = &made->arena, .text = copy, .size = size};
    read_all(made, &parser);
    if (parser.problem != NULL) {
        *at = parser.at;
        rp_expression_free(made);
        return ct_fail(error, CT_EUSAGE, "%s", parser.problem);
    }
    *expression = made;
    return CT_OK;
}

void rp_expression_free(struct rp_expression *expression)
{
    if (expression != NULL) {
        rp_arena_free(&expression->arena);
        free(expression->text);
        free(expression);
    }
}
