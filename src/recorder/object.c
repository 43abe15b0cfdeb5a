#include "recorder/object.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "recorder/buffer.h"
#include "recorder/filter.h"
#include "recorder/gather.h"
#include "recorder/plan.h"
#include "recorder/secret.h"
#include "recorder/self_check.h"
#include "recorder/unseen.h"
#include "recorder/value.h"

enum {
    MAX_CHAIN = 8,           /* blocks a state may be spread over */
    SMALL_BASE_BYTES = 96,   /* cheaper to repeat than to look for */
    UNNAMED_ITEMS = 64,      /* looked at in a container the line does not name */
    CHILDREN_PER_CHECK = 16, /* objects inside an object looked at after one line */
    AGAIN_DEPTH = 1,         /* how deep, and how many, known objects are looked at again because */
    AGAIN_PER_EVENT = 256,   /* something that refers to them is */
};

#define MAX_QUEUE (1u << 20)

/* ---- the address table
 * ------------------------------------------------------------------------------- */

static void insert(struct object_table *table, const PyObject *address, uint32_t entry)
{
    uint32_t at = object_home(address);
    while (table->slots[at] != 0) {
        at = (at + 1) & (OBJECT_TABLE_SIZE - 1);
    }
    table->slots[at] = entry + 1;
}

/* Backward-shift deletion: no tombstones, so churn does not slow the table. */
static void erase(struct object_table *table, const PyObject *address)
{
    uint32_t at = object_home(address);
    while (table->slots[at] == 0 || table->entries[table->slots[at] - 1].address != address) {
        if (table->slots[at] == 0) {
            return;
        }
        at = (at + 1) & (OBJECT_TABLE_SIZE - 1);
    }
    for (uint32_t next = at;;) {
        next = (next + 1) & (OBJECT_TABLE_SIZE - 1);
        uint32_t held = table->slots[next];
        if (held == 0) {
            break;
        }
        uint32_t home = object_home(table->entries[held - 1].address);
        bool stays = at <= next ? home > at && home <= next : home > at || home <= next;
        if (!stays) {
            table->slots[at] = held;
            at = next;
        }
    }
    table->slots[at] = 0;
}

/* ---- the end of an identity
 * ---------------------------------------------------------------------------- */

static void resize(struct session *session, struct shadow **array, uint32_t *capacity,
                   uint32_t want)
{
    if (want <= *capacity) {
        return;
    }
    uint32_t grown = *capacity == 0 ? 4 : *capacity;
    while (grown < want) {
        grown += grown / 2 + 1;
    }
    struct shadow *more = realloc(*array, grown * sizeof **array);
    if (more != NULL) {
        memset(more + *capacity, 0, (grown - *capacity) * sizeof *more);
        session->objects.snapshot_bytes += (grown - *capacity) * sizeof *more;
        *array = more;
        *capacity = grown;
    }
}

static void drop_items(struct session *session, struct shadow *array, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        shadow_assign(session, &array[i], (struct shadow){0});
    }
}

static void free_snapshot(struct session *session, struct object_entry *entry)
{
    drop_items(session, entry->items, entry->count);
    drop_items(session, entry->attrs, entry->attr_count);
    session->objects.snapshot_bytes -=
        ((size_t)entry->capacity + entry->attr_capacity) * sizeof(struct shadow);
    free(entry->items);
    free(entry->attrs);
    entry->items = entry->attrs = NULL;
    entry->count = entry->capacity = entry->attr_count = entry->attr_capacity = 0;
}

static void unwatch(struct session *session, struct object_entry *entry)
{
    if (entry->flags & ENTRY_WATCHED) {
        PyObject *pending = PyErr_GetRaisedException();
        if (PyDict_Unwatch(session->dict_watcher, entry->address) != 0) {
            PyErr_Clear();
        }
        PyErr_SetRaisedException(pending);
        entry->flags &= (uint8_t)~ENTRY_WATCHED;
    }
}

static void let_go_dict(struct session *session, PyObject *dict);

static void end_entry(struct session *session, struct object_entry *entry)
{
    struct object_table *table = &session->objects;
    if (entry->flags & ENTRY_WATCHED) {
        let_go_dict(session, entry->address);
        unwatch(session, entry);
    }
    erase(table, entry->address);
    free_snapshot(session, entry);
    uint32_t index = (uint32_t)(entry - table->entries);
    *entry = (struct object_entry){.local = table->free_head};
    table->free_head = index;
    table->live--;
}

void object_release(struct session *session, struct object_entry *entry)
{
    struct object_table *table = &session->objects;
    if (entry->type->has_finalizer) {
        session->epoch++; /* its __del__ may have run, and changed anything */
    }
    if (entry->flags & (ENTRY_LIMBO | ENTRY_PINNED)) {
        entry->is_back = true;
        return;
    }
    if (table->limbo_size == table->limbo_capacity) {
        uint32_t capacity = table->limbo_capacity ? table->limbo_capacity * 2 : 256;
        uint32_t *limbo = realloc(table->limbo, capacity * sizeof *limbo);
        if (limbo == NULL) {
            return; /* the clock finds it later */
        }
        table->limbo = limbo;
        table->limbo_capacity = capacity;
    }
    entry->flags |= ENTRY_LIMBO;
    entry->is_back = false;
    table->limbo[table->limbo_size++] = (uint32_t)(entry - table->entries);
    table->unsettled = true;
}

static bool too_full(const struct object_table *table);
static bool forget_one(struct session *session);

/* An object returned or moved is without holder for one event: only what was in limbo before this
 * event began, and nobody held since, ends now. */
static void objects_end_limbo(struct session *session)
{
    struct object_table *table = &session->objects;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->limbo_size; i++) {
        struct object_entry *entry = &table->entries[table->limbo[i]];
        if (!(entry->flags & ENTRY_LIMBO)) {
            continue;
        }
        if (i >= table->limbo_ready || (entry->is_back && entry->holders == 0)) {
            entry->is_back = entry->is_back && i >= table->limbo_ready;
            table->limbo[kept++] = table->limbo[i];
            continue;
        }
        entry->flags &= (uint8_t)~ENTRY_LIMBO;
        if (entry->address != NULL && entry->holders == 0) {
            end_entry(session, entry);
        }
    }
    table->limbo_size = table->limbo_ready = kept;
}

/* What was met while the event was written waits for the next look: it may be gone by then. */
static void drop_queue(struct session *session)
{
    struct object_table *table = &session->objects;
    for (uint32_t i = 0; i < table->queue_size; i++) {
        table->entries[table->queue[i].entry].flags &= (uint8_t)~ENTRY_QUEUED;
    }
    table->queue_size = 0;
}

void objects_settle_slow(struct session *session)
{
    drop_queue(session);
    objects_end_limbo(session);
    struct object_table *table = &session->objects;
    while (table->pressure) {
        table->pressure = too_full(table) && forget_one(session);
    }
    table->unsettled = table->limbo_size != 0;
}

/* ---- new entries
 * ----------------------------------------------------------------------------------------- */

static void forget(struct session *session, struct object_entry *entry)
{
    ctr_count(session->writer, CTR_C_objects_forgotten);
    end_entry(session, entry);
}

/* The clock's hand passes entries used since its last visit and takes the first that was not. */
static bool forget_one(struct session *session)
{
    struct object_table *table = &session->objects;
    for (uint32_t turns = 0; turns < 2 * table->used + 2; turns++) {
        table->hand = table->hand + 1 < table->used ? table->hand + 1 : 0;
        struct object_entry *entry = &table->entries[table->hand];
        if (entry->address == NULL ||
            (entry->flags & (ENTRY_PINNED | ENTRY_QUEUED | ENTRY_LIMBO))) {
            continue;
        }
        if (entry->flags & ENTRY_RECENT) {
            entry->flags &= (uint8_t)~ENTRY_RECENT;
            continue;
        }
        forget(session, entry);
        return true;
    }
    return false;
}

/* Forgetting waits for the end of an event: while one runs, entries in use must stay. */
static bool too_full(const struct object_table *table)
{
    return table->live > MAX_OBJECTS - MAX_OBJECTS / 8 ||
           table->snapshot_bytes > MAX_SNAPSHOT_BYTES;
}

static struct object_entry *new_entry(struct session *session)
{
    struct object_table *table = &session->objects;
    if (too_full(table)) {
        table->pressure = table->unsettled = true;
    }
    struct object_entry *entry;
    if (table->free_head != NO_ENTRY) {
        entry = &table->entries[table->free_head];
        table->free_head = entry->local;
    } else if (table->used < MAX_OBJECTS) {
        entry = &table->entries[table->used++];
    } else {
        return NULL;
    }
    table->live++;
    return entry;
}

static void queue_opening(struct session *session, struct object_entry *entry)
{
    struct object_table *table = &session->objects;
    if (entry->flags & ENTRY_QUEUED) {
        return;
    }
    if (table->queue_size == table->queue_capacity) {
        uint32_t capacity = table->queue_capacity ? table->queue_capacity * 2 : 256;
        struct queued *queue =
            capacity > MAX_QUEUE ? NULL : realloc(table->queue, capacity * sizeof *queue);
        if (queue == NULL) {
            ctr_count(session->writer, CTR_C_lagging);
            return;
        }
        table->queue = queue;
        table->queue_capacity = capacity;
    }
    entry->flags |= ENTRY_QUEUED;
    table->unsettled = true;
    table->queue[table->queue_size++] =
        (struct queued){(uint32_t)(entry - table->entries), table->depth};
}

static struct object_entry *add_entry(struct session *session, PyObject *value,
                                      struct type_info *type, uint64_t number)
{
    struct object_entry *entry = new_entry(session);
    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct object_entry){
        .address = value,
        .number = number,
        .type = type,
        .block = NO_BLOCK,
        .named_block = NO_BLOCK,
        .flags = ENTRY_RECENT,
    };
    insert(&session->objects, value, (uint32_t)(entry - session->objects.entries));
    return entry;
}

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

/* A place whose change was not seen may hold on to an object that is gone. Another one of its type
 * at its address shows by its length or by its first part. */
static bool looks_replaced(struct session *session, const struct object_entry *entry,
                           PyObject *value)
{
    switch (entry->type->capture) {
    case CAPTURE_LIST:
        if (entry->true_length != (uint64_t)PyList_GET_SIZE(value)) {
            return true;
        }
        break;
    case CAPTURE_DEQUE:
        return entry->true_length != (uint64_t)Py_SIZE(value);
    case CAPTURE_SET:
        return entry->true_length != (uint64_t)((PySetObject *)value)->used;
    default:
        break;
    }
    PyObject *now;
    const struct shadow *known = first_part(entry, value, &now);
    return known != NULL && is_other(session, known, now);
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

static uint8_t key_action(struct session *session, const struct object_entry *entry, PyObject *key)
{
    uint32_t policy = entry->keys == KEYS_ARE_DATA ? entry->type->policy : entry->policy;
    bool is_data = entry->keys == KEYS_ARE_DATA;
    return filter_key(session, policy, is_data ? FILTER_KEY : key_kind(entry), key);
}

bool object_hides_key(struct session *session, PyObject *dict, PyObject *key)
{
    const struct object_entry *entry = object_known(session, dict);
    return entry != NULL && key_action(session, entry, key) != CTR_KEEP;
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
        if (entry->flags & ENTRY_BUSY) {
            entry->epoch = session->epoch - 1; /* its class was assigned: read again */
            entry->flags &= (uint8_t)~ENTRY_OPENED;
            entry->type = type;
        } else {
            end_entry(session, entry); /* another object lives there now */
            entry = NULL;
        }
    }
    if (entry == NULL) {
        entry = add_entry(session, value, type, table->next_number);
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
        (!is_doubtful && entry->epoch == session->epoch &&
         (object_is_perhaps_gone(entry) || looks_replaced(session, entry, value)))) {
        entry->epoch = session->epoch - 1;
        is_doubtful = true;
    }
    /* What becomes reachable is looked at: all that is new, of what is known a part. */
    if (entry->epoch != session->epoch &&
        (is_doubtful || (table->depth <= AGAIN_DEPTH && table->queue_size < AGAIN_PER_EVENT))) {
        queue_opening(session, entry);
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

/* ---- writing operations
 * ------------------------------------------------------------------------------------ */

static uint8_t sections_of(const struct object_entry *entry)
{
    switch (entry->type->capture) {
    case CAPTURE_DICT:
        return CTR_PAIRS | (entry->type->exact ? 0 : CTR_ATTRS);
    case CAPTURE_INSTANCE:
    case CAPTURE_EXCEPTION:
    case CAPTURE_GENERATOR:
        return CTR_ATTRS;
    default:
        return CTR_ITEMS | (entry->type->exact ? 0 : CTR_ATTRS);
    }
}

static uint8_t *put_open(struct session *session, struct object_entry *entry, uint8_t flags)
{
    struct ctr_writer *writer = session->writer;
    uint8_t *at = writer->at;
    *at++ = CTR_OPEN;
    at = object_put_reference(session, at, entry);
    at = ct_varint_put(at, types_number(session, entry->type));
    if (!entry->is_known) {
        flags |= CTR_OPEN_NEW;
        entry->is_known = true;
    }
    *at++ = flags;
    if (!(flags & CTR_OPEN_BASE)) {
        at = ct_varint_put(at, writer->block - entry->block);
    }
    entry->flags |= ENTRY_OPENED;
    entry->block = writer->block;
    return at;
}

static void base_written(struct object_entry *entry, const uint8_t *from, const uint8_t *to)
{
    entry->base_bytes = (uint32_t)(to - from);
    entry->since_base = 0;
    entry->chain = 0;
}

/* One place of a container takes a value: the shadow changes, the value is written. */
static uint8_t *place(struct session *session, uint8_t *at, struct shadow *shadow, PyObject *value)
{
    struct shadow now;
    if (!session_has_room(session, at, 64)) {
        now = shadow_of(CTR_V_DROPPED, 0);
        ctr_count(session->writer, CTR_C_values_cut);
    } else {
        value_shadow(session, value, &now);
    }
    at = value_emit(session, at, value, &now);
    shadow_assign(session, shadow, now);
    return at;
}

static uint8_t *put_hidden(struct session *session, uint8_t *at, enum filter_name_kind kind,
                           uint8_t action)
{
    filter_count(session, kind, action);
    *at++ = filter_tag(action);
    return at;
}

static uint8_t *place_named(struct session *session, uint8_t *at, struct shadow *shadow,
                            uint8_t action, PyObject *value)
{
    if (action != CTR_KEEP && value != NULL) {
        shadow_assign(session, shadow, shadow_of(filter_tag(action), 0));
        return put_hidden(session, at, FILTER_ATTRIBUTE, action);
    }
    return place(session, at, shadow, value);
}

static uint8_t *put_name(struct session *session, uint8_t *at, const struct attribute *attribute)
{
    if (attribute->name != NULL) {
        struct shadow name;
        value_shadow(session, attribute->name, &name);
        return value_emit(session, at, attribute->name, &name);
    }
    size_t size = strlen(attribute->text);
    if (size <= CTR_SHORT_TEXT_MAX) {
        *at++ = (uint8_t)(CTR_V_SHORT_TEXT + size);
    } else {
        session->writer->next_node++;
        *at++ = CTR_V_TEXT;
        at = ct_varint_put(at, size);
    }
    memcpy(at, attribute->text, size);
    return at + size;
}

static uint8_t *put_attributes(struct session *session, uint8_t *at, struct object_entry *entry,
                               const struct gathered *gathered)
{
    uint32_t count = gathered->count;
    if (session->limits.max_attributes != 0 && count > session->limits.max_attributes) {
        count = (uint32_t)session->limits.max_attributes;
        ctr_count(session->writer, CTR_C_values_cut);
    }
    drop_items(session, entry->attrs + (count < entry->attr_count ? count : entry->attr_count),
               count < entry->attr_count ? entry->attr_count - count : 0);
    resize(session, &entry->attrs, &entry->attr_capacity, count);
    count = count <= entry->attr_capacity ? count : entry->attr_capacity;
    at = ct_varint_put(at, gathered->count);
    at = ct_varint_put(at, count);
    for (uint32_t i = 0; i < count; i++) {
        at = put_name(session, at, &gathered->attributes[i]);
        at = place_named(session, at, &entry->attrs[i],
                         attribute_action(session, entry->type, &gathered->attributes[i]),
                         gathered->attributes[i].value);
    }
    entry->attr_count = count;
    entry->names = gather_names(gathered, count);
    entry->shape = gathered->shape;
    return at;
}

static uint8_t *put_items(struct session *session, uint8_t *at, struct object_entry *entry,
                          PyObject *const *items, Py_ssize_t length)
{
    uint32_t count = (uint32_t)length;
    if (session->limits.max_items != 0 && (uint64_t)length > session->limits.max_items) {
        count = (uint32_t)session->limits.max_items;
    }
    while (count > 0 && !session_has_room(session, at, count)) {
        count /= 2;
    }
    if (count < length) {
        ctr_count(session->writer, CTR_C_values_cut);
    }
    if (count < entry->count) {
        drop_items(session, entry->items + count, entry->count - count);
        entry->count = count;
    }
    resize(session, &entry->items, &entry->capacity, count);
    count = count <= entry->capacity ? count : entry->capacity;
    at = ct_varint_put(at, (uint64_t)length);
    at = ct_varint_put(at, count);
    session->promised += count; /* each takes a byte at least */
    for (uint32_t i = 0; i < count; i++) {
        session->promised--;
        at = place(session, at, &entry->items[i], items[i]);
    }
    entry->count = count;
    entry->true_length = (uint64_t)length;
    return at;
}

/* A dict's values are not remembered: that they are held is counted in their entries alone, and
 * taken back when a value is replaced or the dict's own identity ends. */
static void let_go_value(struct session *session, PyObject *value)
{
    struct object_entry *held = value != NULL ? object_known(session, value) : NULL;
    if (held != NULL && held->holders > 0 && --held->holders == 0) {
        object_release(session, held);
    }
}

/* `dict` lives: a dict that is watched ends with an event. */
static void let_go_dict(struct session *session, PyObject *dict)
{
    struct compat_dict_walk walk = compat_dict_walk(dict);
    PyObject *key, *value;
    while (compat_dict_next(&walk, &key, &value)) {
        let_go_value(session, key);
        let_go_value(session, value);
    }
}

static void hold_value(struct session *session, const struct shadow *value)
{
    if (shadow_kind(value) == CTR_V_OBJECT) {
        object_hold(session, value);
    }
}

/* `__spec__`, `__loader__`: what the interpreter puts into every module, and no line uses. */
static bool is_module_attribute(PyObject *name)
{
    return PyUnicode_CheckExact(name) && PyUnicode_GET_LENGTH(name) > 2 &&
           PyUnicode_READ_CHAR(name, 0) == '_' && PyUnicode_READ_CHAR(name, 1) == '_';
}

static uint8_t *put_pair(struct session *session, uint8_t *at, const struct object_entry *entry,
                         PyObject *key, PyObject *value)
{
    struct shadow name, held;
    value_shadow(session, key, &name);
    at = value_emit(session, at, key, &name);
    hold_value(session, &name);
    uint8_t action = key_action(session, entry, key);
    if (action != CTR_KEEP) {
        filter_count(session, key_kind(entry), action);
        held = shadow_of(filter_tag(action), 0);
    } else {
        value_shadow(session, value, &held);
    }
    at = value_emit(session, at, value, &held);
    hold_value(session, &held);
    if ((entry->flags & ENTRY_PINNED) && !session->restless_globals &&
        shadow_kind(&held) == CTR_V_OBJECT && object_entry(session, held.index)->is_restless &&
        !is_module_attribute(key)) {
        plans_heed_globals(session);
    }
    self_check_pair(session, entry, &name, &held);
    return at;
}

static uint8_t *put_pairs(struct session *session, uint8_t *at, struct object_entry *entry,
                          PyObject *dict)
{
    Py_ssize_t length = ((PyDictObject *)dict)->ma_used;
    uint64_t limit = session->limits.max_items;
    Py_ssize_t count = limit != 0 && (uint64_t)length > limit ? (Py_ssize_t)limit : length;
    at = ct_varint_put(at, (uint64_t)length);
    /* The count is not known before the room is: two bytes and more are kept for it. */
    uint8_t *count_at = at;
    at += 5;
    Py_ssize_t done = 0;
    struct gather_pairs pairs = gather_pairs(dict, entry->type);
    PyObject *key, *value;
    self_check_clear(session, entry);
    while (done < count && session_has_room(session, at, 4096) &&
           gather_next_pair(&pairs, &key, &value)) {
        at = put_pair(session, at, entry, key, value);
        done++;
    }
    entry->seen = gather_fingerprint(session, dict, entry->type);
    entry->is_cut = done < length;
    if (entry->is_cut) {
        ctr_count(session->writer, CTR_C_values_cut);
    }
    for (int i = 0; i < 5; i++) {
        count_at[i] = (uint8_t)((done >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
    }
    entry->true_length = (uint64_t)length;
    return at;
}

static uint8_t *put_bytearray(struct session *session, uint8_t *at, struct object_entry *entry,
                              PyObject *value)
{
    uint64_t limit = session->limits.max_text;
    size_t length = (size_t)PyByteArray_GET_SIZE(value);
    size_t cut = limit != 0 && length > limit ? limit : length;
    cut = session_has_room(session, at, cut) ? cut : 0;
    *at++ = 1;
    *at++ = 1;
    entry->seen = gather_fingerprint(session, value, entry->type);
    if (!session->limits.keep_shapes &&
        secret_in_bytes((const uint8_t *)PyByteArray_AS_STRING(value), cut)) {
        return value_put_secret(session, at);
    }
    if (cut < length) {
        ctr_count(session->writer, CTR_C_values_cut);
        session->writer->next_node++;
        *at++ = CTR_V_CUT;
        at = ct_varint_put(at, length);
    }
    session->writer->next_node++;
    *at++ = CTR_V_BYTES;
    at = ct_varint_put(at, cut);
    memcpy(at, PyByteArray_AS_STRING(value), cut);
    return at + cut;
}

static bool is_extended_scalar(const struct type_info *type)
{
    return type->capture == CAPTURE_EXTENDED && type->base_capture != CAPTURE_TUPLE &&
           type->base_capture != CAPTURE_FROZENSET;
}

static uint8_t *put_boxed(struct session *session, uint8_t *at, const struct object_entry *entry,
                          PyObject *value)
{
    uint8_t action = gather_member_action(session, value, entry->type);
    if (action != CTR_KEEP) {
        return put_hidden(session, at, FILTER_ATTRIBUTE, action);
    }
    return value_emit_base(session, at, value, entry->type);
}

/* Everything the object holds now. */
static void write_base(struct session *session, struct object_entry *entry, PyObject *value)
{
    struct ctr_writer *writer = session->writer;
    struct gathered gathered;
    const uint8_t *from = writer->at;
    uint8_t *at = put_open(session, entry, CTR_OPEN_BASE);
    if (entry->type->capture == CAPTURE_BUFFER) {
        writer->at = buffer_put(session, at, value, entry->type);
        entry->seen = gather_fingerprint(session, value, entry->type);
        base_written(entry, from, writer->at);
        return;
    }
    uint8_t sections = sections_of(entry);
    *at++ = sections;
    if (sections & CTR_ITEMS) {
        if (is_extended_scalar(entry->type)) {
            *at++ = 1;
            *at++ = 1;
            at = put_boxed(session, at, entry, value);
        } else if (entry->type->capture == CAPTURE_BYTEARRAY) {
            at = put_bytearray(session, at, entry, value);
        } else {
            gather_items(session, value, entry->type, &gathered);
            at = put_items(session, at, entry, gathered.items, gathered.item_count);
            entry->seen = gather_fingerprint(session, value, entry->type);
        }
    }
    if (sections & CTR_PAIRS) {
        at = put_pairs(session, at, entry, value);
    }
    if (sections & CTR_ATTRS) {
        gather_attributes(session, value, entry->type, &gathered);
        at = put_attributes(session, at, entry, &gathered);
    }
    writer->at = at;
    base_written(entry, from, at);
}

static void watch(struct session *session, struct object_entry *entry, PyObject *dict)
{
    bool is_instance = ((PyDictObject *)dict)->ma_values != NULL;
    entry->is_instance = entry->is_instance || is_instance;
    if ((entry->flags & ENTRY_WATCHED) || is_instance) {
        return; /* an instance's own dict reports no attribute stores on 3.13 */
    }
    PyObject *pending = PyErr_GetRaisedException();
    if (PyDict_Watch(session->dict_watcher, dict) == 0) {
        entry->flags |= ENTRY_WATCHED;
    } else {
        PyErr_Clear();
    }
    PyErr_SetRaisedException(pending);
}

static void open_now(struct session *session, struct object_entry *entry, PyObject *value)
{
    write_base(session, entry, value);
    if (entry->type->capture == CAPTURE_DICT) {
        watch(session, entry, value);
    }
    entry->epoch = entry->whole_epoch = session->epoch;
    entry->whole_step = session->writer->steps;
    entry->is_loose = false;
}

static void compare(struct session *session, struct object_entry *entry, PyObject *value,
                    bool named);
static void retype(struct session *session, struct object_entry *entry, PyObject *value);

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
            open_now(session, entry, entry->address);
        } else if (entry->epoch != session->epoch) {
            entry->epoch = session->epoch;
            compare(session, entry, entry->address, true);
        }
        entry->flags &= (uint8_t)~ENTRY_BUSY;
    }
    table->queue_size = 0;
    table->depth = 0;
}

/* Before an operation: make sure this block has opened the object, with its remembered state or a
 * pointer to where it is. */
static void touch(struct session *session, struct object_entry *entry, PyObject *value)
{
    struct ctr_writer *writer = session->writer;
    if (entry->block == writer->block) {
        return;
    }
    if (entry->block != NO_BLOCK && entry->base_bytes > SMALL_BASE_BYTES &&
        entry->chain < MAX_CHAIN && entry->since_base < entry->base_bytes) {
        writer->at = put_open(session, entry, 0);
        entry->chain++;
        return;
    }
    uint8_t capture = entry->type->capture;
    if (capture == CAPTURE_DICT || capture == CAPTURE_EXTENDED || capture == CAPTURE_BYTEARRAY ||
        capture == CAPTURE_BUFFER) {
        write_base(session, entry,
                   value); /* a dict reports before its change: still the old state */
        return;
    }
    const uint8_t *from = writer->at;
    uint8_t *at = put_open(session, entry, CTR_OPEN_BASE);
    uint8_t sections = sections_of(entry);
    *at++ = sections;
    if (sections & CTR_ITEMS) {
        at = ct_varint_put(at, entry->true_length);
        at = ct_varint_put(at, entry->count);
        for (uint32_t i = 0; i < entry->count; i++) {
            at = shadow_emit(session, at, &entry->items[i]);
        }
    }
    if (sections & CTR_ATTRS) {
        struct gathered gathered;
        gather_attributes(session, value, entry->type, &gathered);
        uint32_t count = entry->attr_count < gathered.count ? entry->attr_count : gathered.count;
        at = ct_varint_put(at, gathered.count);
        at = ct_varint_put(at, count);
        for (uint32_t i = 0; i < count; i++) {
            at = put_name(session, at, &gathered.attributes[i]);
            at = shadow_emit(session, at, &entry->attrs[i]);
        }
    }
    writer->at = at;
    base_written(entry, from, at);
}

/* What is written next of the object changed at some time since it was last compared. */
static void put_checked(struct session *session, struct object_entry *entry)
{
    struct ctr_writer *writer = session->writer;
    uint64_t first = ct_load64(writer->start); /* step of the block */
    uint8_t *at = writer->at;
    *at++ = CTR_CHECKED;
    at = object_put_reference(session, at, entry);
    writer->at = ct_varint_put(at, ct_zigzag((int64_t)(entry->whole_step - first)));
    session->objects.late = false;
    ctr_count(writer, CTR_C_lagging);
}

/* What stands before an operation in the way of opening the object and saying since when. */
static void prepare(struct session *session, struct object_entry *entry, PyObject *value)
{
    touch(session, entry, value);
    if (session->objects.late) {
        put_checked(session, entry);
    }
}

/* Start an operation on an object: its block has opened it, the record and reference are written.
 */
static inline uint8_t *begin(struct session *session, struct object_entry *entry, PyObject *value,
                             uint8_t record)
{
    if (__builtin_expect(entry->block != session->writer->block || session->objects.late, 0)) {
        prepare(session, entry, value);
    }
    uint8_t *at = session->writer->at;
    *at++ = record;
    return object_put_reference(session, at, entry);
}

static void end(struct session *session, struct object_entry *entry, uint8_t *at)
{
    entry->since_base += (uint32_t)(at - session->writer->at);
    session->writer->at = at;
}

/* ---- comparing
 * ------------------------------------------------------------------------------------------ */

static inline bool same(struct session *session, const struct shadow *shadow, PyObject *value)
{
    switch (shadow_kind(shadow)) {
    case CTR_V_OBJECT: {
        struct object_entry *entry = object_of(session, shadow);
        return entry != NULL && entry->address == value && entry->type->type == Py_TYPE(value);
    }
    case CTR_V_NONE:
        return value == Py_None;
    case CTR_V_REDACTED:
    case CTR_V_DROPPED:
        return value != NULL;
    default: {
        struct shadow now;
        value_shadow(session, value, &now);
        return shadow_same(shadow, &now);
    }
    }
}

static inline bool is_number(const struct shadow *shadow)
{
    return shadow_kind(shadow) == CTR_V_INT || shadow_kind(shadow) == CTR_V_FLOAT;
}

/* A place takes a number, the common case; false: it is none. */
static inline bool place_number(struct session *session, struct object_entry *entry,
                                PyObject *value, uint8_t record, struct shadow *known,
                                uint32_t index, PyObject *number)
{
    struct shadow now;
    if (number == NULL || !number_shadow(number, &now)) {
        return false;
    }
    if (!shadow_same(known, &now)) {
        uint8_t *at = begin(session, entry, value, record);
        at = ct_varint_put(at, index);
        end(session, entry, put_number(at, &now));
        shadow_assign(session, known, now);
    }
    return true;
}

static void set_item(struct session *session, struct object_entry *entry, PyObject *value,
                     uint32_t index, PyObject *item)
{
    uint8_t *at = begin(session, entry, value, CTR_ITEM);
    at = ct_varint_put(at, index);
    end(session, entry, place(session, at, &entry->items[index], item));
}

static void append_item(struct session *session, struct object_entry *entry, PyObject *value,
                        PyObject *item)
{
    resize(session, &entry->items, &entry->capacity, entry->count + 1);
    if (entry->count == entry->capacity) {
        return;
    }
    entry->items[entry->count] = (struct shadow){0};
    uint8_t *at = begin(session, entry, value, CTR_APPEND);
    end(session, entry, place(session, at, &entry->items[entry->count], item));
    entry->count++;
    entry->true_length++;
}

static void splice(struct session *session, struct object_entry *entry, PyObject *value,
                   uint32_t start, uint32_t removed, PyObject *const *added, uint32_t count)
{
    uint8_t *at = begin(session, entry, value, CTR_SPLICE);
    resize(session, &entry->items, &entry->capacity, entry->count - removed + count);
    if (entry->count - removed + count > entry->capacity) {
        return;
    }
    drop_items(session, entry->items + start, removed);
    memmove(entry->items + start + count, entry->items + start + removed,
            (entry->count - start - removed) * sizeof *entry->items);
    memset(entry->items + start, 0, count * sizeof *entry->items);
    at = ct_varint_put(at, start);
    at = ct_varint_put(at, removed);
    at = ct_varint_put(at, count);
    session->promised += count;
    for (uint32_t i = 0; i < count; i++) {
        session->promised--;
        at = place(session, at, &entry->items[start + i], added[i]);
    }
    entry->count = entry->count - removed + count;
    entry->true_length = entry->count;
    end(session, entry, at);
}

static bool worth_a_base(const struct object_entry *entry, uint32_t changes)
{
    return changes > 8 && changes > entry->count / 2;
}

/* Length changed: what is the same at both ends stays, the middle is replaced. */
static void compare_lengths(struct session *session, struct object_entry *entry, PyObject *value,
                            PyObject *const *items, uint32_t length)
{
    uint32_t shorter = entry->count < length ? entry->count : length;
    uint32_t front = 0, back = 0;
    while (front < shorter && same(session, &entry->items[front], items[front])) {
        front++;
    }
    if (front == entry->count && length - front <= 8) {
        for (; front < length; front++) {
            append_item(session, entry, value, items[front]);
        }
        return;
    }
    while (back < shorter - front &&
           same(session, &entry->items[entry->count - 1 - back], items[length - 1 - back])) {
        back++;
    }
    uint32_t added = length - front - back;
    if (worth_a_base(entry, added)) {
        write_base(session, entry, value);
    } else {
        splice(session, entry, value, front, entry->count - front - back, items + front, added);
    }
}

static void compare_range(struct session *session, struct object_entry *entry, PyObject *value,
                          PyObject *const *items, uint32_t from, uint32_t to)
{
    uint32_t changes = 0;
    for (uint32_t i = from; i < to; i++) {
        if (!same(session, &entry->items[i], items[i])) {
            if (++changes > 8 && worth_a_base(entry, changes)) {
                write_base(session, entry, value);
                return;
            }
            set_item(session, entry, value, i, items[i]);
        }
    }
}

static void set_length(struct session *session, struct object_entry *entry, PyObject *value,
                       uint64_t length)
{
    uint8_t *at = begin(session, entry, value, CTR_TOTAL);
    entry->true_length = length;
    end(session, entry, ct_varint_put(at, length));
}

/* Of a sequence beyond the limit the first items are remembered; some that came or went at its
 * front move them all. What this guesses wrong is mended by the comparison that follows. */
static void follow_front(struct session *session, struct object_entry *entry, PyObject *value,
                         PyObject *const *items, int64_t change)
{
    enum { FOLLOWED = 8 };
    uint32_t moved = (uint32_t)(change < 0 ? -change : change);
    if (moved > FOLLOWED || moved >= entry->count || same(session, &entry->items[0], items[0])) {
        return;
    }
    uint32_t rest = entry->count - moved;
    if (change < 0 && same(session, &entry->items[moved], items[0])) {
        splice(session, entry, value, 0, moved, NULL, 0);
        splice(session, entry, value, rest, 0, items + rest, moved);
    } else if (change > 0 && same(session, &entry->items[0], items[moved])) {
        splice(session, entry, value, rest, moved, NULL, 0);
        splice(session, entry, value, 0, 0, items, moved);
    }
}

static void check_sequence(struct session *session, struct object_entry *entry, PyObject *value,
                           PyObject *const *items, Py_ssize_t length, bool named)
{
    uint64_t limit = session->limits.max_items;
    bool cut = limit != 0 && (uint64_t)length > limit;
    if (entry->true_length != (uint64_t)length) {
        if (cut && entry->true_length > limit) {
            if (entry->count == limit) {
                follow_front(session, entry, value, items, length - (int64_t)entry->true_length);
            }
            set_length(session, entry, value, (uint64_t)length);
        } else if (cut || entry->true_length > entry->count) {
            write_base(session, entry, value);
            return;
        } else {
            compare_lengths(session, entry, value, items, (uint32_t)length);
            return;
        }
    }
    uint32_t count = entry->count;
    if (named || count <= UNNAMED_ITEMS) {
        compare_range(session, entry, value, items, 0, count);
        return;
    }
    uint32_t from = entry->rotation % count;
    uint32_t to = from + UNNAMED_ITEMS / 2 < count ? from + UNNAMED_ITEMS / 2 : count;
    entry->rotation = to < count ? to : 0;
    compare_range(session, entry, value, items, 0, UNNAMED_ITEMS / 2);
    compare_range(session, entry, value, items, from, to);
}

static void check_attribute(struct session *session, struct object_entry *entry, PyObject *value,
                            uint32_t index, uint8_t action, PyObject *now)
{
    uint8_t *at = begin(session, entry, value, CTR_ATTR);
    at = ct_varint_put(at, index);
    at = place_named(session, at, &entry->attrs[index], action, now);
    end(session, entry, at);
}

/* Most instances keep their values in the order of their type's shared keys: no names to look at.
 */
static bool check_inline(struct session *session, struct object_entry *entry, PyObject *value)
{
    PyDictKeysObject *keys;
    Py_ssize_t count;
    PyObject **values = compat_inline_values(value, &keys, &count);
    if (values == NULL || keys != entry->shape || entry->type->slot_count != 0 ||
        entry->type->family == CTR_F_ENUM || (uint32_t)count != entry->attr_count) {
        return false;
    }
    for (uint32_t i = 0; i < entry->attr_count; i++) {
        if (!same(session, &entry->attrs[i], values[i])) {
            check_attribute(session, entry, value, i,
                            filter_name(session, entry->type->policy, FILTER_ATTRIBUTE,
                                        compat_shared_key(keys, i)),
                            values[i]);
        }
    }
    return true;
}

static void add_attribute(struct session *session, struct object_entry *entry, PyObject *value,
                          const struct attribute *attribute)
{
    uint32_t index = entry->attr_count;
    resize(session, &entry->attrs, &entry->attr_capacity, index + 1);
    if (index >= entry->attr_capacity) {
        return;
    }
    entry->attrs[index] = (struct shadow){0};
    uint8_t *at = begin(session, entry, value, CTR_ATTR_ADD);
    at = put_name(session, at, attribute);
    at = place_named(session, at, &entry->attrs[index],
                     attribute_action(session, entry->type, attribute), attribute->value);
    entry->attr_count = index + 1;
    end(session, entry, at);
}

static void check_attributes(struct session *session, struct object_entry *entry, PyObject *value)
{
    if (check_inline(session, entry, value)) {
        return;
    }
    struct gathered gathered;
    gather_attributes(session, value, entry->type, &gathered);
    uint64_t limit = session->limits.max_attributes;
    uint32_t count = limit != 0 && gathered.count > limit ? (uint32_t)limit : gathered.count;
    if (count < entry->attr_count || gather_names(&gathered, entry->attr_count) != entry->names) {
        write_base(session, entry, value);
        return;
    }
    for (uint32_t i = 0; i < entry->attr_count; i++) {
        if (!same(session, &entry->attrs[i], gathered.attributes[i].value)) {
            check_attribute(session, entry, value, i,
                            attribute_action(session, entry->type, &gathered.attributes[i]),
                            gathered.attributes[i].value);
        }
    }
    while (entry->attr_count < count) {
        uint32_t before = entry->attr_count;
        add_attribute(session, entry, value, &gathered.attributes[before]);
        if (entry->attr_count == before) {
            break;
        }
    }
    entry->names = gather_names(&gathered, entry->attr_count);
    entry->shape = gathered.shape;
}

static void check_generator(struct session *session, struct object_entry *entry, PyObject *value)
{
    uint64_t now = gather_fingerprint(session, value, entry->type);
    if (now != entry->seen) {
        entry->seen = now;
        check_attributes(session, entry, value);
    }
}

static void check_content(struct session *session, struct object_entry *entry, PyObject *value,
                          bool named)
{
    struct gathered gathered;
    switch (entry->type->capture) {
    case CAPTURE_LIST:
        check_sequence(session, entry, value, ((PyListObject *)value)->ob_item,
                       PyList_GET_SIZE(value), named);
        break;
    case CAPTURE_DEQUE:
    case CAPTURE_CELL:
        gather_items(session, value, entry->type, &gathered);
        check_sequence(session, entry, value, gathered.items, gathered.item_count, named);
        break;
    case CAPTURE_SET:
    case CAPTURE_BYTEARRAY:
    case CAPTURE_BUFFER:
        if (gather_fingerprint(session, value, entry->type) != entry->seen) {
            write_base(session, entry, value);
        }
        break;
    case CAPTURE_EXTENDED:
        break;
    case CAPTURE_GENERATOR:
        check_generator(session, entry, value);
        return;
    case CAPTURE_DICT: {
        /* Watched dicts report everything but OrderedDict.move_to_end. */
        bool reports = (entry->flags & ENTRY_WATCHED) && !entry->type->is_ordered_dict;
        if (entry->flags & ENTRY_STALE) {
            entry->flags &= (uint8_t)~ENTRY_STALE;
            write_base(session, entry, value);
        } else if (!reports && gather_fingerprint(session, value, entry->type) != entry->seen) {
            write_base(session, entry, value);
        }
        watch(session, entry, value); /* another dict may live there now, or this one changed */
        break;
    }
    default:
        check_attributes(session, entry, value);
        return;
    }
    if (!entry->type->exact && entry->type->has_dict && entry->type->capture != CAPTURE_BUFFER) {
        check_attributes(session, entry, value);
    }
}

static bool is_compared_whole(const struct object_entry *entry, bool named)
{
    bool is_sequence =
        entry->type->capture == CAPTURE_LIST || entry->type->capture == CAPTURE_DEQUE;
    return named || !is_sequence || entry->count <= UNNAMED_ITEMS;
}

/* Compare a known object. A change found where code ran unseen since the last time, and not in the
 * latest line alone, is of some step in between: said with the change. */
static void compare(struct session *session, struct object_entry *entry, PyObject *value,
                    bool named)
{
    uint64_t steps = session->writer->steps;
    session->objects.late = session->epoch - entry->whole_epoch > 1 && entry->whole_step < steps;
    const uint8_t *from = session->writer->at;
    check_content(session, entry, value, named);
    if (session->objects.late && session->writer->at != from) {
        put_checked(session, entry); /* behind a new base */
    }
    session->objects.late = false;
    if (is_compared_whole(entry, named)) {
        entry->is_loose = false;
        entry->whole_epoch = session->epoch;
        entry->whole_step = steps;
    }
}

/* A place still holds an object the table forgot: it comes back under its old number. */
static struct object_entry *revive(struct session *session, PyObject *value,
                                   const struct shadow *shadow)
{
    struct type_info *type = types_of(session, Py_TYPE(value));
    if (type == NULL || !type_is_object(type) || object_known(session, value) != NULL) {
        return NULL;
    }
    struct object_entry *entry = add_entry(session, value, type, shadow->bits);
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
        open_now(session, entry, value);
    } else { /* one that waits to be opened is in doubt: perhaps another at its address */
        compare(session, entry, value, named || (entry->flags & ENTRY_QUEUED));
    }
    entry->flags &= (uint8_t)~ENTRY_BUSY;
}

bool object_check_tail(struct session *session, PyObject *value, struct shadow *shadow)
{
    struct object_entry *entry =
        shadow_kind(shadow) == CTR_V_OBJECT ? object_of(session, shadow) : NULL;
    if (entry == NULL || entry->address != value || !(entry->flags & ENTRY_OPENED)) {
        return false;
    }
    uint64_t length = (uint64_t)PyList_GET_SIZE(value), limit = session->limits.max_items;
    if (length == entry->true_length) {
        return true;
    }
    if (limit != 0 && entry->count == limit && length >= limit) { /* beyond what is recorded */
        set_length(session, entry, value, length);
        return true;
    }
    if (entry->true_length != entry->count) {
        return false;
    }
    if (length == entry->true_length + 1) {
        append_item(session, entry, value, PyList_GET_ITEM(value, (Py_ssize_t)length - 1));
    } else if (length + 1 == entry->true_length) {
        splice(session, entry, value, (uint32_t)length, 1, NULL, 0);
    } else {
        return false;
    }
    return true;
}

bool object_check_item(struct session *session, PyObject *value, struct shadow *shadow,
                       int64_t index)
{
    struct object_entry *entry =
        shadow_kind(shadow) == CTR_V_OBJECT ? object_of(session, shadow) : NULL;
    if (entry == NULL || entry->address != value || !(entry->flags & ENTRY_OPENED) ||
        entry->true_length != (uint64_t)PyList_GET_SIZE(value)) {
        return false;
    }
    index += index < 0 ? PyList_GET_SIZE(value) : 0;
    if (index < 0 || index >= entry->count) {
        return index >= 0; /* beyond what is remembered: only the length is known of it */
    }
    PyObject *item = ((PyListObject *)value)->ob_item[index];
    if (place_number(session, entry, value, CTR_ITEM, &entry->items[index], (uint32_t)index,
                     item)) {
        return true;
    }
    if (!same(session, &entry->items[index], item)) {
        set_item(session, entry, value, (uint32_t)index, item);
    } else if (shadow_kind(&entry->items[index]) == CTR_V_OBJECT) {
        object_check(session, item, &entry->items[index], true, true);
    }
    return true;
}

static bool find_shared_key(PyDictKeysObject *keys, Py_ssize_t count, PyObject *name,
                            uint32_t *hint)
{
    if (*hint < count && compat_shared_key(keys, *hint) == name) {
        return true;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (compat_shared_key(keys, i) == name) {
            *hint = (uint32_t)i;
            return true;
        }
    }
    return false;
}

bool object_check_attribute(struct session *session, PyObject *value, struct shadow *shadow,
                            PyObject *name, bool into, uint32_t *hint)
{
    PyDictKeysObject *keys;
    Py_ssize_t count;
    struct object_entry *entry = object_of(session, shadow);
    if (entry == NULL || entry->address != value || entry->type->type != Py_TYPE(value) ||
        !(entry->flags & ENTRY_OPENED)) {
        return false;
    }
    PyObject **values = compat_inline_values(value, &keys, &count);
    if (values == NULL || keys != entry->shape || entry->type->slot_count != 0 ||
        (uint32_t)count != entry->attr_count || !find_shared_key(keys, count, name, hint)) {
        return false;
    }
    struct shadow *known = &entry->attrs[*hint];
    PyObject *now = values[*hint];
    if (is_number(known) && /* then its name is no secret's */
        place_number(session, entry, value, CTR_ATTR, known, *hint, now)) {
        return true;
    }
    if (!same(session, known, now)) {
        check_attribute(session, entry, value, *hint,
                        filter_name(session, entry->type->policy, FILTER_ATTRIBUTE, name), now);
    } else if (into && shadow_kind(known) == CTR_V_OBJECT) {
        object_check(session, now, known, true, true);
    }
    return true;
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

/* ---- dicts report their changes
 * ------------------------------------------------------------------------ */

/* The dict may hold another key that equals this one, and only the program's own __eq__ could tell:
 * `d[True]` changes `d[1]`. True when an equal key has equal content too. */
static bool is_key_itself(PyObject *key, int depth)
{
    if (PyUnicode_CheckExact(key) || PyBytes_CheckExact(key) || key == Py_None) {
        return true;
    }
    if (PyTuple_CheckExact(key) && depth < 4) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); i++) {
            if (!is_key_itself(PyTuple_GET_ITEM(key, i), depth + 1)) {
                return false;
            }
        }
        return true;
    }
    return PyLong_CheckExact(key) || Py_TYPE(key)->tp_hash == PyBaseObject_Type.tp_hash;
}

/* What the change does is seen at the next event, when the dict has it. */
static void read_again(struct session *session, struct object_entry *entry)
{
    entry->flags |= ENTRY_STALE;
    entry->epoch = session->epoch - 1;
    queue_opening(session, entry);
}

/* Some pairs are beyond the limit: changes of those cannot be told from changes of the recorded. */
static void note_length(struct session *session, struct object_entry *entry, PyObject *dict,
                        PyDict_WatchEvent event)
{
    uint64_t length = (uint64_t)((PyDictObject *)dict)->ma_used;
    length += event == PyDict_EVENT_ADDED;
    length -= event == PyDict_EVENT_DELETED && length > 0;
    uint8_t *at = begin(session, entry, dict, CTR_TOTAL);
    end(session, entry, ct_varint_put(at, length));
}

/* Called before the change is made, by whoever makes it; the dict is whole. */
static void dict_changed(struct session *session, PyDict_WatchEvent event, PyObject *dict,
                         PyObject *key, PyObject *value)
{
    struct object_entry *entry = object_known(session, dict);
    if (entry == NULL || entry->type->capture != CAPTURE_DICT) {
        return;
    }
    if (event == PyDict_EVENT_DEALLOCATED) {
        let_go_dict(session, dict);
        entry->flags &= (uint8_t)~ENTRY_WATCHED;
        end_entry(session, entry);
        return;
    }
    if (session->writer->at >= session->writer->soft && !session_next_block(session)) {
        return;
    }
    session->epoch += entry->is_instance; /* the instance changes with its dict */
    uint8_t *at;
    if (event == PyDict_EVENT_MODIFIED || event == PyDict_EVENT_DELETED) {
        Py_hash_t hash = compat_simple_hash(key);
        PyObject *held = hash != -1 ? compat_dict_find(dict, key, hash) : NULL;
        let_go_value(session, held);
        if ((hash != -1 && held == NULL) || !is_key_itself(key, 0)) {
            read_again(session, entry);
            return;
        }
    }
    switch (event) {
    case PyDict_EVENT_ADDED:
    case PyDict_EVENT_MODIFIED:
        at = begin(session, entry, dict, CTR_PAIR);
        end(session, entry, put_pair(session, at, entry, key, value));
        if (entry->is_cut) {
            note_length(session, entry, dict, event);
        }
        break;
    case PyDict_EVENT_DELETED: {
        /* Perhaps one that is not recorded; and an OrderedDict has unlinked it already. */
        if (entry->is_cut || entry->type->is_ordered_dict) {
            read_again(session, entry);
            return;
        }
        struct shadow shadow;
        at = begin(session, entry, dict, CTR_UNPAIR);
        value_shadow(session, key, &shadow);
        end(session, entry, value_emit(session, at, key, &shadow));
        self_check_unpair(session, entry, &shadow);
        break;
    }
    case PyDict_EVENT_CLEARED:
        let_go_dict(session, dict);
        self_check_clear(session, entry);
        end(session, entry, begin(session, entry, dict, CTR_CLEAR));
        break;
    default: /* CLONED: an empty dict takes all of another */
        at = begin(session, entry, dict, CTR_CLEAR);
        end(session, entry, at);
        self_check_clear(session, entry);
        struct compat_dict_walk walk = compat_dict_walk(key);
        PyObject *from, *what;
        while (session_has_room(session, session->writer->at, 4096) &&
               compat_dict_next(&walk, &from, &what)) {
            at = begin(session, entry, dict, CTR_PAIR);
            end(session, entry, put_pair(session, at, entry, from, what));
        }
    }
    objects_open_queued(session);
    ctr_commit(session->writer);
}

/* The interpreter knows watchers by number and passes no data: the session that watches is found
 * here. */
static struct session *watching;

static int on_dict_event(PyDict_WatchEvent event, PyObject *dict, PyObject *key, PyObject *value)
{
    if (watching != NULL && watching->writer != NULL && watching->writer->soft != NULL) {
        dict_changed(watching, event, dict, key, value);
    }
    return 0;
}

/* ---- life
 * ------------------------------------------------------------------------------------------------
 */

int objects_init(struct session *session)
{
    static int watcher =
        -1; /* one for the life of the process: freeing it would leave marks on dicts */
    struct object_table *table = &session->objects;
    table->entries = mmap(NULL, MAX_OBJECTS * sizeof *table->entries, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    table->slots = mmap(NULL, OBJECT_TABLE_SIZE * sizeof *table->slots, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table->entries == MAP_FAILED || table->slots == MAP_FAILED) {
        return CT_ENOMEM;
    }
    table->free_head = NO_ENTRY;
    if (watcher < 0) {
        watcher = PyDict_AddWatcher(on_dict_event);
        if (watcher < 0) {
            PyErr_Clear();
            return CT_ESTATE;
        }
    }
    session->dict_watcher = watcher;
    watching = session;
    return CT_OK;
}

void objects_free(struct session *session, bool unwatch_all)
{
    struct object_table *table = &session->objects;
    watching = NULL;
    for (uint32_t i = 0; i < table->used; i++) {
        if (table->entries[i].address != NULL && unwatch_all) {
            unwatch(session, &table->entries[i]);
        }
        free(table->entries[i].items);
        free(table->entries[i].attrs);
    }
    munmap(table->entries, MAX_OBJECTS * sizeof *table->entries);
    munmap(table->slots, OBJECT_TABLE_SIZE * sizeof *table->slots);
    free(table->queue);
    free(table->limbo);
    *table = (struct object_table){0};
}
