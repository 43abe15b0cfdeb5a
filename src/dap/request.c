/* From a message to its response: the table of all requests, and how one is answered. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dap/dap_internal.h"

enum { BATCH_MAX = 64 };

const struct dap_handler dap_handlers[] = {
    {"initialize", dap_initialize, DAP_NOTHING, NULL},
    {"launch", dap_launch, DAP_CLIENT, NULL},
    {"attach", dap_launch, DAP_CLIENT, NULL},
    {"configurationDone", dap_configuration_done, DAP_CLIENT, "supportsConfigurationDoneRequest"},
    {"restart", dap_restart, DAP_MOMENT, "supportsRestartRequest"},
    {"terminate", dap_terminate, DAP_CLIENT, "supportsTerminateRequest"},
    {"disconnect", dap_disconnect, DAP_NOTHING, NULL},
    {"cancel", dap_cancel, DAP_NOTHING, "supportsCancelRequest"},
    {"ct/batch", dap_batch, DAP_NOTHING, NULL},

    {"threads", dap_threads, DAP_MOMENT, NULL},
    {"stackTrace", dap_stack_trace, DAP_MOMENT, "supportsDelayedStackTraceLoading"},
    {"scopes", dap_scopes, DAP_MOMENT, NULL},
    {"variables", dap_variables, DAP_MOMENT, NULL},
    {"evaluate", dap_evaluate, DAP_MOMENT, "supportsEvaluateForHovers"},
    {"completions", dap_completions, DAP_MOMENT, "supportsCompletionsRequest"},
    {"exceptionInfo", dap_exception_info, DAP_MOMENT, "supportsExceptionInfoRequest"},

    {"source", dap_source, DAP_RECORDING, NULL},
    {"loadedSources", dap_loaded_sources, DAP_RECORDING, "supportsLoadedSourcesRequest"},

    {"next", dap_next, DAP_MOMENT, "supportsSteppingGranularity"},
    {"stepIn", dap_step_in, DAP_MOMENT, NULL},
    {"stepOut", dap_step_out, DAP_MOMENT, NULL},
    {"stepBack", dap_step_back, DAP_MOMENT, "supportsStepBack"},
    {"ct/reverseStepIn", dap_reverse_step_in, DAP_MOMENT, NULL},
    {"ct/reverseStepOut", dap_reverse_step_out, DAP_MOMENT, NULL},
    {"continue", dap_continue, DAP_MOMENT, NULL},
    {"reverseContinue", dap_reverse_continue, DAP_MOMENT, NULL},
    {"gotoTargets", dap_goto_targets, DAP_MOMENT, "supportsGotoTargetsRequest"},
    {"goto", dap_goto, DAP_MOMENT, NULL},
    {"ct/move", dap_move, DAP_MOMENT, NULL},

    {"setBreakpoints", dap_set_breakpoints, DAP_MOMENT, "supportsConditionalBreakpoints"},
    {"setFunctionBreakpoints", dap_set_function_breakpoints, DAP_MOMENT,
     "supportsFunctionBreakpoints"},
    {"setExceptionBreakpoints", dap_set_exception_breakpoints, DAP_MOMENT, NULL},
    {"breakpointLocations", dap_breakpoint_locations, DAP_MOMENT,
     "supportsBreakpointLocationsRequest"},

    {"ct/recording", dap_recording, DAP_RECORDING, NULL},
    {"ct/files", dap_files, DAP_MOMENT, NULL},
    {"ct/line-counts", dap_line_counts, DAP_MOMENT, NULL},
    {"ct/load-flow", dap_load_flow, DAP_MOMENT, NULL},
    {"ct/visit", dap_visit, DAP_MOMENT, NULL},
    {"ct/load-loops", dap_load_loops, DAP_MOMENT, NULL},
    {"ct/load-calltrace-section", dap_load_calls, DAP_MOMENT, NULL},
    {"ct/search-calltrace", dap_search_calls, DAP_MOMENT, NULL},
    {"ct/call-path", dap_call_path, DAP_MOMENT, NULL},
    {"ct/tasks", dap_tasks, DAP_MOMENT, NULL},
    {"ct/task-frames", dap_task_frames, DAP_MOMENT, NULL},
    {"ct/load-history", dap_load_history, DAP_MOMENT, NULL},
    {"ct/draw-history", dap_draw_history, DAP_MOMENT, NULL},
    {"ct/event-load", dap_event_load, DAP_MOMENT, NULL},
    {"ct/load-timeline", dap_load_timeline, DAP_MOMENT, NULL},
    {"ct/at", dap_at, DAP_MOMENT, NULL},

    {"ct/goto-ticks", dap_jump, DAP_MOMENT, NULL},
    {"ct/timeline-seek", dap_jump, DAP_MOMENT, NULL},
    {"ct/run-to-entry", dap_jump, DAP_MOMENT, NULL},
    {"ct/source-line-jump", dap_jump, DAP_MOMENT, NULL},
    {"ct/source-call-jump", dap_jump, DAP_MOMENT, NULL},
    {"ct/calltrace-jump", dap_jump, DAP_MOMENT, NULL},
    {"ct/history-jump", dap_jump, DAP_MOMENT, NULL},
    {"ct/event-jump", dap_jump, DAP_MOMENT, NULL},
    {"ct/trace-jump", dap_jump, DAP_MOMENT, NULL},
    {"ct/local-step-jump", dap_jump, DAP_MOMENT, NULL},
    {"ct/load-table", dap_load_table, DAP_MOMENT, NULL},
    {"ct/load-locals", dap_load_locals, DAP_MOMENT, NULL},
    {"ct/load-terminal", dap_load_terminal, DAP_MOMENT, NULL},
};

const size_t dap_handler_count = sizeof dap_handlers / sizeof dap_handlers[0];

static const struct dap_handler *find_handler(const char *command)
{
    for (size_t i = 0; i < dap_handler_count; i++) {
        if (strcmp(dap_handlers[i].command, command) == 0) {
            return &dap_handlers[i];
        }
    }
    return NULL;
}

int dap_refuse(struct dap_request *request, const char *format, ...)
{
    if (request->status == CT_OK) {
        va_list arguments;
        va_start(arguments, format);
        request->error.code = request->status = CT_EUSAGE;
        vsnprintf(request->error.message, sizeof request->error.message, format, arguments);
        va_end(arguments);
    }
    return request->status;
}

void dap_error_at(struct ct_error *error, const char *text, size_t at)
{
    size_t used = strlen(error->message), column = 1;
    for (size_t i = 0; i < at && text[i] != '\0'; i++) {
        column += (text[i] & 0xc0) != 0x80; /* characters, of which one may have several bytes */
    }
    snprintf(error->message + used, sizeof error->message - used, " (column %zu)", column);
}

/* ---- responses ---- */

/* The members of a response, in an object that stays open. */
static void put_response(struct ct_json_out *json, const struct dap_request *request,
                         const char *command, int status)
{
    bool success = status == CT_OK;
    ct_json_put_text(json, "type", "response");
    ct_json_put_int(json, "request_seq", request->seq);
    ct_json_put_bool(json, "success", success);
    ct_json_put_text(json, "command", command);
    if (!success) {
        ct_json_put_text(json, "message",
                         status == CT_ECANCEL ? "cancelled" : request->error.message);
    }
    if (success && request->body.bytes.size > 0) {
        ct_json_key(json, "body");
        ct_json_raw(json, request->body.bytes.data, request->body.bytes.size);
    }
    json->bytes.failed |= request->body.bytes.failed;
}

static void post_response(struct dap_request *request, const char *command, int status)
{
    struct ct_json_out json;
    ct_json_init(&json, NULL);
    ct_json_begin_object(&json);
    put_response(&json, request, command, status);
    if (json.bytes.failed) { /* so short a message fits */
        ct_json_clear(&json);
        ct_json_init(&json, NULL);
        ct_bytes_add_format(&json.bytes,
                            "{\"type\":\"response\",\"request_seq\":%" PRId64
                            ",\"success\":false,\"command\":\"\",\"message\":\"no memory\"",
                            request->seq);
        json.needs_comma = true;
    }
    dap_post(request->session, &json);
}

/* Why a request cannot be answered now; NULL: it can. */
static const char *obstacle(const struct dap_session *session, enum dap_need need)
{
    if (session->has_ended) {
        return "the session has ended";
    }
    if (need >= DAP_CLIENT && !session->is_initialized) {
        return "initialize comes first";
    }
    if (need >= DAP_RECORDING && session->trace == NULL) {
        return "no recording is open: launch or attach names one";
    }
    if (need >= DAP_MOMENT && session->replay == NULL) {
        return session->no_replay.message;
    }
    return NULL;
}

static int refuse_command(struct dap_request *request, const char *command)
{
    return dap_refuse(request, "there is no request %.100s", command);
}

static int run(struct dap_request *request, const char *command)
{
    const struct dap_handler *handler = find_handler(command);
    const char *reason;
    if (handler == NULL) {
        return refuse_command(request, command);
    }
    reason = obstacle(request->session, handler->need);
    if (reason != NULL) {
        return dap_refuse(request, "%s", reason);
    }
    if (dap_is_cancelled(request->session, request->seq)) {
        return ct_fail(&request->error, CT_ECANCEL, "cancelled");
    }
    request->command = handler->command;
    int status = handler->answer(request);
    return status != CT_OK ? status : request->status;
}

/* The request's body, and how it ended. */
static int work(struct dap_request *request, const char *command)
{
    dap_progress_begin(request, command);
    ct_json_init(&request->body, NULL);
    int status = request->status == CT_OK ? run(request, command) : request->status;
    dap_progress_end(request);
    return status;
}

static void end(struct dap_request *request)
{
    dap_forget_cancel(request->session, request->seq);
    ct_json_clear(&request->body);
}

static void answer(struct dap_request *request, const char *command)
{
    int status = work(request, command);
    post_response(request, command, status);
    dap_events_flush(request->session);
    end(request);
}

/* ---- messages ---- */

/* DAP's seq; -1 when it has none that makes sense. */
static int64_t read_seq(const json_t *message)
{
    const json_t *seq = json_object_get(message, "seq");
    return json_is_integer(seq) && json_integer_value(seq) >= 0 ? json_integer_value(seq) : -1;
}

static json_t *parse(const char *json, size_t size, struct ct_error *error)
{
    json_error_t problem;
    if (size > DAP_MESSAGE_BYTES) {
        ct_fail(error, CT_ELIMIT, "a message of %zu bytes; the limit is %d", size,
                DAP_MESSAGE_BYTES);
        return NULL;
    }
    json_t *message = json_loadb(json, size, JSON_ALLOW_NUL, &problem);
    if (message == NULL) {
        ct_fail(error, CT_EUSAGE, "this is not JSON: %s (byte %d)", problem.text, problem.position);
    } else if (!json_is_object(message)) {
        ct_fail(error, CT_EUSAGE, "a message is an object");
        json_decref(message);
        message = NULL;
    }
    return message;
}

/* What a request names, and its arguments; "" and a refusal where they make no sense. */
static const char *read_request(struct dap_request *request, const json_t *message)
{
    const char *type = dap_text(request, message, "type", "");
    if (request->status == CT_OK && strcmp(type, "request") != 0) {
        dap_refuse(request, "type is none of request, response, event");
    }
    request->seq = read_seq(message);
    if (request->seq < 0) {
        request->seq = 0;
        dap_refuse(request, "seq is not a whole number");
    }
    const char *command = dap_text(request, message, "command", NULL);
    if (command == NULL) {
        dap_refuse(request, "command is missing");
        return "";
    }
    request->arguments = dap_object(request, message, "arguments");
    return command;
}

/* ---- ct/batch: several requests in one message, answered in their order ---- */

static void put_answer(struct ct_json_out *json, struct dap_session *session, const json_t *message)
{
    struct dap_request request = {.session = session};
    const char *command = "";
    if (json_is_object(message)) {
        command = read_request(&request, message);
    } else {
        dap_refuse(&request, "a request is an object");
    }
    if (strcmp(command, "ct/batch") == 0) {
        dap_refuse(&request, "there is a batch in a batch");
    }
    int status = work(&request, command);
    ct_json_begin_object(json);
    put_response(json, &request, command, status);
    ct_json_end_object(json);
    end(&request);
}

int dap_batch(struct dap_request *request)
{
    dap_need(request, request->arguments, "requests");
    const json_t *requests = dap_array(request, request->arguments, "requests"), *item;
    size_t at;
    if (json_array_size(requests) > BATCH_MAX) {
        dap_refuse(request, "more than %d requests at once", BATCH_MAX);
    }
    if (request->status != CT_OK) {
        return request->status;
    }
    request->session->batch = request->seq;
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "responses");
    json_array_foreach(requests, at, item)
    {
        put_answer(&request->body, request->session, item);
    }
    request->session->batch = -1;
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    return CT_OK;
}

/* Answers to requests of ours, of which there are none, and events need no answer. */
static bool is_request(const json_t *message)
{
    const char *type = json_string_value(json_object_get(message, "type"));
    return type == NULL || (strcmp(type, "response") != 0 && strcmp(type, "event") != 0);
}

bool dap_session_take(struct dap_session *session, const char *json, size_t size)
{
    struct dap_request request = {.session = session};
    json_t *message = parse(json, size, &request.error);
    request.status = message == NULL ? request.error.code : CT_OK;
    if (message == NULL || is_request(message)) {
        answer(&request, message == NULL ? "" : read_request(&request, message));
    }
    json_decref(message);
    return !session->has_ended;
}

/* Every message is asked: most are not read for it. */
static bool may_be_cancel(const char *json, size_t size)
{
    return memmem(json, size, "cancel", 6) != NULL || memmem(json, size, "\\u", 2) != NULL;
}

bool dap_is_cancel(const char *json, size_t size, int64_t *seq)
{
    if (!may_be_cancel(json, size)) {
        return false;
    }
    json_t *message = parse(json, size, NULL);
    const char *command = json_string_value(json_object_get(message, "command"));
    json_t *arguments = json_object_get(message, "arguments");
    const json_t *id = json_object_get(arguments, "requestId");
    const char *progress = json_string_value(json_object_get(arguments, "progressId"));
    bool is_cancel = command != NULL && strcmp(command, "cancel") == 0;
    if (is_cancel && json_is_integer(id)) {
        *seq = json_integer_value(id);
    } else if (is_cancel && progress != NULL) {
        is_cancel = dap_progress_request(progress, seq);
    } else {
        is_cancel = false;
    }
    json_decref(message);
    return is_cancel;
}
