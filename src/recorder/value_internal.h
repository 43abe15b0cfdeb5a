/* What value.c, value_thing.c and value_library.c share: hashes of parts, and writing them.
 *
 * A node takes its number where its first byte is written: `put` functions that write one inside
 * another count it themselves, the outermost is counted by the caller. */
#ifndef CT_RECORDER_VALUE_INTERNAL_H
#define CT_RECORDER_VALUE_INTERNAL_H

#include "recorder/types.h"
#include "recorder/value.h"

/* `length`, or the limit where there is one and it is less. */
static inline Py_ssize_t value__cut(uint64_t limit, Py_ssize_t length)
{
    return limit != 0 && (uint64_t)length > limit ? (Py_ssize_t)limit : length;
}

uint64_t value__hash_bytes(const struct session *session, uint8_t tag, const void *data,
                           size_t size);
uint64_t value__hash_text(const struct session *session, PyObject *text);
uint64_t value__hash_values(struct session *session, uint64_t hash, PyObject *const *values,
                            Py_ssize_t count);

uint8_t *value__put_as(struct session *session, uint8_t *at, struct type_info *type);
uint8_t *value__put_opaque(struct session *session, uint8_t *at, PyObject *value,
                           struct type_info *type);
/* A value of this length follows of which only a part is there. */
uint8_t *value__put_cut(struct session *session, uint8_t *at, Py_ssize_t length);
/* The head of a TUPLE; its `count` values follow. */
uint8_t *value__put_tuple(struct session *session, uint8_t *at, size_t count);
/* A value inside another, `depth` deep. */
uint8_t *value__put_child(struct session *session, uint8_t *at, PyObject *value, int depth);
/* Text that was not a node of its own so far. */
uint8_t *value__put_text(struct session *session, uint8_t *at, PyObject *text);
/* The head of one; its `size` bytes follow. */
uint8_t *value__begin_text(struct session *session, uint8_t *at, size_t size);
uint8_t *value__put_raw_text(struct session *session, uint8_t *at, const char *text, size_t size);
uint8_t *value__put_c_text(struct session *session, uint8_t *at, const char *text);

/* The same of bytes, which are cut, and hidden where they look like a secret. */
uint8_t *value__put_raw_bytes(struct session *session, uint8_t *at, const void *data,
                              Py_ssize_t length);

/* Name again the node of this hash; NULL when it is not remembered: then the node written next is
 * remembered under it. */
uint8_t *value__put_known(struct session *session, uint8_t *at, uint64_t hash);

/* Functions, methods, classes, modules, code: known by identity and shown by name. */
uint64_t value__hash_thing(struct session *session, PyObject *thing, const struct type_info *type);
uint8_t *value__put_thing(struct session *session, uint8_t *at, PyObject *thing,
                          struct type_info *type, int depth);

/* Immutable values of the standard library. Whether one of a kind counts all its nodes itself, the
 * outermost too. */
bool value__numbers_itself(uint8_t capture);
uint64_t value__hash_library(struct session *session, PyObject *value,
                             const struct type_info *type);
uint8_t *value__put_library(struct session *session, uint8_t *at, PyObject *value,
                            struct type_info *type, int depth);

#endif
