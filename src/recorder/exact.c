#include "recorder/exact.h"

#include <stdlib.h>

#include "recorder/gather.h"
#include "recorder/object.h"
#include "recorder/slot.h"
#include "recorder/types.h"
#include "recorder/value.h"

/* What is to be looked at, and what was in this look: two tables of addresses, which are followed
 * while the callback runs and no longer. */
struct exact {
    PyObject **waiting;
    size_t count, capacity;
    PyObject **seen; /* open addressing; NULL is free */
    size_t seen_count, seen_capacity;
    bool failed; /* out of memory: the rest of this look is left out */
};

enum { FIRST_CAPACITY = 1024 };

int exact_init(struct session *session)
{
    session->exact = session->limits.exact ? calloc(1, sizeof *session->exact) : NULL;
    return session->limits.exact && session->exact == NULL ? CT_ENOMEM : CT_OK;
}

void exact_free(struct session *session)
{
    if (session->exact != NULL) {
        free(session->exact->waiting);
        free(session->exact->seen);
        free(session->exact);
        session->exact = NULL;
    }
}

/* ---- the tables
 * -------------------------------------------------------------------------------- */

static size_t home_of(const PyObject *value, size_t capacity)
{
    return (size_t)((uintptr_t)value * 0x9e3779b97f4a7c15ull >> 20) & (capacity - 1);
}

static void mark(PyObject **seen, size_t capacity, PyObject *value)
{
    size_t at = home_of(value, capacity);
    while (seen[at] != NULL) {
        at = (at + 1) & (capacity - 1);
    }
    seen[at] = value;
}

static bool is_seen(const struct exact *exact, const PyObject *value)
{
    if (exact->seen_capacity == 0) {
        return false;
    }
    size_t at = home_of(value, exact->seen_capacity);
    while (exact->seen[at] != NULL && exact->seen[at] != value) {
        at = (at + 1) & (exact->seen_capacity - 1);
    }
    return exact->seen[at] == value;
}

static bool grow_seen(struct exact *exact)
{
    size_t capacity = exact->seen_capacity != 0 ? exact->seen_capacity * 2 : FIRST_CAPACITY;
    PyObject **seen = calloc(capacity, sizeof(PyObject *));
    for (size_t i = 0; seen != NULL && i < exact->seen_capacity; i++) {
        if (exact->seen[i] != NULL) {
            mark(seen, capacity, exact->seen[i]);
        }
    }
    if (seen != NULL) {
        free(exact->seen);
        exact->seen = seen;
        exact->seen_capacity = capacity;
    }
    return seen != NULL;
}

static bool grow_waiting(struct exact *exact)
{
    size_t capacity = exact->capacity != 0 ? exact->capacity * 2 : FIRST_CAPACITY;
    PyObject **waiting = realloc(exact->waiting, capacity * sizeof(PyObject *));
    if (waiting != NULL) {
        exact->waiting = waiting;
        exact->capacity = capacity;
    }
    return waiting != NULL;
}

/* A value to be looked at, once; most have nothing inside. */
static void add(struct exact *exact, PyObject *value)
{
    if (value == NULL || PyLong_CheckExact(value) || PyUnicode_CheckExact(value) ||
        PyFloat_CheckExact(value) || value == Py_None || is_seen(exact, value)) {
        return;
    }
    bool has_room = (exact->count < exact->capacity || grow_waiting(exact)) &&
                    (exact->seen_count * 2 < exact->seen_capacity || grow_seen(exact));
    if (!has_room) {
        exact->failed = true;
        return;
    }
    mark(exact->seen, exact->seen_capacity, value);
    exact->seen_count++;
    exact->waiting[exact->count++] = value;
}

/* ---- what is inside a value
 * -------------------------------------------------------------------- */

static void add_items(struct session *session, PyObject *const *items, Py_ssize_t count)
{
    uint64_t limit = session->limits.max_items;
    for (Py_ssize_t i = 0; i < count && (limit == 0 || (uint64_t)i < limit); i++) {
        add(session->exact, items[i]);
    }
}

/* What a secret name holds is nobody's to look at. */
static void add_pairs(struct session *session, PyObject *dict)
{
    struct compat_dict_walk walk = compat_dict_walk(dict);
    uint64_t limit = session->limits.max_items, done = 0;
    PyObject *key, *value;
    while ((limit == 0 || done++ < limit) && compat_dict_next(&walk, &key, &value)) {
        add(session->exact, key);
        if (!object_hides_key(session, dict, key)) {
            add(session->exact, value);
        }
    }
}

static void add_attributes(struct session *session, PyObject *value, const struct type_info *type)
{
    struct gathered gathered;
    gather_attributes(session, value, type, &gathered);
    uint64_t limit = session->limits.max_attributes;
    uint32_t count = limit != 0 && gathered.count > limit ? (uint32_t)limit : gathered.count;
    for (uint32_t i = 0; i < count; i++) {
        const struct attribute *attribute = &gathered.attributes[i];
        if (attribute_action(session, type, attribute) == CTR_KEEP) {
            add(session->exact, attribute->value);
        }
    }
}

static void add_inside(struct session *session, PyObject *value, const struct type_info *type)
{
    struct gathered gathered;
    switch (type->capture) {
    case CAPTURE_TUPLE:
        add_items(session, ((PyTupleObject *)value)->ob_item, Py_SIZE(value));
        return;
    case CAPTURE_LIST:
    case CAPTURE_SET:
    case CAPTURE_DEQUE:
    case CAPTURE_ELEMENT:
        gather_items(session, value, type, &gathered);
        add_items(session, gathered.items, gathered.item_count);
        break;
    case CAPTURE_DICT:
        add_pairs(session, value);
        break;
    case CAPTURE_EXTENDED:
        if (type->base_capture == CAPTURE_TUPLE || type->base_capture == CAPTURE_FROZENSET) {
            gather_items(session, value, type, &gathered);
            add_items(session, gathered.items, gathered.item_count);
        }
        break;
    default:
        break;
    }
    if (!type->exact || type->capture == CAPTURE_INSTANCE || type->capture == CAPTURE_EXCEPTION) {
        add_attributes(session, value, type);
    }
}

/* ---- looking
 * ----------------------------------------------------------------------------------- */

/* All of a step stands in one block: beyond a quarter of it the rest has to wait, and is counted.
 */
static bool has_room(const struct session *session)
{
    return session->writer->limit - session->writer->at > CTR_BLOCK_SOFT_BYTES / 4;
}

static void look(struct session *session, PyObject *value)
{
    struct type_info *type = types_of(session, Py_TYPE(value));
    if (type == NULL) {
        return;
    }
    if (type_is_object(type)) {
        struct shadow shadow;
        value_shadow(session, value, &shadow);
        if (shadow_kind(&shadow) != CTR_V_OBJECT) {
            return; /* the table is full */
        }
        object_check(session, value, &shadow, true, false);
    }
    if (type_is_object(type) || type->capture == CAPTURE_TUPLE) {
        add_inside(session, value, type);
    }
}

static void add_variables(struct session *session, const struct shadow_frame *frame,
                          compat_frame *real)
{
    const struct plan *plan = frame->plan;
    for (uint32_t i = 0; i < plan->real_slots; i++) {
        if (plan->actions[i] == CTR_KEEP) {
            add(session->exact, slot_value(plan, real, i));
        }
    }
    if (plan->has_namespace) {
        add(session->exact, real->f_locals);
    }
    add(session->exact, real->f_globals);
}

void exact_look(struct session *session, struct shadow_frame *frame, compat_frame *real)
{
    struct exact *exact = session->exact;
    exact->count = exact->seen_count = 0;
    exact->failed = false;
    if (exact->seen_capacity != 0) {
        memset(exact->seen, 0, exact->seen_capacity * sizeof(PyObject *));
    }
    session_heed_unseen(session);
    add_variables(session, frame, real);
    while (exact->count > 0 && !exact->failed && has_room(session)) {
        look(session, exact->waiting[--exact->count]);
    }
    if (exact->count > 0 || exact->failed) {
        ctr_count(session->writer, CTR_C_lagging);
    }
    frame->epoch = session->epoch;
    objects_open_queued(session);
}
