/* The tree of calls, in windows. */
#include "dap/dap_internal.h"
#include "replay/call_tree.h"
#include "replay/state.h"

enum { CALLS_MAX = 1000 };

static const struct ctr_text_options argument_text = {.depth = 2, .items = 10, .characters = 100};

/* ---- one call ---- */

static void put_where(const struct dap_session *session, struct ct_json_out *json,
                      const struct ctr_plan *plan)
{
    const struct ctr_path *path = plan != NULL ? ctr_path(session->trace, plan->path) : NULL;
    struct ctr_text none = {"", 0};
    dap_put_text(json, "rawName", plan != NULL ? plan->qualname : none);
    dap_put_text(json, "module", plan != NULL ? plan->module : none);
    dap_put_path(session, json, "path", path != NULL ? path->path : none);
    dap_put_line(session, json, "line", plan != NULL ? plan->first_line : 0);
}

static void put_call(const struct dap_session *session, struct ct_json_out *json,
                     const struct rp_calls *page, const struct rp_call *call, uint64_t depth)
{
    static const char *const exits[] = {
        [CTR_EXIT_NONE] = "running", [CTR_EXIT_RETURN] = "return", [CTR_EXIT_UNWIND] = "unwind"};
    const struct ctr_call *about = &call->about;
    ct_json_begin_object(json);
    ct_json_put_uint(json, "key", about->number);
    dap_put_number_or_null(json, "parent", about->parent);
    dap_put_thread(json, "threadId", about->thread);
    dap_put_number_or_null(json, "depth", depth);
    put_where(session, json, ctr_plan(session->trace, about->plan));
    dap_put_text(json, "args", rp_call_text(page, call->arguments, call->arguments_size));
    dap_put_text(json, "returnValue", rp_call_text(page, call->result, call->result_size));
    ct_json_put_text(json, "exit", exits[about->exit]);
    ct_json_put_uint(json, "children", call->children);
    ct_json_put_uint(json, "size", about->calls + 1);
    dap_put_number_or_null(json, "firstStep", call->has_steps ? call->first_step : UINT64_MAX);
    ct_json_put_uint(json, "steps", about->end - about->start);
    ct_json_end_object(json);
}

/* ---- pages ---- */

/* Of calls next to each other in a list, many have a parent in common, or the one is the other's:
 * their depths follow. */
struct depths {
    uint64_t parent, depth; /* of the one before */
};

/* The frames below it where it began. UINT64_MAX: nobody knows. */
static uint64_t depth_of(struct dap_session *session, struct depths *depths,
                         const struct rp_call *call)
{
    uint64_t depth = UINT64_MAX;
    bool is_known = depths->depth != UINT64_MAX;
    if (call->about.parent == CTR_NO_CALL) {
        depth = 0;
    } else if (is_known && depths->parent == call->about.parent) {
        depth = depths->depth;
    } else if (is_known && depths->parent == call->about.number && depths->depth > 0) {
        depth = depths->depth - 1;
    } else if (!call->has_steps || !rp_depth_at(session->replay, call->first_step, &depth)) {
        depth = UINT64_MAX;
    }
    *depths = (struct depths){call->about.parent, depth};
    return depth;
}

static int put_page(struct dap_request *request, const struct rp_calls *page, int status,
                    bool has_total, bool has_next)
{
    struct depths depths = {.depth = UINT64_MAX};
    struct ct_json_out *json = &request->body;
    ct_json_begin_object(json);
    dap_put_array(json, "calls");
    for (size_t i = 0; status == CT_OK && i < page->count; i++) {
        const struct rp_call *call = &page->calls[i];
        put_call(request->session, json, page, call, depth_of(request->session, &depths, call));
    }
    ct_json_end_array(json);
    dap_put_number_or_null(json, "total", has_total ? page->total : UINT64_MAX);
    ct_json_put_bool(json, "more", page->more);
    if (has_next) {
        dap_put_place(json, "next", page->next);
    }
    ct_json_end_object(json);
    return status;
}

static uint32_t read_count(struct dap_request *request)
{
    uint32_t count = dap_count(request, request->arguments, "count");
    return count < CALLS_MAX ? count : CALLS_MAX;
}

int dap_load_calls(struct dap_request *request)
{
    const json_t *from = request->arguments;
    struct rp_session *replay = request->session->replay;
    struct rp_calls page = {0};
    uint64_t parent = dap_uint(request, from, "parent", CTR_NO_CALL);
    uint32_t thread = dap_thread(request, from, "threadId", rp_now(replay)->thread);
    uint64_t start = dap_uint(request, from, "start", 0);
    uint64_t behind = dap_uint(request, from, "behind", CTR_NO_CALL);
    uint32_t count = read_count(request);
    bool has_parent = parent != CTR_NO_CALL;
    if (request->status != CT_OK) {
        return request->status;
    }
    int status =
        has_parent
            ? rp_call_children(replay, parent, start, count, &argument_text, &page, &request->error)
            : rp_call_roots(replay, thread, behind, count, &argument_text, &page, &request->error);
    if (has_parent) {
        page.more = start + page.count < page.total;
    }
    status = put_page(request, &page, status, has_parent, false);
    rp_calls_clear(&page);
    return status;
}

int dap_search_calls(struct dap_request *request)
{
    const json_t *from = request->arguments;
    struct dap_session *session = request->session;
    struct rp_calls page = {0};
    dap_need(request, from, "value");
    const char *value = dap_text(request, from, "value", "");
    bool backwards = dap_bool(request, from, "backwards", false);
    struct ctr_place start = backwards ? ctr_place_end(session->trace) : (struct ctr_place){0, 0};
    start = dap_place(request, from, "from", start);
    uint32_t count = read_count(request);
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = rp_calls_named(session->replay, value, start, backwards, count, &argument_text,
                                &page, &request->error);
    status = put_page(request, &page, status, false, true);
    rp_calls_clear(&page);
    return status;
}

int dap_call_path(struct dap_request *request)
{
    const json_t *from = request->arguments;
    struct rp_session *replay = request->session->replay;
    struct rp_calls page = {0};
    uint64_t call = dap_uint(request, from, "call", rp_now(replay)->call);
    uint32_t count = read_count(request);
    if (request->status != CT_OK) {
        return request->status;
    }
    int status = rp_call_path(replay, call, count, &argument_text, &page, &request->error);
    status = put_page(request, &page, status, false, false);
    rp_calls_clear(&page);
    return status;
}
