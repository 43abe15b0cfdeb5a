/* Types written in C, and where each keeps the objects that say what it is. */
#ifndef CT_RECORDER_KNOWN_FIELDS_H
#define CT_RECORDER_KNOWN_FIELDS_H

#include "recorder/types.h"

enum { KNOWN_FIELDS = 5 };

enum field_form {
    FIELD_OBJECT,       /* a missing one reads as None */
    FIELD_UNBOUND,      /* of __slots__: a missing one keeps its place */
    FIELD_MAYBE_OBJECT, /* there is no attribute while it is missing */
    FIELD_BOOL,         /* a char */
    FIELD_WORD,         /* a Py_ssize_t */
    FIELD_FUTURE_STATE, /* an int: of a future or task */
    FIELD_PIECES,       /* a text, or, at an odd address, the list of texts it is to be made of */
    FIELD_FIRST,        /* what comes first in the memory this points to; there may be none */
};

struct known_field {
    const char *name;
    Py_ssize_t offset;
    uint8_t form; /* enum field_form */
};

/* Read as an object with attributes. */
struct known_fields {
    const char *type; /* by the name C knows */
    bool has_dict;    /* which says something, too: attributes of the program's */
    Py_ssize_t size;  /* of an instance that is laid out so; 0: whatever it is */
    struct known_field fields[KNOWN_FIELDS];
};

/* NULL: not one of them. */
const struct known_fields *known_fields_of(const PyTypeObject *type);

/* Read as a handle on one object, which it may let go: where that is; 0: not one of them. */
Py_ssize_t known_holder_offset(const PyTypeObject *type);

#endif
