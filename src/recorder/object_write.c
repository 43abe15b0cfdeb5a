#include "recorder/object_internal.h"

#include "recorder/buffer.h"
#include "recorder/content.h"
#include "recorder/plan.h"
#include "recorder/self_check.h"
#include "recorder/value.h"

enum {
    MAX_CHAIN = 8,         /* blocks a state may be spread over */
    SMALL_BASE_BYTES = 96, /* cheaper to repeat than to look for */
};

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

uint8_t *object__place(struct session *session, uint8_t *at, struct shadow *shadow, PyObject *value)
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

uint8_t *object__place_named(struct session *session, uint8_t *at, struct shadow *shadow,
                             uint8_t action, PyObject *value)
{
    if (action != CTR_KEEP && value != NULL) {
        shadow_assign(session, shadow, shadow_of(filter_tag(action), 0));
        return put_hidden(session, at, FILTER_ATTRIBUTE, action);
    }
    return object__place(session, at, shadow, value);
}

uint8_t *object__put_name(struct session *session, uint8_t *at, const struct attribute *attribute)
{
    if (attribute->name != NULL) {
        struct shadow name;
        return value_put_name(session, at, attribute->name, &name);
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
    object__drop(session, entry->attrs + (count < entry->attr_count ? count : entry->attr_count),
                 count < entry->attr_count ? entry->attr_count - count : 0);
    object__resize(session, &entry->attrs, &entry->attr_capacity, count);
    count = count <= entry->attr_capacity ? count : entry->attr_capacity;
    at = ct_varint_put(at, gathered->count);
    at = ct_varint_put(at, count);
    for (uint32_t i = 0; i < count; i++) {
        at = object__put_name(session, at, &gathered->attributes[i]);
        at = object__place_named(session, at, &entry->attrs[i],
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
        object__drop(session, entry->items + count, entry->count - count);
        entry->count = count;
    }
    object__resize(session, &entry->items, &entry->capacity, count);
    count = count <= entry->capacity ? count : entry->capacity;
    at = ct_varint_put(at, (uint64_t)length);
    at = ct_varint_put(at, count);
    session->promised += count; /* each takes a byte at least */
    for (uint32_t i = 0; i < count; i++) {
        session->promised--;
        at = object__place(session, at, &entry->items[i], items[i]);
    }
    entry->count = count;
    entry->true_length = (uint64_t)length;
    return at;
}

static void hold_shadow(struct session *session, const struct shadow *value)
{
    if (shadow_kind(value) == CTR_V_OBJECT) {
        object_hold(session, value);
    }
}

void object__hold_value(struct session *session, PyObject *value)
{
    struct shadow shadow;
    value_shadow(session, value, &shadow);
    hold_shadow(session, &shadow);
}

/* `__spec__`, `__loader__`: what the interpreter puts into every module, and no line uses. */
static bool is_module_attribute(PyObject *name)
{
    return PyUnicode_CheckExact(name) && PyUnicode_GET_LENGTH(name) > 2 &&
           PyUnicode_READ_CHAR(name, 0) == '_' && PyUnicode_READ_CHAR(name, 1) == '_';
}

/* A key is a value like others, but for that of a namespace or of an instance's own dict. */
static uint8_t *put_key(struct session *session, uint8_t *at, const struct object_entry *entry,
                        PyObject *key, struct shadow *shadow)
{
    if (entry->keys != KEYS_ARE_DATA || entry->is_instance) {
        return value_put_name(session, at, key, shadow);
    }
    value_shadow(session, key, shadow);
    return value_emit(session, at, key, shadow);
}

uint8_t *object__put_pair(struct session *session, uint8_t *at, const struct object_entry *entry,
                          PyObject *key, PyObject *value, enum pair_count counts)
{
    struct shadow name, held;
    at = put_key(session, at, entry, key, &name);
    uint8_t action = object__key_action(session, entry, key);
    if (action != CTR_KEEP) {
        filter_count(session, key_kind(entry), action);
        held = shadow_of(filter_tag(action), 0);
    } else {
        value_shadow(session, value, &held);
    }
    at = value_emit(session, at, value, &held);
    if (counts == COUNT_PAIR) {
        hold_shadow(session, &name);
    }
    if (counts != COUNT_NOTHING) {
        hold_shadow(session, &held);
    }
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
    /* A dict that reports its changes is counted with them; else only that there were some is
     * known. */
    uint64_t seen = gather_fingerprint(session, dict, entry->type);
    bool is_new = !entry->is_counted || (!(entry->flags & ENTRY_WATCHED) && seen != entry->seen);
    enum pair_count counts = is_new ? COUNT_PAIR : COUNT_NOTHING;
    struct gather_pairs pairs = gather_pairs(dict, entry->type);
    PyObject *key, *value;
    entry->is_instance = entry->is_instance || ((PyDictObject *)dict)->ma_values != NULL;
    self_check_clear(session, entry);
    while (done < count && session_has_room(session, at, 4096) &&
           gather_next_pair(&pairs, &key, &value)) {
        at = object__put_pair(session, at, entry, key, value, counts);
        done++;
    }
    entry->seen = seen;
    entry->is_counted = true;
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

void object__write_base(struct session *session, struct object_entry *entry, PyObject *value)
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
        } else if (entry->type->capture == CAPTURE_BYTEARRAY ||
                   entry->type->capture == CAPTURE_STREAM) {
            at = content_put(session, at, value, entry->type);
            entry->seen = gather_fingerprint(session, value, entry->type);
        } else {
            gather_items(session, value, entry->type, &gathered);
            at = put_items(session, at, entry, gathered.items, gathered.item_count);
            entry->seen = gather_fingerprint(session, value, entry->type);
        }
        if (entry->type->capture == CAPTURE_SET) {
            object__place_items(session, entry, value);
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

void object__open(struct session *session, struct object_entry *entry, PyObject *value)
{
    object__write_base(session, entry, value);
    if (entry->type->capture == CAPTURE_DICT) {
        object__watch(session, entry, value);
    }
    entry->epoch = entry->whole_epoch = session->epoch;
    entry->whole_step = session_step(session);
    entry->is_loose = false;
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
        capture == CAPTURE_STREAM || capture == CAPTURE_BUFFER) {
        object__write_base(session, entry,
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
            at = object__put_name(session, at, &gathered.attributes[i]);
            at = shadow_emit(session, at, &entry->attrs[i]);
        }
    }
    writer->at = at;
    base_written(entry, from, at);
}

void object__put_checked(struct session *session, struct object_entry *entry)
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

void object__prepare(struct session *session, struct object_entry *entry, PyObject *value)
{
    touch(session, entry, value);
    if (session->objects.late) {
        object__put_checked(session, entry);
    }
}
