/* The picture of the whole run, and what is at one step of it. */
#include "dap/dap_internal.h"
#include "replay/timeline.h"

/* ---- ct/load-timeline ---- */

static void put_parts(struct ct_json_out *json, const char *key, const struct rp_timeline *timeline,
                      size_t offset)
{
    dap_put_array(json, key);
    for (uint32_t i = 0; i < timeline->count; i++) {
        const char *part = (const char *)&timeline->parts[i];
        ct_json_uint(json, *(const uint64_t *)(const void *)(part + offset));
    }
    ct_json_end_array(json);
}

static void put_skyline(const struct dap_session *session, struct ct_json_out *json,
                        const struct rp_timeline *timeline, const struct rp_skyline *skyline)
{
    ct_json_begin_object(json);
    dap_put_thread(json, "threadId", skyline->thread);
    dap_put_thread_name(session, json, "name", skyline->thread);
    dap_put_array(json, "least");
    for (uint32_t i = 0; i < timeline->count; i++) {
        ct_json_int(json, skyline->parts[i].least);
    }
    ct_json_end_array(json);
    dap_put_array(json, "most");
    for (uint32_t i = 0; i < timeline->count; i++) {
        ct_json_int(json, skyline->parts[i].most);
    }
    ct_json_end_array(json);
    ct_json_end_object(json);
}

int dap_load_timeline(struct dap_request *request)
{
    const json_t *from = request->arguments;
    struct dap_session *session = request->session;
    struct ct_json_out *json = &request->body;
    struct rp_timeline timeline = {0};
    uint64_t first = dap_uint(request, from, "from", 0);
    uint64_t last = dap_uint(request, from, "to", ctr_info(session->trace)->steps);
    uint32_t count = (uint32_t)dap_uint_up_to(request, from, "count", 1000, RP_TIMELINE_PARTS);
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = rp_timeline(session->replay, first, last, count, &timeline, &request->error);
    ct_json_begin_object(json);
    dap_put_array(json, "threads");
    for (uint32_t i = 0; status == CT_OK && i < timeline.thread_count; i++) {
        put_skyline(session, json, &timeline, &timeline.threads[i]);
    }
    ct_json_end_array(json);
    if (status == CT_OK) {
        put_parts(json, "outputs", &timeline, offsetof(struct rp_part, outputs));
        put_parts(json, "exceptions", &timeline, offsetof(struct rp_part, exceptions));
        put_parts(json, "hits", &timeline, offsetof(struct rp_part, hits));
        put_parts(json, "tick", &timeline, offsetof(struct rp_part, tick));
        ct_json_put_bool(json, "isExact", timeline.is_exact);
    }
    ct_json_end_object(json);
    rp_timeline_clear(&timeline);
    return status;
}

/* ---- ct/at ---- */

int dap_at(struct dap_request *request)
{
    struct dap_session *session = request->session;
    struct rp_position there;
    dap_need(request, request->arguments, "step");
    uint64_t step = dap_uint(request, request->arguments, "step", 0);
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = rp_look(session->replay, (struct rp_moment){step, 0}, &there, &request->error);
    if (status == CT_OK) {
        struct dap_where where = {there.plan, there.line, there.moment.step, there.call, false, 0};
        ct_json_begin_object(&request->body);
        dap_put_location(session, &request->body, "location", where);
        dap_put_thread(&request->body, "threadId", there.thread);
        ct_json_put_uint(&request->body, "tick", there.tick);
        ct_json_end_object(&request->body);
    }
    return status;
}
