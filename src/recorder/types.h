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
               CAPTURE_THING, /* a handle with a name: function, class, module, method, generator */
               CAPTURE_PURE_STR, /* built-in immutable type whose own tp_str is pure C */
               CAPTURE_DATE,
               CAPTURE_DATETIME,
               CAPTURE_TIME,
               CAPTURE_TIMEDELTA,
               CAPTURE_PATH, /* of pathlib: AS its type, its text */
               CAPTURE_PATTERN,
               CAPTURE_MATCH,
               CAPTURE_TRACEBACK,
               CAPTURE_SCALAR, /* a number of numpy's: AS its type, the number */
               CAPTURE_PROXY,  /* mappingproxy: AS its type, the dict */
               CAPTURE_PARTS,  /* AS its type, a TUPLE of (or the only one of) its parts: `parts`
                                  below */

               CAPTURE_OBJECTS,
               CAPTURE_LIST = CAPTURE_OBJECTS,
               CAPTURE_DICT,
               CAPTURE_SET,
               CAPTURE_BYTEARRAY,
               CAPTURE_STREAM, /* in memory: BytesIO, StringIO */
               CAPTURE_BUFFER,
               CAPTURE_DEQUE,
               CAPTURE_ELEMENT, /* of ElementTree: its children are items */
               CAPTURE_CELL,
               CAPTURE_GENERATOR,
               CAPTURE_INSTANCE,
               CAPTURE_EXCEPTION,
               CAPTURE_EXTENDED, /* an immutable built-in value with attributes of its own */
};

struct type_slot {  /* an attribute kept in a slot of the instance */
    PyObject *name; /* address of the member's name text, copied below */
    Py_ssize_t offset;
    char text[48];
    uint8_t form;   /* enum field_form */
    uint8_t action; /* enum ctr_variable_action, by its name */
};

struct type_info {
    PyTypeObject *type; /* address; the two below tell whether the same type still lives there */
    unsigned version;   /* tp_version_tag: never given twice; 0 says nothing */
    uint64_t layout;    /* hash of its name and of where its instances keep what */
    uint32_t id;        /* in the trace; NO_TYPE until first used */
    uint8_t capture;
    uint8_t family;       /* enum ctr_family */
    bool exact;           /* the built-in type itself: no AS needed, no attributes of its own */
    uint8_t base_capture; /* EXTENDED: of the built-in value */
    uint8_t part_count;   /* PARTS: offsets of the objects it is made of; THING: of the held one */
    Py_ssize_t parts[3];
    uint64_t hidden_fields;  /* NAMEDTUPLE: those that are not kept, of the first 64, and */
    uint64_t dropped_fields; /* of these the dropped ones */
    uint32_t policy;         /* how the names of its attributes are decided: filter.h */
    uint16_t unseen;      /* uses of its instances that run code that is not recorded: unseen.h */
    bool hides_arguments; /* EXCEPTION: its constructor takes a secret */
    bool has_dict;
    bool has_finalizer; /* a __del__ of the program's */
    bool is_ordered_dict;
    bool is_default_dict;
    uint16_t slot_count;
    struct type_slot *slots;
    struct type_info *next; /* of the same address, dead types last */
};

enum { NO_TYPE = UINT32_MAX };

int types_init(struct session *session);
void types_free(struct session *session);

/* The type's record; NULL only when memory is out (then the value reads as opaque by address). */
struct type_info *types_of(struct session *session, PyTypeObject *type);

/* Certainly the record of the type that lives at this address now; false: ask types_of. */
static inline bool type_is_current(const struct type_info *info, const PyTypeObject *type)
{
    return info->type == type &&
           (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) ||
            (type->tp_version_tag != 0 && type->tp_version_tag == info->version));
}

/* The type's number in the trace, defining it on first use. */
uint32_t types_number(struct session *session, struct type_info *info);

/* The type written in C that a type is or derives from; NULL when that is `object`. Its name cannot
 * be taken by a class of the program's. */
PyTypeObject *types_native(PyTypeObject *type);

/* `__module__` of a class made by Python code, borrowed; NULL when it has none. */
PyObject *types_module(PyTypeObject *type);

/* No object to the trace, yet a store to an attribute may change what is recorded of it: its name,
 * its parts, the next one. */
static inline bool type_has_inside(const struct type_info *info)
{
    return info->capture == CAPTURE_THING || info->capture == CAPTURE_PARTS ||
           info->capture == CAPTURE_TRACEBACK;
}

/* Its items have an order, and are remembered one by one. */
static inline bool type_is_sequence(const struct type_info *info)
{
    return info->capture == CAPTURE_LIST || info->capture == CAPTURE_DEQUE ||
           info->capture == CAPTURE_ELEMENT;
}

/* It has attributes besides what it is made of as a built-in type. */
static inline bool type_has_attributes(const struct type_info *info)
{
    return !info->exact && (info->has_dict || info->slot_count != 0 || info->is_default_dict);
}

static inline bool type_is_object(const struct type_info *info)
{
    return info->capture >= CAPTURE_OBJECTS;
}

#endif
