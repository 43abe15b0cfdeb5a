#include "recorder/verdict.h"

#include <string.h>

#include "recorder/known_fields.h"
#include "recorder/plan.h"
#include "recorder/unseen.h"

static const char *const pure_builtins[] = {
    "abs",     "all",   "any",      "ascii",     "bool",  "bytes",      "callable",   "chr",
    "complex", "dict",  "divmod",   "enumerate", "float", "format",     "frozenset",  "getattr",
    "hasattr", "hash",  "hex",      "id",        "int",   "isinstance", "issubclass", "iter",
    "len",     "list",  "max",      "min",       "oct",   "ord",        "pow",        "print",
    "range",   "repr",  "reversed", "round",     "set",   "slice",      "sorted",     "str",
    "sum",     "super", "tuple",    "type",      "zip",
};

/* What lets other threads go on is not among them: they may do anything. */
static const char *const pure_operators[] = {
    "add", "contains", "eq",  "ge",  "getitem", "gt",   "index", "is_",     "is_not",
    "le",  "lt",       "mod", "mul", "ne",      "not_", "sub",   "truediv", "truth",
};
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

/* The name of the module a C function is of. */
static const char *module_of(PyObject *function)
{
    PyObject *module = ((PyCFunctionObject *)function)->m_module;
    bool is_plain = module != NULL && PyUnicode_Check(module) && PyUnicode_IS_ASCII(module);
    return is_plain ? (const char *)PyUnicode_DATA(module) : "";
}

/* Does a function written in C change what it is given first, and nothing else? */
static bool is_changer(PyObject *callable)
{
    if (!PyCFunction_CheckExact(callable)) {
        return false;
    }
    static const char *const builtins[] = {"delattr", "next", "setattr"};
    const char *module = module_of(callable);
    return NAME_IN(module, argument_modules) ||
           (strcmp(module, "builtins") == 0 &&
            NAME_IN(((PyCFunctionObject *)callable)->m_ml->ml_name, builtins));
}

static bool is_pure_function(const char *module, const char *name)
{
    for (size_t i = 0; i < sizeof pure_modules / sizeof pure_modules[0]; i++) {
        if (strcmp(pure_modules[i].name, module) == 0) {
            return pure_modules[i].functions == NULL ||
                   name_in(name, pure_modules[i].functions, pure_modules[i].count);
        }
    }
    return false;
}

/* A C function or type of builtins that changes none of the objects it is given; what it calls of
 * the program's (a key function, __str__) is recorded where it happens. */
static bool is_pure_builtin(PyObject *callable)
{
    if (PyCFunction_CheckExact(callable)) {
        return is_pure_function(module_of(callable),
                                ((PyCFunctionObject *)callable)->m_ml->ml_name);
    }
    return PyType_Check(callable) &&
           !(((PyTypeObject *)callable)->tp_flags & Py_TPFLAGS_HEAPTYPE) &&
           NAME_IN(((PyTypeObject *)callable)->tp_name, pure_builtins);
}

/* print works on its `file`; iter of two arguments calls the first, type makes a class of them. */
static bool is_pure_call(PyObject *pure, const struct effect *call)
{
    if (pure == (PyObject *)&PyType_Type) {
        return call->arguments == 1;
    }
    const char *name =
        PyCFunction_CheckExact(pure) ? ((PyCFunctionObject *)pure)->m_ml->ml_name : "";
    return !(call->has_keywords && strcmp(name, "print") == 0) &&
           !(call->arguments > 1 && strcmp(name, "iter") == 0);
}

/* An `__init__` that dataclass made: it stores what it is given, and calls what makes defaults and
 * `__post_init__`. */
static bool is_harmless_init(struct session *session, const PyTypeObject *type, PyObject *init)
{
    static PyObject *last_name;
    static const struct effect plain_call = {.action = ACTION_CALL};
    if (last_name == NULL) {
        last_name = PyUnicode_InternFromString("__post_init__");
    }
    PyObject *last = last_name != NULL ? _PyType_Lookup((PyTypeObject *)type, last_name) : NULL;
    PyObject *cells = PyFunction_GET_CLOSURE(init);
    bool is_harmless = last_name != NULL && type->tp_setattro == PyObject_GenericSetAttr &&
                       (last == NULL || plan_will_record_function(session, last));
    for (Py_ssize_t i = 0; is_harmless && cells != NULL && i < PyTuple_GET_SIZE(cells); i++) {
        PyObject *held = PyCell_GET(PyTuple_GET_ITEM(cells, i));
        if (held != NULL && Py_TYPE(held)->tp_call != NULL) {
            enum verdict verdict = verdict_of_callable(session, held, &plain_call);
            is_harmless = verdict == VERDICT_PURE || verdict == VERDICT_RECORDED;
        }
    }
    return is_harmless;
}

/* What a class runs to make an instance: as `object` and the plain exceptions do, which take what
 * they are given and do nothing else, or an __init__ of the program's. */
static enum verdict judge_class(struct session *session, PyTypeObject *type)
{
    static PyObject *init_name;
    if (init_name == NULL) {
        init_name = PyUnicode_InternFromString("__init__");
    }
    const PyTypeObject *exception = (PyTypeObject *)PyExc_Exception;
    bool is_plain = type->tp_new == PyBaseObject_Type.tp_new || type->tp_new == exception->tp_new;
    if (Py_TYPE(type) != &PyType_Type || !is_plain || init_name == NULL) {
        return VERDICT_ESCAPES;
    }
    if (type->tp_init == PyBaseObject_Type.tp_init || type->tp_init == exception->tp_init) {
        return VERDICT_PURE;
    }
    PyObject *init = _PyType_Lookup(type, init_name);
    bool is_seen = init != NULL &&
                   (plan_will_record_function(session, init) ||
                    (unseen_is_of_dataclass(type, init) && is_harmless_init(session, type, init)));
    return is_seen ? VERDICT_RECORDED : VERDICT_ESCAPES;
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

/* A type written in C whose methods stay what they are. */
static bool is_fixed(const PyTypeObject *type)
{
    return !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) || (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE);
}

static bool is_immutable(const PyTypeObject *type)
{
    return type == &PyUnicode_Type || type == &PyBytes_Type || type == &PyLong_Type ||
           type == &PyFloat_Type || type == &PyTuple_Type || type == &PyFrozenSet_Type;
}

/* A method of an exact built-in type: all changes of dicts are reported, the others are looked for.
 */
static enum verdict judge_builtin_method(const PyTypeObject *type, const char *text, enum end end)
{
    bool is_dict = type == &PyDict_Type || strcmp(type->tp_name, "collections.defaultdict") == 0;
    if (is_dict || is_immutable(type)) {
        return VERDICT_PURE;
    }
    bool is_deque = strcmp(type->tp_name, "collections.deque") == 0;
    if ((type == &PyList_Type && (end == END_APPEND || end == END_POP)) ||
        (is_deque && end != END_NONE)) {
        return VERDICT_CHANGES_ENDS;
    }
    if (type == &PyList_Type || is_deque) {
        return NAME_IN(text, list_reads) ? VERDICT_PURE : VERDICT_CHANGES;
    }
    if (strcmp(type->tp_name, "re.Match") == 0 || strcmp(type->tp_name, "re.Pattern") == 0) {
        return NAME_IN(text, pattern_calls) ? VERDICT_ESCAPES : VERDICT_PURE;
    }
    if (strcmp(type->tp_name, "_random.Random") == 0) {
        return VERDICT_PURE; /* its state is not shown */
    }
    if (strcmp(type->tp_name, "_io.StringIO") == 0 || strcmp(type->tp_name, "_io.BytesIO") == 0) {
        return strcmp(text, "getvalue") == 0 ? VERDICT_PURE
               : NAME_IN(text, stream_calls) ? VERDICT_CHANGES
                                             : VERDICT_ESCAPES;
    }
    if (strcmp(type->tp_name, "xml.etree.ElementTree.Element") == 0) {
        return NAME_IN(text, element_reads) ? VERDICT_PURE : VERDICT_CHANGES;
    }
    if (type == &PySet_Type) {
        if (strcmp(text, "add") == 0) {
            return VERDICT_CHANGES_ENDS;
        }
        return NAME_IN(text, set_reads) ? VERDICT_PURE : VERDICT_CHANGES;
    }
    return type == &PyByteArray_Type || type == &PyODict_Type ? VERDICT_CHANGES : VERDICT_ESCAPES;
}

enum end verdict_end_of(const char *name, uint8_t arguments)
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

/* A method in a class written in C, the one for an operator too: `list.append`, `list.__iadd__`. */
static bool is_unbound(PyObject *callable)
{
    return Py_IS_TYPE(callable, &PyMethodDescr_Type) || Py_IS_TYPE(callable, &PyWrapperDescr_Type);
}

PyObject *verdict_receiver(PyObject *callable, PyObject *first)
{
    if (is_unbound(callable)) {
        return first;
    }
    if (compat_is_method_wrapper(callable)) {
        return ((struct compat_method_wrapper *)callable)->self;
    }
    PyObject *self = PyCFunction_Check(callable) ? ((PyCFunctionObject *)callable)->m_self : NULL;
    return self != NULL && !PyModule_Check(self) ? self : NULL;
}

static const char *method_name(PyObject *callable)
{
    if (PyCFunction_Check(callable)) {
        return ((PyCFunctionObject *)callable)->m_ml->ml_name;
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        return ((PyMethodDescrObject *)callable)->d_method->ml_name;
    }
    PyWrapperDescrObject *wrapper = Py_IS_TYPE(callable, &PyWrapperDescr_Type)
                                        ? (PyWrapperDescrObject *)callable
                                        : ((struct compat_method_wrapper *)callable)->descriptor;
    return wrapper->d_base->name;
}

/* One that is called with its object as an argument is given one more than the table has. */
enum end verdict_end(PyObject *callable, uint8_t arguments)
{
    return verdict_end_of(method_name(callable), arguments);
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

/* Making an instance, and nothing else. */
static enum verdict judge_new(const PyTypeObject *type)
{
    bool is_plain = type == &PyBaseObject_Type || is_immutable(type) || is_container(type) ||
                    (is_fixed(type) && is_exception(type));
    return is_plain ? VERDICT_PURE : VERDICT_ESCAPES;
}

/* What the class of a builtin does for an operator, as where a class inherits from it and calls
 * `super().__init__()`: it looks at what it is given, or changes its own object. */
static enum verdict judge_operator(const PyTypeObject *type, const char *name)
{
    if (is_immutable(type)) {
        return VERDICT_PURE;
    }
    if (type != &PyBaseObject_Type && !is_container(type) && !is_exception(type)) {
        return VERDICT_ESCAPES;
    }
    bool is_read = NAME_IN(name, operator_reads) ||
                   (type == &PyBaseObject_Type && strcmp(name, "__init__") == 0);
    return is_read ? VERDICT_PURE : VERDICT_CHANGES;
}

bool verdict_reads_dict(PyObject *callable)
{
    const char *name = method_name(callable);
    return NAME_IN(name, dict_reads) || NAME_IN(name, operator_reads);
}

/* The instances of classes that inherit the method: those of dicts report no changes. */
enum verdict verdict_of_bound(PyObject *callable, PyObject *receiver, uint8_t arguments)
{
    const char *name = method_name(callable);
    if (PyType_Check(receiver)) {
        return strcmp(name, "__new__") == 0 ? judge_new((PyTypeObject *)receiver) : VERDICT_ESCAPES;
    }
    const PyTypeObject *type = Py_TYPE(receiver);
    while (!is_fixed(type)) {
        type = type->tp_base;
    }
    enum verdict verdict = strncmp(name, "__", 2) == 0
                               ? judge_operator(type, name)
                               : judge_builtin_method(type, name, verdict_end(callable, arguments));
    bool inherits = type != Py_TYPE(receiver) && PyDict_Check(receiver);
    return verdict == VERDICT_PURE && inherits ? VERDICT_CHANGES : verdict;
}

/* The function that an object calls when it is called: what `lru_cache` and `partial` are made of,
 * `__call__` of a class. NULL: there is none that shows. */
static PyObject *called_behind(PyObject *callable)
{
    static PyObject *call_name;
    PyTypeObject *type = Py_TYPE(callable);
    if (call_name == NULL) {
        call_name = PyUnicode_InternFromString("__call__");
    }
    if (strncmp(type->tp_name, "functools.", sizeof "functools." - 1) == 0) {
        const struct known_fields *fields = known_fields_of(type);
        return fields != NULL ? *(PyObject **)((char *)callable + fields->fields[0].offset) : NULL;
    }
    bool is_instance = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 && call_name != NULL;
    return is_instance ? _PyType_Lookup(type, call_name) : NULL;
}

enum verdict verdict_of_callable(struct session *session, PyObject *callable,
                                 const struct effect *call)
{
    if (callable == NULL) {
        return VERDICT_UNKNOWN;
    }
    if (Py_TYPE(callable)->tp_call == NULL) {
        return VERDICT_PURE;
    }
    if (PyMethod_Check(callable)) {
        callable = PyMethod_GET_FUNCTION(callable);
    }
    if (is_pure_builtin(callable)) {
        return is_pure_call(callable, call) ? VERDICT_PURE : VERDICT_ESCAPES;
    }
    if (is_unbound(callable)) {
        return is_immutable(PyDescr_TYPE(callable)) ? VERDICT_PURE : VERDICT_UNKNOWN;
    }
    PyObject *receiver = verdict_receiver(callable, NULL);
    if (receiver != NULL) {
        enum verdict verdict = verdict_of_bound(callable, receiver, call->arguments);
        bool is_read = is_immutable(Py_TYPE(receiver)) ||
                       (PyDict_CheckExact(receiver) && verdict_reads_dict(callable));
        return verdict == VERDICT_ESCAPES || is_read ? verdict : VERDICT_UNKNOWN;
    }
    if (call->on_argument && is_changer(callable)) {
        return VERDICT_PURE; /* the rest of it */
    }
    if (PyType_Check(callable)) {
        return judge_class(session, (PyTypeObject *)callable);
    }
    PyObject *behind = called_behind(callable);
    return plan_will_record_function(session, behind != NULL ? behind : callable) ? VERDICT_RECORDED
                                                                                  : VERDICT_ESCAPES;
}

/* What is found in the class is called, as far as the instance has nothing of this name itself. */
enum verdict verdict_of_method(struct session *session, PyObject *owner,
                               const struct effect *effect)
{
    PyTypeObject *type = Py_TYPE(owner);
    PyObject *name = effect->name;
    if (PyType_Check(owner)) {
        return VERDICT_UNKNOWN;
    }
    if (is_fixed(type)) {
        const char *text = PyUnicode_IS_ASCII(name) ? (const char *)PyUnicode_DATA(name) : "";
        return judge_builtin_method(type, text, (enum end)effect->end);
    }
    PyObject *method =
        type->tp_getattro == PyObject_GenericGetAttr ? _PyType_Lookup(type, name) : NULL;
    if (method == NULL || !PyFunction_Check(method)) {
        return VERDICT_UNKNOWN;
    }
    return unseen_changes(session, method) ? VERDICT_ESCAPES : VERDICT_RECORDED;
}

/* Is the first method of this name among a class and its bases written in Python, and recorded? */
static bool is_seen_method(struct session *session, PyTypeObject *type, const char *name)
{
    PyObject *found = NULL; /* a class the collector took apart has no bases any more */
    Py_ssize_t count = type->tp_mro != NULL ? PyTuple_GET_SIZE(type->tp_mro) : 0;
    for (Py_ssize_t i = 0; found == NULL && i < count; i++) {
        const PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i);
        bool is_heap = (base->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
        found = is_heap && base->tp_dict != NULL ? compat_dict_get(base->tp_dict, name) : NULL;
    }
    return found != NULL && plan_will_record_function(session, found);
}

/* What a data descriptor runs to store is recorded, or it is a slot and runs nothing. */
static bool stores_seen(struct session *session, PyObject *descriptor)
{
    if (Py_IS_TYPE(descriptor, &PyMemberDescr_Type)) {
        return true;
    }
    if (Py_IS_TYPE(descriptor, &PyProperty_Type)) {
        PyObject *setter = compat_property_setter(descriptor);
        return setter != NULL && plan_will_record_function(session, setter);
    }
    return is_seen_method(session, Py_TYPE(descriptor), "__set__");
}

enum verdict verdict_of_store(struct session *session, PyTypeObject *type, PyObject *name)
{
    if (type->tp_setattro == PyType_Type.tp_setattro) {
        return VERDICT_CHANGES;
    }
    if (type->tp_setattro != PyObject_GenericSetAttr) {
        return is_seen_method(session, type, "__setattr__") ? VERDICT_CHANGES : VERDICT_ESCAPES;
    }
    PyObject *held = _PyType_Lookup(type, name);
    if (held == NULL || Py_TYPE(held)->tp_descr_set == NULL) {
        return VERDICT_CHANGES_ONE;
    }
    return stores_seen(session, held) ? VERDICT_CHANGES : VERDICT_ESCAPES;
}
