#include <stdlib.h>

#include "recorder/filter_internal.h"
#include "recorder/wtf8.h"

struct reading {
    struct filter *filter;
    PyObject *compile; /* _sre.compile, from the first pattern that needs it on */
};

/* `_sre.compile`, leaving no trace of the module. */
static PyObject *sre_compile(void)
{
    PyObject *modules = PySys_GetObject("modules"); /* borrowed */
    bool had = modules != NULL && PyDict_GetItemString(modules, "_sre") != NULL;
    PyObject *module = PyImport_ImportModule("_sre");
    PyObject *compile = module != NULL ? PyObject_GetAttrString(module, "compile") : NULL;
    if (module != NULL && !had) {
        PyObject *pending = PyErr_GetRaisedException();
        PyDict_DelItemString(modules, "_sre");
        PyDict_Clear(
            PyModule_GetDict(module)); /* or the module and its functions keep each other */
        PyErr_Clear();
        PyErr_SetRaisedException(pending);
    }
    Py_XDECREF(module);
    return compile;
}

static void hide_from_gc(PyObject *thing)
{
    if (PyObject_GC_IsTracked(thing)) {
        PyObject_GC_UnTrack(thing);
    }
}

static PyObject *compile_search(struct reading *reading, PyObject *arguments)
{
    if (!PyTuple_Check(arguments)) {
        PyErr_SetString(PyExc_TypeError, "a filter's pattern is not compiled");
        return NULL;
    }
    if (reading->compile == NULL) {
        reading->compile = sre_compile();
    }
    PyObject *pattern =
        reading->compile != NULL ? PyObject_CallObject(reading->compile, arguments) : NULL;
    PyObject *search = pattern != NULL ? PyObject_GetAttrString(pattern, "search") : NULL;
    if (search != NULL) {
        hide_from_gc(pattern);
        hide_from_gc(search);
    }
    Py_XDECREF(pattern);
    return search;
}

static bool read_selector(struct reading *reading, struct selector *selector, PyObject *kind,
                          PyObject *how, PyObject *what)
{
    long numbers[] = {PyLong_AsLong(kind), PyLong_AsLong(how)};
    if (PyErr_Occurred() || numbers[0] < 0 || numbers[0] > FILTER_RETURN || numbers[1] < 0 ||
        numbers[1] > FILTER_SEARCH ||
        (numbers[1] <= FILTER_PREFIX && !PyUnicode_CheckExact(what))) {
        PyErr_SetString(PyExc_ValueError, "a filter's selector is not valid");
        return false;
    }
    selector->kind = (uint8_t)numbers[0];
    selector->how = (uint8_t)numbers[1];
    selector->what = selector->how == FILTER_SEARCH ? compile_search(reading, what)
                     : selector->how == FILTER_ANY  ? NULL
                                                    : Py_NewRef(what);
    return selector->what != NULL || selector->how == FILTER_ANY;
}

static bool read_patterns(struct reading *reading, struct rule *rule, PyObject *patterns)
{
    Py_ssize_t count = PyTuple_GET_SIZE(patterns);
    rule->patterns = calloc((size_t)count + 1, sizeof *rule->patterns);
    for (Py_ssize_t i = 0; rule->patterns != NULL && i < count; i++) {
        PyObject *kind, *how, *what;
        int action;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(patterns, i), "OOOi", &kind, &how, &what, &action) ||
            !read_selector(reading, &rule->patterns[i].selector, kind, how, what)) {
            return false;
        }
        rule->patterns[i].action = (uint8_t)action;
        rule->pattern_count++;
    }
    return rule->patterns != NULL || PyErr_NoMemory() != NULL;
}

static bool read_rules(struct reading *reading, PyObject *rules)
{
    struct filter *filter = reading->filter;
    Py_ssize_t count = PyTuple_GET_SIZE(rules);
    filter->rules = calloc((size_t)count + 1, sizeof *filter->rules);
    for (Py_ssize_t i = 0; filter->rules != NULL && i < count; i++) {
        struct rule *rule = &filter->rules[filter->rule_count++];
        PyObject *kind, *how, *what, *patterns;
        int exec, value;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(rules, i), "OOOiiiO!", &kind, &how, &what, &exec,
                              &value, &rule->filter, &PyTuple_Type, &patterns) ||
            !read_selector(reading, &rule->selector, kind, how, what) ||
            !read_patterns(reading, rule, patterns)) {
            return false;
        }
        rule->exec = (int8_t)exec;
        rule->value = (int8_t)value;
        filter->uses_files |= rule->selector.kind == FILTER_FILE;
    }
    return filter->rules != NULL || PyErr_NoMemory() != NULL;
}

static bool read_roots(struct filter *filter, PyObject *roots)
{
    filter->roots = calloc((size_t)PyTuple_GET_SIZE(roots) + 1, sizeof *filter->roots);
    for (Py_ssize_t i = 0; filter->roots != NULL && i < PyTuple_GET_SIZE(roots); i++) {
        PyObject *root = PyTuple_GET_ITEM(roots, i);
        char *text = PyUnicode_Check(root) ? text_copy(root) : NULL;
        if (text == NULL) {
            break;
        }
        filter->roots[filter->root_count++] = text;
    }
    return filter->root_count == PyTuple_GET_SIZE(roots) || PyErr_NoMemory() != NULL;
}

struct filter *filter_read(PyObject *table)
{
    int skips, action, action_filter, streams;
    PyObject *rules, *filters, *roots;
    if (!PyTuple_Check(table) ||
        !PyArg_ParseTuple(table, "iiO!O!O!ii", &skips, &action, &PyTuple_Type, &rules,
                          &PyTuple_Type, &filters, &PyTuple_Type, &roots, &action_filter,
                          &streams)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "a filter is a table made by the package");
        }
        return NULL;
    }
    struct filter *filter = calloc(1, sizeof *filter);
    if (filter == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    filter->skips = skips != 0;
    filter->action = (uint8_t)action;
    filter->action_filter = action_filter;
    filter->streams = streams;
    struct reading reading = {.filter = filter};
    bool is_read = read_rules(&reading, rules) && read_roots(filter, roots);
    Py_XDECREF(reading.compile);
    if (!is_read) {
        filter_free(filter);
        return NULL;
    }
    return filter;
}

void filter_free(struct filter *filter)
{
    if (filter == NULL) {
        return;
    }
    for (int i = 0; i < filter->rule_count; i++) {
        struct rule *rule = &filter->rules[i];
        Py_XDECREF(rule->selector.what);
        for (int j = 0; j < rule->pattern_count; j++) {
            Py_XDECREF(rule->patterns[j].selector.what);
        }
        free(rule->patterns);
    }
    for (int i = 0; i < filter->root_count; i++) {
        free(filter->roots[i]);
    }
    free(filter->roots);
    free(filter->rules);
    free(filter);
}
