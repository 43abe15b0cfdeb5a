#include "recorder/gather.h"

#include <stdlib.h>

#include "recorder/buffer.h"
#include "recorder/content.h"
#include "recorder/filter.h"
#include "recorder/known_fields.h"

/* Of a generator, coroutine or async generator, and as asyncio counts them, of a future. */
enum state {
    STATE_CREATED,
    STATE_RUNNING,
    STATE_SUSPENDED,
    STATE_CLOSED,
    STATE_PENDING,
    STATE_CANCELLED,
    STATE_FINISHED,
    STATES
};

struct gather_scratch {
    PyObject **items;
    size_t item_capacity;
    struct attribute *attributes;
    size_t attribute_capacity;
    PyObject *made[KNOWN_FIELDS]; /* the last ones, ours: attributes that are no objects in CPython,
                                     each at its place */
    PyObject *states[STATES];     /* their names, ours */
};

/* ---- items
 * ------------------------------------------------------------------------------------------- */

static PyObject **reserve_items(struct session *session, size_t count)
{
    struct gather_scratch *scratch = session->scratch;
    if (count > scratch->item_capacity) {
        PyObject **items = realloc(scratch->items, count * sizeof(void *));
        if (items == NULL) {
            return NULL;
        }
        scratch->items = items;
        scratch->item_capacity = count;
    }
    return scratch->items;
}

static Py_ssize_t set_items(PyObject *set, PyObject **to, Py_ssize_t wanted)
{
    PySetObject *so = (PySetObject *)set;
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i <= so->mask && count < wanted; i++) {
        /* a deleted entry's key is a dummy with hash -1; no real hash is -1 */
        if (so->table[i].key != NULL && so->table[i].hash != -1) {
            to[count++] = so->table[i].key;
        }
    }
    return count;
}

/* As Modules/_elementtree.c lays out what an element has besides, when it has any. */
struct element_more {
    PyObject *attributes;
    Py_ssize_t count;
    Py_ssize_t room;
    PyObject **children;
};

enum { ELEMENT_MORE = sizeof(PyObject) + 3 * sizeof(void *) };

static void element_children(PyObject *value, struct gathered *gathered)
{
    const struct element_more *more = *(struct element_more **)((char *)value + ELEMENT_MORE);
    gathered->items = more != NULL ? more->children : NULL;
    gathered->item_count = more != NULL ? more->count : 0;
}

/* A deque or set may be long and change often: only what is recorded of it is read. */
static Py_ssize_t items_wanted(const struct session *session, const struct type_info *type,
                               Py_ssize_t length)
{
    uint64_t limit = session->limits.max_items;
    bool is_cut = type->capture == CAPTURE_DEQUE || type->capture == CAPTURE_SET;
    bool cut = is_cut && limit != 0 && (uint64_t)length > limit;
    return cut ? (Py_ssize_t)limit : length;
}

void gather_items(struct session *session, PyObject *value, const struct type_info *type,
                  struct gathered *gathered)
{
    *gathered = (struct gathered){0};
    if (type->capture == CAPTURE_EXTENDED) {
        if (type->base_capture == CAPTURE_TUPLE) {
            gathered->items = ((PyTupleObject *)value)->ob_item;
            gathered->item_count = Py_SIZE(value);
            return;
        }
    }
    if (type->capture == CAPTURE_CELL) {
        gathered->items = &((PyCellObject *)value)->ob_ref;
        gathered->item_count = ((PyCellObject *)value)->ob_ref != NULL;
        return;
    }
    if (type->capture == CAPTURE_LIST) {
        gathered->items = ((PyListObject *)value)->ob_item;
        gathered->item_count = PyList_GET_SIZE(value);
        return;
    }
    if (type->capture == CAPTURE_ELEMENT) {
        element_children(value, gathered);
        return;
    }
    bool is_set = type->capture == CAPTURE_SET || type->capture == CAPTURE_EXTENDED;
    Py_ssize_t length = is_set ? ((PySetObject *)value)->used : Py_SIZE(value);
    Py_ssize_t wanted = items_wanted(session, type, length);
    PyObject **items = reserve_items(session, (size_t)wanted + 1);
    if (items == NULL) {
        return;
    }
    gathered->items = items;
    gathered->item_count = length;
    if (is_set) {
        Py_ssize_t found = set_items(value, items, wanted);
        gathered->item_count = found < wanted ? found : length;
    } else {
        compat_deque_items(value, 0, items, wanted);
    }
}

/* ---- pairs
 * ------------------------------------------------------------------------------------------- */

struct gather_pairs gather_pairs(PyObject *dict, const struct type_info *type)
{
    struct gather_pairs pairs = {.walk = compat_dict_walk(dict), .ordered = type->is_ordered_dict};
    if (pairs.ordered) {
        pairs.node = ((struct compat_ordered_dict *)dict)->first;
    }
    return pairs;
}

bool gather_next_pair(struct gather_pairs *pairs, PyObject **key, PyObject **value)
{
    while (pairs->ordered && pairs->node != NULL) {
        const struct compat_ordered_node *node = pairs->node;
        pairs->node = node->next;
        *key = node->key;
        *value = compat_dict_find((PyObject *)pairs->walk.dict, *key, node->hash);
        if (*value != NULL) {
            return true;
        }
    }
    return !pairs->ordered && compat_dict_next(&pairs->walk, key, value);
}

/* By address: for the dict of an instance, whose changes are not reported. */
static uint64_t content_of(PyObject *dict)
{
    uint64_t hash = 1;
    struct compat_dict_walk walk = compat_dict_walk(dict);
    PyObject *key, *value;
    while (compat_dict_next(&walk, &key, &value)) {
        hash = (hash ^ (uintptr_t)key ^ (uintptr_t)value << 1) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 31;
    }
    return hash | 1;
}

/* One whose frame is about to leave is told as what it will be. */
static enum state state_of(const struct session *session, const PyGenObject *generator)
{
    if ((const PyObject *)generator == session->leaving) {
        return session->leaves_for_good ? STATE_CLOSED : STATE_SUSPENDED;
    }
    switch (generator->gi_frame_state) {
    case FRAME_CREATED:
        return STATE_CREATED;
    case FRAME_EXECUTING:
        return STATE_RUNNING;
    default:
        return generator->gi_frame_state < FRAME_EXECUTING ? STATE_SUSPENDED : STATE_CLOSED;
    }
}

/* Generators are looked at often and change seldom: their state and line follow from this. */
static uint64_t place_of(const struct session *session, const PyGenObject *generator)
{
    const compat_frame *frame = (const compat_frame *)generator->gi_iframe;
    bool is_suspended = state_of(session, generator) == STATE_SUSPENDED;
    uint64_t place = is_suspended ? (uint64_t)(uintptr_t)compat_frame_place(frame) : 0;
    place ^= (uint64_t)(uintptr_t)generator->gi_qualname << 16;
    return (place << 3 | state_of(session, generator) << 1) | 1;
}

uint64_t gather_fingerprint(struct session *session, PyObject *value, const struct type_info *type)
{
    if (type->is_ordered_dict) {
        return ((struct compat_ordered_dict *)value)->state;
    }
    if (type->capture == CAPTURE_DICT) {
        return content_of(value);
    }
    if (type->capture == CAPTURE_GENERATOR) {
        return place_of(session, (PyGenObject *)value);
    }
    if (type->capture == CAPTURE_DEQUE) {
        return ((struct compat_deque *)value)->state;
    }
    if (type->capture == CAPTURE_BUFFER) {
        return buffer_fingerprint(session, value, type);
    }
    if (type->capture == CAPTURE_BYTEARRAY || type->capture == CAPTURE_STREAM) {
        return content_fingerprint(session, value, type);
    }
    return 0;
}

/* ---- attributes
 * --------------------------------------------------------------------------------------- */

static struct attribute *add(struct session *session, struct gathered *gathered)
{
    struct gather_scratch *scratch = session->scratch;
    if (gathered->count == scratch->attribute_capacity) {
        size_t capacity = scratch->attribute_capacity ? scratch->attribute_capacity * 2 : 64;
        struct attribute *attributes = realloc(scratch->attributes, capacity * sizeof *attributes);
        if (attributes == NULL) {
            return NULL;
        }
        scratch->attributes = attributes;
        scratch->attribute_capacity = capacity;
    }
    gathered->attributes = scratch->attributes;
    return &scratch->attributes[gathered->count++];
}

static void add_text(struct session *session, struct gathered *gathered, const char *text,
                     PyObject *value)
{
    struct attribute *attribute = add(session, gathered);
    if (attribute != NULL) {
        *attribute = (struct attribute){.text = text, .value = value};
    }
}

static void add_named(struct session *session, struct gathered *gathered, PyObject *name,
                      PyObject *value)
{
    struct attribute *attribute = PyUnicode_CheckExact(name) ? add(session, gathered) : NULL;
    if (attribute != NULL) {
        *attribute = (struct attribute){.name = name, .value = value};
    }
}

/* The same object as long as the number is the same: gathering again must not end its life. */
static PyObject *own_number(struct session *session, unsigned place, Py_ssize_t number)
{
    PyObject **own = &session->scratch->made[place % KNOWN_FIELDS];
    int64_t held;
    if (*own == NULL || !PyLong_CheckExact(*own) || !compat_small_int(*own, &held) ||
        held != number) {
        PyObject *pending = PyErr_GetRaisedException();
        Py_XSETREF(*own, PyLong_FromSsize_t(number));
        PyErr_SetRaisedException(pending);
    }
    return *own;
}

/* What a parser left in pieces reads as one text, which it becomes when the program asks for it;
 * NULL: no memory. */
static PyObject *own_text(struct session *session, unsigned place, PyObject *pieces)
{
    PyObject **own = &session->scratch->made[place % KNOWN_FIELDS];
    PyObject *pending = PyErr_GetRaisedException();
    PyObject *empty = PyUnicode_New(0, 0);
    PyObject *text = empty != NULL ? PyUnicode_Join(empty, pieces) : NULL;
    bool is_held = text != NULL && *own != NULL && PyUnicode_CheckExact(*own) &&
                   PyUnicode_Compare(*own, text) == 0;
    if (is_held) {
        Py_DECREF(text);
    } else if (text != NULL) {
        Py_XSETREF(*own, text);
    }
    Py_XDECREF(empty);
    PyErr_SetRaisedException(pending);
    return text != NULL ? *own : NULL;
}

static void add_generator(struct session *session, struct gathered *gathered, PyObject *value)
{
    PyGenObject *generator = (PyGenObject *)value;
    enum state state = state_of(session, generator);
    int line =
        state == STATE_SUSPENDED ? compat_frame_line((compat_frame *)generator->gi_iframe) : 0;
    add_text(session, gathered, "code", generator->gi_qualname);
    add_text(session, gathered, "state", session->scratch->states[state]);
    add_text(session, gathered, "line", line > 0 ? own_number(session, 0, line) : NULL);
}

static void add_exception(struct session *session, struct gathered *gathered, PyObject *value,
                          const struct type_info *type)
{
    PyBaseExceptionObject *exception = (PyBaseExceptionObject *)value;
    add_text(session, gathered, "args", exception->args);
    if (gathered->count > 0) {
        gathered->attributes[0].action = type->hides_arguments ? CTR_REDACT : CTR_KEEP;
    }
    add_text(session, gathered, "__cause__", exception->cause);
    add_text(session, gathered, "__context__", exception->context);
    add_text(session, gathered, "__suppress_context__",
             exception->suppress_context ? Py_True : Py_False);
    add_text(session, gathered, "__traceback__", exception->traceback);
    if (exception->notes != NULL) {
        add_text(session, gathered, "__notes__", exception->notes);
    }
}

static void add_dict(struct session *session, struct gathered *gathered, PyObject *dict)
{
    struct compat_dict_walk walk = compat_dict_walk(dict);
    PyObject *key, *value;
    while (compat_dict_next(&walk, &key, &value)) {
        add_named(session, gathered, key, value);
    }
}

PyObject *gather_attribute(PyObject *value, const char *name)
{
    PyDictKeysObject *keys;
    Py_ssize_t count;
    PyObject **values = compat_inline_values(value, &keys, &count);
    for (Py_ssize_t i = 0; values != NULL && i < count; i++) {
        if (PyUnicode_CompareWithASCIIString(compat_shared_key(keys, i), name) == 0) {
            return values[i];
        }
    }
    PyObject *dict = values == NULL ? compat_instance_dict(value) : NULL;
    return dict != NULL && PyDict_Check(dict) ? compat_dict_get(dict, name) : NULL;
}

uint8_t gather_member_action(struct session *session, PyObject *value, const struct type_info *type)
{
    PyObject *name = type->family == CTR_F_ENUM ? gather_attribute(value, "_name_") : NULL;
    return name != NULL && PyUnicode_CheckExact(name)
               ? filter_name(session, type->policy, FILTER_ATTRIBUTE, name)
               : CTR_KEEP;
}

/* All a hidden member holds but its name and its place. */
static void hide_member(const struct gathered *gathered, uint8_t action)
{
    static const char *const told[] = {"_name_", "_sort_order_", "__objclass__"};
    for (uint32_t i = 0; i < gathered->count; i++) {
        struct attribute *attribute = &gathered->attributes[i];
        attribute->action = action;
        for (size_t j = 0; attribute->name != NULL && j < sizeof told / sizeof told[0]; j++) {
            if (PyUnicode_CompareWithASCIIString(attribute->name, told[j]) == 0) {
                attribute->action = CTR_KEEP;
            }
        }
    }
}

static void gather_dict(struct session *session, PyObject *value, const struct type_info *type,
                        struct gathered *gathered)
{
    PyDictKeysObject *keys;
    Py_ssize_t count;
    PyObject **values = compat_inline_values(value, &keys, &count);
    if (values != NULL) {
        gathered->shape = keys;
        for (Py_ssize_t i = 0; i < count; i++) {
            add_named(session, gathered, compat_shared_key(keys, i), values[i]);
        }
        return;
    }
    PyObject *dict = type->has_dict ? compat_instance_dict(value) : NULL;
    if (dict != NULL && PyDict_Check(dict)) {
        add_dict(session, gathered, dict);
    }
}

static bool are_texts(PyObject *list)
{
    for (Py_ssize_t i = 0; PyList_CheckExact(list) && i < PyList_GET_SIZE(list); i++) {
        if (!PyUnicode_Check(PyList_GET_ITEM(list, i))) {
            return false;
        }
    }
    return PyList_CheckExact(list);
}

/* What a slot, or a field of a type written in C, holds; NULL: nothing. */
static PyObject *field_now(struct session *session, PyObject *value, const struct type_info *type,
                           unsigned index)
{
    const char *at = (const char *)value + type->slots[index].offset;
    PyObject *held = *(PyObject *const *)at;
    switch (type->slots[index].form) {
    case FIELD_OBJECT:
        return held != NULL ? held : Py_None;
    case FIELD_BOOL:
        return *at != 0 ? Py_True : Py_False;
    case FIELD_WORD:
        return own_number(session, index, *(const Py_ssize_t *)at);
    case FIELD_FUTURE_STATE: {
        unsigned state = (unsigned)*(const int *)at + STATE_PENDING;
        return state < STATES ? session->scratch->states[state] : NULL;
    }
    case FIELD_PIECES: {
        PyObject *pieces = (PyObject *)((uintptr_t)held & ~(uintptr_t)1);
        return pieces != held && are_texts(pieces) ? own_text(session, index, pieces) : pieces;
    }
    case FIELD_FIRST:
        return held != NULL ? *(PyObject **)held : NULL;
    default:
        return held;
    }
}

void gather_attributes(struct session *session, PyObject *value, const struct type_info *type,
                       struct gathered *gathered)
{
    *gathered = (struct gathered){0};
    if (type->capture == CAPTURE_EXCEPTION) {
        add_exception(session, gathered, value, type);
    }
    if (type->capture == CAPTURE_GENERATOR) {
        add_generator(session, gathered, value);
    }
    if (type->capture == CAPTURE_DEQUE && ((struct compat_deque *)value)->maxlen >= 0) {
        add_text(session, gathered, "maxlen",
                 own_number(session, 0, ((struct compat_deque *)value)->maxlen));
    }
    if (type->is_default_dict) {
        add_text(session, gathered, "default_factory",
                 ((struct compat_default_dict *)value)->factory);
    }
    for (unsigned i = 0; i < type->slot_count; i++) {
        PyObject *held = field_now(session, value, type, i);
        if (held == NULL &&
            (type->slots[i].form == FIELD_MAYBE_OBJECT || type->slots[i].form == FIELD_FIRST)) {
            continue;
        }
        add_text(session, gathered, type->slots[i].text, held);
        if (gathered->count > 0) {
            gathered->attributes[gathered->count - 1].action = type->slots[i].action;
        }
    }
    gather_dict(session, value, type, gathered);
    uint8_t action = gather_member_action(session, value, type);
    if (action != CTR_KEEP) {
        hide_member(gathered, action);
    }
}

uint64_t gather_names(const struct gathered *gathered, uint32_t count)
{
    uint64_t hash = 1;
    for (uint32_t i = 0; i < count && i < gathered->count; i++) {
        const struct attribute *attribute = &gathered->attributes[i];
        uint64_t name = attribute->name != NULL ? (uint64_t)(uintptr_t)attribute->name
                                                : (uint64_t)(uintptr_t)attribute->text;
        hash = (hash ^ name) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 31;
    }
    return hash;
}

int gather_init(struct session *session)
{
    static const char *const names[STATES] = {"created", "running",   "suspended", "closed",
                                              "pending", "cancelled", "finished"};
    session->scratch = calloc(1, sizeof *session->scratch);
    for (int i = 0; session->scratch != NULL && i < STATES; i++) {
        session->scratch->states[i] = PyUnicode_FromString(names[i]);
        if (session->scratch->states[i] == NULL) {
            PyErr_Clear();
            return CT_ENOMEM;
        }
    }
    return session->scratch == NULL ? CT_ENOMEM : CT_OK;
}

void gather_free(struct session *session)
{
    if (session->scratch != NULL) {
        free(session->scratch->items);
        free(session->scratch->attributes);
        for (int i = 0; i < KNOWN_FIELDS; i++) {
            Py_XDECREF(session->scratch->made[i]);
        }
        for (int i = 0; i < STATES; i++) {
            Py_XDECREF(session->scratch->states[i]);
        }
        free(session->scratch);
        session->scratch = NULL;
    }
}
