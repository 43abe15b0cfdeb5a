/* Values on their way through an expression: computed ones, and recorded ones as far as they were
 * looked at. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "replay/expression_internal.h"
#include "trace/shape.h"
#include "trace/str.h"

/* ---- computed ---- */

struct rp_val *rp_val_new(struct rp_eval *eval, enum rp_value_kind kind)
{
    struct rp_val *val = rp_arena_get(&eval->arena, sizeof *val);
    if (val == NULL) {
        return rp_fail(eval, CT_ELIMIT, "the expression needs too much memory");
    }
    val->kind = kind;
    return val;
}

struct rp_val *rp_val_integer(struct rp_eval *eval)
{
    struct rp_val *val = rp_val_new(eval, RP_V_INT);
    if (val != NULL) {
        mpz_init(val->integer);
        val->next_integer = eval->integers;
        eval->integers = val;
    }
    return val;
}

struct rp_val *rp_val_int(struct rp_eval *eval, int64_t number)
{
    struct rp_val *val = rp_val_integer(eval);
    if (val != NULL) {
        mpz_set_si(val->integer, number);
    }
    return val;
}

struct rp_val *rp_val_float(struct rp_eval *eval, double number)
{
    struct rp_val *val = rp_val_new(eval, RP_V_FLOAT);
    if (val != NULL) {
        val->number = number;
    }
    return val;
}

struct rp_val *rp_val_bool(struct rp_eval *eval, bool truth)
{
    struct rp_val *val = rp_val_new(eval, RP_V_BOOL);
    if (val != NULL) {
        val->truth = truth;
    }
    return val;
}

struct rp_val *rp_val_str(struct rp_eval *eval, enum rp_value_kind kind, const char *text,
                          size_t size)
{
    struct rp_val *val = rp_val_new(eval, kind);
    char *copy = val != NULL ? rp_arena_get(&eval->arena, size + 1) : NULL;
    if (copy == NULL) {
        return rp_fail(eval, CT_ELIMIT, "the expression needs too much memory");
    }
    if (size > 0) {
        memcpy(copy, text, size);
    }
    val->text = copy;
    val->size = size;
    return val;
}

struct rp_val *rp_val_container(struct rp_eval *eval, enum rp_value_kind kind, uint64_t count)
{
    struct rp_val *val = rp_val_new(eval, kind);
    if (val == NULL || !rp_work(eval, count)) {
        return NULL;
    }
    val->items = rp_arena_get(&eval->arena, (count + 1) * sizeof(struct rp_val *));
    if (val->items == NULL) {
        return rp_fail(eval, CT_ELIMIT, "the expression needs too much memory");
    }
    val->count = count;
    val->true_length = count;
    val->is_loaded = true;
    return val;
}

/* ---- recorded ---- */

static struct rp_val *load_int(struct rp_eval *eval, const struct ctr_shape *shape)
{
    struct rp_val *val = rp_val_integer(eval);
    if (val == NULL) {
        return NULL;
    }
    if (shape->content.tag == CTR_V_INT) {
        mpz_set_si(val->integer, (int64_t)shape->content.bits);
    } else if (shape->has_node && shape->node.tag == CTR_V_BIG && !shape->is_cut) {
        if (shape->node.size > RP_EXPRESSION_INT_BITS / 8) {
            return rp_fail(eval, CT_ELIMIT, "an int is too large");
        }
        mpz_import(val->integer, shape->node.size, -1, 1, 0, 0, shape->node.bytes);
        if (shape->node.negative) {
            mpz_neg(val->integer, val->integer);
        }
    } else {
        val->kind = RP_V_THING; /* its digits were not recorded */
    }
    return val;
}

static struct rp_val *load_text(struct rp_eval *eval, const struct ctr_shape *shape,
                                enum rp_value_kind kind)
{
    if (shape->content.tag == CTR_V_SHORT_TEXT) {
        size_t size = (size_t)(shape->content.bits >> 56) & CTR_SHORT_TEXT_MAX;
        return rp_val_str(eval, kind, (const char *)&shape->content.bits, size);
    }
    if (!shape->has_node) {
        return rp_val_new(eval, RP_V_THING);
    }
    return rp_val_str(eval, kind, (const char *)shape->node.bytes, shape->node.size);
}

static const struct ctr_object *object_of(struct rp_eval *eval, const struct rp_val *val)
{
    return val->recorded.tag == CTR_V_OBJECT
               ? ctr_player_object(eval->player, val->recorded.bits, NULL)
               : NULL;
}

/* A container: how many are in it. */
static struct rp_val *load_container(struct rp_eval *eval, const struct ctr_shape *shape,
                                     enum rp_value_kind kind)
{
    struct rp_val *val = rp_val_new(eval, kind);
    if (val == NULL) {
        return NULL;
    }
    if (shape->has_node) {
        val->count = shape->node.count;
        val->true_length = shape->is_cut ? shape->true_length : val->count;
    } else if (shape->is_object) {
        const struct ctr_object *object = ctr_player_object(eval->player, shape->number, NULL);
        if (object != NULL) {
            val->count = kind == RP_V_DICT ? object->pair_count : object->item_count;
            val->true_length = kind == RP_V_DICT ? object->true_pairs : object->true_items;
        }
    }
    val->is_cut = val->true_length > val->count;
    return val;
}

static struct rp_val *load_shape(struct rp_eval *eval, const struct ctr_shape *shape)
{
    switch (shape->kind) {
    case CTR_K_NONE:
        return rp_val_new(eval, RP_V_NONE);
    case CTR_K_BOOL:
        return rp_val_bool(eval, shape->content.tag == CTR_V_TRUE);
    case CTR_F_INT:
        return load_int(eval, shape);
    case CTR_F_FLOAT:
        return shape->content.tag == CTR_V_FLOAT
                   ? rp_val_float(eval, ctr_value_float(shape->content))
                   : rp_val_new(eval, RP_V_THING);
    case CTR_F_TEXT:
        return load_text(eval, shape, RP_V_STR);
    case CTR_F_BYTES:
        return load_text(eval, shape, RP_V_BYTES);
    case CTR_F_CLASS:
        return load_text(eval, shape, RP_V_TYPE);
    case CTR_F_TUPLE:
    case CTR_F_NAMEDTUPLE:
        return load_container(eval, shape, RP_V_TUPLE);
    case CTR_F_LIST:
    case CTR_F_DEQUE:
        return load_container(eval, shape, RP_V_LIST);
    case CTR_F_SET:
    case CTR_F_FROZENSET:
        return load_container(eval, shape, RP_V_SET);
    case CTR_F_DICT:
    case CTR_F_MAPPINGPROXY:
        return load_container(eval, shape, RP_V_DICT);
    case CTR_K_RANGE:
        return load_container(eval, shape, RP_V_RANGE);
    default:
        return rp_val_new(eval, RP_V_THING);
    }
}

struct rp_val *rp_val_load(struct rp_eval *eval, struct ctr_value recorded)
{
    struct ctr_shape shape;
    ctr_shape_open(eval->player, recorded, &shape);
    struct rp_val *val = rp_work(eval, 1) ? load_shape(eval, &shape) : NULL;
    if (val != NULL) {
        val->is_recorded = true;
        val->recorded = recorded;
        val->shape = shape.kind;
        val->type = shape.type;
        bool is_text = val->kind == RP_V_STR || val->kind == RP_V_BYTES;
        if (is_text && shape.is_cut) {
            val->is_cut = true;
            val->true_length = shape.true_length;
        }
    }
    ctr_shape_close(eval->player, &shape);
    return val;
}

static bool load_node_items(struct rp_eval *eval, struct rp_val *val, struct rp_val **items)
{
    struct ctr_shape shape;
    ctr_shape_open(eval->player, val->recorded, &shape);
    bool is_whole = shape.has_node && shape.node.count == val->count;
    for (uint64_t i = 0; is_whole && i < val->count; i++) {
        items[i] = rp_val_load(eval, ctr_scan_value(&shape.node.children, (struct ctr_value){0}));
        is_whole = items[i] != NULL;
    }
    ctr_shape_close(eval->player, &shape);
    return is_whole || rp_unknown(eval, "what is in it") != NULL;
}

static bool load_object_items(struct rp_eval *eval, struct rp_val *val, struct rp_val **items)
{
    bool is_dict = val->kind == RP_V_DICT;
    for (uint64_t i = 0; i < val->count; i++) {
        const struct ctr_object *object = object_of(eval, val); /* loading others may push it out */
        uint64_t count = object == NULL ? 0 : is_dict ? object->pair_count : object->item_count;
        if (i >= count) {
            return rp_unknown(eval, "what is in it") != NULL;
        }
        struct ctr_pair pair = is_dict ? object->pairs[i] : (struct ctr_pair){0};
        if (is_dict) {
            items[2 * i] = rp_val_load(eval, pair.key);
            items[2 * i + 1] = rp_val_load(eval, pair.value);
        } else {
            items[i] = rp_val_load(eval, object->items[i]);
        }
        if (items[is_dict ? 2 * i : i] == NULL || (is_dict && items[2 * i + 1] == NULL)) {
            return false;
        }
    }
    return true;
}

/* The object a container is, where its wrappers hold one (a mappingproxy of a dict). */
static void unwrap(struct rp_eval *eval, struct rp_val *val)
{
    struct ctr_shape shape;
    ctr_shape_open(eval->player, val->recorded, &shape);
    if (shape.is_object && !shape.has_node) {
        val->recorded = (struct ctr_value){.tag = CTR_V_OBJECT, .bits = shape.number};
    }
    ctr_shape_close(eval->player, &shape);
}

bool rp_val_items(struct rp_eval *eval, struct rp_val *val)
{
    if (val->is_loaded) {
        return true;
    }
    uint64_t room = val->kind == RP_V_DICT ? 2 * val->count : val->count;
    struct rp_val **items = rp_arena_get(&eval->arena, (room + 1) * sizeof(struct rp_val *));
    if (items == NULL) {
        return rp_fail(eval, CT_ELIMIT, "the expression needs too much memory") != NULL;
    }
    struct rp_val *held = rp_arena_get(&eval->arena, sizeof *held);
    if (held == NULL) {
        return rp_fail(eval, CT_ELIMIT, "the expression needs too much memory") != NULL;
    }
    *held = *val;
    unwrap(eval, held);
    bool is_object = held->recorded.tag == CTR_V_OBJECT;
    if (!(is_object ? load_object_items : load_node_items)(eval, held, items)) {
        return false;
    }
    val->items = items;
    val->is_loaded = true;
    return true;
}

struct rp_val *rp_val_item(struct rp_eval *eval, struct rp_val *val, uint64_t index)
{
    const struct ctr_object *object = object_of(eval, val);
    if (!val->is_loaded && val->kind == RP_V_LIST && object != NULL && index < object->item_count) {
        return rp_val_load(eval, object->items[index]);
    }
    return rp_val_items(eval, val) ? val->items[index] : NULL;
}

/* ---- types ---- */

static const char *const kind_names[] = {
    [RP_V_NONE] = "NoneType", [RP_V_BOOL] = "bool",   [RP_V_INT] = "int",
    [RP_V_FLOAT] = "float",   [RP_V_STR] = "str",     [RP_V_BYTES] = "bytes",
    [RP_V_TUPLE] = "tuple",   [RP_V_LIST] = "list",   [RP_V_SET] = "set",
    [RP_V_DICT] = "dict",     [RP_V_RANGE] = "range", [RP_V_TYPE] = "type",
    [RP_V_THING] = "object",
};

struct rp_val *rp_val_type_of(struct rp_eval *eval, const struct rp_val *val)
{
    struct ct_bytes name = {0};
    if (val->is_recorded && val->type != NULL) {
        struct ctr_text module = val->type->module;
        if (module.size > 0 && !(module.size == 8 && memcmp(module.bytes, "builtins", 8) == 0)) {
            ct_bytes_add(&name, module.bytes, module.size);
            ct_bytes_add_byte(&name, '.');
        }
        ct_bytes_add(&name, val->type->name.bytes, val->type->name.size);
    } else if (val->is_recorded) {
        ctr_text_of_type(eval->player, val->recorded, &name);
    } else {
        ct_bytes_add_text(&name, kind_names[val->kind]);
    }
    struct rp_val *type = name.size == 0
                              ? rp_unknown(eval, "the type of this")
                              : rp_val_str(eval, RP_V_TYPE, (const char *)name.data, name.size);
    ct_bytes_free(&name);
    return type;
}

unsigned rp_val_methods(struct rp_eval *eval, const struct rp_val *val)
{
    return val->is_recorded ? rp_methods_of(eval->session->classes, val->type) : 0;
}

const char *rp_val_type_name(struct rp_eval *eval, const struct rp_val *val)
{
    struct ct_bytes name = {0};
    if (!val->is_recorded) {
        return kind_names[val->kind];
    }
    ctr_text_of_type(eval->player, val->recorded, &name);
    char *copy = rp_arena_get(&eval->arena, name.size + 1);
    if (copy != NULL && name.size > 0) {
        memcpy(copy, name.data, name.size);
    }
    ct_bytes_free(&name);
    return copy != NULL ? copy : "object";
}

/* ---- text ---- */

static bool add_integer(struct rp_eval *eval, const struct rp_val *val, struct ct_bytes *to)
{
    enum { DIGITS_MAX = 4300 }; /* as Python has it */
    if (mpz_sizeinbase(val->integer, 10) > DIGITS_MAX + 1) {
        return rp_fail(eval, CT_ESTATE, "ValueError: the int has more than %d digits",
                       DIGITS_MAX) != NULL;
    }
    char *digits = mpz_get_str(NULL, 10, val->integer);
    size_t size = strlen(digits);
    ct_bytes_add(to, digits, size);
    free(digits);
    if (size - (mpz_sgn(val->integer) < 0) > DIGITS_MAX) {
        return rp_fail(eval, CT_ESTATE, "ValueError: the int has more than %d digits",
                       DIGITS_MAX) != NULL;
    }
    return true;
}

static bool add_items(struct rp_eval *eval, struct rp_val *val,
                      const struct ctr_text_options *options, const char *open, const char *close,
                      struct ct_bytes *to)
{
    if (!rp_val_items(eval, val)) {
        return false;
    }
    ct_bytes_add_text(to, open);
    for (uint64_t i = 0; i < val->count; i++) {
        if ((options->items != 0 && i >= options->items) ||
            (options->characters != 0 && to->size >= options->characters)) {
            ct_bytes_add_format(to, "… (%llu more)", (unsigned long long)(val->count - i));
            break;
        }
        ct_bytes_add_text(to, i > 0 ? ", " : "");
        if (!rp_val_text(eval, val->items[i], options, false, to)) {
            return false;
        }
    }
    ct_bytes_add_text(to, val->kind == RP_V_TUPLE && val->count == 1 ? "," : "");
    ct_bytes_add_text(to, close);
    return true;
}

/* The step is told where it is not 1. */
static bool add_range(struct rp_eval *eval, const struct rp_val *val, struct ct_bytes *to)
{
    bool has_step = mpz_cmp_si(val->items[2]->integer, 1) != 0;
    ct_bytes_add_text(to, "range(");
    for (unsigned i = 0; i < 2u + has_step; i++) {
        ct_bytes_add_text(to, i > 0 ? ", " : "");
        if (!add_integer(eval, val->items[i], to)) {
            return false;
        }
    }
    ct_bytes_add_text(to, ")");
    return true;
}

static bool add_computed(struct rp_eval *eval, struct rp_val *val,
                         const struct ctr_text_options *options, struct ct_bytes *to)
{
    switch (val->kind) {
    case RP_V_BOOL:
        ct_bytes_add_text(to, val->truth ? "True" : "False");
        return true;
    case RP_V_INT:
        return add_integer(eval, val, to);
    case RP_V_FLOAT:
        ctr_text_float(val->number, to);
        return true;
    case RP_V_STR:
        ctr_text_str((const uint8_t *)val->text, val->size, to);
        return true;
    case RP_V_BYTES:
        ctr_text_bytes((const uint8_t *)val->text, val->size, to);
        return true;
    case RP_V_TYPE:
        ct_bytes_add_format(to, "<class '%.*s'>", (int)val->size, val->text);
        return true;
    case RP_V_TUPLE:
        return add_items(eval, val, options, "(", ")", to);
    case RP_V_SET:
        return val->count == 0 ? (ct_bytes_add_text(to, "set()"), true)
                               : add_items(eval, val, options, "{", "}", to);
    case RP_V_LIST:
        return add_items(eval, val, options, "[", "]", to);
    case RP_V_RANGE:
        return add_range(eval, val, to);
    default:
        ct_bytes_add_text(to, "None");
        return true;
    }
}

bool rp_val_text(struct rp_eval *eval, struct rp_val *val, const struct ctr_text_options *options,
                 bool as_str, struct ct_bytes *to)
{
    if (as_str && val->kind == RP_V_STR) {
        ct_bytes_add(to, val->text, val->size);
        return true;
    }
    if (as_str && val->kind == RP_V_THING && val->is_recorded) {
        size_t before = to->size;
        if (ctr_str_of(eval->player, val->recorded, to)) {
            return rp_work(eval, to->size / 64);
        }
        to->size = before; /* not for certain: as the recording shows it */
    }
    if (val->is_recorded && val->kind != RP_V_INT) {
        ctr_text_of(eval->player, val->recorded, options, to);
        return rp_work(eval, to->size / 64);
    }
    if (val->is_recorded && (val->type != NULL || !as_str)) { /* an int of its own type */
        ctr_text_of(eval->player, val->recorded, options, to);
        return true;
    }
    return add_computed(eval, val, options, to);
}

/* ---- characters ---- */

static bool starts_character(char byte)
{
    return ((uint8_t)byte & 0xc0) != 0x80;
}

uint64_t rp_characters(const char *text, size_t size)
{
    uint64_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += starts_character(text[i]);
    }
    return count;
}

size_t rp_character_at(const char *text, size_t size, uint64_t index)
{
    size_t at = 0;
    for (; at < size; at++) {
        if (starts_character(text[at]) && index-- == 0) {
            return at;
        }
    }
    return size;
}
