#include "recorder/failure.h"

#include <errno.h>
#include <stdlib.h>

#include "recorder/monitor.h"
#include "trace/text.h"

/* ---- exceptions
 * ------------------------------------------------------------------------------------- */

static PyObject *details_of(const struct failure *failure)
{
    PyObject *details = PyDict_New();
    for (int i = 0; details != NULL && i < FAILURE_DETAILS; i++) {
        const struct log_detail *detail = &failure->details[i];
        if (detail->key == NULL) {
            break;
        }
        PyObject *value = PyUnicode_DecodeFSDefault(detail->value);
        if (value == NULL || PyDict_SetItemString(details, detail->key, value) != 0) {
            Py_CLEAR(details);
        }
        Py_XDECREF(value);
    }
    return details;
}

static PyObject *make_error(const struct failure *failure)
{
    PyObject *errors = PyImport_ImportModule("codetracer_python_recorder.errors");
    PyObject *message = PyUnicode_DecodeFSDefault(failure->message);
    PyObject *details = details_of(failure);
    PyObject *error = NULL;
    if (errors != NULL && message != NULL && details != NULL) {
        error = PyObject_CallMethod(errors, "make_error", "ssOO", failure->kind, failure->code,
                                    message, details);
    }
    Py_XDECREF(details);
    Py_XDECREF(message);
    Py_XDECREF(errors);
    return error;
}

static void report(const struct failure *failure, bool has_trailer)
{
    const struct log_error error = {
        .kind = failure->kind,
        .code = failure->code,
        .message = failure->message,
        .has_trailer = has_trailer,
        .details = failure->details,
        .detail_count = FAILURE_DETAILS,
    };
    log_error(&error);
}

PyObject *failure_raise(const struct failure *failure)
{
    PyObject *error = make_error(failure);
    if (error != NULL) {
        report(failure, true);
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    }
    Py_XDECREF(error);
    return NULL;
}

/* With glibc exit() may be called once more from here: the handlers that are left run, and this
 * status counts. */
static void exit_with_failure(int status, void *unused)
{
    (void)unused;
    if (status == 0) {
        exit(EXIT_FAILURE);
    }
}

/* The interpreter has made up its mind about its status, and only prints what is raised now. */
static void fail_process(void)
{
    static bool is_ordered;
    is_ordered = is_ordered || on_exit(exit_with_failure, NULL) == 0;
}

void failure_say(const char *text)
{
    struct ct_bytes line = {0};
    ctr_text_line((const uint8_t *)text, strlen(text), &line);
    ct_bytes_add_byte(&line, 0);
    if (!line.failed) {
        PySys_FormatStderr("%s\n", (const char *)line.data);
    }
    ct_bytes_free(&line);
}

void failure_tell(const struct failure *failure, bool aborts)
{
    report(failure, true);
    if (aborts) {
        const struct log_detail *detail = &failure->details[0];
        const char *why = detail->key != NULL ? detail->value : "";
        char text[2 * CT_ERROR_MESSAGE_BYTES];
        snprintf(text, sizeof text, "Failed to stop Codetracer session: [%s] %s%s%s", failure->code,
                 failure->message, why[0] != 0 ? ": " : "", why);
        failure_say(text);
        fail_process();
    }
}

struct failure failure_of(int status, const struct ct_error *error)
{
    switch (status) {
    case CT_ESTATE:
        return (struct failure){"Usage", "ERR_TRACER_INSTALL_CONFLICT", error->message, {{0}}};
    case CT_EUSAGE:
        return (struct failure){"Usage", "ERR_TRACE_MISSING", error->message, {{0}}};
    default:
        return (struct failure){"Environment", "ERR_IO", error->message, {{0}}};
    }
}

struct failure failure_to_finalise(int status, const struct ct_error *error)
{
    struct failure failure = failure_of(status, error);
    if (status != CT_ESTATE && status != CT_EUSAGE) {
        failure.message = "failed to finalise the trace";
        failure.details[0] = (struct log_detail){"source", error->message};
    }
    return failure;
}

/* ---- in the middle of the program
 * ------------------------------------------------------------------- */

PyObject *failure_end(struct session *session, const struct failure *failure)
{
    int saved = errno;
    session->failed = true;
    session->writer->soft = NULL; /* nothing more is written */
    monitor_stop(session);
    PyObject *result = NULL;
    if (session->policy.abort) {
        PyObject *pending = PyErr_GetRaisedException();
        failure_raise(failure);
        if (compat_is_ending()) {
            fail_process();
        }
        Py_XDECREF(pending); /* an event of an exception: ours takes its place, as any would */
    } else {
        report(failure, false);
        result = Py_NewRef(Py_None);
    }
    errno = saved;
    return result;
}

bool failure_tell_limit(struct session *session)
{
    int ending = atomic_load(&session->writer->ending);
    if (ending != CTR_ENDED_BY_SIZE + 1 && ending != CTR_ENDED_BY_SPACE + 1) {
        return false;
    }
    if (!session->has_told_limit) {
        session->has_told_limit = true;
        log_message(LOG_WARN, "recording ended at its limit", ctr_writer_error(session->writer));
    }
    return true;
}

PyObject *failure_end_by_writer(struct session *session)
{
    if (failure_tell_limit(session)) {
        Py_RETURN_NONE;
    }
    const char *why = ctr_writer_error(session->writer);
    const struct failure failure = {
        "Environment", "ERR_IO", "failed to write the trace", {{"source", why}}};
    return failure_end(session, &failure);
}
