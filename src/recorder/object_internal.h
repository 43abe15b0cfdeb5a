/* What the object_*.c files share: object.c knows who a value is, object_table.c keeps the entries,
 * object_write.c writes their states and changes, object_compare.c finds what changed
 * (object_set.c in sets, object_ends.c at the ends of lists and deques), object_check.c decides
 * what is compared, and dicts report by themselves to object_dict.c. */
#ifndef CT_RECORDER_OBJECT_INTERNAL_H
#define CT_RECORDER_OBJECT_INTERNAL_H

#include "recorder/gather.h"
#include "recorder/object.h"

/* ---- object.c ---- */

/* What is done with what a dict holds under a key: CTR_KEEP or another action. */
uint8_t object__key_action(struct session *session, const struct object_entry *entry,
                           PyObject *key);

/* ---- object_compare.c: an instance's attributes ---- */

/* Of an instance that keeps its attributes in a dict, what is another as soon as one of them is
 * another object; 0: that cannot be told. Where `seen` is it they need no look. */
uint64_t object__seal(const struct session *session, const struct object_entry *entry,
                      PyObject *value);

/* ---- object_table.c ---- */

/* NULL: there is no room for more. */
struct object_entry *object__add(struct session *session, PyObject *value, struct type_info *type,
                                 uint64_t number);
/* Its identity ends. */
void object__end_entry(struct session *session, struct object_entry *entry);
/* To be opened, or compared, before the event's own record. */
void object__queue(struct session *session, struct object_entry *entry);
/* Room for `want` shadows, the new ones empty; `*capacity` stays where there is no memory. */
void object__resize(struct session *session, struct shadow **array, uint32_t *capacity,
                    uint32_t want);
/* These places hold nothing any more. */
void object__drop(struct session *session, struct shadow *array, uint32_t count);

/* ---- object_write.c ---- */

/* Everything the object holds now. */
void object__write_base(struct session *session, struct object_entry *entry, PyObject *value);
/* The same for one that is met, and from here on known. */
void object__open(struct session *session, struct object_entry *entry, PyObject *value);
/* What stands before an operation in the way of opening the object and saying since when. */
void object__prepare(struct session *session, struct object_entry *entry, PyObject *value);
/* What is written next of the object changed at some time since it was last compared. */
void object__put_checked(struct session *session, struct object_entry *entry);

/* One place of a container takes a value: the shadow changes, the value is written. */
uint8_t *object__place(struct session *session, uint8_t *at, struct shadow *shadow,
                       PyObject *value);
/* The same under a name, with what is done with what has this name. */
uint8_t *object__place_named(struct session *session, uint8_t *at, struct shadow *shadow,
                             uint8_t action, PyObject *value);
uint8_t *object__put_name(struct session *session, uint8_t *at, const struct attribute *attribute);
/* What a dict holds from now on of a pair that is written. */
enum pair_count { COUNT_NOTHING, COUNT_VALUE, COUNT_PAIR };

uint8_t *object__put_pair(struct session *session, uint8_t *at, const struct object_entry *entry,
                          PyObject *key, PyObject *value, enum pair_count counts);

/* The value is an object: one place more holds it. */
void object__hold_value(struct session *session, PyObject *value);

/* Start an operation on an object: its block has opened it, the record and reference are written.
 */
static inline uint8_t *object__begin(struct session *session, struct object_entry *entry,
                                     PyObject *value, uint8_t record)
{
    if (__builtin_expect(entry->block != session->writer->block || session->objects.late, 0)) {
        object__prepare(session, entry, value);
    }
    uint8_t *at = session->writer->at;
    *at++ = record;
    return object_put_reference(session, at, entry);
}

static inline void object__end(struct session *session, struct object_entry *entry, uint8_t *at)
{
    entry->since_base += (uint32_t)(at - session->writer->at);
    session->writer->at = at;
}

/* ---- object_compare.c ---- */

/* Compare a known object. A change found where code ran unseen since the last time, and not in the
 * latest line alone, is of some step in between: said with the change. */
void object__compare(struct session *session, struct object_entry *entry, PyObject *value,
                     bool named);

/* One item of a sequence, which may have been worked on. */
void object__compare_item(struct session *session, struct object_entry *entry, PyObject *value,
                          uint32_t index, PyObject *item);
void object__append(struct session *session, struct object_entry *entry, PyObject *value,
                    PyObject *item);
/* `count` items from `start` on come in the place of `removed` ones. */
void object__splice(struct session *session, struct object_entry *entry, PyObject *value,
                    uint32_t start, uint32_t removed, PyObject *const *added, uint32_t count);
/* Of one that is longer than what is recorded of it. */
void object__set_length(struct session *session, struct object_entry *entry, PyObject *value,
                        uint64_t length);

/* ---- object_set.c ---- */

/* Note where the items that were just written stand in the set's table. */
void object__place_items(struct session *session, struct object_entry *entry, PyObject *set);
/* Write what came and went since then. */
void object__compare_set(struct session *session, struct object_entry *entry, PyObject *set);
/* The same where nothing can have gone. */
void object__compare_grown_set(struct session *session, struct object_entry *entry, PyObject *set);
void object__forget_places(struct session *session, struct object_entry *entry);

/* ---- object_dict.c ---- */

/* The number of the process's watcher of dicts, which reports to this session; -1: there is none.
 * NULL: to nobody any more. */
int object__report_dicts_to(struct session *session);
void object__watch(struct session *session, struct object_entry *entry, PyObject *dict);
void object__unwatch(struct session *session, struct object_entry *entry);
/* Does a place that is remembered hold this now? */
bool object__is_same(struct session *session, const struct shadow *shadow, PyObject *value);

/* Write in what order an OrderedDict has its pairs now. */
void object__compare_order(struct session *session, struct object_entry *entry, PyObject *dict);
/* `dict` lives: a dict that is watched ends with an event. */
void object__let_go_dict(struct session *session, struct object_entry *entry);

#endif
