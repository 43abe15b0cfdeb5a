/* How a session begins and ends: what client and adapter can do, which recording it is about. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "dap/dap_internal.h"

/* ---- initialize ---- */

/* Capabilities that belong to no request of their own. */
static const char *const further_capabilities[] = {
    "supportsHitConditionalBreakpoints", "supportsLogPoints",        "supportsClipboardContext",
    "supportsExceptionFilterOptions",    "supportsExceptionOptions",
};

static void put_capabilities(struct ct_json_out *json)
{
    for (size_t i = 0; i < dap_handler_count; i++) {
        if (dap_handlers[i].capability != NULL) {
            ct_json_put_bool(json, dap_handlers[i].capability, true);
        }
    }
    for (size_t i = 0; i < sizeof further_capabilities / sizeof *further_capabilities; i++) {
        ct_json_put_bool(json, further_capabilities[i], true);
    }
    dap_put_exception_filters(json);
    dap_put_array(json, "completionTriggerCharacters");
    ct_json_text(json, ".");
    ct_json_end_array(json);
}

int dap_initialize(struct dap_request *request)
{
    struct dap_session *session = request->session;
    const json_t *from = request->arguments;
    const char *format = dap_text(request, from, "pathFormat", "path");
    bool lines_from_0 = !dap_bool(request, from, "linesStartAt1", true);
    bool columns_from_0 = !dap_bool(request, from, "columnsStartAt1", true);
    bool shows_progress = dap_bool(request, from, "supportsProgressReporting", false);
    if (request->status == CT_OK && strcmp(format, "path") != 0 && strcmp(format, "uri") != 0) {
        dap_refuse(request, "pathFormat is neither path nor uri");
    }
    if (request->status == CT_OK && session->is_initialized) {
        dap_refuse(request, "the session is initialized already");
    }
    if (request->status != CT_OK) {
        return request->status;
    }
    session->is_initialized = true;
    session->lines_from_0 = lines_from_0;
    session->columns_from_0 = columns_from_0;
    session->wants_uris = strcmp(format, "uri") == 0;
    session->shows_progress = shows_progress;
    ct_json_begin_object(&request->body);
    put_capabilities(&request->body);
    ct_json_end_object(&request->body);
    if (session->trace != NULL) {
        dap_event_plain(session, "initialized");
    }
    return CT_OK;
}

/* ---- launch, attach ---- */

/* The path of the recording: relative ones start at `cwd`, if that is absolute, or here. */
static char *recording_path(const char *path, const char *cwd)
{
    bool is_relative = path[0] != '/' && cwd != NULL && cwd[0] == '/';
    return is_relative ? ct_path_join(cwd, path) : strdup(path);
}

/* Take over `path`. */
static int open_recording(struct dap_session *session, char *path, struct ct_error *error)
{
    if (path == NULL) {
        return ct_fail(error, CT_ENOMEM, "no memory for a path");
    }
    int status = ctr_open(&session->trace, path, error);
    if (status != CT_OK) {
        session->trace = NULL;
        free(path);
        return status;
    }
    session->owns_trace = true;
    session->directory = path;
    dap_open_replay(session);
    return CT_OK;
}

/* `launch` and `attach` are one: nothing is started, a recording is opened. */
int dap_launch(struct dap_request *request)
{
    struct dap_session *session = request->session;
    const json_t *from = request->arguments;
    const char *folder = dap_text(request, from, "traceFolder", NULL);
    const char *program = dap_text(request, from, "program", NULL);
    const char *cwd = dap_text(request, from, "cwd", NULL);
    bool stops = dap_bool(request, from, "stopOnEntry", true);
    if (request->status != CT_OK) {
        return request->status;
    }
    const char *named = folder != NULL && *folder != '\0' ? folder : program;
    if (session->is_launched) {
        return dap_refuse(request, "a recording is open: start another session for another");
    }
    if (session->trace == NULL) {
        if (named == NULL || *named == '\0') {
            return dap_refuse(request, "traceFolder is missing: the directory of a recording");
        }
        int status = open_recording(session, recording_path(named, cwd), &request->error);
        if (status != CT_OK) {
            return status;
        }
        if (session->replay != NULL) {
            dap_event_plain(session, "initialized");
        }
    }
    if (session->owns_trace && session->replay == NULL) { /* one can still ask what it is */
        return dap_refuse(request, "%s", session->no_replay.message);
    }
    session->is_launched = true;
    session->stops_on_entry = stops;
    dap_first_stop(session);
    return CT_OK;
}

int dap_configuration_done(struct dap_request *request)
{
    request->session->is_configured = true;
    dap_first_stop(request->session);
    return CT_OK;
}

/* ---- later ---- */

int dap_restart(struct dap_request *request)
{
    request->session->has_terminated = false;
    int status = rp_go_start(request->session->replay, &request->error);
    return dap_moved(request, status, RP_MOVED, DAP_ENTRY);
}

/* The end is told once: dape sends `terminate` whenever it hears of `terminated`. */
int dap_terminate(struct dap_request *request)
{
    struct dap_session *session = request->session;
    if (session->has_terminated) {
        return CT_OK;
    }
    session->has_terminated = true;
    int32_t exit_status =
        session->trace != NULL ? ctr_info(session->trace)->exit_status : INT32_MIN;
    if (exit_status != INT32_MIN) {
        struct ct_json_out json;
        dap_event_begin(&json, "exited");
        ct_json_put_int(&json, "exitCode", exit_status);
        dap_event_queue(session, &json);
    }
    dap_event_plain(session, "terminated");
    return CT_OK;
}

int dap_disconnect(struct dap_request *request)
{
    request->session->has_ended = true;
    return CT_OK;
}

/* ---- cancel ---- */

bool dap_progress_request(const char *progress, int64_t *seq)
{
    char *end;
    *seq = strtoll(progress, &end, 10);
    return end != progress && *end == '\0' && *seq >= 0;
}

/* Requests are answered one after another: what is cancelled here has been answered already, or is
 * still to come. Transports ask for those that run (dap_is_cancel). */
int dap_cancel(struct dap_request *request)
{
    const json_t *from = request->arguments;
    int64_t seq = (int64_t)dap_uint(request, from, "requestId", 0);
    const char *progress = dap_text(request, from, "progressId", NULL);
    bool is_known = dap_has(from, "requestId");
    if (!is_known && progress != NULL && !dap_progress_request(progress, &seq)) {
        return dap_refuse(request, "there is no progress %.100s", progress);
    }
    if (request->status == CT_OK && (is_known || progress != NULL) && seq > request->seq) {
        dap_session_cancel(request->session, seq);
    }
    return request->status;
}
