#include "recorder/known_fields.h"
#include "recorder/object_internal.h"

#include "recorder/self_check.h"
#include "recorder/unseen.h"
#include "recorder/value.h"

enum {
    AGAIN_DEPTH = 1,       /* how deep, and how many, known objects are looked at again because */
    AGAIN_PER_EVENT = 256, /* something that refers to them is */
};

/* Is the value certainly not the one remembered? Told without going into it. */
static bool is_other(struct session *session, const struct shadow *shadow, PyObject *value)
{
    enum { SHORT_LOOK = 128 }; /* characters */
    struct shadow now;
    switch (shadow_kind(shadow)) {
    case CTR_V_NONE:
        return value != Py_None;
    case CTR_V_INT:
    case CTR_V_FLOAT:
    case CTR_V_SHORT_TEXT:
        if (value == NULL || !(PyLong_CheckExact(value) || PyFloat_CheckExact(value) ||
                               PyUnicode_CheckExact(value))) {
            return true;
        }
        value_shadow(session, value, &now);
        return !shadow_same(shadow, &now);
    case CTR_V_NODE:
        if (value == NULL || !PyUnicode_CheckExact(value) ||
            PyUnicode_GET_LENGTH(value) > SHORT_LOOK) {
            return false;
        }
        value_shadow(session, value, &now);
        return !shadow_same(shadow, &now);
    case CTR_V_OBJECT: {
        const struct object_entry *entry = object_of(session, shadow);
        return entry != NULL && entry->address != value;
    }
    default:
        return false;
    }
}

/* What is remembered of an object's first part, and what that is now; NULL: it has none to tell by.
 */
static inline const struct shadow *first_part(const struct object_entry *entry, PyObject *value,
                                              PyObject **now)
{
    if (entry->type->capture == CAPTURE_LIST && entry->count != 0 && PyList_GET_SIZE(value) != 0) {
        *now = PyList_GET_ITEM(value, 0);
        return &entry->items[0];
    }
    if (entry->type->capture == CAPTURE_INSTANCE && entry->attr_count != 0 &&
        entry->type->slot_count == 0) {
        PyDictKeysObject *keys;
        Py_ssize_t count;
        PyObject **values = compat_inline_values(value, &keys, &count);
        if (values != NULL && entry->shape == keys && count != 0) {
            *now = values[0];
            return &entry->attrs[0];
        }
    }
    return NULL;
}

static bool has_other_length(const struct object_entry *entry, PyObject *value)
{
    switch (entry->type->capture) {
    case CAPTURE_LIST:
        return entry->true_length != (uint64_t)PyList_GET_SIZE(value);
    case CAPTURE_DEQUE:
        return entry->true_length != (uint64_t)Py_SIZE(value);
    case CAPTURE_SET:
        return entry->true_length != (uint64_t)((PySetObject *)value)->used;
    default:
        return false;
    }
}

static bool begins_otherwise(struct session *session, const struct object_entry *entry,
                             PyObject *value)
{
    PyObject *now;
    const struct shadow *known = first_part(entry, value, &now);
    return known != NULL && is_other(session, known, now);
}

/* A place whose change was not seen may hold on to an object that is gone. Another one of its type
 * at its address shows by its length or by its first part. */
static bool looks_replaced(struct session *session, const struct object_entry *entry,
                           PyObject *value)
{
    return has_other_length(entry, value) || begins_otherwise(session, entry, value);
}

bool object_expect_grown(struct session *session, PyObject *value, struct shadow *out)
{
    const struct object_entry *entry = object_known(session, value);
    if (entry == NULL || !object_is_current(session, entry, value) ||
        begins_otherwise(session, entry, value)) {
        return false;
    }
    *out = shadow_of(CTR_V_OBJECT, entry->number);
    out->index = (uint32_t)(entry - session->objects.entries);
    return true;
}

bool object_begins_the_same(struct session *session, const struct object_entry *entry,
                            PyObject *value)
{
    if (entry->type->capture == CAPTURE_DICT) {
        return true;
    }
    if (entry->type->capture == CAPTURE_LIST) {
        if (entry->true_length != (uint64_t)PyList_GET_SIZE(value)) {
            return false;
        }
        if (entry->count == 0) {
            return true;
        }
    }
    PyObject *first;
    struct shadow now;
    const struct shadow *known = first_part(entry, value, &first);
    switch (known != NULL ? shadow_kind(known) : CTR_V_DROPPED) {
    case CTR_V_NONE:
        return first == Py_None;
    case CTR_V_INT:
    case CTR_V_FLOAT:
        return first != NULL && number_shadow(first, &now) && shadow_same(known, &now);
    case CTR_V_OBJECT: {
        const struct object_entry *held = object_of(session, known);
        return held != NULL && held->address == first;
    }
    default:
        return false;
    }
}

/* Its names are globals wherever it is met first. */
static bool is_module_dict(const struct type_info *type, PyObject *value)
{
    return type->capture == CAPTURE_DICT && type->exact &&
           compat_dict_get(value, "__builtins__") != NULL &&
           compat_dict_get(value, "__name__") != NULL;
}

static void keys_are_globals(struct session *session, struct object_entry *entry)
{
    entry->keys = KEYS_ARE_GLOBALS;
    entry->policy = filter_module(session, entry->address);
}

void object_keys_are_locals(struct session *session, const struct shadow *shadow, uint32_t policy)
{
    struct object_entry *entry =
        shadow_kind(shadow) == CTR_V_OBJECT ? object_of(session, shadow) : NULL;
    if (entry != NULL && entry->keys == KEYS_ARE_DATA) {
        entry->keys = KEYS_ARE_LOCALS;
        entry->policy = policy;
    }
}

uint8_t object__key_action(struct session *session, const struct object_entry *entry, PyObject *key)
{
    uint32_t policy = entry->keys == KEYS_ARE_DATA ? entry->type->policy : entry->policy;
    bool is_data = entry->keys == KEYS_ARE_DATA;
    return filter_key(session, policy, is_data ? FILTER_KEY : key_kind(entry), key);
}

bool object_hides_key(struct session *session, PyObject *dict, PyObject *key)
{
    const struct object_entry *entry = object_known(session, dict);
    return entry != NULL && object__key_action(session, entry, key) != CTR_KEEP;
}

/* The attribute an instance keeps first, without laying out the others: that is done to whatever
 * refers to it just now. NULL: it has none. */
static PyObject *first_attribute(PyObject *value, const struct type_info *type)
{
    if (type->slot_count != 0) {
        bool is_object = type->slots[0].form <= FIELD_MAYBE_OBJECT;
        return is_object ? *(PyObject **)((char *)value + type->slots[0].offset) : NULL;
    }
    PyDictKeysObject *keys;
    Py_ssize_t count;
    PyObject **values = compat_inline_values(value, &keys, &count);
    if (values != NULL) {
        return count != 0 ? values[0] : NULL;
    }
    PyObject *dict = type->has_dict ? compat_instance_dict(value) : NULL;
    PyObject *key, *first = NULL;
    if (dict != NULL && PyDict_Check(dict)) {
        struct compat_dict_walk walk = compat_dict_walk(dict);
        (void)compat_dict_next(&walk, &key, &first);
    }
    return first;
}

/* Is it the object that is known, and `__class__` was assigned? Someone holds it still, and it
 * holds what it held; another one at its address would be of any class, and hold something else. */
static bool changed_class(struct session *session, const struct object_entry *entry,
                          PyObject *value, const struct type_info *type)
{
    bool is_instance =
        entry->type->capture == CAPTURE_INSTANCE && type->capture == CAPTURE_INSTANCE;
    if (!is_instance || entry->holders == 0 || (entry->flags & ENTRY_LIMBO)) {
        return false;
    }
    return entry->attr_count == 0 ||
           !is_other(session, &entry->attrs[0], first_attribute(value, type));
}

void object_shadow(struct session *session, PyObject *value, struct type_info *type,
                   struct shadow *out)
{
    struct object_table *table = &session->objects;
    struct object_entry *entry = object_known(session, value);
    if (self_check_looks(session)) {
        bool is_known = entry != NULL && entry->type == type;
        *out = shadow_of(CTR_V_OBJECT, is_known ? entry->number : UINT64_MAX);
        self_check_met(session);
        return;
    }
    if (entry != NULL && entry->type != type) {
        if ((entry->flags & ENTRY_BUSY) || changed_class(session, entry, value, type)) {
            entry->epoch = session->epoch - 1; /* its class was assigned: read again */
            entry->flags &= (uint8_t)~ENTRY_OPENED;
            entry->type = type;
        } else {
            object__end_entry(session, entry); /* another object lives there now */
            entry = NULL;
        }
    }
    if (entry == NULL) {
        entry = object__add(session, value, type, table->next_number);
        if (entry == NULL) {
            *out = shadow_of(CTR_V_DROPPED, 0);
            return;
        }
        table->next_number++;
        entry->is_restless = unseen_uses(session, value, type) != 0;
        if (session->filter != NULL && is_module_dict(type, value)) {
            keys_are_globals(session, entry);
        }
        ctr_count(session->writer, CTR_C_objects);
        entry->epoch = session->epoch - 1;
        if (session->limits.max_depth != 0 && table->depth >= session->limits.max_depth) {
            entry->epoch = session->epoch; /* too deep: opened when a line reaches it */
        }
    }
    bool is_doubtful = (entry->flags & ENTRY_LIMBO) || !(entry->flags & ENTRY_OPENED);
    if ((entry->flags & ENTRY_LIMBO) || /* let go and back: or another object at its address */
        (!is_doubtful &&
         (object_is_perhaps_gone(entry) || looks_replaced(session, entry, value)))) {
        entry->epoch = session->epoch - 1;
        is_doubtful = true;
    }
    /* What becomes reachable is looked at: all that is new, of what is known a part. */
    bool was_too_deep = !(entry->flags & ENTRY_OPENED) && table->depth == 0;
    if ((entry->epoch != session->epoch || was_too_deep) &&
        (is_doubtful || (table->depth <= AGAIN_DEPTH && table->queue_size < AGAIN_PER_EVENT))) {
        object__queue(session, entry);
    }
    entry->flags |= ENTRY_RECENT;
    *out = shadow_of(CTR_V_OBJECT, entry->number);
    out->index = (uint32_t)(entry - table->entries);
}

void object_pin(struct session *session, const struct shadow *shadow)
{
    struct object_entry *entry = object_of(session, shadow);
    if (entry != NULL && !(entry->flags & ENTRY_PINNED)) {
        entry->flags |= ENTRY_PINNED;
        keys_are_globals(session, entry);
    }
}
