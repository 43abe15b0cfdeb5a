#include "recorder/output.h"

#include "recorder/events.h"

enum { KINDS = 2, STDOUT = 1, STDERR = 2 };

static PyObject *write_text(PyObject *self, PyObject *text);
static PyObject *write_memory(PyObject *self, PyObject *text);

/* Method tables belong to the process, so this does too. */
static struct {
    const char *type; /* in module _io */
    PyCFunction ours;
    PyMethodDef *method;
    PyCFunction original;
} hooks[KINDS] = {
    {"TextIOWrapper", write_text, NULL, NULL},
    {"StringIO", write_memory, NULL, NULL},
};

static struct session *recording;

static int stream_of(PyObject *file)
{
    if (file == PySys_GetObject("stdout")) {
        return STDOUT;
    }
    if (file == PySys_GetObject("stderr")) {
        return STDERR;
    }
    return 0;
}

static PyObject *write_and_note(int hook, PyObject *self, PyObject *text)
{
    PyObject *result = hooks[hook].original(self, text);
    if (result != NULL && recording != NULL && PyUnicode_Check(text) &&
        PyInterpreterState_Get() == recording->interpreter) {
        int stream = stream_of(self);
        if (stream != 0) {
            event_output(recording, stream, text);
        }
    }
    return result;
}

static PyObject *write_text(PyObject *self, PyObject *text)
{
    return write_and_note(0, self, text);
}

static PyObject *write_memory(PyObject *self, PyObject *text)
{
    return write_and_note(1, self, text);
}

static PyMethodDef *find_write(const char *type_name)
{
    PyObject *io = PyImport_ImportModule("_io"); /* always loaded: it made sys.stdout */
    PyObject *type = io != NULL ? PyObject_GetAttrString(io, type_name) : NULL;
    PyMethodDef *found = NULL;
    if (type != NULL && PyType_Check(type)) {
        PyMethodDef *method = ((PyTypeObject *)type)->tp_methods;
        for (; method != NULL && method->ml_name != NULL; method++) {
            if (strcmp(method->ml_name, "write") == 0 && method->ml_flags == METH_O) {
                found = method;
            }
        }
    }
    PyErr_Clear();
    Py_XDECREF(type);
    Py_XDECREF(io);
    return found;
}

void output_start(struct session *session)
{
    recording = session;
    for (int i = 0; i < KINDS; i++) {
        PyMethodDef *method = hooks[i].method != NULL ? hooks[i].method : find_write(hooks[i].type);
        if (method != NULL && method->ml_meth != hooks[i].ours) {
            hooks[i].method = method;
            hooks[i].original = method->ml_meth;
            method->ml_meth = hooks[i].ours;
        }
    }
}

void output_stop(void)
{
    recording = NULL;
    for (int i = 0; i < KINDS; i++) {
        if (hooks[i].method != NULL && hooks[i].method->ml_meth == hooks[i].ours) {
            hooks[i].method->ml_meth = hooks[i].original;
        }
    }
}
