/* Events, and how anything reaches the client. */
#include <stdlib.h>
#include <string.h>

#include "dap/dap_internal.h"

void dap_post(struct dap_session *session, struct ct_json_out *json)
{
    ct_json_put_int(json, "seq", ++session->last_seq);
    ct_json_end_object(json);
    if (!json->bytes.failed) {
        session->options.send(session->options.context, (const char *)json->bytes.data,
                              json->bytes.size);
    }
    ct_json_clear(json);
}

void dap_event_begin(struct ct_json_out *json, const char *event)
{
    ct_json_init(json, NULL);
    ct_json_begin_object(json);
    ct_json_put_text(json, "type", "event");
    ct_json_put_text(json, "event", event);
    dap_put_object(json, "body");
}

void dap_event_send(struct dap_session *session, struct ct_json_out *json)
{
    ct_json_end_object(json);
    dap_post(session, json);
}

void dap_event_queue(struct dap_session *session, struct ct_json_out *json)
{
    ct_json_end_object(json);
    if (!json->bytes.failed) {
        ct_bytes_add_u32(&session->waiting, (uint32_t)json->bytes.size);
        ct_bytes_add(&session->waiting, json->bytes.data, json->bytes.size);
    }
    ct_json_clear(json);
}

void dap_event_plain(struct dap_session *session, const char *event)
{
    struct ct_json_out json;
    dap_event_begin(&json, event);
    dap_event_queue(session, &json);
}

void dap_events_flush(struct dap_session *session)
{
    struct ct_bytes waiting = session->waiting;
    session->waiting = (struct ct_bytes){0};
    for (size_t at = 0; at + 4 <= waiting.size && !waiting.failed;) {
        uint32_t size = ct_load32(waiting.data + at);
        struct ct_json_out json;
        ct_json_init(&json, NULL);
        ct_bytes_add(&json.bytes, waiting.data + at + 4, size);
        json.needs_comma = true;
        dap_post(session, &json);
        at += 4 + size;
    }
    ct_bytes_free(&waiting);
}

/* ---- where it stands ---- */

/* What a person is told of the stop. */
static const char *description(const struct dap_session *session)
{
    static const char *const stays[RP_ENDS_COUNT] = {
        [RP_AT_START] = "Nothing is before this on the thread",
        [RP_AT_END] = "Nothing is after this on the thread",
        [RP_AT_ROOT] = "No recorded code is below this call",
        [RP_NOT_FOUND] = "There is none in this direction",
    };
    static const char *const reasons[] = {
        [DAP_ENTRY] = "Start of the recording",
        [DAP_STEP] = "Step",
        [DAP_PAUSE] = "Pause",
        [DAP_BREAKPOINT] = "Breakpoint",
        [DAP_FUNCTION_BREAKPOINT] = "Function breakpoint",
        [DAP_EXCEPTION] = "Exception",
        [DAP_GOTO] = "Jump",
    };
    const char *why = stays[session->end];
    return why != NULL ? why : reasons[session->reason];
}

void dap_put_hits(const struct dap_session *session, struct ct_json_out *json, const char *key)
{
    dap_put_array(json, key);
    for (unsigned i = 0; i < session->hit_count; i++) {
        ct_json_uint(json, session->hits[i]);
    }
    ct_json_end_array(json);
}

void dap_event_stopped(struct dap_session *session)
{
    struct ct_json_out json;
    dap_event_begin(&json, "stopped");
    ct_json_put_text(&json, "reason", dap_reason_name(session->reason));
    ct_json_put_text(&json, "description", description(session));
    dap_put_thread(&json, "threadId", rp_now(session->replay)->thread);
    ct_json_put_bool(&json, "allThreadsStopped", true);
    if (session->hit_count > 0) {
        dap_put_hits(session, &json, "hitBreakpointIds");
    }
    dap_event_queue(session, &json);
    dap_event_begin(&json, "ct/complete-move");
    dap_put_state(session, &json);
    dap_event_queue(session, &json);
}
