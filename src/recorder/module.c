#include "recorder/compat.h"

#include <limits.h>
#include <marshal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/start_options.h"
#include "recorder/announce.h"
#include "recorder/explain.h"
#include "recorder/filter.h"
#include "recorder/scope.h"
#include "recorder/failure.h"
#include "recorder/inject.h"
#include "recorder/log.h"
#include "recorder/session.h"
#include "recorder/wtf8.h"

PyMODINIT_FUNC PyInit__recorder(void);

/* ---- what the run was
 * -------------------------------------------------------------------------------- */

static void add_entry(struct ct_bytes *run, const char *key, const char *value)
{
    ct_bytes_add_block(run, key, strlen(key));
    ct_bytes_add_block(run, value, strlen(value));
}

static void add_text_entry(struct ct_bytes *run, const char *key, PyObject *value)
{
    if (value != NULL && PyUnicode_Check(value)) {
        ct_bytes_add_block(run, key, strlen(key));
        text_add(run, value);
    }
}

static void add_list_entries(struct ct_bytes *run, const char *key, PyObject *values)
{
    for (Py_ssize_t i = 0; values != NULL && PyList_Check(values) && i < PyList_GET_SIZE(values);
         i++) {
        add_text_entry(run, key, PyList_GET_ITEM(values, i));
    }
}

static void add_process_entries(struct ct_bytes *run)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", PY_MAJOR_VERSION, PY_MINOR_VERSION,
             PY_MICRO_VERSION);
    add_entry(run, "python", version);
    add_text_entry(run, "executable", PySys_GetObject("executable"));
    add_text_entry(run, "platform", PySys_GetObject("platform"));
    char folder[PATH_MAX];
    if (getcwd(folder, sizeof folder) != NULL) {
        add_entry(run, "cwd", folder);
    }
}

/* ---- start
 * -------------------------------------------------------------------------------------------- */

struct request { /* a start() call while it is read */
    struct session_order order;
    struct ct_bytes run;
    char *activation;
    char *program_text;
    bool unlisted;
};

static void clear_request(struct request *request)
{
    ct_bytes_free(&request->run);
    free(request->activation);
    free(request->program_text);
}

static struct request new_request(void)
{
    return (struct request){.order.limits = session_default_limits(),
                            .order.policy = session_default_policy()};
}

static int read_limit(PyObject *value, uint64_t *limit)
{
    unsigned long long number = PyLong_AsUnsignedLongLong(value);
    if (number == (unsigned long long)-1 && PyErr_Occurred()) {
        return -1;
    }
    *limit = number;
    return 0;
}

static uint64_t *limit_named(struct limits *limits, const char *name)
{
    const struct {
        const char *name;
        uint64_t *limit;
    } known[] = {
        {"max_text", &limits->max_text},         {"max_items", &limits->max_items},
        {"max_depth", &limits->max_depth},       {"max_attributes", &limits->max_attributes},
        {"max_size", &limits->max_size},         {"min_free_space", &limits->min_free_space},
        {"export_limit", &limits->export_limit},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) == 0) {
            return known[i].limit;
        }
    }
    return NULL;
}

static int read_activation(struct request *request, PyObject *value)
{
    PyObject *path = NULL; /* as bytes: a file's name need not be UTF-8 */
    if (!PyUnicode_FSConverter(value, &path)) {
        return -1;
    }
    request->activation = realpath(PyBytes_AS_STRING(path), NULL);
    if (request->activation == NULL) {
        request->activation = strdup(PyBytes_AS_STRING(path)); /* one that may appear later */
    }
    Py_DECREF(path);
    request->order.activation = request->activation;
    return request->activation != NULL ? 0 : -1;
}

/* The file CPython invents for a program that has none. */
static const char *synthetic_file(const char *program)
{
    if (program == NULL) {
        return NULL;
    }
    return strcmp(program, "-c") == 0 ? "<string>" : strcmp(program, "-") == 0 ? "<stdin>" : NULL;
}

/* The usual way needs no word. */
static void add_io_entry(struct ct_bytes *run, enum ct_start_io io)
{
    if (io != CT_START_IO_STREAMS) {
        add_entry(run, "io_capture", ct_start_io_name(io));
    }
}

static int read_io_capture(struct request *request, PyObject *value)
{
    const char *name = PyUnicode_AsUTF8(value);
    request->order.io = name != NULL ? ct_start_io_named(name) : CT_START_IO_MODES;
    if (name != NULL && request->order.io == CT_START_IO_MODES) {
        PyErr_Format(PyExc_ValueError, "'%s' is no way to capture input and output", name);
    }
    if (request->order.io == CT_START_IO_MODES) {
        return -1;
    }
    add_io_entry(&request->run, request->order.io);
    return 0;
}

static int read_filter(struct request *request, PyObject *table)
{
    request->order.filter = filter_read(table);
    if (request->order.filter == NULL) {
        return -1;
    }
    filter_add_run(table, &request->run);
    return 0;
}

static bool *policy_named(struct policy *policy, const char *name)
{
    const struct {
        const char *name;
        bool *setting;
    } known[] = {
        {"abort", &policy->abort},
        {"discard", &policy->discard},
        {"require_trace", &policy->requires_trace},
        {"module_name_from_globals", &policy->module_name_from_globals},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) == 0) {
            return known[i].setting;
        }
    }
    return NULL;
}

/* Whether a name is given is the façade's affair; all that is given must be known. */
static int read_policy(struct policy *policy, PyObject *settings)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    if (!PyDict_Check(settings)) {
        PyErr_SetString(PyExc_TypeError, "a policy is a dict");
        return -1;
    }
    while (PyDict_Next(settings, &at, &key, &value)) {
        const char *name = PyUnicode_AsUTF8(key);
        bool *setting = name != NULL ? policy_named(policy, name) : NULL;
        if (setting == NULL) {
            if (name != NULL) {
                PyErr_Format(PyExc_TypeError, "unknown policy '%s'", name);
            }
            return -1;
        }
        *setting = value == Py_True;
    }
    return 0;
}

static int read_option(struct request *request, const char *name, PyObject *value)
{
    uint64_t *limit = limit_named(&request->order.limits, name);
    if (limit != NULL) {
        return read_limit(value, limit);
    }
    if (strcmp(name, "format") == 0) {
        request->order.format = PyUnicode_AsUTF8(value);
        add_text_entry(&request->run, "format", value);
        return request->order.format != NULL ? 0 : -1;
    }
    if (strcmp(name, "activation") == 0) {
        return read_activation(request, value);
    }
    if (strcmp(name, "program") == 0) {
        add_text_entry(&request->run, "program", value);
        /* A name without a form in UTF-8 is a file's. */
        request->order.program_file = synthetic_file(PyUnicode_AsUTF8(value));
        PyErr_Clear();
        return 0;
    }
    if (strcmp(name, "program_text") == 0 && PyUnicode_Check(value)) {
        request->order.program_text = request->program_text = text_copy(value);
        return request->program_text != NULL ? 0 : -1;
    }
    if (strcmp(name, "args") == 0) {
        add_list_entries(&request->run, "argument", value);
        return 0;
    }
    if (strcmp(name, "filter") == 0) {
        return read_filter(request, value);
    }
    if (strcmp(name, "with_diff") == 0) {
        add_entry(&request->run, "with_diff", value == Py_True ? "true" : "false");
        return 0;
    }
    if (strcmp(name, "recorder_version") == 0 || strcmp(name, "target_script") == 0) {
        add_text_entry(&request->run, name, value);
        return 0;
    }
    if (strcmp(name, "exact") == 0) {
        request->order.limits.exact = value == Py_True;
        return 0;
    }
    if (strcmp(name, "no_sources") == 0) {
        request->order.limits.no_sources = value == Py_True;
        return 0;
    }
    if (strcmp(name, "launched") == 0) {
        request->order.is_launched = value == Py_True;
        return 0;
    }
    if (strcmp(name, "unlisted") == 0) {
        request->unlisted = value == Py_True;
        return 0;
    }
    if (strcmp(name, "redact_shapes") == 0) {
        request->order.limits.keep_shapes = value == Py_False;
        return 0;
    }
    if (strcmp(name, "recording_id") == 0) {
        request->order.id = PyUnicode_AsUTF8(value);
        return request->order.id != NULL ? 0 : -1;
    }
    if (strcmp(name, "io_capture") == 0) {
        return read_io_capture(request, value);
    }
    if (strcmp(name, "policy") == 0) {
        return read_policy(&request->order.policy, value);
    }
    PyErr_Format(PyExc_TypeError, "start() got an unknown option '%s'", name);
    return -1;
}

static int read_options(struct request *request, PyObject *options)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(options, &at, &key, &value)) {
        const char *name = PyUnicode_AsUTF8(key);
        if (name == NULL || (value != Py_None && read_option(request, name, value) != 0)) {
            return -1;
        }
    }
    return 0;
}

static PyObject *make_directory(const char *directory)
{
    struct stat about;
    if (stat(directory, &about) == 0 && !S_ISDIR(about.st_mode)) {
        return failure_raise(&(struct failure){"Usage",
                                               "ERR_TRACE_DIR_CONFLICT",
                                               "trace path exists and is not a directory",
                                               {{"path", directory}}});
    }
    struct ct_error error;
    if (ct_make_directories(directory, NULL, &error) != CT_OK) {
        return failure_raise(&(struct failure){"Environment",
                                               "ERR_TRACE_DIR_CREATE_FAILED",
                                               "failed to create trace directory",
                                               {{"path", directory}, {"io", error.message}}});
    }
    Py_RETURN_NONE;
}

static PyObject *recorder_start(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *path = NULL, *options;
    if (!PyArg_ParseTuple(args, "O&O!:start", PyUnicode_FSConverter, &path, &PyDict_Type,
                          &options)) {
        return NULL;
    }
    struct request request = new_request();
    PyObject *result = NULL;
    static const struct failure already = {
        "Usage", "ERR_ALREADY_TRACING", "tracing already active", {{0}}};
    if (session_is_active()) {
        Py_DECREF(path);
        return failure_raise(&already);
    }
    request.order.directory = PyBytes_AS_STRING(path);
    if (read_options(&request, options) == 0) {
        add_process_entries(&request.run);
        request.order.run = &request.run;
        request.order.exports = true;
        result = make_directory(request.order.directory);
    }
    struct ct_error error = {0};
    if (result == NULL) {
        filter_free(request.order.filter);
    } else {
        int status = request.run.failed ? CT_ENOMEM : session_start(&request.order, &error);
        if (status != CT_OK) {
            Py_CLEAR(result);
            bool is_late =
                status == CT_ESTATE && session_is_active(); /* another thread's started */
            const struct failure failure = is_late ? already : failure_of(status, &error);
            failure_raise(&failure);
        } else if (!request.unlisted) {
            announce_recording(request.order.directory);
        }
    }
    clear_request(&request);
    Py_DECREF(path);
    return result;
}

/* ---- start by the environment
 * --------------------------------------------------------------------------- */

static void forget_variable(void)
{
    unsetenv(CT_START_VARIABLE);
    PyObject *os = PyImport_ImportModule("os"); /* site has imported it */
    PyObject *environ = os != NULL ? PyObject_GetAttrString(os, "environ") : NULL;
    if (environ != NULL) {
        Py_XDECREF(PyObject_CallMethod(environ, "pop", "sO", CT_START_VARIABLE, Py_None));
    }
    PyErr_Clear();
    Py_XDECREF(environ);
    Py_XDECREF(os);
}

/* sys.argv is not set yet when the hook runs; the interpreter's own command line is. */
static void add_own_arguments(struct ct_bytes *run, size_t count)
{
    PyObject *argv = PySys_GetObject("orig_argv");
    Py_ssize_t size = argv != NULL && PyList_Check(argv) ? PyList_GET_SIZE(argv) : 0;
    for (Py_ssize_t i = size - (Py_ssize_t)count; i >= 0 && i < size; i++) {
        add_text_entry(run, "argument", PyList_GET_ITEM(argv, i));
    }
}

static void order_from(const struct ct_start_options *options, struct request *request)
{
    uint64_t *limits[CT_START_LIMITS] = {
        [CT_START_MAX_TEXT] = &request->order.limits.max_text,
        [CT_START_MAX_ITEMS] = &request->order.limits.max_items,
        [CT_START_MAX_DEPTH] = &request->order.limits.max_depth,
        [CT_START_MAX_ATTRIBUTES] = &request->order.limits.max_attributes,
        [CT_START_MAX_SIZE] = &request->order.limits.max_size,
        [CT_START_MIN_FREE_SPACE] = &request->order.limits.min_free_space,
        [CT_START_EXPORT_LIMIT] = &request->order.limits.export_limit,
    };
    for (int i = 0; i < CT_START_LIMITS; i++) {
        if (options->limits[i].is_given) {
            *limits[i] = options->limits[i].value;
        }
    }
    request->order.directory = options->dir;
    request->order.id = options->id;
    request->order.limits.exact = options->exact;
    request->order.io = options->io;
    add_io_entry(&request->run, options->io);
    request->order.limits.no_sources = options->no_sources;
    request->order.limits.keep_shapes = options->keep_shapes;
    request->order.wait_for_main = true;
    request->order.program_file =
        options->kind == CT_START_CODE ? "<string>" : synthetic_file(options->program);
    if (options->activation != NULL) {
        request->activation = realpath(options->activation, NULL);
        request->order.activation =
            request->activation != NULL ? request->activation : options->activation;
    }
    bool is_text = options->kind == CT_START_CODE;
    request->order.program_text = is_text && !options->no_sources ? options->program : NULL;
    add_entry(&request->run, "program", is_text && options->no_sources ? "-c" : options->program);
    add_entry(&request->run, "kind", ct_start_kind_name(options->kind));
    for (size_t i = 0; options->args != NULL && i < options->argc; i++) {
        add_entry(&request->run, "argument", options->args[i]);
    }
    if (options->args == NULL) {
        add_own_arguments(&request->run, options->argc);
    }
    add_process_entries(&request->run);
    request->order.run = &request->run;
}

/* The rules come in a file, which is of no use to anybody else. */
static bool read_rules(struct request *request, const char *path)
{
    enum { MOST_BYTES = 64 << 20 };
    struct ct_error error;
    char *data;
    size_t size;
    int status = ct_file_read(path, MOST_BYTES, &data, &size, &error);
    if (status != CT_OK) {
        PyErr_SetString(PyExc_OSError, error.message);
        return false;
    }
    unlink(path);
    PyObject *table = PyMarshal_ReadObjectFromString(data, (Py_ssize_t)size);
    bool is_read = table != NULL && read_filter(request, table) == 0;
    Py_XDECREF(table);
    free(data);
    return is_read;
}

/* False: `failure` says why, with texts in `error`. An export that is too large is no failure.
 */
static bool stop(int32_t exit_status, struct failure *failure, struct ct_error *error)
{
    bool was_active = session_is_active();
    int status = session_stop(exit_status, error);
    if (status != CT_OK && status != CT_ELIMIT) {
        *failure = failure_to_finalise(status, error);
        return false;
    }
    if (status == CT_ELIMIT) {
        char text[CT_ERROR_MESSAGE_BYTES + sizeof "codetracer: "];
        snprintf(text, sizeof text, "codetracer: %s", error->message);
        failure_say(text);
    }
    if (was_active && inject_awaits(INJECT_FINISH)) {
        *failure = *inject_take(INJECT_FINISH);
        return false;
    }
    return true;
}

/* The program's end is no place for exceptions. */
static void stop_quietly(void *unused)
{
    (void)unused;
    struct failure failure;
    struct ct_error error = {0};
    bool aborts = session_aborts();
    bool is_required = session_is_required();
    if (!stop(INT32_MIN, &failure, &error)) {
        bool is_missing = strcmp(failure.code, "ERR_TRACE_MISSING") == 0;
        failure_tell(&failure, aborts || (is_required && is_missing));
    }
}

/* A program that runs its exit functions early goes on, and so does its recording. */
static PyObject *recorder_stop_if_ending(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    if (compat_is_ending()) {
        stop_quietly(NULL);
    }
    Py_RETURN_NONE;
}

static PyMethodDef stop_if_ending = {"stop", recorder_stop_if_ending, METH_NOARGS, NULL};

/* Registered before anything of the program is, so it runs last. */
static bool add_exit_function(void)
{
    PyObject *modules = PySys_GetObject("modules");
    bool had = modules != NULL && PyDict_GetItemString(modules, "atexit") != NULL;
    PyObject *atexit = PyImport_ImportModule("atexit");
    PyObject *stop = PyCFunction_New(&stop_if_ending, NULL);
    PyObject *done =
        atexit != NULL && stop != NULL ? PyObject_CallMethod(atexit, "register", "O", stop) : NULL;
    if (!had && modules != NULL) {
        PyDict_DelItemString(modules, "atexit");
    }
    Py_XDECREF(atexit);
    Py_XDECREF(stop);
    Py_XDECREF(done);
    return done != NULL;
}

/* With the exit functions, when all the program has is still there; or else, where it ran or
 * dropped those early, at the interpreter's own end. */
static int stop_at_exit(void)
{
    static bool is_registered;
    if (!is_registered && (!add_exit_function() || compat_at_exit(stop_quietly) != 0)) {
        return -1;
    }
    is_registered = true;
    return 0;
}

static PyObject *recorder_stop_at_exit(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    return stop_at_exit() == 0 ? Py_NewRef(Py_None) : NULL;
}

static PyObject *recorder_start_from_environment(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    const char *text = getenv(CT_START_VARIABLE);
    if (text == NULL) {
        Py_RETURN_FALSE;
    }
    char *copy = strdup(text);
    forget_variable();
    struct ct_error error = {0};
    struct ct_start_options options;
    int status = copy == NULL ? CT_ENOMEM : ct_start_decode(copy, &options, &error);
    free(copy);
    if (status != CT_OK) {
        PyErr_SetString(PyExc_RuntimeError, error.message);
        return NULL;
    }
    log_configure(&(struct log_settings){.level = LOG_OFF}); /* `ct` tells how it ended */
    struct request request = new_request();
    order_from(&options, &request);
    if (options.rules != NULL && !read_rules(&request, options.rules)) {
        ct_start_options_clear(&options);
        clear_request(&request);
        return NULL;
    }
    status = request.run.failed ? CT_ENOMEM : session_start(&request.order, &error);
    ct_start_options_clear(&options);
    clear_request(&request);
    if (status != CT_OK) {
        PyErr_SetString(PyExc_RuntimeError, error.message);
        return NULL;
    }
    if (stop_at_exit() != 0) {
        return NULL;
    }
    Py_RETURN_TRUE;
}

/* ---- the rest
 * -------------------------------------------------------------------------------------------
 */

static PyObject *recorder_stop(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *code = Py_None;
    if (!PyArg_ParseTuple(args, "|O:stop", &code)) {
        return NULL;
    }
    long status = INT32_MIN;
    if (code != Py_None) {
        status = PyLong_AsLong(code);
        if (status == -1 && PyErr_Occurred()) {
            return NULL;
        }
        if (status <= INT32_MIN || status > INT32_MAX) {
            PyErr_SetString(PyExc_OverflowError, "an exit code has 32 bits");
            return NULL;
        }
    }
    struct failure failure;
    struct ct_error error = {0};
    return stop((int32_t)status, &failure, &error) ? Py_NewRef(Py_None) : failure_raise(&failure);
}

static PyObject *recorder_flush(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    struct ct_error error = {0};
    int status = session_flush(&error);
    if (status != CT_OK && status != CT_ELIMIT) {
        const struct failure failure = failure_to_finalise(status, &error);
        return failure_raise(&failure);
    }
    Py_RETURN_NONE;
}

static PyObject *recorder_is_tracing(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    return PyBool_FromLong(session_is_active());
}

static PyObject *recorder_set_exit_status(PyObject *module, PyObject *code)
{
    (void)module;
    long status = PyLong_AsLong(code);
    if (status == -1 && PyErr_Occurred()) {
        return NULL;
    }
    session_set_exit_status((int32_t)status);
    Py_RETURN_NONE;
}

static PyObject *recorder_secret_words(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    return scope_words();
}

static PyObject *recorder_has_required_trace(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    return PyBool_FromLong(session_check(NULL) == CT_OK);
}

static PyObject *recorder_set_policy(PyObject *module, PyObject *settings)
{
    (void)module;
    struct policy policy = session_default_policy();
    if (read_policy(&policy, settings) != 0) {
        return NULL;
    }
    session_set_policy(&policy);
    Py_RETURN_NONE;
}

static PyObject *recorder_configure_log(PyObject *module, PyObject *args)
{
    (void)module;
    int level, json_errors;
    PyObject *file;
    if (!PyArg_ParseTuple(args, "iOp:configure_log", &level, &file, &json_errors)) {
        return NULL;
    }
    PyObject *path = NULL;
    if (file != Py_None && !PyUnicode_FSConverter(file, &path)) {
        return NULL;
    }
    log_configure(&(struct log_settings){.level = (enum log_level)level,
                                         .file = path != NULL ? PyBytes_AS_STRING(path) : NULL,
                                         .json_errors = json_errors});
    Py_XDECREF(path);
    Py_RETURN_NONE;
}

static PyObject *recorder_log(PyObject *module, PyObject *args)
{
    (void)module;
    int level;
    const char *message;
    if (!PyArg_ParseTuple(args, "is:log", &level, &message)) {
        return NULL;
    }
    log_message((enum log_level)level, message, NULL);
    Py_RETURN_NONE;
}

static PyObject *recorder_log_error(PyObject *module, PyObject *args)
{
    (void)module;
    struct log_error error = {.has_trailer = true};
    struct log_detail detail = {0};
    if (!PyArg_ParseTuple(args, "sss|zz:log_error", &error.kind, &error.code, &error.message,
                          &detail.key, &detail.value)) {
        return NULL;
    }
    error.details = &detail;
    error.detail_count = 1;
    log_error(&error);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"start", recorder_start, METH_VARARGS, "Start recording into a directory."},
    {"stop", recorder_stop, METH_VARARGS, "End the recording; nothing happens when there is none."},
    {"stop_at_exit", recorder_stop_at_exit, METH_NOARGS,
     "See to it that the recording ends with the process."},
    {"flush", recorder_flush, METH_NOARGS, "Bring the exported files up to date."},
    {"is_tracing", recorder_is_tracing, METH_NOARGS, "Is a recording going on in this process?"},
    {"has_required_trace", recorder_has_required_trace, METH_NOARGS,
     "Would stop() find what the policy requires?"},
    {"set_policy", recorder_set_policy, METH_O, "Change the policy of the recording that runs."},
    {"configure_log", recorder_configure_log, METH_VARARGS,
     "Set the level (0 off ... 5 trace), the file or None, and whether exceptions have a "
     "line."},
    {"log", recorder_log, METH_VARARGS, "Write one line to the log."},
    {"log_error", recorder_log_error, METH_VARARGS,
     "Log an exception of the recorder that is about to be raised: kind, code, message, and the "
     "key and value of its context."},
    {"set_exit_status", recorder_set_exit_status, METH_O, "Note the program's exit status."},
    {"explain", explain, METH_VARARGS, "What the recording rules say of code and names."},
    {"secret_words", recorder_secret_words, METH_NOARGS, "The words that a secret's name has."},
    {"start_from_environment", recorder_start_from_environment, METH_NOARGS,
     "Start as the environment orders; False when it orders nothing."},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module)
{
    if (PyModule_AddStringConstant(module, "VERSION", CT_VERSION) != 0) {
        return -1;
    }
    return PyModule_AddObjectRef(module, "INJECTS_FAILURES", INJECT_IS_BUILT ? Py_True : Py_False);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_recorder",   .m_doc = "The native recorder.",
    .m_methods = methods,  .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__recorder(void)
{
    return PyModuleDef_Init(&definition);
}
