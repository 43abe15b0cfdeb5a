/*
 * The do-nothing floor: what sys.monitoring itself costs.
 *
 * One tool (the "empty" one) listens to every event a recorder needs and answers each with None
 * from an object whose vectorcall slot is the callback, the cheapest callable CPython knows. It
 * is restricted to the program's own code exactly as a recorder is: a second tool (the "scout")
 * sees each code object's first start, switches the local events of the empty tool on if the
 * file is in scope, and disables itself at that place. In steady state the scout costs nothing,
 * so that what is measured is the interpreter and an empty call.
 *
 * start(skipped, counting=False): `skipped` is a tuple of path prefixes that are out of scope.
 * stop() -> {event name: count} (zeros unless counting).
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stddef.h>

enum event { LINE, PY_START, PY_RESUME, PY_RETURN, PY_YIELD, PY_THROW, PY_UNWIND, RAISE, EVENTS };

static const struct {
    const char *name;
    bool is_local;
} events[EVENTS] = {
    [LINE] = {"LINE", true},
    [PY_START] = {"PY_START", true},
    [PY_RESUME] = {"PY_RESUME", true},
    [PY_RETURN] = {"PY_RETURN", true},
    [PY_YIELD] = {"PY_YIELD", true},
    [PY_THROW] = {"PY_THROW", false},
    [PY_UNWIND] = {"PY_UNWIND", false},
    [RAISE] = {"RAISE", false},
};

struct callback {
    PyObject_HEAD vectorcallfunc call;
    unsigned long long count;
};

/* A benchmark runs one floor in one interpreter: file-scope state keeps it readable. */
static struct {
    bool running;
    bool counting;
    int empty_id;
    int scout_id;
    long local_mask;
    PyObject *monitoring;
    PyObject *set_local_events;
    PyObject *disable;
    PyObject *skipped;
    PyObject *instrumented;
    struct callback *callbacks[EVENTS];
} floor_state;

static void callback_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef callback_members[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(struct callback, call), Py_READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot callback_slots[] = {
    {Py_tp_dealloc, callback_dealloc},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, callback_members},
    {0, NULL},
};

static PyType_Spec callback_spec = {
    .name = "_floor.callback",
    .basicsize = sizeof(struct callback),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = callback_slots,
};

static PyObject *call_nothing(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(args),
                              size_t Py_UNUSED(nargs), PyObject *Py_UNUSED(names))
{
    Py_RETURN_NONE;
}

static PyObject *call_count(PyObject *self, PyObject *const *Py_UNUSED(args),
                            size_t Py_UNUSED(nargs), PyObject *Py_UNUSED(names))
{
    ((struct callback *)self)->count++;
    Py_RETURN_NONE;
}

static bool in_scope(PyCodeObject *code)
{
    PyObject *name = code->co_filename;
    if (PyUnicode_GET_LENGTH(name) == 0 || PyUnicode_READ_CHAR(name, 0) == '<') {
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(floor_state.skipped); i++) {
        PyObject *prefix = PyTuple_GET_ITEM(floor_state.skipped, i);
        if (PyUnicode_Tailmatch(name, prefix, 0, PY_SSIZE_T_MAX, -1) == 1) {
            return false;
        }
    }
    return true;
}

static int set_local_events(PyObject *code, long mask)
{
    PyObject *result = PyObject_CallFunction(floor_state.set_local_events, "iOl",
                                             floor_state.empty_id, code, mask);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* The first start of a code object: its events come from the empty tool from here on. */
static PyObject *call_scout(PyObject *Py_UNUSED(self), PyObject *const *args,
                            size_t Py_UNUSED(nargs), PyObject *Py_UNUSED(names))
{
    if (in_scope((PyCodeObject *)args[0])) {
        if (PyList_Append(floor_state.instrumented, args[0]) < 0 ||
            set_local_events(args[0], floor_state.local_mask) < 0) {
            return NULL;
        }
        if (floor_state.counting) {
            floor_state.callbacks[PY_START]->count++;
        }
    }
    return Py_NewRef(floor_state.disable);
}

static struct callback *new_callback(PyObject *module, vectorcallfunc call)
{
    PyTypeObject *type = (PyTypeObject *)PyObject_GetAttrString(module, "callback");
    if (!type) {
        return NULL;
    }
    struct callback *self = (struct callback *)type->tp_alloc(type, 0);
    if (self) {
        self->call = call;
    }
    Py_DECREF(type);
    return self;
}

static long event_mask(const char *name)
{
    PyObject *namespace = PyObject_GetAttrString(floor_state.monitoring, "events");
    PyObject *number = namespace ? PyObject_GetAttrString(namespace, name) : NULL;
    long mask = number ? PyLong_AsLong(number) : -1;
    Py_XDECREF(number);
    Py_XDECREF(namespace);
    return mask;
}

/* Calls a function of sys.monitoring whose result does not matter. */
static int monitoring_call(const char *name, const char *format, int tool, PyObject *argument)
{
    PyObject *result = PyObject_CallMethod(floor_state.monitoring, name, format, tool, argument);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static int take_tool_id(const char *name)
{
    for (int id = 5; id >= 0; id--) {
        PyObject *owner = PyObject_CallMethod(floor_state.monitoring, "get_tool", "i", id);
        bool is_free = owner == Py_None;
        Py_XDECREF(owner);
        if (!owner) {
            return -1;
        }
        if (is_free) {
            PyObject *text = PyUnicode_FromString(name);
            int status = text ? monitoring_call("use_tool_id", "iO", id, text) : -1;
            Py_XDECREF(text);
            return status < 0 ? -1 : id;
        }
    }
    PyErr_SetString(PyExc_RuntimeError, "no free sys.monitoring tool id");
    return -1;
}

static int set_events(int tool, long mask)
{
    PyObject *number = PyLong_FromLong(mask);
    int status = number ? monitoring_call("set_events", "iO", tool, number) : -1;
    Py_XDECREF(number);
    return status;
}

static int register_callback(int tool, long mask, PyObject *callback)
{
    PyObject *result = PyObject_CallMethod(floor_state.monitoring, "register_callback", "ilO", tool,
                                           mask, callback);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static int start_empty_tool(PyObject *module)
{
    long global_mask = 0;
    floor_state.local_mask = 0;
    for (int i = 0; i < EVENTS; i++) {
        long mask = event_mask(events[i].name);
        vectorcallfunc call = floor_state.counting ? call_count : call_nothing;
        struct callback *callback = new_callback(module, call);
        if (mask < 0 || !callback) {
            return -1;
        }
        Py_XSETREF(floor_state.callbacks[i], callback);
        if (register_callback(floor_state.empty_id, mask, (PyObject *)callback) < 0) {
            return -1;
        }
        *(events[i].is_local ? &floor_state.local_mask : &global_mask) |= mask;
    }
    return set_events(floor_state.empty_id, global_mask);
}

static int start_scout(PyObject *module)
{
    long mask = event_mask("PY_START");
    struct callback *scout = new_callback(module, call_scout);
    int status = scout ? register_callback(floor_state.scout_id, mask, (PyObject *)scout) : -1;
    Py_XDECREF((PyObject *)scout);
    return status < 0 ? -1 : set_events(floor_state.scout_id, mask);
}

static int acquire(PyObject *skipped)
{
    PyObject *sys = PyImport_ImportModule("sys");
    floor_state.monitoring = sys ? PyObject_GetAttrString(sys, "monitoring") : NULL;
    Py_XDECREF(sys);
    if (!floor_state.monitoring) {
        return -1;
    }
    floor_state.set_local_events =
        PyObject_GetAttrString(floor_state.monitoring, "set_local_events");
    floor_state.disable = PyObject_GetAttrString(floor_state.monitoring, "DISABLE");
    floor_state.instrumented = PyList_New(0);
    floor_state.skipped = Py_NewRef(skipped);
    if (!floor_state.set_local_events || !floor_state.disable || !floor_state.instrumented) {
        return -1;
    }
    floor_state.empty_id = take_tool_id("floor");
    floor_state.scout_id = floor_state.empty_id < 0 ? -1 : take_tool_id("floor scout");
    return floor_state.scout_id < 0 ? -1 : 0;
}

static PyObject *floor_start(PyObject *module, PyObject *args)
{
    PyObject *skipped;
    int counting = 0;
    if (!PyArg_ParseTuple(args, "O!|p", &PyTuple_Type, &skipped, &counting)) {
        return NULL;
    }
    if (floor_state.running) {
        PyErr_SetString(PyExc_RuntimeError, "the floor is already running");
        return NULL;
    }
    floor_state.counting = counting;
    if (acquire(skipped) < 0 || start_empty_tool(module) < 0 || start_scout(module) < 0) {
        return NULL;
    }
    floor_state.running = true;
    /* Places that an earlier scout disabled would stay silent otherwise. */
    return PyObject_CallMethod(floor_state.monitoring, "restart_events", NULL);
}

static int release_tool(int tool)
{
    PyObject *number = PyLong_FromLong(tool);
    if (!number || set_events(tool, 0) < 0) {
        Py_XDECREF(number);
        return -1;
    }
    PyObject *result = PyObject_CallMethod(floor_state.monitoring, "free_tool_id", "O", number);
    Py_XDECREF(result);
    Py_DECREF(number);
    return result ? 0 : -1;
}

static PyObject *count_dict(void)
{
    PyObject *counts = PyDict_New();
    for (int i = 0; counts && i < EVENTS; i++) {
        PyObject *number = PyLong_FromUnsignedLongLong(floor_state.callbacks[i]->count);
        if (!number || PyDict_SetItemString(counts, events[i].name, number) < 0) {
            Py_CLEAR(counts);
        }
        Py_XDECREF(number);
    }
    return counts;
}

static PyObject *floor_stop(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    if (!floor_state.running) {
        PyErr_SetString(PyExc_RuntimeError, "the floor is not running");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(floor_state.instrumented); i++) {
        if (set_local_events(PyList_GET_ITEM(floor_state.instrumented, i), 0) < 0) {
            return NULL;
        }
    }
    if (release_tool(floor_state.empty_id) < 0 || release_tool(floor_state.scout_id) < 0) {
        return NULL;
    }
    floor_state.running = false;
    Py_CLEAR(floor_state.instrumented);
    Py_CLEAR(floor_state.skipped);
    Py_CLEAR(floor_state.set_local_events);
    Py_CLEAR(floor_state.disable);
    Py_CLEAR(floor_state.monitoring);
    return count_dict();
}

static PyMethodDef floor_methods[] = {
    {"start", floor_start, METH_VARARGS, "start(skipped, counting=False)"},
    {"stop", floor_stop, METH_NOARGS, "stop() -> {event name: count}"},
    {NULL, NULL, 0, NULL},
};

static int floor_exec(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&callback_spec);
    int status = type ? PyModule_AddObjectRef(module, "callback", type) : -1;
    Py_XDECREF(type);
    return status;
}

static PyModuleDef_Slot floor_slots[] = {
    {Py_mod_exec, floor_exec},
    {0, NULL},
};

static struct PyModuleDef floor_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_floor",
    .m_doc = "The cost of sys.monitoring itself, as a do-nothing tool.",
    .m_methods = floor_methods,
    .m_slots = floor_slots,
};

PyMODINIT_FUNC PyInit__floor(void)
{
    return PyModuleDef_Init(&floor_module);
}
