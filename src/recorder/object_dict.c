#include "recorder/object_internal.h"

#include "recorder/self_check.h"
#include "recorder/value.h"

void object__watch(struct session *session, struct object_entry *entry, PyObject *dict)
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

void object__unwatch(struct session *session, struct object_entry *entry)
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

/* A dict's values are not remembered: that they are held is counted in their entries alone, as the
 * dict reports its changes, and taken back when its own identity ends. */
static void let_go(struct session *session, struct object_entry *held)
{
    if (held->holders > 0 && --held->holders == 0) {
        object_release(session, held);
    }
}

static void let_go_key(struct session *session, PyObject *key)
{
    struct object_entry *held = object_known(session, key);
    if (held != NULL) {
        let_go(session, held);
    }
}

static void let_go_value(struct session *session, const struct object_entry *entry, PyObject *key,
                         PyObject *value)
{
    struct object_entry *held = object_known(session, value);
    if (held != NULL && object__key_action(session, entry, key) == CTR_KEEP) {
        let_go(session, held);
    }
}

void object__let_go_dict(struct session *session, struct object_entry *entry)
{
    struct compat_dict_walk walk = compat_dict_walk(entry->address);
    PyObject *key, *value;
    while (entry->is_counted && compat_dict_next(&walk, &key, &value)) {
        let_go_value(session, entry, key, value);
        let_go_key(session, key);
    }
}

/* What the key of this hash stands for; -1: its hashing runs code of the program's, and only the
 * very same key is found. NULL: none is. */
static PyObject *value_of(PyObject *dict, PyObject *key, Py_hash_t hash)
{
    if (hash != -1) {
        return compat_dict_find(dict, key, hash);
    }
    struct compat_dict_walk walk = compat_dict_walk(dict);
    PyObject *other, *value;
    while (compat_dict_next(&walk, &other, &value)) {
        if (other == key) {
            return value;
        }
    }
    return NULL;
}

/* Can a reader tell which pair a change by this key, of this hash, is of? Not of keys that are
 * recorded alike, nor where the key that is in the dict may read otherwise than the one it is
 * changed by: as `1` and `True` do, or a weak reference by now; of what hashes as the program says
 * only objects do not. */
static bool is_told_by(struct session *session, PyObject *key, Py_hash_t hash)
{
    bool is_lasting = hash != -1 || object_known(session, key) != NULL;
    return is_lasting && value_reads_uniquely(session, key);
}

/* A pair is about to change: let go of what it held. True when a reader can tell which one it is.
 */
static bool begin_change(struct session *session, const struct object_entry *entry,
                         PyDict_WatchEvent event, PyObject *dict, PyObject *key)
{
    if (event == PyDict_EVENT_ADDED) {
        return value_reads_uniquely(session, key);
    }
    Py_hash_t hash = compat_simple_hash(key);
    PyObject *held = value_of(dict, key, hash);
    if (held == NULL) {
        return false;
    }
    let_go_value(session, entry, key, held);
    if (event == PyDict_EVENT_DELETED) {
        let_go_key(session, key);
    }
    return is_told_by(session, key, hash);
}

static void hold_pair(struct session *session, const struct object_entry *entry, PyObject *key,
                      PyObject *value, enum pair_count counts)
{
    if (counts == COUNT_PAIR) {
        object__hold_value(session, key);
    }
    if (object__key_action(session, entry, key) == CTR_KEEP) {
        object__hold_value(session, value);
    }
}

/* A change that is not written as such: what it brings is held, and what it takes, if that is all,
 * let go. */
static void heed_unwritten(struct session *session, struct object_entry *entry,
                           PyDict_WatchEvent event, PyObject *key, PyObject *value)
{
    struct compat_dict_walk walk;
    switch (event) {
    case PyDict_EVENT_ADDED:
        hold_pair(session, entry, key, value, COUNT_PAIR);
        break;
    case PyDict_EVENT_MODIFIED:
        hold_pair(session, entry, key, value, COUNT_VALUE);
        break;
    case PyDict_EVENT_CLEARED:
        object__let_go_dict(session, entry);
        break;
    case PyDict_EVENT_CLONED:
        walk = compat_dict_walk(key);
        while (compat_dict_next(&walk, &key, &value)) {
            hold_pair(session, entry, key, value, COUNT_PAIR);
        }
        break;
    default:
        break;
    }
}

/* What the change does is seen at the next event, when the dict has it. */
static void read_again(struct session *session, struct object_entry *entry)
{
    entry->flags |= ENTRY_STALE;
    entry->epoch = session->epoch - 1;
    object__queue(session, entry);
}

/* Objects that were met, and not this dict, which has not changed yet. */
static void open_others(struct session *session, struct object_entry *entry)
{
    bool waits = (entry->flags & ENTRY_QUEUED) != 0;
    entry->flags &= (uint8_t)~ENTRY_QUEUED;
    objects_open_queued(session);
    if (waits) {
        object__queue(session, entry);
    }
}

/* Some pairs are beyond the limit: changes of those cannot be told from changes of the recorded. */
static void note_length(struct session *session, struct object_entry *entry, PyObject *dict,
                        PyDict_WatchEvent event)
{
    uint64_t length = (uint64_t)((PyDictObject *)dict)->ma_used;
    length += event == PyDict_EVENT_ADDED;
    length -= event == PyDict_EVENT_DELETED && length > 0;
    uint8_t *at = object__begin(session, entry, dict, CTR_TOTAL);
    object__end(session, entry, ct_varint_put(at, length));
}

static void put_unpair(struct session *session, struct object_entry *entry, PyObject *dict,
                       PyObject *key)
{
    struct shadow shadow;
    uint8_t *at = object__begin(session, entry, dict, CTR_UNPAIR);
    value_shadow(session, key, &shadow);
    object__end(session, entry, value_emit(session, at, key, &shadow));
    self_check_unpair(session, entry, &shadow);
}

static void put_pair(struct session *session, struct object_entry *entry, PyObject *dict,
                     PyObject *key, PyObject *value, enum pair_count counts)
{
    uint8_t *at = object__begin(session, entry, dict, CTR_PAIR);
    object__end(session, entry, object__put_pair(session, at, entry, key, value, counts));
}

/* The one change of an OrderedDict that it does not report: move_to_end takes a node out and puts
 * it back at an end: behind all, if the first is still the first or is the last now. */
void object__compare_order(struct session *session, struct object_entry *entry, PyObject *dict)
{
    enum { OF_ONE_MOVE = 2 };
    const struct compat_ordered_dict *ordered = (struct compat_ordered_dict *)dict;
    uint64_t changes = ordered->state - entry->seen;
    if (changes != 0) {
        PyObject *key = ordered->last != NULL ? ordered->last->key : NULL;
        PyObject *value = key != NULL ? compat_dict_find(dict, key, ordered->last->hash) : NULL;
        bool is_to_end = entry->first == ordered->first || entry->first == ordered->last;
        if (changes == OF_ONE_MOVE && value != NULL && is_to_end &&
            is_told_by(session, key, compat_simple_hash(key))) {
            put_unpair(session, entry, dict, key);
            put_pair(session, entry, dict, key, value, COUNT_NOTHING);
        } else {
            object__write_base(session, entry, dict);
        }
    }
    entry->seen = ordered->state;
    entry->first = ordered->first;
}

/* Without this pair all the others may be recorded, or many more than are; and what an OrderedDict
 * has unlinked already is not in what a new block says of it. */
static bool is_better_read_again(const struct session *session, const struct object_entry *entry,
                                 PyObject *dict)
{
    uint64_t limit = session->limits.max_items,
             left = (uint64_t)((PyDictObject *)dict)->ma_used - 1;
    bool is_told_anew = entry->type->is_ordered_dict && entry->block != session->writer->block;
    bool is_few = limit == 0 || left <= limit || entry->since_base > entry->base_bytes;
    return is_told_anew || (entry->is_cut && is_few);
}

/* A node of an OrderedDict comes behind this event, or went before it. */
static void heed_order(struct object_entry *entry, PyDict_WatchEvent event)
{
    if (entry->type->is_ordered_dict && event != PyDict_EVENT_MODIFIED) {
        entry->seen++;
        entry->first = event == PyDict_EVENT_ADDED ? entry->first : NULL;
    }
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
        object__let_go_dict(session, entry);
        entry->flags &= (uint8_t)~ENTRY_WATCHED;
        object__end_entry(session, entry);
        return;
    }
    if (session->writer->at >= session->writer->soft && !session_next_block(session)) {
        return;
    }
    if (entry->is_instance) {
        session_heed_unseen(session); /* the instance changes with its dict */
    }
    session->reported = dict;
    session->reported_key = key;
    session->reported_at = session->writer->steps;
    bool is_of_pair = event == PyDict_EVENT_ADDED || event == PyDict_EVENT_MODIFIED ||
                      event == PyDict_EVENT_DELETED;
    bool is_told = !is_of_pair || begin_change(session, entry, event, dict, key);
    if (!is_told || (entry->flags & ENTRY_STALE)) {
        heed_unwritten(session, entry, event, key, value);
        read_again(session, entry);
        return;
    }
    switch (event) {
    case PyDict_EVENT_ADDED:
    case PyDict_EVENT_MODIFIED:
        put_pair(session, entry, dict, key, value,
                 event == PyDict_EVENT_ADDED ? COUNT_PAIR : COUNT_VALUE);
        heed_order(entry, event);
        if (entry->is_cut) {
            note_length(session, entry, dict, event);
        }
        break;
    case PyDict_EVENT_DELETED:
        if (is_better_read_again(session, entry, dict)) {
            read_again(session, entry);
            return;
        }
        put_unpair(session, entry, dict, key);
        heed_order(entry, event);
        break;
    case PyDict_EVENT_CLEARED:
        object__let_go_dict(session, entry);
        self_check_clear(session, entry);
        object__end(session, entry, object__begin(session, entry, dict, CTR_CLEAR));
        break;
    default: /* CLONED: an empty dict takes all of another */
        object__end(session, entry, object__begin(session, entry, dict, CTR_CLEAR));
        self_check_clear(session, entry);
        struct compat_dict_walk walk = compat_dict_walk(key);
        PyObject *from, *what;
        while (session_has_room(session, session->writer->at, 4096) &&
               compat_dict_next(&walk, &from, &what)) {
            put_pair(session, entry, dict, from, what, COUNT_PAIR);
        }
    }
    open_others(session, entry);
    ctr_commit(session->writer);
}

/* The interpreter knows watchers by number and passes no data: the session that watches is found
 * here. */
static struct session *watching;

/* Nothing is written any more once the recording has ended, but a dict that dies must be forgotten:
 * it is not unwatched at the end. */
static int on_dict_event(PyDict_WatchEvent event, PyObject *dict, PyObject *key, PyObject *value)
{
    bool writes = watching != NULL && watching->writer != NULL && watching->writer->soft != NULL;
    if (writes || (watching != NULL && event == PyDict_EVENT_DEALLOCATED)) {
        watching->is_behind = true; /* in the middle of a line */
        dict_changed(watching, event, dict, key, value);
        watching->is_behind = false;
    }
    return 0;
}

int object__report_dicts_to(struct session *session)
{
    static int watcher =
        -1; /* for the life of the process: freeing it would leave marks on dicts */
    if (watcher < 0 && session != NULL) {
        watcher = PyDict_AddWatcher(on_dict_event);
        if (watcher < 0) {
            PyErr_Clear();
        }
    }
    watching = session;
    return watcher;
}
