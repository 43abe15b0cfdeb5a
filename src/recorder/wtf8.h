/* Python text as the trace's WTF-8, without calling anything that could allocate a Python object.
 */
#ifndef CT_RECORDER_WTF8_H
#define CT_RECORDER_WTF8_H

#include "recorder/session.h"

/* Bytes the first `characters` of an exact or derived str take as WTF-8. */
size_t text_size(PyObject *text, Py_ssize_t characters);

/* Write them at `to` (text_size bytes) and return the byte after. */
uint8_t *text_put(uint8_t *to, PyObject *text, Py_ssize_t characters);

/* One character, of at most 4 bytes. */
uint8_t *text_put_character(uint8_t *to, Py_UCS4 c);

/* Append as a block (varint length, bytes); anything that is no str is an empty block. */
void text_add(struct ct_bytes *to, PyObject *text);

/* The str as a malloc'ed C string, or NULL. */
char *text_copy(PyObject *text);

#endif
