/* numpy's arrays as its own structs say what they are, in its versions 1 and 2. Needed where the
 * buffer protocol has no word for the elements. Nothing of numpy's is called. */
#ifndef CT_RECORDER_NUMPY_ARRAY_H
#define CT_RECORDER_NUMPY_ARRAY_H

#include "recorder/compat.h"

/* The type of an array's elements; behind this part the versions differ. */
struct numpy_dtype {
    PyObject_HEAD PyTypeObject *scalar;
    char kind; /* 'i', 'U', 'M' ... */
    char code;
    char order; /* '>' where it is not the machine's */
    char flags;
    int number;
};

struct numpy_array {
    PyObject_HEAD char *data;
    int dimensions;
    Py_ssize_t *shape;
    Py_ssize_t *strides;
    PyObject *base; /* whose memory it is; NULL: its own, or nobody's who could be asked */
    const struct numpy_dtype *dtype;
    int flags;
};

/* Is this the type itself that numpy calls ndarray, and not one of its name? */
bool numpy_is_array_type(const PyTypeObject *type);

/* Has the array made its memory itself? */
bool numpy_owns_memory(const struct numpy_array *array);

/* How many elements the shape promises; 0 where that is no number. */
Py_ssize_t numpy_count(const struct numpy_array *array);

/* Bytes of one element; 0: not known. */
Py_ssize_t numpy_element_size(const struct numpy_dtype *dtype);

/* "datetime64[ms]", "U12", "object", "StringDType". */
void numpy_name(const struct numpy_dtype *dtype, char *name, size_t size);

#endif
