#include "recorder/explain.h"

#include <stdlib.h>

#include "recorder/filter.h"
#include "recorder/scope.h"

static uint8_t decide(struct session *session, uint32_t policy, int kind, PyObject *name,
                      int *pattern)
{
    uint8_t action;
    *pattern =
        session->filter != NULL ? filter_pattern(session->filter, policy, kind, name, &action) : -1;
    return filter_name(session, policy, kind, name);
}

static PyObject *explain_names(struct session *session, uint32_t policy, PyObject *names)
{
    PyObject *result = PyTuple_New(PyTuple_GET_SIZE(names));
    for (Py_ssize_t i = 0; result != NULL && i < PyTuple_GET_SIZE(names); i++) {
        int kind, pattern;
        PyObject *name, *row = NULL;
        if (PyArg_ParseTuple(PyTuple_GET_ITEM(names, i), "iU", &kind, &name) && kind >= 0 &&
            kind <= FILTER_RETURN) {
            uint8_t action = decide(session, policy, kind, name, &pattern);
            row = Py_BuildValue("iiN", action, pattern, PyBool_FromLong(scope_is_secret(name)));
        }
        if (row == NULL) {
            Py_CLEAR(result);
            return PyErr_Occurred() ? NULL
                                    : PyErr_Format(PyExc_ValueError, "no such kind: %d", kind);
        }
        PyTuple_SET_ITEM(result, i, row);
    }
    return result;
}

static PyObject *explain_with(struct session *session, PyObject *file,
                              const struct filter_subject *subject, PyObject *names)
{
    enum scope_reason reason = scope_of_file(session, PyBytes_AS_STRING(file));
    struct filter_verdict verdict = {.skip = reason != SCOPE_PROGRAM,
                                     .exec_rule = FROM_BUILT_IN,
                                     .value_rule = FROM_DEFAULT,
                                     .list_rule = FROM_DEFAULT};
    if (!scope_is_final(reason)) {
        verdict = filter_judge(session->filter, subject, reason != SCOPE_PROGRAM);
    }
    PyObject *rows = explain_names(session, verdict.policy, names);
    return rows == NULL
               ? NULL
               : Py_BuildValue("NiNiiiN", filter_seen(session->filter, subject), (int)reason,
                               PyBool_FromLong(verdict.skip), verdict.exec_rule, verdict.value_rule,
                               verdict.list_rule, rows);
}

PyObject *explain(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *table, *file, *path = NULL, *names;
    struct filter_subject subject;
    PyObject *module_name, *name;
    if (!PyArg_ParseTuple(args, "OUOOO!:explain", &table, &file, &module_name, &name, &PyTuple_Type,
                          &names) ||
        !PyUnicode_FSConverter(file, &path)) {
        return NULL;
    }
    subject = (struct filter_subject){
        .module = PyUnicode_Check(module_name) ? module_name : NULL,
        .file = file,
        .name = PyUnicode_Check(name) ? name : NULL,
    };
    struct session *session = calloc(1, sizeof *session);
    PyObject *result = NULL;
    if (session == NULL) {
        PyErr_NoMemory();
    } else if ((session->filter = filter_read(table)) != NULL) {
        scope_init(session);
        result = explain_with(session, path, &subject, names);
        scope_free(session);
        filter_free(session->filter);
    }
    free(session);
    Py_DECREF(path);
    return result;
}
