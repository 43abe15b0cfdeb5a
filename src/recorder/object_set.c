/* Sets. Their items are remembered in the order of their table, each with its place there, so that
 * what came and went is found by comparing addresses. Of a set longer than the limit some items are
 * recorded, whichever were met first. */
#include <stdlib.h>

#include "recorder/object_internal.h"

enum {
    FEW_CHANGES = 8,    /* are told one by one, and of a long set */
    SHARE_CHANGED = 16, /* as many more as one in so many of its items */
};

struct set_place {
    const PyObject *key; /* an address */
    uint32_t slot;
    uint32_t hash; /* half of it: another object may come to the address */
};

struct set_places {
    const setentry *table; /* where it was, and */
    Py_ssize_t mask;       /* its size less one: a table that grew has other places */
    uint32_t capacity;
    struct set_place places[];
};

static inline bool is_item(const setentry *slot)
{
    return slot->key != NULL && slot->hash != -1; /* that of an item that was removed */
}

static inline bool is_placed(const struct set_place *place, const setentry *slot)
{
    return slot->key == place->key && (uint32_t)slot->hash == place->hash && is_item(slot);
}

static inline struct set_place place_of(const setentry *slot, Py_ssize_t at)
{
    return (struct set_place){slot->key, (uint32_t)at, (uint32_t)slot->hash};
}

static size_t size_of(uint32_t capacity)
{
    return sizeof(struct set_places) + capacity * sizeof(struct set_place);
}

void object__forget_places(struct session *session, struct object_entry *entry)
{
    if (entry->places != NULL) {
        session->objects.snapshot_bytes -= size_of(entry->places->capacity);
        free(entry->places);
        entry->places = NULL;
    }
}

/* Room for as many places as items; NULL: there is no memory. */
static struct set_places *reserve(struct session *session, struct object_entry *entry)
{
    if (entry->places != NULL && entry->places->capacity >= entry->capacity) {
        return entry->places;
    }
    object__forget_places(session, entry);
    entry->places = malloc(size_of(entry->capacity));
    if (entry->places != NULL) {
        entry->places->capacity = entry->capacity;
        session->objects.snapshot_bytes += size_of(entry->capacity);
    }
    return entry->places;
}

void object__place_items(struct session *session, struct object_entry *entry, PyObject *set)
{
    const PySetObject *so = (PySetObject *)set;
    struct set_places *known = so->mask < UINT32_MAX ? reserve(session, entry) : NULL;
    if (known == NULL) {
        object__forget_places(session, entry);
        return;
    }
    known->table = so->table;
    known->mask = so->mask;
    uint32_t count = 0;
    for (Py_ssize_t at = 0; at <= so->mask && count < entry->count; at++) {
        if (is_item(&so->table[at])) {
            known->places[count++] = place_of(&so->table[at], at);
        }
    }
}

/* Another item stands at `index`. */
static bool insert(struct session *session, struct object_entry *entry, PyObject *set,
                   uint32_t index, Py_ssize_t at)
{
    const setentry *slot = &((PySetObject *)set)->table[at];
    struct set_places *known = entry->places;
    if (entry->count == known->capacity) {
        uint32_t before = known->capacity, capacity = before + before / 2 + 4;
        struct set_places *more = realloc(known, size_of(capacity));
        if (more == NULL) {
            return false;
        }
        session->objects.snapshot_bytes += size_of(capacity) - size_of(before);
        known = entry->places = more;
        known->capacity = capacity;
    }
    uint32_t count = entry->count;
    object__splice(session, entry, set, index, 0, &slot->key, 1);
    if (entry->count == count) {
        return false;
    }
    struct set_place *place = &known->places[index];
    memmove(place + 1, place, (count - index) * sizeof *place);
    *place = place_of(slot, at);
    return true;
}

static void erase(struct session *session, struct object_entry *entry, PyObject *set,
                  uint32_t index)
{
    struct set_place *place = &entry->places->places[index];
    object__splice(session, entry, set, index, 1, NULL, 0);
    memmove(place, place + 1, (entry->count - index) * sizeof *place);
}

static bool is_too_much(uint32_t changes, const struct object_entry *entry)
{
    return changes > FEW_CHANGES && changes > entry->count / SHARE_CHANGED;
}

/* Those that came and went, as long as the table is the same. False: all is to be written anew. */
static bool tell_changes(struct session *session, struct object_entry *entry, PyObject *set)
{
    const PySetObject *so = (PySetObject *)set;
    uint64_t limit = session->limits.max_items;
    Py_ssize_t left = so->used;
    uint32_t index = 0, changes = 0;
    bool is_cut = entry->true_length > entry->count;
    for (Py_ssize_t at = 0; at <= so->mask && (index < entry->count || (!is_cut && left > 0));
         at++) {
        const setentry *slot = &so->table[at];
        left -= is_item(slot);
        if (index < entry->count && entry->places->places[index].slot == at) {
            if (is_placed(&entry->places->places[index], slot)) {
                index++;
                continue;
            }
            erase(session, entry, set, index);
            changes++;
        }
        bool is_new = is_item(slot) && !is_cut && (limit == 0 || entry->count < limit);
        if (is_new && !insert(session, entry, set, index, at)) {
            return false;
        }
        changes += is_new;
        index += is_new;
        if (is_too_much(changes, entry)) {
            return false;
        }
    }
    return true;
}

/* So little of a long one is recorded by now that all may be, or much more. */
static bool is_worth_more(const struct session *session, const struct object_entry *entry,
                          const PySetObject *so)
{
    uint64_t limit = session->limits.max_items, used = (uint64_t)so->used;
    return entry->true_length > entry->count &&
           (limit == 0 || used <= limit || entry->count < limit / 2);
}

/* The limit was reached on the way only. */
static bool lacks_some(const struct session *session, const struct object_entry *entry,
                       const PySetObject *so)
{
    uint64_t limit = session->limits.max_items, used = (uint64_t)so->used;
    return entry->count < used && used <= limit;
}

static bool is_in_place(const struct object_entry *entry, const PySetObject *so)
{
    return entry->places != NULL && entry->places->table == so->table &&
           entry->places->mask == so->mask;
}

bool object_is_as_placed(const struct object_entry *entry, PyObject *set)
{
    const PySetObject *so = (PySetObject *)set;
    if (!is_in_place(entry, so) || entry->true_length != (uint64_t)so->used) {
        return false;
    }
    for (uint32_t i = 0; i < entry->count; i++) {
        const struct set_place *place = &entry->places->places[i];
        if (!is_placed(place, &so->table[place->slot])) {
            return false;
        }
    }
    return true;
}

void object__compare_set(struct session *session, struct object_entry *entry, PyObject *set)
{
    const PySetObject *so = (PySetObject *)set;
    if (object_is_as_placed(entry, set)) {
        return;
    }
    bool is_told = is_in_place(entry, so) && !is_worth_more(session, entry, so) &&
                   tell_changes(session, entry, set) && !lacks_some(session, entry, so);
    if (!is_told) {
        object__write_base(session, entry, set);
    } else if (entry->true_length != (uint64_t)so->used) {
        object__set_length(session, entry, set, (uint64_t)so->used);
    }
}

void object__compare_grown_set(struct session *session, struct object_entry *entry, PyObject *set)
{
    uint64_t used = (uint64_t)((PySetObject *)set)->used, limit = session->limits.max_items;
    if (used == entry->true_length) {
        return;
    }
    if (used > entry->true_length && limit != 0 && entry->count == limit) {
        object__set_length(session, entry, set, used); /* beyond what is recorded */
    } else {
        object__compare_set(session, entry, set);
    }
}
