#include "recorder/verdict.h"

#include <string.h>

#include "recorder/builtin.h"
#include "recorder/known_fields.h"
#include "recorder/plan.h"
#include "recorder/unseen.h"

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
    return builtin_changes_first(module_of(callable),
                                 ((PyCFunctionObject *)callable)->m_ml->ml_name);
}

/* A C function or type of builtins that changes none of the objects it is given; what it calls of
 * the program's (a key function, __str__) is recorded where it happens. */
static bool is_pure_builtin(PyObject *callable)
{
    if (PyCFunction_CheckExact(callable)) {
        return builtin_is_pure(module_of(callable), ((PyCFunctionObject *)callable)->m_ml->ml_name);
    }
    return PyType_Check(callable) && builtin_is_pure_type((PyTypeObject *)callable);
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
    return builtin_end(method_name(callable), arguments);
}

bool verdict_reads_dict(PyObject *callable)
{
    return builtin_reads_dict(method_name(callable));
}

/* The instances of classes that inherit the method: those of dicts report no changes. */
enum verdict verdict_of_bound(PyObject *callable, PyObject *receiver, uint8_t arguments)
{
    const char *name = method_name(callable);
    if (PyType_Check(receiver)) {
        return strcmp(name, "__new__") == 0 ? builtin_new((PyTypeObject *)receiver)
                                            : VERDICT_ESCAPES;
    }
    const PyTypeObject *type = Py_TYPE(receiver);
    while (!builtin_is_fixed(type)) {
        type = type->tp_base;
    }
    enum verdict verdict = strncmp(name, "__", 2) == 0
                               ? builtin_operator(type, name)
                               : builtin_method(type, name, verdict_end(callable, arguments));
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
        return builtin_is_immutable(PyDescr_TYPE(callable)) ? VERDICT_PURE : VERDICT_UNKNOWN;
    }
    PyObject *receiver = verdict_receiver(callable, NULL);
    if (receiver != NULL) {
        enum verdict verdict = verdict_of_bound(callable, receiver, call->arguments);
        bool is_read = builtin_is_immutable(Py_TYPE(receiver)) ||
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
    if (builtin_is_fixed(type)) {
        const char *text = PyUnicode_IS_ASCII(name) ? (const char *)PyUnicode_DATA(name) : "";
        return builtin_method(type, text, (enum end)effect->end);
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
