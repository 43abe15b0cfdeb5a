/* Python's file objects as they lie in memory: which descriptor one works on is found out without
 * running any code. */
#ifndef CT_RECORDER_IO_OBJECT_H
#define CT_RECORDER_IO_OBJECT_H

#include "recorder/compat.h"

#include <stdbool.h>

/* Learn how this interpreter lays them out; false: it is not the one we know. */
bool io_object_learn(void);

/* What a TextIOWrapper writes to and reads from, or a buffered object; NULL when there is none.
 * Borrowed. */
PyObject *io_object_inner(PyObject *file);

/* Of a TextIOWrapper, a buffered object or a FileIO; -1: it is closed, or not known. */
int io_object_descriptor(PyObject *file);

/* Is it a FileIO, or all below it Python's own, so that none of the program's code runs there? */
bool io_object_is_plain(PyObject *file);

/* Let a FileIO work on another descriptor. */
void io_object_set_descriptor(PyObject *file, int descriptor);

/* Is it one that only a buffered object gives to its FileIO: memory that no object lends? */
bool io_object_is_internal(PyObject *value);

/* Give `size` bytes or fewer of what `value` lends, or of each buffer of a list or tuple of them,
 * to `take`. A value whose memory cannot be had without running code gives none. */
typedef void io_take(void *context, const void *bytes, size_t size);
void io_object_bytes(PyObject *value, size_t size, io_take *take, void *context);

#endif
