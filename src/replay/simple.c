#include "replay/simple.h"

#include <math.h>
#include <string.h>

enum { MANTISSA_BITS = 53 };

/* A NONE, BOOL, INT, FLOAT or STR. THING: not for us to say. */
struct operand {
    enum rp_value_kind kind;
    int64_t integer; /* BOOL, INT */
    double number;
    const char *text;
    size_t size;
};

static const struct operand unknown = {.kind = RP_V_THING};

/* ---- which are simple ---- */

static bool is_display(const struct rp_node *node)
{
    return node->kind == RP_N_TUPLE || node->kind == RP_N_LIST || node->kind == RP_N_SET;
}

static bool is_simple(const struct rp_node *node, const struct rp_node **names, uint32_t *count);

/* (1, 2) stands behind `in` only, at the end. */
static bool is_simple_comparison(const struct rp_node *node, const struct rp_node **names,
                                 uint32_t *count)
{
    bool simple = is_simple(node->children[0], names, count);
    for (uint32_t i = 1; simple && i < node->count; i++) {
        const struct rp_node *child = node->children[i];
        enum rp_op op = node->operators[i - 1];
        bool is_last = i + 1 == node->count && (op == RP_OP_IN || op == RP_OP_NOT_IN);
        uint32_t elements = is_last && is_display(child) ? child->count : 0;
        for (uint32_t j = 0; simple && j < elements; j++) {
            simple = is_simple(child->children[j], names, count);
        }
        simple = simple && ((is_last && is_display(child)) || is_simple(child, names, count));
    }
    return simple;
}

static bool is_simple(const struct rp_node *node, const struct rp_node **names, uint32_t *count)
{
    bool simple = true;
    switch (node->kind) {
    case RP_N_NAME:
        if (node->name >= RP_SIMPLE_NAMES) {
            return false;
        }
        names[node->name] = node;
        *count = node->name < *count ? *count : node->name + 1;
        return true;
    case RP_N_INT:
        return node->is_small;
    case RP_N_FLOAT:
    case RP_N_STR:
    case RP_N_NONE:
    case RP_N_TRUE:
    case RP_N_FALSE:
        return true;
    case RP_N_COMPARE:
        return is_simple_comparison(node, names, count);
    case RP_N_UNARY:
    case RP_N_BINARY:
    case RP_N_AND:
    case RP_N_OR:
    case RP_N_NOT:
    case RP_N_CHOICE:
        simple = node->kind != RP_N_BINARY || node->op != RP_OP_POW;
        for (uint32_t i = 0; simple && i < node->count; i++) {
            simple = is_simple(node->children[i], names, count);
        }
        return simple;
    default:
        return false;
    }
}

bool rp_is_simple(const struct rp_expression *expression,
                  const struct rp_node *names[RP_SIMPLE_NAMES], uint32_t *count)
{
    *count = 0;
    return is_simple(expression->root, names, count);
}

/* ---- operands ---- */

static struct operand of_bool(bool truth)
{
    return (struct operand){.kind = RP_V_BOOL, .integer = truth};
}

static struct operand of_int(int64_t integer)
{
    return (struct operand){.kind = RP_V_INT, .integer = integer};
}

static struct operand of_float(double number)
{
    return (struct operand){.kind = RP_V_FLOAT, .number = number};
}

static struct operand of_text(const char *text, size_t size)
{
    return (struct operand){.kind = RP_V_STR, .text = text, .size = size};
}

static struct operand of_value(const struct ctr_value *value)
{
    switch (value->tag) {
    case CTR_V_NONE:
        return (struct operand){.kind = RP_V_NONE};
    case CTR_V_TRUE:
    case CTR_V_FALSE:
        return of_bool(value->tag == CTR_V_TRUE);
    case CTR_V_INT:
        return of_int((int64_t)value->bits);
    case CTR_V_FLOAT:
        return of_float(ctr_value_float(*value));
    case CTR_V_SHORT_TEXT:
        return of_text((const char *)&value->bits, value->bits >> 56 & CTR_SHORT_TEXT_MAX);
    default:
        return unknown;
    }
}

static bool is_whole(const struct operand *operand)
{
    return operand->kind == RP_V_BOOL || operand->kind == RP_V_INT;
}

static bool is_number(const struct operand *operand)
{
    return is_whole(operand) || operand->kind == RP_V_FLOAT;
}

/* Whether the number is exactly a float; `*number` is. */
static bool to_float(const struct operand *operand, double *number)
{
    int64_t most = 1ll << MANTISSA_BITS;
    *number = operand->kind == RP_V_FLOAT ? operand->number : (double)operand->integer;
    return operand->kind == RP_V_FLOAT || (operand->integer >= -most && operand->integer <= most);
}

static int truth(const struct operand *operand)
{
    switch (operand->kind) {
    case RP_V_NONE:
        return 0;
    case RP_V_BOOL:
    case RP_V_INT:
        return operand->integer != 0;
    case RP_V_FLOAT:
        return operand->number != 0;
    case RP_V_STR:
        return operand->size > 0;
    default:
        return -1;
    }
}

/* ---- arithmetic ---- */

static struct operand divide_ints(enum rp_op op, int64_t a, int64_t b)
{
    if (b == 0 || b == -1) { /* no quotient, or one that may be too large */
        return unknown;
    }
    int64_t quotient = a / b, rest = a % b;
    bool is_below = rest != 0 && (rest < 0) != (b < 0);
    return of_int(op == RP_OP_FLOOR ? quotient - is_below : rest + (is_below ? b : 0));
}

static struct operand shift(enum rp_op op, int64_t a, int64_t b)
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

static struct operand with_ints(enum rp_op op, const struct operand *left,
                                const struct operand *right)
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

static struct operand with_floats(enum rp_op op, const struct operand *left,
                                  const struct operand *right)
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

static struct operand binary(enum rp_op op, const struct operand *a, const struct operand *b)
{
    if (is_whole(a) && is_whole(b) && op != RP_OP_DIV) {
        return with_ints(op, a, b);
    }
    return is_number(a) && is_number(b) ? with_floats(op, a, b) : unknown;
}

static struct operand unary(enum rp_op op, const struct operand *a)
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
static int order_of_texts(const struct operand *a, const struct operand *b)
{
    size_t shorter = a->size < b->size ? a->size : b->size;
    int order = shorter > 0 ? memcmp(a->text, b->text, shorter) : 0;
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static int is_equal(const struct operand *a, const struct operand *b)
{
    double left, right;
    if (a->kind == RP_V_THING || b->kind == RP_V_THING) {
        return -1;
    }
    if (is_whole(a) && is_whole(b)) {
        return a->integer == b->integer;
    }
    if (is_number(a) && is_number(b)) {
        bool are_exact = to_float(a, &left) & to_float(b, &right);
        return are_exact ? left == right : -1;
    }
    if (a->kind != b->kind) {
        return 0;
    }
    return a->kind == RP_V_NONE || order_of_texts(a, b) == 0;
}

#define BY_ORDER(op, a, b)           \
    ((op) == RP_OP_LT   ? (a) < (b)  \
     : (op) == RP_OP_LE ? (a) <= (b) \
     : (op) == RP_OP_GE ? (a) >= (b) \
                        : (a) > (b))

static int is_ordered(enum rp_op op, const struct operand *a, const struct operand *b)
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

/* Nobody recorded which of equal numbers and texts are one. */
static int is_identical(const struct operand *a, const struct operand *b)
{
    bool is_single = a->kind == RP_V_NONE || a->kind == RP_V_BOOL || b->kind == RP_V_NONE ||
                     b->kind == RP_V_BOOL;
    int equal = is_equal(a, b);
    if (equal >= 0 && is_single) {
        return equal && a->kind == b->kind;
    }
    return a->kind != b->kind || equal == 0 ? (equal < 0 ? -1 : 0) : -1;
}

static int compare_two(enum rp_op op, const struct operand *a, const struct operand *b)
{
    int holds;
    switch (op) {
    case RP_OP_EQ:
        return is_equal(a, b);
    case RP_OP_NE:
        holds = is_equal(a, b);
        return holds < 0 ? -1 : !holds;
    case RP_OP_IS:
        return is_identical(a, b);
    case RP_OP_IS_NOT:
        holds = is_identical(a, b);
        return holds < 0 ? -1 : !holds;
    case RP_OP_IN:
    case RP_OP_NOT_IN:
        if (a->kind != RP_V_STR || b->kind != RP_V_STR) {
            return -1;
        }
        holds = a->size == 0 || memmem(b->text, b->size, a->text, a->size) != NULL;
        return op == RP_OP_IN ? holds : !holds;
    default:
        return is_ordered(op, a, b);
    }
}

/* ---- the tree ---- */

static struct operand evaluate(const struct rp_node *node, const struct ctr_value *values);

/* NaN is in a display if it is the same one. */
static bool is_nan(const struct operand *operand)
{
    return operand->kind == RP_V_FLOAT && isnan(operand->number);
}

static int is_in(const struct operand *a, const struct rp_node *display,
                 const struct ctr_value *values)
{
    int found = a->kind == RP_V_THING || is_nan(a) ? -1 : 0;
    for (uint32_t i = 0; found >= 0 && i < display->count; i++) { /* all must have a value */
        struct operand element = evaluate(display->children[i], values);
        int equal = is_nan(&element) ? -1 : is_equal(a, &element);
        found = equal < 0 ? -1 : found | equal;
    }
    return found;
}

static struct operand compare(const struct rp_node *node, const struct ctr_value *values)
{
    struct operand left = evaluate(node->children[0], values);
    int holds = 1;
    for (uint32_t i = 1; holds == 1 && i < node->count; i++) {
        enum rp_op op = node->operators[i - 1];
        const struct rp_node *child = node->children[i];
        if (is_display(child)) {
            holds = is_in(&left, child, values);
            holds = holds >= 0 && op == RP_OP_NOT_IN ? !holds : holds;
        } else {
            struct operand right = evaluate(child, values);
            holds = compare_two(op, &left, &right);
            left = right;
        }
    }
    return holds < 0 ? unknown : of_bool(holds);
}

static struct operand either(const struct rp_node *node, const struct ctr_value *values)
{
    struct operand operand = unknown;
    for (uint32_t i = 0; i < node->count; i++) {
        operand = evaluate(node->children[i], values);
        if (truth(&operand) != (node->kind == RP_N_AND)) { /* it decides, or is unknown */
            break;
        }
    }
    return operand;
}

static struct operand evaluate(const struct rp_node *node, const struct ctr_value *values)
{
    struct operand a, b;
    int holds;
    switch (node->kind) {
    case RP_N_NAME:
        return of_value(&values[node->name]);
    case RP_N_INT:
        return of_int(node->integer);
    case RP_N_FLOAT:
        return of_float(node->number);
    case RP_N_STR:
        return of_text(node->text, node->size);
    case RP_N_TRUE:
    case RP_N_FALSE:
        return of_bool(node->kind == RP_N_TRUE);
    case RP_N_NONE:
        return (struct operand){.kind = RP_V_NONE};
    case RP_N_COMPARE:
        return compare(node, values);
    case RP_N_AND:
    case RP_N_OR:
        return either(node, values);
    case RP_N_NOT:
        a = evaluate(node->children[0], values);
        holds = truth(&a);
        return holds < 0 ? unknown : of_bool(!holds);
    case RP_N_CHOICE:
        a = evaluate(node->children[0], values);
        holds = truth(&a);
        return holds < 0 ? unknown : evaluate(node->children[holds ? 1 : 2], values);
    case RP_N_UNARY:
        a = evaluate(node->children[0], values);
        return unary(node->op, &a);
    case RP_N_BINARY:
        a = evaluate(node->children[0], values);
        b = evaluate(node->children[1], values);
        return binary(node->op, &a, &b);
    default:
        return unknown;
    }
}

int rp_simple_test(const struct rp_expression *expression, const struct ctr_value *values)
{
    struct operand answer = evaluate(expression->root, values);
    return truth(&answer);
}
