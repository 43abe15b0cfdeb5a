/* Mutable objects: who they are, what the trace last said of them, what changed since.
 *
 * An object has an entry while a recorded place (variable, item, attribute) refers to it, or
 * shortly after; then its identity ends: its address may be another object's by now. */
#ifndef CT_RECORDER_OBJECT_H
#define CT_RECORDER_OBJECT_H

#include "recorder/filter.h"
#include "recorder/session.h"
#include "recorder/types.h"

int objects_init(struct session *session);
/* `unwatch_all` is false when the interpreter is already gone. */
void objects_free(struct session *session, bool unwatch_all);

/* Find or make the entry of `value`, whose type is read as an object; fills kind, bits, index. */
void object_shadow(struct session *session, PyObject *value, struct type_info *type,
                   struct shadow *out);

static inline struct object_entry *object_entry(struct session *session, uint32_t index)
{
    return &session->objects.entries[index];
}

/* The live entry a shadow means, or NULL when its object was forgotten. */
static inline struct object_entry *object_of(struct session *session, const struct shadow *shadow)
{
    struct object_entry *entry = object_entry(session, shadow->index);
    return entry->address != NULL && entry->number == shadow->bits ? entry : NULL;
}

enum {
    OBJECT_TABLE_BITS = 18, /* by address: twice MAX_OBJECTS */
    OBJECT_TABLE_SIZE = 1 << OBJECT_TABLE_BITS,
};

static inline uint32_t object_home(const PyObject *address)
{
    return (uint32_t)(((uintptr_t)address >> 4) * 0x9e3779b97f4a7c15ull >>
                      (64 - OBJECT_TABLE_BITS));
}

/* The entry of what lives at this address, or NULL; changes nothing. */
static inline struct object_entry *object_known(const struct session *session,
                                                const PyObject *address)
{
    const struct object_table *table = &session->objects;
    for (uint32_t at = object_home(address);; at = (at + 1) & (OBJECT_TABLE_SIZE - 1)) {
        uint32_t held = table->slots[at];
        if (held == 0) {
            return NULL;
        }
        if (table->entries[held - 1].address == address) {
            return &table->entries[held - 1];
        }
    }
}

void object_release(struct session *session, struct object_entry *entry);

/* Nobody holds the object, and it is gone: what comes to its address is another one. */
void object_end(struct session *session, struct object_entry *entry);

static inline void object_hold(struct session *session, const struct shadow *shadow)
{
    struct object_entry *entry = object_of(session, shadow);
    if (entry != NULL) {
        entry->holders++;
    }
}

static inline void object_let_go(struct session *session, const struct shadow *shadow)
{
    struct object_entry *entry = object_of(session, shadow);
    if (entry != NULL && entry->holders > 0) {
        entry->is_loose = true;
        if (--entry->holders == 0) {
            object_release(session, entry);
        }
    }
}

/* A place that held this object holds it still, and it was looked at since unseen code ran. */
static inline bool object_is_known(struct session *session, const PyObject *value,
                                   const struct shadow *shadow)
{
    if (value == NULL || (uint8_t)shadow->word != CTR_V_OBJECT) {
        return false;
    }
    const struct object_entry *entry = object_of(session, shadow);
    return entry != NULL && entry->address == value && entry->type->type == Py_TYPE(value) &&
           entry->epoch == session->epoch && !(entry->flags & ENTRY_LIMBO);
}

/* The places that still hold it may not have been looked at since it died, and another may live at
 * its address: short ones are compared whole. */
static inline bool object_is_perhaps_gone(const struct object_entry *entry)
{
    enum { SHORT_LENGTH = 16 };
    uint8_t capture = entry->type->capture;
    return entry->is_loose && entry->true_length <= SHORT_LENGTH &&
           (type_is_sequence(entry->type) || capture == CAPTURE_SET ||
            capture == CAPTURE_EXCEPTION);
}

/* An object that unseen code may not have changed since it was looked at. */
static inline bool object_is_current(const struct session *session,
                                     const struct object_entry *entry, const PyObject *value)
{
    return entry->epoch == session->epoch &&
           (entry->flags & (ENTRY_OPENED | ENTRY_LIMBO)) == ENTRY_OPENED &&
           !object_is_perhaps_gone(entry) && type_is_current(entry->type, Py_TYPE(value));
}

/* Does the first part of an object say that it is the one remembered, and no other at its address?
 * False also where that takes a closer look. */
bool object_begins_the_same(struct session *session, const struct object_entry *entry,
                            PyObject *value);

/* What the trace last said of one that calls may have made longer or shorter since. False: it may
 * be another at its address, or is not known so well. */
bool object_expect_grown(struct session *session, PyObject *value, struct shadow *out);

/* Write a reference to it: by its number in this block when it has one. */
static inline uint8_t *object_put_reference(struct session *session, uint8_t *at,
                                            struct object_entry *entry)
{
    struct ctr_writer *writer = session->writer;
    if (__builtin_expect(entry->named_block == writer->block, 1)) {
        return ct_varint_put(at, (uint64_t)entry->local + 1);
    }
    entry->named_block = writer->block;
    entry->local = writer->next_object++;
    *at++ = 0;
    return ct_varint_put(at, entry->number);
}

/* Compare a held object with what is remembered and write what changed; nothing to do when that was
 * done in this epoch, unless `forced`. `named`: the line that ran could reach it by name, look at
 * all of it. */
void object_check(struct session *session, PyObject *value, struct shadow *shadow, bool named,
                  bool forced);

/* The same for what lives at this address, if it is known. */
void object_check_known(struct session *session, PyObject *value, bool named, bool forced);

/* Was that done in this epoch, with the objects inside? */
static inline bool object_is_checked(const struct session *session, const struct shadow *shadow)
{
    const struct object_entry *entry = &session->objects.entries[shadow->index];
    return entry->number == shadow->bits && entry->epoch == session->epoch &&
           entry->children_epoch == session->epoch && (entry->flags & ENTRY_OPENED);
}

/* The same for one item of a list, negative counted from the end, and for what is in it; false when
 * that is not enough: the list's length changed or it is not remembered. */
bool object_check_item(struct session *session, PyObject *value, struct shadow *shadow,
                       int64_t index);

/* The same for one attribute of an instance and, if asked, for what is in it; `hint` remembers
 * where it was found. False when that is not enough: others may have come or gone. */
bool object_check_attribute(struct session *session, PyObject *value, struct shadow *shadow,
                            PyObject *name, bool into, uint32_t *hint);

/* The same for the ends of a list or deque, where the line appended and popped as `effect` says, or
 * for a set to which items may have come. False when that is not enough. */
bool object_check_ends(struct session *session, PyObject *value, struct shadow *shadow,
                       const struct effect *effect);

/* The same for a list that functions of heapq worked on once: what they move is on one way between
 * its first item and a last one. False when that is not enough. */
bool object_check_heap(struct session *session, PyObject *value);

/* The same for some of the objects inside it, in rotation. */
void object_check_children(struct session *session, PyObject *value, const struct shadow *shadow,
                           bool forced);

/* Are the items of a set where they were when they were written, and no others there? Of a long
 * one: those that are recorded. */
bool object_is_as_placed(const struct object_entry *entry, PyObject *set);

/* Compare a few of the objects a dict holds, in rotation, if that was not done in this epoch. */
void object_check_some(struct session *session, PyObject *dict);

/* Compare an object and what is in it, several levels deep: a line worked on something in there. As
 * many objects as a line can afford. */
void object_check_inside(struct session *session, PyObject *value);

/* Open what this event met first, to its depth. Call before the event's own record. */
void objects_open_queued(struct session *session);

/* Objects nobody refers to since before this event end here, and the coldest are forgotten when
 * there are too many. Call once per event, at its end. */
void objects_settle_slow(struct session *session);

static inline void objects_settle(struct session *session)
{
    if (session->objects.unsettled) {
        objects_settle_slow(session);
    }
}

/* A frame's dict of names that is no module's: its keys are decided as local variables. */
void object_keys_are_locals(struct session *session, const struct shadow *shadow, uint32_t policy);

/* Is what this dict holds under the key kept out of the recording? */
bool object_hides_key(struct session *session, PyObject *dict, PyObject *key);

static inline enum filter_name_kind key_kind(const struct object_entry *entry)
{
    return entry->keys == KEYS_ARE_GLOBALS  ? FILTER_GLOBAL
           : entry->keys == KEYS_ARE_LOCALS ? FILTER_LOCAL
                                            : FILTER_ATTRIBUTE;
}

/* A module's globals: keep this entry while the session lasts. */
void object_pin(struct session *session, const struct shadow *shadow);

#endif
