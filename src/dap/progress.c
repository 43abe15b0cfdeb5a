/* Long work tells how far it is, to clients that show it, and ends when it is cancelled: whatever
 * searches asks here. What is done at once tells nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "dap/dap_internal.h"

enum { TELL_EVERY_MS = 100 };

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A progress is known by the request it belongs to. */
static void begin_event(const struct dap_session *session, struct ct_json_out *json,
                        const char *event)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, session->running);
    dap_event_begin(json, event);
    ct_json_put_text(json, "progressId", id);
}

static void start(struct dap_session *session)
{
    struct ct_json_out json;
    session->tells_progress = true;
    begin_event(session, &json, "progressStart");
    ct_json_put_text(&json, "title", "Searching the recording");
    ct_json_put_text(&json, "message", session->running_command);
    ct_json_put_int(&json, "requestId", session->running);
    ct_json_put_bool(&json, "cancellable", true);
    ct_json_put_uint(&json, "percentage", 0);
    dap_event_send(session, &json);
}

static void tell(struct dap_session *session, uint64_t done, uint64_t total)
{
    struct ct_json_out json;
    int64_t now = milliseconds();
    bool is_begun = session->tells_progress;
    if (now - session->told_at < (is_begun ? TELL_EVERY_MS : session->patience)) {
        return;
    }
    session->told_at = now;
    if (!is_begun) {
        start(session);
    }
    begin_event(session, &json, "progressUpdate");
    ct_json_put_uint(&json, "percentage", total > 0 && done < total ? done * 100 / total : 100);
    dap_event_send(session, &json);
}

bool dap_go_on_searching(void *context, uint64_t done, uint64_t total)
{
    struct dap_session *session = context;
    if (session->shows_progress) {
        tell(session, done, total);
    }
    return !dap_is_cancelled(session, session->running);
}

void dap_progress_begin(struct dap_request *request, const char *command)
{
    struct dap_session *session = request->session;
    session->running = request->seq;
    session->running_command = command;
    session->tells_progress = false;
    session->told_at = session->shows_progress ? milliseconds() : 0;
}

void dap_progress_end(struct dap_request *request)
{
    struct dap_session *session = request->session;
    struct ct_json_out json;
    if (session->tells_progress) {
        begin_event(session, &json, "progressEnd");
        dap_event_send(session, &json);
    }
    session->tells_progress = false;
}
