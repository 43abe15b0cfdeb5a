#include "recorder/object_internal.h"

#include "recorder/value.h"

enum { UNNAMED_ITEMS = 64 }; /* looked at in a container the line does not name */

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

bool object__is_same(struct session *session, const struct shadow *shadow, PyObject *value)
{
    return same(session, shadow, value);
}

static void set_item(struct session *session, struct object_entry *entry, PyObject *value,
                     uint32_t index, PyObject *item)
{
    uint8_t *at = object__begin(session, entry, value, CTR_ITEM);
    at = ct_varint_put(at, index);
    object__end(session, entry, object__place(session, at, &entry->items[index], item));
}

void object__append(struct session *session, struct object_entry *entry, PyObject *value,
                    PyObject *item)
{
    object__resize(session, &entry->items, &entry->capacity, entry->count + 1);
    if (entry->count == entry->capacity) {
        return;
    }
    entry->items[entry->count] = (struct shadow){0};
    uint8_t *at = object__begin(session, entry, value, CTR_APPEND);
    object__end(session, entry, object__place(session, at, &entry->items[entry->count], item));
    entry->count++;
    entry->true_length++;
}

void object__splice(struct session *session, struct object_entry *entry, PyObject *value,
                    uint32_t start, uint32_t removed, PyObject *const *added, uint32_t count)
{
    uint8_t *at = object__begin(session, entry, value, CTR_SPLICE);
    object__resize(session, &entry->items, &entry->capacity, entry->count - removed + count);
    if (entry->count - removed + count > entry->capacity) {
        return;
    }
    object__drop(session, entry->items + start, removed);
    memmove(entry->items + start + count, entry->items + start + removed,
            (entry->count - start - removed) * sizeof *entry->items);
    memset(entry->items + start, 0, count * sizeof *entry->items);
    at = ct_varint_put(at, start);
    at = ct_varint_put(at, removed);
    at = ct_varint_put(at, count);
    session->promised += count;
    for (uint32_t i = 0; i < count; i++) {
        session->promised--;
        at = object__place(session, at, &entry->items[start + i], added[i]);
    }
    entry->count = entry->count - removed + count;
    entry->true_length = entry->true_length - removed + count;
    object__end(session, entry, at);
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
            object__append(session, entry, value, items[front]);
        }
        return;
    }
    while (back < shorter - front &&
           same(session, &entry->items[entry->count - 1 - back], items[length - 1 - back])) {
        back++;
    }
    uint32_t added = length - front - back;
    if (worth_a_base(entry, added)) {
        object__write_base(session, entry, value);
    } else {
        object__splice(session, entry, value, front, entry->count - front - back, items + front,
                       added);
    }
}

static void compare_range(struct session *session, struct object_entry *entry, PyObject *value,
                          PyObject *const *items, uint32_t from, uint32_t to)
{
    uint32_t changes = 0;
    for (uint32_t i = from; i < to; i++) {
        if (!same(session, &entry->items[i], items[i])) {
            if (++changes > 8 && worth_a_base(entry, changes)) {
                object__write_base(session, entry, value);
                return;
            }
            set_item(session, entry, value, i, items[i]);
        }
    }
}

void object__set_length(struct session *session, struct object_entry *entry, PyObject *value,
                        uint64_t length)
{
    uint8_t *at = object__begin(session, entry, value, CTR_TOTAL);
    entry->true_length = length;
    object__end(session, entry, ct_varint_put(at, length));
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
        object__splice(session, entry, value, 0, moved, NULL, 0);
        object__splice(session, entry, value, rest, 0, items + rest, moved);
    } else if (change > 0 && same(session, &entry->items[0], items[moved])) {
        object__splice(session, entry, value, rest, moved, NULL, 0);
        object__splice(session, entry, value, 0, 0, items, moved);
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
            object__set_length(session, entry, value, (uint64_t)length);
        } else if (cut || entry->true_length > entry->count) {
            object__write_base(session, entry, value);
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

static void set_attribute(struct session *session, struct object_entry *entry, PyObject *value,
                          uint32_t index, uint8_t action, PyObject *now)
{
    uint8_t *at = object__begin(session, entry, value, CTR_ATTR);
    at = ct_varint_put(at, index);
    at = object__place_named(session, at, &entry->attrs[index], action, now);
    object__end(session, entry, at);
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
            set_attribute(session, entry, value, i,
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
    object__resize(session, &entry->attrs, &entry->attr_capacity, index + 1);
    if (index >= entry->attr_capacity) {
        return;
    }
    entry->attrs[index] = (struct shadow){0};
    uint8_t *at = object__begin(session, entry, value, CTR_ATTR_ADD);
    at = object__put_name(session, at, attribute);
    at = object__place_named(session, at, &entry->attrs[index],
                             attribute_action(session, entry->type, attribute), attribute->value);
    entry->attr_count = index + 1;
    object__end(session, entry, at);
}

uint64_t object__seal(const struct session *session, const struct object_entry *entry,
                      PyObject *value)
{
    const struct type_info *type = entry->type;
    bool is_in_dict = type->capture == CAPTURE_INSTANCE && type->slot_count == 0 &&
                      type->family != CTR_F_ENUM && type->type == Py_TYPE(value);
    PyObject *dict = is_in_dict ? compat_instance_dict(value) : NULL;
    uint64_t version = dict != NULL && PyDict_Check(dict) ? compat_dict_version(dict) : 0;
    return version == 0 ? 0 : version ^ session->objects.forgets * 0x9e3779b97f4a7c15ull;
}

/* Does it read the same for as long as the object is there? An object in it is looked at by
 * itself. */
static bool stays_as_it_is(const struct shadow *shadow, PyObject *value)
{
    return shadow_kind(shadow) != CTR_V_NODE || PyUnicode_CheckExact(value) ||
           PyLong_CheckExact(value) || PyBytes_CheckExact(value);
}

static bool all_stay(const struct object_entry *entry, const struct gathered *gathered)
{
    for (uint32_t i = 0; i < entry->attr_count; i++) {
        if (!stays_as_it_is(&entry->attrs[i], gathered->attributes[i].value)) {
            return false;
        }
    }
    return true;
}

static void check_attributes(struct session *session, struct object_entry *entry, PyObject *value)
{
    if (check_inline(session, entry, value)) {
        return;
    }
    uint64_t seal = object__seal(session, entry, value);
    if (seal != 0 && entry->seen == seal) {
        return;
    }
    struct gathered gathered;
    gather_attributes(session, value, entry->type, &gathered);
    uint64_t limit = session->limits.max_attributes;
    uint32_t count = limit != 0 && gathered.count > limit ? (uint32_t)limit : gathered.count;
    if (count < entry->attr_count || gather_names(&gathered, entry->attr_count) != entry->names) {
        object__write_base(session, entry, value);
        return;
    }
    for (uint32_t i = 0; i < entry->attr_count; i++) {
        if (!same(session, &entry->attrs[i], gathered.attributes[i].value)) {
            set_attribute(session, entry, value, i,
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
    if (seal != 0) {
        entry->seen = all_stay(entry, &gathered) ? seal : 0;
    }
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
    case CAPTURE_ELEMENT:
        gather_items(session, value, entry->type, &gathered);
        check_sequence(session, entry, value, gathered.items, gathered.item_count, named);
        entry->seen = gather_fingerprint(session, value, entry->type);
        break;
    case CAPTURE_SET:
        object__compare_set(session, entry, value);
        break;
    case CAPTURE_BYTEARRAY:
    case CAPTURE_STREAM:
    case CAPTURE_BUFFER:
        if (gather_fingerprint(session, value, entry->type) != entry->seen) {
            object__write_base(session, entry, value);
        }
        break;
    case CAPTURE_EXTENDED:
        break;
    case CAPTURE_GENERATOR:
        check_generator(session, entry, value);
        return;
    case CAPTURE_DICT: {
        bool reports = (entry->flags & ENTRY_WATCHED) != 0;
        if (entry->flags & ENTRY_STALE) {
            entry->flags &= (uint8_t)~ENTRY_STALE;
            object__write_base(session, entry, value);
        } else if (reports && entry->type->is_ordered_dict) {
            object__compare_order(session, entry, value);
        } else if (!reports && gather_fingerprint(session, value, entry->type) != entry->seen) {
            object__write_base(session, entry, value);
        }
        object__watch(session, entry,
                      value); /* another dict may live there now, or this one changed */
        break;
    }
    default:
        check_attributes(session, entry, value);
        return;
    }
    if (type_has_attributes(entry->type) && entry->type->capture != CAPTURE_BUFFER) {
        check_attributes(session, entry, value);
    }
}

static bool is_compared_whole(const struct object_entry *entry, bool named)
{
    return named || !type_is_sequence(entry->type) || entry->count <= UNNAMED_ITEMS;
}

void object__compare(struct session *session, struct object_entry *entry, PyObject *value,
                     bool named)
{
    uint64_t steps = session->writer->steps, unseen = session->epoch - entry->whole_epoch;
    bool is_earlier = unseen > 1 || (unseen == 1 && session->risen_at < steps);
    session->objects.late = is_earlier && entry->whole_step < steps;
    const uint8_t *from = session->writer->at;
    check_content(session, entry, value, named);
    if (session->objects.late && session->writer->at != from) {
        object__put_checked(session, entry); /* behind a new base */
    }
    session->objects.late = false;
    if (is_compared_whole(entry, named)) {
        entry->is_loose = false;
        entry->whole_epoch = session->epoch;
        entry->whole_step = session_step(session);
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
        uint8_t *at = object__begin(session, entry, value, record);
        at = ct_varint_put(at, index);
        object__end(session, entry, put_number(at, &now));
        shadow_assign(session, known, now);
    }
    return true;
}

void object__compare_item(struct session *session, struct object_entry *entry, PyObject *value,
                          uint32_t index, PyObject *item)
{
    struct shadow *known = &entry->items[index];
    if (place_number(session, entry, value, CTR_ITEM, known, index, item)) {
        return;
    }
    if (!same(session, known, item)) {
        set_item(session, entry, value, index, item);
    } else if (shadow_kind(known) == CTR_V_OBJECT) {
        object_check(session, item, known, true, true);
    }
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
    object__compare_item(session, entry, value, (uint32_t)index,
                         ((PyListObject *)value)->ob_item[index]);
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
        set_attribute(session, entry, value, *hint,
                      filter_name(session, entry->type->policy, FILTER_ATTRIBUTE, name), now);
    } else if (into && shadow_kind(known) == CTR_V_OBJECT) {
        object_check(session, now, known, true, true);
    }
    return true;
}
