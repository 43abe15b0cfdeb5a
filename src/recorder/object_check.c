#include "recorder/object_internal.h"

#include "recorder/value.h"

enum { CHILDREN_PER_CHECK = 16 }; /* objects inside an object looked at after one line */

/* A place still holds an object the table forgot: it comes back under its old number. */
static struct object_entry *revive(struct session *session, PyObject *value,
                                   const struct shadow *shadow)
{
    struct type_info *type = types_of(session, Py_TYPE(value));
    if (type == NULL || !type_is_object(type) || object_known(session, value) != NULL) {
        return NULL;
    }
    struct object_entry *entry = object__add(session, value, type, shadow->bits);
    if (entry != NULL) {
        entry->holders = 1;
        entry->is_known = true;
        ((struct shadow *)shadow)->index = (uint32_t)(entry - session->objects.entries);
    }
    return entry;
}

/* `__class__` may be assigned: the object goes on as one of another type. */
static void retype(struct session *session, struct object_entry *entry, PyObject *value)
{
    struct type_info *type = types_of(session, Py_TYPE(value));
    if (type != NULL && type != entry->type && type_is_object(type)) {
        entry->type = type;
    }
}

void objects_open_queued(struct session *session)
{
    struct object_table *table = &session->objects;
    for (uint32_t i = 0; i < table->queue_size; i++) {
        struct queued queued = table->queue[i];
        struct object_entry *entry = &table->entries[queued.entry];
        bool queued_now = (entry->flags & ENTRY_QUEUED) != 0;
        entry->flags &= (uint8_t)~ENTRY_QUEUED;
        if (entry->address == NULL || !queued_now) {
            continue; /* ended since, its entry perhaps another's */
        }
        if (!session_has_room(session, session->writer->at, CTR_BLOCK_SOFT_BYTES / 4)) {
            ctr_count(session->writer, CTR_C_lagging); /* opened when it is next looked at */
            continue;
        }
        table->depth = queued.depth + 1;
        entry->flags |= ENTRY_BUSY;
        if (!(entry->flags & ENTRY_OPENED) || entry->type->type != Py_TYPE(entry->address)) {
            retype(session, entry, entry->address);
            object__open(session, entry, entry->address);
        } else if (entry->epoch != session->epoch) {
            entry->epoch = session->epoch;
            object__compare(session, entry, entry->address, true);
        }
        entry->flags &= (uint8_t)~ENTRY_BUSY;
    }
    table->queue_size = 0;
    table->depth = 0;
}

void object_check(struct session *session, PyObject *value, struct shadow *shadow, bool named,
                  bool forced)
{
    struct object_entry *entry = object_of(session, shadow);
    if (entry == NULL) {
        entry = revive(session, value, shadow);
        if (entry == NULL) {
            return;
        }
    }
    if (entry->address != value) {
        return;
    }
    entry->flags |= ENTRY_RECENT;
    if (entry->epoch == session->epoch && !forced && (entry->flags & ENTRY_OPENED)) {
        return;
    }
    entry->epoch = session->epoch;
    entry->flags |= ENTRY_BUSY;
    if (entry->type->type != Py_TYPE(value) || !(entry->flags & ENTRY_OPENED)) {
        retype(session, entry, value);
        object__open(session, entry, value);
    } else { /* one that waits to be opened is in doubt: perhaps another at its address */
        object__compare(session, entry, value, named || (entry->flags & ENTRY_QUEUED));
    }
    entry->flags &= (uint8_t)~ENTRY_BUSY;
}

/* What was remembered of a child is trusted only where the living container still holds it. */
static void check_child(struct session *session, PyObject *value, struct shadow *shadow,
                        bool forced)
{
    struct object_entry *child =
        shadow_kind(shadow) == CTR_V_OBJECT ? object_of(session, shadow) : NULL;
    if (child != NULL && child->address == value && (forced || child->epoch != session->epoch)) {
        object_check(session, value, shadow, true, forced);
    }
}

void object_check_known(struct session *session, PyObject *value, bool forced)
{
    struct object_entry *entry = object_known(session, value);
    if (entry != NULL && entry->type->type == Py_TYPE(value)) {
        struct shadow shadow = shadow_of(CTR_V_OBJECT, entry->number);
        shadow.index = (uint32_t)(entry - session->objects.entries);
        object_check(session, value, &shadow, true, forced);
    }
}

static void check_dict_values(struct session *session, struct object_entry *entry, PyObject *dict,
                              bool forced)
{
    struct compat_dict_walk walk = compat_dict_walk(dict);
    PyObject *key, *value;
    walk.at = entry->rotation < (uint32_t)walk.end ? entry->rotation : 0;
    for (int i = 0; i < CHILDREN_PER_CHECK && compat_dict_next(&walk, &key, &value); i++) {
        object_check_known(session, value, forced);
    }
    entry->rotation = walk.at < walk.end ? (uint32_t)walk.at : 0;
}

static void check_items(struct session *session, struct object_entry *entry, PyObject *const *items,
                        Py_ssize_t length, bool forced)
{
    uint32_t count = entry->count < (size_t)length ? entry->count : (uint32_t)length;
    uint32_t budget = count < CHILDREN_PER_CHECK ? count : CHILDREN_PER_CHECK;
    uint32_t from = count > CHILDREN_PER_CHECK ? entry->rotation % count : 0;
    for (uint32_t i = 0; i < budget; i++) {
        uint32_t index = (from + i) % count;
        check_child(session, items[index], &entry->items[index], forced);
    }
    if (count > CHILDREN_PER_CHECK) {
        entry->rotation = from + budget;
    }
}

static void check_attribute_objects(struct session *session, struct object_entry *entry,
                                    PyObject *value, bool forced)
{
    PyObject *values[CHILDREN_PER_CHECK];
    PyDictKeysObject *keys;
    Py_ssize_t shared;
    PyObject **inline_values = compat_inline_values(value, &keys, &shared);
    if (inline_values != NULL && keys == entry->shape && entry->type->slot_count == 0) {
        for (uint32_t i = 0; i < entry->attr_count && i < shared && i < CHILDREN_PER_CHECK; i++) {
            check_child(session, inline_values[i], &entry->attrs[i], forced);
        }
        return;
    }
    struct gathered gathered;
    gather_attributes(session, value, entry->type, &gathered);
    uint32_t count = entry->attr_count < gathered.count ? entry->attr_count : gathered.count;
    count = count < CHILDREN_PER_CHECK ? count : CHILDREN_PER_CHECK;
    for (uint32_t i = 0; i < count; i++) { /* checking a child gathers too */
        values[i] = gathered.attributes[i].value;
    }
    for (uint32_t i = 0; i < count; i++) {
        check_child(session, values[i], &entry->attrs[i], forced);
    }
}

void object_check_children(struct session *session, PyObject *value, const struct shadow *shadow,
                           bool forced)
{
    struct object_entry *entry = object_of(session, shadow);
    if (entry == NULL || entry->address != value ||
        (!forced && entry->children_epoch == session->epoch)) {
        return;
    }
    if (entry->count <= CHILDREN_PER_CHECK && entry->true_length <= CHILDREN_PER_CHECK &&
        entry->attr_count <= CHILDREN_PER_CHECK) {
        entry->children_epoch = session->epoch;
    }
    if (entry->type->capture == CAPTURE_LIST) {
        check_items(session, entry, ((PyListObject *)value)->ob_item, PyList_GET_SIZE(value),
                    forced);
    } else if (entry->type->capture == CAPTURE_DICT) {
        check_dict_values(session, entry, value, forced);
    }
    if (entry->attr_count != 0 && entry->type->capture != CAPTURE_GENERATOR) {
        check_attribute_objects(session, entry, value, forced);
    }
}
