/* Python values into the trace: what a value is (a shadow) and how it is written.
 *
 * Nothing here calls user code, changes a reference count or can leave an exception set. */
#ifndef CT_RECORDER_VALUE_H
#define CT_RECORDER_VALUE_H

#include "recorder/object.h"
#include "recorder/session.h"

/* A hash of what was hashed and something more. */
static inline uint64_t value_mix(uint64_t hash, uint64_t more)
{
    hash = (hash ^ more) * 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 29;
}

int values_init(struct session *session);
void values_free(struct session *session);

static inline struct shadow shadow_of(uint8_t kind, uint64_t bits)
{
    return (struct shadow){.bits = bits, .word = kind, .index = 0};
}

/* What a number of one word is; false for any other value. */
static inline bool number_shadow(PyObject *value, struct shadow *out)
{
    int64_t number;
    if (PyFloat_CheckExact(value)) {
        double real = PyFloat_AS_DOUBLE(value);
        *out = shadow_of(CTR_V_FLOAT, 0);
        memcpy(&out->bits, &real, sizeof real);
        return true;
    }
    if (PyLong_CheckExact(value) && compat_small_int(value, &number)) {
        *out = shadow_of(CTR_V_INT, (uint64_t)number);
        return true;
    }
    return false;
}

/* What `value` (NULL: unbound) is, by value and never by address: kind and bits. For an object also
 * the entry, interned and queued for opening when it is new. Writes nothing. */
void value_shadow_slow(struct session *session, PyObject *value, struct shadow *out);

static inline void value_shadow(struct session *session, PyObject *value, struct shadow *out)
{
    if (value == NULL) {
        *out = shadow_of(CTR_V_UNBOUND, 0);
    } else if (!number_shadow(value, out)) {
        value_shadow_slow(session, value, out);
    }
}

/* Up to seven bytes as a number, the first lowest. */
static inline uint64_t value_pack_bytes(const uint8_t *from, size_t count)
{
    if (count >= 4) {
        return ct_load32(from) | (uint64_t)ct_load32(from + count - 4) << (8 * (count - 4));
    }
    return count == 0 ? 0
                      : from[0] | (uint64_t)from[count / 2] << (8 * (count / 2)) |
                            (uint64_t)from[count - 1] << (8 * (count - 1));
}

bool value_short_text_slow(PyObject *text, struct shadow *out);

/* What a text of up to CTR_SHORT_TEXT_MAX bytes is; false: it is longer. */
static inline bool value_short_text(PyObject *text, struct shadow *out)
{
    size_t length = (size_t)PyUnicode_GET_LENGTH(text);
    if (!PyUnicode_IS_COMPACT_ASCII(text) || length > CTR_SHORT_TEXT_MAX) {
        return value_short_text_slow(text, out);
    }
    *out = shadow_of(CTR_V_SHORT_TEXT,
                     value_pack_bytes(PyUnicode_DATA(text), length) | (uint64_t)length << 56);
    return true;
}

static inline uint8_t *put_short_text(uint8_t *at, uint64_t bits)
{
    uint8_t size = (uint8_t)(bits >> 56);
    *at++ = (uint8_t)(CTR_V_SHORT_TEXT + size);
    ct_store64(at, bits);
    return at + size;
}

static inline bool shadow_same(const struct shadow *a, const struct shadow *b)
{
    return a->bits == b->bits && shadow_kind(a) == shadow_kind(b);
}

/* Write `value`, whose shadow is `shadow`; gives a node its block and number. Returns the byte
 * after it. */
uint8_t *value_emit(struct session *session, uint8_t *at, PyObject *value, struct shadow *shadow);

/* Write the name of a variable or attribute and say what it is. The limit on texts is one on
 * values: two names that are cut would read as one. */
uint8_t *value_put_name(struct session *session, uint8_t *at, PyObject *name,
                        struct shadow *shadow);

/* Write the built-in value inside one of a derived type that has attributes of its own. */
uint8_t *value_emit_base(struct session *session, uint8_t *at, PyObject *value,
                         const struct type_info *type);

/* Is the value recorded so that any other reads otherwise? Of long texts a part is, of what looks
 * like a secret nothing. True for all that is no text, number or tuple of such. */
bool value_reads_uniquely(struct session *session, PyObject *value);

/* What stands in the place of a value that looks like a secret, counted. */
uint8_t *value_put_secret(struct session *session, uint8_t *at);

/* Write a remembered value without having it. */
uint8_t *shadow_emit(struct session *session, uint8_t *at, const struct shadow *shadow);

/* `*to = from`, with the objects' holder counts kept right. */
static inline void shadow_assign(struct session *session, struct shadow *to, struct shadow from)
{
    if (shadow_kind(&from) == CTR_V_OBJECT) {
        object_hold(session, &from);
    }
    if (shadow_kind(to) == CTR_V_OBJECT) {
        object_let_go(session, to);
    }
    *to = from;
}

static inline uint8_t *put_int(uint8_t *at, int64_t number)
{
    if (number >= CTR_SMALL_INT_MIN && number <= CTR_SMALL_INT_MAX) {
        *at++ = (uint8_t)(CTR_V_SMALL_INT + (number - CTR_SMALL_INT_MIN));
        return at;
    }
    *at++ = CTR_V_INT;
    return ct_varint_put(at, ct_zigzag(number));
}

static inline uint8_t *put_float(uint8_t *at, uint64_t bits)
{
    *at++ = CTR_V_FLOAT;
    ct_store64(at, bits);
    return at + 8;
}

static inline uint8_t *put_number(uint8_t *at, const struct shadow *number)
{
    return shadow_kind(number) == CTR_V_FLOAT ? put_float(at, number->bits)
                                              : put_int(at, (int64_t)number->bits);
}

#endif
