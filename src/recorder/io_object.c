#include "recorder/io_object.h"

#include <stddef.h>
#include <string.h>

#include "recorder/types.h"

/* FileIO as 3.12 and 3.13 have it: the descriptor comes first. */
struct file_io {
    PyObject_HEAD int fd;
};

enum { TEXT, READER, WRITER, RANDOM, WRAPPERS };

/* Types are compared with those of living objects only. */
static struct {
    const char *name;
    const char *member; /* that holds the inner object */
    PyTypeObject *type;
    Py_ssize_t offset;
} wrappers[WRAPPERS] = {
    [TEXT] = {"TextIOWrapper", "buffer", NULL, 0},
    [READER] = {"BufferedReader", "raw", NULL, 0},
    [WRITER] = {"BufferedWriter", "raw", NULL, 0},
    [RANDOM] = {"BufferedRandom", "raw", NULL, 0},
};

static PyTypeObject *file_type;

/* ---- learning
 * ---------------------------------------------------------------------------------------- */

static PyTypeObject *type_named(PyObject *io, const char *name)
{
    PyObject *type = compat_dict_get(PyModule_GetDict(io), name);
    return type != NULL && PyType_Check(type) ? (PyTypeObject *)type : NULL;
}

static Py_ssize_t offset_of(const PyTypeObject *type, const char *name)
{
    const PyMemberDef *member = type->tp_members;
    for (; member != NULL && member->name != NULL; member++) {
        if (strcmp(member->name, name) == 0) {
            return member->offset;
        }
    }
    return 0;
}

/* One that opened nothing yet says -1. */
static bool is_as_known(PyTypeObject *type)
{
    PyObject *none = PyTuple_New(0);
    PyObject *file = none != NULL ? type->tp_new(type, none, NULL) : NULL;
    bool is_known = file != NULL && type->tp_basicsize > (Py_ssize_t)sizeof(struct file_io) &&
                    ((struct file_io *)file)->fd == -1;
    Py_XDECREF(file);
    Py_XDECREF(none);
    PyErr_Clear();
    return is_known;
}

bool io_object_learn(void)
{
    PyObject *io = PyImport_ImportModule("_io"); /* always loaded: it made sys.stdout */
    bool is_known = io != NULL && PyModule_Check(io);
    for (int i = 0; i < WRAPPERS && is_known; i++) {
        wrappers[i].type = type_named(io, wrappers[i].name);
        is_known = wrappers[i].type != NULL;
        wrappers[i].offset = is_known ? offset_of(wrappers[i].type, wrappers[i].member) : 0;
        is_known = wrappers[i].offset > 0;
    }
    file_type = is_known ? type_named(io, "FileIO") : NULL;
    is_known = file_type != NULL && is_as_known(file_type);
    Py_XDECREF(io);
    PyErr_Clear();
    return is_known;
}

/* ---- reading
 * ----------------------------------------------------------------------------------------- */

PyObject *io_object_inner(PyObject *file)
{
    for (int i = 0; i < WRAPPERS; i++) {
        if (PyObject_TypeCheck(file, wrappers[i].type)) {
            return *(PyObject **)((char *)file + wrappers[i].offset);
        }
    }
    return NULL;
}

int io_object_descriptor(PyObject *file)
{
    enum { LAYERS = 2 }; /* above the FileIO */
    for (int i = 0; file != NULL && i <= LAYERS; i++) {
        if (PyObject_TypeCheck(file, file_type)) {
            return ((struct file_io *)file)->fd;
        }
        file = io_object_inner(file);
    }
    return -1;
}

bool io_object_is_plain(PyObject *file)
{
    PyObject *inner = Py_IS_TYPE(file, file_type) ? file : io_object_inner(file);
    for (int i = READER; inner != NULL && i < WRAPPERS; i++) {
        if (Py_IS_TYPE(inner, wrappers[i].type)) {
            inner = io_object_inner(inner);
            break;
        }
    }
    return inner != NULL && Py_IS_TYPE(inner, file_type);
}

void io_object_set_descriptor(PyObject *file, int descriptor)
{
    if (PyObject_TypeCheck(file, file_type)) {
        ((struct file_io *)file)->fd = descriptor;
    }
}

bool io_object_is_internal(PyObject *value)
{
    return PyMemoryView_Check(value) && ((PyMemoryViewObject *)value)->mbuf->master.obj == NULL;
}

/* ---- buffers
 * ----------------------------------------------------------------------------------------- */

/* A class made by Python code may answer by code of its own. */
static bool lends_natively(PyObject *value)
{
    const PyTypeObject *type = Py_TYPE(value);
    const PyTypeObject *native = types_native(Py_TYPE(value));
    return type->tp_as_buffer != NULL && native != NULL && native->tp_as_buffer != NULL &&
           type->tp_as_buffer->bf_getbuffer == native->tp_as_buffer->bf_getbuffer;
}

/* Returns how many bytes are left to be taken. */
static size_t take_bytes(PyObject *value, size_t size, io_take *take, void *context)
{
    Py_buffer view;
    if (!lends_natively(value)) {
        return 0;
    }
    if (PyObject_GetBuffer(value, &view, PyBUF_SIMPLE) != 0) {
        PyErr_Clear();
        return 0;
    }
    size_t taken = (size_t)view.len < size ? (size_t)view.len : size;
    take(context, view.buf, taken);
    PyBuffer_Release(&view);
    return size - taken;
}

void io_object_bytes(PyObject *value, size_t size, io_take *take, void *context)
{
    if (!PyList_CheckExact(value) && !PyTuple_CheckExact(value)) {
        take_bytes(value, size, take, context);
        return;
    }
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value) && size > 0; i++) {
        size = take_bytes(PySequence_Fast_GET_ITEM(value, i), size, take, context);
    }
}
