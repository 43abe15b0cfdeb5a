/* Where code is, and where the session stands. */
#include "dap/dap_internal.h"
#include "replay/state.h"

static const struct ctr_text no_text = {"", 0};

void dap_put_location(const struct dap_session *session, struct ct_json_out *json, const char *key,
                      struct dap_where where)
{
    const struct ctr_plan *plan = ctr_plan(session->trace, where.plan);
    const struct ctr_path *path = plan != NULL ? ctr_path(session->trace, plan->path) : NULL;
    dap_put_object(json, key);
    dap_put_path(session, json, "path", path != NULL ? path->path : no_text);
    dap_put_line(session, json, "line", where.line);
    dap_put_text(json, "functionName", plan != NULL ? plan->qualname : no_text);
    dap_put_line(session, json, "functionFirst", plan != NULL ? plan->first_line : 0);
    ct_json_put_uint(json, "rrTicks", where.step);
    dap_put_number_or_null(json, "key", where.call);
    if (where.has_depth) {
        ct_json_put_uint(json, "callstackDepth", where.depth);
    }
    ct_json_end_object(json);
}

const char *dap_reason_name(enum dap_reason reason)
{
    static const char *const names[] = {
        [DAP_ENTRY] = "entry",
        [DAP_STEP] = "step",
        [DAP_PAUSE] = "pause",
        [DAP_BREAKPOINT] = "breakpoint",
        [DAP_FUNCTION_BREAKPOINT] = "function breakpoint",
        [DAP_EXCEPTION] = "exception",
        [DAP_GOTO] = "goto",
    };
    return names[reason];
}

static void put_result(struct dap_session *session, struct ct_json_out *json,
                       const struct rp_position *now)
{
    struct ct_bytes text = {0}, type = {0};
    rp_value_text(session->replay, RP_NOW, now->result, &dap_brief, &text);
    rp_value_type(session->replay, RP_NOW, now->result, &type);
    ct_json_put_text(json, "leftBy", ctr_event_name(now->left_by));
    dap_put_object(json, "result");
    dap_put_bytes(json, "text", &text);
    dap_put_bytes(json, "type", &type);
    ct_json_end_object(json);
    ct_bytes_free(&text);
    ct_bytes_free(&type);
}

void dap_put_state(struct dap_session *session, struct ct_json_out *json)
{
    const struct rp_position *now = rp_now(session->replay);
    struct dap_where where = {now->plan, now->line, now->moment.step, now->call, false, 0};
    where.has_depth = rp_depth(session->replay, now->thread, &where.depth);
    dap_put_object(json, "moment");
    ct_json_put_uint(json, "step", now->moment.step);
    ct_json_put_uint(json, "left", now->moment.left);
    ct_json_end_object(json);
    dap_put_place(json, "place", now->place);
    ct_json_put_text(json, "end", rp_end_name(session->end));
    ct_json_put_text(json, "reason", dap_reason_name(session->reason));
    dap_put_hits(session, json, "breakpoints");
    dap_put_thread(json, "threadId", now->thread);
    ct_json_put_uint(json, "tick", now->tick);
    dap_put_location(session, json, "location", where);
    ct_json_put_bool(json, "isTurn", now->is_turn);
    if (now->moment.left > 0) {
        put_result(session, json, now);
    }
    ct_json_put_bool(json, "atStart", now->moment.step == 0 && now->moment.left == 0);
    ct_json_put_bool(json, "atEnd", now->moment.step + 1 == ctr_info(session->trace)->steps);
}
