/* What the recorder knows of a Python type: its number in the trace, how its instances are read. */
#ifndef CT_RECORDER_TYPES_H
#define CT_RECORDER_TYPES_H

#include "recorder/session.h"

enum capture { /* how a value is read; the first group are immutable nodes, the second objects */
    CAPTURE_OPAQUE = 0,
    CAPTURE_INT, /* also a subclass: AS its type */
    CAPTURE_FLOAT,
    CAPTURE_COMPLEX,
    CAPTURE_TEXT,
    CAPTURE_BYTES,
    CAPTURE_TUPLE,
    CAPTURE_FROZENSET,
    CAPTURE_RANGE,
    CAPTURE_SLICE,
    CAPTURE_THING,    /* a handle with a name: function, class, module, method, generator */
    CAPTURE_PURE_STR, /* built-in immutable type whose own tp_str is pure C */
    CAPTURE_DATE,
    CAPTURE_DATETIME,
    CAPTURE_TIME,
    CAPTURE_TIMEDELTA,

    CAPTURE_OBJECTS,
    CAPTURE_LIST = CAPTURE_OBJECTS,
    CAPTURE_DICT,
    CAPTURE_SET,
    CAPTURE_BYTEARRAY,
    CAPTURE_DEQUE,
    CAPTURE_INSTANCE,
    CAPTURE_EXCEPTION,
};

struct type_slot { /* an attribute kept in a slot of the instance */
    PyObject *name;    /* address of the member's name text, copied below */
    Py_ssize_t offset;
    char text[48];
};

struct type_info {
    PyTypeObject *type;    /* address; with the three below, identity without a reference */
    const char *name;
    PyObject *bases;
    PyObject *mro;
    uint32_t id;           /* in the trace; NO_TYPE until first used */
    uint8_t capture;
    uint8_t family;        /* enum ctr_family */
    bool exact;            /* the built-in type itself: no AS needed, no attributes of its own */
    bool has_dict;
    uint16_t slot_count;
    struct type_slot *slots;
    struct type_info *next; /* of the same address, dead types last */
};

enum { NO_TYPE = UINT32_MAX };

int types_init(struct session *session);
void types_free(struct session *session);

/* The type's record; NULL only when memory is out (then the value reads as opaque by address). */
struct type_info *types_of(struct session *session, PyTypeObject *type);

/* The type's number in the trace, defining it on first use. */
uint32_t types_number(struct session *session, struct type_info *info);

static inline bool type_is_object(const struct type_info *info)
{
    return info->capture >= CAPTURE_OBJECTS;
}

#endif
