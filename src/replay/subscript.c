/* Indices, slices and attributes. */
#include <string.h>

#include "replay/expression_internal.h"
#include "trace/shape.h"

/* ---- indices ---- */

static struct rp_val *out_of_range(struct rp_eval *eval)
{
    return rp_fail(eval, CT_ESTATE, "IndexError: index out of range");
}

static bool is_index(const struct rp_val *val)
{
    return val->kind == RP_V_INT || val->kind == RP_V_BOOL;
}

/* A number as a place; what is out of reach becomes the largest or least there is. */
static int64_t to_place(const struct rp_val *val)
{
    mpz_t number;
    mpz_init(number);
    rp_to_integer(val, number);
    int64_t place = mpz_fits_slong_p(number) ? mpz_get_si(number)
                    : mpz_sgn(number) < 0    ? INT64_MIN
                                             : INT64_MAX;
    mpz_clear(number);
    return place;
}

/* The place an index means in something of this length. False: none. */
static bool place_of(struct rp_eval *eval, const struct rp_val *key, uint64_t length,
                     uint64_t *place)
{
    int64_t index = to_place(key);
    bool from_end = index < 0;
    uint64_t distance = from_end ? -(uint64_t)index : (uint64_t)index;
    bool inside = from_end ? distance <= length : distance < length;
    *place = from_end ? length - distance : distance;
    return inside || out_of_range(eval) != NULL;
}

static struct rp_val *text_at(struct rp_eval *eval, struct rp_val *of, struct rp_val *key)
{
    uint64_t length, place;
    if (!rp_length(eval, of, &length) || !place_of(eval, key, length, &place)) {
        return NULL;
    }
    bool is_str = of->kind == RP_V_STR;
    uint64_t here = is_str ? rp_characters(of->text, of->size) : of->size;
    if (place >= here) {
        return rp_unknown(eval, "the whole text");
    }
    if (!is_str) {
        return rp_val_int(eval, (uint8_t)of->text[place]);
    }
    size_t at = rp_character_at(of->text, of->size, place);
    size_t end = rp_character_at(of->text + at, of->size - at, 1);
    return rp_work(eval, of->size / 64) ? rp_val_str(eval, RP_V_STR, of->text + at, end) : NULL;
}

static struct rp_val *range_at(struct rp_eval *eval, struct rp_val *of, struct rp_val *key)
{
    uint64_t length, place;
    if (!rp_length(eval, of, &length) || !place_of(eval, key, length, &place)) {
        return NULL;
    }
    struct rp_val *result = rp_val_integer(eval);
    if (result != NULL) {
        rp_to_integer(of->items[2], result->integer);
        mpz_mul_ui(result->integer, result->integer, place);
        mpz_t start;
        mpz_init(start);
        rp_to_integer(of->items[0], start);
        mpz_add(result->integer, result->integer, start);
        mpz_clear(start);
    }
    return result;
}

static struct rp_val *value_of_key(struct rp_eval *eval, struct rp_val *dict, struct rp_val *key)
{
    if (!rp_is_hashable(eval, key) || !rp_val_items(eval, dict)) {
        return NULL;
    }
    bool is_sure = true; /* one key at most is equal, whatever is known of others */
    for (uint64_t i = 0; i < dict->count; i++) {
        int equal = rp_equal(eval, dict->items[2 * i], key);
        if (equal > 0) {
            return dict->items[2 * i + 1];
        }
        if (equal < 0 && eval->status != CT_ESTATE) {
            return NULL;
        }
        is_sure &= equal == 0;
        eval->status = CT_OK;
    }
    if (!is_sure) {
        return rp_unknown(eval, "whether a key is equal");
    }
    return dict->is_cut ? rp_unknown(eval, "all that is in it")
                        : rp_fail(eval, CT_ESTATE, "KeyError: there is no such key");
}

struct rp_val *rp_subscript(struct rp_eval *eval, struct rp_val *of, struct rp_val *key)
{
    bool is_sequence = of->kind == RP_V_STR || of->kind == RP_V_BYTES || of->kind == RP_V_TUPLE ||
                       of->kind == RP_V_LIST || of->kind == RP_V_RANGE;
    if ((rp_val_methods(eval, of) & RP_M_ITEMS) != 0) {
        return rp_unknown(eval, "what is in this: its class may say");
    }
    if (of->kind == RP_V_DICT) {
        return value_of_key(eval, of, key);
    }
    if (!is_sequence) {
        return rp_fail(eval, CT_ESTATE, "TypeError: no item of %s can be looked up",
                       rp_val_type_name(eval, of));
    }
    if (!is_index(key)) {
        return rp_fail(eval, CT_ESTATE, "TypeError: an index is an int, not %s",
                       rp_val_type_name(eval, key));
    }
    if (of->kind == RP_V_RANGE) {
        return range_at(eval, of, key);
    }
    if (of->kind == RP_V_STR || of->kind == RP_V_BYTES) {
        return text_at(eval, of, key);
    }
    uint64_t place;
    if (!place_of(eval, key, of->true_length, &place)) {
        return NULL;
    }
    return place < of->count ? rp_val_item(eval, of, place) : rp_unknown(eval, "all that is in it");
}

/* ---- slices ---- */

struct span {
    int64_t start, stop, step;
    uint64_t count;
};

static int64_t clamp(int64_t place, int64_t length, bool backwards)
{
    int64_t least = backwards ? -1 : 0, most = backwards ? length - 1 : length;
    if (place < 0) {
        place = place < -length ? least : place + length;
    }
    return place < least ? least : place > most ? most : place;
}

static bool find_span(struct rp_eval *eval, struct rp_val *const bounds[3], uint64_t size,
                      struct span *span)
{
    int64_t length = (int64_t)size;
    for (unsigned i = 0; i < 3; i++) {
        if (bounds[i] != NULL && bounds[i]->kind != RP_V_NONE && !is_index(bounds[i])) {
            return rp_fail(eval, CT_ESTATE, "TypeError: slice indices must be integers or None") !=
                   NULL;
        }
    }
    bool has[3];
    for (unsigned i = 0; i < 3; i++) {
        has[i] = bounds[i] != NULL && bounds[i]->kind != RP_V_NONE;
    }
    span->step = has[2] ? to_place(bounds[2]) : 1;
    if (span->step == 0) {
        return rp_fail(eval, CT_ESTATE, "ValueError: slice step cannot be zero") != NULL;
    }
    bool back = span->step < 0;
    span->start = has[0] ? clamp(to_place(bounds[0]), length, back) : back ? length - 1 : 0;
    int64_t stop = has[1] ? clamp(to_place(bounds[1]), length, back) : back ? -1 : length;
    span->stop = stop;
    uint64_t distance = back ? (uint64_t)(span->start > stop ? span->start - stop : 0)
                             : (uint64_t)(stop > span->start ? stop - span->start : 0);
    uint64_t stride = back ? -(uint64_t)span->step : (uint64_t)span->step;
    span->count = distance == 0 ? 0 : (distance - 1) / stride + 1;
    return true;
}

static uint64_t place_in(const struct span *span, uint64_t index)
{
    return (uint64_t)(span->start + (int64_t)index * span->step);
}

static struct rp_val *slice_text(struct rp_eval *eval, struct rp_val *of,
                                 struct rp_val *const bounds[3])
{
    struct span span = {0};
    bool is_str = of->kind == RP_V_STR;
    uint64_t length = is_str ? rp_characters(of->text, of->size) : of->size;
    size_t *starts = is_str && rp_work(eval, length / 8)
                         ? rp_arena_get(&eval->arena, (length + 1) * sizeof *starts)
                         : NULL;
    char *text = rp_arena_get(&eval->arena, of->size + 1);
    if (text == NULL || (is_str && starts == NULL)) {
        return rp_fail(eval, CT_ELIMIT, "the expression needs too much memory");
    }
    if (!find_span(eval, bounds, length, &span) || !rp_work(eval, span.count)) {
        return NULL;
    }
    uint64_t number = 0;
    for (size_t i = 0; is_str && i < of->size; i++) {
        if (((uint8_t)of->text[i] & 0xc0) != 0x80) {
            starts[number++] = i;
        }
    }
    if (is_str) {
        starts[length] = of->size;
    }
    size_t size = 0;
    for (uint64_t i = 0; i < span.count; i++) {
        uint64_t place = place_in(&span, i);
        size_t at = is_str ? starts[place] : place;
        size_t bytes = is_str ? starts[place + 1] - at : 1;
        memcpy(text + size, of->text + at, bytes);
        size += bytes;
    }
    struct rp_val *result = rp_val_new(eval, of->kind);
    if (result != NULL) {
        result->text = text;
        result->size = size;
    }
    return result;
}

/* a + b * c */
static struct rp_val *add_multiple(struct rp_eval *eval, const struct rp_val *a, int64_t b,
                                   const struct rp_val *c)
{
    struct rp_val *result = rp_val_int(eval, b);
    mpz_t other;
    if (result != NULL) {
        mpz_init(other);
        rp_to_integer(c, other);
        mpz_mul(result->integer, result->integer, other);
        if (a != NULL) {
            rp_to_integer(a, other);
            mpz_add(result->integer, result->integer, other);
        }
        mpz_clear(other);
    }
    return result;
}

/* As Python's, a slice of a range is a range. */
static struct rp_val *slice_range(struct rp_eval *eval, struct rp_val *of,
                                  struct rp_val *const bounds[3])
{
    struct span span = {0};
    uint64_t length;
    if (!rp_length(eval, of, &length)) {
        return NULL;
    }
    if (length > INT64_MAX) {
        return rp_fail(eval, CT_ELIMIT, "the range is too long");
    }
    struct rp_val *result =
        find_span(eval, bounds, length, &span) ? rp_val_container(eval, RP_V_RANGE, 3) : NULL;
    if (result != NULL) {
        result->items[0] = add_multiple(eval, of->items[0], span.start, of->items[2]);
        result->items[1] = add_multiple(eval, of->items[0], span.stop, of->items[2]);
        result->items[2] = add_multiple(eval, NULL, span.step, of->items[2]);
    }
    return eval->status == CT_OK ? result : NULL;
}

struct rp_val *rp_slice(struct rp_eval *eval, struct rp_val *of, struct rp_val *const bounds[3])
{
    struct span span = {0};
    bool is_deque = of->is_recorded && of->shape == CTR_F_DEQUE;
    bool is_text = of->kind == RP_V_STR || of->kind == RP_V_BYTES;
    if (of->kind == RP_V_RANGE) {
        return slice_range(eval, of, bounds);
    }
    if ((of->kind != RP_V_LIST && of->kind != RP_V_TUPLE && !is_text) || is_deque) {
        return rp_fail(eval, CT_ESTATE, "TypeError: no slice of %s", rp_val_type_name(eval, of));
    }
    if (of->is_cut) {
        return rp_unknown(eval, "all that is in it");
    }
    if (is_text) {
        return slice_text(eval, of, bounds);
    }
    if (!find_span(eval, bounds, of->count, &span)) {
        return NULL;
    }
    struct rp_val *result = rp_val_container(eval, of->kind, span.count);
    for (uint64_t i = 0; result != NULL && i < span.count; i++) {
        result->items[i] = rp_val_item(eval, of, place_in(&span, i));
        result = result->items[i] != NULL ? result : NULL;
    }
    return result;
}

/* ---- attributes ---- */

static bool is(const char *name, size_t size, const char *wanted)
{
    return size == strlen(wanted) && memcmp(name, wanted, size) == 0;
}

/* Attributes a value has by its type: those of numbers, ranges, types, methods. */
static struct rp_val *own_attribute(struct rp_eval *eval, struct rp_val *of, const char *name,
                                    size_t size)
{
    bool is_whole = of->kind == RP_V_INT || of->kind == RP_V_BOOL;
    if (is(name, size, "__class__")) {
        return rp_val_type_of(eval, of);
    }
    if (of->kind == RP_V_TYPE && (is(name, size, "__name__") || is(name, size, "__qualname__"))) {
        const char *dot = memrchr(of->text, '.', of->size);
        const char *start = dot != NULL ? dot + 1 : of->text;
        return is(name, size, "__name__")
                   ? rp_val_str(eval, RP_V_STR, start, (size_t)(of->text + of->size - start))
                   : NULL;
    }
    if ((is_whole || of->kind == RP_V_FLOAT) && is(name, size, "real")) {
        return rp_unary(eval, RP_OP_POS, of);
    }
    if (is_whole && is(name, size, "numerator")) {
        return rp_unary(eval, RP_OP_POS, of);
    }
    if (is_whole && (is(name, size, "imag") || is(name, size, "denominator"))) {
        return rp_val_int(eval, is(name, size, "denominator"));
    }
    static const char *const parts[] = {"start", "stop", "step"};
    for (unsigned i = 0; of->kind == RP_V_RANGE && i < 3; i++) {
        if (is(name, size, parts[i])) {
            return rp_val_items(eval, of) ? of->items[i] : NULL;
        }
    }
    return of->kind == RP_V_FLOAT && is(name, size, "imag") ? rp_val_float(eval, 0) : NULL;
}

struct rp_val *rp_attribute(struct rp_eval *eval, struct rp_val *of, const char *name, size_t size)
{
    struct rp_val *found = own_attribute(eval, of, name, size);
    if (found != NULL || eval->status != CT_OK) {
        return found;
    }
    struct rp_list list = {0};
    int status = of->is_recorded ? rp_children_of(eval->player, of->recorded, RP_NAMED, 0,
                                                  RP_EXPRESSION_WORK, &list, NULL)
                                 : CT_OK;
    for (size_t i = 0; status == CT_OK && i < list.count && found == NULL; i++) {
        struct ctr_text child = rp_name(&list, &list.children[i]);
        if (child.size == size && memcmp(child.bytes, name, size) == 0) {
            found = rp_val_load(eval, list.children[i].value);
        }
    }
    rp_list_clear(&list);
    if (found == NULL && of->kind == RP_V_RANGE && rp_val_items(eval, of)) {
        return rp_fail(eval, CT_ESTATE, "AttributeError: range has no such attribute");
    }
    return found != NULL
               ? found
               : rp_fail(eval, CT_ESTATE, "AttributeError: no '%.*s' was recorded of %s",
                         (int)(size < 100 ? size : 100), name, rp_val_type_name(eval, of));
}
