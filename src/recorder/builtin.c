#include "recorder/builtin.h"

#include <string.h>

static const char *const pure_builtins[] = {
    "abs",     "all",   "any",      "ascii",     "bool",  "bytes",      "callable",   "chr",
    "complex", "dict",  "divmod",   "enumerate", "float", "format",     "frozenset",  "getattr",
    "hasattr", "hash",  "hex",      "id",        "int",   "isinstance", "issubclass", "iter",
    "len",     "list",  "max",      "min",       "oct",   "ord",        "pow",        "print",
    "range",   "repr",  "reversed", "round",     "set",   "slice",      "sorted",     "str",
    "sum",     "super", "tuple",    "type",      "zip",
};

static const char *const pure_operators[] = {
    "add", "contains", "eq",  "ge",  "getitem", "gt",   "index", "is_",     "is_not",
    "le",  "lt",       "mod", "mul", "ne",      "not_", "sub",   "truediv", "truth",
};

/* What lets other threads go on is not among them, as `sleep`: they may do anything. */
static const char *const pure_clocks[] = {
    "gmtime",       "localtime",       "mktime",       "monotonic",       "monotonic_ns",
    "perf_counter", "perf_counter_ns", "process_time", "process_time_ns", "strftime",
    "time",         "time_ns",
};
static const char *const pure_paths[] = {"_path_normpath", "_path_splitroot_ex", "fspath",
                                         "getpid"};

#define NAMES(names) (names), sizeof(names) / sizeof((names)[0])

static const struct {
    const char *name;
    const char *const *functions; /* NULL: all of them */
    size_t count;
} pure_modules[] = {
    {"builtins", NAMES(pure_builtins)},
    {"_operator", NAMES(pure_operators)},
    {"math", NULL, 0},
    {"cmath", NULL, 0},
    {"time", NAMES(pure_clocks)},
    {"posix", NAMES(pure_paths)},
};

/* Their functions that change something change what they are given first. */
static const char *const argument_modules[] = {"_bisect", "_heapq"};

static bool name_in(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

#define NAME_IN(name, names) name_in((name), NAMES(names))

bool builtin_is_pure(const char *module, const char *name)
{
    for (size_t i = 0; i < sizeof pure_modules / sizeof pure_modules[0]; i++) {
        if (strcmp(pure_modules[i].name, module) == 0) {
            return pure_modules[i].functions == NULL ||
                   name_in(name, pure_modules[i].functions, pure_modules[i].count);
        }
    }
    return false;
}

static const char *const list_reads[] = {"copy", "count", "index"};
static const char *const dict_reads[] = {"copy", "fromkeys", "get", "items", "keys", "values"};
static const char *const set_reads[] = {
    "copy",     "difference", "intersection",         "isdisjoint",
    "issubset", "issuperset", "symmetric_difference", "union"};

static const char *const operator_reads[] = {
    "__contains__", "__eq__",   "__format__",   "__ge__",  "__getattribute__", "__getitem__",
    "__gt__",       "__hash__", "__iter__",     "__le__",  "__len__",          "__lt__",
    "__ne__",       "__repr__", "__reversed__", "__str__",
};
static const char *const pattern_calls[] = {"sub", "subn"}; /* what they are given */
static const char *const stream_calls[] = {"close", "read",     "readline", "seek",
                                           "tell",  "truncate", "write"};
static const char *const element_reads[] = {"find", "findall",  "findtext", "get", "items",
                                            "iter", "iterfind", "itertext", "keys"};

bool builtin_is_fixed(const PyTypeObject *type)
{
    return !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) || (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE);
}

bool builtin_is_immutable(const PyTypeObject *type)
{
    return type == &PyUnicode_Type || type == &PyBytes_Type || type == &PyLong_Type ||
           type == &PyFloat_Type || type == &PyTuple_Type || type == &PyFrozenSet_Type;
}

enum verdict builtin_method(const PyTypeObject *type, const char *name, enum end end)
{
    bool is_dict = type == &PyDict_Type || strcmp(type->tp_name, "collections.defaultdict") == 0;
    if (is_dict || builtin_is_immutable(type)) {
        return VERDICT_PURE;
    }
    bool is_deque = strcmp(type->tp_name, "collections.deque") == 0;
    if ((type == &PyList_Type && (end == END_APPEND || end == END_POP)) ||
        (is_deque && end != END_NONE)) {
        return VERDICT_CHANGES_ENDS;
    }
    if (type == &PyList_Type || is_deque) {
        return NAME_IN(name, list_reads) ? VERDICT_PURE : VERDICT_CHANGES;
    }
    if (strcmp(type->tp_name, "re.Match") == 0 || strcmp(type->tp_name, "re.Pattern") == 0) {
        return NAME_IN(name, pattern_calls) ? VERDICT_ESCAPES : VERDICT_PURE;
    }
    if (strcmp(type->tp_name, "_random.Random") == 0) {
        return VERDICT_PURE; /* its state is not shown */
    }
    if (strcmp(type->tp_name, "_io.StringIO") == 0 || strcmp(type->tp_name, "_io.BytesIO") == 0) {
        return strcmp(name, "getvalue") == 0 ? VERDICT_PURE
               : NAME_IN(name, stream_calls) ? VERDICT_CHANGES
                                             : VERDICT_ESCAPES;
    }
    if (strcmp(type->tp_name, "xml.etree.ElementTree.Element") == 0) {
        return NAME_IN(name, element_reads) ? VERDICT_PURE : VERDICT_CHANGES;
    }
    if (type == &PySet_Type) {
        if (strcmp(name, "add") == 0) {
            return VERDICT_CHANGES_ENDS;
        }
        return NAME_IN(name, set_reads) ? VERDICT_PURE : VERDICT_CHANGES;
    }
    return type == &PyByteArray_Type || type == &PyODict_Type ? VERDICT_CHANGES : VERDICT_ESCAPES;
}

enum end builtin_end(const char *name, uint8_t arguments)
{
    static const struct {
        const char *name;
        uint8_t arguments, end;
    } ends[] = {
        {"append", 1, END_APPEND},
        {"pop", 0, END_POP},
        {"appendleft", 1, END_APPEND_LEFT},
        {"popleft", 0, END_POP_LEFT},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends[i].arguments == arguments && strcmp(ends[i].name, name) == 0) {
            return (enum end)ends[i].end;
        }
    }
    return END_NONE;
}

static bool is_container(const PyTypeObject *type)
{
    return type == &PyList_Type || type == &PyDict_Type || type == &PySet_Type ||
           type == &PyODict_Type || type == &PyByteArray_Type;
}

static bool is_exception(const PyTypeObject *type)
{
    return PyType_IsSubtype((PyTypeObject *)type, (PyTypeObject *)PyExc_BaseException);
}

enum verdict builtin_new(const PyTypeObject *type)
{
    bool is_plain = type == &PyBaseObject_Type || builtin_is_immutable(type) ||
                    is_container(type) || (builtin_is_fixed(type) && is_exception(type));
    return is_plain ? VERDICT_PURE : VERDICT_ESCAPES;
}

enum verdict builtin_operator(const PyTypeObject *type, const char *name)
{
    if (builtin_is_immutable(type)) {
        return VERDICT_PURE;
    }
    if (type != &PyBaseObject_Type && !is_container(type) && !is_exception(type)) {
        return VERDICT_ESCAPES;
    }
    bool is_read = NAME_IN(name, operator_reads) ||
                   (type == &PyBaseObject_Type && strcmp(name, "__init__") == 0);
    return is_read ? VERDICT_PURE : VERDICT_CHANGES;
}

bool builtin_reads_dict(const char *name)
{
    return NAME_IN(name, dict_reads) || NAME_IN(name, operator_reads);
}

bool builtin_is_pure_type(const PyTypeObject *type)
{
    return !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) && NAME_IN(type->tp_name, pure_builtins);
}

bool builtin_changes_first(const char *module, const char *name)
{
    static const char *const builtins[] = {"delattr", "next", "setattr"};
    return NAME_IN(module, argument_modules) ||
           (strcmp(module, "builtins") == 0 && NAME_IN(name, builtins));
}
