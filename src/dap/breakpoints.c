/* Breakpoints of lines, functions and exceptions, and log points: what the client wants of them,
 * and what it is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dap/dap_internal.h"
#include "dap/log_message.h"
#include "replay/breakpoints.h"
#include "replay/lines.h"

enum { AT_ONCE_MAX = 1000, LOGS_MAX = 10000, LINES_MAX = 10000 };

struct dap_break {
    struct dap_break *next;
    uint32_t number; /* the engine's, and the client's id */
    bool is_function;
    uint32_t path, line; /* of a line */
    struct dap_log_message *log;
    bool has_failed; /* its condition had no value once, which was told */
};

/* ---- the list ---- */

static struct dap_break *find(const struct dap_session *session, uint32_t number)
{
    struct dap_break *at = session->breakpoints;
    while (at != NULL && at->number != number) {
        at = at->next;
    }
    return at;
}

bool dap_is_function_breakpoint(const struct dap_session *session, uint32_t number)
{
    const struct dap_break *found = find(session, number);
    return found != NULL && found->is_function;
}

static void free_break(struct dap_break *gone)
{
    dap_log_message_free(gone->log);
    free(gone);
}

/* Of a file, or of all functions. */
static void remove_of(struct dap_session *session, bool functions, uint32_t path)
{
    struct dap_break **at = &session->breakpoints;
    while (*at != NULL) {
        struct dap_break *gone = *at;
        if (gone->is_function != functions || (!functions && gone->path != path)) {
            at = &gone->next;
            continue;
        }
        *at = gone->next;
        rp_break_remove(session->replay, gone->number);
        free_break(gone);
    }
}

void dap_breakpoints_free(struct dap_session *session)
{
    while (session->breakpoints != NULL) {
        struct dap_break *gone = session->breakpoints;
        session->breakpoints = gone->next;
        free_break(gone);
    }
}

/* ---- making them ---- */

struct wish { /* one breakpoint of a request */
    struct rp_break wanted;
    const char *log_message;
    uint32_t line; /* as the client has it */
    struct dap_log_message *log;
    uint32_t number; /* 0: it cannot be */
    struct ct_error error;
};

static void read_wish(struct dap_request *request, const json_t *from, struct wish *wish)
{
    wish->wanted.condition = dap_text(request, from, "condition", NULL);
    wish->wanted.hit_condition = dap_text(request, from, "hitCondition", NULL);
}

static bool is_given(const char *text)
{
    return text != NULL && *text != '\0';
}

/* Give it to the engine; a wish that makes no sense has an error and no number. */
static int fulfil(struct dap_session *session, struct wish *wish, struct ct_error *error)
{
    size_t at = 0;
    int status = CT_OK;
    if (is_given(wish->log_message)) {
        wish->wanted.is_log = true;
        status = dap_log_message_new(&wish->log, wish->log_message, &at, &wish->error);
    }
    bool is_of_log = status != CT_OK;
    const char *condition = is_given(wish->wanted.condition) ? wish->wanted.condition : "";
    if (status == CT_OK) {
        status = rp_break_add(session->replay, &wish->wanted, &wish->number, &at, &wish->error);
    }
    if (status != CT_OK) {
        if (at != SIZE_MAX) {
            dap_error_at(&wish->error, is_of_log ? wish->log_message : condition, at);
        }
        wish->number = 0;
        dap_log_message_free(wish->log);
        return status == CT_EUSAGE || status == CT_ELIMIT
                   ? CT_OK
                   : ct_fail(error, status, "%s", wish->error.message);
    }
    struct dap_break *made = calloc(1, sizeof *made);
    if (made == NULL) {
        rp_break_remove(session->replay, wish->number);
        dap_log_message_free(wish->log);
        return ct_fail(error, CT_ENOMEM, "no memory for a breakpoint");
    }
    *made = (struct dap_break){
        .next = session->breakpoints,
        .number = wish->number,
        .is_function = wish->wanted.function != NULL,
        .path = wish->wanted.path,
        .line = wish->wanted.line,
        .log = wish->log,
    };
    session->breakpoints = made;
    return CT_OK;
}

static void put_breakpoint(struct ct_json_out *json, uint32_t number, const char *message)
{
    ct_json_put_bool(json, "verified", number != 0);
    if (number != 0) {
        ct_json_put_uint(json, "id", number);
    }
    if (message[0] != '\0') {
        ct_json_put_text(json, "message", message);
    }
}

/* ---- setBreakpoints ---- */

/* Where steps are: the line wished for, or the nearest one that has some. */
static int place_line(struct dap_session *session, struct wish *wish, struct ct_error *error)
{
    int status = rp_line_with_steps(session->replay, wish->wanted.path, wish->line,
                                    &wish->wanted.line, &wish->error);
    if (status == CT_ESTATE) {
        return CT_OK; /* told in its message */
    }
    if (status != CT_OK) {
        return ct_fail(error, status, "%s", wish->error.message);
    }
    status = fulfil(session, wish, error);
    if (status == CT_OK && wish->number != 0 && wish->wanted.line != wish->line) {
        snprintf(wish->error.message, sizeof wish->error.message,
                 "Line %u never ran: moved to line %u", dap_client_line(session, wish->line),
                 dap_client_line(session, wish->wanted.line));
    }
    return status;
}

static int set_line(struct dap_request *request, const json_t *from, uint32_t path)
{
    struct dap_session *session = request->session;
    struct wish wish = {.wanted = {.path = path}};
    int status = CT_OK;
    read_wish(request, from, &wish);
    dap_need(request, from, "line");
    wish.line = dap_line(request, from, "line", 0);
    wish.log_message = dap_text(request, from, "logMessage", NULL);
    if (request->status != CT_OK) {
        return request->status;
    }
    if (path == UINT32_MAX) {
        snprintf(wish.error.message, sizeof wish.error.message, "This file was not recorded");
    } else {
        status = place_line(session, &wish, &request->error);
    }
    ct_json_begin_object(&request->body);
    put_breakpoint(&request->body, wish.number, wish.error.message);
    dap_put_line(session, &request->body, "line", wish.number != 0 ? wish.wanted.line : wish.line);
    if (path != UINT32_MAX) {
        dap_put_source(session, &request->body, "source", path);
    }
    ct_json_end_object(&request->body);
    return status;
}

/* A list of objects that is not longer than makes sense. */
static json_t *read_list(struct dap_request *request, const char *name)
{
    json_t *list = dap_array(request, request->arguments, name);
    size_t at;
    json_t *item;
    if (json_array_size(list) > AT_ONCE_MAX) {
        dap_refuse(request, "more than %d %s at once", AT_ONCE_MAX, name);
    }
    json_array_foreach(list, at, item)
    {
        if (!json_is_object(item)) {
            dap_refuse(request, "%s has an item that is not an object", name);
        }
    }
    return list;
}

int dap_set_breakpoints(struct dap_request *request)
{
    dap_need(request, request->arguments, "source");
    json_t *source = dap_object(request, request->arguments, "source");
    json_t *list = read_list(request, "breakpoints");
    uint32_t path = dap_path_of(request, source);
    size_t at;
    json_t *item;
    int status = CT_OK;
    if (request->status != CT_OK) {
        return request->status;
    }
    if (path != UINT32_MAX) {
        remove_of(request->session, false, path);
    }
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "breakpoints");
    json_array_foreach(list, at, item)
    {
        status = status == CT_OK ? set_line(request, item, path) : status;
    }
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    return status;
}

/* ---- setFunctionBreakpoints ---- */

static int set_function(struct dap_request *request, const json_t *from)
{
    struct dap_session *session = request->session;
    struct wish wish = {0};
    read_wish(request, from, &wish);
    dap_need(request, from, "name");
    wish.wanted.function = dap_text(request, from, "name", "");
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = fulfil(session, &wish, &request->error);
    bool has_code = wish.number != 0 && rp_break_has_code(session->replay, wish.number);
    if (wish.number != 0 && !has_code) {
        snprintf(wish.error.message, sizeof wish.error.message,
                 "No function of this name was recorded");
    }
    ct_json_begin_object(&request->body);
    put_breakpoint(&request->body, has_code ? wish.number : 0, wish.error.message);
    ct_json_end_object(&request->body);
    return status;
}

int dap_set_function_breakpoints(struct dap_request *request)
{
    dap_need(request, request->arguments, "breakpoints");
    json_t *list = read_list(request, "breakpoints");
    size_t at;
    json_t *item;
    int status = CT_OK;
    if (request->status != CT_OK) {
        return request->status;
    }
    remove_of(request->session, true, 0);
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "breakpoints");
    json_array_foreach(list, at, item)
    {
        status = status == CT_OK ? set_function(request, item) : status;
    }
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    return status;
}

/* ---- breakpointLocations ---- */

int dap_breakpoint_locations(struct dap_request *request)
{
    struct dap_session *session = request->session;
    const json_t *from = request->arguments;
    dap_need(request, from, "line");
    uint32_t path = dap_path_of(request, dap_object(request, from, "source"));
    uint32_t first = dap_line(request, from, "line", 0);
    uint32_t last = dap_line(request, from, "endLine", first);
    if (request->status == CT_OK && path == UINT32_MAX) {
        dap_refuse(request, "there is no such file in the recording");
    }
    if (request->status != CT_OK) {
        return request->status;
    }
    uint32_t count = last < first ? 0 : last - first < LINES_MAX ? last - first + 1 : LINES_MAX;
    uint64_t *visits = calloc(count + 1ull, sizeof *visits);
    if (visits == NULL) {
        return ct_fail(&request->error, CT_ENOMEM, "no memory to count lines");
    }
    int status = rp_line_counts(session->replay, path, first, count,
                                ctr_info(session->trace)->steps, visits, &request->error);
    ct_json_begin_object(&request->body);
    dap_put_array(&request->body, "breakpoints");
    for (uint32_t i = 0; status == CT_OK && i < count; i++) {
        if (visits[i] > 0) {
            ct_json_begin_object(&request->body);
            dap_put_line(session, &request->body, "line", first + i);
            ct_json_end_object(&request->body);
        }
    }
    ct_json_end_array(&request->body);
    ct_json_end_object(&request->body);
    free(visits);
    return status;
}

/* ---- telling ---- */

struct telling {
    struct dap_session *session;
    unsigned count;
};

static void send_output(struct dap_session *session, const struct dap_break *from,
                        const struct ct_bytes *text, uint64_t step)
{
    struct ct_json_out json;
    dap_event_begin(&json, "output");
    ct_json_put_text(&json, "category", "console");
    dap_put_bytes(&json, "output", text);
    dap_put_source(session, &json, "source", from->path);
    dap_put_line(session, &json, "line", from->line);
    dap_put_object(&json, "ct");
    ct_json_put_uint(&json, "step", step);
    ct_json_end_object(&json);
    dap_event_send(session, &json);
}

/* What log points cannot tell. */
static void send_warning(struct dap_session *session, const char *why)
{
    struct ct_json_out json;
    struct ct_bytes text = {0};
    ct_bytes_add_format(&text, "Further log points are left out: %s\n", why);
    dap_event_begin(&json, "output");
    ct_json_put_text(&json, "category", "important");
    dap_put_bytes(&json, "output", &text);
    dap_event_send(session, &json);
    ct_bytes_free(&text);
}

static bool tell(void *context, uint32_t number, uint64_t step)
{
    struct telling *telling = context;
    struct dap_session *session = telling->session;
    const struct dap_break *found = find(session, number);
    struct ct_bytes text = {0};
    if (found == NULL || found->log == NULL) {
        return true;
    }
    if (telling->count++ == LOGS_MAX) {
        return false;
    }
    dap_log_message_text(found->log, session->replay, step, &text);
    ct_bytes_add_text(&text, "\n");
    send_output(session, found, &text, step);
    ct_bytes_free(&text);
    return true;
}

/* The move is made whatever becomes of this. */
void dap_tell_logs(struct dap_session *session, struct ctr_place from, struct ctr_place to)
{
    struct telling telling = {.session = session};
    struct ct_error error = {0};
    int status = rp_break_log(session->replay, from, to, tell, &telling, &error);
    if (status == CT_ELIMIT) {
        snprintf(error.message, sizeof error.message, "there are more than %d", LOGS_MAX);
    }
    if (status != CT_OK) {
        send_warning(session, error.message);
    }
}

void dap_tell_failures(struct dap_session *session)
{
    for (struct dap_break *at = session->breakpoints; at != NULL; at = at->next) {
        const char *why;
        struct ct_json_out json;
        if (at->has_failed || rp_break_failures(session->replay, at->number, &why) == 0) {
            continue;
        }
        at->has_failed = true;
        dap_event_begin(&json, "breakpoint");
        ct_json_put_text(&json, "reason", "changed");
        dap_put_object(&json, "breakpoint");
        ct_json_put_uint(&json, "id", at->number);
        ct_json_put_bool(&json, "verified", true);
        ct_json_key(&json, "message");
        struct ct_bytes text = {0};
        ct_bytes_add_format(&text, "The condition had no value; at first: %s", why);
        ct_json_text_n(&json, text.data, text.size);
        ct_bytes_free(&text);
        ct_json_end_object(&json);
        dap_event_queue(session, &json);
    }
}
