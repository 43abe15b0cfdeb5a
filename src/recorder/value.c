#include "recorder/value.h"

#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "recorder/filter.h"
#include "recorder/secret.h"
#include "recorder/types.h"
#include "recorder/value_internal.h"
#include "recorder/wtf8.h"

enum {
    NODE_SETS_BITS = 16,
    NODE_WAYS = 2,
    NODE_SETS = 1 << NODE_SETS_BITS,
    NEAR_NODE_BYTES =
        32, /* shorter ones are written again in each block, so that a jump reads one block */
    HASH_BUDGET = 1 << 14,      /* children visited to tell a tuple from another */
    HASHED_DIGITS = 4096,       /* a larger int is told apart by these, its size and its address */
    MAX_BIG_DIGITS = 1 << 17,   /* of 30 bits: one event's room allows no more */
    HIDDEN_BLOCK = 0xffffff,    /* of a node that is in no block: what it holds is a secret */
    NAME_CHARACTERS_MAX = 1024, /* no name anybody writes is longer */
};

/* ---- hashes
 * ------------------------------------------------------------------------------------------ */

uint64_t value__hash_bytes(const struct session *session, uint8_t tag, const void *data,
                           size_t size)
{
    uint64_t hash = XXH3_64bits_withSeed(data, size, session->hash_seed + tag);
    return hash != 0 ? hash : 1;
}

static uint64_t finish(uint64_t hash)
{
    return hash != 0 ? hash : 1;
}

static uint64_t hash_characters(const struct session *session, PyObject *text, Py_ssize_t count)
{
    return value__hash_bytes(session, (uint8_t)(CTR_V_TEXT + 16 * PyUnicode_KIND(text)),
                             PyUnicode_DATA(text), (size_t)(count * PyUnicode_KIND(text)));
}

uint64_t value__hash_text(const struct session *session, PyObject *text)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    Py_ssize_t cut = value__cut(session->limits.max_text, length);
    uint64_t hash = hash_characters(session, text, cut);
    return cut == length ? hash : finish(value_mix(hash, (uint64_t)length));
}

bool value_short_text_slow(PyObject *text, struct shadow *out)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    size_t size = length <= CTR_SHORT_TEXT_MAX ? text_size(text, length) : SIZE_MAX;
    if (size > CTR_SHORT_TEXT_MAX) {
        return false;
    }
    uint8_t packed[8] = {0};
    text_put(packed, text, length);
    packed[7] = (uint8_t)size;
    *out = shadow_of(CTR_V_SHORT_TEXT, ct_load64(packed));
    return true;
}

/* ---- what a value is
 * ----------------------------------------------------------------------------------- */

static void node_shadow(uint64_t hash, struct shadow *out)
{
    *out = shadow_of(CTR_V_NODE, finish(hash));
}

/* Values may share children, so that depth alone bounds nothing: while one is told apart, what a
 * child is has been found out once (nothing can die meanwhile, an address means one thing), and a
 * value is told apart by as many children as the budget allows and by the address of what is
 * beyond. */
static struct shadow child_shadow(struct session *session, PyObject *value)
{
    enum { SHARED_BITS = 8 };
    static struct {
        const PyObject *value;
        uint64_t bits;
        uint64_t round;
    } shared[1 << SHARED_BITS];
    size_t at = (size_t)((uintptr_t)value * 0x9e3779b97f4a7c15ull >> (64 - SHARED_BITS));
    bool may_share = PyTuple_Check(value) || PyFrozenSet_Check(value);
    if (may_share && shared[at].value == value && shared[at].round == session->hash_round) {
        return shadow_of(CTR_V_NODE, shared[at].bits);
    }
    struct shadow shadow;
    value_shadow(session, value, &shadow);
    if (may_share && shadow_kind(&shadow) == CTR_V_NODE) {
        shared[at].value = value;
        shared[at].bits = shadow.bits;
        shared[at].round = session->hash_round;
    }
    return shadow;
}

static void begin_children(struct session *session)
{
    if (session->hash_nesting++ == 0) {
        session->hash_budget = HASH_BUDGET;
        session->hash_round++;
    }
}

/* A part may be missing: the collector takes the parts of what is garbage one by one. */
static uint64_t hash_child(struct session *session, uint64_t hash, PyObject *value)
{
    if (value == NULL || session->hash_budget == 0 || session->hash_nesting > MAX_TUPLE_DEPTH) {
        return value_mix(hash, (uint64_t)(uintptr_t)value);
    }
    session->hash_budget--;
    struct shadow child = child_shadow(session, value);
    return value_mix(value_mix(hash, child.bits), shadow_kind(&child));
}

uint64_t value__hash_values(struct session *session, uint64_t hash, PyObject *const *values,
                            Py_ssize_t count)
{
    begin_children(session);
    for (Py_ssize_t i = 0; i < count; i++) {
        hash = hash_child(session, hash, values[i]);
    }
    session->hash_nesting--;
    return hash;
}

/* As many items as are recorded; a larger set is told apart by its address too. */
static uint64_t hash_frozenset(struct session *session, PyObject *set)
{
    PySetObject *so = (PySetObject *)set;
    Py_ssize_t cut = value__cut(session->limits.max_items, so->used);
    uint64_t hash = cut < so->used ? (uint64_t)(uintptr_t)set : 0;
    begin_children(session);
    for (Py_ssize_t i = 0; i <= so->mask && cut > 0; i++) {
        if (so->table[i].key != NULL && so->table[i].hash != -1) {
            hash += value_mix(hash_child(session, 1, so->table[i].key), 3);
            cut--;
        }
    }
    session->hash_nesting--;
    return value_mix(hash, (uint64_t)so->used);
}

static uint64_t hash_big(struct session *session, PyObject *number)
{
    const digit *digits = ((PyLongObject *)number)->long_value.ob_digit;
    Py_ssize_t count = compat_int_digits(number);
    Py_ssize_t cut = count < HASHED_DIGITS ? count : HASHED_DIGITS;
    uint64_t hash = value__hash_bytes(session, CTR_V_BIG, digits, (size_t)cut * sizeof(digit));
    if (cut < count) {
        hash = value_mix(value_mix(hash, digits[count - 1]), (uint64_t)(uintptr_t)number);
    }
    return value_mix(value_mix(hash, (uint64_t)count), compat_int_negative(number));
}

static bool constant_shadow(PyObject *value, struct shadow *out)
{
    if (value == Py_None) {
        *out = shadow_of(CTR_V_NONE, 0);
    } else if (value == Py_True) {
        *out = shadow_of(CTR_V_TRUE, 0);
    } else if (value == Py_False) {
        *out = shadow_of(CTR_V_FALSE, 0);
    } else if (value == Py_Ellipsis) {
        *out = shadow_of(CTR_V_ELLIPSIS, 0);
    } else if (value == Py_NotImplemented) {
        *out = shadow_of(CTR_V_NOT_IMPLEMENTED, 0);
    } else {
        return false;
    }
    return true;
}

static void int_shadow(struct session *session, PyObject *value, struct type_info *type,
                       struct shadow *out)
{
    int64_t number;
    uint64_t hash = compat_small_int(value, &number) ? (uint64_t)number : hash_big(session, value);
    node_shadow(value_mix(value_mix(hash, type->exact ? 1 : (uint64_t)(uintptr_t)type), CTR_V_BIG),
                out);
}

static uint64_t hash_content(struct session *session, PyObject *value, struct type_info *type)
{
    switch (type->capture) {
    case CAPTURE_FLOAT: {
        double number = PyFloat_AS_DOUBLE(value);
        return value__hash_bytes(session, CTR_V_FLOAT, &number, sizeof number);
    }
    case CAPTURE_COMPLEX: {
        Py_complex number = ((PyComplexObject *)value)->cval;
        return value__hash_bytes(session, CTR_V_COMPLEX, &number, sizeof number);
    }
    case CAPTURE_TEXT:
        return value__hash_text(session, value);
    case CAPTURE_BYTES: {
        Py_ssize_t length = PyBytes_GET_SIZE(value);
        Py_ssize_t cut = value__cut(session->limits.max_text, length);
        return value_mix(
            value__hash_bytes(session, CTR_V_BYTES, PyBytes_AS_STRING(value), (size_t)cut),
            (uint64_t)length);
    }
    case CAPTURE_TUPLE: {
        Py_ssize_t count = PyTuple_GET_SIZE(value);
        return value_mix(value__hash_values(session, CTR_V_TUPLE, ((PyTupleObject *)value)->ob_item,
                                            value__cut(session->limits.max_items, count)),
                         (uint64_t)count);
    }
    case CAPTURE_FROZENSET:
        return hash_frozenset(session, value);
    case CAPTURE_SLICE: {
        PySliceObject *slice = (PySliceObject *)value;
        PyObject *parts[] = {slice->start, slice->stop, slice->step};
        return value__hash_values(session, CTR_V_SLICE, parts, 3);
    }
    case CAPTURE_RANGE: {
        PyObject *const *parts = (PyObject *const *)((char *)value + sizeof(PyObject));
        return value__hash_values(session, CTR_V_RANGE, parts, 3);
    }
    case CAPTURE_THING:
        return value__hash_thing(session, value, type);
    default:
        return value__hash_library(session, value, type);
    }
}

void value_shadow_slow(struct session *session, PyObject *value, struct shadow *out)
{
    if (constant_shadow(value, out)) {
        return;
    }
    if (PyUnicode_CheckExact(value)) {
        if (!value_short_text(value, out)) {
            node_shadow(value__hash_text(session, value), out);
        }
        return;
    }
    struct type_info *type = types_of(session, Py_TYPE(value));
    if (type == NULL) {
        *out = shadow_of(CTR_V_DROPPED, 0);
    } else if (type_is_object(type)) {
        object_shadow(session, value, type, out);
    } else if (type->capture == CAPTURE_INT) {
        int_shadow(session, value, type, out);
    } else {
        uint64_t hash = hash_content(session, value, type);
        node_shadow(value_mix(hash, type->exact ? type->capture : (uint64_t)(uintptr_t)type), out);
    }
}

/* ---- writing
 * ------------------------------------------------------------------------------------------- */

static void number_node(struct session *session, struct shadow *shadow)
{
    shadow->word = CTR_V_NODE | session->writer->block << 8;
    shadow->index = session->writer->next_node++;
}

static uint8_t *put_node_reference(struct session *session, uint8_t *at,
                                   const struct shadow *shadow)
{
    uint32_t block = shadow->word >> 8, now = session->writer->block;
    if (block == HIDDEN_BLOCK) {
        *at++ = CTR_V_REDACTED;
        return at;
    }
    if (block == (now & 0xffffff)) {
        *at++ = CTR_V_NODE;
        return ct_varint_put(at, shadow->index);
    }
    *at++ = CTR_V_NODE_FAR;
    at = ct_varint_put(at, (now - block) & 0xffffff);
    return ct_varint_put(at, shadow->index);
}

static struct node_cache_entry *find_node(struct session *session, uint64_t hash)
{
    struct node_cache_entry *set = &session->nodes[(hash >> (64 - NODE_SETS_BITS)) * NODE_WAYS];
    if (set[0].hash == hash) {
        return &set[0];
    }
    if (set[1].hash == hash) {
        struct node_cache_entry found = set[1];
        set[1] = set[0];
        set[0] = found;
        return &set[0];
    }
    return NULL;
}

static void remember_node(struct session *session, const struct shadow *shadow)
{
    struct node_cache_entry *set =
        &session->nodes[(shadow->bits >> (64 - NODE_SETS_BITS)) * NODE_WAYS];
    if (set[0].hash != shadow->bits) {
        set[1] = set[0];
    }
    set[0] = (struct node_cache_entry){shadow->bits, shadow->word >> 8, shadow->index};
}

static uint8_t *put_children(struct session *session, uint8_t *at, PyObject *const *values,
                             Py_ssize_t count, int depth)
{
    session->promised += (size_t)count;
    for (Py_ssize_t i = 0; i < count; i++) {
        session->promised--;
        at = value__put_child(session, at, values[i], depth + 1);
    }
    return at;
}

/* A cut value: CUT (itself a node), the true length, then the part that is kept. */
uint8_t *value__put_cut(struct session *session, uint8_t *at, Py_ssize_t length)
{
    session->writer->next_node++;
    ctr_count(session->writer, CTR_C_values_cut);
    *at++ = CTR_V_CUT;
    return ct_varint_put(at, (uint64_t)length);
}

static uint8_t *put_plain_text(uint8_t *at, PyObject *text, Py_ssize_t characters, size_t size)
{
    if (size <= CTR_SHORT_TEXT_MAX) {
        *at++ = (uint8_t)(CTR_V_SHORT_TEXT + size);
    } else {
        *at++ = CTR_V_TEXT;
        at = ct_varint_put(at, size);
    }
    return text_put(at, text, characters);
}

/* A text that grows beyond the limit keeps its recorded part: that is a node of its own. */
static uint8_t *put_cut_text(struct session *session, uint8_t *at, PyObject *text, Py_ssize_t cut,
                             size_t size)
{
    ctr_count(session->writer, CTR_C_values_cut);
    *at++ = CTR_V_CUT;
    at = ct_varint_put(at, (uint64_t)PyUnicode_GET_LENGTH(text));
    if (size <= CTR_SHORT_TEXT_MAX) {
        return put_plain_text(at, text, cut, size);
    }
    struct shadow part = shadow_of(CTR_V_NODE, hash_characters(session, text, cut));
    struct node_cache_entry *known = find_node(session, part.bits);
    if (known != NULL) {
        part.word = CTR_V_NODE | known->block << 8;
        part.index = known->index;
        return put_node_reference(session, at, &part);
    }
    number_node(session, &part);
    remember_node(session, &part);
    return put_plain_text(at, text, cut, size);
}

static uint8_t *put_text(struct session *session, uint8_t *at, PyObject *text)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    Py_ssize_t cut = value__cut(session->limits.max_text, length);
    size_t size = text_size(text, cut);
    if (!session_has_room(session, at, size)) {
        return put_cut_text(session, at, text, 0, 0);
    }
    return cut < length ? put_cut_text(session, at, text, cut, size)
                        : put_plain_text(at, text, cut, size);
}

/* Will put_text write a node: a longer text, or one that is cut? */
static bool text_takes_node(const struct session *session, const uint8_t *at, PyObject *text)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    Py_ssize_t cut = value__cut(session->limits.max_text, length);
    size_t size = text_size(text, cut);
    return cut < length || size > CTR_SHORT_TEXT_MAX || !session_has_room(session, at, size);
}

static uint8_t *put_bytes(struct session *session, uint8_t *at, const void *data, Py_ssize_t length)
{
    Py_ssize_t cut = value__cut(session->limits.max_text, length);
    if (!session_has_room(session, at, (size_t)cut)) {
        cut = 0;
    }
    if (cut < length) {
        at = value__put_cut(session, at, length);
    }
    *at++ = CTR_V_BYTES;
    at = ct_varint_put(at, (uint64_t)cut);
    memcpy(at, data, (size_t)cut);
    return at + cut;
}

static uint8_t *put_big(struct session *session, uint8_t *at, PyObject *number)
{
    Py_ssize_t digits = compat_int_digits(number);
    if (digits > MAX_BIG_DIGITS || !session_has_room(session, at, (size_t)digits * 4 + 16)) {
        at = value__put_cut(session, at, digits * PyLong_SHIFT / 8);
        *at++ = CTR_V_BIG;
        *at++ = 0;
        return at;
    }
    size_t bits = (size_t)(digits - 1) * PyLong_SHIFT;
    for (uint32_t top = compat_int_digit(number, digits - 1); top != 0; top >>= 1) {
        bits++;
    }
    size_t size = (bits + 7) / 8;
    *at++ = CTR_V_BIG;
    at = ct_varint_put(at, size << 1 | compat_int_negative(number));
    uint64_t pending = 0;
    int have = 0;
    size_t done = 0;
    for (Py_ssize_t i = 0; i < digits; i++) {
        pending |= (uint64_t)compat_int_digit(number, i) << have;
        for (have += PyLong_SHIFT; have >= 8 && done < size; have -= 8, pending >>= 8) {
            at[done++] = (uint8_t)pending;
        }
    }
    while (done < size) {
        at[done++] = (uint8_t)pending;
        pending >>= 8;
    }
    return at + size;
}

static uint8_t *put_sequence(struct session *session, uint8_t *at, uint8_t tag,
                             PyObject *const *values, Py_ssize_t length, int depth)
{
    Py_ssize_t cut = value__cut(session->limits.max_items, length);
    if (!session_has_room(session, at, (size_t)cut * 16)) {
        cut = 0;
    }
    if (cut < length) {
        at = value__put_cut(session, at, length);
    }
    *at++ = tag;
    at = ct_varint_put(at, (uint64_t)cut);
    return put_children(session, at, values, cut, depth);
}

uint8_t *value__put_tuple(struct session *session, uint8_t *at, size_t count)
{
    session->writer->next_node++;
    *at++ = CTR_V_TUPLE;
    return ct_varint_put(at, count);
}

static uint8_t *put_shown_fields(struct session *session, uint8_t *at, PyObject *tuple,
                                 const struct type_info *type, int depth)
{
    *at++ = CTR_V_TUPLE;
    at = ct_varint_put(at, (uint64_t)PyTuple_GET_SIZE(tuple));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (i < 64 && (type->hidden_fields >> i & 1)) {
            uint8_t action = type->dropped_fields >> i & 1 ? CTR_DROP : CTR_REDACT;
            filter_count(session, FILTER_ATTRIBUTE, action);
            *at++ = filter_tag(action);
        } else {
            at = value__put_child(session, at, PyTuple_GET_ITEM(tuple, i), depth + 1);
        }
    }
    return at;
}

static uint8_t *put_frozenset(struct session *session, uint8_t *at, PyObject *set, int depth)
{
    PySetObject *so = (PySetObject *)set;
    Py_ssize_t cut = value__cut(session->limits.max_items, so->used);
    if (!session_has_room(session, at, (size_t)cut * 16)) {
        cut = 0;
    }
    if (cut < so->used) {
        at = value__put_cut(session, at, so->used);
    }
    *at++ = CTR_V_FROZENSET;
    at = ct_varint_put(at, (uint64_t)cut);
    session->promised += (size_t)cut;
    for (Py_ssize_t i = 0; i <= so->mask && cut > 0; i++) {
        if (so->table[i].key != NULL && so->table[i].hash != -1) {
            session->promised--;
            at = value__put_child(session, at, so->table[i].key, depth + 1);
            cut--;
        }
    }
    session->promised -= (size_t)cut;
    return at;
}

uint8_t *value__put_as(struct session *session, uint8_t *at, struct type_info *type)
{
    *at++ = CTR_V_AS;
    return ct_varint_put(at, types_number(session, type));
}

/* Text that was not a node of its own so far. */
uint8_t *value__put_text(struct session *session, uint8_t *at, PyObject *text)
{
    struct shadow inner;
    value_shadow(session, text, &inner);
    return value_emit(session, at, text, &inner);
}

uint8_t *value__begin_text(struct session *session, uint8_t *at, size_t size)
{
    if (size <= CTR_SHORT_TEXT_MAX) {
        *at++ = (uint8_t)(CTR_V_SHORT_TEXT + size);
        return at;
    }
    session->writer->next_node++;
    *at++ = CTR_V_TEXT;
    return ct_varint_put(at, size);
}

uint8_t *value__put_raw_text(struct session *session, uint8_t *at, const char *text, size_t size)
{
    at = value__begin_text(session, at, size);
    memcpy(at, text, size);
    return at + size;
}

uint8_t *value__put_c_text(struct session *session, uint8_t *at, const char *text)
{
    enum { NAME_MAX_BYTES = 256 };
    size_t size = 0;
    while (size < NAME_MAX_BYTES && text[size] != 0) {
        size++;
    }
    return value__put_raw_text(session, at, text, size);
}

uint8_t *value__put_opaque(struct session *session, uint8_t *at, PyObject *value,
                           struct type_info *type)
{
    ctr_count(session->writer, CTR_C_values_opaque);
    *at++ = CTR_V_OPAQUE;
    at = ct_varint_put(at, types_number(session, type));
    return ct_varint_put(at, (uint64_t)(uintptr_t)value);
}

/* The body of a node; its number is already taken. An AS stands before the value of a derived type,
 * here unless that needs a look at the value. */
static uint8_t *put_node(struct session *session, uint8_t *at, PyObject *value,
                         struct type_info *type, int depth)
{
    bool derived = !type->exact && type->capture != CAPTURE_OPAQUE &&
                   type->capture != CAPTURE_THING && type->capture != CAPTURE_PARTS;
    if (derived) {
        at = value__put_as(session, at, type);
    }
    int64_t number;
    switch (type->capture) {
    case CAPTURE_INT:
        if (compat_small_int(value, &number)) {
            return put_int(at, number);
        }
        session->writer->next_node += derived;
        return put_big(session, at, value);
    case CAPTURE_FLOAT: {
        uint64_t bits;
        double real = PyFloat_AS_DOUBLE(value);
        memcpy(&bits, &real, sizeof bits);
        return put_float(at, bits);
    }
    case CAPTURE_COMPLEX: {
        Py_complex both = ((PyComplexObject *)value)->cval;
        session->writer->next_node += derived;
        *at++ = CTR_V_COMPLEX;
        memcpy(at, &both, 16);
        return at + 16;
    }
    case CAPTURE_TEXT:
        session->writer->next_node += derived && text_takes_node(session, at, value);
        return put_text(session, at, value);
    case CAPTURE_BYTES:
        session->writer->next_node += derived;
        return put_bytes(session, at, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
    case CAPTURE_TUPLE:
        session->writer->next_node += derived;
        if (type->hidden_fields != 0) {
            return put_shown_fields(session, at, value, type, depth);
        }
        return put_sequence(session, at, CTR_V_TUPLE, ((PyTupleObject *)value)->ob_item,
                            PyTuple_GET_SIZE(value), depth);
    case CAPTURE_FROZENSET:
        session->writer->next_node += derived;
        return put_frozenset(session, at, value, depth);
    case CAPTURE_SLICE: {
        PySliceObject *slice = (PySliceObject *)value;
        PyObject *parts[] = {slice->start, slice->stop, slice->step};
        *at++ = CTR_V_SLICE;
        return put_children(session, at, parts, 3, depth);
    }
    case CAPTURE_RANGE:
        *at++ = CTR_V_RANGE;
        return put_children(session, at, (PyObject *const *)((char *)value + sizeof(PyObject)), 3,
                            depth);
    case CAPTURE_THING:
        return value__put_thing(session, at, value, type, depth);
    default:
        return value__put_library(session, at, value, type, depth);
    }
}

/* A text or bytes that look like a secret; a string that comes again is not looked at again. */
static bool is_secret(const struct session *session, PyObject *value, uint8_t capture)
{
    uint64_t limit = session->limits.max_text;
    if (session->limits.keep_shapes) {
        return false;
    }
    if (capture == CAPTURE_TEXT) {
        return secret_in_text(value, limit);
    }
    return capture == CAPTURE_BYTES &&
           secret_in_bytes((const uint8_t *)PyBytes_AS_STRING(value),
                           (size_t)value__cut(limit, PyBytes_GET_SIZE(value)));
}

static bool text_reads_uniquely(struct session *session, PyObject *text)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (length <= CTR_SHORT_TEXT_MAX || value__cut(session->limits.max_text, length) < length) {
        return length <= CTR_SHORT_TEXT_MAX;
    }
    const struct node_cache_entry *known = find_node(session, value__hash_text(session, text));
    return known != NULL ? known->block != HIDDEN_BLOCK : !is_secret(session, text, CAPTURE_TEXT);
}

static bool reads_uniquely(struct session *session, PyObject *value, int depth)
{
    if (PyUnicode_CheckExact(value)) {
        return text_reads_uniquely(session, value);
    }
    if (PyBytes_CheckExact(value)) {
        Py_ssize_t size = PyBytes_GET_SIZE(value);
        return value__cut(session->limits.max_text, size) == size &&
               !is_secret(session, value, CAPTURE_BYTES);
    }
    if (PyLong_CheckExact(value)) {
        return compat_int_digits(value) <= HASHED_DIGITS;
    }
    if (!PyTuple_CheckExact(value)) {
        return true;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(value);
    bool is_whole =
        depth < COMPAT_KEY_DEPTH && value__cut(session->limits.max_items, count) == count;
    for (Py_ssize_t i = 0; is_whole && i < count; i++) {
        is_whole = reads_uniquely(session, PyTuple_GET_ITEM(value, i), depth + 1);
    }
    return is_whole;
}

uint8_t *value__put_raw_bytes(struct session *session, uint8_t *at, const void *data,
                              Py_ssize_t length)
{
    size_t told = (size_t)value__cut(session->limits.max_text, length);
    if (!session->limits.keep_shapes && secret_in_bytes(data, told)) {
        return value_put_secret(session, at);
    }
    session->writer->next_node++;
    return put_bytes(session, at, data, length);
}

bool value_reads_uniquely(struct session *session, PyObject *value)
{
    return reads_uniquely(session, value, 0);
}

uint8_t *value_put_secret(struct session *session, uint8_t *at)
{
    filter_count(session, FILTER_SHAPE, CTR_REDACT);
    *at++ = CTR_V_REDACTED;
    return at;
}

uint8_t *value_emit_base(struct session *session, uint8_t *at, PyObject *value,
                         const struct type_info *type)
{
    if (is_secret(session, value, type->base_capture)) {
        return value_put_secret(session, at);
    }
    struct type_info plain = *type;
    plain.capture = type->base_capture;
    plain.exact = true;
    int64_t number;
    bool is_inline = value__numbers_itself(plain.capture) || plain.capture == CAPTURE_FLOAT ||
                     (plain.capture == CAPTURE_INT && compat_small_int(value, &number)) ||
                     (plain.capture == CAPTURE_TEXT && !text_takes_node(session, at, value));
    session->writer->next_node += !is_inline;
    return put_node(session, at, value, &plain, 0);
}

uint8_t *value__put_known(struct session *session, uint8_t *at, uint64_t hash)
{
    struct shadow shadow;
    node_shadow(hash, &shadow);
    const struct node_cache_entry *known = find_node(session, shadow.bits);
    if (known == NULL) {
        shadow.word = CTR_V_NODE | session->writer->block << 8;
        shadow.index = session->writer->next_node;
        remember_node(session, &shadow);
        return NULL;
    }
    shadow.word = CTR_V_NODE | known->block << 8;
    shadow.index = known->index;
    return put_node_reference(session, at, &shadow);
}

static bool worth_a_jump(PyObject *value)
{
    return !PyUnicode_CheckExact(value) || PyUnicode_GET_LENGTH(value) > NEAR_NODE_BYTES;
}

static uint8_t *emit_node(struct session *session, uint8_t *at, PyObject *value,
                          struct shadow *shadow, int depth)
{
    struct node_cache_entry *known = find_node(session, shadow->bits);
    if (known != NULL && (known->block == (session->writer->block & 0xffffff) ||
                          known->block == HIDDEN_BLOCK || worth_a_jump(value))) {
        shadow->word = CTR_V_NODE | known->block << 8;
        shadow->index = known->index;
        return put_node_reference(session, at, shadow);
    }
    struct type_info *type = types_of(session, Py_TYPE(value));
    if (is_secret(session, value, type->capture)) {
        shadow->word = CTR_V_NODE | (uint32_t)HIDDEN_BLOCK << 8;
        remember_node(session, shadow);
        return value_put_secret(session, at);
    }
    number_node(session, shadow);
    at = put_node(session, at, value, type, depth);
    remember_node(session, shadow);
    return at;
}

uint8_t *shadow_emit(struct session *session, uint8_t *at, const struct shadow *shadow)
{
    switch (shadow_kind(shadow)) {
    case CTR_V_INT:
        return put_int(at, (int64_t)shadow->bits);
    case CTR_V_FLOAT:
        return put_float(at, shadow->bits);
    case CTR_V_SHORT_TEXT:
        return put_short_text(at, shadow->bits);
    case CTR_V_NODE:
        return put_node_reference(session, at, shadow);
    case CTR_V_OBJECT: {
        struct object_entry *entry = object_of(session, shadow);
        *at++ = CTR_V_OBJECT;
        if (entry != NULL) {
            return object_put_reference(session, at, entry);
        }
        *at++ = 0;
        session->writer->next_object++;
        return ct_varint_put(at, shadow->bits);
    }
    default:
        *at++ = shadow_kind(shadow);
        return at;
    }
}

uint8_t *value_emit(struct session *session, uint8_t *at, PyObject *value, struct shadow *shadow)
{
    if (shadow_kind(shadow) == CTR_V_NODE) {
        return emit_node(session, at, value, shadow, 0);
    }
    return shadow_emit(session, at, shadow);
}

uint8_t *value_put_name(struct session *session, uint8_t *at, PyObject *name, struct shadow *shadow)
{
    uint64_t limit = session->limits.max_text;
    if (limit != 0 && limit < NAME_CHARACTERS_MAX) {
        session->limits.max_text = NAME_CHARACTERS_MAX;
    }
    value_shadow(session, name, shadow);
    at = value_emit(session, at, name, shadow);
    session->limits.max_text = limit;
    return at;
}

uint8_t *value__put_child(struct session *session, uint8_t *at, PyObject *value, int depth)
{
    if (depth > MAX_TUPLE_DEPTH || !session_has_room(session, at, 64)) {
        ctr_count(session->writer, CTR_C_values_cut);
        *at++ = CTR_V_DROPPED;
        return at;
    }
    struct shadow child;
    value_shadow(session, value, &child);
    if (shadow_kind(&child) == CTR_V_NODE) {
        return emit_node(session, at, value, &child, depth);
    }
    return shadow_emit(session, at, &child);
}

int values_init(struct session *session)
{
    session->nodes = calloc(NODE_SETS * NODE_WAYS, sizeof *session->nodes);
    return session->nodes == NULL ? CT_ENOMEM : CT_OK;
}

void values_free(struct session *session)
{
    free(session->nodes);
    session->nodes = NULL;
}
