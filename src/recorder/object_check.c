#include "recorder/object_internal.h"

#include "recorder/value.h"

enum {
    CHILDREN_PER_CHECK = 16,   /* objects inside an object looked at after one line, and */
    ATTRIBUTES_PER_CHECK = 64, /* those that are attributes */
    SOME_PER_CHECK = 4,        /* pairs of a dict no line names */
    INSIDE_PER_CHECK = 256,    /* at all depths, where a line worked on one of them; */
    PAIRS_PER_CHECK = 1024,    /* of a dict that are searched for them */
};

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
        object_check(session, value, shadow, false, forced);
    }
}

void object_check_known(struct session *session, PyObject *value, bool named, bool forced)
{
    const struct object_entry *entry = object_known(session, value);
    if (entry == NULL) {
        return;
    }
    struct shadow shadow = shadow_of(CTR_V_OBJECT, entry->number);
    shadow.index = (uint32_t)(entry - session->objects.entries);
    if (entry->type->type != Py_TYPE(value)) { /* assigned its class, or another object */
        value_shadow(session, value, &shadow);
    }
    if (shadow_kind(&shadow) == CTR_V_OBJECT) {
        object_check(session, value, &shadow, named, forced);
    }
}

static void check_dict_values(struct session *session, struct object_entry *entry, PyObject *dict,
                              int budget, bool forced)
{
    struct compat_dict_walk walk = compat_dict_walk(dict);
    PyObject *key, *value;
    walk.at = entry->rotation < (uint32_t)walk.end ? entry->rotation : 0;
    for (int i = 0; i < budget && compat_dict_next(&walk, &key, &value); i++) {
        object_check_known(session, value, false, forced);
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

/* Items of a deque are laid out for reading, and so are a child's. */
static void check_gathered(struct session *session, struct object_entry *entry, PyObject *sequence,
                           bool forced)
{
    struct gathered gathered;
    gather_items(session, sequence, entry->type, &gathered);
    PyObject *items[CHILDREN_PER_CHECK];
    uint32_t count =
        entry->count < (size_t)gathered.item_count ? entry->count : (uint32_t)gathered.item_count;
    uint32_t from = entry->rotation < count ? entry->rotation : 0;
    uint32_t budget = count - from < CHILDREN_PER_CHECK ? count - from : CHILDREN_PER_CHECK;
    for (uint32_t i = 0; i < budget; i++) {
        items[i] = gathered.items[from + i];
    }
    entry->rotation = from + budget < count ? from + budget : 0;
    for (uint32_t i = 0; i < budget; i++) {
        check_child(session, items[i], &entry->items[from + i], forced);
    }
}

/* The attributes are the dict's, in its order. */
static void check_objects_in_dict(struct session *session, struct object_entry *entry,
                                  PyObject *dict, bool forced)
{
    struct compat_dict_walk walk = compat_dict_walk(dict);
    PyObject *key, *value;
    uint32_t count =
        entry->attr_count < ATTRIBUTES_PER_CHECK ? entry->attr_count : ATTRIBUTES_PER_CHECK;
    for (uint32_t i = 0; i < count && compat_dict_next(&walk, &key, &value);) {
        if (PyUnicode_CheckExact(key)) { /* others are no attributes */
            check_child(session, value, &entry->attrs[i++], forced);
        }
    }
}

static void check_attribute_objects(struct session *session, struct object_entry *entry,
                                    PyObject *value, bool forced)
{
    PyObject *values[ATTRIBUTES_PER_CHECK];
    PyDictKeysObject *keys;
    Py_ssize_t shared;
    PyObject **inline_values = compat_inline_values(value, &keys, &shared);
    if (inline_values != NULL && keys == entry->shape && entry->type->slot_count == 0) {
        for (uint32_t i = 0; i < entry->attr_count && i < shared && i < ATTRIBUTES_PER_CHECK; i++) {
            check_child(session, inline_values[i], &entry->attrs[i], forced);
        }
        return;
    }
    uint64_t seal = object__seal(session, entry, value);
    if (seal != 0 && entry->seen == seal) {
        check_objects_in_dict(session, entry, compat_instance_dict(value), forced);
        return;
    }
    struct gathered gathered;
    gather_attributes(session, value, entry->type, &gathered);
    uint32_t count = entry->attr_count < gathered.count ? entry->attr_count : gathered.count;
    count = count < ATTRIBUTES_PER_CHECK ? count : ATTRIBUTES_PER_CHECK;
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
        entry->attr_count <= ATTRIBUTES_PER_CHECK) {
        entry->children_epoch = session->epoch;
    }
    if (entry->type->capture == CAPTURE_LIST) {
        check_items(session, entry, ((PyListObject *)value)->ob_item, PyList_GET_SIZE(value),
                    forced);
    } else if (type_is_sequence(entry->type)) {
        check_gathered(session, entry, value, forced);
    } else if (entry->type->capture == CAPTURE_DICT) {
        check_dict_values(session, entry, value, CHILDREN_PER_CHECK, forced);
    }
    if (entry->attr_count != 0 && entry->type->capture != CAPTURE_GENERATOR) {
        check_attribute_objects(session, entry, value, forced);
    }
}

void object_check_some(struct session *session, PyObject *dict)
{
    struct object_entry *entry = object_known(session, dict);
    if (entry != NULL && entry->type->capture == CAPTURE_DICT) {
        check_dict_values(session, entry, dict, SOME_PER_CHECK, false);
    }
}

/* ---- several levels deep
 * ------------------------------------------------------------------------- */

struct listing {
    uint32_t count;
    PyObject *objects[INSIDE_PER_CHECK];
};

/* A known object is looked at, and into; what a tuple holds as if it stood in its place. */
static void list_object(struct session *session, struct listing *listing, PyObject *value)
{
    if (value != NULL && PyTuple_Check(value)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value) && i < CHILDREN_PER_CHECK; i++) {
            if (!PyTuple_Check(PyTuple_GET_ITEM(value, i))) {
                list_object(session, listing, PyTuple_GET_ITEM(value, i));
            }
        }
        return;
    }
    struct object_entry *entry = value != NULL ? object_known(session, value) : NULL;
    if (entry != NULL && !entry->is_listed && listing->count < INSIDE_PER_CHECK) {
        entry->is_listed = true;
        listing->objects[listing->count++] = value;
    }
}

static void list_inside(struct session *session, struct listing *listing, PyObject *value)
{
    const struct object_entry *entry = object_known(session, value);
    struct gathered gathered = {0};
    if (entry == NULL || entry->type->type != Py_TYPE(value)) {
        return;
    }
    if (entry->type->capture == CAPTURE_DICT) {
        struct compat_dict_walk walk = compat_dict_walk(value);
        PyObject *key, *held;
        for (int i = 0; i < PAIRS_PER_CHECK && compat_dict_next(&walk, &key, &held); i++) {
            list_object(session, listing, held);
        }
    } else if (type_is_sequence(entry->type)) {
        gather_items(session, value, entry->type, &gathered);
        for (uint32_t i = 0; i < entry->count && i < gathered.item_count; i++) {
            uint8_t kind = shadow_kind(&entry->items[i]);
            if (kind == CTR_V_OBJECT || kind == CTR_V_NODE) { /* a tuple is one */
                list_object(session, listing, gathered.items[i]);
            }
        }
    }
    if (entry->attr_count != 0 && entry->type->capture != CAPTURE_GENERATOR) {
        gather_attributes(session, value, entry->type, &gathered);
        for (uint32_t i = 0; i < gathered.count; i++) {
            list_object(session, listing, gathered.attributes[i].value);
        }
    }
}

void object_check_inside(struct session *session, PyObject *value)
{
    struct listing listing = {0};
    list_object(session, &listing, value);
    for (uint32_t i = 0; i < listing.count; i++) {
        object_check_known(session, listing.objects[i], true, true);
        list_inside(session, &listing, listing.objects[i]);
    }
    for (uint32_t i = 0; i < listing.count; i++) {
        struct object_entry *entry = object_known(session, listing.objects[i]);
        if (entry != NULL) {
            entry->is_listed = false;
        }
    }
}
