/* The functions an expression may call. */
#include <string.h>

#include "replay/expression_internal.h"
#include "trace/exception_type.h"
#include "trace/shape.h"
#include "trace/str.h"
#include "trace/text.h"

static struct rp_val *wrong_count(struct rp_eval *eval, const char *name)
{
    return rp_fail(eval, CT_ESTATE, "TypeError: %s() does not take so many arguments", name);
}

/* ---- len ---- */

static bool length_of_range(struct rp_eval *eval, struct rp_val *range, uint64_t *length)
{
    if (!rp_val_items(eval, range) || range->count != 3 || !rp_is_number(range->items[0]) ||
        !rp_is_number(range->items[1]) || !rp_is_number(range->items[2])) {
        return rp_unknown(eval, "the range") != NULL;
    }
    mpz_t start, stop, step;
    mpz_inits(start, stop, step, NULL);
    rp_to_integer(range->items[0], start);
    rp_to_integer(range->items[1], stop);
    rp_to_integer(range->items[2], step);
    bool fits = mpz_sgn(step) != 0;
    *length = 0;
    if (fits) {
        mpz_sub(stop, stop, start);
        mpz_cdiv_q(stop, stop, step);
        fits = mpz_sgn(stop) <= 0 || mpz_fits_slong_p(stop);
        *length = mpz_sgn(stop) > 0 && fits ? mpz_get_ui(stop) : 0;
    }
    mpz_clears(start, stop, step, NULL);
    return fits || rp_fail(eval, CT_ESTATE, "OverflowError: the range is too long") != NULL;
}

bool rp_length(struct rp_eval *eval, struct rp_val *val, uint64_t *length)
{
    struct rp_value_info info;
    if ((rp_val_methods(eval, val) & RP_M_LENGTH) != 0) {
        return rp_unknown(eval, "how long this is: its class may say") != NULL;
    }
    switch (val->kind) {
    case RP_V_STR:
        *length = val->is_cut ? val->true_length : rp_characters(val->text, val->size);
        return true;
    case RP_V_BYTES:
        *length = val->is_cut ? val->true_length : val->size;
        return true;
    case RP_V_TUPLE:
    case RP_V_LIST:
    case RP_V_SET:
    case RP_V_DICT:
        *length = val->is_loaded && !val->is_recorded ? val->count : val->true_length;
        return true;
    case RP_V_RANGE:
        return length_of_range(eval, val, length);
    default:
        break;
    }
    if (val->kind == RP_V_THING && val->shape == CTR_F_BYTEARRAY) {
        struct ctr_shape shape;
        ctr_shape_open(eval->player, val->recorded, &shape);
        bool is_bytes = shape.has_node && shape.node.tag == CTR_V_BYTES;
        *length = shape.is_cut ? shape.true_length : is_bytes ? shape.node.size : 0;
        ctr_shape_close(eval->player, &shape);
        return true;
    }
    if (val->kind == RP_V_THING && val->is_recorded) {
        rp_value_info_of(eval->player, val->recorded, &info);
        *length = info.length;
        bool is_boxed = val->shape == CTR_F_ENUM || val->shape == CTR_F_STREAM;
        if (info.has_length && val->shape != CTR_F_OBJECT && !is_boxed) {
            return true;
        }
    }
    return rp_fail(eval, CT_ESTATE, "TypeError: no len() of %s", rp_val_type_name(eval, val)) !=
           NULL;
}

static struct rp_val *len(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    uint64_t length = 0;
    if (count != 1) {
        return wrong_count(eval, "len");
    }
    return rp_length(eval, arguments[0], &length) ? rp_val_int(eval, (int64_t)length) : NULL;
}

/* ---- texts and types ---- */

static bool is_text_known(struct rp_eval *eval, struct rp_val *val);

static bool are_texts_known(struct rp_eval *eval, struct rp_val *container)
{
    bool all = rp_val_items(eval, container);
    uint64_t count = container->kind == RP_V_DICT ? 2 * container->count : container->count;
    for (uint64_t i = 0; all && i < count; i++) {
        all = is_text_known(eval, container->items[i]);
    }
    return all;
}

/* Of what an object's text is made of: its attributes, of an exception the arguments alone. */
static bool are_attributes_known(struct rp_eval *eval, const struct rp_val *val)
{
    bool is_exception = val->shape == CTR_F_EXCEPTION, all = true;
    for (uint32_t i = 0; all; i++) {
        const struct ctr_object *object = ctr_player_object(eval->player, val->recorded.bits, NULL);
        if (object == NULL || i >= object->attr_count) {
            break;
        }
        struct ctr_pair attribute = object->attrs[i];
        if (!is_exception || ctr_shape_text_is(eval->player, attribute.key, "args")) {
            struct rp_val *held = rp_val_load(eval, attribute.value);
            all = held != NULL && is_text_known(eval, held);
        }
    }
    return all;
}

static bool has_form(struct rp_eval *eval, const struct rp_val *val)
{
    struct ctr_shape shape;
    ctr_shape_open(eval->player, val->recorded, &shape);
    bool has = ctr_text_has_form(&shape);
    ctr_shape_close(eval->player, &shape);
    return has;
}

static bool is_thing_known(struct rp_eval *eval, const struct rp_val *val)
{
    switch (val->shape) {
    case CTR_F_OBJECT:
        if (!has_form(eval, val)) {
            return false;
        }
        break;
    case CTR_F_METHOD:
    case CTR_F_GENERATOR:
    case CTR_F_CELL:
    case CTR_F_BUFFER:
    case CTR_F_TRACEBACK:
    case CTR_K_REDACTED:
    case CTR_K_DROPPED:
    case CTR_K_OPAQUE:
    case CTR_K_UNREADABLE:
    case CTR_K_UNBOUND:
        return false;
    default:
        break;
    }
    return val->recorded.tag != CTR_V_OBJECT || are_attributes_known(eval, val);
}

/* Whether a text is what Python would say: no class has one of its own, and no limit or address
 * that was not recorded is in it. */
static bool is_text_known(struct rp_eval *eval, struct rp_val *val)
{
    enum { NESTING_MAX = 100 };
    bool has_own = (rp_val_methods(eval, val) & RP_M_TEXT) != 0 && !has_form(eval, val);
    if (val->is_cut || has_own || eval->nesting >= NESTING_MAX || !rp_work(eval, 1)) {
        return false;
    }
    eval->nesting++;
    bool is_known = true;
    switch (val->kind) {
    case RP_V_TUPLE:
    case RP_V_LIST:
    case RP_V_SET:
    case RP_V_DICT:
        is_known = are_texts_known(eval, val);
        break;
    case RP_V_THING:
        is_known = is_thing_known(eval, val);
        break;
    default:
        break;
    }
    eval->nesting--;
    return is_known;
}

static struct rp_val *to_text(struct rp_eval *eval, struct rp_val **arguments, uint32_t count,
                              bool as_str)
{
    static const struct ctr_text_options options = {0};
    struct ct_bytes text = {0};
    if (as_str && count == 0) {
        return rp_val_str(eval, RP_V_STR, "", 0);
    }
    if (count != 1) {
        return wrong_count(eval, as_str ? "str" : "repr");
    }
    struct rp_val *val = arguments[0], *result = NULL;
    struct ctr_text_options whole = options;
    whole.depth = 100;
    bool has_str = as_str && val->kind == RP_V_THING; /* which may not be its repr */
    bool is_known =
        is_text_known(eval, val) && (!has_str || ctr_str_of(eval->player, val->recorded, &text));
    if (!is_known && eval->status == CT_OK) {
        rp_unknown(eval, "the whole text of this");
    }
    bool is_made = is_known && (has_str ? rp_work(eval, text.size / 64)
                                        : rp_val_text(eval, val, &whole, as_str, &text));
    if (is_made && !text.failed) {
        result = rp_val_str(eval, RP_V_STR, (const char *)text.data, text.size);
    }
    ct_bytes_free(&text);
    return result;
}

static struct rp_val *str(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    return to_text(eval, arguments, count, true);
}

static struct rp_val *repr(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    return to_text(eval, arguments, count, false);
}

static struct rp_val *type(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    return count == 1 ? rp_val_type_of(eval, arguments[0]) : wrong_count(eval, "type");
}

/* Built-in types, and which values are instances of them or of what derives from them. */
static const struct {
    const char *name;
    enum rp_value_kind kind;
    uint32_t shape; /* of recorded values of this kind, or CTR_KIND_COUNT */
} types[] = {
    {"int", RP_V_INT, CTR_KIND_COUNT},
    {"bool", RP_V_BOOL, CTR_KIND_COUNT},
    {"float", RP_V_FLOAT, CTR_KIND_COUNT},
    {"str", RP_V_STR, CTR_KIND_COUNT},
    {"bytes", RP_V_BYTES, CTR_KIND_COUNT},
    {"tuple", RP_V_TUPLE, CTR_KIND_COUNT},
    {"list", RP_V_LIST, CTR_F_LIST},
    {"set", RP_V_SET, CTR_F_SET},
    {"frozenset", RP_V_SET, CTR_F_FROZENSET},
    {"dict", RP_V_DICT, CTR_F_DICT},
    {"range", RP_V_RANGE, CTR_KIND_COUNT},
    {"type", RP_V_TYPE, CTR_KIND_COUNT},
    {"NoneType", RP_V_NONE, CTR_KIND_COUNT},
    {"complex", RP_V_THING, CTR_F_COMPLEX},
    {"bytearray", RP_V_THING, CTR_F_BYTEARRAY},
    {"slice", RP_V_THING, CTR_K_SLICE},
    {"object", RP_V_THING, CTR_KIND_COUNT},
};
enum { TYPES = sizeof types / sizeof types[0] };

bool rp_is_type_name(const char *name, size_t size)
{
    for (unsigned i = 0; i < TYPES; i++) {
        if (strlen(types[i].name) == size && memcmp(types[i].name, name, size) == 0) {
            return strcmp(types[i].name, "NoneType") != 0;
        }
    }
    return ctr_is_python_exception((struct ctr_text){name, size});
}

static bool text_is(const struct rp_val *val, const char *text)
{
    return val->size == strlen(text) && memcmp(val->text, text, val->size) == 0;
}

static bool is_of(const struct rp_val *val, unsigned number)
{
    if (types[number].kind == RP_V_INT && val->kind == RP_V_BOOL) {
        return true;
    }
    bool is_computed_set = !val->is_recorded && types[number].shape == CTR_F_FROZENSET;
    return val->kind == types[number].kind && !is_computed_set &&
           (types[number].shape == CTR_KIND_COUNT || !val->is_recorded ||
            val->shape == types[number].shape);
}

/* The same of an exception and a class that is not its own; -1: failed. */
static int is_exception(struct rp_eval *eval, const struct rp_val *val, const struct rp_val *of)
{
    if (text_is(of, "BaseException")) {
        return 1;
    }
    return ctr_type_is_builtin(val->type) ? ctr_exception_is_a(val->type, of->text, of->size)
                                          : (rp_unknown(eval, "its base classes"), -1);
}

/* 1, 0; -1: failed. Which classes a class derives from is not recorded. */
static int is_instance(struct rp_eval *eval, struct rp_val *val, struct rp_val *of)
{
    if (of->kind == RP_V_TUPLE && rp_val_items(eval, of)) {
        int found = 0;
        for (uint64_t i = 0; i < of->count && found == 0; i++) {
            found = is_instance(eval, val, of->items[i]);
        }
        return found;
    }
    if (of->kind != RP_V_TYPE) {
        rp_fail(eval, CT_ESTATE, "TypeError: isinstance() needs a type or a tuple of types");
        return -1;
    }
    struct rp_val *own = rp_val_type_of(eval, val);
    if (own == NULL) {
        return -1;
    }
    bool is_own = own->size == of->size && memcmp(own->text, of->text, own->size) == 0;
    if (is_own || text_is(of, "object")) {
        return 1;
    }
    for (unsigned i = 0; i < TYPES; i++) {
        if (text_is(of, types[i].name)) {
            bool may_hide = val->kind == RP_V_THING && val->shape == CTR_F_ENUM;
            int holds = is_of(val, i);
            return holds || !may_hide ? holds : (rp_unknown(eval, "its base classes"), -1);
        }
    }
    if (val->is_recorded && val->shape == CTR_F_EXCEPTION && val->type != NULL) {
        return is_exception(eval, val, of);
    }
    bool is_builtin = !val->is_recorded || val->type == NULL;
    return is_builtin || ctr_is_python_exception((struct ctr_text){of->text, of->size})
               ? 0
               : (rp_unknown(eval, "its base classes"), -1);
}

static struct rp_val *isinstance(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    if (count != 2) {
        return wrong_count(eval, "isinstance");
    }
    int holds = is_instance(eval, arguments[0], arguments[1]);
    return holds < 0 ? NULL : rp_val_bool(eval, holds);
}

/* ---- numbers ---- */

static struct rp_val *absolute(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    if (count != 1) {
        return wrong_count(eval, "abs");
    }
    struct rp_val *result = rp_unary(eval, RP_OP_POS, arguments[0]);
    if (result != NULL && result->kind == RP_V_FLOAT) {
        result->number = __builtin_fabs(result->number);
    } else if (result != NULL) {
        mpz_abs(result->integer, result->integer);
    }
    return result;
}

/* ---- what goes through a series ---- */

/* Items of an iterable as a loaded container; a dict's are its keys. */
static struct rp_val *iterate(struct rp_eval *eval, struct rp_val *val)
{
    uint64_t length = 0;
    if (val->is_cut) {
        return rp_unknown(eval, "all that is in it");
    }
    if ((rp_val_methods(eval, val) & RP_M_ITEMS) != 0) {
        return rp_unknown(eval, "what is in this: its class may say");
    }
    switch (val->kind) {
    case RP_V_TUPLE:
    case RP_V_LIST:
    case RP_V_SET:
        return rp_val_items(eval, val) ? val : NULL;
    case RP_V_STR:
    case RP_V_BYTES:
    case RP_V_RANGE:
    case RP_V_DICT:
        break;
    default:
        return rp_fail(eval, CT_ESTATE, "TypeError: %s is not iterable",
                       rp_val_type_name(eval, val));
    }
    if (!rp_length(eval, val, &length) || (val->kind == RP_V_DICT && !rp_val_items(eval, val))) {
        return NULL;
    }
    struct rp_val *all = rp_val_container(eval, RP_V_TUPLE, length);
    size_t at = 0;
    for (uint64_t i = 0; all != NULL && i < length; i++) {
        struct rp_val *item;
        if (val->kind == RP_V_DICT) {
            item = val->items[2 * i];
        } else if (val->kind == RP_V_STR) {
            size_t size = rp_character_at(val->text + at, val->size - at, 1);
            item = rp_val_str(eval, RP_V_STR, val->text + at, size);
            at += size;
        } else {
            struct rp_val *index = rp_val_int(eval, (int64_t)i);
            item = index != NULL ? rp_subscript(eval, val, index) : NULL;
        }
        all->items[i] = item;
        all = item != NULL && rp_work(eval, 1) ? all : NULL;
    }
    return all;
}

static struct rp_val *extreme(struct rp_eval *eval, struct rp_val **arguments, uint32_t count,
                              enum rp_op op, const char *name)
{
    uint64_t size = count;
    if (count == 0) {
        return wrong_count(eval, name);
    }
    if (count == 1) {
        struct rp_val *all = iterate(eval, arguments[0]);
        if (all == NULL) {
            return NULL;
        }
        arguments = all->items;
        size = all->count;
    }
    if (size == 0) {
        return rp_fail(eval, CT_ESTATE, "ValueError: %s() of nothing", name);
    }
    struct rp_val *best = arguments[0];
    for (uint64_t i = 1; i < size; i++) {
        int better = rp_work(eval, 1) ? rp_compare(eval, op, arguments[i], best) : -1;
        if (better < 0) {
            return NULL;
        }
        best = better ? arguments[i] : best;
    }
    return best;
}

static struct rp_val *least(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    return extreme(eval, arguments, count, RP_OP_LT, "min");
}

static struct rp_val *greatest(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    return extreme(eval, arguments, count, RP_OP_GT, "max");
}

static struct rp_val *sum(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    if (count != 1 && count != 2) {
        return wrong_count(eval, "sum");
    }
    struct rp_val *total = count == 2 ? arguments[1] : rp_val_int(eval, 0);
    struct rp_val *all = iterate(eval, arguments[0]);
    if (total == NULL || all == NULL) {
        return NULL;
    }
    if (total->kind == RP_V_STR || total->kind == RP_V_BYTES) {
        return rp_fail(eval, CT_ESTATE, "TypeError: sum() does not join texts");
    }
    double rest = 0; /* 3.12 and later add floats with what rounding lost (Neumaier) */
    bool has_floats = false;
    for (uint64_t i = 0; i < all->count && total != NULL; i++) {
        struct rp_val *before = total, *item = all->items[i];
        total = rp_binary(eval, RP_OP_ADD, before, item);
        if (total != NULL && total->kind == RP_V_FLOAT && before->kind == RP_V_FLOAT &&
            item->kind == RP_V_FLOAT) {
            double a = before->number, b = item->number, t = total->number;
            rest += __builtin_fabs(a) >= __builtin_fabs(b) ? (a - t) + b : (b - t) + a;
            has_floats = true;
        }
    }
    if (total != NULL && total->kind == RP_V_FLOAT && has_floats && rest != 0 &&
        __builtin_isfinite(rest)) {
        return rp_val_float(eval, total->number + rest);
    }
    return total;
}

static struct rp_val *quantor(struct rp_eval *eval, struct rp_val **arguments, uint32_t count,
                              bool wanted, const char *name)
{
    if (count != 1) {
        return wrong_count(eval, name);
    }
    struct rp_val *all = iterate(eval, arguments[0]);
    for (uint64_t i = 0; all != NULL && i < all->count; i++) {
        int truth = rp_truth(eval, all->items[i]);
        if (truth < 0) {
            return NULL;
        }
        if (truth == wanted) {
            return rp_val_bool(eval, wanted);
        }
    }
    return all != NULL ? rp_val_bool(eval, !wanted) : NULL;
}

static struct rp_val *any(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    return quantor(eval, arguments, count, true, "any");
}

static struct rp_val *every(struct rp_eval *eval, struct rp_val **arguments, uint32_t count)
{
    return quantor(eval, arguments, count, false, "all");
}

rp_builtin *rp_builtin_named(const char *name, size_t size)
{
    static const struct {
        const char *name;
        rp_builtin *function;
    } functions[] = {
        {"len", len},
        {"str", str},
        {"repr", repr},
        {"abs", absolute},
        {"min", least},
        {"max", greatest},
        {"sum", sum},
        {"any", any},
        {"all", every},
        {"type", type},
        {"isinstance", isinstance},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strlen(functions[i].name) == size && memcmp(functions[i].name, name, size) == 0) {
            return functions[i].function;
        }
    }
    return NULL;
}
