/* Mutable objects: who they are, what the trace last said of them, what changed since.
 *
 * An object has an entry while a recorded place (variable, item, attribute) refers to it, or
 * shortly after; then its identity ends: its address may be another object's by now. */
#ifndef CT_RECORDER_OBJECT_H
#define CT_RECORDER_OBJECT_H

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

/* The entry of what lives at this address, or NULL; changes nothing. */
struct object_entry *object_known(struct session *session, const PyObject *address);

void object_release(struct session *session, struct object_entry *entry);

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
    if (entry != NULL && entry->holders > 0 && --entry->holders == 0) {
        object_release(session, entry);
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

/* Write a reference to it: by its number in this block when it has one. */
uint8_t *object_put_reference(struct session *session, uint8_t *at, struct object_entry *entry);

/* Compare a held object with what is remembered and write what changed; nothing to do when that was
 * done in this epoch, unless `forced`. `named`: the line that ran could reach it by name, look at
 * all of it. */
void object_check(struct session *session, PyObject *value, struct shadow *shadow, bool named,
                  bool forced);

/* The same for one item of a list, negative counted from the end, and for what is in it; false when
 * that is not enough: the list's length changed or it is not remembered. */
bool object_check_item(struct session *session, PyObject *value, struct shadow *shadow,
                       int64_t index);

/* The same for one attribute of an instance and, if asked, for what is in it; `hint` remembers
 * where it was found. False when that is not enough: others may have come or gone. */
bool object_check_attribute(struct session *session, PyObject *value, struct shadow *shadow,
                            PyObject *name, bool into, uint32_t *hint);

/* The same for the end of a list, which one append or pop may have changed. */
bool object_check_tail(struct session *session, PyObject *value, struct shadow *shadow);

/* The same for some of the objects inside it, in rotation. */
void object_check_children(struct session *session, PyObject *value, const struct shadow *shadow,
                           bool forced);

/* Open what this event met first, to its depth. Call before the event's own record. */
void objects_open_queued(struct session *session);

/* Objects nobody refers to since before this event end here, and the coldest are forgotten when
 * there are too many. Call once per event, at its end. */
void objects_settle_slow(struct session *session);

static inline void objects_settle(struct session *session)
{
    if (session->objects.limbo_size != 0 || session->objects.queue_size != 0 ||
        session->objects.pressure) {
        objects_settle_slow(session);
    }
}

/* Keep this entry while the session lasts. */
void object_pin(struct session *session, const struct shadow *shadow);

#endif
