/* Arrays that offer the buffer protocol: array.array, memoryview, numpy's ndarray. Of the last also
 * those whose elements the protocol has no word for: dates, texts, objects.
 *
 * Only memory of exporters written in C that are known here is read: another one's getbuffer may be
 * code of the program's, and a mapped file may be shorter than its mapping. */
#ifndef CT_RECORDER_BUFFER_H
#define CT_RECORDER_BUFFER_H

#include "recorder/types.h"

/* Whether instances of this type, which has a known base written in C, are read by that base. */
bool buffer_learn(struct type_info *type);

/* Whether instances of this type are numbers of numpy's that are no numbers of Python's. */
bool scalar_learn(struct type_info *type);
uint64_t scalar_hash(const struct session *session, PyObject *value, const struct type_info *type);
uint8_t *scalar_put(struct session *session, uint8_t *at, PyObject *value,
                    const struct type_info *type);

/* Changes whenever what is recorded of the buffer does. */
uint64_t buffer_fingerprint(const struct session *session, PyObject *value,
                            const struct type_info *type);

/* Write the sections ITEMS and ATTRS of the object. */
uint8_t *buffer_put(struct session *session, uint8_t *at, PyObject *value,
                    const struct type_info *type);

#endif
