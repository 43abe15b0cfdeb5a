#include "recorder/known_fields.h"

/* As CPython 3.12 and 3.13 lay them out, and pandas 2 and 3; the names are their own. Only what a
 * line cannot change without a call: compared like any object's attributes. */
enum { WORD = sizeof(void *) };

#define AT(n) (sizeof(PyObject) + (n)*WORD)
#define FIELD(s, n, form_)                            \
    {                                                 \
        .name = (s), .offset = AT(n), .form = (form_) \
    }
#define OBJECT(s, n) FIELD(s, n, FIELD_OBJECT)
#define MAYBE(s, n)  FIELD(s, n, FIELD_MAYBE_OBJECT)

#define DICT_VIEW(type_)                            \
    {                                               \
        (type_), .fields = { OBJECT("mapping", 0) } \
    }
#define BUFFERED(type_)                         \
    {                                           \
        (type_), .fields = { OBJECT("raw", 0) } \
    }

#define DATA_FRAME_BLOCKS(size_)                                            \
    {                                                                       \
        "pandas._libs.internals.BlockManager", .size = (size_), .fields = { \
            OBJECT("blocks", 1),                                            \
            OBJECT("axes", 2)                                               \
        }                                                                   \
    }

#if CT_PY312
#define FUTURE_SIZE 128
#define TASK_SIZE   176
enum { FUTURE_STATE = 9, TASK_CORO = 15, TASK_NAME = 16 };
#else
#define FUTURE_SIZE 104
#define TASK_SIZE   144
enum { FUTURE_STATE = 10, TASK_CORO = 13, TASK_NAME = 14 };
#endif

static const struct known_fields known[] = {
    DICT_VIEW("dict_keys"),
    DICT_VIEW("dict_values"),
    DICT_VIEW("dict_items"),
    DICT_VIEW("odict_keys"),
    DICT_VIEW("odict_values"),
    DICT_VIEW("odict_items"),
    {"property", .fields = {OBJECT("fget", 0), OBJECT("fset", 1), OBJECT("fdel", 2)}},
    {"staticmethod", .fields = {OBJECT("__func__", 0)}},
    {"classmethod", .fields = {OBJECT("__func__", 0)}},
    {"types.GenericAlias", .fields = {OBJECT("__origin__", 0), OBJECT("__args__", 1)}},
    {"types.UnionType", .fields = {OBJECT("__args__", 0)}},
    {"functools.partial", .has_dict = true,
     .fields = {OBJECT("func", 0), OBJECT("args", 1), OBJECT("keywords", 2)}},
    {"functools._lru_cache_wrapper", .fields = {OBJECT("__wrapped__", 9)}},
    {"operator.itemgetter", .size = 48, .fields = {OBJECT("item", 1)}},
    {"operator.attrgetter", .size = 40, .fields = {OBJECT("attr", 1)}},
    {"_io.FileIO", .has_dict = true},
    {"_io.BytesIO", .has_dict = true, .size = 64, .fields = {FIELD("position", 1, FIELD_WORD)}},
    {"_io.StringIO", .has_dict = true, .size = 168, .fields = {FIELD("position", 1, FIELD_WORD)}},
    BUFFERED("_io.BufferedReader"),
    BUFFERED("_io.BufferedWriter"),
    BUFFERED("_io.BufferedRandom"),
    {"_io.TextIOWrapper", .has_dict = true, .fields = {OBJECT("buffer", 2), OBJECT("encoding", 3)}},
    {"_thread.lock", .size = 40, .fields = {FIELD("locked", 2, FIELD_BOOL)}},
    {"_thread.RLock", .size = 48,
     .fields = {FIELD("owner", 1, FIELD_WORD), FIELD("count", 2, FIELD_WORD)}},
    {"_contextvars.ContextVar", .size = 64, .fields = {OBJECT("name", 0), MAYBE("default", 1)}},
    {"_contextvars.Token", .size = 48, .fields = {OBJECT("var", 1), MAYBE("old_value", 2)}},
    {"_struct.Struct", .size = 56, .fields = {OBJECT("format", 3), FIELD("size", 0, FIELD_WORD)}},
    {"sqlite3.Row", .size = 32, .fields = {OBJECT("data", 0), OBJECT("description", 1)}},
    {"_asyncio.Future", .size = FUTURE_SIZE,
     .fields = {FIELD("state", FUTURE_STATE, FIELD_FUTURE_STATE), MAYBE("result", 6),
                MAYBE("exception", 4)}},
    {"_asyncio.Task", .size = TASK_SIZE,
     .fields = {OBJECT("name", TASK_NAME), FIELD("state", FUTURE_STATE, FIELD_FUTURE_STATE),
                MAYBE("coro", TASK_CORO), MAYBE("result", 6), MAYBE("exception", 4)}},
    {"xml.etree.ElementTree.Element", .size = 56,
     .fields = {OBJECT("tag", 0), FIELD("attrib", 3, FIELD_FIRST), FIELD("text", 1, FIELD_PIECES),
                FIELD("tail", 2, FIELD_PIECES)}},
    DATA_FRAME_BLOCKS(64), /* of pandas 2 */
    DATA_FRAME_BLOCKS(80),
    {"pandas._libs.internals.Block", .size = 56, .fields = {OBJECT("values", 4)}},
    {"pandas._libs.arrays.NDArrayBacked", .size = 40,
     .fields = {OBJECT("_ndarray", 1), OBJECT("_dtype", 2)}},
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
    if (fields->size != 0 && fields->size != type->tp_basicsize) {
        return false;
    }
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
        if (strcmp(type->tp_name, known[i].type) == 0 && has_room_for(type, &known[i])) {
            return &known[i];
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
