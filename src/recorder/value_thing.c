/* Functions, methods, classes, modules, code: what has a name and is known by its identity. */
#include <stdlib.h>

#include "recorder/value_internal.h"
#include "recorder/wtf8.h"

enum { NAME_BYTES = 256 }; /* of a name C gives, or a class's with its module */

/* The `__name__` a module has now, borrowed. The collector takes the dict of one that is garbage.
 */
static PyObject *module_name(PyObject *module)
{
    PyObject *dict = PyModule_GetDict(module);
    PyObject *name = dict != NULL ? compat_dict_get(dict, "__name__") : NULL;
    return name != NULL && PyUnicode_CheckExact(name) ? name : NULL;
}

/* The name a thing is shown by, borrowed; NULL when it has none. */
static PyObject *thing_name(PyObject *thing)
{
    if (PyFunction_Check(thing)) {
        return ((PyFunctionObject *)thing)->func_qualname;
    }
    if (PyCode_Check(thing)) {
        return ((PyCodeObject *)thing)->co_name;
    }
    if (PyType_Check(thing) && (((PyTypeObject *)thing)->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return ((PyHeapTypeObject *)thing)->ht_qualname;
    }
    return PyModule_Check(thing) ? module_name(thing) : NULL;
}

static bool is_descriptor(PyObject *thing)
{
    PyTypeObject *type = Py_TYPE(thing);
    return type == &PyMethodDescr_Type || type == &PyClassMethodDescr_Type ||
           type == &PyWrapperDescr_Type || type == &PyMemberDescr_Type ||
           type == &PyGetSetDescr_Type;
}

/* The type and the name of something written in C that belongs to a type: "list", "append". */
static void split_c_name(PyObject *thing, const char **owner, const char **name)
{
    *owner = *name = "";
    if (PyCFunction_Check(thing)) {
        PyObject *self = ((PyCFunctionObject *)thing)->m_self;
        *owner = self == NULL || PyModule_Check(self) ? "" : Py_TYPE(self)->tp_name;
        *name = ((PyCFunctionObject *)thing)->m_ml->ml_name;
    } else if (is_descriptor(thing)) {
        PyDescrObject *descriptor = (PyDescrObject *)thing;
        *owner = descriptor->d_type->tp_name;
        *name = PyUnicode_IS_COMPACT_ASCII(descriptor->d_name)
                    ? (const char *)PyUnicode_DATA(descriptor->d_name)
                    : "";
    } else if (PyType_Check(thing)) {
        *name = ((PyTypeObject *)thing)->tp_name;
    } else if (compat_is_method_wrapper(thing)) {
        const struct compat_method_wrapper *wrapper = (void *)thing;
        *owner = Py_TYPE(wrapper->self)->tp_name;
        *name = wrapper->descriptor->d_base->name;
    }
}

static uint8_t *put_c_name(struct session *session, uint8_t *at, PyObject *thing)
{
    const char *owner, *name;
    char both[NAME_BYTES];
    split_c_name(thing, &owner, &name);
    snprintf(both, sizeof both, "%s%s%s", owner, *owner != 0 ? "." : "", name);
    return value__put_c_text(session, at, both);
}

/* What an iterator iterates over, a weak reference refers to; NULL when that was let go, and for
 * any other thing. */
static PyObject *held_by(PyObject *thing, const struct type_info *type)
{
    PyObject *held = type->part_count == 0 ? NULL : *(PyObject **)((char *)thing + type->parts[0]);
    bool is_gone = held == NULL || held == Py_None || Py_REFCNT(held) == 0;
    return is_gone ? NULL : held;
}

/* Bound methods come and go at one address: what they are made of tells them apart. */
static uint64_t hash_parts(struct session *session, uint64_t hash, PyObject *thing,
                           const struct type_info *type)
{
    if (type->part_count != 0) {
        PyObject *held = held_by(thing, type);
        return value__hash_values(session, hash, &held, held != NULL);
    }
    if (PyMethod_Check(thing)) {
        hash = value_mix(hash, (uint64_t)(uintptr_t)PyMethod_GET_FUNCTION(thing));
        return value_mix(hash, (uint64_t)(uintptr_t)PyMethod_GET_SELF(thing));
    }
    if (PyCFunction_Check(thing)) {
        hash = value_mix(hash, (uint64_t)(uintptr_t)((PyCFunctionObject *)thing)->m_ml);
        return value_mix(hash, (uint64_t)(uintptr_t)((PyCFunctionObject *)thing)->m_self);
    }
    return hash;
}

uint64_t value__hash_thing(struct session *session, PyObject *thing, const struct type_info *type)
{
    uint64_t hash = value_mix((uint64_t)(uintptr_t)thing, (uint64_t)(uintptr_t)type);
    PyObject *name = thing_name(thing);
    return name != NULL ? value_mix(hash, value__hash_text(session, name))
                        : hash_parts(session, hash, thing, type);
}

/* "module.qualified name", without "builtins."; false where the class says no module. */
static bool put_class_name(struct session *session, uint8_t **at, PyObject *class)
{
    PyTypeObject *type = (PyTypeObject *)class;
    char name[NAME_BYTES];
    PyObject *module = type->tp_flags & Py_TPFLAGS_HEAPTYPE ? types_module(type) : NULL;
    char *of = module != NULL ? text_copy(module) : NULL;
    char *qualified = module != NULL ? text_copy(((PyHeapTypeObject *)type)->ht_qualname) : NULL;
    bool known = of != NULL && qualified != NULL && strcmp(of, "builtins") != 0;
    if (known) {
        snprintf(name, sizeof name, "%s.%s", of, qualified);
        *at = value__put_c_text(session, *at, name);
    }
    free(of);
    free(qualified);
    return known;
}

static uint8_t *put_method(struct session *session, uint8_t *at, PyObject *method, int depth)
{
    PyObject *function = PyMethod_GET_FUNCTION(method);
    PyObject *name = thing_name(function);
    at = value__put_tuple(session, at, 2);
    at = name != NULL ? value__put_text(session, at, name) : put_c_name(session, at, function);
    return value__put_child(session, at, PyMethod_GET_SELF(method), depth + 1);
}

uint8_t *value__put_thing(struct session *session, uint8_t *at, PyObject *thing,
                          struct type_info *type, int depth)
{
    *at++ = CTR_V_THING;
    at = ct_varint_put(at, types_number(session, type));
    at = ct_varint_put(at, (uint64_t)(uintptr_t)thing);
    if (PyMethod_Check(thing)) {
        return put_method(session, at, thing, depth);
    }
    if (type->family == CTR_F_CLASS && put_class_name(session, &at, thing)) {
        return at;
    }
    PyObject *held = held_by(thing, type);
    if (held != NULL) {
        at = value__put_tuple(session, at, 1);
        return value__put_child(session, at, held, depth + 1);
    }
    PyObject *name = thing_name(thing);
    return name != NULL && PyUnicode_CheckExact(name) ? value__put_text(session, at, name)
                                                      : put_c_name(session, at, thing);
}
