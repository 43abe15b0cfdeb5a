#include "recorder/unseen.h"

#include <opcode.h>
#include <string.h>
#include <structmember.h>

#include "recorder/plan.h"
#include "recorder/verdict.h"

/* ---- what instructions do
 * --------------------------------------------------------------------------- */

enum {
    USE_KEY = USE_HASH | USE_COMPARE,
    USE_SUBSCRIPT = USE_ITEM | USE_KEY | USE_NUMBER, /* a number's __index__ */
};

/* Calls are told by what they call; what they are given they may use in any way. Those that are not
 * listed and do not move values only are calls, or as good as. */
static const uint16_t uses_of[256] = {
    [LOAD_ATTR] = USE_ATTR,
    [LOAD_SUPER_ATTR] = USE_ATTR,
    [STORE_ATTR] = USE_SET_ATTR,
    [DELETE_ATTR] = USE_SET_ATTR,
    [BINARY_SUBSCR] = USE_SUBSCRIPT,
    [BINARY_SLICE] = USE_SUBSCRIPT,
    [STORE_SUBSCR] = USE_SUBSCRIPT,
    [STORE_SLICE] = USE_SUBSCRIPT | USE_ITERATE,
    [DELETE_SUBSCR] = USE_SUBSCRIPT,
    [BINARY_OP] = USE_NUMBER | USE_ITERATE, /* `+=` of a list takes an iterator */
    [UNARY_NEGATIVE] = USE_NUMBER,
    [UNARY_INVERT] = USE_NUMBER,
    [UNARY_NOT] = USE_TRUTH,
    [COMPARE_OP] = USE_COMPARE | USE_TRUTH,
    [CONTAINS_OP] = USE_ITEM | USE_ITERATE | USE_KEY,
    [BUILD_SET] = USE_KEY,
    [BUILD_MAP] = USE_KEY,
    [BUILD_CONST_KEY_MAP] = USE_KEY,
    [SET_ADD] = USE_KEY,
    [MAP_ADD] = USE_KEY,
    [SET_UPDATE] = USE_KEY | USE_ITERATE,
    [DICT_UPDATE] = USE_KEY | USE_ITERATE | USE_ITEM,
    [DICT_MERGE] = USE_KEY | USE_ITERATE | USE_ITEM,
    [LIST_EXTEND] = USE_ITERATE,
    [GET_ITER] = USE_ITERATE,
    [FOR_ITER] = USE_ITERATE,
    [UNPACK_SEQUENCE] = USE_ITERATE,
    [UNPACK_EX] = USE_ITERATE,
    [GET_AWAITABLE] = USE_ITERATE,
    [GET_YIELD_FROM_ITER] = USE_ITERATE,
    [SEND] = USE_ITERATE,
    [GET_LEN] = USE_TRUTH,
    [CALL] = USE_ANY,
    [CALL_FUNCTION_EX] = USE_ANY,
    [CALL_INTRINSIC_1] = USE_ANY,
#if CT_PY312
    [POP_JUMP_IF_TRUE] = USE_TRUTH,
    [POP_JUMP_IF_FALSE] = USE_TRUTH,
    [FORMAT_VALUE] = USE_TEXT,
#else
    [TO_BOOL] = USE_TRUTH,
    [FORMAT_SIMPLE] = USE_TEXT,
    [FORMAT_WITH_SPEC] = USE_TEXT,
    [CONVERT_VALUE] = USE_TEXT,
    [CALL_KW] = USE_ANY,
#endif
};

uint16_t unseen_uses_of_instruction(int opcode)
{
    return uses_of[opcode];
}

/* ---- what classes run for it
 * ------------------------------------------------------------------------ */

static const struct method {
    const char *name;
    uint16_t uses;
} methods[] = {
    {"__getattr__", USE_ATTR},
    {"__getattribute__", USE_ATTR},
    {"__setattr__", USE_SET_ATTR},
    {"__delattr__", USE_SET_ATTR},
    {"__getitem__", USE_ITEM | USE_ITERATE},
    {"__missing__", USE_ITEM},
    {"__setitem__", USE_ITEM},
    {"__delitem__", USE_ITEM},
    {"__iter__", USE_ITERATE},
    {"__next__", USE_ITERATE},
    {"__aiter__", USE_ITERATE},
    {"__anext__", USE_ITERATE},
    {"__await__", USE_ITERATE},
    {"__reversed__", USE_ITERATE},
    {"__contains__", USE_ITERATE},
    {"__length_hint__", USE_ITERATE},
    {"__len__", USE_TRUTH | USE_ITERATE},
    {"__bool__", USE_TRUTH},
    {"__eq__", USE_COMPARE},
    {"__ne__", USE_COMPARE},
    {"__lt__", USE_COMPARE},
    {"__le__", USE_COMPARE},
    {"__gt__", USE_COMPARE},
    {"__ge__", USE_COMPARE},
    {"__hash__", USE_HASH},
    {"__str__", USE_TEXT},
    {"__repr__", USE_TEXT},
    {"__format__", USE_TEXT},
    {"__call__", USE_CALL},
};

/* The rest, those of them too whose names begin with r and i. */
static const char *const number_methods[] = {
    "add",   "sub", "mul",   "matmul",  "truediv", "floordiv", "mod",  "divmod", "pow",
    "lsh",   "rsh", "and",   "xor",     "or",      "neg",      "pos",  "abs",    "inv",
    "round", "int", "float", "complex", "index",   "trunc",    "ceil", "floor",  "bytes",
};

static bool is_number_method(const char *name)
{
    for (size_t i = 0; i < sizeof number_methods / sizeof number_methods[0]; i++) {
        const char *word = number_methods[i];
        size_t size = strlen(word);
        bool prefixed = (name[2] == 'r' || name[2] == 'i') && strncmp(name + 3, word, size) == 0;
        if (prefixed || strncmp(name + 2, word, size) == 0) {
            return true;
        }
    }
    return false;
}

static uint16_t uses_of_method(const char *name)
{
    if (strncmp(name, "__", 2) != 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return methods[i].uses;
        }
    }
    return is_number_method(name) ? USE_NUMBER : 0;
}

static PyObject *file_of(PyObject *function)
{
    return ((PyCodeObject *)PyFunction_GET_CODE(function))->co_filename;
}

static bool is_text(PyObject *text, const char *ascii)
{
    return PyUnicode_CompareWithASCIIString(text, ascii) == 0;
}

bool unseen_changes(struct session *session, PyObject *function)
{
    return !plan_will_record_function(session, function) &&
           !is_text(file_of(function), "<frozen _collections_abc>");
}

/* A function of Python code that may change something and is not recorded. */
static bool is_unseen(struct session *session, PyObject *function)
{
    return function != NULL && PyFunction_Check(function) && unseen_changes(session, function);
}

/* Does the name of a file end so? */
static bool is_file(PyObject *file, const char *end)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(file), length = (Py_ssize_t)strlen(end);
    return PyUnicode_IS_ASCII(file) && size >= length &&
           memcmp((const char *)PyUnicode_DATA(file) + (size - length), end, (size_t)length) == 0;
}

/* From a text, but for `__repr__`, which is put around one. */
bool unseen_is_of_dataclass(const PyTypeObject *type, PyObject *function)
{
    PyObject *file = PyFunction_Check(function) ? file_of(function) : NULL;
    bool is_made = file != NULL && (is_text(file, "<string>") || is_file(file, "/dataclasses.py") ||
                                    is_file(file, "/reprlib.py"));
    return is_made && type->tp_dict != NULL &&
           compat_dict_get(type->tp_dict, "__dataclass_fields__") != NULL;
}

/* `fget` and its like, which no header tells of. */
static PyObject *member_of(PyObject *owner, const char *name)
{
    const PyMemberDef *member = Py_TYPE(owner)->tp_members;
    for (; member != NULL && member->name != NULL; member++) {
        if (strcmp(member->name, name) == 0) {
            return *(PyObject **)((char *)owner + member->offset);
        }
    }
    return NULL;
}

/* What members of an enum run of the standard library's when they are compared, hashed or asked for
 * their names changes nothing that a program holds. */
static bool is_of_enum(PyTypeObject *type)
{
    PyObject *module = type->tp_dict != NULL ? types_module(type) : NULL;
    return module != NULL && PyUnicode_CompareWithASCIIString(module, "enum") == 0;
}

/* Getting an attribute runs what its class keeps under the name, when that has a __get__. */
static uint16_t uses_of_descriptor(struct session *session, PyObject *held)
{
    static PyObject *get_name;
    PyTypeObject *type = Py_TYPE(held);
    if (PyObject_TypeCheck(held, &PyProperty_Type)) {
        return (uint16_t)((is_unseen(session, member_of(held, "fget")) ? USE_ATTR : 0) |
                          (is_unseen(session, member_of(held, "fset")) ? USE_SET_ATTR : 0));
    }
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) || type->tp_descr_get == NULL || is_of_enum(type)) {
        return 0;
    }
    if (get_name == NULL) {
        get_name = PyUnicode_InternFromString("__get__");
    }
    PyObject *get = get_name != NULL ? _PyType_Lookup(type, get_name) : NULL;
    return is_unseen(session, get) ? USE_ATTR : 0;
}

static uint16_t uses_of_class(struct session *session, PyTypeObject *type)
{
    PyObject *key, *held;
    uint16_t uses = 0;
    if (type->tp_dict == NULL || is_of_enum(type)) {
        return 0;
    }
    struct compat_dict_walk walk = compat_dict_walk(type->tp_dict);
    while (compat_dict_next(&walk, &key, &held)) {
        if (!PyUnicode_CheckExact(key) || !PyUnicode_IS_ASCII(key) || held == NULL) {
            continue;
        }
        uint16_t may = uses_of_method((const char *)PyUnicode_DATA(key));
        bool is_unknown = may != 0 && (uses & may) != may && is_unseen(session, held) &&
                          !unseen_is_of_dataclass(type, held);
        uses |= is_unknown ? may : 0;
        uses |= uses_of_descriptor(session, held);
    }
    return uses;
}

uint16_t unseen_uses_of_type(struct session *session, PyTypeObject *type)
{
    uint16_t uses = 0;
    for (Py_ssize_t i = 0; type->tp_mro != NULL && i < PyTuple_GET_SIZE(type->tp_mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i);
        uses |= base->tp_flags & Py_TPFLAGS_HEAPTYPE ? uses_of_class(session, base) : 0;
    }
    return uses;
}

static bool is_generator(const PyObject *value)
{
    return PyGen_CheckExact(value) || PyCoro_CheckExact(value) || PyAsyncGen_CheckExact(value);
}

static bool generator_is_unseen(struct session *session, PyObject *generator)
{
    PyCodeObject *code = compat_frame_code((compat_frame *)((PyGenObject *)generator)->gi_iframe);
    return code == NULL || !plan_will_record(session, code, NULL);
}

uint16_t unseen_uses(struct session *session, PyObject *value, const struct type_info *type)
{
    bool runs = is_generator(value) && generator_is_unseen(session, value);
    return type->unseen | (runs ? USE_ITERATE : 0);
}

/* ---- iterators
 * ------------------------------------------------------------------------------------ */

enum { PARTS_MAX = 32, NESTING_MAX = 4 };

struct advance {
    struct session *session;
    const PyTypeObject *type; /* of the iterator being looked through: it refers to it too */
    int parts;                /* looked at so far */
    int nesting;
    bool is_unseen;
};

/* Iterators over containers of the interpreter's. */
static bool is_plain(const PyTypeObject *type)
{
    return type->tp_iternext == NULL || type == &PyListIter_Type || type == &PyRangeIter_Type ||
           type == &PyTupleIter_Type || type == &PyDictIterItem_Type ||
           type == &PyDictIterKey_Type || type == &PyDictIterValue_Type ||
           type == &PySetIter_Type || type == &PyUnicodeIter_Type || type == &PyBytesIter_Type;
}

static void look_at_iterator(struct advance *advance, PyObject *iterator);

/* What an iterator made of others and of functions refers to: `map(f, zip(a, b))`. */
static int look_at_part(PyObject *part, void *closure)
{
    struct advance *advance = closure;
    if (part == NULL) {
        return 0; /* zip_longest takes iterators at their end out of its tuple */
    }
    if (++advance->parts > PARTS_MAX) {
        advance->is_unseen = true;
    }
    if (advance->is_unseen) {
        return 1;
    }
    if (PyTuple_CheckExact(part)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(part) && !advance->is_unseen; i++) {
            look_at_part(PyTuple_GET_ITEM(part, i), advance);
        }
    } else if (PyFunction_Check(part) || PyCFunction_Check(part) || PyType_Check(part)) {
        static const struct effect plain_call = {.action = ACTION_CALL};
        enum verdict verdict = verdict_of_callable(advance->session, part, &plain_call);
        advance->is_unseen = part != (const PyObject *)advance->type && verdict != VERDICT_PURE &&
                             verdict != VERDICT_RECORDED;
    } else if (Py_TYPE(part)->tp_iternext != NULL || Py_TYPE(part)->tp_call != NULL ||
               (Py_TYPE(part)->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        look_at_iterator(advance, part);
    }
    return advance->is_unseen;
}

static void look_at_iterator(struct advance *advance, PyObject *iterator)
{
    PyTypeObject *type = Py_TYPE(iterator);
    if (is_generator(iterator)) {
        advance->is_unseen = generator_is_unseen(advance->session, iterator);
        return;
    }
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        enum { USED = USE_ITERATE | USE_CALL };
        const struct type_info *info = types_of(advance->session, type);
        advance->is_unseen = info == NULL || (info->unseen & USED) != 0;
    }
    bool is_native = types_native(type) == type;
    if (advance->is_unseen || !is_native || type->tp_traverse == NULL) {
        return; /* an instance of the program's: what it calls is recorded where it happens */
    }
    if (++advance->nesting > NESTING_MAX) {
        advance->is_unseen = true;
        return;
    }
    const PyTypeObject *around = advance->type;
    advance->type = type;
    type->tp_traverse(iterator, look_at_part, advance);
    advance->type = around;
    advance->nesting--;
}

bool unseen_advances(struct session *session, PyObject *iterator)
{
    const PyTypeObject *type = Py_TYPE(iterator);
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) && is_plain(type)) {
        return false;
    }
    struct advance advance = {.session = session};
    look_at_iterator(&advance, iterator);
    return advance.is_unseen;
}
