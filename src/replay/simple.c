#include "replay/simple.h"

#include <math.h>
#include <string.h>

enum {
    MANTISSA_BITS = 53,
    ELEMENTS_MAX = 256, /* of a container, looked at one after another */
    PAIRS_MAX = 4096,   /* and keys of a dict */
};

static const struct rp_operand unknown = {.kind = RP_V_THING};

/* ---- which are simple ---- */

static bool is_display(const struct rp_node *node)
{
    return node->kind == RP_N_TUPLE || node->kind == RP_N_LIST || node->kind == RP_N_SET;
}

static bool is_simple(const struct rp_node *node, struct rp_simple *simple);

static bool are_simple(const struct rp_node *node, uint32_t first, struct rp_simple *simple)
{
    bool all = true;
    for (uint32_t i = first; all && i < node->count; i++) {
        all = is_simple(node->children[i], simple);
    }
    return all;
}

/* (1, 2) stands behind `in` only, at the end. */
static bool is_simple_comparison(const struct rp_node *node, struct rp_simple *simple)
{
    bool all = is_simple(node->children[0], simple);
    for (uint32_t i = 1; all && i < node->count; i++) {
        const struct rp_node *child = node->children[i];
        enum rp_op op = node->operators[i - 1];
        bool is_in = op == RP_OP_IN || op == RP_OP_NOT_IN;
        bool is_last = i + 1 == node->count;
        simple->needs_view |= is_in && !is_display(child);
        all = is_in && is_last && is_display(child) ? are_simple(child, 0, simple)
                                                    : is_simple(child, simple);
    }
    return all;
}

static bool is_simple_name(const struct rp_node *node, struct rp_simple *simple)
{
    if (node->name >= RP_SIMPLE_NAMES) {
        return false;
    }
    simple->names[node->name] = node;
    simple->name_count = node->name < simple->name_count ? simple->name_count : node->name + 1;
    return true;
}

/* len(x) */
static bool is_simple_call(const struct rp_node *node, struct rp_simple *simple)
{
    const struct rp_node *function = node->children[0];
    bool is_len =
        function->kind == RP_N_NAME && function->size == 3 && memcmp(function->text, "len", 3) == 0;
    simple->calls_len = true;
    simple->needs_view = true;
    return is_len && node->count == 2 && is_simple(node->children[1], simple);
}

static bool is_simple(const struct rp_node *node, struct rp_simple *simple)
{
    switch (node->kind) {
    case RP_N_NAME:
        return is_simple_name(node, simple);
    case RP_N_INT:
        simple->has_numbers = true;
        return node->is_small;
    case RP_N_FLOAT:
    case RP_N_TRUE:
    case RP_N_FALSE:
        simple->has_numbers = true;
        return true;
    case RP_N_STR:
    case RP_N_NONE:
        simple->needs_view = true; /* what is compared with it may be long, or an object */
        return true;
    case RP_N_COMPARE:
        return is_simple_comparison(node, simple);
    case RP_N_CALL:
        return is_simple_call(node, simple);
    case RP_N_ATTRIBUTE:
    case RP_N_INDEX:
        simple->needs_view = true;
        return are_simple(node, 0, simple);
    case RP_N_BINARY:
        return node->op != RP_OP_POW && are_simple(node, 0, simple);
    case RP_N_UNARY:
    case RP_N_AND:
    case RP_N_OR:
    case RP_N_NOT:
    case RP_N_CHOICE:
        return are_simple(node, 0, simple);
    default:
        return false;
    }
}

bool rp_is_simple(const struct rp_expression *expression, struct rp_simple *simple)
{
    *simple = (struct rp_simple){0};
    bool all = is_simple(expression->root, simple);
    simple->needs_view |= !simple->has_numbers;
    return all;
}

/* ---- operands ---- */

static struct rp_operand of_bool(bool truth)
{
    return (struct rp_operand){.kind = RP_V_BOOL, .integer = truth};
}

static struct rp_operand of_int(int64_t integer)
{
    return (struct rp_operand){.kind = RP_V_INT, .integer = integer};
}

static struct rp_operand of_float(double number)
{
    return (struct rp_operand){.kind = RP_V_FLOAT, .number = number};
}

static struct rp_operand of_text(const char *text, size_t size)
{
    return (struct rp_operand){.kind = RP_V_STR, .text = text, .size = size};
}

static bool is_container(const struct rp_operand *operand)
{
    return operand->kind == RP_V_TUPLE || operand->kind == RP_V_LIST || operand->kind == RP_V_SET ||
           operand->kind == RP_V_DICT;
}

static bool is_whole(const struct rp_operand *operand)
{
    return operand->kind == RP_V_BOOL || operand->kind == RP_V_INT;
}

static bool is_number(const struct rp_operand *operand)
{
    return is_whole(operand) || operand->kind == RP_V_FLOAT;
}

/* Whether the number is exactly a float; `*number` is. */
static bool to_float(const struct rp_operand *operand, double *number)
{
    int64_t most = 1ll << MANTISSA_BITS;
    *number = operand->kind == RP_V_FLOAT ? operand->number : (double)operand->integer;
    return operand->kind == RP_V_FLOAT || (operand->integer >= -most && operand->integer <= most);
}

static int truth(const struct rp_operand *operand)
{
    switch (operand->kind) {
    case RP_V_NONE:
        return 0;
    case RP_V_BOOL:
    case RP_V_INT:
        return operand->integer != 0;
    case RP_V_FLOAT:
        return operand->number != 0;
    case RP_V_THING:
        return operand->thing == RP_T_INSTANCE || operand->thing == RP_T_OTHER ? 1 : -1;
    default:
        return operand->size > 0;
    }
}

/* ---- arithmetic ---- */

static struct rp_operand divide_ints(enum rp_op op, int64_t a, int64_t b)
{
    if (b == 0 || b == -1) { /* no quotient, or one that may be too large */
        return unknown;
    }
    int64_t quotient = a / b, rest = a % b;
    bool is_below = rest != 0 && (rest < 0) != (b < 0);
    return of_int(op == RP_OP_FLOOR ? quotient - is_below : rest + (is_below ? b : 0));
}

static struct rp_operand shift(enum rp_op op, int64_t a, int64_t b)
{
    enum { BITS = 63 };
    if (b < 0 || b >= BITS) {
        return unknown;
    }
    if (op == RP_OP_RSHIFT) {
        return of_int(a >> b);
    }
    int64_t result;
    return __builtin_mul_overflow(a, (int64_t)1 << b, &result) ? unknown : of_int(result);
}

static struct rp_operand with_ints(enum rp_op op, const struct rp_operand *left,
                                   const struct rp_operand *right)
{
    int64_t a = left->integer, b = right->integer, result;
    bool are_bools = left->kind == RP_V_BOOL && right->kind == RP_V_BOOL;
    switch (op) {
    case RP_OP_ADD:
        return __builtin_add_overflow(a, b, &result) ? unknown : of_int(result);
    case RP_OP_SUB:
        return __builtin_sub_overflow(a, b, &result) ? unknown : of_int(result);
    case RP_OP_MUL:
        return __builtin_mul_overflow(a, b, &result) ? unknown : of_int(result);
    case RP_OP_FLOOR:
    case RP_OP_MOD:
        return divide_ints(op, a, b);
    case RP_OP_LSHIFT:
    case RP_OP_RSHIFT:
        return shift(op, a, b);
    case RP_OP_AND:
        return are_bools ? of_bool(a & b) : of_int(a & b);
    case RP_OP_OR:
        return are_bools ? of_bool(a | b) : of_int(a | b);
    case RP_OP_XOR:
        return are_bools ? of_bool(a ^ b) : of_int(a ^ b);
    default:
        return unknown;
    }
}

static struct rp_operand with_floats(enum rp_op op, const struct rp_operand *left,
                                     const struct rp_operand *right)
{
    double a, b, quotient, rest;
    if (!to_float(left, &a) || !to_float(right, &b)) {
        return unknown;
    }
    bool divides = op == RP_OP_DIV || op == RP_OP_FLOOR || op == RP_OP_MOD;
    if (divides && b == 0) {
        return unknown;
    }
    switch (op) {
    case RP_OP_ADD:
        return of_float(a + b);
    case RP_OP_SUB:
        return of_float(a - b);
    case RP_OP_MUL:
        return of_float(a * b);
    case RP_OP_DIV:
        return of_float(a / b);
    case RP_OP_FLOOR:
    case RP_OP_MOD:
        rp_divide_floats(a, b, &quotient, &rest);
        return of_float(op == RP_OP_MOD ? rest : quotient);
    default:
        return unknown;
    }
}

static struct rp_operand binary(enum rp_op op, const struct rp_operand *a,
                                const struct rp_operand *b)
{
    if (is_whole(a) && is_whole(b) && op != RP_OP_DIV) {
        return with_ints(op, a, b);
    }
    return is_number(a) && is_number(b) ? with_floats(op, a, b) : unknown;
}

static struct rp_operand unary(enum rp_op op, const struct rp_operand *a)
{
    if (a->kind == RP_V_FLOAT && op != RP_OP_INVERT) {
        return of_float(op == RP_OP_NEG ? -a->number : a->number);
    }
    if (!is_whole(a) || a->integer == INT64_MIN) {
        return unknown;
    }
    return of_int(op == RP_OP_NEG ? -a->integer : op == RP_OP_INVERT ? ~a->integer : a->integer);
}

/* ---- comparisons: 1, 0; -1: not for us to say ---- */

/* Of two of one kind that have an order, NaN aside: below 0, 0, above 0. */
static int order_of_texts(const struct rp_operand *a, const struct rp_operand *b)
{
    size_t shorter = a->size < b->size ? a->size : b->size;
    int order = shorter > 0 ? memcmp(rp_operand_text(a), rp_operand_text(b), shorter) : 0;
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static bool is_same_object(const struct rp_operand *a, const struct rp_operand *b)
{
    return a->value.tag == CTR_V_OBJECT && b->value.tag == CTR_V_OBJECT &&
           a->value.bits == b->value.bits;
}

/* One of them is a THING. */
static int is_equal_thing(const struct rp_operand *a, const struct rp_operand *b)
{
    bool is_own = a->thing == RP_T_OWN || b->thing == RP_T_OWN;
    if (rp_is_unknown(a) || rp_is_unknown(b) || is_own) {
        return -1;
    }
    if (a->kind == b->kind) { /* the class decides */
        return is_same_object(a, b) ? 1 : -1;
    }
    const struct rp_operand *thing = a->kind == RP_V_THING ? a : b, *plain = thing == a ? b : a;
    return plain->kind == RP_V_NONE || thing->thing == RP_T_INSTANCE ? 0 : -1;
}

static int is_equal(const struct rp_operand *a, const struct rp_operand *b)
{
    double left, right;
    if (a->kind == RP_V_THING || b->kind == RP_V_THING) {
        return is_equal_thing(a, b);
    }
    if (is_whole(a) && is_whole(b)) {
        return a->integer == b->integer;
    }
    if (is_number(a) && is_number(b)) {
        bool are_exact = to_float(a, &left) & to_float(b, &right);
        return are_exact ? left == right : -1;
    }
    if (a->kind != b->kind || a->is_deque != b->is_deque) {
        return 0;
    }
    if (is_container(a) || a->kind == RP_V_BYTES) {
        return a->size != b->size ? 0 : -1;
    }
    return a->kind == RP_V_NONE || order_of_texts(a, b) == 0;
}

#define BY_ORDER(op, a, b)           \
    ((op) == RP_OP_LT   ? (a) < (b)  \
     : (op) == RP_OP_LE ? (a) <= (b) \
     : (op) == RP_OP_GE ? (a) >= (b) \
                        : (a) > (b))

static int is_ordered(enum rp_op op, const struct rp_operand *a, const struct rp_operand *b)
{
    double left, right;
    if (is_whole(a) && is_whole(b)) {
        return BY_ORDER(op, a->integer, b->integer);
    }
    if (is_number(a) && is_number(b)) {
        bool are_exact = to_float(a, &left) & to_float(b, &right);
        return are_exact ? BY_ORDER(op, left, right) : -1;
    }
    if (a->kind == RP_V_STR && b->kind == RP_V_STR) {
        int order = order_of_texts(a, b);
        return BY_ORDER(op, order, 0);
    }
    return -1;
}

static bool is_single(const struct rp_operand *operand)
{
    return operand->kind == RP_V_NONE || operand->kind == RP_V_BOOL;
}

/* NaN is what it is not equal to, and in a container, if it is the same one. */
static bool is_nan(const struct rp_operand *operand)
{
    return operand->kind == RP_V_FLOAT && isnan(operand->number);
}

/* Nobody recorded which of equal numbers and texts are one. */
static int is_identical(const struct rp_operand *a, const struct rp_operand *b)
{
    if (rp_is_unknown(a) || rp_is_unknown(b)) {
        return -1;
    }
    if (is_single(a) || is_single(b)) {
        return a->kind == b->kind && a->integer == b->integer;
    }
    if (a->thing >= RP_T_OTHER || b->thing >= RP_T_OTHER) {
        return is_same_object(a, b) ? 1 : -1;
    }
    if (a->kind != b->kind) {
        return 0;
    }
    if (a->value.tag == CTR_V_OBJECT || b->value.tag == CTR_V_OBJECT) {
        return is_same_object(a, b);
    }
    return is_equal(a, b) == 0 && !(is_nan(a) && is_nan(b)) ? 0 : -1;
}

/* Whether an element, or a key, is what is looked for. */
static int is_element(const struct rp_operand *element, const struct rp_operand *wanted)
{
    return is_nan(element) ? -1 : is_equal(element, wanted);
}

/* In the elements of a recorded container, or the keys of a dict. */
static int is_within(const struct rp_operand *a, const struct rp_operand *container,
                     struct rp_view *view)
{
    bool is_plain = is_single(a) || is_number(a) || a->kind == RP_V_STR;
    struct rp_operand element;
    struct ctr_value value;
    uint32_t count = 0;
    if (!is_plain || is_nan(a) || container->state == NULL || container->size > ELEMENTS_MAX) {
        return -1;
    }
    for (uint32_t at = 0; rp_view_next(view, container, &at, &element, &value); at++, count++) {
        int equal = is_element(&element, a);
        if (equal != 0) {
            return equal;
        }
    }
    return count == container->size ? 0 : -1; /* there may be more */
}

static int is_in(const struct rp_operand *a, const struct rp_operand *b, struct rp_view *view)
{
    if (is_container(b)) {
        return is_within(a, b, view);
    }
    if (a->kind != RP_V_STR || b->kind != RP_V_STR) {
        return -1;
    }
    return a->size == 0 || memmem(rp_operand_text(b), b->size, rp_operand_text(a), a->size) != NULL;
}

static int compare_two(enum rp_op op, const struct rp_operand *a, const struct rp_operand *b,
                       struct rp_view *view)
{
    switch (op) {
    case RP_OP_EQ:
    case RP_OP_NE:
        return is_equal(a, b);
    case RP_OP_IS:
    case RP_OP_IS_NOT:
        return is_identical(a, b);
    case RP_OP_IN:
    case RP_OP_NOT_IN:
        return is_in(a, b, view);
    default:
        return is_ordered(op, a, b);
    }
}

/* ---- the tree ---- */

static struct rp_operand evaluate(const struct rp_node *node, const struct rp_simple_scope *scope);

/* Of elements of a set it must be known that they have a hash, and which are equal. */
static bool may_fail_in_set(const struct rp_operand *operand)
{
    return is_container(operand) || operand->kind == RP_V_THING;
}

static int is_in_display(const struct rp_operand *a, const struct rp_node *display,
                         const struct rp_simple_scope *scope)
{
    bool needs_hash = display->kind == RP_N_SET;
    int found = rp_is_unknown(a) || is_nan(a) || (needs_hash && is_container(a)) ? -1 : 0;
    for (uint32_t i = 0; found >= 0 && i < display->count; i++) { /* all must have a value */
        struct rp_operand element = evaluate(display->children[i], scope);
        int equal = needs_hash && may_fail_in_set(&element) ? -1 : is_element(&element, a);
        found = equal < 0 ? -1 : found | equal;
    }
    return found;
}

static struct rp_operand compare(const struct rp_node *node, const struct rp_simple_scope *scope)
{
    struct rp_operand left = evaluate(node->children[0], scope);
    int holds = 1;
    for (uint32_t i = 1; holds == 1 && i < node->count; i++) {
        enum rp_op op = node->operators[i - 1];
        const struct rp_node *child = node->children[i];
        if (is_display(child)) {
            holds = is_in_display(&left, child, scope);
        } else {
            struct rp_operand right = evaluate(child, scope);
            holds = compare_two(op, &left, &right, scope->view);
            left = right;
        }
        bool negated = op == RP_OP_NE || op == RP_OP_NOT_IN || op == RP_OP_IS_NOT;
        holds = holds >= 0 && negated ? !holds : holds;
    }
    return holds < 0 ? unknown : of_bool(holds);
}

static struct rp_operand either(const struct rp_node *node, const struct rp_simple_scope *scope)
{
    struct rp_operand operand = unknown;
    for (uint32_t i = 0; i < node->count; i++) {
        operand = evaluate(node->children[i], scope);
        if (truth(&operand) != (node->kind == RP_N_AND)) { /* it decides, or is unknown */
            break;
        }
    }
    return operand;
}

static struct rp_operand name(const struct rp_node *node, const struct rp_simple_scope *scope)
{
    struct rp_operand found = unknown;
    bool absent = true;
    if ((scope->outside >> node->name & 1) == 0) {
        return rp_view_operand(scope->view, scope->values[node->name]);
    }
    if (scope->space != NULL && scope->space->tag == CTR_V_OBJECT) {
        rp_view_named(scope->view, scope->space->bits, node, &found, &absent);
    }
    if (absent && scope->globals != 0) {
        rp_view_named(scope->view, scope->globals - 1, node, &found, &absent);
    }
    return found;
}

/* A value at a key that is equal to one of the dict. */
static struct rp_operand value_of_key(const struct rp_operand *dict, const struct rp_operand *key,
                                      struct rp_view *view)
{
    struct rp_operand found, other;
    struct ctr_value value;
    bool is_plain = is_single(key) || is_number(key) || key->kind == RP_V_STR;
    if (!is_plain || is_nan(key) || dict->state == NULL) {
        return unknown;
    }
    if (rp_view_pair(view, dict, key, &found)) {
        return found;
    }
    for (uint32_t at = 0; at < PAIRS_MAX && rp_view_next(view, dict, &at, &other, &value); at++) {
        int equal = is_element(&other, key);
        if (equal != 0) {
            return equal > 0 ? rp_view_operand(view, value) : unknown;
        }
    }
    return unknown;
}

static struct rp_operand subscript(const struct rp_operand *of, const struct rp_operand *key,
                                   struct rp_view *view)
{
    if (of->kind == RP_V_DICT) {
        return value_of_key(of, key, view);
    }
    bool has_places = of->kind == RP_V_LIST || of->kind == RP_V_TUPLE;
    return has_places && is_whole(key) ? rp_view_item(view, of, key->integer) : unknown;
}

static struct rp_operand length(const struct rp_operand *of)
{
    if (of->kind == RP_V_STR) {
        return of_int((int64_t)rp_characters(rp_operand_text(of), of->size));
    }
    return is_container(of) || of->kind == RP_V_BYTES ? of_int((int64_t)of->size) : unknown;
}

/* Of the constants those that may be keys say what their content is. */
static struct rp_operand constant(const struct rp_node *node)
{
    struct rp_operand operand;
    switch (node->kind) {
    case RP_N_INT:
        operand = of_int(node->integer);
        operand.value = (struct ctr_value){.tag = CTR_V_INT, .bits = (uint64_t)node->integer};
        return operand;
    case RP_N_STR:
        operand = of_text(node->text, node->size);
        if (node->size <= CTR_SHORT_TEXT_MAX) {
            operand.value =
                (struct ctr_value){.tag = CTR_V_SHORT_TEXT, .bits = (uint64_t)node->size << 56};
            memcpy(&operand.value.bits, node->text, node->size);
        }
        return operand;
    case RP_N_FLOAT:
        return of_float(node->number);
    case RP_N_TRUE:
    case RP_N_FALSE:
        return of_bool(node->kind == RP_N_TRUE);
    case RP_N_NONE:
        return (struct rp_operand){.kind = RP_V_NONE};
    default:
        return unknown;
    }
}

static struct rp_operand evaluate(const struct rp_node *node, const struct rp_simple_scope *scope)
{
    struct rp_operand a, b;
    int holds;
    switch (node->kind) {
    case RP_N_NAME:
        return name(node, scope);
    case RP_N_COMPARE:
        return compare(node, scope);
    case RP_N_AND:
    case RP_N_OR:
        return either(node, scope);
    case RP_N_NOT:
        a = evaluate(node->children[0], scope);
        holds = truth(&a);
        return holds < 0 ? unknown : of_bool(!holds);
    case RP_N_CHOICE:
        a = evaluate(node->children[0], scope);
        holds = truth(&a);
        return holds < 0 ? unknown : evaluate(node->children[holds ? 1 : 2], scope);
    case RP_N_UNARY:
        a = evaluate(node->children[0], scope);
        return unary(node->op, &a);
    case RP_N_BINARY:
        a = evaluate(node->children[0], scope);
        b = evaluate(node->children[1], scope);
        return binary(node->op, &a, &b);
    case RP_N_ATTRIBUTE:
        a = evaluate(node->children[0], scope);
        return rp_view_attribute(scope->view, &a, node);
    case RP_N_INDEX:
        a = evaluate(node->children[0], scope);
        b = evaluate(node->children[1], scope);
        return subscript(&a, &b, scope->view);
    case RP_N_CALL:
        a = evaluate(node->children[1], scope);
        return length(&a);
    default:
        return constant(node);
    }
}

int rp_simple_test(const struct rp_expression *expression, const struct rp_simple_scope *scope)
{
    struct rp_operand answer = evaluate(expression->root, scope);
    return truth(&answer);
}
