#include "recorder/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_out.h"
#include "base/uuid.h"
#include "recorder/session.h"

#define TARGET       "codetracer_python_recorder"
#define ERROR_TARGET TARGET "::errors"

enum { LOG_FILE_MODE = 0600 };

/* Of the process, not of a recording: what fails before one starts is logged too. */
static enum log_level wanted_level = LOG_WARN;
static char *log_file; /* NULL: standard error */
static bool has_trailers;

static char run_id[CT_UUID_TEXT_BYTES];
static pid_t run_process;

/* ---- where a line goes
 * ------------------------------------------------------------------------------ */

/* A process that was started without standard error may use the number for a file of its own. */
static bool has_stderr(void)
{
    PyObject *file = PySys_GetObject("__stderr__");
    return file != NULL && file != Py_None;
}

static void write_stderr(const struct ct_bytes *line)
{
    if (has_stderr()) {
        ct_write_all(STDERR_FILENO, line->data, line->size, "standard error", NULL);
    }
}

static bool append_to(const char *file, const void *data, size_t size)
{
    int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, LOG_FILE_MODE);
    bool done = fd >= 0 && ct_write_all(fd, data, size, file, NULL) == CT_OK;
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

static void put_out(struct ct_json_out *json, bool may_go_to_file)
{
    ct_json_end_object(json);
    ct_bytes_add_byte(&json->bytes, '\n');
    bool is_whole = !json->bytes.failed; /* else there was no memory for it */
    if (is_whole && (!may_go_to_file || log_file == NULL ||
                     !append_to(log_file, json->bytes.data, json->bytes.size))) {
        write_stderr(&json->bytes);
    }
    ct_json_clear(json);
}

/* ---- what is in it
 * ---------------------------------------------------------------------------------- */

static void put_member(struct ct_json_out *json, const char *name, const char *text)
{
    ct_json_key(json, name);
    if (text != NULL) {
        ct_json_text(json, text);
    } else {
        ct_json_null(json);
    }
}

/* One per process, a forked child's its own. */
static const char *run_identifier(void)
{
    uint8_t id[CT_UUID_BYTES] = {0};
    if (run_process != getpid() && ct_uuid7_make(id, NULL) == CT_OK) {
        ct_uuid_format(id, run_id);
        run_process = getpid();
    }
    return run_id;
}

static void begin_line(struct ct_json_out *json, enum log_level level, const char *target)
{
    static const char *const names[] = {"OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    ct_json_init(json, NULL);
    ct_json_begin_object(json);
    ct_json_key(json, "ts_micros");
    ct_json_uint(json, (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
    put_member(json, "level", names[level]);
    put_member(json, "target", target);
    put_member(json, "run_id", run_identifier());
    const char *trace = session_identifier();
    if (trace != NULL) {
        put_member(json, "trace_id", trace);
    }
}

void log_message(enum log_level level, const char *message, const char *detail)
{
    if (level > wanted_level) {
        return;
    }
    struct ct_json_out json;
    begin_line(&json, level, TARGET);
    put_member(&json, "message", message);
    if (detail != NULL && detail[0] != 0) {
        ct_json_key(&json, "fields");
        ct_json_begin_object(&json);
        put_member(&json, "detail", detail);
        ct_json_end_object(&json);
    }
    put_out(&json, true);
}

/* ---- errors
 * ----------------------------------------------------------------------------------------- */

static void put_details(struct ct_json_out *json, const struct log_error *error)
{
    ct_json_begin_object(json);
    for (size_t i = 0; i < error->detail_count && error->details[i].key != NULL; i++) {
        put_member(json, error->details[i].key, error->details[i].value);
    }
    ct_json_end_object(json);
}

static void write_log_line(const struct log_error *error)
{
    struct ct_json_out json;
    char message[CT_ERROR_MESSAGE_BYTES + sizeof "recorder_error: "];
    snprintf(message, sizeof message, "recorder_error: %s", error->message);
    begin_line(&json, LOG_ERROR, ERROR_TARGET);
    put_member(&json, "message", message);
    put_member(&json, "error_code", error->code);
    ct_json_key(&json, "fields");
    put_details(&json, error);
    put_out(&json, true);
}

/* For a program that reads the last line of ours: keys in the order of the alphabet. */
static void write_trailer(const struct log_error *error)
{
    struct ct_json_out json;
    ct_json_init(&json, NULL);
    ct_json_begin_object(&json);
    ct_json_key(&json, "context");
    put_details(&json, error);
    put_member(&json, "error_code", error->code);
    put_member(&json, "error_kind", error->kind);
    put_member(&json, "message", error->message);
    put_member(&json, "run_id", run_identifier());
    put_member(&json, "trace_id", session_identifier());
    put_out(&json, false);
}

void log_error(const struct log_error *error)
{
    if (wanted_level >= LOG_ERROR) {
        write_log_line(error);
    }
    if (error->has_trailer && has_trailers) {
        write_trailer(error);
    }
}

/* ---- settings
 * --------------------------------------------------------------------------------------- */

static bool same_file_name(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void log_configure(const struct log_settings *settings)
{
    wanted_level = settings->level;
    has_trailers = settings->json_errors;
    if (same_file_name(settings->file, log_file)) {
        return;
    }
    free(log_file);
    log_file = settings->file != NULL ? strdup(settings->file) : NULL;
    if (log_file != NULL && !append_to(log_file, "", 0)) {
        char *refused = log_file;
        log_file = NULL;
        log_message(LOG_WARN, "cannot write the log file; the log goes to standard error", refused);
        free(refused);
    }
}
