/* Truth, equality, order and membership, as Python has them where no code of the program has a say
 * in it. */
#include <math.h>
#include <string.h>

#include "replay/expression_internal.h"
#include "trace/shape.h"

enum { NESTING_MAX = 100 };

static int unknown(struct rp_eval *eval, const char *what)
{
    rp_unknown(eval, what);
    return -1;
}

static int type_error(struct rp_eval *eval, const char *what, struct rp_val *val)
{
    rp_fail(eval, CT_ESTATE, "TypeError: %s: %s", what, rp_val_type_name(eval, val));
    return -1;
}

static bool is_hidden(const struct rp_val *val)
{
    return val->kind == RP_V_THING &&
           (!val->is_recorded || val->shape == CTR_K_REDACTED || val->shape == CTR_K_DROPPED ||
            val->shape == CTR_K_OPAQUE || val->shape == CTR_K_UNREADABLE ||
            val->shape == CTR_K_UNBOUND || val->shape == CTR_F_INT || val->shape == CTR_F_FLOAT);
}

/* Decimals are written as 0, -0.00, 0E+3 where they are 0. */
static int truth_of_decimal(struct rp_eval *eval, const struct rp_val *val)
{
    struct ctr_shape shape;
    struct ct_bytes text = {0};
    ctr_shape_open(eval->player, val->recorded, &shape);
    bool is_known = !shape.is_cut && ctr_shape_add_text(eval->player, val->recorded, &text);
    ctr_shape_close(eval->player, &shape);
    ct_bytes_add_byte(&text, '\0');
    is_known &= !text.failed;
    const char *digits = is_known ? (const char *)text.data : "";
    digits += strspn(digits, "-0.");
    bool is_zero = *digits == '\0' || *digits == 'E';
    ct_bytes_free(&text);
    return is_known ? !is_zero : unknown(eval, "whether this is true");
}

/* What decides for a thing is a number, a text or the like; others would lead anywhere. */
static int truth_of_part(struct rp_eval *eval, struct ctr_value part)
{
    struct rp_val *val = rp_val_load(eval, part);
    if (val != NULL && val->kind == RP_V_THING) {
        return unknown(eval, "whether this is true");
    }
    return val != NULL ? rp_truth(eval, val) : -1;
}

/* Any of the parts of a timedelta; the numerator of a fraction. */
static int truth_of_parts(struct rp_eval *eval, const struct rp_val *val)
{
    struct ctr_shape shape;
    ctr_shape_open(eval->player, val->recorded, &shape);
    uint32_t count = shape.has_node && shape.node.tag == CTR_V_TUPLE ? shape.node.count : 0;
    count = val->shape == CTR_F_FRACTION && count > 1 ? 1 : count;
    int truth = count == 0 ? unknown(eval, "whether this is true") : 0;
    for (uint32_t i = 0; i < count && truth == 0; i++) {
        truth = truth_of_part(eval, ctr_scan_value(&shape.node.children, (struct ctr_value){0}));
    }
    ctr_shape_close(eval->player, &shape);
    return truth;
}

/* A member of an IntEnum, StrEnum and the like is what its value is, any other one is true. */
static int truth_of_enum(struct rp_eval *eval, const struct rp_val *val)
{
    const struct ctr_object *object =
        val->recorded.tag == CTR_V_OBJECT
            ? ctr_player_object(eval->player, val->recorded.bits, NULL)
            : NULL;
    bool has_value = object != NULL && object->item_count > 0;
    return has_value ? truth_of_part(eval, object->items[0]) : 1;
}

static int truth_of_thing(struct rp_eval *eval, struct rp_val *val)
{
    uint64_t length;
    if (is_hidden(val)) {
        return unknown(eval, "whether this is true");
    }
    switch (val->shape) {
    case CTR_F_BUFFER:
        return unknown(eval, "whether this is true");
    case CTR_F_BYTEARRAY:
        return rp_length(eval, val, &length) ? length != 0 : -1;
    case CTR_F_DECIMAL:
        return truth_of_decimal(eval, val);
    case CTR_F_FRACTION:
    case CTR_F_TIMEDELTA:
        return truth_of_parts(eval, val);
    case CTR_F_ENUM:
        return truth_of_enum(eval, val);
    default:
        return 1;
    }
}

int rp_truth(struct rp_eval *eval, struct rp_val *val)
{
    uint64_t length;
    if ((rp_val_methods(eval, val) & (RP_M_TRUTH | RP_M_LENGTH)) != 0) {
        return unknown(eval, "whether this is true: its class may say");
    }
    switch (val->kind) {
    case RP_V_NONE:
        return 0;
    case RP_V_BOOL:
        return val->truth;
    case RP_V_INT:
        return mpz_sgn(val->integer) != 0;
    case RP_V_FLOAT:
        return val->number != 0;
    case RP_V_TYPE:
        return 1;
    case RP_V_THING:
        return truth_of_thing(eval, val);
    default:
        return rp_length(eval, val, &length) ? length != 0 : -1;
    }
}

/* ---- numbers ---- */

/* -1, 0, 1; `*ordered` false: one is no number. */
static int order_of_numbers(const struct rp_val *a, const struct rp_val *b, bool *ordered)
{
    bool a_floats = a->kind == RP_V_FLOAT, b_floats = b->kind == RP_V_FLOAT;
    *ordered = !(a_floats && isnan(a->number)) && !(b_floats && isnan(b->number));
    if (!*ordered) {
        return 0;
    }
    if (a_floats && b_floats) {
        return a->number < b->number ? -1 : a->number > b->number;
    }
    mpz_t left, right;
    int order;
    mpz_inits(left, right, NULL);
    if (a_floats) {
        rp_to_integer(b, right);
        order = -mpz_cmp_d(right, a->number);
    } else if (b_floats) {
        rp_to_integer(a, left);
        order = mpz_cmp_d(left, b->number);
    } else {
        rp_to_integer(a, left);
        rp_to_integer(b, right);
        order = mpz_cmp(left, right);
    }
    mpz_clears(left, right, NULL);
    return order < 0 ? -1 : order > 0;
}

/* ---- equality ---- */

static bool same_recorded(const struct rp_val *a, const struct rp_val *b)
{
    return a->is_recorded && b->is_recorded && ctr_value_same(a->recorded, b->recorded);
}

/* Texts by their bytes: in UTF-8 those are in the order of the characters. */
static int order_of_texts(const struct rp_val *a, const struct rp_val *b)
{
    size_t shorter = a->size < b->size ? a->size : b->size;
    int order = shorter > 0 ? memcmp(a->text, b->text, shorter) : 0;
    return order != 0 ? (order < 0 ? -1 : 1) : a->size < b->size ? -1 : a->size > b->size;
}

static int equal_texts(struct rp_eval *eval, const struct rp_val *a, const struct rp_val *b)
{
    size_t shorter = a->size < b->size ? a->size : b->size;
    bool is_cut = a->is_cut || b->is_cut;
    if (is_cut && !same_recorded(a, b) && memcmp(a->text, b->text, shorter) == 0) {
        return unknown(eval, "the whole text");
    }
    return order_of_texts(a, b) == 0;
}

/* Elements are compared by identity first: of a recorded value that is itself. */
static int equal_elements(struct rp_eval *eval, struct rp_val *a, struct rp_val *b)
{
    return same_recorded(a, b) ? 1 : rp_equal(eval, a, b);
}

static int is_member(struct rp_eval *eval, struct rp_val *container, struct rp_val *val)
{
    if (!rp_val_items(eval, container)) {
        return -1;
    }
    unsigned width = container->kind == RP_V_DICT ? 2 : 1;
    for (uint64_t i = 0; i < container->count; i++) {
        int equal = equal_elements(eval, container->items[i * width], val);
        if (equal != 0) {
            return equal;
        }
    }
    return container->is_cut ? unknown(eval, "all that is in it") : 0;
}

/* Every element of a set, or key of a dict with its value, is in the other one. */
static int all_are_in(struct rp_eval *eval, struct rp_val *a, struct rp_val *b)
{
    unsigned width = a->kind == RP_V_DICT ? 2 : 1;
    for (uint64_t i = 0; i < a->count; i++) {
        int found = 0;
        for (uint64_t j = 0; j < b->count && found == 0; j++) {
            found = equal_elements(eval, b->items[j * width], a->items[i * width]);
            if (found == 1 && width == 2) {
                int equal = equal_elements(eval, a->items[2 * i + 1], b->items[2 * j + 1]);
                if (equal != 1) {
                    return equal;
                }
            }
        }
        if (found != 1) {
            return found;
        }
    }
    return 1;
}

static int equal_containers(struct rp_eval *eval, struct rp_val *a, struct rp_val *b)
{
    if (a->true_length != b->true_length) {
        return 0;
    }
    if (a->is_cut || b->is_cut) {
        return unknown(eval, "all that is in it");
    }
    if (!rp_val_items(eval, a) || !rp_val_items(eval, b)) {
        return -1;
    }
    if (a->kind == RP_V_SET || a->kind == RP_V_DICT) {
        return all_are_in(eval, a, b);
    }
    for (uint64_t i = 0; i < a->count && i < b->count; i++) {
        int equal = equal_elements(eval, a->items[i], b->items[i]);
        if (equal != 1) {
            return equal;
        }
    }
    return 1;
}

static bool is_instance(const struct rp_val *val)
{
    return val->kind == RP_V_THING && (val->shape == CTR_F_OBJECT ||
                                       val->shape == CTR_F_DATACLASS || val->shape == CTR_F_STREAM);
}

/* Values of Python's types whose == is not known here. */
static bool may_decide(const struct rp_val *val)
{
    return val->kind == RP_V_THING && !is_instance(val) && val->shape != CTR_F_FUNCTION &&
           val->shape != CTR_F_MODULE && val->shape != CTR_F_GENERATOR &&
           val->shape != CTR_K_ELLIPSIS && val->shape != CTR_K_NOT_IMPLEMENTED &&
           val->shape != CTR_F_EXCEPTION;
}

static bool same_type(const struct rp_val *a, const struct rp_val *b)
{
    return a->is_recorded && b->is_recorded && a->type == b->type;
}

/* No class of the two has a say in it. An instance is equal to itself alone, but for those that
 * are compared by their attributes. */
static int equal_things(struct rp_eval *eval, struct rp_val *a, struct rp_val *b)
{
    if (is_hidden(a) || is_hidden(b) || a->shape == CTR_F_BUFFER || b->shape == CTR_F_BUFFER) {
        return unknown(eval, "whether these are equal");
    }
    if (a->is_recorded && b->is_recorded &&
        ctr_value_equal(eval->session->trace, a->recorded, b->recorded)) {
        return 1;
    }
    bool is_none = a->kind == RP_V_NONE || b->kind == RP_V_NONE;
    if (is_none || ((is_instance(a) || is_instance(b)) && !same_type(a, b))) {
        return 0;
    }
    bool is_known = is_instance(a) ? a->recorded.tag == CTR_V_OBJECT
                                   : a->shape == CTR_F_ENUM && same_type(a, b);
    return is_known || !(may_decide(a) || may_decide(b) || is_instance(a))
               ? 0
               : unknown(eval, "whether these are equal");
}

/* Whether a class may have a == of its own, that of its own kind included. */
static bool class_may_equal(struct rp_eval *eval, const struct rp_val *a, const struct rp_val *b)
{
    unsigned methods = rp_val_methods(eval, a) | rp_val_methods(eval, b);
    bool are_alike = (methods & RP_M_ALIKE) != 0 && same_type(a, b) && !same_recorded(a, b);
    return (methods & RP_M_EQUAL) != 0 || are_alike;
}

static bool is_deque(const struct rp_val *val)
{
    return val->is_recorded && val->shape == CTR_F_DEQUE;
}

/* Ranges are equal when they have the same elements. */
static int equal_ranges(struct rp_eval *eval, struct rp_val *a, struct rp_val *b)
{
    uint64_t length, other;
    if (!rp_length(eval, a, &length) || !rp_length(eval, b, &other)) {
        return -1;
    }
    int equal = length == other;
    if (equal == 1 && length > 0) {
        equal = rp_equal(eval, a->items[0], b->items[0]);
    }
    if (equal == 1 && length > 1) {
        equal = rp_equal(eval, a->items[2], b->items[2]);
    }
    return equal;
}

int rp_equal(struct rp_eval *eval, struct rp_val *a, struct rp_val *b)
{
    bool ordered;
    if (!rp_work(eval, 1)) {
        return -1;
    }
    if (eval->nesting >= NESTING_MAX) {
        rp_fail(eval, CT_ESTATE, "RecursionError: values nest too deep");
        return -1;
    }
    if (class_may_equal(eval, a, b)) {
        return unknown(eval, "whether these are equal: a class may say");
    }
    if (rp_is_number(a) && rp_is_number(b)) {
        return order_of_numbers(a, b, &ordered) == 0 && ordered;
    }
    if (a->kind == RP_V_THING || b->kind == RP_V_THING) {
        return equal_things(eval, a, b);
    }
    if (a->kind != b->kind || is_deque(a) != is_deque(b)) {
        return 0;
    }
    eval->nesting++;
    int equal = 1;
    switch (a->kind) {
    case RP_V_NONE:
        break;
    case RP_V_STR:
    case RP_V_BYTES:
        equal = equal_texts(eval, a, b);
        break;
    case RP_V_TYPE:
        equal = order_of_texts(a, b) == 0;
        break;
    case RP_V_RANGE:
        equal = same_recorded(a, b) ? 1 : equal_ranges(eval, a, b);
        break;
    default:
        equal = equal_containers(eval, a, b);
    }
    eval->nesting--;
    return equal;
}

/* ---- order ---- */

static int by_order(enum rp_op op, int order)
{
    return op == RP_OP_LT   ? order < 0
           : op == RP_OP_LE ? order <= 0
           : op == RP_OP_GE ? order >= 0
                            : order > 0;
}

/* The first elements that differ decide. */
static int order_sequences(struct rp_eval *eval, enum rp_op op, struct rp_val *a, struct rp_val *b)
{
    if (!rp_val_items(eval, a) || !rp_val_items(eval, b)) {
        return -1;
    }
    for (uint64_t i = 0; i < a->count && i < b->count; i++) {
        int equal = equal_elements(eval, a->items[i], b->items[i]);
        if (equal == 0) {
            return rp_compare(eval, op, a->items[i], b->items[i]);
        }
        if (equal < 0) {
            return -1;
        }
    }
    if (a->is_cut || b->is_cut) {
        return unknown(eval, "all that is in it");
    }
    return by_order(op, a->count < b->count ? -1 : a->count > b->count);
}

static int order_sets(struct rp_eval *eval, enum rp_op op, struct rp_val *a, struct rp_val *b)
{
    struct rp_val *less = op == RP_OP_LT || op == RP_OP_LE ? a : b;
    struct rp_val *more = less == a ? b : a;
    bool strict = op == RP_OP_LT || op == RP_OP_GT;
    if (a->is_cut || b->is_cut) {
        return unknown(eval, "all that is in it");
    }
    if (!rp_val_items(eval, a) || !rp_val_items(eval, b)) {
        return -1;
    }
    if (strict ? less->count >= more->count : less->count > more->count) {
        return 0;
    }
    return all_are_in(eval, less, more);
}

static int order(struct rp_eval *eval, enum rp_op op, struct rp_val *a, struct rp_val *b)
{
    bool ordered, same = a->kind == b->kind && is_deque(a) == is_deque(b);
    if (((rp_val_methods(eval, a) | rp_val_methods(eval, b)) & RP_M_ORDER) != 0) {
        return unknown(eval, "the order of these: a class may say");
    }
    if (rp_is_number(a) && rp_is_number(b)) {
        int result = order_of_numbers(a, b, &ordered);
        return ordered && by_order(op, result);
    }
    if (same && (a->kind == RP_V_STR || a->kind == RP_V_BYTES)) {
        size_t shorter = a->size < b->size ? a->size : b->size;
        if ((a->is_cut || b->is_cut) && memcmp(a->text, b->text, shorter) == 0) {
            return unknown(eval, "the whole text");
        }
        return by_order(op, order_of_texts(a, b));
    }
    if (same && (a->kind == RP_V_LIST || a->kind == RP_V_TUPLE)) {
        return order_sequences(eval, op, a, b);
    }
    if (same && a->kind == RP_V_SET) {
        return order_sets(eval, op, a, b);
    }
    if (a->kind == RP_V_THING || b->kind == RP_V_THING) {
        return unknown(eval, "the order of these");
    }
    return type_error(eval, "no order between this and another type", a);
}

/* ---- identity ---- */

/* None, True, False and ... are one each; objects are known by their number, functions and classes
 * by their address. Of other immutable values nobody recorded which is which. */
static int identical(struct rp_eval *eval, struct rp_val *a, struct rp_val *b)
{
    bool single_a = a->kind == RP_V_NONE || a->kind == RP_V_BOOL;
    bool single_b = b->kind == RP_V_NONE || b->kind == RP_V_BOOL;
    if (is_hidden(a) || is_hidden(b)) {
        return unknown(eval, "what this is");
    }
    if (single_a || single_b) {
        return a->kind == b->kind && (a->kind == RP_V_NONE || a->truth == b->truth);
    }
    if (a->kind != b->kind) {
        return 0;
    }
    if (a->kind == RP_V_TYPE) {
        return order_of_texts(a, b) == 0;
    }
    bool object_a = a->is_recorded && a->recorded.tag == CTR_V_OBJECT;
    bool object_b = b->is_recorded && b->recorded.tag == CTR_V_OBJECT;
    bool fresh_a = !a->is_recorded && (a->kind == RP_V_LIST || a->kind == RP_V_SET);
    bool fresh_b = !b->is_recorded && (b->kind == RP_V_LIST || b->kind == RP_V_SET);
    if (object_a || object_b) {
        return object_a && object_b && a->recorded.bits == b->recorded.bits;
    }
    if (fresh_a || fresh_b) {
        return a == b;
    }
    int equal = rp_equal(eval, a, b);
    if (equal == 1 && a->kind == RP_V_THING) {
        return 1;
    }
    if (a->kind == RP_V_FLOAT && isnan(a->number) && isnan(b->number)) {
        return unknown(eval, "whether these are one");
    }
    return equal == 1 ? unknown(eval, "whether equal values are one") : equal;
}

/* ---- membership ---- */

bool rp_is_hashable(struct rp_eval *eval, struct rp_val *val)
{
    bool is_frozen = val->is_recorded && val->shape == CTR_F_FROZENSET;
    bool is_bad = val->kind == RP_V_LIST || val->kind == RP_V_DICT ||
                  (val->kind == RP_V_SET && !is_frozen) ||
                  (val->kind == RP_V_THING && val->shape == CTR_F_BYTEARRAY);
    if (is_bad) {
        rp_fail(eval, CT_ESTATE, "TypeError: unhashable type: %s", rp_val_type_name(eval, val));
        return false;
    }
    if ((rp_val_methods(eval, val) & (RP_M_EQUAL | RP_M_ALIKE)) != 0) {
        return rp_unknown(eval, "whether this has a hash: its class may say") != NULL;
    }
    if (val->kind == RP_V_TUPLE) {
        bool is_loaded = rp_val_items(eval, val);
        for (uint64_t i = 0; is_loaded && i < val->count; i++) {
            is_loaded = rp_is_hashable(eval, val->items[i]);
        }
        return is_loaded;
    }
    return true;
}

static int is_in_text(struct rp_eval *eval, struct rp_val *val, struct rp_val *text)
{
    bool found;
    if (text->kind == RP_V_BYTES && (val->kind == RP_V_INT || val->kind == RP_V_BOOL)) {
        mpz_t number;
        mpz_init(number);
        rp_to_integer(val, number);
        bool is_byte = mpz_sgn(number) >= 0 && mpz_cmp_ui(number, 255) <= 0;
        int byte = is_byte ? (int)mpz_get_ui(number) : 0;
        mpz_clear(number);
        if (!is_byte) {
            rp_fail(eval, CT_ESTATE, "ValueError: byte must be in range(0, 256)");
            return -1;
        }
        found = memchr(text->text, byte, text->size) != NULL;
    } else if (val->kind != text->kind) {
        return type_error(eval, "this cannot be in a text", val);
    } else if (val->is_cut) {
        return unknown(eval, "the whole text");
    } else {
        found = val->size == 0 || memmem(text->text, text->size, val->text, val->size) != NULL;
    }
    if (!rp_work(eval, text->size / 64)) {
        return -1;
    }
    return !found && text->is_cut ? unknown(eval, "the whole text") : found;
}

static int is_in_range(struct rp_eval *eval, struct rp_val *val, struct rp_val *range)
{
    if (!rp_val_items(eval, range) || range->count != 3) {
        return -1;
    }
    if (!rp_is_number(val)) {
        return val->kind == RP_V_THING ? unknown(eval, "whether this is in it") : 0;
    }
    mpz_t number, start, stop, step;
    mpz_inits(number, start, stop, step, NULL);
    bool is_whole = val->kind != RP_V_FLOAT;
    if (is_whole) {
        rp_to_integer(val, number);
    } else if (isfinite(val->number) && floor(val->number) == val->number) {
        mpz_set_d(number, val->number);
        is_whole = true;
    }
    rp_to_integer(range->items[0], start);
    rp_to_integer(range->items[1], stop);
    rp_to_integer(range->items[2], step);
    bool up = mpz_sgn(step) > 0;
    bool inside = up ? mpz_cmp(number, start) >= 0 && mpz_cmp(number, stop) < 0
                     : mpz_cmp(number, start) <= 0 && mpz_cmp(number, stop) > 0;
    mpz_sub(number, number, start);
    bool found = is_whole && inside && mpz_sgn(step) != 0 && mpz_divisible_p(number, step);
    mpz_clears(number, start, stop, step, NULL);
    return found;
}

static int contains(struct rp_eval *eval, struct rp_val *val, struct rp_val *container)
{
    if ((rp_val_methods(eval, container) & RP_M_ITEMS) != 0) {
        return unknown(eval, "what is in this: its class may say");
    }
    switch (container->kind) {
    case RP_V_STR:
    case RP_V_BYTES:
        return is_in_text(eval, val, container);
    case RP_V_RANGE:
        return is_in_range(eval, val, container);
    case RP_V_SET:
        /* A set may be looked up in a set: Python freezes it for that. */
        if (val->kind != RP_V_SET && !rp_is_hashable(eval, val)) {
            return -1;
        }
        return is_member(eval, container, val);
    case RP_V_DICT:
        return rp_is_hashable(eval, val) ? is_member(eval, container, val) : -1;
    case RP_V_TUPLE:
    case RP_V_LIST:
        return is_member(eval, container, val);
    default:
        return type_error(eval, "nothing can be in this", container);
    }
}

int rp_compare(struct rp_eval *eval, enum rp_op op, struct rp_val *a, struct rp_val *b)
{
    int holds;
    bool negated = op == RP_OP_NE || op == RP_OP_NOT_IN || op == RP_OP_IS_NOT;
    switch (op) {
    case RP_OP_EQ:
    case RP_OP_NE:
        holds = rp_equal(eval, a, b);
        break;
    case RP_OP_IN:
    case RP_OP_NOT_IN:
        holds = contains(eval, a, b);
        break;
    case RP_OP_IS:
    case RP_OP_IS_NOT:
        holds = identical(eval, a, b);
        break;
    default:
        eval->nesting++;
        holds = eval->nesting < NESTING_MAX ? order(eval, op, a, b) : unknown(eval, "so deep");
        eval->nesting--;
    }
    return holds < 0 ? -1 : holds != negated;
}
