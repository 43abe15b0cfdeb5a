#include "recorder/known_fields.h"

/* As CPython 3.12 and 3.13 lay them out; the names are Python's own. Only what a line cannot change
 * without a call: compared like any object's attributes. */
enum { WORD = sizeof(void *) };

#define AT(n) (sizeof(PyObject) + (n)*WORD)
#define OBJECT(s, n) \
    {                \
        s, AT(n)     \
    }
#define DICT_VIEW            \
    {                        \
        OBJECT("mapping", 0) \
    }

static const struct known_fields known[] = {
    {"dict_keys", false, DICT_VIEW},
    {"dict_values", false, DICT_VIEW},
    {"dict_items", false, DICT_VIEW},
    {"odict_keys", false, DICT_VIEW},
    {"odict_values", false, DICT_VIEW},
    {"odict_items", false, DICT_VIEW},
    {"property", false, {OBJECT("fget", 0), OBJECT("fset", 1), OBJECT("fdel", 2)}},
    {"staticmethod", false, {OBJECT("__func__", 0)}},
    {"classmethod", false, {OBJECT("__func__", 0)}},
    {"types.GenericAlias", false, {OBJECT("__origin__", 0), OBJECT("__args__", 1)}},
    {"types.UnionType", false, {OBJECT("__args__", 0)}},
    {"functools.partial", true, {OBJECT("func", 0), OBJECT("args", 1), OBJECT("keywords", 2)}},
    {"functools._lru_cache_wrapper", false, {OBJECT("__wrapped__", 9)}},
    {"_io.FileIO", true, {{NULL}}},
    {"_io.BufferedReader", false, {OBJECT("raw", 0)}},
    {"_io.BufferedWriter", false, {OBJECT("raw", 0)}},
    {"_io.BufferedRandom", false, {OBJECT("raw", 0)}},
    {"_io.TextIOWrapper", true, {OBJECT("buffer", 2), OBJECT("encoding", 3)}},
};

/* What iterates over another object, or refers to it weakly. Where an iterator is changes with
 * lines that nobody could tell it from, so that is not read; nor is what it let go at its end. */
static const struct {
    const char *type;
    Py_ssize_t offset;
} holders[] = {
    {"list_iterator", AT(1)},
    {"list_reverseiterator", AT(1)},
    {"tuple_iterator", AT(1)},
    {"str_iterator", AT(1)},
    {"str_ascii_iterator", AT(1)},
    {"bytes_iterator", AT(1)},
    {"bytearray_iterator", AT(1)},
    {"memory_iterator", AT(1)},
    {"iterator", AT(1)},
    {"reversed", AT(1)},
    {"enumerate", AT(1)},
    {"zip", AT(1)},
    {"map", AT(0)},
    {"filter", AT(1)},
    {"callable_iterator", AT(0)},
    {"dict_keyiterator", AT(0)},
    {"dict_valueiterator", AT(0)},
    {"dict_itemiterator", AT(0)},
    {"dict_reversekeyiterator", AT(0)},
    {"dict_reversevalueiterator", AT(0)},
    {"dict_reverseitemiterator", AT(0)},
    {"set_iterator", AT(0)},
    {"collections._deque_iterator", AT(2)},
    {"itertools.chain", AT(0)},
    {"itertools.cycle", AT(0)},
    {"itertools.islice", AT(0)},
    {"weakref.ReferenceType", AT(0)},
};

/* A class made by Python code is on the heap and has no tp_methods, whatever it is called. */
static bool is_written_in_c(const PyTypeObject *type)
{
    return !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) || type->tp_methods != NULL;
}

static bool has_room_for(const PyTypeObject *type, const struct known_fields *fields)
{
    for (int i = 0; i < KNOWN_FIELDS && fields->fields[i].name != NULL; i++) {
        if (fields->fields[i].offset + (Py_ssize_t)WORD > type->tp_basicsize) {
            return false;
        }
    }
    return true;
}

const struct known_fields *known_fields_of(const PyTypeObject *type)
{
    for (size_t i = 0; is_written_in_c(type) && i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(type->tp_name, known[i].type) == 0) {
            return has_room_for(type, &known[i]) ? &known[i] : NULL;
        }
    }
    return NULL;
}

Py_ssize_t known_holder_offset(const PyTypeObject *type)
{
    for (size_t i = 0; is_written_in_c(type) && i < sizeof holders / sizeof holders[0]; i++) {
        if (strcmp(type->tp_name, holders[i].type) == 0) {
            bool fits = holders[i].offset + (Py_ssize_t)WORD <= type->tp_basicsize;
            return fits ? holders[i].offset : 0;
        }
    }
    return 0;
}
