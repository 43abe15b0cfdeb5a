#include "recorder/slot.h"

#include "recorder/plan.h"
#include "recorder/unseen.h"

PyObject *slot_value(const struct plan *plan, compat_frame *frame, uint32_t slot)
{
    if (slot == plan->real_slots) {
        return frame->f_locals;
    }
    PyObject *value = frame->localsplus[slot];
    uint8_t kind = plan->kinds[slot] & CTR_VAR_KIND;
    if ((kind == CTR_VAR_CELL || kind == CTR_VAR_FREE) && value != NULL && PyCell_Check(value)) {
        return PyCell_GET(value);
    }
    return value;
}

static uint8_t *put_slot(uint8_t *at, uint32_t slot)
{
    if (slot < PLAN_MASK_SLOTS) {
        *at++ = (uint8_t)(CTR_SET + slot);
        return at;
    }
    *at++ = CTR_SET_FAR;
    return ct_varint_put(at, slot);
}

static inline void holds_none(struct shadow_frame *frame, uint32_t slot)
{
    frame->object_slots &= ~(1ull << slot);
    frame->restless &= ~(1ull << slot);
}

static inline void holds_object(struct shadow_frame *frame, uint32_t slot,
                                const struct object_entry *entry)
{
    frame->object_slots |= 1ull << slot;
    if (__builtin_expect(entry->is_restless || frame->restless != 0, 0)) {
        uint64_t others = frame->restless & ~(1ull << slot);
        frame->restless = others | (uint64_t)entry->is_restless << slot;
    }
}

/* An iterator may run code that is not recorded each time it gives an item. */
static inline bool is_restless_iterator(struct session *session, PyObject *value)
{
    return value != NULL && Py_TYPE(value)->tp_iternext != NULL && unseen_advances(session, value);
}

/* The slot takes what it holds now, which is written. */
static void take(struct session *session, struct shadow_frame *frame, uint32_t slot,
                 PyObject *value, struct shadow *now)
{
    struct shadow *shadow = &frame->slots[slot];
    uint8_t *at = put_slot(session->writer->at, slot);
    session->writer->at = value_emit(session, at, value, now);
    if (slot < PLAN_MASK_SLOTS && shadow_kind(now) == CTR_V_OBJECT) {
        holds_object(frame, slot, object_entry(session, now->index));
    } else if (slot < PLAN_MASK_SLOTS) {
        holds_none(frame, slot);
        frame->restless |= (uint64_t)is_restless_iterator(session, value) << slot;
    }
    shadow_assign(session, shadow, *now);
}

bool slot_read(struct session *session, struct shadow_frame *frame, uint32_t slot, PyObject *value)
{
    struct shadow *shadow = &frame->slots[slot];
    struct shadow now;
    if (object_is_known(session, value, shadow)) {
        return false;
    }
    uint8_t action = frame->plan->actions[slot];
    if (action != CTR_KEEP && value != NULL) {
        now = shadow_of(filter_tag(action), 0);
        if (shadow_kind(shadow) != filter_tag(action)) {
            filter_count(session, plan_name_kind(frame->plan, slot), action);
        }
    } else {
        value_shadow(session, value, &now);
        if (slot == frame->plan->real_slots) {
            object_keys_are_locals(session, &now, frame->plan->policy);
        }
    }
    if (shadow_same(shadow, &now)) {
        return false;
    }
    take(session, frame, slot, value, &now);
    return true;
}

/* An object that was looked at since unseen code ran is told by its address. False: any other
 * value. */
static inline bool set_current_object(struct session *session, struct shadow_frame *frame,
                                      uint32_t slot, PyObject *value)
{
    enum { NO_OBJECTS = Py_TPFLAGS_TUPLE_SUBCLASS | Py_TPFLAGS_UNICODE_SUBCLASS };
    if (Py_TYPE(value)->tp_flags & NO_OBJECTS) { /* told without looking for it: hardly one is */
        return false;
    }
    struct object_entry *entry = object_known(session, value);
    if (entry == NULL || !object_is_current(session, entry, value) ||
        !object_begins_the_same(session, entry, value)) {
        return false;
    }
    struct shadow *shadow = &frame->slots[slot];
    entry->flags |= ENTRY_RECENT;
    if (shadow_kind(shadow) != CTR_V_OBJECT || shadow->bits != entry->number) {
        uint8_t *at = session->writer->at;
        *at++ = (uint8_t)(CTR_SET + slot);
        *at++ = CTR_V_OBJECT;
        session->writer->at = object_put_reference(session, at, entry);
        entry->holders++;
        if (shadow_kind(shadow) == CTR_V_OBJECT) {
            object_let_go(session, shadow);
        }
        *shadow = (struct shadow){.bits = entry->number,
                                  .word = CTR_V_OBJECT,
                                  .index = (uint32_t)(entry - session->objects.entries)};
        holds_object(frame, slot, entry);
    }
    return true;
}

/* What takes no more than a look and a few bytes: None, a short text. False: any other value. */
static inline bool set_small(struct session *session, struct shadow_frame *frame, uint32_t slot,
                             PyObject *value)
{
    struct shadow *shadow = &frame->slots[slot];
    struct shadow now = shadow_of(CTR_V_NONE, 0);
    if (value != Py_None && !(PyUnicode_CheckExact(value) && value_short_text(value, &now))) {
        return false;
    }
    if (!shadow_same(shadow, &now)) {
        uint8_t *at = session->writer->at;
        *at++ = (uint8_t)(CTR_SET + slot);
        if (value == Py_None) {
            *at++ = CTR_V_NONE;
        } else {
            at = put_short_text(at, now.bits);
        }
        session->writer->at = at;
        if (shadow_kind(shadow) == CTR_V_OBJECT) {
            object_let_go(session, shadow);
            holds_none(frame, slot);
        }
        *shadow = now;
    }
    return true;
}

/* A value was worked on in place: an object is looked into; one of which nothing is known may stand
 * for others, which are. */
static void look_into(struct session *session, struct shadow *shadow, PyObject *value)
{
    if (shadow_kind(shadow) == CTR_V_OBJECT) {
        const struct object_entry *entry = object_of(session, shadow);
        if (entry != NULL && entry->type->capture == CAPTURE_BUFFER) {
            session_heed_unseen(session); /* others may be views of it */
        }
        object_check(session, value, shadow, true, true);
    } else if (!PyUnicode_CheckExact(value) && !PyLong_CheckExact(value)) {
        const struct type_info *type = types_of(session, Py_TYPE(value));
        if (type != NULL && type->capture == CAPTURE_OPAQUE) {
            session_heed_unseen(session);
        }
    }
}

void slot_set(struct session *session, struct shadow_frame *frame, uint32_t slot, PyObject *value,
              bool into)
{
    if (value != NULL && set_small(session, frame, slot, value)) {
        return;
    }
    if (value == NULL || !set_current_object(session, frame, slot, value)) {
        slot_read(session, frame, slot, value);
    }
    if (into && value != NULL) {
        look_into(session, &frame->slots[slot], value);
    }
}

void slots_apply_special(struct session *session, struct shadow_frame *frame, compat_frame *real,
                         uint64_t mask, uint64_t into)
{
    for (; mask != 0; mask &= mask - 1) {
        uint32_t slot = (uint32_t)__builtin_ctzll(mask);
        PyObject *value = slot_value(frame->plan, real, slot);
        if (slot_read(session, frame, slot, value) && real->localsplus[slot] != NULL) {
            object_check_known(session, real->localsplus[slot], true,
                               true); /* the cell, as a value */
        }
        if ((into >> slot & 1) != 0 && value != NULL) {
            look_into(session, &frame->slots[slot], value);
        }
    }
}

void slots_apply_far(struct session *session, struct shadow_frame *frame, compat_frame *real)
{
    for (uint32_t slot = PLAN_MASK_SLOTS; slot < frame->plan->real_slots; slot++) {
        slot_read(session, frame, slot, slot_value(frame->plan, real, slot));
    }
}

void slots_read_all(struct session *session, struct shadow_frame *frame, compat_frame *real)
{
    for (uint32_t slot = 0; slot < frame->plan->real_slots; slot++) {
        slot_read(session, frame, slot, slot_value(frame->plan, real, slot));
    }
    if (frame->plan->has_namespace && real->f_locals != NULL) {
        slot_read(session, frame, frame->plan->real_slots, real->f_locals);
    }
    objects_open_queued(session);
}
