/* The variables of a frame: what each holds now against what the trace last said of it. */
#ifndef CT_RECORDER_SLOT_H
#define CT_RECORDER_SLOT_H

#include "recorder/session.h"
#include "recorder/value.h"

/* What a variable holds, be it a cell or not; NULL: unbound. */
PyObject *slot_value(const struct plan *plan, compat_frame *real, uint32_t slot);

/* Look at one variable, of any number and kind, and write what changed; true when it did. */
bool slot_read(struct session *session, struct shadow_frame *frame, uint32_t slot, PyObject *value);

/* Everything the frame holds, as after its first line. */
void slots_read_all(struct session *session, struct shadow_frame *frame, compat_frame *real);

/* Cells and redacted variables of a mask. `into`: those whose values were worked on in place. */
void slots_apply_special(struct session *session, struct shadow_frame *frame, compat_frame *real,
                         uint64_t mask, uint64_t into);

/* Functions with more than 64 slots are rare: theirs are compared one by one. */
void slots_apply_far(struct session *session, struct shadow_frame *frame, compat_frame *real);

/* A plain variable among the first 64 that holds no number, or held an object. */
void slot_set(struct session *session, struct shadow_frame *frame, uint32_t slot, PyObject *value,
              bool into);

static inline uint8_t *put_int_after(uint8_t *at, uint64_t before, int64_t number)
{
    int64_t change = (int64_t)((uint64_t)number - before);
    if (change >= -16 && change <= 15 && number != INT64_MIN) {
        *at++ = (uint8_t)(CTR_V_SMALL_DELTA + 16 + change);
        return at;
    }
    if ((number >= CTR_SMALL_INT_MIN && number <= CTR_SMALL_INT_MAX) || number == INT64_MIN) {
        return put_int(at, number);
    }
    *at++ = CTR_V_DELTA;
    return ct_varint_put(at, ct_zigzag(change));
}

/* A number in a variable that held no object: most of what lines do, without a call. False: any
 * other value. */
static inline bool slot_set_number(struct shadow *shadow, uint64_t slot, PyObject *value,
                                   uint8_t **to)
{
    uint8_t *at = *to;
    if (value == NULL) {
        return false;
    }
    if (PyLong_CheckExact(value)) {
        int64_t number;
        if (!compat_small_int(value, &number)) {
            return false;
        }
        if (__builtin_expect(shadow_kind(shadow) == CTR_V_INT, 1)) {
            if (shadow->bits != (uint64_t)number) {
                *at++ = (uint8_t)(CTR_SET + slot);
                *to = put_int_after(at, shadow->bits, number);
                shadow->bits = (uint64_t)number;
            }
            return true;
        }
        if (shadow_kind(shadow) == CTR_V_OBJECT) {
            return false;
        }
        *at++ = (uint8_t)(CTR_SET + slot);
        *to = put_int(at, number);
        *shadow = shadow_of(CTR_V_INT, (uint64_t)number);
        return true;
    }
    if (PyFloat_CheckExact(value) && shadow_kind(shadow) != CTR_V_OBJECT) {
        uint64_t bits;
        double number = PyFloat_AS_DOUBLE(value);
        memcpy(&bits, &number, sizeof bits);
        if (shadow_kind(shadow) != CTR_V_FLOAT || shadow->bits != bits) {
            *at++ = (uint8_t)(CTR_SET + slot);
            *to = put_float(at, bits);
            *shadow = shadow_of(CTR_V_FLOAT, bits);
        }
        return true;
    }
    return false;
}

/* Take the variables of a mask as long as they hold numbers; false as soon as one does not. */
static inline bool slots_set_numbers(struct session *session, struct shadow_frame *frame,
                                     const compat_frame *real, uint64_t mask)
{
    struct ctr_writer *writer = session->writer;
    uint8_t *at = writer->at;
    bool all = true;
    for (; mask != 0 && all; mask &= mask - 1) {
        uint64_t slot = (unsigned)__builtin_ctzll(mask);
        all = slot_set_number(&frame->slots[slot], slot, real->localsplus[slot], &at);
    }
    writer->at = at;
    return all;
}

/* Variables (of the first 64) a line may have bound, those with plain slots. */
static inline void slots_apply(struct session *session, struct shadow_frame *frame,
                               compat_frame *real, uint64_t mask, uint64_t into)
{
    struct ctr_writer *writer = session->writer;
    uint8_t *at = writer->at;
    for (; mask != 0; mask &= mask - 1) {
        uint64_t slot = (unsigned)__builtin_ctzll(mask);
        PyObject *value = real->localsplus[slot];
        if (__builtin_expect(!slot_set_number(&frame->slots[slot], slot, value, &at), 0)) {
            writer->at = at;
            slot_set(session, frame, (uint32_t)slot, value, (into >> slot & 1) != 0);
            at = writer->at;
        }
    }
    writer->at = at;
}

#endif
