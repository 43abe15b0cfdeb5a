#include "recorder/object_internal.h"

/* ---- lists
 * ------------------------------------------------------------------------------------------- */

/* What the line's pops can have taken may be there again, as in `s.append(s.pop() + s.pop())`; what
 * stands before is as it was. */
static bool check_list(struct session *session, struct object_entry *entry, PyObject *list,
                       unsigned pops)
{
    enum { APPENDED = 8 }; /* more at once are no line's appends */
    uint64_t length = (uint64_t)PyList_GET_SIZE(list), limit = session->limits.max_items;
    uint64_t before = entry->true_length, kept = before > pops ? before - pops : 0;
    if (pops == ANY_POPS) {
        return false;
    }
    if (limit != 0 && entry->count == limit && kept >= limit && length >= limit) {
        if (length != before) { /* beyond what is recorded */
            object__set_length(session, entry, list, length);
        }
        return true;
    }
    if (before != entry->count || length < kept || length > before + APPENDED ||
        (limit != 0 && length > limit)) {
        return false;
    }
    for (uint64_t i = kept; i < before && i < length; i++) {
        object__compare_item(session, entry, list, (uint32_t)i,
                             PyList_GET_ITEM(list, (Py_ssize_t)i));
    }
    for (uint64_t i = before; i < length; i++) {
        object__append(session, entry, list, PyList_GET_ITEM(list, (Py_ssize_t)i));
    }
    if (length < before) {
        object__splice(session, entry, list, (uint32_t)length, (uint32_t)(before - length), NULL,
                       0);
    }
    return true;
}

/* ---- deques
 * ------------------------------------------------------------------------------------------ */

static PyObject *deque_item(PyObject *deque, uint64_t index)
{
    PyObject *item;
    compat_deque_items(deque, (Py_ssize_t)index, &item, 1);
    return item;
}

static void put_in(struct session *session, struct object_entry *entry, PyObject *deque,
                   uint32_t index)
{
    PyObject *item = deque_item(deque, index);
    object__splice(session, entry, deque, index, 0, &item, 1);
}

static void take_out(struct session *session, struct object_entry *entry, PyObject *deque,
                     uint32_t index)
{
    object__splice(session, entry, deque, index, 1, NULL, 0);
}

/* An item came or went at the left end, and the others moved; what is beyond the limit, or beyond
 * what a full one has room for, goes, and what comes from there is told. */
static void move_left_end(struct session *session, struct object_entry *entry, PyObject *deque,
                          bool came)
{
    uint64_t length = (uint64_t)Py_SIZE(deque), limit = session->limits.max_items;
    uint64_t room = limit != 0 && limit < length ? limit : length;
    if (came) {
        if (entry->count >= room) {
            take_out(session, entry, deque, entry->count - 1);
        }
        put_in(session, entry, deque, 0);
        return;
    }
    take_out(session, entry, deque, 0);
    if (entry->count < room) {
        put_in(session, entry, deque, entry->count);
    }
}

static void move_right_end(struct session *session, struct object_entry *entry, PyObject *deque)
{
    uint64_t length = (uint64_t)Py_SIZE(deque), limit = session->limits.max_items;
    if (entry->count > length) {
        take_out(session, entry, deque, entry->count - 1);
    } else if (entry->count < length && (limit == 0 || entry->count < limit)) {
        put_in(session, entry, deque, entry->count);
    }
}

/* A deque counts what comes and goes at its ends: one such call of the line and one step of that
 * count say all. One that is full loses an item at its other end in the same step. */
static bool check_deque(struct session *session, struct object_entry *entry, PyObject *value,
                        const struct effect *effect)
{
    const struct compat_deque *deque = (const struct compat_deque *)value;
    uint64_t length = (uint64_t)Py_SIZE(value), before = entry->true_length;
    if (deque->state == entry->seen && length == before) {
        return true;
    }
    bool came = effect->end == END_APPEND || effect->end == END_APPEND_LEFT;
    bool is_full = came && length == before && (Py_ssize_t)length == deque->maxlen && length != 0;
    bool is_one = length == (came ? before + 1 : before - 1);
    if (effect->ends != 1 || deque->state != entry->seen + 1 || !(is_one || is_full) ||
        (entry->count == 0) != (before == 0)) {
        return false;
    }
    entry->seen = deque->state;
    if (effect->end == END_APPEND_LEFT || effect->end == END_POP_LEFT || is_full) {
        move_left_end(session, entry, value, effect->end == END_APPEND_LEFT);
    } else {
        move_right_end(session, entry, value);
    }
    if (entry->true_length != length) {
        object__set_length(session, entry, value, length);
    }
    return true;
}

/* ---- heaps
 * ------------------------------------------------------------------------------------------ */

enum { HEAP_STEPS = 128 /* of a way down; equal items make it fork */ };

struct heap {
    struct session *session;
    struct object_entry *entry;
    PyObject *list;
    uint64_t length; /* of what is told, and is there still */
    unsigned steps;
};

static void compare_place(const struct heap *heap, uint64_t at)
{
    object__compare_item(heap->session, heap->entry, heap->list, (uint32_t)at,
                         PyList_GET_ITEM(heap->list, (Py_ssize_t)at));
}

static void go_up(const struct heap *heap, uint64_t from)
{
    for (uint64_t at = from; at > 0;) {
        at = (at - 1) / 2;
        compare_place(heap, at);
    }
}

/* What stands at a place came from below it, or is what came in. False: too many ways to follow. */
static bool go_down(struct heap *heap, uint64_t at)
{
    if (++heap->steps > HEAP_STEPS) {
        return false;
    }
    PyObject *now = PyList_GET_ITEM(heap->list, (Py_ssize_t)at);
    bool done = true;
    for (uint64_t child = 2 * at + 1; done && child <= 2 * at + 2 && child < heap->length;
         child++) {
        if (object__is_same(heap->session, &heap->entry->items[child], now)) {
            done = go_down(heap, child);
        }
    }
    compare_place(heap, at);
    return done;
}

bool object_check_heap(struct session *session, PyObject *value)
{
    struct object_entry *entry = object_known(session, value);
    bool is_known = entry != NULL && entry->type->capture == CAPTURE_LIST &&
                    object_is_current(session, entry, value);
    if (!is_known || entry->true_length != entry->count) {
        return false;
    }
    uint64_t length = (uint64_t)PyList_GET_SIZE(value), before = entry->count,
             limit = session->limits.max_items;
    struct heap heap = {.session = session, .entry = entry, .list = value, .length = before};
    if (length == before + 1 && (limit == 0 || length <= limit)) {
        object__append(session, entry, value, PyList_GET_ITEM(value, (Py_ssize_t)before));
        go_up(&heap, before);
        return true;
    }
    if (length + 1 < before || length > before || length == 0) {
        return false;
    }
    if (length < before) {
        heap.length = length;
        object__splice(session, entry, value, (uint32_t)length, 1, NULL, 0);
    }
    return go_down(&heap, 0);
}

/* ---- both
 * -------------------------------------------------------------------------------------------- */

bool object_check_ends(struct session *session, PyObject *value, struct shadow *shadow,
                       const struct effect *effect)
{
    struct object_entry *entry =
        shadow_kind(shadow) == CTR_V_OBJECT ? object_of(session, shadow) : NULL;
    if (entry == NULL || entry->address != value || !(entry->flags & ENTRY_OPENED)) {
        return false;
    }
    switch (entry->type->capture) {
    case CAPTURE_LIST:
        return check_list(session, entry, value, effect->pops);
    case CAPTURE_DEQUE:
        return check_deque(session, entry, value, effect);
    case CAPTURE_SET:
        object__compare_grown_set(session, entry, value);
        return true;
    default:
        return false;
    }
}
